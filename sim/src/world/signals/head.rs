//! Signals that decide: actuated, coordinated, favouring buses, pre-empted.
//!
//! A run is one stage from its first green to the start of the next. Its green ends when the program
//! says so; flashing green, yellow and all-red after it are never cut, whoever asks. Decisions are
//! made at the steps of the world, each at least a step ahead, and are kept as a list of runs: what
//! has been shown stays true for the judge.
//!
//! - actuated: a green lasts from its least to its greatest length. In between it ends when no
//!   vehicle has been seen for the gap and somebody waits elsewhere; stages that nobody waits for
//!   are left out; with nobody waiting anywhere it stays green.
//! - coordinated: a fixed cycle on a grid. A new offset is reached by making greens longer or
//!   shorter by so much a stage, never below their least.
//! - bus priority: the same, and a bus that would miss its green by little has it extended, one that
//!   comes on red has the greens before its own cut to their least. The grid is then regained as
//!   after a new offset.
//! - pre-emption, with each of these: the green of the stage that is called comes as soon as the
//!   least green and the clearance of the running one allow, and stays while the call does.
//!
//! Greens of a program with a cycle last whole seconds, as those of real controllers do. What is
//! assumed: detectors see every vehicle; a bus announces itself at a distance.

use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::{ControlMode, Light};
use v2x_msg::base::PhaseId;

use super::plan::{NotAPlan, PhasePlan, Plan, Stage, steps};
use super::{ROUNDING, Running, Shown};
use crate::world::STEP;

/// A stage whose green may vary.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadStage {
    /// Its phases and its nominal times.
    pub stage: Stage,
    /// The green is never shorter.
    pub least: Duration,
    /// Nor longer, unless a call holds it.
    pub greatest: Duration,
}

/// How the program decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// By who comes and who waits.
    Actuated {
        /// A green in which nobody has come for so long may end.
        gap: Duration,
        /// How far before the stop line the detectors are.
        detector_m: f64,
    },
    /// By a grid of cycles.
    Coordinated {
        /// Most that a green is changed to come back to the grid.
        correction: Duration,
    },
    /// By a grid of cycles, and by buses.
    BusPriority {
        /// Most that a green is changed to come back to the grid.
        correction: Duration,
        /// Most that a green is extended.
        extension: Duration,
        /// From so far before the stop line a bus is known.
        bus_m: f64,
    },
}

impl Control {
    /// How far before the stop line anybody is looked for.
    pub fn reach_m(self) -> f64 {
        match self {
            Self::Actuated { detector_m, .. } => detector_m,
            Self::Coordinated { .. } => 0.0,
            Self::BusPriority { bus_m, .. } => bus_m,
        }
    }
}

/// Somebody takes the junction over.
#[derive(Clone, Debug, PartialEq)]
pub struct Preempt {
    /// The call begins,
    pub from: Mono,
    /// and ends.
    pub until: Mono,
    /// The phase that is to be green; its stage comes whole.
    pub phase: PhaseId,
}

/// What the detectors of a phase see in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detected {
    /// Whose detectors.
    pub phase: PhaseId,
    /// Somebody is on a detector.
    pub present: bool,
    /// Somebody is before the stop line, on a detector or past one.
    pub waiting: bool,
    /// The bus that comes next, and how soon it can be at the stop line.
    pub bus: Option<Duration>,
    /// An emergency vehicle comes.
    pub emergency: bool,
}

/// A program under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    stages: Vec<HeadStage>,
    phases: Vec<PhaseId>,
    control: Control,
    cycle: Duration,
    /// Offsets of the grid, each from a moment on; the first from the beginning.
    offsets: Vec<(Mono, Duration)>,
    preempts: Vec<Preempt>,
    /// The phase of an emergency vehicle that comes.
    emergency: Option<PhaseId>,
    /// When each phase's detectors last saw somebody.
    seen: Vec<Mono>,
    waiting: Vec<bool>,
    buses: Vec<Option<Mono>>,
    /// Oldest first; the last may begin a moment from now. Never empty.
    runs: Vec<Run>,
    /// What was decided by.
    decided_at: Mono,
}

/// A stage from its first green to the next stage's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    stage: usize,
    begins: Mono,
    /// When its green ends, as things stand; None while nobody can say.
    expected: Option<Mono>,
    /// The same, settled, and who follows.
    settled: Option<(Mono, usize)>,
    /// A bus has changed its length.
    favoured: bool,
    /// A call has ended it, or holds it.
    preempted: bool,
    /// Its length is not the nominal one.
    corrected: bool,
}

