//! Ten followers behind a leader with a script: the following model alone.
//!
//! Against the trajectories of SUMO 1.28.0, where its CSV is given: our step is the same as its own
//! (all from the state at the start of the step, speed first, then place), so that with the same
//! parameters both must agree but for the rounding of the CSV.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Findings;
use crate::world::vehicles::Driver;

/// SUMO's IDM with its defaults, and with values for a city.
const SETS: [(&str, Driver); 2] = [
    ("idm_default", driver(2.6, 4.5, 1.0, 2.5)),
    ("idm_a1.5_b2_T1.2_s2", driver(1.5, 2.0, 1.2, 2.0)),
];

const fn driver(
    acceleration_mps2: f64,
    braking_mps2: f64,
    headway_s: f64,
    standstill_m: f64,
) -> Driver {
    Driver {
        acceleration_mps2,
        braking_mps2,
        headway_s,
        standstill_m,
        eagerness: 1.0,
        reaction_s: 0.0,
    }
}

/// Runs both sets of parameters; `references` is the folder with SUMO's trajectories.
pub fn platoon(references: Option<&Path>) -> Result<Findings> {
    let mut findings = Findings {
        csv: "case,t,veh,pos_m,speed_mps\n".to_owned(),
        ..Findings::default()
    };
    for (name, driver) in SETS {
        let rows = drive(&driver);
        for row in &rows {
            let _ = writeln!(
                findings.csv,
                "{name},{:.1},v{:02},{:.4},{:.4}",
                f64::from(row.step) / 10.0,
                row.vehicle,
                row.along_m,
                row.speed_mps
            );
        }
        if let Some(folder) = references {
            let file = folder.join(name).with_file_name(format!("{name}.csv"));
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let (off_m, off_mps) = compare(&rows, &text)?;
            findings.figure(format!("{name}: farthest from SUMO, m"), off_m, 0.0, 1e-3);
            findings.figure(format!("{name}: speed, m/s"), off_mps, 0.0, 1e-3);
        }
    }
    Ok(findings)
}

#[derive(Clone, Copy)]
struct Row {
    step: u32,
    vehicle: usize,
    along_m: f64,
    speed_mps: f64,
}

fn drive(driver: &Driver) -> Vec<Row> {
    let mut places: Vec<(f64, f64)> = (0..=FOLLOWERS)
        .map(|place| (400.0 - 25.0 * place as f64, 10.0))
        .collect();
    let mut rows = Vec::new();
    for step in 1..=STEPS {
        if step > 1 {
            let before = places.clone();
            let leader_mps = script_mps(f64::from(step - 1) * DT_S);
            for (i, place) in places.iter_mut().enumerate() {
                let (along_m, speed_mps) = before[i];
                let next_mps = if i == 0 {
                    leader_mps
                } else {
                    let (ahead_m, ahead_mps) = before[i - 1];
                    let gap_m = ahead_m - LENGTH_M - along_m;
                    let acceleration =
                        driver.following_mps2(speed_mps, LIMIT_MPS, gap_m, ahead_mps);
                    (speed_mps + acceleration * DT_S).max(0.0)
                };
                *place = (along_m + next_mps * DT_S, next_mps);
            }
        }
        rows.extend(places.iter().enumerate().map(|(vehicle, place)| Row {
            step,
            vehicle,
            along_m: place.0,
            speed_mps: place.1,
        }));
    }
    rows
}

/// What the leader does: ten, down to two, up to thirteen metres a second.
fn script_mps(at_s: f64) -> f64 {
    if at_s < 20.0 {
        10.0
    } else if at_s < 24.0 {
        10.0 - 2.0 * (at_s - 20.0)
    } else if at_s < 50.0 {
        2.0
    } else if at_s < 50.0 + 11.0 / 1.5 {
        2.0 + 1.5 * (at_s - 50.0)
    } else {
        13.0
    }
}

/// The largest differences of place and speed.
fn compare(rows: &[Row], reference: &str) -> Result<(f64, f64)> {
    let (mut off_m, mut off_mps) = (0.0_f64, 0.0_f64);
    let lines: Vec<&str> = reference.lines().skip(1).collect();
    anyhow::ensure!(
        lines.len() == rows.len(),
        "{} rows instead of {}",
        lines.len(),
        rows.len()
    );
    for (row, line) in rows.iter().zip(lines) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| -> Result<f64> {
            let field = fields
                .get(i)
                .with_context(|| format!("short row {line:?}"))?;
            field
                .parse()
                .with_context(|| format!("no number in {line:?}"))
        };
        anyhow::ensure!(
            (number(0)? * 10.0 - f64::from(row.step)).abs() < 0.5,
            "another order of rows at {line:?}"
        );
        off_m = off_m.max((row.along_m - number(2)?).abs());
        off_mps = off_mps.max((row.speed_mps - number(3)?).abs());
    }
    Ok((off_m, off_mps))
}

const FOLLOWERS: usize = 10;
const STEPS: u32 = 1200;
const DT_S: f64 = 0.1;
const LENGTH_M: f64 = 5.0;
const LIMIT_MPS: f64 = 13.89;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_go_where_those_of_sumo_go() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/scenes/sumo/platoon"
        );
        if !Path::new(folder).is_dir() {
            eprintln!("skipped: {folder} is not there");
            return;
        }
        let findings = platoon(Some(Path::new(folder))).expect("trajectories");
        assert_eq!(findings.figures.len(), 4);
        assert!(findings.hold(), "{:?}", findings.figures);
    }

    #[test]
    fn nobody_runs_into_the_one_ahead() {
        for (_, driver) in SETS {
            let rows = drive(&driver);
            for pair in rows.windows(2).filter(|pair| pair[0].step == pair[1].step) {
                assert!(pair[0].along_m - LENGTH_M > pair[1].along_m);
            }
        }
    }
}
