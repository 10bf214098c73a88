//! A scenario: one TOML file that says what the world is, what can be seen of it, and what must
//! come out.
//!
//! A new scenario is a new file in `configs/scenarios/`, no code. From it come the world, the
//! sensors and the configuration of the roadside unit, through the unit's own reader, so that
//! simulated and real units are configured alike.
//!
//! - [`file`]: the file, key by key
//! - [`limits`]: what must hold
//! - [`sensing`]: cameras, and what hides
//! - `read`: what a file extends, and what is set besides

pub mod file;
pub mod limits;
pub(crate) mod read;
pub mod sensing;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rsu::clock::Mono;
use rsu::inputs::Mount;
use rsu::report::Quantity;
use rsu::site::{Link, Site};
use v2x_msg::base::{Civil, LaneId, NodeId, PhaseId, Utc};

pub use self::file::{
    AirTable, ControllerTable, DemandTable, EventTable, FaultTable, Language, LineKind, LineTable,
    MountTable, RadarModel, RadarTable, ScenarioFile, SignalsTable, StageTable, TrafficTable,
    UserTable, WorksTable,
};
use self::file::{EventKind, LineService, LineTurn, SignalsKind};
pub use self::limits::Limits;
pub use self::sensing::{BoxLanguage, CameraModel, CameraTable, ObstacleTable, SurveyTable};
use crate::air::Radios;
use crate::obu::advice::LEAST_MPS;
use crate::obu::fleet as obu;
use crate::plane::{Path as Polyline, Point};
use crate::sensors::faults::Fault;
use crate::sensors::weather::Spell;
use crate::world::deeds::{Deed, NoSuchLane, What};
use crate::world::lines::{Line, Service, Stop};
use crate::world::roads::{Roads, Turn};
use crate::world::signals::{Control, Head, HeadStage, Plan, Preempt, Signals, Stage};
use crate::world::snapshot::Body;
use crate::world::users::Wish;
use crate::world::vehicles::{Kind, Mix, TurnShares};
use crate::world::works::Works;
use crate::world::{Demand, World};

