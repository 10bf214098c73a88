//! A device and the decoder that asks it, with all that goes wrong between them.

use proptest::prelude::*;

use super::wire::{emit_answer, emit_request, parse_request};
use super::*;
use crate::clock::Utc;

fn at(ms: u64) -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_millis(ms),
        utc: Utc::from_unix_ns(0),
    }
}

fn register(quantity: Quantity, table: Table, address: u16, kind: Kind) -> Register {
    Register {
        quantity,
        table,
        address,
        kind,
        low_word_first: false,
        scale: 1.0,
        offset: 0.0,
        least: -1000.0,
        most: 20_000.0,
    }
}

/// Of every kind one; the first three follow each other.
fn registers() -> Vec<Register> {
    use Quantity::*;
    vec![
        register(Visibility, Table::Holding, 0, Kind::U32),
        Register {
            scale: 0.1,
            ..register(AirTemperature, Table::Holding, 2, Kind::I16)
        },
        Register {
            low_word_first: true,
            ..register(Wind, Table::Holding, 3, Kind::F32)
        },
        register(Rain, Table::Holding, 40, Kind::U16),
        register(Water, Table::Input, 7, Kind::I32),
        register(Ice, Table::Discretes, 11, Kind::Bit),
    ]
}

const VALUES: [f64; 6] = [1234.0, -12.5, 7.25, 3.0, -1.0, 1.0];

fn config(form: Form) -> Config {
    Config {
        form,
        unit: 17,
        registers: registers(),
        ..Config::default()
    }
}

fn device(form: Form) -> Emitter {
    let mut device = Emitter::new(form, 17);
    for (register, value) in registers().iter().zip(VALUES) {
        device.set(register, value);
    }
    device
}

/// Asks until nothing is due, and hears what `line` makes of each question.
fn round(
    decoder: &mut Decoder,
    from_ms: u64,
    mut line: impl FnMut(&[u8]) -> Vec<u8>,
) -> Vec<(Quantity, f64)> {
    let mut readings = Vec::new();
    for ms in from_ms..from_ms + 500 {
        let mut question = Vec::new();
        if !decoder.poll_query(at(ms), &mut question) {
            continue;
        }
        assert!(!decoder.poll_query(at(ms), &mut question), "one at a time");
        // Byte by byte, as a slow line brings it.
        for byte in line(&question) {
            decoder.push(at(ms), &[byte], &mut |content| {
                let Content::Weather(weather) = content else {
                    panic!("{content:?}")
                };
                readings.extend(weather.readings.iter().map(|r| (r.quantity, r.value)));
            });
        }
    }
    readings
}

