//! The units of a run, their radios and those of the roadside units; one thread, driven by time alone.
//!
//! There is one roadside unit at each junction of a run, one or many, and one air for all of them: a
//! vehicle hears whom it can, and takes its unit along from one junction to the next. A frame of a
//! roadside unit is decoded once, as every receiver of the same octets would decode it. A vehicle has a
//! unit or not by chance that hangs on the vehicle alone and is drawn when it is first seen, so that who
//! has one does not change who drives how. What a unit believes of its place is off by a bias that is its
//! own (*assumed*: satellite navigation with corrections), and it speaks at a moment of its own, every
//! `bsm-ms`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::heard::Emitter;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{EnuFrame, NodeId, PhaseId, StationId};

use super::heard::{Heard, Receiver};
use super::rider::{Rider, Whole, order, wishes};
use super::score::Score;
use super::unit::{Own, Told, Unit};
use crate::air::channel::EVENT_MS;
use crate::air::{Channel, Delivered, Kind as RadioKind, RadioId, Radios};
use crate::plane::Point;
use crate::random::{Purpose, Stream, mix};
use crate::truth::Epoch;
use crate::world::lanes::Leave;
use crate::world::vehicles::Vehicle;
use crate::world::{STEP, World};

/// How the units of a run are.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The radios.
    pub radios: Radios,
    /// From one BSM to the next.
    pub bsm: Duration,
    /// What units believe of their place is off by so much: one standard deviation along each axis.
    pub gnss_sigma_m: f64,
    /// Drivers keep to the advised speed.
    pub advice: bool,
    /// Slower nobody is told to drive.
    pub least_advised_mps: f64,
    /// Drivers brake when they are warned.
    pub warnings: bool,
    /// What vehicles ask of the roadside; None: nothing.
    pub asks: Option<Asks>,
}

/// What vehicles ask of the roadside (VIR).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asks {
    /// Whether they may change lanes.
    pub lane_change: bool,
    /// From so far before the line on they say what they will do there, and who turns asks who is along
    /// its way.
    pub sharing_before_m: f64,
}

/// What a driver is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// The place of the world that it drives in.
    pub at: usize,
    /// Who.
    pub vehicle: u32,
    /// To drive no faster; None: as it likes.
    pub most_mps: Option<f64>,
    /// Whether to change lanes.
    pub leave: Leave,
}

/// A junction with a roadside unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Junction {
    /// Its number.
    pub node: NodeId,
    /// The frame of its site.
    pub frame: EnuFrame,
    /// Its origin, on the plane of the run.
    pub origin: Point,
    /// By node that vehicles come from: the share of them with a unit, 0 to 1.
    pub equipped: Vec<(NodeId, f64)>,
}

/// Where the way of a vehicle leads from the junction after the one, by its place, in whose world it is.
pub type Onward<'a> = &'a dyn Fn(usize, &Vehicle) -> Option<NodeId>;

/// The units of a run.
#[derive(Debug)]
pub struct Fleet {
    settings: Settings,
    seed: u64,
    epoch: Epoch,
    channel: Channel,
    sides: Vec<Roadside>,
    /// By vehicle.
    riders: BTreeMap<u32, Rider>,
    /// Vehicles on the road without a unit, and the step at which each was last seen.
    others: BTreeMap<u32, u64>,
    steps: u64,
    by_radio: BTreeMap<RadioId, u32>,
    /// Who speaks when.
    due: BTreeSet<(Mono, u32)>,
    cargo: BTreeMap<u64, Cargo>,
    next_cargo: u64,
    receiver: Receiver,
    emitter: Emitter,
    delivered: Vec<Delivered>,
    /// Advice of which the moment has not come: when, at which junction, for which phase.
    promised: Vec<(Mono, NodeId, PhaseId)>,
    score: Score,
}

