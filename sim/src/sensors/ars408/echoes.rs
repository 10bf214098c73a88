//! What makes echoes less than objects: cells that merge, walls that mirror, places that always echo.
//!
//! For radars whose scenario has `[radar-model.echoes]`; without it a radar is a good one that tells
//! all road users apart. Known and assumed:
//! - Two echoes within one cell of range, angle and speed at once are one, at the mean weighted by
//!   their powers, under the number of the stronger (how any FMCW radar resolves; the sizes of cells:
//!   TI states 1 m and 0.4 m/s for a traffic design with the IWR1642, the angle is assumed).
//! - A wall mirrors: the road user is seen once more where a mirror would show it, if the line meets
//!   the wall. Its power there is 10 dB less (assumed).
//! - By Doppler alone a radar knows the speed along the beam; across it, it says 0 and is not sure.
//! - What comes neither nearer nor recedes is taken for ground and left out.
//! - Posts and rails are echoed now and then, always at the same places (assumed: in one of three
//!   cycles).

use rsu::inputs::ars408::SensedObject;
use rsu::inputs::ars408::wire::Measurement;
use rsu::report::Class;
use serde::Deserialize;

use super::{MOST_OBJECTS, Radar};
use crate::plane::Point;
use crate::random::{Purpose, Stream};
use crate::scenario::RadarModel;
use crate::sensors::View;
use crate::sensors::sight::{Eye, crossed};
use crate::world::snapshot::{Body, Snapshot};

/// How a radar's echoes are less than objects.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EchoModel {
    /// Two echoes that are nearer than this along the beam,
    pub cell_m: f64,
    /// nearer than this in angle,
    pub cell_deg: f64,
    /// and differ less than this in speed along the beam, are one.
    pub cell_mps: f64,
    /// What is slower than this along the beam is not seen.
    pub still_mps: f64,
    /// Chance that a wall shows somebody whom it could.
    pub mirror_detection: f64,
    /// Posts and rails that echo, of each radar.
    pub posts: u32,
}

/// One echo before it is said.
#[derive(Clone, Copy, Debug)]
struct Echo {
    /// What would be said of it.
    said: SensedObject,
    /// Seen in this cycle, not carried on.
    fresh: bool,
}

impl Radar {
    /// What is left of that where echoes are less than objects.
    pub(super) fn listen(&mut self, model: &EchoModel, view: &View<'_>) -> Vec<SensedObject> {
        let whole = mirrored(view.scene, view.walls, &self.eye);
        self.forget(&whole);
        let mut echoes = Vec::new();
        for body in &whole.bodies {
            let said = if self.is_ground(model, body) {
                self.predict(body.id)
            } else {
                self.look_at(body, view)
            };
            let Some(mut said) = said else { continue };
            let fresh = said.measurement != Measurement::Predicted;
            self.keep_radial(&mut said);
            if is_mirrored(body.id) {
                said.rcs_dbm2 -= MIRROR_LOSS_DB;
                said.class = Class::Unknown;
            }
            echoes.push(Echo { said, fresh });
        }
        merge(model, &mut echoes);
        let mut said: Vec<SensedObject> = echoes.into_iter().map(|echo| echo.said).collect();
        self.hear_posts(&mut said);
        said
    }

    /// Whether it comes neither nearer nor recedes.
    fn is_ground(&self, model: &EchoModel, body: &Body) -> bool {
        let beam = body.centre.minus(self.eye.place).direction();
        (body.direction.dot(beam) * body.speed_mps).abs() < model.still_mps
    }

    /// Leaves of its velocity what Doppler tells.
    fn keep_radial(&self, said: &mut SensedObject) {
        let range_m = said.forward_m.hypot(said.left_m).max(1.0);
        let beam = (said.forward_m / range_m, said.left_m / range_m);
        let along_mps = said.forward_mps * beam.0 + said.left_mps * beam.1;
        (said.forward_mps, said.left_mps) = (along_mps * beam.0, along_mps * beam.1);
        let sigma_mps = self.model.speed_sigma_mps;
        said.sigma_forward_mps = (sigma_mps * beam.0).hypot(ACROSS_MPS * beam.1);
        said.sigma_left_mps = (sigma_mps * beam.1).hypot(ACROSS_MPS * beam.0);
    }

