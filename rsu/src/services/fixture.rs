//! A crossing for tests: four arms, each with an in-link and an exit.

use v2x_msg::base::{Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneKind, Maneuvers, VehicleLane};

use crate::site::{Connection, GreenKind, Lane, Link, Node, Phase, Site, Turn};

pub(crate) const HERE: NodeId = NodeId {
    region: Some(310),
    id: 10,
};

/// The node at the far end of an arm, 0..4.
pub(crate) fn far(arm: u16) -> NodeId {
    NodeId {
        region: Some(310),
        id: 11 + arm,
    }
}

/// Arms of `lanes` lanes with `points` points each, which are not in one line.
pub(crate) fn crossing(lanes: u8, points: usize) -> Site {
    let origin = GeoPosition::from_deg(31.287, 121.166, None).unwrap();
    let arms = 0..4;
    let names = arms.clone().map(|arm| Node {
        id: far(arm),
        name: format!("arm {arm}"),
        position: outward(arm, 300.0, 0.0),
    });
    let here = Node {
        id: HERE,
        name: "crossing".to_owned(),
        position: Enu::default(),
    };
    let links = arms.flat_map(|arm| [in_link(arm, lanes, points), exit(arm, lanes, points)]);
    Site {
        name: "crossing".to_owned(),
        node: HERE,
        origin,
        frame: EnuFrame::new(origin),
        nodes: std::iter::once(here).chain(names).collect(),
        links: links.collect(),
        phases: (0..4).map(phase).collect(),
        conflicts: Vec::new(),
        signs: Vec::new(),
        events: Vec::new(),
        stops: Vec::new(),
        utc_offset_min: crate::site::timetable::CHINA_MIN,
        synthetic: true,
    }
}

fn phase(arm: u16) -> Phase {
    Phase {
        id: phase_id(arm),
        name: format!("arm {arm}"),
        controller: "controller".to_owned(),
        lamps: vec![arm + 1],
        green: GreenKind::Protected,
    }
}

pub(crate) fn phase_id(arm: u16) -> PhaseId {
    PhaseId::new(arm as u8 + 1).unwrap()
}

/// A point of an arm: how far out, and how far to the right as seen by who drives out.
fn outward(arm: u16, out_m: f64, right_m: f64) -> Enu {
    let (sin, cos) = (f64::from(arm) * std::f64::consts::FRAC_PI_2).sin_cos();
    Enu {
        east_m: out_m * cos + right_m * sin,
        north_m: out_m * sin - right_m * cos,
        up_m: 0.0,
    }
}

fn in_link(arm: u16, lanes: u8, points: usize) -> Link {
    Link {
        name: format!("in {arm}"),
        upstream: far(arm),
        downstream: HERE,
        speed_limit_mps: 13.89,
        width_m: f64::from(lanes) * 3.5,
        points: line(arm, points, true, -2.0),
        lanes: (1..=lanes)
            .map(|id| Lane {
                connections: vec![Connection {
                    to_node: far((arm + 2) % 4),
                    to_lane: LaneId::new(id).ok(),
                    turn: Turn::Straight,
                    phase: Some(phase_id(arm)),
                }],
                ..lane(arm, id, points, true)
            })
            .collect(),
    }
}

fn exit(arm: u16, lanes: u8, points: usize) -> Link {
    Link {
        name: format!("out {arm}"),
        upstream: HERE,
        downstream: far(arm),
        speed_limit_mps: 13.89,
        width_m: f64::from(lanes) * 3.5,
        points: line(arm, points, false, 2.0),
        lanes: (1..=lanes).map(|id| lane(arm, id, points, false)).collect(),
    }
}

fn lane(arm: u16, id: u8, points: usize, inward: bool) -> Lane {
    let right_m = if inward { -3.5 } else { 3.5 } * f64::from(id);
    Lane {
        id: LaneId::new(id).unwrap(),
        width_m: 3.5,
        kind: LaneKind::Vehicle(VehicleLane::NONE),
        maneuvers: Maneuvers::STRAIGHT,
        speed_limit_mps: None,
        centre: line(arm, points, inward, right_m),
        connections: Vec::new(),
    }
}

/// From 200 m out to the stop line at 20 m, or back, with a bend at every point.
fn line(arm: u16, points: usize, inward: bool, right_m: f64) -> Vec<Enu> {
    let last = (points - 1) as f64;
    let at = |place: usize| {
        let share = place as f64 / last;
        let bend_m = if place % 2 == 1 { 0.5 } else { 0.0 };
        let out_m = if inward {
            200.0 - 180.0 * share
        } else {
            20.0 + 180.0 * share
        };
        outward(arm, out_m, right_m + bend_m)
    };
    (0..points).map(at).collect()
}
