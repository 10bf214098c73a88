//! How well each kind of road user is shown.

use super::samples::Samples;
use crate::world::snapshot::Body;
use crate::world::vehicles::Kind;

/// What was found of one kind of road user.
#[derive(Clone, Debug, Default)]
pub struct KindScore {
    /// Expected in pictures, and of these not shown.
    pub expected: u64,
    /// See `expected`.
    pub missed: u64,
    /// Entries that say how sure their position is, and of these those that are as near as they say.
    pub sure: (u64, u64),
    /// From secMark to arrival.
    pub age_s: Samples,
    /// Distance from where it is to where RSM shows it.
    pub position_m: Samples,
    /// Absolute difference of speeds.
    pub speed_mps: Samples,
    /// Angle between the headings, of those that move.
    pub heading_deg: Samples,
}

impl KindScore {
    /// All that is measured again and again.
    pub(super) fn samples(&mut self) -> [&mut Samples; 4] {
        [
            &mut self.age_s,
            &mut self.position_m,
            &mut self.speed_mps,
            &mut self.heading_deg,
        ]
    }
}

/// Names of [`ObjectScore::kinds`](super::objects::ObjectScore::kinds).
pub const KINDS: [&str; 3] = ["vehicles", "riders", "walkers"];

/// Its place in [`ObjectScore::kinds`](super::objects::ObjectScore::kinds); None for things and animals.
pub(super) fn kind_of(body: &Body) -> Option<usize> {
    match body.kind {
        Kind::Car | Kind::Truck | Kind::Bus => Some(0),
        Kind::Bicycle | Kind::ElectricBicycle => Some(1),
        Kind::Pedestrian => Some(2),
        Kind::Animal | Kind::Object => None,
    }
}
