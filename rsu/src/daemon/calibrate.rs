//! `rsu calibrate FILE SENSOR`: where a sensor really stands and looks, from recorded traffic.
//!
//! The file is one that `rsu fuse` reads. The other sensors' detections are fused, in order of
//! capture, and the tracks are what the sensor in question should have seen: shift and turn of its
//! mount are fitted so that its detections fall on them. Detections and tracks are paired anew in
//! each round, by nearness, with a reach that shrinks; false detections and things that only one
//! side sees find no partner and do not count. The result is one JSON object on stdout: the mount as
//! configured and as found, with how well it fits. Nothing is changed.

use std::path::PathBuf;
use std::process::ExitCode;

use nalgebra::Vector2;
use serde_json::{Value, json};

use super::fuse::{Recording, Unusable, moment};
use crate::fusion::{Config, Fusion};
use crate::report::{InputId, Objects};

/// What `rsu calibrate` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct CalibrateArgs {
    /// The detections, as JSON.
    pub file: PathBuf,
    /// The id of the sensor in question, as the file has it.
    pub sensor: String,
}

/// Runs the command. Exit codes as in sysexits.h: 64 for a sensor that the file does not have, 65
/// where the file is not what it should be or its traffic does not tell, 66 where it cannot be read.
pub fn calibrate(args: &CalibrateArgs) -> ExitCode {
    let recording = match Recording::read(&args.file) {
        Ok(recording) => recording,
        Err(Unusable { exit, reason }) => {
            eprintln!("failed to read {}: {reason}", args.file.display());
            return ExitCode::from(exit);
        }
    };
    let Some(which) = recording.sensor_named(&args.sensor) else {
        eprintln!("no sensor {:?} in {}", args.sensor, args.file.display());
        return ExitCode::from(64);
    };
    match fit(&collect(&recording, which)) {
        Some(found) => {
            println!("{}", found.json(&recording, which));
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("too little traffic that others see too");
            ExitCode::from(65)
        }
    }
}

/// What one frame of the sensor shows, and what the others say is there.
#[derive(Debug)]
struct Scene {
    /// From the sensor, in the site's axes, as configured.
    arms: Vec<Vector2<f64>>,
    /// From the sensor's configured place.
    tracks: Vec<Vector2<f64>>,
}

/// A mount against the one configured.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    shift: Vector2<f64>,
    turn_rad: f64,
    pairs: usize,
    rms_m: f64,
}

fn collect(recording: &Recording, which: usize) -> Vec<Scene> {
    let mut sensors = recording.fusion_sensors();
    let foot = Vector2::new(sensors[which].pose.east_m, sensors[which].pose.north_m);
    // Under a number that no frame has, it has no say.
    sensors[which].input = InputId(u8::MAX);
    let mut fusion = Fusion::new(Config {
        sensors,
        ..Config::default()
    });
    let mut scenes = Vec::new();
    let mut objects = Objects::default();
    for frame in recording.by_capture() {
        if frame.sensor != recording.name(which) {
            recording.hand_over(frame, &mut objects, &mut fusion);
            continue;
        }
        let picture = fusion.picture(moment(frame.t));
        let sure = picture
            .tracks
            .iter()
            .filter(|track| track.position_cov.ee + track.position_cov.nn < SURE_M2);
        let place = |east: f64, north: f64| Vector2::new(east, north) - foot;
        let tracks: Vec<_> = sure.map(|t| place(t.east_m, t.north_m)).collect();
        let arms = recording.places(frame, which);
        let arms = arms.map(|(east, north)| place(east, north)).collect();
        scenes.push(Scene { arms, tracks });
    }
    scenes
}

/// The mount that brings detections and tracks together; None where too few pairs tell.
fn fit(scenes: &[Scene]) -> Option<Found> {
    let mut found = Found::default();
    for round in 0..ROUNDS {
        let reach_m = LAST_REACH_M + (FIRST_REACH_M - LAST_REACH_M) * 0.8f64.powi(round);
        let pairs = pair(scenes, &found, reach_m);
        if pairs.len() < LEAST_PAIRS {
            return None;
        }
        found = align(&pairs);
    }
    Some(found)
}

