//! Reads `asn/*.asn`, and what an older edition has otherwise, and writes the Rust of it to
//! `OUT_DIR/asn.rs`.

#![expect(
    unreachable_pub,
    reason = "the emitter's rooms are private to this script"
)]

mod emit;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

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
    let sources = paths
        .iter()
        .map(|path| source(path))
        .collect::<Result<Vec<_>, _>>()?;
    let older = source(Path::new("asn/edition-2019-07-24/Edition2019.asn"))?;
    let out: PathBuf = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?.into();
    fs::write(out.join("asn.rs"), emit::rust(&sources, Some(&older))?)?;
    Ok(())
}

fn source(path: &Path) -> io::Result<emit::Source> {
    Ok(emit::Source {
        path: path.display().to_string(),
        text: fs::read_to_string(path)?,
    })
}
