//! Rules of the decoder, each on frames of its own.

use proptest::prelude::*;

use super::*;
use crate::clock::{Mono, Utc};
use crate::report::Objects;

pub(super) fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

pub(super) fn hear(config: Config, bytes: &[u8], chunk: usize) -> (Vec<Objects>, Decoder) {
    let mut decoder = Decoder::new(config);
    let mut heard = Vec::new();
    let now = Now {
        mono: Mono::from_nanos(1_000_000_000_000),
        utc: Utc::from_unix_ns(0),
    };
    for part in bytes.chunks(chunk) {
        decoder.push(now, part, &mut |content| match content {
            Content::Objects(objects) => heard.push(objects),
            other => panic!("{other:?}"),
        });
    }
    (heard, decoder)
}

/// 3 m to the left, 40 m ahead, coming nearer at 10 m/s.
fn car() -> Target {
    Target {
        id: 70_000,
        place_m: [-3.0, 40.0],
        velocity_mps: [0.0, -10.0],
    }
}

fn frames(layout: Layout, count: usize) -> Vec<u8> {
    let mut emitter = Emitter::new(layout);
    let mut bytes = Vec::new();
    (0..count).for_each(|_| emitter.frame(&[car()], &mut bytes));
    bytes
}

fn looks_east(layout: Layout) -> Config {
    Config {
        layout,
        mount: Mount {
            heading_deg: 90.0,
            ..Mount::default()
        },
        ..Config::default()
    }
}

#[test]
fn a_target_of_the_traffic_firmware_is_turned_by_the_mount() {
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &frames(Layout::Traffic, 3), 50);
    assert_eq!((heard.len(), counted(&decoder, "frames-missed")), (3, 0));
    let seen = heard[0].detections[0];
    assert_eq!(seen.device_id, Some((70_000_u32 & 0xFFFF) as u16));
    assert!((seen.east_m - 40.0).abs() < 1e-6 && (seen.north_m - 3.0).abs() < 1e-6);
    let velocity = seen.velocity.unwrap();
    assert!((velocity.east_mps + 10.0).abs() < 1e-6 && velocity.north_mps.abs() < 1e-6);
}

#[test]
fn a_point_is_sure_along_the_beam_and_open_across_it() {
    let (heard, _) = hear(
        looks_east(Layout::OutOfBox),
        &frames(Layout::OutOfBox, 1),
        4096,
    );
    let velocity = heard[0].detections[0].velocity.unwrap();
    assert!((velocity.east_mps + 9.94).abs() < 0.02, "{velocity:?}");
    assert!(velocity.cov.ee < velocity.cov.nn);
}

#[test]
fn the_other_order_of_the_traffic_header_is_read_too() {
    let mut bytes = frames(Layout::Traffic, 1);
    let length: [u8; 4] = bytes[12..16].try_into().unwrap();
    bytes[12..16].copy_from_slice(&0x000A_6843_u32.to_le_bytes());
    bytes[20..24].copy_from_slice(&length);
    bytes[24..28].copy_from_slice(&9_u32.to_le_bytes());
    let (heard, _) = hear(looks_east(Layout::Traffic), &bytes, 4096);
    assert_eq!(heard.len(), 1);
    assert_eq!(wire::number(Layout::Traffic, &bytes), 9);
}

#[test]
fn a_scene_of_nothing_is_told() {
    let mut bytes = Vec::new();
    Emitter::new(Layout::OutOfBox).frame(&[], &mut bytes);
    let (heard, _) = hear(Config::default(), &bytes, 4096);
    assert!(heard[0].detections.is_empty());
}

#[test]
fn a_frame_whose_padding_is_lost_counts_and_one_cut_within_does_not_take_the_next_along() {
    let one = frames(Layout::Traffic, 1);
    let mut without_padding = one[..52 + 8 + 112].to_vec();
    without_padding.extend(&one);
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &without_padding, 4096);
    assert_eq!((heard.len(), counted(&decoder, "noise")), (2, 0));
    let mut bytes = one[..100].to_vec();
    bytes.extend(&one);
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &bytes, 33);
    assert_eq!((heard.len(), counted(&decoder, "cut-frame")), (1, 1));
}

#[test]
fn half_a_frame_for_an_hour_is_bounded_and_what_follows_is_read() {
    let mut decoder = Decoder::new(looks_east(Layout::OutOfBox));
    let mut heard = 0;
    let now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    // A header that promises 60,000 bytes in one TLV.
    let mut bytes = frames(Layout::OutOfBox, 1)[..40].to_vec();
    bytes.extend([1, 0, 0, 0, 0x60, 0xEA, 0, 0]);
    decoder.push(now, &bytes, &mut |_| heard += 1);
    for _ in 0..1000 {
        decoder.push(now, &[0x55; 1000], &mut |_| heard += 1);
    }
    assert!(heard <= 1, "{heard}");
    decoder.push(now, &frames(Layout::OutOfBox, 1), &mut |_| heard += 1);
    assert!(heard >= 1 && counted(&decoder, "noise") > 0);
}

