//! Where orders are put down: a bounded queue, an answer for each, and what is counted of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::keys::checksum;
use crate::events::ask::whole::Unusable;
pub(crate) use crate::events::cloud::{Told, Whole};

/// Orders that wait.
const MOST_WAITING: usize = 128;
/// Longest that anybody waits for an answer; what was ordered may be done all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// An order, and the key under which it may be made again.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) what: What,
    pub(crate) key: Option<String>,
}

/// What is ordered.
#[derive(Debug)]
pub(crate) enum What {
    /// A person's event or sign.
    Add(Value),
    /// Other words for it.
    Change(u64, Value),
    /// It is over.
    End(u64),
    /// What stands?
    List,
    /// One of them.
    Show(u64),
    /// All that a platform's message, or a ready-made RSI, says; with its digits where it has a key.
    Many { told: Whole, digits: String },
    /// The site's file is another.
    Site { path: String, text: String },
}

impl What {
    /// Of the order as it was made.
    pub(super) fn sum(&self) -> u64 {
        match self {
            Self::Add(body) => checksum("add", &body.to_string()),
            Self::Change(number, body) => checksum(&format!("change {number}"), &body.to_string()),
            Self::End(number) => checksum("end", &number.to_string()),
            Self::Many { digits, .. } => checksum("rsi", digits),
            Self::List | Self::Show(_) | Self::Site { .. } => 0,
        }
    }
}

/// The answer, in the numbers of HTTP.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    /// Given before, under the same key.
    pub(crate) again: bool,
}

impl Answer {
    pub(crate) fn new(code: u16, body: Value) -> Self {
        Self {
            code,
            body,
            again: false,
        }
    }

    pub(crate) fn refusal(code: u16, error: &str) -> Self {
        Self::new(code, json!({ "error": error }))
    }

    /// That bytes are no order; `no_json` says what they should have been.
    pub(crate) fn unusable(why: &Unusable, no_json: &str) -> Self {
        match why {
            Unusable::NoJson(error) => Self::refusal(400, &format!("{no_json}: {error}")),
            Unusable::Twice(_) => Self::refusal(422, &why.to_string()),
        }
    }

    pub(super) fn again(mut self) -> Self {
        self.again = true;
        self
    }
}

/// An order on the desk.
#[derive(Debug)]
pub(crate) struct Filed {
    pub(crate) wish: Wish,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// What became of orders.
#[derive(Debug, Default)]
pub(crate) struct OrdersTally {
    pub(crate) done: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Turned away because too many waited.
    pub(crate) turned_away: AtomicU64,
    pub(crate) standing: AtomicU64,
    pub(crate) journal_failures: AtomicU64,
    pub(crate) journal_damaged: AtomicU64,
    pub(crate) journal_cut: AtomicU64,
}

impl OrdersTally {
    pub(crate) fn count(&self, code: u16) {
        let counter = if code < 300 {
            &self.done
        } else {
            &self.refused
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The near side of the desk.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    wishes: SyncSender<Filed>,
    pub(crate) tally: Arc<OrdersTally>,
}

impl Desk {
    pub(crate) fn new() -> (Self, Receiver<Filed>) {
        let (wishes, waiting) = sync_channel(MOST_WAITING);
        let desk = Self {
            wishes,
            tally: Arc::default(),
        };
        (desk, waiting)
    }

    /// Puts an order down; its answer comes from the clerk.
    pub(crate) fn file(&self, wish: Wish) -> Result<oneshot::Receiver<Answer>, Answer> {
        let (answer, answered) = oneshot::channel();
        match self.wishes.try_send(Filed { wish, answer }) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => {
                self.tally.turned_away.fetch_add(1, Ordering::Relaxed);
                let error = "too many orders wait; try again in a second";
                Err(Answer::refusal(503, error))
            }
            Err(TrySendError::Disconnected(_)) => Err(Answer::refusal(503, "the unit is ending")),
        }
    }

    /// Puts an order down and waits for the answer.
    pub(crate) async fn ask(&self, wish: Wish) -> Answer {
        match self.file(wish) {
            Err(answer) => answer,
            Ok(answered) => match timeout(PATIENCE, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Answer::refusal(503, "the unit is ending"),
                Err(_) => Answer::refusal(504, "no answer in time; ask again with the same key"),
            },
        }
    }
}
