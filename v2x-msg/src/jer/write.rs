//! Values to JSON text, written as it comes, without a tree in between.

use std::fmt::{self, Write};
use std::io;

use super::Jer;
use crate::uper::{ExtensibleBits, Ia5, List};

/// JSON text on its way to a `String` or anything else that takes text.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    /// No member or element has been written since the last bracket.
    fresh: bool,
}

impl<'a> Writer<'a> {
    /// Writes to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, fresh: true }
    }

    /// Opens an object or an array.
    pub(crate) fn open(&mut self, bracket: char) -> fmt::Result {
        self.fresh = true;
        self.out.write_char(bracket)
    }

    /// Closes it.
    pub(crate) fn close(&mut self, bracket: char) -> fmt::Result {
        self.fresh = false;
        self.out.write_char(bracket)
    }

    /// A member of an object. Names are ASN.1 names and need no escapes.
    pub(crate) fn member(&mut self, name: &str, value: &impl Jer) -> fmt::Result {
        self.comma()?;
        self.out.write_char('"')?;
        self.out.write_str(name)?;
        self.out.write_str("\":")?;
        value.write_jer(self)
    }

    /// A member that may be absent.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&impl Jer>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.member(name, value))
    }

    /// An object of a single member.
    pub(crate) fn alternative(&mut self, name: &str, value: &impl Jer) -> fmt::Result {
        self.open('{')?;
        self.member(name, value)?;
        self.close('}')
    }

    pub(crate) fn integer(&mut self, value: i64) -> fmt::Result {
        // Messages are mostly numbers, and `write!` goes a long way around for each.
        let mut digits = [b'0'; 20];
        let mut rest = value.unsigned_abs();
        let mut start = digits.len();
        for (index, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            start = index;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.out.write_char('-')?;
        }
        self.ascii(&digits[start..])
    }

    pub(crate) fn boolean(&mut self, value: bool) -> fmt::Result {
        self.out.write_str(if value { "true" } else { "false" })
    }

    fn ascii(&mut self, text: &[u8]) -> fmt::Result {
        self.out
            .write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
    }

    /// The name of an enumeral, which needs no escapes.
    pub(crate) fn enumeral(&mut self, name: &str) -> fmt::Result {
        self.out.write_char('"')?;
        self.out.write_str(name)?;
        self.out.write_char('"')
    }

    /// The first `size` bits of `top`, as octets.
    pub(crate) fn bits(&mut self, top: u64, size: u32) -> fmt::Result {
        let octets = top.to_be_bytes();
        self.hex(&octets[..size.div_ceil(8).min(8) as usize])
    }

    fn hex(&mut self, octets: &[u8]) -> fmt::Result {
        self.out.write_char('"')?;
        for chunk in octets.chunks(32) {
            let mut digits = [0; 64];
            for (pair, octet) in digits.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
                *pair = [octet >> 4, octet & 15].map(|digit| HEX[usize::from(digit)]);
            }
            self.ascii(&digits[..2 * chunk.len()])?;
        }
        self.out.write_char('"')
    }

    fn text(&mut self, text: &str) -> fmt::Result {
        self.out.write_char('"')?;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.out, "\\{character}")?,
                '\0'..='\x1f' => write!(self.out, "\\u{:04x}", u32::from(character))?,
                _ => self.out.write_char(character)?,
            }
        }
        self.out.write_char('"')
    }

    fn comma(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.fresh) {
            Ok(())
        } else {
            self.out.write_char(',')
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Text on its way to where octets go, and what went wrong there.
pub(crate) struct ToIo<'a> {
    out: &'a mut dyn io::Write,
    error: Option<io::Error>,
}

impl<'a> ToIo<'a> {
    /// Writes what `write` writes.
    pub(crate) fn write(
        out: &'a mut dyn io::Write,
        write: impl FnOnce(&mut Self) -> fmt::Result,
    ) -> io::Result<()> {
        let mut to = Self { out, error: None };
        let done = write(&mut to);
        match (done, to.error) {
            (Ok(()), _) => Ok(()),
            (Err(fmt::Error), error) => Err(error.unwrap_or_else(|| io::ErrorKind::Other.into())),
        }
    }
}

impl Write for ToIo<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

pub(super) fn list<T: Jer, const MIN: usize, const MAX: usize>(
    list: &List<T, MIN, MAX>,
    out: &mut Writer<'_>,
) -> fmt::Result {
    out.open('[')?;
    for element in list {
        out.comma()?;
        element.write_jer(out)?;
    }
    out.close(']')
}

pub(super) fn octets(octets: &[u8], out: &mut Writer<'_>) -> fmt::Result {
    out.hex(octets)
}

pub(super) fn ia5<const MIN: usize, const MAX: usize>(
    text: &Ia5<MIN, MAX>,
    out: &mut Writer<'_>,
) -> fmt::Result {
    out.text(text.as_str())
}

pub(super) fn extensible_bits<const ROOT: u32>(
    bits: ExtensibleBits<ROOT>,
    out: &mut Writer<'_>,
) -> fmt::Result {
    if bits.size() == ROOT {
        return out.bits(bits.top(), ROOT);
    }
    out.open('{')?;
    write!(out.out, "\"value\":")?;
    out.bits(bits.top(), bits.size())?;
    write!(out.out, ",\"length\":{}", bits.size())?;
    out.close('}')
}
