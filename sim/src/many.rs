//! `sim run NAME --seeds A..B`: a scenario or a network by each seed, and what is told of all of them.
//!
//! A run of a network has the memory of all its junctions, so of each run only what is told is kept. Not here:
//! how runs go on side by side ([`crate::sweep`]), and the files ([`crate::report::many`]).

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::judge::detectors::Detectors;
use crate::judge::verdict::{self, Verdict};
use crate::network::{self, Network};
use crate::progress::Progress;
use crate::report::{self, many::ManyReport};
use crate::run::{Outcome, run_in};
use crate::scenario::Scenario;
use crate::sumo::Mover;
use crate::sweep::{side_by_side, table};
use crate::terminal;

/// What is kept of one run of many.
#[derive(Clone, Debug)]
pub struct OneOfMany {
    /// By which chance.
    pub seed: u64,
    /// Whether every criterion holds.
    pub passes: bool,
    /// The judge counted for so long.
    pub counted_s: f64,
    /// Each junction; of a network the whole last.
    pub parts: Vec<Part>,
    /// How good its detectors were, all junctions together.
    pub detectors: Detectors,
    /// What is said of it alone on a terminal.
    pub text: String,
}

/// One junction of a run, or the whole of a network.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its criteria.
    pub verdicts: Vec<Verdict>,
    /// Types of RSI of nothing, and the second of the world in which each was raised.
    pub false_events: Vec<(u16, f64)>,
}

impl Part {
    fn of(outcome: &Outcome) -> Self {
        Self {
            verdicts: outcome.verdicts.clone(),
            false_events: report::told::false_events(&outcome.judge),
        }
    }
}

/// Runs one junction by each seed.
pub(crate) fn scenarios(
    mover: &Mover,
    scenario: &Scenario,
    seeds: &[u64],
    duration: Option<Duration>,
    folder: Option<&Path>,
) -> Result<ExitCode> {
    let lasts_s = scenario.file.limits.event_lasts_s;
    let runs = each(seeds, &|seed| {
        let outcome = run_in(mover, scenario, seed, duration)?;
        if let Some(folder) = folder {
            report::write(&outcome, &folder.join(report::many::folder_of(seed)))?;
        }
        let judge = &outcome.judge;
        let mut detectors = Detectors::default();
        detectors.add(&judge.events, lasts_s);
        let wrong = judge.warnings.wrong(judge.from());
        Ok(OneOfMany {
            seed,
            passes: outcome.passes(),
            counted_s: judge.traffic.span_s(),
            parts: vec![Part::of(&outcome)],
            detectors,
            text: wrong.map(|told| told.line() + "\n").collect(),
        })
    })?;
    let file = &scenario.file;
    let report = ManyReport::of(
        &file.name,
        &file.summary,
        scenario.site.synthetic,
        file.expected_to_fail.as_deref(),
        &[&*scenario.site.name],
        &runs,
    );
    tell(&report, folder)?;
    for run in &runs {
        let lines = run.text.lines();
        lines.for_each(|line| println!("seed {}: {line}", run.seed));
    }
    Ok(ExitCode::from(u8::from(report.passed < seeds.len())))
}

/// Runs a network by each seed.
pub(crate) fn networks(
    network: &Network,
    seeds: &[u64],
    duration: Option<Duration>,
    folder: Option<&Path>,
) -> Result<ExitCode> {
    let runs = each(seeds, &|seed| {
        let outcome = network::run::run(network, seed, duration)?;
        if let Some(folder) = folder {
            network::report::write(&outcome, &folder.join(report::many::folder_of(seed)))?;
        }
        let mut detectors = Detectors::default();
        for one in &outcome.junctions {
            detectors.add(&one.judge.events, one.scenario.file.limits.event_lasts_s);
        }
        let mut parts: Vec<Part> = outcome.junctions.iter().map(Part::of).collect();
        parts.push(Part {
            verdicts: outcome.verdicts.clone(),
            false_events: Vec::new(),
        });
        let spans = outcome.junctions.iter();
        let spans = spans.map(|one| one.judge.traffic.span_s());
        Ok(OneOfMany {
            seed,
            passes: outcome.passes(),
            counted_s: spans.fold(0.0, f64::max),
            parts,
            detectors,
            text: terminal::network(&outcome),
        })
    })?;
    runs.iter().for_each(|run| println!("{}", run.text));
    let names = network.junctions.iter().map(|junction| &*junction.name);
    let names: Vec<&str> = names.chain(["the whole"]).collect();
    let report = ManyReport::of(
        &network.name,
        &network.summary,
        network.synthetic(),
        network.expected_to_fail.as_deref(),
        &names,
        &runs,
    );
    tell(&report, folder)?;
    Ok(ExitCode::from(u8::from(report.passed < seeds.len())))
}

