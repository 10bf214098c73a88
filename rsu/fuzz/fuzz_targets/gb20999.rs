//! Any bytes to a GB/T 20999 decoder, as datagrams or as a stream; and any values behind a good
//! checksum, at any pace. No panic, no question without end, nothing set, bounds kept.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gb20999::wire::{self, Address, Composer, Escaping, Header, Kind};
use rsu::inputs::gb20999::{Asking, Carrier, Config, Decoder, StageTime};
use rsu::report::{Content, Light};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let carrier = if first & 1 == 0 {
        Carrier::Datagrams
    } else {
        Carrier::Stream
    };
    let mut decoder = Decoder::new(Config {
        carrier,
        asking: (first & 2 != 0).then(Asking::default),
        stage_time: match first >> 2 & 3 {
            0 | 1 => None,
            2 => Some(StageTime::Whole),
            _ => Some(StageTime::Green),
        },
        proves: first & 0x10 != 0,
        ..Config::default()
    });
    if first & 0x80 == 0 {
        raw(&mut decoder, rest);
    } else {
        let escaping = if first & 1 == 0 {
            Escaping::None
        } else {
            Escaping::Stream
        };
        composed(&mut decoder, escaping, rest);
    }
    round_trip(rest);
});

fn raw(decoder: &mut Decoder, bytes: &[u8]) {
    let mut now = start();
    for piece in bytes.chunks(97) {
        now.mono += Duration::from_millis(150);
        say(decoder, now, piece);
    }
}

/// The fuzzer writes frames as: milliseconds since the last, kind, then values, each of them class,
/// object, attribute, element, size and data; a class of 0 ends the frame.
fn composed(decoder: &mut Decoder, escaping: Escaping, bytes: &[u8]) {
    let mut now = start();
    let mut rest = bytes.iter().copied();
    let (mut plain, mut out) = (Vec::new(), Vec::new());
    while let (Some(ms), Some(kind)) = (rest.next(), rest.next()) {
        now.mono += Duration::from_millis(u64::from(ms) * 8);
        let kinds = [
            Kind::QueryReply,
            Kind::Report,
            Kind::QueryError,
            Kind::Heartbeat,
        ];
        let header = Header {
            version: 0x0102,
            host: 1,
            controller: 0,
            junction: 0,
            sequence: kind,
            kind: kinds[usize::from(kind) % kinds.len()],
        };
        let mut composer = Composer::new(&header, &mut plain);
        while let Some(class) = rest.next().filter(|class| *class != 0) {
            let mut next = || rest.next().unwrap_or(0);
            let address = Address::new(class, next(), next(), next());
            let size = usize::from(next() % 70);
            let data: Vec<u8> = (0..size).map(|_| next()).collect();
            if !composer.value(address, &data) {
                break;
            }
        }
        out.clear();
        composer.finish(escaping, &mut out);
        say(decoder, now, &out);
    }
}

fn start() -> Now {
    Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    }
}

fn say(decoder: &mut Decoder, now: Now, bytes: &[u8]) {
    decoder.push(now, bytes, &mut |content| match content {
        Content::Lamps(states) => {
            for lamp in &states.lamps {
                assert!((1..=64).contains(&lamp.lamp));
                assert!(lamp.countdown_s != Some(0));
                assert!(lamp.light != Light::Unknown || lamp.countdown_s.is_none());
            }
        }
        Content::Plan(plan) => {
            let cycle = plan.lamps[0].cycle();
            assert!(plan.lamps.iter().all(|lamp| lamp.cycle() == cycle));
        }
        Content::Mode(_) => {}
        other => panic!("a controller does not say {other:?}"),
    });
    let mut question = Vec::new();
    let mut asked = 0;
    while decoder.poll_query(now, &mut question) {
        asked += 1;
        assert!(asked < 8, "asks for ever");
    }
    assert!(decoder.poll_timeout() > now.mono, "awake for nothing");
}

fn round_trip(bytes: &[u8]) {
    let Ok(frame) = wire::parse(bytes) else {
        return;
    };
    let mut out = Vec::new();
    wire::emit(&frame, Escaping::None, &mut Vec::new(), &mut out);
    let again = wire::parse(&out).expect("a frame of ours is valid");
    assert_eq!(again.header, frame.header);
    assert!(again.values().eq(frame.values()));
}
