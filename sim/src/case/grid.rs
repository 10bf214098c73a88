//! A grid of junctions such as that of [`super::fourarm`], 200 m apart: what a network costs.

use std::time::Duration;

use anyhow::Result;
use v2x_msg::base::NodeId;

use super::fourarm::{demand, plan, roads};
use crate::network::joined::{Joined, Place};
use crate::plane::Point;
use crate::random::mix;
use crate::world::World;
use crate::world::signals::Signals;

/// So many junctions a side; from each road at the edge come so many vehicles an hour.
pub fn grid(side: u16, vehicles_per_hour: f64, seed: u64) -> Result<(Joined, Vec<World>)> {
    let mut worlds = Vec::new();
    let mut places = Vec::new();
    let count = u32::from(side) * u32::from(side);
    // Rows and columns from 1 on; what has 0 or one more than the side is beyond the edge.
    let number = |column: u16, row: u16| row * (side + 2) + column;
    let inside = |at: u16| (1..=side).contains(&at);
    for row in 1..=side {
        for column in 1..=side {
            let around = [
                (column, row - 1),
                (column + 1, row),
                (column, row + 1),
                (column - 1, row),
            ];
            let demand = around.map(|(column, row)| {
                let from_edge = !inside(column) || !inside(row);
                let flow = if from_edge { vehicles_per_hour } else { 0.0 };
                demand(number(column, row), flow)
            });
            let id = number(column, row);
            let nodes = around.map(|(column, row)| number(column, row));
            let signals = Signals::Fixed(plan(Duration::ZERO)?);
            let seed = mix(seed ^ u64::from(id));
            let world = World::new(
                roads(SPACING_M / 2.0, nodes)?,
                signals,
                demand.to_vec(),
                seed,
            )?;
            worlds.push(world.sharing_ids(places.len() as u32, count));
            places.push(Place {
                node: NodeId { region: None, id },
                origin: Point::new(f64::from(column) * SPACING_M, f64::from(row) * SPACING_M),
            });
        }
    }
    let joined = Joined::new(places, &mut worlds)?;
    Ok((joined, worlds))
}

/// From one junction to the next.
pub const SPACING_M: f64 = 200.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vehicles_come_through_a_small_grid_and_never_touch() {
        let (mut joined, mut worlds) = grid(3, 400.0, 1).expect("a grid");
        let (mut through, mut most) = (0, 0);
        for step in 0..6000 {
            joined.step(&mut worlds);
            let ended = worlds.iter().flat_map(|world| {
                let out = world.left().iter();
                out.filter(|one| !world.goes_on(world.roads().routes[one.route].exit))
            });
            through += ended.filter(|one| one.trip.junctions >= 2).count();
            if step % 10 != 0 {
                continue;
            }
            let bodies: Vec<_> = worlds
                .iter()
                .flat_map(|world| &world.latest().bodies)
                .collect();
            most = most.max(bodies.len());
            for world in &worlds {
                let bodies = &world.latest().bodies;
                for (i, one) in bodies.iter().enumerate() {
                    let hit = bodies[i + 1..].iter().find(|other| one.overlaps(other));
                    assert_eq!(hit, None, "at {:?}: {one:?}", world.now());
                }
            }
        }
        assert!(through > 200, "only {through} came through");
        assert!(most > 80, "only {most} at once");
    }
}
