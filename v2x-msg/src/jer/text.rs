//! JSON text itself (RFC 8259): whether it is well-formed, and walking through it piece by piece,
//! without a tree in between. What the pieces mean is the business of `read.rs`.

use std::borrow::Cow;

use super::Problem;

/// Deeper than any message, and shallow enough for whoever comes after us.
const DEEPEST: usize = 128;

/// Checks that `text` is one value of JSON with nothing but white space around it, and gives it
/// without that.
pub(super) fn check(text: &str) -> Result<&str, Problem> {
    let bytes = text.as_bytes();
    let start = blank(bytes, 0);
    let end = checked(bytes, start).map_err(|at| syntax(bytes, at))?;
    let after = blank(bytes, end);
    if after != bytes.len() {
        return Err(syntax(bytes, after));
    }
    text.get(start..end).ok_or_else(|| syntax(bytes, start))
}

/// Line and column of a byte, both from 1.
fn syntax(bytes: &[u8], at: usize) -> Problem {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before
        .iter()
        .rev()
        .take_while(|byte| **byte != b'\n')
        .count();
    Problem::Syntax { line, column }
}

/// The end of the value that starts at `at`, or where it stops being one.
fn checked(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    // What is open, the innermost last: true for an object.
    let mut open = Vec::new();
    loop {
        match bytes.get(at) {
            Some(bracket @ (b'{' | b'[')) => {
                if open.len() == DEEPEST {
                    return Err(at);
                }
                let object = *bracket == b'{';
                at = blank(bytes, at + 1);
                if bytes.get(at) != Some(&closing(object)) {
                    open.push(object);
                    if object {
                        at = key(bytes, at)?;
                    }
                    continue;
                }
                at += 1;
            }
            Some(b'"') => at = string(bytes, at)?,
            Some(b'-' | b'0'..=b'9') => at = number(bytes, at)?,
            Some(b't') => at = word(bytes, at, b"true")?,
            Some(b'f') => at = word(bytes, at, b"false")?,
            Some(b'n') => at = word(bytes, at, b"null")?,
            _ => return Err(at),
        }
        // A value has ended, and with it perhaps those around it.
        loop {
            let Some(object) = open.last() else {
                return Ok(at);
            };
            at = blank(bytes, at);
            match bytes.get(at) {
                Some(b',') => {
                    at = blank(bytes, at + 1);
                    if *object {
                        at = key(bytes, at)?;
                    }
                    break;
                }
                Some(byte) if *byte == closing(*object) => {
                    at += 1;
                    open.pop();
                }
                _ => return Err(at),
            }
        }
    }
}

const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// Past the name of a member and its colon.
fn key(bytes: &[u8], at: usize) -> Result<usize, usize> {
    if bytes.get(at) != Some(&b'"') {
        return Err(at);
    }
    let at = blank(bytes, string(bytes, at)?);
    if bytes.get(at) != Some(&b':') {
        return Err(at);
    }
    Ok(blank(bytes, at + 1))
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, usize> {
    let found = bytes.get(at..).is_some_and(|rest| rest.starts_with(word));
    if found { Ok(at + word.len()) } else { Err(at) }
}

fn number(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    let digits = |mut at: usize| {
        let start = at;
        while matches!(bytes.get(at), Some(b'0'..=b'9')) {
            at += 1;
        }
        if at == start { Err(at) } else { Ok(at) }
    };
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => digits(at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Ok(at)
}

/// Past a string that begins at `at`.
fn string(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    at += 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escaped(bytes, at)?,
            Some(0..=0x1f) | None => return Err(at),
            Some(_) => at += 1,
        }
    }
}

/// Past an escape. Halves of a character from beyond 16 bits come in pairs.
fn escaped(bytes: &[u8], at: usize) -> Result<usize, usize> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match unit(bytes, at).ok_or(at)? {
            0xd800..=0xdbff => match unit(bytes, at + 6) {
                Some(0xdc00..=0xdfff) => Ok(at + 12),
                _ => Err(at),
            },
            0xdc00..=0xdfff => Err(at),
            _ => Ok(at + 6),
        },
        _ => Err(at),
    }
}

/// The 16 bits of `\uabcd`.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = match bytes.get(at..at + 6)? {
        [b'\\', b'u', digits @ ..] => digits,
        _ => return None,
    };
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

