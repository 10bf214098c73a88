//! What units say of themselves in the minutes of fog where there is none: the same run in clear air.
//!
//! Only where a limit asks how doubt grows in fog. Not here: what becomes of it ([`crate::judge::verdict`]).

use std::time::Duration;

use anyhow::Result;

use super::file::{Junction, Network};
use super::stage::NetworkStage;
use crate::judge::samples::Samples;
use crate::run::Hall;

/// For each junction what RSM says where nothing clouds the view, in the minutes in which it is foggy there, of
/// which at most `keeps` are kept one by one; None where nobody asks.
pub(super) fn said_in_clear_air(
    network: &Network,
    seed: u64,
    duration: Duration,
    keeps: usize,
) -> Result<Option<Vec<Samples>>> {
    let asks = |junction: &Junction| junction.scenario.asks_for_doubt_in_fog();
    if !network.junctions.iter().any(asks) {
        return Ok(None);
    }
    let mut clear = network.clone();
    for junction in &mut clear.junctions {
        junction.scenario = junction.scenario.in_clear_air();
    }
    let mut stage = NetworkStage::new(&clear, seed)?;
    let junctions = network.junctions.iter().zip(stage.stages());
    let halls = junctions.map(|(junction, stage)| Hall::new(&junction.scenario, stage, duration));
    let mut halls: Vec<Hall> = halls.collect::<Result<_>>()?;
    halls.iter_mut().for_each(|hall| hall.keep_at_most(keeps));
    let end = stage.now() + duration;
    while stage.now() < end {
        stage.step(&mut halls)?;
        for (hall, stage) in halls.iter_mut().zip(stage.stages_mut()) {
            hall.follow(stage);
        }
    }
    Ok(Some(halls.into_iter().map(Hall::said_in_fog).collect()))
}
