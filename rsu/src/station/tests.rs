//! The station as the shell sees it: reports and time in, frames out, in virtual time.

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::base::{Countdown, DSecond};
use v2x_msg::kinds::rsi::{EventSource, EventType};
use v2x_msg::kinds::{Map, Rsi, Rsm, Spat, rsi, spat};

use super::*;
use crate::clock::Utc;
use crate::fusion::{Pose, Sensor};
use crate::report::{
    Class, Covariance, Detection, LampState, LampStates, Light, Objects, Velocity,
};
use crate::services::fixture::crossing;
use crate::site::Posted;

pub(super) const CONTROLLER: InputId = InputId(0);
pub(super) const RADAR: InputId = InputId(1);
/// 2026-01-01T00:00:00Z.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// A station, its virtual clock and everything it said.
struct Bench {
    station: Station,
    now: Now,
    frame: Frame,
    heard: Vec<Heard>,
    events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq)]
struct Heard {
    ms: i64,
    kind: FrameKind,
    bytes: Vec<u8>,
    slot: Option<Mono>,
    cause: Option<Now>,
}

impl Heard {
    fn message(&self) -> Message {
        let dsmp = dsmp::parse(&self.bytes).unwrap();
        assert_eq!(dsmp.aid().unwrap(), self.kind.aid());
        Message::decode(dsmp.data).unwrap()
    }

    fn spat(&self) -> Spat {
        Spat::read(&self.message()).unwrap()
    }

    fn rsm(&self) -> Rsm {
        Rsm::read(&self.message()).unwrap()
    }
}

pub(super) fn config() -> Config {
    let pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 5.0,
        yaw_rad: 0.0,
    };
    let input = |id, name: &str, source| Input {
        id,
        name: name.to_owned(),
        source,
    };
    Config {
        inputs: vec![
            input(CONTROLLER, "controller", Source::Unknown),
            input(RADAR, "radar", Source::MicrowaveRadar),
        ],
        fusion: fusion::Config {
            sensors: vec![Sensor::tracking_radar(RADAR, pose)],
            ..fusion::Config::default()
        },
        ..Config::default()
    }
}

impl Bench {
    /// Starts `ms` after the New Year of 2026.
    fn start_with(config: Config, site: Site, ms: i64, seed: u64) -> Self {
        let now = Now {
            mono: Mono::ZERO + Duration::from_secs(1000),
            utc: Utc::from_unix_ms(NEW_YEAR_MS + ms).unwrap(),
        };
        let station = Station::new(config, site, now, seed).unwrap();
        let (heard, events) = (Vec::new(), Vec::new());
        let mut bench = Self {
            station,
            now,
            frame: Frame::new(),
            heard,
            events,
        };
        bench.drain();
        bench
    }

    fn start(ms: i64) -> Self {
        Self::start_with(config(), crossing(2, 2), ms, 1)
    }

    fn sleep_until(&mut self, mono: Mono) {
        let wait = mono.since(self.now.mono);
        self.now = Now {
            mono: self.now.mono + wait,
            utc: self.now.utc + wait,
        };
    }

    /// Runs the heart's loop up to the millisecond `ms` of UTC.
    fn run_to(&mut self, ms: i64) {
        let left_ms = u64::try_from(ms - self.ms()).unwrap();
        let end = self.now.mono + Duration::from_millis(left_ms);
        while self.station.poll_timeout() <= end {
            self.sleep_until(self.station.poll_timeout());
            self.station.handle_timeout(self.now);
            self.drain();
        }
        self.sleep_until(end);
    }

    fn report(&mut self, input: InputId, content: Content) {
        let report = Report {
            input,
            arrived: self.now,
            content,
        };
        self.station.handle_report(self.now, &report);
        self.drain();
    }

    /// All phases show `light` for `countdown_s` more seconds.
    fn lamps(&mut self, light: Light, countdown_s: Option<u16>) {
        let lamps = (1..=4).map(|lamp| LampState {
            lamp,
            light,
            countdown_s,
        });
        self.report(
            CONTROLLER,
            Content::Lamps(LampStates {
                lamps: lamps.collect(),
                ..LampStates::default()
            }),
        );
    }

