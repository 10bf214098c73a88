//! When a sign or an event of the site holds: between two moments, on days of the week, at hours.
//!
//! Days and hours are those of the clock on the wall, a fixed offset from UTC: China has one time zone
//! and no summer time. Hours that end before they begin go over midnight and belong to the day on
//! which they begin. Not here: the minutes of the year that go on air.

use std::time::Duration;

use arrayvec::ArrayVec;

use v2x_msg::base::{Civil, Utc};

/// China has one time zone, 8 hours ahead of UTC.
pub const CHINA_MIN: i16 = 480;
/// Most pieces of a day.
pub const MAX_HOURS: usize = 8;

const MINUTES_A_DAY: i64 = 1440;
const MS_A_MINUTE: i64 = 60_000;

/// Something of the site, and when it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted<T> {
    /// The sign or the event.
    pub what: T,
    /// When it holds.
    pub when: Timetable,
}

impl<T> Posted<T> {
    /// Something that holds as long as the file says so.
    pub fn always(what: T) -> Self {
        Self {
            what,
            when: Timetable::ALWAYS,
        }
    }
}

/// When something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// Not before.
    pub from: Option<Utc>,
    /// Not from then on.
    pub until: Option<Utc>,
    /// In between, on these days at these hours; None: always.
    pub weekly: Option<Weekly>,
}

/// Days of the week and hours of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weekly {
    days: u8,
    hours: ArrayVec<Hours, MAX_HOURS>,
    utc_offset_min: i16,
}

/// A piece of the day, in minutes from midnight on the wall; over midnight where it ends before it
/// begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    begin: u16,
    end: u16,
}

/// A span in which something holds without a break; open where it has no end of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Since when.
    pub from: Option<Utc>,
    /// Until when; that moment is outside.
    pub until: Option<Utc>,
}

impl Timetable {
    /// Without an end.
    pub const ALWAYS: Self = Self {
        from: None,
        until: None,
        weekly: None,
    };

    /// The span around `now` in which it holds; None if it does not.
    pub fn window(&self, now: Utc) -> Option<Window> {
        if self.from.is_some_and(|from| now < from) || self.until.is_some_and(|until| until <= now)
        {
            return None;
        }
        let Some(weekly) = &self.weekly else {
            return Some(Window {
                from: self.from,
                until: self.until,
            });
        };
        let (begin, end) = weekly.around(now)?;
        Some(Window {
            from: Some(self.from.map_or(begin, |from| from.max(begin))),
            until: Some(self.until.map_or(end, |until| until.min(end))),
        })
    }
}

impl Weekly {
    /// `days` from Monday; no hours mean the whole day. None without a day or with too many hours.
    pub fn new(days: [bool; 7], hours: &[Hours], utc_offset_min: i16) -> Option<Self> {
        let bits = days.iter().enumerate().filter(|(_, holds)| **holds);
        let days = bits.fold(0, |bits, (day, _)| bits | 1 << day);
        let whole = [Hours {
            begin: 0,
            end: 1440,
        }];
        let hours = if hours.is_empty() { &whole } else { hours };
        let hours = ArrayVec::try_from(hours).ok()?;
        (days != 0).then_some(Self {
            days,
            hours,
            utc_offset_min,
        })
    }

    /// The piece that `now` is in; of several the one that ends last.
    fn around(&self, now: Utc) -> Option<(Utc, Utc)> {
        let offset_ms = i64::from(self.utc_offset_min) * MS_A_MINUTE;
        let local_min = (now.unix_ms() + offset_ms).div_euclid(MS_A_MINUTE);
        let today = local_min.div_euclid(MINUTES_A_DAY);
        let holds_on = |day: i64| {
            // The first day of 1970 was a Thursday.
            let weekday = (day + 3).rem_euclid(7);
            self.days & 1 << weekday != 0
        };
        let days = [today - 1, today].into_iter().filter(|day| holds_on(*day));
        let pieces = days.flat_map(|day| {
            self.hours.iter().map(move |hours| {
                let over = if hours.end <= hours.begin {
                    MINUTES_A_DAY
                } else {
                    0
                };
                let midnight = day * MINUTES_A_DAY;
                let begin = midnight + i64::from(hours.begin);
                (begin, midnight + i64::from(hours.end) + over)
            })
        });
        let (begin, end) = pieces
            .filter(|(begin, end)| (*begin..*end).contains(&local_min))
            .max_by_key(|(_, end)| *end)?;
        let utc = |local: i64| Utc::from_unix_ms(local * MS_A_MINUTE - offset_ms);
        Some((utc(begin)?, utc(end)?))
    }
}

impl Hours {
    /// From `07:00-09:30`; `24:00` is the end of the day.
    pub fn parse(text: &str) -> Option<Self> {
        let (begin, end) = text.split_once('-')?;
        let (begin, end) = (minute(begin.trim())?, minute(end.trim())?);
        (begin < 1440 && begin != end).then_some(Self { begin, end })
    }
}

