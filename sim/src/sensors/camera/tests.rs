//! What a camera sees of a hand-made road, read back from its bytes by the unit's own decoders.

use rsu::clock::Utc;
use rsu::inputs::{Carrier, detected_objects, openv2x};
use rsu::report::{Content, Objects};
use v2x_msg::base::GeoPosition;

use super::*;
use crate::scenario::{BoxLanguage, IdsModel, MountTable, SurveyTable};
use crate::sensors::air::Air;

fn model() -> CameraModel {
    CameraModel {
        frame_ms: 80.0,
        latency_ms: 90.0,
        latency_spread: 0.15,
        image_px: [1920.0, 1080.0],
        field_of_view_deg: 60.0,
        range_m: 120.0,
        pixel_sigma_px: 2.0,
        tilt_sigma_deg: 0.0,
        detection: 0.97,
        miss_frames: 3.0,
        extent: 0.0,
        extent_s: 1.0,
        confusion: 0.0,
        false_per_frame: 0.0,
        false_frames: 4.0,
        ids: IdsModel::default(),
    }
}

fn table(protocol: BoxLanguage) -> CameraTable {
    CameraTable {
        name: "north-camera".to_owned(),
        mount: MountTable {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 7.0,
            heading_deg: 0.0,
        },
        survey_off: SurveyTable::default(),
        tilt_deg: 10.0,
        protocol,
    }
}

fn frame() -> EnuFrame {
    EnuFrame::new(GeoPosition::from_deg(31.284, 121.161, None).expect("on earth"))
}

fn body(id: u32, kind: Kind, north_m: f64, [length_m, width_m, height_m]: [f64; 3]) -> Body {
    Body {
        id,
        kind,
        centre: Point::new(1.0, north_m),
        direction: Point::new(0.0, 1.0),
        speed_mps: 0.0,
        length_m,
        width_m,
        height_m,
    }
}

fn car(north_m: f64) -> Body {
    body(1, Kind::Car, north_m, [4.6, 1.85, 1.5])
}

fn lorry(north_m: f64) -> Body {
    body(2, Kind::Truck, north_m, [10.0, 2.5, 3.6])
}

const CLEAR: Air = Air {
    visibility_m: 10_000.0,
    rain_mmph: 0.0,
};

/// What the unit's own decoder makes of so many images of these bodies.
fn pictures(model: CameraModel, bodies: &[Body], air: Air, seed: u64, count: u32) -> Vec<Objects> {
    let table = table(BoxLanguage::DetectedObjects);
    let mut camera = Camera::new(model, &table, frame(), 0, seed, Mono::ZERO);
    let mut decoder = detected_objects::Decoder::new(detected_objects::Config {
        carrier: Carrier::Stream,
        frame: frame(),
        ..detected_objects::Config::default()
    });
    let mut all = Vec::new();
    for _ in 0..count {
        let at = camera.poll_timeout();
        let scene = Snapshot {
            at,
            bodies: bodies.to_vec(),
        };
        let view = View {
            scene: &scene,
            walls: &[],
            air,
        };
        let now = Now {
            mono: at,
            utc: noon() + at.since(Mono::ZERO),
        };
        let mut bytes = Vec::new();
        let arrives = camera.shoot(now, 0, &view, &mut bytes);
        let arrived = Now {
            mono: arrives,
            utc: now.utc,
        };
        decoder.push(arrived, &bytes, &mut |content| {
            if let Content::Objects(objects) = content {
                all.push(objects);
            }
        });
    }
    assert_eq!(all.len(), count as usize, "{:?}", decoder.counts());
    all
}

fn noon() -> Utc {
    Utc::from_unix_ms(1_774_008_000_000).expect("a date")
}

fn seen_share(pictures: &[Objects]) -> f64 {
    let seen: usize = pictures.iter().map(|one| one.detections.len()).sum();
    seen as f64 / pictures.len() as f64
}

#[test]
fn places_are_off_by_what_the_box_says() {
    for north_m in [30.0, 60.0, 90.0] {
        let all = pictures(model(), &[car(north_m)], CLEAR, 3, 1500);
        let seen: Vec<&Detection> = all.iter().flat_map(|one| &one.detections).collect();
        assert!(seen.len() > 500, "{}", seen.len());
        let squares = seen.iter().map(|one| (one.north_m - north_m).powi(2));
        let sigma_m = (squares.sum::<f64>() / seen.len() as f64).sqrt();
        let said_m = seen[0].position_cov.nn.sqrt();
        assert!(
            (sigma_m / said_m - 1.0).abs() < 0.15,
            "{sigma_m} and {said_m} at {north_m} m"
        );
    }
}

