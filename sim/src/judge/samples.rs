//! Many measurements of one thing, and what can be said of them all.
//!
//! A run of a day makes more of them than memory holds. Up to [`MOST`], or fewer where many judges share a
//! machine, all are kept. Beyond that they are only counted, in [`buckets`](super::buckets): number, mean,
//! smallest and largest stay exact, and a quantile lies within a bucket, 0.2 % of its value wide.

use super::buckets::Buckets;

/// Measurements of one thing.
#[derive(Clone, Debug)]
pub struct Samples {
    /// All of them, in the order in which they were made, while they are few.
    few: Vec<f64>,
    /// All of them, once they are many.
    many: Option<Buckets>,
    /// So many are few.
    keeps: usize,
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            few: Vec::new(),
            many: None,
            keeps: MOST,
            count: 0,
            sum: 0.0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        }
    }
}

impl Samples {
    /// From now on no more than so many are kept one by one.
    pub fn keep_at_most(&mut self, keeps: usize) {
        self.keeps = keeps;
        if self.few.len() > keeps {
            self.counted();
        }
    }

    /// One more; what is not a number is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        self.count += 1;
        self.sum += value;
        if self.many.is_none() && self.few.len() < self.keeps {
            self.few.push(value);
        } else {
            self.counted().add(value);
        }
    }

    /// All that another has.
    pub fn add_all(&mut self, other: &Self) {
        other.few.iter().for_each(|value| self.add(*value));
        let Some(theirs) = &other.many else { return };
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.count += other.count;
        self.sum += other.sum;
        self.counted().add_all(theirs);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Values, each with how many there are of about it.
    pub fn weighted(&self) -> Vec<(f64, u64)> {
        match &self.many {
            None => self.few.iter().map(|value| (*value, 1)).collect(),
            Some(buckets) => buckets.weighted().collect(),
        }
    }

    /// The mean; None of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The smallest; None of nothing.
    pub fn least(&self) -> Option<f64> {
        (self.count > 0).then_some(self.least)
    }

    /// The smallest value that is not exceeded by this share of all, 0 to 1; None of nothing.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if self.count > 0 && share >= 1.0 {
            return Some(self.most);
        }
        let rank = ((share * self.count as f64).ceil() as u64).saturating_sub(1);
        if let Some(buckets) = &self.many {
            return buckets.at_rank(rank);
        }
        let mut sorted = self.few.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(rank as usize).copied()
    }

    /// Its buckets: from now on there are many.
    fn counted(&mut self) -> &mut Buckets {
        let few = std::mem::take(&mut self.few);
        let buckets = self.many.get_or_insert_default();
        few.into_iter().for_each(|value| buckets.add(value));
        buckets
    }
}

/// So many are kept one by one: two megabytes.
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
        assert_eq!(samples.least(), Some(1.0));
        assert_eq!(Samples::default().quantile(0.5), None);
        assert_eq!(Samples::default().least(), None);
    }

    #[test]
    fn of_more_than_memory_is_for_quantiles_are_near_and_the_rest_is_exact() {
        let mut samples = Samples::default();
        let all = 4 * MOST;
        for value in 0..all {
            samples.add(value as f64);
        }
        assert!(samples.many.is_some());
        assert_eq!(samples.count(), all);
        assert_eq!(samples.mean(), Some((all - 1) as f64 / 2.0));
        assert_eq!(samples.quantile(1.0), Some((all - 1) as f64));
        assert_eq!(samples.least(), Some(0.0));
        for share in [0.05, 0.5, 0.95, 0.99] {
            let rank = (share * all as f64).ceil() - 1.0;
            let off = samples.quantile(share).expect("many") / rank - 1.0;
            assert!(off.abs() < 0.002, "{share}: {off}");
        }
    }

    #[test]
    fn what_comes_in_steps_is_exact_however_much_there_is() {
        // Tenths of a second, as the air has them, and none.
        let mut samples = Samples::default();
        samples.keep_at_most(100);
        for i in 0..10_000 {
            samples.add(f64::from(i % 4) / 10.0);
        }
        let told = [0.2, 0.5, 0.6, 0.99].map(|share| samples.quantile(share));
        assert_eq!(told, [0.0, 0.1, 0.2, 0.3].map(Some));
    }

    #[test]
    fn those_of_several_are_those_of_one() {
        let mut whole = Samples::default();
        let mut parts = [Samples::default(), Samples::default()];
        parts[1].keep_at_most(10);
        for i in 0..1000 {
            let value = f64::from(i * 7919 % 1000) - 500.0;
            whole.add(value);
            parts[usize::from(i % 2 == 0)].add(value);
        }
        let mut sum = Samples::default();
        parts.iter().for_each(|part| sum.add_all(part));
        assert_eq!(sum.count(), whole.count());
        assert_eq!(sum.mean(), whole.mean());
        assert_eq!(sum.least(), whole.least());
        for share in [0.1, 0.5, 0.95] {
            let (near, exact) = (sum.quantile(share), whole.quantile(share));
            let (near, exact) = (near.expect("some"), exact.expect("some"));
            assert!((near - exact).abs() <= 0.004 * exact.abs().max(1.0));
        }
        let weights = sum.weighted().iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!(weights, 1000);
    }

    #[test]
    fn what_is_counted_takes_so_much_memory_and_no_more() {
        let mut samples = Samples::default();
        samples.keep_at_most(0);
        // As wide a spread as anything measured has: a micrometre to ten kilometres.
        for i in 0..2_000_000 {
            samples.add(10_f64.powf(f64::from(i) / 200_000.0 - 6.0));
        }
        let buckets = samples.many.expect("they are many");
        assert!(buckets.octets() < 300_000, "{}", buckets.octets());
    }
}
