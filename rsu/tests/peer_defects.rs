//! Twelve defects of an open peer, known from `shared/scenes/README.md`, and what holds the right behaviour
//! here. Where a test stands beside the code that it holds, the table says which; the others are below: bytes
//! of boxes go in, the picture of the road comes out.
//!
//! | | the peer | here | held by |
//! |---|---|---|---|
//! | 1 | drops a second sensor's message of the same or an earlier moment whole | each sensor has a time of its own; what is late is taken in its place | [`what_a_second_sensor_says_of_the_same_or_an_earlier_moment_counts`]; `fusion::tests::time` |
//! | 2 | loses what only the second sensor sees | it is in the picture | [`what_only_the_second_sensor_sees_is_in_the_picture`] |
//! | 3 | keeps cars merged for good that were once taken for one | who parts is two again | [`two_that_were_taken_for_one_are_two_once_they_part`]; `fusion::tests::crossing_targets_keep_their_ids` |
//! | 4 | mirrors footprints about the heading | they lie as their bodies do | `warnings::tests::footprints_are_not_mirrored` |
//! | 5 | predicts right turns 23 m off | within 1.5 m after 2 s | `warnings::tests::right_turns_are_predicted_on_the_lanes_and_off_them` |
//! | 6 | reads a heading that passes north as -8.9 rad/s | it goes on | `warnings::tests::a_heading_that_passes_north_or_west_goes_on` |
//! | 7 | moves its clock by 60 s for a frame 100 ms late | nothing is dated by the order of marks | [`a_frame_that_comes_late_moves_no_clock`]; `inputs::heard::tests::a_stamp_of_the_minute_before_is_of_a_moment_ago`; `warnings::tests::a_late_look_moves_no_clock` |
//! | 8 | samples the time to collision each half second and misses 37 of 89 phases | all 89 | `warnings::tests::fast_cars_meet_whatever_their_phase` |
//! | 9 | never matches TRACK messages of radars | one road user, two sources | [`a_radars_track_and_a_cameras_participant_are_one`] |
//! | 10 | breaks on a lane that it does not know | lanes are the site's; who is on none is followed, nobody else notices | [`a_lane_that_nobody_knows_does_no_harm`]; `events::ask::tests` |
//! | 11 | has one limit for slow and for fast, so that every car is one of them, 11,600 times in 12 s | a car within both is neither, an event is raised once | `events::detect::tests::whoever_is_fast_is_never_slow_whatever_is_asked_for`, `events::detect::cases` |
//! | 12 | tells everything 200 ms late | RSM tells the moment at which it is sent | `station::tests::a_predicted_position_fits_its_time`, `station::tests::rsm_keeps_ten_a_second_and_tells_the_moment_of_sending` |

use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::events::Origin;
use rsu::fusion::{Config, Fusion, Pose, Sensor, Track};
use rsu::inputs::openv2x::{self, Decoder};
use rsu::report::{Content, InputId, Objects, Report};
use rsu::services::Frame;
use rsu::site::Site;
use rsu::station::{self, Input, Station};
use serde_json::{Value, json};
use v2x_msg::base::EnuFrame;
use v2x_msg::kinds::rsm::Source;

const FIRST: InputId = InputId(1);
const SECOND: InputId = InputId(2);

fn site() -> Site {
    let text = include_str!("../../configs/sites/moyu-boyuan.toml");
    Site::parse(text, "moyu-boyuan.toml").expect("the site is sound")
}

/// So long after a beginning, shortly before a full minute of UTC.
fn at(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(100_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(1_767_225_659_000).expect("a moment of 2026")
            + Duration::from_millis(ms),
    }
}

/// At the origin, looking east unless turned.
fn pose(yaw_deg: f64) -> Pose {
    Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 7.0,
        yaw_rad: yaw_deg.to_radians(),
    }
}

/// Two boxes, each with a decoder of its own, and the picture that they make.
struct Unit {
    frame: EnuFrame,
    boxes: Vec<(InputId, Decoder)>,
    fusion: Fusion,
    /// The moments that the boxes' messages were taken to be of.
    seen_at: Vec<Mono>,
}

/// One road user as a box tells of it: number, east, north, speed east and north.
type Told = (u16, f64, f64, f64, f64);

