//! Where sensors look: what nobody sees is not known to be free.
//!
//! By field and range only, as configured, of sensors that have spoken of late. What stands before what is
//! not asked: sensors hang high, and a lane is looked at from several sides where there are several.

use std::time::Duration;

use v2x_msg::base::Enu;

use super::config::{Sees, Sensor};
use crate::clock::Mono;
use crate::report::InputId;

/// The fields of all sensors that see others.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<Field>,
    now: Mono,
}

/// The field of one sensor, and when it was last heard.
#[derive(Debug)]
struct Field {
    sensor: Sensor,
    spoke_at: Option<Mono>,
}

/// A sensor that has been silent for longer sees nothing.
const LASTS: Duration = Duration::from_millis(500);

/// Between two points of a lane that are asked after.
const STEP_M: f64 = 5.0;

impl Fields {
    pub(crate) fn of(sensors: &[Sensor]) -> Self {
        let seeing = sensors.iter().filter(|sensor| sensor.sees != Sees::Told);
        let fields = seeing.map(|sensor| Field {
            sensor: *sensor,
            spoke_at: None,
        });
        Self {
            fields: fields.collect(),
            now: Mono::ZERO,
        }
    }

    /// A sensor has told of a scene that it saw then.
    pub(crate) fn note(&mut self, input: InputId, seen_at: Mono) {
        let of = |field: &&mut Field| field.sensor.input == input;
        for field in self.fields.iter_mut().filter(of) {
            field.spoke_at = field.spoke_at.max(Some(seen_at));
        }
    }

    /// From now on it is asked what is seen at this moment.
    pub(crate) fn set_now(&mut self, now: Mono) {
        self.now = now;
    }

    /// Whether some sensor sees what is at a point.
    fn sees(&self, east_m: f64, north_m: f64) -> bool {
        let live = |field: &&Field| {
            let spoke_at = field.spoke_at;
            spoke_at.is_some_and(|spoke_at| self.now.since(spoke_at) <= LASTS)
        };
        self.fields.iter().filter(live).any(|field| {
            let sensor = &field.sensor;
            let (east, north) = (east_m - sensor.pose.east_m, north_m - sensor.pose.north_m);
            let range_m = east.hypot(north);
            let (sin, cos) = sensor.pose.yaw_rad.sin_cos();
            let ahead = east * cos + north * sin;
            let left = north * cos - east * sin;
            (sensor.min_range_m..=sensor.max_range_m).contains(&range_m)
                && left.atan2(ahead).abs() <= sensor.half_fov_rad
        })
    }

    /// Whether all of a line from one distance along it to another is seen; what lies beyond its ends is
    /// not asked after.
    pub(crate) fn sees_line(&self, line: &[Enu], from_m: f64, to_m: f64) -> bool {
        let mut before_m = 0.0;
        for piece in line.windows(2) {
            let (east, north) = (
                piece[1].east_m - piece[0].east_m,
                piece[1].north_m - piece[0].north_m,
            );
            let length_m = east.hypot(north);
            let (from, to) = (
                (from_m - before_m).max(0.0),
                (to_m - before_m).min(length_m),
            );
            before_m += length_m;
            if from > to || length_m <= 0.0 {
                continue;
            }
            // Lanes are shorter than this many steps.
            let steps = ((to - from) / STEP_M).ceil().clamp(0.0, 10_000.0) as u32;
            for step in 0..=steps {
                let at = (from + f64::from(step) * STEP_M).min(to) / length_m;
                if !self.sees(piece[0].east_m + at * east, piece[0].north_m + at * north) {
                    return false;
                }
            }
        }
        true
    }
}
