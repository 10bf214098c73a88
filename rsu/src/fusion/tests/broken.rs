//! Devices that hang, and devices that mix up their numbers: bounded, counted, and nobody else's
//! trouble.

use super::*;

#[test]
fn a_frame_that_is_repeated_for_ever_is_no_evidence_and_grows_old() {
    let mut fusion = fusion();
    let other = |t: f64| vec![car(40.0 + 5.0 * t, 20.0)];
    watch(&mut fusion, 0.0, 1.0, |_| vec![car(30.0, 0.0)]);
    let last = frame(1.0, &[car(30.0, 0.0)]);
    let before = nearest(&mut fusion, 1.0, 30.0, 0.0);
    for step in 0..3000 {
        fusion.handle_objects(CAMERA, &last);
        let t = 1.0 + f64::from(step) / 100.0;
        if step % 10 == 0 {
            fusion.handle_objects(SECOND_CAMERA, &frame(t, &other(t)));
        }
        let id = before.id;
        let kept = fusion
            .picture(moment(t))
            .tracks
            .iter()
            .any(|track| track.id == id);
        assert!(kept == (t < 3.0) || (1.5..3.0).contains(&t), "at {t}");
    }
    let counts = fusion.counts();
    assert_eq!(counts.repeated + counts.too_late, 3000);
    assert!(counts.repeated > 0 && counts.too_late > 0);
    let moving = nearest(&mut fusion, 30.9, 194.5, 20.0);
    assert!((moving.east_m - 194.5).abs() < 0.5, "{moving:?}");
    assert_eq!(fusion.counts().published, 2);
}

#[test]
fn a_picture_that_hangs_under_new_stamps_is_one_thing_and_disturbs_no_other() {
    let mut fusion = fusion();
    for step in 0..600 {
        let t = f64::from(step) / 10.0;
        fusion.handle_objects(CAMERA, &frame(t, &[car(30.0, 0.0), car(60.0, -10.0)]));
        fusion.handle_objects(
            SECOND_CAMERA,
            &frame(t + 0.05, &[car(20.0 + 2.0 * t, 20.0)]),
        );
    }
    assert_eq!(fusion.counts().published, 3);
    let moving = nearest(&mut fusion, 59.95, 139.9, 20.0);
    assert!((moving.east_m - 139.9).abs() < 0.3, "{moving:?}");
}

#[test]
fn a_picture_that_hangs_while_those_in_it_are_said_to_move_is_no_evidence() {
    let mut fusion = fusion();
    let fast = |east_m: f64| Detection {
        velocity: Some(Velocity {
            east_mps: 4.0,
            north_mps: 0.0,
            cov: Covariance::from_axes(0.0, 0.3, 0.3),
        }),
        ..car(east_m, 0.0)
    };
    for step in 0..600 {
        let t = f64::from(step) / 10.0;
        // It hangs from the third second to the fiftieth.
        let shown_s = if (3.0..50.0).contains(&t) { 3.0 } else { t };
        fusion.handle_objects(CAMERA, &frame(t, &[fast(4.0 * shown_s), car(60.0, -10.0)]));
        let other = car(20.0 + 2.0 * t, 20.0);
        fusion.handle_objects(SECOND_CAMERA, &frame(t + 0.05, &[other]));
        let now = moment(t + 0.05);
        let seen = fusion.picture(now).tracks.len();
        let suspicion = fusion.health(CAMERA, now).unwrap().suspicion;
        match t {
            1.0..3.0 | 52.0.. => assert_eq!((seen, suspicion), (3, None), "{t}"),
            6.5..50.0 => assert_eq!((seen, suspicion), (1, Some(Suspicion::Hung)), "{t}"),
            _ => {}
        }
    }
    let counts = fusion.counts();
    assert!(counts.hung > 440, "{counts:?}");
    // Those three, what set out while it was believed, and both when it comes back.
    assert!(counts.published <= 7, "{counts:?}");
    let moving = nearest(&mut fusion, 59.95, 139.9, 20.0);
    assert!((moving.east_m - 139.9).abs() < 0.3, "{moving:?}");
}

#[test]
fn one_number_on_two_things_makes_no_one_of_them() {
    let mut fusion = fusion();
    let tagged = |east_m: f64, north_m: f64| Detection {
        device_id: Some(7),
        ..car(east_m, north_m)
    };
    for step in 0..30 {
        let t = f64::from(step) / 10.0;
        // Twice in one device, and once more in another.
        fusion.handle_objects(
            CAMERA,
            &frame(t, &[tagged(30.0 + 8.0 * t, 0.0), tagged(30.0, 5.0)]),
        );
        fusion.handle_objects(SECOND_CAMERA, &frame(t + 0.03, &[tagged(80.0, -20.0)]));
    }
    assert_eq!(ids(&mut fusion, 2.95).len(), 3);
    let moving = nearest(&mut fusion, 2.95, 53.6, 0.0);
    assert!((moving.east_m - 53.6).abs() < 0.4, "{moving:?}");
    assert_eq!(fusion.counts().published, 3);
}
