//! Puts fields into a buffer: bits gather in a register and leave it four octets at a time.

use super::{EncodeError, EncodeErrorKind, width};

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
    /// Innermost member around a failure; empty until one happens.
    field: &'static str,
}

impl<'a> Writer<'a> {
    /// Starts at the first bit of `out`.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            stored: 0,
            pending: 0,
            pending_bits: 0,
            field: "",
        }
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

    /// A whole number of `MIN..=MAX` (X.691, 11.5: the offset from the lower bound).
    #[inline]
    pub(crate) fn integer<const MIN: i64, const MAX: i64>(
        &mut self,
        value: i64,
    ) -> Result<(), EncodeErrorKind> {
        if value < MIN || value > MAX {
            return Err(EncodeErrorKind::OutOfRange);
        }
        self.bits(value.abs_diff(MIN), const { width(MAX.abs_diff(MIN)) })
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
        self.bits((count - MIN) as u64, const { width((MAX - MIN) as u64) })
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

    /// Notes the member around a failure, unless a member further in has been noted.
    #[cold]
    pub(crate) fn blame(&mut self, field: &'static str, kind: EncodeErrorKind) -> EncodeErrorKind {
        if self.field.is_empty() {
            self.field = field;
        }
        kind
    }

    /// The whole story of a failure.
    pub(crate) fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        let at_bit = self.stored * 8 + self.pending_bits as usize;
        EncodeError {
            at_bit,
            kind,
            field: self.field,
        }
    }
}
