//! Rules of the decoder, each on messages of its own; and the documented examples.

use proptest::prelude::*;

use super::*;
use crate::clock::{Mono, Utc};

const START_MS: i64 = 1_790_000_000_000;

fn now(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(START_MS).unwrap() + Duration::from_millis(ms),
    }
}

fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

fn push(decoder: &mut Decoder, at: Now, text: &str) -> Vec<Content> {
    let mut heard = Vec::new();
    decoder.push(at, text.as_bytes(), &mut |content| heard.push(content));
    heard
}

fn lamps(mut heard: Vec<Content>) -> LampStates {
    match heard.remove(0) {
        Content::Lamps(states) => states,
        other => panic!("{other:?}"),
    }
}

/// One intersection of one phase, stamped `ms` after the start.
fn message(ms: i64, state: &str) -> String {
    format!(
        "{{\"intersections\":[{{\"intersectionId\":{{\"region\":1,\"id\":301}},\"status\":4,\
         \"timeStamp\":{},\"phases\":[{{\"phaseId\":11,\"phaseStates\":[{state}]}}]}}]}}",
        START_MS + ms
    )
}

fn counting(light: u8, likely: u16) -> String {
    format!(
        "{{\"light\":\"{light}\",\"timing\":{{\"counting\":{{\"startTime\":{{\"timeMark\":0}},\
         \"likelyEndTime\":{{\"timeMark\":{likely}}}}}}}}}"
    )
}

fn decoder() -> Decoder {
    Decoder::new(Config::default())
}

#[test]
fn tenths_are_kept() {
    let states = lamps(push(&mut decoder(), now(0), &message(0, &counting(6, 123))));
    assert_eq!(states.lamps[0].light, Light::Green);
    assert_eq!(states.lamps[0].countdown_s, Some(13));
    assert_eq!(states.span(11).unwrap().likely_ms, Some(12_300));
}

#[test]
fn the_documented_example_has_a_light_and_no_time() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/huawei_dris_rsu_spat_up_example.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        return eprintln!("skipped: no example at {path}");
    };
    let mut decoder = decoder();
    let states = lamps(push(&mut decoder, now(0), &text));
    let lamp = states.lamps[0];
    assert_eq!(
        (lamp.lamp, lamp.light, lamp.countdown_s),
        (11, Light::Red, None)
    );
    assert!(states.spans.is_empty());
    assert_eq!(decoder.counts().accepted(), 1);
}

#[test]
fn the_form_of_signal_controllers_is_read_too() {
    let text = r#"{"name":"x","content":{"intersections":[{"intersection_id":{"region":1,"node_id":7},
        "time_stamp":"2026-09-21T14:13:20.000Z","phases":[{"phase_id":"2","phase_states":[
        {"light_state":"protected-green","timing":{"counting":{"start_time":0,"min_end_time":50,
        "max_end_time":90,"likely_end_time":70}}}]}]}]}}"#;
    let states = lamps(push(&mut decoder(), now(0), text));
    assert_eq!(
        (states.lamps[0].lamp, states.lamps[0].light),
        (2, Light::Green)
    );
    let span = states.span(2).unwrap();
    assert_eq!(
        (span.min_ms, span.max_ms, span.likely_ms),
        (Some(5000), Some(9000), Some(7000))
    );
}

#[test]
fn a_time_in_the_hour_is_counted_from_our_clock() {
    let tenth = (START_MS / 100 % 36_000 + 150) % 36_000;
    let state = format!(
        "{{\"light\":3,\"timing\":{{\"utcTiming\":{{\"likelyEndUtcTime\":{{\"timeMark\":{tenth}}}}}}}}}"
    );
    let states = lamps(push(&mut decoder(), now(40), &message(0, &state)));
    assert_eq!(states.span(11).unwrap().likely_ms, Some(14_960));
}

#[test]
fn a_time_in_the_hour_that_has_passed_is_not_known() {
    let tenth = (START_MS / 100 + 36_000 - 5) % 36_000;
    assert_eq!(left_ms(now(0).utc, tenth as u16), None);
    assert_eq!(left_ms(now(0).utc, 36_001), None);
}

