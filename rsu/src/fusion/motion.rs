//! How things move: several ways at once, each as likely as it has lately proved to be.
//!
//! An interacting multiple model filter over the states of `filter`: going steadily, changing speed
//! or turning briskly, turning at the rate seen so far, and standing. Each mode predicts and takes
//! measurements by itself; between frames they mix by how often road users change their ways. What
//! everybody else sees is the mixture (`mixture`): mean and covariance, the spread between the modes
//! included. The two ways of going straight are filtered side by side (`pair`), and what stands is
//! filtered as what stands (`standing`). Whoever goes gathers or loses speed as of late, for a while.

use std::ops::Deref;

use nalgebra::{Matrix2, Vector2};
use wide::f64x2;

use super::classify::agility;
use super::filter::{Fit, Kalman};
use super::mixture::{
    change, counts, counts_of_two, crossed, heading_for, moving, placed, placed_and_moving,
};
use super::pace::{Changes, Pace, after_standing};
use super::pair::Pair;
use super::standing::Standing;
use crate::report::Class;

/// Ways of moving.
pub(crate) const MODES: usize = 4;
pub(crate) const STEADY: usize = 0;
pub(crate) const BRISK: usize = 1;
pub(crate) const TURNING: usize = 2;
pub(crate) const STANDING: usize = 3;

/// State of motion of one thing: reads as the mixture of its modes. In this order for the same reason as
/// [`Target`](super::target::Target).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Motion {
    whole: Kalman,
    /// How likely each mode is; they sum to 1. A mode that cannot be has 0, and no state.
    weights: [f64; MODES],
    /// Of late, counter-clockwise.
    turn_radps: f64,
    /// Speed gained of late; who slows down loses.
    gains_mps2: f64,
    /// Time since modes last could change.
    unmixed_s: f64,
    /// So long it has most likely stood.
    stood_s: f64,
    /// More than one mode is at work.
    several: bool,
    /// What of the mixture's covariance is as it should be.
    known: Known,
    modes: Modes,
}

/// What of a mixture's covariance has been worked out: mostly a measurement is taken before the rest is asked
/// for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// What is of the place.
    Place,
    /// And what is of the velocity.
    BySelf,
    /// And what is of both.
    All,
}

/// The state of each mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Modes {
    /// Steady and brisk.
    pub(crate) going: Pair,
    pub(crate) turning: Kalman,
    pub(crate) standing: Standing,
}

impl Deref for Motion {
    type Target = Kalman;
    fn deref(&self) -> &Kalman {
        &self.whole
    }
}

impl Motion {
    /// See [`Kalman::new`]; with one mode of constant velocity only, unless `several`.
    pub(crate) fn new(
        position: Vector2<f64>,
        cov: Matrix2<f64>,
        speed_sigma_mps: f64,
        several: bool,
    ) -> Self {
        let whole = Kalman::new(position, cov, speed_sigma_mps);
        Self {
            whole,
            modes: Modes {
                going: Pair::both(&whole),
                turning: whole,
                standing: Standing::of(&whole),
            },
            weights: [0.35, 0.35, 0.1, 0.2],
            turn_radps: 0.0,
            gains_mps2: 0.0,
            unmixed_s: 0.0,
            stood_s: 0.0,
            several,
            known: Known::All,
        }
    }

