//! The evidence for and against each event of one road user, look by look.
//!
//! Kept by track id; an id that has another birth is another road user. A track that vanishes takes
//! its evidence along. Not here: congestion, which is a matter of many.

use std::time::Duration;

use super::Config;
use super::against::{Against, SURE_PLACE_M};
use super::scene::{Hold, MOVES_FROM_MPS, Roads, Scene, Spot};
use super::siren::Sirens;
use crate::clock::Mono;
use crate::report::Class;
use crate::signals::Forecast;

/// What is sure enough of a road user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It stands in a lane without a reason.
    Stopped,
    /// It lies in a lane.
    Object,
    /// It goes against its lane.
    WrongWay,
    /// It walks on the carriageway.
    Pedestrian,
    /// It is an animal on the carriageway.
    Animal,
    /// It is slow where it need not be.
    Slow,
    /// It is too fast.
    Overspeed,
    /// It is an emergency vehicle on its way.
    Emergency,
}

/// Slower stands, with what a filter makes of noise.
const STANDS_BELOW_MPS: f64 = 0.7;
/// Whoever stands behind one that stands this close waits for it.
const QUEUE_GAP_M: f64 = 12.0;
/// Road vehicles turn within a circle of this radius at the most (GB 1589-2016: 25 m across).
const TURNS_WITHIN_M: f64 = 12.5;
/// Nobody drives up to what lies in the lane to the last metres.
const KEEPS_OFF_M: f64 = 2.0;
/// Shorter vehicles turn within what is kept in a queue anyway.
const LONG_FROM_M: f64 = 7.0;
/// Whoever stands this close to the stop line may wait for the signal.
const AT_STOP_LINE_M: f64 = 12.0;
/// Who has stood without a reason for longer when a siren comes near does not make room for it.
const STOOD_BEFORE_S: f64 = 2.0;
/// The first at a green has moved by then, even one that was asleep.
const GREEN_START: Duration = Duration::from_secs(8);
/// Who has gone so far for certain is somebody: a new track wanders until it has found its place.
const WALKED_M: f64 = 1.0;
/// For certain: beyond so many sigmas of where it is now.
const CERTAINLY: f64 = 2.0;
/// Who has not must have stood there for so much longer.
const STANDS_ON_FOOT: Duration = Duration::from_secs(4);
/// So close to the junction people cross the road.
const CROSSING_M: f64 = 15.0;
/// Who is called a walker and comes out of a vehicle's box is so near to it.
const STEPS_OUT_M: f64 = 1.0;
/// A vehicle's box is longer by so much at either end, for want of a better measure,
const BOX_SLACK_M: f64 = 0.5;
/// and reaches so far to either side.
const HALF_BOX_M: f64 = 1.5;
/// A free road has nobody nearer ahead.
const FREE_AHEAD_M: f64 = 50.0;
/// Away from the stop line and from the turn into the road, where everybody is slow.
const FREE_ROAD_M: f64 = 80.0;
/// Who drives with this share of what the lane allows is not slow, whatever speed is asked for: where
/// less is allowed everybody would be slow or fast.
const SLOW_SHARE: f64 = 0.5;
/// An emergency vehicle that stands is still on its way for half of this: it may wait at a red light.
const EMERGENCY_KEPT_S: f64 = 20.0;
/// Evidence that somebody is on foot on the carriageway grows beyond what is needed by no more than this.
const IN_DOUBT_S: f64 = 2.0;
/// Farther apart, two looks say nothing of the time between them.
const LONGEST_STEP_S: f64 = 0.3;

#[derive(Debug)]
pub(super) struct Watches {
    config: Config,
    sirens: Sirens,
    of: Box<[Watch; 256]>,
}

/// Seconds of evidence.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    born_at: Mono,
    looked_at: Mono,
    /// It has been seen to move.
    has_moved: bool,
    /// It has been raised as standing, and has not moved since.
    raised: bool,
    stands_s: f64,
    reasonless_s: f64,
    /// When a siren was near it last, and for how long it has stood without another reason since.
    siren_at: Option<Mono>,
    makes_room_s: f64,
    against: Against,
    /// Where it was seen first, and whether it has gone away from there on foot.
    first_m: Option<(f64, f64)>,
    has_walked: bool,
    walks_s: f64,
    animal_s: f64,
    slow_s: f64,
    fast_s: f64,
    emergency_s: f64,
}

