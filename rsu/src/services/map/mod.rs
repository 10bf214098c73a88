//! MAP: the road, once a second.
//!
//! Built once from the site; from message to message only `msgCnt` and the minute change
//! (T/CSAE 159-2020, 8.2). This junction comes with its in-links; its exits are in-links of the
//! neighbouring nodes.
//!
//! - `parts`: the site as one message, or as few as it takes
//! - `road`: a node of it, its links and lanes
//! - `lines`: lines with as many points as a message has room for
//! - [`findings`]: what MAP leaves out of a site, for whoever wrote it
//!
//! Not here: whether the road makes sense, which the site has checked.

pub mod findings;
mod lines;
mod parts;
mod road;
#[cfg(test)]
mod tests;

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::base::{MinuteOfYear, MsgCount, OutOfRange, WrongCount};
use v2x_msg::kinds::map::{Map, Refused};

pub use lines::{Cut, Limit};
pub use parts::LeftOut;

use super::event::Events;
use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::site::Site;

/// How MAP is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two MAPs, at most 1 s.
    pub period: Duration,
    /// Of the grid's slots behind the UTC second.
    pub offset: Duration,
    /// Whether the exits go along, as in-links of the neighbouring nodes.
    pub exits: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(1),
            offset: Duration::from_millis(30),
            exits: true,
        }
    }
}

/// When MAP is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    grid: Grid,
    msg_cnt: MsgCount,
    /// What is said, and the message that holds it: each its own, so that none allocates again.
    parts: Vec<(Map, Message)>,
    /// The slot in hand and its next part.
    ready: Option<(Mono, usize)>,
}

impl Service {
    /// Builds the messages; what does not fit is told in `events`.
    pub(crate) fn new(
        config: &Config,
        site: &Site,
        msg_cnt: MsgCount,
        events: &mut Events,
    ) -> Result<Self, Unbuildable> {
        let (parts, left_out) = parts::parts(config, site, msg_cnt)?;
        left_out.tell(site, events);
        Ok(Self {
            grid: Grid::new(config.period, config.offset),
            msg_cnt,
            parts: parts.into_iter().map(with_message).collect(),
            ready: None,
        })
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.grid.follow(now);
    }

    /// Finds out whether MAP is due; returns the slots that went by unused.
    pub(crate) fn turn(&mut self, now: Now) -> u64 {
        let Turn { slot, missed } = self.grid.turn(now, Duration::ZERO);
        if let Some(slot) = slot {
            self.ready = Some((slot, 0));
        }
        missed
    }

    /// When [`Service::turn`] is due next.
    pub(crate) fn due(&self) -> Mono {
        self.grid.due()
    }

    /// Whether a message waits to be composed.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Composes the next message of the slot in hand; with the minute if `dated`.
    pub(crate) fn compose(
        &mut self,
        now: Now,
        dated: bool,
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let (slot, place) = self.ready.take().ok_or(NotSent::Refused)?;
        if place + 1 < self.parts.len() {
            self.ready = Some((slot, place + 1));
        }
        let (map, message) = self.parts.get_mut(place).ok_or(NotSent::Refused)?;
        map.msg_cnt = self.msg_cnt;
        map.time_stamp = dated.then(|| MinuteOfYear::of(now.utc));
        map.fill(message);
        frame.compose(FrameKind::Map, message)?;
        frame.slot = Some(slot);
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }
}

/// A site that no MAP can be made of.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unbuildable {
    /// A rule of the message is broken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A point or a width that the message cannot hold.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A list with too few or too many entries.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// No link leads to the junction.
    #[error("no link leads to the junction")]
    NoLinks,
    /// None of the links to the junction fits into a message.
    #[error(
        "every link to the junction is too long for a message: tell fewer lanes of it, or less"
    )]
    TooLong,
}

/// The messages that tell a site, in the order in which they are sent, and what is left out of them.
/// They are as on the air but for their count, which is 0, and their minute, which is `minute`.
///
/// # Errors
/// The site cannot be told.
pub fn messages(
    config: &Config,
    site: &Site,
    minute: Option<MinuteOfYear>,
) -> Result<(Vec<Message>, LeftOut), Unbuildable> {
    let (parts, left_out) = parts::parts(config, site, MsgCount::from_random(0))?;
    let messages = parts.into_iter().map(|mut map| {
        map.time_stamp = minute;
        let mut message = Message::default();
        map.fill(&mut message);
        message
    });
    Ok((messages.collect(), left_out))
}

fn with_message(mut map: Map) -> (Map, Message) {
    map.time_stamp = MinuteOfYear::new(0).ok();
    let mut message = Message::default();
    map.fill(&mut message);
    (map, message)
}
