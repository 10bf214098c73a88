//! A radar of type ARS408 that looks north over a queue of standing cars: bursts of CAN frames as a
//! gateway sends them.
//!
//! The cars sway: in one burst all stand a little left of their lane's middle, in the next a little
//! right. So what a picture of the road shows tells which burst it rests on.

use rsu::inputs::ars408::{self, Emitter, SensedObject};
use rsu::inputs::{Mount, can};

/// Where the radar stands.
pub const EAST_M: f64 = 0.0;
/// Where the radar stands.
pub const NORTH_M: f64 = 0.0;
/// Where the radar stands.
pub const UP_M: f64 = 5.0;
/// Between the middles of two lanes.
pub const LANE_M: f64 = 3.5;

/// To which side of their lanes' middles all cars stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sway {
    /// West of it.
    Left,
    /// East of it.
    Right,
}

impl Sway {
    /// Turn by turn.
    pub fn of_burst(number: usize) -> Self {
        if number.is_multiple_of(2) {
            Self::Left
        } else {
            Self::Right
        }
    }
}

/// The radar's decoder, by its configuration.
pub fn decoder() -> ars408::Decoder {
    ars408::Decoder::new(ars408::Config {
        mount: Mount {
            east_m: EAST_M,
            north_m: NORTH_M,
            up_m: UP_M,
            heading_deg: 0.0,
        },
        ..ars408::Config::default()
    })
}

/// Says which cars it sees.
#[derive(Debug)]
pub struct Radar {
    emitter: Emitter,
    cars: u8,
}

impl Radar {
    /// With `cars` cars in five lanes before it, 9 m apart from 20 m on.
    pub fn new(cars: u8) -> Self {
        Self {
            emitter: Emitter::new(0),
            cars,
        }
    }

    /// One measurement cycle, in the 13-byte form of a CAN gateway.
    pub fn burst(&mut self, sway: Sway) -> Vec<u8> {
        let objects: Vec<_> = (0..self.cars).map(|id| car(id, sway)).collect();
        let mut frames = Vec::new();
        self.emitter.cycle(&objects, &mut frames);
        let mut bytes = Vec::new();
        for frame in &frames {
            can::emit(can::Carrier::default(), frame, &mut bytes);
        }
        bytes
    }
}

fn car(id: u8, sway: Sway) -> SensedObject {
    let lane = f64::from(id % LANES) - f64::from(LANES / 2);
    let aside_m = match sway {
        Sway::Left => SWAY_M,
        Sway::Right => -SWAY_M,
    };
    SensedObject {
        id,
        forward_m: 20.0 + 9.0 * f64::from(id / LANES),
        left_m: lane * LANE_M + aside_m,
        ..SensedObject::default()
    }
}

const LANES: u8 = 5;
const SWAY_M: f64 = 0.4;
