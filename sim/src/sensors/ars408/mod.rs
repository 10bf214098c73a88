//! Radars that look along an approach: ARS408, as the roadside unit hears them through a gateway.
//!
//! Two beams, a wide near one and a narrow far one. A vehicle is seen by chance that falls with
//! distance and in the shadow of lorries; misses come in runs. The seen point wanders slowly over the
//! body, which no filter can take out. The device tracks on its own: an object keeps its number, and
//! for a few cycles without an echo it is said as predicted. Walls hide, fog and rain weaken echoes
//! ([`super::air`]). Only where the scenario asks for it do close targets merge, walls mirror, and
//! standing vehicles vanish, which an ARS408 keeps ([`echoes`]).

pub mod echoes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use rsu::clock::Mono;
use rsu::inputs::ars408::wire::Measurement;
use rsu::inputs::ars408::{Emitter, SensedObject};
use rsu::inputs::can::CanFrame;
use rsu::inputs::can::gateway;
use rsu::inputs::{Mount, Pose};
use rsu::report::Class;

use super::View;
use super::sight::Eye;
use crate::plane::Point;
use crate::random::{Purpose, Stream};
use crate::scenario::RadarModel;
use crate::world::snapshot::{Body, Snapshot};
use crate::world::vehicles::Kind;

/// One radar and what it keeps in mind.
#[derive(Debug)]
pub struct Radar {
    model: RadarModel,
    mount: Mount,
    pose: Pose,
    eye: Eye,
    /// Of half of the angles of the near beam and the far one.
    beams_cos: [f64; 2],
    emitter: Emitter,
    seed: u64,
    /// Its number among the scenario's radars.
    index: u64,
    cycle: u64,
    due: Mono,
    seen: BTreeMap<u32, Seen>,
    clutter: Vec<Clutter>,
    /// Posts and rails, forward and to the left.
    posts: Vec<(f64, f64)>,
    frames: Vec<CanFrame>,
    /// In this cycle: who may hide somebody, and where it is, forward and to the left.
    tall: Vec<(Body, f64, f64)>,
}

/// A vehicle that the radar tracks.
#[derive(Debug)]
struct Seen {
    id: u8,
    /// Where on the body it looks, in units of the model's extent: along and across.
    point: (f64, f64),
    /// Cycles for which it stays unseen, drawn when a run of misses begins.
    blind: u32,
    /// Cycles since it was seen last.
    missed: u32,
    said: SensedObject,
}

/// Something that is not there.
#[derive(Debug)]
struct Clutter {
    id: u8,
    cycles_left: u32,
    said: SensedObject,
}

impl Radar {
    /// The radar with this number; it measures for the first time a part of a cycle after `now`.
    pub fn new(model: RadarModel, mount: Mount, index: usize, seed: u64, now: Mono) -> Self {
        let index = index as u64;
        let phase = Stream::new(seed, index, Purpose::Delivery).uniform();
        // No two were switched on at the same time.
        let count = Stream::new(seed, index, Purpose::Count).bits();
        Self {
            model,
            posts: echoes::posts(&model, seed, index),
            mount,
            pose: Pose::from(mount),
            eye: Eye {
                place: Point::new(mount.east_m, mount.north_m),
                height_m: mount.up_m,
            },
            beams_cos: [model.near_half_angle_deg, model.far_half_angle_deg]
                .map(|half_deg| half_deg.to_radians().cos()),
            emitter: Emitter::new(0).counting_from(count as u16),
            seed,
            index,
            cycle: 0,
            due: now.offset_by(phase * model.cycle_ms / 1e3),
            seen: BTreeMap::new(),
            clutter: Vec::new(),
            frames: Vec::new(),
            tall: Vec::new(),
        }
    }

    /// From now on it looks so far clockwise of where it was mounted.
    pub fn turn(&mut self, by_deg: f64) {
        self.pose = Pose::from(Mount {
            heading_deg: self.mount.heading_deg + by_deg,
            ..self.mount
        });
    }

    /// When [`Radar::scan`] is due.
    pub fn poll_timeout(&self) -> Mono {
        self.due
    }

