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
    /// RSI besides that told of it so far off that they belong to nothing.
    pub astray: u64,
    /// RSI that said of it that its end is not seen, while it went on behind what was seen.
    pub end_unseen: u64,
}

impl Row {
    /// Share of what was told that had happened; None if nothing was told.
    pub fn precision(&self) -> Option<f64> {
        share(self.told_at_all, self.told_at_all + self.of_nothing)
    }

    /// Share of the RSI about what lasted that told of it too far off to belong to it; None if there were none.
    pub fn astray(&self) -> Option<f64> {
        share(
            self.astray,
            self.astray + self.end_unseen + self.position_m.count() as u64,
        )
    }

    /// Share of the RSI about what lasted that said, rightly, that its end is not seen; None if there were none.
    pub fn end_unseen(&self) -> Option<f64> {
        let placed = self.astray + self.position_m.count() as u64;
        share(self.end_unseen, self.end_unseen + placed)
    }

    /// Share of what happened that was told; None if nothing happened.
    pub fn recall(&self) -> Option<f64> {
        share(self.told, self.happened)
    }
}

/// All detectors over all runs.
#[derive(Clone, Debug, Default)]
pub struct Detectors {
    /// By type of event.
    pub rows: BTreeMap<u16, Row>,
    /// For so long it was judged, of all runs and junctions together.
    pub judged_s: f64,
}

impl Detectors {
    /// One judge more; what happened must have lasted for so long to have been worth telling.
    pub fn add(&mut self, judge: &EventJudge, lasts_s: f64) {
        self.judged_s += judge.judged_s();
        for told in judge.counted() {
            let row = self.rows.entry(told.what.event_type).or_default();
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
            self.rows.entry(*code).or_default().of_nothing += 1;
        }
        for (code, off_m) in &judge.position_by_type {
            let row = self.rows.entry(*code).or_default();
            row.position_m.add_all(off_m);
        }
        for (code, astray) in &judge.astray_by_type {
            self.rows.entry(*code).or_default().astray += astray;
        }
        for (code, unseen) in &judge.end_unseen_by_type {
            self.rows.entry(*code).or_default().end_unseen += unseen;
        }
    }

    /// All that others have found.
    pub fn add_all(&mut self, other: &Self) {
        self.judged_s += other.judged_s;
        for (code, theirs) in &other.rows {
            let row = self.rows.entry(*code).or_default();
            row.happened += theirs.happened;
            row.told += theirs.told;
            row.told_at_all += theirs.told_at_all;
            row.of_nothing += theirs.of_nothing;
            row.delay_s.add_all(&theirs.delay_s);
            row.cancel_s.add_all(&theirs.cancel_s);
            row.position_m.add_all(&theirs.position_m);
            row.astray += theirs.astray;
            row.end_unseen += theirs.end_unseen;
        }
    }

    /// What a detector told of nothing, an hour of one junction; None if nothing was judged.
    pub fn of_nothing_per_hour(&self, row: &Row) -> Option<f64> {
        (self.judged_s > 0.0).then(|| row.of_nothing as f64 * 3600.0 / self.judged_s)
    }

    /// For a terminal; empty where there is nothing to tell.
    pub fn table(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut text = String::from(
            "event  happened  told  of nothing  an hour  precision  recall  delay p50, p95, most      position 95 %  astray  end unseen  taken back, most\n",
        );
        let or_none = |value: Option<f64>, unit: &str| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}{unit}"))
        };
        for (code, row) in &self.rows {
            let delay = [0.5, 0.95, 1.0].map(|share| or_none(row.delay_s.quantile(share), " s"));
            text.push_str(&format!(
                "{code:<6} {:>8} {:>5} {:>11} {:>8} {:>10} {:>7}  {:<25} {:>13} {:>7} {:>11} {:>17}\n",
                row.happened,
                row.told,
                row.of_nothing,
                or_none(self.of_nothing_per_hour(row), ""),
                or_none(row.precision(), ""),
                or_none(row.recall(), ""),
                delay.join(", "),
                or_none(row.position_m.quantile(0.95), " m"),
                or_none(row.astray(), ""),
                or_none(row.end_unseen(), ""),
                or_none(row.cancel_s.quantile(1.0), " s"),
            ));
        }
        text
    }
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
        let detectors = Detectors {
            rows: BTreeMap::from([(904, row)]),
            judged_s: 1800.0,
        };
        let text = detectors.table();
        let last = text.lines().last().expect("a row");
        assert!(last.starts_with("904") && last.contains(" 0.00 "), "{text}");
        assert!(last.contains(" 2.00 "), "one in half an hour: {text}");
        assert_eq!(Detectors::default().table(), "");
    }

    #[test]
    fn runs_add_up() {
        let run = |delays_s: &[f64], of_nothing| {
            let mut row = Row {
                happened: delays_s.len() as u64,
                told: delays_s.len() as u64,
                told_at_all: delays_s.len() as u64,
                of_nothing,
                ..Row::default()
            };
            delays_s
                .iter()
                .for_each(|delay_s| row.delay_s.add(*delay_s));
            Detectors {
                rows: BTreeMap::from([(903, row)]),
                judged_s: 900.0,
            }
        };
        let mut all = run(&[1.0, 2.0], 0);
        all.add_all(&run(&[3.0], 1));
        let row = &all.rows[&903];
        assert_eq!((row.happened, row.told_at_all, row.of_nothing), (3, 3, 1));
        assert_eq!(row.delay_s.quantile(0.5), Some(2.0));
        assert_eq!(row.delay_s.quantile(1.0), Some(3.0));
        assert_eq!(all.of_nothing_per_hour(row), Some(2.0));
        assert_eq!(Detectors::default().of_nothing_per_hour(row), None);
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
