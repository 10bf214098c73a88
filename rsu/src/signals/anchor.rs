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
pub(super) const CHANGED_MIND: Duration = Duration::from_millis(1200);
/// News that are later than this are suspicious: if the next ones agree with them, the moment has
/// moved.
const SUSPICIOUS: Duration = Duration::from_millis(300);
/// What a moment yields to later news, so that it follows a controller's slower clock.
const LEAK: Duration = Duration::from_millis(1);
/// What agreeing news weigh after the first, until a moment is told from a late one: two that came with
/// their second are enough.
const SETTLED: u8 = 2 * BEGUN;
const BEGUN: u8 = 3;
/// News that came later than their second weigh less: the next ones may be as late.
const UNSEEN: u8 = 1;
/// So many of them in a row may come late before that means another moment.
const MOST_UNSEEN: u8 = 20;
/// News that are later than this were late in their second.
const LATE: Duration = Duration::from_millis(100);
/// The same of a moment that late news have moved: they may all have lost their second's beginning.
const SETTLED_ANEW: u8 = 20 * BEGUN;
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
    /// What the news in a row that have agreed weigh, up to [`SETTLED_ANEW`].
    agreed: u8,
    /// Late news have moved it, and not enough have agreed since.
    moved: bool,
    /// So many pieces of news in a row came later in a second that was not seen to begin.
    unseen: u8,
    /// By how much the last of them came later.
    unseen_by: Duration,
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
            moved: false,
            unseen: 0,
            unseen_by: Duration::ZERO,
            late: None,
            before: None,
        }
    }

    /// By how much the moment may be earlier by what was heard so far: what the estimate has not
    /// caught up with, and a whole second before there were enough news to tell a late one by.
    pub(super) fn doubt(&self) -> Duration {
        let before = self.before.map_or(Duration::ZERO, |it| self.at.since(it));
        let behind = self.at.since(self.earliest).max(before);
        match self.agreed {
            _ if self.moved => behind.max(CHANGED_MIND),
            ..SETTLED => behind.max(UNSETTLED),
            _ => behind,
        }
    }

    /// By how much the moment may be later: what the newest news say that are not believed yet.
    pub(super) fn overdue(&self) -> Duration {
        let suspected = self.late.map_or(Duration::ZERO, |it| it.since(self.at));
        // One second that is not seen to begin is chance.
        let unseen = if self.unseen > 1 {
            self.unseen_by
        } else {
            Duration::ZERO
        };
        suspected.max(unseen)
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

    /// Takes in the moment that new news imply; the told second changed within `slack` before them,
    /// and was `begun` with them as far as the pace of the news tells.
    pub(super) fn hear(
        &mut self,
        implied: Mono,
        slack: Duration,
        begun: bool,
        rounding: Rounding,
    ) -> Heard {
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
        let unseen = !begun && late > LATE && self.unseen < MOST_UNSEEN;
        if unseen {
            self.unseen += 1;
            self.unseen_by = late;
        } else if begun || late <= LATE {
            self.unseen = 0;
        }
        if late > SUSPICIOUS {
            return if unseen {
                Heard::Same
            } else {
                self.hear_late(implied)
            };
        }
        self.late = None;
        self.before = None;
        let weight = if begun { BEGUN } else { UNSEEN };
        self.agreed = match early {
            early if early > SUSPICIOUS => 0,
            _ => (self.agreed + weight).min(SETTLED_ANEW),
        };
        self.moved &= early <= SUSPICIOUS && self.agreed < SETTLED_ANEW;
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
                self.moved = true;
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
            moved: false,
            unseen: 0,
            unseen_by: Duration::ZERO,
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
        anchor.hear(ms(10_020), SECOND, true, Rounding::Up);
        anchor.hear(ms(10_090), SECOND, true, Rounding::Up);
        assert_eq!(anchor.at, ms(10_021));
    }

    #[test]
    fn a_seen_beginning_moves_only_in_small_steps() {
        let mut anchor = Anchor::new(ms(10_200), Duration::ZERO);
        assert_eq!(
            anchor.hear(ms(10_000), SECOND, true, Rounding::Up),
            Heard::Same
        );
        assert_eq!(anchor.at, ms(10_150));
    }

    #[test]
    fn a_second_that_is_seen_to_change_takes_the_slack() {
        let mut anchor = Anchor::new(ms(10_700), SECOND);
        anchor.hear(ms(10_050), Duration::from_millis(100), true, Rounding::Up);
        assert_eq!(anchor.at, ms(10_050));
        assert_eq!(anchor.slack(), Duration::from_millis(100));
    }

    #[test]
    fn one_late_piece_of_news_is_jitter_two_are_a_change_of_mind() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        assert_eq!(
            anchor.hear(ms(11_000), SECOND, true, Rounding::Up),
            Heard::Same
        );
        assert_eq!(anchor.at, ms(10_000));
        assert_eq!(
            anchor.hear(ms(11_010), SECOND, true, Rounding::Up),
            Heard::ChangedMind
        );
        assert_eq!(anchor.at, ms(11_000));
    }

    #[test]
    fn news_that_are_late_by_this_and_that_move_nothing() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        for implied in [11_000, 10_400, 11_100, 10_800] {
            assert_eq!(
                anchor.hear(ms(implied), SECOND, true, Rounding::Up),
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
                anchor.hear(implied, Duration::ZERO, true, Rounding::Up),
                Heard::ChangedMind
            );
            assert_eq!(anchor.at, implied);
            assert_eq!(anchor.before(), Some(ms(10_000)));
            anchor.hear(implied, Duration::ZERO, true, Rounding::Up);
            assert_eq!(anchor.before(), None, "said twice, it is meant");
        }
    }

    #[test]
    fn of_a_controller_that_rounds_down_the_latest_news_win() {
        let mut anchor = Anchor::new(ms(9_400), SECOND);
        for implied in [9_900, 9_300, 10_000, 9_000] {
            assert_eq!(
                anchor.hear(ms(implied), SECOND, true, Rounding::Down),
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
            anchor.hear(ms(10_000), Duration::ZERO, true, Rounding::Up);
            let true_end = anchor.at - anchor.doubt();
            assert!(true_end <= ms(10_005), "{true_end:?}");
        }
        for _ in 0..20 {
            anchor.hear(ms(10_000), Duration::ZERO, true, Rounding::Up);
        }
        assert!(anchor.doubt() < Duration::from_millis(10));
    }

    #[test]
    fn seconds_that_are_not_seen_to_begin_settle_and_move_nothing() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        for _ in 0..5 {
            anchor.hear(ms(10_200), Duration::ZERO, false, Rounding::Up);
            assert_eq!(anchor.doubt(), UNSETTLED, "they may all be late");
        }
        assert!(anchor.overdue() > Duration::from_millis(190));
        for late in [400, 600, 400, 400, 400, 900, 900] {
            let heard = anchor.hear(ms(10_000 + late), Duration::ZERO, false, Rounding::Up);
            assert_eq!(heard, Heard::Same);
        }
        assert!(anchor.at <= ms(10_006), "{:?}", anchor.at);
        anchor.hear(ms(10_000), Duration::ZERO, true, Rounding::Up);
        assert_eq!(anchor.overdue(), Duration::ZERO);
    }

    #[test]
    fn a_line_that_never_brings_the_first_report_of_a_second_is_followed_in_the_end() {
        let mut anchor = Anchor::new(ms(10_000), Duration::ZERO);
        let news = 0..u32::from(MOST_UNSEEN) + 2;
        let heard = news.map(|_| anchor.hear(ms(10_500), Duration::ZERO, false, Rounding::Up));
        assert_eq!(heard.last(), Some(Heard::ChangedMind));
        assert_eq!(anchor.at, ms(10_500));
        assert_eq!(anchor.doubt(), CHANGED_MIND, "it may be as before");
    }
}
