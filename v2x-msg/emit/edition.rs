//! Writes an older edition as what differs from ours: its own definitions, and whatever of ours
//! is made of them, in a module that takes all else from ours; and the way from one to the other.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::names;
use super::page::Page;
use super::schema::{Definition, Kind, Member, Schema, Use};
use super::{jer, types, wire};

/// Where the same name has another meaning, so that a rule would be wrong.
const BY_HAND: [&str; 1] = ["FullPositionVector"];

/// Two editions of the message set.
pub struct Editions<'a> {
    newer: BTreeMap<&'a str, &'a Definition>,
    /// All of it: its own definitions, and those of the newer one.
    older: BTreeMap<&'a str, &'a Definition>,
    /// Those that have to be written again.
    differing: BTreeSet<&'a str>,
}

impl<'a> Editions<'a> {
    /// From all definitions of the newer edition, and those of the older one that differ.
    pub fn new(newer: &'a Schema, own: &'a [Definition]) -> Self {
        let by_name = |definitions: &'a [Definition]| {
            let by_name = definitions.iter().map(|one| (one.rust.as_str(), one));
            by_name.collect::<BTreeMap<_, _>>()
        };
        let newer = by_name(&newer.definitions);
        let mut older = newer.clone();
        older.extend(by_name(own));
        let mut differing: BTreeSet<_> = by_name(own).into_keys().collect();
        loop {
            let made_of = |definition: &Definition| {
                let mut names = definition.kind.names();
                names.any(|name| differing.contains(name))
            };
            let more: Vec<_> = older
                .iter()
                .filter(|(name, definition)| !differing.contains(*name) && made_of(definition))
                .map(|(name, _)| *name)
                .collect();
            if more.is_empty() {
                break;
            }
            differing.extend(more);
        }
        let mut editions = Self {
            newer,
            older,
            differing,
        };
        let mut reached = BTreeSet::new();
        editions.reach("MessageFrame", &mut reached);
        editions.differing.retain(|name| reached.contains(name));
        editions
    }

    /// Everything that a type of the older edition is made of, itself included.
    fn reach(&self, name: &str, reached: &mut BTreeSet<&'a str>) {
        if let Some((name, definition)) = self.older.get_key_value(name)
            && reached.insert(name)
        {
            definition
                .kind
                .names()
                .for_each(|name| self.reach(name, reached));
        }
    }

    pub fn module(&self, page: &mut Page) -> Result<(), String> {
        let facts = Facts::of(self.older.values().copied())?;
        page.blank();
        page.docs(["What differs in the edition of 2019-07-24; all else is the same type."]);
        page.block("pub mod edition_2019", |page| {
            page.line("use super::*;");
            for name in &self.differing {
                let definition = self.older[name];
                types::definition(page, definition, &facts);
                wire::definition(page, definition, &facts);
                jer::definition(page, definition);
                self.recast(page, definition);
            }
        });
        Ok(())
    }

    /// From one edition to the other, both ways.
    fn recast(&self, page: &mut Page, older: &Definition) {
        let newer = self.newer[older.rust.as_str()];
        let name = &older.rust;
        if BY_HAND.contains(&name.as_str()) || matches!(older.kind, Kind::Alias(_)) {
            return;
        }
        for (from, to, from_name, to_name) in [
            (older, newer, name.clone(), format!("super::{name}")),
            (newer, older, format!("super::{name}"), name.clone()),
        ] {
            page.blank();
            page.block(format!("impl Recast<{to_name}> for {from_name}"), |page| {
                page.block(
                    format!("fn recast(self) -> Result<{to_name}, NotInEdition>"),
                    |page| self.body(page, from, to, &to_name),
                );
            });
        }
    }

    fn body(&self, page: &mut Page, from: &Definition, to: &Definition, to_name: &str) {
        match (&from.kind, &to.kind) {
            (
                Kind::Sequence {
                    members, additions, ..
                },
                Kind::Sequence {
                    members: wanted,
                    additions: wanted_additions,
                    ..
                },
            ) => {
                let given: Vec<_> = members.iter().chain(additions).collect();
                page.block_until(format!("Ok({to_name}"), "})", |page| {
                    for member in wanted.iter().chain(wanted_additions) {
                        let given = given.iter().find(|given| given.asn == member.asn);
                        page.line(format!("{}: {},", member.rust, self.member(given, member)));
                    }
                });
            }
            (
                Kind::Choice {
                    alternatives,
                    additions,
                    ..
                },
                Kind::Choice {
                    alternatives: wanted,
                    additions: wanted_additions,
                    ..
                },
            ) => page.block("match self", |page| {
                for member in alternatives.iter().chain(additions) {
                    let variant = names::variant(&member.asn);
                    let mut known = wanted.iter().chain(wanted_additions);
                    if known.any(|known| known.asn == member.asn) {
                        let value = self.value("value", &member.used);
                        page.line(format!(
                            "Self::{variant}(value) => Ok({to_name}::{variant}({value})),"
                        ));
                    } else {
                        page.line(format!("Self::{variant}(_) => Err(NotInEdition),"));
                    }
                }
            }),
            // Numbers: the bounds are checked when the value is encoded.
            _ => page.line(format!("Ok({to_name}(self.0))")),
        }
    }

    /// The value of a member, made from that of the same name.
    fn member(&self, given: Option<&&Member>, wanted: &Member) -> String {
        let Some(given) = given else {
            return "Default::default()".to_owned();
        };
        let field = format!("self.{}", given.rust);
        match (given.optional, wanted.optional) {
            (false, false) => self.value(&field, &given.used),
            (false, true) => format!("Some({})", self.value(&field, &given.used)),
            (true, true) => match self.way(&given.used) {
                Way::Same => field,
                Way::Recast => format!("{field}.map(Recast::recast).transpose()?"),
                Way::List(way) => {
                    format!("{field}.map(|list| recast_list(list, {way})).transpose()?")
                }
            },
            // Zero, or the like, stands for what is not said.
            (true, false) => format!("{field}.unwrap_or_default()"),
        }
    }

    fn value(&self, value: &str, used: &Use) -> String {
        match self.way(used) {
            Way::Same => value.to_owned(),
            Way::Recast => format!("{value}.recast()?"),
            Way::List(way) => format!("recast_list({value}, {way})?"),
        }
    }

    fn way(&self, used: &Use) -> Way {
        let Use::Named(name) = used else {
            return Way::Same;
        };
        if !self.differing.contains(name.as_str()) {
            return Way::Same;
        }
        match &self.older[name.as_str()].kind {
            Kind::Alias(Use::List(element, ..)) => match self.way(element) {
                Way::Same => Way::List("Ok"),
                _ => Way::List("Recast::recast"),
            },
            _ => Way::Recast,
        }
    }
}

/// How a value becomes one of the other edition.
enum Way {
    Same,
    Recast,
    /// The list by itself, and so each of its elements.
    List(&'static str),
}
