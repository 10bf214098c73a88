//! `[[input.modbus]]`: a weather or road sensor, its registers, and which values are an event.

use std::path::Path;

use v2x_msg::base::Radius;
use v2x_msg::kinds::rsi::{Event, EventSource, EventType, Level, SignText};

use super::address::{SerialLine, Source};
use super::input::{Input, Protocol, read_common, read_controller_source};
use crate::events::weather::{Advice, Rule, Side};
use crate::inputs::modbus::{Config, Form, Kind, Register, Table as Entries};
use crate::report::{InputId, MAX_READINGS, Quantity};
use crate::sheet::{Reader, Severity, Table};
use crate::site::{Site, reference_link, words};

/// A device, and what its values mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// How it is asked.
    pub decoder: Config,
    /// What is an event; each with the line where it stands.
    pub rules: Vec<(Rule, usize)>,
}

/// Reads one table.
pub(super) fn read(table: &mut Table<'_, '_>, _folder: &Path) -> Input {
    let source = read_source(table);
    let default = Config::default();
    let forms = [("tcp", Form::Tcp), ("rtu", Form::Rtu)];
    let by_source = match source {
        Some(Source::Serial { .. }) => Form::Rtu,
        _ => default.form,
    };
    let framing = table.choice("framing", &forms);
    if let (Some(framing), Some(Source::Serial { .. })) = (&framing, &source)
        && framing.value == Form::Tcp
    {
        table.wrong(framing.line, "framing", "must be \"rtu\" on a serial line");
    }
    let config = Config {
        form: framing.map_or(by_source, |form| form.value),
        unit: table
            .integer("unit", 0..=255)
            .map_or(default.unit, |unit| unit.value as u8),
        period: table
            .millis("period-ms", 100..=60_000)
            .unwrap_or(default.period),
        timeout: table
            .millis("timeout-ms", 20..=10_000)
            .unwrap_or(default.timeout),
        registers: read_registers(table),
    };
    let stale_after = table.millis("stale-after-ms", 1000..=3_600_000);
    let stale_after = stale_after.unwrap_or(std::time::Duration::from_secs(10));
    let events = table.tables("event");
    let rules = events.into_iter().filter_map(|event| {
        let line = event.line();
        let rule = read_rule(event, &config.registers)?;
        let rule = Rule {
            stale_after,
            ..rule
        };
        Some((rule, line))
    });
    let rules: Vec<(Rule, usize)> = rules.collect();
    if stale_after <= config.period {
        let reason = "must be longer than period-ms: every value would be stale before the next";
        table.wrong(table.line_of("stale-after-ms"), "stale-after-ms", reason);
    }
    let sensor = Sensor {
        decoder: config,
        rules,
    };
    read_common(table, source, Protocol::Modbus(Box::new(sensor)))
}

/// What the station must know of every sensor: its rules, by its number.
pub(super) fn rules(inputs: &[Input]) -> Vec<Rule> {
    let of = |input: &Input| match &input.protocol {
        Protocol::Modbus(sensor) => {
            let rules = sensor.rules.iter();
            let rules = rules.map(|(rule, _)| Rule {
                input: input.id,
                ..rule.clone()
            });
            rules.collect()
        }
        _ => Vec::new(),
    };
    inputs.iter().flat_map(of).collect()
}

/// An event can only matter on links that the site has.
pub(super) fn check_places(reader: &Reader<'_>, site: &Site, inputs: &[Input]) {
    for input in inputs {
        let Protocol::Modbus(sensor) = &input.protocol else {
            continue;
        };
        for (rule, line) in &sensor.rules {
            for link in &rule.links {
                if site.link(link.upstream, link.downstream).is_none() {
                    let reason = format!(
                        "the site has no link from node {} to node {}",
                        link.upstream.id, link.downstream.id
                    );
                    reader.note(Severity::Wrong, *line, "input.modbus.event.links", &reason);
                }
            }
        }
    }
}

/// Questions need somebody who answers them by the same way.
fn read_source(table: &mut Table<'_, '_>) -> Option<Source> {
    let source = read_controller_source(table, SerialLine::CONTROLLER);
    if matches!(source, Some(Source::Udp { .. })) {
        let reason = "must be \"tcp://...\": over datagrams nobody is asked";
        table.wrong(table.line_of("listen"), "listen", reason);
        return None;
    }
    source
}

