//! Where a road user should be seen: before radars and in the images of cameras.

use crate::plane::Point;
use crate::scenario::{MountTable, Scenario};
use crate::sensors::camera;

/// Where a road user should be seen.
#[derive(Clone, Debug)]
pub struct Coverage {
    cones: Vec<Cone>,
}

/// A piece of ground before one sensor.
#[derive(Clone, Copy, Debug)]
struct Cone {
    mount: Point,
    axis: Point,
    from_m: f64,
    reach_m: f64,
    /// Of half of its angle.
    cos: f64,
}

impl Coverage {
    /// What is within the judge's range and angle of one of the radars, or on the ground that one of
    /// the cameras looks at.
    pub fn new(scenario: &Scenario) -> Self {
        let (file, limits) = (&scenario.file, &scenario.file.limits);
        let beams = [
            (limits.coverage_range_m, limits.coverage_half_angle_deg),
            (
                limits.near_coverage_range_m,
                limits.near_coverage_half_angle_deg,
            ),
        ];
        let radars = file.radar.iter().flat_map(|radar| {
            beams.map(|(reach_m, half_deg)| Cone::new(&radar.mount, 0.0, reach_m, half_deg))
        });
        let model = file.camera_model.as_ref();
        let cameras = file.camera.iter().zip(model.into_iter().cycle());
        let cameras = cameras.map(|(camera, model)| {
            let from_m = camera::nearest_m(model, camera) + EDGE_M;
            let reach_m = limits.camera_coverage_range_m;
            let half_deg = model.field_of_view_deg / 2.0 - EDGE_DEG;
            Cone::new(&camera.mount, from_m, reach_m, half_deg)
        });
        Self {
            cones: radars.chain(cameras).collect(),
        }
    }

    /// What is within a distance and an angle of one sensor.
    #[cfg(test)]
    pub(super) fn cone(mount: Point, axis: Point, range_m: f64, half_angle_deg: f64) -> Self {
        Self {
            cones: vec![Cone {
                mount,
                axis,
                from_m: 0.0,
                reach_m: range_m,
                cos: half_angle_deg.to_radians().cos(),
            }],
        }
    }

    /// Whether a road user at `place` should be seen.
    pub fn holds(&self, place: Point) -> bool {
        self.cones.iter().any(|cone| {
            let way = place.minus(cone.mount);
            let range_m = way.length_m();
            range_m >= cone.from_m
                && range_m < cone.reach_m
                && way.dot(cone.axis) > range_m * cone.cos
        })
    }
}

impl Cone {
    fn new(mount: &MountTable, from_m: f64, reach_m: f64, half_deg: f64) -> Self {
        let heading = mount.heading_deg.to_radians();
        Self {
            mount: Point::new(mount.east_m, mount.north_m),
            axis: Point::new(heading.sin(), heading.cos()),
            from_m,
            reach_m,
            cos: half_deg.to_radians().cos(),
        }
    }
}

/// At the edges of an image a body is only half in it.
const EDGE_M: f64 = 3.0;
const EDGE_DEG: f64 = 3.0;
