//! Sensors that look at different parts of the road: what one sees leaves the others' as it is.

use std::f64::consts::PI;

use super::super::testing::{car, frame};
use super::*;

/// A camera that looks east and one that looks west, back to back.
fn back_to_back() -> Fusion {
    let look = |input, yaw_rad| {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 8.0,
            yaw_rad,
        };
        Sensor {
            half_fov_rad: 0.6,
            ..Sensor::camera(input, pose)
        }
    };
    Fusion::new(Config {
        sensors: vec![look(CAMERA, 0.0), look(SECOND_CAMERA, PI)],
        ..Config::default()
    })
}

#[test]
fn who_is_left_alone_is_told_where_it_is_by_now() {
    let mut fusion = back_to_back();
    for step in 0..60 {
        let t = f64::from(step) / 20.0;
        let (input, east_m) = match step % 2 {
            0 => (CAMERA, 20.0 + 15.0 * t),
            _ => (SECOND_CAMERA, -80.0 + 15.0 * t),
        };
        fusion.handle_objects(input, &frame(t, &[car(east_m, 0.0)]));
    }
    // Seen last a tenth of a second before, at 2.9 s.
    let track = nearest(&mut fusion, 3.0, 65.0, 0.0);
    assert!((track.east_m - 65.0).abs() < 0.3, "{track:?}");
    let track = nearest(&mut fusion, 3.0, -35.0, 0.0);
    assert!((track.east_m + 35.0).abs() < 0.3, "{track:?}");
}

#[test]
fn who_drives_from_one_sight_into_the_other_stays_one() {
    let mut fusion = back_to_back();
    let mut all = Vec::new();
    for step in 0..160 {
        let t = f64::from(step) / 20.0;
        let east_m = -60.0 + 15.0 * t;
        let (input, sees) = match step % 2 {
            0 => (CAMERA, east_m > 2.0),
            _ => (SECOND_CAMERA, east_m < -2.0),
        };
        let seen = sees.then(|| car(east_m, 0.5));
        fusion.handle_objects(input, &frame(t, seen.as_slice()));
        all.extend(ids(&mut fusion, t));
    }
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn who_nobody_looks_at_is_dropped_and_comes_back_as_somebody_however_frames_come() {
    // Many frames at once, some, and hardly any.
    for (count, step_s) in [(2000, 0.001), (200, 0.02), (14, 0.5)] {
        let mut fusion = back_to_back();
        watch(&mut fusion, 0.0, 1.0, |_| vec![car(30.0, 0.0)]);
        assert_eq!(ids(&mut fusion, 1.0).len(), 1);
        for step in 1..=count {
            let t = 1.0 + f64::from(step) * step_s;
            fusion.handle_objects(SECOND_CAMERA, &frame(t, &[car(-40.0, 3.0)]));
        }
        let end = 1.0 + f64::from(count) * step_s;
        let track = nearest(&mut fusion, end, -40.0, 3.0);
        assert!((track.east_m + 40.0).abs() < 0.3, "{track:?}");
        assert_eq!(ids(&mut fusion, end).len(), 1);
        watch(&mut fusion, end + 0.1, end + 1.0, |_| vec![car(30.0, 0.0)]);
        let track = nearest(&mut fusion, end + 1.0, 30.0, 0.0);
        assert!((track.east_m - 30.0).abs() < 0.3, "{track:?}");
    }
}