/// One register as people write it on a command line: the keys of a `register` of `[[input.modbus]]`,
/// with or without their braces.
///
/// # Errors
/// Everything that is wrong with it.
#[cfg(feature = "daemon")]
pub(crate) fn register(text: &str) -> Result<Register, String> {
    let keys = text.trim();
    let bare = keys
        .strip_prefix('{')
        .and_then(|keys| keys.strip_suffix('}'));
    let written = format!("register = [{{ {} }}]", bare.unwrap_or(keys));
    let reader = Reader::new("register", &written);
    let document = reader.document();
    let mut root = reader.root(&document);
    let registers = read_registers(&mut root);
    root.finish();
    let (findings, _) = reader.into_findings();
    match registers[..] {
        [register] if !findings.any_wrong() => Ok(register),
        _ if findings.is_empty() => Err("want one register".to_owned()),
        _ => {
            let faults = findings.iter().map(|finding| {
                let key = finding.key.trim_start_matches("register.");
                format!("{key}: {}", finding.reason)
            });
            Err(faults.collect::<Vec<_>>().join("; "))
        }
    }
}

fn read_registers(table: &mut Table<'_, '_>) -> Vec<Register> {
    let tables = table.tables("register");
    if tables.is_empty() && !table.has("register") {
        table.missing("register");
    }
    let mut registers: Vec<Register> = Vec::new();
    for mut table in tables {
        let line = table.line();
        let register = read_register(&mut table);
        if let Some(register) = register {
            if registers.len() >= MAX_READINGS {
                let reason = format!("is one too many: at most {MAX_READINGS}");
                table.wrong(line, "quantity", &reason);
            } else if registers
                .iter()
                .any(|other| other.quantity == register.quantity)
            {
                table.wrong(line, "quantity", "is measured by another register already");
            } else {
                registers.push(register);
            }
        }
        table.finish();
    }
    registers
}

fn read_register(table: &mut Table<'_, '_>) -> Option<Register> {
    let tables = [
        ("holding", Entries::Holding),
        ("input", Entries::Input),
        ("coil", Entries::Coils),
        ("discrete", Entries::Discretes),
    ];
    let kinds = [
        ("u16", Kind::U16),
        ("i16", Kind::I16),
        ("u32", Kind::U32),
        ("i32", Kind::I32),
        ("f32", Kind::F32),
        ("bit", Kind::Bit),
    ];
    for key in ["quantity", "address"] {
        if !table.has(key) {
            table.missing(key);
        }
    }
    let quantity = table.choice("quantity", &Quantity::NAMES);
    let entries = table
        .choice("table", &tables)
        .map_or(Entries::Holding, |entries| entries.value);
    let kind = table.choice("type", &kinds);
    let usual = if entries.is_bits() {
        Kind::Bit
    } else {
        Kind::U16
    };
    let type_line = kind.as_ref().map_or(table.line(), |kind| kind.line);
    let kind = kind.map_or(usual, |kind| kind.value);
    if (kind == Kind::Bit) != entries.is_bits() {
        let reason = "must be \"bit\" for a coil or a discrete input, and for nothing else";
        table.wrong(type_line, "type", reason);
    }
    let address = table.integer("address", 0..=i64::from(u16::MAX));
    if let Some(address) = &address
        && address.value + i64::from(kind.entries()) > 0x1_0000
    {
        table.wrong(
            address.line,
            "address",
            "leaves no room for the second word",
        );
    }
    let words = [("high-first", false), ("low-first", true)];
    let low_word_first = table.choice("words", &words).is_some_and(|w| w.value);
    let scale = table.number("scale", -1e6..=1e6);
    if let Some(scale) = &scale
        && scale.value.abs() < 1e-9
    {
        table.wrong(scale.line, "scale", "must not be 0");
    }
    let offset = table.number("offset", -1e6..=1e6);
    let least = table.number("least", -1e6..=1e6);
    let most = table.number("most", -1e6..=1e6);
    let quantity = quantity?.value;
    let (usual_least, usual_most) = usual_range(quantity);
    let register = Register {
        quantity,
        table: entries,
        address: u16::try_from(address?.value).ok()?,
        kind,
        low_word_first,
        scale: scale.map_or(1.0, |scale| scale.value),
        offset: offset.map_or(0.0, |offset| offset.value),
        least: least.as_ref().map_or(usual_least, |least| least.value),
        most: most.as_ref().map_or(usual_most, |most| most.value),
    };
    if register.least >= register.most {
        let line = most.or(least).map_or(table.line(), |at| at.line);
        table.wrong(line, "most", "must be more than `least`");
    }
    Some(register)
}

