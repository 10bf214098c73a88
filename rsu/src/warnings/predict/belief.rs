//! From when on it is believed that somebody is there, and not a false echo.
//!
//! Not here: what it is about to do.

use super::super::{BY_TWO_LEAD_S, LEAST_LEAD_S};
use crate::clock::Mono;
use crate::fusion::Track;

/// False echoes seldom live so long.
const ESTABLISHED_S: f64 = 1.0;
/// Nor so long before two sensors.
const ESTABLISHED_BY_TWO_S: f64 = 0.6;

/// Whether somebody has been seen for long enough.
pub(super) fn is_established(now: Mono, track: &Track) -> bool {
    now.seconds_after(track.born_at) >= ESTABLISHED_S
}

/// From how long before on it is believed what somebody is about to do.
pub(super) fn least_lead_s(now: Mono, track: &Track) -> f64 {
    let seen_s = now.seconds_after(track.born_at);
    if is_established(now, track) {
        LEAST_LEAD_S
    } else if seen_s >= ESTABLISHED_BY_TWO_S && track.sources.count_ones() >= 2 {
        BY_TWO_LEAD_S
    } else {
        f64::INFINITY
    }
}
