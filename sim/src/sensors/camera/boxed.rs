//! What the camera's box keeps in mind and says: one number for whom it goes on seeing, and the words
//! of its protocol.

use rsu::clock::Utc;
use rsu::inputs::{detected_objects, openv2x};
use rsu::report::{Class, Covariance, Detection, Size, Velocity};
use v2x_msg::base::EnuFrame;

use crate::random::Stream;
use crate::scenario::BoxLanguage;
use crate::world::snapshot::Body;
use crate::world::vehicles::Kind;

/// Somebody whom the box goes on seeing.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its number.
    pub(super) id: u16,
    /// Where on the body the box believes its middle, in units of the model's extent.
    pub(super) point: (f64, f64),
    /// Frames for which it stays unseen, drawn when a run of misses begins.
    pub(super) blind: u32,
    /// Frames since it was seen last.
    pub(super) missed: u32,
    place: Option<(f64, f64)>,
    velocity: (f64, f64),
    sightings: u32,
}

impl Known {
    /// Just seen for the first time.
    pub(super) fn new(id: u16, point: (f64, f64)) -> Self {
        Self {
            id,
            point,
            blind: 0,
            missed: 0,
            place: None,
            velocity: (0.0, 0.0),
            sightings: 0,
        }
    }

    /// It is somebody new to the box, whose filter begins anew.
    pub(super) fn renumber(&mut self, id: u16) {
        *self = Self {
            blind: self.blind,
            missed: self.missed,
            ..Self::new(id, self.point)
        };
    }

    /// Each goes by the number and the filter of the other.
    pub(super) fn exchange(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.id, &mut other.id);
        std::mem::swap(&mut self.place, &mut other.place);
        std::mem::swap(&mut self.velocity, &mut other.velocity);
        std::mem::swap(&mut self.sightings, &mut other.sightings);
    }

    /// Takes a place, `step_s` after the last one; returns the velocity by an alpha-beta filter
    /// whose memory grows from the first sighting on.
    pub(super) fn moved(&mut self, place: (f64, f64), step_s: f64) -> (f64, f64) {
        self.sightings += 1;
        let k = f64::from(self.sightings);
        let alpha = (2.0 * (2.0 * k - 1.0) / (k * (k + 1.0))).max(ALPHA);
        let beta = (6.0 / (k * (k + 1.0))).max(BETA);
        let Some((east_m, north_m)) = self.place else {
            self.place = Some(place);
            return self.velocity;
        };
        let said = (
            east_m + self.velocity.0 * step_s,
            north_m + self.velocity.1 * step_s,
        );
        let off = (place.0 - said.0, place.1 - said.1);
        self.place = Some((said.0 + alpha * off.0, said.1 + alpha * off.1));
        self.velocity.0 += beta * off.0 / step_s;
        self.velocity.1 += beta * off.1 / step_s;
        self.velocity
    }
}

/// The protocol that a box speaks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Voice {
    /// Places with their covariance, no velocities: a list of what is seen in each frame.
    Detected(detected_objects::Emitter),
    /// RSM as JSON, with the velocities of the box's own tracks.
    Openv2x(openv2x::Emitter),
}

impl Voice {
    pub(super) fn new(language: BoxLanguage, frame: EnuFrame) -> Self {
        match language {
            BoxLanguage::DetectedObjects => Self::Detected(detected_objects::Emitter::default()),
            BoxLanguage::Openv2x => Self::Openv2x(openv2x::Emitter::new(frame)),
        }
    }

    /// Appends what is seen, dated by the box's clock.
    pub(super) fn say(&mut self, utc: Utc, seen: &mut [Detection], out: &mut Vec<u8>) {
        match self {
            Self::Detected(emitter) => {
                for one in seen.iter_mut() {
                    one.velocity = None;
                }
                emitter.scene(utc, seen, out);
            }
            Self::Openv2x(emitter) => {
                emitter.rsm(utc, seen, out);
                out.push(b'\n');
            }
        }
    }
}

/// A detection of these words; the rest is as usual.
pub(super) fn detection(
    id: u16,
    place: (f64, f64),
    position_cov: Covariance,
    velocity: (f64, f64),
    class: Class,
    existence: f64,
) -> Detection {
    Detection {
        device_id: Some(id),
        own_id: None,
        east_m: place.0,
        north_m: place.1,
        position_cov,
        velocity: Some(Velocity {
            east_mps: velocity.0,
            north_mps: velocity.1,
            cov: Covariance {
                ee: 1.0,
                en: 0.0,
                nn: 1.0,
            },
        }),
        yaw_rad: None,
        size: None,
        class,
        emergency: false,
        existence: existence.clamp(0.02, 0.99) as f32,
    }
}

/// How the box measures a body: the same error of its size for as long as it is in the world.
pub(super) fn size(body: &Body, draw: &mut Stream) -> Size {
    Size {
        length_m: (body.length_m * draw.between(0.88, 1.08)) as f32,
        width_m: (body.width_m * draw.between(0.9, 1.1)) as f32,
        height_m: Some((body.height_m * draw.between(0.93, 1.07)) as f32),
    }
}

/// What a kind is called.
pub(super) fn class(kind: Kind) -> Class {
    match kind {
        Kind::Car => Class::Car,
        Kind::Truck => Class::Truck,
        Kind::Bus => Class::Bus,
        Kind::Bicycle | Kind::ElectricBicycle => Class::Bicycle,
        Kind::Pedestrian => Class::Pedestrian,
        Kind::Animal => Class::Animal,
        Kind::Object => Class::Unknown,
    }
}

/// What it is called by mistake; `draw` is uniform in 0..1.
pub(super) fn mistaken(kind: Kind, draw: f64) -> Class {
    let (first, second, share) = match kind {
        Kind::Car => (Class::Truck, Class::Unknown, 0.7),
        Kind::Truck => (Class::Bus, Class::Car, 0.6),
        Kind::Bus => (Class::Truck, Class::Unknown, 0.9),
        Kind::Bicycle => (Class::Motorcycle, Class::Pedestrian, 0.5),
        Kind::ElectricBicycle => (Class::Motorcycle, Class::Pedestrian, 0.8),
        Kind::Pedestrian => (Class::Bicycle, Class::Unknown, 0.7),
        Kind::Animal => (Class::Unknown, Class::Pedestrian, 0.7),
        Kind::Object => (Class::Pedestrian, Class::Car, 0.5),
    };
    if draw < share { first } else { second }
}

/// Gains of the box's own filter for velocities, in the long run. Assumed.
const ALPHA: f64 = 0.35;
const BETA: f64 = 0.05;
