//! What two road users are about to do to each other, by all that is predicted of both.
//!
//! Not here: whether two predictions touch ([`super::approach`]), and what becomes of it ([`super::cases`]).

use super::approach::meeting;
use super::cases::Found;
use super::predict::{Mover, Prediction, keeps_behind, lets_clear, merging};
use super::{Kind, MOVES_FROM_MPS, SAME_WAY_COS, Warnings};
use crate::site::Turn;

/// What two road users are about to do to each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) found: Found,
    /// Who comes to the carriageway and would meet the other by going on.
    pub(super) if_it_goes_on: Option<u8>,
}

/// Who passes somebody on foot or two wheels by less, or who passes by less against its light, has not hit the
/// other by luck: as far as a prediction goes, that is meeting. Those who drive by their lights pass each other
/// so every day.
const CLOSE_S: f64 = 0.5;

impl Warnings {
    /// What two road users are about to do to each other; None if they do not meet.
    pub(super) fn pair(&self, one: &Mover, other: &Mover) -> Option<Met> {
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
    pub(super) fn is_behind(&self, found: &Found) -> bool {
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
}
