//! The judge on cases made by hand: it must see what is wrong, and only that.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{
    Countdown, DSecond, EnuFrame, Few, GeoPosition, MinuteOfYear, MsgCount, NodeId, ParticipantId,
    PhaseId, Radius, Speed, StationId,
};
use v2x_msg::kinds::rsi::{Event, EventSource, EventType, Place, ReferencePath};
use v2x_msg::kinds::rsm::{Participant, ParticipantKind};
use v2x_msg::kinds::spat::{Counting, Ends, IntersectionState, Light, Phase, PhaseState, Timing};

use super::detectors::Detectors;
use super::objects::What;
use super::*;
use crate::plane::Point;
use crate::truth::Epoch;
use crate::world::signals::{Plan, Signals, Stage};
use crate::world::snapshot::{Body, Snapshot};
use crate::world::users::Happening;
use crate::world::vehicles::Kind;

const LINE: Duration = Duration::from_millis(6);

fn phase(id: u8) -> PhaseId {
    PhaseId::new(id).expect("not zero")
}

fn at(seconds: f64) -> Mono {
    Mono::ZERO.offset_by(seconds)
}

/// Phase 1 is green from 0 s, flashes from 18 s, is yellow from 21 s and red from 24 s; phase 2
/// follows at 25 s. The cycle is 50 s.
fn truth() -> Truth {
    let stage = |id| Stage {
        phases: vec![phase(id)],
        green: Duration::from_secs(18),
        flashing_green: Duration::from_secs(3),
        yellow: Duration::from_secs(3),
        all_red: Duration::from_secs(1),
    };
    let plan = Plan::new(vec![stage(1), stage(2)], Duration::ZERO).expect("a plan");
    let noon = Utc::from_unix_ms(1_774_008_000_000).expect("a date");
    Truth::new(Epoch::new(Mono::ZERO, noon), Signals::Fixed(plan))
}

/// A SPAT sent at `seconds` of lamps read then: phase 1 shows `light` for another `left_s`.
fn spat(truth: &Truth, seconds: f64, light: Light, left_s: f64) -> Spat {
    let utc = truth.epoch().utc(at(seconds));
    let left = Countdown::of(Duration::from_secs_f64(left_s));
    let state = PhaseState {
        light,
        timing: Some(Timing::Counting(Counting {
            start: Some(Countdown::ZERO),
            ends: Ends::fixed(left),
            confidence: None,
            next_start: None,
            next_duration: None,
        })),
    };
    let id = NodeId {
        region: None,
        id: 10,
    };
    let states = Phase::new(phase(1), [state]).expect("one state");
    let mut intersection = IntersectionState::new(id, [states]).expect("one phase");
    intersection.moy = Some(MinuteOfYear::of(utc));
    intersection.time_stamp = Some(DSecond::of(utc));
    let count = MsgCount::new(0).expect("in range");
    let mut spat = Spat::new(count, [intersection]).expect("one intersection");
    spat.moy = Some(MinuteOfYear::of(utc));
    spat.time_stamp = Some(DSecond::of(utc));
    spat
}

fn judged(seconds: f64, light: Light, left_s: f64) -> SignalScore {
    let truth = truth();
    let mut score = SignalScore::default();
    let spat = spat(&truth, seconds, light, left_s);
    score.judge(&spat, at(seconds), &truth, LINE);
    score
}

/// A judge of RSM that has heard nothing.
pub(super) fn nobody_heard() -> ObjectJudge {
    ObjectJudge::new(frame(), coverage(), 3.0, Mono::ZERO)
}

#[test]
fn a_right_colour_with_a_right_end_has_no_error() {
    // At 10 s green has 8 s left, and 3 s of flashing that belong to it.
    let score = judged(10.0, Light::ProtectedGreen, 11.0);
    assert_eq!((score.phases, score.right), (1, 1));
    assert_eq!(score.end_error_s.quantile(1.0), Some(0.0));
}

#[test]
fn a_wrong_colour_is_caught() {
    let score = judged(10.0, Light::Red, 11.0);
    assert_eq!((score.phases, score.right), (1, 0));
    assert_eq!(score.wrong.len(), 1);
    assert_eq!(score.wrong[0].said, Light::Red);
}

