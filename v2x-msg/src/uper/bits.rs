//! A BIT STRING whose size may grow in later editions: `SIZE (8, ...)`.

use super::{DecodeErrorKind, Reader, Run, Wire, Writer};

/// Named bits, `ROOT` of them in this edition, perhaps more from a newer sender.
///
/// Holds up to 64 bits, never fewer than `ROOT`. A newer sender's bits beyond the 64th are
/// dropped, as its other unknown additions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensibleBits<const ROOT: u32> {
    /// Bit 0 of the ASN.1 is the first; bits behind `size` are zero. Octets, because a word would
    /// make each lane of a map larger by seven.
    octets: [u8; 8],
    size: u8,
}

impl<const ROOT: u32> ExtensibleBits<ROOT> {
    /// No bit set, `ROOT` bits long.
    pub const EMPTY: Self = Self::from_parts(0, ROOT);

    const fn from_parts(bits: u64, size: u32) -> Self {
        Self {
            octets: bits.to_be_bytes(),
            size: size as u8,
        }
    }

    /// Only the bit of that ASN.1 number set; it is one of the root.
    pub(crate) const fn named(bit: u32) -> Self {
        assert!(bit < ROOT && ROOT <= 64);
        Self::from_parts(1 << (63 - bit), ROOT)
    }

    /// From `size` bits, the first of them the most significant of `bits`; what is short of the
    /// root is zero. None beyond 64 bits.
    pub(crate) fn from_top(bits: u64, size: u32) -> Option<Self> {
        let kept = match size {
            0 => 0,
            1..=64 => bits >> (64 - size) << (64 - size),
            _ => return None,
        };
        Some(Self::from_parts(kept, size.max(ROOT)))
    }

    /// All bits; bit 0 of the ASN.1 is the most significant.
    pub const fn top(self) -> u64 {
        u64::from_be_bytes(self.octets)
    }

    /// How many bits: `ROOT`, or more from a newer sender.
    pub const fn size(self) -> u32 {
        self.size as u32
    }

    /// Whether all bits of `others` are set.
    pub const fn has(self, others: Self) -> bool {
        self.top() & others.top() == others.top()
    }

    /// With the bits of `others` set as well.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        let size = if self.size > others.size {
            self.size()
        } else {
            others.size()
        };
        Self::from_parts(self.top() | others.top(), size)
    }

    /// With the bits of `others` cleared.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self::from_parts(self.top() & !others.top(), self.size())
    }
}

impl<const ROOT: u32> Default for ExtensibleBits<ROOT> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const ROOT: u32> Wire for ExtensibleBits<ROOT> {
    // The extension bit and a length of zero are shorter still if the root is a long one.
    const MIN_BITS: usize = 1 + if ROOT < 8 { ROOT as usize } else { 8 };
    const ROOM: u32 = 5;

    #[inline]
    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        let (bits, size) = (self.top(), self.size());
        if size == ROOT && const { Self::ROOM + 1 + ROOT <= Run::MOST } {
            return writer.put(run.then(0, 1).then(bits >> (64 - ROOT), ROOT));
        }
        // X.691, 16.6: a size outside the root is sent with a general length (11.9), which is one
        // octet below 128.
        writer.put(match size == ROOT {
            true => run.then(0, 1),
            false => run.then(1, 1).then(u64::from(size), 8),
        });
        writer.bits(bits, size);
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        let size = if reader.bits(1)? == 0 {
            ROOT as usize
        } else {
            let size = reader.length()?;
            reader.refuse_if(size == ROOT as usize, DecodeErrorKind::NotShortest)?;
            size
        };
        let kept = size.min(64) as u32;
        let first = kept.min(32);
        let top = reader.bits(first)?;
        let rest = kept - first;
        let low = reader.bits(rest)?;
        reader.skip(size - kept as usize)?;
        let bits = top.checked_shl(64 - first).unwrap_or(0)
            | low.checked_shl(64 - rest).unwrap_or(0) >> 32;
        *self = Self::from_parts(bits, kept.max(ROOT));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uper::{decode_into, encode_into};

    fn encoded<const ROOT: u32>(value: ExtensibleBits<ROOT>) -> Vec<u8> {
        let mut out = [0; 16];
        let len = encode_into(&value, &mut out).unwrap();
        out[..len].to_vec()
    }

    fn decoded<const ROOT: u32>(octets: &[u8]) -> ExtensibleBits<ROOT> {
        let mut value = ExtensibleBits::default();
        decode_into(&mut value, octets).unwrap();
        value
    }

    #[test]
    fn the_root_size_needs_no_length() {
        let value = ExtensibleBits::<8>::named(0).with(ExtensibleBits::named(7));
        assert_eq!(encoded(value), [0b0100_0000, 0b1000_0000]);
        assert_eq!(decoded::<8>(&[0b0100_0000, 0b1000_0000]), value);
    }

    #[test]
    fn sizes_beyond_the_root_are_kept_up_to_64_bits() {
        for size in [9, 31, 32, 33, 63, 64] {
            let value = ExtensibleBits::<8>::from_top(0xdead_beef_0123_4567, size).unwrap();
            assert_eq!(value.size(), size);
            assert_eq!(decoded::<8>(&encoded(value)), value, "{size}");
        }
    }

    #[test]
    fn bits_beyond_the_64th_are_dropped() {
        // Extension bit, length 72, then 72 ones, all shifted by one bit.
        let mut octets = vec![0x80 | (72 >> 1), 0x7f];
        octets.extend([0xff; 8]);
        octets.push(0x80);
        let value = decoded::<8>(&octets);
        assert_eq!((value.top(), value.size()), (u64::MAX, 64));
    }

    #[test]
    fn a_size_short_of_the_root_is_filled_up_with_zeros() {
        // Extension bit, length 3, then 101.
        let value = decoded::<13>(&[0b1000_0001, 0b1101_0000]);
        assert_eq!((value.top() >> 61, value.size()), (0b101, 13));
        assert_eq!(encoded(value), [0b0101_0000, 0]);
    }
}
