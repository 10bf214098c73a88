//! One frame of one sensor applied to all targets: predict, pair up, take, judge who was not seen,
//! begin new ones, end old ones, merge.

use super::Counts;
use super::associate::{Associator, Circumstances, Edge};
use super::budget::{Shed, thin};
use super::classify::family;
use super::config::{Config, Sees, Sensor};
use super::crowd::Crowd;
use super::delay::Delay;
use super::filter::matrix;
use super::habits::Habits;
use super::history::{Entered, Frame};
use super::merge::Merger;
use super::near::Near;
use super::precision::{Miss, Precision};
use super::target::{Sighting, Target};
use super::views::{View, Views};
use crate::clock::Mono;

/// A radar's further echo of a body lies within it, give or take this.
const ECHO_MARGIN_M: f64 = 0.5;
/// From so many detections of a frame is learnt at most: learning takes as long as following.
const LEARN_FROM: usize = 32;
/// A track that has been seen so often is a measure for others.
const WELL_KNOWN_HITS: u32 = 12;
/// And is about as fast.
const ECHO_SPEED_MPS: f64 = 3.0;

/// Buffers that are the same for all frames.
#[derive(Debug)]
pub(crate) struct Stepper {
    associator: Associator,
    views: Views,
    near: Near,
    /// Of which sensor and moment `views` and `near` are, while the crowd is the one that they show.
    looked: Option<(usize, Mono)>,
    merger: Merger,
}

impl Stepper {
    pub(crate) fn new(max_targets: usize) -> Self {
        Self {
            associator: Associator::new(max_targets),
            views: Views::with_capacity(max_targets),
            near: Near::with_capacity(max_targets),
            looked: None,
            merger: Merger::new(max_targets),
        }
    }

    /// The crowd was set back: what was seen of it is of no use.
    pub(crate) fn forget(&mut self) {
        self.looked = None;
    }

    /// Keeps the `keep` sightings of a frame that say most to a crowd, given as it is at `at`; what was given up.
    pub(crate) fn thin(
        &mut self,
        frame: &mut Frame,
        keep: usize,
        (at, targets): (Mono, &[Target]),
        config: &Config,
    ) -> Shed {
        self.looked = None;
        self.near.note(targets, config.gate.sqrt());
        frame.thinned = true;
        let dt_s = frame.at.seconds_after(at);
        thin(&mut frame.sightings, keep, (targets, &self.near, dt_s))
    }

