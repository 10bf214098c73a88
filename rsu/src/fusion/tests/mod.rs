//! Rules of the room as a whole: what comes out of the door for what goes in.

mod abreast;
mod accord;
mod apart;
mod bounds;
mod broken;
mod echoes;
mod heard;
mod lanes;
mod learnt;
mod overload;
mod parts;
mod ranges;
mod reversing;
mod speeds;
mod ties;
mod time;
mod tracking;

use super::testing::{Dice, car, frame, moment};
use super::*;
use crate::report::{Class, Covariance, Detection, Size, Velocity};

const CAMERA: InputId = InputId(3);
const SECOND_CAMERA: InputId = InputId(4);
const RADAR: InputId = InputId(7);

/// Two cameras and a radar at the origin, all looking east and seeing far.
fn sensors() -> Vec<Sensor> {
    let pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 8.0,
        yaw_rad: 0.0,
    };
    let wide = |sensor| Sensor {
        half_fov_rad: 1.6,
        max_range_m: 300.0,
        ..sensor
    };
    vec![
        wide(Sensor::camera(CAMERA, pose)),
        wide(Sensor::camera(SECOND_CAMERA, pose)),
        wide(Sensor::radar(RADAR, pose)),
    ]
}

fn fusion() -> Fusion {
    Fusion::new(Config {
        sensors: sensors(),
        ..Config::default()
    })
}

/// Runs a camera at 10 Hz from `from` to `to` seconds over things at `places(t)`.
fn watch(fusion: &mut Fusion, from: f64, to: f64, mut places: impl FnMut(f64) -> Vec<Detection>) {
    for step in (from * 10.0).round() as i32..=(to * 10.0).round() as i32 {
        let t = f64::from(step) / 10.0;
        fusion.handle_objects(CAMERA, &frame(t, &places(t)));
    }
}

fn ids(fusion: &mut Fusion, t: f64) -> Vec<u8> {
    fusion
        .picture(moment(t))
        .tracks
        .iter()
        .map(|track| track.id)
        .collect()
}

/// The track nearest to a place.
fn nearest(fusion: &mut Fusion, t: f64, east_m: f64, north_m: f64) -> Track {
    let away = |track: &Track| (track.east_m - east_m).hypot(track.north_m - north_m);
    let picture = fusion.picture(moment(t));
    *picture
        .tracks
        .iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)))
        .expect("a track")
}

#[test]
fn a_thing_is_published_once_seen_three_times() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 0.1, |_| vec![car(30.0, 0.0)]);
    assert!(ids(&mut fusion, 0.1).is_empty());
    watch(&mut fusion, 0.2, 0.2, |_| vec![car(30.0, 0.0)]);
    assert_eq!(ids(&mut fusion, 0.2), [1]);
}

#[test]
fn a_false_detection_now_and_then_is_never_published() {
    let mut fusion = fusion();
    let mut dice = Dice::new(11);
    watch(&mut fusion, 0.0, 30.0, |_| {
        vec![car(
            20.0 + 80.0 * dice.uniform(),
            -40.0 + 80.0 * dice.uniform(),
        )]
    });
    assert_eq!(fusion.counts().published, 0, "seed 11");
}

#[test]
fn velocity_is_found_from_positions_alone() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 2.0, |t| vec![car(20.0 + 12.0 * t, 5.0)]);
    let track = nearest(&mut fusion, 2.0, 44.0, 5.0);
    assert!((track.velocity.east_mps - 12.0).abs() < 0.3, "{track:?}");
    assert!(track.velocity.north_mps.abs() < 0.3);
    assert!(track.yaw_rad.expect("it moves").abs() < 0.05);
}

#[test]
fn the_picture_is_predicted_to_its_moment() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 2.0, |t| vec![car(20.0 + 12.0 * t, 5.0)]);
    let now = nearest(&mut fusion, 2.0, 44.0, 5.0);
    let later = nearest(&mut fusion, 2.5, 50.0, 5.0);
    assert!((later.east_m - now.east_m - 6.0).abs() < 0.15);
    assert!(later.position_cov.ee > now.position_cov.ee);
    assert_eq!(later.seen_at, moment(2.0));
}

#[test]
fn crossing_targets_keep_their_ids() {
    let mut fusion = fusion();
    let places = |t: f64| vec![car(50.0 + 8.0 * (t - 3.0), 0.0), car(50.0, 8.0 * (t - 3.1))];
    watch(&mut fusion, 0.0, 1.0, places);
    let (east, north) = (
        nearest(&mut fusion, 1.0, 34.0, 0.0),
        nearest(&mut fusion, 1.0, 50.0, -16.8),
    );
    assert_ne!(east.id, north.id);
    watch(&mut fusion, 1.1, 6.0, places);
    assert_eq!(nearest(&mut fusion, 6.0, 74.0, 0.0).id, east.id);
    assert_eq!(nearest(&mut fusion, 6.0, 50.0, 23.2).id, north.id);
}

