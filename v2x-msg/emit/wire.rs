//! Writes how each type goes to bits and comes back (UPER).

use super::facts::{Fact, Facts, WORD, index_bits};
use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member};
use super::types::{native, native_bits, rust};

const ENCODE: &str = "fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeErrorKind>";
const FIXED: &str = "fn fixed(&self, writer: &mut Writer<'_>) -> Result<u64, EncodeErrorKind>";
const DECODE: &str =
    "fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind>";

pub fn definition(page: &mut Page, definition: &Definition, facts: &Facts) {
    if matches!(definition.kind, Kind::Alias(_) | Kind::ByHand) {
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
                additions,
                extensible,
            } => {
                sequence(page, definition, members, additions, *extensible, facts);
            }
            Kind::Choice {
                alternatives,
                additions,
                extensible,
            } => {
                choice(
                    page,
                    definition,
                    alternatives,
                    additions,
                    *extensible,
                    facts,
                );
            }
            Kind::Alias(_) | Kind::ByHand => {}
        }
    });
    if facts.named(&definition.rust).fixed_bits.is_some() {
        fixed(page, definition, facts);
    }
}

/// All of a value's bits in one word, so that whoever writes it writes it with its neighbours.
fn fixed(page: &mut Page, definition: &Definition, facts: &Facts) {
    page.blank();
    page.block(format!("impl Fixed for {}", definition.rust), |page| {
        page.line("#[inline]");
        match &definition.kind {
            Kind::Integer { min, max, .. } => fixed_number(page, *min, *max),
            Kind::Bits { size, .. } => fixed_number(page, 0, (1_i64 << size) - 1),
            Kind::Sequence { members, .. } => page.block(FIXED, |page| {
                let mut run = Run::default();
                for member in members {
                    run.take(page, definition, member, facts);
                }
                page.line("Ok(value)");
            }),
            _ => page.block(unused_writer(), |page| page.line("Ok(*self as u64)")),
        }
    });
}

fn fixed_number(page: &mut Page, min: i64, max: i64) {
    page.block(unused_writer(), |page| {
        page.line(format!("above::<{min}, {max}>(i64::from(self.0))"));
    });
}

fn unused_writer() -> String {
    FIXED.replace("writer:", "_:")
}

/// Neighbours of fixed length, put together in `value` before they are written.
#[derive(Default)]
struct Run {
    bits: usize,
}

impl Run {
    /// The preamble comes first.
    fn after(preamble: usize) -> Self {
        Self { bits: preamble }
    }

    /// Puts a member behind what is in hand; false if it must be written by itself.
    fn take(
        &mut self,
        page: &mut Page,
        within: &Definition,
        member: &Member,
        facts: &Facts,
    ) -> bool {
        let fixed = facts.used(&member.used).fixed_bits;
        let Some(bits) = fixed.filter(|_| !member.optional && !member.boxed) else {
            return false;
        };
        if self.bits + bits > WORD {
            self.write(page);
        }
        let blame = blame("writer", within, member);
        let own = format!("self.{}.fixed(writer)", member.rust);
        let call = match self.bits {
            0 => format!("let value = {own}"),
            _ => format!("let value = value << {bits} | {own}"),
        };
        checked(page, &call, &blame, "?;");
        self.bits += bits;
        true
    }

