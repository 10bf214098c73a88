//! What passes on the straight path, copied for whoever keeps or shows it.
//!
//! A tap is a bounded queue that many threads fill and one empties. Its slots are made at the start,
//! in three sizes, and go round: what is put allocates nothing up to [`LARGE`] bytes and never waits.
//! When slots of a size have run out the oldest that waits gives way and is counted. Not here: what
//! is done with it, see `record` and `console`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use crate::clock::{Mono, Now};
use crate::report::InputId;
use crate::station::{ClockState, Event, FrameKind};

/// Holds every frame that we send and most datagrams that come.
const SMALL: usize = 2 * 1024;
/// Holds every datagram that is no JSON.
const LARGE: usize = 16 * 1024;
/// Longer ones are JSON, on a thread that allocates anyway; so many may wait.
const HUGE_AT_ONCE: usize = 8;
/// So many of other sizes may give way for one.
const MOST_TO_GIVE_WAY: usize = 64;

/// How many slots there are of each size: without bytes, small, large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes(pub(crate) [usize; 3]);

impl Sizes {
    /// Four seconds of a busy junction with the disk away: 12 MB.
    pub(crate) const RECORD: Self = Self([8192, 4096, 128]);
    /// Frames and events of a few seconds: 1 MB.
    pub(crate) const PAGE: Self = Self([256, 512, 1]);
}

/// What was done, to which the slot's bytes belong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// Bytes of a device arrived.
    Arrived { input: InputId, at: Now },
    /// The way to a device was lost or found, and its decoder began afresh.
    Restarted { input: InputId, at: Now },
    /// An input's decoder was asked for questions; what it gave was sent.
    Asked { input: InputId, at: Now },
    /// An input's decoder passed on what it had gathered.
    Flushed { input: InputId, at: Now },
    /// The `number`th order is about to be put down.
    Ordered { number: u64, at: Now },
    /// The heart woke and stepped the station.
    Step { at: Now, step: Step },
    /// A frame was handed to the radio.
    Frame(FrameMark),
    /// The station told its operator something.
    Event { at: Now, event: Event },
}

/// Why the heart stepped the station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// A report: the `nth` of its kind that this input put into the mailbox.
    Report {
        input: InputId,
        lane: u8,
        nth: u64,
        arrived: Mono,
    },
    /// The `number`th order.
    Order { number: u64 },
    /// News of the clock.
    Clock(ClockState),
    /// Something was due.
    Timeout,
    /// The picture and the forecast were asked for, to be shown.
    View,
}

/// A frame that was sent, but for its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameMark {
    /// The moment of the station's step that composed it.
    pub(crate) at: Now,
    pub(crate) kind: FrameKind,
    pub(crate) priority: u8,
    /// When the newest input that it rests on arrived.
    pub(crate) cause: Option<Mono>,
    /// How long it took to compose, encode and send.
    pub(crate) took: Duration,
}

/// One thing that passed.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) mark: Mark,
    pub(crate) bytes: Vec<u8>,
    size: usize,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Tap {
    full: ArrayQueue<Box<Slot>>,
    free: [ArrayQueue<Box<Slot>>; 3],
    huge: AtomicUsize,
    lost: AtomicU64,
}

