//! The decoder against cycles of our own making.

use std::time::Duration;

use proptest::prelude::*;

use super::wire::{Measurement, Message};
use super::{Config, Decoder, Emitter, SensedObject, wire};
use crate::clock::{Mono, Now, Utc};
use crate::inputs::can::{self, CanFrame};
use crate::inputs::{Counts, Mount, Pose};
use crate::report::{Class, Content, Objects};

fn now(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos((10_000 + ms) * 1_000_000),
        utc: Utc::from_unix_ns(0),
    }
}

fn objects(content: Content) -> Objects {
    match content {
        Content::Objects(objects) => objects,
        other => panic!("{other:?}"),
    }
}

fn cycle_of(objects: &[SensedObject]) -> Vec<CanFrame> {
    let mut frames = Vec::new();
    Emitter::new(0).cycle(objects, &mut frames);
    frames
}

/// What a fresh decoder makes of frames that arrive one a millisecond.
fn heard(config: Config, frames: &[CanFrame]) -> (Vec<Objects>, Counts) {
    let mut decoder = Decoder::new(config);
    let mut reports = Vec::new();
    for (ms, frame) in frames.iter().enumerate() {
        decoder.push_frame(now(ms as u64), frame, &mut |content| {
            reports.push(objects(content));
        });
    }
    (reports, decoder.counts().clone())
}