#[test]
fn a_countdown_that_is_off_by_a_second_is_caught() {
    let score = judged(10.0, Light::ProtectedGreen, 12.0);
    assert_eq!(score.end_error_s.quantile(0.5), Some(1.0));
    let short = judged(10.0, Light::ProtectedGreen, 8.0);
    assert_eq!(
        short.end_error_s.quantile(0.5),
        Some(3.0),
        "the flashing belongs to the green"
    );
}

#[test]
fn a_flashing_green_of_its_own_ends_the_green_before() {
    let truth = truth();
    let mut score = SignalScore::default();
    let mut spat = spat(&truth, 10.0, Light::ProtectedGreen, 8.0);
    let green = spat.intersections[0].phases()[0].states()[0];
    let flashing = PhaseState {
        light: Light::FlashingGreen,
        timing: None,
    };
    let states = Phase::new(phase(1), [green, flashing]).expect("two lights");
    let old = spat.intersections[0].clone();
    let mut intersection = IntersectionState::new(old.id, [states]).expect("one phase");
    intersection.moy = old.moy;
    intersection.time_stamp = old.time_stamp;
    let (moy, stamp) = (spat.moy, spat.time_stamp);
    spat = Spat::new(spat.msg_cnt, [intersection]).expect("one intersection");
    spat.moy = moy;
    spat.time_stamp = stamp;
    score.judge(&spat, at(10.0), &truth, LINE);
    assert_eq!(score.end_error_s.quantile(0.5), Some(0.0));
}

#[test]
fn a_colour_is_right_until_the_change_has_come_down_the_line() {
    // Yellow begins at 21 s; the line takes up to 6 ms.
    assert_eq!(judged(21.004, Light::ProtectedGreen, 0.0).right, 1);
    assert_eq!(judged(21.050, Light::ProtectedGreen, 0.0).right, 0);
    assert_eq!(judged(21.050, Light::Yellow, 2.95).right, 1);
}

#[test]
fn a_colour_that_was_right_when_it_was_read_can_be_wrong_when_it_arrives() {
    let truth = truth();
    let mut score = SignalScore::default();
    let spat = spat(&truth, 20.9, Light::ProtectedGreen, 0.1);
    score.judge(&spat, at(21.1), &truth, LINE);
    assert_eq!((score.right, score.right_on_arrival), (1, 0));
}

fn frame() -> EnuFrame {
    EnuFrame::new(GeoPosition::from_deg(31.284, 121.161, None).expect("on earth"))
}

fn car(id: u32, east_m: f64) -> Body {
    Body {
        id,
        kind: Kind::Car,
        centre: Point::new(east_m, 0.0),
        direction: Point::new(1.0, 0.0),
        speed_mps: 10.0,
        length_m: 4.6,
        width_m: 1.8,
        height_m: 1.5,
    }
}

/// Everything within 200 m east of the origin is in coverage.
fn coverage() -> Coverage {
    Coverage::cone(Point::new(-10.0, 0.0), Point::new(1.0, 0.0), 200.0, 20.0)
}

