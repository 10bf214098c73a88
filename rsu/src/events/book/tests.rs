//! Lives of events: one rule a test.

use std::time::Duration;

use v2x_msg::base::{Radius, Utc};
use v2x_msg::kinds::rsi::{EventSource, Level};

use super::*;

/// 2025-12-31T23:58:30Z.
const START_MS: i64 = 1_767_225_510_000;

fn at(ms: u64) -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(START_MS).unwrap() + Duration::from_millis(ms),
    }
}

fn book() -> Book {
    let here = GeoPosition::from_deg(31.0, 121.0, None).unwrap();
    Book::new(Config::default(), here)
}

fn claim(origin: Origin, number: u64) -> Claim {
    let mut event = rsi::Event::new(0, EventType::STOPPED, EventSource::Detection);
    event.confidence = Confidence::from_percent(80.0).ok();
    event.level = Level::new(5).ok();
    Claim {
        key: Key { origin, number },
        event,
        keeps_id: false,
        at_m: Some((10.0, 10.0)),
        until: Until::Withdrawn,
    }
}

fn sent(book: &Book) -> Vec<&rsi::Event> {
    book.sent(RsiClass::Dynamic).into_iter().collect()
}

fn changes(book: &mut Book) -> Vec<Stage> {
    std::iter::from_fn(|| book.poll_change())
        .map(|change| change.stage)
        .collect()
}

#[test]
fn an_event_has_one_id_from_its_first_claim_to_its_end() {
    let mut book = book();
    let id = book
        .handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    let mut moved = claim(Origin::Picture, 1);
    moved.at_m = Some((40.0, 10.0));
    assert_eq!(book.handle_claim(at(100), &moved), Ok(id));
    assert_eq!(sent(&book).len(), 1);
    assert!(book.handle_end(at(200), moved.key));
    assert_eq!(sent(&book)[0].id, id);
    assert_eq!(changes(&mut book), [Stage::Holds, Stage::Cleared]);
}

#[test]
fn what_is_cleared_is_sent_with_its_end_for_a_while_and_then_its_id_rests() {
    let mut book = book();
    let id = book
        .handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    assert_eq!(sent(&book)[0].validity.end, None);
    book.handle_end(at(40_000), claim(Origin::Picture, 1).key);
    let end = sent(&book)[0].validity.end;
    assert_eq!(end, Some(MinuteOfYear::of(at(40_000).utc)));
    book.follow(at(44_999));
    assert_eq!(sent(&book).len(), 1);
    book.follow(at(45_000));
    assert_eq!(sent(&book).len(), 0);
    let mut wish = claim(Origin::Operator, 2);
    (wish.keeps_id, wish.event.id) = (true, id);
    assert_ne!(book.handle_claim(at(46_000), &wish), Ok(id));
}

#[test]
fn an_end_told_on_air_is_never_in_the_future() {
    // Over New Year: raised in the last minute, cleared in the first.
    let mut book = book();
    book.handle_claim(at(60_000), &claim(Origin::Picture, 1))
        .unwrap();
    book.handle_end(at(95_000), claim(Origin::Picture, 1).key);
    let validity = sent(&book)[0].validity;
    assert_eq!(validity.start.unwrap().value(), 365 * 1440 - 1);
    assert_eq!(validity.end.unwrap().value(), 0);
    assert!(validity.end.unwrap().near(at(95_000).utc) <= at(95_000).utc);
}

