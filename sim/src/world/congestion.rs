//! Queues that no signal explains: what is true of congestion on the approaches.
//!
//! A queue is four vehicles or more on one lane, each slower than 4 m/s and no more than 30 m behind
//! the one before it, over 50 m or more. It is congestion once it has lasted for 20 s with its head
//! farther than 40 m from the stop line and in one place (within 25 m). It is over once there has been
//! no such queue for 5 s, and its head has moved once it has been elsewhere for as long, and has been there since
//! it came there: a row that breaks in two for a moment, as one of its vehicles is too fast, is the same queue. An approach is congested while one
//! of its lanes is, and the tail is that of the longest queue that is congestion. There is no standard for
//! these figures: they are what the roadside unit is to look for as it ships, written down a second time and
//! looked up in the truth.
//!
//! Where a queue creeps, a tenth of a metre a second in one vehicle's speed moves its beginning by seconds, and
//! nobody sees that tenth. So the rule is read in five ways, from so much too strict to so much too lax as RSM
//! may be off: by all of them it is congestion without doubt, by one of them it may be told.

use std::time::Duration;

use rsu::clock::Mono;

use super::World;
use super::users::OTHER_PLACES;
use super::vehicles::Vehicle;
use crate::plane::Point;

/// The queues of one approach.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lanes: Vec<OnLane>,
    /// The tail of the longest that is congestion, by the rule as it stands where it has one, and by every
    /// other reading.
    pub(super) tail: Point,
    pub(super) or_at: [Option<Point>; OTHER_PLACES],
    /// Its number; None where none is.
    pub(super) number: Option<u32>,
    /// It is congestion by every reading.
    pub(super) sure: bool,
}

/// The longest queues of one lane, by each reading.
#[derive(Clone, Debug)]
struct OnLane {
    lane: usize,
    by: [Longest; RULES.len()],
}

/// Somebody in a lane who may be slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slow {
    lane: usize,
    /// Its middle, before the stop line.
    before_m: f64,
    /// Its place among all.
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Longest {
    row: Option<Row>,
    /// Where its head was, before the stop line, and since when it has been there.
    head: Option<(f64, Mono)>,
    /// Where it has been instead, and since when: a row that breaks in two for a moment has not moved on.
    elsewhere: Option<(f64, Mono)>,
    /// When it was where it was last.
    there: Mono,
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

/// One way to read the rule.
#[derive(Clone, Copy, Debug)]
struct Rule {
    slow_below_mps: f64,
    gap_m: f64,
    length_m: f64,
    at_signal_m: f64,
    head_stays_m: f64,
}

impl Rule {
    /// From -1, as much too strict as RSM may be off, to 1, as much too lax.
    const fn read(lax: f64) -> Self {
        Self {
            slow_below_mps: SLOW_BELOW_MPS + lax * SPEED_OFF_MPS,
            gap_m: GAP_M + lax * PLACE_OFF_M,
            length_m: LENGTH_M - lax * PLACE_OFF_M,
            at_signal_m: AT_SIGNAL_M - lax * PLACE_OFF_M,
            head_stays_m: HEAD_STAYS_M + lax * PLACE_OFF_M,
        }
    }
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
        let mut slow = std::mem::take(&mut self.slow);
        self.look_for_slow(&mut slow);
        for queue in &mut queues {
            for on in &mut queue.lanes {
                let begin = slow.partition_point(|one| one.lane < on.lane);
                let count = slow[begin..].partition_point(|one| one.lane == on.lane);
                if count == 0 && on.is_idle() {
                    continue;
                }
                for (longest, rule) in on.by.iter_mut().zip(RULES) {
                    let row = self.longest_row(&slow[begin..begin + count], rule);
                    longest.follow(now, row, rule);
                }
            }
            if queue.follow() {
                queue.number = Some(self.next_queue);
                self.next_queue += 1;
            }
        }
        (self.queues, self.slow) = (queues, slow);
    }

    /// Who may be slow by any reading, in the order of the lanes, and in each from the stop line on.
    fn look_for_slow(&self, slow: &mut Vec<Slow>) {
        slow.clear();
        for (at, vehicle) in self.vehicles.iter().enumerate() {
            if vehicle.entered.is_none() && vehicle.speed_mps < SLOW_BELOW_MPS + SPEED_OFF_MPS {
                let route = &self.roads.routes[vehicle.route];
                let nose_m = route.stop_m - vehicle.along_m;
                slow.push(Slow {
                    lane: route.approach,
                    before_m: nose_m + vehicle.length_m / 2.0,
                    at,
                });
            }
        }
        slow.sort_unstable_by(|a, b| {
            let by_lane = a.lane.cmp(&b.lane);
            let by_place = || a.before_m.total_cmp(&b.before_m);
            by_lane.then_with(by_place).then(a.at.cmp(&b.at))
        });
    }

    /// The longest row of a lane's slow vehicles, sorted by how far before the stop line they are.
    fn longest_row(&self, slow: &[Slow], rule: Rule) -> Option<Row> {
        let mut best: Option<Row> = None;
        // How many there are in the row that goes on, where it begins, and who was last.
        let mut row: Option<(usize, f64, (f64, &Vehicle))> = None;
        let slow = slow
            .iter()
            .map(|one| (one.before_m, &self.vehicles[one.at]));
        for (at_m, vehicle) in slow.filter(|(_, one)| one.speed_mps < rule.slow_below_mps) {
            let goes_on = row.filter(|(.., (last_m, last))| {
                let lengths_m = (last.length_m + vehicle.length_m) / 2.0;
                at_m - last_m - lengths_m <= rule.gap_m
            });
            let (count, head_m) =
                goes_on.map_or((1, at_m), |(count, head_m, _)| (count + 1, head_m));
            row = Some((count, head_m, (at_m, vehicle)));
            let length_m = at_m - head_m;
            let longer = best.is_none_or(|best| length_m > best.length_m());
            let long = count >= FEWEST && length_m >= rule.length_m;
            if longer
                && long
                && head_m > rule.at_signal_m
                && let Some(body) = self.latest.body(vehicle.id)
            {
                best = Some(Row {
                    head_m,
                    tail_m: at_m,
                    tail: body.centre,
                });
            }
        }
        best
    }
}