/// Shows `shown` (id and metres east) at each of `moments` while `cars` (id and metres east) stand.
fn shown(
    moments: &[f64],
    cars: &[(u32, f64)],
    shown: impl Fn(f64) -> Vec<(u8, f64)>,
) -> ObjectJudge {
    let mut truth = truth();
    let mut judge = ObjectJudge::new(frame(), coverage(), 3.0, at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    for &seconds in moments {
        truth.push(Snapshot {
            at: at(seconds),
            bodies: cars.iter().map(|&(id, east_m)| car(id, east_m)).collect(),
        });
        let mark = DSecond::of(truth.epoch().utc(at(seconds)));
        let entry = |(id, east_m): (u8, f64)| {
            let id = ParticipantId::new(id).expect("not zero");
            let place = frame().ground_position(east_m, 0.0).expect("near");
            let mut entry = Participant::new(ParticipantKind::Motor, id, place);
            entry.sec_mark = Some(mark);
            entry.speed = Speed::nearest_mps(11.0);
            entry
        };
        let mut entries = vec![Participant::rsu(own)];
        entries[0].sec_mark = Some(mark);
        entries.extend(shown(seconds).into_iter().map(entry));
        let count = MsgCount::new(0).expect("in range");
        let rsm = Rsm::new(count, StationId(*b"RSU00001"), own, entries).expect("few");
        judge.hear(&rsm, at(seconds), &truth);
    }
    judge.close(&truth);
    judge
}

const MOMENTS: [f64; 5] = [1.0, 2.5, 2.6, 2.7, 2.8];

#[test]
fn a_vehicle_shown_a_metre_off_has_an_error_of_a_metre() {
    let judge = shown(&MOMENTS, &[(1, 50.0)], |_| vec![(7, 51.0)]);
    let score = &judge.score;
    assert_eq!((score.pictures, score.expected, score.missed), (4, 4, 0));
    assert_eq!((score.unmatched, score.id_switches), (0, 0));
    let error_m = score.position_m.quantile(1.0).expect("some");
    assert!((error_m - 1.0).abs() < 0.02, "{error_m} m");
    let speed_mps = score.speed_mps.quantile(1.0).expect("some");
    assert!((speed_mps - 1.0).abs() < 0.02, "{speed_mps} m/s");
}

#[test]
fn a_vehicle_that_is_not_shown_is_missed() {
    let judge = shown(&MOMENTS, &[(1, 50.0), (2, 80.0)], |_| vec![(7, 50.0)]);
    assert_eq!((judge.score.expected, judge.score.missed), (8, 4));
}

#[test]
fn a_vehicle_is_not_expected_outside_coverage_or_just_after_it_came() {
    let far = shown(&MOMENTS, &[(1, 300.0)], |_| Vec::new());
    assert_eq!(far.score.expected, 0);
    let new = shown(&[2.1, 2.2, 2.3], &[(1, 50.0)], |_| Vec::new());
    assert_eq!(new.score.expected, 0);
}

#[test]
fn a_false_object_is_counted() {
    let judge = shown(&MOMENTS, &[(1, 50.0)], |_| vec![(7, 50.0), (8, 90.0)]);
    assert_eq!((judge.score.shown, judge.score.unmatched), (8, 4));
    assert_eq!(judge.score.doubled, 0);
    let remarks = &judge.score.remarks;
    assert_eq!(remarks.len(), 1, "it goes on: {remarks:?}");
    assert_eq!(remarks[0].what, What::Nobody { shown: 8 });
}

#[test]
fn a_vehicle_shown_twice_is_shown_once_too_often() {
    let judge = shown(&MOMENTS, &[(1, 50.0)], |_| vec![(7, 50.0), (8, 51.0)]);
    assert_eq!((judge.score.unmatched, judge.score.doubled), (4, 4));
}

#[test]
fn a_change_of_id_is_counted_once() {
    let judge = shown(&MOMENTS, &[(1, 50.0)], |seconds| {
        vec![(if seconds < 2.65 { 7 } else { 9 }, 50.0)]
    });
    assert_eq!(judge.score.id_switches, 1);
    assert_eq!(judge.score.unmatched, 0);
}

#[test]
fn a_nearer_entry_does_not_take_a_vehicle_over() {
    // Entry 7 is the vehicle's; entry 8 comes nearer, but it is another one's.
    let judge = shown(&MOMENTS, &[(1, 50.0)], |seconds| {
        let mut entries = vec![(7, 51.0)];
        if seconds > 2.65 {
            entries.push((8, 50.1));
        }
        entries
    });
    assert_eq!(judge.score.id_switches, 0);
}

#[test]
fn messages_that_do_not_come_are_counted() {
    let mut traffic = Traffic::new(Mono::ZERO);
    for count in [126, 127, 0, 3] {
        traffic.count(Aid::Spat, count);
    }
    assert_eq!(traffic.lost, 2);
    traffic.count(Aid::RsiStatic, 5);
    traffic.count(Aid::RsiDynamic, 6);
    assert_eq!(traffic.lost, 2, "RSI of all classes count together");
}

/// What the judge of events makes of an event told at these moments, 2 m north of a vehicle that
/// stands from 10 s to 20 s; told as `code`, this far east of it.
fn told(code: u16, off_m: f64, moments: &[f64]) -> EventJudge {
    let mut truth = truth();
    let mut judge = EventJudge::new(frame(), &[707], at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    for &seconds in moments {
        truth.push(Snapshot {
            at: at(seconds),
            bodies: vec![car(1, 50.0)],
        });
        truth.set_happenings(&[Happening {
            event_type: 903,
            body: 1,
            since: at(10.0),
            sure: Some(at(10.0)),
            until: (seconds >= 20.0).then(|| at(20.0)),
            place: Point::new(50.0, 0.0),
            or_at: [None; 4],
        }]);
        let mut event = Event::new(1, EventType(code), EventSource::Detection);
        // The station takes back by the minute in which it ended.
        let utc = truth.epoch().utc(at(seconds));
        event.validity.end = (seconds > 40.0).then(|| MinuteOfYear::of(utc));
        event.pos = frame().ground_position(50.0 + off_m, 2.0).ok();
        let count = MsgCount::new(0).expect("in range");
        let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), own, [event]).expect("one");
        judge.hear(&rsi, at(seconds), &truth);
    }
    judge.finish(at(60.0), &truth);
    judge
}