#[test]
fn the_same_from_two_sources_is_one_event_and_the_better_source_is_believed() {
    let mut book = book();
    let seen = book
        .handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    let mut told = claim(Origin::Operator, 9);
    told.event.source = EventSource::Police;
    told.at_m = Some((25.0, 10.0));
    assert_eq!(book.handle_claim(at(100), &told), Ok(seen));
    assert_eq!(sent(&book).len(), 1);
    assert_eq!(sent(&book)[0].source, EventSource::Police);
    // 1 - 0.2 * 0.2, however often one of them says it again.
    for ms in (200..1000).step_by(100) {
        book.handle_claim(at(ms), &claim(Origin::Picture, 1))
            .unwrap();
    }
    assert_eq!(
        sent(&book)[0].confidence,
        Confidence::from_percent(96.0).ok()
    );
    book.handle_end(at(1000), told.key);
    assert_eq!(sent(&book)[0].source, EventSource::Detection);
    assert_eq!(
        sent(&book)[0].confidence,
        Confidence::from_percent(80.0).ok()
    );
    assert_eq!(sent(&book)[0].validity.end, None);
}

#[test]
fn two_of_one_source_are_two_events_however_near() {
    let mut book = book();
    book.handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    book.handle_claim(at(0), &claim(Origin::Picture, 2))
        .unwrap();
    // A third source cannot tell which; it joins one of them, and its second the other.
    book.handle_claim(at(0), &claim(Origin::Cloud, 1)).unwrap();
    assert_eq!(sent(&book).len(), 2);
}

#[test]
fn another_type_or_another_place_is_another_event() {
    let mut book = book();
    book.handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    let mut far = claim(Origin::Cloud, 1);
    far.at_m = Some((41.0, 10.0));
    book.handle_claim(at(0), &far).unwrap();
    let mut other = claim(Origin::Weather, 1);
    other.event.event_type = EventType::WRONG_WAY;
    book.handle_claim(at(0), &other).unwrap();
    assert_eq!(sent(&book).len(), 3);
}

#[test]
fn a_claim_that_is_not_renewed_ends() {
    let mut book = book();
    let mut short = claim(Origin::Picture, 1);
    short.until = Until::Mono(at(3000).mono);
    book.handle_claim(at(0), &short).unwrap();
    book.follow(at(2999));
    assert_eq!(book.shown().next().unwrap().stage, Stage::Holds);
    book.follow(at(3000));
    assert_eq!(book.shown().next().unwrap().stage, Stage::Cleared);
    // Seen again before it is forgotten, it is the same event.
    let id = book.shown().next().unwrap().event.id;
    short.until = Until::Mono(at(9000).mono);
    assert_eq!(book.handle_claim(at(4000), &short), Ok(id));
    assert_eq!(book.shown().next().unwrap().stage, Stage::Holds);
    assert_eq!(
        changes(&mut book),
        [Stage::Holds, Stage::Cleared, Stage::Holds]
    );
}

#[test]
fn an_end_in_utc_is_told_on_air() {
    let mut book = book();
    let mut planned = claim(Origin::Operator, 1);
    planned.until = Until::Utc(at(600_000).utc);
    book.handle_claim(at(0), &planned).unwrap();
    // It ends 30 s into a minute, and holds until then.
    assert_eq!(
        sent(&book)[0].validity.end,
        Some(MinuteOfYear::of(at(630_000).utc))
    );
    // The clock steps: what is over is over.
    let mut stepped = at(1000);
    stepped.utc = at(700_000).utc;
    book.follow(stepped);
    assert_eq!(book.shown().next().unwrap().stage, Stage::Cleared);
}

#[test]
fn what_holds_is_not_told_as_over_however_short_it_is() {
    // 10 s from second to second, over New Year: no receiver finds its end in the past.
    for start_ms in (0..180_000).step_by(1_000) {
        let mut book = book();
        let mut short = claim(Origin::Operator, 1);
        let end = at(start_ms + 10_000);
        short.until = Until::Utc(end.utc);
        book.handle_claim(at(start_ms), &short).unwrap();
        let now = at(start_ms + 9_999);
        book.follow(now);
        assert!(sent(&book)[0].validity.end.unwrap().near(now.utc) > now.utc);
        book.follow(end);
        assert!(sent(&book)[0].validity.end.unwrap().near(end.utc) <= end.utc);
    }
}

