//! The file of a scenario, key by key, as it is written.
//!
//! Every key has its unit at its end. What the tables mean together is for the folder's door.

use std::path::PathBuf;

use serde::Deserialize;

use super::limits::Limits;
use super::sensing::{CameraModel, CameraTable, ObstacleTable, SurveyTable};
use crate::sensors::ars408::echoes::EchoModel;
use crate::sensors::faults::FaultKind;
use crate::world::vehicles::Kind;

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
    /// The junction's file, from the folder of this one.
    pub site: PathBuf,
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
    /// Added to the roadside unit's configuration as it stands.
    #[serde(default)]
    pub rsu: toml::Table,
    /// Events that the judge leaves out, by GB/T 29100-2012: true or not, they are not the matter.
    #[serde(default)]
    pub unjudged_events: Vec<u16>,
    /// What must hold for the run to pass.
    pub limits: Limits,
}

/// Traffic of one approach.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DemandTable {
    /// The node that it comes from.
    pub from: u16,
    /// How many vehicles an hour.
    pub vehicles_per_hour: f64,
    /// Share that turns left.
    pub left: f64,
    /// Share that turns right.
    pub right: f64,
    /// Share of lorries.
    pub trucks: f64,
    /// Share of buses.
    pub buses: f64,
    /// Share of all of them that have an on-board unit; needs `[air]`.
    #[serde(default)]
    pub equipped: f64,
}

/// Vehicles with radios, and the air.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AirTable {
    /// How logs call the roadside unit's radio.
    pub name: String,
    /// Added to the roadside unit's configuration of this input as it stands.
    #[serde(default)]
    pub input: toml::Table,
    /// From one BSM to the next: 20, 50, or a multiple of 100.
    #[serde(default = "hundred")]
    pub bsm_ms: u32,
    /// What units believe of their place is off by so much along each axis.
    #[serde(default = "half")]
    pub gnss_sigma_m: f64,
    /// Drivers keep to the speed that they are advised.
    #[serde(default = "yes")]
    pub advice: bool,
    /// Slower nobody is told to drive; left out: 18.
    #[serde(default)]
    pub least_advised_kmh: Option<f64>,
    /// Drivers brake when they are warned.
    #[serde(default)]
    pub warnings: bool,
    /// Middle of the channel.
    #[serde(default)]
    pub carrier_ghz: Option<f64>,
    /// The channel is divided into so many, 1 to 10.
    #[serde(default)]
    pub subchannels: Option<u8>,
    /// What a vehicle radiates.
    #[serde(default)]
    pub vehicle_dbm: Option<f64>,
    /// What the roadside unit radiates.
    #[serde(default)]
    pub roadside_dbm: Option<f64>,
    /// Effective height of a vehicle's antenna.
    #[serde(default)]
    pub vehicle_antenna_m: Option<f64>,
    /// And of the roadside unit's.
    #[serde(default)]
    pub roadside_antenna_m: Option<f64>,
    /// Chance that a booked place is kept when its messages are used up.
    #[serde(default)]
    pub keep: Option<f64>,
}

/// How those of all approaches drive.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TrafficTable {
    /// Drivers change lanes.
    pub lane_changes: bool,
}

/// How the signals are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalsTable {
    /// Who decides.
    #[serde(default, rename = "type")]
    pub kind: SignalsKind,
    /// A cycle begins so long after the origin of simulated time.
    pub offset_s: f64,
    /// The stages in their order.
    pub stage: Vec<StageTable>,
    /// Actuated: a green in which nobody has come for so long may end.
    #[serde(default = "three")]
    pub gap_s: f64,
    /// Actuated: how far before the stop line the detectors are.
    #[serde(default = "forty")]
    pub detector_m: f64,
    /// Coordinated and bus priority: most that a green is changed to come back to the grid.
    #[serde(default = "five")]
    pub correction_s: u16,
    /// Bus priority: most that a green is extended.
    #[serde(default = "eight")]
    pub extension_s: u16,
    /// Bus priority: from so far before the stop line a bus is known.
    #[serde(default = "hundred_and_fifty")]
    pub bus_m: f64,
}

/// Who decides when lamps change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalsKind {
    /// The clock.
    #[default]
    Fixed,
    /// Detectors.
    Actuated,
    /// A grid that the neighbours share.
    Coordinated,
    /// Such a grid, and buses.
    BusPriority,
}

/// One stage of the plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StageTable {
    /// The phases that are green.
    pub phases: Vec<u8>,
    /// Steady green.
    pub green_s: u16,
    /// Where it varies, the shortest; by default half of it.
    #[serde(default)]
    pub least_green_s: Option<u16>,
    /// Where it varies, the longest; by default twice as long.
    #[serde(default)]
    pub greatest_green_s: Option<u16>,
    /// Flashing green after it.
    pub flashing_green_s: u16,
    /// Yellow after that.
    pub yellow_s: u16,
    /// Red for all before the next stage.
    pub all_red_s: u16,
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
    /// The phases that are lied about; none means all.
    #[serde(default)]
    pub phases: Vec<u8>,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventTable {
    /// What.
    pub kind: EventKind,
    /// When, after the start of the roadside unit.
    pub at_s: f64,
    /// Until when, if it lasts.
    #[serde(default)]
    pub until_s: Option<f64>,
    /// Pre-emption: the phase that must be green.
    #[serde(default)]
    pub phase: Option<u8>,
    /// A new offset: that of the grid from then on.
    #[serde(default)]
    pub offset_s: Option<f64>,
    /// A deed of a driver: on the approach from this node.
    #[serde(default)]
    pub from: Option<u16>,
    /// And in this lane.
    #[serde(default)]
    pub lane: Option<u8>,
    /// A break-down: so far before the stop line.
    #[serde(default)]
    pub before_m: Option<f64>,
    /// A slow vehicle: as fast as it can.
    #[serde(default)]
    pub most_kmh: Option<f64>,
    /// A red light run: so long after the beginning of red, between the two.
    #[serde(default)]
    pub into_red_s: Option<[f64; 2]>,
}

