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
    let (going, turning) = (&modes.going, &modes.turning);
    let [steady, brisk] = turned(going.x[VELOCITY], going.x[VELOCITY + 1]);
    let mut sum = f64x2::splat(count[STEADY]) * steady + f64x2::splat(count[BRISK]) * brisk;
    // What has no weight has no state.
    if count[TURNING] > 0.0 {
        let turning = f64x2::new([turning.x[VELOCITY], turning.x[VELOCITY + 1]]);
        sum += f64x2::splat(count[TURNING]) * turning;
    }
    if count[STANDING] > 0.0 {
        sum += f64x2::splat(count[STANDING]) * f64x2::new(modes.standing.velocity.x);
    }
    [into.x[2], into.x[3]] = sum.to_array();
}

/// The mean of all velocities and its covariance, without what place and velocity have to do with each
/// other. (That is in [`crossed`].)
#[inline(always)]
pub(crate) fn moving(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let plane = plane::<VELOCITY>(modes, count);
    [into.x[2], into.x[3]] = plane.x;
    [into.p[7], into.p[8], into.p[9]] = plane.p;
}

/// What place and velocity of the mixture have to do with each other.
#[inline(always)]
pub(crate) fn crossed(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let (going, turning) = (&modes.going, &modes.turning);
    let (place, velocity) = (&modes.standing.place, &modes.standing.velocity);
    // East and north of the velocity side by side.
    let [about, brisk] = turned(going.x[VELOCITY], going.x[VELOCITY + 1]);
    let brisk = brisk - about;
    let mut mean = f64x2::splat(count[BRISK]) * brisk;
    let (mut turn, mut stand) = (f64x2::ZERO, f64x2::ZERO);
    if count[TURNING] > 0.0 {
        turn = f64x2::new([turning.x[VELOCITY], turning.x[VELOCITY + 1]]) - about;
        mean += f64x2::splat(count[TURNING]) * turn;
    }
    if count[STANDING] > 0.0 {
        stand = f64x2::new(velocity.x) - about;
        mean += f64x2::splat(count[STANDING]) * stand;
    }
    for (i, [ve, vn]) in [(PLACE, [2, 3]), (PLACE + 1, [5, 6])] {
        // Off the mean in place or in velocity is the same here: what is added up has no mean in velocity.
        let [about, brisk_off] = going.x[i].to_array();
        let pull = |mode: usize, off: f64| f64x2::splat(count[mode] * (off - about));
        let [steady_own, brisk_own] = turned(going.p[ve], going.p[vn]);
        let mut both = f64x2::splat(count[STEADY]) * steady_own
            + f64x2::splat(count[BRISK]) * brisk_own
            + pull(BRISK, brisk_off) * (brisk - mean);
        if count[TURNING] > 0.0 {
            let own = f64x2::new([turning.p[ve], turning.p[vn]]);
            both +=
                f64x2::splat(count[TURNING]) * own + pull(TURNING, turning.x[i]) * (turn - mean);
        }
        if count[STANDING] > 0.0 {
            both += pull(STANDING, place.x[i]) * (stand - mean);
        }
        [into.p[ve], into.p[vn]] = both.to_array();
    }
}

/// Place and velocity of the mixture, each by itself: the mean and its covariance. The two side by side, for
/// they are reckoned alike.
#[inline(always)]
pub(crate) fn placed_and_moving(modes: &Modes, count: &Shares, into: &mut Kalman) {
    let (going, turning) = (&modes.going, &modes.turning);
    let (place, velocity) = (&modes.standing.place, &modes.standing.velocity);
    let [count_steady, count_brisk, count_turning, count_standing] = count.map(f64x2::splat);
    let [east, east_b] = turned(going.x[0], going.x[2]);
    let [north, north_b] = turned(going.x[1], going.x[3]);
    let brisk = [east_b - east, north_b - north];
    let pull = brisk.map(|off| count_brisk * off);
    let mut mean = pull;
    // What has no weight has no state.
    let (mut turn, mut stand) = ([f64x2::ZERO; 2], [f64x2::ZERO; 2]);
    if count[TURNING] > 0.0 {
        let x = &turning.x;
        turn[0] = f64x2::new([x[0], x[2]]) - east;
        turn[1] = f64x2::new([x[1], x[3]]) - north;
        mean[0] += count_turning * turn[0];
        mean[1] += count_turning * turn[1];
    }
    if count[STANDING] > 0.0 {
        stand[0] = f64x2::new([place.x[0], velocity.x[0]]) - east;
        stand[1] = f64x2::new([place.x[1], velocity.x[1]]) - north;
        mean[0] += count_standing * stand[0];
        mean[1] += count_standing * stand[1];
    }
    let away = [brisk[0] - mean[0], brisk[1] - mean[1]];
    let own = |of_place: usize, of_velocity: usize| {
        let [steady, brisk] = turned(going.p[of_place], going.p[of_velocity]);
        count_steady * steady + count_brisk * brisk
    };
    let mut ee = own(0, 7) + pull[0] * away[0];
    let mut en = own(1, 8) + pull[0] * away[1];
    let mut nn = own(4, 9) + pull[1] * away[1];
    if count[TURNING] > 0.0 {
        let p = &turning.p;
        let (u, v) = (count_turning * turn[0], count_turning * turn[1]);
        let away = [turn[0] - mean[0], turn[1] - mean[1]];
        ee += count_turning * f64x2::new([p[0], p[7]]) + u * away[0];
        en += count_turning * f64x2::new([p[1], p[8]]) + u * away[1];
        nn += count_turning * f64x2::new([p[4], p[9]]) + v * away[1];
    }
    if count[STANDING] > 0.0 {
        let (u, v) = (count_standing * stand[0], count_standing * stand[1]);
        let away = [stand[0] - mean[0], stand[1] - mean[1]];
        ee += count_standing * f64x2::new([place.p[0], velocity.p[0]]) + u * away[0];
        en += count_standing * f64x2::new([place.p[1], velocity.p[1]]) + u * away[1];
        nn += count_standing * f64x2::new([place.p[2], velocity.p[2]]) + v * away[1];
    }
    [into.x[0], into.x[2]] = (east + mean[0]).to_array();
    [into.x[1], into.x[3]] = (north + mean[1]).to_array();
    [into.p[0], into.p[7]] = ee.to_array();
    [into.p[1], into.p[8]] = en.to_array();
    [into.p[4], into.p[9]] = nn.to_array();
}