    /// Posts and rails, now and then.
    fn hear_posts(&self, said: &mut Vec<SensedObject>) {
        let mut draw = self.stream(0, Purpose::Detection);
        for (i, &(forward_m, left_m)) in self.posts.iter().enumerate() {
            let heard = draw.chance(POST_HEARD);
            let (deep_m, aside_m) = (draw.normal(), draw.normal());
            if heard {
                said.push(SensedObject {
                    id: MOST_OBJECTS + i as u8,
                    forward_m: forward_m + self.model.range_sigma_m * deep_m,
                    left_m: left_m + 0.3 * aside_m,
                    class: Class::Unknown,
                    measurement: Measurement::Measured,
                    existence: 0.6,
                    length_m: 0.6,
                    width_m: 0.6,
                    rcs_dbm2: 0.0,
                    ..SensedObject::default()
                });
            }
        }
    }
}

/// Where a radar's posts and rails are.
pub(super) fn posts(model: &RadarModel, seed: u64, index: u64) -> Vec<(f64, f64)> {
    let count = model.echoes.map_or(0, |echoes| echoes.posts);
    let mut draw = Stream::new(seed, index << 32, Purpose::Extent);
    let half = model.near_half_angle_deg.to_radians().tan();
    let posts = (0..count.min(MOST_POSTS)).map(|_| {
        let forward_m = draw.between(8.0, model.near_range_m);
        (forward_m, forward_m * half * draw.between(-0.9, 0.9))
    });
    posts.collect()
}

/// Leaves one of those that share a cell.
fn merge(model: &EchoModel, echoes: &mut Vec<Echo>) {
    // The strongest first: it keeps its number.
    echoes.sort_by(|a, b| {
        let order = b.said.rcs_dbm2.total_cmp(&a.said.rcs_dbm2);
        order.then(a.said.id.cmp(&b.said.id))
    });
    let mut left: Vec<(Echo, f64)> = Vec::with_capacity(echoes.len());
    for echo in echoes.drain(..) {
        let power = power(&echo.said);
        let same = left.iter_mut().find(|(other, _)| {
            echo.fresh && other.fresh && one_cell(model, &other.said, &echo.said)
        });
        match same {
            Some((stronger, sum)) => {
                let share = power / (*sum + power);
                let mix = |to: &mut f64, from: f64| *to += (from - *to) * share;
                let (into, from) = (&mut stronger.said, &echo.said);
                mix(&mut into.forward_m, from.forward_m);
                mix(&mut into.left_m, from.left_m);
                mix(&mut into.forward_mps, from.forward_mps);
                mix(&mut into.left_mps, from.left_mps);
                *sum += power;
            }
            None => left.push((echo, power)),
        }
    }
    echoes.extend(left.into_iter().map(|(echo, _)| echo));
}

fn one_cell(model: &EchoModel, a: &SensedObject, b: &SensedObject) -> bool {
    let range = |one: &SensedObject| one.forward_m.hypot(one.left_m);
    let angle = |one: &SensedObject| one.left_m.atan2(one.forward_m).to_degrees();
    let speed = |one: &SensedObject| {
        (one.forward_mps * one.forward_m + one.left_mps * one.left_m) / range(one).max(1.0)
    };
    (range(a) - range(b)).abs() < model.cell_m
        && (angle(a) - angle(b)).abs() < model.cell_deg
        && (speed(a) - speed(b)).abs() < model.cell_mps
}

fn power(said: &SensedObject) -> f64 {
    10_f64.powf(said.rcs_dbm2 / 10.0)
}

/// The scene with what the walls show of it, under numbers of their own.
fn mirrored(scene: &Snapshot, walls: &[Body], eye: &Eye) -> Snapshot {
    let mut whole = scene.clone();
    for (i, wall) in walls.iter().take(MOST_MIRRORS).enumerate() {
        let first = FIRST_MIRRORED + ((i as u32) << MIRROR_BITS);
        for body in &scene.bodies {
            whole
                .bodies
                .extend(image(body, wall, eye).map(|shown| Body {
                    id: first + body.id,
                    ..shown
                }));
        }
    }
    whole
}

/// Whether a number is of what a wall shows.
pub(super) const fn is_mirrored(id: u32) -> bool {
    id >= FIRST_MIRRORED
}

/// What a wall shows of a body to somebody before it: on its longer side that is turned to both.
fn image(body: &Body, wall: &Body, eye: &Eye) -> Option<Body> {
    let (face, half_m) = if wall.length_m >= wall.width_m {
        (wall.direction.left(), wall.width_m / 2.0)
    } else {
        (wall.direction, wall.length_m / 2.0)
    };
    let off_m = |place: Point| place.minus(wall.centre).dot(face);
    let (ours_m, theirs_m) = (off_m(eye.place), off_m(body.centre));
    if ours_m.abs() <= half_m || theirs_m.abs() <= half_m || ours_m * theirs_m <= 0.0 {
        return None;
    }
    let surface_m = half_m.copysign(ours_m);
    let turned = |way: Point| way.minus(face.times(2.0 * way.dot(face)));
    let centre = body.centre.minus(face.times(2.0 * (theirs_m - surface_m)));
    // The line to what the mirror shows must meet the wall.
    crossed(eye.place, centre, wall)?;
    Some(Body {
        centre,
        direction: turned(body.direction),
        ..*body
    })
}