#[test]
fn an_end_of_zero_counts_only_after_a_count_down_to_it() {
    let mut decoder = decoder();
    let zero = lamps(push(&mut decoder, now(0), &message(0, &counting(6, 0))));
    assert_eq!(zero.span(11), None);
    push(&mut decoder, now(100), &message(100, &counting(6, 1)));
    let zero = lamps(push(&mut decoder, now(200), &message(200, &counting(6, 0))));
    assert_eq!(zero.span(11).unwrap().likely_ms, Some(0));
}

#[test]
fn an_unknown_mark_is_not_an_hour() {
    for mark in [36_000, 36_001] {
        let states = lamps(push(
            &mut decoder(),
            now(0),
            &message(0, &counting(6, mark)),
        ));
        assert_eq!(states.lamps[0].countdown_s, None, "{mark}");
    }
}

#[test]
fn the_running_state_is_the_one_that_starts_now() {
    let later = r#"{"light":3,"timing":{"counting":{"startTime":{"timeMark":50},"likelyEndTime":{"timeMark":90}}}}"#;
    let both = format!("{later},{}", counting(7, 50));
    let states = lamps(push(&mut decoder(), now(0), &message(0, &both)));
    assert_eq!(states.lamps[0].light, Light::Yellow);
}

#[test]
fn late_overtaken_and_repeated_messages_are_dropped() {
    let mut decoder = decoder();
    let of = |ms| message(ms, &counting(6, 100));
    assert_eq!(push(&mut decoder, now(50), &of(0)).len(), 1);
    assert_eq!(push(&mut decoder, now(60), &of(0)).len(), 0);
    assert_eq!(push(&mut decoder, now(150), &of(100)).len(), 1);
    assert_eq!(push(&mut decoder, now(160), &of(50)).len(), 0);
    assert_eq!(push(&mut decoder, now(1500), &of(200)).len(), 0);
    assert_eq!(push(&mut decoder, now(1550), &of(1500)).len(), 1);
    for kind in ["repeated", "out-of-order", "late"] {
        assert_eq!(counted(&decoder, kind), 1, "{kind}");
    }
}

#[test]
fn of_several_intersections_the_configured_one_is_taken() {
    let one = |node| {
        format!(
            "{{\"intersectionId\":{{\"region\":1,\"id\":{node}}},\"phases\":[{{\"phaseId\":{node},\
             \"phaseStates\":[{{\"light\":3}}]}}]}}"
        )
    };
    let text = format!("{{\"intersections\":[{},{}]}}", one(5), one(6));
    let mut any = decoder();
    assert!(push(&mut any, now(0), &text).is_empty());
    assert_eq!(counted(&any, "several-intersections"), 1);
    let mut ours = Decoder::new(Config {
        node: Some(6),
        ..Config::default()
    });
    assert_eq!(lamps(push(&mut ours, now(0), &text)).lamps[0].lamp, 6);
    let mut nobody = Decoder::new(Config {
        node: Some(6),
        region: Some(2),
        ..Config::default()
    });
    assert!(push(&mut nobody, now(0), &text).is_empty());
    assert_eq!(counted(&nobody, "other-intersection"), 1);
}

#[test]
fn the_status_is_used_only_where_its_order_is_known() {
    let text = message(0, &counting(6, 100));
    assert_eq!(push(&mut decoder(), now(0), &text).len(), 1);
    for (first, status, mode) in [
        (FirstBit::Lowest, 4, ControlMode::FaultFlash),
        (FirstBit::Highest, 0x8000, ControlMode::Manual),
        (FirstBit::Lowest, 1 << 8 | 1, ControlMode::Fault),
    ] {
        let mut decoder = Decoder::new(Config {
            status: Some(first),
            ..Config::default()
        });
        let text = text.replace("\"status\":4", &format!("\"status\":{status}"));
        assert_eq!(push(&mut decoder, now(0), &text)[0], Content::Mode(mode));
    }
}

