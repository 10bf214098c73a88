//! Frames to values: what a controller has said. What is told of it is in `word`.

use std::time::Duration;

use super::Config;
use super::asker::Asker;
use super::facts::{Facts, GreenLimits, Taken};
use super::framing::{Oddity, Piece};
use super::objects::{
    self, FAULT_KINDS, MOST, NO_SUCH_VALUE, StageState, lamp_state, mode_now, plan_now, stage_now,
    stage_remaining, stage_state,
};
use super::state::{self, Pace, Remaining, State};
use super::timeline::{StageTime, Timeline};
use super::wire::{self, Frame, Header, Kind, Value};
use crate::clock::{Mono, Now};
use crate::inputs::Counts;
use crate::report::{Content, Light};

const REJECTED: [&str; 9] = [
    "noise",
    "cut",
    "too-long",
    "frame-size",
    "frame-length",
    "checksum",
    "frame-kind",
    "values",
    "value-size",
];
const IGNORED: [&str; 6] = [
    "other-controller",
    "other-junction",
    "other-value",
    "request",
    "heartbeat",
    "set-reply",
];
const TOLERATED: [&str; 13] = [
    "bare-byte",
    "counts-escapes",
    "escaped-datagram",
    "other-version",
    "sequence-differs",
    "query-refused",
    "answered-in-part",
    "unanswered-query",
    "colour-unknown",
    "mode-unknown",
    "plan-not-understood",
    "countdown-missed",
    "remaining-rounds-down",
];

/// By the standard, and as recorded.
const VERSIONS: [u16; 2] = [0x0102, 0x0100];
/// Where no period is known, since we do not ask.
const USUAL_PERIOD: Duration = Duration::from_secs(1);
/// Half of what a clock of whole seconds does not tell.
const HALF_SECOND: Duration = Duration::from_millis(500);

/// Frames to reports.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) controller: Option<u32>,
    junction: u8,
    pub(super) stage_time: Option<StageTime>,
    pub(super) asker: Option<Asker>,
    pub(super) counts: Counts,
    pub(super) facts: Facts,
    // Boxed whole, so that a plan that comes and goes takes no memory anew.
    pub(super) timeline: Box<Option<Timeline>>,
    /// Of the lamp groups, by number from 1.
    pub(super) greens: Box<[GreenLimits; MOST as usize]>,
    /// Facts are newer than the timeline and the limits of greens.
    pub(super) is_stale: bool,
    pub(super) state: State,
    /// To be answered.
    pub(super) heartbeat: Option<Header>,
    /// Of the last question.
    pub(super) sequence: u8,
    /// As the controller has it.
    pub(super) version: u16,
}

/// What the values of one frame amounted to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gist {
    understood: bool,
    /// Lamp groups that changed, as bits.
    pub(super) changed: u64,
    pub(super) has_lamps: bool,
    /// The round of questions is complete with this frame.
    pub(super) completes: bool,
    /// The controller says it by itself.
    pub(super) is_unasked: bool,
}