impl Head {
    /// The program with these stages in this order; the first begins `offset` into the simulation.
    /// Offsets and calls are in the order of their times.
    pub fn new(
        stages: Vec<HeadStage>,
        control: Control,
        offset: Duration,
        later_offsets: Vec<(Mono, Duration)>,
        preempts: Vec<Preempt>,
    ) -> Result<Self, NotAPlan> {
        // A plan's rules hold for its stages too.
        let nominal = stages.iter().map(|stage| stage.stage.clone()).collect();
        let plan = Plan::new(nominal, offset)?;
        let phases: Vec<PhaseId> = plan.phases().iter().map(|plan| plan.phase).collect();
        let mut offsets = vec![(Mono::ZERO, offset)];
        offsets.extend(later_offsets);
        Ok(Self {
            seen: vec![Mono::ZERO; phases.len()],
            waiting: vec![false; phases.len()],
            buses: vec![None; phases.len()],
            phases,
            control,
            cycle: plan.cycle(),
            offsets,
            preempts,
            emergency: None,
            stages,
            runs: vec![Run::new(0, Mono::ZERO + offset)],
            decided_at: Mono::ZERO,
        })
    }

    /// Decides all that begins before the end of the step after the one that begins at `now`.
    pub fn follow(&mut self, now: Mono, detected: &[Detected]) {
        self.decided_at = now;
        let comes = detected.iter().find(|detected| detected.emergency);
        self.emergency = comes.map(|detected| detected.phase);
        for (i, phase) in self.phases.iter().enumerate() {
            let saw = detected.iter().find(|detected| detected.phase == *phase);
            if saw.is_some_and(|saw| saw.present) {
                self.seen[i] = now;
            }
            self.waiting[i] = saw.is_some_and(|saw| saw.waiting);
            self.buses[i] = saw.and_then(|saw| saw.bus).map(|bus| now + bus);
        }
        let horizon = now + 2 * STEP;
        loop {
            let last = self.runs.len() - 1;
            let run = self.runs[last];
            match run.settled {
                None => {
                    let mut run = run;
                    self.decide(&mut run, now);
                    if let Some(ends) = run.expected
                        && ends < horizon
                    {
                        let ends = ends.max(now + STEP);
                        run.settled = Some((ends, self.next_stage(&run, now)));
                    }
                    self.runs[last] = run;
                    if run.settled.is_none() {
                        break;
                    }
                }
                Some((ends, next)) => {
                    let begins = ends + self.stages[run.stage].stage.clearance();
                    if begins >= horizon {
                        break;
                    }
                    self.runs.push(Run::new(next, begins));
                }
            }
        }
        if self.runs.len() > MOST_RUNS {
            self.runs.drain(..MOST_RUNS / 2);
        }
    }

    /// The stages in their order, with their nominal times.
    pub fn stages(&self) -> Vec<Stage> {
        self.stages.iter().map(|head| head.stage.clone()).collect()
    }

    /// The least and the greatest green of each, in their order.
    pub fn green_limits(&self) -> Vec<(Duration, Duration)> {
        let limits = self.stages.iter();
        limits.map(|head| (head.least, head.greatest)).collect()
    }

    /// The stage that runs at `at`.
    pub fn stage_at(&self, at: Mono) -> Running {
        let Some(i) = self.run_at(at) else {
            let begins = self.runs[0].begins;
            return Running {
                stage: self.stages.len() - 1,
                begins: Mono::ZERO,
                green_ends: Mono::ZERO,
                ends: begins,
            };
        };
        let run = &self.runs[i];
        let head = &self.stages[run.stage];
        let settled = run.settled.map(|(ends, _)| ends).or(run.expected);
        let green_ends = settled.unwrap_or((run.begins + head.greatest).max(at));
        Running {
            stage: run.stage,
            begins: run.begins,
            green_ends,
            ends: green_ends + head.stage.clearance(),
        }
    }

    /// How it decides.
    pub fn control(&self) -> Control {
        self.control
    }

    /// Every phase, by number.
    pub fn phases(&self) -> &[PhaseId] {
        &self.phases
    }

    /// When the first stage began first.
    pub fn offset(&self) -> Duration {
        self.offsets[0].1
    }

