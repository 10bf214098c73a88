//! Lines with the fewest points, within a stated error on both sides.
//!
//! Where `simplify` leaves points out, the points here may also lie beside the line: a bend is told by
//! chords that lie half inside and half outside of it, which takes about 0.7 of the points. Both ends
//! stay. Every point has a gate, a stretch across the line; a chord that passes all gates between its
//! ends in order lies as near to the line as the gates are wide, and the line to it. Of all ways
//! through, from one of a few places in a gate to one in another, the one with the fewest pieces is
//! taken, and of those the one that stays nearest to the line. The survey's points may lie far apart:
//! what is found with gates at them alone says how long the pieces are, and with many gates a piece a
//! point or two may be spared. Heights are not looked at.

use v2x_msg::base::Enu;

use super::{line, simplify};

/// Where in a gate a point may lie, as shares of its half width: on the line, or as far aside as it may.
const PLACES: [f64; 3] = [-1.0, 0.0, 1.0];
/// Cosine of the most that a line may turn below one chord.
const STRAIGHT_ON: f64 = 0.2;
/// Gates that a piece passes, on average, when they are set anew: with so many, the number of points of
/// an arc is within one of the fewest that there can be.
const GATES_A_PIECE: f64 = 30.0;
/// Lines with more points than this keep their gates as they are.
const MOST_SET_ANEW: usize = 40;
/// More points than this are thinned out first: the work grows with their square.
const MOST_GATES: usize = 200;
/// By how much.
const THINNED_M: f64 = 0.02;

/// The line with as few points as keep it within `tolerance_m` of the result, and the result within
/// `tolerance_m` of it. Looked at from above; a line whose heights matter goes to
/// [`simplify::simplified`].
pub fn fitted(line: &[Enu], tolerance_m: f64) -> Vec<Enu> {
    with_gates(line, tolerance_m, None)
}

/// The same with a point or two less in a long bend, at about ten times the cost.
pub fn fitted_closely(line: &[Enu], tolerance_m: f64) -> Vec<Enu> {
    with_gates(line, tolerance_m, Some(GATES_A_PIECE))
}

fn with_gates(line: &[Enu], tolerance_m: f64, gates_a_piece: Option<f64>) -> Vec<Enu> {
    let plain = simplify::simplified(line, tolerance_m);
    let thinned_m = if line.len() > MOST_GATES {
        THINNED_M.min(tolerance_m / 2.0)
    } else {
        0.0
    };
    let mut thin = simplify::simplified(line, thinned_m);
    thin.dedup_by(|b, a| line::distance_m(*a, *b) == 0.0);
    if plain.len() <= 2 || thin.len() <= 2 || thin.len() > 4 * MOST_GATES {
        return plain;
    }
    let half_m = tolerance_m - thinned_m;
    let coarse = fewest(&thin, half_m);
    let mut best = plain;
    let piece_m = line::length_m(&thin) / (coarse.len().max(2) - 1) as f64;
    let anew = gates_a_piece.filter(|_| (3..=MOST_SET_ANEW).contains(&coarse.len()));
    let fine = anew.map(|many| fewest(&walked(&thin, piece_m / many), half_m));
    for found in [Some(coarse), fine].into_iter().flatten() {
        // What is promised is measured, whatever was thought of above.
        let off_m = simplify::error_m(line, &found).max(simplify::error_m(&found, line));
        if found.len() < best.len() && off_m <= tolerance_m + 1e-6 {
            best = found;
        }
    }
    best
}

/// The line with points between its points, no farther apart than `step_m`.
fn walked(line: &[Enu], step_m: f64) -> Vec<Enu> {
    let mut points: Vec<Enu> = line.first().copied().into_iter().collect();
    for ends in line.windows(2) {
        let steps = (line::distance_m(ends[0], ends[1]) / step_m)
            .ceil()
            .max(1.0);
        for step in 1..steps as usize {
            points.push(line::between(ends[0], ends[1], step as f64 / steps));
        }
        points.push(ends[1]);
    }
    points
}

/// What leads to a place in a gate at best.
#[derive(Clone, Copy)]
struct Best {
    pieces: usize,
    /// Sum of the squares of how far the points lie off the line.
    off_m2: f64,
    /// Gate and place before.
    before: (usize, usize),
}

