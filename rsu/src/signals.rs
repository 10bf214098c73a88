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
    f: Option<Forecast>,
}
#[derive(Debug, thiserror::Error)]
#[error("no")]
pub struct Error;
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
    pub fn new(_c: Config, _s: &Site, _i: &[(String, InputId)]) -> Result<Self, Error> {
        Ok(Self { f: None })
    }
    pub fn handle_lamps(&mut self, _n: Now, _i: InputId, _l: &LampStates) -> Change {
        Change::Colour
    }
    pub fn handle_plan(&mut self, _n: Now, _i: InputId, _l: &SignalPlan) -> Change {
        Change::Unchanged
    }
    pub fn handle_mode(&mut self, _n: Now, _i: InputId, _l: ControlMode) -> Change {
        Change::Unchanged
    }
    pub fn forecast(&mut self, _at: Now) -> Option<&Forecast> {
        self.f.as_ref()
    }
}
