//! What a driver would do if nobody were in its way but the traffic: for those who judge what it did.
//!
//! A vehicle that is not there is driven by its own driver's model in the world as it is. Not here: what the
//! others would do without it.

use super::lookup::Lookup;
use super::right_of_way::Scene;
use super::snapshot::Body;
use super::vehicles::{Kind, Vehicle};
use super::{STEP, World};

/// The world at one moment, as those see it who are not in it.
pub(crate) struct Alone<'a> {
    world: &'a World,
    /// That of the world is of the beginning of its step.
    lookup: Lookup,
    /// What lies or stands on the road and goes nowhere.
    things: Vec<Body>,
}

impl<'a> Alone<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let mut lookup = Lookup::default();
        lookup.look(&world.roads, &world.signals, &world.vehicles, world.now());
        let things = world.people.iter().filter(|body| match body.kind {
            Kind::Object => true,
            Kind::Car | Kind::Truck | Kind::Bus => world.users.stays(body.id),
            _ => false,
        });
        Self {
            lookup,
            things: things.copied().collect(),
            world,
        }
    }

    /// Drives a vehicle on for a step. It has the id of the one that it would be, which it does not see.
    pub(crate) fn drive_on(&self, ghost: &mut Vehicle) {
        let scene = self.scene();
        let acceleration_mps2 = scene.acceleration_mps2(ghost);
        ghost.committed = scene.commits(ghost);
        let step_s = STEP.as_secs_f64();
        ghost.speed_mps = (ghost.speed_mps + acceleration_mps2 * step_s).max(0.0);
        ghost.along_m += ghost.speed_mps * step_s;
        let route = &self.world.roads.routes[ghost.route];
        if ghost.entered.is_none() && ghost.along_m > route.stop_m {
            // After everybody who has.
            ghost.entered = Some(self.world.next_entry);
        }
    }

    /// How a driver who goes on as fast as it is slows down for the bend, in m/s²; never more than nought.
    pub(crate) fn slows_mps2(&self, vehicle: &Vehicle) -> f64 {
        let wanted_mps = self.scene().wanted_mps(vehicle);
        vehicle
            .driver
            .free_mps2(vehicle.speed_mps, wanted_mps)
            .min(0.0)
    }

    /// How far ahead the rear of the vehicle before it is, and how fast that one goes.
    pub(crate) fn ahead(&self, vehicle: &Vehicle) -> Option<(f64, f64)> {
        let scene = self.scene();
        let others = self.world.vehicles.iter();
        let ahead = others.filter(|other| other.id != vehicle.id);
        let ahead = ahead.filter_map(|other| {
            let gap_m = scene.gap_behind_m(vehicle, other)?;
            Some((gap_m, other.speed_mps))
        });
        ahead.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            lookup: &self.lookup,
            users: &self.things,
            ..self.world.scene()
        }
    }
}

impl World {
    /// A vehicle's body where it is on its route.
    pub(crate) fn body_of(&self, vehicle: &Vehicle) -> Body {
        self.body(vehicle)
    }

    /// Whether somebody on foot or two wheels has not left its kerb, where it waits for its signal and for who
    /// comes.
    pub(crate) fn is_at_kerb(&self, id: u32) -> bool {
        self.users.is_at_kerb(id)
    }
}

#[cfg(test)]
impl World {
    /// The next step, with these on the road as they are.
    pub(crate) fn set_scene(&mut self, vehicles: Vec<Vehicle>, people: Vec<Body>) {
        self.steps += 1;
        (self.vehicles, self.people) = (vehicles, people);
    }
}
