//! JSON text to values, with the place of what is wrong. Nothing stands in between: a value is
//! taken out of the text where it lies.

use std::borrow::Cow;
use std::fmt;

use arrayvec::ArrayVec;

use super::text::{self, Walk};
use super::{Jer, Writer, write};
use crate::uper::{ExtensibleBits, Full, Ia5, List, Octets, OpenInteger};

/// A piece of JSON that is about to become a value: the text of it, well-formed.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a str);

/// An object of which members are taken one by one.
#[derive(Debug)]
pub struct Object<'a> {
    /// Names as they are written, and values.
    members: ArrayVec<(&'a str, &'a str), MOST_MEMBERS>,
    /// Behind the last that was found: members mostly stand in the order in which they are taken.
    next: usize,
    taken: usize,
}

/// More than any type has.
const MOST_MEMBERS: usize = 48;

/// Text that is not a value of the type asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct JerError {
    /// Where, such as `spatFrame.intersections[0].phases[3].id`; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a piece of JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not JSON; says where in the text, counted from 1.
    #[error("not JSON, line {line} column {column}")]
    Syntax {
        /// Line of the text.
        line: usize,
        /// Column of that line.
        column: usize,
    },
    /// JSON of another shape than the type has.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A number outside the bounds of its type.
    #[error("{value} is not in {min}..={max}")]
    OutOfRange {
        /// The number.
        value: i64,
        /// Least value of the type.
        min: i64,
        /// Greatest value of the type.
        max: i64,
    },
    /// More elements, octets or characters than the type allows.
    #[error("longer than {max}")]
    TooLong {
        /// How many it allows.
        max: usize,
    },
    /// Fewer elements, octets or characters than the type asks for.
    #[error("shorter than {min}")]
    TooShort {
        /// How many it asks for.
        min: usize,
    },
    /// A member that is not OPTIONAL is absent.
    #[error("member {0} is missing")]
    Missing(&'static str),
    /// A member, alternative or enumeral that the type does not have.
    #[error("unknown name {0:?}")]
    Unknown(String),
    /// A member that is said more than once.
    #[error("member {0} is there twice")]
    Twice(String),
}

impl fmt::Display for JerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => self.problem.fmt(f),
            path => write!(f, "{path}: {}", self.problem),
        }
    }
}

impl From<Problem> for JerError {
    fn from(problem: Problem) -> Self {
        Self {
            path: String::new(),
            problem,
        }
    }
}

