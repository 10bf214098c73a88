//! Where everything is at one moment: the truth that sensors look at and that the judge compares
//! with.

use rsu::clock::Mono;

use super::vehicles::Kind;
use crate::plane::Point;

/// Ids from here on are of walkers, riders and the like; vehicles never get so far.
pub const FIRST_USER: u32 = 1 << 24;

/// Everything on the road at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// When.
    pub at: Mono,
    /// In order of id.
    pub bodies: Vec<Body>,
}

/// One road user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// Never used again for another.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
    /// The middle of its outline.
    pub centre: Point,
    /// Unit vector from tail to nose.
    pub direction: Point,
    /// Over ground.
    pub speed_mps: f64,
    /// Along its direction.
    pub length_m: f64,
    /// Across it.
    pub width_m: f64,
    /// Above ground.
    pub height_m: f64,
}

impl Snapshot {
    /// Nobody.
    pub const fn empty(at: Mono) -> Self {
        Self {
            at,
            bodies: Vec::new(),
        }
    }

    /// The moment `at` between two snapshots: positions and speeds on the straight line between.
    ///
    /// Who is only in the later one is carried back at its speed; who is only in the earlier one has
    /// left.
    pub fn between(earlier: &Self, later: &Self, at: Mono) -> Self {
        let span_s = later.at.seconds_after(earlier.at);
        let share = if span_s > 0.0 {
            (at.seconds_after(earlier.at) / span_s).clamp(0.0, 1.0)
        } else {
            1.0
        };
        // Both are in order of id.
        let mut before = earlier.bodies.iter().peekable();
        let bodies = later.bodies.iter().map(|to| {
            while before.next_if(|from| from.id < to.id).is_some() {}
            match before.next_if(|from| from.id == to.id) {
                Some(from) => from.towards(to, share),
                None => {
                    let back_m = to.speed_mps * span_s * (1.0 - share);
                    Body {
                        centre: to.centre.minus(to.direction.times(back_m)),
                        ..*to
                    }
                }
            }
        });
        let bodies = bodies.collect();
        Self { at, bodies }
    }

    /// The vehicles on their routes, without walkers, riders and the like.
    pub fn vehicles(&self) -> &[Body] {
        let count = self.bodies.partition_point(|body| body.id < FIRST_USER);
        &self.bodies[..count]
    }

    /// The road user with this id.
    pub fn body(&self, id: u32) -> Option<&Body> {
        let i = self.bodies.binary_search_by_key(&id, |body| body.id).ok()?;
        Some(&self.bodies[i])
    }
}

impl Body {
    /// Its outline, counter-clockwise from the front left corner.
    pub fn corners(&self) -> [Point; 4] {
        let along = self.direction.times(self.length_m / 2.0);
        let across = self.direction.left().times(self.width_m / 2.0);
        [
            self.centre.plus(along).plus(across),
            self.centre.minus(along).plus(across),
            self.centre.minus(along).minus(across),
            self.centre.plus(along).minus(across),
        ]
    }

    /// Whether two outlines overlap.
    pub fn overlaps(&self, other: &Self) -> bool {
        let reach_m = (self.length_m + other.length_m + self.width_m + other.width_m) / 2.0;
        if self.centre.distance_m(other.centre) > reach_m {
            return false;
        }
        // Separating axes: two rectangles are apart if they are apart along a side of one of them.
        let axes = [
            self.direction,
            self.direction.left(),
            other.direction,
            other.direction.left(),
        ];
        let (own, theirs) = (self.corners(), other.corners());
        axes.iter().all(|&axis| {
            let (low, high) = extent(&own, axis);
            let (other_low, other_high) = extent(&theirs, axis);
            low < other_high && other_low < high
        })
    }

    /// How far `place` is from the outline; nought inside.
    pub fn distance_m(&self, place: Point) -> f64 {
        let off = place.minus(self.centre);
        let ahead_m = (off.dot(self.direction).abs() - self.length_m / 2.0).max(0.0);
        let aside_m = (off.dot(self.direction.left()).abs() - self.width_m / 2.0).max(0.0);
        Point::new(ahead_m, aside_m).length_m()
    }

    fn towards(&self, later: &Self, share: f64) -> Self {
        let mix = |from: Point, to: Point| from.plus(to.minus(from).times(share));
        Self {
            centre: mix(self.centre, later.centre),
            direction: mix(self.direction, later.direction).direction(),
            speed_mps: self.speed_mps + (later.speed_mps - self.speed_mps) * share,
            ..*self
        }
    }
}

fn extent(corners: &[Point; 4], axis: Point) -> (f64, f64) {
    corners
        .iter()
        .map(|corner| corner.dot(axis))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at_m| {
            (low.min(at_m), high.max(at_m))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car(east_m: f64, north_m: f64, direction: Point) -> Body {
        Body {
            id: 1,
            kind: Kind::Car,
            centre: Point::new(east_m, north_m),
            direction: direction.direction(),
            speed_mps: 10.0,
            length_m: 4.0,
            width_m: 2.0,
            height_m: 1.5,
        }
    }

    #[test]
    fn outlines_that_touch_by_a_corner_overlap() {
        let east = Point::new(1.0, 0.0);
        assert!(car(0.0, 0.0, east).overlaps(&car(3.9, 1.9, east)));
        assert!(!car(0.0, 0.0, east).overlaps(&car(4.1, 0.0, east)));
        // Turned by 45 degrees, the corner that would reach in is not there.
        assert!(!car(0.0, 0.0, east).overlaps(&car(3.6, 2.6, Point::new(1.0, 1.0))));
    }

    #[test]
    fn between_two_snapshots_all_move_evenly() {
        let east = Point::new(1.0, 0.0);
        let at = |seconds: f64| Mono::ZERO.offset_by(seconds);
        let earlier = Snapshot {
            at: at(1.0),
            bodies: vec![car(0.0, 0.0, east)],
        };
        let later = Snapshot {
            at: at(1.1),
            bodies: vec![
                car(1.0, 0.0, east),
                Body {
                    id: 2,
                    ..car(50.0, 0.0, east)
                },
            ],
        };
        let middle = Snapshot::between(&earlier, &later, at(1.05));
        assert!((middle.bodies[0].centre.east_m - 0.5).abs() < 1e-9);
        assert!((middle.bodies[1].centre.east_m - 49.5).abs() < 1e-9);
    }
}
