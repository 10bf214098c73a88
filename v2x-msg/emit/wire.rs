//! Writes how each type goes to bits and comes back (UPER).

use super::facts::{Fact, Facts, WORD, index_bits};
use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member};
use super::types::{native, native_bits, rust};

const ENCODE: &str =
    "fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>)";
const GATHER: &str = "fn gather(&self, run: Draft) -> Draft";
const CHECK: &str = "fn check(&self, path: &mut Path) -> Result<(), EncodeErrorKind>";
const DECODE: &str =
    "fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind>";

pub fn definition(page: &mut Page, definition: &Definition, facts: &Facts) {
    if matches!(definition.kind, Kind::Alias(_) | Kind::ByHand) {
        return;
    }
    let fact = facts.named(&definition.rust);
    page.blank();
    page.block(format!("impl Wire for {}", definition.rust), |page| {
        page.line(format!("const MIN_BITS: usize = {};", fact.min_bits));
        page.line(format!("const ROOM: u32 = {};", fact.room));
        if fact.brief {
            page.line("const BRIEF: bool = true;");
        }
        page.blank();
        match fact.short() {
            Some(_) => encode_short(page),
            None => encode(page, definition, &fact, facts),
        }
        page.blank();
        if fact.gathers() {
            gather(page, definition);
            page.blank();
        }
        check(page, definition);
        decode(page, definition, facts);
    });
}

/// A type whose values may be longer than a word.
fn encode(page: &mut Page, definition: &Definition, fact: &Fact, facts: &Facts) {
    // Of two stores at the most, always; more, or what is left after a try in one go, as it may be.
    page.line(match fact.gathers() && !fact.brief {
        true => "#[inline(always)]",
        false => "#[inline]",
    });
    page.block(ENCODE, |page| match &definition.kind {
        Kind::Sequence {
            members,
            additions,
            extensible,
        } => encode_sequence(page, definition, members, additions, *extensible, facts),
        Kind::Choice {
            alternatives,
            additions,
            extensible,
        } => encode_choice(page, alternatives, additions, *extensible, facts),
        Kind::Bits { .. } => page.line("self.0.encode(run, writer);"),
        Kind::Integer { .. } | Kind::Enumerated { .. } | Kind::Alias(_) | Kind::ByHand => {}
    });
}

fn decode(page: &mut Page, definition: &Definition, facts: &Facts) {
    page.line("#[inline]");
    page.block(DECODE, |page| match &definition.kind {
        Kind::Integer { min, max, .. } => decode_number(page, *min, *max, native(*min, *max)),
        Kind::Enumerated { names, extensible } => {
            let root = names.len();
            page.line(format!(
                "*self = Self::ALL[reader.enumeral::<{root}, {extensible}>()?];"
            ));
            page.line("Ok(())");
        }
        Kind::Bits {
            size,
            extensible: false,
            ..
        } => {
            let native = format!("u{}", native_bits(*size));
            decode_number(page, 0, (1_i64 << size) - 1, &native);
        }
        Kind::Bits { .. } => page.line("self.0.decode_into(reader)"),
        Kind::Sequence {
            members,
            additions,
            extensible,
        } => decode_sequence(page, definition, members, additions, *extensible),
        Kind::Choice {
            alternatives,
            additions,
            extensible,
        } => decode_choice(
            page,
            definition,
            alternatives,
            additions,
            *extensible,
            facts,
        ),
        Kind::Alias(_) | Kind::ByHand => {}
    });
}

fn decode_number(page: &mut Page, min: i64, max: i64, native: &str) {
    page.line(format!(
        "self.0 = reader.integer::<{min}, {max}>()? as {native};"
    ));
    page.line("Ok(())");
}

/// What has no encoding, and where: only asked when encoding has failed.
fn check(page: &mut Page, definition: &Definition) {
    let checked = |page: &mut Page, call: &str, member: &Member, end: &str| {
        let told = format!("{}.{}", definition.asn, member.asn);
        page.line(call);
        page.line(format!(
            "    .inspect_err(|_| path.within_member(\"{told}\")){end}"
        ));
    };
    match &definition.kind {
        Kind::Integer { min, max, .. } => check_number(page, *min, *max),
        Kind::Bits {
            size,
            extensible: false,
            ..
        } => check_number(page, 0, (1_i64 << size) - 1),
        Kind::Sequence {
            members, additions, ..
        } => page.block(CHECK, |page| {
            for member in members.iter().chain(additions) {
                let field = &member.rust;
                if member.optional || additions.iter().any(|one| one.rust == *field) {
                    page.block(format!("if let Some(value) = &self.{field}"), |page| {
                        checked(page, "value.check(path)", member, "?;");
                    });
                } else {
                    checked(page, &format!("self.{field}.check(path)"), member, "?;");
                }
            }
            page.line("Ok(())");
        }),
        Kind::Choice {
            alternatives,
            additions,
            ..
        } => page.block(CHECK, |page| {
            page.block("match self", |page| {
                for member in alternatives.iter().chain(additions) {
                    page.block(format!("Self::{}(value) =>", member.variant()), |page| {
                        checked(page, "value.check(path)", member, "");
                    });
                }
            });
        }),
        Kind::Enumerated { .. } | Kind::Bits { .. } | Kind::Alias(_) | Kind::ByHand => return,
    }
    page.blank();
}

