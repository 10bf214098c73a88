//! Rules of the decoder, each on datagrams of its own.

use proptest::prelude::*;

use super::snmp::{self, Place};
use super::wire::{self, PhaseTimes, Span, Tscbm};
use super::*;
use crate::clock::Utc;
use crate::report::{LampState, Light};

pub(super) fn now(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(1_790_000_000_000).unwrap() + Duration::from_millis(ms),
    }
}

/// How often a kind was counted, of whichever sort it is.
pub(super) fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

/// Phase 2 green for 5.0 s, phase 4 red, at a time of the controller's clock.
pub(super) fn said(ms: u32, counter: u8) -> Tscbm {
    let mut said = Tscbm {
        times: core::array::from_fn(|n| PhaseTimes {
            phase: n as u8 + 1,
            ..PhaseTimes::default()
        }),
        flags: 1 << 3,
        counter,
        second_of_day: ms / 1000,
        millisecond: (ms % 1000) as u16,
        ..Tscbm::default()
    };
    said.groups.greens = 1 << 1;
    said.groups.reds = 1 << 3;
    said.times[1].vehicle = Span {
        min_ds: 50,
        max_ds: 50,
    };
    said
}

pub(super) fn push(decoder: &mut Decoder, at: Now, said: &Tscbm) -> Vec<LampStates> {
    let mut bytes = Vec::new();
    wire::emit(said, &mut bytes);
    push_bytes(decoder, at, &bytes)
}

pub(super) fn push_bytes(decoder: &mut Decoder, at: Now, bytes: &[u8]) -> Vec<LampStates> {
    let mut heard = Vec::new();
    decoder.push(at, bytes, &mut |content| match content {
        Content::Lamps(states) => heard.push(states),
        Content::Mode(_) => {}
        other => panic!("{other:?}"),
    });
    heard
}

fn lamp(states: &LampStates, lamp: u16) -> (Light, Option<u16>) {
    let state = states.lamps.iter().find(|s| s.lamp == lamp);
    state.map(|s| (s.light, s.countdown_s)).unwrap()
}

fn listening() -> Decoder {
    Decoder::new(Config::default())
}

pub(super) fn polling() -> Decoder {
    Decoder::new(Config {
        fallback: Some(Fallback::default()),
        ..Config::default()
    })
}

#[test]
fn only_phases_that_were_ever_lit_are_told() {
    let mut decoder = listening();
    let states = push(&mut decoder, now(0), &said(0, 0)).remove(0);
    let lamps: Vec<u16> = states.lamps.iter().map(|s| s.lamp).collect();
    assert_eq!(lamps, [2, 4]);
    assert_eq!(lamp(&states, 2), (Light::Green, Some(5)));
}

#[test]
fn a_phase_that_goes_out_is_unknown_and_has_no_time() {
    let mut decoder = listening();
    push(&mut decoder, now(0), &said(0, 0));
    let mut out = said(100, 1);
    out.groups.greens = 0;
    let states = push(&mut decoder, now(100), &out).remove(0);
    assert_eq!(lamp(&states, 2), (Light::Unknown, None));
    assert_eq!(states.span(2), None);
}

#[test]
fn two_lights_at_once_mean_nothing() {
    let mut decoder = listening();
    let mut odd = said(0, 0);
    odd.groups.reds |= 1 << 1;
    let states = push(&mut decoder, now(0), &odd).remove(0);
    assert_eq!(lamp(&states, 2), (Light::Unknown, None));
    assert_eq!(counted(&decoder, "lights-contradict"), 1);
}

#[test]
fn flashing_red_and_yellow_are_told_apart_from_steady() {
    let mut flash = said(0, 0);
    flash.groups.flashing = 1 << 3;
    let states = push(&mut listening(), now(0), &flash).remove(0);
    assert_eq!(lamp(&states, 4).0, Light::FlashingRed);
}

#[test]
fn a_time_of_zero_counts_only_after_a_count_down_to_it() {
    let at = |ms: u32, counter: u8, left: u16| {
        let mut said = said(ms, counter);
        said.times[1].vehicle = Span {
            min_ds: left,
            max_ds: left,
        };
        said
    };
    let mut decoder = listening();
    let zero = push(&mut decoder, now(0), &at(0, 0, 0)).remove(0);
    assert_eq!(zero.span(2), None);
    push(&mut decoder, now(100), &at(100, 1, 1));
    let zero = push(&mut decoder, now(200), &at(200, 2, 0)).remove(0);
    assert_eq!(zero.span(2).unwrap().likely_ms, Some(0));
}

