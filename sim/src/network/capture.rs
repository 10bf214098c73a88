//! Recordings of a network: those of each junction ([`crate::capture`]) in a folder of its own, all of the
//! same time.
//!
//! They begin when every junction has heard its signals, just before a cycle of the one that is heard
//! last.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::file::Network;
use super::stage::NetworkStage;
use crate::capture::{Tape, lead};

/// Writes the recordings of `span` into `folder`; returns their names.
pub fn capture(network: &Network, seed: u64, span: Duration, folder: &Path) -> Result<Vec<String>> {
    let mut stage = NetworkStage::new(network, seed)?;
    let junctions = || network.junctions.iter();
    let leads = junctions().zip(stage.stages());
    let leads = leads.map(|(junction, stage)| lead(&junction.scenario, stage));
    let leads = leads.collect::<Result<Vec<Duration>>>()?;
    let lead = leads.into_iter().max().unwrap_or_default();
    let from = stage.now() + lead;
    let mut tapes: Vec<Tape> = junctions()
        .map(|junction| Tape::new(&junction.scenario, from))
        .collect();
    let end = from + span;
    while stage.now() < end {
        stage.step(&mut tapes)?;
    }
    let mut names = Vec::new();
    for (junction, tape) in junctions().zip(tapes) {
        let own = format!("junction-{}", junction.scenario.site.node.id);
        let written = tape.write(&network.name, seed, span, &folder.join(&own))?;
        names.extend(written.into_iter().map(|name| format!("{own}/{name}")));
    }
    Ok(names)
}
