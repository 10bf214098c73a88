//! One frame of one sensor applied to all targets: predict, pair up, take, judge who was not seen,
//! begin new ones, end old ones, merge.

use super::Counts;
use super::associate::{Associator, Circumstances, Edge};
use super::classify::family;
use super::config::{Config, Sees, Sensor};
use super::existence::{View, Views};
use super::habits::Habits;
use super::history::{Crowd, Frame};
use super::merge::Merger;
use super::precision::{Miss, Precision};
use super::target::{Sighting, Target};

/// Most targets followed at once, published or not. With the frames kept (`history`) this is what fusion
/// takes in memory: about 8 MB, touched as far as it is used.
pub(crate) const MAX_TARGETS: usize = 384;
/// A radar's further echo of a body lies within it, give or take this.
const ECHO_MARGIN_M: f64 = 0.5;
/// A track that has been seen so often is a measure for others.
const WELL_KNOWN_HITS: u32 = 12;
/// And is about as fast.
const ECHO_SPEED_MPS: f64 = 3.0;

/// Buffers that are the same for all frames.
#[derive(Debug)]
pub(crate) struct Stepper {
    associator: Associator,
    views: Views,
    merger: Merger,
}

impl Stepper {
    pub(crate) fn new() -> Self {
        Self {
            associator: Associator::new(MAX_TARGETS),
            views: Views::with_capacity(MAX_TARGETS),
            merger: Merger::new(MAX_TARGETS),
        }
    }

    /// Applies `frame`, which is not older than the crowd.
    pub(crate) fn apply(
        &mut self,
        frame: &Frame,
        crowd: &mut Crowd,
        (config, habits, first): (&Config, &mut Habits, bool),
        counts: &mut Counts,
    ) {
        let sensor = &config.sensors[frame.sensor];
        let again = crowd.last == Some((frame.sensor, frame.at));
        let dt_s = frame.at.since(crowd.at).as_secs_f64();
        crowd.at = crowd.at.max(frame.at);
        crowd.last = Some((frame.sensor, frame.at));
        let targets = &mut crowd.targets;
        // Before they move: after a long silence their covariance would be beyond all use.
        targets.retain(|target| !target.is_over(frame.at, config));
        for target in targets.iter_mut() {
            target.predict(dt_s);
        }
        let precise = &habits.precision[frame.sensor];
        let echo_share =
            (sensor.sees == Sees::Reflection && config.parts.extent).then(|| precise.echo_share());
        let eyesight = &habits.eyesight[frame.sensor];
        self.views
            .look(sensor, eyesight, targets, config.parts.shadows);
        let circumstances = Circumstances {
            config,
            at: frame.at,
            sensor: frame.sensor,
            views: self.views.all(),
            echo_share,
            false_per_m2: eyesight.false_per_m2(),
        };
        let pairs = self
            .associator
            .run(targets, &frame.sightings, circumstances);
        // Each road user has errors of its own, and none of them is looked for.
        let told = sensor.sees == Sees::Told;
        let learns = first && !told;
        if learns && config.parts.eyesight {
            learn_sight(
                habits,
                targets,
                pairs,
                self.views.all(),
                frame.sensor,
                !again,
            );
        }
        if learns && (config.parts.noise || config.parts.mount) {
            learn_precision(
                &mut habits.precision[frame.sensor],
                frame,
                targets,
                pairs,
                (sensor, echo_share),
            );
        }
        take(frame, targets, pairs, echo_share);
        if !again {
            // The rest of a frame that came in parts: its first part has judged who was not seen.
            for (target, view) in targets.iter_mut().zip(self.views.all()) {
                if !target.seen_now {
                    target.debit(frame.at, frame.sensor, view);
                }
            }
        }
        let before = targets.len();
        for (index, sighting) in frame.sightings.iter().enumerate() {
            if pairs[index].is_none() {
                begin(frame, index, sighting, (sensor, config), targets, counts);
            }
        }
        counts.oversized_groups += std::mem::take(&mut self.associator.oversized);
        let born = (targets.len() - before) as f64;
        let mut real = 0.0;
        for target in targets.iter_mut() {
            if !target.confirmed && target.deserves_confirmation(config) {
                target.confirmed = true;
                real += 1.0;
            }
        }
        if learns && config.parts.eyesight {
            habits.eyesight[frame.sensor].note_false(born - real, sensor);
        }
        // That one of two is silent says nothing of whether they are one.
        if !told {
            counts.merged += self.merger.run(frame.at, targets, sensor.sees);
        }
    }
}

/// Learns from who was listed and who was not.
fn learn_sight(
    habits: &mut Habits,
    targets: &mut [Target],
    pairs: &[Option<Edge>],
    views: &[View],
    sensor: usize,
    whole: bool,
) {
    for edge in pairs.iter().flatten() {
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
    precision: &mut Precision,
    frame: &Frame,
    targets: &[Target],
    pairs: &[Option<Edge>],
    (sensor, echo_share): (&Sensor, Option<f64>),
) {
    for (sighting, pair) in frame.sightings.iter().zip(pairs) {
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
            wander: target.wander(echo_share),
        };
        precision.note(sensor, &miss);
    }
    precision.settle();
}

fn take(frame: &Frame, targets: &mut [Target], pairs: &[Option<Edge>], echo_share: Option<f64>) {
    for (sighting, pair) in frame.sightings.iter().zip(pairs) {
        if let Some(edge) = pair {
            let target = &mut targets[usize::from(edge.target)];
            let cov = target.expected_cov(echo_share, sighting);
            target.update(frame.at, frame.sensor, sighting, cov);
            target.credit(edge.gain, sighting.existence);
        }
    }
}

fn begin(
    frame: &Frame,
    index: usize,
    sighting: &Sighting,
    (sensor, config): (&Sensor, &Config),
    targets: &mut Vec<Target>,
    counts: &mut Counts,
) {
    if sensor.sees == Sees::Reflection && targets.iter().any(|body| is_echo(body, sighting)) {
        counts.echoes += 1;
    } else if targets.len() < room_of(sensor) {
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
fn room_of(sensor: &Sensor) -> usize {
    match sensor.sees {
        Sees::Told => MAX_TARGETS / 2,
        Sees::Centre | Sees::Reflection => MAX_TARGETS,
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
