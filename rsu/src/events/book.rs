//! From claims to events: one entry a fact, however many tell of it.
//!
//! Raised: the first claim. Updated: a claim is made again, or another source makes one of the same
//! type close by; the best source's words are sent and every further one raises the confidence.
//! Cleared: the last claim has ended; the event is sent for a while longer with its end, so that
//! receivers drop it at once. Forgotten: its id rests. At capacity the least urgent gives way to a
//! more urgent one, and what is turned away is counted. Nothing here allocates after [`Book::new`].

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{Confidence, EnuFrame, GeoPosition, MinuteOfYear};
use v2x_msg::kinds::rsi::{self, EventType, RsiClass};

use super::claim::{self, Claim, Key, Origin, Until};
use super::ids::Ids;
use super::same;
use super::scale::Scale;
use crate::clock::{Mono, Now};

/// Most events at a time, of all classes.
pub const MAX_EVENTS: usize = 128;
/// Most claims at a time.
pub const MAX_CLAIMS: usize = 192;

/// How events live.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// For how long a cleared event is still sent, with its end.
    pub cleared_for: Duration,
    /// For how long an id is not used again.
    pub id_rest: Duration,
    /// Claims of one type by different origins that are not farther apart are one event.
    pub same_within_m: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cleared_for: Duration::from_secs(5),
            id_rest: Duration::from_secs(60),
            same_within_m: 30.0,
        }
    }
}

/// Why a claim was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many events as can be held, and none of them is less urgent.
    #[error("{MAX_EVENTS} events are held already and none is less urgent")]
    Full,
    /// It cannot be encoded, or alone it is too long for a message.
    #[error("the event does not fit into a message of 1400 bytes")]
    TooLong,
    /// Every id is in use or rests.
    #[error("every event id is in use or rests")]
    NoId,
}

/// Where an event is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It goes on.
    Holds,
    /// It has ended, and is still sent with its end.
    Cleared,
}

/// The beginning or the end of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub id: u8,
    /// What it is.
    pub event_type: EventType,
    /// Raised, for the first time or again, or cleared.
    pub stage: Stage,
}

/// An event as observers see it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What is sent.
    pub event: &'a rsi::Event,
    /// Where it is in its life.
    pub stage: Stage,
    /// Who is believed.
    pub origin: Origin,
    /// How many tell of it.
    pub claims: usize,
    /// Since when it is known.
    pub raised_at: Mono,
}

/// All events.
#[derive(Debug)]
pub struct Book {
    config: Config,
    ids: Ids,
    scale: Scale,
    frame: EnuFrame,
    entries: Vec<Entry>,
    claims: Vec<Held>,
    /// Counts what was turned away or gave way.
    left_out: u64,
    /// Not yet polled; when it is full the oldest gives way.
    changes: ArrayVec<Change, 32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u8,
    raised: Now,
    cleared_at: Option<Mono>,
}

/// A claim, and the event that it belongs to.
#[derive(Clone, Debug)]
struct Held {
    id: u8,
    ended: bool,
    /// As the source says; that in `claim` is what is sent, with what the others add.
    own_confidence: Option<Confidence>,
    claim: Claim,
}

impl Held {
    fn new(id: u8, claim: &Claim) -> Self {
        Self {
            id,
            ended: false,
            own_confidence: claim.event.confidence,
            claim: claim.clone(),
        }
    }
}

impl Book {
    /// An empty book. Positions go on air counted from `ref_pos`.
    pub fn new(config: Config, ref_pos: GeoPosition) -> Self {
        Self {
            scale: Scale::new(ref_pos),
            frame: EnuFrame::new(ref_pos),
            ids: Ids::new(config.id_rest),
            config,
            entries: Vec::with_capacity(MAX_EVENTS),
            claims: Vec::with_capacity(MAX_CLAIMS),
            left_out: 0,
            changes: ArrayVec::new(),
        }
    }

    /// Keeps the ids of the site's file for its own events.
    pub fn reserve(&mut self, ids: impl Iterator<Item = u8>) {
        self.ids.reserve(ids);
    }

    /// Takes a claim, new or made again; gives the event's id.
    ///
    /// # Errors
    /// See [`Refused`]; counted in [`Book::left_out`].
    pub fn handle_claim(&mut self, now: Now, claim: &Claim) -> Result<u8, Refused> {
        let taken = self.take(now, claim);
        self.left_out += u64::from(taken.is_err());
        taken
    }