fn count(list: &[(&'static str, u64)], kind: &str) -> u64 {
    list.iter().find(|(name, _)| *name == kind).unwrap().1
}

#[test]
fn every_kind_of_register_is_read_in_few_questions() {
    for form in [Form::Rtu, Form::Tcp] {
        let (mut decoder, mut device) = (Decoder::new(config(form)), device(form));
        let mut questions = 0;
        let heard = round(&mut decoder, 0, |question| {
            questions += 1;
            let mut out = Vec::new();
            device.hear(question, &mut out);
            out
        });
        assert_eq!(questions, 4, "{form:?}");
        for (register, value) in registers().iter().zip(VALUES) {
            let is_it = |(quantity, _): &&(Quantity, f64)| *quantity == register.quantity;
            let (_, read) = heard.iter().find(is_it).expect("every register");
            assert!((read - value).abs() < 1e-9, "{register:?}: {read}");
        }
        assert_eq!(decoder.counts().accepted(), 4);
        // The next round comes a period after the first.
        assert_eq!(decoder.poll_timeout(), at(1000).mono);
    }
}

#[test]
fn a_silent_device_is_asked_in_turn_and_a_late_answer_is_not_taken_for_the_next() {
    let (mut decoder, mut device) = (Decoder::new(config(Form::Rtu)), device(Form::Rtu));
    let mut question = Vec::new();
    assert!(decoder.poll_query(at(0), &mut question));
    assert_eq!(decoder.poll_timeout(), at(500).mono);
    let mut next = Vec::new();
    assert!(!decoder.poll_query(at(499), &mut next));
    assert!(!decoder.poll_query(at(500), &mut next), "the line rests");
    let mut late = Vec::new();
    device.hear(&question, &mut late);
    decoder.push(at(700), &late, &mut |content| panic!("{content:?}"));
    assert_eq!(decoder.poll_timeout(), at(1000).mono);
    assert!(decoder.poll_query(at(1000), &mut next));
    assert_ne!(next, question);
    assert_eq!(count(decoder.counts().tolerated(), "no-answer"), 1);
    assert_eq!(count(decoder.counts().ignored(), "unasked"), 1);
}

#[test]
fn an_echo_and_noise_before_an_answer_cost_nothing() {
    let (mut decoder, mut device) = (Decoder::new(config(Form::Rtu)), device(Form::Rtu));
    let heard = round(&mut decoder, 0, |question| {
        let mut out = [&[0xFF, 0x00, 17][..], question].concat();
        device.hear(question, &mut out);
        out
    });
    assert_eq!(heard.len(), VALUES.len());
    assert!(count(decoder.counts().rejected(), "noise") >= 1);
}

#[test]
fn exceptions_and_values_that_cannot_be_are_counted_and_not_told() {
    let mut config = config(Form::Tcp);
    config.registers[0].most = 1000.0;
    let (mut decoder, mut device) = (Decoder::new(config.clone()), device(Form::Tcp));
    device.set(&config.registers[2], f64::NAN);
    config.registers.truncate(3);
    let mut bare = Emitter::new(Form::Tcp, 17);
    for (register, value) in config.registers.iter().zip(VALUES) {
        bare.set(register, value);
    }
    bare.set(&config.registers[2], f64::NAN);
    let heard = round(&mut decoder, 0, |question| {
        let mut out = Vec::new();
        bare.hear(question, &mut out);
        out
    });
    assert_eq!(heard, [(Quantity::AirTemperature, -12.5)]);
    assert_eq!(count(decoder.counts().tolerated(), "out-of-range"), 2);
    assert_eq!(count(decoder.counts().tolerated(), "exception"), 3);
}

#[test]
fn an_answer_to_another_question_is_none() {
    let mut decoder = Decoder::new(config(Form::Tcp));
    let mut question = Vec::new();
    assert!(decoder.poll_query(at(0), &mut question));
    let (transaction, request, _) = parse_request(Form::Tcp, &question).unwrap();
    let data = vec![0; request.answer_bytes()];
    let mut out = Vec::new();
    let stray = Request { unit: 3, ..request };
    emit_answer(
        Form::Tcp,
        transaction,
        &stray,
        Answer::Data(&data),
        &mut out,
    );
    emit_answer(
        Form::Tcp,
        transaction.wrapping_sub(1),
        &request,
        Answer::Data(&data),
        &mut out,
    );
    emit_answer(
        Form::Tcp,
        transaction,
        &request,
        Answer::Data(&data[1..]),
        &mut out,
    );
    decoder.push(at(1), &out, &mut |content| panic!("{content:?}"));
    assert_eq!(count(decoder.counts().rejected(), "other-answer"), 2);
    assert_eq!(count(decoder.counts().rejected(), "length"), 1);
    let mut good = Vec::new();
    emit_answer(
        Form::Tcp,
        transaction,
        &request,
        Answer::Data(&data),
        &mut good,
    );
    let mut told = 0;
    decoder.push(at(2), &good, &mut |_| told += 1);
    assert_eq!(told, 1);
}

#[test]
fn the_check_of_a_known_frame_is_right() {
    // The example that is passed around of function 3: 76 87.
    let request = Request {
        unit: 0x11,
        table: Table::Holding,
        address: 0x6B,
        count: 3,
    };
    let mut out = Vec::new();
    emit_request(Form::Rtu, 0, &request, &mut out);
    assert_eq!(out, [0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87]);
}

proptest! {
    #[test]
    fn any_bytes_are_bounded_work(
        tcp in any::<bool>(),
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 0..12),
    ) {
        let mut decoder = Decoder::new(config(if tcp { Form::Tcp } else { Form::Rtu }));
        let mut out = Vec::new();
        for (n, chunk) in chunks.iter().enumerate() {
            let now = at(n as u64 * 600);
            while decoder.poll_query(now, &mut out) {}
            decoder.push(now, chunk, &mut |content| {
                let Content::Weather(weather) = content else { panic!() };
                assert!(weather.readings.iter().all(|r| r.value.is_finite()));
            });
        }
    }

    #[test]
    fn what_is_emitted_is_parsed(
        tcp in any::<bool>(), transaction in any::<u16>(), unit in any::<u8>(),
        table in 0..4_usize, address in any::<u16>(), count in 1..125_u16,
    ) {
        let form = if tcp { Form::Tcp } else { Form::Rtu };
        let table = [Table::Coils, Table::Discretes, Table::Holding, Table::Input][table];
        let request = Request { unit, table, address, count };
        let mut out = Vec::new();
        emit_request(form, transaction, &request, &mut out);
        let (back, parsed, length) = parse_request(form, &out).unwrap();
        prop_assert_eq!((parsed, length), (request, out.len()));
        prop_assert!(!tcp || back == transaction);
        let data: Vec<u8> = (0..request.answer_bytes()).map(|n| n as u8).collect();
        for answer in [Answer::Data(&data), Answer::Exception(4)] {
            let mut out = Vec::new();
            emit_answer(form, transaction, &request, answer, &mut out);
            let found = find_answer(form, transaction, &request, &out);
            prop_assert_eq!(found, Found::Answer(answer, out.len()));
        }
    }
}
