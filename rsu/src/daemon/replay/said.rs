//! What a replay says to the console that plays it: a line of JSON each, so that the page can say it in
//! the language of who reads. Lines of another form, such as those of a log, are taken as they are.

use serde::{Deserialize, Serialize};

use crate::config::Reason;

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::daemon) struct Said {
    /// Which sort; empty where it has none.
    pub(in crate::daemon) code: String,
    /// What belongs into its words.
    pub(in crate::daemon) values: Vec<String>,
    /// In English.
    pub(in crate::daemon) text: String,
}

impl From<&Reason> for Said {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_owned(),
            values: reason.values.clone(),
            text: reason.text.clone(),
        }
    }
}

impl Said {
    pub(super) fn line(&self) -> String {
        // A struct of texts always has a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Out of a line.
    pub(in crate::daemon) fn parse(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_else(|_| Self {
            code: String::new(),
            values: Vec::new(),
            text: line.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_back_and_other_lines_stay_as_they_are() {
        let reason = Reason::new("behind-end", ["14:05".to_owned()], "a\n\"line\"".to_owned());
        let said = Said::from(&reason);
        assert!(!said.line().contains('\n'));
        assert_eq!(Said::parse(&said.line()), said);
        let other = Said::parse("thread 'main' panicked");
        assert_eq!((&*other.code, &*other.text), ("", "thread 'main' panicked"));
    }
}
