//! The standing signs and events of a site's TOML, and where they matter.

use v2x_msg::base::{Confidence, EnuFrame, GeoPosition, LaneId, Radius};
use v2x_msg::kinds::rsi::{
    Description, Event, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath,
    Sign, SignText,
};

use super::read::{MAX_REACH_M, NoError, node_id, points, required_id};
use crate::sheet::Table;

pub(super) fn sign(mut table: Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<Sign> {
    let line = table.line();
    let id = required_id(&mut table, "id", Ok::<u8, NoError>);
    let kind = table.integer("type", 0..=65_535);
    if kind.is_none() && !table.has("type") {
        table.missing("type");
    }
    let code = table.required_text("code");
    let words = table.text("text").map_or("", |words| words.value);
    let text = code.and_then(|code| {
        let text = SignText::escaped(code.value, words);
        text.map_err(|fault| table.wrong(code.line, "code", &fault.to_string()))
            .ok()
    });
    let pos = position(&mut table, frame);
    let level = level(&mut table);
    let place = place(&mut table, frame);
    if place.is_none() {
        table.wrong(
            line,
            "sign",
            "needs `links` or `path-m`: where it matters (T/CSAE 159-2020, 8.5)",
        );
    }
    table.finish();
    let mut sign = Sign::new(id?, u16::try_from(kind?.value).ok()?, text?, place?);
    sign.pos = pos;
    sign.level = level;
    Some(sign)
}

pub(super) fn event(mut table: Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<Event> {
    let id = required_id(&mut table, "id", Ok::<u8, NoError>);
    let kind = table.integer("type", 1..=65_535);
    if kind.is_none() && !table.has("type") {
        table.missing("type");
    }
    let source = table.choice("source", &SOURCES).map(|source| source.value);
    let description = table.text("description").and_then(|words| {
        let text = Description::escaped(words.value);
        text.map_err(|fault| table.wrong(words.line, "description", &fault.to_string()))
            .ok()
    });
    let pos = position(&mut table, frame);
    let radius = table.number("radius-m", 0.0..=6553.5);
    let level = level(&mut table);
    let confidence = table.number("confidence-percent", 0.0..=100.0);
    let place = place(&mut table, frame);
    table.finish();
    let kind = EventType(u16::try_from(kind?.value).ok()?);
    let mut event = Event::new(id?, kind, source.unwrap_or(EventSource::Unknown));
    event.pos = pos;
    event.radius = radius.and_then(|radius| Radius::from_m(radius.value).ok());
    event.description = description;
    event.level = level;
    event.confidence = confidence.and_then(|sure| Confidence::from_percent(sure.value).ok());
    event.place = place;
    Some(event)
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

/// A path of points, links with their lanes, or both.
fn place(table: &mut Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<Place> {
    let line = table.line();
    let path = points(table, "path-m");
    let radius = table.number("path-radius-m", 0.1..=6553.5);
    let links: Vec<ReferenceLink> = table
        .tables("links")
        .into_iter()
        .filter_map(reference_link)
        .collect();
    let mut paths = Vec::new();
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
