//! Who is about to be run into, and was that known in time?
//!
//! A conflict is a vehicle on its route and somebody on a line of their own (walker, rider, a car whose
//! driver does as the scenario wants) of whom one of these is true:
//! - both would touch within 1.5 s if they went on as they are, and the vehicle would have to brake with
//!   more than 3.4 m/s² to stand before that;
//! - the vehicle does brake with more than 3.4 m/s², and at its speed a second ago both would touch
//!   within 4 s: its driver had to avoid it.
//!
//! The limits are usual for serious conflicts: 1.5 s as in FHWA's Surrogate Safety Assessment Model, 3.4
//! m/s² as the braking that AASHTO's design guide takes for comfortable. The moment of the conflict is
//! that of the touch. The vehicle is foreseen along its route, the other straight on. Left out: conflicts between two
//! vehicles on routes, who yield to each other, and who was warned rightly and never came so near.

use std::collections::{BTreeMap, VecDeque};

use rsu::clock::Mono;

use super::objects::ObjectJudge;
use super::warnings::WarningJudge;
use crate::plane::Point;
use crate::sensors::sight::Eye;
use crate::truth::Truth;
use crate::world::snapshot::{Body, Snapshot};
use crate::world::vehicles::Vehicle;
use crate::world::{STEP, World};

/// One conflict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conflict {
    /// The vehicle, and whom it would run into.
    pub bodies: [u32; 2],
    /// When they would touch, as it was first seen.
    pub at: Mono,
    /// Where.
    pub place: Point,
    /// So long before that both had been shown by RSM without a break.
    pub shown_s: f64,
    /// So long before that the unit warned of the two; 0 if it did not.
    pub warned_s: f64,
    /// Something stood between the two, three seconds before.
    pub hidden: bool,
}

