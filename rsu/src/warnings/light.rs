//! What a signal demands of somebody who will be at its stop line at some moment.

use std::time::Duration;

use crate::clock::Mono;
use crate::report::Light;
use crate::signals::{Basis, End, Start, StateForecast};

/// What the signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Drive, or nobody knows better.
    Go,
    /// Red, most likely.
    Stop,
    /// Red for certain.
    SurelyStop,
}

/// So long into a red an arrival is no longer a matter of the clock's last tenth.
const INTO_RED: Duration = Duration::from_millis(300);
/// A red of unknown end lasts at least that long.
const NO_GREEN_WITHIN: Duration = Duration::from_secs(1);
/// A red that is yet to come is certain from this confidence on.
const SURE_FROM: f32 = 0.8;

/// What a phase demands at the moment `at`, seen from `now`.
pub(super) fn demand(states: &[StateForecast], now: Mono, at: Mono) -> Demand {
    let Some(running) = states.first() else {
        return Demand::Go;
    };
    match running.light {
        Light::Red => red_lasts(running, now, at),
        Light::Green | Light::FlashingGreen | Light::Yellow => red_comes(states, at),
        Light::FlashingRed => Demand::Stop,
        Light::Unknown | Light::Dark | Light::RedYellow | Light::FlashingYellow => Demand::Go,
    }
}

/// People who see a light turn have reacted by then, even slow ones.
const REACTED: Duration = Duration::from_millis(1500);

/// Whether whoever must stop has had the time to begin: before its light turns nobody can know, and for a
/// moment after it nobody has reacted. True where nobody knows since when it shows what it shows.
pub(super) fn is_seen(states: &[StateForecast], now: Mono) -> bool {
    let Some(running) = states.first() else {
        return false;
    };
    if matches!(running.light, Light::Green | Light::FlashingGreen) {
        return false;
    }
    match running.timing.map(|timing| timing.start) {
        Some(Start::Running { since: Some(since) }) if running.light == Light::Yellow => {
            now.since(since) >= REACTED
        }
        _ => true,
    }
}

fn red_lasts(running: &StateForecast, now: Mono, at: Mono) -> Demand {
    let soon = at < now + NO_GREEN_WITHIN;
    match running.timing.map(|timing| timing.end) {
        Some(End::Endless) => Demand::SurelyStop,
        Some(End::At { min, likely, .. }) if at >= likely.max(min.unwrap_or(likely)) => Demand::Go,
        Some(End::At { min, likely, .. }) if at < min.unwrap_or(likely) => Demand::SurelyStop,
        _ if soon => Demand::SurelyStop,
        _ => Demand::Stop,
    }
}

fn red_comes(states: &[StateForecast], at: Mono) -> Demand {
    let red = states
        .iter()
        .skip(1)
        .find(|state| state.light == Light::Red);
    let Some(timing) = red.and_then(|red| red.timing) else {
        return Demand::Go;
    };
    let Start::At(begins) = timing.start else {
        return Demand::Go;
    };
    if at < begins + INTO_RED {
        return Demand::Go;
    }
    // How late the red may be: as late as what runs before it.
    let running = states[0].timing;
    let late = running.and_then(|timing| match timing.end {
        End::At { max, likely, .. } => Some(max.unwrap_or(likely).since(likely)),
        End::Endless => None,
    });
    let trusted = running.is_some_and(|timing| {
        timing.basis != Basis::History && timing.confidence.is_none_or(|sure| sure >= SURE_FROM)
    });
    match late {
        Some(late) if trusted && at >= begins + late + INTO_RED => Demand::SurelyStop,
        _ => Demand::Stop,
    }
}
