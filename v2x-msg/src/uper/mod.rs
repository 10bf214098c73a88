//! Values to bits and back: unaligned packed encoding rules (UPER, ITU-T X.691), as far as the
//! message set needs them.
//!
//! Rooms: [`Writer`] and [`Reader`] move single fields, a [`Run`] is fields on their way to the
//! writer, [`UnknownAdditions`] is what they meet and do not understand, [`Wire`] is what every
//! generated type can do with them, [`List`], [`Octets`], [`Ia5`] and [`ExtensibleBits`] are the
//! containers that generated types are made of. Which fields a message has is not known here: that is the
//! business of the generated code in [`crate::asn`].
//!
//! What a receiver does where the standard leaves a choice, or a sender goes beyond us:
//!
//! | on the wire | what happens |
//! |---|---|
//! | extension additions that this edition does not know | skipped by their lengths; kept beside the value where asked for ([`decode_keeping`], [`encode_with`]) |
//! | an enumeral or alternative beyond this edition | refused: [`DecodeErrorKind::UnknownEnumeral`], [`DecodeErrorKind::UnknownAlternative`] |
//! | a number, index or count outside its bounds | refused: [`DecodeErrorKind::OutOfRange`] |
//! | a number whose range may grow, in more than eight octets | refused: [`DecodeErrorKind::OutOfRange`]; there is no room for it |
//! | a length of 16,384 or more (fragments) | refused: [`DecodeErrorKind::TooLong`]; no frame on the air holds so much |
//! | an extensible BIT STRING shorter than its root | filled up with zeros, as X.680 has it for named bits |
//! | an extensible BIT STRING longer than 64 bits | the first 64 are kept, the others dropped like unknown additions |
//! | padding bits that are not zero, at the end of the frame or of an open type | refused: [`DecodeErrorKind::Padding`]; a lenient reader passes over them |
//! | an open type with more octets than its content takes | refused: [`DecodeErrorKind::LeftOver`]; a lenient reader passes over them |
//! | a length in two octets that fits one, an addition bitmap without a single addition, a value of the root that is sent as one beyond it | refused: [`DecodeErrorKind::NotShortest`]; a lenient reader takes it |
//! | octets after the frame | refused by [`decode_into`], reported by [`decode_prefix_into`] and [`decode_lenient_into`] |
//! | a few bits for each of very many large elements | refused: [`DecodeErrorKind::TooCostly`] |
//!
//! Work and memory are bounded by the frame: a count is only believed after the bits that so many
//! elements need at the least have been seen to be there, and a frame may ask for some 4 kB and
//! 14 octets of memory for each octet of its own: less than 24 kB for the 1,400 octets of the air.
//! What is passed over counts as length: a frame that only just may, with much in it that we do not
//! know, may be too costly once it has been decoded and encoded without that.

mod bits;
mod error;
mod integer;
mod list;
mod octets;
mod path;
mod reader;
mod run;
mod unknown;
mod writer;

pub use bits::ExtensibleBits;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use integer::OpenInteger;
pub use list::{Full, List};
pub use octets::{Ia5, Octets};
pub use path::Path;
pub use reader::Reader;
pub use run::{Draft, Run};
pub use unknown::UnknownAdditions;
pub use writer::Writer;

/// What every type of the message set can do: go to bits, and come from bits in place.
///
/// The errors are bare kinds, so that they travel in a register; where it happened is kept by the
/// reader, and joined to the kind at the door ([`decode_into`]).
pub trait Wire {
    /// How many bits the shortest value takes. A count of elements is checked against it.
    const MIN_BITS: usize;

    /// How many bits may be in hand where such a value begins.
    const ROOM: u32;

