//! A real radar's traffic. The recording is not part of the sources; without it these tests say so
//! and pass.

use std::time::Duration;

use super::wire::{self, Message};
use super::{Config, Decoder};
use crate::clock::{Mono, Now, Utc};
use crate::inputs::can::{self, CanFrame, candump};
use crate::report::{Content, Objects};

fn lines() -> Option<Vec<candump::Line>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/ars408_candump_part1.log"
    );
    let Ok(text) = std::fs::read(path) else {
        eprintln!("skipped: no recording at {path}");
        return None;
    };
    let lines = text.split(|byte| *byte == b'\n');
    Some(
        lines
            .filter_map(|line| candump::parse(line).unwrap())
            .collect(),
    )
}

fn now(utc: Utc) -> Now {
    Now {
        mono: Mono::from_nanos(utc.unix_ns().unsigned_abs()),
        utc,
    }
}

fn objects(content: Content) -> Objects {
    match content {
        Content::Objects(objects) => objects,
        other => panic!("{other:?}"),
    }
}

fn of(tally: &[(&'static str, u64)], kind: &str) -> u64 {
    tally.iter().find(|(name, _)| *name == kind).unwrap().1
}

#[test]
fn every_cycle_that_the_recording_holds_whole_is_reported_when_it_ends() {
    let Some(lines) = lines() else { return };
    assert_eq!(lines.len(), 4790);
    let mut decoder = Decoder::new(Config::default());
    let mut reports = Vec::new();
    let mut delays = Vec::new();
    for line in &lines {
        let at = now(line.recorded.unwrap());
        decoder.push_frame(at, &line.frame, &mut |content| {
            let objects = objects(content);
            delays.push(at.mono.since(objects.seen_at + Config::default().latency));
            reports.push(objects);
        });
    }
    // 279 cycles begin; the recording ends within the last.
    assert_eq!(reports.len(), 278);
    assert_eq!(of(decoder.counts().tolerated(), "incomplete-cycle"), 0);
    assert_eq!(of(decoder.counts().ignored(), "other-id"), 20);
    assert!(
        decoder
            .counts()
            .rejected()
            .iter()
            .all(|(_, count)| *count == 0)
    );
    assert!(
        delays
            .iter()
            .all(|delay| *delay < Duration::from_millis(10))
    );
    let periods = reports
        .windows(2)
        .map(|pair| pair[1].seen_at.seconds_after(pair[0].seen_at));
    let mean_s = periods.sum::<f64>() / 277.0;
    assert!((mean_s - 0.0738).abs() < 0.0005, "{mean_s}");
}

#[test]
fn objects_that_the_radar_only_predicts_are_left_out_unless_wanted() {
    let Some(lines) = lines() else { return };
    let count = |use_predicted| {
        let mut decoder = Decoder::new(Config {
            use_predicted,
            ..Config::default()
        });
        let mut detections = 0;
        for line in &lines {
            decoder.push_frame(now(line.recorded.unwrap()), &line.frame, &mut |content| {
                detections += objects(content).detections.len();
            });
        }
        detections
    };
    // 1489 objects in whole cycles, of which 129 are predicted; counted by a separate script.
    assert_eq!((count(false), count(true)), (1360, 1489));
}

#[test]
fn the_first_cycle_is_three_standing_objects() {
    let Some(lines) = lines() else { return };
    let mut decoder = Decoder::new(Config::default());
    let mut first = None;
    for line in &lines[..10] {
        decoder.push_frame(now(line.recorded.unwrap()), &line.frame, &mut |content| {
            first = Some(objects(content));
        });
    }
    let first = first.unwrap();
    // The radar looks north from the origin, so forward is north and left is west.
    let seen = first.detections.iter().map(|detection| {
        let in_dm = |metres: f64| (metres * 10.0).round() as i32;
        let id = detection.device_id.unwrap();
        (id, in_dm(detection.north_m), in_dm(-detection.east_m))
    });
    // Worked out by hand from the bits.
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [(56, 56, 6), (32, 114, 2), (0, 176, -4)]
    );
    for detection in &first.detections {
        let velocity = detection.velocity.unwrap();
        assert!(velocity.east_mps.hypot(velocity.north_mps) < 0.3);
        assert!(detection.existence > 0.99);
        assert!((0.2..0.6).contains(&detection.position_cov.nn.sqrt()));
    }
}

#[test]
fn every_object_message_is_emitted_again_bit_for_bit() {
    let Some(lines) = lines() else { return };
    let mut emitted = 0;
    for line in &lines {
        match wire::parse(&line.frame, 0) {
            // Of 201 only a part is read.
            Err(_) | Ok(Message::State(_)) => {}
            Ok(message) => {
                assert_eq!(wire::emit(&message, 0), line.frame);
                emitted += 1;
            }
        }
    }
    assert_eq!(emitted, 279 + 1493 + 1489 + 1489);
}

#[test]
fn all_carriers_make_the_same_reports() {
    let Some(lines) = lines() else { return };
    let at = now(Utc::from_unix_ns(0));
    let report = |carrier, chunk: usize| {
        let mut bytes = Vec::new();
        for line in &lines {
            can::emit(carrier, &line.frame, &mut bytes);
        }
        let mut decoder = Decoder::new(Config {
            carrier,
            ..Config::default()
        });
        let mut reports = Vec::new();
        for chunk in bytes.chunks(chunk) {
            decoder.push(at, chunk, &mut |content| reports.push(objects(content)));
        }
        reports
    };
    let stream = report(can::Carrier::GatewayStream, 100);
    assert_eq!(stream.len(), 278);
    assert_eq!(report(can::Carrier::Candump, 77), stream);
    assert_eq!(report(can::Carrier::GatewayDatagrams, 13 * 10), stream);
}

#[test]
fn the_radar_says_that_nobody_tells_it_its_speed() {
    let Some(lines) = lines() else { return };
    let mut decoder = Decoder::new(Config::default());
    for line in &lines {
        decoder.push_frame(now(line.recorded.unwrap()), &line.frame, &mut |_| {});
    }
    let state = decoder.state().unwrap();
    assert!((state.max_distance_m - 200.0).abs() < 1e-9);
    assert_eq!((state.sensor, state.motion_input), (0, 3));
    assert_eq!(of(decoder.counts().tolerated(), "radar-no-own-motion"), 20);
}

#[test]
fn lost_reordered_and_damaged_frames_do_no_harm() {
    let Some(lines) = lines() else { return };
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for round in 0..10 {
        let mut frames: Vec<CanFrame> = lines.iter().map(|line| line.frame).collect();
        frames.retain(|_| next(20) != 0);
        for _ in 0..200 {
            let at = next(frames.len() as u64 - 4) as usize;
            frames.swap(at, at + 1 + next(3) as usize);
        }
        for _ in 0..200 {
            let at = next(frames.len() as u64) as usize;
            let mut data = frames[at].data().to_vec();
            let size = data.len() as u64;
            data[next(size) as usize] = next(256) as u8;
            frames[at] = CanFrame::standard(frames[at].id(), &data).unwrap();
        }
        let mut decoder = Decoder::new(Config::default());
        let mut reports = 0;
        for frame in &frames {
            decoder.push_frame(now(Utc::from_unix_ns(0)), frame, &mut |content| {
                reports += 1;
                for detection in objects(content).detections {
                    assert!(detection.east_m.is_finite() && detection.north_m.is_finite());
                }
            });
        }
        assert!((230..300).contains(&reports), "round {round}: {reports}");
        assert!(of(decoder.counts().tolerated(), "incomplete-cycle") > 0);
    }
}
