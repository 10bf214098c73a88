//! Edge boxes and radars of the OpenV2X kind: road users as JSON, over MQTT, UDP, TCP or from a file.
//!
//! After the public sources of open-v2x (dandelion, cerebrum, roadmocker) and Huawei's DRIS, whose
//! RSM has the same members. Rooms: [`wire`] (members), the decoder here, its mirror [`Emitter`]. A
//! message is told by its members, not by its topic, so a file of messages reads the same.
//!
//! | member | unit in the message | unit in the report |
//! |---|---|---|
//! | TRACK, DAWNLINE: latitude, longitude | degree | m east, north of the site's origin |
//! | RSM: lat, lon | 1e-7 degree | the same |
//! | headingAngle, heading | degree clockwise from north; RSM 0.0125 | rad counter-clockwise from east |
//! | speed | m/s; RSM 0.02 | m/s east, north, along the heading |
//! | size | m; RSM 0.01, height 0.05 | m |
//! | confidenceLevel | 0 to 100 | existence 0..=1 |
//! | ptcType, targetType | code or word | [`Class`] |
//!
//! # What devices do, and what we make of it
//! Recording: a radar box N22W75HMBLD in Xiong'an, 2022-09-29, 500 messages of 11,165 targets (made
//! public by roadmocker; it may have been edited). The RSM forms are examples, not recordings.
//! - `timeStamp` is text, whole seconds, out of order, and twice the same for the two directions that
//!   the box watches; between messages that are a second apart by it, cars move for a quarter of
//!   one. So nothing is dated or ordered by it: `seen_at` is the arrival less the latency.
//! - A file begins with a byte order mark and is one list of messages.
//! - `rcs` is the bits of a float, read as a whole number; it is not used.
//! - `speed` is below zero where a target comes nearer, while the heading is the way it goes: the two
//!   targets that move for long prove it. So speed counts by its size.
//! - 98 % of the targets have confidence 0 and stand still: parked cars or ghosts. They are counted
//!   and left out, unless [`Config::report_unconfirmed`]; one that moves with confidence 0 is told
//!   with an existence of 0.3.
//! - Sizes of 0 are not known. The only targetType is 3, with the size of a car.
//! - `motor` says nothing finer: up to 6 m it is a car, above a truck.
//! - CROSS, EVENT, FLOW and STATUS are read and counted; no report carries them.
//! - A message that is the same as the one before to the letter is dropped: a box that hangs must
//!   not look alive.
//! - Where stamps have milliseconds, a message that is later by its own than the quickest of late by more than a
//!   second was held up on its way, and is dropped: what was seen then is no picture of now. Of a box whose
//!   stamps stand still or are whole seconds, or that has none, it is told by its pace: what comes in a rush after
//!   a silence was held up, and the first message after a silence may have been (`backlog`).
//! - Whether a box means WGS-84 or GCJ-02 is not told; the latter shows as all tracks some hundred
//!   metres off.
//! - `NaN` and `Infinity`, which JSON does not have and Python writes, are read as not known.
//!
//! Reading allocates, bounded by the message: 4 MiB, 1024 objects.

mod emitter;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
pub mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use v2x_msg::base::EnuFrame;

pub use super::objects::Assumed;
pub use emitter::Emitter;

use self::wire::{Inner, Kind, Message, Participant, Rsm, StandardParticipant, Target};
use super::backlog::Backlog;
use super::delay::Delay;
use super::json::{Capped, Number, Piece, Splitter, fingerprint, without_nan};
use super::objects::{self, Gather, MOST, Thing, place_of, yaw_of_heading};
use super::{Carrier, Counts};
use crate::clock::{Mono, Now};
use crate::report::{Class, Content};

/// How a box is listened to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What the link hands over.
    pub carrier: Carrier,
    /// The site's frame, for places in degrees.
    pub frame: EnuFrame,
    /// From the scene to the arrival of the message.
    pub latency: Duration,
    /// What is assumed of an object of which the box does not say how sure it is.
    pub assumed: Assumed,
    /// Tell of targets too that stand still and that the box itself does not believe in.
    pub report_unconfirmed: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            carrier: Carrier::default(),
            frame: objects::nowhere(),
            latency: Duration::from_millis(100),
            assumed: Assumed::default(),
            report_unconfirmed: false,
        }
    }
}

