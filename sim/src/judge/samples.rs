//! Many measurements of one thing, and what can be said of them all.
//!
//! A run of a day makes more of them than memory holds. Up to [`MOST`] all are kept; of more, so many that
//! each of them had the same chance (Vitter's algorithm R, by a chance that hangs on their number alone):
//! quantiles are then estimates, off by about 0.1 % of rank; number, mean and largest are exact.

use crate::random::mix;

/// Measurements in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Those that are kept.
    values: Vec<f64>,
    count: u64,
    sum: f64,
    most: f64,
}

impl Samples {
    /// One more; what is not a number is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.most = if self.count == 0 {
            value
        } else {
            self.most.max(value)
        };
        self.count += 1;
        self.sum += value;
        if self.values.len() < MOST {
            self.values.push(value);
            return;
        }
        let place = mix(self.count) % self.count;
        if let Some(kept) = self.values.get_mut(place as usize) {
            *kept = value;
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Those that are kept: all of them, oldest first, unless there are more than [`MOST`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean; None of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The smallest value that is not exceeded by this share of all, 0 to 1; None of nothing.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if self.count > 0 && share >= 1.0 {
            return Some(self.most);
        }
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// So many are kept: two megabytes.
pub const MOST: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_the_nearest_rank() {
        let mut samples = Samples::default();
        for value in (1..=100).rev() {
            samples.add(f64::from(value));
        }
        samples.add(f64::NAN);
        assert_eq!(samples.quantile(0.5), Some(50.0));
        assert_eq!(samples.quantile(0.99), Some(99.0));
        assert_eq!(samples.quantile(1.0), Some(100.0));
        assert_eq!(Samples::default().quantile(0.5), None);
    }

    #[test]
    fn of_more_than_memory_is_for_each_had_the_same_chance() {
        let mut samples = Samples::default();
        let all = 4 * MOST;
        for value in 0..all {
            samples.add(value as f64);
        }
        assert_eq!(samples.values().len(), MOST);
        assert_eq!(samples.count(), all);
        assert_eq!(samples.mean(), Some((all - 1) as f64 / 2.0));
        assert_eq!(samples.quantile(1.0), Some((all - 1) as f64));
        for share in [0.05, 0.5, 0.95, 0.99] {
            let off = samples.quantile(share).expect("many") / all as f64 - share;
            assert!(off.abs() < 0.003, "{share}: {off}");
        }
    }
}