impl Conflict {
    /// For a terminal, in seconds of the world.
    pub fn line(&self) -> String {
        format!(
            "conflict of {} and {} at {:.1} s ({:.1}, {:.1}){}: shown {:.2} s, warned of {:.2} s before",
            self.bodies[0],
            self.bodies[1],
            self.at.seconds_after(Mono::ZERO),
            self.place.east_m,
            self.place.north_m,
            if self.hidden { ", hidden" } else { "" },
            self.shown_s,
            self.warned_s
        )
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct ConflictJudge {
    /// In order of time.
    pub found: Vec<Conflict>,
    walls: Vec<Body>,
    /// By pair: when it was in conflict last, if that is still the same conflict.
    known: BTreeMap<[u32; 2], Mono>,
    /// By vehicle: its speed at the last steps, a second of them, the oldest first.
    speeds_mps: BTreeMap<u32, VecDeque<f64>>,
}

impl ConflictJudge {
    /// A judge of a road beside which these stand.
    pub fn new(walls: Vec<Body>) -> Self {
        Self {
            walls,
            ..Self::default()
        }
    }

    /// Looks at a step that the world has made.
    pub fn follow(
        &mut self,
        world: &World,
        truth: &Truth,
        objects: &ObjectJudge,
        warnings: &WarningJudge,
    ) {
        let now = world.now();
        let there = |id: &u32| world.vehicles().binary_search_by_key(id, |v| v.id).is_ok();
        self.speeds_mps.retain(|id, _| there(id));
        self.known
            .retain(|_, last| now.seconds_after(*last) < SAME_S);
        for vehicle in world.vehicles() {
            let avoiding_mps = self.avoiding_mps(vehicle);
            for other in world.users().bodies() {
                let Some((ttc_s, place)) = conflict(world, vehicle, avoiding_mps, other) else {
                    continue;
                };
                let bodies = [vehicle.id, other.id];
                if self.known.insert(bodies, now).is_some() {
                    continue;
                }
                let at = now.offset_by(ttc_s);
                let shown = bodies.map(|id| objects.shown_for_s(id, now));
                self.found.push(Conflict {
                    bodies,
                    at,
                    place,
                    shown_s: match shown {
                        [a, b] if a > 0.0 && b > 0.0 => a.min(b) + ttc_s,
                        _ => 0.0,
                    },
                    warned_s: warnings.lead_s(bodies, at),
                    hidden: truth
                        .at(at.offset_by(-HIDDEN_BEFORE_S))
                        .is_some_and(|road| self.is_hidden(bodies, &road)),
                });
            }
        }
    }

    /// How fast it was before it began to brake hard; None of who does not.
    fn avoiding_mps(&mut self, vehicle: &Vehicle) -> Option<f64> {
        let speeds = self.speeds_mps.entry(vehicle.id).or_default();
        let before = speeds.len().checked_sub(BRAKING_STEPS);
        let before_mps = before.and_then(|i| speeds.get(i)).copied();
        let span_s = BRAKING_STEPS as f64 * STEP.as_secs_f64();
        let brakes = before_mps.is_some_and(|mps| mps - vehicle.speed_mps > HARD_MPS2 * span_s);
        let first_mps = speeds.front().copied().filter(|_| brakes);
        speeds.push_back(vehicle.speed_mps);
        if speeds.len() > KEPT_STEPS {
            speeds.pop_front();
        }
        first_mps
    }

    /// A warning may come after the conflict was seen, and before the touch.
    pub fn finish(&mut self, warnings: &WarningJudge) {
        for conflict in &mut self.found {
            conflict.warned_s = warnings.lead_s(conflict.bodies, conflict.at);
        }
    }

    /// Those from `from` on.
    pub fn since(&self, from: Mono) -> impl Iterator<Item = &Conflict> {
        self.found
            .iter()
            .filter(move |conflict| conflict.at >= from)
    }

    fn is_hidden(&self, [one, other]: [u32; 2], road: &Snapshot) -> bool {
        let (Some(one), Some(other)) = (road.body(one), road.body(other)) else {
            return false;
        };
        let eye = Eye {
            place: one.centre,
            height_m: EYE_M,
        };
        let between = road.bodies.iter().chain(&self.walls);
        eye.visible_share(other, between.filter(|body| body.id != one.id)) < HIDDEN_SHARE
    }
}

/// When and where the two would touch, if that is a conflict.
fn conflict(
    world: &World,
    vehicle: &Vehicle,
    avoiding_mps: Option<f64>,
    other: &Body,
) -> Option<(f64, Point)> {
    let serious = |(ttc_s, _): &(f64, Point)| vehicle.speed_mps > 2.0 * HARD_MPS2 * ttc_s.max(0.05);
    let soon = (vehicle.speed_mps > SLOWEST_MPS)
        .then(|| touch(world, vehicle, vehicle.speed_mps, other, SOON_S))
        .flatten()
        .filter(serious);
    soon.or_else(|| touch(world, vehicle, avoiding_mps?, other, AVOIDED_S))
}

/// When and where the two would touch within a time, the vehicle at this speed.
fn touch(
    world: &World,
    vehicle: &Vehicle,
    speed_mps: f64,
    other: &Body,
    within_s: f64,
) -> Option<(f64, Point)> {
    let path = &world.roads().routes[vehicle.route].path;
    let middle_m = vehicle.along_m - vehicle.length_m / 2.0;
    let here = path.point_at(middle_m);
    let reach_m = (speed_mps + other.speed_mps) * within_s + vehicle.length_m + other.length_m;
    if here.distance_m(other.centre) > reach_m {
        return None;
    }
    (0..=(within_s / LOOK_S) as u32).find_map(|i| {
        let after_s = f64::from(i) * LOOK_S;
        let along_m = middle_m + speed_mps * after_s;
        let one = Body {
            id: vehicle.id,
            kind: vehicle.kind,
            centre: path.point_at(along_m),
            direction: path.direction_at(along_m),
            speed_mps,
            length_m: vehicle.length_m,
            width_m: vehicle.width_m,
            height_m: 1.0,
        };
        let moved = other.direction.times(other.speed_mps * after_s);
        let then = Body {
            centre: other.centre.plus(moved),
            ..*other
        };
        one.overlaps(&then).then_some((after_s, then.centre))
    })
}

/// Touching within this is serious,
const SOON_S: f64 = 1.5;
/// if it takes more than this to stand before it.
const HARD_MPS2: f64 = 3.4;
/// Who is avoided is so near.
const AVOIDED_S: f64 = 4.0;
/// Braking is measured over so many steps, and the speed before it is that of so many ago.
const BRAKING_STEPS: usize = 3;
const KEPT_STEPS: usize = 10;
/// Who is slower hurts nobody.
const SLOWEST_MPS: f64 = 2.0;
const LOOK_S: f64 = 0.1;
/// Two who go on being in conflict are in one.
const SAME_S: f64 = 5.0;
/// Whether they saw each other is asked so long before.
const HIDDEN_BEFORE_S: f64 = 3.0;
/// Of whom less is seen is hidden.
const HIDDEN_SHARE: f64 = 0.3;
/// A driver's eyes.
const EYE_M: f64 = 1.2;
