//! A site's TOML: any text is read or refused; what is read can be written, read again and told.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::services::map;
use rsu::site::Site;

fuzz_target!(|text: &str| {
    if let Ok(site) = Site::parse(text, "site.toml") {
        let _ = map::messages(&map::Config::default(), &site, None);
        let _ = Site::parse(&site.to_toml(&[]), "again.toml");
    }
});
