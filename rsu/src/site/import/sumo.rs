//! SUMO's `.net.xml`, versions 1.0 to 1.28: edges, lanes, connections, traffic lights, crossings.
//!
//! Lanes count from 0 at the right there and from 1 at the left here. A traffic light's program is a
//! list of states with one letter a link; two links of one approach whose letters agree in every state
//! are one phase. `g` is a green that gives way, `G` one that does not. Left out: sidewalks, walking
//! areas, rails, roundabout and restriction records; lines inside the junction, which MAP does not
//! carry.

use std::collections::{BTreeMap, HashMap, HashSet};

use roxmltree::Node as Element;
use v2x_msg::kinds::map::{BikeLane, LaneKind, TrackedLane, VehicleLane};

use super::net::{Crosswalk, Lane, Net, Node, Point, Road, Signal, Turning};
use super::place::Place;
use super::xml::{Xml, children, document};
use super::{Options, Refused};
use crate::site::Turn;

/// SUMO's width of a lane that states none.
const USUAL_WIDTH_M: f64 = 3.2;
/// Points of one lane.
const MOST_POINTS: usize = 10_000;

/// Reads a net.
pub(super) fn read(text: &str, options: &Options) -> Result<Net, Refused> {
    let document = document(text)?;
    let root = document.root_element();
    if root.tag_name().name() != "net" {
        let reason = format!("<{}> is not SUMO's <net>", root.tag_name().name());
        return Err(Refused::unusable(reason));
    }
    let file = File(Xml::new(&document));
    if matches!(root.attribute("lefthand"), Some("true" | "1")) {
        file.0.note(root, "left-hand traffic is not read");
    }
    // Without a place the net is refused below; what else is wrong with it is told first.
    let place = file.0.keep(file.place(root, options));
    let mut net = Net {
        place: place.unwrap_or(Place::Degrees),
        nodes: BTreeMap::new(),
        roads: Vec::new(),
        turns: Vec::new(),
        crosswalks: Vec::new(),
        notes: Vec::new(),
    };
    let nodes_are_whole = file.junctions(root, &mut net);
    let edges = file.edges(root, nodes_are_whole, &mut net);
    file.connections(root, &edges, &mut net);
    file.0.none()?;
    if net.roads.is_empty() {
        return Err(Refused::unusable(
            "there is no <edge> with lanes for vehicles in it",
        ));
    }
    Ok(net)
}

struct File<'d, 't>(Xml<'d, 't>);

/// Where the lanes of an edge ended up: the road, and for each index the place among its lanes.
struct Edges<'d> {
    roads: HashMap<&'d str, (usize, BTreeMap<usize, usize>)>,
    /// Crossings by the edge's id.
    crossings: HashMap<&'d str, usize>,
    /// The ids of all edges, also of those that a site leaves out; None where one has none.
    ids: Option<HashSet<&'d str>>,
}

