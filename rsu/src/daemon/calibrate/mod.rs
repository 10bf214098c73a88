//! `rsu calibrate FILE SENSOR`: where a sensor really stands and looks, and how old what it shows is,
//! from recorded traffic.
//!
//! The other sensors' detections are fused, in order of capture, and the tracks are what the sensor in
//! question should have seen. Shift and turn of its mount and the age of its stamps are fitted so that
//! its detections fall on them. The result is lines of TOML for the configuration, each with how sure
//! it is, or JSON. Nothing is changed. It is as right as the others are: what they all have wrong in
//! common is not seen here.
//!
//! Rooms: [`traffic`] (files to detections), [`fit`] (the mount that fits).

mod fit;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use nalgebra::{Matrix2, Vector2};
use serde_json::{Value, json};

use self::fit::{Arm, Found, Scene, Seen, fit};
use self::traffic::Traffic;
use crate::fusion::{Config, Fusion, Pose, Sees};
use crate::report::{Covariance, InputId, MAX_OBJECTS, Objects};

/// What `rsu calibrate` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct CalibrateArgs {
    /// A recording of the unit, the folder that recordings lie in, of which the last run is taken, or
    /// detections as JSON, as `rsu fuse` reads them.
    pub file: PathBuf,
    /// The sensor in question: the name of its input, or its id in the JSON. The others must see
    /// much of what it sees, for a minute at least.
    pub sensor: String,
    /// Print what was found as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command. Exit codes as in sysexits.h: 64 for a sensor that the file does not have, 65
/// where the file is not what it should be or its traffic does not tell, 66 where it cannot be read.
pub fn calibrate(args: &CalibrateArgs) -> ExitCode {
    let traffic = match Traffic::read(&args.file) {
        Ok(traffic) => traffic,
        Err(unusable) => {
            eprintln!(
                "failed to read {}: {}",
                args.file.display(),
                unusable.reason
            );
            return ExitCode::from(unusable.exit);
        }
    };
    let named = traffic.names.iter().position(|name| *name == args.sensor);
    let seated = named.filter(|which| traffic.sensors[*which].sees != Sees::Told);
    let Some(which) = seated else {
        eprintln!(
            "no sensor {:?} in {}: it has {}",
            args.sensor,
            args.file.display(),
            traffic.names.join(", ")
        );
        return ExitCode::from(64);
    };
    let Some(found) = fit(&collect(&traffic, which)) else {
        eprintln!("too little traffic that others see too");
        return ExitCode::from(65);
    };
    let (name, pose) = (&traffic.names[which], traffic.sensors[which].pose);
    if args.json {
        println!("{}", as_json(name, pose, &found));
    } else {
        print!("{}", as_toml(name, pose, &found));
    }
    ExitCode::SUCCESS
}

/// What the sensor shows, frame by frame, beside what the others say is there.
fn collect(traffic: &Traffic, which: usize) -> Vec<Scene> {
    let mut sensors = traffic.sensors.clone();
    let foot = Vector2::new(sensors[which].pose.east_m, sensors[which].pose.north_m);
    // Under a number that no frame has, it has no say.
    sensors[which].input = InputId(u8::MAX);
    let mut fusion = Fusion::new(Config {
        sensors,
        ..Config::default()
    });
    let mut scenes = Vec::new();
    let mut objects = Objects::default();
    for look in &traffic.looks {
        if look.sensor != which {
            objects.seen_at = look.seen_at;
            // More than one report holds: the same moment in several. None is a report too.
            let mut parts = look.detections.chunks(MAX_OBJECTS);
            let mut part = parts.next().unwrap_or(&[]);
            loop {
                objects.detections.clear();
                objects.detections.extend(part.iter().copied());
                fusion.handle_objects(traffic.sensors[look.sensor].input, &objects);
                match parts.next() {
                    Some(next) => part = next,
                    None => break,
                }
            }
            continue;
        }
        let picture = fusion.picture(look.seen_at);
        let sure = picture
            .tracks
            .iter()
            .filter(|track| track.position_cov.ee + track.position_cov.nn < SURE_M2);
        let seen = sure.map(|track| Seen {
            who: (track.id, track.born_at),
            place: Vector2::new(track.east_m, track.north_m) - foot,
            velocity: Vector2::new(track.velocity.east_mps, track.velocity.north_mps),
            cov: matrix(track.position_cov),
        });
        let arms = look.detections.iter().map(|detection| Arm {
            place: Vector2::new(detection.east_m, detection.north_m) - foot,
            cov: matrix(detection.position_cov),
        });
        scenes.push(Scene {
            arms: arms.collect(),
            seen: seen.collect(),
        });
    }
    scenes
}

fn matrix(cov: Covariance) -> Matrix2<f64> {
    Matrix2::new(cov.ee, cov.en, cov.en, cov.nn)
}

/// Clockwise from north.
fn heading_deg(yaw_rad: f64) -> f64 {
    (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0)
}

fn as_toml(name: &str, pose: Pose, found: &Found) -> String {
    let [east_m, north_m, turn_rad, _] = found.sigma;
    let (older_ms, older_sigma_ms) = (-1e3 * found.ahead_s, 1e3 * found.sigma[3]);
    let mut text = format!(
        "# {name}, by {} pairs with {} road users: {:.2} m rms, as configured {:.2} m.\n\
         # Moved by {:+.2} m east (+-{east_m:.2}) and {:+.2} m north (+-{north_m:.2}), turned by \
         {:+.2} degrees clockwise (+-{:.2}).\n",
        found.pairs,
        found.clusters,
        found.rms_m,
        found.rms_before_m,
        found.shift.x,
        found.shift.y,
        -found.turn_rad.to_degrees(),
        turn_rad.to_degrees(),
    );
    if found.is_as_configured() {
        text += "# That is no more than this traffic can tell: it stands as configured.\n";
    }
    text += &format!(
        "mount = {{ east-m = {:.2}, north-m = {:.2}, up-m = {:.2}, heading-deg = {:.2} }}\n",
        pose.east_m + found.shift.x,
        pose.north_m + found.shift.y,
        pose.up_m,
        heading_deg(pose.yaw_rad + found.turn_rad),
    );
    text += &format!(
        "# What it shows is {older_ms:+.0} ms older than was assumed (+-{older_sigma_ms:.0}): add that \
         to latency-ms.\n"
    );
    text
}

fn as_json(name: &str, pose: Pose, found: &Found) -> Value {
    let mount = |east_m: f64, north_m: f64, yaw_rad: f64| json!({ "east-m": east_m, "north-m": north_m, "heading-deg": heading_deg(yaw_rad) });
    let (east_m, north_m) = (pose.east_m + found.shift.x, pose.north_m + found.shift.y);
    let [sigma_east, sigma_north, sigma_turn, sigma_ahead] = found.sigma;
    json!({
        "sensor": name,
        "configured": mount(pose.east_m, pose.north_m, pose.yaw_rad),
        "found": mount(east_m, north_m, pose.yaw_rad + found.turn_rad),
        "turned-deg": found.turn_rad.to_degrees(),
        "turned-sigma-deg": sigma_turn.to_degrees(),
        "shifted-m": [found.shift.x, found.shift.y],
        "shifted-sigma-m": [sigma_east, sigma_north],
        "older-s": -found.ahead_s,
        "older-sigma-s": sigma_ahead,
        "pairs": found.pairs,
        "road-users": found.clusters,
        "rms-m": found.rms_m,
        "rms-before-m": found.rms_before_m,
    })
}

/// Tracks less sure than this do not count.
const SURE_M2: f64 = 1.0;

#[cfg(test)]
mod tests;
