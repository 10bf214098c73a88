//! Writes the types themselves: structs, enums, constants, documentation.

use super::facts::Facts;
use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member, Sizes, UNBOUNDED, Use};

pub fn definition(page: &mut Page, definition: &Definition, facts: &Facts) {
    if matches!(definition.kind, Kind::ByHand) {
        return;
    }
    page.blank();
    docs(page, definition);
    match &definition.kind {
        Kind::Integer { min, max, named } => integer(page, definition, *min, *max, named),
        Kind::Enumerated { names, .. } => enumerated(page, definition, names),
        Kind::Bits {
            size,
            extensible: false,
            named,
        } => bits(page, definition, *size, named),
        Kind::Bits {
            size,
            extensible: true,
            named,
        } => {
            extensible_bits(page, definition, *size, named);
        }
        Kind::Alias(used) => page.line(format!("pub type {} = {};", definition.rust, rust(used))),
        Kind::Sequence {
            members, additions, ..
        } => sequence(page, definition, members, additions, facts),
        Kind::Choice {
            alternatives,
            additions,
            ..
        } => choice(page, definition, alternatives, additions, facts),
        Kind::ByHand => {}
    }
}

/// A type as Rust spells it where it is used.
pub fn rust(used: &Use) -> String {
    match used {
        Use::Named(name) => name.clone(),
        Use::Unsigned(bits) => format!("u{bits}"),
        Use::Boolean => "bool".to_owned(),
        Use::OpenInteger(min, max) => format!("OpenInteger<{min}, {max}>"),
        Use::FixedOctets(size) => format!("[u8; {size}]"),
        Use::Octets(Sizes {
            min,
            max,
            extensible: false,
        }) => format!("Octets<{min}, {max}>"),
        Use::Octets(Sizes { min, max, .. }) => format!("Octets<{min}, {max}, true>"),
        Use::Ia5(min, max) => format!("Ia5<{min}, {max}>"),
        Use::List(element, min, UNBOUNDED) => {
            format!("List<{}, {min}, {{ usize::MAX }}>", rust(element))
        }
        Use::List(element, min, max) => format!("List<{}, {min}, {max}>", rust(element)),
    }
}

/// The same as it is held by a member.
fn held(member: &Member) -> String {
    let used = rust(&member.used);
    if member.boxed {
        format!("Box<{used}>")
    } else {
        used
    }
}

fn docs(page: &mut Page, definition: &Definition) {
    page.docs(&definition.docs);
    if !definition.docs.is_empty() {
        page.line("///");
    }
    page.docs([format!(
        "ASN.1 `{}` of module `{}`.",
        definition.asn, definition.module
    )]);
}

fn integer(page: &mut Page, definition: &Definition, min: i64, max: i64, named: &[(String, i64)]) {
    let (name, native) = (&definition.rust, native(min, max));
    // A default must be a value of the type.
    let zero = (min..=max).contains(&0);
    page.line(if zero {
        "#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]"
    } else {
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]"
    });
    page.line(format!("pub struct {name}(pub {native});"));
    page.blank();
    page.block(format!("impl {name}"), |page| {
        page.docs(["Least value of the type, special values included."]);
        page.line(format!("pub const MIN: {native} = {min};"));
        page.docs(["Greatest value of the type, special values included."]);
        page.line(format!("pub const MAX: {native} = {max};"));
        for (asn, value) in named {
            page.docs([format!("`{asn}`")]);
            page.line(format!(
                "pub const {}: Self = Self({value});",
                names::constant(asn)
            ));
        }
    });
    if !zero {
        page.blank();
        page.block(format!("impl Default for {name}"), |page| {
            page.block("fn default() -> Self", |page| page.line("Self(Self::MIN)"));
        });
    }
}

/// The smallest Rust integer that holds the range.
pub fn native(min: i64, max: i64) -> &'static str {
    let fits = |low: i64, high: i64| low <= min && max <= high;
    match () {
        () if fits(0, u8::MAX.into()) => "u8",
        () if fits(0, u16::MAX.into()) => "u16",
        () if fits(0, u32::MAX.into()) => "u32",
        () if fits(i8::MIN.into(), i8::MAX.into()) => "i8",
        () if fits(i16::MIN.into(), i16::MAX.into()) => "i16",
        () if fits(i32::MIN.into(), i32::MAX.into()) => "i32",
        () => "i64",
    }
}

/// The smallest unsigned integer of that many bits.
pub fn native_bits(size: u32) -> u32 {
    size.next_power_of_two().max(8)
}

fn enumerated(page: &mut Page, definition: &Definition, enumerals: &[String]) {
    let name = &definition.rust;
    page.line("#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]");
    page.block(format!("pub enum {name}"), |page| {
        for (index, asn) in enumerals.iter().enumerate() {
            page.docs([format!("`{asn}`")]);
            if index == 0 {
                page.line("#[default]");
            }
            page.line(format!("{},", names::variant(asn)));
        }
    });
    page.blank();
    page.block(format!("impl {name}"), |page| {
        page.docs(["All enumerals, in the order of their values."]);
        page.line(format!("pub const ALL: [Self; {}] = [", enumerals.len()));
        for asn in enumerals {
            page.line(format!("    Self::{},", names::variant(asn)));
        }
        page.line("];");
        page.blank();
        page.docs(["Place among [`Self::ALL`], as it is sent."]);
        page.block("pub const fn index(self) -> usize", |page| {
            page.line("self as usize");
        });
        page.blank();
        page.docs(["The enumeral at that place."]);
        page.block("pub fn from_index(index: usize) -> Option<Self>", |page| {
            page.line("Self::ALL.get(index).copied()");
        });
        page.blank();
        page.docs(["Its ASN.1 name."]);
        page.block("pub const fn name(self) -> &'static str", |page| {
            page.block("match self", |page| {
                for asn in enumerals {
                    page.line(format!("Self::{} => \"{asn}\",", names::variant(asn)));
                }
            });
        });
    });
}

