//! The speed at which one comes to the line while it is green (GLOSA).
//!
//! The first window of green that can be reached is aimed at. Where nobody stands ahead, one is at the
//! line a little after it begins; else one comes to the back of the queue when the last of it has become
//! as quick as oneself ([`super::queue`]), and over the line after it. One slows down to an even speed
//! and keeps it to there: gently, and as hard as is still comfortable where a green cannot be reached
//! otherwise. Below a least speed there is no advice: whoever would have to crawl
//! may as well stop. So the length of the road from which one is advised bounds what advice can do: at
//! 18 km/h 250 m are 50 s.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{NodeId, PhaseId};

use super::queue::{self, Ahead, HEADWAY_S, Left, RISE_MPS2, ROLLS_S};
use super::signal::Belief;
use crate::world::vehicles::time_to_cover_s;

/// What a driver is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    /// The junction.
    pub node: NodeId,
    /// The phase that rules the way.
    pub phase: PhaseId,
    /// What to do, and what comes of it.
    pub aim: Aim,
}

/// A speed for a green.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// No faster than this,
    pub speed_mps: f64,
    /// and down to it by braking so hard.
    pub braking_mps2: f64,
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
    /// Slower nobody is told to drive.
    pub least_mps: f64,
    /// It has been told a speed for this light.
    pub advised: bool,
}

/// The aim for a green that can be reached; None where there is none in sight. `ahead`
/// are those ahead in the lane, from the line backwards; who has not passed by then stays in it.
pub fn advise(
    approach: &Approach,
    ahead: &mut Vec<Ahead>,
    belief: &Belief<'_>,
    now: Utc,
) -> Option<Aim> {
    let most_mps = approach.limit_mps.max(approach.least_mps);
    let mut greens = belief.windows.iter().filter(|window| window.is_green());
    greens.find_map(|window| {
        let ends_s = seconds(now, window.ends?);
        let begins_s = seconds(now, window.begins);
        let left = queue::follow(ahead, begins_s, ends_s, most_mps)?;
        let mut ways = FALLS_MPS2.iter().filter_map(|&braking_mps2| {
            let way = Way {
                approach,
                most_mps,
                braking_mps2,
            };
            let (speed_mps, takes_s) = way.reach(&left, begins_s)?;
            Some(Aim {
                speed_mps,
                braking_mps2,
                arrives: later(now, takes_s),
            })
        });
        let aim = ways.next()?;
        (later(aim.arrives, BEFORE_END_S) <= window.ends?).then_some(aim)
    })
}

/// One way to come to the line.
struct Way<'a> {
    approach: &'a Approach,
    most_mps: f64,
    braking_mps2: f64,
}

