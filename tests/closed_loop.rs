//! The simulator's verdict on the unit: in virtual time, and live for a few seconds.

use std::fs;
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::process::{Outcome, Running, Scratch, run};

/// Long enough for the judge to see thirty seconds after all has settled.
const SECONDS: &str = "130";

fn simulated(folder: &str) -> Outcome {
    let arguments = ["run", "moyu-boyuan", "--seed", "1", "--duration", SECONDS];
    run("sim", arguments.into_iter().chain(["--report", folder]))
}

/// The line that has hashes of all frames and of the whole world.
fn hashes(outcome: &Outcome) -> &str {
    let line = outcome.out.lines().find(|line| line.contains(", world "));
    line.expect("a line with hashes")
}

#[test]
fn the_scenario_passes_and_twice_gives_the_same_bytes() {
    let scratch = Scratch::new();
    let folder = |name| scratch.path(name).display().to_string();
    let again = thread::spawn({
        let folder = folder("again");
        move || simulated(&folder)
    });
    let first = simulated(&folder("first"));
    let again = again.join().expect("the second run");

    assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
    assert!(first.out.contains("phase colours right"), "{}", first.out);
    assert!(!first.out.contains("FAIL"), "{}", first.out);
    let digits = hashes(&first).split("frames ").nth(1).expect("a hash");
    assert!(
        digits.starts_with(|digit: char| digit.is_ascii_hexdigit()),
        "{digits}"
    );
    assert_eq!(hashes(&first), hashes(&again));

    let of = |name: &str, file: &str| {
        fs::read_to_string(scratch.path(name).join(file)).expect("a report")
    };
    for file in ["report.json", "report.html"] {
        assert!(of("first", file) == of("again", file), "{file} differs");
    }
    let report: Value = serde_json::from_str(&of("first", "report.json")).expect("JSON");
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    assert!(verdicts.len() >= 15, "{verdicts:?}");
    assert!(
        verdicts.iter().all(|verdict| verdict["pass"] == true),
        "{verdicts:?}"
    );
}

#[test]
fn another_seed_is_another_world_and_an_unknown_scenario_is_refused() {
    let seeded = |seed| {
        let outcome = run(
            "sim",
            ["run", "moyu-boyuan", "--seed", seed, "--duration", "3"],
        );
        // The judge has not begun after three seconds, and nothing judged is nothing passed.
        assert_eq!(outcome.code, Some(1), "{}", outcome.err);
        assert!(
            outcome.out.contains("nothing was judged"),
            "{}",
            outcome.out
        );
        outcome
    };
    assert_ne!(hashes(&seeded("1")), hashes(&seeded("2")));
    let unknown = run("sim", ["run", "no-such-scenario"]);
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.err.contains("no-such-scenario"), "{}", unknown.err);
}

#[test]
fn the_demo_drives_a_live_unit_and_tells_each_second_what_was_heard() {
    let outcome = run("sim", ["demo", "--headless", "--duration", "5"]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.out, outcome.err);
    assert!(outcome.out.contains("synthetic"), "{}", outcome.out);
    let seconds: Vec<&str> = outcome
        .out
        .lines()
        .filter(|line| line.contains("/s | "))
        .collect();
    assert_eq!(seconds.len(), 5, "{}", outcome.out);
    // What each second has to tell depends on how busy this machine is.
    let is_whole = |second: &&str| {
        let words = ["road ", "found ", "colours ", "ends within ", "age SPAT "];
        words.iter().all(|word| second.contains(word))
    };
    assert!(seconds.iter().any(is_whole), "{seconds:?}");
    let summary = |begins: &str| {
        let mut lines = outcome.out.lines();
        let line = lines.find(|line| line.starts_with(begins));
        line.unwrap_or_else(|| panic!("{begins}: {}", outcome.out))
    };
    let heard = summary("heard ");
    for kind in ["SPAT", "RSM", "MAP", "RSI"] {
        assert!(!heard.contains(&format!(" 0 {kind}")), "{heard}");
    }
    assert!(heard.contains("; 0 lost or not decoded, "), "{heard}");
    // What its daemon says of itself.
    let latency = summary("from bytes in to the frame");
    assert!(latency.contains("p99"), "{latency}");
    summary("dropped: ");
}

/// GNU's `timeout` tells the program and its group, so that it comes twice.
#[test]
fn a_signal_that_comes_twice_at_once_ends_the_demo_in_order() {
    let demo = Running::start("sim", ["demo", "--headless"]);
    demo.until_printed(&["/s | "]);
    let pid = demo.id().to_string();
    let both = Command::new("kill")
        .args(["-s", "TERM", &pid, &pid])
        .status();
    assert!(both.expect("kill runs").success());
    let outcome = demo.ended();
    assert!(outcome.out.contains("heard "), "{}", outcome.out);
    assert!(outcome.out.contains("dropped: "), "{}", outcome.out);
}
