//! What a report of a device that tracks adds to its report before: so much is news, the rest is known.
//!
//! Such a device says of each of its tracks all that it has ever measured, again and again. Taken as new
//! measurements, the same errors would count many times. So the last report of each of its tracks is
//! kept; carried on to the new report's moment it is what was known without the new measurements, and what
//! the new report knows beyond it is an equivalent measurement, as sure as the difference of the two in
//! information. How a device lets its tracks age, and how their positions and velocities vary together, it
//! does not say; both follow from the two variances of a track that it has followed for a while.
//!
//! This depends on what the device says only, not on what is made of it here, so that it is worked out once,
//! as a frame comes in.

use nalgebra::{Matrix2, Vector2};

use super::target::Sighting;
use crate::clock::Mono;
use crate::report::MAX_OBJECTS;

/// What a sighting tells that its device had not told before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum News {
    /// Everything: a device that does not track, or the first that it says of a track.
    #[default]
    All,
    /// A position with its covariance, beside what is in the sighting as a whole.
    Some(Vector2<f64>, Matrix2<f64>),
    /// Nothing: it was told already, or the device has only carried its track on.
    None,
}

/// The last report of each track of one device.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    tracks: Vec<Track>,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    id: u16,
    at: Mono,
    position: Vector2<f64>,
    position_cov: Matrix2<f64>,
    velocity: Vector2<f64>,
    velocity_cov: Matrix2<f64>,
}

impl Told {
    /// For a device that tracks; one that does not needs no room.
    pub(crate) fn new(tracks: bool) -> Self {
        let room = if tracks { MAX_OBJECTS } else { 0 };
        Self {
            tracks: Vec::with_capacity(room),
        }
    }

    /// What is new in a sighting of that moment; it is known from then on.
    pub(crate) fn hear(&mut self, at: Mono, sighting: &Sighting) -> News {
        let Some(id) = sighting.device_id else {
            return News::All;
        };
        let Some((velocity, velocity_cov)) = sighting.velocity else {
            return News::All;
        };
        let now = Track {
            id,
            at,
            position: sighting.position,
            position_cov: sighting.position_cov,
            velocity,
            velocity_cov,
        };
        let Some(last) = self.tracks.iter_mut().find(|track| track.id == id) else {
            self.keep(now);
            return News::All;
        };
        if at <= last.at {
            return News::None;
        }
        let news = last.news(&now);
        *last = now;
        news
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.tracks.clear();
    }

    fn keep(&mut self, track: Track) {
        if self.tracks.len() < MAX_OBJECTS {
            if self.tracks.len() < self.tracks.capacity() {
                self.tracks.push(track);
            }
        } else if let Some(oldest) = self.tracks.iter_mut().min_by_key(|track| track.at) {
            *oldest = track;
        }
    }
}

impl Track {
    /// What `now` adds to this.
    fn news(&self, now: &Self) -> News {
        let dt_s = now.at.seconds_after(self.at);
        if dt_s > LASTS_S {
            return News::All;
        }
        let expected = self.position + self.velocity * dt_s;
        let mut place = Vector2::zeros();
        let mut cov = Matrix2::zeros();
        let mut any = false;
        for axis in axes(&now.position_cov) {
            // Along an axis of its errors by itself: it may have learnt along one and nothing along the other.
            let along = |m: &Matrix2<f64>| axis.dot(&(m * axis)).max(1e-9);
            let (p, v) = (along(&self.position_cov), along(&self.velocity_cov));
            let (together, ageing) = steady(p, v);
            let before = p + dt_s * (2.0 * together + dt_s * v + ageing * dt_s * dt_s / 3.0);
            let after = along(&now.position_cov);
            let (x, from) = (axis.dot(&now.position), axis.dot(&expected));
            if (x - from) * (x - from) > OTHER_THING * (before + after) {
                return News::All;
            }
            let information = 1.0 / after - 1.0 / before;
            let learnt = information > LEAST_INFORMATION;
            any |= learnt;
            let (x, information) = if learnt {
                ((x / after - from / before) / information, information)
            } else {
                (x, LEAST_INFORMATION)
            };
            place += axis * x;
            cov += axis * axis.transpose() / information;
        }
        if any {
            News::Some(place, cov)
        } else {
            News::None
        }
    }
}

/// What a device does not say of a track of constant velocity, but what follows from its variances of
/// position and velocity once it has been followed for a while: how the two vary together, and the
/// spectral density of acceleration by which it ages, (m/s²)² s. (The steady state of a Kalman filter that
/// measures positions all the time.)
fn steady(position: f64, velocity: f64) -> (f64, f64) {
    let together = (0.5 * position * velocity).sqrt();
    let ageing = together * velocity / position;
    (together, ageing.clamp(LEAST_AGEING, MOST_AGEING))
}

