//! Several ways of moving made one: mean and covariance of all of them, by how much each counts.
//!
//! Everything is reckoned from where the steady mode is. What the spread between modes adds to the
//! covariance is the sum of how far off each is by how much it counts, times how far it is from the mean;
//! written so, no difference of large squares is taken.

use nalgebra::Vector4;
use wide::f64x2;

use super::filter::{Kalman, triangle};
use super::motion::{BRISK, MODES, Modes, STANDING, STEADY, TURNING};
use super::pair::Pair;
use super::standing::{Plane, Standing};

/// How much each mode counts.
type Shares = [f64; MODES];

/// The mixture of all modes, each counted as [`counts`] has it.
#[inline(always)]
pub(crate) fn mixed(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let going = &modes.going;
    let about = going.x.map(|x| x.to_array()[STEADY]);
    let brisk: [f64; 4] = std::array::from_fn(|i| going.x[i].to_array()[BRISK] - about[i]);
    let pull = brisk.map(|off| count[BRISK] * off);
    let mut mean = pull;
    let turning = (count[TURNING] > 0.0).then(|| {
        let x = modes.turning.x;
        Part::new(&mut mean, count[TURNING], |i| x[i] - about[i])
    });
    let standing = (count[STANDING] > 0.0).then(|| {
        let x = place_and_velocity(&modes.standing);
        Part::new(&mut mean, count[STANDING], |i| x[i] - about[i])
    });
    let away: [f64; 4] = std::array::from_fn(|i| brisk[i] - mean[i]);
    let mut p = triangle(|n, i, j| {
        let [steady, brisk] = going.p[n].to_array();
        count[STEADY] * steady + count[BRISK] * brisk + pull[i] * away[j]
    });
    if let Some(part) = turning {
        let away = part.away(&mean);
        let own = &modes.turning.p;
        p = triangle(|n, i, j| p[n] + count[TURNING] * own[n] + part.pull[i] * away[j]);
    }
    if let Some(part) = standing {
        let away = part.away(&mean);
        p = triangle(|n, i, j| p[n] + part.pull[i] * away[j]);
        add_standing(&mut p, &modes.standing, |own| count[STANDING] * own);
    }
    into.x = Vector4::from_fn(|i, _| about[i] + mean[i]);
    into.p = p;
}

/// The same, but of the covariance only what is of the place. (What is of the velocity, see [`moving`].)
#[inline(always)]
pub(crate) fn placed(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let plane = plane::<PLACE>(modes, count);
    [into.x[0], into.x[1]] = plane.x;
    [into.p[0], into.p[1], into.p[4]] = plane.p;
}

/// The mean of all velocities.
#[inline(always)]
pub(crate) fn heading_for(modes: &Modes, count: &Shares, into: &mut Kalman) {
    [into.x[2], into.x[3]] = [0, 1].map(|i| {
        let [steady, brisk] = modes.going.x[i + 2].to_array();
        let mut sum = count[STEADY] * steady + count[BRISK] * brisk;
        // What has no weight has no state.
        if count[TURNING] > 0.0 {
            sum += count[TURNING] * modes.turning.x[i + 2];
        }
        if count[STANDING] > 0.0 {
            sum += count[STANDING] * modes.standing.velocity.x[i];
        }
        sum
    });
}

/// The mean of all velocities and its covariance, without what place and velocity have to do with each
/// other.
#[inline(always)]
pub(crate) fn moving(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let plane = plane::<VELOCITY>(modes, count);
    [into.x[2], into.x[3]] = plane.x;
    [into.p[7], into.p[8], into.p[9]] = plane.p;
}

/// Lets each mode that can be become a mixture of all: the steady and the brisk one by the first counts, the
/// turning and the standing one by the second.
#[inline(always)]
pub(crate) fn change(modes: &mut Modes, counts: &[[f64x2; MODES]; 2], can: &[bool; MODES]) {
    let place =
        can[STANDING].then(|| plane::<PLACE>(modes, &counts[1].map(|pair| pair.to_array()[1])));
    let turning = can[TURNING].then(|| {
        let mut turning = modes.turning;
        mixed(
            modes,
            &counts[1].map(|pair| pair.to_array()[0]),
            &mut turning,
        );
        turning
    });
    modes.going = going(modes, &counts[0]);
    if let Some(turning) = turning {
        modes.turning = turning;
    }
    if let Some(place) = place {
        modes.standing.place = place;
    }
}