    /// Measures the scene, which must be that of [`Radar::poll_timeout`]. Appends the bytes of the
    /// cycle, 13 for each CAN frame, and returns when the first of them arrives.
    pub fn scan(&mut self, view: &View<'_>, out: &mut Vec<u8>) -> Mono {
        self.note_tall(view.scene);
        let mut said = match self.model.echoes {
            Some(model) => self.listen(&model, view),
            None => self.look(view),
        };
        self.stir_clutter(&mut said);
        self.frames.clear();
        if self.cycle.is_multiple_of(STATE_CYCLES) {
            self.emitter.state(&mut self.frames);
        }
        self.emitter.cycle(&said, &mut self.frames);
        for frame in &self.frames {
            gateway::emit(frame, out);
        }
        let jitter = self.stream(0, Purpose::Delivery).between(-1.0, 1.0);
        let late_ms = self.model.latency_ms + jitter * self.model.latency_jitter_ms;
        let arrives = self.due.offset_by(late_ms.max(0.0) / 1e3);
        self.cycle += 1;
        self.due += Duration::from_secs_f64(self.model.cycle_ms / 1e3);
        arrives
    }

    /// The CAN frames of the last scan.
    pub fn frames(&self) -> &[CanFrame] {
        &self.frames
    }

    /// Every road user that is seen, told apart.
    fn look(&mut self, view: &View<'_>) -> Vec<SensedObject> {
        self.forget(view.scene);
        let bodies = view.scene.bodies.iter();
        bodies.filter_map(|body| self.look_at(body, view)).collect()
    }

    fn look_at(&mut self, body: &Body, view: &View<'_>) -> Option<SensedObject> {
        let (forward_m, left_m) = self.pose.to_sensor(body.centre.east_m, body.centre.north_m);
        if forward_m < LEAST_M || self.is_far_off(forward_m, left_m) {
            return None;
        }
        let range_m = forward_m.hypot(left_m);
        let chance = self.chance(body, view, (forward_m, left_m, range_m))?;
        let known = self.seen.contains_key(&body.id);
        if !known {
            let free = self.free_id();
            let id = free.filter(|_| self.stream(body.id, Purpose::Detection).chance(chance))?;
            let mut extent = self.stream(body.id, Purpose::Extent);
            let point = (extent.normal(), extent.normal());
            let said = SensedObject::default();
            let (blind, missed) = (0, 0);
            self.seen.insert(
                body.id,
                Seen {
                    id,
                    point,
                    blind,
                    missed,
                    said,
                },
            );
        } else if self.misses(body.id, chance) {
            return self.predict(body.id);
        }
        self.wander(body.id);
        let fresh = self.measure(body, forward_m, left_m, range_m, !known)?;
        let seen = self.seen.get_mut(&body.id)?;
        seen.missed = 0;
        seen.said = fresh;
        Some(fresh)
    }

    /// Whether something before the radar is outside of both beams for certain: that is most, and quicker to
    /// see than where it is.
    fn is_far_off(&self, forward_m: f64, left_m: f64) -> bool {
        let squared_m2 = forward_m * forward_m + left_m * left_m;
        let reach_m = self.model.near_range_m.max(self.model.far_range_m) + SPARE_M;
        let [near_cos, far_cos] = self.beams_cos;
        let cos = near_cos.min(far_cos).max(0.0);
        let ahead_m = forward_m + SPARE_M;
        squared_m2 > reach_m * reach_m || ahead_m * ahead_m < squared_m2 * cos * cos
    }

    /// The chance to see it in one cycle; None outside both beams.
    fn chance(&self, body: &Body, view: &View<'_>, there: (f64, f64, f64)) -> Option<f64> {
        let (forward_m, _, range_m) = there;
        let model = &self.model;
        let seems_m = range_m * farther(body.kind) * view.air.radar_farther(range_m);
        let within = |reach_m: f64, cos: f64| seems_m < reach_m && forward_m > range_m * cos;
        let [near_cos, far_cos] = self.beams_cos;
        let near = within(model.near_range_m, near_cos);
        let far = within(model.far_range_m, far_cos);
        if !(near || far) || forward_m < LEAST_M {
            return None;
        }
        if echoes::is_mirrored(body.id) {
            return model.echoes.map(|echoes| echoes.mirror_detection);
        }
        if !view.walls.is_empty()
            && self.eye.visible_share(body, view.walls.iter()) < SEEN_BESIDE_WALLS
        {
            return None;
        }
        if self.hidden(body, there) {
            return Some(model.shadow_detection);
        }
        let share = seems_m / model.far_range_m;
        Some(model.detection + (model.far_detection - model.detection) * share * share)
    }

