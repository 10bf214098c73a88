//! RSI as platforms send it down: JSON of Huawei's DRIS and of OpenV2X, and ready-made RSI in UPER.
//!
//! | field | unit there | here |
//! |---|---|---|
//! | `lat`, `lon` | degrees | position; heights are left out |
//! | `eventRadius`, `pathRadius` | 0.1 m | radius |
//! | `eventConfidence` | 0.5 %, 0 to 200 | confidence |
//! | `timeDetails.startTime`, `endTime` | UTC minute of the year | start and end |
//! | `duration` | not documented | the configuration says it, otherwise it is not used |
//!
//! Facts: Huawei's pages v2x_04_0167 and v2x_04_0158; OpenV2X dandelion. Of no platform a recording is
//! at hand. A ready-made RSI is not forwarded as it came: it is decoded and checked, and its entries
//! are told as this unit's own, with its id, its count and its clock (T/CSAE 159-2020: `msgCnt` counts
//! the messages of a sender, and receivers know an entry by sender and id). Not here: brokers,
//! acknowledgements, and how often anybody may speak.

use std::time::Duration;

use serde_json::Value;
use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::base::{Confidence, Few, GeoPosition, MinuteOfYear, Radius, StationId, Utc};
use v2x_msg::kinds::Rsi;
use v2x_msg::kinds::rsi::{
    Event, EventSource, EventType, Level, Place, ReferencePath, Sign, Validity,
};

pub use super::ask::Entry;
use super::ask::is_near;
use crate::site::{Site, words};

/// Longest message.
pub const LONGEST: usize = 64 << 10;
/// Most messages of RSI in one of a platform.
const MOST_DATAS: usize = 16;
/// Longest name of an entry.
const LONGEST_NAME: usize = 96;

/// Whose JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Huawei's Digital Road Infrastructure Service.
    Huawei,
    /// OpenV2X.
    OpenV2x,
}

/// What the configuration says of a platform's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whose.
    pub dialect: Dialect,
    /// One that is not renewed ends after this.
    pub longest: Duration,
    /// What `duration` counts; None: it is not used.
    pub duration_unit: Option<Duration>,
}

/// One entry of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// How the platform knows it.
    pub name: String,
    /// None: it is over.
    pub entry: Option<Entry>,
    /// When it ends of itself.
    pub until: Option<Utc>,
}

/// A whole message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whole {
    /// What was understood.
    pub entries: Vec<Told>,
    /// What was not, as `where: why`.
    pub faults: Vec<String>,
    /// Whether an answer is wished for, and under which number.
    pub ack: Option<String>,
    /// Who says it on air; only a ready-made RSI tells.
    pub sender: Option<StationId>,
}

/// Reads a message of a platform.
pub fn parse(bytes: &[u8], rules: &Rules, site: &Site, now: Utc) -> Whole {
    let mut whole = Whole::default();
    let mut wrong = |reason: &str| whole.faults.push(reason.to_owned());
    if bytes.len() > LONGEST {
        wrong("the message: is too long");
        return whole;
    }
    // The parser refuses what is deeper than 128 levels.
    let Ok(root) = serde_json::from_slice::<Value>(bytes) else {
        wrong("the message: is no JSON");
        return whole;
    };
    // Huawei puts the message as text into another one.
    let inner = match root.get("content") {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(content @ Value::Object(_)) => Some(content.clone()),
        Some(_) => None,
        None => Some(root.clone()),
    };
    let Some(message) = inner.filter(Value::is_object) else {
        wrong("content: is no JSON object");
        return whole;
    };
    let wishes_ack = message.get("ack").and_then(Value::as_bool) == Some(true);
    whole.ack = wishes_ack.then(|| number_of(&message)).flatten();
    let mut reading = Reading {
        rules,
        site,
        now,
        whole,
    };
    match message.get("rsiDatas").and_then(Value::as_array) {
        Some(datas) if (1..=MOST_DATAS).contains(&datas.len()) => {
            let source = message.get("rsiSourceId").map_or("", short);
            for data in datas {
                reading.data(source, data);
            }
        }
        _ => {
            let reason = format!("rsiDatas: must be a list of 1 to {MOST_DATAS}");
            reading.whole.faults.push(reason);
        }
    }
    reading.whole
}

