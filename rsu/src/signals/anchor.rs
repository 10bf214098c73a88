//! One moment that a controller keeps announcing, freed of the jitter of its news.
//!
//! Each piece of news implies the moment: its arrival plus the whole seconds that it tells. Networks
//! only ever add delay, and a whole second that is told in the middle of a second rounds up: so news
//! are late, never early, and the earliest of several is nearest to the truth. Whoever calls hands in
//! news only when the told second changes: in between they say nothing about the moment.

use std::time::Duration;

use crate::clock::Mono;

/// Most that a promised moment moves between two pieces of news that mean the same moment.
pub(super) const MAX_SLEW: Duration = Duration::from_millis(50);
/// News that differ by more than this speak of another moment: whole seconds cannot jitter so far.
const CHANGED_MIND: Duration = Duration::from_millis(1200);
/// News that are later than this are suspicious: if the next ones agree with them, the moment has
/// moved.
const SUSPICIOUS: Duration = Duration::from_millis(300);
/// What a moment yields to later news, so that it follows a controller's slower clock.
const LEAK: Duration = Duration::from_millis(1);

/// What became of a piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It means the same moment.
    Same,
    /// The controller means another moment now.
    ChangedMind,
}

/// An announced moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    /// The best estimate.
    pub(super) at: Mono,
    /// By how much the moment may be earlier, because no second was seen to change. While it may be,
    /// it moves freely.
    slack: Duration,
    /// The suspiciously late news that came last.
    late: Option<Mono>,
    /// What was announced before the controller changed its mind, until the next news agree.
    before: Option<Mono>,
}

impl Anchor {
    /// The first news of a moment, which may be earlier by `slack`.
    pub(super) fn new(at: Mono, slack: Duration) -> Self {
        Self {
            at,
            slack,
            late: None,
            before: None,
        }
    }

    /// By how much the moment may be earlier than the estimate.
    pub(super) fn slack(&self) -> Duration {
        self.slack
    }

    /// What was announced before, where the controller has just changed its mind.
    pub(super) fn before(&self) -> Option<Mono> {
        self.before
    }

    /// Moves by whole cycles.
    pub(super) fn advance(&mut self, by: Duration) {
        self.at += by;
        self.late = self.late.map(|late| late + by);
        self.before = None;
    }

    /// Takes in the moment that new news imply; the told second changed within `slack` before them.
    pub(super) fn hear(&mut self, implied: Mono, slack: Duration) -> Heard {
        let early = self.at.since(implied);
        let late = implied.since(self.at);
        if early > CHANGED_MIND || late > CHANGED_MIND {
            self.change_mind(implied);
            return Heard::ChangedMind;
        }
        if late > SUSPICIOUS {
            return self.hear_late(implied);
        }
        self.late = None;
        self.before = None;
        if early > Duration::ZERO {
            let step = if self.slack > Duration::ZERO {
                early
            } else {
                early.min(MAX_SLEW)
            };
            self.at = self.at - step;
            self.slack = self.slack.saturating_sub(step);
        } else {
            self.at += late.min(LEAK);
        }
        self.slack = self.slack.min(slack);
        Heard::Same
    }

    fn hear_late(&mut self, implied: Mono) -> Heard {
        match self.late {
            None => {
                self.late = Some(implied);
                Heard::Same
            }
            // News that overtake each other are late too, but each by something else.
            Some(before) if apart(before, implied) > SUSPICIOUS => {
                self.late = Some(before.min(implied));
                Heard::Same
            }
            Some(before) => {
                self.change_mind(before.min(implied));
                Heard::ChangedMind
            }
        }
    }

    fn change_mind(&mut self, at: Mono) {
        *self = Self {
            at,
            slack: self.slack,
            late: None,
            before: Some(self.at - self.slack),
        };
    }
}

fn apart(a: Mono, b: Mono) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ms(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn the_earliest_news_win() {
        let mut anchor = Anchor::new(ms(10_080), SECOND);
        anchor.hear(ms(10_020), SECOND);
        anchor.hear(ms(10_090), SECOND);
        assert_eq!(anchor.at, ms(10_021));
    }

    #[test]
    fn a_seen_beginning_moves_only_in_small_steps() {
        let mut anchor = Anchor::new(ms(10_200), Duration::ZERO);
        assert_eq!(anchor.hear(ms(10_000), SECOND), Heard::Same);
        assert_eq!(anchor.at, ms(10_150));
    }

    #[test]
    fn a_second_that_is_seen_to_change_takes_the_slack() {
        let mut anchor = Anchor::new(ms(10_700), SECOND);
        anchor.hear(ms(10_050), Duration::from_millis(100));
        assert_eq!(anchor.at, ms(10_050));
        assert_eq!(anchor.slack(), Duration::from_millis(100));
    }

    #[test]
    fn one_late_piece_of_news_is_jitter_two_are_a_change_of_mind() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        assert_eq!(anchor.hear(ms(11_000), SECOND), Heard::Same);
        assert_eq!(anchor.at, ms(10_000));
        assert_eq!(anchor.hear(ms(11_010), SECOND), Heard::ChangedMind);
        assert_eq!(anchor.at, ms(11_000));
    }

    #[test]
    fn news_that_are_late_by_this_and_that_move_nothing() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        for implied in [11_000, 10_400, 11_100, 10_800] {
            assert_eq!(anchor.hear(ms(implied), SECOND), Heard::Same, "{implied}");
            assert_eq!(anchor.at, ms(10_000));
        }
    }

    #[test]
    fn more_than_a_second_off_is_a_change_of_mind_at_once_and_remembers_the_old_one() {
        for implied in [ms(8_000), ms(14_000)] {
            let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
            assert_eq!(anchor.hear(implied, Duration::ZERO), Heard::ChangedMind);
            assert_eq!(anchor.at, implied);
            assert_eq!(anchor.before(), Some(ms(10_000)));
            anchor.hear(implied, Duration::ZERO);
            assert_eq!(anchor.before(), None, "said twice, it is meant");
        }
    }
}