    /// Notes who is higher than somebody, before anybody is looked at.
    fn note_tall(&mut self, scene: &Snapshot) {
        let heights_m = scene.bodies.iter().map(|body| body.height_m);
        let lowest_m = heights_m.fold(f64::INFINITY, f64::min);
        let pose = self.pose;
        let tall = scene.bodies.iter().filter(|body| body.height_m > lowest_m);
        self.tall.clear();
        self.tall.extend(tall.map(|body| {
            let (ahead_m, aside_m) = pose.to_sensor(body.centre.east_m, body.centre.north_m);
            (*body, ahead_m, aside_m)
        }));
    }

    /// Whether something high stands between the radar and the roof of `body`, which is there.
    fn hidden(&self, body: &Body, (forward_m, left_m, range_m): (f64, f64, f64)) -> bool {
        self.tall.iter().any(|&(ref other, ahead_m, aside_m)| {
            if other.id == body.id || other.height_m <= body.height_m {
                return false;
            }
            // Along the line of sight, and off it.
            let along_m = (ahead_m * forward_m + aside_m * left_m) / range_m;
            let off_m = (ahead_m * left_m - aside_m * forward_m).abs() / range_m;
            let tail_m = along_m + other.length_m / 2.0;
            let sight_m =
                self.eye.height_m + (body.height_m - self.eye.height_m) * tail_m / range_m;
            along_m > 0.0
                && tail_m < range_m
                && off_m < other.width_m / 2.0
                && sight_m < other.height_m
        })
    }

    /// Whether this cycle is part of a run of misses.
    fn misses(&mut self, body: u32, chance: f64) -> bool {
        let mean = self.model.miss_cycles.max(1.0);
        let mut draw = self.stream(body, Purpose::Detection);
        let Some(seen) = self.seen.get_mut(&body) else {
            return false;
        };
        if seen.blind == 0 {
            // Runs are rarer by as much as they are longer, so that the share of misses is kept.
            let begins = (1.0 - chance) / (mean * chance + 1.0 - chance);
            if draw.chance(begins) {
                seen.blind = 1;
                while seen.blind < 50 && draw.chance(1.0 - 1.0 / mean) {
                    seen.blind += 1;
                }
            }
        }
        if seen.blind == 0 {
            return false;
        }
        seen.blind -= 1;
        true
    }

    /// What the device says of an object without an echo.
    fn predict(&mut self, body: u32) -> Option<SensedObject> {
        let cycle_s = self.model.cycle_ms / 1e3;
        let seen = self.seen.get_mut(&body)?;
        seen.missed += 1;
        seen.said.forward_m += seen.said.forward_mps * cycle_s;
        seen.said.left_m += seen.said.left_mps * cycle_s;
        seen.said.measurement = Measurement::Predicted;
        (seen.missed <= PREDICTED_CYCLES).then_some(seen.said)
    }

    /// Moves the seen point over the body: a first-order process of unit variance.
    fn wander(&mut self, body: u32) {
        let share = (self.model.cycle_ms / 1e3 / self.model.extent_s.max(0.1)).min(1.0);
        let (keep, stir) = (1.0 - share, (share * (2.0 - share)).sqrt());
        let mut draw = self.stream(body, Purpose::Extent);
        if let Some(seen) = self.seen.get_mut(&body) {
            seen.point.0 = keep * seen.point.0 + stir * draw.normal();
            seen.point.1 = keep * seen.point.1 + stir * draw.normal();
        }
    }

