//! Emergency vehicles on duty, and those who hear them: who holds back at the junction, and who has one behind.
//!
//! Whoever could cross the way of a siren and can still stop waits at the stop line, as long as the siren comes:
//! one that stands in a queue itself passes nobody, and nobody waits for it. Where several come, the first to
//! pass its stop line goes first, before that the one that has been on the road for longer; who has one behind
//! waits only for those that go before it, and so clears its way. That is a strict order, and whom anybody waits
//! for moves: so no two of them, nor their queues, wait for each other. Known limit: one that has passed a red
//! light may stand for ever behind a permissive left turn that waits for somebody who waits for it. Not here:
//! who moves over for one ([`super::lanes`]).

use super::right_of_way::{STANDING_MPS, Scene};
use super::roads::Zone;
use super::vehicles::Vehicle;

impl Scene<'_> {
    /// Whether `vehicle` hears a siren that comes across its way, and can still stop.
    pub(super) fn holds_back(&self, vehicle: &Vehicle) -> bool {
        let mut sirens = self.lookup.sirens(self.vehicles).peekable();
        if sirens.peek().is_none() || vehicle.siren {
            return false;
        }
        let route = self.route(vehicle);
        let left_m = (route.stop_m - vehicle.along_m).max(0.01);
        let needed_mps2 = vehicle.speed_mps * vehicle.speed_mps / (2.0 * left_m);
        if needed_mps2 > vehicle.driver.braking_mps2 {
            return false;
        }
        let mut coming = sirens.filter(|siren| {
            let theirs = self.route(siren);
            let near = theirs.stop_m - siren.along_m < SIREN_HEARD_M;
            let zone = route.zones.iter().find(|zone| zone.other == siren.route);
            near && zone.is_some_and(|zone| {
                let out_m = zone.other_leave_m.max(theirs.clear_m);
                siren.rear_m() < out_m && !self.is_held_up(siren, zone)
            })
        });
        let Some(first) = coming.by_ref().map(place).min() else {
            return false;
        };
        let behind = self.sirens_behind(vehicle).map(place).min();
        behind.is_none_or(|behind| first < behind)
    }

    /// Whether an emergency vehicle comes close behind.
    pub(super) fn siren_behind(&self, vehicle: &Vehicle) -> bool {
        self.sirens_behind(vehicle).next().is_some()
    }

    /// Whether somebody stands before a siren, so that it does not come to where it would cross the way of
    /// others.
    fn is_held_up(&self, siren: &Vehicle, zone: &Zone) -> bool {
        let own = (siren.route, siren.along_m);
        let left_m = zone.other_enter_m - siren.along_m;
        let standing = self.vehicles.iter().filter(|other| {
            let here = other.id == siren.id;
            !here && other.speed_mps < STANDING_MPS
        });
        let mut there = standing.flat_map(|other| other.places().map(move |place| (other, place)));
        there.any(|(other, place)| {
            let gap_m = self.gap_on_m(siren, own, other, place);
            gap_m.is_some_and(|gap_m| gap_m < left_m)
        })
    }

    /// Emergency vehicles close behind.
    fn sirens_behind(&self, vehicle: &Vehicle) -> impl Iterator<Item = &Vehicle> {
        let own = (vehicle.route, vehicle.along_m);
        let sirens = self.lookup.sirens(self.vehicles);
        sirens.filter(move |siren| {
            let gap_m = self.gap_on_m(siren, (siren.route, siren.along_m), vehicle, own);
            siren.id != vehicle.id && gap_m.is_some_and(|gap_m| gap_m < ROOM_FOR_SIREN_M)
        })
    }
}

/// Its place among the sirens: the first goes first.
fn place(siren: &Vehicle) -> (u64, u32) {
    (siren.entered.unwrap_or(u64::MAX), siren.id)
}

/// A siren is heeded from so far before its stop line on (assumed).
const SIREN_HEARD_M: f64 = 80.0;
/// Nearer before a siren one makes room (assumed).
pub(super) const ROOM_FOR_SIREN_M: f64 = 80.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rsu::clock::Mono;
    use v2x_msg::base::LaneId;

    use super::super::lines::{Line, Service};
    use super::super::roads::{Roads, Turn};
    use super::super::signals::Signals;
    use super::super::tests::{cross_roads, node, p1};
    use super::super::vehicles::{Mix, TurnShares};
    use super::super::{Demand, World};

    /// From so many arms ambulances that meet at the junction again and again, through traffic.
    fn world(roads: Roads, signals: Signals, lines: &[(u16, Turn)], seed: u64) -> World {
        let demand = (1..=4).map(|arm| Demand {
            from: node(arm),
            vehicles_per_hour: 550.0,
            turns: TurnShares {
                left: 0.2,
                right: 0.2,
            },
            mix: Mix {
                trucks: 0.08,
                buses: 0.03,
            },
        });
        let line = |&(arm, turn): &(u16, Turn)| Line {
            service: Service::Emergency,
            from: node(arm),
            lane: LaneId::new(if turn == Turn::Left { 1 } else { 2 }).expect("1 or 2"),
            turn,
            first: Mono::ZERO + Duration::from_secs(60),
            // No multiple of the cycle: each time they meet at another light.
            every: Some(Duration::from_secs(67)),
            until: Mono::NEVER,
            stop: None,
        };
        World::new(roads, signals, demand.collect(), seed)
            .and_then(|world| {
                let world = world.with_lane_changes();
                world.with_lines(lines.iter().map(line).collect())
            })
            .expect("all turns exist")
    }

    /// Nobody who is on duty takes longer than this to its stop line and over the junction: the way in 20 s,
    /// and two reds.
    const LONGEST_S: f64 = 180.0;

    fn all_come_through(mut world: World) {
        let (mut longest_s, mut through) = (0.0_f64, 0);
        for _ in 0..9_000 {
            world.step();
            let crossings = world.crossings().iter();
            let sirens = crossings.filter(|crossing| {
                let mut vehicles = world.vehicles().iter();
                vehicles.any(|one| one.id == crossing.vehicle && one.siren)
            });
            through += sirens.count();
            for siren in world.vehicles().iter().filter(|one| one.siren) {
                let late_s = world.now().seconds_after(siren.appeared);
                assert!(late_s < LONGEST_S, "{:?}: {siren:?}", world.now());
                longest_s = longest_s.max(late_s);
            }
        }
        println!("{through} came through, after {longest_s:.0} s at the most");
        assert!(through >= 20, "{through}");
    }

    #[test]
    fn no_two_sirens_wait_for_each_other_for_ever() {
        for seed in 1..=4 {
            let lines = [(1, Turn::Straight), (2, Turn::Straight)];
            all_come_through(world(cross_roads(), Signals::Fixed(p1()), &lines, seed));
        }
    }
}
