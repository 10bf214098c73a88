//! Warnings against what then happens: is a driver who runs a red light told of in time, and is
//! anybody warned of to whom nothing happens?
//!
//! A warning of a red light is right if that vehicle passes its line at red soon after. One of two who
//! meet is right if they touch, if one is where the other was or will be within a second and a half, if one of
//! them brakes as hard as nobody does without need: whoever avoids it by that was warned rightly; or if the two
//! were in conflict by [`super::conflicts`], which asks for a warning. A
//! warning of a track that shows nobody is false. Not here: conflicts that nobody was warned of.

use std::time::Duration;

use rsu::clock::Mono;
use rsu::warnings::{Change, Kind, Warning};

use crate::plane::Point;
use crate::truth::Truth;
use crate::world::snapshot::Body;

/// All that was warned of.
#[derive(Clone, Debug, Default)]
pub struct WarningJudge {
    /// What was warned of, in order.
    pub told: Vec<Told>,
    /// Those who passed a red light.
    pub runners: Vec<Runner>,
    /// Being watched: places in `told`.
    open: Vec<Watch>,
}

/// One warning, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Of what.
    pub kind: Kind,
    /// When it began.
    pub since: Mono,
    /// For when.
    pub at: Mono,
    /// How likely it was then.
    pub probability: f64,
    /// Who it was, if the tracks showed anybody.
    pub bodies: [Option<u32>; 2],
    /// Whether it was right; None: nobody knows yet.
    pub right: Option<bool>,
    /// Where they were at its beginning, and how fast.
    pub places: [Option<(Point, f64)>; 2],
}

/// One driver who passed a red light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Runner {
    /// Who.
    pub body: u32,
    /// When it passed its line.
    pub at: Mono,
    /// So long after the beginning of red.
    pub into_red_s: f64,
    /// So long before it was warned of; 0 if never.
    pub lead_s: f64,
}

/// What has been seen of the two since a warning began.
#[derive(Clone, Debug)]
struct Watch {
    place: usize,
    seen: [Vec<(Mono, Body)>; 2],
}

impl Told {
    /// For a terminal, in seconds of the world.
    pub fn line(&self) -> String {
        let who = |which: usize| match (self.bodies[which], self.places[which]) {
            (Some(id), Some((at, mps))) => {
                let Point { east_m, north_m } = at;
                format!("{id} ({east_m:.1}, {north_m:.1}; {mps:.1} m/s)")
            }
            (Some(id), None) => id.to_string(),
            (None, _) => "nobody".to_owned(),
        };
        format!(
            "warning ({}) at {:.1} s of {} and {}, in {:.1} s, {:.0} %: {}",
            self.kind.name(),
            self.since.seconds_after(Mono::ZERO),
            who(0),
            who(1),
            self.at.seconds_after(self.since),
            self.probability * 100.0,
            match self.right {
                Some(true) => "right",
                Some(false) => "false",
                None => "not known",
            }
        )
    }
}

impl WarningJudge {
    /// The unit has begun to warn of something, or has ended; `body_of` knows whom a track shows.
    pub fn hear(&mut self, now: Mono, change: &Change, body_of: impl Fn(u8) -> Option<u32>) {
        let Change::Begun(warning) = change else {
            return;
        };
        let Warning { first, second, .. } = *warning;
        self.open.push(Watch {
            place: self.told.len(),
            seen: Default::default(),
        });
        self.told.push(Told {
            kind: warning.kind,
            since: now,
            at: warning.at,
            probability: warning.probability,
            bodies: [body_of(first), second.and_then(body_of)],
            right: None,
            places: [None; 2],
        });
    }

    /// A vehicle passed its line so long after the beginning of red.
    pub fn ran(&mut self, body: u32, at: Mono, into_red_s: f64) {
        let of_it = |told: &&mut Told| told.kind == Kind::RedLight && told.bodies[0] == Some(body);
        let mut lead_s = 0.0_f64;
        for told in self.told.iter_mut().filter(of_it) {
            told.right = Some(true);
            lead_s = lead_s.max(at.seconds_after(told.since));
        }
        self.runners.push(Runner {
            body,
            at,
            into_red_s,
            lead_s,
        });
    }

