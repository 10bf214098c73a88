//! What may be told of a phase at a moment: all that is known, then less and less.
//!
//! A fresh controller: by its plan if the lamps follow one, else by its countdown, else by the past. A
//! green or yellow that has passed its end without a word since is told no more: what came instead
//! nobody has seen, and the message is dated by what was seen.
//! A silent one, and a lamp that is mentioned no more: by the plan that was followed, with falling
//! confidence; then its light, as long as that was promised to be on, but no longer than a whole junction
//! that is silent is spoken of; then nothing. Not here: conflicts, which take every light.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::Config;
use super::controller::Controller;
use super::cycle::Word;
use super::forecast::{self, End, MAX_STATES, StateForecast};
use super::history::History;
use super::mode::{follows_a_plan, gives_nobody_green, is_fixed, is_untimed};
use super::watch::Watch;
use crate::clock::Mono;
use crate::report::Light;

/// All that is known of the signals.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) config: &'a Config,
    pub(super) controllers: &'a [Controller],
    pub(super) watches: &'a [Watch],
    pub(super) history: &'a History,
    pub(super) patience: Patience,
}

/// How long a light that has passed its end still holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Of a light that stops, or is still shown: it is then said to end now.
    pub(super) seen: Duration,
    /// Of a light that lets traffic go, with no word since: as long as the word may be on its way.
    pub(super) unseen: Duration,
}

impl Known<'_> {
    /// The states of a phase; none where not even its light may be told.
    pub(super) fn states(
        self,
        place: usize,
        at: Mono,
        out: &mut ArrayVec<StateForecast, MAX_STATES>,
    ) {
        let watch = &self.watches[place];
        let Some(age) = watch.age(at) else { return };
        let mode = self.controllers[watch.controller].mode;
        if age > self.config.no_timing_after {
            self.in_silence(watch, age, at, out);
        } else if watch.light == Light::Green && gives_nobody_green(mode) {
            out.push(StateForecast::bare(Light::Unknown));
        } else if is_untimed(mode) || watch.light == Light::Unknown {
            out.push(StateForecast::bare(watch.light));
        } else {
            self.by_what_is_known(place, at, out);
        }
    }

    /// Whether a phase is told to be green now.
    pub(super) fn tells_green(self, place: usize, at: Mono) -> bool {
        let mut states = ArrayVec::new();
        self.states(place, at, &mut states);
        states
            .first()
            .is_some_and(|state| state.light == Light::Green)
    }

    fn by_what_is_known(
        self,
        place: usize,
        at: Mono,
        out: &mut ArrayVec<StateForecast, MAX_STATES>,
    ) {
        let watch = &self.watches[place];
        let controller = &self.controllers[watch.controller];
        if follows_a_plan(controller.mode) {
            match controller.cycle.states(watch, at, self.patience, out) {
                Word::Told => return self.bound(watch, at, out),
                Word::Overdue => return,
                Word::Nothing => {}
            }
        }
        if watch.is_overdue(at, self.patience.unseen) {
            return;
        }
        if watch.is_counting() {
            let fixed = follows_a_plan(controller.mode);
            let running = watch.running(at, self.patience.seen, &controller.drift, fixed);
            out.push(forecast::with_next(running, self.history.next(place)));
        } else {
            let (light, since, limits) = (watch.light, watch.since(), watch.limits(at));
            let state = match self.history.expected(place, at) {
                Some(expected) => forecast::by_history(light, since, at, expected),
                None => forecast::by_limits(light, since, at, limits),
            };
            out.push(forecast::within(state, limits, at));
        }
    }

    /// A plan is exact only in fixed time, and where it was kept. Elsewhere, and where somebody has
    /// called it off lately, its ends are as sure as such ends have been.
    fn bound(self, watch: &Watch, at: Mono, out: &mut [StateForecast]) {
        let controller = &self.controllers[watch.controller];
        if is_fixed(controller.mode) && controller.drift.is_none() {
            return;
        }
        let running = out.first().and_then(|state| state.timing);
        // Without bounds already: countdowns speak against it.
        let Some(End::At {
            likely,
            max: Some(_),
            ..
        }) = running.map(|timing| timing.end)
        else {
            return;
        };
        let left = likely.since(at);
        let margins = controller.drift.margins(watch.light, left);
        forecast::loosen(out, margins, watch.share_kept(left), at);
    }

    /// Whether a light of which nothing is heard is told all the same, without a time: it was promised to be
    /// on, and that has not been too long ago. Whoever has died cannot keep its word.
    pub(super) fn holds(self, watch: &Watch, at: Mono) -> bool {
        let recent = |age| age <= self.config.stop_after;
        watch.age(at).is_some_and(recent) && watch.outlasts(at)
    }

    fn in_silence(
        self,
        watch: &Watch,
        age: Duration,
        at: Mono,
        out: &mut ArrayVec<StateForecast, MAX_STATES>,
    ) {
        let controller = &self.controllers[watch.controller];
        let lasts = self.config.plan_lasts;
        let none = Patience {
            seen: Duration::ZERO,
            unseen: Duration::ZERO,
        };
        if age <= lasts
            && follows_a_plan(controller.mode)
            && controller.cycle.states(watch, at, none, out) == Word::Told
        {
            self.bound(watch, at, out);
            let gone = age.as_secs_f32() / lasts.as_secs_f32();
            forecast::doubt(out, (1.0 - gone).clamp(0.0, 1.0));
        } else if self.holds(watch, at) {
            out.push(StateForecast::bare(watch.light));
        }
    }
}
