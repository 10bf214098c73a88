//! Long bodies that the only camera always lists in parts, and rows of vehicles that must not pass for one.

use std::f64::consts::FRAC_PI_2;

use super::*;

/// Looks of a second.
const HZ: u32 = 10;

/// Straight on to the east, a quarter of a circle to the left, straight on to the north.
fn road(way_m: f64) -> [f64; 2] {
    const STRAIGHT_M: f64 = 110.0;
    const RADIUS_M: f64 = 15.0;
    let turned = ((way_m - STRAIGHT_M) / RADIUS_M).clamp(0.0, FRAC_PI_2);
    let on_m = way_m - STRAIGHT_M - RADIUS_M * turned;
    let (sin, cos) = turned.sin_cos();
    let (before_m, after_m) = (way_m.min(STRAIGHT_M), on_m.max(0.0));
    [before_m + RADIUS_M * sin, RADIUS_M * (1.0 - cos) + after_m]
}

/// One part: its front end and its rear end.
#[derive(Clone, Copy)]
struct Part {
    front: [f64; 2],
    rear: [f64; 2],
}

impl Part {
    /// Drawn by its front end, its axle at the rear.
    fn draw(&mut self, front: [f64; 2], length_m: f64) {
        let (x, y) = (front[0] - self.rear[0], front[1] - self.rear[1]);
        let share = length_m / x.hypot(y);
        self.front = front;
        self.rear = [front[0] - share * x, front[1] - share * y];
    }

    fn middle(&self) -> [f64; 2] {
        [0, 1].map(|axis| 0.5 * (self.front[axis] + self.rear[axis]))
    }
}

/// What drives along the road in one piece.
struct Vehicle {
    class: Class,
    lengths_m: Vec<f64>,
    parts: Vec<Part>,
    /// Of its front end.
    way_m: f64,
    speed_mps: f64,
}

impl Vehicle {
    fn new(class: Class, lengths_m: &[f64], way_m: f64, speed_mps: f64) -> Self {
        let mut front_m = way_m;
        let parts = lengths_m.iter().map(|length_m| {
            let front = [front_m, 0.0];
            front_m -= length_m;
            let rear = [front_m, 0.0];
            Part { front, rear }
        });
        Self {
            class,
            parts: parts.collect(),
            lengths_m: lengths_m.to_vec(),
            way_m,
            speed_mps,
        }
    }

    fn length_m(&self) -> f64 {
        self.lengths_m.iter().sum()
    }

    /// A tenth of a second on.
    fn drive(&mut self, speed_mps: f64) {
        self.way_m += 0.5 * (self.speed_mps + speed_mps) / f64::from(HZ);
        self.speed_mps = speed_mps;
        let mut front = road(self.way_m);
        for (part, length_m) in self.parts.iter_mut().zip(&self.lengths_m) {
            part.draw(front, *length_m);
            front = part.rear;
        }
    }

    /// The middle of all that it is.
    fn middle(&self) -> [f64; 2] {
        let each = || self.parts.iter().zip(&self.lengths_m);
        [0, 1].map(|axis| {
            let sum: f64 = each()
                .map(|(part, own_m)| own_m * part.middle()[axis])
                .sum();
            sum / self.length_m()
        })
    }

    /// Each part as a camera lists it: 5 % overlooked, 4 % taken for a car, lengths off by as much as is said.
    fn listed(&self, dice: &mut Dice, longer_m: f64) -> Vec<Detection> {
        let mut listed = Vec::new();
        for (part, length_m) in self.parts.iter().zip(&self.lengths_m) {
            let [east_m, north_m] = part.middle();
            let seen = Detection {
                class: if dice.uniform() < 0.04 {
                    Class::Car
                } else {
                    self.class
                },
                size: Some(Size {
                    length_m: (length_m + longer_m + 0.3 * dice.normal()) as f32,
                    width_m: 2.5,
                    height_m: Some(3.2),
                }),
                ..car(east_m + 0.3 * dice.normal(), north_m + 0.3 * dice.normal())
            };
            if dice.uniform() > 0.05 {
                listed.push(seen);
            }
        }
        listed
    }
}

/// How fast, t seconds on: comes, stops at a light or not, goes on, and slows for the bend.
fn usual_mps(t: f64, stops: bool) -> f64 {
    let comes = (10.0 - 1.2 * (t - 3.0).max(0.0)).max(if stops { 0.0 } else { 5.0 });
    comes.max((1.0 * (t - 16.0)).clamp(0.0, 6.0))
}

/// The long ones, whole and in the parts that are listed.
fn long_ones() -> [(Class, Vec<f64>); 3] {
    [
        (Class::Bus, vec![9.0, 9.0]),
        (Class::Truck, vec![5.5, 11.5]),
        (Class::Bus, vec![8.0; 4]),
    ]
}

