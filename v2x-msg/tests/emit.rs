//! The emitter: that our ASN.1 says what the type table of the standard says, that names come out
//! as promised, and that what cannot be encoded is refused while it is being built.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]
#![allow(unreachable_pub, reason = "the emitter belongs to the build script")]

#[path = "../emit/mod.rs"]
mod emit;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use emit::schema::{Definition, Kind, Member, UNBOUNDED, Use};
use emit::{Schema, Source, names};
use serde_json::{Map, Value, json};

fn sources() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("asn");
    let mut sources: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| Source {
            path: path.display().to_string(),
            text: fs::read_to_string(path).unwrap(),
        })
        .collect();
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    sources
}

#[test]
fn all_types_of_both_days_are_there_each_with_a_sentence() {
    let schema = Schema::read(&sources()).unwrap();
    let named: Vec<_> = schema.definitions.iter().filter(has_a_name).collect();
    assert_eq!(named.len(), 336);
    for Definition { asn, docs, .. } in named {
        assert!(!docs.is_empty(), "{asn}");
    }
}

/// The path of an error has room for the deepest place of a message.
#[test]
fn no_place_is_deeper_than_a_path_is_long() {
    fn deepest(name: &str, by_name: &BTreeMap<&str, &Definition>) -> usize {
        let used = |used: &Use| deepest_used(used, by_name);
        match &by_name[name].kind {
            Kind::Alias(alias) => used(alias),
            Kind::Sequence {
                members, additions, ..
            }
            | Kind::Choice {
                alternatives: members,
                additions,
                ..
            } => {
                let members = members.iter().chain(additions);
                members
                    .map(|member| 1 + used(&member.used))
                    .max()
                    .unwrap_or(0)
            }
            Kind::ByHand => {
                let messages = [
                    "TestMsg",
                    "RTCMcorrections",
                    "RoadsideCoordination",
                    "SensorSharingMsg",
                    "VehIntentionAndRequest",
                    "PAMData",
                    "PersonalSafetyMessage",
                    "CLPMM",
                    "VehiclePaymentMessage",
                ];
                1 + messages
                    .map(|name| deepest(name, by_name))
                    .into_iter()
                    .max()
                    .unwrap()
            }
            _ => 0,
        }
    }
    fn deepest_used(used: &Use, by_name: &BTreeMap<&str, &Definition>) -> usize {
        match used {
            Use::Named(name) => deepest(name, by_name),
            Use::List(element, ..) => 1 + deepest_used(element, by_name),
            _ => 0,
        }
    }
    let schema = Schema::read(&sources()).unwrap();
    let by_name = schema
        .definitions
        .iter()
        .map(|one| (one.rust.as_str(), one))
        .collect();
    let steps = deepest("MessageFrame", &by_name);
    eprintln!("{steps} steps to the deepest place");
    assert!(
        (10..=v2x_msg::uper::Path::DEEPEST).contains(&steps),
        "{steps}"
    );
}

/// Whether the ASN.1 gives the type a name of its own.
fn has_a_name(definition: &&Definition) -> bool {
    !definition.asn.contains('.')
}

#[test]
fn our_asn1_says_what_the_type_table_says() {
    let Some(table) = type_table() else {
        return;
    };
    let types = table["types"].as_object().unwrap();

    let schema = Schema::read(&sources()).unwrap();
    let ours = Ours(
        schema
            .definitions
            .iter()
            .map(|definition| (definition.rust.as_str(), definition))
            .collect(),
    );
    assert_eq!(
        ours.0.values().filter(|one| has_a_name(one)).count(),
        types.len()
    );
    for (name, theirs) in types {
        let definition = ours.0[names::type_name(name).as_str()];
        assert_eq!(&definition.asn, name);
        if matches!(definition.kind, Kind::ByHand) {
            assert_eq!(name, "MessageFrameExt");
            continue;
        }
        assert_eq!(
            ours.kind(&definition.kind),
            wanted(theirs.as_object().unwrap()),
            "{name}"
        );
    }
}

fn type_table() -> Option<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/reference/message_set.json"
    );
    let text = fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("skipped: no message_set.json in ../shared/reference");
    }
    Some(serde_json::from_str(&text?).unwrap())
}

