//! SPAT against the lamps: is the colour right, and does it end when SPAT says?

use std::time::Duration;

use rsu::clock::{Mono, Utc};
use rsu::report::Light as Lamp;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::spat::{IntersectionState, Light, Phase, PhaseState, Spat, Timing};

use super::samples::Samples;
use crate::truth::{Epoch, Truth};
use crate::world::signals::{Plan, Shown};

/// What was found in all SPATs.
#[derive(Clone, Debug, Default)]
pub struct SignalScore {
    /// Phases that were looked at: each phase of each SPAT once.
    pub phases: u64,
    /// Of these, with the colour that the lamps showed at the time SPAT states.
    pub right: u64,
    /// Of all, with the colour that the lamps showed when the SPAT arrived.
    pub right_on_arrival: u64,
    /// The first wrong ones.
    pub wrong: Vec<WrongColour>,
    /// Running states.
    pub running: u64,
    /// Absolute error of the end of a running state, of those that say it.
    pub end_error_s: Samples,
    /// The same with sign and with the time of the SPAT, for a plot; every so many.
    pub trace: Vec<(f64, f64)>,
    /// From the reading of the lamps to the arrival of the SPAT.
    pub age_s: Samples,
}

/// A phase that SPAT showed in a colour that it did not have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrongColour {
    /// When, by SPAT's own word.
    pub at: Mono,
    /// Which phase.
    pub phase: PhaseId,
    /// What SPAT said.
    pub said: Light,
    /// What the lamps showed.
    pub shown: Lamp,
}

impl SignalScore {
    /// Takes one SPAT. `line` is the longest that a lamp's change takes to reach the roadside unit:
    /// within that time both colours are right.
    pub fn judge(&mut self, spat: &Spat, arrived: Mono, truth: &Truth, line: Duration) {
        let epoch = truth.epoch();
        let about = epoch.utc(arrived);
        let sent = date(spat.moy, spat.time_stamp, about).map(|utc| epoch.mono(utc));
        for intersection in &spat.intersections {
            let Some(read) = collected(intersection, about, epoch).or(sent) else {
                continue;
            };
            self.age_s.add(arrived.seconds_after(read));
            for phase in intersection.phases() {
                let sent = sent.unwrap_or(read);
                self.judge_phase(phase, read, sent, truth, line);
                self.judge_on_arrival(phase, arrived, truth, line);
            }
        }
    }

    fn judge_on_arrival(&mut self, phase: &Phase, arrived: Mono, truth: &Truth, line: Duration) {
        let right = running(phase)
            .and_then(|state| shown_about(truth.plan(), phase.id(), state.light, arrived, line))
            .is_some();
        self.right_on_arrival += u64::from(right);
    }

    fn judge_phase(
        &mut self,
        phase: &Phase,
        read: Mono,
        sent: Mono,
        truth: &Truth,
        line: Duration,
    ) {
        let Some(state) = running(phase) else {
            return;
        };
        let plan = truth.plan();
        self.phases += 1;
        let Some(shown) = shown_about(plan, phase.id(), state.light, read, line) else {
            if self.wrong.len() < MOST_EXAMPLES {
                self.wrong.push(WrongColour {
                    at: read,
                    phase: phase.id(),
                    said: state.light,
                    shown: plan.light(phase.id(), read),
                });
            }
            return;
        };
        self.right += 1;
        self.running += 1;
        let joined = !phase
            .states()
            .iter()
            .any(|state| state.light == Light::FlashingGreen);
        let until = end(plan, phase.id(), shown.light, shown.until, joined);
        let epoch = truth.epoch();
        if let Some(said) = likely_end(state, sent, epoch) {
            let error_s = said.seconds_after(until);
            self.end_error_s.add(error_s.abs());
            if self.end_error_s.count().is_multiple_of(TRACE_EVERY) {
                self.trace.push((sent.seconds_after(Mono::ZERO), error_s));
            }
        }
    }
}

/// What a phase shows at `at`, or so near to it that the line or the air cannot tell, if that is
/// `light`.
fn shown_about(
    plan: &Plan,
    phase: PhaseId,
    light: Light,
    at: Mono,
    line: Duration,
) -> Option<Shown> {
    // The air resolves a millisecond.
    let slack = line + Duration::from_millis(1);
    [at, at - slack, at + slack]
        .into_iter()
        .filter_map(|at| plan.shown(phase, at))
        .find(|shown| means(light, shown.light))
}

/// The state that is on now: the first, unless another says that it has begun.
fn running(phase: &Phase) -> Option<&PhaseState> {
    phase.current().or(phase.states().first())
}

/// When a state ends that shows `light` until `until`; a flashing green joined to its green goes on.
fn end(plan: &Plan, phase: PhaseId, light: Lamp, until: Mono, joined: bool) -> Mono {
    if joined
        && light == Lamp::Green
        && let Some(next) = plan.shown(phase, until)
        && next.light == Lamp::FlashingGreen
    {
        return next.until;
    }
    until
}

fn likely_end(state: &PhaseState, sent: Mono, epoch: Epoch) -> Option<Mono> {
    match state.timing? {
        Timing::Counting(counting) => {
            let left = counting.ends.likely()?;
            Some(sent + left.duration())
        }
        Timing::Utc(timing) => {
            let utc: Utc = timing.ends.likely()?.near(epoch.utc(sent))?;
            Some(epoch.mono(utc))
        }
    }
}

/// Whether `said` on the air is what the standard has for lamps that show `shown`.
fn means(said: Light, shown: Lamp) -> bool {
    match shown {
        Lamp::Red | Lamp::RedYellow => said == Light::Red,
        Lamp::FlashingRed => said == Light::FlashingRed,
        Lamp::Green => matches!(said, Light::ProtectedGreen | Light::PermissiveGreen),
        // T/CSAE 159-2020: normally sent as the green that it ends.
        Lamp::FlashingGreen => matches!(
            said,
            Light::ProtectedGreen | Light::PermissiveGreen | Light::FlashingGreen
        ),
        Lamp::Yellow => said == Light::Yellow,
        Lamp::FlashingYellow => said == Light::FlashingYellow,
        Lamp::Dark => said == Light::Dark,
        Lamp::Unknown => said == Light::Unavailable,
    }
}

fn collected(intersection: &IntersectionState, about: Utc, epoch: Epoch) -> Option<Mono> {
    date(intersection.moy, intersection.time_stamp, about).map(|utc| epoch.mono(utc))
}

/// Minute and millisecond as a moment; the millisecond alone where there is no minute.
fn date(
    minute: Option<v2x_msg::base::MinuteOfYear>,
    ms: Option<v2x_msg::base::DSecond>,
    about: Utc,
) -> Option<Utc> {
    let ms = ms?;
    match minute {
        Some(minute) => {
            let start = minute.near(about);
            Some(start + Duration::from_millis(u64::from(ms.ms())))
        }
        None => Some(ms.near(about)),
    }
}

/// So many wrong colours are told one by one.
const MOST_EXAMPLES: usize = 20;
/// Every so many errors one is plotted.
const TRACE_EVERY: usize = 16;
