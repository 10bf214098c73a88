//! Queues that are more than a red light, and where they end.
//!
//! A queue is a row of slow vehicles on one lane without a gap. It is congestion when it lasts
//! longer than a cycle of the signal that it stands at, or when its head stands where no signal is,
//! whatever else stands at the signal. Its tail moves; the event moves along. Cones and what else has
//! never moved do not queue. Not here: single vehicles.

use arrayvec::ArrayVec;
use v2x_msg::base::{EnuFrame, Few, Radius};
use v2x_msg::kinds::rsi::{self, EventSource, EventType, Level, Place, ReferencePath};

use super::scene::{OnLane, Roads, Scene, Spot};
use super::{Config, MAX_POINTS, UPSTREAM_M, reference_link};
use crate::clock::Mono;

/// Faster is no queue.
const SLOW_BELOW_MPS: f64 = 4.0;
/// A larger gap ends a queue.
const GAP_M: f64 = 30.0;
/// Fewer vehicles are no queue.
const FEWEST: usize = 4;
/// A queue whose head is nearer to the stop line stands at the signal.
const AT_SIGNAL_M: f64 = 40.0;
/// The head of a queue that the signal has let go moves farther than this; that of a jam does not.
const HEAD_STAYS_M: f64 = 25.0;
/// A queue that is not seen for so long has dissolved.
const GONE_AFTER_S: f64 = 5.0;

/// One queue, by its lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    lane: usize,
    head_m: f64,
    tail_m: f64,
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
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// There has been one since.
    since: Option<Mono>,
    seen: Mono,
    outlasts: bool,
    /// Away from the signal: where a head stands, and for how long it has been seen there, less twice
    /// the time that it was seen elsewhere: a row in which one is missed for a moment breaks in two.
    head: Option<(f64, f64)>,
    away_seen: Mono,
    stuck: bool,
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
            lanes: vec![Lane::default(); roads.lanes.len()],
        }
    }

    /// The queues that are congestion now: of each link the longest.
    pub(super) fn look(
        &mut self,
        now: Mono,
        scene: &Scene,
        roads: &Roads,
    ) -> ArrayVec<Queue, MOST> {
        let mut found: ArrayVec<Queue, MOST> = ArrayVec::new();
        let Some(rules) = self.rules else {
            return found;
        };
        for (place, road) in roads.lanes.iter().enumerate() {
            let away_m = if road.approach {
                road.length_m - AT_SIGNAL_M
            } else {
                f64::INFINITY
            };
            let long = |queue: &Queue| queue.length_m() >= rules.from_m;
            let any = queue_on(place, scene, f64::INFINITY).filter(long);
            let away = queue_on(place, scene, away_m).filter(long);
            let Some(queue) = self.lanes[place].follow(now, any, away, rules) else {
                continue;
            };
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
            let step_s = now.seconds_after(self.away_seen).min(GONE_AFTER_S);
            self.away_seen = now;
            let (head_m, seen_s) = self.head.unwrap_or((queue.head_m, -step_s));
            let stays = (queue.head_m - head_m).abs() <= HEAD_STAYS_M;
            let seen_s = seen_s + if stays { step_s } else { -2.0 * step_s };
            self.head = Some(if stays || seen_s > 0.0 {
                (head_m, seen_s)
            } else {
                (queue.head_m, 0.0)
            });
            self.stuck |= seen_s >= rules.after_s;
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

/// The longest queue on a lane whose head is no farther along than `head_to_m`: from its most downstream
/// slow vehicle upstream, as long as there is no gap.
fn queue_on(lane: usize, scene: &Scene, head_to_m: f64) -> Option<Queue> {
    let slow = |spot: &Spot| {
        spot.drives() && !spot.lies && spot.speed_mps < SLOW_BELOW_MPS && !spot.against
    };
    let next_upstream = |below_m: f64| {
        scene
            .on(lane)
            .filter(|(spot, on)| slow(spot) && on.along_m < below_m)
            .max_by(|a, b| a.1.along_m.total_cmp(&b.1.along_m))
    };
    let mut best: Option<Queue> = None;
    let mut from_m = f64::INFINITY;
    while let Some((first, head)) = next_upstream(from_m) {
        let (queue, count) = row(lane, first, head, next_upstream);
        from_m = queue.tail_m;
        let longer = best.is_none_or(|best| queue.length_m() > best.length_m());
        if count >= FEWEST && longer && queue.head_m <= head_to_m {
            best = Some(queue);
        }
    }
    best
}

fn row<'a>(
    lane: usize,
    first: &'a Spot,
    head: OnLane,
    next_upstream: impl Fn(f64) -> Option<(&'a Spot, OnLane)>,
) -> (Queue, usize) {
    let (mut last, mut at_m, mut count) = (first, head.along_m, 1);
    while let Some((spot, on)) = next_upstream(at_m) {
        let gap_m = at_m - on.along_m - (last.length_m + spot.length_m) / 2.0;
        if gap_m > GAP_M {
            break;
        }
        (last, at_m) = (spot, on.along_m);
        count += 1;
    }
    let queue = Queue {
        lane,
        head_m: head.along_m,
        tail_m: at_m,
    };
    (queue, count)
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

    /// As RSI has it: at its tail, along the road from upstream of the tail to the head.
    pub(super) fn event(&self, roads: &Roads, frame: &EnuFrame) -> Option<rsi::Event> {
        let road = &roads.lanes[self.lane];
        let (east_m, north_m) = self.tail_at_m(roads);
        let mut event = rsi::Event::new(0, EventType::CONGESTION, EventSource::Detection);
        event.pos = frame.ground_position(east_m, north_m).ok();
        event.radius = Radius::from_m(20.0).ok();
        event.level = Level::new(4).ok();
        let points = road.between(self.tail_m - UPSTREAM_M, self.head_m);
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