impl Unit {
    /// With these sensors, and so long from the scene to the arrival of each one's messages.
    fn new(sensors: [(Sensor, u64); 2]) -> Self {
        let frame = site().frame;
        let decoder = |latency_ms| {
            Decoder::new(openv2x::Config {
                frame,
                latency: Duration::from_millis(latency_ms),
                ..openv2x::Config::default()
            })
        };
        let boxes = sensors.map(|(sensor, latency_ms)| (sensor.input, decoder(latency_ms)));
        Self {
            frame,
            boxes: boxes.into_iter().collect(),
            fusion: Fusion::new(Config {
                sensors: sensors.map(|(sensor, _)| sensor).to_vec(),
                ..Config::default()
            }),
            seen_at: Vec::new(),
        }
    }

    fn hear(&mut self, which: usize, now: Now, text: &str) {
        let (input, decoder) = &mut self.boxes[which];
        decoder.push(now, text.as_bytes(), &mut |content| {
            let Content::Objects(objects) = content else {
                panic!("{content:?}")
            };
            self.seen_at.push(objects.seen_at);
            self.fusion.handle_objects(*input, &objects);
        });
    }

    fn tracks(&mut self, now: Now) -> Vec<Track> {
        self.fusion.picture(now.mono).tracks.to_vec()
    }

    /// Who is within 1.5 m of a place; it must be one.
    fn one_at(&mut self, now: Now, east_m: f64, north_m: f64) -> Track {
        let tracks = self.tracks(now);
        let mut there = tracks
            .iter()
            .filter(|track| (track.east_m - east_m).hypot(track.north_m - north_m) < 1.5);
        match (there.next(), there.next()) {
            (Some(one), None) => *one,
            _ => panic!("at {east_m}, {north_m}: {tracks:?}"),
        }
    }

    /// An RSM as the standard has it, with a mark of the minute.
    fn rsm(&self, sec_mark_ms: i64, seen: &[Told]) -> String {
        let participant = |&(number, east_m, north_m, east_mps, north_mps): &Told| {
            let pos = self
                .frame
                .ground_position(east_m, north_m)
                .expect("near the site");
            let heading_deg = east_mps.atan2(north_mps).to_degrees().rem_euclid(360.0);
            json!({
                "ptcType": "motor", "ptcId": number, "source": 5, "secMark": sec_mark_ms,
                "pos": { "lat": (pos.lat_deg() * 1e7).round(), "lon": (pos.lon_deg() * 1e7).round() },
                "speed": (east_mps.hypot(north_mps) / 0.02).round(),
                "heading": (heading_deg / 0.0125).round(),
                "size": { "length": 450, "width": 180, "height": 30 },
            })
        };
        let participants: Vec<Value> = seen.iter().map(participant).collect();
        let rsms = json!([{ "secMark": sec_mark_ms, "participants": participants }]);
        json!({ "name": "R1", "content": { "rsms": rsms } }).to_string()
    }

    /// A TRACK as the radar box has it, with whatever it says of a lane.
    fn track(&self, seconds: u64, lane: &Value, seen: &[Told]) -> String {
        let target = |&(number, east_m, north_m, east_mps, north_mps): &Told| {
            let pos = self
                .frame
                .ground_position(east_m, north_m)
                .expect("near the site");
            json!({
                "targetId": number, "targetType": 3, "laneNo": lane,
                "latitude": pos.lat_deg(), "longitude": pos.lon_deg(),
                "headingAngle": east_mps.atan2(north_mps).to_degrees().rem_euclid(360.0),
                "speed": -east_mps.hypot(north_mps), "confidenceLevel": 90,
                "targetLength": 4.5, "targetWidth": 1.8, "targetHeight": 1.5,
            })
        };
        let targets: Vec<Value> = seen.iter().map(target).collect();
        json!({ "timeStamp": seconds.to_string(), "number": targets.len(), "targets": targets })
            .to_string()
    }
}

/// The mark of the minute at a moment.
fn mark(now: Now) -> i64 {
    now.utc.unix_ms().rem_euclid(60_000)
}

