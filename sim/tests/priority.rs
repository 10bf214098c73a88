//! Who comes by a timetable: what buses gain and others lose, that no clearance is cut for an ambulance,
//! and that a platoon is one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::Light;
use sim::judge::priority::PriorityJudge;
use sim::judge::samples::Samples;
use sim::run::run;
use sim::scenario::Scenario;
use sim::world::roads::Turn;
use sim::world::vehicles::Kind;
use sim::world::{STEP, World};
use v2x_msg::base::PhaseId;

const SCENARIO: &str = "moyu-bus-and-ambulance.toml";

fn scenario(settings: &[(&str, &str)]) -> Scenario {
    named(SCENARIO, settings)
}

fn named(name: &str, settings: &[(&str, &str)]) -> Scenario {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let settings: Vec<(String, String)> = settings.iter().map(own).collect();
    Scenario::load_with(&Path::new(folder).join(name), &settings).expect("a scenario")
}

/// Goes through the scenario's traffic without a roadside unit.
fn drive(scenario: &Scenario, seed: u64, mut see: impl FnMut(&World)) {
    let mut world = scenario.world(seed).expect("a world");
    let end = scenario.traffic() + Duration::from_secs(u64::from(scenario.file.duration_s));
    while world.now() < Mono::ZERO + end {
        world.step();
        see(&world);
    }
}

/// Mean delay of buses, and of who comes from the side road.
fn delays_s(signals: &str, seed: u64) -> (f64, f64) {
    let scenario = scenario(&[("signals.type", signals)]);
    let (mut buses, mut side) = (Vec::new(), Vec::new());
    drive(&scenario, seed, |world| {
        for crossing in world.crossings() {
            let route = &world.roads().routes[crossing.route];
            let from = world.roads().approaches[route.approach].from.id;
            if crossing.kind == Kind::Bus {
                buses.push(crossing.delay_s);
            } else if from == 12 || from == 14 {
                side.push(crossing.delay_s);
            }
        }
    });
    assert!(buses.len() > 15 && side.len() > 100, "hardly anybody");
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    (mean(&buses), mean(&side))
}

#[test]
fn buses_gain_a_fifth_and_the_side_road_loses_less_than_a_tenth() {
    // Over six seeds: which bus comes when is chance.
    let mut sums = [0.0; 4];
    for seed in 1..=6 {
        let (bus_before_s, side_before_s) = delays_s("coordinated", seed);
        let (bus_s, side_s) = delays_s("bus-priority", seed);
        println!(
            "{seed}: buses {bus_before_s:.1} -> {bus_s:.1} s, side {side_before_s:.1} -> {side_s:.1} s"
        );
        for (sum, one) in sums
            .iter_mut()
            .zip([bus_before_s, bus_s, side_before_s, side_s])
        {
            *sum += one;
        }
    }
    let [bus_before_s, bus_s, side_before_s, side_s] = sums;
    assert!(bus_s < 0.8 * bus_before_s, "{bus_before_s} to {bus_s}");
    assert!(side_s < 1.1 * side_before_s, "{side_before_s} to {side_s}");
}

#[test]
fn a_run_is_held_against_the_same_traffic_without_priority() {
    let seed = 2;
    let judged = |signals: &str| {
        let scenario = scenario(&[("signals.type", signals)]);
        let from = scenario.moment(0.0);
        let until = scenario.moment(f64::from(scenario.file.duration_s));
        let judge = PriorityJudge::of(&scenario, seed, from, until).expect("worlds");
        let mut judge = judge.expect("the scenario asks for it");
        drive(&scenario, seed, |world| {
            let crossings = world.crossings().iter();
            let count = crossings.filter(|crossing| crossing.at >= from);
            count.for_each(|crossing| judge.passed(0, crossing, world));
        });
        judge
    };
    // Without priority, a run is its own comparison: nobody gains, nobody loses.
    let plain = judged("coordinated");
    assert_eq!(
        (plain.bus_less(), plain.side_more()),
        (Some(0.0), Some(0.0))
    );
    let favoured = judged("bus-priority");
    let without = |judge: &PriorityJudge| (judge.without.bus_s.mean(), judge.without.side_s.mean());
    assert_eq!(without(&favoured), without(&plain));
    let both = |with: &Samples, without: &Samples| {
        assert!(with.count() > 15 && without.count() > 15, "hardly anybody");
        with.mean().zip(without.mean()).expect("delays")
    };
    let bus = both(&favoured.with.bus_s, &favoured.without.bus_s);
    let side = both(&favoured.with.side_s, &favoured.without.side_s);
    let close = |told: Option<f64>, sum: f64| told.is_some_and(|told| (told - sum).abs() < 1e-9);
    let less = favoured.bus_less();
    assert!(less > Some(0.0), "buses gain nothing: {bus:?}");
    assert!(close(less, 1.0 - bus.0 / bus.1), "{less:?}, {bus:?}");
    let more = favoured.side_more();
    assert!(close(more, side.0 / side.1 - 1.0), "{more:?}, {side:?}");
}

