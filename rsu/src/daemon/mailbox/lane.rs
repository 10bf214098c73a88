//! What one input says of one kind, on its way to the heart.
//!
//! A report lies in its place from the push until the heart has done with it: a big one is copied
//! once. What goes round are places, through lock-free queues; the lock of a place is never
//! contended, since a place is with one thread at a time. Not here: which lane is next.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crossbeam_queue::ArrayQueue;

use super::kind_of;
use crate::clock::{Mono, Now, Utc};
use crate::daemon::clock;
use crate::daemon::stop::lock;
use crate::report::{Content, ControlMode, InputId, Report};

/// Beyond those that wait, one place is with the heart and one with the thread that pushes.
const IN_HANDS: usize = 2;

/// A report in its lane.
struct Parcel {
    report: Report,
    /// How many were put into this lane before it.
    nth: u64,
    /// When.
    put_at: Mono,
}

/// What one input says of one kind.
pub(super) struct Lane {
    places: Vec<Mutex<Parcel>>,
    /// Places with reports that wait, the oldest first.
    full: ArrayQueue<usize>,
    free: ArrayQueue<usize>,
    /// How many may wait.
    most: usize,
    displaced: AtomicU64,
    /// How many were put since the start.
    put: AtomicU64,
}

impl Lane {
    /// In which so many may wait.
    pub(super) fn new(most: usize) -> Self {
        let count = most + IN_HANDS;
        let free = ArrayQueue::new(count);
        for place in 0..count {
            free.force_push(place);
        }
        Self {
            places: (0..count).map(|_| Mutex::new(blank())).collect(),
            full: ArrayQueue::new(count),
            free,
            most,
            displaced: AtomicU64::new(0),
            put: AtomicU64::new(0),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.full.len()
    }

    /// How many gave way to newer ones.
    pub(super) fn displaced(&self) -> u64 {
        self.displaced.load(Ordering::Relaxed)
    }

    /// Puts a report in; where the lane is full the oldest gives way.
    pub(super) fn put(&self, report: Report) {
        let nth = self.put.fetch_add(1, Ordering::Relaxed);
        let oldest = || {
            let place = self.full.pop();
            self.displaced
                .fetch_add(u64::from(place.is_some()), Ordering::Relaxed);
            place
        };
        let place = if self.full.len() < self.most {
            self.free.pop()
        } else {
            // The heart may have come first, and then there is a free one.
            oldest().or_else(|| self.free.pop())
        };
        let Some(place) = place else {
            // More threads than one push for this input: not how links are made, but no harm.
            self.displaced.fetch_add(1, Ordering::Relaxed);
            return;
        };
        *lock(&self.places[place]) = Parcel {
            report,
            nth,
            put_at: clock::mono(),
        };
        self.full.force_push(place);
    }

    /// The oldest that waits.
    pub(super) fn take(&self) -> Option<Held<'_>> {
        let place = self.full.pop()?;
        Some(Held {
            parcel: lock(&self.places[place]),
            _place: Loan {
                place,
                free: &self.free,
            },
        })
    }
}

/// A report in the heart's hands; dropping it gives its place back.
pub(crate) struct Held<'m> {
    // Dropped in this order: nobody gets the place before it is unlocked.
    parcel: MutexGuard<'m, Parcel>,
    _place: Loan<'m>,
}

impl Deref for Held<'_> {
    type Target = Report;
    fn deref(&self) -> &Report {
        &self.parcel.report
    }
}

impl Held<'_> {
    /// Its lane among those of its input, and how many went into that before it.
    pub(crate) fn place(&self) -> (u8, u64) {
        // It came by a lane.
        let lane = kind_of(&self.parcel.report.content).unwrap_or(0);
        (lane as u8, self.parcel.nth)
    }

    /// When it was put there.
    pub(crate) fn put_at(&self) -> Mono {
        self.parcel.put_at
    }
}

struct Loan<'m> {
    place: usize,
    free: &'m ArrayQueue<usize>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.free.force_push(self.place);
    }
}

/// What lies in a place that was never used.
fn blank() -> Parcel {
    Parcel {
        report: Report {
            input: InputId(0),
            arrived: Now {
                mono: Mono::ZERO,
                utc: Utc::from_unix_ns(0),
            },
            content: Content::Mode(ControlMode::Other),
        },
        nth: 0,
        put_at: Mono::ZERO,
    }
}
