//! What came of a run, as files: `report.json` for programs, `report.html` for people.
//!
//! - [`air`]: of it, what reached vehicles
//! - [`told`]: what happened, event by event and warning by warning
//! - [`unit`]: what the unit counted of itself; [`live`], what a daemon measured in real time
//! - [`many`]: the same scenario by many seeds
//! - [`page`]: the page, whole in one file, with nothing to load
//! - [`plot`]: its drawings

pub mod air;
pub mod live;
pub mod many;
pub mod page;
pub mod plot;
pub mod told;
pub mod unit;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use v2x_msg::access::Aid;

use crate::judge::journeys::Journeys;
use crate::judge::kinds::KINDS;
use crate::judge::priority::PriorityJudge;
use crate::judge::samples::Samples;
use crate::judge::verdict::Verdict;
use crate::run::Outcome;

/// A run in numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// Its one line.
    pub summary: &'a str,
    /// The junction's name.
    pub site: &'a str,
    /// The junction is made up.
    pub synthetic: bool,
    /// Chance.
    pub seed: u64,
    /// Simulated time.
    pub duration_s: f64,
    /// From this time on the judge counted.
    pub counted_s: f64,
    /// Whether every criterion holds.
    pub pass: bool,
    /// Every criterion.
    pub verdicts: &'a [Verdict],
    /// What came off the air, by kind.
    pub messages: Vec<Messages>,
    /// Distributions behind the criteria.
    pub distributions: Vec<Distribution>,
    /// How well each kind of road user is shown.
    pub kinds: Vec<KindFigures>,
    /// Entries that say how sure their position is, and of these those that are as near as they say.
    pub confidence: (u64, u64),
    /// The same by the limit of the class that they say.
    pub confidence_by_class: Vec<Claim>,
    /// What SPAT said of ends that had not come by the end of the run, or for very long.
    pub unsettled_ends: u64,
    /// Road users that should have been shown, over all pictures.
    pub expected: u64,
    /// And were not.
    pub missed: u64,
    /// Entries shown.
    pub shown: u64,
    /// And were nobody.
    pub unmatched: u64,
    /// Of these, somebody a second time.
    pub doubled: u64,
    /// Changes of id.
    pub id_switches: u64,
    /// What happened, and what was told of it.
    #[serde(flatten)]
    pub told: told::ToldOf,
    /// What was wrong with sensors, and what was told of them.
    pub sensor_health: Vec<String>,
    /// Why it was expected not to pass.
    pub expected_to_fail: Option<&'a str>,
    /// The air and the on-board units, if there are any.
    pub on_board: Option<air::OnBoard>,
    /// Vehicles that passed a stop line.
    pub vehicles_passed: u64,
    /// What the unit counted of itself.
    pub unit: unit::Unit,
    /// What only a run in real time has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<live::Live>,
    /// By input: name, frames accepted and rejected.
    pub inputs: &'a [(String, u64, u64)],
    /// What the station told its operator first, seconds after its start.
    pub events: Vec<(f64, String)>,
    /// How much it told besides.
    pub more_events: u64,
    /// Who moved the road users, if we did not.
    pub mover: Option<&'a str>,
    /// A number that differs if any byte of any frame does.
    pub frames_hash: String,
    /// A number that differs if the world does.
    pub world_hash: String,
}

/// What entries say that they are within in 95 of 100 cases, and how many are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Claim {
    /// The limit of the class.
    pub within_m: f64,
    /// Entries that say so.
    pub entries: u64,
    /// And are.
    pub held: u64,
}

/// How well one kind of road user is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct KindFigures {
    /// Vehicles, riders or walkers.
    pub kind: &'static str,
    /// Expected in all pictures.
    pub expected: u64,
    /// Of these, not shown.
    pub missed: u64,
    /// Entries that say how sure their position is, and of these those that are as near as they say.
    pub confidence: (u64, u64),
    /// Position, speed, heading and age of those shown.
    pub distributions: Vec<Distribution>,
}

/// One kind of message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Messages {
    /// As people call it.
    pub kind: String,
    /// How many came.
    pub frames: u64,
    /// Their length in all.
    pub bytes: u64,
    /// Moments a second at which some came.
    pub rate_hz: f64,
    /// The longest time without.
    pub longest_gap_s: Option<f64>,
}

/// What can be said of many measurements.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Distribution {
    /// Of what.
    pub what: &'static str,
    /// In this.
    pub unit: &'static str,
    /// How many.
    pub count: usize,
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
}

impl<'a> Report<'a> {
    /// The numbers of a run.
    pub fn of(outcome: &'a Outcome) -> Self {
        let scenario = &outcome.scenario;
        let judge = &outcome.judge;
        let objects = &judge.objects.score;
        Self {
            scenario: &scenario.file.name,
            summary: &scenario.file.summary,
            site: &scenario.site.name,
            synthetic: scenario.site.synthetic,
            seed: outcome.seed,
            duration_s: outcome.duration.as_secs_f64(),
            counted_s: judge.traffic.span_s(),
            pass: outcome.passes(),
            verdicts: &outcome.verdicts,
            messages: messages(outcome),
            distributions: distributions(outcome),
            kinds: kinds(outcome),
            confidence: objects.sure,
            confidence_by_class: claims(&objects.sure_by_claim),
            unsettled_ends: judge.signals.unsettled,
            expected: objects.expected,
            missed: objects.missed,
            shown: objects.shown,
            unmatched: objects.unmatched,
            doubled: objects.doubled,
            id_switches: objects.id_switches,
            told: told::ToldOf::of(judge),
            expected_to_fail: scenario.file.expected_to_fail.as_deref(),
            on_board: judge
                .on_board
                .as_ref()
                .map(|score| air::OnBoard::of(score, &judge.journeys.stops)),
            vehicles_passed: outcome.passed,
            unit: unit::Unit::of(&outcome.unit),
            live: outcome.live.as_ref().map(live::Live::of),
            inputs: &outcome.inputs,
            events: outcome
                .events
                .iter()
                .map(|(after, event)| (after.as_secs_f64(), format!("{event:?}")))
                .collect(),
            more_events: outcome.more_events,
            sensor_health: outcome.judge.health.lines(),
            mover: outcome.mover.as_deref(),
            frames_hash: format!("{:016x}", judge.traffic.hash),
            world_hash: format!("{:016x}", outcome.world_hash),
        }
    }
}

