//! What devices that already know objects say of one, checked and turned into a detection.
//!
//! Shared by the protocols that list whole objects as JSON: places in degrees or metres, headings,
//! sizes. What cannot be computed with is refused by kind; what is merely odd is left out of the
//! detection.

use std::f64::consts::PI;

use v2x_msg::base::{Degrees, Elevation, EnuFrame, GeoPosition};

use super::{Counts, hand_over};
use crate::clock::Mono;
use crate::report::{Class, Content, Covariance, Detection, Objects, Size, Velocity};

/// Most objects taken of one message; the others are counted.
pub(super) const MOST: usize = 1024;
/// Nothing on a road is farther than this from the site, or faster, or larger.
const FARTHEST_M: f64 = 20_000.0;
const FASTEST_MPS: f64 = 120.0;
const LARGEST_M: f64 = 60.0;
/// No variance beyond it means anything.
const WIDEST_M2: f64 = 1e6;

/// What is assumed of a device that does not say how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumed {
    /// Standard deviation of a position, each way.
    pub position_m: f64,
    /// Standard deviation of a velocity, each way.
    pub velocity_mps: f64,
    /// Probability that an object exists, 0..=1.
    pub existence: f32,
}

impl Default for Assumed {
    /// A metre and a metre per second: a fused box of which nothing is known.
    fn default() -> Self {
        Self {
            position_m: 1.0,
            velocity_mps: 1.0,
            existence: 0.8,
        }
    }
}

/// The kinds of objects that are refused.
pub(super) const REFUSED: [&str; 3] = ["object-without-position", "object-far", "object-too-fast"];

/// One object as a device describes it; None for what it does not say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thing {
    pub(super) id: Option<u16>,
    /// East and north of the site's origin.
    pub(super) place_m: Option<(f64, f64)>,
    pub(super) place_cov: Option<Covariance>,
    /// Towards east and north.
    pub(super) velocity_mps: Option<(f64, f64)>,
    pub(super) velocity_cov: Option<Covariance>,
    pub(super) yaw_rad: Option<f64>,
    pub(super) length_m: Option<f64>,
    pub(super) width_m: Option<f64>,
    pub(super) height_m: Option<f64>,
    pub(super) class: Class,
    pub(super) emergency: bool,
    pub(super) existence: Option<f64>,
}

impl Thing {
    /// Checked; an error is one of [`REFUSED`].
    pub(super) fn detection(&self, assumed: &Assumed) -> Result<Detection, &'static str> {
        let (east_m, north_m) = self.place_m.ok_or("object-without-position")?;
        if !within(east_m.hypot(north_m), FARTHEST_M) {
            return Err("object-far");
        }
        let velocity = match self.velocity_mps {
            Some((east, north)) if !within(east.hypot(north), FASTEST_MPS) => {
                return Err("object-too-fast");
            }
            Some((east_mps, north_mps)) => Some(Velocity {
                east_mps,
                north_mps,
                cov: usable(self.velocity_cov).unwrap_or(round(assumed.velocity_mps)),
            }),
            None => None,
        };
        let existence = self.existence.filter(|p| p.is_finite());
        Ok(Detection {
            device_id: self.id,
            own_id: None,
            east_m,
            north_m,
            position_cov: usable(self.place_cov).unwrap_or(round(assumed.position_m)),
            velocity,
            yaw_rad: self.yaw_rad.filter(|yaw| yaw.is_finite()).map(turn),
            size: self.size(),
            class: self.class,
            emergency: self.emergency,
            existence: existence.map_or(assumed.existence, |p| p.clamp(0.0, 1.0) as f32),
        })
    }

    fn size(&self) -> Option<Size> {
        let real = |m: Option<f64>| m.filter(|m| *m > 0.0 && *m <= LARGEST_M);
        Some(Size {
            length_m: real(self.length_m)? as f32,
            width_m: real(self.width_m)? as f32,
            height_m: real(self.height_m).map(|m| m as f32),
        })
    }
}

/// False for what is no number.
fn within(number: f64, most: f64) -> bool {
    number <= most
}

/// A covariance that is one.
pub(super) fn usable(cov: Option<Covariance>) -> Option<Covariance> {
    cov.filter(|c| {
        let sound = |variance: f64| variance > 0.0 && variance <= WIDEST_M2;
        sound(c.ee) && sound(c.nn) && c.ee * c.nn - c.en * c.en > 0.0
    })
}

fn round(sigma: f64) -> Covariance {
    Covariance {
        ee: sigma * sigma,
        en: 0.0,
        nn: sigma * sigma,
    }
}

/// A heading, clockwise from north, as a yaw.
pub(super) fn yaw_of_heading(heading_deg: f64) -> f64 {
    (90.0 - heading_deg).to_radians()
}

