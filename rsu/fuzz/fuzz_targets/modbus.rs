//! Any answers to a decoder of Modbus, over TCP and over a serial line: no panic, one question at a
//! time, and only values that a quantity can have.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::modbus::wire::{Answer, emit_answer, parse_request};
use rsu::inputs::modbus::{Config, Decoder, Form, Kind, Register, Table};
use rsu::report::{Content, Quantity};

/// Of every kind one; the first three follow each other.
const REGISTERS: [(Quantity, Table, u16, Kind); 6] = [
    (Quantity::Visibility, Table::Holding, 0, Kind::U32),
    (Quantity::AirTemperature, Table::Holding, 2, Kind::I16),
    (Quantity::Wind, Table::Holding, 3, Kind::F32),
    (Quantity::Rain, Table::Holding, 65_535, Kind::U16),
    (Quantity::Water, Table::Input, 7, Kind::I32),
    (Quantity::Ice, Table::Discretes, 11, Kind::Bit),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else {
        return;
    };
    let form = if first & 1 == 0 { Form::Tcp } else { Form::Rtu };
    let registers = REGISTERS.map(|(quantity, table, address, kind)| Register {
        quantity,
        table,
        address,
        kind,
        low_word_first: first & 2 != 0,
        scale: 0.1,
        offset: 1.0,
        least: -60.0,
        most: 20_000.0,
    });
    let mut decoder = Decoder::new(Config {
        form,
        unit: 17,
        registers: registers.to_vec(),
        ..Config::default()
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
    };
    let (mut question, mut said) = (Vec::new(), Vec::new());
    // Each piece says how long it is, and whether it is a frame or what stands in a good one.
    while let Some((head, more)) = rest.split_first() {
        let (piece, left) = more.split_at(more.len().min(usize::from(head >> 2)));
        rest = left;
        now.mono += Duration::from_millis(if head & 1 == 0 { 20 } else { 600 });
        question.clear();
        let asked = decoder.poll_query(now, &mut question);
        assert!(!asked || !decoder.poll_query(now, &mut Vec::new()));
        said.clear();
        match parse_request(form, &question) {
            Some((transaction, request, length)) if head & 2 != 0 => {
                assert_eq!(length, question.len());
                let mut data = piece.to_vec();
                data.resize(request.answer_bytes(), 0);
                let answer = Answer::Data(&data);
                emit_answer(form, transaction, &request, answer, &mut said);
            }
            _ => said.extend(piece),
        }
        decoder.push(now, &said, &mut |content| {
            let Content::Weather(weather) = content else {
                panic!("{content:?}")
            };
            assert!(!weather.readings.is_empty());
            for reading in &weather.readings {
                assert!((-60.0..=20_000.0).contains(&reading.value), "{reading:?}");
            }
        });
    }
});
