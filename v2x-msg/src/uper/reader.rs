//! Takes fields off a frame: one wide load a field, every access checked.

use super::unknown::{OfSequence, UnknownAdditions};
use super::{DecodeError, DecodeErrorKind, Path, count_bits, width};

/// A frame and how far it has been read.
///
/// After an error the position stays at the field that caused it.
#[derive(Debug)]
pub struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    end: usize,
    /// Where a failure happened, once one has: an empty path would cost time at each start.
    path: Option<Path>,
    /// Whether encodings that say what they mean, but not as they should, are taken.
    lenient: bool,
    /// Octets of memory that the value takes, as far as it has been read.
    taken: usize,
    /// Those of them that it did not hold before.
    grown: usize,
    /// Octets of memory that it may take.
    allowed: usize,
    /// How many extensible SEQUENCEs have begun.
    sequences: usize,
    /// What was not understood, if that is wanted.
    kept: Option<UnknownAdditions>,
}

impl<'a> Reader<'a> {
    /// Starts at the first bit of `octets`.
    pub fn new(octets: &'a [u8]) -> Self {
        let end = octets.len().saturating_mul(8);
        Self {
            octets,
            at: 0,
            end,
            path: None,
            lenient: false,
            taken: 0,
            grown: 0,
            allowed: octets
                .len()
                .saturating_mul(ALLOWED_PER_OCTET)
                .saturating_add(ALLOWED),
            sequences: 0,
            kept: None,
        }
    }

    /// The same, and keeps what it does not understand.
    pub(crate) fn keeping(octets: &'a [u8]) -> Self {
        Self {
            kept: Some(UnknownAdditions::default()),
            ..Self::new(octets)
        }
    }

    /// The same, and takes encodings that say what they mean, but not as they should.
    pub(crate) fn lenient(octets: &'a [u8]) -> Self {
        Self {
            lenient: true,
            ..Self::new(octets)
        }
    }

    /// Refuses what only a lenient reader takes.
    #[inline]
    pub(crate) fn refuse_if(
        &self,
        wrong: bool,
        kind: DecodeErrorKind,
    ) -> Result<(), DecodeErrorKind> {
        if wrong && !self.lenient {
            return Err(kind);
        }
        Ok(())
    }

    /// Another one at the same place.
    pub(crate) fn fork(&self) -> Self {
        Self {
            at: self.at,
            end: self.end,
            ..Self::new(self.octets)
        }
    }

    /// Notes that an extensible SEQUENCE begins, and gives its number.
    #[inline]
    pub(crate) fn enter(&mut self) -> usize {
        self.sequences += 1;
        self.sequences - 1
    }

    pub(crate) fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    pub(crate) fn keep(&mut self, unknown: OfSequence) {
        if let Some(kept) = &mut self.kept {
            kept.push(unknown);
        }
    }