#[test]
fn an_event_that_is_told_late_and_too_long_has_its_delay_and_its_end() {
    let judge = told(903, 0.0, &[13.0, 14.0, 22.5, 40.5, 41.0]);
    assert_eq!(judge.false_events, []);
    assert_eq!(judge.missed(5.0), (1, 0));
    let near = |value: Option<f64>, wanted: f64| value.is_some_and(|s| (s - wanted).abs() < 0.05);
    assert!(near(judge.delay_s(), 3.0), "{:?}", judge.delay_s());
    assert!(near(judge.cancel_s(), 2.5), "{:?}", judge.cancel_s());
    // While it lasts: what is told after the end is no matter of place.
    assert_eq!(judge.position_m.count(), 2);
    assert!(near(judge.position_m.quantile(1.0), 2.0));
}

#[test]
fn what_may_be_told_already_is_neither_false_nor_late_before_it_is_without_doubt() {
    let mut truth = truth();
    let mut judge = EventJudge::new(frame(), &[], at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    for second in 5..40 {
        let now_s = f64::from(second);
        // A queue may be one from 10 s on, is one for sure from 20 s on, and ends 60 m away by another reading.
        truth.set_happenings(
            &[Happening {
                event_type: 707,
                body: u32::MAX,
                since: at(10.0),
                sure: (now_s >= 20.0).then(|| at(20.0)),
                until: None,
                place: Point::new(50.0, 0.0),
                or_at: [None, Some(Point::new(110.0, 0.0)), None, None],
            }][..usize::from(now_s >= 10.0)],
        );
        if !(12..15).contains(&second) {
            continue;
        }
        let mut event = Event::new(1, EventType(707), EventSource::Detection);
        event.pos = frame().ground_position(112.0, 0.0).ok();
        let count = MsgCount::new(0).expect("in range");
        let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), own, [event]).expect("one");
        judge.hear(&rsi, at(now_s), &truth);
    }
    judge.finish(at(40.0), &truth);
    assert_eq!(judge.false_events, []);
    assert_eq!((judge.delay_s(), judge.missed(5.0)), (Some(0.0), (1, 0)));
    assert!(
        judge
            .position_m
            .quantile(1.0)
            .is_some_and(|m| (m - 2.0).abs() < 0.1)
    );
    // Who never was one without doubt need not be told, and lasts for no time.
    let mut doubtful = judge.told[0];
    (doubtful.what.sure, doubtful.first) = (None, None);
    assert!(!judge.lasts(&doubtful, 0.0));
    assert_eq!(doubtful.delay_s(), None);
}

