//! What happens on the road: one life for every event, whoever tells of it.
//!
//! A source makes a [`Claim`]; the [`Book`] turns claims into events with an id, finds out which
//! claims speak of the same thing, and decides what is on air:
//! ```text
//! detect/ (tracks) ─┐
//! standing (site)  ─┼─▶ Claim ─▶ Book ─▶ events of each class, most urgent first ─▶ services/rsi
//! orders (people)  ─┘             raised ─ updated ─ cleared ─ forgotten
//! ```
//! - [`claim`]: what a source says of one event
//! - [`book`]: from claims to events, and their lives
//! - `ids`: which id an event has
//! - [`standing`]: the events of the site's file, when they hold
//! - [`detect`]: what the picture of the road shows by itself
//! - [`weather`]: what weather and road sensors measure, and which values are an event
//!
//! Rules of T/CSAE 159-2020, 8.5: an id belongs to an event for its life; a message carries one
//! class. Not here: messages and their rates ([`crate::services`]); signs, which have no life.

pub mod book;
pub mod claim;
pub mod detect;
mod ids;
pub mod standing;
pub mod weather;

pub use book::{Book, Change, Config, Refused, Shown, Stage};
pub use claim::{Claim, Key, Origin, Until};
