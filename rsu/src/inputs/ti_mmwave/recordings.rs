//! The two recordings, whole and in pieces.

use std::path::Path;

use super::tests::{counted, hear};
use super::{Config, wire};

fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let path = Path::new(folder).join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: no recording at {}", path.display());
    }
    bytes
}

#[test]
fn all_101_frames_are_read_however_they_are_cut() {
    let Some(bytes) = recording("ti_xwr68xx_uart_101frames.dat") else {
        return;
    };
    let everything = Config {
        report_still: true,
        ..Config::default()
    };
    let (whole, decoder) = hear(everything, &bytes, bytes.len());
    assert_eq!((decoder.counts().accepted(), whole.len()), (101, 101));
    assert!(decoder.counts().rejected().iter().all(|(_, n)| *n == 0));
    assert_eq!(counted(&decoder, "frames-missed"), 0);
    // Counted by a reader that is not ours.
    assert_eq!(whole.iter().map(|o| o.detections.len()).sum::<usize>(), 825);
    for chunk in [1, 7, 100, 4095] {
        assert_eq!(hear(everything, &bytes, chunk).0, whole, "{chunk}");
    }
}

#[test]
fn the_first_point_is_8_cm_ahead() {
    let Some(bytes) = recording("ti_xwr68xx_uart_101frames.dat") else {
        return;
    };
    let (_, data) = wire::tlvs(wire::Layout::OutOfBox, &bytes).next().unwrap();
    let first = wire::points(data).next().unwrap();
    assert!((first.x_m - 0.0191).abs() < 1e-3 && (first.y_m - 0.0851).abs() < 1e-3);
}

#[test]
fn at_least_176_frames_of_the_damaged_recording_are_recovered() {
    let Some(bytes) = recording("ti_uart_damaged.bin") else {
        return;
    };
    let (heard, decoder) = hear(Config::default(), &bytes, 512);
    let marks = bytes.windows(8).filter(|w| *w == wire::MAGIC).count() as u64;
    assert_eq!(marks, 200);
    let counts = decoder.counts();
    assert!(counts.accepted() >= 176, "{counts:?}");
    assert_eq!(heard.len() as u64, counts.accepted());
    // Each mark is a frame or is counted; the last may still be open.
    let lost = counted(&decoder, "cut-frame") + counted(&decoder, "broken-frame");
    assert!(marks - counts.accepted() - lost <= 1, "{counts:?}");
}
