//! A thing that stands: a Kalman filter whose place and velocity know nothing of each other.
//!
//! What stands keeps its place, and its velocity is none but for a tremor, whatever it was before. So
//! neither says anything of the other, and two times two numbers are filtered instead of four. How likely
//! it is that the thing stands is no business of this room.

use nalgebra::{Matrix2, Vector2};

use super::filter::{Fit, Kalman, LEAST_DETERMINANT, PLAIN_ABOVE};

/// Place and velocity of what stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) place: Plane,
    pub(crate) velocity: Plane,
}

/// Two numbers, east and north, with one triangle of their covariance: east, both, north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(crate) x: [f64; 2],
    pub(crate) p: [f64; 3],
}

impl Standing {
    /// The same state, as if place and velocity had nothing to do with each other.
    pub(crate) fn of(state: &Kalman) -> Self {
        let [ee, en, _, _, nn, _, _, vee, ven, vnn] = state.p;
        Self {
            place: Plane {
                x: [state.x[0], state.x[1]],
                p: [ee, en, nn],
            },
            velocity: Plane {
                x: [state.x[2], state.x[3]],
                p: [vee, ven, vnn],
            },
        }
    }

    /// Stands for `dt_s`, of either sign.
    #[inline]
    pub(crate) fn predict(&mut self, dt_s: f64) {
        let creep = CREEP * dt_s.abs();
        self.place.p[0] += creep;
        self.place.p[2] += creep;
        let still = TREMOR_MPS * TREMOR_MPS;
        self.velocity = Plane {
            x: [0.0; 2],
            p: [still, 0.0, still],
        };
    }

    /// See [`Kalman::update_position`].
    #[inline(always)]
    pub(crate) fn update_position(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        self.place.update(z, r)
    }

    /// See [`Kalman::update_velocity`].
    #[inline]
    pub(crate) fn update_velocity(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        self.velocity.update(z, r)
    }
}

impl Plane {
    /// Takes a measurement of both numbers; how well it fitted.
    #[inline(always)]
    fn update(&mut self, z: Vector2<f64>, r: &Matrix2<f64>) -> Fit {
        let [ee, en, nn] = self.p;
        let (ra, rb, rc) = (r[(0, 0)], r[(0, 1)], r[(1, 1)]);
        let (a, b, c) = (ee + ra, en + rb, nn + rc);
        let det = (a * c - b * b).max(LEAST_DETERMINANT);
        let share = 1.0 / det;
        let (ia, ib, ic) = (c * share, -b * share, a * share);
        let (u, v) = (z.x - self.x[0], z.y - self.x[1]);
        let (east_u, east_v) = (ee * ia + en * ib, ee * ib + en * ic);
        let (north_u, north_v) = (en * ia + nn * ib, en * ib + nn * ic);
        self.x[0] += east_u * u + east_v * v;
        self.x[1] += north_u * u + north_v * v;
        self.p = if ra + rc > PLAIN_ABOVE * (a + c) {
            [
                ee - east_u * ee - east_v * en,
                en - east_u * en - east_v * nn,
                nn - north_u * en - north_v * nn,
            ]
        } else {
            // The same as a product: where the measurement is surer by far, a difference loses digits.
            [
                east_u * ra + east_v * rb,
                0.5 * (east_u * rb + east_v * rc + north_u * ra + north_v * rb),
                north_u * rb + north_v * rc,
            ]
        };
        Fit {
            d2: (u * (ia * u + ib * v) + v * (ib * u + ic * v)).max(0.0),
            det,
        }
    }
}

/// How fast the place of a standing thing becomes unsure, m²/s: what stands stays, and errors of sensors that last are
/// followed beside it.
const CREEP: f64 = 0.002;
const TREMOR_MPS: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands as a whole state of four numbers.
    fn whole(standing: &Standing) -> Kalman {
        let ([ee, en, nn], [vee, ven, vnn]) = (standing.place.p, standing.velocity.p);
        let (place, velocity) = (standing.place.x, standing.velocity.x);
        Kalman {
            x: [place[0], place[1], velocity[0], velocity[1]].into(),
            p: [ee, en, 0.0, 0.0, nn, 0.0, 0.0, vee, ven, vnn],
        }
    }

    #[test]
    fn what_stands_takes_measurements_as_any_thing_without_a_link_between_place_and_velocity() {
        let start = Kalman::new(
            Vector2::new(1.0, -2.0),
            Matrix2::new(1.0, 0.3, 0.3, 2.0),
            4.0,
        );
        let mut standing = Standing::of(&start);
        standing.predict(0.3);
        for r in [
            Matrix2::new(0.4, -0.1, -0.1, 0.9),
            Matrix2::new(1e-5, 2e-6, 2e-6, 3e-5),
        ] {
            let mut alone = whole(&standing);
            let (z, zv) = (Vector2::new(1.3, -1.0), Vector2::new(0.2, -0.1));
            let fits = [
                (
                    alone.update_position(z, &r),
                    standing.update_position(z, &r),
                ),
                (
                    alone.update_velocity(zv, &r),
                    standing.update_velocity(zv, &r),
                ),
            ];
            for (alone, standing) in fits {
                assert!((alone.d2 - standing.d2).abs() < 1e-9 * (1.0 + alone.d2));
                assert!((alone.det / standing.det - 1.0).abs() < 1e-9);
            }
            let halves = whole(&standing);
            assert!((alone.x - halves.x).norm() < 1e-12);
            for (one, other) in alone.p.iter().zip(&halves.p) {
                assert!((one - other).abs() < 1e-9, "{alone:?} {halves:?}");
            }
        }
    }
}
