//! Signal controllers that say what their lamps show and for how long still: GA/T 1743-2020.
//!
//! The standard is between signal controllers and roadside equipment for vehicle-road cooperation;
//! here over UDP datagrams or a TCP stream. A controller broadcasts its lamps each second and its
//! plan at the start of a cycle, or answers questions; both are served.
//!
//! Rooms: [`framing`] (delimiters, escapes), [`wire`] (header, checksum), [`content`] (objects),
//! `asker` (when to ask), the decoder here, and its mirror [`Emitter`]; [`Trial`] is one for trials.
//!
//! | object | unit on the wire | unit in the report |
//! |---|---|---|
//! | 0103 lamp state: colour | 2 bits each of red, yellow, green | [`Light`](crate::report::Light) |
//! | 0103 lamp state: countdown | s, 0 = not known | whole seconds or None |
//! | 0301 current plan: duration | s | whole seconds |
//! | 0302 next plan | as 0301 | whole seconds; where it is another one, nothing is promised beyond this cycle |
//! | 0102 control mode | code 1 to 9 | [`ControlMode`] |
//! | 0101 run state | 1 normal, 2 fault | [`ControlMode::Fault`] |
//!
//! # What devices do, and what we make of it
//! Recordings: a controller in Beijing Yizhuang, 2022-11-10 (lamps and plan); one in Beijing Daxing
//! and one in Qingdao, 2021 (lamps). Checksums are good in all.
//! - The content length counts content only (Beijing) or itself too (Qingdao): both are read.
//! - The two "reserved" bytes of the time are milliseconds (Yizhuang) or zero.
//! - At cycle second 4, all 28 lamps of Yizhuang agree with its plan in colour and countdown. So a
//!   countdown runs to the end of the *colour*, with flashing counted to its steady colour, and the
//!   plan starts at the start of the cycle.
//! - A countdown of 0 is "not known". 255 is the field's end: a longer wait cannot be told from it,
//!   so it is "not known" too and counted. A light of unknown meaning has no countdown.
//! - Entrances, lamp ids and groups are in no order. The first of two entries with one id counts.
//! - Lamp states that a network brings out of order, by up to 2 s of the sender's own clock, are
//!   counted and dropped; a larger step back means that its clock was set. Equal times are taken.
//! - 0101, 0102 and 0302 were never recorded: 0302 is read as 0301 is, the layout of the other two is
//!   that of one public implementation. Whether 0302 is of the next cycle or of the next hour is not
//!   public either: it only ever takes promises away, and not for long if it does not come.
//! - A controller that is asked is asked for 0101 and 0102 as well, unless the configuration says
//!   otherwise: who does not know that it is run by hand takes it for fixed time. Whether 0302 may be
//!   asked for is not public, so it is not. Where 0101 ends a fault and 0102 never came, nothing is known of
//!   the mode again.
//! - Signed frames were never recorded; the signature is not verified, and counted.
//! - The controller's clock is compared with ours only to be counted: nothing is dated by it. But
//!   where it has milliseconds, news that took longer than others of late are known to be so old. One
//!   stamp that is ahead of all others says nothing of them; four pieces of news in a row that are late by
//!   the same are a clock that was set back.
//!
//! Not here: acknowledging reports (operation 82), whose layout is not public; lane functions (02xx)
//! and traffic data (04xx, 05xx); the serial form of the standard, which was never seen.

mod asker;
pub mod content;
mod emitter;
pub mod framing;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
mod trial;
pub mod wire;

use std::time::Duration;

pub use asker::Asking;
pub use emitter::{Approach, Audience, Emitter, Identity, Question};
pub use trial::Trial;
pub use wire::Address;

use self::asker::Asker;
use self::content::{CONTROL_MODE, CURRENT_PLAN, LAMP_STATE, Lamps, NEXT_PLAN, Plan, RUN_STATE};
use self::framing::{Framer, Piece};
use self::wire::{Frame, Header, Operation};
use super::Counts;
use super::delay::{Delay, Stamped};
use super::json::fingerprint;
use crate::clock::{Mono, Now};
use crate::report::{
    Content, ControlMode, LampPlan, LampState, LampStates, Light, PlanStep, SignalPlan,
};

/// How a controller is connected and spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Config {
    /// What the link hands over.
    pub carrier: Carrier,
    /// Take frames from this sender only. None: from any.
    pub only_from: Option<Address>,
    /// Ask for objects. None: the controller broadcasts, and we say nothing.
    pub asking: Option<Asking>,
}

/// What one call of [`Decoder::push`] receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// A whole UDP datagram: a frame never continues in the next.
    #[default]
    Datagrams,
    /// The next bytes of a TCP stream.
    Stream,
}