/// What is outside is no moment of ours, in ms of Unix time: the years 1973 to 2255. Below are boxes that stamp in
/// seconds.
const STAMPS_MS: RangeInclusive<i64> = 100_000_000_000..=9_000_000_000_000;
const REJECTED: [&str; 9] = {
    let [noise, too_long, too_deep, cut] = Piece::KINDS;
    let [a, b, c] = objects::REFUSED;
    [
        noise,
        too_long,
        too_deep,
        cut,
        "json",
        "unknown-message",
        a,
        b,
        c,
    ]
};
const IGNORED: [&str; 7] = [
    "repeated",
    "held-up",
    "cross",
    "event",
    "flow",
    "status",
    "unit-itself",
];
const TOLERATED: [&str; 7] = [
    "no-number",
    "objects-left-out",
    "number-differs",
    "unconfirmed",
    "unconfirmed-moving",
    "time-went-back",
    "speed-unknown",
];

/// A message that is later than the quickest of late by more was held up.
const LATEST: Duration = Duration::from_secs(1);
/// Messages are compared with those of some five minutes.
const STRETCH: Duration = Duration::from_secs(10);
/// What moves slower than this stands.
const STILL_MPS: f64 = 0.3;
/// What is left to a target that the box does not believe in and that moves.
const DOUBTFUL: f64 = 0.3;
/// What is longer is no car.
const LONGEST_CAR_M: f64 = 6.0;

/// Messages of one box to reports.
#[derive(Debug)]
pub struct Decoder {
    splitter: Splitter,
    ear: Ear,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            splitter: Splitter::new(config.carrier),
            ear: Ear {
                config,
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                gather: Gather::default(),
                last: None,
                last_stamp: None,
                delay: Delay::over(STRETCH),
                backlog: Backlog::default(),
                tells_ms: false,
                targets: 0,
            },
        }
    }

    /// Takes a message or the next bytes of a stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self { splitter, ear } = self;
        splitter.push(arrived.mono, bytes, |piece| ear.hear(arrived, &piece, sink));
    }

    /// Forgets a half-received message; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.splitter.reset();
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }

    /// Targets and participants that were read, reported or not.
    pub fn objects_read(&self) -> u64 {
        self.ear.targets
    }
}

/// Messages to reports.
#[derive(Debug)]
struct Ear {
    config: Config,
    counts: Counts,
    gather: Gather,
    last: Option<u64>,
    last_stamp: Option<f64>,
    delay: Delay,
    backlog: Backlog,
    /// A stamp was on no whole second.
    tells_ms: bool,
    targets: u64,
}

impl Ear {
    fn hear(&mut self, arrived: Now, piece: &Piece<'_>, sink: &mut dyn FnMut(Content)) {
        let bytes = match piece {
            Piece::Object(bytes) => bytes,
            other => return self.counts.reject(other.kind().unwrap_or("json")),
        };
        let Ok(message) = wire::parse(bytes).or_else(|error| {
            let mended = without_nan(bytes).ok_or(error)?;
            self.counts.tolerate("no-number");
            wire::parse(&mended)
        }) else {
            return self.counts.reject("json");
        };
        let fresh = Some(fingerprint(bytes));
        if std::mem::replace(&mut self.last, fresh) == fresh {
            return self.counts.ignore("repeated");
        }
        let late = self.note_stamp(arrived, &message);
        let rushes = message.lists_objects() && self.backlog.holds(arrived.mono);
        if late > LATEST || rushes && !self.tells_ms {
            return self.counts.ignore("held-up");
        }
        let seen_at = arrived.mono - self.config.latency;
        match &message {
            Message {
                targets: Some(targets),
                ..
            } => {
                let counted = message.number.finite();
                let there = targets.items.len() as f64 + targets.left_out as f64;
                if counted.is_some_and(|counted| (counted - there).abs() > 0.5) {
                    self.counts.tolerate("number-differs");
                }
                self.scene(seen_at, [targets], Self::target, sink);
            }
            Message {
                content: Some(Inner::Participants(list)),
                ..
            } => self.scene(seen_at, [list], Self::participant, sink),
            Message {
                rsms: Some(rsms), ..
            }
            | Message {
                content: Some(Inner::Rsms(rsms)),
                ..
            } => self.rsms(seen_at, rsms, sink),
            _ => self.other(&message),
        }
    }

