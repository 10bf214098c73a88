//! Vehicle intention and request (Day II): of it, who speaks, and where it is.
//!
//! Not here: what the vehicle means to do and asks for; filling leaves it out and reading passes
//! over it.

mod wire;

use crate::base::{
    DSecond, GeoPosition, Heading, HeadingConfidence, MsgCount, PositionConfidence, Speed,
    SpeedConfidence, StationId,
};

/// The head of a VIR message.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}
