//! Where a thing is and how fast it goes, with how sure that is: a Kalman filter.
//!
//! The state is position and velocity in the site's frame; between measurements the thing keeps its
//! velocity, disturbed by white acceleration. A measurement is a position, and perhaps a velocity
//! whose error is independent of the position's; the two are applied one after the other, which is
//! the same as both at once and needs 2 by 2 algebra only. A range rate is a velocity that is sure
//! along the beam and knows nothing across it (`report::Velocity::from_range_rate`).
//!
//! Updates are in Joseph form and one triangle is computed and mirrored, so that the covariance stays
//! one whatever comes. Nothing here knows sensors, classes or ids.

use nalgebra::{Matrix2, Matrix4, Matrix4x2, Vector2, Vector4};

use crate::report::Covariance;

/// Position and velocity with their covariance. Order: east, north, east speed, north speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kalman {
    pub(crate) x: Vector4<f64>,
    pub(crate) p: Matrix4<f64>,
}

/// Which half of the state a measurement is of.
#[derive(Clone, Copy)]
enum Part {
    Position,
    Velocity,
}

/// How well a measurement agrees with what was expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    /// Squared Mahalanobis distance.
    pub(crate) d2: f64,
    /// Natural logarithm of the Gaussian density.
    pub(crate) ln_density: f64,
}

impl Kalman {
    /// A thing first seen at `position`; its velocity unknown but for its usual size.
    pub(crate) fn new(position: Vector2<f64>, cov: Matrix2<f64>, speed_sigma_mps: f64) -> Self {
        let mut p = Matrix4::zeros();
        p.fixed_view_mut::<2, 2>(0, 0).copy_from(&cov);
        let v = speed_sigma_mps * speed_sigma_mps;
        p[(2, 2)] = v;
        p[(3, 3)] = v;
        Self {
            x: Vector4::new(position.x, position.y, 0.0, 0.0),
            p,
        }
    }

    /// Moves on by `dt_s`, which may be negative: the past of this state, less sure than the state.
    ///
    /// `q` is the spectral density of the acceleration, (m/s²)² s.
    pub(crate) fn predict(&mut self, dt_s: f64, q: f64) {
        let dt = dt_s;
        self.x[0] += self.x[2] * dt;
        self.x[1] += self.x[3] * dt;
        // F P F', block by block: many times faster than two products of 4 by 4 matrices.
        let p = &mut self.p;
        for i in 0..2 {
            for j in 0..2 {
                p[(i, j)] += dt * (p[(i, j + 2)] + p[(i + 2, j)] + dt * p[(i + 2, j + 2)]);
            }
        }
        for i in 0..2 {
            for j in 0..2 {
                p[(i, j + 2)] += dt * p[(i + 2, j + 2)];
                p[(j + 2, i)] = p[(i, j + 2)];
            }
        }
        let a = dt.abs();
        let (pp, pv, vv) = (q * a * a * a / 3.0, q * a * dt / 2.0, q * a);
        for (i, j) in [(0, 2), (1, 3)] {
            self.p[(i, i)] += pp;
            self.p[(i, j)] += pv;
            self.p[(j, i)] += pv;
            self.p[(j, j)] += vv;
        }
    }

    /// How well a position, and a velocity if given, would fit. The velocity is judged after the
    /// position has been taken, as [`Self::update`] takes it.
    pub(crate) fn fit(
        &self,
        position: (Vector2<f64>, Matrix2<f64>),
        velocity: Option<(Vector2<f64>, Matrix2<f64>)>,
    ) -> (Fit, Option<Fit>) {
        let (z, r) = position;
        let pp = self.p.fixed_view::<2, 2>(0, 0).into_owned();
        let nu = z - self.position();
        let s = pp + r;
        let first = density(&nu, &s);
        let second = velocity.map(|(zv, rv)| {
            let vp = self.p.fixed_view::<2, 2>(2, 0).into_owned();
            let gain = vp * inverse(&s);
            let expected = self.velocity() + gain * nu;
            let sv = self.p.fixed_view::<2, 2>(2, 2).into_owned() - gain * vp.transpose() + rv;
            density(&(zv - expected), &sv)
        });
        (first, second)
    }

