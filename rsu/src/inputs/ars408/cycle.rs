//! One measurement cycle of a radar: which object messages belong together, and when all are here.
//!
//! A radar says how many objects come, then sends one message of each kind for each. Quality and
//! extended messages can be switched off in the radar; whether they come is learned from each cycle,
//! so that a cycle is closed as soon as its last message is here.

use super::wire::{Extended, General, Quality};
use crate::clock::Now;

/// What a radar said of one object in one cycle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) general: Option<General>,
    pub(super) quality: Option<Quality>,
    pub(super) extended: Option<Extended>,
}

/// A cycle being collected, or the last one.
#[derive(Debug)]
pub(super) struct Cycle {
    /// When its first message arrived; None between cycles.
    begun: Option<Now>,
    announced: usize,
    /// By object id.
    said: Box<[Said; 256]>,
    /// Ids in the order in which they were first named.
    named: Vec<u8>,
    generals: usize,
    qualities: usize,
    extendeds: usize,
    expects_quality: bool,
    expects_extended: bool,
}

/// One of the three messages of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    General(General),
    Quality(Quality),
    Extended(Extended),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It belongs to the cycle.
    Fits,
    /// It belongs to the cycle, and this object has said the same kind before; the newer counts.
    Again,
    /// It belongs to the cycle, and is of one object more than were announced.
    Surplus,
    /// No cycle is open: it came too late, or before the first.
    Outside,
}

impl Cycle {
    pub(super) fn new() -> Self {
        Self {
            begun: None,
            announced: 0,
            said: Box::new([Said::default(); 256]),
            named: Vec::with_capacity(256),
            generals: 0,
            qualities: 0,
            extendeds: 0,
            expects_quality: true,
            expects_extended: true,
        }
    }

    /// Starts afresh; what was collected is gone.
    pub(super) fn begin(&mut self, at: Now, announced: u8) {
        for id in self.named.drain(..) {
            self.said[usize::from(id)] = Said::default();
        }
        (self.generals, self.qualities, self.extendeds) = (0, 0, 0);
        self.begun = Some(at);
        self.announced = usize::from(announced);
    }

    pub(super) fn take(&mut self, part: Part) -> Taken {
        if self.begun.is_none() {
            // The cycle was closed without it: from now on it is waited for.
            match part {
                Part::General(_) => {}
                Part::Quality(_) => self.expects_quality = true,
                Part::Extended(_) => self.expects_extended = true,
            }
            return Taken::Outside;
        }
        let id = match part {
            Part::General(General { id, .. })
            | Part::Quality(Quality { id, .. })
            | Part::Extended(Extended { id, .. }) => id,
        };
        let said = &mut self.said[usize::from(id)];
        if said.general.is_none() && said.quality.is_none() && said.extended.is_none() {
            self.named.push(id);
        }
        let (before, count) = match part {
            Part::General(part) => (said.general.replace(part).is_some(), &mut self.generals),
            Part::Quality(part) => (said.quality.replace(part).is_some(), &mut self.qualities),
            Part::Extended(part) => (said.extended.replace(part).is_some(), &mut self.extendeds),
        };
        if before {
            return Taken::Again;
        }
        *count += 1;
        if *count > self.announced {
            Taken::Surplus
        } else {
            Taken::Fits
        }
    }

    /// Whether a cycle is open and nothing more is expected in it.
    pub(super) fn is_complete(&self) -> bool {
        self.begun.is_some()
            && self.generals >= self.announced
            && (!self.expects_quality || self.qualities >= self.announced)
            && (!self.expects_extended || self.extendeds >= self.announced)
    }

    /// Closes the cycle, if one is open: when it began. What it said is in [`Self::said`].
    pub(super) fn close(&mut self) -> Option<Now> {
        let begun = self.begun.take()?;
        // Only a cycle that lost no object tells which kinds the radar sends.
        if self.generals > 0 && self.generals >= self.announced {
            self.expects_quality = self.qualities > 0;
            self.expects_extended = self.extendeds > 0;
        }
        Some(begun)
    }

    /// What was said of each object, in the order in which they were first named.
    pub(super) fn said(&self) -> impl Iterator<Item = &Said> {
        self.named.iter().map(|id| &self.said[usize::from(*id)])
    }
}
