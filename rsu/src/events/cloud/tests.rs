//! What platforms send, in the shapes that they document, and what nobody should.

use proptest::prelude::*;
use serde_json::json;
use v2x_msg::base::{MsgCount, StationId};
use v2x_msg::kinds::rsi::{Lanes, ReferenceLink, SignText};

use super::*;
use crate::events::ask::rfc3339;
use crate::services::fixture::{HERE, crossing, far};

fn rules(dialect: Dialect) -> Rules {
    Rules {
        dialect,
        longest: Duration::from_secs(3600),
        duration_unit: None,
    }
}

/// Twelve minutes before New Year in UTC.
fn now() -> Utc {
    rfc3339("2026-12-31T23:48:00Z").unwrap()
}

fn read(dialect: Dialect, message: &Value) -> Whole {
    let text = message.to_string();
    parse(text.as_bytes(), &rules(dialect), &crossing(2, 2), now())
}

/// As Huawei's page v2x_04_0167 shows it, at our junction.
fn huawei() -> Value {
    let at = json!({ "lat": 31.2871234, "lon": 121.1661234, "ele": 1000 });
    let path = json!([{ "activePath": [at], "pathRadius": 100 }]);
    json!({
        "rsiSourceId": "server", "ack": true, "seqNum": "77",
        "rsiDatas": [{
            "id": "unit", "timeStamp": 525_588, "refPos": at,
            "rtss": [{
                "rtsId": 100, "signType": 38, "signPosition": at, "signDescription": "前方施工",
                "timeDetails": { "startTime": 525_580, "endTime": 10, "endTimeConfidence": 10 },
                "signPriority": 5, "referencePaths": path, "description": "test",
            }],
            "rtes": [{
                "rteId": 100, "eventType": 501, "eventSource": "government", "eventPosition": at,
                "eventRadius": 100, "eventDescription": "test", "eventPriority": 5,
                "referencePaths": path, "eventConfidence": 100, "duration": 100,
            }],
        }],
    })
}

#[test]
fn a_message_of_huawei_is_text_in_a_message() {
    let whole = read(
        Dialect::Huawei,
        &json!({ "name": "x", "content": huawei().to_string() }),
    );
    assert_eq!(whole.faults, [""; 0]);
    assert_eq!(whole.ack.as_deref(), Some("77"));
    assert_eq!(whole, read(Dialect::Huawei, &huawei()));
    let [event, sign] = &whole.entries[..] else {
        panic!("{whole:?}")
    };
    assert_eq!(event.name, "huawei/server/unit/rte/100");
    // `duration` has no unit that is documented.
    assert_eq!(event.until, Some(now() + Duration::from_secs(3600)));
    let Some(Entry::Event(event)) = &event.entry else {
        panic!("{event:?}")
    };
    assert_eq!(event.source, EventSource::Government);
    assert_eq!(event.confidence, Confidence::from_percent(50.0).ok());
    assert_eq!(event.radius, Radius::from_m(10.0).ok());
    // One point is a round place, which is told with two.
    assert_eq!(event.place.as_ref().unwrap().paths()[0].points.len(), 2);
    // Over New Year.
    assert_eq!(sign.until, rfc3339("2027-01-01T00:10:00Z"));
    let Some(Entry::Sign(sign)) = &sign.entry else {
        panic!("{sign:?}")
    };
    assert_eq!(sign.text.code(), "0000000000000038");
    assert_eq!(sign.text.text(), b"\xc7\xb0\xb7\xbd\xca\xa9\xb9\xa4");
}

#[test]
fn a_duration_counts_once_its_unit_is_known() {
    let mut rules = rules(Dialect::Huawei);
    rules.duration_unit = Some(Duration::from_secs(60));
    let text = huawei().to_string();
    let whole = parse(text.as_bytes(), &rules, &crossing(2, 2), now());
    assert_eq!(
        whole.entries[0].until,
        Some(now() + Duration::from_secs(6000))
    );
}

#[test]
fn faulty_entries_are_refused_and_the_rest_stands() {
    let mut message = huawei();
    let good = message["rsiDatas"][0]["rtes"][0].clone();
    let with = |key: &str, value: Value| {
        let mut event = good.clone();
        event[key] = value;
        event
    };
    message["rsiDatas"][0]["rtes"] = json!([
        good,
        with("eventType", json!(0)),
        with("rteId", json!(256)),
        with("eventPosition", json!({ "lat": 0, "lon": 0 })),
        with("eventPriority", json!(8)),
        with("eventDescription", json!("龍")),
        with("eventConfidence", json!(201)),
        with(
            "referencePaths",
            json!([{ "activePath": [], "pathRadius": 1 }])
        ),
    ]);
    message["rsiDatas"][0]["rtss"][0]["signType"] = json!(521);
    let whole = read(Dialect::Huawei, &message);
    assert_eq!(
        (whole.entries.len(), whole.faults.len()),
        (1, 8),
        "{:#?}",
        whole.faults
    );
}

