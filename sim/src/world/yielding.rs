//! Who gives way: permissive left turns, right turns at red and beside walkers. Truth, without sensors.
//!
//! The roads are those of [`super::tests`] with other signals: two stages, so that left turns give way,
//! and right turns that a phase governs.

use super::roads::Movement;
use super::signals::{Plan, Stage};
use super::tests::{cross_roads, node, phase, somebody};
use super::users::Wish;
use super::vehicles::Kind;
use super::*;
use crate::plane::Point;

/// Phase 1 is all of south and north, phase 3 all of east and west.
fn roads() -> Roads {
    let Roads {
        mut approaches,
        exits,
        ..
    } = cross_roads();
    for approach in &mut approaches {
        let governs = phase(if approach.from.id % 2 == 1 { 1 } else { 3 });
        for Movement { phase, .. } in &mut approach.movements {
            *phase = Some(governs);
        }
    }
    Roads::new(approaches, exits).expect("roads")
}

fn two_stages() -> Signals {
    let stage = |id| Stage {
        phases: vec![phase(id)],
        green: Duration::from_secs(24),
        flashing_green: Duration::from_secs(3),
        yellow: Duration::from_secs(3),
        all_red: Duration::from_secs(2),
    };
    Signals::Fixed(Plan::new(vec![stage(1), stage(3)], Duration::ZERO).expect("a plan"))
}

fn world(roads: Roads, vehicles_per_hour: f64, [left, right]: [f64; 2], seed: u64) -> World {
    let demand = (1..=4).map(|arm| Demand {
        from: node(arm),
        vehicles_per_hour,
        turns: TurnShares { left, right },
        mix: Mix {
            trucks: 0.08,
            buses: 0.03,
        },
    });
    World::new(roads, two_stages(), demand.collect(), seed).expect("all turns exist")
}

/// Runs a world for so many steps; nobody may touch, and those who turn so are shown.
fn run(world: &mut World, steps: u32, mut turned: impl FnMut(&World, &Crossing, Turn)) {
    for _ in 0..steps {
        world.step();
        let bodies = &world.latest().bodies;
        for (i, one) in bodies.iter().enumerate() {
            let hit = bodies[i + 1..].iter().find(|other| one.overlaps(other));
            assert_eq!(hit, None, "{:?}: {one:?}", world.now());
        }
        for crossing in world.crossings() {
            turned(world, crossing, world.roads().routes[crossing.route].turn);
        }
    }
}

/// How hard anybody who drives straight on brakes beyond its stop line or just before it at green.
fn hardest_at_green(world: &World, before: &mut Vec<(u32, f64)>) -> f64 {
    let now = world.now();
    let straight = world.vehicles().iter().filter(|vehicle| {
        let route = &world.roads().routes[vehicle.route];
        let green = route
            .phase
            .is_some_and(|phase| world.signals().light(phase, now) == Light::Green);
        route.turn == Turn::Straight && green && vehicle.along_m > route.stop_m - 20.0
    });
    let speeds: Vec<(u32, f64)> = straight.map(|one| (one.id, one.speed_mps)).collect();
    let braking = speeds.iter().filter_map(|(id, mps)| {
        let (_, was_mps) = before.iter().find(|(other, _)| other == id)?;
        Some((was_mps - mps) / STEP.as_secs_f64())
    });
    let hardest = braking.fold(0.0, f64::max);
    *before = speeds;
    hardest
}

#[test]
fn permissive_left_turns_go_in_gaps_and_nobody_brakes_for_them() {
    for seed in 1..=3 {
        let mut world = world(roads(), 350.0, [0.3, 0.0], seed);
        let (mut lefts, mut hardest, mut speeds) = (0, 0.0_f64, Vec::new());
        for _ in 0..6000 {
            run(&mut world, 1, |_, _, turn| {
                lefts += u32::from(turn == Turn::Left);
            });
            hardest = hardest.max(hardest_at_green(&world, &mut speeds));
        }
        assert!(lefts > 40, "seed {seed}: {lefts} turned left");
        // Comfort is 3 m/s²; whoever finds somebody in the way brakes with up to 8.
        assert!(hardest < 3.5, "seed {seed}: {hardest} m/s²");
    }
}

#[test]
fn right_turns_at_a_round_red_light_yield_and_at_an_arrow_wait() {
    let (mut at_red, mut passed) = ([0, 0], [0, 0]);
    for (which, round) in [(0, false), (1, true)] {
        let mut roads = roads();
        if round {
            assert_eq!(roads.allow_right_on_red(phase(1)), 2);
            assert_eq!(roads.allow_right_on_red(phase(3)), 2);
        }
        let mut world = world(roads, 350.0, [0.0, 0.4], 4);
        let (mut hardest, mut speeds) = (0.0_f64, Vec::new());
        for _ in 0..6000 {
            run(&mut world, 1, |_, crossing, turn| {
                assert!(!crossing.runs_red(), "{crossing:?}");
                passed[which] += u32::from(turn == Turn::Right);
                if crossing.light == Some(Light::Red) {
                    assert_eq!(turn, Turn::Right, "{crossing:?}");
                    at_red[which] += 1;
                }
            });
            hardest = hardest.max(hardest_at_green(&world, &mut speeds));
        }
        assert!(hardest < 3.5, "round {round}: {hardest} m/s²");
    }
    assert_eq!(at_red[0], 0, "a red arrow stops everybody");
    assert!(at_red[1] > 10, "{at_red:?} of {passed:?} at red");
    assert!(passed[0] > 50 && passed[1] > 50, "{passed:?}");
}

