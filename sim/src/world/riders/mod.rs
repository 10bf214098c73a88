//! Riders of bicycles and e-bikes in their lanes.
//!
//! - `ways`: where they can go; `stages`: left turns in two stages
//! - `choice`: what one of them does next
//!
//! They come by chance, ride beside each other where the lane is wide enough, pass who is slower, stop at their
//! stop line by their phase and cross the junction on the site's connections; vehicles brake for them as for
//! everybody else who is not on a vehicle's route ([`super::right_of_way`]). Figures: bicycles 4.2 ± 0.8 m/s,
//! 0.9 and 1.5 m/s² to move off and to brake, 0.9 s and 1 m behind each other, 1.8 m long; e-bikes 5.6 to 6.9 m/s,
//! which is below the 25 km/h of GB 17761-2018, 1.2 and 2.5 m/s². They are starting values that nobody has
//! calibrated; how wide, how high and how long e-bikes are is assumed. Left out: riders on the carriageway or against
//! their lane, who run a red light, who ride over the seam to another junction, and three-wheelers. Not here:
//! riders on lines of their own ([`super::users`]).

mod choice;
mod stages;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::VecDeque;

use rsu::clock::Mono;
use rsu::report::Light;
use rsu::site::Site;
use v2x_msg::base::NodeId;

use self::choice::{PATIENCE_S, STANDS_MPS, View, strips};
use self::ways::Way;
use super::roads::{Roads, Turn};
use super::signals::Signals;
use super::snapshot::{Body, FIRST_USER};
use super::vehicles::{Driver, Kind, TurnShares, Vehicle};
use crate::random::{Purpose, Stream};

/// Ids from here on are of riders in their lanes; users on lines of their own never get so far.
pub const FIRST_RIDER: u32 = FIRST_USER + (FIRST_USER >> 1);

/// Riders that one approach brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiderDemand {
    /// Where they come from.
    pub from: NodeId,
    /// How many an hour, by chance: a Poisson process.
    pub per_hour: f64,
    /// Share of e-bikes; the rest are bicycles.
    pub e_bikes: f64,
    /// Where they go.
    pub turns: TurnShares,
    /// Those who turn left do it in two stages.
    pub two_stage_left: bool,
}

/// What is asked of lanes for bicycles that the site has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    /// None leads there.
    #[error("no lane for bicycles from node {from} leads {turn:?}, but riders are to go there")]
    Lane {
        /// Where they come from.
        from: NodeId,
        /// Where they want to go.
        turn: Turn,
    },
    /// No two that cross, one straight on and then one to the left, both with a phase.
    #[error(
        "riders from node {from} cannot turn left in two stages: that takes a lane for bicycles straight across \
         and one straight on from the right, both with a phase"
    )]
    Stages {
        /// Where they come from.
        from: NodeId,
    },
    /// None on the junction that nobody drives or rides over.
    #[error(
        "riders from node {from} cannot turn left in two stages: no place to wait at the far corner is clear of \
         the ways of vehicles and riders"
    )]
    Place {
        /// Where they come from.
        from: NodeId,
    },
}

/// Somebody on a bicycle or an e-bike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rider {
    /// Never used again for another, a user or a vehicle.
    pub id: u32,
    /// Bicycle or e-bike.
    pub kind: Kind,
    /// Along, across.
    pub length_m: f64,
    /// See `length_m`.
    pub width_m: f64,
    /// With who rides it.
    pub height_m: f64,
    way: usize,
    /// Its middle, along its way.
    along_m: f64,
    /// Its middle, left of the middle of the lane,
    aside_m: f64,
    /// and where it means to be.
    heads_m: f64,
    /// Over ground; never negative.
    pub speed_mps: f64,
    wanted_mps: f64,
    driver: Driver,
    /// Its front is over the stop line.
    entered: bool,
    committed: bool,
    /// How long something has kept it standing that is no light and nobody ahead.
    stood_s: f64,
}

/// A rider's front passed its stop line during the last step, or it left where it waited on the junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Who.
    pub rider: u32,
    /// Which way it goes.
    pub turn: Turn,
    /// What its signal showed; None if nothing governs the way.
    pub light: Option<Light>,
}

/// What riders see besides each other.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) roads: &'a Roads,
    pub(super) signals: &'a Signals,
    pub(super) vehicles: &'a [Vehicle],
    /// The same as bodies.
    pub(super) bodies: &'a [Body],
    /// Walkers, things, and riders on lines of their own.
    pub(super) users: &'a [Body],
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Riders {
    ways: Vec<Way>,
    demand: Vec<RiderDemand>,
    /// In order of id.
    present: Vec<Rider>,
    bodies: Vec<Body>,
    /// Arrived but not yet let in, by demand.
    waiting: Vec<VecDeque<Rider>>,
    passed: Vec<Passed>,
    next_id: u32,
    id_stride: u32,
    /// Kept for its memory.
    things: Vec<Body>,
}

