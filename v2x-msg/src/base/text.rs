//! The short ASCII names that messages carry (DescriptiveName, 1 to 63 characters).

use std::fmt;

use arrayvec::ArrayString;

/// A name of 1 to 63 ASCII characters, stored inline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(ArrayString<63>);

/// A text that cannot be sent as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name must have 1 to 63 characters, all of them ASCII")]
pub struct NotAName;

impl Name {
    /// From text of 1 to 63 ASCII characters.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        if text.is_empty() || !text.is_ascii() {
            return Err(NotAName);
        }
        ArrayString::from(text).map(Name).map_err(|_| NotAName)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_ascii_text() {
        assert_eq!(
            Name::new("Moyu Road / Boyuan Road").unwrap().as_str(),
            "Moyu Road / Boyuan Road"
        );
        assert!(Name::new("").is_err());
        assert!(Name::new("墨玉路").is_err());
        assert!(Name::new(&"x".repeat(63)).is_ok());
        assert!(Name::new(&"x".repeat(64)).is_err());
    }
}