    /// How long the message was held up, as far as its stamps say.
    fn note_stamp(&mut self, arrived: Now, message: &Message) -> Duration {
        let Some(stamp) = message.stamp().finite() else {
            return Duration::ZERO;
        };
        let last = self.last_stamp.replace(stamp);
        if last.is_some_and(|last| stamp < last) {
            self.counts.tolerate("time-went-back");
        }
        let Some(stamp_ms) = Number(Some(stamp)).whole(STAMPS_MS) else {
            return Duration::ZERO;
        };
        // Where only whole seconds are told nothing can be said of the clock.
        let is_fine = stamp_ms % 1000 != 0;
        if is_fine {
            let ours_ms = arrived.utc.unix_ms();
            self.counts.note_clock(ours_ms.saturating_sub(stamp_ms));
        }
        self.tells_ms |= is_fine;
        if !self.tells_ms || last == Some(stamp) {
            return Duration::ZERO;
        }
        self.delay.of_one_of_several(arrived.mono, stamp_ms).late()
    }

    fn rsms(
        &mut self,
        seen_at: Mono,
        rsms: &Capped<Rsm, { wire::MOST_RSMS }>,
        sink: &mut dyn FnMut(Content),
    ) {
        self.counts
            .tolerate_times("objects-left-out", rsms.left_out);
        let lists = rsms.items.iter().map(|rsm| &rsm.participants);
        self.scene(seen_at, lists, Self::standard, sink);
    }

    /// What no report carries.
    fn other(&mut self, message: &Message) {
        let kind = match message {
            Message {
                passings: Some(_), ..
            } => "cross",
            Message {
                event_type: Number(Some(_)),
                ..
            } => "event",
            Message {
                traffic_flows: Some(_),
                ..
            } => "flow",
            Message {
                traffic_status_informations: Some(_),
                ..
            } => "status",
            _ => return self.counts.reject("unknown-message"),
        };
        self.counts.ignore(kind);
    }

    /// All objects of one moment; `read` gives None for what is counted and left out.
    fn scene<'a, T: 'a>(
        &mut self,
        seen_at: Mono,
        lists: impl IntoIterator<Item = &'a Capped<T, MOST>>,
        read: impl Fn(&mut Self, &T) -> Option<Thing>,
        sink: &mut dyn FnMut(Content),
    ) {
        self.gather.begin(seen_at);
        let mut room = MOST;
        for list in lists {
            let taken = list.items.len().min(room);
            room -= taken;
            let left_out = list.left_out + (list.items.len() - taken) as u64;
            self.counts.tolerate_times("objects-left-out", left_out);
            for object in &list.items[..taken] {
                self.targets += 1;
                let Some(thing) = read(self, object) else {
                    continue;
                };
                match thing.detection(&self.config.assumed) {
                    Ok(detection) => self.gather.add(detection, &mut self.counts, sink),
                    Err(kind) => self.counts.reject(kind),
                }
            }
        }
        self.counts.accept();
        self.gather.end(&mut self.counts, sink);
    }

