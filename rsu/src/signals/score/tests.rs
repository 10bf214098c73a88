//! Scoring on signals whose lights are known.

use std::path::Path;

use super::*;

const START_MS: u64 = 1_700_000_000_000;

/// A signal with lights of these lengths in seconds, over and over: green, yellow, red.
fn junction(lengths_s: &[[u64; 3]]) -> Junction {
    let mut window = Window {
        from_ms: START_MS,
        to_ms: START_MS,
        changes: Vec::new(),
    };
    for cycle in lengths_s {
        for (light, length_s) in [Light::Green, Light::Yellow, Light::Red]
            .into_iter()
            .zip(cycle)
        {
            let at_ms = window.to_ms;
            window.changes.push(Shown {
                at_ms,
                phase: 0,
                light,
            });
            window.to_ms += length_s * 1000;
        }
    }
    Junction {
        phases: 1,
        windows: vec![window],
    }
}

fn score(junction: &Junction) -> Scorer {
    let mut scorer = Scorer::new();
    scorer.replay(junction);
    scorer
}

#[test]
fn fixed_lights_are_forecast_without_error_by_all_three() {
    let scorer = score(&junction(&[[20, 3, 37]; 30]));
    let horizons = scorer.figures().horizons(None);
    assert_eq!(horizons.len(), HORIZONS_S.len());
    for horizon in horizons {
        assert_eq!(horizon.silent, 0);
        for errors in [horizon.ours, horizon.last, horizon.mean] {
            assert!(errors.mae_s < 1e-3 && errors.p95_s < 1e-3, "{horizon:?}");
        }
        assert!(!horizon.is_better(), "as good is not better");
    }
    let bounds = scorer.figures().bounds();
    assert!(bounds.with_min > 0 && bounds.min_held == bounds.with_min);
    assert!(bounds.with_max > 0 && bounds.max_held == bounds.with_max);
}

#[test]
fn the_simple_forecasts_are_what_they_say() {
    let scorer = score(&junction(&[
        [10, 3, 30],
        [30, 3, 30],
        [20, 3, 30],
        [50, 3, 30],
    ]));
    let greens = scorer.figures().horizons(Some(Light::Green));
    // The first green was on before; of 30, 20 and 50 s, the last two were preceded by others. At
    // 1 s before its end, 20 was forecast to last 30 by both; 50 to last 20 and 25: overdue.
    assert_eq!(greens[0].changes, 2);
    assert!(
        (greens[0].last.mae_s - (10.0 + 1.0) / 2.0).abs() < 1e-6,
        "{greens:?}"
    );
    assert!((greens[0].mean.mae_s - (10.0 + 1.0) / 2.0).abs() < 1e-6);
    // At 20 s before the end of 50, 30 s had passed.
    let far = greens.last().expect("of 20 s");
    assert!(
        (far.last.mae_s - (10.0 + 20.0) / 2.0).abs() < 1e-6,
        "{far:?}"
    );
}

#[test]
fn a_light_cut_by_a_window_does_not_count() {
    let mut junction = junction(&[[10, 3, 30]; 12]);
    let mut window = junction.windows[0].clone();
    for change in &mut window.changes {
        change.at_ms += 3_600_000;
    }
    (window.from_ms, window.to_ms) = (window.from_ms + 3_600_000, window.to_ms + 3_600_000);
    let one = score(&junction).figures().horizons(Some(Light::Red))[0].changes;
    junction.windows.push(window);
    let two = score(&junction).figures().horizons(Some(Light::Red))[0].changes;
    // In the second window only the last red is cut; the first has an hour of its own without mean.
    assert_eq!((one, two), (10, 20));
}

#[test]
fn the_brier_score_is_low_where_forecasts_are_sure_and_right() {
    let of = |lengths_s: &[[u64; 3]]| score(&junction(lengths_s)).figures().brier();
    let fixed = of(&[[20, 3, 37]; 60]).expect("stated");
    let varied: Vec<_> = (0..60)
        .map(|n| [10 + n * 7 % 31, 3, 20 + n * 11 % 37])
        .collect();
    let varied = of(&varied).expect("stated");
    assert!(fixed < 0.01 && fixed < varied, "{fixed} {varied}");
    assert!(varied < 0.25, "{varied}: it knows how little it knows");
    assert_eq!(score(&junction(&[[20, 3, 37]; 2])).figures().brier(), None);
}

#[test]
fn nothing_is_known_of_the_future() {
    let past = [[20, 3, 37]; 12];
    let with = |last: u64| {
        let mut lengths = past.to_vec();
        lengths.push([last, 3, 37]);
        junction(&lengths)
    };
    let told = |junction: &Junction| {
        let mut replay = Replay::new(1);
        let window = &junction.windows[0];
        let run = Run {
            phase: 0,
            light: Light::Green,
            from_ms: 0,
            to_ms: 0,
            simple_s: None,
        };
        let until_ms = START_MS + 12 * 60_000 + 10_000;
        for at_ms in (START_MS..=until_ms).step_by(1000) {
            for change in window.changes.iter().filter(|change| change.at_ms == at_ms) {
                replay.change(change);
            }
            replay.report(at_ms);
        }
        replay.told(until_ms, &run).expect("green").likely_s
    };
    assert!((told(&with(12)) - told(&with(90))).abs() < 1e-9);
}

/// The figures of real signals, where the recordings are there. They move with every change of the
/// forecast; what is asked is that ours is the better forecast, honestly stated.
#[cfg(feature = "daemon")]
#[test]
fn real_signals_are_forecast_better_than_simply() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/scenes/signals");
    for file in ["hamburg_observations.jsonl", "oregon_controller_events.csv"] {
        let path = Path::new(folder).join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no recording at {}", path.display());
            continue;
        };
        let mut scorer = Scorer::new();
        for junction in crate::daemon::forecast::recordings::read(&text).expect("read") {
            scorer.replay(&junction);
        }
        let figures = scorer.figures();
        for horizon in figures.horizons(None) {
            assert!(
                horizon.is_better() && horizon.silent == 0,
                "{file}: {horizon:?}"
            );
        }
        let bounds = figures.bounds();
        assert!(
            bounds.min_held * 100 >= bounds.with_min * 99,
            "{file}: {bounds:?}"
        );
        assert!(
            bounds.max_held * 100 >= bounds.with_max * 99,
            "{file}: {bounds:?}"
        );
        // Surer than whoever always says how often such forecasts come true: that alone has this score.
        let classes = figures.confidences().iter();
        let (made, true_ones) = classes.fold((0, 0), |(made, true_ones), class| {
            (made + class.made, true_ones + class.came_true)
        });
        let share = true_ones as f64 / made as f64;
        let brier = figures.brier().expect("some were stated");
        assert!(brier < share * (1.0 - share), "{file}: {brier}");
        let surest = figures.confidences().last().expect("ten classes");
        let off = surest
            .stated()
            .zip(surest.deserved())
            .expect("some are sure");
        assert!((off.0 - off.1).abs() <= 0.05, "{file}: {surest:?}");
        if file.starts_with("hamburg") {
            for class in figures.confidences() {
                let (stated, deserved) = (class.stated(), class.deserved());
                let off = stated.zip(deserved).map_or(0.0, |(a, b)| (a - b).abs());
                assert!(off <= 0.05, "{file}: {class:?}");
            }
        }
    }
}