/// Along which a symmetric matrix stretches.
fn axes(m: &Matrix2<f64>) -> [Vector2<f64>; 2] {
    let angle = 0.5 * (2.0 * m[(0, 1)]).atan2(m[(0, 0)] - m[(1, 1)]);
    let (sin, cos) = angle.sin_cos();
    [Vector2::new(cos, sin), Vector2::new(-sin, cos)]
}

/// A report that is this much older says nothing of what the device knew just before the new one.
const LASTS_S: f64 = 1.0;
/// Bounds of the ageing that is believed, (m/s²)² s.
const LEAST_AGEING: f64 = 0.05;
const MOST_AGEING: f64 = 10.0;
/// Squared distance from what was expected at which an id has passed to another thing.
const OTHER_THING: f64 = 25.0;
/// An equivalent measurement is never worse than 30 m.
const LEAST_INFORMATION: f64 = 1.0 / 900.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::filter::Kalman;
    use crate::fusion::testing::{Dice, car, moment};
    use crate::fusion::{Config, Pose, Sensor, screen};
    use crate::report::InputId;

    fn sighting(id: u16) -> Sighting {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 6.0,
            yaw_rad: 0.0,
        };
        let sensor = Sensor::camera(InputId(0), pose);
        let mut sighting = screen::believe(&car(0.0, 0.0), &sensor, &Config::default()).unwrap();
        sighting.device_id = Some(id);
        sighting
    }

    fn say(told: &mut Told, t: f64, device: &Kalman) -> News {
        let (p, v) = (device.position_cov(), device.velocity_cov());
        let matrix = crate::fusion::filter::matrix;
        let report = Sighting {
            position: device.position(),
            position_cov: matrix(p),
            velocity: Some((device.velocity(), matrix(v))),
            ..sighting(7)
        };
        told.hear(moment(t), &report)
    }

    /// A device that follows a car at 10 Hz by positions with errors of 0.6 m along and 0.3 m across: what is
    /// new in its reports is what it measured.
    #[test]
    fn the_news_of_a_track_is_the_measurement_behind_it() {
        let mut dice = Dice::new(5);
        let r = Matrix2::new(0.36, 0.0, 0.0, 0.09);
        for ageing in [0.5, 1.5, 4.0] {
            let mut device = Kalman::new(Vector2::zeros(), r, 10.0);
            let mut told = Told::new(true);
            let (mut off, mut sure, mut count) = (Vector2::zeros(), Vector2::zeros(), 0.0);
            for step in 1..200 {
                let t = f64::from(step) * 0.1;
                let truth = Vector2::new(8.0 * t, 0.0);
                let z = truth + Vector2::new(0.6 * dice.normal(), 0.3 * dice.normal());
                device.predict(0.1, ageing);
                device.update_position(z, &r);
                let news = say(&mut told, t, &device);
                if step > 50 {
                    let News::Some(place, cov) = news else {
                        panic!("{news:?} at {t} s")
                    };
                    off += (place - z).component_mul(&(place - z));
                    sure += Vector2::new(cov[(0, 0)], cov[(1, 1)]);
                    count += 1.0;
                }
            }
            let (off, sure) = (off / count, sure / count);
            // As sure as the measurement within a third, and in its place within half its error.
            assert!((0.67..1.5).contains(&(sure.x / 0.36)), "{ageing}: {sure}");
            assert!((0.67..1.5).contains(&(sure.y / 0.09)), "{ageing}: {sure}");
            assert!(
                off.x < 0.25 * 0.36 && off.y < 0.25 * 0.09,
                "{ageing}: {off}"
            );
        }
    }

    #[test]
    fn what_is_older_than_what_was_said_says_nothing_new() {
        let mut device = Kalman::new(Vector2::zeros(), Matrix2::identity() * 0.1, 1.0);
        let mut told = Told::new(true);
        assert_eq!(say(&mut told, 0.0, &device), News::All);
        device.predict(0.1, 1.0);
        say(&mut told, 0.1, &device);
        assert_eq!(say(&mut told, 0.05, &device), News::None);
        assert_eq!(say(&mut told, 0.1, &device), News::None);
    }

    #[test]
    fn an_id_that_passes_to_another_thing_begins_anew() {
        let mut device = Kalman::new(Vector2::zeros(), Matrix2::identity() * 0.1, 1.0);
        let mut told = Told::new(true);
        say(&mut told, 0.0, &device);
        device.x[0] += 30.0;
        assert_eq!(say(&mut told, 0.1, &device), News::All);
        assert_eq!(say(&mut told, 5.0, &device), News::All);
    }

    #[test]
    fn no_more_tracks_are_kept_than_a_report_holds() {
        let mut told = Told::new(true);
        for id in 0..1000 {
            let report = Sighting {
                velocity: Some((Vector2::zeros(), Matrix2::identity())),
                ..sighting(id)
            };
            told.hear(moment(f64::from(id) * 0.1), &report);
        }
        assert_eq!(told.tracks.len(), MAX_OBJECTS);
    }
}
