//! One signal controller, beside what its phases show, and what was odd about its news.

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
        }
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
}