fn of(tally: &[(&'static str, u64)], kind: &str) -> u64 {
    tally.iter().find(|(name, _)| *name == kind).unwrap().1
}

fn base(frame: &CanFrame) -> u32 {
    frame.id()
}

#[test]
fn a_car_is_reported_where_the_mount_puts_it() {
    let config = Config {
        mount: Mount {
            east_m: 100.0,
            north_m: 50.0,
            up_m: 6.0,
            heading_deg: 90.0,
        },
        latency: Duration::from_millis(40),
        ..Config::default()
    };
    let car = SensedObject {
        id: 17,
        forward_m: 30.0,
        left_m: 4.0,
        forward_mps: -10.0,
        left_mps: 0.5,
        orientation_deg: 180.0,
        ..SensedObject::default()
    };
    let (reports, counts) = heard(config, &cycle_of(&[car]));
    assert_eq!(
        (reports.len(), counts.reports(), counts.accepted()),
        (1, 1, 4)
    );
    assert_eq!(reports[0].seen_at, now(0).mono - Duration::from_millis(40));
    let seen = &reports[0].detections[0];
    // Looking east: forward is east, left is north.
    assert!((seen.east_m - 130.0).abs() < 0.11 && (seen.north_m - 54.0).abs() < 0.11);
    let velocity = seen.velocity.unwrap();
    assert!((velocity.east_mps + 10.0).abs() < 0.13 && (velocity.north_mps - 0.5).abs() < 0.13);
    assert!((seen.yaw_rad.unwrap().abs() - std::f64::consts::PI).abs() < 0.01);
    assert!((seen.position_cov.ee.sqrt() - 0.288).abs() < 0.01);
    assert!((seen.position_cov.nn.sqrt() - 0.371).abs() < 0.01);
    assert!((velocity.cov.nn.sqrt() - 0.616).abs() < 0.01);
    let size = seen.size.unwrap();
    assert!((size.length_m - 4.6).abs() < 0.11 && (size.width_m - 1.8).abs() < 0.11);
    assert_eq!((seen.device_id, seen.class), (Some(17), Class::Car));
    assert!(seen.existence > 0.999);
}

#[test]
fn a_cycle_without_objects_is_a_report_without_objects() {
    let (reports, _) = heard(Config::default(), &cycle_of(&[]));
    assert_eq!(reports.len(), 1);
    assert!(reports[0].detections.is_empty());
}

#[test]
fn what_a_gateway_held_up_is_counted_and_not_reported() {
    let mut decoder = Decoder::new(Config::default());
    let mut emitter = Emitter::new(0);
    let mut heard = Vec::new();
    let mut hear = |cycle: u64, arrives_ms: u64| {
        let objects = [1, 2, 3].map(|id| SensedObject {
            id,
            forward_m: 20.0 + 0.2 * cycle as f64 % 40.0,
            ..SensedObject::default()
        });
        let mut frames = Vec::new();
        emitter.cycle(&objects, &mut frames);
        let before = heard.len();
        for frame in &frames {
            decoder.push_frame(now(arrives_ms), frame, &mut |_| heard.push(cycle));
        }
        heard.len() > before
    };
    assert!((0..100).all(|n| hear(n, 60 * n)));
    // The gateway is away for 20 s; then all of it within a third of a second, and on.
    assert!(!(100..433).any(|n| hear(n, 26_000 + (n - 100))));
    assert!((440..500).all(|n| hear(n, 60 * n)));
    assert_eq!(of(decoder.counts().ignored(), "held-up"), 333);
}

#[test]
fn deleted_predicted_and_impossible_objects_are_left_out() {
    let with = |measurement, existence| SensedObject {
        measurement,
        existence,
        ..SensedObject::default()
    };
    for (measurement, reported) in [
        (Measurement::Deleted, 0),
        (Measurement::DeletedByMerge, 0),
        (Measurement::Predicted, 0),
        (Measurement::New, 1),
        (Measurement::Measured, 1),
        (Measurement::NewByMerge, 1),
    ] {
        let (reports, _) = heard(Config::default(), &cycle_of(&[with(measurement, 0.9)]));
        assert_eq!(reports[0].detections.len(), reported, "{measurement:?}");
    }
    // An invalid probability of existence.
    let frames = cycle_of(&[with(Measurement::Measured, 0.9)])
        .into_iter()
        .map(|frame| match wire::parse(&frame, 0).unwrap() {
            Message::Quality(quality) => wire::emit(
                &Message::Quality(wire::Quality {
                    existence: 0,
                    ..quality
                }),
                0,
            ),
            _ => frame,
        });
    let (reports, counts) = heard(Config::default(), &frames.collect::<Vec<_>>());
    assert!(reports[0].detections.is_empty());
    assert_eq!(of(counts.tolerated(), "not-seen-now"), 1);
}

#[test]
fn a_point_has_no_yaw() {
    let point = SensedObject {
        class: Class::Unknown,
        ..SensedObject::default()
    };
    let (reports, _) = heard(Config::default(), &cycle_of(&[point]));
    assert_eq!(reports[0].detections[0].yaw_rad, None);
}

#[test]
fn a_cycle_that_the_next_one_cuts_off_is_reported_as_far_as_it_came() {
    let cars = [1, 2, 3].map(|id| SensedObject {
        id,
        ..SensedObject::default()
    });
    let mut frames = cycle_of(&cars);
    // Object 3 is lost, and with it everything after the quality of object 1.
    frames.retain(|frame| frame.data().len() == 4 || frame.data()[0] != 3);
    frames.truncate(4);
    frames.extend(cycle_of(&cars));
    let (reports, counts) = heard(Config::default(), &frames);
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].detections.len(), 2);
    assert_eq!(reports[0].seen_at, now(0).mono - Config::default().latency);
    assert_eq!(reports[1].detections.len(), 3);
    assert_eq!(of(counts.tolerated(), "incomplete-cycle"), 1);
    assert_eq!(of(counts.tolerated(), "without-quality"), 1);
    // What the radar did not say of object 2 is assumed.
    let assumed = Config::default().assumed;
    let second = &reports[0].detections[1];
    assert!((second.position_cov.nn.sqrt() - assumed.long_m).abs() < 1e-9);
    assert!((second.position_cov.ee.sqrt() - assumed.lat_m).abs() < 1e-9);
    assert_eq!(
        (second.class, second.yaw_rad, second.size),
        (Class::Unknown, None, None)
    );
}

