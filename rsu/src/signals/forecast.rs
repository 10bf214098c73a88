//! What is known of the signals, as values: moments are monotonic, unknown is None.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::spat::Status;

use super::MAX_PHASES;
use super::history::{Expected, Next};
use super::limits::Limits;
use super::watch::Watch;
use crate::clock::Mono;
use crate::report::Light;
use crate::site::GreenKind;

/// An end is near its likely one within this; a guess between limits is thought over so long before it
/// comes.
const NEAR: Duration = Duration::from_secs(1);
/// Most states of one phase: each light once.
pub(super) const MAX_STATES: usize = 9;

/// All phases of the junction at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// When the newest lamp states arrived.
    pub collected_at: Mono,
    /// How far `collected_at` may be from what the lamps really did.
    pub timing_error: Duration,
    /// How the controllers are being run.
    pub status: Status,
    /// In the site's order.
    pub phases: ArrayVec<PhaseForecast, MAX_PHASES>,
}

impl Forecast {
    /// With nothing told of these phases.
    pub(super) fn of(watches: &[Watch]) -> Self {
        let phase = |watch: &Watch| PhaseForecast {
            phase: watch.phase,
            green: watch.green,
            states: ArrayVec::new(),
        };
        Self {
            collected_at: Mono::ZERO,
            timing_error: Duration::ZERO,
            status: Status::NONE,
            phases: watches.iter().map(phase).collect(),
        }
    }
}

/// What one phase shows, and what it will show.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseForecast {
    /// Which phase.
    pub phase: PhaseId,
    /// What its green means.
    pub green: GreenKind,
    /// The running state first, then in order of their start; each light once.
    pub states: ArrayVec<StateForecast, MAX_STATES>,
}

/// One light of a phase. Flashing green counts as green.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateForecast {
    /// What is shown.
    pub light: Light,
    /// When; None where that is not known.
    pub timing: Option<Timing>,
}

impl StateForecast {
    /// A light with nothing known of its times.
    pub(super) fn bare(light: Light) -> Self {
        Self {
            light,
            timing: None,
        }
    }
}

/// When a light comes and goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Its beginning.
    pub start: Start,
    /// Its end.
    pub end: End,
    /// Probability that the end is within a second of the likely one, 0..=1; None where nobody can
    /// say.
    pub confidence: Option<f32>,
    /// What it rests on.
    pub basis: Basis,
    /// Its next occurrence after this one, and how long that lasts.
    pub next: Option<(Mono, Duration)>,
}

/// What a forecast rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The plan that runs, proved against the lamps.
    Plan,
    /// What the controller announces: a countdown, or the timer of its stage.
    Countdown,
    /// Only how soon and how late the controller's own limits let the light end.
    Limits,
    /// How long this light lasted before.
    History,
}

/// When a state begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// It is on.
    Running {
        /// Since when, if its beginning was seen or is planned.
        since: Option<Mono>,
    },
    /// It is yet to come.
    At(Mono),
}

/// When a state ends: min <= likely <= max.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// At a moment.
    At {
        /// Not before.
        min: Option<Mono>,
        /// Not after.
        max: Option<Mono>,
        /// The best estimate.
        likely: Mono,
    },
    /// Never: the phase has no other state.
    Endless,
}

/// A state that runs as it mostly did before.
pub(super) fn by_history(
    light: Light,
    since: Option<Mono>,
    at: Mono,
    expected: Expected,
) -> StateForecast {
    let ahead = |seconds: f32| at.offset_by(seconds.into());
    let timing = Timing {
        start: Start::Running { since },
        end: End::At {
            min: expected.min_s.map(ahead),
            max: expected.max_s.map(ahead),
            likely: ahead(expected.likely_s),
        },
        confidence: expected.confidence,
        basis: Basis::History,
        next: None,
    };
    let state = StateForecast {
        light,
        timing: Some(timing),
    };
    with_next(state, expected.next_s)
}

