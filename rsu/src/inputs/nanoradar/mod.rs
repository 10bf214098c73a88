//! Nanoradar's small radars on a serial line (NRA24 and its family): range of a few targets ahead.
//!
//! Rooms: [`wire`] (layout), the decoder here, its mirror [`Emitter`].
//!
//! | field | unit on the wire | unit in the report |
//! |---|---|---|
//! | range | cm | m straight ahead of the mount |
//! | speed | 0.05 m/s from -35 | not reported: its sense is not published |
//! | RCS, fourth byte | | not used |
//!
//! # What devices do, and what we make of it
//! Recording: four target frames that a public driver quotes, place and day unknown. All sums are
//! good; they read 13.58 m and 0.10 m/s. The frame of numbers (70B) was not recorded; where it comes,
//! the targets behind it are one report, and otherwise each is its own.
//! - The radar tells no angle: across its beam a target may be anywhere within it, and the covariance
//!   says so.
//! - A byte that is lost costs one frame: reading goes on at the next AA AA that has its end in place.
//! - Ten scenes that are the same to the bit, in which something should have moved by a metre by its own speed,
//!   are one that is played again by a converter that hangs: they are counted and not reported, so that the
//!   radar grows old. The number of the frames says nothing, for they have none.
//! - What a converter held up comes in a rush after a silence: counted (`held-up`) and not reported, as is the first
//!   scene after any silence, which may have been (`backlog`).

pub mod wire;

use std::time::Duration;

use arrayvec::ArrayVec;

use self::wire::{Frame, LENGTH, Malformed, Target};
use super::backlog::Backlog;
use super::json::fingerprint;
use super::objects::{self, Assumed, Gather, Thing};
use super::{Counts, Mount, Pose};
use crate::clock::{Mono, Now};
use crate::report::{Content, Covariance};

/// How a radar is read, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Where it stands and which way it looks.
    pub mount: Mount,
    /// From the scene to the arrival.
    pub latency: Duration,
    /// Half of its beam.
    pub half_beam_deg: f64,
    /// What is assumed of it.
    pub assumed: Assumed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mount: Mount::default(),
            latency: Duration::from_millis(50),
            half_beam_deg: 6.0,
            assumed: Assumed {
                position_m: 0.2,
                ..Assumed::default()
            },
        }
    }
}

const REJECTED: [&str; 5] = {
    let [a, b, c] = objects::REFUSED;
    ["noise", "checksum", a, b, c]
};
const IGNORED: [&str; 4] = ["other-id", "sensor-state", "repeated-scene", "held-up"];
const TOLERATED: [&str; 2] = ["incomplete-cycle", "more-than-announced"];
/// No radar of the family lists more.
const MOST_TARGETS: u8 = 32;
/// So many scenes the same to the bit, in which something moved so far meanwhile, are no measurements.
const FROZEN: u32 = 10;
const FROZEN_M: f64 = 1.0;
const STILL_MPS: f64 = 0.5;

/// Bytes of one radar to reports.
#[derive(Debug)]
pub struct Decoder {
    held: ArrayVec<u8, LENGTH>,
    in_noise: bool,
    config: Config,
    pose: Pose,
    counts: Counts,
    gather: Gather,
    /// Targets that are still to come of a scene that was announced.
    awaited: u8,
    /// The scene in hand, and the last.
    scene: Scene,
    last: Scene,
    /// So many scenes before were the same, since then.
    same: u32,
    since: Mono,
    backlog: Backlog,
    held_up: bool,
}

