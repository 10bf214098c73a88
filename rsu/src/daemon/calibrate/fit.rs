//! The mount with which a sensor's detections fall on what others say is there.
//!
//! Shift, turn and the age of stamps by least squares: detections and tracks are paired anew in each
//! round, by nearness, with a reach that shrinks; a pair counts by what both claim of their errors, and
//! ever less the worse it fits (Tukey's biweight), so that false detections and things that only one
//! side sees do not pull. How sure the result is comes from how the road users disagree with each
//! other and not from the number of pairs alone: the errors of one road user's hundred sightings are
//! much the same (cluster-robust covariance).

use std::collections::BTreeMap;

use nalgebra::{Matrix2, Matrix2x4, Matrix4, Vector2, Vector4};

use crate::clock::Mono;

/// One frame of the sensor, and what the others say is there.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) arms: Vec<Arm>,
    pub(super) seen: Vec<Seen>,
}

/// A detection, from the sensor's configured place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) place: Vector2<f64>,
    pub(super) cov: Matrix2<f64>,
}

/// A track, from the same place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Its id, and when it was first seen: ids come again.
    pub(super) who: (u8, Mono),
    pub(super) place: Vector2<f64>,
    pub(super) velocity: Vector2<f64>,
    pub(super) cov: Matrix2<f64>,
}

/// A mount against the one configured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// East and north.
    pub(super) shift: Vector2<f64>,
    /// Counter-clockwise.
    pub(super) turn_rad: f64,
    /// What a detection shows is the world so long after its stamp; below zero: before it.
    pub(super) ahead_s: f64,
    /// Standard deviations of east, north, turn and that time.
    pub(super) sigma: [f64; 4],
    pub(super) pairs: usize,
    /// Different road users among them.
    pub(super) clusters: usize,
    pub(super) rms_m: f64,
    /// The same pairs without what was found.
    pub(super) rms_before_m: f64,
}

type Pair = (Arm, Seen);

/// The mount that brings detections and tracks together; None where too few pairs tell.
pub(super) fn fit(scenes: &[Scene]) -> Option<Found> {
    let mut found = Found::default();
    for round in 0..ROUNDS {
        let reach_m = LAST_REACH_M + (FIRST_REACH_M - LAST_REACH_M) * 0.8f64.powi(round);
        let pairs = pair(scenes, &found, reach_m);
        if pairs.len() < LEAST_PAIRS {
            return None;
        }
        found = adjust(&pairs, found)?;
    }
    (found.clusters >= LEAST_CLUSTERS).then_some(found)
}

/// Each detection with the nearest track within reach, where the track has no nearer one.
fn pair(scenes: &[Scene], found: &Found, reach_m: f64) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for scene in scenes {
        let moved: Vec<_> = scene
            .arms
            .iter()
            .map(|arm| found.apply(arm.place))
            .collect();
        for (arm, at) in scene.arms.iter().zip(&moved) {
            let away = |seen: &Seen| (found.expected(seen) - at).norm();
            let nearest = scene.seen.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
            let Some(seen) = nearest.filter(|seen| away(seen) < reach_m) else {
                continue;
            };
            let place = found.expected(seen);
            let rival = moved
                .iter()
                .any(|other| (place - other).norm() < away(seen));
            if !rival {
                pairs.push((*arm, *seen));
            }
        }
    }
    pairs
}

