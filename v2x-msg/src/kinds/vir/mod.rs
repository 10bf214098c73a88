//! Vehicle intention and request (Day II): who speaks, where it is, what it means to do, what it asks for.
//!
//! Positions are absolute here; on the air they become offsets from the vehicle's own. Not here: who
//! answers a request, and how; of points of a plan what is said of the map and of accuracies; when
//! a way is to be cleared. Filling leaves these out and reading passes over them.

pub(in crate::kinds) mod wire;

use super::flags::flags;
use crate::base::{
    Approach, DSecond, Few, GeoPosition, Heading, HeadingConfidence, LaneId, MsgCount, NodeId,
    PhaseId, PositionConfidence, Speed, SpeedConfidence, StationId, TimeOffset,
};
use crate::kinds::rsi::{Level, ReferencePath};
use crate::kinds::rsm::VehicleClass;

/// Points of a plan.
pub const MAX_POINTS: usize = 100;
/// Requests of one message.
pub const MAX_REQUESTS: usize = 8;
/// Paths of one request to be told what sensors see.
pub const MAX_PATHS: usize = 8;

/// A VIR message.
#[derive(Clone, Debug, PartialEq)]
pub struct Vir {
    /// Counts the VIRs of this sender.
    pub msg_cnt: MsgCount,
    /// What the vehicle calls itself for some minutes, also in its BSMs.
    pub id: StationId,
    /// When it was where it says: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// Where it was then.
    pub pos: GeoPosition,
    /// How sure its place is.
    pub pos_confidence: Option<PositionConfidence>,
    /// Over ground.
    pub speed: Option<Speed>,
    /// Where it points.
    pub heading: Option<Heading>,
    /// Of its speed.
    pub speed_confidence: Option<SpeedConfidence>,
    /// Of its heading.
    pub heading_confidence: Option<HeadingConfidence>,
    /// What it is doing.
    pub behavior: Option<Behavior>,
    /// Where it means to be and when, in order.
    pub plan: Few<PlanPoint, 0, MAX_POINTS>,
    /// What it asks for.
    pub requests: Few<DriveRequest, 0, MAX_REQUESTS>,
}

impl Vir {
    /// Of a vehicle of which nothing but its place is known, and that asks for nothing.
    pub fn new(msg_cnt: MsgCount, id: StationId, pos: GeoPosition) -> Self {
        Self {
            msg_cnt,
            id,
            sec_mark: None,
            pos,
            pos_confidence: None,
            speed: None,
            heading: None,
            speed_confidence: None,
            heading_confidence: None,
            behavior: None,
            plan: Few::default(),
            requests: Few::default(),
        }
    }
}

/// A point of a planned way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanPoint {
    /// Where.
    pub pos: GeoPosition,
    /// How fast it means to be there.
    pub speed: Option<Speed>,
    /// Where it means to point there.
    pub heading: Option<Heading>,
    /// How long after `sec_mark`.
    pub after: Option<TimeOffset>,
}

flags! {
    /// What a vehicle does or should do.
    Behavior, 14 bits {
        /// Keeps its lane.
        STRAIGHT_ON = 0,
        /// Changes to the lane at its left.
        CHANGE_LEFT = 1,
        /// Changes to the lane at its right.
        CHANGE_RIGHT = 2,
        /// Comes in from a ramp.
        RAMP_IN = 3,
        /// Goes out by a ramp.
        RAMP_OUT = 4,
        /// Passes a junction straight on.
        JUNCTION_STRAIGHT = 5,
        /// Turns left at a junction.
        JUNCTION_LEFT = 6,
        /// Turns right at a junction.
        JUNCTION_RIGHT = 7,
        /// Turns back at a junction.
        JUNCTION_BACK = 8,
        /// Stops and starts again.
        STOP_AND_GO = 9,
        /// Stops.
        STOP = 10,
        /// Slows down.
        SLOW_DOWN = 11,
        /// Speeds up.
        SPEED_UP = 12,
        /// Parks.
        PARK = 13,
    }
}