/// What is told of messages of one decoder, each with its status, a tenth of a second apart.
fn told(statuses: &[u16]) -> Vec<Content> {
    let mut decoder = Decoder::new(Config {
        status: Some(FirstBit::Lowest),
        ..Config::default()
    });
    let mut say = |(n, status): (usize, &u16)| {
        let text = message(100 * n as i64, &counting(6, 100));
        let text = text.replace("\"status\":4", &format!("\"status\":{status}"));
        push(&mut decoder, now(100 * n as u64), &text)
    };
    statuses.iter().enumerate().flat_map(&mut say).collect()
}

fn modes(statuses: &[u16]) -> Vec<ControlMode> {
    let mode = |content: Content| match content {
        Content::Mode(mode) => Some(mode),
        _ => None,
    };
    told(statuses).into_iter().filter_map(mode).collect()
}

#[test]
fn a_status_without_a_flag_ends_every_mode() {
    for (flag, mode) in [
        (0, ControlMode::Manual),
        (1, ControlMode::Stopped),
        (2, ControlMode::FaultFlash),
        (3, ControlMode::Emergency),
        (4, ControlMode::BusPriority),
        (5, ControlMode::FixedTime),
        (6, ControlMode::Actuated),
        (7, ControlMode::Flash),
        (8, ControlMode::Fault),
        (9, ControlMode::Off),
    ] {
        let flagged = 1 << flag;
        assert_eq!(
            modes(&[0, flagged, flagged, 0, 0]),
            [mode, ControlMode::Unknown]
        );
    }
    // A MAP that was updated is no mode.
    assert_eq!(modes(&[1 << 10, 0, 1 << 12]), []);
}

#[test]
fn the_mode_of_a_message_goes_before_its_lamps() {
    let told = told(&[1 << 9]);
    assert_eq!(told[0], Content::Mode(ControlMode::Off));
    assert!(matches!(told[1], Content::Lamps(_)));
}

#[test]
fn what_stands_beside_no_valid_spat_is_not_taken() {
    let lamps = |content: &&Content| matches!(content, Content::Lamps(_));
    assert_eq!(told(&[0, 1 << 13, 0]).iter().filter(lamps).count(), 2);
}

/// How many messages of a platform whose clock is off by so much in each are taken.
fn taken(every_ms: u64, off_ms: &[i64]) -> Vec<bool> {
    let mut decoder = decoder();
    let mut hear = |(n, off_ms): (usize, &i64)| {
        let sent_ms = n as u64 * every_ms;
        let text = message(sent_ms as i64 + off_ms, &counting(6, 100));
        !push(&mut decoder, now(sent_ms + 30), &text).is_empty()
    };
    off_ms.iter().enumerate().map(&mut hear).collect()
}

#[test]
fn one_stamp_that_is_ahead_silences_nobody() {
    for ahead_ms in [900, 1500, 3000, 4900, 5100, 3_600_000] {
        for every_ms in [100, 500, 1000] {
            let mut off_ms = [0; 100];
            off_ms[20] = ahead_ms;
            let taken = taken(every_ms, &off_ms);
            assert!(
                taken.iter().all(|taken| *taken),
                "{ahead_ms} ms at {every_ms}"
            );
        }
    }
}

#[test]
fn a_platform_clock_that_was_set_is_followed_within_a_second() {
    for set_ms in [
        -3_600_000, -5100, -5000, -3000, -1500, -1000, 1000, 5000, 3_600_000,
    ] {
        let mut off_ms = [0; 200];
        off_ms[20..].fill(set_ms);
        let taken = taken(100, &off_ms);
        let missed = taken.iter().filter(|taken| !**taken).count();
        assert!(missed <= 8, "{set_ms} ms: {missed}");
        assert!(taken[30..].iter().all(|taken| *taken), "{set_ms} ms");
    }
}