impl OnLane {
    /// There has been no queue for long, by any reading.
    fn is_idle(&self) -> bool {
        let idle = |one: &Longest| one.row.is_none() && one.head.is_none() && !one.congested;
        self.by.iter().all(idle)
    }
}

impl Row {
    fn length_m(&self) -> f64 {
        self.tail_m - self.head_m
    }
}

impl Queue {
    fn new(lanes: impl Iterator<Item = usize>) -> Self {
        let none = Longest {
            row: None,
            head: None,
            elsewhere: None,
            there: Mono::ZERO,
            seen: Mono::ZERO,
            congested: false,
        };
        let on_lane = |lane| OnLane {
            lane,
            by: [none; RULES.len()],
        };
        Self {
            lanes: lanes.map(on_lane).collect(),
            tail: Point::default(),
            or_at: [None; OTHER_PLACES],
            number: None,
            sure: false,
        }
    }

    /// The tail of the longest row that is congestion by this reading.
    fn tail(&self, reading: usize) -> Option<Point> {
        let rows = self.lanes.iter().map(|on| on.by[reading]);
        let rows = rows.filter(|longest| longest.congested);
        let rows = rows.filter_map(|longest| longest.row);
        let longest = rows.max_by(|a, b| a.length_m().total_cmp(&b.length_m()));
        longest.map(|row| row.tail)
    }

    /// Whether there may be congestion now where there was none.
    fn follow(&mut self) -> bool {
        let congested = |reading: usize| self.lanes.iter().any(|on| on.by[reading].congested);
        self.sure = (0..RULES.len()).all(congested);
        if !(0..RULES.len()).any(congested) {
            self.number = None;
            return false;
        }
        let tails = std::array::from_fn::<_, { RULES.len() }, _>(|reading| self.tail(reading));
        let [strictest, stricter, as_it_stands, laxer, laxest] = tails;
        self.or_at = [strictest, stricter, laxer, laxest];
        let mut tails = as_it_stands
            .into_iter()
            .chain(self.or_at.into_iter().flatten());
        self.tail = tails.next().unwrap_or(self.tail);
        self.number.is_none()
    }
}

impl Longest {
    fn follow(&mut self, now: Mono, row: Option<Row>, rule: Rule) {
        self.row = row;
        let Some(row) = row else {
            if now.since(self.seen) > GONE_AFTER {
                (self.head, self.elsewhere, self.congested) = (None, None, false);
            }
            return;
        };
        self.seen = now;
        let (head_m, since) = self.head.unwrap_or((row.head_m, now));
        let near = |at_m: f64| (row.head_m - at_m).abs() <= rule.head_stays_m;
        let stays = near(head_m);
        if stays {
            (self.there, self.elsewhere) = (now, None);
        } else if self.elsewhere.is_none_or(|(at_m, _)| !near(at_m)) {
            self.elsewhere = Some((row.head_m, now));
        }
        match self.elsewhere {
            // It has been there since it came there.
            Some((_, since)) if now.since(self.there) > GONE_AFTER => {
                (self.head, self.there, self.elsewhere) = (Some((row.head_m, since)), now, None);
                self.congested |= now.since(since) >= LASTS;
            }
            _ => {
                self.head = Some((head_m, since));
                self.congested |= stays && now.since(since) >= LASTS;
            }
        }
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
/// So far off 95 % of the speeds and places in RSM may be, by the limits of the scenarios.
const SPEED_OFF_MPS: f64 = 0.8;
const PLACE_OFF_M: f64 = 1.2;
/// How the rule is read, from strict to lax.
const RULES: [Rule; 1 + OTHER_PLACES] = [
    Rule::read(-1.0),
    Rule::read(-0.5),
    Rule::read(0.0),
    Rule::read(0.5),
    Rule::read(1.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a row of 60 m counts as congestion after 30 s, if its head is seen 40 m farther back from then
    /// to then.
    fn is_congestion(moved_s: std::ops::Range<u64>) -> bool {
        let rule = Rule::read(0.0);
        let mut longest = Longest {
            row: None,
            head: None,
            elsewhere: None,
            there: Mono::ZERO,
            seen: Mono::ZERO,
            congested: false,
        };
        for second in 1..=30 {
            let back_m = if moved_s.contains(&second) { 40.0 } else { 0.0 };
            let row = Row {
                head_m: 100.0 + back_m,
                tail_m: 200.0,
                tail: Point::default(),
            };
            let now = Mono::ZERO + Duration::from_secs(second);
            longest.follow(now, Some(row), rule);
        }
        longest.congested
    }

    #[test]
    fn a_row_that_breaks_in_two_for_a_moment_is_the_same_queue() {
        assert!(is_congestion(0..0));
        assert!(is_congestion(12..16));
        assert!(!is_congestion(12..31));
        // It has moved on, and back: twenty seconds from there.
        assert!(!is_congestion(8..15));
        // Twenty seconds from when it came back to where it stays, not from when it is held to.
        assert!(!is_congestion(1..11));
        assert!(is_congestion(1..10));
    }
}
