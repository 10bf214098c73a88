//! Queues that are more than a red light, and where they end.
//!
//! A queue is a row of slow vehicles on one lane without a gap. Who was there a moment ago and is missed still
//! counts, for tracks in dense queues are lost and doubled; but how long it is and where its head stands are those
//! of who is seen, since a row that keeps the farthest ends it ever had becomes a queue too soon. Only where
//! its tail is told, its last vehicle is held for the moment in which it is missed. It is congestion when it
//! lasts longer than a cycle of the signal that it stands at, or when its head stands where no signal is,
//! whatever else stands at the signal. To become one its vehicles must be slow for sure; to stay one they need
//! only seem so, and so one that comes and goes by the tenth of a metre a second is not told again and again.
//! Its tail moves; the event moves along. Cones and what else has never moved do not queue. Not here: single
//! vehicles.

use arrayvec::ArrayVec;
use v2x_msg::base::{EnuFrame, Few, Radius};
use v2x_msg::kinds::rsi::{self, Description, EventSource, EventType, Level, Place, ReferencePath};

use super::scene::{OnLane, Road, Roads, Scene, Spot};
use super::{Config, MAX_POINTS, UPSTREAM_M, reference_link};
use crate::clock::Mono;
use crate::fusion::{Fields, MAX_TRACKS};

/// Faster is no queue.
const SLOW_BELOW_MPS: f64 = 4.0;
/// What is not told yet needs vehicles whose speed is below that by so many sigmas.
const SURELY_SLOW: f64 = 2.0;
/// A larger gap ends a queue.
const GAP_M: f64 = 30.0;
/// Fewer vehicles are no queue.
const FEWEST: usize = 4;
/// A queue whose head is nearer to the stop line stands at the signal.
const AT_SIGNAL_M: f64 = 40.0;
/// The head of a queue that the signal has let go moves farther than this; that of a jam does not.
const HEAD_STAYS_M: f64 = 25.0;
/// Lanes are looked at in pieces of this length.
const CELL_M: f64 = 4.0;
/// A slow vehicle that is missed is where it was for so long: tracks in dense queues are lost for moments.
const HELD_S: f64 = 1.5;
/// What has been there for less is nobody yet.
const KNOWN_FOR_S: f64 = 1.0;
/// The end of a queue that is seen is told as near as that.
const END_WITHIN_M: f64 = 20.0;
/// Two whose middles are nearer to each other are one vehicle.
const APART_M: f64 = 3.0;
/// A tail that goes farther back into the row was missed; nearer, the last vehicle has moved up.
const MOVED_UP_M: f64 = 5.0;
/// A row that is long enough for a moment counts for longer, so it must be so for sure: by more than its
/// ends are off.
const SURELY_M: f64 = 1.0;
/// A queue that is not seen for so long has dissolved, and a head that is seen elsewhere for as long has moved on:
/// a row breaks in two for moments, and comes together again.
const GONE_AFTER_S: f64 = 5.0;

/// One queue, by its lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    lane: usize,
    head_m: f64,
    tail_m: f64,
    /// One vehicle is missed of those that make a queue.
    missing: bool,
    /// Behind its last vehicle the road is seen far enough to know that it is the last.
    ends: bool,
}

/// A row, and when it was seen.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: Mono,
    row: Queue,
}

/// The head of a queue.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where it was when it was first there, and since when it has been near that place.
    at_m: f64,
    since: Mono,
    /// Since when it has been seen elsewhere, and the same of there. A row in which one is missed for a
    /// moment breaks in two.
    astray: Option<(Mono, f64, Mono)>,
}

#[derive(Debug)]
pub(super) struct Queues {
    rules: Option<Rules>,
    lanes: Vec<Lane>,
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    after_s: f64,
    cycles_s: f64,
    from_m: f64,
}

/// What is remembered of the queues on a lane.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// By stretch of the lane: when a slow vehicle was there last, and which.
    slow_at: Vec<(Mono, u8)>,
    /// The longest row of the last look that had one.
    last: Option<Last>,
    /// Where the tail that is told was seen last.
    tail: Option<(f64, Mono)>,
    /// When sensors did not look far enough behind it last.
    unseen: Option<Mono>,
    /// There has been one since.
    since: Option<Mono>,
    seen: Mono,
    outlasts: bool,
    /// Away from the signal.
    head: Option<Head>,
    away_seen: Mono,
    stuck: bool,
    /// How surely those must be slow who count, in sigmas.
    sure: f64,
}

