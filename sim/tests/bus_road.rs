//! Four crossings of a road with buses and ambulances: who runs through them, what that is held against, and that
//! nobody is run into where drivers change lanes between one junction's world and the next.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sim::network::joined::Joined;
use sim::network::{Network, run};
use sim::world::World;
use sim::world::snapshot::Body;
use sim::world::vehicles::Kind;

const SCENARIO: &str = "yumin-bus-and-ambulance.toml";

fn loaded(settings: &[(&str, &str)]) -> anyhow::Result<Network> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let settings: Vec<(String, String)> = settings.iter().map(own).collect();
    Network::load_with(&Path::new(folder).join(SCENARIO), &settings)
}

fn refusal(settings: &[(&str, &str)]) -> String {
    let refused = loaded(settings).expect_err("a refusal");
    format!("{refused:#}")
}

/// Everybody in every world, on the plane of the network.
fn bodies(joined: &Joined, worlds: &[World]) -> Vec<Body> {
    let worlds = joined.places().iter().zip(worlds);
    let bodies = worlds.flat_map(|(place, world)| {
        let here = world.latest().vehicles().iter();
        here.map(|body| Body {
            centre: body.centre.plus(place.origin),
            ..*body
        })
    });
    bodies.collect()
}

/// The two who are in one place, if there are any.
fn touching(mut bodies: Vec<Body>) -> Option<(Body, Body)> {
    bodies.sort_by(|a, b| a.centre.north_m.total_cmp(&b.centre.north_m));
    bodies.iter().enumerate().find_map(|(i, one)| {
        let near = bodies[i + 1..].iter();
        let mut near = near.take_while(|other| other.centre.north_m < one.centre.north_m + 15.0);
        let other = near.find(|other| one.overlaps(other))?;
        Some((*one, *other))
    })
}

#[test]
fn an_ambulance_comes_through_all_crossings_with_the_buses_and_touches_nobody() {
    // It sets out early, into more traffic than usual.
    let network = loaded(&[
        ("network.line.4.from-s", "240"),
        ("junction.0.demand.0.vehicles-per-hour", "600"),
        ("junction.3.demand.2.vehicles-per-hour", "600"),
    ]);
    let network = network.expect("a network");
    for seed in [1, 2] {
        let (mut joined, mut worlds) = network.worlds(seed).expect("worlds");
        let (mut buses, mut least_s) = (BTreeSet::new(), f64::INFINITY);
        let mut sirens = Vec::new();
        let mut changes = 0;
        for step in 0..4_200 {
            joined.step(&mut worlds);
            for (place, world) in worlds.iter().enumerate() {
                for crossing in world.crossings() {
                    let mut vehicles = world.vehicles().iter();
                    let vehicle = vehicles.find(|one| one.id == crossing.vehicle);
                    let vehicle = vehicle.expect("it is still there");
                    if vehicle.siren {
                        sirens.push((place, crossing.delay_s));
                    }
                    if crossing.kind == Kind::Bus {
                        buses.insert((place, crossing.vehicle));
                        least_s = least_s.min(crossing.delay_s);
                    }
                }
            }
            if step % 3 == 0 {
                let hit = touching(bodies(&joined, &worlds));
                assert_eq!(hit, None, "seed {seed}, step {step}");
            }
        }
        changes += worlds
            .iter()
            .map(|world| world.lane_changes().0)
            .sum::<u32>();
        println!(
            "seed {seed}: on duty {sirens:?}, {} calls of buses",
            buses.len()
        );
        let places: Vec<usize> = sirens.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [0, 1, 2, 3], "all the way, seed {seed}");
        assert!(
            sirens.iter().all(|(_, late_s)| *late_s < 20.0),
            "{sirens:?}"
        );
        assert_eq!(joined.strayed(), 0);
        assert!(buses.len() > 12, "{}", buses.len());
        // Time at a stop is taken off once, at the line after it: who stood before is not early.
        assert!(least_s > -5.0, "{least_s}");
        assert!(changes > 100, "{changes}");
    }
}

#[test]
fn without_priority_a_network_is_its_own_comparison() {
    let plain = loaded(&[
        ("signals.type", "coordinated"),
        ("traffic-s", "250"),
        ("settle-s", "0"),
    ]);
    let plain = plain.expect("a network");
    let outcome = run::run(&plain, 1, Some(Duration::from_secs(100))).expect("a run");
    for what in ["delay of buses, less by", "delay of sides, more by"] {
        let mut verdicts = outcome.verdicts.iter();
        let found = verdicts.find(|verdict| verdict.criterion == what);
        assert_eq!(found.expect("a criterion").value, Some(0.0), "{what}");
    }
    let priority = outcome.priority.expect("it is asked for");
    assert!(priority.with.bus_s.count() > 3, "hardly a bus");
    assert!(priority.with.side_s.count() > 10, "hardly anybody");
    for junction in &outcome.junctions {
        let clearances = &junction.judge.clearances;
        assert!(
            clearances.seen > 10 && clearances.cut == 0,
            "{clearances:?}"
        );
    }
}

#[test]
fn what_cannot_run_or_be_compared_is_refused() {
    let told = refusal(&[("network.line.0.service", "platoon")]);
    assert!(told.contains("platoons run at one junction only"), "{told}");
    let told = refusal(&[("network.line.0.lane", "1")]);
    assert!(
        told.contains("no way leads from 50 by 51 to 52 in lane 1"),
        "{told}"
    );
    let run_briefly = |settings: &[(&str, &str)]| {
        let network = loaded(settings).expect("a network");
        let refused = run::run(&network, 1, Some(Duration::from_secs(1))).err();
        format!("{:#}", refused.expect("a refusal"))
    };
    let short = ("traffic-s", "1");
    let told = run_briefly(&[short, ("air.advice", "true")]);
    assert!(told.contains("air.advice"), "{told}");
    let told = run_briefly(&[short, ("limits.side-delay-more-max", "0.1")]);
    assert!(told.contains("[network.limits]"), "{told}");
}