    /// How well a velocity would fit.
    pub(crate) fn fit_velocity(&self, z: Vector2<f64>, r: Matrix2<f64>) -> Fit {
        let s = self.p.fixed_view::<2, 2>(2, 2).into_owned() + r;
        density(&(z - self.velocity()), &s)
    }

    /// Takes a measured position with its covariance.
    pub(crate) fn update_position(&mut self, z: Vector2<f64>, r: Matrix2<f64>) {
        self.update(Part::Position, z, r);
    }

    /// Takes a measured velocity with its covariance.
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: Matrix2<f64>) {
        self.update(Part::Velocity, z, r);
    }

    pub(crate) fn position(&self) -> Vector2<f64> {
        Vector2::new(self.x[0], self.x[1])
    }

    pub(crate) fn velocity(&self) -> Vector2<f64> {
        Vector2::new(self.x[2], self.x[3])
    }

    pub(crate) fn position_cov(&self) -> Covariance {
        Covariance {
            ee: self.p[(0, 0)],
            en: self.p[(0, 1)],
            nn: self.p[(1, 1)],
        }
    }

    pub(crate) fn velocity_cov(&self) -> Covariance {
        Covariance {
            ee: self.p[(2, 2)],
            en: self.p[(2, 3)],
            nn: self.p[(3, 3)],
        }
    }

    /// Standard deviation of the position along the axis where it is least sure.
    pub(crate) fn position_sigma_m(&self) -> f64 {
        largest_sigma(self.p[(0, 0)], self.p[(0, 1)], self.p[(1, 1)])
    }

    /// Standard deviation of the velocity along the axis where it is least sure.
    pub(crate) fn velocity_sigma_mps(&self) -> f64 {
        largest_sigma(self.p[(2, 2)], self.p[(2, 3)], self.p[(3, 3)])
    }

    fn update(&mut self, part: Part, z: Vector2<f64>, r: Matrix2<f64>) {
        let row = match part {
            Part::Position => 0,
            Part::Velocity => 2,
        };
        let columns = self.p.fixed_columns::<2>(row).into_owned();
        let s = columns.fixed_rows::<2>(row).into_owned() + r;
        let gain: Matrix4x2<f64> = columns * inverse(&s);
        let nu = z - self.x.fixed_rows::<2>(row).into_owned();
        self.x += gain * nu;
        self.p = joseph(&self.p, &columns, &gain, row, &r);
    }
}

/// (I - K H) P (I - K H)' + K R K', where H picks the two rows from `row` on and `columns` are those
/// of P. Written out: as products of 4 by 4 matrices it took most of a frame's time.
fn joseph(
    p: &Matrix4<f64>,
    columns: &Matrix4x2<f64>,
    gain: &Matrix4x2<f64>,
    row: usize,
    r: &Matrix2<f64>,
) -> Matrix4<f64> {
    let noise = gain * r;
    // The two columns of (I - K H) P that the second factor picks.
    let mut picked = *columns;
    for i in 0..4 {
        for j in 0..2 {
            picked[(i, j)] -=
                gain[(i, 0)] * columns[(row, j)] + gain[(i, 1)] * columns[(row + 1, j)];
        }
    }
    let mut updated = Matrix4::zeros();
    for i in 0..4 {
        for j in i..4 {
            let left = p[(i, j)] - gain[(i, 0)] * columns[(j, 0)] - gain[(i, 1)] * columns[(j, 1)];
            let value = left
                + (noise[(i, 0)] - picked[(i, 0)]) * gain[(j, 0)]
                + (noise[(i, 1)] - picked[(i, 1)]) * gain[(j, 1)];
            updated[(i, j)] = value;
            updated[(j, i)] = value;
        }
    }
    updated
}

/// The covariance of a report as a matrix.
pub(crate) fn matrix(cov: Covariance) -> Matrix2<f64> {
    Matrix2::new(cov.ee, cov.en, cov.en, cov.nn)
}

impl Covariance {
    /// The variance along a direction given as a unit vector.
    pub(crate) fn along(&self, east: f64, north: f64) -> f64 {
        (self.ee * east * east + 2.0 * self.en * east * north + self.nn * north * north).max(0.0)
    }
}

