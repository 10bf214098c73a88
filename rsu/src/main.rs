//! `rsu`: run, check, probe, fuse, map.

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
enum Command {
    Fuse(rsu::daemon::fuse::FuseArgs),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Fuse(args) => rsu::daemon::fuse::fuse(&args),
    }
}
