//! One road user as the air has it: position, movement, confidence, class.
//!
//! What is not known, or is not a number, is left unsaid. Not here: which road users are sent.

use v2x_msg::base::{
    DSecond, EnuFrame, Heading, HeadingConfidence, ParticipantId, PositionConfidence, Speed,
    SpeedConfidence, VehicleHeight, VehicleLength, VehicleWidth, Yaw,
};
use v2x_msg::kinds::rsm::{Participant, ParticipantKind, Size, Source, Transmission, VehicleClass};

use crate::clock::{Mono, Now};
use crate::fusion::Track;
use crate::report::{self, Class, Covariance};

/// What the standard calls each of fusion's sensors, in fusion's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    pub(crate) fn new(sources: impl IntoIterator<Item = Source>) -> Self {
        Self(sources.into_iter().collect())
    }

    /// What a set of sensors is called, bit n being the n-th: their kind, or that it is several.
    fn of(&self, sensors: u32) -> Source {
        let seen_by = |place: usize| {
            u32::try_from(place)
                .ok()
                .and_then(|place| 1u32.checked_shl(place))
                .is_some_and(|bit| sensors & bit != 0)
        };
        let mut kinds = self
            .0
            .iter()
            .enumerate()
            .filter(|(place, _)| seen_by(*place));
        let Some((_, first)) = kinds.next() else {
            return Source::Unknown;
        };
        if kinds.all(|(_, kind)| kind == first) {
            *first
        } else {
            Source::Integrated
        }
    }
}

/// Holds a heading while its road user hardly moves.
///
/// T/CSAE 159-2020: the heading is latched below 4 km/h and released above 5 km/h, for the direction
/// of a crawl is mostly noise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latch {
    /// Which bearer of the id the rest belongs to.
    born_at: Mono,
    moving: bool,
    held: Option<Heading>,
}

impl Latch {
    const HOLD_BELOW_MPS: f64 = 4.0 / 3.6;
    const RELEASE_ABOVE_MPS: f64 = 5.0 / 3.6;

    /// The heading to send now.
    pub(super) fn follow(&mut self, track: &Track) -> Sent {
        if self.born_at != track.born_at {
            *self = Self {
                born_at: track.born_at,
                ..Self::default()
            };
        }
        let speed_mps = speed_mps(track);
        self.moving = if self.moving {
            speed_mps >= Self::HOLD_BELOW_MPS
        } else {
            speed_mps > Self::RELEASE_ABOVE_MPS
        };
        if self.moving {
            self.held = pointing(track).or(self.held);
        }
        // What has never moved may still be seen to point somewhere.
        let heading = self.held.or_else(|| pointing(track));
        Sent {
            heading: if track.reverses {
                heading.and_then(opposite)
            } else {
                heading
            },
            live: self.moving,
        }
    }
}

/// A heading, and whether it is the direction of travel right now.
///
/// YD/T 3709-2020 has the direction of motion there, clockwise from north (so does GB/T 45315-2025, 7.3.2.10, of
/// BSM, by the rate of change of the track), where T/CSAE 53-2017 had that of the front. So of who backs up the way
/// it goes is said, and the gear says that its rear is first (`docs/decisions/0002-who-backs-up.md`); of who stands,
/// where it points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    heading: Option<Heading>,
    live: bool,
}

/// Where fusion believes that it points: its course while that is sure.
fn pointing(track: &Track) -> Option<Heading> {
    let yaw_rad = track.yaw_rad.filter(|yaw| yaw.is_finite())?;
    Heading::from_rad(Yaw::new(yaw_rad).into()).ok()
}

fn opposite(heading: Heading) -> Option<Heading> {
    Heading::from_deg(heading.deg() + 180.0).ok()
}

fn speed_mps(track: &Track) -> f64 {
    track.velocity.east_mps.hypot(track.velocity.north_mps)
}

