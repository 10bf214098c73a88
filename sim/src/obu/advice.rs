//! The speed at which one comes to the line while it is green (GLOSA).
//!
//! The first window of green that can be reached is aimed at, a little after it begins, and later by
//! two seconds for each who is ahead in the lane: they move off one after the other. One slows down in
//! comfort to an even speed and keeps it to the line. Below a least speed there is no advice: whoever
//! would have to crawl may as well stop. So the length of the road from which one is advised bounds what
//! advice can do: at 18 km/h 250 m are 50 s.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{NodeId, PhaseId};

use super::signal::Belief;
use crate::world::vehicles::time_to_cover_s;

/// What a driver is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    /// The junction.
    pub node: NodeId,
    /// The phase that rules the way.
    pub phase: PhaseId,
    /// No faster than this.
    pub speed_mps: f64,
    /// At the line then, while it is green.
    pub arrives: Utc,
}

/// What advice rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approach {
    /// From the front to the line.
    pub left_m: f64,
    /// Now.
    pub speed_mps: f64,
    /// Fastest that one may drive.
    pub limit_mps: f64,
    /// Others in the lane before the line.
    pub ahead: usize,
    /// Slower nobody is told to drive.
    pub least_mps: f64,
}

/// Speed and moment of arrival for a green that can be reached; None where there is none in sight.
pub fn advise(approach: &Approach, belief: &Belief<'_>, now: Utc) -> Option<(f64, Utc)> {
    let most_mps = approach.limit_mps.max(approach.least_mps);
    let soonest_s = time_to_cover_s(approach.left_m, approach.speed_mps, RISE_MPS2, most_mps);
    let soonest = later(now, soonest_s);
    let queue_s = QUEUE_S * approach.ahead as f64;
    belief
        .windows
        .iter()
        .filter(|window| window.is_green())
        .find_map(|window| {
            let ends = window.ends?;
            // A green that is on has let those go who stood; one to come lets them go first.
            let begins = if window.begins > now {
                later(window.begins, AFTER_GREEN_S + queue_s)
            } else {
                window.begins
            };
            let arrives = soonest.max(begins);
            if later(arrives, BEFORE_END_S) > ends {
                return None;
            }
            let takes_s = arrives.ns_since(now) as f64 * 1e-9;
            if arrives == soonest {
                return Some((most_mps, arrives));
            }
            even_speed_mps(approach, takes_s, most_mps).map(|speed_mps| (speed_mps, arrives))
        })
}

