//! Weather and road sensors that are asked for their registers: Modbus RTU and Modbus TCP.
//!
//! Specification: Modbus Application Protocol 1.1b3, Modbus over Serial Line 1.02, Modbus Messaging
//! on TCP/IP 1.0b. There is no common map of registers, so the configuration has it. Rooms:
//! [`wire`] (frames), the decoder here, which asks and hears, and its mirror [`Emitter`].
//!
//! | register | unit on the wire | unit in the report |
//! |---|---|---|
//! | as configured: bit, 16 or 32 bits, float | raw x scale + offset | that of its [`Quantity`] |
//!
//! # What devices do, and what we make of it
//! No recording of a sensor: tested against `pymodbus` 3.16.1 over TCP and over a serial line
//! (`rsu/tests/links/modbus.rs`).
//! - Registers that follow each other are read by one request, so that both words of a number are of
//!   one moment.
//! - On a serial line an answer names neither its question nor its place. After a question without an
//!   answer the line is left alone for as long again, so that a late answer is not taken for the next.
//! - A value that is no number, or that the quantity cannot have, is counted and not reported: sensors
//!   say "fault" by a number such as 9999 or NaN. What was said before grows stale.
//! - Some adapters echo what we send; that is passed over as noise.

mod emitter;
#[cfg(test)]
mod tests;
pub mod wire;

use std::time::Duration;

use arrayvec::ArrayVec;

pub use emitter::Emitter;
pub use wire::{Form, Table};

use self::wire::{Answer, Found, Request, find_answer};
use super::Counts;
use crate::clock::{Mono, Now};
use crate::report::{Content, MAX_READINGS, Quantity, Reading, Weather};

/// How a device is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What stands around a question.
    pub form: Form,
    /// The device's number.
    pub unit: u8,
    /// From one round of questions to the next.
    pub period: Duration,
    /// For how long an answer is waited for.
    pub timeout: Duration,
    /// What is read; at most [`MAX_READINGS`].
    pub registers: Vec<Register>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            form: Form::Tcp,
            unit: 1,
            period: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            registers: Vec::new(),
        }
    }
}

/// Where one quantity stands, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Register {
    /// What it measures.
    pub quantity: Quantity,
    /// In which table.
    pub table: Table,
    /// Its first entry, counted from 0.
    pub address: u16,
    /// How its number is written.
    pub kind: Kind,
    /// Of two words the lower comes first.
    pub low_word_first: bool,
    /// The value is the number times this ...
    pub scale: f64,
    /// ... and this more.
    pub offset: f64,
    /// Values that it can have; any other is a fault of the sensor.
    pub least: f64,
    /// See [`Register::least`].
    pub most: f64,
}

/// How a number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// One bit.
    Bit,
    /// A word.
    #[default]
    U16,
    /// A word with a sign.
    I16,
    /// Two words.
    U32,
    /// Two words with a sign.
    I32,
    /// Two words, IEEE 754.
    F32,
}

impl Kind {
    /// How many entries of its table it takes.
    pub fn entries(self) -> u16 {
        match self {
            Kind::Bit | Kind::U16 | Kind::I16 => 1,
            Kind::U32 | Kind::I32 | Kind::F32 => 2,
        }
    }
}

/// Most entries that one question asks for.
const MAX_COUNT: u16 = 64;
/// Longer than any answer to a question of ours.
const BUFFER: usize = 260;
/// Between an answer and the next question on a serial line, which wants 3.5 characters.
const PAUSE: Duration = Duration::from_millis(10);

const REJECTED: [&str; 5] = wire::KINDS;
const IGNORED: [&str; 1] = ["unasked"];
const TOLERATED: [&str; 3] = ["no-answer", "exception", "out-of-range"];

/// Asks one device, and turns what it says into reports.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    questions: Vec<Question>,
    /// Which question comes next.
    next: usize,
    due: Mono,
    /// When the round began.
    begun: Mono,
    /// The question that waits for its answer, until then.
    waits: Option<Mono>,
    transaction: u16,
    buffer: ArrayVec<u8, BUFFER>,
    in_noise: bool,
    counts: Counts,
}

/// One request, and the registers that it reads.
#[derive(Debug)]
struct Question {
    request: Request,
    registers: ArrayVec<Register, MAX_READINGS>,
}

impl Decoder {
    /// Ready to ask.
    pub fn new(config: Config) -> Self {
        Self {
            questions: questions(&config),
            config,
            next: 0,
            due: Mono::ZERO,
            begun: Mono::ZERO,
            waits: None,
            transaction: 0,
            buffer: ArrayVec::new(),
            in_noise: false,
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
        }
    }

