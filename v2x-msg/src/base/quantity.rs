//! Numbers with a unit, held as the whole steps that the air carries.
//!
//! Each type holds only what can be said: the "unavailable" codes of the standard are outside its
//! range and become `None` around it. Ranges and steps are those of the 2020 message set
//! (YD/T 3709-2020). Not here: headings as free angles ([`super::angle`]).

use super::{HeadingRad, OutOfRange};

/// A quantity on a grid of wire steps: `$name($repr)`, `$min..=$max` steps of `$step` `$unit`.
macro_rules! quantity {
    (
        $(#[$doc:meta])*
        $name:ident($repr:ty) = $what:literal, $min:literal..=$max:literal, $step:literal $unit:literal,
        $from:ident, $nearest:ident, $value:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            /// The smallest value that can be sent.
            pub const MIN: Self = Self($min);
            /// The largest value that can be sent.
            pub const MAX: Self = Self($max);

            #[doc = concat!("From whole steps of ", stringify!($step), " ", $unit, ", ",
                stringify!($min), " to ", stringify!($max), ".")]
            pub fn from_steps(steps: i32) -> Result<Self, OutOfRange> {
                if ($min..=$max).contains(&steps) {
                    Ok(Self(steps as $repr))
                } else {
                    Err(Self::out_of_range(f64::from(steps) * $step))
                }
            }

            #[doc = concat!("To the nearest step of ", stringify!($step), " ", $unit,
                "; outside the range, or not a number, is refused.")]
            pub fn $from(value: f64) -> Result<Self, OutOfRange> {
                let steps = (value / $step).round();
                if steps >= f64::from(Self::MIN.0) && steps <= f64::from(Self::MAX.0) {
                    Ok(Self(steps as $repr))
                } else {
                    Err(Self::out_of_range(value))
                }
            }

            #[doc = concat!("To the nearest value that can be sent, in ", $unit,
                "; the ends of the range stand for all beyond them. None if not a number.")]
            pub fn $nearest(value: f64) -> Option<Self> {
                if value.is_nan() {
                    return None;
                }
                let steps = (value / $step).round();
                Some(Self(steps.clamp(f64::from(Self::MIN.0), f64::from(Self::MAX.0)) as $repr))
            }

            #[doc = concat!("In ", $unit, ".")]
            pub fn $value(self) -> f64 {
                f64::from(self.0) * $step
            }

            #[doc = concat!("In whole steps of ", stringify!($step), " ", $unit, ".")]
            pub fn steps(self) -> $repr {
                self.0
            }

            fn out_of_range(value: f64) -> OutOfRange {
                OutOfRange {
                    what: $what,
                    unit: $unit,
                    value: tidy(value),
                    min: tidy(f64::from(Self::MIN.0) * $step),
                    max: tidy(f64::from(Self::MAX.0) * $step),
                }
            }
        }
    };
}

quantity! {
    /// Speed over ground or a limit, 0 to 163.8 m/s.
    Speed(u16) = "speed", 0..=8190, 0.02 "m/s", from_mps, nearest_mps, mps
}
quantity! {
    /// Height above the ellipsoid, -409.5 to 6143.9 m.
    Elevation(i32) = "elevation", -4095..=61439, 0.1 "m", from_m, nearest_m, m
}
quantity! {
    /// Width of a lane or a link, 0 to 327.67 m.
    LaneWidth(u16) = "lane width", 0..=32767, 0.01 "m", from_m, nearest_m, m
}
quantity! {
    /// Reach of an event or of a path to both sides, 0 to 6553.5 m.
    Radius(u16) = "radius", 0..=65535, 0.1 "m", from_m, nearest_m, m
}
quantity! {
    /// Width of a road user, 0.01 to 10.23 m. The code 0 means unknown.
    VehicleWidth(u16) = "width", 1..=1023, 0.01 "m", from_m, nearest_m, m
}
quantity! {
    /// Length of a road user, 0.01 to 40.95 m. The code 0 means unknown.
    VehicleLength(u16) = "length", 1..=4095, 0.01 "m", from_m, nearest_m, m
}
quantity! {
    /// Height of a road user, 0.05 to 6.35 m. The code 0 means unknown.
    VehicleHeight(u8) = "height", 1..=127, 0.05 "m", from_m, nearest_m, m
}
quantity! {
    /// From some moment on, 0.01 to 655.34 s. The end means "or more", the code 65535 means unknown.
    TimeOffset(u16) = "time offset", 1..=65534, 0.01 "s", from_s, nearest_s, s
}
quantity! {
    /// How far it is to a junction, 0 to 1000 m.
    Approach(u16) = "distance to a junction", 0..=10000, 0.1 "m", from_m, nearest_m, m
}
quantity! {
    /// How sure a statement is, 0 to 100 % in steps of 0.5 %.
    Confidence(u8) = "confidence", 0..=200, 0.5 "%", from_percent, nearest_percent, percent
}
quantity! {
    /// Along or across the direction of travel. The ends mean "20 m/s2 or more" to either side.
    Acceleration(i16) = "acceleration", -2000..=2000, 0.01 "m/s2", from_mps2, nearest_mps2, mps2
}
quantity! {
    /// Up is positive, in units of standard gravity. The ends mean "or more".
    VerticalAcceleration(i8) = "vertical acceleration", -126..=127, 0.02 "g", from_g, nearest_g, g
}
quantity! {
    /// Turning rate, clockwise positive as in SAE J2735; ±327.67 degrees a second. It has no
    /// code for "unknown": leave the whole set of four out instead.
    YawRate(i16) = "yaw rate", -32767..=32767, 0.01 "deg/s", from_deg_per_s, nearest_deg_per_s, deg_per_s
}
quantity! {
    /// Of the steering wheel, clockwise positive. The ends mean "189 degrees or more".
    SteeringAngle(i8) = "steering wheel angle", -126..=126, 1.5 "deg", from_deg, nearest_deg, deg
}

