//! How soon and how late a light may end, where its controller says so beside, or instead of, a
//! countdown.
//!
//! A controller that breaks its own limits is not believed until it has kept them again. Not here:
//! bounds that the past tells.

use std::time::Duration;

use crate::clock::Mono;

/// How far limits may be off: a second for whole seconds, and half of one for the way.
const SLACK: Duration = Duration::from_millis(1500);
/// How many lights must end within their limits after one that did not.
const PENANCE: u8 = 3;

/// Earliest and latest end of the light that is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) min: Option<Mono>,
    pub(super) max: Option<Mono>,
    /// So many lights must end within their limits before they are believed again.
    owed: u8,
}

impl Limits {
    /// Takes in the newest word of them.
    pub(super) fn take(&mut self, min: Option<Mono>, max: Option<Mono>) {
        let in_order = min.zip(max).is_none_or(|(min, max)| min <= max);
        (self.min, self.max) = if in_order { (min, max) } else { (None, None) };
    }

    /// While they hold; else none.
    pub(super) fn believed(self) -> Self {
        if self.owed == 0 {
            self
        } else {
            Self::default()
        }
    }

    /// The light has ended.
    pub(super) fn settle(&mut self, ended: Mono) {
        if self.min.is_none() && self.max.is_none() {
            return;
        }
        let too_early = self.min.is_some_and(|min| min > ended + SLACK);
        let too_late = self.max.is_some_and(|max| ended > max + SLACK);
        self.owed = if too_early || too_late {
            PENANCE
        } else {
            self.owed.saturating_sub(1)
        };
    }
}
