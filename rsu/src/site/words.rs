//! Words as people write them to GB 2312, as signs and events have them on air.
//!
//! GB 2312 is a part of GBK: what GBK has beside it is refused, since a receiver need not know it.
//! Not here: the codes that a sign's words begin with.

use v2x_msg::kinds::rsi::{Description, NotText, SignText};

/// A description from text in any script that GB 2312 has.
///
/// # Errors
/// Characters that it has not, or too many of them.
pub fn description(text: &str) -> Result<Description, NotText> {
    Description::gb2312(&gb2312(text)?)
}

/// The same from a file, in which `\\xHH` may stand for a byte.
///
/// # Errors
/// As [`description`], or a broken escape.
pub(crate) fn escaped_description(text: &str) -> Result<Description, NotText> {
    Description::escaped(&escaped(text)?)
}

/// A sign's code and words.
///
/// # Errors
/// As [`description`], or a code that is none.
pub fn sign_text(code: &str, text: &str) -> Result<SignText, NotText> {
    SignText::new(code, &gb2312(text)?)
}

/// The same from a file, in which `\\xHH` may stand for a byte.
///
/// # Errors
/// As [`sign_text`], or a broken escape.
pub(super) fn escaped_sign_text(code: &str, text: &str) -> Result<SignText, NotText> {
    SignText::escaped(code, &escaped(text)?)
}

fn gb2312(text: &str) -> Result<Vec<u8>, NotText> {
    let mut bytes = Vec::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match pair(character) {
            _ if character.is_ascii() => bytes.push(character as u8),
            Some(pair) => bytes.extend_from_slice(&pair),
            None => return Err(NotText::NotGb2312(at)),
        }
    }
    Ok(bytes)
}

/// ASCII with escapes: what there was, and further ones for what is not ASCII.
fn escaped(text: &str) -> Result<String, NotText> {
    let mut ascii = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match pair(character) {
            _ if character.is_ascii() => ascii.push(character),
            Some([high, low]) => ascii.push_str(&format!("\\x{high:02x}\\x{low:02x}")),
            None => return Err(NotText::NotGb2312(at)),
        }
    }
    Ok(ascii)
}

/// The two bytes of a character of GB 2312; rows 10 to 15 are not assigned there.
fn pair(character: char) -> Option<[u8; 2]> {
    let mut utf8 = [0; 4];
    let (bytes, _, unknown) = encoding_rs::GBK.encode(character.encode_utf8(&mut utf8));
    match bytes.as_ref() {
        [high @ (0xa1..=0xa9 | 0xb0..=0xf7), low @ 0xa1..=0xfe] if !unknown => Some([*high, *low]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_becomes_pairs_and_ascii_stays() {
        let words = description("注意 60km/h").unwrap();
        assert_eq!(words.bytes(), b"\xd7\xa2\xd2\xe2 60km/h");
        assert_eq!(description("a\\x41").unwrap().bytes(), b"a\\x41");
    }

    #[test]
    fn a_file_may_mix_characters_and_bytes() {
        let words = escaped_description("注\\xd2\\xe2").unwrap();
        assert_eq!(words.bytes(), b"\xd7\xa2\xd2\xe2");
        let sign = escaped_sign_text("3011200000000001", "限速").unwrap();
        assert_eq!(sign.text(), b"\xcf\xde\xcb\xd9");
    }

    #[test]
    fn what_gb_2312_has_not_is_refused_with_its_place() {
        // A traditional character, one of GBK beyond GB 2312, the euro sign, and a picture.
        for (text, at) in [("a龍", 1), ("镕", 0), ("€", 0), ("好🚌", 3)] {
            assert_eq!(description(text), Err(NotText::NotGb2312(at)), "{text}");
        }
    }
}
