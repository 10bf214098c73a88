//! How long things took, as counts in fixed buckets: written by any thread, read by any other.
//!
//! The buckets grow with the value, sixteen to each doubling, so a percentile is at most a sixteenth
//! above the truth from 128 ns to 17 s. Recording is one atomic addition and allocates nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Finest step: below it, durations are not told apart.
const STEP_LOG2: u32 = 7;
const STEP: u64 = 1 << STEP_LOG2;
/// Buckets to a doubling.
const FINE_LOG2: u32 = 4;
const FINE: u64 = 1 << FINE_LOG2;
/// Doublings beyond the first, evenly spaced bucketful: up to 2^34 ns, 17 s.
const DOUBLINGS: u64 = 23;
const BUCKETS: usize = ((DOUBLINGS + 1) * FINE) as usize;

/// A histogram of durations.
#[derive(Debug)]
pub(crate) struct Latency {
    buckets: [AtomicU64; BUCKETS],
    max_ns: AtomicU64,
    sum_ns: AtomicU64,
}

/// What a histogram says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// How many were recorded.
    pub count: u64,
    /// Half were at most this.
    pub p50: Duration,
    /// Ninety-nine in a hundred were at most this.
    pub p99: Duration,
    /// All but one in a thousand were at most this.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

/// Durations by bounds.
#[cfg(feature = "console")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Histogram<const N: usize> {
    pub(crate) sum: Duration,
    /// Within a bound and beyond the one before it.
    pub(crate) within: [u64; N],
    pub(crate) beyond: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            max_ns: AtomicU64::new(0),
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl Latency {
    /// Counts one.
    pub(crate) fn record(&self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.max_ns.fetch_max(ns, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// All of them together, and how many ended within each of `bounds`, which rise, and beyond.
    ///
    /// A duration counts with the bound that its bucket lies within: at most a sixteenth too high.
    #[cfg(feature = "console")]
    pub(crate) fn histogram<const N: usize>(&self, bounds: [Duration; N]) -> Histogram<N> {
        let sum = Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed));
        let (within, beyond) = within(&self.counts(), bounds);
        Histogram {
            sum,
            within,
            beyond,
        }
    }

    /// What was recorded so far.
    pub(crate) fn percentiles(&self) -> Percentiles {
        percentiles(&self.counts(), self.max_ns.load(Ordering::Relaxed))
    }

    /// The longest, in nanoseconds.
    #[cfg(feature = "console")]
    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns.load(Ordering::Relaxed)
    }

    /// How many there are in each bucket.
    pub(crate) fn counts(&self) -> Vec<u64> {
        let counts = self.buckets.iter().map(|b| b.load(Ordering::Relaxed));
        counts.collect()
    }
}

/// Counts by bucket as counts by bounds, which rise, and how many are beyond all of them.
#[cfg(feature = "console")]
pub(crate) fn within<const N: usize>(counts: &[u64], bounds: [Duration; N]) -> ([u64; N], u64) {
    let (mut within, mut beyond) = ([0; N], 0);
    for (place, count) in counts.iter().enumerate() {
        let longest = Duration::from_nanos(upper_bound(place));
        match bounds.iter().position(|bound| longest <= *bound) {
            Some(bound) => within[bound] += count,
            None => beyond += count,
        }
    }
    (within, beyond)
}

/// What was recorded between two looks at the same histogram; the longest is known to a sixteenth.
#[cfg(feature = "console")]
pub(crate) fn between(before: &[u64], after: &[u64]) -> Percentiles {
    let counts: Vec<u64> = after
        .iter()
        .enumerate()
        .map(|(place, count)| count - before.get(place).unwrap_or(&0).min(count))
        .collect();
    let last = counts.iter().rposition(|count| *count > 0);
    percentiles(&counts, last.map_or(0, upper_bound))
}

/// What counts by bucket say.
pub(crate) fn percentiles(counts: &[u64], max_ns: u64) -> Percentiles {
    let count: u64 = counts.iter().sum();
    let at = |per_mille: u64| {
        let rank = (count * per_mille).div_ceil(1000).max(1);
        let mut below = 0;
        let found = counts.iter().position(|n| {
            below += n;
            below >= rank
        });
        Duration::from_nanos(found.map_or(0, |bucket| upper_bound(bucket).min(max_ns)))
    };
    Percentiles {
        count,
        p50: at(500),
        p99: at(990),
        p999: at(999),
        max: Duration::from_nanos(max_ns),
    }
}

fn bucket(ns: u64) -> usize {
    let steps = ns >> STEP_LOG2;
    let index = if steps < FINE {
        steps
    } else {
        let doubling = u64::from(steps.ilog2() - FINE_LOG2);
        let within = (steps >> doubling) - FINE;
        (doubling + 1) * FINE + within
    };
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The longest duration that falls into a bucket, in nanoseconds.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let next_step = if bucket < FINE {
        bucket + 1
    } else {
        let doubling = bucket / FINE - 1;
        (FINE + bucket % FINE + 1) << doubling
    };
    next_step * STEP - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_falls_within_its_bucket() {
        for exponent in 0..34 {
            for ns in [1u64 << exponent, (1 << exponent) + 1, (3 << exponent) / 2] {
                let found = bucket(ns);
                assert!(ns <= upper_bound(found), "{ns}");
                assert!(found == 0 || ns > upper_bound(found - 1), "{ns}");
            }
        }
    }

    #[test]
    fn percentiles_are_within_a_sixteenth() {
        let latency = Latency::default();
        for us in 1..=1000u64 {
            latency.record(Duration::from_micros(us));
        }
        let told = latency.percentiles();
        assert_eq!(told.count, 1000);
        for (got, true_us) in [(told.p50, 500.0), (told.p99, 990.0), (told.p999, 999.0)] {
            let ratio = got.as_secs_f64() * 1e6 / true_us;
            assert!((1.0..1.0 + 1.0 / 16.0).contains(&ratio), "{got:?}");
        }
        assert_eq!(told.max, Duration::from_millis(1));
    }

    #[test]
    #[cfg(feature = "console")]
    fn a_window_knows_only_what_came_in_it() {
        let latency = Latency::default();
        latency.record(Duration::from_secs(1));
        let before = latency.counts();
        assert_eq!(between(&before, &before), Percentiles::default());
        latency.record(Duration::from_millis(2));
        let told = between(&before, &latency.counts());
        assert_eq!(told.count, 1);
        assert!(told.max >= Duration::from_millis(2) && told.max < Duration::from_micros(2130));
        assert_eq!(told.p50, told.max);
    }

    #[test]
    fn nothing_recorded_says_zero() {
        assert_eq!(Latency::default().percentiles(), Percentiles::default());
    }

    #[test]
    fn beyond_the_last_bucket_the_maximum_still_holds() {
        let latency = Latency::default();
        latency.record(Duration::from_secs(1000));
        let told = latency.percentiles();
        assert_eq!(told.max, Duration::from_secs(1000));
        assert_eq!(told.count, 1);
    }
}
