//! Where a thing is and how fast it goes, with how sure that is: a Kalman filter.
//!
//! The state is position and velocity in the site's frame; between measurements the thing keeps its
//! velocity, disturbed by white acceleration. A measurement is a position, and perhaps a velocity
//! whose error is independent of the position's; the two are applied one after the other, which is
//! the same as both at once and needs 2 by 2 algebra only. A range rate is a velocity that is sure
//! along the beam and knows nothing across it (`report::Velocity::from_range_rate`).
//!
//! Updates are in Joseph form wherever rounding could tell, and one triangle is kept, so that the
//! covariance stays one whatever comes. Nothing here knows sensors, classes or ids.

use nalgebra::{Matrix2, Vector2, Vector4};

use crate::report::Covariance;

/// Position and velocity with their covariance. Order: east, north, east speed, north speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kalman {
    pub(crate) x: Vector4<f64>,
    /// One triangle of the covariance, row by row: half of the room and half of the work of the whole.
    pub(crate) p: [f64; 10],
}

/// What white acceleration of density 1 adds to the variances of a state in a span of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    pub(crate) place: f64,
    pub(crate) both: f64,
    pub(crate) velocity: f64,
}

impl Noise {
    pub(crate) fn over(dt_s: f64) -> Self {
        let a = dt_s.abs();
        Self {
            place: a * a * a / 3.0,
            both: a * dt_s / 2.0,
            velocity: a,
        }
    }
}

/// Two columns of the covariance.
type Columns = [[f64; 2]; 4];

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
    /// Determinant of the covariance by which it was judged.
    pub(crate) det: f64,
}

impl Fit {
    /// Of what took no measurement.
    pub(crate) const NONE: Self = Self {
        d2: f64::INFINITY,
        det: 1.0,
    };
}

impl Kalman {
    /// A thing first seen at `position`; its velocity unknown but for its usual size.
    pub(crate) fn new(position: Vector2<f64>, cov: Matrix2<f64>, speed_sigma_mps: f64) -> Self {
        let v = speed_sigma_mps * speed_sigma_mps;
        let (ee, en, nn) = (cov[(0, 0)], cov[(0, 1)], cov[(1, 1)]);
        Self {
            x: Vector4::new(position.x, position.y, 0.0, 0.0),
            p: [ee, en, 0.0, 0.0, nn, 0.0, 0.0, v, 0.0, v],
        }
    }

    /// Moves on by `dt_s`, which may be negative: the past of this state, less sure than the state.
    ///
    /// `q` is the spectral density of the acceleration, (m/s²)² s.
    pub(crate) fn predict(&mut self, dt_s: f64, q: f64) {
        let dt = dt_s;
        self.x[0] += self.x[2] * dt;
        self.x[1] += self.x[3] * dt;
        // F P F' + Q, written out: many times faster than products of 4 by 4 matrices.
        let noise = Noise::over(dt);
        let (noise_p, noise_pv, noise_v) = (q * noise.place, q * noise.both, q * noise.velocity);
        let [ee, en, eve, evn, nn, nve, nvn, vee, ven, vnn] = self.p;
        self.p = [
            ee + dt * (2.0 * eve + dt * vee) + noise_p,
            en + dt * (evn + nve + dt * ven),
            eve + dt * vee + noise_pv,
            evn + dt * ven,
            nn + dt * (2.0 * nvn + dt * vnn) + noise_p,
            nve + dt * ven,
            nvn + dt * vnn + noise_pv,
            vee + noise_v,
            ven,
            vnn + noise_v,
        ];
    }

    /// How well a position would fit.
    pub(crate) fn fit_position(&self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        let (u, v) = (z.x - self.x[0], z.y - self.x[1]);
        let (a, b, c) = (
            self.p[0] + r[(0, 0)],
            self.p[1] + r[(0, 1)],
            self.p[4] + r[(1, 1)],
        );
        let det = (a * c - b * b).max(LEAST_DETERMINANT);
        let d2 = (u * (c * u - 2.0 * b * v) + a * v * v) / det;
        Fit {
            d2: d2.max(0.0),
            det,
        }
    }

    /// How well a velocity would fit once the position has been taken, as [`Self::update_position`] takes
    /// it.
    pub(crate) fn fit_velocity_after(
        &self,
        (z, r): (Vector2<f64>, &Matrix2<f64>),
        (zv, rv): (Vector2<f64>, &Matrix2<f64>),
    ) -> Fit {
        let s = matrix(self.position_cov()) + r;
        let [_, _, eve, evn, _, nve, nvn, ..] = self.p;
        let vp = Matrix2::new(eve, nve, evn, nvn);
        let gain = vp * inverse(&s);
        let expected = self.velocity() + gain * (z - self.position());
        let sv = matrix(self.velocity_cov()) - gain * vp.transpose() + rv;
        density(&(zv - expected), &sv)
    }

