//! Any bytes to a decoder of SPAT as JSON: no panic, and least, likely and most stay in order.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::inputs::FirstBit;
use rsu::inputs::spat_json::{Config, Decoder};
use rsu::report::Content;

fuzz_target!(|bytes: &[u8]| {
    rsu_fuzz::in_pieces(bytes, Duration::from_millis(100), |carrier| {
        let mut decoder = Decoder::new(Config {
            carrier,
            status: Some(FirstBit::Highest),
            ..Config::default()
        });
        move |now, piece| decoder.push(now, piece, &mut |content| check(&content))
    });
});

fn check(content: &Content) {
    if let Content::Lamps(states) = content {
        for span in &states.spans {
            let known = [span.min_ms, span.likely_ms, span.max_ms];
            assert!(known.into_iter().flatten().is_sorted(), "{span:?}");
        }
    }
}
