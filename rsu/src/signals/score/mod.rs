//! What forecasts were worth: recorded signals replayed second by second, without looking ahead.
//!
//! - `figures`: errors, confidence and bounds as numbers
//!
//! The forecasts are those of [`Signals`], as the daemon has them, for a controller that announces
//! nothing. At 1, 3, 5, 10 and 20 s before each change the time left is compared with the truth, and
//! so are two simple forecasts: the light lasts as long as it did last time; it lasts as long as it
//! did on average at this weekday and hour so far. Compared is only where all three can speak, except
//! that silence of ours where both others speak is counted. Every second of every light, the stated
//! confidence and the stated bounds are held against what came. A light counts only if both its
//! beginning and its end were seen. Not here: files.

mod figures;

use std::collections::BTreeMap;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;

use super::{Config, End, MAX_PHASES, Signals};
use crate::clock::{Mono, Now, Utc};
use crate::report::{InputId, LampState, LampStates, Light};
use crate::site::{GreenKind, Phase};

pub use figures::{Bounds, Confidences, Errors, Figures, Horizon};

/// How long before a change forecasts are compared, in seconds.
pub const HORIZONS_S: [u16; 5] = [1, 3, 5, 10, 20];

/// One junction as it was recorded.
#[derive(Clone, Debug, Default)]
pub struct Junction {
    /// How many phases; at most [`MAX_PHASES`].
    pub phases: usize,
    /// In order of time, without overlap. Between them nothing is known.
    pub windows: Vec<Window>,
}

/// A time in which a junction was watched without a gap.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Milliseconds since 1970, UTC.
    pub from_ms: u64,
    /// Milliseconds since 1970, UTC.
    pub to_ms: u64,
    /// When a phase began to show what, in order of time.
    pub changes: Vec<Shown>,
}

/// A phase, counted from 0, begins to show a light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// Its place.
    pub phase: usize,
    /// What it shows.
    pub light: Light,
}

/// Replays junctions and keeps the figures of all of them together.
#[derive(Debug, Default)]
pub struct Scorer {
    figures: Figures,
}

/// A light of a phase from its beginning to its end.
#[derive(Clone, Copy, Debug)]
struct Run {
    phase: usize,
    light: Light,
    from_ms: u64,
    to_ms: u64,
    /// By the two simple forecasts, in seconds: as last time, and as on average.
    simple_s: Option<[f64; 2]>,
}

/// A moment at which a forecast is looked at.
#[derive(Clone, Copy, Debug)]
struct Look {
    at_ms: u64,
    run: usize,
    /// One of [`HORIZONS_S`]; None for the look of every second.
    horizon: Option<usize>,
}

impl Scorer {
    /// Nothing replayed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replays a junction of its own, from its first window to its last. Windows or changes out of
    /// order, and phases that there are not, are left out.
    pub fn replay(&mut self, junction: &Junction) {
        let phases = junction.phases.min(MAX_PHASES);
        let mut replay = Replay::new(phases);
        let mut simple = Simple::default();
        let mut now_ms = 0;
        for window in &junction.windows {
            if window.from_ms < now_ms || window.to_ms < window.from_ms {
                continue;
            }
            now_ms = window.to_ms;
            let runs = runs(window, phases, &mut simple);
            self.replay_window(window, &runs, &mut replay);
        }
    }

    /// What came of all that was replayed.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    fn replay_window(&mut self, window: &Window, runs: &[Run], replay: &mut Replay) {
        let looks = looks(runs);
        let mut looks = looks.iter().peekable();
        let mut changes = window.changes.iter().peekable();
        let mut second_ms = window.from_ms;
        replay.begin();
        loop {
            let change_ms = changes.peek().map_or(u64::MAX, |change| change.at_ms);
            let at_ms = second_ms.min(change_ms);
            while let Some(look) = looks.next_if(|look| look.at_ms < at_ms) {
                self.look(look, &runs[look.run], replay);
            }
            if at_ms > window.to_ms {
                break;
            }
            while let Some(change) = changes.next_if(|change| change.at_ms <= at_ms) {
                replay.change(change);
            }
            replay.report(at_ms);
            if second_ms == at_ms {
                second_ms += 1000;
            }
        }
    }

    fn look(&mut self, look: &Look, run: &Run, replay: &mut Replay) {
        let left_s = (run.to_ms - look.at_ms) as f64 / 1e3;
        let passed_s = (look.at_ms - run.from_ms) as f64 / 1e3;
        let told = replay.told(look.at_ms, run);
        match (look.horizon, run.simple_s) {
            (Some(horizon), Some(simple_s)) => {
                let simple_s = simple_s.map(|length_s| (length_s - passed_s).max(0.0));
                let ours_s = told.map(|told| told.likely_s);
                self.figures
                    .compare(run.light, horizon, left_s, ours_s, simple_s);
            }
            (Some(_), None) => {}
            (None, _) => {
                let Some(told) = told else { return };
                self.figures.hold(left_s, &told);
            }
        }
    }
}

/// What is told of a light, in seconds from the moment of telling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    likely_s: f64,
    min_s: Option<f64>,
    max_s: Option<f64>,
    confidence: Option<f32>,
}