    /// Appends the bits in hand, [`ROOM`](Self::ROOM) at the most, and behind them this value.
    ///
    /// The writer notes if that cannot be. So nothing is paid on the way for telling what is wrong,
    /// which [`check`](Self::check) does.
    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>);

    /// Whether most values are so short that [`gather`](Self::gather) is worth a try.
    const BRIEF: bool = false;

    /// Puts this value's bits behind those in hand, if there is room: if not, or if it has no
    /// encoding, the run can only be thrown away.
    #[inline]
    fn gather(&self, run: Draft) -> Draft {
        let _ = run;
        Draft::TOO_LONG
    }

    /// Looks for what has no encoding.
    ///
    /// # Errors
    /// The first that is found; `path` then says where.
    fn check(&self, path: &mut Path) -> Result<(), EncodeErrorKind> {
        let _ = path;
        Ok(())
    }

    /// Replaces this value by the next one of the frame, reusing the memory it holds.
    ///
    /// # Errors
    /// Anything but a valid encoding; this value is then some mixture of old and new.
    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind>;
}

/// Encodes a whole value at the start of `out`, padded with zero bits to the octet; gives the
/// number of octets. Does not allocate. The octets behind them may be overwritten.
///
/// # Errors
/// A value outside its bounds, or `out` too short. `out` then holds part of the encoding.
pub fn encode_into<T: Wire>(value: &T, out: &mut [u8]) -> Result<usize, EncodeError> {
    encoded(value, Writer::new(out))
}

/// The same with the additions that came with the value.
///
/// # Errors
/// As [`encode_into`].
pub fn encode_with<T: Wire>(
    value: &T,
    unknown: &UnknownAdditions,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    if unknown.is_empty() {
        return encode_into(value, out);
    }
    encoded(value, Writer::with(out, unknown))
}

fn encoded<T: Wire, const AGAIN: bool>(
    value: &T,
    mut writer: Writer<'_, AGAIN>,
) -> Result<usize, EncodeError> {
    value.encode(Run::NONE, &mut writer);
    writer.finish().map_err(|kind| explained(value, kind))
}

/// What was wrong with a value that could not be written: something in it, or else all of it.
#[cold]
fn explained<T: Wire>(value: &T, kind: EncodeErrorKind) -> EncodeError {
    let mut path = Path::EMPTY;
    let kind = value.check(&mut path).err().unwrap_or(kind);
    EncodeError { kind, path }
}

/// Decodes a value that fills `octets` to the last octet.
///
/// # Errors
/// Anything but a valid encoding, octets after it included. `value` is then unspecified.
pub fn decode_into<T: Wire>(value: &mut T, octets: &[u8]) -> Result<(), DecodeError> {
    let used = decode_prefix_into(value, octets)?;
    nothing_after(used, octets)
}

/// The same, and gives the additions that this edition does not know, for [`encode_with`].
///
/// # Errors
/// As [`decode_into`], and a SEQUENCE whose sender knows of more than 64 additions.
pub fn decode_keeping<T: Wire>(
    value: &mut T,
    octets: &[u8],
) -> Result<UnknownAdditions, DecodeError> {
    let mut reader = Reader::keeping(octets);
    let used = read_prefix_into(value, &mut reader)?;
    nothing_after(used, octets)?;
    Ok(reader.take_kept())
}

/// Decodes a value from the start of `octets`; gives the number of octets that it took.
///
/// # Errors
/// Anything but a valid encoding. `value` is then unspecified.
pub fn decode_prefix_into<T: Wire>(value: &mut T, octets: &[u8]) -> Result<usize, DecodeError> {
    read_prefix_into(value, &mut Reader::new(octets))
}

/// The same, and takes encodings that say what they mean, but not as they should: the table above
/// says which.
///
/// # Errors
/// Anything but an encoding. `value` is then unspecified.
pub fn decode_lenient_into<T: Wire>(value: &mut T, octets: &[u8]) -> Result<usize, DecodeError> {
    read_prefix_into(value, &mut Reader::lenient(octets))
}

/// The same from a reader, which can be asked afterwards.
pub(crate) fn read_prefix_into<T: Wire>(
    value: &mut T,
    reader: &mut Reader<'_>,
) -> Result<usize, DecodeError> {
    let done = value.decode_into(reader).and_then(|()| {
        // X.691, 11.1: a complete encoding is at least one octet, padded to whole ones.
        let used = reader.at_bit().div_ceil(8);
        reader.padding((used * 8 - reader.at_bit()) as u32)?;
        Ok(used.max(1))
    });
    done.map_err(|kind| reader.error(kind))
}

