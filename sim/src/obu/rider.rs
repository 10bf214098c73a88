//! One vehicle with a unit and a radio: what it knows of itself, and what its driver does.

use v2x_msg::base::{EnuFrame, NodeId};
use v2x_msg::kinds::bsm::VehicleClass;
use v2x_msg::kinds::vir::Behavior;

use super::asking::{MOST_POINTS, Side, WAY_STEP_M, Wishes};
use super::fleet::{Asks, Order, Settings};
use super::unit::{Own, Told, Unit};
use crate::air::RadioId;
use crate::plane::Point;
use crate::world::World;
use crate::world::lanes::Leave;
use crate::world::roads::Turn;
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

/// What a driver is about to do and asks of the roadside.
pub(super) fn wishes(asks: Asks, whole: &Whole<'_>) -> Wishes {
    let Whole { vehicle, world, .. } = *whole;
    let roads = world.roads();
    let route = &roads.routes[vehicle.route];
    let left_m = route.stop_m - vehicle.along_m;
    let before_line = vehicle.entered.is_none() && left_m > 0.0;
    // Lanes are numbered from the left.
    let own = roads.approaches[route.approach].id;
    let over = vehicle.means.filter(|_| asks.lane_change && before_line);
    let over = over.map(|lane| match roads.approaches[lane].id < own {
        true => Side::Left,
        false => Side::Right,
    });
    let near = before_line && left_m < asks.sharing_before_m;
    let behavior = match (over, route.turn) {
        (Some(Side::Left), _) => Behavior::CHANGE_LEFT,
        (Some(Side::Right), _) => Behavior::CHANGE_RIGHT,
        (None, Turn::Left) if near => Behavior::JUNCTION_LEFT,
        (None, Turn::Straight) if near => Behavior::JUNCTION_STRAIGHT,
        (None, Turn::Right) if near => Behavior::JUNCTION_RIGHT,
        (None, _) => Behavior::NONE,
    };
    let points = (0..MOST_POINTS).map(|place| vehicle.along_m + place as f64 * WAY_STEP_M);
    let points = points.take_while(|along_m| near && *along_m <= route.path.length_m());
    let way = points.filter_map(|along_m| {
        let point = route.path.point_at(along_m);
        whole
            .frame
            .ground_position(point.east_m, point.north_m)
            .ok()
    });
    Wishes {
        over,
        behavior,
        way: way.collect(),
        // Who goes straight on has the right of way.
        who_is_there: near && route.turn != Turn::Straight,
    }
}

/// What a driver is told to do, in the world at a place.
pub(super) fn order(at: usize, settings: &Settings, vehicle: &Vehicle, told: &Told) -> Order {
    let slows = told.slows.then(|| gentle_mps(vehicle, MAKES_ROOM_MPS2));
    let most_mps = if settings.warnings && told.danger.is_some() {
        Some(0.0)
    } else {
        let advice = told.advice.filter(|_| settings.advice);
        let advice = advice.map(|advice| {
            let aim = &advice.aim;
            aim.speed_mps.max(gentle_mps(vehicle, aim.braking_mps2))
        });
        [advice, slows].into_iter().flatten().reduce(f64::min)
    };
    let asks = settings.asks.is_some_and(|asks| asks.lane_change);
    Order {
        at,
        vehicle: vehicle.id,
        most_mps,
        leave: if asks { told.leave } else { Leave::OwnEyes },
    }
}

/// The following model brakes hard for a wish far below its speed; with this one slows down gently.
fn gentle_mps(vehicle: &Vehicle, braking_mps2: f64) -> f64 {
    let share = 1.0 + braking_mps2 / vehicle.driver.acceleration_mps2;
    vehicle.speed_mps / share.sqrt().sqrt()
}

/// Who is asked to let somebody in brakes so hard.
const MAKES_ROOM_MPS2: f64 = 1.5;
