//! Rules of the decoder, each on messages of its own; and the published CARMA example.

use proptest::prelude::*;
use v2x_msg::base::GeoPosition;

use super::*;
use crate::clock::Utc;
use crate::report::{Detection, MAX_OBJECTS, Objects, Size, Velocity};

fn now(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(1_790_000_000_000).unwrap() + Duration::from_millis(ms),
    }
}

fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

/// A sensor 10 m east of the origin that looks east, of a site at 31 N 121 E.
fn decoder() -> Decoder {
    Decoder::new(Config {
        frame: EnuFrame::new(GeoPosition::from_deg(31.0, 121.0, None).unwrap()),
        mount: Mount {
            east_m: 10.0,
            heading_deg: 90.0,
            ..Mount::default()
        },
        ..Config::default()
    })
}

fn push(decoder: &mut Decoder, at: Now, text: &str) -> Vec<Objects> {
    let mut heard = Vec::new();
    decoder.push(at, text.as_bytes(), &mut |content| match content {
        Content::Objects(objects) => heard.push(objects),
        other => panic!("{other:?}"),
    });
    heard
}

fn one(text: &str) -> (Detection, Decoder) {
    let mut decoder = decoder();
    let text = format!("{{\"objects\":[{text}]}}");
    let objects = push(&mut decoder, now(0), &text).remove(0);
    (objects.detections[0], decoder)
}

#[test]
fn a_place_is_given_from_the_origin_the_sensor_or_in_degrees() {
    for (text, east_m, north_m) in [
        ("{\"east_m\":3,\"north_m\":-4}", 3.0, -4.0),
        ("{\"forward_m\":20,\"left_m\":2}", 30.0, 2.0),
        ("{\"lat_deg\":31.0001,\"lon_deg\":121}", 0.0, 11.087),
    ] {
        let (seen, _) = one(text);
        assert!((seen.east_m - east_m).abs() < 0.01, "{text}: {seen:?}");
        assert!((seen.north_m - north_m).abs() < 0.01, "{text}: {seen:?}");
    }
}

#[test]
fn what_is_not_said_is_not_known_or_assumed() {
    let (seen, _) = one("{\"east_m\":0,\"north_m\":0}");
    assert_eq!(
        (seen.device_id, seen.velocity, seen.yaw_rad, seen.size),
        (None, None, None, None)
    );
    assert_eq!(seen.class, Class::Unknown);
    assert!((seen.existence - 0.8).abs() < 1e-6);
    assert!((seen.position_cov.ee - 1.0).abs() < 1e-9);
}

#[test]
fn a_speed_goes_along_the_heading() {
    let (seen, _) = one(
        "{\"east_m\":0,\"north_m\":0,\"speed_mps\":5,\"heading_deg\":180,\"class\":\"bus\",\"id\":\"a7\"}",
    );
    let velocity = seen.velocity.unwrap();
    assert!(velocity.east_mps.abs() < 1e-9 && (velocity.north_mps + 5.0).abs() < 1e-9);
    assert_eq!(seen.class, Class::Bus);
    assert!(seen.device_id.is_some());
}

#[test]
fn a_covariance_that_is_none_is_replaced_and_counted() {
    let (seen, decoder) = one("{\"east_m\":0,\"north_m\":0,\"position_cov_m2\":[0.04,0.01,0.09]}");
    assert!((seen.position_cov.nn - 0.09).abs() < 1e-9);
    assert_eq!(counted(&decoder, "covariance-unusable"), 0);
    for cov in ["[1,2,1]", "[0,0,0]", "[-1,0,1]", "[null,0,1]"] {
        let (seen, decoder) = one(&format!(
            "{{\"east_m\":0,\"north_m\":0,\"position_cov_m2\":{cov}}}"
        ));
        assert!((seen.position_cov.nn - 1.0).abs() < 1e-9, "{cov}");
        assert_eq!(counted(&decoder, "covariance-unusable"), 1, "{cov}");
    }
}

#[test]
fn the_carma_example_is_a_truck_of_the_site_frame() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/carma_streets_detected_truck.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        return eprintln!("skipped: no example at {path}");
    };
    let mut decoder = decoder();
    let truck = push(&mut decoder, now(0), &text).remove(0).detections[0];
    assert_eq!((truck.device_id, truck.class), (Some(3), Class::Truck));
    assert!((truck.east_m + 1.1).abs() < 1e-9 && (truck.north_m + 2.0).abs() < 1e-9);
    assert!((truck.existence - 0.7).abs() < 1e-6);
    let velocity = truck.velocity.unwrap();
    assert!((velocity.north_mps - 0.5).abs() < 1e-9);
    assert_eq!(truck.size.unwrap().height_m, Some(2.0));
    assert_eq!(counted(&decoder, "no-projection"), 1);
    assert_eq!(counted(&decoder, "covariance-unusable"), 2);
}

