//! Peers that are not SUMO, or no longer: each is told of with what to do, and nobody waits for ever.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rsu::clock::Mono;
use v2x_msg::base::PhaseId;

use super::client::{Client, Seen, Trouble};
use super::lights::{Lane, Lights};
use super::process::Process;
use super::{Ground, Guests, Mover};
use crate::plane::Point;
use crate::scenario::Scenario;
use crate::world::roads::{Roads, Turn};

/// Greets somebody who reads what we ask and says `answer`, then stays or goes.
fn greet(answer: Vec<u8>, stays: bool) -> Result<Client, Trouble> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let at = listener.local_addr().expect("an address");
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut asked = [0; 6];
        stream.read_exact(&mut asked).expect("a question");
        stream.write_all(&answer).expect("an answer");
        if stays {
            // Until the other end has had enough.
            let _ = stream.read(&mut asked);
        }
    });
    let stream = TcpStream::connect(at).expect("a peer");
    let greeted = Client::greet(stream, Duration::from_millis(300));
    if greeted.is_err() {
        peer.join().expect("the peer ends");
    }
    greeted
}

fn version(api: i32) -> Vec<u8> {
    let mut answer = vec![0, 0, 0, 32, 7, 0, 0, 0, 0, 0, 0, 21, 0];
    answer.extend_from_slice(&api.to_be_bytes());
    answer.extend_from_slice(b"\0\0\0\x0bSUMO 1.28.0");
    answer
}

#[test]
fn the_right_version_is_greeted_and_another_is_refused_with_what_to_do() {
    let client = greet(version(22), false).expect("SUMO");
    assert_eq!(client.name(), "SUMO 1.28.0");
    let told = greet(version(20), false).expect_err("too old").to_string();
    assert!(
        told.contains("TraCI 20") && told.contains("install eclipse-sumo 1.28.0"),
        "{told}"
    );
}

#[test]
fn garbage_and_those_who_go_or_say_nothing_are_told_of() {
    let garbled = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0xff; 64],
        vec![0, 0, 0, 3],
        // An answer to another question; a length that reaches beyond the end.
        vec![0, 0, 0, 11, 7, 9, 0, 0, 0, 0, 0],
        vec![0, 0, 0, 11, 90, 0, 0, 0, 0, 0, 0],
    ];
    for answer in garbled {
        let shown = format!("{answer:02x?}");
        let trouble = greet(answer, true).expect_err("garbage");
        assert!(
            matches!(trouble, Trouble::Garbled { .. }),
            "{shown}: {trouble}"
        );
    }
    let gone = greet(vec![0, 0], false).expect_err("it went");
    assert!(matches!(gone, Trouble::Lost { .. }), "{gone}");
    let begun = Instant::now();
    // It promises a megabyte, and stops.
    let silent = greet(vec![0, 16, 0, 0, 1, 2, 3], true).expect_err("nothing comes");
    assert!(matches!(silent, Trouble::Silent { .. }), "{silent}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_that_is_not_there_or_ends_at_once_is_told_of() {
    let start = |program: &str| Process::start(Path::new(program), &[]).expect_err("no SUMO");
    let told = start("/nowhere/sumo").to_string();
    assert!(told.contains("pip install eclipse-sumo==1.28.0"), "{told}");
    let ended = start("false");
    assert!(matches!(ended, Trouble::Ended { .. }), "{ended}");
}

fn scenario() -> Scenario {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/scenarios/moyu-boyuan-sumo.toml"
    );
    Scenario::load(Path::new(file)).expect("a scenario")
}

/// What SUMO would tell of a light whose lanes lie as the site's, `off` by so much.
fn links(roads: &Roads, off: Point) -> Vec<Vec<[Lane; 2]>> {
    let lanes = roads.routes.iter().map(|route| {
        let piece = |name: &str, at_m: f64, to_m: f64| Lane {
            name: name.to_owned(),
            points: [at_m, to_m]
                .map(|m| route.path.point_at(m).plus(off))
                .to_vec(),
        };
        let from = piece("a_0", route.stop_m - 20.0, route.stop_m);
        let to = piece("b_0", route.clear_m, route.clear_m + 20.0);
        vec![[from, to]]
    });
    lanes.collect()
}

