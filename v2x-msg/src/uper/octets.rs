//! Strings of bounded length: octets of any kind ([`Octets`], `[u8; N]`) and ASCII text ([`Ia5`]).

use std::ops::Deref;

use super::{
    DecodeErrorKind, Draft, EncodeErrorKind, Full, Path, Reader, Run, Wire, Writer, check_count,
    width,
};

/// OCTET STRING of `MIN..=MAX` octets; shorter ones can be built, but not encoded.
///
/// If `EXTENSIBLE`, later editions may have other sizes, and any up to 16,383 can be encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Octets<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool = false>(Vec<u8>);

/// IA5String of `MIN..=MAX` characters of 7 bits; shorter ones can be built, but not encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ia5<const MIN: usize, const MAX: usize>(String);

/// The text cannot be an [`Ia5`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIa5 {
    /// Longer than its type allows.
    #[error("text too long")]
    TooLong,
    /// A character outside 0..=127.
    #[error("text beyond ASCII")]
    NotAscii,
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> Octets<MIN, MAX, EXTENSIBLE> {
    /// Most octets that it holds.
    pub const MOST: usize = if EXTENSIBLE { 0x3fff } else { MAX };

    /// Replaces the content, reusing its memory.
    ///
    /// # Errors
    /// More than [`MOST`](Self::MOST) octets; the content is unchanged.
    pub fn set(&mut self, octets: &[u8]) -> Result<(), Full> {
        if octets.len() > Self::MOST {
            return Err(Full);
        }
        self.0.clear();
        self.0.extend_from_slice(octets);
        Ok(())
    }
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> TryFrom<&[u8]>
    for Octets<MIN, MAX, EXTENSIBLE>
{
    type Error = Full;

    fn try_from(octets: &[u8]) -> Result<Self, Full> {
        let mut string = Self::default();
        string.set(octets)?;
        Ok(string)
    }
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> Deref
    for Octets<MIN, MAX, EXTENSIBLE>
{
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> Wire
    for Octets<MIN, MAX, EXTENSIBLE>
{
    const MIN_BITS: usize = {
        let root = width((MAX - MIN) as u64) as usize + 8 * MIN;
        // The extension bit and a length of zero are shorter still if the root is a long one.
        match EXTENSIBLE {
            true if root > 8 => 9,
            true => 1 + root,
            false => root,
        }
    };
    const ROOM: u32 = Run::BESIDE_LENGTH;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        // X.691, 17.3: a size outside the root is sent with a general length.
        let beyond = EXTENSIBLE && !(MIN..=MAX).contains(&self.len());
        let run = match EXTENSIBLE {
            true => run.then(u64::from(beyond), 1),
            false => run.draft(),
        };
        let run = match beyond {
            true => run.length(self.len()),
            false => run.counted::<MIN, MAX>(self.len()),
        };
        let run = writer.pass(run);
        writer.octets(run, self);
    }

    fn check(&self, _: &mut Path) -> Result<(), EncodeErrorKind> {
        match EXTENSIBLE {
            true => check_count::<0, { usize::MAX }>(self.len()),
            false => check_count::<MIN, MAX>(self.len()),
        }
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        let count = if EXTENSIBLE && reader.bits(1)? != 0 {
            let count = reader.length()?;
            reader.refuse_if((MIN..=MAX).contains(&count), DecodeErrorKind::NotShortest)?;
            count
        } else {
            reader.count::<MIN, MAX>(8)?
        };
        if count * 8 > reader.remaining() {
            return Err(DecodeErrorKind::EndOfFrame);
        }
        let missing = if count > self.0.capacity() { count } else { 0 };
        reader.grow(count, missing, 1)?;
        if missing > 0 {
            self.0.reserve_exact(count - self.0.len());
        }
        // What was there is overwritten; only growth needs filling.
        self.0.resize(count, 0);
        reader.octets(&mut self.0)
    }
}

impl<const N: usize> Wire for [u8; N] {
    const MIN_BITS: usize = 8 * N;
    const ROOM: u32 = match 8 * N as u32 {
        bits @ ..=Run::MOST => Run::MOST - bits,
        _ => Run::MOST - 32,
    };
    const BRIEF: bool = 8 * N <= Run::MOST as usize;

    #[inline]
    fn encode<const AGAIN: bool>(&self, mut run: Run, writer: &mut Writer<'_, AGAIN>) {
        if Self::BRIEF {
            return writer.put(self.gather(run.draft()));
        }
        let (fours, rest) = self.as_chunks::<4>();
        for four in fours {
            writer.put(run.then(u64::from(u32::from_be_bytes(*four)), 32));
            run = Run::NONE;
        }
        for octet in rest {
            writer.put(run.then(u64::from(*octet), 8));
            run = Run::NONE;
        }
    }

    #[inline]
    fn gather(&self, run: Draft) -> Draft {
        let put = |run: Draft, octet: &u8| run.then(u64::from(*octet), 8);
        self.iter().fold(run, put)
    }

    #[inline]
    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        reader.octets(self)
    }
}

impl Reader<'_> {
    /// The next octets.
    #[inline]
    pub(super) fn octets(&mut self, octets: &mut [u8]) -> Result<(), DecodeErrorKind> {
        let (words, rest) = octets.as_chunks_mut::<4>();
        for word in words {
            *word = (self.bits(32)? as u32).to_be_bytes();
        }
        for octet in rest {
            *octet = self.bits(8)? as u8;
        }
        Ok(())
    }
}

