//! Who comes to the edge of the world by chance, in which lane, and when there is room to enter.
//!
//! Not here: who comes by a timetable ([`super::lines`]) or from another junction ([`super::seams`]).

use rsu::clock::Mono;
use v2x_msg::base::NodeId;

use super::roads::Turn;
use super::vehicles::Vehicle;
use super::{STEP, World, lanes};
use crate::random::{Purpose, Stream};

/// From a moment on another number of vehicles comes from somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// From the first step on that does not begin earlier.
    pub at: Mono,
    /// Index of the demand that changes.
    pub demand: usize,
    /// How many an hour from then on.
    pub vehicles_per_hour: f64,
}

impl World {
    /// The same world with demand that changes; of several changes at one moment the last holds.
    pub fn with_changes(mut self, mut changes: Vec<Change>) -> Self {
        changes.sort_by_key(|change| change.at);
        self.changes = changes.into();
        self
    }

    /// Draws who arrives in this step: at most one from each origin, which at 0.1 s is as good as
    /// the Poisson process.
    pub(super) fn arrive(&mut self) {
        let now = self.now();
        while let Some(&change) = self.changes.front().filter(|change| change.at <= now) {
            self.changes.pop_front();
            if let Some(demand) = self.demand.get_mut(change.demand) {
                demand.vehicles_per_hour = change.vehicles_per_hour;
            }
        }
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::super::tests::world;
    use super::*;

    /// Plain demand, then by steps: from which second on, and how many vehicles an hour.
    const PLAIN: f64 = 500.0;
    const STEPS: [(u64, f64); 4] = [(600, 1200.0), (1200, 0.0), (1800, 150.0), (3600, 900.0)];
    const END_S: u64 = 5400;

    fn changes() -> Vec<Change> {
        let change = |(at_s, vehicles_per_hour)| {
            (0..4).map(move |demand| Change {
                at: Mono::ZERO + Duration::from_secs(at_s),
                demand,
                vehicles_per_hour,
            })
        };
        STEPS.into_iter().flat_map(change).collect()
    }

    /// How many arrive in each step; nobody drives.
    fn arrivals(mut world: World) -> Vec<u32> {
        let mut arrivals = Vec::new();
        for _ in 0..END_S * 10 {
            let before = world.next_id;
            world.arrive();
            world.steps += 1;
            world.waiting.iter_mut().for_each(VecDeque::clear);
            arrivals.push(world.next_id - before);
        }
        arrivals
    }

    /// From which step to which, and how many vehicles an hour from each arm then.
    fn stretches() -> impl Iterator<Item = (usize, usize, f64)> {
        let ends = STEPS.iter().map(|(s, _)| *s).chain([END_S]);
        let begins = [(0, PLAIN)].into_iter().chain(STEPS);
        begins
            .zip(ends)
            .map(|((begin, rate), end)| (10 * begin as usize, 10 * end as usize, rate))
    }

    #[test]
    fn each_stretch_of_a_schedule_is_that_of_a_world_with_its_rate() {
        for seed in 1..=3 {
            let scheduled = arrivals(world(PLAIN, seed).with_changes(changes()));
            for (begin, end, rate) in stretches() {
                let plain = arrivals(world(rate, seed));
                assert_eq!(scheduled[begin..end], plain[begin..end], "{rate} an hour");
            }
        }
    }

    #[test]
    fn as_many_come_in_each_stretch_as_its_rate_says() {
        for seed in 1..=20 {
            let scheduled = arrivals(world(PLAIN, seed).with_changes(changes()));
            for (begin, end, rate) in stretches() {
                let came = f64::from(scheduled[begin..end].iter().sum::<u32>());
                // From four arms. Of 100 stretches the chance that any is off by 4.5 sigma is 1 in 1500.
                let wanted = 4.0 * rate * (end - begin) as f64 / 36_000.0;
                assert!(
                    (came - wanted).abs() <= 4.5 * wanted.sqrt(),
                    "seed {seed}: {came} of {wanted} at {rate} an hour"
                );
            }
        }
    }

    #[test]
    fn a_change_to_what_is_changes_nothing_and_one_to_come_nothing_before() {
        let change = |at_s, vehicles_per_hour| Change {
            at: Mono::ZERO + Duration::from_secs(at_s),
            demand: 0,
            vehicles_per_hour,
        };
        let run = |changes: Vec<Change>, steps: u32| {
            let mut world = world(PLAIN, 5).with_changes(changes);
            (0..steps).for_each(|_| world.step());
            world.hash()
        };
        assert_eq!(run(vec![], 900), run(vec![change(30, PLAIN)], 900));
        let more = vec![change(60, 1800.0)];
        assert_eq!(run(vec![], 600), run(more.clone(), 600));
        assert_ne!(run(vec![], 1800), run(more.clone(), 1800));
        assert_eq!(run(more.clone(), 1800), run(more, 1800));
    }
}
