//! The file that is fused: one JSON object with `sensors` (id, kind `camera` or `radar`, position, yaw,
//! field of view, ranges) and `frames` (sensor, capture time `t`, arrival time `ta`, detections).
//!
//! Fields that are not named here are not read, above all neither `truth` nor `gt`.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;

use super::CLASSES;
use crate::clock::Mono;
use crate::fusion::{Pose, Sensor};
use crate::report::{Class, Covariance, Detection, InputId, Size, Velocity};

/// Sensors and frames; the frames in order of arrival once it is read.
#[derive(Debug, Deserialize)]
pub(in crate::daemon) struct Recording {
    pub(super) sensors: Vec<SensorEntry>,
    pub(super) frames: Vec<FrameEntry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SensorEntry {
    pub(super) id: String,
    kind: Kind,
    x: f64,
    y: f64,
    #[serde(default = "usual_height")]
    h: f64,
    yaw: f64,
    fov: f64,
    rmin: f64,
    rmax: f64,
    /// It sends tracks of its own.
    #[serde(default)]
    tracks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Camera,
    Radar,
}

#[derive(Debug, Deserialize)]
pub(super) struct FrameEntry {
    pub(super) sensor: String,
    pub(super) t: f64,
    pub(super) ta: f64,
    pub(super) dets: Vec<DetectionEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum DetectionEntry {
    /// Of a sensor that tracks, with covariances of position and velocity in the site's frame.
    Track {
        id: u16,
        x: f64,
        y: f64,
        vx: f64,
        vy: f64,
        pos: [f64; 3],
        vel: [f64; 3],
        #[serde(default)]
        cls: String,
        l: Option<f32>,
        w: Option<f32>,
    },
    Camera {
        x: f64,
        y: f64,
        sr: f64,
        sc: f64,
        #[serde(default)]
        cls: String,
        #[serde(default = "certain")]
        conf: f32,
        l: Option<f32>,
        w: Option<f32>,
    },
    Radar {
        r: f64,
        az: f64,
        rr: f64,
    },
}

/// Why a file cannot be fused.
#[derive(Debug)]
pub(in crate::daemon) struct Unusable {
    pub(in crate::daemon) exit: u8,
    pub(in crate::daemon) reason: String,
}

impl Recording {
    pub(in crate::daemon) fn read(path: &Path) -> Result<Self, Unusable> {
        let file = File::open(path).map_err(|e| Unusable {
            exit: 66,
            reason: e.to_string(),
        })?;
        let mut recording: Self =
            serde_json::from_reader(BufReader::new(file)).map_err(|e| Unusable {
                exit: 65,
                reason: e.to_string(),
            })?;
        recording
            .check()
            .map_err(|reason| Unusable { exit: 65, reason })?;
        recording.frames.sort_by(|a, b| a.ta.total_cmp(&b.ta));
        Ok(recording)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.sensors.len() > crate::fusion::MAX_SENSORS {
            return Err(format!("more than {} sensors", crate::fusion::MAX_SENSORS));
        }
        for (number, sensor) in self.sensors.iter().enumerate() {
            let id = &sensor.id;
            if self.sensors[..number].iter().any(|other| other.id == *id) {
                return Err(format!("sensor {id:?} is listed twice"));
            }
            if !sensor.is_somewhere() {
                return Err(format!(
                    "sensor {id:?} stands or looks where no sensor does"
                ));
            }
        }
        for (number, frame) in self.frames.iter().enumerate() {
            if !self.sensors.iter().any(|sensor| sensor.id == frame.sensor) {
                return Err(format!(
                    "frame {number} is of sensor {:?}, which is not listed",
                    frame.sensor
                ));
            }
            // Times are offset from a moment well after the clock's origin, and a day is ample.
            if !(frame.t.abs() <= MAX_TIME_S && frame.ta.abs() <= MAX_TIME_S) {
                return Err(format!("frame {number} has a time beyond {MAX_TIME_S} s"));
            }
        }
        Ok(())
    }

    /// The sensors as fusion knows them, in the file's order, which is that of their input ids.
    pub(in crate::daemon) fn fusion_sensors(&self) -> Vec<Sensor> {
        let sensors = self.sensors.iter().zip(0..);
        sensors.map(|(s, n)| s.sensor(InputId(n))).collect()
    }

    /// The id of the sensor in that place.
    pub(in crate::daemon) fn name(&self, which: usize) -> &str {
        &self.sensors[which].id
    }