    /// Writes what is in hand.
    fn write(&mut self, page: &mut Page) {
        if self.bits > 0 {
            page.line(format!("writer.word(value, {})?;", self.bits));
        }
        self.bits = 0;
    }
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

fn sequence(
    page: &mut Page,
    definition: &Definition,
    members: &[Member],
    additions: &[Member],
    extensible: bool,
    facts: &Facts,
) {
    let optional: Vec<_> = members.iter().filter(|member| member.optional).collect();
    let preamble = Preamble {
        optional: optional.len(),
        extensible,
    };
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        if extensible {
            page.line("let unknown = writer.enter();");
        }
        if !additions.is_empty() {
            let additions: Vec<_> = additions.iter().collect();
            flags(page, "added", None, &additions);
            page.line("let extended = added != 0 || unknown.is_some();");
        }
        preamble.write(page, &optional, !additions.is_empty());
        let mut run = Run::after(preamble.bits());
        for member in members {
            if !run.take(page, definition, member, facts) {
                run.write(page);
                encode_member(page, definition, member);
            }
        }
        run.write(page);
        if !additions.is_empty() {
            page.block("if extended", |page| {
                encode_additions(page, definition, additions);
            });
        } else if extensible {
            page.block("if let Some(unknown) = unknown", |page| {
                page.line("writer.only_unknown(unknown)?;");
            });
        }
        page.line("Ok(())");
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        if extensible {
            page.line("let sequence = reader.enter();");
        }
        preamble.read(page);
        let mut flag = optional.len();
        for member in members {
            flag -= usize::from(member.optional);
            decode_member(page, definition, member, flag);
        }
        if !additions.is_empty() {
            decode_additions(page, definition, additions, &preamble.extended());
        } else if extensible {
            page.block(format!("if {}", preamble.extended()), |page| {
                page.line("reader.skip_additions(sequence)?;");
            });
        }
        page.line("Ok(())");
    });
}

/// What stands before the members (X.691, 19.1 and 19.2): the extension bit, then a bit for each
/// OPTIONAL one.
struct Preamble {
    optional: usize,
    extensible: bool,
}

impl Preamble {
    fn bits(&self) -> usize {
        self.optional + usize::from(self.extensible)
    }

    fn write(&self, page: &mut Page, optional: &[&Member], additions: bool) {
        if self.bits() == 0 {
            return;
        }
        let extended = if additions {
            "u64::from(extended)"
        } else {
            "u64::from(unknown.is_some())"
        };
        let extended = match self.optional {
            0 => extended.to_owned(),
            flags => format!("{extended} << {flags}"),
        };
        flags(page, "value", self.extensible.then_some(extended), optional);
    }

    fn read(&self, page: &mut Page) {
        if self.bits() > 0 {
            page.line(format!("let present = reader.bits({})?;", self.bits()));
        }
    }

    /// Whether there are additions.
    fn extended(&self) -> String {
        match self.optional {
            0 => "present != 0".to_owned(),
            flags => format!("present >> {flags} != 0"),
        }
    }
}

/// A number with a bit for each member, set if it is there; the first is most significant.
fn flags(page: &mut Page, name: &str, above: Option<String>, members: &[&Member]) {
    let flag = |(index, member): (usize, &&Member)| {
        let shift = members.len() - 1 - index;
        let flag = format!("u64::from(self.{}.is_some())", member.rust);
        if shift == 0 {
            flag
        } else {
            format!("{flag} << {shift}")
        }
    };
    let mut flags: Vec<_> = above.into_iter().collect();
    flags.extend(members.iter().enumerate().map(flag));
    match flags.split_first() {
        None => page.line(format!("let {name} = 0;")),
        Some((first, [])) => page.line(format!("let {name} = {first};")),
        Some((first, others)) => {
            page.line(format!("let {name} = {first}"));
            for (index, other) in others.iter().enumerate() {
                let end = if index + 1 == others.len() { ";" } else { "" };
                page.line(format!("    | {other}{end}"));
            }
        }
    }
}

fn encode_member(page: &mut Page, definition: &Definition, member: &Member) {
    let blame = blame("writer", definition, member);
    let field = &member.rust;
    if member.optional {
        page.block(format!("if let Some(value) = &self.{field}"), |page| {
            checked(page, "value.encode(writer)", &blame, "?;");
        });
    } else {
        checked(page, &format!("self.{field}.encode(writer)"), &blame, "?;");
    }
}

