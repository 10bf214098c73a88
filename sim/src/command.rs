//! The commands that people type.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rsu::clock::Mono;

use crate::capture::capture;
use crate::case::{fourarm, platoon, ring, satflow};
use crate::demo::{self, Demo};
use crate::judge::detectors;
use crate::judge::verdict::{self, Verdict};
use crate::network::run::NetworkOutcome;
use crate::network::{self, Network};
use crate::progress::Progress;
use crate::report;
use crate::run::{Outcome, run_told};
use crate::scenario::Scenario;
use crate::settings::{Settings, settings};
use crate::sumo::Mover;
use crate::sweep::{self, sweep};

/// The world around a roadside unit.
#[derive(Parser)]
#[command(name = "sim", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the scenarios that there are.
    List,
    /// Run a reference case of traffic theory; CSV to the standard output, exit 1 if a figure is off.
    Case {
        /// Which.
        case: CaseName,
        /// Chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The folder with SUMO's trajectories, for the platoon.
        #[arg(long, value_name = "DIR")]
        reference: Option<PathBuf>,
    },
    /// Write what the devices of a scenario send, and what is broadcast, as recordings.
    Capture(Capture),
    /// Drive real daemons in real time over loopback sockets, with a page each, and listen as a vehicle
    /// would.
    Demo(Demo),
    /// Play a recording back, as `rsu replay` does: the page of a demo asks for it.
    #[command(hide = true)]
    Replay(rsu::daemon::replay::ReplayArgs),
    /// Run a scenario in virtual time and judge what was broadcast; exit 1 if a criterion fails.
    Run {
        /// Its name, or a file.
        scenario: String,
        /// Chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Run it by each of these instead, such as 1..50, side by side, and show means and their
        /// 95 % intervals.
        #[arg(long, value_name = "A..B", conflicts_with_all = ["seed", "report"])]
        seeds: Option<String>,
        /// Set keys of the scenario, such as signals.gap-s=4,demand.*.vehicles-per-hour=600.
        #[arg(long, value_name = "KEY=VALUE", value_parser = settings)]
        set: Vec<Settings>,
        /// For so many seconds instead of what the scenario says.
        #[arg(long, value_name = "S")]
        duration: Option<u32>,
        /// In real time on sockets, against real daemons, instead of in virtual time.
        #[arg(long, conflicts_with_all = ["seeds", "report"])]
        live: bool,
        /// Write report.json and report.html into this folder.
        #[arg(long, value_name = "DIR")]
        report: Option<PathBuf>,
        #[command(flatten)]
        world: Moved,
    },
}