/// A junction and the radio of its unit.
#[derive(Debug)]
struct Roadside {
    junction: Junction,
    radio: RadioId,
    /// The frames of one moment, by application: parts of a message have flows of their own.
    parts: (Mono, Vec<u32>),
    /// Heard and not taken yet.
    heard: VecDeque<(Mono, Vec<u8>)>,
}

/// A frame on the air, and what is in it if the roadside unit sent it.
#[derive(Debug)]
struct Cargo {
    sent: Mono,
    bytes: Vec<u8>,
    heard: Option<Heard>,
}

impl Fleet {
    /// The units of a run, none of them on the road yet.
    pub fn new(settings: Settings, junctions: Vec<Junction>, epoch: Epoch, seed: u64) -> Self {
        let mut channel = Channel::new(settings.radios, seed);
        let sides = junctions.into_iter().zip(0..).map(|(junction, place)| {
            let (number, origin) = (u64::MAX - place, junction.origin);
            Roadside {
                junction,
                radio: channel.join(RadioKind::Roadside, number, origin, true),
                parts: (Mono::ZERO, Vec::new()),
                heard: VecDeque::new(),
            }
        });
        let sides = sides.collect();
        Self {
            settings,
            seed,
            epoch,
            channel,
            sides,
            riders: BTreeMap::new(),
            others: BTreeMap::new(),
            steps: 0,
            by_radio: BTreeMap::new(),
            due: BTreeSet::new(),
            cargo: BTreeMap::new(),
            next_cargo: 0,
            receiver: Receiver::default(),
            emitter: Emitter::default(),
            delivered: Vec::new(),
            promised: Vec::new(),
            score: Score::default(),
        }
    }

    /// When somebody speaks or hears next.
    pub fn poll_timeout(&self) -> Mono {
        let speaks = self.due.first().map_or(Mono::NEVER, |(at, _)| *at);
        self.channel.poll_timeout().min(speaks)
    }

    /// What is said now is heard no sooner than after this.
    pub fn quickest(&self) -> Duration {
        Duration::from_millis(u64::from(self.settings.radios.processing_ms).max(1))
    }

    /// Lets those speak and hear whose time has come; false if nobody's had. The worlds, in the order of the
    /// junctions, must cover `now`.
    pub fn handle_timeout(&mut self, now: Now, worlds: &[&World]) -> bool {
        if self.poll_timeout() > now.mono {
            return false;
        }
        let mut delivered = std::mem::take(&mut self.delivered);
        self.channel.handle_timeout(now.mono, &mut delivered);
        for one in delivered.drain(..) {
            self.deliver(&one);
        }
        self.delivered = delivered;
        while let Some(&(at, vehicle)) = self.due.first()
            && at <= now.mono
        {
            self.due.pop_first();
            if self.speak(now, vehicle, worlds) {
                self.due.insert((at + self.settings.bsm, vehicle));
            }
        }
        true
    }

    /// A frame that the radio of the roadside unit of a junction has heard, and when; call until None.
    pub fn poll_delivery(&mut self, junction: usize) -> Option<(Mono, Vec<u8>)> {
        self.sides[junction].heard.pop_front()
    }

    /// The roadside unit of a junction sends a frame.
    pub fn broadcast(&mut self, now: Now, junction: usize, frame: &[u8]) {
        let aid = dsmp::parse(frame)
            .ok()
            .map_or(0, |packet| packet.aid_number);
        let among = |some: [Aid; 2]| some.map(Aid::number).contains(&aid);
        let period_ms = if among([Aid::Rsc, Aid::Ssm]) {
            // As long as somebody asks.
            EVENT_MS
        } else if among([Aid::Spat, Aid::Rsm]) {
            100
        } else {
            1000
        };
        let side = &mut self.sides[junction];
        if side.parts.0 != now.mono {
            side.parts = (now.mono, Vec::new());
        }
        let part = side.parts.1.iter().filter(|other| **other == aid).count();
        side.parts.1.push(aid);
        let radio = side.radio;
        let flow = (aid << 6) | (part as u32 & 63);
        let heard = self.receiver.read(frame);
        match &heard {
            Some(Heard::Rsm(rsm)) => self.score.told_of(now.mono, junction, rsm),
            Some(_) => {}
            None => self.score.unread += 1,
        }
        let cargo = self.load(now.mono, frame.to_vec(), heard);
        let octets = frame.len();
        let flow = (flow, period_ms);
        self.channel.send(now.mono, radio, flow, octets, cargo);
    }

