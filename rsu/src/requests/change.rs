//! Is there a gap in the lane beside? Held against whoever is in it, now and for as long as a change takes.

use v2x_msg::kinds::vir::Behavior;

use super::lanes::{Along, Beside};
use super::{Decision, Room, Verdict};

/// What nobody minds who is asked to make room, and for how long it is asked.
const EASY_MPS2: f64 = 1.5;
const EASY_S: f64 = 3.0;
/// Who is so slow does not make room by being slower.
const ROLLING_MPS: f64 = 2.0;
/// How much faster than allowed people come whom nobody sees.
const OVER_LIMIT: f64 = 1.1;
/// A lane's centre is so near: there is nothing to change.
const THERE_M: f64 = 0.4;

impl Room<'_> {
    /// May the asker change into the lane, which leads as it drives?
    pub(super) fn change(&self, at: Beside) -> Decision {
        let own = at.along;
        let change_s = self.config.change.as_secs_f64();
        if own.at_m + own.mps.max(0.0) * change_s > self.target.length_m {
            return Decision::no(Verdict::NotThere);
        }
        let (mut free, mut makes_room) = (true, None);
        // The nearest of each side; what is farther drives behind it, seen or not.
        let (mut behind_m, mut before_m) = (f64::INFINITY, f64::INFINITY);
        for other in self.others {
            let Some(along) = self.occupied(other) else {
                continue;
            };
            let gap_m = (along.at_m - own.at_m).abs() - along.half_m - own.half_m;
            let is_behind = along.at_m < own.at_m;
            let nearest_m = if is_behind {
                &mut behind_m
            } else {
                &mut before_m
            };
            *nearest_m = nearest_m.min(gap_m.max(0.0));
            if self.is_clear(&own, &along, gap_m, is_behind, change_s) {
                continue;
            }
            let helper = other.own_id.filter(|_| free && is_behind);
            makes_room = helper.filter(|_| self.would_help(&own, &along, gap_m));
            free = false;
        }
        if !free {
            return Decision {
                makes_room,
                ..Decision::no(Verdict::Taken)
            };
        }
        let unseen_mps = OVER_LIMIT * self.target.limit_mps;
        let closing_m = (unseen_mps - own.mps).max(0.0) * change_s;
        let back_m = (self.needed_m(unseen_mps, own.mps) + closing_m).min(behind_m);
        let ahead_m = (self.needed_m(own.mps, 0.0) + own.mps.max(0.0) * change_s).min(before_m);
        let (from_m, to_m) = (
            own.at_m - own.half_m - back_m,
            own.at_m + own.half_m + ahead_m,
        );
        let line = &self.target.centre;
        if !self.sight.sees_line(line, from_m, to_m) {
            return Decision::no(Verdict::Unseen);
        }
        Decision {
            verdict: Verdict::Granted,
            behavior: match own.left_m {
                left_m if left_m.abs() < THERE_M => Behavior::STRAIGHT_ON,
                left_m if left_m > 0.0 => Behavior::CHANGE_RIGHT,
                _ => Behavior::CHANGE_LEFT,
            },
            makes_room: None,
        }
    }

    /// Whether there is room towards one who is in the lane, now and until the change is done.
    fn is_clear(
        &self,
        own: &Along,
        other: &Along,
        gap_m: f64,
        is_behind: bool,
        change_s: f64,
    ) -> bool {
        let (behind, before) = if is_behind {
            (other, own)
        } else {
            (own, other)
        };
        let needed_m = self.keeps * self.needed_m(behind.mps, before.mps);
        let later_m = gap_m - (behind.mps - before.mps) * change_s;
        gap_m.min(later_m) >= needed_m
    }

    /// Whether there would be room if the one behind slowed down as one does when one means well.
    fn would_help(&self, own: &Along, other: &Along, gap_m: f64) -> bool {
        if gap_m <= 0.0 || other.mps < ROLLING_MPS {
            return false;
        }
        let slowed_mps = (other.mps - EASY_MPS2 * EASY_S).max(0.0);
        let closed_m = ((other.mps + slowed_mps) / 2.0 - own.mps) * EASY_S;
        gap_m - closed_m >= self.needed_m(slowed_mps, own.mps)
    }
}
