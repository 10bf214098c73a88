//! What a receiver reads from the frames.

use v2x_msg::access::dsmp;
use v2x_msg::base::{
    Heading, HeadingConfidence, Speed, SpeedConfidence, VehicleLength, VehicleWidth,
};
use v2x_msg::kinds::rsm::{Size, Source, Transmission, VehicleClass};

use super::entry::widest_sigma;
use super::*;
use crate::clock::Utc;
use crate::fusion::Track;
use crate::report::{self, Class, Covariance, Velocity};

/// 12:00:59.990 on some day.
const NOON_MS: i64 = 1_790_942_459_990;
/// Places among fusion's sensors.
const RADAR: u32 = 0;
const CAMERA: u32 = 1;
const SECOND_RADAR: u32 = 2;

fn now() -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_secs(50),
        utc: Utc::from_unix_ms(NOON_MS).unwrap(),
    }
}

fn site() -> EnuFrame {
    EnuFrame::new(GeoPosition::from_deg(31.287, 121.166, None).unwrap())
}

fn service() -> Service {
    let sources = Sources::new([
        Source::MicrowaveRadar,
        Source::Video,
        Source::MicrowaveRadar,
    ]);
    let config = Config {
        survey_error_m: Some(0.05),
        ..Config::default()
    };
    Service::new(
        config,
        site(),
        sources,
        StationId(*b"RSU00001"),
        MsgCount::new(126).unwrap(),
    )
}

fn round(variance: f64) -> Covariance {
    Covariance {
        ee: variance,
        en: 0.0,
        nn: variance,
    }
}

/// A car at 10 m/s towards the east.
fn car(id: u8) -> Track {
    Track {
        id,
        own_id: None,
        east_m: 40.0,
        north_m: -3.0,
        position_cov: round(0.04),
        velocity: Velocity {
            east_mps: 10.0,
            north_mps: 0.0,
            cov: round(0.01),
        },
        yaw_rad: Some(0.0),
        reverses: false,
        class: Class::Car,
        class_confidence: 0.9,
        size: None,
        seen_at: now().mono,
        hidden: false,
        born_at: Mono::ZERO,
        sources: 1 << RADAR,
        emergency: false,
        existence: 1.0,
    }
}

fn at_speed(track: Track, kmh: f64, yaw_deg: f64) -> Track {
    let (sin, cos) = yaw_deg.to_radians().sin_cos();
    let velocity = Velocity {
        east_mps: kmh / 3.6 * cos,
        north_mps: kmh / 3.6 * sin,
        ..track.velocity
    };
    Track {
        velocity,
        yaw_rad: Some(yaw_deg.to_radians()),
        ..track
    }
}

/// The messages of one slot, as a receiver reads them.
fn slot(service: &mut Service, tracks: impl IntoIterator<Item = Track>) -> Vec<Rsm> {
    service.ready = Some(Ready {
        slot: now().mono,
        sent: None,
    });
    let mut picture = Picture::default();
    picture.tracks.extend(tracks);
    service.take_picture(now(), &picture, |_| false);
    let mut frame = Frame::new();
    let mut messages = Vec::new();
    while service.is_ready() {
        service.compose(now(), &mut frame).unwrap();
        let dsmp = dsmp::parse(frame.bytes()).unwrap();
        assert_eq!(dsmp.aid_number, 3623);
        messages.push(Rsm::read(&Message::decode(dsmp.data).unwrap()).unwrap());
    }
    messages
}

fn one(service: &mut Service, track: Track) -> Participant {
    slot(service, [track])[0].participants()[1]
}

