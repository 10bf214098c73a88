//! Any bytes to a GA/T 1743 decoder, as datagrams or as a stream cut anywhere: no panic, and what it
//! reports is within its bounds.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gat1743::framing::{Framer, Piece};
use rsu::inputs::gat1743::{Asking, Carrier, Config, Decoder, wire};
use rsu::report::{Content, Light};

/// Cuts the rest into pieces; the fuzzer writes it between them.
const CUT: &[u8] = b"\xff\xfe\xfd";

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let carrier = if first & 1 == 0 {
        Carrier::Datagrams
    } else {
        Carrier::Stream
    };
    let asking = (first & 2 != 0).then(Asking::default);
    let mut decoder = Decoder::new(Config {
        carrier,
        asking,
        ..Config::default()
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
    };
    let mut question = Vec::new();
    for piece in pieces(rest) {
        now.mono += Duration::from_millis(100);
        decoder.push(now, piece, &mut |content| check(&content));
        question.clear();
        let mut asked = 0;
        while decoder.poll_query(now, &mut question) {
            asked += 1;
            assert!(asked < 8, "asks for ever");
        }
    }
    emitted_again(rest);
});

fn check(content: &Content) {
    match content {
        Content::Lamps(states) => {
            for lamp in &states.lamps {
                assert!(lamp.countdown_s.is_none_or(|s| (1..255).contains(&s)));
                assert!(lamp.light != Light::Unknown || lamp.countdown_s.is_none());
            }
        }
        Content::Plan(_) | Content::NextPlan(_) | Content::Mode(_) => {}
        other => panic!("a controller does not say {other:?}"),
    }
}

/// What is parsed is emitted again.
fn emitted_again(bytes: &[u8]) {
    Framer::new().push(bytes, |piece| {
        let Piece::Frame { bytes, .. } = piece else {
            return;
        };
        let Ok(frame) = wire::parse(bytes) else {
            return;
        };
        let mut out = Vec::new();
        wire::emit(&frame, &mut Vec::new(), &mut out);
        Framer::new().push(&out, |again| {
            let Piece::Frame { bytes, .. } = again else {
                panic!("{again:?}")
            };
            assert_eq!(wire::parse(bytes), Ok(frame));
        });
    });
}

fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        match bytes.windows(CUT.len()).position(|window| window == CUT) {
            Some(at) => {
                rest = Some(&bytes[at + CUT.len()..]);
                Some(&bytes[..at])
            }
            None => {
                rest = None;
                Some(bytes)
            }
        }
    })
}
