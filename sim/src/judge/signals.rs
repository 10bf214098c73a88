//! SPAT against the lamps: is the colour right, and does it end when SPAT says?
//!
//! An end that is not settled yet when SPAT tells of it (a green that detectors may extend) is held
//! against what happened, once it has. Beside that stands what the signals' own program had in mind
//! when the lamps were read: the roadside unit cannot know better than the controller.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rsu::clock::{Mono, Utc};
use rsu::report::Light as Lamp;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::spat::{IntersectionState, Light, Phase, PhaseState, Spat, Timing};

use super::samples::Samples;
use super::trace::Trace;
use crate::truth::{Epoch, Truth};
use crate::world::signals::{Shown, Signals};

/// What was found in all SPATs.
#[derive(Clone, Debug, Default)]
pub struct SignalScore {
    /// Phases that showed a colour: each phase of each SPAT once.
    pub phases: u64,
    /// Phases that showed none, because none is known.
    pub withheld: u64,
    /// Of these, those whose light had ended since the lamps were read: nobody has read what came.
    pub unread: u64,
    /// Of those that showed a colour, with the colour that the lamps showed at the time SPAT states.
    pub right: u64,
    /// With the colour that the lamps showed when the SPAT arrived.
    pub right_on_arrival: u64,
    /// The first wrong ones.
    pub wrong: Vec<WrongColour>,
    /// Green on the air while the lamps were red.
    pub wrong_greens: u64,
    /// How long green was on the air after its end.
    pub green_overrun_s: Samples,
    /// Running states.
    pub running: u64,
    /// Of these, with an end.
    pub ended: u64,
    /// Absolute error of the end of a running state, of those that say it.
    pub end_error_s: Samples,
    /// The same against what the controller's program had in mind.
    pub word_error_s: Samples,
    /// Running states that say how early and how late they may end, and those that then did so.
    pub bounds: (u64, u64),
    /// The error with sign and with the time of the SPAT, for a plot; every so many.
    pub trace: Trace<(f64, f64)>,
    /// From the reading of the lamps to the arrival of the SPAT.
    pub age_s: Samples,
    /// What was said of ends that had not come by the end of the run, or for very long: not judged.
    pub unsettled: u64,
    /// What was said of ends that are not settled, by phase, oldest first.
    open: BTreeMap<PhaseId, VecDeque<Claim>>,
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

/// What a SPAT said of the end of a running state.
#[derive(Clone, Copy, Debug)]
struct Claim {
    phase: PhaseId,
    /// A moment within the state.
    at: Mono,
    /// Flashing green is counted to its green.
    joined: bool,
    sent: Mono,
    min: Option<Mono>,
    likely: Option<Mono>,
    max: Option<Mono>,
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
                let Some(state) = running(phase) else {
                    continue;
                };
                if state.light == Light::Unavailable {
                    self.withheld += 1;
                    let lamp = truth.signals().shown(phase.id(), read);
                    let until = lamp.and_then(|lamp| lamp.until);
                    self.unread += u64::from(until.is_some_and(|until| until <= arrived));
                    continue;
                }
                self.judge_phase(phase, state, read, sent, truth, line);
                self.judge_on_arrival(phase.id(), state.light, arrived, truth, line);
            }
        }
        self.settle(truth.signals());
    }

    /// Nothing more will come: what is not settled is not judged.
    pub fn finish(&mut self, signals: &Signals) {
        self.settle(signals);
        let open = std::mem::take(&mut self.open);
        self.unsettled += open.values().map(|claims| claims.len() as u64).sum::<u64>();
    }

    fn judge_on_arrival(
        &mut self,
        phase: PhaseId,
        said: Light,
        arrived: Mono,
        truth: &Truth,
        line: Duration,
    ) {
        let signals = truth.signals();
        if shown_about(signals, phase, said, arrived, line).is_some() {
            self.right_on_arrival += 1;
            return;
        }
        let green = matches!(
            said,
            Light::ProtectedGreen | Light::PermissiveGreen | Light::FlashingGreen
        );
        let Some(shown) = signals.shown(phase, arrived).filter(|_| green) else {
            return;
        };
        match shown.light {
            Lamp::Yellow => self.green_overrun_s.add(arrived.seconds_after(shown.since)),
            _ => self.wrong_greens += 1,
        }
    }

    fn judge_phase(
        &mut self,
        phase: &Phase,
        state: &PhaseState,
        read: Mono,
        sent: Mono,
        truth: &Truth,
        line: Duration,
    ) {
        let signals = truth.signals();
        let id = phase.id();
        self.phases += 1;
        let Some((at, _)) = shown_about(signals, id, state.light, read, line) else {
            if self.wrong.len() < MOST_EXAMPLES {
                self.wrong.push(WrongColour {
                    at: read,
                    phase: id,
                    said: state.light,
                    shown: signals.light(id, read),
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
        let [min, likely, max] = ends(state, sent, truth.epoch());
        self.ended += u64::from(likely.is_some());
        let claim = Claim {
            phase: id,
            at,
            joined,
            sent,
            min,
            likely,
            max,
        };
        if joined && let Some(likely) = likely {
            // A mind changed within the step before the reading was not known then.
            let minds = [at, at + crate::world::STEP].map(|at| truth.expected(id, at));
            let errors = minds.iter().flatten();
            let errors = errors.map(|mind| likely.seconds_after(*mind).abs());
            self.word_error_s.add(errors.fold(f64::NAN, f64::min));
        }
        let open = self.open.entry(id).or_default();
        if open.len() == MOST_OPEN {
            open.pop_front();
            self.unsettled += 1;
        }
        open.push_back(claim);
    }

    /// Judges what has been settled.
    fn settle(&mut self, signals: &Signals) {
        let mut open = std::mem::take(&mut self.open);
        for claims in open.values_mut() {
            while let Some(claim) = claims.front()
                && let Some(until) = claim.ends(signals)
            {
                self.score(claim, until);
                claims.pop_front();
            }
        }
        self.open = open;
    }

    fn score(&mut self, claim: &Claim, until: Mono) {
        if claim.min.is_some() || claim.max.is_some() {
            self.bounds.0 += 1;
            let not_before = claim.min.is_none_or(|min| min <= until + BOUND_SLACK);
            let not_after = claim.max.is_none_or(|max| until <= max + BOUND_SLACK);
            self.bounds.1 += u64::from(not_before && not_after);
        }
        if let Some(said) = claim.likely {
            let error_s = said.seconds_after(until);
            self.end_error_s.add(error_s.abs());
            if self.end_error_s.count().is_multiple_of(TRACE_EVERY) {
                self.trace
                    .push((claim.sent.seconds_after(Mono::ZERO), error_s));
            }
        }
    }
}

impl Claim {
    /// When the state ends that it is about; a flashing green joined to its green goes on.
    fn ends(&self, signals: &Signals) -> Option<Mono> {
        if self.joined {
            return signals.colour_ends(self.phase, self.at);
        }
        signals.shown(self.phase, self.at)?.until
    }
}

/// What a phase shows at `at`, or so near to it that the line or the air cannot tell, if that is
/// `light`; and when it does.
fn shown_about(
    signals: &Signals,
    phase: PhaseId,
    light: Light,
    at: Mono,
    line: Duration,
) -> Option<(Mono, Shown)> {
    // The air resolves a millisecond.
    let slack = line + Duration::from_millis(1);
    [at, at - slack, at + slack]
        .into_iter()
        .filter_map(|at| Some((at, signals.shown(phase, at)?)))
        .find(|(_, shown)| means(light, shown.light))
}

/// The state that is on now: the first, unless another says that it has begun.
fn running(phase: &Phase) -> Option<&PhaseState> {
    phase.current().or(phase.states().first())
}

/// The earliest, likely and latest end of a state.
fn ends(state: &PhaseState, sent: Mono, epoch: Epoch) -> [Option<Mono>; 3] {
    match state.timing {
        None => [None; 3],
        Some(Timing::Counting(counting)) => {
            let ends = counting.ends;
            [ends.min(), ends.likely(), ends.max()]
                .map(|left| left.map(|left| sent + left.duration()))
        }
        Some(Timing::Utc(timing)) => {
            let ends = timing.ends;
            [ends.min(), ends.likely(), ends.max()].map(|mark| {
                let utc: Utc = mark?.near(epoch.utc(sent))?;
                Some(epoch.mono(utc))
            })
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
/// Of one phase: of a light that stays as it is for a quarter of an hour.
const MOST_OPEN: usize = 1 << 13;
/// Every so many errors one is plotted.
const TRACE_EVERY: usize = 16;
/// The air has tenths of a second, and the line its delay.
const BOUND_SLACK: Duration = Duration::from_millis(150);
