//! One junction in GeoJSON: what our own export writes, and what a person draws in QGIS.
//!
//! A feature's property `kind` says what it is: `node` (a point), `link` and `lane` (lines in the
//! direction of travel), `connection` (a line over the junction, or properties alone), `phase`, `stop`.
//! Others are left out. Degrees of WGS-84, longitude first; heights are not read. What is drawn need
//! not be typed: a connection that names no lanes joins those whose ends it touches, and one that
//! names no turn has the one that it makes. Links that are not drawn follow from their lanes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use v2x_msg::base::{Degrees, Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneKind, Maneuvers, VehicleLane};

use super::faults::Faults;
use super::feature::{self, Feature, of_kind};
use super::{Options, Refused};
use crate::site::read::{GREENS, LANE_KINDS, TURNS};
use crate::site::{
    Connection, GreenKind, Lane, Link, Node, Phase, Site, Stop, Turn, across, line, simplify,
};

/// A connection's end touches a lane's end that is nearer than this.
const TOUCH_M: f64 = 3.0;
/// What is left out of a drawn line lies within this of what remains.
const TOLERANCE_M: f64 = 0.02;
/// More features than this are no junction.
const MOST_FEATURES: usize = 20_000;
/// Farther from the junction than this, nothing is part of it.
const REACH_M: f64 = 19_000.0;

/// Reads the junction and what a person should look at.
pub(super) fn read(text: &str, options: &Options) -> Result<(Site, Vec<String>), Refused> {
    let document: Value = serde_json::from_str(text).map_err(|fault| Refused::Malformed {
        line: u32::try_from(fault.line()).unwrap_or(u32::MAX),
        reason: format!("is not JSON: {fault}"),
    })?;
    if document["type"] != "FeatureCollection" {
        return Err(Refused::unusable("it is not a GeoJSON FeatureCollection"));
    }
    let features = document["features"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if features.len() > MOST_FEATURES {
        return Err(Refused::unusable(format!(
            "more than {MOST_FEATURES} features are no junction"
        )));
    }
    let lines = feature::lines(text);
    let features: Vec<Feature<'_>> = features
        .iter()
        .enumerate()
        .filter_map(|(at, value)| Feature::of(at, value, lines.get(at).copied()))
        .collect();
    let here = here(&features)?;
    let origin = here.point()?;
    let origin = GeoPosition::from_deg(origin.1, origin.0, None)
        .map_err(|fault| here.wrong(&fault.to_string()))?;
    let mut drawing = Drawing {
        frame: EnuFrame::new(origin),
        here: here.node("id")?,
        links: Vec::new(),
        notes: Vec::new(),
        faults: Faults::default(),
    };
    let nodes = drawing.nodes(&features);
    drawing.lanes(&features);
    drawing.link_lines(&features);
    drawing.connections(&features);
    let phases = phases(&features, options, &mut drawing.faults);
    let conflicts = conflicts(&features, &phases, &mut drawing.faults);
    drawing.faults.none()?;
    let synthetic = document["synthetic"].as_bool().unwrap_or(false);
    let mut site = Site {
        name: document["name"]
            .as_str()
            .or(here.text("name"))
            .unwrap_or("junction")
            .to_owned(),
        node: drawing.here,
        origin,
        frame: drawing.frame,
        nodes,
        links: drawing.links,
        phases,
        conflicts: Vec::new(),
        signs: Vec::new(),
        events: Vec::new(),
        stops: Vec::new(),
        utc_offset_min: crate::site::timetable::CHINA_MIN,
        synthetic: synthetic || options.synthetic,
    };
    if let Some(listed) = conflicts {
        site.conflicts = listed;
    } else {
        site.conflicts = site.crossings();
        drawing.notes.push(super::FROM_PATHS.to_owned());
    }
    site.stops = stops(&features, &site, &mut drawing.faults);
    drawing.faults.none()?;
    Ok((site, drawing.notes))
}

/// The node that the site is about: the one marked `here`, or the only one where roads both end and
/// begin.
fn here<'f, 'v>(features: &'f [Feature<'v>]) -> Result<&'f Feature<'v>, Refused> {
    let nodes: Vec<&Feature<'_>> = of_kind(features, "node").collect();
    let marked = nodes
        .iter()
        .find(|node| node.properties.get("here").is_some_and(is_true));
    match (marked, &nodes[..]) {
        (Some(node), _) => Ok(node),
        (None, [node]) => Ok(node),
        (None, []) => Err(Refused::unusable(
            "no feature has kind = \"node\"; the junction needs one, a point",
        )),
        (None, _) => Err(Refused::unusable(
            "which node is this junction? set here = true on one of them",
        )),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text.eq_ignore_ascii_case("true") || text == "1",
        Value::Number(number) => number.as_f64() == Some(1.0),
        _ => false,
    }
}