    fn measure(
        &self,
        body: &Body,
        forward_m: f64,
        left_m: f64,
        range_m: f64,
        new: bool,
    ) -> Option<SensedObject> {
        let model = &self.model;
        let seen = self.seen.get(&body.id)?;
        let mut draw = self.stream(body.id, Purpose::Measurement);
        // Beam and body as unit vectors in the radar's axes.
        let beam = (forward_m / range_m, left_m / range_m);
        let nose = self
            .pose
            .turn_to_sensor(body.direction.east_m, body.direction.north_m);
        let aside_sigma_m = range_m * model.azimuth_sigma_deg.to_radians();
        // Off the middle of the body, but never off the body.
        let along_m = (seen.point.0 * model.extent).clamp(-0.45, 0.45) * body.length_m;
        let across_m = (seen.point.1 * model.extent).clamp(-0.45, 0.45) * body.width_m;
        let (deep_m, aside_m) = (
            draw.normal() * model.range_sigma_m,
            draw.normal() * aside_sigma_m,
        );
        let turned = |axis: (f64, f64), along: f64, across: f64| {
            (
                axis.0 * along - axis.1 * across,
                axis.1 * along + axis.0 * across,
            )
        };
        let (body_forward_m, body_left_m) = turned(nose, along_m, across_m);
        let (beam_forward_m, beam_left_m) = turned(beam, deep_m, aside_m);
        let (slip_forward_mps, slip_left_mps) = turned(
            beam,
            draw.normal() * model.speed_sigma_mps,
            draw.normal() * model.cross_speed_sigma_mps,
        );
        let spread = |axis: (f64, f64), along: f64, across: f64| {
            let (a, b) = (axis.0 * along, axis.1 * across);
            let (c, d) = (axis.1 * along, axis.0 * across);
            (a * a + b * b, c * c + d * d)
        };
        let by_beam = spread(beam, model.range_sigma_m, aside_sigma_m);
        let by_body = spread(
            nose,
            model.extent * body.length_m,
            model.extent * body.width_m,
        );
        let by_speed = spread(beam, model.speed_sigma_mps, model.cross_speed_sigma_mps);
        let turned_deg = nose.1.atan2(nose.0).to_degrees() + 2.0 * draw.normal();
        // The same error of a body's size for as long as it is seen.
        let mut size = Stream::new(self.seed, self.entity(body.id), Purpose::Extent);
        Some(SensedObject {
            id: seen.id,
            forward_m: forward_m + body_forward_m + beam_forward_m,
            left_m: left_m + body_left_m + beam_left_m,
            forward_mps: nose.0 * body.speed_mps + slip_forward_mps,
            left_mps: nose.1 * body.speed_mps + slip_left_mps,
            sigma_forward_m: (by_beam.0 + by_body.0).sqrt(),
            sigma_left_m: (by_beam.1 + by_body.1).sqrt(),
            sigma_forward_mps: by_speed.0.sqrt(),
            sigma_left_mps: by_speed.1.sqrt(),
            measurement: if new {
                Measurement::New
            } else {
                Measurement::Measured
            },
            existence: if new { 0.6 } else { 0.995 },
            class: match body.kind {
                Kind::Car => Class::Car,
                Kind::Truck => Class::Truck,
                Kind::Bus => Class::Bus,
                Kind::Bicycle | Kind::ElectricBicycle => Class::Bicycle,
                Kind::Pedestrian => Class::Pedestrian,
                // This radar knows no animals.
                Kind::Animal | Kind::Object => Class::Unknown,
            },
            orientation_deg: (turned_deg + 180.0).rem_euclid(360.0) - 180.0,
            sigma_orientation_deg: 2.0,
            length_m: body.length_m * size.between(0.9, 1.05),
            width_m: body.width_m * size.between(0.9, 1.1),
            rcs_dbm2: echo_dbm2(body.kind),
        })
    }

    /// Lets go of what has left, or has not been seen for long.
    fn forget(&mut self, scene: &Snapshot) {
        let (pose, model) = (self.pose, self.model);
        self.seen.retain(|&id, seen| {
            seen.missed <= FORGOTTEN_CYCLES
                && scene.body(id).is_some_and(|body| {
                    let (forward_m, left_m) =
                        pose.to_sensor(body.centre.east_m, body.centre.north_m);
                    forward_m > 0.0 && forward_m.hypot(left_m) < model.far_range_m + 10.0
                })
        });
    }

