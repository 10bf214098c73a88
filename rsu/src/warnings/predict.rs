//! Where each road user will be within the next seconds, one prediction for each way it may take.
//!
//! On a lane it follows the lane and one of its connections, brakes for a red light, for the bend
//! and for who is before it as people do; off the lanes it keeps its speed and its rate of turn.
//! Acceleration and turn are remembered by track id from look to look; a heading that passes north
//! is one that goes on. Rooms:
//! - `mover`: one road user, and what is known of it
//! - `lanes`: which ways somebody may be on
//! - `ahead`: who is before it there
//! - `signs`: what the signals say on each of them
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

mod ahead;
mod belief;
mod blocks;
mod brake;
mod clear;
mod crosswalk;
mod drive;
mod kerb;
mod lanes;
mod memory;
mod mover;
mod shape;
mod signs;

use arrayvec::ArrayVec;

use super::light::Demand;
use super::ways::Ways;
use crate::clock::Mono;
use crate::fusion::{MAX_TRACKS, Picture, Track};
use crate::signals::Forecast;

pub(super) use brake::{Braking, keeps_behind, merging};
pub(super) use clear::lets_clear;
pub(super) use mover::Mover;
pub(super) use shape::{HORIZON_S, Knot, PIECES, Prediction, STEP_S};

use belief::{is_established, least_lead_s};
use blocks::Blocks;
use brake::fails_to_follow;
use clear::Stage;
use crosswalk::{LETS_PASS_S, SETS_OUT, SETS_OUT_SIGMA_M, sets_out, waiting};
use drive::{Profile, free};
use kerb::{Coming, Kerbs, stops_before};
use lanes::{MOST_WAYS, On, ways_of};
use memory::Memory;
use shape::{half_length_m, half_width_m, spread};

/// Predictions of everybody: two for each road user, of whom few have a choice. Beyond them nobody
/// is predicted.
const MOST: usize = 512;

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
}
