//! A site's TOML to a [`Site`]: every fault with its line, all at once.
//!
//! Lanes may leave out their own line: then they lie side by side, from the link's reference line (the
//! left edge of its leftmost lane, as a road's centre line is surveyed) to the right.

use v2x_msg::base::{
    Confidence, Elevation, Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId, Radius,
};
use v2x_msg::kinds::map::{
    BikeLane, Crosswalk, LaneKind, Maneuvers, ParkingLane, Sidewalk, VehicleLane,
};
use v2x_msg::kinds::rsi::{
    Description, Event, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath,
    Sign, SignText,
};

use super::{Connection, GreenKind, Lane, Link, Node, Phase, Site, Turn, check, line};
use crate::sheet::{At, Findings, Reader, Table};

/// Farthest that anything of a site lies from its origin: what the largest offset class but one
/// reaches in MAP, at our latitudes.
const MAX_REACH_M: f64 = 19_000.0;

impl Site {
    /// Reads a site from the text of its file; `file` is how findings name it.
    ///
    /// # Errors
    /// All that is wrong, if anything is.
    pub fn parse(text: &str, file: &str) -> Result<Site, Findings> {
        let reader = Reader::new(file, text);
        let written = read(&reader);
        if let Some(written) = &written {
            check::check(&reader, written);
        }
        let (findings, _) = reader.into_findings();
        match written {
            Some(written) if !findings.any_wrong() => Ok(written.into_site()),
            _ => Err(findings),
        }
    }
}

/// A site as written: every element with its line, relations not yet checked.
pub(super) struct Written {
    pub(super) line: usize,
    name: String,
    pub(super) node: NodeId,
    origin: GeoPosition,
    synthetic: bool,
    pub(super) nodes: Vec<At<Node>>,
    pub(super) links: Vec<At<Link>>,
    /// The lines of each link's lanes, in the same order.
    pub(super) lane_lines: Vec<Vec<usize>>,
    pub(super) phases: Vec<At<Phase>>,
    pub(super) conflicts: Vec<At<(PhaseId, PhaseId)>>,
    signs: Vec<Sign>,
    events: Vec<Event>,
}

impl Written {
    fn into_site(self) -> Site {
        let here = self.node;
        let mut nodes: Vec<Node> = self.nodes.into_iter().map(|node| node.value).collect();
        if !nodes.iter().any(|node| node.id == here) {
            let position = Enu::default();
            let name = self.name.clone();
            nodes.push(Node {
                id: here,
                name,
                position,
            });
        }
        nodes.sort_by_key(|node| node.id != here);
        let mut conflicts: Vec<(PhaseId, PhaseId)> = self
            .conflicts
            .into_iter()
            .map(|pair| {
                (
                    pair.value.0.min(pair.value.1),
                    pair.value.0.max(pair.value.1),
                )
            })
            .collect();
        conflicts.sort_unstable();
        conflicts.dedup();
        Site {
            name: self.name,
            node: here,
            origin: self.origin,
            frame: EnuFrame::new(self.origin),
            nodes,
            links: self.links.into_iter().map(|link| link.value).collect(),
            phases: self.phases.into_iter().map(|phase| phase.value).collect(),
            conflicts,
            signs: self.signs,
            events: self.events,
            synthetic: self.synthetic,
        }
    }
}

fn read(reader: &Reader<'_>) -> Option<Written> {
    let document = reader.document();
    let mut root = reader.root(&document);
    let mut head = root.table("site");
    let line = head.line();
    let name = head.required_text("name").map(|name| name.value.to_owned());
    let node = node_id(&mut head, "node");
    let synthetic = head.boolean("synthetic").unwrap_or(false);
    let origin = origin(head.table("origin"));
    head.finish();

    let nodes = root
        .tables("node")
        .into_iter()
        .filter_map(node_of)
        .collect();
    let (links, lane_lines) = root.tables("link").into_iter().filter_map(link).unzip();
    let phases = root.tables("phase").into_iter().filter_map(phase).collect();
    let conflicts = root
        .tables("conflict")
        .into_iter()
        .filter_map(conflict)
        .collect();
    let frame = origin.map(EnuFrame::new);
    let signs = root.tables("sign").into_iter();
    let signs = signs
        .filter_map(|table| sign(table, frame.as_ref()))
        .collect();
    let events = root.tables("event").into_iter();
    let events = events
        .filter_map(|table| event(table, frame.as_ref()))
        .collect();
    root.finish();
    Some(Written {
        line,
        name: name?,
        node: node?,
        origin: origin?,
        synthetic,
        nodes,
        links,
        lane_lines,
        phases,
        conflicts,
        signs,
        events,
    })
}

