//! Who comes by chance: how many from each approach, by the time, and what they are.
//!
//! Not here: who comes by a timetable, and how all of them drive ([`super::traffic`]).

use std::time::Duration;

use anyhow::{Result, ensure};
use rsu::clock::Mono;
use serde::Deserialize;
use v2x_msg::base::NodeId;

use super::Scenario;
use super::figures::{from_nought, share};
use super::hours::Day;
use crate::world::Demand;
use crate::world::arrivals::Change;
use crate::world::riders::{RiderDemand, Riders};
use crate::world::vehicles::{Mix, TurnShares};

/// Traffic of one approach.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DemandTable {
    /// The node that it comes from.
    pub from: u16,
    /// How many vehicles an hour, until the first step of the schedule.
    #[serde(deserialize_with = "from_nought")]
    pub vehicles_per_hour: f64,
    /// How many from then on.
    #[serde(default)]
    pub schedule: Schedule,
    /// Which share of it comes at which hour of the day; instead of a schedule.
    #[serde(default)]
    pub day: Day,
    /// Share that turns left.
    #[serde(deserialize_with = "share")]
    pub left: f64,
    /// Share that turns right.
    #[serde(deserialize_with = "share")]
    pub right: f64,
    /// Share of lorries.
    #[serde(deserialize_with = "share")]
    pub trucks: f64,
    /// Share of buses.
    #[serde(deserialize_with = "share")]
    pub buses: f64,
    /// Share of all of them that have an on-board unit; needs `[air]`.
    #[serde(default, deserialize_with = "share")]
    pub equipped: f64,
}

/// Riders of one approach, in its lanes for bicycles.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RidersTable {
    /// The node that they come from.
    pub from: u16,
    /// How many an hour.
    #[serde(deserialize_with = "from_nought")]
    pub per_hour: f64,
    /// Share of e-bikes.
    #[serde(deserialize_with = "share")]
    pub e_bikes: f64,
    /// Share that turns left.
    #[serde(deserialize_with = "share")]
    pub left: f64,
    /// Share that turns right.
    #[serde(deserialize_with = "share")]
    pub right: f64,
    /// Left turns are made in two stages: straight across, then with the green of the other road.
    #[serde(default)]
    pub two_stage_left: bool,
}

/// Steps of a demand, each later than the one before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "Vec<Step>")]
pub struct Schedule(Vec<Step>);

/// From a time on another number of vehicles an hour.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "StepTable")]
pub struct Step {
    from_s: f64,
    vehicles_per_hour: f64,
}

/// A step as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StepTable {
    /// After the start of the roadside unit.
    from_s: f64,
    vehicles_per_hour: f64,
}

/// Steps that are none. Refused while they are read, so that the line can be told.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NoStep {
    /// A figure that no time and no number of vehicles has.
    #[error("{key} of a step is {value}, not a number from 0 on")]
    Figure {
        /// Which.
        key: &'static str,
        /// What stands there.
        value: f64,
    },
    /// It begins no later than the one before it.
    #[error("the step from-s = {from_s} stands after that of {before_s}: the earlier comes first")]
    Order {
        /// When it begins.
        from_s: f64,
        /// When the one before it does.
        before_s: f64,
    },
}

impl TryFrom<StepTable> for Step {
    type Error = NoStep;

    fn try_from(table: StepTable) -> Result<Self, NoStep> {
        let figures = [
            ("from-s", table.from_s),
            ("vehicles-per-hour", table.vehicles_per_hour),
        ];
        for (key, value) in figures {
            if !(value.is_finite() && value >= 0.0) {
                return Err(NoStep::Figure { key, value });
            }
        }
        Ok(Self {
            from_s: table.from_s,
            vehicles_per_hour: table.vehicles_per_hour,
        })
    }
}

impl TryFrom<Vec<Step>> for Schedule {
    type Error = NoStep;

    fn try_from(steps: Vec<Step>) -> Result<Self, NoStep> {
        for pair in steps.windows(2) {
            let [before_s, from_s] = [pair[0].from_s, pair[1].from_s];
            if from_s <= before_s {
                return Err(NoStep::Order { from_s, before_s });
            }
        }
        Ok(Self(steps))
    }
}

impl Scenario {
    /// Traffic of each approach, as it begins.
    pub(super) fn demand(&self) -> Vec<Demand> {
        let region = self.site.node.region;
        let tables = self.file.demand.iter();
        tables
            .map(|table| Demand {
                from: NodeId {
                    region,
                    id: table.from,
                },
                vehicles_per_hour: table.vehicles_per_hour,
                turns: TurnShares {
                    left: table.left,
                    right: table.right,
                },
                mix: Mix {
                    trucks: table.trucks,
                    buses: table.buses,
                },
            })
            .collect()
    }

    /// Riders in the lanes of each approach.
    pub(super) fn riders(&self) -> Result<Riders> {
        let region = self.site.node.region;
        let tables = self.file.riders.iter();
        let demand = tables.map(|table| RiderDemand {
            from: NodeId {
                region,
                id: table.from,
            },
            per_hour: table.per_hour,
            e_bikes: table.e_bikes,
            two_stage_left: table.two_stage_left,
            turns: TurnShares {
                left: table.left,
                right: table.right,
            },
        });
        Ok(Riders::of_site(&self.site, demand.collect())?)
    }

