//! Who is before somebody on its way: the nearest that drives there, and the nearest that stands in it.
//!
//! Not here: who stands in which ways (`blocks`), and what somebody does about it (`drive`, `brake`).

use super::super::SAME_WAY_COS;
use super::super::ways::Ways;
use super::lanes::{Leader, On, same_place};
use super::mover::is_soft;
use super::shape::half_length_m;
use super::{Predictions, blocks};
use crate::fusion::Picture;

impl Predictions {
    /// The nearest one before it on the same way.
    pub(super) fn leader(
        &self,
        index: usize,
        own: &On,
        picture: &Picture,
        ways: &Ways,
    ) -> Option<Leader> {
        let way = &ways.all[own.way];
        let mut nearest: Option<Leader> = None;
        for (other, on) in self.on.iter().enumerate() {
            let there = &self.movers[other];
            if other == index || is_soft(there.class) || !there.leads {
                continue;
            }
            let mover = &self.movers[other];
            let rear_m = half_length_m(&picture.tracks[mover.place]);
            for on in on {
                let Some(centre_m) = same_place(way, own.way, &ways.all[on.way], on) else {
                    continue;
                };
                let before = centre_m > own.along_m + 1.0;
                if before && nearest.is_none_or(|found| centre_m - rear_m < found.rear_m) {
                    nearest = Some(Leader {
                        id: mover.id,
                        rear_m: centre_m - rear_m,
                        speed_mps: mover.speed_mps,
                        across: false,
                    });
                }
            }
        }
        nearest
    }

    /// The nearest one that stands in its way.
    pub(super) fn block(&self, index: usize, own: &On, ways: &Ways) -> Option<Leader> {
        let block = blocks::nearest(&self.blocks, own.way, own.along_m, index)?;
        let (mover, there) = (&self.movers[index], &self.movers[block.by]);
        let along = ways.all[own.way].at(block.rear_m).direction;
        Some(Leader {
            id: there.id,
            rear_m: block.rear_m,
            speed_mps: there.speed_mps * cos(along, there.direction).max(0.0),
            across: is_soft(there.class) || cos(mover.direction, there.direction) <= SAME_WAY_COS,
        })
    }
}

/// Of the angle between two directions.
fn cos(one: (f64, f64), other: (f64, f64)) -> f64 {
    one.0 * other.0 + one.1 * other.1
}