/// Reads a ready-made RSI in UPER, alone or behind its DSMP header.
///
/// # Errors
/// Why it is none, or says what may not be said.
pub fn parse_uper(bytes: &[u8], longest: Duration, site: &Site, now: Utc) -> Result<Whole, String> {
    let data = match dsmp::parse(bytes) {
        Ok(frame) => frame.data,
        Err(_) => bytes,
    };
    if data.len() > dsmp::MAX_DATA {
        return Err(format!("longer than {} bytes", dsmp::MAX_DATA));
    }
    let message = Message::decode(data).map_err(|error| format!("not decoded: {error}"))?;
    let rsi =
        Rsi::read(&message).map_err(|error| format!("not an RSI as it should be: {error}"))?;
    if !is_near(rsi.ref_pos, site) {
        return Err("its place is not near this site".to_owned());
    }
    let sender: String = rsi.id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut whole = Whole {
        sender: Some(rsi.id),
        ..Whole::default()
    };
    let mut take = |kind: &str,
                    id: u8,
                    mut validity: Validity,
                    near: bool,
                    entry: &dyn Fn(Validity) -> Entry| {
        let name = format!("uper/{sender}/{kind}/{id}");
        if !near {
            whole
                .faults
                .push(format!("{name}: its place is not near this site"));
            return;
        }
        let until = end_of(validity, now);
        validity.end = None;
        whole.entries.push(Told {
            name,
            entry: Some(entry(validity)),
            until: Some(until.unwrap_or(now + longest)),
        });
    };
    for event in rsi.events() {
        let near = event.pos.is_none_or(|pos| is_near(pos, site))
            && event
                .place
                .as_ref()
                .is_none_or(|place| place_is_near(place, site));
        take("rte", event.id, event.validity, near, &|validity| {
            let mut event = event.clone();
            event.validity = validity;
            Entry::Event(Box::new(event))
        });
    }
    for sign in rsi.signs() {
        let near =
            sign.pos.is_none_or(|pos| is_near(pos, site)) && place_is_near(&sign.place, site);
        take("rts", sign.id, sign.validity, near, &|validity| {
            let mut sign = sign.clone();
            sign.validity = validity;
            Entry::Sign(Box::new(sign))
        });
    }
    Ok(whole)
}

fn place_is_near(place: &Place, site: &Site) -> bool {
    let mut points = place.paths().iter().flat_map(|path| path.points.iter());
    points.all(|point| is_near(*point, site))
}

/// The moment at which a validity ends: of the years around now the nearest, and never before the
/// start.
fn end_of(validity: Validity, now: Utc) -> Option<Utc> {
    let end = validity.end?.near(now);
    let start = validity.start.map(|start| start.near(now));
    match start {
        Some(start) if end < start => validity.end.map(|end| end.near(start + HALF_A_YEAR)),
        _ => Some(end),
    }
}

const HALF_A_YEAR: Duration = Duration::from_secs(182 * 86_400);

struct Reading<'r> {
    rules: &'r Rules,
    site: &'r Site,
    now: Utc,
    whole: Whole,
}

