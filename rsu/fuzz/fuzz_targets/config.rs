//! A configuration's TOML: any text is read or refused.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

const SITE: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

fuzz_target!(|text: &str| {
    let mut read = |_: &Path| Ok(SITE.to_owned());
    let _ = rsu::config::parse(text, Path::new("rsu.toml"), &mut read);
});
