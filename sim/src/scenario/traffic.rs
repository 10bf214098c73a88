//! Who drives by plan, and how: lines by a timetable, road works, what single drivers are made to do.
//!
//! Not here: who comes by chance ([`super::demand`]).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rsu::site::Link;
use serde::Deserialize;
use v2x_msg::base::{LaneId, NodeId, PhaseId};

use super::Scenario;
use super::figures::{finite, some_from_nought, some_positive};
use crate::plane::Path as Polyline;
use crate::world::World;
use crate::world::deeds::{Deed, NoSuchLane, What};
use crate::world::lines::{Line, Service, Stop};
use crate::world::roads::{Roads, Turn};
use crate::world::works::Works;

/// How those of all approaches drive.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TrafficTable {
    /// Drivers change lanes.
    pub lane_changes: bool,
    /// Phases whose right turns have a round light: they may be made at red.
    pub right_on_red: Vec<u8>,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventTable {
    /// What.
    pub kind: EventKind,
    /// When, after the start of the roadside unit.
    pub at_s: f64,
    /// Until when, if it lasts.
    #[serde(default)]
    pub until_s: Option<f64>,
    /// Pre-emption: the phase that must be green.
    #[serde(default)]
    pub phase: Option<u8>,
    /// A new offset: that of the grid from then on.
    #[serde(default)]
    pub offset_s: Option<f64>,
    /// A deed of a driver: on the approach from this node.
    #[serde(default)]
    pub from: Option<u16>,
    /// And in this lane.
    #[serde(default)]
    pub lane: Option<u8>,
    /// A break-down: so far before the stop line.
    #[serde(default)]
    pub before_m: Option<f64>,
    /// A slow vehicle: as fast as it can.
    #[serde(default)]
    pub most_kmh: Option<f64>,
    /// A red light run: so long after the beginning of red, between the two.
    #[serde(default)]
    pub into_red_s: Option<[f64; 2]>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A phase is called and held.
    Preempt,
    /// The grid of cycles moves.
    Offset,
    /// A vehicle breaks down.
    BreakDown,
    /// A vehicle crawls.
    Slow,
    /// A driver does not heed a red light.
    RunRed,
}

/// Vehicles that come by a timetable.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineTable {
    /// What they are.
    pub service: LineService,
    /// From this node.
    pub from: u16,
    /// In this lane.
    pub lane: u8,
    /// Which way.
    pub turn: LineTurn,
    /// The first comes so long after the start of the roadside unit.
    #[serde(deserialize_with = "finite")]
    pub first_s: f64,
    /// Others after each such span; left out: one comes.
    #[serde(default, deserialize_with = "some_positive")]
    pub every_s: Option<f64>,
    /// Nobody comes from then on.
    #[serde(deserialize_with = "finite")]
    pub until_s: f64,
    /// They call so far before the stop line.
    #[serde(default, deserialize_with = "some_from_nought")]
    pub stop_before_m: Option<f64>,
    /// For a time between these two.
    #[serde(default)]
    pub dwell_s: Option<[f64; 2]>,
}

/// What comes by a timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineService {
    /// City buses.
    Bus,
    /// An ambulance with siren and lights.
    Emergency,
    /// Container lorries coupled by radio.
    Platoon,
}

impl From<LineService> for Service {
    fn from(service: LineService) -> Self {
        match service {
            LineService::Bus => Self::Bus,
            LineService::Emergency => Self::Emergency,
            LineService::Platoon => Self::Platoon,
        }
    }
}

/// Which way a line goes at the junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineTurn {
    /// Across the opposite direction.
    Left,
    /// On.
    Straight,
    /// Along the near kerb.
    Right,
}

/// Road works on an approach: lanes closed by cones, and a lower limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorksTable {
    /// On the approach from this node.
    pub from: u16,
    /// Closed lanes; those on the right.
    pub lanes: Vec<u8>,
    /// They end so far before the stop line.
    pub before_m: f64,
    /// They begin so much farther upstream.
    pub length_m: f64,
    /// Over this length the lanes are closed.
    pub taper_m: f64,
    /// Along them.
    pub limit_kmh: f64,
    /// Since when, after the start of the roadside unit.
    pub from_s: f64,
    /// Until when.
    pub until_s: f64,
    /// The event that they are, by GB/T 29100-2012.
    #[serde(default)]
    pub event_type: Option<u16>,
}

impl Scenario {
    /// The world of this scenario, empty, at the origin of time.
    pub fn world(&self, seed: u64) -> Result<World> {
        let roads = self.roads()?;
        let deeds = self.deeds()?;
        let works = self.works(&roads)?;
        let mut wishes = self.wishes()?;
        wishes.extend(works.iter().flat_map(|works| works.cones(&roads)));
        wishes.extend(self.parked()?);
        let world = World::new(roads, self.signals()?, self.demand(), seed)?;
        let world = world.with_changes(self.changes());
        let world = world.with(wishes, deeds).under(self.spells()?);
        let world = world.with_riders(self.riders()?);
        let world = world.with_works(works);
        let world = if self.file.traffic.lane_changes {
            world.with_lane_changes()
        } else {
            world
        };
        Ok(world.with_lines(self.lines()?)?)
    }

