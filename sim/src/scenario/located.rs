//! Where in which file a scenario is wrong that extends another, or that has several junctions.
//!
//! Such a scenario is read as one table worked together of several texts, in which nothing has a line any more.
//! Once it is refused the texts are put together again, each value with its place, and asked for the same fault.
//! Each text is read as if it stood behind all others, so that a place says which it is. What is wrong in a
//! value that somebody sets besides, or in what tables say about each other, has no line.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::file::ScenarioFile;
use super::read::{EXPECTED_TO_FAIL, EXTENDS, JUNCTION, MOST_LEVELS};
use crate::network::file::NetworkTable;
use crate::network::place::Placing;

/// The place of `fault` in `file`, or in one that it extends, before the fault itself; None where it has no line.
pub(super) fn located(file: &Path, fault: &str) -> Option<String> {
    let texts = texts(file);
    let table = merged(&texts)?;
    texts.place(&wrong::<ScenarioFile>(table)?, fault)
}

/// The same of a scenario with several junctions.
pub(crate) fn located_in_network(file: &Path, fault: &str) -> Option<String> {
    let texts = texts(file);
    let mut whole = merged(&texts)?;
    if let Some(DeValue::Table(network)) = take(&mut whole, NETWORK) {
        let place = wrong::<NetworkTable>(network).and_then(|e| texts.place(&e, fault));
        if place.is_some() {
            return place;
        }
    }
    let Some(DeValue::Array(junctions)) = take(&mut whole, JUNCTION) else {
        return None;
    };
    junctions.iter().find_map(|junction| {
        let DeValue::Table(own) = junction.get_ref() else {
            return None;
        };
        let (mut place, mut one) = (DeTable::new(), whole.clone());
        let mut more = DeTable::new();
        for (key, value) in own {
            let about_place = Placing::KEYS.contains(&&**key.get_ref());
            let into = if about_place { &mut place } else { &mut more };
            into.insert(key.clone(), value.clone());
        }
        merge(&mut one, more);
        let faults = [wrong::<Placing>(place), wrong::<ScenarioFile>(one)];
        let mut faults = faults.into_iter().flatten();
        faults.find_map(|e| texts.place(&e, fault))
    })
}

/// The text of a file and of all that it extends, itself first.
struct Texts(Vec<Text>);

struct Text {
    file: PathBuf,
    /// With as much before it as all others before it take.
    padded: String,
    begins: usize,
}

fn texts(file: &Path) -> Texts {
    let mut texts: Vec<Text> = Vec::new();
    let mut next = Some(file.to_owned());
    while let Some(file) = next.take().filter(|_| texts.len() <= MOST_LEVELS) {
        let Ok(text) = fs::read_to_string(&file) else {
            break;
        };
        let begins = texts.last().map_or(0, |text| text.padded.len());
        let padded = " ".repeat(begins) + &text;
        let base = DeTable::parse(&padded).ok().and_then(|table| {
            let mut entries = table.get_ref().iter();
            let (_, base) = entries.find(|(key, _)| **key.get_ref() == *EXTENDS)?;
            Some(base.get_ref().as_str()?.to_owned())
        });
        next = base.map(|base| file.parent().unwrap_or(Path::new(".")).join(base));
        texts.push(Text {
            file,
            padded,
            begins,
        });
    }
    Texts(texts)
}

impl Texts {
    /// Where this is, if it is this fault.
    fn place(&self, e: &Error, fault: &str) -> Option<String> {
        let at = e.span().filter(|_| fault.contains(e.message()))?.start;
        let mut texts = self.0.iter();
        let text = texts.find(|text| (text.begins..text.padded.len()).contains(&at))?;
        let before = text.padded.get(text.begins..at)?;
        let line = before.matches('\n').count() + 1;
        Some(format!("{}:{line}: {}", text.file.display(), e.message()))
    }
}

fn merged(texts: &Texts) -> Option<DeTable<'_>> {
    let mut whole: Option<DeTable<'_>> = None;
    for text in texts.0.iter().rev() {
        let own = DeTable::parse(&text.padded).ok()?.into_inner();
        whole = Some(match whole {
            None => own,
            Some(mut base) => {
                take(&mut base, EXPECTED_TO_FAIL);
                merge(&mut base, own);
                base
            }
        });
    }
    whole
}

