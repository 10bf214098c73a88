//! What somebody can no longer avoid by braking as people do: a stop line, the one before it, or one
//! who comes into the same lane.

use super::super::approach::below;
use super::super::light::{Demand, demand, is_seen};
use super::super::ways::Way;
use super::lanes::Leader;
use super::memory::Memory;
use super::shape::{Prediction, spread};
use super::{Mover, STANDS_BELOW_MPS};
use crate::clock::Mono;
use crate::fusion::Track;
use crate::signals::Forecast;

/// How people brake.
#[derive(Clone, Copy, Debug)]
pub(in crate::warnings) struct Braking {
    /// Not harder than this unless they must.
    pub(in crate::warnings) most_mps2: f64,
    /// For a red light they have begun so long before they would be at the line.
    pub(in crate::warnings) for_red_s: f64,
}

/// What the signal of a way says to who is on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) demand: Demand,
    /// What it demands of who is at the line just now.
    pub(super) shown: Demand,
    /// It has shown so for long enough to have been seen.
    pub(super) seen: bool,
    /// How likely it passes the stop line all the same.
    pub(super) passes: f64,
    /// How likely who would stop there had begun to brake by now, which it has not.
    pub(super) late: f64,
    pub(super) arrives_s: f64,
}

/// What the signal demands of who is at the line after `arrives_s`, and whether that has been seen.
pub(super) fn wanted(
    way: &Way,
    forecast: Option<&Forecast>,
    now: Mono,
    arrives_s: f64,
) -> (Demand, bool) {
    let phases = forecast.map_or(&[][..], |forecast| &forecast.phases);
    let rules = |id| phases.iter().find(|phase| phase.phase == id);
    way.phase
        .and_then(rules)
        .map_or((Demand::Go, false), |phase| {
            let at = now.offset_by(arrives_s);
            (demand(&phase.states, now, at), is_seen(&phase.states, now))
        })
}

/// Who brakes with this share of what is needed is about to stop: braking begins softly, and is seen
/// late.
const BRAKES_FOR_IT: f64 = 0.5;
/// So is who has braked with this share for a second,
const HAS_BRAKED_FOR_IT: f64 = 0.45;
/// and has not let go of it: less than this share is more than the noise of an acceleration.
const STILL_BRAKES: f64 = 0.2;

/// Who needs less than this to stop at a line may yet do it, however near it is.
const SOFT_STOP_MPS2: f64 = 2.2;

/// Who needs less than this to stop at a line has not begun,
const UNHURRIED_MPS2: f64 = 1.0;
/// and who is slower than this may roll up to it.
const ROLLS_MPS: f64 = 4.0;

/// Less is the noise of a speed.
const SURELY_MPS2: f64 = 0.5;
/// Nobody goes on speeding up by more.
const MOST_MPS2: f64 = 1.0;

/// How likely somebody does not stop at the line: it is later than when people begin to brake, or it
/// would have to brake harder than they do, and it does not do it.
pub(super) fn fails_to_stop(
    mover: &Mover,
    memory: &Memory,
    track: &Track,
    to_stop_m: f64,
    braking: Braking,
) -> f64 {
    does_not_brake(mover, memory, track, to_stop_m, braking, SOFT_STOP_MPS2)
}

/// How likely who would stop at the line had begun to brake for it by now, which this one has not: it takes
/// another way, which asks for no stop.
pub(super) fn brakes_late(
    mover: &Mover,
    memory: &Memory,
    track: &Track,
    to_stop_m: f64,
    braking: Braking,
) -> f64 {
    let unhurried_mps2 = UNHURRIED_MPS2.max(ROLLS_MPS * ROLLS_MPS / (2.0 * to_stop_m));
    does_not_brake(mover, memory, track, to_stop_m, braking, unhurried_mps2)
}

/// How likely somebody is faster than those who stop at the line are so near to it, and does not brake; who
/// needs less than `soft_mps2` may always stop yet.
fn does_not_brake(
    mover: &Mover,
    memory: &Memory,
    track: &Track,
    to_stop_m: f64,
    braking: Braking,
    soft_mps2: f64,
) -> f64 {
    let needed_mps2 = mover.speed_mps * mover.speed_mps / (2.0 * to_stop_m);
    let (brakes_mps2, has_braked_mps2) = (-memory.accel_mps2, -memory.lasting_mps2);
    let goes_on = has_braked_mps2 >= HAS_BRAKED_FOR_IT * needed_mps2
        && brakes_mps2 >= STILL_BRAKES * needed_mps2;
    if brakes_mps2 >= BRAKES_FOR_IT * needed_mps2 || goes_on {
        return 0.0;
    }
    let from_which_mps = |braking_mps2: f64| (2.0 * braking_mps2 * to_stop_m).sqrt();
    // Who speeds up is there the sooner.
    let speeds_up_mps2 = (memory.accel_mps2 - SURELY_MPS2).clamp(0.0, MOST_MPS2);
    let by_then_mps = to_stop_m / braking.for_red_s - speeds_up_mps2 * braking.for_red_s / 2.0;
    let fastest_mps = from_which_mps(braking.most_mps2)
        .min(by_then_mps)
        .max(from_which_mps(soft_mps2));
    let spread = spread(track, mover, true, false);
    // How an error of the place changes the speed from which one can stop.
    let by_place = spread.along_m2.sqrt() * fastest_mps / to_stop_m.max(1.0);
    let sigma_mps = spread.along_mps2.sqrt().hypot(by_place).max(0.05);
    below((mover.speed_mps - fastest_mps) / sigma_mps)
}

