//! A run from beginning to end: the stage, the judge, and what came of it.

use std::time::{Duration, Instant};

use anyhow::Result;
use rsu::clock::{Mono, Now};
use rsu::daemon::Snapshot;
use rsu::station::{Event, Frame};

use crate::judge::Judge;
use crate::judge::priority::PriorityJudge;
use crate::judge::samples::Samples;
use crate::judge::verdict::{Verdict, verdicts};
use crate::scenario::Scenario;
use crate::stage::{Audience, Stage};
use crate::sumo::{Mover, Sumo};
use crate::truth::Truth;
use crate::unit::UnitCounts;
use crate::world::STEP;

/// What came of a run.
pub struct Outcome {
    /// What ran.
    pub scenario: Scenario,
    /// By which chance.
    pub seed: u64,
    /// For how long, in simulated time.
    pub duration: Duration,
    /// How long that took.
    pub took: Duration,
    /// What was heard.
    pub judge: Judge,
    /// Whether it is good enough.
    pub verdicts: Vec<Verdict>,
    /// What the station told its operator first, with the time since its start.
    pub events: Vec<(Duration, Event)>,
    /// What it told besides.
    pub more_events: u64,
    /// By input: frames accepted and rejected.
    pub inputs: Vec<(String, u64, u64)>,
    /// What the unit counted of itself.
    pub unit: UnitCounts,
    /// Vehicles that passed a stop line.
    pub passed: u64,
    /// A number that differs if the world does.
    pub world_hash: u64,
    /// Who moved the world, if we did not.
    pub mover: Option<String>,
    /// What only a run in real time has.
    pub live: Option<LiveRun>,
}

/// What only a run in real time has.
pub struct LiveRun {
    /// What the daemon measured of itself.
    pub daemon: Snapshot,
    /// How far simulated time fell behind.
    pub slipped: Duration,
    /// Criteria that only virtual time has.
    pub left_out: Vec<&'static str>,
}

impl Outcome {
    /// Whether every criterion holds.
    pub fn passes(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.pass)
    }
}

/// Runs a scenario in virtual time, for `duration` or as long as its file says.
pub fn run(scenario: &Scenario, seed: u64, duration: Option<Duration>) -> Result<Outcome> {
    run_in(&Mover::Own, scenario, seed, duration)
}

/// The same in a world that `mover` moves.
pub fn run_in(
    mover: &Mover,
    scenario: &Scenario,
    seed: u64,
    duration: Option<Duration>,
) -> Result<Outcome> {
    run_told(mover, scenario, seed, duration, &mut |_, _| {})
}

/// The same; after each step `told` is how much is simulated, and of how much.
pub fn run_told(
    mover: &Mover,
    scenario: &Scenario,
    seed: u64,
    duration: Option<Duration>,
    told: &mut dyn FnMut(Duration, Duration),
) -> Result<Outcome> {
    match mover {
        Mover::Own => play(None, scenario, seed, duration, told),
        Mover::Sumo(program) => {
            let scenario = scenario.without_drivers()?;
            let sumo = Sumo::start(&scenario, program.as_deref(), seed)?;
            play(Some(sumo), &scenario, seed, duration, told)
        }
    }
}

fn play(
    mut sumo: Option<Sumo>,
    scenario: &Scenario,
    seed: u64,
    duration: Option<Duration>,
    told: &mut dyn FnMut(Duration, Duration),
) -> Result<Outcome> {
    let begun = Instant::now();
    let duration = duration.unwrap_or(Duration::from_secs(u64::from(scenario.file.duration_s)));
    let mut stage = match &mut sumo {
        None => Stage::new(scenario, seed)?,
        Some(sumo) => {
            let mut world = scenario.world(seed)?;
            while world.now() < Mono::ZERO + scenario.traffic() {
                sumo.step(&mut world)?;
            }
            Stage::around(scenario, world, seed)?
        }
    };
    let mut hall = Hall::new(scenario, &stage, duration)?;
    // Nothing is known of how SUMO's road users would have fared.
    if sumo.is_none() {
        let (from, until) = (hall.judge.from(), stage.started() + duration);
        hall.judge.priority = PriorityJudge::of(scenario, seed, from, until)?;
        if scenario.asks_for_doubt_in_fog() {
            let stage = Stage::new(&scenario.in_clear_air(), seed)?;
            hall.note_said_without_fog(said_in_fog(scenario, stage, duration)?);
        }
    }
    let mut left = duration;
    while !left.is_zero() {
        // A step at a time, so that the crossings of each can be counted.
        let span = left.min(STEP);
        if let Some(sumo) = &mut sumo {
            // The unit has handled all until here.
            sumo.step(stage.as_mut())?;
            stage.follow();
        }
        stage.run(span, &mut hall)?;
        hall.follow(&mut stage);
        left -= span;
        told(duration - left, duration);
    }
    let mut outcome = hall.close(scenario, &stage, seed, duration, begun.elapsed());
    outcome.mover = sumo.map(|sumo| sumo.name().to_owned());
    Ok(outcome)
}

