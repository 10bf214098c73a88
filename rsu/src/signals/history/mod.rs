//! What the past tells of the end of a light that nobody announces.
//!
//! - `samples`: how long something lasted the last times
//! - `reliability`: how often a stated confidence was deserved
//!
//! Of each phase and light it is learned how long it lasts, and how long it still lasts after another
//! lamp has changed: a red that follows a neighbour's yellow is known to the tenth, a green that
//! starts flashing too. The likely end is the one with the least expected error relative to the time
//! left. Its confidence is what forecasts of that sort have been worth. While every lamp is dark, nothing
//! is learned or told: an outage is no light. Memory is bounded and taken at
//! the start. Not here: what a controller announces.

mod reliability;
mod samples;

use arrayvec::ArrayVec;

use self::reliability::{Open, Reliability};
use self::samples::{Samples, Voice, time_left};
use crate::clock::Mono;
use crate::report::Light;

/// Lengths of a light that are remembered.
const DEPTH: usize = 64;
/// Times that are remembered from another lamp's change to the end of a light.
const CUE_DEPTH: usize = 16;
/// Changes of other lamps during one light that are learned from; of more, the newest.
const MOST_CUES: usize = 24;
/// A cue speaks from so many times on.
const CUE_FROM: usize = 3;
/// What a cue counts where the length alone counts one.
const CUE_SHARE: f32 = 4.0;
/// Confidence is told from so many lengths on, bounds from so many.
const CONFIDENT_FROM: usize = 3;
const BOUNDS_FROM: usize = 10;
/// A dark lamp is one that is dark in each cycle, or an outage: its end is told from so many lengths on.
const DARK_FROM: usize = 10;
/// How far beyond all that came a bound is set: share of the length, at first, at least and at most.
const MARGIN: f32 = 0.5;
const MARGINS: std::ops::RangeInclusive<f32> = 0.1..=3.0;
/// A broken bound widens the margin by so much, a kept one narrows it by so much: in balance where
/// one in a hundred breaks.
const WIDEN: f32 = 1.5;
const NARROW: f32 = 0.996;
/// What is expected is thought over no more often than this, and holds for so long, in seconds.
const NOTE_EVERY_S: f64 = 0.95;
const NOTED_FOR_S: f64 = 1.1;
/// A length beyond this is not learned, in seconds.
const LONGEST_S: f64 = 7200.0;
/// What is left of a light that has lasted longer than ever, in seconds: it may end at any moment.
const OVERDUE_LEFT_S: f32 = 1.0;

/// What was learned of the phases of one junction.
#[derive(Debug)]
pub(super) struct History {
    phases: Vec<Past>,
    /// Times from a cue to the end: by phase, its light, the phase that gave the cue, and how.
    cues: Vec<Samples<CUE_DEPTH>>,
    reliability: Reliability,
}

/// What the past tells of the running light, in seconds from now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) likely_s: f32,
    pub(super) min_s: Option<f32>,
    pub(super) max_s: Option<f32>,
    /// Probability that the end is within a second of the likely one; None before that was tried
    /// often enough.
    pub(super) confidence: Option<f32>,
    /// When the same light comes again after its end, and how long it lasts then; None where that
    /// was not mostly the same.
    pub(super) next_s: Option<Next>,
}

/// A light that comes again, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Next {
    /// From its end to its next beginning.
    pub(super) away_s: f32,
    pub(super) length_s: f32,
}

/// One phase.
#[derive(Debug)]
struct Past {
    lengths: [Lengths; LIGHTS],
    running: Running,
}

/// How long one light of a phase lasted.
#[derive(Clone, Debug)]
struct Lengths {
    samples: Samples<DEPTH>,
    margin: f32,
    /// From its end to its next beginning.
    away: Samples<CUE_DEPTH>,
    ended_at: Option<Mono>,
}

/// The light that is on.
#[derive(Debug)]
struct Running {
    light: Option<usize>,
    since: Option<Mono>,
    cues: ArrayVec<(usize, Mono), MOST_CUES>,
    /// The newest cue that has something to say.
    cue: Option<(usize, Mono)>,
    open: Open,
    noted: Option<Noted>,
}

/// What was expected of the running light when it was last thought about.
#[derive(Clone, Copy, Debug)]
struct Noted {
    at: Mono,
    end: Mono,
    sure: f32,
}

impl History {
    /// Of so many phases.
    pub(super) fn new(phases: usize) -> Self {
        let past = || Past {
            lengths: std::array::from_fn(|_| Lengths {
                samples: Samples::EMPTY,
                margin: MARGIN,
                away: Samples::EMPTY,
                ended_at: None,
            }),
            running: Running::new(None, None),
        };
        Self {
            phases: (0..phases).map(|_| past()).collect(),
            cues: vec![Samples::EMPTY; phases * LIGHTS * phases * CUES],
            reliability: Reliability::NEW,
        }
    }

