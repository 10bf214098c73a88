//! Scenes for the tests of whoever looks at the picture of the road: sites, road users, published cases.
//!
//! The cases are decisions of another unit (`shared/scenes/openv2x`); what each of them shows is told where
//! it is decided again. Not here: detections before they are fused ([`crate::fusion::testing`]), and the
//! crossing that messages are tested with ([`crate::services::fixture`]).

use std::f64::consts::PI;

use serde_json::Value;

use crate::clock::Mono;
use crate::fusion::{Picture, Pose, Sensor, Track};
use crate::report::{Class, Covariance, InputId, Size, Velocity};
use crate::site::Site;

/// A site as somebody wrote it.
pub(crate) fn site(text: &str) -> Site {
    Site::parse(text, "site.toml").unwrap_or_else(|faults| panic!("{faults}"))
}

/// The four-arm junction that ships in configs/sites.
pub(crate) fn four_arms() -> Site {
    site(include_str!("../../configs/sites/moyu-boyuan.toml"))
}

/// An error that is the same in every direction.
pub(crate) fn round(sigma: f64) -> Covariance {
    Covariance::from_axes(0.0, sigma, sigma)
}

pub(crate) fn size(length_m: f32, width_m: f32) -> Size {
    Size {
        length_m,
        width_m,
        height_m: None,
    }
}

/// A car that has been known for ever, of a size that nobody has measured.
pub(crate) fn car(id: u8, (east_m, north_m): (f64, f64), velocity_mps: (f64, f64)) -> Track {
    Track {
        id,
        own_id: None,
        east_m,
        north_m,
        position_cov: round(0.3),
        velocity: Velocity {
            east_mps: velocity_mps.0,
            north_mps: velocity_mps.1,
            cov: round(0.2),
        },
        yaw_rad: None,
        reverses: false,
        class: Class::Car,
        class_confidence: 0.9,
        size: None,
        seen_at: Mono::ZERO,
        hidden: false,
        born_at: Mono::ZERO,
        sources: 1,
        emergency: false,
        existence: 0.95,
    }
}

/// The same by its speed and its heading, clockwise from north.
pub(crate) fn heading(id: u8, at_m: (f64, f64), speed_mps: f64, heading_deg: f64) -> Track {
    let heading = heading_deg.to_radians();
    let velocity_mps = (speed_mps * heading.sin(), speed_mps * heading.cos());
    Track {
        yaw_rad: Some(PI / 2.0 - heading),
        ..car(id, at_m, velocity_mps)
    }
}

/// Who is there at the beginning of time.
pub(crate) fn picture(tracks: impl IntoIterator<Item = Track>) -> Picture {
    Picture {
        at: Mono::ZERO,
        tracks: tracks.into_iter().collect(),
    }
}

/// A camera there that sees all around it, as far as this.
pub(crate) fn camera((east_m, north_m): (f64, f64), max_range_m: f64) -> Sensor {
    let pose = Pose {
        east_m,
        north_m,
        up_m: 8.0,
        yaw_rad: 0.0,
    };
    Sensor {
        half_fov_rad: PI,
        min_range_m: 0.0,
        max_range_m,
        ..Sensor::camera(InputId(0), pose)
    }
}

/// A file of the published cases, or None with a word where the scenes are not there.
pub(crate) fn published(name: &str) -> Option<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/scenes/openv2x");
    let file = format!("{folder}/{name}.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: {file} is absent");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The cars of a frame of the cases but those named, put where `placed` says that a point of theirs is.
pub(crate) fn published_cars(
    frame: &Value,
    placed: impl Fn(f64, f64) -> (f64, f64),
    without: &[&str],
) -> Vec<Track> {
    let frame = frame.as_object().unwrap().iter();
    let frame = frame.filter(|(name, _)| !without.contains(&name.as_str()));
    let cars = frame.zip(1u8..).map(|((_, car), id)| {
        let of = |key: &str| car[key].as_f64().unwrap();
        Track {
            size: Some(size(
                (of("length") * 0.01) as f32,
                (of("width") * 0.01) as f32,
            )),
            ..heading(
                id,
                placed(of("x"), of("y")),
                of("speed") * 0.02,
                of("heading") * 0.0125,
            )
        }
    });
    cars.collect()
}
