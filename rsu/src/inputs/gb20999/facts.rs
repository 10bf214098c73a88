//! What a controller has said of itself: its plan, its stages, its phases.
//!
//! Facts are taken in one by one, in any order, and kept until the controller says otherwise. None
//! means "not heard yet"; what the controller says that it does not have is a zero where the standard
//! has one (no late start, no transition), and stays unknown elsewhere.

use arrayvec::ArrayVec;

use super::faults::Faults;
use super::objects::{
    self, MAX_CHAIN, MOST, Part, TRANSITIONS, bit, bits, chain, chain_of_pairs, members, number,
    phase_greatest_green, phase_lamps, phase_least_green, phase_transition, plan_cycle, plan_kinds,
    plan_stages, plan_times, stage_early_end, stage_late_start, stage_phases,
};
use super::wire::Address;
use crate::report::Light;

/// Transitions of a phase in both directions.
const BOTH_WAYS: usize = 2 * TRANSITIONS;

/// All that is known.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) plan: PlanFacts,
    /// By number, from 1.
    stages: Box<[StageFacts; MOST as usize]>,
    /// By number, from 1.
    phases: Box<[PhaseFacts; MOST as usize]>,
    /// How many lamp groups the controller says there are.
    pub(super) lamp_count: Option<u8>,
    /// What has gone wrong with it.
    pub(super) faults: Faults,
}

/// The plan that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanFacts {
    /// Its number; facts of any other plan are not taken in.
    pub(super) number: u8,
    pub(super) cycle_s: Option<u32>,
    pub(super) stages: Option<ArrayVec<u8, MAX_CHAIN>>,
    pub(super) times_s: Option<ArrayVec<u16, MAX_CHAIN>>,
    pub(super) kinds: Option<ArrayVec<u8, MAX_CHAIN>>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StageFacts {
    /// Bits.
    pub(super) phases: Option<u64>,
    late_s: Option<[u8; MOST as usize]>,
    early_s: Option<[u8; MOST as usize]>,
}

/// One phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PhaseFacts {
    /// Bits.
    pub(super) lamps: Option<u64>,
    transitions: [TransitionFacts; BOTH_WAYS],
    /// Seconds of green; 0 is no limit.
    least_green_s: Option<u32>,
    greatest_greens_s: [Option<u32>; 2],
}

/// How long the green of a lamp group lasts, flashing green with it, by the limits of its phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GreenLimits {
    pub(super) least_s: Option<u32>,
    pub(super) greatest_s: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TransitionFacts {
    colour: Option<u8>,
    time_s: Option<u8>,
}

/// A colour between, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) light: Light,
    pub(super) time_s: u32,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It says what was known.
    Same,
    /// It says something new.
    New,
    /// Its size or content is not what the standard has.
    Malformed,
    /// It is no fact that is kept here.
    Other,
}

impl Facts {
    pub(super) fn new() -> Self {
        let stage = StageFacts {
            phases: None,
            late_s: None,
            early_s: None,
        };
        Self {
            plan: PlanFacts::default(),
            stages: Box::new(std::array::from_fn(|_| stage.clone())),
            phases: Box::new([PhaseFacts::default(); MOST as usize]),
            lamp_count: None,
            faults: Faults::default(),
        }
    }

    /// The plan that runs is another now: what was known of the last one is forgotten.
    pub(super) fn run_plan(&mut self, number: u8) {
        self.plan = PlanFacts {
            number,
            ..PlanFacts::default()
        };
    }

    /// Takes in a value.
    pub(super) fn take(&mut self, address: Address, data: &[u8]) -> Taken {
        let element = address.element;
        let plan = &mut self.plan;
        if address == objects::LAMP_COUNT {
            return set(&mut self.lamp_count, objects::byte(data));
        }
        match address.class {
            9 if element != plan.number || element == 0 => Taken::Other,
            9 if address == plan_cycle(element) => set(&mut plan.cycle_s, number(data)),
            9 if address == plan_stages(element) => {
                let stages = chain(data).filter(|list| list.iter().all(|stage| *stage <= MOST));
                set(&mut plan.stages, stages)
            }
            9 if address == plan_times(element) => set(&mut plan.times_s, chain_of_pairs(data)),
            9 if address == plan_kinds(element) => set(&mut plan.kinds, chain(data)),
            6 => self.take_stage(address, data),
            4 => self.take_phase(address, data),
            16 => self.faults.take(address, data),
            _ => Taken::Other,
        }
    }

    /// The controller does not have this value.
    pub(super) fn absent(&mut self, address: Address) -> Taken {
        let element = address.element;
        if address == stage_late_start(element) || address == stage_early_end(element) {
            return self.take_stage(address, &[0; MOST as usize]);
        }
        if address.class == 4 && address != phase_lamps(element) {
            return self.take_phase(address, &[0]);
        }
        Taken::Other
    }

    fn take_stage(&mut self, address: Address, data: &[u8]) -> Taken {
        let element = address.element;
        let Some(stage) = place(element).and_then(|at| self.stages.get_mut(at)) else {
            return Taken::Other;
        };
        if address == stage_phases(element) {
            set(&mut stage.phases, bits(data))
        } else if address == stage_late_start(element) {
            set(&mut stage.late_s, by_phase(data))
        } else if address == stage_early_end(element) {
            set(&mut stage.early_s, by_phase(data))
        } else {
            Taken::Other
        }
    }