#[test]
fn messages_of_a_cycle_may_come_in_any_order() {
    let cars = [1, 2, 3].map(|id| SensedObject {
        id,
        forward_m: f64::from(id) * 10.0,
        ..SensedObject::default()
    });
    let frames = cycle_of(&cars);
    let mut backwards = frames.clone();
    backwards[1..].reverse();
    let sorted = |mut reports: Vec<Objects>| {
        assert_eq!(reports.len(), 1);
        reports[0]
            .detections
            .sort_by_key(|detection| detection.device_id);
        reports
    };
    let (there, _) = heard(Config::default(), &frames);
    let (back, counts) = heard(Config::default(), &backwards);
    assert_eq!(sorted(back), sorted(there));
    assert_eq!(of(counts.tolerated(), "incomplete-cycle"), 0);
}

#[test]
fn a_radar_that_sends_positions_only_is_waited_for_once() {
    let mut frames = Vec::new();
    let mut radar = Emitter::new(0);
    for _ in 0..5 {
        let mut cycle = Vec::new();
        radar.cycle(&[SensedObject::default()], &mut cycle);
        frames.extend(cycle.into_iter().filter(|frame| base(frame) <= 0x60B));
    }
    let mut decoder = Decoder::new(Config::default());
    let mut reports_at = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        decoder.push_frame(now(index as u64), frame, &mut |_| reports_at.push(index));
    }
    // The first with the second cycle's start, then each with its own last message.
    assert_eq!(reports_at, [2, 3, 5, 7, 9]);
    assert_eq!(of(decoder.counts().tolerated(), "incomplete-cycle"), 1);
}

#[test]
fn a_radar_that_starts_to_send_qualities_is_waited_for_again() {
    let mut radar = Emitter::new(0);
    let mut decoder = Decoder::new(Config::default());
    let mut existences = Vec::new();
    for round in 0..6 {
        let mut cycle = Vec::new();
        radar.cycle(&[SensedObject::default()], &mut cycle);
        cycle.retain(|frame| round >= 3 || base(frame) <= 0x60B);
        for frame in &cycle {
            decoder.push_frame(now(round), frame, &mut |content| {
                existences.extend(objects(content).detections.iter().map(|d| d.existence));
            });
        }
    }
    assert_eq!(existences, [0.5, 0.5, 0.5, 0.5, 0.9995, 0.9995]);
}

#[test]
fn a_cycle_under_the_last_ones_number_is_that_one_again() {
    let mut radar = Emitter::new(0);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    radar.cycle(&[SensedObject::default()], &mut first);
    radar.cycle(&[SensedObject::default()], &mut second);
    let frames = [&first[..], &second, &second, &second, &first].concat();
    let (reports, counts) = heard(Config::default(), &frames);
    assert_eq!(reports.len(), 3);
    assert_eq!(of(counts.tolerated(), "repeated-cycle"), 2);
}

#[test]
fn a_radar_that_never_counts_is_believed_until_it_stands_still_to_the_bit() {
    let frozen = cycle_of(&[SensedObject::default()]);
    let (reports, counts) = heard(Config::default(), &frozen.repeat(50));
    assert_eq!(reports.len(), 10);
    assert_eq!(of(counts.tolerated(), "repeated-cycle"), 40);
    // Nothing on the road looks the same all night.
    let (reports, _) = heard(Config::default(), &cycle_of(&[]).repeat(50));
    assert_eq!(reports.len(), 50);
    let mut moving = Vec::new();
    for n in 0..50 {
        let forward_m = 20.0 + 0.2 * f64::from(n);
        moving.extend(cycle_of(&[SensedObject {
            forward_m,
            ..SensedObject::default()
        }]));
    }
    assert_eq!(heard(Config::default(), &moving).0.len(), 50);
}

#[test]
fn more_objects_than_a_report_holds_make_two_reports() {
    let many: Vec<_> = (0..200)
        .map(|id| SensedObject {
            id,
            ..SensedObject::default()
        })
        .collect();
    let (reports, _) = heard(Config::default(), &cycle_of(&many));
    let sizes: Vec<_> = reports
        .iter()
        .map(|objects| objects.detections.len())
        .collect();
    assert_eq!(sizes, [128, 72]);
    assert_eq!(reports[0].seen_at, reports[1].seen_at);
}

