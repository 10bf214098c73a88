//! The closed loop of all units of a network in virtual time.
//!
//! All worlds make a step together; then each unit, with its devices and on its own clock, lives
//! through that step. Units hear nothing of each other, so their order means nothing, and they do it
//! side by side on as many threads as there are cores.
//!
//! Where vehicles have on-board units, all share one air. What is said there takes some milliseconds to be
//! heard, and so long the units live by themselves: then what they have said is put on the air, in order
//! of time and place, and what will be heard in the next milliseconds is known.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use rsu::clock::{Mono, Now};

use super::file::Network;
use super::joined::Joined;
use crate::obu::fleet::Fleet;
use crate::obu::score::Score;
use crate::stage::{Audience, Stage};
use crate::truth::Epoch;
use crate::world::vehicles::Vehicle;
use crate::world::{STEP, World};

/// A network under way.
pub struct NetworkStage {
    joined: Joined,
    /// In the order of the network's junctions.
    stages: Vec<Stage>,
    /// Vehicles with on-board units, if there are any.
    fleet: Option<Fleet>,
    workers: usize,
}

impl NetworkStage {
    /// The network at the moment the roadside units start: the roads are already busy.
    pub fn new(network: &Network, seed: u64) -> Result<Self> {
        let (mut joined, mut worlds) = network.worlds(seed)?;
        let traffic = network.junctions.first();
        let traffic = traffic.map_or(Duration::ZERO, |one| one.scenario.traffic());
        while worlds
            .first()
            .is_some_and(|world| world.now() < Mono::ZERO + traffic)
        {
            joined.step(&mut worlds);
        }
        let junctions = network.junctions.iter().zip(worlds);
        let stages = junctions
            .map(|(junction, world)| Stage::around(&junction.scenario, world, junction.seed(seed)));
        let stages = stages.map(|stage| stage.map(Stage::sharing_air));
        let stages = stages.collect::<Result<Vec<Stage>>>()?;
        let epoch = stages.first().map(|stage| stage.truth().epoch());
        let fleet = epoch.map(|epoch| network.fleet(epoch, seed)).transpose()?;
        Ok(Self {
            joined,
            stages,
            fleet: fleet.flatten(),
            workers: thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// Goes on by one step of the world; each unit shows what happens to its own of `audiences`.
    pub fn step<A: Audience + Send>(&mut self, audiences: &mut [A]) -> Result<()> {
        self.joined.step(&mut self.stages);
        self.stages.iter_mut().for_each(Stage::follow);
        let Some(mut fleet) = self.fleet.take() else {
            return self.live(STEP, audiences);
        };
        self.advise(&mut fleet);
        let end = self.now() + STEP;
        while self.now() < end {
            let span = fleet.quickest().min(end.since(self.now()));
            self.let_hear(&mut fleet, self.now() + span);
            self.live(span, audiences)?;
            self.let_say(&mut fleet);
        }
        self.fleet = Some(fleet);
        Ok(())
    }

    /// What is counted of the vehicles with on-board units.
    pub fn on_board(&self) -> Option<Score> {
        self.fleet.as_ref().map(Fleet::score)
    }

    /// From now on it is counted anew.
    pub(crate) fn count_on_board_anew(&mut self) {
        if let Some(fleet) = &mut self.fleet {
            fleet.begin_anew();
        }
    }

    /// Every unit goes on for `span`.
    fn live<A: Audience + Send>(&mut self, span: Duration, audiences: &mut [A]) -> Result<()> {
        let share = self.stages.len().div_ceil(self.workers).max(1);
        let stages = self.stages.chunks_mut(share);
        let shares = stages.zip(audiences.chunks_mut(share));
        thread::scope(|scope| {
            let live = shares.map(|(stages, audiences)| {
                scope.spawn(move || -> Result<()> {
                    for (stage, audience) in stages.iter_mut().zip(audiences) {
                        stage.run(span, audience)?;
                    }
                    Ok(())
                })
            });
            let live: Vec<_> = live.collect();
            let mut ended = live.into_iter().map(thread::ScopedJoinHandle::join);
            ended.try_for_each(|one| one.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Vehicles think about the step that the worlds have made, and drivers do as they are told.
    fn advise(&mut self, fleet: &mut Fleet) {
        let worlds: Vec<&World> = self.stages.iter().map(Stage::world).collect();
        let onward = |at: usize, vehicle: &Vehicle| self.joined.onward(&worlds, at, vehicle);
        for order in fleet.follow(&worlds, &onward) {
            let world: &mut World = self.stages[order.at].as_mut();
            world.advise(order.vehicle, order.most_mps, order.leave);
        }
    }

    /// Whatever will be heard before `until` has been said: it goes to those who hear it.
    fn let_hear(&mut self, fleet: &mut Fleet, until: Mono) {
        let worlds: Vec<&World> = self.stages.iter().map(Stage::world).collect();
        let epoch = self.stages.first().map(|stage| stage.truth().epoch());
        while let (at, Some(epoch)) = (fleet.poll_timeout(), epoch)
            && at < until
        {
            fleet.handle_timeout(now(at, epoch), &worlds);
        }
        for (place, stage) in self.stages.iter_mut().enumerate() {
            while let Some((at, frame)) = fleet.poll_delivery(place) {
                stage.hear(at, frame);
            }
        }
    }

    /// Puts on the air what units have said.
    fn let_say(&mut self, fleet: &mut Fleet) {
        let stages = self.stages.iter_mut().enumerate();
        let said = stages.flat_map(|(place, stage)| {
            let frames = stage.take_said().into_iter();
            frames.map(move |(at, frame)| (at, place, frame))
        });
        let mut said: Vec<(Now, usize, Vec<u8>)> = said.collect();
        said.sort_by_key(|(at, place, _)| (at.mono, *place));
        for (at, place, frame) in said {
            fleet.broadcast(at, place, &frame);
        }
    }

    /// The units with their worlds.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The same, to be looked after.
    pub(crate) fn stages_mut(&mut self) -> &mut [Stage] {
        &mut self.stages
    }

    /// How they are joined.
    pub fn joined(&self) -> &Joined {
        &self.joined
    }

    /// When it is.
    pub fn now(&self) -> Mono {
        self.stages.first().map_or(Mono::ZERO, Stage::now)
    }
}

fn now(mono: Mono, epoch: Epoch) -> Now {
    Now {
        mono,
        utc: epoch.utc(mono),
    }
}
