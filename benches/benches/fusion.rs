//! Reports of a radar to a picture of the road.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::crowd::{CYCLE, Crowd};
use benches::{junction, radar};
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::fusion::Fusion;
use rsu::report::{Content, Objects};

const CARS: u8 = 50;

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
        say_percentiles(&mut crowd, count);
    }
}

/// Criterion tells the mean; a deadline lives in the tail.
fn say_percentiles(crowd: &mut Crowd, count: usize) {
    let mut spent: Vec<Duration> = (0..3000)
        .map(|_| {
            crowd.prepare();
            let begun = Instant::now();
            black_box(crowd.take());
            begun.elapsed()
        })
        .collect();
    spent.sort_unstable();
    println!(
        "fusion/crowd/{count}: p50 {:?}, p99 {:?}",
        spent[1500], spent[2970]
    );
}

criterion_group!(benches, step, crowd);
criterion_main!(benches);
