//! The site as one message, or as few as it takes, and what is left out of them.
//!
//! What is too long for one message is first told with fewer points, within the 0.5 m that the standard
//! allows; then the junction gets a message's room of its own, and its neighbours as few as hold them,
//! as exact as they fit. No public rule says how a node may be split, and a receiver that keeps the
//! last it heard of a node loses what an earlier message said: so a node that is too long alone is told
//! without names, which nobody drives by, then shorter, from its junction, as long as vehicles have the
//! last 150 m. Only then it is repeated with some of its links in each message, and a link that is too
//! long even so is left out.

use v2x_msg::access::dsmp::MAX_DATA;
use v2x_msg::base::{MsgCount, NodeId};
use v2x_msg::kinds::map::{Link, Map, Node};

use super::lines::{COARSEST_M, Cut, FINEST_M, Plane, TOLERANCES_M};
use super::road::{self, Built};
use super::{Config, Unbuildable, with_message};
use crate::site::Site;

/// What the messages do not tell as the site has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeftOut {
    /// How far lanes are off, where that is more than usual.
    pub coarser_m: Option<f64>,
    /// Whether a node and its links are told without their names.
    pub names: bool,
    /// How many messages tell the site.
    pub parts: usize,
    /// Nodes that are repeated, with some of their links in each message.
    pub spread: Vec<NodeId>,
    /// Lines that are told only in part.
    pub cuts: Vec<Cut>,
    /// Links that are not told, each by the nodes that it joins.
    pub links: Vec<(NodeId, NodeId)>,
}

/// The fewest messages that tell the site, and of those the most exact.
pub(super) fn parts(
    config: &Config,
    site: &Site,
    msg_cnt: MsgCount,
) -> Result<(Vec<Map>, LeftOut), Unbuildable> {
    let plane = Plane::of(site);
    let ids = told_nodes(config, site)?;
    for tolerance_m in TOLERANCES_M {
        let plane = plane.with(tolerance_m, f64::INFINITY);
        let built = ids.iter().map(|id| road::node(site, &plane, *id));
        let built = built.collect::<Result<Vec<Built>, _>>()?;
        let map = Map::new(msg_cnt, built.iter().map(|built| built.node.clone()))?;
        if fits(&map) {
            let mut left_out = LeftOut::default();
            built.iter().for_each(|built| left_out.note(built));
            left_out.parts = 1;
            return Ok((vec![map], left_out));
        }
    }
    split(site, &ids, msg_cnt)
}

/// This junction, and its neighbours to which roads lead from here.
fn told_nodes(config: &Config, site: &Site) -> Result<Vec<NodeId>, Unbuildable> {
    if site.approaches().next().is_none() {
        return Err(Unbuildable::NoLinks);
    }
    let mut ids = vec![site.node];
    for exit in site.exits().filter(|_| config.exits) {
        if !ids.contains(&exit.downstream) {
            ids.push(exit.downstream);
        }
    }
    Ok(ids)
}

/// Several messages: this junction as exact as it fits, the others first as few and then as exact.
fn split(
    site: &Site,
    ids: &[NodeId],
    msg_cnt: MsgCount,
) -> Result<(Vec<Map>, LeftOut), Unbuildable> {
    let (here, others) = ids.split_first().ok_or(Unbuildable::NoLinks)?;
    let mut told = LeftOut::default();
    let here = pieces(site, *here, msg_cnt, FINEST_M, &mut told)?;
    if here.is_empty() {
        return Err(Unbuildable::TooLong);
    }
    let mut best: Option<(Vec<Map>, LeftOut)> = None;
    for finest_m in TOLERANCES_M {
        let mut left_out = told.clone();
        let mut nodes = here.clone();
        for id in others {
            nodes.extend(pieces(site, *id, msg_cnt, finest_m, &mut left_out)?);
        }
        let maps = packed(nodes, msg_cnt)?;
        left_out.parts = maps.len();
        if best
            .as_ref()
            .is_none_or(|(fewest, _)| maps.len() < fewest.len())
        {
            best = Some((maps, left_out));
        }
    }
    best.ok_or(Unbuildable::TooLong)
}

/// Messages in a row, each with as many nodes as fit.
fn packed(nodes: Vec<Node>, msg_cnt: MsgCount) -> Result<Vec<Map>, Unbuildable> {
    let mut maps: Vec<Map> = Vec::new();
    let mut waiting: Vec<Node> = Vec::new();
    for node in nodes {
        let repeated = waiting.iter().any(|other| other.id == node.id);
        waiting.push(node);
        if repeated || !fits(&Map::new(msg_cnt, waiting.iter().cloned())?) {
            let last = waiting.split_off(waiting.len() - 1);
            maps.push(Map::new(msg_cnt, std::mem::replace(&mut waiting, last))?);
        }
    }
    if !waiting.is_empty() {
        maps.push(Map::new(msg_cnt, waiting)?);
    }
    Ok(maps)
}

