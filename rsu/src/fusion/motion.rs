//! How things move: several ways at once, each as likely as it has lately proved to be.
//!
//! An interacting multiple model filter over the states of `filter`: going steadily, changing speed
//! or turning briskly, turning at the rate seen so far, and standing. Each mode predicts and takes
//! measurements by itself; between frames they mix by how often road users change their ways. What
//! everybody else sees is the mixture: mean and covariance, the spread between the modes included.

use std::ops::Deref;

use nalgebra::{Matrix2, Vector2, Vector4};

use super::classify::agility;
use super::filter::{Fit, Kalman, triangle};
use crate::report::Class;

/// Ways of moving.
const MODES: usize = 4;
const STEADY: usize = 0;
const BRISK: usize = 1;
const TURNING: usize = 2;
const STANDING: usize = 3;

/// State of motion of one thing: reads as the mixture of its modes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Motion {
    whole: Kalman,
    modes: [Kalman; MODES],
    /// How likely each mode is; they sum to 1. A mode that cannot be has 0, and no state.
    weights: [f64; MODES],
    /// Of late, counter-clockwise.
    turn_radps: f64,
    /// Time since modes last could change.
    unmixed_s: f64,
    /// More than one mode is at work.
    several: bool,
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
            modes: [whole; MODES],
            weights: [0.35, 0.35, 0.1, 0.2],
            turn_radps: 0.0,
            unmixed_s: 0.0,
            several,
        }
    }

    /// Moves on by `dt_s`, which may be negative.
    pub(crate) fn predict(&mut self, dt_s: f64, class: Class) {
        if dt_s == 0.0 {
            return;
        }
        let q = agility(class);
        if !self.several {
            self.whole.predict(dt_s, q);
            return;
        }
        self.unmixed_s += dt_s.abs();
        if self.unmixed_s >= MIX_EVERY_S {
            self.mix(self.unmixed_s);
            self.unmixed_s = 0.0;
        }
        self.modes[STEADY].predict(dt_s, STEADY_SHARE * q);
        self.modes[BRISK].predict(dt_s, BRISK_SHARE * q);
        if self.weights[TURNING] > 0.0 {
            turn(&mut self.modes[TURNING], self.turn_radps * dt_s);
            self.modes[TURNING].predict(dt_s, TURNING_SHARE * q);
        }
        if self.weights[STANDING] > 0.0 {
            stand(&mut self.modes[STANDING], dt_s);
        }
        self.combine();
        // A turn that nothing confirms dies away.
        self.turn_radps *= 1.0 - (dt_s.abs() / TURN_LASTS_S).min(1.0);
    }

    /// Takes a measured position with its covariance, and the velocity if one was measured too.
    pub(crate) fn update(
        &mut self,
        (z, r): (Vector2<f64>, &Matrix2<f64>),
        velocity: Option<(Vector2<f64>, &Matrix2<f64>)>,
    ) {
        self.take(|mode| {
            let place = mode.update_position(z, r);
            let Some((zv, rv)) = velocity else {
                return place;
            };
            let speed = mode.update_velocity(zv, rv);
            Fit {
                d2: place.d2 + speed.d2,
                det: place.det * speed.det,
            }
        });
    }

    /// Takes a measured velocity with its covariance.
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) {
        self.take(|mode| mode.update_velocity(z, r));
    }

    /// Lets each mode take a measurement, and believes each by how well it had foreseen it.
    fn take(&mut self, update: impl Fn(&mut Kalman) -> Fit) {
        if !self.several {
            update(&mut self.whole);
            return;
        }
        let before = self.whole.velocity();
        let mut fits = [None; MODES];
        let modes = self.modes.iter_mut().zip(&self.weights).zip(&mut fits);
        for ((mode, weight), fit) in modes {
            if *weight > 0.0 {
                *fit = Some(update(mode));
            }
        }
        self.weigh(&fits);
        self.combine();
        self.note_turn(before);
    }

    /// Lets modes change: the longer the time, the likelier.
    fn mix(&mut self, dt_s: f64) {
        let leave = 1.0 - (-dt_s / CHANGE_AFTER_S).exp();
        let to: [[f64; MODES]; MODES] = [
            [1.0 - leave, 0.6 * leave, 0.3 * leave, 0.1 * leave],
            [0.6 * leave, 1.0 - leave, 0.2 * leave, 0.2 * leave],
            [0.5 * leave, 0.5 * leave, 1.0 - leave, 0.0],
            [0.1 * leave, 0.9 * leave, 0.0, 1.0 - leave],
        ];
        let can = self.possible();
        let parts = Parts::of(&self.modes, &self.weights, self.whole.x);
        let was = self.weights;
        for (j, (mode, weight)) in self.modes.iter_mut().zip(&mut self.weights).enumerate() {
            if !can[j] {
                *weight = 0.0;
                continue;
            }
            let mut share = [0.0; MODES];
            for (share, (row, was)) in share.iter_mut().zip(to.iter().zip(&was)) {
                *share = row[j] * was;
            }
            *weight = share.iter().sum();
            *mode = parts.mixed(&share);
        }
        let sum: f64 = self.weights.iter().sum();
        for weight in &mut self.weights {
            *weight /= sum;
        }
    }

    /// Which ways of moving are worth their while: what goes fast does not stand, and what goes straight
    /// turns no better than it goes steadily.
    fn possible(&self) -> [bool; MODES] {
        let turns = self.turn_radps.abs() > LEAST_TURN_RADPS;
        let speed = self.whole.velocity().norm();
        let stands = speed < STANDING_BELOW_MPS + 3.0 * self.whole.velocity_sigma_mps();
        [true, true, turns, stands]
    }

    fn weigh(&mut self, fits: &[Option<Fit>; MODES]) {
        let known = fits.iter().flatten();
        let nearest = known.map(|fit| fit.d2).fold(f64::INFINITY, f64::min);
        let likelihoods =
            fits.map(|fit| fit.map_or(0.0, |f| (-0.5 * (f.d2 - nearest)).exp() / f.det.sqrt()));
        let most = likelihoods.iter().copied().fold(0.0, f64::max);
        let mut sum = 0.0;
        for (weight, likelihood) in self.weights.iter_mut().zip(&likelihoods) {
            if *weight > 0.0 {
                *weight = (*weight * likelihood / most).max(LEAST_WEIGHT);
                sum += *weight;
            }
        }
        for weight in &mut self.weights {
            *weight /= sum;
        }
    }

    fn combine(&mut self) {
        self.whole = Parts::of(&self.modes, &self.weights, self.whole.x).mixed(&self.weights);
    }

    /// The update turned the velocity: part of that is the turn.
    fn note_turn(&mut self, before: Vector2<f64>) {
        let after = self.whole.velocity();
        let speed = before.norm().min(after.norm());
        if speed > TURN_LEAST_MPS {
            let angle = before.perp(&after) / (before.norm() * after.norm());
            // An update shows a share of what the model lacked over about a third of a second.
            let sure = (1.0 - 3.0 * self.whole.velocity_sigma_mps() / speed).max(0.0);
            self.turn_radps = (self.turn_radps + TURN_GAIN * sure * angle)
                .clamp(-MOST_TURN_RADPS, MOST_TURN_RADPS);
        } else {
            self.turn_radps = 0.0;
        }
    }
}

