//! The closed loop of all units of a network in virtual time.
//!
//! All worlds make a step together; then each unit, with its devices and on its own clock, lives
//! through that step. Units hear nothing of each other, so their order means nothing, and they do it
//! side by side on as many threads as there are cores.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use rsu::clock::Mono;

use super::file::Network;
use super::joined::Joined;
use crate::stage::{Audience, Stage};
use crate::world::STEP;

/// A network under way.
pub struct NetworkStage {
    joined: Joined,
    /// In the order of the network's junctions.
    stages: Vec<Stage>,
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
        let stages: Result<Vec<Stage>> = stages.collect();
        Ok(Self {
            joined,
            stages: stages?,
            workers: thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// Goes on by one step of the world; each unit shows what happens to its own of `audiences`.
    pub fn step<A: Audience + Send>(&mut self, audiences: &mut [A]) -> Result<()> {
        self.joined.step(&mut self.stages);
        let share = self.stages.len().div_ceil(self.workers).max(1);
        let stages = self.stages.chunks_mut(share);
        let shares = stages.zip(audiences.chunks_mut(share));
        thread::scope(|scope| {
            let live = shares.map(|(stages, audiences)| {
                scope.spawn(move || -> Result<()> {
                    for (stage, audience) in stages.iter_mut().zip(audiences) {
                        stage.follow();
                        stage.run(STEP, audience)?;
                    }
                    Ok(())
                })
            });
            let live: Vec<_> = live.collect();
            let mut ended = live.into_iter().map(thread::ScopedJoinHandle::join);
            ended.try_for_each(|one| one.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
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