/// What tells scenes apart.
#[derive(Clone, Copy, Debug, Default)]
struct Scene {
    began: Mono,
    /// Of all its bytes.
    print: u64,
    fastest_mps: f64,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            held: ArrayVec::new(),
            in_noise: false,
            config,
            pose: Pose::from(config.mount),
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
            gather: Gather::default(),
            awaited: 0,
            scene: Scene::default(),
            last: Scene::default(),
            same: 0,
            since: Mono::ZERO,
            backlog: Backlog::default(),
            held_up: false,
        }
    }

    /// Takes the next bytes of the stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        for &byte in bytes {
            if self.held.try_push(byte).is_err() {
                self.held.remove(0);
                self.held.push(byte);
            }
            let Some(whole) = self.held.first_chunk::<LENGTH>() else {
                continue;
            };
            match wire::parse(whole) {
                Ok(frame) => {
                    self.held.clear();
                    self.in_noise = false;
                    self.frame(arrived, frame, sink);
                }
                Err(Malformed::Checksum) => {
                    self.counts.reject("checksum");
                    self.held.clear();
                }
                Err(Malformed::Marks) => {
                    if !std::mem::replace(&mut self.in_noise, true) {
                        self.counts.reject("noise");
                    }
                }
            }
        }
    }

    /// Forgets what is half received; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.held.clear();
        self.awaited = 0;
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn frame(&mut self, arrived: Now, frame: Frame, sink: &mut dyn FnMut(Content)) {
        match frame.id {
            wire::TARGET => {
                self.counts.accept();
                if self.awaited == 0 {
                    self.begin(arrived);
                }
                self.target(Target::of(frame.data), sink);
                self.awaited = self.awaited.saturating_sub(1);
                if self.awaited == 0 {
                    self.end(sink);
                }
            }
            wire::STATUS => {
                self.counts.accept();
                if self.awaited > 0 {
                    self.counts.tolerate("incomplete-cycle");
                    self.end(sink);
                }
                let announced = frame.data[0];
                if announced > MOST_TARGETS {
                    self.counts.tolerate("more-than-announced");
                }
                self.awaited = announced.min(MOST_TARGETS);
                self.begin(arrived);
                if self.awaited == 0 {
                    self.end(sink);
                }
            }
            wire::SENSOR => self.counts.ignore("sensor-state"),
            _ => self.counts.ignore("other-id"),
        }
    }

    fn begin(&mut self, arrived: Now) {
        self.held_up = self.backlog.holds(arrived.mono);
        self.gather.begin(arrived.mono - self.config.latency);
        self.scene = Scene {
            began: arrived.mono,
            ..Scene::default()
        };
    }

    fn end(&mut self, sink: &mut dyn FnMut(Content)) {
        let (scene, last) = (self.scene, std::mem::replace(&mut self.last, self.scene));
        if scene.print == last.print {
            self.same = self.same.saturating_add(1);
        } else {
            (self.same, self.since) = (0, scene.began);
        }
        let moved_m = scene.fastest_mps * scene.began.seconds_after(self.since);
        if self.same >= FROZEN && moved_m > FROZEN_M {
            self.counts.ignore("repeated-scene");
        } else if self.held_up {
            self.counts.ignore("held-up");
        } else {
            self.gather.end(&mut self.counts, sink);
        }
    }

    fn target(&mut self, target: Target, sink: &mut dyn FnMut(Content)) {
        let before = self.scene.print.rotate_left(7);
        self.scene.print = before ^ fingerprint(&target.data());
        // 0 is a radar that does not tell it; the recorded ones tell 0.1 m/s of what stands.
        let mps = target.speed_mps().abs();
        if target.speed != 0 && mps > STILL_MPS {
            self.scene.fastest_mps = self.scene.fastest_mps.max(mps);
        }
        let range_m = f64::from(target.range_cm) * 0.01;
        // Anywhere in the beam: an even spread has its width over the root of 12.
        let across_m = 2.0 * range_m * self.config.half_beam_deg.to_radians().tan() / 12_f64.sqrt();
        let along_m = self.config.assumed.position_m;
        let thing = Thing {
            id: Some(target.id.into()),
            place_m: Some(self.pose.to_site(range_m, 0.0)),
            place_cov: Some(Covariance::from_axes(
                self.pose.yaw_rad(),
                along_m,
                across_m.max(along_m),
            )),
            ..Thing::default()
        };
        match thing.detection(&self.config.assumed) {
            Ok(detection) => self.gather.add(detection, &mut self.counts, sink),
            Err(kind) => self.counts.reject(kind),
        }
    }
}

/// The decoder's mirror: a radar that announces its targets and tells them. The simulator drives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitter;

impl Emitter {
    /// Appends a scene of targets; those beyond 255 are never told.
    pub fn scene(self, seen: &[Target], out: &mut Vec<u8>) {
        let count = seen.len().min(usize::from(u8::MAX));
        let status = Frame {
            id: wire::STATUS,
            data: [count as u8, 0, 0, 0, 0, 0, 0],
        };
        wire::emit(&status, out);
        for target in &seen[..count] {
            let frame = Frame {
                id: wire::TARGET,
                data: target.data(),
            };
            wire::emit(&frame, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Mono, Utc};
    use crate::report::Objects;

    fn hear(bytes: &[u8]) -> (Vec<Objects>, Decoder) {
        let mut decoder = Decoder::new(Config::default());
        let mut heard = Vec::new();
        let now = Now {
            mono: Mono::from_nanos(1_000_000_000),
            utc: Utc::from_unix_ns(0),
        };
        decoder.push(now, bytes, &mut |content| match content {
            Content::Objects(objects) => heard.push(objects),
            other => panic!("{other:?}"),
        });
        (heard, decoder)
    }

    fn target(range_cm: u16) -> Target {
        Target {
            id: 3,
            range_cm,
            ..Target::default()
        }
    }

    #[test]
    fn the_quoted_frames_read_13_58_m() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/captures/nanoradar_nra24_serial.hex"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            return eprintln!("skipped: no recording at {path}");
        };
        let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
        let bytes: Vec<u8> = text
            .lines()
            .flat_map(|l| l.trim().as_bytes().chunks(2).map(byte))
            .collect();
        let (heard, decoder) = hear(&bytes);
        assert_eq!((heard.len(), decoder.counts().accepted()), (4, 4));
        for objects in &heard {
            assert!((objects.detections[0].north_m - 13.58).abs() < 1e-9);
        }
        for frame in bytes.chunks_exact(LENGTH) {
            let said = wire::parse(frame.try_into().unwrap()).unwrap();
            assert!((Target::of(said.data).speed_mps() - 0.10).abs() < 1e-9);
            let mut again = Vec::new();
            wire::emit(&said, &mut again);
            assert_eq!(again, frame);
            assert_eq!(Target::of(said.data).data(), said.data);
        }
    }