#[test]
fn a_carma_object_lies_in_the_frame_that_its_projection_names() {
    let text = "{\"type\":\"CAR\",\"projString\":\"+proj=tmerc +lat_0=31.0001 +lon_0=121 +k=1 +x_0=0 +y_0=0\",        \"position\":{\"x\":5,\"y\":1,\"z\":0},\"timestamp\":5}";
    let mut decoder = decoder();
    let car = push(&mut decoder, now(0), text).remove(0).detections[0];
    assert!((car.east_m - 5.0).abs() < 0.01 && (car.north_m - 12.087).abs() < 0.01);
    assert_eq!(counted(&decoder, "no-projection"), 0);
    assert_eq!(
        wire::origin_of("+proj=tmerc +lat_0=31 +lon_0=121 +x_0=500000"),
        None
    );
}

#[test]
fn a_late_message_is_dated_back_by_its_stamp() {
    let mut decoder = decoder();
    let of = |ms: i64| format!("{{\"time_ms\":{},\"objects\":[]}}", 1_790_000_000_000 + ms);
    let first = push(&mut decoder, now(20), &of(0)).remove(0);
    assert_eq!(first.seen_at, now(20).mono - Duration::from_millis(50));
    push(&mut decoder, now(120), &of(100));
    let late = push(&mut decoder, now(520), &of(200)).remove(0);
    let expected = now(220).mono - Duration::from_millis(50);
    assert!(late.seen_at.seconds_after(expected).abs() < 1e-3);
    assert_eq!(counted(&decoder, "late"), 1);
}

#[test]
fn a_box_whose_clock_is_set_is_dated_by_it_or_dropped_for_a_second_at_most() {
    let dated_back = |set_ms: i64, last: i64| {
        let mut decoder = decoder();
        let mut back = |n: i64| {
            let off_ms = if (20..=last).contains(&n) { set_ms } else { 0 };
            let text = format!(
                "{{\"time_ms\":{},\"objects\":[]}}",
                1_790_000_000_000 + 100 * n + off_ms
            );
            let at = now(100 * n as u64 + 20);
            let heard = push(&mut decoder, at, &text);
            let late = |objects: &Objects| at.mono.seconds_after(objects.seen_at) > 0.051;
            heard.first().is_none_or(late)
        };
        (0..100).filter(|n| back(*n)).count()
    };
    // One stamp alone, then all of them.
    assert_eq!(dated_back(3000, 20), 0);
    assert_eq!(dated_back(3000, 100), 0);
    assert!(dated_back(-3000, 100) <= 8);
    assert!(dated_back(-3_600_000, 100) <= 8);
    assert!(dated_back(-400, 100) <= 8);
}

#[test]
fn what_a_line_held_up_is_no_picture_of_now() {
    for every_ms in [40, 100, 500] {
        let mut decoder = decoder();
        let mut hear = |sent_ms: u64, arrived_ms: u64| {
            let stamp_ms = 1_790_000_000_000 + sent_ms;
            let text = format!("{{\"time_ms\":{stamp_ms},\"objects\":[]}}");
            push(&mut decoder, now(arrived_ms), &text)
        };
        let sent = |from_ms: u64, to_ms: u64| (from_ms..to_ms).step_by(every_ms as usize);
        for sent_ms in sent(0, 5000) {
            assert_eq!(hear(sent_ms, sent_ms + 20).len(), 1);
        }
        // Twenty seconds of silence, then all of it within half a second, then it goes on.
        for (n, sent_ms) in sent(5000, 25_000).enumerate() {
            let arrived_ms = 25_000 + n as u64 * every_ms / 40;
            let truly_at = now(sent_ms).mono;
            for objects in hear(sent_ms, arrived_ms) {
                let off_s = objects.seen_at.seconds_after(truly_at);
                assert!(off_s.abs() < 0.1, "{sent_ms} dated {off_s} s off");
                assert!(
                    arrived_ms - sent_ms <= 1100,
                    "{sent_ms} came at {arrived_ms}"
                );
            }
        }
        assert_eq!(hear(26_000, 26_020).len(), 1);
        assert!(counted(&decoder, "held-up") > 30, "{:?}", decoder.counts());
    }
}

#[test]
fn a_stamp_in_seconds_or_of_a_simulation_holds_nothing_up() {
    for (first, per_s) in [(1_790_000_000.0, 1.0), (0.0, 500.0)] {
        let mut decoder = decoder();
        for n in 0..600_u64 {
            let stamp = first + per_s * n as f64 / 10.0;
            let text = format!("{{\"time_ms\":{stamp},\"sequence\":{n},\"objects\":[]}}");
            assert_eq!(
                push(&mut decoder, now(100 * n), &text).len(),
                1,
                "{first} {n}"
            );
        }
        assert_eq!(counted(&decoder, "no-stamp"), 600);
    }
}

