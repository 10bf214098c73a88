//! Angles as they are calculated with: a heading is clockwise from north, a yaw counter-clockwise
//! from east. Two types and one conversion, so that they cannot be mistaken for each other.
//!
//! Not here: the heading that is sent, in steps ([`super::Heading`]).

use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// A direction clockwise from true north, 0 up to (not including) one turn.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct HeadingRad(f64);

impl HeadingRad {
    /// From radians; wrapped into one turn.
    pub fn new(rad: f64) -> Self {
        let wrapped = rad.rem_euclid(TAU);
        // A tiny negative angle wraps to exactly one turn.
        HeadingRad(if wrapped >= TAU { 0.0 } else { wrapped })
    }

    /// From degrees; wrapped into one turn.
    pub fn from_deg(deg: f64) -> Self {
        Self::new(deg.to_radians())
    }

    /// The direction of a vector on the ground; that of no movement is north.
    pub fn of_vector(east: f64, north: f64) -> Self {
        Self::new(east.atan2(north))
    }

    /// In radians, 0 to 2 pi.
    pub fn rad(self) -> f64 {
        self.0
    }

    /// In degrees, 0 to 360.
    pub fn deg(self) -> f64 {
        self.0.to_degrees()
    }

    /// The unit vector of this direction: (east, north).
    pub fn unit(self) -> (f64, f64) {
        let (sin, cos) = self.0.sin_cos();
        (sin, cos)
    }

    /// The shortest turn from here to `other`, in radians, clockwise positive, at most half a turn.
    pub fn turn_to(self, other: HeadingRad) -> f64 {
        half_turn(other.0 - self.0)
    }
}

/// A direction counter-clockwise from east, as mathematics and the fusion have it: above -pi, up to
/// pi.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Yaw(f64);

impl Yaw {
    /// From radians; wrapped into one turn.
    pub fn new(rad: f64) -> Self {
        Yaw(half_turn(rad))
    }

    /// From degrees; wrapped into one turn.
    pub fn from_deg(deg: f64) -> Self {
        Self::new(deg.to_radians())
    }

    /// The direction of a vector on the ground; that of no movement is east.
    pub fn of_vector(east: f64, north: f64) -> Self {
        Self::new(north.atan2(east))
    }

    /// In radians, -pi to pi.
    pub fn rad(self) -> f64 {
        self.0
    }

    /// In degrees, -180 to 180.
    pub fn deg(self) -> f64 {
        self.0.to_degrees()
    }

    /// The unit vector of this direction: (east, north).
    pub fn unit(self) -> (f64, f64) {
        let (sin, cos) = self.0.sin_cos();
        (cos, sin)
    }

    /// The shortest turn from here to `other`, in radians, counter-clockwise positive, at most half
    /// a turn.
    pub fn turn_to(self, other: Yaw) -> f64 {
        half_turn(other.0 - self.0)
    }
}

impl From<Yaw> for HeadingRad {
    fn from(yaw: Yaw) -> Self {
        HeadingRad::new(FRAC_PI_2 - yaw.0)
    }
}

impl From<HeadingRad> for Yaw {
    fn from(heading: HeadingRad) -> Self {
        Yaw::new(FRAC_PI_2 - heading.0)
    }
}

/// Wrapped above -pi, up to pi.
fn half_turn(rad: f64) -> f64 {
    let wrapped = rad.rem_euclid(TAU);
    if wrapped > PI { wrapped - TAU } else { wrapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn north_east_south_west_are_the_same_in_both_forms() {
        for (heading_deg, yaw_deg) in [(0.0, 90.0), (90.0, 0.0), (180.0, -90.0), (270.0, 180.0)] {
            assert!(near(
                HeadingRad::from(Yaw::from_deg(yaw_deg)).deg(),
                heading_deg
            ));
            assert!(near(
                Yaw::from(HeadingRad::from_deg(heading_deg)).deg(),
                yaw_deg
            ));
        }
    }

    #[test]
    fn both_forms_point_the_same_way() {
        for deg in [0.0, 12.5, 91.0, 200.0, 359.0] {
            let heading = HeadingRad::from_deg(deg);
            let (east, north) = heading.unit();
            let (also_east, also_north) = Yaw::from(heading).unit();
            assert!(near(east, also_east) && near(north, also_north));
            assert!(near(
                HeadingRad::of_vector(east, north).turn_to(heading),
                0.0
            ));
            assert!(near(
                Yaw::of_vector(east, north).turn_to(Yaw::from(heading)),
                0.0
            ));
        }
    }

    #[test]
    fn the_shortest_turn_crosses_north() {
        let turn = HeadingRad::from_deg(350.0).turn_to(HeadingRad::from_deg(10.0));
        assert!(near(turn.to_degrees(), 20.0));
        let back = Yaw::from_deg(-170.0).turn_to(Yaw::from_deg(170.0));
        assert!(near(back.to_degrees(), -20.0));
    }

    #[test]
    fn wrapping_never_leaves_the_turn() {
        assert!(HeadingRad::new(-1e-18).rad() < TAU);
        assert!(near(Yaw::new(-PI).rad(), PI));
    }
}
