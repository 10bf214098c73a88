//! The messages that the roadside unit itself reasons about, as values that cannot be wrong.
//!
//! One folder a kind: `mod.rs` holds the value and its rules, `wire.rs` turns it into a
//! [`crate::Message`] and back. What can be built can be encoded. SPAT and RSM live inline, without
//! heap; MAP and RSI, which are built rarely, own lists.
//!
//! Not here: the kinds that a station only passes on; [`crate::Message`] holds all of them.

mod flags;
pub mod map;
pub mod rsi;
pub mod rsm;
pub mod spat;

pub use map::Map;
pub use rsi::Rsi;
pub use rsm::Rsm;
pub use spat::Spat;
