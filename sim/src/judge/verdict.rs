//! What must hold for a run to pass, and whether it does.

use serde::Serialize;
use v2x_msg::access::Aid;

use super::Judge;
use super::priority::PriorityJudge;
use super::samples::Samples;
use super::silence::Silence;
use crate::obu::asking::{LANE, SHARING};
use crate::scenario::Limits;

/// One criterion and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// What was measured.
    pub criterion: String,
    /// What came out; None if there was nothing to measure, which fails.
    pub value: Option<f64>,
    /// Unit of value and limit; empty for a share or a count.
    pub unit: &'static str,
    /// What it must keep.
    pub limit: Limit,
    /// Whether it does.
    pub pass: bool,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Verdict {
    /// What came out, and what of it must hold.
    pub fn new(criterion: &str, value: Option<f64>, unit: &'static str, limit: Limit) -> Self {
        let pass = value.is_some_and(|value| match limit {
            // A billionth: what sums of shares are off by.
            Limit::AtMost(most) => value <= most + 1e-9,
            Limit::AtLeast(least) => value >= least - 1e-9,
        });
        Self {
            criterion: criterion.to_owned(),
            value,
            unit,
            limit,
            pass,
        }
    }
}

/// Every criterion that the scenario has, in the order in which people ask for them.
pub fn verdicts(judge: &Judge, limits: &Limits) -> Vec<Verdict> {
    let mut table = Table(Vec::new());
    table.signals(judge, limits);
    table.silences(judge, limits);
    table.objects(judge, limits);
    table.events(judge, limits);
    table.signs(judge, limits);
    table.vulnerable(judge, limits);
    table.conflicts(judge, limits);
    table.confidence(judge, limits);
    table.health(judge, limits);
    table.maps(judge, limits);
    table.on_board(judge, limits);
    table.requests(judge, limits);
    table.rest(judge, limits);
    table.0
}

struct Table(Vec<Verdict>);

impl Table {
    fn at_most(&mut self, what: &str, value: Option<f64>, unit: &'static str, limit: Option<f64>) {
        let told = limit.map(|limit| Verdict::new(what, value, unit, Limit::AtMost(limit)));
        self.0.extend(told);
    }

    fn at_least(&mut self, what: &str, value: Option<f64>, unit: &'static str, limit: Option<f64>) {
        let told = limit.map(|limit| Verdict::new(what, value, unit, Limit::AtLeast(limit)));
        self.0.extend(told);
    }

    fn signals(&mut self, judge: &Judge, limits: &Limits) {
        let signals = &judge.signals;
        let shown = signals.phases;
        let right = share(signals.right, shown);
        self.at_least("phase colours right", right, "", limits.colour_share_min);
        let right = share(signals.right_on_arrival, shown);
        let least = limits.arrival_colour_share_min;
        self.at_least("phase colours right on arrival", right, "", least);
        let known = share(shown, shown + signals.withheld);
        self.at_least("phase colours known", known, "", limits.known_share_min);
        let known = share(shown, shown + signals.withheld - signals.unread);
        let least = limits.known_where_read_share_min;
        self.at_least("phase colours known where read", known, "", least);
        let wrong = Some(signals.wrong_greens as f64);
        self.at_most("green while red", wrong, "", limits.wrong_greens_max);
        let overrun = signals.green_overrun_s.quantile(1.0).unwrap_or(0.0);
        let most = limits.green_overrun_s;
        self.at_most("green after its end, longest", Some(overrun), "s", most);
        let ended = share(signals.ended, signals.running);
        let least = limits.countdown_share_min;
        self.at_least("running states with an end", ended, "", least);
        let error = |share| signals.end_error_s.quantile(share);
        self.at_most(
            "countdown error p50",
            error(0.5),
            "s",
            limits.countdown_p50_s,
        );
        self.at_most(
            "countdown error p99",
            error(0.99),
            "s",
            limits.countdown_p99_s,
        );
        self.at_most(
            "countdown error max",
            error(1.0),
            "s",
            limits.countdown_max_s,
        );
        let word = signals.word_error_s.quantile(0.99);
        let most = limits.controllers_word_p99_s;
        self.at_most("off the controller's word p99", word, "s", most);
        let (said, held) = signals.bounds;
        let least = limits.bounds_share_min;
        // Where no bounds are told there are none to hold.
        let least = least.filter(|_| said > 0);
        self.at_least("ends within their bounds", share(held, said), "", least);
        let rate = Some(judge.traffic.rate_hz(Aid::Spat));
        self.at_least("SPAT rate", rate, "Hz", limits.spat_rate_min_hz);
        let age = signals.age_s.quantile(0.99);
        self.at_most(
            "SPAT age of lamp states p99",
            age,
            "s",
            limits.spat_age_p99_s,
        );
    }

