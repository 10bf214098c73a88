//! Who is about to be run into, and was that known in time?
//!
//! A conflict is a vehicle on its route and somebody on a line of their own (walker, rider, a car whose
//! driver does as the scenario wants) of whom one of these is true:
//! - both would touch within 1.5 s if they went on as they are, and the vehicle would have to brake with
//!   more than 3.4 m/s² to stand before that;
//! - the vehicle does brake with more than 3.4 m/s², and had it gone on as it was a second before it began both
//!   would touch within 4 s: its driver had to avoid it. Whom it would have passed before, or behind, it
//!   meets at most by braking.
//!
//! Vehicles slower than 2 m/s are in none: they stand before anybody is hurt.
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

/// Where a vehicle is on its route, and how fast.
#[derive(Clone, Copy, Debug)]
struct Drive {
    along_m: f64,
    speed_mps: f64,
}

/// How a vehicle has driven.
#[derive(Clone, Debug, Default)]
struct Driven {
    /// At the last steps, a second of them, the oldest first.
    lately: VecDeque<Drive>,
    /// While it brakes hard: where it would be now had it not begun.
    gone_on: Option<Drive>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct ConflictJudge {
    /// In order of time.
    pub found: Vec<Conflict>,
    walls: Vec<Body>,
    /// By pair: when it was in conflict last, if that is still the same conflict.
    known: BTreeMap<[u32; 2], Mono>,
    driven: BTreeMap<u32, Driven>,
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
        self.driven.retain(|id, _| there(id));
        self.known
            .retain(|_, last| now.seconds_after(*last) < SAME_S);
        for vehicle in world.vehicles() {
            let avoiding = self.avoiding(vehicle);
            for other in world.people() {
                let Some((ttc_s, place)) = conflict(world, vehicle, avoiding, other) else {
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

    /// How it would drive now had it not begun to brake hard; None of who does not.
    fn avoiding(&mut self, vehicle: &Vehicle) -> Option<Drive> {
        let Driven { lately, gone_on } = self.driven.entry(vehicle.id).or_default();
        let before = lately.len().checked_sub(BRAKING_STEPS);
        let before = before.and_then(|i| lately.get(i));
        let step_s = STEP.as_secs_f64();
        let span_s = BRAKING_STEPS as f64 * step_s;
        let brakes =
            before.is_some_and(|before| before.speed_mps - vehicle.speed_mps > HARD_MPS2 * span_s);
        let on = |from: Drive, steps: usize| Drive {
            along_m: from.along_m + from.speed_mps * step_s * steps as f64,
            ..from
        };
        let begins = || lately.front().map(|first| on(*first, lately.len()));
        *gone_on = if brakes {
            gone_on.map(|drive| on(drive, 1)).or_else(begins)
        } else {
            None
        };
        lately.push_back(Drive::of(vehicle));
        if lately.len() > KEPT_STEPS {
            lately.pop_front();
        }
        *gone_on
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

impl Drive {
    fn of(vehicle: &Vehicle) -> Self {
        Self {
            along_m: vehicle.along_m,
            speed_mps: vehicle.speed_mps,
        }
    }
}

/// When and where the two would touch, if that is a conflict.
fn conflict(
    world: &World,
    vehicle: &Vehicle,
    avoiding: Option<Drive>,
    other: &Body,
) -> Option<(f64, Point)> {
    let fast = |drive: &Drive| drive.speed_mps > SLOWEST_MPS;
    let serious = |(ttc_s, _): &(f64, Point)| vehicle.speed_mps > 2.0 * HARD_MPS2 * ttc_s.max(0.05);
    let soon = Some(Drive::of(vehicle))
        .filter(fast)
        .and_then(|drive| touch(world, vehicle, drive, other, SOON_S))
        .filter(serious);
    soon.or_else(|| touch(world, vehicle, avoiding.filter(fast)?, other, AVOIDED_S))
}

/// When and where the two would touch within a time, the vehicle driving on so.
fn touch(
    world: &World,
    vehicle: &Vehicle,
    Drive { along_m, speed_mps }: Drive,
    other: &Body,
    within_s: f64,
) -> Option<(f64, Point)> {
    let path = &world.roads().routes[vehicle.route].path;
    let middle_m = along_m - vehicle.length_m / 2.0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::world::vehicles::Kind;

    /// Whether a vehicle that drives so fast for a second, and then brakes with 8 m/s² for `brakes_s`, is in
    /// conflict with somebody who walks across before it, who would be in its way after `enters_s` from the
    /// end, `ahead_m` before its front as it is then.
    fn is_conflict(speed_mps: f64, brakes_s: f64, ahead_m: f64, enters_s: f64) -> bool {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let mut world = Scenario::load(std::path::Path::new(file))
            .expect("a scenario")
            .world(1)
            .expect("a world");
        while world.vehicles().is_empty() {
            world.step();
        }
        let mut vehicle = world.vehicles()[0].clone();
        (vehicle.along_m, vehicle.speed_mps) = (50.0, speed_mps);
        let mut judge = ConflictJudge::default();
        let step_s = STEP.as_secs_f64();
        let brakes = (brakes_s / step_s).round() as usize;
        let mut avoiding = None;
        for step in 0..=10 + brakes {
            avoiding = judge.avoiding(&vehicle);
            if step < 10 + brakes {
                let slower_mps = if step < 10 { 0.0 } else { 8.0 * step_s };
                vehicle.along_m += vehicle.speed_mps * step_s;
                vehicle.speed_mps -= slower_mps;
            }
        }
        let path = &world.roads().routes[vehicle.route].path;
        let along = path.direction_at(vehicle.along_m + ahead_m);
        let right = along.left().times(-1.0);
        let walks_mps = 1.5;
        let aside_m = vehicle.width_m / 2.0 + 0.3 + walks_mps * enters_s;
        let walker = Body {
            id: 1,
            kind: Kind::Pedestrian,
            centre: path
                .point_at(vehicle.along_m + ahead_m)
                .plus(along.left().times(aside_m)),
            direction: right,
            speed_mps: walks_mps,
            length_m: 0.6,
            width_m: 0.6,
            height_m: 1.7,
        };
        conflict(&world, &vehicle, avoiding, &walker).is_some()
    }

    #[test]
    fn whom_a_driver_would_have_passed_is_met_only_by_braking() {
        // Had it not braked for a second it would be 4 m farther on, and would be past the place, 18 m ahead of
        // where it is, 1.3 s from now.
        assert!(is_conflict(15.0, 1.0, 18.0, 1.0));
        assert!(!is_conflict(15.0, 1.0, 18.0, 1.6));
        // The longer it brakes, the farther it would be.
        assert!(is_conflict(15.0, 1.4, 18.0, 0.7));
        assert!(!is_conflict(15.0, 1.4, 18.0, 1.3));
    }

    #[test]
    fn who_creeps_is_in_no_conflict() {
        assert!(!is_conflict(1.9, 0.2, 1.0, 0.2));
        assert!(is_conflict(6.0, 0.4, 4.0, 0.2));
    }
}
