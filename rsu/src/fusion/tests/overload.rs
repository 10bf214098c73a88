//! More than there is time for: what tells least goes first, counted, and nobody is held for missed.

use super::super::testing::{Dice, car, frame, moment};
use super::*;

/// A car where nobody expects one, of which the sensor is not sure.
fn ghost(dice: &mut Dice) -> Detection {
    Detection {
        existence: 0.3,
        position_cov: Covariance::from_axes(0.0, 1.5, 1.5),
        ..car(40.0 + 150.0 * dice.uniform(), 90.0 + 60.0 * dice.uniform())
    }
}

fn cars(count: u32, t: f64) -> Vec<Detection> {
    (0..count)
        .map(|n| {
            let (row, column) = (f64::from(n / 10), f64::from(n % 10));
            car(20.0 + 12.0 * column + 5.0 * t, 8.0 * row)
        })
        .collect()
}

fn fusion_within(max_work: usize) -> Fusion {
    Fusion::new(Config {
        sensors: sensors(),
        max_work,
        ..Config::default()
    })
}

#[test]
fn strangers_go_before_what_is_followed() {
    // Thirty detections beside twenty to forty targets.
    let mut fusion = fusion_within(40 + 3 * 30);
    watch(&mut fusion, 0.0, 0.5, |t| cars(20, t));
    assert_eq!(ids(&mut fusion, 0.5).len(), 20);
    assert_eq!(fusion.counts().given_up_expected, 0);
    let mut dice = Dice::new(3);
    watch(&mut fusion, 0.6, 3.0, |t| {
        let ghosts = (0..80).map(|_| ghost(&mut dice));
        ghosts.chain(cars(20, t)).collect()
    });
    let counts = fusion.counts();
    assert!(counts.given_up_strangers > 1000, "{counts:?}");
    for (n, place) in cars(20, 3.0).iter().enumerate() {
        let track = nearest(&mut fusion, 3.0, place.east_m, place.north_m);
        let off_m = (track.east_m - place.east_m).hypot(track.north_m - place.north_m);
        assert!(off_m < 0.5, "car {n} is {off_m} m off");
    }
}

#[test]
fn who_comes_anew_is_found_even_where_tracks_could_use_all_the_time() {
    let mut fusion = fusion_within(40 + 3 * 16);
    let new = |t: f64| car(30.0 + 5.0 * t, -60.0);
    watch(&mut fusion, 0.0, 4.0, |t| cars(40, t));
    watch(&mut fusion, 4.1, 6.0, |t| {
        cars(40, t).into_iter().chain([new(t)]).collect()
    });
    assert!(fusion.counts().given_up_expected > 100);
    let track = nearest(&mut fusion, 6.0, new(6.0).east_m, -60.0);
    assert!((track.north_m + 60.0).abs() < 1.0, "{track:?}");
}

#[test]
fn whose_detection_was_given_up_is_not_held_for_missed() {
    let mut fusion = fusion_within(40 + 3 * 16);
    watch(&mut fusion, 0.0, 12.0, |t| cars(40, t));
    // Each is seen in fewer than half of the frames, those first of whom least is known.
    assert_eq!(ids(&mut fusion, 12.0).len(), 40);
    let before = ids(&mut fusion, 12.0);
    watch(&mut fusion, 12.1, 16.0, |t| cars(40, t));
    assert_eq!(ids(&mut fusion, 16.0), before);
}

#[test]
fn a_late_frame_that_would_take_too_long_is_given_up() {
    let mut roomy = fusion_within(100_000);
    let mut busy = fusion_within(3 * 30 + 60);
    for fusion in [&mut roomy, &mut busy] {
        watch(fusion, 0.0, 1.0, |t| cars(20, t));
        let before = fusion.picture(moment(1.0)).clone();
        fusion.handle_objects(SECOND_CAMERA, &frame(0.75, &cars(20, 0.75)));
        let changed = *fusion.picture(moment(1.0)) != before;
        assert_eq!(changed, fusion.counts().given_up_late == 0);
    }
    assert_eq!(roomy.counts().given_up_late, 0);
    assert_eq!(busy.counts().given_up_late, 1);
}

#[test]
fn with_time_enough_nothing_is_given_up() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 3.0, |t| cars(100, t));
    let counts = fusion.counts();
    assert_eq!(counts.given_up_expected + counts.given_up_strangers, 0);
}

#[test]
fn of_a_moment_in_many_frames_only_the_last_tells_who_is_missing() {
    // Three hundred cars in three reports; none may lose by standing in the last.
    let mut fusion = Fusion::new(Config {
        sensors: sensors(),
        ..Config::default()
    });
    let mut report = |t: f64, count: u32| {
        for part in cars(count, t).chunks(crate::report::MAX_OBJECTS) {
            fusion.handle_objects(CAMERA, &frame(t, part));
        }
        ids(&mut fusion, t).len()
    };
    for step in 0..20 {
        report(f64::from(step) / 10.0, 250);
    }
    assert_eq!(report(2.0, 250), 250);
    // Who has left is missed, though two full reports came before.
    let mut left = 250;
    for step in 21..36 {
        left = report(f64::from(step) / 10.0, 200);
    }
    assert_eq!(left, 200);
}
