//! An order as another: with its id, changed, or taken back; and what people are told of it.
//!
//! Not here: which orders there are, and who keeps them.

use std::io;

use serde_json::{Value, json};
use v2x_msg::base::{GeoPosition, MinuteOfYear};

use super::desk::Answer;
use super::journal::Live;
use super::written::{Content, NoOrder, Who, Written};
use crate::clock::Utc;
use crate::events::ask::Entry;
use crate::site::Site;

/// The order that ends what stands.
pub(super) fn over(live: &Live) -> Option<Written> {
    let (who, number) = (live.who()?, live.number);
    Some(if live.is_sign() {
        Written::Down { who, number }
    } else {
        Written::End { who, number }
    })
}

/// The same order, with the id that the heart has given, as a wish for the next start.
pub(super) fn with_id(order: &Written, id: u8, site: &Site) -> Written {
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
pub(super) fn order_of(
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
pub(super) fn is_other(key: &str, body: &Value, patch: &Value) -> bool {
    let usual = json!("event");
    let of = |value: Option<&Value>| match value {
        None | Some(Value::Null) if key == "kind" => usual.clone(),
        value => value.cloned().unwrap_or_default(),
    };
    let given = patch.get(key);
    given.is_some() && of(given) != of(body.get(key))
}

/// What is changed keeps its id and its beginning, and its end unless that is what changed.
pub(super) fn carry(order: &Written, before: &Live, renewed: bool, site: &Site) -> Written {
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
pub(super) fn about(live: &Live) -> Value {
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
pub(super) fn merge(target: &mut Value, patch: &Value) {
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

pub(super) fn unknown() -> Answer {
    Answer::refusal(404, "no such event or sign: it has ended, or never was")
}

pub(super) fn not_kept(error: &io::Error) -> String {
    format!("not kept on disk, and so not done: {error}")
}
