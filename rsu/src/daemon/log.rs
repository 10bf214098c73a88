//! Where log lines go, and how many of them.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;

/// How much is told.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Level {
    /// What has to be mended.
    Error,
    /// And what is not as it should be.
    Warn,
    /// And what changes.
    Info,
    /// And how.
    Debug,
    /// And all else.
    Trace,
}

/// Log lines of this level and above go to the standard error from now on; to be called once.
pub fn log_to_stderr(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .with_max_level(level)
        .init();
}
