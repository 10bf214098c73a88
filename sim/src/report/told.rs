//! What happened on the road and what was told of it, for the report: events by RSI, warnings, red lights run,
//! conflicts.
//!
//! Each with its own line, as a person looks into a run by what went wrong in it. Times are seconds of the
//! world. Not here: the criteria ([`crate::judge::verdict`]), and the figures over all of them.

use std::fmt::Write;

use rsu::clock::Mono;
use serde::Serialize;

use super::plot::escape;
use crate::judge::Judge;
use crate::plane::Point;

/// Everything of one run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToldOf {
    /// What happened on the road, with what RSI told of it.
    pub happenings: Vec<Happened>,
    /// Types of RSI of nothing, and when each was raised.
    pub false_events: Vec<(u16, f64)>,
    /// What the unit warned of.
    pub warnings: Vec<Warned>,
    /// Drivers who passed a red light.
    pub red_runners: Vec<Ran>,
    /// Who was about to be run into.
    pub conflicts: Vec<Met>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Happened {
    /// What it was, by GB/T 29100-2012.
    pub event_type: u16,
    /// Since when it might be told.
    pub since_s: f64,
    /// Since when it was so without doubt.
    pub sure_s: Option<f64>,
    /// Until when; None: it lasted on.
    pub until_s: Option<f64>,
    /// Where it was last, east and north of the origin.
    pub place_m: (f64, f64),
    /// Its first RSI.
    pub first_told_s: Option<f64>,
    /// Its last.
    pub last_told_s: Option<f64>,
    /// From when it was without doubt to its first RSI.
    pub delay_s: Option<f64>,
    /// From its end to its last RSI that did not take it back.
    pub told_after_end_s: Option<f64>,
}

/// Something that was warned of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Warned {
    /// Of what.
    pub kind: &'static str,
    /// When the warning began.
    pub since_s: f64,
    /// For so long after.
    pub in_s: f64,
    /// How likely it was taken to be.
    pub probability: f64,
    /// Who they were; None: nobody.
    pub bodies: [Option<u32>; 2],
    /// Whether it was right; None: the run ended before that was known.
    pub right: Option<bool>,
}

/// Somebody who passed a red light.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ran {
    /// When.
    pub at_s: f64,
    /// Who.
    pub body: u32,
    /// So long after the beginning of red.
    pub into_red_s: f64,
    /// So long before it was warned of; 0: never.
    pub warned_s: f64,
}

/// One conflict.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Met {
    /// When the two would have touched.
    pub at_s: f64,
    /// East and north of the origin.
    pub place_m: (f64, f64),
    /// The vehicle, and whom it would have run into.
    pub bodies: [u32; 2],
    /// Something stood between them three seconds before.
    pub hidden: bool,
    /// So long before that both had been shown.
    pub shown_s: f64,
    /// So long before that they were warned of; 0: never.
    pub warned_s: f64,
}

impl ToldOf {
    /// What a judge has found.
    pub fn of(judge: &Judge) -> Self {
        let after_s = |at: Mono| at.seconds_after(Mono::ZERO);
        let at_m = |place: Point| (place.east_m, place.north_m);
        let (events, warnings) = (&judge.events, &judge.warnings);
        let happenings = events.told.iter().map(|told| Happened {
            event_type: told.what.event_type,
            since_s: after_s(told.what.since),
            sure_s: told.what.sure.map(after_s),
            until_s: told.what.until.map(after_s),
            place_m: at_m(told.what.place),
            first_told_s: told.first.map(after_s),
            last_told_s: told.last.map(after_s),
            delay_s: told.delay_s(),
            told_after_end_s: told.after_end_s(),
        });
        let warned = warnings.told.iter().map(|told| Warned {
            kind: told.kind.name(),
            since_s: after_s(told.since),
            in_s: told.at.seconds_after(told.since),
            probability: told.probability,
            bodies: told.bodies,
            right: told.right,
        });
        let ran = warnings.runners.iter().map(|one| Ran {
            at_s: after_s(one.at),
            body: one.body,
            into_red_s: one.into_red_s,
            warned_s: one.lead_s,
        });
        let met = judge.conflicts.found.iter().map(|one| Met {
            at_s: after_s(one.at),
            place_m: at_m(one.place),
            bodies: one.bodies,
            hidden: one.hidden,
            shown_s: one.shown_s,
            warned_s: one.warned_s,
        });
        Self {
            happenings: happenings.collect(),
            false_events: false_events(judge),
            warnings: warned.collect(),
            red_runners: ran.collect(),
            conflicts: met.collect(),
        }
    }