    /// Takes a measured position with its covariance; how well it fitted.
    #[inline]
    pub(crate) fn update_position(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        self.update(Part::Position, z, r)
    }

    /// Takes a measured velocity with its covariance; how well it fitted.
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        self.update(Part::Velocity, z, r)
    }

    pub(crate) fn position(&self) -> Vector2<f64> {
        Vector2::new(self.x[0], self.x[1])
    }

    pub(crate) fn velocity(&self) -> Vector2<f64> {
        Vector2::new(self.x[2], self.x[3])
    }

    pub(crate) fn position_cov(&self) -> Covariance {
        Covariance {
            ee: self.p[0],
            en: self.p[1],
            nn: self.p[4],
        }
    }

    pub(crate) fn velocity_cov(&self) -> Covariance {
        Covariance {
            ee: self.p[7],
            en: self.p[8],
            nn: self.p[9],
        }
    }

    /// Standard deviation of the position along the axis where it is least sure.
    pub(crate) fn position_sigma_m(&self) -> f64 {
        largest_sigma(self.p[0], self.p[1], self.p[4])
    }

    /// Standard deviation of the velocity along the axis where it is least sure.
    pub(crate) fn velocity_sigma_mps(&self) -> f64 {
        largest_sigma(self.p[7], self.p[8], self.p[9])
    }

    #[inline(always)]
    fn update(&mut self, part: Part, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        let [ee, en, eve, evn, nn, nve, nvn, vee, ven, vnn] = self.p;
        let (row, columns): (usize, Columns) = match part {
            Part::Position => (0, [[ee, en], [en, nn], [eve, nve], [evn, nvn]]),
            Part::Velocity => (2, [[eve, evn], [nve, nvn], [vee, ven], [ven, vnn]]),
        };
        let (a, b, c) = (
            columns[row][0] + r[(0, 0)],
            columns[row][1] + r[(0, 1)],
            columns[row + 1][1] + r[(1, 1)],
        );
        let det = (a * c - b * b).max(LEAST_DETERMINANT);
        let (ia, ib, ic) = (c / det, -b / det, a / det);
        let gain = columns.map(|[u, v]| [u * ia + v * ib, u * ib + v * ic]);
        let (u, v) = (z.x - self.x[row], z.y - self.x[row + 1]);
        for (x, gain) in self.x.iter_mut().zip(&gain) {
            *x += gain[0] * u + gain[1] * v;
        }
        // Where the measurement is not surer by far than the state, nothing is lost in the plain form.
        let p = &self.p;
        self.p = if r[(0, 0)] + r[(1, 1)] > PLAIN_ABOVE * (a + c) {
            triangle(|n, i, j| p[n] - gain[i][0] * columns[j][0] - gain[i][1] * columns[j][1])
        } else {
            joseph(p, &columns, &gain, row, r)
        };
        Fit {
            d2: (u * (ia * u + ib * v) + v * (ib * u + ic * v)).max(0.0),
            det,
        }
    }
}

/// (I - K H) P (I - K H)' + K R K', where H picks the two rows from `row` on and `columns` are those
/// of P. Written out: as products of 4 by 4 matrices it took most of a frame's time.
fn joseph(
    p: &[f64; 10],
    columns: &Columns,
    gain: &Columns,
    row: usize,
    r: &Matrix2<f64>,
) -> [f64; 10] {
    let (ra, rb, rc) = (r[(0, 0)], r[(0, 1)], r[(1, 1)]);
    let (first, second) = (columns[row], columns[row + 1]);
    // K R less the two columns of (I - K H) P that the second factor picks: nothing but rounding.
    let mut rest: Columns = [[0.0; 2]; 4];
    for ((rest, column), gain) in rest.iter_mut().zip(columns).zip(gain) {
        let [u, v] = *gain;
        rest[0] = u * ra + v * rb - (column[0] - u * first[0] - v * second[0]);
        rest[1] = u * rb + v * rc - (column[1] - u * first[1] - v * second[1]);
    }
    triangle(|n, i, j| {
        p[n] - gain[i][0] * columns[j][0] - gain[i][1] * columns[j][1]
            + rest[i][0] * gain[j][0]
            + rest[i][1] * gain[j][1]
    })
}

