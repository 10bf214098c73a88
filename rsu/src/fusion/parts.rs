//! One body that a camera or a box now and then lists in parts: a lorry as tractor and trailer, a bus that bends.
//!
//! A detection much shorter than a bus or lorry that was listed whole a moment ago, and within it, is a part of
//! it: it says that the body is there and how it moves, little of where its middle is, nothing of how long it is.
//! Further parts in the same frame begin nobody. A frame that shows the body whole shows no parts of it: what else
//! lies within is somebody, such as a car that another camera took for the end of the bus. Who has not been listed
//! whole for a while may be several after all: then every detection counts again.
//!
//! Not here: several echoes of one body (`step`), what was followed twice already (`merge`), and a body that every
//! sensor lists in parts all the time (`ties`).

use std::time::Duration;

use nalgebra::{Matrix2, Vector2};

use super::target::{Sighting, Target};
use crate::clock::Mono;
use crate::report::{Class, Size};

/// A car is taken for the end of a bus or lorry that it follows rather than the end for a car.
fn may_be_part(class: Class) -> bool {
    matches!(class, Class::Unknown | Class::Bus | Class::Truck)
}

/// Shorter bodies are hardly listed in parts.
const LONG_M: f32 = 8.0;
/// What is so much of the length is the whole, measured badly.
const WHOLE: f32 = 0.7;
/// How long a body counts as one after it was listed whole.
const WHOLE_FOR: Duration = Duration::from_secs(1);

/// Ends are known to this.
const END_MARGIN_M: f64 = 1.0;
/// How seldom a body that was listed whole a moment ago is listed in parts, against whole: where either fits, it
/// is the whole.
pub(crate) const IN_PARTS: f64 = 0.02;

impl Target {
    /// Whether a thing of that length may be a part of this one.
    fn is_longer_whole(&self, at: Mono, length_m: f32) -> bool {
        let whole = |size: Size| size.length_m >= LONG_M && length_m < WHOLE * size.length_m;
        self.size.measured().is_some_and(whole)
            && self.heading.direction.is_some()
            && at.since(self.whole_at) <= WHOLE_FOR
            // Two cars may pass for one long one.
            && matches!(self.class.best().0, Class::Bus | Class::Truck)
    }

    /// Whether a sighting shows a part of it only.
    #[inline]
    pub(crate) fn has_part(&self, at: Mono, sighting: &Sighting) -> bool {
        // Mostly nothing is so long.
        let Some(size) = &sighting.size else {
            return false;
        };
        self.confirmed
            && self.is_longer_whole(at, size.length_m)
            && may_be_part(sighting.class)
            && self.encloses(sighting.position - self.state.position(), size.length_m)
    }

    /// Whether a thing of that length, so far from its middle, lies within it from end to end.
    fn encloses(&self, apart: Vector2<f64>, length_m: f32) -> bool {
        let (cos, sin) = self.heading.direction.unwrap_or((1.0, 0.0));
        let end_m = (apart.x * cos + apart.y * sin).abs() + 0.5 * f64::from(length_m);
        self.holds(apart) && end_m < 0.5 * self.extent().length_m + END_MARGIN_M
    }

    /// Whether another one is a part of it that is followed by itself.
    pub(crate) fn has_twin_part(&self, at: Mono, other: &Target) -> bool {
        let size = other.size.measured();
        may_be_part(other.class.best().0)
            && size.is_some_and(|size| self.is_longer_whole(at, size.length_m))
    }

    /// How far the middle of a part may lie from its own, as a covariance: half of what is missing.
    pub(crate) fn off_middle(&self, part: &Sighting) -> Matrix2<f64> {
        let lengths = self.size.measured().zip(part.size);
        let missing_m = lengths.map_or(0.0, |(whole, part)| whole.length_m - part.length_m);
        let (cos, sin) = self.heading.direction.unwrap_or((1.0, 0.0));
        let off = Vector2::new(cos, sin) * (0.5 * f64::from(missing_m.max(0.0)));
        off * off.transpose()
    }
}
