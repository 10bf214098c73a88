//! Public ids: 1 to 255, one a published track, at rest for a while after use.
//!
//! The past may be worked through again when a late frame comes (`history`), so ids live outside of
//! what is rolled back: an id stays with the target that began with the same detection. If such a
//! target is gone and another stands in its place, it takes the id over, so that receivers see one
//! road user and not two.

use nalgebra::Vector2;

use super::target::Target;
use crate::clock::Mono;
use std::time::Duration;

/// A track that appears this near to where one has just ended goes on under its id.
const SAME_PLACE_M: f64 = 2.0;

/// Who has which id.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// Index is the id; 0 is never given.
    owners: [Owner; 256],
    /// Given last; the next search starts behind it, so that ids rest as long as they can.
    last: u8,
    max: usize,
    rest: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    uid: u64,
    state: Use,
    place: Vector2<f64>,
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
    /// Tracks that stay unpublished for want of a free id.
    pub(crate) refused: u64,
}

impl Ids {
    pub(crate) fn new(max: usize, rest: Duration) -> Self {
        Self {
            owners: [Owner::default(); 256],
            last: 0,
            max: max.min(255),
            rest,
        }
    }

    /// Forgets everybody; ids in use go to rest.
    pub(crate) fn retire_all(&mut self, at: Mono) {
        for owner in &mut self.owners {
            if matches!(owner.state, Use::Held | Use::Unclaimed) {
                owner.state = Use::Resting(at + self.rest);
                owner.uid = 0;
            }
        }
    }

    /// Gives every confirmed target its id and sets those at rest whose target has gone.
    pub(crate) fn settle(&mut self, at: Mono, targets: &mut [Target]) -> Settled {
        for owner in &mut self.owners {
            if owner.state == Use::Held {
                owner.state = Use::Unclaimed;
            }
        }
        for target in targets.iter_mut().filter(|target| target.confirmed) {
            target.id = self.find(target).unwrap_or(0);
            if target.id != 0 {
                self.claim(target);
            }
        }
        let mut settled = Settled::default();
        for target in targets
            .iter_mut()
            .filter(|target| target.confirmed && target.id == 0)
        {
            if let Some(id) = self.heir_of(target) {
                target.id = id;
            } else if let Some(id) = self.free(at) {
                target.id = id;
                self.last = id;
                settled.given += 1;
            } else {
                settled.refused += 1;
                continue;
            }
            self.claim(target);
        }
        for owner in &mut self.owners {
            if owner.state == Use::Unclaimed {
                owner.state = Use::Resting(at + self.rest);
            }
        }
        settled
    }

    fn claim(&mut self, target: &Target) {
        self.owners[usize::from(target.id)] = Owner {
            uid: target.uid,
            state: Use::Held,
            place: target.state.position(),
        };
    }

    /// The id that this target has had, also one at rest: a late frame may bring a target back.
    fn find(&self, target: &Target) -> Option<u8> {
        let owns = |owner: &Owner| owner.uid == target.uid && owner.state != Use::Free;
        if target.id != 0 && owns(&self.owners[usize::from(target.id)]) {
            return Some(target.id);
        }
        (1..=255u8).find(|&id| owns(&self.owners[usize::from(id)]))
    }

    /// The id of a target that is gone since the last round and stood where this one stands.
    fn heir_of(&self, target: &Target) -> Option<u8> {
        let away = |id: u8| (self.owners[usize::from(id)].place - target.state.position()).norm();
        (1..=255u8)
            .filter(|&id| self.owners[usize::from(id)].state == Use::Unclaimed)
            .filter(|&id| away(id) < SAME_PLACE_M)
            .min_by(|&a, &b| away(a).total_cmp(&away(b)))
    }

    fn free(&self, at: Mono) -> Option<u8> {
        let in_use = |owner: &&Owner| matches!(owner.state, Use::Held | Use::Unclaimed);
        if self.owners.iter().filter(in_use).count() >= self.max {
            return None;
        }
        (1..=255u8)
            .map(|step| ((usize::from(self.last) + usize::from(step) - 1) % 255 + 1) as u8)
            .find(|&id| match self.owners[usize::from(id)].state {
                Use::Free => true,
                Use::Resting(until) => at >= until,
                Use::Held | Use::Unclaimed => false,
            })
    }
}
