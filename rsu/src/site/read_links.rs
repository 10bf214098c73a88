//! Links of a site's TOML, their lanes, connections and lines.
//!
//! Lanes may leave out their own line: then they lie side by side, from the link's reference line (the
//! left edge of its leftmost lane, as a road's centre line is surveyed) to the right. What was written is
//! looked at before lanes are moved aside: a point that stands twice would bend them.

use v2x_msg::base::{Enu, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneKind, Maneuvers, VehicleLane};

use super::read::{
    LANE_KINDS, MAX_REACH_M, TURNS, ground, node_id, optional_id, phase_id, required_id,
    required_number,
};
use super::{Connection, Lane, Link, Turn, across, line};
use crate::sheet::{At, Table};

/// Most points of one line: what finds out whether it crosses itself looks at every pair of pieces.
const MAX_POINTS: usize = 500;
/// Points nearer to each other than this are the same point twice.
const SAME_POINT_M: f64 = 0.1;

/// What of a link could be read; of the rest nothing is said that follows from it.
pub(super) struct ReadLink {
    /// Whether its own line is one.
    pub(super) line: bool,
    /// Whether all of its lanes are there.
    pub(super) lanes: bool,
    /// Of each lane that is there.
    pub(super) each: Vec<ReadLane>,
}

/// What of a lane could be read.
#[derive(Clone, Copy)]
pub(super) struct ReadLane {
    /// Whether its line is one, its own or that which follows from the link's.
    pub(super) line: bool,
    /// Whether all of its connections are there.
    pub(super) connections: bool,
}

/// A link, the lines of its lanes in the file, and what could not be read.
pub(super) fn link(mut table: Table<'_, '_>) -> Option<(At<Link>, Vec<usize>, ReadLink)> {
    let line = table.line();
    let name = table
        .required_text("name")
        .map(|name| name.value.to_owned());
    let upstream = node_id(&mut table, "upstream");
    let downstream = node_id(&mut table, "downstream");
    let limit_kmh = required_number(&mut table, "speed-limit-kmh", 1.0, 250.0);
    let (reference, line_is_one) = whole_line(&mut table);
    let mut lanes: Vec<Lane> = Vec::new();
    let mut lines = Vec::new();
    let mut read = ReadLink {
        line: line_is_one,
        lanes: true,
        each: Vec::new(),
    };
    let mut width_m = 0.0;
    let tables = table.tables("lane");
    if tables.is_empty() {
        table.wrong(line, "lane", "a link needs at least one [[link.lane]]");
        read.lanes = false;
    }
    let mut too_tight = false;
    for lane_table in tables {
        let lane_line = lane_table.line();
        let own_line = lane_table.has("points-m");
        let Some((lane, mut how)) = lane(lane_table, &reference, width_m, upstream) else {
            read.lanes = false;
            continue;
        };
        if !own_line {
            let back = runs_back(&reference, &lane.centre).filter(|_| line_is_one);
            if let Some(at) = back.filter(|_| !too_tight) {
                let reason = format!(
                    "bends too tightly at point {at} for lane {}, which would run back there: leave the point out, or \
                     give the lane points-m of its own",
                    lane.id.value()
                );
                table.wrong(table.line_of("points-m"), "points-m", &reason);
            }
            too_tight |= back.is_some();
            how.line = line_is_one && back.is_none();
        }
        if !across(lane.kind) {
            width_m += lane.width_m;
        }
        lanes.push(lane);
        lines.push(lane_line);
        read.each.push(how);
    }
    table.finish();
    // Nor does its own line then lie as it was meant.
    read.line &= !too_tight;
    let value = Link {
        name: name?,
        upstream: upstream?,
        downstream: downstream?,
        speed_limit_mps: limit_kmh? / 3.6,
        width_m,
        points: line::beside(&reference, width_m / 2.0),
        lanes,
    };
    Some((At { line, value }, lines, read))
}

/// `left_of_it_m` is the width of the lanes to the left. A crosswalk leads to no other link: what its
/// phase rules is the way over the road of this link, told as a connection to where that comes from.
fn lane(
    mut table: Table<'_, '_>,
    reference: &[Enu],
    left_of_it_m: f64,
    upstream: Option<NodeId>,
) -> Option<(Lane, ReadLane)> {
    let id = required_id(&mut table, "id", LaneId::new);
    let width_m = required_number(&mut table, "width-m", 0.5, 30.0);
    let kind = table.choice("kind", &LANE_KINDS).map(|kind| kind.value);
    let limit_kmh = table.number("speed-limit-kmh", 1.0..=250.0);
    let own_line = table.has("points-m");
    let (own_points, line_is_one) = if own_line {
        whole_line(&mut table)
    } else {
        // Asked for, so that it is a known key.
        (points(&mut table, "points-m"), true)
    };
    let before = table.reader().wrongs();
    let tables = table.tables("connections");
    let mut connections: Vec<Connection> = tables.into_iter().filter_map(connection).collect();
    let read = ReadLane {
        line: line_is_one,
        connections: table.reader().wrongs() == before,
    };
    let kind = kind.unwrap_or(LaneKind::Vehicle(VehicleLane::NONE));
    let line = table.line();
    if across(kind) {
        if !own_line {
            let reason = "a crosswalk lies across its link: it needs points-m from kerb to kerb";
            table.wrong(line, "points-m", reason);
        }
        if !connections.is_empty() {
            let reason =
                "a crosswalk leads to no link: give it `phase` instead, if a signal rules it";
            table.wrong(line, "connections", reason);
        }
        connections = phase_id(&mut table, "phase")
            .and_then(|phase| Some(crossing_of(upstream?, phase)))
            .into_iter()
            .collect();
    } else if table.has("phase") {
        let reason =
            "phase stands in each of the lane's connections; only a crosswalk has one itself";
        table.wrong(table.line_of("phase"), "phase", reason);
        let _ = table.integer("phase", 0..=255);
    }
    table.finish();
    let width_m = width_m?;
    let maneuvers = connections
        .iter()
        .map(|connection| connection.turn.maneuver());
    let lane = Lane {
        id: id?,
        width_m,
        kind,
        maneuvers: maneuvers.fold(Maneuvers::NONE, |all, one| all | one),
        speed_limit_mps: limit_kmh.map(|limit| limit.value / 3.6),
        centre: if own_line {
            own_points
        } else {
            line::beside(reference, left_of_it_m + width_m / 2.0)
        },
        connections,
    };
    Some((lane, read))
}

