//! Sorting what is spread over a range: first into buckets, then each to its place.
//!
//! Sorted by comparisons a number meets the logarithm of all others. Places, bearings and ranges of road users are
//! spread well enough that a bucket each brings nearly all next to where they belong. The order is that of any sort:
//! what it is depends on keys alone, which must differ. Not here: what is sorted, and which buckets there are.

/// Room for sorting by buckets.
#[derive(Clone, Debug)]
pub(crate) struct Buckets<T> {
    /// What is to be sorted is put here.
    pub(crate) all: Vec<T>,
    /// Where each bucket begins in what was sorted last, and behind these where the last one ends; one more.
    begins: Vec<u16>,
}

impl<T: Copy> Buckets<T> {
    /// For no more than so many things in so many buckets.
    pub(crate) fn with_capacity(things: usize, buckets: usize) -> Self {
        Self {
            all: Vec::with_capacity(things),
            begins: Vec::with_capacity(buckets + 2),
        }
    }

    /// Puts all in order of `key` into `sorted`; of what has the lower key `bucket` must not be higher.
    #[inline(always)]
    pub(crate) fn sort<K: Ord>(
        &mut self,
        buckets: usize,
        bucket: impl Fn(&T) -> usize,
        sorted: &mut Vec<T>,
        key: impl Fn(&T) -> K,
    ) {
        let Self { all, begins } = self;
        begins.clear();
        begins.resize(buckets + 2, 0);
        for thing in all.iter() {
            begins[bucket(thing) + 2] += 1;
        }
        let mut sum = 0;
        for begin in begins.iter_mut() {
            sum += *begin;
            *begin = sum;
        }
        sorted.clear();
        sorted.extend_from_slice(all);
        for thing in all.iter() {
            // Its beginning moves on to its end, where the next one begins.
            let next = &mut begins[bucket(thing) + 1];
            sorted[usize::from(*next)] = *thing;
            *next += 1;
        }
        settle(sorted, key);
    }

    /// From where to where the buckets from `first` to `last` reach in what was sorted last.
    #[inline(always)]
    pub(crate) fn reach(&self, first: usize, last: usize) -> (usize, usize) {
        let begin = |bucket: usize| usize::from(self.begins[bucket]);
        (begin(first), begin(last + 1))
    }
}

/// Puts in order what is nearly in order; what is not, as usual.
#[inline(always)]
fn settle<T: Copy, K: Ord>(things: &mut [T], key: impl Fn(&T) -> K) {
    let mut patience = 4 * things.len();
    for n in 1..things.len() {
        let thing = things[n];
        let mut to = n;
        while to > 0 && key(&things[to - 1]) > key(&thing) {
            things[to] = things[to - 1];
            to -= 1;
        }
        if to == n {
            continue;
        }
        things[to] = thing;
        patience = patience.saturating_sub(n - to);
        if patience == 0 {
            things.sort_unstable_by_key(key);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_come_out_in_order_and_each_bucket_where_it_is_said_to_be(
            numbers in prop::collection::hash_set(0..5000u32, 0..200),
            (width, asked) in (1..3000u32, 0..5000u32),
        ) {
            let count = (5000 / width + 1) as usize;
            let bucket = |number: &u32| (number / width) as usize;
            let mut buckets = Buckets::with_capacity(200, count);
            buckets.all.extend(&numbers);
            let mut sorted = Vec::new();
            buckets.sort(count, bucket, &mut sorted, |number| *number);
            let mut expected: Vec<u32> = numbers.into_iter().collect();
            expected.sort_unstable();
            prop_assert_eq!(&sorted, &expected);
            let (from, to) = buckets.reach(bucket(&asked), bucket(&asked));
            for (place, number) in sorted.iter().enumerate() {
                let inside = (from..to).contains(&place);
                prop_assert_eq!(inside, bucket(number) == bucket(&asked));
            }
        }
    }
}
