//! A site's file on another day: what it plans from one moment to another is as long after the start of the
//! unit as in the scenario.
//!
//! UTC of a live run is this machine's, and works that are planned for the scenario's day would have long
//! been over. Days of the week and hours of the day stay as they are: they are meant by the clock on the
//! wall.

use anyhow::{Context, Result};
use rsu::clock::Utc;
use rsu::site::timetable::local_moment;
use toml::{Table, Value};
use v2x_msg::base::Civil;

/// The text of a site's file in which `then` is `now`.
pub fn moved(site: &str, then: Utc, now: Utc) -> Result<String> {
    let mut table: Table = site.parse()?;
    let mut any = false;
    let lists = POSTED
        .iter()
        .filter_map(|key| Some((*key, table.remove(*key)?)));
    let lists: Vec<(&str, Value)> = lists.collect();
    for (key, mut list) in lists {
        let posted = list.as_array_mut().into_iter().flatten();
        for one in posted.filter_map(Value::as_table_mut) {
            for bound in ["from", "until"] {
                if let Some(Value::String(text)) = one.get_mut(bound) {
                    *text = on_the_day(text, then, now)
                        .with_context(|| format!("{key}: {bound} = {text:?} is no moment"))?;
                    any = true;
                }
            }
        }
        table.insert(key.to_owned(), list);
    }
    // As people wrote it, with all their comments, where it may stay so.
    Ok(if any {
        toml::to_string(&table)?
    } else {
        site.to_owned()
    })
}

/// A moment by the clock on the wall; how far that is from UTC does not matter here.
fn on_the_day(text: &str, then: Utc, now: Utc) -> Option<String> {
    let planned = local_moment(text, 0)?;
    let ns = planned.unix_ns() + now.ns_since(then);
    // Such moments have whole seconds.
    let nearest = Utc::from_unix_ns(ns + SECOND_NS / 2);
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = nearest.civil();
    Some(format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    ))
}

/// What a site's file has that holds for a time.
const POSTED: [&str; 2] = ["event", "sign"];
const SECOND_NS: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_as_long_after_the_start_as_on_their_own_day() {
        let text = include_str!("../../../configs/sites/lingang-workzone.toml");
        let utc = |text: &str| local_moment(text, 0).expect("a moment");
        let (then, now) = (utc("2026-03-20 08:00"), utc("2027-01-01 00:00:11"));
        let moved = moved(text, then, now).expect("a site");
        let site = |text: &str| rsu::site::Site::parse(text, "site.toml").expect("a site");
        let (own, other) = (site(text), site(&moved));
        for (own, other) in own.events.iter().zip(&other.events) {
            let (planned, today) = (
                own.when.from.expect("a plan"),
                other.when.from.expect("too"),
            );
            assert_eq!(planned.ns_since(then), today.ns_since(now));
        }
        assert_eq!(own.events.len(), other.events.len());
        assert_eq!(own.signs.len(), other.signs.len());
        let until = |site: &rsu::site::Site| site.signs[0].when.until;
        let planned = until(&own).expect("a plan").ns_since(then);
        assert_eq!(until(&other).expect("too").ns_since(now), planned);
    }

    #[test]
    fn a_site_without_plans_stays_as_it_was_written() {
        let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
        let now = Utc::from_unix_ns(0);
        assert_eq!(moved(text, now, now).expect("a site"), text);
    }
}
