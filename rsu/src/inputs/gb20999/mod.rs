//! Signal controllers by GB/T 20999-2017.

pub mod framing;
#[cfg(test)]
mod recordings;
pub mod wire;
