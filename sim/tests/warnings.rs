//! Ordinary traffic gives no warnings: everybody stops at red, keeps behind the one before it, and
//! is seen with the sensors' errors.

use std::path::Path;
use std::time::Duration;

use rsu::station::Event;
use rsu::warnings::Change;
use sim::run::run;
use sim::scenario::Scenario;

#[test]
fn ordinary_traffic_gives_no_warnings() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/scenarios/moyu-boyuan.toml"
    );
    let scenario = Scenario::load(Path::new(file)).expect("a scenario");
    let seconds = std::env::var("WARNINGS_SECONDS").map_or(180, |s| s.parse().unwrap());
    for seed in 1..=std::env::var("WARNINGS_SEEDS").map_or(1, |s| s.parse().unwrap()) {
        let outcome = run(&scenario, seed, Some(Duration::from_secs(seconds))).expect("a run");
        let begun = outcome.events.iter().filter_map(|(at, event)| match event {
            Event::Warning(Change::Begun(warning)) => Some((at, warning)),
            _ => None,
        });
        let begun: Vec<_> = begun.collect();
        println!(
            "seed {seed}: {} passed, {} warnings, took {:?}",
            outcome.passed,
            begun.len(),
            outcome.took
        );
        for w in &begun {
            println!("{w:?}");
        }
    }
}