    /// What `phase` shows at `at`; None if there is no such phase.
    pub fn shown(&self, phase: PhaseId, at: Mono) -> Option<Shown> {
        self.phases.binary_search(&phase).ok()?;
        let Some(i) = self.run_at(at) else {
            let until = self.serves(0, phase).then(|| self.runs[0].begins);
            return Some(Shown {
                light: Light::Red,
                since: Mono::ZERO,
                until,
            });
        };
        let run = &self.runs[i];
        if self.serves(run.stage, phase) {
            let stage = &self.stages[run.stage].stage;
            let Some((green_ends, _)) = run.settled else {
                return Some(Shown {
                    light: Light::Green,
                    since: run.begins,
                    until: None,
                });
            };
            let flashing_ends = green_ends + stage.flashing_green;
            let yellow_ends = flashing_ends + stage.yellow;
            for (light, since, until) in [
                (Light::Green, run.begins, green_ends),
                (Light::FlashingGreen, green_ends, flashing_ends),
                (Light::Yellow, flashing_ends, yellow_ends),
            ] {
                if at < until {
                    return Some(Shown {
                        light,
                        since,
                        until: Some(until),
                    });
                }
            }
        }
        Some(Shown {
            light: Light::Red,
            since: self.red_since(phase, i),
            until: self.red_until(phase, i),
        })
    }

    /// When the colour of `phase` at `at` ends by what is decided and planned; flashing green is
    /// counted to its green.
    pub fn colour_expected(&self, phase: PhaseId, at: Mono) -> Option<Mono> {
        let shown = self.shown(phase, at)?;
        match (shown.light, shown.until) {
            (Light::Green, _) => {
                let run = &self.runs[self.run_at(at)?];
                let ends = run.settled.map(|(ends, _)| ends).or(run.expected)?;
                Some(ends + self.stages[run.stage].stage.flashing_green)
            }
            (_, Some(until)) => Some(until),
            _ => self.red_expected(phase, at),
        }
    }

    /// Whether a cycle begins at `at`.
    pub fn cycle_begins(&self, at: Mono) -> bool {
        self.has_cycles()
            && self.run_at(at).is_some_and(|i| {
                self.runs[i].stage == 0 && at.since(self.runs[i].begins) < ROUNDING
            })
    }

    /// The cycle that begins with the run at `at`, as planned; None without cycles or within one.
    pub fn cycle(&self, at: Mono) -> Option<Vec<PhasePlan>> {
        let first = self.runs[self.run_at(at)?];
        if !self.has_cycles() || first.stage != 0 || first.preempted {
            return None;
        }
        let mut stages = Vec::new();
        let mut begins = first.begins;
        for i in 0..self.stages.len() {
            let ends = match (i, first.expected) {
                (0, Some(expected)) => expected,
                _ => self.nominal_end(i, begins),
            };
            let stage = &self.stages[i].stage;
            stages.push(Stage {
                green: ends.since(begins),
                ..stage.clone()
            });
            begins = ends + stage.clearance();
        }
        let cycle = stages.iter().map(Stage::length).sum();
        let mut plans = Vec::new();
        let mut into = Duration::ZERO;
        for stage in &stages {
            plans.extend(stage.phases.iter().map(|&phase| PhasePlan {
                phase,
                steps: steps(stage, into, cycle),
            }));
            into += stage.length();
        }
        plans.sort_by_key(|plan| plan.phase);
        Some(plans)
    }

    /// How the junction is run at `at`.
    pub fn mode(&self, at: Mono) -> ControlMode {
        let run = self.run_at(at).map(|i| &self.runs[i]);
        match (self.control, run) {
            (_, Some(run)) if run.preempted => ControlMode::Emergency,
            (Control::Actuated { .. }, _) => ControlMode::Actuated,
            (Control::Coordinated { .. }, _) => ControlMode::Coordinated,
            (Control::BusPriority { .. }, Some(run)) if run.favoured || run.corrected => {
                ControlMode::BusPriority
            }
            (Control::BusPriority { .. }, _) => ControlMode::Coordinated,
        }
    }

    fn has_cycles(&self) -> bool {
        !matches!(self.control, Control::Actuated { .. })
    }

