//! The world around a roadside unit: drives it, listens to it, and judges what it says.
//!
//! - [`scenario`]: one file that says what the world is and what must come out
//! - [`world`]: what is true: roads, vehicles, signals
//! - [`sensors`]: what devices make of it, in their own protocols
//! - [`air`]: what lies between radios
//! - [`obu`]: vehicles that hear the roadside unit and drive by what it says
//! - [`stage`]: the closed loop in virtual time
//! - [`live`]: the same in real time against a daemon's sockets
//! - [`truth`], [`judge`]: what was broadcast against what was true
//! - [`network`]: several junctions, one roadside unit each
//! - [`run`]: one run from beginning to end; [`unit`], what the unit counted of itself
//! - [`sumo`]: a world that SUMO drives
//! - [`sweep`]: the same by many chances; `many`: that from a command line
//! - [`report`]: what came of it, as files
//! - [`case`]: reference cases of traffic theory
//! - [`capture`]: recordings of our own making
//! - [`command`]: what people type; `demo`, a live run at a terminal; `settings`: keys that they set; `progress`: how far it is; `terminal`: what came of it
//! - [`plane`], [`random`]: geometry and chance

pub mod air;
pub mod capture;
pub mod case;
pub mod command;
mod demo;
pub mod judge;
pub mod live;
pub mod many;
pub mod network;
pub mod obu;
pub mod plane;
mod progress;
pub mod random;
pub mod report;
pub mod run;
pub mod scenario;
pub mod sensors;
mod settings;
pub mod stage;
pub mod sumo;
pub mod sweep;
mod terminal;
pub mod truth;
pub mod unit;
pub mod world;