impl Reading<'_> {
    fn data(&mut self, source: &str, data: &Value) {
        match self.rules.dialect {
            Dialect::Huawei => {
                let unit = data.get("id").map_or("", short);
                let events = list(data, "rtes", 8);
                let signs = list(data, "rtss", 16);
                if events.is_none() && signs.is_none() {
                    let reason = "rsiDatas: needs `rtes` (1 to 8) or `rtss` (1 to 16)";
                    self.whole.faults.push(reason.to_owned());
                }
                for event in events.into_iter().flatten() {
                    let name = whole_in(event, "rteId", 0, 255);
                    self.named(
                        "rteId",
                        name,
                        |n| format!("huawei/{source}/{unit}/rte/{n}"),
                        event,
                    );
                }
                for sign in signs.into_iter().flatten() {
                    match whole_in(sign, "rtsId", 0, 255) {
                        Some(number) => {
                            let name = format!("huawei/{source}/{unit}/rts/{number}");
                            let told = self.sign(sign);
                            self.take(name, sign, told.map(|sign| Entry::Sign(Box::new(sign))));
                        }
                        None => self.fault("rtsId: must be a whole number from 0 to 255"),
                    }
                }
            }
            Dialect::OpenV2x => {
                let name = data
                    .get("alertID")
                    .map(short)
                    .filter(|name| !name.is_empty());
                let number = name.map(str::to_owned).or_else(|| {
                    let number = data.get("alertID").and_then(Value::as_u64);
                    number.map(|number| number.to_string())
                });
                self.named("alertID", number, |name| format!("openv2x/{name}"), data);
            }
        }
    }

    fn named<N>(&mut self, key: &str, name: Option<N>, form: impl Fn(N) -> String, event: &Value) {
        let Some(name) = name else {
            let reason = match event.get(key) {
                None | Some(Value::Null) => "is missing, and who else could end it?",
                Some(_) if key == "rteId" => "must be a whole number from 0 to 255",
                Some(_) => "must be a text or a number",
            };
            return self.fault(&format!("{key}: {reason}"));
        };
        let name = form(name);
        // OpenV2X says so when an event is over.
        if event.get("eventStatus").is_some_and(is_no) {
            self.whole.entries.push(Told {
                name,
                entry: None,
                until: None,
            });
            return;
        }
        let told = self.event(event);
        self.take(name, event, told.map(|event| Entry::Event(Box::new(event))));
    }

    fn take(&mut self, name: String, value: &Value, entry: Result<Entry, String>) {
        match entry {
            Ok(mut entry) => {
                let validity = match &mut entry {
                    Entry::Event(event) => &mut event.validity,
                    Entry::Sign(sign) => &mut sign.validity,
                };
                let named = end_of(*validity, self.now);
                validity.end = None;
                let lasts = value.get("duration").and_then(Value::as_u64);
                let lasts = lasts.zip(self.rules.duration_unit).and_then(|(n, unit)| {
                    unit.checked_mul(u32::try_from(n).ok().filter(|n| *n > 0)?)
                });
                let until = named.or(lasts.map(|lasts| self.now + lasts));
                let latest = self.now + self.rules.longest;
                self.whole.entries.push(Told {
                    name,
                    entry: Some(entry),
                    until: Some(until.unwrap_or(latest)),
                });
            }
            Err(reason) => self.fault(&format!("{name}: {reason}")),
        }
    }

    fn fault(&mut self, reason: &str) {
        self.whole.faults.push(reason.to_owned());
    }

    fn event(&self, value: &Value) -> Result<Event, String> {
        let kind =
            whole_in(value, "eventType", 1, 65_535).ok_or("eventType: must be 1 to 65535")?;
        let source = value.get("eventSource").map(source_of);
        let kind = EventType(u16::try_from(kind).unwrap_or_default());
        let mut event = Event::new(0, kind, source.unwrap_or(EventSource::Unknown));
        event.pos = optional(value, "eventPosition", |v| self.position(v))?;
        event.radius = optional(value, "eventRadius", radius)?;
        event.level = optional(value, "eventPriority", level)?;
        event.confidence = optional(value, "eventConfidence", |value| {
            let steps = value.as_f64().filter(|steps| (0.0..=200.0).contains(steps));
            Confidence::from_percent(steps? * 0.5).ok()
        })?;
        event.validity = optional(value, "timeDetails", validity)?.unwrap_or(Validity::OPEN);
        let text = value.get("eventDescription").and_then(Value::as_str);
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let words = words::description(text);
            event.description = Some(words.map_err(|e| format!("eventDescription: {e}"))?);
        }
        let paths = self.paths(value)?;
        if !paths.is_empty() {
            event.place = Some(Place::new(paths, []).map_err(|e| format!("referencePaths: {e}"))?);
        }
        if event.pos.is_none() && event.place.is_none() {
            return Err("eventPosition: is missing, and so are referencePaths".to_owned());
        }
        Ok(event)
    }

    fn sign(&self, value: &Value) -> Result<Sign, String> {
        let kind = whole_in(value, "signType", 1, 520).ok_or("signType: must be 1 to 520")?;
        let paths = self.paths(value)?;
        let place = Place::new(paths, []).map_err(|_| "referencePaths: are missing")?;
        let mut said = ["signDescription", "description"].into_iter();
        let text = said.find_map(|key| value.get(key).and_then(Value::as_str));
        let text = text.unwrap_or_default();
        // Platforms that know the code of GB/T 30699 put it first, as the air has it; for others its
        // place is kept by the type.
        let coded = text.is_char_boundary(16.min(text.len()))
            && text.len() >= 16
            && text[..16].bytes().all(|byte| byte.is_ascii_digit());
        let (code, rest) = match coded {
            true => (text[..16].to_owned(), &text[16..]),
            false => (format!("{kind:016}"), text),
        };
        let words = words::sign_text(&code, rest).map_err(|e| format!("signDescription: {e}"))?;
        let mut sign = Sign::new(0, u16::try_from(kind).unwrap_or_default(), words, place);
        sign.pos = optional(value, "signPosition", |v| self.position(v))?;
        sign.level = optional(value, "signPriority", level)?;
        sign.validity = optional(value, "timeDetails", validity)?.unwrap_or(Validity::OPEN);
        Ok(sign)
    }

    fn paths(&self, value: &Value) -> Result<Vec<ReferencePath>, String> {
        let Some(listed) = value.get("referencePaths").filter(|v| !v.is_null()) else {
            return Ok(Vec::new());
        };
        let listed = listed.as_array().filter(|list| list.len() <= 8);
        let listed = listed.ok_or("referencePaths: must be a list of at most 8")?;
        listed.iter().map(|path| self.path(path)).collect()
    }

    fn path(&self, value: &Value) -> Result<ReferencePath, String> {
        let points = value.get("activePath").and_then(Value::as_array);
        let points = points.filter(|points| (1..=32).contains(&points.len()));
        let points = points.ok_or("activePath: must be a list of 1 to 32")?;
        let points: Option<Vec<_>> = points.iter().map(|point| self.position(point)).collect();
        let mut points = points.ok_or("activePath: a point is none, or is not near this site")?;
        if let [alone] = points[..] {
            // A round place: the edition of 2020 wants two points.
            points.push(alone);
        }
        let radius = value.get("pathRadius").and_then(radius);
        Ok(ReferencePath {
            points: Few::new(points).map_err(|e| format!("activePath: {e}"))?,
            radius: radius.ok_or("pathRadius: must be 0 to 65535 tenths of a metre")?,
        })
    }

    fn position(&self, value: &Value) -> Option<GeoPosition> {
        let lat = value.get("lat").and_then(Value::as_f64)?;
        let lon = ["lon", "long"]
            .into_iter()
            .find_map(|key| value.get(key)?.as_f64())?;
        let position = GeoPosition::from_deg(lat, lon, None).ok()?;
        is_near(position, self.site).then_some(position)
    }
}

