//! Frames on whose octets and values independent encoders agree, against ours.
//!
//! `tests/data/` holds a selection that was made for this project; the whole set runs where it
//! lies beside the project.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, encoded, own, shared};
use serde_json::{Value, json};
use v2x_msg::asn::{MessageFrame, MsgCount};
use v2x_msg::uper::DecodeErrorKind::{self, UnknownAlternative, UnknownEnumeral};
use v2x_msg::{Message, MessageKind, uper};

#[test]
fn day_one_frames_decode_to_the_given_values_and_encode_to_the_given_octets() {
    let vectors = own("day1_2020.jsonl");
    assert_eq!(vectors.len(), 40);
    vectors.iter().for_each(agrees_both_ways);
}

#[test]
fn the_whole_set_of_day_one_frames_agrees_as_well() {
    let Some(vectors) = shared("day1_2020.jsonl") else {
        return;
    };
    assert_eq!(vectors.len(), 600);
    vectors.iter().for_each(agrees_both_ways);
}

#[test]
fn day_two_frames_decode_to_the_given_values_and_encode_to_the_given_octets() {
    let vectors = own("day2_2020.jsonl");
    assert_eq!(vectors.len(), 33);
    vectors.iter().for_each(agrees_both_ways);
}

#[test]
fn the_whole_set_of_day_two_frames_agrees_as_well() {
    let Some(vectors) = shared("day2_2020.jsonl") else {
        return;
    };
    assert_eq!(vectors.len(), 474);
    vectors.iter().for_each(agrees_both_ways);
}