#[test]
fn what_a_second_sensor_says_of_the_same_or_an_earlier_moment_counts() {
    for behind_ms in [0, 60] {
        let mut unit = Unit::new([
            (Sensor::camera(FIRST, pose(0.0)), 0),
            (Sensor::camera(SECOND, pose(0.0)), behind_ms),
        ]);
        // One is seen by both, until the first one sees it no more.
        let place = |ms: u64| 20.0 + 10.0 * ms as f64 / 1000.0;
        for step in 0..30 {
            let now = at(step * 100);
            let first = (1, place(step * 100), 0.0, 10.0, 0.0);
            let first: &[Told] = if step < 15 { &[first] } else { &[] };
            let text = unit.rsm(mark(now), first);
            unit.hear(0, now, &text);
            let ago_ms = (step * 100).saturating_sub(behind_ms);
            let text = unit.rsm(mark(at(ago_ms)), &[(9, place(ago_ms), 0.0, 10.0, 0.0)]);
            unit.hear(1, now, &text);
        }
        let one = unit.one_at(at(2900), place(2900), 0.0);
        assert_eq!(one.sources, 0b11, "{behind_ms} ms behind");
        assert_eq!(unit.tracks(at(2900)).len(), 1);
        let counts = unit.fusion.counts();
        assert_eq!(
            (counts.frames, counts.too_late, counts.malformed),
            (60, 0, 0)
        );
        assert_eq!(counts.late > 0, behind_ms > 0);
    }
}

