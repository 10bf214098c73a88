//! The decoder against frames of our own making.

use std::time::Duration;

use proptest::prelude::*;

use super::content::{CONTROL_MODE, CURRENT_PLAN, LAMP_STATE, NEXT_PLAN, Place, RUN_STATE};
use super::wire::{self, Frame, Header, LengthField, Operation};
use super::{
    Address, Approach, Asking, Audience, Carrier, Config, Decoder, Emitter, Identity, Question,
};
use crate::clock::{Mono, Now, Utc};
use crate::inputs::Counts;
use crate::report::{
    Content, ControlMode, LampPlan, LampState, LampStates, Light, PlanStep, SignalPlan,
};

const UTC: Utc = Utc::from_unix_ns(1_800_000_000_250_000_000);

pub(super) fn now(ms: u64) -> Now {
    let since = Duration::from_millis(ms);
    Now {
        mono: Mono::ZERO + since,
        utc: UTC + since,
    }
}

/// What a fresh decoder makes of one datagram.
pub(super) fn heard(config: Config, datagram: &[u8]) -> (Vec<Content>, Counts) {
    let mut decoder = Decoder::new(config);
    let mut contents = Vec::new();
    decoder.push(now(0), datagram, &mut |content| contents.push(content));
    (contents, decoder.counts().clone())
}

fn identity() -> Identity {
    Identity {
        controller: Address {
            division: 310_114,
            kind: Address::CONTROLLER,
            number: 7,
        },
        approaches: vec![
            Approach {
                direction_deg: 180,
                lamps: vec![(9, 2), (3, 1)],
            },
            Approach {
                direction_deg: 0,
                lamps: vec![(1, 8)],
            },
        ],
        ..Identity::default()
    }
}

fn lamp(lamp: u16, light: Light, countdown_s: Option<u16>) -> LampState {
    LampState {
        lamp,
        light,
        countdown_s,
    }
}

fn states() -> LampStates {
    LampStates {
        lamps: [
            lamp(9, Light::Red, Some(46)),
            lamp(3, Light::FlashingGreen, Some(3)),
            lamp(1, Light::Dark, None),
        ]
        .into_iter()
        .collect(),
        ..LampStates::default()
    }
}

fn plan() -> SignalPlan {
    let steps = |steps: &[(Light, u16)]| {
        steps
            .iter()
            .map(|&(light, duration_s)| PlanStep { light, duration_s })
            .collect()
    };
    let of = |lamp, light| LampPlan {
        lamp,
        steps: steps(&[(light, 300), (Light::Yellow, 3), (Light::Red, 40)]),
    };
    SignalPlan {
        lamps: [
            of(9, Light::Green),
            of(3, Light::Green),
            of(1, Light::FlashingYellow),
        ]
        .into_iter()
        .collect(),
    }
}

fn lamp_frame() -> Vec<u8> {
    let mut out = Vec::new();
    Emitter::new(identity()).lamps(UTC, Audience::Everyone, &states(), &mut out);
    out
}

