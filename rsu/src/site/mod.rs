//! The junction: its roads, its phases, its standing signs; the one source of MAP and lane matching.
//!
//! - [`line`]: lines on the ground
//! - [`read`]: the TOML that people write, every fault with its line; `read_links`: its links and lanes,
//!   `read_signs`: its signs and events
//! - [`check`]: what one element says about another must hold
//! - `shape`: lines lie as a road's do; `meet`: roads meet at the junction as they say
//! - `conflict`: which phases must not be green together
//! - `path`: the way over the junction
//! - [`simplify`]: lines with fewer points; [`fit`]: with fewest, which may lie beside the line
//! - `write`: a site back to TOML
//! - [`import`]: road models of other origin to a site
//! - [`lookup`]: which lane a road user is on
//! - `stops`: where buses call
//! - [`placing`]: places said by link, lane and distance; [`timetable`]: when signs and events hold;
//!   [`words`]: their words in GB 2312
//!
//! A [`Site`] has been checked: links connect, every phase rules a lane, every connection leads to a
//! lane that exists. Names and rules of the elements are those of MAP in T/CSAE 53-2020 and of
//! T/CSAE 159-2020, 8.2. Metres here are those of the site's ENU frame, whose origin is surveyed in
//! WGS-84 (equal to CGCS2000 for this purpose), never in GCJ-02. Not here: messages; where sensors
//! stand, which the configuration says.

mod check;
mod conflict;
pub mod fit;
#[cfg(feature = "import")]
pub mod import;
pub mod line;
mod lookup;
mod meet;
mod path;
pub mod placing;
mod read;
mod read_links;
mod read_signs;
mod shape;
pub mod simplify;
mod stops;
#[cfg(test)]
mod tests;
pub mod timetable;
pub mod words;
mod write;

use v2x_msg::base::{Enu, EnuFrame, GeoPosition, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{LaneAttributes, LaneKind, Maneuvers};
use v2x_msg::kinds::rsi;

pub use lookup::LaneMatch;
pub use read::FileLines;
pub(crate) use read_signs::reference_link;
pub use stops::Stop;
pub use timetable::{Posted, Timetable};
#[cfg(feature = "daemon")]
pub(crate) use write::{kind, turn};

/// A junction and the roads that meet there.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// For people.
    pub name: String,
    /// This junction.
    pub node: NodeId,
    /// Where the frame's origin is, surveyed.
    pub origin: GeoPosition,
    /// Between metres and degrees.
    pub frame: EnuFrame,
    /// This junction first, then its neighbours.
    pub nodes: Vec<Node>,
    /// The roads to this junction, and those from it to a neighbour.
    pub links: Vec<Link>,
    /// What the signals rule; at most 16, as in SPAT.
    pub phases: Vec<Phase>,
    /// Phases that must never be green together, the smaller id first.
    pub conflicts: Vec<(PhaseId, PhaseId)>,
    /// Signs that stand here.
    pub signs: Vec<Posted<rsi::Sign>>,
    /// Events that hold until the file says otherwise.
    pub events: Vec<Posted<rsi::Event>>,
    /// Where buses call: who stands there need not be in anybody's way by mistake.
    pub stops: Vec<Stop>,
    /// What the clock on the wall is ahead of UTC, in minutes.
    pub utc_offset_min: i16,
    /// The geometry is made up; whoever shows it must say so.
    pub synthetic: bool,
}

/// A junction or the end of a road.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// As in MAP and SPAT.
    pub id: NodeId,
    /// For people.
    pub name: String,
    /// Where it is.
    pub position: Enu,
}

/// The road from one node to the next, in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// For people.
    pub name: String,
    /// Where it comes from.
    pub upstream: NodeId,
    /// Where it leads.
    pub downstream: NodeId,
    /// For lanes that have no limit of their own.
    pub speed_limit_mps: f64,
    /// Of all lanes together.
    pub width_m: f64,
    /// Its centre line in the direction of travel, at least two points.
    pub points: Vec<Enu>,
    /// From the left.
    pub lanes: Vec<Lane>,
}

