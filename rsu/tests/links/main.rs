//! The daemon in this process, over real sockets, lines, brokers and buses of this machine, with devices
//! of our own and peers that are not ours. One program, for each costs a link of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(feature = "socketcan")]
mod can;
mod controllers;
mod daemon;
mod gnss;
mod modbus;
mod mqtt;
mod ntcip;
#[path = "../ports/mod.rs"]
mod ports;
mod requests;
mod rig;