impl Default for Riders {
    fn default() -> Self {
        Self {
            ways: Vec::new(),
            demand: Vec::new(),
            present: Vec::new(),
            bodies: Vec::new(),
            waiting: Vec::new(),
            passed: Vec::new(),
            next_id: FIRST_RIDER,
            id_stride: 1,
            things: Vec::new(),
        }
    }
}

impl Riders {
    /// Those that come to a site; nobody is there yet.
    pub fn of_site(site: &Site, demand: Vec<RiderDemand>) -> Result<Self, NoWay> {
        let mut ways = ways::of_site(site);
        let in_stages = demand
            .iter()
            .filter(|one| one.two_stage_left && one.turns.left > 0.0);
        let in_stages: Vec<NodeId> = in_stages.map(|one| one.from).collect();
        // Who turns in two stages leaves the corners free over which one stage would lead.
        ways.retain(|way| way.turn != Turn::Left || !in_stages.contains(&way.from));
        // A site without lanes for vehicles has no vehicles either.
        let roads = Roads::of_site(site).ok().filter(|_| !in_stages.is_empty());
        let routes = roads.as_ref().map_or(&[][..], |roads| &roads.routes[..]);
        let of_one = in_stages
            .iter()
            .map(|&from| stages::left_in_two(&ways, routes, from));
        let of_all = of_one.collect::<Result<Vec<_>, NoWay>>()?;
        ways.extend(of_all.into_iter().flatten());
        for &RiderDemand { from, turns, .. } in &demand {
            let shares = [
                (Turn::Left, turns.left),
                (Turn::Right, turns.right),
                (Turn::Straight, 1.0 - turns.left - turns.right),
            ];
            for (turn, share) in shares {
                let leads = |way: &Way| way.from == from && way.turn == turn;
                if share > 1e-9 && !ways.iter().any(leads) {
                    return Err(NoWay::Lane { from, turn });
                }
            }
        }
        Ok(Self {
            ways,
            waiting: vec![VecDeque::new(); demand.len()],
            demand,
            ..Self::default()
        })
    }

    /// Takes only every `of`th id, beginning with that at `place`.
    pub(super) fn share_ids(&mut self, place: u32, of: u32) {
        self.next_id = FIRST_RIDER + place;
        self.id_stride = of;
    }

    /// Who is there, in order of id.
    pub fn present(&self) -> &[Rider] {
        &self.present
    }

    /// The same as bodies.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Who passed a stop line during the last step.
    pub fn passed(&self) -> &[Passed] {
        &self.passed
    }

    /// Goes on by `step_s` from `now`: all from where everybody is at its start.
    pub(super) fn step(
        &mut self,
        now: Mono,
        step_s: f64,
        around: &Around<'_>,
        seed: u64,
        count: u64,
    ) {
        self.passed.clear();
        if self.demand.is_empty() {
            return;
        }
        self.look(around);
        self.choose_places();
        for i in 0..self.present.len() {
            // Not all in one step: two would take the same strip.
            let thinks = count + u64::from(self.present[i].id);
            if thinks.is_multiple_of(THINKS_EACH)
                && let Some(to_m) = self.view(around.signals, now).move_over(i)
            {
                self.present[i].heads_m = to_m;
            }
        }
        let view = self.view(around.signals, now);
        let next = (0..self.present.len()).map(|i| view.advanced(i, step_s));
        let next: Vec<Rider> = next.collect();
        for (rider, next) in self.present.iter().zip(&next) {
            let way = &self.ways[rider.way];
            let light = way.phase.map(|phase| around.signals.light(phase, now));
            self.passed
                .extend((next.entered && !rider.entered).then_some(Passed {
                    rider: rider.id,
                    turn: way.turn,
                    light,
                }));
            let goes_on = |wait: &stages::Wait| {
                let gone_m = wait.at_m + choice::WAITS_WITHIN_M;
                rider.along_m < gone_m && next.along_m >= gone_m
            };
            let second = way.wait.filter(goes_on).map(|wait| Passed {
                rider: rider.id,
                turn: way.turn,
                light: Some(around.signals.light(wait.phase, now)),
            });
            self.passed.extend(second);
        }
        self.present = next;
        let ways = &self.ways;
        let stays = |one: &Rider| one.along_m - one.length_m / 2.0 < ways[one.way].path.length_m();
        self.present.retain(stays);
        self.arrive(step_s, seed, count);
        self.let_in();
        self.bodies.clear();
        let bodies = self.present.iter().map(|one| one.body(&self.ways[one.way]));
        self.bodies.extend(bodies);
    }