    /// When the green of a running stage ends, as things stand.
    fn decide(&self, run: &mut Run, now: Mono) {
        let soon = now + STEP;
        let stage = &self.stages[run.stage];
        if let Some(call) = self.call(now) {
            run.preempted = true;
            run.expected = if self.serves(run.stage, call) {
                None
            } else {
                Some(self.at_whole_second(run, soon.max(run.begins + stage.least)))
            };
            return;
        }
        match self.control {
            Control::Actuated { gap, .. } => run.expected = self.gap_out(run, gap, soon),
            _ if run.preempted => {
                // The call is over.
                run.expected = Some(self.at_whole_second(run, soon.max(run.begins + stage.least)));
            }
            Control::Coordinated { .. } => {
                let ends = self.nominal_end(run.stage, run.begins);
                run.corrected = ends.since(run.begins) != stage.stage.green;
                run.expected = Some(ends);
            }
            Control::BusPriority { extension, .. } => self.favour(run, extension, soon),
        }
    }

    fn gap_out(&self, run: &Run, gap: Duration, soon: Mono) -> Option<Mono> {
        let stage = &self.stages[run.stage];
        let elsewhere = self.waiting_stages(run.stage).next().is_some();
        if !elsewhere {
            return None;
        }
        let latest = run.begins + stage.greatest;
        let own = stage
            .stage
            .phases
            .iter()
            .filter_map(|phase| self.place(*phase));
        let last_seen = own.map(|i| self.seen[i]).fold(Mono::ZERO, Mono::max);
        let quiet = soon.since(last_seen) >= gap;
        let over = latest < soon + STEP;
        let earliest = run.begins + stage.least;
        (quiet || over).then(|| if over { latest } else { soon }.max(earliest))
    }

    /// Bus priority: extension of a green that a bus needs, truncation of one before it.
    fn favour(&self, run: &mut Run, extension: Duration, soon: Mono) {
        let stage = &self.stages[run.stage];
        let nominal = self.nominal_end(run.stage, run.begins);
        run.corrected = nominal.since(run.begins) != stage.stage.green;
        let buses = || {
            let known = self.phases.iter().zip(&self.buses);
            known.filter_map(|(phase, bus)| bus.map(|arrives| (*phase, arrives)))
        };
        let served = buses().filter(|(phase, _)| self.serves(run.stage, *phase));
        let latest = (nominal + extension).min(run.begins + stage.greatest.max(stage.stage.green));
        let needed = served
            .map(|(_, arrives)| arrives + PASSING)
            .filter(|needed| *needed <= latest)
            .fold(nominal, Mono::max);
        if needed > nominal {
            run.favoured = true;
            run.expected = Some(self.at_whole_second(run, needed).min(latest));
            return;
        }
        let waited_for = buses().find(|(phase, _)| !self.serves(run.stage, *phase));
        let mut ends = nominal;
        if let Some((phase, arrives)) = waited_for
            && buses().all(|(phase, _)| !self.serves(run.stage, phase))
        {
            // The green of the bus, if this one ended as planned.
            let its_green = self.ahead(run.stage, nominal, phase);
            let late = its_green.map_or(Duration::ZERO, |green| green.since(arrives));
            let least = run.begins + stage.least;
            ends = (nominal - late).max(least).max(soon).min(nominal);
            ends = self.at_whole_second(run, ends).min(nominal);
        }
        run.favoured |= ends < nominal;
        run.expected = Some(if ends >= soon {
            ends
        } else {
            // The bus that it was extended for has passed.
            self.at_whole_second(run, soon)
        });
    }

    /// Who follows a run.
    fn next_stage(&self, run: &Run, now: Mono) -> usize {
        let call = self.call(now);
        let called =
            call.and_then(|call| (0..self.stages.len()).find(|&stage| self.serves(stage, call)));
        let in_order = (run.stage + 1) % self.stages.len();
        match (called, self.control) {
            (Some(stage), _) => stage,
            (None, Control::Actuated { .. }) => {
                self.waiting_stages(run.stage).next().unwrap_or(in_order)
            }
            _ => in_order,
        }
    }

