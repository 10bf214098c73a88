//! Where each road user will be within the next seconds, one prediction for each way it may take.
//!
//! On a lane it follows the lane and one of its connections, brakes for a red light, for the bend
//! and for who is before it as people do; off the lanes it keeps its speed and its rate of turn.
//! Acceleration and turn are remembered by track id from look to look; a heading that passes north
//! is one that goes on. Not here: who meets whom.

use arrayvec::ArrayVec;

use super::approach::below;
use super::light::{Demand, demand};
use super::ways::{Way, Ways};
use crate::clock::Mono;
use crate::fusion::{MAX_TRACKS, Picture, Track};
use crate::report::{Class, Covariance};
use crate::signals::Forecast;
use crate::site::Turn;

/// Time between two knots.
pub(super) const STEP_S: f64 = 0.25;
/// Pieces of a prediction.
pub(super) const PIECES: usize = 20;
/// How far predictions reach.
pub(super) const HORIZON_S: f64 = PIECES as f64 * STEP_S;
/// Ways that one road user may take.
const MOST_WAYS: usize = 3;
/// Predictions of everybody: two for each road user, of whom few have a choice. Beyond them nobody
/// is predicted.
const MOST: usize = 512;

/// One way that a road user may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prediction {
    pub(super) knots: [Knot; PIECES + 1],
    /// How likely it takes this way; those of one road user sum to 1.
    pub(super) weight: f64,
    /// Which way; None off the lanes.
    pub(super) way: Option<usize>,
    /// How far along that way it is now.
    pub(super) along_m: f64,
    /// What it comes to later than this is not foreseen.
    pub(super) horizon_s: f64,
    pub(super) half_length_m: f64,
    half_width_m: f64,
    spread: Spread,
    /// Lowest and highest east and north that its footprint may reach.
    around: [f64; 4],
}

/// Where it is at one moment, and which way it points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Knot {
    pub(super) east_m: f64,
    pub(super) north_m: f64,
    pub(super) direction: (f64, f64),
}

/// How the error of a prediction grows.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    along_m2: f64,
    across_m2: f64,
    /// Of the velocity.
    along_mps2: f64,
    across_mps2: f64,
    /// Acceleration that nobody foresees.
    along_mps4: f64,
    across_mps4: f64,
    /// What lanes and stop lines hold it to.
    most_along_m2: f64,
    most_across_m2: f64,
}

impl Prediction {
    /// Half of its shadow on an axis.
    pub(super) fn extent_m(&self, knot: &Knot, axis: (f64, f64)) -> f64 {
        let (cos, sin) = knot.direction;
        self.half_length_m * (cos * axis.0 + sin * axis.1).abs()
            + self.half_width_m * (cos * axis.1 - sin * axis.0).abs()
    }

    /// The variance of its place on an axis.
    pub(super) fn variance_m2(&self, knot: &Knot, axis: (f64, f64), at_s: f64) -> f64 {
        let (cos, sin) = knot.direction;
        let (along, across) = (cos * axis.0 + sin * axis.1, cos * axis.1 - sin * axis.0);
        let (along_m2, across_m2) = self.spread.at(at_s);
        along * along * along_m2 + across * across * across_m2
    }

    /// The larger standard deviation of its place.
    pub(super) fn sigma_m(&self, at_s: f64) -> f64 {
        let (along_m2, across_m2) = self.spread.at(at_s);
        along_m2.max(across_m2).sqrt()
    }

    /// From its centre to its farthest corner.
    pub(super) fn reach_m(&self) -> f64 {
        self.half_length_m.hypot(self.half_width_m)
    }

    /// Whether it may come near another's prediction at all.
    pub(super) fn may_meet(&self, other: &Self) -> bool {
        let (a, b) = (&self.around, &other.around);
        a[0] <= b[1] && b[0] <= a[1] && a[2] <= b[3] && b[2] <= a[3]
    }
}

impl Spread {
    fn at(&self, at_s: f64) -> (f64, f64) {
        let t2 = at_s * at_s;
        let along_m2 = self.along_mps2 * t2 + self.along_mps4 * t2 * t2 / 4.0;
        let across_m2 = self.across_mps2 * t2 + self.across_mps4 * t2 * t2 / 4.0;
        (
            self.along_m2 + along_m2.min(self.most_along_m2),
            self.across_m2 + across_m2.min(self.most_across_m2),
        )
    }
}

