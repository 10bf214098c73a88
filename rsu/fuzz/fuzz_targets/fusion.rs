//! Any sequence of reports and questions: no panic, nothing that is not a number, bounded tracks.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rsu::clock::Mono;
use rsu::fusion::{Config, Fusion, MAX_TRACKS, Pose, Sensor};
use rsu::report::{Class, Covariance, Detection, InputId, Objects, Size, Velocity};
use v2x_msg::base::StationId;

/// Octets read as whatever is wanted next; zero when they are used up.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// Mostly small numbers, now and then any at all.
    fn number(&mut self, scale: f64) -> f64 {
        let kind = self.byte();
        if kind == 255 {
            f64::from_bits(self.word())
        } else {
            let fine = f64::from(i16::from_be_bytes([kind, self.byte()])) / 32768.0;
            fine * scale
        }
    }

    fn cov(&mut self, scale: f64) -> Covariance {
        match self.byte() {
            255 => Covariance {
                ee: self.number(1e3),
                en: self.number(1e3),
                nn: self.number(1e3),
            },
            _ => Covariance::from_axes(self.number(3.2), self.number(scale), self.number(scale)),
        }
    }

    fn detection(&mut self) -> Detection {
        let flags = self.byte();
        let has = |bit: u8| flags & (1 << bit) != 0;
        Detection {
            device_id: has(0).then(|| u16::from(self.byte())),
            own_id: has(6).then(|| StationId([self.byte() & 15; 8])),
            east_m: self.number(100.0),
            north_m: self.number(100.0),
            position_cov: self.cov(2.0),
            velocity: has(1).then(|| Velocity {
                east_mps: self.number(30.0),
                north_mps: self.number(30.0),
                cov: self.cov(1.0),
            }),
            yaw_rad: has(2).then(|| self.number(7.0)),
            size: has(3).then(|| Size {
                length_m: self.number(20.0) as f32,
                width_m: self.number(5.0) as f32,
                height_m: has(4).then(|| self.number(5.0) as f32),
            }),
            class: match self.byte() % 7 {
                0 => Class::Unknown,
                1 => Class::Car,
                2 => Class::Truck,
                3 => Class::Bus,
                4 => Class::Motorcycle,
                5 => Class::Bicycle,
                _ => Class::Pedestrian,
            },
            emergency: false,
            existence: if has(5) { self.number(1.0) as f32 } else { 1.0 },
        }
    }
}

fn fusion() -> Fusion {
    let pose = |east_m, yaw_rad| Pose {
        east_m,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad,
    };
    Fusion::new(Config {
        sensors: vec![
            Sensor::camera(InputId(0), pose(-20.0, 0.0)),
            Sensor::radar(InputId(1), pose(20.0, 3.1)),
            Sensor::tracking_radar(InputId(2), pose(0.0, 1.5)),
            Sensor::heard(InputId(3)),
        ],
        ..Config::default()
    })
}

thread_local! {
    static OBJECTS: RefCell<Objects> = RefCell::default();
}

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape(octets);
    let mut fusion = fusion();
    let mut now = Mono::from_nanos(10_000_000_000_000);
    while !tape.0.is_empty() {
        let action = tape.byte();
        let step_s = match action >> 6 {
            0 => f64::from(tape.byte()) * 1e-3,
            1 => -f64::from(tape.byte()) * 1e-3,
            2 => 0.05,
            _ => tape.number(4000.0),
        };
        now = now.offset_by(step_s);
        if action & 3 == 3 {
            let picture = fusion.picture(now);
            assert!(picture.tracks.len() <= MAX_TRACKS);
            for pair in picture.tracks.windows(2) {
                assert!(pair[0].id < pair[1].id);
            }
            for track in &picture.tracks {
                assert!(track.id > 0);
                let c = track.position_cov;
                let all = [
                    track.east_m,
                    track.north_m,
                    c.ee,
                    c.en,
                    c.nn,
                    track.velocity.east_mps,
                ];
                assert!(all.iter().all(|v| v.is_finite()), "{track:?}");
                assert!(c.ee >= 0.0 && c.nn >= 0.0, "{track:?}");
            }
            continue;
        }
        OBJECTS.with_borrow_mut(|objects| {
            objects.seen_at = now;
            objects.detections.clear();
            for _ in 0..(action >> 2) % 16 {
                objects.detections.push(tape.detection());
            }
            // Of the three that see, and now and then what is told.
            let told = objects.detections.iter().any(|d| d.own_id.is_some());
            let input = if told && action & 0x20 != 0 {
                3
            } else {
                action & 3
            };
            fusion.handle_objects(InputId(input), objects);
        });
        for input in 0..4 {
            let health = fusion.health(InputId(input), now).expect("it is a sensor");
            assert!(health.range_offset_m.is_finite() && health.yaw_offset_rad.is_finite());
            assert!(health.noise_along.is_finite() && health.false_per_m2.is_finite());
        }
    }
});
