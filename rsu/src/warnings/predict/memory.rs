//! What the looks before have shown of a road user: how it accelerates and turns, and where it goes.

use crate::clock::Mono;

use super::clear::Came;
use super::kerb::Coming;
use super::lanes::MOST_WAYS;

/// What the looks before have shown of a road user.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) born_at: Mono,
    pub(super) seen_at: Mono,
    pub(super) speed_mps: f64,
    pub(super) yaw_rad: Option<f64>,
    pub(super) accel_mps2: f64,
    /// The same of about a second: what it has been doing, less what a speed is off from look to look.
    pub(super) lasting_mps2: f64,
    pub(super) turn_radps: f64,
    /// How it came to its stop line.
    pub(super) came: Came,
    /// How likely it goes to which lane, by what was seen of it so far.
    pub(super) goes_to: [(usize, f64); MOST_WAYS],
    /// On foot or two wheels: whether it comes to the carriageway.
    pub(super) coming: Coming,
}

impl Memory {
    /// Adds what was seen of it at that moment.
    pub(super) fn look(
        &mut self,
        seen_at: Mono,
        born_at: Mono,
        speed_mps: f64,
        yaw_rad: Option<f64>,
    ) {
        let step_s = seen_at.seconds_after(self.seen_at);
        let known = self.born_at == born_at && step_s <= 1.0;
        if known && step_s < 0.02 {
            return;
        }
        if known {
            let share = (step_s / SMOOTH_S).min(1.0);
            let accel = ((speed_mps - self.speed_mps) / step_s).clamp(-9.0, 4.0);
            self.accel_mps2 += share * (accel - self.accel_mps2);
            self.lasting_mps2 += (step_s / LASTING_S).min(1.0) * (accel - self.lasting_mps2);
            let turn = match (self.yaw_rad, yaw_rad) {
                (Some(before), Some(after)) => half_turn(after - before) / step_s,
                _ => 0.0,
            };
            self.turn_radps +=
                share * (turn.clamp(-MOST_TURN_RADPS, MOST_TURN_RADPS) - self.turn_radps);
        } else {
            (self.accel_mps2, self.lasting_mps2, self.turn_radps) = (0.0, 0.0, 0.0);
            self.goes_to = [(usize::MAX, 0.0); MOST_WAYS];
            self.coming = Coming::Not;
            self.came = Came::default();
        }
        (self.born_at, self.seen_at) = (born_at, seen_at);
        (self.speed_mps, self.yaw_rad) = (speed_mps, yaw_rad);
    }
}

/// Acceleration and turn are those of about so long.
const SMOOTH_S: f64 = 0.4;
/// What lasts is that of about so long.
const LASTING_S: f64 = 1.0;
const MOST_TURN_RADPS: f64 = 1.0;

/// An angle as -pi..pi.
pub(super) fn half_turn(angle_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (angle_rad + PI).rem_euclid(TAU) - PI
}
