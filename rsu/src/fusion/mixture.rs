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

/// The same, but of the covariance the part of the place alone.
#[inline(always)]
pub(crate) fn placed(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let plane = place(modes, count);
    let (going, turning, standing) = (&modes.going, &modes.turning, &modes.standing.velocity);
    let velocity = |i: usize| {
        let [steady, brisk] = going.x[i + 2].to_array();
        let mut sum = count[STEADY] * steady + count[BRISK] * brisk;
        if count[TURNING] > 0.0 {
            sum += count[TURNING] * turning.x[i + 2];
        }
        if count[STANDING] > 0.0 {
            sum += count[STANDING] * standing.x[i];
        }
        sum
    };
    into.x = Vector4::new(plane.x[0], plane.x[1], velocity(0), velocity(1));
    [into.p[0], into.p[1], into.p[4]] = plane.p;
}

/// Lets each mode that can be become a mixture of all, each counted by counts of its own (row).
#[inline(always)]
pub(crate) fn change(modes: &mut Modes, count: &[Shares; MODES], can: &[bool; MODES]) {
    let place = can[STANDING].then(|| place(modes, &count[STANDING]));
    let mut turning = modes.turning;
    if can[TURNING] {
        mixed(modes, &count[TURNING], &mut turning);
    }
    modes.going = going(modes, &count[STEADY], &count[BRISK]);
    if can[TURNING] {
        modes.turning = turning;
    }
    if let Some(place) = place {
        modes.standing.place = place;
    }
}

/// The steady and the brisk mode after a change, side by side.
#[inline(always)]
fn going(modes: &Modes, steady: &Shares, brisk: &Shares) -> Pair {
    let count = |mode: usize| f64x2::new([steady[mode], brisk[mode]]);
    let counts = |mode: usize| steady[mode] > 0.0 || brisk[mode] > 0.0;
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

/// The place of the mixture: all that counts of what stands.
#[inline(always)]
fn place(modes: &Modes, count: &Shares) -> Plane {
    let (going, turning, standing) = (&modes.going, &modes.turning, &modes.standing.place);
    let ([east, east_b], [north, north_b]) = (going.x[0].to_array(), going.x[1].to_array());
    let off = |x: f64, y: f64| (x - east, y - north);
    let brisk = off(east_b, north_b);
    let turn = off(turning.x[0], turning.x[1]);
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
    let [ee, en, nn] = spread(BRISK, brisk);
    let mut p = [both(0) + ee, both(1) + en, both(4) + nn];
    if count[TURNING] > 0.0 {
        let ([ee, en, nn], own) = (spread(TURNING, turn), &turning.p);
        p[0] += count[TURNING] * own[0] + ee;
        p[1] += count[TURNING] * own[1] + en;
        p[2] += count[TURNING] * own[4] + nn;
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

/// How much each mode counts, of 1 in all, by shares of that sum. Modes that hardly count are left out:
/// most things move in one or two ways.
#[inline(always)]
pub(crate) fn counts(share: &Shares, sum: f64) -> Shares {
    let least = NEGLIGIBLE * sum;
    let mut counts = *share;
    let mut whole = sum;
    for count in &mut counts {
        if *count <= least {
            whole -= *count;
            *count = 0.0;
        }
    }
    let share = 1.0 / whole;
    counts.map(|count| count * share)
}

/// Smaller shares of a mixture do not count.
const NEGLIGIBLE: f64 = 1e-3;
