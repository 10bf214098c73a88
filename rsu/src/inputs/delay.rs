//! How long a device's messages were under way, by its own clock: against the quickest of late.
//!
//! The difference of the two clocks is not known; but of the messages of late the quickest was not held
//! up, and how much larger another's difference is, is how long that one was. One stamp alone proves
//! nothing: one that is ahead of all others is put aside until a second agrees with it. A clock that was
//! set back makes every message late by the same, one after another in the order of their stamps, as no
//! queue and no detour does; it is believed sooner where the stamps have gone back as well. Whatever
//! else became of the clocks is followed once all that came before is out of sight.
//!
//! Not here: which messages are dropped for it, and which were overtaken.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::{Mono, Now};

/// So many stretches of time are in sight.
const STRETCHES: usize = 32;
/// Messages whose differences are no farther apart took the same time on a line that is not held up.
const PACE_NS: i64 = 100_000_000;
/// Stamps on whole seconds may be cut down to them.
const WHOLE_NS: i64 = 1_000_000_000;
/// No network brings a message so far behind one that was sent after it.
const FAR_BACK_MS: i64 = 5000;
/// So many messages in pace, for so long: stamps went far back.
const AFTER_FAR_BACK: (u32, Duration) = (2, Duration::from_millis(250));
/// The same: stamps went back, by no more than what is overtaken may be behind.
const AFTER_BACK: (u32, Duration) = (4, Duration::from_millis(700));
/// The same: stamps went on, and only took longer.
const AFTER_NONE: (u32, Duration) = (4, Duration::from_secs(2));

/// The delay of one device's messages.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    stretch: Duration,
    /// Oldest first.
    stretches: Box<ArrayVec<Stretch, STRETCHES>>,
    newest_ms: Option<i64>,
    late: Option<LateRun>,
}

/// What a message's stamp says, beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamped {
    /// It was under way for so much longer than the quickest of late.
    Late(Duration),
    /// It is ahead of what all others say, and nobody has confirmed it: not held up, but its stamp
    /// orders nothing.
    Ahead,
    /// The device's clock has been set: not held up, and older stamps order nothing any more.
    ClockSet,
}

impl Stamped {
    /// How long it was held up on its way.
    pub(super) fn late(self) -> Duration {
        match self {
            Self::Late(late) => late,
            Self::Ahead | Self::ClockSet => Duration::ZERO,
        }
    }
}

/// Arrival less stamp, and the stamp.
#[derive(Clone, Copy, Debug)]
struct Difference {
    ns: i64,
    stamp_ms: i64,
}

/// The two quickest messages of a stretch of time.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    began: Mono,
    quickest: Difference,
    second: Option<Difference>,
    /// Every stamp was on a whole second.
    whole: bool,
}

/// Messages that are late by the same, one after another.
#[derive(Clone, Copy, Debug)]
struct LateRun {
    began: Mono,
    first: Difference,
    /// How far its first stamp was behind the newest before it.
    back_ms: i64,
    last_ms: i64,
    messages: u32,
}

impl Delay {
    /// Compares with the last 32 stretches of time in which messages came.
    pub(super) fn over(stretch: Duration) -> Self {
        Self {
            stretch,
            stretches: Box::default(),
            newest_ms: None,
            late: None,
        }
    }

    /// Takes in a message that was stamped then and arrived now.
    pub(super) fn of(&mut self, arrived: Mono, stamp_ms: i64) -> Stamped {
        let arrived_ns = i64::try_from(arrived.nanos()).unwrap_or(i64::MAX);
        let fresh = Difference {
            ns: arrived_ns.saturating_sub(stamp_ms.saturating_mul(1_000_000)),
            stamp_ms,
        };
        self.add(arrived, fresh);
        let newest_ms = self.newest_ms.unwrap_or(stamp_ms);
        let quickest_ns = self.quickest_ns().unwrap_or(fresh.ns);
        let mut late_ns = fresh.ns.saturating_sub(quickest_ns);
        if late_ns < 0 {
            self.late = None;
            return Stamped::Ahead;
        }
        if self.stretches.iter().all(|stretch| stretch.whole) {
            late_ns = late_ns.saturating_sub(WHOLE_NS).max(0);
        }
        if late_ns <= PACE_NS {
            self.late = None;
        } else if let Some(first) =
            self.clock_set(arrived, fresh, newest_ms.saturating_sub(stamp_ms))
        {
            self.forget();
            self.add(arrived, first);
            self.add(arrived, fresh);
            self.newest_ms = Some(stamp_ms);
            return Stamped::ClockSet;
        }
        self.newest_ms = Some(newest_ms.max(stamp_ms));
        Stamped::Late(Duration::from_nanos(late_ns.unsigned_abs()))
    }

