//! `sim`: demo, run, list.
fn main() {}
