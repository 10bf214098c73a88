//! Frames of our own making, and those that two other encoders agree on (`v2x-msg`'s vectors).

use proptest::prelude::*;
use v2x_msg::base::{Acceleration, MsgCount, VehicleLength, VehicleWidth, YawRate};
use v2x_msg::kinds::bsm::Acceleration4;

use super::*;
use crate::clock::Utc;

/// 12:00:10.000 of some day.
pub(super) fn noon(ms: i64) -> Now {
    let base = 1_790_000_000 / 86_400 * 86_400 + 12 * 3600 + 10;
    Now {
        mono: Mono::from_nanos(5_000_000_000_000) + Duration::from_millis(ms as u64),
        utc: Utc::from_unix_ns((base * 1000 + ms) * 1_000_000),
    }
}

pub(super) fn frame() -> EnuFrame {
    EnuFrame::new(GeoPosition::from_deg(31.287, 121.166, None).unwrap())
}

/// A bus at a place that drives east at 10 m/s, as it was at `ms`.
pub(super) fn bus(name: &[u8; 8], east_m: f64, ms: i64) -> Bsm {
    Bsm {
        msg_cnt: MsgCount::new(3).unwrap(),
        id: StationId(*name),
        sec_mark: Some(DSecond::of(noon(ms).utc)),
        pos: frame().ground_position(east_m, 4.0).unwrap(),
        ellipse: ErrorEllipse::new(2.0, 1.0, 90.0),
        pos_confidence: None,
        transmission: Some(Transmission::Forward),
        speed: Some(Speed::from_mps(10.0).unwrap()),
        heading: Some(Heading::from_deg(90.0).unwrap()),
        speed_confidence: None,
        heading_confidence: None,
        acceleration: Acceleration4 {
            long: Some(Acceleration::from_mps2(0.0).unwrap()),
            lat: None,
            vert: None,
            yaw: YawRate::from_steps(0).unwrap(),
        },
        size: Size {
            width: Some(VehicleWidth::from_m(2.5).unwrap()),
            length: Some(VehicleLength::from_m(12.0).unwrap()),
            height: None,
        },
        class: VehicleClass::LOCAL_BUS,
        emergency: false,
    }
}

pub(super) fn decoder() -> Decoder {
    Decoder::new(Config {
        frame: frame(),
        ..Config::default()
    })
}

fn said(decoder: &mut Decoder, arrived: Now, bsm: &Bsm) -> Vec<Objects> {
    let mut bytes = Vec::new();
    assert!(Emitter::default().bsm(bsm, &mut bytes));
    pushed(decoder, arrived, &bytes)
}

fn pushed(decoder: &mut Decoder, arrived: Now, bytes: &[u8]) -> Vec<Objects> {
    let mut told = Vec::new();
    decoder.push(arrived, bytes, &mut |content| told.push(objects(content)));
    told
}

fn flushed(decoder: &mut Decoder, now: Now) -> Vec<Objects> {
    let mut told = Vec::new();
    decoder.flush(now, &mut |content| told.push(objects(content)));
    told
}

fn objects(content: Content) -> Objects {
    match content {
        Content::Objects(objects) => objects,
        other => panic!("{other:?}"),
    }
}

