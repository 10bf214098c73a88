//! Bits in hand: neighbouring fields put together in registers before they go to the buffer in one
//! store.

use super::count_bits;

/// Bits that are still to be written, as they go from value to value; the last is the lowest.
///
/// A value is given those that stand before it, and writes them with its own first ones.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub(super) bits: u64,
    pub(super) count: usize,
}

impl Run {
    /// Nothing in hand.
    pub const NONE: Self = Self { bits: 0, count: 0 };

    /// So many bits find room in a word behind an incomplete octet.
    pub(super) const MOST: u32 = 56;

    /// What is left beside the longest length, and the extension bit before it.
    pub(super) const BESIDE_LENGTH: u32 = Self::MOST - 17;

    /// The same bits, with others to come behind them.
    #[inline]
    #[must_use]
    pub(crate) fn draft(self) -> Draft {
        Draft {
            bits: self.bits,
            count: self.count,
            broken: false,
        }
    }

    /// Puts the lowest `count` bits of `bits` behind; no bit above them may be set.
    #[inline]
    #[must_use]
    pub(crate) fn then(self, bits: u64, count: u32) -> Draft {
        self.draft().then(bits, count)
    }
}

/// A run that is being put together: whether it can be written is only asked at its end.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    pub(super) bits: u64,
    /// More than [`MOST`](Run::MOST) where they do not fit.
    pub(super) count: usize,
    /// Whether a value out of its bounds is among them.
    pub(super) broken: bool,
}

impl Draft {
    /// Nothing in hand.
    pub(crate) const NONE: Self = Self {
        bits: 0,
        count: 0,
        broken: false,
    };

    /// What is more than a run can hold.
    pub(super) const TOO_LONG: Self = Self {
        bits: 0,
        count: Run::MOST as usize + 1,
        broken: false,
    };

    /// Puts the lowest `count` bits of `bits` behind; no bit above them may be set.
    #[inline]
    #[must_use]
    pub(crate) fn then(self, bits: u64, count: u32) -> Self {
        Self {
            bits: self.bits << count | bits,
            count: self.count + count as usize,
            ..self
        }
    }

    /// A whole number of `MIN..=MAX` (X.691, 11.5: the offset from the lower bound).
    #[inline]
    #[must_use]
    pub(crate) fn integer<const MIN: i64, const MAX: i64>(self, value: i64) -> Self {
        let above = value.wrapping_sub(MIN) as u64;
        let run = self.then(above, const { super::width(MAX.abs_diff(MIN)) });
        run.broken_if(above > MAX.abs_diff(MIN))
    }

    /// A count of `MIN..=MAX` elements (X.691, 20.5 and 17.6), in two octets at the most.
    #[inline]
    pub(super) fn counted<const MIN: usize, const MAX: usize>(self, count: usize) -> Self {
        let above = count.wrapping_sub(MIN);
        if const { MAX - MIN < 1 << 16 } {
            let run = self.then(above as u64, const { count_bits(MIN, MAX) });
            run.broken_if(above > MAX - MIN)
        } else {
            self.length(count).broken_if(above > MAX - MIN)
        }
    }

    /// A general length determinant (X.691, 11.9.3.5 to 11.9.3.8) without fragments.
    #[inline]
    pub(super) fn length(self, length: usize) -> Self {
        if length < 0x80 {
            self.then(length as u64, 8)
        } else {
            let run = self.then(0x8000 | length as u64, 16);
            run.broken_if(length > LONGEST)
        }
    }

    #[inline]
    fn broken_if(self, broken: bool) -> Self {
        Self {
            broken: self.broken | broken,
            ..self
        }
    }
}

/// The greatest length that is sent in one piece.
pub(super) const LONGEST: usize = 0x3fff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_stands_lower() {
        let run = Draft::NONE.then(0b101, 3).then(0b01, 2);
        assert_eq!((run.bits, run.count), (0b10101, 5));
    }

    #[test]
    fn a_value_out_of_its_bounds_cannot_be_overlooked() {
        for value in [i64::MIN, -6, 11, i64::MAX] {
            let run = Draft::NONE.integer::<-5, 10>(value).then(1, 1);
            assert!(run.broken, "{value}");
        }
        for value in -5..=10 {
            let run = Draft::NONE.integer::<-5, 10>(value);
            assert_eq!(
                (run.bits as i64 - 5, run.count, run.broken),
                (value, 4, false)
            );
        }
    }
}