#[test]
fn a_stopped_queue_of_cars_keeps_its_ids() {
    let mut fusion = fusion();
    let mut dice = Dice::new(5);
    let mut queue = |_: f64| -> Vec<Detection> {
        let noisy = |n: f64, dice: &mut Dice| {
            car(
                20.0 + 7.0 * n + 0.3 * dice.normal(),
                3.0 + 0.3 * dice.normal(),
            )
        };
        (0..12).map(|n| noisy(f64::from(n), &mut dice)).collect()
    };
    watch(&mut fusion, 0.0, 1.0, &mut queue);
    let before = ids(&mut fusion, 1.0);
    let first = nearest(&mut fusion, 1.0, 20.0, 3.0).id;
    watch(&mut fusion, 1.1, 60.0, &mut queue);
    assert_eq!(before.len(), 12);
    assert_eq!(ids(&mut fusion, 60.0), before, "seed 5");
    assert_eq!(nearest(&mut fusion, 60.0, 20.0, 3.0).id, first);
    assert_eq!(fusion.counts().published, 12);
}

#[test]
fn a_track_unseen_for_a_second_in_full_view_is_dropped() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 2.0, |_| {
        vec![car(30.0, 0.0), car(40.0, 10.0)]
    });
    watch(&mut fusion, 2.1, 3.1, |_| vec![car(40.0, 10.0)]);
    let left = fusion.picture(moment(3.1)).tracks.clone();
    assert_eq!(left.len(), 1);
    assert!((left[0].north_m - 10.0).abs() < 1.0);
}

#[test]
fn a_track_behind_a_bus_is_kept_while_its_place_is_known() {
    let mut fusion = fusion();
    let bus = Detection {
        class: Class::Bus,
        size: Some(Size {
            length_m: 12.0,
            width_m: 2.5,
            height_m: Some(3.2),
        }),
        yaw_rad: Some(1.57),
        ..car(20.0, 0.0)
    };
    let seen = |t: f64| {
        if t < 2.0 {
            vec![bus, car(28.0, 0.0)]
        } else {
            vec![bus]
        }
    };
    watch(&mut fusion, 0.0, 3.8, seen);
    assert_eq!(ids(&mut fusion, 3.8).len(), 2);
    watch(&mut fusion, 3.9, 5.5, seen);
    assert_eq!(ids(&mut fusion, 5.5).len(), 1);
}

#[test]
fn who_walks_behind_a_bus_is_known_to_be_hidden_and_less_surely_where() {
    for seed in 1..=5 {
        let mut fusion = fusion();
        let mut dice = Dice::new(seed);
        let bus = Detection {
            class: Class::Bus,
            size: Some(Size {
                length_m: 12.0,
                width_m: 2.5,
                height_m: Some(3.2),
            }),
            yaw_rad: Some(1.57),
            ..car(20.0, 0.0)
        };
        // Out of sight from 5 s on, and to come out again at 8 s.
        let north_m = |t: f64| -14.0 + 1.3 * t;
        let mut seen = |t: f64| {
            let walker = Detection {
                class: Class::Pedestrian,
                ..car(28.0 + 0.2 * dice.normal(), north_m(t) + 0.2 * dice.normal())
            };
            if t < 5.0 {
                vec![bus, walker]
            } else {
                vec![bus]
            }
        };
        watch(&mut fusion, 0.0, 5.4, &mut seen);
        let mut vars_m2 = Vec::new();
        for tenth in 55..=70 {
            let t = f64::from(tenth) / 10.0;
            watch(&mut fusion, t, t, &mut seen);
            let track = nearest(&mut fusion, t, 28.0, north_m(t));
            assert!(
                track.hidden && track.existence > 0.95,
                "{track:?}, seed {seed}"
            );
            let (off_m, var_m2) = ((track.north_m - north_m(t)).abs(), track.position_cov.nn);
            assert!(off_m < 2.5 * var_m2.sqrt(), "{off_m} at {t} s, seed {seed}");
            vars_m2.push(var_m2);
        }
        assert!(vars_m2[15] > 2.0 * vars_m2[0], "{vars_m2:?}, seed {seed}");
    }
}

#[test]
fn when_all_sensors_fall_silent_the_road_is_empty() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 2.0, |_| vec![car(30.0, 0.0)]);
    assert_eq!(ids(&mut fusion, 3.4).len(), 1);
    assert!(ids(&mut fusion, 3.6).is_empty());
}

