//! Junctions, roads, turns and crosswalks, as all road models have them.
//!
//! Coordinates are the model's own; [`super::place::Place`] says where they are. Lanes are from the
//! left, lines in the direction of travel. Not here: how a model writes them; what of them a site
//! tells.

use std::collections::BTreeMap;

use v2x_msg::kinds::map::LaneKind;

use super::Junction;
use super::place::Place;
use crate::site::Turn;

/// A point in the model's coordinates.
pub(super) type Point = (f64, f64);

/// A road model.
#[derive(Debug)]
pub(super) struct Net {
    pub(super) place: Place,
    /// By the model's id.
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) roads: Vec<Road>,
    pub(super) turns: Vec<Turning>,
    pub(super) crosswalks: Vec<Crosswalk>,
    pub(super) notes: Vec<String>,
}

/// A junction or the end of a road.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) at: Point,
}

/// One direction of a road between two nodes.
#[derive(Debug)]
pub(super) struct Road {
    pub(super) name: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) lanes: Vec<Lane>,
    /// The only junction that tells it, where the model has it otherwise for its other end.
    pub(super) only_for: Option<String>,
}

impl Road {
    /// Whether a junction's site tells it.
    pub(super) fn serves(&self, junction: &str) -> bool {
        self.only_for.as_deref().is_none_or(|only| only == junction)
    }
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) width_m: f64,
    pub(super) kind: LaneKind,
    pub(super) limit_mps: f64,
    pub(super) line: Vec<Point>,
}

/// From a lane over a junction to another.
#[derive(Debug)]
pub(super) struct Turning {
    pub(super) from_road: usize,
    /// Place in that road's lanes.
    pub(super) from_lane: usize,
    pub(super) to_road: usize,
    pub(super) to_lane: usize,
    pub(super) turn: Turn,
    pub(super) signal: Option<Signal>,
}

/// What rules a turn or a crosswalk.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    /// The model's own name of the lamp.
    pub(super) lamp: String,
    /// What it shows over a whole cycle, or the kind of its face: the lamps of one approach that
    /// show the same are one phase.
    pub(super) shows: String,
    /// Whether who has green must give way at times.
    pub(super) permissive: bool,
}

#[derive(Debug)]
pub(super) struct Crosswalk {
    pub(super) node: String,
    /// The roads that it crosses.
    pub(super) roads: Vec<usize>,
    pub(super) width_m: f64,
    pub(super) line: Vec<Point>,
    pub(super) signal: Option<Signal>,
}

impl Net {
    /// Where roads from two sides or more meet, those with signals first.
    pub(super) fn junctions(&self) -> Vec<Junction> {
        let mut found: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
        for road in self.roads.iter().filter(|road| road.serves(&road.to)) {
            found.entry(&road.to).or_default().0 += 1;
        }
        for turn in &self.turns {
            let road = &self.roads[turn.from_road];
            if turn.signal.is_some() {
                found.entry(&road.to).or_default().1 = true;
            }
        }
        let mut junctions: Vec<Junction> = found
            .into_iter()
            .filter(|(_, (approaches, signals))| *approaches >= 2 || *signals)
            .map(|(key, (approaches, signals))| Junction {
                key: key.to_owned(),
                approaches,
                signals,
            })
            .collect();
        junctions.sort_by_key(|junction| !junction.signals);
        junctions
    }
}
