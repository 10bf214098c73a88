//! What follows from the schema: the least size of a type on the wire, and whether it owns memory.

use std::collections::BTreeMap;

use super::schema::{Definition, Kind, Member, Use};

/// Of one type.
#[derive(Clone, Copy)]
pub struct Fact {
    /// Bits of the shortest encoding.
    pub min_bits: usize,
    /// Bits of the longest encoding, where a word or two hold them.
    longest: Option<usize>,
    /// Whether one store holds most values, or all.
    pub brief: bool,
    /// Bits that may be in hand where a value begins.
    pub room: usize,
    /// Holds no memory of its own, so that it can be `Copy`.
    pub plain: bool,
}

/// Most bits that are put together before they are written: `Run::MOST`.
pub const WORD: usize = 56;

/// How many of them are left beside the longest length, and the extension bit before it.
const BESIDE_LENGTH: usize = WORD - 17;

/// How many are left beside four octets.
const BESIDE_OCTETS: usize = WORD - 32;

/// How many may be in hand before a message of Day II, or bits that may be more than we know.
const BESIDE_EXTENSION: usize = 5;

/// Longer ones are seldom short enough for a try in one go.
const BRIEF: usize = 96;

impl Fact {
    /// Bits of the longest encoding, where one store holds them.
    pub fn short(&self) -> Option<usize> {
        self.longest.filter(|bits| *bits <= WORD)
    }

    /// Whether a value's bits can be put behind others, as long as there is room.
    pub fn gathers(&self) -> bool {
        self.longest.is_some()
    }

    /// How many bits may be in hand before such a value.
    pub fn beside(&self) -> usize {
        self.short().map_or(self.room, |bits| WORD - bits)
    }
}

/// Of all definitions, by Rust name.
pub struct Facts(BTreeMap<String, Fact>);