    fn silences(&mut self, judge: &Judge, limits: &Limits) {
        let longest = |pick: fn(&Silence) -> f64| {
            let spans = judge.silences.iter().map(pick);
            spans.max_by(f64::total_cmp)
        };
        let timed = longest(Silence::timed_s);
        self.at_most(
            "silence: ends told for",
            timed,
            "s",
            limits.timing_withheld_s,
        );
        let coloured = longest(Silence::coloured_s);
        let most = limits.colours_withheld_s;
        self.at_most("silence: colours told for", coloured, "s", most);
        let spat = longest(Silence::spat_s);
        self.at_most("silence: SPAT goes on for", spat, "s", limits.stopped_s);
        // All of them, or none.
        let back: Option<Vec<f64>> = judge.silences.iter().map(Silence::recovered_s).collect();
        let back = back.and_then(|all| all.into_iter().max_by(f64::total_cmp));
        self.at_most("silence: told again after", back, "s", limits.recovered_s);
    }

    fn objects(&mut self, judge: &Judge, limits: &Limits) {
        let objects = &judge.objects.score;
        let rate = Some(judge.traffic.rate_hz(Aid::Rsm));
        self.at_least("RSM rate", rate, "Hz", limits.rsm_rate_min_hz);
        let age = objects.age_s.quantile(0.99);
        self.at_most("RSM age p99", age, "s", limits.rsm_age_p99_s);
        let position = |share| objects.position_m.quantile(share);
        self.at_most(
            "RSM position error p50",
            position(0.5),
            "m",
            limits.position_p50_m,
        );
        self.at_most(
            "RSM position error p95",
            position(0.95),
            "m",
            limits.position_p95_m,
        );
        let speed = objects.speed_mps.quantile(0.95);
        self.at_most("RSM speed error p95", speed, "m/s", limits.speed_p95_mps);
        let missed = share(objects.missed, objects.expected);
        self.at_most("missed road users", missed, "", limits.missed_share_max);
        let nobody = share(objects.unmatched, objects.shown);
        self.at_most("false objects", nobody, "", limits.false_share_max);
        let minutes = judge.traffic.span_s() / 60.0;
        let switches = (objects.pictures > 0).then(|| objects.id_switches as f64 / minutes);
        let most = limits.id_switches_per_minute_max;
        self.at_most("changes of id", switches, "/min", most);
    }

    fn events(&mut self, judge: &Judge, limits: &Limits) {
        let events = &judge.events;
        let (happened, missed) = events.missed(limits.event_lasts_s);
        let missed = (happened > 0).then_some(missed as f64);
        let most = limits.events_missed_max;
        self.at_most("happenings never told", missed, "", most);
        let delay = events.delay_s();
        let most = limits.event_delay_s;
        self.at_most("RSI delay, longest", delay, "s", most);
        let position = events.position_m.quantile(0.95);
        let most = limits.event_position_p95_m;
        self.at_most("RSI position error p95", position, "m", most);
        let cancel = events.cancel_s();
        let most = limits.event_cancel_s;
        self.at_most("RSI told after the end, longest", cancel, "s", most);
        let wrong = Some(events.false_events.len() as f64);
        let most = limits.false_events_max;
        self.at_most("RSI of nothing", wrong, "", most);
    }

