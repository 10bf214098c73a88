//! A scenario with junctions, as it is written.
//!
//! Such a file has `[[junction]]`s. What stands at its top is common to all of them, key by key as in
//! any scenario; what a junction says besides its place is said of it alone. Numbers of nodes are
//! those of the site's file in either.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rsu::site::Site;
use serde::Deserialize;
use toml::{Table, Value};
use v2x_msg::base::{Enu, EnuFrame};

use super::joined::{Joined, Place};
use super::limits::NetworkLimits;
use super::lines::Line;
use super::place::{Origin, Placing};
use super::timetable::LineTable;
use crate::obu::fleet::{self, Fleet};
use crate::plane::Point;
use crate::random::mix;
use crate::scenario::map::{self, MapTable};
use crate::scenario::{Scenario, located, read};
use crate::truth::Epoch;
use crate::world::World;

/// A scenario with several junctions, checked.
#[derive(Clone, Debug)]
pub struct Network {
    /// As people call it; the name of the file.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Why it does not pass yet, if it does not.
    pub expected_to_fail: Option<String>,
    /// By number of their nodes.
    pub junctions: Vec<Junction>,
    /// What is said of the whole.
    pub table: NetworkTable,
}

/// One junction.
#[derive(Clone, Debug)]
pub struct Junction {
    /// How reports call it.
    pub name: String,
    /// It alone.
    pub scenario: Scenario,
    /// Its origin, on the plane of the network.
    pub origin: Point,
}

/// What is said of the whole: `[network]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetworkTable {
    /// Where `at-m` of the junctions counts from.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Lines of buses, and ways of emergency vehicles.
    #[serde(default)]
    pub line: Vec<LineTable>,
    /// What must hold of the whole.
    #[serde(default)]
    pub limits: NetworkLimits,
}

impl Network {
    /// The network with this name or in this file; None if that is a scenario of one junction, or none.
    pub fn find_with(name: &str, settings: &[(String, String)]) -> Result<Option<Self>> {
        let Some(file) = read::file_of(name) else {
            return Ok(None);
        };
        if !read::is_network(&file) {
            return Ok(None);
        }
        Self::load_with(&file, settings).map(Some)
    }

    /// Every network, by name.
    pub fn all() -> Result<Vec<Self>> {
        let files = read::files()?;
        let networks = files.iter().filter(|file| read::is_network(file));
        networks.map(|file| Self::load_with(file, &[])).collect()
    }

    /// Reads `file` and the sites that it names, with keys set to other values.
    pub fn load_with(file: &Path, settings: &[(String, String)]) -> Result<Self> {
        Self::read(file, settings).map_err(|e| {
            let located = located::located_in_network(file, &format!("{e:#}"));
            located.map_or(e, |located| anyhow!(located))
        })
    }

    fn read(file: &Path, settings: &[(String, String)]) -> Result<Self> {
        let shown = file.display();
        let mut whole = read::whole(file, settings)?;
        let wrong = || format!("{shown} is not a network");
        let table: NetworkTable = match whole.remove("network") {
            Some(table) => table.try_into().with_context(wrong)?,
            None => NetworkTable::default(),
        };
        let Some(Value::Array(junctions)) = whole.remove("junction") else {
            bail!("{shown}: [[junction]] is no list of tables");
        };
        let expected_to_fail = whole.remove("expected-to-fail");
        let text = |key: &str| -> Result<String> {
            let value = whole.get(key).and_then(Value::as_str);
            Ok(value
                .with_context(|| format!("{shown}: there is no {key}"))?
                .to_owned())
        };
        let (name, summary) = (text("name")?, text("summary")?);
        let frame = table.origin.map(Origin::frame).transpose()?;
        let mut read = Vec::new();
        for (i, junction) in junctions.iter().enumerate() {
            let junction = junction.as_table().with_context(wrong)?;
            let junction = one(&name, &whole, junction, frame)
                .with_context(|| format!("{shown}: junction {}", i + 1))?;
            read.push(junction);
        }
        read.sort_by_key(|(_, scenario)| scenario.site.node);
        let plane = frame.or(read.first().map(|(_, scenario)| scenario.site.frame));
        let plane = plane.with_context(|| format!("{shown}: there is no junction"))?;
        let junctions = read.into_iter().map(|(name, scenario)| {
            let Enu {
                east_m, north_m, ..
            } = plane.enu(scenario.site.frame.origin());
            Junction {
                name,
                scenario,
                origin: Point::new(east_m, north_m),
            }
        });
        let network = Self {
            name,
            summary,
            expected_to_fail: expected_to_fail.and_then(|why| why.as_str().map(str::to_owned)),
            junctions: junctions.collect(),
            table,
        };
        // What does not fit together is refused now.
        network.worlds(0).with_context(|| shown.to_string())?;
        Ok(network)
    }

