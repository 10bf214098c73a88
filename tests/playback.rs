//! A recording played back from the console of a unit at work: beside it, without a word on the air, and
//! gone when the unit is.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ports::free_tcp;
use crate::process::{LONG, Running, Scratch, VERY_LONG};
use crate::recording::Rig;

const TOKEN: &str = "a-word-for-the-tests";

/// Asks the console there, with the word; what it answers.
fn ask(console: SocketAddr, request: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(console).expect("the console listens");
    stream.set_read_timeout(Some(LONG)).expect("a span");
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("loopback");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head[9..12].parse().expect("a code"), body.to_owned())
}

fn json(console: SocketAddr, path: &str) -> Value {
    let (code, body) = ask(console, &format!("GET {path}"), "");
    assert_eq!(code, 200, "{path}: {body}");
    // In pieces of a length each where it was passed on.
    let whole = body.find('{').zip(body.rfind('}')).expect("an object");
    serde_json::from_str(&body[whole.0..=whole.1]).expect("JSON")
}

/// Programs that play something that lies in this folder, by their command lines.
fn players(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux");
    let lines = processes.filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines
        .filter(|line| line.contains("--console-on-stdin") && line.contains(folder))
        .collect()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_demo_that_is_asked_to_end_ends_in_order_with_all_that_it_began() {
    let (console, scratch) = (free_tcp(), Scratch::new());
    let token = scratch.write("token", TOKEN);
    let kept = scratch.path("kept").display().to_string();
    let address = console.to_string();
    let demo = Running::start(
        "sim",
        [
            "demo",
            "--console",
            &address,
            "--token-file",
            &token,
            "--record",
            &kept,
        ],
    );
    // Its road is filled first, which a busy machine takes long for.
    let start = Instant::now();
    while TcpStream::connect(console).is_err() {
        assert!(start.elapsed() < VERY_LONG, "the demo never begins");
        std::thread::sleep(Duration::from_millis(100));
    }
    until("a recording that grows", || {
        let list = json(console, "/api/v1/recordings");
        list["files"][0]["bytes"].as_u64() > Some(10_000)
    });
    let list = json(console, "/api/v1/recordings");
    let file = list["files"][0]["name"].as_str().expect("a file");
    let wish = format!("{{\"file\":\"{file}\",\"speed\":0.1}}");
    let (code, told) = ask(console, "POST /api/v1/replay", &wish);
    assert_eq!(code, 200, "{told}");
    assert_eq!(players(&kept).len(), 1);
    demo.signal("TERM");
    let outcome = demo.ended();
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert!(outcome.out.contains("heard "), "{}", outcome.out);
    assert_eq!(
        players(&kept),
        [""; 0],
        "what it played has ended before it"
    );
    let whole = fs::read(scratch.path("kept").join(file)).expect("the recording");
    assert!(whole.ends_with(b"\x89MCAP0\r\n"), "its end is written");
}

#[test]
fn what_was_played_leaves_nothing_behind_and_says_why_it_failed() {
    let console = free_tcp();
    let rig = with_console(console);
    rig.hear(Duration::from_secs(2));
    let list = json(console, "/api/v1/recordings");
    let file = list["files"][0]["name"].as_str().expect("a file");
    let wish = |more: &str| format!("{{\"file\":\"{file}\"{more}}}");
    for bad in [
        ",\"from\":\"soon\"",
        ",\"from\":\"9\",\"to\":\"9\"",
        ",\"speed\":1000",
    ] {
        let (code, told) = ask(console, "POST /api/v1/replay", &wish(bad));
        assert_eq!(code, 400, "{bad}: {told}");
    }
    let behind = wish(",\"from\":\"2200-01-01T00:00:00Z\",\"speed\":100");
    let (code, told) = ask(console, "POST /api/v1/replay", &behind);
    assert_eq!(code, 200, "{told}");
    // Nobody asks how it is, and yet the system keeps nothing of it.
    let unit = rig.unit.id();
    until("the end of what failed", || children(unit).is_empty());
    let now = json(console, "/api/v1/replay");
    assert_eq!(now["state"], "failed", "{now}");
    assert_eq!(now["from"], "2200-01-01T00:00:00Z", "{now}");
    let said = now["said"].as_array().expect("what it said");
    assert!(
        said.iter().any(|said| said["code"] == "behind-end"),
        "{now}"
    );
    rig.unit.stop();
}

/// A unit that records, and whose console may be told to change things.
fn with_console(console: SocketAddr) -> Rig {
    Rig::start(|scratch| {
        let token = scratch.write("token", TOKEN);
        let kept = scratch.path("kept");
        let kept = kept.display();
        format!("folder = '{kept}'\n[console]\nlisten = '{console}'\ntoken-file = '{token}'\n")
    })
}

/// Programs that another one began, those among them that have ended and that it never asked about.
fn children(parent: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux");
    let about =
        processes.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    about
        .filter(|about| {
            // Behind the name, which may hold anything: state, parent.
            let rest = about.rsplit_once(')').map_or("", |(_, rest)| rest);
            rest.split_whitespace().nth(1) == Some(&parent.to_string())
        })
        .collect()
}

#[test]
fn a_recording_is_played_beside_the_unit_and_never_onto_the_air() {
    let console = free_tcp();
    let rig = with_console(console);
    let folder = rig.scratch.path("kept").display().to_string();
    let before: HashSet<String> = rig.hear(Duration::from_secs(4)).into_iter().collect();
    let list = json(console, "/api/v1/recordings");
    let file = list["files"][0]["name"].as_str().expect("a file");

    let wish = format!("{{\"file\":\"{file}\",\"speed\":1}}");
    let (code, told) = ask(console, "POST /api/v1/replay", &wish);
    assert_eq!(code, 200, "{told}");
    assert_eq!(ask(console, "POST /api/v1/replay", &wish).0, 409);
    let played = players(&folder);
    assert_eq!(played.len(), 1, "{played:?}");
    assert!(!played[0].contains("allow-broadcast"), "{played:?}");
    until("frames of then on its page", || {
        let (code, _) = ask(console, "GET /replay/readyz", "");
        assert_eq!(code, 503, "a replay is never on the air");
        let status = json(console, "/replay/api/v1/status");
        assert_eq!(status["may_change"], false, "{status}");
        let sent = status["sent"].as_array().expect("kinds");
        sent.iter().any(|kind| kind["frames"].as_u64() > Some(20))
    });
    // What was said then is not said again: every message has its count and its moment.
    rig.air.drain();
    let now = rig.hear(Duration::from_secs(3));
    let again = now.iter().filter(|frame| before.contains(*frame)).count();
    assert_eq!((again, before.len() > 50), (0, true), "{}", now.len());
    assert_eq!(json(console, "/api/v1/status")["replay"], Value::Null);

    assert_eq!(players(&folder).len(), 1, "it is still played");
    rig.unit.stop();
    until("the end of what it played", || players(&folder).is_empty());
}
