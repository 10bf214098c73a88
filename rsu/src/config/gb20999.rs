//! `[[input.gb20999]]`: a signal controller by GB/T 20999-2017.

use std::path::Path;

use super::address::Source;
use super::gat1743::read_to;
use super::input::{Input, Protocol, read_common, read_controller_source};
use crate::inputs::gb20999::{Asking, Carrier, Config, MAX_BATCH, StageTime};
use crate::sheet::Table;

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table);
    let default = Config::default();
    let carrier = match source {
        Some(Source::Udp { .. }) | None => Carrier::Datagrams,
        Some(_) => Carrier::Stream,
    };
    let asks = table.boolean("ask").unwrap_or(true);
    let to = read_to(table, source.as_ref(), asks);
    let asking = read_asking(table);
    let config = Config {
        carrier,
        controller: table
            .integer("controller", 0..=i64::from(u32::MAX))
            .map(|number| number.value as u32),
        junction: table
            .integer("junction", 1..=255)
            .map_or(default.junction, |number| number.value as u8),
        lamps: table
            .integers("lamps", 1..=64)
            .into_iter()
            .fold(0, |lamps, lamp| lamps | 1 << (lamp.value - 1)),
        stage_time: table
            .choice(
                "stage-time",
                &[("whole", StageTime::Whole), ("green", StageTime::Green)],
            )
            .map(|choice| choice.value),
        asking: asks.then_some(asking),
    };
    Input {
        device: to,
        ..read_common(table, source, Protocol::Gb20999(config))
    }
}

fn read_asking(table: &mut Table<'_, '_>) -> Asking {
    let default = Asking::default();
    Asking {
        host: table
            .integer("host", 0..=255)
            .map_or(default.host, |number| number.value as u8),
        state_every: table
            .millis("state-period-ms", 100..=10_000)
            .unwrap_or(default.state_every),
        plan_every: table
            .millis("plan-period-ms", 1000..=3_600_000)
            .unwrap_or(default.plan_every),
        retry_after: table
            .millis("retry-ms", 50..=10_000)
            .unwrap_or(default.retry_after),
        retries: table
            .integer("retries", 0..=10)
            .map_or(default.retries, |number| number.value as u8),
        batch: table
            .integer("batch", 1..=MAX_BATCH as i64)
            .map_or(default.batch, |number| number.value as u8),
    }
}