#[test]
fn a_car_lost_while_it_stood_is_found_under_its_id_and_heading() {
    let mut fusion = fusion();
    let place = |t: f64| car(30.0 + 8.0 * t.min(2.0), 0.0);
    watch(&mut fusion, 0.0, 4.0, |t| vec![place(t)]);
    let before = nearest(&mut fusion, 4.0, 46.0, 0.0);
    watch(&mut fusion, 4.1, 9.0, |_| vec![]);
    assert!(ids(&mut fusion, 9.0).is_empty());
    watch(&mut fusion, 9.1, 10.0, |t| vec![place(t)]);
    let after = nearest(&mut fusion, 10.0, 46.0, 0.0);
    assert_eq!(after.id, before.id);
    assert!(after.yaw_rad.expect("as before").abs() < 0.2);
    assert_eq!(fusion.counts().found_again, 1);
}

#[test]
fn two_tracks_of_one_thing_become_one_with_the_older_id() {
    let mut fusion = fusion();
    // Two cameras that disagree by 5 m at first, too far to be one thing, and then agree.
    let offset = |t: f64| (5.0 - 5.0 * (t - 1.0)).clamp(0.0, 5.0);
    for step in 0..40 {
        let t = f64::from(step) / 10.0;
        fusion.handle_objects(CAMERA, &frame(t, &[car(30.0, 0.0)]));
        if step > 5 {
            let second = car(30.0, offset(t));
            fusion.handle_objects(SECOND_CAMERA, &frame(t + 0.05, &[second]));
        }
        if step == 10 {
            assert_eq!(ids(&mut fusion, t).len(), 2);
        }
    }
    assert_eq!(ids(&mut fusion, 4.0), [1]);
}

#[test]
fn two_people_side_by_side_are_not_merged() {
    let mut fusion = fusion();
    let walker = |north_m: f64, t: f64| Detection {
        class: Class::Pedestrian,
        position_cov: Covariance::from_axes(0.0, 0.2, 0.2),
        ..car(30.0 + 1.3 * t, north_m)
    };
    watch(&mut fusion, 0.0, 10.0, |t| {
        vec![walker(0.0, t), walker(0.6, t)]
    });
    assert_eq!(ids(&mut fusion, 10.0).len(), 2);
    assert_eq!(fusion.counts().merged, 0);
}

#[test]
fn a_bus_is_one_track_wherever_the_radar_hits_it() {
    let mut fusion = fusion();
    let mut dice = Dice::new(3);
    let size = Some(Size {
        length_m: 12.0,
        width_m: 2.5,
        height_m: None,
    });
    let velocity = Velocity {
        east_mps: 8.0,
        north_mps: 0.0,
        cov: Covariance::from_axes(0.0, 0.3, 0.3),
    };
    for step in 0..100 {
        let t = f64::from(step) / 10.0;
        let east_m = 20.0 + 8.0 * t;
        let bus = Detection {
            class: Class::Bus,
            size,
            ..car(east_m, 0.0)
        };
        fusion.handle_objects(CAMERA, &frame(t, &[bus]));
        // Two echoes, anywhere on the body.
        let mut echo = || Detection {
            class: Class::Unknown,
            velocity: Some(velocity),
            ..car(
                east_m + 0.4 + 9.0 * (dice.uniform() - 0.5),
                2.0 * (dice.uniform() - 0.5),
            )
        };
        let echoes = [echo(), echo()];
        fusion.handle_objects(RADAR, &frame(t + 0.05, &echoes));
        if step > 5 {
            assert_eq!(ids(&mut fusion, t + 0.05).len(), 1, "at {t} s, seed 3");
        }
    }
    assert!(fusion.counts().echoes > 50);
}

#[test]
fn a_radar_alone_finds_the_velocity_across_its_beam_too() {
    let mut fusion = fusion();
    for step in 0..60 {
        let t = f64::from(step) / 20.0;
        let (east_m, north_m) = (40.0, -15.0 + 10.0 * t);
        let bearing = north_m.atan2(east_m);
        let echo = Detection {
            class: Class::Unknown,
            velocity: Some(Velocity::from_range_rate(
                bearing,
                10.0 * bearing.sin(),
                0.2,
            )),
            ..car(east_m, north_m)
        };
        fusion.handle_objects(RADAR, &frame(t, &[echo]));
    }
    let track = nearest(&mut fusion, 2.95, 40.0, 14.5);
    assert!((track.velocity.north_mps - 10.0).abs() < 0.5, "{track:?}");
    assert!(track.velocity.east_mps.abs() < 0.5);
}