    fn take(&mut self, now: Now, claim: &Claim) -> Result<u8, Refused> {
        if !self.scale.fits_event(&claim.event) {
            return Err(Refused::TooLong);
        }
        let known = self
            .claims
            .iter()
            .position(|held| held.claim.key == claim.key);
        if let Some(known) = known {
            if self.claims[known].claim.event.event_type == claim.event.event_type {
                let id = self.claims[known].id;
                self.claims[known] = Held::new(id, claim);
                self.settle(now, id);
                return Ok(id);
            }
            // The source has given its number to something else.
            self.end_at(now, known);
        }
        let id = match self.same_event(claim) {
            Some(id) => id,
            None => self.open(now, claim)?,
        };
        if self.claims.len() == MAX_CLAIMS && !self.drop_an_ended_claim() {
            self.forget_if_unclaimed(now, id);
            return Err(Refused::Full);
        }
        self.claims.push(Held::new(id, claim));
        self.settle(now, id);
        Ok(id)
    }

    /// A source withdraws a claim; false if there is none.
    pub fn handle_end(&mut self, now: Now, key: Key) -> bool {
        let held = |held: &Held| held.claim.key == key && !held.ended;
        let Some(place) = self.claims.iter().position(held) else {
            return false;
        };
        self.end_at(now, place);
        true
    }

    /// Ends what is over and forgets what has been sent with its end for long enough.
    pub fn follow(&mut self, now: Now) {
        for place in 0..self.claims.len() {
            let held = &self.claims[place];
            if held.claim.until.is_over(now) && !held.ended {
                self.end_at(now, place);
            }
        }
        while let Some(place) = self.entries.iter().position(|entry| {
            entry
                .cleared_at
                .is_some_and(|cleared| now.mono.since(cleared) >= self.config.cleared_for)
        }) {
            self.forget(now, place);
        }
    }

    /// Whether anything of a class is sent.
    pub fn speaks_of(&self, class: RsiClass) -> bool {
        self.best_claims().any(|(_, held)| class_of(held) == class)
    }

    /// What is sent of a class, most urgent first: by level, then confidence, then id.
    pub fn sent(&self, class: RsiClass) -> ArrayVec<&rsi::Event, MAX_EVENTS> {
        let mut sent: ArrayVec<&rsi::Event, MAX_EVENTS> = self
            .best_claims()
            .filter(|(_, held)| class_of(held) == class)
            .map(|(_, held)| &held.claim.event)
            .collect();
        sent.sort_unstable_by_key(|event| (std::cmp::Reverse(urgency(event)), event.id));
        sent
    }

