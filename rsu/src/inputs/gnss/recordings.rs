//! Recordings of receivers, held against gpsd's own reading of them.

use std::path::Path;

use super::Form;
use super::tests::{counted, hear, now};
use crate::report::{Fix, Receiver};

fn recording(name: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/gpsd");
    let path = Path::new(folder).join(name);
    let check = path.with_extension("log.chk");
    match (std::fs::read(&path), std::fs::read(check)) {
        (Ok(bytes), Ok(check)) => Some((bytes, check)),
        _ => {
            eprintln!("skipped: no recording at {}", path.display());
            None
        }
    }
}

/// Without the comments that gpsd's tests have at the top.
fn sentences(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.starts_with(b"#"))
        .flatten()
        .copied()
        .collect()
}

/// gpsd's own output has sentences between its objects.
fn objects(check: &[u8]) -> Vec<u8> {
    let lines = check.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| line.starts_with(b"{"))
        .flatten()
        .copied()
        .collect()
}

/// What NMEA gives, what gpsd gives, and how many of the times that both know agree in place.
fn compared(name: &str) -> Option<(Vec<Receiver>, Vec<Receiver>, usize)> {
    let (bytes, check) = recording(name)?;
    let (ours, decoder) = hear(Form::Nmea, now(0), &sentences(&bytes));
    let (theirs, _) = hear(Form::Gpsd, now(0), &objects(&check));
    for kind in ["checksum", "sentence", "too-long", "cut"] {
        assert_eq!(counted(&decoder, kind), 0, "{name}: {kind}");
    }
    let mut agree = 0;
    for our in ours
        .iter()
        .filter(|r| r.utc.is_some() && r.place_deg.is_some())
    {
        // gpsd tells a time again as more of it becomes known: the last word counts.
        let same = theirs
            .iter()
            .rev()
            .find(|t| t.utc == our.utc && t.place_deg.is_some());
        let Some(their) = same else { continue };
        let ((lat, lon), (their_lat, their_lon)) = (our.place_deg?, their.place_deg?);
        assert!((lat - their_lat).abs() < 2e-9, "{name}: {lat} {their_lat}");
        assert!((lon - their_lon).abs() < 2e-9, "{name}: {lon} {their_lon}");
        agree += 1;
    }
    Some((ours, theirs, agree))
}

#[test]
fn the_rtk_receiver_is_where_gpsd_says() {
    let Some((ours, theirs, agree)) = compared("nmea-rtk.log") else {
        return;
    };
    assert!(
        ours.len() >= 100 && theirs.len() >= 100,
        "{} {}",
        ours.len(),
        theirs.len()
    );
    assert!(agree >= 100, "{agree} of {}", ours.len());
    assert!(ours.iter().any(|r| r.fix == Fix::Differential));
}

#[test]
fn the_quectel_module_is_where_gpsd_says() {
    let Some((ours, _, agree)) = compared("quectel-l76k-nmea.log") else {
        return;
    };
    assert!(
        agree * 10 >= ours.len() * 9 && agree >= 100,
        "{agree} of {}",
        ours.len()
    );
}

#[test]
fn the_beidou_module_of_shanghai_is_heard_with_and_without_a_fix() {
    let Some((bytes, check)) = recording("beidou-bd.log") else {
        return;
    };
    let (ours, decoder) = hear(Form::Nmea, now(0), &sentences(&bytes));
    assert!(!ours.is_empty());
    assert_eq!(
        (counted(&decoder, "checksum"), counted(&decoder, "sentence")),
        (0, 0)
    );
    let (theirs, _) = hear(Form::Gpsd, now(0), &objects(&check));
    let fixes = |all: &[Receiver]| all.iter().any(|r| r.fix != Fix::None);
    assert_eq!(fixes(&ours), fixes(&theirs));
}

#[test]
fn gpsds_reading_of_a_binary_receiver_is_understood() {
    let Some((_, check)) = recording("ublox-8-time.log") else {
        return;
    };
    let (theirs, decoder) = hear(Form::Gpsd, now(0), &objects(&check));
    let text = String::from_utf8(check).unwrap();
    assert_eq!(theirs.len(), text.matches("\"class\":\"TPV\"").count());
    assert!(
        theirs
            .iter()
            .any(|r| r.fix == Fix::Differential && r.place_deg.is_some())
    );
    assert_eq!(counted(&decoder, "json"), 0);
}
