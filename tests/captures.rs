//! Recordings of real devices, and of our own making, through the real programs.
//!
//! The real ones are no part of the sources; where they are absent a test says so and passes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gat1743;
use rsu::report::{Content, LampPlan, LampState, LampStates, Light, SignalPlan};
use serde_json::Value;

use crate::air::{Beat, Gateway, datagrams, free_udp};
use crate::process::{Outcome, Running, Scratch, file, run};

const LAMPS: &str = "gat1743_light_state.hex";
const PLAN: &str = "gat1743_current_plan_steps.hex";
const RADAR: &str = "ars408_candump_part1.log";

/// Where a recording of a real device is; None, with a word, where it is not at hand.
fn recording(name: &str) -> Option<String> {
    let path = file(&format!("../shared/captures/{name}"));
    if Path::new(&path).exists() {
        return Some(path);
    }
    eprintln!("skipped: no recording {path}");
    None
}

fn probe(protocol: &str, path: &str) -> (Vec<Value>, Outcome) {
    let outcome = run("rsu", ["probe", protocol, path]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    (lines(&outcome.out), outcome)
}

fn lines(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).expect("a line of JSON");
    text.lines().map(line).collect()
}

#[test]
fn a_real_controller_is_understood_by_probe() {
    let (Some(lamps), Some(plan)) = (recording(LAMPS), recording(PLAN)) else {
        return;
    };
    let (reports, outcome) = probe("gat1743", &lamps);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["content"], "lamps");
    let shown = reports[0]["lamps"].as_array().expect("lamps");
    assert_eq!(shown.len(), 28);
    let of = |lamp: u64| {
        let shows = shown.iter().find(|shows| shows["lamp"] == lamp);
        let shows = shows.expect("the lamp is there");
        (shows["light"].as_str(), shows["countdown_s"].as_u64())
    };
    assert_eq!(of(14), (Some("green"), Some(8)));
    assert_eq!(of(13), (Some("red"), Some(46)));
    assert_eq!(of(9), (Some("red"), Some(11)));
    assert_eq!(
        outcome.err,
        "gat1743: 1 frames understood, 1 reports\nrejected: none\n"
    );

    let (reports, _) = probe("gat1743", &plan);
    assert_eq!(reports[0]["content"], "plan");
    let lamps = reports[0]["lamps"].as_array().expect("lamps");
    assert_eq!(lamps.len(), 28);
    assert!(lamps.iter().all(|lamp| lamp["cycle_s"] == 100));
}

#[test]
fn a_real_radar_is_understood_by_probe() {
    let Some(log) = recording(RADAR) else { return };
    let (reports, outcome) = probe("ars408", &log);
    // 279 cycles begin in 4,790 CAN frames; the last is cut off by the end. 20 are of another id.
    assert_eq!(reports.len(), 278);
    let seen = |report: &Value| report["detections"].as_array().expect("detections").len();
    assert_eq!(reports.iter().map(seen).sum::<usize>(), 1360);
    assert_eq!(
        outcome.err,
        "ars408: 4770 frames understood, 278 reports\nrejected: none\nignored: other-id 20\n\
         tolerated: not-seen-now 129, radar-no-own-motion 20\n"
    );
    // The first object of the first cycle, worked out by hand from its bits.
    let first = &reports[0]["detections"][0];
    assert_eq!(
        (&first["device_id"], &first["north_m"], &first["east_m"]),
        (&56.into(), &5.6.into(), &(-0.6).into())
    );
}

/// What a recorded frame says, by the public door of the input.
fn said(path: &str) -> Content {
    let text = fs::read_to_string(path).expect("a recording");
    let now = Now {
        mono: Mono::ZERO,
        utc: Utc::from_unix_ns(0),
    };
    let mut decoder = gat1743::Decoder::new(gat1743::Config::default());
    let mut contents = Vec::new();
    for datagram in datagrams(&text) {
        decoder.push(now, &datagram, &mut |content| contents.push(content));
    }
    assert_eq!(contents.len(), 1);
    contents.remove(0)
}

