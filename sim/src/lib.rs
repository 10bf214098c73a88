//! The world around a roadside unit: drives it, listens to it, and judges what it says.

pub mod plane;
pub mod random;
pub mod scenario;
pub mod sensors;
pub mod world;