    /// Applies `frame` to those of the crowd whom it concerns, carried on to its moment.
    pub(crate) fn apply(
        &mut self,
        frame: &Frame,
        (crowd, entered): (&mut Crowd, &mut Entered),
        (config, habits): (&Config, &mut Habits),
        counts: &mut Counts,
    ) {
        let sensor = &config.sensors[frame.sensor];
        let moment = Some((frame.sensor, frame.at));
        let again = !entered.begins;
        if entered.begins || entered.more || self.looked != moment {
            self.look(frame.sensor, &entered.targets, (config, habits));
        }
        let (first, room) = (entered.first, room_of(sensor, config));
        let room = room.saturating_sub(entered.others);
        let (targets, judged) = (&mut entered.targets, &mut crowd.judged);
        let precise = &habits.precision[frame.sensor];
        if frame.sightings.iter().any(|s| s.velocity.is_some()) {
            for target in &mut *targets {
                target.state.settle_all();
            }
        }
        let echo_repeats = sensor.echo_repeats * precise.repeats();
        let echo_share =
            (sensor.sees == Sees::Reflection && config.parts.extent).then(|| precise.echo_share());
        let circumstances = Circumstances {
            config,
            at: frame.at,
            sensor: frame.sensor,
            views: self.views.all(),
            near: &self.near,
            echo_share,
            false_per_m2: habits.eyesight[frame.sensor].false_per_m2(),
        };
        let pairs = self
            .associator
            .run(targets, &frame.sightings, circumstances);
        *judged |= frame.thinned;
        // Each road user has errors of its own, and none of them is looked for.
        let told = sensor.sees == Sees::Told;
        let learns = first && !told;
        if learns && config.parts.eyesight {
            let seen = (pairs, self.views.all());
            let of = (frame.sensor, frame.number);
            learn_sight(habits, targets, seen, of, !*judged);
        }
        if learns && (config.parts.noise || config.parts.mount) {
            let late = &mut habits.delay[frame.sensor];
            learn_precision(
                (&mut habits.precision[frame.sensor], late),
                frame,
                targets,
                pairs,
                (sensor, echo_share),
            );
        }
        take(frame, targets, pairs, (echo_share, echo_repeats));
        // Of a moment that comes in several frames the last one tells who was not seen: the first that is
        // not full.
        if !*judged && !frame.full {
            *judged = true;
            for (target, view) in targets.iter_mut().zip(self.views.all()) {
                if !target.seen_now {
                    target.debit(frame.at, frame.sensor, view);
                }
            }
        }
        let before = targets.len();
        for (index, sighting) in frame.sightings.iter().enumerate() {
            if pairs[index].is_none() {
                let by = (sensor, config, &self.near, room);
                begin(frame, index, sighting, by, targets, counts);
            }
        }
        let born = before..targets.len();
        let new = born.len() as f64;
        let seen = pairs.iter().flatten().map(|edge| usize::from(edge.target));
        let real = confirm(targets, seen.chain(born.clone()), config);
        counts.oversized_groups += std::mem::take(&mut self.associator.oversized);
        if learns && config.parts.eyesight && !frame.thinned {
            habits.eyesight[frame.sensor].note_false(new - real, again, sensor);
        }
        self.looked = moment;
        if !frame.full {
            settle(targets);
        }
        // That one of two is silent says nothing of whether they are one.
        if !told && !frame.full {
            let before = targets.len();
            self.near.add(targets);
            let by = (&self.near, sensor.sees);
            counts.merged += self.merger.run(frame.at, targets, by);
            if !born.is_empty() || targets.len() != before {
                self.looked = None;
            }
        }
    }

    fn look(&mut self, sensor: usize, targets: &[Target], (config, habits): (&Config, &Habits)) {
        let shadows = config.parts.shadows;
        let eyesight = &habits.eyesight[sensor];
        self.views
            .look(&config.sensors[sensor], eyesight, targets, shadows);
        self.near.note(targets, config.gate.sqrt());
    }
}

/// Works out what a frame did not need of those that it did not show.
fn settle(targets: &mut [Target]) {
    for target in targets {
        target.state.settle();
    }
}

/// Confirms those of `whom` that have earned it; how many.
fn confirm(targets: &mut [Target], whom: impl Iterator<Item = usize>, config: &Config) -> f64 {
    let mut real = 0.0;
    for index in whom {
        let target = &mut targets[index];
        if !target.confirmed && target.deserves_confirmation(config) {
            target.confirmed = true;
            real += 1.0;
        }
    }
    real
}

/// As many as are enough to learn from, others in each frame.
fn some<T>(all: impl ExactSizeIterator<Item = T>, number: u64) -> impl Iterator<Item = T> {
    let every = all.len().div_ceil(LEARN_FROM).max(1);
    all.skip(number as usize % every).step_by(every)
}

/// Learns from who was listed and who was not.
fn learn_sight(
    habits: &mut Habits,
    targets: &mut [Target],
    (pairs, views): (&[Option<Edge>], &[View]),
    (sensor, number): (usize, u64),
    whole: bool,
) {
    for edge in some(pairs.iter(), number).flatten() {
        let target = &mut targets[usize::from(edge.target)];
        if !target.confirmed || !whole {
            continue;
        }
        for run in target.missed.take() {
            let times = f64::from(run.count);
            habits.eyesight[usize::from(run.sensor)].learn(&run.sight, false, times);
        }
        let view = &views[usize::from(edge.target)];
        if view.probability > 0.0 {
            habits.eyesight[sensor].learn(&view.sight, true, 1.0);
        }
    }
}

