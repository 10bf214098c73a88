//! Where in a message something is, told without allocating: `spatFrame.intersections[0].phases[3]`.

use std::fmt;

/// Where in a message something is, in the names of its JSON view. Empty for the whole.
///
/// Steps are noted from the inside out, while a failure travels through the types around it, so
/// that nothing is paid for them where nothing fails.
#[derive(Clone, Copy)]
pub struct Path {
    /// The innermost first; those behind `len` mean nothing.
    steps: [Step; Path::DEEPEST],
    len: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A member or alternative, as `Type.member`.
    Member(&'static str),
    /// An element of a list, counted from 0.
    Element(u32),
}

impl Path {
    /// More steps than the deepest place of the message set has; `tests/emit.rs` counts them.
    pub const DEEPEST: usize = 20;

    /// No step.
    pub(crate) const EMPTY: Self = Self {
        steps: [Step::Element(0); Self::DEEPEST],
        len: 0,
    };

    /// The innermost member, as `Type.member` in ASN.1 names; empty outside of any.
    pub fn member(&self) -> &'static str {
        let members = self.steps().iter().find_map(|step| match step {
            Step::Member(member) => Some(*member),
            Step::Element(_) => None,
        });
        members.unwrap_or_default()
    }

    /// Whether it is the whole message.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One step further out.
    #[cold]
    pub(crate) fn within_member(&mut self, member: &'static str) {
        self.push(Step::Member(member));
    }

    /// The same for the element of a list.
    #[cold]
    pub(crate) fn within_element(&mut self, index: usize) {
        self.push(Step::Element(u32::try_from(index).unwrap_or(u32::MAX)));
    }

    fn push(&mut self, step: Step) {
        debug_assert!(usize::from(self.len) < Self::DEEPEST, "a deeper type");
        if let Some(slot) = self.steps.get_mut(usize::from(self.len)) {
            *slot = step;
            self.len += 1;
        }
    }

    fn steps(&self) -> &[Step] {
        self.steps.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Path {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.steps() == other.steps()
    }
}

impl Eq for Path {}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for step in self.steps().iter().rev() {
            match step {
                Step::Member(member) => {
                    if !std::mem::take(&mut first) {
                        f.write_str(".")?;
                    }
                    // The type's own name says nothing that the steps before do not.
                    f.write_str(member.rsplit('.').next().unwrap_or(member))?;
                }
                Step::Element(index) => {
                    first = false;
                    write!(f, "[{index}]")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_from_the_outside_in() {
        let mut path = Path::EMPTY;
        assert!(path.is_empty() && path.to_string().is_empty());
        path.within_member("Phase.id");
        path.within_element(3);
        path.within_member("IntersectionState.phases");
        path.within_element(0);
        path.within_member("SPAT.intersections");
        path.within_member("MessageFrame.spatFrame");
        assert_eq!(path.to_string(), "spatFrame.intersections[0].phases[3].id");
        assert_eq!(path.member(), "Phase.id");
    }

    #[test]
    fn a_list_without_a_member_around_it_begins_with_its_element() {
        let mut path = Path::EMPTY;
        path.within_member("Phase.id");
        path.within_element(3);
        assert_eq!(path.to_string(), "[3].id");
    }
}
