//! How long what was heard last is still told when a controller falls silent, and how soon it is
//! told again.

use rsu::clock::Mono;
use v2x_msg::kinds::spat::{IntersectionState, Light, PhaseState, Spat, Timing};

/// One silence and what was on the air during it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silence {
    from: Mono,
    until: Mono,
    timed: Option<Mono>,
    coloured: Option<Mono>,
    spat: Option<Mono>,
    recovered: Option<Mono>,
}

impl Silence {
    /// Of a controller that says nothing from one moment to another.
    pub fn new(from: Mono, until: Mono) -> Self {
        Self {
            from,
            until,
            timed: None,
            coloured: None,
            spat: None,
            recovered: None,
        }
    }

    /// Takes one SPAT.
    pub fn hear(&mut self, spat: &Spat, arrived: Mono) {
        let states = || {
            let phases = spat
                .intersections
                .iter()
                .flat_map(IntersectionState::phases);
            phases.filter_map(|phase| phase.current().or(phase.states().first()))
        };
        if arrived >= self.until {
            let known = states().all(|state| state.light != Light::Unavailable);
            if known && self.recovered.is_none() {
                self.recovered = Some(arrived);
            }
        } else if arrived >= self.from {
            self.spat = Some(arrived);
            if states().any(|state| state.light != Light::Unavailable) {
                self.coloured = Some(arrived);
            }
            if states().any(has_end) {
                self.timed = Some(arrived);
            }
        }
    }

    /// From its beginning to the last SPAT with an end.
    pub fn timed_s(&self) -> f64 {
        self.since_from(self.timed)
    }

    /// From its beginning to the last SPAT with a colour.
    pub fn coloured_s(&self) -> f64 {
        self.since_from(self.coloured)
    }

    /// From its beginning to the last SPAT.
    pub fn spat_s(&self) -> f64 {
        self.since_from(self.spat)
    }

    /// From its end to the first SPAT in which all phases have a colour; None if none came.
    pub fn recovered_s(&self) -> Option<f64> {
        Some(self.recovered?.seconds_after(self.until))
    }

    fn since_from(&self, last: Option<Mono>) -> f64 {
        last.map_or(0.0, |last| last.seconds_after(self.from))
    }
}

fn has_end(state: &PhaseState) -> bool {
    match state.timing {
        None => false,
        Some(Timing::Counting(counting)) => counting.ends.likely().is_some(),
        Some(Timing::Utc(timing)) => timing.ends.likely().is_some(),
    }
}
