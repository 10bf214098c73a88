//! Reports of a radar to a picture of the road.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{junction, radar};
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::clock::Mono;
use rsu::fusion::{self, Fusion, Pose, Sensor};
use rsu::report::{Class, Content, Covariance, Detection, InputId, MAX_OBJECTS, Objects};

const CARS: u8 = 50;
const CYCLE: Duration = Duration::from_millis(100);

/// One frame of fifty cars taken in, and the picture of that moment.
fn step(c: &mut Criterion) {
    let frames = [radar::Sway::Left, radar::Sway::Right].map(objects);
    let mut fusion = Fusion::new(junction::sensors());
    let mut number = 0;
    let mut now = junction::at(0).mono;
    let mut run = || {
        let mut objects = frames[number % 2].clone();
        number += 1;
        now += CYCLE;
        objects.seen_at = now;
        fusion.handle_objects(junction::RADAR, black_box(&objects));
        fusion.picture(now).tracks.len()
    };
    // Cars are not believed in at first sight.
    for _ in 0..20 {
        run();
    }
    c.bench_function("fusion/step/50", |b| {
        b.iter(|| assert_eq!(run(), usize::from(CARS)));
    });
}

fn objects(sway: radar::Sway) -> Objects {
    let burst = radar::Radar::new(CARS).burst(sway);
    let mut seen = None;
    radar::decoder().push(junction::at(0), &burst, &mut |content| {
        if let Content::Objects(objects) = content {
            seen = Some(objects);
        }
    });
    seen.expect("a cycle was sent")
}

/// So many things seen by one camera at 10 Hz, all of them in each frame: predict, pair up, take.
fn crowd(c: &mut Criterion) {
    for count in [50, 100, 200, 300, 1000] {
        let mut crowd = Crowd::new(count);
        for _ in 0..20 {
            crowd.step();
        }
        assert_eq!(crowd.step(), count.min(255));
        c.bench_function(&format!("fusion/crowd/{count}"), |b| {
            b.iter(|| black_box(crowd.step()));
        });
        crowd.say_percentiles(count);
    }
}

/// Things on a grid of 12 m that move to and fro.
struct Crowd {
    fusion: Fusion,
    places: Vec<(f64, f64)>,
    frame: Vec<Objects>,
    number: u32,
    now: Mono,
}

impl Crowd {
    fn new(count: usize) -> Self {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 8.0,
            yaw_rad: 0.0,
        };
        let sensor = Sensor {
            half_fov_rad: 1.5,
            max_range_m: 600.0,
            ..Sensor::camera(CAMERA, pose)
        };
        let side = (count as f64).sqrt().ceil() as usize;
        let place = |n: usize| (10.0 + 12.0 * (n / side) as f64, 12.0 * (n % side) as f64);
        Self {
            fusion: Fusion::new(fusion::Config {
                sensors: vec![sensor],
                max_targets: count.max(384),
                ..fusion::Config::default()
            }),
            places: (0..count).map(place).collect(),
            frame: Vec::new(),
            number: 0,
            now: junction::at(0).mono,
        }
    }

    /// Takes one frame in; how many tracks there are.
    fn step(&mut self) -> usize {
        self.prepare();
        self.take()
    }

    /// What the camera sees next, in as many reports as it needs.
    fn prepare(&mut self) {
        self.number += 1;
        self.now += CYCLE;
        let sway = 0.5 * (f64::from(self.number) * 0.1).sin();
        self.frame.clear();
        for part in self.places.chunks(MAX_OBJECTS) {
            let mut objects = Objects {
                seen_at: self.now,
                ..Objects::default()
            };
            for (east, north) in part {
                objects.detections.push(Detection {
                    device_id: None,
                    own_id: None,
                    east_m: east + sway,
                    north_m: *north,
                    position_cov: Covariance::from_axes(0.0, 0.4, 0.3),
                    velocity: None,
                    yaw_rad: None,
                    size: None,
                    class: Class::Car,
                    emergency: false,
                    existence: 1.0,
                });
            }
            self.frame.push(objects);
        }
    }

    fn take(&mut self) -> usize {
        for objects in &self.frame {
            self.fusion.handle_objects(CAMERA, objects);
        }
        self.fusion.picture(self.now).tracks.len()
    }

    /// Criterion tells the mean; a deadline lives in the tail.
    fn say_percentiles(&mut self, count: usize) {
        let mut spent: Vec<Duration> = (0..3000)
            .map(|_| {
                self.prepare();
                let begun = Instant::now();
                black_box(self.take());
                begun.elapsed()
            })
            .collect();
        spent.sort_unstable();
        println!(
            "fusion/crowd/{count}: p50 {:?}, p99 {:?}",
            spent[1500], spent[2970]
        );
    }
}

const CAMERA: InputId = InputId(9);

criterion_group!(benches, step, crowd);
criterion_main!(benches);
