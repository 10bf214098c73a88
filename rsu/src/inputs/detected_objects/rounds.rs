//! Objects that come one a message, as CARMA's do, to rounds: each object once.
//!
//! A box tells of all that it sees and then begins anew. So the rounds have its pace, where the messages within
//! them come as fast as they are written, held up or not. Not here: the pace itself (`backlog`).

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::Mono;
use crate::inputs::backlog::Backlog;

/// The round in hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    told: ArrayVec<u16, MOST_TOLD>,
    last: Option<Mono>,
    held_up: bool,
}

impl Rounds {
    /// Takes the arrival of an object; whether its round may be one that a line held up.
    pub(super) fn holds(&mut self, arrived: Mono, id: Option<u16>, backlog: &mut Backlog) -> bool {
        let last = self.last.replace(arrived);
        let goes_on = last.is_some_and(|last| arrived.since(last) < PAUSE)
            && !self.told.is_full()
            && id.is_some_and(|id| !self.told.contains(&id));
        if !goes_on {
            self.told.clear();
            self.held_up = backlog.holds(arrived);
        }
        self.told.extend(id);
        self.held_up
    }
}

/// What lists more than this is told of in several rounds.
const MOST_TOLD: usize = 256;
/// No round takes longer between two of its messages.
const PAUSE: Duration = Duration::from_secs(1);
