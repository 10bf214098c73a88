//! How long a device's messages were under way, by its own clock: against the quickest of late.
//!
//! The difference of the two clocks is not known; but of the messages of late the quickest was not held
//! up, and how much larger another's difference is, is how long that one was. One stamp alone proves
//! nothing: one that is ahead of all others is put aside until a second agrees with it. A clock that was
//! set back makes every message late by the same, one after another in the order of their stamps, as no
//! queue and no detour does; it is believed sooner where the stamps have gone back as well, and until then
//! nobody knows of when they are. On a line that jitters they are late by this and that: there it takes
//! longer, and no message in time between. Whatever else became of the clocks is followed once all that came
//! before is out of sight.
//!
//! Several messages of one stamp tell that the clock goes in steps, and by how much; what is not longer
//! than a step is no delay. A clock that stands still is none.
//!
//! Not here: which messages are dropped for it, and which were overtaken.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::{Mono, Now};

/// So many stretches of time are in sight.
const STRETCHES: usize = 32;
/// Messages whose differences are no farther apart took the same time on a line that is not held up.
const PACE_NS: i64 = 100_000_000;
/// Below this it does not matter much whether a clock was set or a line is slow: told ends do not jump.
const DOUBT: Duration = Duration::from_secs(1);
/// Stamps on whole seconds may be cut down to them.
const WHOLE_NS: i64 = 1_000_000_000;
/// Messages of one stamp that come within this may have been sent as one.
const TOGETHER: Duration = Duration::from_millis(20);
/// So many messages of one stamp for longer than a second and what a line may jitter: it stands still.
const STANDING: (u32, Duration) = (3, Duration::from_millis(1300));
/// No network brings a message so far behind one that was sent after it.
const FAR_BACK_MS: i64 = 5000;
/// So many messages in pace, for so long: stamps went far back.
const AFTER_FAR_BACK: (u32, Duration) = (2, Duration::from_millis(250));
/// The same: stamps went back, by no more than what is overtaken may be behind.
const AFTER_BACK: (u32, Duration) = (4, Duration::from_millis(700));
/// The same: stamps went on, and only took longer.
const AFTER_NONE: (u32, Duration) = (4, Duration::from_secs(2));
/// So many messages after stamps went back, for so long, none of them in time: whatever the line does.
const AFTER_ANY: (u32, Duration) = (8, Duration::from_secs(3));

/// The delay of one device's messages.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    stretch: Duration,
    /// Oldest first.
    stretches: Box<ArrayVec<Stretch, STRETCHES>>,
    newest_ms: Option<i64>,
    late: Option<LateRun>,
    back: Option<BackRun>,
    same: Option<Same>,
    /// The longest step of a clock before it was set.
    step_before_ns: i64,
}

/// What a message's stamp says, beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamped {
    /// It was under way for so much longer than the quickest of late.
    Late(Duration),
    /// It is ahead of what all others say, and nobody has confirmed it: not held up, but its stamp
    /// orders nothing.
    Ahead,
    /// Stamps have gone back, and all that came since is late by the same: the device's clock has been set,
    /// and it was not held up, or it was by so much. Which of the two will show with the next ones.
    InDoubt(Duration),
    /// The device's clock has been set, or stands still: not held up, and older stamps order nothing any more.
    ClockSet,
}

