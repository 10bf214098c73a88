//! What the lamps really show, at any moment, and why they change.
//!
//! - [`plan`]: fixed time, a function of the clock alone
//! - [`head`]: signals that decide: actuated, coordinated, favouring buses, pre-empted
//!
//! [`Signals`] is either. Drivers look at the lamps, the controllers of `sensors` turn them into
//! bytes, the judge holds broadcasts against them. Neither a protocol nor a line is known here.

pub mod head;
pub mod plan;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::{ControlMode, Light};
use v2x_msg::base::PhaseId;

pub use head::{Control, Detected, Head, HeadStage, Preempt};
pub use plan::{NotAPlan, PhasePlan, Plan, Stage, Step};

/// The signals of a junction.
#[derive(Clone, Debug, PartialEq)]
pub enum Signals {
    /// A plan that repeats for ever.
    Fixed(Plan),
    /// A program that decides.
    Live(Box<Head>),
}

/// What a phase shows at a moment, and between which moments it shows just that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The light.
    pub light: Light,
    /// Since when; [`Mono::ZERO`] if since before the simulation began.
    pub since: Mono,
    /// Until when: the first moment of another light. None while that is not settled.
    pub until: Option<Mono>,
}

/// A stage under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub stage: usize,
    /// Since when.
    pub begins: Mono,
    /// When its green ends, as things stand; at the latest where nobody can say.
    pub green_ends: Mono,
    /// When it ends, clearance included.
    pub ends: Mono,
}

impl Signals {
    /// Decides what begins in the next step after the one from `now` on, and before.
    ///
    /// Decisions look a step ahead, so that whatever has been asked of a moment stays true.
    pub fn follow(&mut self, now: Mono, detected: &[Detected]) {
        if let Self::Live(head) = self {
            head.follow(now, detected);
        }
    }

    /// How far before the stop line its detectors look, in metres; None where there are none.
    pub fn detectors_m(&self) -> Option<f64> {
        match self {
            Self::Fixed(_) => None,
            Self::Live(head) => Some(head.control().reach_m()),
        }
    }

    /// Every phase, by number.
    pub fn phases(&self) -> Vec<PhaseId> {
        match self {
            Self::Fixed(plan) => plan.phases().iter().map(|plan| plan.phase).collect(),
            Self::Live(head) => head.phases().to_vec(),
        }
    }

    /// What `phase` shows at `at`; None if there is no such phase.
    pub fn shown(&self, phase: PhaseId, at: Mono) -> Option<Shown> {
        match self {
            Self::Fixed(plan) => plan.shown(phase, at),
            Self::Live(head) => head.shown(phase, at),
        }
    }

    /// The light of `phase` at `at`; dark if there is no such phase.
    pub fn light(&self, phase: PhaseId, at: Mono) -> Light {
        self.shown(phase, at)
            .map_or(Light::Dark, |shown| shown.light)
    }

    /// When the colour of `phase` ends, flashing green counted to its green, once that is settled.
    pub fn colour_ends(&self, phase: PhaseId, at: Mono) -> Option<Mono> {
        let shown = self.shown(phase, at)?;
        let until = shown.until?;
        if shown.light == Light::Green
            && let Some(next) = self.shown(phase, until)
            && next.light == Light::FlashingGreen
        {
            return next.until;
        }
        Some(until)
    }

    /// The same as the program has it at `at`: it may still change its mind. None where it does not
    /// know itself.
    pub fn colour_expected(&self, phase: PhaseId, at: Mono) -> Option<Mono> {
        match self {
            Self::Fixed(_) => self.colour_ends(phase, at),
            Self::Live(head) => head.colour_expected(phase, at),
        }
    }

    /// The next settled change of any lamp after `at`.
    pub fn next_change(&self, at: Mono) -> Mono {
        self.phases()
            .into_iter()
            .filter_map(|phase| self.shown(phase, at)?.until)
            .fold(Mono::NEVER, Mono::min)
    }

    /// Whether a cycle begins at `at`, of a program that has cycles.
    pub fn cycle_begins(&self, at: Mono) -> bool {
        match self {
            Self::Fixed(plan) => plan.into_cycle(at) < ROUNDING,
            Self::Live(head) => head.cycle_begins(at),
        }
    }

    /// The cycle that runs at `at`, as the program has it then; None if it has none.
    pub fn cycle(&self, at: Mono) -> Option<Vec<PhasePlan>> {
        match self {
            Self::Fixed(plan) => Some(plan.phases().to_vec()),
            Self::Live(head) => head.cycle(at),
        }
    }

    /// From this time into the simulation its seconds are counted.
    pub fn origin(&self) -> Duration {
        match self {
            Self::Fixed(plan) => plan.offset(),
            Self::Live(head) => head.offset(),
        }
    }

    /// The stages in their order, with their nominal times.
    pub fn stages(&self) -> Vec<Stage> {
        match self {
            Self::Fixed(plan) => plan.stages().to_vec(),
            Self::Live(head) => head.stages(),
        }
    }

    /// The least and the greatest green of each stage, in their order; None where it is always the same.
    pub fn green_limits(&self) -> Option<Vec<(Duration, Duration)>> {
        match self {
            Self::Fixed(_) => None,
            Self::Live(head) => Some(head.green_limits()),
        }
    }

    /// The stage that runs at `at`; what is before the first counts as the last.
    pub fn stage_at(&self, at: Mono) -> Running {
        match self {
            Self::Fixed(plan) => plan.stage_at(at),
            Self::Live(head) => head.stage_at(at),
        }
    }

    /// How the junction is run at `at`.
    pub fn mode(&self, at: Mono) -> ControlMode {
        match self {
            Self::Fixed(_) => ControlMode::FixedTime,
            Self::Live(head) => head.mode(at),
        }
    }
}

/// Times of signals are whole milliseconds; sums of them are not off by more.
pub const ROUNDING: Duration = Duration::from_micros(10);
