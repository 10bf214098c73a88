//! Who is held to a lane, and above all who is not.

use nalgebra::Vector2;
use proptest::prelude::*;

use super::*;

/// Two lanes to the east, 3.5 m wide, with middles at 0 and 3.5 m north; one to the west at 7 m.
fn road() -> Lanes {
    let line = |from: (f64, f64), to: (f64, f64)| {
        (
            vec![Vector2::new(from.0, from.1), Vector2::new(to.0, to.1)],
            3.5,
        )
    };
    let lines = [
        line((0.0, 0.0), (400.0, 0.0)),
        line((0.0, 3.5), (400.0, 3.5)),
        line((400.0, 7.0), (0.0, 7.0)),
    ];
    Lanes::along(lines.into_iter()).expect("three lanes")
}

/// A car in the middle of the first lane at 12 m/s, known to 0.5 m and 0.4 m/s.
fn driver() -> Track {
    Track {
        id: 1,
        own_id: None,
        east_m: 100.0,
        north_m: 0.0,
        position_cov: Covariance::from_axes(0.3, 0.5, 0.4),
        velocity: Velocity {
            east_mps: 12.0,
            north_mps: 0.0,
            cov: Covariance::from_axes(0.0, 0.3, 0.4),
        },
        yaw_rad: Some(0.0),
        reverses: false,
        class: Class::Car,
        class_confidence: 0.95,
        emergency: false,
        size: None,
        seen_at: moment(0.0),
        hidden: false,
        born_at: moment(0.0),
        sources: 1,
        existence: 1.0,
    }
}

fn held(track: Track) -> Track {
    let mut held = track;
    road().hold(&mut held, 0.01);
    held
}

/// Drivers that keep the first lane, each at a place and with a drift of its own, measured anew by sensors as
/// good as `driver` says; mean squares across the lane: of the errors before, after, and of both over what was
/// claimed.
fn keepers(off_m: f64, seed: u64) -> [f64; 4] {
    let mut dice = Dice::new(seed);
    let lanes = road();
    let mut sums = [0.0; 4];
    for _ in 0..4000 {
        let (north_m, north_mps) = (off_m * dice.normal(), 0.2 * dice.normal());
        let mut track = driver();
        track.north_m = north_m + track.position_cov.nn.sqrt() * dice.normal();
        track.velocity.north_mps = north_mps + track.velocity.cov.nn.sqrt() * dice.normal();
        let before = (track.north_m - north_m).powi(2);
        let claimed = track.position_cov.nn;
        lanes.hold(&mut track, 0.01);
        let after = (track.north_m - north_m).powi(2);
        for (sum, square) in sums.iter_mut().zip([
            before,
            after,
            before / claimed,
            after / track.position_cov.nn,
        ]) {
            *sum += square / 4000.0;
        }
    }
    sums
}

#[test]
fn who_keeps_a_lane_is_told_better_and_no_surer_than_right() {
    for (off_m, seed) in [(0.2, 51), (0.3, 52), (0.4, 53)] {
        let [before, after, _, claimed] = keepers(off_m, seed);
        assert!(after < 0.85 * before, "{after} of {before}, seed {seed}");
        assert!((0.5..1.15).contains(&claimed), "{claimed}, seed {seed}");
    }
}

#[test]
fn places_wider_than_supposed_are_not_claimed_far_wrong() {
    // Half of all such drivers are more than 0.4 m off the middle.
    let [before, after, _, claimed] = keepers(0.6, 54);
    assert!(after < 1.05 * before, "{after} of {before}");
    assert!(claimed < 1.5, "{claimed}");
}

#[test]
fn nobody_is_held_back_who_changes_lanes() {
    // 3.5 m in four seconds, by a path of least jerk.
    let mut most_m = 0.0_f64;
    for step in 0..=40 {
        let s = f64::from(step) / 40.0;
        let mut track = driver();
        track.north_m = 3.5 * (10.0 * s.powi(3) - 15.0 * s.powi(4) + 6.0 * s.powi(5));
        track.velocity.north_mps = 3.5 / 4.0 * 30.0 * (s * (1.0 - s)).powi(2);
        let held = held(track);
        most_m = most_m.max((held.north_m - track.north_m).abs());
        if (0.4..0.6).contains(&s) {
            let slower_mps = track.velocity.north_mps - held.velocity.north_mps;
            assert!(slower_mps < 0.25, "{slower_mps} m/s at {s}");
        }
    }
    assert!(most_m < 0.3, "{most_m}");
}

#[test]
fn whoever_keeps_no_lane_is_told_as_seen() {
    let west = |track: Track| Track {
        velocity: Velocity {
            east_mps: -12.0,
            ..track.velocity
        },
        yaw_rad: Some(std::f64::consts::PI),
        ..track
    };
    let at = |north_m: f64| Track {
        north_m,
        ..driver()
    };
    let goes = |east_mps: f64, north_mps: f64| Track {
        velocity: Velocity {
            east_mps,
            north_mps,
            ..driver().velocity
        },
        ..at(0.6)
    };
    let of = |class: Class| Track { class, ..at(0.6) };
    let cases = [
        ("the wrong way in the first lane", west(at(0.6))),
        ("the wrong way beside the middle of the road", west(at(4.8))),
        ("the wrong way on the other side", at(6.2)),
        ("off the road", at(-2.4)),
        (
            "beyond its end",
            Track {
                east_m: 401.0,
                ..at(0.6)
            },
        ),
        (
            "standing askew",
            Track {
                yaw_rad: Some(0.4),
                ..goes(0.1, 0.05)
            },
        ),
        ("creeping", goes(1.9, 0.2)),
        ("out of the lane at 45 degrees", goes(6.0, 6.0)),
        ("on foot", of(Class::Pedestrian)),
        ("by bicycle", of(Class::Bicycle)),
        ("by motorcycle", of(Class::Motorcycle)),
        ("an animal", of(Class::Animal)),
        ("nobody knows", of(Class::Unknown)),
        ("no number", goes(f64::NAN, 0.0)),
    ];
    for (what, track) in cases {
        let held = held(track);
        assert_eq!(format!("{held:?}"), format!("{track:?}"), "{what}");
    }
}

