//! A TOML file read key by key: every fault is noted with its line, none stops the reading.
//!
//! Serde stops at the first fault and knows no unit. Here a section asks for each key by name, range
//! and kind, gets the value or nothing, and goes on; what nobody asked for is an unknown key. The
//! reader also remembers every key ever asked for, so that a test can hold the documented example
//! against it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeTable;

use super::table::Table;
use super::{Finding, Findings, Reason, Severity};

/// One file being read.
pub(crate) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    /// Where lines end: each key is asked for its line.
    line_ends: Vec<usize>,
    findings: RefCell<Findings>,
    asked: RefCell<BTreeSet<String>>,
    wrongs: Cell<usize>,
}

impl<'t> Reader<'t> {
    /// `file` is how findings name it.
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            line_ends: text.match_indices('\n').map(|(place, _)| place).collect(),
            findings: RefCell::default(),
            asked: RefCell::default(),
            wrongs: Cell::new(0),
        }
    }

    /// The whole document; what is not TOML is noted and left out.
    pub(crate) fn document(&self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let line = error.span().map_or(1, |span| self.line_of(span.start));
            let said = error.message().to_owned();
            let reason = Reason::new("not-toml", [said.clone()], said);
            self.note(Severity::Wrong, line, "", reason);
        }
        document
    }

    /// The table above all others.
    pub(crate) fn root<'r>(&'r self, document: &'r Spanned<DeTable<'t>>) -> Table<'r, 't> {
        Table::root(self, document.get_ref())
    }

    /// Adds a finding about a line of this file.
    pub(crate) fn note(
        &self,
        severity: Severity,
        line: usize,
        key: &str,
        reason: impl Into<Reason>,
    ) {
        let is_wrong = severity == Severity::Wrong;
        self.wrongs.set(self.wrongs.get() + usize::from(is_wrong));
        self.findings.borrow_mut().push(Finding {
            severity,
            file: self.file.to_owned(),
            line,
            key: key.to_owned(),
            reason: reason.into(),
        });
    }

    /// How much is wrong in this file so far.
    pub(crate) fn wrongs(&self) -> usize {
        self.wrongs.get()
    }

    /// Adds findings about other files.
    pub(crate) fn merge(&self, others: impl IntoIterator<Item = Finding>) {
        let mut findings = self.findings.borrow_mut();
        for finding in others {
            findings.push(finding);
        }
    }

    /// What was found, sorted, and every key that was asked for.
    pub(crate) fn into_findings(self) -> (Findings, BTreeSet<String>) {
        let mut findings = self.findings.into_inner();
        findings.sort();
        (findings, self.asked.into_inner())
    }

    /// Remembers that somebody knows this key, given by its path.
    pub(super) fn note_asked(&self, path: String) {
        self.asked.borrow_mut().insert(path);
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` as a table of one period, one name and an inner table, and returns what was said.
    fn findings(text: &str) -> Vec<String> {
        let reader = Reader::new("f.toml", text);
        let document = reader.document();
        let mut root = reader.root(&document);
        root.millis("period-ms", 10..=1000);
        root.text("name");
        let mut inner = root.table("inner");
        inner.number("height-m", 0.0..=20.0);
        inner.finish();
        root.finish();
        let (findings, _) = reader.into_findings();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_file_has_no_findings() {
        assert!(findings("period-ms = 100\nname = 'x'\n[inner]\nheight-m = 5").is_empty());
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let told = findings("period-ms = '100'\nnaem = 'x'\n\n[inner]\nheight-m = 25\ncolour = 1");
        assert_eq!(
            told,
            [
                "f.toml:1: period-ms: must be a whole number of milliseconds from 10 to 1000, \
                 not the text \"100\"",
                "f.toml:2: naem: unknown key; did you mean `name`?",
                "f.toml:5: inner.height-m: must be a number of metres from 0 to 20, not 25",
                "f.toml:6: inner.colour: unknown key; known here: height-m",
            ]
        );
    }

    #[test]
    fn a_wrong_unit_names_the_right_one() {
        let told = findings("period-s = 1");
        assert_eq!(
            told,
            [
                "f.toml:1: period-s: unknown key; the unit is part of the key: \
              this one is `period-ms`, a number of milliseconds"
            ]
        );
    }

    #[test]
    fn broken_toml_is_told_with_its_line_and_the_rest_is_still_read() {
        let told = findings("name = 'x'\nperiod-ms = = 3\n[inner]\nheight-m = 99\n");
        assert!(told.iter().any(|t| t.starts_with("f.toml:2: ")), "{told:?}");
        assert!(
            told.iter()
                .any(|t| t.starts_with("f.toml:4: inner.height-m")),
            "{told:?}"
        );
    }

    #[test]
    fn a_table_given_as_a_value_is_refused() {
        let told = findings("inner = 3");
        assert_eq!(told, ["f.toml:1: inner: must be a table, [inner], not 3"]);
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused() {
        assert_eq!(findings("[inner]\nheight-m = nan").len(), 1);
        assert_eq!(findings("[inner]\nheight-m = inf").len(), 1);
    }
}
