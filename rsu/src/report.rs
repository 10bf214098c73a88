//! What an input says: facts about the road in SI units, free of any protocol.
//!
//! A report owns its content inline, so that it crosses the one thread hop without allocating.
//! Positions are metres in the site's ENU frame; the input has applied its mount already. A device's
//! own clock stays in its input folder: `seen_at` is our monotonic time.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{LaneId, NodeId, StationId};

use crate::clock::{Mono, Now, Utc};

/// Most objects that one report carries; a device with more sends several reports.
pub const MAX_OBJECTS: usize = 128;
/// Most lamp groups of one controller.
pub const MAX_LAMPS: usize = 64;
/// Most paths of an area that a vehicle asks about, and most points of one; as on the air.
pub const MAX_PATHS: usize = 8;
/// See [`MAX_PATHS`].
pub const MAX_PATH_POINTS: usize = 32;
/// Most steps of one lamp group in a signal plan.
pub const MAX_STEPS: usize = 16;

/// Which configured input a report came from: its index in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u8);

/// One fact, or one frame of facts, from one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Who says it.
    pub input: InputId,
    /// When the first byte of it reached this machine.
    pub arrived: Now,
    /// What it says.
    pub content: Content,
}

/// What a report says.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "inline on purpose: a report crosses the queue without allocating"
)]
pub enum Content {
    /// Objects seen by a sensor at one moment.
    Objects(Objects),
    /// What a signal controller's lamps show now.
    Lamps(LampStates),
    /// The cycle that a signal controller is running.
    Plan(SignalPlan),
    /// The cycle that it runs after that one.
    NextPlan(SignalPlan),
    /// How a signal controller is being run.
    Mode(ControlMode),
    /// How well a receiver of satellite navigation does.
    Receiver(Receiver),
    /// What weather and road sensors measure.
    Weather(Weather),
    /// What a vehicle asks of the roadside.
    Request(Request),
}

/// One wish of one vehicle; it says it again and again until it has what it wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who asks, as it calls itself.
    pub vehicle: StationId,
    /// Its number of the wish.
    pub number: u8,
    /// The roadside unit that is asked; None: whoever hears.
    pub unit: Option<StationId>,
    /// For how long the wish stands; None where the vehicle does not say.
    pub lasts: Option<Duration>,
    /// What is wished for.
    pub wish: Wish,
}

/// What a vehicle wishes for.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "inline on purpose: a report crosses the queue without allocating"
)]
pub enum Wish {
    /// Nothing any more: it has it, or wants it no longer.
    Nothing,
    /// To drive on this lane.
    Lane {
        /// Where its link comes from.
        upstream: NodeId,
        /// Where its link leads.
        downstream: NodeId,
        /// Which of that link.
        lane: LaneId,
    },
    /// To be told who is seen here.
    Share(Area),
}

/// Strips of ground, in the site's frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Area {
    /// They may overlap.
    pub paths: ArrayVec<Strip, MAX_PATHS>,
}

/// What lies near a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strip {
    /// The line's points, metres east and north of the site's origin.
    pub points_m: ArrayVec<(f64, f64), MAX_PATH_POINTS>,
    /// So near.
    pub radius_m: f64,
}

/// What weather and road sensors measure at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weather {
    /// One entry a quantity that could be read.
    pub readings: ArrayVec<Reading, MAX_READINGS>,
}

/// Most quantities of one device.
pub const MAX_READINGS: usize = 16;

/// One quantity and its value, in the unit that [`Quantity`] names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub quantity: Quantity,
    /// How much of it.
    pub value: f64,
}

/// What a weather or road sensor measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// How far one sees, in metres.
    Visibility,
    /// Speed of the wind, in m/s.
    Wind,
    /// Rain, in mm/h.
    Rain,
    /// Ice on the road, in mm.
    Ice,
    /// Water on the road, in mm.
    Water,
    /// Of the air, in degrees Celsius.
    AirTemperature,
    /// Of the road's surface, in degrees Celsius.
    RoadTemperature,
    /// Friction of the road's surface, 0 to 1.
    Grip,
}

impl Quantity {
    /// All of them, as people write them.
    pub const NAMES: [(&'static str, Quantity); 8] = [
        ("visibility-m", Quantity::Visibility),
        ("wind-mps", Quantity::Wind),
        ("rain-mm-h", Quantity::Rain),
        ("ice-mm", Quantity::Ice),
        ("water-mm", Quantity::Water),
        ("air-c", Quantity::AirTemperature),
        ("road-c", Quantity::RoadTemperature),
        ("grip", Quantity::Grip),
    ];

    /// As people write it, with its unit.
    pub fn name(self) -> &'static str {
        let is_it = |(_, quantity): &&(&str, Self)| *quantity == self;
        Self::NAMES.iter().find(is_it).map_or("", |(name, _)| name)
    }
}

