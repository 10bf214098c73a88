//! A crowd before one camera: so many things seen at 10 Hz, all of them in each frame.
//!
//! For the time and the work of a step of fusion. Things stand on a grid of 12 m and move to and fro.

use std::time::Duration;

use rsu::clock::Mono;
use rsu::fusion::{self, Fusion, Pose, Sensor};
use rsu::report::{Class, Covariance, Detection, InputId, MAX_OBJECTS, Objects};

use crate::junction;

/// Between two frames.
pub const CYCLE: Duration = Duration::from_millis(100);

const CAMERA: InputId = InputId(9);

/// Fusion, and what the camera shows it.
#[derive(Debug)]
pub struct Crowd {
    fusion: Fusion,
    places: Vec<(f64, f64)>,
    frame: Vec<Objects>,
    number: u32,
    now: Mono,
}

impl Crowd {
    /// Of `count` things, none of which has been seen yet.
    pub fn new(count: usize) -> Self {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 8.0,
            yaw_rad: 0.0,
        };
        let sensor = Sensor {
            half_fov_rad: 1.5,
            max_range_m: 600.0,
            ..Sensor::camera(CAMERA, pose)
        };
        let side = (count as f64).sqrt().ceil() as usize;
        let place = |n: usize| (10.0 + 12.0 * (n / side) as f64, 12.0 * (n % side) as f64);
        Self {
            fusion: Fusion::new(fusion::Config {
                sensors: vec![sensor],
                max_targets: count.max(384),
                ..fusion::Config::default()
            }),
            places: (0..count).map(place).collect(),
            frame: Vec::new(),
            number: 0,
            now: junction::at(0).mono,
        }
    }

    /// Takes one frame in; how many tracks there are.
    pub fn step(&mut self) -> usize {
        self.prepare();
        self.take()
    }

    /// What the camera sees next, in as many reports as it needs.
    pub fn prepare(&mut self) {
        self.number += 1;
        self.now += CYCLE;
        let sway = 0.5 * (f64::from(self.number) * 0.1).sin();
        let parts = self.places.chunks(MAX_OBJECTS);
        // Made once: what is counted and timed is fusion, not the moving of reports.
        self.frame.resize_with(parts.len(), Objects::default);
        let position_cov = Covariance::from_axes(0.0, 0.4, 0.3);
        for (objects, part) in self.frame.iter_mut().zip(parts) {
            objects.seen_at = self.now;
            objects.detections.clear();
            for (east, north) in part {
                objects.detections.push(Detection {
                    device_id: None,
                    own_id: None,
                    east_m: east + sway,
                    north_m: *north,
                    position_cov,
                    velocity: None,
                    yaw_rad: None,
                    size: None,
                    class: Class::Car,
                    emergency: false,
                    existence: 1.0,
                });
            }
        }
    }

    /// Predicts, pairs up, takes, and makes the picture; how many tracks there are.
    pub fn take(&mut self) -> usize {
        for objects in &self.frame {
            self.fusion.handle_objects(CAMERA, objects);
        }
        self.fusion.picture(self.now).tracks.len()
    }
}
