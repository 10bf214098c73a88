//! Whether signals that decide leave every clearance as long as planned: flashing green, yellow, all-red.
//!
//! Read from the lamps alone, whoever asked for the change: a bus, an ambulance, the clock. Not here: what
//! SPAT says of them ([`super::signals`]).

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::PhaseId;

use crate::world::World;
use crate::world::signals::{ROUNDING, Signals, Stage};

/// What was seen of the lamps.
#[derive(Clone, Debug, Default)]
pub struct Clearances {
    /// By phase: what it shows, and since when.
    shown: Vec<(PhaseId, Light, Mono)>,
    /// The stages of the plan.
    stages: Vec<Stage>,
    /// Flashing greens, yellows and beginnings of green that were looked at.
    pub seen: u64,
    /// Of these, after or for less time than planned.
    pub cut: u64,
}

impl Clearances {
    /// Looks at a step of the world.
    pub fn follow(&mut self, world: &World) {
        self.look(world.signals(), world.now());
    }

    fn look(&mut self, signals: &Signals, now: Mono) {
        if self.stages.is_empty() {
            self.stages = signals.stages();
            let phases = self.stages.iter().flat_map(|stage| stage.phases.iter());
            let shown = phases.filter_map(|&phase| {
                let shown = signals.shown(phase, now)?;
                Some((phase, shown.light, shown.since))
            });
            self.shown = shown.collect();
            return;
        }
        for i in 0..self.shown.len() {
            let (phase, before, since) = self.shown[i];
            let Some(shown) = signals.shown(phase, now).filter(|one| one.light != before) else {
                continue;
            };
            self.shown[i] = (phase, shown.light, shown.since);
            let stage = self
                .stages
                .iter()
                .find(|stage| stage.phases.contains(&phase));
            let planned = stage.and_then(|stage| match before {
                Light::FlashingGreen => Some(stage.flashing_green),
                Light::Yellow => Some(stage.yellow),
                _ => None,
            });
            if let Some(planned) = planned {
                self.note(shown.since.since(since) + ROUNDING >= planned);
            }
            if shown.light == Light::Green {
                let red_for_all = self.red_for_all(phase, shown.since);
                self.note(red_for_all);
            }
        }
    }

    /// Whether all phases of other stages have been red for as long as their stages clear.
    fn red_for_all(&self, green: PhaseId, at: Mono) -> bool {
        let stages = self.stages.iter();
        let mut others = stages.filter(|stage| !stage.phases.contains(&green));
        others.all(|stage| {
            let of_it = |one: &&(PhaseId, Light, Mono)| stage.phases.contains(&one.0);
            let mut shown = self.shown.iter().filter(of_it);
            shown.all(|(_, light, since)| {
                *light == Light::Red && at.since(*since) + ROUNDING >= stage.all_red
            })
        })
    }

    fn note(&mut self, as_planned: bool) {
        self.seen += 1;
        self.cut += u64::from(!as_planned);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::world::signals::Plan;

    fn plan(yellow_s: u64, all_red_s: u64) -> Signals {
        let stage = |id| Stage {
            phases: vec![PhaseId::new(id).expect("not nought")],
            green: Duration::from_secs(10),
            flashing_green: Duration::from_secs(3),
            yellow: Duration::from_secs(yellow_s),
            all_red: Duration::from_secs(all_red_s),
        };
        let stages = vec![stage(1), stage(2)];
        Signals::Fixed(Plan::new(stages, Duration::ZERO).expect("a plan"))
    }

    /// The lamps of one plan held against the clearances of another.
    fn judged(shows: &Signals, planned: &Signals) -> Clearances {
        let mut judge = Clearances::default();
        judge.look(shows, Mono::ZERO);
        judge.stages = planned.stages();
        for step in 1..2000 {
            judge.look(shows, Mono::ZERO + Duration::from_millis(100 * step));
        }
        judge
    }

    #[test]
    fn a_plan_clears_as_it_says() {
        let plan = plan(3, 2);
        let judge = judged(&plan, &plan);
        assert!(judge.seen > 20, "{}", judge.seen);
        assert_eq!(judge.cut, 0);
    }

    #[test]
    fn a_yellow_or_an_all_red_that_is_too_short_is_cut() {
        for shows in [plan(2, 2), plan(3, 1)] {
            let judge = judged(&shows, &plan(3, 2));
            assert!(judge.cut > 5, "{} of {}", judge.cut, judge.seen);
        }
    }
}
