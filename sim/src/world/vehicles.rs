//! What drives, and how its driver follows.
//!
//! The following model is IDM (Treiber, Hennecke, Helbing 2000) with a = 2.2 m/s², b = 3 m/s²,
//! T = 1.06 s, s0 = 2 m for cars, which gives a saturation flow near 1,870 cars per hour and lane;
//! highway values are far too slow at a signal. Lorries and buses are slower to move off. The first
//! driver at a stop line reacts about a second after the green.

use rsu::clock::Mono;

use super::aside::Aside;
use super::lanes::{Ask, Leave};
use super::lines::Call;
use super::roads::Turn;
use crate::random::{Purpose, Stream};

/// What a vehicle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Passenger car or van.
    Car,
    /// Lorry.
    Truck,
    /// City bus of 12 m.
    Bus,
    /// Bicycle with its rider.
    Bicycle,
    /// Electric bicycle (GB 17761) with its rider: by the law no motor vehicle.
    ElectricBicycle,
    /// Somebody on foot.
    Pedestrian,
    /// A dog, a deer.
    Animal,
    /// Something that does not move: a cone, a barrier, what a lorry has lost.
    Object,
}

/// One vehicle and where it is on its route.
#[derive(Clone, Debug, PartialEq)]
pub struct Vehicle {
    /// Never used again for another.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
    /// Bumper to bumper.
    pub length_m: f64,
    /// Across, without mirrors.
    pub width_m: f64,
    /// Above ground.
    pub height_m: f64,
    /// Index of its route.
    pub route: usize,
    /// Its front bumper, along its route.
    pub along_m: f64,
    /// Along its route; never negative.
    pub speed_mps: f64,
    /// How it is driven.
    pub driver: Driver,
    /// It was too fast to stop when its signal turned yellow, and goes on.
    pub committed: bool,
    /// It does not heed its signal.
    pub runs_red: bool,
    /// No faster than this, by what it is told on board.
    pub advised_mps: Option<f64>,
    /// It breaks down at this place of its route, and goes on at this time.
    pub halt: Option<(f64, Mono)>,
    /// It drives no faster than this, until then.
    pub slow: Option<(f64, Mono)>,
    /// It has siren and lights on.
    pub siren: bool,
    /// It changes lanes only where it must.
    pub keeps_lane: bool,
    /// It has still to call at a stop.
    pub call: Option<Call>,
    /// How long it has stood at stops on the way to this junction.
    pub dwelt_s: f64,
    /// Which way it would go at the junction.
    pub wants: Turn,
    /// It moves over to its route from another.
    pub aside: Option<Aside>,
    /// It has no mind to change lanes again before.
    pub settled: Mono,
    /// It asks to be let into another lane.
    pub asks: Option<Ask>,
    /// It would change into this approach lane, if it were given leave to.
    pub means: Option<usize>,
    /// What it is told on board of changing lanes.
    pub leave: Leave,
    /// When it appeared, on the road or before it.
    pub appeared: Mono,
    /// Its place in the order in which vehicles passed a stop line; None until it does.
    pub entered: Option<u64>,
    /// So far left of its lane it still is; less than nought to the right. It comes back by itself.
    pub aside_m: f64,
    /// What it has behind it.
    pub trip: Trip,
}

/// What a vehicle has behind it, over all junctions that it came through, and the line it serves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trip {
    /// When it came.
    pub since: Mono,
    /// Junctions behind it.
    pub junctions: u32,
    /// How often it has come to a stand.
    pub stops: u32,
    /// It has stood, and not got under way since.
    pub stood: bool,
    /// It serves the line with this place in the network.
    pub line: Option<u16>,
}

impl Trip {
    /// Counts stops: one begins when it stands, and counts once until it is under way again.
    pub fn follow(&mut self, speed_mps: f64) {
        if speed_mps < STANDS_MPS && !self.stood {
            self.stood = true;
            self.stops += 1;
        } else if speed_mps > UNDER_WAY_MPS {
            self.stood = false;
        }
    }
}

/// How a driver follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Driver {
    /// Most that the driver accelerates.
    pub acceleration_mps2: f64,
    /// What the driver finds comfortable when braking.
    pub braking_mps2: f64,
    /// Time to the vehicle ahead.
    pub headway_s: f64,
    /// Distance to the vehicle ahead when standing.
    pub standstill_m: f64,
    /// Wanted speed as a share of the limit.
    pub eagerness: f64,
    /// From green to moving off, when first at a stop line.
    pub reaction_s: f64,
}