/// Past white space.
fn blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// What a well-formed string says.
pub(super) fn unescaped(string: &str) -> Cow<'_, str> {
    let inside = string
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(string);
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let mut taken = at + 2;
        text.push(match rest.as_bytes().get(at + 1) {
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let units = [at, at + 6].map(|at| unit(rest.as_bytes(), at).unwrap_or_default());
                let character = char::decode_utf16(units).next().and_then(Result::ok);
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                taken = at + 6 * character.len_utf16();
                character
            }
            Some(other) => char::from(*other),
            None => break,
        });
        rest = rest.get(taken..).unwrap_or_default();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Walks through what is between the brackets of a well-formed object or array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    /// From the next name or element on, or the closing bracket.
    rest: &'a str,
}

impl<'a> Walk<'a> {
    /// Of a value that begins with that bracket.
    pub(super) fn inside(value: &'a str, bracket: char) -> Option<Self> {
        let rest = value.strip_prefix(bracket)?;
        Some(Self {
            rest: past_blank(rest),
        })
    }

    /// The next element, or name or value, as it is written.
    fn piece(&mut self) -> Option<&'a str> {
        if matches!(self.rest.as_bytes().first(), None | Some(b'}' | b']')) {
            return None;
        }
        let (piece, rest) = self.rest.split_at(end_of_value(self.rest.as_bytes()));
        self.rest = past_blank(rest);
        Some(piece)
    }

    /// The next element.
    pub(super) fn element(&mut self) -> Option<&'a str> {
        let piece = self.piece()?;
        self.pass(',');
        Some(piece)
    }

    /// The next member: its name as it is written, and its value.
    pub(super) fn member(&mut self) -> Option<(&'a str, &'a str)> {
        let name = self.piece()?;
        self.pass(':');
        let value = self.piece()?;
        self.pass(',');
        Some((name, value))
    }

    fn pass(&mut self, mark: char) {
        if let Some(rest) = self.rest.strip_prefix(mark) {
            self.rest = past_blank(rest);
        }
    }
}

fn past_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// How long the well-formed value is that `bytes` begin with.
fn end_of_value(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                at += 1;
                while let Some(byte) = bytes.get(at) {
                    at += 1;
                    match byte {
                        b'"' => break,
                        b'\\' => at += 1,
                        _ => {}
                    }
                }
                if depth == 0 {
                    return at.min(bytes.len());
                }
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => {
                if depth <= 1 {
                    // The bracket of this value, or that of the one around a number.
                    return at + depth;
                }
                depth -= 1;
            }
            Some(b',' | b':' | b' ' | b'\t' | b'\n' | b'\r') if depth == 0 => return at,
            Some(_) => {}
            None => return bytes.len(),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        let ours = check(text).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert_eq!(ours, theirs, "{text:?}");
        ours
    }

    #[test]
    fn what_is_well_formed_is_accepted_and_nothing_else() {
        for text in [
            "0",
            "-0",
            "10",
            "-1.5e+7",
            "1E-2",
            "true",
            "false",
            "null",
            "\"\"",
            "[]",
            "{}",
            " [ 1 , 2 ] ",
            "{\"a\" : {\"b\":[[],{}]}, \"c\":\"\\u00e9\\ud83d\\ude00\\n\"}",
            "\"é😀\"",
            "{\"a\":1,\"a\":2}",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "",
            " ",
            "01",
            "-",
            "1.",
            "1e",
            ".5",
            "+1",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\n\"",
            "[",
            "]",
            "[1",
            "[1,]",
            "[,1]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "[1 2]",
            "1 2",
            "[1}",
            "{\"a\":1]",
            "{\"a\":1 \"b\":2}",
            "'a'",
            "[1]]",
            "NaN",
            "\u{feff}1",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(check(&nested(DEEPEST)).is_ok());
        assert!(check(&nested(DEEPEST + 1)).is_err());
        assert!(check(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn strings_say_what_they_say() {
        for text in [
            "\"\"",
            "\"a\\\"b\\\\\"",
            "\"\\u0041\\ud83d\\ude00é\\t\"",
            "\"\\/x\\b\\f\\r\"",
        ] {
            let theirs: String = serde_json::from_str(text).unwrap();
            assert_eq!(unescaped(text), theirs, "{text}");
        }
    }

    #[test]
    fn a_walk_takes_one_piece_after_the_other() {
        let mut walk = Walk::inside("{ \"a\" : [1, \"]\"] , \"b\\\"\":{\"x\":-2}}", '{').unwrap();
        assert_eq!(walk.member(), Some(("\"a\"", "[1, \"]\"]")));
        assert_eq!(walk.member(), Some(("\"b\\\"\"", "{\"x\":-2}")));
        assert_eq!(walk.member(), None);
        let mut walk = Walk::inside("[1,[2 ,3], 4 ]", '[').unwrap();
        let elements: Vec<_> = std::iter::from_fn(|| walk.element()).collect();
        assert_eq!(elements, ["1", "[2 ,3]", "4"]);
    }
}