#[test]
fn the_rsu_itself_comes_first_even_alone() {
    let messages = slot(&mut service(), []);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].id, StationId(*b"RSU00001"));
    assert_eq!(messages[0].ref_pos, site().origin());
    let [own] = messages[0].participants() else {
        panic!("{messages:?}")
    };
    assert_eq!(
        (own.kind, own.id),
        (ParticipantKind::Rsu, ParticipantId::RSU)
    );
    assert_eq!(own.source, Source::SelfInfo);
    assert_eq!(
        (own.pos.lat_e7(), own.pos.lon_e7()),
        (312_870_000, 1_211_660_000)
    );
    assert_eq!(own.sec_mark.map(DSecond::ms), Some(59_990));
    assert_eq!(own.pos_confidence.map(PositionConfidence::class), Some(13));
}

#[test]
fn more_than_fifteen_road_users_make_several_messages() {
    let mut service = service();
    let messages = slot(&mut service, (1..=31).map(car));
    let sizes: Vec<_> = messages
        .iter()
        .map(|rsm| rsm.participants().len())
        .collect();
    assert_eq!(sizes, [16, 16, 2]);
    let counts: Vec<_> = messages.iter().map(|rsm| rsm.msg_cnt.value()).collect();
    assert_eq!(counts, [126, 127, 0]);
    let others = messages.iter().flat_map(|rsm| &rsm.participants()[1..]);
    let ids: Vec<_> = others.map(|other| other.id.value()).collect();
    assert_eq!(ids, (1..=31).collect::<Vec<_>>());
    assert!(
        messages
            .iter()
            .all(|rsm| rsm.participants()[0].id == ParticipantId::RSU)
    );
}

#[test]
fn fifteen_road_users_make_one_message() {
    assert_eq!(slot(&mut service(), (1..=15).map(car)).len(), 1);
    assert_eq!(slot(&mut service(), (1..=16).map(car)).len(), 2);
}

#[test]
fn a_full_picture_fits_the_air() {
    let messages = slot(&mut service(), (1..=255).map(car));
    assert_eq!(messages.len(), 17);
}

#[test]
fn a_road_user_is_where_and_when_it_is_predicted_to_be() {
    let seen = one(&mut service(), car(9));
    let place = site().enu(seen.pos);
    assert!((place.east_m - 40.0).abs() < 0.01 && (place.north_m + 3.0).abs() < 0.01);
    assert_eq!(seen.sec_mark.map(DSecond::ms), Some(59_990));
    assert_eq!(seen.pos.elevation(), None);
    assert_eq!(seen.speed.map(Speed::steps), Some(500));
    assert_eq!(seen.heading.map(Heading::deg), Some(90.0));
}

#[test]
fn confidences_hold_ninety_five_percent() {
    // 0.2 m an axis are 0.49 m around; 0.1 m/s is 0.196 m/s; 0.57 degree is 1.12 degrees.
    let seen = one(&mut service(), car(9));
    assert_eq!(
        seen.pos_confidence.map(PositionConfidence::limit_m),
        Some(0.5)
    );
    assert_eq!(
        seen.speed_confidence.map(SpeedConfidence::limit_mps),
        Some(1.0)
    );
    assert_eq!(
        seen.heading_confidence.map(HeadingConfidence::limit_deg),
        Some(5.0)
    );
}

#[test]
fn an_elongated_error_counts_with_its_longest_axis() {
    let cov = Covariance::from_axes(0.7, 2.0, 0.1);
    assert!((widest_sigma(&cov) - 2.0).abs() < 1e-9);
    let seen = one(
        &mut service(),
        Track {
            position_cov: cov,
            ..car(9)
        },
    );
    assert_eq!(
        seen.pos_confidence.map(PositionConfidence::limit_m),
        Some(5.0)
    );
}

#[test]
fn the_heading_is_held_below_four_and_released_above_five_kilometres_an_hour() {
    let mut service = service();
    let mut heading = |kmh, yaw_deg| {
        let seen = one(&mut service, at_speed(car(9), kmh, yaw_deg));
        (
            seen.heading.map(|heading| heading.deg().round()),
            seen.heading_confidence.is_some(),
        )
    };
    assert_eq!(heading(20.0, 90.0), (Some(0.0), true));
    assert_eq!(heading(4.5, 45.0), (Some(45.0), true));
    assert_eq!(heading(3.9, 10.0), (Some(45.0), false));
    assert_eq!(heading(4.9, 10.0), (Some(45.0), false));
    assert_eq!(heading(0.0, 0.0), (Some(45.0), false));
    assert_eq!(heading(5.1, 0.0), (Some(90.0), true));
}