    /// Looks at a step that the worlds have made, and says which drivers are told what now.
    pub fn follow(&mut self, worlds: &[&World], onward: Onward<'_>) -> Vec<Order> {
        let Some(now) = worlds.first().map(|world| world.now()) else {
            return Vec::new();
        };
        self.steps += 1;
        self.join_and_leave(worlds);
        self.keep_promises(worlds, now);
        self.forget(now);
        if self.steps.is_multiple_of(FORGETS_EACH) {
            self.score.forget(now);
        }
        let utc = self.epoch.utc(now);
        let step = now.nanos() / STEP.as_nanos() as u64;
        let mut orders = Vec::with_capacity(self.riders.len());
        for (at, world) in worlds.iter().enumerate() {
            let (frame, origin) = {
                let junction = &self.sides[at].junction;
                (junction.frame, junction.origin)
            };
            for vehicle in world.vehicles() {
                let Some(rider) = self.riders.get_mut(&vehicle.id) else {
                    continue;
                };
                let Some(body) = world.latest().body(vehicle.id) else {
                    continue;
                };
                self.channel.move_to(rider.radio, body.centre.plus(origin));
                rider.braking_mps2 = (rider.speed_mps - vehicle.speed_mps) / STEP.as_secs_f64();
                rider.speed_mps = vehicle.speed_mps;
                let then = onward(at, vehicle);
                let whole = Whole {
                    vehicle,
                    body,
                    world,
                    frame,
                    then,
                };
                let own = rider.own(&whole, body.centre, &self.settings);
                let told = rider.unit.think(&own, utc);
                let ages = rider.unit.asking.ages(utc);
                for (requests, age) in self.score.requests.iter_mut().zip(ages) {
                    requests
                        .age_s
                        .add(age.map_or(f64::NAN, |age| age.as_secs_f64()));
                }
                let fresh = told.danger.filter(|_| rider.told.danger != told.danger);
                if let Some(danger) = fresh {
                    *self.score.warnings.entry(danger).or_default() += 1;
                }
                // Each second, and each vehicle at another tenth of it.
                if (step + u64::from(vehicle.id)).is_multiple_of(10) && vehicle.entered.is_none() {
                    self.score_spat(vehicle.id, &own, utc, &told);
                }
                let Some(rider) = self.riders.get_mut(&vehicle.id) else {
                    continue;
                };
                rider.told = told;
                orders.push(order(at, &self.settings, vehicle, &told));
            }
        }
        orders
    }

    /// From now on UTC and simulated time belong together otherwise: simulated time has stood still.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// How many units are on the road.
    pub fn on_road(&self) -> usize {
        self.riders.len()
    }

    /// What is counted so far.
    pub fn score(&self) -> Score {
        let mut score = self.score.clone();
        score.air = self.channel.score().clone();
        score
    }

    /// Counts from nought.
    pub fn begin_anew(&mut self) {
        self.score.begin_anew();
        self.channel.begin_anew();
        self.promised.clear();
    }