    /// Moves on. How sure the velocity is, is not known before [`Self::settle`].
    pub(crate) fn predict(&mut self, pace: &mut Pace, class: Class) {
        let dt_s = pace.dt_s;
        if dt_s == 0.0 {
            return;
        }
        let q = agility(class);
        if !self.several {
            self.whole.predict(dt_s, q);
            return;
        }
        self.unmixed_s += dt_s.abs();
        let changes = self.unmixed_s >= MIX_EVERY_S;
        if changes {
            self.settle();
        }
        let gained = self.gained(dt_s);
        let ahead = |mut going: Pair| {
            going.x[2] += f64x2::splat(gained[0]);
            going.x[3] += f64x2::splat(gained[1]);
            going.predict(dt_s, &pace.noise, [STEADY_SHARE * q, BRISK_SHARE * q]);
            going
        };
        // Weights before states: what they wait for comes while these are worked out.
        let count;
        if changes {
            let can = self.possible();
            self.stood_s = if self.weights[STANDING] > 0.5 {
                self.stood_s + self.unmixed_s
            } else {
                0.0
            };
            let counts = self.reweigh(pace.changes.after(self.unmixed_s), &can);
            count = self.counts();
            change(&mut self.modes, &counts, &can, ahead);
            self.unmixed_s = 0.0;
        } else {
            count = self.counts();
            self.modes.going = ahead(self.modes.going);
        }
        let modes = &mut self.modes;
        modes.turning.x[2] += gained[0];
        modes.turning.x[3] += gained[1];
        if self.weights[TURNING] > 0.0 {
            turn(&mut modes.turning, self.turn_radps * dt_s);
            modes.turning.predict(dt_s, TURNING_SHARE * q);
        }
        if self.weights[STANDING] > 0.0 {
            modes.standing.predict(dt_s);
        }
        placed(&self.modes, &count, &mut self.whole);
        heading_for(&self.modes, &count, &mut self.whole);
        self.known = Known::Place;
        // What nothing confirms dies away.
        let lasts = 1.0 - (dt_s.abs() / CHANGE_LASTS_S).min(1.0);
        self.turn_radps *= lasts;
        self.gains_mps2 *= lasts;
    }

