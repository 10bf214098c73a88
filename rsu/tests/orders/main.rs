//! Orders to the program itself.
//!
//! - `unit`: the program in a folder of its own, and how it is spoken to
//! - `ways`: over HTTP, at the control socket, as a ready-made RSI
//! - `cuts`: killed in a flood of orders, started with a journal of garbage
//! - `files`: a new file of the site, and a recording played back

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod cuts;
mod files;
#[path = "../ports/mod.rs"]
mod ports;
mod unit;
mod ways;
