//! A site's TOML to a [`Site`]: every fault with its line, all at once.
//!
//! Lanes may leave out their own line: then they lie side by side, from the link's reference line (the
//! left edge of its leftmost lane, as a road's centre line is surveyed) to the right.

use v2x_msg::base::{Elevation, Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{
    BikeLane, Crosswalk, LaneKind, Maneuvers, ParkingLane, Sidewalk, TrackedLane, VehicleLane,
};
use v2x_msg::kinds::rsi::{Event, Sign};

use super::read_signs::{Ground, event, sign};
use super::stops::{Stop, stop};
use super::timetable::CHINA_MIN;
use super::{
    Connection, GreenKind, Lane, Link, Node, Phase, Posted, Site, Turn, across, check, conflict,
    line,
};
use crate::sheet::{At, Findings, Reader, Table};

/// Farthest that anything of a site lies from its origin: what the largest offset class but one
/// reaches in MAP, at our latitudes.
pub(super) const MAX_REACH_M: f64 = 19_000.0;

/// Most points of one line: what finds out whether it crosses itself looks at every pair of pieces.
const MAX_POINTS: usize = 500;

impl Site {
    /// Reads a site from the text of its file; `file` is how findings name it.
    ///
    /// # Errors
    /// All that is wrong, if anything is.
    pub fn parse(text: &str, file: &str) -> Result<Site, Findings> {
        Self::parse_with_remarks(text, file).map(|(site, _)| site)
    }

    /// The same, with what is unwise in a site that can be used.
    ///
    /// # Errors
    /// All that is wrong or unwise, if anything is wrong.
    pub fn parse_with_remarks(text: &str, file: &str) -> Result<(Site, Findings), Findings> {
        let reader = Reader::new(file, text);
        let written = read(&reader);
        if let Some(written) = &written {
            check::check(&reader, written);
        }
        let (findings, _) = reader.into_findings();
        match written {
            Some(written) if !findings.any_wrong() => Ok((written.into_site(), findings)),
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
    pub(super) conflicts: Vec<Pair>,
    /// Whether phases conflict whose paths cross, beside those that are listed.
    pub(super) from_paths: bool,
    pub(super) signs: Vec<At<Posted<Sign>>>,
    pub(super) events: Vec<At<Posted<Event>>>,
    pub(super) stops: Vec<At<Stop>>,
    utc_offset_min: i16,
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
        if self.from_paths {
            let links: Vec<&Link> = self.links.iter().map(|link| &link.value).collect();
            let phases: Vec<&Phase> = self.phases.iter().map(|phase| &phase.value).collect();
            conflicts.extend(conflict::crossings(&links, &phases, here));
        }
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
            signs: self.signs.into_iter().map(|sign| sign.value).collect(),
            events: self.events.into_iter().map(|event| event.value).collect(),
            stops: self.stops.into_iter().map(|stop| stop.value).collect(),
            utc_offset_min: self.utc_offset_min,
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
    let from_paths = head.boolean("conflicts-from-paths");
    let offset_h = head.number("utc-offset-h", -12.0..=14.0);
    let utc_offset_min = offset_h.map_or(CHINA_MIN, |hours| {
        let minutes = hours.value * 60.0;
        if minutes.fract() != 0.0 {
            head.wrong(hours.line, "utc-offset-h", "must be whole minutes");
        }
        minutes as i16
    });
    let origin = origin(head.table("origin"));
    head.finish();

    let nodes = root
        .tables("node")
        .into_iter()
        .filter_map(node_of)
        .collect();
    let (links, lane_lines) = root.tables("link").into_iter().filter_map(link).unzip();
    let phases = root.tables("phase").into_iter().filter_map(phase);
    let (phases, listed): (Vec<At<Phase>>, Vec<_>) = phases.unzip();
    let mut conflicts: Vec<Pair> = listed.into_iter().flatten().collect();
    conflicts.extend(root.tables("conflict").into_iter().filter_map(conflict));
    let from_paths = from_paths.unwrap_or(conflicts.is_empty());
    let links: Vec<At<Link>> = links;
    let ground = Ground {
        frame: origin.map(EnuFrame::new),
        links: &links,
        utc_offset_min,
    };
    let signs = root.tables("sign").into_iter();
    let signs = signs.filter_map(|table| sign(table, &ground)).collect();
    let events = root.tables("event").into_iter();
    let events = events.filter_map(|table| event(table, &ground)).collect();
    let stops = root.tables("stop").into_iter();
    let stops = stops.filter_map(|table| stop(table, &links)).collect();
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
        from_paths,
        signs,
        events,
        stops,
        utc_offset_min,
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
        if let Some(lane) = lane(lane_table, &reference, width_m, upstream) {
            if !across(lane.kind) {
                width_m += lane.width_m;
            }
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

/// `left_of_it_m` is the width of the lanes to the left. A crosswalk leads to no other link: what its
/// phase rules is the way over the road of this link, told as a connection to where that comes from.
fn lane(
    mut table: Table<'_, '_>,
    reference: &[Enu],
    left_of_it_m: f64,
    upstream: Option<NodeId>,
) -> Option<Lane> {
    let id = required_id(&mut table, "id", LaneId::new);
    let width_m = required_number(&mut table, "width-m", 0.5, 30.0);
    let kind = table.choice("kind", &LANE_KINDS).map(|kind| kind.value);
    let limit_kmh = table.number("speed-limit-kmh", 1.0..=250.0);
    let own_line = table.has("points-m");
    let own_points = points(&mut table, "points-m");
    let tables = table.tables("connections");
    let mut connections: Vec<Connection> = tables.into_iter().filter_map(connection).collect();
    let kind = kind.unwrap_or(LaneKind::Vehicle(VehicleLane::NONE));
    let line = table.line();
    if across(kind) {
        if !own_line {
            let reason = "a crosswalk lies across its link: it needs points-m from kerb to kerb";
            table.wrong(line, "points-m", reason);
        }
        if !connections.is_empty() {
            let reason =
                "a crosswalk leads to no link: give it `phase` instead, if a signal rules it";
            table.wrong(line, "connections", reason);
        }
        connections = optional_id(&mut table, "phase", PhaseId::new)
            .and_then(|phase| Some(crossing_of(upstream?, phase)))
            .into_iter()
            .collect();
    } else if table.has("phase") {
        let reason =
            "phase stands in each of the lane's connections; only a crosswalk has one itself";
        table.wrong(table.line_of("phase"), "phase", reason);
        let _ = table.integer("phase", 0..=255);
    }
    table.finish();
    let width_m = width_m?;
    let maneuvers = connections
        .iter()
        .map(|connection| connection.turn.maneuver());
    Some(Lane {
        id: id?,
        width_m,
        kind,
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

fn crossing_of(upstream: NodeId, phase: PhaseId) -> Connection {
    Connection {
        to_node: upstream,
        to_lane: None,
        turn: Turn::Straight,
        phase: Some(phase),
    }
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

/// Two phases that conflict, and where that is written.
pub(super) type Pair = At<(PhaseId, PhaseId)>;

/// A phase, and the pairs that it is listed in.
fn phase(mut table: Table<'_, '_>) -> Option<(At<Phase>, Vec<Pair>)> {
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
    let others = table.integers("conflicts-with", 1..=255);
    table.finish();
    let own = id?;
    let others = others.into_iter().filter_map(|other| {
        let id = PhaseId::new(u8::try_from(other.value).ok()?).ok()?;
        let (line, value) = (other.line, (own, id));
        Some(At { line, value })
    });
    let others = others.collect();
    let lamps = lamps
        .into_iter()
        .filter_map(|lamp| u16::try_from(lamp.value).ok());
    let value = Phase {
        id: own,
        name: name?,
        controller: controller?,
        lamps: lamps.collect(),
        green: green?.value,
    };
    Some((At { line, value }, others))
}

fn conflict(mut table: Table<'_, '_>) -> Option<Pair> {
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

pub(super) fn points(table: &mut Table<'_, '_>, key: &'static str) -> Vec<Enu> {
    let mut pairs = table.pairs(key);
    if let Some(first) = pairs.get(MAX_POINTS) {
        let reason =
            format!("a line of more than {MAX_POINTS} points; a point every few metres is enough");
        table.wrong(first.line, key, &reason);
        pairs.truncate(MAX_POINTS);
    }
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
pub(super) fn node_id(table: &mut Table<'_, '_>, key: &'static str) -> Option<NodeId> {
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
pub(super) type NoError = std::convert::Infallible;

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

pub(super) fn required_id<T, E>(
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

pub(super) const LANE_KINDS: [(&str, LaneKind); 7] = [
    ("vehicle", LaneKind::Vehicle(VehicleLane::NONE)),
    ("bus", LaneKind::Vehicle(VehicleLane::BUS_ONLY)),
    ("bike", LaneKind::Bike(BikeLane::NONE)),
    ("crosswalk", LaneKind::Crosswalk(Crosswalk::NONE)),
    ("sidewalk", LaneKind::Sidewalk(Sidewalk::NONE)),
    ("tracked", LaneKind::Tracked(TrackedLane::NONE)),
    ("parking", LaneKind::Parking(ParkingLane::NONE)),
];

pub(super) const TURNS: [(&str, Turn); 4] = [
    ("straight", Turn::Straight),
    ("left", Turn::Left),
    ("right", Turn::Right),
    ("u-turn", Turn::UTurn),
];

pub(super) const GREENS: [(&str, GreenKind); 2] = [
    ("protected", GreenKind::Protected),
    ("permissive", GreenKind::Permissive),
];