/// What a quantity can be on a road.
fn usual_range(quantity: Quantity) -> (f64, f64) {
    match quantity {
        Quantity::Visibility => (0.0, 100_000.0),
        Quantity::Wind => (0.0, 100.0),
        Quantity::Rain => (0.0, 500.0),
        Quantity::Ice | Quantity::Water => (0.0, 200.0),
        Quantity::AirTemperature => (-60.0, 60.0),
        Quantity::RoadTemperature => (-60.0, 90.0),
        Quantity::Grip => (0.0, 1.0),
    }
}

fn read_rule(mut table: Table<'_, '_>, registers: &[Register]) -> Option<Rule> {
    for key in ["quantity", "type"] {
        if !table.has(key) {
            table.missing(key);
        }
    }
    let quantity = table.choice("quantity", &Quantity::NAMES);
    if let Some(quantity) = &quantity
        && !registers.iter().any(|r| r.quantity == quantity.value)
    {
        let reason = format!("no register measures {}", quantity.value.name());
        table.wrong(quantity.line, "quantity", &reason);
    }
    let below = table.number("below", -1e6..=1e6);
    let above = table.number("above", -1e6..=1e6);
    let over = table.number("until", -1e6..=1e6);
    let (side, limit) = match (&below, &above) {
        (Some(below), None) => (Side::Below, Some(below.value)),
        (None, Some(above)) => (Side::Above, Some(above.value)),
        _ => {
            table.wrong(
                table.line(),
                "below",
                "give `below` or `above`, one of them",
            );
            (Side::Below, None)
        }
    };
    if let (Some(limit), Some(over)) = (limit, &over)
        && !side.is_back(over.value, limit)
    {
        let reason = "must lie on the good side of the limit, so that noise does not end the event";
        table.wrong(over.line, "until", reason);
    }
    let after = table.millis("after-ms", 0..=3_600_000);
    let kind = table.integer("type", 1..=65_535);
    let level = table.integer("level", 0..=7);
    let radius = table.number("radius-m", 1.0..=6553.5);
    let description = table.text("description").and_then(|said| {
        let text = words::escaped_description(said.value);
        text.map_err(|fault| table.wrong(said.line, "description", &fault.to_string()))
            .ok()
    });
    let links = table.tables("links");
    let links = links.into_iter().filter_map(reference_link).collect();
    let advice = read_advice(&mut table);
    table.finish();
    let kind = EventType(u16::try_from(kind?.value).ok()?);
    let mut event = Event::new(0, kind, EventSource::Meteorological);
    event.level = level.and_then(|level| Level::new(u8::try_from(level.value).ok()?).ok());
    event.radius = radius.and_then(|radius| Radius::from_m(radius.value).ok());
    event.description = description;
    Some(Rule {
        input: InputId(0),
        quantity: quantity?.value,
        side,
        limit: limit?,
        until: over.map_or(limit?, |over| over.value),
        after: after.unwrap_or_default(),
        stale_after: std::time::Duration::ZERO,
        event,
        links,
        advice,
    })
}

/// The speed that is advised while an event lasts, as a sign.
fn read_advice(table: &mut Table<'_, '_>) -> Option<Advice> {
    let speed = table.integer("speed-kmh", 5..=120);
    let code = table.text("sign-code");
    let kind = table.integer("sign-type", 0..=65_535);
    let (Some(speed), Some(code)) = (&speed, &code) else {
        if let Some(speed) = speed {
            let reason = "needs `sign-code`: the 16 characters by GB/T 30699 of the sign";
            table.wrong(speed.line, "speed-kmh", reason);
        } else if let Some(code) = code {
            table.wrong(code.line, "sign-code", "needs `speed-kmh`");
        } else if let Some(kind) = kind {
            table.wrong(kind.line, "sign-type", "needs `speed-kmh`");
        }
        return None;
    };
    let text = SignText::escaped(code.value, &Advice::words(speed.value));
    let text = text.map_err(|fault| table.wrong(code.line, "sign-code", &fault.to_string()));
    Some(Advice {
        sign_type: kind.map_or(Advice::BAD_WEATHER, |kind| kind.value as u16),
        text: text.ok()?,
    })
}