/// Without the last digits that binary fractions leave, for people to read.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Direction of travel, clockwise from true north, in steps of 0.0125 degree: 0 to 28799.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Heading(u16);

impl Heading {
    /// Due north.
    pub const NORTH: Heading = Heading(0);
    const FULL_TURN: u16 = 28800;
    const STEP_DEG: f64 = 0.0125;

    /// From whole steps of 0.0125 degree, 0 to 28799.
    pub fn from_steps(steps: i32) -> Result<Self, OutOfRange> {
        match u16::try_from(steps) {
            Ok(inside) if inside < Self::FULL_TURN => Ok(Heading(inside)),
            _ => Err(Self::out_of_range(f64::from(steps) * Self::STEP_DEG)),
        }
    }

    /// To the nearest step; any finite angle is wrapped into one turn.
    pub fn from_deg(deg: f64) -> Result<Self, OutOfRange> {
        if !deg.is_finite() {
            return Err(Self::out_of_range(deg));
        }
        // Rounding may reach the full turn, which is north again.
        let steps = (deg.rem_euclid(360.0) / Self::STEP_DEG).round() as u16;
        Ok(Heading(steps % Self::FULL_TURN))
    }

    /// To the nearest step.
    pub fn from_rad(heading: HeadingRad) -> Result<Self, OutOfRange> {
        Self::from_deg(heading.deg())
    }

    /// In degrees clockwise from north, 0 to 359.9875.
    pub fn deg(self) -> f64 {
        f64::from(self.0) * Self::STEP_DEG
    }

    /// As a free angle, for calculation.
    pub fn rad(self) -> HeadingRad {
        HeadingRad::from_deg(self.deg())
    }

    /// In whole steps of 0.0125 degree.
    pub fn steps(self) -> u16 {
        self.0
    }

    fn out_of_range(value: f64) -> OutOfRange {
        OutOfRange {
            what: "heading",
            unit: "deg",
            value,
            min: 0.0,
            max: 359.9875,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_rounded_to_the_nearest_two_centimetres_a_second() {
        assert_eq!(Speed::from_mps(13.889).unwrap().steps(), 694);
        assert!((Speed::from_mps(13.889).unwrap().mps() - 13.88).abs() < 1e-9);
    }

    #[test]
    fn the_code_for_no_speed_cannot_be_built() {
        assert!(Speed::from_steps(8191).is_err());
        assert!(Speed::from_mps(163.82).is_err());
        assert_eq!(Speed::from_mps(163.8).unwrap(), Speed::MAX);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        assert!(Speed::from_mps(f64::NAN).is_err());
        assert!(Elevation::from_m(f64::INFINITY).is_err());
        assert!(Heading::from_deg(f64::NAN).is_err());
        assert_eq!(Acceleration::nearest_mps2(f64::NAN), None);
    }

    #[test]
    fn an_acceleration_beyond_the_scale_is_sent_as_its_end() {
        assert_eq!(Acceleration::nearest_mps2(-35.0), Some(Acceleration::MIN));
        assert_eq!(
            Acceleration::nearest_mps2(f64::INFINITY),
            Some(Acceleration::MAX)
        );
        assert_eq!(Acceleration::nearest_mps2(1.234).unwrap().steps(), 123);
    }

    #[test]
    fn a_heading_wraps_in_both_directions() {
        assert_eq!(Heading::from_deg(-90.0).unwrap().steps(), 21600);
        assert_eq!(Heading::from_deg(450.0).unwrap().steps(), 7200);
        assert_eq!(Heading::from_deg(359.9999).unwrap(), Heading::NORTH);
        assert_eq!(Heading::from_deg(-1e-18).unwrap(), Heading::NORTH);
    }

    #[test]
    fn steps_outside_the_scale_are_refused_with_the_range_in_the_unit() {
        let refused = Elevation::from_steps(-4096).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "elevation of -409.6 m is outside -409.5..=6143.9"
        );
        assert!(Heading::from_steps(28800).is_err());
        assert!(Heading::from_steps(-1).is_err());
    }
}