    /// A phase has changed its light; `since` where the moment is known.
    pub(super) fn changed(&mut self, phase: usize, light: Light, since: Option<Mono>) {
        self.end(phase, since);
        let past = &mut self.phases[phase];
        past.running = Running::new(class(light), since);
        let Some(light) = past.running.light else {
            return;
        };
        if light == DARK && self.is_out() {
            // However long that lasts, it is no length of a light, nor of a cycle.
            return (0..self.phases.len()).for_each(|phase| self.lost(phase));
        }
        let past = &mut self.phases[phase];
        let lengths = &mut past.lengths[light];
        if let (Some(since), Some(ended_at)) = (since, lengths.ended_at.take())
            && since.seconds_after(ended_at) <= LONGEST_S
        {
            lengths.away.add(passed_s(ended_at, since));
        }
    }

    /// A phase has changed its colour: a cue to all others.
    pub(super) fn cue_to_others(&mut self, from: usize, shown: Light, at: Mono) {
        for phase in 0..self.phases.len() {
            if phase != from {
                self.cue(phase, from, shown, at);
            }
        }
    }

    /// A phase shows its colour in another way, such as flashing: a cue to all, itself included.
    pub(super) fn cue_to_all(&mut self, from: usize, shown: Light, at: Mono) {
        for phase in 0..self.phases.len() {
            self.cue(phase, from, shown, at);
        }
    }

    /// Whether a phase is still in the light that it was in is not known any more.
    pub(super) fn lost(&mut self, phase: usize) {
        for lengths in &mut self.phases[phase].lengths {
            lengths.ended_at = None;
        }
        let light = self.phases[phase].running.light;
        self.phases[phase].running = Running::new(None, None);
        self.phases[phase].running.light = light;
    }

    /// Notes what is expected at a moment, to learn what it is worth; at most once a second.
    pub(super) fn note(&mut self, phase: usize, at: Mono) {
        let noted = self.phases[phase].running.noted;
        if noted.is_some_and(|noted| at.seconds_after(noted.at) < NOTE_EVERY_S) {
            return;
        }
        let Some((likely_s, sure)) = self.likely(phase, at) else {
            return;
        };
        let running = &mut self.phases[phase].running;
        let end = at.offset_by(f64::from(likely_s));
        running.noted = Some(Noted { at, end, sure });
        self.reliability.note(&mut running.open, sure, end);
    }

    /// When the running light of a phase is expected to end.
    pub(super) fn expected(&self, phase: usize, at: Mono) -> Option<Expected> {
        let past = &self.phases[phase];
        let darks = past.lengths[DARK].samples.len();
        if past.running.light == Some(DARK) && (darks < DARK_FROM || self.is_out()) {
            return None;
        }
        let lately = |noted: &Noted| at.seconds_after(noted.at) < NOTED_FOR_S && noted.end > at;
        let (likely_s, sure) = match past.running.noted.filter(lately) {
            Some(noted) => (passed_s(at, noted.end), noted.sure),
            None => self.likely(phase, at)?,
        };
        let bounds = || {
            let passed_s = passed_s(past.running.since?, at);
            past.lengths[past.running.light?].bounds(passed_s)
        };
        let bounds = bounds();
        let known = past
            .running
            .light
            .map_or(0, |light| past.lengths[light].samples.len());
        Some(Expected {
            likely_s,
            min_s: bounds.map(|(min_s, _)| min_s.min(likely_s)),
            max_s: bounds.and_then(|(_, max_s)| Some(max_s?.max(likely_s))),
            next_s: self.next(phase),
            confidence: (known >= CONFIDENT_FROM).then(|| self.reliability.deserved(sure)),
        })
    }

    /// The next time of the light that is on, where it mostly comes again in the same way.
    pub(super) fn next(&self, phase: usize) -> Option<Next> {
        let past = &self.phases[phase];
        let lengths = &past.lengths[past.running.light?];
        Some(Next {
            away_s: lengths.away.mostly()?,
            length_s: lengths.samples.mostly()?,
        })
    }

