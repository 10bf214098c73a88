//! Delay at a signal of four arms with three lanes and permissive left turns, 50 km/h, 90 s: the
//! plan, lanes and demand of SUMO's case, without its walkers.
//!
//! SUMO's figures have one seed and evenly spaced arrivals; ours arrive by chance. Beyond 2,160
//! vehicles an hour the junction is at its capacity and the figure means little.

use std::collections::BTreeMap;
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
use crate::world::{Demand, STEP, World};

/// Through traffic of each arm, and the mean time that SUMO's IDM loses.
const SUMO: [(f64, f64); 3] = [(100.0, 18.06), (200.0, 19.15), (300.0, 40.17)];

/// Mean over these seeds.
pub fn fourarm(seeds: &[u64]) -> Result<Findings> {
    let mut findings = Findings {
        csv: "vehicles_per_h,vehicles,time_loss_s,sumo_time_loss_s\n".to_owned(),
        ..Findings::default()
    };
    for (through, sumo_s) in SUMO {
        let total = 4.0 * 1.8 * through;
        let mut losses: Vec<f64> = Vec::new();
        for &seed in seeds {
            losses.extend(time_losses_s(through, seed)?);
        }
        let mean_s = losses.iter().sum::<f64>() / losses.len() as f64;
        let _ = writeln!(
            findings.csv,
            "{total:.0},{},{mean_s:.2},{sumo_s}",
            losses.len()
        );
        if total < 2160.0 - 1.0 {
            let what = format!("{total:.0} veh/h: time lost over SUMO's");
            findings.figure(what, mean_s / sumo_s, 0.8, 1.2);
        }
    }
    Ok(findings)
}

/// What each vehicle that came within the hour lost against driving as fast as it would.
fn time_losses_s(through: f64, seed: u64) -> Result<Vec<f64>> {
    let mut world = world(through, seed)?;
    let mut lost: BTreeMap<u32, f64> = BTreeMap::new();
    let hour = Mono::ZERO + WARM_UP..Mono::ZERO + WARM_UP + HOUR;
    while world.now() < hour.end + Duration::from_secs(600) {
        world.step();
        for vehicle in world.vehicles() {
            if hour.contains(&vehicle.appeared) {
                let route = &world.roads().routes[vehicle.route];
                let wanted = route.speed_mps(vehicle.along_m) * vehicle.driver.eagerness;
                let share = (1.0 - vehicle.speed_mps / wanted).max(0.0);
                *lost.entry(vehicle.id).or_default() += share * STEP.as_secs_f64();
            }
        }
    }
    Ok(lost.into_values().collect())
}

/// The junction with so much through traffic an hour and arm.
pub fn world(through: f64, seed: u64) -> Result<World> {
    let nodes = [1, 2, 3, 4];
    let demand = nodes.map(|node| demand(node, 1.8 * through));
    Ok(World::new(
        roads(500.0, nodes)?,
        Signals::Fixed(plan(Duration::ZERO)?),
        demand.to_vec(),
        seed,
    )?)
}

/// Who comes from a node: as many turn as in SUMO's case.
pub(super) fn demand(node: u16, vehicles_per_hour: f64) -> Demand {
    Demand {
        from: self::node(node),
        vehicles_per_hour,
        turns: TurnShares {
            left: 0.4 / 1.8,
            right: 0.4 / 1.8,
        },
        mix: Mix {
            trucks: 0.0,
            buses: 0.0,
        },
    }
}

/// Two stages of 45 s.
pub(super) fn plan(offset: Duration) -> Result<Plan> {
    let stage = |phase| -> Result<Stage> {
        Ok(Stage {
            phases: vec![PhaseId::new(phase)?],
            green: Duration::from_secs(42),
            flashing_green: Duration::ZERO,
            yellow: Duration::from_secs(3),
            all_red: Duration::ZERO,
        })
    };
    Ok(Plan::new(vec![stage(1)?, stage(2)?], offset)?)
}

/// Roads of so many metres from the south, east, north and west, and back to there.
pub(super) fn roads(arm_m: f64, nodes: [u16; 4]) -> Result<Roads> {
    let turned = |point: Point, quarters: usize| (0..quarters).fold(point, |p, _| p.left());
    let mut approaches = Vec::new();
    let mut exits = Vec::new();
    for (arm, id) in nodes.into_iter().enumerate() {
        let phase = Some(PhaseId::new(1 + (arm % 2) as u8)?);
        for lane in 0..3_usize {
            let aside_m = 1.6 + 3.2 * lane as f64;
            let inward = [Point::new(aside_m, -arm_m), Point::new(aside_m, -14.1)];
            let outward = [Point::new(-aside_m, -14.1), Point::new(-aside_m, -arm_m)];
            let to = |arm: usize| (arm % 4) * 3 + lane;
            let mut movements = vec![Movement {
                exit: to(arm + 2),
                turn: Turn::Straight,
                phase,
            }];
            if lane != 1 {
                let (turn, arm) = if lane == 0 {
                    (Turn::Left, arm + 3)
                } else {
                    (Turn::Right, arm + 1)
                };
                movements.push(Movement {
                    exit: to(arm),
                    turn,
                    phase,
                });
            }
            approaches.push(ApproachLane {
                from: node(id),
                id: LaneId::new(lane as u8 + 1)?,
                width_m: 3.2,
                limit_mps: LIMIT_MPS,
                centre: inward.map(|point| turned(point, arm)).to_vec(),
                movements,
            });
            exits.push(ExitLane {
                to: node(id),
                width_m: 3.2,
                limit_mps: LIMIT_MPS,
                centre: outward.map(|point| turned(point, arm)).to_vec(),
            });
        }
    }
    Ok(Roads::new(approaches, exits)?)
}

const fn node(id: u16) -> NodeId {
    NodeId { region: None, id }
}

const LIMIT_MPS: f64 = 13.89;
const WARM_UP: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_collides_where_left_turns_give_way() {
        let mut world = world(300.0, 1).expect("a world");
        let mut lefts = 0;
        for _ in 0..6000 {
            world.step();
            let routes = &world.roads().routes;
            let turns = world
                .crossings()
                .iter()
                .map(|crossing| routes[crossing.route].turn);
            lefts += turns.filter(|turn| *turn == Turn::Left).count();
            let bodies = &world.latest().bodies;
            for (i, one) in bodies.iter().enumerate() {
                let hit = bodies[i + 1..].iter().find(|other| one.overlaps(other));
                assert_eq!(hit, None, "at {:?}: {one:?}", world.now());
            }
        }
        assert!(lefts > 30, "only {lefts} turned left");
    }
}