/// Share of each kind among arriving vehicles; the rest are cars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Share of lorries, 0 to 1.
    pub trucks: f64,
    /// Share of buses, 0 to 1.
    pub buses: f64,
}

/// Where an approach's vehicles go, as shares that sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnShares {
    /// Share that turns left.
    pub left: f64,
    /// Share that turns right.
    pub right: f64,
}

impl Vehicle {
    /// A vehicle as drawn for `id`, at the beginning of a route still to be chosen.
    pub fn draw(seed: u64, id: u32, mix: Mix, shares: TurnShares) -> (Self, Turn) {
        let mut stream = Stream::new(seed, u64::from(id), Purpose::Vehicle);
        let kind = {
            let draw = stream.uniform();
            if draw < mix.buses {
                Kind::Bus
            } else if draw < mix.buses + mix.trucks {
                Kind::Truck
            } else {
                Kind::Car
            }
        };
        let turn = {
            let draw = stream.uniform();
            if draw < shares.left {
                Turn::Left
            } else if draw < shares.left + shares.right {
                Turn::Right
            } else {
                Turn::Straight
            }
        };
        let (length_m, width_m, height_m) = match kind {
            Kind::Car => (stream.between(4.1, 5.0), stream.between(1.75, 1.95), 1.5),
            Kind::Truck => (stream.between(6.5, 10.0), stream.between(2.2, 2.5), 3.2),
            _ => (12.0, 2.55, 3.1),
        };
        let (acceleration_mps2, braking_mps2, headway_s) = match kind {
            Kind::Car => (
                Driver::CAR.acceleration_mps2,
                Driver::CAR.braking_mps2,
                Driver::CAR.headway_s,
            ),
            Kind::Truck => (1.1, 2.5, 1.4),
            _ => (1.2, 2.0, 1.2),
        };
        let driver = Driver {
            acceleration_mps2,
            braking_mps2,
            headway_s,
            standstill_m: Driver::CAR.standstill_m,
            eagerness: (1.0 + 0.07 * stream.normal()).clamp(0.8, 1.15),
            reaction_s: stream.between(0.7, 1.4),
        };
        let vehicle = Self {
            id,
            kind,
            length_m,
            width_m,
            height_m,
            route: 0,
            along_m: 0.0,
            speed_mps: 0.0,
            driver,
            committed: false,
            runs_red: false,
            advised_mps: None,
            halt: None,
            slow: None,
            siren: false,
            keeps_lane: false,
            call: None,
            dwelt_s: 0.0,
            wants: turn,
            aside: None,
            settled: Mono::ZERO,
            asks: None,
            means: None,
            leave: Leave::OwnEyes,
            appeared: Mono::ZERO,
            entered: None,
            aside_m: 0.0,
            trip: Trip::default(),
        };
        (vehicle, turn)
    }

    /// Its rear bumper, along its route.
    pub fn rear_m(&self) -> f64 {
        self.along_m - self.length_m
    }

    /// How fast its driver wants to go where one may drive so fast.
    pub fn wanted_mps(&self, limit_mps: f64) -> f64 {
        let free_mps = limit_mps * self.driver.eagerness;
        match self.advised_mps {
            Some(advised_mps) => free_mps.min(advised_mps),
            None => free_mps,
        }
    }

    /// The least time in which it can cover `distance_m` without driving faster than `most_mps`.
    pub fn least_time_s(&self, distance_m: f64, most_mps: f64) -> f64 {
        time_to_cover_s(
            distance_m,
            self.speed_mps,
            self.driver.acceleration_mps2,
            most_mps,
        )
    }
}

impl Driver {
    /// Of a car. Chosen for a saturation flow of 1,800 to 1,900 an hour and lane and for first
    /// headways of 2.2 to 2.9 s (`sim case satflow`).
    pub const CAR: Self = Self {
        acceleration_mps2: 2.2,
        braking_mps2: 3.0,
        headway_s: 1.06,
        standstill_m: 2.0,
        eagerness: 1.0,
        reaction_s: 1.05,
    };

    /// Acceleration on a free road with this wanted speed.
    pub fn free_mps2(&self, speed_mps: f64, wanted_mps: f64) -> f64 {
        let share = speed_mps / wanted_mps.max(0.1);
        let fourth = share * share * share * share;
        (self.acceleration_mps2 * (1.0 - fourth)).max(-self.braking_mps2)
    }

