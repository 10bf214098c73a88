//! What fusion says: the road users of one moment.

use arrayvec::ArrayVec;
use v2x_msg::base::StationId;

use super::config::MAX_TRACKS;
use crate::clock::Mono;
use crate::report::{Class, Covariance, Size, Velocity};

/// Everybody on the road at one moment, as far as the sensors could tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The moment to which every track is predicted.
    pub at: Mono,
    /// In order of id.
    pub tracks: ArrayVec<Track, MAX_TRACKS>,
}

/// One road user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Track {
    /// 1 to 255, unique in the picture; rests for a while after the track has gone.
    pub id: u8,
    /// What it calls itself on the air, where it has said so of late.
    pub own_id: Option<StationId>,
    /// Its centre, east of the site's origin.
    pub east_m: f64,
    /// Its centre, north of the site's origin.
    pub north_m: f64,
    /// How sure the position is at the picture's moment.
    pub position_cov: Covariance,
    /// Over ground, with its covariance.
    pub velocity: Velocity,
    /// Where it points, counter-clockwise from east, in -pi..=pi: its course while it moves, or the opposite
    /// where it moves rear first, held while it stands; None until it has moved or a sensor has said it.
    pub yaw_rad: Option<f64>,
    /// It moves rear first.
    pub reverses: bool,
    /// What it most likely is; Unknown where no sensor has said.
    pub class: Class,
    /// Probability of that class, 0..=1.
    pub class_confidence: f32,
    /// Somebody has said of late that it is an emergency vehicle on duty.
    pub emergency: bool,
    /// Outer dimensions, smoothed; None where no sensor measured them.
    pub size: Option<Size>,
    /// When a sensor last saw it.
    pub seen_at: Mono,
    /// A sensor would see it, but for another road user that stands before it: that it is not seen says little.
    pub hidden: bool,
    /// When a sensor first saw it.
    pub born_at: Mono,
    /// Which inputs have ever seen it: bit n is the n-th of `Config::sensors`.
    pub sources: u32,
    /// Probability that it exists, 0..=1.
    pub existence: f32,
}
