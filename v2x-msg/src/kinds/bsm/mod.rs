//! Basic safety message: what a vehicle says of itself, up to ten times a second.
//!
//! Not here: brakes, the extension for safety, and siren and lights of the extension for emergencies;
//! filling leaves them out and reading passes over them.

pub(in crate::kinds) mod wire;

use crate::access::Aid;
use crate::base::{
    DSecond, GeoPosition, Heading, HeadingConfidence, MsgCount, PositionConfidence, Speed,
    SpeedConfidence, StationId,
};
pub use crate::kinds::rsm::{Acceleration4, Size, Transmission, VehicleClass};

/// A BSM message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bsm {
    /// Counts the BSMs of this sender.
    pub msg_cnt: MsgCount,
    /// What the vehicle calls itself for some minutes.
    pub id: StationId,
    /// When it was where it says: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// Where it was then: the centre of its outline.
    pub pos: GeoPosition,
    /// How sure its place is, by direction.
    pub ellipse: Option<ErrorEllipse>,
    /// How sure its place is, in one word.
    pub pos_confidence: Option<PositionConfidence>,
    /// Its gear.
    pub transmission: Option<Transmission>,
    /// Over ground.
    pub speed: Option<Speed>,
    /// Where it points.
    pub heading: Option<Heading>,
    /// Of its speed.
    pub speed_confidence: Option<SpeedConfidence>,
    /// Of its heading.
    pub heading_confidence: Option<HeadingConfidence>,
    /// How its movement changes.
    pub acceleration: Acceleration4,
    /// Its outline.
    pub size: Size,
    /// Its class in detail.
    pub class: VehicleClass,
    /// It is an emergency vehicle on duty: it responds to an emergency or pursues somebody.
    pub emergency: bool,
}

impl Bsm {
    /// The application that BSMs of ordinary vehicles are addressed to.
    pub const AID: Aid = Aid::BsmOrdinary;
}

/// One standard deviation of a position, as an ellipse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorEllipse {
    major: u8,
    minor: u8,
    orientation: u16,
}

impl ErrorEllipse {
    const AXIS_STEP_M: f64 = 0.05;
    const ORIENTATION_STEP_DEG: f64 = 360.0 / 65_535.0;
    /// 254 is "or more", 255 "unavailable".
    const MOST_AXIS: u8 = 253;

    /// Half axes up to 12.65 m, and the direction of the longer one, clockwise from north; None
    /// beyond, and where the first axis is the shorter one.
    pub fn new(major_m: f64, minor_m: f64, orientation_deg: f64) -> Option<Self> {
        let axis = |metres: f64| {
            let steps = (metres / Self::AXIS_STEP_M).round();
            (0.0..=f64::from(Self::MOST_AXIS))
                .contains(&steps)
                .then_some(steps as u8)
        };
        let turned = (orientation_deg.rem_euclid(360.0) / Self::ORIENTATION_STEP_DEG).round();
        let orientation = turned.is_finite().then_some(turned as u16 % 65_535)?;
        Self::from_steps(axis(major_m)?, axis(minor_m)?, orientation)
    }

    fn from_steps(major: u8, minor: u8, orientation: u16) -> Option<Self> {
        let known = minor <= major && major <= Self::MOST_AXIS && orientation < 65_535;
        known.then_some(Self {
            major,
            minor,
            orientation,
        })
    }

    /// The longer half axis.
    pub fn major_m(self) -> f64 {
        f64::from(self.major) * Self::AXIS_STEP_M
    }

    /// The shorter half axis.
    pub fn minor_m(self) -> f64 {
        f64::from(self.minor) * Self::AXIS_STEP_M
    }

    /// Where the longer one lies, clockwise from north.
    pub fn orientation_deg(self) -> f64 {
        f64::from(self.orientation) * Self::ORIENTATION_STEP_DEG
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipse_has_a_longer_axis_and_an_end() {
        let ellipse = ErrorEllipse::new(2.0, 0.5, -90.0).unwrap();
        assert!((ellipse.major_m() - 2.0).abs() < 1e-9);
        assert!((ellipse.minor_m() - 0.5).abs() < 1e-9);
        assert!((ellipse.orientation_deg() - 270.0).abs() < 0.01);
        assert_eq!(ErrorEllipse::new(0.5, 2.0, 0.0), None);
        assert_eq!(ErrorEllipse::new(12.7, 2.0, 0.0), None);
        assert_eq!(ErrorEllipse::new(1.0, 1.0, f64::NAN), None);
        assert!(ErrorEllipse::new(1.0, 1.0, 359.999).is_some());
    }
}