    /// As sections of the page; what there was nothing of has none.
    pub(crate) fn write(&self, page: &mut String) {
        let rows = self.happenings.iter().map(|one| {
            [
                one.event_type.to_string(),
                seconds(Some(one.since_s)),
                seconds(one.until_s),
                place(one.place_m),
                one.first_told_s
                    .map_or_else(|| "never".to_owned(), |at_s| seconds(Some(at_s))),
                seconds(one.delay_s),
                seconds(one.told_after_end_s),
            ]
        });
        let wrong = self.false_events.iter().map(|&(code, at_s)| {
            let mut cells = [const { String::new() }; 7];
            cells[0] = code.to_string();
            cells[3] = "nothing happened".to_owned();
            cells[4] = seconds(Some(at_s));
            cells
        });
        table(
            page,
            "Events and RSI",
            "Types by GB/T 29100-2012. The delay counts from when the event is so without doubt.",
            [
                "type",
                "since",
                "until",
                "place",
                "told",
                "delay",
                "told after the end",
            ],
            &rows.chain(wrong).collect::<Vec<_>>(),
        );
        let rows = self.warnings.iter().map(|one| {
            [
                seconds(Some(one.since_s)),
                escape(one.kind),
                one.bodies.map(who).join(", "),
                seconds(Some(one.in_s)),
                format!("{:.0} %", one.probability * 100.0),
                match one.right {
                    Some(true) => "right",
                    Some(false) => "<span class='fail'>of nothing</span>",
                    None => "not known",
                }
                .to_owned(),
            ]
        });
        table(
            page,
            "Warnings",
            "",
            ["at", "of", "who", "in", "likely by", "was"],
            &rows.collect::<Vec<_>>(),
        );
        let rows = self.red_runners.iter().map(|one| {
            [
                seconds(Some(one.at_s)),
                one.body.to_string(),
                seconds(Some(one.into_red_s)),
                lead(one.warned_s),
            ]
        });
        table(
            page,
            "Red lights run",
            "",
            ["at", "who", "into red", "warned of before"],
            &rows.collect::<Vec<_>>(),
        );
        let rows = self.conflicts.iter().map(|one| {
            let [first, second] = one.bodies;
            [
                seconds(Some(one.at_s)),
                format!("{first}, {second}"),
                place(one.place_m),
                if one.hidden { "yes" } else { "" }.to_owned(),
                seconds(Some(one.shown_s)),
                lead(one.warned_s),
            ]
        });
        table(
            page,
            "Conflicts",
            "A vehicle and somebody whom it was about to run into.",
            [
                "at",
                "who",
                "place",
                "hidden",
                "shown before",
                "warned of before",
            ],
            &rows.collect::<Vec<_>>(),
        );
    }
}

/// Types of RSI of nothing, and the second of the world in which each was raised.
pub(crate) fn false_events(judge: &Judge) -> Vec<(u16, f64)> {
    let raised = judge.events.false_events.iter();
    raised
        .map(|&(code, at)| (code, at.seconds_after(Mono::ZERO)))
        .collect()
}

/// A section, unless there are no rows.
fn table<const N: usize>(
    page: &mut String,
    title: &str,
    note: &str,
    heads: [&str; N],
    rows: &[[String; N]],
) {
    if rows.is_empty() {
        return;
    }
    let heads = heads.join("<th>");
    let _ = write!(
        page,
        "<section><h2>{title}</h2><p class='fine'>{note}</p><table><tr><th>{heads}</tr>"
    );
    for row in rows.iter().take(MOST_ROWS) {
        let _ = write!(
            page,
            "<tr><td class='n'>{}</tr>",
            row.join("<td class='n'>")
        );
    }
    page.push_str("</table>");
    if let Some(more) = rows.len().checked_sub(MOST_ROWS + 1) {
        let _ = write!(
            page,
            "<p class='fine'>{} more in report.json.</p>",
            more + 1
        );
    }
    page.push_str("</section>");
}

