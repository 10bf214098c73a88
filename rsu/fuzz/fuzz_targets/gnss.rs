//! Any bytes to a decoder of NMEA 0183 or of gpsd's JSON: no panic, and every place is one on earth.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gnss::{Config, Decoder, Form, wire};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let form = if first & 1 == 0 {
        Form::Nmea
    } else {
        Form::Gpsd
    };
    let mut decoder = Decoder::new(Config {
        form,
        ..Config::default()
    });
    let now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    let mut check = |content| {
        let Content::Receiver(receiver) = content else {
            panic!("{content:?}")
        };
        assert!(receiver.offset_m.is_none_or(f64::is_finite));
    };
    decoder.push(now, rest, &mut check);
    // The same with good checksums, so that what lies behind them is reached.
    if form == Form::Nmea {
        for line in rest.split(|byte| *byte == b'\n') {
            let Ok(text) = str::from_utf8(line) else {
                continue;
            };
            let mut fields = text.split(',');
            let head = fields.next().unwrap_or_default();
            let fields: Vec<&str> = fields.collect();
            let mut sentence = Vec::new();
            wire::emit(head, &fields, &mut sentence);
            decoder.push(now, &sentence, &mut check);
        }
    }
});
