//! What is wrong, or unwise, in a file that a person wrote, and where.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs until it is put right.
    Wrong,
    /// It runs, but probably not as meant.
    Unwise,
}

/// Why something is not as it should be: for people who read English, and as a code with its values
/// for whoever says it in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong and what would be right, as a lower-case fragment.
    pub text: String,
    /// Which sort of reason; empty where it has none yet, and the text is all there is.
    pub code: &'static str,
    /// What belongs into the words of that sort, in order.
    pub values: Vec<String>,
}

impl Reason {
    /// A reason of a sort that has words in other languages.
    pub fn new<const N: usize>(code: &'static str, values: [String; N], text: String) -> Self {
        Self {
            text,
            code,
            values: values.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

impl From<&String> for Reason {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

/// One thing to tell the person who wrote a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file, as it was named to us.
    pub file: String,
    /// Line in that file, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The key in question with the tables above it, such as `input.ars408.mount`; may be empty.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: Reason,
}

impl fmt::Display for Finding {
    /// `file:line: key: reason`, as editors and people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Unwise {
            f.write_str("warning: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.reason)
    }
}

/// All findings of one reading, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds those of another reading.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Finding>) {
        self.0.extend(others);
    }

    /// Orders by file and line, so that a person can walk down the file; one line a fault.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            (&a.file, a.line, a.severity, &a.key).cmp(&(&b.file, b.line, b.severity, &b.key))
        });
        self.0.dedup();
    }

    /// Whether anything forbids running.
    pub fn any_wrong(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Wrong)
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Findings {
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
