//! What road users say of themselves by radio: BSM, PSM and VIR (T/CSAE 53-2020, T/CSAE 157-2020), as the
//! radio hands over what it heard, a frame a datagram.
//!
//! Rooms: the decoder here, its mirror [`Emitter`]. The messages themselves are `v2x-msg`'s.
//!
//! | member | unit in the message | unit in the report |
//! |---|---|---|
//! | id | 8 octets | the same: it stays with the road user into RSM |
//! | secMark | ms of the UTC minute | age, by our UTC; `seen_at` is the arrival less it |
//! | pos | 1e-7 degree | m east, north |
//! | posAccuracy, else posConfidence | 0.05 m one sigma, 95 % class | m², else as configured |
//! | speed, heading, transmission | 0.02 m/s, 0.0125 degree | m/s east, north; backwards in reverse |
//! | size, vehicleClass | cm, 5 cm | m, class |
//! | VIR reqs: laneChange, sensorSharing | 10 ms, 1e-7 degree, 0.1 m | a request each: s, m; the others are counted |
//!
//! # What senders do, and what we make of it
//! No recording of the field is public; frames of other encoders are the vectors of `v2x-msg`.
//! - Each speaks at its own moment. What comes within [`Config::gather`] is one report, of the moment
//!   of its newest message: the others are moved along their velocity, and are the less sure for it.
//!   So hundreds of vehicles are some tens of reports a second, and a word waits that long at most.
//! - A word is older than [`Config::max_age`]: not used. A stamp ahead of our clock by a little is now, by
//!   more is refused. Of one sender only newer words count: a frame that is repeated says nothing.
//! - A message that was heard before, to the bit, a minute to twelve ago, was recorded and is said again: refused
//!   (`replays`), unless its sender does not count its messages, for then it may well say the same while it stands.
//! - VIR goes beside BSM, often of the same moment and in a place on the air of its own, so either may come
//!   first: each is in order by itself. Of who speaks BSM or PSM, VIR says wishes only.
//! - Encodings that the standard does not quite allow are taken and counted.
//!
//! Nothing here checks signatures: who must not believe strangers puts what does between the radio
//! and this input. Strangers can say no more than 128 places a report, and fusion follows the sayings of
//! this input in half of its room only.

mod asked;
mod emitter;
mod replays;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wishes;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{
    DSecond, EnuFrame, GeoPosition, Heading, HeadingConfidence, MsgCount, PositionConfidence,
    Speed, SpeedConfidence, StationId,
};
use v2x_msg::kinds::bsm::{ErrorEllipse, Size, Transmission, VehicleClass};
use v2x_msg::kinds::psm::User;
use v2x_msg::kinds::vir::MAX_REQUESTS;
use v2x_msg::kinds::{Bsm, Psm, Vir};
use v2x_msg::{Message, MessageKind};

pub use emitter::Emitter;

use self::replays::Replays;
use super::objects;
use super::{Counts, hand_over};
use crate::clock::{Mono, Now};
use crate::report::{
    self, Class, Content, Covariance, Detection, MAX_OBJECTS, Objects, Request, Velocity,
};

/// How the radio is listened to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What stands around a message.
    pub framing: Framing,
    /// The site's frame.
    pub frame: EnuFrame,
    /// Who is farther from the site's origin is not heard.
    pub range_m: f64,
    /// How old a word without a stamp is when it arrives.
    pub latency: Duration,
    /// Words older than this are not used.
    pub max_age: Duration,
    /// How long words are gathered to one report; zero: each is its own.
    pub gather: Duration,
    /// Standard deviation of a place of which its owner does not say how sure it is.
    pub position_sigma_m: f64,
}

impl Default for Config {
    /// 1.5 m: satellite navigation without corrections, under an open sky.
    fn default() -> Self {
        Self {
            framing: Framing::Dsmp,
            frame: objects::nowhere(),
            range_m: 500.0,
            latency: Duration::from_millis(50),
            max_age: Duration::from_secs(1),
            gather: Duration::from_millis(20),
            position_sigma_m: 1.5,
        }
    }
}

/// What stands around a message in a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Adaptation layer and DSMP, as on the air.
    #[default]
    Dsmp,
    /// Nothing: the octets of the message.
    Bare,
}

