//! A scenario's file, found and read as a table: what it extends and what somebody sets besides are
//! worked in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml::{Table, Value};

use super::file::ScenarioFile;
use super::located;

/// Reads `file` with all that it extends; `settings` have the last word.
pub(super) fn read(file: &Path, settings: &[(String, String)]) -> Result<ScenarioFile> {
    let shown = file.display();
    let wrong = || format!("{shown} is not a scenario");
    let table = table(file, 0)?;
    ensure!(
        !table.contains_key(JUNCTION),
        "{shown} has several junctions; this can only be done with one"
    );
    if settings.is_empty() && !table.contains_key(EXTENDS) {
        // Straight from the text, errors have their line.
        let mut parsed: ScenarioFile = toml::from_str(&text(file)?).with_context(wrong)?;
        parsed.site = folder(file).join(&parsed.site);
        if let Some(sumo) = &mut parsed.sumo {
            sumo.place(folder(file));
        }
        return Ok(parsed);
    }
    let whole = Value::Table(settled(table, settings)?);
    whole.try_into().map_err(
        |e: toml::de::Error| match located::located(file, e.message()) {
            Some(located) => anyhow!(located),
            None => anyhow!(e).context(wrong()),
        },
    )
}

/// The same as a table, of a scenario with several junctions.
pub(crate) fn whole(file: &Path, settings: &[(String, String)]) -> Result<Table> {
    settled(table(file, 0)?, settings)
}

/// Whether the scenario in `file` has several junctions. What cannot be read has none.
pub(crate) fn is_network(file: &Path) -> bool {
    table(file, 0).is_ok_and(|table| table.contains_key(JUNCTION))
}

fn settled(table: Table, settings: &[(String, String)]) -> Result<Table> {
    let mut value = Value::Table(table);
    for (key, wanted) in settings {
        set(&mut value, key, wanted).with_context(|| format!("{key}={wanted}"))?;
    }
    match value {
        Value::Table(table) => Ok(table),
        _ => bail!("a scenario is a table"),
    }
}

fn table(file: &Path, depth: usize) -> Result<Table> {
    let shown = file.display();
    ensure!(
        depth < MOST_LEVELS,
        "{shown}: too many scenarios extend each other"
    );
    let mut table: Table =
        toml::from_str(&text(file)?).with_context(|| format!("{shown} is not a scenario"))?;
    // A path starts from the folder of the file that has it.
    if let Some(site) = table.get_mut("site") {
        from_folder(site, file);
    }
    if let Some(Value::Table(sumo)) = table.get_mut("sumo") {
        if let Some(network) = sumo.get_mut("network") {
            from_folder(network, file);
        }
        if let Some(Value::Array(routes)) = sumo.get_mut("routes") {
            routes.iter_mut().for_each(|path| from_folder(path, file));
        }
    }
    if let Some(Value::Array(junctions)) = table.get_mut(JUNCTION) {
        for junction in junctions {
            if let Some(site) = junction.get_mut("site") {
                from_folder(site, file);
            }
        }
    }
    let Some(base) = table.get(EXTENDS) else {
        return Ok(table);
    };
    let base = base.as_str().context("extends is not a path")?;
    let mut whole = self::table(&folder(file).join(base), depth + 1)
        .with_context(|| format!("{shown} extends {base}"))?;
    // Another scenario fails for reasons of its own, if at all.
    whole.remove(EXPECTED_TO_FAIL);
    merge(&mut whole, table);
    Ok(whole)
}

/// The file of the scenario with this name, or the file that is named.
pub(crate) fn file_of(name: &str) -> Option<PathBuf> {
    let as_path = Path::new(name);
    if as_path.extension().is_some_and(|ending| ending == "toml") {
        return Some(as_path.to_owned());
    }
    let files = folders().into_iter();
    files
        .map(|folder| folder.join(name).with_extension("toml"))
        .find(|file| file.is_file())
}

/// The files of all scenarios, by name.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let Some(folder) = folders().into_iter().find(|folder| folder.is_dir()) else {
        bail!("there is no folder configs/scenarios here");
    };
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| file.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

/// Where scenarios are looked for: here, then where this program was built.
fn folders() -> [PathBuf; 2] {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    [PathBuf::from("configs/scenarios"), PathBuf::from(built)]
}

fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// A path from the folder of `file` as a path from here; what is no path is told of later.
fn from_folder(path: &mut Value, file: &Path) {
    if let Value::String(path) = path {
        *path = folder(file).join(&*path).display().to_string();
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// Tables are worked into each other; all else is replaced.
pub(crate) fn merge(base: &mut Table, more: Table) {
    for (key, value) in more {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(there)), Value::Table(value)) => merge(there, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Sets what stands at a path such as `signals.gap-s` or `demand.*.vehicles-per-hour`.
fn set(value: &mut Value, path: &str, wanted: &str) -> Result<()> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (value, rest) {
        (Value::Array(entries), Some(rest)) if first == "*" => entries
            .iter_mut()
            .try_for_each(|entry| set(entry, rest, wanted)),
        (Value::Array(entries), Some(rest)) => {
            let i: usize = first
                .parse()
                .with_context(|| format!("{first} is no number"))?;
            let entry = entries
                .get_mut(i)
                .with_context(|| format!("there is no entry {i}"))?;
            set(entry, rest, wanted)
        }
        (Value::Table(table), Some(rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            set(inner, rest, wanted)
        }
        (Value::Table(table), None) => {
            let read = toml::from_str::<Table>(&format!("value = {wanted}")).ok();
            let read = read.and_then(|mut table| table.remove("value"));
            table.insert(first.to_owned(), read.unwrap_or_else(|| wanted.into()));
            Ok(())
        }
        _ => bail!("there is nothing at {first}"),
    }
}

pub(super) const JUNCTION: &str = "junction";
pub(super) const EXTENDS: &str = "extends";
pub(super) const EXPECTED_TO_FAIL: &str = "expected-to-fail";
pub(super) const MOST_LEVELS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::Table(toml::from_str(text).expect("TOML"))
    }

    #[test]
    fn tables_are_merged_and_lists_replaced() {
        let mut base: Table = toml::from_str("a = { b = 1, c = 2 }\nlist = [1, 2]").expect("TOML");
        merge(
            &mut base,
            toml::from_str("a = { c = 3 }\nlist = [4]").expect("TOML"),
        );
        let wanted: Table = toml::from_str("a = { b = 1, c = 3 }\nlist = [4]").expect("TOML");
        assert_eq!(base, wanted);
    }

    #[test]
    fn what_is_set_is_a_number_where_it_reads_as_one() {
        let mut found = value("[[demand]]\nflow = 1\n[[demand]]\nflow = 2");
        set(&mut found, "demand.*.flow", "7.5").expect("there");
        set(&mut found, "demand.0.name", "north").expect("there");
        set(&mut found, "signals.type", "actuated").expect("made");
        let wanted = value(
            "signals = { type = 'actuated' }\n[[demand]]\nflow = 7.5\nname = 'north'\n\
             [[demand]]\nflow = 7.5",
        );
        assert_eq!(found, wanted);
        assert!(set(&mut found, "demand.9.flow", "1").is_err());
    }
}
