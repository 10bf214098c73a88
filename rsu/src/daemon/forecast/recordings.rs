//! Recorded signals out of files.
//!
//! - Observations, a JSON object a line: `{"name": ..., "cycles": [[start, [[state, seconds], ...]],
//!   ...]}`, start in seconds since 1970; states 3 green, 1 red, 2 amber, 4 red and amber, 0 dark or
//!   not known. Lines of the same name are one signal; other members are not read.
//! - High-resolution controller logs by the Indiana enumeration, CSV with the columns `TimeStamp`,
//!   `DeviceId`, `EventId`, `Parameter`: 1 a phase begins green, 8 yellow, 9 to 12 end of yellow and
//!   red clearance. Parameter is the phase, 1 to 16.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clock::Utc;
use crate::report::Light;
use crate::signals::MAX_PHASES;
use crate::signals::score::{Junction, Shown, Window};
use v2x_msg::base::Civil;

/// The junctions of a file, in the order in which it first names them.
///
/// # Errors
/// With the line that makes no sense.
pub(crate) fn read(text: &str) -> Result<Vec<Junction>, String> {
    if text.trim_start().starts_with('{') {
        observations(text)
    } else {
        log(text)
    }
}

#[derive(Deserialize)]
struct Line {
    name: String,
    cycles: Vec<(u64, Vec<(u8, u64)>)>,
}

fn observations(text: &str) -> Result<Vec<Junction>, String> {
    let mut signals: Vec<(String, Junction)> = Vec::new();
    for (place, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let wrong = |reason: &dyn std::fmt::Display| format!("line {}: {reason}", place + 1);
        let line: Line = serde_json::from_str(line).map_err(|error| wrong(&error))?;
        let windows = line
            .cycles
            .iter()
            .map(|(start_s, runs)| window(*start_s, runs));
        let windows: Option<Vec<_>> = windows.collect();
        let windows = windows.ok_or_else(|| wrong(&"a state or a time that there is not"))?;
        let known = signals.iter().position(|(name, _)| *name == line.name);
        let known = known.unwrap_or_else(|| {
            signals.push((
                line.name,
                Junction {
                    phases: 1,
                    windows: Vec::new(),
                },
            ));
            signals.len() - 1
        });
        signals[known].1.windows.extend(windows);
    }
    let mut junctions: Vec<_> = signals.into_iter().map(|(_, junction)| junction).collect();
    for junction in &mut junctions {
        junction.windows.sort_by_key(|window| window.from_ms);
    }
    Ok(junctions)
}

fn window(start_s: u64, runs: &[(u8, u64)]) -> Option<Window> {
    let from_ms = start_s.checked_mul(1000)?;
    let mut window = Window {
        from_ms,
        to_ms: from_ms,
        changes: Vec::with_capacity(runs.len()),
    };
    for (state, length_s) in runs {
        let light = match state {
            0 => Light::Dark,
            1 => Light::Red,
            2 => Light::Yellow,
            3 => Light::Green,
            4 => Light::RedYellow,
            _ => return None,
        };
        window.changes.push(Shown {
            at_ms: window.to_ms,
            phase: 0,
            light,
        });
        window.to_ms = window.to_ms.checked_add(length_s.checked_mul(1000)?)?;
    }
    Some(window)
}

fn log(text: &str) -> Result<Vec<Junction>, String> {
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, header)| header);
    let column = |name: &str| {
        let mut columns = header.split(',');
        let found = columns.position(|column| column.trim() == name);
        found.ok_or_else(|| format!("line 1: no column {name}"))
    };
    let columns = [
        column("TimeStamp")?,
        column("DeviceId")?,
        column("EventId")?,
        column("Parameter")?,
    ];
    let mut devices: Vec<(String, Vec<Shown>)> = Vec::new();
    for (place, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let wrong = || format!("line {}: not an event", place + 1);
        let [time, device, event, phase] = columns.map(|column| fields.get(column).copied());
        let event: u32 = event
            .and_then(|event| event.parse().ok())
            .ok_or_else(wrong)?;
        let light = match event {
            1 => Light::Green,
            8 => Light::Yellow,
            9..=12 => Light::Red,
            _ => continue,
        };
        let phase: usize = phase
            .and_then(|phase| phase.parse().ok())
            .ok_or_else(wrong)?;
        let at_ms = time.and_then(unix_ms).ok_or_else(wrong)?;
        if !(1..=MAX_PHASES).contains(&phase) {
            return Err(format!("line {}: phase {phase}", place + 1));
        }
        let device = device.ok_or_else(wrong)?;
        let known = devices.iter().position(|(name, _)| name == device);
        let known = known.unwrap_or_else(|| {
            devices.push((device.to_owned(), Vec::new()));
            devices.len() - 1
        });
        devices[known].1.push(Shown {
            at_ms,
            phase,
            light,
        });
    }
    Ok(devices
        .into_iter()
        .map(|(_, changes)| junction(changes))
        .collect())
}

