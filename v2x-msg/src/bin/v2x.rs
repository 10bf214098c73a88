//! `v2x`: decode, encode and listen.
fn main() {}
