//! Frames of real controllers. The recordings are not part of the sources; without them these tests
//! say so and pass.

use std::path::Path;

use super::content::{self, CURRENT_PLAN, LAMP_STATE, Lamps, Plan};
use super::framing::{Framer, Piece};
use super::tests::{heard, now};
use super::wire::{self, Frame, LengthField, Operation};
use super::{Config, Decoder};
use crate::report::{Content, LampPlan, LampStates, Light, SignalPlan};

/// Frames of one file, as bytes on the wire; None, with a word, where it is absent.
pub(super) fn frames(file: &str) -> Option<Vec<Vec<u8>>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let path = Path::new(folder).join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no recording at {}", path.display());
        return None;
    };
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    let frame = |line: &str| line.trim().as_bytes().chunks(2).map(byte).collect();
    Some(
        text.lines()
            .filter(|line| !line.is_empty())
            .map(frame)
            .collect(),
    )
}

fn all() -> Option<Vec<Vec<u8>>> {
    let mut all = frames("gat1743_light_state.hex")?;
    all.extend(frames("gat1743_current_plan_steps.hex")?);
    all.extend(frames("gat1743_light_state_more.hex")?);
    Some(all)
}

fn with_frame(bytes: &[u8], mut see: impl FnMut(&Frame<'_>)) {
    let mut seen = 0;
    Framer::new().push(bytes, |piece| {
        let Piece::Frame { bytes, .. } = piece else {
            panic!("{piece:?}");
        };
        see(&wire::parse(bytes).unwrap());
        seen += 1;
    });
    assert_eq!(seen, 1);
}

#[test]
fn every_recorded_frame_is_understood() {
    let Some(all) = all() else { return };
    assert_eq!(all.len(), 4);
    let mut decoder = Decoder::new(Config::default());
    let mut reports = 0;
    for frame in &all {
        decoder.push(now(0), frame, &mut |_| reports += 1);
    }
    assert_eq!((decoder.counts().accepted(), reports), (4, 4));
    assert!(
        decoder
            .counts()
            .rejected()
            .iter()
            .all(|(_, count)| *count == 0)
    );
    let tolerated: Vec<_> = decoder
        .counts()
        .tolerated()
        .iter()
        .filter(|(_, n)| *n > 0)
        .collect();
    // Only Qingdao's length field, and the years between then and this test's clock.
    assert_eq!(
        tolerated,
        [&("length-counts-itself", 2), &("clock-differs", 4)]
    );
}

#[test]
fn the_recorded_headers_say_where_and_when() {
    let Some(all) = all() else { return };
    let mut seen = Vec::new();
    for frame in &all {
        with_frame(frame, |frame| {
            let header = &frame.header;
            seen.push((
                header.sender.division,
                header.utc_s,
                header.utc_ms,
                header.operation,
                header.object,
                frame.content.unwrap().0,
            ));
        });
    }
    use LengthField::{ContentOnly, CountsItself};
    use Operation::{Broadcast, QueryReply};
    let expected = [
        (
            110_115,
            1_668_064_302,
            268,
            QueryReply,
            LAMP_STATE,
            ContentOnly,
        ),
        (
            110_115,
            1_668_064_298,
            377,
            QueryReply,
            CURRENT_PLAN,
            ContentOnly,
        ),
        (
            110_115,
            1_621_332_268,
            0,
            QueryReply,
            LAMP_STATE,
            CountsItself,
        ),
        (
            370_212,
            1_621_589_438,
            0,
            Broadcast,
            LAMP_STATE,
            CountsItself,
        ),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn every_recorded_frame_is_emitted_again_byte_for_byte() {
    let Some(all) = all() else { return };
    for bytes in &all {
        with_frame(bytes, |frame| {
            let (counting, said) = frame.content.unwrap();
            let mut content = Vec::new();
            if frame.header.object == LAMP_STATE {
                let mut lamps = Lamps::default();
                lamps.parse(said).unwrap();
                lamps.emit(&mut content);
            } else {
                let mut plan = Plan::default();
                plan.parse(said).unwrap();
                plan.emit(&mut content);
            }
            let again = Frame {
                content: Some((counting, &content)),
                ..*frame
            };
            let mut out = Vec::new();
            wire::emit(&again, &mut Vec::new(), &mut out);
            assert_eq!(&out, bytes);
        });
    }
}

#[test]
fn no_recorded_colour_is_unknown() {
    let Some(all) = all() else { return };
    for bytes in &all {
        for content in heard(Config::default(), bytes).0 {
            match content {
                Content::Lamps(states) => {
                    assert!(states.lamps.iter().all(|lamp| lamp.light != Light::Unknown));
                }
                Content::Plan(plan) => {
                    let mut steps = plan.lamps.iter().flat_map(|lamp| &lamp.steps);
                    assert!(steps.all(|step| step.light != Light::Unknown));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn pair() -> Option<(LampStates, SignalPlan)> {
    let lamps = frames("gat1743_light_state.hex")?.remove(0);
    let plan = frames("gat1743_current_plan_steps.hex")?.remove(0);
    let (mut lamps, mut plan) = (
        heard(Config::default(), &lamps).0,
        heard(Config::default(), &plan).0,
    );
    let (Content::Lamps(lamps), Content::Plan(plan)) = (lamps.remove(0), plan.remove(0)) else {
        panic!("not lamps and a plan");
    };
    Some((lamps, plan))
}

/// Flashing counts with its steady colour.
fn steady(light: Light) -> Light {
    match light {
        Light::FlashingRed => Light::Red,
        Light::FlashingYellow => Light::Yellow,
        Light::FlashingGreen => Light::Green,
        other => other,
    }
}

/// What the plan shows at a second of the cycle, and for how many more the same colour.
fn expected(plan: &LampPlan, second: u64) -> (Light, u16) {
    let seconds: Vec<Light> = plan
        .steps
        .iter()
        .flat_map(|step| std::iter::repeat_n(step.light, usize::from(step.duration_s)))
        .collect();
    let from_here = seconds
        .iter()
        .cycle()
        .skip(second as usize)
        .take(seconds.len());
    let light = *from_here.clone().next().unwrap();
    let left = from_here
        .take_while(|next| steady(**next) == steady(light))
        .count();
    (light, left as u16)
}

#[test]
fn all_28_lamps_agree_with_the_plan_at_cycle_second_4() {
    let Some((states, plan)) = pair() else { return };
    assert_eq!((states.lamps.len(), plan.lamps.len()), (28, 28));
    let agreeing = |second| {
        let agrees = |state: &&crate::report::LampState| {
            let lamp = plan
                .lamps
                .iter()
                .find(|lamp| lamp.lamp == state.lamp)
                .unwrap();
            let (light, left_s) = expected(lamp, second);
            (state.light, state.countdown_s) == (light, Some(left_s))
        };
        states.lamps.iter().filter(agrees).count()
    };
    assert_eq!(agreeing(4), 28);
    // The test can fail: no other second of the cycle fits.
    let cycle = plan.lamps[0].cycle().as_secs();
    assert!(
        (0..cycle)
            .filter(|second| *second != 4)
            .all(|second| agreeing(second) < 28)
    );
}

#[test]
fn all_recorded_groups_run_one_cycle() {
    let Some((_, plan)) = pair() else { return };
    let cycle = plan.lamps[0].cycle();
    assert!(
        plan.lamps.iter().all(|lamp| lamp.cycle() == cycle),
        "{cycle:?}"
    );
}

#[test]
fn a_hundred_thousand_mutations_of_recorded_frames_do_no_harm() {
    let Some(all) = all() else { return };
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut decoder = Decoder::new(Config::default());
    for round in 0..100_000 {
        let mut bytes = all[round % all.len()].clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = next(256) as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, [0xC0, 0xDB, 0, 0xFF][next(4)]),
                _ => repair_checksum(&mut bytes, at, next(256) as u8),
            }
        }
        decoder.push(now(round as u64), &bytes, &mut |content| {
            if let Content::Lamps(states) = content {
                assert!(states.lamps.iter().all(|lamp| lamp.countdown_s != Some(0)));
            }
        });
    }
    let counts = decoder.counts();
    // Some got through with a good checksum, and content errors were reached behind it.
    assert!(counts.accepted() > 0);
    let of = |kind| {
        counts
            .rejected()
            .iter()
            .find(|(name, _)| *name == kind)
            .unwrap()
            .1
    };
    for kind in ["checksum", "content-length", "content-short", "cut"] {
        assert!(of(kind) > 0, "{kind} never happened: {counts:?}");
    }
}

/// Changes one byte and makes the checksum good again, so that what lies behind it is reached.
fn repair_checksum(bytes: &mut [u8], at: usize, value: u8) {
    let len = bytes.len();
    if len < 38 || at == 0 || at >= len - 3 || value == 0xC0 || value == 0xDB {
        return;
    }
    bytes[at] = value;
    let crc = wire::checksum(&bytes[1..len - 3]).to_le_bytes();
    if !crc.contains(&0xC0) && !crc.contains(&0xDB) {
        bytes[len - 3..len - 1].copy_from_slice(&crc);
    }
}

#[test]
fn lights_of_the_recording_are_as_the_report_has_them() {
    let Some((states, _)) = pair() else { return };
    let of = |lamp| {
        states
            .lamps
            .iter()
            .find(|state| state.lamp == lamp)
            .unwrap()
    };
    assert_eq!((of(14).light, of(14).countdown_s), (Light::Green, Some(8)));
    assert_eq!((of(13).light, of(13).countdown_s), (Light::Red, Some(46)));
    assert_eq!(content::colour(of(13).light), 0x16);
}
