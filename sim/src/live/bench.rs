//! The judges of a live run, and their verdict: the same criteria as in virtual time, over the time for
//! which the scenario is judged there.
//!
//! They have the frames as they came off the sockets, when they came, and the truth. Three things they do
//! not have, and name: what a unit warns of is in its log, not on the air; delays without a signal's favour
//! are those of a world of its own, and since nobody heeds the unit there, virtual time has the same.

use std::time::Duration;

use anyhow::Result;
use rsu::clock::Mono;
use rsu::fusion::Suspicion;

use super::play::{Play, Worlds};
use super::unit::Unit;
use crate::judge::Judge;
use crate::judge::samples;
use crate::judge::verdict::{Verdict, verdicts};
use crate::network::limits::NetworkLimits;
use crate::network::run::Trips;
use crate::obu::score::Score;
use crate::scenario::Limits;

/// The judges of all junctions, and of the whole where there are several.
pub struct Bench {
    benches: Vec<One>,
    whole: Option<(Trips, NetworkLimits)>,
    left_out: Vec<&'static str>,
    started: Mono,
    from: Mono,
    until: Mono,
    counting: bool,
}

/// The judge of one junction.
struct One {
    name: String,
    judge: Judge,
    limits: Limits,
    /// Vehicles that passed a stop line.
    passed: u64,
}

/// What a judge has found besides its verdicts.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was heard.
    pub judge: Judge,
    /// Vehicles that passed a stop line.
    pub passed: u64,
    /// A number that differs if the world does.
    pub world_hash: u64,
    /// Who moved the world, if we did not.
    pub mover: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// How long was judged, once all had settled.
    pub span: Duration,
    /// For how long it is in virtual time.
    pub of: Duration,
    /// How long the judge waits before.
    pub settle: Duration,
    /// By junction.
    pub junctions: Vec<(String, Vec<Verdict>)>,
    /// Of the whole, where there are several.
    pub whole: Vec<Verdict>,
    /// Criteria of the scenario that only virtual time has.
    pub left_out: Vec<&'static str>,
}

impl Judged {
    /// Whether as much was judged as in virtual time.
    pub fn is_whole(&self) -> bool {
        self.span >= self.of
    }

    /// Whether every criterion holds.
    pub fn passes(&self) -> bool {
        let junctions = self.junctions.iter().flat_map(|(_, verdicts)| verdicts);
        junctions.chain(&self.whole).all(|verdict| verdict.pass)
    }
}

impl Bench {
    /// The judges of a play that starts now.
    pub fn new(play: &Play, started: Mono) -> Result<Self> {
        let settle = play.settle().min(play.duration());
        let from = started + settle;
        let junctions = play.junctions();
        let keeps = samples::MOST / junctions.len().max(1);
        let mut left_out = Vec::new();
        let mut benches = Vec::new();
        for (name, scenario) in junctions {
            let mut judge = Judge::new(scenario, from)?;
            judge.keep_at_most(keeps);
            let mut limits = scenario.file.limits;
            strike_out(&mut limits, &mut left_out);
            benches.push(One {
                name: name.to_owned(),
                judge,
                limits,
                passed: 0,
            });
        }
        let whole = match play {
            Play::One(_) => None,
            Play::Several(network) => {
                let mut limits = network.table.limits;
                let struck = [
                    ("bus-delay-max-s", &mut limits.bus_delay_max_s),
                    ("bus-delay-less-min", &mut limits.bus_delay_less_min),
                    ("side-delay-more-max", &mut limits.side_delay_more_max),
                ];
                strike(struck, &mut left_out);
                Some((Trips::of(network), limits))
            }
        };
        Ok(Self {
            benches,
            whole,
            left_out,
            started,
            from,
            until: started + play.duration(),
            counting: false,
        })
    }

    /// Whether all is judged that there is to judge.
    pub fn is_over(&self, now: Mono) -> bool {
        now >= self.until
    }

    /// A frame of the unit of the junction at a place.
    pub fn hear(&mut self, arrived: Mono, place: usize, unit: &Unit, frame: &[u8]) {
        self.benches[place].judge.hear(arrived, frame, unit.truth());
    }

    /// Looks at a step that the worlds have made and real time has come to; true if it is the first that
    /// counts.
    pub fn follow(&mut self, worlds: &Worlds, units: &[Unit]) -> bool {
        let now = worlds.now();
        for ((one, world), unit) in self.benches.iter_mut().zip(worlds.all()).zip(units) {
            one.passed += world.crossings().len() as u64;
            one.judge.watch(world, unit.truth());
        }
        if let Some(((trips, _), joined)) = self.whole.as_mut().zip(worlds.joined()) {
            trips.follow(worlds.all().iter(), joined, now, self.from);
            trips.strayed = joined.strayed();
        }
        let begins = !self.counting && now >= self.from;
        self.counting |= begins;
        begins
    }

    /// What the unit at a place suspects of a sensor of its own.
    pub fn note_health(&mut self, now: Mono, place: usize, of: &str, what: Option<Suspicion>) {
        let counts = now >= self.from;
        let health = &mut self.benches[place].judge.health;
        health.follow(now, of, what, counts);
    }

    /// What came of it until now: the verdicts, what each judge has found, and the journeys through all junctions.
    pub fn close(
        mut self,
        now: Mono,
        units: &[Unit],
        worlds: &Worlds,
        on_board: Option<&Score>,
    ) -> (Judged, Vec<Found>, Option<Trips>) {
        let now = now.min(self.until);
        let several = self.whole.is_some();
        let junctions = self.benches.iter_mut().zip(units).map(|(one, unit)| {
            let own = on_board.filter(|_| !several);
            one.judge.on_board = own.cloned();
            one.judge.finish(now, unit.truth());
            (one.name.clone(), verdicts(&one.judge, &one.limits))
        });
        let junctions = junctions.collect();
        let (trips, limits) = self.whole.unzip();
        let whole = trips.as_ref().zip(limits);
        let judged = Judged {
            span: now.since(self.from),
            of: self.until.since(self.from),
            settle: self.from.since(self.started),
            junctions,
            whole: whole.map_or_else(Vec::new, |(trips, limits)| {
                trips.verdicts(&limits, on_board, None)
            }),
            left_out: self.left_out,
        };
        let found = self.benches.into_iter().zip(worlds.all());
        let found = found.map(|(one, world)| Found {
            judge: one.judge,
            passed: one.passed,
            world_hash: world.hash(),
            mover: worlds.mover().map(str::to_owned),
        });
        (judged, found.collect(), trips)
    }
}

/// What a judge at the sockets cannot know is no criterion there.
fn strike_out(limits: &mut Limits, left_out: &mut Vec<&'static str>) {
    let struck = [
        ("red-runner-warned-s", &mut limits.red_runner_warned_s),
        ("false-warnings-max", &mut limits.false_warnings_max),
        (
            "conflict-warned-share-min",
            &mut limits.conflict_warned_share_min,
        ),
        ("bus-delay-less-min", &mut limits.bus_delay_less_min),
        ("side-delay-more-max", &mut limits.side_delay_more_max),
    ];
    strike(struck, left_out);
}

fn strike<const N: usize>(
    limits: [(&'static str, &mut Option<f64>); N],
    left_out: &mut Vec<&'static str>,
) {
    for (name, limit) in limits {
        if limit.take().is_some() && !left_out.contains(&name) {
            left_out.push(name);
        }
    }
}
