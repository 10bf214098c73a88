//! How late a device's messages are, by its own clock: against the least late of late.
//!
//! The difference of the two clocks is not known, but it changes slowly: the smallest difference seen
//! is a message that was not held up, and how much larger another's is, is how long it was. A device
//! clock that is set forward shows as a message that is early; one that is set back, as stamps that go
//! back and then keep pace: what is held up on its way comes in the order in which it was sent. A clock
//! that was set back meanwhile, unseen, is a run of messages that are all late.

use std::time::Duration;

use crate::clock::{Mono, Now};

/// Clocks drift apart: the floor yields by this share of the time that passes, 100 ppm.
const DRIFT: i64 = 10_000;
/// So many messages in a row, later than [`TOO_LATE_NS`], are a clock that was set back.
const RUN: u32 = 20;
/// Beyond this, a delay is hardly one of the network.
const TOO_LATE_NS: i64 = 5_000_000_000;
/// No network brings a message so far behind one that was sent after it.
const BACK_MS: i64 = 1000;
/// One old message may come again, or a few at once. What keeps pace with our clock for so long, is sent now.
const KEEPS_PACE_FOR: Duration = Duration::from_millis(250);
/// To within what the network makes of it.
const PACE_NS: u64 = 150_000_000;

/// The delay of one device's messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Delay {
    floor: Option<Floor>,
    late_run: u32,
    last_stamp_ms: Option<i64>,
    /// The first message since stamps went back.
    back: Option<Floor>,
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
        let last_stamp_ms = self.last_stamp_ms.replace(stamp_ms);
        let went_back = last_stamp_ms.is_some_and(|last| stamp_ms < last.saturating_sub(BACK_MS));
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
        let is_set_back = self.is_set_back(fresh, went_back);
        if late_ns <= 0 || is_set_back || self.late_run >= RUN {
            self.floor = Some(fresh);
            (self.late_run, self.back) = (0, None);
            return Duration::ZERO;
        }
        self.floor = Some(Floor {
            difference_ns: risen_ns,
            seen_at: arrived,
        });
        Duration::from_nanos(late_ns.unsigned_abs())
    }

    /// Whether stamps have gone back and have kept pace since.
    fn is_set_back(&mut self, fresh: Floor, went_back: bool) -> bool {
        if self.late_run == 0 {
            self.back = None;
        } else if went_back {
            self.back = Some(fresh);
        }
        let Some(back) = self.back else { return false };
        if fresh.difference_ns.abs_diff(back.difference_ns) > PACE_NS {
            // Old ones that come in a rush.
            self.back = Some(fresh);
            return false;
        }
        fresh.seen_at.since(back.seen_at) >= KEEPS_PACE_FOR
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
    fn a_device_clock_that_is_set_back_is_believed_once_it_keeps_pace() {
        let mut delay = Delay::default();
        delay.of(at(0), 3_600_000);
        let late: Vec<bool> = (1..30)
            .map(|n| !delay.of(at(n * 100), n as i64 * 100).is_zero())
            .collect();
        assert!(late[..3].iter().all(|late| *late));
        assert!(late[3..].iter().all(|late| !late));
    }

    #[test]
    fn what_a_line_held_up_is_believed_to_be_new_only_after_a_while() {
        let mut delay = Delay::default();
        delay.of(at(0), 1_000_000);
        // Six seconds of silence, and all that comes then was sent six seconds before.
        let late: Vec<bool> = (1..30_u32)
            .map(|n| {
                let stamp_ms = 1_000_000 + i64::from(n) * 100;
                let arrived = at(6000 + u64::from(n) * 100);
                !delay.of(arrived, stamp_ms).is_zero()
            })
            .collect();
        assert!(late[..18].iter().all(|late| *late));
        assert!(late[20..].iter().all(|late| !late));
    }

    #[test]
    fn old_messages_that_come_again_are_late() {
        let mut delay = Delay::default();
        delay.of(at(0), 3_600_000);
        // Ten of a second, an hour old, within 400 ms; then the live ones go on.
        for n in 0..10_i64 {
            let arrived = at(100 + 40 * n as u64);
            assert!(!delay.of(arrived, n * 300).is_zero(), "message {n}");
        }
        assert_eq!(delay.of(at(600), 3_600_600), Duration::ZERO);
    }

    #[test]
    fn wild_stamps_do_no_harm() {
        let mut delay = Delay::default();
        for stamp in [i64::MAX, i64::MIN, 0, i64::MAX, -1] {
            delay.of(at(0), stamp);
        }
    }
}