const REJECTED: [&str; 6] = [
    "dsmp",
    "message",
    "place",
    "stamp-ahead",
    "too-fast",
    "replayed",
];
const IGNORED: [&str; 6] = [
    "other-message",
    "far",
    "too-old",
    "repeated",
    "out-of-order",
    // Of a message that was understood: a wish that no roadside unit of ours serves.
    "wish",
];
const TOLERATED: [&str; 3] = ["encoding", "no-stamp", "clock-ahead"];

/// Stamps ahead of our clock by less are now: both clocks have errors.
const AHEAD: Duration = Duration::from_millis(150);
/// Senders that are told apart; beyond, the one that has been silent longest is forgotten.
const SENDERS: usize = 256;
/// No sender is surer of its place, or of its speed, than this: antennas are not where bodies end.
const LEAST_SIGMA_M: f64 = 0.2;
const LEAST_SIGMA_MPS: f64 = 0.1;
/// Of a speed and a heading of which nothing is said.
const SPEED_SIGMA_MPS: f64 = 0.5;
const HEADING_SIGMA_RAD: f64 = 0.05;
/// How a road user may have changed its speed since it spoke: what moving its word costs.
const AGILITY_MPS2: f64 = 2.0;
const FASTEST_MPS: f64 = 100.0;
/// Standard deviations in the limits of the standard's confidences: 95 % on a line and in a circle.
const LINE_95: f64 = 1.96;
const CIRCLE_95: f64 = 2.448;

/// Frames off the radio to reports.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    counts: Counts,
    message: Box<Message>,
    senders: Box<ArrayVec<Sender, SENDERS>>,
    replays: Replays,
    words: Box<ArrayVec<Word, MAX_OBJECTS>>,
    /// What the sender of the frame in hand asks for.
    wishes: Box<ArrayVec<Request, MAX_REQUESTS>>,
    /// When what has been gathered is told.
    due: Mono,
    objects: Box<Objects>,
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    id: StationId,
    /// The moment of its newest BSM or PSM.
    spoke_at: Option<Mono>,
    /// That of its newest VIR, which is another stream: it may overtake the other, and be overtaken.
    asked_at: Option<Mono>,
    spoke: Stream,
    asked: Stream,
}

/// How a sender counts the messages of one of its streams.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    last: Option<MsgCount>,
    /// The last two had the same number.
    stands: bool,
}

/// What one road user has said, and of when it is.
#[derive(Clone, Copy, Debug)]
struct Word {
    at: Mono,
    seen: Detection,
}

/// What the three kinds have in common.
#[derive(Clone, Copy, Debug)]
struct Said {
    id: StationId,
    count: MsgCount,
    sec_mark: Option<DSecond>,
    pos: GeoPosition,
    ellipse: Option<ErrorEllipse>,
    pos_confidence: Option<PositionConfidence>,
    backwards: bool,
    speed: Option<Speed>,
    heading: Option<Heading>,
    speed_confidence: Option<SpeedConfidence>,
    heading_confidence: Option<HeadingConfidence>,
    size: Option<report::Size>,
    class: Class,
    emergency: bool,
}

