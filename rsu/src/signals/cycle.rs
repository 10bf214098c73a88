//! The plan that a controller runs, and where in it the controller is.
//!
//! A plan says what every lamp group shows in each second of the cycle, not when the cycle began.
//! That is found by comparing: at which second of the cycle do all lamps show what is reported, with
//! the same seconds left? Only one may fit. From then on every report is held against the plan; lamps
//! that do not fit take the plan's word away until the next that do. Countdowns alone that do not fit
//! make it a word without bounds; it is taken away when the next countdowns mean the same.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::anchor::{Anchor, Heard, Rounding};
use super::forecast::{self, Basis, End, MAX_STATES, Start, StateForecast, Timing};
use super::pace::Pace;
use super::succession::Succession;
use super::tell::Patience;
use super::watch::Watch;
use super::{Oddities, merged};
use crate::clock::Mono;
use crate::report::{LampPlan, LampState, LampStates, Light, MAX_LAMPS, MAX_STEPS, SignalPlan};

/// A longer cycle is none: it bounds the search, and no junction makes anybody wait so long.
const MAX_CYCLE_S: u32 = 1200;
/// A second of the cycle that lasts longer is news: the cycle stands still, or began anew.
const SECOND_OVER: Duration = Duration::from_millis(1400);
/// A second that is met anywhere in it may have begun a whole second before.
const VAGUE: Duration = Duration::from_secs(1);
/// Countdowns of two reports that differ by less mean the same end.
const SAME_END_S: f64 = 1.2;

/// A controller's plan and its place in it.
#[derive(Debug, Default)]
pub(super) struct Cycle {
    lamps: ArrayVec<Sequence, MAX_LAMPS>,
    length_s: u32,
    /// When the running cycle began; None while the lamps do not follow the plan.
    began: Option<Anchor>,
    /// Second of the cycle at the last report, and when it was first reported.
    second: u32,
    second_at: Mono,
    /// When the last report that fits arrived.
    heard_at: Mono,
    pace: Pace,
    /// When lamp groups end by countdowns that did not fit the plan, if the last ones did not.
    doubts: ArrayVec<(u16, Mono), MAX_LAMPS>,
    /// What was said of the plan after this one.
    succession: Succession,
}

/// What the plan has to say of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// All of its states.
    Told,
    /// By the plan its light is over, and nobody has seen what came.
    Overdue,
    /// Nothing: it is not followed now, or does not know the phase.
    Nothing,
}

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adopted {
    /// It is the one that was known.
    Known,
    /// It is another one.
    New,
    /// It cannot be one.
    Refused,
}

/// One lamp group through the cycle, colours that count down together joined.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sequence {
    lamp: u16,
    spans: ArrayVec<Span, MAX_STEPS>,
}

/// One colour of a lamp group. The last of a cycle may reach into the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    light: Light,
    start_s: u32,
    length_s: u32,
}

impl Cycle {
    /// Takes up a plan.
    pub(super) fn adopt(&mut self, at: Mono, plan: &SignalPlan) -> Adopted {
        let Some(length_s) = length_s(plan) else {
            self.forget();
            return Adopted::Refused;
        };
        if self.is_of(plan, length_s) {
            self.succession.goes_on(at);
            return Adopted::Known;
        }
        self.lamps.clear();
        self.lamps.extend(plan.lamps.iter().map(joined));
        self.length_s = length_s;
        self.began = None;
        self.doubts.clear();
        self.succession = Succession::default();
        Adopted::New
    }

    /// Hears which plan the next cycle runs.
    pub(super) fn expect(&mut self, plan: &SignalPlan) -> Adopted {
        let Some(length_s) = length_s(plan) else {
            return Adopted::Refused;
        };
        if self.is_of(plan, length_s) {
            self.succession.call_off();
            return Adopted::Known;
        }
        self.succession.announce();
        Adopted::New
    }

    fn is_of(&self, plan: &SignalPlan, length_s: u32) -> bool {
        let mut lamps = plan.lamps.iter().zip(&self.lamps);
        length_s == self.length_s
            && plan.lamps.len() == self.lamps.len()
            && lamps.all(|(new, old)| joined(new) == *old)
    }

