//! Takes fields off a frame: one wide load a field, every access checked.

use super::{DecodeError, DecodeErrorKind, width};

/// A frame and how far it has been read.
///
/// After an error the position stays at the field that caused it.
#[derive(Debug)]
pub struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    end: usize,
    /// Innermost member around a failure; empty until one happens.
    field: &'static str,
    /// Octets of memory that the value has asked for while it was read.
    grown: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first bit of `octets`.
    pub fn new(octets: &'a [u8]) -> Self {
        let end = octets.len().saturating_mul(8);
        Self {
            octets,
            at: 0,
            end,
            field: "",
            grown: 0,
        }
    }

    /// The next `count` bits as a number, first bit most significant. At most 57.
    #[inline]
    pub(crate) fn bits(&mut self, count: u32) -> Result<u64, DecodeErrorKind> {
        debug_assert!(
            count <= 57,
            "a wide load holds 57 bits behind any bit offset"
        );
        if count == 0 {
            return Ok(0);
        }
        let (octet, offset) = (self.at >> 3, self.at & 7);
        // Eight octets ahead hold the field wherever it starts within the first.
        let wide = self
            .octets
            .get(octet..)
            .and_then(|ahead| ahead.first_chunk::<8>());
        let word = match wide {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => self.last_octets(count)?,
        };
        self.at += count as usize;
        Ok((word << offset) >> (u64::BITS - count))
    }

    /// The last octets of the frame, zero-filled to a word, if they hold `count` more bits.
    fn last_octets(&self, count: u32) -> Result<u64, DecodeErrorKind> {
        if count as usize > self.remaining() {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(self.octets.iter().skip(self.at >> 3)) {
            *to = *from;
        }
        Ok(u64::from_be_bytes(word))
    }

    /// A whole number of `MIN..=MAX` (X.691, 11.5: the offset from the lower bound).
    #[inline]
    pub(crate) fn integer<const MIN: i64, const MAX: i64>(
        &mut self,
    ) -> Result<i64, DecodeErrorKind> {
        let span = const { MAX.abs_diff(MIN) };
        let offset = self.bits(const { width(MAX.abs_diff(MIN)) })?;
        if offset > span {
            return Err(self.back(
                const { width(MAX.abs_diff(MIN)) },
                DecodeErrorKind::OutOfRange,
            ));
        }
        Ok(MIN.wrapping_add_unsigned(offset))
    }

    /// The index of an enumeral among `ROOT` of the root (X.691, clause 14).
    #[inline]
    pub(crate) fn enumeral<const ROOT: u64, const EXTENSIBLE: bool>(
        &mut self,
    ) -> Result<usize, DecodeErrorKind> {
        self.index::<ROOT, EXTENSIBLE>(DecodeErrorKind::UnknownEnumeral)
    }

    /// The index of an alternative among `ROOT` of the root (X.691, clause 23).
    #[inline]
    pub(crate) fn alternative<const ROOT: u64, const EXTENSIBLE: bool>(
        &mut self,
    ) -> Result<usize, DecodeErrorKind> {
        self.index::<ROOT, EXTENSIBLE>(DecodeErrorKind::UnknownAlternative)
    }

    #[inline]
    fn index<const ROOT: u64, const EXTENSIBLE: bool>(
        &mut self,
        unknown: DecodeErrorKind,
    ) -> Result<usize, DecodeErrorKind> {
        let bits = const { EXTENSIBLE as u32 + width(ROOT - 1) };
        let index = self.bits(bits)?;
        if index < ROOT {
            return Ok(index as usize);
        }
        let extended = EXTENSIBLE && index >> (bits - 1) != 0;
        Err(self.back(
            bits,
            if extended {
                unknown
            } else {
                DecodeErrorKind::OutOfRange
            },
        ))
    }

    /// A count of `MIN..=MAX` elements of at least `element_bits` each (X.691, 20.5 and 17.6).
    #[inline]
    pub(crate) fn count<const MIN: usize, const MAX: usize>(
        &mut self,
        element_bits: usize,
    ) -> Result<usize, DecodeErrorKind> {
        let bits = const { width((MAX - MIN) as u64) };
        let count = MIN + self.bits(bits)? as usize;
        if count > MAX {
            return Err(self.back(bits, DecodeErrorKind::OutOfRange));
        }
        if count * element_bits > self.remaining() {
            return Err(self.back(bits, DecodeErrorKind::EndOfFrame));
        }
        Ok(count)
    }

    /// A general length determinant (X.691, 11.9.3.5 to 11.9.3.8) without fragments.
    pub(crate) fn length(&mut self) -> Result<usize, DecodeErrorKind> {
        if self.bits(1)? == 0 {
            return Ok(self.bits(7)? as usize);
        }
        if self.bits(1)? == 0 {
            return Ok(self.bits(14)? as usize);
        }
        Err(self.back(2, DecodeErrorKind::TooLong))
    }

    /// Passes over `count` bits.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), DecodeErrorKind> {
        if count > self.remaining() {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        self.at += count;
        Ok(())
    }

    /// Passes over all extension additions of a SEQUENCE (X.691, 19.7 to 19.9): a bitmap says
    /// which are there, and each is an open type with its length in octets.
    #[cold]
    pub(crate) fn skip_additions(&mut self) -> Result<(), DecodeErrorKind> {
        let known_length = self.bits(1)? == 0;
        let additions = if known_length {
            1 + self.bits(6)? as usize
        } else {
            self.length()?
        };
        let mut bitmap = Reader {
            at: self.at,
            ..*self
        };
        self.skip(additions)?;
        for _ in 0..additions {
            if bitmap.bits(1)? != 0 {
                let octets = self.length()?;
                self.skip(octets * 8)?;
            }
        }
        Ok(())
    }

    /// How many bits are left.
    pub(crate) fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// How many bits have been read.
    pub(crate) fn at_bit(&self) -> usize {
        self.at
    }

    /// Notes that a container has reserved memory for `count` more elements of that size.
    pub(crate) fn grow(&mut self, count: usize, size: usize) {
        self.grown += count * size;
    }

    /// Octets of memory that the value has asked for so far.
    pub(crate) fn grown(&self) -> usize {
        self.grown
    }

    /// Steps back over a field of `count` bits that turned out wrong.
    #[cold]
    fn back(&mut self, count: u32, kind: DecodeErrorKind) -> DecodeErrorKind {
        self.at -= count as usize;
        kind
    }

    /// Notes the member around a failure, unless a member further in has been noted.
    #[cold]
    pub(crate) fn blame(&mut self, field: &'static str, kind: DecodeErrorKind) -> DecodeErrorKind {
        if self.field.is_empty() {
            self.field = field;
        }
        kind
    }

    /// The whole story of a failure.
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            at_bit: self.at,
            kind,
            field: self.field,
        }
    }
}