/// Road users that follow a line of their own, or a thing that lies on the road.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserTable {
    /// What they are.
    pub kind: UserKind,
    /// Their way, east and north of the site's origin; one point for what stays where it is.
    pub way_m: Vec<[f64; 2]>,
    /// So wide is the way of walkers who push each other; left out: they keep to its line.
    #[serde(default)]
    pub wide_m: f64,
    /// Mean speed, and its standard deviation.
    #[serde(default)]
    pub speed_mps: f64,
    /// See `speed_mps`.
    #[serde(default)]
    pub speed_sigma_mps: f64,
    /// The first comes so long after the start of the roadside unit.
    pub from_s: f64,
    /// Nobody comes from then on, and what stays is gone.
    pub until_s: f64,
    /// So many come in an hour, by chance; left out: one.
    #[serde(default)]
    pub per_hour: Option<f64>,
    /// They wait there on their way,
    #[serde(default)]
    pub wait_at_m: Option<f64>,
    /// for green of this phase,
    #[serde(default)]
    pub phase: Option<u8>,
    /// and until no vehicle reaches their way within this time.
    #[serde(default)]
    pub gap_s: f64,
    /// Along, across, above ground; by default what is usual.
    #[serde(default)]
    pub size_m: Option<[f64; 3]>,
    /// The event that they are, by GB/T 29100-2012, from where they have waited on.
    #[serde(default)]
    pub event_type: Option<u16>,
}

/// Vehicles that come by a timetable.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineTable {
    /// What they are.
    pub service: LineService,
    /// From this node.
    pub from: u16,
    /// In this lane.
    pub lane: u8,
    /// Which way.
    pub turn: LineTurn,
    /// The first comes so long after the start of the roadside unit.
    pub first_s: f64,
    /// Others after each such span; left out: one comes.
    #[serde(default)]
    pub every_s: Option<f64>,
    /// Nobody comes from then on.
    pub until_s: f64,
    /// They call so far before the stop line.
    #[serde(default)]
    pub stop_before_m: Option<f64>,
    /// For a time between these two.
    #[serde(default)]
    pub dwell_s: Option<[f64; 2]>,
}

/// What comes by a timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineService {
    /// City buses.
    Bus,
    /// An ambulance with siren and lights.
    Emergency,
    /// Container lorries coupled by radio.
    Platoon,
}

/// Which way a line goes at the junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineTurn {
    /// Across the opposite direction.
    Left,
    /// On.
    Straight,
    /// Along the near kerb.
    Right,
}

/// Road works on an approach: lanes closed by cones, and a lower limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorksTable {
    /// On the approach from this node.
    pub from: u16,
    /// Closed lanes; those on the right.
    pub lanes: Vec<u8>,
    /// They end so far before the stop line.
    pub before_m: f64,
    /// They begin so much farther upstream.
    pub length_m: f64,
    /// Over this length the lanes are closed.
    pub taper_m: f64,
    /// Along them.
    pub limit_kmh: f64,
    /// Since when, after the start of the roadside unit.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// The event that they are, by GB/T 29100-2012.
    #[serde(default)]
    pub event_type: Option<u16>,
}

/// What follows a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// Somebody on foot.
    Pedestrian,
    /// Bicycle or electric bicycle.
    Bicycle,
    /// A car whose driver does as the scenario wants.
    Car,
    /// A thing.
    Object,
}

impl UserKind {
    /// What it is in the world.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Pedestrian => Kind::Pedestrian,
            Self::Bicycle => Kind::Bicycle,
            Self::Car => Kind::Car,
            Self::Object => Kind::Object,
        }
    }

    /// Along, across, above ground: what is usual.
    pub const fn size_m(self) -> [f64; 3] {
        match self {
            Self::Pedestrian => [0.5, 0.6, 1.7],
            Self::Bicycle => [1.8, 0.7, 1.7],
            Self::Car => [4.6, 1.85, 1.5],
            Self::Object => [0.8, 0.8, 1.0],
        }
    }
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A phase is called and held.
    Preempt,
    /// The grid of cycles moves.
    Offset,
    /// A vehicle breaks down.
    BreakDown,
    /// A vehicle crawls.
    Slow,
    /// A driver does not heed a red light.
    RunRed,
}

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

const fn all() -> f64 {
    1.0
}

const fn hundred() -> u32 {
    100
}

const fn half() -> f64 {
    0.5
}

const fn yes() -> bool {
    true
}

const fn three() -> f64 {
    3.0
}

const fn forty() -> f64 {
    40.0
}

const fn five() -> u16 {
    5
}

const fn eight() -> u16 {
    8
}

const fn hundred_and_fifty() -> f64 {
    150.0
}
