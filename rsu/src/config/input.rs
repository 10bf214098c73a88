//! `[[input.*]]`: the devices, one table each, named by their protocol.

use core::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use v2x_msg::base::EnuFrame;
use v2x_msg::kinds::rsm;

use super::address::{
    CAN_FORM, LISTEN_FORM, SERIAL_FORM, SerialLine, Source, TCP_FORM, UDP_FORM, can_interface,
    listened, serial, tcp, udp,
};
use super::boxes;
use super::seat::Seat;
use super::{ars408, gat1743, gb20999, gnss, heard, modbus, ntcip, serial_radars, spat_json};
use crate::fusion;
use crate::inputs::{self, Decoder, ti_mmwave};
use crate::report::InputId;
use crate::sheet::{Reason, Table};
use crate::site::{Phase, Site};
use crate::station;

/// Most inputs: a track remembers in 32 bits who sees it.
const MOST: usize = 32;

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What reports call it: its place in the file.
    pub id: InputId,
    /// What people and the site's phases call it.
    pub name: String,
    /// Where its bytes come from.
    pub source: Source,
    /// Take datagrams from this address only.
    pub from: Option<IpAddr>,
    /// Where requests go, over UDP; on a stream they go back by it.
    pub device: Option<SocketAddr>,
    /// After how long without a report the operator is told.
    pub silent_after: Duration,
    /// What it speaks.
    pub protocol: Protocol,
}

/// What a device speaks, and all that its decoder must know.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    /// A signal controller by GA/T 1743-2020.
    Gat1743(inputs::gat1743::Config),
    /// A signal controller by GB/T 20999-2017.
    Gb20999(inputs::gb20999::Config),
    /// A signal controller that broadcasts TSCBM or is polled by SNMP.
    Ntcip(inputs::ntcip::Config),
    /// A platform that publishes SPAT as JSON.
    SpatJson(Box<inputs::spat_json::Config>),
    /// A Continental ARS408 or ARS404 radar.
    Ars408(ars408::Radar),
    /// A box of the OpenV2X kind.
    Openv2x(Seat, inputs::openv2x::Config),
    /// A box that writes lists of objects in our form or CARMA's.
    DetectedObjects(Seat, inputs::detected_objects::Config),
    /// A TI mmWave radar.
    TiMmwave(Seat, ti_mmwave::Config),
    /// A Nanoradar on a serial line.
    Nanoradar(Seat, inputs::nanoradar::Config),
    /// What road users say of themselves by radio.
    Heard(inputs::heard::Config),
    /// A receiver of satellite navigation.
    Gnss(inputs::gnss::Config),
    /// A weather or road sensor that is asked for its registers, and what its values mean.
    Modbus(Box<modbus::Sensor>),
}

