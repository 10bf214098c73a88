//! A subset of ASAM OpenDRIVE 1.4 to 1.8: plan views, lanes, junctions, traffic lights.
//!
//! - `curve`: reference lines
//! - `road`: one road as it is written
//!
//! A lane is followed from its junction through lane sections and joined roads until it begins, or as
//! far as asked for; so the same road looks different from its two junctions, as it does to drivers.
//! Traffic lights are found at the connecting road, else at the road before it, by the lanes and the
//! arrow that they hold for (types 1000001 and 1000011). OpenDRIVE has no signal plans: the lamps of
//! one approach with the same face are one phase, and a full face lets turns give way. Left out:
//! left-hand traffic, lanes by borders, direct junctions, heights, sidewalks, crosswalks (objects).

mod curve;
mod road;

use std::collections::{BTreeMap, HashMap};

use roxmltree::Node as Element;
use v2x_msg::base::Enu;

use self::road::{End, Face, Joined, Road, SignalAt};
use super::net::{self, Net, Point, Signal, Turning};
use super::place::Place;
use super::xml::{Xml, children, document};
use super::{Options, Refused};
use crate::site::Turn;

/// Between two points of a lane before simplification, in metres.
const STEP_M: f64 = 1.0;
/// All points of a file's lanes; a city would be read junction by junction.
const MOST_POINTS: usize = 20_000_000;
/// Roads and sections that one lane is followed through.
const MOST_HOPS: usize = 1_000;
/// A signal at the road before the junction stands within this of its end.
const SIGNAL_M: f64 = 100.0;

/// Reads a file.
pub(super) fn read(text: &str, options: &Options) -> Result<Net, Refused> {
    let document = document(text)?;
    let xml = Xml::new(&document);
    let root = document.root_element();
    if root.tag_name().name() != "OpenDRIVE" {
        let reason = format!(
            "<{}> is not OpenDRIVE's <OpenDRIVE>",
            root.tag_name().name()
        );
        return Err(Refused::unusable(reason));
    }
    let place = xml.keep(place(&xml, root, options));
    let roads: Vec<Road> = children(root, "road")
        .filter_map(|at| road::read(&xml, at))
        .collect();
    let by_id: HashMap<String, usize> = roads
        .iter()
        .enumerate()
        .map(|(at, road)| (road.id.clone(), at))
        .collect();
    let crossings = crossings(&xml, root, &by_id);
    xml.none()?;
    let mut reader = Reader {
        roads: &roads,
        by_id,
        reach_m: options.reach_m,
        points: 0,
        lanes: HashMap::new(),
        net: Net {
            // It could be read, or the file would have been refused.
            place: place.unwrap_or(Place::Degrees),
            nodes: BTreeMap::new(),
            roads: Vec::new(),
            turns: Vec::new(),
            crosswalks: Vec::new(),
            notes: Vec::new(),
        },
    };
    reader.nodes(root);
    reader.arms()?;
    reader.turns(&crossings);
    if reader.net.roads.is_empty() {
        return Err(Refused::unusable(
            "no road with lanes leads to a junction in it",
        ));
    }
    Ok(reader.net)
}

fn place(xml: &Xml<'_, '_>, root: Element<'_, '_>, options: &Options) -> Result<Place, Refused> {
    let header = children(root, "header").next();
    let reference = header.and_then(|header| children(header, "geoReference").next());
    let Some((header, reference)) = header.zip(reference) else {
        return options.origin.map(Place::local).ok_or_else(|| {
            Refused::unusable(
                "the file has no geoReference: say with --origin LAT,LON where x=0, y=0 is",
            )
        });
    };
    let mut shift = (0.0, 0.0);
    if let Some(offset) = children(header, "offset").next() {
        shift = (xml.number(offset, "x", 0.0)?, xml.number(offset, "y", 0.0)?);
        if xml.number(offset, "hdg", 0.0)? != 0.0 {
            return Err(xml.wrong(offset, "a turned file (offset hdg) is not read"));
        }
    }
    let text: String = reference
        .children()
        .filter_map(|child| child.text())
        .collect();
    match (Place::proj(&text, shift), options.origin) {
        (Ok(place), _) => Ok(place),
        (Err(_), Some(origin)) => Ok(Place::local(origin)),
        (Err(fault), None) => Err(xml.wrong(
            reference,
            format!("geoReference: {fault}; say with --origin LAT,LON where x=0, y=0 is"),
        )),
    }
}