/// A scenario as its file has it, checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the file says.
    pub file: ScenarioFile,
    /// The junction that it names.
    pub site: Site,
    /// Where the junction's own file is.
    pub site_path: PathBuf,
    /// And what stands in it.
    pub site_text: String,
    /// UTC of the start of the roadside unit.
    pub start: Utc,
}

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
    /// Reads `file` and the site that it names.
    pub fn load(file: &Path) -> Result<Self> {
        Self::load_with(file, &[])
    }

    /// The same with keys set to other values, such as `signals.gap-s` to `4`.
    pub fn load_with(file: &Path, settings: &[(String, String)]) -> Result<Self> {
        let shown = file.display();
        let parsed = read::read(file, settings)?;
        let site_path = &parsed.site;
        let site_path = site_path
            .canonicalize()
            .with_context(|| format!("{shown}: site {} is not there", site_path.display()))?;
        let site_text = fs::read_to_string(&site_path)
            .with_context(|| format!("cannot read {}", site_path.display()))?;
        let site = match Site::parse(&site_text, &site_path.display().to_string()) {
            Ok(site) => site,
            Err(findings) => {
                let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
                bail!("{}", all.join("\n"));
            }
        };
        Self::of(parsed, site, site_text, site_path).with_context(|| shown.to_string())
    }

    /// A scenario of this site, checked.
    pub(crate) fn of(
        file: ScenarioFile,
        site: Site,
        site_text: String,
        site_path: PathBuf,
    ) -> Result<Self> {
        let start = utc(file.start).context("start")?;
        let scenario = Self {
            file,
            site,
            site_path,
            site_text,
            start,
        };
        scenario.check()?;
        Ok(scenario)
    }

    /// The scenario with this name, or in this file.
    pub fn find(name: &str) -> Result<Self> {
        Self::find_with(name, &[])
    }

    /// The same with keys set to other values.
    pub fn find_with(name: &str, settings: &[(String, String)]) -> Result<Self> {
        match file_of(name) {
            Some(file) => Self::load_with(&file, settings),
            None => bail!("there is no scenario {name:?}; `sim list` shows those that there are"),
        }
    }

    /// Every scenario of one junction, by name.
    pub fn all() -> Result<Vec<Self>> {
        let files = files()?;
        let of_one = files.iter().filter(|file| !read::is_network(file));
        of_one.map(|file| Self::load(file)).collect()
    }

    /// The world of this scenario, empty, at the origin of time.
    pub fn world(&self, seed: u64) -> Result<World> {
        let roads = Roads::of_site(&self.site)?;
        let deeds = self.deeds()?;
        let works = self.works(&roads)?;
        let mut wishes = self.wishes()?;
        wishes.extend(works.iter().flat_map(|works| works.cones(&roads)));
        let world = World::new(roads, self.signals()?, self.demand(), seed)?;
        let world = world.with(wishes, deeds).under(self.spells()?);
        let world = world.with_works(works).with_lines(self.lines()?)?;
        Ok(if self.file.traffic.lane_changes {
            world.with_lane_changes()
        } else {
            world
        })
    }

    /// The signals at the origin of time.
    pub fn signals(&self) -> Result<Signals> {
        let table = &self.file.signals;
        let seconds = |count: u16| Duration::from_secs(u64::from(count));
        let correction = seconds(table.correction_s);
        let control = match table.kind {
            SignalsKind::Fixed => return Ok(Signals::Fixed(self.plan()?)),
            SignalsKind::Actuated => Control::Actuated {
                gap: Duration::from_secs_f64(table.gap_s),
                detector_m: table.detector_m,
            },
            SignalsKind::Coordinated => Control::Coordinated { correction },
            SignalsKind::BusPriority => Control::BusPriority {
                correction,
                extension: seconds(table.extension_s),
                bus_m: table.bus_m,
            },
        };
        let plan = self.plan()?;
        let stages = plan.stages().iter().zip(&table.stage);
        let stages = stages.map(|(stage, table)| HeadStage {
            stage: stage.clone(),
            least: table.least_green_s.map_or(stage.green / 2, seconds),
            greatest: table.greatest_green_s.map_or(stage.green * 2, seconds),
        });
        let mut offsets = Vec::new();
        let mut preempts = Vec::new();
        for event in &self.file.event {
            let at = self.moment(event.at_s);
            match event.kind {
                EventKind::Offset => {
                    let offset_s = event.offset_s.context("an offset event has an offset-s")?;
                    offsets.push((at, Duration::from_secs_f64(offset_s)));
                }
                EventKind::BreakDown | EventKind::Slow | EventKind::RunRed => {}
                EventKind::Preempt => preempts.push(Preempt {
                    from: at,
                    until: self.moment(event.until_s.context("a preempt event has an until-s")?),
                    phase: PhaseId::new(event.phase.context("a preempt event has a phase")?)?,
                }),
            }
        }
        offsets.sort_by_key(|(at, _)| *at);
        preempts.sort_by_key(|call| call.from);
        let offset = Duration::from_secs_f64(table.offset_s);
        let head = Head::new(stages.collect(), control, offset, offsets, preempts)?;
        Ok(Signals::Live(Box::new(head)))
    }

    /// What single drivers are made to do.
    fn deeds(&self) -> Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        for event in &self.file.event {
            let what = match event.kind {
                EventKind::BreakDown => What::BreakDown {
                    before_m: event.before_m.context("a break-down has a before-m")?,
                    until: self.moment(event.until_s.context("a break-down has an until-s")?),
                },
                EventKind::Slow => What::Slow {
                    most_mps: event.most_kmh.context("who is slow has a most-kmh")? / 3.6,
                    until: self.moment(event.until_s.context("who is slow has an until-s")?),
                },
                EventKind::RunRed => {
                    let [least_s, most_s] =
                        event.into_red_s.context("a run-red has an into-red-s")?;
                    What::RunRed { least_s, most_s }
                }
                EventKind::Offset | EventKind::Preempt => continue,
            };
            let from = NodeId {
                region: self.site.node.region,
                id: event.from.context("who does it comes from a node")?,
            };
            let lane = LaneId::new(event.lane.context("who does it is in a lane")?)?;
            let of_it = |link: &&Link| link.upstream == from;
            let mut lanes = self.site.approaches().filter(of_it);
            let is_there = lanes.any(|link| link.lanes.iter().any(|other| other.id == lane));
            ensure!(is_there, NoSuchLane { from, lane });
            deeds.push(Deed::new(what, self.moment(event.at_s), from, lane));
        }
        Ok(deeds)
    }

    /// Who comes by a timetable.
    fn lines(&self) -> Result<Vec<Line>> {
        let lines = self.file.line.iter().map(|table| {
            let [least_s, most_s] = table.dwell_s.unwrap_or_default();
            ensure!(
                0.0 <= least_s && least_s <= most_s && table.every_s.is_none_or(|s| s > 0.0),
                "a line's dwell-s is a range, and its every-s is not nought"
            );
            Ok(Line {
                service: match table.service {
                    LineService::Bus => Service::Bus,
                    LineService::Emergency => Service::Emergency,
                    LineService::Platoon => Service::Platoon,
                },
                from: NodeId {
                    region: self.site.node.region,
                    id: table.from,
                },
                lane: LaneId::new(table.lane)?,
                turn: match table.turn {
                    LineTurn::Left => Turn::Left,
                    LineTurn::Straight => Turn::Straight,
                    LineTurn::Right => Turn::Right,
                },
                first: self.moment(table.first_s),
                every: table.every_s.map(Duration::from_secs_f64),
                until: self.moment(table.until_s),
                stop: table.stop_before_m.map(|before_m| Stop {
                    before_m,
                    dwell_s: (least_s, most_s),
                }),
            })
        });
        lines.collect()
    }

    /// Road works, each at the beginning of its taper.
    fn works(&self, roads: &Roads) -> Result<Vec<Works>> {
        let works = self.file.works.iter().map(|table| {
            let from = NodeId {
                region: self.site.node.region,
                id: table.from,
            };
            let lanes: Result<Vec<LaneId>, _> =
                table.lanes.iter().map(|&id| LaneId::new(id)).collect();
            let lanes = lanes?;
            let [before_m, length_m, taper_m] = [table.before_m, table.length_m, table.taper_m];
            ensure!(
                before_m >= 0.0 && 0.0 < taper_m && taper_m <= length_m && table.limit_kmh > 0.0,
                "works need a length-m, a taper-m within it and a limit-kmh"
            );
            let mut place = None;
            for &lane in &lanes {
                let mut there = roads.approaches.iter();
                let there = there.find(|other| other.from == from && other.id == lane);
                let there = there.context(NoSuchLane { from, lane })?;
                let path = Polyline::new(&there.centre).context("a lane without length")?;
                let begin_m = path.length_m() - before_m - length_m;
                ensure!(begin_m >= 0.0, "works are longer than lane {lane}");
                place.get_or_insert(path.point_at(begin_m));
            }
            Ok(Works {
                from,
                lanes,
                before_m,
                length_m,
                taper_m,
                limit_mps: table.limit_kmh / 3.6,
                since: self.moment(table.from_s),
                until: self.moment(table.until_s),
                event_type: table.event_type,
                place: place.context("works close a lane")?,
            })
        });
        works.collect()
    }

    /// Road users on lines of their own.
    fn wishes(&self) -> Result<Vec<Wish>> {
        let wishes = self.file.user.iter().map(|table| self.wish(table));
        wishes.collect()
    }

    fn wish(&self, table: &UserTable) -> Result<Wish> {
        ensure!(!table.way_m.is_empty(), "a user has a way-m");
        ensure!(
            table.way_m.len() == 1 || table.speed_mps > 0.0,
            "a user with a way has a speed-mps"
        );
        let walks = table.kind.kind() == Kind::Pedestrian && table.way_m.len() > 1;
        ensure!(
            table.wide_m == 0.0 || walks && (0.5..=20.0).contains(&table.wide_m),
            "wide-m is for pedestrians with a way, from 0.5 to 20"
        );
        ensure!(
            table.from_s < table.until_s,
            "a user comes before it is to be gone"
        );
        if let Some(id) = table.phase {
            let known = self.site.phase(PhaseId::new(id)?).is_some();
            ensure!(known, "a user waits for phase {id}, which the site has not");
        }
        let way = table.way_m.iter();
        Ok(Wish {
            kind: table.kind.kind(),
            way: way
                .map(|&[east_m, north_m]| Point::new(east_m, north_m))
                .collect(),
            size_m: table.size_m.unwrap_or(table.kind.size_m()),
            wide_m: table.wide_m,
            speed_mps: (table.speed_mps, table.speed_sigma_mps),
            from: self.moment(table.from_s),
            until: self.moment(table.until_s),
            per_hour: table.per_hour,
            wait_m: table.wait_at_m,
            phase: table.phase.map(PhaseId::new).transpose()?,
            gap_s: table.gap_s,
            event_type: table.event_type,
        })
    }

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
                phases: phases?,
            })
        });
        faults.collect()
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

    /// By node that vehicles come from: the share of them with an on-board unit.
    pub fn equipped(&self) -> Vec<(NodeId, f64)> {
        let equipped = self.file.demand.iter().map(|demand| {
            let from = NodeId {
                region: self.site.node.region,
                id: demand.from,
            };
            (from, demand.equipped)
        });
        equipped.collect()
    }

    /// The on-board units and their radios, if there are any.
    pub fn units(&self) -> Result<Option<obu::Settings>> {
        let equipped = self.equipped();
        let share = |(_, share): &(NodeId, f64)| (0.0..=1.0).contains(share);
        ensure!(
            equipped.iter().all(share),
            "demand: equipped is a share, 0 to 1"
        );
        let Some(air) = &self.file.air else {
            let nobody = equipped.iter().all(|(_, share)| *share <= 0.0);
            ensure!(nobody, "vehicles are equipped, but there is no [air]");
            return Ok(None);
        };
        let period = matches!(air.bsm_ms, 20 | 50) || (air.bsm_ms > 0 && air.bsm_ms % 100 == 0);
        ensure!(
            period && air.bsm_ms <= 1000,
            "air.bsm-ms is 20, 50 or a multiple of 100 up to 1000"
        );
        let usual = Radios::default();
        let radios = Radios {
            carrier_ghz: air.carrier_ghz.unwrap_or(usual.carrier_ghz),
            subchannels: air.subchannels.unwrap_or(usual.subchannels),
            vehicle_dbm: air.vehicle_dbm.unwrap_or(usual.vehicle_dbm),
            roadside_dbm: air.roadside_dbm.unwrap_or(usual.roadside_dbm),
            vehicle_antenna_m: air.vehicle_antenna_m.unwrap_or(usual.vehicle_antenna_m),
            roadside_antenna_m: air.roadside_antenna_m.unwrap_or(usual.roadside_antenna_m),
            keep: air.keep.unwrap_or(usual.keep),
            ..usual
        };
        let least_advised_mps = air.least_advised_kmh.map_or(LEAST_MPS, |kmh| kmh / 3.6);
        let bounds = [
            ("carrier-ghz", radios.carrier_ghz, 0.5, 8.0),
            ("subchannels", f64::from(radios.subchannels), 1.0, 10.0),
            ("vehicle-dbm", radios.vehicle_dbm, -20.0, 40.0),
            ("roadside-dbm", radios.roadside_dbm, -20.0, 40.0),
            ("vehicle-antenna-m", radios.vehicle_antenna_m, 0.3, 30.0),
            ("roadside-antenna-m", radios.roadside_antenna_m, 0.3, 30.0),
            ("keep", radios.keep, 0.0, 0.8),
            ("gnss-sigma-m", air.gnss_sigma_m, 0.0, 20.0),
            ("least-advised-kmh", least_advised_mps * 3.6, 5.0, 50.0),
        ];
        for (key, value, least, most) in bounds {
            ensure!(
                (least..=most).contains(&value),
                "air.{key} is from {least} to {most}, not {value}"
            );
        }
        Ok(Some(obu::Settings {
            radios,
            bsm: Duration::from_millis(u64::from(air.bsm_ms)),
            gnss_sigma_m: air.gnss_sigma_m,
            advice: air.advice,
            least_advised_mps,
            warnings: air.warnings,
        }))
    }

    /// So long after the start of the roadside unit.
    pub fn moment(&self, after_start_s: f64) -> Mono {
        (Mono::ZERO + self.traffic()).offset_by(after_start_s)
    }

    /// The nominal plan.
    pub fn plan(&self) -> Result<Plan> {
        let signals = &self.file.signals;
        let stages = signals.stage.iter().map(|stage| {
            let phases: Result<Vec<PhaseId>, _> =
                stage.phases.iter().map(|&id| PhaseId::new(id)).collect();
            let seconds = |count: u16| Duration::from_secs(u64::from(count));
            Ok(Stage {
                phases: phases?,
                green: seconds(stage.green_s),
                flashing_green: seconds(stage.flashing_green_s),
                yellow: seconds(stage.yellow_s),
                all_red: seconds(stage.all_red_s),
            })
        });
        let stages: Result<Vec<Stage>> = stages.collect();
        Ok(Plan::new(
            stages?,
            Duration::from_secs_f64(signals.offset_s),
        )?)
    }

    /// Traffic before the roadside unit starts.
    pub fn traffic(&self) -> Duration {
        Duration::from_secs(u64::from(self.file.traffic_s))
    }

    /// How long the judge waits after the roadside unit has started.
    pub fn settle(&self) -> Duration {
        Duration::from_secs(u64::from(self.file.settle_s))
    }

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

    /// What cameras see and how well.
    pub fn camera_model(&self) -> Result<CameraModel> {
        let model = self.file.camera_model;
        model.context("there are cameras and no [camera-model]")
    }

    /// What stands beside the road.
    pub fn walls(&self) -> Result<Vec<Body>> {
        let tables = self.file.obstacle.iter().enumerate();
        tables.map(|(i, table)| table.body(i)).collect()
    }

    fn demand(&self) -> Vec<Demand> {
        let region = self.site.node.region;
        self.file
            .demand
            .iter()
            .map(|table| Demand {
                from: NodeId {
                    region,
                    id: table.from,
                },
                vehicles_per_hour: table.vehicles_per_hour,
                turns: TurnShares {
                    left: table.left,
                    right: table.right,
                },
                mix: Mix {
                    trucks: table.trucks,
                    buses: table.buses,
                },
            })
            .collect()
    }

    /// What the tables say about each other must hold.
    fn check(&self) -> Result<()> {
        let plan = self.plan()?;
        for phase in &self.site.phases {
            let name = &self.file.controller.name;
            ensure!(
                phase.controller == *name,
                "phase {} of the site is driven by {:?}, but the controller is {name:?}",
                phase.id,
                phase.controller
            );
            ensure!(
                plan.phases()
                    .iter()
                    .any(|planned| planned.phase == phase.id),
                "phase {} of the site is in no stage",
                phase.id
            );
        }
        for planned in plan.phases() {
            ensure!(
                self.site.phase(planned.phase).is_some(),
                "phase {} of a stage is not in the site",
                planned.phase
            );
        }
        let [least, most] = self.file.controller.delay_ms;
        ensure!(
            0.0 <= least && least <= most,
            "controller.delay-ms is not a range"
        );
        for demand in &self.file.demand {
            let shares = [
                ("left + right", demand.left + demand.right),
                ("trucks + buses", demand.trucks + demand.buses),
            ];
            for (what, sum) in shares {
                ensure!(
                    (0.0..=1.0).contains(&sum),
                    "demand from {}: {what} is {sum}, not a share",
                    demand.from
                );
            }
        }
        self.signals()?;
        self.check_faults()?;
        self.deeds()?;
        self.works(&Roads::of_site(&self.site)?)?;
        self.lines()?;
        self.wishes()?;
        self.spells()?;
        self.walls()?;
        if !self.file.camera.is_empty() {
            self.camera_model()?.check()?;
        }
        self.units()?;
        let signals = &self.file.signals;
        ensure!(
            (0.0..86_400.0).contains(&signals.offset_s),
            "signals.offset-s is not within a day"
        );
        Ok(())
    }
}

