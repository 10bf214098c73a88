//! Which detection belongs to which target.
//!
//! One frame of one sensor at a time; a target gets at most one detection and a detection at most
//! one target. Pairs that could be (near enough, by position, size and speed) get a score: how much
//! likelier the detection is this target than a false one, by place, speed and class. Pairs that
//! share neither detection nor target are independent, so each connected group is solved by itself:
//! alone at once, small exactly (`assign`), absurdly big ones greedily, so that work is bounded.

use std::f64::consts::TAU;
use std::time::Duration;

use arrayvec::ArrayVec;
use nalgebra::Matrix2;

use super::assign::{MAX_COLUMNS, MAX_ROWS, Solver};
use super::config::Config;
use super::filter::density;
use super::near::{Near, SLACK_M};
use super::parts::IN_PARTS;
use super::target::{Sighting, Target};
use super::views::View;
use crate::clock::Mono;
use crate::report::MAX_OBJECTS;

/// Most targets that compete for one detection; farther ones are left out.
const MAX_RIVALS: usize = 6;
/// A detection is never sought farther than this from its target.
pub(crate) const REACH_M: f64 = 15.0;
/// Squared distance in position and velocity together at which a pair cannot be: all but one right one
/// in 12,000 are nearer.
const JOINT_GATE: f64 = 24.0;
/// Spread of the speeds of things that are not this target, m/s.
const STRANGER_MPS: f64 = 10.0;
/// What it adds to a pair's score that the device says it is the one from before. Not decisive:
/// devices swap ids too.
const SAME_DEVICE_ID: f64 = 2.0;
/// The same of a device that tells its tracks with how sure it is of them ([`super::Sensor::tracks`]): in one
/// report in a hundred an id has passed to another thing.
const SAME_DEVICE_TRACK: f64 = 4.6;

/// Of the velocities that boxes have from filters of their own one in a hundred is somebody else's: worse than
/// that none fits.
const OTHERS_SPEED: f64 = -4.6;

/// What it adds to a pair's score that a road user calls itself as before, and takes where it does not. Not
/// decisive: names change every few minutes.
const SAME_NAME: f64 = 6.0;
/// A name that was not heard for this long may have been changed.
const SAME_NAME_FOR: Duration = Duration::from_millis(350);

/// What it adds to a pair's score that the target is not published yet: of two that fit, the one that
/// was there before.
const NEWCOMER: f64 = -2.0;

/// From these on a pair with what likelier is there than not has a score above zero: the gain is
/// 2.7 at least, existence takes ln 2 of it and a newcomer 2.
const SURE_FIT: f64 = -4.0;
const SURE_ODDS: f64 = 813.0;

/// Of being listed, at least: what the field and the weights say is a model.
const LEAST_PROBABILITY: f64 = 0.05;

const NOBODY: u16 = u16::MAX;

/// A pair that could be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) target: u16,
    /// How much likelier than a false detection: a natural logarithm, and beside it a factor that has not
    /// been taken the logarithm of, for logarithms cost most here and are seldom asked for.
    fit: f64,
    odds: f64,
    /// The gain and the odds against having missed the target: what the assignment maximises. Left out
    /// where it is above zero for sure and there is nothing to choose.
    score: Option<f64>,
}

impl Edge {
    /// How much likelier than a false detection, natural logarithm.
    pub(crate) fn gain(&self) -> f64 {
        self.fit + self.odds.ln()
    }

    fn score(&self) -> f64 {
        self.score.unwrap_or(0.0)
    }
}

/// What a frame is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) config: &'a Config,
    pub(crate) at: Mono,
    /// Index of the sensor.
    pub(crate) sensor: usize,
    /// How it sees each target.
    pub(crate) views: &'a [View],
    /// Where each target is.
    pub(crate) near: &'a Near,
    /// How far a radar's echo wanders, as a share of the body; None for sensors that give the centre.
    pub(crate) echo_share: Option<f64>,
    /// Of false detections of this sensor, a frame and square metre.
    pub(crate) false_per_m2: f64,
}

