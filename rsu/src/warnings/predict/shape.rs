//! One way that a road user may take, as knots and an error that grows, and how long and wide it is.
//!
//! Not here: how it comes to drive like that.

use crate::fusion::Track;
use crate::report::{Class, Covariance};

use super::Mover;

/// Time between two knots.
pub(in crate::warnings) const STEP_S: f64 = 0.25;
/// Pieces of a prediction.
pub(in crate::warnings) const PIECES: usize = 20;
/// How far predictions reach.
pub(in crate::warnings) const HORIZON_S: f64 = PIECES as f64 * STEP_S;

/// One way that a road user may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::warnings) struct Prediction {
    pub(in crate::warnings) knots: [Knot; PIECES + 1],
    /// How likely it takes this way; those of one road user sum to 1.
    pub(in crate::warnings) weight: f64,
    /// Which way; None off the lanes.
    pub(in crate::warnings) way: Option<usize>,
    /// How far along that way it is now.
    pub(in crate::warnings) along_m: f64,
    /// What it comes to later than this is not foreseen.
    pub(in crate::warnings) horizon_s: f64,
    /// Whom it would come to sooner than this it lets pass.
    pub(in crate::warnings) lets_pass_until_s: f64,
    pub(in crate::warnings) half_length_m: f64,
    pub(in crate::warnings) half_width_m: f64,
    pub(super) spread: Spread,
    /// Lowest and highest east and north that its footprint may reach.
    pub(super) around: [f64; 4],
}

/// Where it is at one moment, and which way it points.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::warnings) struct Knot {
    pub(in crate::warnings) east_m: f64,
    pub(in crate::warnings) north_m: f64,
    pub(in crate::warnings) direction: (f64, f64),
}

/// How the error of a prediction grows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    pub(super) along_m2: f64,
    pub(super) across_m2: f64,
    /// Of the velocity.
    pub(super) along_mps2: f64,
    pub(super) across_mps2: f64,
    /// Acceleration that nobody foresees.
    pub(super) along_mps4: f64,
    pub(super) across_mps4: f64,
    /// And how far a speed strays by it.
    pub(super) strays_mps2: f64,
    /// What lanes and stop lines hold it to.
    pub(super) most_along_m2: f64,
    pub(super) most_across_m2: f64,
}

impl Prediction {
    /// Half of its shadow on an axis.
    pub(in crate::warnings) fn extent_m(&self, knot: &Knot, axis: (f64, f64)) -> f64 {
        let (cos, sin) = knot.direction;
        self.half_length_m * (cos * axis.0 + sin * axis.1).abs()
            + self.half_width_m * (cos * axis.1 - sin * axis.0).abs()
    }

    /// The variance of its place on an axis.
    pub(in crate::warnings) fn variance_m2(&self, knot: &Knot, axis: (f64, f64), at_s: f64) -> f64 {
        let (cos, sin) = knot.direction;
        let (along, across) = (cos * axis.0 + sin * axis.1, cos * axis.1 - sin * axis.0);
        let (along_m2, across_m2) = self.spread.at(at_s);
        along * along * along_m2 + across * across * across_m2
    }

    /// The larger standard deviation of its place.
    pub(in crate::warnings) fn sigma_m(&self, at_s: f64) -> f64 {
        let (along_m2, across_m2) = self.spread.at(at_s);
        along_m2.max(across_m2).sqrt()
    }

    /// From its centre to its farthest corner.
    pub(in crate::warnings) fn reach_m(&self) -> f64 {
        self.half_length_m.hypot(self.half_width_m)
    }

    /// So far it goes in one piece.
    pub(in crate::warnings) fn step_m(&self, piece: usize) -> f64 {
        let (from, to) = (&self.knots[piece], &self.knots[piece + 1]);
        (to.east_m - from.east_m).hypot(to.north_m - from.north_m)
    }

