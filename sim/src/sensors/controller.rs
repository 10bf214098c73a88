//! The signal controller: what it says when, whatever its protocol.
//!
//! Lamp states each period, counted from the beginning of its program, and at once on a change of
//! colour; the plan at the start of each cycle where there are cycles; how it is run where that can
//! change. A countdown is the whole seconds left in the same colour, flashing counted with steady, as
//! a recorded controller has it, by what the program has in mind: none where the program does not
//! know. Its clock may be off: nobody should date anything by it.

use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::report::{ControlMode, LampPlan, LampState, LampStates, PlanStep, SignalPlan};
use rsu::site::Site;
use v2x_msg::base::PhaseId;

use super::faults::Faults;
use super::{gat1743, gb20999};
use crate::random::{Purpose, Stream};
use crate::scenario::{ControllerTable, Language};
use crate::world::signals::{ROUNDING, Signals};

/// The controller and its line to the roadside unit.
#[derive(Debug)]
pub struct Controller {
    voice: Voice,
    lamps: Vec<(u16, PhaseId)>,
    origin: Duration,
    period: Duration,
    on_change: bool,
    /// Tells how it is run, because that can change.
    tells_mode: bool,
    mode_told: Option<(ControlMode, Mono)>,
    delay_ms: [f64; 2],
    clock_off_ms: i32,
    delays: Stream,
    faults: Faults,
    /// When it spoke last of its own accord.
    said: Mono,
    /// When it speaks next.
    due: Mono,
}

/// What it speaks.
#[derive(Debug)]
enum Voice {
    /// It says what its lamps show, with countdowns.
    Gat1743(Box<gat1743::Voice>),
    /// It is asked for its stage.
    Gb20999(Box<gb20999::Voice>),
}

/// Something that a controller says.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one call; nothing is stored"
)]
pub enum Saying {
    /// What the lamps show.
    Lamps(LampStates),
    /// The cycle that runs.
    Plan(SignalPlan),
    /// How it is run.
    Mode(ControlMode),
}

/// What can be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What the lamps show.
    Lamps,
    /// The cycle that runs.
    Plan,
    /// How it is run.
    Mode,
}

