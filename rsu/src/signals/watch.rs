//! What one phase shows, since when, and until when by its countdown.

use std::time::Duration;

use v2x_msg::base::PhaseId;

use super::Oddities;
use super::anchor::{Anchor, Heard};
use super::forecast::{End, Start, StateForecast, Timing};
use crate::clock::Mono;
use crate::report::Light;
use crate::site::{self, GreenKind};

/// News further apart may have missed a change in between: a beginning between them is not known.
const MAX_GAP: Duration = Duration::from_millis(1500);
/// A countdown whose beginning was not seen is a whole second vague.
const VAGUE: Duration = Duration::from_secs(1);

/// One phase under watch.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) phase: PhaseId,
    pub(super) green: GreenKind,
    pub(super) lamps: Vec<u16>,
    /// Its controller's place.
    pub(super) controller: usize,
    /// Flashing merged with steady.
    pub(super) light: Light,
    since: Option<Mono>,
    end: Option<Anchor>,
    heard_at: Option<Mono>,
}

impl Watch {
    pub(super) fn new(phase: &site::Phase, controller: usize) -> Self {
        Self {
            phase: phase.id,
            green: phase.green,
            lamps: phase.lamps.clone(),
            controller,
            light: Light::Unknown,
            since: None,
            end: None,
            heard_at: None,
        }
    }

    /// Takes in what the phase shows; true if it is another colour.
    pub(super) fn hear(
        &mut self,
        arrived: Mono,
        light: Light,
        left: Option<Duration>,
        oddities: &mut Oddities,
    ) -> bool {
        let implied = left.map(|left| arrived + left);
        let before = self.heard_at.replace(arrived);
        if light != self.light {
            let seen = self.light != Light::Unknown
                && before.is_some_and(|before| arrived.since(before) <= MAX_GAP);
            self.light = light;
            self.since = seen.then_some(arrived);
            self.end = implied.map(|end| Anchor::new(end, !seen));
            return true;
        }
        match (&mut self.end, implied) {
            (Some(end), Some(implied)) => {
                if end.hear(implied) == Heard::ChangedMind {
                    oddities.changed_minds += 1;
                }
            }
            (end, implied) => *end = implied.map(|at| Anchor::new(at, self.since.is_none())),
        }
        false
    }

    /// The countdown no longer means anything.
    pub(super) fn forget_end(&mut self) {
        self.end = None;
    }

    /// Time since the phase was last mentioned; None if never.
    pub(super) fn age(&self, at: Mono) -> Option<Duration> {
        Some(at.since(self.heard_at?))
    }

    /// Whether the colour is promised to be still on.
    pub(super) fn outlasts(&self, at: Mono) -> bool {
        self.end.is_some_and(|end| end.at > at + VAGUE)
    }

    /// The running state, by countdown alone.
    pub(super) fn running(&self, at: Mono, grace: Duration) -> StateForecast {
        let end = self.end.filter(|end| at.since(end.at) <= grace);
        let timing = end.map(|end| {
            let likely = end.at.max(at);
            let vague = end.is_loose().then_some(((end.at - VAGUE).max(at), likely));
            Timing {
                start: Start::Running { since: self.since },
                end: End::At {
                    min: vague.map(|(min, _)| min),
                    max: vague.map(|(_, max)| max),
                    likely,
                },
                confidence: None,
                next: None,
            }
        });
        StateForecast {
            light: self.light,
            timing,
        }
    }
}