/// Writes `report.json` and `report.html` into `folder`, which is made if need be.
pub fn write(outcome: &Outcome, folder: &Path) -> Result<()> {
    let report = Report::of(outcome);
    write_files(folder, &report, &page::page(outcome, &report))
}

/// Writes a report as JSON and as a page into `folder`, which is made if need be.
pub(crate) fn write_files(folder: &Path, report: &impl Serialize, page: &str) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
    let json = serde_json::to_string_pretty(report)?;
    for (name, text) in [("report.json", &*json), ("report.html", page)] {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn distributions(outcome: &Outcome) -> Vec<Distribution> {
    let judge = &outcome.judge;
    let objects = &judge.objects.score;
    let mut all = vec![
        distribution("countdown error", "s", &judge.signals.end_error_s),
        distribution("SPAT age of lamp states", "s", &judge.signals.age_s),
        distribution("RSM position error", "m", &objects.position_m),
        distribution("RSM lead of moving road users", "m", &objects.ahead_m),
        distribution("RSM speed error", "m/s", &objects.speed_mps),
        distribution("RSM heading error", "deg", &objects.heading_deg),
        distribution("RSM age", "s", &objects.age_s),
        distribution("RSI position error", "m", &judge.events.position_m),
        distribution("an entry shows nobody for", "s", &objects.nobody_s),
        distribution("MAP centre line error", "m", &judge.maps.centre_line_m),
        distribution("MAP stop line error", "m", &judge.maps.stop_line_m),
    ];
    all.extend(journeys(&judge.journeys));
    if let Some(priority) = &judge.priority {
        all.extend(without_priority(priority));
    }
    all
}

/// Delays, stands and calls at stop lines.
pub(crate) fn journeys(of: &Journeys) -> [Distribution; 6] {
    [
        distribution("delay of buses", "s", &of.bus_delay_s),
        distribution("stands of buses, but for their stop", "", &of.bus_stops),
        distribution("time of buses at their stop", "s", &of.bus_dwell_s),
        distribution("delay of all others", "s", &of.delay_s),
        distribution("delay on duty", "s", &of.emergency_delay_s),
        distribution("stands before the line", "", &of.stops),
    ]
}

/// Delays in the same traffic with a signal that favours no bus.
pub(crate) fn without_priority(priority: &PriorityJudge) -> [Distribution; 3] {
    let (with, without) = (&priority.with, &priority.without);
    [
        distribution("delay of buses without priority", "s", &without.bus_s),
        distribution("delay from the sides", "s", &with.side_s),
        distribution(
            "delay from the sides without priority of buses",
            "s",
            &without.side_s,
        ),
    ]
}

fn claims(by_claim: &BTreeMap<u32, (u64, u64)>) -> Vec<Claim> {
    let claims = by_claim.iter();
    claims
        .map(|(&mm, &(entries, held))| Claim {
            within_m: f64::from(mm) / 1e3,
            entries,
            held,
        })
        .collect()
}

fn kinds(outcome: &Outcome) -> Vec<KindFigures> {
    let kinds = &outcome.judge.objects.score.kinds;
    let kinds = KINDS.iter().zip(kinds);
    kinds
        .map(|(name, kind)| KindFigures {
            kind: name,
            expected: kind.expected,
            missed: kind.missed,
            confidence: kind.sure,
            distributions: vec![
                distribution("position error", "m", &kind.position_m),
                distribution("speed error", "m/s", &kind.speed_mps),
                distribution("heading error", "deg", &kind.heading_deg),
                distribution("age", "s", &kind.age_s),
            ],
        })
        .collect()
}

fn messages(outcome: &Outcome) -> Vec<Messages> {
    let traffic = &outcome.judge.traffic;
    let told = traffic.kinds.iter().filter(|(_, kind)| kind.frames > 0);
    told.map(|(&number, kind)| {
        let aid = Aid::from_number(number).ok();
        Messages {
            kind: aid.map_or_else(|| number.to_string(), |aid| aid.name().to_owned()),
            frames: kind.frames,
            bytes: kind.bytes,
            rate_hz: aid.map_or(0.0, |aid| traffic.rate_hz(aid)),
            longest_gap_s: kind.longest_gap_s,
        }
    })
    .collect()
}

/// What can be said of these measurements.
pub(crate) fn distribution(
    what: &'static str,
    unit: &'static str,
    samples: &Samples,
) -> Distribution {
    Distribution {
        what,
        unit,
        count: samples.count(),
        mean: samples.mean(),
        p50: samples.quantile(0.50),
        p95: samples.quantile(0.95),
        p99: samples.quantile(0.99),
        max: samples.quantile(1.0),
    }
}
