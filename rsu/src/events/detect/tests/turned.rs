//! Wrong-way drivers that a turned sensor shows.

use super::*;
use crate::fusion::{Pose, Sensor};
use crate::report::InputId;

const TURNED: u32 = 1;
const SOUND: u32 = 2;

/// What is raised while somebody goes against the exit's lane 2, from so far north of a radar that stands in
/// the junction and is turned, as the sensors with these bits have seen it.
fn raised(from_m: f64, sources: u32) -> Vec<u16> {
    let pose = Pose {
        east_m: 0.0,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad: std::f64::consts::FRAC_PI_2,
    };
    let radar = Sensor::radar(InputId(0), pose);
    let mut bench = bench();
    bench.detect.know_turned([(TURNED, &radar)].into_iter());
    bench.see(3.0, |t| {
        vec![Track {
            sources,
            ..car(1, OUT_M, from_m - 10.0 * t, -10.0)
        }]
    });
    bench.raised()
}

#[test]
fn who_is_far_out_and_seen_by_a_turned_sensor_may_be_in_another_lane() {
    assert_eq!(raised(190.0, TURNED), NONE);
    assert_eq!(raised(190.0, TURNED | SOUND), NONE);
    assert_eq!(raised(190.0, SOUND), [904]);
}

#[test]
fn close_to_a_turned_sensor_a_wrong_way_driver_is_one() {
    assert_eq!(raised(65.0, TURNED), [904]);
}
