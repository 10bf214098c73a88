//! Who is about to be run into, and was that known in time?
//!
//! A conflict is a vehicle on its route and somebody on a line of their own (walker, rider, a car whose
//! driver does as the scenario wants) of whom one of these is true:
//! - both would touch within 1.5 s if they went on as they are, and the vehicle would have to brake with
//!   more than 3.4 m/s² to stand before that;
//! - the vehicle does brake with more than 3.4 m/s², and had its driver gone on from a second before it began
//!   without those who cross, it would have touched the other before 4 s had gone since: its driver had to
//!   avoid it. Whom it would have passed before, or behind, it meets at most by braking (`gone_on`).
//!
//! What goes on goes on as this world's drivers and walkers do: no faster through a bend than its driver goes
//! there, not through the vehicle before it, and not over a kerb where one waits for the
//! signal or for who comes. Vehicles slower than 2 m/s
//! are in none: they stand before anybody is hurt.
//!
//! The limits are usual for serious conflicts: 1.5 s as in FHWA's Surrogate Safety Assessment Model, 3.4
//! m/s² as the braking that AASHTO's design guide takes for comfortable. The moment of the conflict is
//! that of the touch. Left out: conflicts between two vehicles on routes, who yield to each other, and who was
//! warned rightly and never came so near.

mod gone_on;

use std::collections::BTreeMap;

use rsu::clock::Mono;

use self::gone_on::GoneOn;
use super::objects::ObjectJudge;
use super::warnings::WarningJudge;
use crate::plane::Point;
use crate::sensors::sight::Eye;
use crate::truth::Truth;
use crate::world::World;
use crate::world::alone::Alone;
use crate::world::snapshot::{Body, Snapshot};
use crate::world::vehicles::Vehicle;

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
    driven: GoneOn,
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
        self.known
            .retain(|_, last| now.seconds_after(*last) < SAME_S);
        let alone = Alone::new(world);
        let mut touches = self.driven.follow(world, &alone);
        for vehicle in world.vehicles() {
            let people = world.people().iter();
            touches.extend(people.filter_map(|other| {
                let (after_s, place) = soon(world, &alone, vehicle, other)?;
                Some(Touch {
                    bodies: [vehicle.id, other.id],
                    after_s,
                    place,
                })
            }));
        }
        for touch in touches {
            let Touch {
                bodies,
                after_s,
                place,
            } = touch;
            if self.known.insert(bodies, now).is_some() {
                continue;
            }
            let at = now.offset_by(after_s);
            let shown = bodies.map(|id| objects.shown_for_s(id, now));
            self.found.push(Conflict {
                bodies,
                at,
                place,
                shown_s: match shown {
                    [a, b] if a > 0.0 && b > 0.0 => a.min(b) + after_s,
                    _ => 0.0,
                },
                warned_s: warnings.lead_s(bodies, at),
                hidden: truth
                    .at(at.offset_by(-HIDDEN_BEFORE_S))
                    .is_some_and(|road| self.is_hidden(bodies, &road)),
            });
        }
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

/// Two who would touch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Touch {
    bodies: [u32; 2],
    after_s: f64,
    place: Point,
}

/// When and where the two would touch within a short time, going on as they are, if the vehicle would have to
/// brake hard before.
fn soon(world: &World, alone: &Alone<'_>, vehicle: &Vehicle, other: &Body) -> Option<(f64, Point)> {
    if vehicle.speed_mps <= SLOWEST_MPS || world.is_at_kerb(other.id) {
        return None;
    }
    let within_s = SOON_S.min(vehicle.speed_mps / (2.0 * HARD_MPS2));
    let here = world.body_of(vehicle);
    let reach_m = (vehicle.speed_mps + other.speed_mps) * within_s
        + here.length_m
        + other.length_m
        + other.width_m;
    if here.centre.distance_m(other.centre) > reach_m {
        return None;
    }
    let before = alone.ahead(vehicle);
    let mut goes = vehicle.clone();
    (0..=(within_s / LOOK_S) as u32).find_map(|i| {
        let after_s = f64::from(i) * LOOK_S;
        if i > 0 {
            goes.speed_mps = (goes.speed_mps + alone.slows_mps2(&goes) * LOOK_S).max(0.0);
            goes.along_m += goes.speed_mps * LOOK_S;
        }
        if let Some((gap_m, ahead_mps)) = before {
            let rear_m = vehicle.along_m + gap_m.max(0.0) + ahead_mps * after_s;
            goes.along_m = goes.along_m.min(rear_m);
        }
        let moved = other.direction.times(other.speed_mps * after_s);
        let then = Body {
            centre: other.centre.plus(moved),
            ..*other
        };
        let touches = goes.speed_mps > SLOWEST_MPS && world.body_of(&goes).overlaps(&then);
        touches.then_some((after_s, then.centre))
    })
}

/// Touching within this is serious,
const SOON_S: f64 = 1.5;
/// if it takes more than this to stand before it.
const HARD_MPS2: f64 = 3.4;
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

#[cfg(test)]
mod tests;
