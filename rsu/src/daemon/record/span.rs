//! From where to where a recording is wanted: seconds from its first moment, a time of day, or a moment
//! with its date. Not here: what is done with it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::{Mono, Now, Utc};
use crate::config::Reason;
use crate::events::ask::rfc3339;

/// Longer than any run.
const LATEST_S: f64 = 1e7;
const DAY_S: i64 = 86_400;

/// A place in a recording, as a person writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    text: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// From the first moment.
    Seconds(f64),
    /// So long after midnight UTC; the minute or the second that begins then.
    TimeOfDay {
        second: i64,
        lasts_s: i64,
    },
    Moment(Utc),
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let seconds = text.parse().ok().filter(|_| is_plain);
        let seconds = seconds.filter(|seconds| (0.0..=LATEST_S).contains(seconds));
        let form = seconds
            .map(Form::Seconds)
            .or_else(|| time_of_day(text))
            .or_else(|| rfc3339(text).map(Form::Moment));
        let form = form.ok_or(
            "must be seconds from the first moment, a time of day such as 14:05 or 14:05:30 (UTC, \
             unless it says otherwise: 22:05+08:00), or a moment such as 2026-11-22T14:05:30Z",
        )?;
        Ok(Self {
            text: text.to_owned(),
            form,
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `HH:MM` or `HH:MM:SS`, UTC unless `Z`, `+HH:MM` or `-HH:MM` stands behind it.
fn time_of_day(text: &str) -> Option<Form> {
    let (clock, offset_s) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) => {
            let (clock, zone) = text.split_at(at);
            let minutes = |zone: &str| match parts(zone)?[..] {
                [hours, minutes] => Some((hours * 60 + minutes) * 60),
                _ => None,
            };
            let offset_s = match zone.split_at_checked(1)? {
                ("Z" | "z", "") => 0,
                ("+", zone) => minutes(zone)?,
                ("-", zone) => -minutes(zone)?,
                _ => return None,
            };
            (clock, offset_s)
        }
    };
    let (second, lasts_s) = match parts(clock)?[..] {
        [hours, minutes] => (hours * 3600 + minutes * 60, 60),
        [hours, minutes, seconds] => (hours * 3600 + minutes * 60 + seconds, 1),
        _ => return None,
    };
    Some(Form::TimeOfDay {
        second: (second - offset_s).rem_euclid(DAY_S),
        lasts_s,
    })
}

/// Two digits each, between colons: hours, minutes and perhaps seconds.
fn parts(text: &str) -> Option<Vec<i64>> {
    let mut most = 23;
    let parts = text.split(':').take(4).map(|part| {
        let is_one = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        let value: i64 = part.parse().ok().filter(|value| is_one && *value <= most)?;
        most = 59;
        Some(value)
    });
    parts.collect()
}

/// Whether both tell of the same sort of thing and the second is not later: no recording helps.
pub(crate) fn is_backwards(from: &Point, to: &Point) -> bool {
    match (from.form, to.form) {
        (Form::Seconds(from), Form::Seconds(to)) => to <= from,
        (Form::Moment(from), Form::Moment(to)) => to <= from,
        _ => false,
    }
}

/// The part of a recording that is wanted, once its first moment is known.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    first: Now,
    from: Mark,
    to: Option<Mark>,
    wish: Point,
    has_begun: bool,
}

/// Seconds are counted by the clock that never steps; what is dated goes by UTC as it was then.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Mono(Mono),
    Utc(Utc),
}

impl Mark {
    fn is_reached(self, at: Now) -> bool {
        match self {
            Self::Mono(mark) => at.mono >= mark,
            Self::Utc(mark) => at.utc >= mark,
        }
    }

    fn is_passed(self, at: Now) -> bool {
        match self {
            Self::Mono(mark) => at.mono > mark,
            Self::Utc(mark) => at.utc > mark,
        }
    }

    /// As the clocks stood at the first moment.
    fn utc(self, first: Now) -> Utc {
        match self {
            Self::Mono(mark) => first.utc_at(mark),
            Self::Utc(mark) => mark,
        }
    }
}

/// Where a moment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    Before,
    Within,
    Behind,
}

impl Span {
    /// Of a recording that begins then.
    ///
    /// # Errors
    /// Where nothing lies between.
    pub(crate) fn of(from: &Point, to: Option<&Point>, first: Now) -> Result<Self, Reason> {
        let begin = mark(from.form, first, first.utc);
        let end = to.map(|to| mark(to.form, first, begin.utc(first).max(first.utc)));
        if let (Some(end), Some(to)) = (end, to) {
            let beginning = first.utc.to_string();
            if end.utc(first) < first.utc {
                let told = format!("--to {to} lies before the beginning: it begins at {beginning}");
                return Err(Reason::new("to-before", [to.to_string(), beginning], told));
            }
            if end.utc(first) <= begin.utc(first) {
                let told =
                    format!("--to {to} must be later than --from {from}: nothing lies between");
                return Err(Reason::new(
                    "to-not-later",
                    [to.to_string(), from.to_string()],
                    told,
                ));
            }
        }
        Ok(Self {
            first,
            from: begin,
            to: end,
            wish: from.clone(),
            has_begun: false,
        })
    }

    /// Where a later moment lies. What has begun has, also where UTC steps back.
    pub(crate) fn lies(&mut self, at: Now) -> Lies {
        if self.to.is_some_and(|to| to.is_passed(at)) {
            return Lies::Behind;
        }
        self.has_begun |= self.from.is_reached(at);
        match self.has_begun {
            true => Lies::Within,
            false => Lies::Before,
        }
    }

    /// Seconds from the first moment.
    pub(crate) fn seconds(&self, at: Mono) -> f64 {
        at.seconds_after(self.first.mono)
    }

