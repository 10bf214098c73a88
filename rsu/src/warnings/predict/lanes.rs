//! Which ways somebody may be on, how likely each is, and who drives before it there.
//!
//! Not here: what it does on them.

use arrayvec::ArrayVec;

use super::super::ways::{Way, Ways};
use super::Mover;
use super::memory::half_turn;
use crate::report::Class;
use crate::site::Turn;

/// Ways that one road user may take.
pub(super) const MOST_WAYS: usize = 3;

/// A way that a road user is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct On {
    pub(super) way: usize,
    pub(super) along_m: f64,
    pub(super) weight: f64,
}

/// Who drives before somebody on its way, or stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leader {
    pub(super) id: u8,
    pub(super) rear_m: f64,
    pub(super) speed_mps: f64,
    /// It stands across the way.
    pub(super) across: bool,
}

/// How far along one way somebody is who is on another, where they share a lane.
pub(super) fn same_place(way: &Way, number: usize, others: &Way, on: &On) -> Option<f64> {
    if on.way == number || (on.along_m < others.stop_m && others.from == way.from) {
        Some(on.along_m)
    } else if on.along_m >= others.over_m && others.to == way.to {
        Some(on.along_m - others.over_m + way.over_m)
    } else {
        None
    }
}

/// The ways that somebody may be on, with how likely each is.
///
/// What one look shows is weighed with what earlier ones have: who has begun to turn is on that way,
/// however its heading is measured just now.
pub(super) fn ways_of(
    mover: &Mover,
    ways: &Ways,
    goes_to: &[(usize, f64); MOST_WAYS],
) -> ArrayVec<On, MOST_WAYS> {
    let mut found: ArrayVec<On, MOST_WAYS> = ArrayVec::new();
    if matches!(mover.class, Class::Pedestrian | Class::Animal) {
        return found;
    }
    let yaw_rad = mover.direction.1.atan2(mover.direction.0);
    for (number, way) in ways.all.iter().enumerate() {
        let Some(foot) = way.foot(mover.east_m, mover.north_m) else {
            continue;
        };
        let off_rad = half_turn(foot.yaw_rad - yaw_rad).abs();
        if off_rad > ALONG_RAD {
            continue;
        }
        // Who is over the junction already may have come from anywhere.
        let again = |on: &On| foot.along_m >= way.over_m && ways.all[on.way].to == way.to;
        if found.iter().any(again) || !can_turn(mover, way, foot.along_m) {
            continue;
        }
        let fit = (foot.left_m / 0.7).powi(2) + (off_rad / 0.2).powi(2);
        let on = On {
            way: number,
            along_m: foot.along_m,
            weight: (-fit / 2.0).exp().max(1e-6) * earlier(goes_to, way.to),
        };
        if found.is_full() {
            let least = (0..MOST_WAYS).min_by(|a, b| found[*a].weight.total_cmp(&found[*b].weight));
            if let Some(least) = least.filter(|least| found[*least].weight < on.weight) {
                found[least] = on;
            }
        } else {
            found.push(on);
        }
    }
    let most = found.iter().map(|on| on.weight).fold(0.0, f64::max);
    found.retain(|on| on.weight >= 0.1 * most);
    let sum: f64 = found.iter().map(|on| on.weight).sum();
    for on in &mut found {
        on.weight /= sum;
    }
    found
}

/// How likely somebody goes to a lane by what was seen of it before; of no weight where nothing was.
fn earlier(goes_to: &[(usize, f64); MOST_WAYS], lane: usize) -> f64 {
    let known = goes_to.iter().any(|(_, weight)| *weight > 0.0);
    let there = goes_to.iter().find(|(to, _)| *to == lane);
    let likely = there.map_or(0.0, |(_, weight)| *weight).max(UNLIKELY);
    if known { likely.powf(KEPT_SHARE) } else { 1.0 }
}

/// What was not likely so far may still be so.
const UNLIKELY: f64 = 0.15;
/// Looks follow so closely that their errors are alike; each counts less than it shows.
const KEPT_SHARE: f64 = 0.8;

/// A bend is not driven faster than this share of what is usual, nor is more braked before it.
const HARD_BEND: f64 = 2.0;
const HARD_BRAKING_MPS2: f64 = 4.0;

/// Whether it is still slow enough for the bend.
fn can_turn(mover: &Mover, way: &Way, along_m: f64) -> bool {
    if way.turn == Turn::Straight || along_m > way.stop_m {
        return true;
    }
    let spare_m2ps2 = mover.speed_mps.powi(2) - (HARD_BEND * way.bend_mps).powi(2);
    spare_m2ps2 <= 2.0 * HARD_BRAKING_MPS2 * (way.stop_m - along_m)
}

/// A heading farther off the way is not on it, in radians.
const ALONG_RAD: f64 = 0.7;
