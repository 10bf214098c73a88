//! Orders as people write them, and every way to write them wrongly.

use proptest::prelude::*;
use serde_json::json;
use v2x_msg::base::NodeId;

use super::*;
use crate::services::fixture::crossing;

fn now() -> Utc {
    rfc3339("2026-12-31T15:59:00Z").unwrap()
}

fn read(value: &Value) -> Result<Asked, Vec<String>> {
    parse(value, &crossing(2, 2), now())
}

#[test]
fn an_event_on_a_lane_has_its_place_its_words_and_its_end() {
    let site = crossing(2, 2);
    let link = site.approaches().next().unwrap();
    let node = |node: NodeId| match node.region {
        Some(region) => json!(format!("{region}/{}", node.id)),
        None => json!(node.id),
    };
    let asked = read(&json!({
        "type": 501, "source": "police", "description": "前方施工", "level": 5,
        "confidence_percent": 90, "radius_m": 12,
        "on": { "upstream": node(link.upstream), "downstream": node(link.downstream),
                "lanes": [1], "from_stop_line_m": 30, "length_m": 20 },
        "lasts_s": 120,
    }))
    .unwrap();
    let Entry::Event(event) = asked.entry else {
        panic!("{asked:?}")
    };
    assert_eq!(event.event_type, EventType::WORKS);
    assert_eq!(event.source, EventSource::Police);
    let place = event.place.unwrap();
    assert_eq!((place.paths().len(), place.links().len()), (1, 1));
    assert!(event.pos.is_some());
    // Over New Year in Beijing, not in UTC.
    assert_eq!(asked.until, rfc3339("2027-01-01T00:01:00+08:00"));
}

#[test]
fn a_sign_has_its_code_its_words_and_its_place_and_nothing_of_an_event() {
    let links = json!([{ "upstream": 1, "downstream": 2 }]);
    let asked = read(&json!({
        "kind": "sign", "type": 38, "code": "0000000000000038", "text": "正在施工",
        "level": 3, "links": links, "lasts_s": 60,
    }))
    .unwrap();
    let Entry::Sign(sign) = asked.entry else {
        panic!("{asked:?}")
    };
    assert_eq!((sign.sign_type, sign.text.code()), (38, "0000000000000038"));
    assert_eq!(sign.text.text(), b"\xd5\xfd\xd4\xda\xca\xa9\xb9\xa4");
    assert_eq!(sign.level, Level::new(3).ok());
    assert_eq!(
        asked.until,
        Some(now() + std::time::Duration::from_secs(60))
    );
    let faulty = |more: Value, fault: &str| {
        let mut body = json!({ "kind": "sign", "type": 38, "code": "0000000000000038" });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let faults = read(&body).unwrap_err();
        assert!(
            faults.iter().any(|told| told.starts_with(fault)),
            "{fault}: {faults:?}"
        );
    };
    faulty(json!({}), "on: is missing");
    faulty(
        json!({ "position": { "east_m": 1, "north_m": 1 } }),
        "on: is missing",
    );
    faulty(json!({ "radius_m": 3 }), "radius_m: is for events");
    faulty(json!({ "code": "38" }), "code, text: ");
    faulty(json!({ "code": null }), "code: is missing");
    faulty(json!({ "text": "龍" }), "code, text: ");
    faulty(json!({ "kind": "signs" }), "kind: must be");
    faulty(json!({ "kind": "event" }), "code: is for signs");
}

#[test]
fn every_fault_is_told_and_nothing_is_guessed() {
    let faults = read(&json!({
        "type": 0, "source": "me", "level": 8, "description": 3, "colour": "red",
        "position": { "lat_deg": 0, "lon_deg": 0 }, "until": "soon", "lasts_s": 3,
        "links": [{ "upstream": -1, "downstream": 1, "lanes": [16] }],
        "path": { "points": [] },
    }))
    .unwrap_err();
    for begin in [
        "type: must",
        "source: must",
        "level: must",
        "description: must",
        "colour: unknown",
        "position: is more than",
        "until: must",
        "links.upstream: must",
        "links.lanes: must",
        "path.radius_m: is missing",
    ] {
        let told = faults.iter().any(|fault| fault.starts_with(begin));
        assert!(told, "{begin}: {faults:#?}");
    }
    assert!(read(&json!([])).is_err());
    let nowhere = read(&json!({ "type": 501 })).unwrap_err();
    assert_eq!(nowhere.len(), 1, "{nowhere:?}");
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = include_str!("../../../../docs/events.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let known_in = |value: &Value, begin: &str| {
        let faults = read(value).unwrap_err();
        let told = faults.iter().find_map(|fault| fault.strip_prefix(begin));
        let told = told.unwrap_or_else(|| panic!("{begin}: {faults:?}"));
        let mut keys: Vec<String> = told.split(", ").map(str::to_owned).collect();
        keys.sort();
        keys
    };
    let keys = |schema: &Value| {
        let properties = schema["properties"].as_object().unwrap().keys();
        properties.cloned().collect::<Vec<_>>()
    };
    let of = |key: &str| &schema["properties"][key];
    let body = |key: &str| json!({ "type": 1, key: { "x": 0 } });
    assert_eq!(
        known_in(&json!({ "x": 0 }), "x: unknown; known here: "),
        keys(&schema)
    );
    for key in ["on", "path"] {
        let begin = format!("{key}.x: unknown; known here: ");
        assert_eq!(known_in(&body(key), &begin), keys(of(key)), "{key}");
    }
    let position = keys(&schema["$defs"]["position"]);
    let begin = "position.x: unknown; known here: ";
    assert_eq!(known_in(&body("position"), begin), position);
    let links = json!({ "type": 1, "links": [{ "x": 0 }] });
    let begin = "links.x: unknown; known here: ";
    assert_eq!(known_in(&links, begin), keys(&of("links")["items"]));
}

#[test]
fn an_end_in_the_past_or_beyond_a_year_is_refused() {
    let at = json!({ "east_m": 1, "north_m": 1 });
    for until in ["2026-12-31T15:59:00Z", "2028-01-03T00:00:00Z"] {
        let body = json!({ "type": 501, "position": at, "until": until });
        assert_eq!(read(&body).unwrap_err().len(), 1, "{until}");
    }
}

#[test]
fn moments_are_those_of_rfc_3339() {
    let at = |text| rfc3339(text).map(Utc::unix_ms);
    assert_eq!(at("1970-01-01T08:00:00.250+08:00"), Some(250));
    assert_eq!(at("1969-12-31T23:00:00-01:00"), Some(0));
    for wrong in [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:00+8:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01Tab:00:00Z",
    ] {
        assert_eq!(at(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,60}") {
        let _ = rfc3339(&text);
        let _ = read(&json!({ "type": text, "until": text, "description": text, "on": text }));
    }
}
