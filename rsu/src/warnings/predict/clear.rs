//! Who clears the junction, and who sets off as its green begins and lets it go first.
//!
//! Whoever came over its stop line by its own light and is not out of the junction yet is seen by those who stood
//! until their green began: they wait for it. Nothing is
//! expected of them towards who ran a red light. Not here: who yields by the rules of the way it takes (`brake`).

use super::super::light::Demand;
use super::super::ways::Way;
use super::lanes::On;
use super::shape::Prediction;
use super::{Mover, STANDS_BELOW_MPS};
use crate::clock::Mono;

/// How somebody came to its stop line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Came {
    /// When it last stood before the line.
    stood_at: Option<Mono>,
    /// Its light let it over the line, when it was last before that.
    let_over: bool,
    /// And whether it was seen there at all, without such leave.
    held: bool,
}

/// What that makes of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stage {
    /// It is over its stop line, not yet out of the junction, and its light let it.
    pub(super) clears: bool,
    /// It is there, and its light forbade it.
    pub(super) by_red: bool,
    /// It has set off from before its stop line, where it stood.
    pub(super) sets_off: bool,
}

impl Came {
    /// Somebody is so far before its line (its nose), where the light demands this of who is at the line now.
    pub(super) fn note(
        &mut self,
        now: Mono,
        (mover, half_length_m): (&Mover, f64),
        (on, way): (&On, &Way),
        demand: Demand,
    ) -> Stage {
        let to_stop_m = way.stop_m - on.along_m - half_length_m;
        if to_stop_m > -half_length_m && mover.speed_mps < STANDS_BELOW_MPS {
            self.stood_at = Some(now);
        }
        if to_stop_m > 0.0 {
            self.let_over = demand == Demand::Go;
            self.held = !self.let_over;
        }
        let within = self.let_over && on.along_m < way.over_m;
        Stage {
            by_red: self.held && to_stop_m < -half_length_m && on.along_m < way.over_m,
            clears: within && to_stop_m < -half_length_m,
            sets_off: within
                && self
                    .stood_at
                    .is_some_and(|at| now.seconds_after(at) <= SETS_OFF_S),
        }
    }
}

/// Whether one that sets off as its green begins can still stop before another, who clears the junction: it sees
/// that one, and lets it go first. Of two that set off the faster goes first.
pub(in crate::warnings) fn lets_clear(
    (one, a): (&Mover, &Prediction),
    (other, b): (&Mover, &Prediction),
    meets_s: f64,
) -> bool {
    let (own, others) = (one.stage, other.stage);
    let goes_first = others.clears && (!others.sets_off || other.speed_mps > one.speed_mps);
    if !(own.sets_off && goes_first) {
        return false;
    }
    let left_m = a.gone_m(meets_s) - b.half_width_m;
    let needs_m = one.speed_mps * SEES_S + one.speed_mps.powi(2) / (2.0 * STOPS_MPS2);
    needs_m <= left_m
}

/// Who stood before its line not longer ago than this is setting off.
const SETS_OFF_S: f64 = 6.0;
/// It brakes for whom it sees so much later,
const SEES_S: f64 = 0.5;
/// and no harder than this.
const STOPS_MPS2: f64 = 2.5;
