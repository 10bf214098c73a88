//! Extension additions that this edition does not know, kept for whoever encodes the same value
//! again.
//!
//! They are kept beside the value, not in it: a type would otherwise carry a place for them in
//! each of its parts. What they belong to is told by counting: the extensible SEQUENCEs of a value
//! come by in the same order when it is decoded and when it is encoded.

use super::{DecodeErrorKind, Draft, Reader, Wire, Writer};

/// The additions of one value that were not understood, and where they stood.
///
/// They fit the value they came with, whatever its numbers and enumerals become. Once a part of it
/// comes or goes (an OPTIONAL member, an element of a list), they may end up at another part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownAdditions {
    /// By increasing number of the SEQUENCE, once complete.
    sequences: Vec<OfSequence>,
}

/// Those of one SEQUENCE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfSequence {
    /// How many extensible SEQUENCEs began before it.
    sequence: usize,
    /// How many additions its sender knew, 1..=64.
    count: u32,
    /// Which one, counted from 0, and what is in its open type.
    unknown: Vec<(u32, Vec<u8>)>,
}

impl UnknownAdditions {
    /// Whether everything was understood.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Brings them into the order in which the writer asks.
    pub(crate) fn sort(&mut self) {
        self.sequences.sort_by_key(|one| one.sequence);
    }

    pub(crate) fn of(&self, sequence: usize) -> Option<&OfSequence> {
        let found = self
            .sequences
            .binary_search_by_key(&sequence, |one| one.sequence);
        self.sequences.get(found.ok()?)
    }
}

/// The extension additions of a SEQUENCE while it is read, as its sender knew them.
pub(crate) struct Additions<'a> {
    /// At the bit of the next one.
    bitmap: Reader<'a>,
    /// How many there are, and how many bits have been read.
    count: usize,
    read: usize,
    /// Whether any of those read was there.
    any: bool,
}

impl<'a> Reader<'a> {
    /// The head of the extension additions of a SEQUENCE, if there are any (X.691, 19.7 and
    /// 19.8): a bitmap says which are there.
    pub(crate) fn additions(&mut self, extended: bool) -> Result<Additions<'a>, DecodeErrorKind> {
        let mut count = 0;
        if extended {
            let small = self.bits(1)? == 0;
            count = if small {
                1 + self.bits(6)? as usize
            } else {
                let count = self.length()?;
                // X.691, 11.6: up to 64, there is a shorter way to say it.
                self.refuse_if(count <= 64, DecodeErrorKind::NotShortest)?;
                count
            };
        }
        let bitmap = self.fork();
        self.skip(count)?;
        Ok(Additions {
            bitmap,
            count,
            read: 0,
            any: false,
        })
    }

    /// Passes over all extension additions of a SEQUENCE that has none that we know.
    #[cold]
    pub(crate) fn skip_additions(&mut self, sequence: usize) -> Result<(), DecodeErrorKind> {
        self.additions(true)?.finish(0, sequence, self)
    }
}

impl Additions<'_> {
    /// Decodes the next addition, or empties its slot.
    pub(crate) fn next<T: Wire + Default>(
        &mut self,
        slot: &mut Option<Box<T>>,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeErrorKind> {
        if !self.next_is_there()? {
            *slot = None;
            return Ok(());
        }
        reader.grow(1, usize::from(slot.is_none()), size_of::<T>())?;
        let value = slot.get_or_insert_default();
        reader.open_type(|reader| value.decode_into(reader))
    }

    /// Passes over those that we do not know (X.691, 19.9): each is an open type. Keeps them if
    /// the reader does.
    pub(crate) fn finish(
        mut self,
        known: usize,
        sequence: usize,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeErrorKind> {
        let mut unknown = Vec::new();
        while self.read < self.count {
            let index = self.read as u32;
            if !self.next_is_there()? {
                continue;
            }
            let octets = reader.length()?;
            if reader.keeps() {
                let mut kept = vec![0; reader.affords(octets)?];
                reader.octets(&mut kept)?;
                reader.grow(1, 1, size_of::<(u32, Vec<u8>)>())?;
                unknown.push((index, kept));
            } else {
                reader.skip(octets * 8)?;
            }
        }
        // X.691, 19.1: the extension bit is set if there is an addition, not otherwise.
        reader.refuse_if(self.count > 0 && !self.any, DecodeErrorKind::NotShortest)?;
        let as_we_write = self.count == known && self.any;
        if self.count > 0 && !as_we_write && reader.keeps() {
            if self.count > 64 {
                return Err(DecodeErrorKind::TooLong);
            }
            reader.grow(1, 1, size_of::<OfSequence>())?;
            reader.keep(OfSequence {
                sequence,
                count: self.count as u32,
                unknown,
            });
        }
        Ok(())
    }

    fn next_is_there(&mut self) -> Result<bool, DecodeErrorKind> {
        if self.read == self.count {
            return Ok(false);
        }
        self.read += 1;
        let there = self.bitmap.bits(1)? != 0;
        self.any |= there;
        Ok(there)
    }
}

impl UnknownAdditions {
    pub(crate) fn push(&mut self, one: OfSequence) {
        self.sequences.push(one);
    }
}

impl<const AGAIN: bool> Writer<'_, AGAIN> {
    /// The head of the extension additions of a SEQUENCE (X.691, 19.7 and 19.8): how many its
    /// sender knows, and which are there. We know the `known` ones, and `there` has a bit for
    /// each of them, that of the first being the most significant.
    pub(crate) fn additions(&mut self, there: u64, known: u32, unknown: Option<&OfSequence>) {
        let mut bitmap = there.checked_shl(64 - known).unwrap_or(0);
        let mut count = known;
        if let Some(unknown) = unknown {
            for (index, _) in &unknown.unknown {
                bitmap |= 1 << (63 - index);
            }
            // What the sender did not know may be there by now.
            count = unknown.count.max(64 - bitmap.trailing_zeros());
        }
        debug_assert!((1..=64).contains(&count), "a small number of additions");
        self.put(Draft::NONE.then(u64::from(count) - 1, 7));
        self.bits(bitmap, count);
    }

    /// The additions that we do not know, behind those that we know.
    pub(crate) fn unknown_additions(&mut self, unknown: Option<&OfSequence>) {
        let unknown = unknown.map_or(&[][..], |of_sequence| &of_sequence.unknown);
        for (_, octets) in unknown {
            let run = self.pass(Draft::NONE.length(octets.len()));
            self.octets(run, octets);
        }
    }

    /// All additions of a SEQUENCE that has none that we know.
    #[cold]
    pub(crate) fn only_unknown(&mut self, unknown: &OfSequence) {
        self.additions(0, 0, Some(unknown));
        self.unknown_additions(Some(unknown));
    }
}
