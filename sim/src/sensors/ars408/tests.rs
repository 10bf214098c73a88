//! What a radar says of a hand-made road, read back from its bytes by the unit's own decoder.

use rsu::clock::{Now, Utc};
use rsu::inputs::ars408::{Config, Decoder};
use rsu::report::{Content, Detection, Objects};

use super::echoes::EchoModel;
use super::*;
use crate::sensors::air::Air;

const CLEAR: Air = Air {
    visibility_m: 10_000.0,
    rain_mmph: 0.0,
};

fn model(echoes: Option<EchoModel>) -> RadarModel {
    RadarModel {
        cycle_ms: 72.0,
        latency_ms: 60.0,
        latency_jitter_ms: 0.0,
        near_range_m: 70.0,
        near_half_angle_deg: 50.0,
        far_range_m: 200.0,
        far_half_angle_deg: 9.0,
        range_sigma_m: 0.2,
        azimuth_sigma_deg: 0.25,
        speed_sigma_mps: 0.1,
        cross_speed_sigma_mps: 0.3,
        detection: 1.0,
        far_detection: 1.0,
        shadow_detection: 0.6,
        miss_cycles: 1.0,
        extent: 0.0,
        extent_s: 1.0,
        clutter_per_minute: 0.0,
        clutter_cycles: 1.0,
        echoes,
    }
}

const ECHOES: EchoModel = EchoModel {
    cell_m: 1.0,
    cell_deg: 4.0,
    cell_mps: 0.4,
    still_mps: 0.3,
    mirror_detection: 0.5,
    posts: 0,
};

fn car(id: u32, east_m: f64, north_m: f64, direction: Point, speed_mps: f64) -> Body {
    Body {
        id,
        kind: Kind::Car,
        centre: Point::new(east_m, north_m),
        direction,
        speed_mps,
        length_m: 4.6,
        width_m: 1.85,
        height_m: 1.5,
    }
}

const EAST: Point = Point::new(1.0, 0.0);
const NORTH: Point = Point::new(0.0, 1.0);

/// What the unit's own decoder makes of so many cycles of a road on which nothing changes its place.
fn cycles(
    model: RadarModel,
    bodies: &[Body],
    walls: &[Body],
    air: Air,
    count: u32,
) -> Vec<Objects> {
    let mount = Mount {
        up_m: 6.0,
        ..Mount::default()
    };
    let mut radar = Radar::new(model, mount, 0, 1, Mono::ZERO);
    let mut decoder = Decoder::new(Config {
        mount,
        ..Config::default()
    });
    let mut all = Vec::new();
    for _ in 0..count {
        let scene = Snapshot {
            at: radar.poll_timeout(),
            bodies: bodies.to_vec(),
        };
        let view = View {
            scene: &scene,
            walls,
            air,
        };
        let mut bytes = Vec::new();
        let now = Now {
            mono: radar.scan(&view, &mut bytes),
            utc: Utc::from_unix_ns(1_774_008_000_000_000_000),
        };
        decoder.push(now, &bytes, &mut |content| {
            if let Content::Objects(objects) = content {
                all.push(objects);
            }
        });
    }
    all
}

fn seen(all: &[Objects]) -> Vec<&Detection> {
    all.iter().flat_map(|one| &one.detections).collect()
}

#[test]
fn a_queue_that_stands_vanishes_only_where_a_scenario_asks_for_it() {
    let standing = [car(1, 0.0, 40.0, NORTH, 0.0)];
    let keeps = cycles(model(None), &standing, &[], CLEAR, 50);
    assert!(seen(&keeps).len() > 45);
    let loses = cycles(model(Some(ECHOES)), &standing, &[], CLEAR, 50);
    assert!(seen(&loses).is_empty());
    // Who goes straight across is at a standstill to Doppler too.
    let across = [car(1, 0.0, 40.0, EAST, 8.0)];
    assert!(seen(&cycles(model(Some(ECHOES)), &across, &[], CLEAR, 50)).is_empty());
}

#[test]
fn doppler_tells_the_speed_along_the_beam_alone() {
    // At 45 degrees, driving north: 10 m/s are 7.07 along the beam, of which 5 towards north.
    let slanting = [car(1, 25.0, 25.0, NORTH, 10.0)];
    let all = cycles(model(Some(ECHOES)), &slanting, &[], CLEAR, 50);
    let all = seen(&all);
    let north = all
        .iter()
        .map(|one| one.velocity.expect("of Doppler").north_mps);
    let mean = north.sum::<f64>() / all.len() as f64;
    assert!((mean - 5.0).abs() < 0.3, "{mean}");
}

