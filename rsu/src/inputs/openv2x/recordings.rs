//! The recorded radar box and the published examples, whole.

use std::path::PathBuf;
use std::process::Command;

use v2x_msg::base::{EnuFrame, GeoPosition};

use super::tests::{counted, decoder, now};
use super::wire::{self, Message};
use super::{Carrier, Config, Decoder};
use crate::report::{Class, Content, Objects};

fn captures(name: &str) -> Option<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let path = PathBuf::from(folder).join(name);
    if !path.exists() {
        eprintln!("skipped: no recording at {}", path.display());
        return None;
    }
    Some(path)
}

/// One file of the recorded archive; None, with a word, without it or without tar.
fn recorded(member: &str) -> Option<Vec<u8>> {
    let archive = captures("openv2x_roadmocker_radar_test_data.tar.gz")?;
    let mut tar = Command::new("tar");
    tar.arg("-xzOf")
        .arg(archive)
        .args(["--wildcards", &format!("*{member}")]);
    match tar.output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        _ => {
            eprintln!("skipped: tar cannot read the archive");
            None
        }
    }
}

/// At the box's junction.
fn config() -> Config {
    let origin = GeoPosition::from_deg(39.074, 115.9327, None).unwrap();
    Config {
        frame: EnuFrame::new(origin),
        ..Config::default()
    }
}

fn hear(config: Config, bytes: &[u8], chunk: usize) -> (Vec<Objects>, Decoder) {
    let mut decoder = decoder(config);
    let mut heard = Vec::new();
    for part in bytes.chunks(chunk) {
        decoder.push(now(0), part, &mut |content| match content {
            Content::Objects(objects) => heard.push(objects),
            other => panic!("{other:?}"),
        });
    }
    (heard, decoder)
}

fn stream(config: Config) -> Config {
    Config {
        carrier: Carrier::Stream,
        ..config
    }
}

#[test]
fn all_11165_targets_of_the_recording_are_read_as_a_file_and_as_messages() {
    let Some(bytes) = recorded("track.json") else {
        return;
    };
    let everything = Config {
        report_unconfirmed: true,
        ..stream(config())
    };
    let (whole, decoder) = hear(everything, &bytes, bytes.len());
    assert_eq!(decoder.counts().accepted(), 500);
    assert_eq!(decoder.objects_read(), 11_165);
    let detections: usize = whole.iter().map(|o| o.detections.len()).sum();
    assert_eq!(detections, 11_165);
    assert!(decoder.counts().rejected().iter().all(|(_, n)| *n == 0));
    assert_eq!(counted(&decoder, "number-differs"), 0);
    let (in_parts, _) = hear(everything, &bytes, 1447);
    assert_eq!(in_parts, whole);
}

#[test]
fn what_the_box_does_not_believe_in_and_does_not_move_is_left_out() {
    let Some(bytes) = recorded("track.json") else {
        return;
    };
    let (heard, decoder) = hear(stream(config()), &bytes, 4096);
    assert_eq!(heard.len(), 500);
    let detections: usize = heard.iter().map(|o| o.detections.len()).sum();
    // 164 with confidence 100, 23 that move without.
    assert_eq!(detections, 164 + 23);
    assert_eq!(counted(&decoder, "unconfirmed"), 10_978);
    assert_eq!(counted(&decoder, "unconfirmed-moving"), 23);
    assert_eq!(counted(&decoder, "time-went-back"), 25);
}

#[test]
fn the_car_that_comes_nearer_moves_the_way_it_heads() {
    let Some(bytes) = recorded("track.json") else {
        return;
    };
    let (heard, _) = hear(stream(config()), &bytes, bytes.len());
    // Target 6972, in the second message of each pair of directions.
    let track: Vec<_> = heard
        .iter()
        .flat_map(|o| o.detections.iter().find(|d| d.device_id == Some(6972)))
        .take(30)
        .collect();
    let (first, last) = (track[0], track[track.len() - 1]);
    let velocity = first.velocity.unwrap();
    assert!((velocity.east_mps.hypot(velocity.north_mps) - 16.85).abs() < 0.01);
    let (east, north) = (last.east_m - first.east_m, last.north_m - first.north_m);
    assert!(east.hypot(north) > 10.0, "{east} {north}");
    let along = east * velocity.east_mps + north * velocity.north_mps;
    assert!(along / east.hypot(north) / 16.85 > 0.95, "{along}");
    assert_eq!(first.class, Class::Car);
    assert!(first.east_m.hypot(first.north_m) < 300.0);
}