fn bits(page: &mut Page, definition: &Definition, size: u32, named: &[(String, u64)]) {
    let name = &definition.rust;
    let native = native_bits(size);
    page.docs([
        "",
        &format!("The lowest {size} bits count; bit 0 of the ASN.1 is the highest of them."),
    ]);
    page.line("#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]");
    page.line(format!("pub struct {name}(pub u{native});"));
    page.blank();
    page.block(format!("impl {name}"), |page| {
        page.docs(["How many bits."]);
        page.line(format!("pub const SIZE: u32 = {size};"));
        page.docs(["No bit set."]);
        page.line("pub const EMPTY: Self = Self(0);");
        for (asn, bit) in named {
            page.docs([format!("`{asn}`, bit {bit}")]);
            let shift = u64::from(size) - 1 - bit;
            page.line(format!(
                "pub const {}: Self = Self(1 << {shift});",
                names::constant(asn)
            ));
        }
        bit_methods(
            page,
            "self.0 & others.0 == others.0",
            "Self(self.0 | others.0)",
            "Self(self.0 & !others.0)",
        );
    });
}

fn extensible_bits(page: &mut Page, definition: &Definition, size: u32, named: &[(String, u64)]) {
    let name = &definition.rust;
    page.line("#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]");
    page.line(format!("pub struct {name}(pub ExtensibleBits<{size}>);"));
    page.blank();
    page.block(format!("impl {name}"), |page| {
        page.docs(["How many bits this edition knows; a newer sender may have more."]);
        page.line(format!("pub const SIZE: u32 = {size};"));
        page.docs(["No bit set."]);
        page.line("pub const EMPTY: Self = Self(ExtensibleBits::EMPTY);");
        for (asn, bit) in named {
            page.docs([format!("`{asn}`, bit {bit}")]);
            let constant = names::constant(asn);
            page.line(format!(
                "pub const {constant}: Self = Self(ExtensibleBits::named({bit}));"
            ));
        }
        bit_methods(
            page,
            "self.0.has(others.0)",
            "Self(self.0.with(others.0))",
            "Self(self.0.without(others.0))",
        );
    });
}

fn bit_methods(page: &mut Page, has: &str, with: &str, without: &str) {
    page.blank();
    page.docs(["Whether all bits of `others` are set."]);
    page.block("pub const fn has(self, others: Self) -> bool", |page| {
        page.line(has);
    });
    page.blank();
    page.docs(["With the bits of `others` set as well."]);
    page.line("#[must_use]");
    page.block("pub const fn with(self, others: Self) -> Self", |page| {
        page.line(with);
    });
    page.blank();
    page.docs(["With the bits of `others` cleared."]);
    page.line("#[must_use]");
    page.block("pub const fn without(self, others: Self) -> Self", |page| {
        page.line(without);
    });
}

fn sequence(
    page: &mut Page,
    definition: &Definition,
    members: &[Member],
    additions: &[Member],
    facts: &Facts,
) {
    derive(page, definition, facts, ", Default");
    page.block(format!("pub struct {}", definition.rust), |page| {
        for member in members {
            member_docs(page, member);
            let used = held(member);
            let used = if member.optional {
                format!("Option<{used}>")
            } else {
                used
            };
            page.line(format!("pub {}: {used},", member.rust));
        }
        for member in additions {
            member_docs(page, member);
            page.line(format!("pub {}: Option<{}>,", member.rust, held(member)));
        }
    });
}

fn choice(
    page: &mut Page,
    definition: &Definition,
    alternatives: &[Member],
    additions: &[Member],
    facts: &Facts,
) {
    derive(page, definition, facts, "");
    page.block(format!("pub enum {}", definition.rust), |page| {
        for member in alternatives {
            member_docs(page, member);
            page.line(format!("{}({}),", member.variant(), rust(&member.used)));
        }
        for member in additions {
            member_docs(page, member);
            page.line(format!("{}({}),", member.variant(), held(member)));
        }
    });
    page.blank();
    page.block(format!("impl Default for {}", definition.rust), |page| {
        page.block("fn default() -> Self", |page| {
            page.line(format!(
                "Self::{}(Default::default())",
                alternatives[0].variant()
            ));
        });
    });
}

fn member_docs(page: &mut Page, member: &Member) {
    match &member.doc {
        Some(doc) => page.docs([format!("`{}`: {doc}", member.asn)]),
        None => page.docs([format!("`{}`", member.asn)]),
    }
}

fn derive(page: &mut Page, definition: &Definition, facts: &Facts, default: &str) {
    let copy = if facts.named(&definition.rust).plain {
        ", Copy"
    } else {
        ""
    };
    page.line(format!(
        "#[derive(Clone{copy}, Debug{default}, PartialEq, Eq)]"
    ));
}
