//! Who is hidden behind whom: road users, and walls and boxes beside the road.
//!
//! A body is looked at in 21 points, seven across as it is seen and three up; a point is hidden if the
//! line to it passes through another body below its top. So a lorry hides a car, and not the other way
//! round for somebody who looks down from a mast.

use crate::plane::Point;
use crate::world::snapshot::Body;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eye {
    /// Where.
    pub place: Point,
    /// Above ground.
    pub height_m: f64,
}

impl Eye {
    /// The share of `body` that is not hidden by any of `others`, 0 to 1. It does not hide itself.
    pub fn visible_share<'a>(&self, body: &Body, others: impl Iterator<Item = &'a Body>) -> f64 {
        let screens: Vec<Screen<'a>> = others.map(|other| self.screen(other)).collect();
        self.seen_between(body, &screens)
    }

    /// The same of what may hide something from this eye.
    pub fn seen_between(&self, body: &Body, screens: &[Screen<'_>]) -> f64 {
        let way = body.centre.minus(self.place);
        let range_m = way.length_m();
        let sight = way.direction();
        let half_m = (body.length_m * body.direction.cross(sight).abs()
            + body.width_m * body.direction.dot(sight).abs())
            / 2.0;
        let before = screens.iter().filter(|screen| {
            let along_m = screen.off.dot(sight);
            sight.cross(screen.off).abs() < half_m + screen.radius_m
                && along_m + screen.radius_m > 0.0
                && along_m - screen.radius_m < range_m
                && screen.body.id != body.id
                && self.lowest_m(body, (along_m + screen.radius_m) / range_m) < screen.body.height_m
        });
        let before: Vec<&Body> = before.map(|screen| screen.body).collect();
        if before.is_empty() {
            return 1.0;
        }
        let mut free = 0;
        for across in ACROSS {
            let aim = body.centre.plus(sight.left().times(half_m * across));
            // What the line to a point passes through hangs on where it is, not on how high.
            let mut hidden = [false; UP.len()];
            for other in &before {
                let Some((enters, leaves)) = crossed(self.place, aim, other) else {
                    continue;
                };
                if enters > REACHED {
                    continue;
                }
                for (hidden, up) in hidden.iter_mut().zip(UP) {
                    let aim_m = body.height_m * up;
                    let height_m = |share: f64| self.height_m + (aim_m - self.height_m) * share;
                    let lowest_m = height_m(enters.max(0.0)).min(height_m(leaves.min(1.0)));
                    *hidden |= lowest_m < other.height_m;
                }
                if hidden.iter().all(|hidden| *hidden) {
                    break;
                }
            }
            free += hidden.iter().filter(|hidden| !**hidden).count();
        }
        free as f64 / (ACROSS.len() * UP.len()) as f64
    }

    /// How low a line to a point of `body` may be on the first `share` of its way, and a little lower: what is not
    /// as high there hides nothing of it.
    fn lowest_m(&self, body: &Body, share: f64) -> f64 {
        let aim_m = body.height_m * UP[0];
        let end_m = self.height_m + (aim_m - self.height_m) * share.min(1.0);
        end_m.min(self.height_m) - ROUNDING_M
    }

    /// Those of `all` that can hide anything from somebody who looks along `axis`, less than a quarter turn
    /// to either side, no farther than `range_m`.
    pub fn before<'a>(
        &self,
        axis: Point,
        range_m: f64,
        all: impl Iterator<Item = &'a Body>,
    ) -> Vec<Screen<'a>> {
        let screens = all.map(|body| self.screen(body));
        let near = screens.filter(|screen| {
            let spare_m = screen.body.length_m + screen.body.width_m + LARGEST_M;
            screen.off.dot(axis) > -spare_m && screen.off.length_m() < range_m + spare_m
        });
        near.collect()
    }

    fn screen<'a>(&self, body: &'a Body) -> Screen<'a> {
        Screen {
            body,
            off: body.centre.minus(self.place),
            radius_m: (body.length_m + body.width_m) / 2.0,
        }
    }
}

/// Something that may hide something else from an eye.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    body: &'a Body,
    /// From the eye to its middle.
    off: Point,
    /// It is no farther from its middle to its edges.
    radius_m: f64,
}

/// Where the line from one place to another is within an outline, as shares of its length.
pub fn crossed(from: Point, to: Point, body: &Body) -> Option<(f64, f64)> {
    let start = from.minus(body.centre);
    let way = to.minus(from);
    let sides = [
        (body.direction, body.length_m / 2.0),
        (body.direction.left(), body.width_m / 2.0),
    ];
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for (axis, half_m) in sides {
        let (at_m, goes_m) = (start.dot(axis), way.dot(axis));
        if goes_m.abs() < 1e-9 {
            if at_m.abs() > half_m {
                return None;
            }
            continue;
        }
        let (a, b) = ((-half_m - at_m) / goes_m, (half_m - at_m) / goes_m);
        enters = enters.max(a.min(b));
        leaves = leaves.min(a.max(b));
    }
    (enters < leaves).then_some((enters, leaves))
}