    fn take_phase(&mut self, address: Address, data: &[u8]) -> Taken {
        let element = address.element;
        let Some(phase) = place(element).and_then(|at| self.phases.get_mut(at)) else {
            return Taken::Other;
        };
        if address == phase_lamps(element) {
            return set(&mut phase.lamps, bits(data));
        }
        if address == phase_least_green(element) {
            return set(&mut phase.least_green_s, number(data));
        }
        for (which, greatest_s) in (0..).zip(&mut phase.greatest_greens_s) {
            if address == phase_greatest_green(element, which) {
                return set(greatest_s, number(data));
            }
        }
        for (place, transition) in phase.transitions.iter_mut().enumerate() {
            let place = place as u8;
            if address == phase_transition(element, place, Part::Colour) {
                return set(&mut transition.colour, objects::byte(data));
            }
            if address == phase_transition(element, place, Part::Time) {
                return set(&mut transition.time_s, objects::byte(data));
            }
        }
        Taken::Other
    }

    pub(super) fn stage(&self, number: u8) -> Option<&StageFacts> {
        self.stages.get(place(number)?)
    }

    pub(super) fn phase(&self, number: u8) -> Option<&PhaseFacts> {
        self.phases.get(place(number)?)
    }

    /// Phases that any stage of the plan gives right of way.
    pub(super) fn phases_of_plan(&self) -> u64 {
        let stages = self.plan.stages.iter().flatten();
        stages
            .filter_map(|stage| self.stage(*stage)?.phases)
            .fold(0, |all, phases| all | phases)
    }

    /// Lamp groups of those phases.
    pub(super) fn lamps_of_plan(&self) -> u64 {
        members(self.phases_of_plan())
            .filter_map(|phase| self.phase(phase)?.lamps)
            .fold(0, |all, lamps| all | lamps)
    }

    /// How long a green of a lamp group lasts. Which of several phases is on is not known: then it is
    /// the least of all, and as one may follow the other there is no greatest.
    pub(super) fn green_limits(&self, lamp: u8) -> GreenLimits {
        let mut limits: Option<GreenLimits> = None;
        for phase in members(self.phases_of_plan()).filter_map(|phase| self.phase(phase)) {
            if phase.lamps.unwrap_or(0) & bit(lamp) == 0 {
                continue;
            }
            limits = Some(match limits {
                None => phase.green_limits(),
                Some(others) => GreenLimits {
                    least_s: (others.least_s.zip(phase.green_limits().least_s))
                        .map(|(a, b)| a.min(b)),
                    greatest_s: None,
                },
            });
        }
        limits.unwrap_or_default()
    }
}

impl StageFacts {
    /// How late a phase starts in this stage, and how early it ends.
    pub(super) fn edges_s(&self, phase: u8) -> Option<(u32, u32)> {
        let at = place(phase)?;
        let late = *self.late_s.as_ref()?.get(at)?;
        let early = *self.early_s.as_ref()?.get(at)?;
        Some((late.into(), early.into()))
    }
}

impl PhaseFacts {
    /// The colours after its green, in order; None where not all is known.
    pub(super) fn losing(&self) -> Option<ArrayVec<Transition, TRANSITIONS>> {
        transitions(&self.transitions[..TRANSITIONS])
    }

    /// Whether flashing green is counted in the limits is not known: it is left out of the least, and
    /// added to the greatest. Of two greatest ones either may hold. A least that is greater than the
    /// greatest makes both worthless.
    fn green_limits(&self) -> GreenLimits {
        let positive = |seconds: Option<u32>| seconds.filter(|seconds| *seconds > 0);
        let least_s = positive(self.least_green_s);
        let [first_s, second_s] = self.greatest_greens_s;
        let greatest_s = positive(first_s.zip(second_s).map(|(a, b)| a.max(b)));
        if least_s > greatest_s && greatest_s.is_some() {
            return GreenLimits::default();
        }
        let flashing_s = self.losing().map(|losing| {
            let flashing = losing.iter().filter(|on| on.light == Light::FlashingGreen);
            flashing.map(|on| on.time_s).sum::<u32>()
        });
        GreenLimits {
            least_s,
            greatest_s: greatest_s
                .zip(flashing_s)
                .map(|(greatest_s, flashing_s)| greatest_s.saturating_add(flashing_s)),
        }
    }

    /// The colours before its green.
    pub(super) fn getting(&self) -> Option<ArrayVec<Transition, TRANSITIONS>> {
        transitions(&self.transitions[TRANSITIONS..])
    }
}

fn transitions(facts: &[TransitionFacts]) -> Option<ArrayVec<Transition, TRANSITIONS>> {
    let mut list = ArrayVec::new();
    for fact in facts {
        let time_s = u32::from(fact.time_s?);
        // A colour that is not shown has no meaning, and the recorded controller has odd ones there.
        if time_s > 0 {
            let light = objects::light(fact.colour?);
            list.try_push(Transition { light, time_s }).ok()?;
        }
    }
    Some(list)
}

/// An array with one entry a phase, the first phase's last.
fn by_phase(data: &[u8]) -> Option<[u8; MOST as usize]> {
    let mut list: [u8; MOST as usize] = data.try_into().ok()?;
    list.reverse();
    Some(list)
}

fn place(number: u8) -> Option<usize> {
    (1..=MOST)
        .contains(&number)
        .then(|| usize::from(number) - 1)
}

fn set<T: PartialEq>(slot: &mut Option<T>, value: Option<T>) -> Taken {
    match value {
        None => Taken::Malformed,
        value if *slot == value => Taken::Same,
        value => {
            *slot = value;
            Taken::New
        }
    }
}