impl Way<'_> {
    /// The speed, and how long one then takes to the line, in what those ahead leave of a green.
    fn reach(&self, left: &Left, begins_s: f64) -> Option<(f64, f64)> {
        let (left_m, now_mps) = (self.approach.left_m, self.approach.speed_mps);
        // A green that is on has nobody to wait for but those ahead.
        let opens_s = if begins_s > 0.0 {
            begins_s + AFTER_GREEN_S
        } else {
            0.0
        };
        let free_s = left
            .passes_s
            .map_or(opens_s, |last_s| opens_s.max(last_s + HEADWAY_S));
        let Some(moves_s) = left.moves_s else {
            let soonest_s = time_to_cover_s(left_m, now_mps, RISE_MPS2, self.most_mps);
            if soonest_s >= free_s {
                return Some((self.most_mps, soonest_s));
            }
            let speed_mps = self.even_speed_mps(left_m, |_| free_s)?;
            return Some((speed_mps, free_s));
        };
        // Behind the queue: the last of it is as quick then, and a headway away.
        let catches_s = |speed_mps: f64| moves_s + speed_mps / (2.0 * RISE_MPS2) + FOLLOWS_S;
        let to_back_m = left_m - left.back_m;
        let speed_mps = self.even_speed_mps(to_back_m, catches_s)?;
        let there_s = self.time_s(to_back_m, speed_mps).max(catches_s(speed_mps));
        let over_s = there_s + time_to_cover_s(left.back_m, speed_mps, RISE_MPS2, self.most_mps);
        Some((speed_mps, over_s.max(free_s)))
    }

    /// The speed to slow down to, and keep, to cover `way_m` in no less time than `takes_s` of it; None where
    /// that is below the least. Who has been told a speed goes on so while the rest can be rolled up.
    fn even_speed_mps(&self, way_m: f64, takes_s: impl Fn(f64) -> f64) -> Option<f64> {
        let least_mps = self.approach.least_mps;
        let rolls_s = if self.approach.advised { ROLLS_S } else { 0.0 };
        if self.time_s(way_m, least_mps) + rolls_s < takes_s(least_mps) {
            return None;
        }
        let (mut low, mut high) = (least_mps, self.most_mps);
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            if self.time_s(way_m, middle) > takes_s(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// How long `way_m` take at this speed, after slowing down or speeding up to it.
    fn time_s(&self, way_m: f64, speed_mps: f64) -> f64 {
        let (way_m, now_mps) = (way_m.max(0.0), self.approach.speed_mps);
        if speed_mps >= now_mps {
            return time_to_cover_s(way_m, now_mps, RISE_MPS2, speed_mps);
        }
        let fall_mps2 = self.braking_mps2;
        let slows_m = (now_mps * now_mps - speed_mps * speed_mps) / (2.0 * fall_mps2);
        if slows_m >= way_m {
            // It is there before it is as slow as that.
            let then_mps = (now_mps * now_mps - 2.0 * fall_mps2 * way_m)
                .max(0.0)
                .sqrt();
            return (now_mps - then_mps) / fall_mps2;
        }
        (now_mps - speed_mps) / fall_mps2 + (way_m - slows_m) / speed_mps
    }
}

fn seconds(from: Utc, until: Utc) -> f64 {
    until.ns_since(from) as f64 * 1e-9
}

fn later(at: Utc, seconds: f64) -> Utc {
    at + Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
}

/// Slower than 18 km/h nobody is told to drive, as a rule (assumed).
pub const LEAST_MPS: f64 = 5.0;
/// How one slows down by advice: gently, if that will do.
const FALLS_MPS2: [f64; 3] = [1.0, 1.5, 2.0];
/// So long after the beginning of green one comes at the soonest, and before its end at the latest.
const AFTER_GREEN_S: f64 = 1.0;
const BEFORE_END_S: f64 = 1.0;
/// How far one follows who drives as fast: a headway less what standing takes of it.
const FOLLOWS_S: f64 = 1.1;

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
            least_mps: LEAST_MPS,
            advised: false,
        }
    }

    fn green(from_s: f64, until_s: f64) -> [Window; 1] {
        [Window {
            light: Light::ProtectedGreen,
            begins: at(from_s),
            ends: Some(at(until_s)),
        }]
    }

    fn advised(approach: &Approach, windows: &[Window]) -> Option<(Aim, f64)> {
        advised_behind(&mut Vec::new(), approach, windows)
    }

    fn advised_behind(
        ahead: &mut Vec<Ahead>,
        approach: &Approach,
        windows: &[Window],
    ) -> Option<(Aim, f64)> {
        let belief = Belief {
            light: Light::Red,
            said: at(0.0),
            windows,
        };
        let aim = advise(approach, ahead, &belief, at(0.0))?;
        let arrives_s = aim.arrives.ns_since(at(0.0)) as f64 * 1e-9;
        Some((aim, arrives_s))
    }

    #[test]
    fn who_keeps_the_advised_speed_is_there_when_it_is_green() {
        for left_m in [100.0, 150.0, 200.0, 250.0] {
            let windows = green(20.0, 40.0);
            let Some((aim, arrives_s)) = advised(&approach(left_m), &windows) else {
                assert!(left_m < 140.0, "{left_m} m can be done at 5 m/s and more");
                continue;
            };
            let is_near = left_m < 160.0;
            assert!(is_near || aim.braking_mps2 < 1.1, "no harder than need be");
            // Drive it: slow down to the advised speed as told, in small steps.
            let (mut along_m, mut now_mps, mut clock_s) = (0.0, 15.0_f64, 0.0);
            while along_m < left_m {
                now_mps = (now_mps - 0.001 * aim.braking_mps2).max(aim.speed_mps);
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
        let (aim, arrives_s) = advised(&approach(100.0), &green(-5.0, 10.0)).unwrap();
        assert!((aim.speed_mps - 16.67).abs() < 1e-9 && (6.0..6.5).contains(&arrives_s));
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
        let (aim, _) = advised(&patient, &green(60.0, 80.0)).unwrap();
        assert!((1.5..3.0).contains(&aim.speed_mps), "{aim:?}");
        // Who has begun to slow down does not speed up again for a second or two that are missing.
        let slow = Approach {
            speed_mps: 5.0,
            advised: true,
            ..approach(100.0)
        };
        let (aim, arrives_s) = advised(&slow, &green(21.0, 50.0)).unwrap();
        assert!(
            (aim.speed_mps - 5.0).abs() < 1e-6 && arrives_s > 21.9,
            "{aim:?}"
        );
        assert_eq!(advised(&slow, &green(30.0, 50.0)), None);
    }

    fn standing(count: usize) -> Vec<Ahead> {
        let places = (0..count).map(|i| Ahead {
            left_m: 6.5 * i as f64,
            speed_mps: 0.0,
            length_m: 4.5,
        });
        places.collect()
    }

    #[test]
    fn who_stands_ahead_moves_off_first() {
        let windows = green(15.0, 40.0);
        let (aim, arrives_s) =
            advised_behind(&mut standing(4), &approach(200.0), &windows).unwrap();
        assert!((24.0..29.0).contains(&arrives_s), "{arrives_s}");
        // One that keeps this speed never comes closer to the last of them than one follows: it stands
        // with its tail 24 m before the line until 4.5 s after green.
        let (mut along_m, mut now_mps, mut clock_s, mut last_m, mut last_mps) =
            (0.0, 15.0_f64, 0.0, 24.0, 0.0_f64);
        while last_m > 0.0 {
            now_mps = (now_mps - 0.001 * aim.braking_mps2).max(aim.speed_mps);
            along_m += now_mps * 0.001;
            clock_s += 0.001;
            if clock_s > 15.0 + 1.0 + 19.5 / 5.5 {
                last_mps += 1.5 * 0.001;
                last_m -= last_mps * 0.001;
            }
            let gap_m = 200.0 - along_m - last_m;
            assert!(gap_m > 2.0 + 0.9 * now_mps, "{clock_s}: {gap_m}");
            if last_mps > now_mps {
                break;
            }
        }
        assert!(last_mps > now_mps, "it has caught up before the line");
    }

    #[test]
    fn a_queue_that_takes_the_whole_green_leaves_the_next() {
        let windows = [green(5.0, 20.0)[0], green(60.0, 100.0)[0]];
        let far = Approach {
            least_mps: 1.5,
            ..approach(250.0)
        };
        let (_, arrives_s) = advised_behind(&mut standing(4), &far, &windows).unwrap();
        assert!(arrives_s < 20.0, "{arrives_s}");
        let (_, arrives_s) = advised_behind(&mut standing(12), &far, &windows).unwrap();
        assert!(arrives_s > 65.0, "{arrives_s}");
    }
}
