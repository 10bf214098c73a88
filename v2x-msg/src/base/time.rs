//! Time on the air: UTC as the station has it, and the three forms that messages carry.
//!
//! [`Utc`] is a value that somebody read from a clock; nothing here reads one. [`MinuteOfYear`] and
//! [`DSecond`] date a message (T/CSAE 159-2020: within 150 ms of true UTC), [`Countdown`] and
//! [`HourMark`] are the two meanings of TimeMark in a SPAT. The small calendar is the proleptic
//! Gregorian one; UTC's leap seconds do not exist in it, as in Unix time.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::{Add, Sub};
use std::time::Duration;

use super::OutOfRange;
use super::calendar::{civil_from_days, days_from_civil, days_in_month};

/// A moment in UTC: nanoseconds since 1970-01-01T00:00:00Z, from the year 1678 to 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utc(i64);

/// A moment as a calendar and a clock on the wall show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// Gregorian year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_TENTH: i64 = 100 * NS_PER_MS;
const NS_PER_SECOND: i64 = 1000 * NS_PER_MS;
const NS_PER_MINUTE: i64 = 60 * NS_PER_SECOND;
const NS_PER_HOUR: i64 = 60 * NS_PER_MINUTE;
const NS_PER_DAY: i64 = 24 * NS_PER_HOUR;

impl Utc {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_unix_ns(ns: i64) -> Self {
        Utc(ns)
    }

    /// From milliseconds since the Unix epoch; None beyond the years that fit.
    pub fn from_unix_ms(ms: i64) -> Option<Self> {
        ms.checked_mul(NS_PER_MS).map(Utc)
    }

