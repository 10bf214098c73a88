//! A message on its way out: DSMP header and UPER payload in the buffer that is sent.
//!
//! The caller owns the buffer and uses it again; a message is encoded right behind its header, so
//! nothing is copied. Not here: sockets, and the security envelope.

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::access::{Aid, dsmp};

use crate::clock::{Mono, Now};

/// Longest frame: the longest DSMP header and the longest data.
pub const MAX_FRAME: usize = dsmp::MAX_HEADER + dsmp::MAX_DATA;

/// One frame to send, and what observers want to know of it.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: [u8; MAX_FRAME],
    len: usize,
    priority: u8,
    /// Reads the time for who wants to know how long encoding takes; nothing else depends on it.
    stopwatch: Option<fn() -> Mono>,
    encoding: Duration,
    /// What is in it.
    pub kind: FrameKind,
    /// When the newest input that it rests on arrived; None for what rests on the site alone.
    pub cause: Option<Now>,
    /// The slot of the grid that it was sent for; None for a SPAT that a change of colour sent.
    pub slot: Option<Mono>,
}

impl Frame {
    /// An empty buffer.
    pub fn new() -> Self {
        Self {
            bytes: [0; MAX_FRAME],
            len: 0,
            priority: FrameKind::Spat.priority(),
            stopwatch: None,
            encoding: Duration::ZERO,
            kind: FrameKind::Spat,
            cause: None,
            slot: None,
        }
    }

    /// The same, of which the encoding is timed by this clock.
    pub fn timed(stopwatch: fn() -> Mono) -> Self {
        Self {
            stopwatch: Some(stopwatch),
            ..Self::new()
        }
    }

    /// How long header and UPER of the newest content took; zero where nobody times it.
    pub fn encoding(&self) -> Duration {
        self.encoding
    }

    /// Header and payload, as they go to the radio; empty before the first use.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Length of the frame in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been composed yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Priority for the radio, 0..=255, 255 most urgent; as configured.
    pub fn priority(&self) -> u8 {
        self.priority
    }

    /// Gives it another priority than the standard's.
    pub(crate) fn set_priority(&mut self, priority: u8) {
        self.priority = priority;
    }

    /// Fills the frame with `message`. On failure the frame is empty.
    pub(crate) fn compose(&mut self, kind: FrameKind, message: &Message) -> Result<(), NotSent> {
        self.len = 0;
        self.kind = kind;
        self.priority = kind.priority();
        self.cause = None;
        self.slot = None;
        let began = self.stopwatch.map(|read| read());
        let mut frame =
            dsmp::Frame::begin(kind.aid(), &mut self.bytes).map_err(|_| NotSent::TooLong)?;
        let len = message
            .encode_into(frame.data())
            .map_err(|_| NotSent::NotEncoded)?;
        self.len = frame.finish(len).map_err(|_| NotSent::TooLong)?;
        if let (Some(began), Some(read)) = (began, self.stopwatch) {
            self.encoding = read().since(began);
        }
        Ok(())
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

/// The priority of each kind of frame for the radio, 0..=255, 255 most urgent; by default that of the
/// standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priorities([u8; FrameKind::ALL.len()]);

impl Priorities {
    /// Of one kind.
    pub fn of(&self, kind: FrameKind) -> u8 {
        self.0[kind.index()]
    }

    /// Sets that of one kind.
    pub fn set(&mut self, kind: FrameKind, priority: u8) {
        self.0[kind.index()] = priority;
    }
}

impl Default for Priorities {
    fn default() -> Self {
        Self(FrameKind::ALL.map(FrameKind::priority))
    }
}

/// Why a message that was due did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Its content breaks a rule of its kind; a fault of ours.
    #[error("the content breaks a rule of the message")]
    Refused,
    /// It has no encoding within 1400 bytes.
    #[error("the message cannot be encoded in 1400 bytes")]
    NotEncoded,
    /// It does not fit into a frame.
    #[error("the message does not fit into a frame")]
    TooLong,
}

/// What a frame carries, most urgent first: the order in which frames leave that are due together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameKind {
    /// Signal phases and timing.
    Spat,
    /// Road users.
    Rsm,
    /// Events that come and go in seconds.
    RsiDynamic,
    /// What vehicles that asked should do.
    Rsc,
    /// Who is seen where vehicles asked.
    Ssm,
    /// The road.
    Map,
    /// Events that stay for hours.
    RsiSemiStatic,
    /// Signs, and events that stay for months.
    RsiStatic,
}

impl FrameKind {
    /// All of them, most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Spat,
        Self::Rsm,
        Self::RsiDynamic,
        Self::Rsc,
        Self::Ssm,
        Self::Map,
        Self::RsiSemiStatic,
        Self::RsiStatic,
    ];

    /// Its place in [`FrameKind::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The application that it is addressed to.
    pub const fn aid(self) -> Aid {
        match self {
            Self::Spat => Aid::Spat,
            Self::Rsm => Aid::Rsm,
            Self::RsiDynamic => Aid::RsiDynamic,
            Self::Rsc => Aid::Rsc,
            Self::Ssm => Aid::Ssm,
            Self::Map => Aid::Map,
            Self::RsiSemiStatic => Aid::RsiSemiStatic,
            Self::RsiStatic => Aid::RsiStatic,
        }
    }

    /// Priority for the radio, 0..=255, 255 most urgent (T/CSAE 159-2020, Table 3, which says nothing of
    /// RSC and SSM).
    pub fn priority(self) -> u8 {
        self.aid().priority().unwrap_or(0)
    }

    /// How logs and metrics call it.
    pub const fn name(self) -> &'static str {
        self.aid().name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_priorities_of_the_standard() {
        let priorities = FrameKind::ALL.map(FrameKind::priority);
        assert_eq!(priorities, [176, 208, 112, 112, 80, 16, 80, 48]);
    }

    #[test]
    fn the_index_is_the_place() {
        for (place, kind) in FrameKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place);
        }
    }
}