/// Runs by each seed, and shows how many have ended.
fn each(seeds: &[u64], one: &(dyn Fn(u64) -> Result<OneOfMany> + Sync)) -> Result<Vec<OneOfMany>> {
    let progress = Progress::on_stderr();
    let all = seeds.len() as u64;
    let done = |count| progress.show(Instant::now(), count as u64, all, "runs");
    let runs = side_by_side(seeds, &done, one)?;
    progress.clear();
    Ok(runs)
}

/// On the terminal and, where asked, as files.
fn tell(report: &ManyReport<'_>, folder: Option<&Path>) -> Result<()> {
    println!(
        "{}: {} of {} seeds pass{}",
        report.scenario,
        report.passed,
        report.runs.len(),
        if report.synthetic { " (synthetic)" } else { "" }
    );
    for part in &report.parts {
        if !part.criteria.is_empty() {
            let several = report.parts.len() > 1;
            let name = if several { part.name } else { "" };
            print!("\n{name}\n{}", table(&part.criteria, report.runs.len()));
        }
    }
    let detectors = report.all.table();
    if !detectors.is_empty() {
        print!("\n{detectors}");
    }
    for run in &report.runs {
        for one in &run.failed {
            print!("seed {}: {}", run.seed, verdict::line(one.verdict));
        }
        for (code, at_s) in &run.false_events {
            println!("seed {}: RSI {code} at {at_s:.1} s: of nothing", run.seed);
        }
    }
    if let Some(folder) = folder {
        report.write(folder)?;
        println!("{}", folder.join("report.html").display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    #[test]
    fn files_are_written_of_all_runs_and_of_each() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/ambulance-and-animals.toml"
        );
        let mut scenario = Scenario::load(Path::new(file)).expect("a scenario");
        scenario.file.traffic_s = 10;
        scenario.file.settle_s = 0;
        for user in &mut scenario.file.user {
            user.from_s = 2.0;
        }
        let folder = std::env::temp_dir().join(format!("sim-many-{}", std::process::id()));
        let span = Some(Duration::from_secs(12));
        scenarios(&Mover::Own, &scenario, &[3, 4], span, Some(&folder)).expect("runs");
        let read = |file: &str| {
            let text = fs::read_to_string(folder.join(file)).expect("a file");
            serde_json::from_str::<Value>(&text).expect("JSON")
        };
        let (all, one, other) = (
            read("report.json"),
            read("seed-3/report.json"),
            read("seed-4/report.json"),
        );
        assert!(
            folder.join("report.html").is_file() && folder.join("seed-4/report.html").is_file()
        );
        fs::remove_dir_all(&folder).expect("it was there");
        assert_eq!((&one["seed"], &other["seed"]), (&3.into(), &4.into()));
        assert_eq!(all["runs"].as_array().map(Vec::len), Some(2));
        let judged_s = all["judged-h"].as_f64().expect("a number") * 3600.0;
        assert!((judged_s - 24.0).abs() < 1.0, "{judged_s}");
        // Of each run what its own report has.
        let told = |report: &Value| {
            let happened = report["happenings"].as_array().expect("a list").clone();
            let told = |one: &&Value| one["event-type"] == 406 && !one["delay-s"].is_null();
            happened.iter().filter(told).count() as u64
        };
        let detectors = all["detectors"].as_array().expect("a list");
        let animals = detectors.iter().find(|one| one["event-type"] == 406);
        let animals = animals.expect("a row of animals");
        let delays = animals["distributions"][0]["count"].as_u64();
        assert_eq!(delays, Some(told(&one) + told(&other)));
        assert!(delays > Some(0), "nobody was told of");
        let pass = |report: &Value| u64::from(report["pass"] == true);
        assert_eq!(all["passed"].as_u64(), Some(pass(&one) + pass(&other)));
    }
}
