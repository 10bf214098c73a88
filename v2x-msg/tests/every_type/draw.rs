//! Values of any type of the message set, drawn from its ASN.1: at the bounds and inside them.
//!
//! Values are in the shape of JER. What a type looks like comes from the emitter's model of
//! `asn/*.asn`, which `tests/emit.rs` holds against the standard's table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::emit::schema::{Definition, Kind, Member, Use};
use super::emit::{Schema, Source};

/// Where in its bounds a value is to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Least numbers, shortest lists, nothing optional, the first alternative.
    Least,
    /// Greatest numbers, longest lists, everything optional, the last alternative.
    Greatest,
    /// Anything, the bounds more often than the rest.
    Any,
}

/// Draws values.
pub struct Draw {
    schema: Schema,
    by_name: BTreeMap<String, usize>,
    random: u64,
    /// What the value may still cost, in leaves.
    budget: usize,
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        let schema = Schema::read(&sources()).unwrap();
        let by_name = (0..)
            .zip(&schema.definitions)
            .map(|(index, definition)| (definition.rust.clone(), index))
            .collect();
        Self {
            schema,
            by_name,
            random: seed.max(1),
            budget: 0,
        }
    }

    /// All definitions.
    pub fn definitions(&self) -> &[Definition] {
        &self.schema.definitions
    }

    /// A value of that definition.
    pub fn value(&mut self, rust: &str, mode: Mode) -> Value {
        self.budget = match mode {
            Mode::Least => 0,
            Mode::Greatest => 400,
            Mode::Any => [5, 30, 100, 400][self.below(4)],
        };
        self.named(rust, mode)
    }

    fn named(&mut self, rust: &str, mode: Mode) -> Value {
        self.budget = self.budget.saturating_sub(1);
        let index = self.by_name[rust];
        match &self.schema.definitions[index].kind {
            Kind::Integer { min, max, .. } => {
                let (min, max) = (*min, *max);
                self.integer(min, max, mode).into()
            }
            Kind::Enumerated { names, .. } => {
                let names = names.clone();
                names[self.index(names.len(), mode)].clone().into()
            }
            Kind::Bits {
                size, extensible, ..
            } => {
                let (size, extensible) = (*size, *extensible);
                self.bits(size, extensible, mode)
            }
            Kind::Alias(used) => {
                let used = copy(used);
                self.used(&used, mode)
            }
            Kind::Sequence {
                members, additions, ..
            } => {
                let members = all(members, additions);
                self.sequence(&members, mode)
            }
            Kind::Choice {
                alternatives,
                additions,
                ..
            } => {
                let alternatives = all(alternatives, additions);
                let (name, used, _) = &alternatives[self.index(alternatives.len(), mode)];
                json!({ name: self.used(used, mode) })
            }
            Kind::ByHand => {
                let (id, name) = DAY_TWO[self.index(DAY_TWO.len(), mode)];
                json!({"messageId": id, "value": self.named(name, mode)})
            }
        }
    }

    fn used(&mut self, used: &Use, mode: Mode) -> Value {
        match used {
            Use::Named(name) => self.named(name, mode),
            Use::Unsigned(bits) => self.integer(0, (1 << bits) - 1, mode).into(),
            Use::Boolean => (self.index(2, mode) == 1).into(),
            Use::OpenInteger(min, max) => match self.below(4) {
                // Beyond the bounds is where later editions may go.
                0 if mode == Mode::Any => {
                    [*min - 1, *max + 1, i64::MIN, i64::MAX, -129, 40_000][self.below(6)].into()
                }
                _ => self.integer(*min, *max, mode).into(),
            },
            Use::FixedOctets(size) => self.octets(*size).into(),
            Use::Octets(sizes) => {
                let beyond = sizes.extensible && mode == Mode::Any && self.below(5) == 0;
                let size = match beyond {
                    true => sizes.max + 1 + self.below(200),
                    false => self.length(sizes.min, sizes.max, mode),
                };
                self.octets(size).into()
            }
            Use::Ia5(min, max) => {
                let size = self.length(*min, *max, mode);
                let text: String = (0..size)
                    .map(|_| char::from(self.below(128) as u8))
                    .collect();
                text.into()
            }
            Use::List(element, min, max) => {
                let size = self.length(*min, (*max).min(*min + 40), mode);
                let mut elements = Vec::new();
                while elements.len() < size && (elements.len() < *min || self.budget > 0) {
                    elements.push(self.used(element, mode));
                }
                elements.into()
            }
        }
    }

    fn sequence(&mut self, members: &[(String, Use, bool)], mode: Mode) -> Value {
        let mut object = Map::new();
        let share = [1, 5, 9][self.below(3)];
        for (name, used, optional) in members {
            let there = match mode {
                Mode::Least => false,
                Mode::Greatest => true,
                Mode::Any => self.budget > 0 && self.below(10) < share,
            };
            if there || !optional {
                let value = self.used(used, mode);
                object.insert(name.clone(), value);
            }
        }
        object.into()
    }

    fn integer(&mut self, min: i64, max: i64, mode: Mode) -> i64 {
        match (mode, self.below(5)) {
            (Mode::Least, _) | (Mode::Any, 0) => min,
            (Mode::Greatest, _) | (Mode::Any, 1) => max,
            (Mode::Any, _) => min + (self.next() % (max.abs_diff(min) + 1)) as i64,
        }
    }

    fn bits(&mut self, root: u32, extensible: bool, mode: Mode) -> Value {
        let beyond = extensible && mode == Mode::Any && self.below(5) == 0;
        let size = match beyond {
            true => root + 1 + self.below((64 - root) as usize) as u32,
            false => root,
        };
        let bits = match mode {
            Mode::Least => 0,
            Mode::Greatest => u64::MAX,
            Mode::Any => self.next(),
        };
        let top = (bits >> (64 - size)) << (64 - size);
        let octets = &top.to_be_bytes()[..size.div_ceil(8) as usize];
        let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        match beyond {
            true => json!({"value": text, "length": size}),
            false => text.into(),
        }
    }

    fn octets(&mut self, size: usize) -> String {
        self.budget = self.budget.saturating_sub(size / 8);
        (0..size)
            .map(|_| format!("{:02x}", self.next() as u8))
            .collect()
    }

    fn length(&mut self, min: usize, max: usize, mode: Mode) -> usize {
        match (mode, self.below(8)) {
            (Mode::Least, _) | (Mode::Any, 0) => min,
            (Mode::Greatest, _) | (Mode::Any, 1) => max,
            (Mode::Any, _) => min + self.below((max - min).min(6) + 1),
        }
    }

    /// Which of so many.
    fn index(&mut self, len: usize, mode: Mode) -> usize {
        match mode {
            Mode::Least => 0,
            Mode::Greatest => len - 1,
            Mode::Any => self.below(len),
        }
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Xorshift: numbers without a pattern, the same for the same seed.
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Name, type, whether it may be absent.
fn all(root: &[Member], additions: &[Member]) -> Vec<(String, Use, bool)> {
    let members = root.iter().chain(additions);
    members
        .map(|member| (member.asn.clone(), copy(&member.used), member.optional))
        .collect()
}

fn copy(used: &Use) -> Use {
    match used {
        Use::Named(name) => Use::Named(name.clone()),
        Use::Unsigned(bits) => Use::Unsigned(*bits),
        Use::Boolean => Use::Boolean,
        Use::OpenInteger(min, max) => Use::OpenInteger(*min, *max),
        Use::FixedOctets(size) => Use::FixedOctets(*size),
        Use::Octets(sizes) => Use::Octets(super::emit::schema::Sizes { ..*sizes }),
        Use::Ia5(min, max) => Use::Ia5(*min, *max),
        Use::List(element, min, max) => Use::List(Box::new(copy(element)), *min, *max),
    }
}

/// The messages of Day II by their numbers.
const DAY_TWO: [(u16, &str); 9] = [
    (0, "TestMsg"),
    (10, "RTCMcorrections"),
    (11, "RoadsideCoordination"),
    (12, "SensorSharingMsg"),
    (13, "VehIntentionAndRequest"),
    (14, "PAMData"),
    (15, "PersonalSafetyMessage"),
    (16, "CLPMM"),
    (17, "VehiclePaymentMessage"),
];

fn sources() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("asn");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let source = |path: &std::path::PathBuf| Source {
        path: path.display().to_string(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(source).collect()
}
