//! Fixed time: a plan that repeats for ever.
//!
//! A plan is a list of stages; each phase is green in one of them, with flashing green, yellow and
//! all-red after it, and red for the rest of the cycle. What is shown is a function of time alone:
//! nobody counts seconds down, so nothing can drift.

use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::PhaseId;

use super::{Running, Shown};

/// One stage of a cycle: the phases that are green together, and how the green ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Green in this stage and red in every other.
    pub phases: Vec<PhaseId>,
    /// Steady green.
    pub green: Duration,
    /// Flashing green after it.
    pub flashing_green: Duration,
    /// Yellow after that.
    pub yellow: Duration,
    /// Red for everybody before the next stage begins.
    pub all_red: Duration,
}

impl Stage {
    /// From the end of its green to the start of the next stage.
    pub fn clearance(&self) -> Duration {
        self.flashing_green + self.yellow + self.all_red
    }

    /// From the start of its green to the start of the next stage.
    pub fn length(&self) -> Duration {
        self.green + self.clearance()
    }
}

/// Why stages do not make a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlan {
    /// A cycle of no length.
    #[error("the plan has no stage with a green")]
    Empty,
    /// A phase is green twice in a cycle.
    #[error("phase {0} is in two stages")]
    Twice(PhaseId),
}

/// A fixed-time plan that runs for ever, backwards and forwards in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    stages: Vec<Stage>,
    cycle: Duration,
    /// A cycle began at this time into the simulation.
    offset: Duration,
    phases: Vec<PhasePlan>,
}

/// One phase's steps from the start of a cycle; the first and last may show the same light.
#[derive(Clone, Debug, PartialEq)]
pub struct PhasePlan {
    /// Whose steps these are.
    pub phase: PhaseId,
    /// What is shown and for how long; the durations sum to the cycle.
    pub steps: Vec<Step>,
}

/// A light and how long it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is shown.
    pub light: Light,
    /// For how long.
    pub duration: Duration,
}

impl Plan {
    /// The plan with these stages in this order; a cycle begins `offset` into the simulation.
    pub fn new(stages: Vec<Stage>, offset: Duration) -> Result<Self, NotAPlan> {
        let cycle: Duration = stages.iter().map(Stage::length).sum();
        if cycle.is_zero() {
            return Err(NotAPlan::Empty);
        }
        let mut phases: Vec<PhasePlan> = Vec::new();
        let mut begins = Duration::ZERO;
        for stage in &stages {
            for &phase in &stage.phases {
                if phases.iter().any(|plan| plan.phase == phase) {
                    return Err(NotAPlan::Twice(phase));
                }
                phases.push(PhasePlan {
                    phase,
                    steps: steps(stage, begins, cycle),
                });
            }
            begins += stage.length();
        }
        phases.sort_by_key(|plan| plan.phase);
        Ok(Self {
            stages,
            cycle,
            offset,
            phases,
        })
    }

    /// Length of a cycle.
    pub fn cycle(&self) -> Duration {
        self.cycle
    }

    /// The stages in their order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Every phase of the plan, by number.
    pub fn phases(&self) -> &[PhasePlan] {
        &self.phases
    }

    /// Into the simulation, when a cycle began.
    pub fn offset(&self) -> Duration {
        self.offset
    }

    /// Time into the cycle at `at`.
    pub fn into_cycle(&self, at: Mono) -> Duration {
        let cycle = self.cycle.as_nanos();
        let offset = self.offset.as_nanos() % cycle;
        let into = (u128::from(at.nanos()) + cycle - offset) % cycle;
        Duration::from_nanos(u64::try_from(into).unwrap_or(0))
    }

    /// The stage that runs at `at`.
    pub fn stage_at(&self, at: Mono) -> Running {
        let mut into = self.into_cycle(at);
        let mut stage = 0;
        while into >= self.stages[stage].length() && stage + 1 < self.stages.len() {
            into -= self.stages[stage].length();
            stage += 1;
        }
        let begins = at - into;
        // A beginning before the origin is cut off there; the end is not.
        let ends = at + self.stages[stage].length().saturating_sub(into);
        Running {
            stage,
            begins,
            green_ends: ends - self.stages[stage].clearance(),
            ends,
        }
    }

    /// What `phase` shows at `at`; None if the plan has no such phase.
    pub fn shown(&self, phase: PhaseId, at: Mono) -> Option<Shown> {
        let plan = self.phases.iter().find(|plan| plan.phase == phase)?;
        Some(plan.shown(self.into_cycle(at), at))
    }

    /// The light of `phase` at `at`; dark if the plan has no such phase.
    pub fn light(&self, phase: PhaseId, at: Mono) -> Light {
        self.shown(phase, at)
            .map_or(Light::Dark, |shown| shown.light)
    }
}

