//! What a report of a device that tracks adds to its report before: so much is news, the rest is known.
//!
//! Such a device says of each of its tracks all that it has ever measured, again and again. Taken as new
//! measurements, the same errors would count many times. So the last report of each of its tracks is
//! kept; carried on to the new report's moment it is what was known without the new measurements, and what
//! the new report knows beyond it is the measurement behind it (`undo`), of a position and, of a radar, of
//! a speed. How positions and velocities of a track vary together the device does not say; it is
//! followed from report to report, whatever it was at first. How it lets its tracks age shows in those that
//! it only carries on: they go straight on as said, and their variances grow.
//!
//! This depends on what the device says only, not on what is made of it here, so that it is worked out once,
//! as a frame comes in.

use arrayvec::ArrayVec;
use nalgebra::{Matrix2, Vector2};

use super::ageing::Ageing;
use super::filter::density;
use super::screen::{LEAST_SIGMA_M, LEAST_SIGMA_MPS};
use super::target::Sighting;
use super::undo::{Blocks, Found};
use crate::clock::Mono;
use crate::report::MAX_OBJECTS;

/// What a sighting tells that its device had not told before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum News {
    /// Everything: a device that does not track, or the first that it says of a track.
    #[default]
    All,
    /// What it has measured since, beside what is in the sighting as a whole: its place in the frame's list
    /// of such.
    Some(u8),
    /// Nothing: it was told already, or the device has only carried its track on.
    None,
}

/// A measurement behind a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) position: Vector2<f64>,
    pub(crate) position_cov: Matrix2<f64>,
    /// None of a device that measures no speeds.
    pub(crate) velocity: Option<(Vector2<f64>, Matrix2<f64>)>,
}

impl Measured {
    fn is_finite(&self) -> bool {
        let place = self.position.iter().chain(&self.position_cov);
        let speed = self
            .velocity
            .iter()
            .flat_map(|(v, cov)| v.iter().chain(cov));
        place.chain(speed).all(|x| x.is_finite())
    }
}

/// The same, with what was measured itself.
enum Heard {
    All,
    Measured(Measured),
    Nothing,
}

/// The last report of each track of one device.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    tracks: Vec<Track>,
    ageing: Ageing,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    id: u16,
    at: Mono,
    /// When it was heard first.
    since: Mono,
    position: Vector2<f64>,
    velocity: Vector2<f64>,
    cov: Blocks,
}

impl Told {
    /// For a device that tracks; one that does not needs no room.
    pub(crate) fn new(tracks: bool) -> Self {
        let room = if tracks { MAX_OBJECTS } else { 0 };
        Self {
            tracks: Vec::with_capacity(room),
            ageing: Ageing::default(),
        }
    }

    /// What is new in a sighting of that moment; it is known from then on. What was measured is put at the end
    /// of `measured`.
    pub(crate) fn hear(
        &mut self,
        at: Mono,
        sighting: &Sighting,
        measured: &mut ArrayVec<Measured, MAX_OBJECTS>,
    ) -> News {
        let Some(id) = sighting.device_id else {
            return News::All;
        };
        let Some((velocity, velocity_cov)) = sighting.velocity else {
            return News::All;
        };
        // As the device said it, without the floor that was put under it.
        let said = |cov: Matrix2<f64>, floor: f64| {
            let less = cov - Matrix2::identity() * (floor * floor);
            less + Matrix2::identity() * LEAST_VARIANCE
        };
        let now = Track {
            id,
            at,
            since: at,
            position: sighting.position,
            velocity,
            cov: Blocks::supposed(
                said(sighting.position_cov, LEAST_SIGMA_M),
                said(velocity_cov, LEAST_SIGMA_MPS),
            ),
        };
        let Some(last) = self.tracks.iter_mut().find(|track| track.id == id) else {
            self.keep(now);
            return News::All;
        };
        if at <= last.at {
            return News::None;
        }
        let (heard, next) = last.hear(&now, &mut self.ageing);
        *last = next;
        match heard {
            Heard::All => News::All,
            Heard::Nothing => News::None,
            Heard::Measured(one) => {
                // A report holds no more than there is room for.
                let place = measured.len() as u8;
                measured
                    .try_push(one)
                    .map_or(News::None, |()| News::Some(place))
            }
        }
    }

