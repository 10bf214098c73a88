//! The configuration: TOML as people write it, to a [`Config`] that can run.
//!
//! - `address`: addresses as people write them
//! - `station`, `input`, `radio`, `realtime`, `record`, `console`, `orders`: the sections
//! - `effective`: every value that holds, and where it comes from
//!
//! All faults are told at once. What is wrong is refused, what is unwise is warned of, and what is
//! left out has the default that `configs/rsu.toml` shows. Files are read by the caller.

mod address;
mod ars408;
mod boxes;
mod broker;
mod console;
mod effective;
mod gat1743;
mod gb20999;
mod gnss;
mod heard;
mod input;
mod modbus;
mod ntcip;
mod orders;
mod radio;
mod realtime;
mod record;
mod seat;
mod serial_radars;
mod spat_json;
mod station;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use crate::site::Site;

use crate::sheet::Reader;

pub use crate::sheet::{Finding, Findings, Reason, Severity};
pub use address::{Broker, Login, MOST_TOPICS, Parity, Password, SerialLine, Source};
#[cfg(feature = "socketcan")]
pub(crate) use address::{CAN_FORM, can_interface};
#[cfg(feature = "daemon")]
pub(crate) use address::{SERIAL_FORM, is_topic_filter, mqtt as mqtt_address, serial};
pub use ars408::Radar;
pub use console::Console;
pub use effective::{Effective, effective};
pub use input::{Input, Protocol};
pub use modbus::Sensor;
#[cfg(feature = "daemon")]
pub(crate) use modbus::register as modbus_register;
pub use orders::{Cloud, Orders};
pub use radio::RadioTarget;
pub use realtime::Realtime;
pub use record::Record;
pub use seat::{Seat, SensorKind};

/// Everything that a roadside unit is told. A value of this type can run.
#[derive(Clone, Debug)]
pub struct Config {
    /// How people call this unit.
    pub name: String,
    /// The junction.
    pub site: Site,
    /// What the station does.
    pub station: crate::station::Config,
    /// Where bytes come from, in the order of the file; an input's id is its place.
    pub inputs: Vec<Input>,
    /// Where frames go.
    pub radio: Vec<RadioTarget>,
    /// What is asked of the operating system.
    pub realtime: Realtime,
    /// What is kept of all that is heard and said; None: nothing.
    pub record: Option<Record>,
    /// The page, its API and the metrics; None: not served.
    pub console: Option<Console>,
    /// What people may order; None: nothing.
    pub orders: Option<Orders>,
    /// The platform that may order; None: none.
    pub cloud: Option<Cloud>,
    /// The files that say all this, its own first, as they were read.
    pub files: Vec<Written>,
}

/// A file that people wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it was read.
    pub path: String,
    /// The whole of it.
    pub text: String,
}

/// A configuration that can run, and what is unwise about it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// It can run.
    pub config: Config,
    /// Warnings only.
    pub warnings: Findings,
}

/// Reads a configuration and the site that it names.
///
/// `file` is the configuration's own path: findings name it, and paths in it start from its folder.
/// `read` reads another file.
///
/// # Errors
/// All that is wrong, in both files, if anything is; warnings along with it.
pub fn parse(
    text: &str,
    file: &Path,
    read: &mut dyn FnMut(&Path) -> io::Result<String>,
) -> Result<Checked, Findings> {
    let shown = file.display().to_string();
    let reader = Reader::new(&shown, text);
    let mut files = vec![Written {
        path: shown.clone(),
        text: text.to_owned(),
    }];
    let mut keep = |path: &Path| {
        let text = read(path)?;
        files.push(Written {
            path: path.display().to_string(),
            text: text.clone(),
        });
        Ok(text)
    };
    let config = parse_with(&reader, file, &mut keep);
    let config = config.map(|config| Config { files, ..config });
    let (findings, _) = reader.into_findings();
    match config {
        Some(config) if !findings.any_wrong() => Ok(Checked {
            config,
            warnings: findings,
        }),
        _ => Err(findings),
    }
}

fn parse_with(
    reader: &Reader<'_>,
    file: &Path,
    read: &mut dyn FnMut(&Path) -> io::Result<String>,
) -> Option<Config> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let document = reader.document();
    let mut root = reader.root(&document);
    let identity = station::read_identity(&mut root, folder, read);
    let mut station = station::read(&mut root);
    let mut inputs = input::read(&mut root, folder);
    let radio = radio::read(&mut root);
    let realtime = realtime::read(&mut root);
    let record = record::read(&mut root, folder);
    let console = console::read(&mut root, folder);
    let (orders, cloud) = orders::read(&mut root, folder);
    root.finish();
    station.id = identity.id;
    input::tell_station(&inputs, &mut station);
    let site = identity.site?;
    station::check_map(reader, &station.map, &site);
    let site = site.site;
    for input in &mut inputs {
        input.protocol.place(site.frame);
    }
    station::check_controllers(reader, identity.site_line, &site, &inputs);
    modbus::check_places(reader, &site, &inputs);
    Some(Config {
        name: identity.name,
        site,
        station,
        inputs,
        radio,
        realtime,
        record,
        console,
        orders,
        cloud,
        files: Vec::new(),
    })
}
