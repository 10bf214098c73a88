//! Between editions: what the code that the emitter writes for that calls, and the one type where
//! no rule does it.
//!
//! What gets lost on the way from 2019-07-24 to 2020: the axes of [`FullPositionVector`]'s accuracy,
//! and whether the width of a link was said (zero stands for not). A path of one point, which was
//! a round area, becomes that point twice, as receivers of 2020 expect it. Node and sign keep what
//! Day II adds; whoever reads 2019 passes over it.

use super::{FullPositionVector, List, edition_2019};

/// A value that the other edition cannot hold: a message that it lacks, or more than it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotInEdition;

/// The same value in the other edition.
pub(crate) trait Recast<T> {
    fn recast(self) -> Result<T, NotInEdition>;
}

pub(super) fn recast_list<
    A,
    B: Clone,
    const A_MIN: usize,
    const A_MAX: usize,
    const B_MIN: usize,
    const B_MAX: usize,
>(
    from: List<A, A_MIN, A_MAX>,
    recast: impl Fn(A) -> Result<B, NotInEdition>,
) -> Result<List<B, B_MIN, B_MAX>, NotInEdition> {
    let mut to = List::new();
    for element in from {
        to.push(recast(element)?).map_err(|_| NotInEdition)?;
    }
    // Only a path may be too short: one point, which says the same when said again.
    while let (Some(last), true) = (to.last().cloned(), to.len() < B_MIN) {
        to.push(last).map_err(|_| NotInEdition)?;
    }
    Ok(to)
}

impl Recast<FullPositionVector> for edition_2019::FullPositionVector {
    fn recast(self) -> Result<FullPositionVector, NotInEdition> {
        Ok(FullPositionVector {
            utc_time: self.utc_time.map(Recast::recast).transpose()?,
            pos: self.pos,
            heading: self.heading,
            transmission: self.transmission,
            speed: self.speed,
            pos_accuracy: self.pos_conficence,
            time_confidence: self.time_confidence,
            motion_cfd: self.motion_cfd,
        })
    }
}

impl Recast<edition_2019::FullPositionVector> for FullPositionVector {
    fn recast(self) -> Result<edition_2019::FullPositionVector, NotInEdition> {
        Ok(edition_2019::FullPositionVector {
            utc_time: self.utc_time.map(Recast::recast).transpose()?,
            pos: self.pos,
            heading: self.heading,
            transmission: self.transmission,
            speed: self.speed,
            pos_accuracy: None,
            pos_conficence: self.pos_accuracy,
            time_confidence: self.time_confidence,
            motion_cfd: self.motion_cfd,
        })
    }
}