impl Facts {
    pub fn of<'a>(definitions: impl IntoIterator<Item = &'a Definition>) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        for definition in definitions {
            if by_name.insert(&definition.rust, definition).is_some() {
                return Err("two definitions have the same name in Rust".to_owned());
            }
        }
        let mut facts = Self(BTreeMap::new());
        for definition in by_name.values() {
            facts.find(&by_name, definition, &mut Vec::new())?;
        }
        Ok(facts)
    }

    pub fn named(&self, rust: &str) -> Fact {
        self.0[rust]
    }

    pub fn used(&self, used: &Use) -> Fact {
        let owning = |count_span: usize, min_bits: usize| Fact {
            // X.691, 11.9.4.1: from 64K on, a length of at least an octet.
            min_bits: match count_span {
                0x1_0000.. => 8,
                span => width(span as u64) as usize,
            } + min_bits,
            longest: None,
            brief: false,
            room: BESIDE_LENGTH,
            plain: false,
        };
        match used {
            Use::Named(name) => self.named(name),
            Use::Unsigned(bits) => Fact {
                min_bits: *bits as usize,
                longest: Some(*bits as usize),
                brief: true,
                room: WORD - *bits as usize,
                plain: true,
            },
            Use::Boolean => Fact {
                min_bits: 1,
                longest: Some(1),
                brief: true,
                room: WORD - 1,
                plain: true,
            },
            // The extension bit, and either the root or a length and an octet.
            Use::OpenInteger(min, max) => Fact {
                min_bits: 1 + (width(max.abs_diff(*min)) as usize).min(16),
                longest: None,
                brief: false,
                room: BESIDE_LENGTH,
                plain: true,
            },
            Use::FixedOctets(size) if size * 8 <= WORD => Fact {
                min_bits: size * 8,
                longest: Some(size * 8),
                brief: true,
                room: WORD - size * 8,
                plain: true,
            },
            Use::FixedOctets(size) => Fact {
                min_bits: size * 8,
                longest: None,
                brief: false,
                room: BESIDE_OCTETS,
                plain: true,
            },
            // The extension bit and a length, if the root is a long one.
            Use::Octets(sizes) if sizes.extensible => Fact {
                min_bits: 1
                    + (width((sizes.max - sizes.min) as u64) as usize + 8 * sizes.min).min(8),
                longest: None,
                brief: false,
                room: BESIDE_LENGTH,
                plain: false,
            },
            Use::Octets(sizes) => owning(sizes.max - sizes.min, sizes.min * 8),
            Use::Ia5(min, max) => owning(max - min, min * 7),
            Use::List(element, min, max) => owning(max - min, min * self.used(element).min_bits),
        }
    }

    /// Derives a definition's facts after those of everything it uses.
    fn find<'a>(
        &mut self,
        by_name: &BTreeMap<&String, &'a Definition>,
        definition: &'a Definition,
        around: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if self.0.contains_key(&definition.rust) {
            return Ok(());
        }
        if around.contains(&definition.rust.as_str()) {
            // A frame could then nest as deeply as it likes, and exhaust the stack.
            return Err(format!(
                "{}: a type within itself is not supported",
                definition.asn
            ));
        }
        around.push(&definition.rust);
        for name in definition.kind.names() {
            let used = by_name
                .get(&name.to_owned())
                .ok_or_else(|| format!("{}: no definition of {name}", definition.asn))?;
            self.find(by_name, used, around)?;
        }
        around.pop();
        let fact = self.derive(&definition.kind);
        self.0.insert(definition.rust.clone(), fact);
        Ok(())
    }

    fn derive(&self, kind: &Kind) -> Fact {
        let plain = kind.uses().iter().all(|used| self.used(used).plain);
        let plain = plain && kind.members().all(|member| !member.boxed);
        let plain = plain && !matches!(kind, Kind::ByHand);
        let min_bits = match kind {
            Kind::Integer { min, max, .. } => width(max.abs_diff(*min)) as usize,
            Kind::Enumerated { names, extensible } => index_bits(names.len(), *extensible) as usize,
            Kind::Bits {
                size,
                extensible: false,
                ..
            } => *size as usize,
            // Either the root, or a length in an octet and nothing.
            Kind::Bits {
                size,
                extensible: true,
                ..
            } => 1 + (*size as usize).min(8),
            Kind::Alias(used) => self.used(used).min_bits,
            Kind::Sequence {
                members,
                extensible,
                ..
            } => {
                let optional = members.iter().filter(|member| member.optional).count();
                let mandatory = members.iter().filter(|member| !member.optional);
                let least: usize = mandatory
                    .map(|member| self.used(&member.used).min_bits)
                    .sum();
                usize::from(*extensible) + optional + least
            }
            Kind::Choice {
                alternatives,
                extensible,
                ..
            } => {
                let least = alternatives
                    .iter()
                    .map(|one| self.used(&one.used).min_bits)
                    .min();
                index_bits(alternatives.len(), *extensible) as usize + least.unwrap_or(0)
            }
            // MessageFrameExt: extension bit, id, length, an octet.
            Kind::ByHand => 1 + 15 + 8 + 8,
        };
        Fact {
            min_bits,
            longest: self.longest(kind),
            brief: self.brief(kind, min_bits),
            room: self.room(kind),
            plain,
        }
    }

    /// What the first store of a value leaves, so that no value takes a store more because of what
    /// stands before it.
    fn room(&self, kind: &Kind) -> usize {
        if let Some(bits) = self.longest(kind).filter(|bits| *bits <= WORD) {
            return WORD - bits;
        }
        match kind {
            Kind::Alias(used) => self.used(used).room,
            Kind::Sequence {
                members,
                extensible,
                ..
            } => {
                let optional = members.iter().filter(|member| member.optional).count();
                let mut taken = optional + usize::from(*extensible);
                for member in members {
                    let fact = self.used(&member.used);
                    match fact.short().filter(|_| !member.boxed) {
                        Some(bits) if taken + bits <= WORD => taken += bits,
                        None if taken <= fact.room => return fact.room - taken,
                        _ => break,
                    }
                }
                WORD - taken
            }
            Kind::Choice {
                alternatives,
                extensible,
                ..
            } => {
                let head = index_bits(alternatives.len(), *extensible) as usize;
                let beside = |one: &Member| self.used(&one.used).beside();
                let least = alternatives.iter().map(beside).min();
                least.unwrap_or(WORD).saturating_sub(head)
            }
            _ => BESIDE_EXTENSION,
        }
    }

    /// A SEQUENCE of short members stops where there is no more room; of all others, values that
    /// are too long for one store are found out by trying.
    fn brief(&self, kind: &Kind, min_bits: usize) -> bool {
        let of_short_members = match kind {
            Kind::Sequence { members, .. } => members
                .iter()
                .all(|member| self.used(&member.used).short().is_some()),
            _ => false,
        };
        let longest = self.longest(kind).filter(|_| min_bits <= WORD);
        longest.is_some_and(|bits| bits <= WORD || !of_short_members)
    }

    fn longest(&self, kind: &Kind) -> Option<usize> {
        let member = |member: &Member| {
            let most = self.used(&member.used).longest;
            most.filter(|_| !member.boxed)
        };
        let bits = match kind {
            Kind::Integer { min, max, .. } => width(max.abs_diff(*min)) as usize,
            Kind::Enumerated { names, extensible } => index_bits(names.len(), *extensible) as usize,
            Kind::Bits {
                size,
                extensible: false,
                ..
            } => *size as usize,
            Kind::Sequence {
                members,
                additions,
                extensible: false,
            } if additions.is_empty() => {
                let optional = members.iter().filter(|member| member.optional).count();
                optional + members.iter().map(member).sum::<Option<usize>>()?
            }
            Kind::Choice {
                alternatives,
                additions,
                extensible,
            } if additions.is_empty() => {
                let most: Option<Vec<_>> = alternatives.iter().map(member).collect();
                let index = index_bits(alternatives.len(), *extensible) as usize;
                index + most?.into_iter().max().unwrap_or(0)
            }
            Kind::Alias(used) => return self.used(used).longest,
            _ => return None,
        };
        (bits <= BRIEF).then_some(bits)
    }
}

impl Kind {
    /// What a definition is made of.
    fn uses(&self) -> Vec<&Use> {
        match self {
            Self::Integer { .. } | Self::Enumerated { .. } | Self::Bits { .. } | Self::ByHand => {
                Vec::new()
            }
            Self::Alias(used) => vec![used],
            Self::Sequence { .. } | Self::Choice { .. } => {
                self.members().map(|member| &member.used).collect()
            }
        }
    }

    /// Those of the definitions among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.uses().into_iter().filter_map(Use::name)
    }

    /// Members and alternatives, additions included.
    fn members(&self) -> impl Iterator<Item = &Member> {
        let (root, additions) = match self {
            Self::Sequence {
                members: root,
                additions,
                ..
            }
            | Self::Choice {
                alternatives: root,
                additions,
                ..
            } => (root.as_slice(), additions.as_slice()),
            _ => (&[][..], &[][..]),
        };
        root.iter().chain(additions)
    }
}

impl Use {
    /// The definition that this leads to, if any.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(element, ..) => element.name(),
            _ => None,
        }
    }
}

pub fn index_bits(root: usize, extensible: bool) -> u32 {
    u32::from(extensible) + width(root as u64 - 1)
}

/// How many bits a whole number of 0..=`span` takes.
fn width(span: u64) -> u32 {
    u64::BITS - span.leading_zeros()
}
