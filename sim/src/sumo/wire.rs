//! TraCI's bytes: big-endian, lengths before all that has one.
//!
//! What comes is read with every bound checked, whoever sent it: a wrong length or an unknown type is an
//! error with its place, never more memory than came over the line. Not here: sockets
//! ([`super::client`]), and what the values mean.

/// What does not read as TraCI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at} of an answer")]
pub struct Garbage {
    /// What was looked for, or found.
    pub what: String,
    /// Where.
    pub at: usize,
}

/// Bytes still to be read.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A place, east and north in the network's own metres.
    Place(f64, f64),
    /// A word.
    Text(String),
    /// Words.
    Texts(Vec<String>),
    /// A line.
    Line(Vec<(f64, f64)>),
    /// Values within a value.
    Many(Vec<Value>),
}

impl<'a> Cursor<'a> {
    /// From the beginning of an answer.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How much is left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// That something is wrong here.
    pub fn garbage(&self, what: impl Into<String>) -> Garbage {
        Garbage {
            what: what.into(),
            at: self.at,
        }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Garbage> {
        let end = self.at.checked_add(count);
        let bytes = end.and_then(|end| self.bytes.get(self.at..end));
        let bytes = bytes.ok_or_else(|| self.garbage(format!("{count} bytes are missing")))?;
        self.at += count;
        Ok(bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Garbage> {
        Ok(self.take(1)?[0])
    }

    /// A whole number.
    pub fn integer(&mut self) -> Result<i32, Garbage> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(i32::from_be_bytes(bytes))
    }

    /// How many follow, each of which takes at least `least` bytes.
    pub fn count(&mut self, least: usize) -> Result<usize, Garbage> {
        let told = self.integer()?;
        let count = usize::try_from(told).ok();
        let count = count.filter(|count| count.saturating_mul(least) <= self.left());
        count.ok_or_else(|| self.garbage(format!("a count of {told}")))
    }

    /// A finite number.
    pub fn number(&mut self) -> Result<f64, Garbage> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        let number = f64::from_be_bytes(bytes);
        if number.is_finite() {
            Ok(number)
        } else {
            Err(self.garbage("a number that is none"))
        }
    }

    /// A word.
    pub fn text(&mut self) -> Result<&'a str, Garbage> {
        let count = self.count(1)?;
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes).map_err(|_| self.garbage("text that is not UTF-8"))
    }

    /// The next block: its id and what is in it.
    pub fn block(&mut self) -> Result<(u8, Cursor<'a>), Garbage> {
        let begin = self.at;
        let length = match self.byte()? {
            0 => usize::try_from(self.integer()?).unwrap_or(0),
            short => usize::from(short),
        };
        let id = self.byte()?;
        let left = length.checked_sub(self.at - begin);
        let left = left.ok_or_else(|| self.garbage(format!("a block of {length} bytes")))?;
        Ok((id, Cursor::new(self.take(left)?)))
    }

    /// A value with its type before it.
    pub fn value(&mut self) -> Result<Value, Garbage> {
        self.value_within(0)
    }

    fn value_within(&mut self, depth: usize) -> Result<Value, Garbage> {
        if depth > DEEPEST {
            return Err(self.garbage("values within values within values"));
        }
        Ok(match self.byte()? {
            kind::PLACE => Value::Place(self.number()?, self.number()?),
            kind::LINE => {
                let count = match self.byte()? {
                    0 => self.count(16)?,
                    short => usize::from(short),
                };
                let points = (0..count).map(|_| Ok((self.number()?, self.number()?)));
                Value::Line(points.collect::<Result<_, Garbage>>()?)
            }
            kind::BYTE => Value::Number(f64::from(self.byte()?)),
            kind::INTEGER => Value::Number(f64::from(self.integer()?)),
            kind::NUMBER => Value::Number(self.number()?),
            kind::TEXT => Value::Text(self.text()?.to_owned()),
            kind::TEXTS => {
                let count = self.count(4)?;
                let texts = (0..count).map(|_| Ok(self.text()?.to_owned()));
                Value::Texts(texts.collect::<Result<_, Garbage>>()?)
            }
            kind::MANY => {
                let count = self.count(2)?;
                let values = (0..count).map(|_| self.value_within(depth + 1));
                Value::Many(values.collect::<Result<_, Garbage>>()?)
            }
            other => return Err(self.garbage(format!("a value of type {other:#04x}"))),
        })
    }
}