    fn vulnerable(&mut self, judge: &Judge, limits: &Limits) {
        let score = &judge.objects.score;
        let missed = share(score.vulnerable_missed, score.vulnerable_expected);
        let most = limits.vulnerable_missed_share_max;
        self.at_most("missed walkers and riders", missed, "", most);
        let right = share(score.vulnerable_right, score.vulnerable_shown);
        let least = limits.vulnerable_kind_share_min;
        self.at_least("walkers and riders known as such", right, "", least);
        let runners = &judge.red_runners_shown_s;
        let count = Some(runners.len() as f64);
        let least = limits.red_runners_min;
        self.at_least("red lights run", count, "", least);
        let shown = runners.iter().copied().min_by(f64::total_cmp);
        let least = limits.red_runner_shown_s;
        self.at_least("red runners shown before the line", shown, "s", least);
        let warned = judge.warnings.shortest_lead_s(limits.red_runner_late_s);
        let least = limits.red_runner_warned_s;
        self.at_least("red runners warned of before the line", warned, "s", least);
        let wrong = Some(judge.warnings.wrong(judge.from()).count() as f64);
        let most = limits.false_warnings_max;
        self.at_most("warnings of nothing", wrong, "", most);
    }

    fn conflicts(&mut self, judge: &Judge, limits: &Limits) {
        let all = || judge.conflicts.since(judge.from());
        let count = Some(all().count() as f64);
        self.at_least("conflicts", count, "", limits.conflicts_min);
        let hidden = all().filter(|conflict| conflict.hidden).count();
        let least = limits.hidden_conflicts_min;
        self.at_least("conflicts of hidden ones", Some(hidden as f64), "", least);
        let shown = all().map(|conflict| conflict.shown_s);
        let shown = shown.min_by(f64::total_cmp);
        let least = limits.conflict_shown_s;
        self.at_least("shown before conflicts", shown, "s", least);
        let in_time = all().filter(|conflict| conflict.warned_s >= limits.conflict_warned_s);
        let warned = share(in_time.count() as u64, all().count() as u64);
        let least = limits.conflict_warned_share_min;
        self.at_least("conflicts warned of in time", warned, "", least);
    }

    fn confidence(&mut self, judge: &Judge, limits: &Limits) {
        let score = &judge.objects.score;
        let held = share(score.sure.1, score.sure.0);
        let least = limits.confidence_share_min;
        self.at_least("RSM as near as it says", held, "", least);
        // The same minutes of the same traffic: at other times there is another crowd at other places.
        let [_, fog] = &score.said_m;
        let clear = score.said_without_fog_m.as_ref().and_then(Samples::mean);
        let ratio = fog.mean().zip(clear).map(|(fog, clear)| fog / clear);
        let least = limits.fog_confidence_ratio_min;
        self.at_least("doubt in fog over that in clear air", ratio, "", least);
        let longest = score.nobody_s.quantile(1.0).unwrap_or(0.0);
        let most = limits.nobody_longest_s;
        self.at_most("nobody shown, longest", Some(longest), "s", most);
    }

    fn maps(&mut self, judge: &Judge, limits: &Limits) {
        let maps = &judge.maps;
        let off = maps.centre_line_m.quantile(0.95);
        let most = limits.map_centre_p95_m;
        self.at_most("MAP centre line error p95", off, "m", most);
        let off = maps.stop_line_m.quantile(1.0);
        let most = limits.map_stop_line_max_m;
        self.at_most("MAP stop line error, largest", off, "m", most);
        let (_, missing) = maps.missing();
        let missing = Some((missing as u64 + maps.unknown) as f64);
        let most = limits.map_lanes_missing_max;
        self.at_most("MAP lanes missing or not there", missing, "", most);
    }