/// One road user and what is predicted of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mover {
    /// Its place in the picture.
    pub(super) place: usize,
    pub(super) id: u8,
    pub(super) class: Class,
    pub(super) speed_mps: f64,
    pub(super) direction: (f64, f64),
    pub(super) east_m: f64,
    pub(super) north_m: f64,
    /// It has been seen for long enough not to be a false echo.
    pub(super) established: bool,
    /// And for so long that those behind are held against it.
    leads: bool,
    /// Its predictions: from, and how many.
    pub(super) first: usize,
    pub(super) count: usize,
    /// How likely it will pass the stop line at red, and when it is there.
    pub(super) runs_red: Option<(f64, f64)>,
    /// How likely it cannot avoid the one before it by braking, which one, and when they touch.
    pub(super) runs_into: Option<(f64, u8, f64)>,
}

impl Mover {
    /// On foot or on two wheels.
    pub(super) fn is_soft(&self) -> bool {
        is_soft(self.class)
    }
}

fn is_soft(class: Class) -> bool {
    matches!(
        class,
        Class::Pedestrian | Class::Bicycle | Class::Motorcycle
    )
}

/// What the looks before have shown of a road user.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    born_at: Mono,
    looked_at: Mono,
    speed_mps: f64,
    yaw_rad: Option<f64>,
    accel_mps2: f64,
    turn_radps: f64,
    /// How likely it goes to which lane, by what was seen of it so far.
    goes_to: [(usize, f64); MOST_WAYS],
}

/// A way that a road user is on.
#[derive(Clone, Copy, Debug)]
struct On {
    way: usize,
    along_m: f64,
    weight: f64,
}

/// What the signal of a way says to who is on it.
#[derive(Clone, Copy, Debug)]
struct Sign {
    demand: Demand,
    /// How likely it passes the stop line all the same.
    passes: f64,
    arrives_s: f64,
}

/// How people brake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Braking {
    /// Not harder than this unless they must.
    pub(super) most_mps2: f64,
    /// For a red light they have begun so long before they would be at the line.
    pub(super) for_red_s: f64,
}

/// Everybody's predictions at one moment.
#[derive(Debug)]
pub(super) struct Predictions {
    pub(super) movers: Vec<Mover>,
    /// At most [`MOST`], which is room that it has from the start: too much for a stack.
    pub(super) all: Vec<Prediction>,
    on: Vec<ArrayVec<On, MOST_WAYS>>,
    memory: Box<[Memory; 256]>,
}

/// Braking that nobody is surprised by.
const EASY_MPS2: f64 = 1.0;
/// Slower stands.
const STANDS_BELOW_MPS: f64 = 0.3;
/// From this speed on a course is a heading.
const COURSE_FROM_MPS: f64 = 1.0;
/// Older sightings say too little of now.
const SEEN_WITHIN_S: f64 = 0.6;
/// False echoes seldom live so long.
const ESTABLISHED_S: f64 = 1.0;
/// Those that do are second echoes of one vehicle, on its own way.
const LEADS_S: f64 = 2.0;
/// A heading farther off the way is not on it, in radians.
const ALONG_RAD: f64 = 0.7;
/// So far over the stop line the light behind still tells which way one takes.
const JUST_OVER_M: f64 = 5.0;
/// Who is on no lane where there are lanes is predicted for so long only.
const AMONG_LANES_S: f64 = 1.2;
/// Between bumpers where people stop.
const STOP_GAP_M: f64 = 1.5;

impl Predictions {
    pub(super) fn new() -> Self {
        Self {
            movers: Vec::with_capacity(MAX_TRACKS),
            all: Vec::with_capacity(MOST),
            on: Vec::with_capacity(MAX_TRACKS),
            memory: Box::new([Memory::default(); 256]),
        }
    }

    /// Predicts everybody from now on. Does not allocate.
    pub(super) fn set(
        &mut self,
        now: Mono,
        picture: &Picture,
        forecast: Option<&Forecast>,
        ways: &Ways,
        braking: Braking,
    ) {
        self.movers.clear();
        self.all.clear();
        self.on.clear();
        for (place, track) in picture.tracks.iter().enumerate() {
            if now.seconds_after(track.seen_at) > SEEN_WITHIN_S || track.existence < 0.5 {
                continue;
            }
            let Some(mover) = self.mover(now, place, track) else {
                continue;
            };
            let goes_to = &self.memory[usize::from(track.id)].goes_to;
            // As many as the picture has, for which there is room.
            self.on.push(ways_of(&mover, ways, goes_to));
            self.movers.push(mover);
        }
        for index in 0..self.movers.len() {
            self.predict(now, index, picture, forecast, ways, braking);
        }
    }

