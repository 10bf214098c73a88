//! Roadside coordination (Day II): what a roadside unit suggests to single vehicles, and to lanes.
//!
//! Not here: paths, times of day and texts; filling leaves them out and reading passes over them. When
//! something is suggested, the station's `requests` room decides.

mod wire;

use super::flags::flags;
use crate::access::Aid;
use crate::base::{DSecond, Few, GeoPosition, MsgCount, Speed, StationId, TimeOffset, WrongCount};
use crate::kinds::rsi::ReferenceLink;
use crate::kinds::vir::Behavior;

/// Vehicles of one message.
pub const MAX_VEHICLES: usize = 16;
/// Lanes of one message.
pub const MAX_LANES: usize = 8;

/// An RSC message.
#[derive(Clone, Debug, PartialEq)]
pub struct Rsc {
    /// Counts the RSCs of this sender.
    pub msg_cnt: MsgCount,
    /// Who sends.
    pub id: StationId,
    /// Of when it is: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// Where the sender is.
    pub ref_pos: GeoPosition,
    vehicles: Few<VehicleAdvice, 0, MAX_VEHICLES>,
    lanes: Few<LaneAdvice, 0, MAX_LANES>,
}

impl Rsc {
    /// The application that RSCs are addressed to.
    pub const AID: Aid = Aid::Rsc;

    /// For up to 16 vehicles and 8 lanes.
    pub fn new(
        msg_cnt: MsgCount,
        id: StationId,
        ref_pos: GeoPosition,
        vehicles: impl IntoIterator<Item = VehicleAdvice>,
        lanes: impl IntoIterator<Item = LaneAdvice>,
    ) -> Result<Self, WrongCount> {
        Ok(Self {
            msg_cnt,
            id,
            sec_mark: None,
            ref_pos,
            vehicles: Few::new(vehicles)?,
            lanes: Few::new(lanes)?,
        })
    }

    /// What is suggested to single vehicles.
    pub fn vehicles(&self) -> &[VehicleAdvice] {
        &self.vehicles
    }

    /// What is suggested to whoever is in a lane.
    pub fn lanes(&self) -> &[LaneAdvice] {
        &self.lanes
    }
}

/// What is suggested to one vehicle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleAdvice {
    /// What it calls itself.
    pub vehicle: StationId,
    /// What it should do.
    pub suggestion: Option<Suggestion>,
    /// What it is about.
    pub about: Option<About>,
}

/// What to do, and for how long that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// What to do.
    pub behavior: Behavior,
    /// For how long after `sec_mark`.
    pub lasts: Option<TimeOffset>,
    /// Where: for a change of lanes, into which.
    pub link: Option<ReferenceLink>,
}

/// What is suggested to whoever is in a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneAdvice {
    /// Which.
    pub lane: ReferenceLink,
    /// How fast to go.
    pub speed: Option<Speed>,
    /// What to do.
    pub behavior: Option<Behavior>,
    /// What it is about.
    pub about: Option<About>,
}

flags! {
    /// What a suggestion is about.
    About, 8 bits {
        /// A change of lanes that others make room for.
        LANE_CHANGE = 0,
        /// Two roads become one.
        MERGING = 1,
        /// A change of lanes at a junction.
        LANE_CHANGE_AT_JUNCTION = 2,
        /// A junction without a signal.
        JUNCTION_WITHOUT_SIGNAL = 3,
        /// Lanes whose use changes.
        DYNAMIC_LANES = 4,
        /// A lane is kept free.
        LANE_RESERVED = 5,
        /// A lane is restricted.
        LANE_RESTRICTED = 6,
        /// Priority at a signal.
        SIGNAL_PRIORITY = 7,
    }
}