    /// Looks at a step that the world has made.
    pub fn follow(&mut self, now: Mono, truth: &Truth) {
        if self.open.is_empty() {
            return;
        }
        let Some(road) = truth.at(now) else { return };
        let told = &mut self.told;
        self.open.retain_mut(|watch| {
            let one = &mut told[watch.place];
            for (which, seen) in watch.seen.iter_mut().enumerate() {
                if let Some(body) = one.bodies[which].and_then(|id| road.body(id)) {
                    seen.push((now, *body));
                    one.places[which].get_or_insert((body.centre, body.speed_mps));
                }
            }
            if now.since(one.since) < WATCHED_FOR {
                return true;
            }
            one.right = Some(one.right.unwrap_or_else(|| watch.was_right(one.kind)));
            false
        });
    }

    /// The longest time before `at` by which a warning of these two had begun; 0 if none did.
    pub fn lead_s(&self, bodies: [u32; 2], at: Mono) -> f64 {
        let [one, other] = bodies.map(Some);
        let of_them = |told: &&Told| {
            told.kind != Kind::RedLight
                && (told.bodies == [one, other] || told.bodies == [other, one])
        };
        let leads = self.told.iter().filter(of_them);
        leads
            .map(|told| at.seconds_after(told.since))
            .filter(|lead_s| (0.0..LONGEST_LEAD_S).contains(lead_s))
            .fold(0.0, f64::max)
    }

    /// These two were in conflict then: what was warned of them before it was right, however softly it was
    /// avoided in the end.
    pub fn came_true(&mut self, bodies: [u32; 2], at: Mono) {
        let [one, other] = bodies.map(Some);
        for told in &mut self.told {
            let them = told.bodies == [one, other] || told.bodies == [other, one];
            let lead_s = at.seconds_after(told.since);
            if told.kind != Kind::RedLight && them && (0.0..LONGEST_LEAD_S).contains(&lead_s) {
                told.right = Some(true);
            }
        }
    }

    /// Warnings that nothing came of, from `from` on.
    pub fn wrong(&self, from: Mono) -> impl Iterator<Item = &Told> {
        let wrong = move |told: &&Told| told.since >= from && told.right == Some(false);
        self.told.iter().filter(wrong)
    }

    /// The shortest time by which somebody who came at least so late into red was warned of before.
    pub fn shortest_lead_s(&self, late_s: f64) -> Option<f64> {
        let late = self.runners.iter().filter(|one| one.into_red_s >= late_s);
        late.map(|one| one.lead_s).min_by(f64::total_cmp)
    }
}

impl Watch {
    fn was_right(&self, kind: Kind) -> bool {
        if kind == Kind::RedLight {
            return false;
        }
        let [ones, others] = &self.seen;
        let met = ones.iter().any(|(at, one)| {
            let mut near = others.iter().filter(|(then, _)| {
                at.since(*then).max(then.since(*at)).as_secs_f64() <= ENCROACHES_S
            });
            near.any(|(then, other)| one.overlaps(other) && (crosses(one, other) || at == then))
        });
        met || self.seen.iter().any(|seen| brakes_hard(seen))
    }
}

/// Who follows another is always where the other was.
fn crosses(one: &Body, other: &Body) -> bool {
    one.direction.dot(other.direction) < SAME_WAY_COS
}

fn brakes_hard(seen: &[(Mono, Body)]) -> bool {
    let long = seen.windows(4);
    long.into_iter().any(|some| {
        let (first, last) = (&some[0], &some[3]);
        let span_s = last.0.seconds_after(first.0);
        first.1.speed_mps - last.1.speed_mps > HARD_MPS2 * span_s
    })
}

/// What was warned of has happened by then, or was false.
const WATCHED_FOR: Duration = Duration::from_secs(6);
/// One who is where the other was, or will be, within this has met it but for chance.
const ENCROACHES_S: f64 = 1.5;
/// A warning that began longer before was of something else.
const LONGEST_LEAD_S: f64 = 8.0;
/// Directions that are more alike are those of one stream.
const SAME_WAY_COS: f64 = 0.9;
/// Nobody brakes so hard without need.
const HARD_MPS2: f64 = 3.8;
