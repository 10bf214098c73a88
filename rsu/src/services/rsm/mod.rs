//! RSM: the road users that the sensors see, ten times a second.
//!
//! T/CSAE 159-2020, 8.3: every message begins with the RSU's own entry, more than 15 road users
//! make several messages in a row, each with the next msgCnt, the most endangered first (`rank`). The picture is predicted to the
//! moment of sending, and `secMark` is that moment. Where no sensor has reported for a while no RSM
//! is sent: what is stale must not look fresh. Not here: who the road users are
//! ([`crate::fusion`]), when a slot is used (`window`, beside this room).

mod entry;
mod rank;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::Message;
use v2x_msg::base::{
    DSecond, EnuFrame, GeoPosition, MsgCount, ParticipantId, PositionConfidence, StationId,
};
use v2x_msg::kinds::rsm::{MAX_PARTICIPANTS, Participant, ParticipantKind, Rsm};

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::Turn;
use super::window::Window;
use crate::clock::{Mono, Now};
use crate::fusion::{Picture, Track};
use crate::report::InputId;
pub(crate) use entry::Sources;
use entry::{Latch, participant};
use rank::{Rank, rank};

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
    /// A road user that no sensor has seen for this long, though nothing hides it, is not sent.
    pub track_stale_after: Duration,
    /// Who is hidden by others and surely there is sent for so long unseen, as far as fusion keeps it
    /// ([`crate::fusion::Config::delete_hidden_after`]): he who steps out from behind a bus is the one to know of, and
    /// how sure his place is yet is said with it.
    pub hidden_stale_after: Duration,
    /// Most messages of one slot; who does not fit is left out, the least urgent first.
    pub most_messages: usize,
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
            hidden_stale_after: Duration::from_millis(2500),
            most_messages: MOST_TRACKS.div_ceil(PER_MESSAGE),
            survey_error_m: None,
        }
    }
}

impl Config {
    /// Whether a road user of the picture is spoken of.
    fn tells(&self, now: Now, track: &Track) -> bool {
        let waits = track.hidden && track.existence >= SURELY_THERE;
        let longest = if waits {
            self.hidden_stale_after.max(self.track_stale_after)
        } else {
            self.track_stale_after
        };
        now.mono.since(track.seen_at) <= longest
    }
}

/// RSM says how sure a place is, and not whether anybody is there: of whom nobody sees that is to be known so well.
const SURELY_THERE: f32 = 0.95;

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
    /// Their order of sending: rank and place in the picture.
    order: Box<ArrayVec<(Rank, u8), MOST_TRACKS>>,
    left_out: u64,
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
            order: Box::default(),
            left_out: 0,
            message: roomy_message(id, site.origin(), msg_cnt),
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.window.follow(now);
    }

    /// A report of objects has just been handled; returns the slots that went by unused.
    pub(crate) fn turn_on_report(&mut self, now: Now, arrived: Now, input: InputId) -> u64 {
        self.note_told(arrived);
        let turn = self.window.turn_on_report(now, input);
        self.use_slot(turn)
    }

    /// A road user has spoken of itself: the picture is fresh, but the slots do not follow what comes at
    /// any moment.
    pub(crate) fn note_told(&mut self, arrived: Now) {
        // Links run side by side: reports may come in another order than they arrived in.
        if self.newest.is_none_or(|newest| newest.mono <= arrived.mono) {
            self.newest = Some(arrived);
        }
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

    /// From when on a report may lead to a message.
    pub(crate) fn opens(&self) -> Mono {
        self.window.opens()
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
    /// Those that a warning names, by their ids, go first.
    pub(crate) fn take_picture(
        &mut self,
        now: Now,
        picture: &Picture,
        warned: impl Fn(u8) -> bool,
    ) -> u64 {
        self.seen.clear();
        self.left_out = 0;
        self.order.clear();
        let placed = picture.tracks.iter().take(MOST_TRACKS).zip(0u8..);
        self.order.extend(
            placed
                .filter(|(track, _)| self.config.tells(now, track))
                .map(|(track, place)| (rank(track, warned(track.id)), place)),
        );
        if self.order.len() > PER_MESSAGE {
            self.order.sort_unstable();
        }
        let most = self.config.most_messages.max(1) * PER_MESSAGE;
        for &(_, place) in self.order.iter() {
            let track = &picture.tracks[usize::from(place)];
            if self.seen.len() >= most {
                self.left_out += 1;
                continue;
            }
            let latch = &mut self.latches[usize::from(track.id)];
            let heading = latch.follow(track);
            match participant(now, track, heading, &self.site, &self.sources) {
                Some(participant) => self.seen.push(participant),
                None => self.left_out += 1,
            }
        }
        if let Some(ready) = &mut self.ready {
            ready.sent = Some(0);
        }
        self.seen.len() as u64
    }

    /// Road users of the slot in hand that are not sent: beyond the messages of a slot, or with a
    /// place that the air cannot say.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Composes the next message of the slot in hand.
    pub(crate) fn compose(&mut self, now: Now, frame: &mut Frame) -> Result<(), NotSent> {
        let Some(ready) = self.ready else {
            return Err(NotSent::Refused);
        };
        let sent = ready.sent.unwrap_or(0);
        let part = &self.seen[sent.min(self.seen.len())..];
        let part = &part[..part.len().min(PER_MESSAGE)];
        let after = sent + part.len();
        self.ready = (after < self.seen.len()).then_some(Ready {
            sent: Some(after),
            ..ready
        });
        let entries = std::iter::once(self.own_entry(now)).chain(part.iter().copied());
        let rsm =
            Rsm::new(self.msg_cnt, self.id, self.ref_pos, entries).map_err(|_| NotSent::Refused)?;
        rsm.fill(&mut self.message);
        frame.compose(FrameKind::Rsm, &self.message)?;
        frame.slot = Some(ready.slot);
        frame.cause = self.newest;
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }

    /// One road user as a message of now tells of it, for other messages that do; None if nobody has seen
    /// it of late, or it is at no place on earth.
    pub(crate) fn entry(&mut self, now: Now, track: &Track) -> Option<Participant> {
        if !self.config.tells(now, track) {
            return None;
        }
        let heading = self.latches[usize::from(track.id)].follow(track);
        participant(now, track, heading, &self.site, &self.sources)
    }

    /// The unit itself, as every message of the kind begins.
    pub(crate) fn own_entry(&self, now: Now) -> Participant {
        Participant {
            sec_mark: Some(DSecond::of(now.utc)),
            pos_confidence: self
                .config
                .survey_error_m
                .and_then(PositionConfidence::from_error_m),
            ..Participant::rsu(self.ref_pos)
        }
    }
}

/// A message that has held the largest RSM, so that no other makes it allocate.
fn roomy_message(id: StationId, ref_pos: GeoPosition, msg_cnt: MsgCount) -> Message {
    let mut message = Message::default();
    let others = (1..=PER_MESSAGE as u8).filter_map(|id| ParticipantId::new(id).ok());
    let others = others.map(|id| Participant::new(ParticipantKind::Motor, id, ref_pos));
    let entries = std::iter::once(Participant::rsu(ref_pos)).chain(others);
    if let Ok(rsm) = Rsm::new(msg_cnt, id, ref_pos, entries) {
        rsm.fill(&mut message);
    }
    message
}

#[cfg(test)]
mod tests;
