//! Writes the serde view of each type: one line for a macro of `src/view.rs`.

use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member};

/// A module of its own, for whoever wants it.
pub fn all(page: &mut Page, definitions: &[Definition]) {
    page.blank();
    page.line("#[cfg(feature = \"serde\")]");
    page.block("mod views", |page| {
        page.line("use super::*;");
        page.line("use crate::view::{bits, choice, enumerated, integer, open_bits, sequence};");
        page.blank();
        for definition in definitions {
            line(page, definition);
        }
    });
}

fn line(page: &mut Page, definition: &Definition) {
    let name = &definition.rust;
    match &definition.kind {
        Kind::Integer { .. } => page.line(format!("integer!({name});")),
        Kind::Enumerated { names, .. } => {
            let names: Vec<_> = names.iter().map(|asn| format!("\"{asn}\"")).collect();
            list(page, "enumerated", name, &names);
        }
        Kind::Bits {
            extensible: false, ..
        } => page.line(format!("bits!({name});")),
        Kind::Bits {
            extensible: true, ..
        } => page.line(format!("open_bits!({name});")),
        Kind::Sequence {
            members, additions, ..
        } => {
            let member = |member: &Member| format!("\"{}\" {}", member.asn, member.rust);
            let members: Vec<_> = members.iter().chain(additions).map(member).collect();
            list(page, "sequence", name, &members);
        }
        Kind::Choice {
            alternatives,
            additions,
            ..
        } => {
            let alternatives = (0..).zip(alternatives.iter().chain(additions));
            let alternative = |(index, member): (usize, &Member)| {
                format!("{index} \"{}\" {}", member.asn, names::variant(&member.asn))
            };
            let alternatives: Vec<_> = alternatives.map(alternative).collect();
            list(page, "choice", name, &alternatives);
        }
        // Strings and lists have views of their own, and what is written by hand has too.
        Kind::Alias(_) | Kind::ByHand => {}
    }
}

fn list(page: &mut Page, shape: &str, name: &str, parts: &[String]) {
    page.line(format!("{shape}!({name}:"));
    for part in parts {
        page.line(format!("    {part},"));
    }
    page.line(");");
}