impl JerError {
    /// The same error, seen from one level further out.
    fn within(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

/// Checks the text and reads all of it.
pub(super) fn whole(
    text: &str,
    read: impl FnOnce(Input<'_>) -> Result<(), JerError>,
) -> Result<(), JerError> {
    read(Input(text::check(text)?))
}

impl<'a> Input<'a> {
    pub(crate) fn object(self) -> Result<Object<'a>, JerError> {
        let mut walk = Walk::inside(self.0, '{').ok_or(Problem::Expected("an object"))?;
        let mut members = ArrayVec::new();
        while let Some(member) = walk.member() {
            let full = members.try_push(member).is_err();
            if full {
                return Err(Problem::Unknown(text::unescaped(member.0).into_owned()).into());
            }
        }
        Ok(Object {
            members,
            next: 0,
            taken: 0,
        })
    }

    /// The only member of an object. Names of alternatives are ASN.1 names, which need no escapes;
    /// one that is written with some is not recognised.
    pub(crate) fn alternative(self) -> Result<(&'a str, Self), JerError> {
        let expected = Problem::Expected("an object of one member");
        let mut members = Walk::inside(self.0, '{').ok_or(expected.clone())?;
        match (members.member(), members.member()) {
            (Some((name, value)), None) => Ok((name.trim_matches('"'), Self(value))),
            _ => Err(expected.into()),
        }
    }

    /// What the alternative `name` holds.
    pub(crate) fn value_of<T: Jer + Default>(self, name: &str) -> Result<T, JerError> {
        let mut value = T::default();
        value.read_jer(self).map_err(|error| error.within(name))?;
        Ok(value)
    }

    pub(crate) fn integer(self, min: i64, max: i64) -> Result<i64, JerError> {
        // What is well-formed has no plus sign, which Rust would take as well.
        let value: i64 = self
            .0
            .parse()
            .map_err(|_| Problem::Expected("a whole number"))?;
        if value < min || value > max {
            return Err(Problem::OutOfRange { value, min, max }.into());
        }
        Ok(value)
    }

    /// The enumeral with that name.
    pub(crate) fn enumeral<T: Copy>(
        self,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<T, JerError> {
        let text = self.text()?;
        let found = all.iter().copied().find(|one| name(*one) == text);
        found.ok_or_else(|| Problem::Unknown(text.into_owned()).into())
    }

    /// Exactly `size` bits, at the top of the word.
    pub(crate) fn bits(self, size: u32) -> Result<u64, JerError> {
        let mut octets = [0; 8];
        let len = size.div_ceil(8).min(8) as usize;
        hex_into(&self.text()?, &mut octets[..len])?;
        let top = u64::from_be_bytes(octets);
        if top.checked_shl(size).is_some_and(|beyond| beyond != 0) {
            return Err(Problem::Expected("zeros behind the last bit").into());
        }
        Ok(top)
    }

    fn text(self) -> Result<Cow<'a, str>, JerError> {
        if !self.0.starts_with('"') {
            return Err(Problem::Expected("text").into());
        }
        Ok(text::unescaped(self.0))
    }
}

impl<'a> Object<'a> {
    /// The member of that name: most likely the next one, else any.
    fn find(&mut self, name: &str) -> Option<Input<'a>> {
        let (before, from_next) = self.members.split_at(self.next.min(self.members.len()));
        let found = from_next
            .iter()
            .position(|(written, _)| says(written, name));
        let index = match found {
            Some(index) => self.next + index,
            None => before.iter().position(|(written, _)| says(written, name))?,
        };
        self.next = index + 1;
        self.taken += 1;
        let (_, value) = self.members.get(index)?;
        Some(Input(value))
    }

    pub(crate) fn required(
        &mut self,
        name: &'static str,
        slot: &mut impl Jer,
    ) -> Result<(), JerError> {
        let value = self.find(name).ok_or(Problem::Missing(name))?;
        slot.read_jer(value).map_err(|error| error.within(name))
    }

    pub(crate) fn optional<T: Jer + Default>(
        &mut self,
        name: &'static str,
        slot: &mut Option<T>,
    ) -> Result<(), JerError> {
        *slot = None;
        if let Some(value) = self.find(name) {
            let slot = slot.insert(T::default());
            slot.read_jer(value).map_err(|error| error.within(name))?;
        }
        Ok(())
    }

    /// Refuses members that nobody asked for.
    pub(crate) fn finish(self, known: &[&str]) -> Result<(), JerError> {
        let mut names = self.members.iter().map(|(written, _)| *written);
        if let Some(unknown) = names.find(|written| !known.iter().any(|name| says(written, name))) {
            return Err(Problem::Unknown(text::unescaped(unknown).into_owned()).into());
        }
        if self.taken == self.members.len() {
            return Ok(());
        }
        let twice = known.iter().find(|name| {
            let same = self
                .members
                .iter()
                .filter(|(written, _)| says(written, name));
            same.count() > 1
        });
        twice.map_or(
            Ok(()),
            |name| Err(Problem::Twice((*name).to_owned()).into()),
        )
    }
}

/// Whether a name as it is written is that one.
fn says(written: &str, name: &str) -> bool {
    let plain = written.len() == name.len() + 2 && written[1..].starts_with(name);
    plain || (written.contains('\\') && text::unescaped(written) == name)
}

/// The octets that `text` spells, which must be as many as there is room for.
fn hex_into(text: &str, octets: &mut [u8]) -> Result<(), JerError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != octets.len() {
        return Err(Problem::Expected("hexadecimal digits, as many as the type has").into());
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(())
}

fn digit(character: u8) -> Result<u8, JerError> {
    let digit = char::from(character).to_digit(16);
    Ok(digit.ok_or(Problem::Expected("hexadecimal digits"))? as u8)
}

fn length(len: usize, min: usize, max: usize) -> Result<(), JerError> {
    if len < min {
        return Err(Problem::TooShort { min }.into());
    }
    if len > max {
        return Err(Problem::TooLong { max }.into());
    }
    Ok(())
}

impl<T: Jer + Default, const MIN: usize, const MAX: usize> Jer for List<T, MIN, MAX> {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        write::list(self, out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        let mut elements = Walk::inside(input.0, '[').ok_or(Problem::Expected("an array"))?;
        let mut counted = elements;
        length(std::iter::from_fn(|| counted.element()).count(), MIN, MAX)?;
        self.clear();
        let mut index = 0;
        while let Some(element) = elements.element() {
            let slot = self.next_slot().ok_or(Problem::TooLong { max: MAX })?;
            slot.read_jer(Input(element))
                .map_err(|error| error.within(&format!("[{index}]")))?;
            index += 1;
        }
        Ok(())
    }
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> Jer
    for Octets<MIN, MAX, EXTENSIBLE>
{
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        write::octets(self, out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        let text = input.text()?;
        let least = if EXTENSIBLE { 0 } else { MIN };
        length(text.len() / 2, least, Self::MOST)?;
        let mut octets = vec![0; text.len() / 2];
        hex_into(&text, &mut octets)?;
        self.set(&octets)
            .map_err(|Full| Problem::TooLong { max: Self::MOST }.into())
    }
}

impl<const N: usize> Jer for [u8; N] {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        write::octets(self, out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        hex_into(&input.text()?, self)
    }
}

impl<const MIN: usize, const MAX: usize> Jer for Ia5<MIN, MAX> {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        write::ia5(self, out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        let text = input.text()?;
        length(text.len(), MIN, MAX)?;
        self.set(&text)
            .map_err(|_| Problem::Expected("ASCII text").into())
    }
}

impl<const ROOT: u32> Jer for ExtensibleBits<ROOT> {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        write::extensible_bits(*self, out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        let mut size = ROOT;
        let mut value = input;
        if let Ok(mut object) = input.object() {
            let mut member = |name| object.find(name).ok_or(Problem::Missing(name));
            size = member("length")?
                .integer(0, 64)
                .map_err(|error| error.within("length"))? as u32;
            value = member("value")?;
            object.finish(&["length", "value"])?;
        }
        let top = value.bits(size)?;
        *self = Self::from_top(top, size).ok_or(Problem::TooLong { max: 64 })?;
        Ok(())
    }
}

impl Jer for bool {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.boolean(*self)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        *self = match input.0 {
            "true" => true,
            "false" => false,
            _ => return Err(Problem::Expected("true or false").into()),
        };
        Ok(())
    }
}

impl<const MIN: i64, const MAX: i64> Jer for OpenInteger<MIN, MAX> {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.integer(self.0)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        self.0 = input.integer(i64::MIN, i64::MAX)?;
        Ok(())
    }
}

impl<T: Jer> Jer for Box<T> {
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
        (**self).write_jer(out)
    }

    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
        (**self).read_jer(input)
    }
}

/// An INTEGER without a name whose bounds are those of the Rust type.
macro_rules! whole_range {
    ($($native:ty),*) => {$(
        impl Jer for $native {
            fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result {
                out.integer(i64::from(*self))
            }

            fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError> {
                *self = input.integer(0, <$native>::MAX.into())? as $native;
                Ok(())
            }
        }
    )*};
}

whole_range!(u8, u16, u32);
