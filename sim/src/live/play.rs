//! What is played live: a scenario of one junction or of several, and its worlds.
//!
//! The same worlds, in the same order, as in virtual time: one that we move or SUMO does, or several that
//! go on in each other. Not here: what stands around them ([`super::unit`], [`super::air`]).

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use rsu::clock::Mono;
use v2x_msg::base::NodeId;

use crate::network::Network;
use crate::network::joined::Joined;
use crate::obu::fleet::Fleet;
use crate::scenario::Scenario;
use crate::sumo::{Mover, Sumo};
use crate::truth::Epoch;
use crate::world::World;
use crate::world::vehicles::Vehicle;

/// A scenario of one junction or of several.
#[derive(Clone, Debug)]
pub enum Play {
    /// One junction.
    One(Box<Scenario>),
    /// Several.
    Several(Box<Network>),
}

impl Play {
    /// The scenario with this name, or in this file, with keys set to other values.
    pub fn find_with(name: &str, settings: &[(String, String)]) -> Result<Self> {
        Ok(match Network::find_with(name, settings)? {
            Some(network) => Self::Several(Box::new(network)),
            None => Self::One(Box::new(Scenario::find_with(name, settings)?)),
        })
    }

    /// As people call it.
    pub fn name(&self) -> &str {
        match self {
            Self::One(scenario) => &scenario.file.name,
            Self::Several(network) => &network.name,
        }
    }

    /// Its one line.
    pub fn summary(&self) -> &str {
        match self {
            Self::One(scenario) => &scenario.file.summary,
            Self::Several(network) => &network.summary,
        }
    }

    /// Why it does not pass, if it does not.
    pub fn expected_to_fail(&self) -> Option<&str> {
        match self {
            Self::One(scenario) => scenario.file.expected_to_fail.as_deref(),
            Self::Several(network) => network.expected_to_fail.as_deref(),
        }
    }

    /// Its junctions by name, in the order of their worlds.
    pub fn junctions(&self) -> Vec<(&str, &Scenario)> {
        match self {
            Self::One(scenario) => vec![(scenario.site.name.as_str(), scenario)],
            Self::Several(network) => {
                let junctions = network.junctions.iter();
                let junctions = junctions.map(|one| (one.name.as_str(), &one.scenario));
                junctions.collect()
            }
        }
    }

    /// The chance of each junction.
    pub fn seeds(&self, seed: u64) -> Vec<u64> {
        match self {
            Self::One(_) => vec![seed],
            Self::Several(network) => network.junctions.iter().map(|one| one.seed(seed)).collect(),
        }
    }

    /// For how long it is judged in virtual time.
    pub fn duration(&self) -> Duration {
        match self {
            Self::One(scenario) => Duration::from_secs(u64::from(scenario.file.duration_s)),
            Self::Several(network) => network.duration(),
        }
    }

    /// How long the judge waits.
    pub fn settle(&self) -> Duration {
        let first = self.junctions().first().map(|(_, one)| one.settle());
        first.unwrap_or_default()
    }

    /// Refuses what real time cannot have: a run that goes over New Year by its own calendar, for UTC of a
    /// live run is this machine's.
    pub fn check(&self) -> Result<()> {
        for (_, scenario) in self.junctions() {
            let over = scenario.start + self.duration();
            ensure!(
                scenario.start.civil().year == over.civil().year,
                "{} goes over New Year by its own calendar (start = {}), and UTC of a live run is this \
                 machine's: run it in virtual time, `sim run {}`",
                self.name(),
                scenario.file.start,
                self.name()
            );
        }
        Ok(())
    }

    /// Vehicles with on-board units, if there are any.
    pub fn fleet(&self, epoch: Epoch, seed: u64) -> Result<Option<Fleet>> {
        match self {
            Self::One(scenario) => scenario.fleet(epoch, seed),
            Self::Several(network) => network.fleet(epoch, seed),
        }
    }

    /// As `mover` needs it.
    pub fn moved_by(self, mover: &Mover) -> Result<Self> {
        match (self, mover) {
            (play, Mover::Own) => Ok(play),
            (Self::One(scenario), Mover::Sumo(_)) => {
                Ok(Self::One(Box::new(scenario.without_drivers()?)))
            }
            (Self::Several(network), Mover::Sumo(_)) => bail!(
                "SUMO drives scenarios of one junction; {} has several",
                network.name
            ),
        }
    }
}

/// The worlds of a play, in the order of its junctions.
pub struct Worlds {
    all: Vec<World>,
    moved: Moved,
}

/// Who moves them.
enum Moved {
    Own,
    Sumo(Box<Sumo>),
    Joined(Box<Joined>),
}

impl Worlds {
    /// The worlds at the moment the units start: their roads are already busy. Refused once `is_over`.
    pub fn busy(play: &Play, mover: &Mover, seed: u64, is_over: &dyn Fn() -> bool) -> Result<Self> {
        let (all, moved) = match play {
            Play::One(scenario) => {
                let moved = match mover {
                    Mover::Own => Moved::Own,
                    Mover::Sumo(program) => {
                        let sumo = Sumo::start(scenario, program.as_deref(), seed)?;
                        Moved::Sumo(Box::new(sumo))
                    }
                };
                (vec![scenario.world(seed)?], moved)
            }
            Play::Several(network) => {
                let (joined, worlds) = network.worlds(seed)?;
                (worlds, Moved::Joined(Box::new(joined)))
            }
        };
        let mut worlds = Self { all, moved };
        let first = play.junctions().first().map(|(_, one)| one.traffic());
        let started = Mono::ZERO + first.unwrap_or_default();
        while worlds.now() < started {
            ensure!(!is_over(), "ended before it began");
            worlds.step()?;
        }
        Ok(worlds)
    }

    /// Until when all of them are known.
    pub fn now(&self) -> Mono {
        self.all.first().map_or(Mono::ZERO, World::now)
    }

    /// Lets all of them go on by a step.
    pub fn step(&mut self) -> Result<()> {
        match &mut self.moved {
            Moved::Own => self.all.iter_mut().for_each(World::step),
            Moved::Sumo(sumo) => {
                for world in &mut self.all {
                    sumo.step(world)?;
                }
            }
            Moved::Joined(joined) => joined.step(&mut self.all),
        }
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> &[World] {
        &self.all
    }

    /// All of them, for those who tell drivers something.
    pub fn all_mut(&mut self) -> &mut [World] {
        &mut self.all
    }

    /// Who moves them, if we do not.
    pub fn mover(&self) -> Option<&str> {
        match &self.moved {
            Moved::Sumo(sumo) => Some(sumo.name()),
            Moved::Own | Moved::Joined(_) => None,
        }
    }

    /// How they are joined, where there are several.
    pub fn joined(&self) -> Option<&Joined> {
        match &self.moved {
            Moved::Joined(joined) => Some(joined),
            Moved::Own | Moved::Sumo(_) => None,
        }
    }

    /// Where the way of a vehicle leads from the junction after its own.
    pub fn onward(&self, at: usize, vehicle: &Vehicle) -> Option<NodeId> {
        self.joined()?.onward(&self.all, at, vehicle)
    }
}
