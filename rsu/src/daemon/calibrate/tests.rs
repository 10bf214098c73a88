//! Mounts that are known, found again: made up, and by what others recorded.

use std::path::{Path, PathBuf};

use super::fit::LEAST_CLUSTERS;
use super::*;
use crate::clock::Mono;

/// A car on a ring of some radius, at a time.
fn ring(n: u8, t: f64) -> (Vector2<f64>, Vector2<f64>) {
    let (radius, speed) = (15.0 + 7.0 * f64::from(n), 4.0 + f64::from(n));
    let angle = f64::from(n) + t * speed / radius;
    let (sin, cos) = angle.sin_cos();
    (
        Vector2::new(radius * cos, radius * sin),
        Vector2::new(-speed * sin, speed * cos),
    )
}

/// What a sensor says that is turned and moved and late, beside what is true. `noise` is a number from
/// -1 to 1 of its own for each detection.
fn scenes(truth: &Found, noise_m: f64, seed: u64) -> Vec<Scene> {
    let mut state = seed;
    let mut dice = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let (sin, cos) = (-truth.turn_rad).sin_cos();
    let back = |place: Vector2<f64>| {
        let arm = place - truth.shift;
        Vector2::new(cos * arm.x - sin * arm.y, sin * arm.x + cos * arm.y)
    };
    let one = |place| Arm {
        place,
        cov: Matrix2::identity() * 0.09,
    };
    (0..60)
        .map(|step| {
            let t = 0.1 * f64::from(step);
            let mut arms = Vec::new();
            let mut seen = Vec::new();
            for n in 0..6 {
                let (place, velocity) = ring(n, t);
                seen.push(Seen {
                    who: (n, Mono::ZERO),
                    place,
                    velocity,
                    cov: Matrix2::identity() * 0.01,
                });
                let off = Vector2::new(dice(), dice()) * noise_m;
                arms.push(one(back(ring(n, t + truth.ahead_s).0) + off));
            }
            // Something that nobody else sees, close enough to be taken for one of them now and then.
            arms.push(one(Vector2::new(0.5 * f64::from(step) - 30.0, -18.0)));
            Scene { arms, seen }
        })
        .collect()
}

#[test]
fn turn_shift_and_age_are_found_among_false_detections() {
    let truth = Found {
        shift: Vector2::new(0.6, -0.4),
        turn_rad: 0.05,
        ahead_s: -0.08,
        ..Found::default()
    };
    let found = fit(&scenes(&truth, 0.0, 1)).unwrap();
    assert!((found.turn_rad - 0.05).abs() < 1e-3, "{found:?}");
    assert!((found.shift - truth.shift).norm() < 0.03, "{found:?}");
    assert!((found.ahead_s + 0.08).abs() < 5e-3, "{found:?}");
    assert!(found.rms_m < 0.5 * found.rms_before_m, "{found:?}");
    assert!(!found.is_as_configured());
}

#[test]
fn what_is_found_is_as_wrong_as_is_said() {
    let truth = Found {
        shift: Vector2::new(-0.3, 0.2),
        turn_rad: -0.02,
        ahead_s: 0.05,
        ..Found::default()
    };
    let mut within = 0;
    for seed in 0..12 {
        let found = fit(&scenes(&truth, 0.6, seed)).unwrap();
        let off = [
            found.shift.x - truth.shift.x,
            found.shift.y - truth.shift.y,
            found.turn_rad - truth.turn_rad,
            found.ahead_s - truth.ahead_s,
        ];
        let near = |(off, sigma): (f64, f64)| off.abs() < 3.0 * sigma;
        within += off
            .into_iter()
            .zip(found.sigma)
            .filter(|p| near(*p))
            .count();
    }
    // Of six road users, a spread is known to a third only.
    assert!(within >= 44, "{within} of 48 within three sigma");
}

#[test]
fn a_sensor_that_stands_as_configured_is_left_where_it_is() {
    let found = fit(&scenes(&Found::default(), 0.0, 7)).unwrap();
    assert!(
        found.shift.norm() < 0.03 && found.turn_rad.abs() < 1e-3,
        "{found:?}"
    );
    let pose = Pose {
        east_m: 1.0,
        north_m: 2.0,
        up_m: 6.0,
        yaw_rad: 0.0,
    };
    let text = as_toml("north", pose, &found);
    let line = text.lines().find(|line| line.starts_with("mount"));
    assert!(
        line.is_some_and(|l| l.contains("up-m = 6.00, heading-deg = 90.0")),
        "{text}"
    );
}

#[test]
fn without_traffic_nothing_is_found() {
    assert!(fit(&[]).is_none());
    let mut few = scenes(&Found::default(), 0.0, 1);
    for scene in &mut few {
        scene.seen.truncate(LEAST_CLUSTERS - 1);
    }
    assert!(fit(&few).is_none());
}

/// The reference case with its radar turned, moved and late, of which its table of sensors says nothing.
fn bent(turn_rad: f64, move_m: (f64, f64), late_s: f64) -> Option<PathBuf> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/scenes/fusion/dev1.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: no case at {path}");
        return None;
    };
    let mut case: Value = serde_json::from_str(&text).unwrap();
    let add = |value: &mut Value, by: f64| *value = json!(value.as_f64().unwrap() + by);
    let radar = |value: &Value| value.as_str().is_some_and(|id| id == RADAR);
    for sensor in case["sensors"].as_array_mut().unwrap() {
        if radar(&sensor["id"]) {
            // It is said to stand where it does not.
            add(&mut sensor["x"], -move_m.0);
            add(&mut sensor["y"], -move_m.1);
        }
    }
    let frames = case["frames"].as_array_mut().unwrap();
    // Half of it is enough, and half as long.
    frames.retain(|frame| frame["t"].as_f64().unwrap() < 30.0);
    for frame in frames {
        if radar(&frame["sensor"]) {
            add(&mut frame["t"], late_s);
            for detection in frame["dets"].as_array_mut().unwrap() {
                add(&mut detection["az"], turn_rad);
            }
        }
    }
    case["truth"] = Value::Null;
    let name = format!(
        "rsu-calibrate-{}-{}.json",
        std::process::id(),
        turn_rad.to_bits()
    );
    let made = std::env::temp_dir().join(name);
    std::fs::write(&made, case.to_string()).unwrap();
    Some(made)
}

const RADAR: &str = "rad1";

fn found_in(file: &Path) -> Found {
    let traffic = Traffic::read(file).unwrap_or_else(|unusable| panic!("{}", unusable.reason));
    std::fs::remove_file(file).unwrap();
    let which = traffic.names.iter().position(|name| name == RADAR).unwrap();
    fit(&collect(&traffic, which)).unwrap()
}

#[test]
fn a_radar_of_the_reference_that_is_turned_moved_and_late_is_found() {
    let Some(file) = bent(0.035, (0.5, -0.3), 0.06) else {
        return;
    };
    let found = found_in(&file);
    // By what is true: two degrees are 35 mrad, of which some tenths of a degree may stay.
    assert!((found.turn_rad + 0.035).abs() < 0.004, "{found:?}");
    assert!(
        (found.shift - Vector2::new(0.5, -0.3)).norm() < 0.25,
        "{found:?}"
    );
    assert!((found.ahead_s + 0.06).abs() < 0.03, "{found:?}");
    assert!(found.sigma[2] < 0.003 && found.clusters >= 20, "{found:?}");
}
