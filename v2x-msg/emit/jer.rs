//! Writes how each type goes to JSON and comes back (JER).

use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member};
use super::types::{native, native_bits};

const WRITE: &str = "fn write_jer(&self, out: &mut jer::Writer<'_>) -> fmt::Result";
const READ: &str = "fn read_jer(&mut self, input: jer::Input<'_>) -> Result<(), jer::JerError>";

pub fn definition(page: &mut Page, definition: &Definition) {
    if matches!(definition.kind, Kind::Alias(_) | Kind::ByHand) {
        return;
    }
    page.blank();
    page.block(
        format!("impl Jer for {}", definition.rust),
        |page| match &definition.kind {
            Kind::Integer { min, max, .. } => integer(page, *min, *max),
            Kind::Enumerated { .. } => enumerated(page),
            Kind::Bits {
                size,
                extensible: false,
                ..
            } => bits(page, *size),
            Kind::Bits {
                extensible: true, ..
            } => extensible_bits(page),
            Kind::Sequence {
                members, additions, ..
            } => sequence(page, &members.iter().chain(additions).collect::<Vec<_>>()),
            Kind::Choice {
                alternatives,
                additions,
                ..
            } => choice(
                page,
                &alternatives.iter().chain(additions).collect::<Vec<_>>(),
            ),
            Kind::Alias(_) | Kind::ByHand => {}
        },
    );
}

/// The pair of functions.
fn both(page: &mut Page, write: impl FnOnce(&mut Page), read: impl FnOnce(&mut Page)) {
    page.block(WRITE, write);
    page.blank();
    page.block(READ, read);
}

fn integer(page: &mut Page, min: i64, max: i64) {
    both(
        page,
        |page| page.line("out.integer(i64::from(self.0))"),
        |page| {
            let native = native(min, max);
            page.line(format!(
                "self.0 = input.integer({min}, {max})? as {native};"
            ));
            page.line("Ok(())");
        },
    );
}

fn enumerated(page: &mut Page) {
    both(
        page,
        |page| page.line("out.enumeral(self.name())"),
        |page| {
            page.line("*self = input.enumeral(&Self::ALL, Self::name)?;");
            page.line("Ok(())");
        },
    );
}

fn bits(page: &mut Page, size: u32) {
    let below = 64 - size;
    both(
        page,
        |page| {
            page.line(format!(
                "out.bits(u64::from(self.0) << {below}, Self::SIZE)"
            ));
        },
        |page| {
            let native = native_bits(size);
            page.line(format!(
                "self.0 = (input.bits(Self::SIZE)? >> {below}) as u{native};"
            ));
            page.line("Ok(())");
        },
    );
}

fn extensible_bits(page: &mut Page) {
    both(
        page,
        |page| page.line("self.0.write_jer(out)"),
        |page| page.line("self.0.read_jer(input)"),
    );
}

fn sequence(page: &mut Page, members: &[&Member]) {
    both(
        page,
        |page| {
            page.line("out.open('{')?;");
            for Member {
                asn,
                rust,
                optional,
                ..
            } in members
            {
                page.line(if *optional {
                    format!("out.optional(\"{asn}\", self.{rust}.as_ref())?;")
                } else {
                    format!("out.member(\"{asn}\", &self.{rust})?;")
                });
            }
            page.line("out.close('}')");
        },
        |page| {
            page.line("let mut object = input.object()?;");
            for Member {
                asn,
                rust,
                optional,
                ..
            } in members
            {
                let method = if *optional { "optional" } else { "required" };
                page.line(format!("object.{method}(\"{asn}\", &mut self.{rust})?;"));
            }
            page.line("object.finish(&[");
            for member in members {
                page.line(format!("    \"{}\",", member.asn));
            }
            page.line("])");
        },
    );
}

fn choice(page: &mut Page, alternatives: &[&Member]) {
    both(
        page,
        |page| {
            page.block("match self", |page| {
                for member in alternatives {
                    let (asn, variant) = (&member.asn, names::variant(&member.asn));
                    page.line(format!(
                        "Self::{variant}(value) => out.alternative(\"{asn}\", value),"
                    ));
                }
            });
        },
        |page| {
            page.line("let (name, input) = input.alternative()?;");
            page.block_until("*self = match name", "};", |page| {
                for member in alternatives {
                    let (asn, variant) = (&member.asn, names::variant(&member.asn));
                    page.line(format!(
                        "\"{asn}\" => Self::{variant}(input.value_of(name)?),"
                    ));
                }
                page.line("_ => return Err(jer::Problem::Unknown(name.to_owned()).into()),");
            });
            page.line("Ok(())");
        },
    );
}
