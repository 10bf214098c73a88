//! What buses gain by the signal's favour, and what it costs the roads that they do not come from: delays
//! at the stop lines, against the same traffic without.
//!
//! The other world has the same seed and demand, the same ambulances, and a signal that keeps to its
//! grid; it is gone through before the run, with no unit in it. So it can be had only where drivers do
//! not heed what the unit says. Several junctions are judged together, by the place of each in its network.
//! Not here: whether a delay is bearable by itself ([`journeys`](super::journeys)), and the other world of a
//! network ([`crate::network`]).

use anyhow::{Result, ensure};
use rsu::clock::Mono;
use v2x_msg::base::NodeId;

use super::samples::Samples;
use crate::scenario::signals::SignalsKind;
use crate::scenario::{Limits, Scenario};
use crate::world::vehicles::Kind;
use crate::world::{Crossing, World};

/// Delays with and without buses' priority.
#[derive(Clone, Debug)]
pub struct PriorityJudge {
    /// Where buses come from, by the place of the junction.
    main: Vec<Vec<NodeId>>,
    /// Of this run.
    pub with: Delays,
    /// Of the same traffic with a signal that favours nobody.
    pub without: Delays,
}

/// Delays at the stop lines, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    /// Of buses.
    pub bus_s: Samples,
    /// Of all others, from where no line of buses comes.
    pub side_s: Samples,
}

impl PriorityJudge {
    /// A judge of a scenario that asks for it; what passes after `from` and until `until` counts.
    pub fn of(scenario: &Scenario, seed: u64, from: Mono, until: Mono) -> Result<Option<Self>> {
        if !is_asked_for(&scenario.file.limits) {
            return Ok(None);
        }
        heeds_nobody(scenario)?;
        let mut judge = Self::new(vec![scenario.bus_approaches()]);
        let mut other = scenario.clone();
        other.file.signals.kind = SignalsKind::Coordinated;
        let mut world = other.world(seed)?;
        while world.now() < until {
            world.step();
            for crossing in world.crossings() {
                if crossing.at >= from {
                    judge.passed_without(0, crossing, &world);
                }
            }
        }
        Ok(Some(judge))
    }

    /// A judge of junctions to which buses come from these nodes, by place; nobody has passed yet.
    pub fn new(main: Vec<Vec<NodeId>>) -> Self {
        Self {
            main,
            with: Delays::default(),
            without: Delays::default(),
        }
    }

    /// A vehicle passed a stop line of the junction at a place in the run.
    pub fn passed(&mut self, place: usize, crossing: &Crossing, world: &World) {
        self.with.passed(crossing, world, &self.main[place]);
    }

    /// The same in the world without priority.
    pub fn passed_without(&mut self, place: usize, crossing: &Crossing, world: &World) {
        self.without.passed(crossing, world, &self.main[place]);
    }

    /// By what share the mean delay of the sides is more than without; None if nobody came.
    pub fn side_more(&self) -> Option<f64> {
        more(&self.with.side_s, &self.without.side_s)
    }

    /// By what share that of buses is less.
    pub fn bus_less(&self) -> Option<f64> {
        more(&self.with.bus_s, &self.without.bus_s).map(|more| 0.0 - more)
    }
}

impl Delays {
    fn passed(&mut self, crossing: &Crossing, world: &World, main: &[NodeId]) {
        let roads = world.roads();
        let from = roads.approaches[roads.routes[crossing.route].approach].from;
        if crossing.kind == Kind::Bus {
            self.bus_s.add(crossing.delay_s);
        } else if !main.contains(&from) {
            self.side_s.add(crossing.delay_s);
        }
    }
}

/// Refused where drivers heed what a unit says: how they would have driven without it nobody knows.
pub(crate) fn heeds_nobody(scenario: &Scenario) -> Result<()> {
    let air = scenario.file.air.as_ref();
    ensure!(
        air.is_none_or(|air| !air.advice && !air.warnings && air.asks.is_none()),
        "delays without priority cannot be known where drivers heed the unit: \
         air.advice, air.warnings and air.asks must be off"
    );
    Ok(())
}

pub(crate) fn is_asked_for(limits: &Limits) -> bool {
    limits.side_delay_more_max.is_some() || limits.bus_delay_less_min.is_some()
}

fn more(with: &Samples, without: &Samples) -> Option<f64> {
    let (with_s, without_s) = (with.mean()?, without.mean()?);
    (without_s > 0.0).then(|| with_s / without_s - 1.0)
}
