//! Who is about to meet whom at the junction, and who is about to run a red light.
//!
//! At every look at the picture everybody is predicted along the ways it may take (`predict`, over
//! `ways`, with what `light` demands of it), and pairs of predictions are held against each other
//! (`approach`). What has been likely for long enough is a warning; one that has not been likely
//! for a while is over. Who is warned of is spoken of first in RSM.
//!
//! Who yields, stops at red or keeps behind the one before it is predicted to do so, and meets
//! nobody; only what would take harder braking than people do is held against it. Who comes to the
//! carriageway on foot may stop before it as long as it can (`predict::kerb`). Not here: what
//! has happened already ([`crate::events::detect`]), messages.

mod approach;
mod light;
mod patience;
mod predict;
mod ways;

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::Mono;
use crate::fusion::Picture;
use crate::signals::Forecast;
use crate::site::{Site, Turn};
use approach::meeting;
use patience::likely_for_s;
use predict::{
    Braking, HORIZON_S, Mover, Prediction, Predictions, keeps_behind, lets_clear, merging,
};
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

/// Something that has been likely lately.
#[derive(Clone, Copy, Debug)]
struct Case {
    warning: Warning,
    begun: bool,
    /// Those whom it names are believed in.
    believed: bool,
    first_likely: Mono,
    last_likely: Mono,
}

/// Something that one look shows.
#[derive(Clone, Copy, Debug)]
struct Found {
    kind: Kind,
    /// Who causes it, and whom it meets.
    first: u8,
    second: Option<u8>,
    /// It is believed from so long before on: one of the two may still be a false echo.
    least_lead_s: f64,
    probability: f64,
    after_s: f64,
}

/// What two road users are about to do to each other.
#[derive(Clone, Copy, Debug)]
struct Met {
    found: Found,
    /// Who comes to the carriageway and would meet the other by going on.
    if_it_goes_on: Option<u8>,
}

