//! Puts runs of fields into a buffer, each in one store of a whole word.

use super::unknown::{OfSequence, UnknownAdditions};
use super::{EncodeError, EncodeErrorKind, Path, Run};

/// So many bits find room in a word behind an incomplete octet.
const MOST_AT_ONCE: u32 = 56;

/// A buffer of the caller's and how far it has been filled.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    /// Octets of `out` that are complete.
    stored: usize,
    /// Bits on their way: the lowest `pending_bits` of this. What is above has been stored.
    pending: u64,
    /// Below 8 between calls.
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

    /// Appends the bits in hand.
    #[inline]
    pub(crate) fn put(&mut self, run: Run) -> Result<(), EncodeErrorKind> {
        if run.count <= MOST_AT_ONCE {
            self.store(run.bits, run.count)
        } else {
            self.put_in_two(run)
        }
    }

    #[inline(never)]
    fn put_in_two(&mut self, run: Run) -> Result<(), EncodeErrorKind> {
        let rest = run.count - 32;
        self.store(run.bits >> rest, 32)?;
        self.store(run.bits & (u64::MAX >> (64 - rest)), rest)
    }

    #[inline]
    fn store(&mut self, bits: u64, count: u32) -> Result<(), EncodeErrorKind> {
        let pending = self.pending << count | bits;
        let pending_bits = self.pending_bits + count;
        let word = (pending << 1 << (63 - pending_bits)).to_be_bytes();
        let complete = pending_bits as usize / 8;
        let room = self.out.get_mut(self.stored..);
        match room.and_then(|room| room.first_chunk_mut()) {
            Some(room) => *room = word,
            None => self.store_at_the_end(&word[..complete])?,
        }
        self.stored += complete;
        self.pending = pending;
        self.pending_bits = pending_bits % 8;
        Ok(())
    }

    /// Where a whole word would reach beyond the buffer.
    #[cold]
    fn store_at_the_end(&mut self, octets: &[u8]) -> Result<(), EncodeErrorKind> {
        let room = self.out.get_mut(self.stored..self.stored + octets.len());
        room.ok_or(EncodeErrorKind::NoRoom)?.copy_from_slice(octets);
        Ok(())
    }

    /// Appends the lowest `count` bits of `value`, most significant first.
    #[inline]
    pub(crate) fn bits(&mut self, value: u64, count: u32) -> Result<(), EncodeErrorKind> {
        self.put(Run::NONE.then(value, count))
    }

    /// A general length determinant.
    pub(crate) fn length(&mut self, length: usize) -> Result<(), EncodeErrorKind> {
        self.put(Run::NONE.length(length)?)
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
        if self.pending_bits == 0 {
            return Ok(self.stored);
        }
        let last = self.out.get_mut(self.stored);
        *last.ok_or(EncodeErrorKind::NoRoom)? = (self.pending << (8 - self.pending_bits)) as u8;
        Ok(self.stored + 1)
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