/// Minutes from midnight, of `07:30`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= 1440).then_some(minutes)
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    let well = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    well.then(|| text.parse().ok()).flatten()
}

/// A moment as the clock on the wall shows it, `2026-12-31 20:00` or `2026-12-31 20:00:30`.
pub fn local_moment(text: &str, utc_offset_min: i16) -> Option<Utc> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let (time, second) = match time.rsplit_once(':').filter(|(time, _)| time.contains(':')) {
        Some((time, second)) => (time, digits(second, 2).filter(|second| *second < 60)?),
        None => (time, 0),
    };
    let mut parts = date.split('-');
    let mut number = |count: usize| digits(parts.next()?, count);
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let minutes = minute(time).filter(|_| parts.next().is_none())?;
    let midnight = Utc::from_civil(Civil {
        year: i32::from(year),
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
    })?;
    let offset = Duration::from_secs(60 * u64::from(utc_offset_min.unsigned_abs()));
    let there = midnight + Duration::from_secs(60 * u64::from(minutes) + u64::from(second));
    Some(if utc_offset_min >= 0 {
        there - offset
    } else {
        there + offset
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Utc {
        local_moment(text, CHINA_MIN).unwrap()
    }

    fn weekly(days: &[usize], hours: &[&str]) -> Timetable {
        let mut list = [false; 7];
        days.iter().for_each(|day| list[*day] = true);
        let hours: Vec<_> = hours.iter().map(|h| Hours::parse(h).unwrap()).collect();
        Timetable {
            weekly: Some(Weekly::new(list, &hours, CHINA_MIN).unwrap()),
            ..Timetable::ALWAYS
        }
    }

    fn holds(table: &Timetable, text: &str) -> bool {
        table.window(at(text)).is_some()
    }

    #[test]
    fn a_moment_on_the_wall_is_a_moment_in_utc() {
        assert_eq!(at("2026-01-01 07:59").unix_ms(), 1_767_225_540_000);
        let second = Duration::from_secs(7);
        assert_eq!(at("2026-01-01 07:59:07"), at("2026-01-01 07:59") + second);
        assert_eq!(local_moment("2026-02-03 07:59:60", 0), None);
        assert_eq!(local_moment("2026-02-03 07:59:7", 0), None);
        assert_eq!(local_moment("2026-02-30 07:59", 0), None);
        assert_eq!(local_moment("2026-02-3 07:59", 0), None);
        assert_eq!(local_moment("2026-02-03", 0), None);
        assert_eq!(local_moment("2026-02-03-01 10:00", 0), None);
    }

    #[test]
    fn rush_hours_hold_on_working_days() {
        // 2026-11-20 is a Friday.
        let rush = weekly(&[0, 1, 2, 3, 4], &["07:00-09:00", "16:30-19:00"]);
        assert!(!holds(&rush, "2026-11-20 06:59"));
        assert!(holds(&rush, "2026-11-20 07:00"));
        assert!(holds(&rush, "2026-11-20 08:59"));
        assert!(!holds(&rush, "2026-11-20 09:00"));
        assert!(holds(&rush, "2026-11-20 18:59"));
        assert!(!holds(&rush, "2026-11-21 08:00"));
        assert!(holds(&rush, "2026-11-23 08:00"));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = weekly(&[4], &["22:00-06:00"]);
        assert!(!holds(&night, "2026-11-20 21:59"));
        assert!(holds(&night, "2026-11-20 22:00"));
        assert!(holds(&night, "2026-11-21 05:59"));
        assert!(!holds(&night, "2026-11-21 06:00"));
        assert!(!holds(&night, "2026-11-21 22:00"));
    }

    #[test]
    fn the_window_goes_over_new_year_and_keeps_the_outer_bounds() {
        let mut night = weekly(&[0, 1, 2, 3, 4, 5, 6], &["22:00-06:00"]);
        night.until = Some(at("2027-01-01 02:00"));
        let window = night.window(at("2027-01-01 00:30")).unwrap();
        assert_eq!(window.from, Some(at("2026-12-31 22:00")));
        assert_eq!(window.until, Some(at("2027-01-01 02:00")));
        assert_eq!(night.window(at("2027-01-01 02:00")), None);
        night.from = Some(at("2026-12-31 23:00"));
        assert_eq!(night.window(at("2026-12-31 22:30")), None);
    }

    #[test]
    fn hours_are_written_with_two_digits_and_have_a_length() {
        for text in [
            "7:00-09:00",
            "07:00",
            "09:00-09:00",
            "24:00-09:00",
            "07:60-09:00",
        ] {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
        assert!(Hours::parse("00:00-24:00").is_some());
        assert!(Weekly::new([false; 7], &[], 0).is_none());
    }
}
