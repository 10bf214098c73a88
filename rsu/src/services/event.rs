//! What the station tells its operator, and a bounded queue for it.
//!
//! An event is raised when something begins or ends, never once a message. Not here: logging.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{NodeId, PhaseId};

use super::frame::{FrameKind, NotSent};
use crate::events::Change;
use crate::warnings;

/// Something that an operator wants to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// SPAT is no longer sent: nothing may be said about the signals.
    SpatStopped,
    /// SPAT is sent, for the first time or again.
    SpatStarted,
    /// Phases that must not be green together are, by the controller's own word. Until that ends,
    /// SPAT tells no light.
    ConflictingGreens {
        /// One of the two.
        first: PhaseId,
        /// The other.
        second: PhaseId,
    },
    /// A controller speaks and does not mention this phase: no light of it is told.
    PhaseNotMentioned {
        /// The phase.
        phase: PhaseId,
    },
    /// RSM is no longer sent: no sensor has reported for longer than the configured age.
    RsmStopped,
    /// RSM is sent, for the first time or again.
    RsmStarted,
    /// The clock's error is unknown or over its limit: nothing is sent that claims a time.
    ClockUnfit {
        /// Its error, where it is known.
        error: Option<Duration>,
    },
    /// The clock is good enough again.
    ClockFit,
    /// Messages that were due did not go out in time.
    SlotsMissed {
        /// Of which kind.
        kind: FrameKind,
        /// How many.
        count: u64,
    },
    /// A message that was due could not be sent. Raised once until one of its kind goes out.
    NotSent {
        /// Of which kind.
        kind: FrameKind,
        /// Why.
        reason: NotSent,
    },
    /// MAP tells its lines with fewer points than usual: it would be too long.
    MapCoarser {
        /// What is left out lies within this of what is told.
        tolerance_m: f64,
    },
    /// MAP is too long for one message and goes out in parts, one after the other.
    MapInParts {
        /// How many.
        parts: usize,
    },
    /// An in-link was left out of MAP: alone it is too long for a message.
    LinkTooLong {
        /// Its place among the junction's in-links, from 0.
        link: usize,
    },
    /// A road away from the junction was left out of MAP: alone it is too long for a message.
    ExitTooLong {
        /// Where it leads.
        to: NodeId,
    },
    /// MAP tells a link only in part, from the junction: it has too many bends, or the message too
    /// little room.
    MapLinkCut {
        /// Where it comes from.
        upstream: NodeId,
        /// Where it leads.
        downstream: NodeId,
        /// How much of the lane that is told shortest.
        told_m: f64,
        /// How long that lane is.
        long_m: f64,
    },
    /// Something begins to happen on the road, or ends; until then it is told in RSI.
    OnTheRoad(Change),
    /// Somebody is about to meet somebody else, or to pass a red light; or is not any more.
    Warning(warnings::Change),
    /// A sign or an event of the site was left out of RSI: it breaks a rule or is too long.
    NotAnnounced {
        /// Whether it is an event; otherwise a sign.
        event: bool,
        /// Its place in the site's list, from 0.
        index: usize,
    },
}

/// Events waiting to be read. When it is full the oldest gives way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    waiting: ArrayVec<Event, { Events::MOST }>,
    lost: u64,
}

impl Events {
    const MOST: usize = 64;

    pub(crate) fn raise(&mut self, event: Event) {
        if self.waiting.is_full() {
            self.waiting.remove(0);
            self.lost += 1;
        }
        self.waiting.push(event);
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.waiting.pop_at(0)
    }

    /// How many gave way unread.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_in_order_and_the_oldest_give_way() {
        let mut events = Events::default();
        for count in 0..70 {
            events.raise(Event::SlotsMissed {
                kind: FrameKind::Map,
                count,
            });
        }
        assert_eq!(events.lost(), 6);
        let first = events.poll();
        assert_eq!(
            first,
            Some(Event::SlotsMissed {
                kind: FrameKind::Map,
                count: 6
            })
        );
        assert_eq!(std::iter::from_fn(|| events.poll()).count(), 63);
    }
}
