//! What a person writes to say that something happens on the road, or to put up a sign: JSON to an event
//! or a sign, every fault told.
//!
//! `docs/events.schema.json` describes it; `object` reads it key by key. Places are in degrees, in metres from the site's origin, or
//! by link, lane and distance from the stop line. Not here: who may write, and what is kept of it.

mod object;

use serde_json::Value;
use v2x_msg::base::{Civil, Confidence, GeoPosition, Radius, Utc};
use v2x_msg::kinds::rsi::{
    Description, Event, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath,
    Sign, SignText,
};

use self::object::Object;

use crate::site::placing::OnLink;
use crate::site::{Site, words};

/// Longest that an event may be ordered for at once: beyond a year a minute of the year is no date.
pub const LONGEST_S: u64 = 366 * 86_400;
/// Farthest from the site.
const MAX_REACH_M: f64 = 19_000.0;

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

type Where = (Option<GeoPosition>, Vec<ReferencePath>, Vec<ReferenceLink>);

fn read_place(root: &mut Object<'_>, site: &Site, faults: &mut Vec<String>) -> Where {
    let position = root
        .take("position")
        .and_then(|value| position("position", value, site, faults));
    let placed = root.take("on").and_then(|value| {
        let on = on_link(value, faults)?;
        on.find(site.links.iter(), &site.frame)
            .map_err(|fault| faults.push(format!("on: {fault}")))
            .ok()
    });
    let mut paths: Vec<ReferencePath> = root
        .take("path")
        .and_then(|value| path(value, site, faults))
        .into_iter()
        .collect();
    let mut links = root
        .take("links")
        .map(|value| reference_links(value, faults))
        .unwrap_or_default();
    let Some(placed) = placed else {
        return (position, paths, links);
    };
    paths.extend(placed.path);
    links.push(placed.link);
    (position.or(Some(placed.pos)), paths, links)
}

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

fn position(
    key: &str,
    value: &Value,
    site: &Site,
    faults: &mut Vec<String>,
) -> Option<GeoPosition> {
    let mut object = Object::new(key, value, faults)?;
    let lat = object.number("lat_deg", -90.0, 90.0, faults);
    let lon = object.number("lon_deg", -180.0, 180.0, faults);
    let east = object.number("east_m", -MAX_REACH_M, MAX_REACH_M, faults);
    let north = object.number("north_m", -MAX_REACH_M, MAX_REACH_M, faults);
    object.finish(faults);
    let position = match (lat, lon, east, north) {
        (Some(lat), Some(lon), None, None) => GeoPosition::from_deg(lat, lon, None).ok(),
        (None, None, Some(east), Some(north)) => site.frame.ground_position(east, north).ok(),
        _ => {
            faults.push(format!(
                "{key}: must be lat_deg and lon_deg, or east_m and north_m"
            ));
            return None;
        }
    };
    let near = position.filter(|position| is_near(*position, site));
    if near.is_none() {
        faults.push(format!("{key}: is more than {MAX_REACH_M} m from the site"));
    }
    near
}

/// Whether a position can be told from this site.
pub(super) fn is_near(position: GeoPosition, site: &Site) -> bool {
    let at = site.frame.enu(position);
    at.east_m.hypot(at.north_m) <= MAX_REACH_M
}

fn on_link(value: &Value, faults: &mut Vec<String>) -> Option<OnLink> {
    let mut object = Object::new("on", value, faults)?;
    let ends = (
        object.node("upstream", faults),
        object.node("downstream", faults),
    );
    let lanes = object.lanes("lanes", faults);
    let from = object.number("from_stop_line_m", 0.0, MAX_REACH_M, faults);
    if !object.has("from_stop_line_m") {
        faults.push("on.from_stop_line_m: is missing".to_owned());
    }
    let length_m = object.number("length_m", 1.0, MAX_REACH_M, faults);
    object.finish(faults);
    Some(OnLink {
        upstream: ends.0?,
        downstream: ends.1?,
        lanes,
        from_stop_line_m: from?,
        length_m,
    })
}

