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
