//! Two targets that are one thing: found and made one, the older keeps its id.
//!
//! Two things cannot stand in one another, so a target whose centre lies within another's body at
//! the same speed is suspect. Suspicion grows with each frame in which only one of the two is seen,
//! and ends when a sensor that reports each object once sees both. But people walk shoulder to shoulder, nearer
//! than their places are known: of two of them that only one is seen says as much as the other was likely to be
//! seen, which by a radar, or behind the first, is little.

use std::time::Duration;

use nalgebra::Vector2;

use super::classify::family;
use super::config::Sees;
use super::near::Near;
use super::target::Target;
use super::views::View;
use crate::clock::Mono;

/// Frames in a row that show one of two only, before they are one.
const ENOUGH: f32 = 4.0;
/// The same while the younger is not published, and nobody would see it go.
const ENOUGH_TENTATIVE: f32 = 2.0;
/// What counts as one such frame: that somebody was missed whom the sensor lists six times of seven. Natural
/// logarithm.
const A_FRAME: f32 = 1.95;
/// Shorter ones may stand as close as they seem to.
const CLOSE_M: f64 = 2.5;
/// So many frames that show both count at most, before any that show one: misses come in runs.
const MOST_TWO: f32 = 8.0;
/// Suspicion that is not renewed for this long ends.
const FORGET: Duration = Duration::from_millis(500);
/// Two that call themselves differently are two, if both said so within this.
const NAMES_LAST: Duration = Duration::from_millis(500);
/// Farther apart than this along one axis, no two bodies overlap so far.
const REACH_M: f64 = 7.0;
/// What the body is widened by, for the error of both positions.
const MARGIN_M: f64 = 0.3;
/// Larger differences of speed are of two things.
const SAME_SPEED_MPS: f64 = 3.0;

/// Buffers of the search.
#[derive(Clone, Debug)]
pub(crate) struct Merger {
    gone: Vec<bool>,
}

impl Merger {
    pub(crate) fn new(max_targets: usize) -> Self {
        Self {
            gone: Vec::with_capacity(max_targets),
        }
    }

    /// Looks at all pairs that are `near` after a frame of a sensor that reports `sees`; removes the
    /// younger of those that are one. Says how many published ones went.
    pub(crate) fn run(
        &mut self,
        at: Mono,
        targets: &mut Vec<Target>,
        (near, sees, views): (&Near, Sees, &[View]),
    ) -> u64 {
        let gone = &mut self.gone;
        gone.clear();
        gone.resize(targets.len(), false);
        let (mut merged, mut any) = (0, false);
        near.pairs(REACH_M, |a, b| {
            // Mostly they are two, and which of them is older does not matter.
            if !overlap(&targets[a], &targets[b]) || gone[a] || gone[b] {
                return;
            }
            let (elder, younger) = if older(&targets[a], &targets[b]) {
                (a, b)
            } else {
                (b, a)
            };
            let Some(twin) = suspect(at, targets, (elder, younger), (sees, views)) else {
                return;
            };
            targets[younger].twin = twin;
            let enough = if targets[younger].confirmed {
                ENOUGH
            } else {
                ENOUGH_TENTATIVE
            };
            if twin.score >= enough {
                let young = targets[younger];
                targets[elder].absorb(at, &young);
                gone[younger] = true;
                any = true;
                merged += u64::from(young.confirmed);
            }
        });
        if any {
            let mut index = 0;
            targets.retain(|_| {
                index += 1;
                !gone[index - 1]
            });
        }
        merged
    }
}

