//! Bytes of devices to reports.

use std::hint::black_box;

use benches::{controller::controller, junction, radar};
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::inputs::gat1743;
use rsu::report::{Content, Light};

/// A datagram of as many lamps as a real controller at a large junction has.
fn lamps(c: &mut Criterion) {
    const LAMPS: u8 = 28;
    let now = junction::at(0);
    let datagram = controller(LAMPS).say(now.utc, Light::Green);
    let mut decoder = gat1743::Decoder::new(gat1743::Config::default());
    c.bench_function("inputs/gat1743/lamps", |b| {
        b.iter(|| {
            let mut lamps = 0;
            decoder.push(now, black_box(&datagram), &mut |content| {
                if let Content::Lamps(states) = content {
                    lamps += states.lamps.len();
                }
            });
            assert_eq!(lamps, usize::from(LAMPS));
        });
    });
}

/// A cycle of a radar in the records of a CAN gateway.
fn cycle(c: &mut Criterion) {
    const CARS: u8 = 64;
    let now = junction::at(0);
    let burst = radar::Radar::new(CARS).burst(radar::Sway::Left);
    let mut decoder = radar::decoder();
    c.bench_function("inputs/ars408/64", |b| {
        b.iter(|| {
            let mut cars = 0;
            decoder.push(now, black_box(&burst), &mut |content| {
                if let Content::Objects(objects) = content {
                    cars += objects.detections.len();
                }
            });
            assert_eq!(cars, usize::from(CARS));
        });
    });
}

criterion_group!(benches, lamps, cycle);
criterion_main!(benches);
