//! Left turns in two stages, as riders make them in China: straight across, then with the green of the other road.
//!
//! Who turns so rides straight on at the green of its own road, leaves the lane of those who ride on at the far
//! corner, waits there beside it, pointing where it is to go, and crosses with those who come from its right. The
//! place to wait is sought on the junction: beside the lanes of riders of both roads, and where no vehicle's way
//! leads over it. There are one or two beside each other; who finds both taken stays at the stop line. Not here:
//! turns on a connection of the site ([`super::ways`]), and when riders go ([`super::choice`]).

use v2x_msg::base::{NodeId, PhaseId};

use super::super::roads::{Route, Turn, speeds};
use super::super::snapshot::Body;
use super::super::vehicles::Kind;
use super::ways::{BEND_M, Way};
use super::{NoWay, Rider};
use crate::plane::{Path, Point, curve};

/// Where a rider waits on the junction for its second green.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// Its middle, along its way.
    pub(super) at_m: f64,
    /// Who lets it go on.
    pub(super) phase: PhaseId,
}

/// Two straight ways over the junction that cross: the first stage and the second.
struct Stages<'a> {
    first: &'a Way,
    second: &'a Way,
    /// Where they cross, along the first.
    cross_m: f64,
}

/// The ways of those who turn left from a node in two stages, one for each place to wait.
pub(super) fn left_in_two(ways: &[Way], routes: &[Route], from: NodeId) -> Result<Vec<Way>, NoWay> {
    let stages = Stages::of(ways, from).ok_or(NoWay::Stages { from })?;
    let places = stages.places(ways, routes);
    if places.is_empty() {
        return Err(NoWay::Place { from });
    }
    Ok(places
        .iter()
        .filter_map(|place| stages.way(*place))
        .collect())
}

/// Whether somebody else waits where this way does, is on the way there, or will be before this rider.
pub(super) fn is_taken(ways: &[Way], riders: &[Rider], way: usize, rider: &Rider) -> bool {
    let Some(wait) = ways[way].wait else {
        return false;
    };
    riders.iter().any(|other| {
        let goes_there = other.way == way && other.id != rider.id;
        let is_first = (other.along_m, rider.id) > (rider.along_m, other.id);
        goes_there
            && if other.entered {
                other.along_m < wait.at_m + GONE_M
            } else {
                is_first
            }
    })
}

impl<'a> Stages<'a> {
    fn of(ways: &'a [Way], from: NodeId) -> Option<Self> {
        let straight = |way: &&Way| way.turn == Turn::Straight && way.phase.is_some();
        let first = ways.iter().filter(straight).find(|way| way.from == from)?;
        let leads = |way: &Way| way.path.direction_at(way.stop_m);
        let left = leads(first).left();
        let second = ways.iter().filter(straight);
        let second = second.max_by(|a, b| leads(a).dot(left).total_cmp(&leads(b).dot(left)))?;
        let apart_m = |along_m: f64| {
            let place = first.path.point_at(along_m);
            let there_m = second.path.nearest_m(place);
            let over = (second.stop_m..second.clear_m).contains(&there_m);
            let off_m = second.path.point_at(there_m).distance_m(place);
            if over { off_m } else { f64::INFINITY }
        };
        let cross_m = samples(first.stop_m, first.clear_m)
            .min_by(|a, b| apart_m(*a).total_cmp(&apart_m(*b)))?;
        let crosses = leads(second).dot(left) > CROSSES_FROM && apart_m(cross_m) < SAMPLE_M;
        crosses.then_some(Self {
            first,
            second,
            cross_m,
        })
    }

    /// Where they cross, where the second leads there, and back where the first comes from.
    fn corner(&self) -> (Point, Point, Point) {
        let cross = self.first.path.point_at(self.cross_m);
        let onward = self
            .second
            .path
            .direction_at(self.second.path.nearest_m(cross));
        let back = self.first.path.direction_at(self.cross_m).times(-1.0);
        (cross, onward, back)
    }

