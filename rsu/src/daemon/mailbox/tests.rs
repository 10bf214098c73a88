//! What waits, what gives way, and who wakes whom.

use std::sync::Arc;

use super::*;
use crate::events::{Key, Origin};
use crate::report::{ControlMode, LampState, LampStates, Light, Objects};

const SOON: Duration = Duration::from_secs(10);

const CONTROLLER: Says = Says {
    signals: true,
    objects: false,
    weather: false,
    requests: false,
};
const RADAR: Says = Says {
    signals: false,
    objects: true,
    weather: false,
    requests: false,
};

fn push(mailbox: &Mailbox, input: u8, content: Content) {
    mailbox.push(InputId(input), clock::now(), content);
}

fn objects(seen_at: u64) -> Content {
    Content::Objects(Objects {
        seen_at: Mono::from_nanos(seen_at),
        ..Objects::default()
    })
}

fn lamps(lamp: u16) -> Content {
    let mut states = LampStates::default();
    states.lamps.push(LampState {
        lamp,
        light: Light::Red,
        countdown_s: None,
    });
    Content::Lamps(states)
}

/// What waits, in order.
fn drain(mailbox: &Mailbox) -> Vec<Report> {
    std::iter::from_fn(|| mailbox.take().map(|held| held.clone())).collect()
}

fn seen_at(report: &Report) -> u64 {
    match &report.content {
        Content::Objects(objects) => objects.seen_at.nanos(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_lane_of_objects_loses_the_oldest_and_counts_it() {
    let mailbox = Mailbox::new(&[RADAR, RADAR]);
    for at in 0..10 {
        push(&mailbox, 1, objects(at));
    }
    push(&mailbox, 0, objects(77));
    let seen: Vec<u64> = drain(&mailbox).iter().map(seen_at).collect();
    assert_eq!(seen, [77, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(mailbox.displaced(InputId(1)), 2);
    assert_eq!(mailbox.displaced(InputId(0)), 0);
}

#[test]
fn the_newest_lamp_state_replaces_and_a_mode_beside_it_stays() {
    let mailbox = Mailbox::new(&[CONTROLLER]);
    push(&mailbox, 0, lamps(1));
    push(&mailbox, 0, Content::Mode(ControlMode::Flash));
    push(&mailbox, 0, lamps(2));
    let waiting = drain(&mailbox);
    assert_eq!(waiting.len(), 2);
    let Content::Lamps(states) = &waiting[0].content else {
        panic!("{waiting:?}")
    };
    assert_eq!(states.lamps[0].lamp, 2);
    assert_eq!(mailbox.displaced(InputId(0)), 1);
}

#[test]
fn what_the_heart_holds_is_not_touched_by_a_flood() {
    let mailbox = Mailbox::new(&[RADAR]);
    push(&mailbox, 0, objects(1));
    let held = mailbox.take().unwrap();
    for at in 2..100 {
        push(&mailbox, 0, objects(at));
    }
    assert_eq!(seen_at(&held), 1);
    drop(held);
    let seen: Vec<u64> = drain(&mailbox).iter().map(seen_at).collect();
    assert_eq!(seen, [92, 93, 94, 95, 96, 97, 98, 99]);
}

#[test]
fn nothing_is_lost_or_doubled_between_two_threads() {
    const FRAMES: u64 = 20_000;
    let mailbox = Arc::new(Mailbox::new(&[RADAR]));
    let pushing = Arc::clone(&mailbox);
    let input = thread::spawn(move || {
        for at in 1..=FRAMES {
            push(&pushing, 0, objects(at));
        }
    });
    let (mut taken, mut newest) = (0, 0);
    while newest < FRAMES {
        if let Some(held) = mailbox.take() {
            assert!(seen_at(&held) > newest, "in order");
            newest = seen_at(&held);
            taken += 1;
        }
    }
    input.join().unwrap();
    assert_eq!(taken + mailbox.displaced(InputId(0)), FRAMES);
}

#[test]
fn one_that_never_stops_keeps_no_other_waiting_and_signals_go_first() {
    let mailbox = Mailbox::new(&[RADAR, RADAR, CONTROLLER, RADAR]);
    let mut served = Vec::new();
    for round in 0..12 {
        // The first speaks all the time, the others now and then.
        push(&mailbox, 0, objects(round));
        push(&mailbox, 0, objects(round));
        if round % 6 == 0 {
            push(&mailbox, 1, objects(round));
            push(&mailbox, 3, objects(round));
            push(&mailbox, 2, lamps(1));
        }
        served.push(mailbox.take().expect("something waits").input.0);
    }
    assert_eq!(served, [2, 0, 1, 3, 0, 0, 2, 1, 3, 0, 0, 0]);
}

#[test]
fn an_order_is_taken_where_reports_never_end() {
    let mailbox = Mailbox::new(&[RADAR]);
    mailbox.adopt();
    let order = Order::End(Key {
        origin: Origin::Operator,
        number: 1,
    });
    for number in 0..2 {
        mailbox.order(Box::new(Letter {
            number,
            order: order.clone(),
            outcome: None,
        }));
    }
    let (mut reports, mut between) = (0, Vec::new());
    while between.len() < 2 {
        push(&mailbox, 0, objects(1));
        match mailbox.wait(Mono::NEVER, Duration::ZERO) {
            Woke::Report(_) => reports += 1,
            Woke::Order(_) => between.push(std::mem::take(&mut reports)),
            Woke::Timeout | Woke::Closed => panic!("neither is here"),
        }
    }
    assert_eq!(between, [MOST_BEFORE_AN_ORDER; 2]);
}

#[test]
fn what_has_no_lane_is_dropped() {
    let mailbox = Mailbox::new(&[RADAR]);
    push(&mailbox, 9, objects(0));
    push(&mailbox, 0, lamps(1));
    assert!(drain(&mailbox).is_empty());
    assert_eq!(mailbox.displaced(InputId(9)), 0);
    push(&Mailbox::new(&[]), 0, objects(0));
}

#[test]
fn a_push_wakes_the_waiting_thread() {
    let mailbox = Arc::new(Mailbox::new(&[RADAR]));
    let waiting = Arc::clone(&mailbox);
    let heart = thread::spawn(move || {
        waiting.adopt();
        let woke = waiting.wait(clock::mono() + SOON, Duration::ZERO);
        matches!(woke, Woke::Report(_))
    });
    while mailbox.heart.get().is_none() {
        thread::yield_now();
    }
    let pushed = clock::mono();
    push(&mailbox, 0, objects(1));
    assert!(heart.join().unwrap());
    assert!(clock::mono().since(pushed) < SOON / 2);
}

#[test]
fn closing_ends_a_wait_without_a_deadline() {
    let mailbox = Arc::new(Mailbox::new(&[RADAR]));
    let waiting = Arc::clone(&mailbox);
    let heart = thread::spawn(move || {
        waiting.adopt();
        matches!(waiting.wait(Mono::NEVER, Duration::ZERO), Woke::Closed)
    });
    mailbox.close();
    assert!(heart.join().unwrap());
}

#[test]
fn the_deadline_is_not_missed_early_and_goes_before_reports() {
    let mailbox = Mailbox::new(&[RADAR]);
    mailbox.adopt();
    let deadline = clock::mono() + Duration::from_millis(5);
    assert!(matches!(
        mailbox.wait(deadline, Duration::from_micros(200)),
        Woke::Timeout
    ));
    assert!(clock::mono() >= deadline);
    push(&mailbox, 0, objects(1));
    assert!(matches!(
        mailbox.wait(deadline, Duration::ZERO),
        Woke::Timeout
    ));
}
