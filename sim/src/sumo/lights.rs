//! Which lamp of SUMO's traffic light belongs to which way through the site's junction, and what it shows.
//!
//! Lanes are found by where they lie: a lane that ends at one of the site's stop lines and one that begins
//! where an exit does are a movement, and the site says which phase rules it. Nothing is left to names, so
//! a network whose lanes lie elsewhere is refused, with what does not fit. What the controller shows is
//! what SUMO's drivers see: SUMO's own program does nothing.

use std::collections::BTreeMap;

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::PhaseId;

use super::client::Trouble;
use crate::plane::Point;
use crate::world::roads::{Order, Roads};
use crate::world::signals::Signals;

/// What each lamp of the traffic light follows.
#[derive(Clone, Debug)]
pub(super) struct Lights {
    lamps: Vec<Lamp>,
    shown: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Lamp {
    /// Of vehicles on this route, whose phase rules it.
    Route {
        phase: PhaseId,
        yields: Vec<PhaseId>,
    },
    /// Of vehicles that nothing rules: they give way.
    Free,
    /// Of walkers.
    Walk(PhaseId),
    /// Of nobody.
    None,
}

/// A lane of SUMO's, as the site's ground has it.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

impl Lights {
    /// Finds out what rules each lamp; `walks` says it of the crossings.
    pub(super) fn new(
        roads: &Roads,
        walks: &BTreeMap<String, PhaseId>,
        links: &[Vec<[Lane; 2]>],
    ) -> Result<Self, Trouble> {
        let misfit = |what: String| Err(Trouble::Misfit(what));
        let mut lamps = Vec::new();
        let mut ruled = vec![false; roads.routes.len()];
        let mut walked = BTreeMap::new();
        for (number, lamp) in links.iter().enumerate() {
            let mut follows = Lamp::None;
            for [from, to] in lamp {
                let crossing = [from, to].into_iter().find_map(|lane| {
                    let edge = lane.name.rsplit_once('_').map(|(edge, _)| edge);
                    edge.and_then(|edge| walks.get_key_value(edge))
                });
                let found = if let Some((edge, phase)) = crossing {
                    walked.insert(edge.clone(), ());
                    Lamp::Walk(*phase)
                } else {
                    let Some(route) = route_of(roads, from, to) else {
                        return misfit(format!(
                            "lamp {number} rules the way from lane {} to {}, and the site has no such \
                             movement within {NEAR_M} m; a crossing is named in sumo.walk",
                            from.name, to.name
                        ));
                    };
                    ruled[route] = true;
                    let route = &roads.routes[route];
                    let yields = route.zones.iter();
                    let yields = yields.filter(|zone| zone.order == Order::Yields);
                    let yields = yields.filter_map(|zone| roads.routes[zone.other].phase);
                    match route.phase {
                        Some(phase) => Lamp::Route {
                            phase,
                            yields: yields.collect(),
                        },
                        None => Lamp::Free,
                    }
                };
                if follows != Lamp::None && follows != found {
                    return misfit(format!("lamp {number} rules ways of several phases"));
                }
                follows = found;
            }
            lamps.push(follows);
        }
        for (route, ruled) in roads.routes.iter().zip(ruled) {
            if let (Some(phase), false) = (route.phase, ruled) {
                let from = &roads.approaches[route.approach];
                return misfit(format!(
                    "no lamp rules the way {:?} from node {}, lane {}, of phase {phase}",
                    route.turn, from.from, from.id
                ));
            }
        }
        if let Some(edge) = walks.keys().find(|edge| !walked.contains_key(*edge)) {
            return misfit(format!("sumo.walk names {edge}, and no lamp rules it"));
        }
        Ok(Self {
            lamps,
            shown: String::new(),
        })
    }

    /// The letters of all lamps at `at`, if they are others than when last asked.
    pub(super) fn change(&mut self, signals: &Signals, at: Mono) -> Option<&str> {
        let letters = self.lamps.iter().map(|lamp| lamp.letter(signals, at));
        let letters: String = letters.collect();
        if letters == self.shown {
            return None;
        }
        self.shown = letters;
        Some(&self.shown)
    }
}

impl Lamp {
    fn letter(&self, signals: &Signals, at: Mono) -> char {
        let green = |&phase: &PhaseId| {
            matches!(
                signals.light(phase, at),
                Light::Green | Light::FlashingGreen
            )
        };
        match self {
            Self::Route { phase, yields } => match signals.light(*phase, at) {
                Light::Green | Light::FlashingGreen if yields.iter().any(green) => 'g',
                Light::Green | Light::FlashingGreen => 'G',
                Light::Yellow => 'y',
                Light::RedYellow => 'u',
                Light::FlashingYellow => 'o',
                Light::Dark => 'O',
                Light::Red | Light::FlashingRed | Light::Unknown => 'r',
            },
            Self::Free => 'g',
            // Nobody begins to cross at flashing green.
            Self::Walk(phase) if signals.light(*phase, at) == Light::Green => 'G',
            Self::Walk(_) | Self::None => 'r',
        }
    }
}

/// The route of ours that leads where two of SUMO's lanes do.
fn route_of(roads: &Roads, from: &Lane, to: &Lane) -> Option<usize> {
    let ([.., before, end], [begin, after, ..]) = (&from.points[..], &to.points[..]) else {
        return None;
    };
    let inward = end.minus(*before).direction();
    let outward = after.minus(*begin).direction();
    let routes = roads.routes.iter().enumerate();
    let off = routes.filter_map(|(i, route)| {
        let (stop_m, clear_m) = (route.stop_m, route.clear_m);
        let line = route.path.direction_at(stop_m - 0.1);
        let exit = route.path.direction_at(clear_m + 0.1);
        let (off, off_there) = (
            end.minus(route.path.point_at(stop_m)),
            begin.minus(route.path.point_at(clear_m)),
        );
        let aside_m = off.dot(line.left()).abs();
        let near = aside_m < ASIDE_M && off.length_m() < NEAR_M && off_there.length_m() < NEAR_M;
        let alike = inward.dot(line) > ALIKE && outward.dot(exit) > ALIKE;
        (near && alike).then_some((aside_m + off_there.length_m(), i))
    });
    off.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
}

/// Stop lines and beginnings of exits lie so near to the site's.
const NEAR_M: f64 = 8.0;
/// And lanes beside each other are not taken for one another.
const ASIDE_M: f64 = 1.5;
/// Cosine between directions that are the same.
const ALIKE: f64 = 0.9;
