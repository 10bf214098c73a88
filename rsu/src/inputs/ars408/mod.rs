//! Radars that say which objects they track: Continental ARS408-21 and ARS404-21, object mode.
//!
//! After the public message tables of the radar (interface version 1), over CAN at 500 kbit/s in any
//! of the forms of [`can`](super::can). About each 74 ms a cycle: 60A with the number of objects, then
//! a 60B, a 60C and a 60D for each. Rooms: [`wire`] (messages), `cycle` (which belong together), `count`
//! (whose cycle it is), the decoder here, and its mirror [`Emitter`].
//!
//! | message: field | unit on the wire | unit in the report |
//! |---|---|---|
//! | 60B: DistLong, DistLat | 0.2 m forward, left | m east, north, through the mount |
//! | 60B: VrelLong, VrelLat | 0.25 m/s | m/s east, north; the radar stands, so it is over ground |
//! | 60C: rms of both | 31 classes, upper bound | covariance, east and north |
//! | 60C: ProbOfExist | 7 classes | middle of the class, 0..=1 |
//! | 60D: Orientation | 0.4 degree, left of forward | rad counter-clockwise from east |
//! | 60D: Length, Width | 0.2 m | m |
//! | 60D: Class | code | [`Class`] |
//!
//! # What devices do, and what we make of it
//! Recording: an ARS408-21 with firmware 4.30.2 in a parked car, 279 cycles of 3 to 11 objects, the
//! last one cut by the end of the recording.
//! - `seen_at` is the arrival of 60A less the configured latency; a cycle takes up to 9 ms on the bus.
//! - A cycle is reported when its last message is here. If the next begins before that, it is counted
//!   and what there is of it is reported: an object without 60C or 60D gets stated defaults.
//! - A cycle of no objects is reported too: the radar sees that nothing is there.
//! - Objects that the radar deleted, or only predicts without having seen them, are left out: a
//!   prediction is no observation, and fusion makes its own.
//! - Orientation means nothing for the class "point" (it is 0 there), so it is left out with it.
//! - Class "wide" says only that the object is wide: unknown.
//! - The radar counts its measurements in steps of 2. A cycle under the last one's number is that one
//!   again, played by a gateway that hangs: it is counted and not reported, so that the radar grows old.
//!   Of a radar that has never counted, that is believed of objects that are the same to the bit for ten
//!   cycles.
//! - A cycle whose number does not go on where the last one's was is another radar's under the same sensor
//!   number, as long as the one before goes on: it is counted (`other-count`) and not reported. A radar that
//!   starts anew is left out so for three cycles.
//! - The radar has no clock, so what a gateway held up is told by its pace: cycles that come in a rush after a
//!   silence, and the first after any silence, are counted (`held-up`) and not reported (`backlog`).
//! - A radar that is not told its own speed says so in 201 and may call standing objects moving. It
//!   can be told that it stands: [`Config::tell_standstill`].
//!
//! Assumed, for no public text says it: a position is the middle of the object. If a radar means the
//! nearest edge, a car ahead is reported up to half its length too near.
//!
//! Not here: cluster mode (600, 701, 702), collision warnings (60E), filters, setting up the radar
//! (200).
//!
//! Nanoradar's MR76 speaks the same ids without 60C and 60D, and puts a class into spare bits of 60B
//! ([`Model::Mr76`]): a point (somebody on foot, a tree, a fence) stays unknown, a vehicle is called a car, for
//! it does not tell cars from lorries.

mod classes;
mod count;
mod cycle;
mod emitter;
#[cfg(test)]
mod recordings;
mod signal;
#[cfg(test)]
mod tests;
pub mod wire;

use std::f64::consts::PI;
use std::time::Duration;

pub use emitter::{Emitter, SensedObject};

use self::count::{Count, Whose};
use self::cycle::{Cycle, Part, Said, Taken};
use self::wire::{Extended, General, Measurement, Message, NotUsed, State};
use super::backlog::Backlog;
pub use super::can::Carrier;
use super::can::{self, CanFrame};
use super::{Counts, Mount, Pose, hand_over};
use crate::clock::{Mono, Now};
use crate::report::{Class, Content, Covariance, Detection, MAX_OBJECTS, Objects, Size, Velocity};

/// Which radar it is, where that makes a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// Continental ARS408 or ARS404: classes in 60D.
    #[default]
    Ars408,
    /// Nanoradar MR76 or MR72: a class of two in 60B.
    Mr76,
}