#[test]
fn lamps_are_found_by_where_their_lanes_lie_and_show_what_the_controller_does() {
    let scenario = scenario();
    let roads = Roads::of_site(&scenario.site).expect("roads");
    let none = BTreeMap::new();
    let mut lights = Lights::new(&roads, &none, &links(&roads, Point::new(0.7, -0.9)))
        .expect("lanes within a metre or two");
    let signals = scenario.signals().expect("a plan");
    for tenth in 0..1000 {
        let at = Mono::ZERO.offset_by(f64::from(tenth) / 10.0);
        let Some(letters) = lights.change(&signals, at) else {
            continue;
        };
        for (route, letter) in roads.routes.iter().zip(letters.chars()) {
            use rsu::report::Light;
            let wanted = match route.phase.map(|phase| signals.light(phase, at)) {
                None => 'g',
                Some(Light::Green | Light::FlashingGreen) => 'G',
                Some(Light::Yellow) => 'y',
                Some(_) => 'r',
            };
            assert_eq!(letter, wanted, "{:?} at {at:?}", route.turn);
        }
    }
}

#[test]
fn a_network_that_does_not_fit_is_refused_with_what_does_not() {
    let scenario = scenario();
    let roads = Roads::of_site(&scenario.site).expect("roads");
    let none = BTreeMap::new();
    let told = |links: &[Vec<[Lane; 2]>], walks: &BTreeMap<String, PhaseId>| {
        Lights::new(&roads, walks, links)
            .expect_err("a misfit")
            .to_string()
    };
    // A lane beside the right one is another.
    let moved = told(&links(&roads, Point::new(3.5, 0.0)), &none);
    assert!(moved.contains("no such movement"), "{moved}");
    let mut fewer = links(&roads, Point::new(0.0, 0.0));
    let left = roads
        .routes
        .iter()
        .position(|route| route.turn == Turn::Left);
    fewer.remove(left.expect("a left turn"));
    assert!(told(&fewer, &none).contains("no lamp rules the way Left"));
    let walks = BTreeMap::from([(":c_c9".to_owned(), PhaseId::new(65).expect("a phase"))]);
    let all = links(&roads, Point::new(0.0, 0.0));
    assert!(told(&all, &walks).contains(":c_c9"));
}

#[test]
fn guests_keep_their_numbers_and_stand_where_sumo_has_their_front() {
    let table = scenario().file.sumo.expect("a network");
    let ground = Ground::new(&table);
    let seen = |id: &str, person: bool, east_m: f64| Seen {
        id: id.to_owned(),
        person,
        front: (east_m, 10.0),
        angle_deg: 90.0,
        speed_mps: 3.0,
        length_m: 4.0,
        width_m: 2.0,
        height_m: 1.5,
        class: "passenger".to_owned(),
    };
    let mut guests = Guests::default();
    let first = guests.bodies(&[seen("b", false, 50.0), seen("a", false, 0.0)], ground);
    assert_eq!(first.iter().map(|body| body.id).collect::<Vec<_>>(), [1, 2]);
    assert!(first[1].centre.distance_m(Point::new(48.0, 10.0)) < 1e-9);
    let next = guests.bodies(&[seen("w", true, 0.0), seen("b", false, 51.0)], ground);
    assert_eq!(next[0].id, 2, "b is still itself");
    assert!(next[1].id > 1 << 23, "who walks is no vehicle");
    // Turned by a quarter: what the network calls east is south.
    let mut turned = table;
    turned.turned_deg = 90.0;
    let body = Guests::default().bodies(&[seen("a", false, 5.0)], Ground::new(&turned))[0];
    assert!(body.direction.distance_m(Point::new(0.0, -1.0)) < 1e-9);
}

#[test]
fn what_asks_for_our_own_drivers_is_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let file = Path::new(folder).join("moyu-red-runner.toml");
    let runner = Scenario::load(&file).expect("a scenario");
    let mover = Mover::Sumo(Some("/nowhere/sumo".into()));
    let refused = crate::run::run_in(&mover, &runner, 1, None)
        .err()
        .expect("refused");
    assert!(
        refused.to_string().contains("our own road users"),
        "{refused}"
    );
    let without = scenario().without_drivers().expect("SUMO can drive it");
    assert!(without.file.demand.is_empty());
    let absent = crate::run::run_in(&mover, &scenario(), 1, None)
        .err()
        .expect("no SUMO");
    assert!(absent.to_string().contains("pip install"), "{absent}");
}
