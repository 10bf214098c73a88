//! `sim`: list, run, demo, capture.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim::command::main()
}
