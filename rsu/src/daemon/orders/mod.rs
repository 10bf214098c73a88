//! What people and platforms order: understood, told to the heart, kept on disk, and answered only
//! then.
//!
//! - `written`: orders as text
//! - `journal`: what is kept; `keys`: what was answered under which idempotency key
//! - `understand`: what an order comes to, or why it is refused; `change`: what stands as another order
//! - `desk`: what an order and an answer are, and the queue in which orders wait
//! - `control`: the socket of `rsu event`
//!
//! A clerk on a thread of its own takes what waits on the desk, up to [`BATCH`] at a time. What ends is
//! written down first and then told to the heart, what begins the other way round, since only the
//! heart knows its id; the disk is waited for at most twice a batch. An order that the disk refuses is
//! taken back and not acknowledged. So nothing that was acknowledged is lost, and nothing that was
//! acknowledged as over comes back. Orders go through the mailbox as reports do, with a place of their
//! own; the recording has them, so that a replay does.

mod change;
pub(crate) mod control;
mod desk;
mod journal;
mod keys;
#[cfg(test)]
mod tests;
mod understand;
pub(crate) mod written;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use v2x_msg::base::StationId;

use super::clock;
use super::mailbox::{Letter, Mailbox};
use super::stop::Stop;
use super::watchers::Watchers;
use crate::clock::Mono;
use crate::events::{Outcome, Refused};
use crate::site::Site;
use change::{about, not_kept, over, with_id};
use journal::{Journal, Line, Live};
use keys::Keys;
use understand::Busy;
use written::Written;

pub(crate) use desk::{Answer, Desk, Filed, What, Wish};
pub(crate) use journal::look as look_at_journal;
pub(crate) use keys::is_key;

/// Orders that are done together: for them the disk is waited for once.
const BATCH: usize = 32;
/// How often it looks up from its desk.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A journal that could not be opened is tried again so often.
const RETRY_EVERY: Duration = Duration::from_secs(5);

/// Keeps the books.
pub(crate) struct Clerk {
    pub(crate) site: Arc<Site>,
    /// The unit's own id on air.
    own: StationId,
    pub(crate) wishes: Receiver<Filed>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) watchers: Watchers,
    pub(crate) stop: Arc<Stop>,
    pub(crate) desk: Desk,
    /// None: nobody may order anything; the site's file may change all the same.
    path: Option<PathBuf>,
    journal: Option<Journal>,
    tried: Option<Mono>,
    live: BTreeMap<u64, Live>,
    next: u64,
    keys: Keys,
    /// Orders that went to the heart.
    sent: u64,
}

/// An order that is under way.
struct Deed {
    answer: oneshot::Sender<Answer>,
    key: Option<(String, u64)>,
    kind: Kind,
    ends: Vec<u64>,
    stands: Vec<Stand>,
    /// What was wrong with parts of it.
    faults: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Add,
    Change,
    End,
    Many,
}

/// Something that is to stand.
struct Stand {
    live: Live,
    /// As it stood before.
    before: Option<Live>,
    outcome: Option<Outcome>,
}

impl Clerk {
    pub(crate) fn new(
        (site, own, path): (Arc<Site>, StationId, Option<PathBuf>),
        (desk, wishes): (Desk, Receiver<Filed>),
        mailbox: Arc<Mailbox>,
        watchers: Watchers,
        stop: Arc<Stop>,
    ) -> Self {
        Self {
            site,
            own,
            wishes,
            mailbox,
            watchers,
            stop,
            desk,
            path,
            journal: None,
            tried: None,
            live: BTreeMap::new(),
            next: 1,
            keys: Keys::default(),
            sent: 0,
        }
    }

