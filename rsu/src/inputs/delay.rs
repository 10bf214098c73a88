//! How late a device's messages are, by its own clock: against the least late of late.
//!
//! The difference of the two clocks is not known, but it changes slowly: the smallest difference seen
//! is a message that was not held up, and how much larger another's is, is how long it was. A device
//! clock that is set shows as a run of messages that are all late or as one that is early.

use std::time::Duration;

use crate::clock::{Mono, Now};

/// Clocks drift apart: the floor yields by this share of the time that passes, 100 ppm.
const DRIFT: i64 = 10_000;
/// So many messages in a row, later than [`TOO_LATE_NS`], are a clock that was set back.
const RUN: u32 = 20;
/// Beyond this, a delay is hardly one of the network.
const TOO_LATE_NS: i64 = 5_000_000_000;

/// The delay of one device's messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Delay {
    floor: Option<Floor>,
    late_run: u32,
}

#[derive(Clone, Copy, Debug)]
struct Floor {
    difference_ns: i64,
    seen_at: Mono,
}

impl Delay {
    /// How far the device's clock is behind ours, less what its quickest message took; None before the
    /// first.
    pub(super) fn behind_s(&self, now: Now) -> Option<f64> {
        let floor = self.floor?;
        let ours_ns = i64::try_from(now.mono.nanos()).unwrap_or(i64::MAX);
        let theirs_ns = ours_ns.saturating_sub(floor.difference_ns);
        Some(now.utc.unix_ns().saturating_sub(theirs_ns) as f64 / 1e9)
    }

    /// How much later than the quickest a message is that was stamped then and arrived now.
    pub(super) fn of(&mut self, arrived: Mono, stamp_ms: i64) -> Duration {
        let arrived_ns = i64::try_from(arrived.nanos()).unwrap_or(i64::MAX);
        let difference_ns = arrived_ns.saturating_sub(stamp_ms.saturating_mul(1_000_000));
        let fresh = Floor {
            difference_ns,
            seen_at: arrived,
        };
        let Some(floor) = self.floor else {
            self.floor = Some(fresh);
            return Duration::ZERO;
        };
        let passed_ns = i64::try_from(arrived.since(floor.seen_at).as_nanos()).unwrap_or(i64::MAX);
        let risen_ns = floor.difference_ns.saturating_add(passed_ns / DRIFT);
        let late_ns = difference_ns.saturating_sub(risen_ns);
        self.late_run = if late_ns > TOO_LATE_NS {
            self.late_run + 1
        } else {
            0
        };
        if late_ns <= 0 || self.late_run >= RUN {
            self.floor = Some(fresh);
            self.late_run = 0;
            return Duration::ZERO;
        }
        self.floor = Some(Floor {
            difference_ns: risen_ns,
            seen_at: arrived,
        });
        Duration::from_nanos(late_ns.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(50_000_000_000) + Duration::from_millis(ms)
    }

    #[test]
    fn a_message_is_as_late_as_it_is_behind_the_quickest() {
        let mut delay = Delay::default();
        let stamp = 1_700_000_000_000;
        assert_eq!(delay.of(at(20), stamp), Duration::ZERO);
        assert_eq!(delay.of(at(105), stamp + 100), Duration::ZERO);
        let late = delay.of(at(285), stamp + 200);
        assert!(late.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1));
    }

    #[test]
    fn a_device_clock_that_is_behind_is_told() {
        use crate::clock::Utc;
        let mut delay = Delay::default();
        let stamp_ms = 1_700_000_000_000;
        let now = |ms: u64| Now {
            mono: at(ms),
            utc: Utc::from_unix_ns((stamp_ms + ms as i64 + 3_000) * 1_000_000),
        };
        assert_eq!(delay.behind_s(now(0)), None);
        // Its clock is 3 s behind; the quickest message took 20 ms.
        for (sent_ms, took_ms) in [(0, 90), (100, 20), (200, 40)] {
            delay.of(at(sent_ms + took_ms), stamp_ms + sent_ms as i64);
        }
        let behind_s = delay.behind_s(now(300)).unwrap();
        assert!((behind_s - 3.02).abs() < 1e-3, "{behind_s}");
    }

    #[test]
    fn a_device_clock_that_is_set_back_is_believed_after_a_while() {
        let mut delay = Delay::default();
        delay.of(at(0), 3_600_000);
        let late: Vec<bool> = (1..30)
            .map(|n| !delay.of(at(n * 100), n as i64 * 100).is_zero())
            .collect();
        assert!(late[..18].iter().all(|late| *late));
        assert!(late[20..].iter().all(|late| !late));
    }

    #[test]
    fn wild_stamps_do_no_harm() {
        let mut delay = Delay::default();
        for stamp in [i64::MAX, i64::MIN, 0, i64::MAX, -1] {
            delay.of(at(0), stamp);
        }
    }
}
