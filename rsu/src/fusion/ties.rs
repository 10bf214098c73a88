//! One body that nobody ever lists whole: parts that cannot be vehicles of their own.
//!
//! Each part is followed as a target of its own. Of two long vehicles in a row three things tell a joint from a
//! gap that a driver keeps. Nobody drives a tenth of a second behind another; a gap that is kept grows with the
//! speed, a joint does not; and a bend may bring the middles of two joined parts nearer to each other, but never
//! farther apart than their halves reach. Lengths may be wrong by a metre or two, always the same way, so that how
//! small a gap is says nothing at walking speed: there it must stay what it is while the speed changes.
//!
//! Who is tied to whom is all that is noted here. Parts stay targets of their own, so that they are two again in
//! the very frame in which they part; that they are told as one is in `bodies`. Not here: what is listed whole by
//! anybody now and then (`parts`), and what has no size, for whose gap nobody knows. Who stands in a row and has
//! never been seen to move is a row.

use super::near::Near;
use super::target::Target;
use crate::clock::Mono;
use crate::report::Class;

/// What is known of the one just ahead of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tie {
    /// Whom it follows; 0 for nobody.
    pub(crate) to: u64,
    /// When both were listed in one frame last.
    at: Mono,
    /// From end to end, smoothed.
    gap_m: f32,
    /// So long they have been closer than anybody drives.
    close_s: f32,
    /// Least and most since they are close: speed, and the gap.
    speeds_mps: [f32; 2],
    gaps_m: [f32; 2],
}

/// Notes who of those that a frame of a camera lists may be a part of the one ahead.
pub(crate) fn look(at: Mono, targets: &mut [Target], near: &Near) {
    for behind in 0..targets.len() {
        let target = &targets[behind];
        if !target.seen_now || !target.may_be_joined() {
            continue;
        }
        let (tie, tied) = target.tie_ahead(at, targets, near);
        (targets[behind].tie, targets[behind].tied) = (tie, tied);
    }
}

impl Target {
    /// Cars are hardly ever listed in parts, and drive close.
    fn may_be_joined(&self) -> bool {
        self.confirmed
            && matches!(self.class.best().0, Class::Bus | Class::Truck)
            && self.heading.direction.is_some()
            && self.size.measured().is_some()
    }

    /// What is to be noted of the one ahead after a frame that lists this one.
    fn tie_ahead(&self, at: Mono, targets: &[Target], near: &Near) -> (Tie, bool) {
        let mut ahead: Option<(&Target, f64)> = None;
        let mut parted = false;
        let room_m = if self.tied { LOST_M } else { FARTHEST_M };
        let reach_m = 0.5 * self.extent().length_m + near.largest_m + room_m;
        near.visit(self.state.position(), reach_m, |spot| {
            let other = &targets[usize::from(spot.target)];
            if other.uid == self.uid || !other.confirmed {
                return;
            }
            if !other.seen_now {
                return;
            }
            if !other.may_be_joined() || !self.is_behind(other) {
                parted |= other.uid == self.tie.to;
                return;
            }
            let gap_m = self.gap_m(other);
            if gap_m > FARTHEST_M && other.uid != self.tie.to {
                return;
            }
            if ahead.is_none_or(|(_, least_m)| gap_m < least_m) {
                ahead = Some((other, gap_m));
            }
        });
        match ahead {
            Some((other, gap_m)) => self.tie.seen(at, (self, other), gap_m),
            // Hidden, overlooked or lost: the rest of the body is where it was.
            None if !parted => (self.tie, self.tied),
            None => (Tie::default(), false),
        }
    }

    /// Whether it may follow another one, joined or not: what it is tied to already it may follow round a bend.
    fn is_behind(&self, other: &Target) -> bool {
        let Some((cos, sin)) = self.heading.direction else {
            return false;
        };
        let apart = other.state.position() - self.state.position();
        let (along_m, across_m) = (
            apart.x * cos + apart.y * sin,
            (apart.y * cos - apart.x * sin).abs(),
        );
        if self.tied && self.tie.to == other.uid {
            return along_m > 0.0 && apart.norm() > BENT * self.halves_m(other);
        }
        across_m < BESIDE_M && along_m > OVERLAP * self.halves_m(other)
    }