fn fewest(line: &[Enu], half_m: f64) -> Vec<Enu> {
    let gates = gates(line, half_m);
    let mut best: Vec<[Option<Best>; PLACES.len()]> = vec![[None; PLACES.len()]; gates.len()];
    best[0][MIDDLE] = Some(Best {
        pieces: 0,
        off_m2: 0.0,
        before: (0, MIDDLE),
    });
    for from in 0..gates.len() - 1 {
        for place in 0..PLACES.len() {
            if let Some(known) = best[from][place] {
                reach(&gates, &mut best, (from, place), known);
            }
        }
    }
    let mut at = (gates.len() - 1, MIDDLE);
    let mut points = vec![gates[at.0].point(at.1)];
    while at.0 > 0 {
        // The gate before can always be reached, so each has a way to it.
        let Some(way) = best[at.0][at.1] else { break };
        at = way.before;
        points.push(gates[at.0].point(at.1));
    }
    points.reverse();
    points
}

/// Notes every place that one straight piece reaches.
fn reach(
    gates: &[Gate],
    best: &mut [[Option<Best>; PLACES.len()]],
    at: (usize, usize),
    known: Best,
) {
    let start = gates[at.0].point(at.1);
    let first = gates[at.0].onward;
    // What can be seen through the gates so far, from right to left.
    let mut seen: Option<((f64, f64), (f64, f64))> = None;
    for (number, gate) in gates.iter().enumerate().skip(at.0 + 1) {
        let to = vector(start, gate.at);
        if dot(first, gate.arriving) < STRAIGHT_ON || dot(to, gate.along) <= 0.0 {
            return;
        }
        for (place, known_there) in best[number].iter_mut().enumerate() {
            if gate.half_m == 0.0 && place != MIDDLE {
                continue;
            }
            let ends = vector(start, gate.point(place));
            let visible = seen.is_none_or(|(right, left)| {
                cross(right, ends) >= -1e-9 && cross(ends, left) >= -1e-9
            });
            if !visible {
                continue;
            }
            let way = Best {
                pieces: known.pieces + 1,
                off_m2: known.off_m2 + (PLACES[place] * gate.half_m).powi(2),
                before: at,
            };
            let is_better = known_there.is_none_or(|old| {
                way.pieces < old.pieces || (way.pieces == old.pieces && way.off_m2 < old.off_m2)
            });
            if is_better {
                *known_there = Some(way);
            }
        }
        let (right, left) = (
            vector(start, gate.point(0)),
            vector(start, gate.point(PLACES.len() - 1)),
        );
        let narrowed = match seen {
            None => (right, left),
            Some((r, l)) => (
                if cross(r, right) > 0.0 { right } else { r },
                if cross(l, left) < 0.0 { left } else { l },
            ),
        };
        if cross(narrowed.0, narrowed.1) < 0.0 {
            return;
        }
        seen = Some(narrowed);
    }
}

/// A stretch across the line at one of its points.
struct Gate {
    at: Enu,
    places: [Enu; PLACES.len()],
    /// Direction of the line there; of the piece before and of the one behind.
    along: (f64, f64),
    arriving: (f64, f64),
    onward: (f64, f64),
    half_m: f64,
}

impl Gate {
    fn point(&self, place: usize) -> Enu {
        self.places[place]
    }
}

/// Both ends have gates without width. In tight bends gates are narrow, so that none crosses the next.
fn gates(line: &[Enu], half_m: f64) -> Vec<Gate> {
    let last = line.len() - 1;
    let piece = |at: usize| line::direction(line[at], line[at + 1]);
    let long_m = |at: usize| line::distance_m(line[at], line[at + 1]);
    let gate = |at: usize| {
        let (arriving, onward) = (piece(at.saturating_sub(1)), piece(at.min(last - 1)));
        let sum = (arriving.0 + onward.0, arriving.1 + onward.1);
        let size = sum.0.hypot(sum.1);
        let along = if size > 1e-6 {
            (sum.0 / size, sum.1 / size)
        } else {
            onward
        };
        let half_m = if at == 0 || at == last || size <= 1e-6 {
            0.0
        } else {
            // How far the gate's end lies along the road from its middle, for each metre of width.
            let slant = cross(along, onward).abs().max(1e-9);
            half_m.min(0.49 * long_m(at - 1).min(long_m(at)) / slant)
        };
        let left = (-along.1, along.0);
        Gate {
            at: line[at],
            places: PLACES.map(|share| line::towards(line[at], left, share * half_m)),
            along,
            arriving,
            onward,
            half_m,
        }
    };
    (0..=last).map(gate).collect()
}

fn vector(from: Enu, to: Enu) -> (f64, f64) {
    (to.east_m - from.east_m, to.north_m - from.north_m)
}

fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