fn lamps_and_plan() -> Option<(LampStates, SignalPlan)> {
    match (said(&recording(LAMPS)?), said(&recording(PLAN)?)) {
        (Content::Lamps(lamps), Content::Plan(plan)) => Some((lamps, plan)),
        other => panic!("not lamps and a plan: {other:?}"),
    }
}

#[test]
fn lamps_and_plan_of_a_real_controller_agree_for_all_28_lamps() {
    let Some((states, plan)) = lamps_and_plan() else {
        return;
    };
    let agreeing = |second: usize| {
        let agrees = |state: &&LampState| {
            let lamp = plan.lamps.iter().find(|lamp| lamp.lamp == state.lamp);
            lamp.is_some_and(|lamp| planned(lamp, second) == (state.light, state.countdown_s))
        };
        states.lamps.iter().filter(agrees).count()
    };
    let seconds: Vec<usize> = (0..100).filter(|second| agreeing(*second) == 28).collect();
    assert_eq!(seconds, [4], "one second of the cycle fits, and no other");
}

/// What a plan shows at a second of the cycle, and for how many more; flashing counts with steady.
fn planned(lamp: &LampPlan, second: usize) -> (Light, Option<u16>) {
    let steady = |light| match light {
        Light::FlashingGreen => Light::Green,
        Light::FlashingYellow => Light::Yellow,
        Light::FlashingRed => Light::Red,
        other => other,
    };
    let steps = lamp.steps.iter();
    let cycle: Vec<Light> = steps
        .flat_map(|step| vec![step.light; step.duration_s.into()])
        .collect();
    let ahead = || cycle.iter().cycle().skip(second).take(cycle.len());
    let light = *ahead().next().expect("a plan with steps");
    let left = ahead().take_while(|next| steady(**next) == steady(light));
    (light, u16::try_from(left.count()).ok())
}

/// The site of the scenario, its phases ruled by lamps of the recorded controller. The junction is
/// elsewhere; which phases conflict there is not known here.
fn site_with_recorded_lamps(lamps: [u16; 8]) -> String {
    let site = fs::read_to_string(file("configs/sites/moyu-boyuan.toml")).expect("our site");
    let conflicts = site.find("# Never green together").expect("conflicts");
    let signs = site.find("# Signs").expect("signs");
    let text = site[..conflicts].to_owned() + &site[signs..];
    let mut text = text.replacen("[site]\n", "[site]\nconflicts-from-paths = false\n", 1);
    for (number, lamp) in lamps.iter().enumerate() {
        let before = format!("= [{}]\n", number + 1);
        assert_eq!(text.matches(&before).count(), 1, "{before}");
        // Out of the way of the numbers that are still to be replaced.
        text = text.replace(&before, &format!("= [0x{lamp:x}]\n"));
    }
    text
}

/// Phases of the site in the order of its file.
const PHASES: [u64; 8] = [1, 2, 65, 66, 129, 130, 193, 194];

