//! How wrong the velocities are that a box says of tracks of its own.
//!
//! A camera measures places. What a box says of velocities beside them comes from a filter of its own, which
//! begins anew with each number that it gives: of whom it sees for the first time it says that he stands, then
//! what two noisy places make, and only after a second or two what is right to a share of a metre a second.
//! From then on its errors are those of a filter, late where somebody brakes, and the same from image to image,
//! while the places that it was made of have been told and taken already.
//!
//! So three things are learnt of each such box: by how much more its velocities miss than it claims, by how many
//! times it has listed the number; how much of a miss is the same as the one before; and with that how little a
//! velocity adds to those that a track has had of the same number before. And now and then a velocity is somebody
//! else's, where a box takes one for another: such a one says nothing, neither for a pair nor against it.
//!
//! Not here: radars, which measure speeds, devices that say how sure they are of their tracks (`tracklet`), and
//! road users that speak of themselves.

use nalgebra::{Matrix2, Vector2};

use super::config::{Sees, Sensor};
use super::ratio::Ratio;
use super::target::Sighting;
use crate::clock::Mono;

/// What one box's velocities are like.
#[derive(Clone, Debug)]
pub(crate) struct Speeds {
    /// By the lowest bits of the number; of two that share them the one that was listed last.
    numbers: Box<[Number]>,
    /// Variance of the errors over what is claimed, by age.
    wrong: [Ratio; AGES],
    /// The part of the variance that is in the next miss too.
    repeats: Ratio,
}

/// How long a box has followed what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age(u8);

/// One number that a box gives.
#[derive(Clone, Copy, Debug, Default)]
struct Number {
    id: u16,
    at: Mono,
    /// So many times in a row it was listed.
    listed: u16,
    /// Of which target, when and by how much it missed last.
    missed: Option<(u64, Mono, Vector2<f64>)>,
}

impl Speeds {
    /// Of a sensor as configured; one whose velocities are measured needs no room.
    pub(crate) fn new(sensor: &Sensor) -> Self {
        let room = if sensor.sees == Sees::Centre && !sensor.tracks {
            NUMBERS
        } else {
            0
        };
        Self {
            numbers: vec![Number::default(); room].into_boxed_slice(),
            wrong: [Ratio::new(1.0, SUPPOSED_MISSES); AGES],
            repeats: Ratio::new(0.0, SUPPOSED_MISSES),
        }
    }

    /// Forgets who is who; what the box is like stays.
    pub(crate) fn forget(&mut self) {
        self.numbers.fill(Number::default());
    }

    /// Makes the velocity of a sighting of that moment as sure as such ones proved to be.
    pub(crate) fn hear(&mut self, at: Mono, sighting: &mut Sighting) {
        let Some((id, (_, cov))) = sighting.device_id.zip(sighting.velocity.as_mut()) else {
            return;
        };
        let Some(place) = usize::from(id).checked_rem(self.numbers.len()) else {
            return;
        };
        let number = &mut self.numbers[place];
        let goes_on = number.id == id && number.listed > 0;
        if !goes_on || at.seconds_after(number.at) > LASTS_S {
            *number = Number {
                id,
                at,
                listed: 1,
                missed: None,
            };
        } else if at > number.at {
            number.at = at;
            number.listed = number.listed.saturating_add(1);
        }
        let age = Age::of(number.listed);
        *cov *= self.wrong(age);
        sighting.filtered = Some(age);
    }

    /// How much less than it seems a velocity says to a track that has had others of the same number: what is new in
    /// each of many whose errors repeat, as a factor on the covariance.
    pub(crate) fn repeat(&self) -> f64 {
        let same = self.repeats.value(0.0, MOST_SAME);
        (1.0 + same) / (1.0 - same)
    }

    /// Takes by how much the velocity of a sighting missed that of a target which others know well too; `own` is the
    /// covariance of the target's.
    pub(crate) fn note(
        &mut self,
        at: Mono,
        sighting: &Sighting,
        (uid, velocity, own): (u64, Vector2<f64>, Matrix2<f64>),
    ) {
        let told = sighting.device_id.zip(sighting.velocity);
        let Some((age, (id, (said, cov)))) = sighting.filtered.zip(told) else {
            return;
        };
        let miss = said - velocity;
        let (known, whole) = (own.trace(), own.trace() + cov.trace());
        // Held where it is likelier somebody else's.
        let most = MOST_SIGMAS * MOST_SIGMAS * whole;
        let square = miss.norm_squared().min(most);
        let claimed = cov.trace() / self.wrong(age);
        let wrong = &mut self.wrong[usize::from(age.0)];
        wrong.add((square - known) / claimed, 1.0);
        let Some(place) = usize::from(id).checked_rem(self.numbers.len()) else {
            return;
        };
        let number = &mut self.numbers[place];
        if number.id != id {
            return;
        }
        let last = number.missed.replace((uid, at, miss));
        // What is not known of the track is the same from one to the next as well.
        if let Some((same, before, last)) = last
            && same == uid
            && at > before
            && at.seconds_after(before) < LASTS_S
            && miss.norm_squared() < most
            && last.norm_squared() < most
        {
            // By what such ones usually miss, so that those of young filters count no more than others.
            let usual = cov.trace();
            self.repeats
                .add((miss.dot(&last) - known) / usual, (square - known) / usual);
        }
    }

