//! A SPAT as JSON: which member means what, and the values in it. Stateless.
//!
//! Members are found by name, and names are compared without case, `_` and `-`: `phaseStates`,
//! `phase_states` and `PhaseStates` are one. The names themselves are a [`Mapping`].

use arrayvec::ArrayVec;
use serde_json::{Map, Value, json};

use crate::report::MAX_LAMPS;

/// Most intersections that are looked at in one message.
pub const MAX_INTERSECTIONS: usize = 8;
/// Most states that are looked at in one phase.
pub const MAX_STATES: usize = 32;

/// What the members are called; several names where platforms differ, the first that is there counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The list of intersections, at the top or within one object there.
    pub intersections: Vec<String>,
    /// The intersection's id: an object, or a number that is the node.
    pub intersection: Vec<String>,
    /// The region, in the id.
    pub region: Vec<String>,
    /// The node, in the id.
    pub node: Vec<String>,
    /// How the controller is run.
    pub status: Vec<String>,
    /// When it was collected.
    pub stamp: Vec<String>,
    /// The list of phases.
    pub phases: Vec<String>,
    /// A phase's number.
    pub phase: Vec<String>,
    /// The list of a phase's states.
    pub states: Vec<String>,
    /// What is lit.
    pub light: Vec<String>,
    /// The object of times; without one they are looked for in the state.
    pub timing: Vec<String>,
    /// Times from now, in `timing`.
    pub counting: Vec<String>,
    /// Times in the UTC hour, in `timing`.
    pub utc: Vec<String>,
    /// The beginning.
    pub start: Vec<String>,
    /// The earliest end.
    pub min_end: Vec<String>,
    /// The latest end.
    pub max_end: Vec<String>,
    /// The likely end.
    pub likely_end: Vec<String>,
    /// The number within a time, where a time is an object.
    pub mark: Vec<String>,
}

impl Default for Mapping {
    /// Huawei DRIS (both forms) and OpenV2X.
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            intersections: names(&["intersections"]),
            intersection: names(&["intersectionId"]),
            region: names(&["region"]),
            node: names(&["nodeId", "id"]),
            status: names(&["status"]),
            stamp: names(&["timeStamp"]),
            phases: names(&["phases"]),
            phase: names(&["phaseId", "id"]),
            states: names(&["phaseStates"]),
            light: names(&["light", "lightState"]),
            timing: names(&["timing"]),
            counting: names(&["counting"]),
            utc: names(&["utcTiming"]),
            start: names(&["startTime", "startUtcTime"]),
            min_end: names(&["minEndTime", "minEndUtcTime"]),
            max_end: names(&["maxEndTime", "maxEndUtcTime"]),
            likely_end: names(&["likelyEndTime", "likelyEndUtcTime"]),
            mark: names(&["timeMark"]),
        }
    }
}

/// One intersection, units as the message has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intersection {
    /// Region, where it is said.
    pub region: Option<u16>,
    /// Node, where it is said.
    pub node: Option<u16>,
    /// How the controller is run: 16 bits.
    pub status: Option<u16>,
    /// When it was collected, in ms of Unix time.
    pub stamp_ms: Option<i64>,
    /// Its phases.
    pub phases: ArrayVec<Phase, MAX_LAMPS>,
    /// Phases without a number, without a state, or beyond the bound.
    pub left_out: u64,
}

/// The running state of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Its number.
    pub id: u16,
    /// The code of what is lit.
    pub light: Option<u8>,
    /// From now, in steps.
    pub counting: Option<Ends>,
    /// In the UTC hour, in steps.
    pub utc: Option<Ends>,
}

/// When a state ends, in steps; None for what is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Not before.
    pub min: Option<u16>,
    /// Not after.
    pub max: Option<u16>,
    /// The best estimate.
    pub likely: Option<u16>,
}

/// The message is no SPAT, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON.
    Json,
    /// No list of intersections.
    NoIntersections,
    /// More than [`MAX_INTERSECTIONS`].
    TooMany,
}

impl Malformed {
    /// The word under which it is counted.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NoIntersections => "no-intersections",
            Self::TooMany => "too-many-intersections",
        }
    }
}

/// Reads one message of any size that fits in memory; the caller bounds it.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(
    bytes: &[u8],
    mapping: &Mapping,
) -> Result<ArrayVec<Intersection, MAX_INTERSECTIONS>, Malformed> {
    let message: Value = serde_json::from_slice(bytes).map_err(|_| Malformed::Json)?;
    let top = message.as_object().ok_or(Malformed::Json)?;
    let list = find(top, &mapping.intersections).or_else(|| {
        let mut inner = top.values().filter_map(Value::as_object);
        inner.find_map(|object| find(object, &mapping.intersections))
    });
    let list = list.and_then(Value::as_array);
    let list = list.ok_or(Malformed::NoIntersections)?;
    if list.len() > MAX_INTERSECTIONS {
        return Err(Malformed::TooMany);
    }
    let objects = list.iter().filter_map(Value::as_object);
    Ok(objects
        .map(|object| intersection(object, mapping))
        .collect())
}

fn intersection(object: &Map<String, Value>, mapping: &Mapping) -> Intersection {
    let id = find(object, &mapping.intersection);
    let part = |names: &[String]| id.and_then(Value::as_object).and_then(|id| find(id, names));
    let whole = |value: Option<&Value>| value.and_then(number).and_then(fits);
    let mut said = Intersection {
        region: whole(part(&mapping.region)),
        node: whole(part(&mapping.node)).or_else(|| whole(id)),
        status: whole(find(object, &mapping.status)),
        stamp_ms: find(object, &mapping.stamp).and_then(stamp_ms),
        ..Intersection::default()
    };
    let phases = find(object, &mapping.phases).and_then(Value::as_array);
    for value in phases.into_iter().flatten() {
        let read = value.as_object().and_then(|object| phase(object, mapping));
        let kept = read.map(|phase| said.phases.try_push(phase));
        if !matches!(kept, Some(Ok(()))) {
            said.left_out += 1;
        }
    }
    said
}

