//! Which way those go who come in a lane that leads several: as those went who came there before.
//!
//! Counted where somebody is over half of its way between stop line and exit, once each. Old counts fade, as the
//! hours of a day differ. Not here: what somebody shows of where it goes (`lanes`).

use arrayvec::ArrayVec;

use super::super::ways::Ways;
use super::lanes::{MOST_WAYS, On};

/// How many have taken each way; beyond their room nothing is known of one.
#[derive(Debug, Default)]
pub(super) struct Turns {
    counts: ArrayVec<f64, MOST_COUNTED>,
}

/// Ways of a junction that are counted.
const MOST_COUNTED: usize = 64;
/// As if so many had taken each way before the first did.
const BEFORE_ANY: f64 = 2.0;
/// Of a lane from which more have come all count half.
const REMEMBERED: f64 = 200.0;
/// Whoever is on a way with less may yet be on another.
const SURELY: f64 = 0.9;

impl Turns {
    /// Somebody is on these ways.
    pub(super) fn note(&mut self, counted: &mut bool, on: &ArrayVec<On, MOST_WAYS>, ways: &Ways) {
        let Some(on) = on.iter().find(|on| on.weight >= SURELY) else {
            return;
        };
        let way = &ways.all[on.way];
        let half_m = (way.stop_m + way.over_m) / 2.0;
        if *counted || !(half_m..way.over_m).contains(&on.along_m) {
            return;
        }
        *counted = true;
        while self.counts.len() < ways.all.len() && !self.counts.is_full() {
            self.counts.push(0.0);
        }
        if let Some(count) = self.counts.get_mut(on.way) {
            *count += 1.0;
        }
        if self.of_lane(way.from, ways) > REMEMBERED {
            for (count, other) in self.counts.iter_mut().zip(&ways.all) {
                if other.from == way.from {
                    *count /= 2.0;
                }
            }
        }
    }

    /// The share of those out of the same lane who take this way.
    pub(super) fn share(&self, number: usize, ways: &Ways) -> f64 {
        let from = ways.all[number].from;
        let choices = ways.all.iter().filter(|way| way.from == from).count();
        let count = self.counts.get(number).copied().unwrap_or(0.0);
        (count + BEFORE_ANY) / (self.of_lane(from, ways) + BEFORE_ANY * choices as f64)
    }

    fn of_lane(&self, from: usize, ways: &Ways) -> f64 {
        let all = self.counts.iter().zip(&ways.all);
        all.filter(|(_, way)| way.from == from)
            .map(|(count, _)| count)
            .sum()
    }
}