/// Positive where `b` is to the left of `a`.
fn cross(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.1 - a.1 * b.0
}

const MIDDLE: usize = PLACES.len() / 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(east_m: f64, north_m: f64) -> Enu {
        Enu {
            east_m,
            north_m,
            up_m: 0.0,
        }
    }

    fn arc(radius_m: f64, long_m: f64, step_m: f64) -> Vec<Enu> {
        let steps = (long_m / step_m) as u32;
        let point = |step: u32| {
            let angle = f64::from(step) * step_m / radius_m;
            at(radius_m * (1.0 - angle.cos()), radius_m * angle.sin())
        };
        (0..=steps).map(point).collect()
    }

    /// Points between the points of a line, at fifths of its pieces.
    fn fifths(line: &[Enu]) -> Vec<Enu> {
        let mut points = Vec::new();
        for piece in line.windows(2) {
            for share in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
                let mix = |a: f64, b: f64| a + (b - a) * share;
                points.push(at(
                    mix(piece[0].east_m, piece[1].east_m),
                    mix(piece[0].north_m, piece[1].north_m),
                ));
            }
        }
        points
    }

    #[test]
    fn a_bend_takes_fewer_points_than_where_all_of_them_lie_on_it() {
        let bend = arc(200.0, 300.0, 5.0);
        let (plain, fit) = (simplify::simplified(&bend, 0.4), fitted(&bend, 0.4));
        // A chord whose middle lies 0.8 m from it is 36 m long, one of 0.4 m 25 m.
        assert!(
            fit.len() <= 11 && plain.len() >= 13,
            "{} {}",
            fit.len(),
            plain.len()
        );
    }

    #[test]
    fn an_arc_takes_no_point_more_than_geometry_asks_for() {
        for radius_m in [60.0, 120.0, 200.0, 250.0, 500.0, 1000.0_f64] {
            for tolerance_m in [0.2, 0.48] {
                // A piece between two points that lie outside touches the arc inside of the line; of
                // the first and the last piece one end lies on the line.
                let touch_m = radius_m - tolerance_m;
                let half = (touch_m / (radius_m + tolerance_m)).acos();
                let end = (touch_m / radius_m).acos();
                let whole = 300.0 / radius_m;
                let pieces = 2.0
                    + ((whole - 2.0 * (half + end)) / (2.0 * half))
                        .max(0.0)
                        .ceil();
                let found = fitted_closely(&arc(radius_m, 300.0, 5.0), tolerance_m).len() - 1;
                // Gates lie where they lie.
                let most = pieces as usize + 1;
                assert!(
                    found <= most,
                    "{radius_m} {tolerance_m}: {found} of {pieces}"
                );
            }
        }
        assert_eq!(fitted_closely(&arc(200.0, 300.0, 5.0), 0.48).len(), 9);
    }

    #[test]
    fn a_straight_line_has_two_points_and_a_corner_stays() {
        let straight: Vec<_> = (0..50).map(|n| at(f64::from(n), 0.0)).collect();
        assert_eq!(fitted(&straight, 0.1), [straight[0], straight[49]]);
        let corner = [at(0.0, 0.0), at(50.0, 0.0), at(50.0, 50.0)];
        assert_eq!(fitted(&corner, 0.1).len(), 3);
        assert_eq!(fitted(&[], 0.1), []);
        assert_eq!(fitted(&corner[..1], 0.1), corner[..1]);
    }

    proptest! {
        #[test]
        fn neither_line_is_farther_from_the_other_than_the_tolerance(
            bends in proptest::collection::vec((-0.9..0.9f64, 0.5..30.0f64), 2..60),
            tolerance_m in 0.05..1.0f64,
        ) {
            let (mut yaw, mut end) = (0.0_f64, at(0.0, 0.0));
            let mut line = vec![end];
            for (by, long_m) in bends {
                yaw += by;
                end = at(end.east_m + long_m * yaw.cos(), end.north_m + long_m * yaw.sin());
                line.push(end);
            }
            let mut most = simplify::simplified(&line, tolerance_m).len();
            for found in [fitted(&line, tolerance_m), fitted_closely(&line, tolerance_m)] {
                prop_assert_eq!((found.first(), found.last()), (line.first(), line.last()));
                prop_assert!(found.len() <= most);
                most = found.len();
                prop_assert!(simplify::error_m(&fifths(&line), &found) <= tolerance_m + 1e-6);
                prop_assert!(simplify::error_m(&fifths(&found), &line) <= tolerance_m + 1e-6);
            }
        }
    }
}
