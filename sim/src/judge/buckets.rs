//! How many measurements lie where: as many as one likes, in memory that does not grow.
//!
//! A bucket is a 512th of the span from a power of two to the next, so values in it differ by 0.2 % at
//! most; what is smaller than [`FINE`] is told apart by 512ths of that. Each knows how many are in it, and
//! the smallest and largest of them: what comes in steps, as times do that the air has in tenths of a
//! second, stays exact. Within a bucket values are taken to be spread evenly. Pages of buckets come as they
//! are needed, and there are as many as powers of two between the smallest and the largest value.

use std::collections::BTreeMap;

/// Counts of values, by size.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// By sign and power of two.
    pages: BTreeMap<i32, Box<[Bucket; PAGE]>>,
}

/// Values that are about the same.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    count: u64,
    least: f64,
    most: f64,
}

const EMPTY: Bucket = Bucket {
    count: 0,
    least: f64::INFINITY,
    most: f64::NEG_INFINITY,
};

impl Buckets {
    /// One more; it must be finite.
    pub fn add(&mut self, value: f64) {
        self.at(value).take(&Bucket {
            count: 1,
            least: value,
            most: value,
        });
    }

    /// All that another has.
    pub fn add_all(&mut self, other: &Self) {
        for theirs in other.filled() {
            self.at(theirs.least).take(theirs);
        }
    }

    /// The value of which so many are smaller.
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        let mut before = 0;
        for bucket in self.filled() {
            if rank < before + bucket.count {
                let span = (bucket.count - 1).max(1) as f64;
                let share = (rank - before) as f64 / span;
                return Some(bucket.least + (bucket.most - bucket.least) * share);
            }
            before += bucket.count;
        }
        None
    }

    /// The middle of each bucket, and how many are in it; the smallest first.
    pub fn weighted(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.filled()
            .map(|bucket| (f64::midpoint(bucket.least, bucket.most), bucket.count))
    }

    /// How much memory it takes.
    pub fn octets(&self) -> usize {
        self.pages.len() * size_of::<[Bucket; PAGE]>()
    }

    /// Those with anything in them, the smallest values first.
    fn filled(&self) -> impl Iterator<Item = &Bucket> {
        let buckets = self.pages.values().flat_map(|page| page.iter());
        buckets.filter(|bucket| bucket.count > 0)
    }

    fn at(&mut self, value: f64) -> &mut Bucket {
        let (page, place) = place(value);
        let page = self.pages.entry(page);
        &mut page.or_insert_with(|| Box::new([EMPTY; PAGE]))[place]
    }
}

impl Bucket {
    fn take(&mut self, other: &Self) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }
}

/// The page of a value, and its place in it; both grow with the value.
fn place(value: f64) -> (i32, usize) {
    let size = value.abs();
    let bits = size.to_bits();
    let power = (bits >> MANTISSA) as i32 - BIAS;
    let (page, place) = if size < FINE {
        (0, (size / FINE * PAGE as f64) as usize)
    } else {
        let place = bits >> (MANTISSA - PAGE.ilog2());
        (power - FINE_POWER + 1, place as usize % PAGE)
    };
    let place = place.min(PAGE - 1);
    if value < 0.0 {
        (-1 - page, PAGE - 1 - place)
    } else {
        (page, place)
    }
}

/// Buckets of a page.
const PAGE: usize = 512;
/// What is smaller is of one page: a 64th of a metre, a second or a degree.
const FINE: f64 = 1.0 / 64.0;
const FINE_POWER: i32 = -6;
/// Bits of a double.
const MANTISSA: u32 = 52;
const BIAS: i32 = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_grow_with_values() {
        let mut values: Vec<f64> = (-40_000..40_000)
            .map(|i| f64::from(i) * f64::from(i).abs().sqrt() * 1e-5)
            .collect();
        values.extend([FINE, -FINE, 1.0, 2.0, f64::MIN_POSITIVE, 1e300, -1e300]);
        values.sort_by(f64::total_cmp);
        for pair in values.windows(2) {
            assert!(place(pair[0]) <= place(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn values_of_a_bucket_are_alike() {
        let mut last = (place(0.1), 0.1_f64);
        for i in 0..200_000 {
            let value = 0.1 + f64::from(i) * 1e-4;
            let here = place(value);
            if here != last.0 {
                last = (here, value);
            }
            assert!(value / last.1 < 1.0 + 1.0 / 500.0, "{value}");
        }
    }
}
