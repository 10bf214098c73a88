//! Riders in the lanes of the shipped site, among its traffic. Truth, without sensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as File;

use super::*;
use crate::scenario::Scenario;
use crate::world::World;

fn scenario() -> Scenario {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/scenarios/riders-in-lanes.toml"
    );
    Scenario::load(File::new(file)).expect("a scenario")
}

fn riders(per_hour: f64, e_bikes: f64, [left, right]: [f64; 2]) -> Riders {
    let site = scenario().site;
    let demand = (11..=14).map(|id| RiderDemand {
        from: NodeId { region: None, id },
        per_hour,
        e_bikes,
        turns: TurnShares { left, right },
        two_stage_left: false,
    });
    Riders::of_site(&site, demand.collect()).expect("they can go everywhere")
}

/// The scenario's vehicles, and these riders.
fn world(riders: Riders, seed: u64) -> World {
    let world = scenario().world(seed).expect("a world");
    world.with_riders(riders)
}

/// No rider touches anybody: neither a rider nor a vehicle that moves, nor rides into one that stands.
fn nobody_is_run_over(world: &World, seed: u64) {
    let bodies = &world.latest().bodies;
    for rider in world.riders().bodies() {
        let hit = bodies.iter().find(|other| {
            let moves = rider.speed_mps > 0.3 || other.speed_mps > 0.3;
            other.id != rider.id && moves && other.overlaps(rider)
        });
        assert_eq!(hit, None, "seed {seed}, {:?}: {rider:?}", world.now());
    }
}

#[test]
fn riders_run_over_nobody_and_pass_no_red_light_and_all_get_through() {
    for seed in [2, 1] {
        let mut world = world(riders(220.0, 0.6, [0.12, 0.15]), seed);
        let mut passed = BTreeMap::<Turn, u32>::new();
        let (mut came, mut stood) = (BTreeSet::new(), BTreeMap::<u32, u32>::new());
        for _ in 0..6_000 {
            world.step();
            nobody_is_run_over(&world, seed);
            for one in world.riders().passed() {
                assert_ne!(one.light, Some(Light::Red), "seed {seed}: {one:?}");
                *passed.entry(one.turn).or_default() += 1;
            }
            for rider in world.riders().bodies() {
                came.insert(rider.id);
                let steps = stood.entry(rider.id).or_default();
                *steps = if rider.speed_mps < 0.2 { *steps + 1 } else { 0 };
                let near = || {
                    let near = world.latest().bodies.iter();
                    let near = near.filter(|one| one.centre.distance_m(rider.centre) < 6.0);
                    near.map(|one| (one.kind, one.id, one.centre, one.direction, one.speed_mps))
                        .collect::<Vec<_>>()
                };
                // A cycle is 100 s.
                assert!(
                    *steps < 1_300,
                    "seed {seed}, {:?}: {rider:?}, near {:?}",
                    world.now(),
                    near()
                );
            }
        }
        let here = world.riders().present().len();
        println!(
            "seed {seed}: {passed:?}, {} came, {here} are here",
            came.len()
        );
        assert!(
            came.len() > 90 && here < 60,
            "seed {seed}: {here} of {}",
            came.len()
        );
        assert!(
            passed[&Turn::Left] > 6 && passed[&Turn::Right] > 6 && passed[&Turn::Straight] > 50
        );
    }
}

/// The same riders, who turn left in two stages.
fn riders_in_stages(per_hour: f64, left: f64) -> Riders {
    let demand = (11..=14).map(|id| RiderDemand {
        from: NodeId { region: None, id },
        per_hour,
        e_bikes: 0.6,
        turns: TurnShares { left, right: 0.15 },
        two_stage_left: true,
    });
    let riders = Riders::of_site(&scenario().site, demand.collect());
    riders.expect("there are places to wait")
}

#[test]
fn left_turns_in_two_stages_wait_for_both_greens_and_get_through() {
    for seed in [1, 2] {
        let mut world = world(riders_in_stages(220.0, 0.1), seed);
        let mut lights = BTreeMap::<u32, Vec<(Turn, Option<Light>)>>::new();
        let mut stood = BTreeMap::<u32, u32>::new();
        for _ in 0..6_000 {
            world.step();
            nobody_is_run_over(&world, seed);
            for one in world.riders().passed() {
                assert_ne!(one.light, Some(Light::Red), "seed {seed}: {one:?}");
                let passed = lights.entry(one.rider).or_default();
                passed.push((one.turn, one.light));
            }
            for rider in world.riders().present() {
                let steps = stood.entry(rider.id).or_default();
                let stands = rider.entered && rider.speed_mps < 0.2;
                *steps = if stands { *steps + 1 } else { 0 };
                // On the junction one waits for the other road's green, and a cycle is 100 s.
                assert!(*steps < 1_100, "seed {seed}, {:?}: {rider:?}", world.now());
            }
        }
        let twice = lights.values().filter(|passed| passed.len() == 2).count();
        let here = world.riders().present().len();
        println!("seed {seed}: {twice} in two stages, {here} are here");
        // 15 come to turn left in ten minutes; the last are under way, and each waits for two greens.
        assert!(twice >= 6 && here < 70, "seed {seed}: {twice}, {here}");
        let both_left = |passed: &Vec<(Turn, _)>| passed.iter().all(|one| one.0 == Turn::Left);
        assert!(
            lights
                .values()
                .filter(|passed| passed.len() > 1)
                .all(both_left)
        );
    }
}

#[test]
fn where_there_is_no_second_stage_left_turns_in_two_are_refused() {
    let mut site = scenario().site;
    let east = NodeId {
        region: None,
        id: 12,
    };
    // Nobody rides straight on from the road to the right of who comes from the south.
    for link in site.links.iter_mut().filter(|link| link.upstream == east) {
        for lane in &mut link.lanes {
            let bike = matches!(lane.kind, v2x_msg::kinds::map::LaneKind::Bike(_));
            lane.connections
                .retain(|one| !bike || one.turn != rsu::site::Turn::Straight);
        }
    }
    let demand = |id| RiderDemand {
        from: NodeId { region: None, id },
        per_hour: 100.0,
        e_bikes: 0.5,
        turns: TurnShares {
            left: 0.5,
            right: 0.0,
        },
        two_stage_left: true,
    };
    let refused = Riders::of_site(&site, vec![demand(13)]).expect_err("no second stage");
    let from = NodeId {
        region: None,
        id: 13,
    };
    assert_eq!(refused, NoWay::Stages { from });
}
