//! The standing signs and events of a site's TOML: what they say, where they matter, when they hold.

use v2x_msg::base::{Confidence, EnuFrame, GeoPosition, LaneId, Radius};
use v2x_msg::kinds::rsi::{
    Event, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath, Sign,
};

use super::placing::{OnLink, Placed};
use super::read::{MAX_REACH_M, NoError, node_id, required_id};
use super::read_links::points;
use super::timetable::{Hours, MAX_HOURS, Posted, Timetable, Weekly, local_moment};
use super::{Link, words};
use crate::sheet::{At, Table};

/// What signs and events are placed by and timed by.
pub(super) struct Ground<'g> {
    /// None if the origin is wrong, which has been noted.
    pub(super) frame: Option<EnuFrame>,
    pub(super) links: &'g [At<Link>],
    /// Whether they are all there: else a place on one that is not is no fault of its own.
    pub(super) links_whole: bool,
    pub(super) utc_offset_min: i16,
}

pub(super) fn sign(mut table: Table<'_, '_>, ground: &Ground<'_>) -> Option<At<Posted<Sign>>> {
    let line = table.line();
    let id = required_id(&mut table, "id", Ok::<u8, NoError>);
    let kind = table.integer("type", 0..=65_535);
    if kind.is_none() && !table.has("type") {
        table.missing("type");
    }
    let code = table.required_text("code");
    let words = table.text("text").map_or("", |words| words.value);
    let text = code.and_then(|code| {
        let text = words::escaped_sign_text(code.value, words);
        text.map_err(|fault| table.wrong(code.line, "code", &fault.to_string()))
            .ok()
    });
    let placed = on_link(&mut table, ground);
    let pos = position(&mut table, ground.frame.as_ref());
    let level = level(&mut table);
    let has_place = table.has("on");
    let place = place(&mut table, ground.frame.as_ref(), placed.as_ref());
    if place.is_none() && !has_place {
        table.wrong(
            line,
            "sign",
            "needs `on`, `links` or `path-m`: where it matters (T/CSAE 159-2020, 8.5)",
        );
    }
    let when = timetable(&mut table, ground.utc_offset_min);
    table.finish();
    let mut sign = Sign::new(id?, u16::try_from(kind?.value).ok()?, text?, place?);
    sign.pos = pos.or(placed.map(|placed| placed.pos));
    sign.level = level;
    let value = Posted { what: sign, when };
    Some(At { line, value })
}

pub(super) fn event(mut table: Table<'_, '_>, ground: &Ground<'_>) -> Option<At<Posted<Event>>> {
    let line = table.line();
    let id = required_id(&mut table, "id", Ok::<u8, NoError>);
    let kind = table.integer("type", 1..=65_535);
    if kind.is_none() && !table.has("type") {
        table.missing("type");
    }
    let source = table.choice("source", &SOURCES).map(|source| source.value);
    let description = table.text("description").and_then(|words| {
        let text = words::escaped_description(words.value);
        text.map_err(|fault| table.wrong(words.line, "description", &fault.to_string()))
            .ok()
    });
    let placed = on_link(&mut table, ground);
    let pos = position(&mut table, ground.frame.as_ref());
    let radius = table.number("radius-m", 0.0..=6553.5);
    let level = level(&mut table);
    let confidence = table.number("confidence-percent", 0.0..=100.0);
    let place = place(&mut table, ground.frame.as_ref(), placed.as_ref());
    let when = timetable(&mut table, ground.utc_offset_min);
    table.finish();
    let kind = EventType(u16::try_from(kind?.value).ok()?);
    let mut event = Event::new(id?, kind, source.unwrap_or(EventSource::Unknown));
    event.pos = pos.or(placed.map(|placed| placed.pos));
    event.radius = radius.and_then(|radius| Radius::from_m(radius.value).ok());
    event.description = description;
    event.level = level;
    event.confidence = confidence.and_then(|sure| Confidence::from_percent(sure.value).ok());
    event.place = place;
    let value = Posted { what: event, when };
    Some(At { line, value })
}

/// `on`: a link, its lanes and how far before their end.
fn on_link(table: &mut Table<'_, '_>, ground: &Ground<'_>) -> Option<Placed> {
    let given = table.has("on");
    let both = given && (table.has("east-m") || table.has("north-m"));
    let mut on = table.table("on");
    if !given {
        return None;
    }
    let line = on.line();
    let upstream = node_id(&mut on, "upstream");
    let downstream = node_id(&mut on, "downstream");
    let lanes = on.integers("lanes", 1..=15);
    let from = on.number("from-stop-line-m", 0.0..=MAX_REACH_M);
    if from.is_none() && !on.has("from-stop-line-m") {
        on.missing("from-stop-line-m");
    }
    let length = on.number("length-m", 1.0..=MAX_REACH_M);
    on.finish();
    if both {
        let reason = "has company: a place is given by `on` or by `east-m` and `north-m`, not both";
        table.wrong(line, "on", reason);
    }
    let lanes = lanes
        .iter()
        .filter_map(|lane| LaneId::new(u8::try_from(lane.value).ok()?).ok());
    let on = OnLink {
        upstream: upstream?,
        downstream: downstream?,
        lanes: lanes.collect(),
        from_stop_line_m: from?.value,
        length_m: length.map(|length| length.value),
    };
    let links = ground.links.iter().map(|link| &link.value);
    on.find(links, ground.frame.as_ref()?)
        .map_err(|fault| {
            if ground.links_whole {
                table.wrong(line, "on", &fault.to_string());
            }
        })
        .ok()
}