    /// Stages other than `stage` that somebody waits for, in the order in which they come.
    fn waiting_stages(&self, stage: usize) -> impl Iterator<Item = usize> + '_ {
        let count = self.stages.len();
        (1..count).map(move |n| (stage + n) % count).filter(|&i| {
            let phases = self.stages[i].stage.phases.iter();
            phases
                .filter_map(|phase| self.place(*phase))
                .any(|i| self.waiting[i])
        })
    }

    /// The phase that is called: by the scenario, or by an emergency vehicle.
    fn call(&self, now: Mono) -> Option<PhaseId> {
        let mut calls = self.preempts.iter();
        let call = calls.find(|call| call.from <= now && now < call.until);
        call.map(|call| call.phase).or(self.emergency)
    }

    /// When the green of a stage that begins at `begins` ends by the grid, with the steps back to it.
    fn nominal_end(&self, stage: usize, begins: Mono) -> Mono {
        let head = &self.stages[stage];
        let green = head.stage.green;
        let (Control::Coordinated { correction } | Control::BusPriority { correction, .. }) =
            self.control
        else {
            return begins + green;
        };
        let before: Duration = self.stages[..stage]
            .iter()
            .map(|head| head.stage.length())
            .sum();
        let in_force = self.offsets.iter().rfind(|(from, _)| *from <= begins);
        let offset = in_force.map_or(Duration::ZERO, |(_, offset)| *offset);
        let cycle = self.cycle.as_nanos() as u64;
        let planned = (offset + before).as_nanos() as u64 % cycle;
        // How far behind the grid it begins; the second half of a cycle is ahead of it.
        let behind = (begins.nanos() % cycle + cycle - planned) % cycle;
        let green = if behind <= cycle / 2 {
            let cut = Duration::from_nanos(behind).min(correction);
            green.saturating_sub(cut).max(head.least.min(green))
        } else {
            green + Duration::from_nanos(cycle - behind).min(correction)
        };
        begins + green
    }

    /// When `phase` becomes green if the green of `stage` ends at `ends` and all goes as planned.
    fn ahead(&self, stage: usize, ends: Mono, phase: PhaseId) -> Option<Mono> {
        let mut begins = ends + self.stages[stage].stage.clearance();
        let count = self.stages.len();
        for i in (1..=count).map(|n| (stage + n) % count) {
            if self.serves(i, phase) {
                return Some(begins);
            }
            begins = self.nominal_end(i, begins) + self.stages[i].stage.clearance();
        }
        None
    }

    fn at_whole_second(&self, run: &Run, at: Mono) -> Mono {
        if !self.has_cycles() {
            return at;
        }
        let green = at.since(run.begins).as_nanos() as u64;
        run.begins + Duration::from_nanos(green.div_ceil(SECOND_NS) * SECOND_NS)
    }

    fn red_since(&self, phase: PhaseId, i: usize) -> Mono {
        let before = self.runs[..=i]
            .iter()
            .rfind(|run| self.serves(run.stage, phase));
        let ended = before.and_then(|run| {
            let stage = &self.stages[run.stage].stage;
            let (ends, _) = run.settled?;
            Some(ends + stage.flashing_green + stage.yellow)
        });
        ended.unwrap_or(Mono::ZERO)
    }

    fn red_until(&self, phase: PhaseId, i: usize) -> Option<Mono> {
        for run in &self.runs[i + 1..] {
            if self.serves(run.stage, phase) {
                return Some(run.begins);
            }
        }
        let last = &self.runs[self.runs.len() - 1];
        let (ends, next) = last.settled?;
        self.serves(next, phase)
            .then(|| ends + self.stages[last.stage].stage.clearance())
    }

    fn red_expected(&self, phase: PhaseId, _at: Mono) -> Option<Mono> {
        let last = &self.runs[self.runs.len() - 1];
        if !self.has_cycles() || self.call(self.decided_at).is_some() {
            return None;
        }
        match last.settled {
            None => self.ahead(last.stage, last.expected?, phase),
            Some((ends, next)) => {
                let begins = ends + self.stages[last.stage].stage.clearance();
                self.ahead(next, self.nominal_end(next, begins), phase)
            }
        }
    }

    fn run_at(&self, at: Mono) -> Option<usize> {
        self.runs.iter().rposition(|run| run.begins <= at)
    }

    fn serves(&self, stage: usize, phase: PhaseId) -> bool {
        self.stages[stage].stage.phases.contains(&phase)
    }

    fn place(&self, phase: PhaseId) -> Option<usize> {
        self.phases.binary_search(&phase).ok()
    }
}

impl Run {
    fn new(stage: usize, begins: Mono) -> Self {
        Self {
            stage,
            begins,
            expected: None,
            settled: None,
            favoured: false,
            preempted: false,
            corrected: false,
        }
    }
}

const SECOND_NS: u64 = 1_000_000_000;
/// A bus needs so long from the stop line on before its green may end.
const PASSING: Duration = Duration::from_secs(1);
/// What is kept of the past: an hour or so.
const MOST_RUNS: usize = 256;
