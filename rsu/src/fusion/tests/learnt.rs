//! What fusion finds out about its sensors by itself.

use super::*;

/// Two cameras and a radar at three corners of a junction, all looking across it.
fn corners() -> Vec<Sensor> {
    let pose = |east_m, north_m, yaw_rad| Pose {
        east_m,
        north_m,
        up_m: 6.0,
        yaw_rad,
    };
    vec![
        Sensor::camera(CAMERA, pose(-20.0, -20.0, 0.785)),
        Sensor::camera(SECOND_CAMERA, pose(20.0, 20.0, -2.356)),
        Sensor::radar(RADAR, pose(20.0, -20.0, 2.356)),
    ]
}

/// Twelve cars on a ring road of 25 m about the origin, at 8 m/s.
fn ring(t: f64) -> Vec<(f64, f64)> {
    (0..12)
        .map(|n| {
            let angle = f64::from(n) * std::f64::consts::TAU / 12.0 + t * 8.0 / 25.0;
            (25.0 * angle.cos(), 25.0 * angle.sin())
        })
        .collect()
}

/// How a sensor of the test measures.
#[derive(Clone, Copy)]
struct Truly {
    /// So far clockwise: what it lists lies as far counter-clockwise of where it is.
    turned_rad: f64,
    longer_m: f64,
    noise: f64,
    lists: f64,
}

const HONEST: Truly = Truly {
    turned_rad: 0.0,
    longer_m: 0.0,
    noise: 1.0,
    lists: 1.0,
};

fn measure(sensor: &Sensor, truly: Truly, place: (f64, f64), dice: &mut Dice) -> Detection {
    // It tells of a place by the angle from its own middle, which is not where it was surveyed.
    let looks_rad = sensor.pose.yaw_rad - truly.turned_rad;
    let (east, north) = (place.0 - sensor.pose.east_m, place.1 - sensor.pose.north_m);
    let (sigma_along, sigma_across) = (0.4, 0.3);
    let range = east.hypot(north) + truly.longer_m + truly.noise * sigma_along * dice.normal();
    let across = truly.noise * sigma_across * dice.normal();
    let aside_rad = north.atan2(east) - looks_rad + across / range;
    let bearing = sensor.pose.yaw_rad + aside_rad;
    Detection {
        position_cov: Covariance::from_axes(bearing, sigma_along, sigma_across),
        ..car(
            sensor.pose.east_m + range * bearing.cos(),
            sensor.pose.north_m + range * bearing.sin(),
        )
    }
}

/// Runs all three at 10 Hz for so long; `truly` is the radar's way, the cameras are honest.
fn drive(fusion: &mut Fusion, seconds: u32, truly: Truly, seed: u64) {
    let mut dice = Dice::new(seed);
    for step in 0..seconds * 10 {
        for (n, (sensor, way)) in corners().iter().zip([HONEST, HONEST, truly]).enumerate() {
            let t = f64::from(step) / 10.0 + 0.03 * n as f64;
            let mut seen = Vec::new();
            for place in ring(t) {
                if dice.uniform() < way.lists {
                    seen.push(measure(sensor, way, place, &mut dice));
                }
            }
            fusion.handle_objects(sensor.input, &frame(t, &seen));
        }
        fusion.picture(moment(f64::from(step) / 10.0 + 0.06));
    }
}

fn watcher() -> Fusion {
    let sensors = corners()
        .into_iter()
        .map(|sensor| Sensor {
            half_fov_rad: 1.2,
            max_range_m: 90.0,
            ..sensor
        })
        .collect();
    Fusion::new(Config {
        sensors,
        ..Config::default()
    })
}

