//! RSM: the road users that the sensors see, ten times a second.
//!
//! T/CSAE 159-2020, 8.3: every message begins with the RSU's own entry, more than 15 road users
//! make several messages in a row, each with the next msgCnt. The picture is predicted to the
//! moment of sending, and `secMark` is that moment. Where no sensor has reported for a while no RSM
//! is sent: what is stale must not look fresh. Not here: who the road users are
//! ([`crate::fusion`]), when a slot is used ([`super::window`]).

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::Message;
use v2x_msg::base::{
    DSecond, EnuFrame, GeoPosition, Heading, HeadingConfidence, MsgCount, ParticipantId,
    PositionConfidence, Speed, SpeedConfidence, StationId, VehicleHeight, VehicleLength,
    VehicleWidth, Yaw,
};
use v2x_msg::kinds::rsm::{
    MAX_PARTICIPANTS, Participant, ParticipantKind, Rsm, Size, Source, VehicleClass,
};

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::Turn;
use super::window::Window;
use crate::clock::{Mono, Now};
use crate::fusion::{Picture, Track};
use crate::report::{self, Class, Covariance, InputId};

/// How RSM is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two RSMs; T/CSAE 159-2020: 100 ms.
    pub period: Duration,
    /// Where the grid's slots start out behind the UTC second; they follow the sensors from there.
    pub offset: Duration,
    /// For how long before it closes a slot may be used by a report, at most half a period.
    pub open: Duration,
    /// With no report of any sensor for this long, RSM stops.
    pub stale_after: Duration,
    /// A track that no sensor has seen for this long is not sent.
    pub track_stale_after: Duration,
    /// How well the site's origin was surveyed: 95 % of the error in metres; None if unknown.
    pub survey_error_m: Option<f64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_millis(100),
            offset: Duration::from_millis(50),
            open: Duration::from_millis(20),
            stale_after: Duration::from_secs(1),
            track_stale_after: Duration::from_secs(1),
            survey_error_m: None,
        }
    }
}

/// Road users in one message, beside the RSU's own entry.
const PER_MESSAGE: usize = MAX_PARTICIPANTS - 1;
/// Road users that ids can tell apart.
const MOST_TRACKS: usize = 255;

/// When RSM is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    config: Config,
    id: StationId,
    ref_pos: GeoPosition,
    site: EnuFrame,
    sources: Sources,
    window: Window,
    msg_cnt: MsgCount,
    latches: Box<[Latch; 256]>,
    newest: Option<Now>,
    ready: Option<Ready>,
    /// The road users of the slot in hand, all of its messages.
    seen: Box<ArrayVec<Participant, MOST_TRACKS>>,
    message: Message,
}

/// A slot whose messages are to be composed now.
#[derive(Clone, Copy, Debug)]
struct Ready {
    slot: Mono,
    /// How many road users have left already; None before the picture has been taken.
    sent: Option<usize>,
}

