//! What happens on the road: one life for every event, whoever tells of it.
//!
//! A source makes a [`Claim`]; the [`Book`] turns claims into events with an id, finds out which
//! claims speak of the same thing, and decides what is on air. Signs go to the [`Board`], which keeps
//! their ids and their ends:
//! ```text
//! detect/ (tracks)        ─┐
//! standing (site)         ─┼─▶ Claim ─▶ Book ─▶ events of each class, most urgent first ─┐
//! order (people, clouds)  ─┘            raised ─ updated ─ cleared ─ forgotten           ├▶ services/rsi
//!                            SignClaim ─▶ Board ─▶ signs ────────────────────────────────┘
//! ```
//! - [`claim`]: what a source says of one event
//! - [`book`]: from claims to events, and their lives; [`board`]: the signs
//! - `ids`: which id an event or a sign has; `scale`: whether it fits into a message
//! - [`standing`]: the signs and events of the site's file, when they hold
//! - [`order`]: what people, platforms and a new file of the site ask of the station
//! - [`ask`]: what a person writes to one event; [`cloud`]: what platforms send
//! - [`detect`]: what the picture of the road shows by itself
//! - [`weather`]: what weather and road sensors measure, and which values are an event
//!
//! Rules of T/CSAE 159-2020, 8.5: an id belongs to an event for its life; a message carries one
//! class. Not here: messages and their rates ([`crate::services`]); what is kept on disk.

pub mod ask;
pub mod board;
pub mod book;
pub mod claim;
pub mod cloud;
pub mod detect;
mod ids;
pub mod order;
mod same;
mod scale;
pub mod standing;
pub mod weather;

pub use board::Board;
pub use book::{Book, Change, Config, Refused, Shown, Stage};
pub use claim::{Claim, Key, Origin, SignClaim, Until};
pub use order::{Order, Outcome};
