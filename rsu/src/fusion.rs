//! Stand-in for the room of this name, so that the station compiles until it lands. Removed then.
#![allow(missing_docs, reason = "a stand-in")]
use crate::clock::Mono;
use crate::report::*;
use arrayvec::ArrayVec;
#[derive(Clone, Debug, Default)]
pub struct Config;
#[derive(Debug)]
pub struct Fusion {
    p: Box<Picture>,
}
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub at: Mono,
    pub tracks: ArrayVec<Track, 255>,
}
#[derive(Clone, Copy, Debug)]
pub struct Track {
    pub id: u8,
    pub east_m: f64,
    pub north_m: f64,
    pub position_cov: Covariance,
    pub velocity: Velocity,
    pub yaw_rad: Option<f64>,
    pub class: Class,
    pub class_confidence: f32,
    pub size: Option<Size>,
    pub seen_at: Mono,
    pub born_at: Mono,
    pub sources: u32,
    pub existence: f32,
}
impl Fusion {
    pub fn new(_c: Config) -> Self {
        Self { p: Box::default() }
    }
    pub fn handle_objects(&mut self, _i: InputId, o: &Objects) {
        self.p.tracks.clear();
        for (k, d) in o.detections.iter().enumerate() {
            self.p.tracks.push(Track {
                id: k as u8 + 1,
                east_m: d.east_m,
                north_m: d.north_m,
                position_cov: d.position_cov,
                velocity: d.velocity.unwrap_or(Velocity {
                    east_mps: 0.,
                    north_mps: 0.,
                    cov: Covariance::default(),
                }),
                yaw_rad: d.yaw_rad,
                class: d.class,
                class_confidence: 1.0,
                size: d.size,
                seen_at: o.seen_at,
                born_at: o.seen_at,
                sources: 1,
                existence: 1.0,
            });
        }
    }
    pub fn picture(&mut self, at: Mono) -> &Picture {
        self.p.at = at;
        &self.p
    }
}
