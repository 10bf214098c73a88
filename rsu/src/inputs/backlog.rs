//! Whether what comes now is what a line held up, of devices that do not say when they measured.
//!
//! A gateway or a broker that was cut off for a while may hand over all that was said meanwhile once it is back,
//! one message right after the other: pictures of long ago, which nothing in them gives away. But a device keeps
//! its pace. So that is learnt, and after a silence nothing is believed to be of now until two messages come as
//! far apart as the device's are: before that they come from a queue. The first after any silence is therefore
//! never used. Who has been silent for so long can have no more in the queue than fits into the silence: whatever
//! comes faster beyond that is a device that has got faster.
//!
//! What belongs together counts as one: a measurement in many frames is told here once. A queue that empties no
//! faster than twice the device's pace is not told from a device that stutters. Not here: devices with stamps
//! (`delay`).

use std::time::Duration;

use crate::clock::Mono;

/// The pace of one device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    last: Option<Mono>,
    /// Mean time from one to the next, and of how many.
    period_s: f64,
    known: u32,
    /// So many more may be waiting in a queue; 0 where there is none.
    waiting: u32,
}

impl Backlog {
    /// Takes the arrival of a measurement; whether it may be one that a line held up.
    pub(super) fn holds(&mut self, arrived: Mono) -> bool {
        let Some(last) = self.last.replace(arrived) else {
            return false;
        };
        let gap_s = arrived.seconds_after(last);
        if self.known >= KNOWN && gap_s > self.silence_s() {
            let missed = gap_s / self.period_s.max(LEAST_PERIOD_S);
            self.waiting = (1.25 * missed).min(MOST_WAITING) as u32 + SPARE;
            return true;
        }
        if self.waiting > 0 {
            let in_pace = gap_s >= 0.5 * self.period_s;
            self.waiting = if in_pace { 0 } else { self.waiting - 1 };
            return !in_pace;
        }
        self.known = (self.known + 1).min(MOST_KNOWN);
        // One silence before the pace is known makes it no slow one.
        let gap_s = gap_s.min(LEAST_SILENCE.as_secs_f64());
        self.period_s += (gap_s - self.period_s) / f64::from(self.known);
        false
    }

    /// What is longer is no pause between two.
    fn silence_s(&self) -> f64 {
        (SILENT_PERIODS * self.period_s).max(LEAST_SILENCE.as_secs_f64())
    }
}

/// So many pauses tell the pace,
const KNOWN: u32 = 16;
/// which is the mean of about so many.
const MOST_KNOWN: u32 = 256;
const LEAST_SILENCE: Duration = Duration::from_secs(2);
const SILENT_PERIODS: f64 = 8.0;
/// No device is faster.
const LEAST_PERIOD_S: f64 = 0.005;
/// More than a queue that fits a day of them is none.
const MOST_WAITING: f64 = 1e7;
/// Beyond what fits into the silence, beside a quarter of that: a pace is no clock.
const SPARE: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Mono {
        Mono::from_nanos(5_000_000_000_000).offset_by(s)
    }

    /// One that has spoken each `every_s` for 20 s; the last time at 20 s.
    fn after(every_s: f64) -> Backlog {
        let mut backlog = Backlog::default();
        for n in 0..=(20.0 / every_s) as u32 {
            assert!(!backlog.holds(at(f64::from(n) * every_s)), "{n}");
        }
        backlog
    }

    #[test]
    fn what_a_line_held_up_is_told_from_what_is_of_now() {
        for every_s in [0.05, 0.1, 0.5] {
            // As fast as a line is, and as a slow one.
            for rush_s in [0.0, 0.001, 0.2 * every_s] {
                let mut backlog = after(every_s);
                let held = (20.0 / every_s) as u32;
                let mut now_s = 40.0;
                for n in 0..held {
                    assert!(backlog.holds(at(now_s)), "{n} of {held} each {rush_s} s");
                    now_s += rush_s;
                }
                assert!(!backlog.holds(at(now_s + every_s)));
                assert!(!backlog.holds(at(now_s + 2.0 * every_s)));
            }
        }
    }

    #[test]
    fn after_a_silence_without_a_queue_one_is_lost() {
        let mut backlog = after(0.1);
        assert!(backlog.holds(at(50.0)));
        for n in 1..100 {
            assert!(!backlog.holds(at(50.0 + 0.1 * f64::from(n))));
        }
    }

    #[test]
    fn a_device_that_has_got_faster_meanwhile_is_heard_again() {
        let mut backlog = after(0.5);
        // It was silent for 10 s, which is 20 of its pace, and goes on at 20 Hz.
        let held = (0..2000).filter(|n| backlog.holds(at(30.0 + 0.05 * f64::from(*n))));
        assert!(held.count() < 40);
    }

    #[test]
    fn a_line_that_stutters_and_a_device_that_speaks_seldom_lose_nothing() {
        let mut backlog = Backlog::default();
        // Three at once each 300 ms; then one each 3 s.
        for n in 0..300 {
            assert!(!backlog.holds(at(f64::from(n / 3) * 0.3)));
        }
        let mut seldom = Backlog::default();
        let lost = (0..100).filter(|n| seldom.holds(at(3.0 * f64::from(*n))));
        assert_eq!(lost.count(), 0);
    }

    #[test]
    fn all_at_one_moment_is_no_queue() {
        let mut backlog = Backlog::default();
        assert!((0..1000).all(|_| !backlog.holds(at(0.0))));
    }
}
