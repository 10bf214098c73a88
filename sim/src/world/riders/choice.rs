//! What a rider does next: how fast, and where in the lane.
//!
//! Riders follow by IDM whoever is in the strip of the lane that they take up, and pass beside each other where
//! strips are free. They stop for what is in their way or will be within a second, vehicles among it, and at
//! their stop line as the signal says; at flashing green whoever can stop in comfort does. Where the ways of two
//! riders cross or join, who goes straight on goes first. Everything is from the state at the start of the step.

use rsu::clock::Mono;
use rsu::report::Light;

use super::super::roads::Turn;
use super::super::signals::Signals;
use super::super::snapshot::Body;
use super::Rider;
use super::stages::is_taken;
use super::ways::Way;
use crate::plane::Point;

/// What riders see at the start of a step.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) ways: &'a [Way],
    /// In order of id.
    pub(super) riders: &'a [Rider],
    /// The same as bodies.
    pub(super) bodies: &'a [Body],
    /// Vehicles where they are and will be, walkers and things.
    pub(super) things: &'a [Body],
    pub(super) signals: &'a Signals,
    pub(super) now: Mono,
}

/// Why a rider does not go faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) mps2: f64,
    /// It goes on although its light is about to change.
    pub(super) committed: bool,
    /// What keeps it is no light and nobody ahead: a thing, a vehicle, somebody on foot or from elsewhere.
    pub(super) obstructed: bool,
}