impl Watches {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            sirens: Sirens::default(),
            of: Box::new([Watch::default(); 256]),
        }
    }

    /// Whether it is no vehicle for all that is known, and has not been seen to move.
    pub(super) fn lies(&self, spot: &Spot) -> bool {
        let watch = &self.of[usize::from(spot.id)];
        spot.class == Class::Unknown && watch.born_at == spot.born_at && !watch.has_moved
    }

    /// Whether it stands in its lane for good: what lies there, or who has been told of as standing.
    fn blocks(&self, spot: &Spot) -> bool {
        let watch = &self.of[usize::from(spot.id)];
        self.lies(spot) || watch.born_at == spot.born_at && watch.raised
    }

    /// How near to whom is ahead it waits for that one, or for a gap to get out of the lane that is blocked.
    fn waits_within_m(&self, spot: &Spot, scene: &Scene, roads: &Roads) -> f64 {
        let (Some(on), Some(ahead)) = (spot.lane, spot.ahead) else {
            return QUEUE_GAP_M;
        };
        let near_m = room_to_leave_m(spot.length_m, roads.lanes[on.lane].width_m);
        let mut others = scene.spots.iter();
        let blocked = ahead.free_m > QUEUE_GAP_M
            && ahead.free_m <= near_m
            && others.any(|other| other.id == ahead.id && self.blocks(other));
        if blocked { near_m } else { QUEUE_GAP_M }
    }

    /// Notes who is on duty, before anybody is looked at.
    pub(super) fn hear_sirens(&mut self, now: Mono, scene: &Scene, forecast: Option<&Forecast>) {
        self.sirens.look(now, scene, forecast);
    }

    /// Adds what this look shows of one road user, and tells what is sure enough.
    pub(super) fn look(
        &mut self,
        now: Mono,
        spot: &Spot,
        scene: &Scene,
        roads: &Roads,
        mut found: impl FnMut(Found),
    ) {
        let waits = waits_for_others(spot, self.waits_within_m(spot, scene, roads));
        let watch = &mut self.of[usize::from(spot.id)];
        if watch.born_at != spot.born_at {
            *watch = Watch {
                born_at: spot.born_at,
                looked_at: now,
                ..Watch::default()
            };
        }
        let step_s = now.seconds_after(watch.looked_at);
        let step_s = if step_s <= LONGEST_STEP_S {
            step_s
        } else {
            0.0
        };
        watch.looked_at = now;
        watch.has_moved |= spot.speed_mps >= MOVES_FROM_MPS;
        let config = &self.config;
        if self.sirens.are_heard(now, spot, config.siren_within_m) {
            watch.siren_at = Some(now);
        }
        if let Some(what) = watch.stands(step_s, spot, waits, now, config) {
            found(what);
        }
        if let Some(after) = config.wrong_way_after {
            let after_s = after.as_secs_f64();
            watch.against.look(step_s, after_s, spot, scene, roads);
            if watch.against.is_past(after_s) {
                found(Found::WrongWay);
            }
        }
        grow(
            &mut watch.walks_s,
            step_s,
            walks_on_the_carriageway(spot, scene, roads),
        );
        let here_m = (spot.east_m, spot.north_m);
        let first_m = *watch.first_m.get_or_insert(here_m);
        let gone_m = (here_m.0 - first_m.0).hypot(here_m.1 - first_m.1);
        watch.has_walked |= gone_m >= WALKED_M + CERTAINLY * spot.sigma_m;
        // What a camera imagines stays where it is, and not for long.
        let stays = |after: Option<Duration>| after.map(|after| after + STANDS_ON_FOOT);
        let has_walked = watch.has_walked;
        let on_foot = |after| if has_walked { after } else { stays(after) };
        let walked = on_foot(config.pedestrian_after);
        if is_past(watch.walks_s, walked) {
            found(Found::Pedestrian);
        }
        let strays = spot.class == Class::Animal && is_on_the_carriageway(spot, scene);
        grow(&mut watch.animal_s, step_s, strays);
        let strayed = on_foot(config.animal_after);
        if is_past(watch.animal_s, strayed) {
            found(Found::Animal);
        }
        // Who has crossed the whole road is off it as soon as who has taken a step on it.
        keep_within(&mut watch.walks_s, walked);
        keep_within(&mut watch.animal_s, strayed);
        grow(&mut watch.slow_s, step_s, is_slow(spot, config));
        if is_past(watch.slow_s, config.slow_after) {
            found(Found::Slow);
        }
        grow(&mut watch.fast_s, step_s, is_too_fast(spot, config));
        if is_past(watch.fast_s, config.overspeed_after) {
            found(Found::Overspeed);
        }
        // One that has arrived is a vehicle that stands.
        let on_its_way = spot.emergency && (spot.speed_mps >= MOVES_FROM_MPS || waits);
        grow(&mut watch.emergency_s, step_s, on_its_way);
        if is_past(watch.emergency_s, config.emergency_after) {
            if on_its_way {
                watch.emergency_s = EMERGENCY_KEPT_S;
            }
            found(Found::Emergency);
        }
    }
}

