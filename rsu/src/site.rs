//! Stand-in for the room of this name, so that the station compiles until it lands. Removed then.
#![allow(missing_docs, reason = "a stand-in")]
use v2x_msg::base::*;
use v2x_msg::kinds::map::{LaneAttributes, LaneKind, Maneuvers, VehicleLane};
use v2x_msg::kinds::rsi;
#[derive(Clone, Debug)]
pub struct Site {
    pub name: String,
    pub node: NodeId,
    pub origin: GeoPosition,
    pub frame: EnuFrame,
    pub nodes: Vec<Node>,
    pub links: Vec<Link>,
    pub phases: Vec<Phase>,
    pub signs: Vec<rsi::Sign>,
    pub events: Vec<rsi::Event>,
    pub synthetic: bool,
}
#[derive(Clone, Debug)]
pub struct Node {
    pub id: NodeId,
    pub name: String,
    pub position: Enu,
}
#[derive(Clone, Debug)]
pub struct Link {
    pub name: String,
    pub upstream: NodeId,
    pub downstream: NodeId,
    pub speed_limit_mps: f64,
    pub width_m: f64,
    pub points: Vec<Enu>,
    pub lanes: Vec<Lane>,
}
#[derive(Clone, Debug)]
pub struct Lane {
    pub id: LaneId,
    pub width_m: f64,
    pub maneuvers: Maneuvers,
    pub speed_limit_mps: Option<f64>,
    pub centre: Vec<Enu>,
    pub connections: Vec<Connection>,
}
impl Lane {
    pub fn attributes(&self) -> LaneAttributes {
        LaneAttributes {
            sharing: None,
            kind: LaneKind::Vehicle(VehicleLane::NONE),
        }
    }
}
#[derive(Clone, Debug)]
pub struct Connection {
    pub to_node: NodeId,
    pub to_lane: Option<LaneId>,
    pub turn: Turn,
    pub phase: Option<PhaseId>,
}
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    Straight,
}
impl Turn {
    pub fn maneuver(self) -> Maneuvers {
        Maneuvers::STRAIGHT
    }
}
#[derive(Clone, Debug)]
pub struct Phase {
    pub id: PhaseId,
    pub name: String,
    pub controller: String,
    pub lamps: Vec<u16>,
    pub green: GreenKind,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GreenKind {
    Protected,
    Permissive,
}
