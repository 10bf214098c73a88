//! The site's lanes as decisions need them: where a road user is along one, how far aside, how fast.

use v2x_msg::base::{Enu, LaneId, NodeId};
use v2x_msg::kinds::map::LaneKind;
use v2x_msg::kinds::rsi::ReferenceLink;

use super::{reference, same_node};
use crate::fusion::Track;
use crate::report::Class;
use crate::site::{Site, line};

/// Lanes for motor vehicles.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) all: Vec<Target>,
}

/// A lane that one may ask for.
#[derive(Debug)]
pub(super) struct Target {
    upstream: NodeId,
    downstream: NodeId,
    lane: LaneId,
    pub(super) width_m: f64,
    pub(super) limit_mps: f64,
    pub(super) centre: Vec<Enu>,
    pub(super) length_m: f64,
}

/// Where a road user is in relation to a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    /// Of its centre from the lane's start; before it negative, beyond its end more than its length.
    pub(super) at_m: f64,
    /// Of its centre to the left of the lane's.
    pub(super) left_m: f64,
    /// Along the lane, to its end positive.
    pub(super) mps: f64,
    /// To the left.
    leftward_mps: f64,
    /// Half of what it takes up along the lane, and how far off that may be.
    pub(super) half_m: f64,
    half_width_m: f64,
}

/// Who asks, in relation to the lane that it asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub(super) along: Along,
    /// Whether it drives as the lane leads, or against it; None where that cannot be told.
    pub(super) same_way: Option<bool>,
}

/// A lane is the next one up to this many of its widths, and a metre, from centre to centre.
const NEXT_WIDTHS: f64 = 1.5;
/// Beyond the ends of a lane road users are still looked at so far.
const BEYOND_M: f64 = 100.0;
/// Who will be over a lane's edge this soon is in it already.
const SOON_S: f64 = 1.5;
/// Over a lane's edge by less does not take it.
const EDGE_M: f64 = 0.2;
/// Slower than this a velocity has no direction.
const STANDING_MPS: f64 = 0.5;
/// Cosine of the angle between a course and a lane up to which it is along it.
const ALONG: f64 = 0.7;
/// Standard deviations by which a place is taken to be nearer than it is believed.
const SIGMAS: f64 = 2.0;

impl Lanes {
    pub(super) fn of(site: &Site) -> Self {
        let lanes = site.links.iter().flat_map(|link| {
            let driven = |kind| matches!(kind, LaneKind::Vehicle(_));
            let lanes = link.lanes.iter().filter(move |lane| driven(lane.kind));
            lanes.map(move |lane| Target {
                upstream: link.upstream,
                downstream: link.downstream,
                lane: lane.id,
                width_m: lane.width_m,
                limit_mps: lane.speed_limit_mps.unwrap_or(link.speed_limit_mps),
                length_m: line::length_m(&lane.centre),
                centre: lane.centre.clone(),
            })
        });
        Self {
            all: lanes.collect(),
        }
    }

    /// The place of a lane in the list, by its names.
    pub(super) fn find(&self, upstream: NodeId, downstream: NodeId, lane: LaneId) -> Option<usize> {
        self.all.iter().position(|known| {
            known.lane == lane
                && same_node(known.upstream, upstream)
                && same_node(known.downstream, downstream)
        })
    }
}

impl Target {
    pub(super) fn reference(&self) -> ReferenceLink {
        reference(self.upstream, self.downstream, self.lane)
    }

    /// Where a road user is along this lane; None where it is beside neither the lane nor what goes on
    /// before and behind it, or at no place at all.
    pub(super) fn along(&self, track: &Track) -> Option<Along> {
        let foot = line::foot(&self.centre, track.east_m, track.north_m)?;
        let (sin, cos) = foot.yaw_rad.sin_cos();
        let (east, north) = (track.velocity.east_mps, track.velocity.north_mps);
        let over_m = (foot.distance_m.powi(2) - foot.left_m.powi(2))
            .max(0.0)
            .sqrt();
        let at_m = if foot.along_m <= 0.0 {
            -over_m
        } else if foot.along_m >= self.length_m {
            self.length_m + over_m
        } else {
            // At the outer side of a bend nothing is straight beside.
            foot.along_m
        };
        let (length_m, width_m) = outline(track);
        let cov = &track.position_cov;
        let variance = cov.ee * cos * cos + 2.0 * cov.en * cos * sin + cov.nn * sin * sin;
        let along = Along {
            at_m,
            left_m: foot.left_m,
            mps: east * cos + north * sin,
            leftward_mps: north * cos - east * sin,
            half_m: length_m / 2.0 + SIGMAS * sigma(variance),
            half_width_m: width_m / 2.0,
        };
        let told = [along.at_m, along.left_m, along.mps];
        (over_m <= BEYOND_M && told.iter().all(|figure| figure.is_finite())).then_some(along)
    }

    /// Where who asks for this lane is; None where it is not right beside it.
    pub(super) fn beside(&self, asker: &Track) -> Option<Beside> {
        let along = self.along(asker)?;
        let inside = (0.0..=self.length_m).contains(&along.at_m);
        if !inside
            || along.half_m.is_infinite()
            || along.left_m.abs() > NEXT_WIDTHS * self.width_m + 1.0
        {
            return None;
        }
        let speed_mps = along.mps.hypot(along.leftward_mps);
        let cosine = if speed_mps > STANDING_MPS {
            Some(along.mps / speed_mps)
        } else {
            let foot = line::foot(&self.centre, asker.east_m, asker.north_m)?;
            asker.yaw_rad.map(|yaw| (yaw - foot.yaw_rad).cos())
        };
        Some(Beside {
            along,
            same_way: cosine
                .filter(|cosine| cosine.abs() > ALONG)
                .map(|cosine| cosine > 0.0),
        })
    }

    /// Whether somebody takes up a part of this lane, or is about to.
    pub(super) fn holds(&self, along: &Along) -> bool {
        let soon_m = along.left_m + SOON_S * along.leftward_mps;
        let edge_m = self.width_m / 2.0 + along.half_width_m - EDGE_M;
        let crosses = along.left_m.signum() != soon_m.signum();
        crosses || along.left_m.abs().min(soon_m.abs()) < edge_m
    }
}

/// Of what nobody knows how sure it is nobody is sure.
fn sigma(variance: f64) -> f64 {
    if variance.is_nan() {
        f64::INFINITY
    } else {
        variance.max(0.0).sqrt()
    }
}

/// Length and width of a road user, by its class where nobody has measured them.
fn outline(track: &Track) -> (f64, f64) {
    if let Some(size) = track.size {
        return (size.length_m.into(), size.width_m.into());
    }
    match track.class {
        Class::Truck | Class::Bus => (12.0, 2.5),
        Class::Motorcycle | Class::Bicycle => (2.0, 0.8),
        Class::Pedestrian | Class::Animal => (0.8, 0.8),
        Class::Car | Class::Unknown => (5.0, 1.9),
    }
}