#[test]
fn of_two_who_have_gone_from_one_place_the_one_is_told_of_that_was_told_before() {
    // One walker crosses from 10 s to 20 s, another from 25 s to 35 s; both go at the same place, and each is
    // told under a number of its own until 4 s later.
    let mut truth = truth();
    let mut judge = EventJudge::new(frame(), &[], at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    let walks = |body, since_s: f64, until_s: f64, now_s: f64| Happening {
        event_type: 405,
        body,
        since: at(since_s),
        sure: Some(at(since_s)),
        until: (now_s >= until_s).then(|| at(until_s)),
        place: Point::new(50.0, 0.0),
        or_at: [None; 4],
    };
    for tenth in 100..400 {
        let now_s = f64::from(tenth) / 10.0;
        let mut all = vec![walks(1, 10.0, 20.0, now_s)];
        if now_s >= 25.0 {
            all.push(walks(2, 25.0, 35.0, now_s));
        }
        truth.set_happenings(&all);
        for (id, from_s) in [(1, 12.0), (2, 27.0)] {
            if !(from_s..from_s + 12.0).contains(&now_s) {
                continue;
            }
            let mut event = Event::new(id, EventType(405), EventSource::Detection);
            event.pos = frame().ground_position(50.5, 0.0).ok();
            let count = MsgCount::new(0).expect("in range");
            let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), own, [event]).expect("one");
            judge.hear(&rsi, at(now_s), &truth);
        }
    }
    judge.finish(at(60.0), &truth);
    assert_eq!(judge.false_events, []);
    let last_s = judge.told.iter().map(|told| {
        let last = told.last.expect("told");
        last.seconds_after(Mono::ZERO).round()
    });
    assert_eq!(last_s.collect::<Vec<_>>(), [24.0, 39.0]);
}

#[test]
fn what_is_told_where_one_has_just_gone_is_not_told_of_the_next_far_away() {
    // One walker goes at 20 s at 50 m and is told there until 23 s; another comes at 15 s, 20 m away.
    let mut truth = truth();
    let mut judge = EventJudge::new(frame(), &[], at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    for tenth in 100..300 {
        let now_s = f64::from(tenth) / 10.0;
        let walks = |body, since_s: f64, until_s: f64, east_m| Happening {
            event_type: 405,
            body,
            since: at(since_s),
            sure: Some(at(since_s)),
            until: (now_s >= until_s).then(|| at(until_s)),
            place: Point::new(east_m, 0.0),
            or_at: [None; 4],
        };
        let mut all = vec![walks(1, 10.0, 20.0, 50.0)];
        if now_s >= 15.0 {
            all.push(walks(2, 15.0, 40.0, 70.0));
        }
        truth.set_happenings(&all);
        for (id, east_m, told_s) in [(1, 50.5, 12.0..23.0), (2, 70.5, 17.0..30.0)] {
            if !told_s.contains(&now_s) {
                continue;
            }
            let mut event = Event::new(id, EventType(405), EventSource::Detection);
            event.pos = frame().ground_position(east_m, 0.0).ok();
            let count = MsgCount::new(0).expect("in range");
            let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), own, [event]).expect("one");
            judge.hear(&rsi, at(now_s), &truth);
        }
    }
    judge.finish(at(30.0), &truth);
    let farthest_m = judge.position_m.quantile(1.0).expect("told");
    assert!(farthest_m < 1.0, "{farthest_m}");
    let late_s = judge.cancel_s().expect("told");
    assert!((late_s - 2.9).abs() < 0.05, "{late_s}");
}