    /// The radar sees `cars` cars, in a row 20 m apart, that drive east at 10 m/s.
    fn radar(&mut self, cars: u16) {
        let round = |sigma: f64| Covariance::from_axes(0.0, sigma, sigma);
        let seconds = self.now.mono.since(Mono::ZERO).as_secs_f64() % 100.0;
        let detections = (0..cars).map(|place| Detection {
            device_id: Some(place),
            own_id: None,
            east_m: 20.0 + 10.0 * seconds,
            north_m: f64::from(place) * 6.0 - 40.0,
            position_cov: round(0.3),
            velocity: Some(Velocity {
                east_mps: 10.0,
                north_mps: 0.0,
                cov: round(0.2),
            }),
            yaw_rad: None,
            size: None,
            class: Class::Car,
            emergency: false,
            existence: 0.99,
        });
        let objects = Objects {
            seen_at: self.now.mono,
            detections: detections.collect(),
        };
        self.report(RADAR, Content::Objects(objects));
    }

    fn drain(&mut self) {
        while self.station.poll_transmit(&mut self.frame) {
            let heard = Heard {
                ms: self.ms(),
                kind: self.frame.kind,
                bytes: self.frame.bytes().to_vec(),
                slot: self.frame.slot,
                cause: self.frame.cause,
            };
            self.heard.push(heard);
        }
        while let Some(event) = self.station.poll_event() {
            self.events.push(event);
        }
    }

    /// UTC in milliseconds after New Year, rounded down.
    fn ms(&self) -> i64 {
        self.now.utc.unix_ms() - NEW_YEAR_MS
    }

    fn of(&self, kind: FrameKind) -> impl Iterator<Item = &Heard> {
        self.heard.iter().filter(move |heard| heard.kind == kind)
    }

    fn times(&self, kind: FrameKind) -> Vec<i64> {
        self.of(kind).map(|heard| heard.ms).collect()
    }
}

#[test]
fn spat_keeps_its_grid_across_new_year() {
    let mut bench = Bench::start(-240);
    bench.lamps(Light::Red, Some(20));
    bench.run_to(210);
    let times = bench.times(FrameKind::Spat);
    assert_eq!(times, [-240, -200, -100, 0, 100, 200]);
    let minutes: Vec<_> = bench
        .of(FrameKind::Spat)
        .map(|heard| {
            let spat = heard.spat();
            (spat.moy.unwrap().value(), spat.time_stamp.unwrap().ms())
        })
        .collect();
    let last_year = 365 * 1440 - 1;
    assert_eq!(
        minutes[1..4],
        [(last_year, 59_800), (last_year, 59_900), (0, 0)]
    );
}

#[test]
fn a_change_of_colour_leaves_in_the_same_wake_up() {
    let mut bench = Bench::start(5);
    bench.lamps(Light::Red, Some(20));
    bench.run_to(137);
    bench.heard.clear();
    bench.lamps(Light::Green, Some(30));
    assert_eq!(bench.times(FrameKind::Spat), [137]);
    assert_eq!(
        (bench.heard[0].slot, bench.heard[0].cause),
        (None, Some(bench.now))
    );
    // The same colour again leaves with the grid.
    bench.run_to(150);
    bench.lamps(Light::Green, Some(30));
    bench.run_to(205);
    assert_eq!(bench.times(FrameKind::Spat), [137, 200]);
    assert_eq!(bench.station.stats().sent_at_change, 2);
}

#[test]
fn a_controller_that_falls_silent_stops_spat_once_and_starts_it_again() {
    let mut bench = Bench::start(5);
    bench.run_to(1000);
    assert!(bench.times(FrameKind::Spat).is_empty());
    bench.lamps(Light::Red, Some(20));
    bench.run_to(60_000);
    let last = *bench.times(FrameKind::Spat).last().unwrap();
    assert!(
        last < 30_000,
        "SPAT still went out {last} ms after New Year"
    );
    bench.lamps(Light::Red, Some(20));
    bench.run_to(60_200);
    assert_eq!(
        bench.events,
        [Event::SpatStarted, Event::SpatStopped, Event::SpatStarted]
    );
    assert!(bench.times(FrameKind::Spat).contains(&60_100));
}

