//! Cameras with a box that finds road users in their images and says where they are.
//!
//! Rooms: [`lens`] (the pinhole), `boxed` (numbers, words and classes). What hides whom is for
//! [`super::sight`], fog and rain for [`super::air`].
//!
//! | what | how | source |
//! |---|---|---|
//! | place on the road | noise of pixels through the pinhole: `(R^2 + h^2) / (h f)` along, `R / f` across | geometry; the quadratic law as in arXiv:2604.10805 |
//! | tilt | off by the same for a run, drawn | geometry; how much: assumed |
//! | middle of a body | wanders slowly over it, `extent` of its length | assumed |
//! | chance of detection | `detection * logistic((height - 18 px) / 4 px) * logistic((visible - 0.35) / 0.1)` | assumed, of the usual form |
//! | fog, rain | times `logistic((contrast - 0.05) / 0.015)` | contrast: Koschmieder's law; a limit of 5 %: ICAO, WMO for the meteorological optical range; the width: assumed |
//! | misses | in runs of a mean length (two states), the share of misses kept | assumed |
//! | false objects | by chance each frame, for some frames, on the road in the image | assumed |
//! | class | mistaken in a share of blocks of eight frames, more where the image is small | assumed |
//! | existence that is said | the chance of detection, off by 3 % | assumed |
//! | latency | log-normal about a median | assumed: 60 to 120 ms are usual |
//!
//! A box keeps the number of whom it sees again within a second; after that it is somebody new. What else
//! may become of numbers is asked for by `[camera-model.ids]` (`ids`); by default nothing. It says
//! nobody whom it does not see in this frame. Left out: headings that are the wrong way round, blooming at
//! night, rain on the pane.

mod boxed;
mod ids;
pub mod lens;

use std::collections::BTreeMap;
use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::{Mount, Pose};
use rsu::report::{Class, Covariance, Detection};
use v2x_msg::base::EnuFrame;

use self::boxed::{Known, Voice};
use self::ids::Chances;
use self::lens::{Lens, Made, Pixel};
use super::View;
use super::air::Air;
use super::sight::{Eye, Screen};
use crate::plane::Point;
use crate::random::{Purpose, Stream};
use crate::scenario::{CameraModel, CameraTable};
use crate::world::snapshot::{Body, Snapshot};
use crate::world::vehicles::Kind;

/// One camera, its box, and what that keeps in mind.
#[derive(Debug)]
pub struct Camera {
    model: CameraModel,
    pose: Pose,
    /// Where the box believes to be.
    believed: Pose,
    eye: Eye,
    lens: Lens,
    voice: Voice,
    seed: u64,
    /// Its number among all sensors of the scenario.
    index: u64,
    frame: u64,
    due: Mono,
    known: BTreeMap<u32, Known>,
    phantoms: Vec<Phantom>,
    next_id: u16,
}

/// Something that is not there.
#[derive(Debug)]
struct Phantom {
    id: u16,
    frames_left: u32,
    pixel: (f64, f64),
    class: Class,
    existence: f64,
}

impl Camera {
    /// The camera with this number; its first image is a part of a frame after `now`.
    pub fn new(
        model: CameraModel,
        table: &CameraTable,
        frame: EnuFrame,
        index: usize,
        seed: u64,
        now: Mono,
    ) -> Self {
        let index = FIRST_CAMERA + index as u64;
        let draw = |purpose| Stream::new(seed, index << 32, purpose);
        let surveyed = Mount::from(table.mount);
        let mount = Mount::from(table.survey_off.real(table.mount));
        let tilt_off_deg = model.tilt_sigma_deg * draw(Purpose::Tilt).normal();
        let made = made(&model, table, tilt_off_deg);
        let phase = draw(Purpose::Delivery).uniform();
        Self {
            model,
            pose: Pose::from(mount),
            believed: Pose::from(surveyed),
            eye: Eye {
                place: Point::new(mount.east_m, mount.north_m),
                height_m: mount.up_m,
            },
            lens: Lens::new(&made),
            voice: Voice::new(table.protocol, frame),
            seed,
            index,
            frame: 0,
            due: now.offset_by(phase * model.frame_ms / 1e3),
            known: BTreeMap::new(),
            phantoms: Vec::new(),
            next_id: 1,
        }
    }

    /// When [`Camera::shoot`] is due.
    pub fn poll_timeout(&self) -> Mono {
        self.due
    }

