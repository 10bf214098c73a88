//! JSON values one after the other, from whatever is read: a file of lines, a pipe, a socket.

use std::io::{self, BufRead};

/// Values that stand one behind the other in `source`, with white space between them, each on a
/// line of its own or on several.
///
/// Only one of them is held at a time, and only if it is no longer than the limit.
#[derive(Debug)]
pub struct Values<R> {
    source: R,
    limit: usize,
    text: Vec<u8>,
}

/// How far into a value we are.
#[derive(Default)]
struct Progress {
    depth: usize,
    within_string: bool,
    escaped: bool,
}

impl<R: BufRead> Values<R> {
    /// Reads from `source`; a value of more than `limit` octets is an error.
    pub fn new(source: R, limit: usize) -> Self {
        Self {
            source,
            limit,
            text: Vec::new(),
        }
    }

    /// The text of the next value, for [`Jer::from_jer`](super::Jer::from_jer) or
    /// [`Message::from_jer`](crate::Message::from_jer); None at the end. Whether it is well-formed
    /// is seen there.
    ///
    /// # Errors
    /// Those of the source; `InvalidData` for a value beyond the limit or text that is not UTF-8,
    /// `UnexpectedEof` for one that ends early.
    pub fn next_text(&mut self) -> io::Result<Option<&str>> {
        self.text.clear();
        let mut progress = Progress::default();
        loop {
            let available = self.source.fill_buf()?;
            if available.is_empty() {
                return match self.text.is_empty() {
                    true => Ok(None),
                    // A number or a word ends with the source, an open bracket does not.
                    false if progress.is_open() => Err(io::ErrorKind::UnexpectedEof.into()),
                    false => self.as_text().map(Some),
                };
            }
            let mut used = 0;
            let mut ended = false;
            for byte in available {
                if self.text.is_empty() && used == 0 && byte.is_ascii_whitespace() {
                    break;
                }
                used += 1;
                ended = progress.ends_with(*byte);
                if ended {
                    break;
                }
            }
            if used == 0 {
                // White space in front of a value.
                let blank = available
                    .iter()
                    .take_while(|byte| byte.is_ascii_whitespace())
                    .count();
                self.source.consume(blank);
                continue;
            }
            if self.text.len() + used > self.limit {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a JSON value beyond the limit",
                ));
            }
            self.text.extend_from_slice(&available[..used]);
            self.source.consume(used);
            if ended {
                return self.as_text().map(Some);
            }
        }
    }

    fn as_text(&self) -> io::Result<&str> {
        std::str::from_utf8(&self.text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Progress {
    /// Whether a value that goes on with this byte ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.within_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.within_string = false;
                    return self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.within_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => return self.depth == 0 && byte.is_ascii_whitespace(),
        }
        false
    }

    fn is_open(&self) -> bool {
        self.depth > 0 || self.within_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &[u8], capacity: usize) -> io::Result<Vec<String>> {
        let mut values = Values::new(io::BufReader::with_capacity(capacity, source), 40);
        let mut texts = Vec::new();
        while let Some(text) = values.next_text()? {
            texts.push(text.trim().to_owned());
        }
        Ok(texts)
    }

    #[test]
    fn values_come_one_after_the_other_however_they_are_laid_out() {
        let source = b" {\"a\": \"}\\\"{\"}\n\n{\n \"b\": [1, {}]\n}{} 12 \"x y\" [\"]\"]true";
        let expected = [
            "{\"a\": \"}\\\"{\"}",
            "{\n \"b\": [1, {}]\n}",
            "{}",
            "12",
            "\"x y\"",
            "[\"]\"]",
            "true",
        ];
        for capacity in [1, 2, 3, 7, 100] {
            assert_eq!(texts(source, capacity).unwrap(), expected, "{capacity}");
        }
        assert_eq!(texts(b" \n ", 2).unwrap(), [""; 0]);
    }

    #[test]
    fn a_value_that_is_cut_or_too_long_or_no_text_is_an_error() {
        assert_eq!(
            texts(b"{\"a\": 1", 4).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
        for source in [&[b'['; 100][..], &[b'{', 0xff, b'}']] {
            let error = texts(source, 8).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
