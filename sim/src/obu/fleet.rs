//! The units of a run, their radios and that of the roadside unit; one thread, driven by time alone.
//!
//! A frame of the roadside unit is decoded once, as every receiver of the same octets would decode it. A
//! vehicle has a unit or not by chance that hangs on the vehicle alone, so that who has one does not change
//! who drives how. What a unit believes of its place is off by a bias that is its own (*assumed*: satellite
//! navigation with corrections), and it speaks at a moment of its own, every `bsm-ms`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::heard::Emitter;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{EnuFrame, PhaseId, StationId};
use v2x_msg::kinds::bsm::VehicleClass;

use super::heard::{Heard, Receiver};
use super::score::Score;
use super::unit::{Own, Told, Unit};
use crate::air::{Channel, Delivered, Kind as RadioKind, RadioId, Radios};
use crate::plane::Point;
use crate::random::{Purpose, Stream, mix};
use crate::truth::Epoch;
use crate::world::World;
use crate::world::snapshot::Body;
use crate::world::vehicles::{Kind, Vehicle};

/// How the units of a run are.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The radios.
    pub radios: Radios,
    /// By node of origin: share of the vehicles with a unit, 0 to 1.
    pub equipped: Vec<(v2x_msg::base::NodeId, f64)>,
    /// From one BSM to the next.
    pub bsm: Duration,
    /// What units believe of their place is off by so much: one standard deviation along each axis.
    pub gnss_sigma_m: f64,
    /// Drivers keep to the advised speed.
    pub advice: bool,
    /// Drivers brake when they are warned.
    pub warnings: bool,
}

/// The units of a run.
#[derive(Debug)]
pub struct Fleet {
    settings: Settings,
    seed: u64,
    frame: EnuFrame,
    epoch: Epoch,
    channel: Channel,
    roadside: RadioId,
    /// By vehicle.
    riders: BTreeMap<u32, Rider>,
    by_radio: BTreeMap<RadioId, u32>,
    /// Who speaks when.
    due: BTreeSet<(Mono, u32)>,
    cargo: BTreeMap<u64, Cargo>,
    next_cargo: u64,
    /// The frames of one moment, by application: parts of a message have flows of their own.
    parts: (Mono, Vec<u32>),
    receiver: Receiver,
    emitter: Emitter,
    delivered: Vec<Delivered>,
    /// Heard by the roadside unit and not taken yet.
    at_roadside: VecDeque<Vec<u8>>,
    /// Advice of which the moment has not come.
    promised: Vec<(Mono, PhaseId)>,
    score: Score,
}

/// A vehicle's unit and its radio.
#[derive(Debug)]
struct Rider {
    unit: Unit,
    radio: RadioId,
    bias_m: Point,
    speed_mps: f64,
    braking_mps2: f64,
    told: Told,
    advised: bool,
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
    pub fn new(settings: Settings, frame: EnuFrame, epoch: Epoch, seed: u64) -> Self {
        let mut channel = Channel::new(settings.radios, seed);
        let origin = Point::new(0.0, 0.0);
        let roadside = channel.join(RadioKind::Roadside, u64::MAX, origin, true);
        Self {
            settings,
            seed,
            frame,
            epoch,
            channel,
            roadside,
            riders: BTreeMap::new(),
            by_radio: BTreeMap::new(),
            due: BTreeSet::new(),
            cargo: BTreeMap::new(),
            next_cargo: 0,
            parts: (Mono::ZERO, Vec::new()),
            receiver: Receiver::default(),
            emitter: Emitter::default(),
            delivered: Vec::new(),
            at_roadside: VecDeque::new(),
            promised: Vec::new(),
            score: Score::default(),
        }
    }

    /// When somebody speaks or hears next.
    pub fn poll_timeout(&self) -> Mono {
        let speaks = self.due.first().map_or(Mono::NEVER, |(at, _)| *at);
        self.channel.poll_timeout().min(speaks)
    }