    /// What reached vehicles, and what they made of it.
    fn on_board(&mut self, judge: &Judge, limits: &Limits) {
        let stops = judge.journeys.stops.mean();
        self.at_most(
            "stops before the line, mean",
            stops,
            "",
            limits.stops_mean_max,
        );
        let Some(score) = &judge.on_board else {
            return;
        };
        let units = Some(score.units as f64);
        self.at_least("on-board units at one time", units, "", limits.units_min);
        let far_m = limits.delivery_range_m;
        let air = [
            (
                "heard by vehicles",
                &score.air.down,
                limits.delivery_down_min,
            ),
            ("heard of vehicles", &score.air.up, limits.delivery_up_min),
            (
                "heard among vehicles",
                &score.air.vehicles,
                limits.delivery_vehicles_min,
            ),
        ];
        for (what, tally, least) in air {
            self.at_least(what, tally.between(0.0, far_m).delivered(), "", least);
        }
        let age = score.spat_age_s.quantile(0.99);
        let most = limits.spat_age_on_board_p99_s;
        self.at_most("age of SPAT on board p99", age, "s", most);
        let advised = Some(score.advised as f64);
        self.at_least("vehicles advised a speed", advised, "", limits.advised_min);
        let right = share(score.advice_right, score.advice);
        let least = limits.advice_right_share_min;
        self.at_least("green when advice said so", right, "", least);
        let minutes = judge.traffic.span_s() / 60.0;
        let switches = (score.named > 0).then(|| score.id_changes as f64 / minutes);
        let most = limits.named_switches_per_minute_max;
        self.at_most("changes of id of who says its name", switches, "/min", most);
    }

    /// What vehicles asked of the roadside, and what they were answered.
    fn requests(&mut self, judge: &Judge, limits: &Limits) {
        let Some(score) = &judge.on_board else {
            return;
        };
        let (lane, sharing) = (&score.requests[LANE], &score.requests[SHARING]);
        let asked = Some(lane.asked as f64);
        self.at_least(
            "lane changes asked for",
            asked,
            "",
            limits.lane_requests_min,
        );
        let granted = Some(lane.granted as f64);
        let least = limits.lane_requests_granted_min;
        self.at_least("lane changes granted", granted, "", least);
        let asked = Some(sharing.asked as f64);
        let least = limits.sharing_requests_min;
        self.at_least("asked who is on the way", asked, "", least);
        let answered = share(lane.answered + sharing.answered, lane.asked + sharing.asked);
        let least = limits.requests_answered_share_min;
        self.at_least("requests answered", answered, "", least);
        let mut delay_s = lane.delay_s.clone();
        delay_s.add_all(&sharing.delay_s);
        let most = limits.answer_delay_p95_s;
        self.at_most("answered after, p95", delay_s.quantile(0.95), "s", most);
        let mut age_s = lane.age_s.clone();
        age_s.add_all(&sharing.age_s);
        let most = limits.answer_age_p99_s;
        self.at_most("age of answers p99", age_s.quantile(0.99), "s", most);
    }

    fn health(&mut self, judge: &Judge, limits: &Limits) {
        let health = &judge.health;
        let longest = |samples: Samples| samples.quantile(1.0);
        let told = longest(health.silent_told_s());
        let most = limits.sensor_silent_told_s;
        self.at_most("silent sensor told after", told, "s", most);
        let told = longest(health.turned_told_s());
        let most = limits.sensor_turned_told_s;
        self.at_most("turned sensor told after", told, "s", most);
        let told = longest(health.stuck_told_s());
        let most = limits.sensor_stuck_told_s;
        self.at_most("stuck sensor told after", told, "s", most);
        let well = longest(health.recovered_s());
        let most = limits.sensor_recovered_s;
        self.at_most("sensor well again after", well, "s", most);
        let alarms = Some(health.false_alarms.len() as f64);
        let most = limits.sensor_false_alarms_max;
        self.at_most("sensors told of for nothing", alarms, "", most);
    }

