//! Bit sets of phases to the lights and times of lamps.

use super::snmp::{Place, Table};
use super::wire::{Groups, PHASES, Span, Tscbm};
use crate::report::{LampSpan, LampState, LampStates, Light};

/// The pedestrian lamps of phase n are lamp 100 + n.
pub const PEDESTRIAN: u16 = 100;
/// The lamps of overlap n are lamp 200 + n.
pub const OVERLAP: u16 = 200;

const _: () = assert!(3 * PHASES <= crate::report::MAX_LAMPS);

/// A time that says "not known".
const NOT_KNOWN_DS: u16 = u16::MAX;
/// A time that stood this low a moment ago may have come down to zero.
const NEARLY_OVER_DS: u16 = 10;

/// What was odd.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quirks {
    pub(super) contradictions: u64,
    pub(super) phase_numbers: u64,
}

/// Whether every phase that shows anything to drivers flashes.
pub(super) fn all_flash(groups: &Groups) -> bool {
    let lit = groups.reds | groups.yellows | groups.greens;
    lit != 0 && lit & !groups.flashing == 0
}

/// Three kinds of lamps, sixteen of each.
const KINDS: [u16; 3] = [0, PEDESTRIAN, OVERLAP];

/// Which lamps exist, and what they showed last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    lamps: [[Option<Shown>; PHASES]; KINDS.len()],
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    light: Light,
    /// The longest time that was left, where one was told.
    left_ds: Option<u16>,
}

impl Memory {
    /// All lamps of a broadcast.
    pub(super) fn say(&mut self, said: &Tscbm, states: &mut LampStates) -> Quirks {
        let mut quirks = Quirks::default();
        let mut spans = [[Span::default(); PHASES]; KINDS.len()];
        for times in &said.times {
            match spans_of(&mut spans, times.phase) {
                Some([vehicle, pedestrian, overlap]) => {
                    *vehicle = times.vehicle;
                    *pedestrian = times.pedestrian;
                    *overlap = times.overlap;
                }
                None => quirks.phase_numbers += 1,
            }
        }
        let lit = lit(&said.groups);
        for (kind, (lit, spans)) in lit.iter().zip(&spans).enumerate() {
            for (phase, span) in spans.iter().enumerate() {
                let light = lit.light(phase, &mut quirks);
                self.tell(kind, phase, light, Some(*span), states);
            }
        }
        quirks
    }

    /// The lamps whose groups an agent told, without times.
    pub(super) fn say_groups(
        &mut self,
        values: &[(Place, u16)],
        states: &mut LampStates,
    ) -> Quirks {
        let mut quirks = Quirks::default();
        let mut columns = [[None::<u8>; 6]; 2];
        for (place, value) in values {
            if place.table != Table::StatusGroups {
                continue;
            }
            let group = columns.get_mut(usize::from(place.row).wrapping_sub(1));
            let slot = group.and_then(|g| g.get_mut(usize::from(place.column).wrapping_sub(2)));
            if let Some(slot) = slot {
                *slot = u8::try_from(*value).ok();
            }
        }
        for (group, column) in columns.iter().enumerate() {
            let [reds, yellows, greens, dont_walks, clears, walks] = *column;
            for (kind, three) in [[reds, yellows, greens], [dont_walks, clears, walks]]
                .into_iter()
                .enumerate()
            {
                // With one colour missing, "not lit" cannot be told from "not said".
                let [Some(red), Some(yellow), Some(green)] = three else {
                    continue;
                };
                let lit = Lit {
                    red: red.into(),
                    yellow: yellow.into(),
                    green: green.into(),
                    flashing: 0,
                };
                for bit in 0..8 {
                    let light = lit.light(bit, &mut quirks);
                    self.tell(kind, 8 * group + bit, light, None, states);
                }
            }
        }
        quirks
    }

