//! `[[input.ars408]]`: a Continental ARS408 or ARS404 radar.

use std::path::Path;

use super::address::{Source, UDP_FORM, udp};
use super::input::{Input, Protocol, read_bus_source, read_common};
use crate::fusion;
use crate::inputs::ars408::{Config, Model};
use crate::inputs::can::Carrier;
use crate::inputs::{Mount, Pose};
use crate::report::InputId;
use crate::sheet::Table;

/// What the decoder and fusion must know of one radar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radar {
    /// How its frames are read and placed.
    pub decoder: Config,
    /// Where it is looked for in vain when it is silent about an object: half of its angle.
    pub half_angle_deg: f64,
    /// And how far.
    pub range_m: f64,
    /// Its objects count as tracks: of each report only what is new in it.
    pub tracks: bool,
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
        let usual = fusion::Sensor::tracking_radar(input, pose);
        fusion::Sensor {
            half_fov_rad: self.half_angle_deg.to_radians(),
            max_range_m: self.range_m,
            tracks: self.tracks,
            covariance_scale: if self.tracks {
                1.0
            } else {
                usual.covariance_scale
            },
            ..usual
        }
    }
}

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, folder: &Path) -> Input {
    let source = read_bus_source(table, folder);
    let carrier = match source {
        Some(Source::Udp { .. }) => Carrier::GatewayDatagrams,
        Some(Source::Candump { .. }) => Carrier::Candump,
        Some(Source::Serial { .. }) => Carrier::Slcan,
        Some(Source::Can { .. }) => Carrier::SocketCan,
        Some(Source::Tcp { .. } | Source::TcpListen { .. } | Source::Mqtt(_)) | None => {
            Carrier::GatewayStream
        }
    };
    let default = Config::default();
    let radar = Radar {
        decoder: Config {
            carrier,
            model: table
                .choice("model", &[("ars408", Model::Ars408), ("mr76", Model::Mr76)])
                .map_or(default.model, |model| model.value),
            sensor_id: table
                .integer("sensor-id", 0..=7)
                .map_or(default.sensor_id, |n| n.value as u8),
            mount: read_mount(table),
            latency: table
                .millis("latency-ms", 0..=500)
                .unwrap_or(default.latency),
            assumed: default.assumed,
            use_predicted: table
                .boolean("use-predicted")
                .unwrap_or(default.use_predicted),
            tell_standstill: table
                .millis("standstill-period-ms", 20..=10_000)
                .or(default.tell_standstill),
        },
        half_angle_deg: table
            .number("half-angle-deg", 1.0..=90.0)
            .map_or(40.0, |a| a.value),
        range_m: table
            .number("range-m", 5.0..=400.0)
            .map_or(120.0, |m| m.value),
        tracks: table.boolean("tracks").unwrap_or(false),
    };
    let device = table.parsed("device", UDP_FORM, |text| {
        udp(text).filter(|to| to.port() > 0)
    });
    check_device(
        table,
        source.as_ref(),
        &radar,
        device.map(|device| device.line),
    );
    Input {
        device: device.map(|device| device.value),
        ..read_common(table, source, Protocol::Ars408(radar))
    }
}

/// What is told to the radar needs a way to it.
fn check_device(
    table: &Table<'_, '_>,
    source: Option<&Source>,
    radar: &Radar,
    device: Option<usize>,
) {
    let told = radar.decoder.tell_standstill.is_some();
    match (source, device) {
        (Some(Source::Udp { .. }), None) if told && !table.has("device") => {
            table.wrong(
                table.line_of("device"),
                "device",
                "is missing: where is it told that it stands?",
            );
        }
        (Some(source), Some(line)) if !matches!(source, Source::Udp { .. }) => {
            table.wrong(
                line,
                "device",
                "is only for `listen`: everything else is answered by the way it came",
            );
        }
        _ => {}
    }
}

/// Reads `mount`, which has no default: a sensor that stands elsewhere sees everything elsewhere.
pub(super) fn read_mount(table: &mut Table<'_, '_>) -> Mount {
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
