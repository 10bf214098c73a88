//! Lines on the ground: how long, where along, how far aside.
//!
//! A line is a list of points joined by straight pieces, looked at from above; heights follow along
//! but do not count. Not here: what a line stands for.

use v2x_msg::base::Enu;

/// Length of a line.
pub fn length_m(line: &[Enu]) -> f64 {
    line.windows(2)
        .map(|piece| distance_m(piece[0], piece[1]))
        .sum()
}

/// Distance between two points.
pub fn distance_m(a: Enu, b: Enu) -> f64 {
    (b.east_m - a.east_m).hypot(b.north_m - a.north_m)
}

/// The line moved `right_m` to the right of its direction (negative: left), corners mitred.
///
/// A line of fewer than two points comes back as it is.
pub fn beside(line: &[Enu], right_m: f64) -> Vec<Enu> {
    if line.len() < 2 {
        return line.to_vec();
    }
    let normals: Vec<(f64, f64)> = line
        .windows(2)
        .map(|piece| {
            let (east, north) = direction(piece[0], piece[1]);
            (north, -east)
        })
        .collect();
    let last = normals.len() - 1;
    let moved = line.iter().enumerate().map(|(at, point)| {
        let before = normals[at.saturating_sub(1).min(last)];
        let after = normals[at.min(last)];
        let (east, north) = (before.0 + after.0, before.1 + after.1);
        // The mitre of a corner is longer than the offset; a hairpin would make it endless.
        let scale = right_m * 2.0 / (east * east + north * north).max(0.5);
        Enu {
            east_m: point.east_m + east * scale,
            north_m: point.north_m + north * scale,
            up_m: point.up_m,
        }
    });
    moved.collect()
}

/// Where a point is in relation to a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foot {
    /// From the line's start to the nearest point on it.
    pub along_m: f64,
    /// To the left of the line's direction; negative on the right.
    pub left_m: f64,
    /// Direction of the line there, counter-clockwise from east.
    pub yaw_rad: f64,
    /// Distance to the nearest point on the line; more than `left_m` beyond its ends.
    pub distance_m: f64,
}

/// The nearest point on a line; None for fewer than two points.
pub fn foot(line: &[Enu], east_m: f64, north_m: f64) -> Option<Foot> {
    let mut best: Option<Foot> = None;
    let mut leads = (0.0, 0.0);
    let mut before_m = 0.0;
    for piece in line.windows(2) {
        let length_m = distance_m(piece[0], piece[1]);
        let (east, north) = leading(piece[0], piece[1], length_m);
        let (x, y) = (east_m - piece[0].east_m, north_m - piece[0].north_m);
        let along_m = (x * east + y * north).clamp(0.0, length_m);
        let distance_m = (x - along_m * east).hypot(y - along_m * north);
        if best.is_none_or(|found| distance_m < found.distance_m) {
            leads = (east, north);
            best = Some(Foot {
                along_m: before_m + along_m,
                left_m: east * y - north * x,
                yaw_rad: 0.0,
                distance_m,
            });
        }
        before_m += length_m;
    }
    // Of the one piece that counts.
    let yaw_rad = leads.1.atan2(leads.0);
    best.map(|foot| Foot { yaw_rad, ..foot })
}

/// Whether two pieces of the line cross each other.
pub fn crosses_itself(line: &[Enu]) -> bool {
    let pieces: Vec<&[Enu]> = line.windows(2).collect();
    pieces.iter().enumerate().any(|(at, one)| {
        let apart = pieces.iter().skip(at + 2);
        apart.into_iter().any(|other| cross(one, other))
    })
}

fn cross(one: &[Enu], other: &[Enu]) -> bool {
    let side = |a: Enu, b: Enu, p: Enu| {
        (b.east_m - a.east_m) * (p.north_m - a.north_m)
            - (b.north_m - a.north_m) * (p.east_m - a.east_m)
    };
    side(one[0], one[1], other[0]) * side(one[0], one[1], other[1]) < 0.0
        && side(other[0], other[1], one[0]) * side(other[0], other[1], one[1]) < 0.0
}

