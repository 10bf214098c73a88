//! How long each stage of the straight path takes: since the start, as a histogram, and over the last
//! ten minutes. Read off the tallies by the console's own task; nothing of it is on the path.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Now;
use crate::daemon::latency::{Latency, Percentiles, between, percentiles, within};
use crate::daemon::shared::Shared;
use crate::daemon::stop::lock;
use crate::station::FrameKind;

/// Bounds of the histograms.
const BOUNDS: [Duration; 19] = {
    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }
    [
        us(1),
        us(2),
        us(5),
        us(10),
        us(20),
        us(50),
        us(100),
        us(200),
        us(500),
        us(1_000),
        us(2_000),
        us(5_000),
        us(10_000),
        us(20_000),
        us(50_000),
        us(100_000),
        us(200_000),
        us(500_000),
        us(1_000_000),
    ]
};
/// Between two points of the trend.
const POINT_EVERY: Duration = Duration::from_secs(5);
/// Ten minutes.
const POINTS: usize = 120;

/// The last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Trend(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: Option<Now>,
    /// By stage, as counted then.
    before: Vec<Vec<u64>>,
    points: VecDeque<Point>,
}

#[derive(Debug)]
struct Point {
    utc_ms: i64,
    /// By stage.
    told: Vec<Percentiles>,
}

/// A stage, and what was measured of it: by each input where it is theirs.
type Stage<'s> = (&'static str, Vec<&'s Latency>);

/// In the order in which bytes meet them, then those that lie across.
fn stages(shared: &Shared) -> Vec<Stage<'_>> {
    let heart = &shared.heart;
    let inputs = shared.inputs.iter();
    vec![
        (
            "link",
            inputs.clone().map(|view| &view.tally.taking).collect(),
        ),
        ("decode", inputs.map(|view| &view.tally.decoding).collect()),
        ("queue", vec![&heart.queue]),
        ("fuse", vec![&heart.fuse]),
        ("compose", vec![&heart.compose]),
        ("encode", vec![&heart.encode]),
        ("send", vec![&heart.send]),
        ("end_to_end", vec![&heart.reaction]),
        ("to_heart", vec![&heart.to_heart]),
        ("work", vec![&heart.work]),
        ("lateness", vec![&heart.lateness]),
        ("age", vec![&heart.age]),
    ]
}

fn counts(of: &[&Latency]) -> Vec<u64> {
    let mut sum = Vec::new();
    for latency in of {
        let counts = latency.counts();
        sum.resize(counts.len(), 0);
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    sum
}

impl Trend {
    /// Adds a point, if it is time.
    pub(super) fn follow(&self, now: Now, shared: &Shared) {
        let mut kept = lock(&self.0);
        let last = kept.last.map(|last| last.mono);
        if last.is_some_and(|last| now.mono.since(last) < POINT_EVERY) {
            return;
        }
        let after: Vec<Vec<u64>> = stages(shared).iter().map(|(_, of)| counts(of)).collect();
        if last.is_some() {
            let told = kept.before.iter().zip(&after);
            let told = told.map(|(before, after)| between(before, after)).collect();
            let utc_ms = now.utc.unix_ms();
            if kept.points.len() == POINTS {
                kept.points.pop_front();
            }
            kept.points.push_back(Point { utc_ms, told });
        }
        kept.before = after;
        kept.last = Some(now);
    }

    /// All that is known.
    pub(super) fn told(&self, shared: &Shared) -> Value {
        let kept = lock(&self.0);
        let rows = stages(shared)
            .into_iter()
            .enumerate()
            .map(|(place, (name, of))| {
                let counts = counts(&of);
                let max = of.iter().map(|latency| latency.max_ns()).max();
                let points = kept.points.iter().map(|point| {
                    let told = point.told.get(place).copied().unwrap_or_default();
                    (told.count > 0).then(|| [us(told.p50), us(told.p99), us(told.max)])
                });
                let trend: Vec<_> = points.collect();
                row("stage", name, &counts, max.unwrap_or(0), &json!(trend))
            });
        let rows: Vec<Value> = rows.collect();
        let stats = shared.heart.stats();
        let grid = FrameKind::ALL.into_iter().zip(&shared.heart.behind_slot);
        let grid = grid.map(|(kind, latency)| {
            let missed = stats.missed[kind.index()];
            row(
                "kind",
                kind.name(),
                &latency.counts(),
                latency.max_ns(),
                &json!(missed),
            )
        });
        let moments: Vec<i64> = kept.points.iter().map(|point| point.utc_ms).collect();
        json!({
            "bounds_us": BOUNDS.map(us),
            "stages": rows,
            "trend": { "every_s": POINT_EVERY.as_secs(), "utc_ms": moments },
            "grid": grid.collect::<Vec<Value>>(),
        })
    }
}

/// One line: its name, what it was, and either its past or how often it failed.
fn row(of: &str, name: &str, counts: &[u64], max_ns: u64, more: &Value) -> Value {
    let told = percentiles(counts, max_ns);
    let (by_bound, beyond) = within(counts, BOUNDS);
    let histogram: Vec<u64> = by_bound.into_iter().chain([beyond]).collect();
    let mut row = percentiles_json(&told);
    row[of] = json!(name);
    row["histogram"] = json!(histogram);
    row[if of == "kind" { "missed" } else { "trend" }] = more.clone();
    row
}

/// Percentiles in microseconds.
pub(super) fn percentiles_json(told: &Percentiles) -> Value {
    json!({
        "count": told.count, "p50_us": us(told.p50), "p99_us": us(told.p99),
        "p999_us": us(told.p999), "max_us": us(told.max),
    })
}

fn us(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e7).round() / 10.0
}