struct Drawing {
    frame: EnuFrame,
    here: NodeId,
    links: Vec<Link>,
    notes: Vec<String>,
    faults: Faults,
}

impl Drawing {
    fn enu(&self, from: &Feature<'_>, (lon_deg, lat_deg): (f64, f64)) -> Result<Enu, Refused> {
        let place = Degrees {
            lat_deg,
            lon_deg,
            height_m: 0.0,
        };
        let point = self.frame.enu_of(place);
        if point.east_m.hypot(point.north_m) > REACH_M {
            return Err(from.wrong("is farther than 19 km from the junction"));
        }
        Ok(Enu { up_m: 0.0, ..point })
    }

    fn line(&self, from: &Feature<'_>) -> Result<Vec<Enu>, Refused> {
        let line = from.line()?;
        let line: Result<Vec<Enu>, Refused> = line
            .into_iter()
            .map(|place| self.enu(from, place))
            .collect();
        Ok(simplify::simplified(&line?, TOLERANCE_M))
    }

    fn nodes(&mut self, features: &[Feature<'_>]) -> Vec<Node> {
        let mut nodes = Vec::new();
        for feature in of_kind(features, "node") {
            let id = feature.node("id");
            let position = feature.point().and_then(|at| self.enu(feature, at));
            let (id, position) = (self.faults.keep(id), self.faults.keep(position));
            let name = |id: NodeId| {
                let own = feature.text("name").map(ToOwned::to_owned);
                own.unwrap_or_else(|| format!("node {id}"))
            };
            nodes.extend(id.zip(position).map(|(id, position)| Node {
                id,
                name: name(id),
                position,
            }));
        }
        nodes.sort_by_key(|node| node.id != self.here);
        nodes
    }

    fn lanes(&mut self, features: &[Feature<'_>]) {
        for feature in of_kind(features, "lane") {
            let centre = self.line(feature);
            let faults = &mut self.faults;
            let upstream = faults.keep(feature.node("upstream"));
            let downstream = faults.keep(feature.node("downstream"));
            let kind = faults.keep(feature.word("use", &LANE_KINDS));
            let phase = faults.keep(feature.phase("phase"));
            let limit = faults.keep(feature.within("speed_limit_kmh", 1.0, 250.0));
            let id = feature.lane("id").and_then(|id| feature.needed("id", id));
            let width = feature.within("width_m", 0.5, 30.0);
            let width = width.and_then(|width| feature.needed("width_m", width));
            let (id, width, centre) = (faults.keep(id), faults.keep(width), faults.keep(centre));
            let read = (|| {
                Some((
                    upstream?,
                    downstream?,
                    kind?,
                    phase?,
                    limit?,
                    id?,
                    width?,
                    centre?,
                ))
            })();
            let Some((upstream, downstream, kind, phase, limit, id, width_m, centre)) = read else {
                continue;
            };
            let kind = kind.unwrap_or(LaneKind::Vehicle(VehicleLane::NONE));
            let crossing = phase.filter(|_| across(kind)).map(|phase| Connection {
                to_node: upstream,
                to_lane: None,
                turn: Turn::Straight,
                phase: Some(phase),
            });
            let lane = Lane {
                id,
                width_m,
                kind,
                maneuvers: Maneuvers::NONE,
                speed_limit_mps: limit.map(|kmh| kmh / 3.6),
                centre,
                connections: crossing.into_iter().collect(),
            };
            let known =
                |link: &&mut Link| link.upstream == upstream && link.downstream == downstream;
            match self.links.iter_mut().find(known) {
                Some(link) => link.lanes.push(lane),
                None => self.links.push(Link {
                    name: feature
                        .text("link")
                        .map_or_else(|| format!("{upstream} to {downstream}"), ToOwned::to_owned),
                    upstream,
                    downstream,
                    speed_limit_mps: 0.0,
                    width_m: 0.0,
                    points: Vec::new(),
                    lanes: vec![lane],
                }),
            }
        }
        if of_kind(features, "lane").next().is_none() {
            let reason = "no feature has kind = \"lane\"; a junction needs lanes";
            self.faults.add(Refused::unusable(reason));
        }
        self.links
            .iter_mut()
            .for_each(|link| link.lanes.sort_by_key(|lane| lane.id));
    }

    /// Widths, limits and centre lines of the links; what is not drawn follows from the lanes.
    fn link_lines(&mut self, features: &[Feature<'_>]) {
        let mut drawn = BTreeMap::new();
        let whole = self.faults.is_empty();
        for feature in of_kind(features, "link") {
            let line = self.line(feature);
            let faults = &mut self.faults;
            let upstream = faults.keep(feature.node("upstream"));
            let downstream = faults.keep(feature.node("downstream"));
            let limit = faults.keep(feature.within("speed_limit_kmh", 1.0, 250.0));
            let name = feature.text("name").map(ToOwned::to_owned);
            if let (Some(from), Some(to), Some(limit), Some(line)) =
                (upstream, downstream, limit, faults.keep(line))
            {
                drawn.insert((from, to), (line, limit, name));
            }
        }
        // A lane that could not be read may have had the limit, and a link its lanes.
        if !whole || !self.faults.is_empty() {
            return;
        }
        for link in &mut self.links {
            let (points, limit, name) = drawn
                .remove(&(link.upstream, link.downstream))
                .unwrap_or_default();
            let along = |lane: &&Lane| !across(lane.kind);
            link.width_m = link
                .lanes
                .iter()
                .filter(along)
                .map(|lane| lane.width_m)
                .sum();
            link.name = name.unwrap_or_else(|| link.name.clone());
            let fastest = link
                .lanes
                .iter()
                .filter_map(|lane| lane.speed_limit_mps)
                .fold(0.0, f64::max);
            link.speed_limit_mps = limit.map_or(fastest, |kmh| kmh / 3.6);
            if link.speed_limit_mps <= 0.0 {
                self.faults.add(Refused::unusable(format!(
                    "link {}: neither it nor a lane of it has speed_limit_kmh",
                    link.name
                )));
            }
            for lane in &mut link.lanes {
                let same = |mps: f64| (mps - link.speed_limit_mps).abs() < 0.01;
                lane.speed_limit_mps = lane.speed_limit_mps.filter(|mps| !same(*mps));
            }
            link.points = if points.len() >= 2 {
                points
            } else {
                let mut left_m = 0.0;
                let mut line = Vec::new();
                for lane in link.lanes.iter().filter(along) {
                    if line::length_m(&lane.centre) > line::length_m(&line) {
                        line = line::beside(
                            &lane.centre,
                            link.width_m / 2.0 - left_m - lane.width_m / 2.0,
                        );
                    }
                    left_m += lane.width_m;
                }
                line
            };
        }
        for (upstream, downstream) in drawn.into_keys() {
            self.notes.push(format!(
                "the link from {upstream} to {downstream} has no lanes and is left out"
            ));
        }
    }

    fn connections(&mut self, features: &[Feature<'_>]) {
        // A lane that could not be read may be the one that a connection touches.
        let lanes_whole = self.faults.is_empty();
        for feature in of_kind(features, "connection") {
            let path = self.line(feature);
            let path = self.faults.keep(path);
            let drawn = self.faults.keep(feature.word("turn", &TURNS));
            let phase = self.faults.keep(feature.phase("phase"));
            let (Some(path), Some(drawn), Some(phase)) = (path, drawn, phase) else {
                continue;
            };
            if !lanes_whole {
                continue;
            }
            let (start, end) = (self.start_of(feature, &path), self.end_of(feature, &path));
            let (start, end) = (self.faults.keep(start), self.faults.keep(end));
            let (Some(from), Some((to_node, to_lane))) = (start, end) else {
                continue;
            };
            let Some(turn) = drawn.or_else(|| self.turn(from, to_node, to_lane)) else {
                let reason = "turn is missing and cannot be seen from the lanes";
                self.faults.add(feature.wrong(reason));
                continue;
            };
            let lane = &mut self.links[from.0].lanes[from.1];
            lane.maneuvers |= turn.maneuver();
            lane.connections.push(Connection {
                to_node,
                to_lane,
                turn,
                phase,
            });
        }
        for lane in self
            .links
            .iter_mut()
            .flat_map(|link| &mut link.lanes)
            .filter(|lane| across(lane.kind))
        {
            if !lane.connections.is_empty() {
                lane.maneuvers = Maneuvers::STRAIGHT;
            }
        }
    }

    /// The lane that a connection begins at: the places of its link and of it.
    fn start_of(&self, feature: &Feature<'_>, path: &[Enu]) -> Result<(usize, usize), Refused> {
        let wanted = (feature.maybe_node("upstream")?, feature.lane("lane")?);
        let start = path.first();
        let mut best: Option<((usize, usize), f64)> = None;
        for (at, link) in self
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.downstream == self.here)
        {
            for (place, lane) in link
                .lanes
                .iter()
                .enumerate()
                .filter(|(_, lane)| !across(lane.kind))
            {
                let off_m = match wanted {
                    (Some(upstream), Some(id)) if link.upstream == upstream && lane.id == id => 0.0,
                    (Some(_), Some(_)) => continue,
                    _ => match (start, lane.centre.last()) {
                        (Some(start), Some(end)) => line::distance_m(*start, *end),
                        _ => continue,
                    },
                };
                if off_m <= TOUCH_M && best.is_none_or(|(_, least)| off_m < least) {
                    best = Some(((at, place), off_m));
                }
            }
        }
        best.map(|(found, _)| found).ok_or_else(|| match wanted {
            (Some(upstream), Some(lane)) => feature.wrong(&format!(
                "there is no lane {} from node {upstream}",
                lane.value()
            )),
            _ => feature.wrong(
                "does not begin within 3 m of the end of a lane; or give it upstream and lane",
            ),
        })
    }

    fn end_of(
        &self,
        feature: &Feature<'_>,
        path: &[Enu],
    ) -> Result<(NodeId, Option<LaneId>), Refused> {
        if let Some(node) = feature.maybe_node("to_node")? {
            return Ok((node, feature.lane("to_lane")?));
        }
        let exits = self.links.iter().filter(|link| link.upstream == self.here);
        let lanes = exits.flat_map(|link| link.lanes.iter().map(|lane| (link.downstream, lane)));
        let mut best: Option<((NodeId, Option<LaneId>), f64)> = None;
        for (node, lane) in lanes {
            if let (Some(end), Some(begin)) = (path.last(), lane.centre.first()) {
                let off_m = line::distance_m(*end, *begin);
                if off_m <= TOUCH_M && best.is_none_or(|(_, least)| off_m < least) {
                    best = Some(((node, Some(lane.id)), off_m));
                }
            }
        }
        best.map(|(found, _)| found).ok_or_else(|| {
            feature.wrong("does not end within 3 m of the beginning of a lane; or give it to_node")
        })
    }

    fn turn(
        &self,
        (link, lane): (usize, usize),
        to: NodeId,
        to_lane: Option<LaneId>,
    ) -> Option<Turn> {
        let from = &self.links[link].lanes[lane];
        let exit = self
            .links
            .iter()
            .find(|link| link.upstream == self.here && link.downstream == to)?;
        let next = to_lane
            .and_then(|id| exit.lane(id))
            .or(exit.lanes.first())?;
        Turn::between(&from.centre, &next.centre)
    }
}

/// Where buses call, as their properties say; the line is for people.
fn stops(features: &[Feature<'_>], site: &Site, faults: &mut Faults) -> Vec<Stop> {
    let made = of_kind(features, "stop").map(|feature| {
        let dwell_s = feature.within("dwell_s", 5.0, 3600.0)?;
        let from_m = feature.within("from_stop_line_m", 0.0, REACH_M)?;
        let length_m = feature.within("length_m", 5.0, 200.0)?;
        let stop = Stop {
            name: feature.text("name").unwrap_or("").to_owned(),
            upstream: feature.node("upstream")?,
            downstream: feature.node("downstream")?,
            lane: feature.needed("lane", feature.lane("lane")?)?,
            from_stop_line_m: feature.needed("from_stop_line_m", from_m)?,
            length_m: feature.needed("length_m", length_m)?,
            dwell: dwell_s.map(Duration::from_secs_f64),
        };
        match stop.on(site) {
            Some((_, from_m, _)) if from_m >= 0.0 => Ok(stop),
            _ => Err(feature.wrong("does not lie in a lane of a link that is drawn")),
        }
    });
    made.filter_map(|stop| faults.keep(stop)).collect()
}

fn phases(features: &[Feature<'_>], options: &Options, faults: &mut Faults) -> Vec<Phase> {
    let mut phases = Vec::new();
    for feature in of_kind(features, "phase") {
        let id = feature.phase("id").and_then(|id| feature.needed("id", id));
        let lamps = feature.numbers("lamps").filter(|lamps| !lamps.is_empty());
        let lamps =
            lamps.ok_or_else(|| feature.wrong("lamps must be a list of lamp numbers, 0 to 65535"));
        let green = faults.keep(feature.word("green", &GREENS));
        let (Some(id), Some(lamps), Some(green)) = (faults.keep(id), faults.keep(lamps), green)
        else {
            continue;
        };
        phases.push(Phase {
            id,
            name: feature
                .text("name")
                .map_or_else(|| format!("phase {id}"), ToOwned::to_owned),
            controller: feature
                .text("controller")
                .unwrap_or(&options.controller)
                .to_owned(),
            lamps,
            green: green.unwrap_or(GreenKind::Permissive),
        });
    }
    phases
}

/// The pairs that phases list, the smaller id first; None where no phase lists any, not even none.
fn conflicts(
    features: &[Feature<'_>],
    phases: &[Phase],
    faults: &mut Faults,
) -> Option<Vec<(PhaseId, PhaseId)>> {
    let key = "conflicts_with";
    let whole = faults.is_empty();
    let mut pairs: Option<Vec<(PhaseId, PhaseId)>> = None;
    let listing = of_kind(features, "phase").filter(|feature| feature.has(key));
    for feature in listing {
        let known = |id: &PhaseId| phases.iter().any(|phase| phase.id == *id);
        let id = |number: &u16| PhaseId::new(u8::try_from(*number).ok()?).ok();
        let others = feature.numbers(key);
        let others: Option<Vec<PhaseId>> =
            others.and_then(|numbers| numbers.iter().map(id).collect());
        let (Some(others), Ok(Some(own))) = (others, feature.phase("id")) else {
            faults.add(feature.wrong("conflicts_with must be a list of phases, 1 to 254"));
            continue;
        };
        if let Some(other) = others
            .iter()
            .find(|id| whole && (!known(id) || **id == own))
        {
            let reason = format!("conflicts_with: there is no other phase {other}");
            faults.add(feature.wrong(&reason));
        }
        let listed = others.iter().map(|id| (own.min(*id), own.max(*id)));
        pairs.get_or_insert_default().extend(listed);
    }
    pairs.iter_mut().for_each(|pairs| {
        pairs.sort_unstable();
        pairs.dedup();
    });
    pairs
}
