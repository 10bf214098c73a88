//! What is counted of the units of a run: what reached them, what they made of it, and what came of that.

use std::collections::BTreeMap;
use std::time::Duration;

use rsu::clock::Mono;
use v2x_msg::base::StationId;
use v2x_msg::kinds::Rsm;

use super::asking::{Ended, SORTS};
use super::dangers::Danger;
use super::signal::Doubt;
use crate::air::channel;
use crate::judge::samples::Samples;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// What the radios heard.
    pub air: channel::Score,
    /// Units at work, at most at one time.
    pub units: usize,
    /// At vehicles that the junction concerns: from the making of the newest SPAT to now, each second.
    pub spat_age_s: Samples,
    /// Such moments at which a vehicle knew no SPAT at all.
    pub spat_unknown: u64,
    /// Advice of which the moment has come, and of it that for which the light was green then.
    pub advice: u64,
    /// See `advice`.
    pub advice_right: u64,
    /// Vehicles that were ever advised.
    pub advised: u64,
    /// Warnings, by what they are about; each as long as it lasts.
    pub warnings: BTreeMap<Danger, u64>,
    /// SPATs that were not believed, by why.
    pub doubts: BTreeMap<Doubt, u64>,
    /// Frames that units could not read.
    pub unread: u64,
    /// Messages of vehicles that the roadside unit heard.
    pub heard_by_roadside: u64,
    /// What was asked of the roadside, by its place in [`SORTS`].
    pub requests: [Requests; SORTS.len()],
    /// Changes of the number under which RSM shows a vehicle that says its name.
    pub id_changes: u64,
    /// Entries of RSM with such a name.
    pub named: u64,
    /// By junction and name: the number that it last had, and when.
    numbers: BTreeMap<(usize, [u8; 8]), (u8, Mono)>,
}

/// What was asked of the roadside of one sort.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Requests that stood for half a second or longer, and those answered before.
    pub asked: u64,
    /// Of these, those that were answered.
    pub answered: u64,
    /// And those that were granted at some time.
    pub granted: u64,
    /// From the first VIR to the first answer.
    pub delay_s: Samples,
    /// Of the newest answer, at each step at which one is known to a request that stands.
    pub age_s: Samples,
}

impl Score {
    /// A request stands no more.
    pub fn ended(&mut self, ended: &Ended) {
        let requests = &mut self.requests[ended.sort];
        match ended.answered_after {
            Some(after) => {
                requests.asked += 1;
                requests.answered += 1;
                requests.granted += u64::from(ended.granted);
                requests.delay_s.add(after.as_secs_f64());
            }
            // Whose driver thinks better of it at once waits for nothing.
            None => requests.asked += u64::from(ended.stood >= STOOD),
        }
    }

    /// Takes an RSM as the unit of a junction sent it.
    pub fn told_of(&mut self, now: Mono, junction: usize, rsm: &Rsm) {
        for participant in rsm.participants() {
            let Some(StationId(name)) = participant.bsm_id else {
                continue;
            };
            self.named += 1;
            let number = participant.id.value();
            let before = self.numbers.insert((junction, name), (number, now));
            self.id_changes += u64::from(before.is_some_and(|(other, _)| other != number));
        }
    }

    /// Forgets the numbers of those who have long gone.
    pub fn forget(&mut self, now: Mono) {
        self.numbers
            .retain(|_, (_, last)| now.since(*last) < REMEMBERED);
    }

    /// Counts from nought; numbers are followed on.
    pub fn begin_anew(&mut self) {
        *self = Self {
            units: self.units,
            numbers: std::mem::take(&mut self.numbers),
            ..Self::default()
        };
    }
}

/// A request that stands for so long wants an answer.
const STOOD: Duration = Duration::from_millis(500);
/// Who is told of again after so long has come anew.
const REMEMBERED: Duration = Duration::from_secs(600);
