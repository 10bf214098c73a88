//! One vehicle with a unit and a radio: what it knows of itself, and what its driver does.

use v2x_msg::base::{EnuFrame, NodeId};
use v2x_msg::kinds::bsm::VehicleClass;

use super::fleet::Settings;
use super::unit::{Own, Told, Unit};
use crate::air::RadioId;
use crate::plane::Point;
use crate::world::World;
use crate::world::snapshot::Body;
use crate::world::vehicles::{Kind, Vehicle};

/// A vehicle's unit and its radio.
#[derive(Debug)]
pub(super) struct Rider {
    pub(super) unit: Unit,
    pub(super) radio: RadioId,
    /// Place in the network of the junction in whose world it drives.
    pub(super) at: usize,
    /// The step at which it was last on the road.
    pub(super) seen: u64,
    /// What it believes of its place is off by so much.
    pub(super) bias_m: Point,
    pub(super) speed_mps: f64,
    pub(super) braking_mps2: f64,
    pub(super) told: Told,
    pub(super) advised: bool,
}

/// What a vehicle is besides what its unit measures.
pub(super) struct Whole<'a> {
    pub(super) vehicle: &'a Vehicle,
    pub(super) body: &'a Body,
    pub(super) world: &'a World,
    pub(super) frame: EnuFrame,
    /// Where its way leads from the junction after the one whose world it drives in.
    pub(super) then: Option<NodeId>,
}

impl Rider {
    /// What it knows of itself when its middle is at `centre`.
    pub(super) fn own(&self, whole: &Whole<'_>, centre: Point, settings: &Settings) -> Own {
        let Whole {
            vehicle,
            body,
            world,
            frame,
            then,
        } = *whole;
        let believed = centre.plus(self.bias_m);
        let position = frame.ground_position(believed.east_m, believed.north_m);
        let route = &world.roads().routes[vehicle.route];
        Own {
            // Nobody drives off the earth.
            position: position.unwrap_or(frame.origin()),
            heading: body.direction,
            speed_mps: vehicle.speed_mps,
            braking_mps2: self.braking_mps2,
            length_m: vehicle.length_m,
            width_m: vehicle.width_m,
            height_m: vehicle.height_m,
            emergency: vehicle.siren,
            class: match vehicle.kind {
                _ if vehicle.siren => VehicleClass::EMERGENCY,
                Kind::Bus => VehicleClass::LOCAL_BUS,
                Kind::Truck => VehicleClass::TRUCK,
                _ => VehicleClass::PASSENGER_CAR,
            },
            next: world.roads().exits[route.exit].to,
            then,
            sigma_m: settings.gnss_sigma_m,
            least_mps: settings.least_advised_mps,
        }
    }
}

/// No faster than this, by what a driver is told.
pub(super) fn order(settings: &Settings, vehicle: &Vehicle, told: &Told) -> Option<f64> {
    if settings.warnings && told.danger.is_some() {
        return Some(0.0);
    }
    let advice = told.advice.filter(|_| settings.advice)?;
    // The following model brakes hard for a wish far below its speed; by advice one slows down gently.
    let (driver, aim) = (&vehicle.driver, &advice.aim);
    let share = 1.0 + aim.braking_mps2 / driver.acceleration_mps2;
    let gentle_mps = vehicle.speed_mps / share.sqrt().sqrt();
    Some(aim.speed_mps.max(gentle_mps))
}
