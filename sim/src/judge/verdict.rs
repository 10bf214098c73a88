//! What must hold for a run to pass, and whether it does.

use serde::Serialize;
use v2x_msg::access::Aid;

use super::Judge;
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
    fn new(criterion: &str, value: Option<f64>, unit: &'static str, limit: Limit) -> Self {
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

/// Every criterion, in the order in which people ask for them.
pub fn verdicts(judge: &Judge, limits: &Limits) -> Vec<Verdict> {
    use Limit::{AtLeast, AtMost};
    let signals = &judge.signals;
    let objects = &judge.objects.score;
    let traffic = &judge.traffic;
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let rate = |aid| Some(traffic.rate_hz(aid));
    let rsi_hz = [Aid::RsiStatic, Aid::RsiSemiStatic, Aid::RsiDynamic]
        .into_iter()
        .map(|aid| traffic.rate_hz(aid))
        .fold(0.0, f64::max);
    let minutes = traffic.span_s() / 60.0;
    let switches = (objects.pictures > 0).then(|| objects.id_switches as f64 / minutes);
    let ends = signals.end_error_s.count() as u64;
    let broken = traffic.undecoded + traffic.lost;
    let told = |what: &str, value, unit, limit| Verdict::new(what, value, unit, limit);
    vec![
        told(
            "phase colours right",
            share(signals.right, signals.phases),
            "",
            AtLeast(limits.colour_share_min),
        ),
        told(
            "phase colours right on arrival",
            share(signals.right_on_arrival, signals.phases),
            "",
            AtLeast(limits.arrival_colour_share_min),
        ),
        told(
            "running states with an end",
            share(ends, signals.running),
            "",
            AtLeast(limits.countdown_share_min),
        ),
        told(
            "countdown error p50",
            signals.end_error_s.quantile(0.50),
            "s",
            AtMost(limits.countdown_p50_s),
        ),
        told(
            "countdown error p99",
            signals.end_error_s.quantile(0.99),
            "s",
            AtMost(limits.countdown_p99_s),
        ),
        told(
            "SPAT rate",
            rate(Aid::Spat),
            "Hz",
            AtLeast(limits.spat_rate_min_hz),
        ),
        told(
            "SPAT age of lamp states p99",
            signals.age_s.quantile(0.99),
            "s",
            AtMost(limits.spat_age_p99_s),
        ),
        told(
            "RSM rate",
            rate(Aid::Rsm),
            "Hz",
            AtLeast(limits.rsm_rate_min_hz),
        ),
        told(
            "RSM age p99",
            objects.age_s.quantile(0.99),
            "s",
            AtMost(limits.rsm_age_p99_s),
        ),
        told(
            "RSM position error p50",
            objects.position_m.quantile(0.50),
            "m",
            AtMost(limits.position_p50_m),
        ),
        told(
            "RSM position error p95",
            objects.position_m.quantile(0.95),
            "m",
            AtMost(limits.position_p95_m),
        ),
        told(
            "RSM speed error p95",
            objects.speed_mps.quantile(0.95),
            "m/s",
            AtMost(limits.speed_p95_mps),
        ),
        told(
            "missed road users",
            share(objects.missed, objects.expected),
            "",
            AtMost(limits.missed_share_max),
        ),
        told(
            "false objects",
            share(objects.unmatched, objects.shown),
            "",
            AtMost(limits.false_share_max),
        ),
        told(
            "changes of id",
            switches,
            "/min",
            AtMost(limits.id_switches_per_minute_max),
        ),
        told(
            "MAP rate",
            rate(Aid::Map),
            "Hz",
            AtLeast(limits.map_rate_min_hz),
        ),
        told(
            "RSI rate",
            Some(rsi_hz),
            "Hz",
            AtLeast(limits.rsi_rate_min_hz),
        ),
        told(
            "frames lost or not decoded",
            Some(broken as f64),
            "",
            AtMost(f64::from(limits.undecoded_max)),
        ),
    ]
}

/// The verdicts as a table for a terminal.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut text = format!(
        "{:<30} {:>14}  {:<16} verdict\n",
        "criterion", "value", "limit"
    );
    for verdict in verdicts {
        let (sign, limit) = match verdict.limit {
            Limit::AtMost(most) => ("<=", most),
            Limit::AtLeast(least) => (">=", least),
        };
        let value = verdict
            .value
            .map_or_else(|| "none".to_owned(), |value| number(value, verdict.unit));
        let limit = format!("{sign} {}", number(limit, verdict.unit));
        let word = if verdict.pass { "pass" } else { "FAIL" };
        text.push_str(&format!(
            "{:<30} {value:>14}  {limit:<16} {word}\n",
            verdict.criterion
        ));
    }
    text
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