/// A lane at an end of a road: the road, its end, the lane's id.
type LaneAt = (usize, End, i32);

/// A way over a junction as it is written: the connecting road, where it is entered, and for each lane
/// that leads to it the lane of its own.
struct Crossing {
    connecting: usize,
    entry: End,
    lanes: Vec<(i32, i32)>,
}

/// The connections of all junctions whose roads are there.
fn crossings(
    xml: &Xml<'_, '_>,
    root: Element<'_, '_>,
    by_id: &HashMap<String, usize>,
) -> Vec<Crossing> {
    let mut crossings = Vec::new();
    for at in children(root, "junction").flat_map(|junction| children(junction, "connection")) {
        let id = at.attribute("connectingRoad");
        let Some(&connecting) = id.and_then(|id| by_id.get(id)) else {
            continue;
        };
        let entry = xml.keep(road::contact(xml, at));
        let lane = |link, key| xml.keep(road::lane_number(xml, link, key));
        let lanes = children(at, "laneLink")
            .filter_map(|link| lane(link, "from").zip(lane(link, "to")))
            .collect();
        crossings.extend(entry.map(|entry| Crossing {
            connecting,
            entry,
            lanes,
        }));
    }
    crossings
}

struct Reader<'r> {
    roads: &'r [Road],
    by_id: HashMap<String, usize>,
    reach_m: f64,
    points: usize,
    /// Where lanes at a junction ended up: the net's road and the place among its lanes.
    lanes: HashMap<LaneAt, (usize, usize)>,
    net: Net,
}