    fn wrong(&self, age: Age) -> f64 {
        // Never surer than it says, for errors that repeat look small.
        self.wrong[usize::from(age.0)].value(1.0, MOST_WRONG)
    }
}

impl Age {
    /// Errors of a young filter fall with each sighting, later ever more slowly.
    fn of(listed: u16) -> Self {
        let age = match listed {
            0..=1 => 0,
            2..=4 => listed - 1,
            5..=6 => 4,
            7..=8 => 5,
            9..=12 => 6,
            13..=16 => 7,
            17..=32 => 8,
            _ => 9,
        };
        Self(age as u8)
    }
}

/// Numbers that are kept apart.
const NUMBERS: usize = 256;
const AGES: usize = 10;
/// A number that was not listed for longer begins anew.
const LASTS_S: f64 = 1.0;
/// What is supposed counts for as much as so many misses.
const SUPPOSED_MISSES: f64 = 20.0;
/// Standard deviations of what a miss counts as.
const MOST_SIGMAS: f64 = 3.0;
/// Nothing is claimed to be a metre a second and off by thirty.
const MOST_WRONG: f64 = 1000.0;
/// More of a miss is never taken to be the same as before.
const MOST_SAME: f64 = 0.95;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::{Dice, car, moment};
    use crate::fusion::{Config, Pose, screen};
    use crate::report::{Covariance, Detection, InputId, Velocity};

    fn sensor() -> Sensor {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 6.0,
            yaw_rad: 0.0,
        };
        Sensor::camera(InputId(0), pose)
    }

    /// What is learnt of a box that lists a number 50 times and then gives another, whose errors are `off` by how
    /// often it was listed, a share of them the same as the time before.
    fn learnt(off_mps: impl Fn(u32) -> f64, same: f64) -> Speeds {
        let mut dice = Dice::new(4);
        let mut speeds = Speeds::new(&sensor());
        for number in 0..60_u32 {
            let mut error = Vector2::zeros();
            for n in 1..=50 {
                let at = moment(f64::from(number * 50 + n) / 10.0);
                let fresh = Vector2::new(dice.normal(), dice.normal());
                error = if n == 1 {
                    fresh
                } else {
                    error * same + fresh * (1.0 - same * same).sqrt()
                };
                let said = Vector2::new(8.0, 0.0) + error * off_mps(n);
                let seen = Detection {
                    device_id: Some(number as u16),
                    velocity: Some(Velocity {
                        east_mps: said.x,
                        north_mps: said.y,
                        cov: Covariance::from_axes(0.0, 1.0, 1.0),
                    }),
                    ..car(10.0, 0.0)
                };
                let config = Config::default();
                let mut sighting = screen::believe(&seen, &sensor(), &config).expect("it can be");
                speeds.hear(at, &mut sighting);
                let own = Matrix2::identity() * 0.01;
                speeds.note(at, &sighting, (7, Vector2::new(8.0, 0.0), own));
            }
        }
        speeds
    }

    #[test]
    fn errors_of_young_numbers_are_learnt_apart_from_those_of_old_ones() {
        let young = learnt(|n| if n <= 2 { 6.0 } else { 1.0 }, 0.0);
        for listed in [1, 2] {
            let wrong = young.wrong(Age::of(listed));
            assert!((15.0..60.0).contains(&wrong), "{listed}: {wrong}, seed 4");
        }
        let old = young.wrong(Age::of(40));
        assert!((1.0..1.3).contains(&old), "{old}, seed 4");
    }

    #[test]
    fn what_repeats_counts_less_and_what_was_measured_anew_counts_whole() {
        let anew = learnt(|_| 1.0, 0.0).repeat();
        assert!((1.0..1.2).contains(&anew), "{anew}, seed 4");
        let repeats = learnt(|_| 1.0, 0.8).repeat();
        assert!((5.0..15.0).contains(&repeats), "{repeats}, seed 4");
    }

    #[test]
    fn a_radar_and_a_device_that_says_how_sure_it_is_are_left_as_they_are() {
        let tracks = Sensor {
            tracks: true,
            ..sensor()
        };
        let radar = Sensor::radar(InputId(0), sensor().pose);
        for sensor in [tracks, radar] {
            assert!(Speeds::new(&sensor).numbers.is_empty());
        }
    }
}
