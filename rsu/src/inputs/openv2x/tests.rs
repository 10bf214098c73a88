//! Rules of the decoder, each on messages of its own.

use proptest::prelude::*;
use v2x_msg::base::GeoPosition;

use super::*;
use crate::clock::Utc;
use crate::report::{Covariance, Detection, MAX_OBJECTS, Objects, Size, Velocity};

pub(super) fn now(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(1_790_000_000_000).unwrap() + Duration::from_millis(ms),
    }
}

pub(super) fn decoder(config: Config) -> Decoder {
    Decoder::new(config)
}

pub(super) fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

fn config() -> Config {
    Config {
        frame: EnuFrame::new(GeoPosition::from_deg(31.0, 121.0, None).unwrap()),
        ..Config::default()
    }
}

fn push(decoder: &mut Decoder, text: &str) -> Vec<Objects> {
    let mut heard = Vec::new();
    decoder.push(now(0), text.as_bytes(), &mut |content| match content {
        Content::Objects(objects) => heard.push(objects),
        other => panic!("{other:?}"),
    });
    heard
}

fn target(more: &str) -> String {
    format!(
        "{{\"timeStamp\":\"1\",\"number\":1,\"targets\":[{{\"targetId\":7,\"targetType\":3,\
         \"latitude\":31.0001,\"longitude\":121.0,\"headingAngle\":90,\"speed\":-5,\
         \"confidenceLevel\":100,\"targetLength\":4.5,\"targetWidth\":1.8,\"targetHeight\":1.5{more}}}]}}"
    )
}

#[test]
fn a_target_is_placed_and_moves_along_its_heading() {
    let objects = push(&mut decoder(config()), &target("")).remove(0);
    let car = objects.detections[0];
    assert!((car.north_m - 11.09).abs() < 0.05 && car.east_m.abs() < 0.01);
    let velocity = car.velocity.unwrap();
    assert!((velocity.east_mps - 5.0).abs() < 1e-9 && velocity.north_mps.abs() < 1e-9);
    assert_eq!(objects.seen_at, now(0).mono - Duration::from_millis(100));
}

#[test]
fn a_participant_of_the_standard_is_read_in_its_steps() {
    let text = r#"{"name":"R1","id":"x","content":{"rsms":[{"refPos":{"lat":1},"participants":[
        {"ptcType":"motor","ptcId":3,"secMark":1,"pos":{"lat":310001000,"lon":1210000000},
         "speed":500,"heading":7200,"size":{"width":250,"length":1200,"height":60}},
        {"ptcType":2,"ptcId":4,"pos":{"lat":310000000,"lon":1210001000},"speed":8191,"heading":28800}]}]}}"#;
    let mut decoder = decoder(config());
    let objects = push(&mut decoder, text).remove(0);
    let [bus, rider] = objects.detections[..] else {
        panic!("{objects:?}")
    };
    assert_eq!((bus.class, rider.class), (Class::Truck, Class::Bicycle));
    assert!((bus.velocity.unwrap().east_mps - 10.0).abs() < 1e-6);
    let size = bus.size.unwrap();
    assert_eq!(
        (size.length_m, size.width_m, size.height_m),
        (12.0, 2.5, Some(3.0))
    );
    assert_eq!(
        (rider.velocity, rider.yaw_rad, rider.size),
        (None, None, None)
    );
    assert_eq!(counted(&decoder, "speed-unknown"), 1);
}

#[test]
fn a_clock_that_is_told_in_milliseconds_is_held_against_ours() {
    let mut decoder = decoder(config());
    push(
        &mut decoder,
        r#"{"timeStamp":"1789999999000","number":0,"targets":[]}"#,
    );
    assert_eq!(
        decoder.counts().clock_ahead_ms(),
        None,
        "whole seconds only"
    );
    push(
        &mut decoder,
        r#"{"timeStamp":1789999999250,"number":0,"targets":[]}"#,
    );
    assert_eq!(decoder.counts().clock_ahead_ms(), Some(750));
}

