//! One signal controller, beside what its phases show, and what was odd about its news.

use std::time::Duration;

use super::cycle::Cycle;
use super::drift::Drift;
use super::jitter::Jitter;
use super::rounding::Learned;
use crate::clock::Mono;
use crate::report::{ControlMode, InputId};

/// One controller.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) input: InputId,
    pub(super) mode: Option<ControlMode>,
    pub(super) cycle: Cycle,
    pub(super) jitter: Jitter,
    pub(super) drift: Drift,
    pub(super) rounding: Learned,
    /// Of when its newest lamp states are.
    pub(super) heard_at: Option<Mono>,
    /// When it last said anything, of lamps or not.
    word_at: Option<Mono>,
    /// Since when it has spoken without a long silence.
    speaks_since: Option<Mono>,
}

impl Controller {
    pub(super) fn new(input: InputId) -> Self {
        Self {
            input,
            mode: None,
            cycle: Cycle::default(),
            jitter: Jitter::default(),
            drift: Drift::default(),
            rounding: Learned::default(),
            heard_at: None,
            word_at: None,
            speaks_since: None,
        }
    }
}

impl Controller {
    /// It has said something then, of lamps or not.
    pub(super) fn note_word(&mut self, at: Mono, silence: Duration) {
        let before = self.word_at;
        self.word_at = before.max(Some(at));
        if before.is_none_or(|before| at.since(before) > silence) {
            self.speaks_since = Some(at);
        }
    }

    /// Since when it has spoken, of lamps or not; None where it has not for longer than `silence`.
    pub(super) fn speaks_since(&self, at: Mono, silence: Duration) -> Option<Mono> {
        let speaks = self.word_at.is_some_and(|word| at.since(word) <= silence);
        self.speaks_since.filter(|_| speaks)
    }
}

/// What was odd about the news, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// An announced end moved by more than jitter explains.
    pub changed_minds: u64,
    /// A countdown stood still.
    pub stuck_countdowns: u64,
    /// News that were older than others, or brought back a green that had just ended.
    pub out_of_order: u64,
    /// Lamp groups of one phase showed different lights.
    pub disagreeing_lamps: u64,
    /// Phases that must not were green together.
    pub conflicting_greens: u64,
    /// Plans that could not be used: no cycle, cycles of different lengths, or conflicting greens.
    pub refused_plans: u64,
    /// Lamp states that the plan does not contain.
    pub unplanned_states: u64,
    /// News of a controller that rules no phase of the site.
    pub strangers: u64,
    /// Times that a phase was no longer mentioned, or never was, by a controller that spoke.
    pub phases_not_mentioned: u64,
}

impl Oddities {
    /// All of them, by kind.
    pub fn by_kind(&self) -> [(&'static str, u64); 9] {
        [
            ("changed_mind", self.changed_minds),
            ("stuck_countdown", self.stuck_countdowns),
            ("out_of_order", self.out_of_order),
            ("disagreeing_lamps", self.disagreeing_lamps),
            ("conflicting_greens", self.conflicting_greens),
            ("refused_plan", self.refused_plans),
            ("unplanned_state", self.unplanned_states),
            ("stranger", self.strangers),
            ("phase_not_mentioned", self.phases_not_mentioned),
        ]
    }
}
