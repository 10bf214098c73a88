//! Random values of every kind of message as JER lines: `random_values SEED COUNT`.
//!
//! For `tests/cross_check`, which gives them to codecs that others wrote.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    dead_code,
    reason = "a tool of the tests, made of parts of theirs"
)]

#[path = "../tests/every_type/draw.rs"]
mod draw;
#[path = "../emit/mod.rs"]
mod emit;

use draw::{Draw, Mode};
use serde_json::{Value, json};

/// The frames by alternative, and the messages of Day II.
const KINDS: [(&str, &str); 6] = [
    ("bsmFrame", "BasicSafetyMessage"),
    ("mapFrame", "MapData"),
    ("rsmFrame", "RoadsideSafetyMessage"),
    ("spatFrame", "SPAT"),
    ("rsiFrame", "RoadSideInformation"),
    ("msgFrameExt", "MessageFrameExt"),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().unwrap().parse::<u64>().unwrap();
    let (seed, count) = (number(), number());
    let mut draw = Draw::new(seed);
    for index in 0..count as usize {
        // Half of all messages are of Day II, which has twice as many kinds.
        let (frame, message) = KINDS[(index % 10).min(5)];
        let mode = match index / 10 {
            0 => Mode::Least,
            1 => Mode::Greatest,
            _ => Mode::Any,
        };
        println!(
            "{}",
            json!({ frame: without_del(draw.value(message, mode)) })
        );
    }
}

/// The character 127 is one of IA5, but not for every codec.
fn without_del(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\x7f', "~").into(),
        Value::Array(elements) => elements.into_iter().map(without_del).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, without_del(value)))
            .collect(),
        value => value,
    }
}
