//! rasn's Rust of our own ASN.1, for the differential target.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rasn_compiler::prelude::{Compiler, RasnBackend};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../asn");
    let mut sources: Vec<PathBuf> = fs::read_dir("../asn")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "asn"));
    sources.sort();
    let output = Compiler::<RasnBackend, _>::new()
        .add_asn_sources_by_path(sources.iter())
        .compile_to_string()
        .map_err(|error| error.to_string())?;
    for warning in &output.warnings {
        println!("cargo::warning={warning}");
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("rasn.rs"), output.generated)?;
    Ok(())
}
