//! Dates as ISO 8601 writes them: `2021-12-18T07:20:51.683Z`, with or without an offset.

use v2x_msg::base::{Civil, Utc};

/// Unix time in ms; a date without `Z` or an offset is taken for UTC.
pub(in crate::inputs) fn unix_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let mut date = date.split('-').map(whole);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, zone) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, "Z"),
    };
    let mut clock = clock.split(':');
    let (hour, minute) = (whole(clock.next()?)?, whole(clock.next()?)?);
    let (second, fraction) = match clock.next()?.split_once('.') {
        Some((second, fraction)) => (whole(second)?, fraction),
        None => (whole(text.get(17..19)?)?, ""),
    };
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    // Unix time has no leap second: it is told as the second after it, and lasts two.
    let leap = u32::from(second == 60);
    let utc = Utc::from_civil(Civil {
        year: i32::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: u8::try_from(hour).ok()?,
        minute: u8::try_from(minute).ok()?,
        second: u8::try_from(second - leap).ok()?,
        nanosecond: whole(&digits)? * 1_000_000,
    })?;
    let ms = utc.unix_ns() / 1_000_000 - offset_ms(zone)? + i64::from(leap) * 1000;
    // One is put in at midnight UTC alone.
    (leap == 0 || ms.rem_euclid(86_400_000) < 1000).then_some(ms)
}

fn offset_ms(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'+' => 1,
        _ => -1,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (whole(&digits)?, 0),
        4 => (whole(digits.get(..2)?)?, whole(digits.get(2..)?)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes) * 60_000)
}

fn whole(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read() {
        let expected = Some(1_639_812_051_683);
        for text in [
            "2021-12-18T07:20:51.683Z",
            "2021-12-18T15:20:51.683+08:00",
            "2021-12-18T15:20:51.683999+0800",
            "2021-12-18 07:20:51.683",
        ] {
            assert_eq!(unix_ms(text), expected, "{text}");
        }
        assert_eq!(unix_ms("2021-12-18T07:20:51Z"), Some(1_639_812_051_000));
        for text in [
            "",
            "2021-13-18T07:20:51Z",
            "2021-12-18T07:20",
            "2021-12-18T25:20:51Z",
            "x",
        ] {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_the_second_after_it_and_comes_at_midnight_utc_alone() {
        let midnight = unix_ms("2017-01-01T00:00:00Z");
        for text in ["2016-12-31T23:59:60Z", "2017-01-01T07:59:60+08:00"] {
            assert_eq!(unix_ms(text), midnight, "{text}");
        }
        assert_eq!(
            unix_ms("2016-12-31T23:59:60.250Z"),
            midnight.map(|ms| ms + 250)
        );
        for text in [
            "2016-12-31T23:58:60Z",
            "2016-12-31T12:59:60Z",
            "2016-12-31T23:59:60+08:00",
            "2016-12-31T23:59:61Z",
        ] {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_does_no_harm(text in "\\PC{0,40}") {
            unix_ms(&text);
        }

        #[test]
        fn what_looks_like_a_date_does_no_harm(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{0,14}[Z+-]?[0-9:]{0,5}") {
            unix_ms(&text);
        }
    }
}