    fn mover(&mut self, now: Mono, place: usize, track: &Track) -> Option<Mover> {
        let velocity = &track.velocity;
        let speed_mps = velocity.east_mps.hypot(velocity.north_mps);
        let course = velocity.north_mps.atan2(velocity.east_mps);
        let moves = speed_mps >= COURSE_FROM_MPS;
        let yaw_rad = if moves {
            course
        } else {
            track.yaw_rad.unwrap_or(course)
        };
        if !(speed_mps.is_finite() && track.east_m.is_finite() && track.north_m.is_finite()) {
            return None;
        }
        let (sin, cos) = yaw_rad.sin_cos();
        self.memory[usize::from(track.id)].look(
            now,
            track.born_at,
            speed_mps,
            moves.then_some(yaw_rad),
        );
        Some(Mover {
            place,
            id: track.id,
            class: track.class,
            speed_mps,
            direction: (cos, sin),
            east_m: track.east_m,
            north_m: track.north_m,
            established: now.seconds_after(track.born_at) >= ESTABLISHED_S,
            leads: now.seconds_after(track.born_at) >= LEADS_S,
            first: 0,
            count: 0,
            runs_red: None,
            runs_into: None,
        })
    }

    fn predict(
        &mut self,
        now: Mono,
        index: usize,
        picture: &Picture,
        forecast: Option<&Forecast>,
        ways: &Ways,
        braking: Braking,
    ) {
        let braking_mps2 = braking.most_mps2;
        let mut mover = self.movers[index];
        let track = &picture.tracks[mover.place];
        let memory = self.memory[usize::from(track.id)];
        let half_length_m = half_length_m(track);
        mover.first = self.all.len();
        let signs = self.signs(now, index, track, forecast, ways, braking);
        let mut goes_to = [(usize::MAX, 0.0); MOST_WAYS];
        for (slot, (on, _)) in goes_to.iter_mut().zip(&signs) {
            *slot = (ways.all[on.way].to, on.weight);
        }
        self.memory[usize::from(track.id)].goes_to = goes_to;
        let mut red = (0.0, 0.0);
        for (on, sign) in &signs {
            let way = &ways.all[on.way];
            let to_stop_m = way.stop_m - on.along_m - half_length_m;
            let mut stop = None;
            if to_stop_m > 0.0 && mover.speed_mps >= STANDS_BELOW_MPS {
                if sign.demand == Demand::SurelyStop && sign.arrives_s <= HORIZON_S {
                    red = (red.0 + on.weight * sign.passes, sign.arrives_s);
                }
                let stops = sign.demand != Demand::Go && sign.passes < 0.5;
                stop = stops.then_some(way.stop_m - half_length_m);
            } else if to_stop_m > -half_length_m && mover.speed_mps < STANDS_BELOW_MPS {
                // It stands before the line: what it waits for, it waits for.
                stop = Some(on.along_m);
            }
            let leader = self.leader(index, on, picture, ways);
            if let Some(leader) = leader {
                let hits = fails_to_follow(
                    &mover,
                    track,
                    &leader,
                    half_length_m,
                    on.along_m,
                    braking_mps2,
                );
                if hits.0 > 0.0 {
                    let before = mover.runs_into.map_or(0.0, |(before, ..)| before);
                    mover.runs_into = Some((before + on.weight * hits.0, leader.id, hits.1));
                }
            }
            let profile = Profile {
                on,
                way,
                stop_m: stop,
                leader,
                braking_mps2,
                half_length_m,
                accel_mps2: memory.accel_mps2,
                across_m2: spread(track, &mover, false, false).across_m2,
            };
            let knots = profile.knots(&mover);
            let held = stop.is_some();
            self.push(track, &mover, knots, on.weight, Some(on), held);
        }
        if signs.is_empty() {
            let soft = mover.is_soft();
            let turn_radps = if soft { 0.0 } else { memory.turn_radps };
            let accel_mps2 = if soft { 0.0 } else { memory.accel_mps2 };
            let knots = free(&mover, turn_radps, accel_mps2);
            // Between the lanes of a junction nobody goes on turning as now.
            let among_lanes = !soft && ways.are_around(mover.east_m, mover.north_m);
            let horizon_s = if among_lanes {
                AMONG_LANES_S
            } else {
                HORIZON_S
            };
            self.push(track, &mover, knots, 1.0, None, false);
            for prediction in &mut self.all[mover.first..] {
                prediction.horizon_s = horizon_s;
            }
        }
        mover.runs_red = (red.0 > 0.0).then_some(red);
        mover.count = self.all.len() - mover.first;
        self.movers[index] = mover;
    }

