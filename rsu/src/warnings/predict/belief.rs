//! From when on it is believed that somebody is there, and not a false echo.
//!
//! Not here: what it is about to do.

use super::super::{BY_TWO_LEAD_S, LEAST_LEAD_S};
use crate::clock::Mono;
use crate::fusion::Track;

use super::mover::is_soft;

/// False echoes seldom live so long.
const ESTABLISHED_S: f64 = 1.0;
/// Nor so long before two sensors.
const ESTABLISHED_BY_TWO_S: f64 = 0.6;
/// What one sensor alone takes for somebody on foot or two wheels, and stands, is believed in after so long: a
/// camera's false pictures stand too, and come and go in the middle of the road.
const STANDS_ESTABLISHED_S: f64 = 2.0;

/// Nobody walks slower, as far as a speed is known.
const WALKS_FROM_MPS: f64 = 0.5;

/// Whether somebody has been seen for long enough.
pub(super) fn is_established(now: Mono, track: &Track) -> bool {
    now.seconds_after(track.born_at) >= ESTABLISHED_S
}

/// From how long before on it is believed what somebody is about to do.
pub(super) fn least_lead_s(now: Mono, track: &Track, speed_mps: f64) -> f64 {
    let seen_s = now.seconds_after(track.born_at);
    let by_two = track.sources.count_ones() >= 2;
    let stands = is_soft(track.class) && speed_mps < WALKS_FROM_MPS;
    if stands && !by_two && seen_s < STANDS_ESTABLISHED_S {
        return f64::INFINITY;
    }
    if is_established(now, track) {
        LEAST_LEAD_S
    } else if seen_s >= ESTABLISHED_BY_TWO_S && by_two {
        BY_TWO_LEAD_S
    } else {
        f64::INFINITY
    }
}
