//! That `tail` measures at all. Its figures are not judged here: a test shares its machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const FIGURES: [&str; 9] = [
    "controller_to_spat",
    "controller_to_spat_at_socket",
    "radar_to_rsm",
    "radar_to_rsm_at_socket",
    "spat_grid_lateness",
    "spat_grid_lateness_at_socket",
    "first_lamps_to_spat",
    "start_to_spat",
    "own_wake_up",
];

#[test]
fn a_second_gives_every_figure() {
    let tail = Path::new(env!("CARGO_BIN_EXE_tail"));
    if !tail.with_file_name("rsu").exists() {
        eprintln!("skipped: the program rsu is not built; `cargo test --workspace` builds it");
        return;
    }
    let json = std::env::temp_dir().join(format!("tail-test-{}.json", std::process::id()));
    let ran = Command::new(tail)
        .args(["--seconds", "1", "--warm-up", "2", "--starts", "1"])
        .args(["--load", "off", "--realtime", "off"])
        .args(["--radar-phase-ms", "40", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    let run = &report["runs"][0];
    for name in FIGURES {
        let figure = &run["figures"][name];
        assert!(figure["samples"].as_u64() > Some(0), "{name}: {figure}");
        for percentile in ["p50_ms", "p99_ms", "p99_9_ms", "max_ms"] {
            assert!(figure[percentile].as_f64() > Some(0.0), "{name}: {figure}");
        }
    }
    assert_eq!(run["figures"].as_object().unwrap().len(), FIGURES.len());
    assert!(run["memory"]["rss_kib"].as_u64() > Some(1000), "{run}");
    assert!(run["frames"]["spat"].as_u64() > Some(5), "{run}");
    assert!(run["sets"]["all"].as_u64() > Some(0), "{run}");
}