/// An echo of a radar somewhere on it, or none in three frames of ten.
fn echo(body: &Vehicle, dice: &mut Dice) -> Option<Detection> {
    if dice.uniform() < 0.3 {
        return None;
    }
    let part = body.parts[(dice.uniform() * body.parts.len() as f64) as usize];
    let share = 0.1 + 0.8 * dice.uniform();
    let at = |axis: usize| part.front[axis] * share + part.rear[axis] * (1.0 - share);
    Some(Detection {
        class: Class::Unknown,
        ..car(at(0) + 0.3 * dice.normal(), at(1) + 0.3 * dice.normal())
    })
}

#[test]
fn a_long_body_that_is_always_listed_in_parts_is_one_through_stops_and_bends() {
    for (with_second, with_radar) in [(false, false), (true, false), (false, true)] {
        follow_long_ones(with_second, with_radar);
    }
}

fn follow_long_ones(with_second: bool, with_radar: bool) {
    let (mut square, mut nees, mut count) = (0.0_f64, 0.0, 0.0);
    for (class, lengths_m) in long_ones() {
        for seed in 1..=4 {
            let mut dice = Dice::new(seed);
            let mut fusion = fusion();
            let mut body = Vehicle::new(class, &lengths_m, 40.0, 10.0);
            let (mut looks, mut alone, mut name, mut names) = (0, 0, None, 0);
            for step in 0..32 * HZ {
                let t = f64::from(step) / f64::from(HZ);
                body.drive(usual_mps(t, seed.is_multiple_of(2)));
                let listed = body.listed(&mut dice, 0.0);
                fusion.handle_objects(CAMERA, &frame(t, &listed));
                if with_second {
                    let listed = body.listed(&mut dice, 0.0);
                    fusion.handle_objects(SECOND_CAMERA, &frame(t, &listed));
                }
                if with_radar {
                    let echoes: Vec<_> = echo(&body, &mut dice).into_iter().collect();
                    fusion.handle_objects(RADAR, &frame(t, &echoes));
                }
                if t < 4.0 {
                    continue;
                }
                let [east_m, north_m] = body.middle();
                let track = nearest(&mut fusion, t, east_m, north_m);
                looks += 1;
                let one = ids(&mut fusion, t).len() == 1;
                alone += u32::from(one);
                names += u32::from(name.is_some_and(|name| name != track.id));
                name = Some(track.id);
                if one {
                    let (e, n) = (track.east_m - east_m, track.north_m - north_m);
                    let p = track.position_cov;
                    square += e * e + n * n;
                    nees += (p.nn * e * e - 2.0 * p.en * e * n + p.ee * n * n)
                        / (p.ee * p.nn - p.en * p.en);
                    count += 1.0;
                    let length_m = f64::from(track.size.map_or(0.0, |size| size.length_m));
                    let off_m = length_m - body.length_m();
                    assert!(off_m.abs() < 1.5, "{length_m} m at {t} s, seed {seed}");
                }
            }
            let which = format!("{lengths_m:?}, {with_second}, {with_radar}, seed {seed}");
            assert!(alone * 20 > looks * 19, "{alone} of {looks}: {which}");
            assert!(names <= 4, "{names} changes of name: {which}");
        }
    }
    let (rms_m, nees) = ((square / count).sqrt(), nees / count);
    assert!(rms_m < 0.5, "{rms_m} m");
    assert!((0.5..3.0).contains(&nees), "NEES {nees}");
}

/// A row of vehicles on one lane, each of which keeps its distance as drivers do (the intelligent driver model):
/// fewest told at any look after a second, against how many there are.
fn fewest(mut row: Vec<Vehicle>, keeps: (f64, f64), longer_m: f64, seed: u64) -> usize {
    let (headway_s, gap_m) = keeps;
    let mut dice = Dice::new(seed);
    let mut fusion = fusion();
    let mut fewest = usize::MAX;
    for step in 0..40 * HZ {
        let t = f64::from(step) / f64::from(HZ);
        let mut ahead: Option<(f64, f64)> = None;
        for (n, vehicle) in row.iter_mut().enumerate() {
            let speed = vehicle.speed_mps;
            let next = match ahead {
                None => usual_mps(t, seed.is_multiple_of(2)),
                Some((rear_m, its_mps)) => {
                    let room_m = (rear_m - vehicle.way_m).max(0.1);
                    let closing = speed * (speed - its_mps) / (2.0 * (1.5_f64 * 2.0).sqrt());
                    let wanted_m = gap_m + (headway_s * speed + closing).max(0.0);
                    // Drivers differ.
                    let wanted_m = wanted_m * (1.0 + 0.05 * (n % 3) as f64);
                    let free = 1.0 - (speed / 14.0).powi(4);
                    let a = 1.5 * (free - (wanted_m / room_m).powi(2));
                    (speed + a.max(-6.0) / f64::from(HZ)).max(0.0)
                }
            };
            vehicle.drive(next);
            ahead = Some((vehicle.way_m - vehicle.length_m(), vehicle.speed_mps));
        }
        let listed: Vec<_> = row
            .iter()
            .flat_map(|vehicle| vehicle.listed(&mut dice, longer_m))
            .collect();
        fusion.handle_objects(CAMERA, &frame(t, &listed));
        if t > 2.0 {
            fewest = fewest.min(ids(&mut fusion, t).len());
        }
    }
    fewest
}