/// A state of which only its controller's limits are known: the likely end is the middle of what is left
/// between them, thought over when that is near, and no surer than if every moment left between them were
/// as likely as the next. Without timing where one of them is not known.
pub(super) fn by_limits(
    light: Light,
    since: Option<Mono>,
    at: Mono,
    limits: Limits,
) -> StateForecast {
    let both = limits.min.zip(limits.max.filter(|max| *max > at));
    let timing = both.map(|(min, max)| {
        let mut step = max.since(min) / 2;
        let mut likely = min + step;
        while likely < at + NEAR && step > NEAR {
            step /= 2;
            likely += step;
        }
        let left = max.since(min.max(at));
        let within = 2.0 * NEAR.as_secs_f32() / left.as_secs_f32();
        Timing {
            start: Start::Running { since },
            end: End::At {
                min: Some(min),
                max: Some(max),
                likely: if likely < at { max } else { likely },
            },
            confidence: Some(within.min(1.0)),
            basis: Basis::Limits,
            next: None,
        }
    });
    StateForecast { light, timing }
}

/// A forecast end that keeps to the limits that the controller itself has set.
pub(super) fn within(mut state: StateForecast, limits: Limits, at: Mono) -> StateForecast {
    let Some(Timing {
        end: End::At { min, max, likely },
        ..
    }) = &mut state.timing
    else {
        return state;
    };
    if let Some(earliest) = limits.min.map(|min| min.max(at)) {
        *min = Some(min.map_or(earliest, |min| min.max(earliest)));
        *likely = (*likely).max(earliest);
    }
    if let Some(latest) = limits.max.map(|max| max.max(at)) {
        *max = Some(max.map_or(latest, |max| max.min(latest)));
        *likely = (*likely).min(latest);
    }
    *min = min.map(|min| min.min(*likely));
    *max = max.map(|max| max.max(*likely));
    state
}

/// A running state with the next time that its light comes, as far as the past tells.
pub(super) fn with_next(mut state: StateForecast, next: Option<Next>) -> StateForecast {
    if let (Some(timing), Some(next)) = (&mut state.timing, next)
        && let End::At { likely, .. } = timing.end
    {
        let start = likely.offset_by(next.away_s.into());
        timing.next = Some((start, Duration::from_secs_f32(next.length_s.max(0.0))));
    }
    state
}

/// Gives the running state bounds that lie so far before and after its likely end, or none, and takes
/// them from what follows; all are so sure.
pub(super) fn loosen(
    states: &mut [StateForecast],
    margins: Option<(Duration, Duration)>,
    sure: Option<f32>,
    at: Mono,
) {
    for (place, state) in states.iter_mut().enumerate() {
        let Some(timing) = &mut state.timing else {
            continue;
        };
        timing.confidence = sure;
        if let End::At { min, max, likely } = &mut timing.end {
            let around = margins.filter(|_| place == 0);
            let around = around.map(|(early, late)| {
                let earliest = min.unwrap_or(*likely).min(*likely - early);
                (earliest.max(at).min(*likely), *likely + late)
            });
            (*min, *max) = around.unzip();
        }
    }
}

/// Leaves away what comes after the running state and does not end while its basis holds.
pub(super) fn only(states: &mut ArrayVec<StateForecast, MAX_STATES>, holds: impl Fn(Mono) -> bool) {
    let mut running = true;
    states.retain(|state| {
        let end = state.timing.map(|timing| timing.end);
        let holds = match end {
            Some(End::At { likely, .. }) => holds(likely),
            Some(End::Endless) | None => true,
        };
        std::mem::take(&mut running) || holds
    });
    for timing in states.iter_mut().filter_map(|state| state.timing.as_mut()) {
        let next = timing.next;
        timing.next = next.filter(|(start, length)| holds(*start + *length));
    }
}

/// Takes the bounds and the confidence from every state: something speaks against the likely ends.
pub(super) fn unsettle(states: &mut [StateForecast]) {
    for timing in states.iter_mut().filter_map(|state| state.timing.as_mut()) {
        if let End::At { min, max, .. } = &mut timing.end {
            (*min, *max) = (None, None);
        }
        timing.confidence = None;
    }
}

/// Takes from the confidence of every state: `share` of it stays.
pub(super) fn doubt(states: &mut [StateForecast], share: f32) {
    for timing in states.iter_mut().filter_map(|state| state.timing.as_mut()) {
        timing.confidence = timing.confidence.map(|confidence| confidence * share);
    }
}