    /// Takes the next bytes of the stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        for chunk in bytes.chunks(BUFFER / 2) {
            if self.waits.is_none() {
                self.counts.ignore("unasked");
                return;
            }
            if self.buffer.remaining_capacity() < chunk.len() {
                // Longer than any answer: what was there is none.
                self.buffer.clear();
                self.counts.reject("framing");
            }
            // There is room.
            let _ = self.buffer.try_extend_from_slice(chunk);
            self.hear(arrived, sink);
        }
    }

    /// Asks anew from the first question; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.buffer.clear();
        self.waits = None;
        self.next = 0;
        self.due = Mono::ZERO;
    }

    /// The question that is due; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        if let Some(until) = self.waits {
            if now.mono < until {
                return false;
            }
            self.counts.tolerate("no-answer");
            self.go_on(now.mono);
            self.due = self.due.max(now.mono + self.config.timeout);
        }
        let Some(question) = self.questions.get(self.next) else {
            return false;
        };
        if now.mono < self.due {
            return false;
        }
        if self.next == 0 {
            self.begun = now.mono;
        }
        self.transaction = self.transaction.wrapping_add(1);
        self.buffer.clear();
        wire::emit_request(self.config.form, self.transaction, &question.request, out);
        self.waits = Some(now.mono + self.config.timeout);
        true
    }

    /// When the next question is due, or the answer overdue.
    pub fn poll_timeout(&self) -> Mono {
        if self.questions.is_empty() {
            return Mono::NEVER;
        }
        self.waits.unwrap_or(self.due)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn hear(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        while let Some(question) = self.questions.get(self.next) {
            let form = self.config.form;
            match find_answer(form, self.transaction, &question.request, &self.buffer) {
                Found::More => return,
                Found::Not(length, kind) => {
                    // A run of noise is one fault, however many bytes it has.
                    if kind != "noise" || !std::mem::replace(&mut self.in_noise, true) {
                        self.counts.reject(kind);
                    }
                    self.buffer.drain(..length);
                }
                Found::Answer(answer, _) => {
                    self.in_noise = false;
                    self.counts.accept();
                    let weather = match answer {
                        Answer::Data(data) => question.read(data, &mut self.counts),
                        Answer::Exception(_) => {
                            self.counts.tolerate("exception");
                            Weather::default()
                        }
                    };
                    if !weather.readings.is_empty() {
                        self.counts.report();
                        sink(Content::Weather(weather));
                    }
                    self.go_on(arrived.mono);
                    return;
                }
            }
        }
    }

    /// To the next question, or to the next round.
    fn go_on(&mut self, now: Mono) {
        self.buffer.clear();
        self.waits = None;
        self.next += 1;
        self.due = match self.config.form {
            Form::Rtu => now + PAUSE,
            Form::Tcp => now,
        };
        if self.next >= self.questions.len() {
            self.next = 0;
            self.due = self.due.max(self.begun + self.config.period);
        }
    }
}

impl Question {
    /// What the registers hold, as far as it makes sense.
    fn read(&self, data: &[u8], counts: &mut Counts) -> Weather {
        let mut weather = Weather::default();
        for register in &self.registers {
            let at = usize::from(register.address - self.request.address);
            let value = number(register, at, data) * register.scale + register.offset;
            if !(register.least..=register.most).contains(&value) {
                counts.tolerate("out-of-range");
                continue;
            }
            // No more registers than there is room for.
            let _ = weather.readings.try_push(Reading {
                quantity: register.quantity,
                value,
            });
        }
        weather
    }
}

/// The number of a register that begins `at` entries into `data`; NaN beyond its end.
fn number(register: &Register, at: usize, data: &[u8]) -> f64 {
    if register.kind == Kind::Bit {
        let byte = data.get(at / 8);
        return byte.map_or(f64::NAN, |byte| f64::from(byte >> (at % 8) & 1));
    }
    let word = |n: usize| {
        let bytes = data.get(2 * (at + n)..2 * (at + n) + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let single = || word(0);
    let double = || {
        let (first, second) = (u32::from(word(0)?), u32::from(word(1)?));
        Some(if register.low_word_first {
            second << 16 | first
        } else {
            first << 16 | second
        })
    };
    let number = match register.kind {
        Kind::Bit => None,
        Kind::U16 => single().map(f64::from),
        Kind::I16 => single().map(|word| f64::from(word as i16)),
        Kind::U32 => double().map(f64::from),
        Kind::I32 => double().map(|double| f64::from(double as i32)),
        Kind::F32 => double().map(|double| f64::from(f32::from_bits(double))),
    };
    number.unwrap_or(f64::NAN)
}

/// As few requests as read every register.
fn questions(config: &Config) -> Vec<Question> {
    let mut registers = config.registers.clone();
    registers.sort_by_key(|register| (register.table, register.address));
    let mut questions: Vec<Question> = Vec::new();
    for register in registers {
        let end = u32::from(register.address) + u32::from(register.kind.entries());
        if let Some(last) = questions.last_mut()
            && last.request.table == register.table
            && u32::from(register.address)
                <= u32::from(last.request.address) + u32::from(last.request.count)
            && end - u32::from(last.request.address) <= u32::from(MAX_COUNT)
            && last.registers.try_push(register).is_ok()
        {
            let count = (end - u32::from(last.request.address)) as u16;
            last.request.count = last.request.count.max(count);
            continue;
        }
        questions.push(Question {
            request: Request {
                unit: config.unit,
                table: register.table,
                address: register.address,
                count: register.kind.entries(),
            },
            registers: std::iter::once(register).collect(),
        });
    }
    questions
}
