//! The words of an event or a sign: ASCII, or Chinese in GB 2312.
//!
//! The air carries GB 2312 as its bytes (EUC-CN). This crate checks that bytes are well formed, but
//! has no table to make them from Unicode: who configures Chinese text gives the bytes, directly or
//! as `\xHH` in ASCII text.

use arrayvec::{ArrayString, ArrayVec};

/// A description: 1 to 512 ASCII characters, or 2 to 512 bytes of GB 2312.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(pub(super) Inner);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    Ascii(ArrayString<MAX_BYTES>),
    Gb2312(ArrayVec<u8, MAX_BYTES>),
}

/// Words that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// Too short or too long.
    #[error("a description must have {min} to 512 bytes")]
    Length {
        /// 1 for ASCII, 2 for GB 2312, 16 for a sign.
        min: usize,
    },
    /// A character that ASCII does not have.
    #[error("not ASCII at byte {0}")]
    NotAscii(usize),
    /// Bytes that are not GB 2312.
    #[error("not GB 2312 at byte {0}")]
    NotGb2312(usize),
    /// A backslash that does not begin `\xHH` or `\\`.
    #[error("bad escape at byte {0}")]
    Escape(usize),
    /// A sign code that is not 16 ASCII letters or digits.
    #[error("a sign code must have 16 letters or digits (GB/T 30699-2014)")]
    SignCode,
}

const MAX_BYTES: usize = 512;

impl Description {
    /// 1 to 512 ASCII characters.
    pub fn ascii(text: &str) -> Result<Self, NotText> {
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii()) {
            return Err(NotText::NotAscii(at));
        }
        let inline = ArrayString::from(text).ok().filter(|text| !text.is_empty());
        let inline = inline.ok_or(NotText::Length { min: 1 })?;
        Ok(Description(Inner::Ascii(inline)))
    }

    /// 2 to 512 bytes of GB 2312, ASCII among them allowed.
    pub fn gb2312(bytes: &[u8]) -> Result<Self, NotText> {
        check_gb2312(bytes)?;
        let inline = ArrayVec::try_from(bytes).ok();
        let inline = inline.filter(|bytes| bytes.len() >= 2);
        let inline = inline.ok_or(NotText::Length { min: 2 })?;
        Ok(Description(Inner::Gb2312(inline)))
    }

    /// As [`Description::gb2312`], from ASCII text in which `\xHH` stands for a byte and `\\` for a
    /// backslash.
    pub fn escaped(text: &str) -> Result<Self, NotText> {
        Self::gb2312(&unescape(text)?)
    }

    /// The longest in each form.
    pub(super) fn longest() -> (Self, Self) {
        let mut text = ArrayString::new();
        while text.try_push(' ').is_ok() {}
        let bytes = ArrayVec::from([b' '; MAX_BYTES]);
        (
            Description(Inner::Ascii(text)),
            Description(Inner::Gb2312(bytes)),
        )
    }

    /// The text, if it is sent as ASCII.
    pub fn as_ascii(&self) -> Option<&str> {
        match &self.0 {
            Inner::Ascii(text) => Some(text),
            Inner::Gb2312(_) => None,
        }
    }

    /// The bytes, in either form.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Inner::Ascii(text) => text.as_bytes(),
            Inner::Gb2312(bytes) => bytes,
        }
    }
}

/// The words of a sign: its code of GB/T 30699-2014, then free text. T/CSAE 159-2020 sends both as
/// GB 2312.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignText(ArrayVec<u8, MAX_BYTES>);

