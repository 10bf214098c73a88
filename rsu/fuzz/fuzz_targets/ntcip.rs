//! Any bytes to a decoder of TSCBM and SNMP: no panic, bounds in order, a question at a time.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::FirstBit;
use rsu::inputs::ntcip::{Config, Decoder, Fallback, wire};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let fallback = (first & 1 != 0).then(Fallback::default);
    let status = match first >> 1 & 3 {
        1 => Some(FirstBit::Lowest),
        2 => Some(FirstBit::Highest),
        _ => None,
    };
    let mut decoder = Decoder::new(Config { fallback, status });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
    };
    let mut question = Vec::new();
    // Datagrams of the length of version 1 or 2, and of what SNMP may have.
    let size = [wire::LENGTH_V1, wire::LENGTH_V2, 200, 31][usize::from(first >> 6)];
    for piece in rest.chunks(size) {
        now.mono += Duration::from_millis(400);
        // After the lamps, how the unit is doing, and what is set: each once at most.
        let asked = (0..4).take_while(|_| {
            question.clear();
            decoder.poll_query(now, &mut question)
        });
        assert!(asked.count() <= 3);
        decoder.push(now, piece, &mut |content| {
            let states = match content {
                Content::Lamps(states) => states,
                Content::Mode(_) => return,
                other => panic!("{other:?}"),
            };
            for span in &states.spans {
                assert!(
                    span.min_ms
                        .zip(span.max_ms)
                        .is_none_or(|(min, max)| min <= max)
                );
            }
        });
        if let Ok(said) = wire::parse(piece) {
            let mut out = Vec::new();
            wire::emit(&said, &mut out);
            assert_eq!(out, piece);
        }
    }
});