    /// So far it goes until then.
    pub(in crate::warnings) fn gone_m(&self, until_s: f64) -> f64 {
        let steps = (until_s / STEP_S).clamp(0.0, PIECES as f64);
        let whole = steps as usize;
        let gone_m: f64 = (0..whole).map(|piece| self.step_m(piece)).sum();
        let rest = if whole < PIECES {
            self.step_m(whole) * steps.fract()
        } else {
            0.0
        };
        gone_m + rest
    }

    /// Whether it may come near another's prediction at all.
    pub(in crate::warnings) fn may_meet(&self, other: &Self) -> bool {
        let (a, b) = (&self.around, &other.around);
        a[0] <= b[1] && b[0] <= a[1] && a[2] <= b[3] && b[2] <= a[3]
    }
}

impl Spread {
    pub(super) fn at(&self, at_s: f64) -> (f64, f64) {
        let t2 = at_s * at_s;
        let strays_m2 = |mps4: f64| (mps4 * t2 * t2 / 4.0).min(self.strays_mps2 * t2);
        let along_m2 = self.along_mps2 * t2 + strays_m2(self.along_mps4);
        let across_m2 = self.across_mps2 * t2 + strays_m2(self.across_mps4);
        (
            self.along_m2 + along_m2.min(self.most_along_m2),
            self.across_m2 + across_m2.min(self.most_across_m2),
        )
    }
}

/// How far from the middle of their lanes people drive: variance.
const WITHIN_LANE_M2: f64 = 0.16;

/// People walk as fast as they do: one walker's speed strays no more than those of all differ (0.26 m/s,
/// Weidmann 1993).
const WALKERS_STRAY_MPS: f64 = 0.26;

/// What is believed of a measured distance from the middle of a lane.
pub(super) fn kept_share(across_m2: f64) -> f64 {
    WITHIN_LANE_M2 / (WITHIN_LANE_M2 + across_m2)
}

pub(super) fn half_length_m(track: &Track) -> f64 {
    let usual_m = match track.class {
        Class::Pedestrian => 0.5,
        Class::Animal => 1.0,
        Class::Bicycle => 1.8,
        Class::Motorcycle => 2.0,
        Class::Bus => 11.0,
        Class::Truck => 8.0,
        Class::Car | Class::Unknown => 4.5,
    };
    track.size.map_or(usual_m, |size| f64::from(size.length_m)) / 2.0
}

pub(super) fn half_width_m(track: &Track) -> f64 {
    let usual_m = match track.class {
        Class::Pedestrian | Class::Animal => 0.5,
        Class::Bicycle | Class::Motorcycle => 0.7,
        Class::Bus | Class::Truck => 2.5,
        Class::Car | Class::Unknown => 1.8,
    };
    track.size.map_or(usual_m, |size| f64::from(size.width_m)) / 2.0
}

pub(super) fn spread(track: &Track, mover: &Mover, on_a_way: bool, held: bool) -> Spread {
    let along = mover.direction;
    let across = (-along.1, along.0);
    let of = |cov: &Covariance, axis: (f64, f64)| {
        let variance =
            axis.0 * axis.0 * cov.ee + 2.0 * axis.0 * axis.1 * cov.en + axis.1 * axis.1 * cov.nn;
        variance.max(0.0)
    };
    let across_m2 = of(&track.position_cov, across);
    // Who is on a lane is near its middle, however badly it is measured.
    let across_m2 = if on_a_way {
        across_m2 * kept_share(across_m2)
    } else {
        across_m2
    };
    let unforeseen_mps2: f64 = if mover.is_soft() { 0.3 } else { 0.5 };
    Spread {
        along_m2: of(&track.position_cov, along),
        across_m2,
        along_mps2: of(&track.velocity.cov, along),
        across_mps2: of(&track.velocity.cov, across),
        along_mps4: unforeseen_mps2.powi(2),
        across_mps4: 0.3_f64.powi(2),
        strays_mps2: match track.class {
            Class::Pedestrian => WALKERS_STRAY_MPS.powi(2),
            _ => f64::INFINITY,
        },
        most_along_m2: if held { 0.25 } else { f64::INFINITY },
        most_across_m2: if on_a_way {
            WITHIN_LANE_M2
        } else {
            f64::INFINITY
        },
    }
}
