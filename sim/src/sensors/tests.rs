//! What goes wrong with sensors and their lines, from the scenario to the bytes that arrive.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::truth::Epoch;

static FILES: AtomicU32 = AtomicU32::new(0);

/// What arrives in `seconds` from a device of moyu-boyuan with a camera, with these lines besides.
fn heard(from: &str, lines: &str, seconds: f64) -> Vec<Delivery> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/scenarios");
    let base = folder.join("moyu-boyuan.toml");
    let text = format!(
        "extends = '{}'\nname = 'faults'\ntraffic-s = 20\n\
         [[camera]]\nname = 'camera'\ntilt-deg = 8\n\
         mount = {{ east-m = -4.0, north-m = -20.0, up-m = 7.0, heading-deg = 0.0 }}\n{lines}",
        base.display()
    );
    // Tests run side by side: each reading has a file of its own.
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("sim-faults-{}-{number}.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, text).expect("a file");
    let scenario = Scenario::load(&file).expect("a scenario");
    std::fs::remove_file(&file).expect("it was made");
    let started = Mono::ZERO + scenario.traffic();
    let mut world = scenario.world(1).expect("a world");
    while world.now() < started {
        world.step();
    }
    let mut devices = Devices::new(&scenario, &world, 1, started).expect("devices");
    let epoch = Epoch::new(started, scenario.start);
    let device = if from == "camera" {
        Device::Camera(0)
    } else {
        Device::Radar(0)
    };
    let mut all = Vec::new();
    let end = started.offset_by(seconds);
    while devices.poll_timeout() < end {
        let at = devices.poll_timeout();
        while world.now() < at {
            world.step();
            devices.follow(&world);
        }
        let now = Now {
            mono: at,
            utc: epoch.utc(at),
        };
        match devices.poll_delivery(at) {
            Some(delivery) => all.extend((delivery.from == device).then_some(delivery)),
            None => {
                devices.handle_timeout(now, &world);
            }
        }
    }
    all
}

fn stamps_ms(all: &[Delivery]) -> Vec<i64> {
    let stamp = |one: &Delivery| {
        let message: serde_json::Value = serde_json::from_slice(&one.bytes).expect("JSON");
        message["time_ms"].as_i64().expect("a stamp")
    };
    all.iter().map(stamp).collect()
}

fn fault(kind: &str, of: &str, share: f64, by_s: f64) -> String {
    format!(
        "[[fault]]\nof = '{of}'\nkind = '{kind}'\nfrom-s = 0\nuntil-s = 1000\nshare = {share}\nby-s = {by_s}\n"
    )
}

#[test]
fn a_camera_loses_doubles_and_reorders_what_its_line_does() {
    let sound = heard("camera", "", 20.0).len();
    assert!((245..=250).contains(&sound), "{sound}");
    let lost = heard("camera", &fault("silence", "camera", 0.3, 0.0), 20.0).len();
    assert!((150..200).contains(&lost), "{lost}");
    let doubled = heard("camera", &fault("duplicate", "camera", 0.2, 0.0), 20.0).len();
    assert!((280..325).contains(&doubled), "{doubled}");
    let swapped = stamps_ms(&heard(
        "camera",
        &fault("reorder", "camera", 0.3, 0.5),
        20.0,
    ));
    let back = swapped.windows(2).filter(|two| two[1] < two[0]).count();
    assert!(back > 20, "{back}");
}

#[test]
fn a_clock_that_jumps_or_drifts_shows_in_the_stamps_and_a_delay_does_not() {
    let sound = stamps_ms(&heard("camera", "", 20.0));
    let off_ms = |lines: &str| -> Vec<i64> {
        let other = stamps_ms(&heard("camera", lines, 20.0));
        other.iter().zip(&sound).map(|(a, b)| a - b).collect()
    };
    assert!(
        off_ms(&fault("clock-jump", "camera", 1.0, 2.5))
            .iter()
            .all(|ms| *ms == 2500)
    );
    let drifted = off_ms(&fault("clock-drift", "camera", 1.0, 50.0));
    let last = *drifted.last().expect("messages");
    assert!(drifted[0] < 20 && (900..1050).contains(&last), "{last}");
    let late = heard("camera", &fault("delay", "camera", 1.0, 0.4), 20.0);
    assert_eq!(stamps_ms(&late)[0], sound[0]);
}

#[test]
fn the_faults_of_one_device_change_nothing_of_another() {
    let bytes = |lines: &str| -> Vec<Vec<u8>> {
        let all = heard("radar", lines, 5.0);
        all.into_iter().map(|one| one.bytes).collect()
    };
    assert_eq!(bytes(""), bytes(&fault("silence", "camera", 0.5, 0.0)));
    let damaged = bytes(&fault("wrong-crc", "north-radar", 1.0, 0.0));
    let pairs = damaged
        .iter()
        .zip(bytes(""))
        .filter(|(a, b)| *a != b)
        .count();
    assert!(pairs > 60, "{pairs}");
}