/// Cases at a time.
const MOST_CASES: usize = 64;
/// Evidence with longer gaps begins anew.
const LONGEST_GAP: Duration = Duration::from_millis(350);
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
/// Who passes somebody on foot or two wheels by less, or who passes by less against its light, has not hit the
/// other by luck: as far as a prediction goes, that is meeting. Those who drive by their lights pass each other
/// so every day.
const CLOSE_S: f64 = 0.5;

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

    /// What two road users are about to do to each other; None if they do not meet.
    fn pair(&self, one: &Mover, other: &Mover) -> Option<Met> {
        let within_s = self.config.conflicts_within?.as_secs_f64();
        if one.undecided || other.undecided {
            return None;
        }
        if one.is_soft() && other.is_soft() || one.speed_mps.max(other.speed_mps) < MOVES_FROM_MPS {
            return None;
        }
        let driver = if one.is_soft() { other } else { one };
        let meets_soft = one.is_soft() || other.is_soft();
        if meets_soft && driver.speed_mps < MOVES_FROM_MPS {
            return None;
        }
        let same_way = one.direction.0 * other.direction.0 + one.direction.1 * other.direction.1;
        if !meets_soft && same_way > SAME_WAY_COS {
            return None;
        }
        let all = &self.predictions.all;
        let ones = &all[one.first..one.first + one.count];
        let others = &all[other.first..other.first + other.count];
        let (mut probability, mut after_s, mut weight) = (0.0, 0.0, 0.0);
        let mut if_it_goes_on = 0.0;
        let soft = if one.is_soft() { one } else { other };
        let mut kind = Kind::Vehicles;
        for (of_one, a) in ones.iter().enumerate() {
            for (of_other, b) in others.iter().enumerate().filter(|(_, b)| a.may_meet(b)) {
                let (softs, drivers) = if one.is_soft() {
                    (of_one, b)
                } else {
                    (of_other, a)
                };
                // Who stops before the carriageway meets nobody who keeps to its lanes.
                if soft.may_stop && softs > 0 && drivers.way.is_some() {
                    continue;
                }
                let Some((likely, meets_s)) = self.meet((one, a), (other, b)) else {
                    continue;
                };
                let clears = lets_clear((one, a), (other, b), meets_s)
                    || lets_clear((other, b), (one, a), meets_s);
                if clears {
                    continue;
                }
                let lets_pass_s = a.lets_pass_until_s.max(b.lets_pass_until_s);
                if meets_s > within_s.min(a.horizon_s).min(b.horizon_s) || meets_s < lets_pass_s {
                    continue;
                }
                let share = a.weight * b.weight * likely;
                probability += share;
                if softs == 0 {
                    if_it_goes_on += drivers.weight * likely;
                }
                if share > weight {
                    (weight, after_s) = (share, meets_s);
                    kind = self.kind_of(meets_soft, a.way, b.way);
                }
            }
        }
        let both = one.established && other.established;
        let if_it_goes_on = both && soft.may_stop && if_it_goes_on >= self.config.probability;
        if probability <= 0.0 {
            return None;
        }
        let turns = |mover: &Mover| {
            let ways = &all[mover.first..mover.first + mover.count];
            ways.iter().any(|prediction| self.yields(prediction.way))
        };
        let one_first = match kind {
            Kind::LeftTurn => turns(one),
            Kind::Soft => !one.is_soft(),
            Kind::Vehicles | Kind::RedLight => one.speed_mps >= other.speed_mps,
        };
        let (first, second) = if one_first {
            (one, other)
        } else {
            (other, one)
        };
        let found = Found {
            kind,
            first: first.id,
            second: Some(second.id),
            least_lead_s: one.least_lead_s.max(other.least_lead_s),
            probability,
            after_s,
        };
        Some(Met {
            found,
            if_it_goes_on: if_it_goes_on.then_some(soft.id),
        })
    }

    /// How likely two predictions meet, and after how long.
    fn meet(
        &self,
        (one, a): (&Mover, &Prediction),
        (other, b): (&Mover, &Prediction),
    ) -> Option<(f64, f64)> {
        if let (Some(first), Some(second)) = (a.way, b.way) {
            let (first, second) = (&self.ways.all[first], &self.ways.all[second]);
            if first.to == second.to && first.from != second.from {
                let braking_mps2 = self.config.braking_mps2;
                return merging((one, a, first), (other, b, second), braking_mps2);
            }
            if first.keeps_beside(second) {
                return None;
            }
            // Out of one lane one follows the other until their ways part.
            if first.from == second.from
                && keeps_behind((one, a), (other, b), self.config.braking_mps2)
            {
                return None;
            }
        }
        let is_close = one.is_soft()
            || other.is_soft()
            || one.is_against_its_light()
            || other.is_against_its_light();
        let close_s = if is_close { CLOSE_S } else { 0.0 };
        let found = meeting(a, b, close_s)?;
        Some((found.probability, found.after_s))
    }

    /// Whether a driver has one before it who is warned of the same walker or rider: it stays behind that one,
    /// and comes there later than it would.
    fn is_behind(&self, found: &Found) -> bool {
        let movers = &self.predictions.movers;
        let driver = movers.iter().find(|mover| mover.id == found.first);
        let Some(follows) = driver.and_then(|driver| driver.follows) else {
            return false;
        };
        let mut begun = self.current();
        found.kind == Kind::Soft
            && begun.any(|before| before.first == follows && before.second == found.second)
    }

    fn kind_of(&self, meets_soft: bool, one: Option<usize>, other: Option<usize>) -> Kind {
        match (meets_soft, self.yields(one) != self.yields(other)) {
            (true, _) => Kind::Soft,
            (false, true) => Kind::LeftTurn,
            (false, false) => Kind::Vehicles,
        }
    }

    /// Whether a way turns left across those who come against it.
    fn yields(&self, way: Option<usize>) -> bool {
        let way = way.map(|way| &self.ways.all[way]);
        way.is_some_and(|way| way.turn == Turn::Left && way.gives_way)
    }

    fn note(&mut self, now: Mono, found: Found) {
        let Found {
            kind,
            first,
            second,
            least_lead_s,
            probability,
            after_s,
        } = found;
        let at = now.offset_by(after_s);
        let is_it = |case: &&mut Case| same(&case.warning, kind, first, second);
        if let Some(case) = self.cases.iter_mut().find(is_it) {
            if !case.begun && now.since(case.last_likely) > LONGEST_GAP {
                case.first_likely = now;
            }
            case.last_likely = now;
            if !case.believed && after_s >= least_lead_s {
                case.believed = true;
                // What was likely before counts, unless it is about to happen: that may be an echo.
                if after_s < BY_TWO_LEAD_S {
                    case.first_likely = now;
                }
            }
            (case.warning.at, case.warning.probability) = (at, probability);
            return;
        }
        let warning = Warning {
            kind,
            first,
            second,
            at,
            probability,
            since: now,
        };
        // Two who are about to touch have been so for a while, or one of them is an echo; and nobody can do
        // anything about it any more.
        if second.is_some() && after_s < LEAST_LEAD_S {
            return;
        }
        let case = Case {
            warning,
            begun: false,
            believed: after_s >= least_lead_s,
            first_likely: now,
            last_likely: now,
        };
        self.left_out += u64::from(self.cases.try_push(case).is_err());
    }

    fn settle(&mut self, now: Mono) {
        self.named = [0; 4];
        let mut index = 0;
        while index < self.cases.len() {
            let case = &mut self.cases[index];
            let quiet = now.since(case.last_likely);
            if quiet >= self.config.over_after || !case.begun && quiet > LONGEST_GAP {
                let case = self.cases.swap_remove(index);
                if case.begun {
                    tell(&mut self.changes, Change::Over(case.warning));
                }
                continue;
            }
            let Warning {
                kind,
                at,
                probability,
                ..
            } = case.warning;
            let left_s = at.seconds_after(now);
            let likely_s = case.last_likely.seconds_after(case.first_likely);
            let lasting = likely_s >= likely_for_s(&self.config, kind, probability, left_s);
            if !case.begun && case.believed && lasting {
                case.begun = true;
                case.warning.since = now;
                tell(&mut self.changes, Change::Begun(case.warning));
            }
            if case.begun {
                for id in std::iter::once(case.warning.first).chain(case.warning.second) {
                    self.named[usize::from(id / 64)] |= 1 << (id % 64);
                }
            }
            index += 1;
        }
    }
}

/// The same two, whoever of them is called the first just now.
fn same(warning: &Warning, kind: Kind, first: u8, second: Option<u8>) -> bool {
    let straight = (warning.first, warning.second) == (first, second);
    let turned = (Some(warning.first), warning.second) == (second, Some(first));
    warning.kind == kind && (straight || turned)
}

/// The oldest change gives way.
fn tell(changes: &mut ArrayVec<Change, { 2 * MOST_CASES }>, change: Change) {
    if changes.is_full() {
        changes.remove(0);
    }
    changes.push(change);
}

#[cfg(test)]
mod tests;