#[test]
fn what_a_line_held_up_is_no_picture_of_now() {
    let mut decoder = decoder(config());
    let mut heard = Vec::new();
    let mut hear = |sent_ms: u64, arrived_ms: u64, step_ms: u64| {
        let stamp_ms = 1_790_000_000_100 + sent_ms / step_ms * step_ms;
        let text = format!(
            "{{\"content\":[{{\"ptcType\":\"motor\",\"ptcId\":{},\"timeStamp\":{stamp_ms},\"pos_lat\":31.0,\"pos_lon\":121.0}}]}}",
            sent_ms % 60_000
        );
        decoder.push(now(arrived_ms), text.as_bytes(), &mut |_| {
            heard.push(sent_ms);
        });
    };
    (0..50).for_each(|n| hear(100 * n, 100 * n + 30, 1));
    // Twenty seconds of silence, all of it within one, and on.
    (50..250).for_each(|n| hear(100 * n, 25_000 + 4 * (n - 50), 1));
    (260..300).for_each(|n| hear(100 * n, 100 * n + 30, 1));
    // The clock has been set back by an hour: two seconds in pace prove it.
    (300..350).for_each(|n| hear(100 * n, 3_600_000 + 100 * n + 30, 1));
    let of = |from_ms: u64, to_ms: u64| {
        heard
            .iter()
            .filter(|ms| (from_ms..to_ms).contains(ms))
            .count()
    };
    assert_eq!((of(0, 5000), of(26_000, 30_000)), (50, 40));
    assert!(
        of(5000, 24_000) == 0 && of(24_000, 25_000) <= 10,
        "{heard:?}"
    );
    assert!(of(30_000, 35_000) >= 28, "{heard:?}");
    assert!(counted(&decoder, "held-up") >= 190);
}

#[test]
fn what_a_line_held_up_is_told_by_its_pace_where_stamps_are_seconds_or_none() {
    for stamped in [true, false] {
        let mut decoder = decoder(config());
        let mut heard = Vec::new();
        let mut hear = |sent_ms: u64, arrived_ms: u64| {
            let stamp = if stamped {
                format!("\"timeStamp\":\"{}\",", 1_790_000_000 + sent_ms / 1000)
            } else {
                String::new()
            };
            // Two messages of each moment, one a direction.
            for side in 0..2 {
                let number = sent_ms * 2 + side;
                let text = format!(
                    "{{{stamp}\"number\":1,\"targets\":[{{\"targetId\":{},\"confidenceLevel\":90,\"latitude\":31.0,\"longitude\":{}}}]}}",
                    number % 60_000,
                    121.0 + number as f64 * 1e-9,
                );
                decoder.push(now(arrived_ms + side), text.as_bytes(), &mut |_| {
                    heard.push(sent_ms);
                });
            }
        };
        (0..50).for_each(|n| hear(100 * n, 100 * n + 30));
        // Twenty seconds of silence, all of it within one, and on.
        (50..250).for_each(|n| hear(100 * n, 25_000 + 4 * (n - 50)));
        (260..300).for_each(|n| hear(100 * n, 100 * n + 30));
        let of = |from_ms: u64, to_ms: u64| {
            let of_these = heard.iter().filter(|ms| (from_ms..to_ms).contains(ms));
            of_these.count()
        };
        assert_eq!(
            (of(0, 5000), of(5000, 25_000), of(26_000, 30_000)),
            (100, 0, 80),
            "stamped: {stamped}"
        );
        assert_eq!(counted(&decoder, "held-up"), 400);
    }
}

#[test]
fn stamps_that_stand_still_or_are_in_seconds_hold_nothing_up() {
    for (first_ms, step_ms) in [(377_u64, 1_000_000), (0, 1000)] {
        let mut decoder = decoder(config());
        let heard = (0..600_u64).filter(|n| {
            let stamp_ms = 1_790_000_000_000 + first_ms + 100 * n / step_ms * step_ms;
            let text = format!("{{\"timeStamp\":{stamp_ms},\"number\":{n},\"targets\":[]}}");
            let mut reports = 0;
            decoder.push(now(100 * n), text.as_bytes(), &mut |_| reports += 1);
            reports == 1
        });
        assert_eq!(heard.count(), 600, "{first_ms} {step_ms}");
    }
    let mut decoder = decoder(config());
    for n in 0..600_u64 {
        let stamp_s = 1_790_000_000 + n / 10;
        let text = format!("{{\"timeStamp\":{stamp_s},\"number\":{n},\"targets\":[]}}");
        decoder.push(now(100 * n), text.as_bytes(), &mut |_| {});
    }
    assert_eq!(
        (
            decoder.counts().reports(),
            decoder.counts().clock_ahead_ms()
        ),
        (600, None)
    );
}

#[test]
fn a_message_to_the_letter_the_same_is_dropped() {
    let mut decoder = decoder(config());
    assert_eq!(push(&mut decoder, &target("")).len(), 1);
    assert_eq!(push(&mut decoder, &target("")).len(), 0);
    assert_eq!(push(&mut decoder, &target(",\"laneNo\":2")).len(), 1);
    assert_eq!(counted(&decoder, "repeated"), 1);
}

#[test]
fn an_empty_scene_is_told() {
    let objects = push(&mut decoder(config()), "{\"targets\":[]}").remove(0);
    assert!(objects.detections.is_empty());
}