#[test]
fn openv2x_ends_an_event_by_its_status() {
    let event = |status: Value| {
        json!({ "seqNum": 5, "ack": true, "rsiDatas": [{
            "alertID": "7f3", "eventStatus": status, "eventType": "707", "eventSource": 5,
            "eventPosition": { "lat": 31.287, "lon": 121.166 }, "eventClass": "x",
        }]})
    };
    let begun = read(Dialect::OpenV2x, &event(json!(true)));
    assert_eq!(begun.faults, [""; 0]);
    assert_eq!(begun.ack.as_deref(), Some("5"));
    assert_eq!(begun.entries[0].name, "openv2x/7f3");
    assert!(begun.entries[0].entry.is_some());
    for over in [json!(false), json!(0), json!("0")] {
        let over = read(Dialect::OpenV2x, &event(over));
        assert_eq!(
            (over.entries[0].entry.is_none(), over.faults.len()),
            (true, 0)
        );
    }
}

#[test]
fn what_is_no_message_is_one_fault() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(10));
    let long = "x".repeat(LONGEST + 1);
    for bytes in [
        &b"{"[..],
        b"",
        b"[]",
        b"{\"content\":3}",
        b"\xff",
        deep.as_bytes(),
        long.as_bytes(),
    ] {
        let whole = parse(bytes, &rules(Dialect::Huawei), &crossing(2, 2), now());
        assert_eq!((whole.entries.len(), whole.faults.len()), (0, 1));
    }
}

fn ready_made(events: bool) -> Vec<u8> {
    let site = crossing(2, 2);
    let link = ReferenceLink {
        upstream: far(0),
        downstream: HERE,
        lanes: Some(Lanes::NONE),
    };
    let place = Place::new([], [link]).unwrap();
    let (count, id) = (MsgCount::new(99).unwrap(), StationId(*b"elsewher"));
    let rsi = if events {
        let mut event = Event::new(200, EventType::WORKS, EventSource::Police);
        event.place = Some(place);
        event.validity.end = MinuteOfYear::new(10).ok();
        Rsi::of_events(count, id, site.origin, [event])
    } else {
        let text = SignText::new("3011200000000001", b"40").unwrap();
        Rsi::of_signs(count, id, site.origin, [Sign::new(3, 85, text, place)])
    };
    let mut message = Message::default();
    rsi.unwrap().fill(&mut message);
    let mut bytes = [0; 1400];
    let length = message.encode_into(&mut bytes).unwrap();
    bytes[..length].to_vec()
}

#[test]
fn a_ready_made_rsi_is_taken_apart() {
    let site = crossing(2, 2);
    let hour = Duration::from_secs(3600);
    let whole = parse_uper(&ready_made(true), hour, &site, now()).unwrap();
    assert_eq!(whole.entries[0].name, "uper/656c736577686572/rte/200");
    assert_eq!(whole.entries[0].until, rfc3339("2027-01-01T00:10:00Z"));
    let whole = parse_uper(&ready_made(false), hour, &site, now()).unwrap();
    assert!(matches!(whole.entries[0].entry, Some(Entry::Sign(_))));
    assert_eq!(whole.entries[0].until, Some(now() + hour));
    // Also behind its DSMP header, and never from another town.
    let data = ready_made(false);
    let mut framed = vec![4, 0, 0x8d, 0xa4, 0, data.len() as u8];
    framed.extend_from_slice(&data);
    assert_eq!(parse_uper(&framed, hour, &site, now()), Ok(whole));
    let mut elsewhere = site.clone();
    elsewhere.origin = GeoPosition::from_deg(39.9, 116.4, None).unwrap();
    elsewhere.frame = v2x_msg::base::EnuFrame::new(elsewhere.origin);
    assert!(parse_uper(&data, hour, &elsewhere, now()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let site = crossing(2, 2);
        let _ = parse_uper(&bytes, Duration::from_secs(1), &site, now());
        let _ = parse(&bytes, &rules(Dialect::Huawei), &site, now());
    }

    #[test]
    fn a_damaged_rsi_is_refused_or_says_something_that_can_be_said(
        at in 0usize..60, bit in 0u32..8, events in any::<bool>(), cut in 0usize..60,
    ) {
        let site = crossing(2, 2);
        let mut bytes = ready_made(events);
        let length = bytes.len();
        bytes[at % length] ^= 1 << bit;
        bytes.truncate(length - cut % length);
        if let Ok(whole) = parse_uper(&bytes, Duration::from_secs(60), &site, now()) {
            for told in whole.entries {
                prop_assert!(told.until.is_some());
            }
        }
    }

    #[test]
    fn any_value_in_any_field_is_read_without_a_panic(key in 0usize..14, value in 0usize..9) {
        let keys = ["rteId", "eventType", "eventSource", "eventPosition", "eventRadius",
            "eventDescription", "eventPriority", "referencePaths", "eventConfidence", "duration",
            "timeDetails", "eventStatus", "alertID", "rtsId"];
        let values = [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!({}),
            json!(true), json!([[[]]]), json!(u64::MAX)];
        for dialect in [Dialect::Huawei, Dialect::OpenV2x] {
            let mut message = huawei();
            message["rsiDatas"][0]["rtes"][0][keys[key]] = values[value].clone();
            message["rsiDatas"][0][keys[key]] = values[value].clone();
            let _ = read(dialect, &message);
        }
    }
}
