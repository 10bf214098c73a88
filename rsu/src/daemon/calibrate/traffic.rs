//! Recorded traffic, from whichever file: sensors, and what each saw when.

use std::fs::File;
use std::path::Path;

use crate::clock::{Mono, Now, Utc};
use crate::daemon::fuse::{Recording, Unusable};
use crate::daemon::hex;
use crate::daemon::record::read::{Entry, last_run, read};
use crate::daemon::replay::player::config_of;
use crate::fusion::Sensor;
use crate::inputs::Decoder;
use crate::report::{Content, Detection};

/// What sensors saw.
pub(super) struct Traffic {
    pub(super) sensors: Vec<Sensor>,
    /// What people call them, in the same order.
    pub(super) names: Vec<String>,
    /// In the order of capture.
    pub(super) looks: Vec<Look>,
}

/// One frame of one sensor.
pub(super) struct Look {
    /// Its place among the sensors.
    pub(super) sensor: usize,
    pub(super) seen_at: Mono,
    /// In the site's axes, by the mount as configured.
    pub(super) detections: Vec<Detection>,
}

impl Traffic {
    pub(super) fn read(path: &Path) -> Result<Self, Unusable> {
        let is_recording = path.is_dir() || path.extension().is_some_and(|e| e == "mcap");
        let mut traffic = if is_recording {
            Self::of_unit(path)?
        } else {
            Self::of_detections(&Recording::read(path)?)
        };
        traffic.looks.sort_by_key(|look| look.seen_at);
        Ok(traffic)
    }

    fn of_detections(recording: &Recording) -> Self {
        let sensors = recording.fusion_sensors();
        let names = (0..sensors.len()).map(|which| recording.name(which).to_owned());
        Self {
            names: names.collect(),
            looks: (recording.sights())
                .map(|(sensor, seen_at, detections)| Look {
                    sensor,
                    seen_at,
                    detections,
                })
                .collect(),
            sensors,
        }
    }

    /// What a unit recorded, through the decoders that it had.
    fn of_unit(path: &Path) -> Result<Self, Unusable> {
        let files = last_run(&[path.to_owned()]).map_err(|reason| Unusable { exit: 66, reason })?;
        let mut unit: Option<(Self, Vec<Decoder>)> = None;
        for file in &files {
            let opened = File::open(file).map_err(|error| Unusable {
                exit: 66,
                reason: format!("{}: {error}", file.display()),
            })?;
            let mut failed = None;
            let mut take = |entry| match Self::take(&mut unit, entry) {
                Ok(()) => true,
                Err(reason) => {
                    failed = Some(reason);
                    false
                }
            };
            let read = read(opened, &mut take);
            if let Some(reason) = failed.or(read.err().map(|error| error.to_string())) {
                return Err(Unusable {
                    exit: 65,
                    reason: format!("{}: {reason}", file.display()),
                });
            }
        }
        let (traffic, _) = unit.ok_or_else(|| Unusable {
            exit: 65,
            reason: "there is nothing in it".to_owned(),
        })?;
        Ok(traffic)
    }

    fn take(unit: &mut Option<(Self, Vec<Decoder>)>, entry: Entry) -> Result<(), String> {
        let Some((traffic, decoders)) = unit else {
            let Entry::Start(start) = entry else {
                return Err("it does not begin with the unit's start".to_owned());
            };
            let config = config_of(&start).map_err(|error| error.to_string())?;
            let sensors = config.station.fusion.sensors;
            let named = |sensor: &Sensor| {
                let input = config.inputs.iter().find(|input| input.id == sensor.input);
                input.map_or_else(String::new, |input| input.name.clone())
            };
            let decoders = config.inputs.iter().map(|i| i.protocol.decoder());
            let traffic = Self {
                names: sensors.iter().map(named).collect(),
                sensors,
                looks: Vec::new(),
            };
            *unit = Some((traffic, decoders.collect()));
            return Ok(());
        };
        let (input, arrived, bytes) = match &entry {
            Entry::Arrived(said) | Entry::Flushed(said) | Entry::Restarted(said) => (
                said.input,
                Now {
                    mono: Mono::from_nanos(said.mono_ns),
                    utc: Utc::from_unix_ns(said.utc_ns),
                },
                &said.hex,
            ),
            _ => return Ok(()),
        };
        let Some(decoder) = decoders.get_mut(usize::from(input)) else {
            return Err("it names an input that its configuration lacks".to_owned());
        };
        let sensors = &traffic.sensors;
        let Some(sensor) = sensors.iter().position(|sensor| sensor.input.0 == input) else {
            return Ok(());
        };
        let looks = &mut traffic.looks;
        let mut sink = |content| {
            if let Content::Objects(objects) = content {
                looks.push(Look {
                    sensor,
                    seen_at: objects.seen_at,
                    detections: objects.detections.to_vec(),
                });
            }
        };
        match entry {
            Entry::Arrived(_) => {
                let bytes = hex::decode(bytes).ok_or("bytes that are none")?;
                decoder.push(arrived, &bytes, &mut sink);
            }
            Entry::Flushed(_) => decoder.flush(arrived, &mut sink),
            _ => decoder.link_restarted(),
        }
        Ok(())
    }
}
