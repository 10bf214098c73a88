//! One table of a file: a key is asked for by name, range and kind.
//!
//! Not here: what is said of a key that nobody knows (`meant`), and where findings are kept (`reader`).

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::meant::{unit_of, unknown};
use super::{Reader, Reason, Severity};

/// A value with the line it stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) value: T,
}
/// One table of the file; a table that is absent reads as empty.
pub(crate) struct Table<'r, 't> {
    reader: &'r Reader<'t>,
    path: String,
    line: usize,
    entries: Option<&'r DeTable<'t>>,
    asked: Vec<&'static str>,
}

impl<'r, 't> Table<'r, 't> {
    /// The table above all others of a file.
    pub(super) fn root(reader: &'r Reader<'t>, entries: &'r DeTable<'t>) -> Self {
        Self {
            reader,
            path: String::new(),
            line: 1,
            entries: Some(entries),
            asked: Vec::new(),
        }
    }

    /// Line of the table's header.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Where the file sets `key`; the table's header where it does not.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        let entry = self.entries.and_then(|table| table.get_key_value(key));
        entry.map_or(self.line, |(name, _)| {
            self.reader.line_of(name.span().start)
        })
    }

    /// The file that this is a part of.
    pub(crate) fn reader(&self) -> &'r Reader<'t> {
        self.reader
    }

    /// Text as written.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<At<&'r str>> {
        let found = self.value(key)?;
        match found.value.as_str() {
            Some(text) => Some(At {
                line: found.line,
                value: text,
            }),
            None => self.mismatch(key, found, &Form::plain("must-be-text", "text in quotes")),
        }
    }

    /// Text that must be there.
    pub(crate) fn required_text(&mut self, key: &'static str) -> Option<At<&'r str>> {
        let text = self.text(key);
        if text.is_none() && !self.has(key) {
            self.missing(key);
        }
        text
    }

    /// Text that `parse` understands; `what` says what that is.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &'static str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        self.understood(key, "must-be", what, parse)
    }

    fn understood<T>(
        &mut self,
        key: &'static str,
        code: &'static str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let text = self.text(key)?;
        match parse(text.value) {
            Some(value) => Some(At {
                line: text.line,
                value,
            }),
            None => {
                let found = format!("\"{}\"", text.value);
                let told = format!("must be {what}, not {found}");
                let reason = Reason::new(code, [what.to_owned(), found], told);
                self.wrong(text.line, key, reason);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let found = self.value(key)?;
        match found.value.as_bool() {
            Some(value) => Some(value),
            None => self.mismatch(key, found, &Form::plain("must-be-truth", "true or false")),
        }
    }

    /// A whole number within `range`.
    pub(crate) fn integer(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<At<i64>> {
        let what = format!(
            "a whole number{} from {} to {}",
            unit_of(key),
            range.start(),
            range.end()
        );
        let what = Form::range("must-be-whole", what, &range);
        let found = self.value(key)?;
        let number = found
            .value
            .as_integer()
            .and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
        match number {
            Some(value) if range.contains(&value) => Some(At {
                line: found.line,
                value,
            }),
            _ => self.mismatch(key, found, &what),
        }
    }

    /// A number within `range`, whole or not.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
    ) -> Option<At<f64>> {
        let what = format!(
            "a number{} from {} to {}",
            unit_of(key),
            range.start(),
            range.end()
        );
        let what = Form::range("must-be-number", what, &range);
        let found = self.value(key)?;
        match float(found.value) {
            Some(value) if range.contains(&value) => Some(At {
                line: found.line,
                value,
            }),
            _ => self.mismatch(key, found, &what),
        }
    }

    /// A span of time in whole milliseconds; the key ends in `-ms`.
    pub(crate) fn millis(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Duration> {
        debug_assert!(key.ends_with("-ms"), "{key} does not name its unit");
        self.integer(key, range)
            .map(|ms| Duration::from_millis(ms.value.unsigned_abs()))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<At<T>> {
        let list: Vec<String> = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        self.understood(key, "must-be-one-of", &list.join(" or "), |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, meaning)| *meaning)
        })
    }

    /// A list of whole numbers within `range`.
    pub(crate) fn integers(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Vec<At<i64>> {
        let what = format!(
            "a list of whole numbers from {} to {}",
            range.start(),
            range.end()
        );
        let what = Form::range("must-be-whole-list", what, &range);
        let whole = |value: &DeValue<'_>| {
            let number = value.as_integer()?;
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
            range.contains(&number).then_some(number)
        };
        self.list(key, &what, whole)
    }

    /// A list of `[x, y]` pairs of finite numbers.
    pub(crate) fn pairs(&mut self, key: &'static str) -> Vec<At<(f64, f64)>> {
        let what = Form::plain(
            "must-be-pairs",
            "a list of pairs of finite numbers, [[x, y], [x, y]]",
        );
        self.list(key, &what, |value| match &value.as_array()?[..] {
            [x, y] => Some((float(x.get_ref())?, float(y.get_ref())?)),
            _ => None,
        })
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<At<&'r str>> {
        let Some(found) = self.value(key) else {
            return Vec::new();
        };
        let what = &Form::plain("must-be-texts", "a list of texts in quotes");
        let Some(list) = found.value.as_array() else {
            return self.mismatch(key, found, what).unwrap_or_default();
        };
        let mut texts = Vec::new();
        for item in list {
            let line = self.reader.line_of(item.span().start);
            let value = item.get_ref();
            match value.as_str() {
                Some(text) => texts.push(At { line, value: text }),
                None => {
                    self.mismatch::<()>(key, At { line, value }, what);
                }
            }
        }
        texts
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        what: &Form,
        read: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Vec<At<T>> {
        let Some(found) = self.value(key) else {
            return Vec::new();
        };
        let Some(list) = found.value.as_array() else {
            return self.mismatch(key, found, what).unwrap_or_default();
        };
        let mut values = Vec::new();
        for item in list {
            let line = self.reader.line_of(item.span().start);
            let found = item.get_ref();
            match read(found) {
                Some(value) => values.push(At { line, value }),
                None => {
                    self.mismatch::<()>(key, At { line, value: found }, what);
                }
            }
        }
        values
    }

    /// A table below this one; empty where the file has none.
    pub(crate) fn table(&mut self, key: &'static str) -> Table<'r, 't> {
        let path = self.below(key);
        let absent = Table {
            reader: self.reader,
            path: path.clone(),
            line: self.line,
            entries: None,
            asked: Vec::new(),
        };
        let Some(found) = self.value(key) else {
            return absent;
        };
        match found.value.as_table() {
            Some(entries) => Table {
                line: found.line,
                entries: Some(entries),
                ..absent
            },
            None => {
                let what = Form::plain("must-be-table", &format!("a table, [{path}]"));
                self.mismatch::<()>(key, found, &what);
                absent
            }
        }
    }

    /// Every `[[key]]` below this one, in the file's order; a lone `[key]` counts as one.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Table<'r, 't>> {
        let path = self.below(key);
        let what = format!("one or several tables, [[{path}]]");
        let what = Form::plain("must-be-table", &what);
        let reader = self.reader;
        let one = |line, entries| Table {
            reader,
            path: path.clone(),
            line,
            entries: Some(entries),
            asked: Vec::new(),
        };
        let Some(found) = self.value(key) else {
            return Vec::new();
        };
        let list = match found.value {
            DeValue::Table(entries) => return vec![one(found.line, entries)],
            DeValue::Array(list) => list,
            _ => return self.mismatch(key, found, &what).unwrap_or_default(),
        };
        let mut tables = Vec::new();
        for item in list {
            let line = self.reader.line_of(item.span().start);
            let value = item.get_ref();
            match value.as_table() {
                Some(entries) => tables.push(one(line, entries)),
                None => {
                    self.mismatch::<()>(key, At { line, value }, &what);
                }
            }
        }
        tables
    }

    /// Whether the file sets `key`, well or badly.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|table| table.contains_key(key))
    }

    /// Whether the file sets `key` to text.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        let value = self.entries.and_then(|table| table.get(key));
        value.is_some_and(|value| value.get_ref().as_str().is_some())
    }

    /// Notes a fault of a key on a line.
    pub(crate) fn wrong(&self, line: usize, key: &'static str, reason: impl Into<Reason>) {
        let key = self.below(key);
        self.reader.note(Severity::Wrong, line, &key, reason);
    }

    /// Notes what is allowed but hardly meant.
    pub(crate) fn unwise(&self, line: usize, key: &'static str, reason: impl Into<Reason>) {
        let key = self.below(key);
        self.reader.note(Severity::Unwise, line, &key, reason);
    }

    /// Notes that a key without a default is absent.
    pub(crate) fn missing(&self, key: &'static str) {
        let told = "is missing and has no default".to_owned();
        self.wrong(self.line, key, Reason::new("missing", [], told));
    }

    /// Notes every key that nobody asked for. The last call on a table.
    pub(crate) fn finish(self) {
        let Some(entries) = self.entries else { return };
        for (key, _) in entries {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let line = self.reader.line_of(key.span().start);
            let reason = unknown(name, &self.asked);
            let path = join(&self.path, name);
            self.reader.note(Severity::Wrong, line, &path, reason);
        }
    }

    fn value(&mut self, key: &'static str) -> Option<At<&'r DeValue<'t>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.reader.note_asked(self.below(key));
        let (name, value) = self.entries?.get_key_value(key)?;
        Some(At {
            line: self.reader.line_of(name.span().start),
            value: value.get_ref(),
        })
    }

    fn mismatch<T>(
        &self,
        key: &'static str,
        found: At<&DeValue<'t>>,
        expected: &Form,
    ) -> Option<T> {
        let text = format!("must be {}, not {}", expected.what, describe(found.value));
        let mut values = expected.values.clone();
        values.push(shown(found.value));
        let reason = Reason {
            text,
            code: expected.code,
            values,
        };
        self.wrong(found.line, key, reason);
        None
    }

    fn below(&self, key: &str) -> String {
        join(&self.path, key)
    }
}
/// What a value must be.
struct Form {
    code: &'static str,
    what: String,
    /// What the words of that code need, before what was found.
    values: Vec<String>,
}

impl Form {
    fn plain(code: &'static str, what: &str) -> Self {
        Self {
            code,
            what: what.to_owned(),
            values: Vec::new(),
        }
    }

    fn range<T: ToString>(code: &'static str, what: String, range: &RangeInclusive<T>) -> Self {
        Self {
            code,
            what,
            values: vec![range.start().to_string(), range.end().to_string()],
        }
    }
}
fn float(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse::<f64>().ok()?,
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix()).ok()? as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(list) => {
            let is_short = list.len() <= MOST_DESCRIBED;
            let plain = |item: &DeValue<'_>| !matches!(item, DeValue::Array(_) | DeValue::Table(_));
            if is_short && list.iter().all(|item| plain(item.get_ref())) {
                let items: Vec<String> = list.iter().map(|item| describe(item.get_ref())).collect();
                format!("[{}]", items.join(", "))
            } else {
                "a list".to_owned()
            }
        }
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Items of a list that are told one by one.
const MOST_DESCRIBED: usize = 4;

/// The same in no language.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "[…]".to_owned(),
        DeValue::Table(_) => "{…}".to_owned(),
        other => describe(other),
    }
}
