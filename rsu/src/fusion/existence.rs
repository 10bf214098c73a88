//! Whether a thing is there at all: what it means to be seen, and not to be seen.
//!
//! Each frame moves the log-odds of existence. A sighting counts by how much better it fits the
//! thing than a false detection; a miss counts by how likely the sensor was to see the thing: not at
//! all out of its field, little behind another thing. The sensor model is rough, so a published
//! track also has the patience and the end of `Config`.

use std::time::Duration;

use super::associate::Edge;
use super::config::Config;
use super::target::Target;
use super::views::View;
use crate::clock::Mono;

/// What keeps one frame from moving the log-odds too far, and them from growing beyond recall.
const MOST_GAIN: f64 = 6.0;
pub(crate) const MOST_LOG_ODDS: f64 = 12.0;
/// The probability of the former: most that are followed stay there.
pub(crate) const MOST_EXISTENCE: f64 = 0.999_993_855_825_397_8;
const LEAST_LOG_ODDS: f64 = -12.0;
/// A thing that is so unlikely to be listed counts as hidden.
const HIDDEN_BELOW: f64 = 0.45;
/// How much less each further miss in a row counts, where a miss is no surprise.
const REPETITION: f64 = 1.0;

/// Of being measured again, at least: what a device has on its list it sees as often as not.
const LEAST_AGAIN: f64 = 0.5;
/// What a device began is published from here on: 95 %.
const LIKELY_LOG_ODDS: f64 = 3.0;

/// A target that was hidden so long ago may not be any more.
const HIDDEN_FOR: Duration = Duration::from_millis(300);

impl Target {
    /// A sighting that is so much likelier as this thing than as a false one; `weight` is how much the
    /// sensor itself believes it.
    pub(crate) fn credit(&mut self, edge: &Edge, weight: f64) {
        if self.log_odds >= MOST_LOG_ODDS {
            return;
        }
        let step = edge.gain().clamp(0.0, MOST_GAIN) * weight;
        self.log_odds = (self.log_odds + step).min(MOST_LOG_ODDS);
    }

    /// Measured again by a device that has it on its list: `probability` is how likely that is of a thing that is
    /// there, `of_false` of one that is not.
    pub(crate) fn credit_again(&mut self, probability: f64, of_false: f64) {
        if self.log_odds >= MOST_LOG_ODDS {
            return;
        }
        let step = (probability.max(LEAST_AGAIN) / of_false).ln();
        self.log_odds = (self.log_odds + step.clamp(0.0, MOST_GAIN)).min(MOST_LOG_ODDS);
    }

    /// Not listed in a frame of that moment by the sensor of that index.
    pub(crate) fn debit(&mut self, at: Mono, sensor: usize, view: &View) {
        if view.probability <= 0.0 {
            return;
        }
        // What hid it a moment ago hides it still: misses in a row say less and less.
        let before = self.missed.note(sensor as u8, &view.sight);
        let news = 1.0 / (1.0 + REPETITION * f64::from(before) * (1.0 - view.probability));
        let step = (1.0 - view.probability).ln() * news;
        self.log_odds = (self.log_odds + step).max(LEAST_LOG_ODDS);
        let covered = view.sight.hidden > 0.5;
        if covered {
            self.covered_at = at;
        }
        if covered || view.probability < HIDDEN_BELOW {
            self.hidden_at = at;
        }
    }

    /// Whether it has shown itself well enough to be published from now on.
    pub(crate) fn deserves_confirmation(&self, config: &Config) -> bool {
        match self.word.of {
            // Its device has seen it several times before it spoke of it.
            Some(_) => self.log_odds >= LIKELY_LOG_ODDS,
            None => self.hits >= config.confirm_hits && self.log_odds >= config.confirm_log_odds,
        }
    }

    /// Whether it is to be dropped.
    pub(crate) fn is_over(&self, at: Mono, config: &Config) -> bool {
        let unlikely = self.log_odds < config.delete_log_odds;
        if self.confirmed {
            self.is_stale(at, config) || (unlikely && self.seen_at < at - config.patience)
        } else {
            unlikely || self.seen_at < at - config.tentative_for
        }
    }

    /// Whether it was seen too long ago to be spoken of. Where sensors have fallen silent nothing is
    /// known to be hidden any more.
    pub(crate) fn is_stale(&self, at: Mono, config: &Config) -> bool {
        // A device that carries it on has lost sight of it and still believes in it.
        if self.seen_at.max(self.carried_at) >= at - config.delete_after {
            return false;
        }
        let kept = at.since(self.hidden_at) < HIDDEN_FOR
            && at.since(self.seen_at) <= config.delete_hidden_after
            && self.state.position_sigma_m() < config.hidden_sigma_m;
        !kept
    }

    /// Whether a sensor would see it, but for another thing that stands before it.
    pub(crate) fn is_covered(&self, at: Mono) -> bool {
        at.since(self.covered_at) < HIDDEN_FOR
    }
}
