//! Reads `asn/*.asn` and writes the Rust of it to `OUT_DIR/asn.rs`.

#![expect(
    unreachable_pub,
    reason = "the emitter's rooms are private to this script"
)]

mod emit;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=asn");
    println!("cargo::rerun-if-changed=emit");
    let mut paths = Vec::new();
    for entry in fs::read_dir("asn")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "asn") {
            paths.push(path);
        }
    }
    // The order of a directory is nobody's promise.
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        sources.push(emit::Source {
            path: path.display().to_string(),
            text,
        });
    }
    let out: PathBuf = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?.into();
    fs::write(out.join("asn.rs"), emit::rust(&sources)?)?;
    Ok(())
}
