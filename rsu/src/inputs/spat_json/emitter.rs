//! The decoder's mirror: a platform that publishes what the lamps show. The simulator drives it.

use super::LIGHTS;
use super::wire::{self, Ends, Intersection, Phase};
use crate::clock::Utc;
use crate::report::{LampStates, Light};

/// One intersection's voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emitter {
    /// Region of the intersection.
    pub region: u16,
    /// Its node.
    pub node: u16,
}

impl Emitter {
    /// Appends a message of what the lamps show; times beyond an hour are said to be not known.
    pub fn lamps(&self, utc: Utc, states: &LampStates, out: &mut Vec<u8>) {
        let mut said = Intersection {
            region: Some(self.region),
            node: Some(self.node),
            status: None,
            stamp_ms: Some(utc.unix_ns() / 1_000_000),
            ..Intersection::default()
        };
        for state in &states.lamps {
            let tenths = |ms: u32| {
                u16::try_from(ms / 100)
                    .ok()
                    .filter(|t| *t < wire::UNKNOWN - 1)
            };
            let ends = match (states.span(state.lamp), state.countdown_s) {
                (Some(span), _) => Some(Ends {
                    min: span.min_ms.and_then(tenths),
                    max: span.max_ms.and_then(tenths),
                    likely: span.likely_ms.and_then(tenths),
                }),
                (None, Some(seconds)) => Some(Ends {
                    likely: tenths(u32::from(seconds) * 1000),
                    ..Ends::default()
                }),
                (None, None) => None,
            };
            // As many lamps as a report holds fit.
            said.phases.push(Phase {
                id: state.lamp,
                light: code(state.light),
                counting: ends,
                utc: None,
            });
        }
        out.extend(wire::emit(&[said]).bytes());
    }
}

/// Red with yellow has no code of its own: it is still red.
fn code(light: Light) -> Option<u8> {
    let light = match light {
        Light::RedYellow => Light::Red,
        light => light,
    };
    let place = LIGHTS.iter().position(|known| *known == light)?;
    u8::try_from(place).ok()
}
