//! The world on a made-up junction: four arms of three lanes, 250 m long.

use super::roads::{ApproachLane, ExitLane, Movement};
use super::signals::{Plan, Stage};
use super::*;
use crate::plane::Point;
use v2x_msg::base::{LaneId, PhaseId};

const ARMS: [&str; 4] = ["south", "east", "north", "west"];

fn node(id: u16) -> NodeId {
    NodeId { region: None, id }
}

fn phase(id: u8) -> PhaseId {
    PhaseId::new(id).expect("not zero")
}

/// Turned by so many quarters to the left, as seen from above.
fn turned(point: Point, quarters: usize) -> Point {
    (0..quarters).fold(point, |point, _| point.left())
}

/// Arm `n` of `ARMS`; lane 1 turns left, lane 2 goes straight, lane 3 straight or right.
/// Phases 1 and 3 are straight on, 2 and 4 left.
fn cross_roads() -> Roads {
    let mut approaches = Vec::new();
    let mut exits = Vec::new();
    for arm in 0..ARMS.len() {
        for lane in 0..3_usize {
            let aside_m = 1.75 + 3.5 * lane as f64;
            let inward = [Point::new(aside_m, -280.0), Point::new(aside_m, -25.0)];
            let outward = [Point::new(-aside_m, -25.0), Point::new(-aside_m, -280.0)];
            let straight = phase(if arm % 2 == 0 { 1 } else { 3 });
            let left = phase(if arm % 2 == 0 { 2 } else { 4 });
            let to = |arm: usize, lane: usize| (arm % 4) * 3 + lane;
            let movement = |turn, exit, phase| Movement { exit, turn, phase };
            let mut movements = Vec::new();
            if lane == 0 {
                movements.push(movement(Turn::Left, to(arm + 3, 0), Some(left)));
            } else {
                movements.push(movement(Turn::Straight, to(arm + 2, lane), Some(straight)));
            }
            if lane == 2 {
                movements.push(movement(Turn::Right, to(arm + 1, 2), None));
            }
            approaches.push(ApproachLane {
                from: node(arm as u16 + 1),
                id: LaneId::new(lane as u8 + 1).expect("1 to 3"),
                width_m: 3.5,
                limit_mps: 60.0 / 3.6,
                centre: inward.map(|point| turned(point, arm)).to_vec(),
                movements,
            });
            exits.push(ExitLane {
                to: node(arm as u16 + 1),
                width_m: 3.5,
                limit_mps: 60.0 / 3.6,
                centre: outward.map(|point| turned(point, arm)).to_vec(),
            });
        }
    }
    Roads::new(approaches, exits).expect("roads")
}

fn p1() -> Plan {
    let stage = |id| Stage {
        phases: vec![phase(id)],
        green: Duration::from_secs(18),
        flashing_green: Duration::from_secs(3),
        yellow: Duration::from_secs(3),
        all_red: Duration::from_secs(1),
    };
    Plan::new((1..=4).map(stage).collect(), Duration::ZERO).expect("a plan")
}

fn demand(vehicles_per_hour: f64) -> Vec<Demand> {
    (1..=4)
        .map(|arm| Demand {
            from: node(arm),
            vehicles_per_hour,
            turns: TurnShares {
                left: 0.2,
                right: 0.25,
            },
            mix: Mix {
                trucks: 0.08,
                buses: 0.03,
            },
        })
        .collect()
}

fn world(vehicles_per_hour: f64, seed: u64) -> World {
    World::new(
        cross_roads(),
        Signals::Fixed(p1()),
        demand(vehicles_per_hour),
        seed,
    )
    .expect("all turns exist")
}

#[test]
fn the_routes_go_where_they_say() {
    let roads = cross_roads();
    // Three lanes with one, one and two movements on each of four arms.
    assert_eq!(roads.routes.len(), 16);
    for route in &roads.routes {
        let (from, to) = (
            route.path.direction_at(0.0),
            route.path.direction_at(route.clear_m + 1.0),
        );
        let turn = from.cross(to);
        match route.turn {
            Turn::Left => assert!(turn > 0.99),
            Turn::Right => assert!(turn < -0.99),
            Turn::Straight => assert!(turn.abs() < 0.01 && from.dot(to) > 0.99),
        }
    }
}

#[test]
fn routes_that_are_green_together_do_not_meet() {
    let roads = cross_roads();
    for route in &roads.routes {
        for zone in &route.zones {
            let other = &roads.routes[zone.other];
            if route.phase.is_some() && other.phase.is_some() {
                assert_ne!(route.phase, other.phase, "{route:?} meets {other:?}");
            }
        }
    }
}