#[test]
fn unknown_and_crossed_bounds_are_left_out() {
    let spans = [
        (0xFFFF, 0xFFFF),
        (0xFFFF, 80),
        (30, 0xFFFF),
        (390, 0),
        (30, 80),
    ];
    let expected = [
        None,
        Some((None, Some(8000))),
        Some((Some(3000), None)),
        Some((Some(39_000), None)),
        Some((Some(3000), Some(8000))),
    ];
    for ((min_ds, max_ds), expected) in spans.into_iter().zip(expected) {
        let mut odd = said(0, 0);
        odd.times[1].vehicle = Span { min_ds, max_ds };
        let states = push(&mut listening(), now(0), &odd).remove(0);
        let told = states.span(2).map(|span| (span.min_ms, span.max_ms));
        assert_eq!(told, expected, "{min_ds} {max_ds}");
        assert_eq!(lamp(&states, 2).1, None);
    }
}

#[test]
fn a_repeated_or_overtaken_datagram_is_dropped_and_a_clock_that_was_set_is_followed() {
    let mut decoder = listening();
    assert_eq!(push(&mut decoder, now(0), &said(5000, 7)).len(), 1);
    assert_eq!(push(&mut decoder, now(1), &said(5000, 7)).len(), 0);
    assert_eq!(push(&mut decoder, now(2), &said(4900, 6)).len(), 0);
    assert_eq!(push(&mut decoder, now(3), &said(5100, 8)).len(), 1);
    // Midnight, and an hour back.
    assert_eq!(push(&mut decoder, now(4), &said(86_399_900, 9)).len(), 1);
    assert_eq!(push(&mut decoder, now(5), &said(0, 10)).len(), 1);
    assert_eq!(push(&mut decoder, now(6), &said(80_000_000, 11)).len(), 1);
    assert_eq!(counted(&decoder, "repeated"), 1);
    assert_eq!(counted(&decoder, "out-of-order"), 1);
    assert_eq!(counted(&decoder, "counter-gap"), 0);
}

#[test]
fn a_datagram_that_was_long_on_its_way_is_as_old_as_its_stamp() {
    let mut decoder = listening();
    let day_ms = 86_400_000 - 900;
    let mut held_up_ms = |nth: u8, sent_ms: u32, late_ms: u64| {
        let at = now(u64::from(sent_ms) + late_ms);
        let heard = push(
            &mut decoder,
            at,
            &said((day_ms + sent_ms) % 86_400_000, nth),
        );
        heard.first().expect("it is news").held_up.as_millis()
    };
    assert_eq!(held_up_ms(0, 0, 5), 0);
    assert_eq!(held_up_ms(1, 100, 5), 0);
    assert_eq!(held_up_ms(2, 200, 705), 600, "a tenth less, by its clock");
    assert_eq!(held_up_ms(3, 800, 155), 50);
    // A new day begins, and then it is told anew.
    assert_eq!(held_up_ms(4, 900, 105), 0);
    assert_eq!(held_up_ms(5, 1200, 5), 0);
    assert_eq!(held_up_ms(6, 1300, 5), 0);
    assert_eq!(held_up_ms(7, 1400, 405), 300);
}

#[test]
fn the_status_byte_is_used_only_where_its_order_is_known() {
    use ControlMode::{BusPriority, Emergency, FaultFlash, Flash, Manual, Stopped, Unknown};
    let modes = |status: Option<FirstBit>, bytes: &[u8]| {
        let mut decoder = Decoder::new(Config {
            status,
            ..Config::default()
        });
        let mut modes = Vec::new();
        for (nth, byte) in bytes.iter().enumerate() {
            let mut said = said(100 * nth as u32, nth as u8);
            said.status = *byte;
            let mut bytes = Vec::new();
            wire::emit(&said, &mut bytes);
            decoder.push(now(100 * nth as u64), &bytes, &mut |content| {
                if let Content::Mode(mode) = content {
                    modes.push(mode);
                }
            });
        }
        modes
    };
    let bytes = [0, 0x80, 0, 0x40, 0x20, 0x10, 0x08, 0x01, 0x06, 0xA0];
    assert_eq!(modes(None, &bytes), []);
    let told = [
        Manual,
        Unknown,
        Stopped,
        FaultFlash,
        Emergency,
        BusPriority,
        Flash,
        Unknown,
        FaultFlash,
    ];
    assert_eq!(modes(Some(FirstBit::Highest), &bytes), told);
    let bytes = bytes.map(u8::reverse_bits);
    assert_eq!(modes(Some(FirstBit::Lowest), &bytes), told);
}

