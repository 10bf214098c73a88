//! A road model as the TOML that `read` reads.
//!
//! Lanes that lie side by side from their link's reference line are written without a line of their
//! own, as a person would; the others with it. Coordinates are written to a centimetre. Signs and
//! events are not written: no road model of other origin has them.

use std::fmt::Write as _;

use v2x_msg::base::{Elevation, Enu, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneKind, VehicleLane};

use super::{Connection, GreenKind, Lane, Link, Phase, Site, Stop, Turn, line, simplify};

/// A lane that is nearer than this to where its link would put it needs no line of its own.
const SIDE_BY_SIDE_M: f64 = 0.05;
/// What `check` asks for: on the inside of a bend the pieces of a derived line are shorter.
const LEAST_PIECE_M: f64 = 0.5;

impl Site {
    /// The road model as a site's file; `notes` stand above it as comments, one a line.
    pub fn to_toml(&self, notes: &[String]) -> String {
        let mut text = String::new();
        for note in notes {
            let one_line: String = note
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            push(&mut text, &format!("# {one_line}"));
        }
        head(&mut text, self);
        for node in self.nodes.iter().filter(|node| node.id != self.node) {
            push(&mut text, "\n[[node]]");
            push(&mut text, &format!("id      = {}", id(node.id)));
            push(&mut text, &format!("name    = {}", quoted(&node.name)));
            push(
                &mut text,
                &format!("east-m  = {}", metres(node.position.east_m)),
            );
            push(
                &mut text,
                &format!("north-m = {}", metres(node.position.north_m)),
            );
        }
        for link in &self.links {
            write_link(&mut text, link);
        }
        for phase in &self.phases {
            self.phase_to(&mut text, phase);
        }
        for stop in &self.stops {
            write_stop(&mut text, stop);
        }
        text
    }

    fn listed(&self) -> bool {
        self.conflicts != self.crossings()
    }

    fn phase_to(&self, text: &mut String, phase: &Phase) {
        push(text, "\n[[phase]]");
        push(text, &format!("id         = {}", phase.id.value()));
        push(text, &format!("name       = {}", quoted(&phase.name)));
        push(text, &format!("controller = {}", quoted(&phase.controller)));
        push(text, &format!("lamps      = {:?}", phase.lamps));
        let green = match phase.green {
            GreenKind::Protected => "protected",
            GreenKind::Permissive => "permissive",
        };
        push(text, &format!("green      = \"{green}\""));
        let others = self.conflicts.iter().filter(|pair| pair.0 == phase.id);
        let others: Vec<u8> = others.map(|pair| pair.1).map(PhaseId::value).collect();
        if self.listed() && !others.is_empty() {
            push(text, &format!("conflicts-with = {others:?}"));
        }
    }
}

fn head(text: &mut String, site: &Site) {
    push(text, "\n[site]");
    push(text, &format!("name      = {}", quoted(&site.name)));
    push(text, &format!("node      = {}", id(site.node)));
    push(text, &format!("synthetic = {}", site.synthetic));
    if site.listed() {
        push(text, "conflicts-from-paths = false");
    }
    push(text, "\n[site.origin] # WGS-84 or CGCS2000; never GCJ-02");
    push(text, &format!("lat-deg = {:.7}", site.origin.lat_deg()));
    push(text, &format!("lon-deg = {:.7}", site.origin.lon_deg()));
    if let Some(elevation) = site.origin.elevation().map(Elevation::m) {
        push(text, &format!("elevation-m = {elevation:.1}"));
    }
}

fn write_link(text: &mut String, link: &Link) {
    let reference = line::beside(&link.points, -link.width_m / 2.0);
    push(text, "\n[[link]]");
    push(text, &format!("name            = {}", quoted(&link.name)));
    push(text, &format!("upstream        = {}", id(link.upstream)));
    push(text, &format!("downstream      = {}", id(link.downstream)));
    push(
        text,
        &format!("speed-limit-kmh = {}", kmh(link.speed_limit_mps)),
    );
    push(text, &format!("points-m        = {}", points(&reference)));
    let mut left_of_it_m = 0.0;
    for lane in &link.lanes {
        let derived = line::beside(&reference, left_of_it_m + lane.width_m / 2.0);
        if !super::across(lane.kind) {
            left_of_it_m += lane.width_m;
        }
        write_lane(text, lane, &derived);
    }
}

