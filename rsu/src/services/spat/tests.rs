//! What a receiver reads from the frames.

use v2x_msg::access::dsmp;
use v2x_msg::base::{Confidence, Countdown, HourMark};
use v2x_msg::kinds::spat::{Counting, Status, Timing};

use super::*;
use crate::clock::Utc;
use crate::report;
use crate::signals::{self, End, GreenKind, PhaseForecast, Start, StateForecast};

/// 2026-01-01T00:00:00Z less 50 ms.
const JUST_BEFORE_NEW_YEAR: i64 = 1_767_225_600_000 - 50;
const NODE: NodeId = NodeId {
    region: Some(1),
    id: 7,
};

fn now() -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_secs(100),
        utc: Utc::from_unix_ms(JUST_BEFORE_NEW_YEAR).unwrap(),
    }
}

/// `seconds` from now.
fn ahead(seconds: f64) -> Mono {
    now().mono.offset_by(seconds)
}

fn running(light: report::Light, end: End) -> StateForecast {
    let start = Start::Running { since: None };
    let timing = signals::Timing {
        start,
        end,
        confidence: None,
        basis: signals::Basis::Countdown,
        next: None,
    };
    StateForecast {
        light,
        timing: Some(timing),
    }
}

fn coming(light: report::Light, from_s: f64, to_s: f64) -> StateForecast {
    let timing = signals::Timing {
        start: Start::At(ahead(from_s)),
        end: fixed(to_s),
        confidence: None,
        basis: signals::Basis::Countdown,
        next: None,
    };
    StateForecast {
        light,
        timing: Some(timing),
    }
}

fn fixed(seconds: f64) -> End {
    let at = ahead(seconds);
    End::At {
        min: Some(at),
        max: Some(at),
        likely: at,
    }
}

fn forecast(states: &[StateForecast]) -> Forecast {
    let phase = PhaseForecast {
        phase: PhaseId::new(4).unwrap(),
        green: GreenKind::Protected,
        states: states.iter().copied().collect(),
    };
    Forecast {
        collected_at: ahead(-0.030),
        timing_error: Duration::from_millis(80),
        status: Status::FIXED_TIME,
        phases: [phase].into_iter().collect(),
    }
}

/// What a receiver reads from the frame that goes out.
fn on_air_with(config: Config, forecast: &Forecast) -> Spat {
    let mut service = Service::new(config, NODE, MsgCount::new(127).unwrap());
    let mut frame = Frame::new();
    service.compose(now(), forecast, &mut frame).unwrap();
    read(&frame)
}

fn read(frame: &Frame) -> Spat {
    let dsmp = dsmp::parse(frame.bytes()).unwrap();
    assert_eq!(dsmp.aid_number, 3619);
    Spat::read(&Message::decode(dsmp.data).unwrap()).unwrap()
}

fn on_air(states: &[StateForecast]) -> Vec<PhaseState> {
    let spat = on_air_with(Config::default(), &forecast(states));
    spat.intersections[0].phases()[0].states().to_vec()
}

fn count(state: &PhaseState) -> Counting {
    match state.timing {
        Some(Timing::Counting(counting)) => counting,
        other => panic!("not counting: {other:?}"),
    }
}

fn tenths(mark: Option<Countdown>) -> Option<u16> {
    mark.map(Countdown::tenths)
}

fn all_ends(counting: Counting) -> [Option<u16>; 3] {
    [
        counting.ends.min(),
        counting.ends.likely(),
        counting.ends.max(),
    ]
    .map(tenths)
}

#[test]
fn a_state_that_is_on_starts_at_zero_and_counts_from_the_moment_of_sending() {
    let states = on_air(&[running(report::Light::Red, fixed(12.34))]);
    assert_eq!(states[0].light, Light::Red);
    assert_eq!(tenths(count(&states[0]).start), Some(0));
    assert_eq!(all_ends(count(&states[0])), [Some(124); 3]);
}