impl Stamped {
    /// How long it was held up on its way.
    pub(super) fn late(self) -> Duration {
        match self {
            Self::Late(late) | Self::InDoubt(late) => late,
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
    /// The longest step from a stamp that several messages had to the next.
    step_ns: i64,
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

/// Messages that are late by this and that, since stamps went back.
#[derive(Clone, Copy, Debug)]
struct BackRun {
    began: Mono,
    newest_ms: i64,
    messages: u32,
    quickest: Difference,
    second: Option<Difference>,
}

/// Messages in a row that have the same stamp.
#[derive(Clone, Copy, Debug)]
struct Same {
    stamp_ms: i64,
    first: Mono,
    messages: u32,
    /// They were not sent as one, nor are they the same one again.
    stepped: bool,
    /// What the stamp said of the first of them.
    said: Option<Stamped>,
}

impl Delay {
    /// Compares with the last 32 stretches of time in which messages came.
    pub(super) fn over(stretch: Duration) -> Self {
        Self {
            stretch,
            stretches: Box::default(),
            newest_ms: None,
            late: None,
            back: None,
            same: None,
            step_before_ns: 0,
        }
    }

    /// Takes in a message that was stamped then and arrived now; `other` where it is not the one before
    /// once more.
    pub(super) fn of(&mut self, arrived: Mono, stamp_ms: i64, other: bool) -> Stamped {
        if self.stands(arrived, stamp_ms, other) {
            self.clock_was_set();
            return Stamped::ClockSet;
        }
        // One that was sent later than another of its stamp was not held up longer for it.
        let again = self.same.filter(|same| same.messages > 1);
        if let Some(said) = again.filter(|_| other).and_then(|same| same.said) {
            return said;
        }
        let stamped = self.of_one_of_several(arrived, stamp_ms);
        if let Some(same) = self.same.as_mut().filter(|same| same.messages == 1) {
            same.said = Some(stamped);
        }
        stamped
    }

    /// The same of a device that stamps several messages alike: what is alike then says nothing of its clock.
    pub(super) fn of_one_of_several(&mut self, arrived: Mono, stamp_ms: i64) -> Stamped {
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
            (self.late, self.back) = (None, None);
            return Stamped::Ahead;
        }
        late_ns = late_ns.saturating_sub(self.step_ns()).max(0);
        let late = Duration::from_nanos(late_ns.unsigned_abs());
        if late_ns <= PACE_NS {
            (self.late, self.back) = (None, None);
            self.newest_ms = Some(newest_ms.max(stamp_ms));
            return Stamped::Late(late);
        }
        let back_ms = newest_ms.saturating_sub(stamp_ms);
        let set = self.clock_set(arrived, fresh, back_ms);
        if let Some((one, other)) = set.or(self.set_on_a_line_that_jitters(arrived, fresh, back_ms))
        {
            self.clock_was_set();
            self.add(arrived, one);
            self.add(arrived, other);
            self.newest_ms = Some(stamp_ms);
            return Stamped::ClockSet;
        }
        self.newest_ms = Some(newest_ms.max(stamp_ms));
        // One alone may have been overtaken.
        let in_doubt = |run: &LateRun| run.back_ms > 0 && run.messages > 1 && late > DOUBT;
        match self.late.as_ref().is_some_and(in_doubt) {
            true => Stamped::InDoubt(late),
            false => Stamped::Late(late),
        }
    }

    /// The device, or the way to it, may be another one.
    pub(super) fn forget(&mut self) {
        self.clock_was_set();
        (self.same, self.step_before_ns) = (None, 0);
    }

    fn clock_was_set(&mut self) {
        self.step_before_ns = self.longest_step_ns();
        self.stretches.clear();
        (self.newest_ms, self.late, self.back) = (None, None, None);
    }

    /// How far the device's clock is behind ours, less what its quickest message took; None before the
    /// first.
    pub(super) fn behind_s(&self, now: Now) -> Option<f64> {
        let ours_ns = i64::try_from(now.mono.nanos()).unwrap_or(i64::MAX);
        let theirs_ns = ours_ns.saturating_sub(self.quickest_ns()?);
        Some(now.utc.unix_ns().saturating_sub(theirs_ns) as f64 / 1e9)
    }

    /// Whether every stamp in sight is on a whole second.
    pub(super) fn is_whole(&self) -> bool {
        self.stretches.iter().all(|stretch| stretch.whole)
    }

    /// The clock goes in steps of up to so much.
    fn step_ns(&self) -> i64 {
        let whole_ns = if self.is_whole() { WHOLE_NS } else { 0 };
        self.longest_step_ns().max(whole_ns)
    }

    fn longest_step_ns(&self) -> i64 {
        let longest_ns = self.stretches.iter().map(|stretch| stretch.step_ns).max();
        longest_ns.unwrap_or(0)
    }

    /// Whether the clock stands still; notes the steps in which it goes.
    fn stands(&mut self, arrived: Mono, stamp_ms: i64, other: bool) -> bool {
        let Some(same) = self.same.as_mut().filter(|same| same.stamp_ms == stamp_ms) else {
            let fresh = Same {
                stamp_ms,
                first: arrived,
                messages: 1,
                stepped: false,
                said: None,
            };
            if let Some(before) = self.same.replace(fresh)
                && before.stepped
                && let Some(stretch) = self.stretches.last_mut()
            {
                let step_ms = stamp_ms.saturating_sub(before.stamp_ms).max(0);
                let step_ns = step_ms.saturating_mul(1_000_000).min(WHOLE_NS);
                stretch.step_ns = stretch.step_ns.max(step_ns);
            }
            return false;
        };
        let since = arrived.since(same.first);
        same.messages = same.messages.saturating_add(1);
        same.stepped |= other && since > TOGETHER;
        same.messages >= STANDING.0 && since > STANDING.1
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
                step_ns: std::mem::take(&mut self.step_before_ns),
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

    /// The first and the last of the late messages that have come one after another, each as late as the
    /// first, once they have done so for long enough.
    fn clock_set(
        &mut self,
        arrived: Mono,
        fresh: Difference,
        back_ms: i64,
    ) -> Option<(Difference, Difference)> {
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
        is_set.then_some((run.first, fresh))
    }

    /// The two quickest of the messages that have come since stamps went back, once there were enough, all of
    /// them late: of those that were only overtaken some would have been in time.
    fn set_on_a_line_that_jitters(
        &mut self,
        arrived: Mono,
        fresh: Difference,
        back_ms: i64,
    ) -> Option<(Difference, Difference)> {
        let Some(run) = &mut self.back else {
            self.back = (back_ms > 0).then_some(BackRun {
                began: arrived,
                newest_ms: fresh.stamp_ms,
                messages: 1,
                quickest: fresh,
                second: None,
            });
            return None;
        };
        if fresh.stamp_ms > run.newest_ms {
            (run.newest_ms, run.messages) = (fresh.stamp_ms, run.messages + 1);
        }
        if fresh.ns < run.quickest.ns {
            run.second = Some(std::mem::replace(&mut run.quickest, fresh));
        } else if run.second.is_none_or(|second| fresh.ns < second.ns) {
            run.second = Some(fresh);
        }
        let (messages, lasts) = AFTER_ANY;
        let is_set = run.messages >= messages && arrived.since(run.began) >= lasts;
        run.second
            .filter(|_| is_set)
            .map(|second| (run.quickest, second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(50_000_000_000) + Duration::from_millis(ms)
    }

    fn of(delay: &mut Delay, arrived: Mono, stamp_ms: i64) -> Stamped {
        delay.of(arrived, stamp_ms, true)
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
            let heard = of(
                &mut delay,
                at(n * every_ms + 20),
                STAMP_MS + (n * every_ms) as i64,
            );
            assert_eq!(heard, IN_TIME);
        }
        delay
    }

    /// How many messages it takes until they are in time, if the clock is put by `set_ms` after ten.
    fn until_in_time(every_ms: u64, set_ms: i64) -> u64 {
        let mut delay = after(10, every_ms);
        let in_time = |n: &u64| {
            let sent = (10 + n) * every_ms;
            let heard = of(&mut delay, at(sent + 20), STAMP_MS + sent as i64 + set_ms);
            heard.late().is_zero() && heard != Stamped::Ahead
        };
        (0..600).find(in_time).expect("in time some day")
    }

    #[test]
    fn a_message_is_as_late_as_it_is_behind_the_quickest() {
        let mut delay = after(2, 1000);
        assert_eq!(of(&mut delay, at(3320), STAMP_MS + 2000), late_ms(1300));
        assert_eq!(of(&mut delay, at(3015), STAMP_MS + 3000), IN_TIME);
        assert_eq!(of(&mut delay, at(4020), STAMP_MS + 4000), late_ms(5));
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
            of(&mut delay, at(sent_ms + took_ms), stamp_ms + sent_ms as i64);
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
                assert_eq!(of(&mut delay, at(sent + 20), bad_ms), Stamped::Ahead);
                // The same again confirms nothing.
                assert_eq!(of(&mut delay, at(sent + 30), bad_ms), Stamped::Ahead);
                for n in 11..60 {
                    let sent = n * every_ms;
                    let heard = of(&mut delay, at(sent + 20), STAMP_MS + sent as i64);
                    assert_eq!(heard, IN_TIME, "{ahead_ms} ms at {every_ms}, message {n}");
                }
            }
        }
    }

    #[test]
    fn a_first_stamp_that_is_ahead_makes_no_other_late() {
        let mut delay = Delay::over(Duration::from_secs(10));
        of(&mut delay, at(20), STAMP_MS + 3000);
        for n in 1..60 {
            assert_eq!(
                of(&mut delay, at(n * 100 + 20), STAMP_MS + n as i64 * 100),
                IN_TIME
            );
        }
    }

    #[test]
    fn two_that_are_ahead_by_the_same_are_a_clock_that_was_set() {
        let mut delay = after(10, 1000);
        assert_eq!(
            of(&mut delay, at(10_020), STAMP_MS + 11_500),
            Stamped::Ahead
        );
        assert_eq!(of(&mut delay, at(11_025), STAMP_MS + 12_500), late_ms(5));
        assert_eq!(of(&mut delay, at(12_820), STAMP_MS + 13_500), late_ms(800));
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
                let heard = of(&mut delay, at(6000 + n * 100), STAMP_MS + n as i64 * 100);
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
            let heard = of(&mut delay, at(arrived_ms), STAMP_MS + n as i64 * 100);
            assert_eq!(heard, late_ms(was_ms), "message {n}");
        }
        assert_eq!(of(&mut delay, at(31_520), STAMP_MS + 31_500), IN_TIME);
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
            let mut doubts = 0;
            for (arrived_ms, sent_ms) in &news {
                let heard = of(&mut delay, at(*arrived_ms), STAMP_MS + *sent_ms as i64);
                assert_eq!(
                    late_ms(arrived_ms - sent_ms - 20),
                    Stamped::Late(heard.late())
                );
                doubts += u32::from(matches!(heard, Stamped::InDoubt(_)));
            }
            assert!(doubts <= 20, "{doubts} of {}", news.len());
        }
    }