    /// Works out how sure the velocity is.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.known == Known::Place {
            moving(&self.modes, &self.counts(), &mut self.whole);
            self.known = Known::BySelf;
        }
    }

    /// Works out what place and velocity have to do with each other too: asked for where a velocity was
    /// measured.
    pub(crate) fn settle_all(&mut self) {
        if self.known == Known::All {
            return;
        }
        let count = self.counts();
        if self.known == Known::Place {
            moving(&self.modes, &count, &mut self.whole);
        }
        crossed(&self.modes, &count, &mut self.whole);
        self.known = Known::All;
    }

    /// Whether it need not move on to be what it is then.
    #[inline]
    pub(crate) fn is_as_of(&self, pace: &Pace) -> bool {
        pace.dt_s == 0.0 && self.known != Known::Place
    }

    /// What it would be if it moved on.
    pub(crate) fn predicted(&self, pace: &mut Pace, class: Class) -> Kalman {
        let mut later = *self;
        later.predict(pace, class);
        later.settle();
        later.whole
    }

    /// Takes a measured position with its covariance, and the velocity if one was measured too.
    pub(crate) fn update(
        &mut self,
        (z, r): (Vector2<f64>, &Matrix2<f64>),
        velocity: Option<(Vector2<f64>, &Matrix2<f64>)>,
    ) {
        if !self.several {
            self.whole.update_position(z, r);
            if let Some((zv, rv)) = velocity {
                self.whole.update_velocity(zv, rv);
            }
            return;
        }
        let Some((zv, rv)) = velocity else {
            // How well it fits is asked first, of copies: what the weights wait for comes while it is taken.
            let fits = self.fit_each(
                |going| { *going }.update_position(z, r),
                |turning| { *turning }.update_position(z, r),
                |standing| { *standing }.update_position(z, r),
            );
            let count = self.weigh(&fits);
            self.fit_each(
                |going| going.update_position(z, r),
                |turning| turning.update_position(z, r),
                |standing| standing.update_position(z, r),
            );
            self.note(&count);
            return;
        };
        let mut fits = self.fit_each(
            |going| going.update_position(z, r),
            |turning| turning.update_position(z, r),
            |standing| standing.update_position(z, r),
        );
        let speeds = self.fit_each(
            |going| going.update_velocity(zv, rv),
            |turning| turning.update_velocity(zv, rv),
            |standing| standing.update_velocity(zv, rv),
        );
        for (fit, speed) in fits.iter_mut().zip(speeds) {
            fit.d2 += speed.d2;
            fit.det *= speed.det;
        }
        self.believe(&fits);
    }

    /// Takes a measured velocity with its covariance.
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) {
        if !self.several {
            self.whole.update_velocity(z, r);
            return;
        }
        let fits = self.fit_each(
            |going| going.update_velocity(z, r),
            |turning| turning.update_velocity(z, r),
            |standing| standing.update_velocity(z, r),
        );
        self.believe(&fits);
    }

    /// Lets each mode that can be take a measurement; how well each had foreseen it.
    #[inline(always)]
    fn fit_each(
        &mut self,
        going: impl Fn(&mut Pair) -> [Fit; 2],
        turning: impl Fn(&mut Kalman) -> Fit,
        standing: impl Fn(&mut Standing) -> Fit,
    ) -> [Fit; MODES] {
        let modes = &mut self.modes;
        let [steady, brisk] = going(&mut modes.going);
        let mut fits = [steady, brisk, Fit::NONE, Fit::NONE];
        if self.weights[TURNING] > 0.0 {
            fits[TURNING] = turning(&mut modes.turning);
        }
        if self.weights[STANDING] > 0.0 {
            fits[STANDING] = standing(&mut modes.standing);
        }
        fits
    }

    /// Believes each mode by how well it had foreseen a measurement.
    #[inline(always)]
    fn believe(&mut self, fits: &[Fit; MODES]) {
        let count = self.weigh(fits);
        self.note(&count);
    }

    /// The mixture is what the modes have become, by how much each counts.
    #[inline(always)]
    fn note(&mut self, count: &[f64; MODES]) {
        let before = self.whole.velocity();
        placed_and_moving(&self.modes, count, &mut self.whole);
        self.known = Known::BySelf;
        self.note_turn(before);
    }

    /// How likely each mode that can be is after a change; how much each counted for what they become, of the steady
    /// and the brisk one and of the turning and the standing one.
    #[inline(always)]
    fn reweigh(&mut self, to: &Changes, can: &[bool; MODES]) -> [[f64x2; MODES]; 2] {
        let standing = after_standing(&to[STANDING], self.stood_s);
        let rows = [&to[STEADY], &to[BRISK], &to[TURNING], &standing];
        // Side by side: to the steady and the brisk mode, to the turning and the standing one.
        let of_pair = |first: usize| {
            counts_of_two(&[0, 1, 2, 3].map(|i: usize| {
                f64x2::new([rows[i][first], rows[i][first + 1]]) * f64x2::splat(self.weights[i])
            }))
        };
        let (going, others) = (of_pair(STEADY), of_pair(TURNING));
        let ([steady, brisk], [turning, standing]) = (going.1.to_array(), others.1.to_array());
        let weights = [
            steady,
            brisk,
            if can[TURNING] { turning } else { 0.0 },
            if can[STANDING] { standing } else { 0.0 },
        ];
        let share = 1.0 / ((weights[0] + weights[1]) + (weights[2] + weights[3]));
        self.weights = weights.map(|weight| weight * share);
        [going.0, others.0]
    }

    /// Which ways of moving are worth their while: what goes fast does not stand, and what goes straight
    /// turns no better than it goes steadily.
    fn possible(&self) -> [bool; MODES] {
        let turns = self.turn_radps.abs() > LEAST_TURN_RADPS;
        let speed = self.whole.velocity().norm();
        let stands = speed < STANDING_BELOW_MPS
            || speed < STANDING_BELOW_MPS + 3.0 * self.whole.velocity_sigma_mps();
        [true, true, turns, stands]
    }

    #[inline(always)]
    fn weigh(&mut self, fits: &[Fit; MODES]) -> [f64; MODES] {
        let nearest = fits.iter().map(|fit| fit.d2).fold(f64::INFINITY, f64::min);
        // The logarithm's inverse is what costs most here, and at the ends it is known.
        let agrees = fits.map(|fit| {
            let farther = fit.d2 - nearest;
            if farther <= 0.0 {
                1.0
            } else if farther < f64::INFINITY {
                (-0.5 * farther).exp()
            } else {
                0.0
            }
        });
        let pair = |of: [f64; MODES]| [f64x2::new([of[0], of[1]]), f64x2::new([of[2], of[3]])];
        let det = pair(fits.map(|fit| fit.det));
        let agrees = pair(agrees);
        let likelihoods = [agrees[0] / det[0].sqrt(), agrees[1] / det[1].sqrt()];
        // All is of the likeliest mode's, and by what it sums to it is divided once.
        let [one, other] = likelihoods[0].fast_max(likelihoods[1]).to_array();
        let least = f64x2::splat(LEAST_WEIGHT * one.max(other));
        let weights = pair(self.weights);
        let [going, others] = [0, 1].map(|n: usize| {
            let weight = (weights[n] * likelihoods[n]).fast_max(least);
            weight & weights[n].simd_gt(f64x2::ZERO)
        });
        let [one, other] = (going + others).to_array();
        let sum = one + other;
        let share = f64x2::splat(1.0 / sum);
        let ([a, b], [c, d]) = ((going * share).to_array(), (others * share).to_array());
        self.weights = [a, b, c, d];
        counts([going, others], sum)
    }

    /// How much each mode counts.
    #[inline(always)]
    fn counts(&self) -> [f64; MODES] {
        let [a, b, c, d] = self.weights;
        counts([f64x2::new([a, b]), f64x2::new([c, d])], 1.0)
    }

    /// What it gains of speed in a span of time, if it goes on as of late. Taken at the beginning of the span: its
    /// place comes out millimetres ahead.
    fn gained(&self, dt_s: f64) -> [f64; 2] {
        if self.gains_mps2.abs() < LEAST_GAINS_MPS2 {
            return [0.0; 2];
        }
        let velocity = self.whole.velocity();
        let speed = velocity.norm();
        // Nobody brakes beyond standing still.
        let share = (self.gains_mps2 * dt_s / speed.max(TURN_LEAST_MPS)).max(-1.0);
        [share * velocity.x, share * velocity.y]
    }

    /// The update turned the velocity and made it longer or shorter: part of that is the turn, and part is that
    /// it gathers speed or slows down.
    fn note_turn(&mut self, before: Vector2<f64>) {
        let after = self.whole.velocity();
        let speed = before.norm().min(after.norm());
        if speed > TURN_LEAST_MPS {
            let angle = before.perp(&after) / (before.norm() * after.norm());
            // An update shows a share of what the model lacked over about a third of a second.
            let sure = (1.0 - 3.0 * self.whole.velocity_sigma_mps() / speed).max(0.0);
            self.turn_radps = (self.turn_radps + TURN_GAIN * sure * angle)
                .clamp(-MOST_TURN_RADPS, MOST_TURN_RADPS);
            let gained = after.norm() - before.norm();
            self.gains_mps2 = (self.gains_mps2 + GAINS_GAIN * sure * gained)
                .clamp(-MOST_GAINS_MPS2, MOST_GAINS_MPS2);
        } else {
            self.turn_radps = 0.0;
            self.gains_mps2 = 0.0;
        }
    }
}

