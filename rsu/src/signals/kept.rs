//! How often the ends that were told of one phase came true, by how far ahead they were told.
//!
//! Not here: by how much they were off, which is learned over all phases of a controller.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::drift::{Missed, REACHES, reach};
use crate::clock::Mono;
use crate::report::Light;

/// So many say what the next is worth.
const ENOUGH: f32 = 10.0;
/// What one counts after each newer one.
const FORGET: f32 = 0.98;

/// How often told ends came true within a second, by how far ahead they were told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    told: [Option<Told>; REACHES.len()],
    made: [f32; REACHES.len()],
    true_ones: [f32; REACHES.len()],
}

/// The ends that were told while they were so far ahead.
#[derive(Clone, Copy, Debug)]
struct Told {
    first: Mono,
    earliest: Mono,
    latest: Mono,
}

impl Kept {
    /// Keeps the end that is told.
    pub(super) fn tell(&mut self, at: Mono, end: Mono) {
        let told = self.told[reach(end.since(at))].get_or_insert(Told {
            first: end,
            earliest: end,
            latest: end,
        });
        told.earliest = told.earliest.min(end);
        told.latest = told.latest.max(end);
    }

    /// The light has ended: what came of the ends that were told.
    pub(super) fn settle(
        &mut self,
        light: Light,
        ended: Mono,
    ) -> ArrayVec<Missed, { REACHES.len() }> {
        let mut missed = ArrayVec::new();
        for (place, told) in self.told.iter_mut().enumerate() {
            let Some(told) = told.take() else { continue };
            missed.push(Missed {
                light,
                reach: place,
                early_s: told.latest.since(ended).as_secs_f32(),
                late_s: ended.since(told.earliest).as_secs_f32(),
            });
            let came_true = told.first.seconds_after(ended).abs() <= 1.05;
            self.made[place] = self.made[place] * FORGET + 1.0;
            self.true_ones[place] =
                self.true_ones[place] * FORGET + if came_true { 1.0 } else { 0.0 };
        }
        missed
    }

    /// Nobody has seen how they ended.
    pub(super) fn forget(&mut self) {
        self.told = [None; REACHES.len()];
    }

    /// How often an end that was told so far ahead came true; None before there were enough.
    pub(super) fn share(&self, left: Duration) -> Option<f32> {
        let place = reach(left);
        let made = self.made[place];
        (made >= ENOUGH).then(|| (self.true_ones[place] + 1.0) / (made + 2.0))
    }
}
