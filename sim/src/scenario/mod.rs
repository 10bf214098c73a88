//! A scenario: one TOML file that says what the world is, what can be seen of it, and what must
//! come out.
//!
//! A new scenario is a new file in `configs/scenarios/`, no code. From it come the world, the
//! sensors and the configuration of the roadside unit, through the unit's own reader, so that
//! simulated and real units are configured alike.
//!
//! - [`file`]: the file, key by key; `read`: how it is found, what it extends, and what is set besides;
//!   `located`: in which line of which file it is wrong
//! - [`limits`]: what must hold
//! - [`map`]: the junction, also out of a road model of other origin
//! - `figures`: rates, shares and times that are none are refused
//! - [`demand`]: who comes by chance; `hours`: how that goes up and down over the day; [`traffic`]: who by a timetable, and how all drive; [`users`]: who walks, rides, or lies on the road; [`parked`]: what is parked
//! - [`signals`]: the plan, and who decides
//! - [`devices`]: the controller, radars, the weather, and what goes wrong
//! - [`sensing`]: cameras, and what hides
//! - [`air`]: vehicles with radios
//! - [`sumo`]: a network that SUMO drives
//! - [`unit`]: the configuration of the roadside unit

pub mod air;
pub mod demand;
pub mod devices;
mod figures;
pub mod file;
mod hours;
pub mod limits;
pub(crate) mod located;
pub mod map;
pub mod parked;
pub(crate) mod read;
pub mod sensing;
pub mod signals;
pub mod sumo;
pub mod traffic;
pub mod unit;
pub mod users;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rsu::clock::Mono;
use rsu::site::Site;
use v2x_msg::base::{Civil, Utc};

pub use self::air::AirTable;
pub use self::demand::{DemandTable, RidersTable};
pub use self::devices::{
    ControllerTable, FaultTable, Language, LineKind, MountTable, RadarModel, RadarTable,
};
pub use self::file::ScenarioFile;
pub use self::limits::Limits;
pub use self::map::MapTable;
pub use self::parked::{ParkedKind, ParkedTable};
pub use self::sensing::{
    BoxLanguage, CameraModel, CameraTable, IdsModel, ObstacleTable, SurveyTable,
};
pub use self::signals::{SignalsTable, StageTable};
pub use self::sumo::SumoTable;
pub use self::traffic::{EventTable, LineTable, TrafficTable, WorksTable};
pub use self::unit::Addresses;
pub use self::users::UserTable;

/// A scenario as its file has it, checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the file says.
    pub file: ScenarioFile,
    /// The junction that it names.
    pub site: Site,
    /// Where the junction's own file is, or the road model that it is made of.
    pub site_path: PathBuf,
    /// And what stands in it, or would.
    pub site_text: String,
    /// UTC of the start of the roadside unit.
    pub start: Utc,
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
        let controller = &parsed.controller.name;
        let (site_path, site_text) = map::site_text(&parsed.site, parsed.map.as_ref(), controller)
            .with_context(|| shown.to_string())?;
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
        match read::file_of(name) {
            Some(file) => Self::load_with(&file, settings),
            None => bail!("there is no scenario {name:?}; `sim list` shows those that there are"),
        }
    }

    /// Every scenario of one junction, by name.
    pub fn all() -> Result<Vec<Self>> {
        let files = read::files()?;
        let of_one = files.iter().filter(|file| !read::is_network(file));
        of_one.map(|file| Self::load(file)).collect()
    }

    /// So long after the start of the roadside unit.
    pub fn moment(&self, after_start_s: f64) -> Mono {
        (Mono::ZERO + self.traffic()).offset_by(after_start_s)
    }

    /// Traffic before the roadside unit starts.
    pub fn traffic(&self) -> Duration {
        Duration::from_secs(u64::from(self.file.traffic_s))
    }

    /// How long the judge waits after the roadside unit has started.
    pub fn settle(&self) -> Duration {
        Duration::from_secs(u64::from(self.file.settle_s))
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
        self.check_demand()?;
        self.riders()?;
        self.signals()?;
        self.check_faults()?;
        self.deeds()?;
        self.works(&self.roads()?)?;
        self.lines()?;
        self.wishes()?;
        self.parked()?;
        self.spells()?;
        self.walls()?;
        if !self.file.camera.is_empty() {
            self.camera_model()?.check()?;
        }
        self.units()?;
        self.check_sumo()?;
        let signals = &self.file.signals;
        ensure!(
            (0.0..86_400.0).contains(&signals.offset_s),
            "signals.offset-s is not within a day"
        );
        Ok(())
    }
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
