//! The decoder's mirror: a box that writes our form. The simulator drives it.

use serde::Serialize;

use crate::clock::Utc;
use crate::report::{Covariance, Detection};

/// One box's voice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitter {
    sequence: u64,
}

/// A message. Members stand in the order of their names, here and below.
#[derive(Serialize)]
struct Scene<'a> {
    #[serde(serialize_with = "objects")]
    objects: &'a [Detection],
    sequence: u64,
    time_ms: i64,
}

#[derive(Serialize)]
struct Object {
    class: &'static str,
    east_m: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    east_mps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emergency: Option<bool>,
    existence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height_m: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_m: Option<f64>,
    north_m: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    north_mps: Option<f64>,
    position_cov_m2: [f64; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    velocity_cov_m2ps2: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width_m: Option<f64>,
}

impl Emitter {
    /// Appends a message of what is seen, in metres from the site's origin.
    pub fn scene(&mut self, utc: Utc, seen: &[Detection], out: &mut Vec<u8>) {
        let message = Scene {
            objects: seen,
            sequence: self.sequence,
            time_ms: utc.unix_ns() / 1_000_000,
        };
        self.sequence += 1;
        // Memory takes all that is written, and every member has a name.
        let written = serde_json::to_writer(&mut *out, &message);
        debug_assert!(written.is_ok(), "{written:?}");
        out.push(b'\n');
    }
}

fn objects<S: serde::Serializer>(seen: &&[Detection], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(seen.iter().map(Object::of))
}

impl Object {
    fn of(seen: &Detection) -> Self {
        let cov = |c: &Covariance| [c.ee, c.en, c.nn];
        let velocity = seen.velocity.as_ref();
        let size = seen.size.as_ref();
        let heading_deg = |yaw_rad: f64| (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0);
        Self {
            class: seen.class.word(),
            east_m: seen.east_m,
            east_mps: velocity.map(|velocity| velocity.east_mps),
            emergency: seen.emergency.then_some(true),
            existence: seen.existence.into(),
            heading_deg: seen.yaw_rad.map(heading_deg),
            height_m: size.and_then(|size| size.height_m).map(f64::from),
            id: seen.device_id,
            length_m: size.map(|size| size.length_m.into()),
            north_m: seen.north_m,
            north_mps: velocity.map(|velocity| velocity.north_mps),
            position_cov_m2: cov(&seen.position_cov),
            velocity_cov_m2ps2: velocity.map(|velocity| cov(&velocity.cov)),
            width_m: size.map(|size| size.width_m.into()),
        }
    }
}
