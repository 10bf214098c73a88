//! What is true: roads, signals, vehicles.
//!
//! - [`roads`]: routes through the junction and where they meet
//! - `site`: those of a site that the roadside unit is configured for
//! - [`signals`]: what the lamps show at any time
//! - [`vehicles`]: what drives, and the following model
//! - [`arrivals`]: who comes, and when there is room
//! - `detectors`: what signals feel of them
//! - [`users`]: walkers, riders, who drives the wrong way, and what lies on the road, on lines of their own
//! - `ways`: what one of them does next
//! - [`walkers`]: how walkers keep out of each other's way
//! - [`riders`]: bicycles and e-bikes in their lanes
//! - `congestion`: queues that no signal explains
//! - [`works`]: lanes closed by cones
//! - [`deeds`]: what single drivers are made to do: break down, run a red light
//! - [`lines`]: buses with stops, emergency vehicles
//! - [`lanes`]: who moves over to the lane beside
//! - [`aside`]: how it does
//! - `mobil`: whether that is safe, and what it is worth
//! - [`lookup`]: who is on which route, once a step
//! - [`right_of_way`]: what each driver does next
//! - `foreseen`: who on foot, or what on the road, will be in the way
//! - `heeding`: what a driver makes of all that is ahead
//! - `conflicts`: who goes first where routes meet
//! - `bends`: when a driver is out of a bend
//! - `room`: whether there is room beyond the junction
//! - `sirens`: who holds back for an emergency vehicle
//! - [`snapshot`]: where everything is at one moment
//! - `alone`: what a driver would do if nobody crossed before it
//! - `guests`: road users whom another simulation moves
//! - [`seams`]: where vehicles come from another junction's world, and go on to one
//!
//! The world moves in steps of 0.1 s, every vehicle from the state at the start of the step. It
//! draws from streams keyed by seed, entity and purpose and uses no function of the platform's
//! mathematics library, so the same seed gives the same state everywhere, to the bit. Unless lane
//! changes are asked for, a vehicle enters on the lane that it needs and stays in it.

pub(crate) mod alone;
pub mod arrivals;
pub mod aside;
mod bends;
mod conflicts;
mod congestion;
pub mod deeds;
mod detectors;
mod foreseen;
mod guests;
mod heeding;
pub mod lanes;
pub mod lines;
pub mod lookup;
mod mobil;
pub mod riders;
pub mod right_of_way;
pub mod roads;
mod room;
pub mod seams;
pub mod signals;
mod sirens;
mod site;
pub mod snapshot;
pub mod users;
pub mod vehicles;
pub mod walkers;
mod ways;
pub mod works;

use std::collections::VecDeque;
use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::NodeId;

use self::arrivals::Change;
use self::congestion::{Queue, Slow};
use self::deeds::Deed;
use self::lanes::{Lanes, Leave};
use self::lines::Line;
use self::lookup::Lookup;
use self::riders::{Around, Rider, Riders};
use self::right_of_way::{Ahead, Scene};
use self::roads::{Roads, Turn};
use self::signals::Signals;
use self::snapshot::{Body, Snapshot};
use self::users::{Happening, Seen, Users, Wish};
use self::vehicles::{Mix, TurnShares, Vehicle};
use self::works::Works;
use crate::random::mix;
use crate::sensors::weather::Spell;

/// Length of a step of the world.
pub const STEP: Duration = Duration::from_millis(100);

/// Traffic that one approach brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Where it comes from.
    pub from: NodeId,
    /// How many vehicles an hour, by chance: a Poisson process; until a [`Change`].
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
    /// Of the demand, the next first.
    changes: VecDeque<Change>,
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
    riders: Riders,
    /// Users and riders, in order of id: whom drivers brake for.
    people: Vec<Body>,
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
    slow: Vec<Slow>,
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
            changes: VecDeque::new(),
            seed,
            steps: 0,
            vehicles: Vec::new(),
            next_id: 1,
            id_stride: 1,
            next_entry: 1,
            crossings: Vec::new(),
            users: Users::default(),
            riders: Riders::default(),
            people: Vec::new(),
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
            slow: Vec::new(),
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

    /// The same world with riders in their lanes.
    pub fn with_riders(mut self, riders: Riders) -> Self {
        self.riders = riders;
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
        let around = Around {
            roads: &self.roads,
            signals: &self.signals,
            vehicles: &self.vehicles,
            bodies: self.latest.vehicles(),
            users: self.users.bodies(),
        };
        let (step_s, count) = (STEP.as_secs_f64(), self.steps);
        self.riders.step(now, step_s, &around, self.seed, count);
        let seen = Seen {
            roads: &self.roads,
            signals: &self.signals,
            vehicles: &self.vehicles,
            bodies: self.latest.vehicles(),
        };
        self.users
            .step(now, STEP.as_secs_f64(), &seen, self.seed, self.steps);
        self.people.clear();
        self.people.extend_from_slice(self.users.bodies());
        self.people.extend_from_slice(self.riders.bodies());
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

    /// From now on a driver goes no faster than advised; None: as it likes; and changes lanes only if it
    /// may. Nobody by that id: nothing.
    pub fn advise(&mut self, id: u32, most_mps: Option<f64>, leave: Leave) {
        if let Ok(i) = self
            .vehicles
            .binary_search_by_key(&id, |vehicle| vehicle.id)
        {
            self.vehicles[i].advised_mps = most_mps;
            self.vehicles[i].leave = leave;
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

    /// Riders in their lanes, in order of id.
    pub fn riders(&self) -> &Riders {
        &self.riders
    }

    /// Everybody and everything that is on no vehicle's route, in order of id.
    pub fn people(&self) -> &[Body] {
        &self.people
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
        let riders = self.riders.present().iter().map(Rider::motion);
        let all = vehicles.chain(users).chain(riders);
        let hash = all.fold(mix(self.steps), |hash, (id, along_m, speed_mps)| {
            let parts = [u64::from(id), along_m.to_bits(), speed_mps.to_bits()];
            parts.iter().fold(hash, |hash, &part| mix(hash ^ part))
        });
        self.hash_guests(hash)
    }

    /// Notes anew who is on which route, and what signals show.
    fn look_up(&mut self) {
        let now = self.now();
        self.lookup
            .look(&self.roads, &self.signals, &self.vehicles, now);
    }

    /// What drivers see.
    fn scene(&self) -> Scene<'_> {
        Scene {
            roads: &self.roads,
            vehicles: &self.vehicles,
            lookup: &self.lookup,
            users: &self.people,
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
            let most_m = SIDEWAYS_SHARE * vehicle.speed_mps * step_s;
            vehicle.aside_m -= vehicle.aside_m.clamp(-most_m, most_m);
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

    /// What was latest is earlier from now on.
    fn take_picture(&mut self) {
        let empty = Snapshot::empty(self.now());
        let mut bodies = std::mem::replace(&mut self.earlier, empty).bodies;
        bodies.clear();
        let vehicles = self.vehicles.iter().map(|vehicle| self.body(vehicle));
        bodies.extend(vehicles);
        let [on_wheels, on_foot] = self.guests();
        bodies.extend_from_slice(on_wheels);
        bodies.extend_from_slice(&self.people);
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

/// Of the way that one drives so much is sideways, back to the middle of one's lane: who stands does not slide.
const SIDEWAYS_SHARE: f64 = 0.1;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod yielding;
