//! What came of a run of a network, as files: `report.json` and `report.html` of the whole, and a
//! folder with those of each junction.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::run::NetworkOutcome;
use crate::judge::journeys::Journeys;
use crate::judge::verdict::Verdict;
use crate::report::air::OnBoard;
use crate::report::page::{STYLE, distributions, expected, verdicts};
use crate::report::plot::escape;
use crate::report::{self, Distribution, Report, distribution};

/// A run in numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkReport<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// Its one line.
    pub summary: &'a str,
    /// The junctions are made up.
    pub synthetic: bool,
    /// Chance.
    pub seed: u64,
    /// Simulated time.
    pub duration_s: f64,
    /// Whether every criterion holds, at every junction and of the whole.
    pub pass: bool,
    /// Criteria of the whole.
    pub verdicts: &'a [Verdict],
    /// Why it was expected not to pass.
    pub expected_to_fail: Option<&'a str>,
    /// Journeys that ended.
    pub journeys: u64,
    /// Junctions that they came through, in all.
    pub junctions_passed: u64,
    /// How often they stopped, in all.
    pub stops: u64,
    /// Buses that lost their line.
    pub strayed: u64,
    /// Distributions behind the criteria.
    pub distributions: Vec<Distribution>,
    /// The air and the on-board units, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_board: Option<OnBoard>,
    /// Each junction.
    pub junctions: Vec<Report<'a>>,
    /// A number that differs if any byte of any frame does.
    pub frames_hash: String,
    /// A number that differs if the world does.
    pub world_hash: String,
}

impl<'a> NetworkReport<'a> {
    /// The numbers of a run.
    pub fn of(outcome: &'a NetworkOutcome) -> Self {
        let network = &outcome.network;
        let journeys = &outcome.journeys;
        Self {
            scenario: &network.name,
            summary: &network.summary,
            synthetic: network.synthetic(),
            seed: outcome.seed,
            duration_s: outcome.duration.as_secs_f64(),
            pass: outcome.passes(),
            verdicts: &outcome.verdicts,
            expected_to_fail: network.expected_to_fail.as_deref(),
            journeys: journeys.ended,
            junctions_passed: journeys.junctions,
            stops: journeys.stops,
            strayed: journeys.strayed,
            distributions: distributions_of(outcome),
            on_board: outcome
                .on_board
                .as_ref()
                .map(|score| OnBoard::of(score, &journeys.through_stops)),
            junctions: outcome.junctions.iter().map(Report::of).collect(),
            frames_hash: format!("{:016x}", outcome.frames_hash()),
            world_hash: format!("{:016x}", outcome.world_hash()),
        }
    }
}

fn distributions_of(outcome: &NetworkOutcome) -> Vec<Distribution> {
    let journeys = &outcome.journeys;
    let mut all = vec![
        distribution("vehicles on the road", "", &journeys.vehicles),
        distribution(
            "stops of those who came all the way",
            "",
            &journeys.through_stops,
        ),
        distribution(
            "time of those who came all the way",
            "s",
            &journeys.through_s,
        ),
        distribution("round of a line", "s", &journeys.lap_s),
    ];
    let mut at_lines = Journeys::default();
    for junction in &outcome.junctions {
        at_lines.add_all(&junction.judge.journeys);
    }
    all.extend(report::journeys(&at_lines));
    if let Some(priority) = &outcome.priority {
        all.extend(report::without_priority(priority));
    }
    all
}

/// Writes the report of the whole into `folder`, and of each junction into one of its own within.
pub fn write(outcome: &NetworkOutcome, folder: &Path) -> Result<()> {
    let report = NetworkReport::of(outcome);
    report::write_files(folder, &report, &page(outcome, &report))?;
    for one in &outcome.junctions {
        report::write(one, &folder.join(folder_of(one.scenario.site.node.id)))?;
    }
    Ok(())
}

fn folder_of(node: u16) -> String {
    format!("junction-{node}")
}

fn page(outcome: &NetworkOutcome, report: &NetworkReport<'_>) -> String {
    let mut page = String::new();
    let word = if report.pass { "pass" } else { "fail" };
    let synthetic = if report.synthetic {
        "<p><b class='synthetic'>synthetic: these junctions are made up</b></p>"
    } else {
        ""
    };
    let why = expected(report.expected_to_fail);
    let _ = write!(
        page,
        "<!doctype html><html lang='en'><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width'>\
         <title>{name}, seed {seed}: {word}</title><style>{STYLE}</style>\
         <header><h1>{name} <small>seed {seed}</small> <span class='{word}'>{word}</span></h1>\
         <p>{summary}</p>{synthetic}{why}\
         <p class='fine'>{duration:.0} s simulated; {count} junctions, a unit at each; \
         {journeys} journeys ended, {stops} stops at {passed} junctions.</p></header>",
        name = escape(report.scenario),
        seed = report.seed,
        summary = escape(report.summary),
        duration = report.duration_s,
        count = report.junctions.len(),
        journeys = report.journeys,
        stops = report.stops,
        passed = report.junctions_passed,
    );
    verdicts(&mut page, report.verdicts);
    page.push_str(
        "<section><h2>Junctions</h2><table><tr><th>node<th>name<th>vehicles<th>missed criteria<th></tr>",
    );
    let junctions = outcome.network.junctions.iter().zip(&outcome.junctions);
    for (junction, one) in junctions {
        let node = one.scenario.site.node.id;
        let failed = one.verdicts.iter().filter(|verdict| !verdict.pass);
        let failed: Vec<&str> = failed.map(|verdict| &*verdict.criterion).collect();
        let word = if one.passes() { "pass" } else { "fail" };
        let _ = write!(
            page,
            "<tr><td class='n'>{node}<td><a href='{}/report.html'>{}</a><td class='n'>{}<td>{}\
             <td><span class='{word}'>{word}</span></tr>",
            folder_of(node),
            escape(&junction.name),
            one.passed,
            escape(&failed.join(", ")),
        );
    }
    page.push_str("</table></section>");
    if let Some(on_board) = &report.on_board {
        on_board.write(&mut page);
    }
    distributions(&mut page, "Distributions", &report.distributions);
    let _ = write!(
        page,
        "<footer>frames {} · world {}</footer></html>",
        report.frames_hash, report.world_hash
    );
    page
}
