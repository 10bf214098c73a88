//! The messages that the roadside unit itself reasons about, as values that cannot be wrong.
//!
//! One folder a kind: `mod.rs` holds the value and its rules, `wire.rs` turns it into a
//! message and back. What can be built can be encoded.
