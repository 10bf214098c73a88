//! What goes wrong with a device and its line, by the scenario's timeline: a signal controller, a radar, a
//! camera.
//!
//! Faults of what it says (a clock, a countdown or a lamp that is not so) and of where it looks come before
//! its protocol, faults of the line after it: a datagram of a controller, a cycle of a radar, a message of
//! a box. All of them are drawn from a stream of their own: a fault that
//! strikes nobody changes nothing.

use rsu::clock::Mono;
use rsu::report::{LampStates, Light};
use serde::Deserialize;
use v2x_msg::base::PhaseId;

use super::controller::Datagram;
use crate::random::{Purpose, Stream};

/// A fault and when it is on, in simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Since when.
    pub from: Mono,
    /// Until when.
    pub until: Mono,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many of the datagrams it strikes, 0 to 1.
    pub share: f64,
    /// How far: seconds of a clock, a countdown or a delay.
    pub by_s: f64,
    /// How far it is turned, clockwise.
    pub by_deg: f64,
    /// Whose input its messages arrive at.
    pub to: Option<String>,
    /// The phases that are lied about; none means all.
    pub phases: Vec<PhaseId>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// It says nothing.
    Silence,
    /// Its clock is off by so much.
    ClockJump,
    /// Its clock drifts evenly, and is off by so much in the end.
    ClockDrift,
    /// Datagrams arrive so much later.
    Delay,
    /// Datagrams arrive twice.
    Duplicate,
    /// Datagrams arrive up to so much later, and others overtake them.
    Reorder,
    /// Bytes without meaning, and frames cut short, come between the datagrams.
    Garbage,
    /// A byte of a datagram is another: the checksum does not fit.
    WrongCrc,
    /// Countdowns are off by up to so many seconds, each time by others.
    CountdownJump,
    /// It says that phases are green that are not.
    WrongGreen,
    /// It says again and again what it said last before.
    Stuck,
    /// It has been knocked, and looks another way than it was surveyed.
    Turned,
    /// It has the id of another: what it says arrives as if the other said it.
    Misaddressed,
}

impl FaultKind {
    /// Whether it is about lamps.
    pub const fn is_of_signals(self) -> bool {
        matches!(self, Self::CountdownJump | Self::WrongGreen)
    }

    /// Whether only sensors have it.
    pub const fn is_of_sensors(self) -> bool {
        matches!(self, Self::Stuck | Self::Turned | Self::Misaddressed)
    }
}

/// The faults of one device in a run.
#[derive(Clone, Debug)]
pub struct Faults {
    faults: Vec<Fault>,
    chance: Stream,
    /// What it said last while it was not stuck; kept if it ever will be.
    last: Vec<u8>,
}

impl Faults {
    /// These of the device with this number, with chance by `seed`.
    pub fn new(faults: Vec<Fault>, device: u64, seed: u64) -> Self {
        Self {
            faults,
            chance: Stream::new(seed, device, Purpose::Fault),
            last: Vec::new(),
        }
    }

    /// How far its clock is off at `at`, in milliseconds.
    pub fn clock_off_ms(&self, at: Mono) -> i64 {
        let jump_s = self.on(at, FaultKind::ClockJump).map_or(0.0, |f| f.by_s);
        let drift = self.on(at, FaultKind::ClockDrift).map_or(0.0, |fault| {
            let share = at.seconds_after(fault.from) / fault.until.seconds_after(fault.from);
            fault.by_s * share
        });
        ((jump_s + drift) * 1e3).round() as i64
    }

    /// How far it is turned at `at`, clockwise.
    pub fn turned_deg(&self, at: Mono) -> f64 {
        self.on(at, FaultKind::Turned).map_or(0.0, |f| f.by_deg)
    }

    /// As whom it speaks at `at`, if not as itself.
    pub fn speaks_as(&self, at: Mono) -> Option<&str> {
        self.on(at, FaultKind::Misaddressed)?.to.as_deref()
    }

    /// Changes what it says of its lamps.
    pub fn lie(&mut self, at: Mono, lamps: &[(u16, PhaseId)], states: &mut LampStates) {
        if let Some(fault) = self.strikes(at, FaultKind::CountdownJump) {
            for state in &mut states.lamps {
                let off_s = self.chance.between(-fault.by_s, fault.by_s).round();
                state.countdown_s = state
                    .countdown_s
                    .map(|s| (f64::from(s) + off_s).clamp(1.0, 254.0) as u16);
            }
        }
        if let Some(fault) = self.strikes(at, FaultKind::WrongGreen) {
            for state in &mut states.lamps {
                let phase = lamps.iter().find(|(lamp, _)| *lamp == state.lamp);
                let meant = |(_, phase): &(u16, PhaseId)| {
                    fault.phases.is_empty() || fault.phases.contains(phase)
                };
                if phase.is_some_and(meant) {
                    state.light = Light::Green;
                }
            }
        }
    }

    /// Carries a datagram down the line: not at all, once or more often.
    pub fn carry(&mut self, at: Mono, mut datagram: Datagram, sent: &mut Vec<Datagram>) {
        if self.on(at, FaultKind::Stuck).is_some() {
            datagram.bytes.clone_from(&self.last);
        } else if self.faults.iter().any(|f| f.kind == FaultKind::Stuck) {
            self.last.clone_from(&datagram.bytes);
        }
        if self.strikes(at, FaultKind::Silence).is_some() {
            return;
        }
        if self.strikes(at, FaultKind::WrongCrc).is_some() && !datagram.bytes.is_empty() {
            let place = self.below(datagram.bytes.len());
            datagram.bytes[place] ^= 1 << self.below(8);
        }
        if let Some(fault) = self.strikes(at, FaultKind::Delay) {
            datagram.arrives = datagram.arrives.offset_by(fault.by_s);
        }
        if let Some(fault) = self.strikes(at, FaultKind::Reorder) {
            let late_s = self.chance.between(0.0, fault.by_s);
            datagram.arrives = datagram.arrives.offset_by(late_s);
        }
        if self.strikes(at, FaultKind::Duplicate).is_some() {
            sent.push(datagram.clone());
        }
        sent.push(datagram);
    }

    /// Adds bytes that nobody said to what is on its way.
    pub fn babble(&mut self, at: Mono, sent: &mut Vec<Datagram>) {
        if self.strikes(at, FaultKind::Garbage).is_none() {
            return;
        }
        let cut = sent.last().map(|last| {
            let len = self.below(last.bytes.len().max(1));
            last.bytes[..len].to_vec()
        });
        let len = 1 + self.below(LONGEST_GARBAGE);
        let noise = (0..len).map(|_| self.chance.bits() as u8).collect();
        for bytes in [Some(noise), cut].into_iter().flatten() {
            sent.push(Datagram { arrives: at, bytes });
        }
    }

    fn on(&self, at: Mono, kind: FaultKind) -> Option<&Fault> {
        self.faults
            .iter()
            .find(|fault| fault.kind == kind && fault.from <= at && at < fault.until)
    }

    /// The fault that strikes now, if one of this kind does.
    fn strikes(&mut self, at: Mono, kind: FaultKind) -> Option<Fault> {
        let fault = self.on(at, kind)?.clone();
        self.chance.chance(fault.share).then_some(fault)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.chance.uniform() * bound as f64) as usize
    }
}

/// No noise is longer.
const LONGEST_GARBAGE: usize = 200;