impl SignText {
    /// A code of 16 letters or digits, and up to 496 bytes of GB 2312, perhaps none.
    pub fn new(code: &str, text: &[u8]) -> Result<Self, NotText> {
        if code.len() != SIGN_CODE_LEN || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotText::SignCode);
        }
        check_gb2312(text)?;
        let mut bytes = ArrayVec::new();
        let whole = bytes
            .try_extend_from_slice(code.as_bytes())
            .and_then(|()| bytes.try_extend_from_slice(text));
        whole.map_err(|_| NotText::Length { min: SIGN_CODE_LEN })?;
        Ok(SignText(bytes))
    }

    /// As [`SignText::new`], from ASCII text in which `\xHH` stands for a byte.
    pub fn escaped(code: &str, text: &str) -> Result<Self, NotText> {
        Self::new(code, &unescape(text)?)
    }

    /// The longest.
    pub(super) fn longest() -> Self {
        SignText(ArrayVec::from([b'0'; MAX_BYTES]))
    }

    /// From the bytes as they are sent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotText> {
        let (code, text) = bytes
            .split_at_checked(SIGN_CODE_LEN)
            .ok_or(NotText::SignCode)?;
        Self::new(
            std::str::from_utf8(code).map_err(|_| NotText::SignCode)?,
            text,
        )
    }

    /// The code of 16 characters.
    pub fn code(&self) -> &str {
        // Checked to be ASCII when it was built.
        std::str::from_utf8(&self.0[..SIGN_CODE_LEN]).unwrap_or_default()
    }

    /// The free text, in GB 2312.
    pub fn text(&self) -> &[u8] {
        &self.0[SIGN_CODE_LEN..]
    }

    /// Code and text, as they are sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

const SIGN_CODE_LEN: usize = 16;

/// ASCII, or pairs of bytes in rows 1 to 87 (0xA1 to 0xF7) and cells 1 to 94 (0xA1 to 0xFE).
fn check_gb2312(bytes: &[u8]) -> Result<(), NotText> {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += match (byte, bytes.get(at + 1)) {
            (0..=0x7f, _) => 1,
            (0xa1..=0xf7, Some(0xa1..=0xfe)) => 2,
            _ => return Err(NotText::NotGb2312(at)),
        };
    }
    Ok(())
}

fn unescape(text: &str) -> Result<Vec<u8>, NotText> {
    let source = text.as_bytes();
    let mut bytes = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(byte) = source.get(at) {
        if !byte.is_ascii() {
            return Err(NotText::NotAscii(at));
        }
        if *byte != b'\\' {
            bytes.push(*byte);
            at += 1;
            continue;
        }
        match source.get(at + 1..) {
            Some([b'\\', ..]) => {
                bytes.push(b'\\');
                at += 2;
            }
            Some([b'x', high, low, ..]) => {
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err(NotText::Escape(at));
                };
                bytes.push(high << 4 | low);
                at += 4;
            }
            _ => return Err(NotText::Escape(at)),
        }
    }
    Ok(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Attention", in GB 2312.
    const ZHU_YI: [u8; 4] = [0xd7, 0xa2, 0xd2, 0xe2];

    #[test]
    fn ascii_has_one_to_512_characters() {
        assert_eq!(
            Description::ascii("fog ahead").unwrap().as_ascii(),
            Some("fog ahead")
        );
        assert_eq!(Description::ascii(""), Err(NotText::Length { min: 1 }));
        assert!(Description::ascii(&"x".repeat(512)).is_ok());
        assert!(Description::ascii(&"x".repeat(513)).is_err());
        assert_eq!(Description::ascii("a雾"), Err(NotText::NotAscii(1)));
    }

    #[test]
    fn escapes_give_bytes() {
        let text = Description::escaped(r"\xd7\xA2\xd2\xe2 \\").unwrap();
        assert_eq!(text.bytes(), [&ZHU_YI[..], b" \\"].concat());
        assert_eq!(Description::escaped(r"a\y"), Err(NotText::Escape(1)));
        assert_eq!(Description::escaped(r"a\xd"), Err(NotText::Escape(1)));
        assert_eq!(Description::escaped(r"ab\"), Err(NotText::Escape(2)));
    }

    #[test]
    fn half_a_character_is_refused() {
        assert!(Description::gb2312(&ZHU_YI).is_ok());
        assert_eq!(
            Description::gb2312(&ZHU_YI[..3]),
            Err(NotText::NotGb2312(2))
        );
        // UTF-8 of the same word: two pairs that GB 2312 has too, then a byte that it has not.
        assert_eq!(
            Description::gb2312("注意".as_bytes()),
            Err(NotText::NotGb2312(4))
        );
    }

    #[test]
    fn a_sign_begins_with_its_code() {
        let text = SignText::new("3011200000000001", &ZHU_YI).unwrap();
        assert_eq!(
            (text.code(), text.text()),
            ("3011200000000001", &ZHU_YI[..])
        );
        assert_eq!(SignText::from_bytes(text.bytes()), Ok(text));
        assert_eq!(SignText::new("301", b""), Err(NotText::SignCode));
        assert_eq!(SignText::from_bytes(&ZHU_YI), Err(NotText::SignCode));
    }
}
