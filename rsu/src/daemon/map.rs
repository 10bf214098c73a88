//! `rsu map`: a site's road model, checked and in the formats of others.
//!
//! The road model is the site's TOML file, which `site` reads and checks; what goes on the air is
//! made of it by `services::map`, here as there. Rooms: [`geojson`] out, [`import`] in. Not here: how
//! road models of other origin are read, which `site::import` knows.

pub(super) mod geojson;
mod import;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use v2x_msg::Message;
use v2x_msg::access::dsmp::MAX_DATA;
use v2x_msg::base::{Enu, MinuteOfYear};
use v2x_msg::kinds::Map;

use super::load::{read, unreadable};
use crate::config::{Findings, Severity};
use crate::services::map::{self, LeftOut};
use crate::sheet::{Finding, Reason};
use crate::site::{Site, line, simplify};

/// What `rsu map` is asked to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum MapCommand {
    /// Tell everything that is wrong in a site's file, with line and reason; else what is in it.
    Check {
        /// The site.
        file: PathBuf,
    },
    /// Print a site in another format.
    Export {
        /// The site.
        file: PathBuf,
        /// Which one.
        #[arg(long, value_enum, default_value = "geojson")]
        format: Format,
    },
    /// Make a site of a road model: SUMO .net.xml, OpenDRIVE .xodr, GeoJSON drawn in QGIS.
    Import(import::ImportArgs),
}

/// A format that a site can be printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For maps on a screen: one FeatureCollection in degrees of WGS-84 (RFC 7946).
    Geojson,
    /// MAP as it is sent, without date and count: a line of hexadecimal digits for each message.
    Uper,
    /// The same as JSON (JER, X.697): a line for each message.
    Jer,
}

/// What was typed does not choose a junction (EX_USAGE).
const USAGE: u8 = 64;
/// The road model makes no sense (EX_DATAERR).
const MALFORMED: u8 = 65;
/// The road model cannot be opened (EX_NOINPUT).
const NO_INPUT: u8 = 66;
/// The result cannot be written (EX_IOERR).
const CANNOT_WRITE: u8 = 74;
/// The site is wrong (EX_CONFIG).
const CONFIG: u8 = 78;

/// Runs the command. Exit codes: 64 no junction is chosen, 65 the road model makes no sense, 66 it
/// cannot be opened, 74 the result cannot be written, 78 the site is wrong or cannot be read.
pub fn map(command: &MapCommand) -> ExitCode {
    let text = match command {
        MapCommand::Check { file } => load(file).and_then(|(site, remarks)| {
            for remark in &remarks {
                eprintln!("{remark}");
            }
            summary(&site, file)
        }),
        MapCommand::Export { file, format } => load(file).and_then(|(site, remarks)| {
            // The text must hold nothing but what was asked for.
            for remark in &remarks {
                eprintln!("{remark}");
            }
            export(&site, file, *format)
        }),
        MapCommand::Import(arguments) => return import::import(arguments),
    };
    match text {
        Ok(text) => print(&text),
        Err(findings) => {
            eprintln!("{findings}");
            CONFIG.into()
        }
    }
}

fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to write the map: {error}");
            CANNOT_WRITE.into()
        }
    }
}

