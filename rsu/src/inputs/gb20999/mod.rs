//! Signal controllers that tell a host their state when asked: GB/T 20999-2017.
//!
//! The standard is between signal controllers and a host, over UDP, TCP or RS-232. Nobody says there
//! for how long a lamp still shows what it shows: a host asks for the running stage and what remains
//! of it, and must know the plan. So this folder asks for all of it, works the plan out, and reports
//! what every controller is reported to do: lamp states with countdowns, the plan, the mode. It asks
//! and answers heartbeats; it never sets anything.
//!
//! Rooms: [`framing`] (delimiters, escapes), [`wire`] (header, values, checksum), [`objects`]
//! (addresses, codes), `asker` (what to ask next), `facts` (what has been said), `faults` (what went
//! wrong with it), `timeline` (the plan worked out), `trust` (whether it came true), `ear` (frames to
//! values), `state` (what changes from second to second), `word` (values to reports), the decoder here,
//! and its mirror [`Responder`].
//!
//! | value | unit on the wire | unit in the report |
//! |---|---|---|
//! | 3.3.1.n lamp group | code, such as 0x21 | [`Light`](crate::report::Light); fast flashing is flashing |
//! | 6.3.4.n remaining time of stage n | s, 2 or 4 bytes | countdown of each lamp group, whole seconds |
//! | 4.2.27/28/29.n least and greatest green of phase n | s | earliest and latest end of a green |
//! | 9.2.3/6/7/8.n cycle, stages, times, kinds | s, codes | [`SignalPlan`](crate::report::SignalPlan) |
//! | 13.1.10.0 clock, UTC | whole seconds | none: how far it is behind ours, to half a second, in [`Counts`] |
//! | 16.2.1/2/3.n number, code, time of a fault | codes | none: new ones by kind, in [`Counts`] |
//! | 13.2.2.n mode | code | [`ControlMode`](crate::report::ControlMode); all-red and all-off are "other" |
//!
//! # What devices do, and what we make of it
//! Recording: 100 queries and replies of a controller of one Chinese maker over UDP, 2021; one value
//! a frame. Checksums and lengths are good in all; nothing in it moves.
//! - A reply carries sequence 2 where the query had 1: replies are known by their addresses.
//! - It says that it has 64 lamp groups and phases, where it has a few: only those of the plan are
//!   asked for. Times of stages are 2 bytes, where a public implementation writes 4: read by size.
//! - Arrays stand last entry first, and the four stages of its plan (29, 31, 29, 31 s) sum to its
//!   cycle of 120 s: a stage's time holds the transitions. A plan whose cycle is longer by just the
//!   transitions is read the other way; any other has no countdown unless the configuration says.
//! - What was never recorded: several values in a frame (asked for singly where a reply falls short),
//!   active reports (read as replies are), a value for all elements at once (ignored and counted).
//! - In actuated control what remains of the running stage is told as the latest end, not as a
//!   countdown, until its transition begins; what lies behind is not told. A stage that comes on demand makes the end before it uncertain.
//! - A countdown is our conclusion: the first of a lamp group is kept back until it has come true, and
//!   one that did not come true silences the lamp group until two have.
//! - A device that shows 0 for a whole second before each change rounds down; a second is added then.
//! - Limits of greens were recorded as two bytes each (10, 20, 30 s). Of the two greatest ones the
//!   later holds, as nothing says which is in force; flashing green is added to it and not to the least.
//!   They are told in actuated control alone, of one green from when it was seen to begin.
//! - Of the log of faults one value was recorded (16.2.4.1, what was done, as one byte); its other
//!   sizes are those of the log of alarms (class 15), which was: 254 entries, number 1 first. What
//!   "done" means is not known, so that no fault is ever said to be over. Alarms are not asked for: what
//!   their codes mean is not public.

mod asker;
mod ear;
mod facts;
mod faults;
pub mod framing;
pub mod objects;
#[cfg(test)]
mod recordings;
mod responder;
mod state;
#[cfg(test)]
mod tests;
mod timeline;
mod trust;
pub mod wire;
mod word;

pub use asker::{Asking, MAX_BATCH};
pub use responder::{Fault, Identity, Junction, Moment, Phase, Responder, Stage};
pub use timeline::StageTime;