    fn signs(&mut self, judge: &Judge, limits: &Limits) {
        let signs = &judge.signs;
        let most = limits.speed_sign_told_s;
        self.at_most("speed sign told after", signs.told_s(), "s", most);
        let most = limits.speed_sign_gap_s;
        self.at_most("speed sign not told, longest", signs.gap_s(), "s", most);
        let most = limits.speed_sign_place_max_m;
        self.at_most("speed sign's place, off by", signs.off_m(), "m", most);
        let wrong = Some(signs.wrong as f64);
        let most = limits.speed_signs_wrong_max;
        self.at_most("speed signs told wrongly", wrong, "", most);
        let over = signs.bus_over_mps;
        let most = limits.bus_over_speed_sign_max_mps;
        self.at_most("bus faster than its sign by", over, "m/s", most);
    }

    fn rest(&mut self, judge: &Judge, limits: &Limits) {
        let traffic = &judge.traffic;
        let buses = judge.journeys.bus_delay_s.mean();
        self.at_most("delay of buses, mean", buses, "s", limits.bus_delay_max_s);
        let others = judge.journeys.delay_s.mean();
        self.at_most("delay of others, mean", others, "s", limits.delay_max_s);
        let priority = judge.priority.as_ref();
        let less = priority.and_then(PriorityJudge::bus_less);
        let least = limits.bus_delay_less_min;
        self.at_least("delay of buses, less by", less, "", least);
        let more = priority.and_then(PriorityJudge::side_more);
        let most = limits.side_delay_more_max;
        self.at_most("delay of sides, more by", more, "", most);
        let longest = judge.journeys.emergency_delay_s.quantile(1.0);
        let most = limits.emergency_delay_max_s;
        self.at_most("delay on duty, longest", longest, "s", most);
        let cut = Some(judge.clearances.cut as f64).filter(|_| judge.clearances.seen > 0);
        self.at_most("clearances cut", cut, "", limits.clearances_cut_max);
        let rate = Some(traffic.rate_hz(Aid::Map));
        self.at_least("MAP rate", rate, "Hz", limits.map_rate_min_hz);
        let rsi_hz = [Aid::RsiStatic, Aid::RsiSemiStatic, Aid::RsiDynamic]
            .into_iter()
            .map(|aid| traffic.rate_hz(aid))
            .fold(0.0, f64::max);
        self.at_least("RSI rate", Some(rsi_hz), "Hz", limits.rsi_rate_min_hz);
        let broken = (traffic.undecoded + traffic.lost) as f64;
        let most = limits.undecoded_max.map(f64::from);
        self.at_most("frames lost or not decoded", Some(broken), "", most);
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The verdicts as a table for a terminal.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut text = format!(
        "{:<30} {:>14}  {:<16} verdict\n",
        "criterion", "value", "limit"
    );
    for verdict in verdicts {
        text.push_str(&line(verdict));
    }
    text
}

/// One verdict as a line of the table.
pub fn line(verdict: &Verdict) -> String {
    let (sign, limit) = match verdict.limit {
        Limit::AtMost(most) => ("<=", most),
        Limit::AtLeast(least) => (">=", least),
    };
    let value = verdict
        .value
        .map_or_else(|| "none".to_owned(), |value| number(value, verdict.unit));
    let limit = format!("{sign} {}", number(limit, verdict.unit));
    let word = if verdict.pass { "pass" } else { "FAIL" };
    format!(
        "{:<30} {value:>14}  {limit:<16} {word}\n",
        verdict.criterion
    )
}

/// Digits that mean something, and the unit.
pub fn number(value: f64, unit: &str) -> String {
    let digits = if value.fract().abs() < 1e-9 {
        format!("{value:.0}")
    } else if value.abs() < 10.0 {
        format!("{value:.4}")
    } else {
        format!("{value:.2}")
    };
    let digits = digits.trim_end();
    if unit.is_empty() {
        digits.to_owned()
    } else {
        format!("{digits} {unit}")
    }
}
