//! Emergency vehicles on their way, and where they are heard.
//!
//! Who pulls over and stops for one has a reason to stand, for as long as it is near and for a moment after
//! it. It is known by its own word or a box's (the track says that it is on duty), or by a controller that
//! holds the junction for it. One that has stood for long has arrived, and nobody makes room for it. Not here:
//! what follows for who stands, and that the emergency vehicle itself is told of ([`super::watch`]).

use arrayvec::ArrayVec;
use v2x_msg::kinds::spat::Status;

use super::scene::{Hold, MOVES_FROM_MPS, Scene, Spot};
use crate::clock::Mono;
use crate::signals::Forecast;

/// More at a time are heard as well as these.
const MOST: usize = 8;
/// One that has stood for longer has arrived.
const ARRIVED_S: f64 = 20.0;
/// Who is missed for so long is where it was: radios and boxes speak once in a second at least.
const MISSED_S: f64 = 1.5;

/// Where emergency vehicles are.
#[derive(Debug, Default)]
pub(super) struct Sirens {
    of: ArrayVec<Siren, MOST>,
    /// A controller holds the junction for one.
    preempted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Siren {
    id: u8,
    born_at: Mono,
    east_m: f64,
    north_m: f64,
    moved_at: Mono,
    seen_at: Mono,
}

impl Sirens {
    /// Notes where they are now.
    pub(super) fn look(&mut self, now: Mono, scene: &Scene, forecast: Option<&Forecast>) {
        self.preempted = forecast.is_some_and(|forecast| forecast.status.contains(Status::PREEMPT));
        for spot in scene.spots.iter().filter(|spot| spot.emergency) {
            let known = |siren: &Siren| siren.id == spot.id && siren.born_at == spot.born_at;
            let before = self.of.iter().find(|siren| known(siren));
            let moves = spot.speed_mps >= MOVES_FROM_MPS;
            let siren = Siren {
                id: spot.id,
                born_at: spot.born_at,
                east_m: spot.east_m,
                north_m: spot.north_m,
                moved_at: before
                    .filter(|_| !moves)
                    .map_or(now, |siren| siren.moved_at),
                seen_at: now,
            };
            self.of.retain(|siren| !known(siren));
            // Eight at a time are as good as nine.
            let _ = self.of.try_push(siren);
        }
        self.of
            .retain(|siren| now.seconds_after(siren.seen_at) <= MISSED_S);
    }

    /// Whether one that is on its way is no farther from somebody than this.
    pub(super) fn are_heard(&self, now: Mono, spot: &Spot, within_m: f64) -> bool {
        let by_one = self.of.iter().any(|siren| {
            let apart_m = (siren.east_m - spot.east_m).hypot(siren.north_m - spot.north_m);
            let on_its_way = now.seconds_after(siren.moved_at) < ARRIVED_S;
            siren.id != spot.id && on_its_way && apart_m <= within_m
        });
        within_m > 0.0 && (by_one || self.preempted && from_junction_m(spot) <= within_m)
    }
}

/// How far along its lane the junction is, ahead or behind; infinite off the lanes.
fn from_junction_m(spot: &Spot) -> f64 {
    match (spot.lane, spot.hold) {
        (None, _) => f64::INFINITY,
        (Some(on), Hold::Free) => on.along_m,
        (Some(_), Hold::Wait | Hold::Green(_)) => spot.to_end_m,
    }
}