fn origin(mut table: Table<'_, '_>) -> Option<GeoPosition> {
    let lat = required_number(&mut table, "lat-deg", -90.0, 90.0);
    let lon = required_number(&mut table, "lon-deg", -180.0, 180.0);
    let elevation = table.number("elevation-m", -409.5..=6143.9);
    table.finish();
    let elevation = elevation.and_then(|metres| Elevation::from_m(metres.value).ok());
    GeoPosition::from_deg(lat?, lon?, elevation).ok()
}

fn node_of(mut table: Table<'_, '_>) -> Option<At<Node>> {
    let line = table.line();
    let id = node_id(&mut table, "id");
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let east_m = required_number(&mut table, "east-m", -MAX_REACH_M, MAX_REACH_M);
    let north_m = required_number(&mut table, "north-m", -MAX_REACH_M, MAX_REACH_M);
    table.finish();
    let value = Node {
        id: id?,
        name: name?,
        position: ground(east_m?, north_m?),
    };
    Some(At { line, value })
}

fn link(mut table: Table<'_, '_>) -> Option<(At<Link>, Vec<usize>)> {
    let line = table.line();
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let upstream = node_id(&mut table, "upstream");
    let downstream = node_id(&mut table, "downstream");
    let limit_kmh = required_number(&mut table, "speed-limit-kmh", 1.0, 250.0);
    let reference = points(&mut table, "points-m");
    let mut lanes = Vec::new();
    let mut lines = Vec::new();
    let mut width_m = 0.0;
    let tables = table.tables("lane");
    if tables.is_empty() {
        table.wrong(line, "lane", "a link needs at least one [[link.lane]]");
    }
    for lane_table in tables {
        let lane_line = lane_table.line();
        if let Some(lane) = lane(lane_table, &reference, width_m) {
            width_m += lane.width_m;
            lanes.push(lane);
            lines.push(lane_line);
        }
    }
    table.finish();
    let value = Link {
        name: name?,
        upstream: upstream?,
        downstream: downstream?,
        speed_limit_mps: limit_kmh? / 3.6,
        width_m,
        points: line::beside(&reference, width_m / 2.0),
        lanes,
    };
    Some((At { line, value }, lines))
}

/// `left_of_it_m` is the width of the lanes to the left.
fn lane(mut table: Table<'_, '_>, reference: &[Enu], left_of_it_m: f64) -> Option<Lane> {
    let id = required_id(&mut table, "id", LaneId::new);
    let width_m = required_number(&mut table, "width-m", 0.5, 30.0);
    let kind = table.choice("kind", &LANE_KINDS).map(|kind| kind.value);
    let limit_kmh = table.number("speed-limit-kmh", 1.0..=250.0);
    let own_line = table.has("points-m");
    let own_points = points(&mut table, "points-m");
    let tables = table.tables("connections");
    let connections: Vec<Connection> = tables.into_iter().filter_map(connection).collect();
    table.finish();
    let width_m = width_m?;
    let maneuvers = connections
        .iter()
        .map(|connection| connection.turn.maneuver());
    Some(Lane {
        id: id?,
        width_m,
        kind: kind.unwrap_or(LaneKind::Vehicle(VehicleLane::NONE)),
        maneuvers: maneuvers.fold(Maneuvers::NONE, |all, one| all | one),
        speed_limit_mps: limit_kmh.map(|limit| limit.value / 3.6),
        centre: if own_line {
            own_points
        } else {
            line::beside(reference, left_of_it_m + width_m / 2.0)
        },
        connections,
    })
}

fn connection(mut table: Table<'_, '_>) -> Option<Connection> {
    let to_node = node_id(&mut table, "to-node");
    let to_lane = optional_id(&mut table, "to-lane", LaneId::new);
    let turn = table.choice("turn", &TURNS).map(|turn| turn.value);
    if turn.is_none() && !table.has("turn") {
        table.missing("turn");
    }
    let phase = optional_id(&mut table, "phase", PhaseId::new);
    table.finish();
    Some(Connection {
        to_node: to_node?,
        to_lane,
        turn: turn?,
        phase,
    })
}

fn phase(mut table: Table<'_, '_>) -> Option<At<Phase>> {
    let line = table.line();
    let id = required_id(&mut table, "id", PhaseId::new);
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let controller = table
        .required_text("controller")
        .map(|name| name.value.to_owned());
    let lamps = table.integers("lamps", 0..=65_535);
    if lamps.is_empty() {
        table.wrong(
            line,
            "lamps",
            "a phase needs at least one lamp group to show it",
        );
    }
    let green = table.choice("green", &GREENS);
    if green.is_none() && !table.has("green") {
        table.missing("green");
    }
    table.finish();
    let lamps = lamps
        .into_iter()
        .filter_map(|lamp| u16::try_from(lamp.value).ok());
    let value = Phase {
        id: id?,
        name: name?,
        controller: controller?,
        lamps: lamps.collect(),
        green: green?.value,
    };
    Some(At { line, value })
}