#[test]
fn a_junction_that_flashes_has_that_mode_and_no_green() {
    let mut decoder = listening();
    let mut heard = |nth: u8, flashing: u16| {
        let mut said = said(100 * u32::from(nth), nth);
        said.groups.flashing = flashing;
        let mut bytes = Vec::new();
        wire::emit(&said, &mut bytes);
        let mut heard = Vec::new();
        decoder.push(now(100 * u64::from(nth)), &bytes, &mut |content| {
            heard.push(content);
        });
        heard
    };
    let lamps_of = |content: &Content| match content {
        Content::Lamps(states) => (lamp(states, 2), lamp(states, 4), states.spans.len()),
        other => panic!("{other:?}"),
    };
    let steady = ((Light::Green, Some(5)), (Light::Red, None), 1);
    assert_eq!(
        heard(0, 0).iter().map(lamps_of).collect::<Vec<_>>(),
        [steady]
    );
    let flashing = heard(1, 1 << 1 | 1 << 3);
    assert_eq!(flashing[0], Content::Mode(ControlMode::Flash));
    let flash = ((Light::Unknown, None), (Light::FlashingRed, None), 0);
    assert_eq!(lamps_of(&flashing[1]), flash);
    assert_eq!(heard(2, 1 << 1 | 1 << 3).len(), 1);
    // One phase that flashes, such as a turn on flashing yellow, is no junction that does.
    let over = heard(3, 1 << 3);
    assert_eq!(over[0], Content::Mode(ControlMode::Unknown));
    assert_eq!(lamps_of(&over[1]).0, (Light::Green, Some(5)));
}

#[test]
fn wrong_lengths_and_marks_are_counted_by_kind() {
    let mut decoder = listening();
    let mut bytes = Vec::new();
    wire::emit(&said(0, 0), &mut bytes);
    for (cut, kind) in [(240, "tscbm-length"), (1, "tscbm-length")] {
        let before = counted(&decoder, kind);
        push_bytes(&mut decoder, now(0), &bytes[..cut]);
        assert_eq!(counted(&decoder, kind), before + 1);
    }
    bytes[1] = 8;
    push_bytes(&mut decoder, now(0), &bytes);
    push_bytes(&mut decoder, now(0), b"hello");
    push_bytes(&mut decoder, now(0), b"");
    assert_eq!(counted(&decoder, "tscbm-phase-count"), 1);
    assert_eq!(counted(&decoder, "noise"), 2);
    assert_eq!(decoder.counts().accepted(), 0);
}

#[test]
fn a_silent_controller_is_polled_and_a_talking_one_is_not() {
    let mut decoder = polling();
    let mut out = Vec::new();
    assert!(!decoder.poll_query(now(0), &mut out));
    assert!(!decoder.poll_query(now(1400), &mut out));
    push(&mut decoder, now(1450), &said(0, 0));
    assert!(!decoder.poll_query(now(1600), &mut out));
    assert_eq!(decoder.poll_timeout(), now(2950).mono);
    assert!(decoder.poll_query(now(2950), &mut out));
    assert!(!decoder.poll_query(now(2950), &mut Vec::new()));
    assert_eq!(decoder.poll_timeout(), now(3450).mono);
    assert!(decoder.poll_query(now(3450), &mut Vec::new()));
    assert_eq!(counted(&decoder, "unanswered-query"), 1);
}

#[test]
fn an_answer_gives_lights_without_times() {
    let mut decoder = polling();
    let mut states = LampStates::default();
    for (lamp, light) in [
        (2, Light::Green),
        (4, Light::Red),
        (10, Light::Yellow),
        (102, Light::Green),
    ] {
        states.lamps.push(LampState {
            lamp,
            light,
            countdown_s: None,
        });
    }
    decoder.poll_query(now(0), &mut Vec::new());
    assert!(decoder.poll_query(now(1500), &mut Vec::new()));
    let mut bytes = Vec::new();
    agent(b"public", 1, &states, &mut bytes);
    let told = push_bytes(&mut decoder, now(1510), &bytes).remove(0);
    let by_lamp = |states: &LampStates| {
        let mut lamps = states.lamps.to_vec();
        lamps.sort_by_key(|state| state.lamp);
        lamps
    };
    assert_eq!(by_lamp(&told), by_lamp(&states));
    assert!(told.spans.is_empty());
    // The same answer once more, and one to another question, are nobody's.
    assert!(push_bytes(&mut decoder, now(1520), &bytes).is_empty());
    assert_eq!(counted(&decoder, "snmp-not-asked"), 1);
}

#[test]
fn an_answer_that_a_broadcast_overtook_is_not_used() {
    let mut decoder = polling();
    decoder.poll_query(now(0), &mut Vec::new());
    assert!(decoder.poll_query(now(1500), &mut Vec::new()));
    push(&mut decoder, now(1505), &said(0, 0));
    let mut bytes = Vec::new();
    agent(b"public", 1, &LampStates::default(), &mut bytes);
    assert!(push_bytes(&mut decoder, now(1510), &bytes).is_empty());
    assert_eq!(counted(&decoder, "snmp-not-asked"), 1);
}

