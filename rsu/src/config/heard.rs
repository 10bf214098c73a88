//! `[[input.heard]]`: what road users say of themselves by radio.

use std::path::Path;
use std::time::Duration;

use super::input::{Input, Protocol, read_common, read_listen};
use crate::inputs::heard::{Config, Framing};
use crate::sheet::Table;

/// A road without a vehicle that speaks is no fault.
const SILENT_AFTER: Duration = Duration::from_secs(3600);

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_listen(table);
    let default = Config::default();
    let framings = [("dsmp", Framing::Dsmp), ("bare", Framing::Bare)];
    let config = Config {
        framing: table
            .choice("framing", &framings)
            .map_or(default.framing, |framing| framing.value),
        range_m: table
            .number("range-m", 10.0..=5000.0)
            .map_or(default.range_m, |m| m.value),
        latency: table
            .millis("latency-ms", 0..=1000)
            .unwrap_or(default.latency),
        max_age: table
            .millis("max-age-ms", 100..=5000)
            .unwrap_or(default.max_age),
        gather: table.millis("gather-ms", 0..=100).unwrap_or(default.gather),
        position_sigma_m: table
            .number("position-sigma-m", 0.2..=50.0)
            .map_or(default.position_sigma_m, |m| m.value),
        ..default
    };
    let told = table.has("silent-after-ms");
    let input = read_common(table, source, Protocol::Heard(config));
    Input {
        silent_after: if told {
            input.silent_after
        } else {
            SILENT_AFTER
        },
        ..input
    }
}