    /// Holds a report against the plan; false if there is a plan that it does not fit.
    pub(super) fn hear(
        &mut self,
        arrived: Mono,
        news: &LampStates,
        oddities: &mut Oddities,
    ) -> bool {
        if self.length_s == 0 {
            return true;
        }
        let Some(second) = self.locate(arrived, news) else {
            if !self.holds_against(arrived, news) {
                self.began = None;
                self.doubts.clear();
            }
            return false;
        };
        self.doubts.clear();
        let pause = arrived.since(std::mem::replace(&mut self.heard_at, arrived));
        let begun = self.pace.is_usual(pause);
        self.pace.note(pause);
        // A report in the middle of a second says nothing about when the second began; nor does the
        // echo of the second before.
        let told = [
            self.second,
            (self.second + self.length_s - 1) % self.length_s,
        ];
        let again = self.began.is_some() && told.contains(&second);
        if again && arrived.since(self.second_at) < SECOND_OVER {
            return true;
        }
        self.second_at = arrived;
        let implied = arrived - Duration::from_secs(second.into());
        match &mut self.began {
            Some(began) => {
                let length = Duration::from_secs(self.length_s.into());
                let cycles = (implied.since(began.at) + length / 2).as_secs() / length.as_secs();
                began.advance(length * u32::try_from(cycles).unwrap_or(u32::MAX));
                // Until a second was seen to begin, all that is known is that it was told by then.
                let slack = if begun { Duration::ZERO } else { VAGUE };
                if began.hear(implied, slack, begun, Rounding::Up) == Heard::ChangedMind {
                    oddities.changed_minds += 1;
                }
            }
            began => *began = Some(Anchor::new(implied, VAGUE)),
        }
        self.second = second;
        if let Some(began) = self.began {
            let length = Duration::from_secs(self.length_s.into());
            self.succession.follow(arrived, began.at + length, length);
        }
        true
    }

    /// Whether the lamps follow the plan.
    pub(super) fn is_followed(&self) -> bool {
        self.began.is_some()
    }

    /// When the light of a phase ends by the plan, where the plan is followed and not in doubt.
    pub(super) fn end(&self, watch: &Watch) -> Option<Mono> {
        let began = self.began.filter(|_| self.doubts.is_empty())?;
        let sequence = self.sequence_of(watch)?;
        let (running, start) = sequence.at(self.second, began.at, self.length_s)?;
        let span = sequence.spans[running];
        let ends = sequence.spans.len() > 1 && span.light == watch.light;
        let end = start + span.length();
        (ends && self.succession.holds(end)).then_some(end)
    }

    /// Forgets the plan.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether the plan has two phases green in the same second.
    pub(super) fn has_both_green(&self, a: &Watch, b: &Watch) -> bool {
        let (Some(a), Some(b)) = (self.sequence_of(a), self.sequence_of(b)) else {
            return false;
        };
        let green = |sequence: &Sequence, second| {
            let found = sequence.span_at(second, self.length_s);
            found.is_some_and(|(place, _)| sequence.spans[place].light == Light::Green)
        };
        (0..self.length_s).any(|second| green(a, second) && green(b, second))
    }

    /// Every state of a phase, from the one that the controller shows.
    pub(super) fn states(
        &self,
        watch: &Watch,
        at: Mono,
        patience: Patience,
        out: &mut ArrayVec<StateForecast, MAX_STATES>,
    ) -> Word {
        let Some((began, sequence)) = self.began.zip(self.sequence_of(watch)) else {
            return Word::Nothing;
        };
        let running = sequence.at(self.second, began.at, self.length_s);
        let Some((running, start)) = running else {
            return Word::Nothing;
        };
        let span = sequence.spans[running];
        if span.light != watch.light {
            return Word::Nothing;
        }
        let endless = sequence.spans.len() == 1;
        let end = if endless {
            Mono::NEVER
        } else {
            start + span.length()
        };
        if !self.succession.holds(end) {
            return Word::Nothing;
        }
        if endless {
            out.push(state(
                span.light,
                Start::Running { since: None },
                End::Endless,
                None,
            ));
            return Word::Told;
        }
        if watch.is_over(end, at, patience.unseen) {
            return Word::Overdue;
        }
        if at.since(end) > patience.seen {
            return Word::Nothing;
        }
        sequence.tell(running, start, at, (began.doubt(), began.overdue()), out);
        if !self.succession.holds(Mono::NEVER) {
            forecast::only(out, |end| self.succession.holds(end));
        }
        if !self.doubts.is_empty() {
            forecast::unsettle(out);
        }
        Word::Told
    }