    /// Takes the image of [`Camera::poll_timeout`]; `now` is not before it, and the box's clock is so far
    /// ahead. Appends the message of
    /// the box and returns when it arrives.
    pub fn shoot(
        &mut self,
        now: Now,
        clock_off_ms: i64,
        view: &View<'_>,
        out: &mut Vec<u8>,
    ) -> Mono {
        let mut seen = Vec::new();
        self.forget(view.scene);
        self.mistake(view.scene);
        let (east, north) = self.pose.turn_to_site(1.0, 0.0);
        let axis = Point::new(east, north);
        let all = view.scene.bodies.iter().chain(view.walls);
        let before = self.eye.before(axis, self.model.range_m, all);
        for body in &view.scene.bodies {
            seen.extend(self.look_at(body, &before, view.air));
        }
        self.imagine(&mut seen);
        let late = now.mono.since(self.due);
        let utc = Utc::from_unix_ns((now.utc - late).unix_ns() + clock_off_ms * 1_000_000);
        self.voice.say(utc, &mut seen, out);
        let spread = self.model.latency_spread * self.stream(0, Purpose::Delivery).normal();
        let arrives = self
            .due
            .offset_by(self.model.latency_ms * spread.exp() / 1e3);
        self.frame += 1;
        self.due += Duration::from_secs_f64(self.model.frame_ms / 1e3);
        arrives
    }