/// What RSM says of itself in the minutes of a scenario's fog, on a stage where it need not be foggy.
fn said_in_fog(scenario: &Scenario, mut stage: Stage, duration: Duration) -> Result<Samples> {
    let mut hall = Hall::new(scenario, &stage, duration)?;
    let mut left = duration;
    while !left.is_zero() {
        let span = left.min(STEP);
        stage.run(span, &mut hall)?;
        hall.follow(&mut stage);
        left -= span;
    }
    Ok(hall.said_in_fog())
}

/// Who hears one unit through a whole run.
pub(crate) struct Hall {
    judge: Judge,
    unit: UnitCounts,
    events: Vec<(Duration, Event)>,
    more_events: u64,
    started: Mono,
    passed: u64,
    /// What is counted on board since the road counts.
    counting: bool,
}

impl Hall {
    /// The hall of a stage that is about to run for `duration`.
    pub(crate) fn new(scenario: &Scenario, stage: &Stage, duration: Duration) -> Result<Self> {
        let from = stage.started() + scenario.settle().min(duration);
        Ok(Self {
            judge: Judge::new(scenario, from)?,
            unit: UnitCounts::default(),
            events: Vec::new(),
            more_events: 0,
            started: stage.started(),
            passed: 0,
            counting: false,
        })
    }

    /// No more than so many measurements of one thing are kept one by one.
    pub(crate) fn keep_at_most(&mut self, keeps: usize) {
        self.judge.keep_at_most(keeps);
        self.unit.keep_at_most(keeps);
    }

    /// What RSM has said of itself in the minutes of fog.
    pub(crate) fn said_in_fog(self) -> Samples {
        let [_, fog] = self.judge.objects.score.said_m;
        fog
    }

    /// The same of a run in clear air, to hold what is said in this one against.
    pub(crate) fn note_said_without_fog(&mut self, said_m: Samples) {
        self.judge.objects.score.said_without_fog_m = Some(said_m);
    }

    /// Looks at a step of the stage's world.
    pub(crate) fn follow(&mut self, stage: &mut Stage) {
        self.passed += stage.world().crossings().len() as u64;
        self.judge.watch(stage.world(), stage.truth());
        if !self.counting && stage.now() >= self.judge.from() {
            self.counting = true;
            stage.count_on_board_anew();
        }
        let (now, counts) = (stage.now(), stage.now() >= self.judge.from());
        for (name, health) in stage.sensors() {
            let seen = &mut self.judge.health;
            seen.follow(now, name, health.suspicion, counts);
        }
    }

    /// What came of it.
    pub(crate) fn close(
        mut self,
        scenario: &Scenario,
        stage: &Stage,
        seed: u64,
        duration: Duration,
        took: Duration,
    ) -> Outcome {
        self.judge.on_board = stage.on_board();
        self.judge.finish(stage.now(), stage.truth());
        self.unit.read(stage);
        let inputs = stage.counts().map(|(name, counts)| {
            let rejected = counts.rejected().iter().map(|(_, count)| count).sum();
            (name.to_owned(), counts.accepted(), rejected)
        });
        Outcome {
            inputs: inputs.collect(),
            scenario: scenario.clone(),
            seed,
            duration,
            took,
            verdicts: verdicts(&self.judge, &scenario.file.limits),
            judge: self.judge,
            unit: self.unit,
            events: self.events,
            more_events: self.more_events,
            passed: self.passed,
            world_hash: stage.world().hash(),
            mover: None,
            live: None,
        }
    }
}

impl Audience for Hall {
    fn frame(&mut self, now: Now, frame: &Frame, truth: &Truth) {
        self.unit.note(now, frame);
        self.judge.hear(now.mono, frame.bytes(), truth);
    }

    fn event(&mut self, now: Now, event: Event) {
        if let Event::Warning(change) = &event {
            self.judge.warned(now.mono, change);
        }
        if self.events.len() < MOST_EVENTS {
            self.events.push((now.mono.since(self.started), event));
        } else {
            self.more_events += 1;
        }
    }
}

/// So many events are told one by one.
const MOST_EVENTS: usize = 10_000;
