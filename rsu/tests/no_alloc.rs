//! From report to frame nothing is allocated after the station has started.
//!
//! One test counts allocations while the station is called, for most of a minute of virtual time that
//! has everything in it that may happen often: several sensors, more road users than fit into one
//! message, changes of colour, plans, silence, nonsense, steps of the clock. Another counts those of
//! a decoder that asks its controller and works a plan out.

#![expect(
    unsafe_code,
    reason = "counting allocations takes a global allocator, which is an unsafe trait; this one \
              passes every call on to the system's, unchanged, and counts beside it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::events::standing::Standing;
use rsu::events::{Claim, Key, Order, Origin, SignClaim, Until};
use rsu::fusion::{self, Pose, Sensor};
use rsu::report::{
    Area, Class, Content, ControlMode, Covariance, Detection, InputId, LampPlan, LampState,
    LampStates, Light, Objects, PlanStep, Report, Request, SignalPlan, Strip, Velocity, Wish,
};
use rsu::requests;
use rsu::site::{Posted, Site};
use rsu::station::{ClockState, Config, Frame, FrameKind, Input, Station};
use v2x_msg::base::{LaneId, NodeId, StationId};
use v2x_msg::kinds::rsi::{self, EventSource, EventType, Lanes, Place, ReferenceLink, SignText};
use v2x_msg::kinds::rsm::Source;

/// The system's allocator, and how often this thread has asked it while it was being counted.
struct Counting;

thread_local! {
    static COUNTED: Cell<Option<u64>> = const { Cell::new(None) };
}

fn note() {
    COUNTED.with(|counted| counted.set(counted.get().map(|count| count + 1)));
}

// SAFETY: every method passes its arguments on to `System` as they are and returns what it returns,
// so the contract of `GlobalAlloc` holds as far as it holds for `System`. `note` only touches a
// constant-initialised thread-local without a destructor: it does not allocate and cannot fail.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note();
        // SAFETY: `block` came from this allocator, that is from `System`, with this layout.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from this allocator, that is from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `work` makes.
fn allocations(work: impl FnOnce()) -> u64 {
    COUNTED.with(|counted| counted.set(Some(0)));
    work();
    COUNTED.with(Cell::take).unwrap_or_default()
}

const CONTROLLER: InputId = InputId(0);
const RADARS: [InputId; 3] = [InputId(1), InputId(2), InputId(3)];

#[test]
fn from_report_to_frame_nothing_is_allocated() {
    let site = include_str!("../../configs/sites/moyu-boyuan.toml");
    let mut site = Site::parse(site, "moyu-boyuan.toml").unwrap();
    furnish(&mut site);
    let lamps: Vec<u16> = site
        .phases
        .iter()
        .flat_map(|phase| phase.lamps.clone())
        .collect();
    let controller = site.phases[0].controller.clone();
    let start = Now {
        mono: Mono::ZERO + Duration::from_secs(100),
        utc: Utc::from_unix_ms(1_767_225_590_000).unwrap(),
    };
    let mut station = Station::new(config(controller), site, start, 1).unwrap();
    let mut frame = Frame::new();
    let (mut sent, mut longest_spat) = (0, 0);
    let mut answers = [0; 2];
    for step in 0..STEPS {
        let elapsed = Duration::from_millis(7 * step);
        let mut now = Now {
            mono: start.mono + elapsed,
            utc: start.utc + elapsed,
        };
        if step > STEPS / 2 {
            now.utc = now.utc + Duration::from_secs(3600);
        }
        let report = report(step, now, &lamps);
        let mut order = order(step, station.site());
        let made = allocations(|| {
            match (&report, &mut order) {
                (_, Some(order)) => drop(station.handle_order(now, order)),
                (Some(report), None) => station.handle_report(now, report),
                (None, None) => station.handle_timeout(now),
            }
            if step == 1000 {
                let error = Some(Duration::from_millis(1));
                station.handle_clock(
                    now,
                    ClockState {
                        synchronised: true,
                        error,
                    },
                );
            }
            while station.poll_transmit(&mut frame) {
                sent += 1;
                answers[0] += u64::from(frame.kind == FrameKind::Rsc);
                answers[1] += u64::from(frame.kind == FrameKind::Ssm);
                longest_spat = longest_spat.max(spat_length(&frame));
            }
            while station.poll_event().is_some() {}
            station.poll_timeout();
        });
        assert_eq!(
            made,
            0,
            "in step {step}, on {:?}",
            report.map(|report| report.input)
        );
    }
    let seen = station
        .road_events()
        .filter(|shown| shown.origin == Origin::Picture);
    assert!(seen.count() > 0, "a stopped car was raised");
    let stats = station.stats();
    assert!(sent > 1000, "{stats:?}");
    assert!(answers.iter().all(|sent| *sent > 50), "{answers:?}");
    assert!(
        longest_spat > 200,
        "whole cycles were told: {longest_spat} bytes"
    );
    assert!(stats.orders > 100, "{stats:?}");
    assert!(stats.tracks > 15, "more than one RSM a slot: {stats:?}");
    assert!(stats.sent.iter().all(|count| *count > 0), "{stats:?}");
}