    /// Works until the wish to end.
    pub(crate) fn run(mut self) {
        self.mailbox.adopt_clerk();
        let mut waiting: Vec<Filed> = Vec::new();
        while !self.stop.is_raised() {
            self.open_journal();
            if waiting.is_empty() {
                match self.wishes.recv_timeout(LOOK_EVERY) {
                    Ok(filed) => waiting.push(filed),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            while waiting.len() < BATCH
                && let Ok(filed) = self.wishes.try_recv()
            {
                waiting.push(filed);
            }
            self.forget_what_is_over();
            waiting = self.serve(waiting);
        }
    }

    /// Opens the journal, and has the heart tell what it holds.
    fn open_journal(&mut self) {
        let Some(path) = &self.path else {
            return;
        };
        let now = clock::now();
        let lately = |tried: Mono| now.mono.since(tried) < RETRY_EVERY;
        if self.journal.is_some() || self.tried.is_some_and(lately) {
            return;
        }
        let first = self.tried.is_none();
        self.tried = Some(now.mono);
        let opened = Journal::open(path, now.utc.unix_ms());
        let path = path.display();
        let (journal, found) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.desk
                    .tally
                    .journal_failures
                    .fetch_add(1, Ordering::Relaxed);
                if first {
                    tracing::error!(
                        "orders: cannot open {path}: {error}; refusing all, trying again"
                    );
                }
                return;
            }
        };
        let tally = &self.desk.tally;
        tally
            .journal_cut
            .fetch_add(found.cut_bytes, Ordering::Relaxed);
        tally
            .journal_damaged
            .fetch_add(found.damaged, Ordering::Relaxed);
        if found.damaged > 0 || found.set_aside.is_some() {
            let damaged = found.damaged;
            let aside = match &found.set_aside {
                Some(aside) => aside.display().to_string(),
                None => "where it was".to_owned(),
            };
            tracing::error!(
                damaged,
                "orders: {path} was damaged, the file as it was is {aside}; look at \
                 `rsu event list` for what is missing or should have ended"
            );
        } else if found.cut_bytes > 0 {
            let bytes = found.cut_bytes;
            tracing::warn!(
                bytes,
                "orders: cut off a line of {path} that was never finished"
            );
        }
        self.journal = Some(journal);
        self.next = self.next.max(found.next);
        let restored = found.live.len();
        for (number, live) in found.live {
            if let Some((key, sum)) = live.key.clone() {
                self.keys.remember(key, sum, Answer::new(201, about(&live)));
            }
            self.live.insert(number, live);
        }
        let orders: Vec<Written> = self.live.values().map(|live| live.order.clone()).collect();
        let outcomes = self.tell(&orders);
        let numbers: Vec<u64> = self.live.keys().copied().collect();
        for (number, outcome) in numbers.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Stands(id) => {
                    if let Some(live) = self.live.get_mut(&number) {
                        live.id = id;
                    }
                }
                other => {
                    let why = match other {
                        Outcome::Refused(refused) => refused.to_string(),
                        _ => "it is over".to_owned(),
                    };
                    tracing::error!(number, "orders: kept, and not taken again: {why}");
                    self.live.remove(&number);
                }
            }
        }
        if restored > 0 {
            tracing::info!(restored, "orders: stand again");
        }
        self.show();
    }

    fn forget_what_is_over(&mut self) {
        let utc_ms = clock::now().utc.unix_ms();
        self.live.retain(|_, live| !live.is_over(utc_ms));
        self.show();
    }

    fn show(&self) {
        let count = self.live.len() as u64;
        self.desk.tally.standing.store(count, Ordering::Relaxed);
    }

    /// Does what can be done together; gives back what has to wait for that.
    fn serve(&mut self, waiting: Vec<Filed>) -> Vec<Filed> {
        let (mut deeds, mut later) = (Vec::new(), Vec::new());
        let mut busy = Busy::default();
        for filed in waiting {
            if !later.is_empty() || !busy.takes(&filed.wish) {
                later.push(filed);
                continue;
            }
            let Filed { wish, answer } = filed;
            match self.understand(wish, &busy) {
                Err(refusal) => self.reply(answer, refusal),
                Ok((kind, key, ends, stands, faults)) => {
                    busy.note(&stands);
                    deeds.push(Deed {
                        answer,
                        key,
                        kind,
                        ends,
                        stands,
                        faults,
                    });
                }
            }
        }
        self.end_all(&mut deeds);
        self.stand_all(&mut deeds);
        for deed in deeds {
            self.finish(deed);
        }
        let long = (self.journal.as_ref()).is_some_and(|journal| journal.is_long(self.live.len()));
        if long && let Some(journal) = &mut self.journal {
            // The old one goes on if this fails, and is tried again with the next batch.
            if let Err(error) = journal.rewrite(&self.live, self.next) {
                self.desk
                    .tally
                    .journal_failures
                    .fetch_add(1, Ordering::Relaxed);
                tracing::warn!("orders: cannot shorten the journal: {error}");
            }
        }
        self.show();
        later
    }

    /// What ends: on disk first.
    fn end_all(&mut self, deeds: &mut [Deed]) {
        let numbers: Vec<u64> = deeds.iter().flat_map(|deed| deed.ends.clone()).collect();
        if numbers.is_empty() {
            return;
        }
        let lines: Vec<Line> = numbers.iter().map(|number| Line::Ended(*number)).collect();
        if let Err(error) = self.keep(&lines) {
            for deed in deeds.iter_mut().filter(|deed| !deed.ends.is_empty()) {
                deed.ends.clear();
                deed.faults.push(not_kept(&error));
            }
            return;
        }
        let ended = numbers.iter().filter_map(|number| self.live.remove(number));
        let orders: Vec<Written> = ended.filter_map(|live| over(&live)).collect();
        self.tell(&orders);
    }

    /// What begins or changes: the heart first, which knows ids and room.
    fn stand_all(&mut self, deeds: &mut [Deed]) {
        let stands: Vec<&mut Stand> = deeds.iter_mut().flat_map(|deed| &mut deed.stands).collect();
        if stands.is_empty() {
            return;
        }
        let orders: Vec<Written> = stands
            .iter()
            .map(|stand| stand.live.order.clone())
            .collect();
        let outcomes = self.tell(&orders);
        let mut lines = Vec::new();
        for (stand, outcome) in stands.into_iter().zip(outcomes) {
            stand.outcome = Some(outcome);
            if let Outcome::Stands(id) = outcome {
                stand.live.id = id;
                stand.live.order = with_id(&stand.live.order, id, &self.site);
                lines.push(Line::Stands(Box::new(stand.live.clone())));
            }
        }
        if lines.is_empty() {
            return;
        }
        let kept = self.keep(&lines);
        let mut back = Vec::new();
        for deed in deeds.iter_mut() {
            for stand in &mut deed.stands {
                if !matches!(stand.outcome, Some(Outcome::Stands(_))) {
                    continue;
                }
                match &kept {
                    Ok(()) => {
                        self.live.insert(stand.live.number, stand.live.clone());
                    }
                    Err(error) => {
                        stand.outcome = None;
                        deed.faults.push(not_kept(error));
                        back.extend(match &stand.before {
                            Some(before) => Some(before.order.clone()),
                            None => over(&stand.live),
                        });
                    }
                }
            }
        }
        self.tell(&back);
    }

    fn finish(&mut self, deed: Deed) {
        let Deed {
            answer,
            key,
            kind,
            ends,
            stands,
            mut faults,
        } = deed;
        let mut told = Vec::new();
        let mut code = None;
        for stand in &stands {
            match stand.outcome {
                Some(Outcome::Stands(_)) => told.push(about(&stand.live)),
                Some(Outcome::Refused(reason)) => {
                    code = Some(match reason {
                        Refused::TooLong => 422,
                        Refused::Full | Refused::NoId => 503,
                    });
                    faults.push(reason.to_string());
                }
                Some(Outcome::Done | Outcome::Unknown) => {
                    code = Some(503);
                    faults.push("not done: the unit is ending".to_owned());
                }
                // Taken back, which has been told.
                None => code = Some(503),
            }
        }
        let failed = told.is_empty() && ends.is_empty() && !faults.is_empty();
        let reply = match kind {
            _ if failed && kind != Kind::Many => {
                Answer::new(code.unwrap_or(503), json!({ "error": faults.join("; ") }))
            }
            Kind::Add => Answer::new(201, told.pop().unwrap_or_default()),
            Kind::Change => Answer::new(200, told.pop().unwrap_or_default()),
            Kind::End => Answer::new(200, json!({ "number": ends.first(), "ended": true })),
            Kind::Many => {
                let fault = faults.is_empty();
                let code = match (fault, failed) {
                    (true, _) => 200,
                    (false, false) => 207,
                    (false, true) => code.unwrap_or(422),
                };
                let body = json!({ "standing": told, "ended": ends, "errors": faults });
                Answer::new(code, body)
            }
        };
        if let Some((key, sum)) = key
            && reply.code < 300
        {
            self.keys.remember(key, sum, reply.clone());
        }
        self.reply(answer, reply);
    }

    fn reply(&self, to: oneshot::Sender<Answer>, answer: Answer) {
        self.desk.tally.count(answer.code);
        // Who asked may be gone; what was done is done.
        let _ = to.send(answer);
    }

    fn keep(&mut self, lines: &[Line]) -> io::Result<()> {
        let Some(journal) = &mut self.journal else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let kept = journal.append(lines);
        if let Err(error) = &kept {
            self.desk
                .tally
                .journal_failures
                .fetch_add(1, Ordering::Relaxed);
            tracing::error!("orders: not kept: {error}");
        }
        kept
    }

    /// Hands orders to the heart and waits for what becomes of them, in their order.
    fn tell(&mut self, orders: &[Written]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(orders.len());
        for part in orders.chunks(super::mailbox::MOST_ORDERS) {
            let begin = self.sent;
            let mut letters = Vec::with_capacity(part.len());
            for written in part {
                let order = written.order(&self.site.frame);
                let Ok(order) = order.map_err(|error| tracing::error!("orders: damaged: {error}"))
                else {
                    letters.push(None);
                    continue;
                };
                let text = serde_json::to_vec(written).unwrap_or_default();
                // Before the heart has it: who plays this back finds it in time.
                self.watchers.ordered(self.sent, clock::now(), &text);
                letters.push(Some(self.sent));
                self.mailbox.order(Box::new(Letter {
                    number: self.sent,
                    order,
                    outcome: None,
                }));
                self.sent += 1;
            }
            let count = (self.sent - begin) as usize;
            let answers = self.mailbox.answers(count, &self.stop);
            outcomes.extend(letters.into_iter().map(|number| {
                let is_it = |(answered, _): &&(u64, _)| Some(*answered) == number;
                let answer = answers.iter().find(is_it);
                let outcome = answer.and_then(|(_, outcome)| *outcome);
                outcome.unwrap_or(Outcome::Unknown)
            }));
        }
        outcomes
    }
}

impl Stand {
    fn new(live: Live) -> Self {
        Self {
            live,
            before: None,
            outcome: None,
        }
    }
}
