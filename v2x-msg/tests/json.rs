//! The JSON view where it is more than names and numbers: errors with their place, sizes beyond
//! this edition, and spelling.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, encoded, own};
use serde_json::{Value, json};
use v2x_msg::Message;
use v2x_msg::jer::Values;

/// The first vector of that frame, and where its message begins.
fn vector(frame: &str) -> Value {
    let vectors = own("day1_2020.jsonl");
    vectors
        .iter()
        .map(Vector::jer)
        .find(|jer| jer.get(frame).is_some())
        .unwrap()
        .clone()
}

fn spat() -> Value {
    json!({"spatFrame": {"msgCnt": 7, "intersections": [
        {"intersectionId": {"id": 1}, "status": "0400", "phases": [
            {"id": 1, "phaseStates": [{"light": "red"}]},
            {"id": 2, "phaseStates": [{"light": "flashing-green", "timing": {
                "counting": {"startTime": 0, "likelyEndTime": 120}}}]},
        ]},
    ]}})
}

/// What is said when `value` stands at that JSON pointer.
fn refusal(pointer: &str, value: Value) -> String {
    let mut jer = spat();
    *jer.pointer_mut(pointer).unwrap() = value;
    Message::from_jer(&jer.to_string()).unwrap_err().to_string()
}

const PHASE: &str = "/spatFrame/intersections/0/phases/1";

#[test]
fn an_error_says_where_and_what() {
    assert!(Message::from_jer(&spat().to_string()).is_ok());
    assert_eq!(
        refusal(&format!("{PHASE}/id"), json!(256)),
        "spatFrame.intersections[0].phases[1].id: 256 is not in 0..=255"
    );
    assert_eq!(
        refusal(&format!("{PHASE}/id"), json!(2.5)),
        "spatFrame.intersections[0].phases[1].id: expected a whole number"
    );
    assert_eq!(
        refusal(&format!("{PHASE}/phaseStates/0/light"), json!("green")),
        "spatFrame.intersections[0].phases[1].phaseStates[0].light: unknown name \"green\""
    );
    assert_eq!(
        refusal(
            &format!("{PHASE}/phaseStates/0/timing/counting"),
            json!({"startTime": 0})
        ),
        "spatFrame.intersections[0].phases[1].phaseStates[0].timing.counting: \
         member likelyEndTime is missing"
    );
    assert_eq!(
        refusal("/spatFrame/intersections/0/status", json!("04")),
        "spatFrame.intersections[0].status: expected hexadecimal digits, as many as the type has"
    );
    assert_eq!(
        refusal("/spatFrame/intersections", json!([])),
        "spatFrame.intersections: shorter than 1"
    );
    assert_eq!(
        refusal("/spatFrame/intersections", json!(vec![0; 33])),
        "spatFrame.intersections: longer than 32"
    );
    assert_eq!(
        refusal("", json!({"psmFrame": {}})),
        "unknown name \"psmFrame\""
    );
    assert_eq!(refusal("", json!([1])), "expected an object of one member");
}

#[test]
fn an_unknown_member_is_refused_by_name() {
    let mut jer = spat();
    jer["spatFrame"]["timestamp"] = json!(4567);
    let error = Message::from_jer(&jer.to_string()).unwrap_err();
    assert_eq!(error.to_string(), "spatFrame: unknown name \"timestamp\"");
}

#[test]
fn members_may_stand_in_any_order_and_be_written_with_escapes_but_not_twice() {
    let text = r#" { "spatFrame" : { "intersections" : [ { "phases" : [ { "phaseStates" :
        [ { "light" : "r\u0065d" } ] , "id" : 1 } ] , "status" : "0400" , "intersectionId" :
        { "id" : 1 } } ] , "msg\u0043nt" : 7 } } "#;
    let message = Message::from_jer(text).unwrap();
    let plain = r#"{"spatFrame":{"msgCnt":7,"intersections":[{"intersectionId":{"id":1},"status":"0400","phases":[{"id":1,"phaseStates":[{"light":"red"}]}]}]}}"#;
    assert_eq!(message.to_jer(), plain);

    let twice = plain.replace("\"msgCnt\":7", "\"msgCnt\":7,\"msgCnt\":8");
    let error = Message::from_jer(&twice).unwrap_err();
    assert_eq!(error.to_string(), "spatFrame: member msgCnt is there twice");
    let many: Vec<_> = (0..60).map(|n| format!("\"m{n}\":0")).collect();
    let many = format!("{{\"spatFrame\":{{{}}}}}", many.join(","));
    let error = Message::from_jer(&many).unwrap_err();
    assert!(
        error.to_string().starts_with("spatFrame: unknown name"),
        "{error}"
    );
}

