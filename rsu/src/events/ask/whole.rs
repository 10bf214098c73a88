//! JSON of people to a value in which no key stands twice.
//!
//! Of a key that stands twice serde_json keeps the last, and who has written one level above the other would
//! never learn which of them holds. Not here: what the keys mean.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why bytes are no order.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// They are no JSON.
    #[error("{0}")]
    NoJson(#[from] serde_json::Error),
    /// Keys stand twice in one object, each as `key: reason`.
    #[error("{}", .0.join("; "))]
    Twice(Vec<String>),
}

/// Reads one value, whole.
///
/// # Errors
/// See [`Unusable`].
pub fn parse(bytes: &[u8]) -> Result<Value, Unusable> {
    let mut twice = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let at = At {
        path: String::new(),
        twice: &mut twice,
    };
    let value = at.deserialize(&mut reader)?;
    reader.end()?;
    if twice.is_empty() {
        Ok(value)
    } else {
        Err(Unusable::Twice(twice))
    }
}

/// More are not told: the first ones say enough.
const MOST_TOLD: usize = 8;
/// What a stranger wrote is not repeated at length.
const LONGEST_PATH: usize = 80;

/// A value that is about to be read, and where it stands.
struct At<'f> {
    path: String,
    twice: &'f mut Vec<String>,
}

impl At<'_> {
    fn below(&mut self, key: &str) -> At<'_> {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push('.');
        }
        let left = LONGEST_PATH.saturating_sub(path.chars().count());
        path.extend(key.chars().take(left));
        At {
            path,
            twice: self.twice,
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self.below(&list.len().to_string()))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let below = self.below(&key);
            if object.contains_key(&key) && below.twice.len() < MOST_TOLD {
                below.twice.push(format!("{}: stands twice", below.path));
            }
            let value = map.next_value_seed(below)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(text: &str) -> Vec<String> {
        match parse(text.as_bytes()) {
            Err(Unusable::Twice(keys)) => keys,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_stands_once_is_what_serde_json_makes_of_it() {
        for text in [
            r#"{"type": 501, "on": {"upstream": 11, "lanes": [1, 2]}, "radius_m": 2.5}"#,
            r#"[null, true, -3, 18446744073709551615, 1e-3, "施工 \u0031\n", {}, []]"#,
            r#"[{"type": 1}, {"type": 2}]"#,
            " 7 ",
        ] {
            let wanted: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes()).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_way() {
        let keys = twice(r#"{"level": 4, "on": {"lane": 1, "lane": 1}, "level": 4}"#);
        assert_eq!(keys, ["on.lane: stands twice", "level: stands twice"]);
        let keys = twice(r#"{"links": [{}, {"upstream": 1, "upstream": 2}]}"#);
        assert_eq!(keys, ["links.1.upstream: stands twice"]);
        // Written otherwise it is the same key.
        assert_eq!(
            twice(r#"{"level": 4, "\u006cevel": 4}"#),
            ["level: stands twice"]
        );
    }

    #[test]
    fn strangers_get_a_short_answer() {
        let long = "k".repeat(5000);
        let body = format!("{{{}}}", vec![format!("\"{long}\":1"); 40].join(","));
        let keys = twice(&body);
        assert_eq!(keys.len(), MOST_TOLD);
        assert!(keys.iter().all(|told| told.len() < 100), "{keys:?}");
    }

    #[test]
    fn what_is_no_json_is_refused_as_such() {
        for text in ["", "{", "{} {}", "{\"a\": 1, \"a\": 2", "nul", "\u{1}"] {
            let outcome = parse(text.as_bytes());
            assert!(matches!(outcome, Err(Unusable::NoJson(_))), "{text}");
        }
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        let outcome = parse(deep.as_bytes());
        assert!(matches!(outcome, Err(Unusable::NoJson(_))));
    }
}
