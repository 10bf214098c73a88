//! What was true a moment ago, on the time of the air: what the judge holds messages against.

use std::collections::VecDeque;
use std::time::Duration;

use rsu::clock::{Mono, Utc};
use v2x_msg::base::PhaseId;

use crate::world::World;
use crate::world::signals::Signals;
use crate::world::snapshot::Snapshot;
use crate::world::users::Happening;

/// How UTC and simulated time belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// UTC at the origin of simulated time.
    zero: Utc,
}

impl Epoch {
    /// Such that `mono` is at `utc`.
    pub fn new(mono: Mono, utc: Utc) -> Self {
        Self {
            zero: utc - mono.since(Mono::ZERO),
        }
    }

    /// UTC at a simulated moment.
    pub fn utc(self, mono: Mono) -> Utc {
        self.zero + mono.since(Mono::ZERO)
    }

    /// The simulated moment at `utc`; the origin for all before it.
    pub fn mono(self, utc: Utc) -> Mono {
        Mono::ZERO + utc.since(self.zero)
    }
}

/// What the signals' program had in mind at a step.
#[derive(Clone, Debug)]
struct Expected {
    at: Mono,
    ends: Vec<(PhaseId, Option<Mono>)>,
}

/// The last seconds of a world, and its signals as far as they are settled.
#[derive(Clone, Debug)]
pub struct Truth {
    epoch: Epoch,
    signals: Signals,
    expected: VecDeque<Expected>,
    steps: VecDeque<Snapshot>,
    happenings: Vec<Happening>,
    /// So many of them, from the first on, are over and do not change any more.
    over: usize,
}

impl Truth {
    /// With nothing seen yet.
    pub fn new(epoch: Epoch, signals: Signals) -> Self {
        Self {
            epoch,
            signals,
            expected: VecDeque::new(),
            steps: VecDeque::new(),
            happenings: Vec::new(),
            over: 0,
        }
    }

    /// Keeps the world's latest step.
    pub fn keep(&mut self, world: &World) {
        if let Signals::Live(_) = self.signals {
            self.signals.clone_from(world.signals());
            self.expect(world.now());
        }
        self.set_happenings(world.happenings());
        self.push(world.latest().clone());
    }

    /// When the colour of `phase` at `at` was to end by what the signals' program had in mind then;
    /// None where it did not know, or it is too long ago.
    pub fn expected(&self, phase: PhaseId, at: Mono) -> Option<Mono> {
        if let Signals::Fixed(_) = self.signals {
            return self.signals.colour_ends(phase, at);
        }
        let after = self.expected.partition_point(|then| then.at < at);
        let then = self.expected.get(after)?;
        let (_, ends) = then.ends.iter().find(|(other, _)| *other == phase)?;
        *ends
    }

    fn expect(&mut self, at: Mono) {
        let phases = self.signals.phases().into_iter();
        let ends = phases.map(|phase| (phase, self.signals.colour_expected(phase, at)));
        self.expected.push_back(Expected {
            at,
            ends: ends.collect(),
        });
        while let Some(first) = self.expected.front()
            && at.since(first.at) > KEPT
        {
            self.expected.pop_front();
        }
    }

    /// Keeps a moment later than all before.
    pub fn push(&mut self, snapshot: Snapshot) {
        self.steps.push_back(snapshot);
        while let (Some(first), Some(last)) = (self.steps.front(), self.steps.back())
            && last.at.since(first.at) > KEPT
        {
            self.steps.pop_front();
        }
    }

    /// What has happened on the road so far, in the order in which it began.
    pub fn happenings(&self) -> &[Happening] {
        &self.happenings
    }

    /// What has happened so far: all of before, and what has begun or ended since.
    pub fn set_happenings(&mut self, happenings: &[Happening]) {
        self.happenings.truncate(self.over);
        let news = happenings.get(self.over..).unwrap_or_default();
        self.happenings.extend_from_slice(news);
        self.over += news.iter().take_while(|one| one.until.is_some()).count();
    }

    /// How many of the first of them are over.
    pub fn over(&self) -> usize {
        self.over
    }

    /// From now on UTC and simulated time belong together otherwise: simulated time has stood still.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// How UTC and simulated time belong together.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The signals.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The world at `at`; None if that is too long ago or yet to come.
    pub fn at(&self, at: Mono) -> Option<Snapshot> {
        let after = self.steps.partition_point(|step| step.at < at);
        let later = self.steps.get(after)?;
        if later.at == at {
            return Some(later.clone());
        }
        let earlier = self.steps.get(after.checked_sub(1)?)?;
        Some(Snapshot::between(earlier, later, at))
    }
}

/// How long the past is kept.
const KEPT: Duration = Duration::from_secs(5);