impl PhasePlan {
    fn shown(&self, into_cycle: Duration, at: Mono) -> Shown {
        let mut begins = Duration::ZERO;
        let mut i = 0;
        while begins + self.steps[i].duration <= into_cycle && i + 1 < self.steps.len() {
            begins += self.steps[i].duration;
            i += 1;
        }
        let light = self.steps[i].light;
        let mut back = into_cycle.saturating_sub(begins);
        let mut ahead = (begins + self.steps[i].duration).saturating_sub(into_cycle);
        // The same light may go on over the end of the cycle.
        let count = self.steps.len();
        for step in (1..count).map(|n| self.steps[(i + n) % count]) {
            if step.light != light {
                break;
            }
            ahead += step.duration;
        }
        for step in (1..count).map(|n| self.steps[(i + count - n) % count]) {
            if step.light != light {
                break;
            }
            back += step.duration;
        }
        Shown {
            light,
            since: at - back,
            until: Some(at + ahead),
        }
    }
}

/// The steps of a phase of `stage`, which begins at `begins` in a cycle of this length.
pub(super) fn steps(stage: &Stage, begins: Duration, cycle: Duration) -> Vec<Step> {
    let own = stage.green + stage.flashing_green + stage.yellow;
    [
        (Light::Red, begins),
        (Light::Green, stage.green),
        (Light::FlashingGreen, stage.flashing_green),
        (Light::Yellow, stage.yellow),
        (Light::Red, cycle - begins - own),
    ]
    .into_iter()
    .filter(|(_, duration)| !duration.is_zero())
    .map(|(light, duration)| Step { light, duration })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(id: u8) -> PhaseId {
        PhaseId::new(id).expect("not zero")
    }

    fn at(seconds: f64) -> Mono {
        Mono::ZERO.offset_by(seconds)
    }

    /// Plan P1: 100 s, four stages of green 18, flashing green 3, yellow 3, all red 1.
    fn p1() -> Plan {
        let stage = |id| Stage {
            phases: vec![phase(id)],
            green: Duration::from_secs(18),
            flashing_green: Duration::from_secs(3),
            yellow: Duration::from_secs(3),
            all_red: Duration::from_secs(1),
        };
        Plan::new((1..=4).map(stage).collect(), Duration::from_secs(7)).expect("a plan")
    }

    #[test]
    fn a_cycle_of_p1_lasts_100_s() {
        assert_eq!(p1().cycle(), Duration::from_secs(100));
        for plan in p1().phases() {
            let sum: Duration = plan.steps.iter().map(|step| step.duration).sum();
            assert_eq!(sum, p1().cycle());
        }
    }

    #[test]
    fn the_second_stage_follows_the_plan_to_the_millisecond() {
        // Stage 2 begins 25 s into a cycle, cycles begin at 7 s, 107 s ...
        let cases = [
            (31.999, Light::Red),
            (32.0, Light::Green),
            (49.999, Light::Green),
            (50.0, Light::FlashingGreen),
            (53.0, Light::Yellow),
            (55.999, Light::Yellow),
            (56.0, Light::Red),
            (57.0, Light::Red),
            (132.0, Light::Green),
        ];
        for (seconds, light) in cases {
            assert_eq!(p1().light(phase(2), at(seconds)), light, "at {seconds} s");
        }
    }

    #[test]
    fn red_runs_on_over_the_end_of_the_cycle() {
        // Phase 2 is red from 56 s to the green of the next cycle at 132 s.
        for seconds in [56.0, 80.0, 106.9, 107.0, 120.0, 131.9] {
            let shown = p1().shown(phase(2), at(seconds)).expect("in the plan");
            assert_eq!(shown.light, Light::Red);
            assert_eq!(shown.since, at(56.0), "asked at {seconds}");
            assert_eq!(shown.until, Some(at(132.0)), "asked at {seconds}");
        }
    }

    #[test]
    fn before_the_offset_the_previous_cycle_runs() {
        assert_eq!(p1().into_cycle(at(0.0)), Duration::from_secs(93));
        assert_eq!(p1().light(phase(4), at(0.5)), Light::FlashingGreen);
        assert_eq!(p1().light(phase(1), at(7.0)), Light::Green);
    }

    #[test]
    fn never_two_stages_show_green_or_yellow_at_once() {
        let plan = p1();
        for tenth in 0..2000 {
            let now = at(f64::from(tenth) * 0.1);
            let open = (1..=4)
                .filter(|&id| plan.light(phase(id), now) != Light::Red)
                .count();
            assert!(open <= 1, "{open} stages open at {tenth} tenths");
        }
    }

    #[test]
    fn a_phase_in_two_stages_is_refused() {
        let stage = Stage {
            phases: vec![phase(1)],
            green: Duration::from_secs(5),
            flashing_green: Duration::ZERO,
            yellow: Duration::from_secs(3),
            all_red: Duration::ZERO,
        };
        let plan = Plan::new(vec![stage.clone(), stage], Duration::ZERO);
        assert_eq!(plan, Err(NotAPlan::Twice(phase(1))));
        assert_eq!(Plan::new(vec![], Duration::ZERO), Err(NotAPlan::Empty));
    }
}
