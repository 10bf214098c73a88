//! What the signals say to somebody on each of its ways, and what that says of which way it takes.
//!
//! Not here: what a signal demands (`light`), and who can still stop (`brake`).

use arrayvec::ArrayVec;

use super::super::light::Demand;
use super::super::ways::Ways;
use super::brake::{Braking, Sign, brakes_late, fails_to_stop, wanted};
use super::lanes::{MOST_WAYS, On};
use super::shape::half_length_m;
use super::{Predictions, STANDS_BELOW_MPS};
use crate::clock::Mono;
use crate::fusion::Track;
use crate::signals::Forecast;

/// So far over the stop line the light behind still tells which way one takes.
const JUST_OVER_M: f64 = 5.0;
/// Some have not begun to brake for a red light when nearly all have.
const LATE_BRAKERS: f64 = 0.1;

impl Predictions {
    /// The ways of a road user and what their signals say. Who passes a red light on one way and may
    /// go by another is taken to go there.
    pub(super) fn signs(
        &self,
        now: Mono,
        index: usize,
        track: &Track,
        forecast: Option<&Forecast>,
        ways: &Ways,
        braking: Braking,
    ) -> ArrayVec<(On, Sign), MOST_WAYS> {
        let mover = &self.movers[index];
        let memory = &self.memory[usize::from(track.id)];
        let half_length_m = half_length_m(track);
        let sign = |on: &On| {
            let way = &ways.all[on.way];
            let to_stop_m = way.stop_m - on.along_m - half_length_m;
            let arrives_s = (to_stop_m / mover.speed_mps.max(STANDS_BELOW_MPS)).max(0.0);
            let (demand, seen) = if to_stop_m > -JUST_OVER_M {
                wanted(way, forecast, now, arrives_s)
            } else {
                (Demand::Go, false)
            };
            let (shown, _) = wanted(way, forecast, now, 0.0);
            let passes = if to_stop_m > 0.0 {
                fails_to_stop(mover, memory, track, to_stop_m, braking)
            } else {
                1.0
            };
            let late = if to_stop_m > 0.0 {
                brakes_late(mover, memory, track, to_stop_m, braking)
            } else {
                0.0
            };
            let sign = Sign {
                demand,
                shown,
                seen,
                passes,
                late,
                arrives_s,
            };
            (*on, sign)
        };
        let mut signs: ArrayVec<_, MOST_WAYS> = self.on[index].iter().map(sign).collect();
        if signs.iter().any(|(_, sign)| sign.demand == Demand::Go) {
            signs.retain(|(_, sign)| sign.demand == Demand::Go || sign.passes < 0.5);
            for (on, sign) in &mut signs {
                if sign.demand == Demand::SurelyStop && sign.seen {
                    on.weight *= (1.0 - sign.late).max(LATE_BRAKERS);
                }
            }
        }
        let sum: f64 = signs.iter().map(|(on, _)| on.weight).sum();
        for (on, _) in &mut signs {
            on.weight /= sum;
        }
        signs
    }
}
