//! A signal controller by GA/T 1743-2020: datagrams that say what its lamps show.

use rsu::inputs::gat1743::Trial;

/// Lamps of the junction, one a phase.
pub const LAMPS: u8 = 8;
/// The phase whose lamp is number 1.
pub const PHASE: u8 = 1;
/// What all lamps count down from: far enough from zero that no countdown ends in a benchmark.
const COUNTDOWN_S: u16 = 90;

/// With lamps `1..=lamps`, all red; number 1 changes.
pub fn controller(lamps: u8) -> Trial {
    Trial::new(lamps, COUNTDOWN_S)
}
