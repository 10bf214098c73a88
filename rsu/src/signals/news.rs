//! What a controller's lamps show, taken in: by each phase, by the running plan, and by the past.
//!
//! Not here: what is told of it.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::controller::Oddities;
use super::mode::{follows_a_plan, is_untimed};
use super::watch::{Countdown, Seen, Watch};
use super::{Change, MAX_PHASES, Signals};
use crate::clock::{Mono, Now};
use crate::report::{InputId, LampSpan, LampState, LampStates, Light};

impl Signals {
    /// Takes in what the lamps of one controller show. `now` is when the news arrived.
    pub fn handle_lamps(&mut self, now: Now, input: InputId, news: &LampStates) -> Change {
        let at = now.mono - news.held_up;
        let Some(place) = self.controller(input) else {
            return Change::Unchanged;
        };
        let controller = &mut self.controllers[place];
        if controller.heard_at.is_some_and(|heard| heard > at) {
            self.oddities.out_of_order += 1;
            return Change::Unchanged;
        }
        controller.heard_at = Some(at);
        controller.note_word(at, self.config.stop_after);
        let planned = follows_a_plan(controller.mode);
        if planned && !controller.cycle.hear(at, news, &mut self.oddities) {
            self.oddities.unplanned_states += 1;
        }
        let untimed = is_untimed(controller.mode);
        let mut changed = ArrayVec::<(usize, Seen), MAX_PHASES>::new();
        for phase in 0..self.watches.len() {
            if self.watches[phase].controller == place {
                let seen = self.hear(phase, at, news, untimed);
                changed.extend(seen.map(|seen| (phase, seen)));
            }
        }
        self.learn(at, &changed, untimed);
        self.look_for_conflicts(at);
        let colour = |(_, seen): &(usize, Seen)| matches!(seen, Seen::Colour(_));
        if changed.iter().any(colour) {
            Change::Colour
        } else {
            Change::Unchanged
        }
    }

    /// What the news say of one phase; None if they do not mention it.
    fn hear(&mut self, phase: usize, at: Mono, news: &LampStates, untimed: bool) -> Option<Seen> {
        let watch = &mut self.watches[phase];
        let shown = shown(watch, news, &mut self.oddities)?;
        let countdown = if untimed {
            Countdown::Silent
        } else {
            countdown(news, shown, self.config.max_countdown)
        };
        let controller = &mut self.controllers[watch.controller];
        let rounding = controller.rounding.rounding();
        let seen = watch.hear(at, shown.light, countdown, rounding, &mut self.oddities);
        if let Some(late) = watch.take_lateness() {
            controller.jitter.note(late);
        }
        for missed in watch.take_missed() {
            controller.drift.note(&missed);
        }
        if let Some(rounded) = watch.take_rounded() {
            controller.rounding.note(rounded);
        }
        if follows_a_plan(controller.mode)
            && let Some(end) = controller.cycle.end(watch)
        {
            watch.keep(at, end);
        } else {
            watch.keep_announced(at);
        }
        let span = news.span(shown.lamp).filter(|_| !untimed);
        let after = |ms: Option<u32>| Some(at + Duration::from_millis(ms?.into()));
        watch.take_limits(
            span.and_then(|span| after(span.min_ms.filter(|ms| *ms > 0))),
            span.and_then(|span| after(span.max_ms)),
        );
        Some(seen)
    }

    /// Hands on to history what the phases did.
    fn learn(&mut self, at: Mono, changed: &[(usize, Seen)], untimed: bool) {
        if untimed || !self.config.use_history {
            return;
        }
        for (phase, seen) in changed {
            match seen {
                Seen::Colour(since) => {
                    self.history
                        .changed(*phase, self.watches[*phase].light, *since);
                }
                Seen::Lost => self.history.lost(*phase),
                Seen::Same | Seen::Shade => {}
            }
        }
        for (phase, seen) in changed {
            let watch = &self.watches[*phase];
            match seen {
                Seen::Colour(_) => self.history.cue_to_others(*phase, watch.light, at),
                Seen::Shade => self.history.cue_to_all(*phase, watch.shown(), at),
                Seen::Same | Seen::Lost => {}
            }
        }
        for (phase, _) in changed {
            if !self.watches[*phase].is_counting() {
                self.history.note(*phase, at);
            }
        }
    }
}

/// What the lamp groups of a phase show together; None if the news do not mention them.
fn shown(watch: &Watch, news: &LampStates, oddities: &mut Oddities) -> Option<LampState> {
    let mut lamps = news
        .lamps
        .iter()
        .filter(|lamp| watch.lamps.contains(&lamp.lamp));
    let mut together = *lamps.next()?;
    for lamp in lamps {
        if merged(lamp.light) != merged(together.light) {
            oddities.disagreeing_lamps += 1;
            together.light = Light::Unknown;
        }
        if lamp.countdown_s != together.countdown_s {
            together.countdown_s = None;
        }
    }
    Some(together)
}

/// What the news say of a phase's end: tenths where the controller has them, otherwise seconds. What
/// is longer than `longest` is nonsense.
fn countdown(news: &LampStates, shown: LampState, longest: Duration) -> Countdown {
    // An earliest end that is the latest too is the end.
    let only = |span: &LampSpan| span.min_ms.filter(|min| Some(*min) == span.max_ms);
    let exact = news
        .span(shown.lamp)
        .and_then(|span| span.likely_ms.or_else(|| only(span)));
    let exact = exact.map(|ms| Duration::from_millis(ms.into()));
    let whole = shown
        .countdown_s
        .filter(|s| u64::from(*s) <= longest.as_secs());
    match (exact.filter(|left| *left <= longest), whole) {
        (Some(left), _) => Countdown::Exact(left),
        (None, Some(s)) => Countdown::Seconds(s),
        (None, None) => Countdown::Silent,
    }
}

/// A countdown covers the steady colour and its flashing together, so both are one state here. Red
/// with yellow is still red: SPAT has no state for it.
pub(super) fn merged(light: Light) -> Light {
    match light {
        Light::FlashingGreen => Light::Green,
        Light::RedYellow => Light::Red,
        other => other,
    }
}