/// `from`, `until`, `days` and `hours`, all by the clock on the wall; without them always.
fn timetable(table: &mut Table<'_, '_>, utc_offset_min: i16) -> Timetable {
    let form = "a moment by the clock on the wall, \"2026-12-31 20:00\"";
    let mut moment = |key| table.parsed(key, form, |text| local_moment(text, utc_offset_min));
    let (from, until) = (moment("from"), moment("until"));
    if let (Some(from), Some(until)) = (&from, &until)
        && until.value <= from.value
    {
        table.wrong(until.line, "until", "must be after `from`");
    }
    let mut days = [false; 7];
    for day in table.texts("days") {
        match DAYS.iter().position(|name| *name == day.value) {
            Some(place) => days[place] = true,
            None => {
                let reason = format!("must be of {}, not \"{}\"", DAYS.join(", "), day.value);
                table.wrong(day.line, "days", &reason);
            }
        }
    }
    let mut hours = Vec::new();
    for piece in table.texts("hours") {
        match Hours::parse(piece.value) {
            Some(piece) => hours.push(piece),
            None => {
                let reason = format!("must be such as \"07:00-09:30\", not \"{}\"", piece.value);
                table.wrong(piece.line, "hours", &reason);
            }
        }
    }
    if hours.len() > MAX_HOURS {
        let reason = format!("must be at most {MAX_HOURS}");
        table.wrong(table.line_of("hours"), "hours", &reason);
    }
    let scheduled = table.has("days") || table.has("hours");
    if table.has("days") && !days.contains(&true) {
        table.wrong(table.line_of("days"), "days", "must name a day");
    }
    if !table.has("days") {
        days = [true; 7];
    }
    Timetable {
        from: from.map(|from| from.value),
        until: until.map(|until| until.value),
        weekly: scheduled
            .then(|| Weekly::new(days, &hours, utc_offset_min))
            .flatten(),
    }
}

/// `east-m` and `north-m`, both or neither.
fn position(table: &mut Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<GeoPosition> {
    let east = table.number("east-m", -MAX_REACH_M..=MAX_REACH_M);
    let north = table.number("north-m", -MAX_REACH_M..=MAX_REACH_M);
    match (east, north) {
        (Some(_), None) => table.missing("north-m"),
        (None, Some(_)) => table.missing("east-m"),
        _ => {}
    }
    frame?.ground_position(east?.value, north?.value).ok()
}

/// A path of points, links with their lanes, or both; and what `on` has found.
fn place(
    table: &mut Table<'_, '_>,
    frame: Option<&EnuFrame>,
    placed: Option<&Placed>,
) -> Option<Place> {
    let line = table.line();
    let path = points(table, "path-m");
    let radius = table.number("path-radius-m", 0.1..=6553.5);
    let listed = table.tables("links").into_iter();
    let links: Vec<ReferenceLink> = listed
        .filter_map(reference_link)
        .chain(placed.map(|placed| placed.link))
        .collect();
    let mut paths: Vec<ReferencePath> = placed
        .and_then(|placed| placed.path.clone())
        .into_iter()
        .collect();
    if !path.is_empty() {
        let Some(radius) = radius else {
            table.missing("path-radius-m");
            return None;
        };
        let frame = frame?;
        let points = path.iter().filter_map(|point| frame.position(*point).ok());
        match v2x_msg::base::Few::new(points) {
            Ok(points) => paths.push(ReferencePath {
                points,
                radius: Radius::from_m(radius.value).ok()?,
            }),
            Err(fault) => table.wrong(line, "path-m", &fault.to_string()),
        }
    }
    if paths.is_empty() && links.is_empty() {
        return None;
    }
    let place = Place::new(paths, links);
    place
        .map_err(|fault| table.wrong(line, "links", &fault.to_string()))
        .ok()
}

/// One link, and which of its lanes.
pub(crate) fn reference_link(mut table: Table<'_, '_>) -> Option<ReferenceLink> {
    let upstream = node_id(&mut table, "upstream");
    let downstream = node_id(&mut table, "downstream");
    let lanes = table.integers("lanes", 1..=15);
    table.finish();
    let ids = lanes
        .iter()
        .filter_map(|lane| LaneId::new(u8::try_from(lane.value).ok()?).ok());
    let lanes = (!lanes.is_empty()).then(|| Lanes::of(ids).ok()).flatten();
    Some(ReferenceLink {
        upstream: upstream?,
        downstream: downstream?,
        lanes,
    })
}

fn level(table: &mut Table<'_, '_>) -> Option<Level> {
    let level = table.integer("level", 0..=7)?;
    Level::new(u8::try_from(level.value).ok()?).ok()
}

const SOURCES: [(&str, EventSource); 6] = [
    ("unknown", EventSource::Unknown),
    ("police", EventSource::Police),
    ("government", EventSource::Government),
    ("weather", EventSource::Meteorological),
    ("internet", EventSource::Internet),
    ("detection", EventSource::Detection),
];

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