    /// The ways of a road user and what their signals say. Who passes a red light on one way and may
    /// go by another is taken to go there.
    fn signs(
        &self,
        now: Mono,
        index: usize,
        track: &Track,
        forecast: Option<&Forecast>,
        ways: &Ways,
        braking: Braking,
    ) -> ArrayVec<(On, Sign), MOST_WAYS> {
        let mover = &self.movers[index];
        let memory = &self.memory[usize::from(track.id)];
        let half_length_m = half_length_m(track);
        let sign = |on: &On| {
            let way = &ways.all[on.way];
            let to_stop_m = way.stop_m - on.along_m - half_length_m;
            let arrives_s = (to_stop_m / mover.speed_mps.max(STANDS_BELOW_MPS)).max(0.0);
            let demand = if to_stop_m > -JUST_OVER_M {
                wanted(way, forecast, now, arrives_s)
            } else {
                Demand::Go
            };
            let passes = if to_stop_m > 0.0 {
                fails_to_stop(mover, memory, track, to_stop_m, braking)
            } else {
                1.0
            };
            let sign = Sign {
                demand,
                passes,
                arrives_s,
            };
            (*on, sign)
        };
        let mut signs: ArrayVec<_, MOST_WAYS> = self.on[index].iter().map(sign).collect();
        if signs.iter().any(|(_, sign)| sign.demand == Demand::Go) {
            signs.retain(|(_, sign)| sign.demand == Demand::Go || sign.passes < 0.5);
        }
        let sum: f64 = signs.iter().map(|(on, _)| on.weight).sum();
        for (on, _) in &mut signs {
            on.weight /= sum;
        }
        signs
    }