#[test]
fn what_took_an_hour_to_come_is_no_frame_of_now() {
    let one = frames(Layout::Traffic, 3);
    let length = one.len() / 3;
    for cut in [1, 7, 40, 100, 170] {
        let mut decoder = Decoder::new(looks_east(Layout::Traffic));
        let mut heard = Vec::new();
        let mut push = |seconds: u64, bytes: &[u8]| {
            let now = Now {
                mono: Mono::from_nanos(1_000_000_000 * seconds),
                utc: Utc::from_unix_ns(0),
            };
            decoder.push(now, bytes, &mut |_| heard.push(seconds));
        };
        push(10, &one[..length + cut]);
        push(3610, &one[length + cut..2 * length]);
        push(3611, &one[2 * length..]);
        assert_eq!(heard, [10, 3611], "{cut}");
        assert_eq!(counted(&decoder, "cut-frame"), 1, "{cut}");
    }
}

#[test]
fn a_frame_under_the_last_ones_number_is_that_one_again() {
    let both = frames(Layout::Traffic, 2);
    let (first, second) = both.split_at(both.len() / 2);
    let bytes = [first, &second.repeat(50)].concat();
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &bytes, 64);
    assert_eq!((heard.len(), counted(&decoder, "repeated-frame")), (2, 49));
    // One that has never counted is believed until it stands still to the bit.
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &first.repeat(50), 64);
    assert_eq!((heard.len(), counted(&decoder, "repeated-frame")), (10, 40));
    assert_eq!(counted(&decoder, "frames-missed"), 0);
}

#[test]
fn points_that_stand_still_are_left_out_unless_they_are_wanted() {
    let mut bytes = Vec::new();
    let still = Target {
        velocity_mps: [0.0, 0.0],
        ..car()
    };
    Emitter::new(Layout::OutOfBox).frame(&[still, car()], &mut bytes);
    let (heard, decoder) = hear(Config::default(), &bytes, 4096);
    assert_eq!(
        (heard[0].detections.len(), counted(&decoder, "still-points")),
        (1, 1)
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    let mut bytes = Vec::new();
    let mut odd = [car(); 3];
    odd[0].place_m[0] = f32::NAN;
    odd[1].place_m[1] = 1e9;
    odd[2].velocity_mps[0] = f32::INFINITY;
    Emitter::new(Layout::Traffic).frame(&odd, &mut bytes);
    let (heard, decoder) = hear(looks_east(Layout::Traffic), &bytes, 4096);
    assert!(heard[0].detections.is_empty());
    assert_eq!(
        (
            counted(&decoder, "object-far"),
            counted(&decoder, "object-too-fast")
        ),
        (2, 1)
    );
}

proptest! {
    #[test]
    fn any_damage_does_no_harm(
        traffic: bool,
        hits in proptest::collection::vec((0..4000_usize, any::<u8>(), 0..3_u8), 0..20),
        chunk in 1..500_usize,
    ) {
        let layout = if traffic { Layout::Traffic } else { Layout::OutOfBox };
        let mut bytes = frames(layout, 12);
        for (at, byte, how) in hits {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        let (heard, _) = hear(looks_east(layout), &bytes, chunk);
        prop_assert!(heard.len() <= 13);
        // An undamaged frame behind it all is read.
        bytes.extend([0; 64]);
        bytes.extend(frames(layout, 2));
        prop_assert!(hear(looks_east(layout), &bytes, chunk).0.len() > heard.len());
    }
}

#[test]
fn frames_that_a_converter_held_up_are_told_by_their_pace() {
    for layout in [Layout::OutOfBox, Layout::Traffic] {
        let mut decoder = Decoder::new(looks_east(layout));
        let mut emitter = Emitter::new(layout);
        let mut reports = |arrived_ms: u64| {
            let now = Now {
                mono: Mono::from_nanos(1_000_000_000_000 + 1_000_000 * arrived_ms),
                utc: Utc::from_unix_ns(0),
            };
            let (mut bytes, mut heard) = (Vec::new(), 0);
            emitter.frame(&[car()], &mut bytes);
            decoder.push(now, &bytes, &mut |_| heard += 1);
            heard
        };
        assert!((0..50).all(|n| reports(50 * n) == 1));
        // Twenty seconds of silence, what was measured meanwhile within two, and on.
        assert!((0..400).all(|n| reports(22_500 + 5 * n) == 0));
        assert!((0..50).all(|n| reports(24_545 + 50 * n) == 1));
        assert_eq!(counted(&decoder, "held-up"), 400);
    }
}