    /// And what becomes of it.
    pub(super) fn changes(&self) -> Vec<Change> {
        let tables = self.file.demand.iter().enumerate();
        let steps = tables.clone().flat_map(|(demand, table)| {
            table.schedule.0.iter().map(move |step| Change {
                at: self.moment(step.from_s),
                demand,
                vehicles_per_hour: step.vehicles_per_hour,
            })
        });
        let begin = self.start - self.traffic();
        let local_ms = begin.unix_ms() + i64::from(self.site.utc_offset_min) * MS_A_MINUTE;
        let hours = tables.flat_map(|(demand, table)| {
            let shares = table.day.shares(local_ms, LONGEST_RUN).into_iter();
            shares.map(move |(after, share)| Change {
                at: Mono::ZERO + after,
                demand,
                vehicles_per_hour: table.vehicles_per_hour * share,
            })
        });
        steps.chain(hours).collect()
    }

    /// Shares of each approach are shares.
    pub(super) fn check_demand(&self) -> Result<()> {
        for riders in &self.file.riders {
            let sum = riders.left + riders.right;
            ensure!(
                (0.0..=1.0).contains(&sum),
                "riders from {}: left + right is {sum}, not a share",
                riders.from
            );
        }
        for demand in &self.file.demand {
            ensure!(
                demand.day.is_empty() || demand.schedule == Schedule::default(),
                "demand from {}: day and schedule are two ways to say one thing",
                demand.from
            );
            let shares = [
                ("left + right", demand.left + demand.right),
                ("trucks + buses", demand.trucks + demand.buses),
            ];
            for (what, sum) in shares {
                ensure!(
                    (0.0..=1.0).contains(&sum),
                    "demand from {}: {what} is {sum}, not a share",
                    demand.from
                );
            }
        }
        Ok(())
    }
}

/// Hours of the day are looked up for so long; a longer run keeps to the last.
const LONGEST_RUN: Duration = Duration::from_secs(31 * 86_400);
const MS_A_MINUTE: i64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(schedule: &str) -> Result<DemandTable, toml::de::Error> {
        let text = format!(
            "from = 11\nvehicles-per-hour = 520\nleft = 0.2\nright = 0.2\ntrucks = 0.1\n\
             buses = 0.0\nschedule = {schedule}\n"
        );
        toml::from_str(&text)
    }

    #[test]
    fn a_schedule_is_read_step_by_step() {
        let table = read(
            "[{ from-s = 0, vehicles-per-hour = 300 }, { from-s = 600.5, vehicles-per-hour = 0 }]",
        );
        let step = |from_s, vehicles_per_hour| Step {
            from_s,
            vehicles_per_hour,
        };
        let wanted = Schedule(vec![step(0.0, 300.0), step(600.5, 0.0)]);
        assert_eq!(table.expect("a schedule").schedule, wanted);
        assert_eq!(read("[]").expect("no step").schedule, Schedule::default());
    }

    #[test]
    fn a_step_that_is_none_is_refused_with_line_and_reason() {
        let step = |from_s: &str, rate: &str| {
            format!("{{ from-s = {from_s}, vehicles-per-hour = {rate} }}")
        };
        let late = step("600", "300");
        for (steps, reason) in [
            (step("0", "-1"), "vehicles-per-hour of a step is -1"),
            (step("0", "inf"), "vehicles-per-hour of a step is inf"),
            (step("nan", "300"), "from-s of a step is NaN"),
            (step("-5", "300"), "from-s of a step is -5"),
            (
                format!("{late}, {}", step("0", "1")),
                "stands after that of 600",
            ),
            (format!("{late}, {late}"), "stands after that of 600"),
            ("{ from-s = 0 }".to_owned(), "vehicles-per-hour"),
            ("{ to-s = 0 }".to_owned(), "to-s"),
        ] {
            let refused = read(&format!("[{steps}]")).expect_err(&steps).to_string();
            assert!(refused.contains(reason), "{steps}: {refused}");
            assert!(refused.contains("line 7"), "{steps}: {refused}");
        }
    }

    #[test]
    fn a_schedule_counts_from_the_start_of_the_unit_also_if_it_is_set() {
        let schedule = "[{ from-s = 30, vehicles-per-hour = 60 }]".to_owned();
        let set = [("demand.1.schedule".to_owned(), schedule)];
        let scenario = Scenario::find_with("moyu-boyuan", &set).expect("a scenario");
        let wanted = Change {
            at: scenario.moment(30.0),
            demand: 1,
            vehicles_per_hour: 60.0,
        };
        assert_eq!(scenario.changes(), [wanted]);
        assert!(scenario.moment(0.0) > Mono::ZERO);
    }
    #[test]
    fn hours_are_those_of_the_clock_on_the_wall_where_the_site_is() {
        // 23:30 in China while the road begins to fill, ten minutes before the unit starts.
        let set = [
            ("start", "2026-03-20T15:40:00Z"),
            ("traffic-s", "600"),
            (
                "demand.1.day",
                "[{ from = \"00:00\", share = 0.1 }, { from = \"07:00\", share = 0.5 }]",
            ),
            ("demand.1.vehicles-per-hour", "600"),
        ];
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let scenario = Scenario::find_with("moyu-boyuan", &set).expect("a scenario");
        let changes = scenario.changes();
        let first: Vec<(u64, usize, f64)> = changes[..3]
            .iter()
            .map(|one| {
                (
                    one.at.since(Mono::ZERO).as_secs(),
                    one.demand,
                    one.vehicles_per_hour,
                )
            })
            .collect();
        assert_eq!(first, [(0, 1, 300.0), (1800, 1, 60.0), (27_000, 1, 300.0)]);
    }

    #[test]
    fn a_day_and_a_schedule_at_once_are_refused() {
        let set = [
            ("demand.1.day", "[{ from = \"00:00\", share = 0.1 }]"),
            (
                "demand.1.schedule",
                "[{ from-s = 30, vehicles-per-hour = 60 }]",
            ),
        ];
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let refused = Scenario::find_with("moyu-boyuan", &set).expect_err("two ways");
        assert!(format!("{refused:#}").contains("two ways to say one thing"));
    }
}