/// Half of the length and width of the largest body that is looked at, with room to spare.
const LARGEST_M: f64 = 20.0;
/// Across the body, in halves of its width as it is seen.
const ACROSS: [f64; 7] = [-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9];
/// Above ground, in heights of the body.
const UP: [f64; 3] = [0.15, 0.5, 0.85];
const ROUNDING_M: f64 = 1e-6;
/// What begins so late on the line stands beside what is looked at, not before it.
const REACHED: f64 = 0.98;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::vehicles::Kind;

    fn body(id: u32, north_m: f64, [length_m, width_m, height_m]: [f64; 3]) -> Body {
        Body {
            id,
            kind: Kind::Car,
            centre: Point::new(0.0, north_m),
            direction: Point::new(0.0, 1.0),
            speed_mps: 0.0,
            length_m,
            width_m,
            height_m,
        }
    }

    const CAR: [f64; 3] = [4.6, 1.85, 1.5];
    const LORRY: [f64; 3] = [10.0, 2.5, 3.6];
    const EYE: Eye = Eye {
        place: Point::new(0.0, 0.0),
        height_m: 7.0,
    };

    #[test]
    fn a_lorry_hides_a_car_and_not_the_other_way_round() {
        let share = |near, far| {
            let (near, far) = (body(1, 30.0, near), body(2, 40.0, far));
            EYE.visible_share(&far, [near, far].iter())
        };
        assert!(share(LORRY, CAR) < 0.2);
        assert!(share(CAR, LORRY) > 0.9);
    }

    #[test]
    fn beyond_a_wall_nothing_is_seen_and_beside_it_all() {
        let wall = body(9, 20.0, [0.4, 8.0, 6.0]);
        let hidden = body(1, 30.0, CAR);
        assert!(EYE.visible_share(&hidden, [wall].iter()) < 0.01);
        let beside = Body {
            centre: Point::new(12.0, 30.0),
            ..hidden
        };
        assert!(EYE.visible_share(&beside, [wall].iter()) > 0.99);
        let half = Body {
            centre: Point::new(6.0, 30.0),
            ..hidden
        };
        let share = EYE.visible_share(&half, [wall].iter());
        assert!((0.2..0.8).contains(&share), "{share}");
    }

    /// Every point of it against all that is there.
    fn plainly_visible(body: &Body, others: &[Body]) -> f64 {
        let way = body.centre.minus(EYE.place);
        let sight = way.direction();
        let half_m = (body.length_m * body.direction.cross(sight).abs()
            + body.width_m * body.direction.dot(sight).abs())
            / 2.0;
        let mut free = 0;
        for across in ACROSS {
            let aim = body.centre.plus(sight.left().times(half_m * across));
            for up in UP {
                let height_m =
                    |share: f64| EYE.height_m + (body.height_m * up - EYE.height_m) * share;
                let hidden = others.iter().any(|other| {
                    let crossed = crossed(EYE.place, aim, other);
                    other.id != body.id
                        && crossed.is_some_and(|(enters, leaves)| {
                            let ends = [enters.max(0.0), leaves.min(1.0)].map(height_m);
                            enters <= REACHED && ends[0].min(ends[1]) < other.height_m
                        })
                });
                free += u32::from(!hidden);
            }
        }
        f64::from(free) / (ACROSS.len() * UP.len()) as f64
    }

    #[test]
    fn what_is_left_out_hides_nothing() {
        use crate::random::{Purpose, Stream};
        let mut draw = Stream::new(5, 1, Purpose::Detection);
        let mut between = 0;
        for _ in 0..300 {
            let sizes = [CAR, LORRY, [1.8, 0.7, 1.8], [0.4, 8.0, 9.0]];
            let bodies: Vec<Body> = (0..12)
                .map(|id| {
                    let turn_rad = draw.between(0.0, std::f64::consts::TAU);
                    let size = sizes[(draw.uniform() * 4.0) as usize];
                    Body {
                        centre: Point::new(draw.between(-15.0, 15.0), draw.between(8.0, 70.0)),
                        direction: Point::new(turn_rad.cos(), turn_rad.sin()),
                        ..body(id, 0.0, size)
                    }
                })
                .collect();
            for one in &bodies {
                let share = EYE.visible_share(one, bodies.iter());
                assert!((share - plainly_visible(one, &bodies)).abs() < 1e-12);
                between += u32::from(share > 0.0 && share < 1.0);
            }
        }
        assert!(between > 100, "{between}");
    }
}