impl<'d> File<'d, '_> {
    fn index(&self, at: Element<'_, '_>, key: &str) -> Result<usize, Refused> {
        let text = self.0.text(at, key)?;
        let fault = |_| {
            self.0
                .wrong(at, format!("{key}=\"{text}\" is not a lane or link number"))
        };
        text.parse::<u16>().map(usize::from).map_err(fault)
    }

    fn points(&self, at: Element<'_, '_>, key: &str) -> Result<Vec<Point>, Refused> {
        let text = self.0.text(at, key)?;
        let mut points = Vec::new();
        for word in text.split_ascii_whitespace() {
            let mut numbers = word.split(',').map(str::parse::<f64>);
            match (numbers.next(), numbers.next()) {
                (Some(Ok(x)), Some(Ok(y))) if x.is_finite() && y.is_finite() => points.push((x, y)),
                _ => {
                    return Err(self
                        .0
                        .wrong(at, format!("{key}: \"{word}\" is not a point x,y")));
                }
            }
            if points.len() > MOST_POINTS {
                return Err(self
                    .0
                    .wrong(at, format!("{key} has more than {MOST_POINTS} points")));
            }
        }
        Ok(points)
    }

    /// The net's own projection comes first; `--origin` serves nets that have none.
    fn place(&self, root: Element<'_, '_>, options: &Options) -> Result<Place, Refused> {
        let location = children(root, "location").next();
        let projection = location.and_then(|at| at.attribute("projParameter"));
        match (location, projection) {
            (Some(at), Some(text)) if text != "!" && text != "-" => {
                let offset = self.points(at, "netOffset")?;
                let &[(east, north)] = &offset[..] else {
                    return Err(self.0.wrong(at, "netOffset is not one point x,y"));
                };
                match (Place::proj(text, (-east, -north)), options.origin) {
                    (Ok(place), _) => Ok(place),
                    (Err(_), Some(origin)) => Ok(Place::local(origin)),
                    (Err(fault), None) => Err(self.0.wrong(
                        at,
                        format!("projParameter: {fault}; say with --origin where x=0, y=0 is"),
                    )),
                }
            }
            _ => options.origin.map(Place::local).ok_or_else(|| {
                Refused::unusable(
                    "the net does not say where on the earth it is: say with --origin LAT,LON where x=0, y=0 is",
                )
            }),
        }
    }

    /// Whether all of them could be read.
    fn junctions(&self, root: Element<'_, '_>, net: &mut Net) -> bool {
        let mut are_whole = true;
        for at in children(root, "junction").filter(|at| at.attribute("type") != Some("internal")) {
            let (x, y) = (self.coordinate(at, "x"), self.coordinate(at, "y"));
            let Some(id) = self.0.keep(self.0.text(at, "id")) else {
                are_whole = false;
                continue;
            };
            let node = Node {
                name: at.attribute("name").unwrap_or(id).to_owned(),
                at: (x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN)),
            };
            if net.nodes.insert(id.to_owned(), node).is_some() {
                self.0.note(at, format!("junction {id} is there twice"));
            }
        }
        are_whole
    }

    fn coordinate(&self, at: Element<'_, '_>, key: &str) -> Option<f64> {
        self.0.keep(self.0.required(at, key))
    }

    fn edges<'e>(&self, root: Element<'e, '_>, nodes_are_whole: bool, net: &mut Net) -> Edges<'e> {
        let mut edges = Edges {
            roads: HashMap::new(),
            crossings: HashMap::new(),
            ids: children(root, "edge")
                .map(|at| at.attribute("id"))
                .collect(),
        };
        for at in children(root, "edge")
            .filter(|at| at.attribute("function").is_none_or(|f| f == "normal"))
        {
            let id = self.0.keep(self.0.text(at, "id"));
            let (road, lanes) = self.road(at, id.unwrap_or("?"), nodes_are_whole, net);
            if let Some(id) = id.filter(|_| !road.lanes.is_empty()) {
                edges.roads.insert(id, (net.roads.len(), lanes));
                net.roads.push(road);
            }
        }
        for at in children(root, "edge").filter(|at| at.attribute("function") == Some("crossing")) {
            if let Some((id, crosswalk)) = self.crossing(at, &edges) {
                edges.crossings.insert(id, net.crosswalks.len());
                net.crosswalks.push(crosswalk);
            }
        }
        edges
    }

    /// A crossing and its id.
    fn crossing<'e>(&self, at: Element<'e, '_>, edges: &Edges<'_>) -> Option<(&'e str, Crosswalk)> {
        let id = self.0.keep(self.0.text(at, "id"));
        let lane = children(at, "lane").next()?;
        let crossed = self.0.keep(self.0.text(at, "crossingEdges"));
        let crossed = crossed.unwrap_or_default().split_ascii_whitespace();
        let roads = crossed.filter_map(|edge| edges.roads.get(edge).map(|(road, _)| *road));
        let width_m = self.0.keep(self.0.number(lane, "width", 4.0));
        let line = self.0.keep(self.points(lane, "shape"));
        let id = id?;
        // Its id is that of its junction with a colon before and _cN behind.
        let node = id.strip_prefix(':').and_then(|id| id.rsplit_once("_c"));
        let Some((node, _)) = node else {
            self.0
                .note(at, format!("crossing {id} does not name its junction"));
            return None;
        };
        let crosswalk = Crosswalk {
            node: node.to_owned(),
            roads: roads.collect(),
            width_m: width_m?,
            line: line?,
            signal: None,
        };
        Some((id, crosswalk))
    }

    /// A road, and where its lanes are in it; an end that could not be read is empty.
    fn road(
        &self,
        at: Element<'_, '_>,
        id: &str,
        nodes_are_whole: bool,
        net: &Net,
    ) -> (Road, BTreeMap<usize, usize>) {
        let end = |key| -> String {
            let Some(node) = self.0.keep(self.0.text(at, key)) else {
                return String::new();
            };
            if net.nodes.contains_key(node) {
                return node.to_owned();
            }
            if nodes_are_whole {
                self.0
                    .note(at, format!("edge {id}: there is no junction {node}"));
            }
            String::new()
        };
        let mut lanes = BTreeMap::new();
        for lane in children(at, "lane") {
            let index = self.0.keep(self.index(lane, "index"));
            let Some(kind) = lane_kind(lane.attribute("allow"), lane.attribute("disallow")) else {
                continue;
            };
            let width_m = self.0.keep(self.0.number(lane, "width", USUAL_WIDTH_M));
            let limit_mps = self.0.keep(self.0.number(lane, "speed", 13.89));
            let line = self.0.keep(self.points(lane, "shape"));
            if let Some(index) = index {
                let read = Lane {
                    width_m: width_m.unwrap_or(USUAL_WIDTH_M),
                    kind,
                    limit_mps: limit_mps.unwrap_or_default(),
                    line: line.unwrap_or_default(),
                };
                lanes.insert(index, read);
            }
        }
        let last = lanes.len();
        let places = lanes.keys().enumerate();
        let places = places
            .map(|(from_right, index)| (*index, last - 1 - from_right))
            .collect();
        let name = at.attribute("name").filter(|name| !name.is_empty());
        let road = Road {
            name: name.unwrap_or(id).to_owned(),
            from: end("from"),
            to: end("to"),
            lanes: lanes.into_values().rev().collect(),
            only_for: None,
        };
        (road, places)
    }

    fn connections(&self, root: Element<'_, '_>, edges: &Edges<'_>, net: &mut Net) {
        let programs = self.programs(root);
        for at in children(root, "connection") {
            let (from, to) = (
                self.0.keep(self.0.text(at, "from")),
                self.0.keep(self.0.text(at, "to")),
            );
            if let Some(turning) = from
                .zip(to)
                .and_then(|ends| self.connection(at, ends, edges, &programs, net))
            {
                net.turns.push(turning);
            }
        }
    }

    /// A turn; None where it is none, or where a lane or an edge of it could not be read.
    fn connection(
        &self,
        at: Element<'_, '_>,
        (from, to): (&str, &str),
        edges: &Edges<'_>,
        programs: &HashMap<&str, Vec<&str>>,
        net: &mut Net,
    ) -> Option<Turning> {
        if let Some(&crossing) = edges.crossings.get(to) {
            if let Some(signal) = self.0.keep(self.signal(at, programs)).flatten() {
                net.crosswalks[crossing].signal = Some(signal);
            }
            return None;
        }
        // Those inside of junctions begin with a colon; a net need not tell them.
        for id in [from, to].into_iter().filter(|id| !id.starts_with(':')) {
            if edges.ids.as_ref().is_some_and(|known| !known.contains(id)) {
                self.0.note(at, format!("there is no edge {id}"));
            }
        }
        let (from_road, from_lanes) = edges.roads.get(from)?;
        let (to_road, to_lanes) = edges.roads.get(to)?;
        let from_lane = self.0.keep(self.index(at, "fromLane"));
        let to_lane = self.0.keep(self.index(at, "toLane"));
        let dir = self.0.keep(self.0.text(at, "dir"));
        // Lanes that were left out, as sidewalks are, lead nowhere.
        let (&from_lane, &to_lane) = (from_lanes.get(&from_lane?)?, to_lanes.get(&to_lane?)?);
        let (end, begin) = (&net.roads[*from_road].to, &net.roads[*to_road].from);
        if end != begin && !end.is_empty() && !begin.is_empty() {
            self.0
                .note(at, format!("edges {from} and {to} do not meet"));
        }
        let turn = match dir? {
            "s" => Turn::Straight,
            "l" | "L" => Turn::Left,
            "r" | "R" => Turn::Right,
            "t" | "T" => Turn::UTurn,
            _ => return None,
        };
        Some(Turning {
            from_road: *from_road,
            from_lane,
            to_road: *to_road,
            to_lane,
            turn,
            signal: self.0.keep(self.signal(at, programs))?,
        })
    }

    /// The states of the first program of every traffic light.
    fn programs(&self, root: Element<'d, '_>) -> HashMap<&'d str, Vec<&'d str>> {
        let mut programs = HashMap::new();
        for at in children(root, "tlLogic") {
            let states = children(at, "phase");
            let states = states.filter_map(|phase| self.0.keep(self.0.text(phase, "state")));
            let states: Vec<&str> = states.collect();
            if let Some(id) = self.0.keep(self.0.text(at, "id")) {
                programs.entry(id).or_insert(states);
            }
        }
        programs
    }

    fn signal(
        &self,
        at: Element<'_, '_>,
        programs: &HashMap<&str, Vec<&str>>,
    ) -> Result<Option<Signal>, Refused> {
        let Some(light) = at.attribute("tl") else {
            return Ok(None);
        };
        let link = self.index(at, "linkIndex")?;
        let states = programs.get(light).map_or(&[][..], Vec::as_slice);
        if let Some(short) = states.iter().find(|state| state.len() <= link) {
            let reason = format!(
                "linkIndex=\"{link}\": a state of tlLogic {light}, \"{short}\", has only {} letters",
                short.len()
            );
            return Err(self.0.wrong(at, reason));
        }
        let shows: String = states
            .iter()
            .filter_map(|state| state.as_bytes().get(link).copied().map(char::from))
            .collect();
        Ok(Some(Signal {
            lamp: format!("{light}:{link}"),
            permissive: shows.contains('g'),
            shows: if shows.is_empty() {
                format!("{link}")
            } else {
                shows
            },
        }))
    }
}

/// What a lane is for; None for those that a site leaves out.
fn lane_kind(allow: Option<&str>, disallow: Option<&str>) -> Option<LaneKind> {
    let listed = |list: Option<&str>, class: &str| {
        list.is_some_and(|list| {
            list.split_ascii_whitespace()
                .any(|word| word == class || word == "all")
        })
    };
    let may = |class: &str| match allow {
        Some(_) => listed(allow, class),
        None => !listed(disallow, class),
    };
    if may("passenger") || may("truck") {
        Some(LaneKind::Vehicle(VehicleLane::NONE))
    } else if may("bus") {
        Some(LaneKind::Vehicle(VehicleLane::BUS_ONLY))
    } else if may("bicycle") {
        Some(LaneKind::Bike(BikeLane::NONE))
    } else if may("tram") {
        Some(LaneKind::Tracked(TrackedLane::NONE))
    } else {
        None
    }
}
