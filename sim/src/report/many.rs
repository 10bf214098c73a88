//! What came of a scenario by many seeds, as files: every criterion, every detector, and which seed failed by
//! what. Each run has a report of its own in a folder within.
//!
//! Not here: the runs ([`crate::many`]) and how they add up ([`crate::sweep`], [`crate::judge::detectors`]).

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::page::{STYLE, expected};
use super::plot::escape;
use super::{Distribution, distribution, write_files};
use crate::judge::detectors::Detectors;
use crate::judge::verdict::{Limit, Verdict, number};
use crate::many::OneOfMany;
use crate::sweep::{Spread, spreads};

/// All runs in numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManyReport<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// Its one line.
    pub summary: &'a str,
    /// The junctions are made up.
    pub synthetic: bool,
    /// Why it was expected not to pass.
    pub expected_to_fail: Option<&'a str>,
    /// Runs that pass.
    pub passed: usize,
    /// The judges counted for so many hours, all runs and junctions together.
    pub judged_h: f64,
    /// Each junction; of a network the whole last.
    pub parts: Vec<PartOfMany<'a>>,
    /// Each detector, all runs and junctions together.
    pub detectors: Vec<DetectorFigures>,
    /// Each run.
    pub runs: Vec<RunFigures<'a>>,
    /// What `detectors` was made of.
    #[serde(skip)]
    pub all: Detectors,
}

/// One junction over all runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartOfMany<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its criteria.
    pub criteria: Vec<Spread>,
}

/// How good one detector is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DetectorFigures {
    /// What it tells, by GB/T 29100-2012.
    pub event_type: u16,
    /// Happenings that lasted for long enough.
    pub happened: u64,
    /// Of these, told.
    pub told: u64,
    /// Told of nothing.
    pub of_nothing: u64,
    /// The same for each hour of one junction.
    pub of_nothing_per_hour: Option<f64>,
    /// Share of what was told that had happened; None if nothing was told.
    pub precision: Option<f64>,
    /// Share of what happened that was told; None if nothing happened.
    pub recall: Option<f64>,
    /// Share of the RSI about what lasted that told of it too far off to belong to it.
    pub astray: Option<f64>,
    /// Share of the RSI about what lasted that said, rightly, that its end is not seen.
    pub end_unseen: Option<f64>,
    /// From when it was without doubt to its first RSI, from its end to its last RSI that did not take it back,
    /// and how far off it was told.
    pub distributions: [Distribution; 3],
}

/// One run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunFigures<'a> {
    /// By which chance.
    pub seed: u64,
    /// Whether every criterion holds.
    pub pass: bool,
    /// The judge counted for so long.
    pub counted_s: f64,
    /// What does not hold.
    pub failed: Vec<Failed<'a>>,
    /// Types of RSI of nothing, and the second of the world in which each was raised.
    pub false_events: Vec<(u16, f64)>,
}

/// A criterion that does not hold.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failed<'a> {
    /// At which junction.
    pub part: &'a str,
    /// Which.
    #[serde(flatten)]
    pub verdict: &'a Verdict,
}

impl<'a> ManyReport<'a> {
    /// The numbers of all runs; `names` are those of their parts.
    pub fn of(
        scenario: &'a str,
        summary: &'a str,
        synthetic: bool,
        expected_to_fail: Option<&'a str>,
        names: &[&'a str],
        runs: &'a [OneOfMany],
    ) -> Self {
        let mut all = Detectors::default();
        runs.iter().for_each(|run| all.add_all(&run.detectors));
        let parts = names.iter().enumerate().map(|(i, &name)| {
            let judged = runs.iter().filter_map(|run| run.parts.get(i));
            let judged: Vec<&[Verdict]> = judged.map(|part| part.verdicts.as_slice()).collect();
            PartOfMany {
                name,
                criteria: spreads(&judged),
            }
        });
        Self {
            scenario,
            summary,
            synthetic,
            expected_to_fail,
            passed: runs.iter().filter(|run| run.passes).count(),
            judged_h: all.judged_s / 3600.0,
            parts: parts.collect(),
            detectors: figures(&all),
            runs: runs.iter().map(|run| RunFigures::of(names, run)).collect(),
            all,
        }
    }

    /// Writes `report.json` and `report.html` into `folder`, which is made if need be.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_files(folder, self, &self.page())
    }

