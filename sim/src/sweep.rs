//! The same scenario by many chances, and what can be said of them all.
//!
//! Runs share nothing, so they go on side by side on as many threads as there are cores; the result
//! is in the order of the seeds whatever the machine does.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::judge::verdict::{Limit, Verdict, number};

/// A criterion over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spread {
    /// What was measured.
    pub criterion: String,
    /// Unit of the values; empty for a share or a count.
    pub unit: &'static str,
    /// What each run must keep.
    pub limit: Limit,
    /// Runs in which there was something to measure.
    pub count: usize,
    /// Mean over these runs.
    pub mean: f64,
    /// Half the width of the 95 % interval of the mean.
    pub half_width: f64,
    /// The worst of them.
    pub worst: f64,
    /// Runs that passed.
    pub passed: usize,
}

/// Seeds as people write them: `1..50`, both ends included, or one number.
pub fn seeds(text: &str) -> Result<Vec<u64>> {
    let number = |text: &str| -> Result<u64> {
        text.trim()
            .parse()
            .with_context(|| format!("{text:?} is no number"))
    };
    let Some((first, last)) = text.split_once("..") else {
        return Ok(vec![number(text)?]);
    };
    let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
    if last < first || last - first >= MOST_SEEDS {
        bail!("{text:?} is not a range of 1 to {MOST_SEEDS} seeds");
    }
    Ok((first..=last).collect())
}

/// Runs `one` by each seed, as many at once as the machine has cores; what came of it, in the order of the seeds.
/// `done` is told how many have ended. No further run begins once one has failed.
pub fn side_by_side<T: Send>(
    seeds: &[u64],
    done: &(dyn Fn(usize) + Sync),
    one: &(dyn Fn(u64) -> Result<T> + Sync),
) -> Result<Vec<T>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Result<T>>>> = seeds.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..workers.min(seeds.len()) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(i) else {
                        break;
                    };
                    let outcome = one(seed);
                    if outcome.is_err() {
                        next.store(seeds.len(), Ordering::Relaxed);
                    }
                    if let Ok(mut slot) = slots[i].lock() {
                        *slot = Some(outcome);
                    }
                    done(finished.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let mut outcomes = Vec::with_capacity(seeds.len());
    let mut not_run = None;
    for (slot, &seed) in slots.into_iter().zip(seeds) {
        match slot.into_inner().ok().flatten() {
            Some(outcome) => outcomes.push(outcome.with_context(|| format!("seed {seed}"))?),
            None => not_run = not_run.or(Some(seed)),
        }
    }
    match not_run {
        Some(seed) => bail!("seed {seed} gave nothing"),
        None => Ok(outcomes),
    }
}

/// Each criterion over all runs, in their order, of the verdicts of each.
pub fn spreads(runs: &[&[Verdict]]) -> Vec<Spread> {
    let mut spreads = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for verdict in runs.iter().copied().flatten() {
        if told.contains(&verdict.criterion.as_str()) {
            continue;
        }
        told.push(&verdict.criterion);
        let all = || {
            let verdicts = runs.iter().copied().flatten();
            verdicts.filter(|other| other.criterion == verdict.criterion)
        };
        let values: Vec<f64> = all().filter_map(|verdict| verdict.value).collect();
        let worst = match verdict.limit {
            Limit::AtMost(_) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Limit::AtLeast(_) => values.iter().copied().fold(f64::INFINITY, f64::min),
        };
        let (mean, half_width) = mean_and_interval(&values);
        spreads.push(Spread {
            criterion: verdict.criterion.clone(),
            unit: verdict.unit,
            limit: verdict.limit,
            count: values.len(),
            mean,
            half_width,
            worst,
            passed: all().filter(|verdict| verdict.pass).count(),
        });
    }
    spreads
}

/// The spreads as a table for a terminal.
pub fn table(spreads: &[Spread], runs: usize) -> String {
    let mut text = format!(
        "{:<30} {:>12} {:>12} {:>14}  {:<16} passed\n",
        "criterion", "mean", "95 % +-", "worst", "limit"
    );
    for spread in spreads {
        let (sign, limit) = match spread.limit {
            Limit::AtMost(most) => ("<=", most),
            Limit::AtLeast(least) => (">=", least),
        };
        let limit = format!("{sign} {}", number(limit, spread.unit));
        let told = |value: f64, unit| {
            if spread.count == 0 {
                "none".to_owned()
            } else {
                number(value, unit)
            }
        };
        text.push_str(&format!(
            "{:<30} {:>12} {:>12} {:>14}  {limit:<16} {}/{runs}\n",
            spread.criterion,
            told(spread.mean, ""),
            told(spread.half_width, ""),
            told(spread.worst, spread.unit),
            spread.passed
        ));
    }
    text
}