#[test]
fn two_side_by_side_at_one_speed_are_one() {
    // A metre and a half apart at 60 m: within four degrees.
    let pair = [
        car(1, -0.75, 60.0, NORTH, 9.0),
        car(2, 0.75, 60.2, NORTH, 9.0),
    ];
    let per_cycle = |echoes, pair: &[Body]| {
        let all = cycles(model(echoes), pair, &[], CLEAR, 60);
        seen(&all).len() as f64 / all.len() as f64
    };
    assert!(per_cycle(None, &pair) > 1.9);
    assert!(per_cycle(Some(ECHOES), &pair) < 1.6);
    let one_faster = [pair[0], car(2, 0.75, 60.2, NORTH, 12.0)];
    assert!(per_cycle(Some(ECHOES), &one_faster) > 1.9);
}

#[test]
fn walls_hide_and_mirror() {
    let wall = Body {
        kind: Kind::Object,
        length_m: 60.0,
        width_m: 0.4,
        height_m: 8.0,
        ..car(u32::MAX, 10.2, 30.0, NORTH, 0.0)
    };
    let hidden = [car(1, 14.0, 40.0, NORTH, 9.0)];
    assert!(seen(&cycles(model(None), &hidden, &[wall], CLEAR, 30)).is_empty());
    let before = [car(1, 2.0, 40.0, NORTH, 9.0)];
    let all = cycles(model(Some(ECHOES)), &before, &[wall], CLEAR, 200);
    let (real, shown): (Vec<&Detection>, Vec<&Detection>) =
        seen(&all).into_iter().partition(|one| one.east_m < 10.0);
    assert!(real.len() > 190, "{}", real.len());
    assert!((60..180).contains(&shown.len()), "{}", shown.len());
    assert!(shown.iter().all(|one| (one.east_m - 18.0).abs() < 2.0));
    // Nobody asked for mirrors.
    let plain = cycles(model(None), &before, &[wall], CLEAR, 50);
    assert!(seen(&plain).iter().all(|one| one.east_m < 10.0));
}

#[test]
fn posts_echo_at_their_places_and_a_cloudburst_shortens_the_reach() {
    let posts = EchoModel { posts: 3, ..ECHOES };
    let all = cycles(model(Some(posts)), &[], &[], CLEAR, 300);
    let heard = seen(&all);
    assert!((230..370).contains(&heard.len()), "{}", heard.len());
    let mut places: Vec<i64> = heard.iter().map(|one| one.north_m.round() as i64).collect();
    places.sort_unstable();
    places.dedup_by(|a, b| *a - *b < 4);
    assert!(places.len() <= 3, "{places:?}");

    let far = [car(1, 0.0, 190.0, NORTH, 9.0)];
    let rain = Air {
        rain_mmph: 80.0,
        ..CLEAR
    };
    assert!(!seen(&cycles(model(None), &far, &[], CLEAR, 20)).is_empty());
    assert!(seen(&cycles(model(None), &far, &[], rain, 20)).is_empty());
}

#[test]
fn who_is_far_off_is_in_neither_beam() {
    let radar = Radar::new(model(None), Mount::default(), 0, 1, Mono::ZERO);
    let mut draw = Stream::new(3, 1, Purpose::Detection);
    let scene = Snapshot::empty(Mono::ZERO);
    let view = View {
        scene: &scene,
        walls: &[],
        air: CLEAR,
    };
    let (mut far_off, mut seen) = (0, 0);
    for _ in 0..20_000 {
        let (forward_m, left_m) = (draw.between(1.0, 260.0), draw.between(-120.0, 120.0));
        let body = car(1, 0.0, 0.0, Point::new(0.0, 1.0), 0.0);
        let there = (forward_m, left_m, forward_m.hypot(left_m));
        let chance = radar.chance(&body, &view, there);
        if radar.is_far_off(forward_m, left_m) {
            assert_eq!(chance, None, "{forward_m} m, {left_m} m");
            far_off += 1;
        }
        seen += u32::from(chance.is_some());
    }
    assert!(far_off > 5_000 && seen > 1_000, "{far_off}, {seen}");
}
