//! The ways over the junction: from an approach's lane along a connection into the lane beyond.
//!
//! Prepared once from the site. Not here: who takes which way, and how fast.

use v2x_msg::base::{Enu, LaneId, NodeId, PhaseId};

use crate::site::{GreenKind, Lane, Link, Site, Turn, across, line};

/// All ways of a junction.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
    /// Those on foot.
    pub(super) crosswalks: Vec<Crosswalk>,
}

/// Where one walks over a road by a signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crosswalk {
    ends: [Enu; 2],
    half_width_m: f64,
    pub(super) phase: PhaseId,
}

/// One way over the junction.
#[derive(Debug)]
pub(super) struct Way {
    line: Vec<Enu>,
    measured: line::Measured,
    /// How far along the line each of its points is.
    along_m: Vec<f64>,
    /// Which approach's lane it begins on, and which lane it leads to: numbers to compare.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The link of the lane that it leads to, and that lane's number from the left.
    into: (NodeId, LaneId),
    /// Where its stop line is.
    pub(super) stop_m: f64,
    /// Where the lane beyond begins.
    pub(super) over_m: f64,
    pub(super) turn: Turn,
    /// What rules it; None where it is free of signals.
    pub(super) phase: Option<PhaseId>,
    /// It gives way to who comes against it: no signal of its own holds the others back.
    pub(super) gives_way: bool,
    /// As fast as one may drive there.
    pub(super) limit_mps: f64,
    /// How fast its bend is driven.
    pub(super) bend_mps: f64,
    half_width_m: f64,
    /// Lowest and highest east and north, with half a lane around.
    around: [f64; 4],
}

/// A point of a way and its direction there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) east_m: f64,
    pub(super) north_m: f64,
    pub(super) direction: (f64, f64),
}

impl Ways {
    pub(super) fn new(site: &Site) -> Self {
        let mut all = Vec::new();
        let mut lanes: Vec<(NodeId, NodeId, LaneId)> = Vec::new();
        let mut number = |lane| {
            let known = lanes.iter().position(|known| *known == lane);
            known.unwrap_or_else(|| {
                lanes.push(lane);
                lanes.len() - 1
            })
        };
        for (link, lane) in of_approaches(site).filter(|(_, lane)| !across(lane.kind)) {
            for connection in &lane.connections {
                let Some((over, next)) = site
                    .path(lane, connection)
                    .zip(site.lane_after(lane, connection))
                else {
                    continue;
                };
                let stop_m = line::length_m(&lane.centre);
                let over_m = line::length_m(&over);
                let green = connection.phase.and_then(|id| site.phase(id));
                let points = lane.centre.iter().chain(over.iter().skip(1));
                let whole: Vec<Enu> = points.chain(next.centre.iter().skip(1)).copied().collect();
                all.push(Way {
                    from: number((link.upstream, site.node, lane.id)),
                    to: number((site.node, connection.to_node, next.id)),
                    into: (connection.to_node, next.id),
                    stop_m,
                    over_m: stop_m + over_m,
                    turn: connection.turn,
                    phase: connection.phase,
                    gives_way: green.map(|phase| phase.green) != Some(GreenKind::Protected),
                    limit_mps: lane.speed_limit_mps.unwrap_or(link.speed_limit_mps),
                    bend_mps: bend_mps(connection.turn, over_m),
                    half_width_m: lane.width_m.max(next.width_m) / 2.0,
                    around: around(&whole, lane.width_m.max(next.width_m) / 2.0),
                    along_m: along_m(&whole),
                    measured: line::Measured::new(&whole),
                    line: whole,
                });
            }
        }
        Self {
            all,
            crosswalks: crosswalks(site).collect(),
        }
    }
}

impl Ways {
    /// The crosswalk at one of whose ends somebody is, and the direction in which it leads from there.
    pub(super) fn crosswalk_at(
        &self,
        east_m: f64,
        north_m: f64,
    ) -> Option<(&Crosswalk, (f64, f64))> {
        self.crosswalks.iter().find_map(|crosswalk| {
            let leads = crosswalk.leads_from(east_m, north_m)?;
            Some((crosswalk, leads))
        })
    }

    /// How far a point is beside the nearest lane's edge; nought or less on one.
    pub(super) fn beside_m(&self, east_m: f64, north_m: f64) -> f64 {
        let mut nearest_m = f64::INFINITY;
        for way in &self.all {
            if way.farther_than_m(east_m, north_m) >= nearest_m {
                continue;
            }
            if let Some(foot) = line::foot(&way.line, east_m, north_m) {
                nearest_m = nearest_m.min(foot.distance_m - way.half_width_m);
            }
        }
        nearest_m
    }

    /// Whether a point is where there are ways, on one or not.
    pub(super) fn are_around(&self, east_m: f64, north_m: f64) -> bool {
        self.all.iter().any(|way| way.is_around(east_m, north_m))
    }
}

fn of_approaches(site: &Site) -> impl Iterator<Item = (&Link, &Lane)> {
    site.approaches()
        .flat_map(|link| link.lanes.iter().map(move |lane| (link, lane)))
}