    /// Why nothing was found, of a recording that ends then.
    pub(crate) fn missed(&self, last: Now) -> Option<Reason> {
        if self.has_begun {
            return None;
        }
        let length_s = format!("{:.1}", self.seconds(last.mono));
        let (from, to) = (self.first.utc.to_string(), last.utc.to_string());
        let wish = self.wish.to_string();
        let told = format!(
            "--from {wish} lies behind the end: the recording is {length_s} s long, from {from} to {to}"
        );
        Some(Reason::new("behind-end", [wish, length_s, from, to], told))
    }
}

/// A time of day is the first such one that is not over `after`.
fn mark(form: Form, first: Now, after: Utc) -> Mark {
    match form {
        Form::Seconds(seconds) => Mark::Mono(first.mono + Duration::from_secs_f64(seconds)),
        Form::Moment(moment) => Mark::Utc(moment),
        Form::TimeOfDay { second, lasts_s } => {
            let after_s = after.unix_ns().div_euclid(1_000_000_000);
            let midnight = after_s - after_s.rem_euclid(DAY_S);
            let today = midnight + second;
            let day = match today + lasts_s <= after_s {
                true => DAY_S,
                false => 0,
            };
            Mark::Utc(Utc::from_unix_ns(
                (today + day).saturating_mul(1_000_000_000),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(text: &str) -> Point {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// A recording that begins then; the clock that never steps at 100 s.
    fn begins(utc: &str) -> Now {
        Now {
            mono: Mono::from_nanos(100_000_000_000),
            utc: rfc3339(utc).unwrap(),
        }
    }

    /// From when on it is wanted, and to when.
    fn wanted(from: &str, to: &str, first: Now) -> (String, String) {
        let span = Span::of(&point(from), Some(&point(to)), first);
        let span = span.unwrap_or_else(|reason| panic!("{reason}"));
        let at = |mark: Mark| mark.utc(first).to_string();
        (at(span.from), at(span.to.unwrap()))
    }

    #[test]
    fn what_is_none_of_the_three_is_refused() {
        for bad in [
            "",
            "-1",
            "nan",
            "inf",
            "1e9",
            "14:5",
            "24:00",
            "14:60",
            "14:05:60",
            "14:05:30:00",
            "14:05+8",
            "14:05+24:00",
            "14:05z1",
            ":",
            "14:05 ",
            "１４:05",
            "2026-11-22",
            "noon",
            "2026-11-22T14:05Z",
            "2026-13-22T14:05:00Z",
            "2026-11-22T14:05:00",
        ] {
            assert!(bad.parse::<Point>().is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_times_and_moments_say_the_same() {
        let first = begins("2026-11-22T13:59:30.250Z");
        let there = "2026-11-22T14:05:00.000Z";
        for from in [
            "329.75",
            "14:05",
            "14:05:00",
            "14:05Z",
            "22:05+08:00",
            "09:05-05:00",
            "2026-11-22T14:05:00Z",
            "2026-11-22T22:05:00+08:00",
        ] {
            let (begin, end) = wanted(from, "14:06", first);
            assert_eq!(
                (&*begin, &*end),
                (there, "2026-11-22T14:06:00.000Z"),
                "{from}"
            );
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_one_and_the_minute_of_the_beginning_is_the_beginning() {
        let first = begins("2026-11-22T23:50:30Z");
        let (begin, end) = wanted("23:50", "00:10", first);
        assert_eq!(begin, "2026-11-22T23:50:00.000Z", "that minute has begun");
        assert_eq!(end, "2026-11-23T00:10:00.000Z");
        assert_eq!(
            wanted("23:50:29", "5000000", first).0,
            "2026-11-23T23:50:29.000Z"
        );
        assert_eq!(
            wanted("00:05", "23:00", first).1,
            "2026-11-23T23:00:00.000Z"
        );
        let mut span = Span::of(&point("23:50"), None, first).unwrap();
        assert_eq!(span.lies(first), Lies::Within);
    }

    #[test]
    fn moments_lie_before_within_and_behind() {
        let first = begins("2026-11-22T12:00:00Z");
        let mut span = Span::of(&point("12:01"), Some(&point("90")), first).unwrap();
        let at = |s: u64| {
            let later = Duration::from_secs(s);
            Now {
                mono: first.mono + later,
                utc: first.utc + later,
            }
        };
        assert!(
            span.missed(at(59))
                .unwrap()
                .text
                .contains("from 2026-11-22T12:00:00.000Z to ")
        );
        assert_eq!(span.lies(at(59)), Lies::Before);
        assert_eq!(span.lies(at(60)), Lies::Within);
        assert!(span.missed(at(70)).is_none());
        // UTC steps back: what has begun goes on.
        assert_eq!(
            span.lies(Now {
                mono: at(61).mono,
                ..first
            }),
            Lies::Within
        );
        assert_eq!(span.lies(at(90)), Lies::Within);
        assert_eq!(span.lies(at(91)), Lies::Behind);
    }

    #[test]
    fn a_span_in_which_nothing_lies_is_refused() {
        let first = begins("2026-11-22T12:00:00Z");
        let code = |from, to| {
            Span::of(&point(from), Some(&point(to)), first)
                .unwrap_err()
                .code
        };
        assert_eq!(code("2026-11-22T12:01:00Z", "30"), "to-not-later");
        assert_eq!(code("12:01", "12:01"), "to-not-later");
        assert_eq!(code("0", "2026-11-22T11:00:00Z"), "to-before");
        assert!(is_backwards(&point("9"), &point("9")));
        assert!(is_backwards(
            &point("2026-11-22T12:00:00Z"),
            &point("2026-11-22T11:00:00Z")
        ));
        assert!(!is_backwards(&point("23:00"), &point("01:00")));
    }
}