impl<const MIN: usize, const MAX: usize> Ia5<MIN, MAX> {
    /// Replaces the text, reusing its memory.
    ///
    /// # Errors
    /// Too long, or not ASCII; the text is unchanged.
    pub fn set(&mut self, text: &str) -> Result<(), NotIa5> {
        if text.len() > MAX {
            return Err(NotIa5::TooLong);
        }
        if !text.is_ascii() {
            return Err(NotIa5::NotAscii);
        }
        self.0.clear();
        self.0.push_str(text);
        Ok(())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<&str> for Ia5<MIN, MAX> {
    type Error = NotIa5;

    fn try_from(text: &str) -> Result<Self, NotIa5> {
        let mut string = Self::default();
        string.set(text)?;
        Ok(string)
    }
}

impl<const MIN: usize, const MAX: usize> Wire for Ia5<MIN, MAX> {
    const MIN_BITS: usize = width((MAX - MIN) as u64) as usize + 7 * MIN;
    const ROOM: u32 = Run::BESIDE_LENGTH;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        let run = run.draft().counted::<MIN, MAX>(self.0.len());
        let characters = self.0.as_bytes();
        let (head, eights) = characters.as_rchunks();
        writer.head(run, characters, head, 7, sevens_of);
        for eight in eights {
            writer.put(Draft::NONE.then(sevens_of(*eight), 56));
        }
    }

    fn check(&self, _: &mut Path) -> Result<(), EncodeErrorKind> {
        check_count::<MIN, MAX>(self.0.len())
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        let count = reader.count::<MIN, MAX>(7)?;
        self.0.clear();
        let missing = if count > self.0.capacity() { count } else { 0 };
        reader.grow(count, missing, 1)?;
        if missing > 0 {
            self.0.reserve_exact(count);
        }
        for _ in 0..count {
            self.0.push(char::from(reader.bits(7)? as u8));
        }
        Ok(())
    }
}

/// Eight characters of seven bits without what is between them: neighbours move together in pairs,
/// then fours, then all.
fn sevens_of(characters: [u8; 8]) -> u64 {
    let word = u64::from_be_bytes(characters);
    let word = (word & 0x7f00_7f00_7f00_7f00) >> 1 | word & 0x007f_007f_007f_007f;
    let word = (word & 0x3fff_0000_3fff_0000) >> 2 | word & 0x0000_3fff_0000_3fff;
    (word & 0x0fff_ffff_0000_0000) >> 4 | word & 0x0000_0000_0fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uper::{decode_into, encode_into};

    #[test]
    fn text_takes_seven_bits_a_character() {
        let text = Ia5::<1, 63>::try_from("AB").unwrap();
        let mut out = [0; 8];
        let len = encode_into(&text, &mut out).unwrap();
        // 6 bits of count - 1, then 1000001 1000010.
        assert_eq!(out[..len], [0b0000_0110, 0b0000_1100, 0b0010_0000]);
        let mut back = Ia5::<1, 63>::default();
        decode_into(&mut back, &out[..len]).unwrap();
        assert_eq!(back.as_str(), "AB");
    }

    #[test]
    fn long_text_is_packed_as_short_text_is() {
        let text = "roadwork on lane 1, keep left";
        let mut out = [0; 40];
        let value = Ia5::<0, 63>::try_from(text).unwrap();
        encode_into(&value, &mut out).unwrap();
        let mut bits = text
            .bytes()
            .flat_map(|octet| (0..7).rev().map(move |bit| octet >> bit & 1));
        let told = (6..).map(|at| out[at / 8] >> (7 - at % 8) & 1);
        assert!(told.zip(&mut bits).all(|(told, bit)| told == bit));
        let mut back = Ia5::<0, 63>::default();
        let used = (6 + 7 * text.len()).div_ceil(8);
        decode_into(&mut back, &out[..used]).unwrap();
        assert_eq!(back.as_str(), text);
    }

    #[test]
    fn octets_of_any_number_stand_behind_any_bits_up_to_the_end_of_the_buffer() {
        for (len, before) in (0..40).flat_map(|len| (0..40).map(move |before| (len, before))) {
            let octets: Vec<u8> = (1..=len).map(|at: u8| at.wrapping_mul(37) ^ 0x80).collect();
            let run = Run {
                bits: (1 << before) - 1,
                count: before,
            };
            let needed = (before + 8 * octets.len()).div_ceil(8);
            for room in needed.saturating_sub(9)..needed + 9 {
                // What is there from earlier messages must not shine through.
                let mut out = vec![0xff; room];
                let mut writer = Writer::new(&mut out);
                writer.octets(run, &octets);
                let written = writer.finish();
                if room < needed {
                    assert_eq!(written, Err(EncodeErrorKind::NoRoom));
                    continue;
                }
                assert_eq!(written, Ok(needed));
                let ones = std::iter::repeat_n(1, before);
                let wanted = ones.chain(bits(&octets)).chain(std::iter::repeat(0));
                assert!(
                    bits(&out[..needed]).eq(wanted.take(8 * needed)),
                    "{len} behind {before}"
                );
            }
        }
    }

    fn bits(octets: &[u8]) -> impl Iterator<Item = u8> {
        octets
            .iter()
            .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1))
    }

    #[test]
    fn text_beyond_ascii_or_its_length_is_refused() {
        assert_eq!(Ia5::<1, 63>::try_from("曹安公路"), Err(NotIa5::NotAscii));
        assert_eq!(Ia5::<1, 3>::try_from("abcd"), Err(NotIa5::TooLong));
    }

    #[test]
    fn a_string_below_its_least_length_is_not_encoded() {
        let error = encode_into(&Octets::<2, 512>::try_from(&[1][..]).unwrap(), &mut [0; 8]);
        assert_eq!(error.unwrap_err().kind, EncodeErrorKind::TooFew);
    }
}