    fn push(
        &mut self,
        track: &Track,
        mover: &Mover,
        knots: [Knot; PIECES + 1],
        weight: f64,
        on: Option<&On>,
        held: bool,
    ) {
        let (half_length_m, half_width_m) = (half_length_m(track), half_width_m(track));
        let spread = spread(track, mover, on.is_some(), held);
        let sigma_m = {
            let (along_m2, across_m2) = spread.at(HORIZON_S);
            along_m2.max(across_m2).sqrt()
        };
        let margin_m = half_length_m.hypot(half_width_m) + 2.0 * sigma_m;
        let mut around = [
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        for knot in &knots {
            around[0] = around[0].min(knot.east_m - margin_m);
            around[1] = around[1].max(knot.east_m + margin_m);
            around[2] = around[2].min(knot.north_m - margin_m);
            around[3] = around[3].max(knot.north_m + margin_m);
        }
        if self.all.len() == MOST {
            return;
        }
        self.all.push(Prediction {
            knots,
            weight,
            way: on.map(|on| on.way),
            along_m: on.map_or(0.0, |on| on.along_m),
            horizon_s: HORIZON_S,
            half_length_m,
            half_width_m,
            spread,
            around,
        });
    }

    /// The nearest one before it on the same way.
    fn leader(&self, index: usize, own: &On, picture: &Picture, ways: &Ways) -> Option<Leader> {
        let way = &ways.all[own.way];
        let mut nearest: Option<Leader> = None;
        for (other, on) in self.on.iter().enumerate() {
            let there = &self.movers[other];
            if other == index || is_soft(there.class) || !there.leads {
                continue;
            }
            let mover = &self.movers[other];
            let rear_m = half_length_m(&picture.tracks[mover.place]);
            for on in on {
                let Some(centre_m) = same_place(way, own.way, &ways.all[on.way], on) else {
                    continue;
                };
                let before = centre_m > own.along_m + 1.0;
                if before && nearest.is_none_or(|found| centre_m - rear_m < found.rear_m) {
                    nearest = Some(Leader {
                        id: mover.id,
                        rear_m: centre_m - rear_m,
                        speed_mps: mover.speed_mps,
                    });
                }
            }
        }
        nearest
    }
}

/// Who drives before somebody on its way.
#[derive(Clone, Copy, Debug)]
struct Leader {
    id: u8,
    rear_m: f64,
    speed_mps: f64,
}

/// How far along one way somebody is who is on another, where they share a lane.
fn same_place(way: &Way, number: usize, others: &Way, on: &On) -> Option<f64> {
    if on.way == number || (on.along_m < others.stop_m && others.from == way.from) {
        Some(on.along_m)
    } else if on.along_m >= others.over_m && others.to == way.to {
        Some(on.along_m - others.over_m + way.over_m)
    } else {
        None
    }
}

impl Memory {
    fn look(&mut self, now: Mono, born_at: Mono, speed_mps: f64, yaw_rad: Option<f64>) {
        let step_s = now.seconds_after(self.looked_at);
        let known = self.born_at == born_at && step_s <= 1.0;
        if known && step_s < 0.02 {
            return;
        }
        if known {
            let share = (step_s / SMOOTH_S).min(1.0);
            let accel = (speed_mps - self.speed_mps) / step_s;
            self.accel_mps2 += share * (accel.clamp(-9.0, 4.0) - self.accel_mps2);
            let turn = match (self.yaw_rad, yaw_rad) {
                (Some(before), Some(after)) => half_turn(after - before) / step_s,
                _ => 0.0,
            };
            self.turn_radps +=
                share * (turn.clamp(-MOST_TURN_RADPS, MOST_TURN_RADPS) - self.turn_radps);
        } else {
            (self.accel_mps2, self.turn_radps) = (0.0, 0.0);
            self.goes_to = [(usize::MAX, 0.0); MOST_WAYS];
        }
        (self.born_at, self.looked_at) = (born_at, now);
        (self.speed_mps, self.yaw_rad) = (speed_mps, yaw_rad);
    }
}

/// Acceleration and turn are those of about so long.
const SMOOTH_S: f64 = 0.4;
const MOST_TURN_RADPS: f64 = 1.0;

/// An angle as -pi..pi.
pub(super) fn half_turn(angle_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (angle_rad + PI).rem_euclid(TAU) - PI
}

fn wanted(way: &Way, forecast: Option<&Forecast>, now: Mono, arrives_s: f64) -> Demand {
    let phases = forecast.map_or(&[][..], |forecast| &forecast.phases);
    let rules = |id| phases.iter().find(|phase| phase.phase == id);
    way.phase.and_then(rules).map_or(Demand::Go, |phase| {
        demand(&phase.states, now, now.offset_by(arrives_s))
    })
}

/// Who brakes with this share of what is needed is about to stop: braking begins softly, and is seen
/// late.
const BRAKES_FOR_IT: f64 = 0.5;

/// Who needs less than this to stop at a line may yet do it, however near it is.
const SOFT_STOP_MPS2: f64 = 2.2;

/// How likely somebody does not stop at the line: it is later than when people begin to brake, or it
/// would have to brake harder than they do, and it does not do it.
fn fails_to_stop(
    mover: &Mover,
    memory: &Memory,
    track: &Track,
    to_stop_m: f64,
    braking: Braking,
) -> f64 {
    let needed_mps2 = mover.speed_mps * mover.speed_mps / (2.0 * to_stop_m);
    if -memory.accel_mps2 >= BRAKES_FOR_IT * needed_mps2 {
        return 0.0;
    }
    let from_which_mps = |braking_mps2: f64| (2.0 * braking_mps2 * to_stop_m).sqrt();
    let fastest_mps = from_which_mps(braking.most_mps2)
        .min(to_stop_m / braking.for_red_s)
        .max(from_which_mps(SOFT_STOP_MPS2));
    let spread = spread(track, mover, true, false);
    // How an error of the place changes the speed from which one can stop.
    let by_place = spread.along_m2.sqrt() * fastest_mps / to_stop_m.max(1.0);
    let sigma_mps = spread.along_mps2.sqrt().hypot(by_place).max(0.05);
    below((mover.speed_mps - fastest_mps) / sigma_mps)
}

/// How likely somebody would have to brake harder than people do for the one before it, and when
/// they would touch.
fn fails_to_follow(
    mover: &Mover,
    track: &Track,
    leader: &Leader,
    half_length_m: f64,
    along_m: f64,
    braking_mps2: f64,
) -> (f64, f64) {
    let gap_m = leader.rear_m - along_m - half_length_m;
    let closing_mps = mover.speed_mps - leader.speed_mps;
    if gap_m <= 0.0 || closing_mps < 1.0 {
        return (0.0, 0.0);
    }
    let spread = spread(track, mover, true, false);
    let most_mps = (2.0 * braking_mps2 * gap_m).sqrt();
    let by_place = spread.along_m2.sqrt() * braking_mps2 / most_mps.max(1.0);
    let sigma_mps = spread.along_mps2.sqrt().hypot(by_place).max(0.05);
    (
        below((closing_mps - most_mps) / sigma_mps),
        gap_m / closing_mps,
    )
}

/// How likely two who go into the same lane by different ways touch, and when: who gives way lets the
/// other go first as long as it can; otherwise who comes later brakes for who comes first.
pub(super) fn merging(
    (one, a, first_way): (&Mover, &Prediction, &Way),
    (other, b, second_way): (&Mover, &Prediction, &Way),
    braking_mps2: f64,
) -> Option<(f64, f64)> {
    let yields = |mover: &Mover, prediction: &Prediction, way: &Way| {
        let left_m = way.over_m - MERGES_BEFORE_M - prediction.along_m - prediction.half_length_m;
        way.phase.is_none()
            && left_m > 0.0
            && mover.speed_mps.powi(2) <= 2.0 * braking_mps2 * left_m
    };
    if yields(one, a, first_way) || yields(other, b, second_way) {
        return None;
    }
    // Both counted from where the lane begins that they share.
    let (at_one, at_other) = (a.along_m - first_way.over_m, b.along_m - second_way.over_m);
    let time_s = |at_m: f64, mover: &Mover| -at_m / mover.speed_mps.max(STANDS_BELOW_MPS);
    let one_first = time_s(at_one, one) <= time_s(at_other, other);
    let (ahead, behind, ahead_m, behind_m) = if one_first {
        (one, other, at_one, at_other)
    } else {
        (other, one, at_other, at_one)
    };
    let merges_s = time_s(behind_m, behind).max(0.0);
    // Where the first one is when the second comes to the lane, and how far before it that is.
    let gap_m = ahead_m + ahead.speed_mps * merges_s - a.half_length_m - b.half_length_m;
    let closing_mps = behind.speed_mps - ahead.speed_mps;
    let most_mps = (2.0 * braking_mps2 * gap_m.max(0.0)).sqrt();
    let brakes_early_mps = braking_mps2 * merges_s / 2.0;
    (gap_m <= 0.0 && closing_mps > -1.0 || closing_mps > most_mps + brakes_early_mps)
        .then_some((1.0, merges_s))
}

/// So far before the lane that they share two ways come close to each other.
const MERGES_BEFORE_M: f64 = 3.0;

/// The ways that somebody may be on, with how likely each is.
///
/// What one look shows is weighed with what earlier ones have: who has begun to turn is on that way,
/// however its heading is measured just now.
fn ways_of(
    mover: &Mover,
    ways: &Ways,
    goes_to: &[(usize, f64); MOST_WAYS],
) -> ArrayVec<On, MOST_WAYS> {
    let mut found: ArrayVec<On, MOST_WAYS> = ArrayVec::new();
    if mover.class == Class::Pedestrian {
        return found;
    }
    let yaw_rad = mover.direction.1.atan2(mover.direction.0);
    for (number, way) in ways.all.iter().enumerate() {
        let Some(foot) = way.foot(mover.east_m, mover.north_m) else {
            continue;
        };
        let off_rad = half_turn(foot.yaw_rad - yaw_rad).abs();
        if off_rad > ALONG_RAD {
            continue;
        }
        // Who is over the junction already may have come from anywhere.
        let again = |on: &On| foot.along_m >= way.over_m && ways.all[on.way].to == way.to;
        if found.iter().any(again) || !can_turn(mover, way, foot.along_m) {
            continue;
        }
        let fit = (foot.left_m / 0.7).powi(2) + (off_rad / 0.2).powi(2);
        let on = On {
            way: number,
            along_m: foot.along_m,
            weight: (-fit / 2.0).exp().max(1e-6) * earlier(goes_to, way.to),
        };
        if found.is_full() {
            let least = (0..MOST_WAYS).min_by(|a, b| found[*a].weight.total_cmp(&found[*b].weight));
            if let Some(least) = least.filter(|least| found[*least].weight < on.weight) {
                found[least] = on;
            }
        } else {
            found.push(on);
        }
    }
    let most = found.iter().map(|on| on.weight).fold(0.0, f64::max);
    found.retain(|on| on.weight >= 0.1 * most);
    let sum: f64 = found.iter().map(|on| on.weight).sum();
    for on in &mut found {
        on.weight /= sum;
    }
    found
}

/// How likely somebody goes to a lane by what was seen of it before; of no weight where nothing was.
fn earlier(goes_to: &[(usize, f64); MOST_WAYS], lane: usize) -> f64 {
    let known = goes_to.iter().any(|(_, weight)| *weight > 0.0);
    let there = goes_to.iter().find(|(to, _)| *to == lane);
    let likely = there.map_or(0.0, |(_, weight)| *weight).max(UNLIKELY);
    if known { likely.powf(KEPT_SHARE) } else { 1.0 }
}

/// What was not likely so far may still be so.
const UNLIKELY: f64 = 0.15;
/// Looks follow so closely that their errors are alike; each counts less than it shows.
const KEPT_SHARE: f64 = 0.8;

/// A bend is not driven faster than this share of what is usual, nor is more braked before it.
const HARD_BEND: f64 = 2.0;
const HARD_BRAKING_MPS2: f64 = 4.0;

/// Whether it is still slow enough for the bend.
fn can_turn(mover: &Mover, way: &Way, along_m: f64) -> bool {
    if way.turn == Turn::Straight || along_m > way.stop_m {
        return true;
    }
    let spare_m2ps2 = mover.speed_mps.powi(2) - (HARD_BEND * way.bend_mps).powi(2);
    spare_m2ps2 <= 2.0 * HARD_BRAKING_MPS2 * (way.stop_m - along_m)
}

/// How somebody drives along a way.
struct Profile<'a> {
    on: &'a On,
    way: &'a Way,
    /// Where its centre comes to a stop.
    stop_m: Option<f64>,
    leader: Option<Leader>,
    braking_mps2: f64,
    half_length_m: f64,
    accel_mps2: f64,
    /// How well its place across the lane is known.
    across_m2: f64,
}

