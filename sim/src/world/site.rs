//! The roads of a site, as the roadside unit's own configuration describes them.

use rsu::site::{Connection, Lane, Link, Site, Turn as SiteTurn};
use v2x_msg::base::Enu;
use v2x_msg::kinds::map::LaneKind;

use super::roads::{ApproachLane, ExitLane, Movement, NotARoad, Roads, Turn};
use crate::plane::Point;

impl Roads {
    /// Every lane that leads to the site's junction, and every lane that leads away from it.
    ///
    /// Only lanes for vehicles lead anywhere. Turning back is left out; a connection to any lane of a
    /// link takes its left lane of these for a left turn and its right one otherwise.
    pub fn of_site(site: &Site) -> Result<Self, NotARoad> {
        let mut exits = Vec::new();
        // Where the lanes of each exit link begin in `exits`.
        let mut starts = Vec::new();
        for link in site.exits() {
            starts.push((link, exits.len()));
            exits.extend(link.lanes.iter().map(|lane| ExitLane {
                to: link.downstream,
                width_m: lane.width_m,
                limit_mps: lane.speed_limit_mps.unwrap_or(link.speed_limit_mps),
                centre: lane.centre.iter().map(ground).collect(),
            }));
        }
        let mut approaches = Vec::new();
        for link in site.approaches() {
            let lanes = link.lanes.iter();
            for lane in lanes.filter(|lane| matches!(lane.kind, LaneKind::Vehicle(_))) {
                let movements: Vec<Movement> = lane
                    .connections
                    .iter()
                    .filter_map(|connection| movement(connection, &starts))
                    .collect();
                if !movements.is_empty() {
                    approaches.push(ApproachLane {
                        from: link.upstream,
                        id: lane.id,
                        width_m: lane.width_m,
                        limit_mps: lane.speed_limit_mps.unwrap_or(link.speed_limit_mps),
                        centre: lane.centre.iter().map(ground).collect(),
                        movements,
                    });
                }
            }
        }
        Self::new(approaches, exits)
    }
}

fn movement(connection: &Connection, starts: &[(&Link, usize)]) -> Option<Movement> {
    let turn = match connection.turn {
        SiteTurn::Left => Turn::Left,
        SiteTurn::Straight => Turn::Straight,
        SiteTurn::Right => Turn::Right,
        SiteTurn::UTurn => return None,
    };
    let (link, start) = starts
        .iter()
        .find(|(link, _)| link.downstream == connection.to_node)?;
    let for_vehicles = |lane: &Lane| matches!(lane.kind, LaneKind::Vehicle(_));
    let mut lanes = link.lanes.iter();
    let lane = match connection.to_lane {
        Some(id) => lanes.position(|lane| lane.id == id)?,
        None if turn == Turn::Left => lanes.position(for_vehicles)?,
        None => lanes.rposition(for_vehicles)?,
    };
    Some(Movement {
        exit: start + lane,
        turn,
        phase: connection.phase,
    })
}

pub(super) fn ground(point: &Enu) -> Point {
    Point::new(point.east_m, point.north_m)
}
