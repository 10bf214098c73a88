//! A queue that discharges over a stop line: one lane, 50 km/h, a green of 57 s in 120 s, more
//! vehicles than it can serve. The same as the case of SUMO.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use rsu::clock::Mono;
use v2x_msg::base::{LaneId, NodeId, PhaseId};

use super::Findings;
use crate::plane::Point;
use crate::world::roads::{ApproachLane, ExitLane, Movement, Roads, Turn};
use crate::world::signals::{Plan, Signals, Stage};
use crate::world::vehicles::{Mix, TurnShares};
use crate::world::{Demand, World};

/// Cars only, by our own default driver.
pub fn satflow(seed: u64) -> Result<Findings> {
    let mut world = world(seed)?;
    let phase = PhaseId::new(1)?;
    // By place in the queue: headways, the first from the beginning of green.
    let mut headways: Vec<Vec<f64>> = Vec::new();
    let mut shortest = usize::MAX;
    let (mut cycle, mut place, mut last) = (u64::MAX, 0, Mono::ZERO);
    while world.now() < Mono::ZERO + CYCLE * CYCLES {
        world.step();
        for crossing in world.crossings() {
            let now = crossing.at.nanos() / CYCLE.as_nanos() as u64;
            let Some(shown) = world.signals().shown(phase, crossing.at) else {
                continue;
            };
            if now != cycle {
                if cycle != u64::MAX && cycle > u64::from(SETTLE) {
                    shortest = shortest.min(place);
                }
                (cycle, place, last) = (now, 0, shown.since);
            }
            if cycle >= u64::from(SETTLE) {
                if headways.len() <= place {
                    headways.push(Vec::new());
                }
                headways[place].push(crossing.at.seconds_after(last));
            }
            last = crossing.at;
            place += 1;
        }
    }
    let mut findings = Findings {
        csv: "place,headway_s,count\n".to_owned(),
        ..Findings::default()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for (i, values) in headways.iter().enumerate() {
        let _ = writeln!(
            findings.csv,
            "{},{:.3},{}",
            i + 1,
            mean(values),
            values.len()
        );
    }
    let in_full = headways.get(4..shortest.saturating_sub(1)).unwrap_or(&[]);
    let saturated: Vec<f64> = in_full.iter().flatten().copied().collect();
    let flow = 3600.0 / mean(&saturated);
    findings.figure("saturation flow, veh/h/lane", flow, 1800.0, 1900.0);
    for (i, values) in headways.iter().take(3).enumerate() {
        findings.figure(format!("headway {}, s", i + 1), mean(values), 2.2, 2.9);
    }
    Ok(findings)
}

fn world(seed: u64) -> Result<World> {
    let node = NodeId {
        region: None,
        id: 1,
    };
    let phase = PhaseId::new(1)?;
    let approach = ApproachLane {
        from: node,
        id: LaneId::new(1)?,
        width_m: 3.5,
        limit_mps: LIMIT_MPS,
        centre: vec![Point::new(0.0, -600.0), Point::new(0.0, 0.0)],
        movements: vec![Movement {
            exit: 0,
            turn: Turn::Straight,
            phase: Some(phase),
        }],
    };
    let exit = ExitLane {
        to: NodeId {
            region: None,
            id: 2,
        },
        width_m: 3.5,
        limit_mps: LIMIT_MPS,
        centre: vec![Point::new(0.0, 10.0), Point::new(0.0, 500.0)],
    };
    let stage = Stage {
        phases: vec![phase],
        green: Duration::from_secs(57),
        flashing_green: Duration::ZERO,
        yellow: Duration::from_secs(3),
        all_red: Duration::from_secs(60),
    };
    let signals = Signals::Fixed(Plan::new(vec![stage], Duration::ZERO)?);
    let demand = Demand {
        from: node,
        vehicles_per_hour: 1300.0,
        turns: TurnShares {
            left: 0.0,
            right: 0.0,
        },
        mix: Mix {
            trucks: 0.0,
            buses: 0.0,
        },
    };
    Ok(World::new(
        Roads::new(vec![approach], vec![exit])?,
        signals,
        vec![demand],
        seed,
    )?)
}

const LIMIT_MPS: f64 = 13.89;
const CYCLE: Duration = Duration::from_secs(120);
const CYCLES: u32 = 31;
/// The queue stands from here on.
const SETTLE: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_discharges_as_queues_in_china_do() {
        let findings = satflow(1).expect("a world");
        assert!(findings.hold(), "{:#?}\n{}", findings.figures, findings.csv);
    }
}