/// The speed to slow down to, and keep, to come to the line after `takes_s`; None below the least.
fn even_speed_mps(approach: &Approach, takes_s: f64, most_mps: f64) -> Option<f64> {
    if time_s(approach, approach.least_mps) < takes_s {
        return None;
    }
    let (mut low, mut high) = (approach.least_mps, most_mps);
    for _ in 0..30 {
        let middle = (low + high) / 2.0;
        if time_s(approach, middle) > takes_s {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// How long the line is away at this speed, after slowing down or speeding up to it.
fn time_s(approach: &Approach, speed_mps: f64) -> f64 {
    let Approach {
        left_m,
        speed_mps: now_mps,
        ..
    } = *approach;
    if speed_mps >= now_mps {
        return time_to_cover_s(left_m, now_mps, RISE_MPS2, speed_mps);
    }
    let slows_m = (now_mps * now_mps - speed_mps * speed_mps) / (2.0 * FALL_MPS2);
    if slows_m >= left_m {
        // It is there before it is as slow as that.
        let then_mps = (now_mps * now_mps - 2.0 * FALL_MPS2 * left_m)
            .max(0.0)
            .sqrt();
        return (now_mps - then_mps) / FALL_MPS2;
    }
    (now_mps - speed_mps) / FALL_MPS2 + (left_m - slows_m) / speed_mps
}

fn later(at: Utc, seconds: f64) -> Utc {
    at + Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
}

/// Slower than 18 km/h nobody is told to drive, as a rule (assumed).
pub const LEAST_MPS: f64 = 5.0;
/// How one speeds up and slows down by advice.
const RISE_MPS2: f64 = 1.5;
const FALL_MPS2: f64 = 1.0;
/// So long after the beginning of green one comes at the soonest, and before its end at the latest.
const AFTER_GREEN_S: f64 = 1.0;
const BEFORE_END_S: f64 = 1.0;
/// For each who is ahead.
const QUEUE_S: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::obu::signal::Window;
    use v2x_msg::kinds::spat::Light;

    fn at(seconds: f64) -> Utc {
        Utc::from_unix_ns(1_700_000_000_000_000_000 + (seconds * 1e9) as i64)
    }

    fn approach(left_m: f64) -> Approach {
        Approach {
            left_m,
            speed_mps: 15.0,
            limit_mps: 16.67,
            ahead: 0,
            least_mps: LEAST_MPS,
        }
    }

    fn green(from_s: f64, until_s: f64) -> [Window; 1] {
        [Window {
            light: Light::ProtectedGreen,
            begins: at(from_s),
            ends: Some(at(until_s)),
        }]
    }

    fn advised(approach: &Approach, windows: &[Window]) -> Option<(f64, f64)> {
        let belief = Belief {
            light: Light::Red,
            said: at(0.0),
            windows,
        };
        let (speed_mps, arrives) = advise(approach, &belief, at(0.0))?;
        Some((speed_mps, arrives.ns_since(at(0.0)) as f64 * 1e-9))
    }

    #[test]
    fn who_keeps_the_advised_speed_is_there_when_it_is_green() {
        for left_m in [100.0, 150.0, 200.0, 250.0] {
            let windows = green(20.0, 40.0);
            let Some((speed_mps, arrives_s)) = advised(&approach(left_m), &windows) else {
                assert!(left_m < 160.0, "{left_m} m can be done at 5 m/s and more");
                continue;
            };
            // Drive it: slow down by 1 m/s² to the advised speed, in small steps.
            let (mut along_m, mut now_mps, mut clock_s) = (0.0, 15.0_f64, 0.0);
            while along_m < left_m {
                now_mps = (now_mps - 0.001).max(speed_mps);
                along_m += now_mps * 0.001;
                clock_s += 0.001;
            }
            assert!(
                (clock_s - arrives_s).abs() < 0.05,
                "{left_m} m: {clock_s} {arrives_s}"
            );
            assert!((20.9..22.0).contains(&clock_s));
        }
    }

    #[test]
    fn a_green_that_is_on_is_taken_if_it_lasts() {
        let (speed_mps, arrives_s) = advised(&approach(100.0), &green(-5.0, 10.0)).unwrap();
        assert!((speed_mps - 16.67).abs() < 1e-9 && (6.0..6.5).contains(&arrives_s));
        // Too short, and nothing is known of the next.
        assert_eq!(advised(&approach(100.0), &green(-5.0, 6.9)), None);
    }

    #[test]
    fn nobody_is_told_to_crawl() {
        assert_eq!(advised(&approach(60.0), &green(30.0, 50.0)), None);
        let patient = Approach {
            least_mps: 1.5,
            ..approach(200.0)
        };
        assert_eq!(advised(&approach(200.0), &green(60.0, 80.0)), None);
        let (speed_mps, _) = advised(&patient, &green(60.0, 80.0)).unwrap();
        assert!((1.5..3.0).contains(&speed_mps), "{speed_mps}");
    }

    #[test]
    fn who_stands_ahead_moves_off_first() {
        let queue = Approach {
            ahead: 4,
            ..approach(200.0)
        };
        let (_, arrives_s) = advised(&queue, &green(15.0, 40.0)).unwrap();
        assert!((arrives_s - 24.0).abs() < 1e-6, "{arrives_s}");
    }
}
