//! The world around a roadside unit: drives it, listens to it, and judges what it says.
//!
//! - [`scenario`]: one file that says what the world is and what must come out
//! - [`world`]: what is true: roads, vehicles, signals
//! - [`sensors`]: what devices make of it, in their own protocols
//! - [`stage`]: the closed loop in virtual time
//! - [`truth`], [`judge`]: what was broadcast against what was true
//! - [`run`]: one run from beginning to end
//! - [`report`]: what came of it, as files
//! - [`command`]: what people type
//! - [`plane`], [`random`]: geometry and chance

pub mod command;
pub mod judge;
pub mod plane;
pub mod random;
pub mod report;
pub mod run;
pub mod scenario;
pub mod sensors;
pub mod stage;
pub mod truth;
pub mod world;
