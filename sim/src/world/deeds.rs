//! What single drivers are made to do at a time of the scenario: break down, crawl, or run a red light.
//!
//! A deed falls to the first vehicle that can do it, so it is a matter of the seed who that is.

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::{LaneId, NodeId};

use super::World;
use super::users::{Happening, OTHER_PLACES};
use super::vehicles::Vehicle;
use crate::plane::Point;

/// One deed, and who does it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deed {
    /// What.
    pub what: What,
    /// From then on it falls to the first who can.
    pub at: Mono,
    /// On the approach from this node,
    pub from: NodeId,
    /// in this lane.
    pub lane: LaneId,
    /// Who does it, once that is known.
    pub by: Option<u32>,
}

impl Deed {
    /// A deed that nobody has begun.
    pub fn new(what: What, at: Mono, from: NodeId, lane: LaneId) -> Self {
        Self {
            what,
            at,
            from,
            lane,
            by: None,
        }
    }
}

/// What drivers are made to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// Stand so far before the stop line, until then.
    BreakDown {
        /// Its front, before the stop line.
        before_m: f64,
        /// It goes on then.
        until: Mono,
    },
    /// Drive no faster than this, until then.
    Slow {
        /// As fast as it can.
        most_mps: f64,
        /// It is well again then.
        until: Mono,
    },
    /// Pass the stop line so long after the beginning of red.
    RunRed {
        /// No sooner than this.
        least_s: f64,
        /// No later than this.
        most_s: f64,
    },
}

/// What is refused of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no lane {lane} from node {from}, but a driver there is to do something")]
pub struct NoSuchLane {
    /// Where it comes from.
    pub from: NodeId,
    /// Its number.
    pub lane: LaneId,
}

impl World {
    /// Gives deeds that are due to whoever can do them.
    pub(super) fn do_deeds(&mut self) {
        let now = self.now();
        for i in 0..self.deeds.len() {
            let deed = self.deeds[i];
            if deed.by.is_some() || now < deed.at {
                continue;
            }
            // The first in the lane that has not passed the stop line.
            let ready = |vehicle: &&Vehicle| {
                let route = &self.roads.routes[vehicle.route];
                let lane = &self.roads.approaches[route.approach];
                lane.from == deed.from && lane.id == deed.lane && vehicle.entered.is_none()
            };
            let in_lane = self.vehicles.iter().filter(ready);
            let able: Vec<&Vehicle> = match deed.what {
                What::BreakDown { before_m, .. } => {
                    in_lane.filter(|v| self.can_halt(v, before_m)).collect()
                }
                // The last that came: it has the road before it.
                What::Slow { .. } => {
                    let last = in_lane.min_by(|a, b| a.along_m.total_cmp(&b.along_m));
                    last.into_iter().collect()
                }
                What::RunRed { least_s, most_s } => {
                    let first = in_lane.max_by(|a, b| a.along_m.total_cmp(&b.along_m));
                    let runs = |vehicle: &&Vehicle| self.meets_red(vehicle, least_s, most_s);
                    first.filter(runs).into_iter().collect()
                }
            };
            let first = able
                .into_iter()
                .max_by(|a, b| a.along_m.total_cmp(&b.along_m));
            let Some(id) = first.map(|vehicle| vehicle.id) else {
                continue;
            };
            self.deeds[i].by = Some(id);
            for vehicle in self.vehicles.iter_mut().filter(|other| other.id == id) {
                match deed.what {
                    What::BreakDown { before_m, until } => {
                        let halt_m = self.roads.routes[vehicle.route].stop_m - before_m;
                        vehicle.halt = Some((halt_m, until));
                    }
                    What::Slow { most_mps, until } => vehicle.slow = Some((most_mps, until)),
                    What::RunRed { .. } => vehicle.runs_red = true,
                }
            }
        }
    }

    /// Whether it can come to a stand there in comfort.
    fn can_halt(&self, vehicle: &Vehicle, before_m: f64) -> bool {
        let halt_m = self.roads.routes[vehicle.route].stop_m - before_m;
        let needed_m = vehicle.speed_mps * vehicle.speed_mps / (2.0 * COMFORT_MPS2);
        vehicle.along_m + needed_m + vehicle.driver.standstill_m < halt_m
    }

    /// Whether it would pass the line within this time of a red that runs or follows the yellow.
    fn meets_red(&self, vehicle: &Vehicle, least_s: f64, most_s: f64) -> bool {
        let route = &self.roads.routes[vehicle.route];
        let now = self.now();
        let shown = route.phase.and_then(|phase| self.signals.shown(phase, now));
        let Some(shown) = shown else {
            return false;
        };
        let red_s = match (shown.light, shown.until) {
            (Light::Yellow, Some(until)) => until.seconds_after(now),
            (Light::Red, _) => -now.seconds_after(shown.since),
            _ => return false,
        };
        let left_m = route.stop_m - vehicle.along_m;
        let arrives_s = left_m / vehicle.speed_mps.max(0.1);
        vehicle.speed_mps > RUNS_FROM_MPS && (least_s..most_s).contains(&(arrives_s - red_s))
    }