use self::asker::{Asker, Noted};
use self::ear::Ear;
use self::framing::Framer;
use self::wire::{Composer, Escaping, Header, Kind};
use super::Counts;
use crate::clock::{Mono, Now};
use crate::report::Content;

/// How a controller is connected and spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What the link hands over, and how frames go back.
    pub carrier: Carrier,
    /// The controller's number: questions carry it, and frames of others are ignored. None: 0, and
    /// frames of any.
    pub controller: Option<u32>,
    /// Which of the controller's junctions, from 1.
    pub junction: u8,
    /// Lamp groups to ask for, as bits. None set: those of the plan.
    pub lamps: u64,
    /// What the time of a stage covers, where the plan does not tell it rightly by itself.
    pub stage_time: Option<StageTime>,
    /// Tell a lamp group's countdown only after one has come true.
    pub proves: bool,
    /// Ask. None: the controller reports by itself, and we say nothing.
    pub asking: Option<Asking>,
}

impl Default for Config {
    /// Datagrams, any controller, its first junction, with questions.
    fn default() -> Self {
        Self {
            carrier: Carrier::Datagrams,
            controller: None,
            junction: 1,
            lamps: 0,
            stage_time: None,
            proves: true,
            asking: Some(Asking::default()),
        }
    }
}

/// What one call of [`Decoder::push`] receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// A whole UDP datagram, without escapes.
    #[default]
    Datagrams,
    /// The next bytes of TCP or RS-232, with escapes.
    Stream,
}

/// Bytes of one controller to reports.
#[derive(Debug)]
pub struct Decoder {
    carrier: Carrier,
    framer: Framer,
    ear: Ear,
    mouth: Mouth,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            carrier: config.carrier,
            framer: Framer::new(),
            ear: Ear::new(&config),
            mouth: Mouth {
                escaping: match config.carrier {
                    Carrier::Datagrams => Escaping::None,
                    Carrier::Stream => Escaping::Stream,
                },
                plain: Vec::with_capacity(512),
            },
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
        match carrier {
            Carrier::Datagrams => framer.datagram(bytes, |piece| ear.hear(arrived, piece, sink)),
            Carrier::Stream => framer.push(bytes, |piece| ear.hear(arrived, piece, sink)),
        }
    }

    /// Forgets a half-received frame and what was being asked; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.framer.reset();
        self.ear.heartbeat = None;
        if let Some(asker) = &mut self.ear.asker {
            asker.restart();
        }
    }

    /// Appends a question or an answer to a heartbeat; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let ear = &mut self.ear;
        if let Some(heard) = ear.heartbeat.take() {
            let reply = Header {
                kind: Kind::HeartbeatReply,
                ..heard
            };
            let composer = Composer::new(&reply, &mut self.mouth.plain);
            composer.finish(self.mouth.escaping, out);
            return true;
        }
        let Some(asker) = &mut ear.asker else {
            return false;
        };
        let mut noted = Noted::default();
        let ask = asker.poll(now.mono, &ear.facts, ear.state.stage, &mut noted);
        let host = asker.asking().host;
        let counts = &mut ear.counts;
        counts.tolerate_times("unanswered-query", noted.unanswered);
        counts.tolerate_times("answered-in-part", noted.in_part);
        let Some(ask) = ask else { return false };
        ear.sequence = ear.sequence.wrapping_add(1);
        let header = Header {
            version: ear.version,
            host,
            controller: ear.controller.unwrap_or(0),
            junction: 0,
            sequence: ear.sequence,
            kind: Kind::Query,
        };
        let mut composer = Composer::new(&header, &mut self.mouth.plain);
        for address in ask {
            composer.value(address, &[]);
        }
        composer.finish(self.mouth.escaping, out);
        true
    }

    /// When the next question is due; [`Mono::NEVER`] where we only listen.
    pub fn poll_timeout(&self) -> Mono {
        if self.ear.heartbeat.is_some() {
            return Mono::ZERO;
        }
        let asker = self.ear.asker.as_ref();
        asker.map_or(Mono::NEVER, Asker::poll_timeout)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }
}

/// How frames are put together.
#[derive(Debug)]
struct Mouth {
    escaping: Escaping,
    plain: Vec<u8>,
}
