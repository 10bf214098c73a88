//! Several junctions in one world: a roadside unit at each, a judge for each, one process.
//!
//! - [`file`]: a scenario with junctions, as it is written
//! - [`place`]: one junction of many from one description
//! - [`joined`]: worlds that go on in each other
//! - `seam`: where their lanes meet
//! - [`lines`]: lines of buses and emergency vehicles that run through them; [`timetable`], as written;
//!   `departures`, who sets out
//! - [`stage`]: the closed loop of all units in virtual time
//! - [`run`]: one run from beginning to end; [`limits`], what must hold of the whole
//! - `priority`: the same traffic with signals that favour nobody; `fog`: the same run in clear air
//! - [`report`]: what came of it, as files
//! - [`capture`]: recordings of our own making
//!
//! Each junction is a scenario of its own; nothing in it knows that there are others.

pub mod capture;
mod departures;
pub mod file;
mod fog;
pub mod joined;
pub mod limits;
pub mod lines;
pub mod place;
mod priority;
pub mod report;
pub mod run;
mod seam;
pub mod stage;
pub mod timetable;

pub use self::file::{Junction, Network};
