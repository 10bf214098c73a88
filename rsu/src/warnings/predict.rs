//! Where each road user will be within the next seconds, one prediction for each way it may take.
//!
//! On a lane it follows the lane and one of its connections, brakes for a red light, for the bend
//! and for who is before it as people do; off the lanes it keeps its speed and its rate of turn.
//! Acceleration and turn are remembered by track id from look to look; a heading that passes north
//! is one that goes on. Rooms:
//! - `lanes`: which ways somebody may be on, and who is before it there
//! - `belief`: from when on it is believed that somebody is there
//! - `blocks`: who stands in its way without being before it on a lane
//! - `kerb`: whether those who come to the carriageway stop before it
//! - `crosswalk`: when those who wait for green set out
//! - `memory`: what the looks before have shown
//! - `brake`: whom braking as people do does not help any more
//! - `clear`: who is still on the junction when another's green begins
//! - `drive`: how it drives on
//! - `shape`: a prediction, its error and its footprint
//!
//! Not here: who meets whom.

mod belief;
mod blocks;
mod brake;
mod clear;
mod crosswalk;
mod drive;
mod kerb;
mod lanes;
mod memory;
mod shape;

use arrayvec::ArrayVec;

use super::light::Demand;
use super::ways::Ways;
use super::{RED_FROM, SAME_WAY_COS};
use crate::clock::Mono;
use crate::fusion::{MAX_TRACKS, Picture, Track};
use crate::report::Class;
use crate::signals::Forecast;

pub(super) use brake::{Braking, keeps_behind, merging};
pub(super) use clear::lets_clear;
pub(super) use shape::{HORIZON_S, Knot, PIECES, Prediction, STEP_S};

use belief::{is_established, least_lead_s};
use blocks::Blocks;
use brake::{Sign, brakes_late, fails_to_follow, fails_to_stop, wanted};
use clear::Stage;
use crosswalk::{LETS_PASS_S, SETS_OUT, SETS_OUT_SIGMA_M, sets_out, waiting};
use drive::{Profile, free};
use kerb::{Coming, Kerbs, stops_before};
use lanes::{Leader, MOST_WAYS, On, same_place, ways_of};
use memory::Memory;
use shape::{half_length_m, half_width_m, spread};

/// Predictions of everybody: two for each road user, of whom few have a choice. Beyond them nobody
/// is predicted.
const MOST: usize = 512;

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
    /// What it is about to do is believed from so long before on.
    pub(super) least_lead_s: f64,
    /// And for so long that those behind are held against it.
    leads: bool,
    /// It comes to the carriageway, and too little has been seen of it to say whether it brakes.
    pub(super) undecided: bool,
    /// Its predictions: from, and how many.
    pub(super) first: usize,
    pub(super) count: usize,
    /// Whether it clears the junction, or sets off.
    stage: Stage,
    /// It comes to the carriageway: by the first of its predictions it goes on, by the second it stops.
    pub(super) may_stop: bool,
    /// Who drives before it on the likeliest of its ways.
    pub(super) follows: Option<u8>,
    /// How likely it will pass the stop line at red, and when it is there.
    pub(super) runs_red: Option<(f64, f64)>,
    /// How likely it cannot avoid the one before it by braking, which one, and when they touch.
    pub(super) runs_into: Option<(f64, u8, f64)>,
}

impl Mover {
    /// On foot, on paws or on two wheels.
    pub(super) fn is_soft(&self) -> bool {
        is_soft(self.class)
    }

    /// It is about to pass a red light, or has done so and is still on the junction.
    pub(super) fn is_against_its_light(&self) -> bool {
        let about_to = self.runs_red.is_some_and(|(likely, _)| likely >= RED_FROM);
        about_to || self.stage.by_red
    }
}

fn is_soft(class: Class) -> bool {
    matches!(
        class,
        Class::Pedestrian | Class::Animal | Class::Bicycle | Class::Motorcycle
    )
}

/// Everybody's predictions at one moment.
#[derive(Debug)]
pub(super) struct Predictions {
    pub(super) movers: Vec<Mover>,
    /// At most [`MOST`], which is room that it has from the start: too much for a stack.
    pub(super) all: Vec<Prediction>,
    on: Vec<ArrayVec<On, MOST_WAYS>>,
    blocks: Blocks,
    kerbs: Kerbs,
    memory: Box<[Memory; 256]>,
}