    fn target(&mut self, target: &Target) -> Option<Thing> {
        let speed = target.speed.finite().map(f64::abs);
        let confidence = target.confidence_level.finite();
        let mut existence = confidence.map(|percent| percent / 100.0);
        if confidence.is_some_and(|percent| percent <= 0.0) {
            if speed.is_some_and(|mps| mps > STILL_MPS) {
                self.counts.tolerate("unconfirmed-moving");
                existence = Some(DOUBTFUL);
            } else {
                self.counts.tolerate("unconfirmed");
                if !self.config.report_unconfirmed {
                    return None;
                }
                existence = Some(0.0);
            }
        }
        let length_m = target.target_length.finite();
        let class = match target.target_type.whole(0..=255) {
            Some(TYPE_CAR) => motor(length_m),
            _ => Class::Unknown,
        };
        Some(Thing {
            id: target.target_id.map(|id| id.0),
            place_m: self.place(target.latitude, target.longitude, 1.0),
            velocity_mps: self.velocity(speed, target.heading_angle.finite()),
            yaw_rad: target.heading_angle.finite().map(yaw_of_heading),
            length_m,
            width_m: target.target_width.finite(),
            height_m: target.target_height.finite(),
            class,
            existence,
            ..Thing::default()
        })
    }

    fn participant(&mut self, said: &Participant) -> Option<Thing> {
        let length_m = said.length.finite();
        let heading_deg = said.heading.finite();
        Some(Thing {
            id: said.id.map(|id| id.0),
            place_m: self.place(said.pos_lat, said.pos_lon, 1.0),
            velocity_mps: self.velocity(said.speed.finite().map(f64::abs), heading_deg),
            yaw_rad: heading_deg.map(yaw_of_heading),
            length_m,
            width_m: said.width.finite(),
            height_m: said.height.finite(),
            class: self.class(said.kind, length_m)?,
            ..Thing::default()
        })
    }

    fn standard(&mut self, said: &StandardParticipant) -> Option<Thing> {
        const SPEED_UNKNOWN: i64 = 8191;
        const HEADING_UNKNOWN: i64 = 28_800;
        let steps = |number: Number, most: i64| number.whole(0..=most).map(|n| n as f64);
        let speed = steps(said.speed, SPEED_UNKNOWN - 1).map(|steps| steps * 0.02);
        let heading_deg = steps(said.heading, HEADING_UNKNOWN - 1).map(|steps| steps * 0.0125);
        let length_m = steps(said.size.length, 4095).map(|steps| steps * 0.01);
        Some(Thing {
            id: said.ptc_id.map(|id| id.0),
            place_m: self.place(said.pos.lat, said.pos.lon, 1e-7),
            velocity_mps: self.velocity(speed, heading_deg),
            yaw_rad: heading_deg.map(yaw_of_heading),
            length_m,
            width_m: steps(said.size.width, 1023).map(|steps| steps * 0.01),
            height_m: steps(said.size.height, 127).map(|steps| steps * 0.05),
            class: self.class(said.ptc_type, length_m)?,
            ..Thing::default()
        })
    }

    fn place(&self, lat: Number, lon: Number, degrees: f64) -> Option<(f64, f64)> {
        let (lat, lon) = (lat.finite()?, lon.finite()?);
        place_of(&self.config.frame, lat * degrees, lon * degrees)
    }

    fn velocity(&mut self, speed: Option<f64>, heading_deg: Option<f64>) -> Option<(f64, f64)> {
        match (speed, heading_deg) {
            (Some(mps), Some(heading_deg)) => {
                let (sin, cos) = yaw_of_heading(heading_deg).sin_cos();
                Some((mps * cos, mps * sin))
            }
            // What stands, stands, wherever it looks.
            (Some(mps), None) if mps <= STILL_MPS => Some((0.0, 0.0)),
            _ => {
                self.counts.tolerate("speed-unknown");
                None
            }
        }
    }

    /// None for the unit itself, which is counted.
    fn class(&mut self, kind: Option<Kind>, length_m: Option<f64>) -> Option<Class> {
        match kind.unwrap_or(Kind::Unknown) {
            Kind::Unknown => Some(Class::Unknown),
            Kind::Motor => Some(motor(length_m)),
            Kind::NonMotor => Some(Class::Bicycle),
            Kind::Pedestrian => Some(Class::Pedestrian),
            Kind::Rsu => {
                self.counts.ignore("unit-itself");
                None
            }
        }
    }
}

/// targetType of the recording, always with a car's size.
const TYPE_CAR: i64 = 3;

fn motor(length_m: Option<f64>) -> Class {
    match length_m {
        Some(m) if m > LONGEST_CAR_M => Class::Truck,
        _ => Class::Car,
    }
}