/// Buffers of association, and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Associator {
    edges: Vec<ArrayVec<Edge, MAX_RIVALS>>,
    /// The target of each detection.
    pairs: ArrayVec<Option<Edge>, MAX_OBJECTS>,
    group: ArrayVec<u8, MAX_OBJECTS>,
    /// By target: in gathering the first detection near it, in solving its column.
    mark: Vec<u16>,
    solver: Solver,
    /// Groups that were too big to solve exactly.
    pub(crate) oversized: u64,
}

impl Associator {
    pub(crate) fn new(max_targets: usize) -> Self {
        Self {
            edges: vec![ArrayVec::new(); MAX_OBJECTS],
            pairs: ArrayVec::new(),
            group: ArrayVec::new(),
            mark: vec![NOBODY; max_targets],
            solver: Solver::new(),
            oversized: 0,
        }
    }

    /// Pairs up a frame; the answer has one entry a sighting.
    pub(crate) fn run(
        &mut self,
        targets: &mut [Target],
        sightings: &[Sighting],
        frame: Circumstances<'_>,
    ) -> &[Option<Edge>] {
        self.pairs.clear();
        self.pairs.extend(sightings.iter().map(|_| None));
        self.gather(targets, sightings, frame);
        if !self.form_groups(sightings.len()) {
            // Mostly nobody is near anybody else.
            for (pair, edges) in self.pairs.iter_mut().zip(&mut self.edges) {
                *pair = best(edges, targets, frame.views);
            }
            return &self.pairs;
        }
        // Members of a group stand together once sorted by its first member.
        let mut order: ArrayVec<u8, MAX_OBJECTS> = (0..sightings.len() as u8).collect();
        order.sort_unstable_by_key(|&detection| (self.group[usize::from(detection)], detection));
        let mut rest = &order[..];
        while let Some(&first) = rest.first() {
            let root = self.group[usize::from(first)];
            let size = rest
                .iter()
                .take_while(|&&d| self.group[usize::from(d)] == root)
                .count();
            let (members, others) = rest.split_at(size);
            self.solve(members, targets, frame.views);
            rest = others;
        }
        &self.pairs
    }

    /// Finds the pairs that could be.
    fn gather(&mut self, targets: &mut [Target], sightings: &[Sighting], frame: Circumstances<'_>) {
        let sigmas = frame.near.sigmas;
        for (edges, sighting) in self.edges.iter_mut().zip(sightings) {
            edges.clear();
            let (ee, nn) = (sighting.position_cov[(0, 0)], sighting.position_cov[(1, 1)]);
            let own_m = sigmas * ee.max(nn).sqrt();
            let place = sighting.position;
            let farthest_m = (frame.near.farthest_m + own_m).min(REACH_M);
            frame.near.visit(place, farthest_m, |spot| {
                if spot.apart_m(place) > (spot.reach_m() + own_m).min(REACH_M) + SLACK_M {
                    return;
                }
                let index = usize::from(spot.target);
                let probability = frame.views[index].probability;
                let target = &mut targets[index];
                let Some((fit, odds)) = judge(target, sighting, probability, frame) else {
                    return;
                };
                let targets = &*targets;
                let mut edge = Edge {
                    target: spot.target,
                    fit,
                    odds,
                    score: None,
                };
                let sure = fit >= SURE_FIT && odds >= SURE_ODDS && targets[index].log_odds >= 0.0;
                let likely = sure || {
                    edge.rate(targets, frame.views);
                    edge.score() > 0.0
                };
                if !likely {
                    return;
                }
                if edges.is_full() {
                    edge.rate(targets, frame.views);
                    for rival in edges.iter_mut() {
                        rival.rate(targets, frame.views);
                    }
                }
                keep_best(edges, edge);
            });
        }
    }

