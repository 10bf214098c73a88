//! What must hold of a whole network, and whether it does.

use serde::Deserialize;

use super::run::Trips;
use crate::air::tally::Tally;
use crate::judge::priority::PriorityJudge;
use crate::judge::verdict::{Limit, Verdict};
use crate::obu::score::Score;

/// What must hold of the whole; a criterion that is left out is not judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkLimits {
    /// Vehicles that came through every junction, at least: else there was nothing to judge.
    pub through_min: Option<f64>,
    /// How often these stopped on the way, mean, at most.
    pub through_stops_max: Option<f64>,
    /// Vehicles on the road at once, at least, at their most.
    pub vehicles_min: Option<f64>,
    /// Rounds of a closed line, at least.
    pub laps_min: Option<f64>,
    /// The quickest round, at least.
    pub lap_min_s: Option<f64>,
    /// The slowest round, at most.
    pub lap_max_s: Option<f64>,
    /// Buses that lost their line, at most.
    pub strayed_max: Option<f64>,
    /// Share of advice for which the light is green at the moment of which it speaks, at least.
    pub advice_right_share_min: Option<f64>,
    /// Vehicles that were given any, at least: else there was nothing to judge.
    pub advised_min: Option<f64>,
    /// Share of the frames of roadside units that vehicles within 150 m hear, at least.
    pub delivery_down_min: Option<f64>,
    /// The same for what vehicles say, at roadside units.
    pub delivery_up_min: Option<f64>,
    /// At vehicles, from the making of the newest SPAT that they know to now, 99th percentile, at most.
    pub spat_age_on_board_p99_s: Option<f64>,
    /// Mean delay of buses at a stop line, all junctions together, at most.
    pub bus_delay_max_s: Option<f64>,
    /// Share by which it is less than in the same traffic with signals that favour nobody, at least.
    pub bus_delay_less_min: Option<f64>,
    /// Share by which the mean delay of all others is more, from where no line of buses comes, at most.
    pub side_delay_more_max: Option<f64>,
}

impl NetworkLimits {
    /// Whether buses and sides are held against the same traffic without priority.
    pub(super) fn ask_for_comparison(&self) -> bool {
        let asked = [
            self.bus_delay_max_s,
            self.bus_delay_less_min,
            self.side_delay_more_max,
        ];
        asked.iter().any(Option::is_some)
    }
}

impl Trips {
    /// Every criterion of the whole that is asked for.
    pub(crate) fn verdicts(
        &self,
        limits: &NetworkLimits,
        on_board: Option<&Score>,
        priority: Option<&PriorityJudge>,
    ) -> Vec<Verdict> {
        let least = |what, value, unit, limit: Option<f64>| {
            limit.map(|limit| Verdict::new(what, value, unit, Limit::AtLeast(limit)))
        };
        let most = |what, value, unit, limit: Option<f64>| {
            limit.map(|limit| Verdict::new(what, value, unit, Limit::AtMost(limit)))
        };
        let through = Some(self.through_stops.count() as f64);
        let laps = Some(self.lap_s.count() as f64);
        let quickest = self.lap_s.least();
        let slowest = self.lap_s.quantile(1.0);
        let vehicles = self.vehicles.quantile(1.0);
        let strayed = Some(self.strayed as f64);
        let stops = self.through_stops.mean();
        let advised = on_board.map(|score| score.advised as f64);
        let right = on_board.filter(|score| score.advice > 0);
        let right = right.map(|score| score.advice_right as f64 / score.advice as f64);
        let heard = |tally: fn(&Score) -> &Tally| {
            on_board.and_then(|score| tally(score).between(0.0, NEAR_M).delivered())
        };
        let (down, up) = (heard(|score| &score.air.down), heard(|score| &score.air.up));
        let age = on_board.and_then(|score| score.spat_age_s.quantile(0.99));
        [
            least("vehicles at once", vehicles, "", limits.vehicles_min),
            least("came all the way", through, "", limits.through_min),
            most("their stops, mean", stops, "", limits.through_stops_max),
            least("rounds", laps, "", limits.laps_min),
            least("round, quickest", quickest, "s", limits.lap_min_s),
            most("round, slowest", slowest, "s", limits.lap_max_s),
            most(
                "buses that lost their line",
                strayed,
                "",
                limits.strayed_max,
            ),
            least("vehicles advised a speed", advised, "", limits.advised_min),
            least(
                "green when advice said so",
                right,
                "",
                limits.advice_right_share_min,
            ),
            least("heard by vehicles", down, "", limits.delivery_down_min),
            least("heard of vehicles", up, "", limits.delivery_up_min),
            most(
                "age of SPAT on board p99",
                age,
                "s",
                limits.spat_age_on_board_p99_s,
            ),
            most(
                "delay of buses, mean",
                priority.and_then(|judge| judge.with.bus_s.mean()),
                "s",
                limits.bus_delay_max_s,
            ),
            least(
                "delay of buses, less by",
                priority.and_then(PriorityJudge::bus_less),
                "",
                limits.bus_delay_less_min,
            ),
            most(
                "delay of sides, more by",
                priority.and_then(PriorityJudge::side_more),
                "",
                limits.side_delay_more_max,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Delivery is counted within so far, as at one junction unless that says otherwise.
const NEAR_M: f64 = 150.0;