    /// The roads of the site, with what drivers may do there.
    pub(super) fn roads(&self) -> Result<Roads> {
        let mut roads = Roads::of_site(&self.site)?;
        for &id in &self.file.traffic.right_on_red {
            ensure!(
                roads.allow_right_on_red(PhaseId::new(id)?) > 0,
                "traffic.right-on-red: no right turn of the site is governed by phase {id}"
            );
        }
        Ok(roads)
    }

    /// What single drivers are made to do.
    pub(super) fn deeds(&self) -> Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        for event in &self.file.event {
            let what = match event.kind {
                EventKind::BreakDown => What::BreakDown {
                    before_m: event.before_m.context("a break-down has a before-m")?,
                    until: self.moment(event.until_s.context("a break-down has an until-s")?),
                },
                EventKind::Slow => What::Slow {
                    most_mps: event.most_kmh.context("who is slow has a most-kmh")? / 3.6,
                    until: self.moment(event.until_s.context("who is slow has an until-s")?),
                },
                EventKind::RunRed => {
                    let [least_s, most_s] =
                        event.into_red_s.context("a run-red has an into-red-s")?;
                    What::RunRed { least_s, most_s }
                }
                EventKind::Offset | EventKind::Preempt => continue,
            };
            let from = NodeId {
                region: self.site.node.region,
                id: event.from.context("who does it comes from a node")?,
            };
            let lane = LaneId::new(event.lane.context("who does it is in a lane")?)?;
            let of_it = |link: &&Link| link.upstream == from;
            let mut lanes = self.site.approaches().filter(of_it);
            let is_there = lanes.any(|link| link.lanes.iter().any(|other| other.id == lane));
            ensure!(is_there, NoSuchLane { from, lane });
            deeds.push(Deed::new(what, self.moment(event.at_s), from, lane));
        }
        Ok(deeds)
    }

    /// Who comes by a timetable.
    pub(super) fn lines(&self) -> Result<Vec<Line>> {
        let lines = self.file.line.iter().map(|table| {
            let [least_s, most_s] = table.dwell_s.unwrap_or_default();
            ensure!(
                0.0 <= least_s && least_s <= most_s && table.every_s.is_none_or(|s| s > 0.0),
                "a line's dwell-s is a range, and its every-s is not nought"
            );
            Ok(Line {
                service: table.service.into(),
                from: NodeId {
                    region: self.site.node.region,
                    id: table.from,
                },
                lane: LaneId::new(table.lane)?,
                turn: match table.turn {
                    LineTurn::Left => Turn::Left,
                    LineTurn::Straight => Turn::Straight,
                    LineTurn::Right => Turn::Right,
                },
                first: self.moment(table.first_s),
                every: table.every_s.map(Duration::from_secs_f64),
                until: self.moment(table.until_s),
                stop: table.stop_before_m.map(|before_m| Stop {
                    before_m,
                    dwell_s: (least_s, most_s),
                }),
            })
        });
        lines.collect()
    }

    /// Where lines of buses come from.
    pub(crate) fn bus_approaches(&self) -> Vec<NodeId> {
        let lines = self.file.line.iter();
        let buses = lines.filter(|line| line.service == LineService::Bus);
        let region = self.site.node.region;
        buses
            .map(|line| NodeId {
                region,
                id: line.from,
            })
            .collect()
    }

    /// Road works, each at the beginning of its taper.
    pub(super) fn works(&self, roads: &Roads) -> Result<Vec<Works>> {
        let works = self.file.works.iter().map(|table| {
            let from = NodeId {
                region: self.site.node.region,
                id: table.from,
            };
            let lanes: Result<Vec<LaneId>, _> =
                table.lanes.iter().map(|&id| LaneId::new(id)).collect();
            let lanes = lanes?;
            let [before_m, length_m, taper_m] = [table.before_m, table.length_m, table.taper_m];
            ensure!(
                before_m >= 0.0 && 0.0 < taper_m && taper_m <= length_m && table.limit_kmh > 0.0,
                "works need a length-m, a taper-m within it and a limit-kmh"
            );
            let mut place = None;
            for &lane in &lanes {
                let mut there = roads.approaches.iter();
                let there = there.find(|other| other.from == from && other.id == lane);
                let there = there.context(NoSuchLane { from, lane })?;
                let path = Polyline::new(&there.centre).context("a lane without length")?;
                let begin_m = path.length_m() - before_m - length_m;
                ensure!(begin_m >= 0.0, "works are longer than lane {lane}");
                place.get_or_insert(path.point_at(begin_m));
            }
            Ok(Works {
                from,
                lanes,
                before_m,
                length_m,
                taper_m,
                limit_mps: table.limit_kmh / 3.6,
                since: self.moment(table.from_s),
                until: self.moment(table.until_s),
                event_type: table.event_type,
                place: place.context("works close a lane")?,
            })
        });
        works.collect()
    }
}