#[test]
fn the_same_weather_over_an_area_is_one_event_wherever_in_it_it_is_told_of() {
    let told = |origin, number, kind: u16, at_m, radius_m| {
        let mut claim = claim(origin, number);
        claim.event.event_type = EventType(kind);
        claim.event.radius = Radius::from_m(radius_m).ok();
        claim.at_m = Some(at_m);
        claim
    };
    let fog = |origin, number, east_m| told(origin, number, 305, (east_m, 0.0), 500.0);
    let mut fogs = book();
    let id = fogs.handle_claim(at(0), &fog(Origin::Weather, 1, 0.0));
    let same = fogs.handle_claim(at(1), &fog(Origin::Operator, 2, 480.0));
    let other = fogs.handle_claim(at(2), &fog(Origin::Cloud, 3, -520.0));
    assert_eq!(id, same);
    assert_ne!(id, other);
    // Works in a district are not all its works.
    let works = |origin, number, east_m| told(origin, number, 501, (east_m, 0.0), 500.0);
    let mut all = book();
    let district = all.handle_claim(at(0), &works(Origin::Cloud, 1, 0.0));
    assert_ne!(
        district,
        all.handle_claim(at(1), &works(Origin::Operator, 2, 100.0))
    );
}

#[test]
fn who_says_nothing_of_confidence_takes_none_away() {
    let mut book = book();
    book.handle_claim(at(0), &claim(Origin::Picture, 1))
        .unwrap();
    let mut told = claim(Origin::Operator, 9);
    told.event.confidence = None;
    book.handle_claim(at(1), &told).unwrap();
    let sure = |percent| Confidence::from_percent(percent).ok();
    assert_eq!(sent(&book)[0].confidence, sure(80.0));
    book.handle_claim(at(2), &claim(Origin::Cloud, 3)).unwrap();
    assert_eq!(sent(&book)[0].confidence, sure(96.0));
    // Alone again, it says what it said.
    book.handle_end(at(3), claim(Origin::Picture, 1).key);
    book.handle_end(at(3), claim(Origin::Cloud, 3).key);
    assert_eq!(sent(&book)[0].confidence, None);
}

#[test]
fn the_most_urgent_come_first() {
    let mut book = book();
    for (number, level) in [(1, 2), (2, 7), (3, 5)] {
        let mut one = claim(Origin::Picture, number);
        one.event.level = Level::new(level).ok();
        book.handle_claim(at(0), &one).unwrap();
    }
    let levels: Vec<_> = sent(&book)
        .iter()
        .map(|event| event.level.unwrap().value())
        .collect();
    assert_eq!(levels, [7, 5, 2]);
}

#[test]
fn at_capacity_the_less_urgent_gives_way_and_is_counted() {
    let mut book = book();
    for number in 0..MAX_EVENTS as u64 {
        let mut one = claim(Origin::Picture, number);
        one.event.level = Level::new(if number == 7 { 1 } else { 4 }).ok();
        book.handle_claim(at(0), &one).unwrap();
    }
    let mut as_urgent = claim(Origin::Picture, 900);
    as_urgent.event.level = Level::new(1).ok();
    assert_eq!(book.handle_claim(at(1), &as_urgent), Err(Refused::Full));
    assert_eq!(book.left_out(), 1);
    let mut urgent = claim(Origin::Operator, 901);
    urgent.event.level = Level::new(7).ok();
    urgent.at_m = None;
    book.handle_claim(at(2), &urgent).unwrap();
    assert_eq!(book.left_out(), 2);
    assert_eq!(book.shown().count(), MAX_EVENTS);
    assert!(
        sent(&book)
            .iter()
            .all(|event| event.level.unwrap().value() > 1)
    );
}