    fn deliver(&mut self, one: &Delivered) {
        let Some(cargo) = self.cargo.get(&one.cargo) else {
            return;
        };
        if let Some(side) = self.sides.iter_mut().find(|side| side.radio == one.to) {
            // What other roadside units say is theirs.
            if cargo.heard.is_none() {
                self.score.heard_by_roadside += 1;
                side.heard.push_back((one.at, cargo.bytes.clone()));
            }
            return;
        }
        // What other vehicles say is heard, and nothing is made of it: the roadside tells of everybody.
        let (Some(heard), Some(vehicle)) = (&cargo.heard, self.by_radio.get(&one.to)) else {
            return;
        };
        if let Some(rider) = self.riders.get_mut(vehicle)
            && let Err(doubt) = rider.unit.hear(heard, self.epoch.utc(one.at))
        {
            *self.score.doubts.entry(doubt).or_default() += 1;
        }
    }

    /// A vehicle says where it is; false if it has left.
    fn speak(&mut self, now: Now, id: u32, worlds: &[&World]) -> bool {
        let Some(rider) = self.riders.get_mut(&id) else {
            return false;
        };
        let world = worlds[rider.at];
        let place = world.vehicles().binary_search_by_key(&id, |one| one.id);
        let vehicle = place.ok().map(|i| &world.vehicles()[i]);
        let (Some(vehicle), Some(body)) = (vehicle, world.latest().body(id)) else {
            return false;
        };
        // The world is up to a step ahead.
        let back_m = body.speed_mps * world.now().seconds_after(now.mono).max(0.0);
        let centre = body.centre.minus(body.direction.times(back_m));
        let whole = Whole {
            vehicle,
            body,
            world,
            frame: self.sides[rider.at].junction.frame,
            then: None,
        };
        let own = rider.own(&whole, centre, &self.settings);
        let bsm = rider.unit.speak(&own, now.utc);
        let radio = rider.radio;
        let mut bytes = Vec::new();
        if self.emitter.bsm(&bsm, &mut bytes) {
            let octets = bytes.len();
            let cargo = self.load(now.mono, bytes, None);
            let flow = (BSM_FLOW, self.settings.bsm.as_millis() as u32);
            self.channel.send(now.mono, radio, flow, octets, cargo);
        }
        if let Some(asks) = self.settings.asks {
            self.ask(now, asks, &whole, &own);
        }
        true
    }

    /// It says what its driver is about to do, and asks.
    fn ask(&mut self, now: Now, asks: Asks, whole: &Whole<'_>, own: &Own) {
        let Some(rider) = self.riders.get_mut(&whole.vehicle.id) else {
            return;
        };
        let vir = rider.unit.ask(own, &wishes(asks, whole), now.utc);
        for ended in rider.unit.asking.take_ended() {
            self.score.ended(&ended);
        }
        let radio = rider.radio;
        let mut bytes = Vec::new();
        if let Some(vir) = vir
            && self.emitter.framed_vir(&vir, &mut bytes)
        {
            let octets = bytes.len();
            let cargo = self.load(now.mono, bytes, None);
            let flow = (VIR_FLOW, self.settings.bsm.as_millis() as u32);
            self.channel.send(now.mono, radio, flow, octets, cargo);
        }
    }

    fn load(&mut self, sent: Mono, bytes: Vec<u8>, heard: Option<Heard>) -> u64 {
        self.next_cargo += 1;
        let cargo = Cargo { sent, bytes, heard };
        self.cargo.insert(self.next_cargo, cargo);
        self.next_cargo
    }

    /// What nobody can hear any more.
    fn forget(&mut self, now: Mono) {
        while let Some(first) = self.cargo.first_entry()
            && now.since(first.get().sent) > ON_AIR
        {
            first.remove();
        }
    }

    fn join_and_leave(&mut self, worlds: &[&World]) {
        let step = self.steps;
        let mut new = Vec::new();
        for (at, world) in worlds.iter().enumerate() {
            for vehicle in world.vehicles() {
                if let Some(rider) = self.riders.get_mut(&vehicle.id) {
                    (rider.at, rider.seen) = (at, step);
                } else if let Some(seen) = self.others.get_mut(&vehicle.id) {
                    *seen = step;
                } else {
                    new.push((at, vehicle));
                }
            }
        }
        self.others.retain(|_, seen| *seen == step);
        let (channel, by_radio) = (&mut self.channel, &mut self.by_radio);
        self.riders.retain(|_, rider| {
            let stays = rider.seen == step;
            if !stays {
                channel.leave(rider.radio);
                by_radio.remove(&rider.radio);
            }
            stays
        });
        for (at, vehicle) in new {
            self.meet(at, worlds[at], vehicle);
        }
        self.score.units = self.score.units.max(self.riders.len());
    }

