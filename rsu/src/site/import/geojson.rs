//! One junction in GeoJSON: what our own export writes, and what a person draws in QGIS.
//!
//! A feature's property `kind` says what it is: `node` (a point), `link` and `lane` (lines in the
//! direction of travel), `connection` (a line over the junction, or properties alone), `phase`, `stop`.
//! Others are left out. Degrees of WGS-84, longitude first; heights are not read. What is drawn need
//! not be typed: a connection that names no lanes joins those whose ends it touches, and one that
//! names no turn has the one that it makes. Links that are not drawn follow from their lanes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map as Object, Value};
use v2x_msg::base::{Degrees, Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneKind, Maneuvers, VehicleLane};

use super::{Options, Refused};
use crate::site::read::{GREENS, LANE_KINDS, TURNS};
use crate::site::{
    Connection, GreenKind, Lane, Link, Node, Phase, Site, Stop, Turn, across, line, simplify,
};

/// A connection's end touches a lane's end that is nearer than this.
const TOUCH_M: f64 = 3.0;
/// What is left out of a drawn line lies within this of what remains.
const TOLERANCE_M: f64 = 0.02;
/// Points of a drawn line.
const MOST_POINTS: usize = 10_000;
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
    let features: Vec<Feature<'_>> = features
        .iter()
        .enumerate()
        .filter_map(Feature::of)
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
    };
    let nodes = drawing.nodes(&features)?;
    drawing.lanes(&features)?;
    drawing.link_lines(&features)?;
    drawing.connections(&features)?;
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
        phases: phases(&features, options)?,
        conflicts: Vec::new(),
        signs: Vec::new(),
        events: Vec::new(),
        stops: Vec::new(),
        utc_offset_min: crate::site::timetable::CHINA_MIN,
        synthetic: synthetic || options.synthetic,
    };
    site.conflicts = site.crossings();
    site.stops = stops(&features, &site)?;
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

fn of_kind<'f, 'v>(
    features: &'f [Feature<'v>],
    kind: &'static str,
) -> impl Iterator<Item = &'f Feature<'v>> {
    features
        .iter()
        .filter(move |feature| feature.text("kind") == Some(kind))
}

/// A feature with properties, and its place in the file for whoever looks for it.
struct Feature<'v> {
    number: usize,
    properties: &'v Object<String, Value>,
    geometry: &'v Value,
}

impl<'v> Feature<'v> {
    fn of((at, value): (usize, &'v Value)) -> Option<Self> {
        Some(Feature {
            number: at + 1,
            properties: value.get("properties")?.as_object()?,
            geometry: &value["geometry"],
        })
    }

    fn wrong(&self, reason: &str) -> Refused {
        let kind = self.text("kind").unwrap_or("feature");
        Refused::Unusable(format!("feature {} ({kind}): {reason}", self.number))
    }

    fn text(&self, key: &str) -> Option<&'v str> {
        self.properties.get(key)?.as_str()
    }

