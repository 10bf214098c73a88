//! What one element of a site says about another must hold.
//!
//! How lines lie is looked at in `shape`. Each rule speaks of one element and names the line where it was written. Ranges of single values
//! are checked where they are read.

use std::collections::BTreeMap;

use v2x_msg::base::{Enu, Name, PhaseId};
use v2x_msg::kinds::map::LaneKind;

use super::line;
use super::read::Written;
use super::{Connection, Link, across};
use crate::sheet::{At, Reader, Reason, Severity};

/// T/CSAE 159-2020, 8.2.3: a lane's centre line is right to half a metre; points nearer to each
/// other than that say nothing.
const MIN_PIECE_M: f64 = 0.5;
/// Most phases of one SPAT intersection.
const MAX_PHASES: usize = 16;
/// Most nodes of one MAP.
const MAX_NODES: usize = 32;
/// Most connections of one lane.
const MAX_CONNECTIONS: usize = 8;
/// Most lanes of one link.
const MAX_LANES: usize = 32;
/// Most links of one node.
const MAX_LINKS: usize = 32;

/// Notes everything that does not hold.
pub(super) fn check(reader: &Reader<'_>, site: &Written) {
    let checker = Checker { reader, site };
    checker.sizes();
    checker.nodes();
    checker.names();
    checker.links();
    checker.phases();
    checker.conflicts();
    checker.crossings_are_listed();
    checker.ids_of_signs_and_events();
}

/// The site and where to say what is found.
pub(super) struct Checker<'c, 't> {
    reader: &'c Reader<'t>,
    pub(super) site: &'c Written,
}

impl Checker<'_, '_> {
    pub(super) fn wrong(&self, line: usize, key: &str, reason: impl Into<Reason>) {
        self.reader.note(Severity::Wrong, line, key, reason);
    }

    pub(super) fn unwise(&self, line: usize, key: &str, reason: impl Into<Reason>) {
        self.reader.note(Severity::Unwise, line, key, reason);
    }

    /// T/CSAE 159-2020, 8.5: an id is unique in the unit.
    fn ids_of_signs_and_events(&self) {
        let signs = self.site.signs.iter();
        self.each_once("sign", signs.map(|sign| (sign.line, sign.value.what.id)));
        let events = self.site.events.iter();
        self.each_once("event", events.map(|at| (at.line, at.value.what.id)));
    }

    fn each_once(&self, key: &str, ids: impl Iterator<Item = (usize, u8)>) {
        let mut lines = BTreeMap::new();
        for (line, id) in ids {
            if let Some(first) = lines.insert(id, line) {
                let reason = format!("id {id} is that of line {first} already");
                self.wrong(line, key, &reason);
            }
        }
    }

    fn sizes(&self) {
        let at_most = |list: &[usize], most: usize, key: &str| {
            if let Some(&line) = list.get(most) {
                self.wrong(
                    line,
                    key,
                    &format!("is one more than the {most} that a message carries"),
                );
            }
        };
        at_most(&lines_of(&self.site.nodes), MAX_NODES, "node");
        at_most(&lines_of(&self.site.links), MAX_LINKS, "link");
        at_most(&lines_of(&self.site.phases), MAX_PHASES, "phase");
    }

    /// What a message would leave out without a word.
    fn names(&self) {
        let names = self
            .site
            .nodes
            .iter()
            .map(|node| (node.line, "node.name", &node.value.name));
        let links = self
            .site
            .links
            .iter()
            .map(|link| (link.line, "link.name", &link.value.name));
        for (line, key, name) in names
            .chain(links)
            .filter(|(_, _, name)| Name::new(name).is_err())
        {
            let told = format!(
                "\"{name}\" is left out of MAP, which carries names of 1 to 63 ASCII characters"
            );
            let reason = Reason::new("name-left-out", [(*name).to_owned()], told);
            self.unwise(line, key, reason);
        }
    }

