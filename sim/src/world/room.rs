//! Whether there is room beyond the junction: who would stand within it waits before its stop line.
//!
//! Drivers in China are told so (article 53 of the regulations to the Road Traffic Safety Law: where the
//! junction ahead is blocked they wait before it, one after another). A driver looks at the last vehicle
//! that stands or crawls in the lane that leads away, and at who is to stand behind it yet: those within the
//! junction who go there, and those ahead in the own lane. A queue that gets under way is no queue any more.
//! Left out: a thing in that lane, and somebody who waits for walkers before it begins.

use super::right_of_way::Scene;
use super::roads::{Roads, Route};
use super::vehicles::Vehicle;

impl Scene<'_> {
    /// Whether `vehicle`, before its stop line and able to stop there, would have to stand within the junction.
    pub(super) fn has_no_room(&self, vehicle: &Vehicle) -> bool {
        let route = &self.roads.routes[vehicle.route];
        let Some(tail_m) = self.tail_m(route) else {
            return false;
        };
        let braking_mps2 = vehicle.driver.braking_mps2;
        let left_m = (route.stop_m - vehicle.along_m).max(0.01);
        let needed_mps2 = vehicle.speed_mps * vehicle.speed_mps / (2.0 * left_m);
        // Nearer than at half of that, or at the line, one decides.
        let decides_m = vehicle.speed_mps * vehicle.speed_mps / braking_mps2 + DECIDES_M;
        if vehicle.siren || left_m > decides_m || needed_mps2 > braking_mps2 {
            return false;
        }
        let kin = self.lookup.kin(route);
        let before_it = kin.filter(|(kin, other)| {
            let theirs = &self.roads.routes[kin.route];
            if theirs.exit != route.exit {
                return false;
            }
            match other.entered {
                Some(_) => other.rear_m() - theirs.clear_m < tail_m,
                None => theirs.approach == route.approach && other.along_m > vehicle.along_m,
            }
        });
        let before_it = before_it.map(|(_, other)| other.of(self.vehicles));
        let taken_m: f64 = before_it.map(stands_on_m).sum();
        tail_m < taken_m + stands_on_m(vehicle) + SPARE_M
    }

    /// How far into the lane that a route leads away on its queue begins; None if there is none.
    fn tail_m(&self, route: &Route) -> Option<f64> {
        let beyond = self.beyond[route.exit].filter(|ahead| ahead.speed_mps < CRAWLS_MPS);
        let beyond_m = beyond.map(|ahead| route.path.length_m() - route.clear_m + ahead.rear_m);
        let here_m = self.lookup.queue_m(route.exit);
        [beyond_m, here_m]
            .into_iter()
            .flatten()
            .min_by(f64::total_cmp)
    }
}

/// Notes how far into each exit lane the rear of the last vehicle is that stands or crawls there.
pub(super) fn look(roads: &Roads, vehicles: &[Vehicle], queue_m: &mut Vec<Option<f64>>) {
    queue_m.clear();
    queue_m.resize(roads.exits.len(), None);
    for vehicle in vehicles.iter().filter(|one| one.speed_mps < CRAWLS_MPS) {
        for (route, along_m) in vehicle.places() {
            let route = &roads.routes[route];
            if along_m > route.clear_m {
                let rear_m = along_m - vehicle.length_m - route.clear_m;
                let tail_m = &mut queue_m[route.exit];
                *tail_m = Some(tail_m.map_or(rear_m, |tail_m| tail_m.min(rear_m)));
            }
        }
    }
}

/// What a vehicle takes up in a queue.
fn stands_on_m(vehicle: &Vehicle) -> f64 {
    vehicle.length_m + vehicle.driver.standstill_m
}

/// Slower is part of a queue (assumed).
const CRAWLS_MPS: f64 = 2.0;
/// So near to the line even those who creep decide whether to go (assumed).
const DECIDES_M: f64 = 10.0;
/// Nobody stops to the centimetre (assumed).
const SPARE_M: f64 = 1.0;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::right_of_way::Ahead;
    use super::super::signals::Signals;
    use super::super::tests::{cross_roads, node, p1};
    use super::super::vehicles::{Mix, TurnShares};
    use super::super::{Demand, World};

    /// From the south and across, straight on only.
    fn world(seed: u64) -> World {
        let from = |arm, vehicles_per_hour| Demand {
            from: node(arm),
            vehicles_per_hour,
            turns: TurnShares {
                left: 0.0,
                right: 0.0,
            },
            mix: Mix {
                trucks: 0.08,
                buses: 0.03,
            },
        };
        let demand = vec![from(1, 700.0), from(2, 300.0), from(4, 300.0)];
        World::new(cross_roads(), Signals::Fixed(p1()), demand, seed).expect("straight on exists")
    }

    /// The two lanes that lead on to the north.
    const NORTH: [usize; 2] = [7, 8];
    /// Until then nobody stands there yet.
    const FULL: u32 = 5_500;
    /// From then on they are open.
    const OPENS: u32 = 7_500;

    /// Runs a world whose lanes to the north are shut at their end where that is asked, and says how many
    /// came from the south while they were full and after that, and how many across while they were full.
    fn run(seed: u64, shut: impl Fn(u32) -> bool) -> (u32, u32, u32) {
        let mut world = world(seed);
        NORTH.iter().for_each(|&exit| world.open(exit));
        let mut within = BTreeMap::<u32, u32>::new();
        let (mut let_in, mut after, mut across) = (0, 0, 0);
        for step in 0..11_000 {
            let wall = Ahead {
                rear_m: 0.0,
                speed_mps: 0.0,
            };
            let beyond = shut(step).then_some(wall);
            NORTH
                .iter()
                .for_each(|&exit| world.set_beyond(exit, beyond));
            world.step();
            for vehicle in world.vehicles() {
                let route = &world.roads().routes[vehicle.route];
                let there = vehicle.entered.is_some() && vehicle.rear_m() < route.clear_m;
                let steps = within.entry(vehicle.id).or_default();
                *steps += u32::from(there && vehicle.speed_mps < 0.2);
                assert!(*steps < 20, "seed {seed}, step {step}: {vehicle:?}");
            }
            for crossing in world.crossings() {
                let route = &world.roads().routes[crossing.route];
                let from = world.roads().approaches[route.approach].from;
                match (from == node(1), step) {
                    (true, FULL..OPENS) => let_in += 1,
                    (true, OPENS..) => after += 1,
                    (false, FULL..OPENS) => across += 1,
                    _ => {}
                }
            }
        }
        println!("seed {seed}: {let_in} let in, {after} after, {across} across");
        (let_in, after, across)
    }

    #[test]
    fn behind_a_full_exit_nobody_stands_within_the_junction() {
        for seed in 1..=3 {
            let (let_in, after, across) = run(seed, |step| step < OPENS);
            // 33 vehicles are to come across in that time, and 60 can come in three greens.
            assert!(let_in == 0 && after > 40 && across > 20);
        }
    }

    #[test]
    fn into_the_room_that_comes_now_and_then_go_as_many_as_it_holds() {
        // Each half a minute the lanes are open for two seconds: one or two get out of each.
        let (let_in, after, across) = run(4, |step| step < OPENS && step % 300 < 280);
        assert!((4..25).contains(&let_in) && after > 40 && across > 20);
    }
}
