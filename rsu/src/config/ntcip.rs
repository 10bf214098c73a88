//! `[[input.ntcip]]`: a signal controller that broadcasts TSCBM or is polled by SNMP.

use std::path::Path;

use super::address::{UDP_FORM, udp};
use super::input::{Input, Protocol, read_common, read_listen};
use crate::inputs::FirstBit;
use crate::inputs::ntcip::snmp::Version;
use crate::inputs::ntcip::{Config, Fallback};
use crate::sheet::Table;

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_listen(table);
    let polled = table.has("poll");
    let mut poll = table.table("poll");
    let default = Fallback::default();
    let agent = poll.parsed("agent", UDP_FORM, |text| {
        udp(text).filter(|to| to.port() > 0)
    });
    if polled && !poll.has("agent") {
        poll.missing("agent");
    }
    let community = poll.text("community");
    if let Some(community) = community
        && !(1..=64).contains(&community.value.len())
    {
        poll.wrong(community.line, "community", "must have 1 to 64 characters");
    }
    let versions = [("1", Version::V1), ("2c", Version::V2c)];
    let fallback = Fallback {
        after: poll
            .millis("after-ms", 200..=60_000)
            .unwrap_or(default.after),
        every: poll
            .millis("period-ms", 100..=60_000)
            .unwrap_or(default.every),
        version: poll
            .choice("version", &versions)
            .map_or(default.version, |version| version.value),
        community: community.map_or(default.community, |text| text.value.to_owned()),
        groups: poll
            .integer("groups", 1..=2)
            .map_or(default.groups, |n| n.value as u8),
    };
    poll.finish();
    let firsts = [("lowest", FirstBit::Lowest), ("highest", FirstBit::Highest)];
    let status = table.choice("status-first-bit", &firsts);
    let config = Config {
        status: status.map(|status| status.value),
        fallback: polled.then_some(fallback),
    };
    Input {
        device: agent.map(|agent| agent.value),
        ..read_common(table, source, Protocol::Ntcip(config))
    }
}