#[test]
fn what_does_not_fit_into_a_message_is_refused() {
    let here = GeoPosition::from_deg(31.0, 121.0, None).unwrap();
    let point = |step: i32| here.offset_e7(step * 9_000_000, 1_000_000).unwrap();
    let path = || rsi::ReferencePath {
        points: v2x_msg::base::Few::new((0..32).map(point)).unwrap(),
        radius: Radius::MIN,
    };
    let mut long = claim(Origin::Operator, 1);
    long.event.place = rsi::Place::new((0..8).map(|_| path()), []).ok();
    let mut book = book();
    assert_eq!(book.handle_claim(at(0), &long), Err(Refused::TooLong));
    assert_eq!((sent(&book).len(), book.left_out()), (0, 1));
}

#[test]
fn a_number_given_to_something_else_ends_the_first_event() {
    let mut book = book();
    book.handle_claim(at(0), &claim(Origin::Cloud, 1)).unwrap();
    let mut other = claim(Origin::Cloud, 1);
    other.event.event_type = EventType::OBJECT;
    book.handle_claim(at(100), &other).unwrap();
    let stages: Vec<_> = book.shown().map(|shown| shown.stage).collect();
    assert_eq!(stages, [Stage::Cleared, Stage::Holds]);
    assert!(book.handle_end(at(200), other.key));
    assert_eq!(
        book.shown()
            .filter(|shown| shown.stage == Stage::Holds)
            .count(),
        0
    );
}

#[test]
fn an_end_in_another_half_of_the_year_is_kept_and_not_told() {
    let mut book = book();
    let mut long = claim(Origin::Operator, 1);
    let days = |days: u64| at(days * 86_400_000);
    long.until = Until::Utc(days(300).utc);
    book.handle_claim(at(0), &long).unwrap();
    assert_eq!(sent(&book)[0].validity.end, None);
    book.follow(days(299));
    assert_eq!(book.shown().next().unwrap().stage, Stage::Holds);
    book.follow(days(300));
    assert_eq!(book.shown().next().unwrap().stage, Stage::Cleared);
    let end = sent(&book)[0].validity.end;
    assert_eq!(end, Some(MinuteOfYear::of(days(300).utc)));
}

#[test]
fn what_a_person_was_promised_does_not_give_way() {
    let mut book = book();
    let mut far = |origin, number: u64, level| {
        let mut one = claim(origin, number);
        one.at_m = None;
        one.event.level = Level::new(level).ok();
        book.handle_claim(at(number), &one)
    };
    for number in 0..MAX_EVENTS as u64 - 1 {
        far(Origin::Operator, number, 0).unwrap();
    }
    far(Origin::Picture, 500, 7).unwrap();
    // What the picture shows gives way to a person, and not the other way round.
    assert!(far(Origin::Operator, 501, 0).is_ok());
    assert_eq!(far(Origin::Picture, 502, 7), Err(Refused::Full));
    assert_eq!(far(Origin::Operator, 503, 7), Err(Refused::Full));
    assert_eq!(book.shown().count(), MAX_EVENTS);
    // Nobody's id was lost to those refusals: each ended event makes room for another.
    for number in 0..100 {
        let mut one = claim(Origin::Operator, number);
        one.at_m = None;
        let later = |ms| at(1000 + 70_000 * number + ms);
        assert!(book.handle_end(later(0), one.key));
        book.follow(later(5000));
        one.key.number += 1000;
        book.handle_claim(later(5001), &one).unwrap();
    }
}

#[test]
fn a_third_source_joins_the_nearest_that_it_does_not_tell_of_already() {
    let mut book = book();
    let placed = |origin, number, east_m| {
        let mut one = claim(origin, number);
        one.at_m = Some((east_m, 0.0));
        one
    };
    let near = book
        .handle_claim(at(0), &placed(Origin::Picture, 1, 0.0))
        .unwrap();
    let far = book
        .handle_claim(at(0), &placed(Origin::Picture, 2, 20.0))
        .unwrap();
    let cloud = |book: &mut Book, number| {
        book.handle_claim(at(1), &placed(Origin::Cloud, number, 15.0))
            .unwrap()
    };
    assert_eq!(cloud(&mut book, 1), far);
    assert_eq!(cloud(&mut book, 2), near);
}