#[test]
fn a_tilt_is_off_by_the_same_for_a_run_and_by_another_in_the_next() {
    let tilted = CameraModel {
        tilt_sigma_deg: 0.1,
        pixel_sigma_px: 0.2,
        ..model()
    };
    let mean_off_m = |seed| {
        let all = pictures(tilted, &[car(60.0)], CLEAR, seed, 300);
        let seen: Vec<f64> = all
            .iter()
            .flat_map(|one| &one.detections)
            .map(|one| one.north_m - 60.0)
            .collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        let spread = seen
            .iter()
            .map(|off| (off - mean).abs())
            .fold(0.0, f64::max);
        assert!(spread < 0.5, "within a run it stays: {spread}");
        mean
    };
    let means: Vec<f64> = (1..=6).map(mean_off_m).collect();
    let widest = means.iter().copied().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(widest > 0.4, "{means:?}");
    assert!(means.iter().any(|off| *off > 0.0) && means.iter().any(|off| *off < 0.0));
}

#[test]
fn a_lorry_hides_a_car_and_not_the_other_way_round() {
    let behind = pictures(model(), &[car(42.0), lorry(32.0)], CLEAR, 1, 300);
    assert!((0.9..1.1).contains(&seen_share(&behind)), "the lorry alone");
    let before = pictures(model(), &[car(30.0), lorry(42.0)], CLEAR, 1, 300);
    assert!(seen_share(&before) > 1.8, "both");
}

#[test]
fn misses_come_in_runs_whose_share_is_that_of_the_chance() {
    let poor = CameraModel {
        detection: 0.8,
        ..model()
    };
    let all = pictures(poor, &[car(40.0)], CLEAR, 5, 4000);
    let seen: Vec<bool> = all.iter().map(|one| !one.detections.is_empty()).collect();
    let missed = seen.iter().filter(|seen| !**seen).count();
    let runs = seen.windows(2).filter(|two| two[0] && !two[1]).count();
    let share = missed as f64 / seen.len() as f64;
    assert!((0.17..0.24).contains(&share), "{share}");
    let mean = missed as f64 / runs as f64;
    assert!((2.5..3.6).contains(&mean), "{mean}");
}

#[test]
fn the_number_stays_while_somebody_is_seen_again_within_a_second() {
    let all = pictures(model(), &[car(40.0)], CLEAR, 5, 2000);
    let ids: Vec<u16> = all
        .iter()
        .flat_map(|one| &one.detections)
        .filter_map(|one| one.device_id)
        .collect();
    assert!(ids.len() > 1800);
    let changes = ids.windows(2).filter(|two| two[0] != two[1]).count();
    assert!(changes <= 2, "{changes}");
}

#[test]
fn fog_takes_the_far_ones_first_and_the_confidence_with_them() {
    let fog = |visibility_m| Air {
        visibility_m,
        ..CLEAR
    };
    let look = |north_m, air| pictures(model(), &[car(north_m)], air, 2, 300);
    // 5 % of the contrast is left at three quarters of the visibility.
    assert!(seen_share(&look(30.0, fog(80.0))) > 0.9);
    assert!(seen_share(&look(75.0, fog(80.0))) < 0.3);
    assert!(seen_share(&look(45.0, fog(40.0))) < 0.1);
    let sure = |air| {
        let all = look(58.0, air);
        let said: Vec<f64> = all
            .iter()
            .flat_map(|one| &one.detections)
            .map(|one| f64::from(one.existence))
            .collect();
        said.iter().sum::<f64>() / said.len() as f64
    };
    assert!(sure(fog(80.0)) < sure(CLEAR) - 0.15);
}

#[test]
fn false_objects_come_as_often_as_the_model_says_and_do_not_last() {
    let haunted = CameraModel {
        false_per_frame: 0.1,
        ..model()
    };
    let all = pictures(haunted, &[], CLEAR, 4, 3000);
    let mut lives = BTreeMap::new();
    for one in all.iter().flat_map(|one| &one.detections) {
        *lives.entry(one.device_id).or_insert(0_u32) += 1;
    }
    assert!((240..360).contains(&lives.len()), "{}", lives.len());
    let mean = f64::from(lives.values().sum::<u32>()) / lives.len() as f64;
    assert!((3.0..5.0).contains(&mean), "{mean}");
}

