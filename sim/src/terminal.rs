//! What came of a run, for a terminal.
//!
//! Not here: reports in files ([`crate::report`]), and what goes on while it runs ([`crate::progress`]).

use std::fmt::Write;

use rsu::clock::Mono;

use crate::judge::verdict;
use crate::network::run::NetworkOutcome;
use crate::run::Outcome;

/// One junction: every criterion, then what there is to look into.
pub(crate) fn junction(outcome: &Outcome) -> String {
    let mut text = String::new();
    let scenario = &outcome.scenario;
    let seconds = outcome.duration.as_secs_f64();
    let _ = writeln!(
        text,
        "{} (seed {}): {} s simulated in {:.1} s, {:.0} times as fast as real",
        scenario.file.name,
        outcome.seed,
        seconds,
        outcome.took.as_secs_f64(),
        seconds / outcome.took.as_secs_f64().max(1e-9),
    );
    if scenario.site.synthetic {
        let _ = writeln!(
            text,
            "synthetic: the junction {:?} is made up",
            scenario.site.name
        );
    }
    if let Some(mover) = &outcome.mover {
        let _ = writeln!(text, "road users are those of {mover}");
    }
    text.push('\n');
    let _ = write!(text, "{}", verdict::table(&outcome.verdicts));
    if outcome.judge.traffic.span_s() <= 0.0 {
        let _ = writeln!(
            text,
            "nothing was judged: the judge waits {} s until all has settled",
            scenario.file.settle_s
        );
    }
    if let Some(why) = &scenario.file.expected_to_fail {
        let _ = writeln!(text, "expected to fail {why}");
    }
    for told in &outcome.judge.events.told {
        let _ = writeln!(text, "{}", told.line());
    }
    for (code, at) in &outcome.judge.events.false_events {
        let at_s = at.seconds_after(Mono::ZERO);
        let _ = writeln!(text, "RSI {code} at {at_s:.1} s: of nothing");
    }
    for told in &outcome.judge.warnings.told {
        let _ = writeln!(text, "{}", told.line());
    }
    for conflict in &outcome.judge.conflicts.found {
        let _ = writeln!(text, "{}", conflict.line());
    }
    for line in outcome.judge.health.lines() {
        let _ = writeln!(text, "{line}");
    }
    for one in &outcome.judge.warnings.runners {
        let _ = writeln!(
            text,
            "red light run by {} at {:.1} s, {:.1} s into red: warned of {:.2} s before",
            one.body,
            one.at.seconds_after(Mono::ZERO),
            one.into_red_s,
            one.lead_s
        );
    }
    text.push('\n');
    let objects = &outcome.judge.objects.score;
    if outcome.mover.is_none() {
        let _ = write!(text, "{} vehicles passed; ", outcome.passed);
    }
    let _ = writeln!(
        text,
        "{} road users to be shown in {} pictures; frames {:016x}, world {:016x}",
        objects.expected, objects.pictures, outcome.judge.traffic.hash, outcome.world_hash
    );
    for (name, accepted, rejected) in &outcome.inputs {
        let _ = writeln!(
            text,
            "  input {name}: {accepted} frames accepted, {rejected} rejected"
        );
    }
    text
}

/// A network, junction by junction.
pub(crate) fn network(outcome: &NetworkOutcome) -> String {
    let mut text = String::new();
    let network = &outcome.network;
    let seconds = outcome.duration.as_secs_f64();
    let _ = writeln!(
        text,
        "{} (seed {}): {} junctions, {} s simulated in {:.1} s, {:.1} times as fast as real",
        network.name,
        outcome.seed,
        network.junctions.len(),
        seconds,
        outcome.took.as_secs_f64(),
        seconds / outcome.took.as_secs_f64().max(1e-9),
    );
    if network.synthetic() {
        let _ = writeln!(text, "synthetic: the junctions are made up");
    }
    text.push('\n');
    for (junction, one) in network.junctions.iter().zip(&outcome.junctions) {
        let failed = one.verdicts.iter().filter(|verdict| !verdict.pass).count();
        let word = if failed == 0 { "pass" } else { "FAIL" };
        let _ = writeln!(
            text,
            "{:<8} {:<28} {:>6} vehicles  {:>3} of {} criteria hold  {word}",
            one.scenario.site.node.to_string(),
            junction.name,
            one.passed,
            one.verdicts.len() - failed,
            one.verdicts.len(),
        );
        for verdict in one.verdicts.iter().filter(|verdict| !verdict.pass) {
            let _ = write!(text, "         {}", verdict::line(verdict));
        }
    }
    text.push('\n');
    let _ = write!(text, "{}", verdict::table(&outcome.verdicts));
    if let Some(why) = &network.expected_to_fail {
        let _ = writeln!(text, "expected to fail {why}");
    }
    let journeys = &outcome.journeys;
    text.push('\n');
    let _ = writeln!(
        text,
        "{} journeys ended, {} stops at {} junctions; {} came all the way, {:.2} stops each; at most {:.0} vehicles at once; frames {:016x}, world {:016x}",
        journeys.ended,
        journeys.stops,
        journeys.junctions,
        journeys.through_stops.count(),
        journeys.through_stops.mean().unwrap_or(0.0),
        journeys.vehicles.quantile(1.0).unwrap_or(0.0),
        outcome.frames_hash(),
        outcome.world_hash(),
    );
    text
}
