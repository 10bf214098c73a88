//! The file of a scenario, key by key, as it is written.
//!
//! Every key has its unit at its end. Tables are with their subjects, and what they mean together is for
//! the folder's door.

use std::path::PathBuf;

use serde::Deserialize;

use super::air::AirTable;
use super::demand::{DemandTable, RidersTable};
use super::devices::{
    ControllerTable, FaultTable, RadarModel, RadarTable, WeatherStationTable, WeatherTable,
};
use super::limits::Limits;
use super::map::MapTable;
use super::parked::ParkedTable;
use super::sensing::{CameraModel, CameraTable, ObstacleTable};
use super::signals::SignalsTable;
use super::sumo::SumoTable;
use super::traffic::{EventTable, LineTable, TrafficTable, WorksTable};
use super::users::UserTable;

/// The file, key by key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScenarioFile {
    /// As people call it; the name of the file.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Why the roadside unit does not pass yet, if it does not.
    #[serde(default)]
    pub expected_to_fail: Option<String>,
    /// Another scenario, from the folder of this one: what is not said here is as it is there.
    #[serde(default)]
    pub extends: Option<PathBuf>,
    /// The junction's file or a road model (`.net.xml`, `.xodr`, `.geojson`), from the folder of this one.
    pub site: PathBuf,
    /// What the road model does not say of itself.
    #[serde(default)]
    pub map: Option<MapTable>,
    /// UTC of the start of the roadside unit.
    pub start: toml::value::Datetime,
    /// Length of a run, from the start of the roadside unit.
    pub duration_s: u32,
    /// The road fills for so long before the roadside unit starts.
    pub traffic_s: u32,
    /// The judge waits for so long after it started.
    pub settle_s: u32,
    /// Traffic of each approach.
    pub demand: Vec<DemandTable>,
    /// Riders in the lanes of each approach.
    #[serde(default)]
    pub riders: Vec<RidersTable>,
    /// How they drive.
    #[serde(default)]
    pub traffic: TrafficTable,
    /// The signal plan.
    pub signals: SignalsTable,
    /// The signal controller.
    pub controller: ControllerTable,
    /// What goes wrong with the controller, the sensors and their lines.
    #[serde(default)]
    pub fault: Vec<FaultTable>,
    /// What happens at a time.
    #[serde(default)]
    pub event: Vec<EventTable>,
    /// Walkers, riders, who drives the wrong way, and what lies on the road.
    #[serde(default)]
    pub user: Vec<UserTable>,
    /// Vehicles that are parked.
    #[serde(default)]
    pub parked: Vec<ParkedTable>,
    /// Buses with stops, emergency vehicles, lorries in a row.
    #[serde(default)]
    pub line: Vec<LineTable>,
    /// Road works.
    #[serde(default)]
    pub works: Vec<WorksTable>,
    /// The radars.
    #[serde(default)]
    pub radar: Vec<RadarTable>,
    /// What a radar sees and how well; needed where there are radars.
    #[serde(default)]
    pub radar_model: Option<RadarModel>,
    /// The cameras.
    #[serde(default)]
    pub camera: Vec<CameraTable>,
    /// What a camera sees and how well; needed where there are cameras.
    #[serde(default)]
    pub camera_model: Option<CameraModel>,
    /// What stands beside the road and hides it.
    #[serde(default)]
    pub obstacle: Vec<ObstacleTable>,
    /// Vehicles with radios, and the air between them and the roadside unit.
    #[serde(default)]
    pub air: Option<AirTable>,
    /// A station that measures the weather, asked by Modbus.
    #[serde(default)]
    pub weather_station: Option<WeatherStationTable>,
    /// Other weather than usual.
    #[serde(default)]
    pub weather: Vec<WeatherTable>,
    /// A network of SUMO's with the site's junction, for `--world sumo`.
    #[serde(default)]
    pub sumo: Option<SumoTable>,
    /// Added to the roadside unit's configuration as it stands.
    #[serde(default)]
    pub rsu: toml::Table,
    /// Events that the judge leaves out, by GB/T 29100-2012: true or not, they are not the matter.
    #[serde(default)]
    pub unjudged_events: Vec<u16>,
    /// What must hold for the run to pass.
    pub limits: Limits,
}
