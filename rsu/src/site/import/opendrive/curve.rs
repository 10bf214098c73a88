//! The reference line of an OpenDRIVE road: lines, arcs, clothoids and cubics, one after the other.
//!
//! ASAM OpenDRIVE 1.8, 9.3 to 9.6. Headings are counter-clockwise from x.

use std::f64::consts::TAU;

/// A cubic `a + b x + c x^2 + d x^3`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cubic(pub(super) [f64; 4]);

impl Cubic {
    pub(super) fn at(self, x: f64) -> f64 {
        let [a, b, c, d] = self.0;
        a + x * (b + x * (c + x * d))
    }

    fn slope(self, x: f64) -> f64 {
        let [_, b, c, d] = self.0;
        b + x * (2.0 * c + x * 3.0 * d)
    }
}

/// The shape of one piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Line,
    /// Curvature in 1/m, positive to the left.
    Arc(f64),
    /// Curvature at its start and at its end.
    Spiral(f64, f64),
    /// Aside over along, in the piece's own axes.
    Poly3(Cubic),
    /// Along and aside over a parameter that goes from 0 to 1, or to the length.
    ParamPoly3 {
        u: Cubic,
        v: Cubic,
        to_one: bool,
    },
}

/// One piece of a reference line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// From the road's start to its own, in metres.
    pub(super) s: f64,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) heading: f64,
    pub(super) length: f64,
    pub(super) shape: Shape,
}

/// A place on the reference line and its direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) heading: f64,
}

/// The place `s` metres along; before the first piece and behind the last, theirs goes on.
pub(super) fn pose(pieces: &[Piece], s: f64) -> Option<Pose> {
    let behind = pieces.partition_point(|piece| piece.s <= s);
    let piece = pieces.get(behind.saturating_sub(1))?;
    let along = (s - piece.s).clamp(0.0, piece.length);
    let (u, v, turn) = piece.local(along);
    let (sin, cos) = piece.heading.sin_cos();
    Some(Pose {
        x: piece.x + u * cos - v * sin,
        y: piece.y + u * sin + v * cos,
        heading: (piece.heading + turn) % TAU,
    })
}

impl Piece {
    /// Along, aside and turned by, in the axes of the piece's start.
    fn local(&self, ds: f64) -> (f64, f64, f64) {
        match self.shape {
            Shape::Line => (ds, 0.0, 0.0),
            Shape::Arc(k) if k.abs() < 1e-12 => (ds, 0.0, 0.0),
            Shape::Arc(k) => ((k * ds).sin() / k, (1.0 - (k * ds).cos()) / k, k * ds),
            Shape::Spiral(start, end) => self.spiral(start, end, ds),
            Shape::Poly3(v) => {
                let u = along_cubic(v, ds);
                (u, v.at(u), v.slope(u).atan())
            }
            Shape::ParamPoly3 { u, v, to_one } => {
                let p = if to_one {
                    ds / self.length.max(1e-9)
                } else {
                    ds
                };
                (u.at(p), v.at(p), v.slope(p).atan2(u.slope(p)))
            }
        }
    }

    /// No closed form: summed by Gauss's rule with five places in every ten metres.
    fn spiral(&self, start: f64, end: f64, ds: f64) -> (f64, f64, f64) {
        let rate = (end - start) / self.length.max(1e-9);
        let turned = |p: f64| p * (start + p * rate / 2.0);
        let parts = (ds / 10.0).ceil().clamp(1.0, 200.0);
        let step = ds / parts;
        let (mut u, mut v) = (0.0, 0.0);
        for part in 0..parts as u32 {
            let middle = (f64::from(part) + 0.5) * step;
            for (place, weight) in GAUSS {
                let (sin, cos) = turned(middle + place * step / 2.0).sin_cos();
                u += weight * cos * step / 2.0;
                v += weight * sin * step / 2.0;
            }
        }
        (u, v, turned(ds))
    }
}

/// How far along its axis a cubic is `ds` metres long.
fn along_cubic(v: Cubic, ds: f64) -> f64 {
    let parts = ds.ceil().clamp(1.0, 256.0);
    let step = ds / parts;
    let mut u = 0.0;
    for _ in 0..parts as u32 {
        let advance = |u: f64| step / 1.0_f64.hypot(v.slope(u));
        let half = u + advance(u) / 2.0;
        u += advance(half);
    }
    u
}

const GAUSS: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189),
    (-0.538_469_310_105_683, 0.478_628_670_499_366),
    (0.0, 0.568_888_888_888_889),
    (0.538_469_310_105_683, 0.478_628_670_499_366),
    (0.906_179_845_938_664, 0.236_926_885_056_189),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn end(shape: Shape, length: f64) -> Pose {
        let piece = Piece {
            s: 0.0,
            x: 0.0,
            y: 0.0,
            heading: 0.0,
            length,
            shape,
        };
        pose(&[piece], length).unwrap()
    }

    fn near(pose: Pose, x: f64, y: f64, heading: f64) {
        let off = (pose.x - x).hypot(pose.y - y);
        assert!(off < 1e-3, "{pose:?}");
        assert!((pose.heading - heading).abs() < 1e-4, "{pose:?}");
    }

    #[test]
    fn an_arc_of_a_quarter_turns_left() {
        let quarter = std::f64::consts::FRAC_PI_2;
        near(end(Shape::Arc(0.1), 10.0 * quarter), 10.0, 10.0, quarter);
    }

    #[test]
    fn a_clothoid_ends_where_the_fresnel_integrals_say() {
        // With theta = s^2 / 2 the end is (C, S): A&S table 7.7, scaled by sqrt(pi).
        // C(1) = 0.779893, S(1) = 0.438259 at s = sqrt(pi), where theta = pi / 2.
        let root = std::f64::consts::PI.sqrt();
        let spiral = Shape::Spiral(0.0, root);
        near(
            end(spiral, root),
            0.779_893 * root,
            0.438_259 * root,
            std::f64::consts::FRAC_PI_2,
        );
    }

    #[test]
    fn a_clothoid_without_change_is_an_arc() {
        let arc = end(Shape::Arc(0.02), 60.0);
        near(
            end(Shape::Spiral(0.02, 0.02), 60.0),
            arc.x,
            arc.y,
            arc.heading,
        );
    }

    #[test]
    fn a_cubic_is_as_long_as_it_says() {
        // A straight line of slope 3 / 4.
        let slope = Cubic([0.0, 0.75, 0.0, 0.0]);
        near(end(Shape::Poly3(slope), 10.0), 8.0, 6.0, 0.75_f64.atan());
        let (u, v) = (Cubic([0.0, 8.0, 0.0, 0.0]), Cubic([0.0, 6.0, 0.0, 0.0]));
        let to_one = true;
        near(
            end(Shape::ParamPoly3 { u, v, to_one }, 10.0),
            8.0,
            6.0,
            0.75_f64.atan(),
        );
    }
}