/// One step of Gauss and Newton from `before`; None where the pairs do not tell.
fn adjust(pairs: &[Pair], before: Found) -> Option<Found> {
    let misses: Vec<Miss> = pairs
        .iter()
        .map(|(arm, seen)| before.miss(arm, seen))
        .collect::<Option<_>>()?;
    // Twice the claimed errors is no outlier where all pairs miss by that.
    let mut squares: Vec<f64> = misses.iter().map(Miss::square).collect();
    squares.sort_by(f64::total_cmp);
    let scale = (squares[squares.len() / 2] / MEDIAN_SQUARE).max(1e-6);
    let mut normal = Matrix4::zeros();
    // The age of stamps is told by what moves alone; without it, it is about what was assumed.
    normal[(3, 3)] = AHEAD_SIGMA_S.powi(-2);
    let mut pulls: BTreeMap<(u8, Mono), Vector4<f64>> = BTreeMap::new();
    for (miss, (_, seen)) in misses.iter().zip(pairs) {
        let weight = biweight(miss.square() / scale) / scale;
        let turned = miss.slope.transpose() * miss.inverse * weight;
        normal += turned * miss.slope;
        *pulls.entry(seen.who).or_default() += turned * miss.off;
    }
    let inverse = normal.try_inverse()?;
    let mut pull: Vector4<f64> = pulls.values().sum();
    pull[3] += before.ahead_s * AHEAD_SIGMA_S.powi(-2);
    let step = -inverse * pull;
    let count = pulls.len() as f64;
    let spread: Matrix4<f64> = pulls.values().map(|pull| pull * pull.transpose()).sum();
    // Four numbers are taken from so many road users, whose disagreement a fit of few of them absorbs:
    // what independent errors would leave comes on top.
    let cov = inverse * spread * inverse * (count / (count - 4.0).max(1.0)) + inverse;
    let after = Found {
        shift: before.shift + step.fixed_rows::<2>(0),
        turn_rad: before.turn_rad + step[2],
        ahead_s: (before.ahead_s + step[3]).clamp(-MOST_AHEAD_S, MOST_AHEAD_S),
        sigma: std::array::from_fn(|n| cov[(n, n)].max(0.0).sqrt()),
        pairs: pairs.len(),
        clusters: pulls.len(),
        ..Found::default()
    };
    let numbers = [after.shift.x, after.shift.y, after.turn_rad];
    numbers.iter().all(|n| n.is_finite()).then(|| Found {
        rms_m: after.rms(pairs),
        rms_before_m: Found::default().rms(pairs),
        ..after
    })
}

/// By how much a pair misses, what that depends on, and how much it counts.
struct Miss {
    off: Vector2<f64>,
    slope: Matrix2x4<f64>,
    inverse: Matrix2<f64>,
}

impl Miss {
    fn square(&self) -> f64 {
        (self.off.transpose() * self.inverse * self.off).x
    }
}

impl Found {
    fn apply(&self, arm: Vector2<f64>) -> Vector2<f64> {
        self.shift + self.rotation() * arm
    }

    /// Where a track is at the moment that the sensor's frame really shows.
    fn expected(&self, seen: &Seen) -> Vector2<f64> {
        seen.place + seen.velocity * self.ahead_s
    }

    fn rotation(&self) -> Matrix2<f64> {
        let (sin, cos) = self.turn_rad.sin_cos();
        Matrix2::new(cos, -sin, sin, cos)
    }

    fn miss(&self, arm: &Arm, seen: &Seen) -> Option<Miss> {
        let rotation = self.rotation();
        let turned = rotation * arm.place;
        let cov = rotation * arm.cov * rotation.transpose() + seen.cov;
        Some(Miss {
            off: self.shift + turned - self.expected(seen),
            slope: Matrix2x4::new(
                1.0,
                0.0,
                -turned.y,
                -seen.velocity.x,
                0.0,
                1.0,
                turned.x,
                -seen.velocity.y,
            ),
            inverse: (cov + Matrix2::identity() * LEAST_SIGMA_M.powi(2)).try_inverse()?,
        })
    }

    fn rms(&self, pairs: &[Pair]) -> f64 {
        let square =
            |(arm, seen): &Pair| (self.apply(arm.place) - self.expected(seen)).norm_squared();
        (pairs.iter().map(square).sum::<f64>() / pairs.len() as f64).sqrt()
    }

    /// Nothing that was found is more than what chance may do.
    pub(super) fn is_as_configured(&self) -> bool {
        let found = [self.shift.x, self.shift.y, self.turn_rad];
        let mut beside = found.iter().zip(self.sigma);
        beside.all(|(value, sigma)| value.abs() < 2.0 * sigma)
    }
}

/// Tukey's: nothing beyond so many standard deviations counts.
fn biweight(square: f64) -> f64 {
    const BEYOND: f64 = 4.7 * 4.7;
    let rest = 1.0 - square / BEYOND;
    if rest > 0.0 { rest * rest } else { 0.0 }
}

/// Of the squares of pairs that miss by as much as is claimed: the median of two squared normals.
const MEDIAN_SQUARE: f64 = 1.386;
/// No pair is surer than this.
const LEAST_SIGMA_M: f64 = 0.1;
/// What is assumed of the age of stamps before anything moves.
const AHEAD_SIGMA_S: f64 = 0.5;
const MOST_AHEAD_S: f64 = 1.0;
const ROUNDS: i32 = 25;
const FIRST_REACH_M: f64 = 6.0;
const LAST_REACH_M: f64 = 2.0;
const LEAST_PAIRS: usize = 50;
pub(super) const LEAST_CLUSTERS: usize = 6;
