//! Any sequence of reports and questions: no panic, nothing that is not a number, bounded tracks; and whatever
//! was said before, somebody who then drives by in plain sight is found.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rsu::clock::Mono;
use rsu::fusion::{Config, Fusion, MAX_TRACKS, Parts, Picture, Pose, Sensor};
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
            class: match self.byte() % 8 {
                0 => Class::Unknown,
                1 => Class::Car,
                2 => Class::Truck,
                3 => Class::Bus,
                4 => Class::Motorcycle,
                5 => Class::Bicycle,
                6 => Class::Animal,
                _ => Class::Pedestrian,
            },
            emergency: has(7),
            existence: if has(5) { self.number(1.0) as f32 } else { 1.0 },
        }
    }

    /// What was said last, so much later: moved on, a little off, and as sure or otherwise. Without it hardly
    /// anything is ever seen twice.
    fn carry_on(&mut self, last: &mut Detection, dt_s: f64) {
        if let Some(velocity) = &mut last.velocity {
            last.east_m += velocity.east_mps * dt_s;
            last.north_m += velocity.north_mps * dt_s;
            velocity.east_mps += self.number(0.5);
            velocity.cov.ee *= 1.0 + self.number(0.5);
            velocity.cov.nn *= 1.0 + self.number(0.5);
        }
        last.east_m += self.number(0.5);
        last.north_m += self.number(0.5);
        let surer = 1.0 + self.number(0.5);
        last.position_cov.ee *= surer;
        last.position_cov.nn *= surer;
        last.position_cov.en *= surer;
    }
}

/// One of each kind: those that see, that track by themselves with and without covariances to go by, that have no
/// clock, and that tell.
const SENSORS: u8 = 7;
const HEARD: u8 = 3;
const STEADY: u8 = 6;

fn fusion(setting: u8) -> Fusion {
    let pose = |east_m, yaw_rad| Pose {
        east_m,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad,
    };
    let tracks = |sensor| Sensor {
        tracks: true,
        ..sensor
    };
    let usual = Config::default();
    Fusion::new(Config {
        sensors: vec![
            Sensor::camera(InputId(0), pose(-20.0, 0.0)),
            Sensor::radar(InputId(1), pose(20.0, 3.1)),
            Sensor::tracking_radar(InputId(2), pose(0.0, 1.5)),
            Sensor::heard(InputId(HEARD)),
            tracks(Sensor::camera(InputId(4), pose(0.0, -1.5))),
            tracks(Sensor::radar(InputId(5), pose(-10.0, 0.7))),
            Sensor::camera(InputId(STEADY), pose(0.0, 0.0)),
        ],
        max_tracks: if setting & 1 == 0 { MAX_TRACKS } else { 5 },
        max_targets: if setting & 2 == 0 { 384 } else { 12 },
        max_work: if setting & 4 == 0 { 12_000 } else { 150 },
        parts: Parts {
            delay: setting & 8 != 0,
            modes: setting & 16 == 0,
            ..usual.parts
        },
        ..usual
    })
}

fn look_at(picture: &Picture) {
    assert!(picture.tracks.len() <= MAX_TRACKS);
    for pair in picture.tracks.windows(2) {
        assert!(pair[0].id < pair[1].id);
    }
    for track in &picture.tracks {
        assert!(track.id > 0);
        let (c, v) = (track.position_cov, track.velocity.cov);
        let velocity = [track.velocity.east_mps, track.velocity.north_mps];
        let all = [
            track.east_m,
            track.north_m,
            c.ee,
            c.en,
            c.nn,
            v.ee,
            v.en,
            v.nn,
        ];
        let all = all.into_iter().chain(velocity).chain(track.yaw_rad);
        assert!(all.into_iter().all(f64::is_finite), "{track:?}");
        assert!(c.ee >= 0.0 && c.nn >= 0.0, "{track:?}");
        assert!(v.ee >= 0.0 && v.nn >= 0.0, "{track:?}");
        assert!((0.0..=1.0).contains(&track.existence), "{track:?}");
    }
}

