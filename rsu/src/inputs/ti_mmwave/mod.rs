//! Radars of TI's mmWave family (IWR1443, 1642, 1843, 6843) on their data port: 921600 bit/s, 8N1.
//!
//! Two firmwares: the out-of-box demonstration of SDK 3, which tells points, and the traffic monitoring
//! laboratory, which tells tracked targets. Rooms: [`wire`] (layout), `framer` (frames out of a
//! stream that loses bytes), the decoder here, its mirror [`Emitter`].
//!
//! | field | unit on the wire | unit in the report |
//! |---|---|---|
//! | x, y | m right, ahead | m east, north, through the mount |
//! | doppler | m/s away from the radar | velocity along the beam, open across it |
//! | target velocity | m/s right, ahead | m/s east, north |
//! | target number | 32 bits | its lowest 16 |
//!
//! # What devices do, and what we make of it
//! Recordings: an xWR6843 with SDK 3.3 in a room (TI's own, 101 frames, none damaged), and an
//! IWR6843AOP whose recorder lost bytes (LF-RoGu, 200 frames begun). None of the traffic firmware: its
//! layout is TI's published one, unproved.
//! - A frame counts when its TLVs are whole, whether or not the padding behind them came. Its length
//!   field is not trusted: a new frame's mark within a frame ends that, and reading goes on there.
//! - A frame under the last one's number that is the same to the bit is that one again, played by a converter
//!   that hangs: it is counted and not reported, so that the radar grows old. Of a radar that has never counted,
//!   that is believed once ten have been the same. A frame that took more than a second to come is old, too.
//! - What a converter held up comes in a rush after a silence, pictures of long ago: counted (`held-up`) and not
//!   reported, as is the first frame after any silence, which may have been (`backlog`).
//! - Points are no objects: several may be of one, and the radar keeps no numbers. Fusion knows.
//! - Points that do not move are mostly walls and poles; they are left out unless
//!   [`Config::report_still`]. A standing car then is too.
//! - Height is not used.
//!
//! Not here: setting the radar up over its other port.

mod framer;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
pub mod wire;

use std::time::Duration;

pub use wire::Layout;

use self::framer::{Framer, Piece};
use self::wire::{Point, Target};
use super::backlog::Backlog;
use super::json::fingerprint;
use super::objects::{self, Assumed, Gather, MOST, Thing};
use super::{Counts, Mount, Pose};
use crate::clock::Now;
use crate::report::{Class, Content, Covariance, Velocity};

/// How a radar is read, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Which firmware speaks.
    pub layout: Layout,
    /// Where it stands and which way it looks.
    pub mount: Mount,
    /// From the scene to the arrival of a frame's last byte.
    pub latency: Duration,
    /// What is assumed of it.
    pub assumed: Assumed,
    /// Tell of points too that do not move.
    pub report_still: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            layout: Layout::OutOfBox,
            mount: Mount::default(),
            // Half a frame of 10 Hz and its way over the line; not measured.
            latency: Duration::from_millis(60),
            assumed: Assumed {
                position_m: 0.5,
                velocity_mps: 0.3,
                existence: 0.6,
            },
            report_still: false,
        }
    }
}

const REJECTED: [&str; 7] = {
    let [a, b, c] = objects::REFUSED;
    ["noise", "broken-frame", "cut-frame", "target-size", a, b, c]
};
const IGNORED: [&str; 3] = ["still-points", "repeated-frame", "held-up"];
const TOLERATED: [&str; 2] = ["frames-missed", "objects-left-out"];

/// So many frames the same to the bit are no measurements: noise alone would tell them apart.
const FROZEN: u32 = 10;
/// A point that moves slower, towards or away, stands.
const STILL_MPS: f32 = 0.1;

/// Bytes of one radar to reports.
#[derive(Debug)]
pub struct Decoder {
    framer: Framer,
    ear: Ear,
}

#[derive(Debug)]
struct Ear {
    config: Config,
    pose: Pose,
    counts: Counts,
    gather: Gather,
    /// Number and fingerprint of the last frame.
    last: Option<(u32, u64)>,
    /// The number has been seen to change; so many frames in a row were the same to the bit.
    has_counted: bool,
    same: u32,
    backlog: Backlog,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            framer: Framer::new(config.layout),
            ear: Ear {
                config,
                pose: Pose::from(config.mount),
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                gather: Gather::default(),
                last: None,
                has_counted: false,
                same: 0,
                backlog: Backlog::default(),
            },
        }
    }

    /// Takes the next bytes of the stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self { framer, ear } = self;
        framer.push(arrived.mono, bytes, |piece| match piece {
            Piece::Frame(frame) => ear.frame(arrived, frame, sink),
            Piece::Noise => ear.counts.reject("noise"),
            Piece::Broken => ear.counts.reject("broken-frame"),
            Piece::Cut => ear.counts.reject("cut-frame"),
        });
    }

    /// Forgets a half-received frame; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.framer.reset();
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }
}