    /// Whether the plan keeps its word against a report that does not fit it: the lamps must show
    /// what it has for this second, and their countdowns mean another end than the last ones did.
    fn holds_against(&mut self, arrived: Mono, news: &LampStates) -> bool {
        let Some(began) = self.began else {
            return false;
        };
        let near = self.near(began, arrived);
        let shown = near.into_iter().find(|second| {
            self.matches(news, |sequence, lamp| {
                sequence.shows(*second, self.length_s, lamp)
            })
        });
        let Some(second) = shown else { return false };
        let mut doubts = ArrayVec::<(u16, Mono), MAX_LAMPS>::new();
        for lamp in &news.lamps {
            let told = self.lamps.iter().find(|known| known.lamp == lamp.lamp);
            let unfit = told.is_some_and(|known| !known.fits(second, self.length_s, lamp));
            if let Some(left_s) = lamp.countdown_s.filter(|_| unfit) {
                let end = arrived + Duration::from_secs(left_s.into());
                // As many as there are lamps.
                let _ = doubts.try_push((lamp.lamp, end));
            }
        }
        let meant_before = |(lamp, end): &(u16, Mono)| {
            let mut before = self.doubts.iter();
            let found = before.find(|(other, _)| other == lamp);
            found.is_some_and(|(_, before)| end.seconds_after(*before).abs() < SAME_END_S)
        };
        let meant = doubts.iter().all(meant_before);
        (self.second, self.second_at) = (second, arrived);
        self.doubts = doubts;
        !meant
    }

    /// The sequence of a phase's lamp groups, if they share one.
    fn sequence_of(&self, watch: &Watch) -> Option<&Sequence> {
        let mut lamps = self
            .lamps
            .iter()
            .filter(|lamp| watch.lamps.contains(&lamp.lamp));
        let first = lamps.next()?;
        lamps.all(|lamp| lamp.spans == first.spans).then_some(first)
    }

    /// The one second of the cycle that a report fits, the expected one first.
    fn locate(&self, arrived: Mono, news: &LampStates) -> Option<u32> {
        if let Some(began) = self.began {
            let mut near = self.near(began, arrived).into_iter();
            if let Some(second) = near.find(|second| self.fits(*second, news)) {
                return Some(second);
            }
        }
        let mut fits = (0..self.length_s).filter(|second| self.fits(*second, news));
        let only = fits.next()?;
        fits.next().is_none().then_some(only)
    }

    /// The second of the cycle in which a report should be, and its neighbours.
    fn near(&self, began: Anchor, arrived: Mono) -> [u32; 3] {
        let into = arrived.since(began.at) + Duration::from_millis(500);
        let expected = (into.as_secs() % u64::from(self.length_s)) as u32;
        [expected, expected + self.length_s - 1, expected + 1].map(|second| second % self.length_s)
    }

    fn fits(&self, second: u32, news: &LampStates) -> bool {
        self.matches(news, |sequence, shown| {
            sequence.fits(second, self.length_s, shown)
        })
    }

    /// Whether all lamp groups of a report that the plan knows, and at least one, are as wanted.
    fn matches(&self, news: &LampStates, wanted: impl Fn(&Sequence, &LampState) -> bool) -> bool {
        let mut known = 0;
        for sequence in &self.lamps {
            let mut lamps = news.lamps.iter();
            let Some(shown) = lamps.find(|shown| shown.lamp == sequence.lamp) else {
                continue;
            };
            if !wanted(sequence, shown) {
                return false;
            }
            known += 1;
        }
        known > 0
    }
}

impl Sequence {
    /// Whether a lamp group shows what it should, whatever it counts.
    fn shows(&self, second: u32, cycle_s: u32, shown: &LampState) -> bool {
        let found = self.span_at(second, cycle_s);
        found.is_some_and(|(place, _)| self.spans[place].light == merged(shown.light))
    }

    fn fits(&self, second: u32, cycle_s: u32, shown: &LampState) -> bool {
        let Some((place, into_s)) = self.span_at(second, cycle_s) else {
            return false;
        };
        let span = self.spans[place];
        let left_s = span.length_s - into_s;
        let endless = self.spans.len() == 1;
        let counts = shown
            .countdown_s
            .is_none_or(|s| endless || u32::from(s) == left_s);
        span.light == merged(shown.light) && counts
    }