/// A clock further off than this is counted: a countdown dated by it would be useless.
const CLOCK_TOLERANCE_NS: i64 = 10_000_000_000;
/// Lamp states that are older than the newest by no more than this were overtaken on their way; by
/// more, and the controller's clock has been set.
const OVERTAKEN_MS: i64 = 2000;
/// No line holds news up for longer.
const LONGEST_HELD_UP: Duration = Duration::from_secs(2);
/// News are compared with those of the last half minute in which they came.
const STRETCH: Duration = Duration::from_secs(1);
/// The largest countdown that a byte can hold says "at least".
const COUNTDOWN_SATURATED: u8 = u8::MAX;

const REJECTED: [&str; 10] = [
    "noise",
    "cut",
    "too-long",
    "frame-size",
    "checksum",
    "operation",
    "content-length",
    "content-short",
    "content-long",
    "content-too-many",
];
const IGNORED: [&str; 7] = [
    "other-sender",
    "out-of-order",
    "clock-in-doubt",
    "other-object",
    "request",
    "error-reply",
    "no-meaning",
];
const TOLERATED: [&str; 11] = [
    "length-counts-itself",
    "bare-escape",
    "other-version",
    "signature-unverified",
    "clock-differs",
    "duplicate-lamp",
    "colour-unknown",
    "countdown-saturated",
    "group-total-differs",
    "cycles-differ",
    "unanswered-query",
];

/// Bytes of one controller to reports.
#[derive(Debug)]
pub struct Decoder {
    carrier: Carrier,
    framer: Framer,
    ear: Ear,
    mouth: Option<Mouth>,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            carrier: config.carrier,
            framer: Framer::new(),
            ear: Ear {
                only_from: config.only_from,
                asker: config.asking.as_ref().map(Asker::new),
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                lamps: Box::default(),
                plan: Box::default(),
                in_fault: false,
                mode: None,
                mode_told: None,
                newest: None,
                content: 0,
                delay: Delay::over(STRETCH),
            },
            mouth: config.asking.map(|asking| Mouth {
                asking,
                scratch: Vec::with_capacity(64),
            }),
        }
    }

    /// Takes a datagram or the next bytes of a stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self {
            carrier,
            framer,
            ear,
            ..
        } = self;
        framer.push(bytes, |piece| ear.hear(arrived, piece, sink));
        if *carrier == Carrier::Datagrams {
            framer.end_datagram(|piece| ear.hear(arrived, piece, sink));
        }
    }

    /// Forgets a half-received frame; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.framer.reset();
        self.ear.newest = None;
        self.ear.delay.forget();
    }

    /// Appends a question that is due; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let (Some(asker), Some(mouth)) = (&mut self.ear.asker, &mut self.mouth) else {
            return false;
        };
        let Some(due) = asker.poll(now.mono) else {
            return false;
        };
        if due.unanswered {
            self.ear.counts.tolerate("unanswered-query");
        }
        mouth.ask(now, due.object, out);
        true
    }

    /// When the next question is due; [`Mono::NEVER`] without [`Config::asking`].
    pub fn poll_timeout(&self) -> Mono {
        let asker = self.ear.asker.as_ref();
        asker.map_or(Mono::NEVER, Asker::poll_timeout)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }
}

/// Frames to reports.
#[derive(Debug)]
struct Ear {
    only_from: Option<Address>,
    asker: Option<Asker>,
    counts: Counts,
    // Kept from frame to frame so that neither is built anew.
    lamps: Box<Lamps>,
    plan: Box<Plan>,
    in_fault: bool,
    mode: Option<ControlMode>,
    mode_told: Option<ControlMode>,
    /// Who said the newest lamp states, and at which millisecond of its own clock.
    newest: Option<(Address, i64)>,
    /// The fingerprint of the lamp states before.
    content: u64,
    delay: Delay,
}

impl Ear {
    fn hear(&mut self, arrived: Now, piece: Piece<'_>, sink: &mut dyn FnMut(Content)) {
        match piece {
            Piece::Noise => self.counts.reject("noise"),
            Piece::TooLong => self.counts.reject("too-long"),
            Piece::Cut => self.counts.reject("cut"),
            Piece::Frame {
                bytes,
                bare_escapes,
            } => match wire::parse(bytes) {
                Err(malformed) => self.counts.reject(malformed.kind()),
                Ok(frame) => {
                    self.counts.tolerate_times("bare-escape", bare_escapes);
                    self.frame(arrived, &frame, sink);
                }
            },
        }
    }

