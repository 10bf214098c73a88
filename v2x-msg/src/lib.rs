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
//! The crate does no I/O, reads no clock and holds no `unsafe`.

pub mod access;
#[cfg(feature = "asn")]
pub mod asn;
#[cfg(not(feature = "asn"))]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
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