/// Posts have numbers of their own beyond those of objects.
const MOST_POSTS: u32 = 100;
/// And are heard in this share of cycles.
const POST_HEARD: f64 = 0.33;
/// What a wall shows echoes so much less.
const MIRROR_LOSS_DB: f64 = 10.0;
/// Doppler does not tell the speed across the beam: about as fast as traffic goes.
const ACROSS_MPS: f64 = 8.0;
/// Walls that mirror; more are left out.
const MOST_MIRRORS: usize = 8;
/// Numbers of road users have so many bits.
const MIRROR_BITS: u32 = 26;
const FIRST_MIRRORED: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::vehicles::Kind;
    use rsu::clock::Mono;

    const MODEL: EchoModel = EchoModel {
        cell_m: 1.0,
        cell_deg: 4.0,
        cell_mps: 0.4,
        still_mps: 0.3,
        mirror_detection: 0.3,
        posts: 0,
    };

    fn echo(id: u8, forward_m: f64, forward_mps: f64, rcs_dbm2: f64) -> Echo {
        Echo {
            said: SensedObject {
                id,
                forward_m,
                forward_mps,
                rcs_dbm2,
                ..SensedObject::default()
            },
            fresh: true,
        }
    }

    #[test]
    fn a_walker_beside_a_lorry_is_the_lorry() {
        let mut echoes = vec![echo(3, 30.6, 2.0, -5.0), echo(4, 30.0, 2.1, 22.0)];
        merge(&MODEL, &mut echoes);
        assert_eq!(echoes.len(), 1);
        assert_eq!(echoes[0].said.id, 4);
        assert!((echoes[0].said.forward_m - 30.0).abs() < 0.01);
    }

    #[test]
    fn what_differs_in_one_of_the_three_is_told_apart() {
        let mut echoes = vec![
            echo(1, 30.0, 2.0, 10.0),
            echo(2, 31.2, 2.0, 10.0),
            echo(3, 30.0, 2.6, 10.0),
        ];
        merge(&MODEL, &mut echoes);
        assert_eq!(echoes.len(), 3);
        let mut equal = vec![echo(1, 30.0, 2.0, 10.0), echo(2, 30.8, 2.0, 10.0)];
        merge(&MODEL, &mut equal);
        assert!((equal[0].said.forward_m - 30.4).abs() < 1e-9);
    }

    #[test]
    fn a_wall_shows_a_car_behind_itself_where_the_line_meets_it() {
        let body = |east_m, north_m, direction, [length_m, width_m, height_m]: [f64; 3]| Body {
            id: 7,
            kind: Kind::Car,
            centre: Point::new(east_m, north_m),
            direction,
            speed_mps: 8.0,
            length_m,
            width_m,
            height_m,
        };
        let (east, north) = (Point::new(1.0, 0.0), Point::new(0.0, 1.0));
        let eye = Eye {
            place: Point::new(0.0, 0.0),
            height_m: 6.0,
        };
        // A wall along the road, 10 m to the east.
        let wall = body(10.2, 20.0, north, [30.0, 0.4, 4.0]);
        let scene = Snapshot {
            at: Mono::ZERO,
            bodies: vec![body(2.0, 30.0, north, [4.6, 1.85, 1.5])],
        };
        let whole = mirrored(&scene, &[wall], &eye);
        assert_eq!(whole.bodies.len(), 2);
        let shown = whole.bodies[1];
        assert!(is_mirrored(shown.id) && !is_mirrored(7));
        assert!((shown.centre.east_m - 18.0).abs() < 1e-9);
        assert!((shown.direction.north_m - 1.0).abs() < 1e-9);
        assert!(whole.body(shown.id).is_some(), "in order of id");
        // Beyond the wall's end nothing is shown, nor by a wall that is between.
        let short = body(10.2, 60.0, north, [4.0, 0.4, 4.0]);
        assert_eq!(mirrored(&scene, &[short], &eye).bodies.len(), 1);
        let between = body(0.0, 15.0, east, [30.0, 0.4, 4.0]);
        assert_eq!(mirrored(&scene, &[between], &eye).bodies.len(), 1);
    }
}
