//! Queues that no signal explains: what is true of congestion on the approaches.
//!
//! A queue is four vehicles or more on one lane, each slower than 4 m/s and no more than 30 m behind
//! the one before it, over 50 m or more. It is congestion once it has lasted for 20 s with its head
//! farther than 40 m from the stop line and in one place (within 25 m). It is over once there has been
//! no such queue for 5 s. An approach is congested while one of its lanes is, and the tail is that of the
//! longest queue that is congestion. There is no standard for these figures: they are what the roadside unit is
//! to look for as it ships, written down a second time and looked up in the truth.

use std::time::Duration;

use rsu::clock::Mono;

use super::World;
use super::vehicles::Vehicle;
use crate::plane::Point;

/// The queues of one approach.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lanes: Vec<OnLane>,
    /// The tail of the longest that is congestion, and its number; None where none is.
    pub(super) tail: Point,
    pub(super) number: Option<u32>,
}

/// The longest queue of one lane.
#[derive(Clone, Copy, Debug)]
struct OnLane {
    lane: usize,
    /// Where its head was, before the stop line, and since when it has been there.
    head: Option<(f64, Mono)>,
    seen: Mono,
    congested: bool,
}

/// A row of slow vehicles.
#[derive(Clone, Copy, Debug)]
struct Row {
    head_m: f64,
    tail_m: f64,
    tail: Point,
}

impl World {
    /// Looks at the queues of all approaches.
    pub(super) fn follow_queues(&mut self) {
        let now = self.now();
        if self.queues.is_empty() {
            let approaches = &self.roads.approaches;
            let lanes_from = |from| {
                let lanes = 0..approaches.len();
                lanes.filter(move |&lane| approaches[lane].from == from)
            };
            let origins = self.roads.origins().into_iter();
            self.queues = origins.map(|from| Queue::new(lanes_from(from))).collect();
        }
        let mut queues = std::mem::take(&mut self.queues);
        for queue in &mut queues {
            let rows = |lane: usize| self.longest_row(lane);
            if queue.follow(now, rows) {
                queue.number = Some(self.next_queue);
                self.next_queue += 1;
            }
        }
        self.queues = queues;
    }

    fn longest_row(&self, lane: usize) -> Option<Row> {
        let before_m = |vehicle: &Vehicle| {
            let nose_m = self.roads.routes[vehicle.route].stop_m - vehicle.along_m;
            nose_m + vehicle.length_m / 2.0
        };
        let slow = self.vehicles.iter().filter(|vehicle| {
            let on_it = self.roads.routes[vehicle.route].approach == lane;
            on_it && vehicle.entered.is_none() && vehicle.speed_mps < SLOW_BELOW_MPS
        });
        let mut slow: Vec<(f64, &Vehicle)> = slow.map(|one| (before_m(one), one)).collect();
        slow.sort_by(|a, b| a.0.total_cmp(&b.0));
        let breaks = |pair: &[(f64, &Vehicle)]| {
            let lengths_m = (pair[0].1.length_m + pair[1].1.length_m) / 2.0;
            pair[1].0 - pair[0].0 - lengths_m > GAP_M
        };
        let mut best: Option<Row> = None;
        let mut first = 0;
        for last in 0..slow.len() {
            if last > 0 && breaks(&slow[last - 1..=last]) {
                first = last;
            }
            let (tail_m, vehicle) = slow[last];
            let head_m = slow[first].0;
            let body = self.latest.body(vehicle.id);
            let longer = best.is_none_or(|best| tail_m - head_m > best.length_m());
            let long = last - first + 1 >= FEWEST && tail_m - head_m >= LENGTH_M;
            if let Some(body) = body.filter(|_| longer && long && head_m > AT_SIGNAL_M) {
                best = Some(Row {
                    head_m,
                    tail_m,
                    tail: body.centre,
                });
            }
        }
        best
    }
}

impl Row {
    fn length_m(&self) -> f64 {
        self.tail_m - self.head_m
    }
}

impl Queue {
    fn new(lanes: impl Iterator<Item = usize>) -> Self {
        let on_lane = |lane| OnLane {
            lane,
            head: None,
            seen: Mono::ZERO,
            congested: false,
        };
        Self {
            lanes: lanes.map(on_lane).collect(),
            tail: Point::default(),
            number: None,
        }
    }

    /// Whether there is congestion now where there was none.
    fn follow(&mut self, now: Mono, row_of: impl Fn(usize) -> Option<Row>) -> bool {
        let mut longest: Option<Row> = None;
        for on in &mut self.lanes {
            let row = row_of(on.lane);
            on.follow(now, row);
            if let Some(row) = row.filter(|_| on.congested)
                && longest.is_none_or(|longest| row.length_m() > longest.length_m())
            {
                longest = Some(row);
            }
        }
        if let Some(longest) = longest {
            self.tail = longest.tail;
        }
        if !self.lanes.iter().any(|on| on.congested) {
            self.number = None;
            return false;
        }
        self.number.is_none()
    }
}

impl OnLane {
    fn follow(&mut self, now: Mono, row: Option<Row>) {
        let Some(row) = row else {
            if now.since(self.seen) > GONE_AFTER {
                (self.head, self.congested) = (None, false);
            }
            return;
        };
        self.seen = now;
        let (head_m, since) = self.head.unwrap_or((row.head_m, now));
        let stays = (row.head_m - head_m).abs() <= HEAD_STAYS_M;
        let (head_m, since) = if stays {
            (head_m, since)
        } else {
            (row.head_m, now)
        };
        self.head = Some((head_m, since));
        self.congested |= now.since(since) >= LASTS;
    }
}

/// Faster is no queue.
const SLOW_BELOW_MPS: f64 = 4.0;
/// A larger gap ends a queue.
const GAP_M: f64 = 30.0;
/// Fewer vehicles are no queue.
const FEWEST: usize = 4;
/// Shorter ones neither.
const LENGTH_M: f64 = 50.0;
/// A queue whose head is nearer stands at the signal.
const AT_SIGNAL_M: f64 = 40.0;
/// The head of a jam stays within this.
const HEAD_STAYS_M: f64 = 25.0;
/// From then on it is congestion.
const LASTS: Duration = Duration::from_secs(20);
/// Not seen for so long it has dissolved.
const GONE_AFTER: Duration = Duration::from_secs(5);