fn optional<T>(
    value: &Value,
    key: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, String> {
    match value.get(key).filter(|found| !found.is_null()) {
        None => Ok(None),
        Some(found) => match read(found) {
            Some(read) => Ok(Some(read)),
            None => Err(format!("{key}: makes no sense here")),
        },
    }
}

fn list<'v>(value: &'v Value, key: &str, most: usize) -> Option<&'v Vec<Value>> {
    let list = value.get(key).and_then(Value::as_array);
    list.filter(|list| (1..=most).contains(&list.len()))
}

fn whole_in(value: &Value, key: &str, least: i64, most: i64) -> Option<i64> {
    let number = value.get(key)?;
    // OpenV2X writes numbers as text here and there.
    let number = number.as_i64().or_else(|| number.as_str()?.parse().ok())?;
    (least..=most).contains(&number).then_some(number)
}

fn radius(value: &Value) -> Option<Radius> {
    let tenths = value
        .as_f64()
        .filter(|tenths| (0.0..=65_535.0).contains(tenths))?;
    Radius::from_m(tenths / 10.0).ok()
}

fn level(value: &Value) -> Option<Level> {
    Level::new(u8::try_from(value.as_u64()?).ok()?).ok()
}

fn validity(value: &Value) -> Option<Validity> {
    let minute = |key| match value.get(key).filter(|v: &&Value| !v.is_null()) {
        None => Some(None),
        // 527040 says that it is not known.
        Some(found) => match u32::try_from(found.as_u64()?).ok()? {
            527_040 => Some(None),
            number => MinuteOfYear::new(number).ok().map(Some),
        },
    };
    Some(Validity {
        start: minute("startTime")?,
        end: minute("endTime")?,
        end_confidence: None,
    })
}

fn source_of(value: &Value) -> EventSource {
    match value {
        Value::Number(number) => {
            let place = number
                .as_u64()
                .and_then(|place| usize::try_from(place).ok());
            let source = place.and_then(|place| EventSource::ALL.get(place));
            source.copied().unwrap_or(EventSource::Unknown)
        }
        Value::String(word) => match word.as_str() {
            "police" => EventSource::Police,
            "government" => EventSource::Government,
            "meteorological" => EventSource::Meteorological,
            "internet" | "v2xServer" => EventSource::Internet,
            "detection" | "rsu" | "obu" | "camera" | "sne" => EventSource::Detection,
            _ => EventSource::Unknown,
        },
        _ => EventSource::Unknown,
    }
}

/// Text that is short enough to be a part of a name.
fn short(value: &Value) -> &str {
    let text = value.as_str().unwrap_or_default();
    if text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
        return "";
    }
    text
}

/// `false`, 0 or "0".
fn is_no(value: &Value) -> bool {
    value.as_bool() == Some(false) || value.as_i64() == Some(0) || value.as_str() == Some("0")
}

/// `seqNum`, 1 to 32 characters.
fn number_of(message: &Value) -> Option<String> {
    let number = match message.get("seqNum")? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let well = (1..=32).contains(&number.len()) && !number.chars().any(char::is_control);
    well.then_some(number)
}

#[cfg(test)]
mod tests;
