//! The published datagrams: each understood, and emitted again byte for byte.

use std::path::Path;

use super::tests::{counted, now};
use super::wire::{self, Tscbm};
use super::{Config, Decoder};
use crate::report::{Content, LampStates, Light};

fn folder() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures"
    ))
}

/// Those of version 1 first; None, with a word, where they are absent.
fn datagrams() -> Option<Vec<Vec<u8>>> {
    let first = std::fs::read(folder().join("tscbm_241B.bin"));
    let text = std::fs::read_to_string(folder().join("tscbm_245B.hex"));
    let (Ok(first), Ok(text)) = (first, text) else {
        eprintln!("skipped: no recording in {}", folder().display());
        return None;
    };
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    let mut all = vec![first];
    all.extend(
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.trim().as_bytes().chunks(2).map(byte).collect()),
    );
    Some(all)
}

fn said(bytes: &[u8]) -> Tscbm {
    wire::parse(bytes).unwrap()
}

fn lamps(bytes: &[u8]) -> LampStates {
    let mut heard = Vec::new();
    Decoder::new(Config::default()).push(now(0), bytes, &mut |content| heard.push(content));
    match heard.remove(0) {
        Content::Lamps(states) => states,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_datagram_is_understood_and_emitted_again() {
    let Some(all) = datagrams() else { return };
    assert!(all.len() >= 4, "{}", all.len());
    for bytes in &all {
        let said = said(bytes);
        assert_eq!(said.version(), if bytes.len() == 241 { 1 } else { 2 });
        let mut out = Vec::new();
        wire::emit(&said, &mut out);
        assert_eq!(&out, bytes);
    }
}

#[test]
fn the_clocks_read_as_a_second_of_the_day() {
    let Some(all) = datagrams() else { return };
    let clock = |n: usize| (said(&all[n]).second_of_day, said(&all[n]).millisecond);
    assert_eq!(clock(0), (0x010AC5, 0));
    // 11:27:24.5, and two that are a tenth of a second apart.
    assert_eq!(clock(1), (41_244, 500));
    assert_eq!((clock(2), clock(3)), ((41_327, 100), (41_327, 200)));
}

#[test]
fn the_first_says_11_8_s_of_green_for_phases_2_and_6() {
    let Some(all) = datagrams() else { return };
    let states = lamps(&all[0]);
    let of = |lamp| *states.lamps.iter().find(|s| s.lamp == lamp).unwrap();
    for lamp in [2, 6] {
        assert_eq!(
            (of(lamp).light, of(lamp).countdown_s),
            (Light::Green, Some(12))
        );
        let span = states.span(lamp).unwrap();
        assert_eq!(
            (span.min_ms, span.max_ms, span.likely_ms),
            (Some(11_800), Some(11_800), Some(11_800))
        );
    }
    assert_eq!((of(4).light, of(4).countdown_s), (Light::Red, Some(17)));
    assert_eq!((of(1).light, of(1).countdown_s), (Light::Red, None));
    assert_eq!(of(102).light, Light::Red);
    assert!(states.lamps.iter().all(|s| s.light != Light::Unknown));
}

#[test]
fn bounds_that_differ_are_no_countdown() {
    let Some(all) = datagrams() else { return };
    let states = lamps(&all[1]);
    for (lamp, min_ms, max_ms) in [(2, 0, 5000), (102, 5000, 39_000), (4, 5000, 10_000)] {
        let span = states.span(lamp).unwrap();
        assert_eq!(
            (span.min_ms, span.max_ms, span.likely_ms),
            (Some(min_ms), Some(max_ms), None)
        );
        let state = states.lamps.iter().find(|s| s.lamp == lamp).unwrap();
        assert_eq!(state.countdown_s, None);
    }
}

#[test]
fn a_tenth_of_a_second_later_a_tenth_less_is_left() {
    let Some(all) = datagrams() else { return };
    let mut decoder = Decoder::new(Config::default());
    let mut left = Vec::new();
    for (n, bytes) in all[2..4].iter().enumerate() {
        decoder.push(now(n as u64 * 100), bytes, &mut |content| {
            let Content::Lamps(states) = content else {
                panic!("{content:?}")
            };
            left.push(states.span(4).unwrap().max_ms.unwrap());
        });
    }
    assert_eq!(left[0] - left[1], 100);
    assert!(counted(&decoder, "counter-gap").eq(&0));
}
