//! Points and paths on the site's ground plane, in metres east and north of its origin.
//!
//! No angles: directions are unit vectors, so that the world needs nothing beyond a square root and
//! moves alike on every machine.

/// A place on the ground, or a displacement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Towards east.
    pub east_m: f64,
    /// Towards north.
    pub north_m: f64,
}

impl Point {
    /// From its two coordinates.
    pub const fn new(east_m: f64, north_m: f64) -> Self {
        Self { east_m, north_m }
    }

    /// `self + other`.
    pub fn plus(self, other: Self) -> Self {
        Self::new(self.east_m + other.east_m, self.north_m + other.north_m)
    }

    /// `self - other`.
    pub fn minus(self, other: Self) -> Self {
        Self::new(self.east_m - other.east_m, self.north_m - other.north_m)
    }

    /// `self` times `factor`.
    pub fn times(self, factor: f64) -> Self {
        Self::new(self.east_m * factor, self.north_m * factor)
    }

    /// Scalar product.
    pub fn dot(self, other: Self) -> f64 {
        self.east_m * other.east_m + self.north_m * other.north_m
    }

    /// Length of the vector product; positive when `other` lies to the left of `self`.
    pub fn cross(self, other: Self) -> f64 {
        self.east_m * other.north_m - self.north_m * other.east_m
    }

    /// Distance from the origin.
    pub fn length_m(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// Distance to `other`.
    pub fn distance_m(self, other: Self) -> f64 {
        self.minus(other).length_m()
    }

    /// The unit vector this way; east if `self` has no length.
    pub fn direction(self) -> Self {
        let length_m = self.length_m();
        if length_m > 0.0 {
            self.times(1.0 / length_m)
        } else {
            Self::new(1.0, 0.0)
        }
    }

    /// Turned a quarter to the left.
    pub fn left(self) -> Self {
        Self::new(-self.north_m, self.east_m)
    }
}

/// A polyline that is travelled from its first point to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    points: Vec<Point>,
    /// Arc length from the first point to each point.
    at_m: Vec<f64>,
    /// By piece: the unit vector along it.
    along: Vec<Point>,
}

impl Path {
    /// Through these points, doubles left out; None if fewer than two remain.
    pub fn new(points: &[Point]) -> Option<Self> {
        let mut path = Self {
            points: Vec::with_capacity(points.len()),
            at_m: Vec::with_capacity(points.len()),
            along: Vec::with_capacity(points.len()),
        };
        for &point in points {
            match path.points.last() {
                Some(&last) => {
                    let step_m = last.distance_m(point);
                    if step_m > DOUBLE_M {
                        path.at_m.push(path.length_m() + step_m);
                        path.points.push(point);
                        path.along.push(point.minus(last).direction());
                    }
                }
                None => {
                    path.at_m.push(0.0);
                    path.points.push(point);
                }
            }
        }
        (path.points.len() >= 2).then_some(path)
    }

    /// Length of the whole path.
    pub fn length_m(&self) -> f64 {
        self.at_m.last().copied().unwrap_or(0.0)
    }

    /// Its points in the order of travel.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The place `along_m` from the beginning; the end pieces go on straight beyond the ends.
    pub fn point_at(&self, along_m: f64) -> Point {
        let i = self.piece_at(along_m);
        self.points[i].plus(self.along[i].times(along_m - self.at_m[i]))
    }

    /// The unit vector of travel at `along_m`.
    pub fn direction_at(&self, along_m: f64) -> Point {
        self.along[self.piece_at(along_m)]
    }

    /// How far along the place on it is that is nearest to `place`, within its ends.
    pub fn nearest_m(&self, place: Point) -> f64 {
        let pieces = (0..self.points.len() - 1).map(|i| {
            let along = self.along[i];
            let length_m = self.at_m[i + 1] - self.at_m[i];
            let foot_m = place.minus(self.points[i]).dot(along).clamp(0.0, length_m);
            let off_m = place.distance_m(self.points[i].plus(along.times(foot_m)));
            (off_m, self.at_m[i] + foot_m)
        });
        let nearest = pieces.min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map_or(0.0, |(_, along_m)| along_m)
    }

    fn piece_at(&self, along_m: f64) -> usize {
        // Lanes are long, and their bends short: most are before the second point or beyond the last but one.
        let last = self.points.len() - 2;
        if along_m < self.at_m[1] {
            return 0;
        }
        if along_m >= self.at_m[last] {
            return last;
        }
        let after = self.at_m.partition_point(|&at_m| at_m <= along_m);
        after.saturating_sub(1).min(last)
    }
}

/// A smooth curve from one place and direction to another, as points about a metre apart.
///
/// A cubic Bezier curve; its two inner points lie where a circular arc of the same turn would have
/// them, so that a quarter turn keeps a nearly even radius. Both ends are included.
pub fn curve(from: Point, from_direction: Point, to: Point, to_direction: Point) -> Vec<Point> {
    let chord_m = from.distance_m(to);
    // For an arc of angle t the inner points lie (4/3) tan(t/4) radii away, which is
    // chord / (3 cos^2(t/4)); cos t is the scalar product of the two directions.
    let cos_turn = from_direction.dot(to_direction).clamp(-1.0, 1.0);
    let cos_half = ((1.0 + cos_turn) / 2.0).sqrt();
    let reach_m = chord_m / (3.0 * (1.0 + cos_half) / 2.0);
    let a = from.plus(from_direction.times(reach_m));
    let b = to.minus(to_direction.times(reach_m));
    let pieces = (chord_m.ceil() as usize).max(2);
    (0..=pieces)
        .map(|i| {
            let t = i as f64 / pieces as f64;
            let u = 1.0 - t;
            from.times(u * u * u)
                .plus(a.times(3.0 * u * u * t))
                .plus(b.times(3.0 * u * t * t))
                .plus(to.times(t * t * t))
        })
        .collect()
}

/// Points closer than this are one point.
const DOUBLE_M: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_measures_its_arc() {
        let path = Path::new(&[
            Point::new(0.0, 0.0),
            Point::new(3.0, 4.0),
            Point::new(3.0, 4.0),
            Point::new(3.0, 10.0),
        ])
        .expect("three distinct points");
        assert!((path.length_m() - 11.0).abs() < 1e-12);
        let point = path.point_at(8.0);
        assert!((point.east_m - 3.0).abs() < 1e-12 && (point.north_m - 7.0).abs() < 1e-12);
        assert!(
            path.point_at(-5.0).east_m < -2.9,
            "goes on straight before its beginning"
        );
        assert!(path.point_at(12.0).north_m > 10.9, "and beyond its end");
    }

    #[test]
    fn a_quarter_turn_keeps_its_radius() {
        let points = curve(
            Point::new(20.0, 0.0),
            Point::new(0.0, 1.0),
            Point::new(0.0, 20.0),
            Point::new(-1.0, 0.0),
        );
        for point in points {
            assert!((point.length_m() - 20.0).abs() < 0.05, "{point:?}");
        }
    }
}