    /// The span that covers a second of the cycle, and how far into it that is.
    fn span_at(&self, second: u32, cycle_s: u32) -> Option<(usize, u32)> {
        self.spans.iter().enumerate().find_map(|(place, span)| {
            let into_s = (second + cycle_s - span.start_s % cycle_s) % cycle_s;
            (into_s < span.length_s).then_some((place, into_s))
        })
    }

    /// The span that covers a second of the cycle, and when this occurrence of it began.
    fn at(&self, second: u32, began: Mono, cycle_s: u32) -> Option<(usize, Mono)> {
        let (place, into_s) = self.span_at(second, cycle_s)?;
        let start_s = f64::from(second) - f64::from(into_s);
        Some((place, began.offset_by(start_s)))
    }

    /// Every light once, from the running span on; all of it may come so much sooner or later.
    fn tell(
        &self,
        running: usize,
        start: Mono,
        at: Mono,
        (sooner, later): (Duration, Duration),
        out: &mut ArrayVec<StateForecast, MAX_STATES>,
    ) {
        let mut start = start;
        for step in 0..self.spans.len() {
            let span = self.span(running + step);
            let end = (start + span.length()).max(at);
            if !out.iter().any(|state| state.light == span.light) {
                let begins = if step == 0 {
                    Start::Running { since: Some(start) }
                } else {
                    Start::At(start.max(at))
                };
                let exact = End::At {
                    min: Some((end - sooner).max(at)),
                    max: Some(end + later),
                    likely: end,
                };
                let next = self.next(running + step, start);
                out.push(state(span.light, begins, exact, next));
            }
            start += span.length();
        }
    }

    /// The next time that a span's light comes, after the span at `place` that starts at `start`.
    fn next(&self, place: usize, start: Mono) -> Option<(Mono, Duration)> {
        let light = self.span(place).light;
        let mut start = start;
        for step in 0..self.spans.len() {
            start += self.span(place + step).length();
            let following = self.span(place + step + 1);
            if following.light == light {
                return Some((start, following.length()));
            }
        }
        None
    }

    /// Going round and round.
    fn span(&self, place: usize) -> Span {
        self.spans[place % self.spans.len()]
    }
}

impl Span {
    fn length(&self) -> Duration {
        Duration::from_secs(self.length_s.into())
    }
}

fn state(light: Light, start: Start, end: End, next: Option<(Mono, Duration)>) -> StateForecast {
    let timing = Timing {
        start,
        end,
        confidence: Some(1.0),
        basis: Basis::Plan,
        next,
    };
    StateForecast {
        light,
        timing: Some(timing),
    }
}

/// Of the cycle of a plan; None of one that cannot be.
fn length_s(plan: &SignalPlan) -> Option<u32> {
    let length_s = plan.lamps.first().map_or(0, total_s);
    let one_cycle = plan.lamps.iter().all(|lamp| total_s(lamp) == length_s);
    let sound = length_s > 0 && length_s <= MAX_CYCLE_S && one_cycle;
    sound.then_some(length_s)
}

fn total_s(lamp: &LampPlan) -> u32 {
    lamp.steps
        .iter()
        .map(|step| u32::from(step.duration_s))
        .sum()
}

/// A lamp group's steps as spans: neighbours of one merged colour are one, also over the cycle's end.
fn joined(lamp: &LampPlan) -> Sequence {
    let mut spans = ArrayVec::<Span, MAX_STEPS>::new();
    let mut start_s = 0;
    for step in lamp.steps.iter().filter(|step| step.duration_s > 0) {
        let (light, length_s) = (merged(step.light), u32::from(step.duration_s));
        match spans.last_mut().filter(|last| last.light == light) {
            Some(last) => last.length_s += length_s,
            None => spans.push(Span {
                light,
                start_s,
                length_s,
            }),
        }
        start_s += length_s;
    }
    if spans.len() > 1 && spans[0].light == spans[spans.len() - 1].light {
        let first = spans.remove(0);
        let last = spans.len() - 1;
        spans[last].length_s += first.length_s;
    }
    Sequence {
        lamp: lamp.lamp,
        spans,
    }
}
