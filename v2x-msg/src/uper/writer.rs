//! Puts runs of fields into a buffer, each in one store of a whole word.

use super::run::LONGEST;
use super::unknown::{OfSequence, UnknownAdditions};
use super::{Draft, EncodeErrorKind, Run};

/// A buffer of the caller's and how far it has been filled.
///
/// What is to be said `AGAIN` is known at compile time to be nothing for nearly all messages, which
/// saves a question for each SEQUENCE.
///
/// The octet that has been begun is in the buffer, with zeros behind what has been appended.
#[derive(Debug)]
pub struct Writer<'a, const AGAIN: bool> {
    out: &'a mut [u8],
    /// How many bits have been appended.
    at_bit: usize,
    /// Whether a value out of its bounds was among what has been appended.
    broken: bool,
    /// The first thing else that went wrong.
    failure: Option<EncodeErrorKind>,
    /// What others said beyond this edition, to be said again; None unless `AGAIN`.
    unknown: Option<&'a UnknownAdditions>,
    /// How many extensible SEQUENCEs have begun; not counted unless `AGAIN`.
    sequences: usize,
}

impl<'a> Writer<'a, false> {
    /// Starts at the first bit of `out`.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self::beginning(out, None)
    }
}

impl<'a> Writer<'a, true> {
    /// Starts at the first bit of `out`, and says again what others said beyond this edition.
    pub(crate) fn with(out: &'a mut [u8], unknown: &'a UnknownAdditions) -> Self {
        Self::beginning(out, Some(unknown))
    }
}

impl<'a, const AGAIN: bool> Writer<'a, AGAIN> {
    fn beginning(out: &'a mut [u8], unknown: Option<&'a UnknownAdditions>) -> Self {
        out.iter_mut().take(1).for_each(|octet| *octet = 0);
        Self {
            out,
            at_bit: 0,
            broken: false,
            failure: None,
            unknown,
            sequences: 0,
        }
    }

