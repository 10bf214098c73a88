//! What a source says of one event.
//!
//! A claim holds the content as RSI has it, so that whoever speaks to the book speaks the language
//! of the air. Its id and its times are the book's to give. Not here: what becomes of it.

use std::time::Duration;

use v2x_msg::base::{EnuFrame, MinuteOfYear};
use v2x_msg::kinds::rsi;

use crate::clock::{Mono, Now, Utc};

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

impl Origin {
    /// Whether somebody has been told that the event stands, and relies on it: it does not give way
    /// to what the unit finds out by itself.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Self::Cloud | Self::Site | Self::Operator)
    }
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
    /// What happens. Its id is a wish if `keeps_id`. Of its `validity` the end is replaced, and the
    /// start where there is none, unless the origin is the site, whose file says both.
    pub event: rsi::Event,
    /// Whether the event should have the id that it brings, where that is free.
    pub keeps_id: bool,
    /// East and north of the site's origin, in metres, where it is known: claims of one type near
    /// each other are one event.
    pub at_m: Option<(f64, f64)>,
    /// When it ends of itself.
    pub until: Until,
}

/// What a source says of one sign.
#[derive(Clone, Debug, PartialEq)]
pub struct SignClaim {
    /// Whose, and which.
    pub key: Key,
    /// What is put up. Its id is a wish if `keeps_id`; its end is that of `until`, where that has
    /// one.
    pub sign: rsi::Sign,
    /// Whether the sign should have the id that it brings, where that is free.
    pub keeps_id: bool,
    /// When it comes down of itself.
    pub until: Until,
}

impl Until {
    /// Whether its moment has come.
    pub fn is_over(self, now: Now) -> bool {
        match self {
            Until::Withdrawn => false,
            Until::Mono(until) => until <= now.mono,
            Until::Utc(until) => until <= now.utc,
        }
    }
}

/// A minute of the year says nothing of its year: what is farther away than this could be taken for
/// the other side of New Year, and is not told.
const TELLABLE: Duration = Duration::from_secs(180 * 86_400);

/// A moment as RSI has it; None where a receiver could not tell of which year it is.
pub(super) fn minute(moment: Utc, now: Utc) -> Option<MinuteOfYear> {
    let away = moment.ns_since(now).unsigned_abs();
    (u128::from(away) <= TELLABLE.as_nanos()).then(|| MinuteOfYear::of(moment))
}

/// The end of what still holds: the first minute by which it is over, since a receiver drops what has
/// ended. None as in [`minute`].
pub(super) fn end_minute(end: Utc, now: Utc) -> Option<MinuteOfYear> {
    minute(end + JUST_BELOW_A_MINUTE, now)
}

const JUST_BELOW_A_MINUTE: Duration = Duration::from_nanos(59_999_999_999);

/// Where an event is for those who compare: its position, or where its first path ends.
pub fn at_m(event: &rsi::Event, frame: &EnuFrame) -> Option<(f64, f64)> {
    let paths = event.place.as_ref().map_or(&[][..], |place| place.paths());
    let end = || paths.first()?.points.last().copied();
    let at = frame.enu(event.pos.or_else(end)?);
    Some((at.east_m, at.north_m))
}