impl View<'_> {
    /// What a rider chooses where it is, on its way to where it heads for.
    pub(super) fn choose(&self, i: usize) -> Choice {
        let rider = &self.riders[i];
        let (light_mps2, committed) = self.before_light(rider);
        let free_mps2 = self.free_mps2(rider);
        let riders_mps2 = self.behind_riders_mps2(i, rider.strip());
        let things_mps2 = self
            .behind_things_mps2(i, rider.strip())
            .min(self.behind_crossing_mps2(i, rider.strip()));
        let others_mps2 = free_mps2.min(riders_mps2).min(light_mps2);
        Choice {
            mps2: others_mps2.min(things_mps2).max(-HARDEST_MPS2),
            committed,
            obstructed: things_mps2 < others_mps2,
        }
    }

    /// The strip to which a rider would move: its middle, left of the middle of the lane. None: it stays.
    pub(super) fn move_over(&self, i: usize) -> Option<f64> {
        let rider = &self.riders[i];
        let way = &self.ways[rider.way];
        if rider.stood_s > PATIENCE_S {
            return self.walk_round(i);
        }
        if (way.stop_m - KEEPS_STRIP_M..way.clear_m).contains(&rider.along_m) {
            return None;
        }
        let half_m = way.half_m(rider.along_m, rider.width_m);
        let strips = strips(half_m);
        let turns_right =
            way.turn == Turn::Right && (way.stop_m - SORTS_M..way.stop_m).contains(&rider.along_m);
        let leaning = if turns_right {
            TURNS_RIGHT_MPS2
        } else {
            KEEPS_RIGHT_MPS2
        };
        let own_mps2 = self.strip_mps2(i, rider.strip());
        let candidates = strips.filter_map(|to_m| {
            let off_m = to_m - rider.heads_m;
            if off_m.abs() < SAME_STRIP_M || off_m.abs() > half_m.max(WIDE_STRIP_M) {
                return None;
            }
            let strip = [to_m.min(rider.aside_m), to_m.max(rider.aside_m)];
            let there_mps2 = self.strip_mps2(i, strip);
            // One keeps to the right unless it is slower there.
            let bias_mps2 = if off_m < 0.0 { leaning } else { -leaning };
            let gain_mps2 = there_mps2 - own_mps2 + bias_mps2;
            let safe = there_mps2 > -SAFE_MPS2 && self.nobody_beside(i, strip);
            (safe && gain_mps2 > WORTH_MPS2).then_some((gain_mps2, to_m))
        });
        let best = candidates.max_by(|a, b| a.0.total_cmp(&b.0));
        best.map(|(_, to_m)| to_m)
    }

    /// Whether a rider may move sideways so far: nobody is in the way.
    pub(super) fn has_room_beside(&self, i: usize, to_m: f64) -> bool {
        let rider = &self.riders[i];
        self.mates(i).all(|(other, ahead_m)| {
            let beside = ahead_m.abs() < (rider.length_m + other.length_m) / 2.0 + BESIDE_M;
            let apart_m = (to_m - other.aside_m).abs();
            let nearer = apart_m < (rider.aside_m - other.aside_m).abs();
            !(beside && nearer && apart_m < (rider.width_m + other.width_m) / 2.0 + APART_M)
        })
    }

    /// What it would choose in a strip, lights left out.
    fn strip_mps2(&self, i: usize, strip: [f64; 2]) -> f64 {
        let free_mps2 = self.free_mps2(&self.riders[i]);
        let riders_mps2 = self.behind_riders_mps2(i, strip);
        free_mps2
            .min(riders_mps2)
            .min(self.behind_crossing_mps2(i, strip))
            .min(self.behind_things_mps2(i, strip))
    }

    fn free_mps2(&self, rider: &Rider) -> f64 {
        rider
            .driver
            .free_mps2(rider.speed_mps, self.wanted_mps(rider))
    }

    fn wanted_mps(&self, rider: &Rider) -> f64 {
        let bends_mps = self.ways[rider.way].speed_mps(rider.along_m);
        rider.wanted_mps.min(bends_mps)
    }

    fn heed_mps2(&self, rider: &Rider, gap_m: f64, ahead_mps: f64) -> f64 {
        let wanted_mps = self.wanted_mps(rider);
        let driver = &rider.driver;
        driver.following_mps2(rider.speed_mps, wanted_mps, gap_m, ahead_mps)
    }

    /// What the signal before it asks for, and whether it is too late to stop for it.
    fn before_light(&self, rider: &Rider) -> (f64, bool) {
        let way = &self.ways[rider.way];
        if rider.entered {
            return (self.before_second_light_mps2(rider), false);
        }
        let Some(phase) = way.phase else {
            return (f64::INFINITY, false);
        };
        let left_m = (way.stop_m - rider.front_m()).max(0.01);
        let stop = || self.heed_mps2(rider, left_m + STOP_BEYOND_M, 0.0);
        if is_taken(self.ways, self.riders, rider.way, rider) {
            return (stop(), false);
        }
        let needed_mps2 = rider.speed_mps * rider.speed_mps / (2.0 * left_m);
        let cannot_stop = needed_mps2 > rider.driver.braking_mps2;
        let shown = self.signals.shown(phase, self.now);
        let Some(shown) = shown else {
            return (stop(), false);
        };
        match shown.light {
            Light::Green => {
                let waits_s = self.now.seconds_after(shown.since);
                let reacts = rider.speed_mps < STANDS_MPS && waits_s < rider.driver.reaction_s;
                (if reacts { stop() } else { f64::INFINITY }, false)
            }
            Light::FlashingGreen if cannot_stop => (f64::INFINITY, true),
            Light::Yellow | Light::Red if cannot_stop && rider.committed => (f64::INFINITY, true),
            _ => (stop(), false),
        }
    }

    /// What the light asks of somebody who turns left in two stages and is on the junction.
    fn before_second_light_mps2(&self, rider: &Rider) -> f64 {
        let wait = self.ways[rider.way].wait;
        let Some(wait) = wait.filter(|wait| rider.along_m < wait.at_m + WAITS_WITHIN_M) else {
            return f64::INFINITY;
        };
        let shown = self.signals.shown(wait.phase, self.now);
        if let Some(shown) = shown.filter(|shown| shown.light == Light::Green) {
            let waits_s = self.now.seconds_after(shown.since);
            if rider.speed_mps >= STANDS_MPS || waits_s >= rider.driver.reaction_s {
                return f64::INFINITY;
            }
        }
        // Who stands there, or a little beyond, does not creep on.
        let left_m = wait.at_m - rider.along_m;
        let gap_m = left_m + rider.driver.standstill_m;
        self.heed_mps2(rider, gap_m.max(0.01), 0.0)
    }

    /// What riders ahead ask for, if it takes up this strip.
    fn behind_riders_mps2(&self, i: usize, strip: [f64; 2]) -> f64 {
        let rider = &self.riders[i];
        let mut chosen = f64::INFINITY;
        let mut heed = |gap_m: f64, ahead_mps: f64| {
            chosen = chosen.min(self.heed_mps2(rider, gap_m, ahead_mps));
        };
        let place = self.bodies[i].centre;
        for (j, other) in self.riders.iter().enumerate() {
            if j == i || self.bodies[j].centre.distance_m(place) > SEEN_M {
                continue;
            }
            let ahead_m = self.ahead_m(rider, other);
            if let Some(ahead_m) = ahead_m {
                let is_ahead = ahead_m > 0.0 || ahead_m >= 0.0 && other.id < rider.id;
                if is_ahead && Self::in_strip(rider, strip, other) {
                    let lengths_m = (rider.length_m + other.length_m) / 2.0;
                    heed(ahead_m - lengths_m, other.speed_mps);
                }
            }
            // Those beside each other in a lane may be nearer than those whose ways cross, until they part.
            let meets_m = if ahead_m.is_some() {
                PARTS_AT_M
            } else {
                MEETS_M
            };
            if rider.way != other.way
                && let Some(gap_m) = self.gives_way_m(rider, other, meets_m)
            {
                heed(gap_m, 0.0);
            }
        }
        chosen
    }

    /// What riders ask for who are in its way from elsewhere.
    fn behind_crossing_mps2(&self, i: usize, strip: [f64; 2]) -> f64 {
        let rider = &self.riders[i];
        let others = self.riders.iter().zip(self.bodies);
        let others = others.filter(|(other, _)| self.ahead_m(rider, other).is_none());
        let before = others.filter_map(|(_, body)| self.in_way_m(rider, strip, body));
        before
            .map(|(gap_m, mps)| self.heed_mps2(rider, gap_m, mps))
            .fold(f64::INFINITY, f64::min)
    }

    /// What things in the way ask for, vehicles and walkers among them.
    fn behind_things_mps2(&self, i: usize, strip: [f64; 2]) -> f64 {
        let rider = &self.riders[i];
        let things = self.things.iter();
        let before = things.filter_map(|thing| self.in_way_m(rider, strip, thing));
        before
            .map(|(gap_m, mps)| self.heed_mps2(rider, gap_m, mps))
            .fold(f64::INFINITY, f64::min)
    }

    /// How far the middle of `other` is ahead of that of `rider`, in a lane or on a way that both are on.
    fn ahead_m(&self, rider: &Rider, other: &Rider) -> Option<f64> {
        let (own, theirs) = (&self.ways[rider.way], &self.ways[other.way]);
        if rider.way == other.way {
            return Some(other.along_m - rider.along_m);
        }
        let before = |rider: &Rider, way: &Way| rider.along_m < way.stop_m + LANE_M;
        if own.lanes[0] == theirs.lanes[0] && before(rider, own) && before(other, theirs) {
            return Some(other.along_m - rider.along_m);
        }
        let beyond = |rider: &Rider, way: &Way| rider.along_m > way.clear_m - JOINS_M;
        if own.lanes[1] == theirs.lanes[1] && beyond(rider, own) && beyond(other, theirs) {
            return Some((other.along_m - theirs.clear_m) - (rider.along_m - own.clear_m));
        }
        None
    }

    /// Riders in the same lane or on the same way, and how far ahead they are.
    fn mates(&self, i: usize) -> impl Iterator<Item = (&Rider, f64)> {
        let rider = &self.riders[i];
        let others = self.riders.iter().filter(move |other| other.id != rider.id);
        others.filter_map(move |other| Some((other, self.ahead_m(rider, other)?)))
    }

    /// Whether `other` takes up some of this strip of `rider`'s.
    fn in_strip(rider: &Rider, strip: [f64; 2], other: &Rider) -> bool {
        let half_m = (rider.width_m + other.width_m) / 2.0 + APART_M;
        let [right_m, left_m] = other.strip();
        strip[0] - left_m < half_m && right_m - strip[1] < half_m
    }

    /// Whether nobody in a lane beside or right behind is hindered by who moves into a strip.
    fn nobody_beside(&self, i: usize, strip: [f64; 2]) -> bool {
        let rider = &self.riders[i];
        self.mates(i).all(|(other, ahead_m)| {
            let gap_m = ahead_m.abs() - (rider.length_m + other.length_m) / 2.0;
            let closes_mps = if ahead_m > 0.0 {
                0.0
            } else {
                (other.speed_mps - rider.speed_mps).max(0.0)
            };
            gap_m > LEAST_GAP_M + closes_mps * CLOSES_S || !Self::in_strip(rider, strip, other)
        })
    }

    /// How far before it a body is in its way, in this strip, and how fast that goes along.
    fn in_way_m(&self, rider: &Rider, strip: [f64; 2], body: &Body) -> Option<(f64, f64)> {
        let way = &self.ways[rider.way];
        let reach_m =
            rider.speed_mps * rider.speed_mps / (2.0 * EASILY_MPS2) + rider.speed_mps + REACH_M;
        let front_m = rider.front_m();
        let nose = way.path.point_at(front_m);
        if nose.distance_m(body.centre) > reach_m + body.length_m + WIDE_STRIP_M {
            return None;
        }
        let middle_m = (strip[0] + strip[1]) / 2.0;
        let half_m = (strip[1] - strip[0] + rider.width_m) / 2.0 + PASSES_AT_M;
        (0..=(reach_m / SAMPLE_M) as usize).find_map(|n| {
            let gap_m = n as f64 * SAMPLE_M;
            let along = way.path.direction_at(front_m + gap_m);
            let place = way.path.point_at(front_m + gap_m);
            let place = place.plus(along.left().times(middle_m));
            (body.distance_m(place) < half_m)
                .then(|| (gap_m, (body.direction.dot(along) * body.speed_mps).max(0.0)))
        })
    }

    /// How far before it is where it would come so near to `other`, who goes first.
    fn gives_way_m(&self, rider: &Rider, other: &Rider, meets_m: f64) -> Option<f64> {
        let (own, theirs) = (&self.ways[rider.way], &self.ways[other.way]);
        // Beside each other those wait who turn left in two stages.
        let alike = own.from == theirs.from && own.wait.is_some() && theirs.wait.is_some();
        let over = !alike && own.is_over(rider.along_m) && theirs.is_over(other.along_m);
        let rank = |way: &Way, rider: &Rider| (way.turn != Turn::Straight, rider.id);
        if !over || rank(own, rider) < rank(theirs, other) {
            return None;
        }
        let at = |rider: &Rider, way: &Way, after_s: f64| -> Point {
            let along_m = rider.along_m + rider.speed_mps * after_s;
            let aside = way.path.direction_at(along_m).left().times(rider.aside_m);
            way.path.point_at(along_m).plus(aside)
        };
        (1..=FORESEEN_STEPS).find_map(|step| {
            let after_s = f64::from(step) * FORESEEN_STEP_S;
            let apart_m = at(rider, own, after_s).distance_m(at(other, theirs, after_s));
            let gap_m = rider.speed_mps * after_s - rider.length_m / 2.0 - meets_m;
            (apart_m < meets_m).then_some(gap_m.max(0.1))
        })
    }

    /// Who has stood before something for long walks round it, to the nearest place that is free.
    fn walk_round(&self, i: usize) -> Option<f64> {
        let rider = &self.riders[i];
        let half_m = self.ways[rider.way].half_m(rider.along_m, rider.width_m);
        let most = ((half_m + WALKS_OUT_M) / WALKS_BY_M) as i32;
        let free = (-most..=most)
            .map(|n| f64::from(n) * WALKS_BY_M)
            .filter(|&to_m| {
                let strip = [to_m, to_m];
                self.nobody_beside(i, strip) && self.strip_mps2(i, strip) > 0.0
            });
        let off_m = |to_m: &f64| (to_m - rider.aside_m).abs();
        free.min_by(|a, b| off_m(a).total_cmp(&off_m(b)))
    }
}