/// Slower stands.
const STANDS_BELOW_MPS: f64 = 0.3;
/// From this speed on a course is a heading.
const COURSE_FROM_MPS: f64 = 1.0;
/// Older sightings say too little of now.
const SEEN_WITHIN_S: f64 = 0.6;
/// Of whom nobody has seen for longer it is not known that it does not brake.
const JUST_SEEN_S: f64 = 0.25;
/// Of whom little has been seen it is known that it goes on over an edge if it is so likely.
const SURELY_GOES_ON: f64 = 0.9;
/// Those that do are second echoes of one vehicle, on its own way.
const LEADS_S: f64 = 2.0;
/// So far over the stop line the light behind still tells which way one takes.
const JUST_OVER_M: f64 = 5.0;
/// Some have not begun to brake for a red light when nearly all have.
const LATE_BRAKERS: f64 = 0.1;
/// Who is on no lane where there are lanes is predicted for so long only.
const AMONG_LANES_S: f64 = 1.2;

impl Predictions {
    pub(super) fn new() -> Self {
        Self {
            movers: Vec::with_capacity(MAX_TRACKS),
            all: Vec::with_capacity(MOST),
            on: Vec::with_capacity(MAX_TRACKS),
            blocks: Blocks::new(),
            kerbs: Kerbs::default(),
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
        self.blocks.clear();
        for (place, track) in picture.tracks.iter().enumerate() {
            if now.seconds_after(track.seen_at) > SEEN_WITHIN_S || track.existence < 0.5 {
                continue;
            }
            let Some(mover) = self.mover(now, place, track) else {
                continue;
            };
            let goes_to = &self.memory[usize::from(track.id)].goes_to;
            // As many as the picture has, for which there is room.
            let on = ways_of(&mover, ways, goes_to);
            let by = self.movers.len();
            blocks::note(&mut self.blocks, by, &mover, track, &on, ways);
            self.on.push(on);
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
        // Who backs up does not go where he points, however slowly.
        let moves = speed_mps >= COURSE_FROM_MPS || track.reverses;
        let yaw_rad = if moves {
            course
        } else {
            track.yaw_rad.unwrap_or(course)
        };
        if !(speed_mps.is_finite() && track.east_m.is_finite() && track.north_m.is_finite()) {
            return None;
        }
        let (sin, cos) = yaw_rad.sin_cos();
        // Where nobody has seen it since, it is said to go on as it did, which is no news of it.
        self.memory[usize::from(track.id)].look(
            track.seen_at.min(now),
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
            established: is_established(now, track),
            least_lead_s: least_lead_s(now, track, speed_mps),
            leads: now.seconds_after(track.born_at) >= LEADS_S,
            undecided: false,
            first: 0,
            count: 0,
            stage: Stage::default(),
            may_stop: false,
            follows: None,
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
        let (mut red, mut likeliest) = ((0.0, 0.0), 0.0);
        for (on, sign) in &signs {
            let way = &ways.all[on.way];
            let to_stop_m = way.stop_m - on.along_m - half_length_m;
            let mut stop = None;
            if to_stop_m > 0.0 && mover.speed_mps >= STANDS_BELOW_MPS {
                let just_seen = now.seconds_after(track.seen_at) <= JUST_SEEN_S;
                let must_stop = sign.demand == Demand::SurelyStop && sign.seen && just_seen;
                // Of whom little is known it is not known that it does not brake.
                if must_stop && mover.established && sign.arrives_s <= HORIZON_S {
                    red = (red.0 + on.weight * sign.passes, sign.arrives_s);
                }
                let stops = sign.demand != Demand::Go && sign.passes < 0.5;
                stop = stops.then_some(way.stop_m - half_length_m);
            } else if to_stop_m > -half_length_m && mover.speed_mps < STANDS_BELOW_MPS {
                // It stands before the line: what it waits for, it waits for.
                stop = Some(on.along_m);
            }
            let leader = self.leader(index, on, picture, ways);
            if on.weight > likeliest {
                let came = &mut self.memory[usize::from(track.id)].came;
                mover.stage = came.note(now, (&mover, half_length_m), (on, way), sign.shown);
                (mover.follows, likeliest) = (leader.map(|leader| leader.id), on.weight);
            }
            let block = self.block(index, on, ways);
            // Who stands across is met, as far as braking does not help.
            let ahead = [leader, block].into_iter().flatten();
            let hits = ahead.filter(|leader| !leader.across).map(|leader| {
                let (likely, after_s) = fails_to_follow(
                    &mover,
                    track,
                    &leader,
                    half_length_m,
                    on.along_m,
                    braking_mps2,
                );
                (likely, leader.id, after_s)
            });
            let worst = hits.max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((likely, id, after_s)) = worst.filter(|(likely, ..)| *likely > 0.0) {
                let before = mover.runs_into.map_or(0.0, |(before, ..)| before);
                mover.runs_into = Some((before + on.weight * likely, id, after_s));
            }
            let profile = Profile {
                on,
                way,
                stop_m: stop,
                before: [leader, block],
                braking_mps2,
                half_length_m,
                accel_mps2: memory.accel_mps2,
                lasting_mps2: memory.lasting_mps2,
                across_m2: spread(track, &mover, false, false).across_m2,
            };
            let knots = profile.knots(&mover);
            let held = stop.is_some();
            self.push(track, &mover, knots, on.weight, Some(on), held);
        }
        if signs.is_empty() {
            self.predict_off_lanes(now, &mut mover, track, forecast, ways);
        } else if mover.is_soft() {
            self.memory[usize::from(track.id)].coming = Coming::Over;
        }
        mover.runs_red = (red.0 > 0.0).then_some(red);
        mover.count = self.all.len() - mover.first;
        self.movers[index] = mover;
    }

    fn predict_off_lanes(
        &mut self,
        now: Mono,
        mover: &mut Mover,
        track: &Track,
        forecast: Option<&Forecast>,
        ways: &Ways,
    ) {
        let memory = self.memory[usize::from(track.id)];
        if !mover.is_soft() {
            let knots = free(mover, memory.turn_radps, memory.accel_mps2);
            self.push(track, mover, knots, 1.0, None, false);
            // Between the lanes of a junction nobody goes on turning as now.
            if ways.are_around(mover.east_m, mover.north_m) {
                for prediction in &mut self.all[mover.first..] {
                    prediction.horizon_s = AMONG_LANES_S;
                }
            }
            return;
        }
        let coming = &mut self.memory[usize::from(track.id)].coming;
        let edge = self.kerbs.note(coming, mover, half_length_m(track), ways);
        let goes_on = edge.map_or(1.0, |edge| {
            let spread = spread(track, mover, false, false);
            self.kerbs.goes_on(mover, &memory, &edge, &spread)
        });
        mover.undecided = goes_on < SURELY_GOES_ON && !mover.established;
        if let Some(waiting) = waiting(mover, now, forecast, ways) {
            self.push(
                track,
                mover,
                sets_out(mover, &waiting),
                SETS_OUT,
                None,
                false,
            );
            if let Some(prediction) = self.all[mover.first..].last_mut() {
                prediction.lets_pass_until_s = waiting.green_s + LETS_PASS_S;
                prediction.spread.along_m2 += SETS_OUT_SIGMA_M * SETS_OUT_SIGMA_M;
            }
            let knots = free(mover, 0.0, 0.0);
            self.push(track, mover, knots, 1.0 - SETS_OUT, None, false);
            return;
        }
        let knots = free(mover, 0.0, 0.0);
        self.push(track, mover, knots, goes_on, None, false);
        if let Some(edge) = edge {
            let knots = stops_before(mover, &edge);
            self.push(track, mover, knots, 1.0 - goes_on, None, true);
            mover.may_stop = true;
        }
    }

    /// Somebody who comes to the carriageway would meet another there.
    pub(super) fn would_meet(&mut self, id: u8) {
        if let Coming::To { meets, .. } = &mut self.memory[usize::from(id)].coming {
            *meets = true;
        }
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
            let (demand, seen) = if to_stop_m > -JUST_OVER_M {
                wanted(way, forecast, now, arrives_s)
            } else {
                (Demand::Go, false)
            };
            let (shown, _) = wanted(way, forecast, now, 0.0);
            let passes = if to_stop_m > 0.0 {
                fails_to_stop(mover, memory, track, to_stop_m, braking)
            } else {
                1.0
            };
            let late = if to_stop_m > 0.0 {
                brakes_late(mover, memory, track, to_stop_m, braking)
            } else {
                0.0
            };
            let sign = Sign {
                demand,
                shown,
                seen,
                passes,
                late,
                arrives_s,
            };
            (*on, sign)
        };
        let mut signs: ArrayVec<_, MOST_WAYS> = self.on[index].iter().map(sign).collect();
        if signs.iter().any(|(_, sign)| sign.demand == Demand::Go) {
            signs.retain(|(_, sign)| sign.demand == Demand::Go || sign.passes < 0.5);
            for (on, sign) in &mut signs {
                if sign.demand == Demand::SurelyStop && sign.seen {
                    on.weight *= (1.0 - sign.late).max(LATE_BRAKERS);
                }
            }
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
            lets_pass_until_s: 0.0,
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
                        across: false,
                    });
                }
            }
        }
        nearest
    }

    /// The nearest one that stands in its way.
    fn block(&self, index: usize, own: &On, ways: &Ways) -> Option<Leader> {
        let block = blocks::nearest(&self.blocks, own.way, own.along_m, index)?;
        let (mover, there) = (&self.movers[index], &self.movers[block.by]);
        let along = ways.all[own.way].at(block.rear_m).direction;
        Some(Leader {
            id: there.id,
            rear_m: block.rear_m,
            speed_mps: there.speed_mps * cos(along, there.direction).max(0.0),
            across: is_soft(there.class) || cos(mover.direction, there.direction) <= SAME_WAY_COS,
        })
    }
}

/// Of the angle between two directions.
fn cos(one: (f64, f64), other: (f64, f64)) -> f64 {
    one.0 * other.0 + one.1 * other.1
}
