//! What people and platforms order: understood, told to the heart, kept on disk, and answered only
//! then.
//!
//! - `written`: orders as text
//! - `journal`: what is kept; `keys`: what was answered under which idempotency key
//! - `desk`: what an order and an answer are, and the queue in which orders wait
//! - `control`: the socket of `rsu event`
//!
//! A clerk on a thread of its own takes what waits on the desk, up to [`BATCH`] at a time. What ends is
//! written down first and then told to the heart, what begins the other way round, since only the
//! heart knows its id; the disk is waited for at most twice a batch. An order that the disk refuses is
//! taken back and not acknowledged. So nothing that was acknowledged is lost, and nothing that was
//! acknowledged as over comes back. Orders go through the mailbox as reports do, with a place of their
//! own; the recording has them, so that a replay does.

pub(crate) mod control;
mod desk;
mod journal;
mod keys;
#[cfg(test)]
mod tests;
pub(crate) mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use v2x_msg::base::{GeoPosition, MinuteOfYear};

use super::clock;
use super::mailbox::{Letter, Mailbox};
use super::stop::Stop;
use super::watchers::Watchers;
use crate::clock::{Mono, Now, Utc};
use crate::events::ask::{self, Entry};
use crate::events::{Outcome, Refused};
use crate::site::Site;
use journal::{Journal, Line, Live};
use keys::{Keys, Known};
use written::{Content, NoOrder, Who, Written};

pub(crate) use desk::{Answer, Desk, Filed, Told, What, Wish};
pub(crate) use keys::is_key;

/// Orders that are done together: for them the disk is waited for once.
const BATCH: usize = 32;
/// Events, and signs, that stand by the word of people.
const MOST_OPERATOR: usize = 64;
const MOST_OPERATOR_SIGNS: usize = 32;
/// Events, and signs, that stand by the word of platforms.
const MOST_CLOUD: usize = 32;
/// How often it looks up from its desk.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A journal that could not be opened is tried again so often.
const RETRY_EVERY: Duration = Duration::from_secs(5);

