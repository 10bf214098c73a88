//! What a person writes to say that something happens on the road, or to put up a sign: JSON to an event
//! or a sign, every fault told.
//!
//! `docs/events.schema.json` describes it; [`whole`] reads the bytes, `object` the value key by key, `place` its
//! places. Not here: who may write, and what is kept of it.

mod object;
mod place;
pub mod whole;

use serde_json::Value;
use v2x_msg::base::{Civil, Confidence, Radius, Utc};
use v2x_msg::kinds::rsi::{
    Description, Event, EventSource, EventType, Level, Place, Sign, SignText,
};

use self::object::Object;
pub(super) use self::place::is_near;
use self::place::read_place;
use crate::site::{Site, words};

/// Longest that an event may be ordered for at once: beyond a year a minute of the year is no date.
pub const LONGEST_S: u64 = 366 * 86_400;

/// What was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// With no id and no times.
    pub entry: Entry,
    /// When it ends of itself.
    pub until: Option<Utc>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An event.
    Event(Box<Event>),
    /// A sign.
    Sign(Box<Sign>),
}

/// Reads the JSON of one event or sign.
///
/// # Errors
/// Everything that is wrong with it, each as `key: reason`.
pub fn parse(value: &Value, site: &Site, now: Utc) -> Result<Asked, Vec<String>> {
    let mut faults = Vec::new();
    let asked = read(value, site, now, &mut faults);
    match asked {
        Some(asked) if faults.is_empty() => Ok(asked),
        _ => Err(faults),
    }
}

fn read(value: &Value, site: &Site, now: Utc, faults: &mut Vec<String>) -> Option<Asked> {
    let mut root = Object::new("", value, faults)?;
    let is_sign = match root.text("kind", faults) {
        None | Some("event") => false,
        Some("sign") => true,
        Some(_) => {
            faults.push("kind: must be event or sign".to_owned());
            return None;
        }
    };
    let kind = root.whole("type", i64::from(!is_sign), 65_535, faults);
    if kind.is_none() && !root.has("type") {
        faults.push("type: is missing".to_owned());
    }
    let level = root.whole("level", 0, 7, faults);
    let level = level.and_then(|level| Level::new(u8::try_from(level).ok()?).ok());
    let said = read_words(&mut root, is_sign, faults);
    let (pos, paths, links) = read_place(&mut root, site, faults);
    let until = until(&mut root, now, faults);
    root.finish(faults);
    let no_place = paths.is_empty() && links.is_empty();
    if no_place && (is_sign || pos.is_none()) && faults.is_empty() {
        let missing = if is_sign {
            "on: is missing: give `on`, `path` or `links`"
        } else {
            "position: is missing: give `position`, `on`, `path` or `links`"
        };
        faults.push(missing.to_owned());
    }
    let place = (!no_place).then(|| Place::new(paths, links));
    let place = place.and_then(|place| {
        place
            .map_err(|fault| faults.push(format!("path, links: {fault}")))
            .ok()
    });
    let kind = u16::try_from(kind?).ok()?;
    let entry = match said? {
        Words::Sign(text) => {
            let mut sign = Sign::new(0, kind, text, place?);
            sign.pos = pos;
            sign.level = level;
            Entry::Sign(Box::new(sign))
        }
        Words::Event {
            source,
            description,
            confidence,
            radius,
        } => {
            let mut event = Event::new(0, EventType(kind), source);
            event.description = description;
            event.level = level;
            event.confidence = confidence;
            event.radius = radius;
            event.pos = pos;
            event.place = place;
            Entry::Event(Box::new(event))
        }
    };
    Some(Asked { entry, until })
}

/// What only events say, or only signs.
enum Words {
    Event {
        source: EventSource,
        description: Option<Description>,
        confidence: Option<Confidence>,
        radius: Option<Radius>,
    },
    Sign(SignText),
}

