//! How accurate a figure is, in the classes of the standard, rounded to the safe side.
//!
//! A class promises that 95 % of the errors lie within its limit (SAE J2735, adopted by
//! YD/T 3709-2020). Where an error lies between two limits the larger is claimed, and where no
//! limit is large enough nothing is claimed: the class "unavailable" is `None`.
//! Not here: [`super::Confidence`], the percentage that a statement is true.

/// Two-sided 95 % of a normal error in one dimension, in standard deviations.
const LINE_95: f64 = 1.959_963_985;
/// Radius of the circle that holds 95 % of a circular normal error in two dimensions.
const CIRCLE_95: f64 = 2.447_746_831;

macro_rules! classes {
    (
        $(#[$doc:meta])*
        $name:ident, $unit:literal, $from_error:ident, $from_sigma:ident, $limit:ident, $per_sigma:expr,
        [$($bound:literal),+ $(,)?]
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(u8);

        impl $name {
            const LIMITS: &[f64] = &[$($bound),+];

            #[doc = concat!("The tightest class that holds a 95 % error in ", $unit,
                "; None if none does, or if the error is not a number.")]
            pub fn $from_error(error_95: f64) -> Option<Self> {
                if error_95.is_nan() || error_95 < 0.0 {
                    return None;
                }
                tightest(Self::LIMITS, error_95).map(Self)
            }

            #[doc = concat!("The tightest class for a standard deviation in ", $unit, ".")]
            pub fn $from_sigma(sigma: f64) -> Option<Self> {
                Self::$from_error(sigma * $per_sigma)
            }

            #[doc = concat!("The limit that 95 % of the errors keep, in ", $unit, ".")]
            pub fn $limit(self) -> f64 {
                Self::LIMITS[usize::from(self.0) - 1]
            }

            /// The number of the class in the standard's list, from 1: 0 is "unavailable".
            pub fn class(self) -> u8 {
                self.0
            }

            /// From its number in the standard's list; None for 0, "unavailable", and beyond the
            /// list.
            pub fn from_class(class: u8) -> Option<Self> {
                (1..=Self::LIMITS.len()).contains(&usize::from(class)).then_some(Self(class))
            }
        }
    };
}

classes! {
    /// Of a horizontal position; the standard deviation is that of one axis.
    PositionConfidence, "metres", from_error_m, from_sigma_m, limit_m, CIRCLE_95,
    [500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
}
classes! {
    /// Of a height.
    ElevationConfidence, "metres", from_error_m, from_sigma_m, limit_m, LINE_95,
    [500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
}
classes! {
    /// Of a speed.
    SpeedConfidence, "metres a second", from_error_mps, from_sigma_mps, limit_mps, LINE_95,
    [100.0, 10.0, 5.0, 1.0, 0.1, 0.05, 0.01]
}
classes! {
    /// Of a heading. The standard's last two classes are out of order: 0.01, then 0.0125 degree.
    HeadingConfidence, "degrees", from_error_deg, from_sigma_deg, limit_deg, LINE_95,
    [10.0, 5.0, 1.0, 0.1, 0.05, 0.01, 0.0125]
}
classes! {
    /// Of a steering wheel angle.
    SteeringConfidence, "degrees", from_error_deg, from_sigma_deg, limit_deg, LINE_95,
    [2.0, 1.0, 0.02]
}
classes! {
    /// Of a time; in a SPAT, of the moment at which the lamps were read.
    TimeConfidence, "seconds", from_error_s, from_sigma_s, limit_s, LINE_95,
    [
        100.0, 50.0, 20.0, 10.0, 2.0, 1.0, 0.5, 0.2, 0.1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4,
        2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6, 5e-7, 2e-7, 1e-7, 5e-8, 2e-8, 1e-8, 5e-9,
        2e-9, 1e-9, 5e-10, 2e-10, 1e-10, 5e-11, 2e-11, 1e-11,
    ]
}

/// One-based place of the smallest limit that is not below `error`.
fn tightest(limits: &[f64], error: f64) -> Option<u8> {
    let (place, _) = limits
        .iter()
        .enumerate()
        .filter(|(_, limit)| **limit >= error)
        .min_by(|a, b| a.1.total_cmp(b.1))?;
    u8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_between_two_limits_claims_the_larger() {
        let class = PositionConfidence::from_error_m(0.6).unwrap();
        assert_eq!(class.class(), 9);
        assert!((class.limit_m() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_error_on_the_limit_keeps_it() {
        assert_eq!(PositionConfidence::from_error_m(0.5).unwrap().class(), 10);
        assert_eq!(SpeedConfidence::from_error_mps(1.0).unwrap().class(), 4);
        assert_eq!(TimeConfidence::from_error_s(0.1).unwrap().class(), 9);
    }

    #[test]
    fn an_error_beyond_every_limit_claims_nothing() {
        assert_eq!(PositionConfidence::from_error_m(501.0), None);
        assert_eq!(HeadingConfidence::from_error_deg(f64::NAN), None);
        assert_eq!(HeadingConfidence::from_error_deg(-1.0), None);
        assert_eq!(TimeConfidence::from_error_s(f64::INFINITY), None);
    }

    #[test]
    fn no_error_at_all_is_the_tightest_class() {
        assert_eq!(TimeConfidence::from_error_s(0.0).unwrap().class(), 39);
        assert_eq!(PositionConfidence::from_error_m(0.0).unwrap().class(), 15);
        // 0.01 degree is class 6, before 0.0125 degree.
        assert_eq!(HeadingConfidence::from_error_deg(0.0).unwrap().class(), 6);
        assert_eq!(HeadingConfidence::from_error_deg(0.011).unwrap().class(), 7);
        assert_eq!(HeadingConfidence::from_error_deg(0.02).unwrap().class(), 5);
    }

    #[test]
    fn a_standard_deviation_is_widened_to_ninety_five_percent() {
        // 0.5 m an axis is 1.22 m around: within 2 m, not within 1 m.
        assert_eq!(PositionConfidence::from_sigma_m(0.5).unwrap().class(), 8);
        assert_eq!(SpeedConfidence::from_sigma_mps(0.5).unwrap().class(), 4);
        assert_eq!(SpeedConfidence::from_sigma_mps(0.52).unwrap().class(), 3);
    }

    #[test]
    fn class_numbers_are_those_of_the_standard() {
        assert_eq!(TimeConfidence::LIMITS.len(), 39);
        assert_eq!(PositionConfidence::LIMITS.len(), 15);
        assert_eq!(PositionConfidence::from_class(0), None);
        assert_eq!(PositionConfidence::from_class(16), None);
        assert!((TimeConfidence::from_class(24).unwrap().limit_s() - 1e-6).abs() < 1e-18);
    }
}