    /// Lets those speak and hear whose time has come; false if nobody's had. The world must cover `now`.
    pub fn handle_timeout(&mut self, now: Now, world: &World) -> bool {
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
            if self.speak(now, vehicle, world) {
                self.due.insert((at + self.settings.bsm, vehicle));
            }
        }
        true
    }

    /// A frame that the roadside unit's radio has heard; call until None.
    pub fn poll_delivery(&mut self) -> Option<Vec<u8>> {
        self.at_roadside.pop_front()
    }

    /// The roadside unit sends a frame.
    pub fn broadcast(&mut self, now: Now, frame: &[u8]) {
        let aid = dsmp::parse(frame)
            .ok()
            .map_or(0, |packet| packet.aid_number);
        let often = [Aid::Spat.number(), Aid::Rsm.number()].contains(&aid);
        let period_ms = if often { 100 } else { 1000 };
        if self.parts.0 != now.mono {
            self.parts = (now.mono, Vec::new());
        }
        let part = self.parts.1.iter().filter(|other| **other == aid).count();
        self.parts.1.push(aid);
        let flow = (aid << 6) | (part as u32 & 63);
        let heard = self.receiver.read(frame);
        match &heard {
            Some(Heard::Rsm(rsm)) => self.score.told_of(rsm),
            Some(_) => {}
            None => self.score.unread += 1,
        }
        let cargo = self.load(now.mono, frame.to_vec(), heard);
        let octets = frame.len();
        let flow = (flow, period_ms);
        self.channel
            .send(now.mono, self.roadside, flow, octets, cargo);
    }

    /// Looks at a step that the world has made, and says to which vehicles what speed is advised now.
    pub fn follow(&mut self, world: &World) -> Vec<(u32, Option<f64>)> {
        let now = world.now();
        self.join_and_leave(world);
        self.keep_promises(world);
        self.forget(now);
        let utc = self.epoch.utc(now);
        let step = now.nanos() / crate::world::STEP.as_nanos() as u64;
        let mut orders = Vec::with_capacity(self.riders.len());
        for vehicle in world.vehicles() {
            let Some(rider) = self.riders.get_mut(&vehicle.id) else {
                continue;
            };
            let Some(body) = world.latest().body(vehicle.id) else {
                continue;
            };
            self.channel.move_to(rider.radio, body.centre);
            rider.braking_mps2 =
                (rider.speed_mps - vehicle.speed_mps) / crate::world::STEP.as_secs_f64();
            rider.speed_mps = vehicle.speed_mps;
            let (sigma_m, frame) = (self.settings.gnss_sigma_m, self.frame);
            let own = own(rider, vehicle, body, body.centre, world, frame, sigma_m);
            let told = rider.unit.think(&own, utc);
            if let Some(danger) = told
                .danger
                .filter(|danger| rider.told.danger != Some(*danger))
            {
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
            orders.push((vehicle.id, order(&self.settings, vehicle, &told)));
        }
        orders
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
        if one.to == self.roadside {
            self.score.heard_by_roadside += 1;
            self.at_roadside.push_back(cargo.bytes.clone());
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
    fn speak(&mut self, now: Now, id: u32, world: &World) -> bool {
        let place = world
            .vehicles()
            .binary_search_by_key(&id, |vehicle| vehicle.id);
        let vehicle = place.ok().map(|i| &world.vehicles()[i]);
        let (Some(rider), Some(vehicle), Some(body)) =
            (self.riders.get_mut(&id), vehicle, world.latest().body(id))
        else {
            return false;
        };
        // The world is up to a step ahead.
        let back_m = body.speed_mps * world.now().seconds_after(now.mono).max(0.0);
        let centre = body.centre.minus(body.direction.times(back_m));
        let (frame, sigma_m) = (self.frame, self.settings.gnss_sigma_m);
        let own = own(rider, vehicle, body, centre, world, frame, sigma_m);
        let bsm = rider.unit.speak(&own, now.utc);
        let radio = rider.radio;
        let mut bytes = Vec::new();
        if self.emitter.bsm(&bsm, &mut bytes) {
            let octets = bytes.len();
            let cargo = self.load(now.mono, bytes, None);
            let flow = (BSM_FLOW, self.settings.bsm.as_millis() as u32);
            self.channel.send(now.mono, radio, flow, octets, cargo);
        }
        true
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

    fn join_and_leave(&mut self, world: &World) {
        let present = |id: u32| {
            let vehicles = world.vehicles();
            vehicles
                .binary_search_by_key(&id, |vehicle| vehicle.id)
                .is_ok()
        };
        let gone: Vec<u32> = self
            .riders
            .keys()
            .copied()
            .filter(|id| !present(*id))
            .collect();
        for id in gone {
            if let Some(rider) = self.riders.remove(&id) {
                self.channel.leave(rider.radio);
                self.by_radio.remove(&rider.radio);
            }
        }
        for vehicle in world.vehicles() {
            if self.riders.contains_key(&vehicle.id) {
                continue;
            }
            let mut draw = Stream::new(self.seed, u64::from(vehicle.id), Purpose::OnBoard);
            let route = &world.roads().routes[vehicle.route];
            let from = world.roads().approaches[route.approach].from;
            let mut shares = self.settings.equipped.iter();
            let share = shares
                .find(|(node, _)| *node == from)
                .map_or(0.0, |(_, share)| *share);
            // An emergency vehicle says that it comes.
            let equipped = draw.chance(share) || vehicle.siren;
            if !equipped {
                continue;
            }
            let Some(body) = world.latest().body(vehicle.id) else {
                continue;
            };
            let number = u64::from(vehicle.id);
            let radio = self
                .channel
                .join(RadioKind::Vehicle, number, body.centre, true);
            let sigma_m = self.settings.gnss_sigma_m;
            let first = Duration::from_secs_f64(draw.uniform() * self.settings.bsm.as_secs_f64());
            let rider = Rider {
                unit: Unit::new(StationId(mix(mix(self.seed) ^ number).to_be_bytes())),
                radio,
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
        self.score.units = self.score.units.max(self.riders.len());
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
            let arrives = self.epoch.mono(advice.arrives);
            self.promised.push((arrives, advice.phase));
        }
    }

    /// Whether it was green when vehicles were told that it would be.
    fn keep_promises(&mut self, world: &World) {
        let now = world.now();
        let score = &mut self.score;
        self.promised.retain(|&(at, phase)| {
            if at > now {
                return true;
            }
            let light = world.signals().light(phase, at);
            use rsu::report::Light::{FlashingGreen, Green};
            score.advice += 1;
            score.advice_right += u64::from(matches!(light, Green | FlashingGreen));
            false
        });
    }
}

/// What a vehicle knows of itself when its middle is at `centre`.
fn own(
    rider: &Rider,
    vehicle: &Vehicle,
    body: &Body,
    centre: Point,
    world: &World,
    frame: EnuFrame,
    sigma_m: f64,
) -> Own {
    let believed = centre.plus(rider.bias_m);
    let position = frame.ground_position(believed.east_m, believed.north_m);
    let route = &world.roads().routes[vehicle.route];
    Own {
        // Nobody drives off the earth.
        position: position.unwrap_or(frame.origin()),
        heading: body.direction,
        speed_mps: vehicle.speed_mps,
        braking_mps2: rider.braking_mps2,
        length_m: vehicle.length_m,
        width_m: vehicle.width_m,
        height_m: vehicle.height_m,
        emergency: vehicle.siren,
        class: match vehicle.kind {
            _ if vehicle.siren => VehicleClass::EMERGENCY,
            Kind::Bus => VehicleClass::LOCAL_BUS,
            Kind::Truck => VehicleClass::TRUCK,
            _ => VehicleClass::PASSENGER_CAR,
        },
        next: world.roads().exits[route.exit].to,
        sigma_m,
    }
}

/// No faster than this, by what a driver is told.
fn order(settings: &Settings, vehicle: &Vehicle, told: &Told) -> Option<f64> {
    if settings.warnings && told.danger.is_some() {
        return Some(0.0);
    }
    let advice = told.advice.filter(|_| settings.advice)?;
    // The following model brakes hard for a wish far below its speed; by advice one slows down gently.
    let driver = &vehicle.driver;
    let share = 1.0 + GENTLE_MPS2 / driver.acceleration_mps2;
    let gentle_mps = vehicle.speed_mps / share.sqrt().sqrt();
    Some(advice.speed_mps.max(gentle_mps))
}

/// How a driver slows down by advice.
const GENTLE_MPS2: f64 = 1.0;
const BSM_FLOW: u32 = 1;
/// Frames are heard or lost by then.
const ON_AIR: Duration = Duration::from_secs(2);
