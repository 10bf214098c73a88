//! Which lane a road user is on.

use std::f64::consts::{PI, TAU};

use super::{Lane, Link, Site, line};

/// Most that a road user's yaw may differ from its lane's: beyond it drives across or against it.
const MAX_TURN_RAD: f64 = PI / 3.0;

/// A place on a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneMatch<'a> {
    /// The link.
    pub link: &'a Link,
    /// The lane of that link.
    pub lane: &'a Lane,
    /// From the lane's start.
    pub along_m: f64,
    /// To the left of the lane's centre; negative on the right.
    pub left_m: f64,
}

impl Site {
    /// The lane under a point, the nearest where lanes overlap; None off the lanes, so also inside
    /// the junction. With a yaw (counter-clockwise from east), only lanes that lead that way count.
    pub fn lane_at(
        &self,
        east_m: f64,
        north_m: f64,
        yaw_rad: Option<f64>,
    ) -> Option<LaneMatch<'_>> {
        let mut best: Option<LaneMatch<'_>> = None;
        for link in &self.links {
            for lane in &link.lanes {
                let Some(foot) = line::foot(&lane.centre, east_m, north_m) else {
                    continue;
                };
                let leads_there = yaw_rad.is_none_or(|yaw| turn(yaw, foot.yaw_rad) <= MAX_TURN_RAD);
                let beyond_the_ends = foot.distance_m > foot.left_m.abs() + 1e-6;
                if beyond_the_ends || foot.left_m.abs() > lane.width_m / 2.0 || !leads_there {
                    continue;
                }
                if best.is_none_or(|found| foot.left_m.abs() < found.left_m.abs()) {
                    best = Some(LaneMatch {
                        link,
                        lane,
                        along_m: foot.along_m,
                        left_m: foot.left_m,
                    });
                }
            }
        }
        best
    }
}

/// The angle between two directions, 0..=pi.
fn turn(a_rad: f64, b_rad: f64) -> f64 {
    let between = (a_rad - b_rad).rem_euclid(TAU);
    between.min(TAU - between)
}