#[test]
fn of_a_green_no_tenth_too_much_is_promised_and_of_a_red_none_too_little() {
    for (light, tenths) in [
        (report::Light::Green, 123),
        (report::Light::FlashingGreen, 123),
        (report::Light::Yellow, 123),
        (report::Light::Red, 124),
        (report::Light::Dark, 124),
    ] {
        let states = on_air(&[running(light, fixed(12.349))]);
        assert_eq!(all_ends(count(&states[0])), [Some(tenths); 3], "{light:?}");
        let states = on_air(&[running(light, fixed(12.3))]);
        assert_eq!(all_ends(count(&states[0])), [Some(123); 3], "{light:?}");
    }
}

#[test]
fn what_follows_begins_when_what_runs_ends() {
    let red = running(report::Light::Red, fixed(8.01));
    let green = coming(report::Light::Green, 8.01, 20.06);
    let yellow = coming(report::Light::Yellow, 20.06, 23.06);
    let states = on_air(&[red, green, yellow]);
    assert_eq!(tenths(count(&states[0]).ends.likely()), Some(81));
    assert_eq!(tenths(count(&states[1]).start), Some(81));
    assert_eq!(tenths(count(&states[1]).ends.likely()), Some(200));
    assert_eq!(tenths(count(&states[2]).start), Some(200));
}

#[test]
fn bounds_that_are_not_fixed_are_rounded_outwards() {
    for light in [report::Light::Green, report::Light::Red] {
        let end = End::At {
            min: Some(ahead(5.06)),
            max: Some(ahead(40.01)),
            likely: ahead(20.0),
        };
        let states = on_air(&[running(light, end)]);
        assert_eq!(
            all_ends(count(&states[0])),
            [Some(50), Some(200), Some(401)]
        );
    }
}

#[test]
fn an_end_in_an_hour_or_later_is_an_hour_or_more() {
    for (seconds, tenths) in [(3599.8, 35_998), (3600.0, 36_000), (4000.0, 36_000)] {
        let states = on_air(&[running(report::Light::Red, fixed(seconds))]);
        assert_eq!(
            all_ends(count(&states[0])),
            [Some(tenths); 3],
            "{seconds} s"
        );
        let states = on_air(&[running(report::Light::Green, fixed(seconds))]);
        assert_eq!(
            all_ends(count(&states[0])),
            [Some(tenths); 3],
            "{seconds} s"
        );
    }
}

#[test]
fn a_state_that_is_not_on_never_starts_at_zero() {
    let red = running(report::Light::Red, fixed(0.02));
    let states = on_air(&[red, coming(report::Light::Green, 0.02, 25.0)]);
    assert_eq!(tenths(count(&states[1]).start), Some(1));
    assert_eq!(all_ends(count(&states[1])), [Some(250); 3]);
}

#[test]
fn bounds_of_an_end_go_out_as_they_are_known() {
    let end = End::At {
        min: Some(ahead(5.0)),
        max: Some(ahead(40.0)),
        likely: ahead(20.0),
    };
    let states = on_air(&[running(report::Light::Green, end)]);
    assert_eq!(
        all_ends(count(&states[0])),
        [Some(50), Some(200), Some(400)]
    );
    let end = End::At {
        min: None,
        max: None,
        likely: ahead(20.0),
    };
    let states = on_air(&[running(report::Light::Green, end)]);
    assert_eq!(all_ends(count(&states[0])), [None, Some(200), None]);
}

#[test]
fn bounds_that_contradict_the_likely_end_are_left_out() {
    let end = End::At {
        min: Some(ahead(30.0)),
        max: None,
        likely: ahead(20.0),
    };
    let states = on_air(&[running(report::Light::Green, end)]);
    assert_eq!(all_ends(count(&states[0])), [None, Some(200), None]);
}

#[test]
fn a_phase_that_never_changes_ends_in_an_hour_or_more() {
    let states = on_air(&[running(report::Light::FlashingYellow, End::Endless)]);
    assert_eq!(states[0].light, Light::FlashingYellow);
    assert_eq!(all_ends(count(&states[0])), [None, Some(36_000), None]);
}

#[test]
fn an_end_that_is_past_is_now() {
    let states = on_air(&[running(report::Light::Green, fixed(-3.0))]);
    assert_eq!(all_ends(count(&states[0])), [Some(0); 3]);
}