impl Profile<'_> {
    fn knots(&self, mover: &Mover) -> [Knot; PIECES + 1] {
        let on_way = self.way.at(self.on.along_m);
        // It keeps its place in the lane.
        let off = (mover.east_m - on_way.east_m, mover.north_m - on_way.north_m);
        let left_m = on_way.direction.0 * off.1 - on_way.direction.1 * off.0;
        // As far as it was measured well: lanes are what people keep to.
        let left_m = left_m * kept_share(self.across_m2);
        let (mut along_m, mut speed_mps) = (self.on.along_m, mover.speed_mps);
        std::array::from_fn(|knot| {
            let spot = self.way.at(along_m);
            let (cos, sin) = spot.direction;
            let at_s = knot as f64 * STEP_S;
            let accel = self.accel_mps2_at(along_m, speed_mps, at_s);
            let after = (speed_mps + accel * STEP_S).max(0.0);
            along_m += (speed_mps + after) / 2.0 * STEP_S;
            if let Some(stop_m) = self.stop_m {
                along_m = along_m.min(stop_m.max(self.on.along_m));
            }
            speed_mps = after;
            Knot {
                east_m: spot.east_m - sin * left_m,
                north_m: spot.north_m + cos * left_m,
                direction: (cos, sin),
            }
        })
    }

    fn accel_mps2_at(&self, along_m: f64, speed_mps: f64, at_s: f64) -> f64 {
        let mut accel = held_accel(self.accel_mps2, at_s);
        let mut brake_for = |needed: f64| {
            if needed > EASY_MPS2 {
                accel = accel.min(-needed);
            }
        };
        if let Some(stop_m) = self.stop_m {
            brake_for(speed_mps.powi(2) / (2.0 * (stop_m - along_m).max(0.1)));
        }
        let bend_mps = self.way.bend_mps;
        if speed_mps > bend_mps && along_m < self.way.over_m {
            let left_m = (self.way.stop_m - along_m).max(1.0);
            brake_for((speed_mps.powi(2) - bend_mps.powi(2)) / (2.0 * left_m));
        }
        if let Some(leader) = self.leader {
            let rear_m = leader.rear_m + leader.speed_mps * at_s;
            let gap_m = rear_m - along_m - self.half_length_m - STOP_GAP_M;
            let closing_mps = speed_mps - leader.speed_mps;
            if closing_mps > 0.0 {
                brake_for(closing_mps.powi(2) / (2.0 * gap_m.max(0.1)));
            }
        }
        accel.max(-self.braking_mps2)
    }
}

