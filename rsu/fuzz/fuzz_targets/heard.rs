//! Any frames of any time to the decoder of what road users say: no panic, and every place that it
//! reports can be computed with and lies within its reach.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::heard::{Config, Decoder, Framing};
use rsu::report::Content;
use v2x_msg::base::{EnuFrame, GeoPosition};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else {
        return;
    };
    let origin = GeoPosition::from_deg(31.287, 121.166, None).expect("a place");
    let config = Config {
        framing: if first & 1 == 0 {
            Framing::Bare
        } else {
            Framing::Dsmp
        },
        frame: EnuFrame::new(origin),
        range_m: 2e7,
        ..Config::default()
    };
    let mut decoder = Decoder::new(config);
    let mut now = Now {
        mono: Mono::from_nanos(1 << 40),
        utc: Utc::from_unix_ns(1_790_000_000_000_000_000),
    };
    // A length, a pause, a frame; and again.
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let (frame, after) = after.split_at(usize::from(head[0]).min(after.len()));
        rest = after;
        let pause = Duration::from_millis(u64::from(head[1]));
        now.mono += pause;
        now.utc = now.utc + pause;
        let mut check = |content| {
            if matches!(content, Content::Request(_)) {
                return;
            }
            let Content::Objects(objects) = content else {
                panic!("{content:?}")
            };
            assert!(objects.seen_at <= now.mono && !objects.detections.is_empty());
            for seen in &objects.detections {
                assert!(seen.own_id.is_some());
                assert!(seen.east_m.is_finite() && seen.north_m.is_finite());
                assert!(seen.position_cov.ee > 0.0 && seen.position_cov.nn > 0.0);
                assert!(seen.yaw_rad.is_none_or(|yaw| yaw.abs() < 3.15));
            }
        };
        decoder.push(now, frame, &mut check);
        decoder.flush(now, &mut check);
    }
});