#[test]
fn other_sensors_on_the_bus_are_left_alone() {
    let mut frames = Vec::new();
    Emitter::new(2).cycle(&[SensedObject::default()], &mut frames);
    let (reports, counts) = heard(Config::default(), &frames);
    assert!(reports.is_empty());
    assert_eq!(of(counts.ignored(), "other-sensor"), 4);
    let config = Config {
        sensor_id: 2,
        ..Config::default()
    };
    assert_eq!(heard(config, &frames).0.len(), 1);
}

#[test]
fn one_object_more_than_announced_is_reported_and_counted() {
    let cars = [1, 2].map(|id| SensedObject {
        id,
        ..SensedObject::default()
    });
    let mut frames = cycle_of(&cars);
    frames[0] = cycle_of(&cars[..1])[0];
    let (reports, counts) = heard(Config::default(), &frames);
    assert_eq!(reports[0].detections.len(), 2);
    // Its position and its quality; by then what was announced is here, and the rest comes late.
    assert_eq!(of(counts.tolerated(), "more-than-announced"), 2);
    assert_eq!(of(counts.ignored(), "outside-cycle"), 1);
}

#[test]
fn object_messages_before_the_first_cycle_are_ignored() {
    let frames = cycle_of(&[SensedObject::default()]);
    let (reports, counts) = heard(Config::default(), &frames[1..]);
    assert!(reports.is_empty());
    assert_eq!(of(counts.ignored(), "outside-cycle"), 3);
}

#[test]
fn a_lost_link_loses_the_open_cycle_and_nothing_else() {
    let mut bytes = Vec::new();
    for frame in cycle_of(&[SensedObject::default()]) {
        can::gateway::emit(&frame, &mut bytes);
    }
    let mut decoder = Decoder::new(Config::default());
    let mut reports = 0;
    decoder.push(now(0), &bytes[..30], &mut |_| reports += 1);
    decoder.link_restarted();
    decoder.push(now(5), &bytes, &mut |_| reports += 1);
    assert_eq!(reports, 1);
    assert_eq!(of(decoder.counts().tolerated(), "incomplete-cycle"), 0);
}

#[test]
fn a_radar_is_told_that_it_stands_still() {
    let mut decoder = Decoder::new(Config {
        sensor_id: 1,
        tell_standstill: Some(Duration::from_secs(1)),
        carrier: can::Carrier::Candump,
        ..Config::default()
    });
    let mut out = Vec::new();
    assert!(decoder.poll_query(now(0), &mut out));
    assert!(!decoder.poll_query(now(0), &mut out));
    assert_eq!(out, b"can0 310#0000\ncan0 311#8000\n");
    assert_eq!(decoder.poll_timeout(), now(1000).mono);
    assert_eq!(Decoder::new(Config::default()).poll_timeout(), Mono::NEVER);
}

#[test]
fn a_healthy_radar_counts_no_trouble() {
    let mut frames = Vec::new();
    Emitter::new(0).state(&mut frames);
    let (_, counts) = heard(Config::default(), &frames);
    assert_eq!(counts.accepted(), 1);
    assert!(counts.tolerated().iter().all(|(_, count)| *count == 0));
    assert!(counts.rejected().iter().all(|(_, count)| *count == 0));
}

prop_compose! {
    fn sensed()(
        forward_m in 1.0..250.0_f64, left_m in -100.0..100.0_f64,
        forward_mps in -60.0..60.0_f64, left_mps in -60.0..60.0_f64,
        orientation_deg in -180.0..180.0_f64, length_m in 0.3..20.0_f64, width_m in 0.3..5.0_f64,
        class in 0..6_usize,
    ) -> SensedObject {
        SensedObject {
            forward_m, left_m, forward_mps, left_mps, orientation_deg, length_m, width_m,
            class: [
                Class::Unknown, Class::Car, Class::Truck, Class::Motorcycle, Class::Bicycle,
                Class::Pedestrian,
            ][class],
            ..SensedObject::default()
        }
    }
}