/// A datagram of the controller on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// When it arrives.
    pub arrives: Mono,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Controller {
    /// The controller of a site's phases; it speaks at its first beat from `now` on.
    pub fn new(
        table: &ControllerTable,
        site: &Site,
        signals: &Signals,
        faults: Faults,
        seed: u64,
        now: Mono,
    ) -> Self {
        let lamps: Vec<(u16, PhaseId)> = site
            .phases
            .iter()
            .flat_map(|phase| phase.lamps.iter().map(|&lamp| (lamp, phase.id)))
            .collect();
        let mut controller = Self {
            voice: match table.protocol {
                Language::Gat1743 => Voice::Gat1743(Box::new(gat1743::Voice::new(table, site))),
                Language::Gb20999 => {
                    Voice::Gb20999(Box::new(gb20999::Voice::new(signals, &lamps, table.line)))
                }
            },
            lamps,
            origin: signals.origin(),
            period: Duration::from_millis(u64::from(table.period_ms.max(1))),
            on_change: table.on_change,
            tells_mode: matches!(signals, Signals::Live(_)),
            mode_told: None,
            delay_ms: table.delay_ms,
            clock_off_ms: table.clock_off_ms,
            delays: Stream::new(seed, 0, Purpose::Delivery),
            faults,
            said: now,
            due: now,
        };
        if controller.within_period(now) >= ROUNDING {
            controller.due = controller.after(now, signals);
        }
        controller
    }

    /// When [`Controller::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Mono {
        self.due
    }

    /// Looks at what has been settled since: a change of colour may come sooner.
    pub fn follow(&mut self, signals: &Signals) {
        if self.due > self.said {
            self.due = self.after(self.said, signals);
        }
    }

    /// Says what is due at `now`.
    pub fn handle_timeout(&mut self, now: Now, signals: &Signals, sent: &mut Vec<Datagram>) {
        if now.mono < self.due {
            return;
        }
        let at = self.due;
        self.said = at;
        if let Voice::Gb20999(voice) = &mut self.voice {
            let bytes = voice.report(signals, at, &mut self.faults);
            self.deliver(at, bytes, sent);
            self.faults.babble(at, sent);
            self.due = self.after(at, signals);
            return;
        }
        if self.tells_mode {
            let mode = signals.mode(at);
            let stale =
                |(told, then): (ControlMode, Mono)| told != mode || at.since(then) >= MODE_PERIOD;
            if self.mode_told.is_none_or(stale) {
                self.mode_told = Some((mode, at));
                self.send(now, at, None, &Saying::Mode(mode), sent);
            }
        }
        if signals.cycle_begins(at) {
            self.answer(now, at, None, Topic::Plan, signals, sent);
        }
        self.answer(now, at, None, Topic::Lamps, signals, sent);
        self.faults.babble(at, sent);
        self.due = self.after(at, signals);
    }

    /// Answers what the roadside unit asked.
    pub fn handle_datagram(
        &mut self,
        now: Now,
        signals: &Signals,
        datagram: &[u8],
        sent: &mut Vec<Datagram>,
    ) {
        let utc = self.own_clock(now.utc, now.mono);
        match &mut self.voice {
            Voice::Gat1743(voice) => {
                for (asker, topic) in voice.questions(datagram) {
                    self.answer(now, now.mono, Some(asker), topic, signals, sent);
                }
            }
            Voice::Gb20999(voice) => {
                for bytes in voice.answers(signals, now.mono, utc, &mut self.faults, datagram) {
                    self.deliver(now.mono, bytes, sent);
                }
            }
        }
    }

    fn answer(
        &mut self,
        now: Now,
        at: Mono,
        asker: Option<rsu::inputs::gat1743::Address>,
        topic: Topic,
        signals: &Signals,
        sent: &mut Vec<Datagram>,
    ) {
        let what = match topic {
            Topic::Lamps => Saying::Lamps(self.lamp_states(signals, at)),
            Topic::Plan => match self.signal_plan(signals, at) {
                Some(plan) => Saying::Plan(plan),
                None => return,
            },
            Topic::Mode => Saying::Mode(signals.mode(at)),
        };
        self.send(now, at, asker, &what, sent);
    }

    fn send(
        &mut self,
        now: Now,
        at: Mono,
        asker: Option<rsu::inputs::gat1743::Address>,
        what: &Saying,
        sent: &mut Vec<Datagram>,
    ) {
        let utc = self.own_clock(now.utc_at(at), at);
        let Voice::Gat1743(voice) = &mut self.voice else {
            return;
        };
        let mut bytes = Vec::new();
        voice.say(utc, asker, what, &mut bytes);
        self.deliver(at, bytes, sent);
    }

    /// Sends a datagram down the line.
    fn deliver(&mut self, at: Mono, bytes: Vec<u8>, sent: &mut Vec<Datagram>) {
        let [least_ms, most_ms] = self.delay_ms;
        let delay_ms = self.delays.between(least_ms, most_ms);
        // One line: what is said first arrives first.
        let last = sent.last().map_or(Mono::ZERO, |datagram| datagram.arrives);
        let arrives = at.offset_by(delay_ms / 1e3).max(last);
        self.faults.carry(at, Datagram { arrives, bytes }, sent);
    }

    /// What it says that the lamps show at `at`, with countdowns.
    pub fn lamp_states(&mut self, signals: &Signals, at: Mono) -> LampStates {
        let lamps = self.lamps.iter().filter_map(|&(lamp, phase)| {
            let shown = signals.shown(phase, at)?;
            let left_s = signals
                .colour_expected(phase, at)
                .map(|until| (until.since(at) + ROUNDING).as_secs_f64().floor());
            Some(LampState {
                lamp,
                light: shown.light,
                countdown_s: left_s.map(|left_s| (left_s as u16).max(1)),
            })
        });
        let mut states = LampStates {
            lamps: lamps.take(rsu::report::MAX_LAMPS).collect(),
            ..LampStates::default()
        };
        self.faults.lie(at, &self.lamps, &mut states);
        states
    }

    /// The cycle that runs at `at`; None if it has none.
    pub fn signal_plan(&self, signals: &Signals, at: Mono) -> Option<SignalPlan> {
        let plans = signals.cycle(at)?;
        let lamps = self.lamps.iter().filter_map(|&(lamp, phase)| {
            let plan = plans.iter().find(|plan| plan.phase == phase)?;
            let steps = plan.steps.iter().map(|step| PlanStep {
                light: step.light,
                duration_s: step.duration.as_secs() as u16,
            });
            Some(LampPlan {
                lamp,
                steps: steps.take(rsu::report::MAX_STEPS).collect(),
            })
        });
        Some(SignalPlan {
            lamps: lamps.take(rsu::report::MAX_LAMPS).collect(),
        })
    }

    fn own_clock(&self, utc: Utc, at: Mono) -> Utc {
        let off_ms = i64::from(self.clock_off_ms) + self.faults.clock_off_ms(at);
        let off = Duration::from_millis(off_ms.unsigned_abs());
        if off_ms < 0 { utc - off } else { utc + off }
    }

    fn within_period(&self, at: Mono) -> Duration {
        let period_ns = self.period.as_nanos() as u64;
        let origin_ns = self.origin.as_nanos() as u64 % period_ns;
        Duration::from_nanos((at.nanos() % period_ns + period_ns - origin_ns) % period_ns)
    }

    /// The next beat, or settled change of a lamp if it says those at once.
    fn after(&self, at: Mono, signals: &Signals) -> Mono {
        let beat = match self.voice {
            Voice::Gat1743(_) => at + (self.period - self.within_period(at)),
            // It is asked.
            Voice::Gb20999(_) => Mono::NEVER,
        };
        if self.on_change {
            beat.min(signals.next_change(at))
        } else {
            beat
        }
    }
}

/// How it is run is told again after so long.
const MODE_PERIOD: Duration = Duration::from_secs(10);