impl Protocol {
    /// Its name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gat1743(_) => "gat1743",
            Self::Gb20999(_) => "gb20999",
            Self::Ntcip(_) => "ntcip",
            Self::SpatJson(_) => "spat-json",
            Self::Ars408(_) => "ars408",
            Self::Openv2x(..) => "openv2x",
            Self::DetectedObjects(..) => "detected-objects",
            Self::TiMmwave(..) => "ti-mmwave",
            Self::Nanoradar(..) => "nanoradar",
            Self::Heard(_) => "heard",
            Self::Gnss(_) => "gnss",
            Self::Modbus(_) => "modbus",
        }
    }

    /// Whether both are radars that speak on one CAN bus under different numbers.
    fn shares_bus_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ars408(a), Self::Ars408(b)) => a.decoder.sensor_id != b.decoder.sensor_id,
            _ => false,
        }
    }

    /// Whether it tells of the weather.
    pub fn is_weather(&self) -> bool {
        matches!(self, Self::Modbus(_))
    }

    /// Whether vehicles ask by it.
    pub fn is_radio(&self) -> bool {
        matches!(self, Self::Heard(_))
    }

    /// Whether it can drive the phases of a site.
    pub fn is_controller(&self) -> bool {
        matches!(
            self,
            Self::Gat1743(_) | Self::Gb20999(_) | Self::Ntcip(_) | Self::SpatJson(_)
        )
    }

    /// Whether it can speak of a lamp of that number; `is_controller` is another matter.
    pub fn has_lamp(&self, lamp: u16) -> bool {
        match self {
            Self::Gat1743(_) => u8::try_from(lamp).is_ok(),
            Self::Gb20999(_) => (1..=u16::from(inputs::gb20999::objects::MOST)).contains(&lamp),
            Self::Ntcip(_) => inputs::ntcip::has_lamp(lamp),
            _ => true,
        }
    }

    /// What kind of sensor RSM calls it, and how fusion knows it; None for what sees no road users.
    fn sensor(&self, input: InputId) -> Option<(rsm::Source, fusion::Sensor)> {
        match self {
            Self::Gat1743(_)
            | Self::Gb20999(_)
            | Self::Ntcip(_)
            | Self::SpatJson(_)
            | Self::Gnss(_)
            | Self::Modbus(_) => None,
            Self::Heard(_) => Some((rsm::Source::V2x, fusion::Sensor::heard(input))),
            Self::Ars408(radar) => Some((rsm::Source::MicrowaveRadar, radar.sensor(input))),
            Self::TiMmwave(seat, config) if config.layout == ti_mmwave::Layout::OutOfBox => {
                let (source, sensor) = seat.sensor(input);
                // It lists points and keeps no tracks, so its errors do not repeat.
                let (covariance_scale, repeats) = (1.0, 0.0);
                let echo_repeats = fusion::Sensor::radar(input, sensor.pose).echo_repeats;
                Some((
                    source,
                    fusion::Sensor {
                        covariance_scale,
                        repeats,
                        echo_repeats,
                        ..sensor
                    },
                ))
            }
            // They date what they say.
            Self::Openv2x(seat, _) | Self::DetectedObjects(seat, _) => {
                let (source, sensor) = seat.sensor(input);
                let clocked = true;
                Some((source, fusion::Sensor { clocked, ..sensor }))
            }
            Self::TiMmwave(seat, _) | Self::Nanoradar(seat, _) => Some(seat.sensor(input)),
        }
    }

    /// Tells what has places in degrees where the site is.
    pub(super) fn place(&mut self, frame: EnuFrame) {
        match self {
            Self::Openv2x(_, config) => config.frame = frame,
            Self::DetectedObjects(_, config) => config.frame = frame,
            Self::Heard(config) => config.frame = frame,
            Self::Gnss(config) => config.frame = frame,
            Self::Gat1743(_)
            | Self::Gb20999(_)
            | Self::Ntcip(_)
            | Self::SpatJson(_)
            | Self::TiMmwave(..)
            | Self::Nanoradar(..)
            | Self::Modbus(_)
            | Self::Ars408(_) => {}
        }
    }

    /// A decoder that has heard nothing yet.
    pub fn decoder(&self) -> Decoder {
        match self {
            Self::Gat1743(config) => {
                Decoder::Gat1743(Box::new(inputs::gat1743::Decoder::new(*config)))
            }
            Self::Gb20999(config) => {
                Decoder::Gb20999(Box::new(inputs::gb20999::Decoder::new(*config)))
            }
            Self::Ntcip(config) => {
                Decoder::Ntcip(Box::new(inputs::ntcip::Decoder::new(config.clone())))
            }
            Self::SpatJson(config) => Decoder::SpatJson(Box::new(inputs::spat_json::Decoder::new(
                (**config).clone(),
            ))),
            Self::Openv2x(_, config) => {
                Decoder::Openv2x(Box::new(inputs::openv2x::Decoder::new(*config)))
            }
            Self::DetectedObjects(_, config) => {
                let decoder = inputs::detected_objects::Decoder::new(*config);
                Decoder::DetectedObjects(Box::new(decoder))
            }
            Self::TiMmwave(_, config) => {
                Decoder::TiMmwave(Box::new(ti_mmwave::Decoder::new(*config)))
            }
            Self::Nanoradar(_, config) => {
                Decoder::Nanoradar(Box::new(inputs::nanoradar::Decoder::new(*config)))
            }
            Self::Heard(config) => Decoder::Heard(Box::new(inputs::heard::Decoder::new(*config))),
            Self::Gnss(config) => Decoder::Gnss(Box::new(inputs::gnss::Decoder::new(*config))),
            Self::Modbus(sensor) => {
                let decoder = inputs::modbus::Decoder::new(sensor.decoder.clone());
                Decoder::Modbus(Box::new(decoder))
            }
            Self::Ars408(radar) => {
                Decoder::Ars408(Box::new(inputs::ars408::Decoder::new(radar.decoder)))
            }
        }
    }
}

