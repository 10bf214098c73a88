//! `rsu map import`: a road model of another origin to a site's file.
//!
//! Notes and faults go to stderr, the site to a file or stdout; what was made is read again as
//! `rsu map check` would, and every finding told. Not here: how road models are read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use v2x_msg::base::GeoPosition;

use super::super::load::read;
use super::{CANNOT_WRITE, CONFIG, MALFORMED, NO_INPUT, USAGE, checked, print};
use crate::site::import::{Format, Imported, Junction, Model, Options, Refused};

/// Arguments of `rsu map import`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The road model. Its name tells the format: .net.xml, .xodr, .geojson or .json.
    file: PathBuf,
    /// The format, where the name does not tell it.
    #[arg(long, value_enum)]
    format: Option<Kind>,
    /// The junction, by the road model's own id. Not needed where it has one junction with signals.
    #[arg(long, conflicts_with = "all")]
    node: Option<String>,
    /// Every junction with signals, each to a file of its own in the folder named by --out.
    #[arg(long, requires = "out")]
    all: bool,
    /// Where to write the site; stdout where nothing is said.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where the road model's x=0, y=0 is, LAT,LON in degrees of WGS-84 (not GCJ-02): only for
    /// models that do not say.
    #[arg(long, value_parser = origin, allow_hyphen_values = true)]
    origin: Option<GeoPosition>,
    /// How far from the stop line a road is told, in metres from 20 to 2000.
    #[arg(long, value_parser = reach, default_value = "300")]
    reach_m: f64,
    /// The input that reports the lamps, by its name in the configuration.
    #[arg(long, default_value = "signal")]
    controller: String,
    /// The first of the numbers that nodes are given; 0 to 255 are test values.
    #[arg(long, default_value = "256")]
    first_node: u16,
    /// The region of all nodes.
    #[arg(long)]
    region: Option<u16>,
    /// The road is made up, and the site shall say so.
    #[arg(long)]
    synthetic: bool,
}

const EXAMPLES: &str = "\
Examples:
  rsu map import town.net.xml                          list the junctions, if there are several
  rsu map import town.net.xml --node J7 --out j7.toml  one of them
  rsu map import town.xodr --all --out sites/          each junction with signals
  rsu map import drawn.geojson --out mine.toml         what was drawn in QGIS
Then: rsu map check mine.toml. docs/sites.md explains what to draw and what each key means.";

/// A format that can be imported.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// SUMO's .net.xml
    Sumo,
    /// ASAM OpenDRIVE, .xodr
    Opendrive,
    /// GeoJSON with the properties of `rsu map export`
    Geojson,
}

impl ImportArgs {
    fn format(&self) -> Option<Format> {
        match self.format {
            Some(Kind::Sumo) => Some(Format::Sumo),
            Some(Kind::Opendrive) => Some(Format::OpenDrive),
            Some(Kind::Geojson) => Some(Format::GeoJson),
            None => Format::of_name(&self.file.to_string_lossy()),
        }
    }

    fn options(&self) -> Options {
        Options {
            origin: self.origin,
            reach_m: self.reach_m,
            controller: self.controller.clone(),
            first_node: self.first_node,
            region: self.region,
            synthetic: self.synthetic,
        }
    }
}

/// Runs the command; exit codes as in [`super::map`].
pub(super) fn import(arguments: &ImportArgs) -> ExitCode {
    let name = arguments.file.display();
    let Some(format) = arguments.format() else {
        eprintln!(
            "failed to import {name}: its name does not tell the format; say --format sumo, opendrive or geojson"
        );
        return USAGE.into();
    };
    let text = match read(&arguments.file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("failed to import {name}: {error}");
            return NO_INPUT.into();
        }
    };
    let options = arguments.options();
    let model = match Model::read(format, &text, &options) {
        Ok(model) => model,
        Err(fault) => return refuse(arguments, &fault),
    };
    let chosen = match choose(arguments, &model.junctions()) {
        Ok(chosen) => chosen,
        Err(told) => {
            eprintln!("failed to import {name}: {told}");
            return USAGE.into();
        }
    };
    let mut worst = 0;
    for key in &chosen {
        match model.site(key, &options) {
            Ok(imported) => worst = worst.max(write(arguments, key, &imported)),
            Err(fault) => {
                refuse(arguments, &fault);
                worst = worst.max(MALFORMED);
            }
        }
    }
    worst.into()
}