impl Ear {
    fn frame(&mut self, arrived: Now, frame: &[u8], sink: &mut dyn FnMut(Content)) {
        let layout = self.config.layout;
        let number = wire::number(layout, frame);
        if self.is_again(number, frame) {
            return self.counts.ignore("repeated-frame");
        }
        let missed = self
            .last
            .map_or(0, |(last, _)| number.wrapping_sub(last).wrapping_sub(1));
        // A number that goes back is a radar that was started anew.
        if missed < u32::MAX / 2 {
            self.counts.tolerate_times("frames-missed", missed.into());
        }
        self.last = Some((number, fingerprint(frame)));
        if self.backlog.holds(arrived.mono) {
            return self.counts.ignore("held-up");
        }
        self.gather.begin(arrived.mono - self.config.latency);
        let mut room = MOST;
        for (kind, data) in wire::tlvs(layout, frame) {
            match (layout, kind) {
                (Layout::OutOfBox, wire::POINTS) => {
                    for point in wire::points(data) {
                        self.point(&point, &mut room, sink);
                    }
                }
                (Layout::Traffic, wire::TRAFFIC_TARGETS) => match wire::targets(data) {
                    None => self.counts.reject("target-size"),
                    Some(targets) => {
                        for target in targets {
                            self.target(&target, &mut room, sink);
                        }
                    }
                },
                _ => {}
            }
        }
        self.counts.accept();
        self.gather.end(&mut self.counts, sink);
    }

    fn is_again(&mut self, number: u32, frame: &[u8]) -> bool {
        let Some((last, print)) = self.last else {
            return false;
        };
        self.has_counted |= number != last;
        let is_same = number == last && print == fingerprint(frame);
        self.same = if is_same {
            self.same.saturating_add(1)
        } else {
            0
        };
        is_same && (self.has_counted || self.same >= FROZEN)
    }

    fn point(&mut self, point: &Point, room: &mut usize, sink: &mut dyn FnMut(Content)) {
        if !self.config.report_still && point.doppler_mps.abs() < STILL_MPS {
            return self.counts.ignore("still-points");
        }
        let (forward_m, left_m) = (f64::from(point.y_m), -f64::from(point.x_m));
        let (east, north) = self.pose.turn_to_site(forward_m, left_m);
        let along = f64::from(point.doppler_mps);
        let bearing_rad = north.atan2(east);
        let velocity =
            Velocity::from_range_rate(bearing_rad, along, self.config.assumed.velocity_mps);
        let thing = Thing {
            place_m: Some(self.pose.to_site(forward_m, left_m)),
            velocity_mps: Some((velocity.east_mps, velocity.north_mps)),
            velocity_cov: Some(velocity.cov),
            ..Thing::default()
        };
        self.add(&thing, room, sink);
    }

    fn target(&mut self, target: &Target, room: &mut usize, sink: &mut dyn FnMut(Content)) {
        let turned = |[right, ahead]: [f32; 2]| (f64::from(ahead), -f64::from(right));
        let (forward_m, left_m) = turned(target.place_m);
        let (forward_mps, left_mps) = turned(target.velocity_mps);
        let sigma = self.config.assumed.velocity_mps;
        let thing = Thing {
            id: Some((target.id & 0xFFFF) as u16),
            place_m: Some(self.pose.to_site(forward_m, left_m)),
            velocity_mps: Some(self.pose.turn_to_site(forward_mps, left_mps)),
            velocity_cov: Some(Covariance::from_axes(self.pose.yaw_rad(), sigma, sigma)),
            class: Class::Unknown,
            ..Thing::default()
        };
        self.add(&thing, room, sink);
    }

    fn add(&mut self, thing: &Thing, room: &mut usize, sink: &mut dyn FnMut(Content)) {
        if *room == 0 {
            return self.counts.tolerate("objects-left-out");
        }
        *room -= 1;
        match thing.detection(&self.config.assumed) {
            Ok(detection) => self.gather.add(detection, &mut self.counts, sink),
            Err(kind) => self.counts.reject(kind),
        }
    }
}

/// The decoder's mirror: a radar of either firmware. The simulator drives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitter {
    layout: Layout,
    number: u32,
}

impl Emitter {
    /// Of one firmware.
    pub fn new(layout: Layout) -> Self {
        Self { layout, number: 0 }
    }

    /// Appends a frame. Out of box, each target is one point with what of its velocity goes away from
    /// the radar.
    pub fn frame(&mut self, seen: &[Target], out: &mut Vec<u8>) {
        self.number = self.number.wrapping_add(1);
        match self.layout {
            Layout::Traffic => wire::emit_targets(self.number, seen, out),
            Layout::OutOfBox => {
                let point = |target: &Target| {
                    let ([x_m, y_m], [vx, vy]) = (target.place_m, target.velocity_mps);
                    let range_m = x_m.hypot(y_m).max(1e-3);
                    Point {
                        x_m,
                        y_m,
                        z_m: 0.0,
                        doppler_mps: (x_m * vx + y_m * vy) / range_m,
                    }
                };
                let points: Vec<Point> = seen.iter().map(point).collect();
                wire::emit_points(self.number, &points, out);
            }
        }
    }
}
