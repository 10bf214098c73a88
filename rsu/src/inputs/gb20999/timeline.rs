//! A plan worked out: what each lamp group shows in every second of the cycle.
//!
//! GB/T 20999-2017 has no countdown. What it has is a chain of stages with their times, the phases of
//! each stage, the lamp groups of each phase, and the colours through which a phase goes when it gets
//! and when it loses its right of way. From these a cycle follows, and from the remaining time of the
//! running stage the place in it.
//!
//! A phase that has right of way in one stage and not in the next ends its green so that its last
//! transition ends with the stage; a phase that gets right of way begins its first transition with
//! the stage. Whether a stage's time contains those transitions is read off the plan itself: the
//! cycle is the sum of the stages with them, or without. Where it is neither, and the configuration
//! does not say, nothing is worked out.

use arrayvec::ArrayVec;

use super::facts::{Facts, Transition};
use super::objects::{MAX_CHAIN, MOST, STAGE_FIXED, TRANSITIONS, bit, members};
use crate::report::{LampPlan, Light, MAX_LAMPS, MAX_STEPS, PlanStep, SignalPlan};

/// A longer cycle is none.
const MAX_CYCLE_S: u32 = 1200;
/// Most colours of one lamp group in a cycle.
const MAX_SPANS: usize = 32;

/// What the time of a stage covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageTime {
    /// Up to the beginning of the next stage, transitions and all.
    Whole,
    /// Up to the end of its green; transitions come after it.
    Green,
}

/// One cycle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timeline {
    covers: StageTime,
    cycle_s: u32,
    stages: ArrayVec<StageSpan, MAX_CHAIN>,
    lamps: ArrayVec<LampSpans, MAX_LAMPS>,
}

/// One stage of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StageSpan {
    number: u8,
    start_s: u32,
    length_s: u32,
    /// How much of the end is transitions that the stage's own time does not cover.
    after_s: u32,
    /// Longest transition at its beginning.
    getting_s: u32,
    comes_always: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct LampSpans {
    lamp: u8,
    /// Neighbours differ; they fill the cycle.
    spans: ArrayVec<Span, MAX_SPANS>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    light: Light,
    length_s: u32,
}

/// Where in the plan a controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// In the chain.
    pub(super) stage: usize,
    /// Of the stage, by its own time.
    pub(super) remaining_s: u32,
    /// The times of the stages to come are those of the plan.
    pub(super) by_plan: bool,
    /// Detectors decide when the stage's green ends.
    pub(super) is_extended: bool,
    /// Its phases are losing their right of way.
    pub(super) in_transition: bool,
}

impl Place {
    /// Whether what remains of a light is certain, and not only the most that may remain.
    pub(super) fn is_settled(self, light: Light) -> bool {
        !self.is_extended || self.in_transition || light == Light::Yellow
    }
}

impl Timeline {
    /// Works out the plan; None while facts are missing or do not fit together.
    pub(super) fn work_out(facts: &Facts, told: Option<StageTime>) -> Option<Self> {
        let stages = facts.plan.stages.as_ref()?;
        let times_s = facts.plan.times_s.as_ref()?;
        if stages.is_empty() || stages.len() != times_s.len() {
            return None;
        }
        let sum_s: u32 = times_s.iter().map(|time_s| u32::from(*time_s)).sum();
        let after_s: ArrayVec<u32, MAX_CHAIN> = (0..stages.len())
            .map(|at| longest_loss_s(facts, stages, at))
            .collect::<Option<_>>()?;
        let with_s = sum_s + after_s.iter().sum::<u32>();
        let covers = match facts.plan.cycle_s.filter(|cycle_s| *cycle_s > 0) {
            Some(cycle_s) if cycle_s == sum_s => StageTime::Whole,
            Some(cycle_s) if cycle_s == with_s => StageTime::Green,
            _ => told?,
        };
        // What is told wins over a plan that proves the other: somebody has looked.
        let covers = told.unwrap_or(covers);
        let kinds = facts.plan.kinds.as_ref();
        let mut timeline = Self {
            covers,
            cycle_s: 0,
            stages: ArrayVec::new(),
            lamps: ArrayVec::new(),
        };
        for (at, (&number, &time_s)) in stages.iter().zip(times_s).enumerate() {
            let after_s = match covers {
                StageTime::Whole => 0,
                StageTime::Green => after_s[at],
            };
            let kind = kinds.and_then(|kinds| kinds.get(at));
            timeline.stages.push(StageSpan {
                number,
                start_s: timeline.cycle_s,
                length_s: u32::from(time_s) + after_s,
                after_s,
                getting_s: longest_gain_s(facts, number)?,
                comes_always: kind == Some(&STAGE_FIXED),
            });
            timeline.cycle_s += u32::from(time_s) + after_s;
        }
        if timeline.cycle_s > MAX_CYCLE_S {
            return None;
        }
        for lamp in members(facts.lamps_of_plan()) {
            if let Some(spans) = spans_of(facts, &timeline.stages, covers, lamp) {
                timeline.lamps.push(LampSpans { lamp, spans });
            }
        }
        Some(timeline)
    }

