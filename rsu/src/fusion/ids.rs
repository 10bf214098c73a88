//! Public ids: 1 to 255, one a published track, at rest for a while after use.
//!
//! The past may be worked through again when a late frame comes (`history`), so ids live outside of
//! what is rolled back: an id stays with the target that began with the same detection. A target
//! that appears where another has just been lost, and could be the same thing, goes on under its id,
//! so that receivers see one road user and not two.

use std::time::Duration;

use nalgebra::Vector2;

use super::classify::{ClassBelief, SizeBelief, family};
use super::crowd::Crowd;
use super::heading::Heading;
use super::history::History;
use super::target::Target;
use crate::clock::Mono;
use crate::report::Class;

/// How far from where it is expected a lost thing may be found again.
const SAME_PLACE_M: f64 = 2.0;
/// How much farther for each second that it moved unseen.
const ASTRAY_MPS: f64 = 1.0;
/// How much its velocity may have changed.
const SAME_SPEED_MPS: f64 = 4.0;
/// Slower than this it stood, and is sought where it was.
const STANDING_MPS: f64 = 1.0;
/// How long a thing that moved is sought.
const SEEK_MOVING: Duration = Duration::from_secs(2);
/// Whoever has been gone for so long is nobody's any more: rather than that somebody goes untold because ids are at
/// rest after a flood of false things, such an id is given again.
const LEAST_REST: Duration = Duration::from_secs(5);
/// How long a thing that stood is sought.
const SEEK_STANDING: Duration = Duration::from_secs(15);

const KNOWN_BITS: u32 = 12;
const KNOWN_WORDS: usize = (1 << KNOWN_BITS) / 64;

/// Who has which id.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// Index is the id; 0 is never given.
    owners: Box<[Owner; 256]>,
    /// What was last known of each.
    last_known: Box<[Known; 256]>,
    /// Given last; the next search starts behind it, so that ids rest as long as they can.
    last: u8,
    /// A bit is set for every uid that is among the owners, and few else: who has no id is known at once. Made
    /// in a round that needs it: mostly everybody has the id of last time.
    known: [u64; KNOWN_WORDS],
    known_is_made: bool,
    max: usize,
    rest: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    uid: u64,
    state: Use,
}

/// What was known of the owner of an id in the last round in which it had it. Beside the owners, for all of
/// these are looked through in each round.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    at: Mono,
    born_at: Mono,
    seen_at: Mono,
    place: Vector2<f64>,
    velocity: Vector2<f64>,
    heading: Heading,
    class: ClassBelief,
    size: SizeBelief,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Use {
    #[default]
    Free,
    /// In use, and found again in this round.
    Held,
    /// In use at the end of the last round.
    Unclaimed,
    /// Its track has gone; nobody else may have it before then.
    Resting(Mono),
}

/// What a round of [`Ids::settle`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Tracks that got an id that was free.
    pub(crate) given: u64,
    /// Tracks that go on under the id of one that was lost.
    pub(crate) found_again: u64,
    /// Tracks that stay unpublished for want of a free id.
    pub(crate) refused: u64,
}

impl Ids {
    pub(crate) fn new(max: usize, rest: Duration) -> Self {
        Self {
            owners: Box::new([Owner::default(); 256]),
            last_known: Box::new([Known::default(); 256]),
            last: 0,
            known: [0; KNOWN_WORDS],
            known_is_made: false,
            max: max.min(255),
            rest,
        }
    }

    /// Forgets everybody; ids in use go to rest.
    pub(crate) fn retire_all(&mut self, at: Mono) {
        for owner in self
            .owners
            .iter_mut()
            .filter(|owner| owner.state != Use::Free)
        {
            *owner = Owner {
                state: Use::Resting(at + self.rest),
                ..Owner::default()
            };
        }
        *self.last_known = [Known::default(); 256];
    }