/// Gaussian density of `nu` under covariance `s`.
pub(crate) fn density(nu: &Vector2<f64>, s: &Matrix2<f64>) -> Fit {
    let d2 = nu.dot(&(inverse(s) * nu)).max(0.0);
    let ln_det = determinant(s).ln();
    Fit {
        d2,
        ln_density: -0.5 * (d2 + ln_det) - LN_TWO_PI,
    }
}

/// Square root of the larger eigenvalue of a symmetric 2 by 2 matrix.
fn largest_sigma(ee: f64, en: f64, nn: f64) -> f64 {
    let middle = 0.5 * (ee + nn);
    let spread = (0.25 * (ee - nn) * (ee - nn) + en * en).sqrt();
    (middle + spread).max(0.0).sqrt()
}

fn inverse(s: &Matrix2<f64>) -> Matrix2<f64> {
    Matrix2::new(s[(1, 1)], -s[(0, 1)], -s[(1, 0)], s[(0, 0)]) / determinant(s)
}

/// Held above zero: the sum of a covariance and a measurement's is positive but for rounding.
fn determinant(s: &Matrix2<f64>) -> f64 {
    (s[(0, 0)] * s[(1, 1)] - s[(0, 1)] * s[(1, 0)]).max(1e-12)
}

const LN_TWO_PI: f64 = 1.837_877_066_409_345_3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::testing::Dice;

    #[test]
    fn a_thing_that_keeps_its_velocity_is_predicted_without_error() {
        let mut state = Kalman::new(Vector2::new(1.0, 2.0), Matrix2::identity(), 1.0);
        state.x[2] = 3.0;
        state.x[3] = -4.0;
        state.predict(0.5, 1.0);
        assert!((state.position() - Vector2::new(2.5, 0.0)).norm() < 1e-12);
    }

    #[test]
    fn prediction_in_steps_is_prediction_at_once() {
        let start = Kalman::new(Vector2::zeros(), Matrix2::identity(), 5.0);
        let (mut at_once, mut in_steps) = (start, start);
        at_once.predict(0.6, 2.0);
        for _ in 0..6 {
            in_steps.predict(0.1, 2.0);
        }
        assert!((at_once.p - in_steps.p).norm() < 1e-9);
    }

    #[test]
    fn a_velocity_known_along_the_beam_only_leaves_the_other_direction_open() {
        let mut state = Kalman::new(Vector2::zeros(), Matrix2::identity(), 10.0);
        let along = Covariance::from_axes(0.0, 0.2, 1000.0);
        state.update_velocity(Vector2::new(7.0, 0.0), matrix(along));
        assert!((state.x[2] - 7.0).abs() < 0.01);
        assert!(state.p[(2, 2)].sqrt() < 0.21);
        assert!((state.p[(3, 3)].sqrt() - 10.0).abs() < 0.01);
    }

    #[test]
    fn the_written_out_update_is_the_textbook_one() {
        let mut state = Kalman::new(
            Vector2::new(1.0, -2.0),
            Matrix2::new(1.0, 0.3, 0.3, 2.0),
            4.0,
        );
        state.predict(0.7, 2.0);
        let (before, r) = (state, Matrix2::new(0.4, -0.1, -0.1, 0.9));
        for (row, part) in [(0, Part::Position), (2, Part::Velocity)] {
            let mut h = nalgebra::Matrix2x4::zeros();
            h[(0, row)] = 1.0;
            h[(1, row + 1)] = 1.0;
            let s = h * before.p * h.transpose() + r;
            let gain = before.p * h.transpose() * s.try_inverse().unwrap();
            let z = Vector2::new(3.0, 4.0);
            let mut updated = before;
            updated.update(part, z, r);
            assert!((updated.x - (before.x + gain * (z - h * before.x))).norm() < 1e-12);
            assert!((updated.p - (before.p - gain * h * before.p)).norm() < 1e-12);
        }
    }

    #[test]
    fn fit_of_position_and_velocity_is_the_joint_distance() {
        let mut state = Kalman::new(Vector2::zeros(), Matrix2::identity(), 2.0);
        state.predict(0.5, 1.0);
        let (z, r) = (Vector2::new(0.7, -0.4), Matrix2::identity() * 0.3);
        let (zv, rv) = (Vector2::new(1.0, 1.5), Matrix2::identity() * 0.2);
        let (position, velocity) = state.fit((z, r), Some((zv, rv)));
        let mut s = state.p;
        for i in 0..2 {
            s[(i, i)] += 0.3;
            s[(i + 2, i + 2)] += 0.2;
        }
        let nu = Vector4::new(z.x, z.y, zv.x, zv.y) - state.x;
        let joint = nu.dot(&(s.try_inverse().unwrap() * nu));
        let split = position.d2 + velocity.unwrap().d2;
        assert!((joint - split).abs() < 1e-9, "{joint} against {split}");
    }

    /// NEES of 4 numbers has mean 4; over 1,000 independent runs 95 % of means lie in 4 +- 0.175.
    #[test]
    fn errors_are_as_large_as_the_covariance_says() {
        const RUNS: usize = 1000;
        let mut dice = Dice::new(7);
        let (q, dt) = (1.5_f64, 0.1_f64);
        let r = Matrix2::new(0.25, 0.08, 0.08, 0.16);
        let rv = Matrix2::new(0.09, 0.0, 0.0, 0.04);
        let mut sum = 0.0;
        for _ in 0..RUNS {
            let mut truth = Vector4::new(0.0, 0.0, 3.0 * dice.normal(), 3.0 * dice.normal());
            let first = truth.fixed_rows::<2>(0).into_owned() + noise(&mut dice, &r);
            let mut state = Kalman::new(first, r, 3.0);
            for step in 0..40 {
                truth = drift(&mut dice, truth, dt, q);
                state.predict(dt, q);
                let z = truth.fixed_rows::<2>(0).into_owned() + noise(&mut dice, &r);
                state.update_position(z, r);
                if step % 3 == 0 {
                    let z = truth.fixed_rows::<2>(2).into_owned() + noise(&mut dice, &rv);
                    state.update_velocity(z, rv);
                }
            }
            let error = state.x - truth;
            sum += error.dot(&(state.p.try_inverse().unwrap() * error));
        }
        let nees = sum / RUNS as f64;
        assert!((3.825..4.175).contains(&nees), "mean NEES {nees}, seed 7");
    }

    /// One exact step of white-acceleration motion: correlated noise on position and velocity.
    fn drift(dice: &mut Dice, x: Vector4<f64>, dt: f64, q: f64) -> Vector4<f64> {
        let mut y = x;
        for (i, j) in [(0, 2), (1, 3)] {
            let (a, b) = (dice.normal(), dice.normal());
            let sigma_v = (q * dt).sqrt();
            let dv = sigma_v * a;
            let dp = sigma_v * dt * (0.5 * a + b / 12f64.sqrt());
            y[i] += x[j] * dt + dp;
            y[j] += dv;
        }
        y
    }

    fn noise(dice: &mut Dice, r: &Matrix2<f64>) -> Vector2<f64> {
        let low = r.cholesky().unwrap().l();
        low * Vector2::new(dice.normal(), dice.normal())
    }

    proptest! {
        #[test]
        fn the_covariance_stays_one_whatever_is_measured(
            steps in prop::collection::vec(
                (-1.0..2.0f64, -1e4..1e4f64, -1e4..1e4f64, 0.01..1000.0f64, 0.01..1000.0f64, 0.0..7.0f64, any::<bool>()),
                1..60,
            )
        ) {
            let mut state = Kalman::new(Vector2::zeros(), Matrix2::identity(), 10.0);
            for (dt, east, north, along, across, yaw, velocity) in steps {
                state.predict(dt, 3.0);
                let r = matrix(Covariance::from_axes(yaw, along, across));
                let z = Vector2::new(east, north);
                if velocity { state.update_velocity(z, r) } else { state.update_position(z, r) }
                prop_assert!(state.x.iter().all(|v| v.is_finite()));
                let eigen = state.p.symmetric_eigen().eigenvalues;
                prop_assert!(eigen.min() > 0.0, "eigenvalues {eigen}");
                prop_assert!((state.p - state.p.transpose()).norm() < 1e-9);
            }
        }
    }
}
