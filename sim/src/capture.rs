//! Recordings of our own making: what the devices of a scenario send, and what the roadside unit
//! makes of it, in the formats of real recordings.
//!
//! Each radar's CAN frames as candump text, each camera's messages as lines of JSON; as lines of hex the
//! controller's datagrams, what the unit's radio and the weather station bring, and the frames on the air. They
//! begin just before a cycle of the signals, so that a plan is in
//! them, and are the same to the byte for a scenario and a seed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rsu::clock::{Mono, Now};
use rsu::inputs::can::{candump, gateway};
use rsu::station::Frame;

use crate::scenario::{Language, Scenario};
use crate::stage::{Audience, Stage};
use crate::truth::Truth;

/// Writes the recordings of `span` into `folder`, which is made if need be; returns their names.
pub fn capture(
    scenario: &Scenario,
    seed: u64,
    span: Duration,
    folder: &Path,
) -> Result<Vec<String>> {
    let mut stage = Stage::new(scenario, seed)?;
    let lead = lead(scenario, &stage)?;
    let mut tape = Tape::new(scenario, stage.started() + lead);
    stage.run(lead + span, &mut tape)?;
    tape.write(&scenario.file.name, seed, span, folder)
}

/// How long a stage must run before its recording begins.
pub(crate) fn lead(scenario: &Scenario, stage: &Stage) -> Result<Duration> {
    let plan = scenario.plan()?;
    let mut lead = plan.cycle() - plan.into_cycle(stage.started());
    // Tracks must have come up, and the signals been heard.
    while lead < WARM_UP + BEFORE_CYCLE {
        lead += plan.cycle();
    }
    Ok(lead - BEFORE_CYCLE)
}

/// Text by name of the file.
pub(crate) struct Tape {
    /// By input: the file of what comes as lines of hex, and as lines of JSON. All others are radars.
    hex: BTreeMap<String, String>,
    boxes: BTreeMap<String, String>,
    from: Mono,
    files: BTreeMap<String, String>,
}

impl Tape {
    /// Of the devices and the unit of a scenario, from that moment on.
    pub(crate) fn new(scenario: &Scenario, from: Mono) -> Self {
        let boxes = scenario.file.camera.iter().map(|camera| {
            let protocol = camera.protocol.name().replace('-', "_");
            (
                camera.name.clone(),
                format!("{protocol}_{}.jsonl", camera.name),
            )
        });
        let file = &scenario.file;
        let controller = match file.controller.protocol {
            Language::Gat1743 => "gat1743.hex",
            Language::Gb20999 => "gb20999.hex",
        };
        let mut hex = BTreeMap::from([(file.controller.name.clone(), controller.to_owned())]);
        let radio = file.air.iter().map(|air| ("heard", &air.name));
        let station = file.weather_station.iter();
        let station = station.map(|station| ("modbus", &station.name));
        let others = radio.chain(station);
        hex.extend(others.map(|(how, name)| (name.clone(), format!("{how}_{name}.hex"))));
        Self {
            hex,
            boxes: boxes.collect(),
            from,
            files: BTreeMap::new(),
        }
    }

    /// Writes all of it into `folder`, which is made if need be, with a note on where it is from;
    /// returns the names.
    pub(crate) fn write(
        mut self,
        scenario: &str,
        seed: u64,
        span: Duration,
        folder: &Path,
    ) -> Result<Vec<String>> {
        let note = format!(
            "# Recordings of our own making\n\nBy `sim capture --scenario {scenario} --seed {seed} --duration {}`: \
             simulated devices and the frames of a simulated roadside unit; no real device, place or \
             person is in them. `*.hex` has one datagram or frame a line, `*.log` is candump text, `*.jsonl` has one \
             message of a camera's box a line.\n",
            span.as_secs()
        );
        self.files.insert("SOURCES.md".to_owned(), note);
        let shown = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
        for (name, text) in &self.files {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(self.files.into_keys().collect())
    }

    fn file(&mut self, name: &str) -> &mut String {
        self.files.entry(name.to_owned()).or_default()
    }
}

impl Audience for Tape {
    fn frame(&mut self, now: Now, frame: &Frame, _truth: &Truth) {
        if now.mono >= self.from {
            hex_line(frame.bytes(), self.file("frames.hex"));
        }
    }

    fn bytes(&mut self, now: Now, input: &str, bytes: &[u8]) {
        if now.mono < self.from {
            return;
        }
        if let Some(name) = self.hex.get(input).cloned() {
            return hex_line(bytes, self.file(&name));
        }
        if let Some(name) = self.boxes.get(input).cloned() {
            let text = String::from_utf8_lossy(bytes);
            return self.file(&name).push_str(&text);
        }
        let mut lines = Vec::new();
        let (records, _) = bytes.as_chunks::<{ gateway::RECORD }>();
        for (i, record) in records.iter().enumerate() {
            if let Some(frame) = gateway::parse(record) {
                let at = now.utc + CAN_FRAME * i as u32;
                candump::emit(&frame, Some(at), &mut lines);
            }
        }
        let text = String::from_utf8_lossy(&lines);
        self.file(&format!("ars408_{input}.log")).push_str(&text);
    }
}

fn hex_line(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
}

/// What must have been heard before a recording is worth having.
const WARM_UP: Duration = Duration::from_secs(10);
/// A recording begins so long before a cycle of the signals.
const BEFORE_CYCLE: Duration = Duration::from_secs(2);
/// A CAN frame of 8 bytes at 500 kbit/s.
const CAN_FRAME: Duration = Duration::from_micros(230);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn a_capture_holds_a_plan_lamp_states_radar_cycles_and_frames() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let mut scenario = Scenario::load(Path::new(file)).expect("a scenario");
        // Traffic from the beginning of a cycle, so that the next is not far.
        scenario.file.traffic_s = 90;
        let folder = std::env::temp_dir().join(format!("sim-capture-{}", std::process::id()));
        let names = capture(&scenario, 1, Duration::from_secs(4), &folder).expect("a capture");
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a file");
        let datagrams = read("gat1743.hex");
        // The object is at bytes 26 and 27: 0103 or 0301, low byte first.
        let objects: Vec<&str> = datagrams.lines().map(|line| &line[52..56]).collect();
        assert!(objects.contains(&"0301") && objects.contains(&"0103"));
        let radar = read("ars408_north-radar.log");
        assert!(radar.lines().filter(|line| line.contains(" 60A#")).count() > 40);
        assert!(read("frames.hex").lines().count() > 80);
        assert_eq!(names.len(), 7, "{names:?}");
        fs::remove_dir_all(&folder).expect("it was made");
    }

    #[test]
    fn what_comes_by_radio_and_of_the_weather_is_no_radar() {
        let file = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
            Path::new(folder).join(name).with_extension("toml")
        };
        let config = |name: &str| Scenario::load(&file(name)).expect("a scenario");
        let fog = Network::load_with(&file("huanhu-fog"), &[]).expect("a network");
        let fog = fog.junctions[0].scenario.clone();
        let now = Now {
            mono: Mono::ZERO,
            utc: config("moyu-boyuan").start,
        };
        for (scenario, input, file) in [
            (config("moyu-green-advice"), "radio", "heard_radio.hex"),
            (fog, "weather", "modbus_weather.hex"),
            (config("signal-gb20999"), "signal", "gb20999.hex"),
        ] {
            let mut tape = Tape::new(&scenario, Mono::ZERO);
            tape.bytes(now, input, &[0x0a, 0xb1]);
            let files = Vec::from_iter(tape.files);
            assert_eq!(files, [(file.to_owned(), "0ab1\n".to_owned())]);
        }
    }
}
