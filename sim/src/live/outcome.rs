//! What came of a live run, in the shape of one in virtual time: so that one report tells of both.
//!
//! What the sockets do not tell stays empty: what a unit says to its operator, and by kind of message how old its
//! newest input was. What only real time has is beside it ([`LiveRun`]).

use rsu::daemon::Snapshot;

use super::Heard;
use super::bench::Found;
use super::play::Play;
use crate::network::run::NetworkOutcome;
use crate::run::{LiveRun, Outcome};
use crate::unit::UnitCounts;

/// A run of one junction or of several.
pub enum Ended {
    /// One.
    One(Box<Outcome>),
    /// Several.
    Several(Box<NetworkOutcome>),
}

impl Ended {
    /// What was heard of a play; None if it was not judged.
    pub fn of(play: &Play, heard: Heard, seed: u64) -> Option<Self> {
        let judged = heard.judged?;
        let duration = judged.settle + judged.span;
        let took = duration + heard.slipped;
        let seeds = play.seeds(seed);
        let scenarios = play.junctions().into_iter().map(|(_, scenario)| scenario);
        let parts = heard.found.into_iter().zip(heard.units);
        let verdicts = judged.junctions.into_iter().map(|(_, verdicts)| verdicts);
        let outcomes = scenarios.zip(parts).zip(verdicts).zip(seeds);
        let mut outcomes = outcomes.map(|(((scenario, (found, daemon)), verdicts), seed)| {
            let Found {
                judge,
                passed,
                world_hash,
                mover,
            } = found;
            Outcome {
                scenario: scenario.clone(),
                seed,
                duration,
                took,
                judge,
                verdicts,
                events: Vec::new(),
                more_events: 0,
                inputs: inputs(&daemon),
                unit: counts(&daemon),
                passed,
                world_hash,
                mover,
                live: Some(LiveRun {
                    daemon,
                    slipped: heard.slipped,
                    left_out: judged.left_out.clone(),
                }),
            }
        });
        match play {
            Play::One(_) => Some(Self::One(Box::new(outcomes.next()?))),
            Play::Several(network) => Some(Self::Several(Box::new(NetworkOutcome {
                network: (**network).clone(),
                seed,
                duration,
                took,
                junctions: outcomes.collect(),
                journeys: heard.trips?,
                priority: None,
                on_board: heard.on_board,
                verdicts: judged.whole,
            }))),
        }
    }
}

fn counts(daemon: &Snapshot) -> UnitCounts {
    let inputs = daemon.inputs.iter();
    UnitCounts {
        stats: daemon.station.clone(),
        inputs: inputs
            .map(|input| (input.name.clone(), input.counts.clone()))
            .collect(),
        ..UnitCounts::default()
    }
}

fn inputs(daemon: &Snapshot) -> Vec<(String, u64, u64)> {
    let inputs = daemon.inputs.iter().map(|input| {
        let rejected = input.counts.rejected().iter().map(|(_, count)| count).sum();
        (input.name.clone(), input.counts.accepted(), rejected)
    });
    inputs.collect()
}