#[test]
fn a_box_that_is_started_anew_early_is_heard_again_soon() {
    let mut decoder = decoder();
    let of = |sequence: u64, n: u64| {
        format!("{{\"sequence\":{sequence},\"objects\":[{{\"east_m\":{n},\"north_m\":0}}]}}")
    };
    // A crash every 50 messages.
    for life in 0..4 {
        let heard = (0..50).filter(|n| {
            let at = now(100 * (50 * life + n));
            !push(&mut decoder, at, &of(*n, life)).is_empty()
        });
        let heard: Vec<u64> = heard.collect();
        assert!(heard.len() >= 47, "{life}: {heard:?}");
    }
    // One that is behind among those that go on stays behind: it was overtaken, or is another box.
    for n in 50..100 {
        assert_eq!(push(&mut decoder, now(20_000 + n), &of(n, 7)).len(), 1);
        assert_eq!(push(&mut decoder, now(20_000 + n), &of(n - 20, 8)).len(), 0);
    }
    decoder.link_restarted();
    assert_eq!(push(&mut decoder, now(20_200), &of(0, 9)).len(), 1);
}

#[test]
fn lists_without_stamps_that_a_line_held_up_are_told_by_their_pace() {
    let mut decoder = decoder();
    let mut reports = |n: u64, arrived_ms: u64| {
        let text = format!("{{\"sequence\":{n},\"objects\":[]}}");
        push(&mut decoder, now(arrived_ms), &text).len()
    };
    assert!((0..50).all(|n| reports(n, 100 * n) == 1));
    // Twenty seconds of silence, all of it within one, and on.
    assert!((50..250).all(|n| reports(n, 25_000 + 4 * (n - 50)) == 0));
    assert!((260..300).all(|n| reports(n, 100 * n) == 1));
    assert_eq!(counted(&decoder, "held-up"), 200);
}

#[test]
fn single_objects_without_stamps_that_a_line_held_up_are_told_by_the_pace_of_their_rounds() {
    for (seen, apart_ms) in [(1, 0), (7, 0), (7, 2)] {
        let mut decoder = decoder();
        // All that a box sees, one message each.
        let mut round = |n: u64, arrived_ms: u64| {
            let told = (0..seen).map(|id| {
                let text = format!(
                    "{{\"objectId\":{id},\"type\":\"CAR\",\"position\":{{\"x\":{n},\"y\":{id},\"z\":0}}}}"
                );
                push(&mut decoder, now(arrived_ms + apart_ms * id), &text).len()
            });
            told.sum::<usize>()
        };
        assert!((0..50).all(|n| round(n, 100 * n) == seen as usize));
        assert!((50..250).all(|n| round(n, 25_000 + 20 * (n - 50)) == 0));
        assert!((300..350).all(|n| round(n, 100 * n) == seen as usize));
        assert_eq!(counted(&decoder, "held-up"), 200 * seen);
    }
}

#[test]
fn repeated_and_overtaken_messages_are_dropped_and_a_restart_is_followed() {
    let mut decoder = decoder();
    let mut of = |sequence: i64, extra: &str| {
        let text = format!("{{\"sequence\":{sequence},\"objects\":[{extra}]}}");
        push(&mut decoder, now(0), &text).len()
    };
    let heard = [
        of(500, ""),
        of(500, ""),
        of(499, ""),
        of(500, "{}"),
        of(501, ""),
        of(0, ""),
        of(1, ""),
    ];
    assert_eq!(heard, [1, 0, 0, 0, 1, 1, 1]);
    assert_eq!(
        (
            counted(&decoder, "repeated"),
            counted(&decoder, "out-of-order")
        ),
        (1, 2)
    );
}

#[test]
fn what_one_object_does_not_know_costs_no_other() {
    let mut decoder = decoder();
    let text = r#"{"objects":[{"east_m":1,"north_m":2,"speed_mps":NaN,"class":7},{"east_m":NaN,"north_m":2},
        {"east_m":3,"north_m":-Infinity},{"east_m":5,"north_m":6,"class":"bus"}]}"#;
    let heard = push(&mut decoder, now(0), text).remove(0);
    let classes: Vec<Class> = heard.detections.iter().map(|seen| seen.class).collect();
    assert_eq!(classes, [Class::Unknown, Class::Bus]);
    assert!(heard.detections.iter().all(|seen| seen.velocity.is_none()));
    assert_eq!(counted(&decoder, "object-without-position"), 2);
    assert_eq!(
        (counted(&decoder, "no-number"), counted(&decoder, "json")),
        (1, 0)
    );
}

