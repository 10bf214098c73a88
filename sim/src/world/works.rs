//! Road works on an approach: lanes closed by cones, and a lower limit along them.
//!
//! Cones are things on the road as any other ([`super::users`]); drivers move out of what they close
//! ([`super::lanes`]). A taper leads from the kerb across the closed lanes, then a row stands along
//! them, nearer to their middle than to the open lane. Works close lanes on the right. Not here: who
//! tells of them.

use rsu::clock::Mono;
use v2x_msg::base::{LaneId, NodeId};

use super::World;
use super::roads::{ApproachLane, Roads};
use super::users::Wish;
use super::vehicles::{Kind, Vehicle};
use crate::plane::{Path, Point};

/// Road works on an approach, while they last.
#[derive(Clone, Debug, PartialEq)]
pub struct Works {
    /// On the approach from this node,
    pub from: NodeId,
    /// these lanes are closed.
    pub lanes: Vec<LaneId>,
    /// They end so far before the stop line,
    pub before_m: f64,
    /// and begin so much farther upstream, the taper counted to it.
    pub length_m: f64,
    /// Over this length the lanes are closed.
    pub taper_m: f64,
    /// Along them nobody may drive faster.
    pub limit_mps: f64,
    /// They stand from then,
    pub since: Mono,
    /// until then.
    pub until: Mono,
    /// The event that they are, by GB/T 29100-2012.
    pub event_type: Option<u16>,
    /// Where they begin.
    pub place: Point,
}

impl Works {
    /// Their cones.
    pub fn cones(&self, roads: &Roads) -> Vec<Wish> {
        let mut cones = Vec::new();
        let lanes = roads.approaches.iter();
        let closed = lanes.filter(|lane| lane.from == self.from && self.lanes.contains(&lane.id));
        for lane in closed {
            let Some(path) = Path::new(&lane.centre) else {
                continue;
            };
            let end_m = path.length_m() - self.before_m;
            let count = (self.length_m / CONES_EACH_M) as usize;
            for i in 0..=count {
                let into_m = i as f64 * CONES_EACH_M;
                let along_m = end_m - self.length_m + into_m;
                let right_m = self.right_m(lane, into_m);
                let left = path.direction_at(along_m).left();
                let place = path.point_at(along_m).minus(left.times(right_m));
                cones.push(self.cone(place));
            }
        }
        cones
    }

    /// How far right of the middle of a closed lane a cone stands: from kerb to the open lane.
    fn right_m(&self, lane: &ApproachLane, into_m: f64) -> f64 {
        let kerb_m = lane.width_m / 2.0 - KEPT_OFF_M;
        let share = (into_m / self.taper_m.max(1.0)).min(1.0);
        kerb_m * (1.0 - 2.0 * share) + KEPT_IN_M * share
    }

    fn cone(&self, place: Point) -> Wish {
        Wish {
            kind: Kind::Object,
            way: vec![place],
            faces: Point::new(0.0, 1.0),
            size_m: CONE_M,
            wide_m: 0.0,
            speed_mps: (0.0, 0.0),
            from: self.since,
            until: self.until,
            per_hour: None,
            wait_m: None,
            phase: None,
            gap_s: PUT_DOWN_S,
            room_m: ROOM_TO_LEAVE_M,
            event_type: None,
        }
    }

    /// How fast one may drive on the way to them and along them.
    pub(super) fn most_mps(&self, roads: &Roads, vehicle: &Vehicle, now: Mono) -> f64 {
        let route = &roads.routes[vehicle.route];
        let stand = self.since <= now && now < self.until;
        if !stand || roads.approaches[route.approach].from != self.from {
            return f64::INFINITY;
        }
        let before_m = route.stop_m - vehicle.along_m;
        if before_m < self.before_m {
            return f64::INFINITY;
        }
        let to_m = (before_m - self.before_m - self.length_m).max(0.0);
        (self.limit_mps * self.limit_mps + 2.0 * SLOWING_MPS2 * to_m).sqrt()
    }
}

impl World {
    /// The same world with road works.
    pub fn with_works(mut self, works: Vec<Works>) -> Self {
        self.works = works;
        self
    }
}

/// From cone to cone.
const CONES_EACH_M: f64 = 8.0;
/// A cone is put down where nobody comes within this time.
const PUT_DOWN_S: f64 = 3.0;
/// Nor where somebody stands so near before it: who is to get out of the lane needs that much road.
const ROOM_TO_LEAVE_M: f64 = 30.0;
/// Along, across, above ground.
const CONE_M: [f64; 3] = [0.4, 0.4, 0.8];
/// The first cone of a taper stands so far from the edge of the lane,
const KEPT_OFF_M: f64 = 0.3;
/// and the row so far within the closed lane: lorries pass it.
const KEPT_IN_M: f64 = 0.4;
/// How hard drivers slow down for a limit.
const SLOWING_MPS2: f64 = 1.5;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::scenario::Scenario;

    #[test]
    fn nobody_is_shut_in_by_cones_that_are_put_down_around_it() {
        let scenario = Scenario::find("lingang-workzone").expect("a scenario");
        // Somebody stood among them until the works were over: by the first of these seeds as it stood there when
        // they were put down, by the others as it was on its way out of the lane.
        for seed in [4, 6, 14] {
            let mut world = scenario.world(seed).expect("a world");
            let mut stood = BTreeMap::<u32, u32>::new();
            for _ in 0..3_450 {
                world.step();
                for vehicle in world.vehicles() {
                    let route = &world.roads().routes[vehicle.route];
                    let before_m = route.stop_m - vehicle.along_m;
                    let among_them = vehicle.aside.is_some() && (250.0..400.0).contains(&before_m);
                    let steps = stood.entry(vehicle.id).or_default();
                    *steps = if among_them && vehicle.speed_mps < 0.1 {
                        *steps + 1
                    } else {
                        0
                    };
                    assert!(*steps < 300, "seed {seed}, {:?}: {vehicle:?}", world.now());
                }
            }
        }
    }
}