#[test]
fn a_radar_report_in_the_open_slot_leaves_at_once() {
    let mut bench = Bench::start(0);
    bench.radar(3);
    bench.run_to(140);
    bench.heard.clear();
    bench.radar(3);
    assert_eq!(bench.times(FrameKind::Rsm), [140]);
    assert_eq!(bench.heard[0].cause, Some(bench.now));
    bench.run_to(249);
    assert_eq!(bench.times(FrameKind::Rsm), [140]);
}

#[test]
fn a_silent_radar_stops_rsm_and_says_so_once() {
    let mut bench = Bench::start(0);
    for _ in 0..10 {
        bench.radar(3);
        let next = bench.ms() + 100;
        bench.run_to(next);
    }
    bench.run_to(10_000);
    let last = *bench.times(FrameKind::Rsm).last().unwrap();
    assert!((1800..=1950).contains(&last), "{last}");
    assert_eq!(bench.events, [Event::RsmStarted, Event::RsmStopped]);
    bench.radar(3);
    bench.run_to(10_100);
    assert_eq!(bench.events.last(), Some(&Event::RsmStarted));
}

#[test]
fn rsm_keeps_ten_a_second_and_tells_the_moment_of_sending() {
    let mut bench = Bench::start(0);
    for _ in 0..200 {
        bench.radar(20);
        let next = bench.ms() + 50;
        bench.run_to(next);
    }
    let mut slots: Vec<_> = bench.of(FrameKind::Rsm).map(|heard| heard.slot).collect();
    slots.dedup();
    assert!((99..=101).contains(&slots.len()), "{}", slots.len());
    for heard in bench.of(FrameKind::Rsm) {
        let expected = heard.ms.rem_euclid(60_000) as u16;
        for participant in heard.rsm().participants() {
            assert_eq!(participant.sec_mark.map(DSecond::ms), Some(expected));
        }
    }
    // 20 cars and the RSU itself, twice: two messages a slot.
    let settled: Vec<_> = bench.of(FrameKind::Rsm).map(Heard::rsm).collect();
    let sizes: Vec<_> = settled.iter().map(|rsm| rsm.participants().len()).collect();
    assert_eq!(sizes[sizes.len() - 2..], [16, 6]);
    for pair in settled.windows(2) {
        assert_eq!(pair[0].msg_cnt.next(), pair[1].msg_cnt);
    }
}

#[test]
fn a_predicted_position_fits_its_time() {
    let mut bench = Bench::start(0);
    for _ in 0..40 {
        bench.radar(1);
        let next = bench.ms() + 70;
        bench.run_to(next);
    }
    let last = bench.of(FrameKind::Rsm).last().unwrap();
    let rsm = last.rsm();
    let place = bench.station.site().frame.enu(rsm.participants()[1].pos);
    let truth = 20.0 + 10.0 * (last.ms as f64 / 1000.0);
    assert!(
        (place.east_m - truth).abs() < 0.5,
        "{} {truth}",
        place.east_m
    );
}

#[test]
fn what_is_due_together_leaves_most_urgent_first() {
    let mut config = config();
    let offset = Duration::from_millis(50);
    config.spat.offset = offset;
    config.map.offset = offset;
    config.rsi.offset = offset;
    let mut site = crossing(2, 2);
    site.events = vec![
        Posted::always(rsi::Event::new(
            1,
            EventType::STOPPED,
            EventSource::Detection,
        )),
        Posted::always(rsi::Event::new(
            2,
            EventType::WORKS,
            EventSource::Government,
        )),
    ];
    let mut bench = Bench::start_with(config, site, 0, 1);
    bench.lamps(Light::Red, None);
    bench.radar(1);
    bench.heard.clear();
    bench.run_to(50);
    let kinds: Vec<_> = bench.heard.iter().map(|heard| heard.kind).collect();
    use FrameKind::{RsiDynamic, RsiSemiStatic, Spat};
    assert_eq!(
        kinds,
        [
            Spat,
            FrameKind::Rsm,
            RsiDynamic,
            FrameKind::Map,
            RsiSemiStatic
        ]
    );
}

