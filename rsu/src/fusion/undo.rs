//! What a Kalman filter measured, found again from its state before and after.
//!
//! A filter of positions and velocities that a measurement of either passes through gains information in
//! the blocks of its information matrix that belong to positions and to velocities, and none in the block
//! between them. Who knows the whole covariance before, and of the one after only the blocks on the
//! diagonal, can therefore work out the rest of the latter, and with it how sure the measurement was and
//! what it said. That is exact, and needs two by two matrices only.
//!
//! Whose filter it is, and what is made of the measurement, is said in `tracklet`.

use nalgebra::{Matrix2, Vector2};

use super::filter::{determinant, inverse};

/// The covariance of a position and a velocity, in blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blocks {
    pub(crate) position: Matrix2<f64>,
    /// Of the position (rows) with the velocity (columns).
    pub(crate) both: Matrix2<f64>,
    pub(crate) velocity: Matrix2<f64>,
}

/// What came in between one covariance and another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gained {
    /// Information, of a position and of a velocity.
    pub(crate) position: Matrix2<f64>,
    pub(crate) velocity: Matrix2<f64>,
    /// The whole of it afterwards.
    information: Blocks,
    /// The covariance afterwards.
    pub(crate) after: Blocks,
}

impl Blocks {
    /// Of a filter of which only the blocks on the diagonal are known.
    pub(crate) fn supposed(position: Matrix2<f64>, velocity: Matrix2<f64>) -> Self {
        Self {
            position,
            both: root(&position) * root(&velocity) * TOGETHER,
            velocity,
        }
    }

    /// The same after a time without a measurement; `ageing` is the spectral density of acceleration that
    /// the filter supposes, (m/s²)² s.
    pub(crate) fn aged(&self, dt_s: f64, ageing: f64) -> Self {
        let one = Matrix2::identity() * ageing;
        Self {
            position: self.position
                + (self.both + self.both.transpose()) * dt_s
                + self.velocity * (dt_s * dt_s)
                + one * (dt_s * dt_s * dt_s / 3.0),
            both: self.both + self.velocity * dt_s + one * (0.5 * dt_s * dt_s),
            velocity: self.velocity + one * dt_s,
        }
    }

    /// What has been measured if the blocks on the diagonal are now these.
    pub(crate) fn gained(&self, position: &Matrix2<f64>, velocity: &Matrix2<f64>) -> Gained {
        let before = self.information();
        // In units of what is known now the two blocks have closed forms: each is one more than what the
        // other leaves of the block between them.
        let (p, v) = (root(position), root(velocity));
        let between = p * before.both * v;
        let block = |square: Matrix2<f64>, unit: &Matrix2<f64>| {
            let within = (Matrix2::identity() + root(&(Matrix2::identity() + square * 4.0))) * 0.5;
            let unit = inverse(unit);
            unit * within * unit
        };
        let information = Self {
            position: block(between * between.transpose(), &p),
            both: before.both,
            velocity: block(between.transpose() * between, &v),
        };
        Gained {
            position: information.position - before.position,
            velocity: information.velocity - before.velocity,
            after: Self {
                position: *position,
                both: -position * before.both * inverse(&information.velocity),
                velocity: *velocity,
            },
            information,
        }
    }

    /// The inverse, in the same blocks.
    fn information(&self) -> Self {
        let velocity = inverse(&self.velocity);
        let mut both = self.both;
        let alone = |both: &Matrix2<f64>| self.position - both * velocity * both.transpose();
        // Rounding, and what was supposed, may bind the two closer than can be.
        let can_be = |both: &Matrix2<f64>| {
            let alone = alone(both);
            let least = CLOSEST * CLOSEST * determinant(&self.position);
            alone.trace() > 0.0 && determinant(&alone) > least
        };
        for last in (0..MOST_TRIES).rev() {
            if can_be(&both) {
                break;
            }
            both *= if last == 0 { 0.0 } else { LOOSER };
        }
        if !both.iter().all(|x| x.is_finite()) {
            both = Matrix2::zeros();
        }
        let alone = alone(&both);
        let position = inverse(&alone);
        let between = -position * both * velocity;
        Self {
            position,
            both: between,
            velocity: velocity - velocity * both.transpose() * between,
        }
    }
}

impl Gained {
    /// How far the measured position and velocity were from what had been foreseen, each times the
    /// information that was gained of it; `off` is how far the state is from that now.
    pub(crate) fn pull(
        &self,
        (position, velocity): (Vector2<f64>, Vector2<f64>),
    ) -> (Vector2<f64>, Vector2<f64>) {
        let Blocks {
            position: a,
            both: b,
            velocity: d,
        } = &self.information;
        (
            a * position + b * velocity,
            b.transpose() * position + d * velocity,
        )
    }

    /// All that is known of the position, and of the velocity, where the other were known.
    pub(crate) fn whole(&self) -> (&Matrix2<f64>, &Matrix2<f64>) {
        (&self.information.position, &self.information.velocity)
    }
}

/// The symmetric square root of a covariance.
fn root(m: &Matrix2<f64>) -> Matrix2<f64> {
    let area = determinant(m).sqrt();
    let share = (m.trace() + 2.0 * area).max(f64::MIN_POSITIVE).sqrt();
    (m + Matrix2::identity() * area) / share
}

/// What was gained along the axes of what was gained.
pub(crate) struct Found {
    /// Anything to speak of was.
    pub(crate) any: bool,
    /// How sure the measurement was.
    pub(crate) cov: Matrix2<f64>,
    axes: [Vector2<f64>; 2],
    /// By axis, None where nothing was gained.
    information: [Option<f64>; 2],
}

