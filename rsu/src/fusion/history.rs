//! The last moments, kept so that a late frame can be taken in its place.
//!
//! Each frame of the window is kept with the targets as they were before it. A late frame is put in
//! order, the targets are set back to that moment, and it and all later frames are worked through
//! again. Frames may wait in their places first, so that several late ones share one way through. All
//! room is made once; a frame older than the window, or than what the room can hold, is too late.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::budget::Later;
use super::target::{Sighting, Target};
use super::tracklet::{Measured, News};
use crate::clock::Mono;
use crate::report::MAX_OBJECTS;

/// Most frames kept: 0.4 s of six sensors at 20 Hz.
pub(crate) const MAX_FRAMES: usize = 48;

/// What one sensor saw at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) at: Mono,
    /// Index of the sensor in the configuration.
    pub(crate) sensor: usize,
    /// Counts frames as they come: the stem of the uids of targets born of this one.
    pub(crate) number: u64,
    pub(crate) sightings: ArrayVec<Sighting, MAX_OBJECTS>,
    /// What is behind those of a device that tracks, by the place that they name ([`News::Some`]).
    pub(crate) measured: ArrayVec<Measured, MAX_OBJECTS>,
    /// As many as a report holds: the rest of what was seen may follow in another.
    pub(crate) full: bool,
    /// Some were given up for want of time: who is not among them may well have been seen.
    pub(crate) thinned: bool,
    /// Of the places as they were said: what is learnt of a sensor changes sightings from day to day.
    pub(crate) print: u64,
}

/// The targets at one moment.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) at: Mono,
    pub(crate) targets: Vec<Target>,
    /// The frame worked through last: a device may send one moment in several.
    pub(crate) last: Option<(usize, Mono)>,
    /// Who was not seen at that moment has been judged.
    pub(crate) judged: bool,
}

impl Frame {
    /// What is behind a sighting of it that its device has spoken of before.
    pub(crate) fn measured(&self, sighting: &Sighting) -> Option<&Measured> {
        match sighting.news {
            News::Some(place) => self.measured.get(usize::from(place)),
            News::All | News::None => None,
        }
    }
}

impl Crowd {
    pub(crate) fn with_capacity(max_targets: usize) -> Self {
        Self {
            at: Mono::ZERO,
            targets: Vec::with_capacity(max_targets),
            last: None,
            judged: false,
        }
    }
}

/// Frames in order of time, each with the crowd before it.
#[derive(Debug)]
pub(crate) struct History {
    slots: Vec<Slot>,
    order: ArrayVec<u8, MAX_FRAMES>,
    free: ArrayVec<u8, MAX_FRAMES>,
    /// Nothing before this can be taken: it has been forgotten.
    floor: Mono,
    window: Duration,
}

#[derive(Debug)]
struct Slot {
    frame: Box<Frame>,
    before: Crowd,
    /// Whether `before` is: nobody goes back into the midst of a moment that came in several frames.
    kept: bool,
    /// Whether it has been worked through yet.
    entered: bool,
}

/// What frames are in order of.
fn rank(frame: &Frame) -> (Mono, usize, u64) {
    (frame.at, frame.sensor, frame.number)
}

/// A frame is older than what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLate;

