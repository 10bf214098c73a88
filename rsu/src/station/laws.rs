//! What holds whatever comes in: nonsense from sensors and controllers, steps of UTC, late wake-ups.

use std::time::Duration;

use proptest::prelude::*;
use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::kinds::{Map, Rsc, Rsi, Rsm, Spat, Ssm};

use super::tests::{CONTROLLER, RADAR, config};
use super::*;
use crate::clock::Utc;
use crate::report::{
    Area, Class, ControlMode, Covariance, Detection, LampPlan, LampState, LampStates, Light,
    Objects, PlanStep, Request, SignalPlan, Size, Strip, Velocity, Wish,
};
use crate::services::fixture::crossing;

/// What happens next, and how long after the last thing.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test's list of a hundred")]
enum Step {
    Report(InputId, Content),
    Timeout,
    /// UTC jumps by so many milliseconds.
    UtcJump(i64),
    Clock(ClockState),
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -200.0..200.0, 1 => any::<f64>()]
}

fn any_covariance() -> impl Strategy<Value = Covariance> {
    prop_oneof![
        4 => Just(Covariance { ee: 0.1, en: 0.0, nn: 0.1 }),
        1 => (any::<f64>(), any::<f64>(), any::<f64>()).prop_map(|(ee, en, nn)| Covariance { ee, en, nn }),
    ]
}

prop_compose! {
    fn any_detection()(
        (east_m, north_m) in (any_number(), any_number()),
        position_cov in any_covariance(),
        velocity in proptest::option::of((any_number(), any_number(), any_covariance())),
        yaw_rad in proptest::option::of(any_number()),
        size in proptest::option::of((any::<f32>(), any::<f32>(), proptest::option::of(any::<f32>()))),
        device_id in proptest::option::of(0..40u16),
        who in proptest::option::of(0..3u8),
        existence in prop_oneof![Just(0.99f32), any::<f32>()],
    ) -> Detection {
        Detection {
            device_id,
            own_id: who.map(own_id),
            east_m,
            north_m,
            position_cov,
            velocity: velocity.map(|(east_mps, north_mps, cov)| Velocity { east_mps, north_mps, cov }),
            yaw_rad,
            size: size.map(|(length_m, width_m, height_m)| Size { length_m, width_m, height_m }),
            class: Class::Car,
            emergency: false,
            existence,
        }
    }
}

fn any_light() -> impl Strategy<Value = Light> {
    prop::sample::select(vec![
        Light::Unknown,
        Light::Dark,
        Light::Red,
        Light::RedYellow,
        Light::Green,
        Light::FlashingGreen,
        Light::Yellow,
        Light::FlashingYellow,
    ])
}

fn any_lamps() -> impl Strategy<Value = LampStates> {
    let state = (0..6u16, any_light(), proptest::option::of(any::<u16>()));
    let state = state.prop_map(|(lamp, light, countdown_s)| LampState {
        lamp,
        light,
        countdown_s,
    });
    proptest::collection::vec(state, 0..8).prop_map(|lamps| LampStates {
        lamps: lamps.into_iter().collect(),
        ..LampStates::default()
    })
}

