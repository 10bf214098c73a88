//! Road models of other origin to a site's file: SUMO, OpenDRIVE, GeoJSON.
//!
//! - `place`: where a road model's coordinates are on the earth
//! - `xml`: elements and attributes, every fault with its line; `faults`: all of them together
//! - `net`: junctions, roads, turns and crosswalks as all of them have them
//! - `sumo`: SUMO's `.net.xml`
//! - `opendrive`: a subset of ASAM OpenDRIVE 1.4 to 1.8
//! - `geojson`: what our own export writes and a person draws in QGIS; `feature`: one piece of it
//! - `through`: roads that go on where the model cuts them
//! - `phases`: which lamps are one phase
//! - `assemble`: one junction of a net as a [`Site`]
//!
//! A road model is read whole ([`Model::read`]), then any of its junctions becomes a site
//! ([`Model::site`]); the neighbours have the same node numbers in every site of one model. What a
//! road model does not say is asked for ([`Options`]) or told in the notes that stand at the head of
//! the file. Bad input is refused with its line; what it costs is bounded by its length.

mod assemble;
mod faults;
mod feature;
mod geojson;
mod net;
mod opendrive;
mod phases;
mod place;
mod sumo;
#[cfg(test)]
mod tests;
mod through;
mod xml;

use v2x_msg::base::GeoPosition;

use super::Site;

/// Whose road model it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SUMO's `.net.xml`.
    Sumo,
    /// ASAM OpenDRIVE, `.xodr`.
    OpenDrive,
    /// GeoJSON in degrees (RFC 7946) with the properties of our export.
    GeoJson,
}

impl Format {
    /// What a file's name says about it.
    pub fn of_name(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let ends = |end: &str| name.ends_with(end);
        if ends(".net.xml") {
            Some(Format::Sumo)
        } else if ends(".xodr") {
            Some(Format::OpenDrive)
        } else if ends(".geojson") || ends(".json") {
            Some(Format::GeoJson)
        } else {
            None
        }
    }
}

/// What a road model does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the model's zero is, if the model itself does not say; x leads east, y north.
    pub origin: Option<GeoPosition>,
    /// How far from its stop line a road is told, in metres, 20 to 2,000.
    pub reach_m: f64,
    /// The input that reports the lamps, by its name in the configuration.
    pub controller: String,
    /// The first number given to a junction that has none of its own; 0 to 255 are test values.
    pub first_node: u16,
    /// The region of all nodes.
    pub region: Option<u16>,
    /// The geometry is made up; whoever shows it must say so.
    pub synthetic: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            origin: None,
            reach_m: 300.0,
            controller: "signal".to_owned(),
            first_node: 256,
            region: None,
            synthetic: false,
        }
    }
}

/// A road model that was read.
#[derive(Debug)]
pub struct Model(Inner);

#[derive(Debug)]
enum Inner {
    Net(net::Net),
    /// GeoJSON tells one junction, and tells it as a site does.
    Site(Box<Site>, Vec<String>),
}

/// A junction of a road model.
#[derive(Clone, Debug, PartialEq)]
pub struct Junction {
    /// The model's own id of it.
    pub key: String,
    /// How many roads lead to it.
    pub approaches: usize,
    /// Whether signals rule it.
    pub signals: bool,
}

/// A site's file that was made of a road model.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The site.
    pub site: Site,
    /// Its file.
    pub toml: String,
    /// What a person should look at.
    pub notes: Vec<String>,
}

/// A road model that cannot be read, or a junction that cannot be made a site.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Not what the format says.
    #[error("line {line}: {reason}")]
    Malformed {
        /// From 1.
        line: u32,
        /// As a fragment.
        reason: String,
    },
    /// It is well-formed, but no site can be made of it.
    #[error("{0}")]
    Unusable(String),
    /// Several of these.
    #[error("{}", told(.0))]
    Several(Vec<Refused>),
}

/// One a line.
fn told(faults: &[Refused]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("\n")
}

/// What is said of phases that nobody says to be in conflict.
const FROM_PATHS: &str =
    "phases conflict where their paths cross; compare with the controller's own matrix";

impl Refused {
    fn unusable(reason: impl Into<String>) -> Self {
        Refused::Unusable(reason.into())
    }
}

impl Model {
    /// Reads a road model.
    ///
    /// # Errors
    /// It is not what the format says, or nothing that is needed is in it.
    pub fn read(format: Format, text: &str, options: &Options) -> Result<Model, Refused> {
        Ok(Model(match format {
            Format::Sumo => Inner::Net(sumo::read(text, options)?),
            Format::OpenDrive => Inner::Net(opendrive::read(text, options)?),
            Format::GeoJson => {
                let (site, notes) = geojson::read(text, options)?;
                Inner::Site(Box::new(site), notes)
            }
        }))
    }

    /// Its junctions where roads from several sides meet, those with signals first.
    pub fn junctions(&self) -> Vec<Junction> {
        match &self.0 {
            Inner::Net(net) => net.junctions(),
            Inner::Site(site, _) => vec![Junction {
                key: site.node.to_string(),
                approaches: site.approaches().count(),
                signals: !site.phases.is_empty(),
            }],
        }
    }

    /// One junction as a site; what is still wrong with it `Site::parse` tells of its file.
    ///
    /// # Errors
    /// There is no such junction, or no site can be made of it.
    pub fn site(&self, key: &str, options: &Options) -> Result<Imported, Refused> {
        let (site, notes) = match &self.0 {
            Inner::Net(net) => assemble::site(net, key, options)?,
            Inner::Site(site, notes) => (site.as_ref().clone(), notes.clone()),
        };
        let toml = site.to_toml(&notes);
        Ok(Imported { site, toml, notes })
    }
}