/// How a radar is connected, where it stands, and what is assumed of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// The form in which its CAN frames arrive.
    pub carrier: Carrier,
    /// Which radar it is.
    pub model: Model,
    /// Its sensor number, 0 to 7, set in the radar.
    pub sensor_id: u8,
    /// Where it stands and which way it looks.
    pub mount: Mount,
    /// From the scene to the arrival of the first frame of a cycle.
    pub latency: Duration,
    /// What is assumed of an object whose quality the radar does not say.
    pub assumed: Assumed,
    /// Report objects too that the radar only predicts in this cycle.
    pub use_predicted: bool,
    /// Tell the radar this often that it stands still. None: never.
    pub tell_standstill: Option<Duration>,
}

/// Errors and existence of an object whose quality the radar does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumed {
    /// Standard deviation of the distance forward.
    pub long_m: f64,
    /// Standard deviation of the distance to the left.
    pub lat_m: f64,
    /// Standard deviation of the speed forward.
    pub long_mps: f64,
    /// Standard deviation of the speed to the left.
    pub lat_mps: f64,
    /// Probability that it exists, 0..=1.
    pub existence: f32,
}

impl Default for Assumed {
    /// A little worse than the worst of the recording's usual classes.
    fn default() -> Self {
        Self {
            long_m: 0.6,
            lat_m: 0.8,
            long_mps: 0.6,
            lat_mps: 1.3,
            existence: 0.5,
        }
    }
}

impl Default for Config {
    /// Sensor 0 at the site's origin, looking north, over a gateway's TCP port.
    fn default() -> Self {
        Self {
            carrier: Carrier::default(),
            model: Model::default(),
            sensor_id: 0,
            mount: Mount::default(),
            // Half a cycle; not measured.
            latency: Duration::from_millis(37),
            assumed: Assumed::default(),
            use_predicted: false,
            tell_standstill: None,
        }
    }
}

const REJECTED: [&str; 7] = {
    let [line, long_line, out_of_step, cut, refused, bus] = can::Fault::KINDS;
    [
        line,
        long_line,
        out_of_step,
        cut,
        refused,
        bus,
        "short-message",
    ]
};
const IGNORED: [&str; 4] = ["other-sensor", "other-id", "outside-cycle", "held-up"];
const TOLERATED: [&str; 15] = [
    "incomplete-cycle",
    "repeated-cycle",
    "other-count",
    "repeated-message",
    "more-than-announced",
    "without-position",
    "without-quality",
    "not-seen-now",
    "radar-persistent-error",
    "radar-interference",
    "radar-temperature",
    "radar-temporary-error",
    "radar-voltage",
    "radar-no-own-motion",
    "radar-other-number",
];

/// Bytes of one radar to reports.
#[derive(Debug)]
pub struct Decoder {
    reader: can::Reader,
    ear: Ear,
    standstill: Standstill,
    /// When a serial adapter is opened, again after each silence; never where there is none.
    open_due: Mono,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            reader: can::Reader::new(config.carrier),
            ear: Ear {
                config,
                pose: Pose::from(config.mount),
                cycle: Cycle::new(),
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                state: None,
                print: 0,
                number: 0,
                count: Count::default(),
                backlog: Backlog::default(),
                held_up: false,
                objects: Box::default(),
            },
            standstill: Standstill {
                every: config.tell_standstill.map(|every| every.max(MIN_TELL)),
                due: Mono::ZERO,
            },
            open_due: match config.carrier {
                Carrier::Slcan => Mono::ZERO,
                _ => Mono::NEVER,
            },
        }
    }

    /// Takes bytes of the configured carrier; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self {
            reader,
            ear,
            open_due,
            ..
        } = self;
        reader.push(bytes, |frame| match frame {
            Ok(frame) => {
                if *open_due != Mono::NEVER {
                    *open_due = arrived.mono + OPEN_AGAIN;
                }
                ear.hear(arrived, &frame, sink);
            }
            Err(fault) => ear.counts.reject(fault.kind()),
        });
    }

    /// Takes one CAN frame from a link that has them whole.
    pub fn push_frame(&mut self, arrived: Now, frame: &CanFrame, sink: &mut dyn FnMut(Content)) {
        self.ear.hear(arrived, frame, sink);
    }

    /// Forgets what is half received; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.reader.reset();
        self.ear.cycle.close();
        self.ear.count.restart();
        if self.open_due != Mono::NEVER {
            self.open_due = Mono::ZERO;
        }
    }

    /// Appends what the radar must be told now; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        if now.mono >= self.open_due {
            self.open_due = now.mono + OPEN_AGAIN;
            can::slcan::open(out);
            return true;
        }
        let Some(every) = self.standstill.every else {
            return false;
        };
        if now.mono < self.standstill.due {
            return false;
        }
        self.standstill.due = now.mono + every;
        for frame in wire::standstill(self.ear.config.sensor_id) {
            can::emit(self.ear.config.carrier, &frame, out);
        }
        true
    }

    /// When the radar, or its adapter, must next be told something.
    pub fn poll_timeout(&self) -> Mono {
        let due = self.standstill.due;
        let tell = self.standstill.every.map_or(Mono::NEVER, |_| due);
        tell.min(self.open_due)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }

    /// What the radar last said of itself; None before its first 201.
    pub fn state(&self) -> Option<&State> {
        self.ear.state.as_ref()
    }
}