impl Watch {
    fn stands(
        &mut self,
        step_s: f64,
        spot: &Spot,
        waits: bool,
        now: Mono,
        config: &Config,
    ) -> Option<Found> {
        if spot.speed_mps >= MOVES_FROM_MPS {
            (self.stands_s, self.reasonless_s, self.raised) = (0.0, 0.0, false);
            self.makes_room_s = 0.0;
            return None;
        }
        if spot.lane.is_none() || !spot.drives() || spot.speed_mps >= STANDS_BELOW_MPS {
            return None;
        }
        self.stands_s += step_s;
        if !waits && !waits_for_the_signal(spot, now) {
            if self.makes_room(spot, now, config) {
                self.makes_room_s += step_s;
            } else {
                self.reasonless_s += step_s;
            }
        }
        let (what, after) = match spot.class {
            Class::Unknown if !self.has_moved => (Found::Object, config.object_after?),
            _ => (Found::Stopped, config.stopped_after?),
        };
        let after_s = after.as_secs_f64().max(spot.calls_for_s.unwrap_or(0.0));
        // No red lasts longer than any cycle.
        let outlasts = self.stands_s >= config.congestion_cycles_after.as_secs_f64() && !waits;
        self.raised |= self.reasonless_s >= after_s || outlasts;
        self.raised.then_some(what)
    }
}

impl Watch {
    /// Whether it may stand there for a siren that is near or was so a moment ago: it has not stood there
    /// without a reason before, nor for longer than anybody makes room. What has never moved and is no vehicle
    /// for all that is known makes room for nobody.
    fn makes_room(&self, spot: &Spot, now: Mono, config: &Config) -> bool {
        let lately = |at: Mono| now.since(at) <= config.siren_after;
        self.siren_at.is_some_and(lately)
            && self.reasonless_s < STOOD_BEFORE_S
            && self.makes_room_s < config.siren_longest.as_secs_f64()
            && (self.has_moved || spot.class != Class::Unknown)
    }
}

fn waits_for_others(spot: &Spot, within_m: f64) -> bool {
    spot.ahead
        .is_some_and(|ahead| ahead.free_m <= within_m && ahead.speed_mps < MOVES_FROM_MPS)
}

/// How far before what blocks a lane who must leave it stands: a car as in a queue, a lorry or a bus with the
/// road that it takes to swing out into the next lane, by two bends of the widest circle that is allowed.
fn room_to_leave_m(length_m: f64, width_m: f64) -> f64 {
    if length_m < LONG_FROM_M {
        return QUEUE_GAP_M;
    }
    let swing_m = (width_m * (4.0 * TURNS_WITHIN_M - width_m)).max(0.0).sqrt();
    (swing_m + KEEPS_OFF_M).max(QUEUE_GAP_M)
}

