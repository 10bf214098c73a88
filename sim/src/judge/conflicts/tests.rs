//! Conflicts made by hand: what must be one, and what must be none.

use super::*;
use crate::plane::Path;
use crate::scenario::Scenario;
use crate::truth::Epoch;
use crate::world::STEP;
use crate::world::roads::Turn;
use crate::world::vehicles::{Driver, Kind};

/// A car that was made to brake, somebody who walks over its way, and perhaps a car before it.
struct Case {
    turn: Turn,
    /// Its front at the beginning, before the end of the bend.
    from_m: f64,
    /// As fast as it drives at first, and how it speeds up for a second,
    speed_mps: f64,
    gains_mps2: f64,
    /// and how hard it brakes then, and for how long.
    brakes: (f64, f64),
    /// The line that is walked over, beyond the end of the bend.
    walked_m: f64,
    /// Who walks is in the way from then to then, in seconds from the beginning.
    walks_s: (f64, f64),
    /// Where the rear of a car is that stands, beyond the end of the bend.
    stands_m: Option<f64>,
}

/// In the middle of the road beyond the junction, as fast as one drives there.
fn straight() -> Case {
    Case {
        turn: Turn::Straight,
        from_m: 20.0,
        speed_mps: 16.6,
        gains_mps2: 0.0,
        brakes: (8.0, 2.1),
        walked_m: 0.0,
        walks_s: (0.0, 0.0),
        stands_m: None,
    }
}

/// Towards a bend to the right.
fn bend() -> Case {
    Case {
        turn: Turn::Right,
        from_m: -34.0,
        ..straight()
    }
}

const WALKS_MPS: f64 = 1.5;
const LENGTH_M: f64 = 4.6;

impl Case {
    fn is_conflict(&self) -> bool {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let scenario = Scenario::load(std::path::Path::new(file)).expect("a scenario");
        let mut world = scenario.world(1).expect("a world");
        while world.vehicles().is_empty() {
            world.step();
        }
        let drawn = world.vehicles()[0].clone();
        let routes = &world.roads().routes;
        let turns = |route: &crate::world::roads::Route| route.turn == self.turn;
        let route = routes.iter().position(turns).expect("a route");
        let (path, clear_m) = (routes[route].path.clone(), routes[route].clear_m);
        let stop_m = routes[route].stop_m;
        let mut car = Vehicle {
            id: 7,
            kind: Kind::Car,
            length_m: LENGTH_M,
            width_m: 1.8,
            route,
            along_m: clear_m + self.from_m,
            speed_mps: self.speed_mps,
            driver: Driver::CAR,
            entered: Some(0),
            ..drawn
        };
        let stands = self.stands_m.map(|rear_m| Vehicle {
            id: 8,
            along_m: clear_m + rear_m + LENGTH_M,
            speed_mps: 0.0,
            ..car.clone()
        });
        let epoch = Epoch::new(Mono::ZERO, scenario.start);
        let truth = Truth::new(epoch, world.signals().clone());
        let mut judge = ConflictJudge::default();
        let objects = super::super::tests::nobody_heard();
        let (mps2, brakes_s) = self.brakes;
        for step in 0..60 {
            let after_s = f64::from(step) * STEP.as_secs_f64();
            if after_s < 1.0 {
                car.speed_mps += self.gains_mps2 * STEP.as_secs_f64();
            } else if after_s < 1.0 + brakes_s {
                car.speed_mps = (car.speed_mps - mps2 * STEP.as_secs_f64()).max(0.0);
            }
            car.along_m += car.speed_mps * STEP.as_secs_f64();
            car.entered = (car.along_m > stop_m).then_some(0);
            let walker = self.walker(&path, clear_m, after_s);
            let cars = std::iter::once(car.clone()).chain(stands.clone());
            world.set_scene(cars.collect(), vec![walker]);
            judge.follow(&world, &truth, &objects, &WarningJudge::default());
        }
        !judge.found.is_empty()
    }

