//! Who is spoken of first where one message does not hold everybody: by risk, then by distance.
//!
//! A receiver may hear only some of a slot's messages, so the first one holds those that others
//! must know of most: who is about to meet somebody, people without a body of steel near the junction, then what will be there
//! within seconds, then what moves, then what stands.

use crate::fusion::Track;
use crate::report::Class;

/// Smaller is sooner: risk, then distance from the junction in decimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    risk: Risk,
    distance_dm: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Risk {
    /// A warning names it.
    Warned,
    /// On foot or on two wheels, and near.
    Exposed,
    /// At the junction within seconds.
    Arriving,
    Moving,
    Standing,
}

/// The rank of a road user, from its place relative to the site's origin.
pub(super) fn rank(track: &Track, warned: bool) -> Rank {
    let (east, north) = (track.east_m, track.north_m);
    let distance_m = east.hypot(north);
    let (east_mps, north_mps) = (track.velocity.east_mps, track.velocity.north_mps);
    let closing_mps = -(east * east_mps + north * north_mps) / distance_m.max(1.0);
    let soft = matches!(
        track.class,
        Class::Pedestrian | Class::Bicycle | Class::Motorcycle
    );
    let risk = if warned {
        Risk::Warned
    } else if soft && distance_m < NEAR_M {
        Risk::Exposed
    } else if distance_m - INNER_M < closing_mps * SOON_S && closing_mps > MOVING_MPS {
        Risk::Arriving
    } else if east_mps.hypot(north_mps) > MOVING_MPS {
        Risk::Moving
    } else {
        Risk::Standing
    };
    Rank {
        risk,
        // Saturates, also for what is not a number.
        distance_dm: (distance_m * 10.0) as u32,
    }
}

/// Where road users cross each other's ways.
const NEAR_M: f64 = 40.0;
/// The conflict area about the origin.
const INNER_M: f64 = 15.0;
const SOON_S: f64 = 5.0;
const MOVING_MPS: f64 = 0.5;