    /// Every event, in the order in which they were raised.
    pub fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        self.best_claims().map(|(entry, held)| Shown {
            event: &held.claim.event,
            stage: match entry.cleared_at {
                None => Stage::Holds,
                Some(_) => Stage::Cleared,
            },
            origin: held.claim.key.origin,
            claims: self
                .claims
                .iter()
                .filter(|other| other.id == entry.id && !other.ended)
                .count(),
            raised_at: entry.raised.mono,
        })
    }

    /// Claims that were turned away, and events that gave way, at capacity.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The next beginning or end of an event; a source may raise many, so poll after each change.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_at(0)
    }

    /// The event that another origin tells of already; of several the nearest.
    fn same_event(&self, claim: &Claim) -> Option<u8> {
        let within_m = self.config.same_within_m;
        let away_m = |held: &Held| same::apart_m(&self.frame, &held.claim, claim, within_m);
        let told_by_it = |id: u8| {
            self.claims.iter().any(|held| {
                held.id == id && !held.ended && held.claim.key.origin == claim.key.origin
            })
        };
        let others = self
            .claims
            .iter()
            .filter(|held| !held.ended && held.claim.event.event_type == claim.event.event_type)
            .filter(|held| !told_by_it(held.id));
        let near = others.filter_map(|held| Some((away_m(held)?, held.id)));
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
    }

    fn open(&mut self, now: Now, claim: &Claim) -> Result<u8, Refused> {
        let wanted = claim.keeps_id.then_some(claim.event.id);
        let own = claim.key.origin == Origin::Site;
        let id = self.ids.take(now.mono, wanted, own).ok_or(Refused::NoId)?;
        if self.entries.len() == MAX_EVENTS && !self.make_room(now, claim) {
            self.ids.put_back(id);
            return Err(Refused::Full);
        }
        self.entries.push(Entry {
            id,
            raised: now,
            cleared_at: None,
        });
        self.note(id, claim.event.event_type, Stage::Holds);
        Ok(id)
    }

    /// A cleared event gives way, otherwise the least urgent if `wanted` is more urgent or has been
    /// promised to somebody; what has been promised never does.
    fn make_room(&mut self, now: Now, wanted: &Claim) -> bool {
        let rank = |entry: &Entry| {
            let best = self.best_claim(entry.id);
            let kept = best.is_some_and(|held| held.claim.key.origin.is_kept());
            let holds = entry.cleared_at.is_none();
            let urgent = best.map(|held| urgency(&held.claim.event));
            (holds && kept, holds, urgent)
        };
        let least = (0..self.entries.len()).min_by_key(|place| rank(&self.entries[*place]));
        let Some(least) = least else {
            return false;
        };
        let (kept, holds, urgent) = rank(&self.entries[least]);
        let stronger = wanted.key.origin.is_kept() || urgent < Some(urgency(&wanted.event));
        if kept || holds && !stronger {
            return false;
        }
        self.left_out += u64::from(holds);
        self.forget(now, least);
        true
    }

    fn end_at(&mut self, now: Now, place: usize) {
        self.claims[place].ended = true;
        let id = self.claims[place].id;
        self.settle(now, id);
    }

    /// After a claim of an event has come or gone: who is believed, how sure, and since when it is
    /// over.
    fn settle(&mut self, now: Now, id: u8) {
        let holds = self.claims.iter().any(|held| held.id == id && !held.ended);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) else {
            return;
        };
        let turned = holds == entry.cleared_at.is_some();
        entry.cleared_at = (!holds).then(|| entry.cleared_at.unwrap_or(now.mono));
        let raised = entry.raised;
        let confidence = self.confidence(id);
        let minute = MinuteOfYear::of;
        let Some(best) = self.best_place(id) else {
            return;
        };
        let own = self.claims[best].own_confidence;
        let claim = &mut self.claims[best].claim;
        claim.event.id = id;
        claim.event.confidence = confidence.or(own);
        let validity = &mut claim.event.validity;
        if claim.key.origin != Origin::Site {
            validity.start = validity.start.or(Some(minute(raised.utc)));
            validity.end = match claim.until {
                Until::Utc(until) => claim::end_minute(until, now.utc),
                Until::Mono(_) | Until::Withdrawn => None,
            };
        }
        if turned {
            let event_type = claim.event.event_type;
            let stage = if holds { Stage::Holds } else { Stage::Cleared };
            self.note(id, event_type, stage);
        }
        let validity = &mut self.claims[best].claim.event.validity;
        if !holds && validity.end.is_none_or(|end| now.utc < end.near(now.utc)) {
            validity.end = Some(minute(now.utc));
        }
    }

    fn note(&mut self, id: u8, event_type: EventType, stage: Stage) {
        if self.changes.is_full() {
            self.changes.remove(0);
        }
        self.changes.push(Change {
            id,
            event_type,
            stage,
        });
    }

    /// That at least one of the claims is right, if they are wrong independently of each other; of one
    /// that says nothing of it nothing is known. None where fewer than two hold, or none says it.
    fn confidence(&self, id: u8) -> Option<Confidence> {
        let holds = |held: &&Held| held.id == id && !held.ended;
        if self.claims.iter().filter(holds).count() < 2 {
            return None;
        }
        let claims = self.claims.iter().filter(holds);
        let told = claims.filter_map(|held| held.own_confidence);
        let wrong = told
            .map(|confidence| 1.0 - confidence.percent() / 100.0)
            .reduce(|one, other| one * other)?;
        Confidence::from_percent((1.0 - wrong) * 100.0).ok()
    }

    fn best_claims(&self) -> impl Iterator<Item = (&Entry, &Held)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry, self.best_claim(entry.id)?)))
    }

    fn best_claim(&self, id: u8) -> Option<&Held> {
        self.best_place(id).map(|place| &self.claims[place])
    }

    /// Of an event's claims the one that is believed: one that holds, of the best origin.
    fn best_place(&self, id: u8) -> Option<usize> {
        let own = (0..self.claims.len()).filter(|place| self.claims[*place].id == id);
        own.max_by_key(|place| {
            let held = &self.claims[*place];
            (!held.ended, held.claim.key.origin)
        })
    }

    /// An ended claim beside a better one of its event is of no more use.
    fn drop_an_ended_claim(&mut self) -> bool {
        let spare = (0..self.claims.len()).find(|place| {
            self.claims[*place].ended && self.best_place(self.claims[*place].id) != Some(*place)
        });
        spare.map(|place| self.claims.swap_remove(place)).is_some()
    }

    fn forget_if_unclaimed(&mut self, now: Now, id: u8) {
        if self.best_place(id).is_none()
            && let Some(place) = self.entries.iter().position(|entry| entry.id == id)
        {
            self.forget(now, place);
        }
    }

    fn forget(&mut self, now: Now, place: usize) {
        let id = self.entries.remove(place).id;
        self.claims.retain(|held| held.id != id);
        self.ids.give_back(now.mono, id);
    }
}

fn class_of(held: &Held) -> RsiClass {
    held.claim.event.event_type.class()
}

/// Level first, then how sure it is.
fn urgency(event: &rsi::Event) -> (u8, u16) {
    let level = event.level.map_or(0, rsi::Level::value);
    let sure = event.confidence.map_or(0, Confidence::steps);
    (level, sure.into())
}

#[cfg(test)]
mod tests;
