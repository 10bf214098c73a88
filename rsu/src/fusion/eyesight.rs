//! How likely a sensor is to list a thing that is there: as its configuration says at first, as it
//! shows from then on.
//!
//! The log-odds of being listed are a sum over what makes a thing easy or hard to see: its range,
//! what stands before it, whether it moves, its kind. The weights begin as configured and follow
//! each outcome by a small step (logistic regression with steps that shrink as evidence grows).
//! Outcomes are counted for published tracks only, and a miss only once the thing has been seen
//! again by whatever sensor: what has driven away was not missed.
//!
//! Beside it the false alarms: detections that began something that never became a track.

use wide::f32x4;

use super::classify::Family;
use super::config::{Sees, Sensor};

/// Weights of one sensor.
const FEATURES: usize = 8;

/// Under which circumstances a thing was to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sight {
    /// Range as a share of the sensor's greatest.
    pub(crate) share: f32,
    /// The share of its width behind others on the map.
    pub(crate) behind: f32,
    /// The share of its width that they hide from an eye at the sensor's height.
    pub(crate) hidden: f32,
    /// Comes neither nearer nor recedes.
    pub(crate) still: bool,
    /// Its kind, where known.
    pub(crate) family: Option<Family>,
}

/// What is known of how well one sensor sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyesight {
    weights: [f64; FEATURES],
    energy: [f64; FEATURES],
    false_per_m2: f64,
}

impl Eyesight {
    /// As configured.
    pub(crate) fn new(sensor: &Sensor) -> Self {
        let near = logit(sensor.detects_near);
        let still = logit(sensor.detects_near * sensor.detects_still) - near;
        let shy = match sensor.sees {
            Sees::Centre | Sees::Told => 0.0,
            // What is narrow and soft echoes less.
            Sees::Reflection => -0.7,
        };
        Self {
            weights: [
                near,
                logit(sensor.detects_far) - near,
                BEHIND,
                HIDDEN,
                still,
                shy,
                shy,
                0.0,
            ],
            energy: [CAUTION; FEATURES],
            false_per_m2: sensor.false_per_m2,
        }
    }

    /// How likely it is to list a thing seen like that.
    pub(crate) fn probability(&self, sight: &Sight) -> f64 {
        let x = sight.features();
        let sum: f64 = self.weights.iter().zip(&x).map(|(w, x)| w * x).sum();
        (1.0 / (1.0 + (-sum).exp())).clamp(LEAST, MOST)
    }

    /// The log-odds of that: what is absent, as most is at most times, is left out of the sum.
    #[inline]
    pub(crate) fn log_odds(&self, sight: &Sight) -> f32 {
        let [near, far, behind, hidden, still, rider, walker, far_behind] = self.weights;
        let share = f64::from(sight.share);
        let mut sum = near + share * far;
        if sight.behind > 0.0 {
            sum += f64::from(sight.behind) * (behind + share * far_behind);
            sum += f64::from(sight.hidden) * hidden;
        }
        if sight.still {
            sum += still;
        }
        sum += match sight.family {
            Some(Family::Rider) => rider,
            Some(Family::Walker) => walker,
            Some(Family::Vehicle) | None => 0.0,
        };
        sum as f32
    }

    /// Takes `times` outcomes alike.
    pub(crate) fn learn(&mut self, sight: &Sight, listed: bool, times: f64) {
        let x = sight.features();
        let outcome = if listed { 1.0 } else { 0.0 };
        let error = times * (outcome - self.probability(sight));
        let terms = self.weights.iter_mut().zip(&mut self.energy).zip(&x);
        for ((weight, energy), x) in terms {
            // Most of what makes a thing hard to see is absent at most times, and is not at fault then.
            if *x == 0.0 {
                continue;
            }
            let slope = error * x;
            *energy = (*energy + slope * slope).min(MOST_ENERGY);
            *weight += STEP * slope / energy.sqrt();
            *weight = weight.clamp(-MOST_WEIGHT, MOST_WEIGHT);
        }
    }

    /// Notes how many detections of a frame began something new, less those that proved real. Those of a
    /// further report of the same moment (`again`) come on top: it is one look in several parts.
    pub(crate) fn note_false(&mut self, false_ones: f64, again: bool, sensor: &Sensor) {
        if again {
            self.false_per_m2 += FALSE_GAIN * false_ones / sensor.area_m2();
        } else {
            let seen = (false_ones + 0.02) / sensor.area_m2();
            self.false_per_m2 += FALSE_GAIN * (seen - self.false_per_m2);
        }
        let stated = sensor.false_per_m2;
        self.false_per_m2 = self
            .false_per_m2
            .clamp(stated / FALSE_SPAN, stated * FALSE_SPAN);
    }

    /// False detections a frame and square metre.
    pub(crate) fn false_per_m2(&self) -> f64 {
        self.false_per_m2
    }
}

/// The probabilities of four log-odds.
#[inline]
pub(crate) fn probabilities(log_odds: [f32; 4]) -> [f32; 4] {
    let against = (-f32x4::new(log_odds)).exp();
    let each = f32x4::ONE / (f32x4::ONE + against);
    let bounds = [LEAST, MOST].map(|bound| f32x4::splat(bound as f32));
    each.fast_max(bounds[0]).fast_min(bounds[1]).to_array()
}

impl Sight {
    fn features(&self) -> [f64; FEATURES] {
        let flag = |on: bool| f64::from(u8::from(on));
        [
            1.0,
            f64::from(self.share),
            f64::from(self.behind),
            f64::from(self.hidden),
            flag(self.still),
            flag(self.family == Some(Family::Rider)),
            flag(self.family == Some(Family::Walker)),
            f64::from(self.behind * self.share),
        ]
    }
}

impl Sensor {
    /// The ground that it looks at.
    fn area_m2(&self) -> f64 {
        let (near, far) = (self.min_range_m, self.max_range_m);
        (self.half_fov_rad * (far * far - near * near)).max(1.0)
    }
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(LEAST, MOST);
    (p / (1.0 - p)).ln()
}

/// Bounds of every probability here: nothing is certain.
const LEAST: f64 = 0.02;
const MOST: f64 = 0.98;
/// What a thing loses that stands behind another one on the map, before anything was learnt.
const BEHIND: f64 = -1.0;
/// And what it loses beside where the geometry says that it cannot be seen.
const HIDDEN: f64 = -2.0;
/// How large the steps of learning are: the first ones about `STEP / sqrt(CAUTION)`.
const STEP: f64 = 0.3;
const CAUTION: f64 = 25.0;
/// Steps never become smaller than for this: sensors change with weather and light.
const MOST_ENERGY: f64 = 2500.0;
const MOST_WEIGHT: f64 = 6.0;
/// Of one frame in the average of false detections.
const FALSE_GAIN: f64 = 0.005;
/// How far the average may leave what is configured, as a factor.
const FALSE_SPAN: f64 = 30.0;
