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
use wide::f32x4;

use super::doubt::Doubt;
use super::filter::LEAST_DETERMINANT;
use crate::report::Covariance;

/// Sensors of whose errors a track keeps account; of more, the one that counts least is forgotten.
const TIES: usize = 4;
/// In the place of a sensor: no account here, nor behind it.
const NOBODY: u8 = u8::MAX;
/// Where a thing is of which nothing is known yet.
pub(crate) const ANYWHERE: Covariance = Covariance {
    ee: 1e6,
    en: 0.0,
    nn: 1e6,
};
/// A point on a body, or the error of a device that tracks, lasts about so long. Assumed: about the
/// time in which a road user turns another side to the sensor, and the memory of trackers in devices.
const FADES_S: f64 = 1.5;

/// What lasts in the position of one track. Two by two matrices are four numbers row by row, in one register;
/// single precision is enough for what is a correction of another covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lasting {
    /// By account: the share of the sensor's constant error that is in the position,
    share: [f32x4; TIES],
    /// the covariance of the position with its error that fades,
    with: [f32x4; TIES],
    /// how far it was off when it was taken last, how long that is ago, and what the product of that and the
    /// next miss is expected to be,
    miss_m: [[f32; 2]; TIES],
    age_s: [f32; TIES],
    alike_m2: [f32; TIES],
    /// and whose account it is.
    sensors: [u8; TIES],
    /// Covariance of the position by errors that fade, beyond what the filter makes of them: east, both, north.
    own: [f32; 3],
}

impl Default for Lasting {
    fn default() -> Self {
        Self {
            share: [f32x4::ZERO; TIES],
            with: [f32x4::ZERO; TIES],
            miss_m: [[0.0; 2]; TIES],
            age_s: [0.0; TIES],
            alike_m2: [0.0; TIES],
            sensors: [NOBODY; TIES],
            own: [0.0; 3],
        }
    }
}

impl Lasting {
    /// Time goes on: what fades is another error by and by.
    #[inline]
    pub(crate) fn fade(&mut self, dt_s: f64) {
        let keep = f32x4::splat((1.0 / (1.0 + dt_s.abs() / FADES_S)) as f32);
        for (with, sensor) in self.with.iter_mut().zip(self.sensors) {
            if sensor == NOBODY {
                break;
            }
            *with *= keep;
        }
        let dt_s = dt_s.abs() as f32;
        self.age_s = self.age_s.map(|age_s| age_s + dt_s);
    }

    /// A position was taken: `before` is how sure the track's was, `r` how sure the filter took the new one
    /// to be, `lasts` the part of that which fades.
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        sensor: usize,
        before: Covariance,
        (r, lasts): (&Matrix2<f64>, &Matrix2<f64>),
        miss: Vector2<f64>,
    ) {
        let gain = gain(before, r);
        let rest = f32x4::new([1.0, 0.0, 0.0, 1.0]) - gain;
        let lasts = [lasts[(0, 0)], lasts[(0, 1)], lasts[(0, 1)], lasts[(1, 1)]];
        let lasts = f32x4::new(lasts.map(|lasts| lasts as f32));
        let slot = self.slot(sensor as u8);
        let with = self.with[slot];
        let own = {
            let [ee, en, nn] = self.own;
            f32x4::new([ee, en, en, nn])
        };
        // What is left of it in the next miss: the part that the track had not taken over yet. The trace of a
        // product with what is the same on both sides of its diagonal.
        let strange = lasts - with - across(with) + own;
        let [a, b, c, d] = (rest * strange).to_array();
        let expected_m2 = ((a + b) + (c + d)).max(0.0);
        // What the new one brings by itself the filter knows, for `r` holds it; not that it is the same again.
        let left = product(rest, with);
        let cross = product(left, across(gain));
        let own = product(product(rest, own), across(rest)) + cross + across(cross);
        let [ee, en, _, nn] = own.to_array();
        let (ee, nn) = (ee.max(0.0), nn.max(0.0));
        self.own = [ee, held(en, ee * nn), nn];
        let [a, _, _, d] = rest.to_array();
        let less = (0.5 * (a + d)).clamp(0.0, 1.0);
        self.alike_m2 = self.alike_m2.map(|alike_m2| less * alike_m2);
        for place in 0..TIES {
            if self.sensors[place] == NOBODY {
                break;
            }
            self.share[place] = product(rest, self.share[place]);
            self.with[place] = product(rest, self.with[place]);
        }
        self.share[slot] += gain;
        self.with[slot] = left + product(gain, lasts);
        self.miss_m[slot] = [miss.x as f32, miss.y as f32];
        (self.age_s[slot], self.alike_m2[slot]) = (0.0, expected_m2);
    }

    /// A miss of a sensor beside its last one: how alike they are, and how alike they should be, m²; None for
    /// the first, or after so long that nothing is left.
    pub(crate) fn alike(&self, sensor: usize, miss: Vector2<f64>) -> Option<(f64, f64)> {
        let slot = self.find(sensor as u8)?;
        let age_s = f64::from(self.age_s[slot]);
        if age_s <= 0.0 || age_s > 0.5 * FADES_S {
            return None;
        }
        let last = Vector2::from(self.miss_m[slot].map(f64::from));
        let keep = 1.0 / (1.0 + age_s / FADES_S);
        Some((last.dot(&miss), keep * f64::from(self.alike_m2[slot])))
    }

    /// The share of a sensor's constant error that is in the position.
    pub(crate) fn share_of(&self, sensor: usize) -> f64 {
        let Some(slot) = self.find(sensor as u8) else {
            return 0.0;
        };
        let [east, _, _, north] = self.share[slot].to_array();
        f64::from(0.5 * (east + north))
    }

    /// Of each sensor that it has an account of, the share of its constant error that is in the position.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (usize, Matrix2<f64>)> {
        let accounts = self.sensors.into_iter().zip(&self.share);
        let known = accounts.take_while(|(sensor, _)| *sensor != NOBODY);
        known.map(|(sensor, share)| {
            let [a, b, c, d] = share.to_array().map(f64::from);
            (usize::from(sensor), Matrix2::new(a, b, c, d))
        })
    }

    /// Covariance of what lasts in a position, by what is not known of each sensor.
    pub(crate) fn covariance(&self, position: Vector2<f64>, doubts: &[Doubt]) -> Covariance {
        let [ee, en, nn] = self.own.map(f64::from);
        let mut sum = Covariance { ee, en, nn };
        for (sensor, share) in self.sensors.into_iter().zip(&self.share) {
            let Some(doubt) = doubts.get(usize::from(sensor)) else {
                break;
            };
            let doubt = doubt.at(position);
            let [a, b, c, d] = share.to_array().map(f64::from);
            let (east_e, east_n) = (a * doubt.ee + b * doubt.en, a * doubt.en + b * doubt.nn);
            let (north_e, north_n) = (c * doubt.ee + d * doubt.en, c * doubt.en + d * doubt.nn);
            sum.ee += east_e * a + east_n * b;
            sum.en += east_e * c + east_n * d;
            sum.nn += north_e * c + north_n * d;
        }
        sum
    }

    fn find(&self, sensor: u8) -> Option<usize> {
        self.sensors.iter().position(|of| *of == sensor)
    }

    /// The place of a sensor's account, opened if it has none.
    fn slot(&mut self, sensor: u8) -> usize {
        if let Some(slot) = self.find(sensor) {
            return slot;
        }
        let slot = self.find(NOBODY).unwrap_or_else(|| {
            let counts = self.share.map(|share| {
                let [east, _, _, north] = share.to_array();
                east + north
            });
            let least = (0..TIES).min_by(|&a, &b| counts[a].total_cmp(&counts[b]));
            least.unwrap_or(0)
        });
        self.sensors[slot] = sensor;
        (self.share[slot], self.with[slot]) = (f32x4::ZERO, f32x4::ZERO);
        slot
    }
}

