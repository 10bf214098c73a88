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
            TimingForm::Counting => Timing::Counting(counting(now, light, timing)),
            TimingForm::Utc => Timing::Utc(utc_timing(now, light, timing)),
        });
        // Nine lights, nine places: a light that is new has a place.
        states.push(PhaseState { light, timing });
    }
    states
}

fn counting(now: Now, light: Light, timing: &signals::Timing) -> Counting {
    let round = Rounding::of(light);
    let left = |moment: Mono, way| tenths(moment.since(now.mono), way);
    let start = match timing.start {
        Start::Running { .. } => Countdown::ZERO,
        // Zero would say that it is on.
        Start::At(start) => {
            left(start, round.start).max(tenths(Duration::from_millis(100), Way::Down))
        }
    };
    Counting {
        start: Some(start),
        ends: ends(&timing.end, round, left, Countdown::HOUR_OR_MORE),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| left(start, round.start)),
        next_duration: timing.next.map(|(_, length)| tenths(length, round.end)),
    }
}

fn utc_timing(now: Now, light: Light, timing: &signals::Timing) -> UtcTiming {
    let round = Rounding::of(light);
    let mark = |moment: Mono, way| {
        let utc = now.utc_at(moment);
        let rounded = match way {
            Way::Down => utc - HALF,
            Way::Up => utc + ALMOST_HALF,
        };
        HourMark::of(rounded, now.utc)
    };
    UtcTiming {
        start: match timing.start {
            Start::Running { since } => since.map(|since| mark(since, round.start)),
            Start::At(start) => Some(mark(start, round.start)),
        },
        ends: ends(&timing.end, round, mark, HourMark::FAR),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| mark(start, round.start)),
        next_end: timing
            .next
            .map(|(start, length)| mark(start + length, round.end)),
    }
}

/// T/CSAE 159-2020: a fixed end is earliest, likely and latest at once; a phase that never changes
/// ends in an hour or more. Bounds that are no fixed end are rounded outwards.
fn ends<M: Mark>(end: &End, round: Rounding, mark: impl Fn(Mono, Way) -> M, endless: M) -> Ends<M> {
    match *end {
        End::Endless => Ends::likely_at(endless),
        End::At { min, likely, max } if min == Some(likely) && max == Some(likely) => {
            Ends::fixed(mark(likely, round.end))
        }
        End::At { min, likely, max } => {
            let likely = mark(likely, round.end);
            let min = min.map(|min| mark(min, Way::Down));
            let max = max.map(|max| mark(max, Way::Up));
            // A forecast out of order keeps what matters most.
            Ends::new(min, Some(likely), max).unwrap_or(Ends::likely_at(likely))
        }
    }
}

/// Which way the ends of a light are rounded to a tenth. Nobody may be promised more of a green or a
/// yellow than there is, nor less of a red: those end too early by up to a tenth, these too late, and
/// what begins then begins no sooner.
#[derive(Clone, Copy, Debug)]
struct Rounding {
    start: Way,
    end: Way,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Down,
    Up,
}

impl Rounding {
    fn of(light: Light) -> Self {
        let (start, end) = match light {
            Light::PermissiveGreen | Light::ProtectedGreen | Light::FlashingGreen => {
                (Way::Up, Way::Down)
            }
            Light::Yellow | Light::FlashingYellow => (Way::Down, Way::Down),
            Light::Red | Light::FlashingRed | Light::Dark | Light::Unavailable => {
                (Way::Down, Way::Up)
            }
        };
        Self { start, end }
    }
}

fn tenths(left: Duration, way: Way) -> Countdown {
    match way {
        Way::Down => Countdown::of(left.saturating_sub(HALF)),
        Way::Up => Countdown::of(left.saturating_add(ALMOST_HALF)),
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

/// What turns rounding to the nearest tenth into rounding down, and up.
const HALF: Duration = Duration::from_millis(50);
const ALMOST_HALF: Duration = Duration::from_nanos(49_999_999);
