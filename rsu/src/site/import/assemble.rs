//! One junction of a net as a [`Site`]: which roads, which numbers, which phases.
//!
//! Numbers of nodes are given in the order of the model's ids over all of its nodes, so that the
//! sites of one model agree. Which lamps are one phase, `phases` says.

use std::collections::{BTreeMap, BTreeSet};

use v2x_msg::base::{Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{Crosswalk as CrosswalkDetails, LaneKind, Maneuvers};

use super::net::{Crosswalk, Net, Point, Road};
use super::through::Through;
use super::{Options, Refused};
use crate::site::{Connection, Lane, Link, Node, Site, Turn, line, simplify};

/// What is left out of an imported line lies within this of what remains.
const TOLERANCE_M: f64 = 0.05;
/// Points of an imported line; where a finer line has more, it is told more coarsely.
const MOST_POINTS: usize = 200;
/// Points nearer than this to each other say nothing; a little more than `check` asks for, because a
/// file is written to a centimetre.
const MIN_PIECE_M: f64 = 0.55;
/// Widest and narrowest lane that a site can tell.
const WIDTHS_M: (f64, f64) = (0.5, 30.0);
/// Slowest and fastest limit that a site can tell.
const LIMITS_MPS: (f64, f64) = (1.0 / 3.6, 250.0 / 3.6);

/// The junction that the net calls `key`, and what a person should look at.
pub(super) fn site(
    net: &Net,
    key: &str,
    options: &Options,
) -> Result<(Site, Vec<String>), Refused> {
    let Some(centre) = net.nodes.get(key) else {
        return Err(Refused::unusable(format!(
            "there is no junction {key} in it"
        )));
    };
    let place = net.place.degrees(centre.at.0, centre.at.1);
    let origin =
        place.and_then(|place| GeoPosition::from_deg(place.lat_deg, place.lon_deg, None).ok());
    let origin =
        origin.ok_or_else(|| Refused::unusable(format!("junction {key} is not on the earth")))?;
    let builder = Builder {
        net,
        key,
        options,
        frame: EnuFrame::new(origin),
        numbers: numbers(net, options)?,
        through: Through::of(net),
        cut: BTreeSet::new(),
    };
    let builder = Builder {
        cut: builder.shared_far_ends(),
        ..builder
    };
    builder.site(centre, origin)
}

/// A number for each node of the net.
fn numbers<'n>(net: &'n Net, options: &Options) -> Result<BTreeMap<&'n str, NodeId>, Refused> {
    let most = usize::from(u16::MAX - options.first_node) + 1;
    if net.nodes.len() > most {
        let reason = format!(
            "{} nodes are more than there are numbers from {} to 65535",
            net.nodes.len(),
            options.first_node
        );
        return Err(Refused::unusable(reason));
    }
    let region = options.region;
    let ids = (options.first_node..=u16::MAX).map(|id| NodeId { region, id });
    Ok(net.nodes.keys().map(String::as_str).zip(ids).collect())
}

pub(super) struct Builder<'n> {
    pub(super) net: &'n Net,
    key: &'n str,
    pub(super) options: &'n Options,
    frame: EnuFrame,
    numbers: BTreeMap<&'n str, NodeId>,
    through: Through<'n>,
    /// Nodes where several roads of this junction lead in the end; those are told to the nearest node.
    cut: BTreeSet<&'n str>,
}

impl<'n> Builder<'n> {
    fn site(
        &self,
        centre: &super::net::Node,
        origin: GeoPosition,
    ) -> Result<(Site, Vec<String>), Refused> {
        let mut notes = self.net.notes.clone();
        let (inward, outward) = self.roads(&mut notes);
        if inward.is_empty() {
            return Err(Refused::unusable(format!(
                "no road leads to junction {}",
                self.key
            )));
        }
        let ruled = self.ruled(&inward);
        let (phases, of_lamp) = self.phases(&ruled, &mut notes);
        let mut links = Vec::new();
        for &road in inward.iter().chain(&outward) {
            links.push(self.link(road, inward.contains(&road), &inward, &of_lamp, &mut notes)?);
        }
        let node = self.number(self.key);
        let mut site = Site {
            name: centre.name.clone(),
            node,
            origin,
            frame: self.frame,
            nodes: self.nodes(&links, centre)?,
            links,
            phases,
            conflicts: Vec::new(),
            signs: Vec::new(),
            events: Vec::new(),
            stops: Vec::new(),
            utc_offset_min: crate::site::timetable::CHINA_MIN,
            synthetic: self.options.synthetic,
        };
        site.conflicts = site.crossings();
        notes.push(super::FROM_PATHS.to_owned());
        Ok((site, notes))
    }