/// A triangle by its entries; each is asked for by its place, row and column. Not a loop, so that the
/// compiler sees which is which.
#[inline(always)]
pub(crate) fn triangle<T>(entry: impl Fn(usize, usize, usize) -> T) -> [T; 10] {
    [
        entry(0, 0, 0),
        entry(1, 0, 1),
        entry(2, 0, 2),
        entry(3, 0, 3),
        entry(4, 1, 1),
        entry(5, 1, 2),
        entry(6, 1, 3),
        entry(7, 2, 2),
        entry(8, 2, 3),
        entry(9, 3, 3),
    ]
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

/// How well `nu` fits under covariance `s`.
pub(crate) fn density(nu: &Vector2<f64>, s: &Matrix2<f64>) -> Fit {
    let det = determinant(s);
    let (a, b, c) = (s[(0, 0)], s[(0, 1)], s[(1, 1)]);
    let d2 = (nu.x * (c * nu.x - 2.0 * b * nu.y) + a * nu.y * nu.y) / det;
    Fit {
        d2: d2.max(0.0),
        det,
    }
}

/// Square root of the larger eigenvalue of a symmetric 2 by 2 matrix.
fn largest_sigma(ee: f64, en: f64, nn: f64) -> f64 {
    let middle = 0.5 * (ee + nn);
    let spread = (0.25 * (ee - nn) * (ee - nn) + en * en).sqrt();
    (middle + spread).max(0.0).sqrt()
}

pub(crate) fn inverse(s: &Matrix2<f64>) -> Matrix2<f64> {
    Matrix2::new(s[(1, 1)], -s[(0, 1)], -s[(1, 0)], s[(0, 0)]) / determinant(s)
}

/// Held above zero: the sum of a covariance and a measurement's is positive but for rounding.
pub(crate) fn determinant(s: &Matrix2<f64>) -> f64 {
    (s[(0, 0)] * s[(1, 1)] - s[(0, 1)] * s[(1, 0)]).max(LEAST_DETERMINANT)
}

/// Share of a measurement in what is expected of it above which the plain update keeps eight digits.
pub(crate) const PLAIN_ABOVE: f64 = 1e-4;
pub(crate) const LEAST_DETERMINANT: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use nalgebra::Matrix4;
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::testing::Dice;

    /// The covariance as a whole.
    fn whole(state: &Kalman) -> Matrix4<f64> {
        let [ee, en, eve, evn, nn, nve, nvn, vee, ven, vnn] = state.p;
        Matrix4::new(
            ee, en, eve, evn, en, nn, nve, nvn, eve, nve, vee, ven, evn, nvn, ven, vnn,
        )
    }

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
        assert!((whole(&at_once) - whole(&in_steps)).norm() < 1e-9);
    }

    #[test]
    fn a_velocity_known_along_the_beam_only_leaves_the_other_direction_open() {
        let mut state = Kalman::new(Vector2::zeros(), Matrix2::identity(), 10.0);
        let along = Covariance::from_axes(0.0, 0.2, 1000.0);
        state.update_velocity(Vector2::new(7.0, 0.0), &matrix(along));
        assert!((state.x[2] - 7.0).abs() < 0.01);
        assert!(state.p[7].sqrt() < 0.21);
        assert!((state.p[9].sqrt() - 10.0).abs() < 0.01);
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
            let p = whole(&before);
            let s = h * p * h.transpose() + r;
            let gain = p * h.transpose() * s.try_inverse().unwrap();
            let z = Vector2::new(3.0, 4.0);
            let mut updated = before;
            updated.update(part, z, &r);
            assert!((updated.x - (before.x + gain * (z - h * before.x))).norm() < 1e-12);
            assert!((whole(&updated) - (p - gain * h * p)).norm() < 1e-12);
        }
    }

    #[test]
    fn fit_of_position_and_velocity_is_the_joint_distance() {
        let mut state = Kalman::new(Vector2::zeros(), Matrix2::identity(), 2.0);
        state.predict(0.5, 1.0);
        let (z, r) = (Vector2::new(0.7, -0.4), Matrix2::identity() * 0.3);
        let (zv, rv) = (Vector2::new(1.0, 1.5), Matrix2::identity() * 0.2);
        let position = state.fit_position(z, &r);
        let velocity = state.fit_velocity_after((z, &r), (zv, &rv));
        let mut s = whole(&state);
        for i in 0..2 {
            s[(i, i)] += 0.3;
            s[(i + 2, i + 2)] += 0.2;
        }
        let nu = Vector4::new(z.x, z.y, zv.x, zv.y) - state.x;
        let joint = nu.dot(&(s.try_inverse().unwrap() * nu));
        let split = position.d2 + velocity.d2;
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
                state.update_position(z, &r);
                if step % 3 == 0 {
                    let z = truth.fixed_rows::<2>(2).into_owned() + noise(&mut dice, &rv);
                    state.update_velocity(z, &rv);
                }
            }
            let error = state.x - truth;
            sum += error.dot(&(whole(&state).try_inverse().unwrap() * error));
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
                if velocity { state.update_velocity(z, &r) } else { state.update_position(z, &r) };
                prop_assert!(state.x.iter().all(|v| v.is_finite()));
                let eigen = whole(&state).symmetric_eigen().eigenvalues;
                prop_assert!(eigen.min() > 0.0, "eigenvalues {eigen}");
            }
        }
    }
}
