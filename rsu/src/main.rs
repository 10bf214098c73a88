//! `rsu`: arguments in, exit codes out. What the commands do lives in `rsu::daemon`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use rsu::config::Findings;
use rsu::daemon::{self, Level, RunError};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: daemon::Counting = daemon::Counting(daemon::count_allocation);

/// Usage: what was typed makes no sense (EX_USAGE).
const USAGE: u8 = 64;
/// A fault of ours, or of the machine's (EX_SOFTWARE).
const INTERNAL: u8 = 70;
/// What is to be written cannot be (EX_IOERR).
const CANNOT_WRITE: u8 = 74;
/// The configuration is wrong (EX_CONFIG).
const CONFIG: u8 = 78;

/// An open roadside unit for vehicle-road cooperation: signals and road users in, SPAT, MAP, RSM
/// and RSI out.
#[derive(Debug, Parser)]
#[command(name = "rsu", version, after_help = EXIT_CODES)]
struct Arguments {
    /// How much is told on stderr.
    #[arg(long, global = true, value_enum, default_value = "info")]
    log_level: Level,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 replayed frames differ, 64 usage, 65 data that make no sense, \
66 input that cannot be opened, 69 not in this build, 70 internal, 74 output that cannot be written, \
78 configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the unit until SIGTERM or SIGINT; SIGHUP reads the configuration anew.
    Run {
        /// The configuration; `configs/rsu.toml` shows every key.
        config: PathBuf,
        #[command(flatten)]
        wishes: daemon::RunArgs,
    },
    /// Tell everything that is wrong or unwise in a configuration, or would fail on this machine, with
    /// file and line; run it as the unit's user.
    Check {
        /// The configuration.
        config: PathBuf,
    },
    /// Order what is told on the road, at a unit's control socket.
    Event(daemon::event::EventArgs),
    /// Show what is understood of a device, one JSON report a line.
    Probe(daemon::probe::ProbeArgs),
    /// Fuse a file of detections and print the tracks as JSON lines.
    Fuse(daemon::fuse::FuseArgs),
    /// Play a recording through the station, and tell whether it says the same.
    Replay(daemon::replay::ReplayArgs),
    /// What a recording holds, in formats of other tools.
    Export(daemon::export::ExportArgs),
    /// Find where a sensor really stands and looks, from recorded traffic.
    Calibrate(daemon::calibrate::CalibrateArgs),
    /// What our forecasts of signals are worth.
    #[command(subcommand)]
    Forecast(daemon::forecast::ForecastCommand),
    /// The road model of a site: import it, check it, or print it in another format.
    #[command(subcommand)]
    Map(daemon::map::MapCommand),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing to be done when even this cannot be printed.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => USAGE.into(),
            };
        }
    };
    daemon::log_to_stderr(arguments.log_level);
    match arguments.command {
        Command::Run { config, wishes } => run(&config, &wishes),
        Command::Check { config } => check(&config),
        Command::Event(arguments) => daemon::event::event(&arguments),
        Command::Probe(arguments) => daemon::probe::probe(arguments),
        Command::Fuse(arguments) => daemon::fuse::fuse(&arguments),
        Command::Replay(arguments) => daemon::replay::replay(&arguments),
        Command::Export(arguments) => daemon::export::export(&arguments),
        Command::Calibrate(arguments) => daemon::calibrate::calibrate(&arguments),
        Command::Forecast(command) => daemon::forecast::forecast(&command),
        Command::Map(command) => daemon::map::map(&command),
    }
}

fn run(config: &std::path::Path, wishes: &daemon::RunArgs) -> ExitCode {
    match daemon::run(config, wishes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Config(findings)) => refuse(&findings),
        Err(error) => {
            tracing::error!("{error}");
            match error {
                RunError::Pcap { .. } => CANNOT_WRITE.into(),
                _ => INTERNAL.into(),
            }
        }
    }
}

fn check(config: &std::path::Path) -> ExitCode {
    match daemon::load(config) {
        Ok(checked) => {
            let findings = daemon::outlook(&checked);
            if findings.any_wrong() {
                return refuse(&findings);
            }
            print(io::stderr(), &findings.to_string());
            print(io::stdout(), &daemon::summary(&checked.config));
            ExitCode::SUCCESS
        }
        Err(findings) => refuse(&findings),
    }
}

fn refuse(findings: &Findings) -> ExitCode {
    print(io::stderr(), &findings.to_string());
    CONFIG.into()
}

/// A reader that went away is not our concern.
fn print(mut to: impl Write, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(to, "{text}");
    }
}