    #[test]
    fn old_messages_that_come_again_are_late() {
        let mut delay = after(10, 100);
        // Ten of an hour ago, within 400 ms; then the live ones go on.
        for n in 0..10_i64 {
            let heard = of(
                &mut delay,
                at(1000 + 40 * n as u64),
                STAMP_MS - 3_600_000 + n * 300,
            );
            assert!(heard.late() > Duration::from_secs(3000), "message {n}");
        }
        assert_eq!(of(&mut delay, at(1520), STAMP_MS + 1500), IN_TIME);
    }

    #[test]
    fn a_clock_that_is_set_and_a_line_that_jitters_are_followed_once_the_old_is_out_of_sight() {
        let mut delay = after(10, 1000);
        let late = |n: u64| {
            let held = n * 37 % 900;
            of(
                &mut delay,
                at(n * 1000 + held),
                STAMP_MS + n as i64 * 1000 - 1500,
            )
        };
        let late: Vec<Stamped> = (10..80).map(late).collect();
        assert!(
            late[35..]
                .iter()
                .all(|late| late.late() < Duration::from_secs(1))
        );
    }

    #[test]
    fn a_clock_that_goes_in_steps_makes_nothing_late() {
        for (step_ms, offset_ms) in [(500, 0), (1000, 377), (200, 50)] {
            for every_ms in [20, 90, 100, 170] {
                let mut delay = Delay::over(Duration::from_secs(1));
                for n in 0..600_u64 {
                    let sent = n * every_ms;
                    let stamp_ms =
                        STAMP_MS / 1000 * 1000 + (sent / step_ms * step_ms + offset_ms) as i64;
                    let heard = of(&mut delay, at(sent + 20), stamp_ms);
                    // The first step shows by the next.
                    if sent > 2 * step_ms {
                        let late = heard.late();
                        assert!(
                            late <= Duration::from_millis(20),
                            "{step_ms} {every_ms}: {late:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_sent_as_one_and_what_comes_twice_tell_no_step() {
        for other in [true, false] {
            let mut delay = after(10, 1000);
            for n in 10..20_u64 {
                delay.of(at(n * 1000 + 20), STAMP_MS + n as i64 * 1000, true);
                let again_ms = if other { 25 } else { 700 };
                delay.of(at(n * 1000 + again_ms), STAMP_MS + n as i64 * 1000, other);
            }
            assert_eq!(of(&mut delay, at(20_520), STAMP_MS + 20_000), late_ms(500));
        }
    }

    #[test]
    fn a_clock_that_stands_still_is_none() {
        for every_ms in [100, 400, 1000] {
            let mut delay = after(10, every_ms);
            let stood_ms = 10 * every_ms;
            for n in 10..100_u64 {
                // Whether what it says changes or not.
                let heard = delay.of(
                    at(n * every_ms + 20),
                    STAMP_MS + stood_ms as i64,
                    n % 3 == 0,
                );
                let since_ms = (n - 10) * every_ms;
                assert!(heard.late() <= Duration::from_millis(since_ms));
                if since_ms > 2000 {
                    assert_eq!(heard, Stamped::ClockSet, "{since_ms}");
                }
            }
            let sent = 100 * every_ms;
            let goes = of(&mut delay, at(sent + 20), STAMP_MS + sent as i64);
            assert_eq!(goes.late(), Duration::ZERO);
        }
    }

    #[test]
    fn until_a_set_back_is_told_from_a_queue_nobody_knows_of_when_its_messages_are() {
        let mut delay = after(10, 1000);
        let heard = (10..15_u64).map(|n| {
            let sent = n * 1000;
            of(&mut delay, at(sent + 20), STAMP_MS + sent as i64 - 1500)
        });
        let doubt = Stamped::InDoubt(Duration::from_millis(1500));
        let heard: Vec<Stamped> = heard.collect();
        assert_eq!(
            heard,
            [late_ms(1500), doubt, doubt, Stamped::ClockSet, IN_TIME],
            "the first of them is overtaken, by its stamp"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_on_a_line_that_jitters_is_followed_in_eight_messages() {
        for every_ms in [100, 500, 1000] {
            let mut delay = Delay::over(Duration::from_secs(1));
            let mut late = Vec::new();
            for n in 0..120_u64 {
                let (sent, held) = (n * every_ms, n * 37 % 300);
                let set_ms = if n < 60 { 0 } else { -1500 };
                let heard = of(&mut delay, at(sent + held), STAMP_MS + sent as i64 + set_ms);
                late.push(heard.late());
            }
            let followed = late[60..]
                .iter()
                .position(|late| *late < Duration::from_millis(400));
            let most = 8.max(3000 / every_ms as usize + 2);
            assert!(
                followed.is_some_and(|n| n <= most),
                "{every_ms}: {followed:?}"
            );
            assert!(
                late[62 + most..]
                    .iter()
                    .all(|late| *late < Duration::from_millis(400))
            );
        }
    }

    #[test]
    fn a_clock_of_whole_seconds_is_as_late_as_it_must_be() {
        let mut delay = Delay::over(Duration::from_secs(1));
        for n in 0..50 {
            let stamp_ms = n * 700 / 1000 * 1000;
            assert!(
                of(&mut delay, at(n as u64 * 700), stamp_ms)
                    .late()
                    .is_zero()
            );
        }
        let held = of(&mut delay, at(38_000), 35_000).late();
        assert!(held >= Duration::from_millis(1900) && held <= Duration::from_secs(3));
    }

    #[test]
    fn wild_stamps_do_no_harm() {
        let mut delay = Delay::over(Duration::from_secs(1));
        for stamp in [i64::MAX, i64::MIN, 0, 1, i64::MAX, -1] {
            of(&mut delay, at(0), stamp);
        }
    }
}
