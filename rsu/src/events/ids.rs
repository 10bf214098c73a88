//! Ids 0 to 255: one for the life of an event, and none again before a rest.
//!
//! A receiver knows an event by the unit and this id. An id that comes back at once with another
//! event would look like the old one moved. Not here: when a life ends.

use std::time::Duration;

use crate::clock::Mono;

/// Which ids are taken, and which rest until when.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    rest: Duration,
    /// Free from this moment on; [`Mono::NEVER`] while taken.
    free_from: Box<[Mono; 256]>,
    next: u8,
    /// Those that the site's file has given; only it may have them.
    reserved: Box<[bool; 256]>,
}

impl Ids {
    pub(super) fn new(rest: Duration) -> Self {
        Self {
            rest,
            free_from: Box::new([Mono::ZERO; 256]),
            next: 0,
            reserved: Box::new([false; 256]),
        }
    }

    /// Keeps these for whoever asks as the site, and no others.
    pub(super) fn reserve(&mut self, ids: impl Iterator<Item = u8>) {
        self.reserved.fill(false);
        ids.for_each(|id| self.reserved[usize::from(id)] = true);
    }

    /// `wanted` if it is free, otherwise the next one in turn that is nobody's; None while none is
    /// free.
    pub(super) fn take(&mut self, now: Mono, wanted: Option<u8>, as_site: bool) -> Option<u8> {
        let wanted = wanted
            .filter(|id| self.is_free(*id, now) && (as_site || !self.reserved[usize::from(*id)]));
        let id = wanted.or_else(|| {
            let from = self.next;
            (0..=u8::MAX)
                .map(|step| from.wrapping_add(step))
                .find(|id| self.is_free(*id, now) && !self.reserved[usize::from(*id)])
        })?;
        self.free_from[usize::from(id)] = Mono::NEVER;
        if wanted.is_none() {
            self.next = id.wrapping_add(1);
        }
        Some(id)
    }

    /// Gives an id back that was never told to anybody.
    pub(super) fn put_back(&mut self, id: u8) {
        self.free_from[usize::from(id)] = Mono::ZERO;
    }

    /// Gives an id back; it rests from `now` on.
    pub(super) fn give_back(&mut self, now: Mono, id: u8) {
        self.free_from[usize::from(id)] = now + self.rest;
    }

    fn is_free(&self, id: u8, now: Mono) -> bool {
        self.free_from[usize::from(id)] <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_id_rests_before_it_is_used_again() {
        let mut ids = Ids::new(REST);
        assert_eq!(ids.take(at(1), Some(7), false), Some(7));
        ids.give_back(at(2), 7);
        assert_eq!(ids.take(at(61), Some(7), false), Some(0));
        assert_eq!(ids.take(at(62), Some(7), false), Some(7));
    }

    #[test]
    fn ids_go_round_and_none_is_given_twice() {
        let mut ids = Ids::new(REST);
        let mut taken: Vec<_> = (0..256)
            .filter_map(|_| ids.take(at(1), None, false))
            .collect();
        assert_eq!(ids.take(at(1), None, false), None);
        taken.sort_unstable();
        assert_eq!(taken, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn an_id_of_the_site_goes_to_nobody_else() {
        let mut ids = Ids::new(REST);
        ids.reserve([0, 7].into_iter());
        assert_eq!(ids.take(at(1), Some(7), false), Some(1));
        assert_eq!(ids.take(at(1), None, false), Some(2));
        assert_eq!(ids.take(at(1), Some(7), true), Some(7));
        // Another file.
        ids.reserve([3].into_iter());
        assert_eq!(ids.take(at(1), Some(0), false), Some(0));
    }
}
