//! Roads that a model cuts where nothing but their lanes change, put together again.
//!
//! A node of MAP is a junction or the end of a road; where a model has a node between two others, as
//! SUMO has where a lane for turns begins, the road goes on through it.

use std::collections::{BTreeMap, BTreeSet};

use super::net::{Net, Point, Turning};
use crate::site::Turn;

/// Nodes that one road goes through.
const MOST_HOPS: usize = 100;
/// A lane that is shorter than this follows the lane that it branched off from.
const SHORT_M: f64 = 20.0;

/// The nodes that roads only go through.
#[derive(Debug)]
pub(super) struct Through<'n> {
    nodes: BTreeSet<&'n str>,
    /// Roads by the node where they begin and by that where they end.
    leaving: BTreeMap<&'n str, Vec<usize>>,
    arriving: BTreeMap<&'n str, Vec<usize>>,
    /// Turns by the lane that they begin at and by that where they end.
    from: BTreeMap<(usize, usize), Vec<&'n Turning>>,
    to: BTreeMap<(usize, usize), Vec<&'n Turning>>,
}

impl<'n> Through<'n> {
    pub(super) fn of(net: &'n Net) -> Self {
        let mut through = Through {
            nodes: BTreeSet::new(),
            leaving: BTreeMap::new(),
            arriving: BTreeMap::new(),
            from: BTreeMap::new(),
            to: BTreeMap::new(),
        };
        let mut neighbours: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // Roads that are told for one junction only have been followed to their ends already.
        let roads = net
            .roads
            .iter()
            .enumerate()
            .filter(|(_, road)| road.only_for.is_none());
        for (place, road) in roads {
            neighbours.entry(&road.from).or_default().insert(&road.to);
            neighbours.entry(&road.to).or_default().insert(&road.from);
            through.leaving.entry(&road.from).or_default().push(place);
            through.arriving.entry(&road.to).or_default().push(place);
        }
        let (mut ruled, mut passed) = (BTreeSet::new(), BTreeSet::new());
        for turn in &net.turns {
            through
                .from
                .entry((turn.from_road, turn.from_lane))
                .or_default()
                .push(turn);
            through
                .to
                .entry((turn.to_road, turn.to_lane))
                .or_default()
                .push(turn);
            // Where one can only turn back, the road ends.
            if turn.turn != Turn::UTurn {
                passed.insert(net.roads[turn.from_road].to.as_str());
            }
            if turn.signal.is_some() {
                ruled.insert(net.roads[turn.from_road].to.as_str());
            }
        }
        let walks: BTreeSet<&str> = net
            .crosswalks
            .iter()
            .map(|walk| walk.node.as_str())
            .collect();
        let nodes = neighbours.into_iter();
        let nodes = nodes.filter(|(node, others)| {
            others.len() == 2
                && passed.contains(node)
                && !ruled.contains(node)
                && !walks.contains(node)
        });
        through.nodes = nodes.map(|(node, _)| node).collect();
        through
    }

    /// The node at the end of a road that is not `here`, beyond those that it goes through.
    pub(super) fn far(&self, net: &'n Net, here: &str, road: usize, inward: bool) -> &'n str {
        let mut node = end(net, road, inward);
        let mut before = end(net, road, !inward);
        for _ in 0..MOST_HOPS {
            if node == here || !self.nodes.contains(node) {
                break;
            }
            let roads = if inward {
                &self.arriving
            } else {
                &self.leaving
            };
            let next = roads
                .get(node)
                .into_iter()
                .flatten()
                .map(|road| end(net, *road, inward));
            match next.into_iter().find(|next| *next != before) {
                Some(next) if next != here => (before, node) = (node, next),
                _ => break,
            }
        }
        node
    }

    /// The line of a lane in the direction of travel, with those that it continues, as far as asked.
    pub(super) fn line(
        &self,
        net: &Net,
        here: &str,
        lane: (usize, usize),
        inward: bool,
        reach_m: f64,
    ) -> Vec<Point> {
        let (mut road, mut lane) = lane;
        let mut line = net.roads[road].lanes[lane].line.clone();
        for _ in 0..MOST_HOPS {
            let node = end(net, road, inward);
            let length_m = length(&line);
            if length_m >= reach_m || node == here || !self.nodes.contains(node) {
                break;
            }
            let turns = if inward { &self.to } else { &self.from };
            let turns = turns.get(&(road, lane)).into_iter().flatten();
            let next = turns
                .filter(|turn| turn.turn != Turn::UTurn)
                .find(|turn| length_m < SHORT_M || self.is_nearest(net, turn, inward));
            let Some(next) = next else {
                break;
            };
            (road, lane) = if inward {
                (next.from_road, next.from_lane)
            } else {
                (next.to_road, next.to_lane)
            };
            let beyond = &net.roads[road].lanes[lane].line;
            line = if inward {
                [&beyond[..], &line].concat()
            } else {
                [&line, &beyond[..]].concat()
            };
        }
        line
    }

    /// Whether a turn joins a lane to the one that lies nearest to it, of those that branch off.
    fn is_nearest(&self, net: &Net, turn: &Turning, inward: bool) -> bool {
        let gap_m = |turn: &Turning| {
            let from = net.roads[turn.from_road].lanes[turn.from_lane].line.last();
            let to = net.roads[turn.to_road].lanes[turn.to_lane].line.first();
            match (from, to) {
                (Some(from), Some(to)) => (from.0 - to.0).hypot(from.1 - to.1),
                _ => f64::INFINITY,
            }
        };
        let others = if inward {
            self.from.get(&(turn.from_road, turn.from_lane))
        } else {
            self.to.get(&(turn.to_road, turn.to_lane))
        };
        let own_m = gap_m(turn);
        others
            .into_iter()
            .flatten()
            .all(|other| gap_m(other) >= own_m)
    }
}

/// Where a road begins, for those that lead here, or ends.
fn end(net: &Net, road: usize, inward: bool) -> &str {
    let road = &net.roads[road];
    if inward { &road.from } else { &road.to }
}

fn length(line: &[Point]) -> f64 {
    line.windows(2)
        .map(|piece| (piece[1].0 - piece[0].0).hypot(piece[1].1 - piece[0].1))
        .sum()
}
