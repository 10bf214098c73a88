//! The weather, and the station at the roadside that measures it and answers by Modbus.
//!
//! Weather comes in spells: a quantity has another value for a time, and is as usual otherwise. The
//! station's registers are those of the roadside unit's own configuration. Its readings are off by three parts in
//! a hundred (assumed; makers state two to ten). Not here: what weather does to other sensors
//! ([`super::air`]).

use std::time::Duration;

use rsu::clock::Mono;
use rsu::inputs::modbus::{Config, Emitter, Register};
use rsu::report::Quantity;

use crate::random::{Purpose, Stream};

/// Other weather than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spell {
    /// What is other.
    pub quantity: Quantity,
    /// What it is, in the unit of the quantity.
    pub value: f64,
    /// Since when.
    pub from: Mono,
    /// Until when.
    pub until: Mono,
    /// The event that it is, by GB/T 29100-2012.
    pub event_type: Option<u16>,
}

impl Spell {
    /// What a quantity is at a moment; of several spells the last one counts.
    pub fn value_at(spells: &[Self], quantity: Quantity, now: Mono) -> f64 {
        let holds =
            |spell: &&Self| spell.quantity == quantity && spell.from <= now && now < spell.until;
        let spell = spells.iter().rev().find(holds);
        spell.map_or(usual(quantity), |spell| spell.value)
    }
}

/// A station that is asked.
#[derive(Clone, Debug)]
pub struct WeatherStation {
    emitter: Emitter,
    registers: Vec<Register>,
    spells: Vec<Spell>,
    noise: Stream,
}

impl WeatherStation {
    /// A station as the roadside unit believes it to be.
    pub fn new(config: &Config, spells: Vec<Spell>, seed: u64) -> Self {
        Self {
            emitter: Emitter::new(config.form, config.unit),
            registers: config.registers.clone(),
            spells,
            noise: Stream::new(seed, 0, Purpose::Weather),
        }
    }

    /// What it says to a question, and when that is there.
    pub fn answer(&mut self, now: Mono, question: &[u8]) -> (Mono, Vec<u8>) {
        for register in &self.registers {
            let value = Spell::value_at(&self.spells, register.quantity, now);
            let off = 1.0 + NOISE * self.noise.normal();
            let value = (value * off).clamp(register.least, register.most);
            self.emitter.set(register, value);
        }
        let mut out = Vec::new();
        self.emitter.hear(question, &mut out);
        (now + ANSWERS_AFTER, out)
    }
}

/// On an ordinary day.
fn usual(quantity: Quantity) -> f64 {
    match quantity {
        Quantity::Visibility => 10_000.0,
        Quantity::Wind => 2.0,
        Quantity::Rain | Quantity::Ice | Quantity::Water => 0.0,
        Quantity::AirTemperature | Quantity::RoadTemperature => 15.0,
        Quantity::Grip => 0.8,
    }
}

const NOISE: f64 = 0.03;
const ANSWERS_AFTER: Duration = Duration::from_millis(20);
