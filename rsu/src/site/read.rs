//! A site's TOML to a [`Site`]: every fault with its line, all at once.
//!
//! What could not be read is remembered, so that nobody is told that it is missing where others name it.
//! Links and lanes are read in `read_links`, signs and events in `read_signs`.

use v2x_msg::base::{Elevation, Enu, EnuFrame, GeoPosition, NodeId, PhaseId};
use v2x_msg::kinds::map::{
    BikeLane, Crosswalk, LaneKind, ParkingLane, Sidewalk, TrackedLane, VehicleLane,
};
use v2x_msg::kinds::rsi::{Event, Sign};

use super::read_links::{ReadLink, link};
use super::read_signs::{Ground, event, sign};
use super::stops::{Stop, stop};
use super::timetable::CHINA_MIN;
use super::{GreenKind, Link, Node, Phase, Posted, Site, Turn, check, conflict};
use crate::sheet::{At, Findings, Reader, Reason, Table};

/// An origin this near to 0, 0 was not surveyed: 11 km.
const NOWHERE_DEG: f64 = 0.1;

/// Farthest that anything of a site lies from its origin: what the largest offset class but one
/// reaches in MAP, at our latitudes.
pub(super) const MAX_REACH_M: f64 = 19_000.0;

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
        Self::parse_with_lines(text, file).map(|(site, findings, _)| (site, findings))
    }

    /// The same, and where its links and lanes stand in the file.
    ///
    /// # Errors
    /// All that is wrong or unwise, if anything is wrong.
    pub fn parse_with_lines(
        text: &str,
        file: &str,
    ) -> Result<(Site, Findings, FileLines), Findings> {
        let reader = Reader::new(file, text);
        let written = read(&reader);
        if let Some(written) = &written {
            check::check(&reader, written);
        }
        let (findings, _) = reader.into_findings();
        match written {
            Some(written) if !findings.any_wrong() => {
                let lines = written.file_lines();
                Ok((written.into_site(), findings, lines))
            }
            _ => Err(findings),
        }
    }
}

/// Where the elements of a site stand in its file, for findings about what is made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLines {
    /// `[site]`.
    pub head: usize,
    /// Of each link with its lanes, in the site's order.
    links: Vec<(usize, Vec<usize>)>,
}

impl FileLines {
    /// Of the site's link at this place.
    pub fn link(&self, at: usize) -> usize {
        self.links.get(at).map_or(self.head, |(line, _)| *line)
    }

    /// Of one of its lanes.
    pub fn lane(&self, at: usize, lane: usize) -> usize {
        let lines = self.links.get(at).map(|(_, lanes)| lanes);
        let line = lines.and_then(|lanes| lanes.get(lane));
        line.copied().unwrap_or_else(|| self.link(at))
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
    /// What of each link could be read, in the same order.
    pub(super) read: Vec<ReadLink>,
    /// What could not be read at all: what hangs on it is not spoken of.
    pub(super) lost: Lost,
    pub(super) phases: Vec<At<Phase>>,
    pub(super) conflicts: Vec<Pair>,
    /// Whether phases conflict whose paths cross, beside those that are listed.
    pub(super) from_paths: bool,
    pub(super) signs: Vec<At<Posted<Sign>>>,
    pub(super) events: Vec<At<Posted<Event>>>,
    pub(super) stops: Vec<At<Stop>>,
    utc_offset_min: i16,
}

/// Which elements have faults of their own, so that others cannot be held against them.
pub(super) struct Lost {
    /// The nodes that are written, whole or not; None if the id of one cannot be read.
    pub(super) nodes: Option<Vec<NodeId>>,
    /// The same of phases.
    pub(super) phases: Option<Vec<PhaseId>>,
    /// Whether all of every link could be read, its lanes and their connections.
    pub(super) links_whole: bool,
    /// Whether all of every phase and conflict could.
    pub(super) phases_whole: bool,
}

impl Written {
    fn file_lines(&self) -> FileLines {
        let links = self.links.iter().map(|link| link.line);
        FileLines {
            head: self.line,
            links: links.zip(self.lane_lines.iter().cloned()).collect(),
        }
    }

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

