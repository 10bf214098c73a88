//! The last warnings, for whoever looks at the console; written by the observer beside its log lines.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::stop::lock;

/// So many are kept.
const MOST: usize = 50;

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) utc_ms: i64,
    /// Which sort; the page knows what to do about each.
    pub(crate) code: &'static str,
    /// Which input, target or kind of message; may be empty.
    pub(crate) subject: String,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<VecDeque<Notice>>);

impl Notices {
    /// The oldest gives way.
    pub(crate) fn add(&self, notice: Notice) {
        let mut kept = lock(&self.0);
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(notice);
    }

    /// The newest first.
    #[cfg(feature = "console")]
    pub(crate) fn last(&self) -> Vec<Notice> {
        lock(&self.0).iter().rev().cloned().collect()
    }
}

#[cfg(all(test, feature = "console"))]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way() {
        let notices = Notices::default();
        for utc_ms in 0..MOST as i64 + 3 {
            let (subject, text) = (String::new(), String::new());
            notices.add(Notice {
                utc_ms,
                code: "late",
                subject,
                text,
            });
        }
        let last = notices.last();
        assert_eq!(last.len(), MOST);
        assert_eq!(
            (last[0].utc_ms, last[MOST - 1].utc_ms),
            (MOST as i64 + 2, 3)
        );
    }
}
