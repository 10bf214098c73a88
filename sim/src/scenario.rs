//! A scenario: one TOML file that says what the world is, what can be seen of it, and what must
//! come out.
//!
//! A new scenario is a new file in `configs/scenarios/`, no code. From it come the world, the
//! sensors and the configuration of the roadside unit, through the unit's own reader, so that
//! simulated and real units are configured alike.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rsu::inputs::Mount;
use rsu::site::Site;
use serde::Deserialize;
use v2x_msg::base::{Civil, NodeId, PhaseId, Utc};

use crate::world::roads::Roads;
use crate::world::signals::{Plan, Stage};
use crate::world::vehicles::{Mix, TurnShares};
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
    /// UTC of the start of the roadside unit.
    pub start: Utc,
}

/// The file, key by key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScenarioFile {
    /// As people call it; the name of the file.
    pub name: String,
    /// One line.
    pub summary: String,
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
    /// The signal plan.
    pub signals: SignalsTable,
    /// The signal controller.
    pub controller: ControllerTable,
    /// The radars.
    pub radar: Vec<RadarTable>,
    /// What a radar sees and how well.
    pub radar_model: RadarModel,
    /// Added to the roadside unit's configuration as it stands.
    #[serde(default)]
    pub rsu: toml::Table,
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
}

/// The signal plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalsTable {
    /// A cycle begins so long after the origin of simulated time.
    pub offset_s: f64,
    /// The stages in their order.
    pub stage: Vec<StageTable>,
}

/// One stage of the plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StageTable {
    /// The phases that are green.
    pub phases: Vec<u8>,
    /// Steady green.
    pub green_s: u16,
    /// Flashing green after it.
    pub flashing_green_s: u16,
    /// Yellow after that.
    pub yellow_s: u16,
    /// Red for all before the next stage.
    pub all_red_s: u16,
}

/// The signal controller and its line to the roadside unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControllerTable {
    /// As the site's phases call it.
    pub name: String,
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
}

/// One radar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RadarTable {
    /// How logs call it.
    pub name: String,
    /// Where it stands and which way it looks.
    pub mount: MountTable,
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
}

/// What must hold for a run to pass, and how it is measured.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Share of phases in SPAT that show the colour of the lamps when they were read, at least.
    pub colour_share_min: f64,
    /// The same when the SPAT arrives, at least.
    pub arrival_colour_share_min: f64,
    /// Error of the end of the running state, median.
    pub countdown_p50_s: f64,
    /// The same, 99th percentile.
    pub countdown_p99_s: f64,
    /// Share of running states that say when they end, at least.
    pub countdown_share_min: f64,
    /// SPATs a second, at least.
    pub spat_rate_min_hz: f64,
    /// From the reading of the lamps to the arrival of the SPAT, 99th percentile.
    pub spat_age_p99_s: f64,
    /// MAPs a second, at least.
    pub map_rate_min_hz: f64,
    /// RSIs a second, at least.
    pub rsi_rate_min_hz: f64,
    /// Pictures of the road a second, at least.
    pub rsm_rate_min_hz: f64,
    /// From secMark to the arrival of the RSM, 99th percentile.
    pub rsm_age_p99_s: f64,
    /// Distance of a road user from where RSM says, median.
    pub position_p50_m: f64,
    /// The same, 95th percentile.
    pub position_p95_m: f64,
    /// Difference of speeds, 95th percentile.
    pub speed_p95_mps: f64,
    /// Share of road users within coverage that RSM does not show, at most.
    pub missed_share_max: f64,
    /// Share of what RSM shows that is nobody, or somebody a second time, at most.
    pub false_share_max: f64,
    /// Road users that change their id, at most.
    pub id_switches_per_minute_max: f64,
    /// Frames that cannot be decoded or were lost on the way, at most.
    pub undecoded_max: u32,
    /// A road user is within coverage if a radar is at least so near,
    pub coverage_range_m: f64,
    /// and it is at most so far off the radar's axis;
    pub coverage_half_angle_deg: f64,
    /// or if one is at least so near,
    pub near_coverage_range_m: f64,
    /// and it is at most so far off its axis.
    pub near_coverage_half_angle_deg: f64,
    /// A track and a road user nearer than this belong together.
    pub match_m: f64,
}