#[test]
fn without_timing_no_timing_goes_on_the_air() {
    let states = on_air(&[StateForecast {
        light: report::Light::Red,
        timing: None,
    }]);
    assert_eq!(
        states,
        [PhaseState {
            light: Light::Red,
            timing: None
        }]
    );
}

#[test]
fn a_green_is_protected_or_permissive_as_the_site_says() {
    let mut forecast = forecast(&[running(report::Light::Green, fixed(5.0))]);
    let shown = |forecast: &Forecast| {
        let spat = on_air_with(Config::default(), forecast);
        spat.intersections[0].phases()[0].states()[0].light
    };
    assert_eq!(shown(&forecast), Light::ProtectedGreen);
    forecast.phases[0].green = GreenKind::Permissive;
    assert_eq!(shown(&forecast), Light::PermissiveGreen);
}

#[test]
fn a_whole_cycle_goes_out_with_the_next_time_of_each_light() {
    let mut green = running(report::Light::Green, fixed(10.0));
    if let Some(timing) = &mut green.timing {
        timing.next = Some((ahead(60.0), Duration::from_secs(25)));
        timing.confidence = Some(0.9);
    }
    let cycle = [
        green,
        coming(report::Light::Yellow, 10.0, 13.0),
        coming(report::Light::Red, 13.0, 60.0),
    ];
    let states = on_air(&cycle);
    let lights: Vec<_> = states.iter().map(|state| state.light).collect();
    assert_eq!(lights, [Light::ProtectedGreen, Light::Yellow, Light::Red]);
    let green = count(&states[0]);
    assert_eq!(tenths(green.next_start), Some(600));
    assert_eq!(tenths(green.next_duration), Some(250));
    assert_eq!(green.confidence.map(Confidence::percent), Some(90.0));
    let red = count(&states[2]);
    assert_eq!(
        (tenths(red.start), tenths(red.ends.likely())),
        (Some(130), Some(600))
    );
}

#[test]
fn a_light_that_comes_twice_is_told_once() {
    let cycle = [
        running(report::Light::Red, fixed(8.0)),
        coming(report::Light::RedYellow, 8.0, 10.0),
    ];
    let states = on_air(&cycle);
    assert_eq!(states.len(), 1);
    assert_eq!(all_ends(count(&states[0])), [Some(80); 3]);
}

#[test]
fn sixteen_phases_with_whole_cycles_fit_the_air() {
    let end = |s| End::At {
        min: Some(ahead(s)),
        max: Some(ahead(s)),
        likely: ahead(s),
    };
    let mut states = [
        running(report::Light::Green, end(1000.0)),
        coming(report::Light::Yellow, 1000.0, 1003.0),
        coming(report::Light::Red, 1003.0, 2000.0),
    ];
    for state in &mut states {
        if let Some(timing) = &mut state.timing {
            timing.next = Some((ahead(3000.0), Duration::from_secs(100)));
            timing.confidence = Some(0.5);
        }
    }
    let mut forecast = forecast(&states);
    let phase = forecast.phases[0].clone();
    for id in 5..20 {
        let phase_id = PhaseId::new(id).unwrap();
        forecast.phases.push(PhaseForecast {
            phase: phase_id,
            ..phase.clone()
        });
    }
    let spat = on_air_with(Config::default(), &forecast);
    assert_eq!(spat.intersections[0].phases().len(), 16);
}