    fn page(&self) -> String {
        let mut page = String::new();
        let count = self.runs.len();
        let word = if self.passed == count { "pass" } else { "fail" };
        let synthetic = if self.synthetic {
            "<p><b class='synthetic'>synthetic: what it runs on is made up</b></p>"
        } else {
            ""
        };
        let _ = write!(
            page,
            "<!doctype html><html lang='en'><meta charset='utf-8'>\
             <meta name='viewport' content='width=device-width'>\
             <title>{name}, {count} seeds</title><style>{STYLE}</style>\
             <header><h1>{name} <small>{count} seeds</small> \
             <span class='{word}'>{} of {count} pass</span></h1>\
             <p>{}</p>{synthetic}{}\
             <p class='fine'>The judges counted for {:.2} hours of one junction.</p></header>",
            self.passed,
            escape(self.summary),
            expected(self.expected_to_fail),
            self.judged_h,
            name = escape(self.scenario),
        );
        self.write_detectors(&mut page);
        for part in &self.parts {
            write_criteria(&mut page, part, count);
        }
        self.write_runs(&mut page);
        page.push_str("</html>");
        page
    }

    fn write_detectors(&self, page: &mut String) {
        if self.detectors.is_empty() {
            return;
        }
        page.push_str(
            "<section><h2>Detectors</h2><p class='fine'>Types by GB/T 29100-2012. Precision: of what was told, the \
             share that had happened. Recall: of what happened for long enough, the share that was told. The delay \
             counts from when it was so without doubt.</p><table><tr><th>type<th>happened<th>told<th>of nothing\
             <th>an hour<th>precision<th>recall<th>delay p50<th>p95<th>longest<th>off, 95 %<th>astray<th>end unseen<th>told after the end\
             </tr>",
        );
        for one in &self.detectors {
            let [delay, after, off] = &one.distributions;
            let _ = write!(
                page,
                "<tr><td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}\
                 <td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}\
                 <td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}</tr>",
                one.event_type,
                one.happened,
                one.told,
                one.of_nothing,
                plain(one.of_nothing_per_hour, ""),
                plain(one.precision, ""),
                plain(one.recall, ""),
                plain(delay.p50, " s"),
                plain(delay.p95, " s"),
                plain(delay.max, " s"),
                plain(off.p95, " m"),
                plain(one.astray, ""),
                plain(one.end_unseen, ""),
                plain(after.max, " s"),
            );
        }
        page.push_str("</table></section>");
    }

    fn write_runs(&self, page: &mut String) {
        page.push_str("<section><h2>Runs</h2><table><tr><th>seed<th><th>missed criteria<th>RSI of nothing</tr>");
        for run in &self.runs {
            let failed = run.failed.iter().map(|one| {
                let value = one.verdict.value;
                let value = value.map_or_else(
                    || "nothing to measure".to_owned(),
                    |value| number(value, one.verdict.unit),
                );
                format!("{}: {value}", escape(&one.verdict.criterion))
            });
            let wrong = run.false_events.iter();
            let wrong = wrong.map(|(code, at_s)| format!("{code} at {at_s:.1} s"));
            let word = if run.pass { "pass" } else { "fail" };
            let _ = write!(
                page,
                "<tr><td class='n'><a href='{}/report.html'>{}</a><td><span class='{word}'>{word}</span>\
                 <td>{}<td>{}</tr>",
                folder_of(run.seed),
                run.seed,
                failed.collect::<Vec<_>>().join(", "),
                wrong.collect::<Vec<_>>().join(", "),
            );
        }
        page.push_str("</table></section>");
    }
}

