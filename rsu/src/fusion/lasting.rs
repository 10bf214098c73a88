//! Errors that last: what a track takes over from its sensors and no number of frames averages out.
//!
//! The filter (`filter`, `motion`) takes the error of each frame for a new one. Two kinds are not: a
//! sensor that stands or looks a little otherwise than it was surveyed is off by the same for everybody and
//! for ever, and the point that a device takes for the middle of a body stays where it is for a second or
//! two. Filtered as if they were new, such errors leave tracks that are surer than they are right.
//!
//! So it is followed beside the filter, after Schmidt, how much of them a track has taken over: of each
//! sensor's constant error the share that is in the track's position now, and of the errors that fade
//! their covariance with that of the position. What the filter does is left as it is; what is published is
//! the covariance of both. Velocities are not looked at: what lasts in a place is not seen in a speed.
//!
//! How much of a sensor's error fades instead of being new is supposed by its kind at first and learnt
//! then: misses of one sensor in a row on one track are alike by as much as the error lasts and the track has
//! not taken it over ([`Lasting::alike`]). A track that only one sensor sees takes it over whole and tells
//! little; there the supposition stands.

use nalgebra::{Matrix2, Vector2};

use super::config::Sensor;
use super::filter::matrix;
use super::precision::Precision;
use crate::report::Covariance;

/// Sensors of whose errors a track keeps account; of more, the one that counts least is forgotten.
const TIES: usize = 4;
/// Where a thing is of which nothing is known yet.
pub(crate) const ANYWHERE: Covariance = Covariance {
    ee: 1e6,
    en: 0.0,
    nn: 1e6,
};
/// A point on a body, or the error of a device that tracks, lasts about so long. Assumed: about the
/// time in which a road user turns another side to the sensor, and the memory of trackers in devices.
const FADES_S: f64 = 1.5;

/// What lasts in the position of one track.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lasting {
    ties: [Option<Tie>; TIES],
    /// Covariance of the position by errors that fade, beyond what the filter makes of them: east, both, north.
    own: [f32; 3],
}

/// What one sensor has to do with it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tie {
    sensor: u8,
    /// The share of its constant error that is in the position, row by row.
    share: [f32; 4],
    /// Covariance of the position with its error that fades, row by row.
    with: [f32; 4],
    /// How far it was off when it was taken last, for how long that is ago, and what the product of that and
    /// the next miss is expected to be.
    miss_m: [f32; 2],
    age_s: f32,
    alike_m2: f32,
}

impl Lasting {
    /// Time goes on: what fades is another error by and by.
    pub(crate) fn fade(&mut self, dt_s: f64) {
        let keep = (1.0 / (1.0 + dt_s.abs() / FADES_S)) as f32;
        for tie in self.ties.iter_mut().flatten() {
            for with in &mut tie.with {
                *with *= keep;
            }
            tie.age_s += dt_s.abs() as f32;
        }
    }

    /// A position was taken: `before` is how sure the track's was, `r` how sure the filter took the new one
    /// to be, `lasts` the part of that which fades.
    pub(crate) fn take(
        &mut self,
        sensor: usize,
        before: Covariance,
        (r, lasts): (&Matrix2<f64>, &Matrix2<f64>),
        miss: Vector2<f64>,
    ) {
        let before = matrix(before);
        let gain = before * super::filter::inverse(&(before + r));
        let rest = Matrix2::identity() - gain;
        let slot = self.slot(sensor as u8);
        let with = self.ties[slot].map_or(Matrix2::zeros(), |tie| whole(&tie.with));
        // What is left of it in the next miss: the part that the track had not taken over yet.
        let strange = lasts - with - with.transpose() + matrix(self.own());
        let alike_m2 = (rest * strange).trace().max(0.0);
        // What the new one brings by itself the filter knows, for `r` holds it; not that it is the same again.
        let cross = rest * with * gain.transpose();
        let own = rest * matrix(self.own()) * rest.transpose() + cross + cross.transpose();
        self.own = [
            own[(0, 0)].max(0.0) as f32,
            own[(0, 1)] as f32,
            own[(1, 1)].max(0.0) as f32,
        ];
        for (place, tie) in self.ties.iter_mut().enumerate() {
            let Some(tie) = tie else { continue };
            let (mut share, mut with) = (rest * whole(&tie.share), rest * whole(&tie.with));
            if place == slot {
                share += gain;
                with += gain * lasts;
                tie.miss_m = [miss.x as f32, miss.y as f32];
                (tie.age_s, tie.alike_m2) = (0.0, alike_m2 as f32);
            } else {
                tie.alike_m2 *= (0.5 * rest.trace()).clamp(0.0, 1.0) as f32;
            }
            (tie.share, tie.with) = (rows(&share), rows(&with));
        }
    }