fn waits_for_the_signal(spot: &Spot, now: Mono) -> bool {
    spot.to_end_m <= AT_STOP_LINE_M
        && match spot.hold {
            Hold::Free => false,
            Hold::Wait => true,
            Hold::Green(since) => now.since(since) < GREEN_START,
        }
}

fn walks_on_the_carriageway(spot: &Spot, scene: &Scene, roads: &Roads) -> bool {
    let among_vehicles = spot.lane.is_some_and(|on| roads.lanes[on.lane].carriageway);
    let crosses = match spot.hold {
        Hold::Free => spot.lane.is_some_and(|on| on.along_m <= CROSSING_M),
        Hold::Wait | Hold::Green(_) => spot.to_end_m <= CROSSING_M,
    };
    spot.class == Class::Pedestrian
        && among_vehicles
        && !crosses
        && is_on_the_carriageway(spot, scene)
}

/// Whether it is what it is called for certain, and in a lane for certain.
fn is_on_the_carriageway(spot: &Spot, scene: &Scene) -> bool {
    spot.lane.is_some()
        && spot.class_confidence >= 0.6
        && spot.sigma_m <= SURE_PLACE_M
        && !scene.spots.iter().any(|other| may_be(spot, other))
}

/// Whether somebody on foot may be this vehicle, seen wrongly: who steps out of its box is. Drivers stop for an
/// animal and stand beside it, and nothing but a box that knows it calls it one, so it must be in the vehicle.
fn may_be(spot: &Spot, other: &Spot) -> bool {
    if other.id == spot.id || !other.drives() {
        return false;
    }
    let (east_m, north_m) = (spot.east_m - other.east_m, spot.north_m - other.north_m);
    let yaw_rad = other.course_rad.or(other.lane.map(|on| on.yaw_rad));
    match yaw_rad.filter(|_| spot.class == Class::Animal) {
        Some(yaw_rad) => {
            let (sin, cos) = yaw_rad.sin_cos();
            let (along_m, across_m) = (east_m * cos + north_m * sin, north_m * cos - east_m * sin);
            along_m.abs() <= other.length_m / 2.0 + BOX_SLACK_M && across_m.abs() <= HALF_BOX_M
        }
        None => east_m.hypot(north_m) <= other.length_m / 2.0 + STEPS_OUT_M,
    }
}

fn has_a_free_road(spot: &Spot) -> bool {
    let Some(on) = spot.lane else { return false };
    let open = match spot.hold {
        Hold::Free => on.along_m >= FREE_ROAD_M,
        Hold::Wait | Hold::Green(_) => spot.to_end_m >= FREE_ROAD_M,
    };
    open && spot.ahead.is_none_or(|ahead| ahead.free_m >= FREE_AHEAD_M)
}

fn is_slow(spot: &Spot, config: &Config) -> bool {
    let below_mps = config.slow_below_mps.min(SLOW_SHARE * spot.limit_mps);
    let slow = STANDS_BELOW_MPS..below_mps;
    spot.drives() && slow.contains(&spot.speed_mps) && has_a_free_road(spot)
}

fn is_too_fast(spot: &Spot, config: &Config) -> bool {
    let sure_mps = spot.speed_mps - 2.0 * spot.speed_sigma_mps;
    spot.drives() && sure_mps > spot.limit_mps * config.overspeed_ratio
}

/// Evidence that goes on grows; one that stops is gone twice as fast.
fn grow(evidence_s: &mut f64, step_s: f64, goes_on: bool) {
    *evidence_s = if goes_on {
        *evidence_s + step_s
    } else {
        (*evidence_s - 2.0 * step_s).max(0.0)
    };
    // More would only make the end late.
    *evidence_s = evidence_s.min(60.0);
}

/// Keeps no more evidence of who is sure enough than bridges a second or so in which it is in doubt.
fn keep_within(evidence_s: &mut f64, after: Option<Duration>) {
    let most_s = after.map_or(0.0, |after| after.as_secs_f64() + IN_DOUBT_S);
    *evidence_s = evidence_s.min(most_s);
}

fn is_past(evidence_s: f64, after: Option<Duration>) -> bool {
    after.is_some_and(|after| evidence_s >= after.as_secs_f64())
}
