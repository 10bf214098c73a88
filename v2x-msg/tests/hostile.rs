//! Any octets: an error with a place, or a message; never a panic, never much memory.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, encoded, own, shared};
use proptest::prelude::*;
use v2x_msg::Message;
use v2x_msg::uper::DecodeErrorKind;

/// A few frames of each kind, short ones among them.
fn selection() -> Vec<Vector> {
    let day_one = own("day1_2020.jsonl").into_iter().step_by(3);
    // The first of each three is the shortest.
    let day_two = own("day2_2020.jsonl").into_iter().step_by(3);
    day_one.chain(day_two).collect()
}

#[test]
fn a_truncated_frame_is_refused_with_a_place_inside_it() {
    for vector in selection() {
        for len in 0..vector.octets.len() {
            let place = format!("{} cut to {len}", vector.place);
            let error = Message::decode(&vector.octets[..len]).expect_err(&place);
            assert_eq!(error.kind, DecodeErrorKind::EndOfFrame, "{place}: {error}");
            assert!(error.at_bit <= len * 8, "{place}: {error}");
            assert!(error.to_string().contains("at bit"), "{error}");
        }
    }
}

#[test]
fn an_octet_too_many_is_refused_unless_asked_for() {
    for vector in selection() {
        let mut octets = vector.octets.clone();
        octets.push(0);
        let error = Message::decode(&octets).expect_err(&vector.place);
        assert_eq!(error.kind, DecodeErrorKind::TrailingOctets);
        assert_eq!(error.at_bit, vector.octets.len() * 8);
        let (message, used) = Message::decode_prefix(&octets).unwrap();
        assert_eq!(used, vector.octets.len());
        assert_eq!(encoded(&message), vector.octets);
    }
}

#[test]
fn a_frame_with_one_bit_flipped_is_another_message_or_refused_with_a_place_inside_it() {
    let (mut accepted, mut refused) = (0, 0);
    let mut used = Message::default();
    for vector in selection() {
        for bit in 0..vector.octets.len() * 8 {
            let mut octets = vector.octets.clone();
            octets[bit / 8] ^= 0x80 >> (bit % 8);
            match used.decode_into(&octets) {
                Ok(()) => {
                    accepted += 1;
                    survives(&used);
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.at_bit <= octets.len() * 8, "{error}");
                }
            }
        }
    }
    // Both must have happened often for this to have tried anything.
    assert!(
        accepted > 1_000 && refused > 1_000,
        "{accepted} accepted, {refused} refused"
    );
}

/// What was accepted can be encoded, and is the same when it comes back, in bits and in JSON.
fn survives(message: &Message) {
    let again = Message::decode(&encoded(message)).unwrap();
    assert_eq!(&again, message);
    let read = Message::from_jer(&message.to_jer()).unwrap();
    assert_eq!(&read, message);
}

/// A frame of a newer sender: every other one has additions to be skipped.
fn forward() -> Vec<Vector> {
    shared("forward.jsonl").unwrap_or_else(|| own("forward.jsonl"))
}

#[test]
fn frames_of_newer_senders_with_bits_flipped_do_no_harm() {
    let mut used = Message::default();
    for vector in forward().iter().step_by(20) {
        for bit in 0..vector.octets.len() * 8 {
            let mut octets = vector.octets.clone();
            octets[bit / 8] ^= 0x80 >> (bit % 8);
            if used.decode_into(&octets).is_ok() {
                survives(&used);
            }
            if let Ok(keeping) = Message::decode_keeping(&octets) {
                let again = Message::decode_keeping(&encoded(&keeping)).unwrap();
                assert_eq!(encoded(&again), encoded(&keeping));
            }
        }
    }
}

/// Octets that start like a frame of each kind, so that not all end at the first field.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![Just(None), (0..73_usize, 0..400_usize).prop_map(Some),];
    (start, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(start, tail)| match start {
        None => tail,
        Some((frame, cut)) => {
            let file = ["day1_2020.jsonl", "day2_2020.jsonl"][frame / 40];
            let mut octets = own(file).swap_remove(frame % 40).octets;
            octets.truncate(cut);
            octets.extend(tail);
            octets
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_a_message_or_an_error_inside_them(octets in octets()) {
        match Message::decode_prefix(&octets) {
            Ok((message, used)) => {
                prop_assert!(used <= octets.len());
                survives(&message);
            }
            Err(error) => prop_assert!(error.at_bit <= octets.len() * 8),
        }
    }

    #[test]
    fn any_text_is_a_message_or_an_error(text in "\\PC*") {
        let _ = Message::from_jer(&text);
    }
}