    /// What the box says of a body, with these before the camera.
    fn look_at(&mut self, body: &Body, before: &[Screen<'_>], air: Air) -> Option<Detection> {
        let (forward_m, left_m) = self.pose.to_sensor(body.centre.east_m, body.centre.north_m);
        let pixel = self.lens.image(forward_m, left_m, 0.0)?;
        if !self.lens.holds(&pixel) {
            return None;
        }
        let range_m = forward_m.hypot(left_m);
        if range_m > self.model.range_m {
            return None;
        }
        let visible = self.eye.seen_between(body, before);
        let chance = self.chance(body, visible, air.contrast(range_m), &pixel);
        if !self.known.contains_key(&body.id) {
            if !self.stream(body.id, Purpose::Detection).chance(chance) {
                return None;
            }
            let mut extent = self.stream(body.id, Purpose::Extent);
            let point = (extent.normal(), extent.normal());
            let id = self.new_id();
            self.known.insert(body.id, Known::new(id, point));
        } else if self.misses(body.id, chance) {
            return None;
        }
        self.wander(body.id);
        self.measure(body, range_m, chance)
    }

    /// The chance that the box finds it in this image, where so much of it is visible with such a contrast.
    fn chance(&self, body: &Body, visible: f64, contrast: f64, pixel: &Pixel) -> f64 {
        let height_px = self.lens.height_px(body.height_m, pixel.depth_m);
        self.model.detection
            * logistic((height_px - LEGIBLE_PX) / LEGIBLE_WIDTH_PX)
            * logistic((visible - VISIBLE) / VISIBLE_WIDTH)
            * logistic((contrast - LEAST_CONTRAST) / CONTRAST_WIDTH)
    }

    /// Whether this frame is part of a run of misses.
    fn misses(&mut self, body: u32, chance: f64) -> bool {
        let mean = self.model.miss_frames.max(1.0);
        let mut draw = self.stream(body, Purpose::Detection);
        let Some(known) = self.known.get_mut(&body) else {
            return false;
        };
        if known.blind == 0 {
            // Runs are rarer by as much as they are longer, so that the share of misses is kept.
            let begins = (1.0 - chance) / (mean * chance + 1.0 - chance);
            if draw.chance(begins) {
                known.blind = 1;
                while known.blind < 50 && draw.chance(1.0 - 1.0 / mean) {
                    known.blind += 1;
                }
            }
        }
        if known.blind == 0 {
            return false;
        }
        known.blind -= 1;
        known.missed += 1;
        true
    }

    /// Moves the point that is taken for the middle of the body: a first-order process.
    fn wander(&mut self, body: u32) {
        let share = (self.model.frame_ms / 1e3 / self.model.extent_s.max(0.1)).min(1.0);
        let (keep, stir) = (1.0 - share, (share * (2.0 - share)).sqrt());
        let mut draw = self.stream(body, Purpose::Extent);
        if let Some(known) = self.known.get_mut(&body) {
            known.point.0 = keep * known.point.0 + stir * draw.normal();
            known.point.1 = keep * known.point.1 + stir * draw.normal();
        }
    }

    fn measure(&mut self, body: &Body, range_m: f64, chance: f64) -> Option<Detection> {
        let model = self.model;
        let step_s = model.frame_ms / 1e3;
        let mut draw = self.stream(body.id, Purpose::Measurement);
        let known = self.known.get(&body.id)?;
        let extent = model.extent;
        let along_m = (known.point.0 * extent).clamp(-0.4, 0.4) * body.length_m;
        let across_m = (known.point.1 * extent).clamp(-0.4, 0.4) * body.width_m;
        let middle = body
            .centre
            .plus(body.direction.times(along_m))
            .plus(body.direction.left().times(across_m));
        let (forward_m, left_m) = self.pose.to_sensor(middle.east_m, middle.north_m);
        let pixel = self.lens.image(forward_m, left_m, 0.0)?;
        let (forward_m, left_m) = self.lens.ground(
            pixel.u + model.pixel_sigma_px * draw.normal(),
            pixel.v + model.pixel_sigma_px * draw.normal(),
        )?;
        let place = self.believed.to_site(forward_m, left_m);
        let on_body = (
            (extent * body.length_m).powi(2),
            (extent * body.width_m).powi(2),
        );
        let cov = sum(
            self.spread(forward_m, left_m, range_m),
            turned(body.direction, on_body),
        );
        let class = self.class(body, range_m, &pixel);
        let existence = chance + 0.03 * draw.normal();
        let turn_rad = (HEADING_SIGMA_DEG * draw.normal()).to_radians();
        let yaw_rad = body.direction.north_m.atan2(body.direction.east_m) + turn_rad;
        let mut whole = Stream::new(self.seed, self.entity(body.id), Purpose::Extent);
        let size = boxed::size(body, &mut whole);
        let known = self.known.get_mut(&body.id)?;
        let velocity = known.moved(place, step_s * f64::from(known.missed + 1));
        known.missed = 0;
        let says_heading = !matches!(body.kind, Kind::Pedestrian | Kind::Object);
        Some(Detection {
            yaw_rad: says_heading.then_some(yaw_rad),
            size: Some(size),
            ..boxed::detection(known.id, place, cov, velocity, class, existence)
        })
    }

    /// What the box says of its places: covariance of the image's noise, towards east and north.
    fn spread(&self, forward_m: f64, left_m: f64, range_m: f64) -> Covariance {
        let (east, north) = self.pose.turn_to_site(forward_m, left_m);
        let beam = Point::new(east, north).direction();
        turned(beam, self.lens.spread_m2(range_m))
    }

    fn class(&self, body: &Body, range_m: f64, pixel: &Pixel) -> Class {
        let block = self.frame / CLASS_FRAMES;
        let entity = self.entity(body.id);
        let mut draw = Stream::new(self.seed, entity, Purpose::Class).starting_at(block * 4);
        let height_px = self.lens.height_px(body.height_m, pixel.depth_m);
        let small = 1.0 + range_m / height_px.max(1.0);
        let (mistaken, which) = (draw.uniform(), draw.uniform());
        if mistaken < (self.model.confusion * small).min(0.5) {
            boxed::mistaken(body.kind, which)
        } else {
            boxed::class(body.kind)
        }
    }

    /// Lets go of who has left, or has not been seen for a second.
    fn forget(&mut self, scene: &Snapshot) {
        let longest = (REMEMBERED_MS / self.model.frame_ms) as u32;
        self.known
            .retain(|&id, known| known.missed <= longest && scene.body(id).is_some());
    }

    /// What becomes of the numbers that it has given.
    fn mistake(&mut self, scene: &Snapshot) {
        let chances = Chances {
            model: self.model.ids,
            seed: self.seed,
            index: self.index,
            frame: self.frame,
            frame_s: self.model.frame_ms / 1e3,
        };
        if chances.restarts() {
            self.known.clear();
            self.phantoms.clear();
            self.next_id = 1;
        }
        let next_id = &mut self.next_id;
        chances.mistake(scene, &mut self.known, &mut || take_id(next_id));
    }

    /// False objects: they appear, stay for some frames, and go.
    fn imagine(&mut self, seen: &mut Vec<Detection>) {
        let model = self.model;
        self.phantoms.retain(|phantom| phantom.frames_left > 0);
        let mut draw = self.stream(0, Purpose::Clutter);
        if draw.chance(model.false_per_frame) {
            let mut frames_left = 1;
            while frames_left < 50 && draw.chance(1.0 - 1.0 / model.false_frames.max(1.0)) {
                frames_left += 1;
            }
            let half = model.field_of_view_deg.to_radians() / 2.0;
            let forward_m = draw.between(self.lens.nearest_m() + 2.0, model.range_m * 0.8);
            let left_m = forward_m * half.tan() * draw.between(-0.9, 0.9);
            let class = match draw.uniform() {
                share if share < 0.5 => Class::Car,
                share if share < 0.85 => Class::Pedestrian,
                _ => Class::Bicycle,
            };
            let existence = draw.between(0.25, 0.75);
            if let Some(pixel) = self.lens.image(forward_m, left_m, 0.0) {
                let id = self.new_id();
                self.phantoms.push(Phantom {
                    id,
                    frames_left,
                    pixel: (pixel.u, pixel.v),
                    class,
                    existence,
                });
            }
        }
        for phantom in &mut self.phantoms {
            phantom.frames_left -= 1;
            let noise = 2.0 * model.pixel_sigma_px;
            let (u, v) = phantom.pixel;
            let at = self
                .lens
                .ground(u + noise * draw.normal(), v + noise * draw.normal());
            let Some((forward_m, left_m)) = at else {
                continue;
            };
            let (east, north) = self.pose.turn_to_site(forward_m, left_m);
            let beam = Point::new(east, north).direction();
            let cov = turned(beam, self.lens.spread_m2(forward_m.hypot(left_m)));
            let place = self.believed.to_site(forward_m, left_m);
            let (class, existence) = (phantom.class, phantom.existence);
            seen.push(boxed::detection(
                phantom.id,
                place,
                cov,
                (0.0, 0.0),
                class,
                existence,
            ));
        }
    }

    fn new_id(&mut self) -> u16 {
        take_id(&mut self.next_id)
    }

    fn entity(&self, body: u32) -> u64 {
        (self.index << 32) | u64::from(body)
    }

    /// What chance gives for this body in this frame.
    fn stream(&self, body: u32, purpose: Purpose) -> Stream {
        // More draws than any purpose takes in a frame.
        let counter = (self.frame + 1) * 256;
        Stream::new(self.seed, self.entity(body), purpose).starting_at(counter)
    }
}

/// The next number of a box.
fn take_id(next: &mut u16) -> u16 {
    let id = *next;
    *next = if id >= LAST_ID { 1 } else { id + 1 };
    id
}

/// The nearest road in the image of a camera.
pub fn nearest_m(model: &CameraModel, table: &CameraTable) -> f64 {
    let made = made(model, table, 0.0);
    Lens::new(&made).nearest_m()
}

fn made(model: &CameraModel, table: &CameraTable, tilt_off_deg: f64) -> Made {
    Made {
        image_px: model.image_px,
        field_of_view_deg: model.field_of_view_deg,
        height_m: table.mount.up_m,
        tilt_deg: table.tilt_deg,
        tilt_off_deg,
        pixel_sigma_px: model.pixel_sigma_px,
        tilt_sigma_deg: model.tilt_sigma_deg,
    }
}

/// A covariance of two variances, along an axis and across it.
fn turned(axis: Point, (along, across): (f64, f64)) -> Covariance {
    let (east, north) = (axis.east_m, axis.north_m);
    Covariance {
        ee: east * east * along + north * north * across,
        en: east * north * (along - across),
        nn: north * north * along + east * east * across,
    }
}

fn sum(a: Covariance, b: Covariance) -> Covariance {
    Covariance {
        ee: a.ee + b.ee,
        en: a.en + b.en,
        nn: a.nn + b.nn,
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Cameras draw from other streams than radars: no scenario has so many.
const FIRST_CAMERA: u64 = 1000;
/// So high in the image a body is found in half of all cases, and how sharply that begins.
const LEGIBLE_PX: f64 = 18.0;
const LEGIBLE_WIDTH_PX: f64 = 4.0;
/// The same of the share of it that is not hidden.
const VISIBLE: f64 = 0.35;
const VISIBLE_WIDTH: f64 = 0.1;
/// The same of its contrast.
const LEAST_CONTRAST: f64 = 0.05;
const CONTRAST_WIDTH: f64 = 0.015;
const HEADING_SIGMA_DEG: f64 = 4.0;
/// A class is mistaken for so many frames.
const CLASS_FRAMES: u64 = 8;
/// Whom the box has not seen for longer is new to it.
const REMEMBERED_MS: f64 = 1000.0;
/// Numbers begin anew after this.
const LAST_ID: u16 = 9999;

#[cfg(test)]
mod tests;
