//! Is the lane of those who come against one free for long enough to pass whoever is before one?
//!
//! How long it takes is reckoned from who is to be passed; then everybody who comes must still be far when
//! it is over, and the road must be seen so far that nobody else can come.

use v2x_msg::kinds::vir::Behavior;

use super::lanes::{Along, Beside};
use super::{Decision, Room, Verdict};

/// Who passes is so much faster than who is passed, as far as the limit allows.
const FASTER_MPS: f64 = 5.0;
/// Less than this is no passing.
const LEAST_FASTER_MPS: f64 = 1.5;
/// Who passes what stands goes at least so fast.
const CRAWL_MPS: f64 = 3.0;
/// So far to each side one drives behind whoever is before one.
const LANE_M: f64 = 1.5;
/// Who is farther ahead is not what one wants to pass.
const LEADER_WITHIN_M: f64 = 30.0;
/// Nor who goes away from one.
const AWAY_MPS: f64 = 1.0;
/// How much faster than allowed people come whom nobody sees.
const OVER_LIMIT: f64 = 1.1;

impl Room<'_> {
    /// May the asker, who drives against the lane's direction, use it to pass?
    pub(super) fn pass(&self, at: Beside) -> Decision {
        let own = at.along;
        let own_mps = (-own.mps).max(0.0);
        let Some((lasts_s, pass_mps)) = self.passing(&own, own_mps) else {
            return Decision::no(Verdict::NotThere);
        };
        let reserve_s = self.config.reaction.as_secs_f64();
        let mut nearest_m = f64::INFINITY;
        for other in self.others {
            let Some(along) = self.occupied(other) else {
                continue;
            };
            let gap_m = (along.at_m - own.at_m).abs() - along.half_m - own.half_m;
            let needed_m = if along.at_m < own.at_m {
                // Comes against us, or stands, or is passing itself: then as if it stood.
                let comes_mps = along.mps.max(0.0);
                nearest_m = nearest_m.min(gap_m.max(0.0));
                (pass_mps + comes_mps) * (lasts_s + reserve_s) + self.config.least_gap_m
            } else {
                // Behind us, and in that lane: passes too, or has passed by.
                self.needed_m(-along.mps, own_mps)
            };
            if gap_m < self.keeps * needed_m {
                return Decision::no(Verdict::Taken);
            }
        }
        let unseen_mps = OVER_LIMIT * self.target.limit_mps;
        let needed_m = (pass_mps + unseen_mps) * (lasts_s + reserve_s) + self.config.least_gap_m;
        let from_m = own.at_m - own.half_m - needed_m.min(nearest_m);
        let to_m = own.at_m + own.half_m;
        // Beyond the lane's beginning nobody knows who may come.
        if from_m < 0.0 || !self.sight.sees_line(&self.target.centre, from_m, to_m) {
            return Decision::no(Verdict::Unseen);
        }
        Decision {
            verdict: Verdict::Granted,
            // Left of a lane that leads against us: it is on our left too.
            behavior: if own.left_m > 0.0 {
                Behavior::CHANGE_LEFT
            } else {
                Behavior::CHANGE_RIGHT
            },
            makes_room: None,
        }
    }

    /// How long passing takes and how fast one goes; None where one cannot be fast enough.
    fn passing(&self, own: &Along, own_mps: f64) -> Option<(f64, f64)> {
        let change_s = self.config.change.as_secs_f64();
        let Some((gap_m, length_m, leader_mps)) = self.leader(own, own_mps) else {
            // Round something that no sensor took for a road user: out and back.
            return Some((2.0 * change_s, own_mps.max(CRAWL_MPS)));
        };
        let limit_mps = self.target.limit_mps;
        let pass_mps = own_mps.max(limit_mps.min(leader_mps + FASTER_MPS));
        let faster_mps = pass_mps - leader_mps;
        if faster_mps < LEAST_FASTER_MPS {
            return None;
        }
        let back_in_m = self.needed_m(leader_mps, pass_mps);
        let way_m = gap_m + length_m + 2.0 * own.half_m + back_in_m;
        Some((way_m / faster_mps + change_s, pass_mps))
    }

    /// Who drives or stands before the asker in its own lane: how far its tail is, how long it is, and how
    /// fast it goes.
    fn leader(&self, own: &Along, own_mps: f64) -> Option<(f64, f64, f64)> {
        let others = self.others.iter();
        let others = others.filter(|other| other.own_id != self.asker.own_id);
        let before = others.filter_map(|other| {
            let along = self.target.along(other)?;
            let gap_m = own.at_m - along.at_m - along.half_m - own.half_m;
            let same_lane = (along.left_m - own.left_m).abs() < LANE_M;
            let ahead = along.at_m < own.at_m && gap_m < LEADER_WITHIN_M;
            let ahead = ahead && -along.mps < own_mps + AWAY_MPS;
            (same_lane && ahead && !self.target.holds(&along)).then_some((
                gap_m.max(0.0),
                2.0 * along.half_m,
                (-along.mps).max(0.0),
            ))
        });
        before.min_by(|one, other| one.0.total_cmp(&other.0))
    }
}