    fn number(&self, key: &str) -> NodeId {
        self.numbers[key]
    }

    /// The roads to the junction and those from it, each pair of nodes once: a message has no room
    /// for two roads between the same two nodes.
    fn roads(&self, notes: &mut Vec<String>) -> (Vec<usize>, Vec<usize>) {
        let mut seen = BTreeMap::new();
        let (mut inward, mut outward) = (Vec::new(), Vec::new());
        let roads = self.net.roads.iter().enumerate();
        for (place, road) in roads.filter(|(_, road)| road.serves(self.key)) {
            let (to_here, from_here) = (road.to == self.key, road.from == self.key);
            if to_here == from_here {
                if to_here {
                    notes.push(format!(
                        "road {} leads from the junction back to it and is left out",
                        road.name
                    ));
                }
                continue;
            }
            let far = self.far(place, to_here);
            if let Some(first) = seen.insert((far, to_here), &road.name) {
                notes.push(format!(
                    "road {} joins the same nodes as road {first} and is left out",
                    road.name
                ));
                continue;
            }
            if to_here { &mut inward } else { &mut outward }.push(place);
        }
        // Clockwise from the north, as people number approaches.
        let azimuth = |place: &usize| (self.azimuth_deg(*place) * 1e3) as i64;
        inward.sort_by_key(azimuth);
        outward.sort_by_key(azimuth);
        (inward, outward)
    }

    /// Of a road's arm as seen from the junction, clockwise from north, 0..360.
    pub(super) fn azimuth_deg(&self, road: usize) -> f64 {
        let road = &self.net.roads[road];
        let inward = road.to == self.key;
        let line = road.lanes.first().map_or(&[][..], |lane| &lane.line);
        let line: Vec<Enu> = line.iter().filter_map(|point| self.enu(*point)).collect();
        let arm = if inward {
            let mut part = line::last_part(&line, 30.0);
            part.reverse();
            part
        } else {
            line::first_part(&line, 30.0)
        };
        let (Some(near), Some(far)) = (arm.first(), arm.last()) else {
            return 0.0;
        };
        let (east, north) = line::direction(*near, *far);
        east.atan2(north).to_degrees().rem_euclid(360.0)
    }

    fn enu(&self, (x, y): Point) -> Option<Enu> {
        let place = self.net.place.degrees(x, y)?;
        let point = self.frame.enu_of(place);
        Some(Enu { up_m: 0.0, ..point })
    }

    /// A line of the net in metres of the site, no finer than it need be.
    fn line(&self, name: &str, points: &[Point]) -> Result<Vec<Enu>, Refused> {
        let line: Vec<Enu> = points.iter().filter_map(|point| self.enu(*point)).collect();
        if line.len() < points.len() {
            return Err(Refused::unusable(format!(
                "{name} has points that are not on the earth"
            )));
        }
        if line.len() < 2 {
            return Err(Refused::unusable(format!(
                "{name} has fewer than two points"
            )));
        }
        let mut tolerance_m = TOLERANCE_M;
        let mut kept = simplify::simplified(&line, tolerance_m);
        while kept.len() > MOST_POINTS {
            tolerance_m *= 2.0;
            kept = simplify::simplified(&line, tolerance_m);
        }
        Ok(without_steps(&kept))
    }

    /// What is told of a line: what lies within reach of the junction.
    fn near(&self, line: &[Enu], inward: bool) -> Vec<Enu> {
        without_steps(&if inward {
            line::last_part(line, self.options.reach_m)
        } else {
            line::first_part(line, self.options.reach_m)
        })
    }