#[test]
fn who_backs_up_has_the_way_it_goes_as_heading_and_says_so_by_its_gear() {
    let mut service = service();
    let mut said = |kmh: f64, reverses: bool| {
        // It points to the east throughout.
        let track = Track {
            yaw_rad: Some(0.0),
            reverses,
            ..at_speed(car(9), kmh, if reverses { 180.0 } else { 0.0 })
        };
        let seen = one(&mut service, track);
        (seen.heading.map(Heading::deg), seen.transmission)
    };
    assert_eq!(said(20.0, false), (Some(90.0), None));
    assert_eq!(said(0.0, false), (Some(90.0), None));
    let back = (Some(270.0), Some(Transmission::Reverse));
    assert_eq!(said(3.9, true), back);
    assert_eq!(said(6.0, true), back);
    assert_eq!(said(0.0, false), (Some(90.0), None));
}

#[test]
fn what_never_moved_has_the_heading_it_is_seen_to_have_or_none() {
    let standing = at_speed(car(9), 0.0, 0.0);
    let seen = one(&mut service(), standing);
    assert_eq!(seen.heading.map(Heading::deg), Some(90.0));
    let unseen = Track {
        yaw_rad: None,
        ..standing
    };
    assert_eq!(one(&mut service(), unseen).heading, None);
}

#[test]
fn a_new_bearer_of_an_id_does_not_inherit_the_heading() {
    let mut service = service();
    one(&mut service, at_speed(car(9), 30.0, 180.0));
    let heir = Track {
        born_at: now().mono,
        yaw_rad: None,
        ..at_speed(car(9), 1.0, 0.0)
    };
    assert_eq!(one(&mut service, heir).heading, None);
}

#[test]
fn classes_become_kinds_and_vehicle_classes() {
    let mut service = service();
    let mut seen = |class| {
        let seen = one(&mut service, Track { class, ..car(9) });
        (seen.kind, seen.class)
    };
    assert_eq!(seen(Class::Unknown), (ParticipantKind::Unknown, None));
    assert_eq!(
        seen(Class::Bus),
        (ParticipantKind::Motor, Some(VehicleClass::BUS))
    );
    assert_eq!(seen(Class::Bicycle).0, ParticipantKind::NonMotor);
    assert_eq!(seen(Class::Pedestrian).0, ParticipantKind::Pedestrian);
}

#[test]
fn a_size_goes_out_as_far_as_it_is_known() {
    let size = report::Size {
        length_m: 4.52,
        width_m: 1.81,
        height_m: None,
    };
    let seen = one(
        &mut service(),
        Track {
            size: Some(size),
            ..car(9)
        },
    )
    .size;
    assert_eq!(seen.length.map(VehicleLength::steps), Some(452));
    assert_eq!(seen.width.map(VehicleWidth::steps), Some(181));
    assert_eq!(seen.height, None);
    assert_eq!(one(&mut service(), car(9)).size, Size::UNKNOWN);
}

#[test]
fn several_sensors_of_one_kind_are_that_kind_and_of_two_are_integrated() {
    let mut service = service();
    let mut source = |sources: &[u32]| {
        let sources = sources.iter().fold(0, |set, input| set | 1 << input);
        one(&mut service, Track { sources, ..car(9) }).source
    };
    assert_eq!(source(&[RADAR]), Source::MicrowaveRadar);
    assert_eq!(source(&[RADAR, SECOND_RADAR]), Source::MicrowaveRadar);
    assert_eq!(source(&[RADAR, CAMERA]), Source::Integrated);
    assert_eq!(source(&[]), Source::Unknown);
}