#[test]
fn real_devices_replayed_over_sockets_are_heard_as_spat_and_rsm() {
    let (Some(lamps), Some(radar)) = (recording(LAMPS), recording(RADAR)) else {
        return;
    };
    let Content::Lamps(states) = said(&lamps) else {
        panic!("not lamps");
    };
    let ruling = [14, 13, 1, 2, 9, 6, 28, 4];
    let scratch = Scratch::new();
    let site = scratch.write("site.toml", &site_with_recorded_lamps(ruling));
    let (controller_to, json_at, quiet_at) = (free_udp(), free_udp(), free_udp());
    let gateway = Gateway::open("127.0.0.1:0".parse().expect("an address"));
    let config = scratch.write(
        "rsu.toml",
        &format!(
            "[station]\nname = 'replay'\nsite = '{site}'\n[clock]\nrequire-sync = false\n\
             [[radio]]\ntarget = 'udp://{json_at}'\n[[radio]]\ntarget = 'udp://{quiet_at}'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{controller_to}'\n\
             [[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{}'\n\
             mount = {{ east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }}\n",
            gateway.address()
        ),
    );
    let listen = |at, how| Running::start("v2x", ["listen", &format!("udp://{at}"), how]);
    let (json, quiet) = (listen(json_at, "--json"), listen(quiet_at, "--quiet"));
    json.until_told(&["listening on", &json_at.to_string()]);
    quiet.until_told(&["listening on"]);

    let unit = Running::start("rsu", ["run", &config]);
    unit.until_told(&["link up", "input=\"signal\""]);
    let datagram = datagrams(&fs::read_to_string(&lamps).expect("a recording")).remove(0);
    let _controller = Beat::datagram(controller_to, Duration::from_secs(1), datagram);
    let log = fs::read(&radar).expect("a recording");
    let _radar = Beat::recording(gateway.accept(), &log);

    // Lights and countdowns, as the recording has them.
    let line = json.until_printed(&["spatFrame", "likelyEndTime"]);
    let spat: Value = serde_json::from_str(&line).expect("JSON");
    for (phase, lamp) in PHASES.iter().zip(ruling) {
        let state = states.lamps.iter().find(|state| state.lamp == lamp);
        let state = state.expect("a lamp of the recording");
        let heard = &spat["spatFrame"]["intersections"][0]["phases"];
        let heard = heard.as_array().expect("phases").iter();
        let heard = heard.clone().find(|heard| heard["id"] == *phase);
        let on = &heard.expect("the phase is heard")["phaseStates"][0];
        let light = match state.light {
            Light::Green => "protected-green",
            Light::Red => "red",
            other => panic!("the recording has no {other:?}"),
        };
        assert_eq!(on["light"], light, "lamp {lamp}");
        let counting = &on["timing"]["counting"];
        let left_s = counting["likelyEndTime"].as_f64().expect("an end") / 10.0;
        let recorded_s = f64::from(state.countdown_s.expect("a countdown"));
        // The first SPATs leave within a second of the frame, whose seconds are whole ones.
        let off_s = recorded_s - left_s;
        assert!(
            (-0.05..=2.0).contains(&off_s),
            "lamp {lamp}: {left_s} of {recorded_s} s"
        );
    }
    // Somebody is seen, not only the unit itself.
    json.until_printed(&["rsmFrame", "\"ptcType\":\"motor\""]);

    // The same as rates, in the line a second: SPAT at 10 Hz, its lamps no older than their news.
    let rate = quiet.until_printed(&["SPAT 10/s"]);
    assert!(rate.contains("lost 0"), "{rate}");
    quiet.until_printed(&["RSM 10/s", "lost 0"]);
    quiet.signal("INT");
    let outcome = quiet.ended();
    assert_eq!(outcome.code, Some(0));
    assert!(!outcome.out.contains("rejected"), "{}", outcome.out);
    assert!(outcome.out.contains("-- in all, "), "{}", outcome.out);
    unit.stop();
}

#[test]
fn our_own_recordings_are_what_the_readme_says_that_they_are() {
    let (reports, outcome) = probe("gat1743", &file("tests/data/moyu-boyuan.gat1743.hex"));
    let contents: Vec<&Value> = reports.iter().map(|report| &report["content"]).collect();
    // A plan within lamp states, one a second for five seconds.
    assert_eq!(
        contents,
        ["lamps", "lamps", "plan", "lamps", "lamps", "lamps"]
    );
    assert!(outcome.err.ends_with("rejected: none\n"), "{}", outcome.err);

    let (reports, outcome) = probe("ars408", &file("tests/data/moyu-boyuan-north.ars408.log"));
    // A cycle is 72 ms; the first and the last may be cut.
    assert!((67..=70).contains(&reports.len()), "{}", reports.len());
    assert!(outcome.err.contains("rejected: none\n"), "{}", outcome.err);

    let frames = run(
        "v2x",
        ["decode", &file("tests/data/moyu-boyuan.frames.hex")],
    );
    assert_eq!((frames.code, &*frames.err), (Some(0), ""));
    let heard = |kind: &str| frames.out.matches(&format!("{{\"{kind}Frame\":")).count();
    assert_eq!(heard("map"), 5);
    assert!(heard("spat") >= 50, "{}", heard("spat"));
    assert!(heard("rsm") >= 50, "{}", heard("rsm"));
    assert!(heard("rsi") >= 10, "{}", heard("rsi"));
}
