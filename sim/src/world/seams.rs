//! Where vehicles come from another junction's world, and go on to one.
//!
//! A lane that leads away may go on beyond its end. Then a vehicle leaves this world as soon as its
//! front is there, whoever is behind it heeds who was the last beyond the end when the step began, and
//! a vehicle that comes from elsewhere keeps its id and all that it is. Who goes where is not known
//! here ([`crate::network`]).

use v2x_msg::base::NodeId;

use super::World;
use super::lanes::route_in;
use super::right_of_way::Ahead;
use super::roads::Turn;
use super::vehicles::{TurnShares, Vehicle};
use crate::random::{Purpose, Stream};

/// Who comes to the end of a lane next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coming<'a> {
    /// Its front, before the end.
    pub short_m: f64,
    /// Who.
    pub vehicle: &'a Vehicle,
    /// What it would drive there.
    pub wanted_mps: f64,
}

impl AsRef<Self> for World {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsMut<Self> for World {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl World {
    /// Takes only every `of`th id, beginning with that at `place`: junctions of a network share them.
    pub fn sharing_ids(mut self, place: u32, of: u32) -> Self {
        self.next_id = 1 + place;
        self.id_stride = of;
        self.users.share_ids(place, of);
        self.riders.share_ids(place, of);
        self
    }

    /// From now on an exit lane goes on in another world.
    pub fn open(&mut self, exit: usize) {
        self.goes_on[exit] = true;
    }

    /// Whether an exit lane goes on in another world.
    pub fn goes_on(&self, exit: usize) -> bool {
        self.goes_on[exit]
    }

    /// Says who drives beyond the end of an exit lane, until it is said again.
    pub fn set_beyond(&mut self, exit: usize, ahead: Option<Ahead>) {
        self.beyond[exit] = ahead;
    }

    /// Who left in the last step, in order of id: at the end of the road, or where it goes on.
    pub fn left(&self) -> &[Vehicle] {
        &self.left
    }

    /// The last vehicle in an approach lane, from the lane's beginning.
    pub fn last_in(&self, approach: usize) -> Option<Ahead> {
        let routes = &self.roads.routes;
        // Who moves over is in both lanes.
        let in_lane = self.vehicles.iter().flat_map(|vehicle| {
            let places = vehicle.places();
            let here = places.filter(|(route, _)| routes[*route].approach == approach);
            here.map(move |(_, along_m)| Ahead {
                rear_m: along_m - vehicle.length_m,
                speed_mps: vehicle.speed_mps,
            })
        });
        in_lane.min_by(|a, b| a.rear_m.total_cmp(&b.rear_m))
    }

    /// The last vehicle in each approach lane, as [`World::last_in`] has it.
    pub fn last_in_each(&self, last: &mut Vec<Option<Ahead>>) {
        last.clear();
        last.resize(self.roads.approaches.len(), None);
        for vehicle in &self.vehicles {
            for (route, along_m) in vehicle.places() {
                let rear_m = along_m - vehicle.length_m;
                let last = &mut last[self.roads.routes[route].approach];
                if last.is_none_or(|last| rear_m < last.rear_m) {
                    *last = Some(Ahead {
                        rear_m,
                        speed_mps: vehicle.speed_mps,
                    });
                }
            }
        }
    }

    /// Who comes to the end of an exit lane next.
    pub fn coming(&self, exit: usize) -> Option<Coming<'_>> {
        let routes = &self.roads.routes;
        let short_m = |vehicle: &Vehicle| {
            let route = &routes[vehicle.route];
            route.path.length_m() - vehicle.along_m
        };
        let there = self.vehicles.iter();
        let there = there.filter(|vehicle| routes[vehicle.route].exit == exit);
        let vehicle = there.min_by(|a, b| short_m(a).total_cmp(&short_m(b)))?;
        let limit_mps = self.roads.exits[exit].limit_mps;
        Some(Coming {
            short_m: short_m(vehicle),
            vehicle,
            wanted_mps: limit_mps * vehicle.driver.eagerness,
        })
    }

    /// Lets a vehicle drive on here, as it is.
    pub fn admit(&mut self, vehicle: Vehicle) {
        let place = self.vehicles.partition_point(|other| other.id < vehicle.id);
        let body = self.body(&vehicle);
        let shown = self
            .latest
            .bodies
            .partition_point(|other| other.id < body.id);
        self.vehicles.insert(place, vehicle);
        self.latest.bodies.insert(shown, body);
    }

    /// Lets a vehicle come from the edge of the world, once there is room; one on duty before all others.
    pub fn let_come(&mut self, vehicle: Vehicle) {
        let approach = self.roads.routes[vehicle.route].approach;
        if vehicle.siren {
            self.waiting[approach].push_front(vehicle);
        } else {
            self.waiting[approach].push_back(vehicle);
        }
    }

    /// Where one goes on from a lane who wants to turn this way and may still change lanes; None where
    /// nobody does.
    pub fn route_towards(&self, lane: usize, turn: Turn) -> Option<usize> {
        let lanes = self.lanes.as_ref()?;
        lanes.lanes_to_turn(&self.roads, lane, turn)?;
        route_in(&self.roads, lane, turn)
    }

    /// An id that nobody has.
    pub fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += self.id_stride;
        id
    }

    /// The chance that everything here is drawn by.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where one goes who comes from a node and has this id and so many junctions behind it; None
    /// where nothing says.
    pub fn turn_of(&self, from: NodeId, id: u32, junctions: u32) -> Option<Turn> {
        let demand = self.demand.iter().find(|demand| demand.from == from)?;
        let TurnShares { left, right } = demand.turns;
        let stream = Stream::new(self.seed, u64::from(id), Purpose::OnwardTurn);
        let draw = stream.starting_at(u64::from(junctions)).uniform();
        Some(if draw < left {
            Turn::Left
        } else if draw < left + right {
            Turn::Right
        } else {
            Turn::Straight
        })
    }

    /// Lets those go who have left the road, or have come to where it goes on.
    pub(super) fn let_go(&mut self) {
        let (routes, goes_on, left) = (&self.roads.routes, &self.goes_on, &mut self.left);
        left.clear();
        self.vehicles.retain(|vehicle| {
            let route = &routes[vehicle.route];
            let end_m = if goes_on[route.exit] {
                vehicle.along_m
            } else {
                vehicle.rear_m()
            };
            let stays = end_m < route.path.length_m();
            if !stays {
                left.push(vehicle.clone());
            }
            stays
        });
    }
}