#[test]
fn a_group_with_a_column_missing_says_nothing_of_its_lamps() {
    let mut decoder = polling();
    decoder.poll_query(now(0), &mut Vec::new());
    decoder.poll_query(now(1500), &mut Vec::new());
    let place = |column| Place::status(column, 1);
    let values = [
        (place(2), 8),
        (place(3), 0),
        (place(4), 2),
        (place(5), 0xFF),
        (place(6), 0),
    ];
    let mut bytes = Vec::new();
    snmp::answer(snmp::Version::V2c, b"public", 1, &values, &mut bytes);
    let told = push_bytes(&mut decoder, now(1510), &bytes).remove(0);
    let lamps: Vec<u16> = told.lamps.iter().map(|s| s.lamp).collect();
    assert_eq!(lamps, [2, 4]);
}

#[test]
fn a_question_reads_as_the_encoding_rules_have_it() {
    let mut out = Vec::new();
    snmp::ask(snmp::Version::V2c, b"public", 7, snmp::status(1), &mut out);
    let head = [
        0x30, 0x81, 0x9A, 0x02, 0x01, 0x01, 0x04, 0x06, b'p', b'u', b'b', b'l', b'i', b'c', 0xA0,
        0x81, 0x8C, 0x02, 0x04, 0, 0, 0, 7, 0x02, 1, 0, 0x02, 1, 0, 0x30, 0x7E, 0x30, 0x13, 0x06,
        0x0F, 0x2B, 6, 1, 4, 1, 0x89, 0x36, 4, 2, 1, 1, 4, 1, 2, 1, 5, 0,
    ];
    assert_eq!(out[..head.len()], head);
    assert_eq!(out.len(), 3 + 0x9A);
}

#[test]
fn cut_answers_are_refused_at_every_length() {
    let values = [(Place::status(2, 1), 200), (Place::setting(6, 3), 0xFFFF)];
    let mut bytes = Vec::new();
    snmp::answer(snmp::Version::V2c, b"public", 1, &values, &mut bytes);
    let whole = snmp::parse(&bytes, b"public").unwrap();
    assert_eq!(whole.values[..], values);
    for cut in 0..bytes.len() {
        assert!(snmp::parse(&bytes[..cut], b"public").is_err(), "{cut}");
    }
    assert_eq!(
        snmp::parse(&bytes, b"other"),
        Err(snmp::Malformed::Community)
    );
}

#[test]
fn what_the_emitter_says_is_what_the_decoder_hears() {
    let lights = [
        Light::Red,
        Light::Green,
        Light::Yellow,
        Light::FlashingYellow,
    ];
    let states = LampStates {
        lamps: [1, 2, 103, 204]
            .into_iter()
            .zip(lights)
            .filter(|(lamp, light)| *lamp != 103 || *light == Light::Yellow)
            .map(|(lamp, light)| LampState {
                lamp,
                light,
                countdown_s: Some(lamp % 100 + 3),
            })
            .collect(),
        ..LampStates::default()
    };
    for version in [1, 2] {
        let mut bytes = Vec::new();
        Emitter::new(version).lamps(now(0).utc, &states, &mut bytes);
        let mut decoder = listening();
        let heard = push_bytes(&mut decoder, now(0), &bytes).remove(0);
        assert_eq!(heard.lamps, states.lamps);
        for kind in ["version-differs", "clock-differs", "time-discontinuous"] {
            assert_eq!(counted(&decoder, kind), 0, "{kind}");
        }
        assert_eq!(decoder.counts().clock_ahead_ms(), Some(0));
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), mark in 0..3) {
        let mut bytes = bytes;
        if let (Some(first), Some(mark)) = (bytes.first_mut(), [None, Some(0xCD), Some(0x30)][mark as usize]) {
            *first = mark;
        }
        let mut decoder = polling();
        decoder.poll_query(now(0), &mut Vec::new());
        decoder.poll_query(now(1500), &mut Vec::new());
        push_bytes(&mut decoder, now(1600), &bytes);
    }

    #[test]
    fn whatever_is_a_datagram_is_emitted_again(body in proptest::collection::vec(any::<u8>(), 243)) {
        let mut bytes = vec![0xCD, 16];
        bytes.extend(body);
        for length in [wire::LENGTH_V1, wire::LENGTH_V2] {
            let mut out = Vec::new();
            wire::emit(&wire::parse(&bytes[..length]).unwrap(), &mut out);
            prop_assert_eq!(&out[..], &bytes[..length]);
        }
        let mut decoder = listening();
        for states in push_bytes(&mut decoder, now(0), &bytes) {
            for span in &states.spans {
                prop_assert!(span.max_ms.is_none_or(|max| span.min_ms.is_none_or(|min| min <= max)));
            }
        }
    }
}
