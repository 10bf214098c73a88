//! What came of the air and of the on-board units, for the report.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use serde::Serialize;

use super::plot::{self, Axis, escape};
use super::{Distribution, distribution, page};
use crate::air::tally::Tally;
use crate::judge::samples::Samples;
use crate::obu::asking::SORTS;
use crate::obu::score::Score;

/// The air and the units of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OnBoard {
    /// Units at work at one time, at most.
    pub units: usize,
    /// Share of the channel that radios found busy.
    pub busy_ratio: Option<f64>,
    /// Messages handed to radios.
    pub sent: u64,
    /// Of these, those that gave way to a newer one.
    pub replaced: u64,
    /// Places that were drawn.
    pub selections: u64,
    /// From the roadside unit to vehicles.
    pub down: Vec<Distance>,
    /// From vehicles to the roadside unit.
    pub up: Vec<Distance>,
    /// Among vehicles.
    pub vehicles: Vec<Distance>,
    /// Age of the newest SPAT at vehicles before the line: median, 95th and 99th percentile, largest.
    pub spat_age_s: [Option<f64>; 4],
    /// Such moments at which a vehicle knew none.
    pub spat_unknown: u64,
    /// SPATs that were not believed, by why.
    pub doubts: Vec<(String, u64)>,
    /// Frames that units could not read.
    pub unread: u64,
    /// Vehicles that were ever advised.
    pub advised: u64,
    /// Advice of which the moment has come.
    pub advice: u64,
    /// And was right.
    pub advice_right: u64,
    /// Warnings, by what they are about.
    pub warnings: Vec<(String, u64)>,
    /// What was asked of the roadside, where anything was.
    pub requests: Vec<Requests>,
    /// Messages of vehicles that the roadside unit heard.
    pub heard_by_roadside: u64,
    /// Entries of RSM with the vehicle's own name, and how often its number changed.
    pub named: u64,
    /// See `named`.
    pub named_switches: u64,
    /// Stops before the line, of those that passed.
    pub stops_mean: Option<f64>,
}

/// Requests of one sort.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Requests {
    /// For what.
    pub what: &'static str,
    /// How many.
    pub asked: u64,
    /// And were answered.
    pub answered: u64,
    /// And were granted at some time.
    pub granted: u64,
    /// How long the first answer took, and how old the newest was while they stood.
    pub distributions: [Distribution; 2],
}

/// Messages over one distance.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Distance {
    /// The middle of a bin of 25 m.
    pub m: f64,
    /// Sent, once for each who might have heard.
    pub sent: u64,
    /// Heard.
    pub delivered: Option<f64>,
    /// Lost because the receiver was sending, because it is too weak, in noise, in collisions.
    pub lost: [u64; 4],
}

impl OnBoard {
    /// What was counted.
    pub fn of(score: &Score, stops: &Samples) -> Self {
        let age = |share| score.spat_age_s.quantile(share);
        let air = &score.air;
        Self {
            units: score.units,
            busy_ratio: air.busy_ratio(),
            sent: air.sent,
            replaced: air.replaced,
            selections: air.selections,
            down: distances(&air.down),
            up: distances(&air.up),
            vehicles: distances(&air.vehicles),
            spat_age_s: [age(0.5), age(0.95), age(0.99), age(1.0)],
            spat_unknown: score.spat_unknown,
            doubts: by_name(&score.doubts),
            unread: score.unread,
            advised: score.advised,
            advice: score.advice,
            advice_right: score.advice_right,
            warnings: by_name(&score.warnings),
            requests: requests(score),
            heard_by_roadside: score.heard_by_roadside,
            named: score.named,
            named_switches: score.id_changes,
            stops_mean: stops.mean(),
        }
    }
}

