//! How long a controller's news were held up on their way, by its own clock.
//!
//! The difference of the two clocks is not known; but of the last few pieces of news the quickest was
//! not held up, and how much larger another's difference is, is how long that one was. Only the last
//! few count, so that a clock that runs or is set otherwise is soon followed, and a clock that tells
//! no more than whole seconds says nothing. Not here: the order of news, and what becomes of old ones.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::Mono;

/// So many pieces of news are compared.
const LAST: usize = 32;
/// What seems to be held up for longer was stamped by a clock that has been set.
const LONGEST: Duration = Duration::from_secs(2);

/// How late the news of one device come.
#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    /// Arrival less stamp in nanoseconds, oldest first, and whether the stamp was on a whole second.
    differences: ArrayVec<(i64, bool), LAST>,
}

impl Lateness {
    /// How much longer than the quickest of late this was on its way, stamped then and arrived now;
    /// nothing where the clock is too coarse to tell.
    pub(super) fn of(&mut self, arrived: Mono, stamp_ms: i64) -> Duration {
        let arrived_ns = i64::try_from(arrived.nanos()).unwrap_or(i64::MAX);
        let difference_ns = arrived_ns.saturating_sub(stamp_ms.saturating_mul(1_000_000));
        if self.differences.is_full() {
            self.differences.remove(0);
        }
        self.differences
            .push((difference_ns, stamp_ms.rem_euclid(1000) == 0));
        let quickest_ns = self.differences.iter().map(|(ns, _)| *ns).min();
        let held_ns = difference_ns.saturating_sub(quickest_ns.unwrap_or(difference_ns));
        let held = Duration::from_nanos(held_ns.unsigned_abs());
        if held > LONGEST {
            self.forget();
            return self.of(arrived, stamp_ms);
        }
        let coarse = self.differences.iter().all(|(_, whole)| *whole);
        if coarse { Duration::ZERO } else { held }
    }

    /// The device, or the way to it, may be another one.
    pub(super) fn forget(&mut self) {
        self.differences.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(50_000_000_000) + Duration::from_millis(ms)
    }

    const STAMP_MS: i64 = 1_700_000_000_377;

    #[test]
    fn news_are_as_late_as_they_are_behind_the_quickest() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.of(at(20), STAMP_MS), Duration::ZERO);
        assert_eq!(
            lateness.of(at(2320), STAMP_MS + 1000),
            Duration::from_millis(1300)
        );
        assert_eq!(lateness.of(at(2015), STAMP_MS + 2000), Duration::ZERO);
        assert_eq!(
            lateness.of(at(3020), STAMP_MS + 3000),
            Duration::from_millis(5)
        );
    }

    #[test]
    fn a_clock_that_is_set_is_followed() {
        for set_ms in [3_600_000, -3_600_000] {
            let mut lateness = Lateness::default();
            lateness.of(at(0), STAMP_MS);
            lateness.of(at(1000), STAMP_MS + 1000);
            for n in 2..5 {
                let held = lateness.of(at(n * 1000), STAMP_MS + set_ms + n as i64 * 1000);
                assert_eq!(held, Duration::ZERO, "{set_ms} ms, {n}");
            }
        }
        // By little, it takes as long as the last few last.
        let mut lateness = Lateness::default();
        lateness.of(at(0), STAMP_MS);
        let held = |n: u64| n * 1000 + 400;
        let late = (1..=LAST as u64).map(|n| lateness.of(at(held(n)), STAMP_MS + n as i64 * 1000));
        assert_eq!(late.last(), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_of_whole_seconds_says_nothing() {
        let mut lateness = Lateness::default();
        for n in 0..50 {
            let stamp_ms = n * 700 / 1000 * 1000;
            let held = lateness.of(at(n as u64 * 700), stamp_ms);
            assert_eq!(held, Duration::ZERO);
        }
    }

    #[test]
    fn wild_stamps_do_no_harm() {
        let mut lateness = Lateness::default();
        for stamp in [i64::MAX, i64::MIN, 1, i64::MAX, -1] {
            assert!(lateness.of(at(0), stamp) <= LONGEST);
        }
    }
}