impl History {
    pub(crate) fn new(window: Duration, max_targets: usize) -> Self {
        let slot = || Slot {
            frame: Box::default(),
            before: Crowd::with_capacity(max_targets),
            kept: false,
            entered: false,
        };
        Self {
            slots: (0..MAX_FRAMES).map(|_| slot()).collect(),
            order: ArrayVec::new(),
            free: (0..MAX_FRAMES as u8).collect(),
            floor: Mono::ZERO,
            window,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.free.extend(self.order.drain(..));
        self.floor = Mono::ZERO;
    }

    /// The moment of the newest frame; None before the first.
    pub(crate) fn newest(&self) -> Option<Mono> {
        self.order
            .last()
            .map(|slot| self.slots[usize::from(*slot)].frame.at)
    }

    /// How many frames are kept.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The place of the first frame that waits to be worked through.
    pub(crate) fn waiting(&self) -> Option<usize> {
        let mut order = self.order.iter();
        order.position(|slot| !self.slots[usize::from(*slot)].entered)
    }

    /// Whether what waits would be lost with a frame of that moment.
    pub(crate) fn presses(&self, at: Mono) -> bool {
        let waiting = self.waiting().map(|place| self.slot(place).frame.at);
        let newest = self.newest().max(Some(at)).unwrap_or(at);
        waiting.is_some_and(|waiting| self.free.is_empty() || waiting + self.window < newest)
    }

    fn slot(&self, place: usize) -> &Slot {
        &self.slots[usize::from(self.order[place])]
    }

    /// What would have to be worked through for a frame, beside itself.
    pub(crate) fn later_than(&self, frame: &Frame) -> Later {
        let waiting = self.waiting().map(|place| rank(&self.slot(place).frame));
        let first = waiting.map_or(rank(frame), |waiting| waiting.min(rank(frame)));
        let later = self.order.iter().rev();
        let later = later
            .map(|slot| &self.slots[usize::from(*slot)].frame)
            .take_while(|other| rank(other) >= first);
        later.fold(Later::default(), |sum, other| Later {
            frames: sum.frames + 1,
            sightings: sum.sightings + other.sightings.len(),
        })
    }

    /// Puts a frame in its place, and hands out another in its stead, for the next one; the index of that
    /// place. Frames of the same moment stand in order of their sensors, whichever came first.
    pub(crate) fn insert(&mut self, frame: &mut Box<Frame>) -> Result<usize, TooLate> {
        let newest = self.newest().max(Some(frame.at)).unwrap_or(frame.at);
        if frame.at < self.floor || frame.at + self.window < newest {
            return Err(TooLate);
        }
        self.forget_before(newest);
        if self.free.is_empty() {
            let oldest = self.order.remove(0);
            self.floor = self.slots[usize::from(oldest)].frame.at;
            self.free.push(oldest);
            if frame.at < self.floor {
                return Err(TooLate);
            }
        }
        let place = self
            .order
            .partition_point(|s| rank(&self.slots[usize::from(*s)].frame) < rank(frame));
        // The moment that follows has lost its beginning.
        if self
            .order
            .get(place)
            .is_some_and(|s| !self.slots[usize::from(*s)].kept)
        {
            return Err(TooLate);
        }
        let free = self.free.pop().ok_or(TooLate)?;
        let slot = &mut self.slots[usize::from(free)];
        std::mem::swap(&mut slot.frame, frame);
        (slot.kept, slot.entered) = (true, false);
        self.order.insert(place, free);
        Ok(place)
    }

    /// Forgets what no frame can come before any more. What was kept last is given out first, so that the
    /// same memory is used again and again.
    fn forget_before(&mut self, newest: Mono) {
        let frame = |slot: u8| &self.slots[usize::from(slot)].frame;
        let old = self.order.iter();
        let old = old.take_while(|slot| frame(**slot).at + self.window < newest);
        let old = old.count();
        if let Some(last) = old.checked_sub(1) {
            self.floor = frame(self.order[last]).at;
            self.free.extend(self.order.drain(..old).rev());
        }
    }

    /// Whether the same sensor said the very same of that moment: nothing that is new.
    pub(crate) fn has(&self, frame: &Frame) -> bool {
        let slots = self
            .order
            .iter()
            .rev()
            .map(|s| &self.slots[usize::from(*s)].frame);
        slots
            .skip_while(|other| other.at > frame.at)
            .take_while(|other| other.at == frame.at)
            .any(|other| other.sensor == frame.sensor && other.print == frame.print)
    }

    /// Sets `crowd` back to what it was before the frame at `place`, which waits; how many frames are to be
    /// worked through again. The first of these no longer knows the crowd before it: it is to be entered.
    pub(crate) fn rewind(&mut self, place: usize, crowd: &mut Crowd) -> usize {
        let later = self.order[place..].iter().map(|slot| usize::from(*slot));
        let mut again = later.filter(|slot| self.slots[*slot].entered);
        let Some(first) = again.next() else {
            return 0;
        };
        let count = 1 + again.count();
        std::mem::swap(crowd, &mut self.slots[first].before);
        count
    }

    /// Hands out the frame at `place`, whether it had waited and, where it begins a moment, the crowd before
    /// it: that is kept here from now on, and what is then left in `crowd` is of no use.
    pub(crate) fn enter(
        &mut self,
        place: usize,
        crowd: &mut Crowd,
    ) -> (&Frame, bool, Option<&Crowd>) {
        let slot = &mut self.slots[usize::from(self.order[place])];
        slot.kept = crowd.last != Some((slot.frame.sensor, slot.frame.at));
        if slot.kept {
            std::mem::swap(crowd, &mut slot.before);
        }
        let first = !std::mem::replace(&mut slot.entered, true);
        (&slot.frame, first, slot.kept.then_some(&slot.before))
    }
}
