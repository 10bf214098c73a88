//! MAP: the road, once a second.
//!
//! Built once from the site; from message to message only `msgCnt` and the minute change
//! (T/CSAE 159-2020, 8.2). This junction comes with its in-links; its exits are in-links of the
//! neighbouring nodes, which go along if the whole fits into one message. A junction that is too
//! long alone goes out in several messages in a row, each with some of its links. Not here: whether
//! the road makes sense, which the site has checked.

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

/// The fewest messages that tell the site.
fn parts(
    config: &Config,
    site: &Site,
    msg_cnt: MsgCount,
    events: &mut Events,
) -> Result<Vec<Map>, Unbuildable> {
    let plane = Plane::of(site);
    let here = node(site, &plane, site.node)?;
    if here.links().is_empty() {
        return Err(Unbuildable::NoLinks);
    }
    if config.exits {
        let mut nodes = vec![here.clone()];
        for exit in site.links.iter().filter(|link| link.upstream == site.node) {
            if nodes.iter().all(|known| known.id != exit.downstream) {
                nodes.push(node(site, &plane, exit.downstream)?);
            }
        }
        let whole = Map::new(msg_cnt, nodes)?;
        if fits(&whole) {
            return Ok(vec![whole]);
        }
        events.raise(Event::MapWithoutNeighbours);
    }
    let alone = Map::new(msg_cnt, [here.clone()])?;
    if fits(&alone) {
        return Ok(vec![alone]);
    }
    let parts = split(&here, msg_cnt, events)?;
    events.raise(Event::MapInParts { parts: parts.len() });
    Ok(parts)
}

/// The node in several messages, each with as many of its links as fit.
fn split(whole: &Node, msg_cnt: MsgCount, events: &mut Events) -> Result<Vec<Map>, Unbuildable> {
    let with = |links: &[Link]| -> Result<Map, Refused> {
        let mut part = Node::new(whole.id, whole.ref_pos, links.iter().cloned())?;
        part.name = whole.name;
        Map::new(msg_cnt, [part])
    };
    let mut parts = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for (place, link) in whole.links().iter().enumerate() {
        if !fits(&with(std::slice::from_ref(link))?) {
            events.raise(Event::LinkTooLong { link: place });
            continue;
        }
        links.push(link.clone());
        if !fits(&with(&links)?) {
            links.pop();
            parts.push(with(&links)?);
            links = vec![link.clone()];
        }
    }
    if !links.is_empty() {
        parts.push(with(&links)?);
    }
    if parts.is_empty() {
        Err(Unbuildable::NoLinks)
    } else {
        Ok(parts)
    }
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
    let mut tolerance_m = FINEST_M;
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

/// The site's frame, and whether the site tells heights.
struct Plane<'a> {
    frame: &'a EnuFrame,
    heights: bool,
}

