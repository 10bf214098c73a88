//! `rsu forecast score FILE`: what our forecasts would have been worth on recorded signals.
//!
//! - `recordings`: the two kinds of files that are understood
//!
//! The table says, for each time before a change, the error of our forecast and of two simple ones,
//! then whether stated confidences were deserved and stated bounds held. What is computed, and how
//! fairly, is told at [`crate::signals::score`].

pub(crate) mod recordings;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::report::Light;
use crate::signals::score::{Errors, Figures, Horizon, Scorer};

/// What `rsu forecast` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ForecastCommand {
    /// Replay recorded signals, and tell how well they were forecast.
    Score(ScoreArgs),
}

/// What `rsu forecast score` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct ScoreArgs {
    /// Recorded signals: JSON lines of run lengths, or a high-resolution controller log as CSV.
    pub file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Only the signals at even (0) or odd (1) places of the file, so that what was tried on one
    /// half can be told from the other.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub half: Option<u8>,
}

/// Runs the command. Exit codes as in sysexits.h: 65 where the file is not what it should be, 66
/// where it cannot be read, 74 where the result cannot be written.
pub fn forecast(command: &ForecastCommand) -> ExitCode {
    let ForecastCommand::Score(args) = command;
    let shown = args.file.display();
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("failed to read {shown}: {error}");
            return ExitCode::from(66);
        }
    };
    let junctions = match recordings::read(&text) {
        Ok(junctions) => junctions,
        Err(reason) => {
            eprintln!("failed to read {shown}: {reason}");
            return ExitCode::from(65);
        }
    };
    let mut scorer = Scorer::new();
    for (place, junction) in junctions.iter().enumerate() {
        if args.half.is_none_or(|half| place % 2 == usize::from(half)) {
            scorer.replay(junction);
        }
    }
    let figures = scorer.figures();
    let text = if args.json {
        format!("{}\n", as_json(figures))
    } else {
        table(figures)
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("failed to write the figures: {error}");
            ExitCode::from(74)
        }
        _ => ExitCode::SUCCESS,
    }
}

const LIGHTS: [(&str, Option<Light>); 4] = [
    ("all", None),
    ("green", Some(Light::Green)),
    ("yellow", Some(Light::Yellow)),
    ("red", Some(Light::Red)),
];

fn table(figures: &Figures) -> String {
    let mut text = String::new();
    let line = "light   before  changes  silent |  ours: MAE    p95 |  last: MAE    p95 |  mean: MAE    p95 | better";
    let _ = writeln!(text, "{line}");
    for (name, light) in LIGHTS {
        for horizon in figures.horizons(light) {
            let Horizon {
                before_s,
                changes,
                silent,
                ..
            } = horizon;
            let _ = write!(text, "{name:<7} {before_s:>4} s {changes:>8} {silent:>7}");
            for Errors { mae_s, p95_s } in [horizon.ours, horizon.last, horizon.mean] {
                let _ = write!(text, " | {mae_s:>8.2} s {p95_s:>5.1} s");
            }
            let _ = writeln!(
                text,
                " | {}",
                if horizon.is_better() { "yes" } else { "NO" }
            );
        }
    }
    let _ = writeln!(
        text,
        "\nstated confidence   forecasts   stated   came true within 1 s"
    );
    for (class, of) in figures.confidences().iter().enumerate() {
        let (Some(stated), Some(deserved)) = (of.stated(), of.deserved()) else {
            continue;
        };
        let (from, to) = (class * 10, class * 10 + 10);
        let (made, stated, deserved) = (of.made, stated * 100.0, deserved * 100.0);
        let _ = writeln!(
            text,
            "{from:>9} to {to:>3} % {made:>11} {stated:>7.1} % {deserved:>9.1} %"
        );
    }
    if let Some(brier) = figures.brier() {
        let _ = writeln!(text, "all of them: Brier score {brier:.4}");
    }
    let bounds = figures.bounds();
    let _ = writeln!(
        text,
        "\nearliest end: told in {:.1} % of {} forecasts, held in {:.2} %\n\
         latest end:   told in {:.1} %, held in {:.2} %",
        percent(bounds.with_min, bounds.forecasts),
        bounds.forecasts,
        percent(bounds.min_held, bounds.with_min),
        percent(bounds.with_max, bounds.forecasts),
        percent(bounds.max_held, bounds.with_max),
    );
    text
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

fn as_json(figures: &Figures) -> Value {
    let errors = |errors: Errors| json!({ "mae_s": errors.mae_s, "p95_s": errors.p95_s });
    let horizon = |horizon: &Horizon| {
        json!({
            "before_s": horizon.before_s,
            "changes": horizon.changes,
            "silent": horizon.silent,
            "ours": errors(horizon.ours),
            "last_cycle": errors(horizon.last),
            "mean_of_hour": errors(horizon.mean),
            "better": horizon.is_better(),
        })
    };
    let lights = LIGHTS.map(|(name, light)| {
        let horizons: Vec<_> = figures.horizons(light).iter().map(horizon).collect();
        (name.to_owned(), Value::Array(horizons))
    });
    let confidences = figures.confidences().iter().enumerate();
    let confidences = confidences.map(|(class, of)| {
        json!({
            "from_percent": class * 10,
            "forecasts": of.made,
            "stated": of.stated(),
            "came_true": of.deserved(),
        })
    });
    let bounds = figures.bounds();
    json!({
        "horizons": Value::Object(lights.into_iter().collect()),
        "confidence": confidences.collect::<Vec<_>>(),
        "brier": figures.brier(),
        "bounds": {
            "forecasts": bounds.forecasts,
            "with_min": bounds.with_min,
            "min_held": bounds.min_held,
            "with_max": bounds.with_max,
            "max_held": bounds.max_held,
        },
    })
}