/// Refuses octets after a message that took the first `used` ones.
pub(crate) fn nothing_after(used: usize, octets: &[u8]) -> Result<(), DecodeError> {
    if used < octets.len() {
        let kind = DecodeErrorKind::TrailingOctets;
        return Err(DecodeError {
            at_bit: used * 8,
            kind,
            path: Path::EMPTY,
        });
    }
    Ok(())
}

/// Encodes a value of a type that is brief, in one go if this value is.
#[inline(always)]
pub(crate) fn encode_brief<T: Wire, const AGAIN: bool>(
    value: &T,
    run: Run,
    writer: &mut Writer<'_, AGAIN>,
) {
    let whole = value.gather(run.draft());
    if whole.count <= Run::MOST as usize {
        writer.put(whole);
    } else {
        value.encode(run, writer);
    }
}

/// Decodes an OPTIONAL member in place: absent empties the slot, present reuses what is there.
#[inline]
pub(crate) fn decode_optional<T: Wire + Default>(
    slot: &mut Option<T>,
    present: bool,
    reader: &mut Reader<'_>,
) -> Result<(), DecodeErrorKind> {
    if present {
        slot.get_or_insert_with(T::default).decode_into(reader)
    } else {
        *slot = None;
        Ok(())
    }
}

/// The same in a box.
pub(crate) fn decode_boxed<T: Wire + Default>(
    slot: &mut Option<Box<T>>,
    present: bool,
    reader: &mut Reader<'_>,
) -> Result<(), DecodeErrorKind> {
    if present {
        reader.grow(1, usize::from(slot.is_none()), size_of::<T>())?;
    }
    decode_optional(slot, present, reader)
}

/// An INTEGER without a name whose bounds are those of the Rust type.
macro_rules! whole_range {
    ($($native:ty),*) => {$(
        impl Wire for $native {
            const MIN_BITS: usize = <$native>::BITS as usize;
            const ROOM: u32 = Run::MOST - <$native>::BITS;
            const BRIEF: bool = true;

            #[inline]
            fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
                writer.put(self.gather(run.draft()));
            }

            #[inline]
            fn gather(&self, run: Draft) -> Draft {
                run.then(u64::from(*self), <$native>::BITS)
            }

            #[inline]
            fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
                *self = reader.bits(<$native>::BITS)? as $native;
                Ok(())
            }
        }
    )*};
}

whole_range!(u8, u16, u32);

impl<T: Wire> Wire for Box<T> {
    const MIN_BITS: usize = T::MIN_BITS;
    const ROOM: u32 = T::ROOM;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        (**self).encode(run, writer);
    }

    fn check(&self, path: &mut Path) -> Result<(), EncodeErrorKind> {
        (**self).check(path)
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        (**self).decode_into(reader)
    }
}

/// How many bits, at the least, a count of `min..=max` takes (X.691, 11.9.4): the offset from the
/// lower bound, or a length where the bounds are 64K or more apart.
pub(crate) const fn count_bits(min: usize, max: usize) -> u32 {
    match max - min {
        0x1_0000.. => 8,
        span => width(span as u64),
    }
}

/// A number of `MIN..=MAX`, or what is wrong with it.
pub(crate) fn check_integer<const MIN: i64, const MAX: i64>(
    value: i64,
) -> Result<(), EncodeErrorKind> {
    if (MIN..=MAX).contains(&value) {
        Ok(())
    } else {
        Err(EncodeErrorKind::OutOfRange)
    }
}

/// A count of `MIN..=MAX` elements that a length can say, or what is wrong with it.
fn check_count<const MIN: usize, const MAX: usize>(count: usize) -> Result<(), EncodeErrorKind> {
    match count {
        _ if count < MIN => Err(EncodeErrorKind::TooFew),
        _ if count > MAX => Err(EncodeErrorKind::OutOfRange),
        _ if MAX - MIN >= 1 << 16 && count > run::LONGEST => Err(EncodeErrorKind::TooLong),
        _ => Ok(()),
    }
}

/// How many bits a whole number of 0..=`span` takes.
pub(crate) const fn width(span: u64) -> u32 {
    u64::BITS - span.leading_zeros()
}
