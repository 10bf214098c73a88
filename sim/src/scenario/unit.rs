//! The configuration of the roadside unit, as a file would have it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use super::Scenario;
use super::devices::{Language, LineKind, MountTable, RadarTable};
use super::sensing::{BoxLanguage, CameraTable};

/// Where the simulated devices and the listener are, as the roadside unit is told.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Where the roadside unit listens for the controller.
    pub controller: SocketAddr,
    /// Where the controller takes questions.
    pub controller_device: SocketAddr,
    /// The serial line of the controller, if it has one.
    pub controller_serial: String,
    /// Where each radar waits for the roadside unit.
    pub radars: Vec<SocketAddr>,
    /// Where each camera's box waits for the roadside unit.
    pub cameras: Vec<SocketAddr>,
    /// Where the weather station is.
    pub weather: SocketAddr,
    /// Where the roadside unit listens for what its radio hears.
    pub heard: SocketAddr,
    /// Where frames go.
    pub radio: Vec<SocketAddr>,
}

impl Scenario {
    /// The roadside unit's configuration, as a file would have it.
    pub fn rsu_config(&self, at: &Addresses) -> Result<String> {
        let mut config = self.file.rsu.clone();
        let site = self.site_path.display().to_string();
        let station = table([
            ("name", self.file.name.clone().into()),
            ("site", site.into()),
        ]);
        complete(&mut config, "station", station);
        let radio = at.radio.iter().map(|to| {
            let target = format!("udp://{to}");
            toml::Value::from(table([("target", target.into())]))
        });
        config.insert("radio".to_owned(), radio.collect::<Vec<_>>().into());
        ensure!(
            at.radars.len() == self.file.radar.len(),
            "as many addresses as radars"
        );
        let radars = self.file.radar.iter().zip(&at.radars);
        let radars = radars.map(|(radar, address)| self.radar_config(radar, *address));
        let radars: Vec<toml::Value> = radars
            .map(|radar| radar.map(toml::Value::from))
            .collect::<Result<_>>()?;
        let mut controller = self.file.controller.input.clone();
        controller.insert("name".to_owned(), self.file.controller.name.clone().into());
        let (key, line) = match self.file.controller.line {
            LineKind::Udp => ("listen", format!("udp://{}", at.controller)),
            LineKind::Serial => ("serial", serial(&at.controller_serial)),
        };
        controller.insert(key.to_owned(), line.into());
        let protocol = match self.file.controller.protocol {
            Language::Gat1743 => "gat1743",
            Language::Gb20999 => {
                if self.file.controller.line == LineKind::Udp {
                    let to = format!("udp://{}", at.controller_device);
                    controller.insert("to".to_owned(), to.into());
                }
                "gb20999"
            }
        };
        let mut inputs = table([(protocol, vec![controller].into())]);
        if !radars.is_empty() {
            inputs.insert("ars408".to_owned(), radars.into());
        }
        ensure!(
            at.cameras.len() == self.file.camera.len(),
            "as many addresses as cameras"
        );
        let mut boxes: BTreeMap<&str, Vec<toml::Value>> = BTreeMap::new();
        for (camera, address) in self.file.camera.iter().zip(&at.cameras) {
            let input = self.camera_config(camera, *address)?;
            let same = boxes.entry(camera.protocol.name()).or_default();
            same.push(input.into());
        }
        for (protocol, list) in boxes {
            inputs.insert(protocol.to_owned(), list.into());
        }
        if let Some(station) = &self.file.weather_station {
            let mut input = station.input.clone();
            input.insert("name".to_owned(), station.name.clone().into());
            input.insert("connect".to_owned(), format!("tcp://{}", at.weather).into());
            inputs.insert("modbus".to_owned(), vec![input].into());
        }
        if let Some(air) = &self.file.air {
            let mut input = air.input.clone();
            input.insert("name".to_owned(), air.name.clone().into());
            input.insert("listen".to_owned(), format!("udp://{}", at.heard).into());
            inputs.insert("heard".to_owned(), vec![input].into());
        }
        complete(&mut config, "input", inputs);
        Ok(toml::to_string(&config)?)
    }

    fn radar_config(&self, radar: &RadarTable, address: SocketAddr) -> Result<toml::Table> {
        let model = self.file.radar_model;
        let model = model.context("there are radars and no [radar-model]")?;
        Ok(table([
            ("name", radar.name.clone().into()),
            ("connect", format!("tcp://{address}").into()),
            ("mount", mount(&radar.mount)),
            ("latency-ms", (model.latency_ms.round() as i64).into()),
            // Where silence counts: the wide beam. Farther out only the narrow one reaches.
            ("half-angle-deg", model.near_half_angle_deg.into()),
            ("range-m", model.near_range_m.into()),
        ]))
    }

    fn camera_config(&self, camera: &CameraTable, address: SocketAddr) -> Result<toml::Table> {
        let model = self.camera_model()?;
        let latency_ms = match camera.protocol {
            BoxLanguage::DetectedObjects => model.quickest_ms(),
            // Nothing is dated by its stamps: what it is as a rule.
            BoxLanguage::Openv2x => model.latency_ms,
        };
        Ok(table([
            ("name", camera.name.clone().into()),
            ("connect", format!("tcp://{address}").into()),
            ("sensor", "camera".into()),
            ("mount", mount(&camera.mount)),
            ("latency-ms", (latency_ms.round() as i64).into()),
            ("half-angle-deg", (model.field_of_view_deg / 2.0).into()),
            ("range-m", model.range_m.into()),
        ]))
    }
}

fn mount(of: &MountTable) -> toml::Value {
    let keys = [
        ("east-m", of.east_m.into()),
        ("north-m", of.north_m.into()),
        ("up-m", of.up_m.into()),
        ("heading-deg", of.heading_deg.into()),
    ];
    table(keys).into()
}

fn serial(path: &str) -> String {
    format!("serial://{path}?baud=115200&parity=even&stop-bits=1")
}

/// Adds what a section does not say itself.
fn complete(config: &mut toml::Table, section: &str, more: toml::Table) {
    match config.get_mut(section) {
        Some(toml::Value::Table(there)) => {
            for (key, value) in more {
                there.entry(key).or_insert(value);
            }
        }
        // Something else than a table: the unit's own reader says what is wrong with it.
        Some(_) => {}
        None => {
            config.insert(section.to_owned(), more.into());
        }
    }
}

fn table<const N: usize>(entries: [(&str, toml::Value); N]) -> toml::Table {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
