//! Several junctions in one world: a roadside unit at each, a judge for each, one process.
//!
//! - [`file`]: a scenario with junctions, as it is written
//! - [`place`]: one junction of many from one description
//! - [`joined`]: worlds that go on in each other
//! - `seam`: where their lanes meet
//! - [`lines`]: lines of buses that run through them
//! - [`stage`]: the closed loop of all units in virtual time
//! - [`run`]: one run from beginning to end, and what must hold of the whole
//! - [`report`]: what came of it, as files
//! - [`capture`]: recordings of our own making
//!
//! Each junction is a scenario of its own; nothing in it knows that there are others.

pub mod capture;
pub mod file;
pub mod joined;
pub mod lines;
pub mod place;
pub mod report;
pub mod run;
mod seam;
pub mod stage;

pub use self::file::{Junction, Network};
