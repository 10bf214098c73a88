//! Who comes to the edge of the world by chance, in which lane, and when there is room to enter.
//!
//! Not here: who comes by a timetable ([`super::lines`]) or from another junction ([`super::seams`]).

use v2x_msg::base::NodeId;

use super::roads::Turn;
use super::vehicles::Vehicle;
use super::{STEP, World, lanes};
use crate::random::{Purpose, Stream};

impl World {
    /// Draws who arrives in this step: at most one from each origin, which at 0.1 s is as good as
    /// the Poisson process.
    pub(super) fn arrive(&mut self) {
        for i in 0..self.demand.len() {
            let demand = self.demand[i];
            if demand.vehicles_per_hour <= 0.0 {
                continue;
            }
            let chance = demand.vehicles_per_hour / 3600.0 * STEP.as_secs_f64();
            let entity = u64::from(demand.from.id);
            let mut stream =
                Stream::new(self.seed, entity, Purpose::Arrival).starting_at(self.steps);
            if !stream.chance(chance) {
                continue;
            }
            let (mut vehicle, turn) =
                Vehicle::draw(self.seed, self.next_id, demand.mix, demand.turns);
            let route = match self.lanes {
                None => self
                    .routes(demand.from, turn)
                    .min_by_key(|&route| (self.on_lane(self.roads.routes[route].approach), route)),
                Some(_) => self.any_lane(demand.from, turn),
            };
            // `new` made sure that there is one.
            if let Some(route) = route {
                vehicle.route = route;
                vehicle.appeared = self.now();
                vehicle.trip.since = vehicle.appeared;
                self.next_id += self.id_stride;
                self.waiting[self.roads.routes[route].approach].push_back(vehicle);
            }
        }
    }

    /// Lets the first of each lane's queue onto the road once there is room.
    pub(super) fn let_in(&mut self) {
        for lane in 0..self.waiting.len() {
            if self.waiting[lane].is_empty() {
                continue;
            }
            let last = self
                .vehicles
                .iter()
                .filter(|vehicle| {
                    let mut places = vehicle.places();
                    places.any(|(route, _)| self.roads.routes[route].approach == lane)
                })
                .min_by(|a, b| a.along_m.total_cmp(&b.along_m));
            let (room_m, ahead_mps) = last.map_or((f64::INFINITY, f64::INFINITY), |last| {
                (last.rear_m(), last.speed_mps)
            });
            let Some(first) = self.waiting[lane].front() else {
                continue;
            };
            let driver = first.driver;
            let wanted_mps = self.roads.routes[first.route].speed_mps(0.0) * driver.eagerness;
            let own_mps = first.slow.map_or(f64::INFINITY, |(most_mps, _)| most_mps);
            let speed_mps = wanted_mps.min(ahead_mps).min(own_mps);
            let needed_m = driver.standstill_m + speed_mps * driver.headway_s;
            if room_m > needed_m
                && let Some(mut vehicle) = self.waiting[lane].pop_front()
            {
                vehicle.speed_mps = speed_mps;
                let place = self.vehicles.partition_point(|other| other.id < vehicle.id);
                self.vehicles.insert(place, vehicle);
            }
        }
    }

    /// The routes from a node that turn this way.
    pub fn routes(&self, from: NodeId, turn: Turn) -> impl Iterator<Item = usize> + '_ {
        let roads = &self.roads;
        (0..roads.routes.len()).filter(move |&i| {
            let route = &roads.routes[i];
            route.turn == turn && roads.approaches[route.approach].from == from
        })
    }

    /// A lane from there with little traffic, the rather the nearer it is to one that leads `turn`.
    fn any_lane(&self, from: NodeId, turn: Turn) -> Option<usize> {
        let lanes = 0..self.roads.approaches.len();
        let lane = lanes
            .filter(|&lane| self.roads.approaches[lane].from == from)
            .min_by_key(|&lane| {
                let off = lanes::lanes_off(self, lane, turn).unwrap_or(0);
                (self.on_lane(lane) + 2 * off as usize, lane)
            })?;
        lanes::route_in(&self.roads, lane, turn)
    }

    fn on_lane(&self, lane: usize) -> usize {
        let driving = self
            .vehicles
            .iter()
            .filter(|vehicle| {
                vehicle.entered.is_none() && self.roads.routes[vehicle.route].approach == lane
            })
            .count();
        let kept = if self.is_for_platoon(lane) { KEPT } else { 0 };
        driving + self.waiting[lane].len() + kept
    }
}

/// A lane in which a platoon comes is as good as full: nobody else comes between its vehicles, if there is
/// another.
const KEPT: usize = 1000;