#[test]
fn drivers_slow_down_for_a_right_turn() {
    let roads = cross_roads();
    let right = roads
        .routes
        .iter()
        .find(|route| route.turn == Turn::Right)
        .expect("one turns right");
    let middle_m = (right.stop_m + right.clear_m) / 2.0;
    let speed_mps = right.speed_mps(middle_m);
    assert!((4.0..8.0).contains(&speed_mps), "{speed_mps} m/s");
    assert!(right.speed_mps(0.0) > 16.0);
}

#[test]
fn nobody_collides_in_ten_minutes_of_heavy_traffic() {
    let mut world = world(900.0, 1);
    let mut most = 0;
    for _ in 0..6000 {
        world.step();
        let bodies = &world.latest().bodies;
        most = most.max(bodies.len());
        for (i, one) in bodies.iter().enumerate() {
            for other in &bodies[i + 1..] {
                let at_s = world.now().seconds_after(Mono::ZERO);
                assert!(!one.overlaps(other), "at {at_s} s: {one:?} and {other:?}");
            }
        }
    }
    assert!(most > 60, "only {most} vehicles at once: no test at all");
}

#[test]
fn nobody_passes_a_red_light() {
    let mut world = world(900.0, 2);
    let mut on_green = 0;
    for _ in 0..6000 {
        world.step();
        for crossing in world.crossings() {
            match crossing.light {
                Some(Light::Red) => panic!("{crossing:?}"),
                Some(_) => on_green += 1,
                None => {}
            }
        }
    }
    assert!(on_green > 300, "only {on_green} vehicles passed");
}

#[test]
fn a_queue_discharges_at_the_saturation_flow_of_a_city_street() {
    // All straight on, far more than the green can serve: every green starts with a long queue.
    let demand = vec![Demand {
        from: node(1),
        vehicles_per_hour: 2000.0,
        turns: TurnShares {
            left: 0.0,
            right: 0.0,
        },
        mix: Mix {
            trucks: 0.0,
            buses: 0.0,
        },
    }];
    let mut world =
        World::new(cross_roads(), Signals::Fixed(p1()), demand, 3).expect("straight on exists");
    let mut headways_s = Vec::new();
    let mut first_s = Vec::new();
    // By approach lane: the last crossing and its place in the green.
    let mut last: Vec<Option<(Mono, u32)>> = vec![None; world.roads().approaches.len()];
    for _ in 0..12_000 {
        world.step();
        for crossing in world.crossings() {
            let lane = world.roads.routes[crossing.route].approach;
            let shown = world.signals.shown(phase(1), crossing.at).expect("a phase");
            let place = match last[lane] {
                Some((before, place)) if crossing.at.seconds_after(before) < 20.0 => {
                    if place >= 4 && shown.light != Light::Yellow {
                        headways_s.push(crossing.at.seconds_after(before));
                    }
                    place + 1
                }
                _ => {
                    first_s.push(crossing.at.seconds_after(shown.since));
                    1
                }
            };
            last[lane] = Some((crossing.at, place));
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let flow = 3600.0 / mean(&headways_s);
    assert!(headways_s.len() > 50, "{} headways", headways_s.len());
    assert!((1500.0..2000.0).contains(&flow), "{flow} vehicles an hour");
    let first = mean(&first_s[2..]);
    assert!((1.2..3.5).contains(&first), "first crosses after {first} s");
}

#[test]
fn everybody_gets_through() {
    let mut world = world(700.0, 4);
    for _ in 0..9000 {
        world.step();
    }
    let arrived = world.next_id - 1;
    let here = world.vehicles.len() + world.waiting();
    assert!(arrived > 500, "{arrived} arrived in 15 minutes");
    assert!(here < 100, "{here} of {arrived} are still here");
    let oldest = world.vehicles.first().map_or(arrived, |vehicle| vehicle.id);
    assert!(
        arrived - oldest < 150,
        "vehicle {oldest} of {arrived} is stuck"
    );
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let hash = |seed| {
        let mut world = world(700.0, seed);
        for _ in 0..3000 {
            world.step();
        }
        world.hash()
    };
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
    // Pinned: no machine and no change of code moves a vehicle by a bit unnoticed.
    assert_eq!(hash(7), 11_475_642_293_546_655_560);
}

#[test]
fn a_way_that_does_not_exist_is_refused() {
    let mut demand = demand(100.0);
    demand[0].from = node(9);
    let world = World::new(cross_roads(), Signals::Fixed(p1()), demand, 1);
    assert_eq!(
        world.err(),
        Some(NoSuchWay {
            from: node(9),
            turn: Turn::Left
        })
    );
}
