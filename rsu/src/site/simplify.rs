//! Lines with fewer points, within a stated error.
//!
//! Douglas and Peucker's way: what is left out lies within the tolerance of what remains, and both
//! ends stay. Without recursion, so that a line of any length costs time but no stack.

use v2x_msg::base::Enu;

/// The line without the points that lie within `tolerance_m` of what remains.
pub fn simplified(line: &[Enu], tolerance_m: f64) -> Vec<Enu> {
    let Some(last) = line.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut keep = vec![false; line.len()];
    (keep[0], keep[last]) = (true, true);
    let mut waiting = vec![(0, last)];
    while let Some((from, to)) = waiting.pop() {
        let inner = (from + 1)..to;
        let off_m = |place: usize| distance_m(line[place], line[from], line[to]);
        let farthest = inner.max_by(|a, b| off_m(*a).total_cmp(&off_m(*b)));
        if let Some(place) = farthest.filter(|place| off_m(*place) > tolerance_m) {
            keep[place] = true;
            waiting.push((from, place));
            waiting.push((place, to));
        }
    }
    let kept = line.iter().zip(keep).filter(|(_, keep)| *keep);
    kept.map(|(point, _)| *point).collect()
}

/// The farthest that a point of `line` lies from `other`, in metres; 0 for lines without points.
pub fn error_m(line: &[Enu], other: &[Enu]) -> f64 {
    let off_m = |point: &Enu| {
        let pieces = other.windows(2);
        pieces
            .map(|piece| distance_m(*point, piece[0], piece[1]))
            .fold(f64::INFINITY, f64::min)
    };
    let worst = line.iter().map(off_m).fold(0.0, f64::max);
    if worst.is_finite() { worst } else { 0.0 }
}

/// From a point to the stretch between two others.
fn distance_m(point: Enu, from: Enu, to: Enu) -> f64 {
    let (dx, dy, dz) = (
        to.east_m - from.east_m,
        to.north_m - from.north_m,
        to.up_m - from.up_m,
    );
    let (px, py, pz) = (
        point.east_m - from.east_m,
        point.north_m - from.north_m,
        point.up_m - from.up_m,
    );
    let length2 = dx * dx + dy * dy + dz * dz;
    let along = if length2 > 0.0 {
        ((px * dx + py * dy + pz * dz) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (px - along * dx)
        .hypot(py - along * dy)
        .hypot(pz - along * dz)
}

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

    #[test]
    fn points_on_a_straight_line_are_left_out_and_bends_stay() {
        let straight: Vec<_> = (0..50).map(|n| at(f64::from(n), 0.0)).collect();
        assert_eq!(simplified(&straight, 0.05).len(), 2);
        let bend = [at(0.0, 0.0), at(10.0, 0.0), at(20.0, 5.0)];
        assert_eq!(simplified(&bend, 0.05), bend);
        assert_eq!(simplified(&[], 0.05), []);
    }

    #[test]
    fn a_line_of_many_points_needs_no_stack() {
        let comb: Vec<_> = (0..5_000_i32)
            .map(|n| at(f64::from(n), f64::from(n * n) * 1e-3))
            .collect();
        assert!(simplified(&comb, 1e-9).len() > 4_000);
    }

    proptest! {
        #[test]
        fn what_is_left_out_lies_within_the_tolerance(
            points in proptest::collection::vec((-300.0..300.0, -300.0..300.0), 2..60),
            tolerance_m in 0.05..5.0,
        ) {
            let line: Vec<Enu> = points.iter().map(|(e, n)| at(*e, *n)).collect();
            let kept = simplified(&line, tolerance_m);
            prop_assert_eq!(kept.first(), line.first());
            prop_assert_eq!(kept.last(), line.last());
            prop_assert!(error_m(&line, &kept) <= tolerance_m + 1e-9);
        }
    }
}