fn agrees_both_ways(vector: &Vector) {
    let place = &vector.place;
    let message = Message::decode(&vector.octets).unwrap_or_else(|e| panic!("{place}: {e}"));
    let ours: Value = serde_json::from_str(&message.to_jer()).unwrap();
    assert_eq!(&ours, vector.jer(), "{place}");
    let read =
        Message::from_jer(&vector.jer().to_string()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(read, message, "{place}");
    assert_eq!(encoded(&read), vector.octets, "{place}");
    let (frame, within) = match message.kind() {
        MessageKind::Bsm => ("bsmFrame", ""),
        MessageKind::Map => ("mapFrame", ""),
        MessageKind::Rsm => ("rsmFrame", ""),
        MessageKind::Spat => ("spatFrame", ""),
        MessageKind::Rsi => ("rsiFrame", ""),
        MessageKind::Test => ("testData", "value"),
        MessageKind::Rtcm => ("rtcmData", "value"),
        MessageKind::Rsc => ("rscData", "value"),
        MessageKind::Ssm => ("ssmData", "value"),
        MessageKind::Vir => ("virData", "value"),
        MessageKind::Pam => ("pamData", "value"),
        MessageKind::Psm => ("psmData", "value"),
        MessageKind::Clpmm => ("clpmmData", "value"),
        MessageKind::Vpm => ("vpmData", "value"),
    };
    assert_eq!(vector.line["frame"], frame, "{place}");
    let content = match within {
        "" => &vector.jer()[frame],
        within => &vector.jer()["msgFrameExt"][within],
    };
    assert_eq!(content["msgCnt"], message.msg_cnt(), "{place}");
}

/// Node has two additions, and each may be there without the other.
#[test]
fn additions_may_be_there_in_part() {
    let node = |additions: Value| {
        let mut node = json!({"id": {"id": 7}, "refPos": {"lat": 1, "long": 2}});
        let object = node.as_object_mut().unwrap();
        object.extend(additions.as_object().unwrap().clone());
        let map = json!({"mapFrame": {"msgCnt": 0, "nodes": [node, {"id": {"id": 8},
            "refPos": {"lat": 3, "long": 4}}]}});
        Message::from_jer(&map.to_string()).unwrap()
    };
    let links = json!([{"upstreamNodeId": {"id": 9}, "sections": [{"secId": 1,
        "lanes": [{"laneRefID": -1}]}]}]);
    let cases = [
        json!({}),
        json!({"inLinks-ex": links}),
        json!({"prohibitedzone": {}}),
        json!({"inLinks-ex": links, "prohibitedzone": {}}),
    ];
    let mut used = Message::default();
    let mut lengths = Vec::new();
    for case in cases {
        let message = node(case);
        let octets = encoded(&message);
        used.decode_into(&octets).unwrap();
        assert_eq!(used, message);
        lengths.push(octets.len());
    }
    // Seven bits for their number, two for which are there; each has a length of its own.
    assert_eq!(lengths, [24, 34, 27, 36]);
}

#[test]
fn messages_and_kinds_of_frames_that_we_do_not_know_are_refused_by_name() {
    // The second alternative beyond the root; a message 9 of Day II.
    let alternative = Message::decode(&[0x81, 0x01, 0x00]).unwrap_err();
    assert_eq!(alternative.kind, UnknownAlternative);
    let message = Message::decode(&[0x80, 0x05, 0x00, 0x09, 0x02, 0x00, 0x00]).unwrap_err();
    assert_eq!(message.kind, DecodeErrorKind::UnknownMessage);
    assert_eq!(message.path.to_string(), "msgFrameExt.value");
    let jer = r#"{"msgFrameExt": {"messageId": 9, "value": {}}}"#;
    let error = Message::from_jer(jer).unwrap_err().to_string();
    assert_eq!(error, "msgFrameExt: unknown name \"messageId 9\"");
}

#[test]
fn a_message_used_again_holds_nothing_of_the_one_before() {
    let mut vectors = shared("day1_2020.jsonl").unwrap_or_else(|| own("day1_2020.jsonl"));
    vectors.extend(shared("day2_2020.jsonl").unwrap_or_else(|| own("day2_2020.jsonl")));
    let mut used = Message::default();
    // Forth by kind, then back in strides: long after short, short after long, kinds mixed.
    let strides = (0..vectors.len()).map(|n| n * 7 % vectors.len());
    for index in (0..vectors.len()).chain(strides) {
        let vector = &vectors[index];
        used.decode_into(&vector.octets).unwrap();
        assert_eq!(
            used,
            Message::decode(&vector.octets).unwrap(),
            "{}",
            vector.place
        );
        assert_eq!(encoded(&used), vector.octets, "{}", vector.place);
    }
}

#[test]
fn frames_published_by_others_come_back_octet_by_octet() {
    let Some(vectors) = shared("published_frames.jsonl") else {
        return;
    };
    let of_2020 = |vector: &&Vector| {
        vector.line["editions"]
            .as_array()
            .unwrap()
            .contains(&Value::from("2020"))
    };
    let mut count = 0;
    for vector in vectors.iter().filter(of_2020) {
        let place = format!("{} {}", vector.place, vector.line["name"]);
        let message = Message::decode(&vector.octets).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!(encoded(&message), vector.octets, "{place}");
        let read = Message::from_jer(&message.to_jer()).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!(read, message, "{place}");
        count += 1;
    }
    assert!(count >= 5, "{count} frames of the edition");
}

#[test]
fn additions_of_newer_senders_are_skipped_and_values_of_theirs_refused() {
    let vectors = own("forward.jsonl");
    assert_eq!(vectors.len(), 24);
    let refused: Vec<_> = vectors.iter().filter_map(meets_a_newer_sender).collect();
    assert_eq!(refused.len(), 6);
    assert!(
        refused
            .iter()
            .all(|kind| matches!(kind, UnknownAlternative | UnknownEnumeral))
    );
}

#[test]
fn what_was_not_understood_stays_where_it_was_when_numbers_change() {
    let mut changed = 0;
    for vector in own("forward.jsonl") {
        let mut frame = MessageFrame::default();
        let Ok(unknown) = uper::decode_keeping(&mut frame, &vector.octets) else {
            continue;
        };
        let MessageFrame::SpatFrame(spat) = &mut frame else {
            continue;
        };
        assert!(!unknown.is_empty());
        spat.msg_cnt = MsgCount(127 - spat.msg_cnt.0);
        let mut out = [0; 4_096];
        let len = uper::encode_with(&frame, &unknown, &mut out).unwrap();
        // All seven bits of the count are others, and nothing else is.
        let differing = out[..len]
            .iter()
            .zip(&vector.octets)
            .map(|(ours, theirs)| (ours ^ theirs).count_ones())
            .sum::<u32>();
        assert_eq!((len, differing), (vector.octets.len(), 7));
        changed += 1;
    }
    assert!(changed >= 3, "{changed}");
}

#[test]
fn the_whole_set_of_newer_senders_is_met_as_well() {
    let Some(vectors) = shared("forward.jsonl") else {
        return;
    };
    // Those with an initialPosition were made from the edition of 2019-07-24, whose
    // FullPositionVector has other members than that of 2020.
    let of_2019 = |vector: &&Vector| vector.line.to_string().contains("initialPosition");
    assert_eq!(vectors.iter().filter(of_2019).count(), 28);
    let vectors: Vec<_> = vectors.iter().filter(|vector| !of_2019(vector)).collect();
    assert_eq!(vectors.len(), 721);
    let refused: Vec<_> = vectors
        .into_iter()
        .filter_map(meets_a_newer_sender)
        .collect();
    // Three more of that edition may hide among those without values.
    let unknown = [UnknownAlternative, UnknownEnumeral];
    assert_eq!(refused.len(), 152);
    assert!(refused.iter().filter(|kind| unknown.contains(kind)).count() >= 149);
}

/// Checks one line, and gives why the frame was refused if it had to be.
fn meets_a_newer_sender(vector: &Vector) -> Option<DecodeErrorKind> {
    let place = &vector.place;
    let decoded = Message::decode(&vector.octets);
    match vector.line["expect"].as_str() {
        Some("skip unknown additions") => {
            let message = decoded.unwrap_or_else(|e| panic!("{place}: {e}"));
            let ours: Value = serde_json::from_str(&message.to_jer()).unwrap();
            assert_eq!(&ours, vector.jer(), "{place}");
            let keeping = Message::decode_keeping(&vector.octets).unwrap();
            assert_eq!(keeping, message, "{place}");
            assert_eq!(encoded(&keeping), vector.octets, "{place}");
            None
        }
        Some("refuse") => Some(decoded.expect_err(place).kind),
        other => panic!("{place}: {other:?}"),
    }
}
