//! Errors, confidence and bounds as numbers.

use std::collections::BTreeMap;

use super::{HORIZONS_S, Told};
use crate::report::Light;

/// Classes of confidence, each ten per cent wide.
const CLASSES: usize = 10;
/// A change that comes as late or early as this is the one that was told, in seconds.
const WITHIN_S: f64 = 1.0;
/// Recorded times are no better, in seconds.
const RESOLUTION_S: f64 = 0.001;

/// What came of forecasts.
#[derive(Debug, Default)]
pub struct Figures {
    errors: BTreeMap<(Light, usize), [Vec<f32>; 3]>,
    silent: BTreeMap<(Light, usize), u64>,
    confidences: [Confidences; CLASSES],
    bounds: Bounds,
}

/// The three forecasts at one time before a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Horizon {
    /// How long before the change.
    pub before_s: u16,
    /// How many changes.
    pub changes: usize,
    /// Changes of which we said nothing while the simple forecasts spoke; not among `changes`.
    pub silent: u64,
    /// Of our forecast.
    pub ours: Errors,
    /// Of "as long as last time".
    pub last: Errors,
    /// Of "as long as on average at this weekday and hour".
    pub mean: Errors,
}

/// Absolute errors of the time left, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// On average.
    pub mae_s: f64,
    /// That 95 in 100 do not exceed.
    pub p95_s: f64,
}

/// Forecasts whose stated confidence lies in one class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confidences {
    /// How many.
    pub made: u64,
    /// How many were right within a second.
    pub came_true: u64,
    /// The sum of the stated confidences, each 0..=1.
    pub stated_sum: f64,
    /// The sum of the squares by which they differ from what came: 1 if right, 0 if wrong.
    pub squared_error_sum: f64,
}

/// Forecasts with a stated earliest or latest end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Forecasts of any sort.
    pub forecasts: u64,
    /// With an earliest end.
    pub with_min: u64,
    /// Of these, those whose light lasted at least so long.
    pub min_held: u64,
    /// With a latest end.
    pub with_max: u64,
    /// Of these, those whose light ended by then.
    pub max_held: u64,
}

impl Figures {
    pub(super) fn compare(
        &mut self,
        light: Light,
        horizon: usize,
        left_s: f64,
        ours_s: Option<f64>,
        simple_s: [f64; 2],
    ) {
        let Some(ours_s) = ours_s else {
            *self.silent.entry((light, horizon)).or_default() += 1;
            return;
        };
        let errors = self.errors.entry((light, horizon)).or_default();
        let forecasts = [ours_s, simple_s[0], simple_s[1]];
        for (errors, forecast_s) in errors.iter_mut().zip(forecasts) {
            errors.push((forecast_s - left_s).abs() as f32);
        }
    }

    pub(super) fn hold(&mut self, left_s: f64, told: &Told) {
        if let Some(confidence) = told.confidence {
            let confidence = f64::from(confidence);
            let class = ((confidence * CLASSES as f64) as usize).min(CLASSES - 1);
            let class = &mut self.confidences[class];
            class.made += 1;
            class.stated_sum += confidence;
            let right = (told.likely_s - left_s).abs() <= WITHIN_S + RESOLUTION_S;
            class.came_true += u64::from(right);
            let came = if right { 1.0 } else { 0.0 };
            class.squared_error_sum += (confidence - came).powi(2);
        }
        self.bounds.forecasts += 1;
        if let Some(min_s) = told.min_s {
            self.bounds.with_min += 1;
            self.bounds.min_held += u64::from(min_s <= left_s + RESOLUTION_S);
        }
        if let Some(max_s) = told.max_s {
            self.bounds.with_max += 1;
            self.bounds.max_held += u64::from(left_s <= max_s + RESOLUTION_S);
        }
    }

    /// The table, of one light or of all; without the horizons of which there is nothing.
    pub fn horizons(&self, light: Option<Light>) -> Vec<Horizon> {
        let horizons = HORIZONS_S.into_iter().enumerate();
        horizons
            .filter_map(|(place, before_s)| self.horizon(place, before_s, light))
            .collect()
    }

    /// Ten classes of confidence, from 0 to 1.
    pub fn confidences(&self) -> &[Confidences] {
        &self.confidences
    }

    /// By how much squared a stated confidence differs from what came, on average (Brier's score): 0 where
    /// every forecast is sure and right, 0.25 where all are half sure. Low only where it is both right and
    /// says something. None where nothing was stated.
    pub fn brier(&self) -> Option<f64> {
        let made: u64 = self.confidences.iter().map(|class| class.made).sum();
        let squares = self.confidences.iter().map(|class| class.squared_error_sum);
        (made > 0).then(|| squares.sum::<f64>() / made as f64)
    }

    /// Earliest and latest ends.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn horizon(&self, place: usize, before_s: u16, light: Option<Light>) -> Option<Horizon> {
        let asked = |key: &(Light, usize)| key.1 == place && light.is_none_or(|of| of == key.0);
        let mut all: [Vec<f32>; 3] = Default::default();
        for (_, errors) in self.errors.iter().filter(|(key, _)| asked(key)) {
            for (all, errors) in all.iter_mut().zip(errors) {
                all.extend(errors);
            }
        }
        let silent = self.silent.iter().filter(|(key, _)| asked(key));
        let changes = all[0].len();
        let [ours, last, mean] = all.map(Errors::of);
        Some(Horizon {
            before_s,
            changes,
            silent: silent.map(|(_, count)| count).sum(),
            ours: ours?,
            last: last?,
            mean: mean?,
        })
    }
}

impl Horizon {
    /// Whether ours is better than both others, on average and at the 95th percentile.
    pub fn is_better(&self) -> bool {
        let beats = |other: Errors| self.ours.mae_s < other.mae_s && self.ours.p95_s < other.p95_s;
        beats(self.last) && beats(self.mean)
    }
}

impl Errors {
    fn of(mut errors: Vec<f32>) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        errors.sort_by(f32::total_cmp);
        let sum: f64 = errors.iter().copied().map(f64::from).sum();
        // The smallest error that at least 95 in 100 do not exceed.
        let rank = (errors.len() * 95).div_ceil(100).max(1);
        Some(Self {
            mae_s: sum / errors.len() as f64,
            p95_s: f64::from(errors[rank - 1]),
        })
    }
}

impl Confidences {
    /// Mean of what was stated, 0..=1; None where nothing was.
    pub fn stated(&self) -> Option<f64> {
        (self.made > 0).then(|| self.stated_sum / self.made as f64)
    }

    /// Share that came true within a second, 0..=1; None where nothing was stated.
    pub fn deserved(&self) -> Option<f64> {
        (self.made > 0).then(|| self.came_true as f64 / self.made as f64)
    }
}