#[test]
fn with_an_unfit_clock_nothing_claims_a_time() {
    let mut config = config();
    config.clock_error_limit = Some(Duration::from_millis(150));
    let mut site = crossing(2, 2);
    site.events = vec![Posted::always(rsi::Event::new(
        2,
        EventType::WORKS,
        EventSource::Government,
    ))];
    let mut bench = Bench::start_with(config, site, 0, 1);
    let unfit = ClockState {
        synchronised: true,
        error: Some(Duration::from_secs(2)),
    };
    bench.station.handle_clock(bench.now, unfit);
    bench.lamps(Light::Red, None);
    bench.radar(1);
    bench.run_to(1500);
    assert!(bench.times(FrameKind::Spat).is_empty());
    assert!(bench.times(FrameKind::Rsm).is_empty());
    for heard in bench.of(FrameKind::Map) {
        assert_eq!(Map::read(&heard.message()).unwrap().time_stamp, None);
    }
    for heard in bench.of(FrameKind::RsiSemiStatic) {
        assert_eq!(Rsi::read(&heard.message()).unwrap().moy, None);
    }
    assert_eq!(bench.of(FrameKind::RsiSemiStatic).count(), 3);
    let error = Some(Duration::from_secs(2));
    assert_eq!(bench.events, [Event::ClockUnfit { error }]);
    let fit = ClockState {
        synchronised: true,
        error: Some(Duration::from_millis(1)),
    };
    bench.station.handle_clock(bench.now, fit);
    bench.lamps(Light::Red, None);
    bench.radar(1);
    bench.run_to(1700);
    assert!(bench.of(FrameKind::Spat).count() > 0 && bench.of(FrameKind::Rsm).count() > 0);
}

#[test]
fn same_reports_and_seed_give_the_same_bytes() {
    let run = |seed| {
        let mut bench = Bench::start_with(config(), crossing(2, 2), -500, seed);
        for step in 0..60 {
            bench.radar(step % 23);
            if step % 10 == 0 {
                let light = if step % 20 == 0 {
                    Light::Red
                } else {
                    Light::Green
                };
                bench.lamps(light, Some(step));
            }
            let next = bench.ms() + 37;
            bench.run_to(next);
        }
        (bench.heard, bench.events)
    };
    let first = run(7);
    assert!(first.0.len() > 40);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
}

#[test]
fn a_stall_is_counted_and_told_and_does_not_bunch() {
    let mut bench = Bench::start(0);
    bench.lamps(Light::Red, Some(60));
    bench.run_to(250);
    bench.heard.clear();
    // Half a second in which nobody calls.
    bench.sleep_until(bench.now.mono + Duration::from_millis(530));
    bench.station.handle_timeout(bench.now);
    bench.drain();
    bench.run_to(1000);
    assert_eq!(bench.times(FrameKind::Spat), [800, 900, 1000]);
    let missed = Event::SlotsMissed {
        kind: FrameKind::Spat,
        count: 5,
    };
    assert!(bench.events.contains(&missed), "{:?}", bench.events);
    assert_eq!(bench.station.stats().missed[FrameKind::Spat.index()], 5);
}

#[test]
fn a_step_of_utc_moves_the_grid_and_keeps_the_rate() {
    let mut bench = Bench::start(0);
    bench.lamps(Light::Red, Some(60));
    bench.run_to(1000);
    bench.heard.clear();
    // UTC falls back by an hour and 33 ms.
    bench.now.utc = bench.now.utc - Duration::from_millis(3_600_033);
    bench.station.handle_timeout(bench.now);
    bench.drain();
    let began = bench.ms();
    bench.run_to(began + 1000);
    let times = bench.times(FrameKind::Spat);
    assert!(times.iter().all(|ms| ms.rem_euclid(100) == 0), "{times:?}");
    assert!((9..=10).contains(&times.len()), "{times:?}");
    assert_eq!(bench.station.stats().missed, [0; 8]);
}

