//! `[[input.gnss]]`: a receiver of satellite navigation, or gpsd.

use std::path::Path;

use super::address::SerialLine;
use super::input::{Input, Protocol, read_common, read_controller_source};
use crate::inputs::gnss::{Config, Form};
use crate::sheet::Table;

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table, SerialLine::RECEIVER);
    let default = Config::default();
    let forms = [("nmea", Form::Nmea), ("gpsd", Form::Gpsd)];
    let max_error = table.millis("max-clock-error-ms", 100..=60_000);
    let config = Config {
        form: table
            .choice("form", &forms)
            .map_or(default.form, |form| form.value),
        max_offset_m: table
            .number("max-offset-m", 1.0..=10_000.0)
            .map_or(default.max_offset_m, |m| m.value),
        max_clock_error_s: max_error.map_or(default.max_clock_error_s, |e| e.as_secs_f64()),
        ..default
    };
    read_common(table, source, Protocol::Gnss(config))
}