    /// Gives each detection the number of its group: the smallest detection that it is connected to.
    /// Whether any is connected to another.
    fn form_groups(&mut self, count: usize) -> bool {
        let Self {
            edges, group, mark, ..
        } = self;
        group.clear();
        group.extend(0..count as u8);
        let mut any = false;
        for (detection, edges) in edges[..count].iter().enumerate() {
            for edge in edges {
                let first = &mut mark[usize::from(edge.target)];
                if *first == NOBODY {
                    *first = detection as u16;
                } else {
                    unite(group, usize::from(*first), detection);
                    any = true;
                }
            }
        }
        for detection in 0..count {
            group[detection] = root(group, detection) as u8;
            for edge in &edges[detection] {
                mark[usize::from(edge.target)] = NOBODY;
            }
        }
        any
    }

    fn solve(&mut self, members: &[u8], targets: &[Target], views: &[View]) {
        if let [only] = members {
            let only = usize::from(*only);
            self.pairs[only] = best(&mut self.edges[only], targets, views);
            return;
        }
        for member in members {
            for edge in &mut self.edges[usize::from(*member)] {
                edge.rate(targets, views);
            }
        }
        if members.len() <= MAX_ROWS {
            self.solve_exactly(members);
        } else {
            self.oversized += 1;
            self.solve_greedily(members);
        }
    }

    fn solve_exactly(&mut self, members: &[u8]) {
        let Self {
            edges,
            pairs,
            mark,
            solver,
            ..
        } = self;
        let mut targets: ArrayVec<u16, MAX_COLUMNS> = ArrayVec::new();
        for edge in members.iter().flat_map(|d| &edges[usize::from(*d)]) {
            let column = &mut mark[usize::from(edge.target)];
            if *column == NOBODY {
                *column = targets.len() as u16;
                targets.push(edge.target);
            }
        }
        solver.begin(members.len(), targets.len() + members.len());
        for (row, d) in members.iter().enumerate() {
            for edge in &edges[usize::from(*d)] {
                solver.allow(
                    row,
                    usize::from(mark[usize::from(edge.target)]),
                    -edge.score(),
                );
            }
            solver.allow(row, targets.len() + row, 0.0);
        }
        solver.solve(members.len(), |row, column| {
            let detection = usize::from(members[row]);
            pairs[detection] = targets
                .get(column)
                .and_then(|target| edges[detection].iter().find(|edge| edge.target == *target))
                .copied();
        });
        for target in targets {
            mark[usize::from(target)] = NOBODY;
        }
    }

    /// Best score first; each detection looks at its few rivals only.
    fn solve_greedily(&mut self, members: &[u8]) {
        let Self {
            edges, pairs, mark, ..
        } = self;
        let best = |d: u8| {
            edges[usize::from(d)]
                .iter()
                .map(Edge::score)
                .fold(0.0, f64::max)
        };
        let mut order: ArrayVec<u8, MAX_OBJECTS> = members.iter().copied().collect();
        order.sort_unstable_by(|a, b| best(*b).total_cmp(&best(*a)).then(a.cmp(b)));
        for &d in &order {
            let free = edges[usize::from(d)]
                .iter()
                .filter(|e| mark[usize::from(e.target)] == NOBODY);
            if let Some(edge) = free.max_by(|a, b| a.score().total_cmp(&b.score())).copied() {
                mark[usize::from(edge.target)] = u16::from(d);
                pairs[usize::from(d)] = Some(edge);
            }
        }
        for edge in members.iter().filter_map(|d| pairs[usize::from(*d)]) {
            mark[usize::from(edge.target)] = NOBODY;
        }
    }
}

impl Edge {
    /// Notes the score; a pair whose score is not above zero is likelier a false detection.
    fn rate(&mut self, targets: &[Target], views: &[View]) {
        if self.score.is_some() {
            return;
        }
        let target = &targets[usize::from(self.target)];
        let probability = views[usize::from(self.target)].probability;
        let probability = probability.max(LEAST_PROBABILITY);
        let present = target.existence() / (1.0 - probability.min(0.99));
        let known = if target.confirmed { 0.0 } else { NEWCOMER };
        self.score = Some(self.gain() + present.ln() + known);
    }
}

