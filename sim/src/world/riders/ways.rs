//! Where riders can go: out of a lane for bicycles, over the junction, into another.
//!
//! Of each connection of such a lane a way is made. Left turns in two stages are for [`super::stages`].
//! Where riders go within their lane is for [`super::choice`].

use rsu::site::{Connection, Lane, Link, Site, Turn as SiteTurn};
use v2x_msg::base::{NodeId, PhaseId};
use v2x_msg::kinds::map::LaneKind;

use super::super::roads::{Turn, speeds};
use super::super::site::ground;
use super::stages::Wait;
use crate::plane::{Path, Point, curve};

/// One way over the junction, from where riders appear to where they leave.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// Where it comes from.
    pub(super) from: NodeId,
    /// Which way it goes.
    pub(super) turn: Turn,
    /// Its lane to the junction and the one away from it: numbers among all of them.
    pub(super) lanes: [usize; 2],
    /// How wide the two are.
    pub(super) wide_m: [f64; 2],
    /// The middle of all of it.
    pub(super) path: Path,
    /// Where the stop line is, and where the lane away begins.
    pub(super) stop_m: f64,
    pub(super) clear_m: f64,
    /// Who keeps them at the stop line; None: no light.
    pub(super) phase: Option<PhaseId>,
    /// Where those wait who turn left in two stages.
    pub(super) wait: Option<Wait>,
    /// As fast as bends allow, by metre.
    pub(super) speed_mps: Vec<f64>,
}

/// A lane for bicycles to the junction, with one of its connections.
struct Approach<'a> {
    link: &'a Link,
    lane: &'a Lane,
    connection: &'a Connection,
    number: usize,
    exit: (&'a Lane, usize),
}

/// Every way of riders over the junction of a site.
pub(super) fn of_site(site: &Site) -> Vec<Way> {
    let mut numbered = Vec::new();
    for link in &site.links {
        let lanes = link.lanes.iter().filter(|lane| is_for_riders(lane));
        numbered.extend(lanes.map(|lane| (link, lane)));
    }
    let approaches: Vec<Approach<'_>> = numbered
        .iter()
        .enumerate()
        .filter(|(_, (link, _))| link.downstream == site.node)
        .flat_map(|(number, &(link, lane))| {
            let connections = lane.connections.iter();
            let numbered = &numbered;
            connections.filter_map(move |connection| {
                let mut exits = numbered.iter().enumerate();
                let (exit, (_, to)) = exits.find(|(_, (exit, to))| {
                    exit.upstream == site.node
                        && exit.downstream == connection.to_node
                        && connection.to_lane.is_none_or(|id| to.id == id)
                })?;
                Some(Approach {
                    link,
                    lane,
                    connection,
                    number,
                    exit: (*to, exit),
                })
            })
        })
        .collect();
    approaches.iter().filter_map(Way::of).collect()
}

fn is_for_riders(lane: &Lane) -> bool {
    matches!(lane.kind, LaneKind::Bike(_))
}

impl Way {
    fn of(approach: &Approach<'_>) -> Option<Self> {
        let turn = match approach.connection.turn {
            SiteTurn::Left => Turn::Left,
            SiteTurn::Straight => Turn::Straight,
            SiteTurn::Right => Turn::Right,
            SiteTurn::UTurn => return None,
        };
        let (exit, exit_number) = approach.exit;
        let [inward, outward] = [approach.lane, exit]
            .map(|lane| lane.centre.iter().map(ground).collect::<Vec<Point>>());
        let (into, out) = (Path::new(&inward)?, Path::new(&outward)?);
        let stop_m = into.length_m();
        let over = curve(
            into.point_at(stop_m),
            into.direction_at(stop_m),
            out.point_at(0.0),
            out.direction_at(0.0),
        );
        let clear_m = stop_m + Path::new(&over).map_or(0.0, |path| path.length_m());
        let path = Path::new(&[inward, over, outward].concat())?;
        Some(Self {
            from: approach.link.upstream,
            turn,
            lanes: [approach.number, exit_number],
            wide_m: [approach.lane.width_m, exit.width_m],
            phase: approach.connection.phase,
            wait: None,
            speed_mps: speeds(&path, BEND_M, |_| f64::INFINITY),
            path,
            stop_m,
            clear_m,
        })
    }

    /// As fast as the bends there and ahead allow.
    pub(super) fn speed_mps(&self, along_m: f64) -> f64 {
        let last = self.speed_mps.len() - 1;
        self.speed_mps[(along_m.max(0.0) as usize).min(last)]
    }

    /// So far from the middle of the way somebody so wide keeps to their lane.
    pub(super) fn half_m(&self, along_m: f64, width_m: f64) -> f64 {
        let wide_m = if along_m > self.clear_m {
            self.wide_m[1]
        } else {
            self.wide_m[0]
        };
        ((wide_m - width_m) / 2.0 - EDGE_M).max(0.0)
    }

    /// Whether this place is on the junction, or near it.
    pub(super) fn is_over(&self, along_m: f64) -> bool {
        (self.stop_m - NEAR_M..self.clear_m + NEAR_M).contains(&along_m)
    }
}

/// Riders slow down for shorter bends than vehicles.
pub(super) const BEND_M: f64 = 4.0;
/// What riders keep free to the edge of their lane (assumed).
const EDGE_M: f64 = 0.1;
/// Nearer than this to the junction is on it.
const NEAR_M: f64 = 8.0;