    /// A number, as QGIS writes it or as text; None where it is not there or null.
    fn number(&self, key: &str) -> Result<Option<f64>, Refused> {
        let number = match self.properties.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(&format!("{key} must be a number"))),
        }
    }

    fn within(&self, key: &str, low: f64, high: f64) -> Result<Option<f64>, Refused> {
        match self.number(key)? {
            Some(number) if !(low..=high).contains(&number) => {
                Err(self.wrong(&format!("{key} must be from {low} to {high}, not {number}")))
            }
            number => Ok(number),
        }
    }

    fn octet(&self, key: &str) -> Result<Option<u8>, Refused> {
        let number = self.within(key, 1.0, 255.0)?;
        match number {
            Some(number) if number.fract() != 0.0 => {
                Err(self.wrong(&format!("{key} must be a whole number")))
            }
            number => Ok(number.map(|number| number as u8)),
        }
    }

    fn lane(&self, key: &str) -> Result<Option<LaneId>, Refused> {
        let made = |id| LaneId::new(id).map_err(|fault| self.wrong(&format!("{key}: {fault}")));
        self.octet(key)?.map(made).transpose()
    }

    fn phase(&self, key: &str) -> Result<Option<PhaseId>, Refused> {
        let made = |id| PhaseId::new(id).map_err(|fault| self.wrong(&format!("{key}: {fault}")));
        self.octet(key)?.map(made).transpose()
    }

    fn needed<T>(&self, key: &str, found: Option<T>) -> Result<T, Refused> {
        found.ok_or_else(|| self.wrong(&format!("{key} is missing")))
    }

    /// `12`, or `"310114/12"` with its region.
    fn maybe_node(&self, key: &str) -> Result<Option<NodeId>, Refused> {
        let text = match self.properties.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let parse = || match text.split_once('/') {
            Some((region, id)) => Some(NodeId {
                region: Some(region.parse().ok()?),
                id: id.parse().ok()?,
            }),
            None => Some(NodeId {
                region: None,
                id: text.parse().ok()?,
            }),
        };
        let node = parse().ok_or_else(|| {
            self.wrong(&format!(
                "{key} must be a node, 300 or \"7/300\" with its region, not {text}"
            ))
        });
        node.map(Some)
    }

    fn node(&self, key: &str) -> Result<NodeId, Refused> {
        self.needed(key, self.maybe_node(key)?)
    }

    fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(self.wrong(&format!(
                    "{key} must be one of {}, not {text}",
                    list.join(", ")
                )))
            }
        }
    }

    /// Longitude and latitude.
    fn point(&self) -> Result<(f64, f64), Refused> {
        match self.geometry["type"].as_str() {
            Some("Point") => self.place(&self.geometry["coordinates"]),
            _ => Err(self.wrong("must be a Point")),
        }
    }

    fn place(&self, value: &Value) -> Result<(f64, f64), Refused> {
        let degree = |at: usize, most: f64| {
            value
                .get(at)?
                .as_f64()
                .filter(|degree| degree.abs() <= most)
        };
        let (lon, lat) = (degree(0, 180.0), degree(1, 90.0));
        lon.zip(lat).ok_or_else(|| {
            self.wrong(
                "has a point that is not [longitude, latitude] in degrees; export it as EPSG:4326",
            )
        })
    }

    /// A LineString, or a MultiLineString of one, as QGIS makes of it; empty where there is none.
    fn line(&self) -> Result<Vec<(f64, f64)>, Refused> {
        let coordinates = &self.geometry["coordinates"];
        let list = match self.geometry["type"].as_str() {
            None => return Ok(Vec::new()),
            Some("LineString") => coordinates.as_array(),
            Some("MultiLineString") => match coordinates.as_array().map(Vec::as_slice) {
                Some([one]) => one.as_array(),
                _ => return Err(self.wrong("has several parts; one line is needed")),
            },
            Some(other) => return Err(self.wrong(&format!("must be a LineString, not a {other}"))),
        };
        let list = list.map_or(&[][..], Vec::as_slice);
        if list.len() > MOST_POINTS {
            return Err(self.wrong(&format!("has more than {MOST_POINTS} points")));
        }
        list.iter().map(|value| self.place(value)).collect()
    }
}

struct Drawing {
    frame: EnuFrame,
    here: NodeId,
    links: Vec<Link>,
    notes: Vec<String>,
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

