//! Devices that track: what they only carry on, how wrong they are, and whose word is worth how much.

use super::*;
use crate::fusion::filter::Kalman;
use crate::fusion::filter::matrix;
use nalgebra::{Matrix2, Vector2};

/// A device that follows each of its things by a filter of its own, by positions with errors of `truly_m` of
/// which it believes that they are `claimed_m`.
struct Device {
    filters: Vec<Kalman>,
    claimed: Matrix2<f64>,
    truly_m: f64,
}

impl Device {
    fn new(claimed_m: f64, truly_m: f64) -> Self {
        Self {
            filters: Vec::new(),
            claimed: Matrix2::identity() * (claimed_m * claimed_m),
            truly_m,
        }
    }

    /// What it says a tenth of a second later: all are measured, in the order of `places`.
    fn look(&mut self, places: &[(f64, f64)], dice: &mut Dice) -> Vec<Detection> {
        for (n, (east_m, north_m)) in places.iter().enumerate() {
            let off = Vector2::new(dice.normal(), dice.normal()) * self.truly_m;
            let z = Vector2::new(*east_m, *north_m) + off;
            if let Some(filter) = self.filters.get_mut(n) {
                filter.predict(0.1, AGEING);
                filter.update_position(z, &self.claimed);
            } else {
                self.filters.push(Kalman::new(z, self.claimed, 10.0));
            }
        }
        self.say()
    }

    /// The same where nothing is seen.
    fn carry_on(&mut self) -> Vec<Detection> {
        for filter in &mut self.filters {
            filter.predict(0.1, AGEING);
        }
        self.say()
    }

    fn say(&self) -> Vec<Detection> {
        let said = self.filters.iter().zip(1..).map(|(filter, id)| {
            let (position, velocity) = (filter.position(), filter.velocity());
            Detection {
                device_id: Some(id),
                position_cov: filter.position_cov(),
                velocity: Some(Velocity {
                    east_mps: velocity.x,
                    north_mps: velocity.y,
                    cov: filter.velocity_cov(),
                }),
                ..car(position.x, position.y)
            }
        });
        said.collect()
    }
}

const AGEING: f64 = 1.5;

/// The room's sensors, all of which track.
fn fusion_of_tracks() -> Fusion {
    let tracking = |sensor| Sensor {
        tracks: true,
        ..sensor
    };
    Fusion::new(Config {
        sensors: sensors().into_iter().map(tracking).collect(),
        ..Config::default()
    })
}

#[test]
fn what_a_device_only_carries_on_is_never_published() {
    let mut fusion = fusion_of_tracks();
    let mut dice = Dice::new(31);
    let mut device = Device::new(0.3, 0.3);
    for step in 0..300 {
        // A false track each second, which is measured twice and then carried on for half a second.
        if step % 10 == 0 {
            device = Device::new(0.3, 0.3);
        }
        let place = [(30.0 + f64::from(step) / 10.0, 20.0)];
        let said = match step % 10 {
            0 => {
                device.look(&place, &mut dice);
                device.look(&place, &mut dice)
            }
            1..=5 => device.carry_on(),
            _ => Vec::new(),
        };
        let t = f64::from(step) / 10.0;
        fusion.handle_objects(CAMERA, &frame(t, &said));
    }
    assert_eq!(fusion.counts().published, 0, "seed 31");
}

#[test]
fn a_road_user_that_a_device_measures_is_published_within_half_a_second() {
    let mut fusion = fusion_of_tracks();
    let mut dice = Dice::new(32);
    let mut device = Device::new(0.3, 0.3);
    for step in 0..=5 {
        let t = f64::from(step) / 10.0;
        let said = device.look(&[(30.0 + 8.0 * t, 3.0)], &mut dice);
        fusion.handle_objects(CAMERA, &frame(t, &said));
    }
    assert_eq!(ids(&mut fusion, 0.5), [1], "seed 32");
}

#[test]
fn how_wrong_a_device_measures_is_learnt_behind_its_filter() {
    let mut fusion = fusion_of_tracks();
    let mut dice = Dice::new(33);
    let mut devices = [Device::new(0.4, 0.4), Device::new(0.4, 0.8)];
    let (mut square, mut count) = (0.0, 0.0);
    for step in 0..600 {
        let t = f64::from(step) / 10.0;
        // Cars that turn about slowly, so that they stay in sight and their speeds change.
        let angle = |n: u32| 0.1 * t + f64::from(n);
        let place = |n: u32| {
            let r = 10.0 + 4.0 * f64::from(n);
            (80.0 + r * angle(n).cos(), r * angle(n).sin())
        };
        let places: Vec<(f64, f64)> = (0..6).map(place).collect();
        for (device, input) in devices.iter_mut().zip([CAMERA, SECOND_CAMERA]) {
            let said = device.look(&places, &mut dice);
            fusion.handle_objects(input, &frame(t, &said));
        }
        if t > 20.0 {
            for (east_m, north_m) in &places {
                let track = nearest(&mut fusion, t, *east_m, *north_m);
                let off = Vector2::new(track.east_m - east_m, track.north_m - north_m);
                square += off.dot(&(matrix(track.position_cov).try_inverse().unwrap() * off));
                count += 1.0;
            }
        }
    }
    let noise = |input| fusion.health(input, moment(60.0)).unwrap().noise_across;
    let (honest, other) = (noise(CAMERA), noise(SECOND_CAMERA));
    assert!((0.6..1.6).contains(&honest), "{honest}, seed 33");
    assert!((2.6..5.5).contains(&other), "{other}, seed 33");
    let nees = square / count;
    assert!((0.8..3.0).contains(&nees), "{nees}, seed 33");
}