    /// The node at the other end of a road, beyond those where it only goes on.
    fn far(&self, road: usize, inward: bool) -> &'n str {
        let far = self.through.far(self.net, self.key, road, inward);
        let road = &self.net.roads[road];
        match (self.cut.contains(far), inward) {
            (false, _) => far,
            (true, true) => &road.from,
            (true, false) => &road.to,
        }
    }

    /// A message tells a link by its two nodes, so two roads between the same two must be cut.
    fn shared_far_ends(&self) -> BTreeSet<&'n str> {
        let mut seen = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for (place, road) in self
            .net
            .roads
            .iter()
            .enumerate()
            .filter(|(_, road)| road.serves(self.key))
        {
            let (to_here, from_here) = (road.to == self.key, road.from == self.key);
            if to_here != from_here {
                let far = self.through.far(self.net, self.key, place, to_here);
                if !seen.insert((far, to_here)) {
                    shared.insert(far);
                }
            }
        }
        shared
    }

    /// The line of a lane, and of those that it continues.
    fn whole_line(&self, road: usize, lane: usize, inward: bool) -> Vec<Point> {
        self.through.line(
            self.net,
            self.key,
            (road, lane),
            inward,
            self.options.reach_m,
        )
    }

    /// The junction's crosswalks, each with the approach that it crosses.
    pub(super) fn crosswalks(&self, inward: &[usize]) -> impl Iterator<Item = (usize, &Crosswalk)> {
        let here = self
            .net
            .crosswalks
            .iter()
            .filter(|walk| walk.node == self.key);
        here.filter_map(move |walk| {
            let road = walk.roads.iter().find(|road| inward.contains(road))?;
            Some((*road, walk))
        })
    }

    fn link(
        &self,
        place: usize,
        inward: bool,
        inward_roads: &[usize],
        of_lamp: &BTreeMap<&str, PhaseId>,
        notes: &mut Vec<String>,
    ) -> Result<Link, Refused> {
        let road = &self.net.roads[place];
        let limit_mps = road
            .lanes
            .iter()
            .map(|lane| lane.limit_mps)
            .fold(0.0, f64::max);
        let mut lanes = Vec::new();
        for (at, source) in road.lanes.iter().enumerate() {
            let name = format!("lane {} of road {}", at + 1, road.name);
            let id =
                lane_id(at).ok_or_else(|| Refused::unusable(format!("{name}: too many lanes")))?;
            let line = self.line(&name, &self.whole_line(place, at, inward))?;
            let connections = if inward {
                self.connections(place, at, of_lamp, notes)
            } else {
                Vec::new()
            };
            let allowed = connections.iter().map(|one| one.turn.maneuver());
            let limit = clamped(source.limit_mps, LIMITS_MPS);
            lanes.push(Lane {
                id,
                width_m: clamped(source.width_m, WIDTHS_M),
                kind: source.kind,
                maneuvers: allowed.fold(Maneuvers::NONE, |all, one| all | one),
                speed_limit_mps: (source.limit_mps < limit_mps).then_some(limit),
                centre: self.near(&line, inward),
                connections,
            });
        }
        self.tell_dead_ends(road, inward, &lanes, notes);
        let reference = reference(&lanes);
        let width_m = lanes.iter().map(|lane| lane.width_m).sum();
        if inward {
            for (_, walk) in self
                .crosswalks(inward_roads)
                .filter(|(road, _)| *road == place)
            {
                lanes.push(self.crosswalk(place, walk, lanes.len(), of_lamp)?);
            }
        }
        Ok(Link {
            name: short(&road.name),
            upstream: self.number(if inward {
                self.far(place, true)
            } else {
                self.key
            }),
            downstream: self.number(if inward {
                self.key
            } else {
                self.far(place, false)
            }),
            speed_limit_mps: clamped(limit_mps, LIMITS_MPS),
            width_m,
            points: line::beside(&reference, width_m / 2.0),
            lanes,
        })
    }

    fn tell_dead_ends(&self, road: &Road, inward: bool, lanes: &[Lane], notes: &mut Vec<String>) {
        let vehicle = |lane: &&Lane| matches!(lane.kind, LaneKind::Vehicle(_));
        for lane in lanes
            .iter()
            .filter(vehicle)
            .filter(|lane| inward && lane.connections.is_empty())
        {
            notes.push(format!(
                "lane {} of road {} leads nowhere: give it its connections by hand",
                lane.id.value(),
                road.name
            ));
        }
    }

    fn connections(
        &self,
        road: usize,
        lane: usize,
        of_lamp: &BTreeMap<&str, PhaseId>,
        notes: &mut Vec<String>,
    ) -> Vec<Connection> {
        let turns = self.net.turns.iter();
        let turns = turns.filter(|turn| turn.from_road == road && turn.from_lane == lane);
        let mut connections: Vec<Connection> = Vec::new();
        for turn in turns {
            let far = self.far(turn.to_road, false);
            let signal = turn.signal.as_ref();
            let connection = Connection {
                to_node: self.number(far),
                to_lane: lane_id(turn.to_lane),
                turn: turn.turn,
                phase: signal.and_then(|signal| of_lamp.get(signal.lamp.as_str()).copied()),
            };
            if far == self.key {
                continue;
            }
            if connections.len() == 8 {
                let name = &self.net.roads[road].name;
                notes.push(format!(
                    "lane {} of road {name} has more than the 8 connections of a message",
                    lane + 1
                ));
                break;
            }
            connections.push(connection);
        }
        connections
    }

    fn crosswalk(
        &self,
        road: usize,
        walk: &Crosswalk,
        at: usize,
        of_lamp: &BTreeMap<&str, PhaseId>,
    ) -> Result<Lane, Refused> {
        let name = format!("the crosswalk of road {}", self.net.roads[road].name);
        let id = lane_id(at).ok_or_else(|| Refused::unusable(format!("{name}: too many lanes")))?;
        let signal = walk.signal.as_ref();
        let phase = signal.and_then(|signal| of_lamp.get(signal.lamp.as_str()).copied());
        let connections: Vec<Connection> = phase
            .map(|phase| Connection {
                to_node: self.number(self.far(road, true)),
                to_lane: None,
                turn: Turn::Straight,
                phase: Some(phase),
            })
            .into_iter()
            .collect();
        Ok(Lane {
            id,
            width_m: clamped(walk.width_m, WIDTHS_M),
            kind: LaneKind::Crosswalk(CrosswalkDetails::NONE),
            maneuvers: connections
                .iter()
                .map(|one| one.turn.maneuver())
                .fold(Maneuvers::NONE, |all, one| all | one),
            speed_limit_mps: None,
            centre: self.line(&name, &walk.line)?,
            connections,
        })
    }

    /// This junction first, then its neighbours.
    fn nodes(&self, links: &[Link], centre: &super::net::Node) -> Result<Vec<Node>, Refused> {
        let here = Node {
            id: self.number(self.key),
            name: centre.name.clone(),
            position: Enu::default(),
        };
        let mut nodes = vec![here];
        for (key, node) in &self.net.nodes {
            let id = self.number(key);
            let named = links
                .iter()
                .any(|link| link.upstream == id || link.downstream == id);
            if named && *key != self.key {
                let position = self.enu(node.at);
                let position = position.ok_or_else(|| {
                    Refused::unusable(format!("junction {key} is not on the earth"))
                })?;
                nodes.push(Node {
                    id,
                    name: short(&node.name),
                    position,
                });
            }
        }
        Ok(nodes)
    }
}

