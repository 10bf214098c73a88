//! The serde view: what JSON gets is what JER says, and other formats give back what they got.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, own, shared};
use serde_json::{Value, json};
use v2x_msg::Message;
use v2x_msg::asn::{AllowedManeuvers, LightState, MsgCount};

/// Frames of every kind, additions among them.
fn vectors() -> Vec<Vector> {
    let mut vectors = shared("day1_2020.jsonl").unwrap_or_else(|| own("day1_2020.jsonl"));
    vectors.extend(shared("day2_2020.jsonl").unwrap_or_else(|| own("day2_2020.jsonl")));
    vectors
}

#[test]
fn json_by_serde_is_jer() {
    for vector in vectors() {
        let place = &vector.place;
        let message = Message::decode(&vector.octets).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), message.to_jer());
        let read: Message = serde_json::from_value(vector.jer().clone())
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(read, message, "{place}");
    }
}

/// CBOR writes names, and is not for people: octets are bytes, absent members are null.
#[test]
fn messages_go_through_cbor() {
    for vector in vectors() {
        let message = Message::decode(&vector.octets).unwrap();
        let mut octets = Vec::new();
        ciborium::into_writer(&message, &mut octets).unwrap();
        let read: Message = ciborium::from_reader(&octets[..])
            .unwrap_or_else(|error| panic!("{}: {error}", vector.place));
        assert_eq!(read, message, "{}", vector.place);
    }
}

/// MessagePack leaves the names out: each member has its place.
#[test]
fn messages_go_through_message_pack() {
    let (mut packed, mut jer) = (0, 0);
    for vector in vectors() {
        let message = Message::decode(&vector.octets).unwrap();
        let octets = rmp_serde::to_vec(&message).unwrap();
        let read: Message = rmp_serde::from_slice(&octets)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.place));
        assert_eq!(read, message, "{}", vector.place);
        packed += octets.len();
        jer += message.to_jer().len();
    }
    assert!(packed * 2 < jer, "{packed} octets, {jer} as JSON");
}

#[test]
fn single_types_have_views_of_their_own() {
    assert_eq!(serde_json::to_value(MsgCount(5)).unwrap(), 5);
    assert_eq!(
        serde_json::to_value(LightState::FlashingRed).unwrap(),
        "flashing-red"
    );
    assert_eq!(
        serde_json::to_value(AllowedManeuvers::MANEUVER_STRAIGHT_ALLOWED).unwrap(),
        "8000"
    );
    let read: AllowedManeuvers = serde_json::from_value(json!("c000")).unwrap();
    assert!(read.has(AllowedManeuvers::MANEUVER_LEFT_ALLOWED));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let spat = |id: Value, light: Value| {
        json!({"spatFrame": {"msgCnt": 7, "intersections": [{
            "intersectionId": {"id": 1}, "status": "0400", "phases": [
                {"id": id, "phaseStates": [{"light": light}]}]}]}})
    };
    let refusal = |jer: Value| {
        let read: Result<Message, _> = serde_json::from_value(jer);
        read.unwrap_err().to_string()
    };
    let good: Message = serde_json::from_value(spat(json!(3), json!("red"))).unwrap();
    assert_eq!(good.msg_cnt(), 7);
    assert!(refusal(spat(json!(256), json!("red"))).contains("256"));
    assert!(refusal(spat(json!(3), json!("purple"))).contains("purple"));
    assert_eq!(
        refusal(json!({"spatFrame": {"msgCnt": 128}})),
        "128 is not in 0..=127"
    );
    assert!(refusal(json!({"spatFrame": {"msgCnt": 1, "intersections": []}})).contains("length 0"));
    assert!(refusal(json!({"spatFrame": {"msgCnt": 1}})).contains("intersections"));
    assert!(refusal(json!({"spatFrame": {"msgcnt": 1}})).contains("msgcnt"));
    assert!(refusal(json!({"fooFrame": {}})).contains("fooFrame"));
    let unknown = json!({"msgFrameExt": {"messageId": 9, "value": {}}});
    assert!(refusal(unknown).contains("messageId 9"));
}