impl<'a> RunFigures<'a> {
    fn of(names: &[&'a str], run: &'a OneOfMany) -> Self {
        let parts = names.iter().zip(&run.parts);
        let failed = parts.flat_map(|(&part, judged)| {
            let failed = judged.verdicts.iter().filter(|verdict| !verdict.pass);
            failed.map(move |verdict| Failed { part, verdict })
        });
        let parts = run.parts.iter();
        Self {
            seed: run.seed,
            pass: run.passes,
            counted_s: run.counted_s,
            failed: failed.collect(),
            false_events: parts
                .flat_map(|part| part.false_events.iter().copied())
                .collect(),
        }
    }
}

/// Where the report of one run is, within that of all.
pub(crate) fn folder_of(seed: u64) -> String {
    format!("seed-{seed}")
}

fn figures(all: &Detectors) -> Vec<DetectorFigures> {
    let rows = all.rows.iter();
    rows.map(|(&event_type, row)| DetectorFigures {
        event_type,
        happened: row.happened,
        told: row.told,
        of_nothing: row.of_nothing,
        of_nothing_per_hour: all.of_nothing_per_hour(row),
        precision: row.precision(),
        recall: row.recall(),
        astray: row.astray(),
        end_unseen: row.end_unseen(),
        distributions: [
            distribution("delay", "s", &row.delay_s),
            distribution("told after the end", "s", &row.cancel_s),
            distribution("off its place", "m", &row.position_m),
        ],
    })
    .collect()
}

fn write_criteria(page: &mut String, part: &PartOfMany<'_>, runs: usize) {
    if part.criteria.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<section><h2>{}</h2><table><tr><th>criterion<th>mean<th>95 % ±<th>worst<th>limit<th>passed</tr>",
        escape(part.name)
    );
    for spread in &part.criteria {
        let (sign, limit) = match spread.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        let told = |value: f64, unit| match spread.count {
            0 => "none".to_owned(),
            _ => number(value, unit),
        };
        let word = if spread.passed == runs {
            "pass"
        } else {
            "fail"
        };
        let _ = write!(
            page,
            "<tr><td>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{sign} {}\
             <td><span class='{word}'>{} of {runs}</span></tr>",
            escape(&spread.criterion),
            told(spread.mean, ""),
            told(spread.half_width, ""),
            told(spread.worst, spread.unit),
            number(limit, spread.unit),
            spread.passed,
        );
    }
    page.push_str("</table></section>");
}

fn plain(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(String::new, |value| format!("{value:.2}{unit}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::judge::detectors::Row;
    use crate::many::Part;

    fn run(seed: u64, late_s: f64) -> OneOfMany {
        let verdict = Verdict::new("RSI delay, longest", Some(late_s), "s", Limit::AtMost(4.0));
        let mut row = Row {
            happened: 1,
            told: 1,
            told_at_all: 1,
            of_nothing: u64::from(late_s > 4.0),
            ..Row::default()
        };
        row.delay_s.add(late_s);
        OneOfMany {
            seed,
            passes: verdict.pass,
            counted_s: 1800.0,
            parts: vec![Part {
                false_events: verdict.pass.then(Vec::new).unwrap_or(vec![(903, 12.5)]),
                verdicts: vec![verdict],
            }],
            detectors: Detectors {
                rows: BTreeMap::from([(904, row)]),
                judged_s: 1800.0,
            },
            text: String::new(),
        }
    }

    #[test]
    fn it_says_which_seed_failed_by_what() {
        let runs = [run(1, 2.0), run(2, 5.0)];
        let report = ManyReport::of("a<b", "", true, None, &["here"], &runs);
        assert_eq!((report.passed, report.judged_h), (1, 1.0));
        let row = &report.detectors[0];
        assert_eq!((row.event_type, row.recall), (904, Some(1.0)));
        assert_eq!(row.precision, Some(2.0 / 3.0));
        assert_eq!(row.of_nothing_per_hour, Some(1.0));
        assert_eq!(row.distributions[0].max, Some(5.0));
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["runs"][0]["failed"], serde_json::json!([]));
        let failed = &json["runs"][1]["failed"][0];
        assert_eq!(failed["criterion"], "RSI delay, longest");
        assert_eq!(
            (&failed["part"], &failed["value"]),
            (&"here".into(), &5.0.into())
        );
        assert_eq!(json["parts"][0]["criteria"][0]["passed"], 1);
        let page = report.page();
        for told in [
            "a&lt;b",
            "1 of 2 pass",
            "<a href='seed-2/report.html'>2</a>",
            "903 at 12.5 s",
        ] {
            assert!(page.contains(told), "no {told}");
        }
    }
}
