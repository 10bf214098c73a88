//! Two Kalman filters of one thing, side by side: what `filter` does, for two ways of moving at once.
//!
//! The two differ in how brisk they take the thing to be and in what came of that; everything else is done
//! to both in the same breath, each number of the one beside the same number of the other, so that a
//! processor works on both with one instruction. Nothing here knows how likely either is.

use nalgebra::{Matrix2, Vector2};
use wide::f64x2;

use super::filter::{Fit, Kalman, LEAST_DETERMINANT, Noise, PLAIN_ABOVE, triangle};

/// Two states of motion; in each pair of numbers the first is of the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    /// East, north, east speed, north speed.
    pub(crate) x: [f64x2; 4],
    /// The triangle of each covariance, as in [`Kalman`].
    pub(crate) p: [f64x2; 10],
}

impl Pair {
    /// The same twice.
    pub(crate) fn both(state: &Kalman) -> Self {
        let x: [f64; 4] = state.x.into();
        Self {
            x: x.map(f64x2::splat),
            p: state.p.map(f64x2::splat),
        }
    }

    /// See [`Kalman::predict`], with a density for each; `noise` is that of `dt_s`.
    #[inline]
    pub(crate) fn predict(&mut self, dt_s: f64, noise: &Noise, q: [f64; 2]) {
        let dt = f64x2::splat(dt_s);
        self.x[0] += self.x[2] * dt;
        self.x[1] += self.x[3] * dt;
        let q = f64x2::new(q);
        let noise_p = q * f64x2::splat(noise.place);
        let noise_pv = q * f64x2::splat(noise.both);
        let noise_v = q * f64x2::splat(noise.velocity);
        let [ee, en, eve, evn, nn, nve, nvn, vee, ven, vnn] = self.p;
        let (east, across, north) = (dt * vee, dt * ven, dt * vnn);
        self.p = [
            ee + dt * (eve + eve + east) + noise_p,
            en + dt * (evn + nve + across),
            eve + east + noise_pv,
            evn + across,
            nn + dt * (nvn + nvn + north) + noise_p,
            nve + across,
            nvn + north + noise_pv,
            vee + noise_v,
            ven,
            vnn + noise_v,
        ];
    }

    /// See [`Kalman::update_position`].
    #[inline(always)]
    pub(crate) fn update_position(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> [Fit; 2] {
        let [ee, en, eve, evn, nn, nve, nvn, ..] = self.p;
        self.update::<0>([[ee, en], [en, nn], [eve, nve], [evn, nvn]], z, r)
    }

    /// See [`Kalman::update_velocity`].
    #[inline]
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> [Fit; 2] {
        let [_, _, eve, evn, _, nve, nvn, vee, ven, vnn] = self.p;
        self.update::<2>([[eve, evn], [nve, nvn], [vee, ven], [ven, vnn]], z, r)
    }

    /// Takes a measurement of the two numbers from `ROW` on, with those columns of the covariances.
    #[inline(always)]
    fn update<const ROW: usize>(
        &mut self,
        columns: [[f64x2; 2]; 4],
        z: Vector2<f64>,
        r: &Matrix2<f64>,
    ) -> [Fit; 2] {
        let (ra, rb, rc) = (r[(0, 0)], r[(0, 1)], r[(1, 1)]);
        let [first, second] = [columns[ROW], columns[ROW + 1]];
        let a = first[0] + f64x2::splat(ra);
        let b = first[1] + f64x2::splat(rb);
        let c = second[1] + f64x2::splat(rc);
        let det = (a * c - b * b).fast_max(f64x2::splat(LEAST_DETERMINANT));
        let share = f64x2::ONE / det;
        let (ia, ib, ic) = (c * share, -b * share, a * share);
        let u = f64x2::splat(z.x) - self.x[ROW];
        let v = f64x2::splat(z.y) - self.x[ROW + 1];
        let (towards_u, towards_v) = (ia * u + ib * v, ib * u + ic * v);
        let d2 = (u * towards_u + v * towards_v).fast_max(f64x2::ZERO);
        let gain = columns.map(|[u, v]| [u * ia + v * ib, u * ib + v * ic]);
        for (x, column) in self.x.iter_mut().zip(&columns) {
            *x += column[0] * towards_u + column[1] * towards_v;
        }
        let shrunk = |p: f64x2, i: usize, j: usize| {
            p - gain[i][0] * columns[j][0] - gain[i][1] * columns[j][1]
        };
        self.p = triangle(|n, i, j| shrunk(self.p[n], i, j));
        let [one, other] = (a + c).to_array();
        if ra + rc <= PLAIN_ABOVE * one.max(other) {
            // As `filter` does it: what the plain form loses where the measurement is surer by far.
            let (ra, rb, rc) = (f64x2::splat(ra), f64x2::splat(rb), f64x2::splat(rc));
            let rest: [[f64x2; 2]; 4] = std::array::from_fn(|i| {
                let ([u, v], column) = (gain[i], columns[i]);
                [
                    u * ra + v * rb - (column[0] - u * first[0] - v * second[0]),
                    u * rb + v * rc - (column[1] - u * first[1] - v * second[1]),
                ]
            });
            self.p =
                triangle(|n, i, j| self.p[n] + rest[i][0] * gain[j][0] + rest[i][1] * gain[j][1]);
        }
        let (d2, det) = (d2.to_array(), det.to_array());
        [0, 1].map(|n| Fit {
            d2: d2[n],
            det: det[n],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::filter::matrix;
    use crate::report::Covariance;

    /// One of the two.
    fn half(pair: &Pair, which: usize) -> Kalman {
        Kalman {
            x: pair.x.map(|x| x.to_array()[which]).into(),
            p: pair.p.map(|p| p.to_array()[which]),
        }
    }

    fn same(one: &Kalman, other: &Kalman) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-7 * (1.0 + a.abs().max(b.abs()));
        let places = one.x.iter().zip(other.x.iter());
        let shapes = one.p.iter().zip(&other.p);
        places.chain(shapes).all(|(a, b)| near(*a, *b))
    }

    proptest! {
        #[test]
        fn each_is_what_it_would_be_alone(
            steps in prop::collection::vec(
                (-0.5..1.0f64, -50.0..50.0f64, -50.0..50.0f64, 0.001..100.0f64, 0.05..100.0f64, 0.0..7.0f64, any::<bool>()),
                1..30,
            )
        ) {
            let start = Kalman::new(Vector2::zeros(), Matrix2::identity(), 10.0);
            let mut pair = Pair::both(&start);
            let mut alone = [start; 2];
            for (dt, east, north, along, across, yaw, velocity) in steps {
                let q = [0.3, 6.0];
                pair.predict(dt, &Noise::over(dt), q);
                let r = matrix(Covariance::from_axes(yaw, along, across));
                let z = Vector2::new(east, north);
                let fits = if velocity { pair.update_velocity(z, &r) } else { pair.update_position(z, &r) };
                for n in 0..2 {
                    alone[n].predict(dt, q[n]);
                    let fit = if velocity { alone[n].update_velocity(z, &r) } else { alone[n].update_position(z, &r) };
                    prop_assert!((fit.d2 - fits[n].d2).abs() <= 1e-7 * (1.0 + fit.d2));
                    prop_assert!((fit.det / fits[n].det - 1.0).abs() < 1e-7);
                    prop_assert!(same(&half(&pair, n), &alone[n]), "{:?} {:?}", half(&pair, n), alone[n]);
                }
            }
        }
    }
}
