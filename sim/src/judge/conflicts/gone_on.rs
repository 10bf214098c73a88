//! Where somebody would be who brakes hard, had it not, and whom it would have met there.
//!
//! A driver who brakes hard is driven on, from a second before it began, by its own model, no faster than it was in
//! that second, in the true world as if nobody crossed before it; step by step, until some time after it last
//! braked hard. Those who cross are where
//! they truly are, and once they give way where they would be straight on. Not here: what makes of a touch
//! a conflict.

use std::collections::{BTreeMap, VecDeque};

use rsu::clock::Mono;

use super::{HARD_MPS2, SLOWEST_MPS, Touch};
use crate::world::alone::Alone;
use crate::world::snapshot::Body;
use crate::world::vehicles::Vehicle;
use crate::world::{STEP, World};

/// How all vehicles have driven lately, and where those who brake hard would be.
#[derive(Clone, Debug, Default)]
pub(super) struct GoneOn {
    driven: BTreeMap<u32, Driven>,
    /// How fast those who cross were at the last steps, a second of them, the oldest first.
    paces_mps: BTreeMap<u32, VecDeque<f64>>,
}

/// How a vehicle has driven.
#[derive(Clone, Debug, Default)]
struct Driven {
    /// At the last steps, a second of them, the oldest first.
    lately: VecDeque<Drive>,
    gone_on: Option<Ghost>,
}

/// Where a vehicle was on its route, and how fast.
#[derive(Clone, Copy, Debug)]
struct Drive {
    route: usize,
    along_m: f64,
    speed_mps: f64,
    entered: Option<u64>,
    committed: bool,
}

/// A vehicle that did not brake.
#[derive(Clone, Debug)]
struct Ghost {
    vehicle: Vehicle,
    /// It is followed until then.
    until: Mono,
    /// Those who cross, as they would have gone.
    others: BTreeMap<u32, Went>,
}

/// Somebody who may give way.
#[derive(Clone, Copy, Debug)]
struct Went {
    body: Body,
    /// As fast as it was at most, from a second before its driver is driven on.
    fastest_mps: f64,
    gave_way: bool,
}

impl GoneOn {
    /// Looks at a step that the world has made: who would have touched whom by now.
    pub(super) fn follow(&mut self, world: &World, alone: &Alone<'_>) -> Vec<Touch> {
        let there = |id: &u32| world.vehicles().binary_search_by_key(id, |v| v.id).is_ok();
        self.driven.retain(|id, _| there(id));
        self.keep_paces(world);
        let mut touches = Vec::new();
        for vehicle in world.vehicles() {
            let driven = self.driven.entry(vehicle.id).or_default();
            driven.follow(world, alone, vehicle);
            if let Some(ghost) = &mut driven.gone_on {
                ghost.meet(world, &self.paces_mps, &mut touches);
            }
        }
        touches
    }

    fn keep_paces(&mut self, world: &World) {
        let people = world.people();
        self.paces_mps
            .retain(|id, _| people.binary_search_by_key(id, |one| one.id).is_ok());
        for one in people {
            let pace_mps = self.paces_mps.entry(one.id).or_default();
            pace_mps.push_back(one.speed_mps);
            if pace_mps.len() > KEPT_STEPS {
                pace_mps.pop_front();
            }
        }
    }
}

impl Driven {
    fn follow(&mut self, world: &World, alone: &Alone<'_>, vehicle: &Vehicle) {
        let now = world.now();
        if let Some(ghost) = &mut self.gone_on {
            alone.drive_on(&mut ghost.vehicle);
        }
        if self.brakes(vehicle) {
            let until = now.offset_by(AVOIDED_S);
            match &mut self.gone_on {
                Some(ghost) => ghost.until = until,
                None => {
                    self.gone_on = self.begins(alone, vehicle).map(|vehicle| Ghost {
                        vehicle,
                        until,
                        others: BTreeMap::new(),
                    });
                }
            }
        }
        let path_m = |ghost: &Vehicle| world.roads().routes[ghost.route].path.length_m();
        self.gone_on
            .take_if(|ghost| now > ghost.until || ghost.vehicle.along_m > path_m(&ghost.vehicle));
        self.lately.push_back(Drive::of(vehicle));
        if self.lately.len() > KEPT_STEPS {
            self.lately.pop_front();
        }
    }