/// Known in both: additions of Day II that a frame of the older edition never has, and bits that
/// have another meaning in Day II.
const ALIKE_ON_THE_AIR: [&str; 3] = ["Node", "RTSData", "LaneAttributes-Vehicle"];

#[test]
fn our_asn1_of_the_older_edition_says_what_the_type_table_says() {
    let Some(table) = type_table() else {
        return;
    };
    let differing = &table["editions"]["2019_v4"]["definitions_that_differ_from_dayII"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("asn/edition-2019-07-24/Edition2019.asn");
    let older = Source {
        path: path.display().to_string(),
        text: fs::read_to_string(&path).unwrap(),
    };
    let own = Schema::own(&sources(), &older).unwrap();
    let ours = Ours(own.iter().map(|one| (one.rust.as_str(), one)).collect());
    let mut wanted_names: Vec<_> = differing.as_object().unwrap().iter().collect();
    wanted_names.retain(|(name, _)| !ALIKE_ON_THE_AIR.contains(&name.as_str()));
    assert_eq!(own.len(), wanted_names.len());
    for (name, theirs) in wanted_names {
        let definition = ours.0[names::type_name(name).as_str()];
        assert_eq!(
            ours.kind(&definition.kind),
            wanted(theirs.as_object().unwrap()),
            "{name}"
        );
    }
}

/// What the table says of a type, without what is only for people.
fn wanted(table: &Map<String, Value>) -> Value {
    let size = json!([table.get("size_min"), table.get("size_max")]);
    let kind = table["kind"].as_str().unwrap();
    let list = |key: &str| table[key].as_array().unwrap().clone();
    let used = |table: &Value| match table.get("ref") {
        Some(name) => json!(names::type_name(name.as_str().unwrap())),
        None => wanted(table.as_object().unwrap()),
    };
    let members = |key: &str| {
        let member = |member: &Value| {
            let optional = member["optional"].as_bool().unwrap_or(false);
            json!([member["name"], used(&member["type"]), optional])
        };
        let members = table.get(key).and_then(Value::as_array);
        let members = members.into_iter().flatten();
        members.map(member).collect::<Vec<_>>()
    };
    let open = |key| table.get(key).is_some_and(|open| open == true);
    match kind {
        "BOOLEAN" => json!([kind]),
        "INTEGER" => json!([kind, table["min"], table["max"], open("extensible_range")]),
        "ENUMERATED" => {
            let names: Vec<_> = list("values")
                .iter()
                .map(|value| value["name"].clone())
                .collect();
            json!([kind, names, table["extensible"]])
        }
        "BIT STRING" => {
            let bits = table.get("bits").cloned().unwrap_or(json!({}));
            json!([kind, size, table["size_extensible"], bits])
        }
        "OCTET STRING" | "IA5String" => json!([kind, size, open("size_extensible")]),
        "SEQUENCE OF" => json!([kind, size, used(&table["element"])]),
        "SEQUENCE" | "CHOICE" => {
            let mut root = members("members");
            root.extend(members("alternatives"));
            json!([
                kind,
                root,
                table["extensible"],
                members("extension_additions")
            ])
        }
        other => panic!("{other}"),
    }
}

/// Our definitions, by name in Rust.
struct Ours<'a>(BTreeMap<&'a str, &'a Definition>);

impl Ours<'_> {
    /// The same of one of ours.
    fn kind(&self, ours: &Kind) -> Value {
        let members = |members: &[Member]| {
            let member =
                |member: &Member| json!([member.asn, self.used(&member.used), member.optional]);
            members.iter().map(member).collect::<Vec<_>>()
        };
        match ours {
            Kind::Integer { min, max, .. } => json!(["INTEGER", min, max, false]),
            Kind::Enumerated { names, extensible } => json!(["ENUMERATED", names, extensible]),
            Kind::Bits {
                size,
                extensible,
                named,
            } => {
                let named: BTreeMap<_, _> = named.iter().cloned().collect();
                json!(["BIT STRING", [size, size], extensible, named])
            }
            Kind::Alias(alias) => self.used(alias),
            Kind::Sequence {
                members: list,
                additions,
                extensible,
            } => json!(["SEQUENCE", members(list), extensible, members(additions)]),
            Kind::Choice {
                alternatives,
                additions,
                extensible,
            } => json!([
                "CHOICE",
                members(alternatives),
                extensible,
                members(additions)
            ]),
            Kind::ByHand => panic!("not in the ASN.1"),
        }
    }

    fn used(&self, ours: &Use) -> Value {
        match ours {
            Use::Named(name) => {
                let definition = self.0.get(name.as_str());
                match definition.filter(|definition| !has_a_name(definition)) {
                    Some(nameless) => self.kind(&nameless.kind),
                    None => json!(name),
                }
            }
            Use::Boolean => json!(["BOOLEAN"]),
            Use::Unsigned(bits) => json!(["INTEGER", 0, (1_u64 << bits) - 1, false]),
            Use::OpenInteger(min, max) => json!(["INTEGER", min, max, true]),
            Use::FixedOctets(size) => json!(["OCTET STRING", [size, size], false]),
            Use::Octets(sizes) => {
                json!(["OCTET STRING", [sizes.min, sizes.max], sizes.extensible])
            }
            Use::Ia5(min, max) => json!(["IA5String", [min, max], false]),
            Use::List(element, min, UNBOUNDED) => {
                assert_eq!(*min, 0);
                json!(["SEQUENCE OF", [null, null], self.used(element)])
            }
            Use::List(element, min, max) => {
                json!(["SEQUENCE OF", [min, max], self.used(element)])
            }
        }
    }
}

