//! A signal controller by GA/T 1743-2020: datagrams that say what its lamps show.

use rsu::clock::Utc;
use rsu::inputs::gat1743::{Approach, Audience, Emitter, Identity};
use rsu::report::{LampState, LampStates, Light};

/// Lamps of the junction, one a phase.
pub const LAMPS: u8 = 8;
/// The phase whose lamp is number 1.
pub const PHASE: u8 = 1;

/// Says what its lamps show.
#[derive(Debug)]
pub struct Controller {
    emitter: Emitter,
    states: LampStates,
}

impl Controller {
    /// With lamps `1..=lamps`, spread over four approaches, all red.
    pub fn new(lamps: u8) -> Self {
        let approach = |place: u16| Approach {
            direction_deg: place * 90,
            lamps: (1..=lamps)
                .filter(|lamp| u16::from((lamp - 1) % 4) == place)
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
            countdown_s: Some(COUNTDOWN_S),
        };
        Self {
            emitter: Emitter::new(identity),
            states: LampStates {
                lamps: (1..=lamps).map(red).collect(),
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

/// What all lamps count down from: far enough from zero that no countdown ends in a benchmark.
const COUNTDOWN_S: u16 = 90;