    /// Those who come to turn left in two stages make for a place that is free, the first of them first.
    fn choose_places(&mut self) {
        for i in 0..self.present.len() {
            let rider = self.present[i];
            let way = &self.ways[rider.way];
            let comes = !rider.entered && way.stop_m - rider.along_m < CHOOSES_M;
            let taken = |way: usize| stages::is_taken(&self.ways, &self.present, way, &rider);
            if way.wait.is_none() || !comes || !taken(rider.way) {
                continue;
            }
            let there = |other: &Way| other.from == way.from && other.wait.is_some();
            let mut others = (0..self.ways.len()).filter(|&other| there(&self.ways[other]));
            if let Some(free) = others.find(|&other| !taken(other)) {
                self.present[i].way = free;
            }
        }
    }

    /// Notes what may be in riders' way: vehicles where they are and will be, and whoever else is there.
    fn look(&mut self, around: &Around<'_>) {
        self.things.clear();
        self.things.extend_from_slice(around.users);
        for (vehicle, body) in around.vehicles.iter().zip(around.bodies) {
            self.things.push(*body);
            let route = &around.roads.routes[vehicle.route];
            let middle_m = vehicle.along_m - vehicle.length_m / 2.0;
            let over = (route.stop_m - COMES_M..route.clear_m).contains(&vehicle.along_m);
            if over && vehicle.speed_mps > FORESEEN_FROM_MPS {
                self.things.extend(FORESEEN_S.map(|after_s| {
                    let along_m = middle_m + vehicle.speed_mps * after_s;
                    Body {
                        centre: route.path.point_at(along_m),
                        direction: route.path.direction_at(along_m),
                        ..*body
                    }
                }));
            }
        }
    }

    fn view<'a>(&'a self, signals: &'a Signals, now: Mono) -> View<'a> {
        View {
            ways: &self.ways,
            riders: &self.present,
            bodies: &self.bodies,
            things: &self.things,
            signals,
            now,
        }
    }

    /// Draws who arrives in this step, as the world draws vehicles.
    fn arrive(&mut self, step_s: f64, seed: u64, count: u64) {
        for (demand, waiting) in self.demand.iter().zip(&mut self.waiting) {
            let chance = demand.per_hour / 3600.0 * step_s;
            let entity = u64::from(demand.from.id);
            let mut stream = Stream::new(seed, entity, Purpose::RiderArrival).starting_at(count);
            if !stream.chance(chance) {
                continue;
            }
            let (mut rider, turn) = Rider::draw(seed, self.next_id, demand);
            let leads = |way: &Way| way.from == demand.from && way.turn == turn;
            // `of_site` made sure that there is one.
            if let Some(way) = self.ways.iter().position(leads) {
                rider.way = way;
                self.next_id += self.id_stride;
                waiting.push_back(rider);
            }
        }
    }

    /// Lets the first of each queue into the lane, in the strip with the most room, of equal ones the right.
    fn let_in(&mut self) {
        for waiting in &mut self.waiting {
            let Some(first) = waiting.front() else {
                continue;
            };
            let way = &self.ways[first.way];
            let half_m = way.half_m(0.0, first.width_m);
            let room = |strip_m: f64| {
                let there = self.present.iter().filter(|other| {
                    let theirs = &self.ways[other.way];
                    let in_lane = theirs.lanes[0] == way.lanes[0] && other.along_m < theirs.stop_m;
                    let [right_m, left_m] = other.strip();
                    in_lane && (right_m - BESIDE_M..left_m + BESIDE_M).contains(&strip_m)
                });
                let last = there.min_by(|a, b| a.along_m.total_cmp(&b.along_m));
                last.map_or((f64::INFINITY, f64::INFINITY), |last| {
                    (last.along_m - last.length_m / 2.0, last.speed_mps)
                })
            };
            let rooms = strips(half_m).rev().map(|strip_m| (strip_m, room(strip_m)));
            let most = rooms.max_by(|a, b| a.1.0.total_cmp(&b.1.0));
            let Some((strip_m, (room_m, ahead_mps))) = most else {
                continue;
            };
            let speed_mps = first.wanted_mps.min(ahead_mps);
            let driver = first.driver;
            let needed_m = first.length_m + driver.standstill_m + speed_mps * driver.headway_s;
            if room_m > needed_m
                && let Some(mut rider) = waiting.pop_front()
            {
                rider.speed_mps = speed_mps;
                (rider.aside_m, rider.heads_m) = (strip_m, strip_m);
                let place = self.present.partition_point(|other| other.id < rider.id);
                self.present.insert(place, rider);
            }
        }
    }
}

