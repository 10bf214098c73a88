//! What is kept, and for how long.

use std::f64::consts::PI;

use super::*;
use crate::fusion::testing::{car, frame, moment};
use crate::fusion::{Fusion, Pose, Sensor};
use crate::report::{Detection, InputId};

const EAST: InputId = InputId(0);
const WEST: InputId = InputId(1);

/// Two cameras at one pole, back to back.
fn fusion() -> Fusion {
    let camera = |input, yaw_rad| {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 6.0,
            yaw_rad,
        };
        Sensor::camera(input, pose)
    };
    Fusion::new(Config {
        sensors: vec![camera(EAST, 0.0), camera(WEST, PI)],
        ..Config::default()
    })
}

/// For each moment the frames kept before the window, once a camera has looked for `seconds` at its car at 10 Hz,
/// and the other one in between.
fn kept(seconds: u32, both: bool) -> Vec<usize> {
    let mut fusion = fusion();
    let mut kept = Vec::new();
    let cars: [Detection; 2] = [car(40.0, 3.0), car(-40.0, -3.0)];
    for step in 0..20 * seconds {
        let (input, place) = if step % 2 == 0 { (EAST, 0) } else { (WEST, 1) };
        if both || input == EAST {
            let seen = frame(f64::from(step) * 0.05, &cars[place..=place]);
            fusion.handle_objects(input, &seen);
            kept.push(fusion.history.tail.len());
        }
        let History {
            order, tail, free, ..
        } = &fusion.history;
        let mut slots: Vec<u8> = order.iter().chain(tail).chain(free).copied().collect();
        slots.sort_unstable();
        assert!(slots.into_iter().eq(0..(MAX_FRAMES + TAIL) as u8));
    }
    let end = moment(f64::from(seconds));
    assert_eq!(fusion.picture(end).tracks.len(), 1 + usize::from(both));
    kept
}

#[test]
fn of_frames_before_the_window_those_are_kept_that_were_the_last_to_concern_somebody() {
    let one = kept(3, false);
    assert!(one[20..].iter().all(|count| *count == 1), "{one:?}");
    // Whom the east camera sees nothing of the west one concerns, and the other way round.
    let both = kept(3, true);
    assert!(both[40..].iter().all(|count| *count == 2), "{both:?}");
}
