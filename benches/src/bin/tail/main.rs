//! Percentiles of the real daemon: how long from the bytes of a device to the frame on the air.
//!
//! The daemon is the program `rsu` beside this one, in a process of its own, on loopback sockets. A
//! controller and a radar speak to it as real ones do, its frames are received where it sends them,
//! and all moments are read from one monotonic clock, in this process. Nothing is left out: what got
//! no answer is counted and shown. Four runs by default: with ordinary and with real-time
//! scheduling of the daemon, each on a quiet machine and with all cores busy. With real-time
//! scheduling the threads that stand for devices and for vehicles have it too, below the daemon: they
//! are machines of their own, which nothing else keeps waiting.
//!
//! In the order in which a run uses them:
//! - [`unit`]: the daemon's process
//! - [`air`]: reception of its frames
//! - [`devices`]: the controller and the radar
//! - [`talkers`]: vehicles that speak by radio meanwhile
//! - [`load`]: what keeps the cores busy
//! - [`guests`]: who visits the console meanwhile; [`orders`]: who orders events there
//! - [`machine`]: what else the machine did meanwhile
//! - [`judge`]: which frame answers what was said
//! - [`figures`]: percentiles, as a table and as JSON

mod air;
mod devices;
mod figures;
mod guests;
mod judge;
mod load;
mod machine;
mod orders;
mod run;
mod talkers;
mod unit;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};

use figures::Report;
use guests::Guests;
use run::Setting;
use talkers::Talkers;
use unit::NotBuilt;

/// Measures the latency of the daemon beside this program.
#[derive(Parser)]
struct Arguments {
    /// How long each run measures.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long each run goes on before it measures.
    #[arg(long, default_value_t = 10)]
    warm_up: u64,
    /// How many road users the radar sees; all are told in each set of RSMs.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=125))]
    participants: u8,
    /// Whether the cores are busy meanwhile.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    load: Which,
    /// How many threads keep them busy. Left out: as many as there are cores.
    #[arg(long)]
    burners: Option<usize>,
    /// Whether the daemon asks for real-time scheduling.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    realtime: Which,
    /// Pages that listen to the console's news meanwhile; with this, orders or one of the next two
    /// the daemon has a console.
    #[arg(long, default_value_t = 0)]
    readers: usize,
    /// Connections to the console over which nothing is ever asked.
    #[arg(long, default_value_t = 0)]
    idle: usize,
    /// Requests to the console that never come to their end.
    #[arg(long, default_value_t = 0)]
    slow: usize,
    /// Events that people order over HTTP meanwhile, so many a minute; 10000 is what is promised.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100_000))]
    orders: u32,
    /// Vehicles that say by radio where they are meanwhile, up to 600; RSM is not judged then, for it tells of
    /// them too.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=600))]
    talkers: u32,
    /// How often each of them speaks a second.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    talk_hz: u32,
    /// How many times each run starts the daemon to see how fast it speaks.
    #[arg(long, default_value_t = 5)]
    starts: u32,
    /// Where in each tenth of a second of UTC the radar speaks; 40 is where RSM expects it from the
    /// first, 90 is as far from there as can be.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(..100))]
    radar_phase_ms: u64,
    /// Write the figures there too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail where a target is not reached.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Off,
    On,
    Both,
}

impl Which {
    fn all(self) -> impl Iterator<Item = bool> {
        [false, true].into_iter().filter(move |on| match self {
            Self::Both => true,
            one => (one == Self::On) == *on,
        })
    }
}

/// The unit that is to be measured is not there.
const UNAVAILABLE: u8 = 69;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.seconds);
    for setting in settings(&arguments) {
        eprintln!("measuring: {setting}");
        match run::run(&setting) {
            Ok(run) => {
                println!("{run}");
                report.runs.push(run);
            }
            Err(e) if e.is::<NotBuilt>() => {
                eprintln!("{e}");
                return Ok(ExitCode::from(UNAVAILABLE));
            }
            Err(e) => return Err(e.context(format!("run failed: {setting}"))),
        }
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let failed = arguments.check && !report.reaches_its_targets();
    Ok(ExitCode::from(u8::from(failed)))
}

fn settings(arguments: &Arguments) -> Vec<Setting> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut settings = Vec::new();
    for realtime in arguments.realtime.all() {
        for loaded in arguments.load.all() {
            settings.push(Setting {
                realtime,
                burners: if loaded {
                    arguments.burners.unwrap_or(cores)
                } else {
                    0
                },
                loaded,
                warm_up: Duration::from_secs(arguments.warm_up),
                measured: Duration::from_secs(arguments.seconds),
                starts: arguments.starts,
                participants: arguments.participants,
                radar_phase: Duration::from_millis(arguments.radar_phase_ms),
                talkers: Talkers {
                    count: arguments.talkers,
                    hz: arguments.talk_hz,
                },
                guests: Guests {
                    readers: arguments.readers,
                    idle: arguments.idle,
                    slow: arguments.slow,
                    orders: arguments.orders,
                },
            });
        }
    }
    settings
}
