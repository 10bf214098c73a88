//! How good each detector is over many runs: of what happened, what was told, and how soon.
//!
//! One row for each type of event: recall is the share of what happened for long enough that was told;
//! precision the share of what was told that had happened, each raising of nothing counted. Not here: what
//! belongs to what ([`super::events`]).

use std::collections::BTreeMap;

use super::events::EventJudge;
use super::samples::Samples;

/// All that was found of one type of event.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Happenings that lasted for long enough.
    pub happened: u64,
    /// Of these, told.
    pub told: u64,
    /// Happenings that were told, however short.
    pub told_at_all: u64,
    /// Told of nothing.
    pub of_nothing: u64,
    /// From when it is without doubt to the first RSI.
    pub delay_s: Samples,
    /// From the end to the last RSI that does not take it back.
    pub cancel_s: Samples,
    /// How far off it was told.
    pub position_m: Samples,
}

impl Row {
    /// Share of what was told that had happened; None if nothing was told.
    pub fn precision(&self) -> Option<f64> {
        share(self.told_at_all, self.told_at_all + self.of_nothing)
    }

    /// Share of what happened that was told; None if nothing happened.
    pub fn recall(&self) -> Option<f64> {
        share(self.told, self.happened)
    }
}

/// Adds up runs: by type of event.
pub fn rows<'j>(judges: impl Iterator<Item = &'j EventJudge>, lasts_s: f64) -> BTreeMap<u16, Row> {
    let mut rows: BTreeMap<u16, Row> = BTreeMap::new();
    for judge in judges {
        for told in judge.counted() {
            let row = rows.entry(told.what.event_type).or_default();
            let long = judge.lasts(told, lasts_s);
            row.happened += u64::from(long);
            if told.first.is_none() {
                continue;
            }
            row.told += u64::from(long);
            row.told_at_all += 1;
            if let Some(delay_s) = told.delay_s() {
                row.delay_s.add(delay_s);
            }
            if let (Some(last), Some(until)) = (told.last, told.what.until) {
                row.cancel_s.add(last.seconds_after(until).max(0.0));
            }
        }
        for (code, _) in &judge.false_events {
            rows.entry(*code).or_default().of_nothing += 1;
        }
        for (code, off_m) in &judge.position_by_type {
            let row = rows.entry(*code).or_default();
            row.position_m.add_all(off_m);
        }
    }
    rows
}

/// For a terminal; empty where there is nothing to tell.
pub fn table(rows: &BTreeMap<u16, Row>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "event  happened  told  of nothing  precision  recall  delay mean, most   position 95 %  taken back, most\n",
    );
    let or_none = |value: Option<f64>, unit: &str| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}{unit}"))
    };
    for (code, row) in rows {
        let delay = format!(
            "{}, {}",
            or_none(row.delay_s.mean(), " s"),
            or_none(row.delay_s.quantile(1.0), " s")
        );
        text.push_str(&format!(
            "{code:<6} {:>8} {:>5} {:>11} {:>10} {:>7}  {delay:<17} {:>14} {:>17}\n",
            row.happened,
            row.told,
            row.of_nothing,
            or_none(row.precision(), ""),
            or_none(row.recall(), ""),
            or_none(row.position_m.quantile(0.95), " m"),
            or_none(row.cancel_s.quantile(1.0), " s"),
        ));
    }
    text
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_not_told() {
        let row = Row {
            of_nothing: 1,
            ..Row::default()
        };
        assert_eq!((row.precision(), row.recall()), (Some(0.0), None));
        let text = table(&BTreeMap::from([(904, row)]));
        let last = text.lines().last().expect("a row");
        assert!(last.starts_with("904") && last.contains(" 0.00 "), "{text}");
        assert_eq!(table(&BTreeMap::new()), "");
    }

    #[test]
    fn precision_counts_what_was_told_of_nothing_and_recall_what_was_not_told() {
        let row = Row {
            happened: 4,
            told: 3,
            told_at_all: 3,
            of_nothing: 1,
            ..Row::default()
        };
        assert_eq!((row.precision(), row.recall()), (Some(0.75), Some(0.75)));
    }
}
