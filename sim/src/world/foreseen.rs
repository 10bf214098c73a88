//! Who is on foot, or lies on the road, and will be in a driver's way.
//!
//! A driver looks along the own way, metre by metre as far as what is there could matter, and foresees for two
//! seconds where those who move go on to. Not here: vehicles on their routes, and what the driver does
//! ([`super::right_of_way`]).

use super::right_of_way::Scene;
use super::snapshot::Body;
use super::vehicles::{Kind, Vehicle};
use crate::plane::Point;

impl Scene<'_> {
    /// How far ahead `user` is or will be in the way of `vehicle`, nearer than `within_m`, and how fast it
    /// goes along.
    pub(super) fn gap_before_m(
        &self,
        vehicle: &Vehicle,
        user: &Body,
        within_m: f64,
    ) -> Option<(f64, f64)> {
        let path = &self.route(vehicle).path;
        let nose = vehicle.place_at(self.roads, vehicle.along_m);
        let reach_m = vehicle.speed_mps * LOOKS_AHEAD_S + LOOKS_AHEAD_M;
        if nose.distance_m(user.centre) > reach_m + user.length_m + user.speed_mps * FORESEEN_S {
            return None;
        }
        let moves = user.direction.times(user.speed_mps);
        let foreseen = if user.kind == Kind::Object || user.speed_mps < 0.1 {
            0
        } else {
            FORESEEN_STEPS
        };
        let beside_m = vehicle.width_m / 2.0 + PASSES_AT_M;
        let moved_m = user.speed_mps * FORESEEN_S;
        let near_m = beside_m + (user.length_m + user.width_m) / 2.0 + moved_m + ROUNDING_M;
        let last = reach_m.min(within_m) as usize;
        let mut metre = 0;
        while metre <= last {
            let place = vehicle.place_at(self.roads, vehicle.along_m + metre as f64);
            let clear_m = place.distance_m(user.centre) - near_m;
            if clear_m > 0.0 {
                // A metre on is no more than a metre nearer, but for who moves over in a bend.
                let straight = vehicle.aside.is_none();
                metre += if straight {
                    (clear_m as usize).max(1)
                } else {
                    1
                };
                continue;
            }
            for step in 0..=foreseen {
                let later_s = f64::from(step) * FORESEEN_S / f64::from(FORESEEN_STEPS);
                let then = place.minus(moves.times(later_s));
                if user.distance_m(then) < beside_m {
                    let along = path.direction_at(vehicle.along_m + metre as f64);
                    let with = if step == 0 {
                        moves
                    } else {
                        Point::new(0.0, 0.0)
                    };
                    return Some((metre as f64, with.dot(along).max(0.0)));
                }
            }
            metre += 1;
        }
        None
    }
}

/// Drivers look so far ahead for people and things: at their speed, and besides.
const LOOKS_AHEAD_S: f64 = 3.5;
const LOOKS_AHEAD_M: f64 = 15.0;
/// They foresee for so long where somebody goes, in so many steps.
const FORESEEN_S: f64 = 2.0;
const FORESEEN_STEPS: u32 = 4;
/// What is nearer than this to out of their way may be in it, by rounding.
const ROUNDING_M: f64 = 1e-3;
/// And pass at least at this distance.
const PASSES_AT_M: f64 = 0.4;

#[cfg(test)]
mod tests {
    use super::super::tests::world;
    use super::*;
    use crate::random::{Purpose, Stream};

    /// How far ahead somebody is in the way, looking at every metre.
    fn at_every_metre(scene: &Scene<'_>, vehicle: &Vehicle, user: &Body) -> Option<f64> {
        let reach_m = vehicle.speed_mps * LOOKS_AHEAD_S + LOOKS_AHEAD_M;
        let beside_m = vehicle.width_m / 2.0 + PASSES_AT_M;
        let nose = vehicle.place_at(scene.roads, vehicle.along_m);
        let seen_m = reach_m + user.length_m + user.speed_mps * FORESEEN_S;
        if nose.distance_m(user.centre) > seen_m {
            return None;
        }
        (0..=reach_m as usize)
            .map(|metre| metre as f64)
            .find(|metre| {
                let place = vehicle.place_at(scene.roads, vehicle.along_m + metre);
                [0.0, 0.5, 1.0, 1.5, 2.0].iter().any(|&later_s| {
                    let then = place.minus(user.direction.times(user.speed_mps * later_s));
                    user.distance_m(then) < beside_m
                })
            })
    }

    #[test]
    fn nobody_is_overlooked_where_metres_are_left_out() {
        let mut world = world(400.0, 2);
        (0..900).for_each(|_| world.step());
        let scene = world.scene();
        let mut draw = Stream::new(7, 0, Purpose::User);
        let (mut found, mut free) = (0, 0);
        for vehicle in world.vehicles() {
            for _ in 0..200 {
                let off = Point::new(draw.between(-60.0, 60.0), draw.between(-60.0, 60.0));
                let user = Body {
                    id: 1,
                    kind: Kind::Pedestrian,
                    centre: vehicle.place_at(world.roads(), vehicle.along_m).plus(off),
                    direction: Point::new(draw.between(-1.0, 1.0), draw.between(-1.0, 1.0))
                        .direction(),
                    speed_mps: draw.between(0.1, 4.0),
                    length_m: draw.between(0.3, 2.0),
                    width_m: 0.6,
                    height_m: 1.7,
                };
                let told = scene.gap_before_m(vehicle, &user, f64::INFINITY);
                let metre = told.map(|(metre, _)| metre);
                assert_eq!(metre, at_every_metre(&scene, vehicle, &user), "{user:?}");
                *(if told.is_some() {
                    &mut found
                } else {
                    &mut free
                }) += 1;
            }
        }
        assert!(found > 50 && free > 500, "{found} found, {free} free");
    }
}
