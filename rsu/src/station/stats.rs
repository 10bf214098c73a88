//! What a station has done so far, for observers.

use crate::fusion;
use crate::report::Content;
use crate::requests;
use crate::services::event::Events;
use crate::services::{Event, FrameKind};
use crate::signals;

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Reports of objects.
    pub objects: u64,
    /// Reports of lamp states.
    pub lamps: u64,
    /// Reports of signal plans.
    pub plans: u64,
    /// Reports of control modes.
    pub modes: u64,
    /// Reports of the weather.
    pub weather: u64,
    /// Requests of vehicles, renewals among them.
    pub requests: u64,
    /// Frames of each kind that went out, in the order of [`FrameKind::ALL`].
    pub sent: [u64; FrameKind::ALL.len()],
    /// SPATs among them that a change of colour sent beside the grid.
    pub sent_at_change: u64,
    /// Slots of each kind that went by unused because the station was woken too late.
    pub missed: [u64; FrameKind::ALL.len()],
    /// Messages of each kind that were due and could not be composed.
    pub not_sent: [u64; FrameKind::ALL.len()],
    /// Messages of each kind that were due and withheld: nothing may be said, or no time claimed.
    pub withheld: [u64; FrameKind::ALL.len()],
    /// What was odd about the news of signal controllers.
    pub signals: signals::Oddities,
    /// What fusion took in, and what it refused or gave up.
    pub fusion: fusion::Counts,
    /// Road users in the newest picture that was fit to be sent.
    pub tracks: u64,
    /// Road users that pictures held and messages did not, slot by slot.
    pub tracks_left_out: u64,
    /// Events that gave way unread.
    pub events_lost: u64,
    /// Events on the road and signs that found no room in a slot's messages.
    pub road_events_left_out: u64,
    /// Events and signs that were turned away, or gave way to more urgent ones: no room, or too long.
    pub road_events_turned_away: u64,
    /// What people, platforms and a new file of the site have ordered, and what of it was refused.
    pub orders: u64,
    /// See `orders`.
    pub orders_refused: u64,
    /// Warnings that found no room, look by look.
    pub warnings_left_out: u64,
    /// What has become of requests.
    pub answers: requests::Counts,
}

impl Stats {
    pub(super) fn count_report(&mut self, content: &Content) {
        let counter = match content {
            Content::Objects(_) => &mut self.objects,
            Content::Lamps(_) => &mut self.lamps,
            Content::Plan(_) | Content::NextPlan(_) => &mut self.plans,
            Content::Mode(_) => &mut self.modes,
            Content::Weather(_) => &mut self.weather,
            Content::Request(_) => &mut self.requests,
            Content::Receiver(_) => return,
        };
        *counter += 1;
    }

    pub(super) fn count_missed(&mut self, kind: FrameKind, count: u64, events: &mut Events) {
        if count > 0 {
            self.missed[kind.index()] += count;
            events.raise(Event::SlotsMissed { kind, count });
        }
    }

    pub(super) fn withhold(&mut self, kind: FrameKind) {
        self.withheld[kind.index()] += 1;
    }

    /// Frames of one kind that went out.
    pub fn sent(&self, kind: FrameKind) -> u64 {
        self.sent[kind.index()]
    }
}