/// How well a receiver of satellite navigation does, and how it compares with what we know.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Receiver {
    /// Whether it knows where it is.
    pub fix: Fix,
    /// Whether it knows its height too.
    pub height_known: bool,
    /// Degrees north and east, where it knows.
    pub place_deg: Option<(f64, f64)>,
    /// The moment that it tells of; without a fix it may be years off.
    pub utc: Option<Utc>,
    /// Our clock on arrival less its moment: the delay of the line, and the error of the clock.
    pub clock_ahead_s: Option<f64>,
    /// From the surveyed origin of the site.
    pub offset_m: Option<f64>,
    /// Satellites that it computes with.
    pub satellites_used: Option<u8>,
    /// Satellites above its horizon, of all systems.
    pub satellites_in_view: Option<u8>,
    /// Horizontal dilution of precision.
    pub hdop: Option<f64>,
}

/// How a receiver knows where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fix {
    /// It does not.
    #[default]
    None,
    /// By satellites alone.
    Alone,
    /// With corrections of the code.
    Differential,
    /// With corrections of the carrier, its whole numbers not yet known.
    RtkFloat,
    /// With corrections of the carrier.
    Rtk,
}

/// What a sensor saw at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// When the scene was as described: arrival less the sensor's known latency.
    pub seen_at: Mono,
    /// Everything that the sensor lists, in its order.
    pub detections: ArrayVec<Detection, MAX_OBJECTS>,
}

/// One object as one sensor sees it, in the site's ENU frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// The device's own id for it, where it tracks; may be reused by the device at any time.
    pub device_id: Option<u16>,
    /// The id by which it calls itself on the air, where it is its own word.
    pub own_id: Option<StationId>,
    /// East of the site's origin.
    pub east_m: f64,
    /// North of the site's origin.
    pub north_m: f64,
    /// How sure the position is.
    pub position_cov: Covariance,
    /// Over ground; None where the sensor cannot tell.
    pub velocity: Option<Velocity>,
    /// Where the object points, counter-clockwise from east; None where the sensor cannot tell.
    pub yaw_rad: Option<f64>,
    /// Outer dimensions, where the sensor measures them.
    pub size: Option<Size>,
    /// What it is.
    pub class: Class,
    /// It is an emergency vehicle on duty, as the sensor or itself says.
    pub emergency: bool,
    /// Probability that the object exists, 0..=1, as the sensor says.
    pub existence: f32,
}

/// Velocity over ground with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Velocity {
    /// Towards east.
    pub east_mps: f64,
    /// Towards north.
    pub north_mps: f64,
    /// In (m/s)².
    pub cov: Covariance,
}

/// A symmetric 2 by 2 covariance, east and north.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Covariance {
    /// Variance towards east.
    pub ee: f64,
    /// Covariance of east and north.
    pub en: f64,
    /// Variance towards north.
    pub nn: f64,
}

impl Velocity {
    /// What a range rate says of the velocity: sure along the beam, open across it.
    ///
    /// `bearing_rad` is the direction from the sensor to the object, counter-clockwise from east;
    /// `receding_mps` is positive when the object goes away. Across the beam the velocity reads 0
    /// with a sigma of 1000 m/s, so whoever weighs by covariance takes nothing from it.
    pub fn from_range_rate(bearing_rad: f64, receding_mps: f64, sigma_mps: f64) -> Self {
        const OPEN_MPS: f64 = 1000.0;
        let (sin, cos) = bearing_rad.sin_cos();
        Self {
            east_mps: receding_mps * cos,
            north_mps: receding_mps * sin,
            cov: Covariance::from_axes(bearing_rad, sigma_mps, OPEN_MPS),
        }
    }
}

impl Covariance {
    /// The covariance of independent errors along and across a direction, turned into ENU.
    ///
    /// `yaw_rad` is the direction of `sigma_along`, counter-clockwise from east; both sigmas share
    /// one unit.
    pub fn from_axes(yaw_rad: f64, sigma_along: f64, sigma_across: f64) -> Self {
        let (sin, cos) = yaw_rad.sin_cos();
        let (a, c) = (sigma_along * sigma_along, sigma_across * sigma_across);
        Self {
            ee: a * cos * cos + c * sin * sin,
            en: (a - c) * sin * cos,
            nn: a * sin * sin + c * cos * cos,
        }
    }
}