/// As tables are worked together where they are read.
fn merge<'i>(base: &mut DeTable<'i>, own: DeTable<'i>) {
    for (key, value) in own {
        let same = |other: &Spanned<_>| other.get_ref() == key.get_ref();
        let before = base.iter().find(|(other, _)| same(other));
        let before = before.map(|(_, value)| value.clone());
        let value = match (before.map(Spanned::into_inner), value) {
            (Some(DeValue::Table(mut table)), value) if value.get_ref().is_table() => {
                let span = value.span();
                if let DeValue::Table(own) = value.into_inner() {
                    merge(&mut table, own);
                }
                Spanned::new(span, DeValue::Table(table))
            }
            (_, value) => value,
        };
        take(base, &key.get_ref().clone());
        base.insert(key, value);
    }
}

fn take<'i>(table: &mut DeTable<'i>, key: &str) -> Option<DeValue<'i>> {
    let mut keys = table.keys();
    let key = keys.find(|one| **one.get_ref() == *key)?.clone();
    table.remove(&key).map(Spanned::into_inner)
}

/// What is wrong with a table.
fn wrong<T: DeserializeOwned>(table: DeTable<'_>) -> Option<Error> {
    T::deserialize(Deserializer::from(Spanned::new(0..0, table))).err()
}

const NETWORK: &str = "network";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::scenario::Scenario;

    /// What is said of these lines behind a scenario of ours in a folder of its own.
    fn refused(name: &str, lines: &str, load: impl Fn(&Path) -> anyhow::Result<()>) -> String {
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
        let folder =
            std::env::temp_dir().join(format!("sim-located-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("wrong.toml");
        fs::write(&file, lines.replace("OURS", ours)).expect("a file");
        let told = format!("{:#}", load(&file).expect_err("it is wrong"));
        fs::remove_dir_all(&folder).expect("it was there");
        told
    }

    fn one(file: &Path) -> anyhow::Result<()> {
        Scenario::load(file).map(drop)
    }

    fn network(file: &Path) -> anyhow::Result<()> {
        Network::load_with(file, &[]).map(drop)
    }

    #[test]
    fn an_unknown_key_of_a_scenario_that_extends_another_has_its_line() {
        let head = "name = 'wrong'\nsummary = 'wrong'\nextends = 'OURS/moyu-boyuan.toml'\n";
        for (lines, line, why) in [
            ("durations-s = 3\n", 4, "unknown field `durations-s`"),
            (
                "[traffic]\nlane-change = true\n",
                5,
                "unknown field `lane-change`",
            ),
            (
                "\n[limits]\nfalse-share-max = 'few'\n",
                6,
                "invalid type: string \"few\"",
            ),
            (
                "[[event]]\nkind = 'slow'\nat-s = 1\n[[event]]\nat-s = 2\n",
                7,
                "missing field `kind`",
            ),
        ] {
            let told = refused(&format!("{line}"), &format!("{head}{lines}"), one);
            assert!(told.contains(&format!("wrong.toml:{line}: ")), "{told}");
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_wrong_value_of_a_junction_or_of_the_whole_has_its_line() {
        let head = "extends = 'OURS/huanhu-fog.toml'\nname = 'wrong'\nsummary = 'wrong'\n";
        for (lines, line, why) in [
            (
                "[network.limits]\nstrayed-mox = 0\n",
                5,
                "unknown field `strayed-mox`",
            ),
            (
                "[[junction]]\nname = 'a'\nnode = 1\nat-n = [0.0, 0.0]\n",
                7,
                "unknown field `at-n`",
            ),
            (
                "[[junction]]\nname = 'a'\nnode = 'one'\n",
                6,
                "invalid type: string \"one\"",
            ),
        ] {
            let told = refused(&format!("n{line}"), &format!("{head}{lines}"), network);
            assert!(told.contains(&format!("wrong.toml:{line}: ")), "{told}");
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn what_is_set_besides_has_no_line_and_is_told_as_it_is() {
        let ours = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/stopped-car.toml"
        );
        let set = [("duration-s".to_owned(), "\"long\"".to_owned())];
        let told = Scenario::load_with(Path::new(ours), &set).expect_err("it is no number");
        let told = format!("{told:#}");
        assert!(
            told.contains("duration-s") && !told.contains(".toml:"),
            "{told}"
        );
    }
}