#[test]
fn a_decoder_that_asks_and_works_out_plans_allocates_nothing() {
    use rsu::inputs::gb20999::{Decoder, Fault, Identity, Junction, Phase, Responder, Stage};
    let junction = |plan, time_s| Junction {
        plan,
        stages: [1, 2, 3, 4]
            .map(|number| Stage {
                number,
                phases: vec![number, number + 4],
                time_s,
                is_on_demand: false,
            })
            .to_vec(),
        phases: (1..=8)
            .map(|number| Phase {
                number,
                lamps: vec![number, number + 10, number + 20],
                getting: vec![(Light::RedYellow, 2)],
                losing: vec![(Light::FlashingGreen, 3), (Light::Yellow, 3)],
                least_green_s: 5,
                greatest_greens_s: [20, 30],
            })
            .collect(),
        faults: (1..=time_s)
            .map(|number| Fault {
                number: number.into(),
                code: 0x41,
                utc: Utc::from_unix_ns(i64::from(number) * 1_000_000_000),
            })
            .collect(),
    };
    let mut decoder = Decoder::new(rsu::inputs::gb20999::Config::default());
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(0),
    };
    let mut question = Vec::with_capacity(1024);
    let (mut reports, mut plans, mut counted) = (0, 0, 0);
    for step in 0..4000_u64 {
        now.mono = decoder
            .poll_timeout()
            .max(now.mono + Duration::from_millis(1));
        question.clear();
        counted += allocations(|| while decoder.poll_query(now, &mut question) {});
        // Plans come and go, and some answers get lost.
        let junction = junction(1 + (step / 500 % 2) as u8, 20 + (step / 500 % 2) as u16);
        let moment = junction.at(now.mono.since(Mono::ZERO)).unwrap();
        let mut answers = Vec::new();
        Responder::new(Identity::default(), junction)
            .push(&question, &moment, |answer| answers.push(answer.to_vec()));
        for answer in answers.iter().filter(|_| !step.is_multiple_of(13)) {
            counted += allocations(|| {
                decoder.push(now, answer, &mut |content| {
                    reports += 1;
                    plans += u32::from(matches!(content, Content::Plan(_)));
                });
            });
        }
    }
    assert!(reports > 500 && plans > 5, "{reports} {plans}");
    assert_eq!(counted, 0);
}

fn spat_length(frame: &Frame) -> usize {
    if frame.kind == FrameKind::Spat {
        frame.len()
    } else {
        0
    }
}

/// 49 seconds in steps of 7 ms.
const STEPS: u64 = 7000;
/// From then on the controller announces nothing, and the past speaks.
const LEARNING: u64 = 4000;