impl Input {
    /// Whether it is a signal controller that drives no phase of a site: nothing that it says is used.
    pub fn is_idle(&self, site: &Site) -> bool {
        let drives = |phase: &Phase| phase.controller == self.name;
        self.protocol.is_controller() && !site.phases.iter().any(drives)
    }
}

/// Reads every input, in the order of the file.
pub(super) fn read(root: &mut Table<'_, '_>, folder: &Path) -> Vec<Input> {
    type Read = fn(&mut Table<'_, '_>, &Path) -> Input;
    let mut parent = root.table("input");
    let readers: [(&'static str, Read); 12] = [
        ("gat1743", gat1743::read),
        ("gb20999", gb20999::read),
        ("ntcip", ntcip::read),
        ("spat-json", spat_json::read),
        ("ars408", ars408::read),
        ("openv2x", boxes::read_openv2x),
        ("detected-objects", boxes::read_detected_objects),
        ("ti-mmwave", serial_radars::read_ti_mmwave),
        ("nanoradar", serial_radars::read_nanoradar),
        ("heard", heard::read),
        ("gnss", gnss::read),
        ("modbus", modbus::read),
    ];
    let mut tables: Vec<(Table<'_, '_>, Read)> = Vec::new();
    for (key, read) in readers {
        tables.extend(parent.tables(key).into_iter().map(|table| (table, read)));
    }
    tables.sort_by_key(|(table, _)| table.line());
    if tables.is_empty() {
        root.unwise(
            root.line(),
            "input",
            Reason::new(
                "no-input",
                [],
                "none is configured: only MAP and RSI will be sent".to_owned(),
            ),
        );
    }
    let mut inputs: Vec<Input> = Vec::new();
    for (place, (mut table, read)) in tables.into_iter().enumerate() {
        let mut input = read(&mut table, folder);
        if place >= MOST {
            let reason = format!("is one too many: at most {MOST} inputs");
            table.wrong(table.line_of("name"), "name", &reason);
            continue;
        }
        input.id = InputId(place as u8);
        check_against(&inputs, &input, &table);
        inputs.push(input);
        table.finish();
    }
    parent.finish();
    inputs
}

/// What every protocol's table has, whatever else it has.
pub(super) fn read_common(
    table: &mut Table<'_, '_>,
    source: Option<Source>,
    protocol: Protocol,
) -> Input {
    let name = table.required_text("name");
    if let Some(name) = name {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.value.is_empty() || name.value.len() > 32 || !name.value.chars().all(plain) {
            table.wrong(
                name.line,
                "name",
                "must be 1 to 32 letters, digits, `-`, `_` or `.`",
            );
        }
    }
    let from = table.parsed("from", "an address such as \"192.0.2.7\"", |text| {
        text.parse().ok()
    });
    if let (Some(from), Some(source)) = (&from, &source)
        && !matches!(source, Source::Udp { .. } | Source::TcpListen { .. })
    {
        table.wrong(
            from.line,
            "from",
            "is only for `listen`: another source has one sender",
        );
    }
    Input {
        id: InputId(0),
        name: name.map_or_else(String::new, |name| name.value.to_owned()),
        source: source.unwrap_or(Source::Udp {
            listen: ([0, 0, 0, 0], 0).into(),
        }),
        from: from.map(|from: crate::sheet::At<IpAddr>| from.value),
        device: None,
        silent_after: table
            .millis("silent-after-ms", 100..=3_600_000)
            .unwrap_or(Duration::from_secs(3)),
        protocol,
    }
}

/// Reads `listen` for datagrams or a connection, `connect` or `serial`: exactly one of them. Such devices' lines
/// are usually run so.
pub(super) fn read_controller_source(
    table: &mut Table<'_, '_>,
    usual: SerialLine,
) -> Option<Source> {
    let listen = table.parsed("listen", LISTEN_FORM, listened);
    let connect = table.parsed("connect", TCP_FORM, tcp);
    let serial = table.parsed("serial", SERIAL_FORM, |text| serial(text, usual));
    check_one(
        table,
        &["listen", "connect", "serial"],
        "`listen`, `connect` or `serial`",
    );
    listen.or(connect).or(serial).map(|source| source.value)
}

/// Reads `listen`, `connect`, `serial`, `can` or `replay`, for what speaks on a CAN bus: exactly one of
/// them.
pub(super) fn read_bus_source(table: &mut Table<'_, '_>, folder: &Path) -> Option<Source> {
    let listen = table.parsed("listen", UDP_FORM, |text| {
        udp(text).filter(|listen| listen.port() > 0)
    });
    let connect = table.parsed("connect", TCP_FORM, tcp);
    let serial = table.parsed("serial", SERIAL_FORM, |text| {
        serial(text, SerialLine::RADAR)
    });
    let replay = table.parsed(
        "replay",
        "a recording such as \"candump:radar.log\"",
        |text| {
            let path = text.strip_prefix("candump:").filter(|p| !p.is_empty())?;
            Some(Source::Candump {
                path: folder.join(path),
            })
        },
    );
    let can = table.parsed("can", CAN_FORM, can_interface);
    if let Some(can) = &can
        && !cfg!(feature = "socketcan")
    {
        table.wrong(
            can.line,
            "can",
            "cannot be used: this program was built without its feature `socketcan`",
        );
    }
    check_one(
        table,
        &["listen", "connect", "serial", "can", "replay"],
        "`listen`, `connect`, `serial`, `can` or `replay`",
    );
    let can = can.map(|can| Source::Can {
        interface: can.value,
    });
    let listen = listen.map(|listen| Source::Udp {
        listen: listen.value,
    });
    let others = connect.or(serial).or(replay).map(|source| source.value);
    listen.or(can).or(others)
}

/// Of several ways in, one is used.
fn check_one(table: &Table<'_, '_>, keys: &[&'static str], choice: &str) {
    let given: Vec<&str> = keys.iter().copied().filter(|key| table.has(key)).collect();
    let reason = match given.as_slice() {
        [_] => return,
        [] => format!("is missing: give {choice}"),
        _ => format!(
            "has company: give one of {choice}, not {}",
            given.join(" and ")
        ),
    };
    table.wrong(table.line_of("listen"), "listen", &reason);
}

/// Reads `listen`, for what comes in datagrams only.
pub(super) fn read_listen(table: &mut Table<'_, '_>) -> Option<Source> {
    let listen = table.parsed("listen", UDP_FORM, |text| {
        udp(text).filter(|listen| listen.port() > 0)
    });
    if !table.has("listen") {
        table.missing("listen");
    }
    listen.map(|listen| Source::Udp {
        listen: listen.value,
    })
}

fn check_against(others: &[Input], input: &Input, table: &Table<'_, '_>) {
    if !input.name.is_empty() && others.iter().any(|other| other.name == input.name) {
        let reason = format!("\"{}\" is taken by another input", input.name);
        table.wrong(table.line_of("name"), "name", &reason);
    }
    let key = match input.source {
        Source::Udp { listen } | Source::TcpListen { listen } if listen.port() > 0 => "listen",
        Source::Serial { .. } => "serial",
        Source::Can { .. } => "can",
        _ => return,
    };
    let same = |other: &&Input| match (&other.source, &input.source) {
        (Source::Serial { path: a, .. }, Source::Serial { path: b, .. }) => a == b,
        (a, b) => a == b,
    };
    let others: Vec<&Input> = others.iter().filter(same).collect();
    for other in others {
        check_apart(other, input, key, table);
    }
}

fn check_apart(other: &Input, input: &Input, key: &'static str, table: &Table<'_, '_>) {
    // Several that send to one port are told apart by their addresses, radars on one bus by their
    // numbers.
    let both = input.from.zip(other.from);
    let is_apart = both.is_some_and(|(a, b)| a != b)
        || input.from == other.from && input.protocol.shares_bus_with(&other.protocol);
    if matches!(input.source, Source::Udp { .. } | Source::Can { .. }) && is_apart {
        return;
    }
    let reason = format!("{} is taken by input \"{}\"", input.source, other.name);
    table.wrong(table.line_of(key), key, &reason);
}

/// Tells the station which inputs there are and what its sensors see.
pub(super) fn tell_station(inputs: &[Input], station: &mut station::Config) {
    station.inputs = inputs
        .iter()
        .map(|input| station::Input {
            id: input.id,
            name: input.name.clone(),
            source: match input.protocol.sensor(input.id) {
                Some((source, _)) => source,
                None => rsm::Source::Unknown,
            },
        })
        .collect();
    let sensors = inputs.iter();
    let sensors = sensors.filter_map(|input| input.protocol.sensor(input.id));
    station.fusion.sensors = sensors.map(|(_, sensor)| sensor).collect();
    station.weather = modbus::rules(inputs);
}
