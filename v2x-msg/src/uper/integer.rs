//! Single values that need no type of their own: BOOLEAN, and INTEGER whose range may grow in later
//! editions, `INTEGER (0..127, ...)`.

use super::{DecodeErrorKind, Draft, Reader, Run, Wire, Writer, width};

/// A whole number, of `MIN..=MAX` in this edition, perhaps beyond from a newer sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenInteger<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> OpenInteger<MIN, MAX> {
    /// Least value of this edition.
    pub const MIN: i64 = MIN;
    /// Greatest value of this edition.
    pub const MAX: i64 = MAX;
}

impl<const MIN: i64, const MAX: i64> Default for OpenInteger<MIN, MAX> {
    fn default() -> Self {
        Self(0_i64.clamp(MIN, MAX))
    }
}

impl<const MIN: i64, const MAX: i64> Wire for OpenInteger<MIN, MAX> {
    // The extension bit, and either the root or a length and an octet.
    const MIN_BITS: usize = {
        let root = width(MAX.abs_diff(MIN)) as usize;
        1 + if root < 16 { root } else { 16 }
    };
    const ROOM: u32 = Run::BESIDE_LENGTH;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        if (MIN..=MAX).contains(&self.0) {
            writer.put(run.then(0, 1));
            return writer.put(Draft::NONE.integer::<MIN, MAX>(self.0));
        }
        // X.691, 13.1 and 11.8: outside of the root, in the fewest octets, two's complement.
        writer.put(run.then(1, 1));
        let same = if self.0 < 0 {
            self.0.leading_ones()
        } else {
            self.0.leading_zeros()
        };
        let octets = (65 - same as usize).div_ceil(8);
        let run = writer.pass(Draft::NONE.length(octets));
        writer.octets(run, &self.0.to_be_bytes()[8 - octets..]);
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        if reader.bits(1)? == 0 {
            self.0 = reader.integer::<MIN, MAX>()?;
            return Ok(());
        }
        let octets = reader.length()?;
        if !(1..=8).contains(&octets) {
            return Err(DecodeErrorKind::OutOfRange);
        }
        let mut value = 0_i64;
        for index in 0..octets {
            let octet = reader.bits(8)? as u8;
            value = match index {
                0 => i64::from(octet as i8),
                _ => value << 8 | i64::from(octet),
            };
        }
        // X.691, 13.1 and 11.8: outside of the root, in the fewest octets.
        let fewest = (65 - value.leading_zeros().max(value.leading_ones()) as usize).div_ceil(8);
        reader.refuse_if(
            octets > fewest || (MIN..=MAX).contains(&value),
            DecodeErrorKind::NotShortest,
        )?;
        self.0 = value;
        Ok(())
    }
}

impl Wire for bool {
    const MIN_BITS: usize = 1;
    const ROOM: u32 = Run::MOST - 1;
    const BRIEF: bool = true;

    #[inline]
    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        writer.put(self.gather(run.draft()));
    }

    #[inline]
    fn gather(&self, run: Draft) -> Draft {
        run.then(u64::from(*self), 1)
    }

    #[inline]
    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        *self = reader.bits(1)? != 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uper::{decode_into, encode_into};

    fn encoded(value: i64) -> Vec<u8> {
        let mut out = [0; 16];
        let len = encode_into(&OpenInteger::<0, 127>(value), &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn values_of_the_root_take_its_bits() {
        assert_eq!(encoded(5), [5]);
        assert_eq!(encoded(127), [127]);
    }

    #[test]
    fn values_beyond_the_root_come_with_their_length() {
        // Extension bit, length 2, 0x0080, all shifted by one bit.
        assert_eq!(encoded(128), [0x81, 0x00, 0x40, 0x00]);
        // Extension bit, length 1, 0xff.
        assert_eq!(encoded(-1), [0x80, 0xff, 0x80]);
    }

    #[test]
    fn all_values_come_back() {
        for value in [
            0,
            1,
            127,
            128,
            -1,
            -128,
            -129,
            32_767,
            32_768,
            i64::MIN,
            i64::MAX,
        ] {
            let mut again = OpenInteger::<0, 127>(1);
            decode_into(&mut again, &encoded(value)).unwrap();
            assert_eq!(again.0, value);
        }
    }

    #[test]
    fn more_than_eight_octets_are_refused() {
        let mut octets = vec![0x84, 0x80];
        octets.extend([0; 10]);
        let mut value = OpenInteger::<0, 127>(1);
        let error = decode_into(&mut value, &octets).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::OutOfRange);
    }
}