fn crosswalks(site: &Site) -> impl Iterator<Item = Crosswalk> {
    let lanes = of_approaches(site).filter(|(_, lane)| across(lane.kind));
    lanes.filter_map(|(_, lane)| {
        Some(Crosswalk {
            ends: [*lane.centre.first()?, *lane.centre.last()?],
            half_width_m: lane.width_m / 2.0,
            phase: lane.connections.first()?.phase?,
        })
    })
}

impl Crosswalk {
    /// Where it leads, from that of its ends before which somebody is; None where nobody waits for it.
    fn leads_from(&self, east_m: f64, north_m: f64) -> Option<(f64, f64)> {
        let [one, other] = self.ends;
        let length_m = line::distance_m(one, other).max(1e-6);
        [(one, other), (other, one)]
            .into_iter()
            .find_map(|(from, to)| {
                let leads = (
                    (to.east_m - from.east_m) / length_m,
                    (to.north_m - from.north_m) / length_m,
                );
                let off = (east_m - from.east_m, north_m - from.north_m);
                let before_m = -(off.0 * leads.0 + off.1 * leads.1);
                let beside_m = (off.0 * leads.1 - off.1 * leads.0).abs();
                let waits = (0.0..=WAITS_BEFORE_M).contains(&before_m)
                    && beside_m <= self.half_width_m + WAITS_BESIDE_M;
                waits.then_some(leads)
            })
    }
}

/// Who waits for a crosswalk stands so near to its end.
const WAITS_BEFORE_M: f64 = 4.0;
const WAITS_BESIDE_M: f64 = 0.5;

impl Way {
    /// Where a point is on the way; None beside it.
    pub(super) fn foot(&self, east_m: f64, north_m: f64) -> Option<line::Foot> {
        if !self.is_around(east_m, north_m) {
            return None;
        }
        let foot = self.measured.foot(east_m, north_m)?;
        let beyond_the_ends = foot.distance_m > foot.left_m.abs() + 1e-6;
        (!beyond_the_ends && foot.left_m.abs() <= self.half_width_m).then_some(foot)
    }

    /// Whether it stays beside another way: who turns right into a lane to the right of the other's
    /// never crosses it.
    pub(super) fn keeps_beside(&self, other: &Way) -> bool {
        let right_of = |one: &Way, other: &Way| {
            one.turn == Turn::Right
                && other.turn != Turn::Right
                && one.into.0 == other.into.0
                && one.into.1.value() > other.into.1.value()
        };
        right_of(self, other) || right_of(other, self)
    }

    /// No part of it is nearer to a point.
    fn farther_than_m(&self, east_m: f64, north_m: f64) -> f64 {
        let [west, east, south, north] = self.around;
        let off_east_m = (west - east_m).max(east_m - east).max(0.0);
        let off_north_m = (south - north_m).max(north_m - north).max(0.0);
        off_east_m.hypot(off_north_m)
    }

    fn is_around(&self, east_m: f64, north_m: f64) -> bool {
        let [west, east, south, north] = self.around;
        (west..=east).contains(&east_m) && (south..=north).contains(&north_m)
    }

    /// The point so far along; beyond its end the way goes straight on.
    pub(super) fn at(&self, along_m: f64) -> Spot {
        let after = self.along_m.partition_point(|start| *start <= along_m);
        let piece = after.clamp(1, self.line.len() - 1);
        let (from, to) = (self.line[piece - 1], self.line[piece]);
        let length_m = (self.along_m[piece] - self.along_m[piece - 1]).max(1e-6);
        let direction = (
            (to.east_m - from.east_m) / length_m,
            (to.north_m - from.north_m) / length_m,
        );
        let on_m = along_m - self.along_m[piece - 1];
        Spot {
            east_m: from.east_m + direction.0 * on_m,
            north_m: from.north_m + direction.1 * on_m,
            direction,
        }
    }
}

/// A bend is driven with so much acceleration across.
const ACROSS_MPS2: f64 = 2.5;

fn bend_mps(turn: Turn, length_m: f64) -> f64 {
    let angle_rad = match turn {
        Turn::Straight => return f64::INFINITY,
        Turn::Left | Turn::Right => std::f64::consts::FRAC_PI_2,
        Turn::UTurn => std::f64::consts::PI,
    };
    (ACROSS_MPS2 * length_m / angle_rad).sqrt()
}

fn along_m(line: &[Enu]) -> Vec<f64> {
    let mut along_m = 0.0;
    let steps = line.windows(2).map(|piece| {
        along_m += line::distance_m(piece[0], piece[1]);
        along_m
    });
    std::iter::once(0.0).chain(steps).collect()
}

fn around(line: &[Enu], by_m: f64) -> [f64; 4] {
    let mut around = [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    for point in line {
        around[0] = around[0].min(point.east_m - by_m);
        around[1] = around[1].max(point.east_m + by_m);
        around[2] = around[2].min(point.north_m - by_m);
        around[3] = around[3].max(point.north_m + by_m);
    }
    around
}
