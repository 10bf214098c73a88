//! Who comes by a timetable: buses that call at stops, emergency vehicles on duty, lorries in a row.
//!
//! A bus stands at its stop for its dwell and drives on. An emergency vehicle drives as fast as it
//! may and somewhat faster, slows down before a red light and passes it; those before it make room,
//! and whoever could cross its way holds back ([`super::right_of_way`], [`super::lanes`]). It asks a
//! signal that decides for its green. Lorries of a platoon keep small, even gaps behind the first of them, and
//! their lane unless it does not lead where they go. Left out: stops aside of the lane.

use std::time::Duration;

use rsu::clock::Mono;
use v2x_msg::base::{LaneId, NodeId};

use super::lanes::{lanes_off, route_in};
use super::roads::{Route, Turn};
use super::vehicles::{Driver, Kind, Mix, TurnShares, Vehicle};
use super::{STEP, World};
use crate::random::{Purpose, Stream};

/// Vehicles that come by a timetable.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What they are.
    pub service: Service,
    /// From this node,
    pub from: NodeId,
    /// in this lane,
    pub lane: LaneId,
    /// and there this way.
    pub turn: Turn,
    /// The first comes then,
    pub first: Mono,
    /// and others after each such span; None: one comes.
    pub every: Option<Duration>,
    /// Nobody comes from then on.
    pub until: Mono,
    /// Where they call.
    pub stop: Option<Stop>,
}

/// What comes by a timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// City buses.
    Bus,
    /// An ambulance with siren and lights.
    Emergency,
    /// Container lorries that drive as one: alike, and closer than drivers would.
    Platoon,
}

/// A stop on the approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// The front of the bus stands so far before the stop line,
    pub before_m: f64,
    /// for a time between these two.
    pub dwell_s: (f64, f64),
}

/// A bus has still to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// Its front stands there, along its route,
    pub at_m: f64,
    /// for so long,
    pub dwell: Duration,
    /// and drives on then; None until it stands.
    pub until: Option<Mono>,
}

impl Call {
    /// How long it takes from now on at the least, the way left out.
    pub fn left(&self, now: Mono) -> Duration {
        self.until.map_or(self.dwell, |until| until.since(now))
    }
}

impl World {
    /// The same world with lines. A line from a lane that does not lead its way is refused.
    pub fn with_lines(mut self, lines: Vec<Line>) -> Result<Self, super::NoSuchWay> {
        for line in &lines {
            if self.route_of(line).is_none() {
                let (from, turn) = (line.from, line.turn);
                return Err(super::NoSuchWay { from, turn });
            }
        }
        self.lines = lines;
        Ok(self)
    }

    /// Those whose time has come.
    pub(super) fn arrive_by_timetable(&mut self) {
        let now = self.now();
        for i in 0..self.lines.len() {
            let line = &self.lines[i];
            if now < line.first || now >= line.until || !is_due(line, now) {
                continue;
            }
            let Some(route) = self.route_of(line) else {
                continue;
            };
            let (service, turn) = (line.service, line.turn);
            let mut vehicle = drawn(self.seed, self.next_id, service, turn);
            vehicle.route = route;
            vehicle.appeared = now;
            let leads = line.every.is_none_or(|every| now < line.first + every);
            if line.service == Service::Platoon && leads {
                vehicle.slow = Some((LEADS_AT_MPS, Mono::NEVER));
            }
            let stop_m = self.roads.routes[route].stop_m;
            vehicle.call = line.stop.map(|stop| {
                let (least_s, most_s) = stop.dwell_s;
                let mut draw = Stream::new(self.seed, u64::from(vehicle.id), Purpose::Dwell);
                Call {
                    at_m: stop_m - stop.before_m,
                    dwell: Duration::from_secs_f64(draw.between(least_s, most_s)),
                    until: None,
                }
            });
            self.take_id();
            self.let_come(vehicle);
        }
    }