    fn brakes(&self, vehicle: &Vehicle) -> bool {
        let before = self.lately.len().checked_sub(BRAKING_STEPS);
        let before = before.and_then(|i| self.lately.get(i));
        let span_s = BRAKING_STEPS as f64 * STEP.as_secs_f64();
        before.is_some_and(|before| before.speed_mps - vehicle.speed_mps > HARD_MPS2 * span_s)
    }

    /// Where it would be now, gone on from the oldest step that is known of it on its route.
    fn begins(&self, alone: &Alone<'_>, vehicle: &Vehicle) -> Option<Vehicle> {
        let on_route = |drive: &&Drive| drive.route == vehicle.route;
        let steps = self.lately.iter().rev().take_while(on_route).count();
        let from = self.lately.get(self.lately.len() - steps)?;
        let of_it = self.lately.iter().rev().take(steps);
        let fastest_mps = of_it.map(|drive| drive.speed_mps).fold(0.0, f64::max);
        if from.speed_mps <= SLOWEST_MPS {
            return None;
        }
        let mut ghost = Vehicle {
            along_m: from.along_m,
            speed_mps: from.speed_mps,
            entered: from.entered,
            committed: from.committed,
            // As fast as it became before it braked: nobody knows that it would have speeded up any more.
            advised_mps: Some(
                vehicle
                    .advised_mps
                    .unwrap_or(f64::INFINITY)
                    .min(fastest_mps),
            ),
            ..vehicle.clone()
        };
        for _ in 0..steps {
            alone.drive_on(&mut ghost);
        }
        Some(ghost)
    }
}

impl Ghost {
    /// Goes on with all who are near, and notes whom it touches.
    fn meet(
        &mut self,
        world: &World,
        paces_mps: &BTreeMap<u32, VecDeque<f64>>,
        touches: &mut Vec<Touch>,
    ) {
        let own = world.body_of(&self.vehicle);
        self.others.retain(|id, _| {
            world
                .people()
                .binary_search_by_key(id, |one| one.id)
                .is_ok()
        });
        for other in world.people() {
            if other.centre.distance_m(own.centre) > NEAR_M {
                continue;
            }
            let pace_mps = paces_mps.get(&other.id).into_iter().flatten();
            let fastest_mps = pace_mps.copied().fold(other.speed_mps, f64::max);
            let went = self.others.entry(other.id).or_insert(Went {
                body: *other,
                fastest_mps,
                gave_way: false,
            });
            went.follow(other, world.is_at_kerb(other.id));
            if own.speed_mps > SLOWEST_MPS && own.overlaps(&went.body) {
                touches.push(Touch {
                    bodies: [own.id, other.id],
                    after_s: 0.0,
                    place: went.body.centre,
                });
            }
        }
    }
}

impl Went {
    fn follow(&mut self, truly: &Body, at_kerb: bool) {
        self.fastest_mps = self.fastest_mps.max(truly.speed_mps);
        let slowed = truly.speed_mps < SLOWED_SHARE * self.fastest_mps;
        self.gave_way |= slowed && !at_kerb;
        if self.gave_way {
            let gone = self
                .body
                .direction
                .times(self.fastest_mps * STEP.as_secs_f64());
            self.body.centre = self.body.centre.plus(gone);
        } else {
            self.body = *truly;
        }
    }
}

impl Drive {
    fn of(vehicle: &Vehicle) -> Self {
        Self {
            route: vehicle.route,
            along_m: vehicle.along_m,
            speed_mps: vehicle.speed_mps,
            entered: vehicle.entered,
            committed: vehicle.committed,
        }
    }
}

/// Who is avoided is so near.
const AVOIDED_S: f64 = 4.0;
/// Braking is measured over so many steps, and the speed before it is that of so many ago.
const BRAKING_STEPS: usize = 3;
const KEPT_STEPS: usize = 10;
/// Who has less than this of its speed left gives way.
const SLOWED_SHARE: f64 = 0.8;
/// Nobody farther off is met within a step.
const NEAR_M: f64 = 60.0;
