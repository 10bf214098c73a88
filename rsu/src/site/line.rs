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
    let pieces = line.windows(2).map(|ends| Piece::new(ends[0], ends[1]));
    let (piece, foot) = nearest(pieces, east_m, north_m, |piece| piece)?;
    Some(Foot {
        yaw_rad: piece.yaw_rad(),
        ..foot
    })
}

/// A line whose pieces have been measured once, for those who ask for many feet on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Each with its direction, counter-clockwise from east.
    pieces: Vec<(Piece, f64)>,
}

impl Measured {
    pub(crate) fn new(line: &[Enu]) -> Self {
        let pieces = line.windows(2).map(|ends| {
            let piece = Piece::new(ends[0], ends[1]);
            (piece, piece.yaw_rad())
        });
        Self {
            pieces: pieces.collect(),
        }
    }

    /// The same as [`foot`] of that line.
    pub(crate) fn foot(&self, east_m: f64, north_m: f64) -> Option<Foot> {
        let pieces = self.pieces.iter();
        let (&(_, yaw_rad), foot) = nearest(pieces, east_m, north_m, |(piece, _)| piece)?;
        Some(Foot { yaw_rad, ..foot })
    }
}

/// A straight piece of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from: Enu,
    length_m: f64,
    /// A vector of length one; zero where the piece has no length.
    leads: (f64, f64),
}

impl Piece {
    fn new(from: Enu, to: Enu) -> Self {
        let length_m = distance_m(from, to);
        Self {
            from,
            length_m,
            leads: leading(from, to, length_m),
        }
    }

    fn yaw_rad(&self) -> f64 {
        self.leads.1.atan2(self.leads.0)
    }
}

/// The piece that is nearest to a point, the first of several, and the point's foot on it, its direction left
/// out.
fn nearest<P>(
    pieces: impl Iterator<Item = P>,
    east_m: f64,
    north_m: f64,
    of: impl Fn(&P) -> &Piece,
) -> Option<(P, Foot)> {
    let mut best: Option<(P, Foot)> = None;
    let mut before_m = 0.0;
    // No distance whose square is larger than this is less than the least so far, however it is rounded.
    let mut farthest_m2 = f64::INFINITY;
    for whose in pieces {
        let piece = of(&whose);
        let (east, north) = piece.leads;
        let (x, y) = (east_m - piece.from.east_m, north_m - piece.from.north_m);
        let along_m = (x * east + y * north).clamp(0.0, piece.length_m);
        let (off_east_m, off_north_m) = (x - along_m * east, y - along_m * north);
        let begins_m = before_m;
        before_m += piece.length_m;
        if off_east_m * off_east_m + off_north_m * off_north_m > farthest_m2 {
            continue;
        }
        let distance_m = off_east_m.hypot(off_north_m);
        if best
            .as_ref()
            .is_none_or(|(_, found)| distance_m < found.distance_m)
        {
            farthest_m2 = distance_m * distance_m * ROUNDED_UP;
            let foot = Foot {
                along_m: begins_m + along_m,
                left_m: east * y - north * x,
                yaw_rad: 0.0,
                distance_m,
            };
            best = Some((whose, foot));
        }
    }
    best
}

/// A little more than one.
const ROUNDED_UP: f64 = 1.0 + 1e-12;

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
            part.push(between(piece[0], piece[1], share));
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

/// A point on the way from one to the other, by its share of the way.
pub(super) fn between(from: Enu, to: Enu, share: f64) -> Enu {
    let mix = |from: f64, to: f64| from + (to - from) * share;
    Enu {
        east_m: mix(from.east_m, to.east_m),
        north_m: mix(from.north_m, to.north_m),
        up_m: mix(from.up_m, to.up_m),
    }
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_measured_line_has_the_same_feet_to_the_bit(
            points in proptest::collection::vec((-3_i8..=3, -3_i8..=3), 0..7),
            place in (-50.0..50.0f64, -50.0..50.0f64),
            (steps, exact) in (1.0..20.0f64, any::<bool>()),
        ) {
            // Few places, so that doubles, lines that turn back and equal distances come up.
            let line: Vec<Enu> = points
                .iter()
                .map(|(x, y)| at(f64::from(*x) * steps, f64::from(*y) * steps))
                .collect();
            let place = if exact { (0.0, steps) } else { place };
            let plain = plain_foot(&line, place.0, place.1);
            prop_assert_eq!(foot(&line, place.0, place.1), plain);
            prop_assert_eq!(Measured::new(&line).foot(place.0, place.1), plain);
        }
    }

    /// Every piece looked at in full.
    fn plain_foot(line: &[Enu], east_m: f64, north_m: f64) -> Option<Foot> {
        let mut best: Option<Foot> = None;
        let mut before_m = 0.0;
        for ends in line.windows(2) {
            let length_m = distance_m(ends[0], ends[1]);
            let (east, north) = direction(ends[0], ends[1]);
            let (x, y) = (east_m - ends[0].east_m, north_m - ends[0].north_m);
            let along_m = (x * east + y * north).clamp(0.0, length_m);
            let distance_m = (x - along_m * east).hypot(y - along_m * north);
            if best.is_none_or(|found| distance_m < found.distance_m) {
                best = Some(Foot {
                    along_m: before_m + along_m,
                    left_m: east * y - north * x,
                    yaw_rad: north.atan2(east),
                    distance_m,
                });
            }
            before_m += length_m;
        }
        best
    }
}
