//! What is not known of where a sensor stands and looks: an error that all that it shows has in common.
//!
//! The survey's own error as far as no other sensor has shown it, and a part of what was found. Made once for
//! all who are asked of; how it is found out is in `precision` and `ranges`.

use nalgebra::Vector2;

use super::config::{Sees, Sensor};
use crate::report::Covariance;

/// Of one sensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    foot: Vector2<f64>,
    /// Of its place, of the heading, and along the beam.
    place_m2: f64,
    turned_rad2: f64,
    along_m2: f64,
}

impl Doubt {
    /// `survey` is the share of the survey's error that nobody has shown yet; what was found is how much too far
    /// it measures and by how much it is turned. `others_m` is how much too far the worst of the others measures.
    pub(crate) fn new(
        sensor: &Sensor,
        survey: f64,
        (off_m, turned_rad): (f64, f64),
        others_m: f64,
    ) -> Self {
        let foot = Vector2::new(sensor.pose.east_m, sensor.pose.north_m);
        if sensor.sees == Sees::Told {
            // Nobody surveyed those.
            return Self {
                foot,
                place_m2: 0.0,
                turned_rad2: 0.0,
                along_m2: 0.0,
            };
        }
        let place_m2 = (survey * SURVEY_M).powi(2);
        Self {
            foot,
            place_m2,
            turned_rad2: (survey * SURVEY_RAD).powi(2) + (UNSURE * turned_rad).powi(2),
            along_m2: place_m2 + (UNSURE * off_m).powi(2) + whose(off_m, others_m).powi(2),
        }
    }

    /// As the covariance of what it shows at a place.
    #[inline]
    pub(crate) fn at(&self, position: Vector2<f64>) -> Covariance {
        let arm = position - self.foot;
        let range_m2 = arm.norm_squared();
        let across_m2 = self.place_m2 + range_m2 * self.turned_rad2;
        // By how much it is longer along the beam, for each metre of it. At its foot, any way.
        let longer = (self.along_m2 - across_m2) / range_m2.max(0.01);
        Covariance {
            ee: across_m2 + longer * arm.x * arm.x,
            en: longer * arm.x * arm.y,
            nn: across_m2 + longer * arm.y * arm.y,
        }
    }
}

/// How much of what was found may be another's: two that contradict each other by far more than surveys are off
/// share it, and nobody can say whose it is. Where one is off and no other, it is known.
fn whose(off_m: f64, others_m: f64) -> f64 {
    let both_m = off_m.abs().min(others_m.abs());
    let square = both_m * both_m;
    both_m * square / (square + USUAL_M * USUAL_M)
}

/// So much ranges of sensors are off that were set up well (`ranges`).
const USUAL_M: f64 = 0.25;
/// How well a roadside sensor is surveyed: its place, and the range that it says, to so much; its heading to
/// so much (0.1 degree). Assumed, of a total station.
const SURVEY_M: f64 = 0.05;
const SURVEY_RAD: f64 = 0.0017;
/// The share of an offset that was found by the other sensors which counts as not known.
const UNSURE: f64 = 0.15;
