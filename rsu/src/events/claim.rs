//! What a source says of one event.
//!
//! A claim holds the content as RSI has it, so that whoever speaks to the book speaks the language
//! of the air. Its id and its times are the book's to give. Not here: what becomes of it.

use v2x_msg::kinds::rsi;

use crate::clock::{Mono, Utc};

/// Who tells of an event. Of two that tell of the same, the later in this order is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The RSU's own picture of the road.
    Picture,
    /// A weather or road sensor.
    Weather,
    /// A cloud platform.
    Cloud,
    /// The site's file.
    Site,
    /// A person at the RSU.
    Operator,
}

/// How a source tells its events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Who.
    pub origin: Origin,
    /// Its own number for the event.
    pub number: u64,
}

/// When a claim ends unless it is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is withdrawn.
    Withdrawn,
    /// A moment from now on, whatever UTC does meanwhile; not told on air.
    Mono(Mono),
    /// A moment that the source has named; told on air.
    Utc(Utc),
}

/// What a source says of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Whose, and which.
    pub key: Key,
    /// What happens. Its id is a wish if `keeps_id`, and its `validity` is replaced unless the
    /// origin is the site, whose file says it.
    pub event: rsi::Event,
    /// Whether the event should have the id that it brings, where that is free.
    pub keeps_id: bool,
    /// East and north of the site's origin, in metres, where it is known: claims of one type near
    /// each other are one event.
    pub at_m: Option<(f64, f64)>,
    /// When it ends of itself.
    pub until: Until,
}
