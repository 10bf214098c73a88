//! What is true: roads, signals, vehicles.
//!
//! - [`roads`]: routes through the junction and where they meet
//! - `site`: those of a site that the roadside unit is configured for
//! - [`signals`]: what the lamps show at any time
//! - [`vehicles`]: what drives, and the following model
//! - [`users`]: walkers, riders, who drives the wrong way, and what lies on the road
//! - [`walkers`]: how walkers keep out of each other's way
//! - `congestion`: queues that no signal explains
//! - [`works`]: lanes closed by cones
//! - [`deeds`]: what single drivers are made to do: break down, run a red light
//! - [`lines`]: buses with stops, emergency vehicles
//! - [`lanes`]: who moves over to the lane beside
//! - `mobil`: whether that is safe, and what it is worth
//! - [`lookup`]: who is on which route, once a step
//! - [`right_of_way`]: what each driver does next
//! - `room`: whether there is room beyond the junction
//! - [`snapshot`]: where everything is at one moment
//! - `guests`: road users whom another simulation moves
//! - [`seams`]: where vehicles come from another junction's world, and go on to one
//!
//! The world moves in steps of 0.1 s, every vehicle from the state at the start of the step. It
//! draws from streams keyed by seed, entity and purpose and uses no function of the platform's
//! mathematics library, so the same seed gives the same state everywhere, to the bit. Unless lane
//! changes are asked for, a vehicle enters on the lane that it needs and stays in it.

mod congestion;
pub mod deeds;
mod guests;
pub mod lanes;
pub mod lines;
pub mod lookup;
mod mobil;
pub mod right_of_way;
pub mod roads;
mod room;
pub mod seams;
pub mod signals;
mod site;
pub mod snapshot;
pub mod users;
pub mod vehicles;
pub mod walkers;
pub mod works;

use std::collections::VecDeque;
use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::NodeId;

use self::congestion::Queue;
use self::deeds::Deed;
use self::lanes::Lanes;
use self::lines::Line;
use self::lookup::Lookup;
use self::right_of_way::{Ahead, Scene};
use self::roads::{Roads, Turn};
use self::signals::{Detected, Signals};
use self::snapshot::{Body, Snapshot};
use self::users::{Happening, Seen, Users, Wish};
use self::vehicles::{Mix, TurnShares, Vehicle};
use self::works::Works;
use crate::random::{Purpose, Stream, mix};
use crate::sensors::weather::Spell;

/// Length of a step of the world.
pub const STEP: Duration = Duration::from_millis(100);

/// Traffic that one approach brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Where it comes from.
    pub from: NodeId,
    /// How many vehicles an hour, by chance: a Poisson process.
    pub vehicles_per_hour: f64,
    /// Where they go.
    pub turns: TurnShares,
    /// What they are.
    pub mix: Mix,
}

/// What is asked of the world that its roads cannot give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no lane from node {from} leads {turn:?}, but vehicles are to go there")]
pub struct NoSuchWay {
    /// Where they come from.
    pub from: NodeId,
    /// Where they want to go.
    pub turn: Turn,
}

/// The junction and everything that moves on it.
#[derive(Clone, Debug)]
pub struct World {
    roads: Roads,
    signals: Signals,
    demand: Vec<Demand>,
    seed: u64,
    steps: u64,
    /// In order of id.
    vehicles: Vec<Vehicle>,
    /// Arrived but not yet let in, by approach lane.
    waiting: Vec<VecDeque<Vehicle>>,
    next_id: u32,
    /// From one id to the next: junctions of a network share the numbers.
    id_stride: u32,
    next_entry: u64,
    /// Exit lanes that go on in another junction's world, and who drives there.
    goes_on: Vec<bool>,
    beyond: Vec<Option<Ahead>>,
    /// Who left in the last step, in order of id.
    left: Vec<Vehicle>,
    crossings: Vec<Crossing>,
    users: Users,
    /// Whom another simulation moves, in order of id.
    guests: Vec<Body>,
    deeds: Vec<Deed>,
    happenings: Vec<Happening>,
    spells: Vec<Spell>,
    moves_over: bool,
    /// None: nobody changes lanes.
    lanes: Option<Lanes>,
    works: Vec<Works>,
    lines: Vec<Line>,
    /// By approach.
    queues: Vec<Queue>,
    next_queue: u32,
    earlier: Snapshot,
    latest: Snapshot,
    /// Kept for their memory.
    lookup: Lookup,
    choices: Vec<(f64, bool)>,
}