#[test]
fn cross_event_flow_and_status_are_read_and_told_apart() {
    for (name, kind) in [
        ("cross", "cross"),
        ("event", "event"),
        ("flow", "flow"),
        ("status", "status"),
    ] {
        let Some(bytes) = recorded(&format!("{name}.json")) else {
            return;
        };
        let (heard, decoder) = hear(stream(config()), &bytes, 1000);
        assert!(heard.is_empty());
        let repeated = counted(&decoder, "repeated");
        // Each message names its box once.
        let text = String::from_utf8(bytes).unwrap();
        let messages = text.matches("\"deviceId\"").count() as u64;
        assert!(messages >= 26, "{name}");
        assert_eq!(counted(&decoder, kind) + repeated, messages, "{name}");
        assert!(
            decoder.counts().rejected().iter().all(|(_, n)| *n == 0),
            "{name}"
        );
    }
}

#[test]
fn the_members_of_cross_and_event_are_in_their_places() {
    let first = |bytes: &[u8]| -> Message {
        let mut found = None;
        crate::inputs::json::Splitter::new(Carrier::Stream).push(now(0).mono, bytes, |piece| {
            if let crate::inputs::json::Piece::Object(bytes) = piece {
                found.get_or_insert_with(|| wire::parse(bytes).unwrap());
            }
        });
        found.unwrap()
    };
    let Some(cross) = recorded("cross.json") else {
        return;
    };
    let cross = first(&cross);
    let passing = cross.passings.unwrap().items[0];
    assert_eq!(passing.aisle_id.0, Some(2.0));
    assert_eq!(passing.distance_to_stop_line.0, Some(106.0));
    assert_eq!(passing.existence_time.0, Some(100.0));
    let Some(event) = recorded("event.json") else {
        return;
    };
    let event = first(&event);
    assert_eq!((event.event_type.0, event.lane.0), (Some(10.0), Some(1.0)));
    assert_eq!(event.latitude.0, Some(39.073_168_317));
    let Some(track) = recorded("track.json") else {
        return;
    };
    let target = first(&track).targets.unwrap().items[0];
    assert!((target.rcs_dbsm().unwrap() + 1.2).abs() < 0.01);
}

#[test]
fn the_vendor_example_is_one_car() {
    let Some(path) = captures("openv2x_rsm_up_dawnline.json") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let origin = GeoPosition::from_deg(31.934_846_6, 118.821_396_4, None).unwrap();
    let config = Config {
        frame: EnuFrame::new(origin),
        ..Config::default()
    };
    let (heard, _) = hear(config, &bytes, bytes.len());
    let car = heard[0].detections[0];
    assert_eq!((car.device_id, car.class), (Some(6), Class::Car));
    assert!(
        (car.east_m - 156.3).abs() < 0.5 && (car.north_m - 41.5).abs() < 0.5,
        "{car:?}"
    );
    let velocity = car.velocity.unwrap();
    // Heading 264 degrees: west, a little south.
    assert!(velocity.east_mps < -7.8 && velocity.north_mps < -0.7);
    assert!((car.size.unwrap().length_m - 5.0).abs() < 1e-6);
}

#[test]
fn the_platform_example_is_of_the_unit_itself() {
    let Some(path) = captures("huawei_dris_rsu_rsm_up_example.json") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let (heard, decoder) = hear(Config::default(), &bytes, bytes.len());
    assert!(heard[0].detections.is_empty());
    assert_eq!(counted(&decoder, "unit-itself"), 1);
}
