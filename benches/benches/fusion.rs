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
        say_percentiles_of_the_work(count);
    }
}

/// The same again without what the machine does besides: the same steps are gone through by as many crowds as there
/// are rounds, and a step counts with the middle one of its times. What is slow about a step itself is slow in each
/// round and stays; an interruption meets a step in a few of them and goes.
fn say_percentiles_of_the_work(count: usize) {
    let round = || {
        let mut crowd = Crowd::new(count);
        for _ in 0..20 {
            crowd.step();
        }
        let timed_step = |_| {
            crowd.prepare();
            timed(|| crowd.take())
        };
        (0..COUNT).map(timed_step).collect()
    };
    let rounds: Vec<Vec<Duration>> = (0..ROUNDS).map(|_| round()).collect();
    let of_step = |step| median(rounds.iter().map(|times| times[step]).collect());
    let mut steps: Vec<Duration> = (0..COUNT).map(of_step).collect();
    steps.sort_unstable();
    println!(
        "fusion/crowd/{count}, middle of {ROUNDS} rounds: p50 {:?}, p99 {:?}, at most {:?}",
        steps[COUNT / 2],
        steps[COUNT * 99 / 100],
        steps[COUNT - 1]
    );
}

/// Criterion tells the mean; a deadline lives in the tail. Of what is in the tail a part is the machine's, which is
/// away now and then: the same percentiles of plain arithmetic that takes as long say which.
fn say_percentiles(crowd: &mut Crowd, count: usize) {
    let (mut steps, mut sums) = (Vec::new(), Vec::new());
    let rounds = rounds_of(typical(crowd));
    for _ in 0..COUNT {
        crowd.prepare();
        steps.push(timed(|| crowd.take()));
        sums.push(timed(|| arithmetic(black_box(rounds))));
    }
    for (what, spent) in [("", &mut steps), (", as much arithmetic", &mut sums)] {
        spent.sort_unstable();
        println!(
            "fusion/crowd/{count}{what}: p50 {:?}, p99 {:?}",
            spent[COUNT / 2],
            spent[COUNT * 99 / 100]
        );
    }
}

/// How long a step takes mostly.
fn typical(crowd: &mut Crowd) -> Duration {
    let step = |_| {
        crowd.prepare();
        timed(|| crowd.take())
    };
    median((0..501).map(step).collect())
}

/// How many rounds of arithmetic take so long.
fn rounds_of(time: Duration) -> u64 {
    let mut rounds = 1000;
    // The machine may be away in any of these; a few are enough to come near.
    for _ in 0..10 {
        let each = |_| timed(|| arithmetic(black_box(rounds)));
        let took = median((0..101).map(each).collect());
        rounds = (rounds as f64 * time.as_secs_f64() / took.as_secs_f64()) as u64;
    }
    rounds
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Work that needs no memory: xorshift.
fn arithmetic(rounds: u64) -> u64 {
    (0..rounds).fold(0x9E37_79B9_7F4A_7C15, |x: u64, _| {
        let x = x ^ (x << 13);
        let x = x ^ (x >> 7);
        x ^ (x << 17)
    })
}

/// Steps that percentiles are of.
const COUNT: usize = 3000;

/// How often the same steps are gone through, where the machine's part is to be left out.
const ROUNDS: usize = 15;

criterion_group!(benches, step, crowd);
criterion_main!(benches);