/// Mean, and half the width of its 95 % interval by Student's t; no width for a single value.
fn mean_and_interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let sigma = (squares / (count - 1.0)).sqrt();
    (mean, student_t(values.len() - 1) * sigma / count.sqrt())
}

/// The 97.5th percentile of Student's t; the next smaller row of the usual table.
fn student_t(freedom: usize) -> f64 {
    const ROWS: [(usize, f64); 17] = [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (6, 2.447),
        (7, 2.365),
        (8, 2.306),
        (9, 2.262),
        (10, 2.228),
        (12, 2.179),
        (15, 2.131),
        (20, 2.086),
        (30, 2.042),
        (40, 2.021),
        (60, 2.000),
        (120, 1.980),
    ];
    let row = ROWS.iter().rfind(|(rows, _)| *rows <= freedom);
    row.map_or(f64::INFINITY, |(_, t)| *t)
}

/// More are a mistake of typing.
const MOST_SEEDS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::{Outcome, run};
    use crate::scenario::Scenario;

    #[test]
    fn seeds_are_read_with_both_ends() {
        assert_eq!(seeds("3..5").expect("a range"), vec![3, 4, 5]);
        assert_eq!(seeds("7").expect("one"), vec![7]);
        for wrong in ["5..3", "a..b", "1..99999"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn runs_side_by_side_come_back_in_the_order_of_their_seeds() {
        let seeds: Vec<u64> = (1..=40).collect();
        let told = Mutex::new(Vec::new());
        let done = |count| told.lock().expect("nobody panics").push(count);
        // The first ones take longest, so that others end before them.
        let squares = side_by_side(&seeds, &done, &|seed| {
            thread::sleep(Duration::from_millis(8_u64.saturating_sub(seed)));
            Ok(seed * seed)
        });
        let wanted: Vec<u64> = seeds.iter().map(|seed| seed * seed).collect();
        assert_eq!(squares.expect("all run"), wanted);
        let mut told = told.into_inner().expect("nobody panics");
        told.sort_unstable();
        assert_eq!(told, (1..=40).collect::<Vec<usize>>());
    }

    #[test]
    fn what_runs_beside_others_is_what_runs_alone() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let mut scenario = Scenario::load(std::path::Path::new(file)).expect("a scenario");
        scenario.file.traffic_s = 30;
        let span = Some(Duration::from_secs(4));
        let hashes = |outcome: &Outcome| (outcome.judge.traffic.hash, outcome.world_hash);
        let beside = side_by_side(&[1, 2, 1], &|_| (), &|seed| run(&scenario, seed, span));
        let beside = beside.expect("runs");
        let alone = run(&scenario, 1, span).expect("a run");
        let [one, other, again] = &beside[..] else {
            panic!("three runs");
        };
        assert_eq!(
            (hashes(one), hashes(again)),
            (hashes(&alone), hashes(&alone))
        );
        assert_ne!(hashes(other), hashes(&alone));
    }

    #[test]
    fn a_run_that_fails_is_named_by_its_seed() {
        let failed = side_by_side(&[4, 5, 6], &|_| (), &|seed| {
            anyhow::ensure!(seed != 5, "no such road");
            Ok(())
        });
        let why = format!("{:#}", failed.expect_err("one fails"));
        assert!(
            why.contains("seed 5") && why.contains("no such road"),
            "{why}"
        );
    }

    #[test]
    fn each_criterion_is_spread_over_the_runs_that_measured_it() {
        let run = |missed: Option<f64>, stops: f64| {
            let most = |what, value, most| Verdict::new(what, value, "", Limit::AtMost(most));
            vec![most("missed", missed, 0.1), most("stops", Some(stops), 2.0)]
        };
        let runs = [run(Some(0.1), 1.0), run(None, 3.0), run(Some(0.3), 2.0)];
        let runs: Vec<&[Verdict]> = runs.iter().map(Vec::as_slice).collect();
        let spreads = spreads(&runs);
        let [missed, stops] = &spreads[..] else {
            panic!("{spreads:?}");
        };
        assert_eq!((missed.count, missed.passed), (2, 1));
        assert!((missed.mean - 0.2).abs() < 1e-12 && (missed.worst - 0.3).abs() < 1e-12);
        assert_eq!((stops.count, stops.passed), (3, 2));
        // Mean 2, sigma 1: 4.303 / sqrt(3).
        assert!((stops.half_width - 4.303 / 3.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn the_interval_is_that_of_student() {
        // Mean 3, sigma sqrt(2.5), 2.776 * sigma / sqrt(5).
        let (mean, half) = mean_and_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((mean - 3.0).abs() < 1e-12);
        assert!(
            (half - 2.776 * (2.5_f64 / 5.0).sqrt()).abs() < 1e-12,
            "{half}"
        );
    }
}