/// A vehicle's front passed a stop line during the last step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// Which vehicle.
    pub vehicle: u32,
    /// Its route.
    pub route: usize,
    /// When, within the step.
    pub at: Mono,
    /// What its signal showed then; None if nothing governs the movement.
    pub light: Option<Light>,
    /// It may turn right at red there.
    pub on_red: bool,
    /// What it is.
    pub kind: vehicles::Kind,
    /// How much longer it took than as fast as one may, stops of a bus left out; negative for one that
    /// drives faster.
    pub delay_s: f64,
}

impl Crossing {
    /// Whether it passed at a red light that it had to heed.
    pub fn runs_red(&self) -> bool {
        self.light == Some(Light::Red) && !self.on_red
    }
}

impl World {
    /// An empty road at the origin of time.
    pub fn new(
        roads: Roads,
        signals: Signals,
        demand: Vec<Demand>,
        seed: u64,
    ) -> Result<Self, NoSuchWay> {
        let empty = Snapshot::empty(Mono::ZERO);
        let world = Self {
            waiting: vec![VecDeque::new(); roads.approaches.len()],
            goes_on: vec![false; roads.exits.len()],
            beyond: vec![None; roads.exits.len()],
            left: Vec::new(),
            roads,
            signals,
            demand,
            seed,
            steps: 0,
            vehicles: Vec::new(),
            next_id: 1,
            id_stride: 1,
            next_entry: 1,
            crossings: Vec::new(),
            users: Users::default(),
            guests: Vec::new(),
            deeds: Vec::new(),
            happenings: Vec::new(),
            spells: Vec::new(),
            moves_over: false,
            lanes: None,
            works: Vec::new(),
            lines: Vec::new(),
            queues: Vec::new(),
            next_queue: 0,
            earlier: empty.clone(),
            latest: empty,
            lookup: Lookup::default(),
            choices: Vec::new(),
        };
        for demand in &world.demand {
            let TurnShares { left, right } = demand.turns;
            let shares = [
                (Turn::Left, left),
                (Turn::Right, right),
                (Turn::Straight, 1.0 - left - right),
            ];
            for (turn, share) in shares {
                let from = demand.from;
                if share > 1e-9 && world.routes(from, turn).next().is_none() {
                    return Err(NoSuchWay { from, turn });
                }
            }
        }
        Ok(world)
    }

    /// The same world with road users on lines of their own, and deeds of single drivers.
    pub fn with(mut self, wishes: Vec<Wish>, deeds: Vec<Deed>) -> Self {
        self.users = Users::new(wishes);
        self.deeds = deeds;
        self
    }

    /// The same world under other weather than usual.
    pub fn under(mut self, spells: Vec<Spell>) -> Self {
        self.spells = spells;
        self
    }

    /// Goes on by one [`STEP`].
    pub fn step(&mut self) {
        let now = self.now();
        if let Some(reach_m) = self.signals.detectors_m() {
            let detected = self.detected(reach_m);
            self.signals.follow(now, &detected);
        }
        self.look_up();
        let mut choices = std::mem::take(&mut self.choices);
        choices.clear();
        let scene = self.scene();
        let choose = |vehicle| (scene.acceleration_mps2(vehicle), scene.commits(vehicle));
        choices.extend(self.vehicles.iter().map(choose));
        self.choices = choices;
        self.crossings.clear();
        let seen = Seen {
            roads: &self.roads,
            signals: &self.signals,
            vehicles: &self.vehicles,
            bodies: self.latest.vehicles(),
        };
        self.users
            .step(now, STEP.as_secs_f64(), &seen, self.seed, self.steps);
        for i in 0..self.vehicles.len() {
            let (acceleration_mps2, committed) = self.choices[i];
            self.vehicles[i].committed = committed;
            self.advance(i, acceleration_mps2, now);
        }
        self.let_go();
        self.serve_stops();
        self.change_lanes();
        self.arrive();
        self.arrive_by_timetable();
        self.let_in();
        self.steps += 1;
        self.do_deeds();
        self.take_picture();
        self.follow_queues();
        self.note_happenings();
    }

