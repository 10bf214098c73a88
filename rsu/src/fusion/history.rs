//! The last moments, kept so that a late frame can be taken in its place.
//!
//! Each frame of the window is kept with who was followed before it (`crowd`), and with the targets that it
//! carried on, as it left them. A late frame is put in order, the crowd is set back to that moment, and it and
//! all later frames are worked through again. Frames may wait in their places first, so that several late ones
//! share one way through. All room is made once; a frame older than the window, or than what the room can hold,
//! is too late. Of frames before the window those are kept as well that are the last to have concerned somebody.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::budget::Later;
use super::config::Config;
use super::crowd::{Concern, Crowd, LEFT, LEFT_MOMENTS, Paces, Seat};
use super::learn::proved_false;
use super::pace::Pace;
use super::repute::Repute;
use super::target::{Sighting, Target};
use super::tracklet::{Measured, News};
use crate::clock::Mono;
use crate::report::MAX_OBJECTS;

/// Most frames kept: 0.4 s of six sensors at 20 Hz.
pub(crate) const MAX_FRAMES: usize = 48;
/// Moments before these whose targets are kept.
const TAIL: usize = LEFT_MOMENTS as usize + 1;

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
    /// How much less than it seems a further velocity of one number says (`speeds`).
    pub(crate) speeds_repeat: f64,
    /// Of the places as they were said: what is learnt of a sensor changes sightings from day to day.
    pub(crate) print: u64,
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

/// Frames in order of time, each with the crowd before it.
#[derive(Debug)]
pub(crate) struct History {
    slots: Vec<Slot>,
    order: ArrayVec<u8, MAX_FRAMES>,
    /// Moments that have left the window, in order of time.
    tail: ArrayVec<u8, TAIL>,
    free: ArrayVec<u8, { MAX_FRAMES + TAIL }>,
    /// Nothing before this can be taken: it has been forgotten.
    floor: Mono,
    window: Duration,
}