#[test]
fn odd_members_cost_one_object_and_not_the_message() {
    let text = r#"{"timeStamp":null,"targets":[{"latitude":"x","longitude":121},{},{"latitude":31,"longitude":121,
        "speed":[1],"headingAngle":{},"targetId":"abc","confidenceLevel":"50"},{"latitude":0,"longitude":0},
        {"latitude":1e9,"longitude":1},{"latitude":30,"longitude":121}]}"#;
    let mut decoder = decoder(config());
    let objects = push(&mut decoder, text).remove(0);
    assert_eq!(objects.detections.len(), 1);
    assert!((objects.detections[0].existence - 0.5).abs() < 1e-6);
    assert_eq!(counted(&decoder, "object-without-position"), 4);
    assert_eq!(counted(&decoder, "object-far"), 1);
}

#[test]
fn ten_thousand_objects_are_bounded_and_counted() {
    let one = "{\"latitude\":31,\"longitude\":121,\"confidenceLevel\":100}";
    let text = format!("{{\"targets\":[{}]}}", vec![one; 10_000].join(","));
    let mut decoder = decoder(config());
    let heard = push(&mut decoder, &text);
    let detections: usize = heard.iter().map(|o| o.detections.len()).sum();
    assert_eq!((heard.len(), detections), (MOST / MAX_OBJECTS, MOST));
    assert_eq!(counted(&decoder, "objects-left-out"), 10_000 - MOST as u64);
    let rsm = format!("{{\"participants\":[{}]}}", vec!["{}"; 900].join(","));
    let text = format!("{{\"rsms\":[{}]}}", vec![rsm; 20].join(","));
    push(&mut decoder, &text);
    assert_eq!(counted(&decoder, "object-without-position"), MOST as u64);
}

#[test]
fn bombs_and_strangers_are_counted() {
    let mut decoder = decoder(config());
    let bomb = format!("{{\"targets\":{}", "[".repeat(1_000_000));
    for (text, kind) in [
        (bomb.as_str(), "too-deep"),
        ("{\"a\":1}", "unknown-message"),
        ("{\"content\":{}}", "unknown-message"),
        ("{\"targets\":3}", "json"),
        ("{\"targets\":", "cut"),
    ] {
        let before = counted(&decoder, kind);
        assert!(push(&mut decoder, text).is_empty());
        assert_eq!(counted(&decoder, kind), before + 1, "{kind}");
    }
}

#[test]
fn what_the_emitter_says_is_what_the_decoder_hears() {
    let said = Detection {
        device_id: Some(9),
        own_id: None,
        east_m: 12.0,
        north_m: -30.0,
        position_cov: Covariance::default(),
        velocity: Some(Velocity {
            east_mps: -3.0,
            north_mps: 4.0,
            cov: Covariance::default(),
        }),
        yaw_rad: Some(4_f64.atan2(-3.0)),
        size: Some(Size {
            length_m: 4.5,
            width_m: 1.75,
            height_m: Some(1.5),
        }),
        class: Class::Car,
        emergency: false,
        existence: 0.9,
    };
    let emitter = Emitter::new(config().frame);
    let (mut track, mut rsm) = (Vec::new(), Vec::new());
    emitter.track(now(0).utc, &[said], &mut track);
    emitter.rsm(now(0).utc, &[said], &mut rsm);
    for bytes in [track, rsm] {
        let heard = push(&mut decoder(config()), str::from_utf8(&bytes).unwrap());
        let heard = heard[0].detections[0];
        assert_eq!(
            (heard.device_id, heard.class, heard.size),
            (said.device_id, said.class, said.size)
        );
        assert!((heard.east_m - 12.0).abs() < 0.01 && (heard.north_m + 30.0).abs() < 0.01);
        let velocity = heard.velocity.unwrap();
        assert!((velocity.east_mps + 3.0).abs() < 1e-6 && (velocity.north_mps - 4.0).abs() < 1e-6);
        assert!((heard.yaw_rad.unwrap() - said.yaw_rad.unwrap()).abs() < 1e-6);
    }
}

proptest! {
    #[test]
    fn any_text_does_no_harm(text in "\\PC{0,200}") {
        push(&mut decoder(config()), &text);
    }

    #[test]
    fn any_numbers_give_finite_detections(numbers in proptest::collection::vec(any::<f64>(), 8)) {
        let n = |i: usize| if numbers[i].is_finite() { numbers[i].to_string() } else { "null".to_owned() };
        let text = format!("{{\"targets\":[{{\"latitude\":{},\"longitude\":{},\"speed\":{},\"headingAngle\":{},\
            \"targetLength\":{},\"targetWidth\":{},\"confidenceLevel\":{},\"rcs\":{}}}]}}",
            n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7));
        for objects in push(&mut decoder(config()), &text) {
            for d in &objects.detections {
                prop_assert!(d.east_m.is_finite() && d.north_m.is_finite());
                prop_assert!(d.yaw_rad.is_none_or(f64::is_finite) && (0.0..=1.0).contains(&d.existence));
            }
        }
    }
}