impl Queues {
    pub(super) fn new(config: &Config, roads: &Roads) -> Self {
        let rules = config.congestion_after.map(|after| Rules {
            after_s: after.as_secs_f64(),
            cycles_s: config.congestion_cycles_after.as_secs_f64(),
            from_m: config.congestion_from_m,
        });
        Self {
            rules,
            lanes: roads
                .lanes
                .iter()
                .map(|road| Lane {
                    slow_at: vec![(Mono::ZERO, 0); cell(road.length_m) + 1],
                    ..Lane::default()
                })
                .collect(),
        }
    }

    /// The queues that are congestion now: of each link the longest.
    pub(super) fn look(
        &mut self,
        now: Mono,
        scene: &Scene,
        roads: &Roads,
        sight: &Fields,
    ) -> ArrayVec<Queue, MOST> {
        let mut found: ArrayVec<Queue, MOST> = ArrayVec::new();
        let Some(rules) = self.rules else {
            return found;
        };
        let mut seen = [false; 256];
        for spot in &scene.spots {
            seen[usize::from(spot.id)] = true;
        }
        for (place, road) in roads.lanes.iter().enumerate() {
            let away_m = if road.approach {
                road.length_m - AT_SIGNAL_M
            } else {
                f64::INFINITY
            };
            let long = |queue: &Queue| queue.length_m() >= rules.from_m + SURELY_M;
            let lane = &mut self.lanes[place];
            let sure = if lane.stuck || lane.outlasts {
                0.0
            } else {
                SURELY_SLOW
            };
            lane.see(now, place, scene, &seen, sure);
            let longest = lane.longest(now, place, scene, f64::INFINITY);
            let away = lane.longest(now, place, scene, away_m).filter(long);
            if let Some(row) = longest {
                // Who is missed is believed to be there for a moment, and no longer.
                let at = lane
                    .last
                    .filter(|_| row.missing)
                    .map_or(now, |last| last.at);
                lane.last = Some(Last { at, row });
            }
            let told = lane.follow(now, longest.filter(long), away, rules);
            let Some(queue) = told.map(|queue| lane.hold_tail(now, queue)) else {
                continue;
            };
            let ends = lane.end_is_seen(now, queue.tail_m, road, sight);
            let queue = Queue { ends, ..queue };
            let same_link = found
                .iter_mut()
                .find(|other| roads.lanes[other.lane].link == road.link);
            match same_link {
                Some(other) if other.length_m() < queue.length_m() => *other = queue,
                Some(_) => {}
                // More roads than that meet nowhere.
                None => drop(found.try_push(queue)),
            }
        }
        found
    }
}

/// From the middle of one in a queue to that of the next: a gap, and half of each, lorries both.
const NEXT_WITHIN_M: f64 = GAP_M + 16.5;
/// An end that has not been seen is, once it has been for so long.
const SEEN_AFTER_S: f64 = 2.0;

/// Most links with congestion at a time.
const MOST: usize = 16;

impl Lane {
    /// The queue of this look that is congestion: of any queue, and of those away from the signal.
    fn follow(
        &mut self,
        now: Mono,
        any: Option<Queue>,
        away: Option<Queue>,
        rules: Rules,
    ) -> Option<Queue> {
        if any.is_some() {
            self.seen = now;
            let since = *self.since.get_or_insert(now);
            self.outlasts |= now.seconds_after(since) >= rules.cycles_s;
        } else if now.seconds_after(self.seen) > GONE_AFTER_S {
            (self.since, self.outlasts) = (None, false);
        }
        if let Some(queue) = away {
            self.away_seen = now;
            let head = self.head.get_or_insert(Head::new(now, queue.head_m));
            self.stuck |= head.stays_for_s(now, queue.head_m) >= rules.after_s;
        } else if now.seconds_after(self.away_seen) > GONE_AFTER_S {
            (self.head, self.stuck) = (None, false);
        }
        if self.outlasts {
            any
        } else {
            away.filter(|_| self.stuck)
        }
    }
}

impl Head {
    fn new(now: Mono, at_m: f64) -> Self {
        Self {
            at_m,
            since: now,
            astray: None,
        }
    }