/// A track as the air has it; None if it is at no place on earth.
pub(super) fn participant(
    now: Now,
    track: &Track,
    heading: Sent,
    site: &EnuFrame,
    sources: &Sources,
) -> Option<Participant> {
    let id = ParticipantId::new(track.id).ok()?;
    let pos = site.ground_position(track.east_m, track.north_m).ok()?;
    let (kind, class) = kind(track.class);
    Some(Participant {
        source: sources.of(track.sources),
        bsm_id: track.own_id,
        sec_mark: Some(DSecond::of(now.utc)),
        pos_confidence: PositionConfidence::from_error_m(radius_95_m(&track.position_cov)),
        // Which gear is in is seen of nobody else.
        transmission: track.reverses.then_some(Transmission::Reverse),
        speed: Speed::nearest_mps(speed_mps(track)),
        heading: heading.heading,
        speed_confidence: speed_confidence(track),
        heading_confidence: if heading.live {
            heading_confidence(track)
        } else {
            None
        },
        size: track.size.map_or(Size::UNKNOWN, size),
        class,
        ..Participant::new(kind, id, pos)
    })
}

/// Standard deviation along the longest axis of the error's ellipse.
pub(super) fn widest_sigma(cov: &Covariance) -> f64 {
    let mean = (cov.ee + cov.nn) / 2.0;
    let spread = ((cov.ee - cov.nn) / 2.0).hypot(cov.en);
    sigma(mean + spread)
}

/// The circle that holds 95 % of the errors: between 1.96 standard deviations where they lie on a line and
/// 2.45 where they are alike each way (exact within 0.005).
pub(super) fn radius_95_m(cov: &Covariance) -> f64 {
    let mean = (cov.ee + cov.nn) / 2.0;
    let spread = ((cov.ee - cov.nn) / 2.0).hypot(cov.en);
    let (long, short) = (sigma(mean + spread), sigma(mean - spread));
    if long > 0.0 {
        long * (LINE_95 + (CIRCLE_95 - LINE_95) * (short / long).powf(8.0 / 3.0))
    } else {
        long
    }
}

/// A hair below zero is zero; what is not a number stays so, and claims nothing.
fn sigma(variance: f64) -> f64 {
    if variance < 0.0 { 0.0 } else { variance.sqrt() }
}

/// Variance of a vector's component in the direction of a unit vector.
fn variance_along(cov: &Covariance, east: f64, north: f64) -> f64 {
    cov.ee * east * east + 2.0 * cov.en * east * north + cov.nn * north * north
}

fn speed_confidence(track: &Track) -> Option<SpeedConfidence> {
    let speed = speed_mps(track);
    let sigma_mps = if speed > STANDING_MPS {
        let (east, north) = (
            track.velocity.east_mps / speed,
            track.velocity.north_mps / speed,
        );
        variance_along(&track.velocity.cov, east, north)
            .max(0.0)
            .sqrt()
    } else {
        widest_sigma(&track.velocity.cov)
    };
    SpeedConfidence::from_sigma_mps(sigma_mps)
}

/// From the error of the velocity across the direction of travel.
fn heading_confidence(track: &Track) -> Option<HeadingConfidence> {
    let speed = speed_mps(track);
    let (east, north) = (
        track.velocity.east_mps / speed,
        track.velocity.north_mps / speed,
    );
    let across = sigma(variance_along(&track.velocity.cov, -north, east));
    HeadingConfidence::from_sigma_deg(across.atan2(speed).to_degrees())
}

fn size(size: report::Size) -> Size {
    Size {
        width: VehicleWidth::from_m(size.width_m.into()).ok(),
        length: VehicleLength::from_m(size.length_m.into()).ok(),
        height: size
            .height_m
            .and_then(|height| VehicleHeight::from_m(height.into()).ok()),
    }
}

fn kind(class: Class) -> (ParticipantKind, Option<VehicleClass>) {
    match class {
        // RSM has no word for animals.
        Class::Unknown | Class::Animal => (ParticipantKind::Unknown, None),
        Class::Car => (ParticipantKind::Motor, Some(VehicleClass::PASSENGER_CAR)),
        Class::Truck => (ParticipantKind::Motor, Some(VehicleClass::TRUCK)),
        Class::Bus => (ParticipantKind::Motor, Some(VehicleClass::BUS)),
        Class::Motorcycle => (ParticipantKind::Motor, Some(VehicleClass::MOTORCYCLE)),
        Class::Bicycle => (ParticipantKind::NonMotor, Some(VehicleClass::BICYCLE)),
        Class::Pedestrian => (ParticipantKind::Pedestrian, Some(VehicleClass::PEDESTRIAN)),
    }
}

/// Below this a velocity has no direction worth the name.
const STANDING_MPS: f64 = 0.1;

/// Within so many standard deviations lie 95 % of errors on a line, and around a point.
const LINE_95: f64 = 1.959_963_985;
const CIRCLE_95: f64 = 2.447_746_831;