    /// A miss of a sensor beside its last one: how alike they are, and how alike they should be, m²; None for
    /// the first, or after so long that nothing is left.
    pub(crate) fn alike(&self, sensor: usize, miss: Vector2<f64>) -> Option<(f64, f64)> {
        let mut ties = self.ties.iter().flatten();
        let tie = ties.find(|tie| usize::from(tie.sensor) == sensor)?;
        let age_s = f64::from(tie.age_s);
        if age_s <= 0.0 || age_s > 0.5 * FADES_S {
            return None;
        }
        let last = Vector2::from(tie.miss_m.map(f64::from));
        let keep = 1.0 / (1.0 + age_s / FADES_S);
        Some((last.dot(&miss), keep * f64::from(tie.alike_m2)))
    }

    /// The share of a sensor's constant error that is in the position.
    pub(crate) fn share_of(&self, sensor: usize) -> f64 {
        let mut ties = self.ties.iter().flatten();
        let tie = ties.find(|tie| usize::from(tie.sensor) == sensor);
        tie.map_or(0.0, |tie| f64::from(0.5 * (tie.share[0] + tie.share[3])))
    }

    /// Covariance of what lasts in a position, by the sensors' own.
    pub(crate) fn covariance(
        &self,
        position: Vector2<f64>,
        (sensors, precision): (&[Sensor], &[Precision]),
    ) -> Covariance {
        let mut sum = matrix(self.own());
        for tie in self.ties.iter().flatten() {
            let sensor = usize::from(tie.sensor);
            if let Some((sensor, precision)) = sensors.get(sensor).zip(precision.get(sensor)) {
                let share = whole(&tie.share);
                sum += share * precision.doubt(sensor, position) * share.transpose();
            }
        }
        Covariance {
            ee: sum[(0, 0)],
            en: sum[(0, 1)],
            nn: sum[(1, 1)],
        }
    }

    /// Rounding and turning bodies may leave a little less than a covariance.
    fn own(&self) -> Covariance {
        let [ee, en, nn] = self.own.map(f64::from);
        let most = (ee * nn).sqrt();
        Covariance {
            ee,
            // Not `clamp`, which does not take bounds that are no numbers.
            en: en.max(-most).min(most),
            nn,
        }
    }

    /// The place of a sensor's account, opened if it has none.
    fn slot(&mut self, sensor: u8) -> usize {
        let ours = |tie: &Option<Tie>| tie.is_some_and(|tie| tie.sensor == sensor);
        if let Some(slot) = self.ties.iter().position(ours) {
            return slot;
        }
        let counts = |tie: &Option<Tie>| tie.map_or(-1.0, |tie| tie.share[0] + tie.share[3]);
        let least = (0..TIES).min_by(|&a, &b| {
            let (a, b) = (counts(&self.ties[a]), counts(&self.ties[b]));
            a.total_cmp(&b)
        });
        let slot = least.unwrap_or(0);
        self.ties[slot] = Some(Tie {
            sensor,
            share: [0.0; 4],
            with: [0.0; 4],
            miss_m: [0.0; 2],
            age_s: 0.0,
            alike_m2: 0.0,
        });
        slot
    }
}

fn whole(rows: &[f32; 4]) -> Matrix2<f64> {
    let [a, b, c, d] = rows.map(f64::from);
    Matrix2::new(a, b, c, d)
}