#[test]
fn what_priority_costs_is_judged_in_a_run() {
    let plain = scenario(&[("signals.type", "coordinated"), ("settle-s", "0")]);
    let outcome = run(&plain, 1, Some(Duration::from_secs(130))).expect("a run");
    for what in ["delay of buses, less by", "delay of sides, more by"] {
        let mut verdicts = outcome.verdicts.iter();
        let found = verdicts.find(|verdict| verdict.criterion == what);
        assert_eq!(found.expect("a criterion").value, Some(0.0), "{what}");
    }
}

#[test]
fn who_heeds_the_unit_cannot_be_compared() {
    let heeds = scenario(&[("air.advice", "true")]);
    let refused = run(&heeds, 1, Some(Duration::from_secs(1))).err();
    let told = refused.expect("a refusal").to_string();
    assert!(told.contains("air.advice"), "{told}");
}

#[test]
fn an_ambulance_is_not_held_up_and_no_clearance_is_cut_for_it() {
    let scenario = scenario(&[]);
    let mut ambulances = Vec::new();
    // By phase: what it shows, and since when.
    let mut lights: Vec<(PhaseId, Light, Mono)> = Vec::new();
    let mut least_s = [f64::INFINITY; 2];
    drive(&scenario, 1, |world| {
        for body in world.latest().vehicles() {
            let hit = world
                .latest()
                .vehicles()
                .iter()
                .find(|other| other.id > body.id && other.overlaps(body));
            assert_eq!(hit, None, "{body:?}");
        }
        for crossing in world.crossings() {
            let mut vehicles = world.vehicles().iter();
            if vehicles.any(|one| one.siren && one.id == crossing.vehicle) {
                ambulances.push(crossing.delay_s);
            }
        }
        for phase in world.signals().phases() {
            let light = world.signals().light(phase, world.now());
            match lights.iter_mut().find(|(known, ..)| *known == phase) {
                Some((_, shown, since)) if *shown != light => {
                    let lasted_s = world.now().seconds_after(*since);
                    match shown {
                        Light::FlashingGreen => least_s[0] = least_s[0].min(lasted_s),
                        Light::Yellow => least_s[1] = least_s[1].min(lasted_s),
                        _ => {}
                    }
                    (*shown, *since) = (light, world.now());
                }
                Some(_) => {}
                None => lights.push((phase, light, world.now())),
            }
        }
    });
    assert_eq!(ambulances.len(), 3, "{ambulances:?}");
    println!("ambulances lost {ambulances:?} s");
    assert!(
        ambulances.iter().all(|late_s| *late_s < 20.0),
        "{ambulances:?}"
    );
    let step_s = STEP.as_secs_f64();
    assert!(least_s.iter().all(|s| *s > 3.0 - step_s), "{least_s:?}");
}

#[test]
fn five_lorries_drive_as_one_and_merge_into_the_lane_to_the_gate() {
    let (mut gaps_m, mut seen, mut through) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    // By lorry: the lanes that it was in.
    let mut lanes = BTreeMap::<u32, BTreeSet<u8>>::new();
    drive(&named("yangshan-truck-platoon.toml", &[]), 1, |world| {
        let roads = world.roads();
        let lorries = world.vehicles().iter().filter(|one| one.keeps_lane);
        let lorries: Vec<_> = lorries.collect();
        seen.extend(lorries.iter().map(|lorry| lorry.id));
        for lorry in &lorries {
            let lane = &roads.approaches[roads.routes[lorry.route].approach];
            lanes.entry(lorry.id).or_default().insert(lane.id.value());
        }
        for pair in lorries.windows(2) {
            let [ahead, behind] = [pair[0], pair[1]];
            // Under way together: not in the queue at red, nor parted by it.
            let together = ahead.route == behind.route && behind.along_m > 60.0;
            let drive = [ahead, behind].iter().all(|one| one.speed_mps > 13.0);
            if together && drive && ahead.entered.is_none() {
                gaps_m.push(ahead.rear_m() - behind.along_m);
            }
        }
        for crossing in world.crossings() {
            if seen.contains(&crossing.vehicle) {
                assert!(!crossing.runs_red(), "{crossing:?}");
                assert_eq!(roads.routes[crossing.route].turn, Turn::Right);
                through.insert(crossing.vehicle);
            }
        }
        for (i, body) in world.latest().vehicles().iter().enumerate() {
            let mut others = world.latest().vehicles()[i + 1..].iter();
            let hit = others.find(|other| other.overlaps(body));
            assert_eq!(hit, None, "{body:?}");
        }
    });
    assert_eq!(seen.len(), 15, "three times five");
    assert_eq!(through.len(), 15, "all have come to the gate");
    let merged = lanes
        .values()
        .filter(|lanes| lanes.contains(&2) && lanes.contains(&3));
    assert_eq!(merged.count(), 15, "{lanes:?}");
    assert!(gaps_m.len() > 50, "{} gaps", gaps_m.len());
    let wide = gaps_m
        .iter()
        .filter(|gap_m| !(15.0..=25.0).contains(*gap_m));
    let wide: Vec<_> = wide.collect();
    assert!(
        wide.len() * 20 < gaps_m.len(),
        "{} of {}: {wide:?}",
        wide.len(),
        gaps_m.len()
    );
}