/// Who brakes goes on braking; who speeds up does so for a second.
fn held_accel(accel_mps2: f64, at_s: f64) -> f64 {
    if accel_mps2 > 0.0 && at_s >= 1.0 || accel_mps2.abs() < 0.3 {
        0.0
    } else {
        accel_mps2
    }
}

/// A turn that goes on brings one round a corner, not round in a circle, in radians.
const CORNER_RAD: f64 = 1.7;

/// Off the lanes: speed and rate of turn go on.
fn free(mover: &Mover, turn_radps: f64, accel_mps2: f64) -> [Knot; PIECES + 1] {
    let begin_rad = mover.direction.1.atan2(mover.direction.0);
    let (mut east_m, mut north_m) = (mover.east_m, mover.north_m);
    let (mut yaw_rad, mut speed_mps) = (begin_rad, mover.speed_mps);
    let turn_radps = if turn_radps.abs() < 0.03 {
        0.0
    } else {
        turn_radps
    };
    std::array::from_fn(|knot| {
        let (sin, cos) = yaw_rad.sin_cos();
        let here = Knot {
            east_m,
            north_m,
            direction: (cos, sin),
        };
        let after = (speed_mps + held_accel(accel_mps2, knot as f64 * STEP_S) * STEP_S).max(0.0);
        let turn_rad = turn_radps * STEP_S;
        let turned = (yaw_rad + turn_rad - begin_rad).abs() <= CORNER_RAD;
        let half_rad = if turned { turn_rad / 2.0 } else { 0.0 };
        let (sin, cos) = (yaw_rad + half_rad).sin_cos();
        let gone_m = (speed_mps + after) / 2.0 * STEP_S;
        east_m += gone_m * cos;
        north_m += gone_m * sin;
        yaw_rad += 2.0 * half_rad;
        speed_mps = after;
        here
    })
}

