//! The evidence that somebody drives against its lane: metres gone, within one lane, by one track.
//!
//! What a filter believes of a heading is not enough: a track may jump from lane to lane, or be the second
//! one of a vehicle and lie beside it, over a lane that leads the other way. What such tracks do not do is
//! to go on along one lane, clear of its edges, as far as their speed says, with nobody of their own way
//! beside them. Not here: which lane somebody is on.

use super::scene::{OnLane, Roads, Scene, Spot};

/// A track that is less sure of its place may be on another lane.
pub(super) const SURE_PLACE_M: f64 = 1.0;
/// Who goes against a lane has gone this far against it.
const AGAINST_FOR_M: f64 = 5.0;
/// So near to the edge of a lane it may be in the next one, and the nearer the less its place is known.
const EDGE_M: f64 = 0.5;
/// Of the way that its speed makes at least so much shows in its places.
const GONE_SHARE: f64 = 0.6;
/// From look to look a place goes back or ahead of what the speed says by no more than this.
const JUMP_M: f64 = 3.0;
/// Two tracks this near to each other that go alike may be one vehicle.
const ONE_VEHICLE_M: f64 = 5.0;
/// Their speeds differ by less,
const ALIKE_MPS: f64 = 3.0;
/// and their courses.
const ALIKE_RAD: f64 = 0.5;
/// Longest that having driven the right way speaks against it.
const RIGHT_WAY_S: f64 = 3.0;

/// What has been seen of one track.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Against {
    /// Seconds for it.
    for_s: f64,
    /// Seconds in lanes that lead its way.
    right_s: f64,
    /// Where it is followed: the lane, from where, to where, and how far by its speed.
    run: Option<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    lane: usize,
    from_m: f64,
    at_m: f64,
    driven_m: f64,
    /// For so long it has not been seen there.
    unseen_s: f64,
}

impl Against {
    /// Adds one look, where `after_s` of evidence are asked for.
    pub(super) fn look(
        &mut self,
        step_s: f64,
        after_s: f64,
        spot: &Spot,
        scene: &Scene,
        roads: &Roads,
    ) {
        let on = spot.lane.filter(|_| {
            spot.against && spot.drives() && spot.sigma_m <= SURE_PLACE_M && !is_double(spot, scene)
        });
        let Some(on) = on else {
            let right = spot.course_rad.is_some() && spot.lane.is_some() && !spot.against;
            if right {
                self.right_s = (self.right_s + step_s).min(RIGHT_WAY_S);
            }
            self.fade(step_s);
            return;
        };
        if !self.goes_on(step_s, spot, on) {
            self.for_s = 0.0;
            self.run = Some(Run {
                lane: on.lane,
                from_m: on.along_m,
                at_m: on.along_m,
                driven_m: 0.0,
                unseen_s: 0.0,
            });
            return;
        }
        if on.left_m.abs() + spot.aside_m <= roads.lanes[on.lane].width_m / 2.0 - EDGE_M {
            // More would only make the end late.
            self.for_s = (self.for_s + step_s).min(after_s + RIGHT_WAY_S);
            self.right_s = (self.right_s - step_s).max(0.0);
        }
    }

    /// Whether it is sure enough after this many seconds.
    pub(super) fn is_past(&self, after_s: f64) -> bool {
        let gone = self.run.is_some_and(|run| {
            let gone_m = run.from_m - run.at_m;
            gone_m >= AGAINST_FOR_M && gone_m >= GONE_SHARE * run.driven_m
        });
        gone && self.for_s >= after_s + self.right_s
    }

    /// Whether this place follows the last one, in the same lane and backwards.
    fn goes_on(&mut self, step_s: f64, spot: &Spot, on: OnLane) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| run.lane == on.lane) else {
            return false;
        };
        let step_m = spot.speed_mps * (step_s + run.unseen_s);
        let gone_m = run.at_m - on.along_m;
        if (gone_m - step_m).abs() > JUMP_M {
            return false;
        }
        run.at_m = on.along_m;
        run.driven_m += step_m;
        run.unseen_s = 0.0;
        true
    }

    fn fade(&mut self, step_s: f64) {
        self.for_s = (self.for_s - 2.0 * step_s).max(0.0);
        match &mut self.run {
            Some(run) if self.for_s > 0.0 => run.unseen_s += step_s,
            run => *run = None,
        }
    }
}

/// Whether somebody beside it goes the same way, in a lane that leads there: the vehicle that it is too.
fn is_double(spot: &Spot, scene: &Scene) -> bool {
    let Some(course_rad) = spot.course_rad else {
        return false;
    };
    scene.spots.iter().any(|other| {
        let apart_m = (other.east_m - spot.east_m).hypot(other.north_m - spot.north_m);
        let alike = other.course_rad.is_some_and(|other_rad| {
            super::scene::between(other_rad, course_rad) <= ALIKE_RAD
                && (other.speed_mps - spot.speed_mps).abs() <= ALIKE_MPS
        });
        let near_m = ONE_VEHICLE_M.max(spot.length_m.max(other.length_m) / 2.0 + 2.0);
        other.id != spot.id && !other.against && other.drives() && alike && apart_m <= near_m
    })
}