#[test]
fn a_standing_car_keeps_the_yaw_it_came_with() {
    let mut fusion = fusion();
    let mut dice = Dice::new(21);
    // Comes from the south-west, brakes, stands.
    let mut place = |t: f64| {
        let way = if t < 3.0 { 8.0 * t } else { 24.0 };
        car(
            20.0 + 0.7 * way + 0.3 * dice.normal(),
            0.7 * way + 0.3 * dice.normal(),
        )
    };
    watch(&mut fusion, 0.0, 60.0, |t| vec![place(t)]);
    let track = nearest(&mut fusion, 60.0, 36.8, 16.8);
    let yaw = track.yaw_rad.expect("it moved");
    assert!(
        (yaw - std::f64::consts::FRAC_PI_4).abs() < 0.2,
        "yaw {yaw}, seed 21"
    );
    assert!(track.velocity.east_mps.hypot(track.velocity.north_mps) < 0.8);
}

#[test]
fn the_device_id_decides_between_two_that_fit_alike() {
    let mut fusion = fusion();
    let tagged = |id: u16, east_m: f64, north_m: f64| Detection {
        device_id: Some(id),
        own_id: None,
        position_cov: Covariance::from_axes(0.0, 1.0, 1.0),
        ..car(east_m, north_m)
    };
    watch(&mut fusion, 0.0, 3.0, |_| {
        vec![tagged(1, 40.0, 0.0), tagged(2, 40.0, 2.6)]
    });
    let first = nearest(&mut fusion, 3.0, 40.0, 0.0).id;
    // Both jump to the middle, so that place alone says nothing.
    watch(&mut fusion, 3.1, 3.1, |_| {
        vec![tagged(2, 40.0, 1.3), tagged(1, 40.0, 1.3)]
    });
    watch(&mut fusion, 3.2, 5.0, |_| {
        vec![tagged(1, 40.0, 0.0), tagged(2, 40.0, 2.6)]
    });
    assert_eq!(nearest(&mut fusion, 5.0, 40.0, 0.0).id, first);
}

/// NEES of the fused position over noisy frames of three sensors, mean of 2 within 95 %: 300
/// independent tracks give 2 +- 0.23; the margin is for white noise that is not quite the filter's.
#[test]
fn fused_positions_are_as_wrong_as_their_covariance_says() {
    const RUNS: u64 = 300;
    let mut sum = 0.0;
    for run in 0..RUNS {
        let mut dice = Dice::new(1000 + run);
        let mut fusion = fusion();
        let mut state = (40.0, -10.0, 8.0 + dice.normal(), 2.0 * dice.normal());
        for step in 0..60 {
            let t = f64::from(step) / 20.0;
            let sigma_v = (2.0_f64 * 0.05).sqrt();
            let (de, dn) = (sigma_v * dice.normal(), sigma_v * dice.normal());
            state.0 += 0.05 * (state.2 + 0.5 * de);
            state.1 += 0.05 * (state.3 + 0.5 * dn);
            state.2 += de;
            state.3 += dn;
            let noisy = car(state.0 + 0.3 * dice.normal(), state.1 + 0.3 * dice.normal());
            fusion.handle_objects(
                [CAMERA, SECOND_CAMERA][step as usize % 2],
                &frame(t, &[noisy]),
            );
        }
        let track = nearest(&mut fusion, 2.95, state.0, state.1);
        let (e, n, p) = (
            track.east_m - state.0,
            track.north_m - state.1,
            track.position_cov,
        );
        let det = p.ee * p.nn - p.en * p.en;
        sum += (p.nn * e * e - 2.0 * p.en * e * n + p.ee * n * n) / det;
    }
    let nees = sum / RUNS as f64;
    assert!(
        (1.7..2.3).contains(&nees),
        "mean NEES {nees}, seeds 1000 and up"
    );
}

/// Someone whom a camera takes for a walker, always.
fn someone(east_m: f64) -> Detection {
    Detection {
        class: Class::Pedestrian,
        ..car(east_m, 0.0)
    }
}

#[test]
fn who_is_faster_than_people_run_rides_and_does_so_still_at_the_red() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 4.0, |t| vec![someone(20.0 + 6.0 * t)]);
    assert_eq!(nearest(&mut fusion, 4.0, 44.0, 0.0).class, Class::Bicycle);
    watch(&mut fusion, 4.1, 40.0, |_| vec![someone(44.6)]);
    assert_eq!(nearest(&mut fusion, 40.0, 44.6, 0.0).class, Class::Bicycle);
}

#[test]
fn who_runs_across_is_on_foot() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 6.0, |t| vec![someone(20.0 + 3.5 * t)]);
    let runner = nearest(&mut fusion, 6.0, 41.0, 0.0);
    assert_eq!(runner.class, Class::Pedestrian);
}