    /// Notes that an extensible SEQUENCE begins, and gives what is to be said again of it.
    #[inline]
    pub(crate) fn enter(&mut self) -> Option<&'a OfSequence> {
        if !AGAIN {
            return None;
        }
        self.sequences += 1;
        self.unknown?.of(self.sequences - 1)
    }

    /// Appends the bits in hand.
    #[inline]
    pub(crate) fn put(&mut self, run: Draft) {
        self.broken |= run.broken;
        if run.count > Run::MOST as usize {
            return self.fail(EncodeErrorKind::TooLong);
        }
        let (first, behind) = (self.at_bit / 8, self.at_bit % 8);
        // The lowest bits become the first behind what has been begun.
        let word = run.bits.rotate_right((behind + run.count) as u32);
        if let Some(room) = self.out.get_mut(first..first + 8) {
            let begun = u64::from(room[0]);
            room.copy_from_slice(&(word.swap_bytes() | begun).to_le_bytes());
        } else if !put_at_the_end(self.out, first, word, behind + run.count) {
            return self.fail(EncodeErrorKind::NoRoom);
        }
        self.at_bit += run.count;
    }

    /// Appends the bits in hand if there are more than so many, and gives what is in hand then.
    #[inline]
    pub(crate) fn leave_at_most(&mut self, run: Draft, most: u32) -> Draft {
        if run.count <= most as usize {
            return run;
        }
        self.put(run);
        Draft::NONE
    }

    /// The bits in hand for the next value; there are not too many of them.
    #[inline]
    pub(crate) fn pass(&mut self, run: Draft) -> Run {
        self.broken |= run.broken;
        Run {
            bits: run.bits,
            count: run.count,
        }
    }

    /// Notes that the value cannot be written; what is written from now on is in vain.
    #[inline]
    fn fail(&mut self, kind: EncodeErrorKind) {
        self.failure = self.failure.or(Some(kind));
    }

    /// Appends the first `count` bits of a word.
    pub(crate) fn bits(&mut self, word: u64, count: u32) {
        let (first, rest) = (count.min(32), count.saturating_sub(32));
        self.put(Draft::NONE.then((word >> 32) >> (32 - first), first));
        self.put(Draft::NONE.then((word & u64::from(u32::MAX)) >> (32 - rest), rest));
    }

    /// Appends the bits in hand and behind them whole octets.
    pub(super) fn octets(&mut self, run: Run, octets: &[u8]) {
        if octets.len() < 8 {
            return self.head(run.draft(), octets, octets, 8, u64::from_be_bytes);
        }
        self.put(run.draft());
        let (first, behind) = (self.at_bit / 8, (self.at_bit % 8) as u32);
        let Some((room, rest)) = self
            .out
            .get_mut(first..)
            .and_then(|room| room.split_at_mut_checked(octets.len()))
        else {
            return self.fail(EncodeErrorKind::NoRoom);
        };
        // Each word leaves out the last bits of its last octet, which the next one begins with;
        // the last two overlap. What is written twice is written alike.
        let (mut from, mut to) = (octets, &mut *room);
        while let (Some(eight), Some(eighth)) = (from.first_chunk(), to.first_chunk_mut()) {
            over(eighth, u64::from_be_bytes(*eight) >> behind);
            (from, to) = (&from[7..], &mut to[7..]);
        }
        if let (Some(eight), Some(eighth)) = (octets.last_chunk(), room.last_chunk_mut()) {
            let word = u64::from_be_bytes(*eight);
            over(eighth, word >> behind);
            match rest.first_mut() {
                Some(octet) => *octet = (word as u8) << (7 - behind) << 1,
                None if behind > 0 => return self.fail(EncodeErrorKind::NoRoom),
                None => {}
            }
        }
        self.at_bit += 8 * octets.len();
    }

    /// Appends the bits in hand and those of a string that come before its whole eights, `bits` of
    /// each octet; `packed` packs eight.
    #[inline(always)]
    pub(super) fn head(
        &mut self,
        run: Draft,
        octets: &[u8],
        head: &[u8],
        bits: u32,
        packed: impl Fn([u8; 8]) -> u64,
    ) {
        let count = bits * head.len() as u32;
        let run = self.leave_at_most(run, Run::MOST - count);
        let word = match octets.first_chunk() {
            // Those behind the head are shifted out.
            Some(first) => packed(*first) >> (8 * bits - 1 - count) >> 1,
            None => head
                .iter()
                .fold(0, |word, octet| word << bits | u64::from(*octet)),
        };
        self.put(run.then(word, count));
    }

    /// The index of an alternative beyond the root (X.691, 23.8), counted from there.
    pub(crate) fn added_alternative(&mut self, index: u64) {
        debug_assert!(index < 64, "a small number has six bits");
        self.put(Draft::NONE.then(1 << 7 | index, 8));
    }

    /// An open type (X.691, 11.2): what `write` writes, in whole octets, after their number.
    pub(crate) fn open_type(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.at_bit;
        // Room for a length below 128, which is known only afterwards.
        self.put(Draft::NONE.then(0, 8));
        write(self);
        if self.failure.is_some() {
            // What did not find room is not counted either.
            return;
        }
        let content = self.at_bit - start - 8;
        // X.691, 11.1: a complete encoding is at least one octet.
        let octets = content.div_ceil(8).max(1);
        self.put(Draft::NONE.then(0, (octets * 8 - content) as u32));
        let (first, offset) = (start / 8, start % 8);
        if octets < 0x80 {
            return self.patch(first, (octets as u64) << (16 - offset));
        }
        if octets > LONGEST {
            return self.fail(EncodeErrorKind::TooLong);
        }
        // The length takes an octet more; moved by whole octets, the content keeps its bits.
        let end = self.at_bit.div_ceil(8);
        if end >= self.out.len() {
            return self.fail(EncodeErrorKind::NoRoom);
        }
        self.out.copy_within(first + 1..end, first + 2);
        self.out[first + 1] = 0;
        self.at_bit += 8;
        if let Some(next) = self.out.get_mut(self.at_bit / 8)
            && self.at_bit.is_multiple_of(8)
        {
            *next = 0;
        }
        self.patch(first, (0x8000 | octets as u64) << (8 - offset));
    }

    /// Sets bits among the 24 from octet `first` on; those bits were zero.
    fn patch(&mut self, first: usize, bits: u64) {
        let [.., high, middle, low] = bits.to_be_bytes();
        for (octet, bits) in self.out[first..].iter_mut().zip([high, middle, low]) {
            *octet |= bits;
        }
    }

    /// Gives the number of octets, the last padded with zeros.
    ///
    /// # Errors
    /// Something could not be written.
    pub(crate) fn finish(self) -> Result<usize, EncodeErrorKind> {
        match self.failure {
            _ if self.broken => Err(EncodeErrorKind::OutOfRange),
            Some(failure) => Err(failure),
            None => Ok(self.at_bit.div_ceil(8)),
        }
    }
}

/// Puts a word behind the bits that its first octet holds.
#[inline(always)]
fn over(room: &mut [u8; 8], word: u64) {
    let begun = u64::from(room[0]);
    *room = (word.swap_bytes() | begun).to_le_bytes();
}

/// Puts the first octets of a word where the whole word would reach beyond the buffer; false if
/// those with `bits` bits do so themselves.
#[cold]
#[inline(never)]
fn put_at_the_end(out: &mut [u8], first: usize, word: u64, bits: usize) -> bool {
    let room = out.get_mut(first..).unwrap_or_default();
    if room.len() < bits.div_ceil(8) {
        return false;
    }
    let begun = room.first().copied().unwrap_or_default();
    for (octet, next) in room.iter_mut().zip(word.to_be_bytes()) {
        *octet = next;
    }
    if let Some(octet) = room.first_mut() {
        *octet |= begun;
    }
    true
}