    /// False objects: they appear, stay for some cycles, and go.
    fn stir_clutter(&mut self, said: &mut Vec<SensedObject>) {
        let model = self.model;
        self.clutter.retain(|clutter| clutter.cycles_left > 0);
        let mut draw = self.stream(0, Purpose::Clutter);
        let chance = model.clutter_per_minute / 60.0 * model.cycle_ms / 1e3;
        if draw.chance(chance)
            && let Some(id) = self.free_id()
        {
            let forward_m = draw.between(10.0, model.far_range_m * 0.7);
            let half = model.far_half_angle_deg.to_radians().tan();
            let mut cycles_left = 1;
            while cycles_left < 50 && draw.chance(1.0 - 1.0 / model.clutter_cycles.max(1.0)) {
                cycles_left += 1;
            }
            self.clutter.push(Clutter {
                id,
                cycles_left,
                said: SensedObject {
                    id,
                    forward_m,
                    left_m: forward_m * half * draw.between(-1.0, 1.0),
                    sigma_left_m: 0.8,
                    class: Class::Unknown,
                    measurement: Measurement::New,
                    existence: draw.between(0.2, 0.9) as f32,
                    length_m: 1.0,
                    width_m: 1.0,
                    rcs_dbm2: 0.0,
                    ..SensedObject::default()
                },
            });
        }
        for clutter in &mut self.clutter {
            clutter.cycles_left -= 1;
            let mut object = clutter.said;
            object.forward_m += 0.3 * draw.normal();
            object.left_m += 0.5 * draw.normal();
            said.push(object);
            clutter.said.measurement = Measurement::Measured;
        }
    }

    /// The lowest number of 0 to 99 that is not in use.
    fn free_id(&self) -> Option<u8> {
        (0..MOST_OBJECTS).find(|id| {
            self.seen.values().all(|seen| seen.id != *id)
                && self.clutter.iter().all(|clutter| clutter.id != *id)
        })
    }

    fn entity(&self, body: u32) -> u64 {
        (self.index << 32) | u64::from(body)
    }

    /// What chance gives for this body in this cycle.
    fn stream(&self, body: u32, purpose: Purpose) -> Stream {
        // More draws than any purpose takes in a cycle.
        let counter = (self.cycle + 1) * 256;
        Stream::new(self.seed, self.entity(body), purpose).starting_at(counter)
    }
}

/// The echo of a road user. Assumed, of the usual order for 77 GHz.
fn echo_dbm2(kind: Kind) -> f64 {
    match kind {
        Kind::Car => 10.0,
        Kind::Truck | Kind::Bus => 22.0,
        Kind::Bicycle | Kind::ElectricBicycle | Kind::Object => 0.0,
        Kind::Pedestrian | Kind::Animal => -5.0,
    }
}

/// How many times farther away than a car something seems by its weaker echo: the power falls with
/// the fourth power of the distance, so it is the fourth root of the ratio of echoes.
fn farther(kind: Kind) -> f64 {
    match kind {
        Kind::Car | Kind::Truck | Kind::Bus => 1.0,
        Kind::Bicycle | Kind::ElectricBicycle | Kind::Object => 1.78,
        Kind::Pedestrian | Kind::Animal => 2.37,
    }
}

/// Behind the radar, and right before it, nobody is seen.
const LEAST_M: f64 = 1.0;
/// The radar's own limit.
const MOST_OBJECTS: u8 = 100;
/// Rounding, and more.
const SPARE_M: f64 = 0.01;
/// Of what walls hide more than the rest, no echo comes back.
const SEEN_BESIDE_WALLS: f64 = 0.3;
/// It says an object as predicted for so many cycles.
const PREDICTED_CYCLES: u32 = 4;
/// And frees its number after so many.
const FORGOTTEN_CYCLES: u32 = 10;
/// It speaks of itself about once a second.
const STATE_CYCLES: u64 = 14;