/// One lane of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// From 1 at the left.
    pub id: LaneId,
    /// Across.
    pub width_m: f64,
    /// What it is for.
    pub kind: LaneKind,
    /// What one may do at its end.
    pub maneuvers: Maneuvers,
    /// Before that of the link.
    pub speed_limit_mps: Option<f64>,
    /// Its centre line in the direction of travel, at least two points; where the lane ends at a
    /// junction, the last is the centre of its stop line.
    pub centre: Vec<Enu>,
    /// Where it leads over the junction.
    pub connections: Vec<Connection>,
}

impl Lane {
    /// As MAP has it.
    pub fn attributes(&self) -> LaneAttributes {
        LaneAttributes {
            sharing: None,
            kind: self.kind,
        }
    }

    /// The centre of its end: of its stop line, where it has one.
    pub fn end(&self) -> Enu {
        self.centre[self.centre.len() - 1]
    }
}

/// From the end of a lane over the junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connection {
    /// The node that the next link leads to.
    pub to_node: NodeId,
    /// The lane of that link; None where any.
    pub to_lane: Option<LaneId>,
    /// Which way it turns.
    pub turn: Turn,
    /// The phase that rules it; None where it is free of signals.
    pub phase: Option<PhaseId>,
}

/// Which way a connection turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// Straight on.
    Straight,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Back.
    UTurn,
}

impl Turn {
    /// What one does from the end of a line to the beginning of another, by how much the direction
    /// changes; None where one of them is no line.
    pub fn between(from: &[Enu], to: &[Enu]) -> Option<Turn> {
        let ([.., before, end], [begin, after, ..]) = (from, to) else {
            return None;
        };
        let (out, into) = (
            line::direction(*before, *end),
            line::direction(*begin, *after),
        );
        Some(Turn::of_angle(Turn::left_deg(out, into)))
    }

    /// By how much a direction changes to the left, -180 to 180.
    fn left_deg(out: (f64, f64), into: (f64, f64)) -> f64 {
        let left = out.0 * into.1 - out.1 * into.0;
        let ahead = out.0 * into.0 + out.1 * into.1;
        left.atan2(ahead).to_degrees()
    }

    /// What one does whose direction changes by as much to the left.
    fn of_angle(left_deg: f64) -> Turn {
        match left_deg {
            a if a.abs() <= 40.0 => Turn::Straight,
            a if a.abs() > 150.0 => Turn::UTurn,
            a if a > 0.0 => Turn::Left,
            _ => Turn::Right,
        }
    }

    /// As MAP has it.
    pub fn maneuver(self) -> Maneuvers {
        match self {
            Turn::Straight => Maneuvers::STRAIGHT,
            Turn::Left => Maneuvers::LEFT,
            Turn::Right => Maneuvers::RIGHT,
            Turn::UTurn => Maneuvers::U_TURN,
        }
    }
}

/// A signal phase and the lamp groups that show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// The same in MAP and SPAT.
    pub id: PhaseId,
    /// For people.
    pub name: String,
    /// The input that reports its lamps, by name.
    pub controller: String,
    /// The controller's numbers of the lamp groups that show it; all of them agree.
    pub lamps: Vec<u16>,
    /// What green means here.
    pub green: GreenKind,
}

/// What green means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GreenKind {
    /// No other path crosses.
    Protected,
    /// One must give way where paths cross.
    Permissive,
}

/// Whether lanes of this kind lie across their link, not along it.
pub(crate) fn across(kind: LaneKind) -> bool {
    matches!(kind, LaneKind::Crosswalk(_))
}

impl Site {
    /// The links that lead to this junction.
    pub fn approaches(&self) -> impl Iterator<Item = &Link> {
        self.links
            .iter()
            .filter(|link| link.downstream == self.node)
    }

    /// The links that lead away from this junction.
    pub fn exits(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| link.upstream == self.node)
    }

    /// The link from one node to another.
    pub fn link(&self, upstream: NodeId, downstream: NodeId) -> Option<&Link> {
        let is_it = |link: &&Link| link.upstream == upstream && link.downstream == downstream;
        self.links.iter().find(is_it)
    }

    /// A phase by its id.
    pub fn phase(&self, id: PhaseId) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }
}

impl Link {
    /// A lane by its id.
    pub fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.id == id)
    }
}
