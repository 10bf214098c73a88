//! Any octets: an error with a place, or a message; never a panic, never much memory.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use common::{Vector, encoded, own, shared};
use proptest::prelude::*;
use serde_json::json;
use v2x_msg::Message;
use v2x_msg::uper::{DecodeErrorKind, EncodeErrorKind};

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
fn a_buffer_that_is_too_short_is_refused_and_one_that_just_holds_the_message_is_not() {
    let frames = own("day1_2020.jsonl").into_iter();
    for vector in frames.chain(own("day2_2020.jsonl")) {
        let message = Message::decode(&vector.octets).unwrap();
        for len in 0..vector.octets.len() {
            let place = format!("{} into {len}", vector.place);
            let error = message.encode_into(&mut vec![0xff; len]).expect_err(&place);
            assert_eq!(error.kind, EncodeErrorKind::NoRoom, "{place}: {error}");
        }
        let mut out = vec![0xff; vector.octets.len()];
        assert_eq!(message.encode_into(&mut out), Ok(out.len()));
        assert_eq!(out, vector.octets, "{}", vector.place);
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

/// A frame is taken or refused for what it says, not for what the frames before it left behind.
#[test]
fn a_message_used_again_takes_what_a_new_one_takes() {
    let link = |lanes: usize| {
        let lanes: Vec<_> = (0..lanes).map(|lane| json!({"laneID": lane})).collect();
        json!({"upstreamNodeId": {"id": 1}, "linkWidth": 0, "lanes": lanes})
    };
    let map = |links: usize, lanes: usize| {
        let node = json!({"id": {"id": 1}, "refPos": {"lat": 0, "long": 0},
            "inLinks": vec![link(lanes); links]});
        let map = json!({"mapFrame": {"msgCnt": 0, "nodes": [node]}});
        encoded(&Message::from_jer(&map.to_string()).unwrap())
    };
    let dear = map(20, 32);
    let refused = Message::decode(&dear).unwrap_err();
    assert_eq!(refused.kind, DecodeErrorKind::TooCostly);
    let mut used = Message::default();
    for lanes in (1..=32).step_by(3) {
        // Each leaves some memory behind, and all of it together would do.
        let _ = used.decode_into(&map(lanes.min(20), 32_usize.div_ceil(lanes)));
        assert_eq!(used.decode_into(&dear), Err(refused));
    }
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

/// Why a frame is refused, and where.
fn refused(octets: &[u8]) -> (DecodeErrorKind, String) {
    let error = Message::decode(octets).unwrap_err();
    (error.kind, error.path.to_string())
}

/// As [`refused`], and the JSON of what a lenient receiver hears.
fn forgiven(octets: &[u8]) -> (DecodeErrorKind, String) {
    let mut message = Message::default();
    let used = message.decode_lenient_into(octets).unwrap();
    assert_eq!(used, octets.len());
    // What it says can be said as it should be.
    assert_eq!(Message::decode(&encoded(&message)).unwrap(), message);
    refused(octets)
}

#[test]
fn what_is_not_as_the_standard_has_it_is_named_and_taken_by_a_lenient_receiver_only() {
    // TestMsg: extension bit and index, length 7, extension bit and number 0, length 4, then
    // msgCnt 5 in 7 bits, the count less one in 11 bits, the octet 0xab, 6 bits of padding.
    let good = [0x80, 7, 0, 0, 4, 0x0a, 0x00, 0x2a, 0xc0];
    assert!(Message::decode(&good).is_ok());

    let padding_within = [0x80, 7, 0, 0, 4, 0x0a, 0x00, 0x2a, 0xc1];
    let inner = "msgFrameExt.value".to_owned();
    assert_eq!(
        forgiven(&padding_within),
        (DecodeErrorKind::Padding, inner.clone())
    );
    let left_over = [0x80, 8, 0, 0, 5, 0x0a, 0x00, 0x2a, 0xc0, 0];
    assert_eq!(
        forgiven(&left_over),
        (DecodeErrorKind::LeftOver, inner.clone())
    );
    let long_length = [0x80, 8, 0, 0, 0x80, 4, 0x0a, 0x00, 0x2a, 0xc0];
    assert_eq!(
        forgiven(&long_length),
        (DecodeErrorKind::NotShortest, inner)
    );
    // The extension bit of MessageFrameExt, and a bitmap of one addition that is not there.
    let no_addition = [0x80, 9, 0x80, 0, 4, 0x0a, 0x00, 0x2a, 0xc0, 0, 0];
    assert_eq!(
        forgiven(&no_addition),
        (DecodeErrorKind::NotShortest, "msgFrameExt".to_owned())
    );

    // The last bits of a frame that only fill up its last octet.
    let mut frame = own("day1_2020.jsonl").swap_remove(0).octets;
    let again = encoded(&Message::decode(&frame).unwrap());
    assert_eq!(again, frame);
    *frame.last_mut().unwrap() |= 1;
    assert_eq!(forgiven(&frame), (DecodeErrorKind::Padding, String::new()));
}

#[test]
fn values_out_of_their_bounds_are_refused_whoever_listens() {
    let spat = json!({"spatFrame": {"msgCnt": 7, "moy": 527_040, "intersections": [
        {"intersectionId": {"id": 1}, "status": "0400", "phases": [
            {"id": 1, "phaseStates": [{"light": "red"}]}]}]}});
    let good = encoded(&Message::from_jer(&spat.to_string()).unwrap());
    // moy stands behind 4 bits of frame, 4 bits of preamble and 7 of msgCnt, in 20 bits.
    let mut octets = good.clone();
    for bit in 15..35 {
        octets[bit / 8] |= 0x80 >> (bit % 8);
    }
    let error = Message::decode(&octets).unwrap_err();
    assert_eq!(error.at_bit, 15);
    assert_eq!(
        error.to_string(),
        "value out of range at bit 15 in spatFrame.moy"
    );
    let lenient = Message::default().decode_lenient_into(&octets).unwrap_err();
    assert_eq!(lenient, error);
}

#[test]
fn an_error_says_which_element_of_which_list() {
    let state = json!({"light": "red"});
    let phase = |id: usize| json!({"id": id, "phaseStates": [state, state]});
    let intersection = |id: usize| {
        json!({"intersectionId": {"id": id}, "status": "0400",
            "phases": (1..=4).map(phase).collect::<Vec<_>>()})
    };
    let spat = json!({"spatFrame": {"msgCnt": 7,
        "intersections": (1..=3).map(intersection).collect::<Vec<_>>()}});
    let octets = encoded(&Message::from_jer(&spat.to_string()).unwrap());
    // Cut anywhere, the path leads to what was cut.
    let mut paths: Vec<_> = (0..octets.len())
        .map(|len| {
            let error = Message::decode(&octets[..len]).unwrap_err();
            error.path.to_string()
        })
        .collect();
    paths.dedup();
    let mut starts = paths.iter();
    for start in [
        "spatFrame.intersections[1].status",
        "spatFrame.intersections[1].phases[3].phaseStates",
        "spatFrame.intersections[2].phases[3].id",
    ] {
        // In this order.
        assert!(
            starts.any(|path| path.starts_with(start)),
            "{start}: {paths:?}"
        );
    }
    // Each is a place of the JSON view.
    let jer: serde_json::Value = spat;
    for path in &paths {
        let pointer = path.replace(['.', '['], "/").replace(']', "");
        let optional = ["name", "moy", "timeStamp", "timing"];
        let exists = pointer.is_empty() || jer.pointer(&format!("/{pointer}")).is_some();
        assert!(
            exists || optional.iter().any(|end| path.ends_with(end)),
            "{path}"
        );
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