    /// For how long it has been in one place, now that it is seen at `head_m`.
    fn stays_for_s(&mut self, now: Mono, head_m: f64) -> f64 {
        let near = |at_m: f64| (head_m - at_m).abs() <= HEAD_STAYS_M;
        if near(self.at_m) {
            self.astray = None;
            return now.seconds_after(self.since);
        }
        let (left, at_m, since) = match self.astray {
            Some((left, at_m, since)) if near(at_m) => (left, at_m, since),
            Some((left, ..)) => (left, head_m, now),
            None => (now, head_m, now),
        };
        if now.seconds_after(left) < GONE_AFTER_S {
            self.astray = Some((left, at_m, since));
            return 0.0;
        }
        // It has moved on, and has been there since it was first seen there.
        (self.at_m, self.since, self.astray) = (at_m, since, None);
        now.seconds_after(since)
    }
}

impl Lane {
    /// Notes where slow vehicles are now.
    fn see(&mut self, now: Mono, lane: usize, scene: &Scene, seen: &[bool; 256], sure: f64) {
        self.sure = sure;
        for (spot, on) in slow_on(now, lane, scene, sure) {
            let half_m = spot.length_m / 2.0;
            let (first, last) = (cell(on.along_m - half_m), cell(on.along_m + half_m));
            for cell in self.slow_at.iter_mut().take(last + 1).skip(first) {
                *cell = (now, spot.id);
            }
        }
        // Who is missed is still there for a moment; who is seen is where it is seen.
        for (at, id) in &mut self.slow_at {
            if *at < now && now.seconds_after(*at) <= HELD_S && seen[usize::from(*id)] {
                *at = Mono::ZERO;
            }
        }
    }

    fn was_slow(&self, now: Mono, along_m: f64) -> bool {
        let at = self.slow_at.get(cell(along_m));
        at.is_some_and(|(at, _)| *at > Mono::ZERO && now.seconds_after(*at) <= HELD_S)
    }

    /// The longest queue whose head is no farther along than `head_to_m`: a stretch in which slow vehicles
    /// are or were a moment ago, as long as there is no gap.
    fn longest(&self, now: Mono, lane: usize, scene: &Scene, head_to_m: f64) -> Option<Queue> {
        let mut best: Option<Queue> = None;
        let mut row: Option<Queue> = None;
        let mut consider = |row: Option<Queue>| {
            let row = row.and_then(|row| self.filled(now, row, lane, scene));
            if let Some(row) = row.filter(|row| row.head_m <= head_to_m)
                && best.is_none_or(|best| row.length_m() > best.length_m())
            {
                best = Some(row);
            }
        };
        for (number, (at, _)) in self.slow_at.iter().enumerate().rev() {
            if *at == Mono::ZERO || now.seconds_after(*at) > HELD_S {
                continue;
            }
            let (from_m, to_m) = (number as f64 * CELL_M, (number + 1) as f64 * CELL_M);
            row = match row {
                Some(row) if row.tail_m - to_m <= GAP_M - CELL_M => Some(Queue {
                    tail_m: from_m,
                    ..row
                }),
                ended => {
                    consider(ended);
                    Some(Queue {
                        lane,
                        head_m: to_m,
                        tail_m: from_m,
                        missing: false,
                        ends: true,
                    })
                }
            };
        }
        consider(row);
        best
    }

    /// The same from the middle of its first vehicle to that of its last, if there are enough of them: one
    /// may be missed for a moment, and two that are nearer to each other than vehicles can be are one.
    fn filled(&self, now: Mono, row: Queue, lane: usize, scene: &Scene) -> Option<Queue> {
        let mut places: ArrayVec<f64, MAX_TRACKS> = ArrayVec::new();
        let inside = |on: &OnLane| (row.tail_m..=row.head_m).contains(&on.along_m);
        for (_, on) in slow_on(now, lane, scene, self.sure).filter(|(_, on)| inside(on)) {
            // As many as the picture has.
            let _ = places.try_push(on.along_m);
        }
        places.sort_unstable_by(f64::total_cmp);
        let (&tail_m, &head_m) = places.first().zip(places.last())?;
        let mut count = 0;
        let mut before_m = f64::NEG_INFINITY;
        for &place_m in &places {
            if place_m - before_m >= APART_M {
                count += 1;
                before_m = place_m;
            }
        }
        let known = self.last.is_some_and(|last| {
            now.seconds_after(last.at) <= HELD_S
                && last.row.tail_m <= row.head_m
                && row.tail_m <= last.row.head_m
        });
        if count < FEWEST - usize::from(known) {
            return None;
        }
        Some(Queue {
            lane,
            head_m,
            tail_m,
            missing: count < FEWEST,
            ends: true,
        })
    }