#[test]
fn a_radar_turned_by_two_degrees_is_found_within_a_minute() {
    let mut fusion = watcher();
    let truly = Truly {
        turned_rad: 2f64.to_radians(),
        ..HONEST
    };
    drive(&mut fusion, 60, truly, 21);
    let end = moment(60.0);
    let radar = fusion.health(RADAR, end).unwrap();
    assert_eq!(radar.suspicion, Some(Suspicion::Turned), "{radar:?}");
    let deg = radar.turned_clockwise_rad.to_degrees();
    assert!((1.3..2.5).contains(&deg), "{deg}, seed 21");
    for camera in [CAMERA, SECOND_CAMERA] {
        let health = fusion.health(camera, end).unwrap();
        assert_eq!(health.suspicion, None, "{health:?}");
    }
    // Its detections count for less than they claim.
    let sensor = &fusion.config.sensors[2];
    let place = nalgebra::Vector2::new(0.0, 10.0);
    let claimed = nalgebra::Matrix2::identity() * 0.01;
    let correction = fusion.habits.precision[2].correction(sensor);
    let (_, honest) = correction.apply(place, claimed);
    assert!(honest.trace() > 1.5 * claimed.trace(), "{honest}");
}

#[test]
fn a_radar_that_is_knocked_where_nobody_else_looks_is_found_at_once() {
    let pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad: 0.0,
    };
    let mut fusion = Fusion::new(Config {
        sensors: vec![Sensor::tracking_radar(RADAR, pose)],
        ..Config::default()
    });
    let mut dice = Dice::new(25);
    let knocked_at_s = 10.0;
    let place = |n: u32, t: f64| {
        (
            140.0 - 12.0 * f64::from(n) - 3.0 * t,
            3.5 * f64::from(n % 2),
        )
    };
    for step in 0..200 {
        let t = f64::from(step) / 10.0;
        let turned_rad = if t < knocked_at_s { 0.0 } else { 0.035 };
        let cars = (0..7u32).map(|n| {
            let (east_m, north_m) = place(n, t);
            let (sigma_m, range_m) = (0.0044 * east_m, east_m.hypot(north_m));
            let bearing = north_m.atan2(east_m) + turned_rad + 0.0044 * dice.normal();
            let range_m = range_m + 0.2 * dice.normal();
            Detection {
                device_id: Some(n as u16),
                position_cov: Covariance::from_axes(bearing, 0.2, sigma_m),
                velocity: Some(Velocity {
                    east_mps: -3.0,
                    north_mps: 0.0,
                    cov: Covariance::from_axes(0.0, 0.15, 0.35),
                }),
                ..car(range_m * bearing.cos(), range_m * bearing.sin())
            }
        });
        let cars: Vec<Detection> = cars.collect();
        fusion.handle_objects(RADAR, &frame(t, &cars));
        let tracks = fusion.picture(moment(t)).tracks.clone();
        if (1.0..knocked_at_s).contains(&t) || t > knocked_at_s + 0.35 {
            assert_eq!(tracks.len(), 7, "{t} s");
            for n in 0..7 {
                let (east_m, north_m) = place(n, t);
                let off_m = tracks
                    .iter()
                    .map(|track| (track.east_m - east_m).hypot(track.north_m - north_m));
                let off_m = off_m.fold(f64::INFINITY, f64::min);
                assert!(off_m < 2.0, "{off_m} m, car {n} at {t} s, seed 25");
            }
        }
        let suspicion = fusion.health(RADAR, moment(t)).unwrap().suspicion;
        let knocked = t > knocked_at_s + 0.05;
        assert_eq!(suspicion, knocked.then_some(Suspicion::Turned), "{t} s");
    }
}

#[test]
fn honest_sensors_are_not_suspected() {
    let mut fusion = watcher();
    drive(&mut fusion, 40, HONEST, 22);
    for input in [CAMERA, SECOND_CAMERA, RADAR] {
        let health = fusion.health(input, moment(40.0)).unwrap();
        assert_eq!(health.suspicion, None, "{health:?}");
        assert!((health.rate_hz - 10.0).abs() < 0.5);
        assert!(health.turned_clockwise_rad.abs() < 0.5f64.to_radians());
        assert!((0.6..1.6).contains(&health.noise_along), "{health:?}");
    }
}

