//! Whoever stands at a crosswalk and is about to have green: when it sets out.
//!
//! Its signal is forecast like that of vehicles. Who has waited goes when its green begins, unless somebody drives
//! by before it who would be there too soon: then it lets that one pass, and meets nobody. Not here: who comes
//! to the carriageway without having waited ([`super::kerb`]).

use super::super::ways::{Crosswalk, Ways};
use super::shape::{HORIZON_S, Knot, PIECES, STEP_S};
use super::{Mover, STANDS_BELOW_MPS};
use crate::clock::Mono;
use crate::report::{Class, Light};
use crate::signals::{Forecast, PhaseForecast, Start};

/// Somebody who waits for green.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// It begins after so long; 0 where it has just begun.
    pub(super) green_s: f64,
    leads: (f64, f64),
}

/// Who got green and waited for nobody sets out; of some it is not known that they wait at all.
pub(super) const SETS_OUT: f64 = 0.8;
/// Who would be where one walks sooner than this is let pass (assumed: gaps that are refused with the right of
/// way are shorter than the 3 s and more of those who have none).
pub(super) const LETS_PASS_S: f64 = 2.0;
/// Who has not set out so long after its green began waits for something else.
const STILL_SETS_OUT_S: f64 = 1.0;
/// As fast as people walk (Weidmann 1993).
const WALKS_MPS: f64 = 1.34;
/// When exactly: standard deviation, as a distance.
pub(super) const SETS_OUT_SIGMA_M: f64 = 0.5;

/// Whether somebody stands where one waits for a green that is about to begin.
pub(super) fn waiting(
    mover: &Mover,
    now: Mono,
    forecast: Option<&Forecast>,
    ways: &Ways,
) -> Option<Waiting> {
    if mover.class != Class::Pedestrian || mover.speed_mps >= STANDS_BELOW_MPS {
        return None;
    }
    let (crosswalk, leads) = ways.crosswalk_at(mover.east_m, mover.north_m)?;
    let green_s = green_after_s(crosswalk, now, forecast?)?;
    Some(Waiting { green_s, leads })
}

fn green_after_s(crosswalk: &Crosswalk, now: Mono, forecast: &Forecast) -> Option<f64> {
    let rules = |phase: &&PhaseForecast| phase.phase == crosswalk.phase;
    let states = &forecast.phases.iter().find(rules)?.states;
    let green = states
        .iter()
        .take(2)
        .find(|state| state.light == Light::Green)?;
    match green.timing?.start {
        Start::Running { since: Some(since) } => {
            (now.seconds_after(since) <= STILL_SETS_OUT_S).then_some(0.0)
        }
        Start::Running { since: None } => None,
        Start::At(begins) => {
            let green_s = begins.seconds_after(now);
            (green_s < HORIZON_S - LETS_PASS_S).then_some(green_s.max(0.0))
        }
    }
}

/// It stands until its green begins, and walks.
pub(super) fn sets_out(mover: &Mover, waiting: &Waiting) -> [Knot; PIECES + 1] {
    std::array::from_fn(|knot| {
        let walked_s = (knot as f64 * STEP_S - waiting.green_s).max(0.0);
        let walked_m = walked_s * WALKS_MPS;
        Knot {
            east_m: mover.east_m + walked_m * waiting.leads.0,
            north_m: mover.north_m + walked_m * waiting.leads.1,
            direction: waiting.leads,
        }
    })
}
