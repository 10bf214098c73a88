//! What a driver is warned of: a red light about to be run, and somebody about to be met.
//!
//! Both are cheap foresight: everybody goes on as they are. A red light is warned of while one can still
//! stop, if one drives as if it were not there. Somebody is about to be met whose way crosses one's own
//! where both will be within a second of each other; who drives the same way is the driver's own affair.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::kinds::spat::Light;

use super::signal::Belief;
use crate::plane::Point;

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// One's own light.
    RedLight,
    /// Somebody who crosses.
    Crossing,
}

/// How somebody moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mover {
    /// The middle.
    pub place: Point,
    /// A unit vector.
    pub direction: Point,
    /// Along it.
    pub speed_mps: f64,
    /// Along and across.
    pub length_m: f64,
    /// See `length_m`.
    pub width_m: f64,
}

/// Whether a vehicle that goes on as it does will pass a red light, and it is high time to brake. Who has
/// been `warned` is until the light changes.
pub fn runs_red(
    left_m: f64,
    speed_mps: f64,
    braking_mps2: f64,
    belief: &Belief<'_>,
    now: Utc,
    warned: bool,
) -> bool {
    if warned {
        return left_m > 0.0 && matches!(belief.light, Light::Red | Light::Yellow);
    }
    if speed_mps < SLOW_MPS || left_m <= 0.0 {
        return false;
    }
    let needed_mps2 = speed_mps * speed_mps / (2.0 * left_m);
    if !(HIGH_TIME_MPS2..HOPELESS_MPS2).contains(&needed_mps2) || braking_mps2 > HEEDS_MPS2 {
        return false;
    }
    let arrives = now + Duration::from_secs_f64(left_m / speed_mps);
    let on_arrival = belief
        .windows
        .iter()
        .rfind(|window| window.begins <= arrives);
    // A light of which no change is told stays as it is.
    let light = on_arrival.map_or(belief.light, |window| window.light);
    let ends = on_arrival.and_then(|window| window.ends);
    light == Light::Red && ends.is_none_or(|ends| ends > arrives)
}

/// Whether two are about to meet where their ways cross.
pub fn meet(own: &Mover, other: &Mover) -> bool {
    if own.speed_mps < SLOW_MPS || other.speed_mps < SLOW_MPS {
        return false;
    }
    let sine = own.direction.cross(other.direction);
    if sine.abs() < CROSSES {
        return false;
    }
    let off = other.place.minus(own.place);
    // own.place + a own.direction = other.place + b other.direction
    let own_m = off.cross(other.direction) / sine;
    let other_m = off.cross(own.direction) / sine;
    if own_m < 0.0 || other_m < 0.0 {
        return false;
    }
    let (own_s, other_s) = (own_m / own.speed_mps, other_m / other.speed_mps);
    own_s < FORESIGHT_S && other_s < FORESIGHT_S && (own_s - other_s).abs() < TOGETHER_S
}

/// Slower ones are no danger.
const SLOW_MPS: f64 = 3.0;
/// Who needs to brake so hard and does not has not seen the light;
const HIGH_TIME_MPS2: f64 = 2.2;
/// who would need to brake harder than this cannot stop.
const HOPELESS_MPS2: f64 = 7.0;
/// Who brakes like this has.
const HEEDS_MPS2: f64 = 1.0;
/// Sine of 30 degrees.
const CROSSES: f64 = 0.5;
const FORESIGHT_S: f64 = 3.0;
const TOGETHER_S: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::obu::signal::Window;

    fn mover(east_m: f64, north_m: f64, direction: Point, speed_mps: f64) -> Mover {
        Mover {
            place: Point::new(east_m, north_m),
            direction,
            speed_mps,
            length_m: 4.5,
            width_m: 1.8,
        }
    }

    const EAST: Point = Point::new(1.0, 0.0);
    const NORTH: Point = Point::new(0.0, 1.0);

    #[test]
    fn two_whose_ways_cross_at_one_time_meet() {
        let own = mover(-20.0, 0.0, EAST, 10.0);
        assert!(meet(&own, &mover(0.0, -18.0, NORTH, 10.0)));
        assert!(
            !meet(&own, &mover(0.0, -40.0, NORTH, 10.0)),
            "two seconds later"
        );
        assert!(!meet(&own, &mover(0.0, 5.0, NORTH, 10.0)), "it has passed");
        assert!(!meet(&own, &mover(-40.0, 0.0, EAST, 15.0)), "the same way");
    }

    #[test]
    fn a_red_light_is_warned_of_while_one_can_stop() {
        let now = Utc::from_unix_ns(1_700_000_000_000_000_000);
        let red = [Window {
            light: Light::Red,
            begins: now,
            ends: Some(now + Duration::from_secs(20)),
        }];
        let belief = |windows| Belief {
            light: Light::Red,
            said: now,
            windows,
        };
        assert!(runs_red(40.0, 15.0, 0.0, &belief(&red), now, false));
        assert!(
            !runs_red(100.0, 15.0, 0.0, &belief(&red), now, false),
            "time enough"
        );
        assert!(
            !runs_red(10.0, 15.0, 0.0, &belief(&red), now, false),
            "too late"
        );
        assert!(
            !runs_red(40.0, 15.0, 2.0, &belief(&red), now, false),
            "it brakes"
        );
        let soon_green = [Window {
            ends: Some(now + Duration::from_secs(2)),
            ..red[0]
        }];
        assert!(!runs_red(40.0, 15.0, 0.0, &belief(&soon_green), now, false));
        // It has begun to brake; the warning stays.
        assert!(runs_red(20.0, 8.0, 3.0, &belief(&red), now, true));
    }
}
