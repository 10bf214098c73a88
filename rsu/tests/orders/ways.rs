//! The ways in which people order: over HTTP, at the control socket, and as a ready-made RSI.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use serde_json::{Value, json};
use v2x_msg::Message;
use v2x_msg::base::StationId;
use v2x_msg::kinds::Rsi;

use crate::unit::{LONG, TOKEN, Unit, heard, rsu, works};

#[test]
fn an_order_goes_on_air_and_survives_a_power_cut_with_its_id() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let (code, told) = unit.order("POST", "/api/v1/events", &works());
    assert_eq!(code, 201, "{told}");
    let id = told["rte_id"].as_u64().unwrap();
    let event = unit.hear(id, |_| true);
    assert_eq!(
        event.description.unwrap().bytes(),
        b"\xc7\xb0\xb7\xbd\xca\xa9\xb9\xa4"
    );
    assert_eq!(event.place.unwrap().paths()[0].points.len(), 2);
    let mut other = works();
    other["type"] = json!(707);
    let (_, second) = unit.order("POST", "/api/v1/events", &other);
    let path = format!("/api/v1/events/{}", second["number"]);
    let (code, told) = unit.order("PATCH", &path, &json!({ "level": 7 }));
    assert_eq!((code, &told["rte_id"]), (200, &second["rte_id"]), "{told}");
    unit.kill();

    unit.up();
    unit.hear(id, |event| event.event_type.0 == 501);
    let second_id = second["rte_id"].as_u64().unwrap();
    unit.hear(second_id, |event| {
        event.level.is_some_and(|level| level.value() == 7)
    });
    let (code, _) = unit.order("DELETE", &path, &Value::Null);
    assert_eq!(code, 200);
    // Receivers drop it at once: it is sent with its end.
    unit.hear(second_id, |event| event.validity.end.is_some());
    unit.kill();

    unit.up();
    unit.until_told("stand again");
    assert_eq!(unit.standing().len(), 1);
    assert_eq!(unit.http("GET", &path, &[], "").0, 404);
}

#[test]
fn without_the_token_nobody_orders_over_http() {
    let mut unit = Unit::new("");
    unit.up();
    let body = works().to_string();
    let token = format!("authorization: Bearer {TOKEN}");
    assert_eq!(unit.http("POST", "/api/v1/events", &[&token], &body).0, 403);
    unit.kill();

    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    for header in [
        "x: y",
        "authorization: Bearer wrong",
        "authorization: Basic eA==",
    ] {
        let (code, head, _) = unit.http("POST", "/api/v1/events", &[header], &body);
        assert_eq!(
            (code, head.contains("www-authenticate: bearer")),
            (401, true)
        );
    }
    assert_eq!(unit.http("DELETE", "/api/v1/events/1", &[], "").0, 401);
    // The file is read anew; a token that anybody could guess is none.
    fs::write(unit.folder.join("token"), "short").unwrap();
    assert_eq!(
        unit.http(
            "POST",
            "/api/v1/events",
            &["authorization: Bearer short"],
            &body
        )
        .0,
        403
    );
    fs::write(unit.folder.join("token"), TOKEN).unwrap();
    assert_eq!(unit.standing().len(), 0);
    assert_eq!(unit.order("POST", "/api/v1/events", &works()).0, 201);
}

#[test]
fn nonsense_is_refused_with_its_reasons() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let token = format!("authorization: Bearer {TOKEN}");
    let deep = "[".repeat(10_000);
    let long = format!("{{\"description\":\"{}\"}}", "x".repeat(20_000));
    for (body, code) in [
        ("", 400),
        ("{", 400),
        ("nul", 400),
        (&deep, 400),
        ("[]", 422),
        ("{}", 422),
        (&long, 413),
    ] {
        let (given, _, told) = unit.http("POST", "/api/v1/events", &[&token], body);
        assert_eq!(given, code, "{told}");
    }
    let twice = r#"{"type": 501, "level": 4, "on": {"lane": 1, "lane": 2}, "level": 7}"#;
    let (code, _, told) = unit.http("POST", "/api/v1/events", &[&token], twice);
    assert_eq!(code, 422);
    let told = told["error"].as_str().unwrap();
    for key in ["on.lane", "level"] {
        assert!(told.contains(&format!("{key}: stands twice")), "{told}");
    }
    let bad =
        json!({ "type": 501, "on": { "upstream": 11, "downstream": 10, "from_stop_line_m": 1e6 } });
    let (code, told) = unit.order("POST", "/api/v1/events", &bad);
    assert_eq!(code, 422);
    assert!(
        told["error"]
            .as_str()
            .unwrap()
            .contains("on.from_stop_line_m"),
        "{told}"
    );
    let key = "idempotency-key: with blanks inside";
    assert_eq!(
        unit.http("POST", "/api/v1/events", &[&token, key], "{}").0,
        400
    );
    for hex in ["", "zz", "00", "4fffffffffffffffffffffffffffffff"] {
        let (code, told) = unit.order("POST", "/api/v1/events/rsi", &json!({ "hex": hex }));
        assert!((400..423).contains(&code), "{hex}: {code} {told}");
    }
    assert_eq!(unit.standing().len(), 0);
    let (_, status) = unit.order("GET", "/api/v1/status", &Value::Null);
    assert!(
        status["orders"]["refused"].as_u64().unwrap() >= 4,
        "{status}"
    );
}