fn refuse(arguments: &ImportArgs, fault: &Refused) -> ExitCode {
    let name = arguments.file.display();
    match fault {
        Refused::Malformed { line, reason } => eprintln!("{name}:{line}: {reason}"),
        Refused::Unusable(reason) => eprintln!("failed to import {name}: {reason}"),
        Refused::Several(faults) => {
            for fault in faults {
                refuse(arguments, fault);
            }
        }
    }
    MALFORMED.into()
}

/// The junctions to import; else what to type.
fn choose(arguments: &ImportArgs, junctions: &[Junction]) -> Result<Vec<String>, String> {
    let signals: Vec<&Junction> = junctions
        .iter()
        .filter(|junction| junction.signals)
        .collect();
    if let Some(key) = &arguments.node {
        return Ok(vec![key.clone()]);
    }
    match (&signals[..], junctions) {
        ([], []) => Err("no junction is in it".to_owned()),
        (_, [_]) | ([_], _) => Ok(vec![junctions[0].key.clone()]),
        (several, _) if arguments.all && !several.is_empty() => Ok(several
            .iter()
            .map(|junction| junction.key.clone())
            .collect()),
        _ if arguments.all => {
            Err("no junction in it has signals; choose one with --node".to_owned())
        }
        _ => Err(format!(
            "choose a junction with --node, or take --all:{}",
            list(junctions)
        )),
    }
}

/// At most this many are listed; a city has thousands.
const MOST_LISTED: usize = 40;

fn list(junctions: &[Junction]) -> String {
    let mut text = String::new();
    for junction in junctions.iter().take(MOST_LISTED) {
        let signals = if junction.signals { ", signals" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n  {} ({} approaches{signals})",
            junction.key, junction.approaches
        );
    }
    if let Some(more) = junctions
        .len()
        .checked_sub(MOST_LISTED)
        .filter(|more| *more > 0)
    {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// Writes one site and tells what is wrong or unwise about it.
fn write(arguments: &ImportArgs, key: &str, imported: &Imported) -> u8 {
    let path = match (&arguments.out, arguments.all) {
        (Some(folder), true) => Some(folder.join(file_name(key))),
        (out, _) => out.clone(),
    };
    let shown = path
        .as_deref()
        .unwrap_or(Path::new("site.toml"))
        .display()
        .to_string();
    for note in &imported.notes {
        eprintln!("{shown}: note: {note}");
    }
    let result = match &path {
        Some(path) => {
            let parent = path.parent().filter(|_| arguments.all);
            let made = parent.map_or(Ok(()), fs::create_dir_all);
            match made.and_then(|()| fs::write(path, &imported.toml)) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("failed to write {shown}: {error}");
                    CANNOT_WRITE
                }
            }
        }
        None if print(&imported.toml) == ExitCode::SUCCESS => 0,
        None => CANNOT_WRITE,
    };
    match checked(&imported.toml, &shown) {
        Ok((_, remarks)) if remarks.is_empty() => result,
        Ok((_, remarks)) => {
            eprintln!("{remarks}");
            result
        }
        Err(findings) => {
            eprintln!("{findings}");
            result.max(CONFIG)
        }
    }
}

/// A junction's id as the name of a file: what might be a path is not.
fn file_name(key: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = key.chars().map(plain).take(100).collect();
    format!("{name}.toml")
}

fn origin(text: &str) -> Result<GeoPosition, String> {
    let (lat, lon) = text
        .split_once(',')
        .ok_or("must be LAT,LON such as 31.284,121.161")?;
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .map_err(|_| format!("{text} is not a number"))
    };
    GeoPosition::from_deg(number(lat)?, number(lon)?, None).map_err(|fault| fault.to_string())
}

fn reach(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(reach_m) if (20.0..=2000.0).contains(&reach_m) => Ok(reach_m),
        _ => Err("must be from 20 to 2000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_junction_never_names_a_path() {
        assert_eq!(file_name("../J 1/x"), "___J_1_x.toml");
    }

    #[test]
    fn an_origin_is_latitude_and_longitude() {
        let place = origin("31.284, 121.161").unwrap();
        assert!((place.lon_deg() - 121.161).abs() < 1e-9);
        assert!(origin("31.284").is_err() && origin("131,121").is_err() && origin("x,1").is_err());
    }
}
