//! `[[input.openv2x]]` and `[[input.detected-objects]]`: boxes that list whole objects as JSON.

use std::path::Path;

use super::broker::read_source;
use super::input::{Input, Protocol, read_common};
use super::seat::{self, SensorKind, read_assumed, read_latency};
use crate::inputs::{detected_objects, openv2x};
use crate::sheet::Table;

/// Reads one table of `[[input.openv2x]]`.
pub(super) fn read_openv2x(table: &mut Table<'_, '_>, folder: &Path) -> Input {
    let (source, carrier) = read_source(table, folder);
    let default = openv2x::Config::default();
    let config = openv2x::Config {
        carrier,
        latency: read_latency(table, default.latency),
        assumed: read_assumed(table),
        report_unconfirmed: table
            .boolean("report-unconfirmed")
            .unwrap_or(default.report_unconfirmed),
        ..default
    };
    let seat = seat::read(table, SensorKind::Fused, 180.0, 200.0);
    read_common(table, source, Protocol::Openv2x(seat, config))
}

/// Reads one table of `[[input.detected-objects]]`.
pub(super) fn read_detected_objects(table: &mut Table<'_, '_>, folder: &Path) -> Input {
    let (source, carrier) = read_source(table, folder);
    let default = detected_objects::Config::default();
    let seat = seat::read(table, SensorKind::Fused, 180.0, 150.0);
    let config = detected_objects::Config {
        carrier,
        mount: seat.mount,
        latency: read_latency(table, default.latency),
        assumed: read_assumed(table),
        ..default
    };
    read_common(table, source, Protocol::DetectedObjects(seat, config))
}