#[test]
fn openv2x_is_understood_too_and_has_velocities() {
    let table = table(BoxLanguage::Openv2x);
    let mut camera = Camera::new(model(), &table, frame(), 0, 1, Mono::ZERO);
    let mut decoder = openv2x::Decoder::new(openv2x::Config {
        carrier: Carrier::Stream,
        frame: frame(),
        ..openv2x::Config::default()
    });
    let mut last = None;
    for i in 0..40 {
        let at = camera.poll_timeout();
        let north_m = 30.0 + 10.0 * at.seconds_after(Mono::ZERO);
        let scene = Snapshot {
            at,
            bodies: vec![car(north_m)],
        };
        let view = View {
            scene: &scene,
            walls: &[],
            air: CLEAR,
        };
        let now = Now {
            mono: at,
            utc: noon(),
        };
        let mut bytes = Vec::new();
        let arrives = camera.shoot(now, 0, &view, &mut bytes);
        let arrived = Now {
            mono: arrives,
            utc: noon(),
        };
        decoder.push(arrived, &bytes, &mut |content| {
            if let Content::Objects(objects) = content
                && let Some(one) = objects.detections.first()
            {
                last = Some((i, north_m, *one));
            }
        });
    }
    let (i, north_m, one) = last.expect("seen");
    assert!(i > 30);
    assert!((one.north_m - north_m).abs() < 3.0, "{one:?}");
    let velocity = one.velocity.expect("of the box's own track");
    assert!((velocity.north_mps - 10.0).abs() < 3.0, "{velocity:?}");
    assert_eq!(one.class, Class::Car);
}

/// Of each image: who is seen, by number, and where.
fn numbers(ids: IdsModel, bodies: &[Body], count: u32) -> Vec<Vec<(u16, f64)>> {
    let model = CameraModel {
        detection: 1.0,
        ids,
        ..model()
    };
    let all = pictures(model, bodies, CLEAR, 5, count);
    let of = |one: &Objects| {
        let seen = one.detections.iter();
        let seen = seen.map(|seen| (seen.device_id.expect("boxes number"), seen.north_m));
        seen.collect()
    };
    all.iter().map(of).collect()
}

#[test]
fn a_box_gives_others_numbers_as_often_as_is_asked_and_places_stay() {
    let ids = IdsModel {
        renumbered_per_minute: 30.0,
        ..IdsModel::default()
    };
    // Two minutes of one car.
    let (kept, mistaken) = (
        numbers(IdsModel::default(), &[car(40.0)], 1500),
        numbers(ids, &[car(40.0)], 1500),
    );
    let changes = |all: &[Vec<(u16, f64)>]| {
        let seen: Vec<u16> = all.iter().flatten().map(|(id, _)| *id).collect();
        seen.windows(2).filter(|two| two[0] != two[1]).count()
    };
    assert!(changes(&kept) <= 2, "{}", changes(&kept));
    let changed = changes(&mistaken);
    assert!((40..=80).contains(&changed), "{changed} of about 60");
    let places = |all: &[Vec<(u16, f64)>]| -> Vec<f64> {
        all.iter().flatten().map(|(_, north_m)| *north_m).collect()
    };
    assert_eq!(places(&kept), places(&mistaken));
}

#[test]
fn two_near_each_other_exchange_their_numbers_and_two_apart_do_not() {
    let ids = IdsModel {
        swapped_below_m: 3.0,
        swaps_per_minute: 30.0,
        ..IdsModel::default()
    };
    let person = |id, north_m| body(id, Kind::Pedestrian, north_m, [0.5, 0.5, 1.7]);
    for (north_m, swaps) in [(32.0, true), (40.0, false)] {
        let all = numbers(ids, &[person(1, 30.0), person(2, north_m)], 1500);
        let both = all.into_iter().filter(|one| one.len() == 2);
        // The number of the nearer one, image by image.
        let middle_m = (30.0 + north_m) / 2.0;
        let nearer = both.filter_map(|one| {
            let mut near = one.iter().filter(|(_, north_m)| *north_m < middle_m);
            near.next().map(|(id, _)| *id)
        });
        let nearer: Vec<u16> = nearer.collect();
        let changes = nearer.windows(2).filter(|two| two[0] != two[1]).count();
        if swaps {
            assert!((35..=85).contains(&changes), "{changes} of about 60");
        } else {
            assert!(changes <= 2, "{changes}");
        }
    }
}

#[test]
fn a_box_that_begins_anew_counts_from_one() {
    let ids = IdsModel {
        restarts_per_hour: 60.0,
        ..IdsModel::default()
    };
    // Ten minutes; a car and a lorry have the first two numbers each time.
    let all = numbers(ids, &[car(40.0), lorry(70.0)], 7500);
    let most = all.iter().flatten().map(|(id, _)| *id).max();
    let ones = all.iter().flatten().filter(|(id, _)| *id == 1).count();
    assert!(most.is_some_and(|most| most < 12), "{most:?}");
    assert!(ones > 2000, "{ones}");
}
