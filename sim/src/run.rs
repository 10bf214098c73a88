//! A run from beginning to end: the stage, the judge, and what came of it.

use std::time::{Duration, Instant};

use anyhow::Result;
use rsu::clock::Now;
use rsu::station::{Event, Frame};

use crate::judge::Judge;
use crate::judge::verdict::{Verdict, verdicts};
use crate::scenario::Scenario;
use crate::stage::{Audience, Stage};
use crate::truth::Truth;

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
    /// What the station told its operator, with the time since its start.
    pub events: Vec<(Duration, Event)>,
    /// By input: frames accepted and rejected.
    pub inputs: Vec<(String, u64, u64)>,
    /// Vehicles that passed a stop line.
    pub passed: u64,
    /// A number that differs if the world does.
    pub world_hash: u64,
}

impl Outcome {
    /// Whether every criterion holds.
    pub fn passes(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.pass)
    }
}

/// Runs a scenario in virtual time, for `duration` or as long as its file says.
pub fn run(scenario: &Scenario, seed: u64, duration: Option<Duration>) -> Result<Outcome> {
    let begun = Instant::now();
    let duration = duration.unwrap_or(Duration::from_secs(u64::from(scenario.file.duration_s)));
    let mut stage = Stage::new(scenario, seed)?;
    let from = stage.started() + scenario.settle().min(duration);
    let mut hall = Hall {
        judge: Judge::new(scenario, from)?,
        events: Vec::new(),
        started: stage.started(),
    };
    let mut passed = 0;
    let mut counting = false;
    let mut left = duration;
    while !left.is_zero() {
        // A second at a time, so that the crossings of each step can be counted.
        let span = left.min(crate::world::STEP);
        stage.run(span, &mut hall)?;
        hall.judge.journeys.follow(stage.world());
        passed += stage.world().crossings().len() as u64;
        for crossing in stage.world().crossings() {
            hall.judge.passed(crossing, stage.world());
        }
        if !counting && stage.now() >= from {
            counting = true;
            stage.count_on_board_anew();
        }
        hall.judge.follow(stage.world(), stage.truth());
        left -= span;
    }
    hall.judge.on_board = stage.on_board();
    hall.judge.finish(stage.now(), stage.truth());
    let verdicts = verdicts(&hall.judge, &scenario.file.limits);
    let inputs = stage.counts().map(|(name, counts)| {
        let rejected = counts.rejected().iter().map(|(_, count)| count).sum();
        (name.to_owned(), counts.accepted(), rejected)
    });
    Ok(Outcome {
        inputs: inputs.collect(),
        scenario: scenario.clone(),
        seed,
        duration,
        took: begun.elapsed(),
        judge: hall.judge,
        verdicts,
        events: hall.events,
        passed,
        world_hash: stage.world().hash(),
    })
}

struct Hall {
    judge: Judge,
    events: Vec<(Duration, Event)>,
    started: rsu::clock::Mono,
}

impl Audience for Hall {
    fn frame(&mut self, now: Now, frame: &Frame, truth: &Truth) {
        self.judge.hear(now.mono, frame.bytes(), truth);
    }

    fn event(&mut self, now: Now, event: Event) {
        if let Event::Warning(change) = &event {
            self.judge.warned(now.mono, change);
        }
        self.events.push((now.mono.since(self.started), event));
    }
}
