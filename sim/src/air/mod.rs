//! What lies between radios: C-V2X PC5, mode 4 (3GPP TS 36.213, release 14), in subframes of a millisecond.
//!
//! - [`physics`]: what is left of a signal, and whether that is enough
//! - [`selection`]: how a radio finds a place in the grid of subframes and subchannels
//! - [`channel`]: the radios, what they send, and who hears it
//! - [`tally`]: what was heard and why the rest was not, by distance
//!
//! Nobody tells these radios when to send. Each listens, books a place that comes again each period,
//! keeps it for 5 to 15 messages and then finds another. So delays and collisions are not drawn for
//! each message: a message waits as long as the one before it, and two radios that have booked the
//! same place lose message after message until one of them moves. What is said as something happens has a
//! place for each message, as stacks of radios offer it beside booked flows (3GPP TS 36.321, 5.14.1.1: one
//! MAC PDU, or several).
//!
//! The maths comes from the crate `libm`: the same bits on every machine. Not here: what is in the
//! messages, and who listens.

pub mod channel;
pub mod physics;
pub mod selection;
pub mod tally;

#[cfg(test)]
mod tests;

pub use self::channel::{Channel, Delivered, RadioId};
pub use self::physics::{Kind, Radios};
