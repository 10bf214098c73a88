//! The SPATs that recordings of signal controllers and published examples lead to, byte for byte.
//!
//! The recordings are not part of the sources; without them this test says so and passes. Of the
//! frames only their number and a digest are kept here, in `golden_spat.txt`. With `RSU_SPAT_DIR` set
//! to a folder, the frames of each recording are written there, a line each: its octets as hex digits,
//! and what the lamps showed, for a decoder that is not ours (`tests/map_join/run`); with `RSU_RENEW=1`
//! the file of digests is written anew. Of GB/T 20999 no recording tells what every lamp shows.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::{Decoder, gat1743, ntcip, spat_json};
use rsu::report::{Content, InputId, LampStates, Light, Report};
use rsu::site::{Phase, Site};
use rsu::station::{Config, Frame, FrameKind, Input, Station};
use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::Spat;
use v2x_msg::kinds::rsm::Source;
use v2x_msg::kinds::spat::{self, MAX_PHASES, Timing};

const CONTROLLER: InputId = InputId(0);
const SITE: &str = include_str!("../../configs/sites/moyu-boyuan.toml");

#[test]
fn recordings_lead_to_the_spats_that_they_always_did() {
    let captures = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures"
    ));
    let Ok(folder) = std::fs::read_dir(captures) else {
        eprintln!("skipped: no recordings at {}", captures.display());
        return;
    };
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut told = String::new();
    for protocol in PROTOCOLS {
        let mut recordings = files.clone();
        recordings.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            protocol.files.iter().any(|start| name.starts_with(start))
        });
        // A plan says nothing before lamps are known, so it is also tried with the lamps behind it.
        let mut cases: Vec<Vec<&PathBuf>> = recordings.iter().map(|file| vec![file]).collect();
        if recordings.len() > 1 {
            cases.push(recordings.iter().collect());
        }
        for case in cases {
            let name = match case[..] {
                [file] => file.file_stem().unwrap().to_string_lossy().into_owned(),
                _ => format!("all of {}", protocol.name),
            };
            let frames: Vec<Vec<u8>> = case.iter().flat_map(|file| recorded(file)).collect();
            let spats = replay((protocol.decoder)(), &frames);
            let digest = spats
                .iter()
                .flat_map(|(spat, _)| spat)
                .fold(FNV_START, digest);
            writeln!(told, "{name} {} {digest:016x}", spats.len()).unwrap();
            if let Some(folder) = std::env::var_os("RSU_SPAT_DIR") {
                let lines = spats.iter().map(|(spat, lamps)| line(spat, lamps));
                let file = Path::new(&folder).join(format!("{name}.spat.txt"));
                std::fs::write(file, lines.collect::<String>()).unwrap();
            }
        }
    }
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_spat.txt");
    if std::env::var_os("RSU_RENEW").is_some() {
        std::fs::write(&goldens, &told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(goldens).unwrap());
}

/// A protocol of which there are recordings.
struct Protocol {
    name: &'static str,
    /// How the names of its recordings begin.
    files: &'static [&'static str],
    decoder: fn() -> Decoder,
}

const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        name: "gat1743",
        files: &["gat1743_"],
        decoder: || Decoder::Gat1743(Box::new(gat1743::Decoder::new(gat1743::Config::default()))),
    },
    Protocol {
        name: "ntcip",
        files: &["tscbm_"],
        decoder: || Decoder::Ntcip(Box::new(ntcip::Decoder::new(ntcip::Config::default()))),
    },
    Protocol {
        name: "spat_json",
        files: &["huawei_dris_rsu_spat_"],
        decoder: || {
            let config = spat_json::Config::default();
            Decoder::SpatJson(Box::new(spat_json::Decoder::new(config)))
        },
    },
];

/// The frames of a recording: a line of hex digits each, or the whole of it.
fn recorded(file: &Path) -> Vec<Vec<u8>> {
    if file.extension().is_none_or(|ending| ending != "hex") {
        return vec![std::fs::read(file).expect("a recording")];
    }
    let byte =
        |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).expect("text"), 16).expect("hex");
    let text = std::fs::read_to_string(file).expect("a recording");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let frame = |line: &str| line.as_bytes().chunks(2).map(byte).collect();
    lines.map(frame).collect()
}

