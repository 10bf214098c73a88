//! Who stands in somebody's way without being before it on its lane: held up within the junction,
//! turning off with its rear still in the lane, on foot, or waiting there on two wheels.
//!
//! Whoever comes sees it stand there, and brakes for it as for anybody. Not here: those before it on
//! its own way (`lanes`), and who moves across (`approach`).

use arrayvec::ArrayVec;

use super::super::ways::{Way, Ways};
use super::Mover;
use super::lanes::On;
use super::mover::is_soft;
use super::shape::{half_length_m, half_width_m};
use crate::fusion::Track;

/// Somebody in a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its place among the movers.
    pub(super) by: usize,
    /// Where on that way its nearest corner is.
    pub(super) rear_m: f64,
    way: usize,
}

/// All that stand in ways at one moment; beyond their room nobody is foreseen to brake for one.
pub(super) type Blocks = ArrayVec<Block, 64>;

/// Who drives faster has left before anybody comes, or is met.
const DRIVES_BELOW_MPS: f64 = 2.5;
/// On foot or two wheels only who stands is sure to stay.
const WALKS_BELOW_MPS: f64 = 0.5;
/// Nobody drives by with less room than this beside it.
const BESIDE_M: f64 = 0.6;
/// Half of what a car is wide.
const HALF_CAR_M: f64 = 0.9;
/// Its sides are looked at so often along its length.
const LOOKS: usize = 5;

/// Notes in which ways a road user stands, where it is within the junction.
pub(super) fn note(
    blocks: &mut Blocks,
    by: usize,
    mover: &Mover,
    track: &Track,
    on: &[On],
    ways: &Ways,
) {
    let half_m = half_length_m(track);
    let within = |on: &On| {
        let way = &ways.all[on.way];
        on.along_m + half_m > way.stop_m && on.along_m - half_m < way.over_m
    };
    let below_mps = if is_soft(mover.class) {
        WALKS_BELOW_MPS
    } else {
        DRIVES_BELOW_MPS
    };
    let is_held_up = mover.leads && mover.speed_mps < below_mps;
    if !is_held_up || !(on.is_empty() || on.iter().any(within)) {
        return;
    }
    for (number, way) in ways.all.iter().enumerate() {
        if on.iter().any(|on| on.way == number) || blocks.is_full() {
            continue;
        }
        if let Some(rear_m) = nearest_m(way, mover, track) {
            blocks.push(Block {
                by,
                rear_m,
                way: number,
            });
        }
    }
}

/// The nearest one on a way that somebody so far along it would come to.
pub(super) fn nearest(blocks: &Blocks, way: usize, along_m: f64, index: usize) -> Option<&Block> {
    let ahead = |block: &&Block| block.way == way && block.by != index && block.rear_m > along_m;
    blocks
        .iter()
        .filter(ahead)
        .min_by(|a, b| a.rear_m.total_cmp(&b.rear_m))
}

/// How far along a way the nearest part of it is that a car there would touch.
fn nearest_m(way: &Way, mover: &Mover, track: &Track) -> Option<f64> {
    let (cos, sin) = mover.direction;
    let (half_m, aside_m) = (half_length_m(track), half_width_m(track));
    let mut least: Option<f64> = None;
    for look in 0..LOOKS {
        let ahead_m = half_m * (2.0 * look as f64 / (LOOKS - 1) as f64 - 1.0);
        for side_m in [-aside_m, aside_m] {
            let east_m = mover.east_m + ahead_m * cos - side_m * sin;
            let north_m = mover.north_m + ahead_m * sin + side_m * cos;
            let foot = way.foot(east_m, north_m);
            let touched = foot.filter(|foot| foot.left_m.abs() <= HALF_CAR_M + BESIDE_M);
            if let Some(foot) = touched {
                least = Some(least.map_or(foot.along_m, |least| least.min(foot.along_m)));
            }
        }
    }
    least
}
