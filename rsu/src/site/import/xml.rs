//! Elements and attributes of XML, every fault with its line.

use std::cell::RefCell;

use roxmltree::{Document, Node as Element, ParsingOptions};

use super::Refused;
use super::faults::Faults;

/// Elements and attributes of a city with 100,000 lanes; beyond it we would only fill memory.
const MOST_ELEMENTS: u32 = 4_000_000;
/// Elements within elements; road models have about ten.
const DEEPEST: usize = 100;

/// Parses a document. None with a document type is read: it may define entities that blow up, and no
/// road model has one.
pub(super) fn document(text: &str) -> Result<Document<'_>, Refused> {
    if too_deep(text) {
        return Err(Refused::unusable(format!(
            "elements stand more than {DEEPEST} deep in each other"
        )));
    }
    let parsing = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_ELEMENTS,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, parsing).map_err(|fault| Refused::Malformed {
        line: fault.pos().row,
        reason: format!("is not XML: {fault}"),
    })
}

/// Before the parser sees it, counted roughly: tags in comments count too, and hurt nobody.
fn too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<') {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                let rest = &bytes[at + 1..];
                let end = rest.iter().position(|byte| matches!(byte, b'>' | b'<'));
                let closed = end.is_none_or(|end| end > 0 && rest[end - 1] == b'/');
                depth += usize::from(!closed);
            }
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// A document that knows its lines, and what was found wrong in it so far.
pub(super) struct Xml<'d, 't> {
    document: &'d Document<'t>,
    faults: RefCell<Faults>,
}

impl<'d, 't> Xml<'d, 't> {
    pub(super) fn new(document: &'d Document<'t>) -> Self {
        Self {
            document,
            faults: RefCell::default(),
        }
    }

    /// What was read, if it could be; a fault is noted, and reading goes on.
    pub(super) fn keep<T>(&self, read: Result<T, Refused>) -> Option<T> {
        self.faults.borrow_mut().keep(read)
    }

    /// Notes a fault at an element.
    pub(super) fn note(&self, at: Element<'_, '_>, reason: impl Into<String>) {
        self.faults.borrow_mut().add(self.wrong(at, reason));
    }

    /// Refuses the document if anything was found wrong in it.
    pub(super) fn none(&self) -> Result<(), Refused> {
        self.faults.borrow_mut().none()
    }

    /// A fault at an element.
    pub(super) fn wrong(&self, at: Element<'_, '_>, reason: impl Into<String>) -> Refused {
        Refused::Malformed {
            line: self.document.text_pos_at(at.range().start).row,
            reason: reason.into(),
        }
    }

    /// An attribute that must be there.
    pub(super) fn text<'e>(&self, at: Element<'e, '_>, key: &str) -> Result<&'e str, Refused> {
        at.attribute(key).ok_or_else(|| {
            let tag = at.tag_name().name();
            self.wrong(at, format!("<{tag}> has no attribute {key}"))
        })
    }

    /// A finite number; `default` where the attribute is not there.
    pub(super) fn number(
        &self,
        at: Element<'_, '_>,
        key: &str,
        default: f64,
    ) -> Result<f64, Refused> {
        let Some(text) = at.attribute(key) else {
            return Ok(default);
        };
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.wrong(at, format!("{key}=\"{text}\" is not a number"))),
        }
    }

    /// A finite number that must be there.
    pub(super) fn required(&self, at: Element<'_, '_>, key: &str) -> Result<f64, Refused> {
        self.text(at, key)?;
        self.number(at, key, 0.0)
    }
}

/// The elements of that name directly below another.
pub(super) fn children<'a, 'i>(
    of: Element<'a, 'i>,
    tag: &'static str,
) -> impl Iterator<Item = Element<'a, 'i>> {
    of.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_depths_are_refused() {
        let bomb = "<!DOCTYPE net [<!ENTITY a \"aaaa\">]><net>&a;</net>";
        assert!(
            document(bomb)
                .unwrap_err()
                .to_string()
                .contains("is not XML")
        );
        let deep = "<a>".repeat(100_000);
        assert!(document(&deep).unwrap_err().to_string().contains("deep"));
        let wide = format!("<net>{}</net>", "<a b='1'/>".repeat(1000));
        assert!(document(&wide).is_ok());
    }
}