#[test]
fn a_survey_that_is_off_moves_everything_that_is_seen() {
    let places = |lines: &str| -> Vec<Vec<(f64, f64)>> {
        let all = heard("camera", lines, 6.0);
        let objects = all.iter().map(|one| {
            let message: serde_json::Value = serde_json::from_slice(&one.bytes).expect("JSON");
            let objects = message["objects"].as_array().expect("a list").clone();
            let place = |object: &serde_json::Value| {
                let metres = |name: &str| object[name].as_f64().expect("metres");
                (metres("east_m"), metres("north_m"))
            };
            objects.iter().map(place).collect()
        });
        objects.collect()
    };
    // It stands a metre and a half farther east than it believes.
    let (sound, moved) = (places(""), places("survey-off = { east-m = 1.5 }\n"));
    let alike = sound.iter().zip(&moved).filter(|(a, b)| a.len() == b.len());
    let mut off_m: Vec<f64> = alike
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| b.0 - a.0))
        .collect();
    off_m.sort_by(f64::total_cmp);
    assert!(off_m.len() > 50, "{}", off_m.len());
    let middle_m = off_m[off_m.len() / 2];
    assert!((middle_m + 1.5).abs() < 0.1, "{middle_m}");
}

#[test]
fn a_fault_of_nobody_or_of_lamps_that_it_has_not_is_refused() {
    for lines in [
        fault("silence", "no-such-radar", 1.0, 0.0),
        fault("wrong-green", "camera", 1.0, 0.0),
    ] {
        let text = format!("extends = 'moyu-boyuan.toml'\nname = 'x'\n{lines}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/scenarios");
        let base = folder.join("moyu-boyuan.toml").display().to_string();
        let file = std::env::temp_dir().join(format!("sim-refused-{}.toml", std::process::id()));
        std::fs::write(&file, text.replace("moyu-boyuan.toml", &base)).expect("a file");
        assert!(Scenario::load(&file).is_err(), "{lines}");
        std::fs::remove_file(&file).expect("it was made");
    }
}

#[test]
fn the_same_air_for_the_station_and_the_sensors() {
    let spell = Spell {
        quantity: rsu::report::Quantity::Visibility,
        value: 80.0,
        from: Mono::ZERO.offset_by(10.0),
        until: Mono::ZERO.offset_by(20.0),
        event_type: None,
    };
    let seen_m = |after_s| Air::at(&[spell], Mono::ZERO.offset_by(after_s)).visibility_m;
    assert!((seen_m(15.0) - 80.0).abs() < 1e-9 && seen_m(25.0) > 5000.0);
}

#[test]
fn a_stuck_sensor_says_its_last_word_again_and_again() {
    let stuck = "[[fault]]\nof = 'camera'\nkind = 'stuck'\nfrom-s = 1\nuntil-s = 2\n";
    let heard = heard("camera", stuck, 3.0);
    // Images of the first second arrive a tenth later.
    let within = |from_s: f64, to_s: f64| {
        let start = Mono::ZERO + std::time::Duration::from_secs(20);
        heard
            .iter()
            .filter(move |one| (from_s..to_s).contains(&one.arrives.seconds_after(start)))
    };
    let while_stuck: Vec<_> = within(1.4, 2.0).map(|one| &one.bytes).collect();
    assert!(while_stuck.len() > 5, "{} messages", while_stuck.len());
    assert!(while_stuck.windows(2).all(|pair| pair[0] == pair[1]));
    let after: Vec<_> = within(2.4, 3.0).map(|one| &one.bytes).collect();
    assert!(after.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn who_speaks_as_another_is_heard_there_and_not_as_itself() {
    let clean = heard("north-radar", "", 2.0);
    let other = "[[fault]]\nof = 'camera'\nkind = 'misaddressed'\nto = 'north-radar'\n\
                 from-s = 0\nuntil-s = 10\n";
    let both = heard("north-radar", other, 2.0);
    let as_json = both.iter().filter(|one| one.bytes.starts_with(b"{"));
    assert!(as_json.count() > 15, "the camera's messages");
    let own: Vec<_> = both
        .iter()
        .filter(|one| !one.bytes.starts_with(b"{"))
        .collect();
    assert_eq!(own.len(), clean.len());
    assert!(own.iter().zip(&clean).all(|(a, b)| a.bytes == b.bytes));
    assert!(heard("camera", other, 2.0).is_empty());
}
