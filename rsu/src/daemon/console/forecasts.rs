//! How far off forecasts have been since the unit began: what was told five seconds before a light
//! changed, against when it did. Seen by the views that the page is given, ten a second.
//!
//! Not here: what forecasts of recorded signals would have been worth ([`crate::signals::score`]).

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::clock::Mono;
use crate::report::Light;
use crate::signals::{End, Forecast, PhaseForecast};

/// So long before a change its forecast is taken.
const AHEAD_S: f64 = 5.0;
/// Forecasts of one light that are remembered: those of twice that time, ten a second.
const MOST: usize = 100;

/// Bounds of the histogram of errors.
pub(super) const BOUNDS_S: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// What came of the forecasts of every phase.
#[derive(Debug, Default)]
pub(super) struct Forecasts {
    of: BTreeMap<u8, Past>,
}

#[derive(Debug, Default)]
struct Past {
    light: Option<Light>,
    /// When something was told of its end, and what.
    told: VecDeque<(Mono, Mono)>,
    errors: Errors,
    most_s: f64,
}

/// How far off forecasts were, by how much.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Errors {
    /// Up to each of [`BOUNDS_S`], and not to the one before.
    pub(super) within: [u64; BOUNDS_S.len()],
    /// Beyond the last.
    pub(super) beyond: u64,
    pub(super) sum_s: f64,
}

impl Errors {
    fn count(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.beyond
    }

    fn note(&mut self, off_s: f64) {
        self.sum_s += off_s;
        let place = BOUNDS_S.iter().position(|bound| off_s <= *bound);
        match place.and_then(|place| self.within.get_mut(place)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
    }
}

/// How far off the forecasts of a phase were.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Off {
    phase: u8,
    count: u64,
    mean_s: f64,
    most_s: f64,
}

impl Forecasts {
    /// Holds what was told against what is.
    pub(super) fn follow(&mut self, at: Mono, forecast: Option<&Forecast>) {
        let phases = forecast.map_or(&[][..], |forecast| &forecast.phases);
        for (id, past) in &mut self.of {
            // Of a light that is not seen the end is not seen either.
            if phases.iter().all(|phase| phase.phase.value() != *id) {
                past.light = None;
                past.told.clear();
            }
        }
        for phase in phases {
            let past = self.of.entry(phase.phase.value()).or_default();
            past.follow(at, phase);
        }
    }

    /// Of the phases of which a forecast has come to its end, in their order.
    pub(super) fn off(&self) -> Vec<Off> {
        let milli = |seconds: f64| (seconds * 1e3).round() / 1e3;
        let known = self.of.iter().filter(|(_, past)| past.errors.count() > 0);
        known
            .map(|(phase, past)| Off {
                phase: *phase,
                count: past.errors.count(),
                mean_s: milli(past.errors.sum_s / past.errors.count() as f64),
                most_s: milli(past.most_s),
            })
            .collect()
    }

    /// By phase, in their order.
    pub(super) fn errors(&self) -> Vec<(u8, Errors)> {
        let all = self.of.iter().map(|(phase, past)| (*phase, past.errors));
        all.collect()
    }
}

impl Past {
    fn follow(&mut self, at: Mono, phase: &PhaseForecast) {
        let running = phase.states.first();
        let light = running.map(|state| state.light);
        if light != self.light {
            let early = |(said, _): &&(Mono, Mono)| at.seconds_after(*said) >= AHEAD_S;
            if let Some((_, end)) = self.told.iter().rev().find(early) {
                let off_s = end.seconds_after(at).abs();
                self.errors.note(off_s);
                self.most_s = self.most_s.max(off_s);
            }
            self.told.clear();
            self.light = light;
        }
        let end = running
            .and_then(|state| state.timing)
            .map(|timing| timing.end);
        if let Some(End::At { likely, .. }) = end {
            if self.told.len() == MOST {
                self.told.pop_front();
            }
            self.told.push_back((at, likely));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::{Basis, Start, StateForecast, Timing};
    use crate::site::GreenKind;
    use std::time::Duration;
    use v2x_msg::base::PhaseId;
    use v2x_msg::kinds::spat::Status;

    fn at(s: f64) -> Mono {
        Mono::ZERO.offset_by(s)
    }

    /// A phase of which the running light is told to end then.
    fn told(light: Light, end_s: Option<f64>, now_s: f64) -> Forecast {
        let timing = end_s.map(|end_s| Timing {
            start: Start::Running { since: None },
            end: End::At {
                min: None,
                max: None,
                likely: at(end_s),
            },
            confidence: None,
            basis: Basis::Plan,
            next: None,
        });
        let state = StateForecast { light, timing };
        let phase = PhaseForecast {
            phase: PhaseId::new(7).unwrap(),
            green: GreenKind::Protected,
            states: [state].into_iter().collect(),
        };
        Forecast {
            collected_at: at(now_s),
            timing_error: Duration::ZERO,
            status: Status::default(),
            phases: [phase].into_iter().collect(),
        }
    }

    #[test]
    fn what_was_told_five_seconds_before_a_change_is_held_against_it() {
        let mut forecasts = Forecasts::default();
        for tenth in 0..=200 {
            let now_s = f64::from(tenth) / 10.0;
            // Told as 21 until shortly before, and right in the last seconds, which does not count.
            let end_s = if now_s < 16.0 { 21.0 } else { 20.0 };
            forecasts.follow(at(now_s), Some(&told(Light::Green, Some(end_s), now_s)));
        }
        assert!(forecasts.off().is_empty(), "nothing has come to its end");
        forecasts.follow(at(20.1), Some(&told(Light::Yellow, Some(23.0), 20.1)));
        let [off] = &forecasts.off()[..] else {
            panic!("one phase")
        };
        assert_eq!((off.phase, off.count), (7, 1));
        assert!(
            (off.mean_s - 0.9).abs() < 1e-6 && (off.most_s - 0.9).abs() < 1e-6,
            "{off:?}"
        );
        let [(7, errors)] = forecasts.errors()[..] else {
            panic!("one phase")
        };
        assert_eq!(
            (errors.within, errors.beyond),
            ([0, 0, 0, 1, 0, 0, 0, 0], 0)
        );
    }

    #[test]
    fn what_is_not_seen_or_not_told_does_not_count() {
        let mut forecasts = Forecasts::default();
        // Told for too short a time, told nothing, and silent at the change.
        for (from_s, end_s) in [(0.0, Some(3.0)), (10.0, None)] {
            forecasts.follow(at(from_s), Some(&told(Light::Red, end_s, from_s)));
            forecasts.follow(at(from_s + 3.0), Some(&told(Light::Green, None, from_s)));
        }
        forecasts.follow(at(30.0), Some(&told(Light::Red, Some(40.0), 30.0)));
        forecasts.follow(at(38.0), None);
        forecasts.follow(at(41.0), Some(&told(Light::Green, Some(60.0), 41.0)));
        assert_eq!(forecasts.off(), []);
    }
}
