//! Puts fields into a buffer: bits gather in a register and leave it four octets at a time.

use super::unknown::{OfSequence, UnknownAdditions};
use super::{EncodeError, EncodeErrorKind, Path, count_bits, width};

/// A buffer of the caller's and how far it has been filled.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    /// Octets that are in `out`.
    stored: usize,
    /// Bits on their way: the lowest `pending_bits` of this. What is above has been stored.
    pending: u64,
    /// Below 32 between calls.
    pending_bits: u32,
    /// Where a failure happened, once one has: an empty path would cost time at each start.
    path: Option<Path>,
    /// What others said beyond this edition, to be said again.
    unknown: Option<&'a UnknownAdditions>,
    /// How many extensible SEQUENCEs have begun; not counted where nothing is to be said again.
    sequences: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the first bit of `out`.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            stored: 0,
            pending: 0,
            pending_bits: 0,
            path: None,
            unknown: None,
            sequences: 0,
        }
    }

    /// The same, and says again what others said beyond this edition.
    pub(crate) fn with(out: &'a mut [u8], unknown: &'a UnknownAdditions) -> Self {
        Self {
            unknown: Some(unknown).filter(|unknown| !unknown.is_empty()),
            ..Self::new(out)
        }
    }

    /// Notes that an extensible SEQUENCE begins, and gives what is to be said again of it.
    #[inline]
    pub(crate) fn enter(&mut self) -> Option<&'a OfSequence> {
        let unknown = self.unknown?;
        self.sequences += 1;
        unknown.of(self.sequences - 1)
    }

    /// Appends the lowest `count` bits of `value`, most significant first. At most 32, and no
    /// bit above them may be set.
    #[inline]
    pub(crate) fn bits(&mut self, value: u64, count: u32) -> Result<(), EncodeErrorKind> {
        debug_assert!(
            count <= 32,
            "fewer than 32 are pending, and a word holds 64"
        );
        debug_assert!(value >> count == 0, "bits beyond the field");
        self.pending = (self.pending << count) | value;
        self.pending_bits += count;
        if self.pending_bits >= 32 {
            let word = (self.pending >> (self.pending_bits - 32)) as u32;
            let room = self
                .out
                .get_mut(self.stored..)
                .and_then(|room| room.first_chunk_mut::<4>());
            *room.ok_or(EncodeErrorKind::NoRoom)? = word.to_be_bytes();
            self.stored += 4;
            self.pending_bits -= 32;
        }
        Ok(())
    }

    /// Appends the lowest `count` bits of `value`, at most 64.
    #[inline]
    pub(crate) fn word(&mut self, value: u64, count: u32) -> Result<(), EncodeErrorKind> {
        if count > 32 {
            self.bits(value >> 32, count - 32)?;
            self.bits(value & u64::from(u32::MAX), 32)
        } else {
            self.bits(value, count)
        }
    }

    /// A whole number of `MIN..=MAX` (X.691, 11.5: the offset from the lower bound).
    #[inline]
    pub(crate) fn integer<const MIN: i64, const MAX: i64>(
        &mut self,
        value: i64,
    ) -> Result<(), EncodeErrorKind> {
        self.bits(
            above::<MIN, MAX>(value)?,
            const { width(MAX.abs_diff(MIN)) },
        )
    }

    /// The index of an enumeral or alternative among `ROOT` of the root; those beyond the root
    /// are never sent, so the extension bit is zero (X.691, clauses 14 and 23).
    #[inline]
    pub(crate) fn index<const ROOT: u64, const EXTENSIBLE: bool>(
        &mut self,
        index: u64,
    ) -> Result<(), EncodeErrorKind> {
        debug_assert!(index < ROOT, "generated code knows the root");
        self.bits(index, const { EXTENSIBLE as u32 + width(ROOT - 1) })
    }

    /// A count of `MIN..=MAX` elements (X.691, 20.5 and 17.6).
    #[inline]
    pub(crate) fn count<const MIN: usize, const MAX: usize>(
        &mut self,
        count: usize,
    ) -> Result<(), EncodeErrorKind> {
        if count < MIN {
            return Err(EncodeErrorKind::TooFew);
        }
        if count > MAX {
            return Err(EncodeErrorKind::OutOfRange);
        }
        if const { MAX - MIN < 1 << 16 } {
            self.bits((count - MIN) as u64, const { count_bits(MIN, MAX) })
        } else {
            self.length(count)
        }
    }

    /// A general length determinant (X.691, 11.9.3.5 to 11.9.3.8) without fragments.
    pub(crate) fn length(&mut self, length: usize) -> Result<(), EncodeErrorKind> {
        match length {
            0..0x80 => self.bits(length as u64, 8),
            0x80..0x4000 => self.bits(0x8000 | length as u64, 16),
            _ => Err(EncodeErrorKind::TooLong),
        }
    }

    /// The index of an alternative beyond the root (X.691, 23.8), counted from there.
    pub(crate) fn added_alternative(&mut self, index: u64) -> Result<(), EncodeErrorKind> {
        debug_assert!(index < 64, "a small number has six bits");
        self.bits(1 << 7 | index, 8)
    }

    /// An open type (X.691, 11.2): what `write` writes, in whole octets, after their number.
    pub(crate) fn open_type(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeErrorKind>,
    ) -> Result<(), EncodeErrorKind> {
        let start = self.at_bit();
        // Room for a length below 128, which is known only afterwards.
        self.bits(0, 8)?;
        write(self)?;
        let content = self.at_bit() - start - 8;
        // X.691, 11.1: a complete encoding is at least one octet.
        let octets = content.div_ceil(8).max(1);
        self.bits(0, (octets * 8 - content) as u32)?;
        self.settle()?;
        let (first, offset) = (start >> 3, start & 7);
        if octets < 0x80 {
            self.patch(first, (octets as u64) << (16 - offset));
            return Ok(());
        }
        if octets >= 0x4000 {
            return Err(EncodeErrorKind::TooLong);
        }
        // The length takes an octet more; moved by whole octets, the content keeps its bits.
        if self.stored >= self.out.len() {
            return Err(EncodeErrorKind::NoRoom);
        }
        self.out.copy_within(first + 1..self.stored, first + 2);
        self.out[first + 1] = 0;
        self.stored += 1;
        self.patch(first, (0x8000 | octets as u64) << (8 - offset));
        Ok(())
    }

    /// Stores all whole octets that are still on their way.
    fn settle(&mut self) -> Result<(), EncodeErrorKind> {
        while self.pending_bits >= 8 {
            let octet = (self.pending >> (self.pending_bits - 8)) as u8;
            *self
                .out
                .get_mut(self.stored)
                .ok_or(EncodeErrorKind::NoRoom)? = octet;
            self.stored += 1;
            self.pending_bits -= 8;
        }
        Ok(())
    }

    /// Sets bits among the 24 from octet `first` on; those bits were zero.
    fn patch(&mut self, first: usize, bits: u64) {
        let [.., high, middle, low] = bits.to_be_bytes();
        for (octet, bits) in self.out[..self.stored]
            .iter_mut()
            .skip(first)
            .zip([high, middle, low])
        {
            *octet |= bits;
        }
    }

    fn at_bit(&self) -> usize {
        self.stored * 8 + self.pending_bits as usize
    }

    /// Stores the bits still on their way, zero-padded to the octet, and gives the number of
    /// octets. The writer is done after that.
    pub(crate) fn finish(&mut self) -> Result<usize, EncodeErrorKind> {
        let octets = (self.pending_bits as usize).div_ceil(8);
        let word = ((self.pending << (32 - self.pending_bits)) as u32).to_be_bytes();
        let room = self.out.get_mut(self.stored..self.stored + octets);
        room.ok_or(EncodeErrorKind::NoRoom)?
            .copy_from_slice(&word[..octets]);
        Ok(self.stored + octets)
    }

    /// Notes the member around a failure, from the inside out.
    #[cold]
    pub(crate) fn blame(&mut self, member: &'static str, kind: EncodeErrorKind) -> EncodeErrorKind {
        self.path.get_or_insert_default().within_member(member);
        kind
    }

    /// The same for the element of a list.
    #[cold]
    pub(crate) fn blame_element(&mut self, index: usize, kind: EncodeErrorKind) -> EncodeErrorKind {
        self.path.get_or_insert_default().within_element(index);
        kind
    }

    /// The whole story of a failure.
    pub(crate) fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        EncodeError {
            at_bit: self.at_bit(),
            kind,
            path: self.path.unwrap_or_default(),
        }
    }
}

/// How far `value` is above `MIN` (X.691, 11.5).
#[inline]
pub(crate) fn above<const MIN: i64, const MAX: i64>(value: i64) -> Result<u64, EncodeErrorKind> {
    if value < MIN || value > MAX {
        return Err(EncodeErrorKind::OutOfRange);
    }
    Ok(value.abs_diff(MIN))
}
