//! Phases that must not be green together, by the site.
//!
//! Two such greens never leave: while both are said to be on, nothing is told of any light; where a
//! green that is to come would meet another, its times are not told. Not here: which phases conflict,
//! which the site knows.

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;

use super::MAX_PHASES;
use super::forecast::{End, PhaseForecast, Start, StateForecast, Timing};
use super::watch::Watch;
use crate::clock::Mono;
use crate::report::Light;

/// The pairs, and the first that is green together while it is.
#[derive(Debug)]
pub(super) struct Conflicts {
    pairs: Vec<(usize, usize)>,
    found: Option<(PhaseId, PhaseId)>,
}

impl Conflicts {
    pub(super) fn new(watches: &[Watch], conflict: impl Fn(PhaseId, PhaseId) -> bool) -> Self {
        let mut pairs = Vec::new();
        for (b, later) in watches.iter().enumerate() {
            let earlier = watches[..b].iter().enumerate();
            let against = earlier.filter(|(_, watch)| conflict(watch.phase, later.phase));
            pairs.extend(against.map(|(a, _)| (a, b)));
        }
        Self { pairs, found: None }
    }

    /// Places of phases.
    pub(super) fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The pair that is green together.
    pub(super) fn found(&self) -> Option<(PhaseId, PhaseId)> {
        self.found
    }

    /// Looks for two that are green together; true if that has begun.
    pub(super) fn look(&mut self, watches: &[Watch], green: impl Fn(usize) -> bool) -> bool {
        let mut on = [false; MAX_PHASES];
        for (place, on) in on.iter_mut().take(watches.len()).enumerate() {
            *on = green(place);
        }
        let found = self.pairs.iter().find(|(a, b)| on[*a] && on[*b]);
        let found = found.map(|(a, b)| (watches[*a].phase, watches[*b].phase));
        let before = std::mem::replace(&mut self.found, found);
        before.is_none() && found.is_some()
    }

    /// Takes the times from greens that would meet: plans of two controllers may not fit together.
    pub(super) fn part_greens(&self, phases: &mut ArrayVec<PhaseForecast, MAX_PHASES>) {
        for (a, b) in &self.pairs {
            let (Some(one), Some(other)) = (green(&phases[*a]), green(&phases[*b])) else {
                continue;
            };
            if one.0 < other.1 && other.0 < one.1 {
                for place in [*a, *b] {
                    keep_running(&mut phases[place]);
                }
            }
        }
    }
}

/// From when to when a phase may be green.
fn green(phase: &PhaseForecast) -> Option<(Mono, Mono)> {
    let mut states = phase.states.iter();
    let timing = states.find(|state| state.light == Light::Green)?.timing?;
    let from = match timing.start {
        Start::Running { .. } => Mono::ZERO,
        Start::At(start) => start,
    };
    match timing.end {
        End::Endless => Some((from, Mono::NEVER)),
        End::At { max, likely, .. } => Some((from, max.map_or(likely, |max| max.max(likely)))),
    }
}

/// Only what is on now, without what follows.
fn keep_running(phase: &mut PhaseForecast) {
    phase.states.truncate(1);
    let unfollowed = |timing: Timing| Timing {
        next: None,
        ..timing
    };
    for StateForecast { timing, .. } in &mut phase.states {
        *timing = timing.map(unfollowed);
    }
}