#[derive(Debug)]
struct Slot {
    frame: Box<Frame>,
    before: Crowd,
    /// Whom it carried on, as its moment left them.
    made: Vec<Target>,
    /// Whether these are: nobody goes back into the midst of a moment that came in several frames.
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
            made: Vec::with_capacity(max_targets),
            kept: false,
            entered: false,
        };
        Self {
            slots: (0..MAX_FRAMES + TAIL).map(|_| slot()).collect(),
            order: ArrayVec::new(),
            tail: ArrayVec::new(),
            free: (0..(MAX_FRAMES + TAIL) as u8).collect(),
            floor: Mono::ZERO,
            window,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.free.extend(self.order.drain(..));
        self.free.extend(self.tail.drain(..));
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
        waiting.is_some_and(|waiting| self.order.is_full() || waiting + self.window < newest)
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
    pub(crate) fn insert(
        &mut self,
        frame: &mut Box<Frame>,
        crowd: &Crowd,
    ) -> Result<usize, TooLate> {
        let newest = self.newest().max(Some(frame.at)).unwrap_or(frame.at);
        if frame.at < self.floor || frame.at + self.window < newest {
            return Err(TooLate);
        }
        self.forget_before(newest, crowd);
        if self.order.is_full() {
            self.forget(1, crowd);
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

    /// Forgets what no frame can come before any more.
    fn forget_before(&mut self, newest: Mono, crowd: &Crowd) {
        let frame = |slot: u8| &self.slots[usize::from(slot)].frame;
        let old = self.order.iter();
        let old = old.take_while(|slot| frame(**slot).at + self.window < newest);
        let count = old.count();
        if count > 0 {
            self.forget(count, crowd);
        }
    }

    /// Forgets the oldest frames, so many; those of their moments stay that were the last to concern somebody.
    /// What was kept last is given out first, so that the same memory is used again and again: where all is
    /// seen all the time that is a few frames and not all that there is room for, which a processor keeps near.
    fn forget(&mut self, count: usize, crowd: &Crowd) {
        for slot in self.order.drain(..count) {
            self.floor = self.slots[usize::from(slot)].frame.at;
            let Slot { kept, entered, .. } = self.slots[usize::from(slot)];
            if !(kept && entered) {
                self.free.push(slot);
                continue;
            }
            if self.tail.is_full() {
                self.free.push(self.tail.remove(0));
            }
            self.tail.push(slot);
        }
        // Who stays where an earlier moment has left him was there in all crowds between, so that the oldest tells.
        let mut order = self
            .order
            .iter()
            .map(|slot| &self.slots[usize::from(*slot)]);
        let oldest = order.find(|slot| slot.kept && slot.entered);
        let oldest = oldest.map_or(crowd, |slot| &slot.before);
        let mut holds = [false; MAX_FRAMES + TAIL];
        holds[usize::from(oldest.slot)] = true;
        for seat in &oldest.seats {
            holds[usize::from(seat.slot)] = true;
        }
        let free = &mut self.free;
        self.tail.retain(|slot| {
            let stays = holds[usize::from(*slot)];
            if !stays {
                free.push(*slot);
            }
            stays
        });
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

    /// Makes the crowd that of the frame at `place`: those whom it concerns are carried on to its moment and
    /// handed out, to be given back by [`Self::leave`]. Where it begins a moment, the crowd before it is kept
    /// here from now on. Those are left out whose time is over.
    /// What devices are found to have begun for nothing counts in their `repute`, once.
    pub(crate) fn enter(
        &mut self,
        place: usize,
        crowd: &mut Crowd,
        config: &Config,
        repute: &mut [Repute],
    ) -> Entered {
        let own = self.order[place];
        let slot = &mut self.slots[usize::from(own)];
        let moment = Some((slot.frame.sensor, slot.frame.at));
        slot.kept = crowd.last != moment;
        let first = !std::mem::replace(&mut slot.entered, true);
        let (begins, at) = (slot.kept, slot.frame.at);
        if begins {
            std::mem::swap(crowd, &mut slot.before);
            crowd.at = slot.before.at.max(at);
            (crowd.last, crowd.judged, crowd.slot) = (moment, false, own);
            crowd.seats.clear();
            slot.made.clear();
        }
        let mut targets = std::mem::take(&mut self.slots[usize::from(crowd.slot)].made);
        let known = targets.len();
        let mut is_over = |target: &Target| {
            let over = target.is_over(at, config);
            if over && first {
                proved_false(target, repute);
            }
            over
        };
        if begins {
            self.carry_on(own, crowd, &mut targets, (config, &mut is_over));
        } else {
            self.fetch(own, crowd, &mut targets, (config, &mut is_over));
        }
        Entered {
            first,
            begins,
            others: crowd.seats.len() - targets.len(),
            more: targets.len() > known,
            targets,
        }
    }

    /// The frame at `place`.
    pub(crate) fn frame(&self, place: usize) -> &Frame {
        &self.slot(place).frame
    }

    /// Takes back those whom a frame has been about: some may have gone, and others come after them.
    pub(crate) fn leave(&mut self, crowd: &mut Crowd, targets: Vec<Target>) {
        let own = crowd.slot;
        let mut next = 0;
        crowd.seats.retain_mut(|seat| {
            if seat.slot != own {
                return true;
            }
            let Some(target) = targets.get(next).filter(|target| seat.is_of(target)) else {
                return false;
            };
            *seat = Seat::new(target, own, next);
            next += 1;
            true
        });
        let come = targets.iter().enumerate().skip(next);
        let come = come.map(|(index, target)| Seat::new(target, own, index));
        crowd.seats.extend(come);
        self.slots[usize::from(own)].made = targets;
    }

    /// Carries on whom the frame in a slot concerns, or who was left for long; the others stay where they are.
    /// Made anew and not moved on, since what was before is kept.
    fn carry_on(
        &self,
        own: u8,
        crowd: &mut Crowd,
        into: &mut Vec<Target>,
        (config, is_over): (&Config, &mut impl FnMut(&Target) -> bool),
    ) {
        let Slot { frame, before, .. } = &self.slots[usize::from(own)];
        let concern = Concern::new(&config.sensors[frame.sensor], &frame.sightings);
        let mut paces = Paces::new(frame.at);
        for seat in &before.seats {
            let from = &self.slots[usize::from(seat.slot)];
            let target = &from.made[usize::from(seat.index)];
            // Asked before they move: after a long silence their covariance would be beyond all use. And of those
            // as well whom the frame does not concern: they hold room that others may need.
            if is_over(target) {
                continue;
            }
            let left = seat.left >= LEFT_MOMENTS || from.frame.at + LEFT < frame.at;
            if !left && !concern.reaches(seat) {
                crowd.seats.push(seat.left_again());
                continue;
            }
            crowd.seats.push(Seat::new(target, own, into.len()));
            carry(target, into, paces.since(from.frame.at));
        }
    }

    /// The same for a further frame of a moment, which may concern some whom those before it did not.
    fn fetch(
        &self,
        own: u8,
        crowd: &mut Crowd,
        into: &mut Vec<Target>,
        (config, is_over): (&Config, &mut impl FnMut(&Target) -> bool),
    ) {
        let frame = &self.slots[usize::from(own)].frame;
        let concern = Concern::new(&config.sensors[frame.sensor], &frame.sightings);
        let mut paces = Paces::new(frame.at);
        let (slot, known) = (crowd.slot, into.len());
        crowd.seats.retain(|seat| {
            if seat.slot == slot || !concern.reaches(seat) {
                return true;
            }
            let from = &self.slots[usize::from(seat.slot)];
            let target = &from.made[usize::from(seat.index)];
            if !is_over(target) {
                carry(target, into, paces.since(from.frame.at));
            }
            false
        });
        let fetched = into.iter().enumerate().skip(known);
        let fetched = fetched.map(|(index, target)| Seat::new(target, slot, index));
        crowd.seats.extend(fetched);
    }

    /// Everybody of a crowd, each as of the moment that is given beside.
    pub(crate) fn everybody<'a>(
        &'a self,
        crowd: &'a Crowd,
    ) -> impl Iterator<Item = (Mono, &'a Target)> + Clone {
        crowd.seats.iter().map(|seat| {
            let slot = &self.slots[usize::from(seat.slot)];
            (slot.frame.at, &slot.made[usize::from(seat.index)])
        })
    }

    /// One of a crowd.
    pub(crate) fn one_of(&self, crowd: &Crowd, n: usize) -> (Mono, &Target) {
        let seat = &crowd.seats[n];
        let slot = &self.slots[usize::from(seat.slot)];
        (slot.frame.at, &slot.made[usize::from(seat.index)])
    }

    /// One of a crowd, to be changed in what is no part of the past.
    pub(crate) fn change(&mut self, crowd: &Crowd, n: usize) -> (Mono, &mut Target) {
        let seat = &crowd.seats[n];
        let slot = &mut self.slots[usize::from(seat.slot)];
        (slot.frame.at, &mut slot.made[usize::from(seat.index)])
    }
}

/// Those whom a frame is about, and what is to be known beside.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) targets: Vec<Target>,
    /// So many are followed beside them.
    pub(crate) others: usize,
    /// The frame had not been worked through before.
    pub(crate) first: bool,
    /// It begins a moment, and does not go on with one.
    pub(crate) begins: bool,
    /// It concerns some whom the frames of its moment before it did not.
    pub(crate) more: bool,
}

/// Adds a target, moved on.
pub(crate) fn carry(target: &Target, into: &mut Vec<Target>, pace: &mut Pace) {
    // Asked of the one that is there: a copy that has just been made is still on its way.
    let class = target.class.best().0;
    into.extend_from_slice(std::slice::from_ref(target));
    if let Some(target) = into.last_mut() {
        target.predict(pace, class);
    }
}

#[cfg(test)]
mod tests;