/// Gain of a pair, as [`Edge`] has it; None if it cannot be.
fn judge(
    target: &mut Target,
    sighting: &Sighting,
    probability: f64,
    frame: Circumstances<'_>,
) -> Option<(f64, f64)> {
    let config = frame.config;
    let cov = target.expected_cov(frame.at, frame.echo_share, sighting);
    let place = target.state.fit_position(sighting.position, &cov);
    if place.d2 > config.gate {
        return None;
    }
    // A device may list a thing outside the field that was configured.
    let probability = probability.max(LEAST_PROBABILITY);
    // Factors first and one logarithm at the end: logarithms are what costs most here.
    let mut gain = -0.5 * place.d2;
    let mut odds = probability / (frame.false_per_m2 * TAU * place.det.sqrt());
    if let Some((velocity, velocity_cov)) = &sighting.velocity {
        let position = (sighting.position, &cov);
        target.state.settle_all();
        let speed = target
            .state
            .fit_velocity_after(position, (*velocity, velocity_cov));
        let others = sighting.filtered.is_some();
        if place.d2 + speed.d2 > JOINT_GATE && !others {
            return None;
        }
        let strangers = velocity_cov + Matrix2::identity() * (STRANGER_MPS * STRANGER_MPS);
        let stranger = density(velocity, &strangers);
        let (fit, share) = (
            0.5 * (stranger.d2 - speed.d2),
            (stranger.det / speed.det).sqrt(),
        );
        if others && fit + share.ln() < OTHERS_SPEED {
            gain += OTHERS_SPEED;
        } else {
            gain += fit;
            odds *= share;
        }
    }
    if frame.echo_share.is_none() && target.has_part(frame.at, sighting) {
        odds *= IN_PARTS;
    }
    if config.parts.class {
        odds *= target.class.likelihood(sighting.class);
    }
    if sighting
        .device_id
        .is_some_and(|id| target.devices.knows(frame.sensor as u8, id))
    {
        gain += if config.sensors[frame.sensor].tracks {
            SAME_DEVICE_TRACK
        } else {
            SAME_DEVICE_ID
        };
    }
    let name = target.own_id(frame.at, SAME_NAME_FOR);
    if let Some((own, last)) = sighting.own_id.zip(name) {
        // Who changes its name is where it was. Two side by side must not pass for one that is called now one way
        // and now another.
        if own != last && !target.holds(sighting.position - target.state.position()) {
            return None;
        }
        gain += if own == last { SAME_NAME } else { -SAME_NAME };
    }
    Some((gain, odds))
}

/// The best of a detection's pairs, where no other detection has anything to say.
#[inline(always)]
fn best(
    edges: &mut ArrayVec<Edge, MAX_RIVALS>,
    targets: &[Target],
    views: &[View],
) -> Option<Edge> {
    if edges.len() > 1 {
        for edge in &mut *edges {
            edge.rate(targets, views);
        }
    }
    let edges = edges.iter();
    edges
        .max_by(|a, b| a.score().total_cmp(&b.score()))
        .copied()
}

fn keep_best(list: &mut ArrayVec<Edge, MAX_RIVALS>, edge: Edge) {
    if list.try_push(edge).is_ok() {
        return;
    }
    if let Some(worst) = list
        .iter_mut()
        .min_by(|a, b| a.score().total_cmp(&b.score()))
        && worst.score() < edge.score()
    {
        *worst = edge;
    }
}

fn unite(group: &mut [u8], a: usize, b: usize) {
    let (a, b) = (root(group, a), root(group, b));
    group[a.max(b)] = a.min(b) as u8;
}

fn root(group: &mut [u8], mut member: usize) -> usize {
    while usize::from(group[member]) != member {
        group[member] = group[usize::from(group[member])];
        member = usize::from(group[member]);
    }
    member
}