fn decode_member(page: &mut Page, definition: &Definition, member: &Member, flag: usize) {
    let blame = blame("reader", definition, member);
    let field = &member.rust;
    if member.optional {
        let present = match flag {
            0 => "present & 1 != 0".to_owned(),
            _ => format!("present >> {flag} & 1 != 0"),
        };
        let decode = if member.boxed {
            "decode_boxed"
        } else {
            "decode_optional"
        };
        page.line(format!("{decode}(&mut self.{field}, {present}, reader)"));
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

/// X.691, 19.7 to 19.9: how many additions we know, which are there, and each as an open type.
fn encode_additions(page: &mut Page, definition: &Definition, additions: &[Member]) {
    page.line(format!(
        "writer.additions(added, {}, unknown)?;",
        additions.len()
    ));
    for member in additions {
        let blame = blame("writer", definition, member);
        page.block(
            format!("if let Some(value) = &self.{}", member.rust),
            |page| {
                page.line("writer.open_type(|writer| value.encode(writer))");
                page.line(format!("    {blame}?;"));
            },
        );
    }
    page.line("writer.unknown_additions(unknown)?;");
}

/// The counterpart.
fn decode_additions(
    page: &mut Page,
    definition: &Definition,
    additions: &[Member],
    extended: &str,
) {
    page.line(format!(
        "let mut additions = reader.additions({extended})?;"
    ));
    for member in additions {
        let blame = blame("reader", definition, member);
        page.line(format!("additions.next(&mut self.{}, reader)", member.rust));
        page.line(format!("    {blame}?;"));
    }
    page.line(format!(
        "additions.finish({}, sequence, reader)?;",
        additions.len()
    ));
}

fn choice(
    page: &mut Page,
    definition: &Definition,
    alternatives: &[Member],
    additions: &[Member],
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
                    let head = index_bits(root, extensible) as usize;
                    let fixed = facts.used(&member.used).fixed_bits;
                    match fixed.filter(|bits| head + bits <= WORD && !member.boxed) {
                        Some(bits) => {
                            checked(page, "let value = value.fixed(writer)", &blame, "?;");
                            let all = head + bits;
                            let word = match index {
                                0 => "value".to_owned(),
                                _ => format!("{index} << {bits} | value"),
                            };
                            page.line(format!("writer.word({word}, {all})"));
                        }
                        None => {
                            page.line(format!("writer.index::<{root}, {extensible}>({index})?;"));
                            checked(page, "value.encode(writer)", &blame, "");
                        }
                    }
                });
            }
            for (index, member) in additions.iter().enumerate() {
                let blame = blame("writer", definition, member);
                page.block(format!("Self::{}(value) =>", member.variant()), |page| {
                    page.line(format!("writer.added_alternative({index})?;"));
                    page.line("writer.open_type(|writer| value.encode(writer))");
                    page.line(format!("    {blame}"));
                });
            }
        });
    });
    page.blank();
    page.line("#[inline]");
    page.block(DECODE, |page| {
        let known = root + additions.len();
        if let ([only], []) = (alternatives, additions) {
            // Nothing to choose: the bits are read, and lead nowhere else.
            page.line(format!("reader.alternative::<1, {extensible}>()?;"));
            page.line(format!("let Self::{}(value) = self;", only.variant()));
            let blame = blame("reader", definition, only);
            checked(page, "value.decode_into(reader)", &blame, "");
            return;
        }
        let index = match additions {
            [] => format!("reader.alternative::<{root}, {extensible}>()?"),
            _ => format!("reader.alternative_or_added::<{root}, {known}>()?"),
        };
        page.block(format!("match {index}"), |page| {
            let pattern = |index: usize| match index + 1 {
                last if last == known => "_".to_owned(),
                _ => index.to_string(),
            };
            for (index, member) in alternatives.iter().enumerate() {
                page.block(format!("{} =>", pattern(index)), |page| {
                    alternative(page, definition, member, facts);
                });
            }
            for (index, member) in additions.iter().enumerate() {
                page.block(format!("{} =>", pattern(root + index)), |page| {
                    added_alternative(page, definition, member);
                });
            }
        });
    });
}

/// Decodes an alternative from beyond the root: boxed, in an open type.
fn added_alternative(page: &mut Page, definition: &Definition, member: &Member) {
    let variant = names::variant(&member.asn);
    let blame = blame("reader", definition, member);
    let name = rust(&member.used);
    page.line(format!("let other = !matches!(self, Self::{variant}(_));"));
    page.line(format!(
        "reader.grow(1, usize::from(other), size_of::<{name}>())?;"
    ));
    page.block("if other", |page| {
        page.line(format!("*self = Self::{variant}(Box::default());"));
    });
    page.block(format!("if let Self::{variant}(value) = self"), |page| {
        page.line("reader.open_type(|reader| value.decode_into(reader))");
        page.line(format!("    {blame}?;"));
    });
    page.line("Ok(())");
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