    fn tell(
        &mut self,
        kind: usize,
        phase: usize,
        light: Option<Light>,
        span: Option<Span>,
        states: &mut LampStates,
    ) {
        let memory = &mut self.lamps[kind][phase];
        if light.is_none() && memory.is_none() {
            return;
        }
        let light = light.unwrap_or(Light::Unknown);
        let before = memory.filter(|before| before.light == light);
        let lamp = KINDS[kind] + phase as u16 + 1;
        let span = span
            .filter(|_| light != Light::Unknown)
            .and_then(|span| bounds(span, before.and_then(|before| before.left_ds)));
        *memory = Some(Shown {
            light,
            left_ds: span.and_then(|(_, max)| max),
        });
        let known = span.and_then(|(min, max)| max.filter(|max| min == Some(*max)));
        states.lamps.push(LampState {
            lamp,
            light,
            countdown_s: known.map(|ds| ds.div_ceil(10)),
        });
        if let Some((min, max)) = span {
            let ms = |ds: u16| u32::from(ds) * 100;
            states.spans.push(LampSpan {
                lamp,
                min_ms: min.map(ms),
                max_ms: max.map(ms),
                likely_ms: known.map(ms),
            });
        }
    }
}

/// Least and most, each where it is known; None where nothing is.
fn bounds(span: Span, left_ds: Option<u16>) -> Option<(Option<u16>, Option<u16>)> {
    let min = Some(span.min_ds).filter(|ds| *ds != NOT_KNOWN_DS);
    let max = Some(span.max_ds).filter(|ds| *ds != NOT_KNOWN_DS && *ds >= min.unwrap_or(0));
    match (min, max) {
        (None | Some(0), Some(0)) if left_ds.is_none_or(|ds| ds > NEARLY_OVER_DS) => None,
        // "Not before now" says nothing.
        (None | Some(0), None) => None,
        bounds => Some(bounds),
    }
}

fn spans_of(
    spans: &mut [[Span; PHASES]; KINDS.len()],
    phase: u8,
) -> Option<[&mut Span; KINDS.len()]> {
    let place = usize::from(phase).checked_sub(1).filter(|n| *n < PHASES)?;
    let [vehicle, pedestrian, overlap] = spans;
    Some([
        &mut vehicle[place],
        &mut pedestrian[place],
        &mut overlap[place],
    ])
}

fn lit(groups: &Groups) -> [Lit; KINDS.len()] {
    [
        Lit {
            red: groups.reds,
            yellow: groups.yellows,
            green: groups.greens,
            flashing: groups.flashing,
        },
        // Clearance tells walkers what yellow tells drivers: do not start, finish what you began.
        Lit {
            red: groups.dont_walks,
            yellow: groups.ped_clears,
            green: groups.walks,
            flashing: 0,
        },
        Lit {
            red: groups.overlap_reds,
            yellow: groups.overlap_yellows,
            green: groups.overlap_greens,
            flashing: groups.overlap_flashing,
        },
    ]
}

/// Sixteen lamps of one kind.
struct Lit {
    red: u16,
    yellow: u16,
    green: u16,
    flashing: u16,
}

impl Lit {
    /// None where nothing is lit.
    fn light(&self, place: usize, quirks: &mut Quirks) -> Option<Light> {
        let on = |set: u16| set >> place & 1 != 0;
        let light = match (on(self.red), on(self.yellow), on(self.green)) {
            (false, false, false) => return None,
            (true, false, false) => Light::Red,
            (false, true, false) => Light::Yellow,
            (false, false, true) => Light::Green,
            (true, true, false) => Light::RedYellow,
            _ => {
                quirks.contradictions += 1;
                Light::Unknown
            }
        };
        Some(match (light, on(self.flashing)) {
            (Light::Red, true) => Light::FlashingRed,
            (Light::Yellow, true) => Light::FlashingYellow,
            // A junction that flashes shows no green; which it is, nobody knows.
            (Light::Green, true) => {
                quirks.contradictions += 1;
                Light::Unknown
            }
            (light, _) => light,
        })
    }
}
