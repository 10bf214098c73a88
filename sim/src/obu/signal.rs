//! SPAT as a vehicle believes it: when is my light green?
//!
//! A SPAT is believed if it says when it was made, that is no more than a second ago, and it is newer than
//! the last; and a controller that is off, flashing or has lost its signals is not believed at all. All
//! times of a SPAT count from the moment at which it was made.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{NodeId, PhaseId};
use v2x_msg::kinds::Spat;
use v2x_msg::kinds::spat::{IntersectionState, Light, PhaseState, Status, Timing};

/// The signals that a unit has heard of.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    junctions: Vec<Junction>,
}

#[derive(Clone, Debug)]
struct Junction {
    node: NodeId,
    said: Utc,
    /// By phase: what is on, and what is told of it and of what follows.
    phases: Vec<(PhaseId, Light, Vec<Window>)>,
}

/// A light, from when and until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// What is lit.
    pub light: Light,
    /// From then on.
    pub begins: Utc,
    /// It is not said to end before.
    pub ends: Option<Utc>,
}

/// What is believed of one phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief<'a> {
    /// What is on.
    pub light: Light,
    /// When it was said.
    pub said: Utc,
    /// In the order in which they begin.
    pub windows: &'a [Window],
}

/// Why a SPAT is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It does not say when it was made.
    NotDated,
    /// It was made too long ago.
    Old,
    /// It is of a moment to come.
    Ahead,
    /// A newer one is known.
    Overtaken,
    /// The controller is not in control.
    OutOfControl,
}

impl Signals {
    /// Takes a SPAT that has just arrived; tells why, where it is not believed.
    pub fn hear(&mut self, spat: &Spat, now: Utc) -> Result<(), Doubt> {
        let said = made(spat, now).ok_or(Doubt::NotDated)?;
        if said > now && said.since(now) > AHEAD {
            return Err(Doubt::Ahead);
        }
        if now.since(said) > OLDEST {
            return Err(Doubt::Old);
        }
        for intersection in &spat.intersections {
            let known = self
                .junctions
                .iter()
                .position(|one| one.node == intersection.id);
            if known.is_some_and(|i| self.junctions[i].said >= said) {
                return Err(Doubt::Overtaken);
            }
            if let Some(i) = known {
                self.junctions.remove(i);
            }
            if out_of_control(intersection) {
                return Err(Doubt::OutOfControl);
            }
            if self.junctions.len() >= MOST_JUNCTIONS {
                self.junctions.remove(0);
            }
            self.junctions.push(Junction {
                node: intersection.id,
                said,
                phases: phases(intersection, said),
            });
        }
        Ok(())
    }

    /// What is believed of a phase now; None where nothing is, or no longer.
    pub fn belief(&self, node: NodeId, phase: PhaseId, now: Utc) -> Option<Belief<'_>> {
        let junction = self.junctions.iter().find(|one| one.node == node)?;
        if now.since(junction.said) > OLDEST {
            return None;
        }
        let (_, light, windows) = junction.phases.iter().find(|(id, _, _)| *id == phase)?;
        Some(Belief {
            light: *light,
            said: junction.said,
            windows,
        })
    }

    /// When the newest SPAT of a junction was made.
    pub fn said(&self, node: NodeId) -> Option<Utc> {
        let junction = self.junctions.iter().find(|one| one.node == node)?;
        Some(junction.said)
    }
}

impl Window {
    /// Whether one may drive in it.
    pub fn is_green(&self) -> bool {
        matches!(self.light, Light::ProtectedGreen | Light::PermissiveGreen)
    }
}

/// When a SPAT was made.
fn made(spat: &Spat, about: Utc) -> Option<Utc> {
    let ms = spat.time_stamp?;
    Some(match spat.moy {
        Some(minute) => minute.near(about) + Duration::from_millis(u64::from(ms.ms())),
        None => ms.near(about),
    })
}

fn out_of_control(intersection: &IntersectionState) -> bool {
    let off = [
        Status::FAILURE_FLASH,
        Status::STANDBY,
        Status::FAILURE,
        Status::OFF,
        Status::NO_VALID_SPAT,
    ];
    off.iter()
        .any(|status| intersection.status.contains(*status))
}

fn phases(intersection: &IntersectionState, said: Utc) -> Vec<(PhaseId, Light, Vec<Window>)> {
    let phases = intersection.phases().iter().filter_map(|phase| {
        let now = phase.current()?;
        let mut windows: Vec<Window> = phase
            .states()
            .iter()
            .flat_map(|state| windows(state, said, std::ptr::eq(state, now)))
            .flatten()
            .collect();
        windows.sort_by_key(|window| window.begins);
        Some((phase.id(), now.light, windows))
    });
    phases.collect()
}

/// What a state says of itself: this time and the next.
fn windows(state: &PhaseState, said: Utc, is_on: bool) -> [Option<Window>; 2] {
    let light = state.light;
    let window = |begins: Option<Utc>, ends: Option<Utc>| {
        let begins = if is_on {
            Some(begins.unwrap_or(said).min(said))
        } else {
            begins
        };
        let begins = begins?;
        let ends = ends.filter(|ends| *ends >= begins);
        Some(Window {
            light,
            begins,
            ends,
        })
    };
    match state.timing {
        Some(Timing::Counting(counting)) => {
            let at = |left: v2x_msg::base::Countdown| {
                let far = left == v2x_msg::base::Countdown::HOUR_OR_MORE;
                (!far).then(|| said + left.duration())
            };
            let ends = counting.ends.min().or(counting.ends.likely());
            let this = window(counting.start.and_then(at), ends.and_then(at));
            let next = counting.next_start.and_then(at).map(|begins| Window {
                light,
                begins,
                ends: counting
                    .next_duration
                    .map(|lasts| begins + lasts.duration()),
            });
            [this, next]
        }
        Some(Timing::Utc(utc)) => {
            let at = |mark: v2x_msg::base::HourMark| mark.near(said);
            let ends = utc.ends.min().or(utc.ends.likely());
            let this = window(utc.start.and_then(at), ends.and_then(at));
            let next = utc.next_start.and_then(at).map(|begins| Window {
                light,
                begins,
                ends: utc.next_end.and_then(at),
            });
            [this, next]
        }
        None if is_on => [window(None, None), None],
        None => [None, None],
    }
}

/// Older SPATs are not believed; what a newer one said counts so long.
pub const OLDEST: Duration = Duration::from_secs(1);
/// Clocks differ by so much.
const AHEAD: Duration = Duration::from_millis(150);
const MOST_JUNCTIONS: usize = 32;