#[test]
fn what_goes_on_about_a_queue_whose_tail_is_far_away_by_now_is_astray() {
    // Its tail moves away by 5 m/s from 10 s on, and is told where it was, from 12 s to 20 s, each tenth.
    let mut truth = truth();
    let mut judge = EventJudge::new(frame(), &[], at(2.0));
    let own = frame().ground_position(0.0, 0.0).expect("near");
    for tenth in 100..200 {
        let now_s = f64::from(tenth) / 10.0;
        truth.set_happenings(&[Happening {
            event_type: 707,
            body: 1,
            since: at(10.0),
            sure: Some(at(10.0)),
            until: None,
            place: Point::new(5.0 * (now_s - 10.0), 0.0),
            or_at: [None; 4],
        }]);
        let mut event = Event::new(1, EventType(707), EventSource::Detection);
        event.pos = frame().ground_position(0.0, 0.0).ok();
        let count = MsgCount::new(0).expect("in range");
        let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), own, [event]).expect("one");
        if now_s >= 12.0 {
            judge.hear(&rsi, at(now_s), &truth);
        }
    }
    judge.finish(at(20.0), &truth);
    assert_eq!(judge.false_events, []);
    // 30 m are reached at 16 s.
    let astray = judge.astray_by_type[&707];
    assert!((39..=41).contains(&astray), "{astray}");
    assert_eq!(judge.position_m.count() as u64 + astray, 80);
    let mut all = Detectors::default();
    all.add(&judge, 5.0);
    let share = all.rows[&707].astray().expect("told");
    assert!((share - 0.5).abs() < 0.02, "{share}");
}

#[test]
fn what_says_that_it_goes_on_behind_what_is_seen_is_right_only_if_it_does() {
    // Told at 100 m, its way from 250 m on; its tail is 60 m behind that, or as far before it.
    let about = |tail_m: f64, radius_m: Option<f64>| {
        let mut truth = truth();
        let mut judge = EventJudge::new(frame(), &[], at(2.0));
        let place = |east_m| frame().ground_position(east_m, 0.0).expect("near");
        truth.set_happenings(&[Happening {
            event_type: 707,
            body: 1,
            since: at(10.0),
            sure: Some(at(10.0)),
            until: None,
            place: Point::new(tail_m, 0.0),
            or_at: [None; 4],
        }]);
        let mut event = Event::new(1, EventType(707), EventSource::Detection);
        event.pos = Some(place(100.0));
        event.radius = radius_m.and_then(|radius_m| Radius::from_m(radius_m).ok());
        let path = ReferencePath {
            points: Few::new([250.0, 40.0].map(place)).expect("points"),
            radius: Radius::from_m(3.5).expect("a radius"),
        };
        event.place = Place::new([path], []).ok();
        let count = MsgCount::new(0).expect("in range");
        let rsi = Rsi::of_events(count, StationId(*b"RSU00001"), place(0.0), [event]);
        judge.hear(&rsi.expect("one"), at(12.0), &truth);
        let unseen = judge.end_unseen_by_type.get(&707).copied();
        (unseen, judge.position_m.count(), judge.false_events.len())
    };
    assert_eq!(about(160.0, None), (Some(1), 0, 0));
    assert_eq!(about(40.0, None), (None, 0, 1));
    assert_eq!(about(90.0, None), (None, 1, 0), "it ends before: 10 m off");
    // One that names the end is held to it.
    assert_eq!(about(160.0, Some(20.0)), (None, 0, 1));
}

#[test]
fn an_event_of_another_type_or_place_is_of_nothing_and_counted_once() {
    let other = told(904, 0.0, &[13.0, 13.5, 14.0]);
    assert_eq!(other.false_events, [(904, at(13.0))]);
    assert_eq!(other.missed(5.0), (1, 1), "and the stop was never told");
    let elsewhere = told(903, 60.0, &[13.0, 13.5, 30.0]);
    let raised_twice = [(903, at(13.0)), (903, at(30.0))];
    assert_eq!(elsewhere.false_events, raised_twice);
}

#[test]
fn events_that_are_not_judged_and_the_time_before_count_for_nothing() {
    assert_eq!(told(707, 0.0, &[13.0]).false_events, []);
    assert_eq!(told(904, 0.0, &[1.0, 1.5]).false_events, []);
}

#[test]
fn an_entry_that_goes_on_where_nobody_is_counts_for_so_long() {
    let moments: Vec<f64> = (0..30).map(|i| 2.0 + 0.1 * f64::from(i)).collect();
    // 9 shows nobody from 2.5 s on and is gone at 4 s.
    let frozen = |seconds: f64| {
        let mut entries = vec![(7, 50.0)];
        if (2.45..3.95).contains(&seconds) {
            entries.push((9, 80.0));
        }
        entries
    };
    let judge = shown(&moments, &[(1, 50.0)], frozen);
    let longest_s = judge.score.nobody_s.quantile(1.0).expect("one");
    assert!((longest_s - 1.5).abs() < 0.02, "{longest_s} s");
    assert_eq!(judge.score.nobody_s.count(), 1);
}