fn write_lane(text: &mut String, lane: &Lane, derived: &[Enu]) {
    push(text, "\n[[link.lane]]");
    push(text, &format!("id          = {}", lane.id.value()));
    push(text, &format!("width-m     = {}", metres(lane.width_m)));
    if lane.kind != LaneKind::Vehicle(VehicleLane::NONE) {
        push(text, &format!("kind        = \"{}\"", kind(lane.kind)));
    }
    if let Some(limit_mps) = lane.speed_limit_mps {
        push(text, &format!("speed-limit-kmh = {}", kmh(limit_mps)));
    }
    let ends_m = |a: Option<&Enu>, b: Option<&Enu>| match (a, b) {
        (Some(a), Some(b)) => line::distance_m(*a, *b),
        _ => f64::INFINITY,
    };
    let whole = |line: &[Enu]| {
        line.windows(2)
            .all(|piece| line::distance_m(piece[0], piece[1]) >= LEAST_PIECE_M)
    };
    let side_by_side = whole(derived)
        && ends_m(lane.centre.first(), derived.first()) <= SIDE_BY_SIDE_M
        && ends_m(lane.centre.last(), derived.last()) <= SIDE_BY_SIDE_M
        && simplify::error_m(&lane.centre, derived) <= SIDE_BY_SIDE_M
        && simplify::error_m(derived, &lane.centre) <= SIDE_BY_SIDE_M;
    if !side_by_side || super::across(lane.kind) {
        push(text, &format!("points-m    = {}", points(&lane.centre)));
    }
    if super::across(lane.kind) {
        if let Some(phase) = lane.connections.first().and_then(|one| one.phase) {
            push(text, &format!("phase       = {}", phase.value()));
        }
        return;
    }
    match &lane.connections[..] {
        [] => {}
        [one] => push(text, &format!("connections = [{}]", connection(one))),
        several => {
            push(text, "connections = [");
            for one in several {
                push(text, &format!("    {},", connection(one)));
            }
            push(text, "]");
        }
    }
}

fn write_stop(text: &mut String, stop: &Stop) {
    push(text, "\n[[stop]]");
    if !stop.name.is_empty() {
        push(text, &format!("name    = {}", quoted(&stop.name)));
    }
    push(
        text,
        &format!(
            "on      = {{ upstream = {}, downstream = {}, lane = {}, from-stop-line-m = {}, length-m = {} }}",
            id(stop.upstream),
            id(stop.downstream),
            stop.lane.value(),
            metres(stop.from_stop_line_m),
            metres(stop.length_m)
        ),
    );
    if let Some(dwell) = stop.dwell {
        push(text, &format!("dwell-s = {}", dwell.as_secs_f64()));
    }
}

fn connection(one: &Connection) -> String {
    let mut text = format!("{{ to-node = {}", id(one.to_node));
    // Writing to a String cannot fail.
    if let Some(lane) = one.to_lane {
        let _ = write!(text, ", to-lane = {}", lane.value());
    }
    let _ = write!(text, ", turn = \"{}\"", turn(one.turn));
    if let Some(phase) = one.phase {
        let _ = write!(text, ", phase = {}", phase.value());
    }
    text + " }"
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn id(node: NodeId) -> String {
    match node.region {
        Some(region) => format!("\"{region}/{}\"", node.id),
        None => node.id.to_string(),
    }
}

fn points(line: &[Enu]) -> String {
    let pairs: Vec<String> = line
        .iter()
        .map(|point| format!("[{}, {}]", metres(point.east_m), metres(point.north_m)))
        .collect();
    format!("[{}]", pairs.join(", "))
}

/// To a centimetre, without zeros that say nothing.
fn metres(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // No "-0".
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    rounded.to_string()
}

fn kmh(mps: f64) -> String {
    ((mps * 36.0).round() / 10.0).to_string()
}

/// As TOML writes text between quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// As the file calls it.
pub(crate) fn kind(kind: LaneKind) -> &'static str {
    match kind {
        LaneKind::Vehicle(details) if details.contains(VehicleLane::BUS_ONLY) => "bus",
        LaneKind::Vehicle(_) => "vehicle",
        LaneKind::Crosswalk(_) => "crosswalk",
        LaneKind::Bike(_) => "bike",
        LaneKind::Sidewalk(_) => "sidewalk",
        LaneKind::Median(_) => "median",
        LaneKind::Striping(_) => "striping",
        LaneKind::Tracked(_) => "tracked",
        LaneKind::Parking(_) => "parking",
    }
}

/// As the file calls it.
pub(crate) fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Straight => "straight",
        Turn::Left => "left",
        Turn::Right => "right",
        Turn::UTurn => "u-turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_site_comes_back_from_its_own_writing() {
        let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
        let site = Site::parse(text, "site.toml").unwrap();
        let written = site.to_toml(&["made by a test".to_owned()]);
        let back = Site::parse(&written, "back.toml")
            .unwrap_or_else(|faults| panic!("{faults}\n{written}"));
        let bare = Site {
            signs: Vec::new(),
            events: Vec::new(),
            ..site
        };
        assert_eq!(back, bare, "{written}");
    }

    #[test]
    fn names_are_quoted_so_that_any_text_comes_back() {
        let name = "Moyu \"S\" \\ Rd\n\u{7}\u{85}墨玉";
        let text = format!("key = {}", quoted(name));
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["key"].as_str(), Some(name));
    }
}
