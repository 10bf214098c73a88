//! Any bytes to a decoder of road users as JSON: no panic, and every object it reports is a place and a
//! size that can be computed with.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::Carrier;
use rsu::inputs::openv2x::{Config, Decoder};
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
        ..Config::default()
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    for piece in rest.chunks(1 + usize::from(*first) * 16) {
        now.mono += Duration::from_millis(75);
        decoder.push(now, piece, &mut |content| {
            let Content::Objects(objects) = content else {
                panic!("{content:?}")
            };
            assert!(objects.seen_at <= now.mono);
            for seen in &objects.detections {
                assert!(seen.east_m.is_finite() && seen.north_m.is_finite());
                assert!((0.0..=1.0).contains(&seen.existence));
                assert!(seen.position_cov.ee > 0.0 && seen.position_cov.nn > 0.0);
                assert!(seen.yaw_rad.is_none_or(|yaw| yaw.abs() < 3.15));
            }
        });
    }
});
