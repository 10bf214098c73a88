//! A run of a network from beginning to end, and what must hold of the whole.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use rsu::clock::Mono;

use super::file::Network;
use super::fog;
use super::joined::Joined;
use super::lines::Line;
use super::priority;
use super::stage::NetworkStage;
use crate::judge::priority::PriorityJudge;
use crate::judge::samples::{self, Samples};
use crate::judge::verdict::Verdict;
use crate::obu::score::Score;
use crate::random::mix;
use crate::run::{Hall, Outcome};
use crate::stage::Stage;
use crate::world::World;
use crate::world::vehicles::Vehicle;

/// What came of a run.
pub struct NetworkOutcome {
    /// What ran.
    pub network: Network,
    /// By which chance.
    pub seed: u64,
    /// For how long, in simulated time.
    pub duration: Duration,
    /// How long that took.
    pub took: Duration,
    /// What came of each junction, in the order of the network's.
    pub junctions: Vec<Outcome>,
    /// Of the whole.
    pub journeys: Trips,
    /// What buses gain and others lose, all junctions together, where that is asked.
    pub priority: Option<PriorityJudge>,
    /// What reached vehicles with on-board units, and what they made of it.
    pub on_board: Option<Score>,
    /// Whether that is good enough.
    pub verdicts: Vec<Verdict>,
}

/// Journeys through the network that ended within the time that counts, and what was on the road.
#[derive(Clone, Debug, Default)]
pub struct Trips {
    /// Junctions of the network.
    all: u32,
    /// How many ended.
    pub ended: u64,
    /// Junctions that they came through, in all.
    pub junctions: u64,
    /// How often they stopped, in all.
    pub stops: u64,
    /// How often those stopped who came through every junction.
    pub through_stops: Samples,
    /// And how long they took.
    pub through_s: Samples,
    /// Rounds of closed lines: how long they took.
    pub lap_s: Samples,
    /// Vehicles on the road, step by step.
    pub vehicles: Samples,
    /// Buses that lost their line.
    pub strayed: u64,
    /// Buses of closed lines, by id: junctions behind them, and when they began the round that they are
    /// in; None until they are seen to come from one junction to the next.
    rounds: BTreeMap<u32, (u32, Option<Mono>)>,
}

impl NetworkOutcome {
    /// Whether every criterion holds, at every junction and of the whole.
    pub fn passes(&self) -> bool {
        let junctions = self.junctions.iter().all(Outcome::passes);
        junctions && self.verdicts.iter().all(|verdict| verdict.pass)
    }

    /// A number that differs if any byte of any frame at any junction does.
    pub fn frames_hash(&self) -> u64 {
        let hashes = self.junctions.iter();
        let hashes = hashes.map(|outcome| outcome.judge.traffic.hash);
        hashes.fold(0, |hash, one| mix(hash ^ one))
    }

    /// A number that differs if the world does.
    pub fn world_hash(&self) -> u64 {
        let hashes = self.junctions.iter().map(|outcome| outcome.world_hash);
        hashes.fold(0, |hash, one| mix(hash ^ one))
    }
}

/// Runs a network in virtual time, for `duration` or as long as its file says.
pub fn run(network: &Network, seed: u64, duration: Option<Duration>) -> Result<NetworkOutcome> {
    run_told(network, seed, duration, &mut |_, _| {})
}