    fn frame(&mut self, arrived: Now, frame: &Frame<'_>, sink: &mut dyn FnMut(Content)) {
        let header = &frame.header;
        if self.only_from.is_some_and(|only| only != header.sender) {
            return self.counts.ignore("other-sender");
        }
        match header.operation {
            Operation::Report | Operation::QueryReply | Operation::Broadcast => {}
            Operation::Error => return self.counts.ignore("error-reply"),
            Operation::Query | Operation::Set | Operation::SetReply | Operation::ReportAck => {
                return self.counts.ignore("request");
            }
        }
        let content = frame.content.map_or(&[][..], |(_, content)| content);
        let mut held_up = Duration::ZERO;
        if header.object == LAMP_STATE {
            held_up = match self.in_order(arrived, header, content) {
                Ok(late) => late,
                Err(kind) => {
                    self.settle(header);
                    return self.counts.ignore(kind);
                }
            };
        }
        self.note_quirks(arrived, frame);
        let understood = match header.object {
            LAMP_STATE => self.lamp_states(held_up, content, sink),
            CURRENT_PLAN => self.signal_plan(content, Content::Plan, sink),
            NEXT_PLAN => self.signal_plan(content, Content::NextPlan, sink),
            RUN_STATE => self.run_state(content, sink),
            CONTROL_MODE => self.control_mode(content, sink),
            _ => return self.counts.ignore("other-object"),
        };
        match understood {
            Err(malformed) => self.counts.reject(malformed.kind()),
            Ok(Use::None) => self.counts.ignore("no-meaning"),
            Ok(Use::Full) => {
                self.counts.accept();
                self.settle(header);
            }
        }
    }

    /// A question has its answer.
    fn settle(&mut self, header: &Header) {
        if let (Some(asker), Operation::QueryReply) = (&mut self.asker, header.operation) {
            asker.answered(header.object);
        }
    }