    /// Whether every stage comes in every cycle.
    pub(super) fn is_fixed(&self) -> bool {
        self.stages.iter().all(|stage| stage.comes_always)
    }

    /// The place of a stage in the chain: the only one, or else the one that follows `last`.
    pub(super) fn place_of(&self, number: u8, last: Option<usize>) -> Option<usize> {
        let is_it = |at: &usize| self.stages[*at].number == number;
        let mut places = (0..self.stages.len()).filter(is_it);
        let first = places.next()?;
        if places.next().is_none() {
            return Some(first);
        }
        let last = last.filter(|last| *last < self.stages.len())?;
        let next = (last + 1) % self.stages.len();
        [last, next].into_iter().find(is_it)
    }

    /// The cycle as a report; None where a lamp group has more steps than one holds.
    pub(super) fn signal_plan(&self) -> Option<SignalPlan> {
        let mut plan = SignalPlan::default();
        for lamp in &self.lamps {
            let mut steps = ArrayVec::<PlanStep, MAX_STEPS>::new();
            for span in &lamp.spans {
                let step = PlanStep {
                    light: span.light,
                    duration_s: u16::try_from(span.length_s).ok()?,
                };
                steps.try_push(step).ok()?;
            }
            let lamp = u16::from(lamp.lamp);
            plan.lamps.try_push(LampPlan { lamp, steps }).ok()?;
        }
        (!plan.lamps.is_empty()).then_some(plan)
    }

    /// How long a lamp group that shows `light` goes on showing it, flashing green counted with green
    /// and red-yellow with red. None where the plan does not say, or says something else of this
    /// moment.
    pub(super) fn countdown_s(&self, lamp: u8, light: Light, at: Place) -> Option<u16> {
        let spans = &self.lamps.iter().find(|spans| spans.lamp == lamp)?.spans;
        // What remains is then of something that the stage's own time does not cover.
        if self.covers == StageTime::Green && at.in_transition {
            return None;
        }
        let stage = self.stages.get(at.stage)?;
        if at.remaining_s > MAX_CYCLE_S || light == Light::Unknown {
            return None;
        }
        // A stage that lasts longer than the plan has it does not run by the plan.
        let by_plan = at.by_plan && at.remaining_s <= stage.length_s + 1;
        let horizon_s = self.horizon_s(Place { by_plan, ..at })?;
        let start_s = i64::from(stage.start_s);
        let end_s = start_s + i64::from(stage.length_s);
        // Seconds of the cycle; before the stage's start where it has been lengthened.
        let now_s = end_s - i64::from(at.remaining_s) - i64::from(stage.after_s);
        // Whole seconds that are told about a change may stand on either side of it.
        for near_s in [now_s, now_s + 1, now_s - 1] {
            let within_s = near_s.clamp(start_s, end_s - 1);
            let change_s = next_change_s(spans, within_s, light);
            if let Some(change_s) = change_s.filter(|change_s| *change_s <= horizon_s) {
                return u16::try_from(change_s - now_s)
                    .ok()
                    .filter(|left_s| *left_s > 0);
            }
        }
        None
    }

    /// The second of the cycle up to which changes are certain, on a scale that goes on beyond the
    /// cycle's end.
    fn horizon_s(&self, at: Place) -> Option<i64> {
        let mut horizon_s = None;
        let count = self.stages.len();
        let stage = self.stages.get(at.stage)?;
        let mut start_s = i64::from(stage.start_s);
        for ahead in 0..count {
            let stage = self.stages[(at.stage + ahead) % count];
            let next = self.stages[(at.stage + ahead + 1) % count];
            start_s += i64::from(stage.length_s);
            // What comes next decides how this one ends.
            if !next.comes_always {
                break;
            }
            horizon_s = Some(start_s + i64::from(next.getting_s));
            if !at.by_plan {
                break;
            }
        }
        // In a plan that always runs the same, everything is.
        if at.by_plan && self.is_fixed() {
            return Some(i64::MAX);
        }
        horizon_s
    }
}

