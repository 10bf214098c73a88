//! The walls of the house: who may know what. Each test holds one invariant of docs/ARCHITECTURE.md.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn only_the_daemon_touches_the_operating_system() {
    let forbidden = [
        "std::net",
        "std::fs",
        "std::thread",
        "std::env",
        "Instant::now",
        "SystemTime",
        "tokio::",
        "socket2::",
        "nix::",
        "libc::",
        "crossbeam",
        "tracing::",
    ];
    let rooms = rust_files("rsu/src")
        .filter(|path| !path.starts_with("rsu/src/daemon") && !path.ends_with("main.rs"))
        .chain(rust_files("v2x-msg/src").filter(|path| !path.starts_with("v2x-msg/src/bin")));
    assert_absent(rooms, &forbidden);
}

#[test]
fn only_the_codec_and_the_wire_files_know_generated_code() {
    let rooms = rust_files("v2x-msg/src")
        .filter(|path| {
            let name = path.to_string_lossy();
            !["/uper", "/jer", "/asn", "/message", "/edition", "/wire.rs"]
                .iter()
                .any(|room| name.contains(room))
        })
        .chain(rust_files("rsu/src"))
        .chain(rust_files("sim/src"));
    assert_absent(rooms, &["asn::"]);
}

#[test]
fn the_roadside_unit_never_names_the_simulator() {
    assert_absent(rust_files("rsu/src"), &["sim::"]);
    assert_absent(rust_files("v2x-msg/src"), &["sim::", "rsu::"]);
}

#[test]
fn every_file_opens_with_what_lives_there() {
    for root in ["v2x-msg", "rsu", "sim", "benches", "tests"] {
        for path in rust_files(root) {
            let text = read(&path);
            assert!(
                text.starts_with("//!"),
                "{} does not open with module docs",
                path.display()
            );
        }
    }
}

#[test]
fn without_the_daemon_no_runtime_or_socket_crate_is_in_the_tree() {
    let tree = cargo(&[
        "tree",
        "-p",
        "rsu",
        "--no-default-features",
        "-e",
        "normal",
        "--prefix",
        "none",
    ]);
    for guest in [
        "tokio",
        "socket2",
        "socketcan",
        "crossbeam",
        "nix ",
        "libc ",
    ] {
        assert!(
            !tree.contains(guest),
            "rsu without `daemon` pulls in {guest}:\n{tree}"
        );
    }
}

#[test]
fn the_schema_front_end_stays_out_of_the_runtime_tree() {
    let tree = cargo(&["tree", "-p", "rsu", "-e", "normal", "--prefix", "none"]);
    for guest in ["asn1rs", "atty", "syn v1"] {
        assert!(
            !tree.contains(guest),
            "rsu pulls in {guest} at run time:\n{tree}"
        );
    }
}

fn assert_absent(files: impl Iterator<Item = PathBuf>, words: &[&str]) {
    for path in files.filter(|path| !only_tests(path)) {
        let text = read(&path);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in product.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for word in words {
                assert!(
                    !line.contains(word),
                    "{}:{}: names {word}",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

/// Whether the file is a module that its parent declares for tests alone.
fn only_tests(path: &Path) -> bool {
    let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
        return false;
    };
    let declared = format!("#[cfg(test)]\nmod {name};");
    let folder = path.parent().expect("a folder above");
    let parents = [
        folder.join("mod.rs"),
        folder.join("lib.rs"),
        folder.with_extension("rs"),
    ];
    let mut parents = parents
        .iter()
        .filter(|parent| project().join(parent).exists());
    parents.any(|parent| read(parent).contains(&declared))
}

/// Every Rust file under `root`, as paths from the project's root, in a fixed order.
fn rust_files(root: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found = Vec::new();
    collect(&project().join(root), &mut found);
    found.sort();
    assert!(!found.is_empty(), "no Rust file under {root}");
    found.into_iter().map(|path| {
        path.strip_prefix(project())
            .expect("under the project")
            .to_path_buf()
    })
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of the project")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(project().join(path)).expect("a readable source file")
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(project())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