/// Whether a piece of one line crosses a piece of the other.
pub fn cross_each_other(one: &[Enu], other: &[Enu]) -> bool {
    one.windows(2)
        .any(|piece| other.windows(2).any(|against| cross(piece, against)))
}

/// The point `by_m` from another in a direction of length one.
pub(super) fn towards(from: Enu, (east, north): (f64, f64), by_m: f64) -> Enu {
    Enu {
        east_m: from.east_m + east * by_m,
        north_m: from.north_m + north * by_m,
        up_m: from.up_m,
    }
}

/// What lies within `reach_m` of the line's beginning, along it.
pub fn first_part(line: &[Enu], reach_m: f64) -> Vec<Enu> {
    let mut part: Vec<Enu> = line.first().copied().into_iter().collect();
    let mut left_m = reach_m;
    for piece in line.windows(2) {
        let length_m = distance_m(piece[0], piece[1]);
        if length_m >= left_m {
            let share = if length_m > 0.0 {
                left_m / length_m
            } else {
                0.0
            };
            let mix = |from: f64, to: f64| from + (to - from) * share;
            part.push(Enu {
                east_m: mix(piece[0].east_m, piece[1].east_m),
                north_m: mix(piece[0].north_m, piece[1].north_m),
                up_m: mix(piece[0].up_m, piece[1].up_m),
            });
            break;
        }
        left_m -= length_m;
        part.push(piece[1]);
    }
    part
}

/// What lies within `reach_m` of the line's end, along it.
pub fn last_part(line: &[Enu], reach_m: f64) -> Vec<Enu> {
    let mut turned = line.to_vec();
    turned.reverse();
    let mut part = first_part(&turned, reach_m);
    part.reverse();
    part
}

/// From one point to the other, of length one; zero where they are the same.
pub(super) fn direction(from: Enu, to: Enu) -> (f64, f64) {
    leading(from, to, distance_m(from, to))
}

/// The same of two points that are so far apart.
fn leading(from: Enu, to: Enu, length_m: f64) -> (f64, f64) {
    if length_m > 0.0 {
        (
            (to.east_m - from.east_m) / length_m,
            (to.north_m - from.north_m) / length_m,
        )
    } else {
        (0.0, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(east_m: f64, north_m: f64) -> Enu {
        Enu {
            east_m,
            north_m,
            up_m: 0.0,
        }
    }

    #[test]
    fn right_of_a_line_to_the_north_is_east() {
        let moved = beside(&[at(0.0, 0.0), at(0.0, 10.0)], 2.0);
        assert_eq!(moved, [at(2.0, 0.0), at(2.0, 10.0)]);
    }

    #[test]
    fn a_corner_keeps_its_distance_from_both_pieces() {
        let moved = beside(&[at(0.0, 0.0), at(0.0, 10.0), at(10.0, 10.0)], 2.0);
        assert!(distance_m(moved[1], at(2.0, 8.0)) < 1e-9, "{moved:?}");
    }

    #[test]
    fn a_foot_tells_along_and_left() {
        let line = [at(0.0, 0.0), at(10.0, 0.0), at(10.0, 10.0)];
        let found = foot(&line, 9.0, 5.0).expect("two points");
        assert!((found.along_m - 15.0).abs() < 1e-9);
        assert!((found.left_m - 1.0).abs() < 1e-9);
        assert!((found.yaw_rad - std::f64::consts::FRAC_PI_2).abs() < 1e-9);
    }

    #[test]
    fn a_figure_of_eight_crosses_itself() {
        let knot = [at(0.0, 0.0), at(10.0, 10.0), at(10.0, 0.0), at(0.0, 10.0)];
        assert!(crosses_itself(&knot));
        assert!(!crosses_itself(&knot[..3]));
    }
}