/// A serial adapter that says nothing for so long may have been started anew.
const OPEN_AGAIN: Duration = Duration::from_secs(5);
/// A period below this would flood the bus.
const MIN_TELL: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Standstill {
    every: Option<Duration>,
    due: Mono,
}

/// CAN frames to reports.
#[derive(Debug)]
struct Ear {
    config: Config,
    pose: Pose,
    cycle: Cycle,
    counts: Counts,
    state: Option<State>,
    /// Of the messages of the cycle in hand, and its number.
    print: u64,
    number: u16,
    /// The numbers of the cycles before.
    count: Count,
    backlog: Backlog,
    /// The cycle in hand may be one that a gateway held up.
    held_up: bool,
    /// Collected here and handed on whole.
    objects: Box<Objects>,
}

impl Ear {
    fn hear(&mut self, arrived: Now, frame: &CanFrame, sink: &mut dyn FnMut(Content)) {
        let message = match wire::parse(frame, self.config.sensor_id) {
            Ok(message) => message,
            Err(NotUsed::Short) => return self.counts.reject("short-message"),
            Err(NotUsed::OtherSensor) => return self.counts.ignore("other-sensor"),
            Err(NotUsed::OtherId) => return self.counts.ignore("other-id"),
        };
        for byte in frame.data() {
            self.print = (self.print ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
        match message {
            Message::State(state) => {
                self.counts.accept();
                self.note_state(state);
            }
            Message::Status(status) => {
                self.counts.accept();
                if let Some(begun) = self.cycle.close() {
                    self.counts.tolerate("incomplete-cycle");
                    self.report(begun, sink);
                }
                self.cycle.begin(arrived, status.objects);
                self.held_up = self.backlog.holds(arrived.mono);
                (self.print, self.number) = (FNV_OFFSET, status.counter);
                self.report_if_complete(sink);
            }
            Message::General(general) => self.part(Part::General(general), sink),
            Message::Quality(quality) => self.part(Part::Quality(quality), sink),
            Message::Extended(extended) => self.part(Part::Extended(extended), sink),
        }
    }

    fn part(&mut self, part: Part, sink: &mut dyn FnMut(Content)) {
        match self.cycle.take(part) {
            Taken::Outside => return self.counts.ignore("outside-cycle"),
            Taken::Again => self.counts.tolerate("repeated-message"),
            Taken::Surplus => self.counts.tolerate("more-than-announced"),
            Taken::Fits => {}
        }
        self.counts.accept();
        self.report_if_complete(sink);
    }

    fn report_if_complete(&mut self, sink: &mut dyn FnMut(Content)) {
        if self.cycle.is_complete()
            && let Some(begun) = self.cycle.close()
        {
            self.report(begun, sink);
        }
    }

    /// Hands on the closed cycle, in as many reports as it takes but at least one.
    fn report(&mut self, begun: Now, sink: &mut dyn FnMut(Content)) {
        let says_nothing = self.cycle.said().next().is_none();
        let whose = self
            .count
            .take(begun.mono, self.number, self.print, says_nothing);
        match whose {
            Whose::Next => {}
            Whose::Again => return self.counts.tolerate("repeated-cycle"),
            Whose::Other => return self.counts.tolerate("other-count"),
        }
        if self.held_up {
            return self.counts.ignore("held-up");
        }
        let seen_at = begun.mono - self.config.latency;
        self.objects.seen_at = seen_at;
        self.objects.detections.clear();
        let mut reported = 0;
        for said in self.cycle.said() {
            let Some(detection) = detection(said, &self.pose, &self.config, &mut self.counts)
            else {
                continue;
            };
            if self.objects.detections.is_full() {
                self.counts.report();
                hand_over(&self.objects, sink);
                self.objects.detections.clear();
            }
            self.objects.detections.push(detection);
            reported += 1;
        }
        if reported == 0 || !self.objects.detections.is_empty() {
            self.counts.report();
            hand_over(&self.objects, sink);
        }
    }

    fn note_state(&mut self, state: State) {
        for (set, kind) in [
            (state.persistent_error, "radar-persistent-error"),
            (state.interference, "radar-interference"),
            (state.temperature_error, "radar-temperature"),
            (state.temporary_error, "radar-temporary-error"),
            (state.voltage_error, "radar-voltage"),
            (state.motion_input != 0, "radar-no-own-motion"),
            // It speaks under our number and names another: two radars on one bus, or a fault.
            (state.sensor != self.config.sensor_id, "radar-other-number"),
        ] {
            if set {
                self.counts.tolerate(kind);
            }
        }
        self.state = Some(state);
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x100_0000_01b3;

const _: () = assert!(MAX_OBJECTS >= 1);

/// One object in the site's frame; None where the radar did not see it in this cycle.
fn detection(said: &Said, pose: &Pose, config: &Config, counts: &mut Counts) -> Option<Detection> {
    let Some(general) = &said.general else {
        counts.tolerate("without-position");
        return None;
    };
    let assumed = &config.assumed;
    let mut sigmas = [
        assumed.long_m,
        assumed.lat_m,
        assumed.long_mps,
        assumed.lat_mps,
    ];
    let mut existence = assumed.existence;
    match &said.quality {
        None => counts.tolerate("without-quality"),
        Some(quality) => {
            let seen = match quality.measurement {
                Measurement::New | Measurement::Measured | Measurement::NewByMerge => true,
                Measurement::Predicted => config.use_predicted,
                Measurement::Deleted
                | Measurement::DeletedByMerge
                | Measurement::Reserved6
                | Measurement::Reserved7 => false,
            };
            let Some(said) = wire::existence(quality.existence).filter(|_| seen) else {
                counts.tolerate("not-seen-now");
                return None;
            };
            existence = said;
            let rms = [
                quality.dist_long_rms,
                quality.dist_lat_rms,
                quality.vrel_long_rms,
                quality.vrel_lat_rms,
            ];
            for (sigma, rms) in sigmas.iter_mut().zip(rms) {
                *sigma = rms.sigma().unwrap_or(*sigma);
            }
        }
    }
    let (east_m, north_m) = pose.to_site(general.dist_long_m, general.dist_lat_m);
    let [long_m, lat_m, long_mps, lat_mps] = sigmas;
    Some(Detection {
        own_id: None,
        device_id: Some(u16::from(general.id)),
        east_m,
        north_m,
        position_cov: Covariance::from_axes(
            pose.yaw_rad(),
            at_least(long_m, DISTANCE_STEP_M),
            at_least(lat_m, DISTANCE_STEP_M),
        ),
        velocity: Some(velocity(general, pose, long_mps, lat_mps)),
        yaw_rad: said
            .extended
            .as_ref()
            .and_then(|extended| yaw(extended, said, pose)),
        size: said.extended.as_ref().and_then(size),
        class: match (&said.extended, config.model) {
            (Some(extended), _) => class(extended),
            (None, Model::Mr76) if general.kind == MR76_VEHICLE => Class::Car,
            (None, _) => Class::Unknown,
        },
        emergency: false,
        existence,
    })
}

const DISTANCE_STEP_M: f64 = 0.2;
const SPEED_STEP_MPS: f64 = 0.25;

/// No error is smaller than that of the step in which it is said (step / sqrt 12).
fn at_least(sigma: f64, step: f64) -> f64 {
    sigma.max(step / 12_f64.sqrt())
}

fn velocity(general: &General, pose: &Pose, long_mps: f64, lat_mps: f64) -> Velocity {
    let (east_mps, north_mps) = pose.turn_to_site(general.vrel_long_mps, general.vrel_lat_mps);
    Velocity {
        east_mps,
        north_mps,
        cov: Covariance::from_axes(
            pose.yaw_rad(),
            at_least(long_mps, SPEED_STEP_MPS),
            at_least(lat_mps, SPEED_STEP_MPS),
        ),
    }
}

fn yaw(extended: &Extended, said: &Said, pose: &Pose) -> Option<f64> {
    let sigma_deg = said.quality?.orientation_rms.sigma_deg()?;
    if extended.class == CLASS_POINT || sigma_deg > MAX_ORIENTATION_SIGMA_DEG {
        return None;
    }
    let yaw_rad = pose.yaw_rad() + extended.orientation_deg.to_radians();
    Some((yaw_rad + PI).rem_euclid(2.0 * PI) - PI)
}

/// An orientation less certain than this could be any.
const MAX_ORIENTATION_SIGMA_DEG: f64 = 45.0;

fn size(extended: &Extended) -> Option<Size> {
    (extended.length_m > 0.0 && extended.width_m > 0.0).then_some(Size {
        length_m: extended.length_m as f32,
        width_m: extended.width_m as f32,
        height_m: None,
    })
}

const CLASS_POINT: u8 = 0;
const MR76_VEHICLE: u8 = 1;

fn class(extended: &Extended) -> Class {
    match extended.class {
        1 => Class::Car,
        2 => Class::Truck,
        3 => Class::Pedestrian,
        4 => Class::Motorcycle,
        5 => Class::Bicycle,
        _ => Class::Unknown,
    }
}