#[test]
fn the_control_socket_is_for_its_user_and_the_command_speaks_there() {
    let mut unit = Unit::new("");
    unit.up();
    let socket = unit.folder.join("control");
    unit.until("the socket", || socket.exists());
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let added = unit.event(&[
        "add",
        "--type",
        "501",
        "--on",
        "11-10:1@80+40",
        "--description",
        "施工",
        "--lasts-s",
        "600",
        "--key",
        "k1",
    ]);
    assert!(added.status.success(), "{added:?}");
    let told: Value = serde_json::from_slice(&added.stdout).unwrap();
    let number = told["number"].as_u64().unwrap().to_string();
    let end = unit
        .hear(told["rte_id"].as_u64().unwrap(), |_| true)
        .validity
        .end;
    assert!(end.is_some());
    let list = unit.event(&["list"]);
    let lines = String::from_utf8(list.stdout).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(unit.event(&["show", &number]).status.success());
    let refused = unit.event(&["add", "--type", "501"]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("position: is missing"));
    assert!(unit.event(&["end", &number]).status.success());
    assert_eq!(unit.event(&["end", &number]).status.code(), Some(65));
    let sign = unit.event(&[
        "add",
        "--sign",
        "38",
        "--code",
        "0000000000000038",
        "--text",
        "正在施工",
        "--on",
        "11-10@200",
    ]);
    assert!(sign.status.success(), "{sign:?}");
    let told: Value = serde_json::from_slice(&sign.stdout).unwrap();
    let id = told["rts_id"].as_u64().unwrap();
    let number = told["number"].as_u64().unwrap().to_string();
    let up = unit.hear_sign(id, |_| true);
    assert_eq!((up.sign_type, up.text.code()), (38, "0000000000000038"));
    assert!(unit.event(&["end", &number]).status.success());
    unit.hear_sign(id, |sign| sign.validity.end.is_some());
    let codeless = unit.event(&["add", "--sign", "38", "--on", "11-10@200"]);
    assert_eq!(codeless.status.code(), Some(64));
    let mut nowhere = rsu();
    nowhere.args(["event", "--control", "/nonexistent", "list"]);
    assert_eq!(nowhere.output().unwrap().status.code(), Some(66));
    // Bytes that are no question.
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    stream.write_all(b"\xff\xff{\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.contains("\"code\":400"), "{line}");
}

#[test]
fn a_ready_made_rsi_is_told_as_the_units_own_once_for_each_key() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    // The shipped site's own works, heard on air.
    let start = Instant::now();
    let mut buffer = [0; 2000];
    let own = loop {
        assert!(start.elapsed() < LONG);
        let Ok(length) = unit.air.recv(&mut buffer) else {
            continue;
        };
        let rsi = heard(&buffer[..length]).and_then(|(_, message)| Rsi::read(&message).ok());
        if let Some(rsi) = rsi.filter(|rsi| !rsi.events().is_empty()) {
            break rsi;
        }
    };
    let digits = |id: StationId| {
        let events = own.events().iter().cloned();
        let rsi = Rsi::of_events(own.msg_cnt, id, own.ref_pos, events).unwrap();
        let mut message = Message::default();
        rsi.fill(&mut message);
        let mut bytes = [0; 1400];
        let length = message.encode_into(&mut bytes).unwrap();
        let digits = bytes[..length].iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    // What it has said itself is nothing new to it.
    assert!(!unit.event(&["rsi", &digits(own.id)]).status.success());
    assert_eq!(unit.standing().len(), 0);
    // As if another unit had sent them.
    let hex = digits(StationId(*b"elsewher"));
    let token = format!("authorization: Bearer {TOKEN}");
    let body = json!({ "hex": hex }).to_string();
    let ask = |key: &str| {
        let key = format!("idempotency-key: {key}");
        unit.http("POST", "/api/v1/events/rsi", &[&token, &key], &body)
    };
    let (code, _, told) = ask("one");
    assert_eq!(code, 200, "{told}");
    // The same fact from two sources is one event, with the site's id.
    assert_eq!(told["standing"][0]["rte_id"], json!(1), "{told}");
    let (code, head, again) = ask("one");
    assert_eq!((code, &again), (200, &told));
    assert!(head.contains("idempotency-replayed: true"), "{head}");
    assert_eq!(unit.standing().len(), 1);
    // Known by its sender and id, it is renewed and not doubled.
    let (_, _, renewed) = ask("two");
    assert_eq!(
        renewed["standing"][0]["number"],
        told["standing"][0]["number"]
    );
    assert_eq!(unit.standing().len(), 1);
    let printed = unit.event(&["rsi", &hex]);
    assert!(printed.status.success(), "{printed:?}");
}