    /// Places to wait, beside each other: how far on and how far back from where the two cross. The first row of
    /// those that have most.
    fn places(&self, ways: &[Way], routes: &[Route]) -> Vec<[f64; 2]> {
        let beside_m = (self.first.wide_m[0] + LONG_M) / 2.0 + SPARE_M;
        let before_m = (self.second.wide_m[0] + WIDE_M) / 2.0 + SPARE_M;
        let steps = || (0..=STEPS).map(|n| f64::from(n) * SAMPLE_M);
        let candidates = steps().flat_map(|back| steps().map(move |on| [on, back]));
        let candidates = candidates.map(|[on, back]| [beside_m + on, before_m + back]);
        let row = |[on, back]: [f64; 2]| -> Vec<[f64; 2]> {
            let places = (0..MOST_PLACES).map(|n| [on, back + f64::from(n) * APART_M]);
            places
                .take_while(|place| self.is_free(*place, ways, routes))
                .collect()
        };
        let mut best = Vec::new();
        for row in candidates.map(row) {
            if row.len() > best.len() {
                best = row;
            }
        }
        best
    }

    fn body(&self, [on_m, back_m]: [f64; 2]) -> Body {
        let (cross, onward, back) = self.corner();
        Body {
            id: 0,
            kind: Kind::Bicycle,
            centre: cross.plus(onward.times(on_m)).plus(back.times(back_m)),
            direction: onward,
            speed_mps: 0.0,
            length_m: LONG_M,
            width_m: WIDE_M,
            height_m: 1.7,
        }
    }

    fn is_free(&self, place: [f64; 2], ways: &[Way], routes: &[Route]) -> bool {
        let body = self.body(place);
        let keeps_off = |path: &Path, from_m: f64, to_m: f64, least_m: f64| {
            samples(from_m, to_m).all(|along_m| body.distance_m(path.point_at(along_m)) >= least_m)
        };
        let mut routes = routes.iter();
        let mut ways = ways.iter();
        routes.all(|route| keeps_off(&route.path, route.stop_m, route.clear_m, VEHICLES_PASS_M))
            && ways.all(|way| keeps_off(&way.path, way.stop_m, way.clear_m, way.wide_m[0] / 2.0))
    }

    /// The way over a place to wait.
    fn way(&self, place: [f64; 2]) -> Option<Way> {
        let (_, onward, back) = self.corner();
        let body = self.body(place);
        let (first, second) = (self.first, self.second);
        // An arc from the lane of those who ride on.
        let leaves_m = self.cross_m - place[0] - place[1];
        if leaves_m < first.stop_m {
            return None;
        }
        let mut points: Vec<Point> = samples(0.0, leaves_m)
            .map(|along_m| first.path.point_at(along_m))
            .collect();
        let leaves = first.path.point_at(leaves_m);
        points.extend(curve(leaves, back.times(-1.0), body.centre, onward));
        let at_m = Path::new(&points)?.length_m();
        let (joins_m, end_m) = (second.clear_m, second.path.length_m());
        let joins = second.path.point_at(joins_m);
        points.extend(curve(
            body.centre,
            onward,
            joins,
            second.path.direction_at(joins_m),
        ));
        let clear_m = Path::new(&points)?.length_m();
        points.extend(samples(joins_m, end_m).map(|along_m| second.path.point_at(along_m)));
        let path = Path::new(&points)?;
        Some(Way {
            from: first.from,
            turn: Turn::Left,
            lanes: [first.lanes[0], second.lanes[1]],
            wide_m: [first.wide_m[0], second.wide_m[1]],
            phase: first.phase,
            wait: second.phase.map(|phase| Wait { at_m, phase }),
            speed_mps: speeds(&path, BEND_M, |_| f64::INFINITY),
            path,
            stop_m: first.stop_m,
            clear_m,
        })
    }
}

/// Places from one to another, both among them.
fn samples(from_m: f64, to_m: f64) -> impl Iterator<Item = f64> {
    let pieces = ((to_m - from_m) / SAMPLE_M) as u32;
    let even = (0..=pieces).map(move |n| from_m + f64::from(n) * SAMPLE_M);
    even.chain(std::iter::once(to_m))
}

/// The second stage leads so far to the left of the first: within 45 degrees of across.
const CROSSES_FROM: f64 = std::f64::consts::FRAC_1_SQRT_2;
const SAMPLE_M: f64 = 0.25;
const STEPS: u32 = 16;
/// So many wait beside each other at most (assumed).
const MOST_PLACES: u32 = 4;
/// A bicycle with its rider, and what it keeps free about it (assumed).
const LONG_M: f64 = 1.8;
const WIDE_M: f64 = 0.7;
const SPARE_M: f64 = 0.25;
/// From middle to middle of those who wait beside each other (assumed).
const APART_M: f64 = 1.0;
/// A lorry whose middle is so far off passes.
const VEHICLES_PASS_M: f64 = 1.6;
/// So far on from where one waits one has gone.
const GONE_M: f64 = 1.5;