/// A row of such, so far from end to end at first.
fn row(class: Class, length_m: f64, count: u32, gap_m: f64, speed_mps: f64) -> Vec<Vehicle> {
    let each = (0..count).map(|n| {
        let way_m = 90.0 - f64::from(n) * (length_m + gap_m);
        Vehicle::new(class, &[length_m], way_m, speed_mps)
    });
    each.collect()
}

#[test]
fn vehicles_that_follow_one_another_are_never_one() {
    for seed in 1..=6 {
        for longer_m in [0.0, 2.0] {
            let cases = [
                (
                    "lorries at 0.6 s",
                    row(Class::Truck, 10.0, 4, 6.0, 10.0),
                    (0.6, 1.0),
                ),
                (
                    "buses at 0.6 s",
                    row(Class::Bus, 12.0, 4, 6.0, 10.0),
                    (0.6, 0.5),
                ),
                (
                    "cars at 0.6 s",
                    row(Class::Car, 4.6, 5, 6.0, 10.0),
                    (0.6, 1.0),
                ),
                (
                    "lorries with 15 m between",
                    row(Class::Truck, 16.0, 3, 15.0, 10.0),
                    (1.2, 3.0),
                ),
            ];
            for (name, row, keeps) in cases {
                let count = row.len();
                let fewest = fewest(row, keeps, longer_m, seed);
                assert_eq!(fewest, count, "{name}, {longer_m} m longer, seed {seed}");
            }
        }
    }
}

/// Bumper to bumper where they stand from the first, and when they set off.
#[test]
fn a_queue_is_a_queue() {
    for seed in 1..=6 {
        for class in [Class::Bus, Class::Truck, Class::Car] {
            let mut row = row(class, 9.0, 4, 0.5, 0.0);
            row[0].way_m -= 10.0;
            let front_m = row[0].way_m;
            for (n, vehicle) in row.iter_mut().enumerate() {
                vehicle.way_m = front_m - 9.5 * n as f64;
            }
            let mut dice = Dice::new(seed);
            let mut fusion = fusion();
            for step in 0..40 * HZ {
                let t = f64::from(step) / f64::from(HZ);
                for (n, vehicle) in row.iter_mut().enumerate() {
                    // Each a second after the one ahead, as people do.
                    let speed = (1.2 * (t - 20.0 - n as f64)).clamp(0.0, 6.0);
                    vehicle.drive(speed);
                }
                let listed: Vec<_> = row
                    .iter()
                    .flat_map(|vehicle| vehicle.listed(&mut dice, 0.0))
                    .collect();
                fusion.handle_objects(CAMERA, &frame(t, &listed));
                if t > 2.0 {
                    assert_eq!(
                        ids(&mut fusion, t).len(),
                        4,
                        "{class:?} at {t} s, seed {seed}"
                    );
                }
            }
        }
    }
}

#[test]
fn parts_that_part_are_two_at_once() {
    for seed in 1..=6 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion();
        let mut front = Vehicle::new(Class::Truck, &[6.0], 40.0, 8.0);
        let mut rear = Vehicle::new(Class::Truck, &[10.0], 34.0, 8.0);
        for step in 0..16 * HZ {
            let t = f64::from(step) / f64::from(HZ);
            front.drive(8.0);
            // What was drawn rolls out.
            rear.drive((8.0 - 1.0 * (t - 8.0).max(0.0)).max(0.0));
            let mut listed = front.listed(&mut dice, 0.0);
            listed.extend(rear.listed(&mut dice, 0.0));
            fusion.handle_objects(CAMERA, &frame(t, &listed));
            let count = ids(&mut fusion, t).len();
            if t > 5.0 && t < 8.0 {
                assert_eq!(count, 1, "at {t} s, seed {seed}");
            }
            let parted_m = front.way_m - rear.way_m - 6.0;
            if parted_m > 3.5 {
                assert_eq!(count, 2, "at {t} s, {parted_m} m apart, seed {seed}");
            }
        }
    }
}

/// Whatever leaves is out of sight with its front first.
#[test]
fn a_body_of_which_the_rear_is_left_keeps_its_name() {
    for seed in 1..=6 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion();
        let mut body = Vehicle::new(Class::Bus, &[9.0, 9.0], 40.0, 8.0);
        let mut name = Vec::new();
        for step in 0..8 * HZ {
            let t = f64::from(step) / f64::from(HZ);
            body.drive(8.0);
            let mut listed = body.listed(&mut dice, 0.0);
            if step > 50 {
                let behind_m = body.parts[0].rear[0];
                listed.retain(|seen| seen.east_m < behind_m);
            }
            fusion.handle_objects(CAMERA, &frame(t, &listed));
            if step == 50 {
                name = ids(&mut fusion, t);
                assert_eq!(name.len(), 1, "seed {seed}");
            } else if step > 50 {
                assert_eq!(ids(&mut fusion, t), name, "at {t} s, seed {seed}");
            }
        }
    }
}