    /// The device, or the way to it, may be another one.
    pub(super) fn forget(&mut self) {
        self.stretches.clear();
        (self.newest_ms, self.late) = (None, None);
    }

    /// How far the device's clock is behind ours, less what its quickest message took; None before the
    /// first.
    pub(super) fn behind_s(&self, now: Now) -> Option<f64> {
        let ours_ns = i64::try_from(now.mono.nanos()).unwrap_or(i64::MAX);
        let theirs_ns = ours_ns.saturating_sub(self.quickest_ns()?);
        Some(now.utc.unix_ns().saturating_sub(theirs_ns) as f64 / 1e9)
    }

    /// The least difference that is in sight, where the second agrees with it, or is at least nearer to
    /// it than to all others; else the second.
    fn quickest_ns(&self) -> Option<i64> {
        let mut least: [Option<i64>; 3] = [None; 3];
        let seen = |stretch: &Stretch| [Some(stretch.quickest), stretch.second];
        for seen in self.stretches.iter().flat_map(seen).flatten() {
            let place = least.iter().position(|ns| ns.is_none_or(|ns| seen.ns < ns));
            if let Some(place) = place {
                least[place..].rotate_right(1);
                least[place] = Some(seen.ns);
            }
        }
        let [first, second, third] = least;
        let (Some(quickest), Some(second)) = (first, second) else {
            return first;
        };
        let apart_ns = second.saturating_sub(quickest);
        let others_ns = third.map_or(0, |third| third.saturating_sub(second));
        let agrees = apart_ns <= PACE_NS || apart_ns < others_ns;
        Some(if agrees { quickest } else { second })
    }

    fn add(&mut self, arrived: Mono, fresh: Difference) {
        let whole = fresh.stamp_ms.rem_euclid(1000) == 0;
        let Some(stretch) = self
            .stretches
            .last_mut()
            .filter(|stretch| arrived.since(stretch.began) < self.stretch)
        else {
            if self.stretches.is_full() {
                self.stretches.remove(0);
            }
            self.stretches.push(Stretch {
                began: arrived,
                quickest: fresh,
                second: None,
                whole,
            });
            return;
        };
        stretch.whole &= whole;
        // The same message again confirms nothing.
        if fresh.stamp_ms == stretch.quickest.stamp_ms {
            stretch.quickest.ns = stretch.quickest.ns.min(fresh.ns);
        } else if fresh.ns < stretch.quickest.ns {
            stretch.second = Some(std::mem::replace(&mut stretch.quickest, fresh));
        } else if stretch.second.is_none_or(|second| fresh.ns < second.ns) {
            stretch.second = Some(fresh);
        }
    }

