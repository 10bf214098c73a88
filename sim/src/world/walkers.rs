//! How walkers keep out of each other's way: the social force of Helbing and Molnar (1995), with their
//! figures.
//!
//! A walker takes on the speed that it wants within half a second, is pushed away from where others will
//! set their next step, the less the farther that is from it, and from edges and things; what it does not
//! see counts half. What the figures are worth is held against Weidmann's curve of speed over density
//! (1993) below. Nobody walks faster than 1.3 times as fast as they would, nobody walks back, and a push
//! is bounded; the last two are assumed. Not here: who walks where, and who waits for whom
//! ([`super::users`]).

use crate::plane::Point;

/// Somebody on foot, as the others see them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walker {
    /// The middle.
    pub place: Point,
    /// Metres a second.
    pub velocity: Point,
}

/// The push that `one`, who wants to go in the direction `way`, gets from `other`.
pub fn push_mps2(one: &Walker, way: Point, other: &Walker) -> Point {
    let apart = one.place.minus(other.place);
    let apart_m = apart.length_m();
    if !(SAME_PLACE_M..=FELT_M).contains(&apart_m) {
        return Point::default();
    }
    let step = other.velocity.times(STEP_S);
    let after = apart.minus(step);
    let after_m = after.length_m().max(SAME_PLACE_M);
    // Half of the smaller axis of the ellipse whose foci are where the other is and will step.
    let both_m = apart_m + after_m;
    let axis_m = (both_m * both_m - step.dot(step)).max(0.0).sqrt() / 2.0;
    let axis_m = axis_m.max(NEAREST_M);
    let steep = REPULSION_M2PS2 / RANGE_M * libm::exp(-axis_m / RANGE_M);
    let outward = apart.times(1.0 / apart_m).plus(after.times(1.0 / after_m));
    let push = outward.times(steep * both_m / (4.0 * axis_m));
    let seen = -push.dot(way) >= push.length_m() * SEEN_COS;
    push.times(if seen { 1.0 } else { UNSEEN })
}

/// The push of an edge or a thing so far away.
pub fn edge_push_mps2(apart_m: f64) -> f64 {
    EDGE_M2PS2 / EDGE_RANGE_M * libm::exp(-apart_m.max(0.0) / EDGE_RANGE_M)
}

/// The velocity after `step_s` of somebody who wants to go with `wanted_mps` in the direction `way` and is
/// pushed.
pub fn stride(velocity: Point, way: Point, wanted_mps: f64, push: Point, step_s: f64) -> Point {
    let push_mps2 = push.length_m();
    let push = if push_mps2 > HARDEST_MPS2 {
        push.times(HARDEST_MPS2 / push_mps2)
    } else {
        push
    };
    let change = way.times(wanted_mps).minus(velocity).times(1.0 / ADAPTS_S);
    let mut next = velocity.plus(change.plus(push).times(step_s));
    let back_mps = next.dot(way).min(0.0);
    next = next.minus(way.times(back_mps));
    let (speed_mps, most_mps) = (next.length_m(), FASTEST * wanted_mps);
    if speed_mps > most_mps {
        next = next.times(most_mps / speed_mps);
    }
    next
}

