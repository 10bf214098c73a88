//! The decoder's mirror: a box that tells what it sees. The simulator drives it.

use serde_json::{Value, json};
use v2x_msg::base::EnuFrame;

use crate::clock::Utc;
use crate::inputs::objects::degrees_of;
use crate::report::{Class, Detection};

/// A box of one site.
#[derive(Clone, Copy, Debug)]
pub struct Emitter {
    frame: EnuFrame,
}

impl Emitter {
    /// In the frame of its site.
    pub fn new(frame: EnuFrame) -> Self {
        Self { frame }
    }

    /// Appends a TRACK message. Classes are lost: the radar knows one type.
    pub fn track(&self, utc: Utc, seen: &[Detection], out: &mut Vec<u8>) {
        let target = |(n, seen): (usize, &Detection)| {
            let (lat_deg, lon_deg) = degrees_of(&self.frame, seen.east_m, seen.north_m);
            let (speed, heading_deg) = motion(seen);
            let size = seen.size;
            json!({
                "targetId": seen.device_id.map_or(n, usize::from), "targetType": 3,
                "latitude": lat_deg, "longitude": lon_deg, "height": 0.0, "laneNo": 1,
                "headingAngle": heading_deg, "speed": speed, "acceleration": 0.0,
                "confidenceLevel": (f64::from(seen.existence) * 100.0).round(),
                "targetLength": size.map_or(0.0, |s| s.length_m),
                "targetWidth": size.map_or(0.0, |s| s.width_m),
                "targetHeight": size.and_then(|s| s.height_m).unwrap_or(0.0),
                "rcs": 1.0_f32.to_bits(),
            })
        };
        let targets: Vec<Value> = seen.iter().enumerate().map(target).collect();
        let message = json!({
            "timeStamp": (utc.unix_ns() / 1_000_000_000 * 1000).to_string(),
            "number": targets.len(), "targets": targets, "deviceId": "SIM",
        });
        out.extend(message.to_string().bytes());
    }

    /// Appends an RSM of the vendor's form.
    pub fn rsm(&self, utc: Utc, seen: &[Detection], out: &mut Vec<u8>) {
        let unix_ms = utc.unix_ns() / 1_000_000;
        let participant = |(n, seen): (usize, &Detection)| {
            let (lat_deg, lon_deg) = degrees_of(&self.frame, seen.east_m, seen.north_m);
            let (speed, heading_deg) = motion(seen);
            let kind = match seen.class {
                Class::Pedestrian => "pedestrian",
                Class::Bicycle | Class::Motorcycle => "non-motor",
                Class::Car | Class::Truck | Class::Bus => "motor",
                Class::Unknown | Class::Animal => "unknown",
            };
            json!({
                "ptcType": kind, "ptcId": seen.device_id.map_or(n, usize::from),
                "timeStamp": unix_ms, "secMark": unix_ms.rem_euclid(60_000),
                "pos_lat": lat_deg, "pos_lon": lon_deg, "heading": heading_deg, "speed": speed,
                "length": seen.size.map(|s| s.length_m), "width": seen.size.map(|s| s.width_m),
                "height": seen.size.and_then(|s| s.height_m), "source": 3,
            })
        };
        let content: Vec<Value> = seen.iter().enumerate().map(participant).collect();
        let origin = self.frame.origin();
        let message = json!({
            "dev_pos": { "lat": origin.lat_deg(), "lon": origin.lon_deg() }, "content": content,
        });
        out.extend(message.to_string().bytes());
    }
}

/// Speed, and the heading in degrees: of the motion, else of the body.
fn motion(seen: &Detection) -> (f64, f64) {
    let (east, north) = seen
        .velocity
        .map_or((0.0, 0.0), |v| (v.east_mps, v.north_mps));
    let speed = east.hypot(north);
    let yaw_rad = match seen.yaw_rad {
        _ if speed > 0.1 => north.atan2(east),
        Some(yaw_rad) => yaw_rad,
        None => 0.0,
    };
    (speed, (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0))
}