#[test]
fn a_track_that_nobody_sees_any_more_is_not_sent() {
    let stale = Track {
        seen_at: now().mono - Duration::from_millis(1001),
        ..car(9)
    };
    assert_eq!(slot(&mut service(), [stale])[0].participants().len(), 1);
}

#[test]
fn who_is_hidden_is_told_for_longer_and_less_surely() {
    let hidden = |unseen_ms: u64, variance| Track {
        seen_at: now().mono - Duration::from_millis(unseen_ms),
        hidden: true,
        position_cov: round(variance),
        ..car(9)
    };
    let sure = |track| {
        let told = one(&mut service(), track).pos_confidence;
        told.map(PositionConfidence::class)
    };
    let (soon, late) = (sure(hidden(100, 0.04)), sure(hidden(2400, 4.0)));
    assert!(soon > late && late.is_some(), "{soon:?} {late:?}");
    assert!(service().entry(now(), &hidden(2400, 4.0)).is_some());
    let doubtful = Track {
        existence: 0.9,
        ..hidden(2400, 4.0)
    };
    assert!(service().entry(now(), &doubtful).is_none());
    assert!(service().entry(now(), &hidden(2600, 4.0)).is_none());
}

#[test]
fn a_track_at_no_place_is_left_out() {
    let nowhere = Track {
        east_m: f64::NAN,
        ..car(9)
    };
    let messages = slot(&mut service(), [nowhere, car(10)]);
    let ids: Vec<_> = messages[0]
        .participants()
        .iter()
        .map(|entry| entry.id.value())
        .collect();
    assert_eq!(ids, [0, 10]);
}

#[test]
fn figures_that_are_not_numbers_are_unknown() {
    let odd = Velocity {
        east_mps: f64::NAN,
        north_mps: 1.0,
        cov: round(f64::NAN),
    };
    let seen = one(
        &mut service(),
        Track {
            velocity: odd,
            yaw_rad: Some(f64::NAN),
            position_cov: round(f64::NAN),
            ..car(9)
        },
    );
    assert_eq!(
        (seen.speed, seen.heading, seen.pos_confidence),
        (None, None, None)
    );
}

#[test]
fn without_sensor_reports_the_picture_is_not_fresh() {
    let mut service = service();
    service.follow(now());
    assert!(!service.is_fresh(now()));
    service.turn_on_report(now(), now(), InputId(7));
    assert!(service.is_fresh(now()));
    let later = |ms| Now {
        mono: now().mono + Duration::from_millis(ms),
        ..now()
    };
    assert!(service.is_fresh(later(1000)));
    assert!(!service.is_fresh(later(1001)));
}

#[test]
fn who_is_in_danger_is_spoken_of_first_and_the_rest_is_counted() {
    let mut service = service();
    service.config.most_messages = 1;
    let mut picture = Picture {
        at: now().mono,
        ..Picture::default()
    };
    for id in 1..=20u8 {
        picture.tracks.push(Track {
            east_m: 60.0 + f64::from(id),
            velocity: Velocity {
                east_mps: 0.0,
                north_mps: 0.0,
                cov: round(0.04),
            },
            ..car(id)
        });
    }
    // The last one is a person near the middle.
    picture.tracks[19].class = Class::Pedestrian;
    picture.tracks[19].east_m = 5.0;
    service.ready = Some(Ready {
        slot: now().mono,
        sent: None,
    });
    assert_eq!(service.take_picture(now(), &picture, |_| false), 15);
    assert_eq!(service.left_out(), 5);
    assert_eq!(service.seen[0].kind, ParticipantKind::Pedestrian);
    // Before that, whoever a warning names.
    service.take_picture(now(), &picture, |id| id == 18);
    assert_eq!(service.seen[0].id, ParticipantId::new(18).unwrap());
    assert_eq!(service.seen[1].kind, ParticipantKind::Pedestrian);
}