    /// Forgets everything that was said.
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
    /// What `now` adds to this, and what is to be kept of it.
    fn hear(&self, now: &Self, ageing: &mut Ageing) -> (Heard, Self) {
        let dt_s = now.at.seconds_after(self.at);
        if dt_s > LASTS_S {
            return (Heard::All, *now);
        }
        let kept = |both: Matrix2<f64>| Self {
            since: self.since,
            cov: Blocks { both, ..now.cov },
            ..*now
        };
        let foreseen = self.position + self.velocity * dt_s;
        let off = (now.position - foreseen, now.velocity - self.velocity);
        if let Some(density) = self.carried_on(now, off, dt_s) {
            ageing.see(density);
            return (Heard::Nothing, kept(self.cov.aged(dt_s, density).both));
        }
        if now.at.seconds_after(self.since) > FOLLOWED_S {
            ageing.guess(&now.cov);
        }
        let before = self.cov.aged(dt_s, ageing.density());
        if density(&off.0, &(before.position + now.cov.position)).d2 > OTHER_THING {
            return (Heard::All, *now);
        }
        let gained = before.gained(&now.cov.position, &now.cov.velocity);
        let (pull, push) = gained.pull(off);
        let (of_place, of_speed) = gained.whole();
        let place = Found::new(&gained.position, of_place, LEAST_SHARE, WORST_M);
        let speed = Found::new(&gained.velocity, of_speed, LEAST_SHARE_OF_SPEED, WORST_MPS);
        let next = kept(gained.after.both);
        if !place.any && !speed.any {
            return (Heard::Nothing, next);
        }
        let measured = Measured {
            position: foreseen + place.away(pull, off.0),
            position_cov: place.cov,
            velocity: speed
                .any
                .then(|| (self.velocity + speed.away(push, off.1), speed.cov)),
        };
        if !measured.is_finite() {
            return (Heard::All, *now);
        }
        (Heard::Measured(measured), next)
    }

    /// Whether `now` is this gone straight on and nothing else: then how much it has aged.
    fn carried_on(&self, now: &Self, off: (Vector2<f64>, Vector2<f64>), dt_s: f64) -> Option<f64> {
        let still = |off: Vector2<f64>, cov: &Matrix2<f64>| {
            off.norm_squared() < SAME_SHARE * SAME_SHARE * cov.trace()
        };
        let straight = still(off.0, &now.cov.position) && still(off.1, &now.cov.velocity);
        let grown = now.cov.velocity.trace() - self.cov.velocity.trace();
        // What stands may well be measured where it was, but is surer then.
        (straight && grown > 0.0).then(|| 0.5 * grown / dt_s)
    }
}