    /// What has been kept, once all has been read.
    pub(crate) fn take_kept(&mut self) -> UnknownAdditions {
        let mut kept = self.kept.take().unwrap_or_default();
        kept.sort();
        kept
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

    /// The same where `KNOWN - ROOT` alternatives have been added since (X.691, 23.8): those
    /// follow the ones of the root, each as an open type.
    #[inline]
    pub(crate) fn alternative_or_added<const ROOT: u64, const KNOWN: u64>(
        &mut self,
    ) -> Result<usize, DecodeErrorKind> {
        if self.bits(1)? == 0 {
            return self.alternative::<ROOT, false>();
        }
        // X.691, 11.6: a zero bit, then six. What starts with a one is beyond 64.
        let added = self.bits(7)?;
        if added >= KNOWN - ROOT {
            return Err(self.back(8, DecodeErrorKind::UnknownAlternative));
        }
        Ok((ROOT + added) as usize)
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
        let bits = const { count_bits(MIN, MAX) };
        let count = if const { MAX - MIN < 1 << 16 } {
            MIN + self.bits(bits)? as usize
        } else {
            self.length()?
        };
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
            let length = self.bits(14)? as usize;
            if length < 0x80 && !self.lenient {
                return Err(self.back(16, DecodeErrorKind::NotShortest));
            }
            return Ok(length);
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

    /// What is in an open type (X.691, 11.2): a length in octets, and so many octets that hold a
    /// whole encoding. What is left of them is passed over.
    pub(crate) fn open_type(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), DecodeErrorKind>,
    ) -> Result<(), DecodeErrorKind> {
        let length = self.length()? * 8;
        if length > self.remaining() {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        let after = self.at + length;
        let around = (self.octets, self.end);
        // The last octet may belong to what follows as well, so `end` has the last word.
        self.octets = self.octets.get(..after.div_ceil(8)).unwrap_or_default();
        self.end = after;
        let done = read(self);
        (self.octets, self.end) = around;
        done?;
        if self.at > after {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        let left_over = after - self.at;
        // X.691, 11.1: a complete encoding is at least one octet.
        let nothing = left_over == 8 && length == 8;
        if left_over < 8 || nothing {
            self.padding(left_over as u32)?;
        } else {
            self.refuse_if(true, DecodeErrorKind::LeftOver)?;
        }
        self.at = after;
        Ok(())
    }

    /// The bits that fill up the last octet of a message or of an open type.
    pub(crate) fn padding(&mut self, count: u32) -> Result<(), DecodeErrorKind> {
        if !self.lenient && self.bits(count)? != 0 {
            return Err(self.back(count, DecodeErrorKind::Padding));
        }
        Ok(())
    }

    /// How many bits are left.
    pub(crate) fn remaining(&self) -> usize {
        // A wide load may have gone a few bits beyond the end of an open type.
        self.end.saturating_sub(self.at)
    }

    /// How many bits have been read.
    pub(crate) fn at_bit(&self) -> usize {
        self.at
    }

    /// Asks for memory for so many octets, if they are there.
    pub(crate) fn affords(&mut self, octets: usize) -> Result<usize, DecodeErrorKind> {
        if octets * 8 > self.remaining() {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        self.grow(octets, octets, 1)?;
        Ok(octets)
    }

    /// Asks for memory for `count` elements of that size, `missing` of which are not there yet.
    ///
    /// What is there counts as well: whether a frame is taken must not depend on the frames before.
    #[inline]
    pub(crate) fn grow(
        &mut self,
        count: usize,
        missing: usize,
        size: usize,
    ) -> Result<(), DecodeErrorKind> {
        self.taken = self.taken.saturating_add(count.saturating_mul(size));
        self.grown = self.grown.saturating_add(missing.saturating_mul(size));
        if self.taken > self.allowed {
            return Err(DecodeErrorKind::TooCostly);
        }
        Ok(())
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

    /// Notes the member around a failure, from the inside out.
    #[cold]
    pub(crate) fn blame(&mut self, member: &'static str, kind: DecodeErrorKind) -> DecodeErrorKind {
        self.path.get_or_insert_default().within_member(member);
        kind
    }

    /// The same for the element of a list.
    #[cold]
    pub(crate) fn blame_element(&mut self, index: usize, kind: DecodeErrorKind) -> DecodeErrorKind {
        self.path.get_or_insert_default().within_element(index);
        kind
    }

    /// The whole story of a failure.
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            at_bit: self.at,
            kind,
            path: self.path.unwrap_or_default(),
        }
    }
}

/// Octets of memory that a frame may ask for, however short it is. With the share below, a frame of
/// the 1,400 octets that the air allows gets less than 24 kB. Ours and those of others ask for a
/// third of that; a list of lanes that are nothing but numbers would ask for four times as much.
const ALLOWED: usize = 4_096;

/// The same for each octet of its length.
const ALLOWED_PER_OCTET: usize = 14;
