//! How far the points that radars follow stray over a body of which nobody has told the size.
//!
//! Until a size is known a body is supposed to be as long as road users are in the mean, and echoes of it to lie as
//! far from its middle as they do on such a one. Of a bus they lie farther off: then they miss, along the body, by
//! more than they should, and what is more is noted here and expected from then on. Such a point stays where it is
//! on the body for a second or two, so that it counts as an error that lasts (`lasting`).
//!
//! A point that keeps its place on the body for as long as it is seen misses nothing: that one radar alone follows
//! the rear end of a bus is not seen here. What is known of a size says more, and then nothing is noted.

use nalgebra::{Matrix2, Vector2};

/// Of one body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stray {
    /// Variance along the body, beyond what is supposed.
    along_m2: f32,
    count: u16,
}

impl Stray {
    /// Takes by how much an echo missed; `known` is how sure that is without what is noted here. `direction` is that
    /// of the body: cosine and sine.
    pub(crate) fn note(
        &mut self,
        (cos, sin): (f64, f64),
        miss: Vector2<f64>,
        known: &Matrix2<f64>,
    ) {
        let along_m = miss.x * cos + miss.y * sin;
        let way = Vector2::new(cos, sin);
        let known_m2 = way.dot(&(known * way));
        let stray_m2 = f64::from(self.along_m2);
        // Held where it is likelier somebody else's.
        let square = (along_m * along_m).min(MOST_SIGMAS2 * (known_m2 + stray_m2));
        self.count = (self.count + 1).min(MEMORY);
        let share = 1.0 / (SUPPOSED + f64::from(self.count));
        let more_m2 = square - known_m2 - stray_m2;
        self.along_m2 = (stray_m2 + share * more_m2).clamp(0.0, MOST_M2) as f32;
    }

    /// As a covariance.
    pub(crate) fn covariance(&self, (cos, sin): (f64, f64)) -> Matrix2<f64> {
        let along_m2 = f64::from(self.along_m2);
        let (ee, en, nn) = (cos * cos, cos * sin, sin * sin);
        Matrix2::new(ee, en, en, nn) * along_m2
    }
}

/// What is supposed counts as much as so many echoes.
const SUPPOSED: f64 = 10.0;
/// And as many of late as this are looked back on: two seconds of a radar.
const MEMORY: u16 = 40;
const MOST_SIGMAS2: f64 = 9.0;
/// Of a tram of 40 m the point may be anywhere: 12 m.
const MOST_M2: f64 = 144.0;