/// The same; after each step `told` is how much is simulated, and of how much.
pub fn run_told(
    network: &Network,
    seed: u64,
    duration: Option<Duration>,
    told: &mut dyn FnMut(Duration, Duration),
) -> Result<NetworkOutcome> {
    let begun = Instant::now();
    let duration = duration.unwrap_or(network.duration());
    let mut stage = NetworkStage::new(network, seed)?;
    let junctions = network.junctions.iter().zip(stage.stages());
    let halls = junctions.map(|(junction, stage)| Hall::new(&junction.scenario, stage, duration));
    let mut halls: Vec<Hall> = halls.collect::<Result<_>>()?;
    // A judge among many has its share of what one alone would keep.
    let keeps = samples::MOST / halls.len().max(1);
    halls.iter_mut().for_each(|hall| hall.keep_at_most(keeps));
    let begin = stage.now();
    let end = begin + duration;
    let settle = network.junctions.first();
    let settle = settle.map_or(Duration::ZERO, |one| one.scenario.settle());
    let from = stage.now() + settle.min(duration);
    let mut journeys = Trips::of(network);
    let mut priority = priority::judge(network, seed, from, end)?;
    let said = fog::said_in_clear_air(network, seed, duration, keeps)?;
    let said = said.into_iter().flatten();
    for (hall, said_m) in halls.iter_mut().zip(said) {
        hall.note_said_without_fog(said_m);
    }
    // What is counted on board since the road counts.
    let mut counting = false;
    while stage.now() < end {
        stage.step(&mut halls)?;
        for (hall, stage) in halls.iter_mut().zip(stage.stages_mut()) {
            hall.follow(stage);
        }
        let worlds = stage.stages().iter().map(Stage::world);
        journeys.follow(worlds, stage.joined(), stage.now(), from);
        if let Some(judge) = &mut priority {
            for (place, stage) in stage.stages().iter().enumerate() {
                let crossings = stage.world().crossings().iter();
                let counted = crossings.filter(|crossing| crossing.at >= from);
                counted.for_each(|crossing| judge.passed(place, crossing, stage.world()));
            }
        }
        if !counting && stage.now() >= from {
            counting = true;
            stage.count_on_board_anew();
        }
        told(stage.now().since(begin), duration);
    }
    let on_board = stage.on_board();
    journeys.strayed = stage.joined().strayed();
    let took = begun.elapsed();
    let junctions = network.junctions.iter().zip(stage.stages()).zip(halls);
    let junctions = junctions.map(|((junction, stage), hall)| {
        hall.close(&junction.scenario, stage, seed, duration, took)
    });
    Ok(NetworkOutcome {
        network: network.clone(),
        seed,
        duration,
        took,
        junctions: junctions.collect(),
        verdicts: journeys.verdicts(&network.table.limits, on_board.as_ref(), priority.as_ref()),
        journeys,
        priority,
        on_board,
    })
}

impl Trips {
    /// Journeys through a network, before the first.
    pub(crate) fn of(network: &Network) -> Self {
        Self {
            all: network.junctions.len() as u32,
            ..Self::default()
        }
    }

    /// Looks at a step.
    pub(crate) fn follow<'a>(
        &mut self,
        worlds: impl Iterator<Item = &'a World>,
        joined: &Joined,
        now: Mono,
        from: Mono,
    ) {
        let counts = now > from;
        let mut vehicles = 0;
        for world in worlds {
            vehicles += world.vehicles().len();
            let goes_on = |vehicle: &Vehicle| {
                let route = &world.roads().routes[vehicle.route];
                world.goes_on(route.exit)
            };
            if counts {
                let out = world.left().iter().filter(|vehicle| !goes_on(vehicle));
                out.for_each(|vehicle| self.ended(vehicle, now));
            }
            let buses = world.vehicles().iter();
            for bus in buses.filter(|vehicle| vehicle.trip.line.is_some()) {
                let line = bus.trip.line.map(usize::from);
                let line = line.and_then(|line| joined.lines().get(line));
                if let Some(round) = line.and_then(Line::round) {
                    self.round(bus, round as u32, now);
                }
            }
        }
        if counts {
            self.vehicles.add(vehicles as f64);
        }
    }

    fn ended(&mut self, vehicle: &Vehicle, now: Mono) {
        let trip = vehicle.trip;
        self.ended += 1;
        self.junctions += u64::from(trip.junctions) + 1;
        self.stops += u64::from(trip.stops);
        if trip.junctions + 1 >= self.all {
            self.through_stops.add(f64::from(trip.stops));
            self.through_s.add(now.seconds_after(trip.since));
        }
    }

    /// A round begins where a bus comes from one junction to the next, and ends there.
    fn round(&mut self, bus: &Vehicle, round: u32, now: Mono) {
        let junctions = bus.trip.junctions;
        let (behind, begun) = self.rounds.entry(bus.id).or_insert((junctions, None));
        match *begun {
            None if junctions > *behind => (*behind, *begun) = (junctions, Some(now)),
            Some(since) if junctions >= *behind + round => {
                self.lap_s.add(now.seconds_after(since));
                (*behind, *begun) = (junctions, Some(now));
            }
            _ => {}
        }
    }
}
