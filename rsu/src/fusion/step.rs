//! One frame of one sensor applied to all targets: predict, pair up, take, judge who was not seen,
//! begin new ones, end old ones, merge.

use super::Counts;
use super::associate::{Associator, Circumstances, Edge};
use super::budget::{Shed, thin};
use super::classify::family;
use super::config::{Config, Sees, Sensor};
use super::crowd::Crowd;
use super::habits::Habits;
use super::history::{Entered, Frame};
use super::learn::{learn_precision, learn_sight};
use super::merge::Merger;
use super::near::Near;
use super::precision::{ECHO_SHARE, Precision};
use super::repute::{Repute, Word};
use super::target::{Sighting, Taken, Target};
use super::ties;
use super::tracklet::News;
use super::views::{View, Views};
use crate::clock::Mono;

/// A radar's further echo of a body lies within it, give or take this.
const ECHO_MARGIN_M: f64 = 0.5;
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
        let (echo_share, echo_repeats) = echo(sensor, precise);
        let echo_share = echo_share.filter(|_| config.parts.extent);
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
            learn_sight(habits, targets, seen, frame, !*judged);
        }
        if learns && (config.parts.noise || config.parts.mount) {
            let late = &mut habits.delay[frame.sensor];
            learn_precision(
                (
                    &mut habits.precision[..],
                    &mut habits.speeds[frame.sensor],
                    late,
                ),
                frame,
                targets,
                pairs,
                (&config.sensors[..], echo_share),
            );
        }
        let repute = &habits.repute[frame.sensor];
        let seen = (pairs, self.views.all(), repute);
        take(frame, targets, seen, (echo_share, echo_repeats));
        // Of a moment that comes in several frames the last one tells who was not seen: the first that is
        // not full.
        if !*judged && !frame.full {
            *judged = true;
            for (target, view) in targets.iter_mut().zip(self.views.all()) {
                if !target.seen_now && !target.carried_now {
                    target.debit(frame.at, frame.sensor, view);
                }
            }
        }
        let before = targets.len();
        for (index, sighting) in frame.sightings.iter().enumerate() {
            // What a device only carries on begins nothing.
            if pairs[index].is_none() && sighting.news != News::None {
                let by = (sensor, config, &self.near, repute, room);
                begin(frame, index, sighting, by, targets, counts);
            }
        }
        let born = before..targets.len();
        let new = born.len() as f64;
        let seen = pairs.iter().flatten().map(|edge| usize::from(edge.target));
        let repute = first.then_some(&mut habits.repute[..]);
        let real = confirm(targets, seen.chain(born.clone()), config, repute);
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
            if sensor.sees == Sees::Centre {
                ties::look(frame.at, targets, &self.near);
            }
            let by = (&self.near, sensor.sees, self.views.all());
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

/// How far an echo wanders over a body, as a share of it, and how much of that is the same from frame to frame.
/// None for a sensor that gives the centre.
///
/// A device that tracks takes for its track the echoes near by, so that the point that it follows stays on the
/// body, and wanders less than echoes do: it is as far from the middle as before, for as long as it is followed.
fn echo(sensor: &Sensor, precise: &Precision) -> (Option<f64>, f64) {
    if sensor.sees != Sees::Reflection {
        return (None, 0.0);
    }
    let share = precise.echo_share();
    if sensor.tracks {
        (Some(share.max(ECHO_SHARE)), 1.0)
    } else {
        (Some(share), sensor.echo_repeats * precise.repeats())
    }
}

/// Works out what a frame did not need of those that it did not show.
fn settle(targets: &mut [Target]) {
    for target in targets {
        target.state.settle();
    }
}

/// Confirms those of `whom` that have earned it; how many.
fn confirm(
    targets: &mut [Target],
    whom: impl Iterator<Item = usize>,
    config: &Config,
    mut repute: Option<&mut [Repute]>,
) -> f64 {
    let mut real = 0.0;
    for index in whom {
        let target = &mut targets[index];
        if !target.confirmed && target.deserves_confirmation(config) {
            target.confirmed = true;
            real += 1.0;
            if let Some((of, repute)) = target.word.of.zip(repute.as_deref_mut()) {
                repute[usize::from(of)].proved_real();
            }
        }
    }
    real
}

fn take(
    frame: &Frame,
    targets: &mut [Target],
    (pairs, views, repute): (&[Option<Edge>], &[View], &Repute),
    (echo_share, echo_repeats): (Option<f64>, f64),
) {
    for (sighting, pair) in frame.sightings.iter().zip(pairs) {
        if let Some(edge) = pair {
            let target = &mut targets[usize::from(edge.target)];
            let cov = target.expected_cov(frame.at, echo_share, sighting);
            let seen = (sighting, frame.measured(sighting));
            let repeats = (echo_share.map(|_| echo_repeats), frame.speeds_repeat);
            let taken = target.update(frame.at, frame.sensor, seen, cov, repeats);
            match taken {
                Taken::Whole => target.credit(edge, sighting.existence),
                Taken::Again => {
                    let probability = views[usize::from(edge.target)].probability;
                    target.credit_again(probability, repute.again());
                }
                Taken::Nothing => {}
            }
            target.word.note(frame.sensor, taken == Taken::Again);
        }
    }
}

fn begin(
    frame: &Frame,
    index: usize,
    sighting: &Sighting,
    (sensor, config, near, repute, room): (&Sensor, &Config, &Near, &Repute, usize),
    targets: &mut Vec<Target>,
    counts: &mut Counts,
) {
    let mut echoes = false;
    if sensor.sees == Sees::Reflection {
        let reach_m = near.largest_m + 2.0 * ECHO_MARGIN_M;
        near.visit(sighting.position, reach_m, |spot| {
            echoes |= is_echo(&targets[usize::from(spot.target)], sighting);
        });
    } else if sensor.sees == Sees::Centre && sighting.size.is_some() {
        near.visit(sighting.position, near.largest_m, |spot| {
            let body = &targets[usize::from(spot.target)];
            echoes |= body.in_parts && body.has_part(frame.at, sighting);
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
        if let Some(target) = targets.last_mut()
            && config.parts.news
            && sensor.tracks
            && sighting.is_followed()
        {
            target.log_odds = repute.log_odds();
            target.word = Word {
                of: Some(frame.sensor as u8),
                ..Word::default()
            };
        }
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
    let Some((cos, sin)) = body.heading.direction else {
        return false;
    };
    if !(body.seen_now || body.carried_now) || !body.confirmed {
        return false;
    }
    let (a, b) = (family(body.class.best().0), family(sighting.class));
    if a.zip(b).is_some_and(|(a, b)| a != b) {
        return false;
    }
    let extent = body.extent();
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