/// The forecaster, and what the lamps show.
struct Replay {
    signals: Signals,
    lamps: LampStates,
}

impl Replay {
    fn new(phases: usize) -> Self {
        let input = InputId(0);
        let name = "recording".to_owned();
        let ids = (1..=phases).filter_map(|id| PhaseId::new(id as u8).ok());
        let phase = |id: PhaseId| Phase {
            id,
            name: String::new(),
            controller: name.clone(),
            lamps: vec![id.value().into()],
            green: GreenKind::Protected,
        };
        let phases: Vec<_> = ids.map(phase).collect();
        let lamp = |phase: &Phase| LampState {
            lamp: phase.id.value().into(),
            light: Light::Unknown,
            countdown_s: None,
        };
        let lamps = phases.iter().map(lamp).collect();
        let inputs = [(name.clone(), input)];
        let signals = Signals::of_phases(Config::default(), &phases, |_, _| false, &inputs);
        Self {
            signals: signals.expect("its phases are few, and its one input is known"),
            lamps: LampStates {
                lamps,
                ..LampStates::default()
            },
        }
    }

    fn begin(&mut self) {
        for lamp in &mut self.lamps.lamps {
            lamp.light = Light::Unknown;
        }
    }

    fn change(&mut self, change: &Shown) {
        if let Some(lamp) = self.lamps.lamps.get_mut(change.phase) {
            lamp.light = change.light;
        }
    }

    fn report(&mut self, at_ms: u64) {
        self.signals
            .handle_lamps(now(at_ms), InputId(0), &self.lamps);
    }

    fn told(&mut self, at_ms: u64, run: &Run) -> Option<Told> {
        let now = now(at_ms);
        let forecast = self.signals.forecast(now)?;
        let state = forecast.phases.get(run.phase)?.states.first()?;
        let timing = state.timing.filter(|_| state.light == run.light)?;
        let End::At { min, max, likely } = timing.end else {
            return None;
        };
        let left_s = |moment: Mono| moment.seconds_after(now.mono);
        Some(Told {
            likely_s: left_s(likely),
            min_s: min.map(left_s),
            max_s: max.map(left_s),
            confidence: timing.confidence,
        })
    }
}

/// What the two simple forecasts know, by phase and light.
#[derive(Default)]
struct Simple {
    last_s: BTreeMap<(usize, Light), f64>,
    /// Sum and count, also by weekday and hour.
    at_this_hour: BTreeMap<(usize, Light, u64), (f64, f64)>,
}

impl Simple {
    fn forecast(&mut self, run: &Run) -> Option<[f64; 2]> {
        let length_s = (run.to_ms - run.from_ms) as f64 / 1e3;
        let hour = run.from_ms / 3_600_000 % (7 * 24);
        let last = self.last_s.insert((run.phase, run.light), length_s);
        let slot = self.at_this_hour.entry((run.phase, run.light, hour));
        let (sum, count) = slot.or_default();
        let mean = (*count > 0.0).then(|| *sum / *count);
        *sum += length_s;
        *count += 1.0;
        Some([last?, mean?])
    }
}

/// The lights of a window that count, in order of their end.
fn runs(window: &Window, phases: usize, simple: &mut Simple) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut open = ArrayVec::<Option<(Light, Option<u64>)>, MAX_PHASES>::new();
    open.extend((0..phases).map(|_| None));
    for change in &window.changes {
        let Some(open) = open.get_mut(change.phase) else {
            continue;
        };
        let light = super::merged(change.light);
        let before = *open;
        match before {
            Some((before, _)) if before == light => continue,
            // The first light of a window was on before it.
            None => *open = Some((light, None)),
            Some(_) => *open = Some((light, Some(change.at_ms))),
        }
        let Some((before, Some(from_ms))) = before else {
            continue;
        };
        let counts = matches!(before, Light::Green | Light::Yellow | Light::Red);
        if counts && change.at_ms > from_ms {
            let mut run = Run {
                phase: change.phase,
                light: before,
                from_ms,
                to_ms: change.at_ms,
                simple_s: None,
            };
            run.simple_s = simple.forecast(&run);
            runs.push(run);
        }
    }
    runs
}

fn looks(runs: &[Run]) -> Vec<Look> {
    let mut looks = Vec::new();
    for (run, Run { from_ms, to_ms, .. }) in runs.iter().enumerate() {
        for (horizon, before_s) in HORIZONS_S.into_iter().enumerate() {
            let before_ms = u64::from(before_s) * 1000;
            if to_ms - from_ms >= before_ms {
                looks.push(Look {
                    at_ms: to_ms - before_ms,
                    run,
                    horizon: Some(horizon),
                });
            }
        }
        for at_ms in (*from_ms..*to_ms).step_by(1000) {
            looks.push(Look {
                at_ms,
                run,
                horizon: None,
            });
        }
    }
    looks.sort_by_key(|look| look.at_ms);
    looks
}

fn now(at_ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(at_ms.saturating_mul(1_000_000)),
        utc: Utc::from_unix_ns(
            i64::try_from(at_ms).map_or(i64::MAX, |ms| ms.saturating_mul(1_000_000)),
        ),
    }
}

#[cfg(test)]
mod tests;