fn conflict(mut table: Table<'_, '_>) -> Option<At<(PhaseId, PhaseId)>> {
    let line = table.line();
    let phases = table.integers("phases", 1..=255);
    let ids: Vec<PhaseId> = phases
        .into_iter()
        .filter_map(|id| PhaseId::new(u8::try_from(id.value).ok()?).ok())
        .collect();
    let [a, b] = ids[..] else {
        table.wrong(
            line,
            "phases",
            "must be two phases that are never green together, [1, 3]",
        );
        table.finish();
        return None;
    };
    table.finish();
    Some(At {
        line,
        value: (a, b),
    })
}

fn sign(mut table: Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<Sign> {
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

fn event(mut table: Table<'_, '_>, frame: Option<&EnuFrame>) -> Option<Event> {
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

fn reference_link(mut table: Table<'_, '_>) -> Option<ReferenceLink> {
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

fn points(table: &mut Table<'_, '_>, key: &'static str) -> Vec<Enu> {
    let pairs = table.pairs(key);
    for pair in &pairs {
        if pair.value.0.abs() > MAX_REACH_M || pair.value.1.abs() > MAX_REACH_M {
            let reason = format!(
                "[{}, {}] is too far from the origin",
                pair.value.0, pair.value.1
            );
            table.wrong(pair.line, key, &reason);
        }
    }
    pairs
        .iter()
        .map(|pair| ground(pair.value.0, pair.value.1))
        .collect()
}

/// A node as people write it: `12`, or `"310114/12"` with its region.
fn node_id(table: &mut Table<'_, '_>, key: &'static str) -> Option<NodeId> {
    if !table.has(key) {
        table.missing(key);
        return None;
    }
    if table.is_text(key) {
        let parse = |text: &str| {
            let (region, id) = text.split_once('/')?;
            Some(NodeId {
                region: Some(region.parse().ok()?),
                id: id.parse().ok()?,
            })
        };
        return table
            .parsed(key, "a node, 12 or \"7/12\" with its region", parse)
            .map(|at| at.value);
    }
    let id = table.integer(key, 0..=65_535)?;
    Some(NodeId {
        region: None,
        id: u16::try_from(id.value).ok()?,
    })
}

/// Never happens: a whole octet is an id.
type NoError = std::convert::Infallible;

fn optional_id<T, E>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    new: impl Fn(u8) -> Result<T, E>,
) -> Option<T> {
    let id = table.integer(key, 0..=255)?;
    let made = new(u8::try_from(id.value).ok()?).ok();
    if made.is_none() {
        table.wrong(id.line, key, &format!("{} is no id here", id.value));
    }
    made
}

fn required_id<T, E>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    new: impl Fn(u8) -> Result<T, E>,
) -> Option<T> {
    if !table.has(key) {
        table.missing(key);
    }
    optional_id(table, key, new)
}

fn required_number(
    table: &mut Table<'_, '_>,
    key: &'static str,
    min: f64,
    max: f64,
) -> Option<f64> {
    if !table.has(key) {
        table.missing(key);
    }
    table.number(key, min..=max).map(|number| number.value)
}

fn ground(east_m: f64, north_m: f64) -> Enu {
    Enu {
        east_m,
        north_m,
        up_m: 0.0,
    }
}

const LANE_KINDS: [(&str, LaneKind); 6] = [
    ("vehicle", LaneKind::Vehicle(VehicleLane::NONE)),
    ("bus", LaneKind::Vehicle(VehicleLane::BUS_ONLY)),
    ("bike", LaneKind::Bike(BikeLane::NONE)),
    ("crosswalk", LaneKind::Crosswalk(Crosswalk::NONE)),
    ("sidewalk", LaneKind::Sidewalk(Sidewalk::NONE)),
    ("parking", LaneKind::Parking(ParkingLane::NONE)),
];

const TURNS: [(&str, Turn); 4] = [
    ("straight", Turn::Straight),
    ("left", Turn::Left),
    ("right", Turn::Right),
    ("u-turn", Turn::UTurn),
];

const GREENS: [(&str, GreenKind); 2] = [
    ("protected", GreenKind::Protected),
    ("permissive", GreenKind::Permissive),
];

const SOURCES: [(&str, EventSource); 6] = [
    ("unknown", EventSource::Unknown),
    ("police", EventSource::Police),
    ("government", EventSource::Government),
    ("weather", EventSource::Meteorological),
    ("internet", EventSource::Internet),
    ("detection", EventSource::Detection),
];