impl View<'_> {
    /// A rider after this step.
    fn advanced(&self, i: usize, step_s: f64) -> Rider {
        let choice = self.choose(i);
        let mut rider = self.riders[i];
        let way = &self.ways[rider.way];
        rider.committed = choice.committed;
        rider.speed_mps = (rider.speed_mps + choice.mps2 * step_s).max(0.0);
        rider.along_m += rider.speed_mps * step_s;
        rider.stood_s = if rider.speed_mps < STANDS_MPS && choice.obstructed {
            rider.stood_s + step_s
        } else if rider.speed_mps > UNDER_WAY_MPS {
            0.0
        } else {
            rider.stood_s
        };
        let comes_to_wait = |wait: stages::Wait| rider.entered && rider.along_m < wait.at_m;
        if way.wait.is_some_and(comes_to_wait) && rider.stood_s <= PATIENCE_S {
            rider.heads_m = 0.0;
        }
        let sideways_mps = if rider.stood_s > PATIENCE_S {
            WALKS_MPS
        } else {
            (rider.speed_mps * SIDEWAYS_SHARE).min(SIDEWAYS_MPS)
        };
        let most_m = sideways_mps * step_s;
        let to_m = rider.aside_m + (rider.heads_m - rider.aside_m).clamp(-most_m, most_m);
        if self.has_room_beside(i, to_m) {
            rider.aside_m = to_m;
        }
        rider.entered |= rider.front_m() > way.stop_m;
        rider
    }
}

impl Rider {
    fn draw(seed: u64, id: u32, demand: &RiderDemand) -> (Self, Turn) {
        let mut stream = Stream::new(seed, u64::from(id), Purpose::Rider);
        let electric = stream.uniform() < demand.e_bikes;
        let draw = stream.uniform();
        let turn = if draw < demand.turns.left {
            Turn::Left
        } else if draw < demand.turns.left + demand.turns.right {
            Turn::Right
        } else {
            Turn::Straight
        };
        let wanted_mps = if electric {
            stream.between(5.6, 6.9)
        } else {
            (4.2 + 0.8 * stream.normal()).clamp(2.5, 6.0)
        };
        let (acceleration_mps2, braking_mps2) = if electric { (1.2, 2.5) } else { (0.9, 1.5) };
        let rider = Self {
            id,
            kind: if electric {
                Kind::ElectricBicycle
            } else {
                Kind::Bicycle
            },
            length_m: if electric { 1.7 } else { 1.8 },
            width_m: 0.7,
            height_m: if electric { 1.6 } else { 1.7 },
            way: 0,
            along_m: 0.0,
            aside_m: 0.0,
            heads_m: 0.0,
            speed_mps: 0.0,
            wanted_mps,
            driver: Driver {
                acceleration_mps2,
                braking_mps2,
                headway_s: 0.9,
                standstill_m: 1.0,
                eagerness: 1.0,
                reaction_s: stream.between(0.5, 1.2),
            },
            entered: false,
            committed: false,
            stood_s: 0.0,
        };
        (rider, turn)
    }

    fn front_m(&self) -> f64 {
        self.along_m + self.length_m / 2.0
    }

    /// What it takes up of its lane, or is about to: the middles of its rightmost and leftmost place.
    fn strip(&self) -> [f64; 2] {
        [
            self.aside_m.min(self.heads_m),
            self.aside_m.max(self.heads_m),
        ]
    }

    /// What moves if it does.
    pub(super) fn motion(&self) -> (u32, f64, f64) {
        (self.id, self.along_m + self.aside_m, self.speed_mps)
    }

    fn body(&self, way: &Way) -> Body {
        let direction = way.path.direction_at(self.along_m);
        let on_line = way.path.point_at(self.along_m);
        Body {
            id: self.id,
            kind: self.kind,
            centre: on_line.plus(direction.left().times(self.aside_m)),
            direction,
            speed_mps: self.speed_mps,
            length_m: self.length_m,
            width_m: self.width_m,
            height_m: self.height_m,
        }
    }
}

/// Each rider thinks of another strip every so many steps.
const THINKS_EACH: u64 = 5;
/// So far before their stop line those who turn left in two stages look where they can wait.
const CHOOSES_M: f64 = 15.0;
/// How fast riders move sideways: so much of their speed, and at most; and who walks (assumed).
const SIDEWAYS_SHARE: f64 = 0.2;
const SIDEWAYS_MPS: f64 = 0.7;
const WALKS_MPS: f64 = 0.4;
const UNDER_WAY_MPS: f64 = 1.5;
/// Of vehicles so near before their stop line, and faster than that, riders foresee where they will be.
const COMES_M: f64 = 10.0;
const FORESEEN_FROM_MPS: f64 = 0.5;
const FORESEEN_S: [f64; 2] = [0.5, 1.0];
/// Nearer than this is in the same strip.
const BESIDE_M: f64 = 0.9;
