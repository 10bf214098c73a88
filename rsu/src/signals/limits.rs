//! How soon and how late a light may end, where its controller says so beside, or instead of, a
//! countdown.
//!
//! A controller is believed until it breaks its own limits, and then not before it has kept them so
//! often that they hold in 99 of 100. Earliest and latest end are judged apart, and those of greens
//! apart from those of other lights: a greatest green often counts only from when somebody waits
//! elsewhere, and its least holds all the same. Judged is the narrowest that was said of a light, since
//! all of it was told. Not here: bounds that the past tells.

use std::time::Duration;

use crate::clock::Mono;
use crate::report::Light;

/// How far limits may be off: a second for whole seconds, and half of one for the way.
const SLACK: Duration = Duration::from_millis(1500);
/// How many lights must end within their limits after one that did not.
const PENANCE: u8 = 100;

/// Earliest and latest end of the light that is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) min: Option<Mono>,
    pub(super) max: Option<Mono>,
}

/// What a controller says of them, and how far that is believed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    newest: Limits,
    /// Latest earliest, and earliest latest end that were said of the light that is on.
    narrowest: Limits,
    /// Of greens, and of other lights.
    owed: [Owed; 2],
}

/// So many lights must end within their limits before they are believed again.
#[derive(Clone, Copy, Debug, Default)]
struct Owed {
    min: u8,
    max: u8,
}

impl Word {
    /// Takes in the newest of them.
    pub(super) fn take(&mut self, min: Option<Mono>, max: Option<Mono>) {
        let in_order = min.zip(max).is_none_or(|(min, max)| min <= max);
        self.newest = match in_order {
            true => Limits { min, max },
            false => Limits::default(),
        };
        let Limits { min, max } = self.newest;
        let narrowest = &mut self.narrowest;
        narrowest.min = narrowest.min.max(min);
        narrowest.max = narrowest.max.into_iter().chain(max).min();
    }

    /// What holds at a moment of the light that is on. An earliest end that has passed stays known.
    pub(super) fn believed(&self, light: Light, at: Mono) -> Limits {
        let owed = self.owed[place(light)];
        let is_over = self.narrowest.max.is_some_and(|max| at > max + SLACK);
        let max = self.newest.max.filter(|_| owed.max == 0 && !is_over);
        let passed = self.narrowest.min.filter(|min| *min <= at);
        let min = passed.or(self.newest.min).or(self.narrowest.min);
        let min = min.filter(|_| owed.min == 0);
        Limits {
            min: min.filter(|min| max.is_none_or(|max| *min <= max)),
            max,
        }
    }

    /// The light has ended.
    pub(super) fn settle(&mut self, light: Light, ended: Mono) {
        let Limits { min, max } = self.narrowest;
        let owed = &mut self.owed[place(light)];
        if let Some(min) = min {
            owed.min = after(owed.min, min <= ended + SLACK);
        }
        if let Some(max) = max {
            owed.max = after(owed.max, ended <= max + SLACK);
        }
        self.forget();
    }

    /// The light has ended, and nobody knows when; or somebody has taken over.
    pub(super) fn forget(&mut self) {
        (self.newest, self.narrowest) = Default::default();
    }
}

fn after(owed: u8, kept: bool) -> u8 {
    if kept {
        owed.saturating_sub(1)
    } else {
        PENANCE
    }
}

fn place(light: Light) -> usize {
    usize::from(light != Light::Green)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    /// A green from 0 on that is said to end from 10 to 20 s, and ends then.
    fn green(word: &mut Word, ends: u64) -> Limits {
        word.take(Some(s(10)), Some(s(20)));
        let believed = word.believed(Light::Green, s(1));
        word.settle(Light::Green, s(ends));
        believed
    }

    #[test]
    fn who_breaks_a_limit_is_believed_again_after_a_hundred() {
        let mut word = Word::default();
        let whole = green(&mut word, 25);
        assert_eq!((whole.min, whole.max), (Some(s(10)), Some(s(20))));
        for _ in 0..PENANCE {
            assert_eq!(green(&mut word, 15).max, None);
        }
        assert_eq!(green(&mut word, 15), whole);
    }

    #[test]
    fn each_limit_and_greens_are_judged_by_themselves() {
        let mut word = Word::default();
        green(&mut word, 25);
        assert_eq!(green(&mut word, 5).min, Some(s(10)), "it broke the other");
        let neither = green(&mut word, 15);
        assert_eq!(neither, Limits::default());
        word.take(None, Some(s(40)));
        assert_eq!(word.believed(Light::Red, s(30)).max, Some(s(40)));
    }

    #[test]
    fn a_latest_end_that_was_put_off_counts_as_it_was_said_first() {
        let mut word = Word::default();
        word.take(None, Some(s(20)));
        word.take(None, Some(s(30)));
        assert_eq!(word.believed(Light::Green, s(15)).max, Some(s(30)));
        let over = word.believed(Light::Green, s(22));
        assert_eq!(over.max, None, "what was said first has passed");
        word.settle(Light::Green, s(29));
        assert_eq!(green(&mut word, 15).max, None);
    }

    #[test]
    fn an_earliest_end_holds_on_and_what_is_out_of_order_is_nothing() {
        let mut word = Word::default();
        word.take(Some(s(10)), Some(s(20)));
        word.take(None, Some(s(20)));
        assert_eq!(word.believed(Light::Green, s(12)).min, Some(s(10)));
        word.take(Some(s(30)), Some(s(20)));
        assert_eq!(word.believed(Light::Green, s(12)).max, None);
        word.forget();
        word.take(None, None);
        assert_eq!(word.believed(Light::Green, s(12)), Limits::default());
    }
}