fn any_plan() -> impl Strategy<Value = SignalPlan> {
    let step = (any_light(), prop_oneof![0..60u16, any::<u16>()])
        .prop_map(|(light, duration_s)| PlanStep { light, duration_s });
    let lamp =
        (0..6u16, proptest::collection::vec(step, 0..6)).prop_map(|(lamp, steps)| LampPlan {
            lamp,
            steps: steps.into_iter().collect(),
        });
    proptest::collection::vec(lamp, 0..5).prop_map(|lamps| SignalPlan {
        lamps: lamps.into_iter().collect(),
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let node = |id| v2x_msg::base::NodeId { region: None, id };
    let lane =
        (any::<u8>(), 0..6u16, 0..6u16).prop_filter_map("a lane", move |(lane, from, to)| {
            let lane = v2x_msg::base::LaneId::new(lane % 4).ok()?;
            let (upstream, downstream) = (node(from), node(to));
            Some(Wish::Lane {
                upstream,
                downstream,
                lane,
            })
        });
    let strip = (
        proptest::collection::vec((any_number(), any_number()), 0..5),
        any_number(),
    )
        .prop_map(|(points, radius_m)| Strip {
            points_m: points.into_iter().collect(),
            radius_m,
        });
    let area = proptest::collection::vec(strip, 0..4).prop_map(|paths| Area {
        paths: paths.into_iter().collect(),
    });
    let wish = prop_oneof![Just(Wish::Nothing), lane, area.prop_map(Wish::Share)];
    (0..3u8, any::<u8>(), proptest::option::of(0..9000u64), wish).prop_map(
        |(who, number, lasts_ms, wish)| Request {
            vehicle: own_id(who),
            number,
            unit: None,
            lasts: lasts_ms.map(Duration::from_millis),
            wish,
        },
    )
}

fn own_id(who: u8) -> StationId {
    StationId([who; 8])
}

fn any_step() -> impl Strategy<Value = Step> {
    let modes = [
        ControlMode::FixedTime,
        ControlMode::Manual,
        ControlMode::Fault,
    ];
    let input = prop_oneof![Just(CONTROLLER), Just(RADAR), Just(InputId(200))];
    let content = prop_oneof![
        (
            proptest::collection::vec(any_detection(), 0..40),
            -3000..3000i64
        )
            .prop_map(|(detections, seen_ms)| Content::Objects(Objects {
                // Resolved against the clock when it is reported.
                seen_at: Mono::from_nanos(seen_ms.unsigned_abs()),
                detections: detections.into_iter().collect(),
            })),
        any_lamps().prop_map(Content::Lamps),
        any_plan().prop_map(Content::Plan),
        any_plan().prop_map(Content::NextPlan),
        any_request().prop_map(Content::Request),
        prop::sample::select(modes.to_vec()).prop_map(Content::Mode),
    ];
    prop_oneof![
        6 => (input, content).prop_map(|(input, content)| Step::Report(input, content)),
        4 => Just(Step::Timeout),
        1 => prop_oneof![-50..50i64, any::<i64>()].prop_map(Step::UtcJump),
        1 => (any::<bool>(), proptest::option::of(0..400u64)).prop_map(|(synchronised, error)| {
            Step::Clock(ClockState { synchronised, error: error.map(Duration::from_millis) })
        }),
    ]
}

/// What a receiver makes of a frame: its msgCnt.
fn read(frame: &Frame) -> u8 {
    let dsmp = dsmp::parse(frame.bytes()).unwrap();
    assert_eq!(dsmp.aid(), Ok(frame.kind.aid()));
    let message = Message::decode(dsmp.data).unwrap();
    match frame.kind {
        FrameKind::Spat => drop(Spat::read(&message).unwrap()),
        FrameKind::Rsm => drop(Rsm::read(&message).unwrap()),
        FrameKind::Map => drop(Map::read(&message).unwrap()),
        FrameKind::Rsc => drop(Rsc::read(&message).unwrap()),
        FrameKind::Ssm => drop(Ssm::read(&message).unwrap()),
        _ => drop(Rsi::read(&message).unwrap()),
    }
    message.msg_cnt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_comes_in_what_goes_out_can_be_read_and_is_counted(
        steps in proptest::collection::vec((0..60u64, any_step()), 1..120),
    ) {
        let mut now = Now {
            mono: Mono::ZERO + Duration::from_secs(1000),
            utc: Utc::from_unix_ms(1_767_225_599_000).unwrap(),
        };
        let limit = Some(Duration::from_millis(150));
        let requests = requests::Config {
            lane_change: true,
            passing: true,
            sharing: true,
            ..requests::Config::default()
        };
        let config = Config { clock_error_limit: limit, requests, ..config() };
        let mut station = Station::new(config, crossing(2, 2), now, 1).unwrap();
        let fit = ClockState { synchronised: true, error: Some(Duration::ZERO) };
        station.handle_clock(now, fit);
        let mut counts = [None; 5];
        let mut frame = Frame::new();
        let mut spats = 0;
        for (wait_ms, step) in steps {
            let wait = Duration::from_millis(wait_ms);
            now = Now { mono: now.mono + wait, utc: now.utc + wait };
            match step {
                Step::Timeout => station.handle_timeout(now),
                Step::Clock(state) => station.handle_clock(now, state),
                Step::UtcJump(ms) => {
                    now.utc = Utc::from_unix_ns(now.utc.unix_ns().saturating_add(ms.saturating_mul(1_000_000)));
                    station.handle_timeout(now);
                }
                Step::Report(input, mut content) => {
                    if let Content::Objects(objects) = &mut content {
                        objects.seen_at = now.mono - Duration::from_millis(objects.seen_at.nanos());
                    }
                    station.handle_report(now, &Report { input, arrived: now, content });
                }
            }
            let mut drained = 0;
            while station.poll_transmit(&mut frame) {
                let count = read(&frame);
                let slot = match frame.kind {
                    FrameKind::Spat => 0,
                    FrameKind::Rsm => 1,
                    FrameKind::Rsc => 3,
                    FrameKind::Ssm => 4,
                    _ => 2,
                };
                if let Some(before) = counts[slot].replace(count) {
                    prop_assert_eq!(count, (before + 1) % 128, "{:?}", frame.kind);
                }
                spats += u64::from(frame.kind == FrameKind::Spat);
                drained += 1;
                prop_assert!(drained < 40, "frames without end");
            }
            let mut events = 0;
            while station.poll_event().is_some() {
                events += 1;
                prop_assert!(events < 100, "events without end");
            }
            // Nothing that is due stays behind.
            prop_assert!(station.poll_timeout() > now.mono);
        }
        prop_assert_eq!(station.stats().not_sent, [0; 8]);
        prop_assert_eq!(station.stats().sent(FrameKind::Spat), spats);
    }
}