/// Where the simulated devices and the listener are, as the roadside unit is told.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Where the roadside unit listens for the controller.
    pub controller: SocketAddr,
    /// Where each radar waits for the roadside unit.
    pub radars: Vec<SocketAddr>,
    /// Where frames go.
    pub radio: Vec<SocketAddr>,
}

impl Scenario {
    /// Reads `file` and the site that it names.
    pub fn load(file: &Path) -> Result<Self> {
        let shown = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
        let parsed: ScenarioFile =
            toml::from_str(&text).with_context(|| format!("{shown} is not a scenario"))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let site_path = folder.join(&parsed.site);
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
        let start = utc(parsed.start).with_context(|| format!("{shown}: start"))?;
        let scenario = Self {
            file: parsed,
            site,
            site_path,
            start,
        };
        scenario.check().with_context(|| shown.to_string())?;
        Ok(scenario)
    }

    /// The scenario with this name, or in this file.
    pub fn find(name: &str) -> Result<Self> {
        let as_path = Path::new(name);
        if as_path.extension().is_some_and(|ending| ending == "toml") {
            return Self::load(as_path);
        }
        for folder in folders() {
            let file = folder.join(name).with_extension("toml");
            if file.is_file() {
                return Self::load(&file);
            }
        }
        bail!("there is no scenario {name:?}; `sim list` shows those that there are");
    }

    /// Every scenario, by name.
    pub fn all() -> Result<Vec<Self>> {
        let Some(folder) = folders().into_iter().find(|folder| folder.is_dir()) else {
            bail!("there is no folder configs/scenarios here");
        };
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}", folder.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|file| file.extension().is_some_and(|ending| ending == "toml"))
            .collect();
        files.sort();
        files.iter().map(|file| Self::load(file)).collect()
    }

    /// The world of this scenario, empty, at the origin of time.
    pub fn world(&self, seed: u64) -> Result<World> {
        let roads = Roads::of_site(&self.site)?;
        Ok(World::new(roads, self.plan()?, self.demand(), seed)?)
    }

    /// The signal plan.
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
        let radars: Vec<toml::Value> = self
            .file
            .radar
            .iter()
            .zip(&at.radars)
            .map(|(radar, address)| self.radar_config(radar, *address).into())
            .collect();
        let controller = table([
            ("name", self.file.controller.name.clone().into()),
            ("listen", format!("udp://{}", at.controller).into()),
        ]);
        let inputs = table([
            ("gat1743", vec![controller].into()),
            ("ars408", radars.into()),
        ]);
        complete(&mut config, "input", inputs);
        Ok(toml::to_string(&config)?)
    }

    fn radar_config(&self, radar: &RadarTable, address: SocketAddr) -> toml::Table {
        let model = &self.file.radar_model;
        let mount = table([
            ("east-m", radar.mount.east_m.into()),
            ("north-m", radar.mount.north_m.into()),
            ("up-m", radar.mount.up_m.into()),
            ("heading-deg", radar.mount.heading_deg.into()),
        ]);
        table([
            ("name", radar.name.clone().into()),
            ("connect", format!("tcp://{address}").into()),
            ("mount", mount.into()),
            ("latency-ms", (model.latency_ms.round() as i64).into()),
            // Where silence counts: the wide beam. Farther out only the narrow one reaches.
            ("half-angle-deg", model.near_half_angle_deg.into()),
            ("range-m", model.near_range_m.into()),
        ])
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
        let signals = &self.file.signals;
        ensure!(
            (0.0..86_400.0).contains(&signals.offset_s),
            "signals.offset-s is not within a day"
        );
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