fn phase(object: &Map<String, Value>, mapping: &Mapping) -> Option<Phase> {
    let id = find(object, &mapping.phase)
        .and_then(number)
        .and_then(fits)?;
    let states = find(object, &mapping.states).and_then(Value::as_array)?;
    let states = states.iter().take(MAX_STATES).filter_map(Value::as_object);
    let starts_now = |state: &&Map<String, Value>| {
        let timing = timing(state, mapping);
        find(timing, &mapping.counting)
            .and_then(Value::as_object)
            .and_then(|times| mark(times, &mapping.start, mapping))
            == Some(0)
    };
    let state = states.clone().find(starts_now).or(states.clone().next())?;
    let timing = timing(state, mapping);
    let times = |names: &[String]| {
        let times = find(timing, names).and_then(Value::as_object)?;
        Some(Ends {
            min: mark(times, &mapping.min_end, mapping),
            max: mark(times, &mapping.max_end, mapping),
            likely: mark(times, &mapping.likely_end, mapping),
        })
    };
    Some(Phase {
        id,
        light: find(state, &mapping.light).and_then(light),
        counting: times(&mapping.counting),
        utc: times(&mapping.utc),
    })
}

fn timing<'a>(state: &'a Map<String, Value>, mapping: &Mapping) -> &'a Map<String, Value> {
    find(state, &mapping.timing)
        .and_then(Value::as_object)
        .unwrap_or(state)
}

/// A time, plain or within an object of one.
fn mark(times: &Map<String, Value>, names: &[String], mapping: &Mapping) -> Option<u16> {
    let value = find(times, names)?;
    let value = match value.as_object() {
        Some(object) => find(object, &mapping.mark)?,
        None => value,
    };
    number(value).and_then(fits)
}

/// Words of the message set, or their codes, as numbers or as digits.
fn light(value: &Value) -> Option<u8> {
    if let Some(code) = number(value) {
        return fits(code).and_then(|code: u16| u8::try_from(code).ok());
    }
    let word = value.as_str()?;
    let place = LIGHTS.iter().position(|name| same(name, word))?;
    u8::try_from(place).ok()
}

/// The names of LightState (YD/T 3709-2020), by code.
pub const LIGHTS: [&str; 9] = [
    "unavailable",
    "dark",
    "flashing-red",
    "red",
    "flashing-green",
    "permissive-green",
    "protected-green",
    "yellow",
    "flashing-yellow",
];

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?.round();
            (number.abs() < 9e15).then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn fits(number: i64) -> Option<u16> {
    u16::try_from(number).ok()
}

/// Unix time in ms or, below the year 2286 in s, in s; or a date as ISO 8601 writes it, in UTC.
fn stamp_ms(value: &Value) -> Option<i64> {
    const LAST_SECOND: i64 = 9_999_999_999;
    match number(value) {
        Some(number @ 0..=LAST_SECOND) => Some(number * 1000),
        Some(number) => Some(number).filter(|ms| *ms > 0),
        None => crate::inputs::iso::unix_ms(value.as_str()?),
    }
}

fn find<'a>(object: &'a Map<String, Value>, names: &[String]) -> Option<&'a Value> {
    names.iter().find_map(|name| {
        object.get(name.as_str()).or_else(|| {
            let mut members = object.iter();
            members
                .find(|(member, _)| same(member, name))
                .map(|(_, v)| v)
        })
    })
}

/// Without case, `_` and `-`.
fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let bytes = text.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        bytes
            .map(|byte| byte.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    plain(a) == plain(b)
}

/// One message in the form of Huawei DRIS `v2x/v1/rsu/{esn}/spat/up`: what [`parse`] reads again.
pub fn emit(intersections: &[Intersection]) -> String {
    let time = |mark: Option<u16>| json!({ "timeMark": mark.unwrap_or(UNKNOWN) });
    let phase = |phase: &Phase| {
        let mut timing = Map::new();
        if let Some(ends) = phase.counting {
            let times = json!({
                "startTime": time(Some(0)), "minEndTime": time(ends.min),
                "maxEndTime": time(ends.max), "likelyEndTime": time(ends.likely),
            });
            timing.insert("counting".to_owned(), times);
        }
        if let Some(ends) = phase.utc {
            let times = json!({
                "minEndUtcTime": time(ends.min), "maxEndUtcTime": time(ends.max),
                "likelyEndUtcTime": time(ends.likely),
            });
            timing.insert("utcTiming".to_owned(), times);
        }
        let state = json!({ "light": phase.light.map(|code| code.to_string()), "timing": timing });
        json!({ "phaseId": phase.id, "phaseStates": [state] })
    };
    let one = |said: &Intersection| {
        json!({
            "intersectionId": { "region": said.region, "id": said.node },
            "status": said.status, "timeStamp": said.stamp_ms,
            "phases": said.phases.iter().map(phase).collect::<Vec<_>>(),
        })
    };
    let list: Vec<Value> = intersections.iter().map(one).collect();
    json!({ "intersections": list }).to_string()
}

/// TimeMark of YD/T 3709-2020: 36000 is an hour and more, 36001 is not known.
pub const UNKNOWN: u16 = 36_001;
