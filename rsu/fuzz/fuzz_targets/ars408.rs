//! Any bytes to an ARS408 decoder over each of its carriers: no panic, and every object it reports
//! is a place and a size that can be computed with.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::ars408::{Config, Decoder};
use rsu::inputs::can::Carrier;
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let carriers = [
        Carrier::GatewayDatagrams,
        Carrier::GatewayStream,
        Carrier::Candump,
    ];
    let carrier = carriers[usize::from(*first) % carriers.len()];
    let mut decoder = Decoder::new(Config {
        carrier,
        use_predicted: first & 0x80 != 0,
        tell_standstill: Some(Duration::from_millis(50)),
        ..Config::default()
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    let pieces: Vec<&[u8]> = match carrier {
        Carrier::Candump => rest.split_inclusive(|byte| *byte == b'\n').collect(),
        _ => rest.chunks(13 * 20 + 5).collect(),
    };
    let mut question = Vec::new();
    for piece in pieces {
        now.mono += Duration::from_millis(75);
        decoder.push(now, piece, &mut |content| {
            let Content::Objects(objects) = content else {
                panic!("a radar does not say {content:?}")
            };
            assert!(objects.seen_at <= now.mono);
            for seen in &objects.detections {
                assert!(seen.east_m.is_finite() && seen.north_m.is_finite());
                assert!((0.0..=1.0).contains(&seen.existence));
                assert!(seen.position_cov.ee >= 0.0 && seen.position_cov.nn >= 0.0);
            }
        });
        question.clear();
        let mut asked = 0;
        while decoder.poll_query(now, &mut question) {
            asked += 1;
            assert!(asked < 8, "asks for ever");
        }
    }
});
