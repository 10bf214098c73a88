//! SUMO's nets: any text is read or refused, and what is made of it is a file that can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::site::Site;
use rsu::site::import::{Format, Model, Options};

fuzz_target!(|text: &str| {
    let options = Options {
        origin: v2x_msg::base::GeoPosition::from_deg(31.25, 121.2, None).ok(),
        ..Options::default()
    };
    let Ok(model) = Model::read(Format::Sumo, text, &options) else {
        return;
    };
    for junction in model.junctions().iter().take(3) {
        if let Ok(imported) = model.site(&junction.key, &options) {
            // Wrong it may be, but never in its TOML.
            if let Err(findings) = Site::parse(&imported.toml, "site.toml") {
                let told = findings.to_string();
                assert!(!told.contains("unknown key") && !told.contains("invalid"), "{told}\n{}", imported.toml);
            }
        }
    }
});
