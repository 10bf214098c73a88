//! Signals that decide and controllers that fail, through their real bytes: the unit must pass the
//! scenarios' own criteria, and show no green that is none.

use std::path::Path;

use sim::run::{Outcome, run};
use sim::scenario::Scenario;

fn outcome(name: &str, seed: u64) -> Outcome {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let file = Path::new(folder).join(name).with_extension("toml");
    let scenario = Scenario::load(&file).expect("a scenario");
    run(&scenario, seed, None).expect("a run")
}

fn assert_passes(name: &str) -> Outcome {
    let outcome = outcome(name, 1);
    let table = sim::judge::verdict::table(&outcome.verdicts);
    assert!(outcome.passes(), "{name}\n{table}");
    assert_eq!(outcome.judge.signals.wrong_greens, 0, "{name}\n{table}");
    assert!(
        outcome.judge.signals.phases > 10_000,
        "{name}: hardly a SPAT"
    );
    outcome
}

#[test]
fn buses_are_favoured_and_the_unit_follows() {
    let favoured = assert_passes("signal-bus-priority");
    let buses = &favoured.judge.journeys.bus_delay_s;
    assert!(buses.count() > 5, "{} buses", buses.count());
}

#[test]
fn an_emergency_call_takes_the_ends_away_and_gives_them_back() {
    let outcome = assert_passes("signal-preempt");
    let signals = &outcome.judge.signals;
    assert!(
        signals.ended < signals.running,
        "ends were told during the call"
    );
}

#[test]
fn a_junction_out_of_a_road_model_is_as_good_as_a_site_of_its_own() {
    let outcome = outcome("own-map", 1);
    let table = sim::judge::verdict::table(&outcome.verdicts);
    assert!(outcome.passes(), "{table}");
    assert!(outcome.passed > 20, "{} came through", outcome.passed);
    assert!(
        outcome.judge.signals.phases > 3_000,
        "its phases were hardly told"
    );
}

#[test]
fn a_silent_controller_is_not_told_of_for_long() {
    let outcome = assert_passes("signal-faults-silence");
    assert_eq!(outcome.judge.silences.len(), 2);
}

#[test]
fn conflicting_greens_do_not_leave_the_unit() {
    let outcome = assert_passes("signal-faults-wrong-green");
    assert!(
        outcome.judge.signals.withheld > 0,
        "the fault did not strike"
    );
}

#[test]
fn noise_changes_nothing_that_is_broadcast() {
    let clean = outcome("signal-fixed", 1).judge.traffic.hash;
    let noisy = assert_passes("signal-faults-garbage");
    assert_eq!(noisy.judge.traffic.hash, clean);
    let rejected: u64 = noisy.inputs.iter().map(|(_, _, rejected)| rejected).sum();
    assert!(rejected > 100, "{rejected} rejected");
}

#[test]
fn a_controller_that_is_asked_is_understood_as_one_that_tells() {
    let outcome = assert_passes("signal-gb20999");
    let accepted: u64 = outcome.inputs.iter().map(|(_, accepted, _)| accepted).sum();
    assert!(accepted > 1000, "{accepted} answers");
}
