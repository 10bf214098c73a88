//! The straight path without its sockets: bytes of a device in, frames out.
//!
//! Time is virtual and goes on from run to run, so that grids, filters and countdowns work as in a
//! real station. What falls due between two arrivals is sent outside the clock's view.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::controller::{LAMPS, controller};
use benches::{junction, radar};
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::clock::Now;
use rsu::inputs::{Decoder, gat1743};
use rsu::report::{InputId, Light, Report};
use rsu::station::{Frame, FrameKind, Station};

/// A datagram in which one lamp has changed, to the SPAT that tells of it.
fn lamps_to_spat(c: &mut Criterion) {
    let mut controller = controller(LAMPS);
    let said = [Light::Yellow, Light::Red].map(|light| controller.say(junction::at(0).utc, light));
    let decoder = gat1743::Decoder::new(gat1743::Config::default());
    let mut path = Path::new(junction::CONTROLLER, Decoder::Gat1743(Box::new(decoder)));
    // In none of the grids' slots, and further apart than the gap between two changes.
    path.go_on(Duration::from_millis(35));
    let mut turn = said.iter().cycle();
    c.bench_function("path/lamps_to_spat", |b| {
        b.iter_custom(|runs| {
            (0..runs)
                .zip(&mut turn)
                .map(|(_, datagram)| {
                    path.go_on(Duration::from_millis(100));
                    let (took, frames) = path.take(datagram);
                    assert_eq!((frames, path.frame.kind), (1, FrameKind::Spat));
                    took
                })
                .sum()
        });
    });
}

/// A burst of fifty cars to the four RSMs that tell of them and of the unit itself.
fn radar_to_rsm(c: &mut Criterion) {
    const CARS: u8 = 50;
    let said = [radar::Sway::Left, radar::Sway::Right];
    let said = said.map(|sway| radar::Radar::new(CARS).burst(sway));
    let mut path = Path::new(junction::RADAR, Decoder::Ars408(Box::new(radar::decoder())));
    // In the middle of RSM's opening, beside the slots of all others.
    path.go_on(Duration::from_millis(40));
    let mut turn = said.iter().cycle();
    // Cars are not believed in at first sight.
    for burst in turn.by_ref().take(20) {
        path.go_on(Duration::from_millis(100));
        path.take(burst);
    }
    c.bench_function("path/radar_to_rsm/50", |b| {
        b.iter_custom(|runs| {
            (0..runs)
                .zip(&mut turn)
                .map(|(_, burst)| {
                    path.go_on(Duration::from_millis(100));
                    let (took, frames) = path.take(burst);
                    assert_eq!((frames, path.frame.kind), (4, FrameKind::Rsm));
                    took
                })
                .sum()
        });
    });
    assert_eq!(path.station.stats().tracks, u64::from(CARS));
}

/// One device, its decoder and the station.
struct Path {
    input: InputId,
    decoder: Decoder,
    station: Box<Station>,
    now: Now,
    frame: Frame,
}

impl Path {
    fn new(input: InputId, decoder: Decoder) -> Self {
        let now = junction::at(0);
        Self {
            input,
            decoder,
            station: Box::new(junction::station(now)),
            now,
            frame: Frame::new(),
        }
    }

    /// Lets time pass, and sends what falls due.
    fn go_on(&mut self, span: Duration) {
        let then = Now {
            mono: self.now.mono + span,
            utc: self.now.utc + span,
        };
        while self.station.poll_timeout() <= then.mono {
            let due = self.station.poll_timeout().max(self.now.mono);
            self.now = Now {
                mono: due,
                utc: then.utc_at(due),
            };
            self.station.handle_timeout(self.now);
            while self.station.poll_transmit(&mut self.frame) {}
        }
        self.now = then;
        while self.station.poll_event().is_some() {}
    }

    /// How long it takes from bytes to frames, and how many frames there are.
    fn take(&mut self, bytes: &[u8]) -> (Duration, usize) {
        let Self {
            input,
            decoder,
            station,
            now,
            frame,
        } = self;
        let mut frames = 0;
        let start = Instant::now();
        decoder.push(*now, black_box(bytes), &mut |content| {
            let report = Report {
                input: *input,
                arrived: *now,
                content,
            };
            station.handle_report(*now, &report);
        });
        while station.poll_transmit(frame) {
            frames += 1;
            black_box(frame.bytes());
        }
        (start.elapsed(), frames)
    }
}

criterion_group!(benches, lamps_to_spat, radar_to_rsm);
criterion_main!(benches);