impl Decoder {
    /// Ready for the first frame.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
            message: Box::default(),
            senders: Box::default(),
            replays: Replays::new(),
            words: Box::default(),
            wishes: Box::default(),
            due: Mono::NEVER,
            objects: Box::default(),
        }
    }

    /// Takes a frame; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        match self.hear(arrived, bytes) {
            Ok(word) => {
                self.counts.accept();
                if let Some(word) = word {
                    self.gather(word, sink);
                    if self.due == Mono::NEVER {
                        self.due = arrived.mono + self.config.gather;
                    }
                }
                for wish in self.wishes.drain(..) {
                    self.counts.report();
                    sink(Content::Request(wish));
                }
            }
            Err(Unheard::Rejected(kind)) => self.counts.reject(kind),
            Err(Unheard::Ignored(kind)) => self.counts.ignore(kind),
        }
        self.flush(arrived, sink);
    }

    /// Tells what has been gathered, if its time has come; see [`super::Decoder::flush`].
    pub fn flush(&mut self, now: Now, sink: &mut dyn FnMut(Content)) {
        if now.mono >= self.due {
            self.tell(sink);
        }
    }

    /// When [`Self::flush`] has something to tell.
    pub fn flush_due(&self) -> Mono {
        self.due
    }

    /// Forgets what was gathered; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.words.clear();
        self.due = Mono::NEVER;
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What the sender says of itself; None where it has said that better.
    fn hear(&mut self, arrived: Now, bytes: &[u8]) -> Result<Option<Word>, Unheard> {
        self.wishes.clear();
        let octets = match self.config.framing {
            Framing::Bare => bytes,
            Framing::Dsmp => {
                let frame = dsmp::parse(bytes).map_err(|_| Unheard::Rejected("dsmp"))?;
                // Messages of Day II have no numbers of their own yet, so strange ones are looked at.
                if frame.aid().is_ok_and(|aid| !is_road_users(aid)) {
                    return Err(Unheard::Ignored("other-message"));
                }
                frame.data
            }
        };
        if self.message.decode_into(octets).is_err() {
            let lenient = self.message.decode_lenient_into(octets);
            lenient.map_err(|_| Unheard::Rejected("message"))?;
            self.counts.tolerate("encoding");
        }
        let kind = self.message.kind();
        let said = match kind {
            MessageKind::Bsm => Bsm::read(&self.message).map(Said::from),
            MessageKind::Psm => Psm::read(&self.message).map(Said::from),
            MessageKind::Vir => Vir::read(&self.message).map(|vir| {
                self.note_wishes(&vir);
                Said::from(&vir)
            }),
            _ => return Err(Unheard::Ignored("other-message")),
        };
        let said = said.map_err(|_| Unheard::Rejected("place"))?;
        let at = self.moment(arrived, said.sec_mark)?;
        let seen = self.detection(&said)?;
        let is_again = said.sec_mark.is_some() && self.replays.note(arrived.mono, octets);
        let is_news = match kind {
            MessageKind::Vir => self.note_asker((said.id, said.count), at, is_again)?,
            _ => {
                self.note_speaker((said.id, said.count), at, is_again)?;
                true
            }
        };
        Ok(is_news.then_some(Word { at, seen }))
    }

    /// When it was as said, by our clocks.
    fn moment(&mut self, arrived: Now, stamp: Option<DSecond>) -> Result<Mono, Unheard> {
        let Some(stamp) = stamp else {
            self.counts.tolerate("no-stamp");
            return Ok(arrived.mono - self.config.latency);
        };
        let said = stamp.near(arrived.utc);
        // Of whoever spoke last: each has a clock of its own.
        self.counts
            .note_clock(arrived.utc.unix_ms() - said.unix_ms());
        if said > arrived.utc {
            if said.since(arrived.utc) > AHEAD {
                return Err(Unheard::Rejected("stamp-ahead"));
            }
            self.counts.tolerate("clock-ahead");
            return Ok(arrived.mono);
        }
        let age = arrived.utc.since(said);
        if age > self.config.max_age {
            return Err(Unheard::Ignored("too-old"));
        }
        Ok(arrived.mono - age)
    }

    fn detection(&self, said: &Said) -> Result<Detection, Unheard> {
        let place = self.config.frame.enu(said.pos);
        let (east_m, north_m) = (place.east_m, place.north_m);
        if east_m.hypot(north_m) > self.config.range_m {
            return Err(Unheard::Ignored("far"));
        }
        if said.speed.is_some_and(|speed| speed.mps() > FASTEST_MPS) {
            return Err(Unheard::Rejected("too-fast"));
        }
        let yaw_rad = said
            .heading
            .map(|heading| objects::turn(objects::yaw_of_heading(heading.deg())));
        Ok(Detection {
            device_id: None,
            own_id: Some(said.id),
            east_m,
            north_m,
            position_cov: self.position_cov(said),
            velocity: said.velocity(),
            yaw_rad,
            size: said.size,
            class: said.class,
            emergency: said.emergency,
            existence: 1.0,
        })
    }

    fn position_cov(&self, said: &Said) -> Covariance {
        let least = |metres: f64| metres.max(LEAST_SIGMA_M);
        if let Some(ellipse) = said.ellipse {
            let yaw_rad = objects::yaw_of_heading(ellipse.orientation_deg());
            return Covariance::from_axes(
                yaw_rad,
                least(ellipse.major_m()),
                least(ellipse.minor_m()),
            );
        }
        let within = said.pos_confidence.map(|class| class.limit_m() / CIRCLE_95);
        let sigma_m = least(within.unwrap_or(self.config.position_sigma_m));
        Covariance::from_axes(0.0, sigma_m, sigma_m)
    }

    /// Of one sender only what is newer than all before.
    fn note_speaker(
        &mut self,
        (id, count): (StationId, MsgCount),
        at: Mono,
        is_again: bool,
    ) -> Result<(), Unheard> {
        let sender = self.sender(id);
        in_order(sender.spoke_at, at)?;
        sender.spoke.take(count, is_again)?;
        sender.spoke_at = Some(at);
        Ok(())
    }

    /// The same for VIR by itself, since a vehicle may say both at one moment. Whether its place counts:
    /// only where the sender has not told it by BSM or PSM of late, which know more and measure the same.
    fn note_asker(
        &mut self,
        (id, count): (StationId, MsgCount),
        at: Mono,
        is_again: bool,
    ) -> Result<bool, Unheard> {
        let max_age = self.config.max_age;
        let sender = self.sender(id);
        in_order(sender.asked_at, at)?;
        sender.asked.take(count, is_again)?;
        sender.asked_at = Some(at);
        Ok(sender
            .spoke_at
            .is_none_or(|spoke_at| at > spoke_at + max_age))
    }

    /// What is known of a sender; whoever has been silent longest makes room for a new one.
    fn sender(&mut self, id: StationId) -> &mut Sender {
        let known = self.senders.iter().position(|sender| sender.id == id);
        let place = known.unwrap_or_else(|| {
            let new = Sender {
                id,
                spoke_at: None,
                asked_at: None,
                spoke: Stream::default(),
                asked: Stream::default(),
            };
            if self.senders.try_push(new).is_ok() {
                return self.senders.len() - 1;
            }
            let silent = self.senders.iter().enumerate();
            let silent = silent.min_by_key(|(_, known)| known.spoke_at.max(known.asked_at));
            let place = silent.map_or(0, |(place, _)| place);
            self.senders[place] = new;
            place
        });
        &mut self.senders[place]
    }

    fn gather(&mut self, word: Word, sink: &mut dyn FnMut(Content)) {
        let same = |other: &&mut Word| other.seen.own_id == word.seen.own_id;
        if let Some(older) = self.words.iter_mut().find(same) {
            *older = word;
            return;
        }
        if self.words.is_full() {
            self.tell(sink);
        }
        self.words.push(word);
    }

    fn tell(&mut self, sink: &mut dyn FnMut(Content)) {
        self.due = Mono::NEVER;
        let Some(newest) = self.words.iter().map(|word| word.at).max() else {
            return;
        };
        self.objects.seen_at = newest;
        self.objects.detections.clear();
        let moved = self.words.iter().map(|word| word.moved_to(newest));
        self.objects.detections.extend(moved);
        self.words.clear();
        self.counts.report();
        hand_over(&self.objects, sink);
    }
}

