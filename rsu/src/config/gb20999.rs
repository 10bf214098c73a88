//! `[[input.gb20999]]`: a signal controller by GB/T 20999-2017.

use std::path::Path;

use super::address::{SerialLine, Source};
use super::gat1743::read_to;
use super::input::{Input, Protocol, read_common, read_controller_source};
use crate::inputs::gb20999::{Asking, Carrier, Config, MAX_BATCH, StageTime, objects};
use crate::sheet::{Reason, Table};

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table, SerialLine::CONTROLLER);
    let default = Config::default();
    let carrier = match source {
        Some(Source::Udp { .. }) | None => Carrier::Datagrams,
        Some(_) => Carrier::Stream,
    };
    let asks = table.boolean("ask").unwrap_or(true);
    let to = read_to(table, source.as_ref(), asks);
    let asking = read_asking(table);
    if let Some(Source::Serial { line, .. }) = source {
        check_pace(table, line, &asking);
    }
    let config = Config {
        carrier,
        controller: table
            .integer("controller", 0..=i64::from(u32::MAX))
            .map(|number| number.value as u32),
        junction: table
            .integer("junction", 1..=255)
            .map_or(default.junction, |number| number.value as u8),
        lamps: table
            .integers("lamps", 1..=i64::from(objects::MOST))
            .into_iter()
            .fold(0, |lamps, lamp| lamps | 1 << (lamp.value - 1)),
        stage_time: table
            .choice(
                "stage-time",
                &[("whole", StageTime::Whole), ("green", StageTime::Green)],
            )
            .map(|choice| choice.value),
        proves: table.boolean("prove").unwrap_or(default.proves),
        asking: asks.then_some(asking),
    };
    Input {
        device: to,
        ..read_common(table, source, Protocol::Gb20999(config))
    }
}

/// On a slow line an answer may take longer than we wait for it.
fn check_pace(table: &Table<'_, '_>, line: SerialLine, asking: &Asking) {
    // A question and its answer: header and six bytes a value, one more with its data; some escapes.
    let bytes = 2 * 20 + 13 * u64::from(asking.batch);
    // A start bit, eight, parity, and two to stop at the most.
    let needed_ms = bytes * 12 * 1000 / u64::from(line.baud);
    let waited_ms = asking.retry_after.as_millis() as u64;
    if needed_ms > waited_ms {
        let told = format!(
            "{waited_ms} ms is shorter than the {needed_ms} ms that a question and an answer of {} \
             values take at {} baud: raise it, or lower `batch`",
            asking.batch, line.baud
        );
        let values = [waited_ms, needed_ms].map(|ms| ms.to_string());
        let reason = Reason::new("retry-too-short", values, told);
        table.unwise(table.line_of("retry-ms"), "retry-ms", reason);
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