#[test]
fn messages_stream_into_a_file_and_out_of_it() {
    let vectors = own("day2_2020.jsonl");
    let mut file = Vec::new();
    for vector in &vectors {
        let message = Message::decode(&vector.octets).unwrap();
        message.write_jer_to(&mut file).unwrap();
        file.extend(b"\n");
    }
    // In pieces, as a pipe gives them.
    let mut values = Values::new(std::io::BufReader::with_capacity(77, &file[..]), 1 << 16);
    let mut count = 0;
    while let Some(text) = values.next_text().unwrap() {
        let message = Message::from_jer(text).unwrap();
        assert_eq!(encoded(&message), vectors[count].octets);
        count += 1;
    }
    assert_eq!(count, vectors.len());

    let mut full = &mut [0; 10][..];
    let error = Message::default().write_jer_to(&mut full).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
}

#[test]
fn text_that_is_not_json_is_refused_with_line_and_column() {
    let error = Message::from_jer("{\n  \"spatFrame\": ?").unwrap_err();
    assert_eq!(error.to_string(), "not JSON, line 2 column 16");
    let deep = "[".repeat(100_000);
    assert!(
        Message::from_jer(&deep)
            .unwrap_err()
            .to_string()
            .starts_with("not JSON")
    );
}

#[test]
fn members_stand_in_the_order_of_the_type() {
    let text = Message::from_jer(&spat().to_string()).unwrap().to_jer();
    assert!(
        text.starts_with("{\"spatFrame\":{\"msgCnt\":7,\"intersections\":[{\"intersectionId\":")
    );
}

#[test]
fn a_name_with_quotes_and_control_characters_comes_back() {
    let mut jer = spat();
    jer["spatFrame"]["name"] = json!("a \"b\" \\ c\u{1}\n\u{7f}");
    let message = Message::from_jer(&jer.to_string()).unwrap();
    let message = Message::decode(&encoded(&message)).unwrap();
    let ours: Value = serde_json::from_str(&message.to_jer()).unwrap();
    assert_eq!(ours, jer);
    jer["spatFrame"]["name"] = json!("曹安公路");
    let error = Message::from_jer(&jer.to_string()).unwrap_err();
    assert_eq!(error.to_string(), "spatFrame.name: expected ASCII text");
}

#[test]
fn upper_case_digits_are_read_and_lower_case_ones_written() {
    let mut jer = vector("rsmFrame");
    jer["rsmFrame"]["id"] = json!("00ABCDEF01234567");
    let message = Message::from_jer(&jer.to_string()).unwrap();
    jer["rsmFrame"]["id"] = json!("00abcdef01234567");
    assert_eq!(
        serde_json::from_str::<Value>(&message.to_jer()).unwrap(),
        jer
    );
}

#[test]
fn flags_of_a_newer_sender_are_kept_with_their_length() {
    let mut jer = vector("bsmFrame");
    let flags = |value, length: u32| json!({"value": value, "length": length});
    for (read, written) in [
        (flags("94187f", 24), flags("94187f", 24)),
        (flags("fedcba9876543210", 64), flags("fedcba9876543210", 64)),
        // As long as the root, or shorter: the root.
        (flags("9418", 13), json!("9418")),
        (flags("a0", 3), json!("a000")),
    ] {
        jer["bsmFrame"]["safetyExt"] = json!({"events": read});
        let message = Message::from_jer(&jer.to_string()).unwrap();
        let message = Message::decode(&encoded(&message)).unwrap();
        let ours: Value = serde_json::from_str(&message.to_jer()).unwrap();
        assert_eq!(ours["bsmFrame"]["safetyExt"]["events"], written);
    }
    jer["bsmFrame"]["safetyExt"] = json!({"events": "9419"});
    let error = Message::from_jer(&jer.to_string()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bsmFrame.safetyExt.events: expected zeros behind the last bit"
    );
}
