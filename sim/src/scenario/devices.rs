//! The controller, radars and the weather station, what goes wrong with devices, and the weather itself.
//! Cameras are in [`super::sensing`].

use anyhow::{Context, Result, ensure};
use rsu::inputs::Mount;
use rsu::report::Quantity;
use serde::Deserialize;
use v2x_msg::base::PhaseId;

use super::Scenario;
use super::sensing::SurveyTable;
use crate::sensors::ars408::echoes::EchoModel;
use crate::sensors::faults::{Fault, FaultKind};
use crate::sensors::weather::Spell;

/// The signal controller and its line to the roadside unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControllerTable {
    /// As the site's phases call it.
    pub name: String,
    /// What it speaks.
    #[serde(default)]
    pub protocol: Language,
    /// What it speaks over.
    #[serde(default)]
    pub line: LineKind,
    /// Administrative division, GB/T 2260.
    pub division: u32,
    /// Its number there.
    pub number: u16,
    /// Between two lamp states.
    pub period_ms: u16,
    /// Says a change of colour at once.
    pub on_change: bool,
    /// From the lamps to the roadside unit, at random between the two.
    pub delay_ms: [f64; 2],
    /// How far its clock is ahead of UTC; negative if behind.
    pub clock_off_ms: i32,
    /// Added to the roadside unit's configuration of this input as it stands.
    #[serde(default)]
    pub input: toml::Table,
}

/// What a controller speaks over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// Datagrams.
    #[default]
    Udp,
    /// A serial line; live, a pseudo-terminal.
    Serial,
}

/// What a controller speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// GA/T 1743-2020.
    #[default]
    Gat1743,
    /// GB/T 20999-2017.
    Gb20999,
}

/// Something that goes wrong with a device or its line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultTable {
    /// With whom, by name; left out: with the controller.
    #[serde(default)]
    pub of: Option<String>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Since when, after the start of the roadside unit.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// How many of the datagrams it strikes, 0 to 1.
    #[serde(default = "all")]
    pub share: f64,
    /// How far: seconds of a clock, a countdown or a delay.
    #[serde(default)]
    pub by_s: f64,
    /// Turned: so far clockwise.
    #[serde(default)]
    pub by_deg: f64,
    /// Misaddressed: as if this device said it, by name.
    #[serde(default)]
    pub to: Option<String>,
    /// The phases that are lied about; none means all.
    #[serde(default)]
    pub phases: Vec<u8>,
}

/// One radar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RadarTable {
    /// How logs call it.
    pub name: String,
    /// Where it stands and which way it looks, as it was surveyed.
    pub mount: MountTable,
    /// How far the survey is off.
    #[serde(default)]
    pub survey_off: SurveyTable,
}

/// Where a sensor stands.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MountTable {
    /// East of the site's origin.
    pub east_m: f64,
    /// North of it.
    pub north_m: f64,
    /// Above it.
    pub up_m: f64,
    /// Where it looks, clockwise from north.
    pub heading_deg: f64,
}

/// What a radar sees and how well; sigmas are standard deviations.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RadarModel {
    /// From one measurement to the next.
    pub cycle_ms: f64,
    /// From the scene to the first CAN frame.
    pub latency_ms: f64,
    /// Of the latency.
    pub latency_jitter_ms: f64,
    /// Reach of the wide beam.
    pub near_range_m: f64,
    /// Half of the wide beam.
    pub near_half_angle_deg: f64,
    /// Reach of the narrow beam.
    pub far_range_m: f64,
    /// Half of the narrow beam.
    pub far_half_angle_deg: f64,
    /// Of the distance.
    pub range_sigma_m: f64,
    /// Of the direction.
    pub azimuth_sigma_deg: f64,
    /// Of the speed along the beam.
    pub speed_sigma_mps: f64,
    /// Of the speed across the beam.
    pub cross_speed_sigma_mps: f64,
    /// Chance to see a vehicle in one cycle, close by.
    pub detection: f64,
    /// The same at the end of its reach.
    pub far_detection: f64,
    /// The same for what a lorry or a bus hides.
    pub shadow_detection: f64,
    /// Mean length of a run of misses.
    pub miss_cycles: f64,
    /// How far the seen point wanders over the body, as a share of its length.
    pub extent: f64,
    /// How slowly it wanders.
    pub extent_s: f64,
    /// False objects of one radar.
    pub clutter_per_minute: f64,
    /// Mean length of the life of a false object.
    pub clutter_cycles: f64,
    /// How its echoes are less than objects; left out, it tells all road users apart.
    #[serde(default)]
    pub echoes: Option<EchoModel>,
}

/// A station that measures the weather.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeatherStationTable {
    /// How logs call it.
    pub name: String,
    /// Added to the roadside unit's configuration of this input as it stands: its registers, and which
    /// values are an event.
    pub input: toml::Table,
}