/// Learns from how far sightings lie from where they were expected.
fn learn_precision(
    (precision, late): (&mut Precision, &mut Delay),
    frame: &Frame,
    targets: &[Target],
    pairs: &[Option<Edge>],
    (sensor, echo_share): (&Sensor, Option<f64>),
) {
    let all = frame.sightings.iter().zip(pairs);
    for (sighting, pair) in some(all, frame.number) {
        let Some(edge) = pair else { continue };
        let target = &targets[usize::from(edge.target)];
        if !target.confirmed || target.hits < WELL_KNOWN_HITS {
            continue;
        }
        let miss = Miss {
            state: &target.state,
            sighting,
            length_m: target.extent().length_m,
            direction: target.heading.direction,
            others: 1.0 - target.lasting.share_of(frame.sensor),
            wander: target.wander(echo_share),
        };
        precision.note(sensor, &miss);
        let off = sighting.position - target.state.position();
        if !sensor.clocked {
            let way = target.state.velocity();
            let cov = sighting.position_cov + miss.wander + matrix(target.state.position_cov());
            let along_m2 = way.dot(&(cov * way)) / way.norm_squared().max(1e-6);
            late.note(off, way, (along_m2.max(1e-6), miss.others));
        }
        if let Some((alike_m2, expected_m2)) = target.lasting.alike(frame.sensor, off) {
            let whole_m2 = (sighting.position_cov + miss.wander).trace()
                + miss.state.position_sigma_m().powi(2);
            precision.note_alike(alike_m2, expected_m2, whole_m2);
        }
    }
    precision.settle();
    late.settle();
}

fn take(
    frame: &Frame,
    targets: &mut [Target],
    pairs: &[Option<Edge>],
    (echo_share, echo_repeats): (Option<f64>, f64),
) {
    for (sighting, pair) in frame.sightings.iter().zip(pairs) {
        if let Some(edge) = pair {
            let target = &mut targets[usize::from(edge.target)];
            let cov = target.expected_cov(echo_share, sighting);
            if target.update(frame.at, frame.sensor, sighting, cov, echo_repeats) {
                target.credit(edge, sighting.existence);
            }
        }
    }
}

fn begin(
    frame: &Frame,
    index: usize,
    sighting: &Sighting,
    (sensor, config, near, room): (&Sensor, &Config, &Near, usize),
    targets: &mut Vec<Target>,
    counts: &mut Counts,
) {
    let mut echoes = false;
    if sensor.sees == Sees::Reflection {
        let reach_m = near.largest_m + 2.0 * ECHO_MARGIN_M;
        near.visit(sighting.position, reach_m, |spot| {
            echoes |= is_echo(&targets[usize::from(spot.target)], sighting);
        });
    }
    if echoes {
        counts.echoes += 1;
    } else if targets.len() < room {
        let uid = (frame.number << 8) | index as u64;
        targets.push(Target::new(
            uid,
            (frame.at, frame.sensor),
            sighting,
            config.parts.modes,
        ));
    } else {
        counts.births_refused += 1;
    }
}

/// Who only tells may be a stranger: what tells cannot fill the room of what is seen.
fn room_of(sensor: &Sensor, config: &Config) -> usize {
    match sensor.sees {
        Sees::Told => config.max_targets / 2,
        Sees::Centre | Sees::Reflection => config.max_targets,
    }
}

/// Whether a radar's detection that belongs to nobody is one more echo of a body that it has seen.
fn is_echo(body: &Target, sighting: &Sighting) -> bool {
    let apart = sighting.position - body.state.position();
    let Some(yaw) = body.heading.yaw_rad else {
        return false;
    };
    if !body.seen_now || !body.confirmed {
        return false;
    }
    let (a, b) = (family(body.class.best().0), family(sighting.class));
    if a.zip(b).is_some_and(|(a, b)| a != b) {
        return false;
    }
    let extent = body.extent();
    let (sin, cos) = yaw.sin_cos();
    let along = (apart.x * cos + apart.y * sin).abs();
    let across = (apart.y * cos - apart.x * sin).abs();
    if along > 0.5 * extent.length_m + ECHO_MARGIN_M
        || across > 0.5 * extent.width_m + ECHO_MARGIN_M
    {
        return false;
    }
    match sighting.velocity {
        None => true,
        Some((velocity, cov)) => {
            // Only the direction in which the sensor knows the speed can tell the two apart.
            let fit = super::filter::density(
                &(velocity - body.state.velocity()),
                &(cov + nalgebra::Matrix2::identity() * ECHO_SPEED_MPS * ECHO_SPEED_MPS),
            );
            fit.d2 < 6.0
        }
    }
}