#[test]
fn what_a_broker_held_up_and_brings_in_a_rush_is_dropped() {
    let mut decoder = decoder();
    let of = |ms| message(ms, &counting(6, 100));
    for n in 0..10 {
        assert_eq!(
            push(&mut decoder, now(n * 100), &of(n as i64 * 100)).len(),
            1
        );
    }
    // Ten seconds of it within 400 ms: only what is less than a second old is taken.
    for n in 10..110_u64 {
        let at_ms = 11_000 + (n - 10) * 4;
        let taken = push(&mut decoder, now(at_ms), &of(n as i64 * 100)).len();
        assert_eq!(taken == 1, at_ms - n * 100 <= 1000, "message {n}");
    }
}

#[test]
fn other_names_are_mapped() {
    let mapping = Mapping {
        light: vec!["lamp_colour".to_owned()],
        intersections: vec!["junctions".to_owned()],
        ..Mapping::default()
    };
    let mut decoder = Decoder::new(Config {
        mapping,
        lights: vec![Light::Red, Light::Green],
        ..Config::default()
    });
    let text = message(0, &counting(1, 100))
        .replace("\"light\"", "\"LampColour\"")
        .replace("intersections", "junctions");
    assert_eq!(
        lamps(push(&mut decoder, now(0), &text)).lamps[0].light,
        Light::Green
    );
}

#[test]
fn bombs_and_floods_are_refused_and_counted() {
    let mut decoder = decoder();
    let deep = format!("{{\"intersections\":{}", "[".repeat(100_000));
    push(&mut decoder, now(0), &deep);
    assert_eq!(counted(&decoder, "too-deep"), 1);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST));
    push(&mut decoder, now(0), &long);
    assert_eq!(counted(&decoder, "too-long"), 1);
    let phases = "{\"phaseId\":1,\"phaseStates\":[{\"light\":3}]},".repeat(1000);
    let many = format!("{{\"intersections\":[{{\"phases\":[{phases}0]}}]}}");
    let states = lamps(push(&mut decoder, now(0), &many));
    assert_eq!(states.lamps.len(), 1);
    assert_eq!(counted(&decoder, "phase-left-out"), 1001 - 64);
    assert_eq!(counted(&decoder, "duplicate-phase"), 63);
    for text in [
        "{}",
        "{\"intersections\":3}",
        "{\"intersections\":[]}",
        "{x}",
    ] {
        assert!(push(&mut decoder, now(0), text).is_empty());
    }
    assert_eq!(
        (
            counted(&decoder, "json"),
            counted(&decoder, "no-intersections")
        ),
        (1, 2)
    );
}

#[test]
fn what_the_emitter_says_is_what_the_decoder_hears() {
    let lights = [Light::Green, Light::Red, Light::Yellow, Light::Dark];
    let states = LampStates {
        lamps: (1..5)
            .zip(lights)
            .map(|(lamp, light)| LampState {
                lamp,
                light,
                countdown_s: Some(lamp * 7),
            })
            .collect(),
        ..LampStates::default()
    };
    let mut bytes = Vec::new();
    let emitter = Emitter { region: 1, node: 2 };
    emitter.lamps(now(0).utc, &states, &mut bytes);
    let heard = lamps(push(
        &mut decoder(),
        now(0),
        str::from_utf8(&bytes).unwrap(),
    ));
    assert_eq!(heard.lamps, states.lamps);
}

proptest! {
    #[test]
    fn any_text_does_no_harm(text in "\\PC{0,200}") {
        push(&mut decoder(), now(0), &text);
    }

    #[test]
    fn any_times_stay_in_order(min in 0..40_000_u32, max in 0..40_000_u32, likely in 0..40_000_u32, utc: bool) {
        let (part, word) = if utc { ("utcTiming", "Utc") } else { ("counting", "") };
        let state = format!("{{\"light\":6,\"timing\":{{\"{part}\":{{\"minEnd{word}Time\":{min},\
            \"maxEnd{word}Time\":{max},\"likelyEnd{word}Time\":{likely}}}}}}}");
        let states = lamps(push(&mut decoder(), now(0), &message(0, &state)));
        if let Some(span) = states.span(11) {
            let known: Vec<u32> = [span.min_ms, span.likely_ms, span.max_ms].into_iter().flatten().collect();
            prop_assert!(known.is_sorted(), "{span:?}");
        }
    }
}
