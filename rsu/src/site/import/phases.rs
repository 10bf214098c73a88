//! Which lamps of a road model are one phase, and what it is called.
//!
//! Phases are the lamps of one approach that show the same; their ids follow
//! T/ITS 0117-2022, appendix E: the approach's azimuth in steps of 22.5 degrees in the high four bits,
//! the kind of lamp in the low four (1 straight on, 2 left, 3 right, 4 back, 5 on foot).

use std::collections::BTreeMap;

use v2x_msg::base::PhaseId;

use super::assemble::Builder;
use super::net::Signal;
use crate::site::{GreenKind, Phase, Turn};

/// A signal of this junction: of which approach, and for which way.
pub(super) struct Ruled<'n> {
    /// Place of the road in the net.
    pub(super) road: usize,
    signal: &'n Signal,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Drive(Turn),
    Walk,
}

impl Builder<'_> {
    pub(super) fn ruled(&self, inward: &[usize]) -> Vec<Ruled<'_>> {
        let turns = self.net.turns.iter().filter_map(|turn| {
            Some(Ruled {
                road: turn.from_road,
                signal: turn.signal.as_ref()?,
                way: Way::Drive(turn.turn),
            })
        });
        let walks = self.crosswalks(inward).filter_map(|(road, walk)| {
            Some(Ruled {
                road,
                signal: walk.signal.as_ref()?,
                way: Way::Walk,
            })
        });
        turns
            .filter(|ruled| inward.contains(&ruled.road))
            .chain(walks)
            .collect()
    }

    /// The phases, and which of them each lamp shows.
    pub(super) fn phases<'r>(
        &self,
        ruled: &'r [Ruled<'_>],
        notes: &mut Vec<String>,
    ) -> (Vec<Phase>, BTreeMap<&'r str, PhaseId>) {
        let mut groups: Vec<Vec<&Ruled<'_>>> = Vec::new();
        for (coarse, joined) in COARSE.iter().enumerate() {
            groups = grouped(ruled, coarse);
            if groups.len() <= MOST_PHASES {
                if coarse > 0 {
                    notes.push(format!(
                        "more than {MOST_PHASES} phases, the most of a SPAT: {}",
                        joined
                    ));
                }
                break;
            }
        }
        if groups.len() > MOST_PHASES {
            notes.push(format!(
                "{} phases are more than the {MOST_PHASES} of a SPAT: join some by hand",
                groups.len()
            ));
        }
        let (mut phases, mut of_lamp) = (Vec::new(), BTreeMap::new());
        for group in &groups {
            let Some(id) = self.phase_id(group, &phases) else {
                continue;
            };
            for ruled in group {
                of_lamp.insert(ruled.signal.lamp.as_str(), id);
            }
            phases.push(self.phase(id, group));
        }
        phases.sort_by_key(|phase| phase.id);
        for (lamp, phase) in (1..).zip(&mut phases) {
            phase.lamps = vec![lamp];
        }
        if !phases.is_empty() {
            notes.push("lamps are numbered in the order of the phases: put the controller's own numbers there".to_owned());
        }
        for phase in &phases {
            let mut lamps: Vec<&str> = of_lamp
                .iter()
                .filter(|(_, id)| **id == phase.id)
                .map(|(lamp, _)| *lamp)
                .collect();
            lamps.truncate(32);
            notes.push(format!(
                "phase {} ({}) is {}",
                phase.id.value(),
                phase.name,
                lamps.join(" ")
            ));
        }
        (phases, of_lamp)
    }

    fn phase(&self, id: PhaseId, group: &[&Ruled<'_>]) -> Phase {
        let mut ways: Vec<&str> = Vec::new();
        for (way, name) in WAYS {
            if group.iter().any(|ruled| ruled.way == way) {
                ways.push(name);
            }
        }
        let arms = group
            .iter()
            .map(|ruled| compass(self.azimuth_deg(ruled.road)));
        let mut arms: Vec<&str> = arms.collect();
        arms.dedup();
        let permissive = group.iter().any(|ruled| ruled.signal.permissive);
        Phase {
            id,
            name: format!("{} {}", arms.join(" and "), ways.join(" and ")),
            controller: self.options.controller.clone(),
            lamps: Vec::new(),
            green: if permissive {
                GreenKind::Permissive
            } else {
                GreenKind::Protected
            },
        }
    }

    /// By azimuth and kind, the next free one where that is taken. 255 is left for "always green".
    fn phase_id(&self, group: &[&Ruled<'_>], taken: &[Phase]) -> Option<PhaseId> {
        let azimuth = (self.azimuth_deg(group.first()?.road) / 22.5) as u8 & 0xF;
        let kind = WAYS
            .iter()
            .zip(1_u8..)
            .find(|((way, _), _)| group.iter().any(|ruled| ruled.way == *way))?
            .1;
        let wanted = (azimuth << 4) | kind;
        let order = (wanted..255).chain(1..wanted);
        let free = |id: &u8| taken.iter().all(|phase| phase.id.value() != *id);
        order.filter(free).find_map(|id| PhaseId::new(id).ok())
    }
}

/// Most phases of one SPAT intersection.
const MOST_PHASES: usize = 16;
/// What the lamps have in common that are one phase, from fine to coarse.
const COARSE: [&str; 4] = [
    "",
    "those of one approach that differ only in giving way were joined",
    "those of several approaches that show the same were joined",
    "those of several approaches that show the same but for giving way were joined",
];

/// Lamps that are one phase.
fn grouped<'r, 'n>(ruled: &'r [Ruled<'n>], coarse: usize) -> Vec<Vec<&'r Ruled<'n>>> {
    let mut groups: Vec<Vec<&Ruled<'_>>> = Vec::new();
    for one in ruled {
        let together = |group: &Vec<&Ruled<'_>>| {
            let other = group[0];
            let on_foot = (one.way == Way::Walk) == (other.way == Way::Walk);
            let approach = coarse >= 2 || one.road == other.road;
            let shows = if coarse % 2 == 1 {
                one.signal.shows.eq_ignore_ascii_case(&other.signal.shows)
            } else {
                one.signal.shows == other.signal.shows
            };
            on_foot && approach && shows
        };
        match groups.iter_mut().find(|group| together(group)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// In the order of their numbers within a phase id.
const WAYS: [(Way, &str); 5] = [
    (Way::Drive(Turn::Straight), "straight"),
    (Way::Drive(Turn::Left), "left"),
    (Way::Drive(Turn::Right), "right"),
    (Way::Drive(Turn::UTurn), "back"),
    (Way::Walk, "crosswalk"),
];

fn compass(azimuth_deg: f64) -> &'static str {
    const POINTS: [&str; 8] = [
        "north",
        "north-east",
        "east",
        "south-east",
        "south",
        "south-west",
        "west",
        "north-west",
    ];
    POINTS[((azimuth_deg + 22.5) / 45.0) as usize % 8]
}
