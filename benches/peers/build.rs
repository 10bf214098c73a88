//! Makes the peers from our schema: C by `asn1c` (Debian package), Rust by `rasn-compiler`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rasn_compiler::prelude::*;

fn main() {
    let schema = Path::new("../../v2x-msg/asn");
    println!("cargo::rerun-if-changed={}", schema.display());
    println!("cargo::rerun-if-changed=src/shim.c");
    let mut modules: Vec<PathBuf> = fs::read_dir(schema)
        .expect("the schema lies beside this package")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "asn"))
        .collect();
    modules.sort();
    let modules: Vec<PathBuf> = modules
        .iter()
        .map(|path| path.canonicalize().expect("it was listed"))
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    asn1c(&modules, &out.join("asn1c"));
    rasn(&modules, &out);
}

fn asn1c(modules: &[PathBuf], folder: &Path) {
    fs::create_dir_all(folder).expect("a folder in OUT_DIR");
    let made = Command::new("asn1c")
        .current_dir(folder)
        .args(["-pdu=MessageFrame", "-fcompound-names", "-gen-PER"])
        .args(modules)
        .output()
        .expect("asn1c is installed (Debian package asn1c)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let sources = fs::read_dir(folder)
        .expect("it was just made")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "c"))
        .filter(|path| !path.ends_with("converter-sample.c"));
    cc::Build::new()
        .files(sources)
        .file("src/shim.c")
        .include(folder)
        .opt_level(2)
        .warnings(false)
        .compile("asn1c_peer");
}

fn rasn(modules: &[PathBuf], out: &Path) {
    Compiler::<RasnBackend, _>::new()
        .add_asn_sources_by_path(modules.iter())
        .set_output_mode(rasn_compiler::OutputMode::SingleFile(
            out.join("rasn_peer.rs"),
        ))
        .compile()
        .expect("rasn-compiler reads our schema");
}
