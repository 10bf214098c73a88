//! The decoder's mirror: a controller that broadcasts, and an agent that answers polls.

use super::lamps::{OVERLAP, PEDESTRIAN};
use super::snmp::{self, Place};
use super::wire::{self, Demand, Groups, PHASES, Span, Tscbm};
use crate::clock::Utc;
use crate::report::{LampStates, Light};

/// A controller's voice.
#[derive(Clone, Debug, Default)]
pub struct Emitter {
    counter: u8,
    with_demand: bool,
}

impl Emitter {
    /// Of version 1, or of version 2, which tells of pedestrians' demand too (none here).
    pub fn new(version: u8) -> Self {
        Self {
            counter: 0,
            with_demand: version >= 2,
        }
    }

    /// Appends a datagram of what the lamps show; lamps are numbered as the decoder numbers them, and
    /// others are never said. A light that the protocol does not have is said to be dark; the clock
    /// is UTC.
    pub fn lamps(&mut self, utc: Utc, states: &LampStates, out: &mut Vec<u8>) {
        let ms = (utc.unix_ns() / 1_000_000).rem_euclid(86_400_000);
        let mut said = Tscbm {
            times: core::array::from_fn(|n| wire::PhaseTimes {
                phase: n as u8 + 1,
                ..Default::default()
            }),
            groups: groups(states),
            flags: if self.with_demand { 2 << 3 } else { 1 << 3 },
            counter: self.counter,
            second_of_day: (ms / 1000) as u32,
            millisecond: (ms % 1000) as u16,
            demand: self.with_demand.then(Demand::default),
            ..Tscbm::default()
        };
        self.counter = self.counter.wrapping_add(1);
        for state in &states.lamps {
            let Some((kind, place)) = place(state.lamp) else {
                continue;
            };
            let ds = |ms: Option<u32>| {
                ms.map_or(u16::MAX, |ms| {
                    u16::try_from(ms / 100).unwrap_or(u16::MAX - 1)
                })
            };
            let span = match (states.span(state.lamp), state.countdown_s) {
                (Some(span), _) => Span {
                    min_ds: ds(span.min_ms),
                    max_ds: ds(span.max_ms),
                },
                (None, countdown_s) => {
                    let known = ds(countdown_s.map(|s| u32::from(s) * 1000));
                    Span {
                        min_ds: known,
                        max_ds: known,
                    }
                }
            };
            let times = &mut said.times[place];
            match kind {
                Kind::Vehicle => times.vehicle = span,
                Kind::Pedestrian => times.pedestrian = span,
                Kind::Overlap => times.overlap = span,
            }
        }
        wire::emit(&said, out);
    }
}

/// Appends an agent's answer to question `request`: what vehicle and pedestrian lamps show.
pub fn agent(community: &[u8], request: i32, states: &LampStates, out: &mut Vec<u8>) {
    let groups = groups(states);
    let columns = [
        groups.reds,
        groups.yellows,
        groups.greens,
        groups.dont_walks,
        groups.ped_clears,
        groups.walks,
    ];
    let values: Vec<(Place, u16)> = (0..snmp::GROUPS as u8)
        .flat_map(|group| {
            columns.iter().zip(snmp::COLUMNS).map(move |(set, column)| {
                let place = Place::status(column, group + 1);
                (place, (set >> (8 * group)) & 0xFF)
            })
        })
        .collect();
    snmp::answer(snmp::Version::V2c, community, request, &values, out);
}

enum Kind {
    Vehicle,
    Pedestrian,
    Overlap,
}

/// Whether there can be a lamp of that number.
pub fn has_lamp(lamp: u16) -> bool {
    place(lamp).is_some()
}

fn place(lamp: u16) -> Option<(Kind, usize)> {
    let (kind, number) = match lamp {
        OVERLAP.. => (Kind::Overlap, lamp - OVERLAP),
        PEDESTRIAN.. => (Kind::Pedestrian, lamp - PEDESTRIAN),
        _ => (Kind::Vehicle, lamp),
    };
    let place = usize::from(number).checked_sub(1)?;
    (place < PHASES).then_some((kind, place))
}

fn groups(states: &LampStates) -> Groups {
    let mut groups = Groups::default();
    for state in &states.lamps {
        let Some((kind, place)) = place(state.lamp) else {
            continue;
        };
        let bit = 1_u16 << place;
        let (red, yellow, green, flashing) = match kind {
            Kind::Vehicle => (
                &mut groups.reds,
                &mut groups.yellows,
                &mut groups.greens,
                Some(&mut groups.flashing),
            ),
            Kind::Pedestrian => (
                &mut groups.dont_walks,
                &mut groups.ped_clears,
                &mut groups.walks,
                None,
            ),
            Kind::Overlap => (
                &mut groups.overlap_reds,
                &mut groups.overlap_yellows,
                &mut groups.overlap_greens,
                Some(&mut groups.overlap_flashing),
            ),
        };
        let flashes = matches!(
            state.light,
            Light::FlashingRed | Light::FlashingYellow | Light::FlashingGreen
        );
        match state.light {
            Light::Red | Light::FlashingRed => *red |= bit,
            Light::Yellow | Light::FlashingYellow => *yellow |= bit,
            Light::Green | Light::FlashingGreen => *green |= bit,
            Light::RedYellow => {
                *red |= bit;
                *yellow |= bit;
            }
            Light::Dark | Light::Unknown => {}
        }
        if let (Some(flashing), true) = (flashing, flashes) {
            *flashing |= bit;
        }
    }
    groups
}
