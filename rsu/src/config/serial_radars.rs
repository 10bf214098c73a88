//! `[[input.ti-mmwave]]` and `[[input.nanoradar]]`: radars on serial lines.

use std::path::Path;

use super::address::SerialLine;
use super::input::{Input, Protocol, read_common, read_controller_source};
use super::seat::{self, SensorKind, read_latency};
use crate::inputs::{nanoradar, ti_mmwave};
use crate::sheet::Table;

/// Reads one table of `[[input.ti-mmwave]]`.
pub(super) fn read_ti_mmwave(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table, SerialLine::TI_MMWAVE);
    let default = ti_mmwave::Config::default();
    let layouts = [
        ("out-of-box", ti_mmwave::Layout::OutOfBox),
        ("traffic", ti_mmwave::Layout::Traffic),
    ];
    let seat = seat::read_fixed(table, SensorKind::Radar, 60.0, 80.0);
    let mut assumed = default.assumed;
    if let Some(sigma) = table.number("position-sigma-m", 0.05..=50.0) {
        assumed.position_m = sigma.value;
    }
    if let Some(sigma) = table.number("velocity-sigma-mps", 0.05..=50.0) {
        assumed.velocity_mps = sigma.value;
    }
    let config = ti_mmwave::Config {
        layout: table
            .choice("layout", &layouts)
            .map_or(default.layout, |layout| layout.value),
        mount: seat.mount,
        latency: read_latency(table, default.latency),
        assumed,
        report_still: table
            .boolean("report-still")
            .unwrap_or(default.report_still),
    };
    read_common(table, source, Protocol::TiMmwave(seat, config))
}

/// Reads one table of `[[input.nanoradar]]`.
pub(super) fn read_nanoradar(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table, SerialLine::RADAR);
    let default = nanoradar::Config::default();
    let seat = seat::read_fixed(table, SensorKind::Radar, default.half_beam_deg, 200.0);
    let config = nanoradar::Config {
        mount: seat.mount,
        latency: read_latency(table, default.latency),
        half_beam_deg: seat.half_angle_deg,
        ..default
    };
    read_common(table, source, Protocol::Nanoradar(seat, config))
}
