//! The language of the air: China's C-V2X message set as values, as UPER bytes and as JSON.
//!
//! Rooms, in the order data meets them:
//! - [`base`]: quantities, positions and the site's local frame, air time, ids
//! - [`kinds`]: the messages a roadside unit reasons about, as values that cannot be wrong
//! - [`Message`]: the frame, any kind
//! - [`Edition`]: which edition of the message set a frame follows, and how to find out
//! - [`asn`]: the message set as generated from `asn/*.asn`, as the air has it
//! - [`uper`]: values to bits and back (X.691)
//! - [`jer`]: the JSON view (X.697)
//! - [`access`]: what lies below the message: DSMP and AIDs
//!
//! The crate does no I/O, reads no clock and holds no `unsafe`. Its README has examples: how long
//! the light of my lane is still red, a map of one lane, to JSON and back.
//!
//! Features: `asn` opens [`asn`] to tools that look at every member; `serde` gives [`Message`] and
//! those types `Serialize` and `Deserialize`; `cli`, on by default, is the command `v2x`.

pub mod access;
#[cfg(feature = "asn")]
pub mod asn;
#[cfg(not(feature = "asn"))]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::all,
    reason = "whole, for whoever asks for it"
)]
mod asn;
pub mod base;
mod edition;
pub mod jer;
pub mod kinds;
mod message;
pub mod uper;
#[cfg(feature = "serde")]
mod view;

pub use edition::{Edition, Fit, Found, NotEncoded, Probe};
pub use message::{Message, MessageKind};

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