    /// From now on a driver goes no faster than advised; None: as it likes. Nobody by that id: nothing.
    pub fn advise(&mut self, id: u32, most_mps: Option<f64>) {
        if let Ok(i) = self
            .vehicles
            .binary_search_by_key(&id, |vehicle| vehicle.id)
        {
            self.vehicles[i].advised_mps = most_mps;
        }
    }

    /// Time since the origin: the number of steps done.
    pub fn now(&self) -> Mono {
        Mono::from_nanos(self.steps * STEP.as_nanos() as u64)
    }

    /// The roads.
    pub fn roads(&self) -> &Roads {
        &self.roads
    }

    /// The signals.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Everything on the road, in order of id.
    pub fn vehicles(&self) -> &[Vehicle] {
        &self.vehicles
    }

    /// How many have arrived and found no room to enter yet.
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Walkers, riders and the like, in order of id.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// All that has happened so far, in the order in which it began.
    pub fn happenings(&self) -> &[Happening] {
        &self.happenings
    }

    /// Who passed a stop line during the last step.
    pub fn crossings(&self) -> &[Crossing] {
        &self.crossings
    }

    /// The world at [`World::now`].
    pub fn latest(&self) -> &Snapshot {
        &self.latest
    }

    /// The world at a moment of the last step.
    pub fn snapshot(&self, at: Mono) -> Snapshot {
        Snapshot::between(&self.earlier, &self.latest, at)
    }

    /// A number that differs if anybody on the road, or their motion, does.
    pub fn hash(&self) -> u64 {
        let vehicles = self.vehicles.iter();
        let vehicles = vehicles.map(|one| {
            let aside_m = one.aside.map_or(0.0, |aside| aside.off_m(one.along_m));
            (one.id, one.along_m + aside_m, one.speed_mps)
        });
        let users = self.users.present().iter();
        let users = users.map(|one| (one.id, one.along_m + one.aside_m, one.speed_mps));
        let all = vehicles.chain(users);
        let hash = all.fold(mix(self.steps), |hash, (id, along_m, speed_mps)| {
            let parts = [u64::from(id), along_m.to_bits(), speed_mps.to_bits()];
            parts.iter().fold(hash, |hash, &part| mix(hash ^ part))
        });
        self.hash_guests(hash)
    }

    /// What the detectors of each phase see, which look so far before the stop line.
    fn detected(&self, reach_m: f64) -> Vec<Detected> {
        let now = self.now();
        let mut detected: Vec<Detected> = self
            .signals
            .phases()
            .into_iter()
            .map(|phase| Detected {
                phase,
                present: false,
                waiting: false,
                bus: None,
                emergency: false,
            })
            .collect();
        for vehicle in self.vehicles.iter().filter(|v| v.entered.is_none()) {
            let route = &self.roads.routes[vehicle.route];
            let nose_m = route.stop_m - vehicle.along_m;
            let asks = vehicle.siren && nose_m <= SIREN_KNOWN_M;
            let entry = detected
                .iter_mut()
                .find(|one| Some(one.phase) == route.phase);
            if let Some(entry) = entry.filter(|_| asks) {
                entry.emergency = true;
            }
            if nose_m > reach_m.max(LINE_DETECTOR_M) {
                continue;
            }
            let tail_m = nose_m + vehicle.length_m;
            // A loop lies in a lane, whoever drives over it.
            let lane = &self.roads.approaches[route.approach];
            let phases = lane.movements.iter().filter_map(|movement| movement.phase);
            for phase in phases {
                let Some(entry) = detected.iter_mut().find(|entry| entry.phase == phase) else {
                    continue;
                };
                entry.waiting = true;
                entry.present |= nose_m <= LINE_DETECTOR_M || tail_m >= reach_m;
                if vehicle.kind == vehicles::Kind::Bus && route.phase == Some(phase) {
                    let speed_mps = route.speed_mps(vehicle.along_m);
                    let arrives_s = vehicle.least_time_s(nose_m, speed_mps);
                    let stands = vehicle.call.map_or(Duration::ZERO, |call| call.left(now));
                    let arrives = Duration::from_secs_f64(arrives_s.max(0.0)) + stands;
                    let soonest = entry.bus.map_or(arrives, |other| other.min(arrives));
                    entry.bus = Some(soonest);
                }
            }
        }
        self.feel_guests(reach_m, &mut detected);
        detected
    }