/// What modes add to a mixture, by means about a common point: where each of them is from there, and the
/// square of that with its covariance. Made once, it serves for several mixtures of the same modes.
struct Parts {
    about: Vector4<f64>,
    modes: [([f64; 4], [f64; 10]); MODES],
}

impl Parts {
    #[inline]
    fn of(modes: &[Kalman; MODES], weights: &[f64; MODES], about: Vector4<f64>) -> Self {
        let each = |n: usize| {
            let mode = &modes[n];
            if weights[n] == 0.0 {
                return ([0.0; 4], [0.0; 10]);
            }
            let d: [f64; 4] = (mode.x - about).into();
            (d, triangle(|n, i, j| mode.p[n] + d[i] * d[j]))
        };
        Self {
            about,
            modes: [each(0), each(1), each(2), each(3)],
        }
    }

    /// The mixture by shares, which need not sum to 1.
    #[inline]
    fn mixed(&self, share: &[f64; MODES]) -> Kalman {
        // Modes that hardly count are left out: most things move in one or two ways.
        let sum: f64 = share.iter().sum();
        let counts = share.map(|s| if s > NEGLIGIBLE * sum { s } else { 0.0 });
        let whole = 1.0 / counts.iter().sum::<f64>();
        let (mut mean, mut p) = ([0.0; 4], [0.0; 10]);
        for ((means, squares), count) in self.modes.iter().zip(&counts) {
            let s = count * whole;
            if s == 0.0 {
                continue;
            }
            for (mean, part) in mean.iter_mut().zip(means) {
                *mean += s * part;
            }
            for (p, part) in p.iter_mut().zip(squares) {
                *p += s * part;
            }
        }
        Kalman {
            x: self.about + Vector4::from(mean),
            p: triangle(|n, i, j| p[n] - mean[i] * mean[j]),
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

/// A standing thing keeps its place, and its velocity is none but for a tremor.
fn stand(mode: &mut Kalman, dt_s: f64) {
    mode.x[2] = 0.0;
    mode.x[3] = 0.0;
    let [ee, en, _, _, nn, ..] = mode.p;
    let creep = CREEP * dt_s.abs();
    let still = TREMOR_MPS * TREMOR_MPS;
    mode.p = [
        ee + creep,
        en,
        0.0,
        0.0,
        nn + creep,
        0.0,
        0.0,
        still,
        0.0,
        still,
    ];
}

/// Acceleration of each mode, as a share of what the class usually shows.
const STEADY_SHARE: f64 = 0.15;
const BRISK_SHARE: f64 = 3.0;
const TURNING_SHARE: f64 = 0.4;
/// Modes mix no more often than this, to save time.
const MIX_EVERY_S: f64 = 0.045;
/// For how long a road user keeps to one way of moving, on average.
const CHANGE_AFTER_S: f64 = 3.0;
/// How much of the turn that an update shows is added to the rate.
const TURN_GAIN: f64 = 0.7;
/// Smaller shares of a mixture do not count.
const NEGLIGIBLE: f64 = 1e-3;
/// No mode is ever out of the question.
const LEAST_WEIGHT: f64 = 1e-4;
/// How fast the place of a standing thing becomes unsure, m²/s.
const CREEP: f64 = 0.01;
const TREMOR_MPS: f64 = 0.1;
/// Below this rate of turn nothing is gained by foreseeing it.
const LEAST_TURN_RADPS: f64 = 0.02;
/// Faster than this, with what is not known of it, nothing stands.
const STANDING_BELOW_MPS: f64 = 3.0;
const TURN_LEAST_MPS: f64 = 2.0;
const MOST_TURN_RADPS: f64 = 0.8;
const TURN_LASTS_S: f64 = 1.0;

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
            motion.predict(0.1, Class::Car);
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
        let error = |mut motion: Motion| {
            motion.predict(0.5, Class::Car);
            (motion.position() - Vector2::new(truth.0, truth.1)).norm()
        };
        assert!(error(motion) < 0.8, "{}", error(motion));
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
