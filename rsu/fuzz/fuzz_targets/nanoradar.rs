//! Any bytes to a decoder of Nanoradar's serial protocol: no panic, and no target behind the radar.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::nanoradar::{Config, Decoder};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::new(Config::default());
    let now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    decoder.push(now, bytes, &mut |content| {
        let Content::Objects(objects) = content else {
            panic!("{content:?}")
        };
        assert!(
            objects
                .detections
                .iter()
                .all(|seen| (0.0..=656.0).contains(&seen.north_m))
        );
    });
});