impl<'a> Plane<'a> {
    /// A site whose points are all level with its origin tells none: they would be made up.
    fn of(site: &'a Site) -> Self {
        let lanes = site.links.iter().flat_map(|link| &link.lanes);
        let mut points = lanes.flat_map(|lane| &lane.centre);
        Self {
            frame: &site.frame,
            heights: points.any(|point| point.up_m.abs() >= LEVEL_M),
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

/// A tenth of what T/CSAE 159-2020 allows a lane to be off.
const FINEST_M: f64 = 0.05;
/// Half a step of height: what is closer to the origin's height counts as level with it.
const LEVEL_M: f64 = 0.05;
/// Points of a link or a lane.
const MOST_POINTS: usize = 31;

#[cfg(test)]
mod tests {
    use v2x_msg::access::dsmp;
    use v2x_msg::base::{LaneId, PhaseId};

    use super::*;
    use crate::clock::Utc;
    use crate::services::fixture::{HERE, crossing, far};

    /// 2025-12-31T23:59:59Z.
    fn now() -> Now {
        Now {
            mono: Mono::ZERO,
            utc: Utc::from_unix_ms(1_767_225_599_000).unwrap(),
        }
    }

    fn service(site: &Site) -> (Service, Vec<Event>) {
        let mut events = Events::default();
        let count = MsgCount::new(127).unwrap();
        let service = Service::new(&Config::default(), site, count, &mut events).unwrap();
        (service, std::iter::from_fn(|| events.poll()).collect())
    }

    /// The messages of one slot, as a receiver reads them.
    fn slot(service: &mut Service, now: Now, dated: bool) -> Vec<Map> {
        service.ready = Some((now.mono, 0));
        let mut frame = Frame::new();
        let mut messages = Vec::new();
        while service.is_ready() {
            service.compose(now, dated, &mut frame).unwrap();
            let dsmp = dsmp::parse(frame.bytes()).unwrap();
            assert_eq!(dsmp.aid_number, 3618);
            messages.push(Map::read(&Message::decode(dsmp.data).unwrap()).unwrap());
        }
        messages
    }

    fn first(site: &Site) -> Map {
        slot(&mut service(site).0, now(), true).remove(0)
    }

    #[test]
    fn the_junction_comes_with_its_in_links_and_the_exits_as_in_links_of_neighbours() {
        let map = first(&crossing(2, 2));
        let ids: Vec<_> = map.nodes().iter().map(|node| node.id).collect();
        assert_eq!(ids, [HERE, far(0), far(1), far(2), far(3)]);
        let upstream: Vec<_> = map.nodes()[0]
            .links()
            .iter()
            .map(|link| link.upstream)
            .collect();
        assert_eq!(upstream, [far(0), far(1), far(2), far(3)]);
        for neighbour in &map.nodes()[1..] {
            let upstream: Vec<_> = neighbour.links().iter().map(|link| link.upstream).collect();
            assert_eq!(upstream, [HERE]);
        }
    }

    #[test]
    fn a_link_tells_width_limit_points_and_where_it_leads() {
        let map = first(&crossing(2, 2));
        let link = &map.nodes()[0].links()[0];
        assert_eq!(link.width.steps(), 700);
        assert_eq!(link.speed_limits[0].kind, SpeedLimitKind::VehicleMax);
        assert_eq!(link.speed_limits[0].speed.steps(), 695);
        assert_eq!(link.points.as_ref().unwrap().len(), 2);
        let leads = Movement {
            remote: far(2),
            phase: PhaseId::new(1).ok(),
        };
        assert_eq!(&link.movements[..], [leads]);
    }

    #[test]
    fn a_lane_tells_its_line_maneuvers_and_connections() {
        let site = crossing(2, 2);
        let map = first(&site);
        let lane = &map.nodes()[0].links()[0].lanes()[1];
        assert_eq!(lane.id, LaneId::new(2).unwrap());
        assert_eq!(lane.width.unwrap().steps(), 350);
        assert!(lane.maneuvers.is_some());
        assert_eq!(lane.connects_to[0].remote, far(2));
        assert_eq!(lane.connects_to[0].phase, PhaseId::new(1).ok());
        assert_eq!(lane.connects_to[0].lane.unwrap().lane, lane.id);
        let stop = *lane.points.as_ref().unwrap().last().unwrap();
        let (stop, truth) = (site.frame.enu(stop), site.links[0].lanes[1].centre[1]);
        assert!((stop.east_m - truth.east_m).hypot(stop.north_m - truth.north_m) < 0.02);
    }

    #[test]
    fn only_the_count_and_the_minute_change_from_message_to_message() {
        let site = crossing(2, 2);
        let (mut service, events) = service(&site);
        assert_eq!(events, []);
        let before = slot(&mut service, now(), true).remove(0);
        let second = Duration::from_secs(1);
        let later = Now {
            mono: now().mono + second,
            utc: now().utc + second,
        };
        let after = slot(&mut service, later, true).remove(0);
        assert_eq!((before.msg_cnt.value(), after.msg_cnt.value()), (127, 0));
        assert_eq!(
            before.time_stamp.map(MinuteOfYear::value),
            Some(365 * 1440 - 1)
        );
        assert_eq!(after.time_stamp.map(MinuteOfYear::value), Some(0));
        assert_eq!(before.nodes(), after.nodes());
    }

    #[test]
    fn without_a_good_clock_no_minute_is_told() {
        let (mut service, _) = service(&crossing(2, 2));
        assert_eq!(slot(&mut service, now(), false)[0].time_stamp, None);
    }

    #[test]
    fn neighbours_are_left_out_where_the_whole_is_too_long() {
        let (mut service, events) = service(&crossing(4, 6));
        assert_eq!(events, [Event::MapWithoutNeighbours]);
        let messages = slot(&mut service, now(), true);
        assert_eq!((messages.len(), messages[0].nodes().len()), (1, 1));
        assert_eq!(messages[0].nodes()[0].links().len(), 4);
    }

    #[test]
    fn a_junction_that_is_too_long_goes_out_in_parts_that_hold_all_its_links() {
        let (mut service, events) = service(&crossing(6, 12));
        let messages = slot(&mut service, now(), true);
        assert!(messages.len() > 1);
        let parts = messages.len();
        assert_eq!(
            events,
            [Event::MapWithoutNeighbours, Event::MapInParts { parts }]
        );
        let nodes = messages.iter().flat_map(Map::nodes);
        assert!(nodes.clone().all(|node| node.id == HERE));
        let links: Vec<_> = nodes
            .flat_map(Node::links)
            .map(|link| link.upstream)
            .collect();
        assert_eq!(links, [far(0), far(1), far(2), far(3)]);
        let counts: Vec<_> = messages.iter().map(|map| map.msg_cnt.value()).collect();
        assert_eq!(counts, [127, 0, 1, 2][..parts]);
    }

    #[test]
    fn a_link_that_is_too_long_alone_is_named_and_left_out() {
        let mut site = crossing(2, 2);
        site.links[0] = crossing(20, 31).links.swap_remove(0);
        let (mut service, events) = service(&site);
        assert!(
            events.contains(&Event::LinkTooLong { link: 0 }),
            "{events:?}"
        );
        let messages = slot(&mut service, now(), true);
        assert_eq!(messages[0].nodes()[0].links().len(), 3);
    }

    #[test]
    fn a_site_without_in_links_has_no_map() {
        let mut site = crossing(2, 2);
        site.links.clear();
        let built = Service::new(
            &Config::default(),
            &site,
            MsgCount::new(0).unwrap(),
            &mut Events::default(),
        );
        assert_eq!(built.err(), Some(Unbuildable::NoLinks));
    }

    #[test]
    fn a_line_with_too_many_bends_is_told_with_31_points() {
        let site = crossing(1, 80);
        let plane = Plane::of(&site);
        let line = points(&plane, &site.links[0].points).unwrap().unwrap();
        assert!(line.len() <= MOST_POINTS);
    }

    #[test]
    fn heights_are_told_where_the_site_has_them() {
        let mut site = crossing(1, 2);
        assert_eq!(
            first(&site).nodes()[0].links()[0].points.as_ref().unwrap()[0].elevation(),
            None
        );
        site.links[0].lanes[0].centre[0].up_m = 1.5;
        let map = first(&site);
        let points = map.nodes()[0].links()[0].lanes()[0]
            .points
            .as_ref()
            .unwrap();
        let heights: Vec<_> = points.iter().map(|p| p.elevation().unwrap().m()).collect();
        assert!(
            (heights[0] - 1.5).abs() < 0.06 && heights[1].abs() < 0.06,
            "{heights:?}"
        );
    }
}