#[test]
fn who_drives_between_two_lanes_is_drawn_to_neither_and_who_turns_off_hardly() {
    let between = Track {
        north_m: 1.75,
        ..driver()
    };
    let after = held(between);
    assert!((after.north_m - 1.75).abs() < 1e-9, "{after:?}");
    assert!(
        after.position_cov.nn > 0.8 * between.position_cov.nn,
        "{after:?}"
    );
    // A turn to the right out of the first lane: 15 m of radius at 6 m/s.
    for step in 0..10 {
        let angle = 0.08 * f64::from(step);
        let mut track = driver();
        track.north_m = -15.0 * (1.0 - angle.cos());
        (track.velocity.east_mps, track.velocity.north_mps) =
            (6.0 * angle.cos(), -6.0 * angle.sin());
        let moved_m = (held(track).north_m - track.north_m).abs();
        assert!(moved_m < 0.15, "{moved_m} m at {angle}");
    }
}

#[test]
fn a_bend_is_followed_and_nobody_is_lost_at_its_joints() {
    // A quarter of a circle of 40 m, to the left, in pieces of 5 degrees.
    let (radius_m, pieces) = (40.0, 18);
    let point = |angle: f64| Vector2::new(radius_m * angle.sin(), radius_m * (1.0 - angle.cos()));
    let step = std::f64::consts::FRAC_PI_2 / f64::from(pieces);
    let line: Vec<_> = (0..=pieces).map(|n| point(f64::from(n) * step)).collect();
    let lanes = Lanes::along(std::iter::once((line, 3.5))).expect("a lane");
    for n in 10..165 {
        let angle = f64::from(n) * 0.009;
        let out = Vector2::new(angle.sin(), -angle.cos());
        let place = point(angle) + out * 0.5;
        let mut track = driver();
        (track.east_m, track.north_m) = (place.x, place.y);
        (track.velocity.east_mps, track.velocity.north_mps) =
            (10.0 * angle.cos(), 10.0 * angle.sin());
        track.yaw_rad = Some(angle);
        track.position_cov = Covariance::from_axes(0.0, 0.5, 0.5);
        lanes.hold(&mut track, 0.01);
        let moved = Vector2::new(track.east_m, track.north_m) - place;
        let inwards_m = -moved.dot(&out);
        assert!((0.15..0.5).contains(&inwards_m), "{inwards_m} m at {angle}");
        assert!(
            (track.yaw_rad.expect("one") - angle).abs() < 0.02,
            "at {angle}"
        );
    }
}

#[test]
fn without_lanes_or_unasked_fusion_is_the_same() {
    let mut plain = fusion();
    let mut unasked = fusion();
    unasked.config.parts.lanes = false;
    let mut unasked = unasked.with_lanes(Some(road()));
    let mut without = fusion().with_lanes(None);
    let mut asked = fusion();
    asked.config.parts.lanes = true;
    let mut asked = asked.with_lanes(Some(road()));
    for fusion in [&mut plain, &mut unasked, &mut without, &mut asked] {
        watch(fusion, 0.0, 3.0, |t| vec![car(50.0 + 10.0 * t, 0.5)]);
    }
    let whole = plain.picture(moment(3.0)).clone();
    assert_eq!(*unasked.picture(moment(3.0)), whole);
    assert_eq!(*without.picture(moment(3.0)), whole);
    let held = asked.picture(moment(3.0)).tracks[0];
    assert!(held.north_m < whole.tracks[0].north_m - 0.01, "{held:?}");
    // What is told is not what is followed: without lanes again, all is as if there had never been any.
    asked.lanes = None;
    assert_eq!(*asked.picture(moment(3.0)), whole);
}

proptest! {
    #[test]
    fn whatever_comes_nobody_is_moved_beyond_a_middle_or_made_a_certainty(
        north_m in -6.0..12.0_f64,
        aside_mps in -4.0..4.0_f64,
        speed_mps in 0.0..40.0_f64,
        turned in -3.2..3.2_f64,
        (long, wide) in (0.01..8.0_f64, 0.01..8.0_f64),
        yaw_var in 0.0..4.0_f64,
    ) {
        let mut track = driver();
        track.north_m = north_m;
        track.velocity.east_mps = speed_mps;
        track.velocity.north_mps = aside_mps;
        track.position_cov = Covariance::from_axes(turned, long, wide);
        track.velocity.cov = Covariance::from_axes(-turned, wide, long);
        let before = track;
        road().hold(&mut track, yaw_var);
        let (low, high) = (north_m.min(0.0), north_m.max(3.5));
        prop_assert!((low - 1e-9..=high + 1e-9).contains(&track.north_m));
        for (cov, was) in [
            (track.position_cov, before.position_cov),
            (track.velocity.cov, before.velocity.cov),
        ] {
            let least = 1e-9 * (was.ee * was.nn - was.en * was.en);
            prop_assert!(cov.ee > 0.0 && cov.nn > 0.0, "{cov:?}");
            prop_assert!(cov.ee * cov.nn - cov.en * cov.en > least, "{cov:?}");
        }
        let slower = track.velocity.north_mps.abs() <= aside_mps.abs() + 1e-9;
        prop_assert!(slower, "{:?}", track.velocity);
        prop_assert!(track.yaw_rad.is_some_and(f64::is_finite));
    }
}