/// Other weather than usual.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeatherTable {
    /// What is other: as the roadside unit calls it.
    pub quantity: String,
    /// What it is, in the unit of the quantity.
    pub value: f64,
    /// Since when, after the start of the roadside unit.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// The event that it is, by GB/T 29100-2012.
    #[serde(default)]
    pub event_type: Option<u16>,
}

impl Scenario {
    /// What goes wrong with a device.
    pub fn faults(&self, device: &str) -> Result<Vec<Fault>> {
        let controller = &self.file.controller.name;
        let of_it = |table: &&FaultTable| table.of.as_ref().unwrap_or(controller) == device;
        let faults = self.file.fault.iter().filter(of_it).map(|table| {
            let phases: Result<Vec<PhaseId>, _> =
                table.phases.iter().map(|&id| PhaseId::new(id)).collect();
            Ok(Fault {
                from: self.moment(table.from_s),
                until: self.moment(table.until_s),
                kind: table.kind,
                share: table.share,
                by_s: table.by_s,
                by_deg: table.by_deg,
                to: table.to.clone(),
                phases: phases?,
            })
        });
        faults.collect()
    }

    /// The same where the weather is always as usual; drivers and walkers take no notice of it.
    pub(crate) fn in_clear_air(&self) -> Self {
        let mut clear = self.clone();
        clear.file.weather.clear();
        clear
    }

    /// Whether it is judged how much less sure the unit says to be in fog.
    pub(crate) fn asks_for_doubt_in_fog(&self) -> bool {
        self.file.limits.fog_confidence_ratio_min.is_some()
    }

    /// Other weather than usual.
    pub fn spells(&self) -> Result<Vec<Spell>> {
        let spells = self.file.weather.iter().map(|table| {
            let named = Quantity::NAMES
                .iter()
                .find(|(name, _)| *name == table.quantity);
            let (_, quantity) =
                named.with_context(|| format!("weather has no {:?}", table.quantity))?;
            ensure!(
                table.from_s < table.until_s,
                "weather begins before it ends"
            );
            Ok(Spell {
                quantity: *quantity,
                value: table.value,
                from: self.moment(table.from_s),
                until: self.moment(table.until_s),
                event_type: table.event_type,
            })
        });
        spells.collect()
    }

    /// The controller and the sensors.
    fn devices(&self) -> impl Iterator<Item = &str> {
        let file = &self.file;
        let radars = file.radar.iter().map(|radar| radar.name.as_str());
        let cameras = file.camera.iter().map(|camera| camera.name.as_str());
        radars.chain(cameras).chain([file.controller.name.as_str()])
    }

    pub(super) fn check_faults(&self) -> Result<()> {
        for fault in &self.file.fault {
            ensure!(
                (0.0..=1.0).contains(&fault.share) && fault.from_s < fault.until_s,
                "a fault's share is from 0 to 1, and it begins before it ends"
            );
            let of = fault.of.as_ref().unwrap_or(&self.file.controller.name);
            ensure!(
                self.devices().any(|name| name == of),
                "a fault is of {of:?}, and there is no such device"
            );
            ensure!(
                *of != self.file.controller.name || !fault.kind.is_of_sensors(),
                "a fault of {of:?} is of a kind that only radars and cameras have"
            );
            if fault.kind == FaultKind::Turned {
                let radar = self.file.radar.iter().any(|radar| radar.name == *of);
                ensure!(radar, "a fault turns {of:?}, and only radars can be turned");
            }
            if fault.kind == FaultKind::Misaddressed {
                let to = fault.to.as_ref().context("what is misaddressed has a to")?;
                let sensor = *to != self.file.controller.name && to != of;
                ensure!(
                    sensor && self.devices().any(|name| name == to),
                    "a fault lets {of:?} speak as {to:?}, and there is no such other sensor"
                );
            }
            ensure!(
                *of == self.file.controller.name || !fault.kind.is_of_signals(),
                "a fault of {of:?} is of a kind that only signal controllers have"
            );
        }
        for name in self.devices() {
            self.faults(name)?;
        }
        Ok(())
    }
}

impl From<MountTable> for Mount {
    fn from(table: MountTable) -> Self {
        Self {
            east_m: table.east_m,
            north_m: table.north_m,
            up_m: table.up_m,
            heading_deg: table.heading_deg,
        }
    }
}

const fn all() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    #[test]
    fn the_same_road_users_drive_in_clear_air() {
        let fog = "[{ quantity = \"visibility-m\", value = 40, from-s = 0, until-s = 60 }]";
        let set = [("weather", fog), ("traffic-s", "0")];
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let scenario = Scenario::find_with("moyu-boyuan", &set).expect("a scenario");
        let clear = scenario.in_clear_air();
        assert_eq!(scenario.spells().expect("fog").len(), 1);
        assert!(clear.spells().expect("none").is_empty());
        let [foggy, clear] = [scenario, clear].map(|scenario| {
            let mut world = scenario.world(3).expect("a world");
            (0..400).for_each(|_| world.step());
            (world.vehicles().len(), world.hash())
        });
        assert!(foggy.0 > 3);
        assert_eq!(foggy, clear);
    }
}
