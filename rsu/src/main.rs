//! `rsu`: run, check, probe, fuse, map.
fn main() {}
