//! What fog and rain take from light and from radar, by published laws.
//!
//! - Light: Koschmieder's law. Contrast falls as `exp(-b R)`, and visibility is where it has fallen to
//!   2 %: `b = 3.912 / V`.
//! - Light in rain: 1.076 R^0.67 dB/km for R mm/h (ITU-R P.1814, its coefficients for France), taken
//!   as loss of contrast. It is taken from where visibility is told without its rain.
//! - Radar in rain: ITU-R P.838-3, `k R^a` dB/km with horizontal polarisation at 76.5 GHz, there and
//!   back. Left out: echoes of the drops themselves, which blind a radar more than the loss in the
//!   heaviest rain.
//! - Radar in fog: ITU-R P.840, a loss in proportion to the water in the air: 3.15 dB/km for each g/m³
//!   at 77 GHz and 10 °C by its double-Debye model. The water is on the line through the two examples
//!   of that recommendation: 0.05 g/m³ where one sees 300 m, 0.5 g/m³ where one sees 50 m.
//!
//! The figures were checked on 2026-11-21, not against the recommendations themselves, which were not at
//! hand, but against public programs and papers that quote them: k and a of P.838-3 and the 3.15 dB/km of
//! P.840 computed anew from their published coefficients (P.838-3: 1.1253 and 0.7188 at 76.5 GHz; P.840-8:
//! 3.147 at 77 GHz and 10 °C), the two examples of fog word for word, and the law of light in rain, which
//! is Carbonneau's of 1998, from several. Nobody vouches for the line between the two examples, nor for
//! taking loss of light as loss of contrast: both are ours.
//!
//! Not here: what a sensor makes of it, and the station that measures it ([`super::weather`]).

use rsu::clock::Mono;
use rsu::report::Quantity;

use super::weather::Spell;

/// The air between a sensor and what it looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Air {
    /// How far one sees.
    pub visibility_m: f64,
    /// Rain, in mm/h.
    pub rain_mmph: f64,
}

impl Air {
    /// The air at a moment.
    pub fn at(spells: &[Spell], now: Mono) -> Self {
        let value = |quantity| Spell::value_at(spells, quantity, now);
        Self {
            visibility_m: value(Quantity::Visibility).max(1.0),
            rain_mmph: value(Quantity::Rain).max(0.0),
        }
    }

    /// What is left of a contrast over so many metres, 0 to 1.
    pub fn contrast(&self, range_m: f64) -> f64 {
        let rain_per_km = RAIN_LIGHT.0 * self.rain_mmph.powf(RAIN_LIGHT.1) / DB_PER_NEPER;
        (-(KOSCHMIEDER / self.visibility_m + rain_per_km / 1e3) * range_m).exp()
    }

    /// How many times farther away something seems to a radar: as if its echo were weaker by the loss
    /// there and back. Exactly 1 where nothing but clear air is told of.
    pub fn radar_farther(&self, range_m: f64) -> f64 {
        if self.rain_mmph <= 0.0 && self.visibility_m >= CLEAR_M {
            return 1.0;
        }
        let rain = RAIN_RADAR.0 * self.rain_mmph.powf(RAIN_RADAR.1);
        let fog = if self.visibility_m < CLEAR_M {
            FOG_RADAR * THICK.1 * (THICK.0 / self.visibility_m).powf(WATER_POWER)
        } else {
            0.0
        };
        // Echoes fall with the fourth power of the distance: 40 dB a decade.
        10_f64.powf(2.0 * (rain + fog) * range_m / 1e3 / 40.0)
    }
}

/// `-ln 0.02`.
const KOSCHMIEDER: f64 = 3.912;
/// Decibels of an amplitude that falls by e in its square.
const DB_PER_NEPER: f64 = 4.342_944_819;
const RAIN_LIGHT: (f64, f64) = (1.076, 0.67);
/// By the formulae of P.838-3 at 76.5 GHz.
const RAIN_RADAR: (f64, f64) = (1.1253, 0.7188);
/// dB/km for each g/m³.
const FOG_RADAR: f64 = 3.15;
/// Thick fog: visibility, and water in g/m³.
const THICK: (f64, f64) = (50.0, 0.5);
/// `ln(0.5 / 0.05) / ln(300 / 50)`.
const WATER_POWER: f64 = 1.285;
/// Beyond, it is haze and no fog.
const CLEAR_M: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn air(visibility_m: f64, rain_mmph: f64) -> Air {
        Air {
            visibility_m,
            rain_mmph,
        }
    }

    #[test]
    fn at_the_visibility_a_fiftieth_of_the_contrast_is_left() {
        assert!((air(80.0, 0.0).contrast(80.0) - 0.02).abs() < 1e-4);
        assert!(air(10_000.0, 0.0).contrast(100.0) > 0.95);
        // 50 mm/h: 14.8 dB/km.
        let db_per_km = -10.0 * air(1e12, 50.0).contrast(1000.0).log10();
        assert!((db_per_km - 14.8).abs() < 0.1, "{db_per_km}");
    }

    #[test]
    fn radar_loses_little_in_fog_and_more_in_a_cloudburst() {
        let loss_db = |air: Air| 40.0 * air.radar_farther(100.0).log10();
        let clear = air(10_000.0, 0.0).radar_farther(150.0);
        assert!((clear - 1.0).abs() < f64::EPSILON);
        // 0.5 g/m³ take 1.6 dB/km, 0.3 dB on 100 m there and back.
        assert!((loss_db(air(50.0, 0.0)) - 0.315).abs() < 0.01);
        // 50 mm/h: 18.7 dB/km.
        assert!((loss_db(air(10_000.0, 50.0)) - 3.75).abs() < 0.05);
    }
}
