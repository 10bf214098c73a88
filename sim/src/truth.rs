//! What was true a moment ago, on the time of the air: what the judge holds messages against.

use std::collections::VecDeque;
use std::time::Duration;

use rsu::clock::{Mono, Utc};

use crate::world::World;
use crate::world::signals::Plan;
use crate::world::snapshot::Snapshot;

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

/// The last seconds of a world, and its signals for all time.
#[derive(Clone, Debug)]
pub struct Truth {
    epoch: Epoch,
    plan: Plan,
    steps: VecDeque<Snapshot>,
}

impl Truth {
    /// With nothing seen yet.
    pub fn new(epoch: Epoch, plan: Plan) -> Self {
        Self {
            epoch,
            plan,
            steps: VecDeque::new(),
        }
    }

    /// Keeps the world's latest step.
    pub fn keep(&mut self, world: &World) {
        self.push(world.latest().clone());
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

    /// How UTC and simulated time belong together.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The signals.
    pub fn plan(&self) -> &Plan {
        &self.plan
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