fn crossing_of(upstream: NodeId, phase: PhaseId) -> Connection {
    Connection {
        to_node: upstream,
        to_lane: None,
        turn: Turn::Straight,
        phase: Some(phase),
    }
}

fn connection(mut table: Table<'_, '_>) -> Option<Connection> {
    let to_node = node_id(&mut table, "to-node");
    let to_lane = optional_id(&mut table, "to-lane", LaneId::new);
    let turn = table.choice("turn", &TURNS).map(|turn| turn.value);
    if turn.is_none() && !table.has("turn") {
        table.missing("turn");
    }
    let phase = phase_id(&mut table, "phase");
    table.finish();
    Some(Connection {
        to_node: to_node?,
        to_lane,
        turn: turn?,
        phase,
    })
}

pub(super) fn points(table: &mut Table<'_, '_>, key: &'static str) -> Vec<Enu> {
    let points = placed(table, key);
    points.into_iter().map(|point| point.value).collect()
}

/// The points of a line, and whether it is one: every point a place of its own, and none that leads
/// back.
fn whole_line(table: &mut Table<'_, '_>) -> (Vec<Enu>, bool) {
    let key = "points-m";
    let before = table.reader().wrongs();
    let is_there = table.has(key);
    if !is_there {
        table.missing(key);
    }
    let points = placed(table, key);
    if is_there && points.len() < 2 && table.reader().wrongs() == before {
        table.wrong(table.line_of(key), key, "a line needs at least two points");
    }
    for (at, pair) in points.windows(2).enumerate() {
        if line::distance_m(pair[0].value, pair[1].value) < SAME_POINT_M {
            let reason = format!(
                "points {} and {} are closer than {SAME_POINT_M} m: one point twice",
                at + 1,
                at + 2
            );
            table.wrong(pair[1].line, key, &reason);
        }
    }
    if table.reader().wrongs() == before {
        for (at, three) in points.windows(3).enumerate() {
            let (from, to) = (
                line::direction(three[0].value, three[1].value),
                line::direction(three[1].value, three[2].value),
            );
            if from.0 * to.0 + from.1 * to.1 < 0.0 {
                let reason = format!(
                    "turns back on itself at point {}, by more than 90 degrees: are its points in order?",
                    at + 2
                );
                table.wrong(three[1].line, key, &reason);
            }
        }
    }
    let points: Vec<Enu> = points.into_iter().map(|point| point.value).collect();
    if line::crosses_itself(&points) {
        table.wrong(table.line_of(key), key, "crosses itself");
    }
    (points, table.reader().wrongs() == before)
}

/// The first point behind which a line that was moved aside runs against the one that it was made of.
fn runs_back(reference: &[Enu], moved: &[Enu]) -> Option<usize> {
    let pieces = reference.windows(2).zip(moved.windows(2));
    let back = pieces.map(|(was, is)| {
        let (was, is) = (
            line::direction(was[0], was[1]),
            line::direction(is[0], is[1]),
        );
        was.0 * is.0 + was.1 * is.1 < 0.0
    });
    back.into_iter().position(|back| back).map(|at| at + 1)
}

fn placed(table: &mut Table<'_, '_>, key: &'static str) -> Vec<At<Enu>> {
    let mut pairs = table.pairs(key);
    if let Some(first) = pairs.get(MAX_POINTS) {
        let reason =
            format!("a line of more than {MAX_POINTS} points; a point every few metres is enough");
        table.wrong(first.line, key, &reason);
        pairs.truncate(MAX_POINTS);
    }
    for pair in &pairs {
        if pair.value.0.abs() > MAX_REACH_M || pair.value.1.abs() > MAX_REACH_M {
            let reason = format!(
                "[{}, {}] is too far from the origin",
                pair.value.0, pair.value.1
            );
            table.wrong(pair.line, key, &reason);
        }
    }
    let place = |pair: At<(f64, f64)>| At {
        line: pair.line,
        value: ground(pair.value.0, pair.value.1),
    };
    pairs.into_iter().map(place).collect()
}
