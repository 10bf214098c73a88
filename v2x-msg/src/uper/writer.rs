//! Puts runs of fields into a buffer, each in one store of a whole word.

use super::run::LONGEST;
use super::unknown::{OfSequence, UnknownAdditions};
use super::{EncodeErrorKind, Run};

/// A buffer of the caller's and how far it has been filled.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    /// How many bits have been appended.
    at_bit: usize,
    /// The lowest bits of this are those behind the last complete octet, which is stored.
    pending: u64,
    /// The first thing that went wrong.
    failure: Option<EncodeErrorKind>,
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
            at_bit: 0,
            pending: 0,
            failure: None,
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
    pub(crate) fn put(&mut self, run: Run) {
        if run.count > Run::MOST {
            return self.fail(EncodeErrorKind::OutOfRange);
        }
        let pending = self.pending << run.count | run.bits;
        let pending_bits = (self.at_bit % 8) as u32 + run.count;
        let word = pending.wrapping_shl(64 - pending_bits);
        let first = self.at_bit / 8;
        if let Some(room) = self.out.get_mut(first..first + 8) {
            room.copy_from_slice(&word.to_be_bytes());
        } else if !put_at_the_end(self.out, first, word, pending_bits / 8) {
            return self.fail(EncodeErrorKind::NoRoom);
        }
        self.at_bit += run.count as usize;
        self.pending = pending;
    }

    /// Notes that the value cannot be written; what is written from now on is in vain.
    #[inline]
    fn fail(&mut self, kind: EncodeErrorKind) {
        self.failure = self.failure.or(Some(kind));
    }

    /// Appends the first `count` bits of a word.
    pub(crate) fn bits(&mut self, word: u64, count: u32) {
        let (first, rest) = (count.min(32), count.saturating_sub(32));
        self.put(Run::NONE.then((word >> 32) >> (32 - first), first));
        self.put(Run::NONE.then((word & u64::from(u32::MAX)) >> (32 - rest), rest));
    }

    /// Appends whole octets.
    pub(super) fn octets(&mut self, octets: &[u8]) {
        let (eights, rest) = octets.as_chunks::<8>();
        let (first, behind) = (self.at_bit / 8, (self.at_bit % 8) as u32);
        let Some(room) = self.out.get_mut(first..first + 8 * eights.len()) else {
            return self.fail(EncodeErrorKind::NoRoom);
        };
        for (room, eight) in room.as_chunks_mut::<8>().0.iter_mut().zip(eights) {
            let next = u64::from_be_bytes(*eight);
            let word = self.pending << (63 - behind) << 1 | next >> behind;
            *room = word.to_be_bytes();
            self.pending = next;
        }
        self.at_bit += 64 * eights.len();
        let put = |run: Run, octet: &u8| run.then(u64::from(*octet), 8);
        self.put(rest.iter().fold(Run::NONE, put));
    }

    /// The index of an alternative beyond the root (X.691, 23.8), counted from there.
    pub(crate) fn added_alternative(&mut self, index: u64) {
        debug_assert!(index < 64, "a small number has six bits");
        self.put(Run::NONE.then(1 << 7 | index, 8));
    }

    /// An open type (X.691, 11.2): what `write` writes, in whole octets, after their number.
    pub(crate) fn open_type(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.at_bit;
        // Room for a length below 128, which is known only afterwards.
        self.put(Run::NONE.then(0, 8));
        write(self);
        if self.failure.is_some() {
            // What did not find room is not counted either.
            return;
        }
        let content = self.at_bit - start - 8;
        // X.691, 11.1: a complete encoding is at least one octet.
        let octets = content.div_ceil(8).max(1);
        self.put(Run::NONE.then(0, (octets * 8 - content) as u32));
        let (first, offset) = (start / 8, start % 8);
        if octets < 0x80 {
            return self.patch(first, (octets as u64) << (16 - offset));
        }
        if octets > LONGEST {
            return self.fail(EncodeErrorKind::TooLong);
        }
        // The length takes an octet more; moved by whole octets, the content keeps its bits.
        let stored = self.at_bit / 8;
        if stored >= self.out.len() {
            return self.fail(EncodeErrorKind::NoRoom);
        }
        self.out.copy_within(first + 1..stored, first + 2);
        self.out[first + 1] = 0;
        self.at_bit += 8;
        self.patch(first, (0x8000 | octets as u64) << (8 - offset));
    }

    /// Sets bits among the 24 from octet `first` on; those bits were zero.
    fn patch(&mut self, first: usize, bits: u64) {
        let [.., high, middle, low] = bits.to_be_bytes();
        let complete = self.out.iter_mut().take(self.at_bit / 8);
        for (octet, bits) in complete.skip(first).zip([high, middle, low]) {
            *octet |= bits;
        }
    }

    /// Stores the bits still on their way, zero-padded to the octet, and gives the number of
    /// octets.
    ///
    /// # Errors
    /// Something could not be written.
    pub(crate) fn finish(self) -> Result<usize, EncodeErrorKind> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let (octets, bits) = (self.at_bit / 8, self.at_bit % 8);
        if bits == 0 {
            return Ok(octets);
        }
        let last = self.out.get_mut(octets);
        *last.ok_or(EncodeErrorKind::NoRoom)? = (self.pending << (8 - bits)) as u8;
        Ok(octets + 1)
    }
}

/// Puts the first octets of a word where the whole word would reach beyond the buffer; false if
/// they do so themselves.
#[cold]
#[inline(never)]
fn put_at_the_end(out: &mut [u8], first: usize, word: u64, octets: u32) -> bool {
    let octets = octets as usize;
    let room = out.get_mut(first..first + octets);
    let fits = room.map(|room| room.copy_from_slice(&word.to_be_bytes()[..octets]));
    fits.is_some()
}
