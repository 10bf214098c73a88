//! Stand-in for the room of this name, so that the station compiles until it lands. Removed then.
#![allow(missing_docs, reason = "a stand-in")]
use crate::clock::{Mono, Now};
use crate::report::*;
pub use crate::site::GreenKind;
use crate::site::Site;
use arrayvec::ArrayVec;
use std::time::Duration;
use v2x_msg::base::PhaseId;
#[derive(Clone, Debug, Default)]
pub struct Config;
#[derive(Debug)]
pub struct Signals {
    phases: Vec<(PhaseId, u16, GreenKind)>,
    heard: Option<Now>,
    f: Forecast,
}
#[derive(Debug, thiserror::Error)]
#[error("no")]
pub struct Unfit;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Unchanged,
    Colour,
}
pub type Status = v2x_msg::kinds::spat::Status;
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub collected_at: Mono,
    pub timing_error: Duration,
    pub status: Status,
    pub phases: ArrayVec<PhaseForecast, 16>,
}
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseForecast {
    pub phase: PhaseId,
    pub green: GreenKind,
    pub states: ArrayVec<StateForecast, 16>,
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateForecast {
    pub light: Light,
    pub timing: Option<Timing>,
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    pub start: Start,
    pub end: End,
    pub confidence: Option<f32>,
    pub next: Option<(Mono, Duration)>,
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Running { since: Option<Mono> },
    At(Mono),
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    At {
        min: Option<Mono>,
        max: Option<Mono>,
        likely: Mono,
    },
    Endless,
}
impl Signals {
    pub fn new(_c: Config, site: &Site, _i: &[(String, InputId)]) -> Result<Self, Unfit> {
        Ok(Self {
            phases: site
                .phases
                .iter()
                .map(|p| (p.id, p.lamps[0], p.green))
                .collect(),
            heard: None,
            f: Forecast {
                collected_at: Mono::ZERO,
                timing_error: Duration::from_millis(100),
                status: Status::NONE,
                phases: ArrayVec::new(),
            },
        })
    }
    pub fn handle_lamps(&mut self, now: Now, _i: InputId, lamps: &LampStates) -> Change {
        let mut phases = ArrayVec::new();
        for &(phase, lamp, green) in &self.phases {
            let Some(l) = lamps.lamps.iter().find(|l| l.lamp == lamp) else {
                continue;
            };
            let timing = l.countdown_s.map(|s| Timing {
                start: Start::Running { since: None },
                end: End::At {
                    min: None,
                    max: None,
                    likely: now.mono + Duration::from_secs(s.into()),
                },
                confidence: None,
                next: None,
            });
            let mut states = ArrayVec::new();
            states.push(StateForecast {
                light: l.light,
                timing,
            });
            phases.push(PhaseForecast {
                phase,
                green,
                states,
            });
        }
        let lights = |p: &ArrayVec<PhaseForecast, 16>| {
            p.iter()
                .map(|p| p.states[0].light)
                .collect::<ArrayVec<_, 16>>()
        };
        let change = if lights(&phases) == lights(&self.f.phases) {
            Change::Unchanged
        } else {
            Change::Colour
        };
        self.f.phases = phases;
        self.f.collected_at = now.mono;
        self.heard = Some(now);
        change
    }
    pub fn handle_plan(&mut self, _n: Now, _i: InputId, _l: &SignalPlan) -> Change {
        Change::Unchanged
    }
    pub fn handle_mode(&mut self, _n: Now, _i: InputId, _l: ControlMode) -> Change {
        Change::Unchanged
    }
    pub fn conflict(&self) -> Option<(PhaseId, PhaseId)> {
        None
    }
    pub fn forecast(&mut self, at: Now) -> Option<&Forecast> {
        let heard = self.heard?;
        (at.mono.since(heard.mono) <= Duration::from_secs(5)).then_some(&self.f)
    }
}
