//! Networks: worlds that go on in each other, and a unit at each junction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rsu::clock::Now;
use rsu::station::Frame;
use sim::network::joined::{Joined, NotANetwork, Place};
use sim::network::report::NetworkReport;
use sim::network::stage::NetworkStage;
use sim::network::{Network, run};
use sim::obu::heard::{Heard, Receiver};
use sim::obu::roads::Roads;
use sim::plane::Point;
use sim::stage::Audience;
use sim::truth::Truth;
use sim::world::World;
use sim::world::snapshot::Body;
use v2x_msg::base::PhaseId;

fn file(name: &str) -> PathBuf {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/scenarios");
    scenarios.join(name).with_extension("toml")
}

fn network(name: &str, settings: &[(&str, &str)]) -> Network {
    let settings = settings.iter();
    let settings: Vec<(String, String)> = settings
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Network::load_with(&file(name), &settings).expect("a network")
}

fn refusal(name: &str, settings: &[(&str, &str)]) -> String {
    let settings = settings.iter();
    let settings: Vec<(String, String)> = settings
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let refused = Network::load_with(&file(name), &settings).expect_err("a refusal");
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

#[test]
fn vehicles_drive_on_across_the_seams_and_stay_who_they_are() {
    let network = network("boyuan-green-wave", &[]);
    let (mut joined, mut worlds) = network.worlds(1).expect("worlds");
    let mut before: BTreeMap<u32, (Body, usize)> = BTreeMap::new();
    let mut crossings = 0;
    for step in 0..6000 {
        joined.step(&mut worlds);
        let mut now = BTreeMap::new();
        for (at, (world, place)) in worlds.iter().zip(joined.places()).enumerate() {
            for body in world.latest().vehicles() {
                let centre = body.centre.plus(place.origin);
                let twice = now.insert(body.id, (Body { centre, ..*body }, at));
                assert!(twice.is_none(), "{} is in two places", body.id);
            }
        }
        for (id, (body, at)) in &now {
            let Some((was, was_at)) = before.get(id) else {
                continue;
            };
            assert_eq!((was.kind, was.length_m), (body.kind, body.length_m));
            // Half the tail's swing in a bend, the sideways start of a change of lanes, and what two
            // frames differ by come on top of the way that it drove.
            let moved_m = was.centre.distance_m(body.centre);
            let drove_m = body.speed_mps.max(was.speed_mps) * 0.1;
            assert!(
                moved_m < drove_m + 0.5,
                "{id} jumped {moved_m} m at step {step}"
            );
            crossings += usize::from(at != was_at);
        }
        before = now;
    }
    assert!(crossings > 200, "only {crossings} went over");
}

#[test]
fn nobody_collides_anywhere_in_heavy_traffic() {
    let heavy = ("junction.0.demand.3.vehicles-per-hour", "1600");
    let network = network("boyuan-green-wave", &[heavy]);
    let (mut joined, mut worlds) = network.worlds(2).expect("worlds");
    let mut most = 0;
    for step in 0..9000 {
        joined.step(&mut worlds);
        if step % 5 != 0 {
            continue;
        }
        let mut bodies = bodies(&joined, &worlds);
        most = most.max(bodies.len());
        bodies.sort_by(|a, b| a.centre.east_m.total_cmp(&b.centre.east_m));
        for (i, one) in bodies.iter().enumerate() {
            let near = bodies[i + 1..].iter();
            let near = near.take_while(|other| other.centre.east_m < one.centre.east_m + 15.0);
            let hit = near.into_iter().find(|other| one.overlaps(other));
            assert_eq!(hit, None, "step {step}: {one:?}");
        }
    }
    assert!(most > 200, "only {most} vehicles at once");
}

#[test]
fn the_order_of_the_junctions_means_nothing() {
    let network = network("huanhu-fleet", &[]);
    let (_, mut worlds) = network.worlds(5).expect("worlds");
    let (_, mut turned) = network.worlds(5).expect("worlds");
    turned.reverse();
    let mut joined = network.join(&mut worlds).expect("joined");
    let places: Vec<Place> = joined.places().iter().rev().copied().collect();
    let mut other = Joined::new(places, &mut turned)
        .expect("joined")
        .with_lines(joined.lines().to_vec());
    for _ in 0..4000 {
        joined.step(&mut worlds);
        other.step(&mut turned);
    }
    let hashes: Vec<u64> = worlds.iter().map(World::hash).collect();
    let others: Vec<u64> = turned.iter().rev().map(World::hash).collect();
    assert_eq!(hashes, others);
    let vehicles: usize = worlds.iter().map(|world| world.vehicles().len()).sum();
    assert!(vehicles > 100, "hardly anybody: {vehicles}");
}

#[test]
fn buses_of_a_line_keep_to_it() {
    let network = network("huanhu-fleet", &[]);
    let (mut joined, mut worlds) = network.worlds(1).expect("worlds");
    let mut most = BTreeMap::new();
    for _ in 0..12_000 {
        joined.step(&mut worlds);
        for vehicle in worlds.iter().flat_map(World::vehicles) {
            if vehicle.trip.line.is_some() {
                most.insert(vehicle.id, vehicle.trip.junctions);
            }
        }
    }
    assert_eq!(joined.strayed(), 0);
    assert_eq!(most.len(), 4, "{most:?}");
    assert!(most.values().all(|&junctions| junctions >= 4), "{most:?}");
}

#[test]
fn buses_of_a_line_call_at_its_stops() {
    let network = network("huanhu-loop-bus", &[]);
    let (mut joined, mut worlds) = network.worlds(1).expect("worlds");
    // By bus: how long it has stood at stops in all, and since it came to the junction ahead.
    let mut stood: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let mut fastest_mps = 0.0_f64;
    for _ in 0..9000 {
        joined.step(&mut worlds);
        for vehicle in worlds.iter().flat_map(World::vehicles) {
            if vehicle.trip.line.is_some() {
                let (all_s, here_s) = stood.entry(vehicle.id).or_default();
                *all_s += (vehicle.dwelt_s - *here_s).max(0.0);
                *here_s = vehicle.dwelt_s;
                fastest_mps = fastest_mps.max(vehicle.speed_mps);
            }
        }
    }
    assert_eq!(joined.strayed(), 0);
    assert_eq!(stood.len(), 4, "{stood:?}");
    // The first has been under way for a quarter of an hour: a third of a round at the least.
    let (first_s, _) = stood.values().next().expect("four");
    assert!((40.0..=200.0).contains(first_s), "{stood:?}");
    // As fast as the line drives, 18 km/h, and no faster.
    assert!(
        (17.0 / 3.6..18.5 / 3.6).contains(&fastest_mps),
        "{fastest_mps}"
    );
}

#[test]
fn the_fleet_is_the_same_each_time() {
    let short = [("traffic-s", "120"), ("settle-s", "2")];
    let network = network("huanhu-fleet", &short);
    let report = |seed| {
        let span = Duration::from_secs(6);
        let outcome = run::run(&network, seed, Some(span)).expect("a run");
        assert_eq!(outcome.junctions.len(), 12);
        for one in &outcome.junctions {
            let frames: u64 = one
                .judge
                .traffic
                .kinds
                .values()
                .map(|kind| kind.frames)
                .sum();
            assert!(frames > 50, "a unit says nothing");
        }
        serde_json::to_value(NetworkReport::of(&outcome)).expect("JSON")
    };
    let first = report(3);
    assert_eq!(report(3), first);
    assert_ne!(report(4)["frames-hash"], first["frames-hash"]);
}

/// What a unit says.
#[derive(Default)]
struct Frames(Vec<Vec<u8>>);

impl Audience for Frames {
    fn frame(&mut self, _now: Now, frame: &Frame, _truth: &Truth) {
        self.0.push(frame.bytes().to_vec());
    }
}

#[test]
fn roads_of_two_units_are_one_to_whoever_hears_both() {
    let short = [("traffic-s", "1")];
    let network = network("boyuan-green-wave", &short);
    let mut stage = NetworkStage::new(&network, 1).expect("a stage");
    let mut frames: Vec<Frames> = network
        .junctions
        .iter()
        .map(|_| Frames::default())
        .collect();
    for _ in 0..15 {
        stage.step(&mut frames).expect("a step");
    }
    let mut receiver = Receiver::default();
    let mut maps_of = |place: usize| -> Vec<Heard> {
        let heard = frames[place].0.iter().filter_map(|one| receiver.read(one));
        heard.filter(|one| matches!(one, Heard::Map(_))).collect()
    };
    // Those of the first junction and of the second, 400 m east of it.
    let maps = [maps_of(0), maps_of(1)];
    let [near, far] = [&network.junctions[0], &network.junctions[1]];
    let frame = near.scenario.site.frame;
    let east = Point::new(1.0, 0.0);
    // The two of each lane are in the order in which they are heard.
    for order in [[0, 1], [1, 0], [0, 0], [1, 1]] {
        let mut roads = Roads::default();
        for _ in 0..2 {
            for map in order.iter().flat_map(|&who| &maps[who]) {
                let Heard::Map(map) = map else { continue };
                roads.hear(map);
            }
        }
        let both = order[0] != order[1];
        // Eastward, in the middle of three lanes; its stop line is 18 m before the second junction.
        for (from_first_m, known) in [(60.0, both), (150.0, both), (250.0, order.contains(&1))] {
            let position = frame.ground_position(from_first_m, -5.0).expect("near by");
            let place = roads.find(position, east);
            let phase = place.and_then(|place| {
                assert_eq!(place.node, far.scenario.site.node, "{order:?}");
                let next = network.junctions[2].scenario.site.node;
                let left_m = 400.0 - 18.0 - from_first_m;
                let way = roads.phase(&place, next)?;
                assert!((place.left_m - left_m).abs() < 0.5, "{place:?} {left_m}");
                way
            });
            let phase = phase.map(PhaseId::value);
            assert_eq!(phase, known.then_some(193), "{order:?}, {from_first_m} m");
        }
    }
}

#[test]
fn vehicles_drive_by_what_many_units_say_and_all_hear_them() {
    let short = [("traffic-s", "60"), ("settle-s", "5")];
    let network = network("boyuan-green-wave", &short);
    let span = Some(Duration::from_secs(25));
    let outcome = run::run(&network, 1, span).expect("a run");
    let score = outcome.on_board.as_ref().expect("units");
    assert!(score.units > 20, "{}", score.units);
    assert!(score.advice > 10 && score.advised > 0, "{}", score.advice);
    let right = score.advice_right as f64 / score.advice as f64;
    assert!(right >= 0.95, "{right}");
    assert_eq!(score.unread, 0);
    for one in &outcome.junctions {
        let radio = one.inputs.iter().find(|(name, ..)| name == "radio");
        let (_, accepted, rejected) = radio.expect("each unit has a radio");
        assert!(*accepted > 100 && *rejected == 0, "{accepted} {rejected}");
    }
    let again = run::run(&network, 1, span).expect("a run");
    assert_eq!(again.frames_hash(), outcome.frames_hash());
    assert_eq!(again.world_hash(), outcome.world_hash());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let told = refusal("boyuan-green-wave", &[("junction.1.at-m", "[430, 0]")]);
    assert!(told.contains("ends 30.0 m from where any lane"), "{told}");
    let told = refusal("boyuan-green-wave", &[("junction.5.node", "21")]);
    assert!(told.contains("two junctions are node 21"), "{told}");
    let told = refusal(
        "huanhu-fleet",
        &[("network.line.0.nodes", "[101, 103, 104]")],
    );
    assert!(
        told.contains("no way leads from 101 by 103 to 104"),
        "{told}"
    );
    let told = refusal(
        "huanhu-fleet",
        &[("junction.0.start", "2026-01-01T00:00:00Z")],
    );
    assert!(
        told.contains("start is said for all junctions at once"),
        "{told}"
    );
    let told = refusal("huanhu-fleet", &[("junction.0.nodes.x", "7")]);
    assert!(told.contains("\"x\" is no number of a node"), "{told}");
    let told = refusal("huanhu-fleet", &[("network.limits.laps", "7")]);
    assert!(told.contains("unknown field `laps`"), "{told}");
    let unshared = [("junction.0.demand", "[]")];
    let told = refusal("huanhu-fleet", &unshared);
    assert!(
        told.contains("says nothing of those who come from"),
        "{told}"
    );
    let one = sim::scenario::Scenario::load(&file("huanhu-fleet")).expect_err("not one");
    assert!(
        format!("{one:#}").contains("has several junctions"),
        "{one:#}"
    );
}

#[test]
fn roads_that_nobody_leads_into_are_refused() {
    let network = network("boyuan-green-wave", &[]);
    let (joined, mut worlds) = network.worlds(1).expect("worlds");
    let mut places = joined.places().to_vec();
    // As if the second were where the first is.
    places[1].origin = places[0].origin;
    let refused = Joined::new(places, &mut worlds).expect_err("a refusal");
    assert!(matches!(refused, NotANetwork::Apart { .. }), "{refused}");
}

#[test]
fn a_capture_of_a_network_has_a_folder_for_each_junction() {
    let network = network("boyuan-green-wave", &[("traffic-s", "10")]);
    let folder = std::env::temp_dir().join(format!("sim-network-capture-{}", std::process::id()));
    let span = Duration::from_secs(2);
    let names = sim::network::capture::capture(&network, 1, span, &folder).expect("a capture");
    for junction in &network.junctions {
        let own = format!("junction-{}", junction.scenario.site.node.id);
        let here: Vec<&String> = names.iter().filter(|name| name.starts_with(&own)).collect();
        assert!(here.len() >= 4, "{own}: {here:?}");
        let lines = |name: &str| {
            let file = folder.join(&own).join(name);
            std::fs::read_to_string(file)
                .expect("a file")
                .lines()
                .count()
        };
        // Two seconds: ten SPAT and ten RSM a second, two datagrams of lamps at least.
        assert!((30..70).contains(&lines("frames.hex")), "{own}");
        assert!((2..40).contains(&lines("gat1743.hex")), "{own}");
    }
    std::fs::remove_dir_all(&folder).expect("it was made");
}