#[test]
fn without_any_input_only_the_road_is_told() {
    let mut bench = Bench::start(0);
    bench.run_to(3000);
    assert_eq!(bench.heard.len(), bench.of(FrameKind::Map).count());
    assert_eq!(bench.times(FrameKind::Map), [30, 1030, 2030]);
    assert!(bench.events.is_empty(), "{:?}", bench.events);
}

#[test]
fn reports_that_fusion_refuses_do_not_look_fresh() {
    let mut bench = Bench::start(0);
    for _ in 0..20 {
        let objects = Objects {
            seen_at: bench.now.mono,
            ..Objects::default()
        };
        bench.report(InputId(9), Content::Objects(objects));
        let next = bench.ms() + 100;
        bench.run_to(next);
    }
    assert!(bench.times(FrameKind::Rsm).is_empty());
}

#[test]
fn a_countdown_goes_out_in_tenths_from_the_moment_of_sending() {
    let mut bench = Bench::start(5);
    bench.lamps(Light::Red, Some(20));
    bench.run_to(1005);
    bench.lamps(Light::Red, Some(19));
    bench.run_to(1500);
    let last = bench.of(FrameKind::Spat).last().unwrap();
    let spat = last.spat();
    let state = spat.intersections[0].phases()[0].states()[0];
    let Some(spat::Timing::Counting(counting)) = state.timing else {
        panic!("{state:?}")
    };
    // 20 s from 5 ms on, told at 1500 ms; of a red no tenth too little.
    assert_eq!(counting.ends.likely().map(Countdown::tenths), Some(186));
    assert_eq!(counting.start.map(Countdown::tenths), Some(0));
}

#[test]
fn conflicting_greens_are_told_once_and_spat_tells_no_light() {
    let mut site = crossing(2, 2);
    let ids: Vec<_> = site.phases.iter().map(|phase| phase.id).collect();
    site.conflicts = vec![(ids[0], ids[1])];
    let mut bench = Bench::start_with(config(), site, 5, 1);
    for second in 0..3 {
        bench.lamps(Light::Green, Some(20 - second));
        let next = bench.ms() + 1000;
        bench.run_to(next);
    }
    let conflict = Event::ConflictingGreens {
        first: ids[0],
        second: ids[1],
    };
    assert_eq!(
        bench
            .events
            .iter()
            .filter(|event| **event == conflict)
            .count(),
        1
    );
    let spat = bench.of(FrameKind::Spat).last().unwrap().spat();
    let lights = spat.intersections[0]
        .phases()
        .iter()
        .map(|phase| phase.states()[0].light);
    assert!(
        lights
            .clone()
            .all(|light| light == spat::Light::Unavailable)
    );
}

#[test]
fn the_id_is_the_configured_one_or_random_at_start() {
    let id_of = |id: Option<StationId>, seed| {
        let mut bench = Bench::start_with(Config { id, ..config() }, crossing(2, 2), 0, seed);
        bench.radar(1);
        bench.run_to(60);
        bench.of(FrameKind::Rsm).next().unwrap().rsm().id
    };
    let own = StationId(*b"RSU00001");
    assert_eq!(id_of(Some(own), 1), own);
    assert_eq!(id_of(None, 1), id_of(None, 1));
    assert_ne!(id_of(None, 1), id_of(None, 2));
}

#[test]
fn a_radar_in_step_is_followed_until_its_reports_leave_at_once() {
    let mut bench = Bench::start(0);
    // Halfway between two openings, which is as far off as it can be.
    bench.run_to(90);
    for _ in 0..150 {
        bench.radar(1);
        let next = bench.ms() + 100;
        bench.run_to(next);
    }
    let frames: Vec<_> = bench.of(FrameKind::Rsm).collect();
    let settled = &frames[frames.len() - 50..];
    for heard in settled {
        let arrived = heard.cause.unwrap().utc.unix_ms() - NEW_YEAR_MS;
        assert_eq!(heard.ms, arrived);
    }
}