    fn nodes(&self) {
        let mut seen = BTreeMap::new();
        for node in &self.site.nodes {
            if let Some(first) = seen.insert(node.value.id.to_string(), node.line) {
                let reason = format!("node {} stands on line {first} already", node.value.id);
                self.wrong(node.line, "node.id", &reason);
            }
        }
    }

    fn links(&self) {
        for (at, written) in self.site.links.iter().enumerate() {
            let link = &written.value;
            let earlier = &self.site.links[..at];
            if let Some(first) = earlier.iter().find(|other| same_ends(&other.value, link)) {
                let reason = format!(
                    "{} joins the nodes of line {} again",
                    named(link),
                    first.line
                );
                self.wrong(written.line, "link", &reason);
            }
            self.ends_of(written.line, link);
            self.line_of(
                written.line,
                &named(link),
                &link.points,
                self.site.read[at].line,
            );
            self.lanes_of(at);
            self.shape_of(at);
        }
        self.lanes_cross();
        let here = self.site.node;
        let inward = |link: &At<Link>| link.value.downstream == here;
        if self.site.lost.links_whole && !self.site.links.iter().any(inward) {
            let reason = format!("no link leads to this junction, node {}", here);
            self.wrong(self.site.line, "site.node", &reason);
        }
    }

    fn ends_of(&self, line: usize, link: &Link) {
        for (key, node) in [
            ("link.upstream", link.upstream),
            ("link.downstream", link.downstream),
        ] {
            let known = self.site.lost.nodes.as_ref();
            if node != self.site.node && known.is_some_and(|known| !known.contains(&node)) {
                let reason = format!("{}: there is no [[node]] {}", named(link), node);
                self.wrong(line, key, &reason);
            }
        }
        let here = self.site.node;
        if (link.upstream == here) == (link.downstream == here) {
            let reason = format!("{} must lead to this junction or away from it", named(link));
            self.wrong(line, "link", &reason);
        }
    }

    fn lanes_of(&self, at: usize) {
        let link = &self.site.links[at].value;
        if let Some(&line) = self.site.lane_lines[at].get(MAX_LANES) {
            let reason = format!(
                "{}: a message carries {MAX_LANES} lanes of a link",
                named(link)
            );
            self.wrong(line, "link.lane", &reason);
        }
        let read = &self.site.read[at];
        let lanes = link.lanes.iter().zip(&read.each).enumerate();
        for ((index, (lane, how)), &line) in lanes.zip(&self.site.lane_lines[at]) {
            let name = format!("lane {} of {}", lane.id.value(), named(link));
            if read.lanes && usize::from(lane.id.value()) != index + 1 {
                let reason = format!(
                    "{name}: lanes count from 1 at the left; this is {}",
                    index + 1
                );
                self.wrong(line, "link.lane.id", &reason);
            }
            self.line_of(line, &name, &lane.centre, how.line);
            if link.downstream == self.site.node
                && how.connections
                && lane.connections.is_empty()
                && matches!(lane.kind, LaneKind::Vehicle(_))
            {
                let reason = format!("{name} leads nowhere: it needs at least one connection");
                self.wrong(line, "link.lane.connections", &reason);
            }
            if link.downstream != self.site.node && !lane.connections.is_empty() {
                let reason = format!("{name} leaves this junction; what follows is another site's");
                self.wrong(line, "link.lane.connections", &reason);
            }
            for connection in &lane.connections {
                if !across(lane.kind) {
                    self.leads_on(line, &name, connection);
                    if how.line {
                        self.crosses_the_junction(line, &name, lane, connection);
                    }
                }
                self.is_ruled(line, &name, connection);
            }
            if lane.connections.len() > MAX_CONNECTIONS {
                let reason =
                    format!("{name}: a message carries {MAX_CONNECTIONS} connections of a lane");
                self.wrong(line, "link.lane.connections", &reason);
            }
        }
    }

