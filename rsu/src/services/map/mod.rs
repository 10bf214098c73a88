//! MAP: the road, once a second.
//!
//! Built once from the site; from message to message only `msgCnt` and the minute change
//! (T/CSAE 159-2020, 8.2). This junction comes with its in-links; its exits are in-links of the
//! neighbouring nodes. What is too long for one message is first told with fewer points, by at most
//! 0.4 m of the 0.5 m that the standard allows, then split by node into several messages in a row, and
//! last by link. Not here: whether the road makes sense, which the site has checked.

#[cfg(test)]
mod tests;

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::access::dsmp::MAX_DATA;
use v2x_msg::base::{
    Enu, EnuFrame, GeoPosition, LaneWidth, Many, MinuteOfYear, MsgCount, Name, NodeId, OutOfRange,
    Speed, WrongCount,
};
use v2x_msg::kinds::map::{
    ConnectingLane, Connection, Lane, Link, Map, Movement, Node, Points, Refused, SpeedLimit,
    SpeedLimitKind, SpeedLimits,
};

use super::event::{Event, Events};
use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::site::simplify::simplified;
use crate::site::{self, Site};

/// How MAP is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two MAPs, at most 1 s.
    pub period: Duration,
    /// Of the grid's slots behind the UTC second.
    pub offset: Duration,
    /// Whether the exits go along, as in-links of the neighbouring nodes.
    pub exits: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(1),
            offset: Duration::from_millis(30),
            exits: true,
        }
    }
}

/// When MAP is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    grid: Grid,
    msg_cnt: MsgCount,
    /// What is said, and the message that holds it: each its own, so that none allocates again.
    parts: Vec<(Map, Message)>,
    /// The slot in hand and its next part.
    ready: Option<(Mono, usize)>,
}

impl Service {
    /// Builds the messages; what does not fit is told in `events`.
    pub(crate) fn new(
        config: &Config,
        site: &Site,
        msg_cnt: MsgCount,
        events: &mut Events,
    ) -> Result<Self, Unbuildable> {
        let parts = parts(config, site, msg_cnt, events)?;
        Ok(Self {
            grid: Grid::new(config.period, config.offset),
            msg_cnt,
            parts: parts.into_iter().map(with_message).collect(),
            ready: None,
        })
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.grid.follow(now);
    }

    /// Finds out whether MAP is due; returns the slots that went by unused.
    pub(crate) fn turn(&mut self, now: Now) -> u64 {
        let Turn { slot, missed } = self.grid.turn(now, Duration::ZERO);
        if let Some(slot) = slot {
            self.ready = Some((slot, 0));
        }
        missed
    }

    /// When [`Service::turn`] is due next.
    pub(crate) fn due(&self) -> Mono {
        self.grid.due()
    }

    /// Whether a message waits to be composed.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Composes the next message of the slot in hand; with the minute if `dated`.
    pub(crate) fn compose(
        &mut self,
        now: Now,
        dated: bool,
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let (slot, place) = self.ready.take().ok_or(NotSent::Refused)?;
        if place + 1 < self.parts.len() {
            self.ready = Some((slot, place + 1));
        }
        let (map, message) = self.parts.get_mut(place).ok_or(NotSent::Refused)?;
        map.msg_cnt = self.msg_cnt;
        map.time_stamp = dated.then(|| MinuteOfYear::of(now.utc));
        map.fill(message);
        frame.compose(FrameKind::Map, message)?;
        frame.slot = Some(slot);
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }
}

/// A site that no MAP can be made of.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unbuildable {
    /// A rule of the message is broken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A point or a width that the message cannot hold.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A list with too few or too many entries.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// No link leads to the junction.
    #[error("no link leads to the junction")]
    NoLinks,
}

/// The messages that tell a site, in the order in which they are sent, and what does not fit into
/// them. They are as on the air but for their count, which is 0, and their minute, which is `minute`.
///
/// # Errors
/// The site cannot be told; one that was read from a file can, unless a link is too long.
pub fn messages(
    config: &Config,
    site: &Site,
    minute: Option<MinuteOfYear>,
) -> Result<(Vec<Message>, Vec<Event>), Unbuildable> {
    let mut events = Events::default();
    let parts = parts(config, site, MsgCount::from_random(0), &mut events)?;
    let messages = parts.into_iter().map(|mut map| {
        map.time_stamp = minute;
        let mut message = Message::default();
        map.fill(&mut message);
        message
    });
    let messages = messages.collect();
    Ok((messages, std::iter::from_fn(|| events.poll()).collect()))
}

