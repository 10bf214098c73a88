//! The JSON view of every message: JSON encoding rules (JER, ITU-T X.697), as far as the message
//! set needs them.
//!
//! Names are those of the ASN.1; members stand in the order of the type, absent ones are left
//! out. What is a matter of taste in the standard, or of trust on our side:
//!
//! | ASN.1 | JSON |
//! |---|---|
//! | INTEGER | number, without fraction or exponent |
//! | ENUMERATED | its name |
//! | OCTET STRING, BIT STRING of one size | hexadecimal text; lower case when written, either when read; the last digits of a BIT STRING are filled up with zeros |
//! | BIT STRING (SIZE (n, ...)) | the same at its root size, else `{"value": "...", "length": bits}` |
//! | IA5String | text |
//! | SEQUENCE OF | array |
//! | SEQUENCE | object; unknown members are refused, so that a typing error does not pass for an absent option |
//! | CHOICE | object of one member |
//!
//! Both ways are streams: writing puts text straight into whatever takes it, reading takes values
//! out of the text where they lie, without a tree in between; [`Values`] takes one value after the
//! other off a file or a pipe.
//!
//! Reading is for people, files and tests, not for the radio: errors say where
//! (`spatFrame.intersections[0].phases[3].id`), and memory is bounded by the length of the text.

mod read;
mod stream;
mod text;
mod write;

use std::fmt;

pub use read::{Input, JerError, Object, Problem};
pub use stream::Values;
pub(crate) use write::ToIo;
pub use write::Writer;

/// What every type of the message set can do: go to JSON, and come from JSON.
pub trait Jer {
    /// Writes this value.
    ///
    /// # Errors
    /// Only those of the text behind `out`.
    fn write_jer(&self, out: &mut Writer<'_>) -> fmt::Result;

    /// Replaces this value by what the text says.
    ///
    /// # Errors
    /// Anything but a value of this type; this value is then some mixture of old and new.
    fn read_jer(&mut self, input: Input<'_>) -> Result<(), JerError>;

    /// This value as one line of JSON.
    fn to_jer(&self) -> String {
        let mut text = String::new();
        // A String takes any text.
        let _ = self.write_jer(&mut Writer::new(&mut text));
        text
    }

    /// The value that `text` describes.
    ///
    /// # Errors
    /// Not JSON, or not a value of this type; says where.
    fn from_jer(text: &str) -> Result<Self, JerError>
    where
        Self: Default,
    {
        let mut value = Self::default();
        read::whole(text, |input| value.read_jer(input))?;
        Ok(value)
    }
}
