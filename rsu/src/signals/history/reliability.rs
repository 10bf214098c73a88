//! How often a stated confidence has been deserved, so that the next one is stated as it deserves.

use arrayvec::ArrayVec;

use super::samples::TRUE_WITHIN_S;
use crate::clock::Mono;

/// Steps of confidence that are told apart.
const STEPS: usize = 20;
/// What a stated confidence is believed to be worth before anything was seen, in forecasts.
const BELIEF: f32 = 100.0;
/// What a forecast counts after each newer one: half after 2,300.
const FORGET: f32 = 0.9997;
/// Forecasts of one light that wait for its end; neighbours that say the same are one.
const MOST_OPEN: usize = 48;

/// What came of the forecasts that were sure to a degree.
#[derive(Clone, Debug)]
pub(super) struct Reliability {
    made: [f32; STEPS + 1],
    true_ones: [f32; STEPS + 1],
}

/// The forecasts of a light that is still on.
pub(super) type Open = ArrayVec<Forecasts, MOST_OPEN>;

/// Forecasts that say the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecasts {
    end: Mono,
    step: u8,
    count: u16,
}

impl Reliability {
    pub(super) const NEW: Self = Self {
        made: [0.0; STEPS + 1],
        true_ones: [0.0; STEPS + 1],
    };

    /// What forecasts that were as sure as this have been worth.
    pub(super) fn deserved(&self, sure: f32) -> f32 {
        let scaled = sure.clamp(0.0, 1.0) * STEPS as f32;
        let below = scaled.floor().min(STEPS as f32 - 1.0);
        let share = scaled - below;
        let below = below as usize;
        self.at(below) * (1.0 - share) + self.at(below + 1) * share
    }

    /// Notes a forecast; what it came to is known when the light ends.
    pub(super) fn note(&self, open: &mut Open, sure: f32, end: Mono) {
        let step = (sure.clamp(0.0, 1.0) * STEPS as f32).round() as u8;
        let same = |other: &&mut Forecasts| {
            other.step == step && other.end.seconds_after(end).abs() < 0.05
        };
        if let Some(last) = open.last_mut().filter(same) {
            last.count = last.count.saturating_add(1);
            return;
        }
        if open.is_full() {
            open.remove(0);
        }
        open.push(Forecasts {
            end,
            step,
            count: 1,
        });
    }

    /// The light has ended.
    pub(super) fn settle(&mut self, open: &mut Open, ended: Mono) {
        for forecasts in open.drain(..) {
            let step = usize::from(forecasts.step);
            let count = f32::from(forecasts.count);
            let off_s = forecasts.end.seconds_after(ended).abs();
            for step in 0..=STEPS {
                self.made[step] *= FORGET;
                self.true_ones[step] *= FORGET;
            }
            self.made[step] += count;
            if off_s <= f64::from(TRUE_WITHIN_S) + 0.05 {
                self.true_ones[step] += count;
            }
        }
    }

    fn at(&self, step: usize) -> f32 {
        let believed = step as f32 / STEPS as f32;
        (self.true_ones[step] + believed * BELIEF) / (self.made[step] + BELIEF)
    }
}