/// Appends a word.
pub fn text(text: &str, to: &mut Vec<u8>) {
    to.extend_from_slice(&(text.len() as i32).to_be_bytes());
    to.extend_from_slice(text.as_bytes());
}

/// Appends a number.
pub fn number(number: f64, to: &mut Vec<u8>) {
    to.extend_from_slice(&number.to_be_bytes());
}

/// A message of one command, ready to be sent.
pub fn message(command: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    match u8::try_from(body.len() + 2) {
        Ok(short) => bytes.push(short),
        Err(_) => {
            bytes.push(0);
            bytes.extend_from_slice(&(body.len() as i32 + 6).to_be_bytes());
        }
    }
    bytes.push(command);
    bytes.extend_from_slice(body);
    let length = bytes.len() as i32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Types of values.
pub mod kind {
    /// Two numbers.
    pub const PLACE: u8 = 0x01;
    /// Places.
    pub const LINE: u8 = 0x06;
    /// One byte.
    pub const BYTE: u8 = 0x07;
    /// Four bytes.
    pub const INTEGER: u8 = 0x09;
    /// Eight bytes.
    pub const NUMBER: u8 = 0x0b;
    /// A word.
    pub const TEXT: u8 = 0x0c;
    /// Words.
    pub const TEXTS: u8 = 0x0e;
    /// Values.
    pub const MANY: u8 = 0x0f;
}

/// Values lie within each other so deep.
const DEEPEST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_length_before_it_short_or_long() {
        // As SUMO 1.28.0 was asked for its version, and answered.
        assert_eq!(message(0x00, &[]), [0, 0, 0, 6, 2, 0]);
        let long = message(0xc2, &[7; 300]);
        assert_eq!(long[..10], [0, 0, 1, 54, 0, 0, 0, 1, 50, 0xc2]);
        let answer =
            b"\x07\x00\x00\x00\x00\x00\x00\x15\x00\x00\x00\x00\x16\x00\x00\x00\x0bSUMO 1.28.0";
        let mut cursor = Cursor::new(answer);
        let (id, status) = cursor.block().expect("a status");
        assert_eq!((id, status.left()), (0, 5));
        let (id, mut version) = cursor.block().expect("a version");
        assert_eq!((id, version.integer()), (0, Ok(22)));
        assert_eq!((version.text(), cursor.left()), (Ok("SUMO 1.28.0"), 0));
    }

    #[test]
    fn values_are_read_as_sumo_writes_them() {
        // The shape of a lane from (-8.5, 290) to (-8.5, 20).
        let lane = b"\x06\x02\xc0!\0\0\0\0\0\0@r \0\0\0\0\0\xc0!\0\0\0\0\0\0@4\0\0\0\0\0\0";
        let line = Value::Line(vec![(-8.5, 290.0), (-8.5, 20.0)]);
        assert_eq!(Cursor::new(lane).value(), Ok(line));
        let links = b"\x0f\0\0\0\x02\x09\0\0\0\x01\x0e\0\0\0\x02\0\0\0\x01a\0\0\0\x01b";
        let links = Cursor::new(links).value();
        let words = Value::Texts(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(links, Ok(Value::Many(vec![Value::Number(1.0), words])));
    }

    #[test]
    fn no_bytes_take_more_memory_than_they_are_or_make_it_panic() {
        // Counts that promise more than there is, types that are none, depth without end.
        let wrong: [&[u8]; 7] = [
            b"\x0e\x7f\xff\xff\xff",
            b"\x0f\xff\xff\xff\xff",
            b"\x06\x00\x7f\xff\xff\xff",
            b"\x0c\x00\x00\x00\x09abc",
            b"\x33",
            b"\x0b\x7f\xf8\0\0\0\0\0\0",
            b"\x0f\0\0\0\x01\x0f\0\0\0\x01\x0f\0\0\0\x01\x0f\0\0\0\x01\x0f\0\0\0\x01\x0f\0\0\0\x01\x07\x00",
        ];
        for bytes in wrong {
            assert!(Cursor::new(bytes).value().is_err(), "{bytes:02x?}");
        }
        for bytes in [
            &b"\x01\x02"[..],
            b"\x00\x00\x00\x00\x03\x07",
            b"\xff\x07",
            b"",
        ] {
            assert!(Cursor::new(bytes).block().is_err(), "{bytes:02x?}");
        }
    }
}
