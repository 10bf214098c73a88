//! Frames of a real controller. The recordings are not part of the sources; without them these tests
//! say so and pass.

use std::path::Path;

use super::framing::{Framer, Oddity, Piece};
use super::objects;
use super::wire::{self, Address, Composer, Escaping, Kind};
use super::{Config, Decoder};
use crate::clock::{Mono, Now, Utc};
use crate::report::{Content, ControlMode};

/// A query and what the controller answered.
pub(super) struct Pair {
    pub(super) address: Address,
    pub(super) query: Vec<u8>,
    pub(super) reply: Vec<u8>,
}

/// All recorded pairs; None, with a word, where they are absent.
pub(super) fn pairs() -> Option<Vec<Pair>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let path = Path::new(folder).join("gbt20999_pairs.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no recording at {}", path.display());
        return None;
    };
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let bytes = |value: &serde_json::Value| -> Vec<u8> {
        let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
        let digits = value.as_str().unwrap().as_bytes().chunks(2);
        digits.map(|d| digit(d[0]) << 4 | digit(d[1])).collect()
    };
    let address = |value: &serde_json::Value| {
        let parts: Vec<u8> = (value.as_str().unwrap().split('.'))
            .map(|part| part.parse().unwrap())
            .collect();
        Address::new(parts[0], parts[1], parts[2], parts[3])
    };
    let pair = |value: &serde_json::Value| Pair {
        address: address(&value["address"]),
        query: bytes(&value["query"]),
        reply: bytes(&value["reply"]),
    };
    Some(list.iter().map(pair).collect())
}

#[test]
fn every_recorded_frame_is_parsed_and_emitted_again_byte_for_byte() {
    let Some(pairs) = pairs() else { return };
    assert_eq!(pairs.len(), 100);
    let mut frames = 0;
    for bytes in pairs.iter().flat_map(|pair| [&pair.query, &pair.reply]) {
        let mut cut = Vec::new();
        Framer::new().datagram(bytes, |piece| match piece {
            Piece::Frame { bytes, oddity } => cut.push((bytes.to_vec(), oddity)),
            other => panic!("{other:?}"),
        });
        assert_eq!(cut, [(bytes.clone(), Oddity::None)]);
        let frame = wire::parse(bytes).unwrap();
        let (mut plain, mut again) = (Vec::new(), Vec::new());
        wire::emit(&frame, Escaping::None, &mut plain, &mut again);
        assert_eq!(&again, bytes);
        // And value by value.
        let mut composer = Composer::new(&frame.header, &mut plain);
        for value in frame.values() {
            assert!(composer.value(value.address, value.data));
        }
        let mut composed = Vec::new();
        composer.finish(Escaping::None, &mut composed);
        assert_eq!(&composed, bytes);
        frames += 1;
    }
    assert_eq!(frames, 200);
}

#[test]
fn every_recorded_frame_survives_a_stream() {
    let Some(pairs) = pairs() else { return };
    let mut stream = Vec::new();
    let mut sent = Vec::new();
    for bytes in pairs.iter().flat_map(|pair| [&pair.query, &pair.reply]) {
        let frame = wire::parse(bytes).unwrap();
        wire::emit(&frame, Escaping::Stream, &mut Vec::new(), &mut stream);
        sent.push(bytes.clone());
    }
    for size in [1, 7, 4096] {
        let mut heard = Vec::new();
        let mut framer = Framer::new();
        for chunk in stream.chunks(size) {
            framer.push(chunk, |piece| match piece {
                Piece::Frame { bytes, .. } => heard.push(bytes.to_vec()),
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(heard, sent);
    }
}

#[test]
fn replies_carry_the_address_that_was_asked_and_another_sequence() {
    let Some(pairs) = pairs() else { return };
    for pair in &pairs {
        let (query, reply) = (
            wire::parse(&pair.query).unwrap(),
            wire::parse(&pair.reply).unwrap(),
        );
        assert_eq!((query.header.kind, query.len()), (Kind::Query, 1));
        assert_eq!((query.header.sequence, reply.header.sequence), (1, 2));
        let asked = query.values().next().unwrap().address;
        let answered = reply.values().next().unwrap().address;
        assert_eq!(asked, answered);
        // The list has a slip of its own: under 2.5.0.0 somebody asked for 2.4.0.0; under 6.3.3.1
        // for element 5.
        let slips = [Address::new(2, 5, 0, 0), Address::new(6, 3, 3, 1)];
        assert!(
            asked == pair.address || slips.contains(&pair.address),
            "{asked:?}"
        );
    }
    let errors = pairs
        .iter()
        .filter(|pair| wire::parse(&pair.reply).unwrap().header.kind == Kind::QueryError);
    assert_eq!(errors.count(), 3);
}

#[test]
fn the_decoder_takes_every_recorded_reply() {
    let Some(pairs) = pairs() else { return };
    let mut decoder = Decoder::new(Config::default());
    let now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    let mut modes = Vec::new();
    for pair in &pairs {
        decoder.push(now, &pair.query, &mut |content| panic!("{content:?}"));
        decoder.push(now, &pair.reply, &mut |content| modes.push(content));
    }
    let counts = decoder.counts();
    assert!(
        counts.rejected().iter().all(|(_, count)| *count == 0),
        "{counts:?}"
    );
    let of = |tally: &[(&str, u64)], kind: &str| tally.iter().find(|t| t.0 == kind).unwrap().1;
    assert_eq!(of(counts.ignored(), "request"), 100);
    assert_eq!(of(counts.tolerated(), "query-refused"), 3);
    assert_eq!(of(counts.tolerated(), "sequence-differs"), 97);
    // Facts of a plan that is not known to run are of no use.
    assert!(counts.accepted() > 10, "{counts:?}");
    // None of them ends a round of our own questions, so nothing is concluded; the mode is known.
    assert!(modes.is_empty());
    let mut report = Vec::new();
    let mode = pairs
        .iter()
        .find(|pair| pair.address == Address::new(13, 2, 2, 1))
        .unwrap();
    report.extend(&mode.reply);
    let at = 12;
    report[at] = Kind::Report as u8;
    wire::repair(&mut report);
    decoder.push(now, &report, &mut |content| modes.push(content));
    assert_eq!(modes, [Content::Mode(ControlMode::Coordinated)]);
}

#[test]
fn limits_of_greens_and_logs_have_the_recorded_sizes() {
    let Some(pairs) = pairs() else { return };
    let recorded = |address: Address| {
        let pair = pairs.iter().find(|pair| pair.address == address);
        let frame = wire::parse(&pair.expect("recorded").reply).unwrap();
        frame.values().next().unwrap().data.to_vec()
    };
    let seconds = [
        (objects::phase_least_green(1), 10),
        (objects::phase_greatest_green(1, 0), 20),
        (objects::phase_greatest_green(1, 1), 30),
    ];
    for (address, expected_s) in seconds {
        let data = recorded(address);
        assert_eq!((data.len(), objects::number(&data)), (2, Some(expected_s)));
    }
    // The log of alarms, after which that of faults is read: how many, the first one's number and time.
    let alarm = |attribute| recorded(Address::new(15, 2, attribute, 1));
    assert_eq!(recorded(Address::new(15, 1, 0, 0)), [0, 0, 0, 254]);
    assert_eq!(objects::number(&alarm(1)), Some(1));
    assert!(objects::utc(&alarm(4)).is_some());
    assert_eq!(
        (alarm(2).len(), recorded(Address::new(16, 2, 4, 1)).len()),
        (1, 1)
    );
}
