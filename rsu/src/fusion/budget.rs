//! What a step may cost, and what is given up when it would cost more: the least informative first.
//!
//! Nothing here reads a clock, so work is counted in units that take about as long as each other: a unit is
//! one target carried through one frame, and a detection counts as [`PER_SIGHTING`] of them. How long a
//! unit takes is measured (`docs/benchmarks/fusion.md`); the limit is `Config::max_work`.
//!
//! A late frame that would take too long to go back for is given up as a whole. Else what is left after
//! all targets have been carried along is spent on detections. Of those that a track expects, the ones that
//! would tell it least go first; of those that none expects, the ones that are least sure, by their
//! own word and by how wide their errors are. They may begin a new road user, so that they keep a
//! quarter of what is left even where tracks could use it all.

use arrayvec::ArrayVec;
use nalgebra::Matrix2;

use super::filter::{determinant, matrix};
use super::near::Near;
use super::target::{Sighting, Target};
use crate::report::MAX_OBJECTS;

/// What a detection costs: to be paired and to be taken.
pub(crate) const PER_SIGHTING: usize = 3;
/// So many detections of a frame are looked at whatever else there is to do.
const AT_LEAST: usize = 8;
/// A track is never looked for farther than this from a detection.
const REACH_M: f64 = 15.0;

/// What has to be worked through again for a frame that comes late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Later {
    pub(crate) frames: usize,
    pub(crate) sightings: usize,
}

/// How many of a frame's detections may be taken; None if it cannot be taken at all.
pub(crate) fn afford(max_work: usize, targets: usize, later: Later) -> Option<usize> {
    let fixed = targets * (1 + later.frames) + PER_SIGHTING * later.sightings;
    let left = max_work.saturating_sub(fixed) / PER_SIGHTING;
    (later.frames == 0 || left >= AT_LEAST).then_some(left.max(AT_LEAST))
}

/// What was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shed {
    /// Detections of what is followed already.
    pub(crate) expected: u64,
    /// Detections that belong to nobody known.
    pub(crate) strangers: u64,
}

/// Detections in order of what they are worth.
type Ranked = ArrayVec<(f64, u8), MAX_OBJECTS>;

/// Keeps the `keep` detections that say most; `near` and `targets` are as of `dt_s` before them.
pub(crate) fn thin(
    sightings: &mut ArrayVec<Sighting, MAX_OBJECTS>,
    keep: usize,
    (targets, near, dt_s): (&[Target], &Near, f64),
) -> Shed {
    let (mut expected, mut strangers) = (Ranked::new(), Ranked::new());
    for (sighting, index) in sightings.iter().zip(0..) {
        match told(sighting, targets, near, dt_s) {
            Some(news) => expected.push((news, index)),
            None => strangers.push((sureness(sighting), index)),
        }
    }
    let spare = keep.saturating_sub(expected.len());
    let for_strangers = strangers.len().min((keep / 4).max(spare));
    let mut over = [false; MAX_OBJECTS];
    let shed = Shed {
        expected: give_up(&mut expected, keep - for_strangers, &mut over),
        strangers: give_up(&mut strangers, for_strangers, &mut over),
    };
    let mut index = 0;
    sightings.retain(|_| {
        index += 1;
        !over[index - 1]
    });
    shed
}

/// Marks all but the best `keep`; how many.
fn give_up(ranked: &mut Ranked, keep: usize, over: &mut [bool; MAX_OBJECTS]) -> u64 {
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let rest = ranked.get(keep..).unwrap_or_default();
    for (_, index) in rest {
        over[usize::from(*index)] = true;
    }
    rest.len() as u64
}

/// How much the nearest track would learn of its place, in nats; None if none is near. What is not yet
/// a track may be nothing at all.
fn told(sighting: &Sighting, targets: &[Target], near: &Near, dt_s: f64) -> Option<f64> {
    let r = &sighting.position_cov;
    let own_m = near.sigmas * r[(0, 0)].max(r[(1, 1)]).sqrt();
    let mut best: Option<(f64, usize)> = None;
    near.visit(sighting.position, REACH_M, |spot| {
        let target = &targets[usize::from(spot.target)];
        if !target.confirmed {
            return;
        }
        let state = &target.state;
        let away_m = (sighting.position - state.position() - state.velocity() * dt_s).norm();
        let nearest = best.is_none_or(|(nearest_m, _)| away_m < nearest_m);
        if away_m < spot.reach_m() + own_m && nearest {
            best = Some((away_m, usize::from(spot.target)));
        }
    });
    let (_, target) = best?;
    let p: Matrix2<f64> = matrix(targets[target].state.position_cov());
    Some(0.5 * sighting.existence * (determinant(&(p + r)) / determinant(r)).ln())
}

/// How much there is to a detection that no track expects: errors grow wider with range.
fn sureness(sighting: &Sighting) -> f64 {
    sighting.existence / determinant(&sighting.position_cov).sqrt()
}