    /// From the calendar; None for a date or a time of day that does not exist, or beyond the years
    /// that fit.
    pub fn from_civil(civil: Civil) -> Option<Self> {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
        } = civil;
        let in_day = hour < 24 && minute < 60 && second < 60 && nanosecond < 1_000_000_000;
        if !in_day || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        days_from_civil(year, month, day)
            .checked_mul(NS_PER_DAY)?
            .checked_add(seconds * NS_PER_SECOND + i64::from(nanosecond))
            .map(Utc)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn unix_ns(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    pub const fn unix_ms(self) -> i64 {
        self.0.div_euclid(NS_PER_MS)
    }

    /// As the calendar shows it.
    pub fn civil(self) -> Civil {
        let (year, month, day) = civil_from_days(self.0.div_euclid(NS_PER_DAY));
        let in_day = self.0.rem_euclid(NS_PER_DAY);
        let second = in_day / NS_PER_SECOND;
        Civil {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            nanosecond: (in_day % NS_PER_SECOND) as u32,
        }
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub fn since(self, earlier: Utc) -> Duration {
        Duration::from_nanos(u64::try_from(self.ns_since(earlier)).unwrap_or(0))
    }

    /// Nanoseconds from `other` to here; negative if `other` is later.
    pub const fn ns_since(self, other: Utc) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl Add<Duration> for Utc {
    type Output = Utc;
    /// Stops at the end of the range.
    fn add(self, later: Duration) -> Utc {
        Utc(self
            .0
            .saturating_add(i64::try_from(later.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Utc {
    type Output = Utc;
    /// Stops at the start of the range.
    fn sub(self, earlier: Duration) -> Utc {
        Utc(self
            .0
            .saturating_sub(i64::try_from(earlier.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
        } = self.civil();
        let ms = nanosecond / 1_000_000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
        )
    }
}

/// Whole UTC minutes since the year began, 0 to 527039 (the last of a leap year).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinuteOfYear(u32);

impl MinuteOfYear {
    /// From its number, 0 to 527039.
    pub fn new(minute: u32) -> Result<Self, OutOfRange> {
        if minute < 527_040 {
            Ok(MinuteOfYear(minute))
        } else {
            Err(OutOfRange::of_id("minute of the year", minute, 0, 527_039))
        }
    }

    /// The minute that `utc` is in.
    pub fn of(utc: Utc) -> Self {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            ..
        } = utc.civil();
        let days = days_from_civil(year, month, day) - days_from_civil(year, 1, 1);
        MinuteOfYear(days as u32 * 1440 + u32::from(hour) * 60 + u32::from(minute))
    }

    /// Its number, 0 to 527039.
    pub fn value(self) -> u32 {
        self.0
    }

    /// The start of this minute in that year which brings it nearest to `about`: a minute says
    /// nothing of its year, and at New Year the sender may be in another one.
    pub fn near(self, about: Utc) -> Utc {
        let year = about.civil().year;
        let in_year = |year: i32| {
            let start = Civil {
                year,
                month: 1,
                day: 1,
                hour: 0,
                minute: 0,
                second: 0,
                nanosecond: 0,
            };
            let start = Utc::from_civil(start)?;
            start
                .0
                .checked_add(i64::from(self.0) * NS_PER_MINUTE)
                .map(Utc)
        };
        [year - 1, year, year + 1]
            .into_iter()
            .filter_map(in_year)
            .min_by_key(|candidate| candidate.ns_since(about).unsigned_abs())
            .unwrap_or(about)
    }
}

/// Milliseconds within a UTC minute: 0 to 59999, and to 60999 from senders that count a leap second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DSecond(u16);

impl DSecond {
    /// From its number, 0 to 60999; the reserved codes and "unavailable" are refused.
    pub fn new(ms: u16) -> Result<Self, OutOfRange> {
        if ms < 61_000 {
            Ok(DSecond(ms))
        } else {
            Err(OutOfRange::of_id(
                "millisecond of the minute",
                ms.into(),
                0,
                60_999,
            ))
        }
    }

    /// The millisecond that `utc` is in, 0 to 59999.
    pub fn of(utc: Utc) -> Self {
        DSecond((utc.0.rem_euclid(NS_PER_MINUTE) / NS_PER_MS) as u16)
    }

    /// Its number, 0 to 60999.
    pub fn ms(self) -> u16 {
        self.0
    }

    /// The moment with this millisecond that is nearest to `about`; right as long as the sender and
    /// `about` are less than half a minute apart.
    pub fn near(self, about: Utc) -> Utc {
        let minute = about.0.saturating_sub(about.0.rem_euclid(NS_PER_MINUTE));
        let this = minute.saturating_add(i64::from(self.0) * NS_PER_MS);
        [
            this.saturating_sub(NS_PER_MINUTE),
            this,
            this.saturating_add(NS_PER_MINUTE),
        ]
        .into_iter()
        .map(Utc)
        .min_by_key(|candidate| candidate.ns_since(about).unsigned_abs())
        .unwrap_or(about)
    }
}

/// TimeMark as a time left: tenths of a second from now, 0 to 35999; 36000 is "an hour or more".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Countdown(Tenths);

impl Countdown {
    /// Already there.
    pub const ZERO: Countdown = Countdown(Tenths::new(0));
    /// An hour or more; also what a phase that never changes shows (T/CSAE 159-2020).
    pub const HOUR_OR_MORE: Countdown = Countdown(Tenths::new(36_000));

    /// From tenths of a second, 0 to 36000.
    pub fn from_tenths(tenths: u16) -> Result<Self, OutOfRange> {
        if tenths <= 36_000 {
            Ok(Countdown(Tenths::new(tenths)))
        } else {
            Err(OutOfRange::of_id(
                "countdown in tenths of a second",
                tenths.into(),
                0,
                36_000,
            ))
        }
    }

    /// To the nearest tenth; an hour and all above it are [`Countdown::HOUR_OR_MORE`].
    pub fn of(left: Duration) -> Self {
        let tenths = left.as_nanos().saturating_add(50_000_000) / 100_000_000;
        Countdown(Tenths::new(u16::try_from(tenths).unwrap_or(36_000)))
    }

    /// From `now` to `then`, to the nearest tenth; zero if `then` is past.
    pub fn until(then: Utc, now: Utc) -> Self {
        Self::of(then.since(now))
    }

    /// In tenths of a second, 0 to 36000.
    pub fn tenths(self) -> u16 {
        self.0.count()
    }

    /// As a length of time; an hour for "an hour or more".
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.tenths()) * 100)
    }
}

/// TimeMark as a moment: tenths of a second within a UTC hour, 0 to 35999; 36000 is "more than an
/// hour away".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HourMark(Tenths);

impl HourMark {
    /// Too far away for a mark.
    pub const FAR: HourMark = HourMark(Tenths::new(36_000));

    /// From tenths of a second within the hour, 0 to 36000.
    pub fn from_tenths(tenths: u16) -> Result<Self, OutOfRange> {
        if tenths <= 36_000 {
            Ok(HourMark(Tenths::new(tenths)))
        } else {
            Err(OutOfRange::of_id(
                "tenth of a second in the hour",
                tenths.into(),
                0,
                36_000,
            ))
        }
    }

    /// The nearest tenth to `then`, as seen at `now`; [`HourMark::FAR`] if that is an hour or more
    /// away.
    pub fn of(then: Utc, now: Utc) -> Self {
        if then.ns_since(now).unsigned_abs() >= NS_PER_HOUR.unsigned_abs() {
            return Self::FAR;
        }
        let in_hour = then.0.rem_euclid(NS_PER_HOUR);
        // Rounding up at the end of the hour gives the first tenth of the next.
        let tenths = ((in_hour + NS_PER_TENTH / 2) / NS_PER_TENTH) % 36_000;
        HourMark(Tenths::new(tenths as u16))
    }

    /// In tenths of a second within the hour, 0 to 36000.
    pub fn tenths(self) -> u16 {
        self.0.count()
    }

    /// The moment with this mark that is nearest to `about`; None for [`HourMark::FAR`].
    pub fn near(self, about: Utc) -> Option<Utc> {
        if self == Self::FAR {
            return None;
        }
        let hour = about.0.saturating_sub(about.0.rem_euclid(NS_PER_HOUR));
        let this = hour.saturating_add(i64::from(self.tenths()) * NS_PER_TENTH);
        [
            this.saturating_sub(NS_PER_HOUR),
            this,
            this.saturating_add(NS_PER_HOUR),
        ]
        .into_iter()
        .map(Utc)
        .min_by_key(|candidate| candidate.ns_since(about).unsigned_abs())
    }

    /// Whether this is not after `other`, when the two are less than half an hour apart: the mark
    /// begins anew every hour.
    pub fn not_after(self, other: HourMark) -> bool {
        match (self == Self::FAR, other == Self::FAR) {
            (_, true) => true,
            (true, false) => false,
            (false, false) => {
                let ahead = u32::from(other.tenths()) + 36_000 - u32::from(self.tenths());
                ahead % 36_000 < 18_000
            }
        }
    }
}

/// 0 to 36000 tenths of a second. Held one up, so that zero is free to be the `None` around it: a
/// SPAT holds some thousand of these, and is half as large for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Tenths(NonZeroU16);

impl Tenths {
    /// More than 36000 count as 36000.
    const fn new(tenths: u16) -> Self {
        let held = if tenths > 36_000 { 36_001 } else { tenths + 1 };
        match NonZeroU16::new(held) {
            Some(held) => Tenths(held),
            None => Tenths(NonZeroU16::MIN),
        }
    }

    const fn count(self) -> u16 {
        self.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8, ms: u32) -> Utc {
        let nanosecond = ms * 1_000_000;
        Utc::from_civil(Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
        })
        .unwrap()
    }

    /// Expected values from `date -u -d ... +%s`.
    #[test]
    fn known_dates_have_their_unix_time() {
        assert_eq!(utc(1970, 1, 1, 0, 0, 0, 0).unix_ms(), 0);
        assert_eq!(utc(2000, 2, 29, 12, 0, 0, 0).unix_ms(), 951_825_600_000);
        assert_eq!(
            utc(2024, 2, 29, 23, 59, 59, 999).unix_ms(),
            1_709_251_199_999
        );
        assert_eq!(utc(2026, 3, 1, 0, 0, 0, 0).unix_ms(), 1_772_323_200_000);
        assert_eq!(utc(1969, 12, 31, 23, 59, 59, 500).unix_ms(), -500);
        assert_eq!(utc(2100, 3, 1, 0, 0, 0, 0).unix_ms(), 4_107_542_400_000);
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        let day = |year, month, day| {
            Utc::from_civil(Civil {
                year,
                month,
                day,
                hour: 0,
                minute: 0,
                second: 0,
                nanosecond: 0,
            })
        };
        assert_eq!(day(2026, 2, 29), None);
        assert_eq!(day(2100, 2, 29), None);
        assert_eq!(day(2026, 13, 1), None);
        assert_eq!(day(2026, 4, 31), None);
        assert_eq!(day(2026, 1, 0), None);
        assert_eq!(day(9999, 1, 1), None);
        assert!(day(2000, 2, 29).is_some());
    }

    #[test]
    fn a_moment_is_written_with_milliseconds() {
        assert_eq!(
            utc(2026, 12, 31, 23, 59, 59, 7).to_string(),
            "2026-12-31T23:59:59.007Z"
        );
    }

    #[test]
    fn the_minute_of_the_year_begins_at_new_year() {
        assert_eq!(MinuteOfYear::of(utc(2026, 1, 1, 0, 0, 59, 999)).value(), 0);
        assert_eq!(
            MinuteOfYear::of(utc(2026, 12, 31, 23, 59, 0, 0)).value(),
            525_599
        );
        assert_eq!(
            MinuteOfYear::of(utc(2024, 12, 31, 23, 59, 59, 999)).value(),
            527_039
        );
        assert!(MinuteOfYear::new(527_040).is_err());
    }

    #[test]
    fn a_minute_is_found_in_the_year_it_was_meant_in() {
        let just_after = utc(2027, 1, 1, 0, 0, 3, 0);
        let last = MinuteOfYear::new(525_599).unwrap();
        assert_eq!(last.near(just_after), utc(2026, 12, 31, 23, 59, 0, 0));
        let just_before = utc(2024, 12, 31, 23, 59, 58, 0);
        let first = MinuteOfYear::new(0).unwrap();
        assert_eq!(first.near(just_before), utc(2025, 1, 1, 0, 0, 0, 0));
    }

    #[test]
    fn milliseconds_run_to_the_end_of_the_minute() {
        assert_eq!(DSecond::of(utc(2026, 5, 5, 5, 5, 59, 999)).ms(), 59_999);
        assert_eq!(DSecond::of(utc(2026, 5, 5, 5, 6, 0, 0)).ms(), 0);
        assert_eq!(DSecond::of(Utc::from_unix_ns(-1)).ms(), 59_999);
        assert!(DSecond::new(61_000).is_err());
        assert!(DSecond::new(65_535).is_err());
    }

    #[test]
    fn milliseconds_are_dated_across_the_minute() {
        let now = utc(2026, 5, 5, 5, 6, 0, 50);
        assert_eq!(
            DSecond::new(59_950).unwrap().near(now),
            utc(2026, 5, 5, 5, 5, 59, 950)
        );
        let before = utc(2026, 5, 5, 5, 5, 59, 990);
        assert_eq!(
            DSecond::new(10).unwrap().near(before),
            utc(2026, 5, 5, 5, 6, 0, 10)
        );
    }

    #[test]
    fn a_countdown_is_rounded_to_the_nearest_tenth() {
        assert_eq!(Countdown::of(Duration::from_millis(1249)).tenths(), 12);
        assert_eq!(Countdown::of(Duration::from_millis(1250)).tenths(), 13);
        assert_eq!(
            Countdown::of(Duration::from_secs(4000)),
            Countdown::HOUR_OR_MORE
        );
        assert_eq!(Countdown::of(Duration::MAX), Countdown::HOUR_OR_MORE);
        let now = utc(2026, 5, 5, 5, 5, 5, 0);
        assert_eq!(
            Countdown::until(now - Duration::from_secs(1), now),
            Countdown::ZERO
        );
        assert!(Countdown::from_tenths(36_001).is_err());
    }

    #[test]
    fn an_hour_mark_is_dated_across_the_hour() {
        let now = utc(2026, 5, 5, 5, 59, 58, 0);
        let then = utc(2026, 5, 5, 6, 0, 2, 300);
        let mark = HourMark::of(then, now);
        assert_eq!(mark.tenths(), 23);
        assert_eq!(mark.near(now), Some(then));
        assert_eq!(
            HourMark::of(utc(2026, 5, 5, 5, 59, 59, 960), now).tenths(),
            0
        );
        assert_eq!(
            HourMark::of(utc(2026, 5, 5, 7, 0, 0, 0), now),
            HourMark::FAR
        );
        assert_eq!(HourMark::FAR.near(now), None);
    }

    #[test]
    fn hour_marks_are_ordered_across_the_hour() {
        let mark = |tenths| HourMark::from_tenths(tenths).unwrap();
        assert!(mark(35_990).not_after(mark(10)));
        assert!(!mark(10).not_after(mark(35_990)));
        assert!(mark(10).not_after(mark(10)));
        assert!(mark(10).not_after(HourMark::FAR));
        assert!(!HourMark::FAR.not_after(mark(10)));
    }

    proptest! {
        #[test]
        fn any_moment_survives_the_calendar(ns in any::<i64>()) {
            let moment = Utc::from_unix_ns(ns);
            prop_assert_eq!(Utc::from_civil(moment.civil()).unwrap_or(moment), moment);
            // Nothing in this file may overflow, whatever a device claims the time to be.
            let _ = MinuteOfYear::of(moment).near(moment);
            let _ = DSecond::of(moment).near(moment);
            let _ = HourMark::of(moment, Utc::from_unix_ns(!ns)).near(moment);
            let _ = Countdown::until(moment, Utc::from_unix_ns(!ns));
        }

        #[test]
        fn a_moment_is_found_again_from_its_minute_and_millisecond(
            ms in 0i64..4_102_444_800_000, late_ms in -20_000i64..20_000,
        ) {
            let sent = Utc::from_unix_ms(ms).unwrap();
            let heard = Utc::from_unix_ms(ms + late_ms).unwrap();
            prop_assert_eq!(DSecond::of(sent).near(heard), sent);
            let minute = MinuteOfYear::of(sent).near(heard);
            prop_assert_eq!(minute.unix_ms(), ms - ms % 60_000);
        }
    }
}