    /// The worlds of the junctions, empty, at the origin of time, and how they are joined.
    pub fn worlds(&self, seed: u64) -> Result<(Joined, Vec<World>)> {
        let count = self.junctions.len() as u32;
        let worlds = self.junctions.iter().zip(0..);
        let worlds = worlds.map(|(junction, place)| {
            let seed = junction.seed(seed);
            Ok(junction.scenario.world(seed)?.sharing_ids(place, count))
        });
        let mut worlds = worlds.collect::<Result<Vec<World>>>()?;
        let joined = self.join(&mut worlds)?;
        Ok((joined, worlds))
    }

    /// Joins these worlds of the junctions.
    pub fn join<W: AsMut<World> + AsRef<World>>(&self, worlds: &mut [W]) -> Result<Joined> {
        let places = self.junctions.iter().map(|junction| Place {
            node: junction.scenario.site.node,
            origin: junction.origin,
        });
        let joined = Joined::new(places.collect(), worlds)?;
        let lines = self.table.line.iter();
        let lines = lines.map(|table| table.line(joined.places(), worlds));
        let lines = lines.collect::<Result<Vec<Line>>>()?;
        Ok(joined.with_lines(lines))
    }

    /// Vehicles with on-board units, if there are any, for all junctions together.
    pub fn fleet(&self, epoch: Epoch, seed: u64) -> Result<Option<Fleet>> {
        let units = self.junctions.first().map(|one| one.scenario.units());
        let Some(settings) = units.transpose()?.flatten() else {
            return Ok(None);
        };
        let junctions = self.junctions.iter().map(|one| fleet::Junction {
            node: one.scenario.site.node,
            frame: one.scenario.site.frame,
            origin: one.origin,
            equipped: one.scenario.equipped(),
        });
        Ok(Some(Fleet::new(settings, junctions.collect(), epoch, seed)))
    }

    /// How long a run is.
    pub fn duration(&self) -> Duration {
        let seconds = self
            .junctions
            .first()
            .map_or(0, |one| one.scenario.file.duration_s);
        Duration::from_secs(u64::from(seconds))
    }

    /// Whether any of it is made up.
    pub fn synthetic(&self) -> bool {
        self.junctions.iter().any(|one| one.scenario.site.synthetic)
    }
}

impl Junction {
    /// The chance of this junction in a network's: no two draw the same.
    pub fn seed(&self, seed: u64) -> u64 {
        let node = self.scenario.site.node;
        mix(seed ^ mix(u64::from(node.region.unwrap_or(0)) << 16 | u64::from(node.id)))
    }
}

/// One junction: what is common, with what it says itself.
fn one(
    network: &str,
    common: &Table,
    own: &Table,
    frame: Option<EnuFrame>,
) -> Result<(String, Scenario)> {
    let about_place = |key: &str| Placing::KEYS.contains(&key);
    let (mut place, mut more) = (Table::new(), Table::new());
    for (key, value) in own {
        ensure!(
            !COMMON.contains(&&**key),
            "{key} is said for all junctions at once"
        );
        let into = if about_place(key) {
            &mut place
        } else {
            &mut more
        };
        into.insert(key.clone(), value.clone());
    }
    let placing: Placing = Value::Table(place).try_into()?;
    let mut whole = common.clone();
    read::merge(&mut whole, more);
    whole.insert(
        "name".to_owned(),
        format!("{network} {}", placing.name).into(),
    );
    let site_path = whole.get("site").and_then(Value::as_str);
    let site_path = PathBuf::from(site_path.context("there is no site")?);
    let map = whole.get("map").cloned().map(Value::try_into);
    let map: Option<MapTable> = map.transpose().context("map")?;
    let controller = whole.get("controller").and_then(|table| table.get("name"));
    let controller = controller.and_then(Value::as_str).unwrap_or_default();
    let (site_path, text) = map::site_text(&site_path, map.as_ref(), controller)?;
    let shown = format!("{}, placed as {}", site_path.display(), placing.name);
    let mut site: Table = toml::from_str(&text).with_context(|| shown.clone())?;
    let number = site.get("site").and_then(|site| site.get("node"));
    let number = number.and_then(Value::as_integer);
    placing
        .site(&mut site, frame)
        .with_context(|| shown.clone())?;
    placing.scenario(&mut whole, number)?;
    let text = toml::to_string(&site)?;
    let site = match Site::parse(&text, &shown) {
        Ok(site) => site,
        Err(findings) => {
            let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
            bail!("{}", all.join("\n"));
        }
    };
    let file = Value::Table(whole).try_into()?;
    let site_path = site_path.with_file_name(format!("{} ({}).toml", placing.name, site.node));
    Ok((placing.name, Scenario::of(file, site, text, site_path)?))
}

/// What all junctions have in common.
const COMMON: [&str; 9] = [
    "air",
    "summary",
    "start",
    "duration-s",
    "traffic-s",
    "settle-s",
    "expected-to-fail",
    "network",
    "extends",
];