/// Who moves the world.
#[derive(Args)]
pub(crate) struct Moved {
    /// Whose road users there are: ours, or SUMO's where the scenario names a network for it.
    #[arg(long, value_enum, default_value_t = WorldName::Own)]
    world: WorldName,
    /// The program of SUMO; by default that of SUMO_HOME, else the one in PATH.
    #[arg(long, value_name = "FILE")]
    sumo: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorldName {
    Own,
    Sumo,
}

impl Moved {
    /// As it was asked for.
    pub(crate) fn mover(&self) -> Mover {
        match self.world {
            WorldName::Own => Mover::Own,
            WorldName::Sumo => Mover::Sumo(self.sumo.clone()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CaseName {
    Platoon,
    Ring,
    Satflow,
    Fourarm,
}

#[derive(Args)]
struct Capture {
    /// Where to.
    folder: PathBuf,
    /// Which scenario.
    #[arg(long, default_value = "moyu-boyuan")]
    scenario: String,
    /// Chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of so many seconds.
    #[arg(long, value_name = "S", default_value_t = 5)]
    duration: u32,
}

/// Does what the arguments say; the program's whole work.
pub fn main() -> ExitCode {
    match obey(Arguments::parse().command) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("sim: {e:#}");
            ExitCode::from(2)
        }
    }
}

fn obey(command: Command) -> Result<ExitCode> {
    match command {
        Command::List => list(),
        Command::Case {
            case,
            seed,
            reference,
        } => reference_case(case, seed, reference.as_deref()),
        Command::Capture(wanted) => record(&wanted),
        Command::Demo(wanted) => demo::demo(&wanted),
        Command::Replay(wanted) => Ok(rsu::daemon::replay::replay(&wanted)),
        Command::Run {
            scenario,
            seed,
            seeds,
            set,
            duration,
            live,
            report: folder,
            world,
        } => {
            let duration = duration.map(|s| Duration::from_secs(u64::from(s)));
            let mover = world.mover();
            let set: Vec<_> = set.into_iter().flat_map(|Settings(keys)| keys).collect();
            if live {
                return demo::run(&scenario, &set, mover, seed, duration);
            }
            if let Some(network) = Network::find_with(&scenario, &set)? {
                ensure!(
                    mover == Mover::Own,
                    "SUMO drives scenarios of one junction; {scenario} has several"
                );
                let seeds = seeds.map_or(Ok(vec![seed]), |text| sweep::seeds(&text))?;
                return run_network(&network, &seeds, duration, folder.as_deref());
            }
            let scenario = Scenario::find_with(&scenario, &set)?;
            if let Some(seeds) = seeds {
                return many(&mover, &scenario, &sweep::seeds(&seeds)?, duration);
            }
            let progress = Progress::on_stderr();
            let mut told = simulated(&progress);
            let outcome = run_told(&mover, &scenario, seed, duration, &mut told)?;
            progress.clear();
            print_outcome(&outcome);
            if let Some(folder) = folder {
                report::write(&outcome, &folder)?;
                println!("{}", folder.join("report.html").display());
            }
            Ok(ExitCode::from(u8::from(!outcome.passes())))
        }
    }
}

/// Shows how much of a run is simulated.
fn simulated(progress: &Progress) -> impl FnMut(Duration, Duration) {
    |done, all| progress.show(Instant::now(), done.as_secs(), all.as_secs(), "s simulated")
}

fn many(
    mover: &Mover,
    scenario: &Scenario,
    seeds: &[u64],
    duration: Option<Duration>,
) -> Result<ExitCode> {
    let progress = Progress::on_stderr();
    let all = seeds.len() as u64;
    let done = |count: usize| progress.show(Instant::now(), count as u64, all, "runs");
    let outcomes = sweep(mover, scenario, seeds, duration, &done)?;
    progress.clear();
    let passed = outcomes.iter().filter(|outcome| outcome.passes()).count();
    println!(
        "{}: {} of {} seeds pass{}\n",
        scenario.file.name,
        passed,
        seeds.len(),
        if scenario.site.synthetic {
            " (synthetic)"
        } else {
            ""
        }
    );
    let spreads = sweep::spreads(&outcomes);
    print!("{}", sweep::table(&spreads, seeds.len()));
    let judges = outcomes.iter().map(|outcome| &outcome.judge.events);
    let rows = detectors::rows(judges, scenario.file.limits.event_lasts_s);
    if !rows.is_empty() {
        print!("\n{}", detectors::table(&rows));
    }
    let wrong = outcomes.iter().flat_map(|outcome| {
        let judge = &outcome.judge;
        let wrong = judge.warnings.wrong(judge.from());
        wrong.map(move |told| format!("seed {}: {}", outcome.seed, told.line()))
    });
    wrong.for_each(|line| println!("{line}"));
    Ok(ExitCode::from(u8::from(passed < seeds.len())))
}

/// Runs a network by each seed, one after the other: it fills a machine's memory by itself.
fn run_network(
    network: &Network,
    seeds: &[u64],
    duration: Option<Duration>,
    folder: Option<&Path>,
) -> Result<ExitCode> {
    // Of each run only what is judged is kept: by junction, the whole last.
    let mut judged: Vec<Vec<Vec<Verdict>>> = Vec::new();
    let mut passed = 0;
    let progress = Progress::on_stderr();
    for &seed in seeds {
        let outcome = network::run::run_told(network, seed, duration, &mut simulated(&progress))?;
        progress.clear();
        print_network(&outcome);
        passed += usize::from(outcome.passes());
        if let Some(folder) = folder {
            network::report::write(&outcome, folder)?;
            println!("{}", folder.join("report.html").display());
        }
        let mut one: Vec<Vec<Verdict>> = outcome
            .junctions
            .into_iter()
            .map(|junction| junction.verdicts)
            .collect();
        one.push(outcome.verdicts);
        judged.push(one);
    }
    if seeds.len() > 1 {
        println!("\n{}: {passed} of {} seeds pass", network.name, seeds.len());
        let names = network.junctions.iter().map(|junction| &*junction.name);
        for (i, name) in names.chain(["the whole"]).enumerate() {
            let runs: Vec<&[Verdict]> = judged.iter().map(|one| one[i].as_slice()).collect();
            let spreads = sweep::spreads_of(&runs);
            if !spreads.is_empty() {
                print!("\n{name}\n{}", sweep::table(&spreads, seeds.len()));
            }
        }
    }
    Ok(ExitCode::from(u8::from(passed < seeds.len())))
}

fn print_network(outcome: &NetworkOutcome) {
    let network = &outcome.network;
    let seconds = outcome.duration.as_secs_f64();
    println!(
        "{} (seed {}): {} junctions, {} s simulated in {:.1} s, {:.1} times as fast as real",
        network.name,
        outcome.seed,
        network.junctions.len(),
        seconds,
        outcome.took.as_secs_f64(),
        seconds / outcome.took.as_secs_f64().max(1e-9),
    );
    if network.synthetic() {
        println!("synthetic: the junctions are made up");
    }
    println!();
    for (junction, one) in network.junctions.iter().zip(&outcome.junctions) {
        let failed = one.verdicts.iter().filter(|verdict| !verdict.pass).count();
        let word = if failed == 0 { "pass" } else { "FAIL" };
        println!(
            "{:<8} {:<28} {:>6} vehicles  {:>3} of {} criteria hold  {word}",
            one.scenario.site.node.to_string(),
            junction.name,
            one.passed,
            one.verdicts.len() - failed,
            one.verdicts.len(),
        );
        for verdict in one.verdicts.iter().filter(|verdict| !verdict.pass) {
            print!("         {}", verdict::line(verdict));
        }
    }
    println!();
    print!("{}", verdict::table(&outcome.verdicts));
    if let Some(why) = &network.expected_to_fail {
        println!("expected to fail {why}");
    }
    let journeys = &outcome.journeys;
    println!();
    println!(
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
}

fn reference_case(case: CaseName, seed: u64, reference: Option<&Path>) -> Result<ExitCode> {
    let findings = match case {
        CaseName::Platoon => platoon::platoon(reference)?,
        CaseName::Ring => ring::ring(),
        CaseName::Satflow => satflow::satflow(seed)?,
        CaseName::Fourarm => fourarm::fourarm(&[seed, seed + 1, seed + 2])?,
    };
    print!("{}", findings.csv);
    for figure in &findings.figures {
        let word = if figure.holds() { "holds" } else { "OFF" };
        eprintln!(
            "{:<44} {:>12.6}  {} to {}  {word}",
            figure.what, figure.value, figure.least, figure.most
        );
    }
    Ok(ExitCode::from(u8::from(!findings.hold())))
}

fn record(wanted: &Capture) -> Result<ExitCode> {
    let span = Duration::from_secs(u64::from(wanted.duration));
    if let Some(network) = Network::find_with(&wanted.scenario, &[])? {
        for name in network::capture::capture(&network, wanted.seed, span, &wanted.folder)? {
            println!("{}", wanted.folder.join(name).display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let scenario = Scenario::find(&wanted.scenario)?;
    for name in capture(&scenario, wanted.seed, span, &wanted.folder)? {
        println!("{}", wanted.folder.join(name).display());
    }
    Ok(ExitCode::SUCCESS)
}

fn list() -> Result<ExitCode> {
    for scenario in Scenario::all()? {
        let file = &scenario.file;
        let why = file.expected_to_fail.as_deref();
        list_one(&file.name, &file.summary, scenario.site.synthetic, why);
    }
    for network in Network::all()? {
        let why = network.expected_to_fail.as_deref();
        list_one(&network.name, &network.summary, network.synthetic(), why);
    }
    Ok(ExitCode::SUCCESS)
}

fn list_one(name: &str, summary: &str, synthetic: bool, expected_to_fail: Option<&str>) {
    let synthetic = if synthetic { " (synthetic)" } else { "" };
    let fails =
        expected_to_fail.map_or_else(String::new, |why| format!("; expected to fail {why}"));
    println!("{name:<30} {summary}{synthetic}{fails}");
}

fn print_outcome(outcome: &Outcome) {
    let scenario = &outcome.scenario;
    let seconds = outcome.duration.as_secs_f64();
    println!(
        "{} (seed {}): {} s simulated in {:.1} s, {:.0} times as fast as real",
        scenario.file.name,
        outcome.seed,
        seconds,
        outcome.took.as_secs_f64(),
        seconds / outcome.took.as_secs_f64().max(1e-9),
    );
    if scenario.site.synthetic {
        println!(
            "synthetic: the junction {:?} is made up",
            scenario.site.name
        );
    }
    if let Some(mover) = &outcome.mover {
        println!("road users are those of {mover}");
    }
    println!();
    print!("{}", verdict::table(&outcome.verdicts));
    if outcome.judge.traffic.span_s() <= 0.0 {
        println!(
            "nothing was judged: the judge waits {} s until all has settled",
            scenario.file.settle_s
        );
    }
    if let Some(why) = &scenario.file.expected_to_fail {
        println!("expected to fail {why}");
    }
    for told in &outcome.judge.events.told {
        println!("{}", told.line());
    }
    for (code, at) in &outcome.judge.events.false_events {
        let at_s = at.seconds_after(Mono::ZERO);
        println!("RSI {code} at {at_s:.1} s: of nothing");
    }
    for told in &outcome.judge.warnings.told {
        println!("{}", told.line());
    }
    for conflict in &outcome.judge.conflicts.found {
        println!("{}", conflict.line());
    }
    for line in outcome.judge.health.lines() {
        println!("{line}");
    }
    for one in &outcome.judge.warnings.runners {
        println!(
            "red light run by {} at {:.1} s, {:.1} s into red: warned of {:.2} s before",
            one.body,
            one.at.seconds_after(Mono::ZERO),
            one.into_red_s,
            one.lead_s
        );
    }
    println!();
    let objects = &outcome.judge.objects.score;
    if outcome.mover.is_none() {
        print!("{} vehicles passed; ", outcome.passed);
    }
    println!(
        "{} road users to be shown in {} pictures; frames {:016x}, world {:016x}",
        objects.expected, objects.pictures, outcome.judge.traffic.hash, outcome.world_hash
    );
    for (name, accepted, rejected) in &outcome.inputs {
        println!("  input {name}: {accepted} frames accepted, {rejected} rejected");
    }
}
