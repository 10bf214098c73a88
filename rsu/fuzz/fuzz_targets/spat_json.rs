//! Any bytes to a decoder of SPAT as JSON: no panic, and least, likely and most stay in order.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::Carrier;
use rsu::inputs::spat_json::{Config, Decoder, FirstBit};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let mut decoder = Decoder::new(Config {
        carrier: if first & 1 == 0 {
            Carrier::Datagrams
        } else {
            Carrier::Stream
        },
        status: Some(FirstBit::Highest),
        ..Config::default()
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
    };
    for piece in rest.chunks(1 + usize::from(*first) * 16) {
        now.mono += Duration::from_millis(100);
        decoder.push(now, piece, &mut |content| {
            if let Content::Lamps(states) = content {
                for span in &states.spans {
                    let known = [span.min_ms, span.likely_ms, span.max_ms];
                    assert!(known.into_iter().flatten().is_sorted(), "{span:?}");
                }
            }
        });
    }
});
