//! On-board units: vehicles that hear the roadside unit's very bytes, and drive by what they say.
//!
//! - [`heard`]: octets off the air to messages
//! - [`roads`]: MAP as a vehicle uses it: which lane am I in, how far is its line, who rules it
//! - [`signal`]: SPAT as a vehicle believes it: when is it green
//! - [`queue`]: who stands ahead in the lane, and when those behind can go on
//! - [`advice`]: the speed at which one comes to the line while it is green
//! - [`dangers`]: a red light about to be run, somebody about to be met
//! - [`asking`]: what it asks of the roadside, and what it is answered
//! - [`unit`]: one vehicle's unit, which holds all of these
//! - `rider`: a vehicle with such a unit, and what its driver does
//! - [`fleet`]: the units of a run, their radios and those of the roadside
//! - [`score`]: what is counted of them
//!
//! A unit knows what it has heard, where it believes to be and where it wants to go, and nothing of
//! the world. It may know as many junctions as it hears of. What it advises, its driver does: the
//! world keeps an advised speed as one more limit.

pub mod advice;
pub mod asking;
pub mod dangers;
pub mod fleet;
pub mod heard;
pub mod queue;
mod rider;
pub mod roads;
pub mod score;
pub mod signal;
pub mod unit;

#[cfg(test)]
mod tests;
