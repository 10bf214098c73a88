//! The signal plan and who decides when lamps change.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use v2x_msg::base::PhaseId;

use super::Scenario;
use super::traffic::EventKind;
use crate::world::signals::{Control, Head, HeadStage, Plan, Preempt, Signals, Stage};

/// How the signals are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalsTable {
    /// Who decides.
    #[serde(default, rename = "type")]
    pub kind: SignalsKind,
    /// A cycle begins so long after the origin of simulated time.
    pub offset_s: f64,
    /// The stages in their order.
    pub stage: Vec<StageTable>,
    /// Actuated: a green in which nobody has come for so long may end.
    #[serde(default = "three")]
    pub gap_s: f64,
    /// Actuated: how far before the stop line the detectors are.
    #[serde(default = "forty")]
    pub detector_m: f64,
    /// Coordinated and bus priority: most that a green is changed to come back to the grid.
    #[serde(default = "five")]
    pub correction_s: u16,
    /// Bus priority: most that a green is extended.
    #[serde(default = "eight")]
    pub extension_s: u16,
    /// Bus priority: from so far before the stop line a bus is known.
    #[serde(default = "hundred_and_fifty")]
    pub bus_m: f64,
}

/// Who decides when lamps change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalsKind {
    /// The clock.
    #[default]
    Fixed,
    /// Detectors.
    Actuated,
    /// A grid that the neighbours share.
    Coordinated,
    /// Such a grid, and buses.
    BusPriority,
}

/// One stage of the plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StageTable {
    /// The phases that are green.
    pub phases: Vec<u8>,
    /// Steady green.
    pub green_s: u16,
    /// Where it varies, the shortest; by default half of it.
    #[serde(default)]
    pub least_green_s: Option<u16>,
    /// Where it varies, the longest; by default twice as long.
    #[serde(default)]
    pub greatest_green_s: Option<u16>,
    /// Flashing green after it.
    pub flashing_green_s: u16,
    /// Yellow after that.
    pub yellow_s: u16,
    /// Red for all before the next stage.
    pub all_red_s: u16,
}

impl Scenario {
    /// The signals at the origin of time.
    pub fn signals(&self) -> Result<Signals> {
        let table = &self.file.signals;
        let seconds = |count: u16| Duration::from_secs(u64::from(count));
        let correction = seconds(table.correction_s);
        let control = match table.kind {
            SignalsKind::Fixed => return Ok(Signals::Fixed(self.plan()?)),
            SignalsKind::Actuated => Control::Actuated {
                gap: Duration::from_secs_f64(table.gap_s),
                detector_m: table.detector_m,
            },
            SignalsKind::Coordinated => Control::Coordinated { correction },
            SignalsKind::BusPriority => Control::BusPriority {
                correction,
                extension: seconds(table.extension_s),
                bus_m: table.bus_m,
            },
        };
        let plan = self.plan()?;
        let stages = plan.stages().iter().zip(&table.stage);
        let stages = stages.map(|(stage, table)| HeadStage {
            stage: stage.clone(),
            least: table.least_green_s.map_or(stage.green / 2, seconds),
            greatest: table.greatest_green_s.map_or(stage.green * 2, seconds),
        });
        let mut offsets = Vec::new();
        let mut preempts = Vec::new();
        for event in &self.file.event {
            let at = self.moment(event.at_s);
            match event.kind {
                EventKind::Offset => {
                    let offset_s = event.offset_s.context("an offset event has an offset-s")?;
                    offsets.push((at, Duration::from_secs_f64(offset_s)));
                }
                EventKind::BreakDown | EventKind::Slow | EventKind::RunRed => {}
                EventKind::Preempt => preempts.push(Preempt {
                    from: at,
                    until: self.moment(event.until_s.context("a preempt event has an until-s")?),
                    phase: PhaseId::new(event.phase.context("a preempt event has a phase")?)?,
                }),
            }
        }
        offsets.sort_by_key(|(at, _)| *at);
        preempts.sort_by_key(|call| call.from);
        let offset = Duration::from_secs_f64(table.offset_s);
        let head = Head::new(stages.collect(), control, offset, offsets, preempts)?;
        Ok(Signals::Live(Box::new(head)))
    }

    /// The nominal plan.
    pub fn plan(&self) -> Result<Plan> {
        let signals = &self.file.signals;
        let stages = signals.stage.iter().map(|stage| {
            let phases: Result<Vec<PhaseId>, _> =
                stage.phases.iter().map(|&id| PhaseId::new(id)).collect();
            let seconds = |count: u16| Duration::from_secs(u64::from(count));
            Ok(Stage {
                phases: phases?,
                green: seconds(stage.green_s),
                flashing_green: seconds(stage.flashing_green_s),
                yellow: seconds(stage.yellow_s),
                all_red: seconds(stage.all_red_s),
            })
        });
        let stages: Result<Vec<Stage>> = stages.collect();
        Ok(Plan::new(
            stages?,
            Duration::from_secs_f64(signals.offset_s),
        )?)
    }
}

const fn three() -> f64 {
    3.0
}

const fn forty() -> f64 {
    40.0
}

const fn five() -> u16 {
    5
}

const fn eight() -> u16 {
    8
}

const fn hundred_and_fifty() -> f64 {
    150.0
}
