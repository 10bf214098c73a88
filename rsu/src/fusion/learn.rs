//! What a frame teaches of the sensor that it is of, before the targets have taken it: whom it sees, how well it
//! measures, and what became of what it began.
//!
//! What is learnt is kept in `habits`; this is only who of a frame is asked. Each frame is learnt from once, when
//! it is first worked through.

use super::associate::Edge;
use super::config::Sensor;
use super::delay::Delay;
use super::filter::matrix;
use super::habits::Habits;
use super::history::Frame;
use super::precision::{Miss, Precision};
use super::ranges;
use super::repute::Repute;
use super::speeds::Speeds;
use super::target::{Sighting, Target};
use super::tracklet::News;
use super::views::View;

/// Learns from what a device began and nobody will ever see published.
pub(super) fn proved_false(target: &Target, repute: &mut [Repute]) {
    if let Some(of) = target.word.of
        && !target.confirmed
    {
        repute[usize::from(of)].proved_false(&target.word);
    }
}

/// As many as are enough to learn from, others in each frame.
fn some<T>(all: impl ExactSizeIterator<Item = T>, number: u64) -> impl Iterator<Item = T> {
    let every = all.len().div_ceil(LEARN_FROM).max(1);
    all.skip(number as usize % every).step_by(every)
}

/// Learns from who was listed and who was not.
pub(super) fn learn_sight(
    habits: &mut Habits,
    targets: &mut [Target],
    (pairs, views): (&[Option<Edge>], &[View]),
    frame: &Frame,
    whole: bool,
) {
    let all = frame.sightings.iter().zip(pairs);
    for (sighting, pair) in some(all, frame.number) {
        let Some(edge) = pair else { continue };
        if sighting.news == News::None {
            continue;
        }
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
            habits.eyesight[frame.sensor].learn(&view.sight, true, 1.0);
        }
    }
}

/// Learns from how far sightings lie from where they were expected.
pub(super) fn learn_precision(
    (precision, speeds, late): (&mut [Precision], &mut Speeds, &mut Delay),
    frame: &Frame,
    targets: &[Target],
    pairs: &[Option<Edge>],
    (sensors, echo_share): (&[Sensor], Option<f64>),
) {
    let of = frame.sensor;
    let sensor = &sensors[of];
    let mut any = false;
    let all = frame.sightings.iter().zip(pairs);
    for (sighting, pair) in some(all, frame.number) {
        let Some(edge) = pair else { continue };
        if sighting.news == News::None {
            continue;
        }
        let behind;
        // What its device makes of it repeats its errors; what it has measured does not.
        let sighting = match frame.measured(sighting) {
            None => sighting,
            Some(measured) => {
                behind = Sighting {
                    position: measured.position,
                    position_cov: measured.position_cov,
                    ..*sighting
                };
                &behind
            }
        };
        let target = &targets[usize::from(edge.target)];
        let known = target.confirmed && target.hits >= WELL_KNOWN_HITS;
        if !known || target.has_part(frame.at, sighting) {
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
        any = true;
        if sighting.filtered.is_some() {
            let state = &target.state;
            let own = (target.uid, state.velocity(), matrix(state.velocity_cov()));
            speeds.note(frame.at, sighting, own);
        }
        ranges::share_out(&miss, &target.lasting, (of, sensors), precision);
        precision[of].note(sensor, &miss);
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
            precision[of].note_alike(alike_m2, expected_m2, whole_m2);
        }
    }
    precision[of].settle();
    for (index, precision) in precision.iter_mut().enumerate().filter(|_| any) {
        precision.range.settle(index == of);
    }
    late.settle();
}

/// From so many detections of a frame is learnt at most: learning takes as long as following.
const LEARN_FROM: usize = 32;
/// A track that has been seen so often is a measure for others.
const WELL_KNOWN_HITS: u32 = 12;