/// A report that is this much older says nothing of what the device knew just before the new one.
const LASTS_S: f64 = 1.0;
/// A track that was followed for so long is in a steady state.
const FOLLOWED_S: f64 = 2.0;
/// A track that is no farther from going straight on, as a share of how sure it is, was only carried on.
const SAME_SHARE: f64 = 0.01;
/// Squared distance from what was foreseen at which an id has passed to another thing.
const OTHER_THING: f64 = 25.0;
/// What is gained counts above this share of what is known of a position; below, it may be rounding.
const LEAST_SHARE: f64 = 0.02;
/// And of a velocity, which shows what is wrong about the ageing first.
const LEAST_SHARE_OF_SPEED: f64 = 0.1;
/// What was not measured is known to so much.
const WORST_M: f64 = 30.0;
const WORST_MPS: f64 = 100.0;
/// No variance is smaller, m² and (m/s)².
const LEAST_VARIANCE: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::filter::{Kalman, matrix};
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

    fn floored(cov: Matrix2<f64>, sigma: f64) -> Matrix2<f64> {
        cov + Matrix2::identity() * (sigma * sigma)
    }

    fn say(told: &mut Told, t: f64, device: &Kalman) -> (News, Option<Measured>) {
        let (p, v) = (device.position_cov(), device.velocity_cov());
        let report = Sighting {
            position: device.position(),
            position_cov: floored(matrix(p), LEAST_SIGMA_M),
            velocity: Some((device.velocity(), floored(matrix(v), LEAST_SIGMA_MPS))),
            ..sighting(7)
        };
        let mut measured = ArrayVec::new();
        (told.hear(moment(t), &report, &mut measured), measured.pop())
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
                    let (_, Some(measured)) = news else {
                        panic!("{news:?} at {t} s")
                    };
                    let (place, cov) = (measured.position, measured.position_cov);
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

    /// A device as above that is a radar: the speed that it measures along its beam is found too, and what it
    /// only carries on is no news.
    #[test]
    fn speeds_are_news_and_what_is_carried_on_is_not() {
        let mut dice = Dice::new(6);
        let r = Matrix2::identity() * 0.25;
        let sure = Matrix2::new(0.04, 0.0, 0.0, 1e6);
        let mut device = Kalman::new(Vector2::zeros(), r, 10.0);
        let mut told = Told::new(true);
        let (mut square, mut count) = (0.0, 0.0);
        for step in 1..400 {
            let t = f64::from(step) * 0.05;
            device.predict(0.05, 2.5);
            let seen = step % 7 != 0;
            if seen {
                let off = Vector2::new(dice.normal(), dice.normal()) * 0.5;
                device.update_position(Vector2::new(8.0 * t, 0.0) + off, &r);
                let speed = Vector2::new(8.0 + 0.2 * dice.normal(), 0.0);
                device.update_velocity(speed, &sure);
            }
            let news = say(&mut told, t, &device);
            match news {
                _ if step < 20 => {}
                (
                    News::Some(0),
                    Some(Measured {
                        velocity: Some((velocity, cov)),
                        ..
                    }),
                ) if seen => {
                    assert!((0.03..0.06).contains(&cov[(0, 0)]), "{cov} at {t} s");
                    assert!(cov[(1, 1)] > 10.0, "{cov} at {t} s");
                    square += (velocity.x - 8.0).powi(2);
                    count += 1.0;
                }
                (News::None, None) if !seen => {}
                _ => panic!("{news:?} at {t} s"),
            }
        }
        assert!((told.ageing.density() - 2.5).abs() < 0.01, "{told:?}");
        let ratio = square / count / 0.04;
        assert!((0.7..1.4).contains(&ratio), "{ratio}, seed 6");
    }

    #[test]
    fn what_is_older_than_what_was_said_says_nothing_new() {
        let mut device = Kalman::new(Vector2::zeros(), Matrix2::identity() * 0.1, 1.0);
        let mut told = Told::new(true);
        assert_eq!(say(&mut told, 0.0, &device).0, News::All);
        device.predict(0.1, 1.0);
        say(&mut told, 0.1, &device);
        assert_eq!(say(&mut told, 0.05, &device).0, News::None);
        assert_eq!(say(&mut told, 0.1, &device).0, News::None);
    }

    #[test]
    fn an_id_that_passes_to_another_thing_begins_anew() {
        let mut device = Kalman::new(Vector2::zeros(), Matrix2::identity() * 0.1, 1.0);
        let mut told = Told::new(true);
        say(&mut told, 0.0, &device);
        device.x[0] += 30.0;
        assert_eq!(say(&mut told, 0.1, &device).0, News::All);
        assert_eq!(say(&mut told, 5.0, &device).0, News::All);
    }

    /// Covariances that have nothing to do with each other, flat and round, tiny and huge: what is found is finite,
    /// and as a covariance must be.
    #[test]
    fn whatever_a_device_claims_what_is_found_is_finite() {
        let mut dice = Dice::new(9);
        let mut told = Told::new(true);
        let mut found = 0;
        for step in 0..20_000 {
            let mut any = |from: f64, to: f64| {
                let size = |dice: &mut Dice| 10f64.powf(from + (to - from) * dice.uniform());
                let (a, b) = (size(&mut dice), size(&mut dice));
                let angle = 3.2 * dice.uniform();
                matrix(crate::report::Covariance::from_axes(angle, a, b))
            };
            let (p, v) = (any(-4.0, 2.0), any(-4.0, 4.0));
            let report = Sighting {
                position: Vector2::new(dice.normal(), dice.normal()),
                position_cov: floored(p, LEAST_SIGMA_M),
                velocity: Some((
                    Vector2::new(dice.normal(), dice.normal()),
                    floored(v, LEAST_SIGMA_MPS),
                )),
                ..sighting(step % 7)
            };
            let mut measured = ArrayVec::new();
            told.hear(moment(f64::from(step) * 0.02), &report, &mut measured);
            for one in &measured {
                let sound = |cov: &Matrix2<f64>| cov.trace() > 0.0 && cov.determinant() >= 0.0;
                assert!(one.is_finite(), "{one:?} at {step}, seed 9");
                assert!(sound(&one.position_cov), "{one:?} at {step}, seed 9");
                if let Some((_, cov)) = &one.velocity {
                    assert!(sound(cov), "{one:?} at {step}, seed 9");
                }
                found += 1;
            }
        }
        assert!(found > 1_000, "{found}, seed 9");
    }

    #[test]
    fn no_more_tracks_are_kept_than_a_report_holds() {
        let mut told = Told::new(true);
        for id in 0..1000 {
            let report = Sighting {
                velocity: Some((Vector2::zeros(), Matrix2::identity())),
                ..sighting(id)
            };
            told.hear(moment(f64::from(id) * 0.1), &report, &mut ArrayVec::new());
        }
        assert_eq!(told.tracks.len(), MAX_OBJECTS);
    }
}