    /// Seconds left, and how sure that is by the lengths alone.
    fn likely(&self, phase: usize, at: Mono) -> Option<(f32, f32)> {
        let past = &self.phases[phase];
        let light = past.running.light?;
        const NONE: &Samples<1> = &Samples::EMPTY;
        let by_length = match past.running.since {
            Some(since) => Voice::new(&past.lengths[light].samples, passed_s(since, at), 1.0),
            None => Voice::new(NONE, 0.0, 0.0),
        };
        let by_cue = match past.running.cue {
            Some((place, since)) => Voice::new(&self.cues[place], passed_s(since, at), CUE_SHARE),
            None => Voice::new(NONE, 0.0, 0.0),
        };
        let known = past.lengths[light].samples.len();
        match time_left(&by_length, &by_cue) {
            Some(found) => Some(found),
            None => (past.running.since.is_some() && known > 0).then_some((OVERDUE_LEFT_S, 0.0)),
        }
    }

    /// The running light of a phase has ended: learn from it.
    fn end(&mut self, phase: usize, at: Option<Mono>) {
        let past = &mut self.phases[phase];
        let running = &mut past.running;
        let (Some(light), Some(at)) = (running.light, at) else {
            return;
        };
        self.reliability.settle(&mut running.open, at);
        for (place, cued_at) in running.cues.drain(..) {
            self.cues[place].add(passed_s(cued_at, at));
        }
        if let Some(since) = running.since
            && at.seconds_after(since) <= LONGEST_S
        {
            past.lengths[light].learn(passed_s(since, at));
        }
        past.lengths[light].ended_at = Some(at);
    }

    fn cue(&mut self, phase: usize, from: usize, shown: Light, at: Mono) {
        let place = cue(shown).and_then(|kind| self.cue_place(phase, from, kind));
        let Some(place) = place.filter(|_| !self.is_out()) else {
            return;
        };
        let running = &mut self.phases[phase].running;
        if running.cues.is_full() {
            running.cues.remove(0);
        }
        running.cues.push((place, at));
        if self.cues[place].len() >= CUE_FROM {
            running.cue = Some((place, at));
            running.noted = None;
        }
    }

    /// Whether every lamp is dark: the signals are off, or without power. Of one phase alone nobody can tell.
    fn is_out(&self) -> bool {
        let mut lights = self.phases.iter().map(|past| past.running.light);
        self.phases.len() > 1 && lights.all(|light| light == Some(DARK))
    }

    fn cue_place(&self, phase: usize, from: usize, kind: usize) -> Option<usize> {
        let light = self.phases[phase].running.light?;
        Some(((phase * LIGHTS + light) * self.phases.len() + from) * CUES + kind)
    }
}

impl Lengths {
    fn learn(&mut self, length_s: f32) {
        if let Some((min_s, max_s)) = self.bounds(0.0) {
            let broken = length_s < min_s || max_s.is_some_and(|max_s| length_s > max_s);
            let margin = self.margin * if broken { WIDEN } else { NARROW };
            self.margin = margin.clamp(*MARGINS.start(), *MARGINS.end());
        }
        self.samples.add(length_s);
    }

    /// Earliest and latest end after `passed_s`, in seconds from then; no latest where it is past.
    fn bounds(&self, passed_s: f32) -> Option<(f32, Option<f32>)> {
        let lengths = self.samples.lengths();
        if lengths.len() < BOUNDS_FROM {
            return None;
        }
        let shortest_s = lengths.first()? * (1.0 - self.margin) - 1.0;
        let longest_s = lengths.last()? * (1.0 + self.margin) + 1.0;
        let min_s = (shortest_s - passed_s).max(0.0);
        Some((
            min_s,
            (longest_s > passed_s).then_some(longest_s - passed_s),
        ))
    }
}

impl Running {
    fn new(light: Option<usize>, since: Option<Mono>) -> Self {
        Self {
            light,
            since,
            cues: ArrayVec::new(),
            cue: None,
            open: ArrayVec::new(),
            noted: None,
        }
    }
}

fn passed_s(since: Mono, at: Mono) -> f32 {
    at.since(since).as_secs_f32()
}

/// Lights whose lengths are learned.
const LIGHTS: usize = 4;
const DARK: usize = 3;

fn class(light: Light) -> Option<usize> {
    match light {
        Light::Red | Light::RedYellow => Some(0),
        Light::Green | Light::FlashingGreen => Some(1),
        Light::Yellow => Some(2),
        Light::Dark => Some(DARK),
        Light::Unknown | Light::FlashingRed | Light::FlashingYellow => None,
    }
}

/// Changes of lamps that may announce something.
const CUES: usize = 6;

fn cue(shown: Light) -> Option<usize> {
    match shown {
        Light::Red => Some(0),
        Light::RedYellow => Some(1),
        Light::Green => Some(2),
        Light::FlashingGreen => Some(3),
        Light::Yellow => Some(4),
        Light::Dark => Some(5),
        Light::Unknown | Light::FlashingRed | Light::FlashingYellow => None,
    }
}