    fn nodes(&self, features: &[Feature<'_>]) -> Result<Vec<Node>, Refused> {
        let mut nodes = of_kind(features, "node")
            .map(|feature| {
                let id = feature.node("id")?;
                Ok(Node {
                    id,
                    name: feature
                        .text("name")
                        .map_or_else(|| format!("node {id}"), ToOwned::to_owned),
                    position: self.enu(feature, feature.point()?)?,
                })
            })
            .collect::<Result<Vec<Node>, Refused>>()?;
        nodes.sort_by_key(|node| node.id != self.here);
        Ok(nodes)
    }

    fn lanes(&mut self, features: &[Feature<'_>]) -> Result<(), Refused> {
        for feature in of_kind(features, "lane") {
            let (upstream, downstream) = (feature.node("upstream")?, feature.node("downstream")?);
            let kind = feature
                .word("use", &LANE_KINDS)?
                .unwrap_or(LaneKind::Vehicle(VehicleLane::NONE));
            let phase = feature.phase("phase")?.filter(|_| across(kind));
            let crossing = phase.map(|phase| Connection {
                to_node: upstream,
                to_lane: None,
                turn: Turn::Straight,
                phase: Some(phase),
            });
            let limit = feature.within("speed_limit_kmh", 1.0, 250.0)?;
            let lane = Lane {
                id: feature.needed("id", feature.lane("id")?)?,
                width_m: feature.needed("width_m", feature.within("width_m", 0.5, 30.0)?)?,
                kind,
                maneuvers: Maneuvers::NONE,
                speed_limit_mps: limit.map(|kmh| kmh / 3.6),
                centre: self.line(feature)?,
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
        if self.links.is_empty() {
            return Err(Refused::unusable(
                "no feature has kind = \"lane\"; a junction needs lanes",
            ));
        }
        self.links
            .iter_mut()
            .for_each(|link| link.lanes.sort_by_key(|lane| lane.id));
        Ok(())
    }

    /// Widths, limits and centre lines of the links; what is not drawn follows from the lanes.
    fn link_lines(&mut self, features: &[Feature<'_>]) -> Result<(), Refused> {
        let mut drawn = BTreeMap::new();
        for feature in of_kind(features, "link") {
            let ends = (feature.node("upstream")?, feature.node("downstream")?);
            let limit = feature.within("speed_limit_kmh", 1.0, 250.0)?;
            let name = feature.text("name").map(ToOwned::to_owned);
            drawn.insert(ends, (self.line(feature)?, limit, name));
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
                return Err(Refused::unusable(format!(
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
        Ok(())
    }

    fn connections(&mut self, features: &[Feature<'_>]) -> Result<(), Refused> {
        for feature in of_kind(features, "connection") {
            let path = self.line(feature)?;
            let from = self.start_of(feature, &path)?;
            let (to_node, to_lane) = self.end_of(feature, &path)?;
            let (link, lane) = from;
            let drawn = feature.word("turn", &TURNS)?;
            let turn = match drawn.or_else(|| self.turn(from, to_node, to_lane)) {
                Some(turn) => turn,
                None => {
                    return Err(feature.wrong("turn is missing and cannot be seen from the lanes"));
                }
            };
            let lane = &mut self.links[link].lanes[lane];
            lane.maneuvers |= turn.maneuver();
            lane.connections.push(Connection {
                to_node,
                to_lane,
                turn,
                phase: feature.phase("phase")?,
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
        Ok(())
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
fn stops(features: &[Feature<'_>], site: &Site) -> Result<Vec<Stop>, Refused> {
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
    made.collect()
}

fn phases(features: &[Feature<'_>], options: &Options) -> Result<Vec<Phase>, Refused> {
    let mut phases = Vec::new();
    for feature in of_kind(features, "phase") {
        let id = feature.needed("id", feature.phase("id")?)?;
        let lamps = match feature.properties.get("lamps") {
            Some(Value::Array(list)) => {
                list.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>()
            }
            Some(Value::Number(number)) => number.as_u64().map(|lamp| vec![lamp]),
            // QGIS has no lists: "1, 2".
            Some(Value::String(text)) => {
                let words = text
                    .split([',', ' ', '[', ']'])
                    .filter(|word| !word.is_empty());
                words.map(|word| word.parse().ok()).collect()
            }
            _ => None,
        };
        let lamps = lamps.unwrap_or_default();
        let lamps: Option<Vec<u16>> = lamps
            .into_iter()
            .map(|lamp| u16::try_from(lamp).ok())
            .collect();
        let lamps = lamps.filter(|lamps| !lamps.is_empty());
        phases.push(Phase {
            id,
            name: feature
                .text("name")
                .map_or_else(|| format!("phase {id}"), ToOwned::to_owned),
            controller: feature
                .text("controller")
                .unwrap_or(&options.controller)
                .to_owned(),
            lamps: lamps
                .ok_or_else(|| feature.wrong("lamps must be a list of lamp numbers, 0 to 65535"))?,
            green: feature
                .word("green", &GREENS)?
                .unwrap_or(GreenKind::Permissive),
        });
    }
    Ok(phases)
}
