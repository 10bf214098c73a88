//! Who is about to meet whom at the junction, and who is about to run a red light.
//!
//! At every look at the picture everybody is predicted along the ways it may take (`predict`, over
//! `ways`, with what `light` demands of it), and pairs of predictions are held against each other
//! (`pairs`, by `approach`). What has been likely for long enough is a warning; one that has not been likely
//! for a while is over (`cases`). Who is warned of is spoken of first in RSM.
//!
//! Who yields, stops at red or keeps behind the one before it is predicted to do so, and meets
//! nobody; only what would take harder braking than people do is held against it. Who comes to the
//! carriageway on foot may stop before it as long as it can (`predict::kerb`). Not here: what
//! has happened already ([`crate::events::detect`]), messages.

mod approach;
mod cases;
mod light;
mod pairs;
mod patience;
mod predict;
mod ways;

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::Mono;
use crate::fusion::Picture;
use crate::signals::Forecast;
use crate::site::Site;
use cases::{Case, Found};
use predict::{Braking, HORIZON_S, Mover, Predictions};
use ways::Ways;

/// What is warned of, and from when on.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Two are about to meet within this time; None: nobody looks.
    pub conflicts_within: Option<Duration>,
    /// How likely they are to meet at least, 0..=1.
    pub probability: f64,
    /// Whether somebody is about to pass a red light.
    pub red_light: bool,
    /// People do not brake harder than this unless they must.
    pub braking_mps2: f64,
    /// For a red light people have begun to brake so long before they would be at the line.
    pub red_braking: Duration,
    /// For how long it must have been likely.
    pub after: Duration,
    /// For how long it must not have been likely before a warning is over.
    pub over_after: Duration,
}

/// Nobody looks unless asked: an hour of ordinary traffic gave two false conflicts, one of dense traffic
/// seven false red lights before what is a soft stop was drawn more widely, and has not been run since.
impl Default for Config {
    fn default() -> Self {
        Self {
            conflicts_within: None,
            probability: 0.6,
            red_light: false,
            braking_mps2: 4.0,
            red_braking: Duration::from_millis(2000),
            after: Duration::from_millis(200),
            over_after: Duration::from_millis(600),
        }
    }
}

/// What a warning is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Two vehicles are about to meet.
    Vehicles,
    /// A vehicle and somebody on foot or on two wheels are about to meet.
    Soft,
    /// A vehicle that turns left is about to meet one to which it must give way.
    LeftTurn,
    /// A vehicle is about to pass a red light.
    RedLight,
}

impl Kind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vehicles => "vehicles",
            Self::Soft => "vulnerable",
            Self::LeftTurn => "left-turn",
            Self::RedLight => "red-light",
        }
    }
}

/// Something that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warning {
    /// What.
    pub kind: Kind,
    /// The track of who causes it: who turns, who does not stop, else the faster one.
    pub first: u8,
    /// The track of whom it meets; None for a red light.
    pub second: Option<u8>,
    /// When they first touch, or the stop line is passed, as last predicted.
    pub at: Mono,
    /// How likely, 0..=1, as last predicted.
    pub probability: f64,
    /// Since when it is warned of.
    pub since: Mono,
}

/// A warning begins or is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It is likely enough.
    Begun(Warning),
    /// It is not any more.
    Over(Warning),
}

/// Cases at a time.
const MOST_CASES: usize = 64;
/// What is first seen to happen sooner than this is not warned of.
const LEAST_LEAD_S: f64 = 0.4;
/// Nor is it believed of what is younger than usual, if it is to happen sooner: beside a vehicle each of two
/// sensors may see another echo of it.
const BY_TWO_LEAD_S: f64 = 1.0;
/// Slower than this nobody causes anything.
const MOVES_FROM_MPS: f64 = 1.5;
/// Of two whose directions are this alike the one behind brakes or not, as `predict` says.
const SAME_WAY_COS: f64 = 0.9;
/// A red light is warned of where it is likelier than not.
const RED_FROM: f64 = 0.5;

/// What is warned of, and what it is found with.
#[derive(Debug)]
pub struct Warnings {
    config: Config,
    ways: Ways,
    predictions: Predictions,
    cases: ArrayVec<Case, MOST_CASES>,
    changes: ArrayVec<Change, { 2 * MOST_CASES }>,
    /// Track ids that a warning names.
    named: [u64; 4],
    left_out: u64,
}

impl Warnings {
    /// Warnings for a site.
    pub fn new(config: Config, site: &Site) -> Self {
        Self {
            ways: Ways::new(site),
            predictions: Predictions::new(),
            cases: ArrayVec::new(),
            changes: ArrayVec::new(),
            named: [0; 4],
            left_out: 0,
            config,
        }
    }

    /// Looks at the picture of now, with what the signals show. Does not allocate.
    pub fn look(&mut self, now: Mono, picture: &Picture, forecast: Option<&Forecast>) {
        if self.config.conflicts_within.is_none() && !self.config.red_light {
            return;
        }
        let braking = Braking {
            most_mps2: self.config.braking_mps2,
            for_red_s: self.config.red_braking.as_secs_f64(),
        };
        self.predictions
            .set(now, picture, forecast, &self.ways, braking);
        for index in 0..self.predictions.movers.len() {
            let mover = self.predictions.movers[index];
            self.look_alone(now, &mover);
            for other in index + 1..self.predictions.movers.len() {
                let other = self.predictions.movers[other];
                let Some(met) = self.pair(&mover, &other) else {
                    continue;
                };
                if let Some(walker) = met.if_it_goes_on {
                    self.predictions.would_meet(walker);
                }
                if met.found.probability >= self.config.probability && !self.is_behind(&met.found) {
                    self.note(now, met.found);
                }
            }
        }
        self.settle(now);
    }

    /// What has begun or is over since it was asked last.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_at(0)
    }

    /// What is warned of now.
    pub fn current(&self) -> impl Iterator<Item = &Warning> {
        let begun = self.cases.iter().filter(|case| case.begun);
        begun.map(|case| &case.warning)
    }

    /// Whether a warning names a track.
    pub fn names(&self, id: u8) -> bool {
        self.named[usize::from(id / 64)] >> (id % 64) & 1 == 1
    }

    /// What found no room among the cases.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn look_alone(&mut self, now: Mono, mover: &Mover) {
        if self.config.red_light
            && let Some((probability, after_s)) = mover.runs_red
            && probability >= RED_FROM
            && mover.speed_mps >= MOVES_FROM_MPS
        {
            self.note(
                now,
                Found {
                    kind: Kind::RedLight,
                    first: mover.id,
                    second: None,
                    least_lead_s: LEAST_LEAD_S,
                    probability,
                    after_s,
                },
            );
        }
        if let Some((probability, leader, after_s)) = mover.runs_into
            && probability >= self.config.probability
            && mover.speed_mps >= MOVES_FROM_MPS
            && self.is_soon(after_s)
        {
            self.note(
                now,
                Found {
                    kind: Kind::Vehicles,
                    first: mover.id,
                    second: Some(leader),
                    least_lead_s: LEAST_LEAD_S,
                    probability,
                    after_s,
                },
            );
        }
    }

    fn is_soon(&self, after_s: f64) -> bool {
        let within = self.config.conflicts_within;
        within.is_some_and(|within| after_s <= within.as_secs_f64().min(HORIZON_S))
    }
}

#[cfg(test)]
mod tests;
