//! Benchmarks: the house looked at from outside. What they all speak of is here: one junction, one
//! controller, one radar, and a set of messages. All of it is fixed, so that figures can be compared.
//!
//! - [`junction`]: the site, and a station that runs it
//! - [`controller`], [`radar`]: bytes of the two devices
//! - [`messages`]: one of each shape, for the codec
//! - [`crowd`]: many road users before one camera, for fusion
//!
//! `benches/` holds the criterion benchmarks, `src/bin/tail` the percentiles of the real daemon.

pub mod controller;
pub mod crowd;
pub mod junction;
pub mod messages;
pub mod radar;