    /// Somebody who was not there before: does it have a unit?
    fn meet(&mut self, at: usize, world: &World, vehicle: &Vehicle) {
        let mut draw = Stream::new(self.seed, u64::from(vehicle.id), Purpose::OnBoard);
        let route = &world.roads().routes[vehicle.route];
        let from = world.roads().approaches[route.approach].from;
        let junction = &self.sides[at].junction;
        let mut shares = junction.equipped.iter();
        let share = shares.find(|(node, _)| *node == from);
        // An emergency vehicle says that it comes.
        let has_one = draw.chance(share.map_or(0.0, |(_, share)| *share)) || vehicle.siren;
        let body = world.latest().body(vehicle.id);
        let Some(body) = body.filter(|_| has_one) else {
            if !has_one {
                self.others.insert(vehicle.id, self.steps);
            }
            return;
        };
        let number = u64::from(vehicle.id);
        let place = body.centre.plus(junction.origin);
        let radio = self.channel.join(RadioKind::Vehicle, number, place, true);
        let sigma_m = self.settings.gnss_sigma_m;
        let first = Duration::from_secs_f64(draw.uniform() * self.settings.bsm.as_secs_f64());
        let rider = Rider {
            unit: Unit::new(StationId(mix(mix(self.seed) ^ number).to_be_bytes())),
            radio,
            at,
            seen: self.steps,
            bias_m: Point::new(sigma_m * draw.normal(), sigma_m * draw.normal()),
            speed_mps: vehicle.speed_mps,
            braking_mps2: 0.0,
            told: Told::default(),
            advised: false,
        };
        self.by_radio.insert(radio, vehicle.id);
        self.due.insert((world.now() + first, vehicle.id));
        self.riders.insert(vehicle.id, rider);
    }

    /// Each second: how old is what a vehicle knows of its light, and what is it promised?
    fn score_spat(&mut self, vehicle: u32, own: &Own, now: Utc, told: &Told) {
        let Some(rider) = self.riders.get_mut(&vehicle) else {
            return;
        };
        match rider.unit.spat_said(own) {
            Some(Some(said)) => {
                self.score.spat_age_s.add(now.ns_since(said) as f64 * 1e-9);
            }
            Some(None) => self.score.spat_unknown += 1,
            None => {}
        }
        if let Some(advice) = told.advice {
            self.score.advised += u64::from(!rider.advised);
            rider.advised = true;
            let arrives = self.epoch.mono(advice.aim.arrives);
            self.promised.push((arrives, advice.node, advice.phase));
        }
    }

    /// Whether it was green when vehicles were told that it would be.
    fn keep_promises(&mut self, worlds: &[&World], now: Mono) {
        let (score, sides) = (&mut self.score, &self.sides);
        self.promised.retain(|&(at, node, phase)| {
            if at > now {
                return true;
            }
            let place = sides.iter().position(|side| side.junction.node == node);
            let light = place.map(|place| worlds[place].signals().light(phase, at));
            use rsu::report::Light::{FlashingGreen, Green};
            score.advice += 1;
            score.advice_right += u64::from(matches!(light, Some(Green | FlashingGreen)));
            false
        });
    }
}

/// Steps: a minute.
const FORGETS_EACH: u64 = 600;
const BSM_FLOW: u32 = 1;
const VIR_FLOW: u32 = 2;
/// Frames are heard or lost by then.
const ON_AIR: Duration = Duration::from_secs(2);