#[test]
fn the_lamps_are_dated_when_read_and_the_message_when_sent() {
    let mut forecast = forecast(&[running(report::Light::Red, fixed(5.0))]);
    forecast.collected_at = ahead(-0.1);
    let mut service = Service::new(Config::default(), NODE, MsgCount::new(3).unwrap());
    // 100 ms on, it is the first minute of 2026.
    let later = Duration::from_millis(100);
    let now = Now {
        mono: now().mono + later,
        utc: now().utc + later,
    };
    let mut frame = Frame::new();
    service.compose(now, &forecast, &mut frame).unwrap();
    let spat = read(&frame);
    let intersection = &spat.intersections[0];
    assert_eq!(spat.moy.map(MinuteOfYear::value), Some(0));
    assert_eq!(spat.time_stamp.map(DSecond::ms), Some(50));
    assert_eq!(
        intersection.moy.map(MinuteOfYear::value),
        Some(365 * 1440 - 1)
    );
    assert_eq!(intersection.time_stamp.map(DSecond::ms), Some(59_850));
    // 80 ms are within the class of 0.1 s.
    assert_eq!(
        intersection.time_confidence.map(TimeConfidence::class),
        Some(9)
    );
    assert_eq!(intersection.status, Status::FIXED_TIME);
    assert_eq!(intersection.id, NODE);
}

#[test]
fn in_utc_form_the_marks_pass_the_hour() {
    let mut red = running(report::Light::Red, fixed(10.05));
    if let Some(timing) = &mut red.timing {
        timing.start = Start::Running {
            since: Some(ahead(-20.0)),
        };
    }
    let config = Config {
        form: TimingForm::Utc,
        ..Config::default()
    };
    let spat = on_air_with(config, &forecast(&[red]));
    let Some(Timing::Utc(timing)) = spat.intersections[0].phases()[0].states()[0].timing else {
        panic!("not in UTC form");
    };
    // 50 ms before the hour, less 20 s, plus 10.05 s.
    assert_eq!(timing.start.map(HourMark::tenths), Some(35_799));
    assert_eq!(timing.ends.likely().map(HourMark::tenths), Some(100));
    assert_eq!(timing.ends.max(), timing.ends.likely());
}

#[test]
fn a_start_that_nobody_saw_is_unknown_in_utc_form() {
    let config = Config {
        form: TimingForm::Utc,
        ..Config::default()
    };
    let spat = on_air_with(
        config,
        &forecast(&[running(report::Light::Red, End::Endless)]),
    );
    let Some(Timing::Utc(timing)) = spat.intersections[0].phases()[0].states()[0].timing else {
        panic!("not in UTC form");
    };
    assert_eq!(timing.start, None);
    assert_eq!(timing.ends.likely(), Some(HourMark::FAR));
}

#[test]
fn the_count_goes_round_after_127() {
    let forecast = forecast(&[running(report::Light::Red, fixed(5.0))]);
    let mut service = Service::new(Config::default(), NODE, MsgCount::new(126).unwrap());
    let mut frame = Frame::new();
    let counts = [(); 3].map(|()| {
        service.compose(now(), &forecast, &mut frame).unwrap();
        read(&frame).msg_cnt.value()
    });
    assert_eq!(counts, [126, 127, 0]);
}

/// Milliseconds after `now()` at which a SPAT was due, and whether a change of colour caused it.
fn run(changes_ms: &[u64], until_ms: u64) -> Vec<(u64, bool)> {
    let mut service = Service::new(Config::default(), NODE, MsgCount::new(0).unwrap());
    let mut due = Vec::new();
    for ms in 0..until_ms {
        let later = Duration::from_millis(ms);
        let now = Now {
            mono: now().mono + later,
            utc: now().utc + later,
        };
        service.follow(now);
        if changes_ms.contains(&ms) {
            service.colour_changed(now);
        }
        service.turn(now);
        if let Some(ready) = service.ready.take() {
            due.push((ms, ready.slot.is_none()));
        }
        assert!(service.due() > now.mono);
    }
    due
}

#[test]
fn a_change_of_colour_adds_one_spat_at_once() {
    assert_eq!(
        run(&[80], 260),
        [(50, false), (80, true), (150, false), (250, false)]
    );
}

#[test]
fn a_change_on_a_slot_is_told_once() {
    assert_eq!(run(&[150], 200), [(50, false), (150, false)]);
}

#[test]
fn changes_in_quick_succession_keep_the_gap() {
    let due = run(&[60, 61, 62, 63, 75, 140], 200);
    assert_eq!(
        due,
        [
            (50, false),
            (60, true),
            (80, true),
            (140, true),
            (150, false)
        ]
    );
}