/// The fewest messages that tell the site, and of those the most exact.
fn parts(
    config: &Config,
    site: &Site,
    msg_cnt: MsgCount,
    events: &mut Events,
) -> Result<Vec<Map>, Unbuildable> {
    let mut whole = None;
    for tolerance_m in TOLERANCES_M {
        let nodes = nodes(config, site, tolerance_m)?;
        let map = Map::new(msg_cnt, nodes.iter().cloned())?;
        if fits(&map) {
            tell_tolerance(tolerance_m, events);
            return Ok(vec![map]);
        }
        // With this junction in one message, exactness comes before the number of messages.
        let alone = Map::new(msg_cnt, nodes.iter().take(1).cloned())?;
        if whole.is_none() && fits(&alone) {
            whole = Some((tolerance_m, nodes));
        }
    }
    let (tolerance_m, nodes) = match whole {
        Some(found) => found,
        None => (COARSEST_M, nodes(config, site, COARSEST_M)?),
    };
    tell_tolerance(tolerance_m, events);
    let parts = split(&nodes, msg_cnt, events)?;
    events.raise(Event::MapInParts { parts: parts.len() });
    Ok(parts)
}

fn tell_tolerance(tolerance_m: f64, events: &mut Events) {
    if tolerance_m > FINEST_M {
        events.raise(Event::MapCoarser { tolerance_m });
    }
}

/// This junction, and its neighbours with what leads to them from here.
fn nodes(config: &Config, site: &Site, tolerance_m: f64) -> Result<Vec<Node>, Unbuildable> {
    let plane = Plane::of(site, tolerance_m);
    let here = node(site, &plane, site.node)?;
    if here.links().is_empty() {
        return Err(Unbuildable::NoLinks);
    }
    let mut nodes = vec![here];
    let exits = site.links.iter().filter(|link| link.upstream == site.node);
    for exit in exits.filter(|_| config.exits) {
        if nodes.iter().all(|known| known.id != exit.downstream) {
            nodes.push(node(site, &plane, exit.downstream)?);
        }
    }
    Ok(nodes)
}

/// Several messages, each with as many nodes as fit; a node that is too long alone is repeated with
/// some of its links in each.
fn split(nodes: &[Node], msg_cnt: MsgCount, events: &mut Events) -> Result<Vec<Map>, Unbuildable> {
    let mut parts: Vec<Map> = Vec::new();
    let mut waiting: Vec<Node> = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        for piece in pieces(node, place == 0, msg_cnt, events)? {
            let repeated = waiting.iter().any(|other| other.id == piece.id);
            waiting.push(piece);
            if repeated || !fits(&Map::new(msg_cnt, waiting.iter().cloned())?) {
                let last = waiting.split_off(waiting.len() - 1);
                parts.push(Map::new(msg_cnt, std::mem::replace(&mut waiting, last))?);
            }
        }
    }
    if !waiting.is_empty() {
        parts.push(Map::new(msg_cnt, waiting)?);
    }
    if parts.is_empty() {
        return Err(Unbuildable::NoLinks);
    }
    Ok(parts)
}

/// The node whole if it fits into a message, else with as many of its links as fit, several times.
fn pieces(
    whole: &Node,
    here: bool,
    msg_cnt: MsgCount,
    events: &mut Events,
) -> Result<Vec<Node>, Unbuildable> {
    let with = |links: &[Link]| -> Result<Node, Refused> {
        let mut part = Node::new(whole.id, whole.ref_pos, links.iter().cloned())?;
        part.name = whole.name;
        Ok(part)
    };
    let fit =
        |node: &Node| -> Result<bool, Refused> { Ok(fits(&Map::new(msg_cnt, [node.clone()])?)) };
    if fit(whole)? {
        return Ok(vec![whole.clone()]);
    }
    let mut pieces = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for (place, link) in whole.links().iter().enumerate() {
        if !fit(&with(std::slice::from_ref(link))?)? {
            events.raise(if here {
                Event::LinkTooLong { link: place }
            } else {
                Event::ExitTooLong { to: whole.id }
            });
            continue;
        }
        links.push(link.clone());
        if !fit(&with(&links)?)? {
            links.pop();
            pieces.push(with(&links)?);
            links = vec![link.clone()];
        }
    }
    if !links.is_empty() {
        pieces.push(with(&links)?);
    }
    Ok(pieces)
}

fn with_message(mut map: Map) -> (Map, Message) {
    map.time_stamp = MinuteOfYear::new(0).ok();
    let mut message = Message::default();
    map.fill(&mut message);
    (map, message)
}

fn fits(map: &Map) -> bool {
    let (_, message) = with_message(map.clone());
    message.encode_into(&mut [0; MAX_DATA]).is_ok()
}

/// A node of the site with its in-links; of a neighbour, only that which comes from here.
fn node(site: &Site, plane: &Plane<'_>, id: NodeId) -> Result<Node, Unbuildable> {
    let known = site.nodes.iter().find(|node| node.id == id);
    let ref_pos = match known {
        Some(node) if id != site.node => plane.position(node.position)?,
        _ => site.origin,
    };
    let leads_here = |link: &&site::Link| {
        link.downstream == id && (id == site.node || link.upstream == site.node)
    };
    let links = site.links.iter().filter(leads_here);
    let links = links
        .map(|source| link(plane, source))
        .collect::<Result<Vec<_>, _>>()?;
    let mut node = Node::new(id, ref_pos, links)?;
    node.name = known.and_then(|known| Name::new(&known.name).ok());
    Ok(node)
}

