//! Writes how each type goes to bits and comes back (UPER).

use super::facts::{Fact, Facts};
use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member};
use super::types::{native, native_bits, rust};

const ENCODE: &str = "fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeErrorKind>";
const DECODE: &str =
    "fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind>";

pub fn definition(page: &mut Page, definition: &Definition, facts: &Facts) {
    if matches!(definition.kind, Kind::Alias(_)) {
        return;
    }
    let Fact { min_bits, .. } = facts.named(&definition.rust);
    page.blank();
    page.block(format!("impl Wire for {}", definition.rust), |page| {
        page.line(format!("const MIN_BITS: usize = {min_bits};"));
        page.blank();
        match &definition.kind {
            Kind::Integer { min, max, .. } => integer(page, *min, *max, native(*min, *max)),
            Kind::Enumerated { names, extensible } => enumerated(page, names, *extensible),
            Kind::Bits {
                size,
                extensible: false,
                ..
            } => {
                integer(
                    page,
                    0,
                    (1_i64 << size) - 1,
                    &format!("u{}", native_bits(*size)),
                );
            }
            Kind::Bits {
                extensible: true, ..
            } => extensible_bits(page),
            Kind::Sequence {
                members,
                extensible,
            } => {
                sequence(page, definition, members, *extensible);
            }
            Kind::Choice {
                alternatives,
                extensible,
            } => {
                choice(page, definition, alternatives, *extensible, facts);
            }
            Kind::Alias(_) => {}
        }
    });
}

fn integer(page: &mut Page, min: i64, max: i64, native: &str) {
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        page.line(format!("writer.integer::<{min}, {max}>(i64::from(self.0))"));
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        page.line(format!(
            "self.0 = reader.integer::<{min}, {max}>()? as {native};"
        ));
        page.line("Ok(())");
    });
}

fn enumerated(page: &mut Page, enumerals: &[String], extensible: bool) {
    let root = enumerals.len();
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        page.line(format!(
            "writer.index::<{root}, {extensible}>(*self as u64)"
        ));
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        page.line(format!(
            "*self = Self::ALL[reader.enumeral::<{root}, {extensible}>()?];"
        ));
        page.line("Ok(())");
    });
}

fn extensible_bits(page: &mut Page) {
    page.block(ENCODE, |page| page.line("self.0.encode(writer)"));
    page.blank();
    page.block(DECODE, |page| page.line("self.0.decode_into(reader)"));
}

fn sequence(page: &mut Page, definition: &Definition, members: &[Member], extensible: bool) {
    let optional: Vec<_> = members.iter().filter(|member| member.optional).collect();
    // X.691, 19.1 and 19.2: the extension bit, then a bit for each OPTIONAL member.
    let preamble = optional.len() + usize::from(extensible);
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        if preamble > 0 {
            let flag = |(index, member): (usize, &&Member)| {
                let shift = optional.len() - 1 - index;
                let flag = format!("u64::from(self.{}.is_some())", member.rust);
                if shift == 0 {
                    flag
                } else {
                    format!("{flag} << {shift}")
                }
            };
            let flags: Vec<_> = optional.iter().enumerate().map(flag).collect();
            match flags.split_first() {
                None => page.line("let present = 0;"),
                Some((first, [])) => page.line(format!("let present = {first};")),
                Some((first, others)) => {
                    page.line(format!("let present = {first}"));
                    for (index, other) in others.iter().enumerate() {
                        let end = if index + 1 == others.len() { ";" } else { "" };
                        page.line(format!("    | {other}{end}"));
                    }
                }
            }
            page.line(format!("writer.bits(present, {preamble})?;"));
        }
        for member in members {
            let blame = blame("writer", definition, member);
            if member.optional {
                page.block(
                    format!("if let Some(value) = &self.{}", member.rust),
                    |page| {
                        checked(page, "value.encode(writer)", &blame, "?;");
                    },
                );
            } else {
                checked(
                    page,
                    &format!("self.{}.encode(writer)", member.rust),
                    &blame,
                    "?;",
                );
            }
        }
        page.line("Ok(())");
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        if preamble > 0 {
            page.line(format!("let present = reader.bits({preamble})?;"));
        }
        let mut flag = optional.len();
        for member in members {
            let blame = blame("reader", definition, member);
            let field = &member.rust;
            if member.optional {
                flag -= 1;
                let present = match flag {
                    0 => "present & 1 != 0".to_owned(),
                    _ => format!("present >> {flag} & 1 != 0"),
                };
                page.line(format!(
                    "decode_optional(&mut self.{field}, {present}, reader)"
                ));
                page.line(format!("    {blame}?;"));
            } else {
                checked(
                    page,
                    &format!("self.{field}.decode_into(reader)"),
                    &blame,
                    "?;",
                );
            }
        }
        if extensible {
            let extended = match optional.len() {
                0 => "present != 0".to_owned(),
                flags => format!("present >> {flags} != 0"),
            };
            page.block(format!("if {extended}"), |page| {
                page.line("reader.skip_additions()?;");
            });
        }
        page.line("Ok(())");
    });
}

