//! How somebody drives on: along a way, as people brake for a stop, a bend and who is before it; off
//! the lanes as now.

use super::super::ways::{Spot, Way};
use super::Mover;
use super::lanes::{Leader, On};
use super::shape::{Knot, PIECES, STEP_S, kept_share};
use crate::site::Turn;

/// Braking that nobody is surprised by.
const EASY_MPS2: f64 = 1.0;
/// Between bumpers where people stop.
const STOP_GAP_M: f64 = 1.5;

/// How somebody drives along a way.
pub(super) struct Profile<'a> {
    pub(super) on: &'a On,
    pub(super) way: &'a Way,
    /// Where its centre comes to a stop.
    pub(super) stop_m: Option<f64>,
    /// Who drives before it, and who stands in its way.
    pub(super) before: [Option<Leader>; 2],
    pub(super) braking_mps2: f64,
    pub(super) half_length_m: f64,
    pub(super) accel_mps2: f64,
    /// The same of about a second.
    pub(super) lasting_mps2: f64,
    /// How well its place across the lane is known.
    pub(super) across_m2: f64,
}

impl Profile<'_> {
    pub(super) fn knots(&self, mover: &Mover) -> [Knot; PIECES + 1] {
        let on_way = self.body_at(self.on.along_m);
        // It keeps its place in the lane.
        let off = (mover.east_m - on_way.east_m, mover.north_m - on_way.north_m);
        let left_m = on_way.direction.0 * off.1 - on_way.direction.1 * off.0;
        // As far as it was measured well: lanes are what people keep to.
        let left_m = left_m * kept_share(self.across_m2);
        let (mut along_m, mut speed_mps) = (self.on.along_m, mover.speed_mps);
        std::array::from_fn(|knot| {
            let spot = self.body_at(along_m);
            let (cos, sin) = spot.direction;
            let at_s = knot as f64 * STEP_S;
            let accel = self.accel_mps2_at(along_m, speed_mps, at_s);
            let after = (speed_mps + accel * STEP_S).max(0.0);
            along_m += (speed_mps + after) / 2.0 * STEP_S;
            if let Some(stop_m) = self.stop_m {
                along_m = along_m.min(stop_m.max(self.on.along_m));
            }
            speed_mps = after;
            Knot {
                east_m: spot.east_m - sin * left_m,
                north_m: spot.north_m + cos * left_m,
                direction: (cos, sin),
            }
        })
    }

    /// Its middle where its nose and its tail are on the way: within a bend that of a bus is well inside it, and
    /// on the way again once the bend is over.
    fn body_at(&self, along_m: f64) -> Spot {
        let nose = self.way.at(along_m + self.half_length_m);
        let tail = self.way.at((along_m - self.half_length_m).max(0.0));
        let (east_m, north_m) = (nose.east_m - tail.east_m, nose.north_m - tail.north_m);
        let apart_m = east_m.hypot(north_m);
        let there = self.way.at(along_m);
        if apart_m < 1e-3 || along_m < self.half_length_m {
            return there;
        }
        Spot {
            east_m: (nose.east_m + tail.east_m) / 2.0,
            north_m: (nose.north_m + tail.north_m) / 2.0,
            direction: (east_m / apart_m, north_m / apart_m),
        }
    }

    fn accel_mps2_at(&self, along_m: f64, speed_mps: f64, at_s: f64) -> f64 {
        let mut accel = self.held_mps2(speed_mps, at_s);
        let mut brake_for = |needed: f64| {
            if needed > EASY_MPS2 {
                accel = accel.min(-needed);
            }
        };
        if let Some(stop_m) = self.stop_m {
            brake_for(speed_mps.powi(2) / (2.0 * (stop_m - along_m).max(0.1)));
        }
        let bend_mps = self.way.bend_mps;
        if speed_mps > bend_mps && along_m < self.way.over_m {
            let left_m = (self.way.stop_m - along_m).max(1.0);
            brake_for((speed_mps.powi(2) - bend_mps.powi(2)) / (2.0 * left_m));
        }
        for leader in self.before.iter().flatten() {
            let rear_m = leader.rear_m + leader.speed_mps * at_s;
            let gap_m = rear_m - along_m - self.half_length_m - STOP_GAP_M;
            let closing_mps = speed_mps - leader.speed_mps;
            if closing_mps > 0.0 {
                brake_for(closing_mps.powi(2) / (2.0 * gap_m.max(0.1)));
            }
        }
        accel.max(-self.braking_mps2)
    }

    /// As it accelerates now. Who has done so for a second is setting off, and goes on up to the speed of the road.
    fn held_mps2(&self, speed_mps: f64, at_s: f64) -> f64 {
        let straight_on = self.way.turn == Turn::Straight;
        let sets_off =
            straight_on && self.accel_mps2 > NOISE_MPS2 && self.lasting_mps2 > SETS_OFF_MPS2;
        if sets_off && at_s >= HELD_S {
            let room = 1.0 - (speed_mps / self.way.limit_mps).powi(2);
            return self.lasting_mps2.min(self.accel_mps2) * room.max(0.0);
        }
        held_accel(self.accel_mps2, at_s)
    }
}

/// Less is the noise of a measured acceleration.
const NOISE_MPS2: f64 = 0.3;
/// Who has accelerated by more than this for a second is setting off.
const SETS_OFF_MPS2: f64 = 0.5;
/// Else nobody is sure to go on accelerating for longer than this.
const HELD_S: f64 = 1.0;
/// Who brakes goes on braking; who speeds up does so for a second.
fn held_accel(accel_mps2: f64, at_s: f64) -> f64 {
    if accel_mps2 > 0.0 && at_s >= HELD_S || accel_mps2.abs() < NOISE_MPS2 {
        0.0
    } else {
        accel_mps2
    }
}

/// A turn that goes on brings one round a corner, not round in a circle, in radians.
const CORNER_RAD: f64 = 1.7;

/// Off the lanes: speed and rate of turn go on.
pub(super) fn free(mover: &Mover, turn_radps: f64, accel_mps2: f64) -> [Knot; PIECES + 1] {
    let begin_rad = mover.direction.1.atan2(mover.direction.0);
    let (mut east_m, mut north_m) = (mover.east_m, mover.north_m);
    let (mut yaw_rad, mut speed_mps) = (begin_rad, mover.speed_mps);
    let turn_radps = if turn_radps.abs() < 0.03 {
        0.0
    } else {
        turn_radps
    };
    std::array::from_fn(|knot| {
        let (sin, cos) = yaw_rad.sin_cos();
        let here = Knot {
            east_m,
            north_m,
            direction: (cos, sin),
        };
        let after = (speed_mps + held_accel(accel_mps2, knot as f64 * STEP_S) * STEP_S).max(0.0);
        let turn_rad = turn_radps * STEP_S;
        let turned = (yaw_rad + turn_rad - begin_rad).abs() <= CORNER_RAD;
        let half_rad = if turned { turn_rad / 2.0 } else { 0.0 };
        let (sin, cos) = (yaw_rad + half_rad).sin_cos();
        let gone_m = (speed_mps + after) / 2.0 * STEP_S;
        east_m += gone_m * cos;
        north_m += gone_m * sin;
        yaw_rad += 2.0 * half_rad;
        speed_mps = after;
        here
    })
}
