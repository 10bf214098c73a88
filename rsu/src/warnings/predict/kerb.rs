//! Whoever comes to the carriageway on foot or on two wheels: does it stop before it, or go on?
//!
//! Nobody can tell as long as it can still stop there as people do. What is believed until then is what the
//! site's own road users have shown: of those who came to that place and would have been warned of had they been
//! taken to go on, which share stopped; one half where nobody has come yet (the rule of succession). Whoever
//! can no longer stop, and does not brake, goes on; whoever brakes for the edge stops. The edge is that of the
//! lanes of the site; who is on them has come over it. Not here: where they meet whom, and what a signal for
//! walkers says (few sites have one surveyed).

use arrayvec::ArrayVec;

use super::super::approach::below;
use super::super::ways::Ways;
use super::memory::Memory;
use super::shape::{HORIZON_S, Knot, PIECES, STEP_S, Spread};
use super::{Mover, STANDS_BELOW_MPS};

/// Where somebody is on its way to the carriageway, as far as earlier looks have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Coming {
    /// It does not come to it, or stands.
    #[default]
    Not,
    /// It would step onto it there.
    To {
        east_m: f64,
        north_m: f64,
        /// Going on it would have met somebody.
        meets: bool,
    },
    /// It is on it, or has just left it.
    Over,
}

/// The edge of the carriageway ahead of somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// From its front.
    ahead_m: f64,
    east_m: f64,
    north_m: f64,
}

/// Where people came to the carriageway, and what they did.
#[derive(Debug, Default)]
pub(super) struct Kerbs {
    places: ArrayVec<Place, MOST_PLACES>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    east_m: f64,
    north_m: f64,
    seen: Seen,
}

/// Those who would have met somebody had they gone on, and of these those who did not.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    came: f64,
    stopped: f64,
}

/// Kerbs at a junction; beyond them that of the fewest is forgotten.
const MOST_PLACES: usize = 64;
/// Crossings are so wide, about: who comes farther off comes to another place.
const PLACE_M: f64 = 4.0;
/// So many are remembered; of more, those long ago count less.
const REMEMBERED: f64 = 40.0;
/// So people stop at an edge: AASHTO takes about as much for comfort of riders; a walker stops within a step.
const STOPS_MPS2: f64 = 1.5;
/// Who brakes with this share of what is needed stops there,
const BRAKES_FOR_IT: f64 = 0.5;
/// and less than this is the noise of a speed.
const SURELY_MPS2: f64 = 0.5;
/// Farther off the carriageway whoever has crossed it has left it.
const LEFT_M: f64 = 2.0;
/// Looks for the edge along a course end after so many steps: who walks beside it does not come to it.
const STEPS: usize = 12;

impl Kerbs {
    /// Notes where somebody is in relation to the carriageway; the edge that it comes to, if it does.
    pub(super) fn note(
        &mut self,
        coming: &mut Coming,
        mover: &Mover,
        half_length_m: f64,
        ways: &Ways,
    ) -> Option<Edge> {
        let beside_m = ways.beside_m(mover.east_m, mover.north_m);
        if beside_m <= 0.0 {
            self.settle(coming, false);
            *coming = Coming::Over;
            return None;
        }
        if *coming == Coming::Over && beside_m < LEFT_M {
            return None;
        }
        if mover.speed_mps < STANDS_BELOW_MPS {
            self.settle(coming, true);
            *coming = Coming::Not;
            return None;
        }
        let Some(edge) = edge(ways, mover, beside_m, half_length_m) else {
            *coming = Coming::Not;
            return None;
        };
        *coming = Coming::To {
            east_m: edge.east_m,
            north_m: edge.north_m,
            meets: matches!(coming, Coming::To { meets: true, .. }),
        };
        Some(edge)
    }

