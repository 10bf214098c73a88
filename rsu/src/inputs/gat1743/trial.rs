//! A controller as tests and benchmarks need one: some lamps, of which one changes.
//!
//! It speaks as any other does, by the [`Emitter`]. Not here: a controller that runs by a plan, which
//! is the simulator's.

use super::emitter::{Approach, Audience, Emitter, Identity};
use crate::clock::Utc;
use crate::report::{LampState, LampStates, Light, MAX_LAMPS};

/// Lamps from number 1 on, spread over four approaches.
#[derive(Debug)]
pub struct Trial {
    emitter: Emitter,
    states: LampStates,
}

impl Trial {
    /// With lamps `1..=lamps`, all of them red, and each for so long still whenever it is said. Lamps
    /// beyond what one report holds are never said.
    pub fn new(lamps: u8, countdown_s: u16) -> Self {
        let approach = |place: u8| Approach {
            direction_deg: u16::from(place) * 90,
            lamps: (1..=lamps)
                .filter(|lamp| (lamp - 1) % 4 == place)
                .map(|lamp| (lamp, 1))
                .collect(),
        };
        let identity = Identity {
            approaches: (0..4).map(approach).collect(),
            ..Identity::default()
        };
        let red = |lamp: u8| LampState {
            lamp: lamp.into(),
            light: Light::Red,
            countdown_s: Some(countdown_s),
        };
        Self {
            emitter: Emitter::new(identity),
            states: LampStates {
                lamps: (1..=lamps).map(red).take(MAX_LAMPS).collect(),
                ..LampStates::default()
            },
        }
    }

    /// A datagram of all lamps, of which number 1 shows `light`.
    pub fn say(&mut self, utc: Utc, light: Light) -> Vec<u8> {
        if let Some(first) = self.states.lamps.first_mut() {
            first.light = light;
        }
        let mut datagram = Vec::new();
        self.emitter
            .lamps(utc, Audience::Everyone, &self.states, &mut datagram);
        datagram
    }
}
