//! What people, platforms and the site's file want to be told on the road: the station takes it as an
//! input, in its order among all others.
//!
//! An order is made ready elsewhere, with all its memory; the station only looks at it, or changes
//! places with it, so that nothing is allocated or freed where time counts. Not here: who may order
//! what, and what is kept of it.

use super::book::Refused;
use super::claim::{Claim, Key, SignClaim};
use super::standing::Standing;

/// One wish.
#[derive(Clone, Debug)]
pub enum Order {
    /// An event begins, or is changed.
    Event(Box<Claim>),
    /// A sign is put up, or is changed.
    Sign(Box<SignClaim>),
    /// An event is over.
    End(Key),
    /// A sign is taken down.
    Down(Key),
    /// The site's file has changed: from now on its signs and events are these. Holds those from
    /// before when it comes back.
    Site(Box<Standing>),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands, with this id.
    Stands(u8),
    /// It has ended, or the site's signs and events are others now.
    Done,
    /// There is nothing to end.
    Unknown,
    /// It was not taken.
    Refused(Refused),
}

impl From<Result<u8, Refused>> for Outcome {
    fn from(taken: Result<u8, Refused>) -> Self {
        taken.map_or_else(Self::Refused, Self::Stands)
    }
}

impl From<bool> for Outcome {
    fn from(ended: bool) -> Self {
        if ended { Self::Done } else { Self::Unknown }
    }
}
