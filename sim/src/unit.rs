//! What a roadside unit counts of itself in a run in virtual time: what it sent and how fresh that was,
//! what it refused, gave up and left out.
//!
//! All of it is the station's and the decoders' own count, since they started, and none is worked out
//! anew. Not here: what the frames are worth ([`crate::judge`]); a daemon's queues, sockets and clock,
//! which virtual time does not have.

use rsu::clock::Now;
use rsu::inputs::Counts;
use rsu::station::{Frame, FrameKind, Stats};

use crate::judge::samples::Samples;
use crate::stage::Stage;

/// What a unit counts of itself.
#[derive(Clone, Debug, Default)]
pub struct UnitCounts {
    /// The station's.
    pub stats: Stats,
    /// Those of each input, by name.
    pub inputs: Vec<(String, Counts)>,
    /// By kind of message: how long ago the newest input that a frame rests on had arrived when it left.
    pub age_s: [Samples; FrameKind::ALL.len()],
}

impl UnitCounts {
    /// No more than so many measurements of one thing are kept one by one.
    pub fn keep_at_most(&mut self, keeps: usize) {
        let ages = self.age_s.iter_mut();
        ages.for_each(|samples| samples.keep_at_most(keeps));
    }

    /// A frame leaves.
    pub fn note(&mut self, now: Now, frame: &Frame) {
        if let Some(cause) = frame.cause {
            let age = now.mono.since(cause.mono);
            self.age_s[frame.kind.index()].add(age.as_secs_f64());
        }
    }

    /// Reads off what the unit has counted.
    pub fn read(&mut self, stage: &Stage) {
        self.stats = stage.station().stats().clone();
        let inputs = stage.counts();
        let inputs = inputs.map(|(name, counts)| (name.to_owned(), counts.clone()));
        self.inputs = inputs.collect();
    }
}
