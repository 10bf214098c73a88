//! One moment that a controller keeps announcing, freed of the jitter of its news.
//!
//! Each piece of news implies the moment: its arrival plus the whole seconds that it tells. Networks
//! only ever add delay, and a whole second that is told in the middle of a second rounds up: so news
//! are late, never early, and the earliest of several is nearest to the truth. A controller that rounds
//! down is the other way round: the latest of several is nearest. Whoever calls hands in news only
//! when the told second changes: in between they say nothing about the moment.

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
/// So many agreeing pieces of news after the first tell a moment from a late one.
const SETTLED: u8 = 2;
/// What may be wrong with a moment before.
const UNSETTLED: Duration = Duration::from_secs(1);

/// How a controller makes whole seconds of the time that is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Up, or its seconds change with its lamps: what it says is never too early.
    #[default]
    Up,
    /// Down: what it says is never too late.
    Down,
}

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
    /// The earliest moment that news have meant; the estimate may still be on its way there.
    earliest: Mono,
    /// So many pieces of news in a row have agreed, up to [`SETTLED`].
    agreed: u8,
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
            earliest: at,
            agreed: 0,
            late: None,
            before: None,
        }
    }

    /// By how much the moment may be earlier by what was heard so far: what the estimate has not
    /// caught up with, and a whole second before there were enough news to tell a late one by.
    pub(super) fn doubt(&self) -> Duration {
        let behind = self.at.since(self.earliest);
        if self.agreed < SETTLED {
            behind.max(UNSETTLED)
        } else {
            behind
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
        self.earliest += by;
        self.late = self.late.map(|late| late + by);
        self.before = None;
    }

    /// Takes in the moment that new news imply; the told second changed within `slack` before them.
    pub(super) fn hear(&mut self, implied: Mono, slack: Duration, rounding: Rounding) -> Heard {
        let early = self.at.since(implied);
        let late = implied.since(self.at);
        if early > CHANGED_MIND || late > CHANGED_MIND {
            self.change_mind(implied);
            return Heard::ChangedMind;
        }
        if rounding == Rounding::Down {
            self.late = None;
            self.before = None;
            self.at = self.at.max(implied);
            self.slack = self.slack.min(slack);
            return Heard::Same;
        }
        if late > SUSPICIOUS {
            return self.hear_late(implied);
        }
        self.late = None;
        self.before = None;
        self.agreed = match early {
            early if early > SUSPICIOUS => 0,
            _ => (self.agreed + 1).min(SETTLED),
        };
        self.earliest = self.earliest.min(implied);
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
        self.earliest = (self.earliest + LEAK).min(self.at);
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
            earliest: at,
            agreed: 0,
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
        anchor.hear(ms(10_020), SECOND, Rounding::Up);
        anchor.hear(ms(10_090), SECOND, Rounding::Up);
        assert_eq!(anchor.at, ms(10_021));
    }

    #[test]
    fn a_seen_beginning_moves_only_in_small_steps() {
        let mut anchor = Anchor::new(ms(10_200), Duration::ZERO);
        assert_eq!(anchor.hear(ms(10_000), SECOND, Rounding::Up), Heard::Same);
        assert_eq!(anchor.at, ms(10_150));
    }

    #[test]
    fn a_second_that_is_seen_to_change_takes_the_slack() {
        let mut anchor = Anchor::new(ms(10_700), SECOND);
        anchor.hear(ms(10_050), Duration::from_millis(100), Rounding::Up);
        assert_eq!(anchor.at, ms(10_050));
        assert_eq!(anchor.slack(), Duration::from_millis(100));
    }

    #[test]
    fn one_late_piece_of_news_is_jitter_two_are_a_change_of_mind() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        assert_eq!(anchor.hear(ms(11_000), SECOND, Rounding::Up), Heard::Same);
        assert_eq!(anchor.at, ms(10_000));
        assert_eq!(
            anchor.hear(ms(11_010), SECOND, Rounding::Up),
            Heard::ChangedMind
        );
        assert_eq!(anchor.at, ms(11_000));
    }

    #[test]
    fn news_that_are_late_by_this_and_that_move_nothing() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        for implied in [11_000, 10_400, 11_100, 10_800] {
            assert_eq!(
                anchor.hear(ms(implied), SECOND, Rounding::Up),
                Heard::Same,
                "{implied}"
            );
            assert_eq!(anchor.at, ms(10_000));
        }
    }

    #[test]
    fn more_than_a_second_off_is_a_change_of_mind_at_once_and_remembers_the_old_one() {
        for implied in [ms(8_000), ms(14_000)] {
            let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
            assert_eq!(
                anchor.hear(implied, Duration::ZERO, Rounding::Up),
                Heard::ChangedMind
            );
            assert_eq!(anchor.at, implied);
            assert_eq!(anchor.before(), Some(ms(10_000)));
            anchor.hear(implied, Duration::ZERO, Rounding::Up);
            assert_eq!(anchor.before(), None, "said twice, it is meant");
        }
    }

    #[test]
    fn of_a_controller_that_rounds_down_the_latest_news_win() {
        let mut anchor = Anchor::new(ms(9_400), SECOND);
        for implied in [9_900, 9_300, 10_000, 9_000] {
            assert_eq!(
                anchor.hear(ms(implied), SECOND, Rounding::Down),
                Heard::Same,
                "{implied}"
            );
        }
        assert_eq!(anchor.at, ms(10_000));
    }

    #[test]
    fn a_moment_is_in_doubt_until_enough_news_agree_and_the_estimate_is_there() {
        let mut anchor = Anchor::new(ms(10_900), Duration::ZERO);
        assert_eq!(anchor.doubt(), UNSETTLED);
        for _ in 0..3 {
            anchor.hear(ms(10_000), Duration::ZERO, Rounding::Up);
            let true_end = anchor.at - anchor.doubt();
            assert!(true_end <= ms(10_005), "{true_end:?}");
        }
        for _ in 0..20 {
            anchor.hear(ms(10_000), Duration::ZERO, Rounding::Up);
        }
        assert!(anchor.doubt() < Duration::from_millis(10));
    }
}