/// How much of a new position is taken over by one that was known so well.
#[inline(always)]
fn gain(before: Covariance, r: &Matrix2<f64>) -> f32x4 {
    let before = [before.ee, before.en, before.en, before.nn].map(|known| known as f32);
    let r = [r[(0, 0)], r[(0, 1)], r[(0, 1)], r[(1, 1)]].map(|r| r as f32);
    let (before, r) = (f32x4::new(before), f32x4::new(r));
    let [a, b, _, c] = (before + r).to_array();
    let share = 1.0 / (a * c - b * b).max(LEAST_DETERMINANT as f32);
    product(before, f32x4::new([c, -b, -b, a]) * f32x4::splat(share))
}

/// Of two by two.
#[inline(always)]
fn product(one: f32x4, other: f32x4) -> f32x4 {
    let ([a, b, c, d], [e, f, g, h]) = (one.to_array(), other.to_array());
    f32x4::new([a, a, c, c]) * f32x4::new([e, f, e, f])
        + f32x4::new([b, b, d, d]) * f32x4::new([g, h, g, h])
}

/// Rows for columns.
#[inline(always)]
fn across(of: f32x4) -> f32x4 {
    let [a, b, c, d] = of.to_array();
    f32x4::new([a, c, b, d])
}

/// What two numbers share, whose variances have that product: rounding and turning bodies may leave a little
/// more than can be.
#[inline(always)]
fn held(both: f32, product: f32) -> f32 {
    if both * both <= product {
        both
    } else {
        bound(both, product)
    }
}

/// Seldom, so that the root is not drawn each time.
#[cold]
fn bound(both: f32, product: f32) -> f32 {
    product.sqrt().copysign(both)
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
            let (p, [ee, _, nn]) = (state.position_cov(), account.own.map(f64::from));
            plain += square / (p.ee + p.nn);
            whole += square / (p.ee + p.nn + ee + nn);
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
        let traces = |account: &Lasting| {
            let each = account.sensors.into_iter().zip(account.share);
            each.map(|(sensor, share)| {
                let [east, _, _, north] = share.to_array();
                (sensor, east + north)
            })
        };
        assert!(traces(&account).all(|(sensor, _)| sensor != NOBODY));
        let sum: f32 = traces(&account).map(|(_, trace)| trace).sum();
        assert!(sum < 2.0 + 1e-5, "{sum}");
        for _ in 0..60 {
            account.take(2, p, (&r, &none), Vector2::zeros());
        }
        for (sensor, share) in traces(&account) {
            if sensor == 2 {
                assert!((share - 2.0).abs() < 1e-3, "{share}");
            } else {
                assert!(share.abs() < 1e-3, "{share}");
            }
        }
    }
}