fn path(value: &Value, site: &Site, faults: &mut Vec<String>) -> Option<ReferencePath> {
    let mut object = Object::new("path", value, faults)?;
    let radius = object.number("radius_m", 0.1, 6553.5, faults);
    if !object.has("radius_m") {
        faults.push("path.radius_m: is missing".to_owned());
    }
    let listed = object.take("points").and_then(Value::as_array);
    if listed.is_none() {
        faults.push("path.points: must be a list of 2 to 32 positions".to_owned());
    }
    object.finish(faults);
    let points = listed?.iter().take(33);
    let points: Vec<_> = points
        .filter_map(|point| position("path.points", point, site, faults))
        .collect();
    let points = v2x_msg::base::Few::new(points);
    Some(ReferencePath {
        points: points
            .map_err(|fault| faults.push(format!("path.points: {fault}")))
            .ok()?,
        radius: Radius::from_m(radius?).ok()?,
    })
}

fn reference_links(value: &Value, faults: &mut Vec<String>) -> Vec<ReferenceLink> {
    let Some(list) = value.as_array().filter(|list| list.len() <= 16) else {
        faults.push("links: must be a list of at most 16".to_owned());
        return Vec::new();
    };
    let mut links = Vec::new();
    for value in list {
        let Some(mut object) = Object::new("links", value, faults) else {
            continue;
        };
        let upstream = object.node("upstream", faults);
        let downstream = object.node("downstream", faults);
        let lanes = object.lanes("lanes", faults);
        object.finish(faults);
        if let (Some(upstream), Some(downstream)) = (upstream, downstream) {
            links.push(ReferenceLink {
                upstream,
                downstream,
                lanes: (!lanes.is_empty()).then(|| Lanes::of(lanes).ok()).flatten(),
            });
        }
    }
    links
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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use v2x_msg::base::NodeId;

    use super::*;
    use crate::services::fixture::crossing;

    fn now() -> Utc {
        rfc3339("2026-12-31T15:59:00Z").unwrap()
    }

    fn read(value: &Value) -> Result<Asked, Vec<String>> {
        parse(value, &crossing(2, 2), now())
    }

    #[test]
    fn an_event_on_a_lane_has_its_place_its_words_and_its_end() {
        let site = crossing(2, 2);
        let link = site.approaches().next().unwrap();
        let node = |node: NodeId| match node.region {
            Some(region) => json!(format!("{region}/{}", node.id)),
            None => json!(node.id),
        };
        let asked = read(&json!({
            "type": 501, "source": "police", "description": "前方施工", "level": 5,
            "confidence_percent": 90, "radius_m": 12,
            "on": { "upstream": node(link.upstream), "downstream": node(link.downstream),
                    "lanes": [1], "from_stop_line_m": 30, "length_m": 20 },
            "lasts_s": 120,
        }))
        .unwrap();
        let Entry::Event(event) = asked.entry else {
            panic!("{asked:?}")
        };
        assert_eq!(event.event_type, EventType::WORKS);
        assert_eq!(event.source, EventSource::Police);
        let place = event.place.unwrap();
        assert_eq!((place.paths().len(), place.links().len()), (1, 1));
        assert!(event.pos.is_some());
        // Over New Year in Beijing, not in UTC.
        assert_eq!(asked.until, rfc3339("2027-01-01T00:01:00+08:00"));
    }

    #[test]
    fn a_sign_has_its_code_its_words_and_its_place_and_nothing_of_an_event() {
        let links = json!([{ "upstream": 1, "downstream": 2 }]);
        let asked = read(&json!({
            "kind": "sign", "type": 38, "code": "0000000000000038", "text": "正在施工",
            "level": 3, "links": links, "lasts_s": 60,
        }))
        .unwrap();
        let Entry::Sign(sign) = asked.entry else {
            panic!("{asked:?}")
        };
        assert_eq!((sign.sign_type, sign.text.code()), (38, "0000000000000038"));
        assert_eq!(sign.text.text(), b"\xd5\xfd\xd4\xda\xca\xa9\xb9\xa4");
        assert_eq!(sign.level, Level::new(3).ok());
        assert_eq!(
            asked.until,
            Some(now() + std::time::Duration::from_secs(60))
        );
        let faulty = |more: Value, fault: &str| {
            let mut body = json!({ "kind": "sign", "type": 38, "code": "0000000000000038" });
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            let faults = read(&body).unwrap_err();
            assert!(
                faults.iter().any(|told| told.starts_with(fault)),
                "{fault}: {faults:?}"
            );
        };
        faulty(json!({}), "on: is missing");
        faulty(
            json!({ "position": { "east_m": 1, "north_m": 1 } }),
            "on: is missing",
        );
        faulty(json!({ "radius_m": 3 }), "radius_m: is for events");
        faulty(json!({ "code": "38" }), "code, text: ");
        faulty(json!({ "code": null }), "code: is missing");
        faulty(json!({ "text": "龍" }), "code, text: ");
        faulty(json!({ "kind": "signs" }), "kind: must be");
        faulty(json!({ "kind": "event" }), "code: is for signs");
    }

    #[test]
    fn every_fault_is_told_and_nothing_is_guessed() {
        let faults = read(&json!({
            "type": 0, "source": "me", "level": 8, "description": 3, "colour": "red",
            "position": { "lat_deg": 0, "lon_deg": 0 }, "until": "soon", "lasts_s": 3,
            "links": [{ "upstream": -1, "downstream": 1, "lanes": [16] }],
            "path": { "points": [] },
        }))
        .unwrap_err();
        for begin in [
            "type: must",
            "source: must",
            "level: must",
            "description: must",
            "colour: unknown",
            "position: is more than",
            "until: must",
            "links.upstream: must",
            "links.lanes: must",
            "path.radius_m: is missing",
        ] {
            let told = faults.iter().any(|fault| fault.starts_with(begin));
            assert!(told, "{begin}: {faults:#?}");
        }
        assert!(read(&json!([])).is_err());
        let nowhere = read(&json!({ "type": 501 })).unwrap_err();
        assert_eq!(nowhere.len(), 1, "{nowhere:?}");
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = include_str!("../../../docs/events.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let known_in = |value: &Value, begin: &str| {
            let faults = read(value).unwrap_err();
            let told = faults.iter().find_map(|fault| fault.strip_prefix(begin));
            let told = told.unwrap_or_else(|| panic!("{begin}: {faults:?}"));
            let mut keys: Vec<String> = told.split(", ").map(str::to_owned).collect();
            keys.sort();
            keys
        };
        let keys = |schema: &Value| {
            let properties = schema["properties"].as_object().unwrap().keys();
            properties.cloned().collect::<Vec<_>>()
        };
        let of = |key: &str| &schema["properties"][key];
        let body = |key: &str| json!({ "type": 1, key: { "x": 0 } });
        assert_eq!(
            known_in(&json!({ "x": 0 }), "x: unknown; known here: "),
            keys(&schema)
        );
        for key in ["on", "path"] {
            let begin = format!("{key}.x: unknown; known here: ");
            assert_eq!(known_in(&body(key), &begin), keys(of(key)), "{key}");
        }
        let position = keys(&schema["$defs"]["position"]);
        let begin = "position.x: unknown; known here: ";
        assert_eq!(known_in(&body("position"), begin), position);
        let links = json!({ "type": 1, "links": [{ "x": 0 }] });
        let begin = "links.x: unknown; known here: ";
        assert_eq!(known_in(&links, begin), keys(&of("links")["items"]));
    }

    #[test]
    fn an_end_in_the_past_or_beyond_a_year_is_refused() {
        let at = json!({ "east_m": 1, "north_m": 1 });
        for until in ["2026-12-31T15:59:00Z", "2028-01-03T00:00:00Z"] {
            let body = json!({ "type": 501, "position": at, "until": until });
            assert_eq!(read(&body).unwrap_err().len(), 1, "{until}");
        }
    }

    #[test]
    fn moments_are_those_of_rfc_3339() {
        let at = |text| rfc3339(text).map(Utc::unix_ms);
        assert_eq!(at("1970-01-01T08:00:00.250+08:00"), Some(250));
        assert_eq!(at("1969-12-31T23:00:00-01:00"), Some(0));
        for wrong in [
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00+8:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01Tab:00:00Z",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,60}") {
            let _ = rfc3339(&text);
            let _ = read(&json!({ "type": text, "until": text, "description": text, "on": text }));
        }
    }
}
