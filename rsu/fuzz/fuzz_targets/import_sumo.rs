//! SUMO's nets: any text is read or refused, and what is made of it is a file that can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rsu::site::import::Format;

fuzz_target!(|text: &str| rsu_fuzz::a_map_becomes_a_site(Format::Sumo, text));