fn count(tally: &[(&'static str, u64)], kind: &str) -> u64 {
    tally.iter().find(|(name, _)| *name == kind).unwrap().1
}

#[test]
fn words_of_several_become_one_report_of_the_newest_moment() {
    let mut decoder = decoder();
    assert!(said(&mut decoder, noon(100), &bus(b"first---", 20.0, 40)).is_empty());
    assert!(said(&mut decoder, noon(110), &bus(b"second--", 60.0, 90)).is_empty());
    assert!(flushed(&mut decoder, noon(115)).is_empty());
    assert_eq!(decoder.flush_due(), noon(120).mono);
    let told = flushed(&mut decoder, noon(121));
    assert_eq!((told.len(), decoder.flush_due()), (1, Mono::NEVER));
    assert_eq!(told[0].seen_at, noon(90).mono);
    let [first, second] = &told[0].detections[..] else {
        panic!("{told:?}")
    };
    // 50 ms at 10 m/s, for what was said 50 ms earlier.
    assert!((first.east_m - 20.5).abs() < 0.02, "{first:?}");
    assert!((second.east_m - 60.0).abs() < 0.02 && (second.north_m - 4.0).abs() < 0.02);
    assert!(first.position_cov.ee > second.position_cov.ee);
    assert!((second.position_cov.ee - 4.0).abs() < 1e-3, "2 m east");
    assert!((second.position_cov.nn - 1.0).abs() < 1e-3, "1 m north");
    assert_eq!(second.own_id, Some(StationId(*b"second--")));
    assert_eq!(second.class, Class::Bus);
    assert!((second.size.unwrap().length_m - 12.0).abs() < 1e-3);
    let velocity = second.velocity.unwrap();
    assert!((velocity.east_mps - 10.0).abs() < 1e-6 && velocity.north_mps.abs() < 1e-6);
    assert!(second.yaw_rad.unwrap().abs() < 1e-9);
}

#[test]
fn one_that_speaks_twice_is_in_a_report_once() {
    let mut decoder = decoder();
    said(&mut decoder, noon(100), &bus(b"first---", 20.0, 40));
    said(&mut decoder, noon(105), &bus(b"first---", 20.3, 70));
    let told = flushed(&mut decoder, noon(130));
    assert_eq!(told[0].detections.len(), 1);
    assert!((told[0].detections[0].east_m - 20.3).abs() < 0.02);
}

#[test]
fn in_reverse_it_points_one_way_and_moves_the_other() {
    let mut decoder = decoder();
    let backwards = Bsm {
        transmission: Some(Transmission::Reverse),
        ..bus(b"first---", 20.0, 100)
    };
    said(&mut decoder, noon(100), &backwards);
    let seen = flushed(&mut decoder, noon(130))[0].detections[0];
    assert!(seen.yaw_rad.unwrap().abs() < 1e-9);
    assert!((seen.velocity.unwrap().east_mps + 10.0).abs() < 1e-6);
}

#[test]
fn what_is_old_repeated_far_or_from_the_future_is_counted_and_left_out() {
    let mut decoder = decoder();
    said(&mut decoder, noon(3000), &bus(b"first---", 20.0, 2900));
    said(&mut decoder, noon(3010), &bus(b"first---", 20.0, 2900));
    said(&mut decoder, noon(3020), &bus(b"first---", 19.0, 2800));
    said(&mut decoder, noon(3030), &bus(b"second--", 20.0, 1900));
    said(&mut decoder, noon(3040), &bus(b"third---", 20.0, 3500));
    said(&mut decoder, noon(3050), &bus(b"fourth--", 900.0, 3000));
    said(&mut decoder, noon(3060), &bus(b"fifth---", 20.0, 3100));
    let counts = decoder.counts();
    for kind in ["repeated", "out-of-order", "too-old", "far"] {
        assert_eq!(count(counts.ignored(), kind), 1, "{kind}");
    }
    assert_eq!(count(counts.rejected(), "stamp-ahead"), 1);
    assert_eq!(count(counts.tolerated(), "clock-ahead"), 1);
    assert_eq!(counts.accepted(), 2);
}

#[test]
fn a_stamp_of_the_minute_before_is_of_a_moment_ago() {
    let mut decoder = decoder();
    // 12:00:59.950, heard at 12:01:00.020.
    said(&mut decoder, noon(50_020), &bus(b"first---", 20.0, 49_950));
    let told = flushed(&mut decoder, noon(50_060));
    assert_eq!(told[0].seen_at, noon(49_950).mono);
    assert_eq!(decoder.counts().clock_ahead_ms(), Some(70));
}

#[test]
fn other_messages_and_noise_are_told_apart() {
    let mut decoder = decoder();
    let map = [4, 0, 0x8d, 0xa2, 0, 2, 0x10, 0];
    assert!(pushed(&mut decoder, noon(0), &map).is_empty());
    assert!(pushed(&mut decoder, noon(0), b"hello").is_empty());
    assert!(pushed(&mut decoder, noon(0), &[4, 0, 0x6f, 0, 2, 0xff, 0xff]).is_empty());
    assert_eq!(count(decoder.counts().ignored(), "other-message"), 1);
    assert_eq!(count(decoder.counts().rejected(), "dsmp"), 1);
    assert_eq!(count(decoder.counts().rejected(), "message"), 1);
}

#[test]
fn walkers_and_requests_are_heard_too() {
    let mut decoder = Decoder::new(Config {
        frame: frame(),
        framing: Framing::Bare,
        gather: Duration::ZERO,
        ..Config::default()
    });
    let bus = bus(b"bus-----", 30.0, 80);
    let psm = Psm {
        msg_cnt: bus.msg_cnt,
        id: StationId(*b"walker--"),
        sec_mark: bus.sec_mark,
        pos: bus.pos,
        ellipse: None,
        speed: Some(Speed::from_mps(1.2).unwrap()),
        heading: bus.heading,
        user: User::Cyclist,
    };
    let vir = Vir {
        sec_mark: bus.sec_mark,
        pos_confidence: PositionConfidence::from_error_m(5.0),
        speed: bus.speed,
        heading: bus.heading,
        ..Vir::new(bus.msg_cnt, bus.id, bus.pos)
    };
    let mut emitter = Emitter::default();
    let (mut walker, mut request) = (Vec::new(), Vec::new());
    assert!(emitter.psm(&psm, &mut walker) && emitter.vir(&vir, &mut request));
    let seen = pushed(&mut decoder, noon(100), &walker)[0].detections[0];
    assert_eq!((seen.class, seen.own_id), (Class::Bicycle, Some(psm.id)));
    assert!(
        (seen.position_cov.ee - 1.5 * 1.5).abs() < 1e-6,
        "as configured"
    );
    // The same over the air, under a number that nobody has registered.
    let mut framed = vec![4, 0, 0x8f, 0x20];
    framed.extend((request.len() as u16).to_be_bytes());
    framed.extend(&request);
    decoder.config.framing = Framing::Dsmp;
    let seen = pushed(&mut decoder, noon(110), &framed)[0].detections[0];
    assert_eq!(seen.own_id, Some(bus.id));
    assert!((seen.position_cov.ee.sqrt() - 5.0 / 2.448).abs() < 0.01);
}

/// A car that stands, ten times a second at whole tenths, for so many minutes; each message as it goes over the air.
fn parked(minutes: i64, count: impl Fn(u8) -> u8) -> impl Iterator<Item = (i64, Vec<u8>)> {
    (0..minutes * 600).map(move |n| {
        let ms = n * 100;
        let bsm = Bsm {
            msg_cnt: MsgCount::new(count((n % 128) as u8)).unwrap(),
            speed: Some(Speed::from_mps(0.0).unwrap()),
            ..bus(b"parked--", 20.0, ms)
        };
        let mut bytes = Vec::new();
        assert!(Emitter::default().bsm(&bsm, &mut bytes));
        (ms, bytes)
    })
}

#[test]
fn what_was_recorded_a_minute_ago_is_refused_wherever_its_sender_is_now() {
    let mut decoder = decoder();
    let said: Vec<_> = parked(1, |n| n).collect();
    for (ms, bytes) in &said[..50] {
        pushed(&mut decoder, noon(ms + 20), bytes);
    }
    assert_eq!(decoder.counts().accepted(), 50);
    for minute in [1, 2, 10] {
        for (ms, bytes) in &said[..50] {
            let told = pushed(&mut decoder, noon(ms + 60_000 * minute + 20), bytes);
            assert!(told.is_empty(), "{minute} minutes later");
        }
    }
    assert_eq!(decoder.counts().accepted(), 50);
    assert_eq!(count(decoder.counts().rejected(), "replayed"), 150);
}

#[test]
fn a_parked_car_is_heard_for_as_long_as_it_stands_whether_it_counts_or_not() {
    for counts in [true, false] {
        let mut decoder = decoder();
        let mut sent = 0;
        for (ms, bytes) in parked(35, |n| if counts { n } else { 0 }) {
            pushed(&mut decoder, noon(ms + 20), &bytes);
            sent += 1;
        }
        assert_eq!(decoder.counts().accepted(), sent, "counts: {counts}");
    }
}

#[test]
fn more_senders_than_are_remembered_do_no_harm() {
    let mut decoder = decoder();
    let mut heard = 0;
    for number in 0..1000u64 {
        let name = number.to_be_bytes();
        let told = said(
            &mut decoder,
            noon(100 + number as i64),
            &bus(&name, 10.0, 100 + number as i64),
        );
        heard += told.iter().map(|o| o.detections.len()).sum::<usize>();
    }
    heard += flushed(&mut decoder, noon(2000))
        .iter()
        .map(|o| o.detections.len())
        .sum::<usize>();
    assert_eq!((heard, decoder.senders.len()), (1000, SENDERS));
}

/// Frames that pycrate and asn1tools made alike: places and times drawn at random, so many cannot be.
#[test]
fn frames_of_other_encoders_are_understood() {
    let own = "../v2x-msg/tests/data/day1_2020.jsonl";
    let shared = "../../shared/vectors/day1_2020.jsonl";
    for (path, least) in [(own, 2), (shared, 40)] {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let Ok(text) = std::fs::read_to_string(&file) else {
            assert_eq!(path, shared, "a file of the project");
            println!("skipped: no {}", file.display());
            continue;
        };
        let counts = understood(&text);
        assert!(counts.accepted() >= least, "{counts:?}");
        assert_eq!(count(counts.rejected(), "message"), 0, "{counts:?}");
    }
}

fn understood(vectors: &str) -> Counts {
    let mut decoder = Decoder::new(Config {
        framing: Framing::Bare,
        range_m: f64::MAX,
        max_age: Duration::from_secs(60),
        gather: Duration::ZERO,
        ..Config::default()
    });
    for line in vectors.lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(bsm) = vector["jer"].get("bsmFrame") else {
            continue;
        };
        let hex = vector["hex"].as_str().unwrap();
        let octets: Vec<u8> = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        for told in pushed(&mut decoder, noon(100), &octets) {
            let id = told.detections[0].own_id.unwrap().0;
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(bsm["id"].as_str().unwrap().to_lowercase(), id);
        }
    }
    decoder.counts().clone()
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(
        frames in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200), 0..300i64), 0..40),
    ) {
        let mut decoder = decoder();
        let mut now = 0;
        for (framed, bytes, pause) in frames {
            now += pause;
            let mut frame = Vec::new();
            if framed {
                frame.extend([4, 0, 0x6f]);
                frame.extend((bytes.len() as u16).to_be_bytes());
            }
            frame.extend(bytes);
            for told in pushed(&mut decoder, noon(now), &frame) {
                for seen in &told.detections {
                    prop_assert!(seen.east_m.is_finite() && seen.position_cov.ee > 0.0);
                }
            }
        }
    }
}

#[test]
fn one_on_an_emergency_run_says_so() {
    for emergency in [true, false] {
        let mut decoder = decoder();
        let ambulance = Bsm {
            class: VehicleClass::EMERGENCY,
            emergency,
            ..bus(b"first---", 20.0, 40)
        };
        said(&mut decoder, noon(100), &ambulance);
        let told = flushed(&mut decoder, noon(130));
        let seen = &told[0].detections[0];
        assert_eq!((seen.class, seen.emergency), (Class::Car, emergency));
    }
}