#[test]
fn each_kind_has_figures_of_its_own() {
    let judge = shown(&MOMENTS, &[(1, 50.0)], |_| vec![(7, 50.5)]);
    let [vehicles, riders, walkers] = &judge.score.kinds;
    assert_eq!((vehicles.expected, vehicles.missed), (4, 0));
    assert!((vehicles.speed_mps.quantile(0.5).expect("some") - 1.0).abs() < 0.02);
    assert_eq!(vehicles.age_s.quantile(1.0), Some(0.0));
    assert_eq!(riders.expected + walkers.expected, 0);
}

fn scenario(name: &str) -> Scenario {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let file = std::path::Path::new(folder).join(name);
    Scenario::load(&file).expect("a scenario")
}

#[test]
fn a_map_whose_lanes_are_off_is_caught() {
    use v2x_msg::base::LaneWidth;
    use v2x_msg::kinds::map::{Lane, Link, Node, Points};

    let scenario = scenario("moyu-boyuan.toml");
    let site = &scenario.site;
    let roads = Roads::of_site(site).expect("roads");
    // All lanes of the northern approach, half a metre to the side, a metre short.
    let from = roads.approaches[0].from;
    let told = |off: Point| {
        let ours = roads.approaches.iter().filter(|lane| lane.from == from);
        let lanes = ours.map(|lane| {
            let mut told = Lane::new(lane.id);
            let places = lane.centre.iter().map(|point| {
                let place = point.plus(off);
                let place = site.frame.ground_position(place.east_m, place.north_m);
                place.expect("near")
            });
            told.points = Some(Points::new(places).expect("a line"));
            told
        });
        let width = LaneWidth::nearest_m(10.0).expect("a number");
        let link = Link::new(from, width, lanes).expect("lanes");
        let node = Node::new(site.node, site.origin, [link]).expect("a node");
        Map::new(MsgCount::new(0).expect("in range"), [node]).expect("a map")
    };
    let judged = |off| {
        let mut judge = MapJudge::new(site.frame, site.node, &roads);
        judge.hear(&told(off));
        judge.hear(&told(off));
        judge
    };
    let right = judged(Point::default());
    assert!(right.centre_line_m.quantile(1.0).expect("lines") < 0.02);
    assert!(right.stop_line_m.quantile(1.0).expect("lines") < 0.02);
    assert_eq!(right.missing(), (12, 9));
    assert_eq!(right.stop_line_m.count(), 3, "once each");
    // That approach leads south.
    let off = judged(Point::new(0.5, 1.0));
    assert!((off.centre_line_m.quantile(0.5).expect("lines") - 0.5).abs() < 0.02);
    assert!((off.stop_line_m.quantile(0.5).expect("lines") - 1.0).abs() < 0.02);
}

#[test]
fn whoever_crosses_unseen_is_a_conflict_and_ordinary_traffic_is_none() {
    let conflicts = |name: &str, seconds: u32| {
        let scenario = scenario(name);
        let mut world = scenario.world(1).expect("a world");
        let epoch = Epoch::new(Mono::ZERO, scenario.start);
        let mut truth = Truth::new(epoch, world.signals().clone());
        let objects = nobody_heard();
        let mut judge = ConflictJudge::new(scenario.walls().expect("walls"));
        for _ in 0..seconds * 10 {
            world.step();
            truth.keep(&world);
            judge.follow(&world, &truth, &objects, &WarningJudge::default());
        }
        judge.found
    };
    assert_eq!(conflicts("moyu-boyuan.toml", 120), []);
    let found = conflicts("tongji-blind-corner.toml", 440);
    assert!(!found.is_empty());
    assert!(found.iter().any(|one| one.hidden), "{found:?}");
    // Nobody was listening.
    assert!(found.iter().all(|one| one.shown_s + one.warned_s < 1e-9));
}
