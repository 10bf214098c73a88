//! `[[input.spat-json]]`: a platform that publishes SPAT as JSON.

use std::path::Path;

use super::broker::read_source;
use super::input::{Input, Protocol, read_common};
use crate::inputs::FirstBit;
use crate::inputs::spat_json::{Config, Mapping};
use crate::report::Light;
use crate::sheet::Table;

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, folder: &Path) -> Input {
    let (source, carrier) = read_source(table, folder);
    let default = Config::default();
    let mut id = |key| {
        let number = table.integer(key, 0..=0xFFFF);
        number.map(|n| n.value as u16)
    };
    let (node, region) = (id("node"), id("region"));
    let firsts = [("lowest", FirstBit::Lowest), ("highest", FirstBit::Highest)];
    let config = Config {
        carrier,
        node,
        region,
        step: table.millis("step-ms", 1..=10_000).unwrap_or(default.step),
        status: table
            .choice("status-first-bit", &firsts)
            .map(|first| first.value),
        max_delay: table
            .millis("max-delay-ms", 100..=60_000)
            .unwrap_or(default.max_delay),
        lights: read_lights(table).unwrap_or(default.lights),
        mapping: read_mapping(table),
    };
    read_common(table, source, Protocol::SpatJson(Box::new(config)))
}

fn read_lights(table: &mut Table<'_, '_>) -> Option<Vec<Light>> {
    const WORDS: [(&str, Light); 9] = [
        ("unknown", Light::Unknown),
        ("dark", Light::Dark),
        ("red", Light::Red),
        ("flashing-red", Light::FlashingRed),
        ("red-yellow", Light::RedYellow),
        ("green", Light::Green),
        ("flashing-green", Light::FlashingGreen),
        ("yellow", Light::Yellow),
        ("flashing-yellow", Light::FlashingYellow),
    ];
    let words = table.texts("lights");
    if !table.has("lights") {
        return None;
    }
    if words.len() > 256 {
        let line = table.line_of("lights");
        table.wrong(line, "lights", "has more words than a code can have values");
    }
    let mut lights = Vec::new();
    for word in words {
        match WORDS.iter().find(|(name, _)| *name == word.value) {
            Some((_, light)) => lights.push(*light),
            None => {
                let known: Vec<&str> = WORDS.iter().map(|(name, _)| *name).collect();
                let reason = format!(
                    "knows no \"{}\"; known are {}",
                    word.value,
                    known.join(", ")
                );
                table.wrong(word.line, "lights", &reason);
            }
        }
    }
    Some(lights)
}

/// Reads `fields`: what the members are called where they are called otherwise.
fn read_mapping(table: &mut Table<'_, '_>) -> Mapping {
    let mut fields = table.table("fields");
    let mut mapping = Mapping::default();
    for (key, names) in [
        ("intersections", &mut mapping.intersections),
        ("intersection", &mut mapping.intersection),
        ("region", &mut mapping.region),
        ("node", &mut mapping.node),
        ("status", &mut mapping.status),
        ("stamp", &mut mapping.stamp),
        ("phases", &mut mapping.phases),
        ("phase", &mut mapping.phase),
        ("states", &mut mapping.states),
        ("light", &mut mapping.light),
        ("timing", &mut mapping.timing),
        ("counting", &mut mapping.counting),
        ("utc", &mut mapping.utc),
        ("start", &mut mapping.start),
        ("min-end", &mut mapping.min_end),
        ("max-end", &mut mapping.max_end),
        ("likely-end", &mut mapping.likely_end),
        ("mark", &mut mapping.mark),
    ] {
        if let Some(name) = fields.text(key) {
            *names = vec![name.value.to_owned()];
        }
    }
    fields.finish();
    mapping
}