fn choice(
    page: &mut Page,
    definition: &Definition,
    alternatives: &[Member],
    extensible: bool,
    facts: &Facts,
) {
    let root = alternatives.len();
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        page.block("match self", |page| {
            for (index, member) in alternatives.iter().enumerate() {
                let blame = blame("writer", definition, member);
                page.block(format!("Self::{}(value) =>", member.variant()), |page| {
                    page.line(format!("writer.index::<{root}, {extensible}>({index})?;"));
                    checked(page, "value.encode(writer)", &blame, "");
                });
            }
        });
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        let index = format!("reader.alternative::<{root}, {extensible}>()?");
        page.block(format!("match {index}"), |page| {
            for (index, member) in alternatives.iter().enumerate() {
                let last = index + 1 == root;
                let pattern = if last {
                    "_".to_owned()
                } else {
                    index.to_string()
                };
                page.block(format!("{pattern} =>"), |page| {
                    alternative(page, definition, member, facts);
                });
            }
        });
    });
}

/// Decodes one alternative; what owns memory is reused if it is the same as before.
fn alternative(page: &mut Page, definition: &Definition, member: &Member, facts: &Facts) {
    let variant = names::variant(&member.asn);
    let blame = blame("reader", definition, member);
    if facts.used(&member.used).plain {
        page.line(format!(
            "let mut value = {}::default();",
            path(&rust(&member.used))
        ));
        checked(page, "value.decode_into(reader)", &blame, "?;");
        page.line(format!("*self = Self::{variant}(value);"));
        page.line("Ok(())");
        return;
    }
    page.block(format!("if !matches!(self, Self::{variant}(_))"), |page| {
        page.line(format!("*self = Self::{variant}(Default::default());"));
    });
    page.block(format!("if let Self::{variant}(value) = self"), |page| {
        checked(page, "value.decode_into(reader)", &blame, "?;");
    });
    page.line("Ok(())");
}

/// A call and what happens when it fails, on one line or two.
fn checked(page: &mut Page, call: &str, blame: &str, end: &str) {
    let line = format!("{call}{blame}{end}");
    if line.len() <= 84 {
        page.line(line);
    } else {
        page.line(call);
        page.line(format!("    {blame}{end}"));
    }
}

/// A type in front of `::`.
fn path(rust: &str) -> String {
    match rust.split_once('<') {
        Some((name, arguments)) => format!("{name}::<{arguments}"),
        None if rust.starts_with('[') => format!("<{rust}>"),
        None => rust.to_owned(),
    }
}

fn blame(at: &str, definition: &Definition, member: &Member) -> String {
    format!(
        ".map_err(|kind| {at}.blame(\"{}.{}\", kind))",
        definition.asn, member.asn
    )
}