/// How far from the middle of their lanes people drive: variance.
const WITHIN_LANE_M2: f64 = 0.16;

/// What is believed of a measured distance from the middle of a lane.
fn kept_share(across_m2: f64) -> f64 {
    WITHIN_LANE_M2 / (WITHIN_LANE_M2 + across_m2)
}

fn half_length_m(track: &Track) -> f64 {
    let usual_m = match track.class {
        Class::Pedestrian => 0.5,
        Class::Bicycle => 1.8,
        Class::Motorcycle => 2.0,
        Class::Bus => 11.0,
        Class::Truck => 8.0,
        Class::Car | Class::Unknown => 4.5,
    };
    track.size.map_or(usual_m, |size| f64::from(size.length_m)) / 2.0
}

fn half_width_m(track: &Track) -> f64 {
    let usual_m = match track.class {
        Class::Pedestrian => 0.5,
        Class::Bicycle | Class::Motorcycle => 0.7,
        Class::Bus | Class::Truck => 2.5,
        Class::Car | Class::Unknown => 1.8,
    };
    track.size.map_or(usual_m, |size| f64::from(size.width_m)) / 2.0
}

fn spread(track: &Track, mover: &Mover, on_a_way: bool, held: bool) -> Spread {
    let along = mover.direction;
    let across = (-along.1, along.0);
    let of = |cov: &Covariance, axis: (f64, f64)| {
        let variance =
            axis.0 * axis.0 * cov.ee + 2.0 * axis.0 * axis.1 * cov.en + axis.1 * axis.1 * cov.nn;
        variance.max(0.0)
    };
    let across_m2 = of(&track.position_cov, across);
    // Who is on a lane is near its middle, however badly it is measured.
    let across_m2 = if on_a_way {
        across_m2 * kept_share(across_m2)
    } else {
        across_m2
    };
    let unforeseen_mps2: f64 = if mover.is_soft() { 0.3 } else { 0.5 };
    Spread {
        along_m2: of(&track.position_cov, along),
        across_m2,
        along_mps2: of(&track.velocity.cov, along),
        across_mps2: of(&track.velocity.cov, across),
        along_mps4: unforeseen_mps2.powi(2),
        across_mps4: 0.3_f64.powi(2),
        most_along_m2: if held { 0.25 } else { f64::INFINITY },
        most_across_m2: if on_a_way {
            WITHIN_LANE_M2
        } else {
            f64::INFINITY
        },
    }
}
