//! Late frames, and times that cannot be.

use std::f64::consts::PI;

use super::super::testing::{car, frame, moment};
use super::*;

#[test]
fn a_late_frame_changes_the_tracks_as_if_it_had_come_in_time() {
    let place = |t: f64| [car(20.0 + 10.0 * t + 0.4 * (7.0 * t).sin(), 0.0)];
    let times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    let mut in_time = fusion();
    for t in times {
        in_time.handle_objects(CAMERA, &frame(t, &place(t)));
    }
    let mut late = fusion();
    for t in times.into_iter().filter(|t| (t - 0.3).abs() > 0.01) {
        late.handle_objects(CAMERA, &frame(t, &place(t)));
    }
    assert_ne!(late.picture(moment(0.7)), in_time.picture(moment(0.7)));
    late.handle_objects(CAMERA, &frame(0.3, &place(0.3)));
    assert_eq!(late.picture(moment(0.7)), in_time.picture(moment(0.7)));
    assert_eq!((late.counts().late, late.counts().replayed), (1, 3));
}

#[test]
fn late_frames_share_one_way_through_and_change_the_tracks_as_if_they_had_come_in_time() {
    let place = |t: f64| [car(20.0 + 10.0 * t + 0.4 * (7.0 * t).sin(), 0.0)];
    let mut in_time = fusion();
    for t in [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6] {
        in_time.handle_objects(CAMERA, &frame(t, &place(t)));
    }
    let mut late = fusion();
    for t in [0.0, 0.1, 0.4, 0.5] {
        late.handle_objects(CAMERA, &frame(t, &place(t)));
    }
    let before = late.picture(moment(0.5)).clone();
    // The last is late for nothing, but comes while others wait.
    for t in [0.3, 0.2, 0.6] {
        late.handle_objects(CAMERA, &frame(t, &place(t)));
    }
    assert!(late.is_behind());
    assert_eq!(*late.glance(moment(0.5)), before);
    assert_eq!(late.picture(moment(0.7)), in_time.picture(moment(0.7)));
    assert!(!late.is_behind());
    assert_eq!((late.counts().late, late.counts().replayed), (2, 2));
}

/// Ten cars and false alarms, seen by two cameras and a radar, in order of arrival: half of the frames are late.
fn busy_traffic() -> Vec<(f64, InputId, Objects)> {
    let mut dice = Dice::new(17);
    let mut frames = Vec::new();
    for step in 0..240u32 {
        let t = f64::from(step) / 30.0;
        let (input, late_s) = match step % 3 {
            0 => (CAMERA, 0.10),
            1 => (SECOND_CAMERA, 0.17),
            _ => (RADAR, 0.02),
        };
        let mut seen = Vec::new();
        for number in 0..10 {
            // Abreast in twos, some slower than others.
            let n = f64::from(number);
            let east_m = 20.0 + 6.0 * n + (4.0 + 0.7 * (n % 3.0)) * t;
            let north_m = 1.6 * (n % 2.0);
            if dice.uniform() < 0.85 {
                seen.push(car(
                    east_m + 0.3 * dice.normal(),
                    north_m + 0.3 * dice.normal(),
                ));
            }
        }
        seen.push(car(
            20.0 + 100.0 * dice.uniform(),
            60.0 * dice.uniform() - 30.0,
        ));
        let arrives = t + late_s + 0.05 * dice.uniform();
        frames.push((arrives, input, frame(t, &seen)));
    }
    frames.sort_by(|a, b| a.0.total_cmp(&b.0));
    frames
}

/// Nothing is lost by sharing a way through, nor taken twice: how tracks lie and how sure they are is the same
/// to the last digit as where each late frame has one of its own, and where all come in time.
#[test]
fn tracks_do_not_depend_on_how_many_late_frames_share_a_way_through() {
    let all = busy_traffic();
    ends_the_same(&sensors(), &all);
    // Each sees a part of the road, so that each frame leaves some as they are.
    let at = |east_m, yaw_rad| Pose {
        east_m,
        north_m: 0.0,
        up_m: 8.0,
        yaw_rad,
    };
    let narrow = |sensor, max_range_m| Sensor {
        half_fov_rad: 0.4,
        max_range_m,
        ..sensor
    };
    let narrow = [
        narrow(Sensor::camera(CAMERA, at(0.0, 0.0)), 75.0),
        narrow(Sensor::camera(SECOND_CAMERA, at(60.0, 0.0)), 70.0),
        narrow(Sensor::radar(RADAR, at(140.0, PI)), 80.0),
    ];
    let mut seen = all;
    for (_, input, objects) in &mut seen {
        let sensor = narrow.iter().find(|sensor| sensor.input == *input).unwrap();
        objects.detections.retain(|one| {
            let ahead_m = (one.east_m - sensor.pose.east_m) * sensor.pose.yaw_rad.cos();
            let bearing_rad = one.north_m.atan2(ahead_m);
            bearing_rad.abs() < sensor.half_fov_rad
                && ahead_m.hypot(one.north_m) < sensor.max_range_m
        });
    }
    ends_the_same(&narrow, &seen);
}

