//! The decoder's mirror: a radar that says what it sees. The simulator drives it.

use super::wire::{
    self, Extended, General, Measurement, Message, Quality, Rms, State, Status, existence_class,
};
use crate::inputs::can::CanFrame;
use crate::report::Class;

/// One object as a radar sees it, in the radar's axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensedObject {
    /// The radar's own number of it.
    pub id: u8,
    /// Middle of the object, forward.
    pub forward_m: f64,
    /// Middle of the object, to the left.
    pub left_m: f64,
    /// Over ground, as the radar stands.
    pub forward_mps: f64,
    /// Over ground, as the radar stands.
    pub left_mps: f64,
    /// Standard deviation.
    pub sigma_forward_m: f64,
    /// Standard deviation.
    pub sigma_left_m: f64,
    /// Standard deviation.
    pub sigma_forward_mps: f64,
    /// Standard deviation.
    pub sigma_left_mps: f64,
    /// How it came about; deleted and predicted objects can be said too.
    pub measurement: Measurement,
    /// 0..=1.
    pub existence: f32,
    /// A bus is said as a truck; an unknown object as a point, without orientation.
    pub class: Class,
    /// Of its length, counter-clockwise from the radar's forward axis, -180 to 180.
    pub orientation_deg: f64,
    /// Standard deviation.
    pub sigma_orientation_deg: f64,
    /// Up to 51.
    pub length_m: f64,
    /// Up to 51.
    pub width_m: f64,
    /// Radar cross-section.
    pub rcs_dbm2: f64,
}

impl Default for SensedObject {
    /// A car that stands 20 m ahead, seen well.
    fn default() -> Self {
        Self {
            id: 0,
            forward_m: 20.0,
            left_m: 0.0,
            forward_mps: 0.0,
            left_mps: 0.0,
            sigma_forward_m: 0.288,
            sigma_left_m: 0.371,
            sigma_forward_mps: 0.371,
            sigma_left_mps: 0.616,
            measurement: Measurement::Measured,
            existence: 0.9995,
            class: Class::Car,
            orientation_deg: 0.0,
            sigma_orientation_deg: 1.9,
            length_m: 4.6,
            width_m: 1.8,
            rcs_dbm2: 10.0,
        }
    }
}

/// A radar's voice.
#[derive(Clone, Copy, Debug)]
pub struct Emitter {
    sensor: u8,
    counter: u16,
}

impl Emitter {
    /// Of the radar with this sensor number, 0 to 7.
    pub fn new(sensor: u8) -> Self {
        Self {
            sensor: sensor.min(wire::MAX_SENSOR),
            counter: 0,
        }
    }

    /// The same radar, whose cycles are numbered from there on: it has been running for some time.
    pub fn counting_from(mut self, number: u16) -> Self {
        self.counter = number;
        self
    }

    /// Appends the messages of one measurement cycle, in the order of a real radar. Objects beyond
    /// 255 are not said; a real radar stops at 100.
    pub fn cycle(&mut self, objects: &[SensedObject], out: &mut Vec<CanFrame>) {
        let objects = &objects[..objects.len().min(usize::from(u8::MAX))];
        self.counter = self.counter.wrapping_add(2);
        let status = Status {
            objects: objects.len() as u8,
            counter: self.counter,
            interface: 1,
        };
        let sensor = self.sensor;
        let mut say = |message| out.push(wire::emit(&message, sensor));
        say(Message::Status(status));
        for object in objects {
            say(Message::General(general(object)));
        }
        for object in objects {
            say(Message::Quality(quality(object)));
        }
        for object in objects {
            say(Message::Extended(extended(object)));
        }
    }

    /// Appends what a healthy radar says of itself each second.
    pub fn state(&self, out: &mut Vec<CanFrame>) {
        let state = State {
            max_distance_m: 250.0,
            sensor: self.sensor,
            ..State::default()
        };
        out.push(wire::emit(&Message::State(state), self.sensor));
    }
}

fn general(object: &SensedObject) -> General {
    General {
        id: object.id,
        dist_long_m: object.forward_m,
        dist_lat_m: object.left_m,
        vrel_long_mps: object.forward_mps,
        vrel_lat_mps: object.left_mps,
        motion: motion(object),
        kind: 0,
        rcs_dbm2: object.rcs_dbm2,
    }
}

/// Standing below walking pace, else by the larger part of the velocity.
fn motion(object: &SensedObject) -> u8 {
    const MOVING: u8 = 0;
    const STATIONARY: u8 = 1;
    const ONCOMING: u8 = 2;
    const CROSSING: u8 = 6;
    let (forward, left) = (object.forward_mps, object.left_mps);
    match forward.hypot(left) {
        speed if speed < 0.5 => STATIONARY,
        _ if left.abs() > forward.abs() => CROSSING,
        _ if forward < 0.0 => ONCOMING,
        _ => MOVING,
    }
}

fn quality(object: &SensedObject) -> Quality {
    Quality {
        id: object.id,
        dist_long_rms: Rms::from_sigma(object.sigma_forward_m),
        dist_lat_rms: Rms::from_sigma(object.sigma_left_m),
        vrel_long_rms: Rms::from_sigma(object.sigma_forward_mps),
        vrel_lat_rms: Rms::from_sigma(object.sigma_left_mps),
        arel_long_rms: Rms::UNKNOWN,
        arel_lat_rms: Rms::UNKNOWN,
        orientation_rms: Rms::from_sigma_deg(object.sigma_orientation_deg),
        existence: existence_class(object.existence),
        measurement: object.measurement,
    }
}

fn extended(object: &SensedObject) -> Extended {
    Extended {
        id: object.id,
        arel_long_mps2: 0.0,
        arel_lat_mps2: 0.0,
        class: match object.class {
            Class::Unknown | Class::Animal => 0,
            Class::Car => 1,
            Class::Truck | Class::Bus => 2,
            Class::Pedestrian => 3,
            Class::Motorcycle => 4,
            Class::Bicycle => 5,
        },
        orientation_deg: object.orientation_deg,
        length_m: object.length_m,
        width_m: object.width_m,
    }
}
