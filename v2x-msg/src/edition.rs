//! Which edition of the message set a frame follows, and how to find out: the air does not say.

use std::fmt;

use crate::asn::{MessageFrame, edition_2019};
use crate::jer::{Jer, JerError};
use crate::uper::{self, DecodeError, EncodeError, Wire};

/// An edition of the message set.
///
/// SPAT and RSM are the same in both, and so is a BSM without `initialPosition`. What 2019-07-24
/// says otherwise, and what becomes of it in the values of 2020:
///
/// | 2019-07-24 | in 2020 |
/// |---|---|
/// | MAP of up to 63 nodes, lanes with up to 16 connections | refused beyond 32 and 8 |
/// | a link's width may be left out | 0 |
/// | a path of one point | that point twice |
/// | `initialPosition.posConficence` | `posAccuracy` |
/// | `initialPosition.posAccuracy`, the axes of an ellipse | dropped |
/// | hours up to 24, zones from -720 to 721 | the same number |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// Release of 2019-07-24, the one before.
    Y2019,
    /// YD/T 3709-2020 = T/CSAE 53-2020, with T/CSAE 157-2020 (Day II): ours.
    #[default]
    Y2020,
}

/// How well a frame fits the editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// As a frame of 2020.
    pub y2020: Fit,
    /// As a frame of 2019-07-24.
    pub y2019: Fit,
    /// Whether both decode, and to the same values.
    alike: bool,
}

/// How well a frame fits one edition.
#[expect(
    clippy::large_enum_variant,
    reason = "one or two at a time, and a box would be memory that a stranger can ask for"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It decodes, and encodes to the same octets.
    Same,
    /// It decodes, but our encoding of it is another one.
    Other,
    /// It does not decode.
    No(DecodeError),
}

/// What a [`Probe`] comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It fits that edition, and does not decode as the other.
    Sure(Edition),
    /// It fits that edition better; where it fits both but says different things, ours is meant.
    Likely(Edition),
    /// It says the same in both.
    Either,
    /// It decodes as neither.
    Neither,
}

impl Edition {
    /// All editions, the oldest first.
    pub const ALL: [Self; 2] = [Self::Y2019, Self::Y2020];

    /// A frame of this edition as JSON, in the names of this edition.
    ///
    /// # Errors
    /// Anything but a valid frame of this edition.
    pub fn jer(self, octets: &[u8]) -> Result<String, DecodeError> {
        match self {
            Self::Y2019 => jer::<edition_2019::MessageFrame>(octets),
            Self::Y2020 => jer::<MessageFrame>(octets),
        }
    }

    /// The frame of this edition that `text`, one object of JSON (JER) in the names of this
    /// edition, describes: at the start of `out`; gives its length in octets.
    ///
    /// # Errors
    /// Not JSON, not a message of this edition, or `out` is too short.
    pub fn encode_jer_into(self, text: &str, out: &mut [u8]) -> Result<usize, NotEncoded> {
        match self {
            Self::Y2019 => encode_jer::<edition_2019::MessageFrame>(text, out),
            Self::Y2020 => encode_jer::<MessageFrame>(text, out),
        }
    }
}

/// JSON that does not become a frame.
#[expect(
    clippy::large_enum_variant,
    reason = "short-lived, and never on the air's path"
)]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEncoded {
    /// Not JSON, or not a message of the edition.
    #[error(transparent)]
    Jer(#[from] JerError),
    /// A message, but without room for it.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Probe {
    /// Decodes the frame as each edition has it, encodes it again and compares.
    pub fn of(octets: &[u8]) -> Self {
        let alike = match (Edition::Y2019.jer(octets), Edition::Y2020.jer(octets)) {
            (Ok(older), Ok(newer)) => older == newer,
            _ => false,
        };
        Self {
            y2020: fit::<MessageFrame>(octets),
            y2019: fit::<edition_2019::MessageFrame>(octets),
            alike,
        }
    }

    /// The edition it follows, and how sure that is.
    pub fn found(&self) -> Found {
        use Fit::{No, Other, Same};
        match (self.y2019, self.y2020) {
            (No(_), No(_)) => Found::Neither,
            _ if self.alike => Found::Either,
            (Same, No(_)) => Found::Sure(Edition::Y2019),
            (No(_), Same) => Found::Sure(Edition::Y2020),
            (Same, Other) | (Other, No(_)) => Found::Likely(Edition::Y2019),
            (_, Same | Other) => Found::Likely(Edition::Y2020),
        }
    }
}

impl Found {
    /// The edition to decode it as, if there is one.
    pub fn edition(self) -> Option<Edition> {
        match self {
            Self::Sure(edition) | Self::Likely(edition) => Some(edition),
            Self::Either => Some(Edition::default()),
            Self::Neither => None,
        }
    }
}

/// As people write it: `2020`, `2019-07-24`.
impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Y2019 => "2019-07-24",
            Self::Y2020 => "2020",
        })
    }
}

fn jer<T: Wire + Jer + Default>(octets: &[u8]) -> Result<String, DecodeError> {
    let mut value = T::default();
    uper::decode_into(&mut value, octets)?;
    Ok(value.to_jer())
}

fn encode_jer<T: Wire + Jer + Default>(text: &str, out: &mut [u8]) -> Result<usize, NotEncoded> {
    Ok(uper::encode_into(&T::from_jer(text)?, out)?)
}

fn fit<T: Wire + Default>(octets: &[u8]) -> Fit {
    let mut value = T::default();
    // With what newer senders add, which says nothing against an edition.
    let unknown = match uper::decode_keeping(&mut value, octets) {
        Ok(unknown) => unknown,
        Err(error) => return Fit::No(error),
    };
    let mut again = vec![0; octets.len()];
    match uper::encode_with(&value, &unknown, &mut again) {
        Ok(len) if again[..len] == *octets => Fit::Same,
        _ => Fit::Other,
    }
}