#[test]
fn what_only_the_second_sensor_sees_is_in_the_picture() {
    let mut unit = Unit::new([
        (Sensor::camera(FIRST, pose(0.0)), 50),
        (Sensor::camera(SECOND, pose(90.0)), 50),
    ]);
    let mut numbers = Vec::new();
    for step in 0..50 {
        let now = at(step * 100);
        let gone_m = 0.4 * step as f64;
        // One where both look, one where the second looks alone.
        let shared = (1, 30.0, 28.0, 0.0, 0.0);
        let alone = (2, -20.0 + gone_m, 50.0, 4.0, 0.0);
        let text = unit.rsm(mark(now), &[shared]);
        unit.hear(0, now, &text);
        let text = unit.rsm(mark(now), &[shared, alone]);
        unit.hear(1, now, &text);
        if step >= 10 {
            assert_eq!(unit.tracks(now).len(), 2, "step {step}");
            let track = unit.one_at(now, -20.0 + gone_m + 0.2, 50.0);
            assert_eq!(track.sources, 0b10);
            numbers.push(track.id);
        }
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
}

#[test]
fn two_that_were_taken_for_one_are_two_once_they_part() {
    let mut unit = Unit::new([
        (Sensor::camera(FIRST, pose(0.0)), 0),
        (Sensor::camera(SECOND, pose(0.0)), 0),
    ]);
    let mut were_one = false;
    for step in 0..60 {
        let now = at(step * 100);
        let t = step as f64 / 10.0;
        let east_m = 20.0 + 6.0 * t;
        let apart_s = (t - 1.5).max(0.0);
        let north_mps = if apart_s > 0.0 { 2.5 } else { 0.0 };
        let one = (1, east_m, 0.0, 6.0, 0.0);
        let other = (2, east_m, 1.0 + 2.5 * apart_s, 6.0, north_mps);
        // While one hides the other each camera sees only one of them.
        let hidden = apart_s == 0.0;
        let both = [one, other];
        let text = unit.rsm(mark(now), if hidden { &both[..1] } else { &both });
        unit.hear(0, now, &text);
        let text = unit.rsm(mark(now), if hidden { &both[1..] } else { &both });
        unit.hear(1, now, &text);
        were_one |= hidden && step > 5 && unit.tracks(now).len() == 1;
    }
    assert!(were_one, "they were never taken for one");
    let now = at(5900);
    let (one, other) = (
        unit.one_at(now, 55.4, 0.0),
        unit.one_at(now, 55.4, 1.0 + 2.5 * 4.4),
    );
    assert_ne!(one.id, other.id);
    assert_eq!((one.sources, other.sources), (0b11, 0b11));
    assert_eq!(unit.tracks(now).len(), 2);
}

#[test]
fn a_frame_that_comes_late_moves_no_clock() {
    let mut unit = Unit::new([
        (Sensor::camera(FIRST, pose(0.0)), 100),
        (Sensor::camera(SECOND, pose(0.0)), 100),
    ]);
    let place = |ms: u64| 20.0 + 10.0 * ms as f64 / 1000.0;
    // Two frames in the wrong order, 100 ms apart, and a mark that begins again with the minute, which is
    // a second from the beginning.
    let order = [
        0, 100, 200, 400, 300, 500, 600, 700, 800, 900, 1100, 1000, 1200, 1300,
    ];
    for ms in order {
        let arrived = at(ms + 100);
        let text = unit.rsm(mark(at(ms)), &[(1, place(ms), 0.0, 10.0, 0.0)]);
        unit.hear(0, arrived, &text);
    }
    assert_eq!(unit.seen_at, order.map(|ms| at(ms).mono));
    let counts = unit.fusion.counts();
    assert_eq!(
        (counts.time_jumps, counts.restarts, counts.too_late),
        (0, 0, 0)
    );
    let track = unit.one_at(at(1300), place(1300), 0.0);
    assert!((track.velocity.east_mps - 10.0).abs() < 1.0, "{track:?}");
    assert_eq!(track.seen_at, at(1300).mono);
}

#[test]
fn a_radars_track_and_a_cameras_participant_are_one() {
    let mut unit = Unit::new([
        (Sensor::camera(FIRST, pose(0.0)), 40),
        (Sensor::tracking_radar(SECOND, pose(0.0)), 40),
    ]);
    for step in 0..80 {
        let now = at(step * 50);
        let east_m = 20.0 + 10.0 * 0.05 * step as f64;
        // The camera on even steps, the radar on the others, half a metre nearer: it sees the rear.
        if step % 2 == 0 {
            let text = unit.rsm(mark(now), &[(1, east_m - 0.4, 0.0, 10.0, 0.0)]);
            unit.hear(0, now, &text);
        } else {
            let seen = [(77, east_m - 0.9, 0.2, 10.0, 0.0)];
            let text = unit.track(step / 20, &json!(1), &seen);
            unit.hear(1, now, &text);
        }
        if step > 20 {
            assert_eq!(unit.tracks(now).len(), 1, "step {step}");
            assert_eq!(unit.one_at(now, east_m, 0.0).sources, 0b11);
        }
    }
}

#[test]
fn a_lane_that_nobody_knows_does_no_harm() {
    let site = site();
    let input = |id, name: &str| Input {
        id,
        name: name.to_owned(),
        source: Source::MicrowaveRadar,
    };
    let sensor = Sensor::tracking_radar(SECOND, pose(90.0));
    let config = station::Config {
        inputs: vec![input(InputId(0), "signal"), input(SECOND, "radar")],
        fusion: Config {
            sensors: vec![sensor],
            ..Config::default()
        },
        warnings: rsu::warnings::Config {
            conflicts_within: Some(Duration::from_secs(3)),
            red_light: true,
            ..rsu::warnings::Config::default()
        },
        ..station::Config::default()
    };
    let mut unit = Unit::new([(sensor, 0), (Sensor::camera(FIRST, pose(0.0)), 0)]);
    let mut station = Station::new(config, site, at(0), 1).unwrap();
    let mut frame = Frame::new();
    let lanes = [
        json!(99),
        json!(-1),
        json!(1e300),
        json!("lane-x"),
        json!(null),
        json!([2]),
        json!({}),
    ];
    let mut known = 0;
    for step in 0..400_u64 {
        let now = at(step * 50);
        let t = step as f64 * 0.05;
        // Two in a field beside the road; one stands in a lane that leads away to the north.
        let seen = [
            (1, 60.0, 60.0 + 2.0 * t, 0.0, 2.0),
            (2, -70.0, 80.0, 0.0, 0.0),
            (
                3,
                5.0,
                60.0 + 10.0 * t.min(2.0),
                0.0,
                if t < 2.0 { 10.0 } else { 0.0 },
            ),
        ];
        let text = unit.track(step / 20, &lanes[step as usize % lanes.len()], &seen);
        let mut heard: Vec<Objects> = Vec::new();
        unit.boxes[0].1.push(now, text.as_bytes(), &mut |content| {
            if let Content::Objects(objects) = content {
                heard.push(objects);
            }
        });
        for objects in heard {
            known += objects.detections.len();
            let content = Content::Objects(objects);
            let arrived = now;
            let report = Report {
                input: SECOND,
                arrived,
                content,
            };
            station.handle_report(now, &report);
        }
        station.handle_timeout(now);
        while station.poll_transmit(&mut frame) {}
        while station.poll_event().is_some() {}
    }
    assert_eq!(known, 3 * 400, "somebody was left out for its lane");
    let told: Vec<u16> = station
        .road_events()
        .filter(|shown| shown.origin == Origin::Picture)
        .map(|shown| shown.event.event_type.0)
        .collect();
    assert_eq!(told, [903], "the one that stands in the lane, nobody else");
}
