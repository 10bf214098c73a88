//! The roadside unit: device bytes in, frames out.
//!
//! One straight path, floor by floor:
//! - [`clock`]: time as a value
//! - [`sheet`]: files that a person wrote, read with every fault and its line
//! - [`site`]: the junction: lanes, links, stop lines, phases, mounts
//! - [`report`]: what an input says, in SI units
//! - [`inputs`]: one folder a device protocol, bytes to reports
//! - [`fusion`]: reports of objects to one picture of the road
//! - [`signals`]: lamp states and plans to a forecast of each phase
//! - [`events`]: what happens on the road, from whoever tells of it
//! - [`warnings`]: what is about to happen at the junction
//! - [`requests`]: what vehicles ask of the roadside, and what they are answered
//! - [`services`]: picture, forecast and site to messages
//! - [`station`]: the heart, owns the above; `handle_*` goes in, `poll_*` comes out
//! - [`config`]: the TOML that people write, checked whole
//! - `daemon`: sockets, threads, the clock (feature `daemon`)
//!
//! Everything but `daemon` is pure computation: it opens no socket, reads no clock, spawns nothing.

pub mod clock;
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod events;
pub mod fusion;
pub mod inputs;
pub mod report;
pub mod requests;
pub mod services;
pub mod sheet;
pub mod signals;
pub mod site;
pub mod station;
pub mod warnings;

#[cfg(test)]
mod scenes;