    /// Acceleration behind something `gap_m` ahead that moves at `ahead_mps`.
    pub fn following_mps2(
        &self,
        speed_mps: f64,
        wanted_mps: f64,
        gap_m: f64,
        ahead_mps: f64,
    ) -> f64 {
        let wanted_gap_m = self.wanted_gap_m(speed_mps, ahead_mps, self.brake_mps2());
        let free_mps2 = self.free_mps2(speed_mps, wanted_mps);
        self.crowded_mps2(free_mps2, wanted_gap_m, gap_m)
    }

    /// The model's scale of braking, the same at any time: `2 sqrt(a b)`.
    pub(super) fn brake_mps2(&self) -> f64 {
        2.0 * (self.acceleration_mps2 * self.braking_mps2).sqrt()
    }

    /// The gap that the driver wants to something that goes so fast.
    pub(super) fn wanted_gap_m(&self, speed_mps: f64, ahead_mps: f64, brake_mps2: f64) -> f64 {
        let closing_mps = speed_mps - ahead_mps;
        self.standstill_m
            + (speed_mps * self.headway_s + speed_mps * closing_mps / brake_mps2).max(0.0)
    }

    /// What is left of the acceleration on a free road where the wanted gap is not there.
    pub(super) fn crowded_mps2(&self, free_mps2: f64, wanted_gap_m: f64, gap_m: f64) -> f64 {
        let crowding = wanted_gap_m / gap_m.max(0.1);
        free_mps2 - self.acceleration_mps2 * crowding * crowding
    }
}

/// The time to cover a distance from `speed_mps`, accelerating up to `most_mps`.
pub fn time_to_cover_s(
    distance_m: f64,
    speed_mps: f64,
    acceleration_mps2: f64,
    most_mps: f64,
) -> f64 {
    if distance_m <= 0.0 {
        return 0.0;
    }
    let most_mps = most_mps.max(speed_mps).max(0.1);
    let rise_s = (most_mps - speed_mps) / acceleration_mps2;
    let rise_m = (speed_mps + most_mps) / 2.0 * rise_s;
    if rise_m < distance_m {
        return rise_s + (distance_m - rise_m) / most_mps;
    }
    let root = (speed_mps * speed_mps + 2.0 * acceleration_mps2 * distance_m).sqrt();
    (root - speed_mps) / acceleration_mps2
}

/// Slower than this is a stop, until one is faster than that: who creeps up in a queue stops once.
const STANDS_MPS: f64 = 0.1;
const UNDER_WAY_MPS: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn car() -> Driver {
        Driver {
            acceleration_mps2: 2.0,
            braking_mps2: 3.0,
            headway_s: 1.0,
            standstill_m: 2.0,
            eagerness: 1.0,
            reaction_s: 1.0,
        }
    }

    #[test]
    fn the_equilibrium_gap_is_that_of_the_model() {
        // At equilibrium s = (s0 + v T) / sqrt(1 - (v/v0)^4).
        let (speed_mps, wanted_mps) = (10.0_f64, 15.0_f64);
        let gap_m = 12.0 / (1.0 - (speed_mps / wanted_mps).powi(4)).sqrt();
        let rest = car().following_mps2(speed_mps, wanted_mps, gap_m, speed_mps);
        assert!(rest.abs() < 1e-9, "{rest}");
    }

    #[test]
    fn the_time_to_cover_a_distance_is_exact() {
        // From rest at 2 m/s²: 4 m in 2 s; capped at 4 m/s: 4 m in 2 s, then 4 m/s.
        assert!((time_to_cover_s(4.0, 0.0, 2.0, 20.0) - 2.0).abs() < 1e-12);
        assert!((time_to_cover_s(12.0, 0.0, 2.0, 4.0) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_shares_come_out_as_asked() {
        let mix = Mix {
            trucks: 0.1,
            buses: 0.05,
        };
        let shares = TurnShares {
            left: 0.2,
            right: 0.3,
        };
        let drawn: Vec<(Vehicle, Turn)> = (0..10_000)
            .map(|id| Vehicle::draw(5, id, mix, shares))
            .collect();
        let share = |test: fn(&(Vehicle, Turn)) -> bool| {
            drawn.iter().filter(|drawn| test(drawn)).count() as f64 / drawn.len() as f64
        };
        assert!((share(|(vehicle, _)| vehicle.kind == Kind::Bus) - 0.05).abs() < 0.01);
        assert!((share(|(vehicle, _)| vehicle.kind == Kind::Truck) - 0.10).abs() < 0.01);
        assert!((share(|(_, turn)| *turn == Turn::Left) - 0.2).abs() < 0.02);
        assert!((share(|(_, turn)| *turn == Turn::Right) - 0.3).abs() < 0.02);
    }
}