impl Reader<'_> {
    /// Junctions lie in the middle of the roads that end there.
    fn nodes(&mut self, root: Element<'_, '_>) {
        let mut ends: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
        for road in self.roads.iter().filter(|road| road.inside.is_none()) {
            for end in [End::Start, End::End] {
                if let (Some(Joined::Junction(id)), Some(point)) =
                    (road.joined(end), road.end_point(end))
                {
                    ends.entry(id).or_default().push(point);
                }
            }
        }
        let named = children(root, "junction")
            .filter_map(|at| Some((at.attribute("id")?, at.attribute("name")?)));
        let names: HashMap<&str, &str> = named.filter(|(_, name)| !name.is_empty()).collect();
        for (id, points) in ends {
            let middle =
                |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
            let node = net::Node {
                name: names
                    .get(id)
                    .map_or_else(|| format!("junction {id}"), |name| (*name).to_owned()),
                at: (middle(|p| p.0), middle(|p| p.1)),
            };
            self.net.nodes.insert(id.to_owned(), node);
        }
    }

    /// The roads to and from every junction.
    fn arms(&mut self) -> Result<(), Refused> {
        for (at, road) in self
            .roads
            .iter()
            .enumerate()
            .filter(|(_, road)| road.inside.is_none())
        {
            for end in [End::Start, End::End] {
                let Some(Joined::Junction(junction)) = road.joined(end) else {
                    continue;
                };
                let far = self.far_end(at, end);
                self.arm(at, end, junction, &far, true)?;
                self.arm(at, end, junction, &far, false)?;
            }
        }
        Ok(())
    }

    /// The node at the other end of the roads that begin at this end of one.
    fn far_end(&mut self, road: usize, end: End) -> String {
        let (mut road, mut end) = (road, other(end));
        for _ in 0..MOST_HOPS {
            match self.roads[road].joined(end) {
                Some(Joined::Junction(id)) if self.net.nodes.contains_key(id) => return id.clone(),
                Some(Joined::Road(id, contact)) => match self.by_id.get(id) {
                    Some(next) if *next != road => (road, end) = (*next, other(*contact)),
                    _ => break,
                },
                _ => break,
            }
        }
        let name = format!(
            "{} {}",
            self.roads[road].name,
            if end == End::Start { "start" } else { "end" }
        );
        let at = self.roads[road].end_point(end).unwrap_or_default();
        // Between the ids of junctions this cannot be one of them.
        let key = format!(
            "{}:{}",
            self.roads[road].id,
            if end == End::Start { "start" } else { "end" }
        );
        self.net
            .nodes
            .entry(key.clone())
            .or_insert(net::Node { name, at });
        key
    }

    /// The lanes of a road that lead to the junction at its end, or away from it.
    fn arm(
        &mut self,
        at: usize,
        end: End,
        junction: &str,
        far: &str,
        inward: bool,
    ) -> Result<(), Refused> {
        let road = &self.roads[at];
        let section = if end == End::Start {
            0
        } else {
            road.sections.len() - 1
        };
        // Lanes on the right go the way of the reference line.
        let right = inward == (end == End::End);
        let of_side = road.sections[section]
            .lanes
            .iter()
            .filter(|(id, _)| (**id < 0) == right);
        let mut ids: Vec<i32> = of_side
            .filter(|(_, lane)| lane.kind.is_some())
            .map(|(id, _)| *id)
            .collect();
        // From the left as one drives: the nearest to the reference line first.
        ids.sort_by_key(|id| id.abs());
        let mut lanes = Vec::new();
        for id in &ids {
            let lane = &road.sections[section].lanes[id];
            let (mut line, width_m) = self.follow(at, end, section, *id)?;
            if inward {
                line.reverse();
            }
            lanes.push(net::Lane {
                width_m,
                kind: lane.kind.unwrap_or(v2x_msg::kinds::map::LaneKind::Vehicle(
                    v2x_msg::kinds::map::VehicleLane::NONE,
                )),
                limit_mps: lane.limit_mps,
                line,
            });
        }
        if lanes.is_empty() {
            return Ok(());
        }
        let place = self.net.roads.len();
        for (lane, id) in ids.iter().enumerate() {
            self.lanes.insert((at, end, *id), (place, lane));
        }
        let (from, to) = if inward {
            (far, junction)
        } else {
            (junction, far)
        };
        self.net.roads.push(net::Road {
            name: road.name.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            lanes,
            only_for: Some(junction.to_owned()),
        });
        Ok(())
    }

    /// The centre line of a lane from an end of its road away from there, and its width at that end.
    fn follow(
        &mut self,
        road: usize,
        end: End,
        section: usize,
        lane: i32,
    ) -> Result<(Vec<Point>, f64), Refused> {
        let (mut road, mut section, mut lane) = (road, section, lane);
        let mut along_s = end == End::Start;
        let mut line: Vec<Point> = Vec::new();
        let mut width_m = None;
        let mut left_m = self.reach_m;
        for _ in 0..MOST_HOPS {
            let here = &self.roads[road];
            let (from, to) = (here.sections[section].s, here.section_end(section));
            let length_m = (to - from).min(left_m);
            let steps = (length_m / STEP_M).ceil().max(1.0) as usize;
            self.points += steps + 1;
            if self.points > MOST_POINTS {
                return Err(Refused::unusable(format!(
                    "its lanes have more than {MOST_POINTS} points"
                )));
            }
            for step in 0..=steps {
                let by_m = length_m * step as f64 / steps as f64;
                let s = if along_s { from + by_m } else { to - by_m };
                if let Some((point, width)) = here.centre(section, lane, s) {
                    width_m.get_or_insert(width);
                    line.push(point);
                }
            }
            left_m -= to - from;
            if left_m <= 0.0 {
                break;
            }
            let Some(next) = self.next_lane(road, section, lane, along_s) else {
                break;
            };
            (road, section, lane, along_s) = next;
        }
        Ok((line, width_m.unwrap_or(0.0)))
    }

    /// Which lane goes on behind a section, in which road, and whether along its reference line.
    fn next_lane(
        &self,
        road: usize,
        section: usize,
        lane: i32,
        along_s: bool,
    ) -> Option<(usize, usize, i32, bool)> {
        let here = &self.roads[road];
        let this = here.sections[section].lanes.get(&lane)?;
        let joined = if along_s { this.after } else { this.before };
        let beside = if along_s {
            section.checked_add(1)
        } else {
            section.checked_sub(1)
        };
        let beside = beside.filter(|beside| *beside < here.sections.len());
        let (road, section, along_s) = match beside {
            Some(beside) => (road, beside, along_s),
            None => match here.joined(if along_s { End::End } else { End::Start })? {
                Joined::Road(id, contact) => {
                    let next = *self.by_id.get(id)?;
                    let last = self.roads[next].sections.len().checked_sub(1)?;
                    (
                        next,
                        if *contact == End::Start { 0 } else { last },
                        *contact == End::Start,
                    )
                }
                Joined::Junction(_) => return None,
            },
        };
        let lane = joined?;
        let known = self.roads[road].sections[section].lanes.contains_key(&lane);
        known.then_some((road, section, lane, along_s))
    }

    fn turns(&mut self, crossings: &[Crossing]) {
        let mut faces: HashMap<&str, &Face> = HashMap::new();
        for signal in self.roads.iter().flat_map(|road| &road.signals) {
            if let Some(face) = &signal.face {
                faces.insert(&signal.id, face);
            }
        }
        let mut lost = 0;
        for crossing in crossings {
            for (from, to) in &crossing.lanes {
                match self.turn(crossing.connecting, crossing.entry, *from, *to, &faces) {
                    Some(turn) => self.net.turns.push(turn),
                    None => lost += 1,
                }
            }
        }
        if lost > 0 {
            let note =
                format!("{lost} lane links of junctions lead from or to lanes that are not told");
            self.net.notes.push(note);
        }
    }

    fn turn(
        &self,
        connecting: usize,
        entry: End,
        from: i32,
        to: i32,
        faces: &HashMap<&str, &Face>,
    ) -> Option<Turning> {
        let road = &self.roads[connecting];
        let Joined::Road(incoming, incoming_end) = road.joined(entry)? else {
            return None;
        };
        let incoming = *self.by_id.get(incoming)?;
        let Joined::Road(outgoing, outgoing_end) = road.joined(other(entry))? else {
            return None;
        };
        let outgoing = *self.by_id.get(outgoing)?;
        // Through the sections of the connecting road.
        let along_s = entry == End::Start;
        let last = road.sections.len().checked_sub(1)?;
        let (mut section, mut lane) = (if along_s { 0 } else { last }, to);
        for _ in 0..last {
            (_, section, lane, _) = self.next_lane(connecting, section, lane, along_s)?;
        }
        let leaving = road.sections[section].lanes.get(&lane)?;
        let out = if along_s {
            leaving.after
        } else {
            leaving.before
        }?;
        let &(from_road, from_lane) = self.lanes.get(&(incoming, *incoming_end, from))?;
        let &(to_road, to_lane) = self.lanes.get(&(outgoing, *outgoing_end, out))?;
        let plane = |line: &[Point]| -> Vec<Enu> { line.iter().map(ground).collect() };
        let ends = (
            plane(&self.net.roads[from_road].lanes[from_lane].line),
            plane(&self.net.roads[to_road].lanes[to_lane].line),
        );
        let turn = Turn::between(&ends.0, &ends.1)?;
        let at_entry = road.signals.iter().filter(|signal| signal.holds_for(to));
        let before = &self.roads[incoming];
        let end_s = if *incoming_end == End::End {
            before.length
        } else {
            0.0
        };
        let towards = if *incoming_end == End::End { "-" } else { "+" };
        let before = before.signals.iter().filter(|signal| {
            signal.holds_for(from)
                && signal.orientation != towards
                && (signal.s - end_s).abs() <= SIGNAL_M
        });
        Some(Turning {
            from_road,
            from_lane,
            to_road,
            to_lane,
            turn,
            signal: ruling(at_entry, turn, faces).or_else(|| ruling(before, turn, faces)),
        })
    }
}