/// When the light at a second of the cycle is next another one; None if it is not `light`, or stays.
fn next_change_s(spans: &[Span], second: i64, light: Light) -> Option<i64> {
    let mut end_s = 0;
    let running = spans.iter().position(|span| {
        end_s += i64::from(span.length_s);
        second < end_s
    })?;
    if merged(spans[running].light) != merged(light) {
        return None;
    }
    for ahead in 1..spans.len() {
        let span = spans[(running + ahead) % spans.len()];
        if merged(span.light) != merged(light) {
            return Some(end_s);
        }
        end_s += i64::from(span.length_s);
    }
    None
}

/// The seconds of transition after a stage's green, the longest of its phases.
fn longest_loss_s(facts: &Facts, stages: &[u8], at: usize) -> Option<u32> {
    let next = stages[(at + 1) % stages.len()];
    let phases = facts.stage(stages[at])?.phases?;
    let losing = phases & !facts.stage(next)?.phases?;
    let mut longest_s = 0;
    for phase in members(losing) {
        longest_s = longest_s.max(total_s(&facts.phase(phase)?.losing()?));
    }
    Some(longest_s)
}

fn longest_gain_s(facts: &Facts, stage: u8) -> Option<u32> {
    let mut longest_s = 0;
    for phase in members(facts.stage(stage)?.phases?) {
        longest_s = longest_s.max(total_s(&facts.phase(phase)?.getting()?));
    }
    Some(longest_s)
}

fn total_s(transitions: &[Transition]) -> u32 {
    transitions.iter().map(|transition| transition.time_s).sum()
}

/// How a lamp group is driven in one stage.
struct Drive {
    late_s: u32,
    early_s: u32,
    getting: ArrayVec<Transition, TRANSITIONS>,
    losing: ArrayVec<Transition, TRANSITIONS>,
}

/// By the first phase of the stage that has the lamp group; None inside where none has.
fn drive(facts: &Facts, stage: u8, lamp: u8) -> Option<Option<Drive>> {
    let stage = facts.stage(stage)?;
    for number in members(stage.phases?) {
        let phase = facts.phase(number)?;
        if phase.lamps? & bit(lamp) != 0 {
            let (late_s, early_s) = stage.edges_s(number)?;
            return Some(Some(Drive {
                late_s,
                early_s,
                getting: phase.getting()?,
                losing: phase.losing()?,
            }));
        }
    }
    Some(None)
}

/// What one lamp group shows through the cycle; None where facts are missing or do not fit.
fn spans_of(
    facts: &Facts,
    stages: &[StageSpan],
    covers: StageTime,
    lamp: u8,
) -> Option<ArrayVec<Span, MAX_SPANS>> {
    debug_assert!(lamp <= MOST);
    let drives: ArrayVec<Option<Drive>, MAX_CHAIN> = stages
        .iter()
        .map(|stage| drive(facts, stage.number, lamp))
        .collect::<Option<_>>()?;
    let count = stages.len();
    // Whether the green goes on from a stage into the next.
    let goes_on = |at: usize| match (&drives[at], &drives[(at + 1) % count]) {
        (Some(drive), Some(next)) => drive.early_s == 0 && next.late_s == 0,
        _ => false,
    };
    let mut spans = Spans::default();
    for (at, stage) in stages.iter().enumerate() {
        let Some(drive) = &drives[at] else {
            spans.add(Light::Red, stage.length_s)?;
            continue;
        };
        let comes_on = goes_on((at + count - 1) % count);
        let mut left_s = stage.length_s;
        if !comes_on {
            spans.add(Light::Red, drive.late_s)?;
            left_s = left_s.checked_sub(drive.late_s + total_s(&drive.getting))?;
            spans.add_all(&drive.getting)?;
        }
        if goes_on(at) {
            spans.add(Light::Green, left_s)?;
            continue;
        }
        let losing_s = total_s(&drive.losing);
        // Losses end with the stage, or begin with the end of its green.
        let after_s = match covers {
            StageTime::Whole => 0,
            StageTime::Green => stage.after_s.checked_sub(losing_s)?,
        };
        let green_s = left_s.checked_sub(losing_s + after_s + drive.early_s)?;
        spans.add(Light::Green, green_s)?;
        spans.add_all(&drive.losing)?;
        spans.add(Light::Red, after_s + drive.early_s)?;
    }
    Some(spans.0)
}

#[derive(Default)]
struct Spans(ArrayVec<Span, MAX_SPANS>);

impl Spans {
    /// None where there is no more room.
    fn add(&mut self, light: Light, length_s: u32) -> Option<()> {
        if length_s == 0 {
            return Some(());
        }
        match self.0.last_mut().filter(|last| last.light == light) {
            Some(last) => last.length_s += length_s,
            None => self.0.try_push(Span { light, length_s }).ok()?,
        }
        Some(())
    }

