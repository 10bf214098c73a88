//! Where a sensor stands, what it sees and how well: the keys that inputs of objects share.

use std::time::Duration;

use v2x_msg::kinds::rsm;

use crate::fusion;
use crate::inputs::{Assumed, Mount, Pose};
use crate::report::InputId;
use crate::sheet::Table;

/// What fusion must know of a device that lists objects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seat {
    /// What it sees with.
    pub sensor: SensorKind,
    /// Where it stands and which way it looks.
    pub mount: Mount,
    /// Where it is looked for in vain when it is silent about an object: half of its angle.
    pub half_angle_deg: f64,
    /// And how far.
    pub range_m: f64,
    /// It keeps tracks, and the covariances that it sends are theirs.
    pub tracks: bool,
}

/// What a device sees with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// A camera.
    Camera,
    /// A radar.
    Radar,
    /// A lidar.
    Lidar,
    /// Several of these, fused in the device.
    Fused,
}

impl Seat {
    /// As RSM and fusion know it.
    pub(super) fn sensor(&self, input: InputId) -> (rsm::Source, fusion::Sensor) {
        let pose = fusion::Pose {
            east_m: self.mount.east_m,
            north_m: self.mount.north_m,
            up_m: self.mount.up_m,
            yaw_rad: Pose::from(self.mount).yaw_rad(),
        };
        let (source, sensor) = match self.sensor {
            SensorKind::Camera => (rsm::Source::Video, fusion::Sensor::camera(input, pose)),
            SensorKind::Radar => (
                rsm::Source::MicrowaveRadar,
                fusion::Sensor::tracking_radar(input, pose),
            ),
            SensorKind::Lidar => (rsm::Source::Lidar, fusion::Sensor::camera(input, pose)),
            // It tracks, so its errors repeat from message to message.
            SensorKind::Fused => (
                rsm::Source::Integrated,
                fusion::Sensor {
                    covariance_scale: 3.0,
                    repeats: 1.0,
                    ..fusion::Sensor::camera(input, pose)
                },
            ),
        };
        let sensor = fusion::Sensor {
            half_fov_rad: self.half_angle_deg.to_radians(),
            max_range_m: self.range_m,
            tracks: self.tracks,
            covariance_scale: if self.tracks {
                1.0
            } else {
                sensor.covariance_scale
            },
            ..sensor
        };
        (source, sensor)
    }
}

/// Reads `mount`, `sensor`, `half-angle-deg`, `range-m` and `tracks`.
pub(super) fn read(table: &mut Table<'_, '_>, kind: SensorKind, angle: f64, range: f64) -> Seat {
    let kinds = [
        ("camera", SensorKind::Camera),
        ("radar", SensorKind::Radar),
        ("lidar", SensorKind::Lidar),
        ("fused", SensorKind::Fused),
    ];
    Seat {
        sensor: table.choice("sensor", &kinds).map_or(kind, |k| k.value),
        ..read_fixed(table, kind, angle, range)
    }
}

/// The same for a device whose kind is known.
pub(super) fn read_fixed(
    table: &mut Table<'_, '_>,
    sensor: SensorKind,
    half_angle_deg: f64,
    range_m: f64,
) -> Seat {
    Seat {
        sensor,
        mount: super::ars408::read_mount(table),
        half_angle_deg: table
            .number("half-angle-deg", 1.0..=180.0)
            .map_or(half_angle_deg, |a| a.value),
        range_m: table
            .number("range-m", 5.0..=1000.0)
            .map_or(range_m, |m| m.value),
        tracks: table.boolean("tracks").unwrap_or(false),
    }
}

/// Reads `latency-ms`.
pub(super) fn read_latency(table: &mut Table<'_, '_>, default: Duration) -> Duration {
    table.millis("latency-ms", 0..=2000).unwrap_or(default)
}

/// Reads `position-sigma-m`, `velocity-sigma-mps` and `existence`.
pub(super) fn read_assumed(table: &mut Table<'_, '_>) -> Assumed {
    let default = Assumed::default();
    Assumed {
        position_m: table
            .number("position-sigma-m", 0.05..=50.0)
            .map_or(default.position_m, |m| m.value),
        velocity_mps: table
            .number("velocity-sigma-mps", 0.05..=50.0)
            .map_or(default.velocity_mps, |v| v.value),
        existence: table
            .number("existence", 0.0..=1.0)
            .map_or(default.existence, |p| p.value as f32),
    }
}