/// Whatever was, a car that drives by a camera of which nothing was heard before is found.
fn drive_by(fusion: &mut Fusion, objects: &mut Objects, now: Mono) {
    let begun = now.offset_by(100.0);
    let before = fusion.counts();
    let mut place_m = 20.0;
    for step in 0..70 {
        objects.seen_at = begun.offset_by(0.1 * f64::from(step));
        objects.detections.clear();
        place_m += 0.5;
        objects.detections.push(Detection {
            device_id: None,
            own_id: None,
            east_m: place_m,
            north_m: 1.0,
            position_cov: Covariance::from_axes(0.0, 0.3, 0.2),
            velocity: None,
            yaw_rad: None,
            size: None,
            class: Class::Car,
            emergency: false,
            existence: 1.0,
        });
        fusion.handle_objects(InputId(STEADY), objects);
    }
    let picture = fusion.picture(objects.seen_at);
    look_at(picture);
    let found = picture
        .tracks
        .iter()
        .any(|track| (track.east_m - place_m).hypot(track.north_m - 1.0) < 2.0);
    let none_free = fusion.counts().ids_exhausted > before.ids_exhausted;
    assert!(found || none_free, "{:?}", fusion.counts());
}

thread_local! {
    static OBJECTS: RefCell<Objects> = RefCell::default();
    /// What each sensor said last, and when.
    static LAST: RefCell<Vec<(Mono, Vec<Detection>)>> = RefCell::default();
}

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape(octets);
    let mut fusion = fusion(tape.byte());
    let begun = Mono::from_nanos(10_000_000_000_000);
    let mut now = begun;
    LAST.with_borrow_mut(|last| {
        last.resize_with(usize::from(SENSORS), Default::default);
        for (_, said) in last {
            said.clear();
        }
    });
    while !tape.0.is_empty() {
        let action = tape.byte();
        let step_s = match action >> 6 {
            0 => f64::from(tape.byte()) * 1e-3,
            1 => -f64::from(tape.byte()) * 1e-3,
            2 => 0.05,
            _ => tape.number(4000.0),
        };
        now = now.offset_by(step_s);
        let what = tape.byte();
        match what & 15 {
            0 => {
                look_at(fusion.picture(now));
                continue;
            }
            1 => {
                look_at(fusion.glance(now));
                continue;
            }
            2 => {
                fusion.catch_up();
                continue;
            }
            _ => {}
        }
        // One sensor, or all of them at the same moment; in time or late; something new or the same moved on.
        let input = action & 7;
        let seen_at = match what >> 6 {
            3 => now.offset_by(-2e-3 * f64::from(tape.byte())),
            _ => now,
        };
        let (first, last) = match input {
            7 => (0, SENSORS - 1),
            STEADY => (0, 0),
            one => (one, one),
        };
        OBJECTS.with_borrow_mut(|objects| {
            objects.seen_at = seen_at;
            for input in first..=last {
                if input == STEADY {
                    continue;
                }
                LAST.with_borrow_mut(|all| {
                    let (before, said) = &mut all[usize::from(input)];
                    if what & 0x20 == 0 || said.is_empty() {
                        said.clear();
                        said.extend((0..(action >> 3) & 7).map(|_| tape.detection()));
                    } else {
                        for said in &mut *said {
                            tape.carry_on(said, seen_at.seconds_after(*before));
                        }
                    }
                    *before = seen_at;
                    objects.detections.clear();
                    objects.detections.extend(said.iter().cloned());
                });
                fusion.handle_objects(InputId(input), objects);
            }
        });
        for input in 0..SENSORS {
            let health = fusion.health(InputId(input), now).expect("it is a sensor");
            assert!(health.range_offset_m.is_finite() && health.turned_clockwise_rad.is_finite());
            assert!(health.noise_along.is_finite() && health.false_per_m2.is_finite());
            assert!(health.later_s.is_finite());
        }
    }
    // Not at the very end of all time, where no time goes on.
    let after = now.clamp(begun, begun.offset_by(1e6));
    OBJECTS.with_borrow_mut(|objects| drive_by(&mut fusion, objects, after));
});