/// The node whole if it fits into a message in any way, else several times with some of its links;
/// no more exact than `finest_m`.
fn pieces(
    site: &Site,
    id: NodeId,
    msg_cnt: MsgCount,
    finest_m: f64,
    left_out: &mut LeftOut,
) -> Result<Vec<Node>, Unbuildable> {
    let build = |plane: &Plane<'_>| road::node(site, plane, id);
    let named = TOLERANCES_M.into_iter().filter(|off_m| *off_m >= finest_m);
    let named: Vec<f64> = named.collect();
    if let Some(built) = as_whole(site, msg_cnt, &named, build)? {
        left_out.note(&built);
        return Ok(vec![built.node]);
    }
    let plane = Plane::of(site).without_names();
    let with = |links: &[Link]| road::assembled(site, &plane, id, links.iter().cloned());
    let mut pieces: Vec<Node> = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for source in road::in_links(site, id) {
        let build = |plane: &Plane<'_>| road::node_of(site, plane, id, std::iter::once(source));
        // The fewer pieces, the fewer links a receiver may lose.
        let Some(built) = as_whole(site, msg_cnt, &[], build)? else {
            left_out.links.push((source.upstream, source.downstream));
            continue;
        };
        left_out.note(&built);
        links.extend(built.node.links().iter().cloned());
        if fits(&Map::new(msg_cnt, [with(&links)?])?) {
            continue;
        }
        let last = links.split_off(links.len() - 1);
        pieces.push(with(&links)?);
        links = last;
    }
    if !links.is_empty() {
        pieces.push(with(&links)?);
    }
    if pieces.len() > 1 {
        left_out.spread.push(id);
    }
    Ok(pieces)
}

/// What fits into a message alone: with its names as exact as it can be, else without them, else
/// shorter; None where even that is too long.
fn as_whole(
    site: &Site,
    msg_cnt: MsgCount,
    named_m: &[f64],
    build: impl Fn(&Plane<'_>) -> Result<Built, Unbuildable>,
) -> Result<Option<Built>, Unbuildable> {
    let plane = Plane::of(site);
    let fitting = |plane: Plane<'_>| -> Result<Option<Built>, Unbuildable> {
        let built = build(&plane)?;
        let map = Map::new(msg_cnt, [built.node.clone()])?;
        Ok(fits(&map).then_some(built))
    };
    for &tolerance_m in named_m {
        if let Some(built) = fitting(plane.with(tolerance_m, f64::INFINITY))? {
            return Ok(Some(built));
        }
    }
    let bare = |reach_m| fitting(plane.with(COARSEST_M, reach_m).without_names());
    if let Some(built) = bare(f64::INFINITY)? {
        return Ok(Some(built));
    }
    let Some(mut best) = bare(LEAST_REACH_M)? else {
        return Ok(None);
    };
    let lines = site.links.iter().map(road::longest_m);
    let (mut holds_m, mut too_far_m) = (LEAST_REACH_M, lines.fold(LEAST_REACH_M, f64::max));
    while too_far_m - holds_m > REACH_STEP_M {
        let middle_m = f64::midpoint(holds_m, too_far_m);
        match bare(middle_m)? {
            Some(built) => (best, holds_m) = (built, middle_m),
            None => too_far_m = middle_m,
        }
    }
    Ok(Some(best))
}

impl LeftOut {
    fn note(&mut self, built: &Built) {
        if built.tolerance_m > FINEST_M {
            let so_far_m = self.coarser_m.unwrap_or(FINEST_M);
            self.coarser_m = Some(so_far_m.max(built.tolerance_m));
        }
        self.names |= !built.names;
        self.cuts.extend(&built.cuts);
    }
}

pub(super) fn fits(map: &Map) -> bool {
    let (_, message) = with_message(map.clone());
    message.encode_into(&mut [0; MAX_DATA]).is_ok()
}

/// A vehicle at 60 km/h brakes for a red light within 60 m, and is told for some seconds before: no
/// road is told shorter than this to spare a message.
const LEAST_REACH_M: f64 = 150.0;
/// How exactly the reach is found.
const REACH_STEP_M: f64 = 5.0;