fn of(tally: &[(&'static str, u64)], kind: &str) -> u64 {
    tally.iter().find(|(name, _)| *name == kind).unwrap().1
}

/// A broadcast of any content, from the test's controller.
fn broadcast(object: u16, content: &[u8]) -> Vec<u8> {
    let frame = Frame {
        header: Header {
            link: 0,
            sender: identity().controller,
            receiver: Address::default(),
            utc_s: 1_800_000_000,
            utc_ms: 0,
            ttl_s: 60,
            version: 0x10,
            operation: Operation::Broadcast,
            object,
        },
        content: Some((LengthField::ContentOnly, content)),
        signature: None,
    };
    let mut out = Vec::new();
    wire::emit(&frame, &mut Vec::new(), &mut out);
    out
}

#[test]
fn what_a_controller_says_is_what_is_reported() {
    let mut emitter = Emitter::new(identity());
    let mut datagram = Vec::new();
    emitter.lamps(UTC, Audience::Everyone, &states(), &mut datagram);
    emitter.plan(UTC, Audience::Everyone, &plan(), &mut datagram);
    emitter.mode(
        UTC,
        Audience::Everyone,
        ControlMode::Actuated,
        &mut datagram,
    );
    let (contents, counts) = heard(Config::default(), &datagram);
    let expected = [
        Content::Lamps(states()),
        Content::Plan(plan()),
        Content::Mode(ControlMode::Actuated),
    ];
    assert_eq!(contents, expected);
    assert_eq!((counts.accepted(), counts.reports()), (4, 3));
    assert!(
        counts.tolerated().iter().all(|(_, count)| *count == 0),
        "{counts:?}"
    );
}

#[test]
fn a_good_frame_behind_a_bad_one_in_a_datagram_is_heard() {
    let mut datagram = lamp_frame();
    datagram[40] ^= 1;
    datagram.extend(lamp_frame());
    let (contents, counts) = heard(Config::default(), &datagram);
    assert_eq!(contents, [Content::Lamps(states())]);
    assert_eq!(of(counts.rejected(), "checksum"), 1);
}

#[test]
fn a_frame_does_not_continue_in_the_next_datagram() {
    let frame = lamp_frame();
    let mut decoder = Decoder::new(Config::default());
    let mut reports = 0;
    for half in [&frame[..50], &frame[50..]] {
        decoder.push(now(0), half, &mut |_| reports += 1);
    }
    assert_eq!(reports, 0);
    assert_eq!(of(decoder.counts().rejected(), "cut"), 1);
}

#[test]
fn a_frame_continues_in_the_next_chunk_of_a_stream() {
    let frame = lamp_frame();
    let mut decoder = Decoder::new(Config {
        carrier: Carrier::Stream,
        ..Config::default()
    });
    let mut reports = 0;
    for byte in frame.iter().chain(&frame) {
        decoder.push(now(0), &[*byte], &mut |_| reports += 1);
    }
    assert_eq!(reports, 2);
    decoder.push(now(0), &frame[..50], &mut |_| reports += 1);
    decoder.link_restarted();
    decoder.push(now(0), &frame, &mut |_| reports += 1);
    assert_eq!(reports, 3);
}

#[test]
fn a_controller_that_counts_its_length_field_is_heard_and_counted() {
    let mut out = Vec::new();
    let identity = Identity {
        length_field: LengthField::CountsItself,
        ..identity()
    };
    Emitter::new(identity).lamps(UTC, Audience::Everyone, &states(), &mut out);
    let (contents, counts) = heard(Config::default(), &out);
    assert_eq!(contents, [Content::Lamps(states())]);
    assert_eq!(of(counts.tolerated(), "length-counts-itself"), 1);
}

#[test]
fn the_first_of_two_entries_for_one_lamp_counts() {
    let mut content = Vec::new();
    Place::default().emit(&mut content);
    content.extend([1, 0, 0, 2, 5, 1, 0x25, 9, 5, 1, 0x16, 30]);
    let (contents, counts) = heard(Config::default(), &broadcast(LAMP_STATE, &content));
    let lamps = [lamp(5, Light::Green, Some(9))].into_iter().collect();
    assert_eq!(
        contents,
        [Content::Lamps(LampStates {
            lamps,
            ..LampStates::default()
        })]
    );
    assert_eq!(of(counts.tolerated(), "duplicate-lamp"), 1);
}

#[test]
fn a_countdown_of_0_or_255_or_of_no_known_light_is_none() {
    let mut content = Vec::new();
    Place::default().emit(&mut content);
    content.extend([1, 0, 0, 3, 1, 1, 0x25, 0, 2, 1, 0x16, 255, 3, 1, 0x2A, 12]);
    let (contents, counts) = heard(Config::default(), &broadcast(LAMP_STATE, &content));
    let lamps = [
        lamp(1, Light::Green, None),
        lamp(2, Light::Red, None),
        lamp(3, Light::Unknown, None),
    ];
    let lamps = lamps.into_iter().collect();
    assert_eq!(
        contents,
        [Content::Lamps(LampStates {
            lamps,
            ..LampStates::default()
        })]
    );
    assert_eq!(of(counts.tolerated(), "countdown-saturated"), 1);
    assert_eq!(of(counts.tolerated(), "colour-unknown"), 1);
}

#[test]
fn a_sixty_fifth_lamp_group_is_refused() {
    let mut content = Vec::new();
    Place::default().emit(&mut content);
    content.extend([1, 0, 0, 65]);
    for id in 0..65 {
        content.extend([id, 1, 0x16, 9]);
    }
    let (contents, counts) = heard(Config::default(), &broadcast(LAMP_STATE, &content));
    assert!(contents.is_empty());
    assert_eq!(of(counts.rejected(), "content-too-many"), 1);
}

#[test]
fn a_plan_whose_groups_differ_in_cycle_or_number_is_counted() {
    let mut content = Vec::new();
    Place::default().emit(&mut content);
    content.extend([7, 1, 0, 0, 2]);
    content.extend([1, 1, 1, 0x16, 30, 0]);
    content.extend([2, 1, 1, 0x16, 31, 0]);
    let (contents, counts) = heard(Config::default(), &broadcast(CURRENT_PLAN, &content));
    assert_eq!(contents.len(), 1);
    assert_eq!(of(counts.tolerated(), "cycles-differ"), 1);
    assert_eq!(of(counts.tolerated(), "group-total-differs"), 1);
}

#[test]
fn other_senders_are_ignored_where_one_is_named() {
    let config = Config {
        only_from: Some(Address {
            number: 8,
            ..identity().controller
        }),
        ..Config::default()
    };
    let (contents, counts) = heard(config, &lamp_frame());
    assert!(contents.is_empty());
    assert_eq!(of(counts.ignored(), "other-sender"), 1);
}

#[test]
fn a_fault_hides_the_mode_until_the_run_is_normal() {
    let said = |code| {
        let mut content = Vec::new();
        Place::default().emit(&mut content);
        content.push(code);
        content
    };
    let mut decoder = Decoder::new(Config::default());
    let mut modes = Vec::new();
    for (object, code) in [
        (RUN_STATE, 1),
        (RUN_STATE, 2),
        (RUN_STATE, 1),
        (RUN_STATE, 2),
        (CONTROL_MODE, 2),
        (RUN_STATE, 1),
        (RUN_STATE, 1),
        (CONTROL_MODE, 77),
    ] {
        let frame = broadcast(object, &said(code));
        decoder.push(now(0), &frame, &mut |content| modes.push(content));
    }
    let expected = [
        ControlMode::Fault,
        // Nobody has said yet what it is else.
        ControlMode::Unknown,
        ControlMode::Fault,
        ControlMode::Fault,
        ControlMode::FixedTime,
    ];
    assert_eq!(modes, expected.map(Content::Mode));
    assert_eq!(of(decoder.counts().ignored(), "no-meaning"), 1);
}

#[test]
fn a_controller_whose_clock_is_wrong_is_heard_and_counted() {
    let mut out = Vec::new();
    let late = UTC + Duration::from_secs(60);
    Emitter::new(identity()).lamps(late, Audience::Everyone, &states(), &mut out);
    let (contents, counts) = heard(Config::default(), &out);
    assert_eq!(contents.len(), 1);
    assert_eq!(of(counts.tolerated(), "clock-differs"), 1);
    let ahead_ms = counts.clock_ahead_ms().unwrap();
    assert!((-60_100..=-59_900).contains(&ahead_ms), "{ahead_ms}");
}

#[test]
fn a_listener_asks_nothing() {
    let mut decoder = Decoder::new(Config::default());
    let mut out = Vec::new();
    assert!(!decoder.poll_query(now(0), &mut out));
    assert_eq!(decoder.poll_timeout(), Mono::NEVER);
    assert!(out.is_empty());
}

#[test]
fn a_controller_answers_what_it_is_asked() {
    let mut decoder = Decoder::new(Config {
        asking: Some(Asking::default()),
        ..Config::default()
    });
    let mut controller = Emitter::new(identity());
    let mut questions = Vec::new();
    while decoder.poll_query(now(0), &mut questions) {}
    let mut asked = Vec::new();
    controller.push(&questions, |question| asked.push(question));
    let from = Asking::default().ours;
    let question = |object| Question { from, object };
    let objects = [LAMP_STATE, CURRENT_PLAN, CONTROL_MODE, RUN_STATE];
    assert_eq!(asked, objects.map(question));

    let mut replies = Vec::new();
    controller.lamps(UTC, Audience::Asker(from), &states(), &mut replies);
    controller.plan(UTC, Audience::Asker(from), &plan(), &mut replies);
    let manual = ControlMode::Manual;
    controller.mode(UTC, Audience::Asker(from), manual, &mut replies);
    let mut contents = Vec::new();
    decoder.push(now(5), &replies, &mut |content| contents.push(content));
    let told = [
        Content::Lamps(states()),
        Content::Plan(plan()),
        Content::Mode(manual),
    ];
    assert_eq!(contents, told);
    // All are answered: lamps are next asked for after a second, and no sooner.
    assert_eq!(decoder.poll_timeout(), now(1000).mono);
    assert_eq!(of(decoder.counts().tolerated(), "unanswered-query"), 0);
}

#[test]
fn our_own_question_that_comes_back_is_no_report() {
    let mut decoder = Decoder::new(Config {
        asking: Some(Asking::default()),
        ..Config::default()
    });
    let mut question = Vec::new();
    decoder.poll_query(now(0), &mut question);
    decoder.push(now(1), &question, &mut |content| panic!("{content:?}"));
    assert_eq!(of(decoder.counts().ignored(), "request"), 1);
}

/// Lamps that the test's controller says at a moment of its own clock, lamp 9 counting `countdown_s`.
fn lamps_at(identity: Identity, utc_ms: i64, countdown_s: u16) -> Vec<u8> {
    let mut states = LampStates::default();
    states.lamps.push(lamp(9, Light::Red, Some(countdown_s)));
    let mut out = Vec::new();
    let utc = Utc::from_unix_ns(utc_ms * 1_000_000);
    Emitter::new(identity).lamps(utc, Audience::Everyone, &states, &mut out);
    out
}

/// What lamp 9 counts in each report of these, and how many were out of order. Two have come before, at
/// the pace of our clock.
fn counted(datagrams: &[Vec<u8>]) -> (Vec<Option<u16>>, u64) {
    let mut decoder = Decoder::new(Config::default());
    for sent in 0..2_u64 {
        let datagram = lamps_at(identity(), THEIRS - 2000 + 1000 * sent as i64, 99);
        decoder.push(now(1000 * sent), &datagram, &mut |_| {});
    }
    let mut heard = Vec::new();
    for (place, datagram) in datagrams.iter().enumerate() {
        decoder.push(now(2000 + 1000 * place as u64), datagram, &mut |content| {
            if let Content::Lamps(states) = content {
                heard.extend(
                    states
                        .lamps
                        .iter()
                        .filter(|l| l.lamp == 9)
                        .map(|l| l.countdown_s),
                );
            }
        });
    }
    (heard, of(decoder.counts().ignored(), "out-of-order"))
}

const THEIRS: i64 = 1_800_000_000_000;

#[test]
fn lamps_that_were_overtaken_on_their_way_are_dropped_and_counted() {
    let says = |ms, s| lamps_at(identity(), THEIRS + ms, s);
    let frames = [
        says(0, 30),
        says(1000, 29),
        says(500, 29),
        says(0, 30),
        says(999, 29),
        says(5000, 25),
    ];
    assert_eq!(counted(&frames), (vec![Some(30), Some(29), Some(25)], 3));
}

#[test]
fn lamps_that_were_long_on_their_way_are_as_old_as_their_stamp() {
    let mut decoder = Decoder::new(Config::default());
    let start_ms = 1_790_000_000_377;
    let mut held_up = |sent_ms: i64, late_ms: u64| {
        let datagram = lamps_at(identity(), start_ms + sent_ms, 9);
        let mut held_up = Vec::new();
        let arrived = now(sent_ms.unsigned_abs() + late_ms);
        decoder.push(arrived, &datagram, &mut |content| match content {
            Content::Lamps(lamps) => held_up.push(lamps.held_up),
            other => panic!("lamps were sent, not {other:?}"),
        });
        held_up
    };
    assert_eq!(held_up(0, 5), [Duration::ZERO]);
    assert_eq!(held_up(1000, 5), [Duration::ZERO]);
    assert_eq!(held_up(2000, 1205), [Duration::from_millis(1200)]);
    assert_eq!(held_up(3500, 5), [Duration::ZERO]);
}

/// How long each second's lamps were held up, of a clock that is off by so much in each; None for those
/// that were dropped.
fn held_up_each_second(off_ms: &[i64]) -> Vec<Option<Duration>> {
    let mut decoder = Decoder::new(Config::default());
    let mut hear = |(n, off_ms): (usize, &i64)| {
        let sent_ms = 1000 * n as i64;
        let datagram = lamps_at(identity(), 1_790_000_000_377 + sent_ms + off_ms, 9);
        let mut held_up = None;
        decoder.push(now(sent_ms as u64 + 5), &datagram, &mut |content| {
            if let Content::Lamps(lamps) = content {
                held_up = Some(lamps.held_up);
            }
        });
        held_up
    };
    off_ms.iter().enumerate().map(&mut hear).collect()
}

#[test]
fn one_stamp_that_is_ahead_makes_no_other_lamps_late() {
    for ahead_ms in [400, 1500, 5000, 3_600_000] {
        let mut off_ms = [0; 60];
        off_ms[8] = ahead_ms;
        let held_up = held_up_each_second(&off_ms);
        assert_eq!(held_up, [Some(Duration::ZERO); 60], "{ahead_ms} ms");
    }
}

#[test]
fn a_clock_that_was_set_back_makes_no_lamps_late_for_long() {
    for back_ms in [400, 900, 1500, 1900, 3000, 3_600_000] {
        let mut off_ms = [0; 60];
        off_ms[8..].fill(-back_ms);
        let held_up = held_up_each_second(&off_ms);
        assert!(
            held_up[11..]
                .iter()
                .all(|held_up| *held_up == Some(Duration::ZERO)),
            "{back_ms} ms: {held_up:?}"
        );
    }
}

#[test]
fn lamps_of_equal_times_are_all_taken() {
    let says = |s| lamps_at(identity(), THEIRS, s);
    assert_eq!(
        counted(&[says(9), says(8), says(7)]),
        (vec![Some(9), Some(8), Some(7)], 0)
    );
}

#[test]
fn a_clock_that_was_set_back_is_followed_at_once() {
    let says = |ms, s| lamps_at(identity(), THEIRS + ms, s);
    let hour = 3_600_000;
    let frames = [
        says(hour, 9),
        says(0, 8),
        says(1000, 7),
        says(-1001, 6),
        says(2 * hour, 5),
    ];
    let all = [9, 8, 7, 6, 5].map(Some);
    assert_eq!(counted(&frames), (all.to_vec(), 0));
}

#[test]
fn another_sender_has_a_clock_of_its_own() {
    let mut other = identity();
    other.controller.number = 8;
    let frames = [
        lamps_at(identity(), THEIRS, 9),
        lamps_at(other, THEIRS - 500, 4),
    ];
    assert_eq!(counted(&frames), (vec![Some(9), Some(4)], 0));
}

#[test]
fn after_a_lost_link_order_starts_afresh() {
    let mut decoder = Decoder::new(Config::default());
    let mut reports = 0;
    decoder.push(now(0), &lamps_at(identity(), THEIRS, 9), &mut |_| {
        reports += 1;
    });
    decoder.link_restarted();
    decoder.push(now(0), &lamps_at(identity(), THEIRS - 1, 9), &mut |_| {
        reports += 1;
    });
    assert_eq!(reports, 2);
}

#[test]
fn a_plan_that_comes_next_is_told_as_such() {
    let mut out = Vec::new();
    Emitter::new(identity()).next_plan(UTC, Audience::Everyone, &plan(), &mut out);
    let (contents, counts) = heard(Config::default(), &out);
    assert_eq!(contents, [Content::NextPlan(plan())]);
    assert_eq!(counts.accepted(), 1);
    let (_, counts) = heard(Config::default(), &broadcast(NEXT_PLAN, &[1, 2, 3]));
    assert_eq!(of(counts.rejected(), "content-short"), 1);
}

#[test]
fn a_time_with_odd_milliseconds_is_read_to_the_second() {
    let mut content = Vec::new();
    states_content(&mut content);
    let mut datagram = broadcast(LAMP_STATE, &content);
    datagram[21..23].copy_from_slice(&0xEEEE_u16.to_le_bytes());
    let end = datagram.len() - 3;
    let crc = wire::checksum(&datagram[1..end]).to_le_bytes();
    datagram[end..end + 2].copy_from_slice(&crc);
    let (contents, counts) = heard(Config::default(), &datagram);
    assert_eq!(contents.len(), 1);
    assert_eq!(of(counts.tolerated(), "clock-differs"), 0);
}

/// One red lamp.
fn states_content(content: &mut Vec<u8>) {
    Place::default().emit(content);
    content.extend([1, 0, 0, 1, 5, 1, 0x16, 9]);
}

prop_compose! {
    fn lights()(index in 1..9_usize) -> Light {
        [
            Light::Unknown, Light::Dark, Light::Red, Light::FlashingRed, Light::RedYellow,
            Light::Green, Light::FlashingGreen, Light::Yellow, Light::FlashingYellow,
        ][index]
    }
}

proptest! {
    #[test]
    fn any_lamp_states_survive_the_wire(
        said in proptest::collection::vec((lights(), proptest::option::of(1..255_u16)), 1..=64),
        splits: [u8; 3],
    ) {
        // Ids around the delimiter and the escape, so that both are escaped.
        let id = |index: usize| 0xBE_u8.wrapping_add(index as u8);
        let lamps: Vec<_> = (0..said.len()).map(|index| (id(index), 1)).collect();
        let mut approaches: Vec<Approach> = Vec::new();
        let mut rest = &lamps[..];
        for split in splits {
            let (head, tail) = rest.split_at(usize::from(split) % (rest.len() + 1));
            approaches.push(Approach { direction_deg: u16::from(split), lamps: head.to_vec() });
            rest = tail;
        }
        approaches.push(Approach { direction_deg: 0xC0DB, lamps: rest.to_vec() });
        let states = LampStates {
            lamps: said.iter().enumerate()
                .map(|(index, (light, countdown_s))| lamp(u16::from(id(index)), *light, *countdown_s))
                .collect(), ..LampStates::default() };
        let mut out = Vec::new();
        Emitter::new(Identity { approaches, ..identity() })
            .lamps(UTC, Audience::Everyone, &states, &mut out);
        let (contents, _) = heard(Config::default(), &out);
        prop_assert_eq!(contents, [Content::Lamps(states)]);
    }

    #[test]
    fn any_bytes_do_no_harm(
        chunks in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(0xC0_u8), Just(0xDB), any::<u8>()], 0..120),
            0..8,
        ),
        stream: bool,
    ) {
        let carrier = if stream { Carrier::Stream } else { Carrier::Datagrams };
        let mut decoder = Decoder::new(Config { carrier, ..Config::default() });
        for chunk in &chunks {
            decoder.push(now(0), chunk, &mut |_| {});
        }
    }
}