impl OnBoard {
    /// As a drawing and a section of the page.
    pub(crate) fn write(&self, page: &mut String) {
        let line = |of: &[Distance]| -> Vec<(f64, f64)> {
            let told = of.iter().filter_map(|one| Some((one.m, one.delivered?)));
            told.collect()
        };
        let series = [
            ("shown-line", line(&self.down)),
            ("missed-line", line(&self.up)),
            ("expected-line", line(&self.vehicles)),
        ];
        let all = series.iter().flat_map(|(_, line)| line);
        let far_m = all.map(|(m, _)| *m).fold(0.0, f64::max);
        let across = Axis {
            label: "m apart",
            low: 0.0,
            high: far_m.max(WIDE_M),
        };
        let up = Axis {
            label: "share heard",
            low: 0.0,
            high: 1.05,
        };
        let _ = write!(
            page,
            "<figure><figcaption>Delivery by distance</figcaption>{}<p class='fine'>Blue: frames of the \
             unit at vehicles. Red: of vehicles at the unit. Grey: among vehicles.</p></figure>",
            plot::lines_over(&series, across, up)
        );
        let [p50, p95, p99, max] = self
            .spat_age_s
            .map(|age_s| age_s.map_or_else(|| "none".to_owned(), |age_s| format!("{age_s:.2} s")));
        let counts = |counts: &[(String, u64)]| {
            let told: Vec<String> = counts
                .iter()
                .map(|(what, count)| format!("{} {count}", escape(what)))
                .collect();
            if told.is_empty() {
                "none".to_owned()
            } else {
                told.join(", ")
            }
        };
        let share =
            |of: Option<f64>| of.map_or_else(String::new, |of| format!("{:.1} %", of * 100.0));
        let rows = [
            ("units at one time, at most", self.units.to_string()),
            ("channel busy", share(self.busy_ratio)),
            (
                "messages sent; given way to a newer one",
                format!("{}; {}", self.sent, self.replaced),
            ),
            (
                "age of SPAT on board: p50, p95, p99, max",
                [p50, p95, p99, max].join(", "),
            ),
            (
                "moments at which a vehicle knew no SPAT",
                self.spat_unknown.to_string(),
            ),
            ("SPAT not believed", counts(&self.doubts)),
            (
                "vehicles advised; advice that was right",
                format!("{}; {} of {}", self.advised, self.advice_right, self.advice),
            ),
            ("warnings on board", counts(&self.warnings)),
            (
                "changes of number of those who say their name; entries",
                format!("{}; {}", self.named_switches, self.named),
            ),
        ];
        page.push_str("<section><h2>On board</h2><table><tr><th>what<th>how much</tr>");
        for (what, how_much) in rows {
            let _ = write!(page, "<tr><td>{what}<td class='n'>{how_much}</tr>");
        }
        page.push_str("</table></section>");
        for one in &self.requests {
            let title = format!(
                "Requests, {}: {} asked, {} answered, {} granted",
                escape(one.what),
                one.asked,
                one.answered,
                one.granted
            );
            page::distributions(page, &title, &one.distributions);
        }
    }
}

fn requests(score: &Score) -> Vec<Requests> {
    let sorts = SORTS.iter().zip(&score.requests);
    let asked = sorts.filter(|(_, requests)| requests.asked > 0);
    asked
        .map(|(what, requests)| Requests {
            what,
            asked: requests.asked,
            answered: requests.answered,
            granted: requests.granted,
            distributions: [
                distribution("answered after", "s", &requests.delay_s),
                distribution("age of the answer", "s", &requests.age_s),
            ],
        })
        .collect()
}

fn by_name<K: Debug>(counts: &BTreeMap<K, u64>) -> Vec<(String, u64)> {
    let named = counts
        .iter()
        .map(|(what, count)| (format!("{what:?}"), *count));
    named.collect()
}

fn distances(tally: &Tally) -> Vec<Distance> {
    let all = (0..FARTHEST).map(|place| {
        let from_m = f64::from(place) * WIDE_M;
        let bin = tally.between(from_m, from_m + WIDE_M);
        Distance {
            m: from_m + WIDE_M / 2.0,
            sent: bin.sent,
            delivered: bin.delivered(),
            lost: bin.lost,
        }
    });
    all.filter(|one| one.sent > 0).collect()
}

const WIDE_M: f64 = 25.0;
const FARTHEST: u32 = 40;