/// The steady and the brisk mode after a change, side by side.
#[inline(always)]
fn going(modes: &Modes, counts: &[f64x2; MODES]) -> Pair {
    let count = |mode: usize| counts[mode];
    let counts = |mode: usize| counts[mode].simd_gt(f64x2::ZERO).any();
    let going = &modes.going;
    let about = going.x.map(|x| f64x2::splat(x.to_array()[STEADY]));
    let off: [f64x2; 4] =
        std::array::from_fn(|i| f64x2::splat(going.x[i].to_array()[BRISK]) - about[i]);
    let pull = off.map(|off| count(BRISK) * off);
    let mut mean = pull;
    let turning = counts(TURNING).then(|| {
        let x = modes.turning.x;
        Part::new(&mut mean, count(TURNING), |i| f64x2::splat(x[i]) - about[i])
    });
    let standing = counts(STANDING).then(|| {
        let x = place_and_velocity(&modes.standing);
        Part::new(&mut mean, count(STANDING), |i| {
            f64x2::splat(x[i]) - about[i]
        })
    });
    let away: [f64x2; 4] = std::array::from_fn(|i| off[i] - mean[i]);
    let mut p = triangle(|n, i, j| {
        let [steady, brisk] = going.p[n].to_array().map(f64x2::splat);
        count(STEADY) * steady + count(BRISK) * brisk + pull[i] * away[j]
    });
    if let Some(part) = turning {
        let away = part.away(&mean);
        let own = modes.turning.p.map(f64x2::splat);
        p = triangle(|n, i, j| p[n] + count(TURNING) * own[n] + part.pull[i] * away[j]);
    }
    if let Some(part) = standing {
        let away = part.away(&mean);
        p = triangle(|n, i, j| p[n] + part.pull[i] * away[j]);
        add_standing(&mut p, &modes.standing, |own| {
            count(STANDING) * f64x2::splat(own)
        });
    }
    Pair {
        x: std::array::from_fn(|i| about[i] + mean[i]),
        p,
    }
}

/// Of the states the numbers from which on [`plane`] is, and where of the triangle.
const PLACE: usize = 0;
const VELOCITY: usize = 2;

/// Place or velocity of the mixture by itself.
#[inline(always)]
fn plane<const OF: usize>(modes: &Modes, count: &Shares) -> Plane {
    let (going, turning) = (&modes.going, &modes.turning);
    let standing = if OF == PLACE {
        &modes.standing.place
    } else {
        &modes.standing.velocity
    };
    let [ee, en, nn] = if OF == PLACE { [0, 1, 4] } else { [7, 8, 9] };
    let ([east, east_b], [north, north_b]) = (going.x[OF].to_array(), going.x[OF + 1].to_array());
    let off = |x: f64, y: f64| (x - east, y - north);
    let brisk = off(east_b, north_b);
    let turn = off(turning.x[OF], turning.x[OF + 1]);
    let stand = off(standing.x[0], standing.x[1]);
    let mut mean = (count[BRISK] * brisk.0, count[BRISK] * brisk.1);
    // What has no weight has no state.
    for (mode, off) in [(TURNING, turn), (STANDING, stand)] {
        if count[mode] > 0.0 {
            mean.0 += count[mode] * off.0;
            mean.1 += count[mode] * off.1;
        }
    }
    let spread = |mode: usize, off: (f64, f64)| {
        let (u, v) = (count[mode] * off.0, count[mode] * off.1);
        let (east, north) = (off.0 - mean.0, off.1 - mean.1);
        [u * east, u * north, v * north]
    };
    let both = |n: usize| {
        let [steady, brisk] = going.p[n].to_array();
        count[STEADY] * steady + count[BRISK] * brisk
    };
    let by_brisk = spread(BRISK, brisk);
    let mut p = [
        both(ee) + by_brisk[0],
        both(en) + by_brisk[1],
        both(nn) + by_brisk[2],
    ];
    if count[TURNING] > 0.0 {
        let (spread, own) = (spread(TURNING, turn), &turning.p);
        p[0] += count[TURNING] * own[ee] + spread[0];
        p[1] += count[TURNING] * own[en] + spread[1];
        p[2] += count[TURNING] * own[nn] + spread[2];
    }
    if count[STANDING] > 0.0 {
        let (spread, own) = (spread(STANDING, stand), &standing.p);
        for n in 0..3 {
            p[n] += count[STANDING] * own[n] + spread[n];
        }
    }
    Plane {
        x: [east + mean.0, north + mean.1],
        p,
    }
}