    /// Gives every confirmed target its id and sets those at rest whose target has gone.
    pub(crate) fn settle(&mut self, at: Mono, history: &mut History, crowd: &Crowd) -> Settled {
        let mut in_use = 0;
        self.known_is_made = false;
        for owner in self.owners.iter_mut() {
            if owner.state == Use::Held {
                owner.state = Use::Unclaimed;
                in_use += 1;
            }
        }
        let mut unclaimed = in_use;
        let (mut nameless, mut tied) = (false, false);
        for n in 0..crowd.seats.len() {
            let (since, target) = history.change(crowd, n);
            if !target.confirmed {
                continue;
            }
            tied |= target.tied;
            target.id = self.find(target).unwrap_or(0);
            if target.id != 0 {
                let back = self.owners[usize::from(target.id)].state != Use::Unclaimed;
                in_use += usize::from(back);
                unclaimed -= usize::from(!back);
                self.claim(since, target);
            } else {
                nameless = true;
            }
        }
        if tied && unclaimed > 0 {
            let passed = self.pass_on(at, history, crowd);
            (unclaimed, in_use) = (unclaimed - passed, in_use - passed);
        }
        let mut settled = Settled::default();
        for n in 0..crowd.seats.len() {
            if !nameless {
                break;
            }
            let (since, target) = history.change(crowd, n);
            if !target.confirmed || target.id != 0 {
                continue;
            }
            let full = in_use >= self.max;
            let lost = if full && unclaimed == 0 {
                None
            } else {
                self.lost_at(since, target, full)
            };
            let free = if full { None } else { self.free(at) };
            if let Some(id) = lost {
                if self.owners[usize::from(id)].state == Use::Unclaimed {
                    unclaimed -= 1;
                } else {
                    in_use += 1;
                }
                target.id = id;
                settled.found_again += 1;
            } else if let Some(id) = free {
                in_use += 1;
                target.id = id;
                self.last = id;
                self.owners[usize::from(id)] = Owner::default();
                self.last_known[usize::from(id)] = Known::default();
                settled.given += 1;
            } else {
                settled.refused += 1;
            }
            self.claim(since, target);
        }
        if unclaimed > 0 {
            let owners = self.owners.iter_mut();
            for owner in owners.filter(|owner| owner.state == Use::Unclaimed) {
                owner.state = Use::Resting(at + self.rest);
            }
        }
        settled
    }

    /// Gives the name of a body to the part behind the one that bore it and has gone: out of sight first, as
    /// whatever leaves. How often.
    fn pass_on(&mut self, at: Mono, history: &mut History, crowd: &Crowd) -> usize {
        let mut passed = 0;
        for n in 0..crowd.seats.len() {
            let (since, target) = history.change(crowd, n);
            if !target.tied || target.id == 0 {
                continue;
            }
            let bore = |owner: &Owner| owner.uid == target.tie.to && owner.state == Use::Unclaimed;
            let Some(id) = self.owners.iter().position(bore) else {
                continue;
            };
            // A body is called as the part that was there first (`bodies`).
            let first_at = self.last_known[id].born_at;
            if (first_at, id) > (target.born_at, usize::from(target.id)) {
                continue;
            }
            self.owners[usize::from(target.id)] = Owner {
                uid: 0,
                state: Use::Resting(at + self.rest),
            };
            target.id = id as u8;
            self.claim(since, target);
            passed += 1;
        }
        passed
    }

    fn claim(&mut self, at: Mono, target: &mut Target) {
        if target.id != 0 {
            let id = usize::from(target.id);
            let known = &mut self.last_known[id];
            target.recall(known);
            self.owners[id] = Owner {
                uid: target.uid,
                state: Use::Held,
            };
            known.at = at;
            (known.born_at, known.seen_at) = (target.born_at, target.seen_at);
            known.place = target.state.position();
            known.velocity = target.state.velocity();
            known.heading = target.heading;
            known.class = target.class;
            known.size = target.size;
        }
    }