impl Scenario {
    /// The controller and the sensors.
    fn devices(&self) -> impl Iterator<Item = &str> {
        let file = &self.file;
        let radars = file.radar.iter().map(|radar| radar.name.as_str());
        let cameras = file.camera.iter().map(|camera| camera.name.as_str());
        radars.chain(cameras).chain([file.controller.name.as_str()])
    }

    fn check_faults(&self) -> Result<()> {
        for fault in &self.file.fault {
            ensure!(
                (0.0..=1.0).contains(&fault.share) && fault.from_s < fault.until_s,
                "a fault's share is from 0 to 1, and it begins before it ends"
            );
            let Some(of) = &fault.of else { continue };
            ensure!(
                self.devices().any(|name| name == of),
                "a fault is of {of:?}, and there is no such device"
            );
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

/// The file of the scenario with this name, or the file that is named.
pub(crate) fn file_of(name: &str) -> Option<PathBuf> {
    let as_path = Path::new(name);
    if as_path.extension().is_some_and(|ending| ending == "toml") {
        return Some(as_path.to_owned());
    }
    let files = folders().into_iter();
    files
        .map(|folder| folder.join(name).with_extension("toml"))
        .find(|file| file.is_file())
}

/// The files of all scenarios, by name.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let Some(folder) = folders().into_iter().find(|folder| folder.is_dir()) else {
        bail!("there is no folder configs/scenarios here");
    };
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| file.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

/// Where scenarios are looked for: here, then where this program was built.
fn folders() -> [PathBuf; 2] {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    [PathBuf::from("configs/scenarios"), PathBuf::from(built)]
}

fn utc(datetime: toml::value::Datetime) -> Result<Utc> {
    let (Some(date), Some(time)) = (datetime.date, datetime.time) else {
        bail!("give a date and a time, such as 2026-03-20T08:00:00Z");
    };
    let civil = Civil {
        year: i32::from(date.year),
        month: date.month,
        day: date.day,
        hour: time.hour,
        minute: time.minute,
        second: time.second.unwrap_or(0),
        nanosecond: time.nanosecond.unwrap_or(0),
    };
    Utc::from_civil(civil).context("there is no such date")
}