/// How likely somebody would have to brake harder than people do for the one before it, and when
/// they would touch.
pub(super) fn fails_to_follow(
    mover: &Mover,
    track: &Track,
    leader: &Leader,
    half_length_m: f64,
    along_m: f64,
    braking_mps2: f64,
) -> (f64, f64) {
    let gap_m = leader.rear_m - along_m - half_length_m;
    let closing_mps = mover.speed_mps - leader.speed_mps;
    if gap_m <= 0.0 || closing_mps < 1.0 {
        return (0.0, 0.0);
    }
    let spread = spread(track, mover, true, false);
    let most_mps = (2.0 * braking_mps2 * gap_m).sqrt();
    let by_place = spread.along_m2.sqrt() * braking_mps2 / most_mps.max(1.0);
    let sigma_mps = spread.along_mps2.sqrt().hypot(by_place).max(0.05);
    (
        below((closing_mps - most_mps) / sigma_mps),
        gap_m / closing_mps,
    )
}

/// How likely two who go into the same lane by different ways touch, and when: who gives way lets the
/// other go first as long as it can; otherwise who comes later brakes for who comes first.
pub(in crate::warnings) fn merging(
    (one, a, first_way): (&Mover, &Prediction, &Way),
    (other, b, second_way): (&Mover, &Prediction, &Way),
    braking_mps2: f64,
) -> Option<(f64, f64)> {
    let yields = |mover: &Mover, prediction: &Prediction, way: &Way| {
        let left_m = way.over_m - MERGES_BEFORE_M - prediction.along_m - prediction.half_length_m;
        way.phase.is_none()
            && left_m > 0.0
            && mover.speed_mps.powi(2) <= 2.0 * braking_mps2 * left_m
    };
    if yields(one, a, first_way) || yields(other, b, second_way) {
        return None;
    }
    // Both counted from where the lane begins that they share.
    let (at_one, at_other) = (a.along_m - first_way.over_m, b.along_m - second_way.over_m);
    let time_s = |at_m: f64, mover: &Mover| -at_m / mover.speed_mps.max(STANDS_BELOW_MPS);
    let one_first = time_s(at_one, one) <= time_s(at_other, other);
    let (ahead, behind, ahead_m, behind_m) = if one_first {
        (one, other, at_one, at_other)
    } else {
        (other, one, at_other, at_one)
    };
    let merges_s = time_s(behind_m, behind).max(0.0);
    // Where the first one is when the second comes to the lane, and how far before it that is.
    let gap_m = ahead_m + ahead.speed_mps * merges_s - a.half_length_m - b.half_length_m;
    let closing_mps = behind.speed_mps - ahead.speed_mps;
    let most_mps = (2.0 * braking_mps2 * gap_m.max(0.0)).sqrt();
    let brakes_early_mps = braking_mps2 * merges_s / 2.0;
    (gap_m <= 0.0 && closing_mps > -1.0 || closing_mps > most_mps + brakes_early_mps)
        .then_some((1.0, merges_s))
}

/// Whether the second of two who have come out of one lane need not brake harder than people do for the first,
/// which turns off before it.
pub(in crate::warnings) fn keeps_behind(
    (one, a): (&Mover, &Prediction),
    (other, b): (&Mover, &Prediction),
    braking_mps2: f64,
) -> bool {
    let (ahead, behind) = if a.along_m >= b.along_m {
        (one, other)
    } else {
        (other, one)
    };
    let gap_m = (a.along_m - b.along_m).abs() - a.half_length_m - b.half_length_m;
    let closing_mps = behind.speed_mps - ahead.speed_mps;
    gap_m > 0.0 && closing_mps <= (2.0 * braking_mps2 * gap_m).sqrt()
}

/// So far before the lane that they share two ways come close to each other.
const MERGES_BEFORE_M: f64 = 3.0;
