//! Lists of objects from any edge box, camera or lidar that can write JSON: over UDP, TCP or MQTT.
//!
//! For a box without a protocol of its own that we know. The form is ours:
//! `docs/detected-objects.schema.json` (JSON Schema 2020-12) is its definition, every name ends in its
//! unit, and whatever a box does not know it leaves out. The detected object of CARMA Streets and
//! V2X-Hub, one a message, is read as a case of it. Rooms: [`wire`] (members), the decoder here, its
//! mirror [`Emitter`].
//!
//! | member | unit in the message | unit in the report |
//! |---|---|---|
//! | east_m, north_m | m from the site's origin | the same |
//! | forward_m, left_m | m from the sensor | m east, north, through the mount |
//! | lat_deg, lon_deg | degree, WGS-84 | m east, north |
//! | CARMA: position | m in the frame of projString | m east, north, from that frame's origin |
//! | position_cov_m2 | m², east, mixed, north | the same |
//! | east_mps, north_mps, or speed_mps with heading_deg | m/s, degree | m/s east, north |
//! | heading_deg | clockwise from north | rad counter-clockwise from east |
//! | length_m, width_m, height_m | m | m |
//! | existence; CARMA: confidence | 0 to 1 | the same |
//! | time_ms; CARMA: timestamp | ms of Unix time | how late the message is, never a date |
//!
//! # What boxes do, and what we make of it
//! Source for CARMA: one published example of CARMA Streets, no recording.
//! - Its covariances are no covariances (one column of ones): what is not symmetric and positive is
//!   replaced by what the configuration assumes, and counted.
//! - Its projString may be a placeholder: without `+lat_0` and `+lon_0`, or with a false easting, the
//!   position is taken as metres from the site's origin, and counted. Between a transverse Mercator
//!   frame and ours lie centimetres within a junction.
//! - Messages come in bursts and late: `seen_at` is the arrival less the configured latency, less
//!   what this message is later than the quickest of late by its own stamp. One that is later by more
//!   than 1 s was held up, and is dropped: what was seen then is no picture of now. Of lists without stamps it
//!   is told by their pace: what comes in a rush after a silence was held up, and the first after one may have
//!   been (`backlog`); of single objects without stamps likewise, by the pace of their rounds (`rounds`).
//! - A message that is the same as the one before to the letter, or whose `sequence` is behind the
//!   last by less than 100, is dropped: a box that hangs must not look alive. One that was started anew
//!   before it had counted so far is heard again after three messages, or at once on a new connection.
//! - Boxes written in Python write `NaN` and `Infinity`, which JSON does not have: they are read as not known.
//!
//! Reading allocates, bounded by the message: 4 MiB, 1024 objects.

mod emitter;
mod rounds;
#[cfg(test)]
mod tests;
pub mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use v2x_msg::base::EnuFrame;

pub use super::objects::Assumed;
pub use emitter::Emitter;

use self::rounds::Rounds;
use self::wire::{ClassWord, Message, Object};
use super::backlog::Backlog;
use super::delay::Delay;
use super::json::{Capped, DeviceId, Number, Piece, Splitter, fingerprint, without_nan};
use super::objects::{self, Gather, MOST, Thing, place_of, usable, yaw_of_heading};
use super::{Carrier, Counts, Mount, Pose};
use crate::clock::{Mono, Now};
use crate::report::{Class, Content, Covariance};

/// How a box is listened to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What the link hands over.
    pub carrier: Carrier,
    /// The site's frame, for places in degrees.
    pub frame: EnuFrame,
    /// Where the sensor stands and looks, for places from there.
    pub mount: Mount,
    /// From the scene to the arrival of the quickest messages.
    pub latency: Duration,
    /// What is assumed of an object of which the box does not say how sure it is.
    pub assumed: Assumed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            carrier: Carrier::default(),
            frame: objects::nowhere(),
            mount: Mount::default(),
            latency: Duration::from_millis(50),
            assumed: Assumed::default(),
        }
    }
}

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
const IGNORED: [&str; 3] = ["repeated", "out-of-order", "held-up"];
const TOLERATED: [&str; 6] = [
    "no-number",
    "objects-left-out",
    "covariance-unusable",
    "no-projection",
    "no-stamp",
    "late",
];