    /// The id that this target has had, also one at rest: a late frame may bring a target back.
    fn find(&mut self, target: &Target) -> Option<u8> {
        let owns = |owner: &Owner| owner.uid == target.uid && owner.state != Use::Free;
        if target.id != 0 && owns(&self.owners[usize::from(target.id)]) {
            return Some(target.id);
        }
        if !std::mem::replace(&mut self.known_is_made, true) {
            self.known = [0; KNOWN_WORDS];
            for owner in self.owners.iter() {
                let (word, bit) = place_of(owner.uid);
                self.known[word] |= bit;
            }
        }
        let (word, bit) = place_of(target.uid);
        if self.known[word] & bit == 0 {
            return None;
        }
        (1..=255u8).find(|&id| owns(&self.owners[usize::from(id)]))
    }

    /// The id of the thing that was lost and may be this target, if there is one.
    fn lost_at(&self, at: Mono, target: &Target, full: bool) -> Option<u8> {
        let astray = |id: u8| {
            let owner = &self.owners[usize::from(id)];
            let spare = !full || owner.state == Use::Unclaimed;
            spare
                .then(|| owner.astray_m(at, &self.last_known[usize::from(id)], target))
                .flatten()
                .map(|astray_m| (id, astray_m))
        };
        (1..=255u8)
            .filter_map(astray)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(id, _)| id)
    }

    /// One that has rested; where there is none, the one that has rested longest, if that is long enough.
    fn free(&self, at: Mono) -> Option<u8> {
        let ids = (1..=255u8)
            .map(|step| ((usize::from(self.last) + usize::from(step) - 1) % 255 + 1) as u8);
        let rested = ids
            .clone()
            .find(|&id| match self.owners[usize::from(id)].state {
                Use::Free => true,
                Use::Resting(until) => at >= until,
                Use::Held | Use::Unclaimed => false,
            });
        let spared = self.rest.saturating_sub(LEAST_REST);
        rested.or_else(|| {
            // Ids go to rest in any order, but the longest at rest ends first.
            let resting = ids.filter_map(|id| match self.owners[usize::from(id)].state {
                Use::Resting(until) => Some((until, id)),
                _ => None,
            });
            let (until, id) = resting.min_by_key(|(until, _)| *until)?;
            (at + spared >= until).then_some(id)
        })
    }
}

/// Where in `Ids::known` a uid stands.
fn place_of(uid: u64) -> (usize, u64) {
    let hash = uid.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - KNOWN_BITS);
    ((hash / 64) as usize, 1 << (hash % 64))
}

impl Target {
    /// Takes over what the owner of its id knew of itself and this one does not know yet: a car that
    /// was hidden while it stood points where it pointed.
    fn recall(&mut self, owner: &Known) {
        if self.heading.yaw_rad.is_none() {
            self.heading = owner.heading;
        }
        if self.class.best().0 == Class::Unknown {
            self.class = owner.class;
        }
        if self.size.measured().is_none() {
            self.size = owner.size;
        }
    }
}

impl Owner {
    /// How far this lost thing would have strayed if it were `target`; None if it cannot be.
    fn astray_m(&self, at: Mono, known: &Known, target: &Target) -> Option<f64> {
        match self.state {
            // Gone in this very round, by going through the past again or by a merge.
            Use::Unclaimed => {}
            // Two things that were seen at one moment are two.
            Use::Resting(_) if self.uid != 0 && target.born_at > known.seen_at => {}
            _ => return None,
        }
        let unseen = at.since(known.at);
        let standing = known.velocity.norm() < STANDING_MPS;
        let (seek, expected, tolerance_m) = if standing {
            (SEEK_STANDING, known.place, SAME_PLACE_M)
        } else {
            let seconds = unseen.as_secs_f64();
            (
                SEEK_MOVING,
                known.place + known.velocity * seconds,
                SAME_PLACE_M + ASTRAY_MPS * seconds,
            )
        };
        let astray_m = (target.state.position() - expected).norm();
        let changed_mps = (target.state.velocity() - known.velocity).norm();
        if unseen > seek || astray_m > tolerance_m || changed_mps > SAME_SPEED_MPS {
            return None;
        }
        let (a, b) = (family(known.class.best().0), family(target.class.best().0));
        let other_kind = a.zip(b).is_some_and(|(a, b)| a != b);
        (!other_kind).then_some(astray_m)
    }
}
