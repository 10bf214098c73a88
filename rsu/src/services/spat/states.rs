//! The states of a phase in the lights and times of the air.
//!
//! The forecast lists each light once, with what belongs together joined (a flashing green and its
//! green); the standard allows each light of the air once. Not here: where the times come from.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{Confidence, Countdown, HourMark};
use v2x_msg::kinds::spat::{
    Counting, Ends, Light, MAX_STATES, Mark, PhaseState, Timing, UtcTiming,
};

use super::{Config, TimingForm};
use crate::clock::{Mono, Now};
use crate::report;
use crate::signals::{self, End, GreenKind, PhaseForecast, Start};

/// The states of one phase in the lights of the air; of two in the same light, the first.
pub(super) fn states(
    config: &Config,
    now: Now,
    phase: &PhaseForecast,
) -> ArrayVec<PhaseState, MAX_STATES> {
    let mut states = ArrayVec::<PhaseState, MAX_STATES>::new();
    for state in &phase.states {
        let light = light(state.light, phase.green);
        if states.iter().any(|earlier| earlier.light == light) {
            continue;
        }
        let timing = state.timing.as_ref().map(|timing| match config.form {
            TimingForm::Counting => Timing::Counting(counting(now, timing)),
            TimingForm::Utc => Timing::Utc(utc_timing(now, timing)),
        });
        // Nine lights, nine places: a light that is new has a place.
        states.push(PhaseState { light, timing });
    }
    states
}

fn counting(now: Now, timing: &signals::Timing) -> Counting {
    let left = |moment: Mono| Countdown::of(moment.since(now.mono));
    let start = match timing.start {
        Start::Running { .. } => Countdown::ZERO,
        // Zero would say that it is on.
        Start::At(start) => Countdown::of(start.since(now.mono).max(TENTH)),
    };
    Counting {
        start: Some(start),
        ends: ends(&timing.end, left, Countdown::HOUR_OR_MORE),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| left(start)),
        next_duration: timing.next.map(|(_, length)| Countdown::of(length)),
    }
}

fn utc_timing(now: Now, timing: &signals::Timing) -> UtcTiming {
    let mark = |moment: Mono| HourMark::of(now.utc_at(moment), now.utc);
    UtcTiming {
        start: match timing.start {
            Start::Running { since } => since.map(mark),
            Start::At(start) => Some(mark(start)),
        },
        ends: ends(&timing.end, mark, HourMark::FAR),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| mark(start)),
        next_end: timing.next.map(|(start, length)| mark(start + length)),
    }
}

/// T/CSAE 159-2020: a fixed end is earliest, likely and latest at once; a phase that never changes
/// ends in an hour or more.
fn ends<M: Mark>(end: &End, mark: impl Fn(Mono) -> M, endless: M) -> Ends<M> {
    match *end {
        End::Endless => Ends::likely_at(endless),
        End::At { min, likely, max } => {
            let likely = mark(likely);
            // A forecast out of order keeps what matters most.
            Ends::new(min.map(&mark), Some(likely), max.map(&mark))
                .unwrap_or(Ends::likely_at(likely))
        }
    }
}

fn confidence(share: Option<f32>) -> Option<Confidence> {
    Confidence::nearest_percent(f64::from(share?) * 100.0)
}

fn light(shown: report::Light, green: GreenKind) -> Light {
    use report::Light as Shown;
    match (shown, green) {
        (Shown::Unknown, _) => Light::Unavailable,
        (Shown::Dark, _) => Light::Dark,
        // Red and yellow before green has no light of its own on the air; one must still stop.
        (Shown::Red | Shown::RedYellow, _) => Light::Red,
        (Shown::FlashingRed, _) => Light::FlashingRed,
        (Shown::FlashingGreen, _) => Light::FlashingGreen,
        (Shown::Green, GreenKind::Protected) => Light::ProtectedGreen,
        (Shown::Green, GreenKind::Permissive) => Light::PermissiveGreen,
        (Shown::Yellow, _) => Light::Yellow,
        (Shown::FlashingYellow, _) => Light::FlashingYellow,
    }
}

const TENTH: Duration = Duration::from_millis(100);