fn rows(m: &Matrix2<f64>) -> [f32; 4] {
    [
        m[(0, 0)] as f32,
        m[(0, 1)] as f32,
        m[(1, 0)] as f32,
        m[(1, 1)] as f32,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::filter::Kalman;
    use crate::fusion::testing::Dice;

    /// A thing that stands, seen at 10 Hz with 0.2 m of new error a frame and `lasting` of one that fades
    /// in `fades_s`; mean square of what is left over what is claimed, without and with what lasts.
    fn claims(lasting_m: f64, fades_s: f64, seed: u64) -> (f64, f64) {
        let mut dice = Dice::new(seed);
        let lasts = Matrix2::identity() * (lasting_m * lasting_m);
        let r = Matrix2::identity() * 0.04 + lasts;
        let none = Vector2::zeros();
        let (mut plain, mut whole, mut count) = (0.0, 0.0, 0.0);
        for _ in 0..200 {
            let mut off = Vector2::new(dice.normal(), dice.normal()) * lasting_m;
            let mut state = Kalman::new(off, r, 0.1);
            let mut account = Lasting::default();
            account.take(0, ANYWHERE, (&r, &lasts), none);
            for _ in 0..80 {
                state.predict(0.1, 0.02);
                account.fade(0.1);
                let keep = (-0.1 / fades_s).exp();
                let stir = lasting_m * (1.0 - keep * keep).sqrt();
                off = off * keep + Vector2::new(dice.normal(), dice.normal()) * stir;
                let z = off + Vector2::new(dice.normal(), dice.normal()) * 0.2;
                account.take(0, state.position_cov(), (&r, &lasts), none);
                state.update_position(z, &r);
            }
            let square = state.position().norm_squared();
            let (p, l) = (state.position_cov(), account.own());
            plain += square / (p.ee + p.nn);
            whole += square / (p.ee + p.nn + l.ee + l.nn);
            count += 1.0;
        }
        (plain / count, whole / count)
    }

    #[test]
    fn an_error_that_lasts_is_claimed_and_one_that_does_not_costs_nothing() {
        let (plain, whole) = claims(0.5, FADES_S, 3);
        assert!(plain > 4.0, "{plain}, seed 3");
        assert!((0.75..1.35).contains(&whole), "{whole}, seed 3");
        let (plain, whole) = claims(0.0, FADES_S, 4);
        assert!((plain - whole).abs() < 1e-9);
        assert!((0.7..1.3).contains(&plain), "{plain}, seed 4");
    }

    #[test]
    fn one_that_lasts_longer_or_shorter_than_assumed_is_not_claimed_far_wrong() {
        for fades_s in [0.7, 4.0] {
            let (_, whole) = claims(0.5, fades_s, 5);
            assert!((0.5..1.8).contains(&whole), "{fades_s} s: {whole}, seed 5");
        }
    }

    #[test]
    fn shares_of_constant_errors_sum_to_one_and_those_of_the_silent_fade() {
        let p = Covariance {
            ee: 0.1,
            en: 0.02,
            nn: 0.2,
        };
        let r = Matrix2::identity() * 0.3;
        let none = Matrix2::zeros();
        let mut account = Lasting::default();
        account.take(9, ANYWHERE, (&r, &none), Vector2::zeros());
        for step in 0..400 {
            account.take(step % 7, p, (&r, &none), Vector2::zeros());
        }
        let all = account.ties.iter().flatten();
        let sum: Matrix2<f64> = all.clone().map(|tie| whole(&tie.share)).sum();
        assert!(account.ties.iter().flatten().count() == TIES);
        assert!(sum.trace() < 2.0 + 1e-6, "{sum}");
        for _ in 0..60 {
            account.take(2, p, (&r, &none), Vector2::zeros());
        }
        for tie in account.ties.iter().flatten() {
            let share = whole(&tie.share).trace();
            if tie.sensor == 2 {
                assert!((share - 2.0).abs() < 1e-3, "{share}");
            } else {
                assert!(share.abs() < 1e-3, "{share}");
            }
        }
    }
}