#[test]
fn ten_thousand_objects_are_bounded_and_counted() {
    let text = format!(
        "{{\"objects\":[{}]}}",
        vec!["{\"east_m\":1,\"north_m\":2}"; 10_000].join(",")
    );
    let mut decoder = decoder();
    let heard = push(&mut decoder, now(0), &text);
    assert_eq!(heard.len(), MOST / MAX_OBJECTS);
    assert_eq!(counted(&decoder, "objects-left-out"), 10_000 - MOST as u64);
}

#[test]
fn bombs_and_strangers_are_counted() {
    let mut decoder = decoder();
    let bomb = format!("{{\"objects\":{}", "[".repeat(1_000_000));
    for (text, kind) in [
        (bomb.as_str(), "too-deep"),
        ("{\"a\":1}", "unknown-message"),
        ("{\"objects\":3}", "json"),
        ("{\"objects\":", "cut"),
        ("hello", "noise"),
        (
            "{\"objects\":[{\"east_m\":1e9,\"north_m\":0}]}",
            "object-far",
        ),
        ("{\"objects\":[{\"east_m\":1}]}", "object-without-position"),
        (
            "{\"objects\":[{\"east_m\":1,\"north_m\":0,\"east_mps\":900,\"north_mps\":0}]}",
            "object-too-fast",
        ),
    ] {
        let before = counted(&decoder, kind);
        push(&mut decoder, now(0), text);
        assert_eq!(counted(&decoder, kind), before + 1, "{kind}");
    }
}

#[test]
fn what_the_emitter_says_is_what_the_decoder_hears_and_what_the_schema_names() {
    let said = Detection {
        device_id: Some(9),
        own_id: None,
        east_m: 12.0,
        north_m: -30.0,
        position_cov: Covariance {
            ee: 0.2,
            en: 0.05,
            nn: 0.3,
        },
        velocity: Some(Velocity {
            east_mps: -3.0,
            north_mps: 4.0,
            cov: Covariance {
                ee: 0.5,
                en: 0.0,
                nn: 0.5,
            },
        }),
        yaw_rad: Some(0.5),
        size: Some(Size {
            length_m: 4.5,
            width_m: 1.75,
            height_m: Some(1.5),
        }),
        class: Class::Motorcycle,
        emergency: false,
        existence: 0.75,
    };
    let mut bytes = Vec::new();
    Emitter::default().scene(now(0).utc, &[said], &mut bytes);
    let text = str::from_utf8(&bytes).unwrap();
    let heard = push(&mut decoder(), now(0), text).remove(0).detections[0];
    assert!((heard.yaw_rad.unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(
        Detection {
            yaw_rad: said.yaw_rad,
            ..heard
        },
        said
    );

    let schema = include_str!("../../../../docs/detected-objects.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let message: serde_json::Value = serde_json::from_str(text).unwrap();
    let named = |known: &serde_json::Value, said: &serde_json::Value| {
        let said = said.as_object().unwrap();
        assert!(
            said.keys()
                .all(|name| known["properties"].get(name).is_some()),
            "{said:?}"
        );
    };
    named(&schema, &message);
    named(&schema["$defs"]["object"], &message["objects"][0]);
}

#[test]
fn every_member_that_the_schema_names_is_read() {
    let schema = include_str!("../../../../docs/detected-objects.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let names = schema["$defs"]["object"]["properties"]
        .as_object()
        .unwrap()
        .keys();
    let read = format!("{:?}", Object::default());
    for name in names {
        assert!(read.contains(&format!("{name}: ")), "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_does_no_harm(text in "\\PC{0,200}") {
        push(&mut decoder(), now(0), &text);
    }

    #[test]
    fn any_numbers_give_finite_detections(numbers in proptest::collection::vec(any::<f64>(), 9)) {
        let n = |i: usize| if numbers[i].is_finite() { numbers[i].to_string() } else { "null".to_owned() };
        let text = format!("{{\"time_ms\":{},\"sequence\":{},\"objects\":[{{\"forward_m\":{},\"left_m\":{},            \"speed_mps\":{},\"heading_deg\":{},\"length_m\":{},\"existence\":{},\"position_cov_m2\":[{},1,1]}}]}}",
            n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8));
        for objects in push(&mut decoder(), now(0), &text) {
            for d in &objects.detections {
                prop_assert!(d.east_m.is_finite() && d.north_m.is_finite() && d.position_cov.ee > 0.0);
                prop_assert!(d.yaw_rad.is_none_or(f64::is_finite) && (0.0..=1.0).contains(&d.existence));
            }
        }
    }
}