/// Keeps the books.
pub(crate) struct Clerk {
    pub(crate) site: Arc<Site>,
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
        (site, path): (Arc<Site>, Option<PathBuf>),
        (desk, wishes): (Desk, Receiver<Filed>),
        mailbox: Arc<Mailbox>,
        watchers: Watchers,
        stop: Arc<Stop>,
    ) -> Self {
        Self {
            site,
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
                    tracing::error!(number, "orders: kept, and not taken again: {other:?}");
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

    /// What an order comes to, or why it cannot be.
    fn understand(&mut self, wish: Wish, busy: &Busy) -> Result<Work, Answer> {
        let now = clock::now();
        if let What::Site { path, text } = wish.what {
            self.tell(&[Written::Site { path, text }]);
            return Err(Answer::new(200, json!({ "taken": true })));
        }
        match &wish.what {
            What::List => {
                let list: Vec<Value> = self.live.values().map(about).collect();
                return Err(Answer::new(200, json!({ "events": list })));
            }
            What::Show(number) => {
                let live = self.live.get(number).ok_or_else(unknown)?;
                return Err(Answer::new(200, about(live)));
            }
            _ => {}
        }
        if self.path.is_none() {
            let error = "nobody may order here: [orders] names no `journal`";
            return Err(Answer::refusal(403, error));
        }
        if self.journal.is_none() {
            let error = "the journal cannot be opened; see the log";
            return Err(Answer::refusal(503, error));
        }
        let key = wish.key.map(|key| (key, wish.what.sum()));
        if let Some((key, sum)) = &key {
            match self.keys.look(key, *sum) {
                Known::No => {}
                Known::Answered(answer) => return Err(answer.again()),
                Known::OtherOrder => {
                    let error = "this idempotency key was that of another order";
                    return Err(Answer::refusal(422, error));
                }
            }
        }
        match wish.what {
            What::Add(body) => {
                let number = self.number();
                let live = self.operator_live(number, body, now, key.clone())?;
                let (most, what) = if live.is_sign() {
                    (MOST_OPERATOR_SIGNS, "signs")
                } else {
                    (MOST_OPERATOR, "events")
                };
                if self.count(Who::Operator, live.is_sign()) + busy.added >= most {
                    let error = format!("{most} {what} stand already: end one first");
                    return Err(Answer::refusal(503, &error));
                }
                Ok((Kind::Add, key, vec![], vec![Stand::new(live)], vec![]))
            }
            What::Change(number, patch) => {
                let before = self.operators(number)?.clone();
                let mut body = before.asked.clone().unwrap_or_default();
                for key in ["kind", "type"] {
                    if is_other(key, &body, &patch) {
                        let error = format!("{key}: what is of another {key} is something else");
                        return Err(Answer::refusal(422, &error));
                    }
                }
                merge(&mut body, &patch);
                // A new end replaces the old one, however it was told.
                for (given, other) in [("until", "lasts_s"), ("lasts_s", "until")] {
                    if patch.get(given).is_some_and(|value| !value.is_null())
                        && patch.get(other).is_none()
                        && let Some(entries) = body.as_object_mut()
                    {
                        entries.remove(other);
                    }
                }
                let mut live = self.operator_live(number, body, now, before.key.clone())?;
                let renewed = patch.get("until").is_some() || patch.get("lasts_s").is_some();
                live.since_ms = before.since_ms;
                live.order = carry(&live.order, &before, renewed, &self.site);
                let stand = Stand {
                    before: Some(before),
                    ..Stand::new(live)
                };
                Ok((Kind::Change, key, vec![], vec![stand], vec![]))
            }
            What::End(number) => {
                self.live.get(&number).ok_or_else(unknown)?;
                Ok((Kind::End, key, vec![number], vec![], vec![]))
            }
            What::Many { told, .. } => {
                let (mut ends, mut stands, mut faults) = (vec![], vec![], told.faults);
                for entry in told.entries {
                    self.take_told(entry, now, busy, (&mut ends, &mut stands, &mut faults));
                }
                Ok((Kind::Many, key, ends, stands, faults))
            }
            What::List | What::Show(_) | What::Site { .. } => Err(unknown()),
        }
    }

    fn operator_live(
        &self,
        number: u64,
        body: Value,
        now: Now,
        key: Option<(String, u64)>,
    ) -> Result<Live, Answer> {
        let asked = ask::parse(&body, &self.site, now.utc)
            .map_err(|faults| Answer::refusal(422, &faults.join("; ")))?;
        let who = (Who::Operator, number);
        let order = order_of(who, asked.entry, now.utc, asked.until, self.site.origin)
            .map_err(|error| Answer::refusal(422, &error.to_string()))?;
        Ok(Live {
            number,
            id: 0,
            since_ms: now.utc.unix_ms(),
            name: None,
            asked: Some(body),
            key,
            order,
        })
    }

    /// One entry of a platform's message: it begins, goes on, or is over.
    fn take_told(
        &mut self,
        told: Told,
        now: Now,
        busy: &Busy,
        (ends, stands, faults): (&mut Vec<u64>, &mut Vec<Stand>, &mut Vec<String>),
    ) {
        let known = self
            .live
            .values()
            .find(|live| live.name.as_ref() == Some(&told.name));
        let known = known.cloned();
        let is_over = told.until.is_some_and(|until| until <= now.utc);
        let Some(entry) = told.entry.filter(|_| !is_over) else {
            match known {
                Some(live) => ends.push(live.number),
                None if is_over => faults.push(format!("{}: it is over already", told.name)),
                // To end what does not stand is to have it as it is wished.
                None => {}
            }
            return;
        };
        let number = known
            .as_ref()
            .map_or_else(|| self.number(), |live| live.number);
        let who = (Who::Cloud, number);
        let origin = self.site.origin;
        // One that is renewed goes on from its beginning.
        let since_ms = known
            .as_ref()
            .map_or(now.utc.unix_ms(), |live| live.since_ms);
        let since = Utc::from_unix_ms(since_ms).unwrap_or(now.utc);
        let order = match order_of(who, entry, since, told.until, origin) {
            Ok(order) => order,
            Err(error) => return faults.push(format!("{}: {error}", told.name)),
        };
        let live = Live {
            number,
            id: known.as_ref().map_or(0, |live| live.id),
            since_ms,
            name: Some(told.name),
            asked: None,
            key: None,
            order,
        };
        let same_kind = known
            .as_ref()
            .is_none_or(|known| known.is_sign() == live.is_sign());
        let here = stands.iter().filter(|stand| stand.before.is_none()).count();
        let standing = self.count(Who::Cloud, live.is_sign()) + busy.added + here;
        let name = live.name.as_deref().unwrap_or_default();
        if known.is_none() && standing >= MOST_CLOUD {
            return faults.push(format!("{name}: {MOST_CLOUD} stand already"));
        }
        if !same_kind || stands.iter().any(|stand| stand.live.name == live.name) {
            return faults.push(format!("{name}: is named twice, for different things"));
        }
        stands.push(Stand {
            before: known,
            ..Stand::new(live)
        });
    }

    /// What a person has ordered; others' cannot be changed by people, only ended.
    fn operators(&self, number: u64) -> Result<&Live, Answer> {
        let live = self.live.get(&number).ok_or_else(unknown)?;
        match live.who() {
            Some(Who::Operator) => Ok(live),
            _ => Err(Answer::refusal(
                409,
                "it stands by the word of a platform, which changes it",
            )),
        }
    }

    fn count(&self, who: Who, signs: bool) -> usize {
        let of = |live: &&Live| live.who() == Some(who) && live.is_sign() == signs;
        self.live.values().filter(of).count()
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
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

type Work = (
    Kind,
    Option<(String, u64)>,
    Vec<u64>,
    Vec<Stand>,
    Vec<String>,
);

impl Stand {
    fn new(live: Live) -> Self {
        Self {
            live,
            before: None,
            outcome: None,
        }
    }
}

/// What a batch touches already: a second order for the same waits for the next.
#[derive(Default)]
struct Busy {
    numbers: BTreeSet<u64>,
    keys: BTreeSet<String>,
    platform: bool,
    added: usize,
}

impl Busy {
    fn takes(&mut self, wish: &Wish) -> bool {
        let number = match &wish.what {
            What::Change(number, _) | What::End(number) => Some(*number),
            _ => None,
        };
        let platform = matches!(wish.what, What::Many { .. });
        let mixed =
            self.platform && (platform || number.is_some()) || platform && !self.numbers.is_empty();
        let known = number.is_some_and(|number| self.numbers.contains(&number))
            || wish.key.as_ref().is_some_and(|key| self.keys.contains(key));
        if mixed || known {
            return false;
        }
        self.numbers.extend(number);
        self.keys.extend(wish.key.clone());
        self.platform |= platform;
        true
    }

    fn note(&mut self, stands: &[Stand]) {
        self.added += stands.iter().filter(|stand| stand.before.is_none()).count();
    }
}

/// The order that ends what stands.
fn over(live: &Live) -> Option<Written> {
    let (who, number) = (live.who()?, live.number);
    Some(if live.is_sign() {
        Written::Down { who, number }
    } else {
        Written::End { who, number }
    })
}

/// The same order, with the id that the heart has given, as a wish for the next start.
fn with_id(order: &Written, id: u8, site: &Site) -> Written {
    let again = |content: &Content| {
        let who = (content.who, content.number);
        let until = content.until_ms.and_then(Utc::from_unix_ms);
        let mut new = match order {
            Written::Sign(_) => {
                let mut sign = content.sign().ok()?;
                sign.id = id;
                Content::of_sign(who, &sign, until, site.origin).ok()?
            }
            _ => {
                let mut event = content.event().ok()?;
                event.id = id;
                Content::of_event(who, &event, until, site.origin).ok()?
            }
        };
        new.keeps_id = true;
        Some(new)
    };
    match order {
        Written::Event(content) => again(content).map_or_else(|| order.clone(), Written::Event),
        Written::Sign(content) => again(content).map_or_else(|| order.clone(), Written::Sign),
        _ => order.clone(),
    }
}

/// What is ordered, as text; an event that does not say when it began does so at `since`.
fn order_of(
    who: (Who, u64),
    entry: Entry,
    since: Utc,
    until: Option<Utc>,
    origin: GeoPosition,
) -> Result<Written, NoOrder> {
    match entry {
        Entry::Event(mut event) => {
            let since = MinuteOfYear::of(since);
            event.validity.start.get_or_insert(since);
            Content::of_event(who, &event, until, origin).map(Written::Event)
        }
        Entry::Sign(sign) => Content::of_sign(who, &sign, until, origin).map(Written::Sign),
    }
}

/// Whether a patch gives `key` another value; what is left out of an order is an event.
fn is_other(key: &str, body: &Value, patch: &Value) -> bool {
    let usual = json!("event");
    let of = |value: Option<&Value>| match value {
        None | Some(Value::Null) if key == "kind" => usual.clone(),
        value => value.cloned().unwrap_or_default(),
    };
    let given = patch.get(key);
    given.is_some() && of(given) != of(body.get(key))
}

/// What is changed keeps its id and its beginning, and its end unless that is what changed.
fn carry(order: &Written, before: &Live, renewed: bool, site: &Site) -> Written {
    let changed = || {
        let until_of = |new: &Content, old: &Content| {
            let until_ms = if renewed { new.until_ms } else { old.until_ms };
            until_ms.and_then(Utc::from_unix_ms)
        };
        match (order, &before.order) {
            (Written::Event(new), Written::Event(old)) => {
                let (mut event, was) = (new.event().ok()?, old.event().ok()?);
                event.validity.start = was.validity.start;
                event.id = was.id;
                let who = (new.who, new.number);
                let mut content =
                    Content::of_event(who, &event, until_of(new, old), site.origin).ok()?;
                content.keeps_id = true;
                Some(Written::Event(content))
            }
            (Written::Sign(new), Written::Sign(old)) => {
                let mut sign = new.sign().ok()?;
                sign.id = old.sign().ok()?.id;
                let who = (new.who, new.number);
                let mut content =
                    Content::of_sign(who, &sign, until_of(new, old), site.origin).ok()?;
                content.keeps_id = true;
                Some(Written::Sign(content))
            }
            _ => None,
        }
    };
    changed().unwrap_or_else(|| order.clone())
}

/// What people are told of something that stands.
fn about(live: &Live) -> Value {
    let content = live.content();
    let who = live.who().map_or("", Who::name);
    let kind = match &live.order {
        Written::Sign(content) => content.sign().map(|sign| sign.sign_type),
        _ => content.map_or(Ok(0), |content| content.event().map(|e| e.event_type.0)),
    };
    let (sign, id) = (live.is_sign(), live.id);
    json!({
        "number": live.number,
        "by": who,
        "name": live.name,
        "kind": if sign { "sign" } else { "event" },
        "type": kind.ok(),
        "rte_id": (!sign).then_some(id),
        "rts_id": sign.then_some(id),
        "since_ms": live.since_ms,
        "until_ms": content.and_then(|content| content.until_ms),
        "asked": live.asked,
    })
}

/// RFC 7396: what is null goes, what is given replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn unknown() -> Answer {
    Answer::refusal(404, "no such event or sign: it has ended, or never was")
}

fn not_kept(error: &io::Error) -> String {
    format!("not kept on disk, and so not done: {error}")
}
