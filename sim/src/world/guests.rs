//! Road users whom another simulation moves: sensors see them and detectors feel them.
//!
//! They are bodies without routes. Nobody of ours yields to them: a world has guests, or drivers of its
//! own. Who moves them is not known here ([`crate::sumo`]).

use super::World;
use super::detectors::LINE_DETECTOR_M;
use super::signals::Detected;
use super::snapshot::{Body, FIRST_USER};

impl World {
    /// Says who is on the road besides, and where when the next step ends; in order of id.
    pub fn invite(&mut self, guests: Vec<Body>) {
        self.guests = guests;
    }

    /// Guests on wheels, and on foot.
    pub(super) fn guests(&self) -> [&[Body]; 2] {
        let wheels = self.guests.partition_point(|body| body.id < FIRST_USER);
        let (vehicles, walkers) = self.guests.split_at(wheels);
        [vehicles, walkers]
    }

    /// Detectors of each phase, which look so far before the stop line, feel guests in its lanes.
    pub(super) fn feel_guests(&self, reach_m: f64, detected: &mut [Detected]) {
        let [vehicles, _] = self.guests();
        for body in vehicles {
            let nose = body.centre.plus(body.direction.times(body.length_m / 2.0));
            for (lane, approach) in self.roads.approaches.iter().enumerate() {
                let mut routes = self.roads.routes.iter();
                let Some(route) = routes.find(|route| route.approach == lane) else {
                    continue;
                };
                let along_m = route.path.nearest_m(nose);
                let nose_m = route.stop_m - along_m;
                let in_it = route.path.point_at(along_m).distance_m(nose) < approach.width_m / 2.0
                    && route.path.direction_at(along_m).dot(body.direction) > ALONG;
                if !in_it || !(0.0..=reach_m.max(LINE_DETECTOR_M)).contains(&nose_m) {
                    continue;
                }
                let phases = approach.movements.iter().filter_map(|one| one.phase);
                for phase in phases {
                    let mut entries = detected.iter_mut();
                    if let Some(entry) = entries.find(|entry| entry.phase == phase) {
                        entry.waiting = true;
                        entry.present |=
                            nose_m <= LINE_DETECTOR_M || nose_m + body.length_m >= reach_m;
                    }
                }
            }
        }
    }

    /// Where guests are, as part of the world's number.
    pub(super) fn hash_guests(&self, hash: u64) -> u64 {
        self.guests.iter().fold(hash, |hash, body| {
            let place = [body.centre.east_m, body.centre.north_m, body.speed_mps];
            let parts = place.into_iter().map(f64::to_bits);
            let parts = parts.chain([u64::from(body.id)]);
            parts.fold(hash, |hash, part| crate::random::mix(hash ^ part))
        })
    }
}

/// Cosine to the lane of who drives along it.
const ALONG: f64 = 0.7;

#[cfg(test)]
mod tests {
    use v2x_msg::base::PhaseId;

    use super::super::tests::{phase, quiet};
    use super::*;
    use crate::plane::Point;
    use crate::world::vehicles::Kind;

    fn guest(id: u32, east_m: f64, north_m: f64, north: f64) -> Body {
        Body {
            id,
            kind: Kind::Car,
            centre: Point::new(east_m, north_m),
            direction: Point::new(0.0, north),
            speed_mps: 0.0,
            length_m: 4.6,
            width_m: 1.85,
            height_m: 1.5,
        }
    }

    #[test]
    fn guests_are_in_the_picture_and_felt_in_their_lane_alone() {
        let mut world = quiet();
        // Before the southern stop line, at -25 m, in the lanes that turn left and that go straight on.
        let left = guest(1, 1.75, -30.0, 1.0);
        let straight = guest(2, 5.25, -60.0, 1.0);
        // In the exit beside it, on the way out; and a walker.
        let leaving = guest(3, -5.25, -40.0, -1.0);
        let walker = Body {
            kind: Kind::Pedestrian,
            ..guest(FIRST_USER, 8.75, -28.0, 1.0)
        };
        world.invite(vec![left, straight, leaving, walker]);
        let empty = world.hash();
        world.step();
        assert_eq!(world.latest().bodies, [left, straight, leaving, walker]);
        assert_eq!(world.latest().vehicles().len(), 3);
        assert_ne!(world.hash(), empty);
        let felt = |reach_m: f64, asked: PhaseId| {
            let detected = world.detected(reach_m);
            let mut of_it = detected.iter().filter(|one| one.phase == asked);
            of_it.next().map(|one| (one.waiting, one.present))
        };
        // Phase 2 is left from the south and north, 1 straight on, 3 and 4 those of the others.
        assert_eq!(felt(40.0, phase(2)), Some((true, true)));
        assert_eq!(felt(40.0, phase(1)), Some((true, false)));
        assert_eq!(felt(20.0, phase(1)), Some((false, false)));
        assert_eq!(felt(40.0, phase(3)), Some((false, false)));
        assert_eq!(felt(40.0, phase(4)), Some((false, false)));
    }
}