    /// Every frame: the place of its sensor, when it was captured, and what it shows.
    pub(in crate::daemon) fn sights(&self) -> impl Iterator<Item = (usize, Mono, Vec<Detection>)> {
        self.frames.iter().filter_map(|frame| {
            let mut sensors = self.sensors.iter();
            let which = sensors.position(|sensor| sensor.id == frame.sensor)?;
            let entries = frame.dets.iter();
            let detections = entries.map(|entry| entry.detection(&self.sensors[which]));
            Some((which, moment(frame.t), detections.collect()))
        })
    }
}

impl SensorEntry {
    /// Within what a site may be, and looking somewhere.
    fn is_somewhere(&self) -> bool {
        let near = [self.x, self.y, self.h]
            .iter()
            .all(|m| m.abs() <= FARTHEST_M);
        let ranges = (0.0..=FARTHEST_M).contains(&self.rmin) && self.rmax <= FARTHEST_M;
        // A little more than all round, for who rounds.
        let angles = self.fov > 0.0 && self.fov < 2.0 * TAU && self.yaw.abs() < 2.0 * TAU;
        near && ranges && self.rmax > self.rmin && angles
    }

    fn sensor(&self, input: InputId) -> Sensor {
        let pose = Pose {
            east_m: self.x,
            north_m: self.y,
            up_m: self.h,
            yaw_rad: self.yaw,
        };
        let usual = match self.kind {
            Kind::Camera => Sensor::camera(input, pose),
            Kind::Radar => Sensor::radar(input, pose),
        };
        Sensor {
            half_fov_rad: 0.5 * self.fov,
            min_range_m: self.rmin,
            max_range_m: self.rmax,
            tracks: self.tracks,
            ..usual
        }
    }
}

impl DetectionEntry {
    pub(super) fn detection(&self, sensor: &SensorEntry) -> Detection {
        match self {
            Self::Track {
                id,
                x,
                y,
                vx,
                vy,
                pos,
                vel,
                cls,
                l,
                w,
            } => Detection {
                device_id: Some(*id),
                own_id: None,
                east_m: *x,
                north_m: *y,
                position_cov: covariance(pos),
                velocity: Some(Velocity {
                    east_mps: *vx,
                    north_mps: *vy,
                    cov: covariance(vel),
                }),
                yaw_rad: None,
                size: size(*l, *w),
                class: class(cls),
                emergency: false,
                existence: 1.0,
            },
            Self::Camera {
                x,
                y,
                sr,
                sc,
                cls,
                conf,
                l,
                w,
            } => Detection {
                device_id: None,
                own_id: None,
                east_m: *x,
                north_m: *y,
                position_cov: Covariance::from_axes((y - sensor.y).atan2(x - sensor.x), *sr, *sc),
                velocity: None,
                yaw_rad: None,
                size: size(*l, *w),
                class: class(cls),
                emergency: false,
                existence: *conf,
            },
            Self::Radar { r, az, rr } => Detection {
                device_id: None,
                own_id: None,
                east_m: sensor.x + r * az.cos(),
                north_m: sensor.y + r * az.sin(),
                position_cov: Covariance::from_axes(
                    *az,
                    RANGE_SIGMA_M,
                    r.abs() * AZIMUTH_SIGMA_RAD,
                ),
                velocity: Some(Velocity::from_range_rate(*az, *rr, RANGE_RATE_SIGMA_MPS)),
                yaw_rad: None,
                size: None,
                class: Class::Unknown,
                emergency: false,
                existence: 1.0,
            },
        }
    }
}

/// East, east and north, north.
fn covariance(&[ee, en, nn]: &[f64; 3]) -> Covariance {
    Covariance { ee, en, nn }
}

fn size(length_m: Option<f32>, width_m: Option<f32>) -> Option<Size> {
    length_m.zip(width_m).map(|(length_m, width_m)| Size {
        length_m,
        width_m,
        height_m: None,
    })
}

fn class(name: &str) -> Class {
    CLASSES
        .iter()
        .find(|(_, known)| *known == name)
        .map_or(Class::Unknown, |(class, _)| *class)
}

/// A second of the file on our clock.
pub(super) fn moment(seconds: f64) -> Mono {
    EPOCH.offset_by(seconds)
}

fn usual_height() -> f64 {
    6.0
}

fn certain() -> f32 {
    1.0
}

/// Second 0 of the file on our clock: late enough that a frame may lie before it.
const EPOCH: Mono = Mono::from_nanos(1_000_000_000_000_000);
const MAX_TIME_S: f64 = 86_400.0;
const FARTHEST_M: f64 = 20_000.0;
/// The file does not say how sure a radar is; these are usual for traffic radars.
const RANGE_SIGMA_M: f64 = 0.3;
const AZIMUTH_SIGMA_RAD: f64 = 0.010;
const RANGE_RATE_SIGMA_MPS: f64 = 0.2;
