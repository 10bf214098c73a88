//! What the RSU says, when, and from what.
//!
//! In the order in which data meet them:
//! - [`schedule`]: slots on a grid aligned to UTC
//! - [`window`]: the RSM's slots, which follow the sensors
//! - [`seed`]: the random choices of a start

mod schedule;
mod seed;
mod window;