fn check_number(page: &mut Page, min: i64, max: i64) {
    page.block(CHECK.replace("path:", "_:"), |page| {
        page.line(format!("check_integer::<{min}, {max}>(i64::from(self.0))"));
    });
}

/// All of a value's bits in a word, so that whoever writes it writes it with its neighbours.
fn gather(page: &mut Page, definition: &Definition) {
    page.line("#[inline(always)]");
    page.block(GATHER, |page| match &definition.kind {
        Kind::Integer { min, max, .. } => gather_number(page, *min, *max),
        Kind::Bits { size, .. } => gather_number(page, 0, (1_i64 << size) - 1),
        Kind::Enumerated { names, extensible } => {
            let bits = index_bits(names.len(), *extensible);
            page.line(format!("run.then(*self as u64, {bits})"));
        }
        Kind::Sequence { members, .. } => {
            let optional: Vec<_> = members.iter().filter(|member| member.optional).collect();
            Preamble::of(&optional, false).write(page, &optional, false);
            for member in members {
                gather_member(page, member);
            }
            page.line("run");
        }
        Kind::Choice {
            alternatives,
            extensible,
            ..
        } => page.block("match self", |page| {
            let head = index_bits(alternatives.len(), *extensible);
            for (index, member) in alternatives.iter().enumerate() {
                page.line(format!(
                    "Self::{}(value) => value.gather(run.then({index}, {head})),",
                    member.variant()
                ));
            }
        }),
        Kind::Alias(_) | Kind::ByHand => {}
    });
}

fn gather_number(page: &mut Page, min: i64, max: i64) {
    page.line(format!("run.integer::<{min}, {max}>(i64::from(self.0))"));
}

/// Puts a member of a short type behind what is in hand.
fn gather_member(page: &mut Page, member: &Member) {
    let field = &member.rust;
    if member.optional {
        page.block_until(format!("let run = match &self.{field}"), "};", |page| {
            page.line("Some(value) => value.gather(run),");
            page.line("None => run,");
        });
    } else {
        page.line(format!("let run = self.{field}.gather(run);"));
    }
}

/// What is in hand at a place of the generated code: neighbours of short types are put together
/// before they are written.
struct InHand {
    /// How many bits that are at the least.
    least: usize,
    /// And at the most.
    most: usize,
    /// Whether the variable `run` holds them; if not, there are none.
    named: bool,
}

impl InHand {
    const NOTHING: Self = Self {
        least: 0,
        most: 0,
        named: false,
    };

    /// Behind a preamble, at the start of a value with so much room before it.
    fn behind(preamble: &Preamble, room: usize) -> Self {
        Self {
            least: preamble.bits(),
            most: room + preamble.bits(),
            named: true,
        }
    }

    /// Encodes a member; `then` is how many bits may be in hand behind it.
    fn member(&mut self, page: &mut Page, member: &Member, then: usize, facts: &Facts) {
        let fact = facts.used(&member.used);
        match fact.short().filter(|_| !member.boxed) {
            // Where nothing is in hand or can go with it, there may be nothing to write.
            Some(bits) if self.most == 0 && member.optional && then < bits => {
                self.long_member(page, member, false, then);
            }
            Some(bits) => {
                self.leave_at_most(page, WORD - bits);
                if !self.named {
                    page.line("let run = Draft::NONE;");
                    self.named = true;
                }
                gather_member(page, member);
                self.most += bits;
                if !member.optional {
                    self.least += bits;
                }
            }
            None => {
                self.leave_at_most(page, fact.room);
                self.long_member(page, member, fact.brief && !member.boxed, then);
            }
        }
    }

    fn long_member(&mut self, page: &mut Page, member: &Member, brief: bool, then: usize) {
        let field = &member.rust;
        let run = match self.most {
            0 => "Run::NONE",
            _ => "writer.pass(run)",
        };
        let encode = |value: &str, own: &str| match brief {
            true => format!("encode_brief({value}, {run}, writer);"),
            false => format!("{own}.encode({run}, writer);"),
        };
        let value = encode("value", "value");
        if !member.optional {
            page.line(encode(&format!("&self.{field}"), &format!("self.{field}")));
            *self = Self::NOTHING;
        } else if self.most == 0 {
            page.block(format!("if let Some(value) = &self.{field}"), |page| {
                page.line(value);
            });
        } else if self.most > then {
            page.block(format!("match &self.{field}"), |page| {
                page.line(format!("Some(value) => {}", value.replace(';', ",")));
                page.line("None => writer.put(run),");
            });
            *self = Self::NOTHING;
        } else {
            page.block_until(format!("let run = match &self.{field}"), "};", |page| {
                page.block("Some(value) =>", |page| {
                    page.line(value);
                    page.line("Draft::NONE");
                });
                page.line("None => run,");
            });
            self.least = 0;
        }
    }

