//! Idempotency keys: an order that is made again with its key is answered again, not done again.
//!
//! So many keys are remembered, the oldest go first. Those of what stands come back with the journal.

use std::collections::{BTreeMap, VecDeque};

use super::Answer;

/// Keys that are remembered.
const MOST: usize = 1024;
/// Longest key.
pub(super) const LONGEST: usize = 128;

/// What was answered under which key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    answers: BTreeMap<String, (u64, Answer)>,
    order: VecDeque<String>,
}

/// What a key means.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// It is new.
    No,
    /// This was the answer.
    Answered(Answer),
    /// It was the key of another order.
    OtherOrder,
}

impl Keys {
    pub(super) fn look(&self, key: &str, sum: u64) -> Known {
        match self.answers.get(key) {
            None => Known::No,
            Some((known, answer)) if *known == sum => Known::Answered(answer.clone()),
            Some(_) => Known::OtherOrder,
        }
    }

    pub(super) fn remember(&mut self, key: String, sum: u64, answer: Answer) {
        if self.answers.insert(key.clone(), (sum, answer)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }
}

/// Of what was asked: a key is good for one order only.
pub(super) fn checksum(what: &str, body: &str) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(what.as_bytes());
    hasher.update(b"\n");
    hasher.update(body.as_bytes());
    u64::from(hasher.finalize()) << 32 | body.len() as u64 & 0xffff_ffff
}

/// Whether it may be a key: 1 to 128 characters of ASCII that can be seen.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(number: u64) -> Answer {
        Answer::new(201, json!({ "number": number }))
    }

    #[test]
    fn a_key_is_answered_again_and_good_for_one_order_only() {
        let mut keys = Keys::default();
        let sum = checksum("add", "{}");
        assert_eq!(keys.look("a", sum), Known::No);
        keys.remember("a".to_owned(), sum, answer(7));
        assert_eq!(keys.look("a", sum), Known::Answered(answer(7)));
        assert_eq!(keys.look("a", checksum("add", "[]")), Known::OtherOrder);
        assert_eq!(keys.look("a", checksum("end", "{}")), Known::OtherOrder);
    }

    #[test]
    fn the_oldest_keys_are_forgotten() {
        let mut keys = Keys::default();
        for number in 0..3 * MOST as u64 {
            keys.remember(number.to_string(), 0, answer(number));
        }
        assert_eq!((keys.answers.len(), keys.order.len()), (MOST, MOST));
        assert_eq!(keys.look("0", 0), Known::No);
        let last = 3 * MOST as u64 - 1;
        assert_eq!(
            keys.look(&last.to_string(), 0),
            Known::Answered(answer(last))
        );
    }

    #[test]
    fn keys_are_short_and_can_be_seen() {
        assert!(is_key("3fa85f64-5717-4562-b3fc-2c963f66afa6"));
        assert!(!is_key("") && !is_key("a b") && !is_key("é") && !is_key(&"x".repeat(129)));
    }
}
