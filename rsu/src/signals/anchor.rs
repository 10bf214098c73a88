//! One moment that a controller keeps announcing, freed of the jitter of its news.
//!
//! Each piece of news implies the moment: its arrival plus the whole seconds that it tells. Networks
//! only ever add delay, and a whole second that is told in the middle of a second rounds up: so news
//! are late, never early, and the earliest of several is nearest to the truth.

use std::time::Duration;

use crate::clock::Mono;

/// Most that a promised moment moves between two pieces of news that mean the same moment.
pub(super) const MAX_SLEW: Duration = Duration::from_millis(50);
/// News that differ by more than this speak of another moment: whole seconds cannot jitter so far.
const CHANGED_MIND: Duration = Duration::from_millis(1200);
/// News that are later than this are suspicious: if the next ones agree, the moment has moved.
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
    /// The suspiciously late news that came last.
    late: Option<Mono>,
    /// Whether it may still move freely, because it may be off by a whole second.
    loose: bool,
}

impl Anchor {
    /// The first news of a moment. `loose` where the whole seconds may be off by one, because their
    /// beginning was not seen.
    pub(super) fn new(at: Mono, loose: bool) -> Self {
        Self {
            at,
            late: None,
            loose,
        }
    }

    /// Whether it may be off by a whole second.
    pub(super) fn is_loose(&self) -> bool {
        self.loose
    }

    /// Moves by whole cycles.
    pub(super) fn advance(&mut self, by: Duration) {
        self.at += by;
        self.late = self.late.map(|late| late + by);
    }

    /// Takes in the moment that new news imply.
    pub(super) fn hear(&mut self, implied: Mono) -> Heard {
        let early = self.at.since(implied);
        let late = implied.since(self.at);
        if early > CHANGED_MIND || late > CHANGED_MIND {
            *self = Self::new(implied, self.loose);
            return Heard::ChangedMind;
        }
        if late > SUSPICIOUS {
            return self.hear_late(implied);
        }
        self.late = None;
        if early > Duration::ZERO {
            let step = if self.loose {
                early
            } else {
                early.min(MAX_SLEW)
            };
            self.at = self.at - step;
        } else {
            self.at += late.min(LEAK);
        }
        Heard::Same
    }

    fn hear_late(&mut self, implied: Mono) -> Heard {
        match self.late {
            None => {
                self.late = Some(implied);
                Heard::Same
            }
            Some(before) => {
                *self = Self::new(before.min(implied), self.loose);
                Heard::ChangedMind
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn the_earliest_news_win() {
        let mut anchor = Anchor::new(ms(10_080), true);
        anchor.hear(ms(10_020));
        anchor.hear(ms(10_090));
        assert_eq!(anchor.at, ms(10_021));
    }

    #[test]
    fn a_seen_beginning_moves_only_in_small_steps() {
        let mut anchor = Anchor::new(ms(10_200), false);
        assert_eq!(anchor.hear(ms(10_000)), Heard::Same);
        assert_eq!(anchor.at, ms(10_150));
    }

    #[test]
    fn one_late_piece_of_news_is_jitter_two_are_a_change_of_mind() {
        let mut anchor = Anchor::new(ms(10_000), false);
        assert_eq!(anchor.hear(ms(11_000)), Heard::Same);
        assert_eq!(anchor.at, ms(10_000));
        assert_eq!(anchor.hear(ms(11_010)), Heard::ChangedMind);
        assert_eq!(anchor.at, ms(11_000));
    }

    #[test]
    fn more_than_a_second_off_is_a_change_of_mind_at_once() {
        for implied in [ms(8_000), ms(14_000)] {
            let mut anchor = Anchor::new(ms(10_000), false);
            assert_eq!(anchor.hear(implied), Heard::ChangedMind);
            assert_eq!(anchor.at, implied);
        }
    }
}