/// Helbing and Molnar 1995: the strength of repulsion and its range,
const REPULSION_M2PS2: f64 = 2.1;
const RANGE_M: f64 = 0.3;
/// the time for which the step of another is foreseen,
const STEP_S: f64 = 2.0;
/// the same of walls,
const EDGE_M2PS2: f64 = 10.0;
const EDGE_RANGE_M: f64 = 0.2;
/// the cosine of half of 200 degrees, and what is not seen counts so much,
const SEEN_COS: f64 = -0.173_648_177_666_930_3;
const UNSEEN: f64 = 0.5;
/// the time in which one takes on the speed that one wants,
const ADAPTS_S: f64 = 0.5;
/// and how much faster one may walk.
const FASTEST: f64 = 1.3;
/// Farther away nothing is felt.
pub(super) const FELT_M: f64 = 6.0;
/// Two in one place have no direction from each other.
const SAME_PLACE_M: f64 = 1e-6;
/// Nearer than this the push does not grow.
const NEAREST_M: f64 = 0.05;
const HARDEST_MPS2: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// A corridor whose end is its beginning, and how fast all walk in it.
    fn speed_mps(per_m2: f64) -> f64 {
        const LONG_M: f64 = 20.0;
        const WIDE_M: f64 = 4.0;
        let way = Point::new(1.0, 0.0);
        let count = (per_m2 * LONG_M * WIDE_M) as usize;
        let columns = (count as f64 * LONG_M / WIDE_M).sqrt().ceil();
        let rows = (count as f64 / columns).ceil();
        let mut draw = Stream::new(1, 0, Purpose::User);
        let walker = |i: usize| {
            let (column, row) = (i as f64 % columns, (i as f64 / columns).floor());
            let wanted_mps = (1.34 + 0.26 * draw.normal()).clamp(0.67, 2.0);
            let east_m = (column + 0.5) * LONG_M / columns + draw.between(-0.1, 0.1);
            let north_m = (row + 0.5) * WIDE_M / rows + draw.between(-0.1, 0.1);
            let walker = Walker {
                place: Point::new(east_m, north_m),
                velocity: way.times(wanted_mps / 2.0),
            };
            (walker, wanted_mps)
        };
        let mut all: Vec<(Walker, f64)> = (0..count).map(walker).collect();
        let (mut sum_mps, mut looks) = (0.0, 0.0);
        for step in 0..300 {
            let before = all.clone();
            for (i, (one, wanted_mps)) in all.iter_mut().enumerate() {
                let mut push = Point::default();
                for (j, (other, _)) in before.iter().enumerate() {
                    let off_m = one.place.east_m - other.place.east_m;
                    let round_m = LONG_M * (off_m / LONG_M).round();
                    let place = other.place.plus(way.times(round_m));
                    if i != j {
                        push = push.plus(push_mps2(&before[i].0, way, &Walker { place, ..*other }));
                    }
                }
                let north_m = one.place.north_m;
                let edges = edge_push_mps2(north_m) - edge_push_mps2(WIDE_M - north_m);
                push.north_m += edges;
                one.velocity = stride(one.velocity, way, *wanted_mps, push, 0.1);
            }
            for (one, _) in &mut all {
                one.place = one.place.plus(one.velocity.times(0.1));
                one.place.east_m = one.place.east_m.rem_euclid(LONG_M);
                one.place.north_m = one.place.north_m.clamp(0.0, WIDE_M);
            }
            if step >= 150 {
                sum_mps += all.iter().map(|(one, _)| one.velocity.east_m).sum::<f64>();
                looks += count as f64;
            }
        }
        sum_mps / looks
    }

    #[test]
    fn the_denser_the_slower_as_weidmann_has_it() {
        for per_m2 in [0.25, 0.5, 1.0, 1.5, 2.0, 3.0] {
            let weidmann_mps = 1.34 * (1.0 - (-1.913 * (1.0 / per_m2 - 1.0 / 5.4_f64)).exp());
            let walked_mps = speed_mps(per_m2);
            println!("{per_m2} a square metre: {walked_mps:.2} m/s, Weidmann {weidmann_mps:.2}");
            let off_mps = (walked_mps - weidmann_mps).abs();
            assert!(off_mps < 0.25, "{per_m2}: {walked_mps} {weidmann_mps}");
        }
    }

    #[test]
    fn two_who_meet_pass_beside_each_other() {
        let way = Point::new(1.0, 0.0);
        let mut one = Walker {
            place: Point::new(0.0, 0.05),
            velocity: way.times(1.34),
        };
        let mut other = Walker {
            place: Point::new(10.0, -0.05),
            velocity: way.times(-1.34),
        };
        let (mut nearest_m, mut slowest_mps) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..80 {
            let pushes = [
                push_mps2(&one, way, &other),
                push_mps2(&other, way.times(-1.0), &one),
            ];
            one.velocity = stride(one.velocity, way, 1.34, pushes[0], 0.1);
            other.velocity = stride(other.velocity, way.times(-1.0), 1.34, pushes[1], 0.1);
            for walker in [&mut one, &mut other] {
                walker.place = walker.place.plus(walker.velocity.times(0.1));
            }
            nearest_m = nearest_m.min(one.place.distance_m(other.place));
            slowest_mps = slowest_mps.min(one.velocity.length_m());
        }
        assert!(nearest_m > 0.5, "they touch: {nearest_m} m");
        assert!(slowest_mps > 0.5, "they stop for each other");
        assert!(one.place.east_m > 8.0 && other.place.east_m < 2.0);
    }
}