/// The firsts of two pairs, and the seconds.
#[inline(always)]
fn turned(one: f64x2, other: f64x2) -> [f64x2; 2] {
    let ([a, b], [c, d]) = (one.to_array(), other.to_array());
    [f64x2::new([a, c]), f64x2::new([b, d])]
}

/// Lets each mode that can be become a mixture of all: the steady and the brisk one by the first counts, the
/// turning and the standing one by the second. The first two then go `ahead`, before they are put down.
#[inline(always)]
pub(crate) fn change(
    modes: &mut Modes,
    counts: &[[f64x2; MODES]; 2],
    can: &[bool; MODES],
    ahead: impl Fn(Pair) -> Pair,
) {
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
    let [counts, _] = counts;
    let counted = |mode: usize| counts[mode].simd_gt(f64x2::ZERO).any();
    // Each in one piece, so that what is in registers can stay there.
    modes.going = match (counted(TURNING), counted(STANDING)) {
        (false, false) => ahead(going::<false, false>(modes, counts)),
        (false, true) => ahead(going::<false, true>(modes, counts)),
        (true, false) => ahead(going::<true, false>(modes, counts)),
        (true, true) => ahead(going::<true, true>(modes, counts)),
    };
    if let Some(turning) = turning {
        modes.turning = turning;
    }
    if let Some(place) = place {
        modes.standing.place = place;
    }
}