#[test]
fn names_come_out_as_rust_spells_them() {
    assert_eq!(names::type_name("Position-LL-24B"), "PositionLL24B");
    for (asn, variant) in [
        ("flashing-red", "FlashingRed"),
        ("prec01deg", "Prec01deg"),
        ("prec0-1deg", "Prec0_1deg"),
        ("time-000-000-5", "Time000_000_5"),
        ("position-LatLon", "PositionLatLon"),
    ] {
        assert_eq!(names::variant(asn), variant);
    }
    for (asn, field) in [
        ("msgCnt", "msg_cnt"),
        ("position-LL1", "position_ll1"),
        ("laneID", "lane_id"),
        ("startUTCTime", "start_utc_time"),
        ("currGNSSstatus", "curr_gnss_status"),
        ("type", "type_"),
        ("long", "long"),
    ] {
        assert_eq!(names::field(asn), field);
    }
    assert_eq!(
        names::constant("noValidSPATisAvailableAtThisTime"),
        "NO_VALID_SPAT_IS_AVAILABLE_AT_THIS_TIME"
    );
    assert_eq!(
        names::constant("maneuverUTurnAllowed"),
        "MANEUVER_U_TURN_ALLOWED"
    );
}

/// What is said of a module with these definitions.
fn refusal(definitions: &str) -> String {
    let text = format!("M DEFINITIONS AUTOMATIC TAGS ::=\nBEGIN\n{definitions}\nEND\n");
    emit::rust(
        &[Source {
            path: "m.asn".to_owned(),
            text,
        }],
        None,
    )
    .unwrap_err()
}

#[test]
fn what_cannot_be_encoded_fails_the_build_with_its_name() {
    for (definitions, said) in [
        (
            "A ::= SEQUENCE { a SEQUENCE { b BOOLEAN } }",
            "M: A: a: not supported here, give it a name",
        ),
        ("A ::= INTEGER", "M: A: an INTEGER needs bounds"),
        ("A ::= OCTET STRING", "M: A: a size needs bounds"),
        (
            "A ::= BIT STRING (SIZE (1..8))",
            "M: A: a BIT STRING needs one fixed size",
        ),
        (
            "A ::= ENUMERATED { a, ..., b }",
            "M: A: additions to an ENUMERATED are not supported",
        ),
        (
            "A ::= INTEGER (0..3)\nB ::= SEQUENCE { a A, ..., b A }",
            "M: B: b: an addition must be OPTIONAL",
        ),
        (
            "A ::= INTEGER (0..3)\nB ::= SEQUENCE { a A DEFAULT 1 }",
            "M: B: a: DEFAULT",
        ),
        ("A ::= SEQUENCE { a A OPTIONAL }", "A: a type within itself"),
        ("A ::= SEQUENCE { b B }", "A: no definition of B"),
        (
            "A-B ::= INTEGER (0..3)\nAB ::= INTEGER (0..3)",
            "two definitions have the same name",
        ),
        ("A ::= SEQUENCE {", "m.asn"),
    ] {
        let error = refusal(definitions);
        assert!(error.starts_with(said), "{definitions}: {error}");
    }
}