impl Service {
    pub(crate) fn new(
        config: Config,
        site: EnuFrame,
        sources: Sources,
        id: StationId,
        msg_cnt: MsgCount,
    ) -> Self {
        Self {
            window: Window::new(config.period, config.offset, config.open),
            config,
            id,
            ref_pos: site.origin(),
            site,
            sources,
            msg_cnt,
            latches: Box::new([Latch::default(); 256]),
            newest: None,
            ready: None,
            seen: Box::default(),
            message: Message::default(),
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.window.follow(now);
    }

    /// A report of objects has just been handled; returns the slots that went by unused.
    pub(crate) fn turn_on_report(&mut self, now: Now, arrived: Now, input: InputId) -> u64 {
        self.newest = Some(arrived);
        let turn = self.window.turn_on_report(now, input);
        self.use_slot(turn)
    }

    /// A timer has run out; returns the slots that went by unused.
    pub(crate) fn turn_on_time(&mut self, now: Now) -> u64 {
        let turn = self.window.turn_on_time(now);
        self.use_slot(turn)
    }

    fn use_slot(&mut self, Turn { slot, missed }: Turn) -> u64 {
        if let Some(slot) = slot {
            self.ready = Some(Ready { slot, sent: None });
        }
        missed
    }

    /// When [`Service::turn_on_time`] is due next.
    pub(crate) fn due(&self) -> Mono {
        self.window.due()
    }

    /// Whether a message waits to be composed.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Whether the slot in hand still needs its picture.
    pub(crate) fn wants_picture(&self) -> bool {
        self.ready.is_some_and(|ready| ready.sent.is_none())
    }

    /// Lets the slot in hand go unsent.
    pub(crate) fn skip(&mut self) {
        self.ready = None;
    }

    /// Whether any sensor has reported lately.
    pub(crate) fn is_fresh(&self, now: Now) -> bool {
        let age = self.newest.map(|newest| now.mono.since(newest.mono));
        age.is_some_and(|age| age <= self.config.stale_after)
    }

    /// Takes the picture of `now` for the slot in hand; returns how many road users will be sent.
    pub(crate) fn take_picture(&mut self, now: Now, picture: &Picture) -> u64 {
        self.seen.clear();
        for track in picture.tracks.iter().take(MOST_TRACKS) {
            if now.mono.since(track.seen_at) > self.config.track_stale_after {
                continue;
            }
            let latch = &mut self.latches[usize::from(track.id)];
            let heading = latch.follow(track);
            self.seen.extend(participant(now, track, heading, &self.site, &self.sources));
        }
        if let Some(ready) = &mut self.ready {
            ready.sent = Some(0);
        }
        self.seen.len() as u64
    }

    /// Composes the next message of the slot in hand.
    pub(crate) fn compose(&mut self, now: Now, frame: &mut Frame) -> Result<(), NotSent> {
        let Some(ready) = self.ready else { return Err(NotSent::Refused) };
        let sent = ready.sent.unwrap_or(0);
        let part = &self.seen[sent.min(self.seen.len())..];
        let part = &part[..part.len().min(PER_MESSAGE)];
        let after = sent + part.len();
        self.ready = (after < self.seen.len()).then_some(Ready { sent: Some(after), ..ready });
        let entries = std::iter::once(self.own_entry(now)).chain(part.iter().copied());
        let rsm = Rsm::new(self.msg_cnt, self.id, self.ref_pos, entries)
            .map_err(|_| NotSent::Refused)?;
        rsm.fill(&mut self.message);
        frame.compose(FrameKind::Rsm, &self.message)?;
        frame.slot = Some(ready.slot);
        frame.cause = self.newest;
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }

    fn own_entry(&self, now: Now) -> Participant {
        Participant {
            sec_mark: Some(DSecond::of(now.utc)),
            pos_confidence: self.config.survey_error_m.and_then(PositionConfidence::from_error_m),
            ..Participant::rsu(self.ref_pos)
        }
    }
}

/// Which kind of sensor stands behind each input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<(InputId, Source)>);

impl Sources {
    pub(crate) fn new(sources: impl IntoIterator<Item = (InputId, Source)>) -> Self {
        Self(sources.into_iter().collect())
    }

    /// What the standard calls the inputs in a set: their kind, or that they are of several kinds.
    fn of(&self, inputs: u32) -> Source {
        let named = |(input, _): &&(InputId, Source)| {
            1u32.checked_shl(input.0.into()).is_some_and(|bit| inputs & bit != 0)
        };
        let mut kinds = self.0.iter().filter(named).map(|(_, source)| *source);
        let Some(first) = kinds.next() else { return Source::Unknown };
        if kinds.all(|kind| kind == first) { first } else { Source::Integrated }
    }
}

/// Holds a heading while its road user hardly moves.
///
/// T/CSAE 159-2020: the heading is latched below 4 km/h and released above 5 km/h, for the direction
/// of a crawl is mostly noise.
#[derive(Clone, Copy, Debug, Default)]
struct Latch {
    /// Which bearer of the id the rest belongs to.
    born_at: Mono,
    moving: bool,
    held: Option<Heading>,
}

impl Latch {
    const HOLD_BELOW_MPS: f64 = 4.0 / 3.6;
    const RELEASE_ABOVE_MPS: f64 = 5.0 / 3.6;