    fn walker(&self, path: &Path, clear_m: f64, after_s: f64) -> Body {
        let along_m = clear_m + self.walked_m;
        let left = path.direction_at(along_m).left();
        let (from_s, to_s) = self.walks_s;
        // In the way is whose edge is nearer than that of the car.
        let wide_m = (to_s - from_s) * WALKS_MPS;
        assert!(wide_m > 1.8 + 0.6 - 1e-9, "nobody walks so fast");
        let aside_m = (1.8 + 0.6) / 2.0 - (after_s - from_s) * WALKS_MPS;
        Body {
            id: crate::world::snapshot::FIRST_USER,
            kind: Kind::Pedestrian,
            centre: path.point_at(along_m).plus(left.times(aside_m)),
            direction: left.times(-1.0),
            speed_mps: WALKS_MPS,
            length_m: 0.6,
            width_m: 0.6,
            height_m: 1.7,
        }
    }

    /// Who walks steps before it after so many seconds, and is past it 1.6 s later.
    fn walked(self, walked_m: f64, from_s: f64) -> Self {
        Self {
            walked_m,
            walks_s: (from_s, from_s + (1.8 + 0.6) / WALKS_MPS),
            ..self
        }
    }
}

#[test]
fn whom_a_driver_would_have_passed_is_met_only_by_braking() {
    // At 16.6 m/s its front is at 20 + 16.6 t, its rear 4.6 m behind. The line at 60 m is reached after 2.4 s and
    // passed after 2.7 s.
    assert!(straight().walked(60.0, 1.5).is_conflict());
    assert!(straight().walked(60.0, 2.3).is_conflict());
    assert!(!straight().walked(60.0, 3.4).is_conflict());
    // And who is past the line before it would have been met nobody.
    assert!(!straight().walked(60.0, 0.6).is_conflict());
}

#[test]
fn nobody_runs_through_a_bend_as_if_it_were_straight() {
    // At 16.6 m/s from 60 m before the end of the bend it would be 10 m beyond it after 4.2 s. It slows down for the
    // bend instead, and has hardly begun it by then.
    let fast = || Case {
        from_m: -60.0,
        speed_mps: 14.0,
        brakes: (4.0, 1.6),
        ..bend()
    };
    assert!(!fast().walked(8.0, 4.0).is_conflict());
}

#[test]
fn who_turns_as_fast_as_one_does_and_brakes_for_a_walker_is_in_a_conflict() {
    // At the speed of the bend, 5 m/s about, it is beyond it in 3 to 4 s.
    let slow = |from_s: f64| {
        Case {
            from_m: -8.0,
            speed_mps: 5.0,
            brakes: (5.0, 0.9),
            ..bend()
        }
        .walked(3.0, from_s)
    };
    assert!(slow(1.8).is_conflict());
    assert!(!slow(4.6).is_conflict());
}

#[test]
fn nobody_runs_through_the_one_before_it() {
    let behind = |stands_m| Case {
        stands_m,
        ..straight().walked(60.0, 1.5)
    };
    assert!(behind(None).is_conflict());
    // A car stands before the line that is walked over.
    assert!(!behind(Some(54.0)).is_conflict());
    // One that stands beyond it is in nobody's way.
    assert!(behind(Some(75.0)).is_conflict());
}

#[test]
fn who_creeps_is_in_no_conflict() {
    let stops = |speed_mps, brakes_s| {
        let stops = Case {
            speed_mps,
            brakes: (8.0, brakes_s),
            ..straight()
        };
        stops.walked(24.0, 1.4).is_conflict()
    };
    assert!(!stops(1.9, 0.3));
    assert!(stops(3.9, 0.5));
}

#[test]
fn who_speeded_up_until_it_braked_is_gone_on_as_fast_as_it_became() {
    // From 4 to 7 m/s within a second, then it brakes. At 4 m/s it would come to the line after five seconds, when
    // whoever walks over it has gone.
    let starts = Case {
        speed_mps: 4.0,
        gains_mps2: 3.0,
        brakes: (8.0, 0.5),
        ..straight()
    };
    assert!(starts.walked(40.0, 2.6).is_conflict());
}