/// Hands the frames to a station, one a second, and returns the SPATs that leave until a second
/// after the last, each with what the lamps showed last.
fn replay(mut decoder: Decoder, frames: &[Vec<u8>]) -> Vec<(Vec<u8>, LampStates)> {
    let mut contents = Vec::new();
    for (second, frame) in frames.iter().enumerate() {
        let second = second as u64;
        decoder.push(at(second * 1000), frame, &mut |content| {
            contents.push((second, content));
        });
    }
    let understood = decoder.counts().accepted();
    assert_eq!(understood, frames.len() as u64, "every frame is understood");
    let lamps: Option<&LampStates> = contents.iter().find_map(|(_, content)| match content {
        Content::Lamps(lamps) => Some(lamps),
        _ => None,
    });
    let plan: Option<Vec<u16>> = contents.iter().find_map(|(_, content)| match content {
        Content::Plan(plan) => Some(plan.lamps.iter().map(|lamp| lamp.lamp).collect()),
        _ => None,
    });
    let lamps: Option<Vec<u16>> =
        lamps.map(|lamps| lamps.lamps.iter().map(|lamp| lamp.lamp).collect());
    let mut station = station(&lamps.or(plan).unwrap_or_default());
    let mut spats = Vec::new();
    let mut shown = LampStates::default();
    for ms in (0..frames.len() as u64 * 1000).step_by(10) {
        let now = at(ms);
        station.handle_timeout(now);
        for (_, content) in contents
            .iter()
            .filter(|(second, _)| second * 1000 + 30 == ms)
        {
            if let Content::Lamps(lamps) = content {
                shown.clone_from(lamps);
            }
            let report = Report {
                input: CONTROLLER,
                arrived: now,
                content: content.clone(),
            };
            station.handle_report(now, &report);
        }
        let mut frame = Frame::new();
        while station.poll_transmit(&mut frame) {
            if frame.kind == FrameKind::Spat {
                check(frame.bytes(), &shown);
                spats.push((frame.bytes().to_vec(), shown.clone()));
            }
        }
    }
    spats
}

/// What leaves shows what the lamps show, for as long as they said, less what has passed.
fn check(bytes: &[u8], shown: &LampStates) {
    let spat = {
        let data = dsmp::parse(bytes).expect("a frame").data;
        Spat::read(&Message::decode(data).expect("a message")).expect("a SPAT")
    };
    for phase in spat.intersections[0].phases() {
        let mut lamps = shown.lamps.iter();
        let Some(lamp) = lamps.find(|lamp| lamp.lamp == u16::from(phase.id().value())) else {
            continue;
        };
        let state = phase.states()[0];
        let expected = match lamp.light {
            Light::Green | Light::FlashingGreen => spat::Light::ProtectedGreen,
            Light::Red | Light::RedYellow => spat::Light::Red,
            Light::Yellow => spat::Light::Yellow,
            Light::FlashingYellow => spat::Light::FlashingYellow,
            Light::FlashingRed => spat::Light::FlashingRed,
            Light::Dark => spat::Light::Dark,
            Light::Unknown => spat::Light::Unavailable,
        };
        assert!(state.light == expected || state.light == spat::Light::Unavailable);
        let (Some(Timing::Counting(counting)), Some(seconds)) = (state.timing, lamp.countdown_s)
        else {
            continue;
        };
        let likely = counting.ends.likely().expect("timed").tenths();
        assert!(likely <= seconds * 10, "{likely} tenths of {seconds} s");
    }
}

/// One phase for each lamp group, as many as a SPAT carries.
fn station(lamps: &[u16]) -> Station {
    let mut site = Site::parse(SITE, "moyu-boyuan.toml").expect("a sound site");
    let some = Phase {
        green: rsu::site::GreenKind::Protected,
        ..site.phases[0].clone()
    };
    let ids = lamps.iter().filter_map(|lamp| u8::try_from(*lamp).ok());
    let ids = ids.filter_map(|id| PhaseId::new(id).ok()).take(MAX_PHASES);
    site.phases = ids
        .map(|id| Phase {
            id,
            lamps: vec![id.value().into()],
            ..some.clone()
        })
        .collect();
    site.conflicts.clear();
    let config = Config {
        inputs: vec![Input {
            id: CONTROLLER,
            name: some.controller.clone(),
            source: Source::Unknown,
        }],
        ..Config::default()
    };
    Station::new(config, site, at(0), 1).expect("it fits")
}

/// So long after 2026-01-01T00:00:00Z.
fn at(ms: u64) -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_millis(100_000 + ms),
        utc: Utc::from_unix_ms(1_767_225_600_000).expect("in range") + Duration::from_millis(ms),
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: enough to tell that something has changed.
fn digest(so_far: u64, byte: &u8) -> u64 {
    (so_far ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
}

/// The octets, then each lamp and what it showed.
fn line(spat: &[u8], shown: &LampStates) -> String {
    let mut line = String::new();
    for byte in spat {
        let _ = write!(line, "{byte:02x}");
    }
    for lamp in &shown.lamps {
        let _ = write!(line, " {}={:?}", lamp.lamp, lamp.light);
    }
    line + "\n"
}