    /// Buses that stand at their stop, and those that have stood there for long enough.
    pub(super) fn serve_stops(&mut self) {
        let now = self.now();
        for vehicle in &mut self.vehicles {
            let Some(call) = &mut vehicle.call else {
                continue;
            };
            let there = call.at_m - vehicle.along_m < STOPS_WITHIN_M;
            if call.until.is_none() && there && vehicle.speed_mps < STANDS_BELOW_MPS {
                call.until = Some(now + call.dwell);
            }
            if call.until.is_some_and(|until| now >= until) {
                vehicle.dwelt_s += call.dwell.as_secs_f64();
                vehicle.call = None;
            }
        }
    }

    /// Whether a platoon comes in an approach lane just now.
    pub(super) fn is_for_platoon(&self, lane: usize) -> bool {
        let (now, lane) = (self.now(), &self.roads.approaches[lane]);
        self.lines.iter().any(|line| {
            let comes = line.first <= now && now < line.until;
            let here = (line.from, line.lane) == (lane.from, lane.id);
            line.service == Service::Platoon && comes && here
        })
    }

    /// Where drivers change lanes, the lane need not lead the line's way: one beside it has to.
    fn route_of(&self, line: &Line) -> Option<usize> {
        let roads = &self.roads;
        let mut lanes = roads.approaches.iter();
        let lane = lanes.position(|lane| lane.from == line.from && lane.id == line.lane)?;
        let leads = |route: &Route| route.approach == lane && route.turn == line.turn;
        roads.routes.iter().position(leads).or_else(|| {
            lanes_off(self, lane, line.turn)?;
            route_in(roads, lane, line.turn)
        })
    }
}

fn is_due(line: &Line, now: Mono) -> bool {
    let late = now.since(line.first);
    let late = line.every.map_or(late, |every| {
        Duration::from_nanos((late.as_nanos() % every.as_nanos().max(1)) as u64)
    });
    late < STEP
}

/// What comes for a service, with this id and on this way; its route is still to be chosen.
pub(crate) fn drawn(seed: u64, id: u32, service: Service, way: Turn) -> Vehicle {
    let share = |turn| if way == turn { 1.0 } else { 0.0 };
    let turns = TurnShares {
        left: share(Turn::Left),
        right: share(Turn::Right),
    };
    let buses = match service {
        Service::Bus => 1.0,
        Service::Emergency | Service::Platoon => 0.0,
    };
    let mix = Mix { trucks: 0.0, buses };
    let (mut vehicle, _) = Vehicle::draw(seed, id, mix, turns);
    if service == Service::Emergency {
        vehicle.kind = Kind::Car;
        (vehicle.length_m, vehicle.width_m, vehicle.height_m) = AMBULANCE_M;
        vehicle.driver.eagerness = HURRIES;
        vehicle.siren = true;
    }
    if service == Service::Platoon {
        vehicle.kind = Kind::Truck;
        (vehicle.length_m, vehicle.width_m, vehicle.height_m) = LORRY_M;
        vehicle.driver = TOGETHER;
        vehicle.keeps_lane = true;
    }
    vehicle
}

/// Length, width, height of a container lorry.
const LORRY_M: (f64, f64, f64) = (16.5, 2.5, 3.9);
/// The first lorry drives no faster, and the others keep up: 54 km/h.
const LEADS_AT_MPS: f64 = 15.0;
/// How lorries drive that are coupled by radio (assumed): 20 m apart at 54 km/h.
const TOGETHER: Driver = Driver {
    acceleration_mps2: 1.0,
    braking_mps2: 2.5,
    headway_s: 0.85,
    standstill_m: 3.0,
    eagerness: 0.9,
    reaction_s: 1.0,
};
/// Length, width, height of an ambulance: a van.
const AMBULANCE_M: (f64, f64, f64) = (5.6, 2.0, 2.6);
/// It drives so much faster than the limit (assumed).
const HURRIES: f64 = 1.15;
/// So near to its place a bus has arrived.
const STOPS_WITHIN_M: f64 = 5.0;
/// Slower stands.
const STANDS_BELOW_MPS: f64 = 0.2;