impl Ear {
    pub(super) fn new(config: &Config) -> Self {
        let asker = |asking| Asker::new(asking, config.junction, config.lamps);
        Self {
            controller: config.controller,
            junction: config.junction,
            stage_time: config.stage_time,
            asker: config.asking.map(asker),
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED).with_faults(&FAULT_KINDS),
            facts: Facts::new(),
            timeline: Box::default(),
            greens: Box::new([GreenLimits::default(); MOST as usize]),
            is_stale: true,
            state: State::new(config.proves),
            heartbeat: None,
            sequence: 0,
            version: VERSIONS[1],
        }
    }

    pub(super) fn hear(&mut self, arrived: Now, piece: Piece<'_>, sink: &mut dyn FnMut(Content)) {
        match piece {
            Piece::Noise => self.counts.reject("noise"),
            Piece::TooLong => self.counts.reject("too-long"),
            Piece::Cut => self.counts.reject("cut"),
            Piece::Frame { bytes, oddity } => match wire::parse(bytes) {
                Err(malformed) => self.counts.reject(malformed.kind()),
                Ok(frame) => {
                    self.note_quirks(&frame, oddity);
                    self.frame(arrived, &frame, sink);
                }
            },
        }
    }

    fn note_quirks(&mut self, frame: &Frame<'_>, oddity: Oddity) {
        match oddity {
            Oddity::None => {}
            Oddity::BareByte => self.counts.tolerate("bare-byte"),
            Oddity::CountsEscapes => self.counts.tolerate("counts-escapes"),
            Oddity::EscapedDatagram => self.counts.tolerate("escaped-datagram"),
        }
        if !VERSIONS.contains(&frame.header.version) {
            self.counts.tolerate("other-version");
        }
    }

    fn frame(&mut self, arrived: Now, frame: &Frame<'_>, sink: &mut dyn FnMut(Content)) {
        let header = &frame.header;
        if self
            .controller
            .is_some_and(|ours| ours != header.controller)
        {
            return self.counts.ignore("other-controller");
        }
        match header.kind {
            Kind::QueryReply | Kind::Report | Kind::Broadcast => {}
            Kind::QueryError => return self.refusals(arrived, frame, sink),
            Kind::Query | Kind::Set => return self.counts.ignore("request"),
            Kind::SetReply | Kind::SetError => return self.counts.ignore("set-reply"),
            Kind::HeartbeatReply => return self.counts.ignore("heartbeat"),
            Kind::Heartbeat => {
                // Who only listens says nothing.
                self.heartbeat = self.asker.as_ref().map(|_| *header);
                return self.counts.accept();
            }
        }
        if header.kind == Kind::QueryReply && self.asker.is_some() {
            self.version = header.version;
            if header.sequence != self.sequence {
                self.counts.tolerate("sequence-differs");
            }
        }
        let mut gist = Gist {
            // Who only listens asked for nothing: then it is somebody else's question.
            is_unasked: header.kind != Kind::QueryReply || self.asker.is_none(),
            ..Gist::default()
        };
        for value in frame.values() {
            self.value(arrived, value, &mut gist);
            if let (Some(asker), false) = (&mut self.asker, gist.is_unasked) {
                gist.completes |= asker.answered(arrived.mono, value.address);
            }
        }
        if gist.understood {
            self.counts.accept();
        }
        self.tell(arrived, gist, sink);
    }

    /// What the controller does not have, or does not tell.
    fn refusals(&mut self, arrived: Now, frame: &Frame<'_>, sink: &mut dyn FnMut(Content)) {
        let mut gist = Gist::default();
        for value in frame.values() {
            self.counts.tolerate("query-refused");
            if value.data == [NO_SUCH_VALUE] && self.facts.absent(value.address) == Taken::New {
                self.is_stale = true;
            }
            if let Some(asker) = &mut self.asker {
                gist.completes |= asker.answered(arrived.mono, value.address);
            }
        }
        self.counts.accept();
        self.tell(arrived, gist, sink);
    }

    fn value(&mut self, arrived: Now, value: Value<'_>, gist: &mut Gist) {
        let (address, data) = (value.address, value.data);
        let understood = match (address.class, address.object) {
            (3, 3) => self.lamp(arrived.mono, value, gist),
            (13, 2) if address.element != self.junction => {
                return self.counts.ignore("other-junction");
            }
            (13, 2) => self.running(arrived.mono, value),
            (13, 1) if address == objects::CLOCK => self.clock(arrived, data),
            (6, 3) => self.stage(arrived.mono, value),
            _ => match self.take_fact(value) {
                Taken::Same => Understood::Yes,
                Taken::New => {
                    self.is_stale = true;
                    Understood::Yes
                }
                Taken::Malformed => Understood::Malformed,
                Taken::Other => Understood::NoUse,
            },
        };
        match understood {
            Understood::Yes => gist.understood = true,
            Understood::Malformed => self.counts.reject("value-size"),
            Understood::NoUse => self.counts.ignore("other-value"),
        }
    }

    fn take_fact(&mut self, value: Value<'_>) -> Taken {
        let taken = self.facts.take(value.address, value.data);
        if let Some(kind) = self.facts.faults.take_news() {
            self.counts.fault(kind);
        }
        taken
    }

    fn lamp(&mut self, at: Mono, value: Value<'_>, gist: &mut Gist) -> Understood {
        let number = value.address.element;
        let pace = self.pace();
        let lamp = self.state.lamp(number);
        let Some(lamp) = lamp.filter(|_| value.address == lamp_state(number)) else {
            return Understood::NoUse;
        };
        let Some(light) = state::light(value.data) else {
            return Understood::Malformed;
        };
        if light == Light::Unknown {
            self.counts.tolerate("colour-unknown");
        }
        if lamp.see(at, light, pace) {
            gist.changed |= objects::bit(number);
        }
        gist.has_lamps = true;
        Understood::Yes
    }

    fn clock(&mut self, arrived: Now, data: &[u8]) -> Understood {
        let Some(shown) = objects::utc(data) else {
            return Understood::Malformed;
        };
        let theirs = shown + HALF_SECOND;
        let behind_ns = arrived.utc.unix_ns().saturating_sub(theirs.unix_ns());
        self.counts.note_clock(behind_ns / 1_000_000);
        Understood::Yes
    }

    /// Mode, plan and stage of the junction.
    fn running(&mut self, at: Mono, value: Value<'_>) -> Understood {
        let Some(code) = objects::byte(value.data) else {
            return Understood::Malformed;
        };
        let junction = self.junction;
        if value.address == mode_now(junction) {
            let mode = objects::control_mode(code);
            if mode.is_none() {
                self.counts.tolerate("mode-unknown");
            }
            if mode != self.state.mode {
                self.state.release_promises();
            }
            self.state.mode = mode;
        } else if value.address == plan_now(junction) {
            if code != self.facts.plan.number {
                self.facts.run_plan(code);
                self.is_stale = true;
                self.state.release_promises();
                if let Some(asker) = &mut self.asker {
                    asker.restart_tour();
                }
            }
        } else if value.address == stage_now(junction) {
            if self.state.stage != Some(code) {
                self.state.stage = Some(code);
                if self.state.zero.stage_ended(at) {
                    self.counts.tolerate("remaining-rounds-down");
                }
            }
        } else {
            return Understood::NoUse;
        }
        Understood::Yes
    }

    fn stage(&mut self, at: Mono, value: Value<'_>) -> Understood {
        let stage = value.address.element;
        if value.address == stage_state(stage) {
            let Some(code) = objects::byte(value.data) else {
                return Understood::Malformed;
            };
            self.state.stage_state = StageState::from_code(code).map(|state| (stage, state));
        } else if value.address == stage_remaining(stage) {
            let Some(seconds) = objects::number(value.data) else {
                return Understood::Malformed;
            };
            if seconds == 0 && self.state.stage == Some(stage) {
                self.state.zero.stands(at);
            }
            self.state.remaining = Some(Remaining { stage, seconds, at });
        } else {
            return Understood::NoUse;
        }
        Understood::Yes
    }

    /// How the controller is listened to.
    pub(super) fn pace(&self) -> Pace {
        let asking = self.asker.as_ref().map(Asker::asking);
        Pace {
            usual: asking.map_or(USUAL_PERIOD, |asking| asking.state_every),
            held: asking.map_or(Duration::ZERO, |asking| asking.retry_after),
        }
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Understood {
    Yes,
    Malformed,
    NoUse,
}
