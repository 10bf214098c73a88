//! How far apart a controller's reports usually are: whether the first one of a second was lost.
//!
//! A second is seen to begin by the first report that tells it. Where several come in a second, and the
//! first ones are lost, the next one tells the same second later, and the beginning lies somewhere in
//! the pause before it. Not here: what is made of such a report.

use std::time::Duration;

/// So many pauses tell what is usual.
const KEPT: usize = 16;
/// Fewer tell nothing of pauses within a second: what was met first may be what losses have left.
const FEW: usize = 3;
/// Before that, whoever reports once a second keeps about so far apart.
const ABOUT_A_SECOND_MS: std::ops::RangeInclusive<u32> = 900..=1500;
/// A quarter of the pauses may be shorter than what is usual, by doubles.
const QUARTER: usize = 4;
/// A pause is usual up to so many halves of that one: losses only ever lengthen it.
const HALVES: u32 = 3;

/// The pauses between the newest reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pauses_ms: [u32; KEPT],
    seen: usize,
}

impl Pace {
    /// Takes in the pause before a report.
    pub(super) fn note(&mut self, pause: Duration) {
        self.pauses_ms[self.seen % KEPT] = millis(pause);
        // Round and round, and never back to where little is known.
        self.seen = if self.seen < 2 * KEPT {
            self.seen + 1
        } else {
            KEPT + 1
        };
    }

    /// Whether nothing was lost in a pause, by what was noted before it.
    pub(super) fn is_usual(&self, pause: Duration) -> bool {
        let pause_ms = millis(pause);
        let count = self.seen.min(KEPT);
        let mut known = self.pauses_ms;
        let known = &mut known[..count];
        known.sort_unstable();
        let usual_ms = known.get(count / QUARTER);
        let fits = usual_ms.is_none_or(|usual_ms| 2 * pause_ms <= HALVES * usual_ms);
        fits && (count >= FEW || ABOUT_A_SECOND_MS.contains(&pause_ms))
    }
}

fn millis(pause: Duration) -> u32 {
    // A pause of an hour is as long as one of a year.
    pause.as_millis().min(3_600_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_lost_report_shows_by_its_pause() {
        let mut pace = Pace::default();
        for pause in [200, 800, 400, 180, 800, 210, 190, 400, 800, 800] {
            pace.note(ms(pause));
        }
        assert!(pace.is_usual(ms(280)));
        assert!(!pace.is_usual(ms(360)));
    }

    #[test]
    fn at_first_only_a_second_is_believed_to_be_usual() {
        let mut pace = Pace::default();
        for _ in 0..FEW {
            assert!(!pace.is_usual(ms(400)));
            assert!(pace.is_usual(ms(1000)));
            pace.note(ms(1000));
        }
        let mut pace = Pace::default();
        for pause in [500, 1000, 1000] {
            pace.note(ms(pause));
            assert!(!pace.is_usual(ms(1000)), "somebody reports more often");
        }
    }

    #[test]
    fn doubles_do_not_make_a_second_long() {
        let mut pace = Pace::default();
        for pause in [1000, 150, 850, 1000, 0, 1000, 1000, 1010, 990, 1000] {
            pace.note(ms(pause));
        }
        assert!(pace.is_usual(ms(1050)));
        assert!(!pace.is_usual(ms(2000)), "one was lost");
    }

    #[test]
    fn what_is_usual_may_change() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.note(ms(200));
        }
        for _ in 0..KEPT {
            pace.note(ms(1000));
        }
        assert!(pace.is_usual(ms(1000)));
    }
}
