//! Any bytes to a decoder of road users as JSON: no panic, and every object it reports is a place and a
//! size that can be computed with.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::inputs::openv2x::{Config, Decoder};

fuzz_target!(|bytes: &[u8]| {
    rsu_fuzz::in_pieces(bytes, Duration::from_millis(75), |carrier| {
        let mut decoder = Decoder::new(Config {
            carrier,
            ..Config::default()
        });
        move |now, piece| {
            decoder.push(now, piece, &mut |content| {
                rsu_fuzz::objects_are_sound(now, &content);
            });
        }
    });
});