    /// From the middle of one to that of the other, were they joined in a straight line.
    fn halves_m(&self, other: &Target) -> f64 {
        0.5 * (self.extent().length_m + other.extent().length_m)
    }

    /// From end to end; less where a body bends.
    fn gap_m(&self, other: &Target) -> f64 {
        (other.state.position() - self.state.position()).norm() - self.halves_m(other)
    }
}

impl Tie {
    /// After both were listed in one frame.
    fn seen(&self, at: Mono, (behind, ahead): (&Target, &Target), gap_m: f64) -> (Self, bool) {
        let known = self.to == ahead.uid;
        if known && behind.tied {
            let apart = gap_m > f64::from(self.gap_m) + PARTED_M;
            if !apart {
                return (Self { at, ..*self }, true);
            }
        }
        let speed_mps = behind.state.velocity().norm() as f32;
        let dt_s = (at.seconds_after(self.at) as f32).min(LONGEST_S);
        let goes_on = known && !behind.tied;
        let gap_m = if goes_on {
            self.gap_m + (gap_m as f32 - self.gap_m) * (dt_s / (dt_s + SMOOTH_S))
        } else {
            gap_m as f32
        };
        let begun = Self {
            to: ahead.uid,
            at,
            gap_m,
            close_s: 0.0,
            speeds_mps: [speed_mps; 2],
            gaps_m: [gap_m; 2],
        };
        let velocities = behind.state.velocity() - ahead.state.velocity();
        let headway_m = (CLOSEST_S * speed_mps).max(TOUCHING_M);
        let gaps_m @ [least, most] = widened(self.gaps_m, gap_m);
        let changed = most - least > SAME_GAP_M || velocities.norm() > SAME_SPEED_MPS;
        if !goes_on || changed || gap_m > headway_m {
            return (begun, false);
        }
        let fast = speed_mps > FAST_MPS;
        let speeds_mps @ [slowest, fastest] = widened(self.speeds_mps, speed_mps);
        let close_s = if fast {
            self.close_s + dt_s
        } else {
            self.close_s
        };
        let joined = close_s > CLOSE_FOR_S || fastest - slowest > CHANGED_MPS;
        let tie = Self {
            close_s,
            speeds_mps,
            gaps_m,
            ..begun
        };
        (tie, joined)
    }
}

fn widened([least, most]: [f32; 2], by: f32) -> [f32; 2] {
    [least.min(by), most.max(by)]
}

/// Nobody keeps less time to the one ahead: of drivers on motorways one in a thousand keeps less than 0.3 s.
const CLOSEST_S: f32 = 0.1;
/// What is less apart may touch, as well as lengths are known.
const TOUCHING_M: f32 = 0.8;
/// Faster than this a time gap of 0.1 s is a gap of half a metre, and one of 0.4 s two metres more.
const FAST_MPS: f32 = 6.0;
/// So long they must be closer than anybody drives.
const CLOSE_FOR_S: f32 = 2.0;
/// Or their speed changes by so much: drivers who keep 0.6 s open their gap by 3 m.
const CHANGED_MPS: f32 = 5.0;
/// A gap that stays within this stays what it is.
const SAME_GAP_M: f32 = 0.6;
/// Parts of one body are as fast as each other.
const SAME_SPEED_MPS: f64 = 2.0;
/// What was tied and is so much farther apart has parted: five standard deviations.
const PARTED_M: f64 = 1.5;
/// Who drives so far aside follows nobody.
const BESIDE_M: f64 = 1.2;
/// Parts overlap by no more than lengths are wrong: as a share of their halves.
const OVERLAP: f64 = 0.7;
/// Two halves bent at a right angle are nearer to each other by three tenths, and none bend further.
const BENT: f64 = 0.6;
/// Who was tied and has not been seen for a second may be so far from where it was.
const LOST_M: f64 = 10.0;
/// Farther from end to end nobody is tied.
const FARTHEST_M: f64 = 2.0;
const SMOOTH_S: f32 = 1.0;
/// A longer silence counts as so much.
const LONGEST_S: f32 = 0.5;
