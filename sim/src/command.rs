//! The commands that people type.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::capture::capture;
use crate::case::{fourarm, platoon, ring, satflow};
use crate::demo::{self, Demo};
use crate::many;
use crate::network::{self, Network};
use crate::progress::Progress;
use crate::report;
use crate::run::run_told;
use crate::scenario::Scenario;
use crate::settings::{Settings, settings};
use crate::sumo::Mover;
use crate::sweep;
use crate::terminal;

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
        #[arg(long, value_name = "A..B", conflicts_with = "seed")]
        seeds: Option<String>,
        /// Set keys of the scenario, such as signals.gap-s=4,demand.*.vehicles-per-hour=600.
        #[arg(long, value_name = "KEY=VALUE", value_parser = settings)]
        set: Vec<Settings>,
        /// For so many seconds instead of what the scenario says.
        #[arg(long, value_name = "S")]
        duration: Option<u32>,
        /// In real time on sockets, against real daemons, instead of in virtual time.
        #[arg(long, conflicts_with = "seeds")]
        live: bool,
        /// Write report.json and report.html into this folder; with --seeds those of all runs together,
        /// and of each run in a folder within.
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
            let folder = folder.as_deref();
            let set: Vec<_> = set.into_iter().flat_map(|Settings(keys)| keys).collect();
            if live {
                return demo::run(&scenario, &set, mover, seed, duration, folder);
            }
            if let Some(network) = Network::find_with(&scenario, &set)? {
                ensure!(
                    mover == Mover::Own,
                    "SUMO drives scenarios of one junction; {scenario} has several"
                );
                return match seeds {
                    Some(seeds) => {
                        many::networks(&network, &sweep::seeds(&seeds)?, duration, folder)
                    }
                    None => run_network(&network, seed, duration, folder),
                };
            }
            let scenario = Scenario::find_with(&scenario, &set)?;
            if let Some(seeds) = seeds {
                let seeds = sweep::seeds(&seeds)?;
                return many::scenarios(&mover, &scenario, &seeds, duration, folder);
            }
            let progress = Progress::on_stderr();
            let mut told = simulated(&progress);
            let outcome = run_told(&mover, &scenario, seed, duration, &mut told)?;
            progress.clear();
            print!("{}", terminal::junction(&outcome));
            if let Some(folder) = folder {
                report::write(&outcome, folder)?;
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

/// Runs a network, and writes its report.
fn run_network(
    network: &Network,
    seed: u64,
    duration: Option<Duration>,
    folder: Option<&Path>,
) -> Result<ExitCode> {
    let progress = Progress::on_stderr();
    let outcome = network::run::run_told(network, seed, duration, &mut simulated(&progress))?;
    progress.clear();
    print!("{}", terminal::network(&outcome));
    if let Some(folder) = folder {
        network::report::write(&outcome, folder)?;
        println!("{}", folder.join("report.html").display());
    }
    Ok(ExitCode::from(u8::from(!outcome.passes())))
}

fn reference_case(case: CaseName, seed: u64, reference: Option<&Path>) -> Result<ExitCode> {
    let findings = match case {
        CaseName::Platoon => platoon::platoon(reference)?,
        CaseName::Ring => ring::ring(),
        CaseName::Satflow => satflow::satflow(seed)?,
        CaseName::Fourarm => fourarm::fourarm(&[seed, seed + 1, seed + 2])?,
    };
    print!("{}", findings.csv);
    if findings.figures.is_empty() {
        eprintln!(
            "held against nothing: name the folder with SUMO's trajectories, --reference DIR"
        );
    }
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
