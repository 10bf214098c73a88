//! Many measurements of one thing, and what can be said of them all.

/// Measurements in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    values: Vec<f64>,
}

impl Samples {
    /// One more; what is not a number is left out.
    pub fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.values.push(value);
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// All of them, oldest first.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean; None of nothing.
    pub fn mean(&self) -> Option<f64> {
        let count = self.values.len();
        (count > 0).then(|| self.values.iter().sum::<f64>() / count as f64)
    }

    /// The smallest value that is not exceeded by this share of all, 0 to 1; None of nothing.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.values.clear();
    }
}

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
}
