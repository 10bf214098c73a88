//! Who may change something: whoever knows the word. It is read anew each time, so that it can be
//! changed without a restart, and it is in no answer and no log.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::refusal::plain;
use crate::config::{Password, Reason};

/// A word of fewer letters can be guessed, and nobody needs a longer one.
const LENGTHS: RangeInclusive<usize> = 16..=512;
/// Before a wrong word is answered: so often can one connection guess.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the word is.
#[derive(Clone, Debug)]
pub(super) struct Keeper(pub(super) Password);

/// Why nothing may be changed.
pub(super) type Refusal = (StatusCode, Reason);

impl Keeper {
    /// Whether a word is asked for at all; without one nothing can be changed.
    pub(super) fn is_there(&self) -> bool {
        self.0 != Password::None
    }

    /// Says in the log, before anybody asks, where the word cannot be used.
    pub(super) fn look(&self) {
        if self.is_there()
            && let Err(error) = read(&self.0)
        {
            tracing::error!("console: the token cannot be used, nothing can be changed: {error}");
        }
    }

    /// Lets those pass who say `authorization: Bearer WORD`.
    pub(super) async fn admit(&self, asked: &HeaderMap) -> Result<(), Refusal> {
        if !self.is_there() {
            let told =
                "nothing can be changed: the configuration names no `token-file` under [console]";
            return Err((StatusCode::FORBIDDEN, plain("no-token-file", told)));
        }
        let place = self.0.clone();
        let word = spawn_blocking(move || read(&place)).await;
        let word = match word {
            Ok(Ok(word)) => word,
            Ok(Err(error)) => {
                tracing::error!("console: the token cannot be used: {error}");
                let told = "nothing can be changed: the token cannot be used; see the log";
                return Err((StatusCode::FORBIDDEN, plain("token-unusable", told)));
            }
            Err(_) => {
                let reason = plain("ending", "the console is ending");
                return Err((StatusCode::SERVICE_UNAVAILABLE, reason));
            }
        };
        let said = asked.get(header::AUTHORIZATION);
        let said = said
            .and_then(|said| said.as_bytes().strip_prefix(b"Bearer "))
            .unwrap_or_default();
        if same(said, word.as_bytes()) {
            return Ok(());
        }
        if !said.is_empty() {
            sleep(PAUSE).await;
        }
        let reason = match said.is_empty() {
            true => plain(
                "token-needed",
                "this needs `authorization: Bearer` and the token of the configuration",
            ),
            false => plain("token-wrong", "this is not the token of the configuration"),
        };
        Err((StatusCode::UNAUTHORIZED, reason))
    }
}

/// The word, if it is one.
pub(super) fn read(place: &Password) -> io::Result<String> {
    let word = match place {
        Password::None => String::new(),
        Password::File(path) => fs::read_to_string(path)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
        Password::Env(name) => std::env::var(name)
            .map_err(|error| io::Error::other(format!("variable {name}: {error}")))?,
    };
    let word = word.trim();
    if !LENGTHS.contains(&word.len()) || !word.bytes().all(|letter| letter.is_ascii_graphic()) {
        let (least, most) = LENGTHS.into_inner();
        let reason = format!("it must be {least} to {most} letters, digits or signs of ASCII");
        return Err(io::Error::other(reason));
    }
    Ok(word.to_owned())
}

/// In a time that does not tell how much of it was right.
fn same(said: &[u8], word: &[u8]) -> bool {
    let pairs = said.iter().zip(word);
    let differ = pairs.fold(0, |differ, (a, b)| differ | (a ^ b));
    std::hint::black_box(differ) == 0 && said.len() == word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_word_is_the_word() {
        assert!(same(b"abc", b"abc"));
        for wrong in [&b""[..], b"a", b"ab", b"abd", b"abcd"] {
            assert!(!same(wrong, b"abc"), "{wrong:?}");
        }
    }
}
