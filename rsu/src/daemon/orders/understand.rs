//! What an order comes to: what is to stand and what is to end, or why it is refused.
//!
//! Not here: doing it, and what is kept of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::change::{about, carry, is_other, merge, order_of, unknown};
use super::desk::{Answer, Told, What, Wish};
use super::journal::Live;
use super::keys::Known;
use super::written::{Who, Written};
use super::{Clerk, Kind, Stand};
use crate::clock::{Now, Utc};
use crate::daemon::clock;
use crate::events::ask;

/// Events, and signs, that stand by the word of people.
pub(super) const MOST_OPERATOR: usize = 64;
const MOST_OPERATOR_SIGNS: usize = 32;
/// Events, and signs, that stand by the word of platforms.
const MOST_CLOUD: usize = 32;

/// What an order comes to: its kind, its key, what ends, what is to stand, and what was wrong with parts
/// of it.
pub(super) type Work = (
    Kind,
    Option<(String, u64)>,
    Vec<u64>,
    Vec<Stand>,
    Vec<String>,
);

impl Clerk {
    /// What an order comes to, or why it cannot be.
    pub(super) fn understand(&mut self, wish: Wish, busy: &Busy) -> Result<Work, Answer> {
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
            What::Many { told, .. } if told.sender == Some(self.own) => {
                // It would stand beside what it repeats, and outlive it.
                Err(Answer::refusal(422, "this unit's own RSI has come back"))
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
}

/// What a batch touches already: a second order for the same waits for the next.
#[derive(Default)]
pub(super) struct Busy {
    numbers: BTreeSet<u64>,
    keys: BTreeSet<String>,
    platform: bool,
    added: usize,
}

impl Busy {
    pub(super) fn takes(&mut self, wish: &Wish) -> bool {
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

    pub(super) fn note(&mut self, stands: &[Stand]) {
        self.added += stands.iter().filter(|stand| stand.before.is_none()).count();
    }
}