    /// What drivers see.
    /// Notes anew who is on which route, and what signals show.
    fn look_up(&mut self) {
        let now = self.now();
        self.lookup
            .look(&self.roads, &self.signals, &self.vehicles, now);
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            roads: &self.roads,
            vehicles: &self.vehicles,
            lookup: &self.lookup,
            users: self.users.bodies(),
            beyond: &self.beyond,
            now: self.now(),
            moves_over: self.moves_over,
            works: &self.works,
        }
    }

    fn advance(&mut self, i: usize, acceleration_mps2: f64, now: Mono) {
        let vehicle = &mut self.vehicles[i];
        let step_s = STEP.as_secs_f64();
        vehicle.speed_mps = (vehicle.speed_mps + acceleration_mps2 * step_s).max(0.0);
        let before_m = vehicle.along_m;
        vehicle.along_m += vehicle.speed_mps * step_s;
        vehicle.trip.follow(vehicle.speed_mps);
        if vehicle.aside_m != 0.0 {
            let back_m = vehicle
                .aside_m
                .clamp(-SIDEWAYS_MPS * step_s, SIDEWAYS_MPS * step_s);
            vehicle.aside_m -= back_m;
        }
        let route = &self.roads.routes[vehicle.route];
        if vehicle.entered.is_none() && vehicle.along_m > route.stop_m {
            vehicle.entered = Some(self.next_entry);
            self.next_entry += 1;
            let into_s = (route.stop_m - before_m).max(0.0) / vehicle.speed_mps;
            let at = now.offset_by(into_s);
            self.crossings.push(Crossing {
                vehicle: vehicle.id,
                route: vehicle.route,
                at,
                light: route.phase.map(|phase| self.signals.light(phase, at)),
                on_red: route.on_red,
                kind: vehicle.kind,
                delay_s: at.seconds_after(vehicle.appeared) - route.free_time_s() - vehicle.dwelt_s,
            });
        }
    }

    /// Draws who arrives in this step: at most one from each origin, which at 0.1 s is as good as
    /// the Poisson process.
    fn arrive(&mut self) {
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
    fn let_in(&mut self) {
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
            let speed_mps = wanted_mps.min(ahead_mps);
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
        driving + self.waiting[lane].len()
    }

    /// What was latest is earlier from now on.
    fn take_picture(&mut self) {
        let empty = Snapshot::empty(self.now());
        let mut bodies = std::mem::replace(&mut self.earlier, empty).bodies;
        bodies.clear();
        let vehicles = self.vehicles.iter().map(|vehicle| self.body(vehicle));
        bodies.extend(vehicles);
        let [on_wheels, on_foot] = self.guests();
        bodies.extend_from_slice(on_wheels);
        bodies.extend_from_slice(self.users.bodies());
        bodies.extend_from_slice(on_foot);
        let next = Snapshot {
            at: self.now(),
            bodies,
        };
        self.earlier = std::mem::replace(&mut self.latest, next);
    }

    fn body(&self, vehicle: &Vehicle) -> Body {
        let nose = vehicle.place_at(&self.roads, vehicle.along_m);
        let tail = vehicle.place_at(&self.roads, vehicle.rear_m());
        let direction = nose.minus(tail).direction();
        let mut centre = nose.plus(tail).times(0.5);
        if vehicle.aside_m != 0.0 {
            centre = centre.plus(direction.left().times(vehicle.aside_m));
        }
        Body {
            id: vehicle.id,
            kind: vehicle.kind,
            centre,
            direction,
            speed_mps: vehicle.speed_mps,
            length_m: vehicle.length_m,
            width_m: vehicle.width_m,
            height_m: vehicle.height_m,
        }
    }
}

/// An emergency vehicle asks for its green from so far on.
const SIREN_KNOWN_M: f64 = 250.0;
/// A loop at the stop line is so long.
const LINE_DETECTOR_M: f64 = 6.0;
/// How fast one comes over into the lane that one has changed to.
const SIDEWAYS_MPS: f64 = 1.2;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod yielding;