impl Tap {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let lengths = [0, SMALL, LARGE];
        let free = std::array::from_fn(|size| {
            // A queue holds at least one.
            let count = sizes.0[size].max(1);
            let queue = ArrayQueue::new(count);
            for _ in 0..count {
                queue.force_push(Box::new(Slot::blank(size, lengths[size])));
            }
            queue
        });
        Self {
            full: ArrayQueue::new(sizes.0.iter().sum::<usize>() + 3 + HUGE_AT_ONCE),
            free,
            huge: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Keeps a copy; the oldest that waits gives way where there is no room.
    pub(crate) fn put(&self, mark: Mark, bytes: &[u8]) {
        let slot = match bytes.len() {
            0 => self.free_slot(0),
            1..=SMALL => self.free_slot(1),
            length if length <= LARGE => self.free_slot(2),
            length => self.huge_slot(length),
        };
        let Some(mut slot) = slot else {
            self.count_lost();
            return;
        };
        slot.mark = mark;
        slot.bytes.extend_from_slice(bytes);
        if let Err(slot) = self.full.push(slot) {
            self.count_lost();
            self.give_back(slot);
        }
    }

    /// The oldest that waits; to be given back.
    pub(crate) fn take(&self) -> Option<Box<Slot>> {
        self.full.pop()
    }

    /// Takes an emptied slot back.
    pub(crate) fn give_back(&self, mut slot: Box<Slot>) {
        slot.bytes.clear();
        match self.free.get(slot.size) {
            Some(free) => drop(free.push(slot)),
            None => {
                self.huge.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// How many gave way since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.full.len()
    }

    fn free_slot(&self, size: usize) -> Option<Box<Slot>> {
        if let Some(slot) = self.free[size].pop() {
            return Some(slot);
        }
        for _ in 0..MOST_TO_GIVE_WAY {
            let mut oldest = self.full.pop()?;
            self.count_lost();
            if oldest.size == size {
                oldest.bytes.clear();
                return Some(oldest);
            }
            self.give_back(oldest);
        }
        None
    }

    fn huge_slot(&self, length: usize) -> Option<Box<Slot>> {
        if self.huge.fetch_add(1, Ordering::Relaxed) >= HUGE_AT_ONCE {
            self.huge.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Box::new(Slot::blank(self.free.len(), length)))
    }

    fn count_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl Slot {
    fn blank(size: usize, length: usize) -> Self {
        Self {
            mark: Mark::Restarted {
                input: InputId(0),
                at: Now {
                    mono: Mono::ZERO,
                    utc: crate::clock::Utc::from_unix_ns(0),
                },
            },
            bytes: Vec::with_capacity(length),
            size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Utc;

    fn arrived(number: u64) -> Mark {
        let at = Now {
            mono: Mono::from_nanos(number),
            utc: Utc::from_unix_ns(0),
        };
        Mark::Arrived {
            input: InputId(0),
            at,
        }
    }

    fn number(slot: &Slot) -> u64 {
        match slot.mark {
            Mark::Arrived { at, .. } => at.mono.nanos(),
            _ => panic!("{slot:?}"),
        }
    }

    #[test]
    fn what_is_put_comes_out_in_order_with_its_bytes() {
        let tap = Tap::new(Sizes([1, 4, 2]));
        tap.put(arrived(1), b"one");
        tap.put(arrived(2), &[7; LARGE]);
        tap.put(arrived(3), b"");
        let lengths: Vec<_> = std::iter::from_fn(|| tap.take())
            .map(|slot| (number(&slot), slot.bytes.len()))
            .collect();
        assert_eq!(lengths, [(1, 3), (2, LARGE), (3, 0)]);
        assert_eq!(tap.lost(), 0);
    }

    #[test]
    fn the_oldest_give_way_and_are_counted() {
        let tap = Tap::new(Sizes([1, 3, 1]));
        for n in 0..10 {
            tap.put(arrived(n), b"x");
        }
        assert_eq!(tap.lost(), 7);
        let left: Vec<_> = std::iter::from_fn(|| tap.take())
            .map(|slot| number(&slot))
            .collect();
        assert_eq!(left, [7, 8, 9]);
    }

    #[test]
    fn slots_that_come_back_are_used_again_and_keep_no_bytes() {
        let tap = Tap::new(Sizes([1, 1, 1]));
        for n in 0..100 {
            tap.put(arrived(n), b"long enough");
            tap.put(arrived(n), b"");
            while let Some(slot) = tap.take() {
                assert!(slot.bytes.is_empty() || slot.bytes == b"long enough");
                tap.give_back(slot);
            }
        }
        assert_eq!((tap.lost(), tap.waiting()), (0, 0));
    }

    #[test]
    fn what_is_longer_than_any_datagram_is_bounded_in_number() {
        let tap = Tap::new(Sizes([1, 1, 1]));
        let long = vec![0; LARGE + 1];
        for n in 0..20 {
            tap.put(arrived(n), &long);
        }
        assert_eq!(tap.waiting(), HUGE_AT_ONCE);
        assert_eq!(tap.lost(), 20 - HUGE_AT_ONCE as u64);
        while let Some(slot) = tap.take() {
            tap.give_back(slot);
        }
        tap.put(arrived(0), &long);
        assert_eq!(tap.waiting(), 1);
    }
}