/// The site, and what is unwise in it or in the MAP that is made of it.
fn load(file: &Path) -> Result<(Site, Findings), Findings> {
    match read(file) {
        Ok(text) => checked(&text, &file.display().to_string()),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// The same of a file that has been read; `file` is how findings name it.
fn checked(text: &str, file: &str) -> Result<(Site, Findings), Findings> {
    let (site, mut findings, lines) = Site::parse_with_lines(text, file)?;
    findings.extend(map::findings::findings(
        &map::Config::default(),
        &site,
        file,
        &lines,
    ));
    findings.sort();
    if findings.any_wrong() {
        return Err(findings);
    }
    Ok((site, findings))
}

fn export(site: &Site, file: &Path, format: Format) -> Result<String, Findings> {
    let line = |message: &Message| match format {
        Format::Jer => message.to_jer(),
        _ => hex(&encoded(message)),
    };
    if format == Format::Geojson {
        return Ok(format!("{:#}\n", geojson::collection(site)));
    }
    let (messages, left_out) = messages(site, file, None)?;
    for remark in remarks(&left_out) {
        eprintln!("{}: MAP: {remark}", file.display());
    }
    Ok(messages
        .iter()
        .map(|message| line(message) + "\n")
        .collect())
}

/// What is in a site, one line each, and how long and how exact its MAP is on the air.
fn summary(site: &Site, file: &Path) -> Result<String, Findings> {
    let (messages, left_out) = messages(site, file, MinuteOfYear::new(0).ok())?;
    let synthetic = if site.synthetic { " (synthetic)" } else { "" };
    let lanes: usize = site.links.iter().map(|link| link.lanes.len()).sum();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}: node {}{synthetic}", site.name, site.node);
    let _ = writeln!(
        text,
        "  {} nodes, {} links ({} to the junction, {} away from it), {lanes} lanes",
        site.nodes.len(),
        site.links.len(),
        site.approaches().count(),
        site.exits().count(),
    );
    let _ = writeln!(
        text,
        "  {} phases, {} pairs in conflict, {} signs, {} events, {} bus stops",
        site.phases.len(),
        site.conflicts.len(),
        site.signs.len(),
        site.events.len(),
        site.stops.len()
    );
    let sizes: Vec<String> = messages
        .iter()
        .map(|message| encoded(message).len().to_string())
        .collect();
    let _ = writeln!(
        text,
        "  MAP: {} bytes of at most {MAX_DATA}, lanes within {:.2} m of the site's",
        sizes.join(" + "),
        worst_lane_m(site, &messages),
    );
    for remark in remarks(&left_out) {
        let _ = writeln!(text, "  MAP: {remark}");
    }
    text.push_str("ok\n");
    Ok(text)
}

/// How far a lane of the site lies from what a receiver reads of it, at worst.
fn worst_lane_m(site: &Site, messages: &[Message]) -> f64 {
    let maps = messages
        .iter()
        .filter_map(|message| Map::read(message).ok());
    let mut worst_m: f64 = 0.0;
    for map in maps {
        for node in map.nodes() {
            for link in node.links() {
                let told = link
                    .lanes()
                    .iter()
                    .filter_map(|lane| Some((lane.id, lane.points.as_ref()?)));
                let source = site.link(link.upstream, node.id);
                for (id, points) in told {
                    let line: Vec<Enu> = points
                        .iter()
                        .map(|point| site.frame.enu(*point))
                        .map(level)
                        .collect();
                    if let Some(lane) = source.and_then(|link| link.lane(id)) {
                        let truth: Vec<Enu> = lane.centre.iter().copied().map(level).collect();
                        worst_m = worst_m.max(off_m(&truth, &line, node.id == site.node));
                    }
                }
            }
        }
    }
    worst_m
}

/// How far a line that is told lies from the true one, and the true one from it as far as it is told.
fn off_m(truth: &[Enu], told: &[Enu], inward: bool) -> f64 {
    let far = if inward { told.first() } else { told.last() };
    let foot = far.and_then(|far| line::foot(truth, far.east_m, far.north_m));
    let near = match foot {
        Some(foot) if inward => line::last_part(truth, line::length_m(truth) - foot.along_m),
        Some(foot) => line::first_part(truth, foot.along_m),
        None => truth.to_vec(),
    };
    simplify::error_m(&near, told).max(simplify::error_m(told, truth))
}

fn level(point: Enu) -> Enu {
    Enu { up_m: 0.0, ..point }
}

/// A site that no MAP can be made of is wrong, though each of its elements may be right.
fn messages(
    site: &Site,
    file: &Path,
    minute: Option<MinuteOfYear>,
) -> Result<(Vec<Message>, LeftOut), Findings> {
    map::messages(&map::Config::default(), site, minute).map_err(|unbuildable| {
        let mut findings = Findings::default();
        findings.push(Finding {
            severity: Severity::Wrong,
            file: file.display().to_string(),
            line: 0,
            key: String::new(),
            reason: Reason::new(
                "no-map",
                [unbuildable.to_string()],
                format!("no MAP can be made of it: {unbuildable}"),
            ),
        });
        findings
    })
}

/// How MAP is told, where that is not as usual. What it leaves out is among the findings.
fn remarks(left_out: &LeftOut) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(tolerance_m) = left_out.coarser_m {
        remarks.push(format!(
            "lines are told with fewer points to fit a message; lanes lie within {tolerance_m} m"
        ));
    }
    if left_out.names {
        remarks.push("has no room for names of nodes and links where it is fullest".to_owned());
    }
    if left_out.parts > 1 {
        let how = if left_out.spread.is_empty() {
            "split by node: each node is whole in one of them".to_owned()
        } else {
            let ids: Vec<String> = left_out.spread.iter().map(ToString::to_string).collect();
            format!(
                "node {} in several of them, with some of its links in each: a receiver that keeps only \
                 the last it heard of a node loses the others",
                ids.join(" and ")
            )
        };
        remarks.push(format!(
            "is sent as {} messages in a row, {how}. Shorter links or fewer lanes would make it one",
            left_out.parts
        ));
    }
    remarks
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut octets = vec![0; MAX_DATA];
    let len = message.encode_into(&mut octets);
    octets.truncate(len.expect("a MAP is built to fit into a frame"));
    octets
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/sites/moyu-boyuan.toml"
    );

    fn site() -> Site {
        load(Path::new(FILE)).unwrap().0
    }

    #[test]
    fn the_summary_counts_what_is_there_and_says_that_it_is_made_up() {
        let text = summary(&site(), Path::new(FILE)).unwrap();
        assert!(text.starts_with("Moyu S Rd x Boyuan Rd (synthetic): node 10 (synthetic)\n"));
        assert!(text.contains("5 nodes, 8 links (4 to the junction, 4 away from it), 24 lanes\n"));
        assert!(text.contains("8 phases, 20 pairs in conflict, 1 signs, 1 events, 2 bus stops\n"));
        assert!(
            text.ends_with(" bytes of at most 1400, lanes within 0.01 m of the site's\nok\n"),
            "{text}"
        );
    }

    #[test]
    fn the_exported_octets_are_a_map_of_all_nodes() {
        let text = export(&site(), Path::new(FILE), Format::Uper).unwrap();
        let digits = text.trim_end().as_bytes();
        let octets: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let map = Map::read(&Message::decode(&octets).unwrap()).unwrap();
        assert_eq!(map.nodes().len(), 5);
        assert_eq!(map.time_stamp, None);
        let jer = export(&site(), Path::new(FILE), Format::Jer).unwrap();
        assert_eq!(
            Message::from_jer(&jer).unwrap(),
            Message::decode(&octets).unwrap()
        );
    }

    #[test]
    fn a_site_that_is_not_there_is_refused_by_name() {
        let findings = load(Path::new("/no/such/site.toml")).unwrap_err();
        let text = findings.to_string();
        assert!(
            text.starts_with("/no/such/site.toml: cannot be read: "),
            "{text}"
        );
    }
}