fn read_words(root: &mut Object<'_>, is_sign: bool, faults: &mut Vec<String>) -> Option<Words> {
    let (others, whose) = if is_sign {
        (&OF_EVENTS[..], "is for events")
    } else {
        (&OF_SIGNS[..], "is for signs")
    };
    for key in others {
        if root.take(key).is_some() {
            faults.push(format!("{key}: {whose}"));
        }
    }
    if is_sign {
        let code = root.text("code", faults);
        if code.is_none() && !root.has("code") {
            faults.push("code: is missing: the 16 characters by GB/T 30699 of the sign".to_owned());
        }
        let text = root.text("text", faults).unwrap_or_default();
        let text = words::sign_text(code?, text);
        return text
            .map_err(|fault| faults.push(format!("code, text: {fault}")))
            .map(Words::Sign)
            .ok();
    }
    let source = root.text("source", faults).and_then(|word| {
        let known = SOURCES.iter().find(|(name, _)| *name == word);
        if known.is_none() {
            let names = SOURCES.map(|(name, _)| name).join(", ");
            faults.push(format!("source: must be one of {names}"));
        }
        known.map(|(_, source)| *source)
    });
    let description = root.text("description", faults).and_then(|text| {
        let words = words::description(text);
        words
            .map_err(|fault| faults.push(format!("description: {fault}")))
            .ok()
    });
    let confidence = root.number("confidence_percent", 0.0, 100.0, faults);
    let radius = root.number("radius_m", 0.0, 6553.5, faults);
    Some(Words::Event {
        source: source.unwrap_or(EventSource::Government),
        description,
        confidence: confidence.and_then(|sure| Confidence::from_percent(sure).ok()),
        radius: radius.and_then(|radius| Radius::from_m(radius).ok()),
    })
}

/// Keys that only an event has, and those that only a sign has.
const OF_EVENTS: [&str; 4] = ["source", "description", "confidence_percent", "radius_m"];
const OF_SIGNS: [&str; 2] = ["code", "text"];

/// `until`, a moment, or `lasts_s`, a span from now.
fn until(root: &mut Object<'_>, now: Utc, faults: &mut Vec<String>) -> Option<Utc> {
    let moment = root.text("until", faults).and_then(|text| {
        let moment = rfc3339(text);
        if moment.is_none() {
            let form = "must be a moment such as 2026-12-31T20:00:00+08:00";
            faults.push(format!("until: {form}"));
        }
        moment
    });
    let lasts_s = root.whole("lasts_s", 1, LONGEST_S as i64, faults);
    if moment.is_some() && lasts_s.is_some() {
        faults.push("lasts_s: has company: give `until` or `lasts_s`, not both".to_owned());
    }
    if let Some(moment) = moment {
        let ahead_s = moment.ns_since(now) / 1_000_000_000;
        if moment <= now {
            faults.push("until: is in the past".to_owned());
        } else if ahead_s > LONGEST_S as i64 {
            faults.push("until: is more than a year away".to_owned());
        }
    }
    let span = lasts_s.and_then(|s| now.unix_ms().checked_add(s.checked_mul(1000)?));
    moment.or(span.and_then(Utc::from_unix_ms))
}

/// A moment as RFC 3339 writes it, with its offset from UTC.
pub fn rfc3339(text: &str) -> Option<Utc> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 20 || bytes.len() > 40 {
        return None;
    }
    let number = |from: usize, digits: usize| {
        let part = text.get(from..from + digits)?;
        let well = part.bytes().all(|b| b.is_ascii_digit());
        well.then(|| part.parse::<u32>().ok()).flatten()
    };
    let signs = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let well = signs.iter().all(|(at, sign)| bytes[*at] == *sign);
    if !well || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let mut rest = &text[19..];
    let mut nanosecond = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        nanosecond = fraction[..digits].parse::<u32>().ok()? * 10_u32.pow(9 - digits as u32);
        rest = &fraction[digits..];
    }
    let offset_min = match rest.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) =>
        {
            let two = |a: &u8, b: &u8| i64::from(a - b'0') * 10 + i64::from(b - b'0');
            let (hours, minutes) = (two(h1, h2), two(m1, m2));
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 60 + minutes;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let byte = |from| u8::try_from(number(from, 2)?).ok();
    let local = Utc::from_civil(Civil {
        year: i32::try_from(number(0, 4)?).ok()?,
        month: byte(5)?,
        day: byte(8)?,
        hour: byte(11)?,
        minute: byte(14)?,
        second: byte(17)?,
        nanosecond,
    })?;
    let ns = local.unix_ns().checked_sub(offset_min * 60_000_000_000)?;
    Some(Utc::from_unix_ns(ns))
}

const SOURCES: [(&str, EventSource); 6] = [
    ("unknown", EventSource::Unknown),
    ("police", EventSource::Police),
    ("government", EventSource::Government),
    ("meteorological", EventSource::Meteorological),
    ("internet", EventSource::Internet),
    ("detection", EventSource::Detection),
];

#[cfg(test)]
mod tests;