    fn add_all(&mut self, transitions: &[Transition]) -> Option<()> {
        let mut all = transitions.iter();
        all.try_for_each(|transition| self.add(transition.light, transition.time_s))
    }
}

/// A countdown covers the steady colour and its flashing together, and red with the yellow before
/// green.
pub(super) fn merged(light: Light) -> Light {
    match light {
        Light::FlashingGreen => Light::Green,
        Light::RedYellow => Light::Red,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects::{
        Part, lamp_code, phase_lamps, phase_transition, plan_cycle, plan_kinds, plan_stages,
        plan_times, stage_early_end, stage_late_start, stage_phases,
    };
    use super::*;
    use Light::{FlashingGreen, Green, Red, Yellow};

    /// Stages of one plan: phases, seconds; and phases: lamp groups as bits, seconds of flashing
    /// green and of yellow.
    fn facts(stages: &[(u64, u16)], phases: &[(u64, u8, u8)], cycle_s: u32) -> Facts {
        let mut facts = Facts::new();
        facts.run_plan(1);
        let numbers: Vec<u8> = (1..=stages.len() as u8).rev().collect();
        facts.take(plan_stages(1), &numbers);
        let times = stages
            .iter()
            .rev()
            .flat_map(|(_, time_s)| time_s.to_be_bytes());
        facts.take(plan_times(1), &times.collect::<Vec<_>>());
        facts.take(plan_kinds(1), &vec![STAGE_FIXED; stages.len()]);
        facts.take(plan_cycle(1), &cycle_s.to_be_bytes());
        for (number, (phases, _)) in (1..).zip(stages) {
            facts.take(stage_phases(number), &phases.to_be_bytes());
            facts.take(stage_late_start(number), &[0; 64]);
            facts.take(stage_early_end(number), &[0; 64]);
        }
        for (number, (lamps, flashing_s, yellow_s)) in (1..).zip(phases) {
            facts.take(phase_lamps(number), &lamps.to_be_bytes());
            let losing = [(FlashingGreen, *flashing_s), (Yellow, *yellow_s)];
            for place in 0..6 {
                let none = (Red, 0);
                let (light, time_s) = losing.get(usize::from(place)).copied().unwrap_or(none);
                facts.take(
                    phase_transition(number, place, Part::Colour),
                    &[lamp_code(light)],
                );
                facts.take(phase_transition(number, place, Part::Time), &[time_s]);
            }
        }
        facts
    }

    fn steps(timeline: &Timeline, lamp: u16) -> Vec<(Light, u16)> {
        let plan = timeline.signal_plan().unwrap();
        let lamp = plan.lamps.iter().find(|plan| plan.lamp == lamp).unwrap();
        let steps = lamp.steps.iter().map(|step| (step.light, step.duration_s));
        steps.collect()
    }

    fn at(stage: usize, remaining_s: u32) -> Place {
        Place {
            stage,
            remaining_s,
            by_plan: true,
            is_extended: false,
            in_transition: false,
        }
    }

    #[test]
    fn a_cycle_that_is_longer_by_the_transitions_has_them_behind_its_stages() {
        let facts = facts(
            &[(1, 20), (2, 25)],
            &[(1, 3, 3), (2, 0, 4)],
            20 + 6 + 25 + 4,
        );
        let timeline = Timeline::work_out(&facts, None).unwrap();
        assert_eq!(timeline.covers, StageTime::Green);
        assert_eq!(
            steps(&timeline, 1),
            [(Green, 20), (FlashingGreen, 3), (Yellow, 3), (Red, 29)]
        );
        assert_eq!(steps(&timeline, 2), [(Red, 26), (Green, 25), (Yellow, 4)]);
        // 7 s of its green are left, and then 3 that flash.
        assert_eq!(timeline.countdown_s(1, Green, at(0, 7)), Some(10));
        assert_eq!(timeline.countdown_s(2, Red, at(0, 7)), Some(13));
        // What remains of a transition is not known to be counted in any way.
        let passing = Place {
            in_transition: true,
            ..at(0, 4)
        };
        assert_eq!(timeline.countdown_s(1, Yellow, passing), None);
    }

    #[test]
    fn what_is_told_of_the_stages_goes_before_what_the_plan_shows() {
        let facts = facts(&[(1, 20), (2, 25)], &[(1, 3, 3), (2, 3, 3)], 45);
        let whole = Timeline::work_out(&facts, None).unwrap();
        assert_eq!((whole.covers, whole.cycle_s), (StageTime::Whole, 45));
        let green = Timeline::work_out(&facts, Some(StageTime::Green)).unwrap();
        assert_eq!((green.covers, green.cycle_s), (StageTime::Green, 57));
    }

    #[test]
    fn a_cycle_of_neither_sum_is_not_understood() {
        let facts = facts(&[(1, 20), (2, 25)], &[(1, 3, 3), (2, 3, 3)], 46);
        assert_eq!(Timeline::work_out(&facts, None), None);
    }

    #[test]
    fn late_starts_and_early_ends_move_the_edges_of_a_green() {
        let mut facts = facts(&[(1, 30), (2, 30)], &[(1, 3, 3), (2, 3, 3)], 60);
        let mut edges = [0; 64];
        edges[63] = 4;
        facts.take(stage_late_start(1), &edges);
        edges[63] = 5;
        facts.take(stage_early_end(1), &edges);
        let timeline = Timeline::work_out(&facts, None).unwrap();
        assert_eq!(
            steps(&timeline, 1),
            [
                (Red, 4),
                (Green, 15),
                (FlashingGreen, 3),
                (Yellow, 3),
                (Red, 35)
            ]
        );
    }

    #[test]
    fn a_lamp_group_of_two_phases_stays_green_from_one_to_the_other() {
        let facts = facts(
            &[(1, 20), (2, 20), (4, 20)],
            &[(1, 3, 3), (1, 3, 3), (4, 3, 3)],
            60,
        );
        let timeline = Timeline::work_out(&facts, None).unwrap();
        assert_eq!(
            steps(&timeline, 1),
            [(Green, 34), (FlashingGreen, 3), (Yellow, 3), (Red, 20)]
        );
    }

    #[test]
    fn a_lamp_group_whose_transitions_do_not_fit_is_left_out_and_no_other() {
        let facts = facts(&[(1, 20), (2, 20)], &[(1, 30, 30), (2, 3, 3)], 40);
        let timeline = Timeline::work_out(&facts, None).unwrap();
        let lamps: Vec<u8> = timeline.lamps.iter().map(|lamp| lamp.lamp).collect();
        assert_eq!(lamps, [2]);
        assert_eq!(timeline.countdown_s(1, Green, at(0, 10)), None);
    }

    #[test]
    fn a_light_that_the_plan_does_not_have_now_has_no_countdown() {
        let facts = facts(&[(1, 20), (2, 20)], &[(1, 3, 3), (2, 3, 3)], 40);
        let timeline = Timeline::work_out(&facts, None).unwrap();
        assert_eq!(timeline.countdown_s(1, Green, at(0, 12)), Some(9));
        for light in [
            Red,
            Yellow,
            Light::Dark,
            Light::FlashingYellow,
            Light::Unknown,
        ] {
            assert_eq!(timeline.countdown_s(1, light, at(0, 12)), None, "{light:?}");
        }
        assert_eq!(timeline.countdown_s(9, Green, at(0, 12)), None);
    }

    #[test]
    fn a_stage_that_comes_twice_is_known_by_the_one_before() {
        let mut facts = facts(
            &[(1, 20), (2, 20), (4, 20)],
            &[(1, 3, 3), (2, 3, 3), (4, 3, 3)],
            60,
        );
        facts.take(plan_stages(1), &[1, 2, 1]);
        let timeline = Timeline::work_out(&facts, None).unwrap();
        assert_eq!(timeline.place_of(1, None), None);
        assert_eq!(timeline.place_of(2, None), Some(1));
        assert_eq!(timeline.place_of(1, Some(1)), Some(2));
        assert_eq!(timeline.place_of(1, Some(2)), Some(2));
        assert_eq!(timeline.place_of(9, Some(2)), None);
    }

    #[test]
    fn nothing_is_worked_out_while_a_fact_is_missing() {
        let whole = facts(&[(1, 20), (2, 20)], &[(1, 3, 3), (2, 3, 3)], 40);
        assert!(Timeline::work_out(&whole, None).is_some());
        let mut unknown = whole.clone();
        unknown.run_plan(2);
        assert_eq!(Timeline::work_out(&unknown, None), None);
        let mut chain = whole.clone();
        chain.take(plan_stages(1), &[3, 2, 1]);
        assert_eq!(
            Timeline::work_out(&chain, None),
            None,
            "a stage without a time"
        );
        let mut phase = whole;
        phase.take(stage_phases(1), &[0, 0, 0, 0, 0, 0, 0, 0b101]);
        assert_eq!(
            Timeline::work_out(&phase, None),
            None,
            "a phase without lamp groups"
        );
    }
}
