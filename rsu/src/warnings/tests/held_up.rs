//! Those who are held up within the junction, and those who come: seen standing there, and braked for.

use std::f64::consts::FRAC_PI_2;

use super::*;

/// Held up on its way north, across the lane that leads west.
fn held_up(id: u8) -> Track {
    Track {
        yaw_rad: Some(FRAC_PI_2),
        ..car(id, (5.0, 5.0), (0.0, 0.0))
    }
}

/// What is begun while somebody comes from the east at a steady speed, until so far before the other.
fn begun_by(from_m: f64, mps: f64, until_m: f64) -> Vec<(Kind, u8, Option<u8>)> {
    let mut bench = bench();
    bench.signals = vec![(65, Light::Green, 30.0)];
    // Known for long enough that those who come are held against it.
    bench.see(2.5, |_| vec![held_up(2)]);
    let comes = steady((from_m, 5.0), (-mps, 0.0));
    bench.see((from_m - until_m) / mps, |t| {
        vec![held_up(2), car(1, comes(t).0, comes(t).1)]
    });
    bench.begun()
}

#[test]
fn whoever_can_brake_for_one_that_stands_across_is_expected_to() {
    // From 13 m before it 1.5 m/s² would do.
    assert_eq!(begun_by(28.0, 5.5, 16.0), NONE);
    assert_eq!(begun_by(45.0, 10.0, 22.0), NONE);
}

#[test]
fn whoever_cannot_is_warned_of() {
    let begun = begun_by(48.0, 17.0, 12.0);
    assert_eq!(begun, [(Kind::Vehicles, 1, Some(2))]);
}

/// Cars come down lane 2 of the northern arm, with 14 m/s, while somebody walks slowly across it.
fn begun_before_a_walker(cars: &[(u8, f64)]) -> Vec<(Kind, u8, Option<u8>)> {
    let mut bench = bench();
    bench.signals = vec![(1, Light::Green, 20.0)];
    bench.see(1.8, |t| {
        let cars = cars
            .iter()
            .map(|(id, from_m)| car(*id, (-5.0, from_m - 14.0 * t), (0.0, -14.0)));
        let walks = walker(9, (-6.5 + 0.7 * t, 40.0), (0.7, 0.0));
        cars.chain([walks]).collect()
    });
    bench.begun()
}

#[test]
fn who_drives_behind_one_that_comes_to_a_walker_first_is_not_warned_of() {
    let (first, behind) = ((1, 75.0), (2, 90.0));
    assert_eq!(
        begun_before_a_walker(&[first, behind]),
        [(Kind::Soft, 1, Some(9))]
    );
    assert_eq!(begun_before_a_walker(&[behind]), [(Kind::Soft, 2, Some(9))]);
}