/// The phases that a log names, in order; a red that goes on is no change.
fn junction(mut changes: Vec<Shown>) -> Junction {
    changes.sort_by_key(|change| change.at_ms);
    let mut phases = BTreeMap::new();
    for change in &changes {
        phases.insert(change.phase, Light::Unknown);
    }
    let places: Vec<usize> = phases.keys().copied().collect();
    changes.retain(|change| {
        let shown = phases.insert(change.phase, change.light);
        shown != Some(change.light)
    });
    for change in &mut changes {
        change.phase = places.binary_search(&change.phase).unwrap_or(0);
    }
    Junction {
        phases: places.len(),
        windows: vec![Window {
            from_ms: changes.first().map_or(0, |change| change.at_ms),
            to_ms: changes.last().map_or(0, |change| change.at_ms),
            changes,
        }],
    }
}

/// Of a time such as `2024-04-15 12:00:00.100`, taken for UTC.
fn unix_ms(time: &str) -> Option<u64> {
    let digits = |from: usize, to: usize| time.get(from..to)?.parse::<u32>().ok();
    let fraction = time.get(19..).filter(|rest| !rest.is_empty());
    let fraction_s: f64 = match fraction {
        Some(fraction) => format!("0{fraction}").parse().ok()?,
        None => 0.0,
    };
    let civil = Civil {
        year: digits(0, 4)?.try_into().ok()?,
        month: digits(5, 7)?.try_into().ok()?,
        day: digits(8, 10)?.try_into().ok()?,
        hour: digits(11, 13)?.try_into().ok()?,
        minute: digits(14, 16)?.try_into().ok()?,
        second: digits(17, 19)?.try_into().ok()?,
        nanosecond: ((fraction_s * 1e3).round() as u32).min(999) * 1_000_000,
    };
    u64::try_from(Utc::from_civil(civil)?.unix_ns() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_name_are_one_signal_in_order_of_time() {
        let text = r#"{"name":"a","day":1,"hour":2,"cycles":[[1000,[[3,10],[2,3]]]]}
{"name":"b","cycles":[[7,[[1,5]]]]}
{"name":"a","cycles":[[500,[[4,1],[0,2]]]]}
"#;
        let junctions = read(text).unwrap();
        assert_eq!(junctions.len(), 2);
        let [first, second] = &junctions[0].windows[..] else {
            panic!("{junctions:?}")
        };
        assert_eq!((first.from_ms, first.to_ms), (500_000, 503_000));
        assert_eq!(first.changes[0].light, Light::RedYellow);
        assert_eq!((second.from_ms, second.to_ms), (1_000_000, 1_013_000));
        assert_eq!(
            (second.changes[1].at_ms, second.changes[1].light),
            (1_010_000, Light::Yellow)
        );
    }

    #[test]
    fn a_log_is_read_by_device_and_phase() {
        let text = "TimeStamp,DeviceId,EventId,Parameter\n\
            2024-04-15 12:00:00.000,9,1,2\n\
            2024-04-15 12:00:05.100,9,81,26\n\
            2024-04-15 12:00:20.500,9,8,2\n\
            2024-04-15 12:00:24.500,9,9,2\n\
            2024-04-15 12:00:24.500,9,10,2\n\
            2024-04-15 12:00:26.000,9,1,6\n";
        let junctions = read(text).unwrap();
        let [Junction { phases: 2, windows }] = &junctions[..] else {
            panic!("{junctions:?}")
        };
        let shown: Vec<_> = windows[0]
            .changes
            .iter()
            .map(|change| {
                (
                    change.at_ms - windows[0].from_ms,
                    change.phase,
                    change.light,
                )
            })
            .collect();
        let expected = [
            (0, 0, Light::Green),
            (20_500, 0, Light::Yellow),
            (24_500, 0, Light::Red),
            (26_000, 1, Light::Green),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_line() {
        for (text, start) in [
            ("{\"name\":\"a\",\"cycles\":[]}\n{\"name\":1}", "line 2: "),
            (
                "{\"name\":\"a\",\"cycles\":[[0,[[9,1]]]]}",
                "line 1: a state",
            ),
            (
                "{\"name\":\"a\",\"cycles\":[[18446744073709551615,[]]]}",
                "line 1: a state",
            ),
            ("DeviceId,EventId\n", "line 1: no column TimeStamp"),
            (
                "TimeStamp,DeviceId,EventId,Parameter\nnow,1,1,1\n",
                "line 2: not an event",
            ),
            (
                "TimeStamp,DeviceId,EventId,Parameter\n2024-04-15 12:00:00,1,1,77\n",
                "line 2: phase 77",
            ),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.starts_with(start), "{wrong}");
        }
    }
}