/// One wish, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct DriveRequest {
    /// Its number, the same through a series of messages.
    pub id: u8,
    /// How far it has come.
    pub status: Status,
    /// How urgent it is.
    pub level: Option<Level>,
    /// The vehicle that is asked.
    pub to_vehicle: Option<StationId>,
    /// The roadside unit that is asked.
    pub to_unit: Option<StationId>,
    /// What is wished for; None also for what a newer edition names.
    pub wish: Option<Wish>,
    /// For how long after `sec_mark` it stands.
    pub lasts: Option<TimeOffset>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It does not say.
    Unknown,
    /// It is asked.
    Asked,
    /// The answer has been heard and is followed.
    Confirmed,
    /// It is asked no more.
    Cancelled,
    /// What was wished for is done.
    Done,
}

impl Status {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [Status; 5] = [
        Status::Unknown,
        Status::Asked,
        Status::Confirmed,
        Status::Cancelled,
        Status::Done,
    ];
}

/// What is wished for.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "inline on purpose: what is heard on the road is read without allocating"
)]
pub enum Wish {
    /// To change into a lane.
    LaneChange(LaneOfLink),
    /// That others clear a lane, or a part of it.
    ClearTheWay {
        /// Which.
        lane: LaneOfLink,
        /// The part.
        path: Option<ReferencePath>,
    },
    /// Green.
    SignalPriority(SignalPriority),
    /// To be told who is seen along these paths.
    SensorSharing(Few<ReferencePath, 1, MAX_PATHS>),
    /// To use a car park.
    Parking(Parking),
}

/// A lane of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneOfLink {
    /// Where the link comes from.
    pub upstream: NodeId,
    /// Where it leads.
    pub downstream: NodeId,
    /// The lane; None where the vehicle does not know.
    pub lane: Option<LaneId>,
}

/// Green for one way over a junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalPriority {
    /// Of which junction.
    pub node: NodeId,
    /// Where the way leads.
    pub remote: NodeId,
    /// The phase that it needs.
    pub phase: Option<PhaseId>,
    /// How it turns there.
    pub turn: Option<Maneuver>,
    /// When the vehicle will be there, after `sec_mark`.
    pub arrives_after: Option<TimeOffset>,
    /// How far it still is.
    pub distance: Option<Approach>,
}

/// How a way turns at a junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Maneuver {
    /// Not at all.
    Straight,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Back.
    UTurn,
}

impl Maneuver {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [Maneuver; 4] = [
        Maneuver::Straight,
        Maneuver::Left,
        Maneuver::Right,
        Maneuver::UTurn,
    ];
}

/// What a vehicle wants in a car park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parking {
    /// What it is.
    pub class: VehicleClass,
    /// What it wants.
    pub wants: ParkingWish,
    /// What sort of place it needs.
    pub kind: Option<ParkingKind>,
    /// The place that it hopes for.
    pub slot: Option<u16>,
}

flags! {
    /// What one does in a car park.
    ParkingWish, 12 bits {
        /// Drive in.
        ENTER = 0,
        /// Drive out.
        EXIT = 1,
        /// Park.
        PARK = 2,
        /// Pay.
        PAY = 3,
        /// Let passengers out.
        UNLOAD_PASSENGER = 4,
        /// Let passengers in.
        PICK_UP_PASSENGER = 5,
        /// Unload.
        UNLOAD_CARGO = 6,
        /// Load.
        LOAD_CARGO = 7,
    }
}

flags! {
    /// A sort of parking place.
    ParkingKind, 10 bits {
        /// Nobody has said.
        UNKNOWN = 0,
        /// Ordinary.
        ORDINARY = 1,
        /// For disabled people.
        DISABLED = 2,
        /// Small.
        MINI = 3,
        /// Before another.
        ATTACHED = 4,
        /// With a charger.
        CHARGING = 5,
        /// Above another.
        STEREO = 6,
        /// For women.
        LADY = 7,
        /// Long.
        EXTENDED = 8,
        /// Somebody's own.
        PRIVATE = 9,
    }
}
