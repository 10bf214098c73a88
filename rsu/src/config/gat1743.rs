//! `[[input.gat1743]]`: a signal controller by GA/T 1743-2020.

use core::net::SocketAddr;
use std::path::Path;

use super::address::{SerialLine, Source, UDP_FORM, udp};
use super::input::{Input, Protocol, read_common, read_controller_source};
use crate::inputs::gat1743::{Address, Asking, Carrier, Config};
use crate::sheet::Table;

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_controller_source(table, SerialLine::CONTROLLER);
    let carrier = match source {
        Some(Source::Udp { .. }) | None => Carrier::Datagrams,
        Some(_) => Carrier::Stream,
    };
    let only_from = read_address(table, "only-from", Address::CONTROLLER);
    let (asking, device) = read_asking(table, source.as_ref());
    let config = Config {
        carrier,
        only_from,
        asking,
    };
    Input {
        device,
        ..read_common(table, source, Protocol::Gat1743(config))
    }
}

/// Reads `ask`; without it we only listen.
fn read_asking(
    table: &mut Table<'_, '_>,
    source: Option<&Source>,
) -> (Option<Asking>, Option<SocketAddr>) {
    let asked = table.has("ask");
    let mut ask = table.table("ask");
    let default = Asking::default();
    let to = read_to(&mut ask, source, asked);
    let every =
        |ask: &mut Table<'_, '_>, key, default| ask.millis(key, 100..=3_600_000).or(default);
    let asking = Asking {
        lamps_every: every(&mut ask, "lamps-period-ms", default.lamps_every),
        plan_every: every(&mut ask, "plan-period-ms", default.plan_every),
        mode_every: every(&mut ask, "mode-period-ms", default.mode_every),
        retry_after: ask
            .millis("retry-ms", 50..=10_000)
            .unwrap_or(default.retry_after),
        retries: ask
            .integer("retries", 0..=10)
            .map_or(default.retries, |n| n.value as u8),
        ours: read_address(&mut ask, "as", Address::ROADSIDE_UNIT).unwrap_or(default.ours),
        controller: read_address(&mut ask, "whom", Address::CONTROLLER)
            .unwrap_or(default.controller),
        ..default
    };
    ask.finish();
    (asked.then_some(asking), to)
}

/// Reads `to`, where questions go: needed for datagrams, without use for a stream.
pub(super) fn read_to(
    ask: &mut Table<'_, '_>,
    source: Option<&Source>,
    asked: bool,
) -> Option<SocketAddr> {
    let to = ask.parsed("to", UDP_FORM, |text| udp(text).filter(|to| to.port() > 0));
    match (source, &to) {
        (Some(Source::Udp { .. }), None) if asked && !ask.has("to") => ask.missing("to"),
        (Some(Source::Udp { .. }) | None, _) | (_, None) => {}
        (Some(_), Some(to)) => {
            ask.wrong(
                to.line,
                "to",
                "is only for `listen = \"udp://...\"`: a stream is asked by itself",
            );
        }
    }
    to.map(|to| to.value)
}

/// Reads a table of division and number.
fn read_address(table: &mut Table<'_, '_>, key: &'static str, kind: u16) -> Option<Address> {
    let given = table.has(key);
    let mut inner = table.table(key);
    let address = Address {
        // GB/T 2260: six digits.
        division: inner
            .integer("division", 0..=999_999)
            .map_or(0, |n| n.value as u32),
        kind,
        number: inner
            .integer("number", 0..=0xFFFF)
            .map_or(Address::EVERY, |n| n.value as u16),
    };
    inner.finish();
    given.then_some(address)
}