fn works(until: Option<Utc>) -> Order {
    let mut event = rsi::Event::new(0, EventType::WORKS, EventSource::Government);
    event.level = rsi::Level::new(4).ok();
    Order::Event(Box::new(events::Claim {
        key: events::Key {
            origin: events::Origin::Operator,
            number: 1,
        },
        event,
        keeps_id: false,
        at_m: None,
        until: until.map_or(events::Until::Withdrawn, events::Until::Utc),
    }))
}

/// The events of each RSI that was heard, with the millisecond of UTC at which it left.
fn told(bench: &Bench) -> Vec<(i64, rsi::Event)> {
    let heard = bench.of(FrameKind::RsiSemiStatic);
    heard
        .flat_map(|heard| {
            let rsi = Rsi::read(&heard.message()).unwrap();
            let events = rsi.events().to_vec();
            events.into_iter().map(|event| (heard.ms, event))
        })
        .collect()
}

#[test]
fn an_order_over_new_year_is_told_with_its_minutes_and_ends_at_its_moment() {
    let mut bench = Bench::start(-90_000);
    let until = Utc::from_unix_ms(NEW_YEAR_MS + 60_000);
    let outcome = bench.station.handle_order(bench.now, &mut works(until));
    assert!(matches!(outcome, Outcome::Stands(_)), "{outcome:?}");
    bench.drain();
    bench.run_to(70_000);
    let told = told(&bench);
    let last_year = 365 * 1440;
    for (ms, event) in &told {
        let validity = event.validity;
        assert_eq!(validity.start.unwrap().value(), last_year - 2, "{ms}");
        assert_eq!(validity.end.unwrap().value(), 1, "{ms}");
    }
    // From its slot on, and for five seconds with its end behind it.
    assert!(told[0].0 <= -89_400 && told.last().unwrap().0 > 64_000);
    assert!(told.last().unwrap().0 < 66_000);
}

#[test]
fn a_clock_that_steps_over_new_year_ends_what_is_over_and_tells_nothing_stale() {
    let mut bench = Bench::start(-600_000);
    let until = Utc::from_unix_ms(NEW_YEAR_MS - 300_000);
    bench.station.handle_order(bench.now, &mut works(until));
    bench.drain();
    bench.run_to(-590_000);
    assert!(!told(&bench).is_empty());
    // A step over the end and over New Year: it is sent with its end, and is gone.
    bench.now.utc = Utc::from_unix_ms(NEW_YEAR_MS + 5_000).unwrap();
    bench.station.handle_timeout(bench.now);
    bench.drain();
    bench.heard.clear();
    bench.run_to(20_000);
    let told = told(&bench);
    assert!(
        !told.is_empty() && told.iter().all(|(ms, _)| *ms <= 11_000),
        "{told:?}"
    );
    for (_, event) in &told {
        let end = event.validity.end.unwrap().near(bench.now.utc);
        assert!(end <= bench.now.utc);
    }
    // And back again: what is gone stays gone.
    bench.now.utc = Utc::from_unix_ms(NEW_YEAR_MS - 590_000).unwrap();
    bench.station.handle_timeout(bench.now);
    bench.drain();
    bench.heard.clear();
    bench.run_to(-570_000);
    assert!(self::told(&bench).is_empty());
}

#[test]
fn what_is_turned_away_is_counted() {
    let mut bench = Bench::start(0);
    for number in 0..140 {
        let mut order = works(None);
        if let Order::Event(claim) = &mut order {
            claim.key.number = number;
        }
        bench.station.handle_order(bench.now, &mut order);
    }
    let stats = bench.station.stats();
    let refused = 140 - events::book::MAX_EVENTS as u64;
    assert_eq!((stats.orders, stats.orders_refused), (140, refused));
    assert_eq!(stats.road_events_turned_away, refused);
    bench.drain();
    // All that was taken is told in one slot, eight a message.
    bench.heard.clear();
    bench.run_to(1100);
    let ids: std::collections::BTreeSet<u8> = told(&bench).iter().map(|(_, e)| e.id).collect();
    assert_eq!(ids.len(), events::book::MAX_EVENTS);
    assert_eq!(bench.station.stats().road_events_left_out, 0);
}
