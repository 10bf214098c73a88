//! How demand goes up and down over the day: shares of it by the clock on the wall.
//!
//! The clock is that of the site, a fixed offset from UTC. The list says from when on which share of
//! `vehicles-per-hour` comes, each day alike; before its first hour holds the last of the day before. Not here:
//! steps that count from the start of the unit ([`super::demand`]).

use std::time::Duration;

use serde::Deserialize;

/// Shares of a demand over the day, each from a later minute on than the one before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "Vec<HourTable>")]
pub struct Day(Vec<Hour>);

/// From a minute of the day on a share of the demand comes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hour {
    from_min: u32,
    share: f64,
}

/// The same as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HourTable {
    /// As `07:30`.
    from: String,
    share: f64,
}

/// Hours that are none. Refused while they are read, so that the line can be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum NoHour {
    /// No time of the day.
    #[error("{0:?} is no time of the day: two digits, a colon, two digits, from 00:00 to 23:59")]
    Time(String),
    /// No share.
    #[error("the share {share} from {from} on is not a number from 0 to 1")]
    Share {
        /// From when on.
        from: String,
        /// What stands there.
        share: f64,
    },
    /// It begins no later than the one before it.
    #[error("the share from {0} on stands after one that begins no earlier")]
    Order(String),
}

impl TryFrom<Vec<HourTable>> for Day {
    type Error = NoHour;

    fn try_from(tables: Vec<HourTable>) -> Result<Self, NoHour> {
        let mut hours: Vec<Hour> = Vec::with_capacity(tables.len());
        for HourTable { from, share } in tables {
            let Some(from_min) = minute_of_day(&from) else {
                return Err(NoHour::Time(from));
            };
            if !(0.0..=1.0).contains(&share) {
                return Err(NoHour::Share { from, share });
            }
            if hours.last().is_some_and(|last| last.from_min >= from_min) {
                return Err(NoHour::Order(from));
            }
            hours.push(Hour { from_min, share });
        }
        Ok(Self(hours))
    }
}

impl Day {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The share at a moment and each that follows within `span`: after which time, and how much. `local_ms` is
    /// the moment by the clock on the wall, in milliseconds from any midnight.
    pub(super) fn shares(&self, local_ms: i64, span: Duration) -> Vec<(Duration, f64)> {
        let since_midnight = Duration::from_millis(local_ms.rem_euclid(DAY_MS).unsigned_abs());
        let Some(last) = self.0.last() else {
            return Vec::new();
        };
        let begins = |hour: &Hour| Duration::from_secs(60 * u64::from(hour.from_min));
        let now = self.0.iter().rfind(|hour| begins(hour) <= since_midnight);
        let mut shares = vec![(Duration::ZERO, now.unwrap_or(last).share)];
        for day in 0.. {
            for hour in &self.0 {
                let at = begins(hour) + DAY * day;
                if at > since_midnight + span {
                    return shares;
                }
                if at > since_midnight {
                    shares.push((at - since_midnight, hour.share));
                }
            }
        }
        shares
    }
}

/// `07:30` as minutes from midnight.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u32> = text.parse().ok().filter(|_| digits);
        number.filter(|number| *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        day: Day,
    }

    fn read(day: &str) -> Result<Day, String> {
        let file = toml::from_str::<File>(&format!("day = {day}"));
        file.map(|file| file.day)
            .map_err(|refused| refused.to_string())
    }

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn shares_follow_the_clock_over_midnight_from_any_moment() {
        let day = read("[{ from = '06:30', share = 0.5 }, { from = '22:00', share = 0.1 }]");
        let day = day.expect("a day");
        let hours = |hours: f64| Duration::from_secs_f64(hours * 3600.0);
        let span = hours(24.0);
        let from_four = day.shares(4 * HOUR_MS, span);
        assert_eq!(
            from_four,
            [(hours(0.0), 0.1), (hours(2.5), 0.5), (hours(18.0), 0.1)]
        );
        // A day and a half before the midnight that is counted from is noon.
        let from_noon = day.shares(-36 * HOUR_MS, span);
        assert_eq!(
            from_noon,
            [(hours(0.0), 0.5), (hours(10.0), 0.1), (hours(18.5), 0.5)]
        );
        let at_the_change = day.shares(22 * HOUR_MS, hours(1.0));
        assert_eq!(at_the_change, [(hours(0.0), 0.1)]);
        assert_eq!(day.shares(0, hours(240.0)).len(), 1 + 2 * 10);
    }

    #[test]
    fn what_is_no_hour_is_refused_with_the_reason() {
        let hour = |from: &str, share: &str| format!("{{ from = '{from}', share = {share} }}");
        for (hours, reason) in [
            (hour("24:00", "0.5"), "no time of the day"),
            (hour("7:00", "0.5"), "no time of the day"),
            (hour("07:60", "0.5"), "no time of the day"),
            (hour("+7:00", "0.5"), "no time of the day"),
            (hour("0700", "0.5"), "no time of the day"),
            (hour("07:00", "1.5"), "the share 1.5 from 07:00"),
            (hour("07:00", "nan"), "the share NaN from 07:00"),
            (
                format!("{}, {}", hour("08:00", "1"), hour("07:00", "1")),
                "the share from 07:00 on stands after",
            ),
        ] {
            let refused = read(&format!("[{hours}]")).expect_err(&hours);
            assert!(refused.contains(reason), "{hours}: {refused}");
        }
        assert!(read("[]").expect("none").is_empty());
    }
}