/// What one mode adds: how far it is off, and that by how much it counts.
struct Part<T> {
    off: [T; 4],
    pull: [T; 4],
}

impl<T: Copy + std::ops::Mul<Output = T> + std::ops::AddAssign + std::ops::Sub<Output = T>>
    Part<T>
{
    /// It pulls the mean along.
    #[inline(always)]
    fn new(mean: &mut [T; 4], count: T, off: impl Fn(usize) -> T) -> Self {
        let off: [T; 4] = std::array::from_fn(off);
        let pull = off.map(|off| count * off);
        for (mean, pull) in mean.iter_mut().zip(pull) {
            *mean += pull;
        }
        Self { off, pull }
    }

    /// How far it is from the mean of all.
    #[inline(always)]
    fn away(&self, mean: &[T; 4]) -> [T; 4] {
        std::array::from_fn(|i| self.off[i] - mean[i])
    }
}

#[inline(always)]
fn place_and_velocity(standing: &Standing) -> [f64; 4] {
    let (place, velocity) = (standing.place.x, standing.velocity.x);
    [place[0], place[1], velocity[0], velocity[1]]
}

/// Adds a standing thing's own covariances to a triangle: its place and velocity share none.
#[inline(always)]
fn add_standing<T: std::ops::AddAssign>(
    p: &mut [T; 10],
    standing: &Standing,
    counted: impl Fn(f64) -> T,
) {
    let ([ee, en, nn], [vee, ven, vnn]) = (standing.place.p, standing.velocity.p);
    for (n, own) in [(0, ee), (1, en), (4, nn), (7, vee), (8, ven), (9, vnn)] {
        p[n] += counted(own);
    }
}

/// How much each mode counts, of 1 in all, by weights of that sum. Modes that hardly count are left out:
/// most things move in one or two ways.
#[inline(always)]
pub(crate) fn counts(weights: [f64x2; 2], sum: f64) -> Shares {
    let kept = weights.map(|pair| keep(pair, f64x2::splat(sum)));
    let [one, other] = (kept[0] + kept[1]).to_array();
    let share = f64x2::splat(1.0 / (one + other));
    let ([a, b], [c, d]) = ((kept[0] * share).to_array(), (kept[1] * share).to_array());
    [a, b, c, d]
}

/// The same for two mixtures side by side, by shares that sum to anything; and their sums.
#[inline(always)]
pub(crate) fn counts_of_two(shares: &[f64x2; MODES]) -> ([f64x2; MODES], f64x2) {
    let [a, b, c, d] = *shares;
    let sum = (a + b) + (c + d);
    let kept = shares.map(|share| keep(share, sum));
    let share = f64x2::ONE / ((kept[0] + kept[1]) + (kept[2] + kept[3]));
    (kept.map(|kept| kept * share), sum)
}

/// Shares of a sum that count.
#[inline(always)]
fn keep(share: f64x2, sum: f64x2) -> f64x2 {
    share & share.simd_gt(sum * f64x2::splat(NEGLIGIBLE))
}

/// Smaller shares of a mixture do not count.
const NEGLIGIBLE: f64 = 1e-3;