fn config(controller: String) -> Config {
    let radar = |id: InputId| Input {
        id,
        name: format!("radar {}", id.0),
        source: Source::MicrowaveRadar,
    };
    let controller = Input {
        id: CONTROLLER,
        name: controller,
        source: Source::Unknown,
    };
    let pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 5.0,
        yaw_rad: 0.0,
    };
    let sensors = RADARS.map(|id| Sensor {
        half_fov_rad: 3.2,
        ..Sensor::radar(id, pose)
    });
    Config {
        inputs: std::iter::once(controller)
            .chain(RADARS.map(radar))
            .collect(),
        fusion: fusion::Config {
            sensors: sensors.to_vec(),
            ..fusion::Config::default()
        },
        requests: requests::Config {
            lane_change: true,
            passing: true,
            sharing: true,
            ..requests::Config::default()
        },
        ..Config::default()
    }
}

/// Signs and events of every class, more than fit into one message.
fn furnish(site: &mut Site) {
    let link = &site.links[0];
    let lanes = LaneId::new(1).and_then(|lane| Lanes::of([lane])).ok();
    let link = ReferenceLink {
        upstream: link.upstream,
        downstream: link.downstream,
        lanes,
    };
    let place = Place::new([], [link]).expect("a place with a link");
    for id in 100..120 {
        let text = SignText::new("3011200000000001", b"40").expect("a sign code and words");
        site.signs
            .push(Posted::always(rsi::Sign::new(id, 85, text, place.clone())));
        for event_type in [EventType::STOPPED, EventType::WORKS] {
            let mut event = rsi::Event::new(id, event_type, EventSource::Detection);
            event.place = (id % 2 == 0).then(|| place.clone());
            site.events.push(Posted::always(event));
        }
    }
}

/// What people and platforms order now and then: events and signs that begin, change and end, and once
/// another file of the site.
fn order(step: u64, site: &Site) -> Option<Order> {
    let number = step / 60 % 30;
    let key = Key {
        origin: Origin::Operator,
        number,
    };
    let posted = site.signs.first()?;
    Some(match step % 60 {
        3 => {
            let mut event = rsi::Event::new(0, EventType::WORKS, EventSource::Police);
            event.place = Some(posted.what.place.clone());
            Order::Event(Box::new(Claim {
                key,
                event,
                keeps_id: false,
                at_m: Some((number as f64, 0.0)),
                until: Until::Withdrawn,
            }))
        }
        10 => Order::Sign(Box::new(SignClaim {
            key,
            sign: posted.what.clone(),
            keeps_id: false,
            until: Until::Withdrawn,
        })),
        17 => Order::End(key),
        24 => Order::Down(key),
        31 if step / 60 == 40 => {
            let (events, signs) = (&site.events[..10], &site.signs[5..]);
            Order::Site(Box::new(Standing::new(events, signs, &site.frame)))
        }
        _ => return None,
    })
}

/// What comes in at a step: mostly radars, lamps every tenth of a second, a plan and a mode now and
/// then, nonsense from one radar, three seconds of silence, and from some time on no countdowns.
fn report(step: u64, now: Now, lamps: &[u16]) -> Option<Report> {
    if (2000..2430).contains(&step) {
        return None;
    }
    let (input, content) = match step % 14 {
        0 => (CONTROLLER, Content::Lamps(lamp_states(step, lamps))),
        1 if step.is_multiple_of(5) => (CONTROLLER, Content::Plan(plan(lamps))),
        1 if step > LEARNING => (CONTROLLER, Content::Mode(ControlMode::Actuated)),
        1 => (CONTROLLER, Content::Mode(ControlMode::FixedTime)),
        2 | 9 => (RADARS[0], Content::Objects(objects(step, now, 60, 1.0))),
        5 => (RADARS[1], Content::Objects(objects(step, now, 30, 1.0))),
        3 | 11 => (RADARS[0], Content::Request(request(step))),
        7 => (
            RADARS[2],
            Content::Objects(objects(step, now, 128, f64::NAN)),
        ),
        _ => return None,
    };
    Some(Report {
        input,
        arrived: now,
        content,
    })
}