/// What to note with the younger of two that overlap, if they may be one.
fn suspect(
    at: Mono,
    targets: &[Target],
    (elder, younger): (usize, usize),
    (sees, views): (Sees, &[View]),
) -> Option<super::target::Twin> {
    let (old, young) = (&targets[elder], &targets[younger]);
    let names = old.own_id(at, NAMES_LAST).zip(young.own_id(at, NAMES_LAST));
    if names.is_some_and(|(a, b)| a != b) {
        return None;
    }
    let mut twin = young.twin;
    if twin.of != old.uid || at.since(twin.at) > FORGET {
        twin = super::target::Twin {
            of: old.uid,
            score: 0.0,
            at,
        };
    }
    let close = old.stands_close() && young.stands_close();
    match (old.seen_now, young.seen_now) {
        // Two parts of one body, if it was not shown whole.
        (true, true)
            if (old.in_parts && old.has_twin_part(at, young))
                || (young.in_parts && young.has_twin_part(at, old)) => {}
        (true, true) if sees == Sees::Centre && close => {
            twin.score = (twin.score.min(0.0) - 1.0).max(-MOST_TWO);
            twin.at = at;
        }
        (true, true) if sees == Sees::Centre => twin.score = 0.0,
        // A radar may hear one body twice; a frame that shows neither says nothing.
        (true, true) | (false, false) => {}
        (seen, _) => {
            let unseen = if seen { younger } else { elder };
            twin.score += if close {
                views.get(unseen).map_or(0.0, missed)
            } else {
                1.0
            };
            twin.at = at;
        }
    }
    Some(twin)
}

/// Published before unpublished, then by birth.
fn older(a: &Target, b: &Target) -> bool {
    (!a.confirmed, a.born_at, a.uid) < (!b.confirmed, b.born_at, b.uid)
}

/// What it says, in frames, that somebody was not seen who was to be seen so well.
fn missed(view: &View) -> f32 {
    let news = -(1.0 - view.probability.min(0.99) as f32).ln();
    (news / A_FRAME).min(1.0)
}

/// Whether the centre of one lies within the body of the other, at one speed. Most that are near each other do
/// not, so that it is asked first.
#[inline]
fn overlap(old: &Target, young: &Target) -> bool {
    let apart = young.state.position() - old.state.position();
    if !old.holds(apart) && !young.holds(apart) {
        return false;
    }
    let (a, b) = (family(old.class.best().0), family(young.class.best().0));
    if a.zip(b).is_some_and(|(a, b)| a != b) {
        return false;
    }
    let speed = (young.state.velocity() - old.state.velocity()).norm();
    let unsure_mps = old.state.velocity_sigma_mps() + young.state.velocity_sigma_mps();
    speed < SAME_SPEED_MPS + unsure_mps.min(SAME_SPEED_MPS)
}

impl Target {
    /// Whether others of its kind stand nearer to it than places are known.
    fn stands_close(&self) -> bool {
        self.extent().length_m < CLOSE_M
    }

    /// Whether a point so far from its centre, either way, lies within its body.
    pub(crate) fn holds(&self, apart: Vector2<f64>) -> bool {
        let extent = self.extent();
        match self.heading.direction {
            Some((cos, sin)) => {
                let along = (apart.x * cos + apart.y * sin).abs();
                let across = (apart.y * cos - apart.x * sin).abs();
                along < 0.5 * extent.length_m + MARGIN_M && across < 0.5 * extent.width_m + MARGIN_M
            }
            None => apart.norm() < 0.5 * extent.width_m + MARGIN_M,
        }
    }

    /// Takes over what is newer in its twin; keeps name and age.
    fn absorb(&mut self, at: Mono, twin: &Target) {
        // Of a whole and its part the whole knows where it is and how long.
        let whole = twin.has_twin_part(at, self);
        if whole {
            (self.size, self.whole_at) = (twin.size, twin.whole_at);
        }
        if whole || (twin.seen_at > self.seen_at && !self.has_twin_part(at, twin)) {
            self.state = twin.state;
            self.seen_at = self.seen_at.max(twin.seen_at);
            self.hidden_at = twin.hidden_at;
            self.covered_at = twin.covered_at;
            self.seen_now |= twin.seen_now;
            self.heading = twin.heading;
        }
        self.log_odds = self.log_odds.max(twin.log_odds);
        self.hits = self.hits.saturating_add(twin.hits);
        self.sources |= twin.sources;
        if twin.own.map(|(_, at)| at) > self.own.map(|(_, at)| at) {
            self.own = twin.own;
        }
        if self.size.measured().is_none() {
            self.size = twin.size;
        }
        if self.class.best().1 < twin.class.best().1 {
            self.class = twin.class;
        }
    }
}
