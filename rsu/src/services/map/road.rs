//! A node of MAP with its links and lanes, made of the site's.

use v2x_msg::base::{LaneId, LaneWidth, Many, Name, NodeId, Speed};
use v2x_msg::kinds::map::{
    ConnectingLane, Connection, Lane, Link, Movement, Node, SpeedLimit, SpeedLimitKind, SpeedLimits,
};

use super::Unbuildable;
use super::lines::{Cut, Of, Plane, Told};
use crate::site::{self, Site, line};

/// A node as it is told, and what of it is not.
pub(super) struct Built {
    pub(super) node: Node,
    /// How far its lanes may be off.
    pub(super) tolerance_m: f64,
    /// Whether it is told with its names.
    pub(super) names: bool,
    pub(super) cuts: Vec<Cut>,
}

/// A node of the site with its in-links.
pub(super) fn node(site: &Site, plane: &Plane<'_>, id: NodeId) -> Result<Built, Unbuildable> {
    node_of(site, plane, id, in_links(site, id))
}

/// The links to a node; of a neighbour, only that which comes from here.
pub(super) fn in_links(site: &Site, id: NodeId) -> impl Iterator<Item = &site::Link> {
    let leads_here = move |link: &&site::Link| {
        link.downstream == id && (id == site.node || link.upstream == site.node)
    };
    site.links.iter().filter(leads_here)
}

/// A node with some of its in-links.
pub(super) fn node_of<'s>(
    site: &Site,
    plane: &Plane<'_>,
    id: NodeId,
    sources: impl Iterator<Item = &'s site::Link>,
) -> Result<Built, Unbuildable> {
    let mut builder = Builder {
        plane,
        inward: id == site.node,
        tolerance_m: plane.tolerance_m,
        cuts: Vec::new(),
    };
    let links = sources
        .map(|source| builder.link(source))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Built {
        node: assembled(site, plane, id, links)?,
        tolerance_m: builder.tolerance_m,
        names: plane.names,
        cuts: builder.cuts,
    })
}

/// A node with links that have been made.
pub(super) fn assembled(
    site: &Site,
    plane: &Plane<'_>,
    id: NodeId,
    links: impl IntoIterator<Item = Link>,
) -> Result<Node, Unbuildable> {
    let known = site.nodes.iter().find(|node| node.id == id);
    let ref_pos = match known {
        Some(node) if id != site.node => plane.position(node.position)?,
        _ => site.origin,
    };
    let mut node = Node::new(id, ref_pos, links)?;
    let named = known.filter(|_| plane.names);
    node.name = named.and_then(|known| Name::new(&known.name).ok());
    Ok(node)
}

/// The length of the longest line of a link.
pub(super) fn longest_m(link: &site::Link) -> f64 {
    let lanes = link.lanes.iter().map(|lane| line::length_m(&lane.centre));
    lanes.fold(line::length_m(&link.points), f64::max)
}

/// How links are told, and what has been left out of them so far.
struct Builder<'p> {
    plane: &'p Plane<'p>,
    /// Whether the links lead to the junction.
    inward: bool,
    tolerance_m: f64,
    cuts: Vec<Cut>,
}

impl Builder<'_> {
    fn link(&mut self, source: &site::Link) -> Result<Link, Unbuildable> {
        let lanes = source.lanes.iter().map(|one| self.lane(source, one));
        let lanes = lanes.collect::<Result<Vec<_>, _>>()?;
        let mut link = Link::new(source.upstream, LaneWidth::from_m(source.width_m)?, lanes)?;
        link.name = self
            .plane
            .names
            .then(|| Name::new(&source.name).ok())
            .flatten();
        link.speed_limits = speed_limits(Some(source.speed_limit_mps))?;
        let told = self.plane.told(&source.points, Of::Link, self.inward)?;
        self.note(source, None, &told);
        link.points = told.points;
        link.movements = movements(source)?;
        Ok(link)
    }

    fn lane(&mut self, link: &site::Link, source: &site::Lane) -> Result<Lane, Unbuildable> {
        let mut lane = Lane::new(source.id);
        lane.width = Some(LaneWidth::from_m(source.width_m)?);
        lane.attributes = Some(source.attributes());
        lane.maneuvers = Some(source.maneuvers);
        lane.connects_to = Many::new(source.connections.iter().map(connection))?;
        lane.speed_limits = speed_limits(source.speed_limit_mps)?;
        let told = self.plane.told(&source.centre, Of::Lane, self.inward)?;
        self.note(link, Some(source.id), &told);
        self.tolerance_m = self.tolerance_m.max(told.tolerance_m);
        lane.points = told.points;
        Ok(lane)
    }

    fn note(&mut self, link: &site::Link, lane: Option<LaneId>, told: &Told) {
        self.cuts.extend(told.by.map(|by| Cut {
            upstream: link.upstream,
            downstream: link.downstream,
            lane,
            told_m: told.told_m,
            long_m: told.long_m,
            by,
        }));
    }
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