/// Walkers over the eastern arm, with the green of phase 1, who wait for nobody.
fn over_the_east(per_hour: f64) -> Wish {
    Wish {
        speed_mps: (1.34, 0.26),
        from: Mono::ZERO,
        until: Mono::ZERO + Duration::from_secs(100_000),
        per_hour: Some(per_hour),
        wait_m: Some(2.0),
        phase: Some(phase(1)),
        gap_s: 0.0,
        ..somebody(
            Kind::Pedestrian,
            [0.5, 0.6, 1.7],
            1.34,
            &[[23.0, -15.0], [23.0, 15.0]],
        )
    }
}

#[test]
fn those_who_turn_yield_to_walkers_who_wait_for_nobody() {
    let mut all = (0, 0);
    for seed in 5..=6 {
        let mut roads = roads();
        roads.allow_right_on_red(phase(1));
        roads.allow_right_on_red(phase(3));
        let mut world = world(roads, 250.0, [0.2, 0.4], seed);
        world = world.with(vec![over_the_east(150.0)], Vec::new());
        let mut over = std::collections::BTreeSet::new();
        let mut turned = 0;
        for _ in 0..6000 {
            world.step();
            for crossing in world.crossings() {
                let route = &world.roads().routes[crossing.route];
                turned += u32::from(route.turn != Turn::Straight);
            }
            for walker in world.users().bodies() {
                let vehicles = world.latest().vehicles();
                let hit = vehicles
                    .iter()
                    .find(|vehicle| vehicle.overlaps(walker) && vehicle.speed_mps > 0.5);
                assert_eq!(hit, None, "seed {seed}, {:?}: {walker:?}", world.now());
                if walker.centre.north_m > 13.0 {
                    over.insert(walker.id);
                }
            }
        }
        all = (all.0 + over.len(), all.1 + turned);
    }
    assert!(all.0 > 20, "only {} walkers came over", all.0);
    assert!(all.1 > 100, "only {} turned", all.1);
}

#[test]
fn who_waits_where_others_turn_and_who_turns_do_not_wait_for_each_other_for_ever() {
    for seed in 1..=3 {
        let mut roads = roads();
        roads.allow_right_on_red(phase(1));
        let mut world = world(roads, 250.0, [0.2, 0.4], seed);
        // Riders over the eastern arm: they stand where those from the south turn right, and wait for a gap.
        let riders = Wish {
            way: vec![Point::new(15.0, -14.5), Point::new(15.0, 15.0)],
            kind: Kind::Bicycle,
            size_m: [1.8, 0.6, 1.7],
            speed_mps: (4.0, 0.5),
            wait_m: Some(1.0),
            gap_s: 2.0,
            ..over_the_east(60.0)
        };
        world = world.with(vec![riders], Vec::new());
        let mut stood = std::collections::BTreeMap::<u32, u32>::new();
        let mut over = std::collections::BTreeSet::new();
        for _ in 0..8000 {
            world.step();
            for vehicle in world.vehicles() {
                let route = &world.roads().routes[vehicle.route];
                let there = vehicle.entered.is_some() && vehicle.rear_m() < route.clear_m;
                let steps = stood.entry(vehicle.id).or_default();
                *steps = if there && vehicle.speed_mps < 0.2 {
                    *steps + 1
                } else {
                    0
                };
                // Until the riders' next green, which comes once in 64 s.
                assert!(*steps < 800, "seed {seed}: {vehicle:?}");
            }
            let bodies = world.users().bodies().iter();
            over.extend(
                bodies
                    .filter(|one| one.centre.north_m > 10.0)
                    .map(|one| one.id),
            );
        }
        assert!(
            over.len() >= 8,
            "seed {seed}: only {} came over",
            over.len()
        );
    }
}

#[test]
fn a_phase_that_rules_no_right_turn_is_refused() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/scenarios/moyu-boyuan.toml"
    );
    let round = ("traffic.right-on-red".to_owned(), "[1]".to_owned());
    let refused = crate::scenario::Scenario::load_with(std::path::Path::new(file), &[round]);
    let told = format!(
        "{:#}",
        refused.expect_err("right turns there have no light")
    );
    assert!(
        told.contains("right-on-red") && told.contains('1'),
        "{told}"
    );
}