    fn leads_on(&self, line: usize, lane: &str, connection: &Connection) {
        // A link or a lane that could not be read may be the one.
        if !self.site.lost.links_whole {
            return;
        }
        let to = connection.to_node;
        let exit = self.site.links.iter().map(|link| &link.value);
        let exit = exit
            .into_iter()
            .find(|link| link.upstream == self.site.node && link.downstream == to);
        match (exit, connection.to_lane) {
            (None, _) => {
                let reason = format!("{lane}: no link leads from this junction to node {}", to);
                self.wrong(line, "link.lane.connections.to-node", &reason);
            }
            (Some(link), Some(id)) if link.lane(id).is_none() => {
                let reason = format!("{lane}: {} has no lane {}", named(link), id.value());
                self.wrong(line, "link.lane.connections.to-lane", &reason);
            }
            _ => {}
        }
    }

    fn is_ruled(&self, line: usize, lane: &str, connection: &Connection) {
        if let Some(id) = connection.phase.filter(|id| !self.phase_is_known(*id)) {
            let reason = format!("{lane}: there is no [[phase]] {}", id.value());
            self.wrong(line, "link.lane.connections.phase", &reason);
        }
    }

    /// Whether a phase is written, whole or not; true also where one cannot be read.
    fn phase_is_known(&self, id: PhaseId) -> bool {
        let phases = self.site.lost.phases.as_ref();
        phases.is_none_or(|phases| phases.contains(&id))
    }

    /// `is_one` if nothing was wrong with what was written.
    fn line_of(&self, line: usize, name: &str, points: &[Enu], is_one: bool) {
        if !is_one {
            return;
        }
        let short = points
            .windows(2)
            .position(|piece| line::distance_m(piece[0], piece[1]) < MIN_PIECE_M);
        if let Some(at) = short {
            let reason = format!(
                "{name}: points {} and {} are closer than {MIN_PIECE_M} m",
                at + 1,
                at + 2
            );
            self.wrong(line, "points-m", &reason);
        }
        self.points_in_order(line, name, points);
        if line::crosses_itself(points) {
            self.wrong(line, "points-m", &format!("{name} crosses itself"));
        }
    }

    fn phases(&self) {
        let mut ids = BTreeMap::new();
        let mut lamps = BTreeMap::new();
        for written in &self.site.phases {
            let (phase, line) = (&written.value, written.line);
            if let Some(first) = ids.insert(phase.id, line) {
                let reason = format!("phase {} stands on line {first} already", phase.id.value());
                self.wrong(line, "phase.id", &reason);
            }
            if self.site.lost.links_whole && !self.rules_a_lane(phase.id) {
                let reason = format!(
                    "phase {} rules no lane: no connection names it",
                    phase.id.value()
                );
                self.wrong(line, "phase", &reason);
            }
            for &lamp in &phase.lamps {
                if let Some(first) = lamps.insert((phase.controller.as_str(), lamp), line) {
                    let reason = format!(
                        "lamp {lamp} of controller {} shows the phase of line {first} already",
                        phase.controller
                    );
                    self.wrong(line, "phase.lamps", &reason);
                }
            }
        }
    }

    fn rules_a_lane(&self, id: PhaseId) -> bool {
        let links = self.site.links.iter().map(|link| &link.value);
        let mut connections = links
            .flat_map(|link| &link.lanes)
            .flat_map(|lane| &lane.connections);
        connections.any(|connection| connection.phase == Some(id))
    }

    fn conflicts(&self) {
        for written in &self.site.conflicts {
            let (a, b) = written.value;
            if a == b {
                let reason = format!("phase {} cannot conflict with itself", a.value());
                self.wrong(written.line, "conflict.phases", &reason);
            }
            for id in [a, b] {
                if !self.phase_is_known(id) {
                    let reason = format!("there is no [[phase]] {}", id.value());
                    self.wrong(written.line, "conflict.phases", &reason);
                }
            }
        }
    }
}

fn same_ends(a: &Link, b: &Link) -> bool {
    a.upstream == b.upstream && a.downstream == b.downstream
}

pub(super) fn named(link: &Link) -> String {
    format!("link \"{}\"", link.name)
}

fn lines_of<T>(written: &[At<T>]) -> Vec<usize> {
    written.iter().map(|element| element.line).collect()
}
