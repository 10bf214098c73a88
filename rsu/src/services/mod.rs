//! What the RSU says, when, and from what.
//!
//! - `spat`, `rsm`, `rsi`, `map`: one kind of message each: when it is due and what it says
//! - `answer`: RSC and SSM for vehicles that asked
//! - `schedule`: slots on a grid aligned to UTC; `window`: the RSM's slots, which follow the sensors
//! - `frame`: the buffer that is sent
//! - `event`: what an operator is told
//! - `seed`: the random choices of a start

pub mod answer;
pub(crate) mod event;
#[cfg(test)]
pub(crate) mod fixture;
mod frame;
pub mod map;
pub mod rsi;
pub mod rsm;
mod schedule;
pub(crate) mod seed;
pub mod spat;
mod window;

pub use event::Event;
pub use frame::{Frame, FrameKind, MAX_FRAME, NotSent, Priorities};
