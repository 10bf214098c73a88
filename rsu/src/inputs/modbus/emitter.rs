//! The decoder's mirror: a device that answers. The simulator drives it.

use std::collections::BTreeMap;

use super::wire::{self, Answer, Form, Request, Table};
use super::{Kind, Register};

/// "Illegal data address".
const NO_SUCH_ADDRESS: u8 = 2;

/// A device with registers.
#[derive(Clone, Debug, Default)]
pub struct Emitter {
    form: Form,
    unit: u8,
    entries: BTreeMap<(Table, u16), u16>,
    heard: Vec<u8>,
}

impl Emitter {
    /// A device without any register.
    pub fn new(form: Form, unit: u8) -> Self {
        Self {
            form,
            unit,
            ..Self::default()
        }
    }

    /// Measures: `value` in the unit of the register's quantity.
    pub fn set(&mut self, register: &Register, value: f64) {
        let raw = (value - register.offset) / register.scale;
        let words = match register.kind {
            Kind::Bit => vec![u16::from(raw >= 0.5)],
            Kind::U16 => vec![raw.round() as u16],
            Kind::I16 => vec![raw.round() as i16 as u16],
            Kind::U32 => words(raw.round() as u32),
            Kind::I32 => words(raw.round() as i32 as u32),
            Kind::F32 => words((raw as f32).to_bits()),
        };
        let mut words = words;
        if register.low_word_first {
            words.reverse();
        }
        for (place, word) in (register.address..).zip(words) {
            self.entries.insert((register.table, place), word);
        }
    }

    /// Takes the next bytes and appends what it says to them; what is not for it, it passes over.
    pub fn hear(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.heard.extend(bytes);
        while let Some((transaction, request, length)) = wire::parse_request(self.form, &self.heard)
        {
            self.heard.drain(..length);
            if request.unit != self.unit {
                continue;
            }
            match self.data(&request) {
                Some(data) => {
                    let answer = Answer::Data(&data);
                    wire::emit_answer(self.form, transaction, &request, answer, out);
                }
                None => {
                    let answer = Answer::Exception(NO_SUCH_ADDRESS);
                    wire::emit_answer(self.form, transaction, &request, answer, out);
                }
            }
        }
        // What is no request by now will never be one.
        if self.heard.len() >= 12 {
            self.heard.clear();
        }
    }

    fn data(&self, request: &Request) -> Option<Vec<u8>> {
        let places = (0..request.count).map(|n| request.address.checked_add(n));
        let entry = |place: Option<u16>| self.entries.get(&(request.table, place?)).copied();
        let entries: Vec<u16> = places.map(entry).collect::<Option<_>>()?;
        if !request.table.is_bits() {
            return Some(entries.into_iter().flat_map(u16::to_be_bytes).collect());
        }
        let mut bytes = vec![0; request.answer_bytes()];
        for (place, entry) in entries.into_iter().enumerate() {
            bytes[place / 8] |= (entry as u8 & 1) << (place % 8);
        }
        Some(bytes)
    }
}

fn words(value: u32) -> Vec<u16> {
    vec![(value >> 16) as u16, value as u16]
}
