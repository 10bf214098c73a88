//! A view of the road as JSON, the same in a recording and on the page. Units end the names; moments
//! are seconds from the view's own, negative for what was before.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::names::light_name;
use super::view::View;
use crate::clock::Mono;
use crate::fusion::Track;
use crate::signals::{Basis, End, Forecast, PhaseForecast, Start, StateForecast, Timing};
use crate::site::GreenKind;

/// The road users of a view, and what sensors said since the last.
#[derive(Debug, Serialize)]
pub(crate) struct Tracks<'v> {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) tracks: Vec<TrackSaid>,
    pub(crate) detections: Vec<Detections<'v>>,
}

/// One road user, in metres from the site's origin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TrackSaid {
    pub(crate) id: u8,
    pub(crate) class: Cow<'static, str>,
    pub(crate) class_confidence: f64,
    pub(crate) existence: f64,
    pub(crate) east_m: f64,
    pub(crate) north_m: f64,
    /// Variances and covariance of east and north.
    pub(crate) cov_m2: [f64; 3],
    pub(crate) east_mps: f64,
    pub(crate) north_mps: f64,
    pub(crate) yaw_rad: Option<f64>,
    pub(crate) length_m: Option<f64>,
    pub(crate) width_m: Option<f64>,
    pub(crate) unseen_s: f64,
    pub(crate) alive_s: f64,
    /// Bit n: the n-th sensor of the configuration has seen it.
    pub(crate) sources: u32,
}

/// Where one input saw something.
#[derive(Debug, Serialize)]
pub(crate) struct Detections<'v> {
    input: &'v str,
    east_north_m: Vec<[f64; 2]>,
}

/// What the signals do and will do.
#[derive(Debug, Serialize)]
pub(crate) struct Signals {
    mono_ns: u64,
    utc_ns: i64,
    /// Since the controller that spoke longest ago did; None where nothing may be said.
    age_s: Option<f64>,
    phases: Vec<PhaseSaid>,
}

#[derive(Debug, Serialize)]
struct PhaseSaid {
    phase: u8,
    green: &'static str,
    states: Vec<StateSaid>,
}

#[derive(Debug, Serialize)]
struct StateSaid {
    light: &'static str,
    running: bool,
    since_s: Option<f64>,
    start_s: Option<f64>,
    min_end_s: Option<f64>,
    likely_end_s: Option<f64>,
    max_end_s: Option<f64>,
    endless: bool,
    confidence: Option<f64>,
    basis: Option<&'static str>,
}

impl<'v> Tracks<'v> {
    /// `inputs` are the names of the inputs, in the order of their ids.
    pub(crate) fn of(view: &View, inputs: &'v [String]) -> Self {
        let mut detections: Vec<Detections<'v>> = Vec::new();
        for seen in &view.seen {
            let Some(input) = inputs.get(usize::from(seen.input.0)) else {
                continue;
            };
            let place = [milli(seen.east_m.into()), milli(seen.north_m.into())];
            match detections.iter_mut().find(|d| d.input == input) {
                Some(known) => known.east_north_m.push(place),
                None => detections.push(Detections {
                    input,
                    east_north_m: vec![place],
                }),
            }
        }
        let at = view.picture.at;
        Self {
            mono_ns: view.at.mono.nanos(),
            utc_ns: view.at.utc.unix_ns(),
            tracks: (view.picture.tracks.iter())
                .map(|track| TrackSaid::of(track, at))
                .collect(),
            detections,
        }
    }
}

impl TrackSaid {
    fn of(track: &Track, at: Mono) -> Self {
        let cov = track.position_cov;
        Self {
            id: track.id,
            class: track.class.word().into(),
            class_confidence: milli(track.class_confidence.into()),
            existence: milli(track.existence.into()),
            east_m: milli(track.east_m),
            north_m: milli(track.north_m),
            cov_m2: [milli(cov.ee), milli(cov.nn), milli(cov.en)],
            east_mps: milli(track.velocity.east_mps),
            north_mps: milli(track.velocity.north_mps),
            yaw_rad: track.yaw_rad.map(milli),
            length_m: track.size.map(|size| milli(size.length_m.into())),
            width_m: track.size.map(|size| milli(size.width_m.into())),
            unseen_s: milli(at.seconds_after(track.seen_at)),
            alive_s: milli(at.seconds_after(track.born_at)),
            sources: track.sources,
        }
    }
}

impl Signals {
    pub(crate) fn of(view: &View) -> Self {
        let at = view.at.mono;
        let forecast = view.forecast.as_ref();
        let phases = |forecast: &Forecast| {
            let phases = forecast.phases.iter();
            phases.map(|phase| PhaseSaid::of(phase, at)).collect()
        };
        Self {
            mono_ns: at.nanos(),
            utc_ns: view.at.utc.unix_ns(),
            age_s: forecast.map(|forecast| milli(at.seconds_after(forecast.collected_at))),
            phases: forecast.map(phases).unwrap_or_default(),
        }
    }
}

impl PhaseSaid {
    fn of(phase: &PhaseForecast, at: Mono) -> Self {
        Self {
            phase: phase.phase.value(),
            green: match phase.green {
                GreenKind::Protected => "protected",
                GreenKind::Permissive => "permissive",
            },
            states: (phase.states.iter())
                .map(|state| StateSaid::of(state, at))
                .collect(),
        }
    }
}

impl StateSaid {
    fn of(state: &StateForecast, at: Mono) -> Self {
        let after = |moment: Mono| milli(moment.seconds_after(at));
        let mut said = Self {
            light: light_name(state.light),
            running: false,
            since_s: None,
            start_s: None,
            min_end_s: None,
            likely_end_s: None,
            max_end_s: None,
            endless: false,
            confidence: None,
            basis: None,
        };
        let Some(timing) = &state.timing else {
            return said;
        };
        let Timing {
            start,
            end,
            confidence,
            basis,
            ..
        } = timing;
        match start {
            Start::Running { since } => {
                said.running = true;
                said.since_s = since.map(after);
            }
            Start::At(moment) => said.start_s = Some(after(*moment)),
        }
        match end {
            End::At { min, max, likely } => {
                said.min_end_s = min.map(after);
                said.likely_end_s = Some(after(*likely));
                said.max_end_s = max.map(after);
            }
            End::Endless => said.endless = true,
        }
        said.confidence = confidence.map(|confidence| milli(confidence.into()));
        said.basis = Some(match basis {
            Basis::Plan => "plan",
            Basis::Countdown => "countdown",
            Basis::Limits => "limits",
            Basis::History => "history",
        });
        said
    }
}

/// To a thousandth: what is behind it is rounding of ours. No minus zero.
fn milli(value: f64) -> f64 {
    (value * 1e3).round() / 1e3 + 0.0
}
