//! Why a value cannot be encoded, or a frame not decoded. Small, `Copy`, without text of its own:
//! a stranger on the radio can cause these at any rate.

use thiserror::Error;

use super::Path;

/// Bytes that are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at bit {at_bit}{}", In(.path))]
pub struct DecodeError {
    /// Where the field begins that could not be understood; counted from the frame's first bit.
    pub at_bit: usize,
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where in the message; empty where the whole is meant.
    pub path: Path,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum DecodeErrorKind {
    /// The frame is shorter than what it announces.
    #[error("the frame ends early")]
    EndOfFrame,
    /// A number, an index or a count outside the bounds of its type.
    #[error("value out of range")]
    OutOfRange,
    /// An enumeral that this edition does not know.
    #[error("unknown enumeral")]
    UnknownEnumeral,
    /// An alternative of a CHOICE that this edition does not know.
    #[error("unknown alternative")]
    UnknownAlternative,
    /// A message of a later edition, by its number.
    #[error("unknown message")]
    UnknownMessage,
    /// A length of 16,384 or more.
    #[error("length over 16,383")]
    TooLong,
    /// A few bits that ask for far more memory than any honest frame of that length.
    #[error("asks for too much memory")]
    TooCostly,
    /// A message of an older edition that has more of something than ours can hold.
    #[error("more than this edition can hold")]
    NotInEdition,
    /// A whole message, and then more.
    #[error("octets after the message")]
    TrailingOctets,
    /// Octets that are left over in an open type, behind what they should hold.
    #[error("octets left over")]
    LeftOver,
    /// Bits that only fill up the last octet, and are set.
    #[error("padding bits that are not zero")]
    Padding,
    /// A length, a number or a mark that takes more bits than it needs.
    #[error("not the shortest encoding")]
    NotShortest,
}

/// A value that has no encoding, or not in the room given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind}{}", In(.path))]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// Where in the message; empty where the whole is meant.
    pub path: Path,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum EncodeErrorKind {
    /// The buffer ends before the message does.
    #[error("no room for the message")]
    NoRoom,
    /// A number outside the bounds of its type, or bits set beyond its size.
    #[error("value out of range")]
    OutOfRange,
    /// Fewer elements than the type asks for.
    #[error("too few elements")]
    TooFew,
    /// A message that the other edition lacks, or that has more of something than it can hold.
    #[error("not in that edition")]
    NotInEdition,
    /// Something that needs a length of 16,384 octets or more.
    #[error("length over 16,383")]
    TooLong,
}

/// ` in spatFrame.moy`, or nothing.
struct In<'a>(&'a Path);

impl std::fmt::Display for In<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, " in {}", self.0)
        }
    }
}
