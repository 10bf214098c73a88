//! The commands that people type.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::judge::verdict;
use crate::report;
use crate::run::{Outcome, run};
use crate::scenario::Scenario;

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
    /// Run a scenario in virtual time and judge what was broadcast; exit 1 if a criterion fails.
    Run {
        /// Its name, or a file.
        scenario: String,
        /// Chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// For so many seconds instead of what the scenario says.
        #[arg(long, value_name = "S")]
        duration: Option<u32>,
        /// Write report.json and report.html into this folder.
        #[arg(long, value_name = "DIR")]
        report: Option<PathBuf>,
    },
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
        Command::Run {
            scenario,
            seed,
            duration,
            report: folder,
        } => {
            let scenario = Scenario::find(&scenario)?;
            let duration = duration.map(|s| Duration::from_secs(u64::from(s)));
            let outcome = run(&scenario, seed, duration)?;
            print_outcome(&outcome);
            if let Some(folder) = folder {
                report::write(&outcome, &folder)?;
                println!("{}", folder.join("report.html").display());
            }
            Ok(ExitCode::from(u8::from(!outcome.passes())))
        }
    }
}

fn list() -> Result<ExitCode> {
    for scenario in Scenario::all()? {
        let synthetic = if scenario.site.synthetic {
            " (synthetic)"
        } else {
            ""
        };
        println!(
            "{:<20} {}{synthetic}",
            scenario.file.name, scenario.file.summary
        );
    }
    Ok(ExitCode::SUCCESS)
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
    println!();
    print!("{}", verdict::table(&outcome.verdicts));
    println!();
    let objects = &outcome.judge.objects.score;
    println!(
        "{} vehicles passed; {} road users to be shown in {} pictures; frames {:016x}, world {:016x}",
        outcome.passed,
        objects.expected,
        objects.pictures,
        outcome.judge.traffic.hash,
        outcome.world_hash
    );
    for (name, accepted, rejected) in &outcome.inputs {
        println!("  input {name}: {accepted} frames accepted, {rejected} rejected");
    }
}
