//! The laws of every type of the message set, on values at its bounds and inside them: decode of
//! encode is the same value, and so is JSON there and back.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "the emitter belongs to the build script, and is not used as a whole"
)]

mod draw;
#[path = "../../emit/mod.rs"]
mod emit;
mod types;

use std::fmt::Debug;

use draw::{Draw, Mode};
use emit::schema::Kind;
use serde_json::{Value, json};
use v2x_msg::asn;
use v2x_msg::jer::Jer;
use v2x_msg::uper::{self, DecodeErrorKind, Wire};

const SEED: u64 = 0x0053_1f00_d5ee_d001;
/// Values of each type, beside those at the bounds.
const VALUES: usize = 40;

/// What has been seen.
#[derive(Default)]
struct Seen {
    types: usize,
    values: usize,
    /// Values that ask for more memory than a frame of their length may.
    costly: usize,
    octets: usize,
}

#[test]
fn values_of_every_type_come_back_from_bits_and_from_json() {
    eprintln!("seed {SEED:#x}");
    let mut draw = Draw::new(SEED);
    let mut seen = Seen::default();
    types::each(&mut draw, &mut seen);
    eprintln!(
        "{} types, {} values, {} octets, {} too costly",
        seen.types, seen.values, seen.octets, seen.costly
    );
    assert_eq!(seen.types, draw.definitions().len());
    assert!(seen.costly * 100 < seen.values, "{}", seen.costly);
}

#[test]
fn the_list_of_types_is_whole() {
    let draw = Draw::new(1);
    let names: Vec<_> = draw.definitions().iter().map(|one| &one.rust[..]).collect();
    // 336 with a name of their own, the others stand within another type.
    assert!(names.len() >= 336, "{}", names.len());
    assert_eq!(types::NAMES, names, "put these into types.rs");
}

/// Values of one type, at the bounds and inside.
fn laws<T>(name: &str, draw: &mut Draw, seen: &mut Seen)
where
    T: Wire + Jer + Default + PartialEq + Debug + Clone,
{
    seen.types += 1;
    let mut used = T::default();
    for mode in [Mode::Least, Mode::Greatest]
        .into_iter()
        .chain([Mode::Any; VALUES])
    {
        let jer = draw.value(name, mode);
        seen.values += 1;
        let value = T::from_jer(&jer.to_string()).unwrap_or_else(|e| panic!("{name}: {e}: {jer}"));
        let text = value.to_jer();
        let written: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, jer, "{name}");

        let octets = encoded(&value).unwrap_or_else(|e| panic!("{name}: {e}: {jer}"));
        assert!(octets.len() * 8 >= T::MIN_BITS, "{name}: {jer}");
        seen.octets += octets.len();
        let mut fresh = T::default();
        match uper::decode_into(&mut fresh, &octets) {
            Ok(()) => assert_eq!(fresh, value, "{name}: {jer}"),
            Err(error) if error.kind == DecodeErrorKind::TooCostly => {
                seen.costly += 1;
                continue;
            }
            Err(error) => panic!("{name}: {error}: {jer}"),
        }
        // Into one that held another value, and again.
        uper::decode_into(&mut used, &octets).unwrap();
        assert_eq!(used, value, "{name}: {jer}");
        assert_eq!(encoded(&used).unwrap(), octets, "{name}: {jer}");
        // An octet less is never enough: the last one holds bits of the value.
        let cut = uper::decode_into(&mut fresh, &octets[..octets.len() - 1]);
        let shortest = T::MIN_BITS == 0 && octets.len() == 1;
        assert!(cut.is_err() || shortest, "{name}: {jer}");
    }
}

fn encoded(value: &impl Wire) -> Result<Vec<u8>, uper::EncodeError> {
    let mut out = vec![0; 1 << 17];
    let len = uper::encode_into(value, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// One more or one less than a number may be, and an element more than a list may have.
#[test]
fn values_beyond_the_bounds_are_refused() {
    let draw = Draw::new(1);
    let mut numbers = 0;
    for definition in draw.definitions() {
        if let Kind::Integer { min, max, .. } = &definition.kind {
            for beyond in [min - 1, max + 1] {
                let error = types::from_jer(&definition.rust, &json!(beyond)).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("{beyond} is not in {min}..={max}"),
                    "{}",
                    definition.rust
                );
            }
            numbers += 1;
        }
    }
    assert!(numbers >= 60, "{numbers}");
}