/// The one that stands asks for the lane beside it, and somebody who is everywhere; and more ask than may.
fn request(step: u64) -> Request {
    let node = |id| NodeId { region: None, id };
    let everywhere = Strip {
        points_m: [(0.0, 0.0), (50.0, 50.0)].into_iter().collect(),
        radius_m: 500.0,
    };
    let wish = match step % 4 {
        0 => Wish::Nothing,
        1 => Wish::Share(Area {
            paths: std::iter::repeat_n(everywhere, 8).collect(),
        }),
        _ => Wish::Lane {
            upstream: node(10),
            downstream: node(11),
            lane: LaneId::new(1 + (step / 14 % 3) as u8).expect("a lane"),
        },
    };
    Request {
        vehicle: ASKER,
        number: (step / 14 % 30) as u8,
        unit: None,
        lasts: Some(Duration::from_millis(700)),
        wish,
    }
}

const ASKER: StationId = StationId(*b"asker   ");

fn objects(step: u64, now: Now, count: u16, sane: f64) -> Objects {
    let round = |sigma| Covariance::from_axes(0.0, sigma, sigma);
    let seconds = 0.007 * step as f64;
    let detections = (0..count).map(|place| Detection {
        device_id: Some(place),
        own_id: None,
        east_m: sane * (10.0 + f64::from(place % 8) * 12.0 + 2.0 * (seconds % 20.0)),
        north_m: f64::from(place / 8) * 8.0 - 30.0,
        position_cov: round(0.3),
        velocity: Some(Velocity {
            east_mps: 2.0,
            north_mps: 0.0,
            cov: round(0.2),
        }),
        yaw_rad: None,
        size: None,
        class: Class::Car,
        emergency: false,
        existence: 0.99,
    });
    // One stands on the northern exit for as long as the test lasts, without a reason.
    let stopped = Detection {
        device_id: None,
        own_id: Some(ASKER),
        east_m: sane * 5.0,
        north_m: 150.0,
        position_cov: round(0.3),
        velocity: Some(Velocity {
            east_mps: 0.0,
            north_mps: 0.0,
            cov: round(0.2),
        }),
        yaw_rad: None,
        size: None,
        class: Class::Car,
        emergency: false,
        existence: 0.99,
    };
    let detections = detections.take(usize::from(count) - 1);
    Objects {
        seen_at: now.mono,
        detections: detections.chain(std::iter::once(stopped)).collect(),
    }
}

/// The lamp groups are green one after the other, 3 s each and 2 s of yellow behind it.
fn plan(lamps: &[u16]) -> SignalPlan {
    let last = lamps.len() - 1;
    let lamp = |(place, lamp): (usize, &u16)| {
        let (before, after) = (5 * place as u16, 5 * (last - place) as u16);
        let steps = [
            (Light::Red, before),
            (Light::Green, 3),
            (Light::Yellow, 2),
            (Light::Red, after),
        ];
        let steps = steps.into_iter().filter(|(_, duration_s)| *duration_s > 0);
        LampPlan {
            lamp: *lamp,
            steps: steps
                .map(|(light, duration_s)| PlanStep { light, duration_s })
                .collect(),
        }
    };
    SignalPlan {
        lamps: lamps.iter().enumerate().map(lamp).collect(),
    }
}

fn lamp_states(step: u64, lamps: &[u16]) -> LampStates {
    let cycle_s = 5 * lamps.len() as u16;
    let second = (step * 7 / 1000) as u16 % cycle_s;
    let state = |(place, lamp): (usize, &u16)| {
        // Seconds since this lamp group became green.
        let (light, countdown_s) = match (second + cycle_s - 5 * place as u16) % cycle_s {
            green @ 0..3 => (Light::Green, 3 - green),
            yellow @ 3..5 => (Light::Yellow, 5 - yellow),
            red => (Light::Red, cycle_s - red),
        };
        LampState {
            lamp: *lamp,
            light,
            countdown_s: Some(countdown_s).filter(|_| step <= LEARNING),
        }
    };
    LampStates {
        lamps: lamps.iter().enumerate().map(state).collect(),
        ..LampStates::default()
    }
}