/// The steady and the brisk mode after a change, side by side; of the others those that count.
#[inline(always)]
fn going<const TURNS: bool, const STANDS: bool>(modes: &Modes, counts: &[f64x2; MODES]) -> Pair {
    let count = |mode: usize| counts[mode];
    let going = &modes.going;
    let about = going.x.map(|x| f64x2::splat(x.to_array()[STEADY]));
    let off: [f64x2; 4] =
        std::array::from_fn(|i| f64x2::splat(going.x[i].to_array()[BRISK]) - about[i]);
    let pull = off.map(|off| count(BRISK) * off);
    let mut mean = pull;
    let turning = TURNS.then(|| {
        let x = modes.turning.x;
        Part::new(&mut mean, count(TURNING), |i| f64x2::splat(x[i]) - about[i])
    });
    let standing = STANDS.then(|| {
        let x = place_and_velocity(&modes.standing);
        Part::new(&mut mean, count(STANDING), |i| {
            f64x2::splat(x[i]) - about[i]
        })
    });
    let away: [f64x2; 4] = std::array::from_fn(|i| off[i] - mean[i]);
    // Each counts its own by what stays, and the other's by what comes over.
    let ([stays, over], [across, kept]) = (count(STEADY).to_array(), count(BRISK).to_array());
    let (stays, over) = (f64x2::new([stays, kept]), f64x2::new([across, over]));
    let mut p = triangle(|n, i, j| {
        let [steady, brisk] = going.p[n].to_array();
        stays * going.p[n] + over * f64x2::new([brisk, steady]) + pull[i] * away[j]
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
    // East and north side by side; of the covariance both variances, and what they share by itself.
    let [about, brisk] = turned(going.x[OF], going.x[OF + 1]);
    let brisk = brisk - about;
    let pull = f64x2::splat(count[BRISK]) * brisk;
    let mut mean = pull;
    // What has no weight has no state.
    let (mut turn, mut stand) = (f64x2::ZERO, f64x2::ZERO);
    if count[TURNING] > 0.0 {
        turn = f64x2::new([turning.x[OF], turning.x[OF + 1]]) - about;
        mean += f64x2::splat(count[TURNING]) * turn;
    }
    if count[STANDING] > 0.0 {
        stand = f64x2::new(standing.x) - about;
        mean += f64x2::splat(count[STANDING]) * stand;
    }
    let spread = |pull: f64x2, off: f64x2| {
        let away = off - mean;
        let ([u, _], [_, north]) = (pull.to_array(), away.to_array());
        (pull * away, u * north)
    };
    let [steady_own, brisk_own] = turned(going.p[ee], going.p[nn]);
    let [steady_both, brisk_both] = going.p[en].to_array();
    let (apart, together) = spread(pull, brisk);
    let mut own =
        f64x2::splat(count[STEADY]) * steady_own + f64x2::splat(count[BRISK]) * brisk_own + apart;
    let mut both = count[STEADY] * steady_both + count[BRISK] * brisk_both + together;
    if count[TURNING] > 0.0 {
        let share = f64x2::splat(count[TURNING]);
        let (apart, together) = spread(share * turn, turn);
        own += share * f64x2::new([turning.p[ee], turning.p[nn]]) + apart;
        both += count[TURNING] * turning.p[en] + together;
    }
    if count[STANDING] > 0.0 {
        let share = f64x2::splat(count[STANDING]);
        let (apart, together) = spread(share * stand, stand);
        own += share * f64x2::new([standing.p[0], standing.p[2]]) + apart;
        both += count[STANDING] * standing.p[1] + together;
    }
    let [ee, nn] = own.to_array();
    Plane {
        x: (about + mean).to_array(),
        p: [ee, both, nn],
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

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix2, Vector2};
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::filter::Noise;

    /// Modes that have gone different ways.
    fn modes(places: [(f64, f64); 4], speeds: [(f64, f64); 4]) -> Modes {
        let state = |n: usize| {
            let place = Vector2::new(places[n].0, places[n].1);
            let mut state = Kalman::new(place, Matrix2::new(0.9, 0.2, 0.2, 0.5), 3.0);
            state.predict(0.3, 2.0);
            state.update_velocity(
                Vector2::new(speeds[n].0, speeds[n].1),
                &Matrix2::new(0.3, 0.1, 0.1, 2.0),
            );
            state
        };
        let (steady, brisk) = (state(STEADY), state(BRISK));
        let mut going = Pair::both(&steady);
        going.predict(0.4, &Noise::over(0.4), [0.3, 6.0]);
        for (pair, brisk) in going.x.iter_mut().zip(&brisk.x) {
            *pair = f64x2::new([pair.to_array()[STEADY], *brisk]);
        }
        Modes {
            going,
            turning: state(TURNING),
            standing: Standing::of(&state(STANDING)),
        }
    }

    proptest! {
        /// Whatever is asked for, and in whatever order, comes to the same.
        #[test]
        fn the_parts_of_a_mixture_are_those_of_the_whole(
            places in prop::array::uniform4((-3.0..3.0f64, -3.0..3.0f64)),
            speeds in prop::array::uniform4((-9.0..9.0f64, -9.0..9.0f64)),
            weights in prop::array::uniform4(0.0..1.0f64),
            (turns, stands) in (any::<bool>(), any::<bool>()),
        ) {
            let modes = modes(places, speeds);
            let of = |on: bool, weight: f64| if on { weight } else { 0.0 };
            let weights = [
                f64x2::new([0.1 + weights[0], weights[1]]),
                f64x2::new([of(turns, weights[2]), of(stands, weights[3])]),
            ];
            let [one, other] = (weights[0] + weights[1]).to_array();
            let count = counts(weights, one + other);
            let nothing = Kalman::new(Vector2::zeros(), Matrix2::zeros(), 0.0);
            let (mut whole, mut parts, mut both) = (nothing, nothing, nothing);
            mixed(&modes, &count, &mut whole);
            placed(&modes, &count, &mut parts);
            heading_for(&modes, &count, &mut parts);
            prop_assert!((parts.velocity() - whole.velocity()).norm() < 1e-9);
            moving(&modes, &count, &mut parts);
            crossed(&modes, &count, &mut parts);
            placed_and_moving(&modes, &count, &mut both);
            crossed(&modes, &count, &mut both);
            for parts in [parts, both] {
                prop_assert!((parts.x - whole.x).norm() < 1e-9, "{parts:?} {whole:?}");
                for (part, whole) in parts.p.iter().zip(&whole.p) {
                    prop_assert!((part - whole).abs() < 1e-9 * (1.0 + whole.abs()));
                }
            }
        }
    }
}