/// Each detection with the nearest track within reach, where the track has no nearer one.
fn pair(scenes: &[Scene], found: &Found, reach_m: f64) -> Vec<(Vector2<f64>, Vector2<f64>)> {
    let mut pairs = Vec::new();
    for scene in scenes {
        let moved: Vec<_> = scene.arms.iter().map(|arm| found.apply(*arm)).collect();
        for (arm, at) in scene.arms.iter().zip(&moved) {
            let away = |track: &&Vector2<f64>| (**track - at).norm();
            let nearest = scene
                .tracks
                .iter()
                .min_by(|a, b| away(a).total_cmp(&away(b)));
            let Some(track) = nearest.filter(|track| away(track) < reach_m) else {
                continue;
            };
            let rival = moved
                .iter()
                .any(|other| (track - other).norm() < away(&track));
            if !rival {
                pairs.push((*arm, *track));
            }
        }
    }
    pairs
}

/// The shift and turn that brings the first of each pair nearest to the second.
fn align(pairs: &[(Vector2<f64>, Vector2<f64>)]) -> Found {
    let count = pairs.len() as f64;
    let from = pairs.iter().map(|p| p.0).sum::<Vector2<f64>>() / count;
    let to = pairs.iter().map(|p| p.1).sum::<Vector2<f64>>() / count;
    let (mut dot, mut cross) = (0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - from, b - to);
        dot += a.dot(&b);
        cross += a.perp(&b);
    }
    let turned = Found {
        turn_rad: cross.atan2(dot),
        ..Found::default()
    };
    let mut found = Found {
        shift: to - turned.apply(from),
        pairs: pairs.len(),
        ..turned
    };
    let square: f64 = pairs
        .iter()
        .map(|(a, b)| (found.apply(*a) - b).norm_squared())
        .sum();
    found.rms_m = (square / count).sqrt();
    found
}

impl Found {
    fn apply(&self, arm: Vector2<f64>) -> Vector2<f64> {
        let (sin, cos) = self.turn_rad.sin_cos();
        self.shift + Vector2::new(cos * arm.x - sin * arm.y, sin * arm.x + cos * arm.y)
    }

    fn json(&self, recording: &Recording, which: usize) -> Value {
        let pose = recording.fusion_sensors()[which].pose;
        let mount = |east_m: f64, north_m: f64, yaw_rad: f64| {
            let heading_deg = (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0);
            json!({ "east-m": east_m, "north-m": north_m, "heading-deg": heading_deg })
        };
        let (east_m, north_m) = (pose.east_m + self.shift.x, pose.north_m + self.shift.y);
        json!({
            "sensor": recording.name(which),
            "configured": mount(pose.east_m, pose.north_m, pose.yaw_rad),
            "found": mount(east_m, north_m, pose.yaw_rad + self.turn_rad),
            "turned-deg": self.turn_rad.to_degrees(),
            "shifted-m": [self.shift.x, self.shift.y],
            "pairs": self.pairs,
            "rms-m": self.rms_m,
        })
    }
}

/// Tracks less sure than this do not count.
const SURE_M2: f64 = 1.0;
const ROUNDS: i32 = 25;
const FIRST_REACH_M: f64 = 6.0;
const LAST_REACH_M: f64 = 1.5;
const LEAST_PAIRS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_and_a_shift_are_found_among_false_detections() {
        let truth = Found {
            shift: Vector2::new(0.6, -0.4),
            turn_rad: 0.05,
            ..Found::default()
        };
        let mut scenes = Vec::new();
        for step in 0..60 {
            let t = f64::from(step);
            let arms: Vec<_> = (0..6)
                .map(|n| {
                    Vector2::new(
                        10.0 + 9.0 * f64::from(n),
                        20.0 * (0.1 * t + f64::from(n)).sin(),
                    )
                })
                .collect();
            let tracks = arms.iter().map(|arm| truth.apply(*arm)).collect();
            let mut arms = arms;
            arms.push(Vector2::new(0.7 * t, -40.0));
            scenes.push(Scene { arms, tracks });
        }
        let found = fit(&scenes).unwrap();
        assert!((found.turn_rad - 0.05).abs() < 1e-6, "{found:?}");
        assert!((found.shift - truth.shift).norm() < 1e-4, "{found:?}");
        assert_eq!(found.pairs, 360);
    }

    #[test]
    fn without_traffic_nothing_is_found() {
        assert!(fit(&[]).is_none());
    }
}