proptest! {
    #[test]
    fn what_a_radar_senses_is_reported_within_half_a_step(
        sensed in proptest::collection::vec(sensed(), 0..40),
        heading_deg in -360.0..360.0_f64, east_m in -500.0..500.0_f64, north_m in -500.0..500.0_f64,
    ) {
        let sensed: Vec<_> = sensed.into_iter().enumerate()
            .map(|(index, object)| SensedObject { id: index as u8, ..object })
            .collect();
        let mount = Mount { east_m, north_m, up_m: 5.0, heading_deg };
        let config = Config { mount, ..Config::default() };
        let (reports, _) = heard(config, &cycle_of(&sensed));
        prop_assert_eq!(reports.len(), 1);
        prop_assert_eq!(reports[0].detections.len(), sensed.len());
        let pose = Pose::from(mount);
        for (object, seen) in sensed.iter().zip(&reports[0].detections) {
            let (forward_m, left_m) = pose.to_sensor(seen.east_m, seen.north_m);
            prop_assert!((forward_m - object.forward_m).abs() < 0.1001);
            prop_assert!((left_m - object.left_m).abs() < 0.1001);
            let velocity = seen.velocity.unwrap();
            let (forward_mps, left_mps) = pose.turn_to_sensor(velocity.east_mps, velocity.north_mps);
            prop_assert!((forward_mps - object.forward_mps).abs() < 0.1251);
            prop_assert!((left_mps - object.left_mps).abs() < 0.1251);
            prop_assert_eq!(seen.class, object.class);
            match seen.yaw_rad {
                None => prop_assert_eq!(object.class, Class::Unknown),
                Some(yaw_rad) => {
                    let off_deg = (yaw_rad - pose.yaw_rad()).to_degrees() - object.orientation_deg;
                    prop_assert!((off_deg + 180.0).rem_euclid(360.0) - 180.0 < 0.21, "{}", off_deg);
                }
            }
        }
    }

    #[test]
    fn any_frames_do_no_harm(frames in proptest::collection::vec(
        (0..5_usize, any::<[u8; 8]>(), 0..=8_usize), 0..300,
    )) {
        let frames: Vec<_> = frames.iter()
            .map(|(kind, data, size)| {
                CanFrame::standard([0x60A, 0x60B, 0x60C, 0x60D, 0x201][*kind], &data[..*size]).unwrap()
            })
            .collect();
        let (reports, counts) = heard(Config::default(), &frames);
        prop_assert_eq!(reports.len() as u64, counts.reports());
    }
}

#[test]
fn a_serial_adapter_is_opened_told_that_the_radar_stands_and_opened_again_after_a_silence() {
    let mut decoder = Decoder::new(Config {
        carrier: can::Carrier::Slcan,
        tell_standstill: Some(Duration::from_millis(50)),
        ..Config::default()
    });
    let mut asked = Vec::new();
    while decoder.poll_query(now(0), &mut asked) {}
    let text = String::from_utf8(asked.clone()).unwrap();
    assert!(text.starts_with("\rC\rS6\rO\rt300"), "{text:?}");
    let mut line = Vec::new();
    for frame in cycle_of(&[SensedObject::default()]) {
        can::slcan::emit(&frame, &mut line);
    }
    let mut reports = 0;
    for chunk in line.chunks(7) {
        decoder.push(now(1000), chunk, &mut |_| reports += 1);
    }
    decoder.push(now(1000), &[7], &mut |_| reports += 1);
    assert_eq!(reports, 1);
    assert_eq!(of(decoder.counts().rejected(), "can-refused"), 1);
    let opens = |decoder: &mut Decoder, ms| {
        let mut asked = Vec::new();
        while decoder.poll_query(now(ms), &mut asked) {}
        asked.starts_with(b"\rC")
    };
    assert!(!opens(&mut decoder, 5_900));
    assert!(opens(&mut decoder, 6_000), "silent for 5 s");
    decoder.link_restarted();
    assert!(opens(&mut decoder, 6_001));
}
