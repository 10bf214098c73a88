//! Whole-house tests: the house looked at from outside, one binary.
//!
//! - `walls`: who may know what
//! - `configs`: files that people edit, right and wrong
//! - `captures`: recordings through the programs
//! - `daemon`: the unit as a program among its devices
//! - `hostile`: devices gone bad
//! - `recording`: what is kept plays back
//! - `playback`: beside a unit at work, for who looks at its page
//! - `closed_loop`: the simulator's verdict
//! - `process`, `air`: programs, sockets and devices for the above

mod air;
mod captures;
mod closed_loop;
mod configs;
mod daemon;
mod hostile;
mod playback;
#[path = "../rsu/tests/ports/mod.rs"]
mod ports;
mod process;
mod recording;
mod walls;