    let (nodes, node_ids): (Vec<_>, Vec<_>) = root.tables("node").into_iter().map(node_of).unzip();
    let before = reader.wrongs();
    let read_links: Vec<_> = root.tables("link").into_iter().map(link).collect();
    let mut lost = Lost {
        nodes: node_ids.into_iter().collect(),
        phases: None,
        links_whole: reader.wrongs() == before,
        phases_whole: true,
    };
    let before = reader.wrongs();
    let phases = root.tables("phase").into_iter().map(phase);
    let (phases, phase_ids): (Vec<_>, Vec<_>) = phases.unzip();
    let (phases, listed): (Vec<At<Phase>>, Vec<_>) = phases.into_iter().flatten().unzip();
    lost.phases = phase_ids.into_iter().collect();
    let mut conflicts: Vec<Pair> = listed.into_iter().flatten().collect();
    conflicts.extend(root.tables("conflict").into_iter().filter_map(conflict));
    lost.phases_whole = reader.wrongs() == before;
    let from_paths = from_paths.unwrap_or(conflicts.is_empty());
    let (mut links, mut lane_lines, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for (link, lines, how) in read_links.into_iter().flatten() {
        links.push(link);
        lane_lines.push(lines);
        read.push(how);
    }
    let ground = Ground {
        frame: origin.map(EnuFrame::new),
        links: &links,
        links_whole: lost.links_whole,
        utc_offset_min,
    };
    let signs = root.tables("sign").into_iter();
    let signs = signs.filter_map(|table| sign(table, &ground)).collect();
    let events = root.tables("event").into_iter();
    let events = events.filter_map(|table| event(table, &ground)).collect();
    let stops = root.tables("stop").into_iter();
    let stops = stops
        .filter_map(|table| stop(table, &links, lost.links_whole))
        .collect();
    root.finish();
    Some(Written {
        line,
        name: name?,
        node: node?,
        origin: origin?,
        synthetic,
        nodes: nodes.into_iter().flatten().collect(),
        links,
        lane_lines,
        read,
        lost,
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
    let nowhere = |deg: Option<f64>| deg.is_some_and(|deg| deg.abs() < NOWHERE_DEG);
    if nowhere(lat) && nowhere(lon) {
        let told =
            "is where latitude and longitude are both 0, in the sea: was it ever set?".to_owned();
        table.unwise(
            table.line(),
            "lat-deg",
            Reason::new("origin-at-zero", [], told),
        );
    }
    table.finish();
    let elevation = elevation.and_then(|metres| Elevation::from_m(metres.value).ok());
    GeoPosition::from_deg(lat?, lon?, elevation).ok()
}

/// A node, and its id even if the rest is wrong.
fn node_of(mut table: Table<'_, '_>) -> (Option<At<Node>>, Option<NodeId>) {
    let line = table.line();
    let id = node_id(&mut table, "id");
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let east_m = required_number(&mut table, "east-m", -MAX_REACH_M, MAX_REACH_M);
    let north_m = required_number(&mut table, "north-m", -MAX_REACH_M, MAX_REACH_M);
    table.finish();
    let node = || {
        let value = Node {
            id: id?,
            name: name?,
            position: ground(east_m?, north_m?),
        };
        Some(At { line, value })
    };
    (node(), id)
}

/// Two phases that conflict, and where that is written.
pub(super) type Pair = At<(PhaseId, PhaseId)>;

/// A phase, and the pairs that it is listed in.
type Listed = (At<Phase>, Vec<Pair>);

/// A phase with its pairs, and its id even if the rest is wrong.
fn phase(mut table: Table<'_, '_>) -> (Option<Listed>, Option<PhaseId>) {
    let line = table.line();
    let id = phase_id(&mut table, "id");
    if id.is_none() && !table.has("id") {
        table.missing("id");
    }
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let controller = table
        .required_text("controller")
        .map(|name| name.value.to_owned());
    let before = table.reader().wrongs();
    let lamps = table.integers("lamps", 0..=65_535);
    if lamps.is_empty() && table.reader().wrongs() == before {
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
    let others = table.integers("conflicts-with", PHASES);
    table.finish();
    let lamps = lamps
        .into_iter()
        .filter_map(|lamp| u16::try_from(lamp.value).ok());
    let lamps = lamps.collect();
    let phase = || {
        let own = id?;
        let others = others.into_iter().filter_map(|other| {
            let id = PhaseId::new(u8::try_from(other.value).ok()?).ok()?;
            let (line, value) = (other.line, (own, id));
            Some(At { line, value })
        });
        let others = others.collect();
        let value = Phase {
            id: own,
            name: name?,
            controller: controller?,
            lamps,
            green: green?.value,
        };
        Some((At { line, value }, others))
    };
    (phase(), id)
}

/// Phases that a lamp group can have. 255 is permanent green in the message, so no signal has it.
pub(super) const PHASES: std::ops::RangeInclusive<i64> = 1..=254;

pub(super) fn phase_id(table: &mut Table<'_, '_>, key: &'static str) -> Option<PhaseId> {
    let id = table.integer(key, PHASES)?;
    ruling(u8::try_from(id.value).ok()?).ok()
}

/// The id of a phase that signals rule.
pub(super) fn ruling(id: u8) -> Result<PhaseId, ()> {
    let id = Some(id).filter(|id| PHASES.contains(&i64::from(*id)));
    PhaseId::new(id.ok_or(())?).map_err(|_| ())
}

fn conflict(mut table: Table<'_, '_>) -> Option<Pair> {
    let line = table.line();
    let before = table.reader().wrongs();
    let phases = table.integers("phases", PHASES);
    let legible = table.reader().wrongs() == before;
    let ids: Vec<PhaseId> = phases
        .into_iter()
        .filter_map(|id| PhaseId::new(u8::try_from(id.value).ok()?).ok())
        .collect();
    let [a, b] = ids[..] else {
        if legible {
            table.wrong(
                line,
                "phases",
                "must be two phases that are never green together, [1, 3]",
            );
        }
        table.finish();
        return None;
    };
    table.finish();
    Some(At {
        line,
        value: (a, b),
    })
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

pub(super) fn optional_id<T, E>(
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

pub(super) fn required_number(
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

pub(super) fn ground(east_m: f64, north_m: f64) -> Enu {
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