    /// How long lamp states were held up on their way, or the kind under which they are dropped: newer ones
    /// of the same sender have come before, or nobody knows of when they are. If not, these are the newest,
    /// unless their stamp is alone with what it says.
    fn in_order(
        &mut self,
        arrived: Now,
        header: &Header,
        content: &[u8],
    ) -> Result<Duration, &'static str> {
        let ms = theirs_ms(header);
        let is_other = |(sender, _): (Address, i64)| sender != header.sender;
        if self.newest.is_some_and(is_other) {
            self.delay.forget();
            self.newest = None;
        }
        let content = fingerprint(content);
        let other = std::mem::replace(&mut self.content, content) != content;
        let stamped = self.delay.of(arrived.mono, ms, other);
        if stamped == Stamped::ClockSet {
            self.newest = None;
        }
        let behind_ms = self.newest.map_or(0, |(_, newest_ms)| newest_ms - ms);
        if (1..=OVERTAKEN_MS).contains(&behind_ms) {
            return Err("out-of-order");
        }
        if matches!(stamped, Stamped::InDoubt(late) if late <= LONGEST_HELD_UP) {
            return Err("clock-in-doubt");
        }
        if stamped != Stamped::Ahead {
            self.newest = Some((header.sender, ms));
        }
        // What seems to be held up for longer was stamped by a clock that has been set.
        let late = stamped.late();
        Ok(if late > LONGEST_HELD_UP {
            Duration::ZERO
        } else {
            late
        })
    }

    fn note_quirks(&mut self, arrived: Now, frame: &Frame<'_>) {
        if let Some((wire::LengthField::CountsItself, _)) = frame.content {
            self.counts.tolerate("length-counts-itself");
        }
        if frame.signature.is_some() {
            self.counts.tolerate("signature-unverified");
        }
        if frame.header.version != VERSION {
            self.counts.tolerate("other-version");
        }
        let theirs_ns = theirs_ms(&frame.header).saturating_mul(1_000_000);
        let off_ns = arrived.utc.unix_ns().saturating_sub(theirs_ns);
        self.counts.note_clock(off_ns / 1_000_000);
        if off_ns.unsigned_abs() > CLOCK_TOLERANCE_NS.unsigned_abs() {
            self.counts.tolerate("clock-differs");
        }
    }

    fn lamp_states(
        &mut self,
        held_up: Duration,
        content: &[u8],
        sink: &mut dyn FnMut(Content),
    ) -> Result<Use, content::Malformed> {
        self.lamps.parse(content)?;
        let mut states = LampStates {
            held_up,
            ..LampStates::default()
        };
        let mut seen = Seen::default();
        for lamp in &self.lamps.lamps {
            if !seen.first(lamp.id) {
                self.counts.tolerate("duplicate-lamp");
                continue;
            }
            let light = content::light(lamp.colour);
            let countdown_s = match lamp.countdown_s {
                0 => None,
                _ if light == Light::Unknown => None,
                COUNTDOWN_SATURATED => {
                    self.counts.tolerate("countdown-saturated");
                    None
                }
                seconds => Some(u16::from(seconds)),
            };
            if light == Light::Unknown {
                self.counts.tolerate("colour-unknown");
            }
            // Both lists hold the same number at most.
            states.lamps.push(LampState {
                lamp: u16::from(lamp.id),
                light,
                countdown_s,
            });
        }
        self.tell(Content::Lamps(states), sink);
        Ok(Use::Full)
    }

    fn signal_plan(
        &mut self,
        content: &[u8],
        told: fn(SignalPlan) -> Content,
        sink: &mut dyn FnMut(Content),
    ) -> Result<Use, content::Malformed> {
        self.plan.parse(content)?;
        if usize::from(self.plan.total_groups) != self.plan.lamps.len() {
            self.counts.tolerate("group-total-differs");
        }
        let mut plan = SignalPlan::default();
        let mut seen = Seen::default();
        for lamp in &self.plan.lamps {
            if !seen.first(lamp.id) {
                self.counts.tolerate("duplicate-lamp");
                continue;
            }
            let steps = lamp.steps.iter().map(|step| PlanStep {
                light: content::light(step.colour),
                duration_s: step.duration_s,
            });
            let steps: arrayvec::ArrayVec<_, { crate::report::MAX_STEPS }> = steps.collect();
            if steps.iter().any(|step| step.light == Light::Unknown) {
                self.counts.tolerate("colour-unknown");
            }
            plan.lamps.push(LampPlan {
                lamp: u16::from(lamp.id),
                steps,
            });
        }
        let mut cycles = plan.lamps.iter().map(LampPlan::cycle);
        let first = cycles.next();
        if cycles.any(|cycle| Some(cycle) != first) {
            self.counts.tolerate("cycles-differ");
        }
        self.tell(told(plan), sink);
        Ok(Use::Full)
    }

    fn run_state(
        &mut self,
        content: &[u8],
        sink: &mut dyn FnMut(Content),
    ) -> Result<Use, content::Malformed> {
        match content::code(content)? {
            RUN_NORMAL => self.in_fault = false,
            RUN_FAULT => self.in_fault = true,
            _ => return Ok(Use::None),
        }
        // "Normal" alone is no mode; it is news only where it ends a fault. What the mode is then, nobody
        // may ever have said.
        if self.in_fault || self.mode_told == Some(ControlMode::Fault) {
            self.tell_mode(sink);
        }
        Ok(Use::Full)
    }

    fn control_mode(
        &mut self,
        content: &[u8],
        sink: &mut dyn FnMut(Content),
    ) -> Result<Use, content::Malformed> {
        let Some(mode) = content::control_mode(content::code(content)?) else {
            return Ok(Use::None);
        };
        self.mode = Some(mode);
        self.tell_mode(sink);
        Ok(Use::Full)
    }

    fn tell_mode(&mut self, sink: &mut dyn FnMut(Content)) {
        let mode = if self.in_fault {
            ControlMode::Fault
        } else {
            self.mode.unwrap_or(ControlMode::Unknown)
        };
        self.mode_told = Some(mode);
        self.tell(Content::Mode(mode), sink);
    }

    fn tell(&mut self, content: Content, sink: &mut dyn FnMut(Content)) {
        self.counts.report();
        sink(content);
    }
}

/// The sender's clock; what is no millisecond there is none.
fn theirs_ms(header: &Header) -> i64 {
    let ms = Some(header.utc_ms).filter(|ms| *ms < 1000).unwrap_or(0);
    i64::from(header.utc_s) * 1000 + i64::from(ms)
}

/// What became of a sound frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Full,
    None,
}

/// Which lamp ids have come already.
struct Seen([bool; 256]);

impl Default for Seen {
    fn default() -> Self {
        Self([false; 256])
    }
}

impl Seen {
    fn first(&mut self, id: u8) -> bool {
        !std::mem::replace(&mut self.0[usize::from(id)], true)
    }
}

/// Questions to bytes.
#[derive(Debug)]
struct Mouth {
    asking: Asking,
    scratch: Vec<u8>,
}

impl Mouth {
    fn ask(&mut self, now: Now, object: u16, out: &mut Vec<u8>) {
        let (utc_s, utc_ms) = wire::clock_fields(now.utc);
        let header = Header {
            link: self.asking.link,
            sender: self.asking.ours,
            receiver: self.asking.controller,
            utc_s,
            utc_ms,
            ttl_s: TTL_S,
            version: VERSION,
            operation: Operation::Query,
            object,
        };
        let query = Frame {
            header,
            content: None,
            signature: None,
        };
        wire::emit(&query, &mut self.scratch, out);
    }
}

const VERSION: u8 = 0x10;
/// As real frames carry it.
const TTL_S: u8 = 60;
const RUN_NORMAL: u8 = 1;
const RUN_FAULT: u8 = 2;