/// A yaw, within a half turn either way.
pub(super) fn turn(yaw_rad: f64) -> f64 {
    let turned = yaw_rad.rem_euclid(2.0 * PI);
    if turned > PI {
        turned - 2.0 * PI
    } else {
        turned
    }
}

/// East and north of the site's origin; None for degrees that no place on earth has.
pub(super) fn place_of(frame: &EnuFrame, lat_deg: f64, lon_deg: f64) -> Option<(f64, f64)> {
    // 0, 0 is in the sea: it is how devices say that they do not know.
    let real = lat_deg.abs() <= 90.0 && lon_deg.abs() <= 180.0 && (lat_deg, lon_deg) != (0.0, 0.0);
    real.then(|| {
        let height_m = frame.origin().elevation().map_or(0.0, Elevation::m);
        let point = frame.enu_of(Degrees {
            lat_deg,
            lon_deg,
            height_m,
        });
        (point.east_m, point.north_m)
    })
}

/// Degrees of a place east and north of the origin.
pub(super) fn degrees_of(frame: &EnuFrame, east_m: f64, north_m: f64) -> (f64, f64) {
    let place = frame.degrees(v2x_msg::base::Enu {
        east_m,
        north_m,
        up_m: 0.0,
    });
    (place.lat_deg, place.lon_deg)
}

/// The frame of a site that nobody named: a device's places in degrees are then far from it.
pub(super) fn nowhere() -> EnuFrame {
    let origin = GeoPosition::from_deg(0.0, 0.0, None).expect("0, 0 is a place");
    EnuFrame::new(origin)
}

/// Detections to reports of no more than one holds.
#[derive(Debug, Default)]
pub(super) struct Gather {
    objects: Box<Objects>,
    full: bool,
}

impl Gather {
    /// Begins a scene.
    pub(super) fn begin(&mut self, seen_at: Mono) {
        self.objects.seen_at = seen_at;
        self.objects.detections.clear();
        self.full = false;
    }

    /// Adds an object; a report that is full goes out first.
    pub(super) fn add(
        &mut self,
        detection: Detection,
        counts: &mut Counts,
        sink: &mut dyn FnMut(Content),
    ) {
        if self.objects.detections.is_full() {
            self.tell(counts, sink);
            self.full = true;
        }
        self.objects.detections.push(detection);
    }

    /// Ends the scene: what is left goes out, and an empty scene too, since it says that nothing is
    /// there.
    pub(super) fn end(&mut self, counts: &mut Counts, sink: &mut dyn FnMut(Content)) {
        if !self.full || !self.objects.detections.is_empty() {
            self.tell(counts, sink);
        }
    }

    fn tell(&mut self, counts: &mut Counts, sink: &mut dyn FnMut(Content)) {
        counts.report();
        hand_over(&self.objects, sink);
        self.objects.detections.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing() -> Thing {
        Thing {
            place_m: Some((3.0, 4.0)),
            ..Thing::default()
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_kind() {
        let refused = |thing: Thing| thing.detection(&Assumed::default()).unwrap_err();
        assert_eq!(refused(Thing::default()), "object-without-position");
        for place in [f64::NAN, f64::INFINITY, 1e9] {
            let far = Thing {
                place_m: Some((place, 0.0)),
                ..thing()
            };
            assert_eq!(refused(far), "object-far");
        }
        for speed in [f64::NAN, 500.0] {
            let fast = Thing {
                velocity_mps: Some((0.0, speed)),
                ..thing()
            };
            assert_eq!(refused(fast), "object-too-fast");
        }
    }

    #[test]
    fn what_is_odd_is_left_out() {
        let odd = Thing {
            yaw_rad: Some(f64::NAN),
            length_m: Some(0.0),
            width_m: Some(1.8),
            existence: Some(7.0),
            place_cov: Some(Covariance {
                ee: 1.0,
                en: 2.0,
                nn: 1.0,
            }),
            ..thing()
        };
        let detection = odd.detection(&Assumed::default()).unwrap();
        assert_eq!((detection.yaw_rad, detection.size), (None, None));
        assert!((detection.existence - 1.0).abs() < 1e-6);
        assert_eq!(detection.position_cov, round(1.0));
    }

    #[test]
    fn a_heading_is_a_yaw_the_other_way_round() {
        let yaw = |heading_deg: f64| turn(yaw_of_heading(heading_deg)).to_degrees();
        for (heading_deg, expected) in [(0.0, 90.0), (90.0, 0.0), (180.0, -90.0), (353.0, 97.0)] {
            assert!((yaw(heading_deg) - expected).abs() < 1e-9, "{heading_deg}");
        }
    }
}
