//! What a box does to the numbers that it gives: it gives one up for another, lets two that are near each
//! other exchange theirs, and begins anew.
//!
//! Trackers in boxes do that where an image leaves it open who is who. All rates are *assumed*: no maker
//! states any, and what papers count of trackers hangs on their videos. A number that is given up takes the box's own filter with it, so the velocity that it says begins anew; two that exchange theirs
//! keep the filters with the numbers, so for some frames each says the other's velocity. Places are those of
//! the bodies as ever.
//!
//! Not here: whom a box has not seen for a second is new to it (the camera's door).

use std::collections::BTreeMap;

use super::boxed::Known;
use crate::random::{Purpose, Stream, mix};
use crate::scenario::IdsModel;
use crate::world::snapshot::Snapshot;

/// Chances of one box in one frame.
pub(super) struct Chances {
    pub(super) model: IdsModel,
    pub(super) seed: u64,
    /// The box among all sensors of the scenario.
    pub(super) index: u64,
    pub(super) frame: u64,
    pub(super) frame_s: f64,
}

impl Chances {
    /// Whether the box begins anew with this frame.
    pub(super) fn restarts(&self) -> bool {
        self.happens(self.model.restarts_per_hour / 60.0, || {
            Stream::new(self.seed, self.index << 32, Purpose::BoxRestart)
        })
    }

    /// Gives up numbers and lets them be exchanged; `new_id` is the next that is free.
    pub(super) fn mistake(
        &self,
        scene: &Snapshot,
        known: &mut BTreeMap<u32, Known>,
        new_id: &mut dyn FnMut() -> u16,
    ) {
        for (&body, one) in known.iter_mut() {
            let of_it = || Stream::new(self.seed, self.entity(body), Purpose::BoxRenumber);
            if self.happens(self.model.renumbered_per_minute, of_it) {
                one.renumber(new_id());
            }
        }
        let near_m = self.model.swapped_below_m;
        if near_m <= 0.0 {
            return;
        }
        let seen = known.iter().filter(|(_, one)| one.missed == 0);
        let seen = seen.filter_map(|(&body, _)| Some((body, scene.body(body)?.centre)));
        let seen: Vec<_> = seen.collect();
        for (i, &(first, place)) in seen.iter().enumerate() {
            for &(second, other) in &seen[i + 1..] {
                let of_both = || {
                    let entity = mix(self.entity(first)) ^ u64::from(second);
                    Stream::new(self.seed, entity, Purpose::BoxSwap)
                };
                if place.distance_m(other) < near_m
                    && self.happens(self.model.swaps_per_minute, of_both)
                    && let Some(mut one) = known.remove(&first)
                {
                    if let Some(two) = known.get_mut(&second) {
                        one.exchange(two);
                    }
                    known.insert(first, one);
                }
            }
        }
    }

    /// Whether what comes so often a minute comes in this frame.
    fn happens(&self, per_minute: f64, stream: impl Fn() -> Stream) -> bool {
        per_minute > 0.0
            && stream()
                .starting_at(self.frame)
                .chance(per_minute / 60.0 * self.frame_s)
    }

    fn entity(&self, body: u32) -> u64 {
        (self.index << 32) | u64::from(body)
    }
}
