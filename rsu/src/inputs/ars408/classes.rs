//! Uncertainty as the radar says it: classes of standard deviations and of existence.

/// A standard deviation by its class on the wire: an upper bound, or "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rms(u8);

impl Rms {
    /// The radar does not know.
    pub const UNKNOWN: Self = Self(31);

    /// Bound of class 30; each class below is smaller by [`Self::RATIO`].
    const LARGEST: f64 = 10.0;
    const LARGEST_DEG: f64 = 180.0;
    /// 0.005 in class 0 to 10 in class 30.
    const RATIO: f64 = 1.288_351_398_401_443_9;
    /// 0.005 degree in class 0 to 180 in class 30.
    const RATIO_DEG: f64 = 1.418_654_859_451_113_2;

    /// The smallest class that is no less than `sigma`, in m, m/s or m/s²; the largest class for
    /// whatever is beyond.
    pub fn from_sigma(sigma: f64) -> Self {
        let class = 30.0 + (sigma / Self::LARGEST).ln() / Self::RATIO.ln();
        // A hair below, so that the bound of a class stays in it.
        Self((class - 1e-6).ceil().clamp(0.0, 30.0) as u8)
    }

    /// The same for an orientation.
    pub fn from_sigma_deg(sigma_deg: f64) -> Self {
        let class = 30.0 + (sigma_deg / Self::LARGEST_DEG).ln() / Self::RATIO_DEG.ln();
        Self((class - 1e-6).ceil().clamp(0.0, 30.0) as u8)
    }

    /// Upper bound of the class in m, m/s or m/s²; None where the radar does not know.
    pub fn sigma(self) -> Option<f64> {
        self.scaled(Self::LARGEST, Self::RATIO)
    }

    /// Upper bound of the class of an orientation.
    pub fn sigma_deg(self) -> Option<f64> {
        self.scaled(Self::LARGEST_DEG, Self::RATIO_DEG)
    }

    fn scaled(self, largest: f64, ratio: f64) -> Option<f64> {
        (self != Self::UNKNOWN).then(|| largest * ratio.powi(i32::from(self.0) - 30))
    }

    /// From the five bits on the wire; more bits are cut off.
    pub(super) fn from_class(class: u16) -> Self {
        Self((class & 31) as u8)
    }

    pub(super) fn class(self) -> u8 {
        self.0
    }
}

/// Middle of the class of a probability of existence; None for "invalid".
pub fn existence(class: u8) -> Option<f32> {
    // Classes: to 25, 50, 75, 90, 99, 99.9 and 100 %.
    const MIDDLES: [f32; 7] = [0.125, 0.375, 0.625, 0.825, 0.945, 0.9945, 0.9995];
    MIDDLES.get(usize::from(class).checked_sub(1)?).copied()
}

/// The class of a probability of existence.
pub fn existence_class(probability: f32) -> u8 {
    const UPPER: [f32; 6] = [0.25, 0.5, 0.75, 0.9, 0.99, 0.999];
    1 + UPPER.iter().filter(|upper| probability >= **upper).count() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rms_classes_are_the_published_bounds() {
        for (class, bound) in [
            (0, 0.005),
            (16, 0.288),
            (17, 0.371),
            (18, 0.478),
            (29, 7.762),
            (30, 10.0),
        ] {
            let sigma = Rms(class).sigma().unwrap();
            assert!((sigma - bound).abs() < bound * 2e-3, "{class}: {sigma}");
        }
        assert!((Rms(11).sigma_deg().unwrap() - 0.234).abs() < 1e-3);
        assert!((Rms(30).sigma_deg().unwrap() - 180.0).abs() < 1e-9);
        assert_eq!(Rms::UNKNOWN.sigma(), None);
    }

    #[test]
    fn a_class_of_rms_is_its_own_bounds_class() {
        for class in 0..=30 {
            assert_eq!(Rms::from_sigma(Rms(class).sigma().unwrap()), Rms(class));
            assert_eq!(
                Rms::from_sigma_deg(Rms(class).sigma_deg().unwrap()),
                Rms(class)
            );
        }
        assert_eq!(Rms::from_sigma(0.3), Rms(17));
        assert_eq!(
            (Rms::from_sigma(0.0), Rms::from_sigma(99.0)),
            (Rms(0), Rms(30))
        );
    }

    #[test]
    fn a_class_of_existence_is_its_own_middles_class() {
        for class in 1..=7 {
            assert_eq!(existence_class(existence(class).unwrap()), class);
        }
        assert_eq!((existence(0), existence(8)), (None, None));
    }
}