impl Stream {
    /// Takes the number of a message; one that was heard before to the bit only of who always says the same number.
    fn take(&mut self, count: MsgCount, is_again: bool) -> Result<(), Unheard> {
        if is_again && !self.stands {
            return Err(Unheard::Rejected("replayed"));
        }
        self.stands = self.last.replace(count) == Some(count);
        Ok(())
    }
}

/// Whether a moment is later than the one before of the same stream.
fn in_order(before: Option<Mono>, at: Mono) -> Result<(), Unheard> {
    // The moment is worked out anew from each arrival, to the jitter between our two clocks.
    const JITTER: Duration = Duration::from_micros(500);
    match before {
        Some(before) if at <= before + JITTER => {
            let same = before.since(at) < JITTER;
            Err(Unheard::Ignored(if same {
                "repeated"
            } else {
                "out-of-order"
            }))
        }
        _ => Ok(()),
    }
}

/// Why a frame says nothing of a road user.
enum Unheard {
    Rejected(&'static str),
    Ignored(&'static str),
}

/// Whether an application is one by which road users speak of themselves.
fn is_road_users(aid: Aid) -> bool {
    matches!(
        aid,
        Aid::BsmOrdinary
            | Aid::BsmOrdinaryEvent
            | Aid::BsmEmergency
            | Aid::BsmEmergencyEvent
            | Aid::BsmAftermarket
    )
}

impl Word {
    /// Where it is at a later moment if it went on as it was.
    fn moved_to(&self, later: Mono) -> Detection {
        let dt_s = later.seconds_after(self.at);
        let mut seen = self.seen;
        let mut more_m2 = (0.5 * AGILITY_MPS2 * dt_s * dt_s).powi(2);
        match seen.velocity {
            Some(velocity) => {
                seen.east_m += velocity.east_mps * dt_s;
                seen.north_m += velocity.north_mps * dt_s;
                seen.position_cov.ee += velocity.cov.ee * dt_s * dt_s;
                seen.position_cov.en += velocity.cov.en * dt_s * dt_s;
                seen.position_cov.nn += velocity.cov.nn * dt_s * dt_s;
            }
            None => more_m2 += (UNKNOWN_MPS * dt_s).powi(2),
        }
        seen.position_cov.ee += more_m2;
        seen.position_cov.nn += more_m2;
        seen
    }
}

/// How fast somebody may be who does not say.
const UNKNOWN_MPS: f64 = 10.0;

impl Said {
    fn velocity(&self) -> Option<Velocity> {
        let (speed, heading) = (self.speed?.mps(), self.heading?);
        let yaw_rad = objects::yaw_of_heading(heading.deg());
        let (sin, cos) = yaw_rad.sin_cos();
        let along = if self.backwards { -speed } else { speed };
        let speed_sigma = self
            .speed_confidence
            .map_or(SPEED_SIGMA_MPS, |class| class.limit_mps() / LINE_95);
        let heading_sigma = self.heading_confidence.map_or(HEADING_SIGMA_RAD, |class| {
            class.limit_deg().to_radians() / LINE_95
        });
        let across = (speed * heading_sigma).max(LEAST_SIGMA_MPS);
        Some(Velocity {
            east_mps: along * cos,
            north_mps: along * sin,
            cov: Covariance::from_axes(yaw_rad, speed_sigma.max(LEAST_SIGMA_MPS), across),
        })
    }
}

impl From<Bsm> for Said {
    fn from(bsm: Bsm) -> Self {
        Self {
            id: bsm.id,
            count: bsm.msg_cnt,
            sec_mark: bsm.sec_mark,
            pos: bsm.pos,
            ellipse: bsm.ellipse,
            pos_confidence: bsm.pos_confidence,
            backwards: bsm.transmission == Some(Transmission::Reverse),
            speed: bsm.speed,
            heading: bsm.heading,
            speed_confidence: bsm.speed_confidence,
            heading_confidence: bsm.heading_confidence,
            size: size(bsm.size),
            class: class(bsm.class),
            emergency: bsm.emergency,
        }
    }
}

impl From<Psm> for Said {
    fn from(psm: Psm) -> Self {
        Self {
            id: psm.id,
            count: psm.msg_cnt,
            sec_mark: psm.sec_mark,
            pos: psm.pos,
            ellipse: psm.ellipse,
            pos_confidence: None,
            backwards: false,
            speed: psm.speed,
            heading: psm.heading,
            speed_confidence: None,
            heading_confidence: None,
            size: None,
            class: match psm.user {
                User::Pedestrian | User::RoadWorker => Class::Pedestrian,
                User::Cyclist => Class::Bicycle,
                User::Animal => Class::Animal,
                User::Unknown => Class::Unknown,
            },
            emergency: false,
        }
    }
}

impl From<&Vir> for Said {
    fn from(vir: &Vir) -> Self {
        Self {
            id: vir.id,
            count: vir.msg_cnt,
            sec_mark: vir.sec_mark,
            pos: vir.pos,
            ellipse: None,
            pos_confidence: vir.pos_confidence,
            backwards: false,
            speed: vir.speed,
            heading: vir.heading,
            speed_confidence: vir.speed_confidence,
            heading_confidence: vir.heading_confidence,
            size: None,
            class: Class::Unknown,
            emergency: false,
        }
    }
}

fn size(size: Size) -> Option<report::Size> {
    Some(report::Size {
        length_m: size.length?.m() as f32,
        width_m: size.width?.m() as f32,
        height_m: size.height.map(|height| height.m() as f32),
    })
}

/// The ranges of BasicVehicleClass.
fn class(class: VehicleClass) -> Class {
    match class.class {
        10..=24 | 60..=62 | 64..=69 => Class::Car,
        25..=39 | 63 => Class::Truck,
        40..=49 => Class::Motorcycle,
        50..=59 => Class::Bus,
        82..=84 | 86 => Class::Pedestrian,
        85 => Class::Bicycle,
        _ => Class::Unknown,
    }
}
