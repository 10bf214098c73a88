//! Whether two predicted road users meet: the closest approach of their footprints in continuous time.
//!
//! Between two knots both move straight on, so the place of one relative to the other is a line: its
//! nearest point and the time in which the footprints touch are exact, whatever the speed. How
//! likely they touch follows from the footprints' extent and the error across that line. Not here:
//! where the predictions come from.

use super::predict::{Knot, PIECES, Prediction, STEP_S};

/// What two predictions have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meeting {
    /// That they touch within the horizon, 0..=1.
    pub(super) probability: f64,
    /// From now to the first touch.
    pub(super) after_s: f64,
}

/// Farther apart than so many sigmas nobody meets.
const SIGMAS: f64 = 4.0;
/// Slower than this, relative to each other, a line of approach says nothing.
const RELATIVE_MPS: f64 = 0.3;

/// How two road users meet, or pass where the other is less than `close_s` before or after; None where they do
/// not, or touch already: what is predicted to have happened is one thing seen twice, or no longer to be warned
/// of.
pub(super) fn meeting(one: &Prediction, other: &Prediction, close_s: f64) -> Option<Meeting> {
    let reach_m = one.reach_m() + other.reach_m();
    let mut likely = Meeting {
        probability: 0.0,
        after_s: 0.0,
    };
    let mut touch_s = None;
    for piece in 0..PIECES {
        let (a, b) = (&one.knots[piece], &other.knots[piece]);
        let from = minus(b, a);
        let to = minus(&other.knots[piece + 1], &one.knots[piece + 1]);
        let way = (to.0 - from.0, to.1 - from.1);
        let nearest = nearest(from, way);
        let place = (from.0 + way.0 * nearest, from.1 + way.1 * nearest);
        let apart_m = place.0.hypot(place.1);
        let begin_s = piece as f64 * STEP_S;
        let at_s = begin_s + nearest * STEP_S;
        let slower_m = one.step_m(piece).min(other.step_m(piece));
        let near_m = reach_m + slower_m / STEP_S * close_s;
        if apart_m > near_m + SIGMAS * (one.sigma_m(at_s) + other.sigma_m(at_s)) {
            continue;
        }
        if touch_s.is_none()
            && let Some(share) = first_touch(from, way, (one, a), (other, b))
        {
            if piece == 0 && share <= 0.0 {
                return None;
            }
            touch_s = Some(begin_s + share * STEP_S);
        }
        let length_m = way.0.hypot(way.1);
        let probability = if nearest <= 0.0 {
            0.0
        } else if nearest < 1.0 && length_m > RELATIVE_MPS * STEP_S {
            let across = (-way.1 / length_m, way.0 / length_m);
            // Across the line of approach both move alike: so far in that time.
            let next = &one.knots[piece + 1];
            let moves = (next.east_m - a.east_m, next.north_m - a.north_m);
            let aside_m = dot(moves, across).abs() / STEP_S * close_s;
            overlap((place, aside_m), across, at_s, (one, a), (other, b))
        } else {
            // They still come closer, or keep their distance: how likely they overlap just then.
            let (a, b) = (&one.knots[piece + 1], &other.knots[piece + 1]);
            let overlap = |axis| overlap((place, 0.0), axis, at_s, (one, a), (other, b));
            let axes = axes(a, b).map(overlap);
            axes.into_iter().fold(1.0, f64::min)
        };
        if probability > likely.probability {
            likely = Meeting {
                probability,
                after_s: at_s,
            };
        }
    }
    likely.after_s = touch_s.unwrap_or(likely.after_s);
    (likely.probability > 0.0).then_some(likely)
}

fn minus(b: &Knot, a: &Knot) -> (f64, f64) {
    (b.east_m - a.east_m, b.north_m - a.north_m)
}

/// The share of the way, 0..=1, at which it comes nearest to the origin.
fn nearest(from: (f64, f64), way: (f64, f64)) -> f64 {
    let square = way.0 * way.0 + way.1 * way.1;
    if square < 1e-12 {
        return 1.0;
    }
    (-(from.0 * way.0 + from.1 * way.1) / square).clamp(0.0, 1.0)
}

/// Of two footprints: along and across each.
fn axes(a: &Knot, b: &Knot) -> [(f64, f64); 4] {
    let across = |direction: (f64, f64)| (-direction.1, direction.0);
    [
        a.direction,
        across(a.direction),
        b.direction,
        across(b.direction),
    ]
}

/// The share of the way at which the footprints first touch, if they do.
fn first_touch(
    from: (f64, f64),
    way: (f64, f64),
    (one, a): (&Prediction, &Knot),
    (other, b): (&Prediction, &Knot),
) -> Option<f64> {
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    for axis in axes(a, b) {
        let reach_m = one.extent_m(a, axis) + other.extent_m(b, axis);
        let (start, speed) = (dot(from, axis), dot(way, axis));
        if speed.abs() < 1e-9 {
            if start.abs() > reach_m {
                return None;
            }
            continue;
        }
        let (enters, leaves) = ((-reach_m - start) / speed, (reach_m - start) / speed);
        first = first.max(enters.min(leaves));
        last = last.min(enters.max(leaves));
        if first > last {
            return None;
        }
    }
    Some(first)
}

/// How likely the shadows of the footprints on an axis overlap, or are no farther apart than `by_m`.
fn overlap(
    (place, by_m): ((f64, f64), f64),
    axis: (f64, f64),
    at_s: f64,
    (one, a): (&Prediction, &Knot),
    (other, b): (&Prediction, &Knot),
) -> f64 {
    let reach_m = one.extent_m(a, axis) + other.extent_m(b, axis) + by_m;
    let variance = one.variance_m2(a, axis, at_s) + other.variance_m2(b, axis, at_s);
    let sigma_m = variance.max(1e-6).sqrt();
    let apart_m = dot(place, axis);
    below((reach_m - apart_m) / sigma_m) - below((-reach_m - apart_m) / sigma_m)
}

fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

/// The normal distribution's share below `z`, to within 0.0002.
pub(super) fn below(z: f64) -> f64 {
    1.0 / (1.0 + (-z * (1.5976 + 0.070_565_992 * z * z)).exp())
}