/// The strips of a lane so wide, from the right, by their middles.
pub(super) fn strips(half_m: f64) -> impl DoubleEndedIterator<Item = f64> {
    let more = (2.0 * half_m / STRIP_M) as u32;
    (0..=more).map(move |n| {
        if more == 0 {
            0.0
        } else {
            2.0 * half_m * f64::from(n) / f64::from(more) - half_m
        }
    })
}

/// Riders ride beside each other from metre to metre (`IDM in 1 m strips`).
const STRIP_M: f64 = 1.0;
const WIDE_STRIP_M: f64 = 1.6;
const SAME_STRIP_M: f64 = 0.3;
/// From handlebar to handlebar (assumed).
const APART_M: f64 = 0.2;
const BESIDE_M: f64 = 0.3;
/// A change of strips: worth so much, not to be braked for by more, and with a leaning to the right (assumed).
const WORTH_MPS2: f64 = 0.3;
const SAFE_MPS2: f64 = 1.5;
const KEEPS_RIGHT_MPS2: f64 = 0.1;
/// Before the stop line those who turn right go to the right all the more, from so far on.
const TURNS_RIGHT_MPS2: f64 = 0.8;
const SORTS_M: f64 = 50.0;
const LEAST_GAP_M: f64 = 0.8;
const CLOSES_S: f64 = 1.5;
/// Nearer than this to the stop line nobody changes strips.
const KEEPS_STRIP_M: f64 = 3.0;
/// Lanes go on for so long over the stop line, and begin so long before their beginning.
const LANE_M: f64 = 3.0;
const JOINS_M: f64 = 6.0;
/// Riders look so far for each other.
const SEEN_M: f64 = 30.0;
/// And for what is in their way: what it takes to stop, a second, and besides.
const EASILY_MPS2: f64 = 1.2;
const REACH_M: f64 = 3.0;
const PASSES_AT_M: f64 = 0.25;
const SAMPLE_M: f64 = 0.5;
/// They foresee where others ride for so long.
const FORESEEN_STEPS: u32 = 8;
const FORESEEN_STEP_S: f64 = 0.25;
const MEETS_M: f64 = 1.8;
const PARTS_AT_M: f64 = 0.85;
/// They stop about half a metre before the line.
const STOP_BEYOND_M: f64 = 0.5;
/// Who is so far beyond the place to wait goes on.
pub(super) const WAITS_WITHIN_M: f64 = 0.3;
/// Slower is standing.
pub(super) const STANDS_MPS: f64 = 0.2;
/// Brakes of bicycles give no more (assumed).
const HARDEST_MPS2: f64 = 4.5;
/// Who has stood before something for so long walks round it, in steps of so much, and so far out of the
/// lane (assumed).
pub(super) const PATIENCE_S: f64 = 4.0;
const WALKS_BY_M: f64 = 0.6;
const WALKS_OUT_M: f64 = 1.5;
