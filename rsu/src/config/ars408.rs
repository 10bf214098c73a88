//! `[[input.ars408]]`: a Continental ARS408 or ARS404 radar.

use std::path::Path;
use std::time::Duration;

use super::address::Source;
use super::input::{Input, Protocol, read_common, read_source};
use super::reader::Table;
use crate::fusion;
use crate::inputs::ars408::{Carrier, Config};
use crate::inputs::{Mount, Pose};
use crate::report::InputId;

/// What the decoder and fusion must know of one radar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radar {
    /// How its frames are read and placed.
    pub decoder: Config,
    /// Where it is looked for in vain when it is silent about an object: half of its angle.
    pub half_angle_deg: f64,
    /// And how far.
    pub range_m: f64,
}

impl Radar {
    /// As fusion knows it.
    pub(super) fn sensor(&self, input: InputId) -> fusion::Sensor {
        let mount = self.decoder.mount;
        let pose = fusion::Pose {
            east_m: mount.east_m,
            north_m: mount.north_m,
            up_m: mount.up_m,
            yaw_rad: Pose::from(mount).yaw_rad(),
        };
        fusion::Sensor {
            half_fov_rad: self.half_angle_deg.to_radians(),
            max_range_m: self.range_m,
            ..fusion::Sensor::tracking_radar(input, pose)
        }
    }
}

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, folder: &Path) -> Input {
    let source = read_source(table, Some(folder));
    let carrier = match source {
        Some(Source::Candump { .. }) => Carrier::Candump,
        _ => Carrier::Gateway,
    };
    let latency = table.millis("latency-ms", 0..=500);
    let radar = Radar {
        decoder: Config {
            carrier,
            sensor_id: table.integer("sensor-id", 0..=7).map_or(0, |n| n.value as u8),
            mount: read_mount(table),
            latency: latency.unwrap_or(Duration::ZERO),
        },
        half_angle_deg: table.number("half-angle-deg", 1.0..=90.0).map_or(40.0, |a| a.value),
        range_m: table.number("range-m", 5.0..=400.0).map_or(120.0, |m| m.value),
    };
    read_common(table, source, Protocol::Ars408(radar))
}

/// Reads `mount`, which has no default: a sensor that stands elsewhere sees everything elsewhere.
fn read_mount(table: &mut Table<'_, '_>) -> Mount {
    let given = table.has("mount");
    if !given {
        table.missing("mount");
    }
    let mut inner = table.table("mount");
    let mut needed = |key, range| {
        let number = inner.number(key, range);
        if given && number.is_none() && !inner.has(key) {
            inner.missing(key);
        }
        number.map_or(0.0, |number| number.value)
    };
    let mount = Mount {
        east_m: needed("east-m", -2000.0..=2000.0),
        north_m: needed("north-m", -2000.0..=2000.0),
        up_m: needed("up-m", -50.0..=100.0),
        heading_deg: needed("heading-deg", 0.0..=360.0),
    };
    inner.finish();
    mount
}