fn ends_the_same(sensors: &[Sensor], all: &[(f64, InputId, Objects)]) {
    let run = |own_way: bool, in_time: bool| {
        let mut fusion = Fusion::new(Config {
            sensors: sensors.to_vec(),
            // What is learnt is learnt in another order.
            parts: Parts {
                eyesight: false,
                noise: false,
                mount: false,
                ..Parts::default()
            },
            ..Config::default()
        });
        let mut frames = all.to_vec();
        if in_time {
            frames.sort_by_key(|(_, _, objects)| objects.seen_at);
        }
        for (step, (_, input, objects)) in frames.iter().enumerate() {
            fusion.handle_objects(*input, objects);
            if own_way || step % 7 == 0 {
                fusion.catch_up();
            }
        }
        // Ids are given out as somebody asks.
        let picture = fusion.picture(moment(8.0));
        let tracks = picture.tracks.iter().map(|track| Track { id: 0, ..*track });
        let mut tracks: Vec<Track> = tracks.collect();
        tracks.sort_by(|a, b| a.east_m.total_cmp(&b.east_m));
        (tracks, fusion.counts())
    };
    let (shared, of_shared) = run(false, false);
    let (each, of_each) = run(true, false);
    let (in_time, of_in_time) = run(false, true);
    assert!(shared.len() >= 10, "{}", shared.len());
    assert!(of_shared.late > 60 && of_in_time.late == 0, "{of_shared:?}");
    assert!(of_shared.replayed < of_each.replayed, "{of_shared:?}");
    assert_eq!(shared, each);
    assert_eq!(shared, in_time);
}

#[test]
fn late_frames_that_nobody_asks_for_are_neither_lost_nor_hoarded() {
    let mut fusion = fusion();
    // The second camera is always late, and no picture is asked for in ten seconds.
    for step in 0..100 {
        let t = f64::from(step) / 10.0;
        let seen = [car(30.0 + 5.0 * t, 0.0)];
        fusion.handle_objects(CAMERA, &frame(t, &seen));
        let late = t - 0.13;
        fusion.handle_objects(SECOND_CAMERA, &frame(late, &[car(30.0 + 5.0 * late, 0.0)]));
    }
    let counts = fusion.counts();
    assert_eq!((counts.frames, counts.too_late, counts.late), (200, 0, 100));
    // Each way through takes all that have come since the last one.
    assert!(counts.replayed < 100, "{}", counts.replayed);
    let track = nearest(&mut fusion, 9.9, 79.5, 0.0);
    assert!((track.east_m - 79.5).abs() < 0.5, "{track:?}");
    assert!(track.sources.count_ones() == 2, "{track:?}");
}

#[test]
fn a_frame_older_than_the_window_is_counted_and_changes_nothing() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 1.0, |_| vec![car(30.0, 0.0)]);
    let before = fusion.picture(moment(1.0)).clone();
    fusion.handle_objects(CAMERA, &frame(0.55, &[car(31.0, 0.0)]));
    assert_eq!(fusion.counts().too_late, 1);
    assert_eq!(*fusion.picture(moment(1.0)), before);
}

#[test]
fn an_id_is_kept_when_the_past_is_worked_through_again() {
    let mut fusion = fusion();
    let places = [car(30.0, 0.0), car(30.0, 20.0)];
    watch(&mut fusion, 0.0, 0.3, |_| places.to_vec());
    let first = nearest(&mut fusion, 0.3, 30.0, 0.0).id;
    // Earlier than all that began the tracks, and in the other order.
    fusion.handle_objects(SECOND_CAMERA, &frame(-0.05, &[places[1], places[0]]));
    assert_eq!(nearest(&mut fusion, 0.3, 30.0, 0.0).id, first);
    assert_eq!(ids(&mut fusion, 0.3).len(), 2);
}

#[test]
fn a_time_an_hour_off_is_refused_and_counted() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 1.0, |_| vec![car(30.0, 0.0)]);
    let before = fusion.picture(moment(1.0)).clone();
    for hours in [-1.0, 1.0] {
        fusion.handle_objects(CAMERA, &frame(3600.0 * hours, &[car(30.0, 0.0)]));
    }
    assert_eq!(
        (fusion.counts().too_late, fusion.counts().time_jumps),
        (1, 1)
    );
    assert_eq!(*fusion.picture(moment(1.0)), before);
}

#[test]
fn a_wrong_first_time_does_not_block_what_comes_after() {
    let mut fusion = fusion();
    fusion.handle_objects(CAMERA, &frame(3600.0, &[car(30.0, 0.0)]));
    watch(&mut fusion, 0.0, 2.0, |_| vec![car(30.0, 0.0)]);
    assert_eq!(fusion.counts().restarts, 1);
    assert_eq!(ids(&mut fusion, 2.0).len(), 1);
}

#[test]
fn a_long_silence_is_no_reason_to_refuse_what_comes_then() {
    let mut fusion = fusion();
    watch(&mut fusion, 0.0, 1.0, |_| vec![car(30.0, 0.0)]);
    fusion.picture(moment(600.0));
    watch(&mut fusion, 600.1, 601.0, |_| vec![car(50.0, 0.0)]);
    assert_eq!(fusion.counts().time_jumps, 0);
    assert_eq!(ids(&mut fusion, 601.0).len(), 1);
}
