//! The edition of 2019-07-24 beside ours: frames of other people in both, what differs, and how to
//! find out which edition a frame follows.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, encoded, own, shared};
use serde_json::{Value, json};
use v2x_msg::asn::edition_2019::MessageFrame;
use v2x_msg::jer::Jer;
use v2x_msg::uper::{self, DecodeErrorKind, EncodeErrorKind};
use v2x_msg::{Edition, Fit, Found, Message, MessageKind, Probe};

/// A frame of 2019 from its JSON.
fn older(jer: &Value) -> Vec<u8> {
    let frame = MessageFrame::from_jer(&jer.to_string()).unwrap();
    let mut out = vec![0; 70_000];
    let len = uper::encode_into(&frame, &mut out).unwrap();
    out.truncate(len);
    out
}

fn jer_of(message: &Message) -> Value {
    serde_json::from_str(&message.to_jer()).unwrap()
}

#[test]
fn frames_published_by_others_come_back_in_each_of_their_editions_and_are_told_apart() {
    let Some(vectors) = shared("published_frames.jsonl") else {
        return;
    };
    let mut older_alone = 0;
    for vector in &vectors {
        let place = format!("{} {}", vector.place, vector.line["name"]);
        let editions = vector.line["editions"].as_array().unwrap();
        let of = |edition: Edition| editions.contains(&json!(edition.to_string()));
        let probe = Probe::of(&vector.octets);
        match (of(Edition::Y2019), of(Edition::Y2020)) {
            (true, true) => {
                assert_eq!(
                    (probe.y2019, probe.y2020),
                    (Fit::Same, Fit::Same),
                    "{place}"
                );
                assert_eq!(probe.found(), Found::Either, "{place}");
            }
            (true, false) => {
                older_alone += 1;
                assert_eq!(probe.y2019, Fit::Same, "{place}");
                assert_eq!(probe.found().edition(), Some(Edition::Y2019), "{place}");
                let message = Message::decode_as(Edition::Y2019, &vector.octets).unwrap();
                assert!(matches!(
                    message.kind(),
                    MessageKind::Map | MessageKind::Rsi
                ));
                let mut out = [0; 2_048];
                let len = message.encode_as_into(Edition::Y2019, &mut out).unwrap();
                // Width and paths are said in these frames, so nothing was lost on the way.
                assert_eq!(&out[..len], vector.octets, "{place}");
                eprintln!("{place}: {:?}", probe.found());
            }
            other => panic!("{place}: {other:?}"),
        }
    }
    assert_eq!(older_alone, 2);
}

#[test]
fn our_frames_are_never_taken_for_older_ones_that_say_something_else() {
    let mut sure = 0;
    let mut vectors = shared("day1_2020.jsonl").unwrap_or_else(|| own("day1_2020.jsonl"));
    vectors.extend(shared("day2_2020.jsonl").unwrap_or_else(|| own("day2_2020.jsonl")));
    for vector in &vectors {
        let found = Probe::of(&vector.octets).found();
        assert!(
            matches!(found, Found::Either) || found.edition() == Some(Edition::Y2020),
            "{}: {found:?}",
            vector.place
        );
        sure += usize::from(found == Found::Sure(Edition::Y2020));
    }
    eprintln!("{sure} of {} are surely ours", vectors.len());
    assert!(sure * 5 > vectors.len(), "{sure}");
}

#[test]
fn newer_senders_of_the_older_edition_are_met_as_well() {
    let Some(vectors) = shared("forward.jsonl") else {
        return;
    };
    // All frames of the set are valid in it; those with an initialPosition only in it.
    let with_position = |vector: &&Vector| vector.line.to_string().contains("initialPosition");
    assert_eq!(vectors.iter().filter(with_position).count(), 28);
    let mut refused = 0;
    for vector in &vectors {
        let place = &vector.place;
        let mut frame = MessageFrame::default();
        let decoded = uper::decode_keeping(&mut frame, &vector.octets);
        if vector.line["expect"] == "refuse" {
            let kind = decoded.expect_err(place).kind;
            assert!(
                matches!(
                    kind,
                    DecodeErrorKind::UnknownAlternative | DecodeErrorKind::UnknownEnumeral
                ),
                "{place}: {kind}"
            );
            refused += 1;
            continue;
        }
        let unknown = decoded.unwrap_or_else(|e| panic!("{place}: {e}"));
        let ours: Value = serde_json::from_str(&frame.to_jer()).unwrap();
        assert_eq!(&ours, vector.jer(), "{place}");
        let mut out = [0; 4_096];
        let len = uper::encode_with(&frame, &unknown, &mut out).unwrap();
        assert_eq!(&out[..len], vector.octets, "{place}");
    }
    assert_eq!((vectors.len(), refused), (749, 152));
}

#[test]
fn what_the_older_edition_says_otherwise_is_said_as_closely_as_ours_can() {
    let point = json!({"offsetLL": {"position-LL1": {"lon": 5, "lat": -9}}});
    let rsi = json!({"rsiFrame": {"msgCnt": 1, "id": "0102030405060708",
        "refPos": {"lat": 312870000, "long": 1211660000}, "rtes": [{"rteId": 1, "eventType": 707,
            "eventSource": "detection",
            "referencePaths": [{"activePath": [point], "pathRadius": 50}]}]}});
    let message = Message::decode_as(Edition::Y2019, &older(&rsi)).unwrap();
    let path = &jer_of(&message)["rsiFrame"]["rtes"][0]["referencePaths"][0]["activePath"];
    assert_eq!(path, &json!([point, point]));

    let link = json!({"upstreamNodeId": {"id": 1}, "lanes": [{"laneID": 1}]});
    let map = json!({"mapFrame": {"msgCnt": 1, "nodes": [{"id": {"id": 2},
        "refPos": {"lat": 1, "long": 2}, "inLinks": [link]}]}});
    let message = Message::decode_as(Edition::Y2019, &older(&map)).unwrap();
    let width = &jer_of(&message)["mapFrame"]["nodes"][0]["inLinks"][0]["linkWidth"];
    assert_eq!(width, 0);
    // And is ours now.
    assert_eq!(Message::decode(&encoded(&message)).unwrap(), message);
}

#[test]
fn what_ours_cannot_hold_and_what_the_older_edition_lacks_is_refused() {
    let node = json!({"id": {"id": 2}, "refPos": {"lat": 1, "long": 2}});
    let map = json!({"mapFrame": {"msgCnt": 1, "nodes": vec![node; 33]}});
    let error = Message::decode_as(Edition::Y2019, &older(&map)).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::NotInEdition);

    let test = json!({"msgFrameExt": {"messageId": 0, "value": {"msgCnt": 1, "userData": "00"}}});
    let test = Message::from_jer(&test.to_string()).unwrap();
    let error = test
        .encode_as_into(Edition::Y2019, &mut [0; 64])
        .unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::NotInEdition);
}

#[test]
fn signals_and_road_users_are_the_same_in_both_editions() {
    for vector in own("day1_2020.jsonl") {
        let message = Message::decode(&vector.octets).unwrap();
        if matches!(message.kind(), MessageKind::Spat | MessageKind::Rsm) {
            assert_eq!(Probe::of(&vector.octets).found(), Found::Either);
            assert_eq!(
                Message::decode_as(Edition::Y2019, &vector.octets).unwrap(),
                message
            );
        }
    }
}