    /// The queue with its last vehicle where that was seen last, if it is missed for a moment.
    fn hold_tail(&mut self, now: Mono, queue: Queue) -> Queue {
        let missed = self.tail.filter(|(tail_m, at)| {
            now.seconds_after(*at) <= HELD_S
                && *tail_m < queue.tail_m - MOVED_UP_M
                && self.was_slow(now, *tail_m)
        });
        let (tail_m, at) = missed.unwrap_or((queue.tail_m, now));
        self.tail = Some((tail_m, at));
        Queue { tail_m, ..queue }
    }

    /// Whether the last vehicle that is seen is the last: the road behind it is looked at as far as the next of
    /// the queue could be, and has been for a moment.
    fn end_is_seen(&mut self, now: Mono, tail_m: f64, road: &Road, sight: &Fields) -> bool {
        let from_m = tail_m - NEXT_WITHIN_M;
        if from_m < 0.0 || !sight.sees_line(&road.centre, from_m, tail_m) {
            self.unseen = Some(now);
        }
        let lately = |at: Mono| now.seconds_after(at) <= SEEN_AFTER_S;
        !self.unseen.is_some_and(lately)
    }
}

/// Who may stand in a queue on a lane, and is slow beyond so many sigmas of its speed.
fn slow_on(
    now: Mono,
    lane: usize,
    scene: &Scene,
    sure: f64,
) -> impl Iterator<Item = (&Spot, OnLane)> {
    scene.on(lane).filter(move |(spot, _)| {
        spot.drives()
            && !spot.lies
            && spot.speed_mps + sure * spot.speed_sigma_mps < SLOW_BELOW_MPS
            && !spot.against
            && now.seconds_after(spot.born_at) >= KNOWN_FOR_S
    })
}

fn cell(along_m: f64) -> usize {
    // Negative is the first: a float saturates.
    (along_m / CELL_M) as usize
}

impl Queue {
    fn length_m(&self) -> f64 {
        self.head_m - self.tail_m
    }

    /// The same for all lanes of a link, so that the event stays one when another lane has the
    /// longest queue.
    pub(super) fn number(&self, roads: &Roads) -> u64 {
        let link = roads.lanes[self.lane].link;
        let first = roads.lanes.iter().position(|road| road.link == link);
        u64::from(EventType::CONGESTION.0) << 32 | first.unwrap_or(self.lane) as u64
    }

    /// Where its last vehicle is, east and north.
    pub(super) fn tail_at_m(&self, roads: &Roads) -> (f64, f64) {
        let tail = roads.lanes[self.lane].at(self.tail_m);
        (tail.east_m, tail.north_m)
    }

    /// As RSI has it: at its tail, along the road from upstream of the tail to the head. Where nobody sees its end
    /// it is told at the last vehicle that is seen, without a radius, with words that say so, and along all of the
    /// road that leads there, for on any of that its end may be.
    pub(super) fn event(
        &self,
        roads: &Roads,
        frame: &EnuFrame,
        end_unseen: Option<&Description>,
    ) -> Option<rsi::Event> {
        let road = &roads.lanes[self.lane];
        let (east_m, north_m) = self.tail_at_m(roads);
        let mut event = rsi::Event::new(0, EventType::CONGESTION, EventSource::Detection);
        event.pos = frame.ground_position(east_m, north_m).ok();
        let from_m = if self.ends {
            event.radius = Radius::from_m(END_WITHIN_M).ok();
            self.tail_m - UPSTREAM_M
        } else {
            event.description = end_unseen.cloned();
            0.0
        };
        event.level = Level::new(4).ok();
        let points = road.between(from_m, self.head_m);
        let points = points.filter_map(|point| frame.position(point).ok());
        let lanes = roads.lanes.iter().filter(|other| other.link == road.link);
        let width_m: f64 = lanes.clone().map(|lane| lane.width_m).sum();
        let path = ReferencePath {
            points: Few::new(points.take(MAX_POINTS)).ok()?,
            radius: Radius::from_m(width_m).ok()?,
        };
        let link = reference_link(road.link, lanes.map(|lane| lane.id));
        event.place = Place::new([path], [link]).ok();
        Some(event)
    }
}