/// A sequence that is behind by this or more was started anew.
const RESTARTED: f64 = 100.0;
/// So many messages one after another that count on from behind are a box that was started anew.
const COUNTS_ANEW: u32 = 4;
/// A message may be this late and is still dated back.
const LATEST: Duration = Duration::from_secs(1);
/// Messages are compared with those of some five minutes.
const STRETCH: Duration = Duration::from_secs(10);
/// Later than this is counted.
const LATE: Duration = Duration::from_millis(200);

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
                pose: Pose::from(config.mount),
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                gather: Gather::default(),
                delay: Delay::over(STRETCH),
                backlog: Backlog::default(),
                rounds: Rounds::default(),
                last: None,
                sequence: Sequence::default(),
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
        self.ear.sequence = Sequence::default();
    }

    /// How far the device's clock is behind ours; see [`super::Decoder::clock_behind_s`].
    pub fn clock_behind_s(&self, now: Now) -> Option<f64> {
        self.ear.delay.behind_s(now)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }
}

/// Messages to reports.
#[derive(Debug)]
struct Ear {
    config: Config,
    pose: Pose,
    counts: Counts,
    gather: Gather,
    delay: Delay,
    backlog: Backlog,
    rounds: Rounds,
    last: Option<u64>,
    sequence: Sequence,
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
        match &message.objects {
            Some(objects) => self.scene(arrived, &message, objects, sink),
            None if message.position.is_some() => self.carma(arrived, &message, sink),
            None => self.counts.reject("unknown-message"),
        }
    }

    fn scene(
        &mut self,
        arrived: Now,
        message: &Message,
        objects: &Capped<Object, MOST>,
        sink: &mut dyn FnMut(Content),
    ) {
        if let Some(number) = message.sequence.finite()
            && !self.sequence.goes_on(number)
        {
            return self.counts.ignore("out-of-order");
        }
        let rushes = self.backlog.holds(arrived.mono);
        let seen_at = self.seen_at(arrived, message.time_ms);
        let is_stamped = message.time_ms.whole(STAMPS_MS).is_some();
        let Some(seen_at) = seen_at.filter(|_| is_stamped || !rushes) else {
            return self.counts.ignore("held-up");
        };
        self.gather.begin(seen_at);
        self.counts
            .tolerate_times("objects-left-out", objects.left_out);
        for object in &objects.items {
            let thing = self.object(object);
            self.add(&thing, sink);
        }
        self.counts.accept();
        self.gather.end(&mut self.counts, sink);
    }

    fn carma(&mut self, arrived: Now, said: &Message, sink: &mut dyn FnMut(Content)) {
        let id = said.object_id.map(|DeviceId(id)| id);
        let rushes = self.rounds.holds(arrived.mono, id, &mut self.backlog);
        let seen_at = self.seen_at(arrived, said.timestamp);
        let is_stamped = said.timestamp.whole(STAMPS_MS).is_some();
        let Some(seen_at) = seen_at.filter(|_| is_stamped || !rushes) else {
            return self.counts.ignore("held-up");
        };
        let origin = said.proj_string.as_deref().and_then(wire::origin_of);
        let origin = origin.and_then(|(lat, lon)| place_of(&self.config.frame, lat, lon));
        if origin.is_none() {
            self.counts.tolerate("no-projection");
        }
        let (east_m, north_m) = origin.unwrap_or((0.0, 0.0));
        let pair = |v: wire::Vector| Some((v.x.finite()?, v.y.finite()?));
        let place = said.position.and_then(pair);
        let velocity_mps = said.velocity.and_then(pair);
        let place_cov = wire::level(said.position_covariance.as_ref());
        let velocity_cov = wire::level(said.velocity_covariance.as_ref());
        let size = said.size.unwrap_or_default();
        let thing = Thing {
            id,
            place_m: place.map(|(x, y)| (east_m + x, north_m + y)),
            place_cov: self.believed(place_cov, said.position_covariance.is_some()),
            velocity_mps,
            velocity_cov: self.believed(velocity_cov, said.velocity_covariance.is_some()),
            yaw_rad: velocity_mps
                .filter(|(east, north)| east.hypot(*north) > MOVING_MPS)
                .map(|(east, north)| north.atan2(east)),
            length_m: size.length.finite(),
            width_m: size.width.finite(),
            height_m: size.height.finite(),
            class: said.class.map_or(Class::Unknown, |ClassWord(class)| class),
            emergency: false,
            existence: said.confidence.finite(),
        };
        self.gather.begin(seen_at);
        self.add(&thing, sink);
        self.counts.accept();
        self.gather.end(&mut self.counts, sink);
    }

    fn object(&mut self, said: &Object) -> Thing {
        let pair = |a: Number, b: Number| Some((a.finite()?, b.finite()?));
        let heading = said.heading_deg.finite();
        let from_sensor = pair(said.forward_m, said.left_m);
        let in_degrees = pair(said.lat_deg, said.lon_deg);
        let place_m = pair(said.east_m, said.north_m)
            .or_else(|| from_sensor.map(|(forward, left)| self.pose.to_site(forward, left)))
            .or_else(|| in_degrees.and_then(|(lat, lon)| place_of(&self.config.frame, lat, lon)));
        let along = |(speed, heading_deg): (f64, f64)| {
            let (sin, cos) = yaw_of_heading(heading_deg).sin_cos();
            (speed * cos, speed * sin)
        };
        let velocity_mps = pair(said.east_mps, said.north_mps)
            .or_else(|| pair(said.speed_mps, said.heading_deg).map(along));
        let place_cov = wire::covariance(said.position_cov_m2);
        let velocity_cov = wire::covariance(said.velocity_cov_m2ps2);
        Thing {
            id: said.id.map(|DeviceId(id)| id),
            place_m,
            place_cov: self.believed(place_cov, said.position_cov_m2.is_some()),
            velocity_mps,
            velocity_cov: self.believed(velocity_cov, said.velocity_cov_m2ps2.is_some()),
            yaw_rad: heading.map(yaw_of_heading),
            length_m: said.length_m.finite(),
            width_m: said.width_m.finite(),
            height_m: said.height_m.finite(),
            class: said.class.map_or(Class::Unknown, |ClassWord(class)| class),
            emergency: said.emergency,
            existence: said.existence.finite(),
        }
    }

    fn add(&mut self, thing: &Thing, sink: &mut dyn FnMut(Content)) {
        match thing.detection(&self.config.assumed) {
            Ok(detection) => self.gather.add(detection, &mut self.counts, sink),
            Err(kind) => self.counts.reject(kind),
        }
    }

    /// A covariance that was said and is none is counted.
    fn believed(&mut self, cov: Option<Covariance>, was_said: bool) -> Option<Covariance> {
        let cov = usable(cov);
        if cov.is_none() && was_said {
            self.counts.tolerate("covariance-unusable");
        }
        cov
    }

    /// None for what was held up on its way.
    fn seen_at(&mut self, arrived: Now, stamp: Number) -> Option<Mono> {
        let Some(stamp_ms) = stamp.whole(STAMPS_MS) else {
            self.counts.tolerate("no-stamp");
            return Some(arrived.mono - self.config.latency);
        };
        let ours_ms = arrived.utc.unix_ms();
        self.counts.note_clock(ours_ms.saturating_sub(stamp_ms));
        let delay = &mut self.delay;
        let delay = delay.of_one_of_several(arrived.mono, stamp_ms).late();
        if delay > LATEST {
            return None;
        }
        if delay > LATE {
            self.counts.tolerate("late");
        }
        Some(arrived.mono - self.config.latency - delay)
    }
}

/// The numbers of a box's messages.
#[derive(Clone, Copy, Debug, Default)]
struct Sequence {
    last: Option<f64>,
    /// The newest of those that were behind it, and how many of them came one after another.
    behind: Option<(f64, u32)>,
}

impl Sequence {
    /// Whether this is the next of the box, and neither one again nor one that was overtaken.
    fn goes_on(&mut self, number: f64) -> bool {
        let behind = self.last.map_or(-1.0, |last| last - number);
        if (0.0..RESTARTED).contains(&behind) {
            let run = match self.behind {
                Some((before, run)) if number > before => run + 1,
                // The same again.
                Some((before, run)) if number >= before => run,
                _ => 1,
            };
            self.behind = Some((number, run));
            if run < COUNTS_ANEW {
                return false;
            }
        }
        *self = Self {
            last: Some(number),
            behind: None,
        };
        true
    }
}

/// A slower object's motion says nothing of where it points.
const MOVING_MPS: f64 = 1.0;
/// The years 1973 to 2255. Below are seconds, or the time of a simulation, which keeps no pace with ours.
const STAMPS_MS: RangeInclusive<i64> = 100_000_000_000..=9_000_000_000_000;