fn seconds(value_s: Option<f64>) -> String {
    value_s.map_or_else(String::new, |value_s| format!("{value_s:.1} s"))
}

fn lead(warned_s: f64) -> String {
    if warned_s > 0.0 {
        format!("{warned_s:.2} s")
    } else {
        "never".to_owned()
    }
}

fn place((east_m, north_m): (f64, f64)) -> String {
    format!("{east_m:.0} m east, {north_m:.0} m north")
}

fn who(body: Option<u32>) -> String {
    body.map_or_else(|| "nobody".to_owned(), |id| id.to_string())
}

/// More are for programs: `report.json` has them.
const MOST_ROWS: usize = 200;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::report::{Report, page};
    use crate::run::{Outcome, run};
    use crate::scenario::Scenario;

    fn outcome(name: &str, seconds: u64, change: impl Fn(&mut Scenario)) -> Outcome {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
        let mut scenario = Scenario::load(&Path::new(folder).join(name)).expect("a scenario");
        scenario.file.settle_s = 0;
        change(&mut scenario);
        run(&scenario, 1, Some(Duration::from_secs(seconds))).expect("a run")
    }

    #[test]
    fn what_happened_and_what_was_told_of_it_is_in_both_files() {
        // Dogs that come at once.
        let outcome = outcome("ambulance-and-animals.toml", 30, |scenario| {
            scenario.file.traffic_s = 20;
            scenario
                .file
                .user
                .iter_mut()
                .for_each(|user| user.from_s = 5.0);
        });
        let report = Report::of(&outcome);
        assert!(
            report
                .told
                .happenings
                .iter()
                .any(|one| one.delay_s.is_some())
        );
        let events = &outcome.judge.events;
        assert!(!events.told.is_empty(), "nothing happened");
        assert_eq!(report.told.happenings.len(), events.told.len());
        for (one, told) in report.told.happenings.iter().zip(&events.told) {
            assert_eq!(one.delay_s, told.delay_s());
            assert_eq!(one.told_after_end_s, told.after_end_s());
            assert!((one.place_m.0 - told.what.place.east_m).abs() < 1e-12);
        }
        let json = serde_json::to_value(&report).expect("JSON");
        for key in [
            "happenings",
            "false-events",
            "warnings",
            "red-runners",
            "conflicts",
        ] {
            assert!(json[key].is_array(), "no {key}");
        }
        let html = page::page(&outcome, &report);
        assert!(html.contains("<h2>Events and RSI</h2>"));
        assert!(!html.contains("<h2>Red lights run</h2>"), "none was run");
    }

    #[test]
    fn a_red_runner_and_the_air_are_on_the_page() {
        let outcome = outcome("moyu-green-advice.toml", 20, |scenario| {
            scenario.file.traffic_s = 60;
        });
        let mut report = Report::of(&outcome);
        report.told.red_runners.push(Ran {
            at_s: 12.5,
            body: 7,
            into_red_s: 1.5,
            warned_s: 0.0,
        });
        let html = page::page(&outcome, &report);
        let row =
            "<tr><td class='n'>12.5 s<td class='n'>7<td class='n'>1.5 s<td class='n'>never</tr>";
        assert!(html.contains(row), "no {row}");
        assert!(html.contains("Delivery by distance") && html.contains("age of SPAT on board"));
        let what = report.distributions.iter().map(|one| one.what);
        let what: Vec<&str> = what.collect();
        for one in ["delay of buses", "stands of buses, but for their stop"] {
            assert!(what.contains(&one), "{what:?}");
        }
    }

    #[test]
    fn of_very_many_the_page_shows_the_first_and_says_so() {
        let rows = |count: usize| (0..count).map(|n| [n.to_string()]).collect::<Vec<_>>();
        let mut page = String::new();
        table(&mut page, "All", "", ["n"], &rows(MOST_ROWS));
        assert!(!page.contains("more in report.json"));
        table(&mut page, "All", "", ["n"], &rows(MOST_ROWS + 3));
        assert!(page.contains("3 more in report.json"), "{page}");
    }
}
