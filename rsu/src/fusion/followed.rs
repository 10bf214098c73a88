//! For how long a box has followed what it calls by one number: how far its word on a speed goes.
//!
//! A box that sees places in images has its velocities from a filter of its own, which begins with the number.
//! Many say 0 m/s of whom they see for the first time; and after two that passed closely have exchanged their
//! numbers, each says for a while how the other moved. So what such a box says of a speed is hardly believed
//! until it has followed the number for a while without a jump. Its place counts from the first.
//!
//! Not here: devices that measure speeds, such as radars; and those that tell how sure they are of their
//! tracks ([`super::tracklet`]).

use nalgebra::{Matrix2, Vector2};

use super::config::{Sees, Sensor};
use super::target::Sighting;
use crate::clock::Mono;

/// What one box has said last of each of its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// By the lowest bits of the number; who comes to a place that is taken has it. Empty for a device of
    /// another sort.
    numbers: Vec<Option<Number>>,
}

#[derive(Clone, Copy, Debug)]
struct Number {
    id: u16,
    since: Mono,
    at: Mono,
    position: Vector2<f64>,
    velocity: Vector2<f64>,
}

impl Followed {
    /// Of this sensor nothing has been heard yet.
    pub(crate) fn new(sensor: &Sensor) -> Self {
        let by_filter = sensor.sees == Sees::Centre && !sensor.tracks;
        Self {
            numbers: vec![None; if by_filter { NUMBERS } else { 0 }],
        }
    }

    /// Takes a sighting of that moment, and says of its speed how sure that can be.
    pub(crate) fn weigh(&mut self, at: Mono, sighting: &mut Sighting) {
        let (Some(id), Some((velocity, cov))) = (sighting.device_id, &mut sighting.velocity) else {
            return;
        };
        let place = usize::from(id) % NUMBERS;
        let Some(known) = self.numbers.get_mut(place) else {
            return;
        };
        let last = known.filter(|last| last.id == id && last.goes_on(at, sighting.position));
        let since = last.map_or(at, |last| last.since);
        *known = Some(Number {
            id,
            since,
            at,
            position: sighting.position,
            velocity: *velocity,
        });
        if at.seconds_after(since) < SETTLES_S {
            *cov += Matrix2::identity() * (UNKNOWN_MPS * UNKNOWN_MPS);
        }
    }

    /// Forgets everything that was said.
    pub(crate) fn clear(&mut self) {
        self.numbers.fill(None);
    }
}

impl Number {
    /// Whether who is there then may be the same.
    fn goes_on(&self, at: Mono, position: Vector2<f64>) -> bool {
        let dt_s = at.seconds_after(self.at);
        let foreseen = self.position + self.velocity * dt_s;
        let limit_m = JUMP_M + CHANGE_MPS * dt_s;
        (0.0..LASTS_S).contains(&dt_s) && (position - foreseen).norm_squared() < limit_m * limit_m
    }
}

/// More than a box has at one time.
const NUMBERS: usize = 256;
/// A filter of places needs so long until what it says of a speed is worth something: some ten images.
const SETTLES_S: f64 = 0.8;
/// Until then it is as good as unknown.
const UNKNOWN_MPS: f64 = 10.0;
/// A number that is silent for longer is begun anew.
const LASTS_S: f64 = 3.0;
/// From one image to the next a place is off by less, of one that is the same ...
const JUMP_M: f64 = 1.5;
/// ... and changes its speed by less meanwhile, or its filter is wrong by more.
const CHANGE_MPS: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::{car, moment};
    use crate::fusion::{Config, Pose, screen};
    use crate::report::InputId;

    const POSE: Pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad: 0.0,
    };

    /// How sure the speed is, of somebody there who is said to drive east at 10 m/s.
    fn sigma_mps(followed: &mut Followed, t_s: f64, id: u16, east_m: f64) -> f64 {
        let sensor = Sensor::camera(InputId(0), POSE);
        let said = car(east_m, 0.0);
        let mut sighting = screen::believe(&said, &sensor, &Config::default()).expect("a car");
        sighting.device_id = Some(id);
        sighting.velocity = Some((Vector2::new(10.0, 0.0), Matrix2::identity()));
        followed.weigh(moment(t_s), &mut sighting);
        sighting.velocity.expect("it was said").1[(0, 0)].sqrt()
    }

    #[test]
    fn a_speed_is_believed_once_its_number_has_been_followed_for_a_while() {
        let mut followed = Followed::new(&Sensor::camera(InputId(0), POSE));
        for step in 0..20 {
            let t_s = f64::from(step) * 0.1;
            let sigma_mps = sigma_mps(&mut followed, t_s, 7, 10.0 * t_s);
            assert_eq!(sigma_mps > 5.0, t_s < 0.75, "{sigma_mps} at {t_s} s");
        }
        // It has passed to somebody three metres beside, and is believed after a while again.
        assert!(sigma_mps(&mut followed, 2.0, 7, 23.0) > 5.0);
        assert!(sigma_mps(&mut followed, 2.9, 7, 32.0) < 5.0);
        // Another number is another.
        assert!(sigma_mps(&mut followed, 3.0, 8, 33.0) > 5.0);
    }

    #[test]
    fn a_device_that_measures_speeds_is_believed_at_once() {
        let radar = Sensor::radar(InputId(0), POSE);
        let tracks = Sensor {
            tracks: true,
            ..Sensor::camera(InputId(0), POSE)
        };
        for sensor in [radar, tracks] {
            let mut followed = Followed::new(&sensor);
            assert!(sigma_mps(&mut followed, 0.0, 7, 0.0) < 5.0);
        }
    }
}