    /// The heading to send now.
    fn follow(&mut self, track: &Track) -> Sent {
        if self.born_at != track.born_at {
            *self = Self { born_at: track.born_at, ..Self::default() };
        }
        let speed_mps = speed_mps(track);
        self.moving = if self.moving {
            speed_mps >= Self::HOLD_BELOW_MPS
        } else {
            speed_mps > Self::RELEASE_ABOVE_MPS
        };
        if self.moving {
            self.held = direction(track).or(self.held);
        }
        // What has never moved may still be seen to point somewhere.
        let heading = self.held.or_else(|| track.yaw_rad.and_then(heading_of_yaw));
        Sent { heading, live: self.moving }
    }
}

/// A heading, and whether it is the direction of travel right now.
#[derive(Clone, Copy, Debug)]
struct Sent {
    heading: Option<Heading>,
    live: bool,
}

fn heading_of_yaw(yaw_rad: f64) -> Option<Heading> {
    if yaw_rad.is_finite() { Heading::from_rad(Yaw::new(yaw_rad).into()).ok() } else { None }
}

/// The direction of travel.
fn direction(track: &Track) -> Option<Heading> {
    heading_of_yaw(track.velocity.north_mps.atan2(track.velocity.east_mps))
}

fn speed_mps(track: &Track) -> f64 {
    track.velocity.east_mps.hypot(track.velocity.north_mps)
}

/// A track as the air has it; None if it is at no place on earth.
fn participant(
    now: Now,
    track: &Track,
    heading: Sent,
    site: &EnuFrame,
    sources: &Sources,
) -> Option<Participant> {
    let id = ParticipantId::new(track.id).ok()?;
    let pos = site.ground_position(track.east_m, track.north_m).ok()?;
    let (kind, class) = kind(track.class);
    Some(Participant {
        source: sources.of(track.sources),
        sec_mark: Some(DSecond::of(now.utc)),
        pos_confidence: PositionConfidence::from_sigma_m(widest_sigma(&track.position_cov)),
        speed: Speed::nearest_mps(speed_mps(track)),
        heading: heading.heading,
        speed_confidence: speed_confidence(track),
        heading_confidence: if heading.live { heading_confidence(track) } else { None },
        size: track.size.map_or(Size::UNKNOWN, size),
        class,
        ..Participant::new(kind, id, pos)
    })
}

/// Standard deviation along the longest axis of the error's ellipse.
fn widest_sigma(cov: &Covariance) -> f64 {
    let mean = (cov.ee + cov.nn) / 2.0;
    let spread = ((cov.ee - cov.nn) / 2.0).hypot(cov.en);
    (mean + spread).max(0.0).sqrt()
}

/// Variance of a vector's component in the direction of a unit vector.
fn variance_along(cov: &Covariance, east: f64, north: f64) -> f64 {
    cov.ee * east * east + 2.0 * cov.en * east * north + cov.nn * north * north
}

fn speed_confidence(track: &Track) -> Option<SpeedConfidence> {
    let speed = speed_mps(track);
    let sigma_mps = if speed > STANDING_MPS {
        let (east, north) = (track.velocity.east_mps / speed, track.velocity.north_mps / speed);
        variance_along(&track.velocity.cov, east, north).max(0.0).sqrt()
    } else {
        widest_sigma(&track.velocity.cov)
    };
    SpeedConfidence::from_sigma_mps(sigma_mps)
}

/// From the error of the velocity across the direction of travel.
fn heading_confidence(track: &Track) -> Option<HeadingConfidence> {
    let speed = speed_mps(track);
    let (east, north) = (track.velocity.east_mps / speed, track.velocity.north_mps / speed);
    let across = variance_along(&track.velocity.cov, -north, east).max(0.0).sqrt();
    HeadingConfidence::from_sigma_deg(across.atan2(speed).to_degrees())
}

fn size(size: report::Size) -> Size {
    Size {
        width: VehicleWidth::from_m(size.width_m.into()).ok(),
        length: VehicleLength::from_m(size.length_m.into()).ok(),
        height: size.height_m.and_then(|height| VehicleHeight::from_m(height.into()).ok()),
    }
}

fn kind(class: Class) -> (ParticipantKind, Option<VehicleClass>) {
    match class {
        Class::Unknown => (ParticipantKind::Unknown, None),
        Class::Car => (ParticipantKind::Motor, Some(VehicleClass::PASSENGER_CAR)),
        Class::Truck => (ParticipantKind::Motor, Some(VehicleClass::TRUCK)),
        Class::Bus => (ParticipantKind::Motor, Some(VehicleClass::BUS)),
        Class::Motorcycle => (ParticipantKind::Motor, Some(VehicleClass::MOTORCYCLE)),
        Class::Bicycle => (ParticipantKind::NonMotor, Some(VehicleClass::BICYCLE)),
        Class::Pedestrian => (ParticipantKind::Pedestrian, Some(VehicleClass::PEDESTRIAN)),
    }
}

/// Below this a velocity has no direction worth the name.
const STANDING_MPS: f64 = 0.1;