    #[test]
    fn announced_targets_are_one_report_and_none_are_an_empty_one() {
        let mut bytes = Vec::new();
        Emitter.scene(&[target(1000), target(2000)], &mut bytes);
        Emitter.scene(&[], &mut bytes);
        let (heard, _) = hear(&bytes);
        let counts: Vec<usize> = heard.iter().map(|o| o.detections.len()).collect();
        assert_eq!(counts, [2, 0]);
        let far = heard[0].detections[1];
        assert!((far.north_m - 20.0).abs() < 1e-9 && far.position_cov.ee > far.position_cov.nn);
    }

    #[test]
    fn lost_and_wrong_bytes_cost_one_frame() {
        let mut bytes = Vec::new();
        Emitter.scene(&[target(1000); 3], &mut bytes);
        bytes[LENGTH + 6] ^= 1;
        bytes.remove(2 * LENGTH + 5);
        let (heard, decoder) = hear(&bytes);
        assert_eq!(decoder.counts().accepted(), 2);
        assert_eq!(
            decoder.counts().rejected()[..2],
            [("noise", 1), ("checksum", 1)]
        );
        assert!(heard.is_empty(), "the scene is not whole yet");
    }

    /// How many of 40 scenes, one each 50 ms, are reported.
    fn reported(scene: impl Fn(u16) -> Target) -> (usize, Decoder) {
        let mut decoder = Decoder::new(Config::default());
        let mut heard = 0;
        for n in 0..40_u16 {
            let now = Now {
                mono: Mono::from_nanos(1_000_000_000 + u64::from(n) * 50_000_000),
                utc: Utc::from_unix_ns(0),
            };
            let mut bytes = Vec::new();
            Emitter.scene(&[scene(n), target(4000)], &mut bytes);
            decoder.push(now, &bytes, &mut |_| heard += 1);
        }
        (heard, decoder)
    }

    #[test]
    fn a_scene_that_is_played_again_and_again_grows_old() {
        let at = |range_cm: u16, speed: u16| Target {
            speed,
            ..target(range_cm)
        };
        // 5 m/s, and nowhere else.
        let (heard, decoder) = reported(|_| at(1000, 800));
        assert!((8..20).contains(&heard), "{heard}");
        let ignored = decoder.counts().ignored();
        assert!(ignored.contains(&("repeated-scene", 40 - heard as u64)));
        // It goes on; or it stands, or its speed is not told.
        assert_eq!(reported(|n| at(1000 + 25 * n, 800)).0, 40);
        assert_eq!(reported(|_| at(1000, 702)).0, 40);
        assert_eq!(reported(|_| at(1000, 0)).0, 40);
    }

    #[test]
    fn scenes_that_a_converter_held_up_are_told_by_their_pace() {
        let mut decoder = Decoder::new(Config::default());
        let mut reports = |n: u16, arrived_ms: u64| {
            let now = Now {
                mono: Mono::from_nanos(1_000_000_000 + 1_000_000 * arrived_ms),
                utc: Utc::from_unix_ns(0),
            };
            let (mut bytes, mut heard) = (Vec::new(), 0);
            Emitter.scene(&[target(1000 + n), target(4000)], &mut bytes);
            decoder.push(now, &bytes, &mut |_| heard += 1);
            heard
        };
        assert!((0..50).all(|n| reports(n, 50 * u64::from(n)) == 1));
        assert!((50..450).all(|n| reports(n, 22_500 + 2 * u64::from(n - 50)) == 0));
        assert!((450..500).all(|n| reports(n, 23_350 + 50 * u64::from(n - 450)) == 1));
        assert!(decoder.counts().ignored().contains(&("held-up", 400)));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            hear(&bytes);
        }
    }
}