/// Outer dimensions of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Along its heading.
    pub length_m: f32,
    /// Across its heading.
    pub width_m: f32,
    /// Above ground, where known.
    pub height_m: Option<f32>,
}

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The sensor cannot tell.
    #[default]
    Unknown,
    /// Passenger car or van.
    Car,
    /// Lorry.
    Truck,
    /// Bus or coach.
    Bus,
    /// Motorcycle.
    Motorcycle,
    /// Bicycle or e-bike.
    Bicycle,
    /// Person on foot.
    Pedestrian,
    /// An animal: only by its own radio, or by a camera's box that knows animals.
    Animal,
}

impl Class {
    /// What it is called in JSON, ours and that of boxes that speak our list of objects.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Unknown => "unknown",
            Class::Car => "car",
            Class::Truck => "truck",
            Class::Bus => "bus",
            Class::Motorcycle => "motorcycle",
            Class::Bicycle => "bicycle",
            Class::Pedestrian => "pedestrian",
            Class::Animal => "animal",
        }
    }
}

/// What the lamps of one controller show at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LampStates {
    /// One entry a lamp group, in the controller's order.
    pub lamps: ArrayVec<LampState, MAX_LAMPS>,
    /// For how long still, where the controller says it finer than in whole seconds, or as bounds.
    pub spans: ArrayVec<LampSpan, MAX_LAMPS>,
    /// How much longer than others of its news these were on their way, where the controller's clock
    /// tells: they are of so long before their arrival.
    pub held_up: Duration,
}

impl LampStates {
    /// What is said of the time that is left of a lamp group's colour, beyond its whole seconds.
    pub fn span(&self, lamp: u16) -> Option<&LampSpan> {
        self.spans.iter().find(|span| span.lamp == lamp)
    }
}

/// For how long one lamp group still shows its colour, as the controller said it on sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LampSpan {
    /// The controller's number of the lamp group.
    pub lamp: u16,
    /// Not less; None where the controller does not say.
    pub min_ms: Option<u32>,
    /// Not more; None where the controller does not say.
    pub max_ms: Option<u32>,
    /// The controller's own best word; None where there is none.
    pub likely_ms: Option<u32>,
}

/// What one lamp group shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LampState {
    /// The controller's number of the lamp group.
    pub lamp: u16,
    /// What it shows.
    pub light: Light,
    /// Whole seconds until this colour ends (flashing counts with its steady colour), as displayed
    /// by the controller; None where it says that it does not know.
    pub countdown_s: Option<u16>,
}

/// What a signal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Light {
    /// The controller does not say, or says something that has no meaning.
    #[default]
    Unknown,
    /// All off.
    Dark,
    /// Steady red.
    Red,
    /// Flashing red.
    FlashingRed,
    /// Red and yellow together, before green.
    RedYellow,
    /// Steady green.
    Green,
    /// Flashing green, before yellow.
    FlashingGreen,
    /// Steady yellow.
    Yellow,
    /// Flashing yellow.
    FlashingYellow,
}

/// The cycle that a controller is running, lamp group by lamp group, from cycle second 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignalPlan {
    /// One entry a lamp group, in the controller's order.
    pub lamps: ArrayVec<LampPlan, MAX_LAMPS>,
}

/// One lamp group's steps through a cycle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LampPlan {
    /// The controller's number of the lamp group.
    pub lamp: u16,
    /// What it shows and for how long, in order; durations sum to the cycle.
    pub steps: ArrayVec<PlanStep, MAX_STEPS>,
}

/// One step of a lamp group in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// What is shown.
    pub light: Light,
    /// For how long, in whole seconds.
    pub duration_s: u16,
}

impl LampPlan {
    /// Length of the cycle.
    pub fn cycle(&self) -> Duration {
        Duration::from_secs(
            self.steps
                .iter()
                .map(|step| u64::from(step.duration_s))
                .sum(),
        )
    }
}

/// How a controller is being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControlMode {
    /// Nobody says, or says any more.
    Unknown,
    /// All lamps flash yellow.
    Flash,
    /// Fixed time, by a table of plans.
    FixedTime,
    /// A person steps the signal.
    Manual,
    /// Detectors extend and end greens.
    Actuated,
    /// Fixed time, in step with neighbours.
    Coordinated,
    /// Times recomputed at this junction.
    Adaptive,
    /// A bus is being favoured.
    BusPriority,
    /// An emergency vehicle holds the junction.
    Emergency,
    /// Red on all sides, until further notice.
    AllRed,
    /// Its time is stopped: the lamps stay as they are.
    Stopped,
    /// The lamps are off, as planned.
    Off,
    /// Out of order.
    Fault,
    /// Out of order, and all lamps flash for it.
    FaultFlash,
    /// Something else.
    Other,
}