#[test]
fn noise_beyond_the_claim_is_noticed_and_taken_into_account() {
    let mut fusion = watcher();
    let truly = Truly {
        noise: 2.5,
        ..HONEST
    };
    fusion.config.sensors[2].sees = Sees::Centre;
    drive(&mut fusion, 40, truly, 23);
    let radar = fusion.health(RADAR, moment(40.0)).unwrap();
    assert!(radar.noise_along > 3.0, "{radar:?}");
    assert_eq!(radar.suspicion, Some(Suspicion::Noisy));
}

#[test]
fn a_sensor_that_lists_less_than_configured_is_believed_less_when_silent() {
    let mut fusion = watcher();
    let truly = Truly {
        lists: 0.4,
        ..HONEST
    };
    drive(&mut fusion, 40, truly, 24);
    let sight = eyesight::Sight {
        share: 0.4,
        ..Default::default()
    };
    let poor = fusion.habits.eyesight[2].probability(&sight);
    let good = fusion.habits.eyesight[0].probability(&sight);
    assert!((0.25..0.6).contains(&poor), "{poor}, seed 24");
    assert!(good > 0.85, "{good}");
}

#[test]
fn a_silent_sensor_is_reported() {
    let mut fusion = watcher();
    drive(&mut fusion, 10, HONEST, 25);
    let health = fusion.health(CAMERA, moment(20.0)).unwrap();
    assert_eq!(health.suspicion, Some(Suspicion::Silent));
    assert_eq!(fusion.health(InputId(99), moment(20.0)), None);
}

/// Three sensors at 10 Hz over cars that drive round at 8 m/s; the radar is `late_s` later than it is
/// configured to be. Without a clock of its own, unless `clocked`.
fn drive_late(late_s: f64, clocked: bool, seed: u64) -> Fusion {
    let mut fusion = watcher();
    fusion.config.sensors[2].clocked = clocked;
    fusion.config.parts.delay = true;
    let mut dice = Dice::new(seed);
    for step in 0..600 {
        for (n, sensor) in corners().iter().enumerate() {
            let t = f64::from(step) / 10.0 + 0.03 * n as f64;
            let shown = if n == 2 { t - late_s } else { t };
            let cars = ring(shown);
            let seen: Vec<_> = cars
                .iter()
                .map(|car| measure(sensor, HONEST, *car, &mut dice))
                .collect();
            fusion.handle_objects(sensor.input, &frame(t, &seen));
        }
        fusion.picture(moment(f64::from(step) / 10.0 + 0.06));
    }
    fusion
}

#[test]
fn a_delay_that_nobody_configured_is_found_and_reported() {
    for (late_s, seed) in [(0.12, 31), (-0.06, 32), (0.0, 33)] {
        let fusion = drive_late(late_s, false, seed);
        let radar = fusion.health(RADAR, moment(60.0)).unwrap();
        let off_s = (radar.later_s - late_s).abs();
        assert!(off_s < 0.02, "{late_s} s: {radar:?}, seed {seed}");
        let camera = fusion.health(CAMERA, moment(60.0)).unwrap();
        assert!(camera.later_s.abs() < 1e-9, "{camera:?}");
    }
}

#[test]
fn a_moment_in_several_reports_shows_as_many_false_alarms_as_in_one() {
    let density = |parts: usize| {
        let mut fusion = watcher();
        let mut dice = Dice::new(35);
        for step in 0..400 {
            let t = f64::from(step) / 10.0;
            let seen: Vec<_> = (0..6)
                .map(|_| car(-15.0 + 60.0 * dice.uniform(), -15.0 + 60.0 * dice.uniform()))
                .collect();
            for part in seen.chunks(seen.len() / parts) {
                fusion.handle_objects(CAMERA, &frame(t, part));
            }
        }
        fusion.health(CAMERA, moment(40.0)).unwrap().false_per_m2
    };
    let (whole, split) = (density(1), density(3));
    assert!(
        (0.8..1.25).contains(&(split / whole)),
        "{split} against {whole}, seed 35"
    );
}