    /// How likely somebody goes on over an edge.
    pub(super) fn goes_on(
        &self,
        mover: &Mover,
        memory: &Memory,
        edge: &Edge,
        spread: &Spread,
    ) -> f64 {
        let left_m = edge.ahead_m.max(0.01);
        let needed_mps2 = mover.speed_mps * mover.speed_mps / (2.0 * left_m);
        if -memory.accel_mps2 >= (BRAKES_FOR_IT * needed_mps2).max(SURELY_MPS2) {
            return 0.0;
        }
        let fastest_mps = (2.0 * STOPS_MPS2 * left_m).sqrt();
        // How an error of the place changes the speed from which one can stop.
        let by_place = spread.along_m2.sqrt() * STOPS_MPS2 / fastest_mps.max(0.5);
        let sigma_mps = spread.along_mps2.sqrt().hypot(by_place).max(0.05);
        let passes = below((mover.speed_mps - fastest_mps) / sigma_mps);
        passes + (1.0 - passes) * (1.0 - self.stopping_share(edge.east_m, edge.north_m))
    }

    /// What became of somebody who would have met another had it gone on.
    fn settle(&mut self, coming: &Coming, stopped: bool) {
        let Coming::To {
            east_m,
            north_m,
            meets: true,
        } = *coming
        else {
            return;
        };
        let place = match self.nearest(east_m, north_m) {
            Some(known) => known,
            None => {
                if self.places.is_full() {
                    self.forget();
                }
                self.places.push(Place {
                    east_m,
                    north_m,
                    seen: Seen::default(),
                });
                self.places.len() - 1
            }
        };
        self.places[place].seen.note(stopped);
    }

    fn forget(&mut self) {
        let places = self.places.iter().enumerate();
        let least = places.min_by(|a, b| a.1.seen.came.total_cmp(&b.1.seen.came));
        if let Some((least, _)) = least {
            self.places.swap_remove(least);
        }
    }

    fn nearest(&self, east_m: f64, north_m: f64) -> Option<usize> {
        let apart_m = |place: &Place| (place.east_m - east_m).hypot(place.north_m - north_m);
        let near = self.places.iter().enumerate();
        near.map(|(number, place)| (number, apart_m(place)))
            .filter(|(_, apart_m)| *apart_m <= PLACE_M)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(number, _)| number)
    }

    /// How likely whoever can stop there does.
    fn stopping_share(&self, east_m: f64, north_m: f64) -> f64 {
        let known = self.nearest(east_m, north_m);
        let here = known.map_or(Seen::default(), |number| self.places[number].seen);
        (here.stopped + 1.0) / (here.came + 2.0)
    }
}

impl Seen {
    fn note(&mut self, stopped: bool) {
        if self.came >= REMEMBERED {
            (self.came, self.stopped) = (self.came / 2.0, self.stopped / 2.0);
        }
        self.came += 1.0;
        self.stopped += f64::from(u8::from(stopped));
    }
}

/// The edge of the carriageway ahead of somebody who is `beside_m` off it, within the horizon.
fn edge(ways: &Ways, mover: &Mover, beside_m: f64, half_length_m: f64) -> Option<Edge> {
    let reach_m = mover.speed_mps * HORIZON_S + half_length_m;
    let (mut along_m, mut beside_m) = (0.0, beside_m);
    for _ in 0..STEPS {
        // Nothing is nearer than that, in whatever direction.
        along_m += beside_m.max(0.05);
        if along_m > reach_m {
            return None;
        }
        let east_m = mover.east_m + along_m * mover.direction.0;
        let north_m = mover.north_m + along_m * mover.direction.1;
        beside_m = ways.beside_m(east_m, north_m);
        if beside_m <= 0.05 {
            return Some(Edge {
                ahead_m: (along_m - half_length_m).max(0.0),
                east_m,
                north_m,
            });
        }
    }
    None
}

/// Straight on at its speed, and to a stop with its front at the edge.
pub(super) fn stops_before(mover: &Mover, edge: &Edge) -> [Knot; PIECES + 1] {
    let (mut gone_m, mut speed_mps) = (0.0, mover.speed_mps);
    std::array::from_fn(|_| {
        let here = Knot {
            east_m: mover.east_m + gone_m * mover.direction.0,
            north_m: mover.north_m + gone_m * mover.direction.1,
            direction: mover.direction,
        };
        let left_m = edge.ahead_m - gone_m;
        let most_mps = (2.0 * STOPS_MPS2 * left_m.max(0.0)).sqrt();
        speed_mps = speed_mps.min(most_mps);
        gone_m += (speed_mps * STEP_S).min(left_m.max(0.0));
        here
    })
}
