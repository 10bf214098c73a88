//! Long bodies of which no sensor tells the size, by radars that track one point of each.

use super::*;

/// Another radar, at the far end of the road.
const FACING: InputId = InputId(8);

/// One that tracks, at one end of the road or the other.
fn radar(input: InputId, east_m: f64, yaw_rad: f64) -> Sensor {
    let pose = Pose {
        east_m,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad,
    };
    Sensor {
        max_range_m: 250.0,
        half_fov_rad: 1.2,
        ..Sensor::tracking_radar(input, pose)
    }
}

/// The point of a body that a radar follows: it wanders over it within two seconds or so. As a share of the length.
#[derive(Clone, Copy, Default)]
struct Followed {
    off: f64,
}

impl Followed {
    fn wander(&mut self, dice: &mut Dice) -> f64 {
        let keep = (-0.1_f64 / 2.0).exp();
        let fresh = 0.15 * (1.0 - keep * keep).sqrt() * dice.normal();
        self.off = (keep * self.off + fresh).clamp(-0.4, 0.4);
        self.off
    }
}

/// Mean of NEES of a body of that length, and the share of looks at which it was told as one, by one radar or two
/// that face each other, over some seeds.
fn told(length_m: f64, radars: usize) -> (f64, f64) {
    let (mut nees, mut count, mut alone) = (0.0, 0.0, 0.0);
    for seed in 1..=20 {
        let mut dice = Dice::new(seed);
        let both = [
            radar(RADAR, -40.0, 0.0),
            radar(FACING, 180.0, std::f64::consts::PI),
        ];
        let mut fusion = Fusion::new(Config {
            sensors: both[..radars].to_vec(),
            ..Config::default()
        });
        let mut points = [Followed::default(); 2];
        for step in 0..130 {
            let t = f64::from(step) / 10.0;
            let east_m = 10.0 + 9.0 * t;
            for (sensor, point) in both[..radars].iter().zip(&mut points) {
                let off_m = length_m * point.wander(&mut dice);
                let velocity = Velocity {
                    east_mps: 9.0 + 0.2 * dice.normal(),
                    north_mps: 0.2 * dice.normal(),
                    cov: Covariance::from_axes(0.0, 0.3, 0.3),
                };
                let seen = Detection {
                    class: Class::Unknown,
                    device_id: Some(7),
                    velocity: Some(velocity),
                    ..car(east_m + off_m + 0.2 * dice.normal(), 0.2 * dice.normal())
                };
                fusion.handle_objects(sensor.input, &frame(t, &[seen]));
            }
            if step < 30 {
                continue;
            }
            let one = ids(&mut fusion, t).len() == 1;
            alone += f64::from(u8::from(one));
            let track = nearest(&mut fusion, t, east_m, 0.0);
            let (e, n, p) = (track.east_m - east_m, track.north_m, track.position_cov);
            nees +=
                (p.nn * e * e - 2.0 * p.en * e * n + p.ee * n * n) / (p.ee * p.nn - p.en * p.en);
            count += 1.0;
        }
    }
    (nees / count, alone / count)
}

#[test]
fn a_long_body_of_unknown_size_is_one_and_its_place_is_told_no_surer_than_it_is_known() {
    for radars in [1, 2] {
        for length_m in [4.6, 12.0, 18.0] {
            let (nees, alone) = told(length_m, radars);
            assert!(nees < 4.0, "{length_m} m, {radars} radars: NEES {nees}");
            assert!(alone > 0.9, "{length_m} m, {radars} radars: {alone}");
        }
    }
}