    /// Writes what is in hand, if it may be more.
    fn leave_at_most(&mut self, page: &mut Page, most: usize) {
        if self.least > most || most == 0 && self.most > 0 {
            page.line("writer.put(run);");
            *self = Self::NOTHING;
        } else if self.most > most {
            page.line(format!("let run = writer.leave_at_most(run, {most});"));
            (self.least, self.most) = (0, most);
        }
    }
}

fn encode_short(page: &mut Page) {
    page.line("#[inline]");
    page.block(ENCODE, |page| {
        page.line("writer.put(self.gather(run.draft()));");
    });
}

fn encode_sequence(
    page: &mut Page,
    definition: &Definition,
    members: &[Member],
    additions: &[Member],
    extensible: bool,
    facts: &Facts,
) {
    let optional: Vec<_> = members.iter().filter(|member| member.optional).collect();
    let preamble = Preamble::of(&optional, extensible);
    if extensible {
        page.line("let unknown = writer.enter();");
    }
    if !additions.is_empty() {
        let additions: Vec<_> = additions.iter().collect();
        flags(page, "added", None, &additions);
        page.line("let extended = added != 0 || unknown.is_some();");
    }
    preamble.write(page, &optional, !additions.is_empty());
    if preamble.bits() == 0 {
        page.line("let run = run.draft();");
    }
    let mut in_hand = InHand::behind(&preamble, facts.named(&definition.rust).room);
    let beside = |member: &Member| facts.used(&member.used).beside();
    for (index, member) in members.iter().enumerate() {
        let then = members.get(index + 1).map_or(0, beside);
        in_hand.member(page, member, then, facts);
    }
    in_hand.leave_at_most(page, 0);
    if !additions.is_empty() {
        page.block("if extended", |page| {
            encode_additions(page, additions);
        });
    } else if extensible {
        page.block("if let Some(unknown) = unknown", |page| {
            page.line("writer.only_unknown(unknown);");
        });
    }
}

fn decode_sequence(
    page: &mut Page,
    definition: &Definition,
    members: &[Member],
    additions: &[Member],
    extensible: bool,
) {
    let optional: Vec<_> = members.iter().filter(|member| member.optional).collect();
    let preamble = Preamble::of(&optional, extensible);
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
}

/// What stands before the members (X.691, 19.1 and 19.2): the extension bit, then a bit for each
/// OPTIONAL one.
struct Preamble {
    optional: usize,
    extensible: bool,
}

impl Preamble {
    fn of(optional: &[&Member], extensible: bool) -> Self {
        Self {
            optional: optional.len(),
            extensible,
        }
    }

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
        flags(page, "flags", self.extensible.then_some(extended), optional);
        page.line(format!("let run = run.then(flags, {});", self.bits()));
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
fn encode_additions(page: &mut Page, additions: &[Member]) {
    page.line(format!(
        "writer.additions(added, {}, unknown);",
        additions.len()
    ));
    for member in additions {
        page.block(
            format!("if let Some(value) = &self.{}", member.rust),
            |page| page.line("writer.open_type(|writer| value.encode(Run::NONE, writer));"),
        );
    }
    page.line("writer.unknown_additions(unknown);");
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

fn encode_choice(
    page: &mut Page,
    alternatives: &[Member],
    additions: &[Member],
    extensible: bool,
    facts: &Facts,
) {
    let head = index_bits(alternatives.len(), extensible) as usize;
    page.block("match self", |page| {
        for (index, member) in alternatives.iter().enumerate() {
            page.block(format!("Self::{}(value) =>", member.variant()), |page| {
                let behind = format!("run.then({index}, {head})");
                let fact = facts.used(&member.used);
                if fact.short().is_some() && !member.boxed {
                    page.line(format!("writer.put(value.gather({behind}));"));
                } else if head <= fact.beside() {
                    page.line(format!("value.encode(writer.pass({behind}), writer);"));
                } else {
                    page.line(format!("writer.put({behind});"));
                    page.line("value.encode(Run::NONE, writer);");
                }
            });
        }
        for (index, member) in additions.iter().enumerate() {
            page.block(format!("Self::{}(value) =>", member.variant()), |page| {
                page.line("writer.put(run.draft());");
                page.line(format!("writer.added_alternative({index});"));
                page.line("writer.open_type(|writer| value.encode(Run::NONE, writer));");
            });
        }
    });
}

fn decode_choice(
    page: &mut Page,
    definition: &Definition,
    alternatives: &[Member],
    additions: &[Member],
    extensible: bool,
    facts: &Facts,
) {
    let root = alternatives.len();
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
        let indent = call.len() - call.trim_start().len() + 4;
        page.line(call);
        page.line(format!("{:indent$}{blame}{end}", ""));
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
