//! What may be said at a moment: of every phase, of the way the controllers are run, and of greens in
//! conflict.
//!
//! Not here: what is known of one phase (`tell`).

use std::time::Duration;

use v2x_msg::kinds::spat::Status;

use super::Signals;
use super::forecast::{Forecast, StateForecast};
use super::jitter::Jitter;
use super::mode::{follows_a_plan, status_of, status_shown};
use super::promise::Promise;
use super::tell::{Known, Patience};
use crate::clock::{Mono, Now};
use crate::report::Light;

/// All that is known; a macro, since what is forecast is written at the same time.
macro_rules! known {
    ($signals:ident) => {
        Known {
            config: &$signals.config,
            controllers: &$signals.controllers,
            watches: &$signals.watches,
            history: &$signals.history,
            patience: Patience {
                seen: $signals.config.expiry_grace,
                unseen: $signals.forecast.timing_error,
            },
        }
    };
}

impl Signals {
    /// What a message says at a moment; None if nothing may be said. The next one keeps to it.
    pub fn say(&mut self, at: Now) -> Option<&Forecast> {
        let said = self.forecast(at).is_some();
        for (promised, phase) in self.promised.iter_mut().zip(&self.forecast.phases) {
            *promised = Promise::of(&phase.states).filter(|_| said);
        }
        said.then_some(&self.forecast)
    }

    /// What may be said at a moment; None if nothing may, because every controller is silent. Does not
    /// change what messages say.
    pub fn forecast(&mut self, at: Now) -> Option<&Forecast> {
        let at = at.mono;
        let heard = self
            .controllers
            .iter()
            .filter_map(|controller| controller.heard_at);
        let newest = heard.clone().max()?;
        if at.since(newest) > self.config.stop_after {
            return None;
        }
        // One time for all lamps: that of the controller that spoke longest ago, of those that speak, or of
        // a light of which nothing is heard and which is told still.
        let fresh = self.config.no_timing_after;
        let speaking = |heard: &Mono| at.since(*heard) <= fresh;
        self.forecast.collected_at = heard.filter(speaking).min().unwrap_or(newest);
        let jitter = self.controllers.iter().map(|controller| controller.jitter);
        let lateness = jitter.map(Jitter::lateness).max().unwrap_or_default();
        self.forecast.timing_error = self.config.timing_error.max(lateness);
        self.look_for_conflicts(at);
        let known = known!(self);
        // In place: what a phase may tell is large, and most of it empty.
        for (place, phase) in self.forecast.phases.iter_mut().enumerate() {
            phase.states.clear();
            if self.conflicts.found().is_none() {
                known.states(place, at, &mut phase.states);
            }
            let read_at = self.watches[place]
                .heard_at()
                .filter(|heard| !speaking(heard));
            if let Some(read_at) = read_at.filter(|_| !phase.states.is_empty()) {
                let collected_at = &mut self.forecast.collected_at;
                *collected_at = (*collected_at).min(read_at);
            }
            let fixed = follows_a_plan(self.controllers[self.watches[place].controller].mode);
            if let Some(promised) = self.promised[place].filter(|_| fixed) {
                promised.keep(&mut phase.states, at);
            }
            if phase.states.is_empty() {
                phase.states.push(StateForecast::bare(Light::Unknown));
            }
        }
        if self.controllers.len() > 1 {
            self.conflicts.part_greens(&mut self.forecast.phases);
        }
        self.forecast.status = self.status(at.since(newest));
        Some(&self.forecast)
    }

    fn status(&self, silent: Duration) -> Status {
        let mut status = Status::NONE;
        for (place, controller) in self.controllers.iter().enumerate() {
            status |= controller.mode.map_or(Status::NONE, status_of);
            if controller.mode.is_none() && controller.cycle.is_followed() {
                status |= Status::FIXED_TIME;
            }
            let own = self
                .watches
                .iter()
                .filter(|watch| watch.controller == place);
            status |= status_shown(controller.mode, own.map(|watch| watch.light));
        }
        if self.conflicts.found().is_some() {
            status |= Status::FAILURE;
        }
        if silent > self.config.no_timing_after {
            status |= Status::NO_VALID_SPAT;
        }
        status
    }

    /// Conflicting movements must never both be green: a controller that says so is broken or
    /// misread, and no bus may act on it. A green that nobody vouches for any more is none: neither
    /// the word of its end nor, where that has passed, the plan.
    pub(super) fn look_for_conflicts(&mut self, at: Mono) {
        let told_for = self.config.no_timing_after.max(self.config.plan_lasts);
        let known = known!(self);
        let green = |place: usize| {
            let watch = &self.watches[place];
            let fresh = watch.age(at).is_some_and(|age| age <= told_for);
            let overdue = || watch.is_overdue(at, self.forecast.timing_error);
            let told = fresh && (!overdue() || known.tells_green(place, at));
            watch.light == Light::Green && (told || known.holds(watch, at))
        };
        if self.conflicts.look(&self.watches, green) {
            self.oddities.conflicting_greens += 1;
        }
    }
}
