//! Quantities, positions, air time and ids that every message shares.
//!
//! Rooms: [`quantity`] (whole wire steps with units), [`confidence`] (accuracy classes), [`angle`]
//! (headings and yaws), [`position`] and [`enu`] (degrees, and the site's local frame in metres),
//! [`time`] (UTC and the forms it has on the air), [`id`], [`list`] (bounded lists) and [`text`].
//!
//! "Unknown" is always `None` here: sentinels such as 8191 live in the `wire` modules of
//! [`crate::kinds`] and nowhere else.

pub mod angle;
mod calendar;
pub mod confidence;
pub mod enu;
pub mod id;
pub mod list;
pub mod position;
pub mod quantity;
pub mod text;
pub mod time;

pub use angle::{HeadingRad, Yaw};
pub use confidence::{
    ElevationConfidence, HeadingConfidence, PositionConfidence, SpeedConfidence,
    SteeringConfidence, TimeConfidence,
};
pub use enu::{Degrees, Enu, EnuFrame};
pub use id::{LaneId, MsgCount, NodeId, ParticipantId, PhaseId, StationId};
pub use list::{Few, Many, WrongCount};
pub use position::GeoPosition;
pub use quantity::{
    Acceleration, Approach, Confidence, Elevation, Heading, LaneWidth, Radius, Speed,
    SteeringAngle, TimeOffset, VehicleHeight, VehicleLength, VehicleWidth, VerticalAcceleration,
    YawRate,
};
pub use text::{Name, NotAName};
pub use time::{Civil, Countdown, DSecond, HourMark, MinuteOfYear, Utc};

/// A number that its type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{what} of {value}{}{unit} is outside {min}..={max}", if .unit.is_empty() { "" } else { " " })]
pub struct OutOfRange {
    /// What was to be built, in the words of the standard: `speed`, `phase id`.
    pub what: &'static str,
    /// Unit of the three numbers below; empty for an id.
    pub unit: &'static str,
    /// What was asked for; NaN if it was not a number.
    pub value: f64,
    /// Smallest value that the air can carry.
    pub min: f64,
    /// Largest value that the air can carry.
    pub max: f64,
}

impl OutOfRange {
    pub(crate) fn of_id(what: &'static str, value: u32, min: u32, max: u32) -> Self {
        OutOfRange {
            what,
            unit: "",
            value: f64::from(value),
            min: f64::from(min),
            max: f64::from(max),
        }
    }
}
