//! Reports of a radar to a picture of the road.

use std::hint::black_box;
use std::time::Duration;

use benches::{junction, radar};
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::fusion::Fusion;
use rsu::report::{Content, Objects};

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

criterion_group!(benches, step);
criterion_main!(benches);