    /// The first of the late messages that have come one after another, each as late as the first, once
    /// they have done so for long enough.
    fn clock_set(&mut self, arrived: Mono, fresh: Difference, back_ms: i64) -> Option<Difference> {
        let in_pace = |run: &&mut LateRun| {
            fresh.ns.abs_diff(run.first.ns) <= PACE_NS.unsigned_abs()
                && fresh.stamp_ms >= run.last_ms
        };
        let Some(run) = self.late.as_mut().filter(in_pace) else {
            self.late = Some(LateRun {
                began: arrived,
                first: fresh,
                back_ms,
                last_ms: fresh.stamp_ms,
                messages: 1,
            });
            return None;
        };
        if fresh.stamp_ms > run.last_ms {
            run.messages += 1;
            run.last_ms = fresh.stamp_ms;
        }
        let (messages, lasts) = match run.back_ms {
            back if back > FAR_BACK_MS => AFTER_FAR_BACK,
            1.. => AFTER_BACK,
            _ => AFTER_NONE,
        };
        let is_set = run.messages >= messages && arrived.since(run.began) >= lasts;
        is_set.then_some(run.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(50_000_000_000) + Duration::from_millis(ms)
    }

    const STAMP_MS: i64 = 1_700_000_000_377;
    const IN_TIME: Stamped = Stamped::Late(Duration::ZERO);

    fn late_ms(ms: u64) -> Stamped {
        Stamped::Late(Duration::from_millis(ms))
    }

    /// One who has sent so many messages, so often, all of them under way for 20 ms.
    fn after(messages: u64, every_ms: u64) -> Delay {
        let mut delay = Delay::over(Duration::from_secs(1));
        for n in 0..messages {
            let heard = delay.of(at(n * every_ms + 20), STAMP_MS + (n * every_ms) as i64);
            assert_eq!(heard, IN_TIME);
        }
        delay
    }

    /// How many messages it takes until they are in time, if the clock is put by `set_ms` after ten.
    fn until_in_time(every_ms: u64, set_ms: i64) -> u64 {
        let mut delay = after(10, every_ms);
        let in_time = |n: &u64| {
            let sent = (10 + n) * every_ms;
            let heard = delay.of(at(sent + 20), STAMP_MS + sent as i64 + set_ms);
            heard.late().is_zero() && heard != Stamped::Ahead
        };
        (0..600).find(in_time).expect("in time some day")
    }

    #[test]
    fn a_message_is_as_late_as_it_is_behind_the_quickest() {
        let mut delay = after(2, 1000);
        assert_eq!(delay.of(at(3320), STAMP_MS + 2000), late_ms(1300));
        assert_eq!(delay.of(at(3015), STAMP_MS + 3000), IN_TIME);
        assert_eq!(delay.of(at(4020), STAMP_MS + 4000), late_ms(5));
    }

    #[test]
    fn a_device_clock_that_is_behind_is_told() {
        use crate::clock::Utc;
        let mut delay = Delay::over(Duration::from_secs(10));
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
    fn one_stamp_that_is_ahead_makes_no_other_late() {
        for ahead_ms in [300, 1500, 3000, 5000, 3_600_000] {
            for every_ms in [100, 500, 1000] {
                let mut delay = after(10, every_ms);
                let sent = 10 * every_ms;
                let bad_ms = STAMP_MS + sent as i64 + ahead_ms;
                assert_eq!(delay.of(at(sent + 20), bad_ms), Stamped::Ahead);
                // The same again confirms nothing.
                assert_eq!(delay.of(at(sent + 30), bad_ms), Stamped::Ahead);
                for n in 11..60 {
                    let sent = n * every_ms;
                    let heard = delay.of(at(sent + 20), STAMP_MS + sent as i64);
                    assert_eq!(heard, IN_TIME, "{ahead_ms} ms at {every_ms}, message {n}");
                }
            }
        }
    }

    #[test]
    fn a_first_stamp_that_is_ahead_makes_no_other_late() {
        let mut delay = Delay::over(Duration::from_secs(10));
        delay.of(at(20), STAMP_MS + 3000);
        for n in 1..60 {
            assert_eq!(
                delay.of(at(n * 100 + 20), STAMP_MS + n as i64 * 100),
                IN_TIME
            );
        }
    }

    #[test]
    fn two_that_are_ahead_by_the_same_are_a_clock_that_was_set() {
        let mut delay = after(10, 1000);
        assert_eq!(delay.of(at(10_020), STAMP_MS + 11_500), Stamped::Ahead);
        assert_eq!(delay.of(at(11_025), STAMP_MS + 12_500), late_ms(5));
        assert_eq!(delay.of(at(12_820), STAMP_MS + 13_500), late_ms(800));
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed_within_a_second_or_four_messages() {
        for set_ms in [-150, -400, -1000, -1500, -3000, -5000, -3_600_000] {
            for every_ms in [50, 100, 200, 500, 1000] {
                let messages = until_in_time(every_ms, set_ms);
                // Stamps that still go on only take longer, as far as anybody knows.
                let went_on = set_ms + every_ms as i64 >= 0;
                let longest_ms = if went_on { 2000 } else { 700 };
                let most = 3.max((longest_ms as u64).div_ceil(every_ms));
                assert!(messages <= most, "{set_ms} ms at {every_ms}: {messages}");
            }
        }
        // What the network may have done is not believed at once.
        assert!(until_in_time(100, -3000) >= 7);
        assert!(until_in_time(100, -50) == 0 || until_in_time(100, -50) > 100);
    }

    #[test]
    fn a_clock_that_is_set_far_back_is_believed_once_it_keeps_pace() {
        assert_eq!(until_in_time(100, -3_600_000), 3);
    }

    #[test]
    fn what_a_line_held_up_is_believed_to_be_new_only_after_a_while() {
        let mut delay = after(10, 100);
        // Six seconds of silence, and all that comes then was sent six seconds before.
        let late: Vec<bool> = (10..40_u64)
            .map(|n| {
                let heard = delay.of(at(6000 + n * 100), STAMP_MS + n as i64 * 100);
                !heard.late().is_zero()
            })
            .collect();
        assert!(late[..18].iter().all(|late| *late));
        assert!(late[21..].iter().all(|late| !late));
    }

    #[test]
    fn what_comes_in_a_rush_is_late_to_the_last() {
        let mut delay = after(10, 100);
        // Thirty seconds of silence; all of it comes in little more than one, then the line is free again.
        for n in 10..310_u64 {
            let arrived_ms = 30_020 + (n - 10) * 4;
            let was_ms = arrived_ms - n * 100 - 20;
            let heard = delay.of(at(arrived_ms), STAMP_MS + n as i64 * 100);
            assert_eq!(heard, late_ms(was_ms), "message {n}");
        }
        assert_eq!(delay.of(at(31_520), STAMP_MS + 31_500), IN_TIME);
    }

    #[test]
    fn a_line_that_reorders_by_up_to_1500_ms_is_no_clock_that_is_set() {
        // A third of all messages are late, by a time that nobody knows beforehand.
        for every_ms in [100, 1000] {
            let mut delay = after(10, every_ms);
            let mut state = 7_u32;
            let mut random = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 8) / f64::from(1 << 24)
            };
            let mut news: Vec<(u64, u64)> = (10..2000)
                .map(|n| {
                    let held = if random() < 0.33 {
                        random() * 1500.0
                    } else {
                        0.0
                    };
                    (n * every_ms + 20 + held as u64, n * every_ms)
                })
                .collect();
            news.sort_unstable();
            for (arrived_ms, sent_ms) in news {
                let heard = delay.of(at(arrived_ms), STAMP_MS + sent_ms as i64);
                assert_eq!(heard, late_ms(arrived_ms - sent_ms - 20));
            }
        }
    }

    #[test]
    fn old_messages_that_come_again_are_late() {
        let mut delay = after(10, 100);
        // Ten of an hour ago, within 400 ms; then the live ones go on.
        for n in 0..10_i64 {
            let heard = delay.of(at(1000 + 40 * n as u64), STAMP_MS - 3_600_000 + n * 300);
            assert!(heard.late() > Duration::from_secs(3000), "message {n}");
        }
        assert_eq!(delay.of(at(1520), STAMP_MS + 1500), IN_TIME);
    }

    #[test]
    fn a_clock_that_is_set_and_a_line_that_jitters_are_followed_once_the_old_is_out_of_sight() {
        let mut delay = after(10, 1000);
        let late = |n: u64| {
            let held = n * 37 % 900;
            delay.of(at(n * 1000 + held), STAMP_MS + n as i64 * 1000 - 1500)
        };
        let late: Vec<Stamped> = (10..80).map(late).collect();
        assert!(
            late[35..]
                .iter()
                .all(|late| late.late() < Duration::from_secs(1))
        );
    }

    #[test]
    fn a_clock_of_whole_seconds_is_as_late_as_it_must_be() {
        let mut delay = Delay::over(Duration::from_secs(1));
        for n in 0..50 {
            let stamp_ms = n * 700 / 1000 * 1000;
            assert!(delay.of(at(n as u64 * 700), stamp_ms).late().is_zero());
        }
        let held = delay.of(at(38_000), 35_000).late();
        assert!(held >= Duration::from_millis(1900) && held <= Duration::from_secs(3));
    }

    #[test]
    fn wild_stamps_do_no_harm() {
        let mut delay = Delay::over(Duration::from_secs(1));
        for stamp in [i64::MAX, i64::MIN, 0, 1, i64::MAX, -1] {
            delay.of(at(0), stamp);
        }
    }
}