    /// Writes down what begins and ends in the latest picture.
    pub(super) fn note_happenings(&mut self) {
        let now = self.now();
        let stands = |vehicle: &&Vehicle| {
            let halt = vehicle.halt.filter(|(_, until)| now < *until);
            halt.is_some_and(|(at_m, _)| {
                vehicle.speed_mps < 0.3 && at_m - vehicle.along_m < HALTED_WITHIN_M
            })
        };
        let broken = self.vehicles.iter().filter(stands);
        let broken = broken.map(|vehicle| Running::new(vehicle.id, STOPPED));
        let spells = self.spells.iter().enumerate();
        let weather = spells.filter_map(|(i, spell)| {
            let event_type = spell
                .event_type
                .filter(|_| spell.from <= now && now < spell.until)?;
            Some(Running {
                place: Some(Point::new(0.0, 0.0)),
                ..Running::new(WEATHER - i as u32, event_type)
            })
        });
        let works = self.works.iter().enumerate();
        let works = works.filter_map(|(i, works)| {
            let event_type = works
                .event_type
                .filter(|_| works.since <= now && now < works.until)?;
            Some(Running {
                place: Some(works.place),
                ..Running::new(WORKS - i as u32, event_type)
            })
        });
        let queues = self.queues.iter().filter_map(|queue| {
            Some(Running {
                place: Some(queue.tail),
                or_at: queue.or_at,
                sure: queue.sure,
                ..Running::new(QUEUES - queue.number?, CONGESTION)
            })
        });
        let users = self.users.events(&self.roads);
        let users = users.map(|(id, code, sure)| Running {
            sure,
            ..Running::new(id, code)
        });
        let sirens = self.vehicles.iter().filter(|vehicle| vehicle.siren);
        let sirens = sirens.map(|vehicle| Running::new(vehicle.id, ON_DUTY));
        let road = broken.chain(users).chain(sirens).chain(queues);
        let running: Vec<Running> = road.chain(works).chain(weather).collect();
        for happening in self.happenings.iter_mut().filter(|one| one.until.is_none()) {
            if let Some(body) = self.latest.body(happening.body) {
                happening.place = body.centre;
            }
            let is_it = |one: &&Running| {
                (one.body, one.event_type) == (happening.body, happening.event_type)
            };
            match running.iter().find(is_it) {
                Some(one) => {
                    happening.place = one.place.unwrap_or(happening.place);
                    happening.or_at = one.or_at;
                    happening.sure = happening.sure.or(one.sure.then_some(now));
                }
                None => happening.until = Some(now),
            }
        }
        for one in running {
            // What runs has begun lately, as a rule.
            let mut earlier = self.happenings.iter().rev();
            let known =
                earlier.any(|other| other.body == one.body && other.event_type == one.event_type);
            let is_at = self.latest.body(one.body).map(|body| body.centre);
            if let Some(place) = is_at.or(one.place)
                && !known
            {
                self.happenings.push(Happening {
                    event_type: one.event_type,
                    body: one.body,
                    since: now,
                    sure: one.sure.then_some(now),
                    until: None,
                    place,
                    or_at: one.or_at,
                });
            }
        }
    }
}

/// Something that happens now.
#[derive(Clone, Copy, Debug)]
struct Running {
    body: u32,
    event_type: u16,
    /// None: where the body is.
    place: Option<Point>,
    or_at: [Option<Point>; OTHER_PLACES],
    sure: bool,
}

impl Running {
    fn new(body: u32, event_type: u16) -> Self {
        Self {
            body,
            event_type,
            place: None,
            or_at: [None; OTHER_PLACES],
            sure: true,
        }
    }
}

/// A vehicle that stands, by GB/T 29100-2012 as the industry extends it.
const STOPPED: u16 = v2x_msg::kinds::rsi::EventType::STOPPED.0;
/// An emergency vehicle on its way, by the same.
const ON_DUTY: u16 = v2x_msg::kinds::rsi::EventType::EMERGENCY_VEHICLE.0;
/// Weather is nobody's: it goes by numbers from here downwards, and is told at the site's origin.
const WEATHER: u32 = u32::MAX;
/// Nor are works or queues anybody's.
const WORKS: u32 = u32::MAX - 1000;
const QUEUES: u32 = u32::MAX - 2000;
/// Vehicles that queue without a signal, by the same.
const CONGESTION: u16 = v2x_msg::kinds::rsi::EventType::CONGESTION.0;
/// How hard a driver brakes whose vehicle breaks down.
const COMFORT_MPS2: f64 = 2.0;
/// Who is slower does not run a red light.
const RUNS_FROM_MPS: f64 = 8.0;
/// So near to the place it has broken down there.
const HALTED_WITHIN_M: f64 = 6.0;
