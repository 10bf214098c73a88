//! Lines of a network as they are written, and what they must be.
//!
//! Not here: how they run ([`super::lines`], [`super::departures`]).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rsu::clock::Mono;
use serde::Deserialize;
use v2x_msg::base::{LaneId, NodeId};

use super::joined::{Place, way};
use super::lines::{Calls, Line, Start};
use crate::scenario::traffic::LineService;
use crate::world::World;
use crate::world::lines::Service;

/// Who runs through the network by a timetable.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineTable {
    /// As people call it.
    pub name: String,
    /// What they are: buses unless it says otherwise.
    #[serde(default = "buses")]
    pub service: LineService,
    /// From where it comes, through which junctions, and where it goes, by their numbers here.
    pub nodes: Vec<u16>,
    /// They set out in this lane; left out: in the leftmost that leads their way.
    #[serde(default)]
    pub lane: Option<u8>,
    /// It begins again at its end.
    #[serde(default)]
    pub closed: bool,
    /// The first sets out so long after the origin of simulated time.
    pub from_s: f64,
    /// And the next so long after it.
    pub every_s: f64,
    /// How many.
    pub count: u32,
    /// Where they call.
    #[serde(default)]
    pub stop: Vec<StopTable>,
    /// For how long they stand there: least and most.
    #[serde(default)]
    pub dwell_s: [f64; 2],
    /// They drive no faster; left out: as fast as one may.
    #[serde(default)]
    pub most_kmh: Option<f64>,
}

/// A stop of a line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StopTable {
    /// On the way to this junction, by its number here,
    pub node: u16,
    /// so many metres before its stop line.
    pub before_m: f64,
}

impl LineTable {
    /// The line, in worlds at these places; refused where it cannot run.
    pub(super) fn line<W: AsRef<World>>(&self, places: &[Place], worlds: &[W]) -> Result<Line> {
        let name = &self.name;
        let node = |id: u16| NodeId { region: None, id };
        let service = Service::from(self.service);
        ensure!(
            service != Service::Platoon,
            "line {name}: platoons run at one junction only"
        );
        let lane = self.lane.map(LaneId::new).transpose()?;
        let start = Start {
            from: Mono::ZERO.offset_by(self.from_s),
            every: Duration::from_secs_f64(self.every_s),
            count: self.count,
            lane,
        };
        let nodes = self.nodes.iter().map(|&id| node(id)).collect();
        let line = Line::new(name.clone(), service, nodes, self.closed, start);
        let line = line.with_context(|| format!("line {name}: give three nodes"))?;
        let [least_s, most_s] = self.dwell_s;
        ensure!(
            0.0 <= least_s && least_s <= most_s && self.most_kmh.is_none_or(|kmh| kmh > 1.0),
            "line {name}: dwell-s is a range, and most-kmh more than walking"
        );
        for stop in &self.stop {
            ensure!(
                self.nodes.contains(&stop.node) && (0.0..=150.0).contains(&stop.before_m),
                "line {name}: a stop is on the way to a node of the line, at most 150 m before it"
            );
        }
        let stops = self
            .stop
            .iter()
            .map(|stop| (node(stop.node), stop.before_m));
        let line = line.calling(Calls {
            stops: stops.collect(),
            dwell_s: (least_s, most_s),
            most_mps: self.most_kmh.map(|kmh| kmh / 3.6),
        });
        for (first, (from, here, next)) in line.ways().enumerate() {
            let at = places.iter().position(|place| place.node == here);
            let lane = lane.filter(|_| first == 0);
            let there = at.and_then(|at| way(worlds[at].as_ref(), from, next, lane));
            ensure!(
                there.is_some(),
                "line {name}: no way leads from {from} by {here} to {next}{}",
                lane.map_or_else(String::new, |lane| format!(" in lane {lane}"))
            );
        }
        Ok(line)
    }
}

const fn buses() -> LineService {
    LineService::Bus
}