fn link(plane: &Plane<'_>, source: &site::Link) -> Result<Link, Unbuildable> {
    let lanes = source.lanes.iter().map(|source| lane(plane, source));
    let lanes = lanes.collect::<Result<Vec<_>, _>>()?;
    let mut link = Link::new(source.upstream, LaneWidth::from_m(source.width_m)?, lanes)?;
    link.name = Name::new(&source.name).ok();
    link.speed_limits = speed_limits(Some(source.speed_limit_mps))?;
    link.points = points(plane, &source.points)?;
    link.movements = movements(source)?;
    Ok(link)
}

/// Where one can go from a link, and the phases that rule it: what its lanes say, each once.
fn movements(source: &site::Link) -> Result<Many<Movement, 0, 32>, Unbuildable> {
    let mut movements = Many::<Movement, 0, 32>::default();
    let along = source.lanes.iter().filter(|lane| !site::across(lane.kind));
    for connection in along.flat_map(|lane| &lane.connections) {
        let movement = Movement {
            remote: connection.to_node,
            phase: connection.phase,
        };
        if !movements.contains(&movement) {
            movements.push(movement)?;
        }
    }
    Ok(movements)
}

fn lane(plane: &Plane<'_>, source: &site::Lane) -> Result<Lane, Unbuildable> {
    let mut lane = Lane::new(source.id);
    lane.width = Some(LaneWidth::from_m(source.width_m)?);
    lane.attributes = Some(source.attributes());
    lane.maneuvers = Some(source.maneuvers);
    lane.connects_to = Many::new(source.connections.iter().map(connection))?;
    lane.speed_limits = speed_limits(source.speed_limit_mps)?;
    lane.points = points(plane, &source.centre)?;
    Ok(lane)
}

fn connection(source: &site::Connection) -> Connection {
    Connection {
        remote: source.to_node,
        lane: source.to_lane.map(|lane| ConnectingLane {
            lane,
            maneuver: Some(source.turn.maneuver()),
        }),
        phase: source.phase,
    }
}

/// T/CSAE 159-2020, 8.2: the limit of a lane comes before that of its link.
fn speed_limits(limit_mps: Option<f64>) -> Result<SpeedLimits, Unbuildable> {
    let limit = limit_mps.map(Speed::from_mps).transpose()?;
    let limit = limit.map(|speed| SpeedLimit {
        kind: SpeedLimitKind::VehicleMax,
        speed,
    });
    Ok(Many::new(limit)?)
}

/// A line of at most 31 points; None where there are fewer than two.
fn points(plane: &Plane<'_>, line: &[Enu]) -> Result<Option<Points>, Unbuildable> {
    if line.len() < 2 {
        return Ok(None);
    }
    let mut tolerance_m = plane.tolerance_m;
    let mut kept = simplified(line, tolerance_m);
    while kept.len() > MOST_POINTS {
        tolerance_m *= 2.0;
        kept = simplified(line, tolerance_m);
    }
    let kept = kept
        .iter()
        .map(|point| plane.position(*point))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Points::new(kept)?))
}

/// The site's frame, whether the site tells heights, and how exact its lines are told.
struct Plane<'a> {
    frame: &'a EnuFrame,
    heights: bool,
    tolerance_m: f64,
}

impl<'a> Plane<'a> {
    /// A site whose points are all level with its origin tells none: they would be made up.
    fn of(site: &'a Site, tolerance_m: f64) -> Self {
        let lanes = site.links.iter().flat_map(|link| &link.lanes);
        let mut points = lanes.flat_map(|lane| &lane.centre);
        Self {
            frame: &site.frame,
            heights: points.any(|point| point.up_m.abs() >= LEVEL_M),
            tolerance_m,
        }
    }

    fn position(&self, point: Enu) -> Result<GeoPosition, OutOfRange> {
        if self.heights {
            self.frame.position(point)
        } else {
            self.frame.ground_position(point.east_m, point.north_m)
        }
    }
}

/// A tenth of what T/CSAE 159-2020, 8.2.3 allows a lane to be off.
const FINEST_M: f64 = 0.05;
/// Of the half metre that a lane may be off, what is left for the survey and for rounding is a fifth.
const COARSEST_M: f64 = 0.4;
/// From exact to short.
const TOLERANCES_M: [f64; 4] = [FINEST_M, 0.1, 0.2, COARSEST_M];
/// Half a step of height: what is closer to the origin's height counts as level with it.
const LEVEL_M: f64 = 0.05;
/// Points of a link or a lane.
const MOST_POINTS: usize = 31;
