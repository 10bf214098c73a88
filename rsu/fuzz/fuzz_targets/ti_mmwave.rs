//! Any bytes to a decoder of TI mmWave radars, either firmware: no panic, and every object it reports
//! is a place that can be computed with.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::ti_mmwave::{Config, Decoder, Layout};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let layout = if first & 1 == 0 {
        Layout::OutOfBox
    } else {
        Layout::Traffic
    };
    let mut decoder = Decoder::new(Config {
        layout,
        report_still: true,
        ..Config::default()
    });
    let now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    for piece in rest.chunks(1 + usize::from(*first) * 8) {
        decoder.push(now, piece, &mut |content| {
            let Content::Objects(objects) = content else {
                panic!("{content:?}")
            };
            for seen in &objects.detections {
                assert!(seen.east_m.is_finite() && seen.north_m.is_finite());
                assert!(
                    seen.velocity
                        .is_none_or(|v| v.east_mps.is_finite() && v.north_mps.is_finite())
                );
            }
        });
    }
});