/// The light that rules a turn: with its arrow before one with a full face.
fn ruling<'s>(
    signals: impl Iterator<Item = &'s SignalAt>,
    turn: Turn,
    faces: &HashMap<&str, &Face>,
) -> Option<Signal> {
    let mut full = None;
    for signal in signals {
        let Some(face) = faces.get(signal.id.as_str()).filter(|face| face.dynamic) else {
            continue;
        };
        let made = |shows: &str, permissive| Signal {
            lamp: signal.id.clone(),
            shows: shows.to_owned(),
            permissive,
        };
        match (face.kind.as_str(), face.subkind.as_str()) {
            ("1000011", arrow) if points(arrow, turn) => {
                return Some(made(&format!("arrow {arrow}"), false));
            }
            ("1000001", _) => {
                full = full.or_else(|| Some(made("full face", turn != Turn::Straight)));
            }
            _ => {}
        }
    }
    full
}

/// Whether an arrow (country OpenDRIVE, type 1000011) points the way of a turn.
fn points(arrow: &str, turn: Turn) -> bool {
    match arrow {
        "10" => matches!(turn, Turn::Left | Turn::UTurn),
        "20" => turn == Turn::Right,
        "30" => turn == Turn::Straight,
        "40" => matches!(turn, Turn::Left | Turn::Straight),
        "50" => matches!(turn, Turn::Right | Turn::Straight),
        _ => false,
    }
}

fn other(end: End) -> End {
    match end {
        End::Start => End::End,
        End::End => End::Start,
    }
}

fn ground(&(east_m, north_m): &Point) -> Enu {
    Enu {
        east_m,
        north_m,
        up_m: 0.0,
    }
}
