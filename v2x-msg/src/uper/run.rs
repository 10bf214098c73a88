//! Bits in hand: neighbouring fields put together in registers before they go to the buffer in one
//! store.

use super::{EncodeErrorKind, Wire, Writer, count_bits};

/// Up to 64 bits that are still to be written; the last is the lowest.
///
/// A value is given those that stand before it, and writes them with its own first ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    pub(super) bits: u64,
    pub(super) count: u32,
}

impl Run {
    /// Nothing in hand.
    pub const NONE: Self = Self { bits: 0, count: 0 };

    /// Most bits that are in hand where a value comes next: generated code leaves it room.
    pub(super) const MOST_BEFORE: u32 = 13;

    /// Puts the lowest `count` bits of `bits` behind; no bit above them may be set, and all in hand
    /// are 64 at most.
    #[inline]
    #[must_use]
    pub(crate) fn then(self, bits: u64, count: u32) -> Self {
        debug_assert!(self.count + count <= 64, "a run is one word");
        debug_assert!(count == 64 || bits >> count == 0, "bits beyond the field");
        // Only what is shifted by the whole word has nothing before it.
        let before = self.bits.checked_shl(count).unwrap_or(0);
        Self {
            bits: before | bits,
            count: self.count + count,
        }
    }

    /// Octets, eight at the most.
    #[inline]
    pub(super) fn then_octets(self, octets: &[u8]) -> Self {
        let put = |run: Self, octet: &u8| run.then(u64::from(*octet), 8);
        octets.iter().fold(self, put)
    }

    /// A count of `MIN..=MAX` elements (X.691, 20.5 and 17.6), in two octets at the most.
    #[inline]
    pub(crate) fn counted<const MIN: usize, const MAX: usize>(
        self,
        count: usize,
    ) -> Result<Self, EncodeErrorKind> {
        if count < MIN {
            return Err(EncodeErrorKind::TooFew);
        }
        if count > MAX {
            return Err(EncodeErrorKind::OutOfRange);
        }
        if const { MAX - MIN < 1 << 16 } {
            Ok(self.then((count - MIN) as u64, const { count_bits(MIN, MAX) }))
        } else {
            self.length(count)
        }
    }

    /// A general length determinant (X.691, 11.9.3.5 to 11.9.3.8) without fragments.
    pub(crate) fn length(self, length: usize) -> Result<Self, EncodeErrorKind> {
        match length {
            0..0x80 => Ok(self.then(length as u64, 8)),
            0x80..0x4000 => Ok(self.then(0x8000 | length as u64, 16)),
            _ => Err(EncodeErrorKind::TooLong),
        }
    }
}

/// A type whose values all take 64 bits at the most: it is written in one go with its neighbours.
pub(crate) trait Short: Wire {
    /// Puts the value's bits behind those in hand; there is room for the longest value.
    ///
    /// # Errors
    /// A value outside its bounds; `writer` is told the member.
    fn gather(&self, run: Run, writer: &mut Writer<'_>) -> Result<Run, EncodeErrorKind>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_stands_lower() {
        let run = Run::NONE.then(0b101, 3).then(0b01, 2);
        assert_eq!((run.bits, run.count), (0b10101, 5));
    }

    #[test]
    fn a_whole_word_fits() {
        let run = Run::NONE.then(u64::MAX, 64);
        assert_eq!((run.bits, run.count), (u64::MAX, 64));
    }
}