/// The left edge of the leftmost lane, beside the longest lane: a lane for turns may begin late.
fn reference(lanes: &[Lane]) -> Vec<Enu> {
    let long = |lane: &Lane| line::length_m(&lane.centre);
    let longest_m = lanes.iter().map(long).fold(0.0, f64::max);
    // Of the long ones the plainest: one that shifts at its end would shift them all.
    let long_ones = lanes
        .iter()
        .enumerate()
        .filter(|(_, lane)| long(lane) >= 0.9 * longest_m);
    let Some((at, lane)) = long_ones.min_by_key(|(_, lane)| lane.centre.len()) else {
        return Vec::new();
    };
    let left_of_it_m: f64 = lanes[..at].iter().map(|lane| lane.width_m).sum();
    line::beside(&lane.centre, -left_of_it_m - lane.width_m / 2.0)
}

fn lane_id(place: usize) -> Option<LaneId> {
    LaneId::new(u8::try_from(place + 1).ok()?).ok()
}

fn clamped(value: f64, (low, high): (f64, f64)) -> f64 {
    if value.is_nan() {
        low
    } else {
        value.clamp(low, high)
    }
}

/// A name that a message can carry: at most 63 octets.
fn short(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if text.len() + letter.len_utf8() > 63 {
            break;
        }
        text.push(letter);
    }
    text
}

/// Without points that are nearly on top of the one before; the last one stays.
fn without_steps(line: &[Enu]) -> Vec<Enu> {
    let mut kept: Vec<Enu> = Vec::new();
    for point in line {
        if kept
            .last()
            .is_none_or(|last| line::distance_m(*last, *point) >= MIN_PIECE_M)
        {
            kept.push(*point);
        }
    }
    // The end is the stop line: what stands too near before it gives way.
    if let Some(end) = line.last() {
        while kept.len() > 1
            && kept
                .last()
                .is_some_and(|last| line::distance_m(*last, *end) < MIN_PIECE_M)
        {
            kept.pop();
        }
        if kept.last() != Some(end) {
            kept.push(*end);
        }
    }
    kept
}
