//! The same traffic through a network whose signals favour nobody: what buses would lose there.
//!
//! The other world is gone through before the run, with no unit in it. Not here: what is made of the delays
//! ([`crate::judge::priority`]).

use anyhow::{Context, Result, ensure};
use rsu::clock::Mono;
use v2x_msg::base::NodeId;

use super::file::Network;
use super::joined::Joined;
use super::lines::Line;
use crate::judge::priority::{self, PriorityJudge};
use crate::scenario::signals::SignalsKind;
use crate::world::World;
use crate::world::lines::Service;

/// A judge of a network that asks for one; what passes after `from` and until `until` counts.
pub(super) fn judge(
    network: &Network,
    seed: u64,
    from: Mono,
    until: Mono,
) -> Result<Option<PriorityJudge>> {
    for junction in &network.junctions {
        ensure!(
            !priority::is_asked_for(&junction.scenario.file.limits),
            "bus-delay-less-min and side-delay-more-max of a network stand in [network.limits]"
        );
    }
    if !network.table.limits.ask_for_comparison() {
        return Ok(None);
    }
    let mut other = network.clone();
    for junction in &mut other.junctions {
        priority::heeds_nobody(&junction.scenario)
            .with_context(|| format!("junction {}", junction.name))?;
        junction.scenario.file.signals.kind = SignalsKind::Coordinated;
    }
    let (mut joined, mut worlds) = other.worlds(seed)?;
    let mut judge = PriorityJudge::new(main(&joined));
    while worlds
        .first()
        .is_some_and(|world: &World| world.now() < until)
    {
        joined.step(&mut worlds);
        for (place, world) in worlds.iter().enumerate() {
            let crossings = world.crossings().iter();
            let counted = crossings.filter(|crossing| crossing.at >= from);
            counted.for_each(|crossing| judge.passed_without(place, crossing, world));
        }
    }
    Ok(Some(judge))
}

/// Where lines of buses come from, by the place of the junction.
fn main(joined: &Joined) -> Vec<Vec<NodeId>> {
    let lines = joined.lines().iter();
    let buses = || lines.clone().filter(|line| line.service == Service::Bus);
    let places = joined.places().iter().map(|place| {
        let ways = buses().flat_map(Line::ways);
        let here = ways.filter(|(_, here, _)| *here == place.node);
        here.map(|(from, ..)| from).collect()
    });
    places.collect()
}