impl Found {
    /// Of a gain that counts above a share of the whole; where nothing is gained it is as sure as `worst`.
    pub(crate) fn new(gain: &Matrix2<f64>, whole: &Matrix2<f64>, share: f64, worst: f64) -> Self {
        let axes = axes(gain);
        let least = 1.0 / (worst * worst);
        let information = axes.map(|axis| {
            let along = |m: &Matrix2<f64>| axis.dot(&(m * axis));
            let gained = along(gain);
            (gained > least.max(share * along(whole))).then_some(gained)
        });
        let mut cov = Matrix2::zeros();
        for (axis, information) in axes.iter().zip(information) {
            cov += axis * axis.transpose() / information.unwrap_or(least);
        }
        Self {
            any: information.iter().any(Option::is_some),
            cov,
            axes,
            information,
        }
    }

    /// How far it was measured from what was foreseen; along an axis of which nothing is known, as far as the
    /// state is now.
    pub(crate) fn away(&self, pull: Vector2<f64>, off: Vector2<f64>) -> Vector2<f64> {
        let along = self.axes.iter().zip(self.information);
        along
            .map(|(axis, information)| match information {
                Some(information) => axis * (axis.dot(&pull) / information),
                None => axis * axis.dot(&off),
            })
            .sum()
    }
}

/// Along which a symmetric matrix stretches.
pub(crate) fn axes(m: &Matrix2<f64>) -> [Vector2<f64>; 2] {
    let angle = 0.5 * (2.0 * m[(0, 1)]).atan2(m[(0, 0)] - m[(1, 1)]);
    let (sin, cos) = angle.sin_cos();
    [Vector2::new(cos, sin), Vector2::new(-sin, cos)]
}

/// How closely position and velocity of a filter hang together that has measured positions for a while,
/// as a correlation: the root of a half in its steady state.
const TOGETHER: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// So much of a position's variance is its own at least,
const CLOSEST: f64 = 0.01;
/// and where it is not, what is shared is made less by this until it is.
const LOOSER: f64 = 0.8;
/// so many times at most, and then nothing is shared.
const MOST_TRIES: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::filter::{Kalman, matrix};
    use crate::fusion::testing::Dice;

    fn blocks(of: &Kalman) -> Blocks {
        let p = of.p;
        Blocks {
            position: matrix(of.position_cov()),
            both: Matrix2::new(p[2], p[3], p[5], p[6]),
            velocity: matrix(of.velocity_cov()),
        }
    }

    /// A filter of positions and, every other time, of a speed along some direction; what it measured is found
    /// again to rounding, and so is what its position and velocity share.
    #[test]
    fn a_measurement_is_found_again_from_the_covariances_around_it() {
        let mut dice = Dice::new(8);
        let r = Matrix2::new(0.5, 0.1, 0.1, 0.2);
        let mut filter = Kalman::new(Vector2::new(3.0, -2.0), r, 8.0);
        let mut known = blocks(&filter);
        for step in 0..60 {
            let before = filter.x;
            filter.predict(0.1, 1.5);
            known = known.aged(0.1, 1.5);
            let foreseen = filter.x;
            assert!((known.both - blocks(&filter).both).norm() < 1e-6);
            let z = Vector2::new(foreseen[0] + dice.normal(), foreseen[1] + dice.normal());
            filter.update_position(z, &r);
            let speed = (step % 2 == 1).then(|| {
                let sure = Matrix2::new(0.04, 0.0, 0.0, 400.0);
                let z = Vector2::new(before[2] + dice.normal(), 0.0);
                filter.update_velocity(z, &sure);
                (z, sure)
            });
            let now = blocks(&filter);
            let gained = known.gained(&now.position, &now.velocity);
            assert!((gained.position - inverse(&r)).norm() < 1e-3, "{gained:?}");
            assert!((gained.after.both - now.both).norm() < 1e-5, "{gained:?}");
            let off = filter.x - foreseen;
            let (place, velocity) =
                gained.pull((Vector2::new(off[0], off[1]), Vector2::new(off[2], off[3])));
            let measured =
                inverse(&gained.position) * place + Vector2::new(foreseen[0], foreseen[1]);
            assert!((measured - z).norm() < 1e-3, "{measured} for {z}");
            match speed {
                None => assert!(gained.velocity.norm() < 1e-3, "{gained:?}"),
                Some((z, sure)) => {
                    assert!((gained.velocity - inverse(&sure)).norm() < 1e-2);
                    let along = velocity.x / gained.velocity[(0, 0)] + foreseen[2];
                    assert!((along - z.x).abs() < 1e-3, "{along} for {z}");
                }
            }
            known = gained.after;
        }
    }

    #[test]
    fn what_cannot_be_is_bounded() {
        let tight = Blocks {
            position: Matrix2::identity() * 0.1,
            both: Matrix2::identity() * 5.0,
            velocity: Matrix2::identity() * 0.1,
        };
        let gained = tight.gained(&(Matrix2::identity() * 0.2), &(Matrix2::identity() * 1e-9));
        assert!(gained.after.both.iter().all(|x| x.is_finite()));
        let flat = Matrix2::new(0.04, 0.04, 0.04, 0.04);
        let gained = Blocks::supposed(flat, flat).gained(&flat, &flat);
        assert!(gained.after.both.iter().all(|x| x.is_finite()));
    }
}