/// Turns the velocity by an angle, its covariance with it.
fn turn(mode: &mut Kalman, angle: f64) {
    if angle == 0.0 {
        return;
    }
    let (sin, cos) = angle.sin_cos();
    let (a, b) = (mode.x[2], mode.x[3]);
    mode.x[2] = cos * a - sin * b;
    mode.x[3] = sin * a + cos * b;
    let [ee, en, eve, evn, nn, nve, nvn, vee, ven, vnn] = mode.p;
    let cross = 2.0 * sin * cos * ven;
    mode.p = [
        ee,
        en,
        cos * eve - sin * evn,
        sin * eve + cos * evn,
        nn,
        cos * nve - sin * nvn,
        sin * nve + cos * nvn,
        cos * cos * vee - cross + sin * sin * vnn,
        sin * cos * (vee - vnn) + (cos * cos - sin * sin) * ven,
        sin * sin * vee + cross + cos * cos * vnn,
    ];
}

/// Acceleration of each mode, as a share of what the class usually shows.
const STEADY_SHARE: f64 = 0.15;
const BRISK_SHARE: f64 = 3.0;
const TURNING_SHARE: f64 = 0.4;
/// Modes mix no more often than this, to save time.
const MIX_EVERY_S: f64 = 0.045;
/// How much of the turn that an update shows is added to the rate.
const TURN_GAIN: f64 = 0.7;
/// The same of speed.
const GAINS_GAIN: f64 = 1.0;
/// No mode is ever out of the question.
const LEAST_WEIGHT: f64 = 1e-4;
/// Below this rate of turn nothing is gained by foreseeing it.
const LEAST_TURN_RADPS: f64 = 0.02;
/// Faster than this, with what is not known of it, nothing stands.
const STANDING_BELOW_MPS: f64 = 3.0;
const TURN_LEAST_MPS: f64 = 2.0;
const MOST_TURN_RADPS: f64 = 0.8;
/// Below this nothing is gained by foreseeing it.
const LEAST_GAINS_MPS2: f64 = 0.05;
/// Harder nobody speeds up or brakes for long.
const MOST_GAINS_MPS2: f64 = 4.0;
const CHANGE_LASTS_S: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::Dice;

    /// Follows a path by positions at 10 Hz with 0.3 m of error; the motion at its end.
    fn follow(several: bool, seconds: f64, path: impl Fn(f64) -> (f64, f64)) -> Motion {
        let mut dice = Dice::new(31);
        let r = Matrix2::identity() * 0.09;
        let start = path(0.0);
        let mut motion = Motion::new(Vector2::new(start.0, start.1), r, 10.0, several);
        for step in 1..=(seconds * 10.0) as u32 {
            let (east, north) = path(f64::from(step) / 10.0);
            let z = Vector2::new(east + 0.3 * dice.normal(), north + 0.3 * dice.normal());
            motion.predict(&mut Pace::new(0.1), Class::Car);
            motion.update((z, &r), None);
        }
        motion
    }

    #[test]
    fn what_stands_is_known_to_stand() {
        let still = |_: f64| (5.0, 5.0);
        let (one, several) = (follow(false, 10.0, still), follow(true, 10.0, still));
        assert!(several.weights[STANDING] > 0.5, "{:?}", several.weights);
        assert!(several.velocity().norm() < one.velocity().norm().max(0.1));
        assert!(several.position_sigma_m() < one.position_sigma_m());
    }

    #[test]
    fn what_goes_steadily_is_known_better_than_by_one_mode() {
        let straight = |t: f64| (12.0 * t, 0.0);
        let (one, several) = (follow(false, 8.0, straight), follow(true, 8.0, straight));
        assert!((several.velocity() - Vector2::new(12.0, 0.0)).norm() < 0.4);
        assert!(several.weights[STEADY] > several.weights[BRISK]);
        let error = |motion: &Motion| (motion.velocity() - Vector2::new(12.0, 0.0)).norm();
        assert!(error(&several) < error(&one) + 0.1);
    }

    #[test]
    fn a_turn_is_predicted_to_go_on() {
        // A left turn of 15 m at 7.5 m/s: half a radian a second.
        let bend = |t: f64| (15.0 * (0.5 * t).sin(), 15.0 - 15.0 * (0.5 * t).cos());
        let motion = follow(true, 3.0, bend);
        assert!(motion.turn_radps > 0.1, "{}", motion.turn_radps);
        let truth = bend(3.5);
        let error = |motion: Motion| {
            let later = motion.predicted(&mut Pace::new(0.5), Class::Car);
            (later.position() - Vector2::new(truth.0, truth.1)).norm()
        };
        assert!(error(motion) < 0.8, "{}", error(motion));
    }

    #[test]
    fn a_change_of_speed_is_expected_to_go_on() {
        let gains = |from_mps: f64, mps2: f64| {
            let path = |t: f64| (from_mps * t + 0.5 * mps2 * t * t, 0.0);
            follow(true, 5.0, path).gains_mps2
        };
        let (faster, steady, slower) = (gains(6.0, 1.5), gains(12.0, 0.0), gains(15.0, -1.5));
        assert!((0.3..1.6).contains(&faster), "{faster}");
        assert!(steady.abs() < 0.4, "{steady}");
        assert!((-1.6..-0.3).contains(&slower), "{slower}");
    }

    #[test]
    fn a_start_from_standing_is_followed() {
        let start = |t: f64| {
            (
                if t < 5.0 {
                    0.0
                } else {
                    1.25 * (t - 5.0).powi(2)
                },
                0.0,
            )
        };
        let motion = follow(true, 8.0, start);
        // From positions alone the speed lags; a radar's range rate closes the gap.
        let speed_error = (motion.velocity().x - 7.5).abs();
        assert!(speed_error < 2.0, "{speed_error}");
        let place_error = (motion.position().x - 11.25).abs();
        assert!(place_error < 1.0, "{place_error}");
    }
}
